//! One object, from its wire form to what is kept of it.
//!
//! In: a deserializer over one object and its kind. Out: a [`Found`], which needs nothing of its
//! text any more. Objects are not linked to one another yet; see [`assemble`](super::assemble).

use super::calls::{self, CALLING};
use super::entrances;
use super::operators::{labelled, operator};
use super::routes::{self, Leading};
use super::wire;
use crate::cluster::{
    Call, ContainerPort, EndpointSlice, FieldPath, Labels, Name, ObjectRef, Origin, Pod, Port,
    Protocol, Selector, Service, ServicePort, SliceEndpoint, TargetPort,
};
use crate::kinds::{self, Does, Kind, group, name_in_group};
use crate::policy::{self, Fault, LabelSelector};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::LazyLock;

/// An object as it was found, slim and not yet linked.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its kind, namespace and name.
    pub object: ObjectRef,
    /// What it says.
    pub body: Body,
}

/// What an object says. The origins in it are synthetic: the place is kept beside it.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// A ServiceAccount with its labels.
    Account(Labels),
    /// A Namespace with these labels.
    Namespace(Labels),
    /// A Node.
    Node {
        /// Its labels.
        labels: Labels,
        /// Its addresses.
        ips: Vec<IpAddr>,
        /// The networks that its pods have their addresses from.
        pod_cidrs: Vec<IpNet>,
    },
    /// A Pod.
    Pod {
        /// The pod.
        pod: Box<Pod>,
        /// What controls it.
        controller: Option<Owner>,
    },
    /// A workload.
    Workload(Box<FoundWorkload>),
    /// A Service.
    Service(Box<Service>),
    /// An EndpointSlice.
    EndpointSlice(EndpointSlice),
    /// An Endpoints object, a slice for each subset.
    Endpoints(Vec<EndpointSlice>),
    /// Where hosts and paths lead, or who serves them.
    Leading(Leading),
    /// What the API server calls.
    Calls(Vec<Call>),
    /// The settings of Cilium's agent.
    AgentConfig(BTreeMap<String, String>),
    /// A policy, or what policies name.
    Policy(Box<policy::Spec>),
    /// Of a kind that bears on traffic and is not judged: what it can do.
    Other(Does),
    /// A policy whose fields do not even have the right names and types.
    Undecodable(Vec<Fault>),
    /// A policy of which it is not known what it says, or whether it is in force, and why.
    NotKnown(Vec<Fault>),
}

impl Found {
    /// Whether it is a policy, or what policies name, so that nothing that exists hangs on it.
    pub fn is_of_policies(&self) -> bool {
        is_of_policies(&self.object)
    }
}

/// The same of an object by its kind.
pub(super) fn is_of_policies(object: &ObjectRef) -> bool {
    Kind::named(&object.kind).is_some_and(Kind::is_policy)
}

/// The owner that controls an object, in the object's namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its kind.
    pub kind: Name,
    /// Its name.
    pub name: Name,
}

/// A workload as it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundWorkload {
    /// What controls it in turn.
    pub controller: Option<Owner>,
    /// How it finds its pods, where it says so.
    pub selector: Option<Selector>,
    /// How many pods it wants, where it says so.
    pub replicas: Option<u32>,
    /// The pod that its template describes.
    pub template: Option<Pod>,
}

/// Reads an object of a built-in kind that is no policy, as the API sent it.
///
/// Errors: the text is not what the API sends.
pub fn from_json(kind: Kind, text: &str) -> Result<Found, String> {
    let mut source = serde_json::Deserializer::from_str(text);
    read(kind, &mut source, &Name::default()).map_err(|error| error.to_string())
}

