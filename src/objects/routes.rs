//! Classes, Gateways and routes, from their wire form.
//!
//! In: a deserializer over an object of one of the kinds that say where hosts and paths lead. Out: what
//! is kept of it. Every field may be absent; the API server fills in defaults that a manifest lacks.

use super::entrances;
use super::wire::{self, Metadata};
use crate::cluster::{
    AllowedFrom, Backend, BackendPort, Class, Gateway, Grant, Listener, Name, ObjectRef, Parent,
    PathKind, PathMatch, Route, RouteRule, Served,
};
use crate::kinds::Kind;
use crate::policy::LabelSelector;
use serde::{Deserialize, Deserializer};
use std::net::IpAddr;

/// What one of these objects says.
#[derive(Clone, Debug, PartialEq)]
pub enum Leading {
    /// An Ingress, a Route or a route of Gateways.
    Route(Box<Route>),
    /// An IngressClass.
    IngressClass(Class),
    /// A GatewayClass.
    GatewayClass(Class),
    /// A Gateway.
    Gateway(Box<Gateway>),
    /// A ReferenceGrant.
    Grant(Grant),
}

/// The kinds of these objects.
pub const LEADING: &[Kind] = &[
    Kind::Ingress,
    Kind::IngressClass,
    Kind::GatewayClass,
    Kind::Gateway,
    Kind::HttpRoute,
    Kind::GrpcRoute,
    Kind::TlsRoute,
    Kind::TcpRoute,
    Kind::UdpRoute,
    Kind::ReferenceGrant,
    Kind::Route,
];

/// Reads an object of one of these kinds.
pub(super) fn read<'de, D: Deserializer<'de>>(
    kind: Kind,
    source: D,
    place: impl Fn(&Metadata) -> ObjectRef,
) -> Result<(ObjectRef, Leading), D::Error> {
    Ok(match kind {
        Kind::Ingress => {
            let ingress = wire::Ingress::deserialize(source)?;
            let metadata = ingress.metadata.unwrap_or_default();
            let object = place(&metadata);
            let class = metadata.annotation("kubernetes.io/ingress.class").map(Name::from);
            let patterns = entrances::has_patterns(|key| metadata.annotation(key));
            let spec = ingress.spec.unwrap_or_default();
            let balanced = ingress.status.and_then(|status| status.load_balancer);
            let route = entrances::ingress(&object, (class, patterns), spec, balanced);
            (object, Leading::Route(Box::new(route)))
        }
        Kind::IngressClass | Kind::GatewayClass => {
            let class = WireClass::deserialize(source)?;
            let metadata = class.metadata.unwrap_or_default();
            let object = place(&metadata);
            let spec = class.spec.unwrap_or_default();
            let default = metadata.annotation(DEFAULT_CLASS) == Some("true");
            let controller = spec.controller.or(spec.controller_name).unwrap_or_default();
            let class = Class { name: object.name.clone(), controller, default };
            let leading = match kind {
                Kind::IngressClass => Leading::IngressClass(class),
                _ => Leading::GatewayClass(class),
            };
            (object, leading)
        }
        Kind::Gateway => {
            let gateway = WireGateway::deserialize(source)?;
            let object = place(&gateway.metadata.unwrap_or_default());
            let (spec, status) = (gateway.spec.unwrap_or_default(), gateway.status);
            let leading = Leading::Gateway(Box::new(gateway_of(&object, spec, status)));
            (object, leading)
        }
        Kind::ReferenceGrant => {
            let grant = WireGrant::deserialize(source)?;
            let object = place(&grant.metadata.unwrap_or_default());
            let spec = grant.spec.unwrap_or_default();
            let from = spec.from.unwrap_or_default().into_iter();
            let to = spec.to.unwrap_or_default().into_iter();
            let grant = Grant {
                namespace: object.namespace.clone().unwrap_or_default(),
                from: from.map(|it| (it.kind, it.namespace.unwrap_or_default())).collect(),
                to: to.map(|it| (it.kind, it.name)).collect(),
            };
            (object, Leading::Grant(grant))
        }
        Kind::Route => {
            let route = WireRoute::deserialize(source)?;
            let object = place(&route.metadata.unwrap_or_default());
            let route = openshift(&object, route.spec.unwrap_or_default());
            (object, Leading::Route(Box::new(route)))
        }
        _ => {
            let route = WireGatewayRoute::deserialize(source)?;
            let object = place(&route.metadata.unwrap_or_default());
            let route = of_gateways(&object, route.spec.unwrap_or_default());
            (object, Leading::Route(Box::new(route)))
        }
    })
}

