//! Rows of connectivity as a list.
//!
//! In: a [`Connectivity`] by what is [`Asked`]. Out: the rows of a [`FlowList`] with its notes.

use super::collect::{Collector, Families, Holds, Merged, Part, Party};
use super::group::{Group, Groups};
use super::unmatched::unmatched;
use super::why::{Why, why};
use super::{Asked, FlowList, FlowPorts, ListedFlow, TooMany};
use crate::answer::end::{EndKind, EndReport};
use crate::answer::place::{Locate, short};
use crate::answer::vocabulary::{ApiVersion, FlowListKind};
use crate::answer::{warnings, words};
use crate::cluster::{Family, Port, Protocol, Snapshot};
use crate::ends::{PortText, ranges};
use crate::policy::Ruleset;
use crate::policy::rule::Direction;
use crate::prose::list;
use crate::reach::{Connectivity, End, PortSet, Wanted};
use crate::unwritten::{Dead, Unwritten};
use crate::verdict::Verdict;
use std::collections::{BTreeSet, HashSet};

impl FlowList {
    /// Lists what is asked for; with what was found of pods that are not written, where that was looked
    /// for, of which the representatives are in the snapshot.
    pub fn new(
        snapshot: &Snapshot,
        rules: &Ruleset,
        asked: &Asked,
        unwritten: Option<&Unwritten>,
        locate: &Locate<'_>,
    ) -> Result<Self, TooMany> {
        let connectivity = Connectivity::compute(snapshot, rules);
        let classes = |ends: &mut dyn Iterator<Item = &End>| -> BTreeSet<u32> {
            ends.filter_map(|end| connectivity.class(*end)).collect()
        };
        let wanted = Wanted {
            from: asked.from.as_ref().map(|from| classes(&mut from.iter())),
            to: asked.to.as_ref().map(|to| classes(&mut to.keys())),
            touching: asked
                .namespace
                .as_deref()
                .map(|namespace| connectivity.classes_of(namespace).unwrap_or(0..0)),
            exposed: asked.exposed,
        };
        let group =
            |only: Option<&HashSet<End>>| Groups::new(snapshot, &connectivity, asked.by, only);
        let sources = group(asked.from.as_ref());
        let to: Option<HashSet<End>> = asked.to.as_ref().map(|to| to.keys().copied().collect());
        let destinations = group(to.as_ref());
        let collector = Collector {
            connectivity: &connectivity,
            by: asked.by,
            sources: &sources,
            destinations: &destinations,
            wanted: &wanted,
        };
        let rows = collector.run()?;
        let lister =
            Lister { snapshot, rules, asked, sources: &sources, destinations: &destinations };
        let flows: Vec<ListedFlow> = rows
            .into_iter()
            .filter(|(row, _)| lister.has_port(row))
            .map(|(row, families)| lister.flow(&row, families))
            .collect();
        let here = |namespace: Option<&str>| match (&asked.namespace, namespace) {
            (Some(only), Some(namespace)) => only == namespace,
            _ => true,
        };
        Ok(Self {
            api_version: ApiVersion,
            kind: FlowListKind,
            by: asked.by,
            exposed: asked.exposed,
            unmatched: if asked.exposed { Vec::new() } else { unmatched(snapshot, rules, asked) },
            notes: [words::enforcement(rules), notes(&flows, asked)].concat(),
            missing: missing(snapshot, rules, unwritten),
            known_only: unwritten.is_none(),
            dead: unwritten.map_or_else(Vec::new, dead),
            flows,
            warnings: warnings::remarks(
                rules,
                |remark| here(remark.object.namespace.as_deref()),
                locate,
            )
            .into_iter()
            .chain(warnings::gaps(snapshot))
            .collect(),
        })
    }
}

/// What was not looked at to the end.
fn missing(snapshot: &Snapshot, rules: &Ruleset, unwritten: Option<&Unwritten>) -> Vec<String> {
    if snapshot.pods().len() == snapshot.representatives().len() && rules.policies().is_empty() {
        return vec![
            "the input has no workload and no policy: there is nothing to judge".to_owned(),
        ];
    }
    let given_up = unwritten.into_iter().flat_map(|unwritten| &unwritten.given_up);
    let mut all: Vec<String> = given_up
        .map(|it| format!("pods of {} and {} that are not written", it.source, it.destination))
        .collect();
    all.dedup();
    all
}

