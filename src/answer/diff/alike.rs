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
use std::collections::{BTreeSet, HashMap};

/// One side of a row, wherever it is: known ends and addresses as they are, representatives by their
/// group and whether they are in the namespace of the other side.
#[derive(PartialEq, Eq, Hash)]
enum Side<'a> {
    Known(BTreeSet<EndClass>),
    Alike(BTreeSet<(&'a str, bool)>),
}

type Key<'a> = ((Passage, Passage, Option<Family>), Vec<Cause>, PortSet, Side<'a>, Side<'a>);

/// Rows without those that say of representatives what others say of known pods like them, or of the
/// same ones beside known pods that have no address of the family.
pub(super) fn said_by_known(ends: &Ends<'_>, mut rows: Vec<Row>) -> Vec<Row> {
    let known: Vec<[KnownSide; 2]> = rows
        .iter()
        .map(|row| {
            [&row.sources, &row.destinations].map(|classes| ends.as_known(classes, row.family))
        })
        .collect();
    let mut kept = vec![true; rows.len()];
    for at in 0..rows.len() {
        let row = &rows[at];
        let [from, to] = &known[at];
        let replaced = from.replaced || to.replaced;
        // Known pods of the other have no flows of this family, so that it says the same of both.
        let foreign = |other: usize| {
            let without = |side: &KnownSide| {
                let family = row.family.filter(|_| rows[other].family.is_some());
                let mut own = side.own.iter();
                family.is_some_and(|family| own.any(|end| ends.is_without(*end, family)))
            };
            known[other].iter().any(without)
        };
        let others: Vec<(usize, bool)> = (0..rows.len())
            .filter(|other| {
                let it = &rows[*other];
                kept[*other]
                    && *other != at
                    && (it.from, it.to) == (row.from, row.to)
                    && it.causes == row.causes
                    && row.ports.difference(&it.ports).is_empty()
            })
            .map(|other| {
                let it = &rows[other];
                let same = it.family.is_none() || it.family == row.family;
                (other, same && replaced)
            })
            .filter(|(other, same)| *same || foreign(*other))
            .collect();
        // What is left out never decides whether anything opens or closes.
        if others.is_empty() {
            continue;
        }
        let pair = |source: &dyn Fn(&KnownSide) -> bool,
                    destination: &dyn Fn(&KnownSide) -> bool| {
            let mut others = others.iter().map(|(other, _)| &known[*other]);
            others.any(|[from, to]| source(from) && destination(to))
        };
        let inside = |at: usize| move |side: &KnownSide| side.own.contains(&at);
        let outside = |range: Range| move |side: &KnownSide| side.outside.contains(&range);
        // What a pod may do to another like it is told only where there are two.
        let itself = |source: &usize, to: &usize| replaced && source == to;
        let said = from.known.iter().all(|source| {
            let mut inner = to.known.iter();
            inner.all(|to| itself(source, to) || pair(&inside(*source), &inside(*to)))
                && to.outside.iter().all(|range| pair(&inside(*source), &outside(*range)))
        }) && from
            .outside
            .iter()
            .all(|range| to.known.iter().all(|to| pair(&outside(*range), &inside(*to))));
        if !said {
            continue;
        }
        kept[at] = false;
        let others: Vec<usize> =
            others.into_iter().filter(|(_, same)| !same).map(|(other, _)| other).collect();
        for other in others {
            let part = |i: usize| !known[other][i].own.is_disjoint(&known[at][i].known);
            if part(0) && part(1) {
                rows[other].family = None;
            }
        }
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
