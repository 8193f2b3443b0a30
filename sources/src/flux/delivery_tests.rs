use super::*;
use serde_json::{Value, json};

const ONE: &str = "main@sha1:1111111111111111111111111111111111111111";
const TWO: &str = "main@sha1:2222222222222222222222222222222222222222";

fn name() -> ObjectRef {
    ObjectRef::namespaced("Kustomization", "flux-system", "observability")
}

#[expect(clippy::unnecessary_wraps, reason = "it is what reading gives")]
fn read(object: Value) -> Answer {
    Ok(Some(serde_json::from_value(object).unwrap()))
}

fn condition(kind: &str, status: &str, reason: &str) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": format!("{reason} it says")})
}

/// A Kustomization that has applied `ONE`, with changes.
fn kustomization(change: impl FnOnce(&mut Value)) -> Answer {
    let mut object = json!({
        "metadata": {"name": "observability", "namespace": "flux-system", "generation": 3},
        "spec": {"path": "./k8s", "sourceRef": {"kind": "GitRepository", "name": "homekube"}},
        "status": {
            "observedGeneration": 3, "lastAppliedRevision": ONE,
            "conditions": [condition("Ready", "True", "ReconciliationSucceeded")],
        },
    });
    change(&mut object);
    read(object)
}

/// A source that has fetched a revision, with changes.
fn git(revision: &str, change: impl FnOnce(&mut Value)) -> Answer {
    let mut object = json!({
        "metadata": {"name": "homekube", "namespace": "flux-system", "generation": 1},
        "spec": {},
        "status": {
            "observedGeneration": 1, "artifact": {"revision": revision},
            "conditions": [condition("Ready", "True", "Succeeded")],
        },
    });
    change(&mut object);
    read(object)
}

fn as_is(_: &mut Value) {}

fn failing(reason: &str) -> Hindrance {
    Hindrance::Failing { reason: reason.into(), message: format!("{reason} it says") }
}

fn forbidden() -> live::Error {
    live::Error::Status {
        doing: "reading".into(),
        server: "s".into(),
        code: 403,
        message: "no".into(),
    }
}

/// Every state of a Kustomization by itself, its source being where it is.
#[test]
fn states_of_a_kustomization() {
    type Change = fn(&mut Value);
    let cases: [(&str, Change, DeliveryState, Vec<Hindrance>); 9] = [
        ("ready", as_is, DeliveryState::UpToDate, vec![]),
        (
            "suspended",
            |it| it["spec"]["suspend"] = json!(true),
            DeliveryState::Suspended,
            vec![Hindrance::Suspended],
        ),
        (
            "failing; observedGeneration moves on success only",
            |it| {
                it["status"]["conditions"] = json!([condition("Ready", "False", "BuildFailed")]);
                it["metadata"]["generation"] = json!(4);
            },
            DeliveryState::NotReady,
            vec![failing("BuildFailed")],
        ),
        (
            "stalled, with an older Ready",
            |it| {
                it["status"]["conditions"] = json!([
                    condition("Ready", "True", "ReconciliationSucceeded"),
                    condition("Stalled", "True", "AccessDenied"),
                ]);
            },
            DeliveryState::NotReady,
            vec![failing("AccessDenied")],
        ),
        (
            "at work",
            |it| it["status"]["conditions"] = json!([condition("Ready", "Unknown", "Progressing")]),
            DeliveryState::Reconciling,
            vec![Hindrance::Underway("Progressing it says".into())],
        ),
        (
            "changed a moment ago",
            |it| it["metadata"]["generation"] = json!(4),
            DeliveryState::Reconciling,
            vec![Hindrance::Unobserved],
        ),
        (
            "new",
            |it| it["status"] = json!({"lastAppliedRevision": ONE}),
            DeliveryState::Reconciling,
            vec![Hindrance::Unreported],
        ),
        (
            "suspended from the start",
            |it| {
                it["status"] = Value::Null;
                it["spec"]["suspend"] = json!(true);
            },
            DeliveryState::Suspended,
            vec![Hindrance::Suspended],
        ),
        (
            "going",
            |it| it["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z"),
            DeliveryState::Missing,
            vec![Hindrance::Going],
        ),
    ];
    for (what, change, state, hindrances) in cases {
        let source = git(ONE, as_is);
        let delivery = Delivery::of(name(), &kustomization(change), Some(&source));
        assert_eq!((delivery.state(), &delivery.hindrances), (state, &hindrances), "{what}");
        assert_eq!(delivery.object, name());
    }
}

