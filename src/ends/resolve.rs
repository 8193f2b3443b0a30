//! From a name to what it stands for.
//!
//! In: an [`EndName`] and the snapshot. Out: a [`Resolved`], or a sentence with the nearest names that
//! exist.

use super::name::{EndName, Named};
use super::resolved::{ResolveError, Resolved, end, service_end, service_object, stands_in};
use super::ways::{self, Way};
use super::{API_SERVER, Endpoint, Unseen, called};
use crate::cluster::{Name, ObjectRef, Pod, PodId, Snapshot, kind_from_word, kind_word};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many similar names an error lists.
const NEAREST: usize = 5;

/// Looks a target up. `namespace` is where names without one are.
pub fn resolve(
    snapshot: &Snapshot,
    target: &EndName,
    namespace: &str,
) -> Result<Resolved, ResolveError> {
    let resolver = Resolver { snapshot, namespace };
    match &target.names {
        Named::Address(address) => Ok(resolver.address(*address)),
        Named::Host(host) => resolver.host(host, target.path.as_deref()),
        Named::Path(parts) => resolver.path(parts),
        Named::Pods(wanted) => Err(ResolveError::Unwritten(wanted.to_string())),
        Named::Found(found) => Ok((**found).clone()),
    }
}

/// The workloads of several kinds that a name without a kind may mean, in words.
pub(crate) fn pods_in_path(
    snapshot: &Snapshot,
    target: &EndName,
    namespace: &str,
) -> Option<String> {
    let Named::Path(parts) = &target.names else { return None };
    let (namespace, name) = match parts.as_slice() {
        [name] => (namespace, name),
        [namespace, name] if kind_from_word(namespace).is_none() => (namespace.as_str(), name),
        _ => return None,
    };
    let of_name = snapshot.workloads.within(namespace);
    let of_name = of_name.filter(|(_, workload)| *workload.object.name == **name);
    let mut all: Vec<String> = of_name.map(|(_, workload)| workload.object.to_string()).collect();
    all.sort();
    all.dedup();
    (all.len() > 1).then(|| crate::prose::list(&all, "and"))
}

/// What is said of an address that nothing here has.
pub(crate) fn outside_note(address: IpAddr) -> String {
    if METADATA.contains(&address) {
        return format!(
            "{address} is where clouds serve what their machines may know, credentials among it; some \
             network plugins take it for the pod's own node, as GKE's dataplane V2 does: judged as \
             outside the cluster"
        );
    }
    if is_link_local(address) {
        return format!(
            "{address} is an address of the link itself, where clouds have their metadata and some \
             network plugins the pod's own node: judged as outside the cluster"
        );
    }
    format!(
        "{address} is the address of no pod, Service or node here: judged as outside the cluster"
    )
}

/// Where clouds serve metadata, in either family.
///
/// Source: docs/semantics/services.md#link-local-addresses.
const METADATA: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// Source: docs/semantics/services.md#link-local-addresses.
fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

struct Resolver<'a> {
    snapshot: &'a Snapshot,
    namespace: &'a str,
}

