//! Who stands in a row: pods by workload, one by one or by namespace, and nodes.
//!
//! In: a snapshot and a [`Connectivity`]. Out: [`Groups`], each with the classes of its pods. A pod that
//! is written nowhere stands by itself, after all others, and not at all where a known one is its like.

use super::By;
use crate::cluster::{Name, ObjectRef, PodId, Snapshot};
use crate::ends::names;
use crate::reach::{Connectivity, End};
use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use std::collections::BTreeMap;

/// One row end by name.
pub(super) struct Group {
    pub(super) object: ObjectRef,
    /// The pod that is written nowhere, where it is one.
    pub(super) representative: Option<PodId>,
    /// Its pods by class, those that are asked for.
    pub(super) members: Members,
    /// How many pods it has altogether.
    pub(super) total: usize,
}

/// Ends by class. Most groups have one class, and there are very many of them.
#[derive(Default)]
pub(super) struct Members(Box<[(u32, Box<[End]>)]>);

impl Members {
    /// Ends that stand in order of their classes.
    fn of<T>(ends: &[T], of: impl Fn(&T) -> (u32, End)) -> Self {
        let runs = ends.chunk_by(|one, next| of(one).0 == of(next).0);
        Self(runs.map(|run| (of(&run[0]).0, run.iter().map(|one| of(one).1).collect())).collect())
    }

    /// The classes, in order.
    pub(super) fn classes(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|(class, _)| *class)
    }

    /// All of them by class.
    pub(super) fn by_class(&self) -> impl ExactSizeIterator<Item = (u32, &[End])> {
        self.0.iter().map(|(class, ends)| (*class, &**ends))
    }

    /// Those of a class.
    pub(super) fn of_class(&self, class: u32) -> &[End] {
        let at = self.0.binary_search_by_key(&class, |(class, _)| *class);
        at.map_or(&[], |at| &*self.0[at].1)
    }

    /// All of them.
    pub(super) fn ends(&self) -> impl Iterator<Item = End> {
        self.0.iter().flat_map(|(_, ends)| ends).copied()
    }
}

/// Every group, by namespace and name.
pub(super) struct Groups {
    pub(super) all: Vec<Group>,
    /// Each class with a group that has pods in it, in order.
    of_classes: Vec<(u32, u32)>,
    /// Where each class begins there.
    starts: Vec<usize>,
}

impl Groups {
    /// Groups of all ends, or of those asked for.
    pub(super) fn new(
        snapshot: &Snapshot,
        connectivity: &Connectivity<'_>,
        by: By,
        only: Option<&HashSet<End>>,
    ) -> Self {
        let mut places: BTreeMap<(Option<Name>, ObjectRef), usize> = BTreeMap::new();
        // What a workload is called is asked once for all of its pods.
        let mut of_owner: HashMap<(usize, &Name), usize> = HashMap::new();
        let mut totals: Vec<usize> = Vec::new();
        let mut members: Vec<(usize, u32, End)> = Vec::new();
        let mut classes = HashSet::new();
        let pods = (0..snapshot.pods().len()).filter(|id| snapshot.representative(*id).is_none());
        let pods = pods.map(End::Pod);
        for end in pods.chain((0..snapshot.nodes.len()).map(End::Node)) {
            let Some(class) = connectivity.class(end) else { continue };
            let pod = match end {
                End::Pod(id) => Some(snapshot.pod(id)),
                _ => None,
            };
            let mut place = || {
                let namespace = pod.map(|pod| pod.namespace.clone());
                *places.entry((namespace, object(snapshot, end, by))).or_insert_with(|| {
                    totals.push(0);
                    totals.len() - 1
                })
            };
            let owner = pod.filter(|_| by == By::Workload).and_then(|pod| {
                let owner = pod.owner?;
                Some((owner, &pod.namespace))
            });
            let place = match owner {
                Some(owner) => *of_owner.entry(owner).or_insert_with(place),
                None => place(),
            };
            totals[place] += 1;
            classes.insert(class);
            if only.is_none_or(|only| only.contains(&end)) {
                members.push((place, class, end));
            }
        }
        members.sort_by_key(|(place, class, _)| (*place, *class));
        let mut of_places: Vec<Members> = totals.iter().map(|_| Members::default()).collect();
        for run in members.chunk_by(|one, next| one.0 == next.0) {
            of_places[run[0].0] = Members::of(run, |(_, class, end)| (*class, *end));
        }
        let known = places.into_iter().map(|((_, object), place)| Group {
            object,
            representative: None,
            members: std::mem::take(&mut of_places[place]),
            total: totals[place],
        });
        let mut all: Vec<Group> = known.collect();
        for (id, of) in snapshot.representatives() {
            let end = End::Pod(id);
            let asked = only.is_none_or(|only| only.contains(&end));
            if let Some(class) =
                connectivity.class(end).filter(|class| asked && classes.insert(*class))
            {
                all.push(Group {
                    object: ObjectRef::cluster("Pods", &*of.words),
                    representative: Some(id),
                    members: Members::of(&[(class, end)], |one| *one),
                    total: 1,
                });
            }
        }
        let ids = (0..).zip(&all);
        let of_classes = ids.flat_map(|(id, group)| group.members.classes().map(move |c| (c, id)));
        let mut of_classes: Vec<(u32, u32)> = of_classes.collect();
        of_classes.sort_unstable();
        let mut starts = Vec::new();
        for (at, (class, _)) in of_classes.iter().enumerate() {
            let more = (*class as usize + 1).saturating_sub(starts.len());
            starts.extend(std::iter::repeat_n(at, more));
        }
        starts.push(of_classes.len());
        Self { all, of_classes, starts }
    }

    /// The groups that have pods in a class.
    pub(super) fn of_class(&self, class: u32) -> impl Iterator<Item = u32> {
        let bounds = self.starts.get(class as usize).zip(self.starts.get(class as usize + 1));
        let here = bounds.and_then(|(first, end)| self.of_classes.get(*first..*end));
        here.unwrap_or_default().iter().map(|(_, group)| *group)
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
