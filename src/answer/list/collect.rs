//! Rows of classes as rows of workloads, merged.
//!
//! In: the rows of a [`Connectivity`]. Out: what they say, [`Collected`], which makes [`Merged`] rows of it in
//! order: one for all pods of a workload where they are alike, else one for each part of them, and one for
//! both IP families where these do not differ.

use super::By;
use super::group::{Group, Groups};
use crate::cluster::Family;
use crate::effort::{TooMuch, Work};
use crate::ends::ranges::{Range, complement};
use crate::reach::{Connectivity, End, PortSet, Row, RowEnd, Wanted};
use foldhash::HashMap;
use std::collections::{BTreeMap, btree_map};
use std::iter::Peekable;
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
/// The ends of a row and how far it holds.
pub(super) type Key = (Party, Party, Holds);

/// What is known class by class.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    key: Key,
    from: Run,
    to: Run,
    ports: PortsIndex,
}

/// What is known of two parties only altogether: of namespaces, which may have very many classes.
struct Sum {
    all: PortSet,
    alike: bool,
    last: PortsIndex,
    pairs: usize,
}

/// What is known between parties in one family, by key.
#[derive(Default)]
struct Between {
    pairs: Vec<Pair>,
    sums: BTreeMap<Key, Sum>,
    ports: Vec<PortSet>,
}

/// What is left of one family, with the ports of it all.
type Rest<'b> = (&'b [Pair], Peekable<btree_map::Iter<'b, Key, Sum>>, &'b [PortSet]);

pub(super) struct Collector<'c, 'a> {
    pub(super) connectivity: &'c Connectivity<'a>,
    pub(super) by: By,
    pub(super) sources: &'c Groups,
    pub(super) destinations: &'c Groups,
    pub(super) wanted: &'c Wanted,
    /// Rows beyond this help nobody, and their memory must have an end.
    pub(super) most: u64,
}

/// All that is known, from which rows are made one after the other: they would take ten times its memory.
pub(super) struct Collected<'c, 'a> {
    collector: Collector<'c, 'a>,
    by_family: [Between; 2],
    /// Whether the ends of each group could be in a flow of either family.
    in_both: [Vec<bool>; 2],
}

/// One class stands for anyone.
const NO_CLASS: Run = (u32::MAX, u32::MAX);

impl<'c, 'a> Collector<'c, 'a> {
    /// Looks at every flow once.
    pub(super) fn collect(self) -> Result<Collected<'c, 'a>, TooMuch> {
        let [v4, v6] = Family::ALL.map(|family| self.between(family));
        let by_family = [v4?, v6?];
        let both = Family::ALL.into_iter().all(|family| self.connectivity.has_family(family));
        let has = |group: &Group, family| {
            group.members.classes().any(|class| self.connectivity.has(class, family))
        };
        let in_both = [self.sources, self.destinations].map(|groups| {
            let of = |group: &Group| Family::ALL.into_iter().all(|family| has(group, family));
            if both { groups.all.iter().map(of).collect() } else { Vec::new() }
        });
        Ok(Collected { collector: self, by_family, in_both })
    }