const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";

/// An IngressClass or a GatewayClass.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireClass {
    metadata: Option<Metadata>,
    spec: Option<ClassSpec>,
}

/// `spec` of a class.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClassSpec {
    controller: Option<Name>,
    controller_name: Option<Name>,
}

/// A Gateway.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireGateway {
    metadata: Option<Metadata>,
    spec: Option<GatewaySpec>,
    status: Option<GatewayStatus>,
}

/// `spec` of a Gateway.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GatewaySpec {
    gateway_class_name: Option<Name>,
    listeners: Option<Vec<WireListener>>,
    addresses: Option<Vec<GatewayAddress>>,
}

/// `status` of a Gateway.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GatewayStatus {
    addresses: Option<Vec<GatewayAddress>>,
}

/// One of its `addresses`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GatewayAddress {
    value: Option<Name>,
}

/// One of its `listeners`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireListener {
    name: Option<Name>,
    hostname: Option<Name>,
    port: Option<u16>,
    protocol: Option<Name>,
    allowed_routes: Option<AllowedRoutes>,
}

/// `allowedRoutes` of a listener.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct AllowedRoutes {
    namespaces: Option<RouteNamespaces>,
    kinds: Option<Vec<RouteKind>>,
}

/// Its `namespaces`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RouteNamespaces {
    from: Option<String>,
    selector: Option<LabelSelector>,
}

/// One of its `kinds`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RouteKind {
    kind: Option<Name>,
}

/// A ReferenceGrant.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireGrant {
    metadata: Option<Metadata>,
    spec: Option<GrantSpec>,
}

/// `spec` of a ReferenceGrant.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GrantSpec {
    from: Option<Vec<GrantEnd>>,
    to: Option<Vec<GrantEnd>>,
}

/// One of its ends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GrantEnd {
    kind: Name,
    namespace: Option<Name>,
    name: Option<Name>,
}

/// A route of Gateways, of whatever protocol.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireGatewayRoute {
    metadata: Option<Metadata>,
    spec: Option<GatewayRouteSpec>,
}

/// Its `spec`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GatewayRouteSpec {
    parent_refs: Option<Vec<ParentRef>>,
    hostnames: Option<Vec<Name>>,
    rules: Option<Vec<WireRule>>,
}

/// One of its `parentRefs`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ParentRef {
    kind: Option<Name>,
    namespace: Option<Name>,
    name: Option<Name>,
    section_name: Option<Name>,
    port: Option<u16>,
}

/// One of its `rules`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireRule {
    matches: Option<Vec<WireMatch>>,
    filters: Option<Vec<WireFilter>>,
    backend_refs: Option<Vec<BackendRef>>,
}

/// One of the `filters` of a rule or of a backend.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireFilter {
    #[serde(rename = "type")]
    kind: Option<String>,
    request_mirror: Option<WireMirror>,
}

/// `requestMirror` of a filter.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireMirror {
    backend_ref: Option<BackendRef>,
}

/// One of a rule's `matches`. `method` is a word of HTTP, or a service and a method of gRPC in place of a
/// path.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireMatch {
    path: Option<WirePath>,
    method: Option<serde_json::Value>,
}

/// `path` of a match.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WirePath {
    #[serde(rename = "type")]
    kind: Option<String>,
    value: Option<Name>,
}

/// One of a rule's `backendRefs`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct BackendRef {
    kind: Option<Name>,
    namespace: Option<Name>,
    name: Option<Name>,
    port: Option<u16>,
    weight: Option<u32>,
    filters: Option<Vec<WireFilter>>,
}

