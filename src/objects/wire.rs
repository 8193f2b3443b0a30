//! Kubernetes objects as they are written, cut down to the fields that are read.
//!
//! In: any serde deserializer, so that the same types read a YAML tree and the API's JSON. Every
//! field is an `Option`, since null means absent to Kubernetes. Unknown fields are skipped: these
//! objects are facts, not policies. Out: [`found`](super::found) makes objects of them.

use crate::cluster::{Labels, Name, Protocol};
use crate::policy;
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// `metadata`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Metadata {
    pub(super) name: Option<Name>,
    pub(super) generate_name: Option<Name>,
    pub(super) namespace: Option<Name>,
    pub(super) labels: Option<LabelMap>,
    pub(super) annotations: Option<Annotations>,
    pub(super) owner_references: Option<Vec<OwnerReference>>,
    pub(super) deletion_timestamp: Option<IgnoredAny>,
}

impl policy::Metadata<'_> for Metadata {
    fn labels(&self) -> Labels {
        self.labels.as_ref().map(|labels| labels.0.clone()).unwrap_or_default()
    }
}

impl Metadata {
    /// One of the annotations that are read.
    pub(super) fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.0.get(key)
    }
}

/// The few annotations that are read: others may be large.
#[derive(Debug, Default)]
pub(super) struct Annotations(pub(super) Labels);

/// Which these are.
const ANNOTATIONS: &[&str] = &[
    "kubernetes.io/ingress.class",
    "ingressclass.kubernetes.io/is-default-class",
    "nginx.ingress.kubernetes.io/rewrite-target",
    "nginx.ingress.kubernetes.io/use-regex",
];

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Few;
        impl<'de> Visitor<'de> for Few {
            type Value = Annotations;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of strings to strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations, A::Error> {
                let mut few: Vec<(Name, Name)> = Vec::new();
                while let Some(key) = map.next_key::<Name>()? {
                    if ANNOTATIONS.contains(&&*key) {
                        let value = map.next_value::<Option<Name>>()?;
                        few.push((key, value.unwrap_or_default()));
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Annotations(few.into_iter().collect()))
            }
        }
        source.deserialize_map(Few)
    }
}

/// One of `metadata.ownerReferences`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct OwnerReference {
    pub(super) api_version: Option<String>,
    pub(super) kind: Name,
    pub(super) name: Name,
    pub(super) controller: Option<bool>,
}

/// Labels, or any other mapping from strings to strings.
#[derive(Debug, Default)]
pub(super) struct LabelMap(pub(super) Labels);

impl<'de> Deserialize<'de> for LabelMap {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = LabelMap;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of strings to strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LabelMap, A::Error> {
                let mut labels: Vec<(Name, Name)> = Vec::new();
                // Go reads a null string as the empty one.
                while let Some((key, value)) = map.next_entry::<Name, Option<Name>>()? {
                    labels.push((key, value.unwrap_or_default()));
                }
                Ok(LabelMap(labels.into_iter().collect()))
            }
        }
        source.deserialize_map(Pairs)
    }
}

/// A protocol, in capitals only as the API server takes it.
#[derive(Debug, Clone, Copy)]
pub(super) struct WireProtocol(pub(super) Protocol);

impl<'de> Deserialize<'de> for WireProtocol {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Word;
        impl Visitor<'_> for Word {
            type Value = WireProtocol;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("TCP, UDP or SCTP")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<WireProtocol, E> {
                Protocol::ALL
                    .into_iter()
                    .find(|protocol| protocol.as_str() == word)
                    .map(WireProtocol)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(word), &self))
            }
        }
        source.deserialize_str(Word)
    }
}

/// A port by number or by name.
#[derive(Debug)]
pub(super) enum IntOrName {
    Number(u16),
    Name(Name),
}

impl<'de> Deserialize<'de> for IntOrName {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = IntOrName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port number or the name of a container port")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<IntOrName, E> {
                u16::try_from(number)
                    .map(IntOrName::Number)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<IntOrName, E> {
                u16::try_from(number)
                    .map(IntOrName::Number)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<IntOrName, E> {
                Ok(IntOrName::Name(name.into()))
            }
        }
        source.deserialize_any(Either)
    }
}

/// An object of which only the metadata is read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Bare {
    pub(super) metadata: Option<Metadata>,
}

/// A Pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Pod {
    pub(super) metadata: Option<Metadata>,
    pub(super) spec: Option<PodSpec>,
    pub(super) status: Option<PodStatus>,
}

/// `spec` of a Pod or of a pod template.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodSpec {
    pub(super) containers: Option<Vec<Container>>,
    pub(super) init_containers: Option<Vec<Container>>,
    pub(super) host_network: Option<bool>,
    pub(super) node_name: Option<Name>,
    pub(super) service_account_name: Option<Name>,
    /// The name that it had before.
    pub(super) service_account: Option<Name>,
}

