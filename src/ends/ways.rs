//! The ways into a cluster that addresses and names outside are.
//!
//! In: an address or a host name. Out: every [`Way`] that begins there. What is behind each is for
//! [`destination`](super::destination) to follow.

use super::{Endpoint, Unseen};
use crate::cluster::{Name, Port, Service, Snapshot};
use crate::entry::{self, Lead, Takes};
use std::net::IpAddr;

/// A way into the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By the load balancer of a Service.
    LoadBalancer {
        /// The Service, by index.
        service: usize,
        /// Nodes leave it to the load balancer to pass traffic on.
        proxies: bool,
    },
    /// By one of a Service's `externalIPs`.
    ExternalIp {
        /// The Service, by index.
        service: usize,
    },
    /// By an Ingress, a Route or a Gateway.
    Route {
        /// Where it leads.
        lead: Lead,
        /// Whether its rule is for the path.
        takes: Takes,
    },
    /// By the Service of the API server, which is not written.
    ApiServer,
    /// By what the API server calls.
    Call {
        /// The call, by index.
        call: usize,
    },
}

impl Way {
    /// The Service that it is of; `None` of a route.
    pub fn service(self) -> Option<usize> {
        match self {
            Self::LoadBalancer { service, .. } | Self::ExternalIp { service } => Some(service),
            Self::Route { .. } | Self::ApiServer | Self::Call { .. } => None,
        }
    }
}

/// The ways that begin at an address.
///
/// Source: docs/semantics/services.md#external-ways.
pub(super) fn at(snapshot: &Snapshot, ip: IpAddr) -> Vec<Way> {
    let of_service = |(service, it): (usize, &Service)| {
        let external = it.external.ips.contains(&ip).then_some(Way::ExternalIp { service });
        external.or_else(|| {
            let (_, proxies) = it.external.load_balancer.iter().find(|(own, _)| *own == ip)?;
            Some(Way::LoadBalancer { service, proxies: *proxies })
        })
    };
    let ways: Vec<Way> = snapshot.services.iter().enumerate().filter_map(of_service).collect();
    // The address of a route is that of its controller's Service, where the cluster has one.
    if ways.is_empty() { led(entry::at_address(snapshot, Some(ip), None)) } else { ways }
}

/// The ways that begin at a host name, and on it a path.
///
/// Source: docs/semantics/services.md#external-ways and docs/semantics/entries.md.
pub(super) fn named(snapshot: &Snapshot, host: &str, path: Option<&str>) -> Vec<Way> {
    let is = |name: &Name| name.eq_ignore_ascii_case(host);
    let services = snapshot.services.iter().enumerate();
    let balanced = services.filter(|(_, it)| it.external.names.iter().any(is));
    let ways: Vec<Way> =
        balanced.map(|(service, _)| Way::LoadBalancer { service, proxies: true }).collect();
    if !ways.is_empty() {
        return ways;
    }
    let found = entry::at_host(snapshot, host, path);
    if found.is_empty() {
        return led(entry::at_address(snapshot, None, Some(host)));
    }
    found.into_iter().map(|(lead, takes)| Way::Route { lead, takes }).collect()
}

fn led(leads: Vec<Lead>) -> Vec<Way> {
    leads.into_iter().map(|lead| Way::Route { lead, takes: Takes::Yes }).collect()
}

/// The ends that the API server is: at its addresses, where they are known.
///
/// Source: docs/semantics/services.md#the-api-server.
pub(super) fn api_server(snapshot: &Snapshot) -> Vec<Endpoint> {
    let Some(known) = snapshot.api_server() else {
        return vec![Endpoint::Unseen(Unseen::ApiServer)];
    };
    known.into_iter().map(|ip| whose(snapshot, ip)).collect()
}

/// What an address of an endpoint is: a pod, a node or outside.
///
/// Source: docs/semantics/services.md#endpoints.
pub(super) fn whose(snapshot: &Snapshot, ip: IpAddr) -> Endpoint {
    if let Some(id) = snapshot.pod_at(ip) {
        return Endpoint::Pod(id);
    }
    let node = snapshot.nodes.iter().position(|node| node.ips.contains(&ip));
    node.map_or(Endpoint::Address(ip), |node| Endpoint::NodeAddress(node, ip))
}

/// How policies may see a flow that comes by another way than straight to the pod: each list has all that
/// is possible, and without any it is as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seen {
    /// Where it is sent to, and its port there, as policies of the sender see it; `None`: to the pod.
    pub out: Vec<Option<(Endpoint, Port)>>,
    /// Who sends it, as policies of the pod see it; `None`: who does.
    pub into: Vec<Option<Endpoint>>,
}

impl Seen {
    /// By an address that nodes translate.
    ///
    /// Source: docs/semantics/services.md#who-the-sender-is.
    pub(super) fn translated(service: &Service) -> Self {
        let node = (!service.external.local).then_some(Endpoint::Unseen(Unseen::AnotherNode));
        let into = std::iter::once(None).chain(node.map(Some)).collect();
        Self { out: vec![None], into }
    }

    /// By a port of a node, which the sender's own node may not translate.
    ///
    /// Source: docs/semantics/services.md#node-ports.
    pub(super) fn by_node_port(service: &Service, node: &Endpoint, port: Port) -> Self {
        Self { out: vec![None, Some((node.clone(), port))], ..Self::translated(service) }
    }

    /// By a load balancer that passes traffic on.
    ///
    /// Source: docs/semantics/services.md#who-the-sender-is.
    pub(super) fn balanced(balancer: &Endpoint, port: Port) -> Self {
        let node = Endpoint::Unseen(Unseen::AnotherNode);
        Self {
            out: vec![Some((balancer.clone(), port))],
            into: vec![None, Some(node), Some(balancer.clone())],
        }
    }
}
