//! Where a flow arrives: a Service's ports and endpoints, or the port that was asked for.
//!
//! In: the destination as resolved and the port wanted. Out: every [`Arrival`], after translation by
//! a Service, since policies judge what arrives (docs/semantics/services.md#expansion).

use super::name::{PortText, PortWanted};
use super::resolve::external;
use super::resolved::{ResolveError, Resolved};
use super::through;
use super::ways::{Seen, whose};
use super::{API_SERVER, Endpoint, Unseen};
use crate::cluster::{Name, Port, Protocol, Service, ServicePort, Snapshot, TargetPort};
use std::net::IpAddr;

/// One endpoint that a flow may arrive at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) endpoint: Endpoint,
    /// The port there; `None` asks for every port.
    pub(crate) port: Option<Port>,
    /// The Service port that was dialled, if one was.
    pub(crate) dialled: Option<Port>,
    /// How policies may see it.
    pub(crate) seen: Seen,
}

/// The endpoints behind a destination, with the ports that a flow to it arrives at; `None` where it
/// was named without a port and has none of its own.
pub fn reached(
    snapshot: &Snapshot,
    end: &Resolved,
    wanted: Option<&PortWanted>,
) -> Result<Vec<(Endpoint, Option<Port>)>, ResolveError> {
    let (arrivals, _) = arrivals(snapshot, end, wanted)?;
    Ok(arrivals.into_iter().map(|arrival| (arrival.endpoint, arrival.port)).collect())
}

/// Names that stand for names: more than this is a circle.
const MOST_ALIASES: usize = 8;

/// Every arrival, and what the reader should know of the translation.
pub(crate) fn arrivals(
    snapshot: &Snapshot,
    end: &Resolved,
    wanted: Option<&PortWanted>,
) -> Result<(Vec<Arrival>, Vec<String>), ResolveError> {
    follow(snapshot, end, wanted, MOST_ALIASES)
}

/// A Service of type `ExternalName` stands for a name, which may be such a Service again.
fn follow(
    snapshot: &Snapshot,
    end: &Resolved,
    wanted: Option<&PortWanted>,
    aliases_left: usize,
) -> Result<(Vec<Arrival>, Vec<String>), ResolveError> {
    let Some(index) = end.service else {
        if let Some(through) = through::arrivals(snapshot, end, wanted)? {
            return Ok(through);
        }
        return Ok((direct(snapshot, end, wanted)?, Vec::new()));
    };
    let service = &snapshot.services[index];
    let Some(name) = &service.external_name else {
        return behind(snapshot, end, service, wanted);
    };
    if aliases_left == 0 {
        return Err(ResolveError::Circle(end.label.clone()));
    }
    let target = external(snapshot, name)?;
    let mut notes = vec![format!("{} is of type ExternalName: it stands for {name}", end.label)];
    notes.extend(target.notes.iter().cloned());
    let (arrivals, more) = follow(snapshot, &target, wanted, aliases_left - 1)?;
    notes.extend(more);
    Ok((arrivals, notes))
}

/// Without a Service the port asked for is the port that arrives.
pub(super) fn direct(
    snapshot: &Snapshot,
    end: &Resolved,
    wanted: Option<&PortWanted>,
) -> Result<Vec<Arrival>, ResolveError> {
    let to = |endpoint: &Endpoint, port| Arrival {
        endpoint: endpoint.clone(),
        port,
        dialled: None,
        seen: Seen::default(),
    };
    let Some(wanted) = wanted else {
        return Ok(end.endpoints.iter().map(|endpoint| to(endpoint, None)).collect());
    };
    let name = match &wanted.port {
        PortText::Number(number) => {
            let protocol = wanted.protocol.unwrap_or(Protocol::Tcp);
            let port = Some(Port { protocol, number: *number });
            return Ok(end.endpoints.iter().map(|endpoint| to(endpoint, port)).collect());
        }
        PortText::Name(name) => name,
    };
    let mut arrivals = Vec::new();
    let mut known = Vec::new();
    for endpoint in &end.endpoints {
        let Endpoint::Pod(id) = endpoint else { continue };
        if snapshot.representative(*id).is_some() {
            let (pod, name) = (end.label.clone(), name.clone());
            return Err(ResolveError::PortNameUnknown { pod, name });
        }
        for declared in snapshot.pod(*id).ports.iter() {
            let Some(declared_name) = &declared.name else { continue };
            if **declared_name == **name
                && wanted.protocol.is_none_or(|protocol| protocol == declared.port.protocol)
            {
                arrivals.push(to(endpoint, Some(declared.port)));
            }
            known.push(format!("{declared_name} ({})", declared.port));
        }
    }
    if arrivals.is_empty() {
        known.sort();
        known.dedup();
        let (pod, name) = (end.label.clone(), name.clone());
        return Err(ResolveError::NoPortName { pod, name, known });
    }
    Ok(arrivals)
}