/// Selectors that no pod can ever match.
fn dead(unwritten: &Unwritten) -> Vec<String> {
    let one = |dead: &Dead| {
        let Dead { at, selector } = dead;
        format!("{} {}: nothing can match {selector}", at.object, short(&at.path))
    };
    unwritten.dead.iter().map(one).collect()
}

pub(super) struct Lister<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) rules: &'a Ruleset,
    asked: &'a Asked,
    pub(super) sources: &'a Groups,
    pub(super) destinations: &'a Groups,
}

impl Lister<'_> {
    fn flow(&self, row: &Merged, families: Families) -> ListedFlow {
        let why = self.why(row);
        ListedFlow {
            verdict: match row.holds {
                Holds::Unknown => Verdict::Unknown,
                Holds::Always | Holds::Conditionally => Verdict::Allowed,
            },
            source: self.end(self.sources, &row.source, families),
            destination: self.end(self.destinations, &row.destination, families),
            ports: row
                .ports
                .ranges()
                .map(|(protocol, range)| FlowPorts {
                    protocol,
                    port: range.first,
                    end_port: (range.last != range.first).then_some(range.last),
                })
                .collect(),
            any_port: row.ports.is_all(),
            in_part: row.in_part,
            family: match families {
                Families { v4: true, v6: false, could_be_both: true } => Some(Family::V4),
                Families { v4: false, v6: true, could_be_both: true } => Some(Family::V6),
                _ => None,
            },
            conditions: self.conditions(row, families),
            reason: why.as_ref().map(|why| why.reason),
            rules: why.map_or_else(Vec::new, |why| why.rules),
        }
    }

    fn why(&self, row: &Merged) -> Option<Why> {
        let symbolic = |party| matches!(party, Party::Anyone | Party::EveryPod | Party::Outside);
        let (direction, groups, own, other) = match (row.source.0, row.destination.0) {
            (other, Party::Group(_)) if symbolic(other) => {
                (Direction::Ingress, self.destinations, &row.destination, other)
            }
            (Party::Group(_), other) if symbolic(other) => {
                (Direction::Egress, self.sources, &row.source, other)
            }
            _ => return None,
        };
        let pods = pods(groups, own);
        Some(why(self.snapshot, self.rules, direction, &pods, other, &row.ports))
    }

    fn end(&self, groups: &Groups, end: &(Party, Part), families: Families) -> EndReport {
        let plain = |label: &str, kind| EndReport::called(label, Some(kind));
        match (end.0, &end.1) {
            (Party::Anyone, _) => plain("anyone", EndKind::Anyone),
            (Party::EveryPod, _) => plain("everyone in the cluster", EndKind::EveryPod),
            (Party::Outside, Part::Ranges(some)) => {
                let shown = |ranges: &[ranges::Range]| -> Vec<String> {
                    ranges::networks(ranges).iter().map(ToString::to_string).collect()
                };
                let networks = shown(some);
                let family = if families.v4 { Family::V4 } else { Family::V6 };
                let rest = shown(&ranges::complement(some, family));
                let label = if rest.len() < networks.len() {
                    let whole = if family == Family::V4 { "0.0.0.0/0" } else { "::/0" };
                    format!("outside {whole} but {}", rest.join(", "))
                } else {
                    format!("outside {}", networks.join(", "))
                };
                EndReport { networks, ..plain(&label, EndKind::Outside) }
            }
            (Party::Outside, _) => plain("outside", EndKind::Outside),
            (Party::Group(id), part) => {
                let Group { object, representative, total, .. } = groups.group(id);
                if let Some(of) = representative.and_then(|id| self.snapshot.representative(id)) {
                    return EndReport::supposed(of);
                }
                let whole = match &*object.kind {
                    "Namespace" => object.name.to_string(),
                    _ => object.to_string(),
                };
                let pods: Vec<String> = match part {
                    Part::Pods(pods) => pods.iter().map(|end| self.pod_name(*end)).collect(),
                    _ => Vec::new(),
                };
                let label = match pods.as_slice() {
                    [] => whole,
                    [one] => format!("{whole} ({one})"),
                    [first, ..] => {
                        format!("{whole} ({} of {total} pods: {first}, …)", pods.len())
                    }
                };
                let mut end = EndReport { pods, ..EndReport::of(label, object) };
                // A row of a namespace is found by it too.
                if end.is("Namespace") {
                    end.namespace.clone_from(&end.name);
                }
                end
            }
        }
    }

    fn pod_name(&self, end: End) -> String {
        match end {
            End::Pod(id) => self.snapshot.pod(id).name.to_string(),
            End::Node(node) => self.snapshot.nodes[node].name.to_string(),
            End::Address(address) => address.to_string(),
        }
    }

    /// Whether a row has the port that is asked for, at its own destinations.
    fn has_port(&self, row: &Merged) -> bool {
        let meets = |ports: &PortSet| !ports.intersection(&row.ports).is_empty();
        let ends = pods(self.destinations, &row.destination);
        if let (Some(to), Party::Group(_)) = (&self.asked.to, row.destination.0)
            && !ends.iter().any(|end| match to.get(end) {
                Some(Some(ports)) => meets(ports),
                other => other.is_some(),
            })
        {
            return false;
        }
        let Some(wanted) = &self.asked.port else { return true };
        let protocols = Protocol::ALL.into_iter();
        let protocols = protocols.filter(|p| wanted.protocol.is_none_or(|wanted| wanted == *p));
        match &wanted.port {
            PortText::Number(number) => {
                meets(&PortSet::of(protocols.map(|protocol| (protocol, (*number).into()))))
            }
            PortText::Name(name) => {
                let protocols: Vec<Protocol> = protocols.collect();
                let called = |id: usize| {
                    self.snapshot.pod(id).ports.iter().any(|declared| {
                        let Port { protocol, .. } = declared.port;
                        declared.name.as_deref() == Some(name.as_str())
                            && protocols.contains(&protocol)
                            && row.ports.contains(declared.port)
                    })
                };
                match row.destination.0 {
                    Party::Group(_) => {
                        ends.iter().any(|end| matches!(end, End::Pod(id) if called(*id)))
                    }
                    Party::Outside => false,
                    Party::Anyone | Party::EveryPod => (0..self.snapshot.pods().len()).any(called),
                }
            }
        }
    }
}

