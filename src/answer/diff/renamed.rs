//! Namespaces that have another name than before and are the same otherwise.
//!
//! In: two sides. Out: the pairs that can only be these, and the old side with the new names: whatever
//! named the one names the other, so that the old side means what it meant. What a rule of the new side
//! still calls by the old name is then another namespace, and told as such.

use super::asked::Compared;
use crate::answer::explanation::PolicyReport;
use crate::cluster::{Labels, NAMESPACE_NAME_LABEL, Name, Namespace, ObjectRef, Pod, Snapshot};
use crate::policy::Ruleset;
use crate::policy::rule::{Namespaces, PeerKind, Peers, PodSet};
use crate::unwritten;
use foldhash::{HashMap, HashMapExt as _, HashSet};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

/// A namespace that was taken for one of another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RenamedReport {
    /// Its name on the old side.
    pub old: String,
    /// Its name on the new side.
    pub new: String,
}

/// The names that differ.
#[derive(Default)]
pub(super) struct Renamed {
    pairs: Vec<[Name; 2]>,
}

/// What a namespace is without its name: its labels, and what its policies and its workloads are.
struct Content {
    labels: Vec<(String, String)>,
    /// Name and meaning.
    policies: BTreeSet<(String, String)>,
    workloads: BTreeSet<String>,
}

impl Content {
    /// Whether one may be the other: the policies or the workloads are the same, and of what changed
    /// besides something is left.
    fn is_like(&self, other: &Self) -> bool {
        let [own, its] = [self, other]
            .map(|it| it.policies.iter().map(|(name, _)| name.as_str()).collect::<BTreeSet<_>>());
        let policies = self.policies == other.policies;
        let workloads = self.workloads == other.workloads;
        let some_policy = policies || !own.is_disjoint(&its);
        let some_workload = workloads || !self.workloads.is_disjoint(&other.workloads);
        let same =
            (policies && !self.policies.is_empty()) || (workloads && !self.workloads.is_empty());
        self.labels == other.labels && same && some_policy && some_workload
    }
}

