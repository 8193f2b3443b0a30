//! Pods as a policy names them: by a namespace and a selector.
//!
//! In: pods and nodes of a snapshot. Out: a unit each, the same for all pods that one selector means.
//! The selector has the labels by which a workload finds its pods, or those that all of its pods have,
//! or the pod's own; without labels that change with every release or pod. The first that selects no
//! running pod of another workload is taken. Where none does, the keys that set the others apart are
//! excluded; pods of other workloads with just the same labels stay, and are told.

use crate::cluster::{Labels, Name, ObjectRef, Operator, Pod, PodId, Snapshot, may_be_set};
use crate::draft::Selector;
use crate::ends::names;
use foldhash::{HashMap, HashMapExt as _};
use std::collections::BTreeSet;

/// A unit's index in [`Units`].
pub(super) type UnitId = usize;

/// Labels of the pods of one run of a Job; a CronJob makes another Job each time.
const OF_ONE_RUN: [&str; 2] = ["batch.kubernetes.io/job-name", "job-name"];

/// Pods that one selector means, or what no selector can name.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// The namespace; of a node there is none.
    pub(super) namespace: Option<Name>,
    /// For the names of policies.
    pub(super) name: Name,
    /// For people.
    pub(super) object: ObjectRef,
    /// How a policy names it.
    pub(super) selector: Result<Selector, Unnameable>,
}

/// Why no selector can name an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unnameable {
    /// It is a node, or on its node's network.
    Node,
    /// It has no labels that last.
    NoLabels,
}

/// What was asked for so far.
pub(super) struct Units<'a> {
    snapshot: &'a Snapshot,
    all: Vec<Unit>,
    of_pod: HashMap<PodId, UnitId>,
    of_node: HashMap<usize, UnitId>,
    /// By workload and labels, since most pods are like many others.
    of_kind: HashMap<(Name, Option<usize>, Labels), UnitId>,
    of_selector: HashMap<(Name, Selector), UnitId>,
    /// Workloads that no selector tells from one that was named.
    pub(super) alike: BTreeSet<(ObjectRef, ObjectRef)>,
}

