//! The ways into a cluster, from their wire form.
//!
//! In: `spec` and `status` of Services and Ingresses, subsets of Endpoints, where the API server is. Out:
//! what is kept of them.

use super::found::{Body, Found, slice_port};
use super::wire;
use crate::cluster::{
    Backend, BackendPort, EndpointSlice, ExternalWays, Ingress, Labels, Name, ObjectRef, Origin,
    Port, Protocol, Service, ServicePort, SliceEndpoint, TargetPort,
};
use crate::ends::API_SERVER;
use crate::kinds::Kind;
use std::net::IpAddr;

/// How a Service is reached from outside.
pub(super) fn external_ways(
    spec: &wire::ServiceSpec,
    balanced: Option<wire::LoadBalancer>,
) -> ExternalWays {
    let each = || spec.external_ips.iter().flatten();
    let mut ways = ExternalWays {
        ips: each().filter_map(|ip| ip.parse().ok()).collect(),
        local: spec.external_traffic_policy.as_deref() == Some("Local"),
        health_check_port: spec.health_check_node_port.filter(|port| *port != 0),
        ..ExternalWays::default()
    };
    let ranges = spec.load_balancer_source_ranges.iter().flatten();
    ways.source_ranges = ranges.filter_map(|range| range.trim().parse().ok()).collect();
    if spec.kind.as_deref() == Some("LoadBalancer") {
        for entry in balanced.and_then(|it| it.ingress).unwrap_or_default() {
            let proxies = entry.ip_mode.as_deref() == Some("Proxy");
            ways.load_balancer
                .extend(entry.ip.and_then(|ip| ip.parse().ok()).map(|ip| (ip, proxies)));
            ways.names.extend(entry.hostname.filter(|name| !name.is_empty()));
        }
    }
    ways
}

/// An Ingress.
pub(super) fn ingress(
    object: &ObjectRef,
    spec: wire::IngressSpec,
    balanced: Option<wire::LoadBalancer>,
) -> Ingress {
    let mut ingress = Ingress {
        object: object.clone(),
        backends: spec.default_backend.and_then(|it| backend(None, it)).into_iter().collect(),
        addresses: Vec::new(),
        names: Vec::new(),
    };
    for rule in spec.rules.unwrap_or_default() {
        let host = rule.host.filter(|host| !host.is_empty());
        let paths = rule.http.and_then(|http| http.paths).unwrap_or_default();
        let backends = paths.into_iter().filter_map(|path| path.backend);
        ingress.backends.extend(backends.filter_map(|it| backend(host.as_ref(), it)));
    }
    for entry in balanced.and_then(|it| it.ingress).unwrap_or_default() {
        ingress.addresses.extend(entry.ip.and_then(|ip| ip.parse::<IpAddr>().ok()));
        ingress.names.extend(entry.hostname.filter(|name| !name.is_empty()));
    }
    ingress
}

fn backend(host: Option<&Name>, written: wire::IngressBackend) -> Option<Backend> {
    let wire::IngressService { name, port } = written.service?;
    let wire::IngressPort { name: port_name, number } = port.unwrap_or_default();
    let port = match (number, port_name) {
        (Some(number), _) => BackendPort::Number(number),
        (None, Some(name)) => BackendPort::Name(name),
        (None, None) => return None,
    };
    Some(Backend { host: host.cloned(), service: name?, port })
}

/// A subset of an Endpoints object as the slice that it would be.
///
/// Source: docs/semantics/services.md#endpoints.
pub(super) fn slice(object: &ObjectRef, subset: wire::EndpointSubset) -> EndpointSlice {
    let endpoint = |written: wire::EndpointAddress, ready| {
        let target = written.target_ref.filter(|target| target.kind.as_deref() == Some("Pod"));
        SliceEndpoint {
            addresses: written.ip.iter().filter_map(|ip| ip.parse().ok()).collect(),
            pod: target.and_then(|target| target.name),
            ready,
        }
    };
    let ready = subset.addresses.unwrap_or_default().into_iter().map(|it| endpoint(it, true));
    let waiting = subset.not_ready_addresses.unwrap_or_default();
    let waiting = waiting.into_iter().map(|it| endpoint(it, false));
    EndpointSlice {
        namespace: object.namespace.clone().unwrap_or_default(),
        service: object.name.clone(),
        ports: subset.ports.unwrap_or_default().into_iter().map(slice_port).collect(),
        endpoints: ready.chain(waiting).collect(),
    }
}

/// The API server's one endpoint, and its Service as an API server writes it.
///
/// Source: docs/semantics/services.md#the-api-server.
pub(super) fn api_server(ip: IpAddr, number: u16) -> [Found; 2] {
    let (namespace, name) = (Name::from(API_SERVER.0), Name::from(API_SERVER.1));
    let protocol = Protocol::Tcp;
    let port_name = Some(Name::from("https"));
    let slice = EndpointSlice {
        namespace: namespace.clone(),
        service: name.clone(),
        ports: vec![(port_name.clone(), Some(number), protocol)],
        endpoints: vec![SliceEndpoint { addresses: vec![ip], pod: None, ready: true }],
    };
    let service = Service {
        namespace: namespace.clone(),
        name: name.clone(),
        labels: Labels::default(),
        selector: None,
        ports: vec![ServicePort {
            name: port_name,
            port: Port { protocol, number: 443 },
            target: TargetPort::Number(number),
            node_port: None,
        }],
        headless: false,
        cluster_ips: Vec::new(),
        external_name: None,
        publish_not_ready: false,
        external: ExternalWays::default(),
        origin: Origin::Synthetic,
    };
    let object = |kind: Kind| ObjectRef::namespaced(kind.name(), namespace.clone(), name.clone());
    [
        Found { object: object(Kind::EndpointSlice), body: Body::EndpointSlice(slice) },
        Found { object: object(Kind::Service), body: Body::Service(Box::new(service)) },
    ]
}
