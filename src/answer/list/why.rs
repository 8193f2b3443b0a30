//! Why a row is there, as the engine of one flow has it, asked of flows that stand for the row.
//!
//! In: a merged row. Out: its [`Why`], and the words of it.

use super::collect::{Families, Holds, Merged, Part, Party};
use super::group::Groups;
use super::lister::Lister;
use crate::answer::place::short;
use crate::answer::vocabulary::Because;
use crate::answer::words;
use crate::cluster::Family;
use crate::ends::Endpoint;
use crate::policy::PolicyId;
use crate::policy::rule::Direction;
use crate::reach::{End, Example, PortSet, RowEnd, Standing};
use crate::verdict::{Flow, Ground, Passage, Why, why};
use foldhash::HashMap;
use std::collections::BTreeSet;

/// The reasons of rows of one subject with anyone, every pod or the outside, by all that matters.
pub(super) type Known<'c> = HashMap<(Family, Standing<'c>, (Party, Part), PortSet, Passage), Why>;

/// Neighbouring classes, from the first to the one after the last.
type Runs = Vec<(u32, u32)>;

impl Lister<'_> {
    /// Why a row with anyone, every pod or the outside is there, or any that does not simply hold; of
    /// neither is anything said once too much was asked for the reasons of others.
    pub(super) fn why(&self, row: &Merged, families: Families) -> Option<Why> {
        let directions = directions(row)?;
        let over = || self.steps.too_much().is_some();
        let why = if over() { None } else { Some(self.asked_why(row, families, directions)) };
        if over() {
            self.unexplained.set(self.unexplained.get() + 1);
            return None;
        }
        why
    }

    /// That there are rows without a reason.
    pub(super) fn unexplained(&self) -> Vec<String> {
        match self.unexplained.get() {
            0 => Vec::new(),
            count => vec![format!(
                "{count} of the rows have no reason here, which takes more than the steps that --limits \
                 allows: `explain` says it of one flow"
            )],
        }
    }

    fn asked_why(&self, row: &Merged, families: Families, directions: &[Direction]) -> Why {
        let passage = passage(row);
        let mut all = Why::default();
        for direction in directions {
            let ((of_own, own), (of_other, other)) = match direction {
                Direction::Ingress => {
                    ((self.destinations, &row.destination), (self.sources, &row.source))
                }
                Direction::Egress => {
                    ((self.sources, &row.source), (self.destinations, &row.destination))
                }
            };
            let both = directions.len() > 1;
            for family in Family::ALL {
                if !(if family == Family::V4 { families.v4 } else { families.v6 }) {
                    continue;
                }
                let mut seen = Vec::new();
                for (class, _) in self.classes(of_own, own, family) {
                    let standing = self.connectivity.standing(*direction, class);
                    if seen.contains(&standing) {
                        continue;
                    }
                    seen.push(standing);
                    let key = || (family, standing, other.clone(), row.ports.clone(), passage);
                    if !both && let Some(known) = self.reasons.borrow().get(&key()) {
                        all.extend(known.clone());
                        continue;
                    }
                    let peers = self.classes(of_other, other, family);
                    let of = (*direction, class);
                    let steps = &self.steps;
                    let groups = self.connectivity.examples(family, of, &peers, &row.ports, steps);
                    let flow = |example: &Example| flow(example, family);
                    let groups: Vec<Vec<Flow>> =
                        groups.iter().map(|group| group.iter().map(flow).collect()).collect();
                    let (snapshot, rules) = (self.snapshot, self.rules);
                    let why = why(snapshot, rules, passage, (*direction, both), &groups, steps);
                    if !both {
                        self.reasons.borrow_mut().insert(key(), why.clone());
                    }
                    all.extend(why);
                }
            }
        }
        all
    }

    /// The classes of one end of a row; each of a workload by itself.
    pub(super) fn classes(&self, groups: &Groups, end: &(Party, Part), family: Family) -> Runs {
        let connectivity = self.connectivity;
        let class = |address| connectivity.class(End::Address(address));
        match end {
            (Party::Anyone, _) => connectivity.classes_in(RowEnd::Anyone, family),
            (Party::EveryPod, _) => connectivity.classes_in(RowEnd::EveryPod, family),
            (Party::Outside, Part::Ranges(ranges)) => {
                let of_range = ranges
                    .iter()
                    .filter_map(|(first, last)| Some((class(*first)?, class(*last)? + 1)));
                of_range.collect()
            }
            (Party::Outside, _) => {
                let all = connectivity.outside(family);
                vec![(all.start, all.end)]
            }
            (Party::Group(id), part) => {
                let classes: BTreeSet<u32> = match part {
                    Part::Pods(pods) => {
                        pods.iter().filter_map(|end| connectivity.class(*end)).collect()
                    }
                    _ => groups.group(*id).members.classes().collect(),
                };
                let there = classes.into_iter().filter(|class| connectivity.has(*class, family));
                there.map(|class| (class, class + 1)).collect()
            }
        }
    }

    /// The rules of a reason, such as `default/netpol/web ingress[0]`, and policies that perhaps
    /// select.
    pub(super) fn rules_of(&self, why: &Why) -> Vec<String> {
        let policy = |id: PolicyId| self.rules.policy(id);
        let rules = why.rules.iter().filter_map(|(id, entry)| {
            let policy = policy(*id);
            let path = &policy.entries.get(*entry)?.path;
            Some(format!("{} {}", policy.object, short(path)))
        });
        let rules: BTreeSet<String> = rules.collect();
        let perhaps: BTreeSet<String> =
            why.perhaps.iter().map(|id| policy(*id).object.to_string()).collect();
        rules.into_iter().chain(perhaps).collect()
    }

    /// What is not known, each as the end of a sentence that says on what it depends.
    pub(super) fn not_known(&self, why: &Why) -> Vec<String> {
        let known = why.not_known.iter().map(words::not_known);
        let tied = why.tied.iter().map(|policies| {
            let names: Vec<String> =
                policies.iter().map(|id| self.rules.policy(*id).object.to_string()).collect();
            words::tie(&names)
        });
        known.chain(tied).collect()
    }
}

