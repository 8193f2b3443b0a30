//! A difference in words and places.
//!
//! In: the [`Diff`] of two sides and its rows. Out: a [`DiffReport`].

use super::alike::{said_by_known, told_once};
use super::asked::DiffAsked;
use super::cause::Cause;
use super::ends::Ends;
use super::rows::{Row, Rows, Told, rows};
use super::{
    ChangeReport, DiffReport, DiffSide, DiffSummary, ReasonReport, SideReport, WitnessReport,
};
use crate::answer::command::{explain, piped};
use crate::answer::end::{EndsReport, MemberReport};
use crate::answer::explaining::flow_report;
use crate::answer::explanation::PolicyReport;
use crate::answer::named::NamedPorts;
use crate::answer::place::Location;
use crate::answer::vocabulary::{ApiVersion, ChangeKind, DiffKind};
use crate::answer::warnings::{Warning, sentences};
use crate::answer::words;
use crate::cluster::ObjectRef;
use crate::effort::TooMuch;
use crate::ends::names;
use crate::policy::Remark;
use crate::policy::rule::Direction;
use crate::prose::list;
use crate::reach::{Diff, End, PortSet};
use crate::unwritten::witness;
use crate::verdict::{Endpoint, Flow, Passage};
use foldhash::{HashMap, HashMapExt as _};
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeSet;

impl DiffReport {
    /// Puts a difference into words and places; without reasons where a summary is enough.
    pub(super) fn new(
        diff: &Diff<'_>,
        old: &DiffSide<'_>,
        new: &DiffSide<'_>,
        asked: &DiffAsked,
        most_judged: usize,
    ) -> Result<Self, TooMuch> {
        let sides = [old, new];
        let reasons = asked.reasons;
        let ends = Ends::new(diff, sides, asked.known_only);
        let Rows { all: rows, sampled, unsure } = rows(diff, sides, (asked.effort, most_judged))?;
        let reporter = Reporter {
            ends: &ends,
            sides,
            reasons,
            witness: asked.witness,
            named: NamedPorts::of(sides.map(|side| side.rules)),
        };
        let rows = told_once(&ends, said_by_known(&ends, rows));
        let mut told = Told::new(asked.effort);
        let mut changes: Vec<(&[Cause], ChangeReport)> = Vec::with_capacity(rows.len());
        for (row, alike) in &rows {
            let change = reporter.change(row, alike);
            told.take(size(&change))?;
            changes.push((&row.causes, change));
        }
        let changes = ordered(changes);
        let count =
            |kind| changes.iter().filter(|change| change.change == kind && !change.also).count();
        let [old_side, new_side] = reporter.only_on_one(diff);
        let mut notes = words::enforcement(new.rules);
        notes.extend(reporter.not_compared(diff));
        if sampled {
            notes.push(
                "there are many changes: reasons are those of one flow of each group".to_owned(),
            );
        }
        let summary = DiffSummary {
            opened: count(ChangeKind::Opened),
            closed: count(ChangeKind::Closed),
            conditions: count(ChangeKind::Conditions),
            unknown: count(ChangeKind::Unknown),
            came: new_side.only_here.len(),
            went: old_side.only_here.len(),
            unread: sides.iter().map(|side| side.snapshot.gaps.len()).sum(),
        };
        let mut warnings = warnings(sides);
        warnings.extend(unsure.then(|| {
            let message = "too many flows pass on a condition to compare it for each: some may pass on \
                           another one than before";
            Warning::new(message.to_owned(), None)
        }));
        Ok(Self {
            api_version: ApiVersion,
            kind: DiffKind,
            old: old_side,
            new: new_side,
            summary,
            renamed: Vec::new(),
            changes,
            system: Vec::new(),
            elsewhere: Vec::new(),
            complete: true,
            missing: Vec::new(),
            notes,
            warnings,
            tests: None,
            unsure,
        })
    }
}

/// How many ends and policies a change tells of.
fn size(change: &ChangeReport) -> usize {
    let sides = |reason: &ReasonReport| reason.before.policies.len() + reason.after.policies.len();
    let policies: usize = change.reasons.iter().map(sides).sum();
    change.from.members.len() + change.to.members.len() + policies
}