/// Reads an object of a built-in kind. Objects without a namespace are in `default_namespace`.
///
/// Errors: a field has the wrong type, or a field of a policy is not known.
pub(super) fn read<'de, D: Deserializer<'de>>(
    kind: Kind,
    source: D,
    default_namespace: &Name,
) -> Result<Found, D::Error> {
    let place = |metadata: &wire::Metadata| object_ref(kind, metadata, default_namespace);
    Ok(match kind {
        Kind::Namespace => {
            let metadata = wire::Bare::deserialize(source)?.metadata.unwrap_or_default();
            let object = place(&metadata);
            Found { object, body: Body::Namespace(labels(metadata.labels)) }
        }
        Kind::ServiceAccount => {
            let metadata = wire::Bare::deserialize(source)?.metadata.unwrap_or_default();
            let object = place(&metadata);
            Found { object, body: Body::Account(labels(metadata.labels)) }
        }
        Kind::Node => {
            let node = wire::Node::deserialize(source)?;
            let metadata = node.metadata.unwrap_or_default();
            let object = place(&metadata);
            Found { object, body: node_of(labels(metadata.labels), node.spec, node.status) }
        }
        Kind::Pod => {
            let pod = wire::Pod::deserialize(source)?;
            let metadata = pod.metadata.unwrap_or_default();
            let object = place(&metadata);
            pod_of(object, metadata, pod.spec.unwrap_or_default(), pod.status)
        }
        Kind::ReplicationController => {
            let workload = wire::Controller::<wire::LabelMap>::deserialize(source)?;
            let metadata = workload.metadata.unwrap_or_default();
            let object = place(&metadata);
            let spec = workload.spec.unwrap_or_default();
            let selector = spec.selector.as_ref().map(|l| Selector::labels(l.0.iter()));
            let parts = WorkloadParts {
                selector,
                replicas: spec.replicas,
                completion_mode: None,
                template: spec.template,
            };
            workload_of(kind, object, &metadata, parts)
        }
        Kind::Deployment
        | Kind::ReplicaSet
        | Kind::StatefulSet
        | Kind::DaemonSet
        | Kind::Job
        | Kind::CronJob => {
            let workload = wire::Controller::<LabelSelector>::deserialize(source)?;
            let metadata = workload.metadata.unwrap_or_default();
            let object = place(&metadata);
            let spec = workload.spec.unwrap_or_default();
            let job = spec.job_template.and_then(|job| job.spec).unwrap_or_default();
            let parts = WorkloadParts {
                selector: spec.selector.and_then(|selector| selector_of(&selector)),
                replicas: spec.replicas,
                completion_mode: spec.completion_mode.or(job.completion_mode),
                template: spec.template.or(job.template),
            };
            workload_of(kind, object, &metadata, parts)
        }
        Kind::Service => {
            let service = wire::Service::deserialize(source)?;
            let metadata = service.metadata.unwrap_or_default();
            let object = place(&metadata);
            let spec = service.spec.unwrap_or_default();
            let balanced = service.status.and_then(|status| status.load_balancer);
            let service = service_of(&object, labels(metadata.labels), spec, balanced);
            Found { object, body: Body::Service(Box::new(service)) }
        }
        leads if routes::LEADING.contains(&leads) => {
            let (object, leading) = routes::read(kind, source, place)?;
            Found { object, body: Body::Leading(leading) }
        }
        calls if CALLING.contains(&calls) => {
            let (object, calls) = calls::read(kind, source, place)?;
            Found { object, body: Body::Calls(calls) }
        }
        Kind::Endpoints => {
            let endpoints = wire::Endpoints::deserialize(source)?;
            let object = place(&endpoints.metadata.unwrap_or_default());
            let subsets = endpoints.subsets.unwrap_or_default();
            let slices = subsets.into_iter().map(|subset| entrances::slice(&object, subset));
            let slices = slices.collect();
            Found { object, body: Body::Endpoints(slices) }
        }
        Kind::EndpointSlice => {
            let slice = wire::EndpointSlice::deserialize(source)?;
            let metadata = slice.metadata.unwrap_or_default();
            let object = place(&metadata);
            let ports = slice.ports.unwrap_or_default().into_iter().map(slice_port).collect();
            let listed = slice.endpoints.unwrap_or_default().into_iter().map(endpoint).collect();
            let slice = entrances::listed(&object, &labels(metadata.labels), ports, listed);
            let body = Body::EndpointSlice(slice);
            Found { object, body }
        }
        policy => {
            let (metadata, spec) = policy::Spec::read::<wire::Metadata, _>(policy, source)?;
            Found { object: place(&metadata), body: Body::Policy(Box::new(spec)) }
        }
    })
}

/// Reads the pod template of a custom resource. Its labels are there; which others its operator sets
/// is known of a few operators only.
pub(super) fn read_custom(
    api_version: &str,
    kind: &str,
    metadata: &wire::Metadata,
    replicas: Option<u32>,
    template: wire::Template,
    default_namespace: &Name,
) -> Found {
    let kind_name = name_in_group(group(api_version), kind);
    let namespace = metadata.namespace.clone().unwrap_or_else(|| default_namespace.clone());
    let object = ObjectRef::namespaced(kind_name, namespace, name(metadata));
    let mut pod = template_pod(&object, template);
    let operator = operator(group(api_version), kind);
    (pod.labels, pod.unknown_labels) = labelled(operator, &object.name, pod.labels);
    let workload = FoundWorkload {
        controller: controller(metadata),
        selector: None,
        replicas,
        template: Some(pod),
    };
    Found { object, body: Body::Workload(Box::new(workload)) }
}

