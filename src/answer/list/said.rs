//! Rows of pods that are written nowhere which others have already.
//!
//! In: all rows, before the first of them is told. Out: whether a row says no more than that of a known pod: of one in the same
//! namespace with all the labels that the other was given, if any, to or from the same end, at the same
//! ports. Or than that of other pods which are written nowhere, of which less is supposed. What is not
//! known of any other namespace stands for what is not known of others, which are counted.

use super::collect::{Collected, Holds, Key, Merged, Party};
use super::lister::Lister;
use crate::cluster::{Name, Namespace, Pod, PodId, real_namespace};
use crate::policy::rule::Direction;
use crate::reach::PortSet;
use foldhash::{HashMap, HashMapExt as _, HashSet};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// A row but for one of its ends.
type Rest = (Direction, Party, Holds, PortSet);

/// What rows of known pods, and of others with less supposed, say that others say of pods which are
/// written nowhere.
#[derive(Default)]
pub(super) struct Said {
    /// In order of the namespaces of the pods.
    known: HashMap<Rest, Vec<PodId>>,
    supposed: HashMap<Rest, HashSet<PodId>>,
    /// By pod, those of which less is supposed.
    wider: HashMap<PodId, Vec<PodId>>,
    /// Any other namespace, which stands for others where something is not known.
    anywhere: Option<PodId>,
    /// How many rows it stands for.
    stood_for: Cell<usize>,
}

impl Said {
    pub(super) fn of(lister: &Lister<'_>, rows: &Collected<'_, '_>) -> Self {
        let mut said = Self::default();
        let supposed = |(source, destination, _): &Key| {
            lister.supposed(Direction::Egress, *source).is_some()
                || lister.supposed(Direction::Ingress, *destination).is_some()
        };
        let all = rows.rows(&supposed, &mut |row, _| {
            for (party, rest) in sides(&row) {
                if let Some(id) = lister.supposed(rest.0, party) {
                    said.supposed.entry(rest).or_default().insert(id);
                }
            }
            ControlFlow::Continue(())
        });
        if all.is_break() || said.supposed.is_empty() {
            return said;
        }
        let all_supposed: BTreeSet<PodId> = said.supposed.values().flatten().copied().collect();
        said.wider = wider(lister, &all_supposed);
        said.anywhere = all_supposed.iter().copied().find(|id| {
            let pod = lister.snapshot.pod(*id);
            let namespace = lister.snapshot.namespace(&pod.namespace);
            let unlabelled =
                |space: &Namespace| space.is_any_other() && space.labels.iter().len() == 1;
            pod.labels.is_empty() && pod.ports.is_empty() && namespace.is_some_and(unlabelled)
        });
        // Ports are compared last, since there may be very many.
        let places: HashSet<(Direction, Party, Holds)> = said
            .supposed
            .keys()
            .map(|(direction, party, holds, _)| (*direction, *party, *holds))
            .collect();
        let there = |(source, destination, holds): &Key| {
            places.contains(&(Direction::Egress, *destination, *holds))
                || places.contains(&(Direction::Ingress, *source, *holds))
        };
        let known = &mut said.known;
        let _ = rows.rows(&there, &mut |row, _| {
            for (party, rest) in sides(&row) {
                if !said.supposed.contains_key(&rest) {
                    continue;
                }
                if let Some(id) = lister.known(rest.0, party) {
                    known.entry(rest).or_default().push(id);
                }
            }
            ControlFlow::Continue(())
        });
        let namespace = |id: &PodId| &lister.snapshot.pod(*id).namespace;
        for ids in known.values_mut() {
            ids.sort_by(|a, b| namespace(a).cmp(namespace(b)));
        }
        said
    }

    /// Whether a row has an end that is written nowhere and says nothing new of it, or nothing of what
    /// is here.
    pub(super) fn twice(&self, lister: &Lister<'_>, row: &Merged) -> bool {
        if self.supposed.is_empty() {
            return false;
        }
        let sides = sides(row);
        let twice = sides.iter().any(|(party, rest)| self.says_nothing(lister, *party, rest));
        let counted =
            !twice && sides.iter().any(|(party, rest)| self.is_stood_for(lister, *party, rest));
        if counted {
            self.stood_for.set(self.stood_for.get() + 1);
        }
        twice || counted
    }