/// The pods or nodes of a row's end.
pub(super) fn pods(groups: &Groups, (party, part): &(Party, Part)) -> Vec<End> {
    match (party, part) {
        (Party::Group(_), Part::Pods(pods)) => pods.clone(),
        (Party::Group(id), _) => groups.group(*id).members.values().flatten().copied().collect(),
        _ => Vec::new(),
    }
}

/// So many conditions are told below the rows.
const CONDITIONS: usize = 3;

/// How to read the rows that are there.
fn notes(flows: &[ListedFlow], asked: &Asked) -> Vec<String> {
    let mut notes = asked.notes.clone();
    let has = |kind: EndKind| {
        let ends = flows.iter().flat_map(|flow| [&flow.source, &flow.destination]);
        ends.into_iter().any(|end| end.kind.as_ref() == Some(&kind))
    };
    if has(EndKind::Anyone) {
        notes.push(
            "anyone: everyone in the cluster and outside, as far as their own policies let them"
                .to_owned(),
        );
    }
    if has(EndKind::EveryPod) {
        notes.push(
            "everyone in the cluster: every pod, as far as its own policies let it".to_owned(),
        );
    }
    if flows.iter().any(|flow| flow.in_part) {
        notes.push("in part: not from all pods to all pods; --by workload tells which".to_owned());
    }
    let conditions: BTreeSet<&str> =
        flows.iter().flat_map(|flow| &flow.conditions).map(String::as_str).collect();
    if !conditions.is_empty() {
        let more = conditions.len().saturating_sub(CONDITIONS);
        let mut words: Vec<String> =
            conditions.into_iter().take(CONDITIONS).map(str::to_owned).collect();
        words.extend((more > 0).then(|| format!("{more} more")));
        let words = list(&words, "or");
        notes.push(format!("*: not all of it passes, only {words}"));
    }
    if flows.iter().any(|flow| flow.verdict == Verdict::Unknown) {
        notes.push(
            "?: not known, since it depends on addresses or labels that the input does not tell; \
             --pod-cidr says where pods are"
                .to_owned(),
        );
    }
    notes
}
