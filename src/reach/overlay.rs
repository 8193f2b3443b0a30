//! A few more sources laid over many that other destinations have too.
//!
//! In: a [`Base`], the many with their sets, and the few. Out: the column of both. Addresses outside
//! that some block tells apart differ from each other in a handful of sources; the thousands that a
//! rule for the whole outside lets there are gone through once, not once for each.

use super::port_table::PortsId;
use super::region::{Column, Region, parts};
use super::sets::{ClassId, Run, SetId, SetTable};
use super::tables::Tables;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// Many sources.
pub(super) struct Base {
    /// Disjoint, in order.
    pub(super) spans: Region,
    /// The same as sets, once asked for.
    column: OnceCell<Column>,
}

/// The sources that leave and join a set, in order.
#[derive(Default)]
struct Moved {
    out: Vec<Run>,
    into: Vec<Run>,
}

impl Base {
    pub(super) fn new(spans: Region) -> Self {
        Self { spans, column: OnceCell::new() }
    }

    /// The column of these sources and a few more, which are disjoint and in order.
    pub(super) fn with(&self, tables: &mut Tables, few: &Region) -> Column {
        let column = self.column.get_or_init(|| parts(tables, &self.spans));
        if few.is_empty() {
            return column.clone();
        }
        let mut column: BTreeMap<PortsId, SetId> =
            column.iter().map(|(set, ports)| (*ports, *set)).collect();
        for (ports, moved) in self.moved(tables, few) {
            let set = column.get(&ports).copied().unwrap_or(SetTable::EMPTY);
            let stay = without(tables.sets.runs(set), &moved.out);
            match tables.sets.id(united(&stay, &moved.into)) {
                SetTable::EMPTY => column.remove(&ports),
                set => column.insert(ports, set),
            };
        }
        column.into_iter().map(|(ports, set)| (set, ports)).collect()
    }

    /// Which sources go from one set to another, since they reach more ports than before.
    fn moved(&self, tables: &mut Tables, few: &Region) -> BTreeMap<PortsId, Moved> {
        let mut moved: BTreeMap<PortsId, Moved> = BTreeMap::new();
        for (from, to, ports) in few {
            let known = self.spans.partition_point(|(_, end, _)| end <= from);
            let mut known = self.spans[known..].iter().peekable();
            let mut at: ClassId = *from;
            while at < *to {
                let next = known.peek().copied();
                let (stop, before) = match next {
                    Some((start, end, before)) if *start <= at => (*end.min(to), Some(*before)),
                    Some((start, ..)) => (*start.min(to), None),
                    None => (*to, None),
                };
                let after = before.map_or(*ports, |before| tables.ports.or(before, *ports));
                if before != Some(after) {
                    if let Some(before) = before {
                        moved.entry(before).or_default().out.push((at, stop));
                    }
                    moved.entry(after).or_default().into.push((at, stop));
                }
                known.next_if(|(_, end, _)| *end <= stop);
                at = stop;
            }
        }
        moved
    }
}

/// A set less some of its own classes.
fn without(runs: &[Run], out: &[Run]) -> Vec<Run> {
    let mut left = Vec::with_capacity(runs.len() + out.len());
    let mut out = out.iter().peekable();
    for (from, to) in runs {
        let mut at = *from;
        while let Some((first, end)) = out.next_if(|(first, _)| first < to) {
            if at < *first {
                left.push((at, *first));
            }
            at = *end;
        }
        if at < *to {
            left.push((at, *to));
        }
    }
    left
}

/// Two sets without a class in common, merged.
fn united(a: &[Run], b: &[Run]) -> Vec<Run> {
    let mut all: Vec<Run> = Vec::with_capacity(a.len() + b.len());
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    loop {
        let first = match (a.peek(), b.peek()) {
            (Some(one), Some(other)) if one > other => b.next(),
            (Some(_), _) => a.next(),
            (None, _) => b.next(),
        };
        let Some((from, to)) = first else { return all };
        match all.last_mut() {
            Some((_, end)) if end == from => *end = *to,
            _ => all.push((*from, *to)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{PortRange, Protocol};
    use crate::effort::Effort;
    use crate::reach::ports::PortSet;

    #[test]
    fn runs_without_and_united() {
        let runs = [(0, 4), (6, 10), (12, 13)];
        assert_eq!(without(&runs, &[(1, 2), (3, 4), (6, 10)]), [(0, 1), (2, 3), (12, 13)]);
        assert_eq!(without(&runs, &[(0, 4), (6, 7), (9, 10), (12, 13)]), [(7, 9)]);
        assert_eq!(united(&runs, &[(4, 5), (10, 12), (20, 21)]), [(0, 5), (6, 13), (20, 21)]);
        assert_eq!(united(&[], &runs), runs);
    }

    #[test]
    fn few_over_many() {
        let mut tables = Tables::new(Effort::default(), []);
        let mut port = |number: u16| {
            let range = PortRange { first: number, last: number };
            tables.ports.id(&PortSet::of([(Protocol::Tcp, range)]))
        };
        let (web, db) = (port(80), port(5432));
        let both = tables.ports.or(web, db);
        let many: Region = vec![(0, 4, web), (4, 6, db), (8, 9, web)];
        let all = parts(&mut tables, &many);
        let base = Base::new(many);
        assert_eq!(base.with(&mut tables, &Vec::new()), all);
        let laid = base.with(&mut tables, &vec![(1, 2, db), (3, 7, web), (8, 9, web), (9, 11, db)]);
        let laid: Vec<(Vec<Run>, PortsId)> =
            laid.into_iter().map(|(set, ports)| (tables.sets.runs(set).to_vec(), ports)).collect();
        let mut expected = vec![
            (vec![(0, 1), (2, 4), (6, 7), (8, 9)], web),
            (vec![(9, 11)], db),
            (vec![(1, 2), (4, 6)], both),
        ];
        expected.sort_by_key(|(_, ports)| *ports);
        assert_eq!(laid, expected);
    }
}