impl<'a> Units<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            all: Vec::new(),
            of_pod: HashMap::new(),
            of_node: HashMap::new(),
            of_kind: HashMap::new(),
            of_selector: HashMap::new(),
            alike: BTreeSet::new(),
        }
    }

    pub(super) fn get(&self, id: UnitId) -> &Unit {
        &self.all[id]
    }

    pub(super) fn node(&mut self, index: usize) -> UnitId {
        if let Some(known) = self.of_node.get(&index) {
            return *known;
        }
        let name = self.snapshot.nodes.get(index).map(|node| node.name.clone()).unwrap_or_default();
        let object = ObjectRef::cluster("Node", name.clone());
        let id = self.add(Unit { namespace: None, name, object, selector: Err(Unnameable::Node) });
        self.of_node.insert(index, id);
        id
    }

    pub(super) fn pod(&mut self, id: PodId) -> UnitId {
        if let Some(known) = self.of_pod.get(&id) {
            return *known;
        }
        let pod = self.snapshot.pod(id);
        // A pod without a workload is one of its own, unless another has its labels.
        let kind = (pod.namespace.clone(), pod.owner, pod.labels.lasting());
        let known = self.of_kind.get(&kind).filter(|_| pod.owner.is_some() && !pod.host_network);
        let unit = match known {
            Some(known) => *known,
            None => self.unit(id, pod),
        };
        if pod.owner.is_some() && !pod.host_network {
            self.of_kind.insert(kind, unit);
        }
        self.of_pod.insert(id, unit);
        unit
    }

    fn unit(&mut self, id: PodId, pod: &'a Pod) -> UnitId {
        let object = self.object(pod);
        let selector = if pod.host_network {
            Err(Unnameable::Node)
        } else {
            self.selector(id, pod, &object).ok_or(Unnameable::NoLabels)
        };
        if let Ok(selector) = &selector {
            let key = (pod.namespace.clone(), selector.clone());
            if let Some(known) = self.of_selector.get(&key) {
                return *known;
            }
            self.of_selector.insert(key, self.all.len());
        }
        let (namespace, name) = (Some(pod.namespace.clone()), object.name.clone());
        self.add(Unit { namespace, name, object, selector })
    }

    fn add(&mut self, unit: Unit) -> UnitId {
        self.all.push(unit);
        self.all.len() - 1
    }

    fn object(&self, pod: &Pod) -> ObjectRef {
        names::workload(self.snapshot, pod)
    }

    fn selector(&mut self, id: PodId, pod: &Pod, object: &ObjectRef) -> Option<Selector> {
        let is_own = |(other, of): &(PodId, &Pod)| {
            *other == id || (pod.owner.is_some() && of.owner == pod.owner)
        };
        let selectable = |(_, of): &(PodId, &Pod)| !of.finished && !of.host_network;
        let all = self.snapshot.pods_in(&pod.namespace).filter(selectable);
        let (own, others): (Vec<_>, Vec<_>) = all.partition(is_own);
        let labels = lasting(pod, object);
        let candidates =
            [self.of_workload(pod), Some(common(&labels, &own, object)), Some(labels.clone())];
        let exclusive = candidates.into_iter().flatten().find(|candidate| {
            !candidate.is_empty()
                && selects(candidate, pod)
                && !others.iter().any(|(_, other)| selects(candidate, other))
        });
        if let Some(exclusive) = exclusive {
            return Some(selector(&exclusive, BTreeSet::new()));
        }
        if labels.is_empty() {
            return None;
        }
        let mut excluded: BTreeSet<&str> = BTreeSet::new();
        for (_, other) in others.iter().filter(|(_, other)| selects(&labels, other)) {
            let has = |key: &&str| other.labels.get(key).is_some();
            if excluded.iter().any(has) {
                continue;
            }
            let mut more = other.labels.iter().map(|(key, _)| key);
            // One that lasts, and that this pod will not be given.
            let apart = more.find(|key| {
                pod.labels.get(key).is_none()
                    && !may_be_set(pod.unknown_labels, key)
                    && other.labels.lasting().get(key).is_some()
            });
            let other = self.object(other);
            if let Some(key) = apart {
                excluded.insert(key);
            } else if other != *object {
                self.alike.insert((object.clone(), other));
            }
        }
        Some(selector(&labels, excluded))
    }

    /// The labels by which its workload finds its pods, if it goes by labels alone.
    fn of_workload(&self, pod: &Pod) -> Option<Labels> {
        let workload = self.snapshot.workloads.get(pod.owner?)?;
        let requirements = workload.selector.as_ref()?.requirements.iter();
        let pairs = requirements.map(|requirement| match &requirement.operator {
            Operator::In(values) if values.len() == 1 => {
                Some((requirement.key.clone(), values.first()?.clone()))
            }
            _ => None,
        });
        Some(pairs.collect::<Option<Vec<_>>>()?.into_iter().collect::<Labels>().lasting())
    }
}

/// The labels of a pod that the next pod of its workload will have too.
fn lasting(pod: &Pod, object: &ObjectRef) -> Labels {
    let labels = pod.labels.lasting();
    match &*object.kind {
        "Job" => labels,
        _ => labels.iter().filter(|(key, _)| !OF_ONE_RUN.contains(key)).collect(),
    }
}

/// What all of a workload's pods have.
fn common(labels: &Labels, own: &[(PodId, &Pod)], object: &ObjectRef) -> Labels {
    let own: Vec<Labels> = own.iter().map(|(_, pod)| lasting(pod, object)).collect();
    let in_all = |(key, value): &(&str, &str)| own.iter().all(|it| it.get(key) == Some(*value));
    labels.iter().filter(in_all).collect()
}

/// Whether a pod has these labels, or may be given them.
fn selects(labels: &Labels, pod: &Pod) -> bool {
    labels.iter().all(|(key, value)| {
        pod.labels.get(key) == Some(value) || may_be_set(pod.unknown_labels, key)
    })
}

fn selector(labels: &Labels, without: BTreeSet<&str>) -> Selector {
    Selector {
        labels: labels.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        absent: without.into_iter().map(ToOwned::to_owned).collect(),
    }
}