impl Renamed {
    /// The namespaces that are written on one side only and have exactly one like them on the other.
    pub(super) fn of([old, new]: &[Compared<'_>; 2]) -> Self {
        let [gone, came] = [(old, new), (new, old)].map(|(side, other)| only(side, other));
        if gone.is_empty() || came.is_empty() || !(is_plain(old) && is_plain(new)) {
            return Self::default();
        }
        let [gone, came] = [(old, gone), (new, came)].map(|(side, names)| contents(side, &names));
        let like = |content: &Content, all: &HashMap<Name, Content>| -> Vec<Name> {
            let like = all.iter().filter(|(_, other)| content.is_like(other));
            like.map(|(name, _)| name.clone()).collect()
        };
        let mut pairs = Vec::new();
        for (name, content) in &gone {
            let [partner] = &like(content, &came)[..] else { continue };
            if came.get(partner).is_some_and(|it| like(it, &gone).len() == 1) {
                pairs.push([name.clone(), partner.clone()]);
            }
        }
        pairs.sort_unstable();
        Self { pairs }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub(super) fn told(&self) -> Vec<RenamedReport> {
        let all = self.pairs.iter();
        all.map(|[old, new]| RenamedReport { old: old.to_string(), new: new.to_string() }).collect()
    }

    /// What a namespace of the old side is called here; the new name was another's, if anyone's, which
    /// gets the old one.
    fn called(&self, name: &Name) -> Name {
        let found = self.pairs.iter().find_map(|[old, new]| {
            (name == old).then_some(new).or_else(|| (name == new).then_some(old))
        });
        found.unwrap_or(name).clone()
    }

    /// The old side with the new names.
    pub(super) fn apply(&self, snapshot: &Snapshot, rules: &Ruleset) -> (Snapshot, Ruleset) {
        let called = |name: &Name| self.called(name);
        (snapshot.with_namespaces_called(&called), rules.with_namespaces_called(&called))
    }

    /// An end of the old side as it is asked for there.
    pub(super) fn asked(&self, end: &str) -> String {
        let mut end = end.to_owned();
        for [old, new] in &self.pairs {
            if let Some(rest) = end.strip_prefix(&format!("{new}/")) {
                end = format!("{old}/{rest}");
                break;
            }
            let label = |name: &Name| format!("{NAMESPACE_NAME_LABEL}={name}");
            if let Some(at) = end.find(&label(new)) {
                let rest = at + label(new).len();
                if end[rest..].starts_with([',', ']']) {
                    end.replace_range(at..rest, &label(old));
                    break;
                }
            }
        }
        end
    }

    /// Policies of the old side by the names that they have there.
    pub(super) fn name_policies<'p>(&self, policies: impl Iterator<Item = &'p mut PolicyReport>) {
        for policy in policies {
            let Some(own) = &mut policy.namespace else { continue };
            if let Some([old, _]) = self.pairs.iter().find(|[_, new]| **new == **own) {
                *own = old.to_string();
            }
        }
    }
}

/// The namespaces that are written here and of which the other side has nothing.
fn only(side: &Compared<'_>, other: &Compared<'_>) -> Vec<Name> {
    let written = |it: &&Namespace| it.origin.is_some() && !it.labels_unread && !it.supposed;
    let all = side.snapshot.namespaces().filter(written);
    let own = |name: &Name| {
        let mut policies = other.rules.policies().iter();
        policies.any(|policy| policy.object.namespace.as_ref() == Some(name))
    };
    let only = all.filter(|it| other.snapshot.namespace(&it.name).is_none() && !own(&it.name));
    only.map(|it| it.name.clone()).collect()
}

/// Whether all of a side can be said with other names: NetworkPolicies that were read, and nothing that
/// was not.
fn is_plain(side: &Compared<'_>) -> bool {
    let Compared { snapshot, rules, .. } = side;
    let set = |set: &PodSet| set.doubt.is_none();
    let peer = |kind: &PeerKind| match kind {
        PeerKind::Pods(pods) => set(pods),
        PeerKind::Addresses(..) => true,
        PeerKind::Nodes(_)
        | PeerKind::Entities(_)
        | PeerKind::Names(_)
        | PeerKind::Combined(_)
        | PeerKind::Unresolved(..) => false,
    };
    snapshot.gaps.is_empty()
        && rules.rejected.is_empty()
        && rules.cilium().is_none()
        && rules.enforcer().calico().is_none()
        && !rules.traits().denies
        && !rules.cluster_wide_unread()
        && rules.unread_namespaces().next().is_none()
        && rules.policies().iter().all(|policy| {
            let peers = policy.entries.iter().all(|entry| match &entry.peers {
                Peers::Any => true,
                Peers::Of(all) => all.iter().all(|it| peer(&it.admits)),
            });
            peers && set(&policy.subject) && matches!(policy.subject.namespaces, Namespaces::Own(_))
        })
}

/// What each of these namespaces is without its name.
fn contents(side: &Compared<'_>, names: &[Name]) -> HashMap<Name, Content> {
    let wanted: HashSet<&Name> = names.iter().collect();
    let mut policies: HashMap<&Name, BTreeSet<(String, String)>> = HashMap::new();
    for policy in side.rules.policies() {
        if let Some(name) = policy.object.namespace.as_ref().filter(|name| wanted.contains(name)) {
            let key = (policy.object.name.to_string(), unwritten::meaning(policy, name));
            policies.entry(name).or_default().insert(key);
        }
    }
    let content = |name: &Name| {
        let labels = side.snapshot.namespace_labels(name).into_iter().flat_map(Labels::iter);
        let labels = labels.filter(|(key, _)| *key != NAMESPACE_NAME_LABEL);
        let workload = |object: &ObjectRef| format!("{}/{}", object.kind, object.name);
        let workloads = side.snapshot.workloads.within(name).map(|(_, it)| workload(&it.object));
        let alone = |pod: &Pod| pod.owner.is_none();
        let pods = side.snapshot.pods_in(name).filter(|(_, pod)| alone(pod));
        let pods = pods.map(|(_, pod)| workload(&pod.object()));
        Content {
            labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            policies: policies.get(name).cloned().unwrap_or_default(),
            workloads: workloads.chain(pods).collect(),
        }
    };
    names.iter().map(|name| (name.clone(), content(name))).collect()
}
