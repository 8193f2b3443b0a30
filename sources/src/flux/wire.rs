//! Flux's objects as its API writes them, cut down to what is read.
//!
//! Every field may be absent or null. Sources: api/v1 of kustomize-controller, source-controller and
//! api/v2 of helm-controller.

use crate::live::Target;
use netpol::cluster::{Name, ObjectRef};
use netpol::kinds::name_in_group;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// Where a request to reconcile is written, and what its value is compared with.
pub(super) const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// The kinds that are read, each with its group and version, its plural, and the word that `flux
/// suspend`, `resume` and `reconcile` take for it.
///
/// An older Flux serves `OCIRepository` and Bucket as v1beta2 only.
const KINDS: [(&str, &[&str], &str, &str); 6] = [
    ("Kustomization", &["kustomize.toolkit.fluxcd.io/v1"], "kustomizations", "kustomization"),
    ("HelmRelease", &["helm.toolkit.fluxcd.io/v2"], "helmreleases", "helmrelease"),
    ("GitRepository", &["source.toolkit.fluxcd.io/v1"], "gitrepositories", "source git"),
    (
        "OCIRepository",
        &["source.toolkit.fluxcd.io/v1", "source.toolkit.fluxcd.io/v1beta2"],
        "ocirepositories",
        "source oci",
    ),
    (
        "Bucket",
        &["source.toolkit.fluxcd.io/v1", "source.toolkit.fluxcd.io/v1beta2"],
        "buckets",
        "source bucket",
    ),
    // It has no controller of Flux's, and so nothing to suspend or to reconcile.
    ("ExternalArtifact", &["source.toolkit.fluxcd.io/v1"], "externalartifacts", ""),
];

/// Where an object of Flux is read, by its versions from new to old; empty: not a kind that is known.
pub(super) fn targets(object: &ObjectRef) -> Vec<Target> {
    let Some((_, apis, plural, _)) = KINDS.iter().find(|(kind, ..)| *kind == &*object.kind) else {
        return Vec::new();
    };
    let of = |api: &&str| {
        let all = Target::of(*api, *plural);
        let all = match &object.namespace {
            Some(namespace) => all.within(&**namespace),
            None => all,
        };
        all.named(&*object.name)
    };
    apis.iter().map(of).collect()
}

/// All Kustomizations.
pub(super) fn kustomizations() -> Target {
    Target::of("kustomize.toolkit.fluxcd.io/v1", "kustomizations")
}

/// What the Flux CLI calls a kind; `None`: it has no such command.
pub(super) fn command(kind: &str) -> Option<&'static str> {
    let found = KINDS.iter().find(|(known, ..)| *known == kind);
    found.map(|(.., word)| *word).filter(|word| !word.is_empty())
}

/// `metadata` as far as it is read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    pub(super) name: Option<Name>,
    pub(super) namespace: Option<Name>,
    generation: Option<i64>,
    deletion_timestamp: Option<IgnoredAny>,
    annotations: Option<BTreeMap<String, Option<String>>>,
}

/// Anything that Flux reconciles: the fields of all of its kinds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FluxObject {
    pub(super) metadata: Metadata,
    pub(super) spec: Option<Spec>,
    pub(super) status: Option<Status>,
}

/// `spec`; all but `suspend` are of Kustomizations only.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    suspend: Option<bool>,
    source_ref: Option<SourceRef>,
    pub(super) path: Option<String>,
    prune: Option<bool>,
    kube_config: Option<IgnoredAny>,
}

/// `spec.sourceRef`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct SourceRef {
    kind: Option<Name>,
    namespace: Option<Name>,
    name: Option<Name>,
}

/// `status`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    observed_generation: Option<i64>,
    conditions: Option<Vec<Condition>>,
    last_handled_reconcile_at: Option<String>,
    last_applied_revision: Option<String>,
    /// Of a source.
    artifact: Option<Artifact>,
    /// Of a Kustomization.
    inventory: Option<Inventory>,
}

