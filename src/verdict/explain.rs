//! The whole answer to one question.
//!
//! In: a [`Question`]. Out: an [`Explanation`] with one [`Case`] for everything that policies tell
//! apart: pods behind a name, ports, IP families. Pods that no rule tells apart are judged once.

use super::hops::{Asked, Taken};
use super::inside::inside_note;
use super::ports::{CasePorts, same, sweep, swept};
use super::remarks::remarks;
use super::routed::{led, not_led, unrouted, without_a_way};
use super::trace::{Flow, Judgement, Verdict};
use super::unsettled::with_node;
use super::ways::{Reading, judge_each};
use crate::cluster::{Addresses, ContainerPort, Family, Name, Port, Snapshot};
use crate::ends::{
    Arrival, EndName, Endpoint, Named, PortWanted, ResolveError, Resolved, Seen, Way, arrivals,
    as_from_outside, may_be_a_pods, outside_note, resolve,
};
use crate::policy::rule::Direction;
use crate::policy::{Ruleset, Sight};
use foldhash::{HashMap, HashMapExt as _, HashSet};
use std::net::IpAddr;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Who opens the connection.
    pub source: &'a EndName,
    /// Who is to take it.
    pub destination: &'a EndName,
    /// The port, where it was given apart from the destination.
    pub port: Option<&'a PortWanted>,
    /// The namespace of names that come without one.
    pub namespace: &'a str,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The source as understood.
    pub source: Resolved,
    /// The destination as understood.
    pub destination: Resolved,
    /// One for everything that is told apart; none where there are ways of several hops.
    pub cases: Vec<Case>,
    /// The ways to a host that routes lead in, hop by hop.
    pub ways: Vec<Taken>,
    /// The cases differ by IP family, and which one the pods use is not known.
    pub family_unknown: bool,
    /// Cases differ by how policies see a flow, and which of these holds is not known.
    pub reading_unknown: bool,
    /// Something of the destination leads nobody knows where.
    pub lost: bool,
    /// It hangs on something that is not known here, as a note tells.
    pub unsettled: bool,
    /// What the reader should know of how the question was understood.
    pub notes: Vec<String>,
}

/// Flows that share one judgement.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The sources.
    pub sources: Vec<Endpoint>,
    /// The destinations.
    pub destinations: Vec<Endpoint>,
    /// The ports on the destinations.
    pub ports: CasePorts,
    /// The Service port that was dialled, if one was.
    pub dialled: Option<Port>,
    /// The IP family, where it makes a difference.
    pub family: Option<Family>,
    /// The flow that was judged for all of them.
    pub flow: Flow,
    /// How policies see it, where that may be otherwise than straight.
    pub reading: Option<Reading>,
    /// The judgement.
    pub judgement: Judgement,
}

impl Explanation {
    /// One of which nothing is said yet.
    pub(super) fn of(source: Resolved, destination: Resolved, notes: Vec<String>) -> Self {
        Self {
            source,
            destination,
            cases: Vec::new(),
            ways: Vec::new(),
            family_unknown: false,
            reading_unknown: false,
            lost: false,
            unsettled: false,
            notes,
        }
    }

    /// The question and answer of the hop at which a way of several is closed.
    pub fn closed_hop(&self) -> Option<(&Asked, &Self)> {
        let closed = |way: &&Taken| way.verdict() == Some(Verdict::Denied);
        self.ways.iter().filter(closed).find_map(|way| way.deciding()?.judged())
    }

    /// This answer, and those of all hops.
    pub fn parts(&self) -> impl Iterator<Item = &Self> {
        let hops = self.ways.iter().flat_map(|way| &way.hops);
        std::iter::once(self).chain(hops.filter_map(|hop| Some(hop.judged()?.1)))
    }

    /// The cases that count for the verdict: ports that nobody asked for or declared do so only for
    /// destinations that declare none.
    pub fn counted(&self) -> Vec<&Case> {
        let declare = self.cases.iter().filter(|case| !case.ports.is_undeclared());
        let declare: HashSet<&Endpoint> = declare.flat_map(|case| &case.destinations).collect();
        let open = |case: &Case| case.destinations.iter().any(|end| !declare.contains(end));
        self.cases.iter().filter(|case| !case.ports.is_undeclared() || open(case)).collect()
    }