    fn says_nothing(&self, lister: &Lister<'_>, party: Party, rest: &Rest) -> bool {
        let Some(id) = lister.supposed(rest.0, party) else { return false };
        // Of a namespace of which nothing is here only the other end is of interest.
        if is_symbolic(rest.1) && lister.is_elsewhere(id) {
            return true;
        }
        let pod = lister.snapshot.pod(id);
        let (name, known) = (real_namespace(&pod.namespace), self.known.get(rest));
        let known = known.map_or(&[][..], |known| {
            let before = |id: &PodId| *lister.snapshot.pod(*id).namespace < *name;
            &known[known.partition_point(before)..]
        });
        let known = known.iter().map(|id| lister.snapshot.pod(*id));
        let mut known = known.take_while(|known| *known.namespace == *name);
        let supposed = self.supposed.get(rest);
        let mut wider = self.wider.get(&id).into_iter().flatten();
        known.any(|known| is_like(known, pod))
            || wider.any(|wide| supposed.is_some_and(|all| all.contains(wide)))
    }

    /// Whether the same is not known of any other namespace, where a row says so.
    fn is_stood_for(&self, lister: &Lister<'_>, party: Party, rest: &Rest) -> bool {
        let Some(id) = lister.supposed(rest.0, party) else { return false };
        let Some(anywhere) = self.anywhere.filter(|anywhere| *anywhere != id) else { return false };
        rest.2 == Holds::Unknown
            && !is_symbolic(rest.1)
            && self.supposed.get(rest).is_some_and(|all| all.contains(&anywhere))
    }

    /// What is to be said of the rows that another stands for.
    pub(super) fn note(&self) -> Option<String> {
        let count = self.stood_for.get();
        let flows = if count == 1 { "flow" } else { "flows" };
        (count > 0).then(|| {
            format!(
                "{count} further {flows} of pods that nobody has written are as little known as those of \
                 any other namespace, which stand for them"
            )
        })
    }
}

/// Whether it is none of the ends that have names.
fn is_symbolic(party: Party) -> bool {
    matches!(party, Party::Anyone | Party::EveryPod | Party::Outside)
}

/// The namespace of a pod, if it has a name, and a label of it.
type Near<'s> = (Option<Name>, Option<(&'s str, &'s str)>);

/// For each of these pods, the others of which less is supposed. They are looked for among those that
/// share a label with it, or have none.
fn wider(lister: &Lister<'_>, all: &BTreeSet<PodId>) -> HashMap<PodId, Vec<PodId>> {
    let snapshot = lister.snapshot;
    let place = |pod: &Pod| {
        let namespace = snapshot.namespace(&pod.namespace);
        let named = namespace.is_none_or(|namespace| !namespace.is_any_other());
        named.then(|| Name::from(real_namespace(&pod.namespace)))
    };
    let mut by_label: HashMap<Near<'_>, Vec<PodId>> = HashMap::new();
    for id in all {
        let pod = snapshot.pod(*id);
        by_label.entry((place(pod), pod.labels.iter().next())).or_default().push(*id);
    }
    let of = |id: PodId| {
        let pod = snapshot.pod(id);
        let place = place(pod);
        let keys = pod.labels.iter().map(Some).chain([None]);
        let near = keys.filter_map(|key| by_label.get(&(place.clone(), key))).flatten();
        near.copied().filter(|other| snapshot.is_narrower(id, *other)).collect::<Vec<_>>()
    };
    all.iter().map(|id| (*id, of(*id))).filter(|(_, wider)| !wider.is_empty()).collect()
}

/// Both ends of a row, each with the rest of it.
fn sides(row: &Merged) -> [(Party, Rest); 2] {
    let (source, destination) = (row.source.0, row.destination.0);
    [
        (source, (Direction::Egress, destination, row.holds, row.ports.clone())),
        (destination, (Direction::Ingress, source, row.holds, row.ports.clone())),
    ]
}

/// Whether a pod has all labels of another, in the same namespace.
pub(super) fn is_like(known: &Pod, supposed: &Pod) -> bool {
    *known.namespace == *real_namespace(&supposed.namespace)
        && supposed.labels.iter().all(|(key, value)| known.labels.get(key) == Some(value))
}