/// Every arrival at the pods of a Service that is no alias.
pub(super) fn behind(
    snapshot: &Snapshot,
    end: &Resolved,
    service: &Service,
    wanted: Option<&PortWanted>,
) -> Result<(Vec<Arrival>, Vec<String>), ResolveError> {
    Expansion { snapshot, end, service, notes: Vec::new() }.run(wanted)
}

struct Expansion<'a> {
    snapshot: &'a Snapshot,
    end: &'a Resolved,
    service: &'a Service,
    notes: Vec<String>,
}

impl<'a> Expansion<'a> {
    fn run(
        mut self,
        wanted: Option<&PortWanted>,
    ) -> Result<(Vec<Arrival>, Vec<String>), ResolveError> {
        if self.service.headless {
            return self.headless(wanted);
        }
        let mut arrivals = Vec::new();
        for port in self.ports(wanted)? {
            arrivals.extend(self.translated(port));
        }
        if arrivals.is_empty() {
            self.notes.push(format!(
                "{} has no endpoint here: what is behind it is not known",
                self.end.label
            ));
        }
        self.remark_translation(&arrivals);
        Ok((arrivals, self.notes))
    }

    /// A headless Service is a list of addresses: clients dial the pods, so no port is translated.
    fn headless(
        mut self,
        wanted: Option<&PortWanted>,
    ) -> Result<(Vec<Arrival>, Vec<String>), ResolveError> {
        let label = &self.end.label;
        self.notes
            .push(format!("{label} is headless: clients dial its pods, no port is translated"));
        let mut endpoints = self.end.endpoints.clone();
        if self.service.selector.is_none() {
            endpoints.clear();
        }
        for (endpoint, ..) in self.written_out() {
            if !endpoints.contains(&endpoint) {
                endpoints.push(endpoint);
            }
        }
        if self.service.selector.is_none() {
            endpoints.sort();
        }
        let end = Resolved { service: None, endpoints, ..self.end.clone() };
        if end.endpoints.is_empty() {
            self.notes
                .push(format!("{label} has no endpoint here: what is behind it is not known"));
        }
        let by_name = wanted.is_some_and(|wanted| matches!(wanted.port, PortText::Name(_)));
        // One without ports is a list of pods alone.
        let portless = wanted.is_none() && self.service.ports.is_empty();
        if portless || (wanted.is_some() && !by_name) {
            return Ok((direct(self.snapshot, &end, wanted)?, self.notes));
        }
        let mut arrivals = Vec::new();
        for service_port in self.ports(wanted)? {
            let numbered = PortWanted {
                port: PortText::Number(service_port.port.number),
                protocol: Some(service_port.port.protocol),
            };
            arrivals.extend(direct(self.snapshot, &end, Some(&numbered))?);
        }
        Ok((arrivals, self.notes))
    }

