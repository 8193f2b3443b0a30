//! What opens pods to the outside by an address and a port: load balancers, external addresses, ports of
//! nodes.
//!
//! In: a snapshot. Out: every [`Door`], and what leads to given pods.

use super::{Lead, all};
use crate::cluster::{Name, Opens, PodId, Port, Service, ServicePort, Snapshot, is_of_internet};
use crate::prose;
use foldhash::{HashMap, HashMapExt as _, HashSet};
use std::fmt;

/// What a door is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DoorKind {
    /// The load balancer of a Service.
    LoadBalancer,
    /// An address of `externalIPs`.
    ExternalIp,
    /// A port of every node.
    NodePort,
    /// A port of the pod's own node.
    HostPort,
}

/// A way in by an address and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// What it is.
    pub kind: DoorKind,
    /// The Service, by index; none of a `hostPort`.
    pub service: Option<usize>,
    /// The pods behind it.
    pub pods: Vec<PodId>,
    /// The port that the Service has for it; of a `hostPort` the pod's.
    pub port: Port,
    /// Where it is, such as `LoadBalancer shop/api (198.51.100.20:80)`.
    pub words: String,
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            DoorKind::LoadBalancer | DoorKind::ExternalIp => {
                write!(f, "any address via {}", self.words)
            }
            DoorKind::NodePort | DoorKind::HostPort => f.write_str(&self.words),
        }
    }
}

/// Every door.
///
/// Source: docs/semantics/services.md#external-ways and docs/semantics/entries.md#ports-of-nodes.
pub fn doors(snapshot: &Snapshot) -> Vec<Door> {
    let mut all = Vec::new();
    for (index, service) in snapshot.services.iter().enumerate() {
        for kind in kinds(service) {
            let pods = behind_service(snapshot, service);
            for port in &service.ports {
                let Some(words) = words(service, kind, port) else { continue };
                let pods = pods.clone();
                all.push(Door { kind, service: Some(index), pods, port: port.port, words });
            }
        }
    }
    for (id, pod) in snapshot.pods().iter().enumerate() {
        if pod.finished || pod.host_network {
            continue;
        }
        for declared in pod.ports.iter() {
            let Some(host) = declared.host_port else { continue };
            let words = format!("port {host} of the pod's node (hostPort)");
            let (kind, pods) = (DoorKind::HostPort, vec![id]);
            all.push(Door { kind, service: None, pods, port: declared.port, words });
        }
    }
    all
}

/// What leads to some of these pods from outside, in words.
pub fn behind(snapshot: &Snapshot, pods: &[PodId]) -> Vec<String> {
    let mut words = Vec::new();
    let mut add = |word: String| {
        if !words.contains(&word) {
            words.push(word);
        }
    };
    let mut last: Option<(Lead, bool)> = None;
    for lead in all(snapshot) {
        let Some(backend) = lead.backend(snapshot) else { continue };
        let found = last.filter(|(known, _)| known.backend(snapshot) == Some(backend));
        let leads = found.map_or_else(
            || {
                let mut services = snapshot.services.within(&backend.namespace);
                let service = services.find(|(_, it)| it.name == backend.service);
                service.is_some_and(|(_, it)| {
                    behind_service(snapshot, it).iter().any(|id| pods.contains(id))
                })
            },
            |(_, leads)| leads,
        );
        last = Some((lead, leads));
        if leads {
            add(lead.words(snapshot));
        }
    }
    for door in doors(snapshot) {
        if door.pods.iter().any(|id| pods.contains(id)) {
            add(door.words);
        }
    }
    words
}

