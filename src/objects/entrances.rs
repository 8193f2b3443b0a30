//! The ways into a cluster, from their wire form.
//!
//! In: `spec` and `status` of Services and Ingresses, subsets of Endpoints, where the API server is. Out:
//! what is kept of them.

use super::found::{Body, Found, slice_port};
use super::wire;
use crate::cluster::{
    Backend, BackendPort, EndpointSlice, ExternalWays, Labels, Name, ObjectRef, Opens, Origin,
    PathKind, PathMatch, Port, Protocol, Route, RouteRule, Served, Service, ServicePort,
    SliceEndpoint, TargetPort,
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
    let opens = match spec.kind.as_deref() {
        Some("LoadBalancer") => Opens::LoadBalancer,
        Some("NodePort") => Opens::NodePorts,
        _ => Opens::Nothing,
    };
    let mut ways = ExternalWays {
        opens,
        ips: each().filter_map(|ip| ip.parse().ok()).collect(),
        local: spec.external_traffic_policy.as_deref() == Some("Local"),
        health_check_port: spec.health_check_node_port.filter(|port| *port != 0),
        ..ExternalWays::default()
    };
    let ranges = spec.load_balancer_source_ranges.iter().flatten();
    ways.source_ranges = ranges.filter_map(|range| range.trim().parse().ok()).collect();
    if opens == Opens::LoadBalancer {
        for entry in balanced.and_then(|it| it.ingress).unwrap_or_default() {
            let proxies = entry.ip_mode.as_deref() == Some("Proxy");
            ways.load_balancer
                .extend(entry.ip.and_then(|ip| ip.parse().ok()).map(|ip| (ip, proxies)));
            ways.names.extend(entry.hostname.filter(|name| !name.is_empty()));
        }
    }
    ways
}

/// Whether ingress-nginx takes every path of the hosts of an Ingress with these annotations for a regular
/// expression.
///
/// Source: docs/semantics/entries.md#patterns.
pub(super) fn has_patterns<'a>(annotation: impl Fn(&str) -> Option<&'a str>) -> bool {
    annotation("nginx.ingress.kubernetes.io/use-regex") == Some("true")
        || annotation("nginx.ingress.kubernetes.io/rewrite-target").is_some()
}

/// An Ingress. An annotation says its class where the field does not.
///
/// Source: docs/semantics/entries.md#classes and docs/semantics/entries.md#paths.
pub(super) fn ingress(
    object: &ObjectRef,
    (class, patterns): (Option<Name>, bool),
    spec: wire::IngressSpec,
    balanced: Option<wire::LoadBalancer>,
) -> Route {
    let namespace = object.namespace.clone().unwrap_or_default();
    let rule = |host: Option<Name>, path: Option<PathMatch>, to: Option<Backend>| RouteRule {
        hosts: host.into_iter().collect(),
        paths: path.into_iter().collect(),
        backends: to.into_iter().collect(),
        redirects: false,
    };
    let rest = spec.default_backend.and_then(|it| backend(&namespace, it));
    let mut rules: Vec<RouteRule> =
        rest.clone().map(|to| rule(None, None, Some(to))).into_iter().collect();
    for written in spec.rules.unwrap_or_default() {
        let host = written.host.filter(|host| !host.is_empty());
        let paths = written.http.and_then(|http| http.paths).unwrap_or_default();
        // A host alone is for the default backend.
        if paths.is_empty() && host.is_some() {
            rules.push(rule(host.clone(), None, rest.clone()));
        }
        for path in paths {
            let kind = match path.path_type.as_deref() {
                Some("Exact") => PathKind::Exact,
                Some("Prefix") => PathKind::Prefix,
                _ => PathKind::Other,
            };
            let text = path.path.unwrap_or_else(|| "/".into());
            let to = path.backend.and_then(|it| backend(&namespace, it));
            rules.push(rule(host.clone(), Some(PathMatch { kind, text }), to));
        }
    }
    let mut route = Route {
        object: object.clone(),
        served: Served::Class(spec.ingress_class_name.or(class)),
        rules,
        tls: spec.tls.is_some_and(|tls| !tls.is_empty()),
        patterns,
        addresses: Vec::new(),
        names: Vec::new(),
    };
    for entry in balanced.and_then(|it| it.ingress).unwrap_or_default() {
        route.addresses.extend(entry.ip.and_then(|ip| ip.parse::<IpAddr>().ok()));
        route.names.extend(entry.hostname.filter(|name| !name.is_empty()));
    }
    route
}

fn backend(namespace: &Name, written: wire::IngressBackend) -> Option<Backend> {
    let (namespace, copied) = (namespace.clone(), false);
    let Some(wire::IngressService { name, port }) = written.service else {
        let wire::IngressResource { kind, name } = written.resource?;
        return Some(Backend { kind: kind?, namespace, service: name?, port: None, copied });
    };
    let wire::IngressPort { name: port_name, number } = port.unwrap_or_default();
    let port = number.map(BackendPort::Number).or(port_name.map(BackendPort::Name));
    let kind = "Service".into();
    Some(Backend { kind, namespace, service: name?, port: Some(port?), copied })
}

/// What the cluster itself keeps EndpointSlices with.
///
/// Source: docs/semantics/services.md#endpoints.
const KEEPERS: &[&str] =
    &["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"];

/// An EndpointSlice.
pub(super) fn listed(
    object: &ObjectRef,
    labels: &Labels,
    ports: Vec<(Option<Name>, Option<u16>, Protocol)>,
    endpoints: Vec<SliceEndpoint>,
) -> EndpointSlice {
    let keeper = labels.get("endpointslice.kubernetes.io/managed-by");
    EndpointSlice {
        namespace: object.namespace.clone().unwrap_or_default(),
        service: labels.get("kubernetes.io/service-name").unwrap_or_default().into(),
        ports,
        endpoints,
        kept: keeper.is_some_and(|keeper| KEEPERS.contains(&keeper)),
    }
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
        kept: true,
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
        kept: true,
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