    /// The verdict on all that was asked; `None` when flows differ. Of each destination its declared ports
    /// count, and all of one that declares none.
    pub fn verdict(&self) -> Option<Verdict> {
        if self.unsettled {
            return Some(Verdict::Unknown);
        }
        if !self.ways.is_empty() {
            let all = || self.ways.iter().map(Taken::verdict);
            let verdict = match all().next() {
                Some(first) if all().all(|other| other == first) => first,
                _ => None,
            };
            // What only a pattern may mean may lead nowhere, or elsewhere.
            if verdict == Some(Verdict::Allowed) && self.ways.iter().all(Taken::is_perhaps) {
                return Some(Verdict::Unknown);
            }
            if verdict.is_none() && self.ways.iter().any(Taken::is_perhaps) {
                return Some(Verdict::Unknown);
            }
            // Which of several ways it takes is not known, unless some are closed for certain.
            let closed = all().any(|it| matches!(it, None | Some(Verdict::Denied)));
            return verdict.or((!closed).then_some(Verdict::Unknown));
        }
        if self.cases.is_empty() {
            return Some(Verdict::Unknown);
        }
        let counted = self.counted();
        let verdict = same(counted.iter().map(|case| case.judgement.verdict));
        match verdict {
            None if self.family_unknown || self.reading_unknown => Some(Verdict::Unknown),
            None if counted.iter().all(|case| case.judgement.verdict != Verdict::Denied) => {
                Some(Verdict::Unknown)
            }
            // Of what leads nobody knows where nothing is said by the rest.
            Some(Verdict::Allowed) if self.lost => Some(Verdict::Unknown),
            verdict => verdict,
        }
    }
}

/// More pairs than this in one answer help nobody.
const MOST_PAIRS: usize = 4096;

/// So many rules are tried: some seconds, and some hundred megabytes of what is said of them.
const MOST_TRIED: usize = 100_000_000;
/// To keep what is said of a rule is worth as many that are only tried.
const TRIED_OF_KEPT: usize = 25;

/// Answers a question.
pub fn explain(
    snapshot: &Snapshot,
    rules: &Ruleset,
    question: &Question<'_>,
) -> Result<Explanation, ResolveError> {
    let mut answer = answered(snapshot, rules, question)?;
    // Who gives an address means that address.
    let given = |end: &EndName| matches!(end.names, Named::Address(_));
    let sources =
        answer.cases.iter().filter(|_| !given(question.source)).flat_map(|it| &it.sources);
    let destinations = answer.cases.iter().filter(|_| !given(question.destination));
    let ends = sources.chain(destinations.flat_map(|it| &it.destinations));
    if let Some((supposed, note)) = with_node(snapshot, rules, ends)
        && answered(&supposed, rules, question)?.verdict() != answer.verdict()
    {
        answer.unsettled = true;
        answer.notes.push(note);
    }
    Ok(answer)
}

