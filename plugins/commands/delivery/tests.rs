use super::*;

const ONE: &str = "main@sha1:1111111111111111111111111111111111111111";
const TWO: &str = "main@sha1:2222222222222222222222222222222222222222";

fn delivery(
    hindrances: Vec<Hindrance>,
    applied: Option<&str>,
    source: impl Into<Option<SourceState>>,
) -> Delivery {
    Delivery {
        object: ObjectRef::namespaced("Kustomization", "flux-system", "apps"),
        hindrances,
        applied: applied.map(Into::into),
        source: source.into(),
        remote: false,
        made: Vec::new(),
        prunes: true,
        path: None,
    }
}

fn source(revision: &str, hindrances: Vec<Hindrance>) -> SourceState {
    let object = ObjectRef::namespaced("GitRepository", "flux-system", "home");
    let revision = Some(revision.to_owned()).filter(|revision| !revision.is_empty());
    SourceState { object, hindrances, revision }
}

fn told(delivery: Delivery) -> (String, Option<String>) {
    let delivered = Delivered { delivery, policies: Vec::new(), missing: Vec::new() };
    let report = super::told(&delivered);
    (report.message, report.next)
}

fn failing(reason: &str, message: &str) -> Hindrance {
    Hindrance::Failing { reason: reason.into(), message: message.into() }
}

#[test]
fn sentences() {
    let cases = [
        (
            delivery(vec![], None, source(TWO, vec![])),
            "Kustomization flux-system/apps has applied nothing yet of GitRepository \
             flux-system/home, which is at main@sha1:22222222.",
        ),
        (
            delivery(vec![Hindrance::Unreported], None, source(TWO, vec![])),
            "Kustomization flux-system/apps has applied nothing yet of GitRepository \
             flux-system/home, which is at main@sha1:22222222, because it was never looked at: its \
             controller may not run.",
        ),
        (
            delivery(vec![failing("BuildFailed", "no such file.")], Some(ONE), source(ONE, vec![])),
            "Kustomization flux-system/apps has applied main@sha1:11111111, all that GitRepository \
             flux-system/home has; it fails with BuildFailed: no such file.",
        ),
        (
            delivery(vec![failing("", "")], Some(ONE), None),
            "Kustomization flux-system/apps last applied main@sha1:11111111; it fails.",
        ),
        (
            delivery(vec![Hindrance::Unobserved], Some(ONE), source(TWO, vec![])),
            "Kustomization flux-system/apps last applied main@sha1:11111111 and not yet \
             main@sha1:22222222 of GitRepository flux-system/home, because it was changed, which its \
             controller has not seen yet.",
        ),
        // What a source fails at is no reason not to apply what it has.
        (
            delivery(vec![], Some(ONE), source(TWO, vec![failing("GitOperationFailed", "x")])),
            "Kustomization flux-system/apps last applied main@sha1:11111111 and not yet \
             main@sha1:22222222 of GitRepository flux-system/home; GitRepository flux-system/home \
             fails with GitOperationFailed: x.",
        ),
        (
            delivery(vec![], Some(ONE), source("", vec![Hindrance::Empty])),
            "Kustomization flux-system/apps last applied main@sha1:11111111; GitRepository \
             flux-system/home has fetched nothing.",
        ),
        (
            delivery(vec![], None, source("", vec![Hindrance::Gone])),
            "Kustomization flux-system/apps tells no revision that it has applied; GitRepository \
             flux-system/home does not exist.",
        ),
        (
            delivery(vec![Hindrance::Going], Some(ONE), source(ONE, vec![])),
            "Kustomization flux-system/apps has applied main@sha1:11111111, all that GitRepository \
             flux-system/home has; it is being deleted.",
        ),
        (
            delivery(vec![Hindrance::Unread("no rights".into())], None, None),
            "Of Kustomization flux-system/apps: it could not be read: no rights.",
        ),
        (
            Delivery {
                remote: true,
                ..delivery(vec![Hindrance::Underway(String::new())], Some(ONE), source(ONE, vec![]))
            },
            "Kustomization flux-system/apps has applied main@sha1:11111111, all that GitRepository \
             flux-system/home has, in another cluster than this; it is at work.",
        ),
        (
            Delivery {
                object: ObjectRef::namespaced("HelmRelease", "apps", "web"),
                ..delivery(vec![], None, None)
            },
            "HelmRelease apps/web is ready.",
        ),
    ];
    for (delivery, message) in cases {
        assert_eq!(told(delivery).0, message);
    }
}

#[test]
fn what_to_do_next() {
    let next = |delivery| told(delivery).1.unwrap_or_default();
    let behind = |of_source| delivery(vec![], Some(ONE), source(TWO, of_source));
    assert_eq!(next(behind(vec![])), "Add --reconcile to have Flux apply it now.");
    let resume = "`flux resume source git home -n flux-system` lets its source go on.";
    assert_eq!(next(behind(vec![Hindrance::Suspended])), resume);
    assert_eq!(next(delivery(vec![], Some(ONE), source(ONE, vec![Hindrance::Suspended]))), resume);
    assert_eq!(next(delivery(vec![], Some(ONE), source(ONE, vec![]))), "");
    let helm = Delivery {
        object: ObjectRef::namespaced("HelmRelease", "apps", "web"),
        ..delivery(vec![Hindrance::Suspended], None, None)
    };
    assert_eq!(next(helm), "`flux resume helmrelease web -n apps` lets it go on.");
}
