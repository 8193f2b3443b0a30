//! Who stands in a row: pods by workload, one by one or by namespace, and nodes.
//!
//! In: a snapshot and a [`Connectivity`]. Out: [`Groups`], each with the classes of its pods. A pod that
//! is written nowhere stands by itself, after all others, and not at all where a known one is its like.

use super::By;
use crate::cluster::{ObjectRef, PodId, Snapshot};
use crate::ends::names;
use crate::reach::{Connectivity, End};
use std::collections::{BTreeMap, HashMap, HashSet};

/// One row end by name.
pub(super) struct Group {
    pub(super) object: ObjectRef,
    /// The pod that is written nowhere, where it is one.
    pub(super) representative: Option<PodId>,
    /// Its pods by class, those that are asked for.
    pub(super) members: BTreeMap<u32, Vec<End>>,
    /// How many pods it has altogether.
    pub(super) total: usize,
}

/// Every group, by namespace and name.
pub(super) struct Groups {
    pub(super) all: Vec<Group>,
    /// The groups that have pods in a class.
    of_class: HashMap<u32, Vec<u32>>,
}

impl Groups {
    /// Groups of all ends, or of those asked for.
    pub(super) fn new(
        snapshot: &Snapshot,
        connectivity: &Connectivity<'_>,
        by: By,
        only: Option<&HashSet<End>>,
    ) -> Self {
        let mut known: BTreeMap<(Option<String>, ObjectRef), Group> = BTreeMap::new();
        let mut classes = HashSet::new();
        let pods = (0..snapshot.pods().len()).filter(|id| snapshot.representative(*id).is_none());
        let pods = pods.map(End::Pod);
        for end in pods.chain((0..snapshot.nodes.len()).map(End::Node)) {
            let Some(class) = connectivity.class(end) else { continue };
            let object = object(snapshot, end, by);
            let namespace = match end {
                End::Pod(id) => Some(snapshot.pod(id).namespace.to_string()),
                _ => None,
            };
            let group = known.entry((namespace, object.clone())).or_insert_with(|| Group {
                object,
                representative: None,
                members: BTreeMap::new(),
                total: 0,
            });
            group.total += 1;
            classes.insert(class);
            if only.is_none_or(|only| only.contains(&end)) {
                group.members.entry(class).or_default().push(end);
            }
        }
        let mut all: Vec<Group> = known.into_values().collect();
        for (id, of) in snapshot.representatives() {
            let end = End::Pod(id);
            let asked = only.is_none_or(|only| only.contains(&end));
            if let Some(class) =
                connectivity.class(end).filter(|class| asked && classes.insert(*class))
            {
                all.push(Group {
                    object: ObjectRef::cluster("Pods", &*of.words),
                    representative: Some(id),
                    members: BTreeMap::from([(class, vec![end])]),
                    total: 1,
                });
            }
        }
        let mut of_class: HashMap<u32, Vec<u32>> = HashMap::new();
        for (id, group) in (0..).zip(&all) {
            for class in group.members.keys() {
                of_class.entry(*class).or_default().push(id);
            }
        }
        Self { all, of_class }
    }

    pub(super) fn of_class(&self, class: u32) -> &[u32] {
        self.of_class.get(&class).map_or(&[], Vec::as_slice)
    }

    pub(super) fn group(&self, id: u32) -> &Group {
        &self.all[id as usize]
    }
}

/// What an end is called.
fn object(snapshot: &Snapshot, end: End, by: By) -> ObjectRef {
    match end {
        End::Pod(id) => {
            let pod = snapshot.pod(id);
            match by {
                By::Namespace => ObjectRef::cluster("Namespace", pod.namespace.clone()),
                // A template stands for pods that have no names yet.
                By::Pod if !pod.template => pod.object(),
                By::Pod | By::Workload => names::workload(snapshot, pod),
            }
        }
        End::Node(node) => names::node(snapshot, node),
        // Addresses are never grouped.
        End::Address(address) => ObjectRef::cluster("Address", address.to_string()),
    }
}