/// A Route of OpenShift.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireRoute {
    metadata: Option<Metadata>,
    spec: Option<RouteSpec>,
}

/// Its `spec`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RouteSpec {
    host: Option<Name>,
    path: Option<Name>,
    to: Option<RouteTarget>,
    alternate_backends: Option<Vec<RouteTarget>>,
    port: Option<RoutePort>,
    tls: Option<serde::de::IgnoredAny>,
    wildcard_policy: Option<String>,
}

/// One of its targets.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RouteTarget {
    kind: Option<Name>,
    name: Option<Name>,
    weight: Option<u32>,
}

/// Its `port`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RoutePort {
    target_port: Option<wire::IntOrName>,
}

fn gateway_of(object: &ObjectRef, spec: GatewaySpec, status: Option<GatewayStatus>) -> Gateway {
    let listener = |it: WireListener| {
        let AllowedRoutes { namespaces, kinds } = it.allowed_routes.unwrap_or_default();
        let RouteNamespaces { from, selector } = namespaces.unwrap_or_default();
        let lowered = |selector: LabelSelector| {
            let mut faults = Vec::new();
            let selector = selector.lower("selector", &mut faults);
            faults.is_empty().then_some(selector)
        };
        let from = match from.as_deref() {
            None | Some("Same") => AllowedFrom::Same,
            Some("All") => AllowedFrom::All,
            Some("Selector") => {
                selector.and_then(lowered).map_or(AllowedFrom::None, AllowedFrom::Matching)
            }
            Some(_) => AllowedFrom::None,
        };
        Listener {
            name: it.name.unwrap_or_default(),
            hostname: it.hostname.filter(|host| !host.is_empty()),
            port: it.port.unwrap_or_default(),
            protocol: it.protocol.unwrap_or_default(),
            from,
            kinds: kinds.unwrap_or_default().into_iter().filter_map(|it| it.kind).collect(),
        }
    };
    let told = status.and_then(|status| status.addresses);
    let all = told.into_iter().chain(spec.addresses).flatten().filter_map(|it| it.value);
    let (mut addresses, mut names) = (Vec::new(), Vec::new());
    for value in all {
        match value.parse::<IpAddr>() {
            Ok(ip) => addresses.push(ip),
            Err(_) => names.push(value),
        }
    }
    Gateway {
        namespace: object.namespace.clone().unwrap_or_default(),
        name: object.name.clone(),
        class: spec.gateway_class_name.unwrap_or_default(),
        listeners: spec.listeners.unwrap_or_default().into_iter().map(listener).collect(),
        addresses,
        names,
    }
}

/// What has listeners. What else routes are for, such as a Service, leads nobody in.
const LISTENING: &[&str] = &["Gateway", "ListenerSet", "XListenerSet"];

/// Source: docs/semantics/entries.md#paths.
fn of_gateways(object: &ObjectRef, spec: GatewayRouteSpec) -> Route {
    let own = object.namespace.clone().unwrap_or_default();
    let hosts: Vec<Name> = spec.hostnames.unwrap_or_default();
    let parents = spec.parent_refs.unwrap_or_default().into_iter();
    let kind = |it: &ParentRef| it.kind.clone().unwrap_or_else(|| "Gateway".into());
    let gateways = parents.filter(|it| LISTENING.contains(&&*kind(it)));
    let parent = |it: ParentRef| {
        Some(Parent {
            kind: kind(&it),
            namespace: it.namespace.unwrap_or_else(|| own.clone()),
            name: it.name?,
            listener: it.section_name,
            port: it.port,
        })
    };
    let parents = gateways.filter_map(parent).collect();
    let rule = |it: WireRule| {
        let filters = it.filters.unwrap_or_default();
        RouteRule {
            hosts: hosts.clone(),
            paths: paths(it.matches.unwrap_or_default()),
            redirects: filters.iter().any(|it| it.kind.as_deref() == Some("RequestRedirect")),
            backends: backends(it.backend_refs.unwrap_or_default(), filters, &own),
        }
    };
    Route {
        object: object.clone(),
        served: Served::Gateways(parents),
        rules: spec.rules.unwrap_or_default().into_iter().map(rule).collect(),
        tls: false,
        patterns: false,
        addresses: Vec::new(),
        names: Vec::new(),
    }
}