/// The object that a built-in kind and its metadata name.
pub(super) fn object_ref(
    kind: Kind,
    metadata: &wire::Metadata,
    default_namespace: &Name,
) -> ObjectRef {
    let namespace = (!kind.is_cluster_scoped()).then(|| {
        let written = metadata.namespace.clone().filter(|namespace| !namespace.is_empty());
        written.unwrap_or_else(|| default_namespace.clone())
    });
    ObjectRef { kind: kind.name(), namespace, name: name(metadata) }
}

/// The name, or the beginning of it that the API server completes.
fn name(metadata: &wire::Metadata) -> Name {
    metadata.name.clone().or_else(|| metadata.generate_name.clone()).unwrap_or_default()
}

fn node_of(labels: Labels, spec: Option<wire::NodeSpec>, status: Option<wire::NodeStatus>) -> Body {
    let spec = spec.unwrap_or_default();
    let cidrs = spec.pod_cidrs.or_else(|| spec.pod_cidr.map(|cidr| vec![cidr]));
    let addresses = status.and_then(|status| status.addresses).unwrap_or_default();
    let ips = addresses.iter().filter_map(|a| a.address.as_ref()?.parse().ok()).collect();
    let pod_cidrs = cidrs.iter().flatten().filter_map(|cidr| cidr.parse().ok()).collect();
    Body::Node { labels, ips, pod_cidrs }
}

fn labels(map: Option<wire::LabelMap>) -> Labels {
    map.unwrap_or_default().0
}

/// The selector as the API server reads it; a faulty one selects nothing that is known.
pub(crate) fn selector_of(selector: &LabelSelector) -> Option<Selector> {
    let mut faults = Vec::new();
    let mut selector = selector.lower("spec.selector", &mut faults);
    // It decides nothing, so nobody asks where it is written.
    selector.requirements.iter_mut().for_each(|it| it.written = FieldPath::default());
    faults.is_empty().then_some(selector)
}

/// A static pod is controlled by its Node, which is no workload.
fn controller(metadata: &wire::Metadata) -> Option<Owner> {
    let mut owners = metadata.owner_references.iter().flatten();
    let owner = owners.find(|owner| owner.controller == Some(true) && &*owner.kind != "Node")?;
    let api_version = owner.api_version.as_deref().unwrap_or_default();
    let kind = match kinds::lookup(api_version, &owner.kind) {
        kinds::Known::Custom => name_in_group(group(api_version), &owner.kind),
        _ => owner.kind.clone(),
    };
    Some(Owner { kind, name: owner.name.clone() })
}

fn pod_of(
    object: ObjectRef,
    metadata: wire::Metadata,
    spec: wire::PodSpec,
    status: Option<wire::PodStatus>,
) -> Found {
    let controller = controller(&metadata);
    let terminating = metadata.deletion_timestamp.is_some();
    let known = status.is_some();
    let status = status.unwrap_or_default();
    let phase = status.phase.as_deref();
    let host_network = spec.host_network == Some(true);
    let mut ips = addresses(status.pod_ips, status.pod_ip);
    if ips.is_empty() && host_network {
        ips = addresses(status.host_ips, status.host_ip);
    }
    let is_ready = |c: &wire::Condition| {
        (c.kind.as_deref() == Some("Ready")).then(|| c.status.as_deref() == Some("True"))
    };
    // A manifest has no status: nothing speaks against the pod being ready once it runs.
    let ready = status.conditions.iter().flatten().find_map(is_ready);
    let ready = ready.unwrap_or(!known || phase.is_none());
    let pod = Pod {
        namespace: object.namespace.clone().unwrap_or_default(),
        name: object.name.clone(),
        labels: labels(metadata.labels),
        unknown_labels: &[],
        service_account: service_account(&spec),
        ips,
        ports: container_ports(&spec),
        probes: probed_ports(&spec),
        host_network,
        node: spec.node_name,
        owner: None,
        template: false,
        ready: ready && !terminating,
        finished: matches!(phase, Some("Succeeded" | "Failed")),
        origin: Origin::Synthetic,
    };
    Found { object, body: Body::Pod { pod: Box::new(pod), controller } }
}

