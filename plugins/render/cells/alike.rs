//! Rows that are the same in many namespaces, told once.
//!
//! In: rows of a list. Out: one [`Told`] for all that differ in nothing but the namespaces of
//! representatives, which rules and labels treat alike.

use super::list::{port_words, why, why_by};
use netpol::answer::{EndReport, ListedFlow};
use std::collections::{BTreeSet, HashMap};

/// A row with what it is called.
pub(in crate::render) struct Told<'l> {
    /// The row, or the first of those that it stands for.
    pub(in crate::render) flow: &'l ListedFlow,
    /// What its ends are called together, where it stands for several.
    pub(in crate::render) ends: Option<[String; 2]>,
}

impl<'l> Told<'l> {
    /// A row by itself.
    pub(in crate::render) fn alone(flow: &'l ListedFlow) -> Self {
        Self { flow, ends: None }
    }

    /// Why it is there.
    pub(in crate::render) fn why(&self) -> String {
        if self.ends.is_some() { why_by(self.flow, &nowhere(self.flow)) } else { why(self.flow) }
    }
}

/// Who stands at one end.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Side<'l> {
    One(&'l EndReport),
    Alike(&'l str),
}

/// Both ends, whether they are in one namespace, and all else that a row says.
type Key<'l> = ([Side<'l>; 2], bool, Vec<String>);

/// Rows in the order of the first of each.
pub(in crate::render) fn told_once<'l>(
    flows: impl Iterator<Item = &'l ListedFlow>,
) -> Vec<Told<'l>> {
    let mut alike: Vec<(Key<'l>, Vec<(usize, &'l ListedFlow)>)> = Vec::new();
    let mut known: HashMap<Key<'l>, usize> = HashMap::new();
    let mut told: Vec<(usize, Told<'l>)> = Vec::new();
    for (at, flow) in flows.enumerate() {
        // Of all others no two are alike, and there may be very many.
        let Some(key) = key(flow) else {
            told.push((at, Told::alone(flow)));
            continue;
        };
        let index = *known.entry(key.clone()).or_insert_with(|| {
            alike.push((key, Vec::new()));
            alike.len() - 1
        });
        alike[index].1.push((at, flow));
    }
    for ((sides, same, _), rows) in alike {
        let together = (rows.len() > 1).then(|| ends(sides, same, &rows)).flatten();
        match (together, rows.first()) {
            (Some(ends), Some((at, flow))) => {
                told.push((*at, Told { flow, ends: Some(ends) }));
            }
            _ => told.extend(rows.into_iter().map(|(at, flow)| (at, Told::alone(flow)))),
        }
    }
    told.sort_by_key(|(at, _)| *at);
    told.into_iter().map(|(_, told)| told).collect()
}

fn side(end: &EndReport) -> Side<'_> {
    match (&end.group, &end.namespace) {
        (Some(group), Some(_)) => Side::Alike(group),
        _ => Side::One(end),
    }
}

/// What is the same of rows that are told together; `None` of a row that is told alone.
fn key(flow: &ListedFlow) -> Option<Key<'_>> {
    let sides = [&*flow.source, &*flow.destination].map(side);
    if sides.iter().all(|side| matches!(side, Side::One(_))) {
        return None;
    }
    let both = sides.iter().all(|side| matches!(side, Side::Alike(_)));
    let same = both && flow.source.namespace == flow.destination.namespace;
    let rest = [
        port_words(flow, usize::MAX).join(","),
        flow.verdict.as_str().to_owned(),
        flow.in_part.to_string(),
        format!("{:?}", flow.family),
        why_by(flow, &nowhere(flow)),
        flow.conditions.join(","),
    ];
    Some((sides, same, rest.into()))
}

/// The rules of a row as they are called in whatever namespace.
fn nowhere(flow: &ListedFlow) -> Vec<String> {
    let homes = [&flow.source, &flow.destination].map(|end| {
        let namespace = end.namespace.as_ref().filter(|_| end.representative);
        namespace.map(|namespace| format!("{namespace}/"))
    });
    let own = |rule: &String| {
        let own = homes.iter().flatten().find_map(|home| rule.strip_prefix(home.as_str()));
        own.unwrap_or(rule).to_owned()
    };
    flow.rules.iter().map(own).collect()
}

/// What both ends of some rows are called together; `None` where that would say more than they do.
fn ends(sides: [Side<'_>; 2], same: bool, rows: &[(usize, &ListedFlow)]) -> Option<[String; 2]> {
    let all = |end: fn(&ListedFlow) -> &EndReport| -> BTreeSet<&str> {
        rows.iter().filter_map(|(_, flow)| end(flow).namespace.as_deref()).collect()
    };
    let (from, to) = (all(|flow| &flow.source), all(|flow| &flow.destination));
    let (_, first) = rows.first()?;
    let many = |end: &EndReport, there: &BTreeSet<&str>| match there.len() {
        1 => Some(end.label.clone()),
        count => elsewhere(end, &format!("{count} namespaces")),
    };
    let [source, destination] = [&first.source, &first.destination];
    match sides {
        [Side::Alike(_), Side::One(_)] => Some([many(source, &from)?, destination.label.clone()]),
        [Side::One(_), Side::Alike(_)] => Some([source.label.clone(), many(destination, &to)?]),
        [Side::Alike(_), Side::Alike(_)] => {
            let to = if same {
                elsewhere(destination, "the same namespace")?
            } else if rows.len() == from.len() * to.len() {
                many(destination, &to)?
            } else if from == to && rows.len() == from.len() * (from.len() - 1) {
                elsewhere(destination, "the others of these")?
            } else {
                return None;
            };
            Some([many(source, &from)?, to])
        }
        [Side::One(_), Side::One(_)] => None,
    }
}

/// A representative in another place: `pods[app=db] in 12 namespaces` of `pods[app=db] in shop`.
pub(in crate::render) fn elsewhere(end: &EndReport, place: &str) -> Option<String> {
    let namespace = end.namespace.as_deref()?;
    let (before, after) = [" in ", " of "].into_iter().find_map(|word| {
        let at = end.label.rfind(&format!("{word}{namespace}"))? + word.len();
        Some((&end.label[..at], &end.label[at + namespace.len()..]))
    })?;
    Some(format!("{before}{place}{after}"))
}
