//! Rows of pods that are written nowhere which others have already.
//!
//! In: merged rows. Out: whether a row says no more than that of a known pod: of one in the same
//! namespace with all the labels that the other was given, if any, to or from the same end, at the same
//! ports. Or than that of the same pods in a namespace of the name of which fewer labels are supposed.

use super::collect::{Families, Holds, Merged, Party};
use super::lister::Lister;
use crate::cluster::{Pod, PodId, real_namespace};
use crate::policy::rule::Direction;
use crate::reach::{End, PortSet};
use std::collections::{HashMap, HashSet};

/// A row but for one of its ends.
type Rest<'r> = (Direction, Party, Holds, &'r PortSet);

/// What rows of known pods, and of others with less supposed, say that others say of pods which are
/// written nowhere.
#[derive(Default)]
pub(super) struct Said<'r> {
    known: HashMap<Rest<'r>, Vec<PodId>>,
    supposed: HashMap<Rest<'r>, Vec<PodId>>,
}

impl<'r> Said<'r> {
    pub(super) fn of(lister: &Lister<'_>, rows: &'r [(Merged, Families)]) -> Self {
        let all = || rows.iter().flat_map(|(row, _)| sides(row));
        let mut said = Self::default();
        for (party, rest) in all() {
            if let Some(id) = lister.supposed(rest.0, party) {
                said.supposed.entry(rest).or_default().push(id);
            }
        }
        if said.supposed.is_empty() {
            return said;
        }
        // Ports are compared last, since there may be very many.
        let places: HashSet<(Direction, Party, Holds)> = said
            .supposed
            .keys()
            .map(|(direction, party, holds, _)| (*direction, *party, *holds))
            .collect();
        for (party, rest) in all() {
            if !places.contains(&(rest.0, rest.1, rest.2)) || !said.supposed.contains_key(&rest) {
                continue;
            }
            said.known.entry(rest).or_default().extend(
                lister.members(rest.0, party).into_iter().find_map(|end| match end {
                    End::Pod(id) if lister.snapshot.representative(id).is_none() => Some(id),
                    _ => None,
                }),
            );
        }
        said
    }

    /// Whether a row has an end that is written nowhere and says nothing new of it, or nothing of what
    /// is here.
    pub(super) fn twice(&self, lister: &Lister<'_>, row: &Merged) -> bool {
        sides(row).into_iter().any(|(party, rest)| {
            let Some(id) = lister.supposed(rest.0, party) else { return false };
            let pod = lister.snapshot.pod(id);
            // Of a namespace of which nothing is here only the other end is of interest.
            let symbolic = matches!(rest.1, Party::Anyone | Party::EveryPod | Party::Outside);
            if symbolic && lister.is_elsewhere(id) {
                return true;
            }
            let mut known = self.known.get(&rest).into_iter().flatten();
            let mut supposed = self.supposed.get(&rest).into_iter().flatten();
            known.any(|known| is_like(lister.snapshot.pod(*known), pod))
                || supposed.any(|other| lister.snapshot.is_narrower(id, *other))
        })
    }
}

/// Both ends of a row, each with the rest of it.
fn sides(row: &Merged) -> [(Party, Rest<'_>); 2] {
    let (source, destination) = (row.source.0, row.destination.0);
    [
        (source, (Direction::Egress, destination, row.holds, &row.ports)),
        (destination, (Direction::Ingress, source, row.holds, &row.ports)),
    ]
}

/// Whether a pod has all labels of another, in the same namespace.
pub(super) fn is_like(known: &Pod, supposed: &Pod) -> bool {
    *known.namespace == *real_namespace(&supposed.namespace)
        && supposed.labels.iter().all(|(key, value)| known.labels.get(key) == Some(value))
}