/// A rule without any path has all of them, and so has a match without one.
fn paths(matches: Vec<WireMatch>) -> Vec<PathMatch> {
    let path = |it: WireMatch| -> PathMatch {
        if let Some(path) = it.path {
            let kind = match path.kind.as_deref() {
                None | Some("PathPrefix") => PathKind::Prefix,
                Some("Exact") => PathKind::Exact,
                Some(_) => PathKind::Other,
            };
            return PathMatch { kind, text: path.value.unwrap_or_else(|| "/".into()) };
        }
        let word = |key: &str| Some(it.method.as_ref()?.get(key)?.as_str()?.to_owned());
        let (kind, text) = match (word("service"), word("method")) {
            (Some(service), Some(method)) => (PathKind::Exact, format!("/{service}/{method}")),
            (Some(service), None) => (PathKind::Prefix, format!("/{service}")),
            (None, _) => (PathKind::Prefix, "/".to_owned()),
        };
        let text = text.into();
        PathMatch { kind, text }
    };
    let mut all: Vec<PathMatch> = Vec::new();
    for one in matches.into_iter().map(path) {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

/// Those that take a share of the traffic, or a copy of it.
///
/// Source: docs/semantics/entries.md#copies.
fn backends(written: Vec<BackendRef>, filters: Vec<WireFilter>, own: &Name) -> Vec<Backend> {
    let backend = |it: BackendRef, copied: bool| {
        Some(Backend {
            kind: it.kind.unwrap_or_else(|| SERVICE.into()),
            namespace: it.namespace.unwrap_or_else(|| own.clone()),
            service: it.name?,
            port: it.port.map(BackendPort::Number),
            copied,
        })
    };
    let copy = |it: WireFilter| backend(it.request_mirror?.backend_ref?, true);
    let mut all: Vec<Backend> = Vec::new();
    let mut copies: Vec<Backend> = filters.into_iter().filter_map(copy).collect();
    for mut it in written.into_iter().filter(|it| it.weight != Some(0)) {
        copies.extend(it.filters.take().unwrap_or_default().into_iter().filter_map(copy));
        all.extend(backend(it, false));
    }
    all.extend(copies);
    all
}

const SERVICE: &str = "Service";

/// Source: docs/semantics/entries.md#routes-of-openshift.
fn openshift(object: &ObjectRef, spec: RouteSpec) -> Route {
    let namespace = object.namespace.clone().unwrap_or_default();
    let host = spec.host.filter(|host| !host.is_empty());
    let host = match (host, spec.wildcard_policy.as_deref()) {
        (Some(host), Some("Subdomain")) => {
            host.split_once('.').map(|(_, rest)| format!("*.{rest}").into())
        }
        (host, _) => host,
    };
    let port = spec.port.and_then(|port| port.target_port).map(|port| match port {
        wire::IntOrName::Number(number) => BackendPort::Target(number),
        wire::IntOrName::Name(name) => BackendPort::Name(name),
    });
    let targets = spec.to.into_iter().chain(spec.alternate_backends.into_iter().flatten());
    let targets = targets.filter(|it| it.weight != Some(0));
    let backend = |it: RouteTarget| {
        let (namespace, port, copied) = (namespace.clone(), port.clone(), false);
        let kind = it.kind.unwrap_or_else(|| SERVICE.into());
        Some(Backend { kind, namespace, service: it.name?, port, copied })
    };
    let path = spec.path.filter(|path| !path.is_empty());
    let paths = path.map(|text| PathMatch { kind: PathKind::Prefix, text });
    let rule = RouteRule {
        // One that OpenShift gives a host when it is made has none that is known.
        hosts: host.into_iter().collect(),
        paths: paths.into_iter().collect(),
        backends: targets.filter_map(backend).collect(),
        redirects: false,
    };
    Route {
        object: object.clone(),
        served: Served::Routers,
        rules: vec![rule],
        tls: spec.tls.is_some(),
        patterns: false,
        addresses: Vec::new(),
        names: Vec::new(),
    }
}