/// The answer by what is here.
fn answered(
    snapshot: &Snapshot,
    rules: &Ruleset,
    question: &Question<'_>,
) -> Result<Explanation, ResolveError> {
    let port = one_port(question)?;
    let only = family(question)?;
    let source = resolve(snapshot, question.source, question.namespace)?;
    // A host name is completed by the resolver of the pod that uses it.
    let source_namespace = source.object.as_ref().and_then(|object| object.namespace.clone());
    let namespace = match (&question.destination.names, &source_namespace) {
        (Named::Host(_), Some(namespace)) => namespace,
        _ => question.namespace,
    };
    let destination = resolve(snapshot, question.destination, namespace)?;
    let routed = destination.ways.iter().any(|way| matches!(way, Way::Route { .. }));
    if routed {
        return led(snapshot, rules, (source, destination), port, namespace);
    }
    if let Some(note) = unrouted(&source, &destination) {
        return Ok(not_led(source, destination, note));
    }
    let lost = leads_nowhere(snapshot, &destination, port);
    let from_outside = as_from_outside(snapshot, &source, &destination);
    let led_to = from_outside.as_ref().map_or(&destination, |(end, _)| end);
    let (arrivals, mut notes) = arrivals(snapshot, led_to, port)?;
    notes.splice(0..0, from_outside.into_iter().map(|(_, note)| note));
    notes.splice(0..0, source.notes.iter().chain(&destination.notes).cloned());
    for end in source.endpoints.iter().chain(&destination.endpoints) {
        let Endpoint::Address(ip) = end else { continue };
        let outside = notes.iter_mut().find(|note| **note == outside_note(*ip));
        if let (Some(note), Some(inside)) = (outside, inside_note(snapshot, rules, *ip)) {
            *note = inside;
        }
    }

    let sources = classes(snapshot, rules, source.endpoints.iter().map(|e| (e.clone(), ())));
    let mut ways: Vec<Seen> = Vec::new();
    let mut way = |seen: Seen| {
        ways.iter().position(|known| *known == seen).unwrap_or_else(|| {
            ways.push(seen);
            ways.len() - 1
        })
    };
    let arrivals = arrivals
        .into_iter()
        .map(|Arrival { endpoint, port, dialled, seen }| (endpoint, (port, dialled, way(seen))));
    let arrivals: Vec<_> = arrivals.collect();
    let places = classes(snapshot, rules, arrivals.into_iter());
    let pairs = sources.len() * places.len();
    if pairs > MOST_PAIRS {
        return Err(ResolveError::TooMany(pairs));
    }
    let (from_service, ways) = (destination.service.is_some(), &ways);
    let pair = |from, to, dialled: Option<Port>, way: usize| {
        let (source, destination) = representatives(from, to);
        let through_service = from_service || dialled.is_some();
        let seen = ways.get(way);
        Pair { snapshot, rules, source, destination, through_service, seen, only }
    };
    let pair = &pair;
    let each = sources.iter().flat_map(|(from, ())| {
        places
            .iter()
            .map(move |(to, (port, dialled, way))| pair(from, to, *dialled, *way).tried(*port))
    });
    if each.fold(0, usize::saturating_add) > MOST_TRIED {
        return Err(ResolveError::TooMuch { pairs });
    }
    let mut cases = Vec::new();
    let (mut family_unknown, mut reading_unknown) = (false, false);
    for (from, ()) in &sources {
        for (to, (port, dialled, way)) in &places {
            let pair = pair(from, to, *dialled, *way);
            let (judged, unknown) = pair.judge(*port);
            family_unknown |= unknown;
            reading_unknown |= judged.iter().any(|it| words(it.reading.as_ref()).is_some());
            cases.extend(judged.into_iter().map(|it| Case {
                sources: from.clone(),
                destinations: to.clone(),
                ports: it.ports,
                dialled: *dialled,
                family: it.family,
                flow: it.flow,
                reading: it.reading,
                judgement: it.judgement,
            }));
        }
    }
    if reading_unknown {
        notes.push(READINGS_DIFFER.to_owned());
    }
    notes.extend(source_ranges(snapshot, &source, &destination));
    notes.extend(no_flow(&source, sources.is_empty(), cases.is_empty() && !places.is_empty()));
    let own = own_addresses(snapshot, &destination, question.destination);
    notes.extend(remarks(snapshot, rules, &own, &cases));
    let mut explanation = Explanation {
        cases: merge(cases),
        family_unknown,
        reading_unknown,
        lost,
        ..Explanation::of(source, destination, notes)
    };
    // Where a pod that may be on a node would have its port, and the node would answer otherwise.
    explanation.unsettled =
        explanation.verdict().is_none() && may_be_a_pods(snapshot, &explanation.destination, port);
    explanation.notes.extend(without_a_way(snapshot, &explanation));
    Ok(explanation)
}

/// Why there is no flow at all, if that shows in the ends.
fn no_flow(source: &Resolved, no_source: bool, apart: bool) -> Option<String> {
    match (no_source, apart) {
        (true, _) => Some(format!("{} has no pods: nothing would connect", source.label)),
        (false, true) => Some("the two ends have no IP family in common".to_owned()),
        (false, false) => None,
    }
}

