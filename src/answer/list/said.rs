//! Rows of pods that are written nowhere which known pods have already.
//!
//! In: merged rows. Out: whether a row says no more than that of a known pod: of one in the same
//! namespace with all the labels that the other was given, if any, to or from the same end, at the same
//! ports.

use super::collect::{Families, Holds, Merged, Party};
use super::lister::Lister;
use crate::cluster::{Pod, PodId, real_namespace};
use crate::policy::rule::Direction;
use crate::reach::{End, PortSet};
use std::collections::{HashMap, HashSet};

/// A row but for one of its ends.
type Rest<'r> = (Direction, Party, Holds, &'r PortSet);

/// What rows of known pods say that others say of pods which are written nowhere.
pub(super) struct Said<'r>(HashMap<Rest<'r>, Vec<PodId>>);

impl<'r> Said<'r> {
    pub(super) fn of(lister: &Lister<'_>, rows: &'r [(Merged, Families)]) -> Self {
        let all = || rows.iter().flat_map(|(row, _)| sides(row));
        let supposed =
            |(party, rest): &(Party, Rest<'r>)| lister.supposed(rest.0, *party).is_some();
        let mut said: HashMap<Rest<'r>, Vec<PodId>> =
            all().filter(supposed).map(|(_, rest)| (rest, Vec::new())).collect();
        if said.is_empty() {
            return Self(said);
        }
        // Ports are compared last, since there may be very many.
        let places: HashSet<(Direction, Party, Holds)> =
            said.keys().map(|(direction, party, holds, _)| (*direction, *party, *holds)).collect();
        for (party, rest) in all() {
            if !places.contains(&(rest.0, rest.1, rest.2)) {
                continue;
            }
            let Some(known) = said.get_mut(&rest) else { continue };
            known.extend(lister.members(rest.0, party).into_iter().find_map(|end| match end {
                End::Pod(id) if lister.snapshot.representative(id).is_none() => Some(id),
                _ => None,
            }));
        }
        Self(said)
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
            let known = self.0.get(&rest).into_iter().flatten();
            known.into_iter().any(|known| is_like(lister.snapshot.pod(*known), pod))
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
