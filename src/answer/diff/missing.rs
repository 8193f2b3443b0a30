//! What a comparison could not look at.
//!
//! In: what was found about pods that are not written, and the comparison where other policies isolate.
//! Out: the same in a [`DiffReport`].

use super::{ChangeReport, DiffReport};
use crate::answer::end::{BroughtBy, EndsReport, MemberReport};
use crate::answer::missing::MissingReport;
use crate::answer::vocabulary::{ChangeKind, Missing};
use crate::answer::words;
use crate::cluster::Bringer;
use crate::unwritten::Unwritten;

/// Whether one change has all ends of another at the same ports.
fn covers(all: &ChangeReport, part: &ChangeReport) -> bool {
    let side = |all: &EndsReport, part: &EndsReport| {
        let member = |member: &MemberReport| {
            let it = |m: &MemberReport| (m.kind.clone(), m.namespace.clone(), m.name.clone());
            all.members.iter().any(|other| it(other) == it(member))
        };
        part.members.iter().all(member)
            && part.addresses.iter().all(|address| all.addresses.contains(address))
    };
    let family = all.family.is_none() || all.family == part.family;
    let ports = part.witness.ports.difference(&all.witness.ports).is_empty();
    family && ports && side(&all.from, &part.from) && side(&all.to, &part.to)
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
        for change in isolated.changes {
            let opens = change.change != ChangeKind::Closed && change.witness.opens;
            let mut known = self.changes.iter().chain(&self.elsewhere);
            if opens && !known.any(|it| it.witness.opens && covers(it, &change)) {
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
