//! The connections that two ends ask for.
//!
//! In: a question as `explain` has it. Out: one [`Attempt`] for each pair that policies tell apart and each
//! port, from a pod that can be entered, with the answer of `explain` to just that.

use crate::cluster::{Addresses, Family, ObjectRef, Pod, PodId, Port, Snapshot};
use crate::ends::{EndName, Endpoint, Named, PortText, PortWanted, ResolveError, Resolved, names};
use crate::policy::Ruleset;
use crate::verdict::{Case, CasePorts, Explanation, Passage, Question, Verdict, explain};
use std::fmt;
use std::net::IpAddr;

/// One connection that may be tried.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The pod in which it begins.
    pub source: PodId,
    /// Who is to take it, after any Service.
    pub destination: Endpoint,
    /// What is dialled.
    pub dial: Dial,
    /// The port that is dialled.
    pub port: Port,
    /// The Service that is dialled, where one is.
    pub service: Option<ObjectRef>,
    /// What `explain` says of it.
    pub explanation: Explanation,
}

/// What is dialled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dial {
    /// An address.
    Address(IpAddr),
    /// A name, which the pod resolves.
    Name(String),
}

impl fmt::Display for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Why nothing can be tried between two ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unasked {
    /// An end is nothing.
    #[error(transparent)]
    Ends(#[from] ResolveError),
    /// No pod of the source runs.
    #[error("{0} has no running pod from which a connection could be tried")]
    NoSource(String),
    /// It takes several hops.
    #[error(
        "{0} is led through an Ingress, a Route or a Gateway: try each hop, which explain tells"
    )]
    Hops(String),
    /// No port is known.
    #[error("which port of {0} to try is not known: give a PORT, such as 80 or 53/UDP")]
    NoPort(String),
    /// It is nowhere.
    #[error("{0} has no address that could be dialled")]
    NoAddress(String),
}

impl Attempt {
    /// The verdict on it; Unknown where its parts differ.
    pub fn predicted(&self) -> Verdict {
        self.explanation.verdict().unwrap_or(Verdict::Unknown)
    }

    /// Whether it passes on a condition, so that others than who is dialled may answer.
    pub fn is_on_condition(&self) -> bool {
        let sides =
            |case: &Case| [case.judgement.egress.passage(), case.judgement.ingress.passage()];
        self.explanation.cases.iter().flat_map(sides).any(|side| side == Passage::OnCondition)
    }
}

/// Whether connections can be tried from a pod: it runs, as far as is known.
pub(super) fn can_be_entered(snapshot: &Snapshot, id: PodId) -> bool {
    let pod = snapshot.pod(id);
    is_there(snapshot, id) && is_name(&pod.namespace) && is_name(&pod.name)
}

/// Whether a pod runs and has an address, as far as is known.
pub(super) fn is_there(snapshot: &Snapshot, id: PodId) -> bool {
    let pod = snapshot.pod(id);
    !pod.finished && !pod.template && snapshot.representative(id).is_none() && !pod.ips.is_empty()
}

/// Whether an API server takes a name, so that it goes to a program as it is.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    name.len() <= 253
        && bytes.first().is_some_and(|first| plain(*first))
        && bytes.iter().all(|byte| plain(*byte) || matches!(byte, b'-' | b'.'))
}

/// The first family of which both pods have an address, with that of the second.
pub(super) fn shared(from: &Pod, to: &Pod) -> Option<(Family, IpAddr)> {
    Family::ALL.into_iter().find_map(|family| match (from.address(family), to.address(family)) {
        (Addresses::Known(_), Addresses::Known(ip)) => Some((family, ip)),
        _ => None,
    })
}

/// A pod as an end that has been looked up.
pub(super) fn pod_end(snapshot: &Snapshot, id: PodId) -> EndName {
    let object = snapshot.pod(id).object();
    let resolved = Resolved {
        label: object.to_string(),
        object: Some(object),
        service: None,
        endpoints: vec![Endpoint::Pod(id)],
        ways: Vec::new(),
        notes: Vec::new(),
    };
    EndName { names: Named::Found(Box::new(resolved)), port: None, path: None }
}

/// What `explain` says of one port between two pods in a family.
pub(super) fn between_pods(
    (snapshot, rules): (&Snapshot, &Ruleset),
    (source, destination): (PodId, PodId),
    (family, ip): (Family, IpAddr),
    port: Port,
) -> Result<Attempt, ResolveError> {
    let (from, to) = (pod_end(snapshot, source), pod_end(snapshot, destination));
    let wanted = wanted(port);
    let (port_wanted, namespace) = (Some(&wanted), &*snapshot.pod(source).namespace);
    let question = Question { source: &from, destination: &to, port: port_wanted, namespace };
    let mut explanation = explain(snapshot, rules, &question)?;
    explanation.cases.retain(|case| case.family.is_none_or(|known| known == family));
    let destination = Endpoint::Pod(destination);
    let dial = Dial::Address(ip);
    Ok(Attempt { source, destination, dial, port, service: None, explanation })
}

fn wanted(port: Port) -> PortWanted {
    PortWanted { port: PortText::Number(port.number), protocol: Some(port.protocol) }
}

