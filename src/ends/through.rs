//! Ways into the cluster, followed to the pods behind them.
//!
//! In: an end that is such a way, or a node, and the port wanted. Out: every [`Arrival`] with how
//! policies may see it, and what is to be told of the way.

use super::Endpoint;
use super::destination::{Arrival, behind};
use super::name::{PortText, PortWanted};
use super::resolve::{ResolveError, Resolved, service_end};
use super::ways::{Seen, Way};
use crate::cluster::{BackendPort, Port, Protocol, Service, ServicePort, Snapshot, TargetPort};
use crate::entry::Lead;

type Arrivals = (Vec<Arrival>, Vec<String>);

/// What is behind the ways that an end is; `None` where it is none, for this port.
pub(super) fn arrivals(
    snapshot: &Snapshot,
    end: &Resolved,
    wanted: Option<&PortWanted>,
) -> Result<Option<Arrivals>, ResolveError> {
    let node = end.endpoints.iter().find(|endpoint| endpoint.node().is_some());
    if end.ways.is_empty() && node.is_none() {
        return Ok(None);
    }
    let mut found: Arrivals = Default::default();
    let mut refused = None;
    for way in &end.ways {
        let followed = match *way {
            Way::Route { lead, .. } => Ok(by_route(snapshot, lead)),
            Way::ApiServer => Ok(to_api_server(end, wanted)),
            Way::LoadBalancer { service, .. } | Way::ExternalIp { service } => {
                by_service(snapshot, end, *way, service, wanted)
            }
        };
        match followed {
            Ok((arrivals, notes)) => {
                found.0.extend(arrivals);
                found.1.extend(notes);
            }
            Err(error) => refused = Some(error),
        }
    }
    if let Some(node) = node {
        let by_port = by_node_port(snapshot, node, wanted);
        // Another port of a node is the node's own.
        let whole = wanted.is_none() || found.0.is_empty();
        return Ok(by_port.or_else(|| (!whole).then_some(found)));
    }
    match refused {
        Some(error) if found.0.is_empty() && found.1.is_empty() => Err(error),
        _ => Ok(Some(found)),
    }
}

/// By an address or a name of a Service.
fn by_service(
    snapshot: &Snapshot,
    end: &Resolved,
    way: Way,
    index: usize,
    wanted: Option<&PortWanted>,
) -> Result<Arrivals, ResolveError> {
    let service = &snapshot.services[index];
    let pods = service_end(snapshot, index);
    let (mut arrivals, mut notes) = behind(snapshot, &pods, service, wanted)?;
    let what = match way {
        Way::ExternalIp { .. } => "an external address of",
        _ => "the load balancer of",
    };
    // A hop is called by the Service already.
    if end.label != pods.label {
        notes.insert(0, format!("{} is {what} {}: judged at its pods", end.label, pods.label));
    }
    notes.extend(pods.notes);
    for arrival in &mut arrivals {
        let Some(dialled) = arrival.dialled else { continue };
        arrival.seen = match (way, end.endpoints.first()) {
            (Way::LoadBalancer { proxies: true, .. }, Some(own)) => Seen::balanced(own, dialled),
            _ => Seen::translated(service),
        };
    }
    Ok((arrivals, notes))
}

/// By a port of a node; `None` where the port is the node's own.
fn by_node_port(
    snapshot: &Snapshot,
    node: &Endpoint,
    wanted: Option<&PortWanted>,
) -> Option<Arrivals> {
    let PortText::Number(number) = wanted?.port else { return None };
    let protocol = wanted?.protocol.unwrap_or(Protocol::Tcp);
    let of_service = |service: &Service| -> Option<ServicePort> {
        let leads =
            |it: &&ServicePort| it.node_port == Some(number) && it.port.protocol == protocol;
        service.ports.iter().find(leads).cloned()
    };
    let services = snapshot.services.iter().enumerate();
    let (index, port) = services.into_iter().find_map(|(at, it)| Some((at, of_service(it)?)))?;
    let service = &snapshot.services[index];
    let pods = service_end(snapshot, index);
    let inner =
        PortWanted { port: PortText::Number(port.port.number), protocol: Some(port.port.protocol) };
    let (mut arrivals, mut notes) = behind(snapshot, &pods, service, Some(&inner)).ok()?;
    let leads = format!("port {number} of every node leads to {}", pods.label);
    notes.insert(0, format!("{leads}: judged at its pods"));
    notes.extend(pods.notes);
    let dialled = Port { protocol, number };
    for arrival in &mut arrivals {
        arrival.dialled = Some(dialled);
        arrival.seen = Seen::by_node_port(service, node, dialled);
    }
    Some((arrivals, notes))
}

