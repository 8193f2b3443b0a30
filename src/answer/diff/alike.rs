//! The same change in many namespaces, told once.
//!
//! In: rows. Out: rows with the namespaces in which the same changes: representatives that differ in
//! nothing but their namespaces, for causes that differ in nothing else.

use super::cause::Cause;
use super::ends::{Ends, KnownSide};
use super::rows::Row;
use crate::cluster::Family;
use crate::ends::ranges::Range;
use crate::reach::{EndClass, PortSet};
use crate::verdict::Passage;
use foldhash::{HashMap, HashMapExt as _};
use std::collections::BTreeSet;

/// One side of a row, wherever it is: known ends and addresses as they are, representatives by their
/// group and whether they are in the namespace of the other side.
#[derive(PartialEq, Eq, Hash)]
enum Side<'a> {
    Known(BTreeSet<EndClass>),
    Alike(BTreeSet<(&'a str, bool)>),
}

type Key<'a> = ((Passage, Passage, Option<Family>), Vec<Cause>, PortSet, Side<'a>, Side<'a>);

/// One end of a row: a workload or node by its index, or addresses.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Spot {
    Inside(usize),
    Outside(Range),
}

impl Spot {
    /// Whether a side has it itself.
    fn is_of(self, side: &KnownSide) -> bool {
        match self {
            Self::Inside(at) => side.own.contains(&at),
            Self::Outside(range) => side.outside.contains(&range),
        }
    }

    fn known(side: &KnownSide) -> impl Iterator<Item = Self> + Clone + '_ {
        let inside = side.known.iter().copied().map(Self::Inside);
        inside.chain(side.outside.iter().copied().map(Self::Outside))
    }

    fn own(side: &KnownSide) -> impl Iterator<Item = Self> + '_ {
        let inside = side.own.iter().copied().map(Self::Inside);
        inside.chain(side.outside.iter().copied().map(Self::Outside))
    }
}

/// Rows by what is compared of them, and those of each by what they have at either side.
struct Known<'r> {
    rows: &'r [Row],
    /// Of each; `None`: of both, also where that was found here.
    family: Vec<Option<Family>>,
    sides: Vec<[KnownSide; 2]>,
    /// Whether a row has a known pod that has no address of a family.
    without: Vec<[bool; 2]>,
    group: Vec<usize>,
    by_group: Vec<Vec<usize>>,
    by_spot: HashMap<(usize, usize, Spot), Vec<usize>>,
}

impl<'r> Known<'r> {
    fn new(ends: &Ends<'_>, rows: &'r [Row]) -> Self {
        let sides: Vec<[KnownSide; 2]> = rows
            .iter()
            .map(|row| {
                [&row.sources, &row.destinations].map(|classes| ends.as_known(classes, row.family))
            })
            .collect();
        let without = |sides: &[KnownSide; 2]| {
            Family::ALL.map(|family| {
                let mut own = sides.iter().flat_map(|side| &side.own);
                own.any(|end| ends.is_without(*end, family))
            })
        };
        let without = sides.iter().map(without).collect();
        let mut groups: HashMap<(Passage, Passage, &[Cause]), usize> = HashMap::new();
        let mut known = Self {
            rows,
            family: rows.iter().map(|row| row.family).collect(),
            sides,
            without,
            group: Vec::with_capacity(rows.len()),
            by_group: Vec::new(),
            by_spot: HashMap::new(),
        };
        for (at, row) in rows.iter().enumerate() {
            let fresh = groups.len();
            let group = *groups.entry((row.from, row.to, &row.causes)).or_insert(fresh);
            if group == fresh {
                known.by_group.push(Vec::new());
            }
            known.group.push(group);
            known.by_group[group].push(at);
            for (i, side) in known.sides[at].iter().enumerate() {
                for spot in Spot::own(side) {
                    known.by_spot.entry((group, i, spot)).or_default().push(at);
                }
            }
        }
        known
    }

    /// Whether another row may say what this one says: of the same family, or of all where known pods
    /// of it have no flows of this one, so that it says the same of both.
    fn may_say(&self, other: usize, at: usize) -> Option<bool> {
        let (its, own) = (self.family[other], self.family[at]);
        let same = self.is_replaced(at) && (its.is_none() || its == own);
        let foreign = own.is_some_and(|own| {
            its.is_some() && self.without[other][usize::from(own == Family::V6)]
        });
        let may = other != at && (same || foreign);
        let at_ports = || self.rows[at].ports.difference(&self.rows[other].ports).is_empty();
        (may && at_ports()).then_some(same)
    }

