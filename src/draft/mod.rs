//! Policies that this program writes, in whichever dialect is wanted.
//!
//! In: a [`Draft`], which is what one policy is to open or close. Out: the object, as a NetworkPolicy
//! ([`Draft::network_policy`]), as a CiliumNetworkPolicy ([`Draft::cilium`]) or as a NetworkPolicy of
//! Calico ([`Draft::calico`]). Nothing here asks what a cluster has; who drafts a policy has done so.
//!
//! ```
//! use netpol::draft::{Dialect, Draft};
//!
//! let closed = Draft { ingress: Some(Vec::new()), ..Draft::new("team-a", "default-deny-ingress") };
//! let policy = closed.object(Dialect::Cilium).unwrap();
//! assert_eq!(policy["spec"]["ingress"], serde_json::json!([{}]));
//! ```

mod calico;
mod cilium;
mod networkpolicy;

use crate::cluster::Protocol;
use crate::kinds::{self, Kind};
use crate::policy::Enforcer;
use ipnet::IpNet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Labels of an object, in their order.
pub type LabelMap = BTreeMap<String, String>;

/// The longest name of an object.
const LONGEST_NAME: usize = 253;

/// The language of a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// `networking.k8s.io/v1` NetworkPolicy.
    #[default]
    NetworkPolicy,
    /// `cilium.io/v2` CiliumNetworkPolicy.
    Cilium,
    /// `projectcalico.org/v3` NetworkPolicy.
    Calico,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::NetworkPolicy, Self::Cilium, Self::Calico];

    /// What it is called on a command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::NetworkPolicy => "networkpolicy",
            Self::Cilium => "cilium",
            Self::Calico => "calico",
        }
    }

    /// The kind of its policies.
    pub fn kind(self) -> Kind {
        match self {
            Self::NetworkPolicy => Kind::NetworkPolicy,
            Self::Cilium => Kind::CiliumNetworkPolicy,
            Self::Calico => Kind::CalicoNetworkPolicy,
        }
    }

    /// Whether whoever enforces the policies reads these.
    pub fn is_read_by(self, enforcer: &Enforcer) -> bool {
        match self {
            Self::NetworkPolicy => true,
            Self::Cilium => enforcer.cilium().is_some(),
            Self::Calico => enforcer.calico().is_some(),
        }
    }

    /// The dialect of an object, as the API writes it.
    pub fn of_object(object: &Value) -> Option<Self> {
        let word = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
        let kinds::Known::Read(kind) = kinds::lookup(word("apiVersion"), word("kind")) else {
            return None;
        };
        Self::ALL.into_iter().find(|dialect| dialect.kind() == kind)
    }
}

/// One policy, before it is written in a dialect.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Labels of the object.
    pub labels: LabelMap,
    /// Annotations of the object.
    pub annotations: LabelMap,
    /// The tier that it stands in, where that is one of Calico's; none means the default one.
    pub tier: Option<String>,
    /// The pods that it selects.
    pub subject: Selector,
    /// What may come in. `None`: it says nothing of that; empty: nothing may.
    pub ingress: Option<Vec<Rule>>,
    /// The same of what may go out.
    pub egress: Option<Vec<Rule>>,
}

/// One rule: any of the peers, on any of the ports.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// At least one.
    pub peers: Vec<Peer>,
    /// None means every port.
    pub ports: Vec<Port>,
    /// Patterns of names that may be asked for, where the peers serve DNS to Cilium's proxy; none
    /// means no proxy. Only Cilium knows this.
    pub dns: Vec<String>,
}

/// Pods of a namespace by their labels; without any it means all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Selector {
    /// Labels that they have.
    pub labels: LabelMap,
    /// Keys of labels that they do not have.
    pub absent: BTreeSet<String>,
}

impl Selector {
    /// Whether it means every pod.
    pub fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.absent.is_empty()
    }
}

impl From<LabelMap> for Selector {
    fn from(labels: LabelMap) -> Self {
        Self { labels, absent: BTreeSet::new() }
    }
}

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// Pods by labels, of the policy's own namespace unless one is named.
    Pods {
        /// Their namespace.
        namespace: Option<String>,
        /// Which of them.
        pods: Selector,
    },
    /// Every pod of the cluster.
    AnyPod,
    /// Addresses outside the cluster.
    Block(IpNet),
    /// One of Cilium's entities.
    Entity(Entity),
    /// A DNS name outside the cluster, to which pods may connect.
    Name(String),
}

/// Those of Cilium's entities that policies are drafted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entity {
    /// The pod's own node.
    Host,
    /// Every other node.
    RemoteNode,
    /// The API server.
    KubeApiserver,
}

impl Entity {
    /// The name that Cilium has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::RemoteNode => "remote-node",
            Self::KubeApiserver => "kube-apiserver",
        }
    }
}

/// A port of a pod, by number or by the name that the pod has for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Its protocol.
    pub protocol: Protocol,
    /// Number or name.
    pub port: IntOrString,
}

impl Port {
    /// A port by its number.
    pub fn number(protocol: Protocol, number: u16) -> Self {
        Self { protocol, port: IntOrString::Int(number.into()) }
    }

    /// Where DNS is served.
    pub fn dns() -> Vec<Self> {
        [Protocol::Udp, Protocol::Tcp].map(|protocol| Self::number(protocol, 53)).into()
    }
}

impl Draft {
    /// A policy that says nothing yet.
    pub fn new(namespace: &str, name: &str) -> Self {
        let name = name.chars().take(LONGEST_NAME).collect();
        Self { namespace: namespace.to_owned(), name, ..Self::default() }
    }

    /// The policy as the API writes it; `None` where the dialect has no words for a peer.
    pub fn object(&self, dialect: Dialect) -> Option<Value> {
        match dialect {
            Dialect::NetworkPolicy => serde_json::to_value(self.network_policy()?).ok(),
            Dialect::Cilium => Some(self.cilium()),
            Dialect::Calico => self.calico(),
        }
    }

    fn metadata(&self) -> ObjectMeta {
        let given = |map: &LabelMap| (!map.is_empty()).then(|| map.clone());
        ObjectMeta {
            name: Some(self.name.clone()),
            namespace: Some(self.namespace.clone()),
            labels: given(&self.labels),
            annotations: given(&self.annotations),
            ..ObjectMeta::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pods of a namespace by their labels.
    pub(super) fn pods(namespace: Option<&str>, labels: &[(&str, &str)]) -> Peer {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let pods = labels.collect::<LabelMap>().into();
        Peer::Pods { namespace: namespace.map(Into::into), pods }
    }

    /// Of two kinds of one name the group tells.
    #[test]
    fn the_dialect_of_an_object() {
        for dialect in Dialect::ALL {
            let object = Draft::new("a", "b").object(dialect).unwrap();
            assert_eq!(Dialect::of_object(&object), Some(dialect));
        }
    }
}
