//! Two sides compared, in every world that the input leaves open.
//!
//! In: two snapshots with their rules, and what is asked. Out: a [`DiffReport`]: of what is written with
//! the pods that need not be, of workloads that only one side has, of a cluster where other policies
//! isolate, and of what was not read.

use super::asked::{Compared, DiffAsked};
use super::renamed::Renamed;
use super::rows::{MOST_JUDGED, MOST_JUDGED_ELSEWHERE};
use super::unread::Unread;
use super::{DiffReport, DiffSide};
use crate::answer::system::SystemChangeReport;
use crate::answer::vocabulary::Missing;
use crate::cluster::{Family, Snapshot};
use crate::effort::TooMuch;
use crate::policy::Ruleset;
use crate::reach;
use crate::system;
use crate::unwritten::{self, Unwritten};

/// What a comparison of one world says.
struct World {
    report: DiffReport,
    told: Unwritten,
    /// Some end inside the cluster was compared.
    any: bool,
}

struct Comparison<'a, 's> {
    sides: [Compared<'s>; 2],
    asked: &'a DiffAsked,
    /// What the old side calls otherwise.
    renamed: &'a Renamed,
}

impl DiffReport {
    /// Compares two sides, in each world no further than is asked.
    pub fn compare(sides: [Compared<'_>; 2], asked: &DiffAsked) -> Result<Self, TooMuch> {
        let renamed = Renamed::of(&sides);
        if renamed.is_empty() {
            return Self::of(Comparison { sides, asked, renamed: &renamed });
        }
        let [old, new] = sides;
        let (mut snapshot, rules) = renamed.apply(old.snapshot, old.rules);
        let old = Compared { snapshot: &mut snapshot, rules: &rules, ..old };
        let mut report = Self::of(Comparison { sides: [old, new], asked, renamed: &renamed })?;
        report.renamed = renamed.told();
        Ok(report)
    }

    fn of(mut comparison: Comparison<'_, '_>) -> Result<Self, TooMuch> {
        let asked = comparison.asked;
        let rules = comparison.sides.each_ref().map(|side| side.rules);
        let World { mut report, told, any } = comparison.world(rules, MOST_JUDGED)?;
        report.tell_unwritten(&told);
        comparison.only_on_one(&mut report)?;
        let only_here = !(report.new.only_here.is_empty() && report.old.only_here.is_empty());
        if comparison.is_empty() && !only_here {
            report.tell_nothing_compared("neither side has a pod or a policy");
        } else if asked.known_only && !any && !only_here {
            report.tell_nothing_compared("no pod or node is on both sides");
        }
        if asked.known_only {
            report.notes.push("only pods that are written or running were compared".to_owned());
        }
        report.tell_system(comparison.both(0), comparison.both(1));
        let unread = Unread::of(&comparison.sides, asked);
        let something = || unwritten::anything_differs(comparison.both(0), comparison.both(1));
        report.tell_unread(&unread, something, &comparison.sides);
        report.tell_dead(&comparison.sides[1], &comparison.sides[0]);
        // What was not read may be a policy too.
        if !asked.policies_complete || unread.may_isolate() {
            comparison.where_isolated(&mut report)?;
        }
        Ok(report)
    }
}

impl DiffReport {
    /// Tells what becomes of that which the API server calls.
    fn tell_system(&mut self, old: (&Snapshot, &Ruleset), new: (&Snapshot, &Ruleset)) {
        let (changes, missing) = system::changes(old, new, &|_| true);
        self.system = changes.into_iter().map(SystemChangeReport::of).collect();
        self.notes.extend(missing);
    }
}

impl Comparison<'_, '_> {
    fn both(&self, side: usize) -> (&Snapshot, &Ruleset) {
        (&*self.sides[side].snapshot, self.sides[side].rules)
    }

    /// Whether neither side has anything to be compared.
    fn is_empty(&self) -> bool {
        self.sides.iter().all(|side| {
            side.snapshot.pods().is_empty()
                && side.rules.policies().is_empty()
                && side.rules.rejected.is_empty()
        })
    }

    /// Compares with these rules in the place of those that are there.
    fn world(&mut self, rules: [&Ruleset; 2], most_judged: usize) -> Result<World, TooMuch> {
        let effort = self.asked.effort;
        let [old, new] = &mut self.sides;
        let told = if self.asked.known_only {
            Unwritten::default()
        } else {
            unwritten::of_two((old.snapshot, rules[0]), (new.snapshot, rules[1]), effort)
        };
        let [old, new] = [0, 1].map(|i| {
            let Compared { name, arguments, piped_from, ref snapshot, locate, .. } = self.sides[i];
            let renamed = (i == 0).then_some(self.renamed);
            DiffSide { name, arguments, piped_from, snapshot, rules: rules[i], locate, renamed }
        });
        let diff = reach::diff((old.snapshot, rules[0]), (new.snapshot, rules[1]), effort)?;
        let compared = Family::ALL.into_iter().flat_map(|family| diff.compared(family));
        let any = compared.into_iter().any(|(_, outside)| !outside);
        let report = DiffReport::new(&diff, &old, &new, self.asked, most_judged)?;
        drop(diff);
        for side in &mut self.sides {
            side.snapshot.forget_representatives();
        }
        Ok(World { report, told, any })
    }

    /// Tells of the workloads that only one side has, each with the pods of that side.
    fn only_on_one(&mut self, report: &mut DiffReport) -> Result<(), TooMuch> {
        for (i, side) in self.sides.iter_mut().enumerate() {
            let of = if i == 0 { &mut report.old } else { &mut report.new };
            if of.only_here.is_empty() {
                continue;
            }
            let told = if self.asked.known_only {
                Unwritten::default()
            } else {
                unwritten::of_one(side.snapshot, side.rules, self.asked.effort)
            };
            of.tell_fresh(side.snapshot, side.rules, self.asked.effort)?;
            let any = !of.fresh.is_empty();
            side.snapshot.forget_representatives();
            // Whom a workload reaches is told of every pod, or it is said of whom it is not known.
            if any {
                report.tell_unwritten(&told);
            }
        }
        Ok(())
    }

    /// Tells what opens where policies isolate that are not in the input.
    fn where_isolated(&mut self, report: &mut DiffReport) -> Result<(), TooMuch> {
        let rules = self.sides.each_ref().map(|side| side.rules);
        for direction in unwritten::may_open_where_isolated(self.both(0), self.both(1)) {
            let isolated = rules.map(|rules| unwritten::isolated(rules, direction));
            let World { report: there, told, .. } =
                self.world(isolated.each_ref(), MOST_JUDGED_ELSEWHERE)?;
            report.tell_elsewhere(there, &told, Missing::OtherPolicies);
        }
        Ok(())
    }
}
