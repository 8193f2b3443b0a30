//! Who is at the ends of flows.
//!
//! In: the objects behind an end. Out: what answers call it: one end of a question or of a row, or the
//! many of a change.

use crate::cluster::{Bringer, Name, ObjectRef, PodId, Representative, Snapshot, real_namespace};
use crate::ends::{Endpoint, names};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// What an end is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub enum EndKind {
    /// Everyone in the cluster and outside.
    Anyone,
    /// Every pod.
    EveryPod,
    /// Addresses outside the cluster.
    Outside,
    /// An object, by its kind.
    #[serde(untagged)]
    Object(Name),
}

/// One end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndReport {
    /// How it is called in the answer; of a question, in a form that the command line takes back.
    pub label: String,
    /// What it is: `Anyone`, `EveryPod`, `Outside` or the kind of an object; absent of a question's
    /// address or name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<EndKind>,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The pods of it that are meant, where not all are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<String>,
    /// With `-o html`, of everyone who is known: the labels that all of its pods have.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The networks that are meant, where not all of the outside is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    /// It stands for pods that are written nowhere.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub representative: bool,
    /// The rules that are the reason for a representative.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brought_by: Vec<BroughtBy>,
    /// Equal for representatives that differ in nothing but their namespaces.
    #[serde(skip)]
    pub group: Option<String>,
}

/// The rule that is the reason for a representative.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BroughtBy {
    /// The kind of the policy.
    pub kind: String,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Field path of its rule, such as `spec.ingress[0]`; absent where it is the policy as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl BroughtBy {
    pub(super) fn of(bringer: &Bringer) -> Self {
        let object = &bringer.object;
        Self {
            kind: object.kind.to_string(),
            namespace: object.namespace.as_deref().map(Into::into),
            name: object.name.to_string(),
            field: (!bringer.path.is_empty()).then(|| bringer.path.to_string()),
        }
    }
}

impl EndReport {
    /// An end that is no object.
    pub(super) fn called(label: impl Into<String>, kind: Option<EndKind>) -> Self {
        Self {
            label: label.into(),
            kind,
            namespace: None,
            name: None,
            pods: Vec::new(),
            labels: BTreeMap::new(),
            networks: Vec::new(),
            representative: false,
            brought_by: Vec::new(),
            group: None,
        }
    }

    /// Pods that are written nowhere; with their namespace where it has a name.
    pub(super) fn supposed(of: &Representative, namespace: Option<&str>) -> Self {
        Self {
            namespace: namespace.map(Into::into),
            representative: true,
            brought_by: of.brought_by.iter().map(BroughtBy::of).collect(),
            group: Some(of.group.to_string()),
            ..Self::called(&*of.words, None)
        }
    }

    /// A pod that is written nowhere, with its namespace where that has a name.
    pub(super) fn representative(snapshot: &Snapshot, id: PodId, of: &Representative) -> Self {
        let namespace = real_namespace(&snapshot.pod(id).namespace);
        // That of any other namespace is no name.
        Self::supposed(of, of.words.contains(namespace).then_some(namespace))
    }

    /// What `list` calls an endpoint by: its workload, or what else people know it by.
    pub(super) fn endpoint(snapshot: &Snapshot, end: &Endpoint) -> Self {
        let object = match end {
            Endpoint::Pod(id) => {
                if let Some(of) = snapshot.representative(*id) {
                    return Self::representative(snapshot, *id, of);
                }
                names::workload(snapshot, snapshot.pod(*id))
            }
            Endpoint::Node(index) | Endpoint::NodeAddress(index, _) => {
                names::node(snapshot, *index)
            }
            Endpoint::Address(_) | Endpoint::Name(_) => {
                return Self::called(names::endpoint(snapshot, end), Some(EndKind::Outside));
            }
            Endpoint::Unseen(_) => return Self::called(names::endpoint(snapshot, end), None),
        };
        Self::of(object.to_string(), &object)
    }

    /// An object.
    pub(super) fn of(label: impl Into<String>, object: &ObjectRef) -> Self {
        Self {
            namespace: object.namespace.as_deref().map(Into::into),
            name: Some(object.name.to_string()),
            ..Self::called(label, Some(EndKind::Object(object.kind.clone())))
        }
    }

    /// Whether it is an object of a kind.
    pub fn is(&self, kind: &str) -> bool {
        matches!(&self.kind, Some(EndKind::Object(own)) if **own == *kind)
    }
}

/// One side of a change.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndsReport {
    /// All of it in words: `anyone`, `every pod of monitoring`, `monitoring/deploy/grafana`.
    pub label: String,
    /// The workloads, pods without one, and nodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MemberReport>,
    /// The addresses outside the cluster, as blocks or `FIRST-LAST`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
}

/// A workload, a pod without one, or a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberReport {
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// How many of its pods, where it is not all of them: `2 of 3`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<String>,
    /// It stands for pods that are written nowhere, and its name says for which.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub representative: bool,
    /// The rules that are the reason for a representative.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brought_by: Vec<BroughtBy>,
}

impl MemberReport {
    pub(super) fn of(object: &ObjectRef) -> Self {
        Self {
            kind: object.kind.to_string(),
            namespace: object.namespace.as_deref().map(Into::into),
            name: object.name.to_string(),
            pods: None,
            representative: false,
            brought_by: Vec::new(),
        }
    }

    /// Pods that are written nowhere; the namespace is that of a pod that has one which is known.
    pub(super) fn standing_for(of: &Representative, namespace: Option<&str>) -> Self {
        Self {
            kind: "Pod".to_owned(),
            namespace: namespace.map(Into::into),
            name: of.words.to_string(),
            pods: None,
            representative: true,
            brought_by: of.brought_by.iter().map(BroughtBy::of).collect(),
        }
    }
}