/// The ServiceAccount admission controller fills in `default`.
fn service_account(spec: &wire::PodSpec) -> Name {
    static DEFAULT: LazyLock<Name> = LazyLock::new(|| "default".into());
    let written = spec.service_account_name.as_ref().or(spec.service_account.as_ref());
    written.filter(|name| !name.is_empty()).unwrap_or(&DEFAULT).clone()
}

fn addresses(list: Option<Vec<wire::Ip>>, single: Option<String>) -> Vec<IpAddr> {
    let list = list.unwrap_or_default();
    let mut ips: Vec<IpAddr> =
        list.iter().filter_map(|item| item.ip.as_ref()?.parse().ok()).collect();
    if ips.is_empty() {
        ips.extend(single.and_then(|ip| ip.parse::<IpAddr>().ok()));
    }
    ips
}

fn container_ports(spec: &wire::PodSpec) -> Arc<[ContainerPort]> {
    let is_sidecar = |c: &&wire::Container| c.restart_policy.as_deref() == Some("Always");
    let containers = spec.containers.iter().flatten().map(|container| (container, false));
    let sidecars = spec.init_containers.iter().flatten().filter(is_sidecar).map(|c| (c, true));
    let ports = containers.chain(sidecars).flat_map(|(container, sidecar)| {
        container.ports.iter().flatten().map(move |port| ContainerPort {
            name: port.name.clone().filter(|name| !name.is_empty()),
            port: Port { protocol: protocol(port.protocol), number: port.number },
            host_port: port.host_port.filter(|port| *port != 0),
            sidecar,
        })
    });
    ports.collect()
}

/// The ports at which the kubelet probes containers; a name is one of the container's own ports.
///
/// Source: docs/semantics/system.md#probes.
fn probed_ports(spec: &wire::PodSpec) -> Option<Arc<[Port]>> {
    let is_sidecar = |c: &&wire::Container| c.restart_policy.as_deref() == Some("Always");
    let sidecars = spec.init_containers.iter().flatten().filter(is_sidecar);
    let mut ports: Vec<Port> = Vec::new();
    for container in spec.containers.iter().flatten().chain(sidecars) {
        for number in container.probes().filter_map(|probe| probe.port(container)) {
            let port = Port::tcp(number);
            if !ports.contains(&port) {
                ports.push(port);
            }
        }
    }
    (!ports.is_empty()).then(|| ports.into())
}

fn protocol(written: Option<wire::WireProtocol>) -> Protocol {
    written.map_or(Protocol::Tcp, |protocol| protocol.0)
}

struct WorkloadParts {
    selector: Option<Selector>,
    replicas: Option<u32>,
    completion_mode: Option<String>,
    template: Option<wire::Template>,
}

fn workload_of(
    kind: Kind,
    object: ObjectRef,
    metadata: &wire::Metadata,
    parts: WorkloadParts,
) -> Found {
    let template = parts.template.map(|template| {
        let mut pod = template_pod(&object, template);
        if kind == Kind::Job {
            for key in JOB_NAME {
                pod.labels = pod.labels.with(key, &object.name);
            }
        }
        let indexed = parts.completion_mode.as_deref() == Some("Indexed");
        pod.unknown_labels = run_time_labels(kind, indexed);
        pod
    });
    let workload = FoundWorkload {
        controller: controller(metadata),
        selector: parts.selector,
        replicas: parts.replicas,
        template,
    };
    Found { object, body: Body::Workload(Box::new(workload)) }
}

/// The labels that a Job gives its pods with its own name.
const JOB_NAME: [&str; 2] = ["batch.kubernetes.io/job-name", "job-name"];