#[test]
fn what_was_not_read() {
    let delivery = Delivery::of(name(), &Ok(None), None);
    assert_eq!(
        (delivery.state(), delivery.hindrances),
        (DeliveryState::Missing, vec![Hindrance::Gone])
    );
    let delivery = Delivery::of(name(), &Err(forbidden()), None);
    assert_eq!(delivery.state(), DeliveryState::Unknown);
    assert!(matches!(&delivery.hindrances[..], [Hindrance::Unread(why)] if why.contains("403")));
    let delivery = Delivery::of(name(), &kustomization(as_is), Some(&Err(forbidden())));
    assert_eq!((delivery.state(), delivery.is_behind()), (DeliveryState::Unknown, None));
    // Its own trouble is known all the same.
    let suspended = kustomization(|it| it["spec"]["suspend"] = json!(true));
    assert_eq!(
        Delivery::of(name(), &suspended, Some(&Err(forbidden()))).state(),
        DeliveryState::Suspended
    );
}

#[test]
fn behind_its_source() {
    let of = |change: fn(&mut Value), revision| {
        Delivery::of(name(), &kustomization(change), Some(&git(revision, as_is)))
    };
    let delivery = of(as_is, TWO);
    assert_eq!((delivery.state(), delivery.is_behind()), (DeliveryState::Behind, Some(true)));
    assert_eq!(delivery.source.unwrap().revision.as_deref(), Some(TWO));
    // Never applied at all.
    let never = of(|it| it["status"]["lastAppliedRevision"] = Value::Null, TWO);
    assert_eq!((never.state(), never.applied), (DeliveryState::Behind, None));
    // Why it is behind says more than that it is.
    let failed = |it: &mut Value| {
        it["status"]["conditions"] = json!([condition("Ready", "False", "BuildFailed")]);
    };
    let delivery = of(failed, TWO);
    assert_eq!((delivery.state(), delivery.is_behind()), (DeliveryState::NotReady, Some(true)));
    // One content under two names.
    let tag = "v1.0@sha1:1111111111111111111111111111111111111111";
    assert_eq!(of(as_is, tag).state(), DeliveryState::UpToDate);
}

#[test]
fn states_of_a_source() {
    let of = |source: Answer| {
        let delivery = Delivery::of(name(), &kustomization(as_is), Some(&source));
        (delivery.state(), delivery.source.unwrap().hindrances)
    };
    let failed = git(ONE, |it| {
        it["status"]["conditions"] = json!([condition("Ready", "False", "GitOperationFailed")]);
    });
    assert_eq!(of(failed), (DeliveryState::SourceNotReady, vec![failing("GitOperationFailed")]));
    let suspended = git(ONE, |it| it["spec"]["suspend"] = json!(true));
    assert_eq!(of(suspended), (DeliveryState::SourceNotReady, vec![Hindrance::Suspended]));
    assert_eq!(of(Ok(None)), (DeliveryState::SourceNotReady, vec![Hindrance::Gone]));
    let empty = git("", as_is);
    assert_eq!(of(empty), (DeliveryState::SourceNotReady, vec![Hindrance::Empty]));
    let changed = git(ONE, |it| it["metadata"]["generation"] = json!(2));
    assert_eq!(of(changed), (DeliveryState::Reconciling, vec![Hindrance::Unobserved]));
}

/// A HelmRelease has no source of its own that could be compared.
#[test]
fn a_helm_release_is_ready_or_not() {
    let name = || ObjectRef::namespaced("HelmRelease", "apps", "web");
    let of = |status: &str| {
        let conditions = json!([condition("Ready", status, "UpgradeFailed")]);
        read(json!({"metadata": {"generation": 1},
                    "status": {"observedGeneration": 1, "conditions": conditions}}))
    };
    assert_eq!(Delivery::of(name(), &of("True"), None).state(), DeliveryState::UpToDate);
    let failed = Delivery::of(name(), &of("False"), None);
    assert_eq!(
        (failed.state(), failed.hindrances),
        (DeliveryState::NotReady, vec![failing("UpgradeFailed")])
    );
}

#[test]
fn revisions_are_shown_short() {
    for (revision, expected) in [
        (ONE, "main@sha1:11111111"),
        ("sha1:5e3c2f1aaa", "sha1:5e3c2f1a"),
        ("latest@sha256:0123456789abcdef", "latest@sha256:01234567"),
        ("main/0123456789abcdef", "main/0123456789abcdef"),
        ("1.2.3", "1.2.3"),
        ("a:b:größe-größe", "a:b:größe-größe"),
        ("", ""),
    ] {
        assert_eq!(short(revision), expected);
    }
}

#[test]
fn messages_are_bounded() {
    let long = kustomization(|it| {
        let mut ready = condition("Ready", "False", "BuildFailed");
        ready["message"] = json!(format!("first\nsecond {}", "word ".repeat(5000)));
        it["status"]["conditions"] = json!([ready]);
    });
    let delivery = Delivery::of(name(), &long, None);
    let [Hindrance::Failing { message, .. }] = &delivery.hindrances[..] else { panic!() };
    assert!(message.starts_with("first second word word"), "{message}");
    assert!(message.len() < 1100 && message.ends_with(" …"), "{}", message.len());
}