    fn between(&self, family: Family) -> Result<Between, TooMuch> {
        let mut between = Between::default();
        let mut indices = HashMap::<PortSet, PortsIndex>::default();
        let mut count = 0u64;
        let mut last_ports: Option<(PortSet, PortsIndex)> = None;
        let Between { pairs, sums, ports } = &mut between;
        let flow = self.connectivity.rows(family, self.wanted, &mut |row: Row<'_>| {
            let index = match &last_ports {
                Some((last, index)) if last.is_copy_of(row.ports) => *index,
                _ => {
                    let index = *indices.entry(row.ports.clone()).or_insert_with_key(|set| {
                        ports.push(set.clone());
                        u32::try_from(ports.len() - 1).unwrap_or(u32::MAX)
                    });
                    last_ports = Some((row.ports.clone(), index));
                    index
                }
            };
            let holds = Holds::of(&row);
            for (source, from) in parties(self.sources, row.source) {
                for (destination, to) in parties(self.destinations, row.destination) {
                    let key = (source, destination, holds);
                    let outside = [source, destination].contains(&Party::Outside);
                    if self.by == By::Namespace && !outside {
                        let sum = sums.entry(key).or_insert_with(|| {
                            count += RANGES;
                            Sum { all: PortSet::default(), alike: true, last: index, pairs: 0 }
                        });
                        if sum.pairs == 0 || sum.last != index {
                            sum.all = sum.all.union(row.ports);
                        }
                        sum.alike &= sum.last == index;
                        (sum.last, sum.pairs) = (index, sum.pairs + 1);
                    } else {
                        // Many ranges of addresses become one row.
                        let many = || RANGES.max(row.ports.ranges().len() as u64);
                        count += if outside { 1 } else { many() };
                        pairs.push(Pair { key, from, to, ports: index });
                    }
                    if count / RANGES > self.most {
                        return ControlFlow::Break(());
                    }
                }
            }
            ControlFlow::Continue(())
        });
        if flow.is_break() {
            let rows = TooMuch { work: Work::Rows, limit: self.most };
            return Err(self.connectivity.too_much().unwrap_or(rows));
        }
        between.pairs.sort_unstable();
        Ok(between)
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
                let classes = groups.group(id).members.classes();
                let there = classes.filter(|class| self.connectivity.has(*class, family));
                there.map(|class| (class, class + 1)).collect()
            }
        }
    }

    /// The row of namespaces.
    fn summed(&self, family: Family, (source, destination, holds): Key, sum: &Sum) -> Merged {
        let from = self.classes(self.sources, source, family).len();
        let to = self.classes(self.destinations, destination, family).len();
        let in_part = !sum.alike || sum.pairs != from * to;
        let (source, destination) = ((source, Part::Whole), (destination, Part::Whole));
        Merged { source, destination, ports: sum.all.clone(), holds, in_part }
    }

    /// The rows of pairs that have one key.
    fn merged(
        &self,
        family: Family,
        pairs: &[Pair],
        ports: &[PortSet],
        take: &mut dyn FnMut(Merged),
    ) {
        let Some(Pair { key: (source, destination, holds), .. }) = pairs.first().copied() else {
            return;
        };
        let row = |from: &[Run], to: &[Run], index: PortsIndex| {
            let source = (source, self.part(self.sources, source, from, family));
            let to = self.part(self.destinations, destination, to, family);
            let ports = ports[index as usize].clone();
            let destination = (destination, to);
            self.named(Merged { source, destination, ports, holds, in_part: false })
        };
        // Mostly there is one class at each end.
        if let [pair] = pairs {
            return take(row(&[pair.from], &[pair.to], pair.ports));
        }
        // Ports with their sources, for each destination; destinations that agree are one row.
        let mut by_destination: BTreeMap<Run, BTreeMap<PortsIndex, Vec<Run>>> = BTreeMap::new();
        for Pair { from, to, ports, .. } in pairs {
            by_destination.entry(*to).or_default().entry(*ports).or_default().push(*from);
        }
        let mut alike: BTreeMap<BTreeMap<PortsIndex, Vec<Run>>, Vec<Run>> = BTreeMap::new();
        for (to, mut sources) in by_destination {
            for classes in sources.values_mut() {
                classes.sort_unstable();
            }
            alike.entry(sources).or_default().push(to);
        }
        for (sources, to) in alike {
            for (index, from) in sources {
                take(row(&from, &to, index));
            }
        }
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

    fn part(&self, groups: &Groups, party: Party, some: &[Run], family: Family) -> Part {
        match party {
            Party::Anyone | Party::EveryPod => Part::Whole,
            Party::Outside => {
                let runs = together(some.to_vec()).into_iter();
                let ranges: Vec<Range> =
                    runs.map(|run| self.connectivity.outside_range(run, family)).collect();
                if complement(&ranges, family).is_empty() {
                    return Part::Whole;
                }
                Part::Ranges(ranges)
            }
            Party::Group(id) => {
                let group = groups.group(id);
                let pods = || some.iter().map(|(class, _)| group.members.of_class(*class));
                if pods().map(<[End]>::len).sum::<usize>() == group.total {
                    return Part::Whole;
                }
                let all = self.classes(groups, party, family);
                if some == all && all.len() < group.members.by_class().len() {
                    return Part::Whole;
                }
                let mut pods: Vec<End> = pods().flatten().copied().collect();
                pods.sort_unstable();
                Part::Pods(pods)
            }
        }
    }
}

