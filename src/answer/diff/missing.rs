//! What a comparison could not look at.
//!
//! In: what was found about pods that are not written, and the comparison where other policies isolate.
//! Out: the same in a [`DiffReport`].

use super::{ChangeReport, DiffReport};
use crate::answer::end::{BroughtBy, EndsReport, MemberReport};
use crate::answer::missing::MissingReport;
use crate::answer::vocabulary::{ChangeKind, Missing};
use crate::answer::words;
use crate::cluster::{Bringer, Family};
use crate::reach::PortSet;
use crate::unwritten::Unwritten;
use foldhash::{HashMap, HashSet};

/// One end of a change, inside or outside.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Spot {
    Inside(String, Option<String>, String),
    Outside(String),
}

fn spots(side: &EndsReport) -> HashSet<Spot> {
    let inside = side.members.iter().map(|MemberReport { kind, namespace, name, .. }| {
        Spot::Inside(kind.clone(), namespace.clone(), name.clone())
    });
    inside.chain(side.addresses.iter().cloned().map(Spot::Outside)).collect()
}

/// Changes by their ends.
#[derive(Default)]
struct Covering {
    all: Vec<([HashSet<Spot>; 2], Option<Family>, PortSet)>,
    by_spot: [HashMap<Spot, Vec<usize>>; 2],
}

impl Covering {
    fn add(&mut self, change: &ChangeReport) {
        let sides = [&change.from, &change.to].map(spots);
        for (by, side) in self.by_spot.iter_mut().zip(&sides) {
            for spot in side {
                by.entry(spot.clone()).or_default().push(self.all.len());
            }
        }
        self.all.push((sides, change.family, change.witness.ports.clone()));
    }

    /// Whether one of them has all ends of another change at the same ports.
    fn covers(&self, part: &ChangeReport) -> bool {
        let sides = [&part.from, &part.to].map(spots);
        let having = |i: usize| {
            let lists = sides[i].iter().map(|spot| self.by_spot[i].get(spot));
            lists.map(|list| list.map_or(&[][..], Vec::as_slice)).min_by_key(|list| list.len())
        };
        let fewest = [having(0), having(1)].into_iter().flatten().min_by_key(|list| list.len());
        fewest.unwrap_or_default().iter().any(|at| {
            let (all, family, ports) = &self.all[*at];
            (family.is_none() || *family == part.family)
                && part.witness.ports.difference(ports).is_empty()
                && sides.iter().zip(all).all(|(part, all)| part.is_subset(all))
        })
    }
}

impl DiffReport {
    /// Tells what is not known of pods that are written nowhere, and what was given up.
    pub(super) fn tell_unwritten(&mut self, told: &Unwritten) {
        for flow in &told.not_known {
            let message = format!(
                "{} → {} may change: whether it passes is known of neither side",
                flow.source, flow.destination
            );
            self.miss(Missing::NotKnown, message, flow.brought_by.as_ref());
        }
        for left in &told.given_up {
            let message = format!(
                "flows from {} to {} were not looked at to the end",
                left.source, left.destination
            );
            self.miss(Missing::GivenUp, message, left.brought_by.as_ref());
        }
    }

    /// Tells that there was nothing to compare.
    pub(super) fn tell_nothing_compared(&mut self, why: &str) {
        self.miss(Missing::NothingToCompare, why.to_owned(), None);
    }

    /// Tells what opens where other policies isolate, of the same two sides with those policies.
    pub(super) fn tell_elsewhere(&mut self, isolated: Self, told: &Unwritten, why: Missing) {
        let given_up = Unwritten { given_up: told.given_up.clone(), ..Unwritten::default() };
        self.tell_unwritten(&given_up);
        for flow in &told.not_known {
            let words = format!("{} → {}", flow.source, flow.destination);
            // Where it is not known without them either, that is told already.
            if self.missing.iter().any(|it| it.message.starts_with(&words)) {
                continue;
            }
            let message = format!("{words} may open where another policy isolates: not known");
            self.miss(why, message, flow.brought_by.as_ref());
        }
        let mut known = Covering::default();
        for change in self.changes.iter().chain(&self.elsewhere).filter(|it| it.witness.opens) {
            known.add(change);
        }
        for change in isolated.changes {
            let opens = change.change != ChangeKind::Closed && change.witness.opens;
            if opens && !known.covers(&change) {
                known.add(&change);
                self.elsewhere.push(change);
            }
        }
    }

    fn miss(&mut self, why: Missing, message: String, by: Option<&Bringer>) {
        let message = match by {
            Some(by) => format!("{message}, because of {}", words::label(&by.object)),
            None => message,
        };
        let missing = MissingReport { why, message, brought_by: by.map(BroughtBy::of) };
        self.incomplete(missing);
    }

    pub(super) fn incomplete(&mut self, missing: MissingReport) {
        self.complete = false;
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }
}