/// The connections between two ends, in order, each once and at most so many; and how many further cases
/// there are.
pub fn between(
    snapshot: &Snapshot,
    rules: &Ruleset,
    question: &Question<'_>,
    most: usize,
) -> Result<(Vec<Attempt>, usize), Unasked> {
    let whole = explain(snapshot, rules, question)?;
    let label = &whole.destination.label;
    if !whole.ways.is_empty() {
        return Err(Unasked::Hops(label.clone()));
    }
    let mut attempts: Vec<Attempt> = Vec::new();
    let (mut entered, mut ported, mut left_out) = (false, false, 0);
    for case in &whole.cases {
        if attempts.len() >= most {
            left_out += usize::from(matches!(case.ports, CasePorts::One(_)));
            continue;
        }
        let Some(source) = first_pod(snapshot, &case.sources) else { continue };
        entered = true;
        let CasePorts::One(port) = case.ports else { continue };
        ported = true;
        for attempt in of_case((snapshot, rules), question, &whole, (case, source, port))? {
            let is_same = |known: &Attempt| {
                (known.source, &known.dial, known.port)
                    == (attempt.source, &attempt.dial, attempt.port)
            };
            if !attempts.iter().any(is_same) {
                attempts.push(attempt);
            }
        }
    }
    match (entered, ported, attempts.is_empty()) {
        (_, _, false) => Ok((attempts, left_out)),
        (true, false, _) => Err(Unasked::NoPort(label.clone())),
        (true, true, _) => Err(Unasked::NoAddress(label.clone())),
        (false, ..) if whole.cases.is_empty() && !whole.source.endpoints.is_empty() => {
            Err(Unasked::NoAddress(label.clone()))
        }
        (false, ..) => Err(Unasked::NoSource(whole.source.label.clone())),
    }
}

/// The attempts of one case: one by the name that was given, or, where policies tell apart what is behind
/// it, one to a pod of the case.
fn of_case(
    (snapshot, rules): (&Snapshot, &Ruleset),
    question: &Question<'_>,
    whole: &Explanation,
    (case, source, port): (&Case, PodId, Port),
) -> Result<Vec<Attempt>, Unasked> {
    let dialled = case.dialled.unwrap_or(port);
    if let Some(dial) = given(snapshot, question.destination, &whole.destination, source) {
        let from = pod_end(snapshot, source);
        let wanted = wanted(dialled);
        let destination = EndName { port: None, ..question.destination.clone() };
        let namespace = question.namespace;
        let port = Some(&wanted);
        let one = Question { source: &from, destination: &destination, port, namespace };
        let mut explanation = explain(snapshot, rules, &one)?;
        if let Dial::Address(ip) = dial {
            let family = Family::of(ip);
            explanation.cases.retain(|case| case.family.is_none_or(|known| known == family));
        }
        let service = whole.destination.service.and(whole.destination.object.clone());
        let endpoint = case.destinations.first().cloned();
        if let Some(destination) = endpoint.filter(|_| explanation.verdict().is_some()) {
            let port = dialled;
            return Ok(vec![Attempt { source, destination, dial, port, service, explanation }]);
        }
    }
    let mut attempts = Vec::new();
    let ends = case.destinations.iter().filter_map(Endpoint::pod);
    let reached = ends
        .filter(|id| is_there(snapshot, *id) && *id != source)
        .find_map(|id| Some((id, shared_in(snapshot.pod(source), snapshot.pod(id), case.family)?)));
    if let Some((id, way)) = reached {
        attempts.push(between_pods((snapshot, rules), (source, id), way, port)?);
    }
    Ok(attempts)
}

fn shared_in(from: &Pod, to: &Pod, only: Option<Family>) -> Option<(Family, IpAddr)> {
    match only.map(|family| (family, from.address(family), to.address(family))) {
        None => shared(from, to),
        Some((family, Addresses::Known(_), Addresses::Known(ip))) => Some((family, ip)),
        Some(_) => None,
    }
}

/// What is dialled for a destination that has an address or a name of its own.
fn given(snapshot: &Snapshot, asked: &EndName, resolved: &Resolved, source: PodId) -> Option<Dial> {
    match &asked.names {
        Named::Address(ip) => return Some(Dial::Address(*ip)),
        Named::Host(host) => return is_host(host).then(|| Dial::Name(host.clone())),
        _ => {}
    }
    let has =
        |ip: &IpAddr| matches!(snapshot.pod(source).address(Family::of(*ip)), Addresses::Known(_));
    if let Some(service) = resolved.service.and_then(|index| snapshot.services.get(index)) {
        if let Some(name) = &service.external_name {
            return is_host(name).then(|| Dial::Name(name.to_string()));
        }
        return service.cluster_ips.iter().find(|ip| has(ip)).copied().map(Dial::Address);
    }
    match resolved.endpoints.as_slice() {
        [Endpoint::Node(node)] => {
            let ips = &snapshot.nodes.get(*node)?.ips;
            ips.iter().find(|ip| has(ip)).copied().map(Dial::Address)
        }
        [Endpoint::Name(name)] => is_host(name).then(|| Dial::Name(name.to_string())),
        _ => None,
    }
}

/// Whether a name goes to a program as it is.
fn is_host(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !name.is_empty() && name.len() <= 253 && !name.starts_with('-') && name.bytes().all(plain)
}

/// The first pod that can be entered, by its name.
fn first_pod(snapshot: &Snapshot, ends: &[Endpoint]) -> Option<PodId> {
    let pods = ends.iter().filter_map(Endpoint::pod);
    let pods = pods.filter(|id| can_be_entered(snapshot, *id));
    pods.min_by_key(|id| (!snapshot.pod(*id).ready, names::endpoint(snapshot, &Endpoint::Pod(*id))))
}