/// How much of a row gets through.
fn passage(row: &Merged) -> Passage {
    match row.holds {
        Holds::Always => Passage::Allowed,
        Holds::Conditionally => Passage::OnCondition,
        Holds::Unknown => Passage::Unknown,
    }
}

/// The directions in which policies are asked why a row is there; `None`: it goes without a reason.
pub(super) fn directions(row: &Merged) -> Option<&'static [Direction]> {
    let symbolic = |(party, _): &(Party, Part)| !matches!(party, Party::Group(_));
    match (symbolic(&row.source), symbolic(&row.destination)) {
        (true, _) => Some(&[Direction::Ingress]),
        (_, true) => Some(&[Direction::Egress]),
        _ if row.holds == Holds::Always => None,
        _ => Some(&[Direction::Egress, Direction::Ingress]),
    }
}

/// An example as it is judged.
pub(super) fn flow(example: &Example, family: Family) -> Flow {
    let endpoint = |end: End| match end {
        End::Pod(id) => Endpoint::Pod(id),
        End::Node(node) => Endpoint::Node(node),
        End::Address(address) => Endpoint::Address(address),
    };
    Flow {
        source: endpoint(example.source),
        destination: endpoint(example.destination),
        port: example.port,
        family,
        through_service: false,
    }
}

/// The words of what decides, what says most first; each once.
pub(super) fn reasons(why: &Why) -> Vec<Because> {
    let mut all = Vec::new();
    for ground in why.told() {
        let word = match ground {
            Ground::Admitted | Ground::Administrator(_) => Because::Admitted,
            Ground::Tie => Because::Tie,
            Ground::Unknown => Because::Unknown,
            Ground::NotIsolated => Because::NotIsolated,
            Ground::HostNetwork => Because::HostNetwork,
            Ground::NotEnforced => Because::NotEnforced,
            Ground::OwnNode => Because::OwnNode,
            Ground::SamePod => Because::SamePod,
            Ground::NotJudged => continue,
        };
        if !all.contains(&word) {
            all.push(word);
        }
    }
    all
}