struct Reporter<'a> {
    ends: &'a Ends<'a>,
    sides: [&'a DiffSide<'a>; 2],
    reasons: bool,
    witness: bool,
    named: NamedPorts,
}

impl Reporter<'_> {
    fn change(&self, row: &Row, alike: &BTreeSet<String>) -> ChangeReport {
        let [old, new] = self.sides;
        let cases = [row.witness.case(old, false), row.witness.case(new, true)];
        let reasons = if self.reasons {
            let [before, after] = [(old, &cases[0]), (new, &cases[1])]
                .map(|(side, case)| flow_report(side.snapshot, side.rules, side.locate, case));
            let reason = |cause: &Cause| {
                let (mut before, mut after) = match cause.direction {
                    Direction::Egress => (before.egress.clone(), after.egress.clone()),
                    Direction::Ingress => (before.ingress.clone(), after.ingress.clone()),
                };
                let (message, policy) = cause.told(&before, &after);
                let policies = before.policies.iter_mut().chain(&mut after.policies);
                // What every other rule says is for explain to tell.
                policies.for_each(|policy| policy.rules.clear());
                let policy = policy.map(|policy| PolicyReport { rules: Vec::new(), ..policy });
                if let Some(renamed) = old.renamed {
                    renamed.name_policies(before.policies.iter_mut());
                }
                ReasonReport { direction: cause.direction, message, policy, before, after }
            };
            row.causes.iter().map(reason).collect()
        } else {
            Vec::new()
        };
        let flow = &cases[1].flow;
        let [source, destination] = [&flow.source, &flow.destination]
            .map(|endpoint| names::endpoint(new.snapshot, endpoint));
        // What a pod that nobody has written calls a port has no number that is known.
        let (ports, port_names) = match flow.destination.pod() {
            Some(pod) => self.named.split(new.snapshot, pod, &row.ports),
            None => (row.ports.clone(), Vec::new()),
        };
        let is_supposed = flow
            .destination
            .pod()
            .is_some_and(|pod| self.named.is_supposed(new.snapshot, pod, row.witness.port));
        let [explain_before, explain_after] =
            [(old, &cases[0]), (new, &cases[1])].map(|(side, case)| {
                let [source, destination] = [&case.flow.source, &case.flow.destination]
                    .map(|endpoint| names::asked(side.snapshot, endpoint))
                    .map(|end| side.renamed.map_or(end.clone(), |renamed| renamed.asked(&end)));
                let port = (!is_supposed).then_some(row.witness.port);
                piped(side.piped_from, explain(side.arguments, &source, &destination, port))
            });
        let [from, to] = self.ends.report(&row.sources, &row.destinations, row.family, &row.ports);
        ChangeReport {
            change: match (row.to, row.to.cmp(&row.from)) {
                (Passage::Unknown, _) => ChangeKind::Unknown,
                (_, Ordering::Greater) => ChangeKind::Opened,
                (_, Ordering::Less) => ChangeKind::Closed,
                (_, Ordering::Equal) => ChangeKind::Conditions,
            },
            before: row.from,
            after: row.to,
            from,
            to,
            ports: ranges(&ports).into_iter().chain(port_names.iter().cloned()).collect(),
            ports_label: match (ports.is_empty(), port_names.is_empty()) {
                (_, true) => ports_label(&ports),
                (true, false) => port_names.join(", "),
                (false, false) => format!("{}, {}", ports_label(&ports), port_names.join(", ")),
            },
            also: false,
            namespaces: alike.iter().cloned().collect(),
            family: row.family,
            reasons,
            witness: WitnessReport {
                source,
                destination,
                port: row.witness.port.number,
                protocol: row.witness.port.protocol,
                explain_before,
                explain_after,
                manifests: if self.witness { manifests(new, flow) } else { Vec::new() },
                ports: row.ports.clone(),
                opens: row.to >= row.from,
                closes: row.to <= row.from,
            },
        }
    }

    /// What only one side has.
    fn only_on_one(&self, diff: &Diff<'_>) -> [SideReport; 2] {
        let known = |side: &DiffSide<'_>| -> BTreeSet<ObjectRef> {
            let pods = side.snapshot.pods().iter().enumerate();
            let pods = pods.filter(|(_, pod)| !pod.finished).map(|(id, _)| End::Pod(id));
            let nodes = (0..side.snapshot.nodes.len()).map(End::Node);
            pods.chain(nodes).filter_map(|end| names::inside(side.snapshot, end)).collect()
        };
        let all = self.sides.map(known);
        let namespaces = self.sides.map(|side| {
            let names = side.snapshot.namespaces().filter(|it| !it.supposed);
            let names = names.map(|namespace| namespace.name.to_string());
            names.collect::<BTreeSet<_>>()
        });
        let ends = [&diff.gone, &diff.came];
        [0, 1].map(|i| {
            let here = ends[i].iter().filter_map(|end| names::inside(self.sides[i].snapshot, *end));
            let here: BTreeSet<ObjectRef> = here.filter(|o| !all[1 - i].contains(o)).collect();
            SideReport {
                name: self.sides[i].name.to_owned(),
                fresh: Vec::new(),
                only_here: here.iter().map(MemberReport::of).collect(),
                namespaces: namespaces[i].difference(&namespaces[1 - i]).cloned().collect(),
            }
        })
    }

    /// Workloads that both sides have, but with other pods, so that none is compared.
    fn not_compared(&self, diff: &Diff<'_>) -> Vec<String> {
        let known = |side: usize, ends: &[End]| -> BTreeSet<ObjectRef> {
            ends.iter().filter_map(|end| names::inside(self.sides[side].snapshot, *end)).collect()
        };
        let compared: BTreeSet<&ObjectRef> = self.ends.everyone().collect();
        let (gone, came) = (known(0, &diff.gone), known(1, &diff.came));
        let both = gone.intersection(&came).filter(|object| !compared.contains(object));
        let names: Vec<String> = both.map(ToString::to_string).collect();
        let [old, new] = self.sides.map(|side| side.name);
        let note = || {
            let names = list(&names, "and");
            format!("not compared, since {old} and {new} have other pods of it: {names}")
        };
        if names.is_empty() { Vec::new() } else { vec![note()] }
    }
}