/// Whether one of several things that the API server calls leads nobody knows where.
fn leads_nowhere(snapshot: &Snapshot, end: &Resolved, port: Option<&PortWanted>) -> bool {
    let calls = || end.ways.iter().filter(|way| matches!(way, Way::Call { .. }));
    let is_lost = |way: &Way| {
        let one = Resolved { ways: vec![*way], endpoints: Vec::new(), ..end.clone() };
        arrivals(snapshot, &one, port).map_or(true, |(all, _)| all.is_empty())
    };
    calls().count() > 1 && calls().any(is_lost)
}

/// The addresses by which a Service was asked for, which policies do not see.
fn own_addresses(snapshot: &Snapshot, destination: &Resolved, asked: &EndName) -> Vec<IpAddr> {
    let mut own: Vec<IpAddr> = match &destination.service {
        Some(index) => snapshot.services[*index].cluster_ips.clone(),
        None => Vec::new(),
    };
    if !destination.ways.is_empty()
        && let Named::Address(ip) = asked.names
    {
        own.push(ip);
    }
    own
}

/// What is said where readings of a flow have different verdicts.
const READINGS_DIFFER: &str = "whom policies see as the ends of a flow that comes this way depends on \
     the network plugin and on where pods run, and it decides here: what follows from each is told";

/// What stands in front of a load balancer's Service.
///
/// Source: docs/semantics/services.md#source-ranges.
fn source_ranges(snapshot: &Snapshot, source: &Resolved, destination: &Resolved) -> Vec<String> {
    let balanced = destination.ways.iter().filter_map(|way| match way {
        Way::LoadBalancer { service, .. } => Some(&snapshot.services[*service]),
        _ => None,
    });
    let filtered = balanced.filter(|service| !service.external.source_ranges.is_empty());
    filtered
        .map(|service| {
            let ranges = &service.external.source_ranges;
            let shown = ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let (namespace, name) = (&service.namespace, &service.name);
            let of_source = match source.endpoints.as_slice() {
                [Endpoint::Address(ip)] if ranges.iter().any(|range| range.contains(ip)) => {
                    format!(": {ip} is in these")
                }
                [Endpoint::Address(ip)] => format!(": {ip} is in none of these"),
                _ => String::new(),
            };
            format!(
                "{namespace}/svc/{name} has loadBalancerSourceRanges {shown}, a filter in front of it \
                 that no verdict counts here{of_source}"
            )
        })
        .collect()
}

/// The family of the addresses that were given.
fn family(question: &Question<'_>) -> Result<Option<Family>, ResolveError> {
    let given = |name: &EndName| match name.names {
        Named::Address(ip) => Some(ip.to_canonical()),
        _ => None,
    };
    match (given(question.source), given(question.destination)) {
        (Some(a), Some(b)) if Family::of(a) != Family::of(b) => Err(ResolveError::Families(a, b)),
        (a, b) => Ok(a.or(b).map(Family::of)),
    }
}

fn one_port<'a>(question: &'a Question<'_>) -> Result<Option<&'a PortWanted>, ResolveError> {
    match (&question.destination.port, question.port) {
        (Some(with), Some(apart)) => {
            let same_protocol = match (with.protocol, apart.protocol) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            };
            if with.port != apart.port || !same_protocol {
                return Err(ResolveError::TwoPorts(with.to_string(), apart.to_string()));
            }
            Ok(Some(if apart.protocol.is_some() { apart } else { with }))
        }
        (with, apart) => Ok(apart.or(with.as_ref())),
    }
}

/// What an answer can see of an endpoint: what rules do, the ports that it declares and its families.
/// Two with equal keys get equal judgements.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a, T> {
    Pod {
        namespace: &'a Name,
        labels: Vec<(&'a str, Option<&'a str>)>,
        ports: &'a [ContainerPort],
        host_network: bool,
        node: Option<&'a Name>,
        template: bool,
        families: Vec<Family>,
        ips: &'a [IpAddr],
        any_port_names: bool,
        more: T,
    },
    Other(Endpoint, T),
}

