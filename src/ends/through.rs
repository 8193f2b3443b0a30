//! Ways into the cluster, followed to the pods behind them.
//!
//! In: an end that is such a way, or a node, and the port wanted. Out: every [`Arrival`] with how
//! policies may see it, and what is to be told of the way.

use super::destination::{self, Arrival, behind};
use super::name::{EndName, PortText, PortWanted};
use super::resolve::resolve;
use super::resolved::{ResolveError, Resolved, called_end, service_end};
use super::ways::{Seen, Way};
use super::{Endpoint, Unseen, called, names};
use crate::cluster::{
    BackendPort, Callee, ContainerPort, Name, Opens, PodId, Port, Protocol, Service, ServicePort,
    Snapshot, TargetPort,
};
use crate::entry::{Lead, is_of_ingress_nginx};

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
            Way::Call { call } => by_call(snapshot, call),
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
        let by_port = by_port.or_else(|| by_host_port(snapshot, end, node, wanted));
        let health = wanted.and_then(|wanted| health_check(snapshot, wanted));
        if let (None, true, Some(note)) = (&by_port, found.0.is_empty(), health) {
            let arrivals = destination::direct(snapshot, end, wanted)?;
            return Ok(Some((arrivals, vec![note])));
        }
        // Another port of a node is the node's own.
        let whole = wanted.is_none() || found.0.is_empty();
        return Ok(by_port.or_else(|| (!whole).then_some(found)));
    }
    match refused {
        Some(error) if found.0.is_empty() && found.1.is_empty() => Err(error),
        _ => Ok(Some(found)),
    }
}