    /// The Service's ports that were asked for; all of them without a word on ports.
    fn ports(&self, wanted: Option<&PortWanted>) -> Result<Vec<&'a ServicePort>, ResolveError> {
        let matches = |port: &&ServicePort| {
            wanted.is_none_or(|wanted| {
                wanted.protocol.unwrap_or(port.port.protocol) == port.port.protocol
                    && match &wanted.port {
                        PortText::Number(number) => *number == port.port.number,
                        PortText::Name(name) => port.name.as_deref() == Some(name),
                    }
            })
        };
        let ports: Vec<_> = self.service.ports.iter().filter(matches).collect();
        let Some(wanted) = wanted.filter(|_| ports.is_empty()) else {
            return Ok(ports);
        };
        let known = self.service.ports.iter().map(|port| {
            let name = port.name.as_deref().map_or(String::new(), |name| format!(" ({name})"));
            let target = match &port.target {
                TargetPort::Number(number) => number.to_string(),
                TargetPort::Name(name) => name.to_string(),
            };
            format!("{}{name} → {target}", port.port)
        });
        Err(ResolveError::NoServicePort {
            service: self.end.label.clone(),
            port: wanted.to_string(),
            known: known.collect(),
        })
    }

    fn translated(&mut self, port: &ServicePort) -> Vec<Arrival> {
        let dialled = Some(port.port);
        if self.service.selector.is_none() {
            let written = self.written_out();
            let api_server = (&*self.service.namespace, &*self.service.name);
            if written.is_empty() && api_server == API_SERVER {
                let number = match port.target {
                    TargetPort::Number(number) => number,
                    TargetPort::Name(_) => port.port.number,
                };
                self.notes.push(format!(
                    "the addresses of {} are not known: give one with --api-server",
                    Unseen::ApiServer.as_str()
                ));
                return vec![Arrival {
                    endpoint: Endpoint::Unseen(Unseen::ApiServer),
                    port: Some(Port { protocol: port.port.protocol, number }),
                    dialled,
                    seen: Seen::default(),
                }];
            }
            return Self::listed(written, port).collect();
        }
        let mut arrivals = Vec::new();
        for endpoint in &self.end.endpoints {
            let Endpoint::Pod(id) = endpoint else { continue };
            let pod = self.snapshot.pod(*id);
            let protocol = port.port.protocol;
            let numbers = match &port.target {
                TargetPort::Number(number) => vec![*number],
                TargetPort::Name(name) => pod.named_ports(name, protocol).take(1).collect(),
            };
            if let (TargetPort::Name(name), true) = (&port.target, numbers.is_empty()) {
                let object = pod.object();
                self.notes.push(format!(
                    "no container of {object} calls a {protocol} port {name:?}: \
                     port {} of {} does not lead to it",
                    port.port, self.end.label
                ));
            }
            arrivals.extend(numbers.into_iter().map(|number| Arrival {
                endpoint: endpoint.clone(),
                port: Some(Port { protocol, number }),
                dialled,
                seen: Seen::default(),
            }));
        }
        // Whoever writes slices of it adds to its pods.
        for listed in Self::listed(self.written_out(), port) {
            if !arrivals.contains(&listed) {
                arrivals.push(listed);
            }
        }
        arrivals
    }

    /// What is listed for a port of the Service.
    fn listed(
        written: Vec<(Endpoint, Option<Name>, Option<Port>)>,
        port: &ServicePort,
    ) -> impl Iterator<Item = Arrival> {
        let of_port = written.into_iter().filter(|(_, name, _)| *name == port.name);
        let spoken =
            of_port.filter(|(.., target)| target.is_none_or(|t| t.protocol == port.port.protocol));
        spoken.map(|(endpoint, _, target)| Arrival {
            endpoint,
            port: Some(target.unwrap_or(port.port)),
            dialled: Some(port.port),
            seen: Seen::default(),
        })
    }

    /// Endpoints that EndpointSlices list, with port name and port; no port means the Service's own.
    fn written_out(&self) -> Vec<(Endpoint, Option<Name>, Option<Port>)> {
        let slices = self.snapshot.endpoint_slices.within(&self.service.namespace);
        let slices = slices.map(|(_, slice)| slice);
        let slices = slices.filter(|slice| slice.is_of(self.service));
        let mut found = Vec::new();
        for slice in slices {
            for endpoint in slice.endpoints.iter().filter(|endpoint| endpoint.ready) {
                let Some(address) = endpoint.addresses.first() else { continue };
                let at = self.endpoint(*address, endpoint.pod.as_deref());
                for (name, number, protocol) in &slice.ports {
                    let port = number.map(|number| Port { protocol: *protocol, number });
                    // Endpoints and the slices that mirror them say the same.
                    let one = (at.clone(), name.clone(), port);
                    if !found.contains(&one) {
                        found.push(one);
                    }
                }
            }
        }
        found
    }

    fn endpoint(&self, address: IpAddr, pod: Option<&str>) -> Endpoint {
        let in_namespace = self.snapshot.pods_in(&self.service.namespace);
        let named = in_namespace.filter(|(_, p)| !p.template).find(|(_, p)| pod == Some(&*p.name));
        let named = named.map(|(id, _)| id);
        named.map_or_else(|| whose(self.snapshot, address), Endpoint::Pod)
    }

    fn remark_translation(&mut self, arrivals: &[Arrival]) {
        let mut seen = Vec::new();
        for arrival in arrivals {
            let (Some(dialled), Some(port)) = (arrival.dialled, arrival.port) else { continue };
            if dialled == port || seen.contains(&(dialled, port)) {
                continue;
            }
            seen.push((dialled, port));
            let place = match arrival.endpoint {
                Endpoint::Pod(_) => "on its pods",
                _ => "behind it",
            };
            self.notes.push(format!(
                "{} port {} is port {} {place}, which is what policies judge",
                self.end.label, dialled.number, port.number
            ));
        }
    }
}