/// A container or an init container.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Container {
    pub(super) ports: Option<Vec<ContainerPort>>,
    pub(super) restart_policy: Option<String>,
    pub(super) liveness_probe: Option<Probe>,
    pub(super) readiness_probe: Option<Probe>,
    pub(super) startup_probe: Option<Probe>,
}

impl Container {
    /// Its probes.
    pub(super) fn probes(&self) -> impl Iterator<Item = &Probe> {
        [&self.liveness_probe, &self.readiness_probe, &self.startup_probe].into_iter().flatten()
    }
}

/// A probe; one that runs a command in the container has none of these.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Probe {
    http_get: Option<Probed>,
    tcp_socket: Option<Probed>,
    grpc: Option<Probed>,
}

impl Probe {
    /// The port that it asks, by the names of its container.
    pub(super) fn port(&self, container: &Container) -> Option<u16> {
        let asked = self.http_get.as_ref().or(self.tcp_socket.as_ref()).or(self.grpc.as_ref())?;
        match asked.port.0.as_ref()? {
            IntOrName::Number(number) => Some(*number).filter(|number| *number != 0),
            IntOrName::Name(name) => {
                let mut ports = container.ports.iter().flatten();
                ports.find(|port| port.name.as_ref() == Some(name)).map(|port| port.number)
            }
        }
    }
}

/// What a probe asks.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Probed {
    port: ProbePort,
}

/// A port, or whatever stands in its place, which no pod is left out for.
#[derive(Debug, Default)]
struct ProbePort(Option<IntOrName>);

impl<'de> Deserialize<'de> for ProbePort {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = ProbePort;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port number or the name of a container port")
            }

            fn visit_u64<E>(self, number: u64) -> Result<ProbePort, E> {
                Ok(ProbePort(u16::try_from(number).ok().map(IntOrName::Number)))
            }

            fn visit_i64<E>(self, number: i64) -> Result<ProbePort, E> {
                Ok(ProbePort(u16::try_from(number).ok().map(IntOrName::Number)))
            }

            fn visit_f64<E>(self, _: f64) -> Result<ProbePort, E> {
                Ok(ProbePort(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<ProbePort, E> {
                Ok(ProbePort(None))
            }

            fn visit_str<E>(self, name: &str) -> Result<ProbePort, E> {
                Ok(ProbePort(Some(IntOrName::Name(name.into()))))
            }

            fn visit_unit<E>(self) -> Result<ProbePort, E> {
                Ok(ProbePort(None))
            }
        }
        source.deserialize_any(Either)
    }
}

/// One of a container's `ports`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContainerPort {
    pub(super) name: Option<Name>,
    #[serde(rename = "containerPort")]
    pub(super) number: u16,
    pub(super) protocol: Option<WireProtocol>,
    #[serde(rename = "hostPort")]
    pub(super) host_port: Option<u16>,
}

/// `status` of a Pod.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodStatus {
    pub(super) phase: Option<String>,
    pub(super) conditions: Option<Vec<Condition>>,
    #[serde(rename = "podIP")]
    pub(super) pod_ip: Option<String>,
    #[serde(rename = "podIPs")]
    pub(super) pod_ips: Option<Vec<Ip>>,
    #[serde(rename = "hostIP")]
    pub(super) host_ip: Option<String>,
    #[serde(rename = "hostIPs")]
    pub(super) host_ips: Option<Vec<Ip>>,
}

/// One of `status.podIPs`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ip {
    pub(super) ip: Option<String>,
}

/// One of `status.conditions`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) status: Option<String>,
}

/// A Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or CronJob, or a ReplicationController.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "S: Deserialize<'de> + Default"))]
pub(super) struct Controller<S> {
    pub(super) metadata: Option<Metadata>,
    pub(super) spec: Option<ControllerSpec<S>>,
}

/// `spec` of a workload; `S` is how its selector is written.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "S: Deserialize<'de> + Default"))]
pub(super) struct ControllerSpec<S> {
    pub(super) selector: Option<S>,
    pub(super) replicas: Option<u32>,
    pub(super) completion_mode: Option<String>,
    pub(super) template: Option<Template>,
    pub(super) job_template: Option<JobTemplate>,
}

/// A pod template.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Template {
    pub(super) metadata: Option<Metadata>,
    pub(super) spec: Option<PodSpec>,
}

/// `spec.jobTemplate` of a CronJob.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct JobTemplate {
    pub(super) spec: Option<JobSpec>,
}

/// `spec.jobTemplate.spec`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct JobSpec {
    pub(super) completion_mode: Option<String>,
    pub(super) template: Option<Template>,
}

/// A Service.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Service {
    pub(super) metadata: Option<Metadata>,
    pub(super) spec: Option<ServiceSpec>,
    pub(super) status: Option<Balanced>,
}

/// `status` of a Service or an Ingress.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Balanced {
    pub(super) load_balancer: Option<LoadBalancer>,
}

/// `status.loadBalancer`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LoadBalancer {
    pub(super) ingress: Option<Vec<LoadBalancerIngress>>,
}