/// What is said of a port at which nodes tell load balancers whether they have pods of a Service.
///
/// Source: docs/semantics/services.md#node-ports.
fn health_check(snapshot: &Snapshot, wanted: &PortWanted) -> Option<String> {
    let PortText::Number(number) = wanted.port else { return None };
    if wanted.protocol.is_some_and(|protocol| protocol != Protocol::Tcp) {
        return None;
    }
    let mut services = snapshot.services.iter();
    let service = services.find(|it| it.external.health_check_port == Some(number))?;
    let (namespace, name) = (&service.namespace, &service.name);
    Some(format!(
        "port {number} of every node is the healthCheckNodePort of {namespace}/svc/{name}: the node \
         itself answers there, and no pod"
    ))
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
    let Port { protocol, number } = numbered(wanted)?;
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

/// By a port of a node that leads to a pod on it, who sees the sender; `None` where none does.
///
/// Source: docs/semantics/entries.md#ports-of-nodes.
fn by_host_port(
    snapshot: &Snapshot,
    end: &Resolved,
    node: &Endpoint,
    wanted: Option<&PortWanted>,
) -> Option<Arrivals> {
    let dialled = numbered(wanted)?;
    let pods = with_host_port(snapshot, node, dialled);
    if pods.is_empty() {
        return None;
    }
    let ends: Vec<Endpoint> = pods.iter().map(|found| Endpoint::Pod(found.pod)).collect();
    let (number, at, to) = (dialled.number, &end.label, names::endpoints(snapshot, &ends));
    let mut arrivals = Vec::new();
    let judged = if pods.iter().any(|found| found.placed) {
        format!("port {number} of {at} is a hostPort of {to}: judged there")
    } else {
        arrivals.extend(destination::direct(snapshot, end, wanted).ok()?);
        format!(
            "port {number} of {at} leads to {to} where that is on this node (hostPort), else to the node \
             itself: judged at both"
        )
    };
    arrivals.extend(pods.iter().map(|found| Arrival {
        endpoint: Endpoint::Pod(found.pod),
        port: Some(found.port),
        dialled: Some(dialled),
        seen: Seen { out: vec![None, Some((node.clone(), dialled))], into: Vec::new() },
    }));
    Some((arrivals, vec![judged]))
}

/// A pod with a `hostPort`.
struct WithHostPort {
    pod: PodId,
    port: Port,
    /// It is on the node.
    placed: bool,
}

/// The pods that have a port of a node; those that are not placed yet only where no other has it.
fn with_host_port(snapshot: &Snapshot, node: &Endpoint, port: Port) -> Vec<WithHostPort> {
    let Some(node) = node.node().and_then(|at| snapshot.nodes.get(at)) else { return Vec::new() };
    let pods = snapshot.pods().iter().enumerate().filter(|(id, pod)| {
        let there = pod.node.as_ref().is_none_or(|name| *name == node.name);
        there && !pod.finished && !pod.host_network && snapshot.representative(*id).is_none()
    });
    let mut found: Vec<WithHostPort> = pods
        .filter_map(|(pod, of)| {
            let is = |it: &&ContainerPort| {
                it.host_port == Some(port.number) && it.port.protocol == port.protocol
            };
            let port = of.ports.iter().find(is)?.port;
            Some(WithHostPort { pod, port, placed: of.node.is_some() })
        })
        .collect();
    if found.iter().any(|it| it.placed) {
        found.retain(|it| it.placed);
    }
    found
}

fn numbered(wanted: Option<&PortWanted>) -> Option<Port> {
    let PortText::Number(number) = wanted?.port else { return None };
    Some(Port { protocol: wanted?.protocol.unwrap_or(Protocol::Tcp), number })
}

/// Whether a port of a node is a pod's if that comes to be there.
pub(crate) fn may_be_a_pods(
    snapshot: &Snapshot,
    end: &Resolved,
    wanted: Option<&PortWanted>,
) -> bool {
    let node = end.endpoints.iter().find(|endpoint| endpoint.node().is_some());
    let Some((node, port)) = node.zip(numbered(wanted)) else { return false };
    by_node_port(snapshot, node, wanted).is_none()
        && with_host_port(snapshot, node, port).iter().any(|found| !found.placed)
}

/// A Service that is asked for from outside, as what leads there, with how that is said; `None` where it is
/// none, or nothing of it is open to the outside.
///
/// Source: docs/semantics/services.md#from-outside.
pub(crate) fn as_from_outside(
    snapshot: &Snapshot,
    source: &Resolved,
    destination: &Resolved,
) -> Option<(Resolved, String)> {
    let outside = |end: &Endpoint| match end {
        Endpoint::Address(ip) => !snapshot.pod_cidrs.iter().any(|net| net.contains(ip)),
        Endpoint::Name(_) => true,
        _ => false,
    };
    let service = destination.service?;
    let external = &snapshot.services.get(service)?.external;
    if source.endpoints.is_empty() || !source.endpoints.iter().all(outside) {
        return None;
    }
    let (way, at, by) = match external.opens {
        Opens::LoadBalancer => {
            let known = external.load_balancer.first().map(|(ip, _)| Endpoint::Address(*ip));
            let name = || external.names.first().map(|name| Endpoint::Name(name.clone()));
            let at = known.or_else(name).unwrap_or(Endpoint::Unseen(Unseen::Balancer));
            // One that is not known may take traffic itself.
            let proxies = external.load_balancer.is_empty()
                || !external.names.is_empty()
                || external.load_balancer.iter().any(|(_, proxies)| *proxies);
            (Way::LoadBalancer { service, proxies }, at, "its load balancer")
        }
        Opens::Nothing if external.ips.is_empty() => return None,
        opens => {
            let at = external.ips.first().map(|ip| Endpoint::Address(*ip));
            let by =
                if opens == Opens::Nothing { "its external addresses" } else { "ports of nodes" };
            (Way::ExternalIp { service }, at.unwrap_or(Endpoint::Unseen(Unseen::AnotherNode)), by)
        }
    };
    let end = Resolved {
        service: None,
        endpoints: vec![at],
        ways: vec![way],
        notes: Vec::new(),
        ..destination.clone()
    };
    let label = &destination.label;
    let note = format!("From outside {label} is reached by {by}: judged as what comes that way");
    Some((end, note))
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
    let Some(backend) = lead.backend(snapshot) else { return Err(lead.answers_itself(snapshot)) };
    if !backend.is_service() {
        let (kind, namespace, name) = (&backend.kind, &backend.namespace, &backend.service);
        return Err(format!("{by} leads to {kind} {namespace}/{name}, which is not followed here"));
    }
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
        if let (Some(alias), Some(BackendPort::Number(number))) =
            (&service.external_name, &backend.port)
        {
            // Source: docs/semantics/entries.md#external-names.
            if !is_of_ingress_nginx(snapshot, lead) {
                return Err(format!(
                    "{label} stands for {alias} and has no port {number}: whether {by} leads there, its \
                     controller decides"
                ));
            }
            let port = PortText::Number(*number);
            let wanted = PortWanted { port, protocol: Some(Protocol::Tcp) };
            return Ok((service_end(snapshot, index), wanted));
        }
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

/// What is behind a call.
fn by_call(snapshot: &Snapshot, call: usize) -> Result<Arrivals, ResolveError> {
    let Some(call) = snapshot.calls.all.get(call) else { return Ok(Arrivals::default()) };
    let by = called::label(call);
    let (target, wanted) = match &call.to {
        Callee::Service { namespace, name, port } => {
            let label = format!("{namespace}/svc/{name}");
            let Some(index) = called::service(snapshot, namespace, name) else {
                let note =
                    format!("{by} calls {label}, which is not here: where it leads is not known");
                return Ok((Vec::new(), vec![note]));
            };
            let port = PortText::Number(*port);
            let wanted = PortWanted { port, protocol: Some(Protocol::Tcp) };
            (called_end(snapshot, index), Some(wanted))
        }
        Callee::Url(url) => match url.parse::<EndName>() {
            // The API server's resolver has no search list of a pod.
            Ok(name) => (resolve(snapshot, &name, "")?, name.port),
            Err(error) => return Ok((Vec::new(), vec![format!("{by}: {error}")])),
        },
    };
    let (mut arrivals, mut notes) = match destination::arrivals(snapshot, &target, wanted.as_ref())
    {
        Ok(found) => found,
        Err(error) => (Vec::new(), vec![format!("{by} leads nowhere: {error}")]),
    };
    let at = wanted.as_ref().map_or(String::new(), |wanted| match &wanted.port {
        PortText::Number(number) => format!(" port {number}"),
        PortText::Name(name) => format!(" port {name}"),
    });
    notes.insert(0, format!("{by} is called at {}{at}", target.label));
    notes.extend(target.notes.iter().cloned());
    let agents = tunnels(snapshot);
    if !agents.is_empty() && !arrivals.is_empty() {
        notes.push(format!(
            "{} may come through the pods of konnectivity-agent, which are here: policies then see \
             these in its place",
            Unseen::ApiServer.as_str()
        ));
        for arrival in &mut arrivals {
            arrival.seen.into = std::iter::once(None)
                .chain(agents.iter().map(|id| Some(Endpoint::Pod(*id))))
                .collect();
        }
    }
    Ok((arrivals, notes))
}

/// Agents through which the API server may reach what is in the cluster: one of each workload.
///
/// Source: docs/semantics/system.md#konnectivity.
fn tunnels(snapshot: &Snapshot) -> Vec<PodId> {
    const AGENT: (&str, &str) = ("k8s-app", "konnectivity-agent");
    let mut owners: Vec<(Name, Option<usize>)> = Vec::new();
    let pods = snapshot.pods_in("kube-system");
    let agents = pods.filter(|(id, pod)| {
        let there = !pod.finished && !pod.host_network && snapshot.representative(*id).is_none();
        there && pod.labels.get(AGENT.0) == Some(AGENT.1)
    });
    let first = agents.filter(|(_, pod)| {
        let key = (pod.namespace.clone(), pod.owner);
        let new = !owners.contains(&key);
        owners.push(key);
        new
    });
    first.map(|(id, _)| id).collect()
}
