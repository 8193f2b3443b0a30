//! Peers times ports: the plane on which tiers allow and deny.
//!
//! A [`Region`] is cut into spans of classes in order, each with the ports that it has there, so that
//! what one rule takes away from another is exact. Nothing here knows what a rule is.

use super::port_table::{PortTable, PortsId};
use super::sets::{ClassId, Mix, Run, SetId, SetTable};
use super::tables::Tables;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

/// From the first class to the one after the last, with its ports.
pub(super) type Span = (ClassId, ClassId, PortsId);

/// Disjoint spans in order, none without ports.
pub(super) type Region = Vec<Span>;

/// Sets of peers with their ports; they may overlap unless it is said that they do not.
pub(super) type Parts = Vec<(SetId, PortsId)>;

/// Disjoint sets of sources with the ports they reach, none empty.
pub(super) type Column = Vec<(SetId, PortsId)>;

/// Adds a set at these ports to spans that need not be disjoint.
pub(super) fn add(sets: &SetTable, spans: &mut Vec<Span>, set: SetId, ports: PortsId) {
    if ports != PortTable::NONE {
        spans.extend(sets.runs(set).iter().map(|(from, to)| (*from, *to, ports)));
    }
}

/// All classes of a set at these ports.
pub(super) fn of_set(sets: &SetTable, set: SetId, ports: PortsId) -> Region {
    let mut spans = Vec::new();
    add(sets, &mut spans, set, ports);
    spans
}

/// The port sets of the spans at one place.
#[derive(Default)]
struct Active {
    /// How many spans have each, in the order in which they came; those that none has any more, too.
    counts: Vec<(PortsId, u32)>,
    /// Where each stands, once they are many.
    places: HashMap<PortsId, usize, BuildHasherDefault<Mix>>,
    ids: Vec<PortsId>,
}

impl Active {
    /// So many are looked through one by one.
    const FEW: usize = 16;

    fn set(&mut self, ports: PortsId, begins: bool) {
        let many = self.counts.len() > Self::FEW;
        if many && self.places.is_empty() {
            self.places = self.counts.iter().map(|(ports, _)| *ports).zip(0..).collect();
        }
        let place = if many {
            self.places.get(&ports).copied()
        } else {
            self.counts.iter().position(|(known, _)| *known == ports)
        };
        // One set may end before it begins again at the same place.
        let step = if begins { 1 } else { u32::MAX };
        if let Some(place) = place {
            let count = &mut self.counts[place].1;
            *count = count.wrapping_add(step);
        } else {
            if many {
                self.places.insert(ports, self.counts.len());
            }
            self.counts.push((ports, step));
        }
    }

    /// Those that some span has, when all that begins and ends here is known.
    fn settled(&mut self) -> &[PortsId] {
        self.ids.clear();
        let there = self.counts.iter().filter(|(_, count)| *count != 0);
        self.ids.extend(there.map(|(ports, _)| *ports));
        // What left may come again, and is looked up as long as it is not most of them.
        if self.counts.len() > 2 * self.ids.len() {
            self.counts.retain(|(_, count)| *count != 0);
            self.places.clear();
        }
        &self.ids
    }
}

/// Overlapping spans as disjoint ones in order, ports united.
pub(super) fn disjoint(tables: &mut Tables, mut spans: Vec<Span>) -> Region {
    spans.sort_unstable();
    if spans.windows(2).all(|pair| pair[0].1 < pair[1].0) {
        return spans;
    }
    let mut ends: Vec<(ClassId, bool, PortsId)> =
        spans.iter().flat_map(|(from, to, p)| [(*from, true, *p), (*to, false, *p)]).collect();
    ends.sort_unstable_by_key(|(at, ..)| *at);
    let mut active = Active::default();
    let mut result = Region::new();
    let (mut i, mut ports, mut from) = (0, PortTable::NONE, 0);
    while i < ends.len() {
        let at = ends[i].0;
        while let Some((_, begins, ports)) = ends.get(i).filter(|(here, ..)| *here == at) {
            active.set(*ports, *begins);
            i += 1;
        }
        let now = active.settled();
        tables.step(1 + now.len());
        if tables.is_over() {
            return result;
        }
        let now = tables.ports.any(now);
        if now != ports {
            if ports != PortTable::NONE {
                result.push((from, at, ports));
            }
            (ports, from) = (now, at);
        }
    }
    result
}

/// Disjoint spans as disjoint sets, one for each port set.
pub(super) fn parts(tables: &mut Tables, region: &Region) -> Parts {
    let mut by_ports: BTreeMap<PortsId, Vec<Run>> = BTreeMap::new();
    for (from, to, ports) in region {
        let runs = by_ports.entry(*ports).or_default();
        match runs.last_mut() {
            Some((_, end)) if end == from => *end = *to,
            _ => runs.push((*from, *to)),
        }
    }
    by_ports.into_iter().map(|(ports, runs)| (tables.sets.id(runs), ports)).collect()
}

