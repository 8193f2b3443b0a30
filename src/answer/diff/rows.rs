//! Changes as rows, few enough to be read.
//!
//! In: a [`Diff`]. Out: [`Row`]s: sets of sources and destinations with the ports between them that
//! change alike for the same cause. Every cell of a change is judged for its cause, up to a limit.

use super::DiffSide;
use super::cause::{Cause, causes};
use crate::cluster::{Family, Port, PortRange, Protocol};
use crate::effort::{Effort, TooMuch, Work};
use crate::reach::{Cell, Diff, End, EndClass, PortSet, Same};
use crate::verdict::{Case, CasePorts, Endpoint, Flow, Passage, boundaries, judge};
use foldhash::{HashMap, HashMapExt as _};
use std::collections::{BTreeMap, BTreeSet};

/// So many flows are judged for their causes; beyond, one speaks for all of its change.
pub(super) const MOST_JUDGED: usize = 4000;

/// The same of a world with policies that are not in the input.
pub(super) const MOST_JUDGED_ELSEWHERE: usize = 1000;

/// Flows that change alike for one cause.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) from: Passage,
    pub(super) to: Passage,
    /// `None`: in both, or there is only one.
    pub(super) family: Option<Family>,
    pub(super) causes: Vec<Cause>,
    pub(super) sources: BTreeSet<EndClass>,
    pub(super) destinations: BTreeSet<EndClass>,
    pub(super) ports: PortSet,
    pub(super) witness: Witness,
}

/// One flow of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Witness {
    pub(super) source: Same,
    pub(super) destination: Same,
    pub(super) port: Port,
    pub(super) family: Family,
}

impl Witness {
    /// The flow on one side, with its judgement.
    pub(super) fn case(&self, side: &DiffSide<'_>, is_new: bool) -> Case {
        let pick = |same: Same| Endpoint::from(if is_new { same.new } else { same.old });
        let flow = Flow {
            source: pick(self.source),
            destination: pick(self.destination),
            port: self.port,
            family: self.family,
            through_service: false,
        };
        Case {
            sources: vec![flow.source.clone()],
            destinations: vec![flow.destination.clone()],
            ports: CasePorts::One(self.port),
            dialled: None,
            family: None,
            reading: None,
            judgement: judge(side.snapshot, side.rules, &flow),
            flow,
        }
    }

    fn causes(&self, sides: [&DiffSide<'_>; 2]) -> Vec<Cause> {
        causes([&self.case(sides[0], false), &self.case(sides[1], true)], sides)
    }
}

/// Every change in as few rows as its causes allow.
pub(super) struct Rows {
    pub(super) all: Vec<Row>,
    /// Some causes are those of one flow only.
    pub(super) sampled: bool,
    /// Some flows that pass on a condition may do so on another one than before.
    pub(super) unsure: bool,
}

/// How much of a diff is told.
pub(super) struct Told {
    effort: Effort,
    taken: u64,
}

/// Ends and policies of a change.
const OF_CHANGE: u64 = 100;

impl Told {
    pub(super) fn new(effort: Effort) -> Self {
        Self { effort, taken: 0 }
    }