/// One of `status.conditions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    kind: Option<String>,
    pub(super) status: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Artifact {
    revision: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Inventory {
    entries: Option<Vec<InventoryEntry>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct InventoryEntry {
    id: Option<String>,
}

impl FluxObject {
    /// A condition by its type.
    pub(super) fn condition(&self, kind: &str) -> Option<&Condition> {
        let mut all = self.status.as_ref()?.conditions.iter().flatten();
        all.find(|condition| condition.kind.as_deref() == Some(kind))
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.spec.as_ref().is_some_and(|spec| spec.suspend == Some(true))
    }

    pub(super) fn is_going(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// Whether its controller has seen its present spec; `None`: it tells no generation.
    pub(super) fn is_observed(&self) -> Option<bool> {
        let observed = self.status.as_ref().and_then(|status| status.observed_generation);
        self.metadata.generation.map(|generation| observed == Some(generation))
    }

    /// The revision that it has applied.
    pub(super) fn applied(&self) -> Option<&str> {
        filled(self.status.as_ref()?.last_applied_revision.as_ref())
    }

    /// The revision that it has fetched, where it is a source.
    pub(super) fn fetched(&self) -> Option<&str> {
        filled(self.status.as_ref()?.artifact.as_ref()?.revision.as_ref())
    }

    /// The request to reconcile that its controller has handled.
    pub(super) fn handled(&self) -> Option<&str> {
        filled(self.status.as_ref()?.last_handled_reconcile_at.as_ref())
    }

    /// The request to reconcile that was written last.
    pub(super) fn requested(&self) -> Option<&str> {
        filled(self.metadata.annotations.as_ref()?.get(REQUESTED_AT)?.as_ref())
    }

    /// The source of a Kustomization, which is in its own namespace unless it says otherwise.
    pub(super) fn source(&self) -> Option<ObjectRef> {
        let source = self.spec.as_ref()?.source_ref.as_ref()?;
        Some(ObjectRef {
            kind: source.kind.clone()?,
            namespace: source.namespace.clone().or_else(|| self.metadata.namespace.clone()),
            name: source.name.clone()?,
        })
    }

    /// Whether it applies to another cluster than its own.
    pub(super) fn is_remote(&self) -> bool {
        self.spec.as_ref().is_some_and(|spec| spec.kube_config.is_some())
    }

    /// Whether what it made before and does not make any more is removed.
    pub(super) fn prunes(&self) -> bool {
        self.spec.as_ref().is_some_and(|spec| spec.prune == Some(true))
    }

    /// What it has made.
    ///
    /// Source: `ObjMetadata` of cli-utils: `namespace_name_group_kind`, the namespace empty where there
    /// is none, and a colon of a name written as two underscores.
    pub(super) fn inventory(&self) -> impl Iterator<Item = ObjectRef> {
        let inventory = self.status.as_ref().and_then(|status| status.inventory.as_ref());
        let entries = inventory.and_then(|inventory| inventory.entries.as_ref());
        entries.into_iter().flatten().filter_map(|entry| {
            let (namespace, rest) = entry.id.as_ref()?.split_once('_')?;
            let (rest, kind) = rest.rsplit_once('_')?;
            let (name, group) = rest.rsplit_once('_')?;
            Some(ObjectRef {
                kind: name_in_group(group, kind),
                namespace: (!namespace.is_empty()).then(|| namespace.into()),
                name: name.replace("__", ":").into(),
            })
        })
    }
}

fn filled(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: serde_json::Value) -> FluxObject {
        serde_json::from_value(value).unwrap()
    }

    /// docs/semantics/flux.md#inventory: entries id `ns_name_group_Kind`; cluster-scoped starts with
    /// `_`.
    #[test]
    fn inventory_entries() {
        let kustomization = object(json!({"status": {"inventory": {"entries": [
            {"id": "monitoring_allow-dns-egress_networking.k8s.io_NetworkPolicy", "v": "v1"},
            {"id": "_monitoring__Namespace", "v": "v1"},
            {"id": "monitoring_allow-dns-egress_crd.projectcalico.org_NetworkPolicy", "v": "v1"},
            {"id": "_system__node_rbac.authorization.k8s.io_ClusterRole", "v": "v1"},
            {"id": "x"}, {"id": null}, {}, {"id": "a_b"},
        ]}}}));
        let shown: Vec<String> = kustomization.inventory().map(|o| o.to_string()).collect();
        assert_eq!(
            shown,
            [
                "monitoring/netpol/allow-dns-egress",
                "ns/monitoring",
                "monitoring/caliconetworkpolicy/allow-dns-egress",
                "clusterrole/system:node"
            ]
        );
    }

    #[test]
    fn null_is_absent() {
        for value in [
            json!({}),
            json!({"spec": null, "status": null}),
            json!({"status": {"conditions": null, "inventory": null, "artifact": null}}),
            json!({"status": {"inventory": {"entries": null}, "artifact": {"revision": ""}}}),
        ] {
            let object = object(value);
            assert_eq!(object.inventory().count(), 0);
            assert_eq!((object.fetched(), object.applied(), object.handled()), (None, None, None));
            assert!(object.condition("Ready").is_none() && !object.is_suspended());
            assert!(object.source().is_none());
        }
    }

    #[test]
    fn a_source_is_in_the_namespace_of_its_kustomization() {
        let of = |source: serde_json::Value| {
            let object = object(json!({
                "metadata": {"name": "a", "namespace": "here"}, "spec": {"sourceRef": source},
            }));
            object.source().map(|source| source.to_string())
        };
        let git = of(json!({"kind": "GitRepository", "name": "x"}));
        assert_eq!(git.as_deref(), Some("here/gitrepository/x"));
        let oci = of(json!({"kind": "OCIRepository", "name": "x", "namespace": "there"}));
        assert_eq!(oci.as_deref(), Some("there/ocirepository/x"));
        assert_eq!(of(json!({"kind": "GitRepository"})), None);
    }
}
