//! Which lists hold the names that a word may be completed to.
//!
//! In: the sort of name that is wanted, what was typed of it, and the namespace of names without one.
//! Out: the lists, each with what stands before and behind its names. This is pure; `names.rs` reads.

use netpol::cluster::{kind_from_word, kind_word};
use netpol::kinds::{Kind, Role};

/// A sort of name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// `NAMESPACE`
    Namespace,
    /// An end of a flow: `NAME`, `KIND/NAME`, `NAMESPACE/KIND/NAME` and so on.
    End,
    /// `NAMESPACE/svc/NAME`
    Service,
    /// `netpol/NAME`, `NAMESPACE/netpol/NAME`
    Policy,
    /// A Kustomization of Flux.
    Kustomization,
}

/// A resource of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    /// Its kind.
    pub(super) kind: &'static str,
    /// Group and version.
    pub(super) api: &'static str,
    /// The plural name.
    pub(super) plural: &'static str,
    /// Whether its objects are in namespaces.
    pub(super) namespaced: bool,
}

impl From<Kind> for Resource {
    fn from(kind: Kind) -> Self {
        let namespaced = !kind.is_cluster_scoped();
        Self { kind: kind.as_str(), api: kind.api_version(), plural: kind.plural(), namespaced }
    }
}

const KUSTOMIZATION: Resource = Resource {
    kind: "Kustomization",
    api: "kustomize.toolkit.fluxcd.io/v1",
    plural: "kustomizations",
    namespaced: true,
};

/// What a connection starts and ends at, as people name it.
const ENDS: &[Kind] = &[
    Kind::Service,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::CronJob,
    Kind::Job,
    Kind::Pod,
];

/// A list whose names fit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// Of what.
    pub(super) resource: Resource,
    /// Where; `None` for what is in no namespace.
    pub(super) namespace: Option<String>,
    /// What stands before a name.
    pub(super) before: String,
    /// What stands behind it.
    pub(super) after: &'static str,
}

/// The lists for a word.
pub(super) fn plan(sort: Sort, typed: &str, own: &str) -> Vec<Ask> {
    let (namespaces, nodes) = (Kind::Namespace.into(), Kind::Node.into());
    let ends = |kinds: &[Kind]| kinds.iter().copied().map(Resource::from).collect();
    let kinds: Vec<Resource> = match sort {
        Sort::Namespace => return vec![all(namespaces, "", "")],
        Sort::Kustomization => return vec![within(KUSTOMIZATION, own, "")],
        Sort::End => ends(ENDS),
        Sort::Service => ends(&[Kind::Service]),
        Sort::Policy => Kind::policies()
            .filter(|kind| matches!(kind.role(), Role::Policy(..)))
            .map(Resource::from)
            .collect(),
    };
    let parts: Vec<&str> = typed.split('/').collect();
    match parts.as_slice() {
        [word] => {
            let mut asks: Vec<Ask> = match sort {
                Sort::Service => Vec::new(),
                _ => kinds.iter().map(|kind| of_kind(*kind, own, "")).collect(),
            };
            if sort == Sort::End && !word.is_empty() {
                asks.extend(kinds.iter().map(|kind| within(*kind, own, "")));
            }
            asks.push(all(namespaces, "", "/"));
            asks
        }
        [kind, _] if kind_from_word(kind).is_some() => {
            let before = format!("{kind}/");
            match kind_from_word(kind) {
                Some("Namespace") if sort == Sort::End => vec![all(namespaces, &before, "")],
                Some("Node") if sort == Sort::End => vec![all(nodes, &before, "")],
                known => kinds
                    .iter()
                    .filter(|resource| Some(resource.kind) == known && sort != Sort::Service)
                    .map(|resource| within(*resource, own, &before))
                    .collect(),
            }
        }
        [namespace, word] => {
            let before = format!("{namespace}/");
            let there = || kinds.iter().filter(|resource| resource.namespaced);
            let mut asks: Vec<Ask> =
                there().map(|resource| of_kind(*resource, namespace, &before)).collect();
            if sort == Sort::End && !word.is_empty() {
                asks.extend(there().map(|resource| within(*resource, namespace, &before)));
            }
            asks
        }
        [namespace, kind, _] => {
            let known = kind_from_word(kind);
            let there = |resource: &&Resource| resource.namespaced && Some(resource.kind) == known;
            let before = format!("{namespace}/{kind}/");
            kinds
                .iter()
                .filter(there)
                .map(|resource| within(*resource, namespace, &before))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn all(resource: Resource, before: &str, after: &'static str) -> Ask {
    Ask { resource, namespace: None, before: before.to_owned(), after }
}

fn within(resource: Resource, namespace: &str, before: &str) -> Ask {
    let namespace = resource.namespaced.then(|| namespace.to_owned());
    Ask { resource, namespace, before: before.to_owned(), after: "" }
}

/// Names with their kind before them.
fn of_kind(resource: Resource, namespace: &str, before: &str) -> Ask {
    within(resource, namespace, &format!("{before}{}/", kind_word(resource.kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(sort: Sort, typed: &str) -> Vec<String> {
        let said = |ask: &Ask| {
            let place = ask.namespace.as_deref().unwrap_or("*");
            format!("{place} {}: {}…{}", ask.resource.plural, ask.before, ask.after)
        };
        plan(sort, typed, "own").iter().map(said).collect()
    }

    #[test]
    fn the_forms_of_a_name() {
        assert_eq!(asked(Sort::Namespace, "x"), ["* namespaces: …"]);
        assert_eq!(asked(Sort::Kustomization, ""), ["own kustomizations: …"]);
        assert_eq!(asked(Sort::End, "deployment/x"), ["own deployments: deployment/…"]);
        assert_eq!(asked(Sort::End, "shop/svc/x"), ["shop services: shop/svc/…"]);
        assert_eq!(asked(Sort::End, "node/"), ["* nodes: node/…"]);
        assert_eq!(asked(Sort::End, "ns/"), ["* namespaces: ns/…"]);
        assert_eq!(asked(Sort::Service, "sh"), ["* namespaces: …/"]);
        assert_eq!(asked(Sort::Service, "shop/"), ["shop services: shop/svc/…"]);
        assert_eq!(asked(Sort::Policy, "anp/"), ["* adminnetworkpolicies: anp/…"]);
        assert_eq!(asked(Sort::Policy, "shop/netpol/"), ["shop networkpolicies: shop/netpol/…"]);
        let first = asked(Sort::End, "");
        assert_eq!(first.first().unwrap(), "own services: svc/…");
        assert_eq!(first.last().unwrap(), "* namespaces: …/");
        assert!(asked(Sort::End, "gra").contains(&"own deployments: …".to_owned()));
        for none in ["http://a/b/c", "a/b/c/d", "a/nonsense/c", "shop/netpol/x"] {
            assert!(asked(Sort::End, none).is_empty(), "{none}");
        }
    }
}