    /// Takes a change with so many ends and policies.
    pub(super) fn take(&mut self, size: usize) -> Result<(), TooMuch> {
        self.taken = self.taken.saturating_add(OF_CHANGE.max(size as u64));
        let limit = self.effort.changes;
        if self.taken <= limit.saturating_mul(OF_CHANGE) {
            return Ok(());
        }
        Err(TooMuch { work: Work::Changes, limit })
    }
}

pub(super) fn rows(
    diff: &Diff<'_>,
    sides: [&DiffSide<'_>; 2],
    (effort, most_judged): (Effort, usize),
) -> Result<Rows, TooMuch> {
    let mut rows = Vec::new();
    let mut told = Told::new(effort);
    let mut left = most_judged;
    let (mut sampled, mut unsure) = (false, false);
    for change in diff.changes() {
        if diff.size(change) > left {
            let [sources, destinations]: [BTreeSet<EndClass>; 2] =
                diff.classes(change).map(Iterator::collect);
            told.take(sources.len() + destinations.len())?;
            let (source, destination) = (change.witness.source, change.witness.destination);
            let (family, port) = (change.family, change.witness.port);
            let witness = Witness { source, destination, port, family };
            let causes = witness.causes(sides);
            if change.from == change.to && causes.is_empty() {
                unsure = true;
                continue;
            }
            sampled = true;
            rows.push(Row {
                from: change.from,
                to: change.to,
                family: Some(family),
                causes,
                sources,
                destinations,
                ports: change.ports.clone(),
                witness,
            });
            continue;
        }
        for cell in diff.cells(change) {
            by_cause(&mut rows, &cell, change.family, sides, &mut left);
        }
    }
    Ok(Rows { all: merged(diff, rows), sampled, unsure })
}

/// The rows of one cell: ports at which different rules decide are told apart.
fn by_cause(
    rows: &mut Vec<Row>,
    cell: &Cell,
    family: Family,
    sides: [&DiffSide<'_>; 2],
    left: &mut usize,
) {
    let mut known: BTreeMap<Vec<Cause>, Vec<(Protocol, PortRange)>> = BTreeMap::new();
    for (protocol, range) in pieces(cell, sides, *left) {
        *left = left.saturating_sub(1);
        let port = Port { protocol, number: range.first };
        let (source, destination) = (cell.source, cell.destination);
        let causes = Witness { source, destination, port, family }.causes(sides);
        known.entry(causes).or_default().push((protocol, range));
    }
    // On the same conditions as before.
    known.retain(|causes, _| cell.from != cell.to || !causes.is_empty());
    for (causes, ranges) in known {
        let ports = PortSet::of(ranges);
        let Some(port) = witness_port(cell, &ports, sides[1]) else { continue };
        rows.push(Row {
            from: cell.from,
            to: cell.to,
            family: Some(family),
            causes,
            sources: [cell.sources].into(),
            destinations: [cell.destinations].into(),
            witness: Witness { source: cell.source, destination: cell.destination, port, family },
            ports,
        });
    }
}

/// The ports of a cell, cut where a rule of either side begins or ends.
fn pieces(cell: &Cell, sides: [&DiffSide<'_>; 2], left: usize) -> Vec<(Protocol, PortRange)> {
    let cuts = |side: &DiffSide<'_>, source: End, destination: End| {
        boundaries(side.snapshot, side.rules, &source.into(), &destination.into())
    };
    let mut all = cuts(sides[0], cell.source.old, cell.destination.old);
    all.extend(cuts(sides[1], cell.source.new, cell.destination.new));
    let mut pieces = Vec::new();
    for (protocol, range) in cell.ports.ranges() {
        let mut first = range.first;
        let inner = all.range((protocol, range.first)..=(protocol, range.last));
        for (_, cut) in inner.filter(|(_, cut)| *cut > range.first) {
            pieces.push((protocol, PortRange { first, last: cut - 1 }));
            first = *cut;
        }
        pieces.push((protocol, PortRange { first, last: range.last }));
    }
    if pieces.len() > left { cell.ports.ranges().collect() } else { pieces }
}

/// A port that the destination declares, if one changes: that is what people will try.
fn witness_port(cell: &Cell, ports: &PortSet, new: &DiffSide<'_>) -> Option<Port> {
    let declared = match cell.destination.new {
        End::Pod(id) => new.snapshot.pod(id).ports.iter().map(|port| port.port).collect(),
        End::Node(_) | End::Address(_) => Vec::new(),
    };
    declared.into_iter().find(|port| ports.contains(*port)).or_else(|| ports.lowest())
}

/// What rows have in common that may become one: all but the part that is left out.
type Key = (
    (Passage, Passage, Option<Family>, Vec<Cause>),
    Option<PortSet>,
    Option<BTreeSet<EndClass>>,
    Option<BTreeSet<EndClass>>,
);

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Ports,
    Sources,
    Destinations,
}

fn merged(diff: &Diff<'_>, mut rows: Vec<Row>) -> Vec<Row> {
    loop {
        let before = rows.len();
        for part in [Part::Ports, Part::Sources, Part::Destinations] {
            rows = joined(rows, part);
        }
        if rows.len() == before {
            break;
        }
    }
    both_families(diff, rows)
}

/// Joins rows that differ in one part only.
fn joined(rows: Vec<Row>, part: Part) -> Vec<Row> {
    let mut known: HashMap<Key, usize> = HashMap::new();
    let mut all: Vec<Row> = Vec::new();
    for row in rows {
        let key = (
            (row.from, row.to, row.family, row.causes.clone()),
            (part != Part::Ports).then(|| row.ports.clone()),
            (part != Part::Sources).then(|| row.sources.clone()),
            (part != Part::Destinations).then(|| row.destinations.clone()),
        );
        if let Some(at) = known.get(&key) {
            let twin = &mut all[*at];
            twin.sources.extend(row.sources);
            twin.destinations.extend(row.destinations);
            twin.ports = twin.ports.union(&row.ports);
        } else {
            known.insert(key, all.len());
            all.push(row);
        }
    }
    all
}

/// Makes one row of two that say the same in either family.
fn both_families(diff: &Diff<'_>, rows: Vec<Row>) -> Vec<Row> {
    let compared = Family::ALL.map(|family| diff.compared(family));
    let only_one = compared.iter().any(|classes| classes.iter().all(|(_, outside)| *outside));
    let outside: [BTreeSet<EndClass>; 2] = compared.map(|classes| {
        classes.into_iter().filter(|(_, outside)| *outside).map(|(class, _)| class).collect()
    });
    // The classes inside, and whether all addresses outside are with them; `None`: some are.
    let shape = |classes: &BTreeSet<EndClass>, family: Family| {
        let outside = &outside[usize::from(family == Family::V6)];
        let inside: BTreeSet<EndClass> = classes.difference(outside).copied().collect();
        let all = classes.len() - inside.len();
        (all == 0 || all == outside.len()).then_some((inside, all > 0))
    };
    let mut known = HashMap::new();
    let mut all: Vec<Row> = Vec::new();
    for mut row in rows {
        let shapes = row.family.and_then(|family| {
            Some((shape(&row.sources, family)?, shape(&row.destinations, family)?))
        });
        if let Some(shapes) = shapes {
            let key = (row.from, row.to, row.causes.clone(), row.ports.clone(), shapes);
            if let Some(at) = known.get(&key) {
                let twin: &mut Row = &mut all[*at];
                twin.family = None;
                twin.sources.extend(row.sources);
                twin.destinations.extend(row.destinations);
                continue;
            }
            known.insert(key, all.len());
        }
        row.family = row.family.filter(|_| !only_one);
        all.push(row);
    }
    all
}