/// The pods that a Service selects or that EndpointSlices list for it.
fn behind_service(snapshot: &Snapshot, service: &Service) -> Vec<PodId> {
    let there = |id: PodId| !snapshot.pod(id).finished && snapshot.representative(id).is_none();
    let pods = || snapshot.pods_in(&service.namespace).filter(|(id, _)| there(*id));
    let selected = pods().filter(|(_, pod)| service.selects(&pod.labels));
    let mut found: Vec<PodId> = selected.map(|(id, _)| id).collect();
    let slices = snapshot.endpoint_slices.within(&service.namespace);
    for endpoint in slices.filter(|(_, it)| it.is_of(service)).flat_map(|(_, it)| &it.endpoints) {
        let named = |name: &Name| pods().find(|(_, pod)| !pod.template && pod.name == *name);
        let named = endpoint.pod.as_ref().and_then(named).map(|(id, _)| id);
        let at = || endpoint.addresses.iter().find_map(|ip| snapshot.pod_at(*ip));
        found.extend(named.or_else(at).filter(|id| there(*id)));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Pods on the network of their node that have the same labels and ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnNodes {
    /// The pods.
    pub pods: Vec<PodId>,
    /// A node that they are on, or may be, has an address of the internet.
    pub public: bool,
}

/// The pods on the network of their node, which are reached by its address.
///
/// Source: docs/semantics/entries.md#pods-on-their-nodes-network.
pub fn on_nodes(snapshot: &Snapshot) -> Vec<OnNodes> {
    let public = snapshot.nodes.iter().filter(|node| {
        let mut ips = node.ips.iter();
        ips.any(|ip| is_of_internet(&(*ip).into()))
    });
    let public: HashSet<&Name> = public.map(|node| &node.name).collect();
    let mut all: Vec<OnNodes> = Vec::new();
    let mut known = HashMap::new();
    for (id, pod) in snapshot.pods().iter().enumerate() {
        if !pod.host_network || pod.finished || snapshot.representative(id).is_some() {
            continue;
        }
        // One that is not placed yet may come to any.
        let public = pod.node.as_ref().map_or(!public.is_empty(), |name| public.contains(name));
        let labels: Vec<(&str, &str)> = pod.labels.iter().collect();
        let key = (public, &pod.namespace, labels, &*pod.ports);
        let at = *known.entry(key).or_insert_with(|| {
            all.push(OnNodes { pods: Vec::new(), public });
            all.len() - 1
        });
        all[at].pods.push(id);
    }
    all
}

fn kinds(service: &Service) -> impl Iterator<Item = DoorKind> + use<> {
    let external = &service.external;
    let balanced = external.opens == Opens::LoadBalancer;
    let numbered = service.ports.iter().any(|port| port.node_port.is_some());
    let kinds = [
        (DoorKind::LoadBalancer, balanced),
        (DoorKind::ExternalIp, !external.ips.is_empty()),
        (DoorKind::NodePort, external.opens == Opens::NodePorts || (balanced && numbered)),
    ];
    kinds.into_iter().filter(|(_, there)| *there).map(|(kind, _)| kind)
}

/// Where a port of a Service is reached; `None` where it is not, by this kind.
fn words(service: &Service, kind: DoorKind, port: &ServicePort) -> Option<String> {
    let (namespace, name, number) = (&service.namespace, &service.name, port.port.number);
    let protocol = match port.port.protocol {
        crate::cluster::Protocol::Tcp => String::new(),
        other => format!("/{other}"),
    };
    let at = |addresses: Vec<String>| {
        let shown = match addresses.as_slice() {
            // Where nothing tells its address.
            [] => "port ".to_owned(),
            all => format!("{}:", prose::list(all, "and")),
        };
        format!("({shown}{number}{protocol})")
    };
    let external = &service.external;
    Some(match kind {
        DoorKind::LoadBalancer => {
            let ips = external.load_balancer.iter().map(|(ip, _)| ip.to_string());
            let all = ips.chain(external.names.iter().map(ToString::to_string)).collect();
            let filter = match external.source_ranges.as_slice() {
                [] => String::new(),
                ranges => {
                    let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
                    format!(", which lets in {} only", prose::list(&ranges, "and"))
                }
            };
            format!("LoadBalancer {namespace}/{name} {}{filter}", at(all))
        }
        DoorKind::ExternalIp => {
            let all = external.ips.iter().map(ToString::to_string).collect();
            format!("externalIPs of {namespace}/{name} {}", at(all))
        }
        DoorKind::NodePort => match (port.node_port, external.opens) {
            (Some(node), _) => format!("on every node:{node}{protocol} ({namespace}/{name})"),
            (None, Opens::NodePorts) => {
                format!("on every node, at a port that is not known ({namespace}/{name})")
            }
            (None, _) => return None,
        },
        DoorKind::HostPort => return None,
    })
}