/// Groups endpoints that no rule can tell apart. Addresses count only if some rule has a block.
pub(crate) fn classes<T: Copy + Eq + std::hash::Hash>(
    snapshot: &Snapshot,
    rules: &Ruleset,
    endpoints: impl Iterator<Item = (Endpoint, T)>,
) -> Vec<(Vec<Endpoint>, T)> {
    let endpoints: Vec<(Endpoint, T)> = endpoints.collect();
    if endpoints.len() <= 1 {
        return endpoints.into_iter().map(|(endpoint, more)| (vec![endpoint], more)).collect();
    }
    let sight = Sight::of(rules);
    // An answer may name the address of a node by which no block decides.
    let by_node_address = rules.traits().addresses || sight.api_server;
    // Only a node, or a pod on its network, can be a pod's own node.
    let nodes = rules.traits().own_node || snapshot.has_ends_on_nodes();
    let mut groups: Vec<(Vec<Endpoint>, T)> = Vec::new();
    let mut known = HashMap::new();
    for (endpoint, more) in endpoints {
        let key = match &endpoint {
            Endpoint::Pod(id) => {
                let pod = snapshot.pod(*id);
                let mut families: Vec<_> = pod.ips.iter().map(|ip| Family::of(*ip)).collect();
                families.sort();
                Key::Pod {
                    namespace: &pod.namespace,
                    labels: sight.labels(sight.labelling(pod)).collect(),
                    ports: &pod.ports,
                    host_network: pod.host_network,
                    node: pod.node.as_ref().filter(|_| nodes),
                    template: pod.template,
                    families,
                    ips: if sight.asks_address_of(pod) || (pod.host_network && by_node_address) {
                        &pod.ips
                    } else {
                        &[]
                    },
                    any_port_names: snapshot.representative(*id).is_some_and(|r| r.any_port_names),
                    more,
                }
            }
            other => Key::Other(other.clone(), more),
        };
        let at = *known.entry(key).or_insert_with(|| {
            groups.push((Vec::new(), more));
            groups.len() - 1
        });
        groups[at].0.push(endpoint);
    }
    groups
}

/// One of each, and not the same pod twice if that can be helped: a pod always reaches itself.
fn representatives<'a>(from: &'a [Endpoint], to: &'a [Endpoint]) -> (&'a Endpoint, &'a Endpoint) {
    let (one, other) = (&from[0], &to[0]);
    if one != other {
        return (one, other);
    }
    match (from.get(1), to.get(1)) {
        (_, Some(another)) => (one, another),
        (Some(another), None) => (another, other),
        (None, None) => (one, other),
    }
}

struct Pair<'a> {
    snapshot: &'a Snapshot,
    rules: &'a Ruleset,
    source: &'a Endpoint,
    destination: &'a Endpoint,
    through_service: bool,
    seen: Option<&'a Seen>,
    /// The family of an address that was given.
    only: Option<Family>,
}

struct Judged {
    ports: CasePorts,
    family: Option<Family>,
    flow: Flow,
    reading: Option<Reading>,
    judgement: Judgement,
}

