//! Rows of classes as rows of workloads, merged.
//!
//! In: the rows of a [`Connectivity`]. Out: [`Merged`] rows in order: one for all pods of a workload
//! where they are alike, else one for each part of them, and one for both IP families where these do
//! not differ.

use super::By;
use super::group::Groups;
use crate::cluster::Family;
use crate::effort::{TooMuch, Work};
use crate::ends::ranges::{Range, complement, joined};
use crate::reach::{Connectivity, End, Ends, PortSet, Row, RowEnd, Wanted};
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

/// So many ranges of addresses, or of ports, count as a row.
const RANGES: u64 = 10;

/// Who stands at one end of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Party {
    Anyone,
    EveryPod,
    Outside,
    Group(u32),
}

/// All of a party, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Part {
    Whole,
    Pods(Vec<End>),
    Ranges(Vec<Range>),
}

/// How far a row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Holds {
    Always,
    /// On a condition that only shows later.
    Conditionally,
    Unknown,
}

impl Holds {
    fn of(row: &Row<'_>) -> Self {
        match (row.certain, row.conditional) {
            (false, _) => Self::Unknown,
            (true, true) => Self::Conditionally,
            (true, false) => Self::Always,
        }
    }
}

/// A row in the order of the answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Merged {
    pub(super) source: (Party, Part),
    pub(super) destination: (Party, Part),
    pub(super) ports: PortSet,
    pub(super) holds: Holds,
    /// Not from and to all of their pods, and which is not told.
    pub(super) in_part: bool,
}

/// The families of a row, and whether these are all that its ends have.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Families {
    pub(super) v4: bool,
    pub(super) v6: bool,
    pub(super) could_be_both: bool,
}

type PortsIndex = u32;
/// Neighbouring classes, from the first to the one after the last; more than one only outside.
type Run = (u32, u32);
type Key = (Party, Party, Holds);

/// What is known between two parties.
enum Between {
    /// Class by class.
    Pairs(Vec<(Run, Run, PortsIndex)>),
    /// Only altogether: of namespaces, which may have very many classes.
    Sum { all: PortSet, alike: bool, last: PortsIndex, pairs: usize },
}

pub(super) struct Collector<'c, 'a> {
    pub(super) connectivity: &'c Connectivity<'a>,
    pub(super) by: By,
    pub(super) sources: &'c Groups,
    pub(super) destinations: &'c Groups,
    pub(super) wanted: &'c Wanted,
    /// Rows beyond this help nobody, and their memory must have an end.
    pub(super) most: u64,
}

/// One class stands for anyone.
const NO_CLASS: Run = (u32::MAX, u32::MAX);

impl Collector<'_, '_> {
    /// Every row once, in order.
    pub(super) fn run(&self) -> Result<Vec<(Merged, Families)>, TooMuch> {
        let mut rows: Vec<(Merged, Families)> = Vec::new();
        for family in Family::ALL {
            let (between, ports) = self.between(family)?;
            let both = Family::ALL.into_iter().all(|family| self.connectivity.has_family(family));
            let (v4, v6) = (family == Family::V4, family == Family::V6);
            for (key, between) in between {
                rows.extend(self.merged(family, key, between, &ports).into_iter().map(|row| {
                    let could_be_both = both && self.is_in_both(&row);
                    (row, Families { v4, v6, could_be_both })
                }));
            }
        }
        // Those of one family are nearly in order, and mostly the same as those of the other.
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        rows.dedup_by(|(next, more), (row, families)| {
            let same = next == row;
            if same {
                families.v4 |= more.v4;
                families.v6 |= more.v6;
                families.could_be_both |= more.could_be_both;
            }
            same
        });
        Ok(rows)
    }