impl Resolver<'_> {
    fn path(&self, parts: &[String]) -> Result<Resolved, ResolveError> {
        match parts {
            [name] => self.bare(self.namespace, name),
            [first, name] => match self.kind(first) {
                Some(kind) => self.typed(self.namespace, &kind, name),
                None => self.called(parts).unwrap_or_else(|| self.bare(first, name)),
            },
            [namespace, kind, name] => match self.kind(kind) {
                Some(known) => self.typed(namespace, &known, name),
                None => Err(ResolveError::NoPods(format!("kind {kind:?} in {}", parts.join("/")))),
            },
            _ => Err(ResolveError::NoPods(parts.join("/"))),
        }
    }

    /// What the API server calls; a namespace may have such a name too.
    fn called(&self, parts: &[String]) -> Option<Result<Resolved, ResolveError>> {
        let (kinds, name) = called::in_path(parts)?;
        if let Some(found) = called::find(self.snapshot, kinds, name) {
            return Some(Ok(found));
        }
        let word = parts.first().map_or("", String::as_str);
        if self.snapshot.namespace(word).is_some() {
            return None;
        }
        let calls = self.snapshot.calls.all.iter();
        let mut nearest: Vec<(f64, String)> = calls
            .filter(|call| kinds.iter().any(|kind| kind.as_str() == &*call.object.kind))
            .map(|call| (strsim::jaro_winkler(&call.object.name, name), called::label(call)))
            .filter(|(likeness, _)| *likeness > 0.7)
            .collect();
        nearest.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        nearest.dedup_by(|a, b| a.1 == b.1);
        let nearest = nearest.into_iter().take(NEAREST).map(|(_, name)| name).collect();
        let asked = format!("{word}/{name}, as something that the API server calls,");
        Some(Err(ResolveError::NotFound { asked, nearest, words: None }))
    }

    /// The kind that a word means: a built-in one, or that of a custom workload which is there.
    fn kind(&self, word: &str) -> Option<String> {
        let lower = word.to_ascii_lowercase();
        let resource = lower.split('.').next().unwrap_or_default();
        kind_from_word(word).map(ToOwned::to_owned).or_else(|| {
            let mut kinds = self.snapshot.workloads.kinds();
            kinds
                .find(|kind| {
                    let kind = kind.to_ascii_lowercase();
                    kind == resource || format!("{kind}s") == resource
                })
                .map(ToString::to_string)
        })
    }

    fn typed(&self, namespace: &str, kind: &str, name: &str) -> Result<Resolved, ResolveError> {
        let found = match kind {
            "Pod" => self.pod(namespace, name),
            "Service" => self.service(namespace, name),
            "Namespace" => self.all_of(name),
            "Node" => self.node(name),
            kind => self.workload(namespace, Some(kind), name),
        };
        found.unwrap_or_else(|| Err(self.not_found(namespace, Some(kind), name)))
    }

    /// A name without a kind: a pod, else a workload, else a Service.
    fn bare(&self, namespace: &str, name: &str) -> Result<Resolved, ResolveError> {
        self.pod(namespace, name)
            .or_else(|| self.workload(namespace, None, name))
            .or_else(|| self.service(namespace, name))
            .or_else(|| (name == Unseen::ApiServer.as_str()).then(|| Ok(self.api_server())))
            .unwrap_or_else(|| Err(self.not_found(namespace, None, name)))
    }

    fn pod(&self, namespace: &str, name: &str) -> Option<Result<Resolved, ResolveError>> {
        let mut real = self.snapshot.pods_in(namespace).filter(|(_, pod)| !pod.template);
        let (id, pod) = real.find(|(_, pod)| *pod.name == *name)?;
        let object = pod.object();
        if pod.finished {
            return Some(Err(ResolveError::Finished(object.to_string())));
        }
        Some(Ok(end(object, vec![id])))
    }

    fn workload(
        &self,
        namespace: &str,
        kind: Option<&str>,
        name: &str,
    ) -> Option<Result<Resolved, ResolveError>> {
        let (index, workload) =
            self.snapshot.workloads.within(namespace).find(|(_, workload)| {
                let object = &workload.object;
                *object.name == *name && kind.is_none_or(|kind| *object.kind == *kind)
            })?;
        let of_it = self.snapshot.pods_in(namespace).filter(|(_, pod)| pod.owner == Some(index));
        let (finished, running): (Vec<_>, Vec<_>) = of_it.partition(|(_, pod)| pod.finished);
        let object = workload.object.clone();
        Some(match (running.is_empty(), finished.is_empty()) {
            (true, false) => Err(ResolveError::Finished(object.to_string())),
            (true, true) => Err(ResolveError::NoPods(object.to_string())),
            _ => {
                let waits = running.iter().all(|(_, pod)| stands_in(pod));
                let mut end = end(object, running.into_iter().map(|(id, _)| id).collect());
                if waits {
                    end.notes.push(format!("{} has no pods: judged by its template", end.label));
                }
                Ok(end)
            }
        })
    }

    fn service(&self, namespace: &str, name: &str) -> Option<Result<Resolved, ResolveError>> {
        let mut services = self.snapshot.services.within(namespace);
        match services.find(|(_, service)| *service.name == *name) {
            Some((index, _)) => Some(Ok(self.service_end(index))),
            // Every cluster has it, so nobody writes it.
            None if (namespace, name) == API_SERVER => {
                let (label, ways) = (format!("{namespace}/svc/{name}"), vec![Way::ApiServer]);
                Some(Ok(Resolved { label, ways, notes: Vec::new(), ..self.api_server() }))
            }
            None => None,
        }
    }

    fn api_server(&self) -> Resolved {
        api_server(self.snapshot)
    }

    fn service_end(&self, index: usize) -> Resolved {
        service_end(self.snapshot, index)
    }

    fn all_of(&self, name: &str) -> Option<Result<Resolved, ResolveError>> {
        let namespace = self.snapshot.namespace(name)?;
        let pods = self.snapshot.pods_in(name).filter(|(_, pod)| !pod.finished);
        let pods: Vec<PodId> = pods.map(|(id, _)| id).collect();
        let object = ObjectRef::cluster("Namespace", namespace.name.clone());
        if pods.is_empty() {
            return Some(Err(ResolveError::NoPods(object.to_string())));
        }
        Some(Ok(end(object, pods)))
    }

    fn node(&self, name: &str) -> Option<Result<Resolved, ResolveError>> {
        let index = self.snapshot.nodes.iter().position(|node| *node.name == *name)?;
        Some(Ok(self.node_end(index)))
    }

    fn node_end(&self, index: usize) -> Resolved {
        let object = ObjectRef::cluster("Node", self.snapshot.nodes[index].name.clone());
        Resolved { endpoints: vec![Endpoint::Node(index)], ..end(object, Vec::new()) }
    }

    /// An address is that of a pod, a Service or a node where the snapshot says so.
    fn address(&self, address: IpAddr) -> Resolved {
        // Servers that listen on both families log ::ffff:10.0.0.7 for 10.0.0.7.
        let address = address.to_canonical();
        if let Some(id) = self.snapshot.pod_at(address) {
            let object = self.snapshot.pod(id).object();
            let note = format!("{address} is {object}");
            return Resolved { notes: vec![note], ..end(object, vec![id]) };
        }
        let mut services = self.snapshot.services.iter();
        if let Some(index) = services.position(|service| service.cluster_ips.contains(&address)) {
            let mut end = self.service_end(index);
            end.notes.push(format!("{address} is {}", end.label));
            return end;
        }
        let ways = ways::at(self.snapshot, address);
        if let Some(index) = self.snapshot.nodes.iter().position(|n| n.ips.contains(&address)) {
            let mut end = self.node_end(index);
            end.endpoints = vec![Endpoint::NodeAddress(index, address)];
            end.notes.push(format!("{address} is {}", end.label));
            return Resolved { ways, ..end };
        }
        let note = if ways.is_empty() { Some(outside_note(address)) } else { None };
        Resolved {
            object: None,
            label: address.to_string(),
            service: None,
            endpoints: vec![Endpoint::Address(address)],
            ways,
            notes: note.into_iter().collect(),
        }
    }

    /// A host name as a pod's resolver sees it.
    ///
    /// Source: the DNS specification of Kubernetes: `SERVICE.NAMESPACE.svc.ZONE`,
    /// `HOSTNAME.SERVICE.NAMESPACE.svc.ZONE`, `A-B-C-D.NAMESPACE.pod.ZONE`, and a search path that
    /// completes shorter names.
    fn host(&self, host: &str, path: Option<&str>) -> Result<Resolved, ResolveError> {
        // A name with a dot behind it is whole.
        let whole = host.ends_with('.');
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let parts: Vec<&str> = host.split('.').collect();
        let missing =
            |namespace: &str, name: &str| self.not_found(namespace, Some("Service"), name);
        match parts.as_slice() {
            [service] => {
                let found = self.service(self.namespace, service);
                found.unwrap_or_else(|| Err(missing(self.namespace, service)))
            }
            [ip, namespace, "pod", ..] => {
                let dotted = ip.replace('-', ".").parse().ok();
                match dotted.or_else(|| ip.replace('-', ":").parse().ok()) {
                    Some(address) => Ok(self.address(address)),
                    None => Err(self.not_found(namespace, Some("Pod"), ip)),
                }
            }
            [service, namespace, "svc", ..] => {
                let found = self.service(namespace, service);
                found.unwrap_or_else(|| Err(missing(namespace, service)))
            }
            [hostname, service, namespace, "svc", ..] => {
                if self.service(namespace, service).is_none() {
                    return Err(missing(namespace, service));
                }
                self.pod_of(namespace, hostname)
            }
            [hostname, service] if !whole && self.is_pod_of(self.namespace, service, hostname) => {
                self.pod_of(self.namespace, hostname)
            }
            [service, "default"] if *service == API_SERVER.1 => {
                let found = self.service("default", service);
                found.unwrap_or_else(|| Err(missing("default", service)))
            }
            [hostname, service, namespace]
                if !whole && self.is_pod_of(namespace, service, hostname) =>
            {
                self.pod_of(namespace, hostname)
            }
            [service, namespace] if self.snapshot.namespace(namespace).is_some() => {
                let found = self.service(namespace, service);
                found.unwrap_or_else(|| Err(missing(namespace, service)))
            }
            _ => Ok(self.dotted(&host, path)),
        }
    }

    /// Whether a Service has a pod of this host name: a resolver goes on with its search list otherwise.
    fn is_pod_of(&self, namespace: &str, service: &str, hostname: &str) -> bool {
        let mut services = self.snapshot.services.within(namespace);
        services.any(|(_, it)| *it.name == *service && it.headless)
            && (self.pod(namespace, hostname).is_some()
                || self.replica(namespace, hostname).is_some())
    }

    /// The pod of a headless Service that has this host name.
    fn pod_of(&self, namespace: &str, hostname: &str) -> Result<Resolved, ResolveError> {
        self.pod(namespace, hostname)
            .or_else(|| self.replica(namespace, hostname))
            .unwrap_or_else(|| Err(self.not_found(namespace, Some("Pod"), hostname)))
    }

    /// `keycloak-0` of a StatefulSet that is known by its template only.
    fn replica(&self, namespace: &str, hostname: &str) -> Option<Result<Resolved, ResolveError>> {
        let (set, ordinal) = hostname.rsplit_once('-')?;
        ordinal.parse::<u32>().ok()?;
        self.workload(namespace, Some("StatefulSet"), set)
    }

    /// A dotted name that is not the cluster's: an object of that very name, else a way into the
    /// cluster, else outside.
    fn dotted(&self, host: &str, path: Option<&str>) -> Resolved {
        if let Some(Ok(end)) =
            self.pod(self.namespace, host).or_else(|| self.workload(self.namespace, None, host))
        {
            return end;
        }
        match ways::named(self.snapshot, host, path) {
            ways if ways.is_empty() => outside(host),
            ways => Resolved { ways, notes: Vec::new(), ..outside(host) },
        }
    }

    fn not_found(&self, namespace: &str, kind: Option<&str>, name: &str) -> ResolveError {
        let word = kind.map_or(String::new(), |kind| format!("{}/", kind_word(kind)));
        let cluster_scoped = matches!(kind, Some("Namespace" | "Node"));
        let asked = if cluster_scoped {
            format!("{word}{name}")
        } else if self.snapshot.namespace(namespace).is_none() {
            format!("{word}{name}: namespace {namespace:?}")
        } else {
            format!("{word}{name} in namespace {namespace}")
        };
        let words = (!cluster_scoped).then(|| (namespace.to_owned(), name.to_owned()));
        ResolveError::NotFound { asked, nearest: self.nearest(namespace, kind, name), words }
    }

    /// Names like the one asked for: the same name elsewhere first, then similar names.
    fn nearest(&self, namespace: &str, kind: Option<&str>, name: &str) -> Vec<String> {
        let of_kind = |k: &str| kind.is_none_or(|kind| kind == k);
        let snapshot = self.snapshot;
        let workloads = snapshot.workloads.iter().map(|workload| workload.object.clone());
        let services = snapshot.services.iter().map(service_object);
        let pods = snapshot.pods().iter().filter(|pod| !pod.template).map(Pod::object);
        let namespaces =
            snapshot.namespaces().map(|ns| ObjectRef::cluster("Namespace", ns.name.clone()));
        let nodes = snapshot.nodes.iter().map(|n| ObjectRef::cluster("Node", n.name.clone()));
        let all = || workloads.clone().chain(services.clone()).chain(pods.clone());
        let wanted: Vec<ObjectRef> = if matches!(kind, Some("Namespace" | "Node")) {
            namespaces.chain(nodes).filter(|object| of_kind(&object.kind)).collect()
        } else {
            all().collect()
        };
        // A misspelt namespace is nearer than a name like it elsewhere.
        let misspelt = if snapshot.namespace(namespace).is_none() { namespace } else { "" };
        let spelt = snapshot.namespaces().filter_map(|other| {
            let likeness = strsim::jaro_winkler(&other.name, misspelt);
            let object = ObjectRef::cluster("Namespace", other.name.clone());
            (likeness > 0.8).then(|| (likeness + 1.0, object.to_string()))
        });
        let mut scored: Vec<(f64, String)> = wanted
            .into_iter()
            .filter_map(|object| {
                let same_kind = if of_kind(&object.kind) { 0.2 } else { 0.0 };
                let same_namespace =
                    if object.namespace.as_deref() == Some(namespace) { 0.1 } else { 0.0 };
                let likeness = strsim::jaro_winkler(&object.name, name);
                (likeness > 0.8)
                    .then(|| (likeness + same_kind + same_namespace, object.to_string()))
            })
            .chain(spelt)
            .collect();
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        scored.dedup_by(|a, b| a.1 == b.1);
        scored.into_iter().take(NEAREST).map(|(_, name)| name).collect()
    }
}