/// One of `status.loadBalancer.ingress`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct LoadBalancerIngress {
    pub(super) ip: Option<String>,
    pub(super) hostname: Option<Name>,
    pub(super) ip_mode: Option<String>,
}

/// `spec` of a Service.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ServiceSpec {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) selector: Option<LabelMap>,
    pub(super) ports: Option<Vec<ServicePort>>,
    #[serde(rename = "clusterIP")]
    pub(super) cluster_ip: Option<String>,
    #[serde(rename = "clusterIPs")]
    pub(super) cluster_ips: Option<Vec<String>>,
    pub(super) external_name: Option<Name>,
    pub(super) publish_not_ready_addresses: Option<bool>,
    #[serde(rename = "externalIPs")]
    pub(super) external_ips: Option<Vec<String>>,
    pub(super) external_traffic_policy: Option<String>,
    pub(super) load_balancer_source_ranges: Option<Vec<String>>,
    pub(super) health_check_node_port: Option<u16>,
}

/// One of a Service's `ports`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServicePort {
    pub(super) name: Option<Name>,
    pub(super) port: u16,
    pub(super) protocol: Option<WireProtocol>,
    pub(super) target_port: Option<IntOrName>,
    pub(super) node_port: Option<u16>,
}

/// An Ingress.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ingress {
    pub(super) metadata: Option<Metadata>,
    pub(super) spec: Option<IngressSpec>,
    pub(super) status: Option<Balanced>,
}

/// `spec` of an Ingress.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct IngressSpec {
    pub(super) ingress_class_name: Option<Name>,
    pub(super) tls: Option<Vec<IgnoredAny>>,
    pub(super) default_backend: Option<IngressBackend>,
    pub(super) rules: Option<Vec<IngressRule>>,
}

/// One of an Ingress's `rules`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct IngressRule {
    pub(super) host: Option<Name>,
    pub(super) http: Option<IngressPaths>,
}

/// `http` of a rule.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct IngressPaths {
    pub(super) paths: Option<Vec<IngressPath>>,
}

/// One of the `paths` of a rule.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct IngressPath {
    pub(super) path: Option<Name>,
    pub(super) path_type: Option<String>,
    pub(super) backend: Option<IngressBackend>,
}

/// `backend` of a path.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct IngressBackend {
    pub(super) service: Option<IngressService>,
    pub(super) resource: Option<IngressResource>,
}

/// `resource` of a backend.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct IngressResource {
    pub(super) kind: Option<Name>,
    pub(super) name: Option<Name>,
}

/// `service` of a backend.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct IngressService {
    pub(super) name: Option<Name>,
    pub(super) port: Option<IngressPort>,
}

/// `port` of a backend.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct IngressPort {
    pub(super) name: Option<Name>,
    pub(super) number: Option<u16>,
}

/// An Endpoints object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Endpoints {
    pub(super) metadata: Option<Metadata>,
    pub(super) subsets: Option<Vec<EndpointSubset>>,
}

/// One of its `subsets`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EndpointSubset {
    pub(super) addresses: Option<Vec<EndpointAddress>>,
    pub(super) not_ready_addresses: Option<Vec<EndpointAddress>>,
    pub(super) ports: Option<Vec<EndpointPort>>,
}

/// One of a subset's `addresses`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EndpointAddress {
    pub(super) ip: Option<String>,
    pub(super) target_ref: Option<TargetRef>,
}

/// An EndpointSlice.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EndpointSlice {
    pub(super) metadata: Option<Metadata>,
    pub(super) ports: Option<Vec<EndpointPort>>,
    pub(super) endpoints: Option<Vec<Endpoint>>,
}

/// One of an EndpointSlice's `ports`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EndpointPort {
    pub(super) name: Option<Name>,
    pub(super) port: Option<u16>,
    pub(super) protocol: Option<WireProtocol>,
}

/// One of an EndpointSlice's `endpoints`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Endpoint {
    pub(super) addresses: Option<Vec<String>>,
    pub(super) conditions: Option<EndpointConditions>,
    pub(super) target_ref: Option<TargetRef>,
}

/// `conditions` of an endpoint.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct EndpointConditions {
    pub(super) ready: Option<bool>,
}

/// `targetRef` of an endpoint.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TargetRef {
    pub(super) kind: Option<String>,
    pub(super) name: Option<Name>,
}

/// A Node.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Node {
    pub(super) metadata: Option<Metadata>,
    pub(super) spec: Option<NodeSpec>,
    pub(super) status: Option<NodeStatus>,
}

/// `spec` of a Node.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeSpec {
    #[serde(rename = "podCIDR")]
    pub(super) pod_cidr: Option<String>,
    #[serde(rename = "podCIDRs")]
    pub(super) pod_cidrs: Option<Vec<String>>,
}

/// `status` of a Node.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeStatus {
    pub(super) addresses: Option<Vec<NodeAddress>>,
}

/// One of `status.addresses`: an address, or a name that is skipped.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeAddress {
    pub(super) address: Option<String>,
}