/// Two regions laid over each other: what `join` makes of the ports of each, wherever one has any.
fn overlay(
    tables: &mut Tables,
    a: &Region,
    b: &Region,
    join: fn(&mut PortTable, PortsId, PortsId) -> PortsId,
) -> Region {
    let mut result = Region::new();
    let mut rest = [a.as_slice(), b.as_slice()];
    let mut at = 0;
    loop {
        // What each has from here on, and up to where.
        let here = rest.map(|spans| match spans.first() {
            Some((from, to, ports)) if *from <= at => (*ports, *to),
            Some((from, ..)) => (PortTable::NONE, *from),
            None => (PortTable::NONE, ClassId::MAX),
        });
        let end = here[0].1.min(here[1].1);
        if end == ClassId::MAX {
            return result;
        }
        tables.step(1);
        let ports = join(&mut tables.ports, here[0].0, here[1].0);
        match result.last_mut() {
            Some((_, to, last)) if *to == at && *last == ports => *to = end,
            _ if ports == PortTable::NONE || at == end => {}
            _ => result.push((at, end, ports)),
        }
        at = end;
        for spans in &mut rest {
            if let [(_, to, _), more @ ..] = spans
                && *to <= at
            {
                *spans = more;
            }
        }
    }
}

/// What is in either.
pub(super) fn or(tables: &mut Tables, a: &Region, b: &Region) -> Region {
    match (a.is_empty(), b.is_empty()) {
        (true, _) => b.clone(),
        (_, true) => a.clone(),
        _ => overlay(tables, a, b, PortTable::or),
    }
}

/// What is in both.
pub(super) fn and(tables: &mut Tables, a: &Region, b: &Region) -> Region {
    if a.is_empty() || b.is_empty() {
        return Region::new();
    }
    overlay(tables, a, b, PortTable::and)
}

/// What is in `a` alone.
pub(super) fn but(tables: &mut Tables, a: &Region, b: &Region) -> Region {
    if a.is_empty() || b.is_empty() {
        return a.clone();
    }
    overlay(tables, a, b, PortTable::but)
}

/// The ports that a region has for every class of a set.
pub(super) fn common(tables: &mut Tables, region: &Region, set: SetId) -> PortsId {
    let runs = tables.sets.runs(set).clone();
    let mut ports = PortTable::ALL;
    for (from, to) in runs.iter() {
        let mut at = *from;
        let first = region.partition_point(|span| span.1 <= at);
        for (span_from, span_to, here) in &region[first..] {
            if at >= *to || *span_from > at {
                break;
            }
            ports = tables.ports.and(ports, *here);
            at = *span_to;
        }
        if at < *to {
            return PortTable::NONE;
        }
    }
    if runs.is_empty() { PortTable::NONE } else { ports }
}

#[cfg(test)]
mod tests {
    use super::super::ports::PortSet;
    use super::*;
    use crate::cluster::Protocol;
    use crate::effort::Effort;

    #[test]
    fn regions_are_sets_of_pairs() {
        let mut tables = Tables::new(Effort::default(), []);
        let tcp = |tables: &mut Tables, first, last| {
            let range = crate::cluster::PortRange { first, last };
            tables.ports.id(&PortSet::of([(Protocol::Tcp, range)]))
        };
        let web = tcp(&mut tables, 80, 81);
        let one = tcp(&mut tables, 80, 80);
        let other = tcp(&mut tables, 81, 81);
        let a: Region = vec![(0, 4, web), (6, 9, PortTable::ALL)];
        let b: Region = vec![(2, 7, one)];
        let t = &mut tables;
        assert_eq!(or(t, &a, &b)[..2], [(0, 4, web), (4, 6, one)]);
        assert_eq!(and(t, &a, &b), [(2, 4, one), (6, 7, one)]);
        let rest = but(t, &a, &b);
        assert_eq!(rest[..2], [(0, 2, web), (2, 4, other)]);
        assert_eq!(or(t, &rest, &b)[..3], [(0, 4, web), (4, 6, one), (6, 9, PortTable::ALL)]);
        assert_eq!(but(t, &b, &b), []);
        // Neighbours that agree are one span again.
        let both = and(t, &a, &b);
        assert_eq!(or(t, &rest, &both), a);
        let set = t.sets.id(vec![(1, 4), (6, 8)]);
        assert_eq!(common(t, &a, set), web);
        let gap = t.sets.id(vec![(3, 7)]);
        assert_eq!(common(t, &a, gap), PortTable::NONE);
        assert_eq!(common(t, &a, SetTable::EMPTY), PortTable::NONE);
    }
}