/// By a route, to the pods behind it.
fn by_route(snapshot: &Snapshot, lead: Lead) -> Arrivals {
    let found = led_to(snapshot, lead);
    let (pods, wanted) = match found {
        Ok(found) => found,
        Err(why) => return (Vec::new(), vec![why]),
    };
    let service = pods.service.and_then(|index| snapshot.services.get(index));
    let Some(service) = service else { return Arrivals::default() };
    match behind(snapshot, &pods, service, Some(&wanted)) {
        Ok((arrivals, mut notes)) => {
            let leads =
                format!("{} leads to {}: judged at its pods", lead.words(snapshot), pods.label);
            notes.insert(0, leads);
            notes.extend(pods.notes);
            (arrivals, notes)
        }
        Err(error) => (Vec::new(), vec![error.to_string()]),
    }
}

/// The Service that a route leads to, and its port.
///
/// Errors: what of it is not there, as a sentence without its end.
pub(crate) fn led_to(snapshot: &Snapshot, lead: Lead) -> Result<(Resolved, PortWanted), String> {
    let by = lead.by(snapshot);
    let Some(backend) = lead.backend(snapshot) else { return Err(format!("{by} leads nowhere")) };
    let label = format!("{}/svc/{}", backend.namespace, backend.service);
    let mut services = snapshot.services.within(&backend.namespace);
    let found = services.find(|(_, service)| service.name == backend.service);
    let Some((index, service)) = found else {
        return Err(format!("{label} is not there: {by} leads nowhere"));
    };
    let is = |it: &&ServicePort| match &backend.port {
        None => true,
        Some(BackendPort::Number(number)) => it.port.number == *number,
        Some(BackendPort::Target(number)) => match it.target {
            TargetPort::Number(target) => target == *number,
            TargetPort::Name(_) => it.port.number == *number,
        },
        Some(BackendPort::Name(name)) => {
            it.name.as_ref() == Some(name) || it.target == TargetPort::Name(name.clone())
        }
    };
    let Some(port) = service.ports.iter().find(is) else {
        let port = match &backend.port {
            Some(BackendPort::Number(number) | BackendPort::Target(number)) => number.to_string(),
            Some(BackendPort::Name(name)) => format!("{name:?}"),
            None => return Err(format!("{label} has no port: {by} leads nowhere")),
        };
        return Err(format!("{label} has no port {port}: {by} leads nowhere"));
    };
    let Port { protocol, number } = port.port;
    let wanted = PortWanted { port: PortText::Number(number), protocol: Some(protocol) };
    Ok((service_end(snapshot, index), wanted))
}

/// To the API server by the name of its Service, where that is not written: at the Service's port, and at
/// the one at which an API server listens unless told otherwise.
///
/// Source: docs/semantics/services.md#the-api-server.
fn to_api_server(end: &Resolved, wanted: Option<&PortWanted>) -> Arrivals {
    let number = match wanted.map(|wanted| &wanted.port) {
        Some(PortText::Number(number)) => *number,
        _ => 443,
    };
    let port = |number| Port { protocol: Protocol::Tcp, number };
    let dialled = Some(port(number));
    let to = |endpoint: &Endpoint| Arrival {
        endpoint: endpoint.clone(),
        port: Some(port(6443)),
        dialled,
        seen: Seen {
            out: [6443, number].map(|number| Some((endpoint.clone(), port(number)))).to_vec(),
            into: Vec::new(),
        },
    };
    let note = format!(
        "{} leads to kube-apiserver, and neither its port nor its Service is written: judged at 6443 \
         and at {number}; say where it listens with --api-server ADDRESS:PORT",
        end.label
    );
    (end.endpoints.iter().map(to).collect(), vec![note])
}
