//! Services and the endpoints behind them.

use super::{Labels, Name, Origin, Pod, Port, Protocol};
use ipnet::IpNet;
use std::net::IpAddr;

/// Where a Service port leads on the pod.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TargetPort {
    /// This number.
    Number(u16),
    /// The container port of this name, which each pod may place elsewhere.
    Name(Name),
}

/// One port of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// The name, if it has one.
    pub name: Option<Name>,
    /// The port that clients dial.
    pub port: Port,
    /// The port on the pod, which is what policies see.
    pub target: TargetPort,
    /// The port that leads to it on every address of every node.
    pub node_port: Option<u16>,
}

impl ServicePort {
    /// Whether it leads to this port of this pod.
    pub fn leads_to(&self, pod: &Pod, port: Port) -> bool {
        self.port.protocol == port.protocol
            && match &self.target {
                TargetPort::Number(number) => *number == port.number,
                TargetPort::Name(name) => {
                    pod.named_ports(name, port.protocol).next() == Some(port.number)
                }
            }
    }
}

/// A Service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub name: Name,
    /// Its own labels.
    pub labels: Labels,
    /// The labels of its pods; `None` when others write its EndpointSlices.
    pub selector: Option<Labels>,
    /// Its ports.
    pub ports: Vec<ServicePort>,
    /// `clusterIP: None`: its name resolves to the pods themselves, so no port is translated.
    pub headless: bool,
    /// Its virtual addresses, once known.
    pub cluster_ips: Vec<IpAddr>,
    /// `type: ExternalName`: the name that it stands for.
    pub external_name: Option<Name>,
    /// Pods take traffic before they are ready.
    pub publish_not_ready: bool,
    /// How it is reached from outside.
    pub external: ExternalWays,
    /// Where it was written.
    pub origin: Origin,
}

impl Service {
    /// Whether its selector selects these labels. A Service without a selector selects nothing.
    pub fn selects(&self, labels: &Labels) -> bool {
        self.selector.as_ref().is_some_and(|selector| {
            !selector.is_empty() && selector.iter().all(|(k, v)| labels.get(k) == Some(v))
        })
    }
}

/// What a Service opens to the outside by its type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Opens {
    /// Nothing.
    #[default]
    Nothing,
    /// A port of every node.
    NodePorts,
    /// A load balancer, and mostly a port of every node.
    LoadBalancer,
}

/// How a Service is reached from outside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExternalWays {
    /// What its type opens.
    pub opens: Opens,
    /// `spec.externalIPs`.
    pub ips: Vec<IpAddr>,
    /// The addresses of its load balancer, and whether nodes leave it to that one to pass traffic on.
    pub load_balancer: Vec<(IpAddr, bool)>,
    /// The host names of its load balancer.
    pub names: Vec<Name>,
    /// `externalTrafficPolicy: Local`: only the receiving node's own pods take traffic, and they see who
    /// sent it.
    pub local: bool,
    /// `loadBalancerSourceRanges`: who else is not let through in front of it.
    pub source_ranges: Vec<IpNet>,
    /// `healthCheckNodePort`, where nodes say whether they have such a pod.
    pub health_check_port: Option<u16>,
}

/// Endpoints of a Service, as a controller or a person wrote them.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointSlice {
    /// Its namespace.
    pub namespace: Name,
    /// The Service it belongs to (label `kubernetes.io/service-name`).
    pub service: Name,
    /// Name, number and protocol of each port; no number means every port.
    pub ports: Vec<(Option<Name>, Option<u16>, Protocol)>,
    /// The endpoints.
    pub endpoints: Vec<SliceEndpoint>,
    /// A controller of the cluster keeps it, so that it says what other objects do.
    pub kept: bool,
}

impl EndpointSlice {
    /// Whether a Service leads to what it lists. Of one with a selector the cluster keeps slices that list
    /// its pods, and whoever writes another adds to these.
    ///
    /// Source: docs/semantics/services.md#endpoints.
    pub fn is_of(&self, service: &Service) -> bool {
        self.service == service.name
            && self.namespace == service.namespace
            && (service.selector.is_none() || !self.kept)
    }
}

/// One endpoint of a slice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceEndpoint {
    /// Its addresses, all equivalent.
    pub addresses: Vec<IpAddr>,
    /// The pod it is, where the slice says so.
    pub pod: Option<Name>,
    /// It takes traffic.
    pub ready: bool,
}