impl Collected<'_, '_> {
    /// Every row once, in order, of those whose key is wanted.
    pub(super) fn rows(
        &self,
        wanted: &dyn Fn(&Key) -> bool,
        visit: &mut dyn FnMut(Merged, Families) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut rests = self.by_family.each_ref().map(|between| -> Rest<'_> {
            (&between.pairs, between.sums.iter().peekable(), &between.ports)
        });
        let mut rows: Vec<(Merged, Families)> = Vec::new();
        loop {
            let first = |(pairs, sums, _): &mut Rest<'_>| {
                let of_pairs = pairs.first().map(|pair| pair.key.0);
                let of_sums = sums.peek().map(|(key, _)| key.0);
                of_pairs.into_iter().chain(of_sums).min()
            };
            let Some(source) = rests.iter_mut().filter_map(first).min() else {
                return ControlFlow::Continue(());
            };
            for (family, (pairs, sums, ports)) in Family::ALL.into_iter().zip(&mut rests) {
                let (v4, v6) = (family == Family::V4, family == Family::V6);
                let mut take = |row: Merged| {
                    let could_be_both = self.is_in_both(&row);
                    rows.push((row, Families { v4, v6, could_be_both }));
                };
                while let Some(key) = pairs.first().map(|pair| pair.key).filter(|k| k.0 == source) {
                    let here = pairs.iter().position(|pair| pair.key != key);
                    let (some, rest) = pairs.split_at(here.unwrap_or(pairs.len()));
                    *pairs = rest;
                    if wanted(&key) {
                        self.collector.merged(family, some, ports, &mut take);
                    }
                }
                while let Some((key, sum)) = sums.next_if(|(key, _)| key.0 == source) {
                    if wanted(key) {
                        take(self.collector.summed(family, *key, sum));
                    }
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
            for (row, families) in rows.drain(..) {
                visit(row, families)?;
            }
        }
    }

    /// Whether the ends of a row could be in a flow of either family.
    fn is_in_both(&self, row: &Merged) -> bool {
        let connectivity = self.collector.connectivity;
        let [sources, destinations] = &self.in_both;
        let is = |groups: &[bool], party: Party| match party {
            Party::Group(id) => groups.get(id as usize).is_some_and(|is| *is),
            _ => true,
        };
        Family::ALL.into_iter().all(|family| connectivity.has_family(family))
            && is(sources, row.source.0)
            && is(destinations, row.destination.0)
    }
}

/// Runs in order, those that touch or overlap made one.
fn together(mut runs: Vec<Run>) -> Vec<Run> {
    runs.sort_unstable();
    runs.dedup_by(|(first, end), (_, last)| {
        let one = *first <= *last;
        if one {
            *last = (*end).max(*last);
        }
        one
    });
    runs
}

/// The parties that have pods in a row's end, with its classes.
fn parties(groups: &Groups, end: RowEnd) -> impl Iterator<Item = (Party, Run)> {
    let (one, class, run) = match end {
        RowEnd::Anyone => (Some(Party::Anyone), None, NO_CLASS),
        RowEnd::EveryPod => (Some(Party::EveryPod), None, NO_CLASS),
        RowEnd::Outside(first, end) => (Some(Party::Outside), None, (first, end)),
        RowEnd::Class(class) => (None, Some(class), (class, class + 1)),
    };
    let groups = class.into_iter().flat_map(|class| groups.of_class(class)).map(Party::Group);
    one.into_iter().chain(groups).map(move |party| (party, run))
}
