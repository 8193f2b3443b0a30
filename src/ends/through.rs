//! Ways into the cluster, followed to the pods behind them.
//!
//! In: an end that is such a way, or a node, and the port wanted. Out: every [`Arrival`] with how
//! policies may see it, and what is to be told of the way.

use super::Endpoint;
use super::destination::{Arrival, behind};
use super::name::{PortText, PortWanted};
use super::resolve::{ResolveError, Resolved, service_end};
use super::ways::{Seen, Way};
use crate::cluster::{BackendPort, Port, Protocol, Service, ServicePort, Snapshot};

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
            Way::Ingress { ingress, backend } => {
                Ok(by_ingress(snapshot, end, (ingress, backend), wanted))
            }
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
    notes.insert(0, format!("{} is {what} {}: judged at its pods", end.label, pods.label));
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

/// By an Ingress, whose controller passes on what it takes.
fn by_ingress(
    snapshot: &Snapshot,
    end: &Resolved,
    (ingress, backend): (usize, usize),
    wanted: Option<&PortWanted>,
) -> Arrivals {
    let (Some(ingress), Some(name)) = (snapshot.ingresses.get(ingress), end.endpoints.first())
    else {
        return Arrivals::default();
    };
    let Some(to) = ingress.backends.get(backend) else { return Arrivals::default() };
    let namespace = ingress.object.namespace.as_deref().unwrap_or_default();
    let object = format!("{namespace}/ingress/{}", ingress.object.name);
    let label = format!("{namespace}/svc/{}", to.service);
    let first = format!(
        "{} is a host of {object}, which leads to {label}: judged at its pods, from the Ingress \
         controller, wherever that is; the way to the controller is not judged yet",
        super::names::endpoint(snapshot, name)
    );
    let services = snapshot.services.within(namespace);
    let found = services.into_iter().find(|(_, service)| service.name == to.service);
    let Some((index, service)) = found else {
        return (Vec::new(), vec![first, format!("{label} is not there: {object} leads nowhere")]);
    };
    let inner = PortWanted {
        port: match &to.port {
            BackendPort::Number(number) => PortText::Number(*number),
            BackendPort::Name(name) => PortText::Name(name.to_string()),
        },
        protocol: None,
    };
    let pods = service_end(snapshot, index);
    let number = match wanted.map(|wanted| &wanted.port) {
        Some(PortText::Number(number)) => *number,
        _ => 443,
    };
    let dialled = Port { protocol: Protocol::Tcp, number };
    match behind(snapshot, &pods, service, Some(&inner)) {
        Ok((mut arrivals, mut notes)) => {
            notes.insert(0, first);
            notes.extend(pods.notes);
            for arrival in &mut arrivals {
                arrival.dialled = Some(dialled);
                arrival.seen = Seen::by_controller(dialled);
            }
            (arrivals, notes)
        }
        Err(error) => (Vec::new(), vec![first, error.to_string()]),
    }
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
