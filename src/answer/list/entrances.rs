//! What leads in from outside, with what becomes of it.
//!
//! In: a snapshot and its rules. Out: an [`Entrance`] for each way by which an Ingress, a Route, a Gateway, a
//! load balancer or a port of a node leads the internet to pods, and by which of these each pod is reached.

use super::{Entrance, FlowPorts};
use crate::answer::end::{EndKind, EndReport};
use crate::answer::vocabulary::EntranceKind;
use crate::answer::way;
use crate::cluster::{PodId, Snapshot};
use crate::ends::{Endpoint, names};
use crate::entry::{self, DoorKind, Fronts};
use crate::policy::Ruleset;
use crate::unwritten::internet;
use crate::verdict::{CasePorts, Explanation, Hop, Verdict, taken, through};
use foldhash::HashMap;

/// So many ways are judged; each is a question of its own.
const MOST: usize = 2000;

/// What is found.
#[derive(Default)]
pub(super) struct Entrances {
    /// Each way, the ones that let through first.
    pub(super) all: Vec<Entrance>,
    /// What leads to each pod, in words.
    pub(super) to: HashMap<PodId, Vec<String>>,
    /// How many were not judged.
    pub(super) left_out: usize,
}

/// Every way in, to pods for which `wanted` holds.
pub(super) fn entrances(
    snapshot: &Snapshot,
    rules: &Ruleset,
    wanted: &dyn Fn(PodId) -> bool,
) -> Entrances {
    let source = internet(snapshot, rules);
    let mut found = Entrances::default();
    let mut fronts = Fronts::default();
    let (leads, doors) = (entry::all(snapshot), entry::doors(snapshot));
    found.left_out = (leads.len() + doors.len()).saturating_sub(MOST);
    for lead in leads.iter().take(MOST) {
        let front = fronts.of(snapshot, *lead);
        // Names that were looked up already are found again.
        let Ok(taken) = taken(snapshot, rules, &source, *lead, front) else { continue };
        let last = taken.hops.get(1);
        let words = format!("internet via {}", taken.by);
        let kind = match taken.lead.route(snapshot).map(|route| &*route.object.kind) {
            Some("Ingress") => EntranceKind::Ingress,
            Some("Route") => EntranceKind::Route,
            _ => EntranceKind::Gateway,
        };
        let message = way::sentence(&taken);
        found.add(snapshot, wanted, (kind, words), last, (taken.verdict(), message));
    }
    for door in doors.iter().take(MOST.saturating_sub(leads.len())) {
        let Ok(hop) = through(snapshot, rules, &source, door) else { continue };
        let kind = match door.kind {
            DoorKind::LoadBalancer => EntranceKind::LoadBalancer,
            DoorKind::ExternalIp => EntranceKind::ExternalIp,
            DoorKind::NodePort => EntranceKind::NodePort,
            DoorKind::HostPort => EntranceKind::HostPort,
        };
        let message = match hop.verdict() {
            Some(Verdict::Allowed) => None,
            Some(Verdict::Denied) => {
                Some(format!("Open by an address and denied: policies close {}", hop.to))
            }
            None => Some(format!(
                "Of what comes this way policies let some through to {} and deny the rest",
                hop.to
            )),
            _ => Some(format!("Not known: whether what comes this way reaches {}", hop.to)),
        };
        let verdict = hop.verdict();
        found.add(snapshot, wanted, (kind, door.to_string()), Some(&hop), (verdict, message));
    }
    let rank = |entrance: &Entrance| match entrance.verdict.as_str() {
        "Allowed" => 0,
        "Denied" => 2,
        _ => 1,
    };
    let order = |entrance: &Entrance| {
        let name = entrance.destination.label.clone();
        (rank(entrance), entrance.kind, name, entrance.by.clone())
    };
    found.all.sort_by_cached_key(order);
    found.all.dedup();
    found
}

impl Entrances {
    fn add(
        &mut self,
        snapshot: &Snapshot,
        wanted: &dyn Fn(PodId) -> bool,
        (kind, by): (EntranceKind, String),
        last: Option<&Hop>,
        (verdict, message): (Option<Verdict>, Option<String>),
    ) {
        let explanation = last.and_then(Hop::judged).map(|(_, explanation)| explanation);
        let ends: Vec<Endpoint> = explanation.map(reached).unwrap_or_default();
        let pods: Vec<PodId> = ends.iter().filter_map(Endpoint::pod).collect();
        if !pods.is_empty() && !pods.iter().any(|id| wanted(*id)) {
            return;
        }
        for id in &pods {
            let words = self.to.entry(*id).or_default();
            if !words.contains(&by) {
                words.push(by.clone());
            }
        }
        self.all.push(Entrance {
            verdict: verdict.into(),
            kind,
            by,
            destination: destination(snapshot, &ends, last),
            ports: explanation.map(ports).unwrap_or_default(),
            message,
        });
    }
}

fn reached(explanation: &Explanation) -> Vec<Endpoint> {
    let mut ends: Vec<Endpoint> =
        explanation.cases.iter().flat_map(|case| &case.destinations).cloned().collect();
    ends.sort();
    ends.dedup();
    ends
}

fn ports(explanation: &Explanation) -> Vec<FlowPorts> {
    let mut ports = Vec::new();
    for case in &explanation.cases {
        let CasePorts::One(port) = case.ports else { continue };
        let one = FlowPorts { protocol: port.protocol, port: port.number, end_port: None };
        if !ports.contains(&one) {
            ports.push(one);
        }
    }
    ports
}

/// The workload that all of the pods are of, or what they are called together.
fn destination(snapshot: &Snapshot, ends: &[Endpoint], last: Option<&Hop>) -> EndReport {
    let pods = ends.iter().filter_map(Endpoint::pod);
    let mut objects: Vec<_> = pods.map(|id| names::workload(snapshot, snapshot.pod(id))).collect();
    objects.dedup();
    match (objects.as_slice(), last) {
        ([one], _) => EndReport::of(one.to_string(), one),
        ([], Some(hop)) => EndReport::called(hop.to.clone(), None),
        ([], None) => EndReport::called("nothing", None),
        _ => EndReport::called(names::endpoints(snapshot, ends), None),
    }
}

/// Whether a row may be from the internet: from anyone, or from an address outside that is no private one.
pub(super) fn is_from_internet(source: &EndReport) -> bool {
    match source.kind {
        Some(EndKind::Anyone) => true,
        Some(EndKind::Outside) => {
            source.networks.is_empty() || source.networks.iter().any(|net| is_public(net))
        }
        _ => false,
    }
}

fn is_public(network: &str) -> bool {
    network.parse().is_ok_and(|net| crate::cluster::is_of_internet(&net))
}