impl Pair<'_> {
    /// How many rules are tried for it, at one port or at all.
    fn tried(&self, port: Option<Port>) -> usize {
        let (snapshot, rules) = (self.snapshot, self.rules);
        let of_end = |(end, direction): (&Endpoint, Direction)| match end {
            Endpoint::Pod(id) => {
                let policies = rules.candidates(&snapshot.pod(*id).namespace, direction);
                policies.map(|(_, policy)| 1 + policy.entries.len()).sum()
            }
            _ => 0,
        };
        let ends = [(self.source, Direction::Egress), (self.destination, Direction::Ingress)];
        let each: usize = ends.into_iter().map(of_end).sum();
        let (judged, kept) = match port {
            Some(_) => (1, 1),
            None => swept(snapshot, rules, self.source, self.destination),
        };
        each * (Family::ALL.len() * judged + TRIED_OF_KEPT * kept)
    }

    /// Judges one port or all, in every family that the ends may share; true: which family it is
    /// makes a difference and is not known.
    fn judge(&self, port: Option<Port>) -> (Vec<Judged>, bool) {
        let (sources, destinations) = (self.families(self.source), self.families(self.destination));
        let shared: Vec<Family> = Family::ALL
            .into_iter()
            .filter(|f| sources.0.contains(f) && destinations.0.contains(f))
            .filter(|f| self.only.is_none_or(|only| only == *f))
            .collect();
        let known = sources.1 || destinations.1;
        let mut by_family: Vec<(Family, Vec<_>)> =
            shared.into_iter().map(|family| (family, self.in_family(port, family))).collect();
        let verdicts = |cases: &[Judged]| -> Vec<_> {
            cases.iter().map(|it| (it.ports.clone(), it.judgement.verdict)).collect()
        };
        let alike = by_family.windows(2).all(|w| verdicts(&w[0].1) == verdicts(&w[1].1));
        if alike {
            by_family.truncate(1);
        }
        let label = |family| (!alike).then_some(family);
        let cases = by_family
            .into_iter()
            .flat_map(|(family, cases)| {
                cases.into_iter().map(move |it| Judged { family: label(family), ..it })
            })
            .collect();
        (cases, !alike && !known)
    }

    fn in_family(&self, port: Option<Port>, family: Family) -> Vec<Judged> {
        let Some(port) = port else {
            let swept = sweep(self.snapshot, self.rules, self.source, self.destination, family);
            let judged = swept.into_iter().flat_map(|(ports, flow, judgement)| {
                let each = judge_each(self.snapshot, self.rules, &flow, &Seen::default());
                let plain = vec![(None, judgement)];
                let each = if each.len() > 1 { each } else { plain };
                each.into_iter().map(move |(reading, judgement)| {
                    let (ports, flow) = (ports.clone(), flow.clone());
                    Judged { ports, family: None, flow, reading, judgement }
                })
            });
            return judged.collect();
        };
        let flow = Flow {
            source: self.source.clone(),
            destination: self.destination.clone(),
            port,
            family,
            through_service: self.through_service,
        };
        let seen = self.seen.cloned().unwrap_or_default();
        judge_each(self.snapshot, self.rules, &flow, &seen)
            .into_iter()
            .map(|(reading, judgement)| {
                let (ports, family, flow) = (CasePorts::One(port), None, flow.clone());
                Judged { ports, family, flow, reading, judgement }
            })
            .collect()
    }

    /// The families that an end may use, and whether that is certain.
    fn families(&self, endpoint: &Endpoint) -> (Vec<Family>, bool) {
        match endpoint {
            Endpoint::Address(ip) | Endpoint::NodeAddress(_, ip) => (vec![Family::of(*ip)], true),
            Endpoint::Name(_) | Endpoint::Unseen(_) => (Family::ALL.to_vec(), false),
            Endpoint::Node(node) => {
                let ips = &self.snapshot.nodes[*node].ips;
                certain(
                    Family::ALL.into_iter().filter(|f| ips.iter().any(|ip| Family::of(*ip) == *f)),
                )
            }
            Endpoint::Pod(id) => {
                let address = |family: &Family| self.snapshot.pod_address(*id, *family);
                if Family::ALL.iter().all(|family| address(family) == Addresses::Unknown) {
                    return (Family::ALL.to_vec(), false);
                }
                certain(Family::ALL.into_iter().filter(|f| address(f) != Addresses::Absent))
            }
        }
    }
}

/// What a reading rests on, where that decides.
fn words(reading: Option<&Reading>) -> Option<&str> {
    reading?.words.as_deref()
}

/// Families that were found; none at all says nothing.
fn certain(found: impl Iterator<Item = Family>) -> (Vec<Family>, bool) {
    let found: Vec<Family> = found.collect();
    if found.is_empty() { (Family::ALL.to_vec(), false) } else { (found, true) }
}

/// Joins cases that differ only in one side's pods.
fn merge(cases: Vec<Case>) -> Vec<Case> {
    let same_but = |a: &Case, b: &Case| {
        a.ports == b.ports
            && a.dialled == b.dialled
            && a.family == b.family
            && words(a.reading.as_ref()) == words(b.reading.as_ref())
            && a.judgement == b.judgement
    };
    let mut merged: Vec<Case> = Vec::new();
    for case in cases {
        let twin = merged.iter_mut().find(|m| same_but(m, &case) && m.sources == case.sources);
        match twin {
            Some(twin) => twin.destinations.extend(case.destinations),
            None => merged.push(case),
        }
    }
    let mut joined: Vec<Case> = Vec::new();
    for case in merged {
        let twin =
            joined.iter_mut().find(|m| same_but(m, &case) && m.destinations == case.destinations);
        match twin {
            Some(twin) => twin.sources.extend(case.sources),
            None => joined.push(case),
        }
    }
    joined
}
