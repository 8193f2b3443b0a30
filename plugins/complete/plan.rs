//! Which lists hold the names that a word may be completed to.
//!
//! In: the sort of name that is wanted, what was typed of it, and the namespace of names without one.
//! Out: the lists, each with what stands before and behind its names. This is pure; `names.rs` reads.

use netpol::cluster::{kind_from_word, kind_word};

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
#[derive(Debug, PartialEq, Eq)]
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

const fn namespaced(kind: &'static str, api: &'static str, plural: &'static str) -> Resource {
    Resource { kind, api, plural, namespaced: true }
}

const fn cluster(kind: &'static str, api: &'static str, plural: &'static str) -> Resource {
    Resource { kind, api, plural, namespaced: false }
}

const NAMESPACE: Resource = cluster("Namespace", "v1", "namespaces");
const NODE: Resource = cluster("Node", "v1", "nodes");
const SERVICE: Resource = namespaced("Service", "v1", "services");
const KUSTOMIZATION: Resource =
    namespaced("Kustomization", "kustomize.toolkit.fluxcd.io/v1", "kustomizations");

/// What a connection starts and ends at, as people name it.
const ENDS: &[Resource] = &[
    SERVICE,
    namespaced("Deployment", "apps/v1", "deployments"),
    namespaced("StatefulSet", "apps/v1", "statefulsets"),
    namespaced("DaemonSet", "apps/v1", "daemonsets"),
    namespaced("CronJob", "batch/v1", "cronjobs"),
    namespaced("Job", "batch/v1", "jobs"),
    namespaced("Pod", "v1", "pods"),
];

const POLICIES: &[Resource] = &[
    namespaced("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies"),
    namespaced("CiliumNetworkPolicy", "cilium.io/v2", "ciliumnetworkpolicies"),
    cluster("CiliumClusterwideNetworkPolicy", "cilium.io/v2", "ciliumclusterwidenetworkpolicies"),
    cluster("ClusterNetworkPolicy", "policy.networking.k8s.io/v1alpha2", "clusternetworkpolicies"),
    cluster("AdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1", "adminnetworkpolicies"),
    cluster(
        "BaselineAdminNetworkPolicy",
        "policy.networking.k8s.io/v1alpha1",
        "baselineadminnetworkpolicies",
    ),
];

/// A list whose names fit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// Of what.
    pub(super) resource: &'static Resource,
    /// Where; `None` for what is in no namespace.
    pub(super) namespace: Option<String>,
    /// What stands before a name.
    pub(super) before: String,
    /// What stands behind it.
    pub(super) after: &'static str,
}

/// The lists for a word.
pub(super) fn plan(sort: Sort, typed: &str, own: &str) -> Vec<Ask> {
    let kinds: &'static [Resource] = match sort {
        Sort::Namespace => return vec![all(&NAMESPACE, "", "")],
        Sort::Kustomization => return vec![within(&KUSTOMIZATION, own, "")],
        Sort::End => ENDS,
        Sort::Service => &ENDS[..1],
        Sort::Policy => POLICIES,
    };
    let parts: Vec<&str> = typed.split('/').collect();
    match parts.as_slice() {
        [word] => {
            let mut asks: Vec<Ask> = match sort {
                Sort::Service => Vec::new(),
                _ => kinds.iter().map(|kind| of_kind(kind, own, "")).collect(),
            };
            if sort == Sort::End && !word.is_empty() {
                asks.extend(kinds.iter().map(|kind| within(kind, own, "")));
            }
            asks.push(all(&NAMESPACE, "", "/"));
            asks
        }
        [kind, _] if kind_from_word(kind).is_some() => {
            let before = format!("{kind}/");
            match kind_from_word(kind) {
                Some("Namespace") if sort == Sort::End => vec![all(&NAMESPACE, &before, "")],
                Some("Node") if sort == Sort::End => vec![all(&NODE, &before, "")],
                known => kinds
                    .iter()
                    .filter(|resource| Some(resource.kind) == known && sort != Sort::Service)
                    .map(|resource| within(resource, own, &before))
                    .collect(),
            }
        }
        [namespace, word] => {
            let before = format!("{namespace}/");
            let there = || kinds.iter().filter(|resource| resource.namespaced);
            let mut asks: Vec<Ask> =
                there().map(|resource| of_kind(resource, namespace, &before)).collect();
            if sort == Sort::End && !word.is_empty() {
                asks.extend(there().map(|resource| within(resource, namespace, &before)));
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
                .map(|resource| within(resource, namespace, &before))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn all(resource: &'static Resource, before: &str, after: &'static str) -> Ask {
    Ask { resource, namespace: None, before: before.to_owned(), after }
}

fn within(resource: &'static Resource, namespace: &str, before: &str) -> Ask {
    let namespace = resource.namespaced.then(|| namespace.to_owned());
    Ask { resource, namespace, before: before.to_owned(), after: "" }
}

/// Names with their kind before them.
fn of_kind(resource: &'static Resource, namespace: &str, before: &str) -> Ask {
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