/// The ends of a flow that are written nowhere, as manifests.
fn manifests(side: &DiffSide<'_>, flow: &Flow) -> Vec<Value> {
    let ends = [&flow.source, &flow.destination].into_iter().filter_map(|end| match end {
        Endpoint::Pod(id) => side.snapshot.representative(*id).map(|_| *id),
        _ => None,
    });
    witness(side.snapshot, &ends.collect::<Vec<_>>())
}

/// Openings first, of them those to and from the outside, and known ends before others. One row speaks
/// for each rule: what it does besides for pods that are written nowhere follows it, with what it closes
/// together with another that has a row of its own.
fn ordered(mut changes: Vec<(&[Cause], ChangeReport)>) -> Vec<ChangeReport> {
    changes.sort_by_cached_key(|(_, change)| {
        let (from, to) = (change.from.label.clone(), change.to.label.clone());
        (change.change, farness(change), is_unwritten(change), from, to, change.ports.clone())
    });
    let mut heads: Vec<(&[Cause], Vec<ChangeReport>)> = Vec::new();
    let mut known: HashMap<(&[Cause], ChangeKind), usize> = HashMap::new();
    for (causes, mut change) in changes {
        let key = (causes, change.change);
        // What either end alone closes is told of each: between the two it is the same again.
        let halves =
            (change.change == ChangeKind::Closed && causes.len() == 2).then(|| causes.split_at(1));
        let both = halves.and_then(|(source, destination)| {
            known.get(&(destination, change.change))?;
            known.get(&(source, change.change))
        });
        let head = known.get(&key).or(both);
        let head = head.filter(|_| !causes.is_empty() && is_unwritten(&change));
        if let Some(at) = head {
            change.also = true;
            change.reasons.clear();
            heads[*at].1.push(change);
        } else {
            known.entry(key).or_insert(heads.len());
            heads.push((causes, vec![change]));
        }
    }
    heads.into_iter().flat_map(|(_, all)| all).collect()
}