/// The API server.
pub(crate) fn api_server(snapshot: &Snapshot) -> Resolved {
    let endpoints = ways::api_server(snapshot);
    let label = Unseen::ApiServer.as_str().to_owned();
    let unknown = endpoints.contains(&Endpoint::Unseen(Unseen::ApiServer));
    let note = format!("where {label} is, is not known: say it with --api-server ADDRESS");
    let notes = if unknown { vec![note] } else { Vec::new() };
    Resolved { object: None, label, service: None, endpoints, ways: Vec::new(), notes }
}

/// What the name of an `ExternalName` Service means: something of the cluster, or a name outside.
///
/// It is a whole name, which no search path completes. A name like one of the cluster's in another
/// zone may well be another cluster's.
pub(crate) fn external(snapshot: &Snapshot, name: &str) -> Result<Resolved, ResolveError> {
    let whole = name.trim_end_matches('.').to_ascii_lowercase();
    let parts: Vec<&str> = whole.split('.').collect();
    if !matches!(parts.as_slice(), [_, _, "svc" | "pod", ..] | [_, _, _, "svc", ..]) {
        return Ok(outside(name));
    }
    match (Resolver { snapshot, namespace: "" }).host(&whole, None) {
        Err(_) if !whole.ends_with(".cluster.local") => Ok(outside(name)),
        found => found,
    }
}

/// An end outside the cluster that is known by name only.
fn outside(name: &str) -> Resolved {
    let note = format!("{name} is outside the cluster; its addresses are not known here");
    Resolved {
        object: None,
        label: name.to_owned(),
        service: None,
        endpoints: vec![Endpoint::Name(Name::from(name))],
        ways: Vec::new(),
        notes: vec![note],
    }
}