    fn between(&self, family: Family) -> Result<(BTreeMap<Key, Between>, Vec<PortSet>), TooMuch> {
        let mut between: BTreeMap<Key, Between> = BTreeMap::new();
        let (mut ports, mut indices) = (Vec::new(), HashMap::<PortSet, PortsIndex>::new());
        let mut count = 0u64;
        let mut last_ports: Option<(PortSet, PortsIndex)> = None;
        let flow = self.connectivity.rows(family, self.wanted, &mut |row: Row<'_>| {
            let index = match &last_ports {
                Some((last, index)) if last.is_copy_of(row.ports) => *index,
                _ => *indices.entry(row.ports.clone()).or_insert_with_key(|set| {
                    ports.push(set.clone());
                    u32::try_from(ports.len() - 1).unwrap_or(u32::MAX)
                }),
            };
            last_ports = Some((row.ports.clone(), index));
            for (source, from) in parties(self.sources, row.source) {
                for (destination, to) in parties(self.destinations, row.destination) {
                    let key = (source, destination, Holds::of(&row));
                    let sum = self.by == By::Namespace
                        && ![source, destination].contains(&Party::Outside);
                    match between.entry(key).or_insert_with(|| {
                        count += if sum { RANGES } else { 0 };
                        if sum {
                            let all = PortSet::default();
                            Between::Sum { all, alike: true, last: index, pairs: 0 }
                        } else {
                            Between::Pairs(Vec::new())
                        }
                    }) {
                        Between::Pairs(pairs) => {
                            // Many ranges of addresses become one row.
                            let outside = [source, destination].contains(&Party::Outside);
                            count += if outside {
                                1
                            } else {
                                RANGES.max(row.ports.ranges().len() as u64)
                            };
                            pairs.push((from, to, index));
                        }
                        Between::Sum { all, alike, last, pairs } => {
                            if *pairs == 0 || *last != index {
                                *all = all.union(row.ports);
                            }
                            *alike &= *last == index;
                            (*last, *pairs) = (index, *pairs + 1);
                        }
                    }
                    if count / RANGES > self.most {
                        return ControlFlow::Break(());
                    }
                }
            }
            ControlFlow::Continue(())
        });
        match flow {
            ControlFlow::Continue(()) => Ok((between, ports)),
            ControlFlow::Break(()) => {
                let rows = TooMuch { work: Work::Rows, limit: self.most };
                Err(self.connectivity.too_much().unwrap_or(rows))
            }
        }
    }

    /// The classes that a party has in a family.
    fn classes(&self, groups: &Groups, party: Party, family: Family) -> Vec<Run> {
        match party {
            Party::Anyone | Party::EveryPod => vec![NO_CLASS],
            Party::Outside => {
                let outside = self.connectivity.outside(family);
                vec![(outside.start, outside.end)]
            }
            Party::Group(id) => {
                let classes = groups.group(id).members.keys().copied();
                let there = classes.filter(|class| self.connectivity.has(*class, family));
                there.map(|class| (class, class + 1)).collect()
            }
        }
    }

    fn merged(
        &self,
        family: Family,
        (source, destination, holds): Key,
        between: Between,
        ports: &[PortSet],
    ) -> Vec<Merged> {
        let from = self.classes(self.sources, source, family);
        let to = self.classes(self.destinations, destination, family);
        let row = |source, destination, ports, in_part| Merged {
            source,
            destination,
            ports,
            holds,
            in_part,
        };
        let pairs = match between {
            Between::Pairs(pairs) => pairs,
            Between::Sum { all, alike, pairs, .. } => {
                let in_part = !alike || pairs != from.len() * to.len();
                let (source, destination) = ((source, Part::Whole), (destination, Part::Whole));
                return vec![row(source, destination, all, in_part)];
            }
        };
        // Mostly there is one class at each end.
        if let [(some_from, some_to, index)] = pairs.as_slice() {
            let ports = ports[*index as usize].clone();
            let source = (source, self.part(self.sources, source, &[*some_from], &from, family));
            let part = self.part(self.destinations, destination, &[*some_to], &to, family);
            return vec![self.named(row(source, (destination, part), ports, false))];
        }
        // Ports with their sources, for each destination; destinations that agree are one row.
        let mut by_destination: BTreeMap<Run, BTreeMap<PortsIndex, Vec<Run>>> = BTreeMap::new();
        for (from, to, ports) in pairs {
            by_destination.entry(to).or_default().entry(ports).or_default().push(from);
        }
        let mut alike: BTreeMap<BTreeMap<PortsIndex, Vec<Run>>, Vec<Run>> = BTreeMap::new();
        for (to, mut sources) in by_destination {
            for classes in sources.values_mut() {
                classes.sort_unstable();
            }
            alike.entry(sources).or_default().push(to);
        }
        let mut rows = Vec::new();
        for (sources, some_to) in alike {
            for (index, some_from) in sources {
                let source = (source, self.part(self.sources, source, &some_from, &from, family));
                let destination =
                    (destination, self.part(self.destinations, destination, &some_to, &to, family));
                let ports = ports[index as usize].clone();
                rows.push(self.named(row(source, destination, ports, false)));
            }
        }
        rows
    }

    /// A row of namespaces does not name pods.
    fn named(&self, mut row: Merged) -> Merged {
        for (_, part) in [&mut row.source, &mut row.destination] {
            if self.by == By::Namespace && matches!(part, Part::Pods(_)) {
                (*part, row.in_part) = (Part::Whole, true);
            }
        }
        row
    }

    fn part(
        &self,
        groups: &Groups,
        party: Party,
        some: &[Run],
        all: &[Run],
        family: Family,
    ) -> Part {
        match party {
            Party::Anyone | Party::EveryPod => Part::Whole,
            Party::Outside => {
                let classes = some.iter().flat_map(|(first, end)| *first..*end);
                let ends = classes.flat_map(|class| self.connectivity.ends(class, family));
                let ranges = joined(ends.filter_map(|ends| match ends {
                    Ends::Outside(first, last) => Some((first, last)),
                    Ends::One(_) => None,
                }));
                if complement(&ranges, family).is_empty() {
                    return Part::Whole;
                }
                Part::Ranges(ranges)
            }
            Party::Group(id) => {
                let group = groups.group(id);
                let pods = some.iter().filter_map(|(class, _)| group.members.get(class));
                let mut pods: Vec<End> = pods.flatten().copied().collect();
                if pods.len() == group.total || some == all && all.len() < group.members.len() {
                    return Part::Whole;
                }
                pods.sort_unstable();
                Part::Pods(pods)
            }
        }
    }

    /// Whether the ends of a row could be in a flow of either family.
    fn is_in_both(&self, row: &Merged) -> bool {
        let has = |groups: &Groups, party: Party, family| match party {
            Party::Group(id) => {
                let mut classes = groups.group(id).members.keys();
                classes.any(|class| self.connectivity.has(*class, family))
            }
            _ => true,
        };
        Family::ALL.into_iter().all(|family| {
            has(self.sources, row.source.0, family)
                && has(self.destinations, row.destination.0, family)
        })
    }
}

/// The parties that have pods in a row's end, with its classes.
fn parties(groups: &Groups, end: RowEnd) -> impl Iterator<Item = (Party, Run)> {
    let (one, run, groups) = match end {
        RowEnd::Anyone => (Some(Party::Anyone), NO_CLASS, &[][..]),
        RowEnd::EveryPod => (Some(Party::EveryPod), NO_CLASS, &[][..]),
        RowEnd::Outside(first, end) => (Some(Party::Outside), (first, end), &[][..]),
        RowEnd::Class(class) => (None, (class, class + 1), groups.of_class(class)),
    };
    let groups = groups.iter().map(|group| Party::Group(*group));
    one.into_iter().chain(groups).map(move |party| (party, run))
}