/// Whether no known end is at one side.
fn is_unwritten(change: &ChangeReport) -> bool {
    unwritten_only(&change.from) || unwritten_only(&change.to)
}

/// Whether all of these stand for pods that are written nowhere.
fn unwritten_only(side: &EndsReport) -> bool {
    side.addresses.is_empty() && side.members.iter().all(|member| member.representative)
}

/// The outside first, then other namespaces, then the same one.
fn farness(change: &ChangeReport) -> u8 {
    let sides = [&change.from, &change.to];
    if sides.iter().any(|side| !side.addresses.is_empty()) {
        return 0;
    }
    let [from, to] = sides.map(|side| {
        side.members.iter().map(|member| member.namespace.as_deref()).collect::<BTreeSet<_>>()
    });
    u8::from(from == to) + 1
}

pub(super) fn ranges(ports: &PortSet) -> Vec<String> {
    ports.ranges().map(|(protocol, range)| format!("{range}/{protocol}")).collect()
}

/// Ports in words: as they are, or all but a few.
pub(super) fn ports_label(ports: &PortSet) -> String {
    if ports.is_all() {
        return "every port".to_owned();
    }
    let missing = PortSet::all().difference(ports);
    if missing.ranges().len() < ports.ranges().len() {
        return format!("every port but {}", list(&ranges(&missing), "and"));
    }
    let all = ports.ranges().map(|(protocol, range)| {
        if (range.first, range.last) == (1, u16::MAX) {
            format!("every {protocol} port")
        } else {
            format!("{range}/{protocol}")
        }
    });
    all.collect::<Vec<_>>().join(", ")
}

/// Policies that are refused, of either side; and what the change brings that
/// does not do what it seems to.
fn warnings(sides: [&DiffSide<'_>; 2]) -> Vec<Warning> {
    let mut all: Vec<(String, Option<Location>, Vec<&str>)> = Vec::new();
    let mut at: HashMap<String, usize> = HashMap::new();
    let mut tell = |message: String, location, name| match at.get(&message) {
        Some(at) if !all[*at].2.contains(&name) => all[*at].2.push(name),
        Some(_) => {}
        None => {
            at.insert(message.clone(), all.len());
            all.push((message, location, vec![name]));
        }
    };
    let [old, new] = sides;
    let known: BTreeSet<String> =
        old.rules.lints.iter().flat_map(sentences).map(|(message, _)| message).collect();
    for side in sides {
        let lints: &[Remark] = if std::ptr::eq(side, new) { &side.rules.lints } else { &[] };
        for remark in side.rules.rejected.iter().chain(lints) {
            for (message, path) in sentences(remark) {
                if remark.refused_by.is_none() && known.contains(&message) {
                    continue;
                }
                tell(message, (side.locate)(&remark.origin, path), side.name);
            }
        }
    }
    let warnings = all.into_iter().map(|(message, location, names)| {
        let message = match names.as_slice() {
            [one] => format!("in {one}: {message}"),
            _ => message,
        };
        Warning::new(message, location)
    });
    warnings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{PortRange, Protocol};

    #[test]
    fn ports_in_words() {
        let range = |first, last| (Protocol::Tcp, PortRange { first, last });
        let tcp = |ranges: &[(u16, u16)]| PortSet::of(ranges.iter().map(|(a, b)| range(*a, *b)));
        for (ports, label) in [
            (PortSet::all(), "every port"),
            (tcp(&[(80, 80), (443, 443)]), "80/TCP, 443/TCP"),
            (tcp(&[(1, u16::MAX)]), "every TCP port"),
            (PortSet::all().difference(&tcp(&[(8080, 8080)])), "every port but 8080/TCP"),
        ] {
            assert_eq!(ports_label(&ports), label);
        }
    }
}
