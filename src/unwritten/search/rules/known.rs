//! Known pods as rules see them.
//!
//! In: the pods of a namespace, and its policies of one direction or the other. Out: a [`Class`] for each
//! kind of pods that has the same labels, ports and addresses' families, with the policies that select it.

use crate::cluster::{Family, Labels, Pod, PodId, Truth};
use crate::policy::PolicyId;
use crate::policy::rule::{Direction, PodSet, Policy};
use foldhash::{HashMap, HashMapExt as _};

/// Known pods of a place that are alike.
pub(super) struct Class<'a> {
    pub(super) home: usize,
    pub(super) pod: &'a Pod,
    pub(super) ids: Vec<PodId>,
    /// By direction: the policies that select it, for certain and perhaps.
    pub(super) of: [Vec<PolicyId>; 2],
    pub(super) perhaps: [Vec<PolicyId>; 2],
    /// By direction: a policy isolates it for certain, or perhaps.
    pub(super) isolated: [Truth; 2],
}

impl Class<'_> {
    /// Whether it has, or may have, an address of a family.
    pub(super) fn has(&self, family: Family) -> bool {
        let ips = &self.pod.ips;
        ips.is_empty() || ips.iter().any(|ip| Family::of(*ip) == family)
    }

    /// Whether two have addresses of one family, so that they can meet.
    pub(super) fn meets(&self, other: &Self) -> bool {
        Family::ALL.into_iter().any(|family| self.has(family) && other.has(family))
    }

    /// Whether it is certainly in a set that has its namespace.
    pub(super) fn is_in(&self, set: &PodSet) -> bool {
        self.pod.matches(&set.pods) == Truth::Yes
    }
}

/// By direction of a policy, as an index.
pub(super) fn at(direction: Direction) -> usize {
    usize::from(direction == Direction::Egress)
}

/// Adds the classes of a place.
pub(super) fn add_classes<'a>(
    classes: &mut Vec<Class<'a>>,
    home: usize,
    pods: impl Iterator<Item = (PodId, &'a Pod)>,
) {
    let first = classes.len();
    let alike = |one: &Pod, other: &Pod| {
        let families = |pod: &Pod| {
            Family::ALL.map(|family| pod.ips.iter().any(|ip| Family::of(*ip) == family))
        };
        one.service_account == other.service_account
            && one.unknown_labels == other.unknown_labels
            && one.ports == other.ports
            && families(one) == families(other)
    };
    let mut by_labels: HashMap<&Labels, Vec<usize>> = HashMap::new();
    for (id, pod) in pods.filter(|(_, pod)| !pod.finished && !pod.host_network) {
        // Replicas mostly follow one another.
        let last = classes[first..].last_mut();
        if let Some(last) =
            last.filter(|last| last.pod.labels == pod.labels && alike(last.pod, pod))
        {
            last.ids.push(id);
            continue;
        }
        let same = by_labels.entry(&pod.labels).or_default();
        if let Some(known) = same.iter().find(|at| alike(classes[**at].pod, pod)) {
            classes[*known].ids.push(id);
            continue;
        }
        same.push(classes.len());
        classes.push(Class {
            home,
            pod,
            ids: vec![id],
            of: [Vec::new(), Vec::new()],
            perhaps: [Vec::new(), Vec::new()],
            isolated: [Truth::No; 2],
        });
    }
}

/// The policies of a place, by a label that they ask for, so that few are tried for each class.
pub(super) struct Index<'a> {
    by_label: HashMap<(&'a str, &'a str), Vec<(PolicyId, &'a Policy)>>,
    rest: Vec<(PolicyId, &'a Policy)>,
}

impl<'a> Index<'a> {
    pub(super) fn new(policies: impl Iterator<Item = (PolicyId, &'a Policy)>) -> Self {
        let mut index = Self { by_label: HashMap::new(), rest: Vec::new() };
        for (id, policy) in policies {
            match policy.subject.pods.one_label() {
                Some(label) => index.by_label.entry(label).or_default().push((id, policy)),
                None => index.rest.push((id, policy)),
            }
        }
        index
    }

    /// Notes which of them select a class.
    pub(super) fn select(&self, class: &mut Class<'a>, direction: Direction) {
        let at = at(direction);
        let pod = class.pod;
        let mine: Vec<&Vec<(PolicyId, &Policy)>> = if pod.unknown_labels.is_empty() {
            pod.labels.iter().filter_map(|label| self.by_label.get(&label)).collect()
        } else {
            self.by_label.values().collect()
        };
        for (id, policy) in mine.into_iter().chain([&self.rest]).flatten() {
            let selects = pod.matches(&policy.subject.pods);
            match selects {
                Truth::Yes => class.of[at].push(*id),
                Truth::Unknown => class.perhaps[at].push(*id),
                Truth::No => continue,
            }
            if policy.isolates {
                class.isolated[at] = class.isolated[at].or(selects);
            }
        }
        class.of[at].sort_unstable();
        class.perhaps[at].sort_unstable();
    }
}
