//! What a picture of a list shows besides its rows: everyone who is known, how closed namespaces are,
//! and one flow of each row with what decides it, in the words of `explain`.
//!
//! In: the rows and groups of a list. Out: parts of a [`FlowList`](super::FlowList), which has them only
//! where a picture is asked for.

use super::collect::{Families, Holds, Merged, Part, Party};
use super::group::Group;
use super::lister::{Lister, pods};
use super::why::{directions, flow};
use super::witnesses::Witnesses;
use super::{By, ListedWitness};
use crate::answer::command::explain;
use crate::answer::end::EndReport;
use crate::answer::explaining::flow_report;
use crate::answer::explanation::DirectionReport;
use crate::answer::place::Locate;
use crate::answer::summary::{DirectionSummary, NamespaceSummary, SummaryReport};
use crate::answer::vocabulary::Because;
use crate::cluster::{Family, Port, Truth};
use crate::effort::Steps;
use crate::ends::{Endpoint, names};
use crate::policy::rule::Direction;
use crate::reach::{End, PortSet};
use crate::verdict::{Case, CasePorts, Flow, Judgement, Verdict, judge};
use std::collections::BTreeMap;

/// So many flows of a row are tried for one that has its verdict.
const TRIES: usize = 16;

/// So many policies are told of a direction that is not known, and of one that several admit.
const MOST_POLICIES: usize = 5;