/// The label keys that a controller adds to the template's when it makes a pod.
///
/// Source: pkg/controller/{deployment,statefulset,daemon,job} of Kubernetes 1.36. A ReplicaSet adds
/// none: the hash is in the template that its Deployment gave it.
fn run_time_labels(kind: Kind, indexed: bool) -> &'static [&'static str] {
    match (kind, indexed) {
        (Kind::Deployment, _) => &["pod-template-hash"],
        (Kind::StatefulSet, _) => &[
            "controller-revision-hash",
            "statefulset.kubernetes.io/pod-name",
            "apps.kubernetes.io/pod-index",
        ],
        (Kind::DaemonSet, _) => &["controller-revision-hash", "pod-template-generation"],
        (Kind::Job, false) => &["batch.kubernetes.io/controller-uid", "controller-uid"],
        (Kind::Job, true) => &[
            "batch.kubernetes.io/controller-uid",
            "controller-uid",
            "batch.kubernetes.io/job-completion-index",
        ],
        (Kind::CronJob, false) => &[
            "batch.kubernetes.io/controller-uid",
            "controller-uid",
            "batch.kubernetes.io/job-name",
            "job-name",
        ],
        (Kind::CronJob, true) => &[
            "batch.kubernetes.io/controller-uid",
            "controller-uid",
            "batch.kubernetes.io/job-name",
            "job-name",
            "batch.kubernetes.io/job-completion-index",
        ],
        _ => &[],
    }
}

fn template_pod(object: &ObjectRef, template: wire::Template) -> Pod {
    let spec = template.spec.unwrap_or_default();
    Pod {
        namespace: object.namespace.clone().unwrap_or_default(),
        name: object.name.clone(),
        labels: labels(template.metadata.unwrap_or_default().labels),
        unknown_labels: &[],
        service_account: service_account(&spec),
        ips: Vec::new(),
        ports: container_ports(&spec),
        probes: probed_ports(&spec),
        host_network: spec.host_network == Some(true),
        node: spec.node_name,
        owner: None,
        template: true,
        ready: true,
        finished: false,
        origin: Origin::Synthetic,
    }
}

fn service_of(
    object: &ObjectRef,
    labels: Labels,
    spec: wire::ServiceSpec,
    balanced: Option<wire::LoadBalancer>,
) -> Service {
    let ways = entrances::external_ways(&spec, balanced);
    let external = spec.kind.as_deref() == Some("ExternalName");
    let written = spec.cluster_ips.unwrap_or_default();
    let written: Vec<&str> = if written.is_empty() {
        spec.cluster_ip.as_deref().into_iter().collect()
    } else {
        written.iter().map(String::as_str).collect()
    };
    Service {
        namespace: object.namespace.clone().unwrap_or_default(),
        name: object.name.clone(),
        labels,
        selector: spec.selector.map(|map| map.0).filter(|labels| !labels.is_empty() && !external),
        ports: spec.ports.unwrap_or_default().into_iter().map(service_port).collect(),
        headless: written.first() == Some(&"None"),
        cluster_ips: written.iter().filter_map(|ip| ip.parse().ok()).collect(),
        external_name: spec.external_name.filter(|_| external),
        publish_not_ready: spec.publish_not_ready_addresses == Some(true),
        external: ways,
        origin: Origin::Synthetic,
    }
}

fn service_port(written: wire::ServicePort) -> ServicePort {
    let target = match written.target_port {
        // Kubernetes defaults the target to the port itself, and reads 0 and "" as not given.
        None | Some(wire::IntOrName::Number(0)) => TargetPort::Number(written.port),
        Some(wire::IntOrName::Number(number)) => TargetPort::Number(number),
        Some(wire::IntOrName::Name(name)) if name.is_empty() => TargetPort::Number(written.port),
        Some(wire::IntOrName::Name(name)) => match name.parse() {
            Ok(number) => TargetPort::Number(number),
            Err(_) => TargetPort::Name(name),
        },
    };
    let port = Port { protocol: protocol(written.protocol), number: written.port };
    let name = written.name.filter(|name| !name.is_empty());
    ServicePort { name, port, target, node_port: written.node_port.filter(|port| *port != 0) }
}

pub(super) fn slice_port(written: wire::EndpointPort) -> (Option<Name>, Option<u16>, Protocol) {
    (written.name.filter(|name| !name.is_empty()), written.port, protocol(written.protocol))
}

fn endpoint(written: wire::Endpoint) -> SliceEndpoint {
    let addresses = written.addresses.unwrap_or_default();
    let target = written.target_ref.filter(|target| target.kind.as_deref() == Some("Pod"));
    SliceEndpoint {
        addresses: addresses.iter().filter_map(|address| address.parse().ok()).collect(),
        pod: target.and_then(|target| target.name),
        // "Nil should be interpreted as true": discovery/v1 EndpointConditions.
        ready: written.conditions.and_then(|conditions| conditions.ready).unwrap_or(true),
    }
}
