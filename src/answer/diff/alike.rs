//! The same change in many namespaces, told once.
//!
//! In: rows. Out: rows with the namespaces in which the same changes: representatives that differ in
//! nothing but their namespaces, for causes that differ in nothing else.

use super::cause::Cause;
use super::ends::Ends;
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

/// Rows without those that say of representatives what others say of known pods like them.
pub(super) fn said_by_known(ends: &Ends<'_>, rows: Vec<Row>) -> Vec<Row> {
    let known: Vec<_> = rows
        .iter()
        .map(|row| {
            [&row.sources, &row.destinations].map(|classes| ends.as_known(classes, row.family))
        })
        .collect();
    let said = |at: usize| {
        let row = &rows[at];
        let [(sources, from, replaced), (destinations, to, also)] = &known[at];
        if !replaced && !also {
            return false;
        }
        let others: Vec<usize> = (0..rows.len())
            .filter(|other| {
                let (it, [from, to]) = (&rows[*other], &known[*other]);
                !from.2
                    && !to.2
                    && (it.from, it.to) == (row.from, row.to)
                    && (it.family.is_none() || it.family == row.family)
                    && it.causes == row.causes
                    && row.ports.difference(&it.ports).is_empty()
            })
            .collect();
        // What is left out never decides whether anything opens or closes.
        if others.is_empty() {
            return false;
        }
        let pair = |source: &dyn Fn(&KnownSide) -> bool,
                    destination: &dyn Fn(&KnownSide) -> bool| {
            let mut others = others.iter().map(|other| &known[*other]);
            others.any(|[from, to]| source(from) && destination(to))
        };
        let inside = |at: usize| move |side: &KnownSide| side.0.contains(&at);
        let outside = |range: Range| move |side: &KnownSide| side.1.contains(&range);
        // What a pod may do to another like it is told only where there are two.
        let each = sources.iter().all(|source| {
            let inner =
                destinations.iter().all(|to| source == to || pair(&inside(*source), &inside(*to)));
            inner && to.iter().all(|range| pair(&inside(*source), &outside(*range)))
        });
        each && from
            .iter()
            .all(|range| destinations.iter().all(|to| pair(&outside(*range), &inside(*to))))
    };
    let kept: Vec<bool> = (0..rows.len()).map(|at| !said(at)).collect();
    rows.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(row, _)| row).collect()
}

/// One side of a row: the ends inside, the addresses, and whether a known end stands in it for another.
type KnownSide = (BTreeSet<usize>, Vec<Range>, bool);

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