    /// Whether it has a representative that a known pod is like.
    fn is_replaced(&self, at: usize) -> bool {
        self.sides[at].iter().any(|side| side.replaced)
    }

    /// The flows of a row, each by its ends. What a pod may do to another like it is told only where
    /// there are two.
    fn pairs(&self, at: usize) -> impl Iterator<Item = (Spot, Spot)> + '_ {
        let [from, to] = &self.sides[at];
        let replaced = self.is_replaced(at);
        let pairs =
            Spot::known(from).flat_map(|source| Spot::known(to).map(move |to| (source, to)));
        pairs.filter(move |(source, to)| match (source, to) {
            (Spot::Inside(source), Spot::Inside(to)) => !(replaced && source == to),
            (Spot::Outside(_), Spot::Outside(_)) => false,
            _ => true,
        })
    }

    /// Whether some row of those that are kept may say of two ends what this one says.
    fn is_said(&self, at: usize, (source, to): (Spot, Spot), kept: &[bool]) -> bool {
        let having = |i, spot| self.by_spot.get(&(self.group[at], i, spot)).map_or(&[][..], |v| v);
        let (from, into) = (having(0, source), having(1, to));
        let fewer = if from.len() <= into.len() { from } else { into };
        let mut others = fewer.iter().copied().filter(|other| kept[*other]);
        others.any(|other| {
            let [froms, tos] = &self.sides[other];
            source.is_of(froms) && to.is_of(tos) && self.may_say(other, at).is_some()
        })
    }
}

/// Rows without those that say of representatives what others say of known pods like them, or of the
/// same ones beside known pods that have no address of the family.
pub(super) fn said_by_known(ends: &Ends<'_>, mut rows: Vec<Row>) -> Vec<Row> {
    let mut known = Known::new(ends, &rows);
    let mut kept = vec![true; rows.len()];
    for at in 0..rows.len() {
        // What is left out never decides whether anything opens or closes.
        if !known.pairs(at).all(|pair| known.is_said(at, pair, &kept)) {
            continue;
        }
        let others = known.by_group[known.group[at]].iter().copied();
        let others: Vec<(usize, bool)> = others
            .filter(|other| kept[*other])
            .filter_map(|other| Some((other, known.may_say(other, at)?)))
            .collect();
        if others.is_empty() {
            continue;
        }
        kept[at] = false;
        for (other, _) in others.into_iter().filter(|(_, same)| !same) {
            let part = |i: usize| {
                let [own, said] = [other, at].map(|row| &known.sides[row][i]);
                !own.own.is_disjoint(&said.known)
            };
            if part(0) && part(1) {
                known.family[other] = None;
            }
        }
    }
    let family = known.family;
    for (row, family) in rows.iter_mut().zip(family) {
        row.family = family;
    }
    rows.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(row, _)| row).collect()
}

/// Rows, each with its namespaces where these are several.
pub(super) fn told_once(ends: &Ends<'_>, rows: Vec<Row>) -> Vec<(Row, BTreeSet<String>)> {
    let mut all: Vec<(Row, BTreeSet<String>)> = Vec::new();
    let mut known: HashMap<Key<'_>, usize> = HashMap::new();
    for row in rows {
        let groups = [&row.sources, &row.destinations].map(|classes| ends.groups(classes));
        let one = |groups: &Option<BTreeSet<(&str, &str)>>| -> Option<String> {
            let mut all = groups.iter().flatten().map(|(_, namespace)| *namespace);
            let first = all.next()?;
            all.all(|other| other == first).then(|| first.to_owned())
        };
        // What changes at one end is told of that one.
        let Some(home) = one(&groups[1]).or_else(|| one(&groups[0])) else {
            all.push((row, BTreeSet::new()));
            continue;
        };
        let causes = row.causes.iter().map(|cause| cause.nowhere(&home)).collect();
        let [from, to] = groups;
        let side = |groups: Option<BTreeSet<(_, &str)>>, classes: &BTreeSet<EndClass>| match groups
        {
            Some(groups) => {
                let here = groups.into_iter().map(|(group, namespace)| (group, namespace == home));
                Side::Alike(here.collect())
            }
            None => Side::Known(classes.clone()),
        };
        let (from, to) = (side(from, &row.sources), side(to, &row.destinations));
        let key = ((row.from, row.to, row.family), causes, row.ports.clone(), from, to);
        if let Some(at) = known.get(&key) {
            all[*at].1.insert(home);
        } else {
            known.insert(key, all.len());
            all.push((row, [home].into()));
        }
    }
    for (_, namespaces) in &mut all {
        if namespaces.len() == 1 {
            namespaces.clear();
        }
    }
    all
}
