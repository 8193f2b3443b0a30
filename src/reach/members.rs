//! The ends inside a cluster, and which of two sides' ends are the same.
//!
//! In: one side, or two. Out: a [`Member`] for each pod that has not finished and each node. The same
//! pod has the same name. A pod whose name the other side does not have is the same as one of its
//! workload there: a rollout gives every pod of a Deployment a new name. Templates are the same as
//! templates only, since of their pods hardly anything is known.

use super::End;
use super::side::Side;
use crate::cluster::{Name, ObjectRef, Pod, Snapshot};
use foldhash::{HashMap, HashMapExt as _};
use std::hash::Hash;

/// The same end on either side; `None` on the side that does not have it.
pub(super) type Member = [Option<Inside>; 2];

/// An end inside the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Inside {
    Pod(usize),
    Node(usize),
}

impl From<Inside> for End {
    fn from(inside: Inside) -> Self {
        match inside {
            Inside::Pod(pod) => Self::Pod(pod),
            Inside::Node(node) => Self::Node(node),
        }
    }
}

/// Labels that controllers set anew with every version of a workload.
const OF_VERSIONS: [&str; 3] =
    ["pod-template-hash", "rollouts-pod-template-hash", "controller-revision-hash"];

/// Every end inside, the same ends of two sides together.
pub(super) fn members(sides: &[Side<'_>]) -> Vec<Member> {
    let [first, rest @ ..] = sides else { return Vec::new() };
    let mut all: Vec<Member> = Vec::new();
    all.extend(running(first).map(|(id, _)| [Some(Inside::Pod(id)), None]));
    all.extend((0..first.snapshot.nodes.len()).map(|node| [Some(Inside::Node(node)), None]));
    let [second] = rest else { return all };
    let mut new: Vec<(usize, &Pod)> = running(second).collect();
    let (from, to) = (first.snapshot, second.snapshot);
    join(&mut all, from, &mut new, &|old, pod| Some(named(if old { from } else { to }, pod)));
    // Those of one version first: of a canary's pods some are alike, others are not.
    let workload = |old, pod| workload(if old { from } else { to }, pod);
    join(&mut all, from, &mut new, &|old, pod| Some((workload(old, pod)?, lasting_labels(pod))));
    join(&mut all, from, &mut new, &workload);
    all.extend(new.into_iter().map(|(id, _)| [None, Some(Inside::Pod(id))]));
    let mut nodes: HashMap<&Name, Vec<usize>> = HashMap::new();
    for (at, member) in all.iter().enumerate().rev() {
        if let Some(Inside::Node(node)) = member[0] {
            nodes.entry(&from.nodes[node].name).or_default().push(at);
        }
    }
    for (node, written) in to.nodes.iter().enumerate() {
        match nodes.get_mut(&written.name).and_then(Vec::pop) {
            Some(at) => all[at][1] = Some(Inside::Node(node)),
            None => all.push([None, Some(Inside::Node(node))]),
        }
    }
    all
}

fn running<'a>(side: &Side<'a>) -> impl Iterator<Item = (usize, &'a Pod)> {
    side.snapshot.pods().iter().enumerate().filter(|(_, pod)| !pod.finished)
}

/// Joins pods whose keys are equal, one to one and in order, and takes them out of `new`. The key of
/// a pod is asked for with whether it is of the old side.
fn join<'a, K: Eq + Hash>(
    all: &mut [Member],
    from: &'a Snapshot,
    new: &mut Vec<(usize, &'a Pod)>,
    key: &impl Fn(bool, &'a Pod) -> Option<K>,
) {
    if new.is_empty() {
        return;
    }
    let mut known: HashMap<K, Vec<usize>> = HashMap::new();
    for (at, member) in all.iter().enumerate().rev() {
        if let [Some(Inside::Pod(pod)), None] = member
            && let Some(key) = key(true, from.pod(*pod))
        {
            known.entry(key).or_default().push(at);
        }
    }
    new.retain(|(id, pod)| {
        let same = key(false, pod).and_then(|key| known.get_mut(&key)?.pop());
        if let Some(at) = same {
            all[at][1] = Some(Inside::Pod(*id));
        }
        same.is_none()
    });
}

/// A pod by its name, a template by its workload.
fn named<'a>(
    snapshot: &'a Snapshot,
    pod: &'a Pod,
) -> (&'a str, &'a str, bool, Option<&'a ObjectRef>) {
    let owner = pod.owner.filter(|_| pod.template);
    let owner = owner.and_then(|owner| snapshot.workloads.get(owner));
    (&*pod.namespace, &*pod.name, pod.template, owner.map(|owner| &owner.object))
}

