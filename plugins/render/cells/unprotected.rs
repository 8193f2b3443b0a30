//! Who is isolated by no policy, in a few lines.
//!
//! In: a list of what is exposed. Out: the rows that these lines say, and the lines.

use super::alike::elsewhere;
use super::summary::some;
use netpol::answer::{Because, EndKind, EndReport, FlowList, ListedFlow, Unprotected};
use netpol::policy::rule::Direction;
use netpol::verdict::Verdict;
use std::collections::{BTreeMap, BTreeSet};

/// What stands above the lines.
pub(in crate::render) const HEADING: &str = "Not isolated by any policy, so open to anyone:";

/// The directions in which something holds.
type Directions = BTreeSet<Direction>;

/// Whether a row says only that nothing isolates its destination, which the lines say.
pub(in crate::render) fn is_said(list: &FlowList, flow: &ListedFlow) -> bool {
    let plain = flow.source.kind == Some(EndKind::Anyone)
        && flow.any_port
        && flow.verdict == Verdict::Allowed
        && flow.family.is_none()
        && flow.conditions.is_empty()
        && flow.also.is_empty();
    let of = |one: &Unprotected| {
        one.direction == Direction::Ingress
            && flow.destination.namespace.as_deref() == Some(&one.namespace)
            && (one.whole || one.ends.iter().any(|end| end.label == flow.destination.label))
    };
    plain
        && match flow.reason {
            Some(Because::NotIsolated) => list.not_protected.iter().any(of),
            Some(Because::HostNetwork) => list.exposed,
            _ => false,
        }
}

/// The lines, each without what it is about in more than `most` words.
pub(in crate::render) fn lines(list: &FlowList, most: usize) -> Vec<String> {
    let mut whole: BTreeMap<&str, Directions> = BTreeMap::new();
    let mut ends: Vec<(&EndReport, Directions)> = Vec::new();
    let mut perhaps: Vec<(&EndReport, Directions)> = Vec::new();
    for one in &list.not_protected {
        if one.whole {
            whole.entry(&one.namespace).or_default().insert(one.direction);
        } else {
            one.ends.iter().for_each(|end| add(&mut ends, end, one.direction));
        }
        one.perhaps.iter().for_each(|end| add(&mut perhaps, end, one.direction));
    }
    let both: Directions = Direction::ALL.into();
    let each = [both].into_iter().chain(Direction::ALL.map(|direction| [direction].into()));
    let mut lines = Vec::new();
    for directions in each {
        let words: Vec<&str> = directions.iter().map(|direction| direction.as_str()).collect();
        let words = words.join(" and ");
        let all = whole.iter().filter(|(_, of)| **of == directions).map(|(name, _)| *name);
        let all: Vec<&str> = all.collect();
        if !all.is_empty() {
            lines.push(format!("{words} of every pod of {}", some(all.into_iter(), most)));
        }
        for (certain, ends) in [("", &ends), ("perhaps ", &perhaps)] {
            let names = names(ends.iter().filter(|(_, of)| *of == directions).map(|(end, _)| *end));
            if !names.is_empty() {
                let names = some(names.iter().map(String::as_str), most);
                lines.push(format!("{certain}{words} of {names}"));
            }
        }
    }
    let denied = list.not_protected.iter().filter(|one| one.denied_in_part);
    let denied: BTreeSet<&str> = denied.map(|one| one.namespace.as_str()).collect();
    if !denied.is_empty() {
        let names = some(denied.into_iter(), most);
        lines.push(format!("but for what policies that do not isolate deny in {names}"));
    }
    lines
}

/// What is said of pods that no policy reaches, where there are some.
pub(in crate::render) fn on_nodes(list: &FlowList, most: usize) -> Option<String> {
    let mut names: Vec<&str> = list
        .flows
        .iter()
        .filter(|flow| flow.reason == Some(Because::HostNetwork) && is_said(list, flow))
        .map(|flow| flow.destination.label.as_str())
        .collect();
    names.dedup();
    let there = !names.is_empty();
    there.then(|| format!("on their node's network: {}", some(names.into_iter(), most)))
}

fn add<'l>(all: &mut Vec<(&'l EndReport, Directions)>, end: &'l EndReport, direction: Direction) {
    // The directions of one namespace follow each other.
    match all.iter_mut().rev().find(|(known, _)| *known == end) {
        Some((_, directions)) => {
            directions.insert(direction);
        }
        None => all.push((end, [direction].into())),
    }
}

/// What they are called: workloads first, and representatives that are alike once.
fn names<'l>(ends: impl Iterator<Item = &'l EndReport>) -> Vec<String> {
    let (mut names, mut groups) = (Vec::new(), Vec::<(&str, Vec<&EndReport>)>::new());
    for end in ends {
        match end.group.as_deref() {
            None => names.push(end.label.clone()),
            Some(group) => match groups.iter_mut().find(|(known, _)| *known == group) {
                Some((_, all)) => all.push(end),
                None => groups.push((group, vec![end])),
            },
        }
    }
    for (_, all) in groups {
        let many = format!("{} namespaces", all.len());
        match all.first().filter(|_| all.len() > 1).and_then(|first| elsewhere(first, &many)) {
            Some(together) => names.push(together),
            None => names.extend(all.iter().map(|end| end.label.clone())),
        }
    }
    names
}