impl Lister<'_> {
    /// One flow of a row, judged; nothing where none is asked for, or none that was tried has the verdict
    /// of the row.
    pub(super) fn witness(&self, row: &Merged, families: Families) -> Option<ListedWitness> {
        let witnesses = self.witnesses.as_ref()?;
        let found = || {
            let family = if families.v4 { Family::V4 } else { Family::V6 };
            self.candidates(row, family, &witnesses.steps).into_iter().take(TRIES).find_map(|it| {
                let judgement = judge(self.snapshot, self.rules, &it);
                holds_alike(row.holds, &judgement).then_some((it, judgement))
            })
        };
        let found = if witnesses.are_wanted() { found() } else { None };
        witnesses.count(found.is_some());
        found.map(|(flow, judgement)| self.told(witnesses, flow, judgement))
    }

    fn told(&self, witnesses: &Witnesses<'_>, flow: Flow, judgement: Judgement) -> ListedWitness {
        let ends = [&flow.source, &flow.destination];
        let [source, destination] = ends.map(|end| names::endpoint(self.snapshot, end));
        let [from, to] = ends.map(|end| names::asked(self.snapshot, end));
        // What a pod that nobody has written calls a port has no number that is known.
        let port = PortSet::of([(flow.port.protocol, flow.port.number.into())]);
        let named = |pod| self.named.split(self.snapshot, pod, &port).1;
        let supposed = flow.destination.pod().map(named).filter(|names| !names.is_empty());
        let case = Case {
            sources: vec![flow.source.clone()],
            destinations: vec![flow.destination.clone()],
            ports: CasePorts::One(flow.port),
            dialled: None,
            family: None,
            reading: None,
            judgement,
            flow,
        };
        let mut report = flow_report(self.snapshot, self.rules, witnesses.locate, &case);
        for direction in [&mut report.egress, &mut report.ingress] {
            keep_what_decides(direction);
        }
        ListedWitness {
            explain: explain(
                witnesses.arguments,
                &from,
                &to,
                supposed.is_none().then_some(case.flow.port),
            ),
            source,
            destination,
            ports: supposed.map_or(report.ports, |names| names.join(", ")),
            egress: report.egress,
            ingress: report.ingress,
        }
    }

    /// Flows of a row, those that say most first.
    fn candidates(&self, row: &Merged, family: Family, steps: &Steps) -> Vec<Flow> {
        let is_group = |(party, _): &(Party, Part)| matches!(party, Party::Group(_));
        let mut flows = if is_group(&row.source) && is_group(&row.destination) {
            self.between(row, family)
        } else {
            self.with_anyone(row, family, steps)
        };
        for flow in &mut flows {
            flow.port = self.port(row, flow);
        }
        flows
    }

    fn between(&self, row: &Merged, family: Family) -> Vec<Flow> {
        let some = |groups, end| {
            let there = |end: &End| {
                let class = self.connectivity.class(*end);
                class.is_some_and(|class| self.connectivity.has(class, family))
            };
            pods(groups, end).into_iter().filter(there).take(TRIES).collect::<Vec<_>>()
        };
        let destinations = some(self.destinations, &row.destination);
        let Some(port) = row.ports.lowest() else { return Vec::new() };
        let mut flows = Vec::new();
        for source in some(self.sources, &row.source) {
            for destination in destinations.iter().filter(|end| **end != source) {
                let (source, destination) = (Endpoint::from(source), Endpoint::from(*destination));
                flows.push(Flow { source, destination, port, family, through_service: false });
            }
        }
        flows
    }

    fn with_anyone(&self, row: &Merged, family: Family, steps: &Steps) -> Vec<Flow> {
        let Some([direction, ..]) = directions(row) else { return Vec::new() };
        let source = (self.sources, &row.source);
        let destination = (self.destinations, &row.destination);
        let ((of_own, own), (of_other, other)) = match direction {
            Direction::Ingress => (destination, source),
            Direction::Egress => (source, destination),
        };
        let peers = self.classes(of_other, other, family);
        let mut flows = Vec::new();
        for (class, _) in self.classes(of_own, own, family).into_iter().take(2) {
            let of = (*direction, class);
            let groups = self.connectivity.examples(family, of, &peers, &row.ports, steps);
            let examples = groups.iter().flatten();
            flows.extend(examples.take(TRIES).map(|example| flow(example, family)));
        }
        flows
    }

    /// A port of the row that the destination declares, else that of the flow.
    fn port(&self, row: &Merged, flow: &Flow) -> Port {
        let Endpoint::Pod(id) = flow.destination else { return flow.port };
        let declared = self.snapshot.pod(id).ports.iter().map(|declared| declared.port);
        declared.filter(|port| row.ports.contains(*port)).min().unwrap_or(flow.port)
    }

    /// Everyone who is known, whether any row has them or not.
    pub(super) fn everyone(&self) -> Vec<EndReport> {
        let asked = self.asked;
        if asked.by == By::Namespace || asked.from.is_some() || asked.to.is_some() {
            return Vec::new();
        }
        let groups = (0..).zip(&self.sources.all);
        let known = groups.filter(|(_, group)| group.representative.is_none());
        let ends = known.map(|(at, group)| {
            let party = (Party::Group(at), Part::Whole);
            let end = self.called(self.sources, &party, Families::default());
            EndReport { labels: self.labels(group), ..end }
        });
        let only = asked.namespace.as_deref();
        ends.filter(|end| {
            end.namespace.is_some() && (only.is_none() || end.namespace.as_deref() == only)
        })
        .collect()
    }

    /// The labels that all pods of a group have.
    fn labels(&self, group: &Group) -> BTreeMap<String, String> {
        let mut pods = group.members.ends().filter_map(|end| match end {
            End::Pod(id) => Some(&self.snapshot.pod(id).labels),
            _ => None,
        });
        let Some(first) = pods.next() else { return BTreeMap::new() };
        let mut common: BTreeMap<String, String> =
            first.lasting().iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        for labels in pods.filter(|labels| *labels != first) {
            common.retain(|key, value| labels.get(key) == Some(value.as_str()));
        }
        common
    }

    /// How closed each namespace is.
    pub(super) fn closed(&self, locate: &Locate<'_>) -> Vec<NamespaceSummary> {
        let report = SummaryReport::new(self.snapshot, self.rules, None, false, locate);
        let mut all = report.namespaces;
        for namespace in &mut all {
            // What each policy says is for `summary` to tell.
            namespace.warnings.clear();
            let forget = |direction: &mut DirectionSummary| direction.policies.clear();
            forget(&mut namespace.ingress);
            forget(&mut namespace.egress);
        }
        all
    }
}

/// Whether a flow gets through as the row says.
fn holds_alike(holds: Holds, judgement: &Judgement) -> bool {
    let conditional =
        [&judgement.egress, &judgement.ingress].iter().any(|trace| !trace.conditions.is_empty());
    match (holds, judgement.verdict) {
        (Holds::Always, Verdict::Allowed) => !conditional,
        (Holds::Conditionally, Verdict::Allowed) => conditional,
        // What policies that disagree make of it is not known either.
        (Holds::Unknown, Verdict::Unknown | Verdict::Ambiguous) => true,
        _ => false,
    }
}

/// Of a direction that is known, the policies that admit; of one that is not, the nearest.
fn keep_what_decides(direction: &mut DirectionReport) {
    match direction.reason {
        Because::Admitted => direction.policies.retain(|policy| policy.admits == Truth::Yes),
        Because::Unknown | Because::Tie => {}
        _ => direction.policies.clear(),
    }
    direction.policies.truncate(MOST_POLICIES);
    for policy in &mut direction.policies {
        policy.rules.clear();
    }
}