/// The workload of a pod that is no template.
fn workload<'a>(snapshot: &'a Snapshot, pod: &'a Pod) -> Option<&'a ObjectRef> {
    let owner = pod.owner.filter(|_| !pod.template)?;
    snapshot.workloads.get(owner).map(|owner| &owner.object)
}

/// What a pod's labels say of it, whichever version of its workload it is.
fn lasting_labels(pod: &Pod) -> Vec<(&str, &str)> {
    pod.labels.iter().filter(|(key, _)| !OF_VERSIONS.contains(key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Labels, Origin, Workload};
    use crate::policy::Ruleset;

    /// Pods by name, workload (if any) and label `app`.
    fn snapshot(pods: &[(&str, &str, &str)]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (name, workload, app) in pods {
            let object = ObjectRef::namespaced("Deployment", "default", *workload);
            let known = snapshot.workloads.iter().position(|known| known.object == object);
            let owner = (!workload.is_empty()).then(|| {
                known.unwrap_or_else(|| {
                    let (selector, replicas, origin) = (None, None, Origin::Synthetic);
                    snapshot.workloads.push(Workload { object, selector, replicas, origin });
                    snapshot.workloads.len() - 1
                })
            });
            snapshot.add_pod(Pod {
                namespace: "default".into(),
                name: (*name).into(),
                labels: [("app", *app), ("pod-template-hash", *name)].into_iter().collect(),
                unknown_labels: &[],
                service_account: "default".into(),
                ips: Vec::new(),
                ports: [].into(),
                probes: None,
                host_network: false,
                node: None,
                owner,
                template: false,
                ready: true,
                finished: *app == "finished",
                origin: Origin::Synthetic,
            });
        }
        snapshot.add_namespace("default", &Labels::default(), None);
        snapshot
    }

    #[test]
    fn pods_are_the_same_by_name_or_else_by_workload() {
        let old = snapshot(&[
            ("web-1", "web", "blue"),
            ("web-2", "web", "green"),
            ("web-3", "web", "green"),
            ("job-1", "", "job"),
            ("api-1", "api", "api"),
            ("api-2", "api", "finished"),
        ]);
        let new = snapshot(&[
            ("web-4", "web", "green"),
            ("web-3", "web", "green"),
            ("web-5", "web", "red"),
            ("web-6", "web", "red"),
            ("job-2", "", "job"),
            ("api-3", "api", "new"),
        ]);
        let rules = Ruleset::default();
        let sides = [&old, &new].map(|snapshot| Side { snapshot, rules: &rules });
        let name = |side: usize, inside: Option<Inside>| match inside {
            Some(Inside::Pod(pod)) => sides[side].snapshot.pod(pod).name.to_string(),
            _ => "-".to_owned(),
        };
        let all: Vec<String> = members(&sides)
            .into_iter()
            .map(|[old, new]| format!("{} {}", name(0, old), name(1, new)))
            .collect();
        assert_eq!(
            all,
            [
                // By workload, since no other is left.
                "web-1 web-5",
                // Alike but for the version.
                "web-2 web-4",
                "web-3 web-3",
                "job-1 -",
                "api-1 api-3",
                "- web-6",
                "- job-2",
            ]
        );
    }
}
