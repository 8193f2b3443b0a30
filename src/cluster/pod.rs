//! Pods, and the workloads that own them.

use super::{
    Addresses, Family, Labels, Mismatch, Name, ObjectRef, Origin, Port, Protocol, Selector, Truth,
};
use std::net::IpAddr;
use std::sync::Arc;

/// A port that a container declares. It opens nothing; policies refer to it by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerPort {
    /// The name, if it has one.
    pub name: Option<Name>,
    /// Number and protocol.
    pub port: Port,
    /// The port of the pod's node that leads to it.
    pub host_port: Option<u16>,
    /// Declared by a restartable init container; the specification is silent on those.
    pub sidecar: bool,
}

/// Which ports the names that pods have for them stand for in policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortNames {
    /// Every port that has the name, those of restartable init containers too.
    Every,
    /// The last port that has the name, whatever its protocol; those of init containers have none.
    Last,
}

impl PortNames {
    /// The names that count, with their ports.
    pub fn of(self, declared: &[ContainerPort]) -> impl Iterator<Item = (&Name, Port)> {
        let counts = move |at: usize, one: &ContainerPort| {
            let later = || declared.iter().skip(at + 1).filter(|it| !it.sidecar);
            self == Self::Every || (!one.sidecar && later().all(|other| other.name != one.name))
        };
        let counting = declared.iter().enumerate().filter(move |(at, one)| counts(*at, one));
        counting.filter_map(|(_, one)| Some((one.name.as_ref()?, one.port)))
    }
}

/// A pod that runs, or that a workload's template describes.
#[derive(Clone, Debug, PartialEq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: Name,
    /// Its name; for a template the workload's name.
    pub name: Name,
    /// Its labels.
    pub labels: Labels,
    /// Label keys that its controller sets when it makes the pod: here they are without a value. With
    /// [`ANY_OTHER_LABEL`] it may set any other too.
    pub unknown_labels: &'static [&'static str],
    /// The ServiceAccount that it runs as.
    pub service_account: Name,
    /// Its addresses, at most one a family; empty while none is known.
    pub ips: Vec<IpAddr>,
    /// The ports of its containers and restartable init containers.
    pub ports: Arc<[ContainerPort]>,
    /// The ports at which its node probes it, where it does.
    pub probes: Option<Arc<[Port]>>,
    /// It shares its node's network.
    pub host_network: bool,
    /// The node it runs on, once known.
    pub node: Option<Name>,
    /// Index of its workload in [`Snapshot::workloads`](super::Snapshot::workloads).
    pub owner: Option<usize>,
    /// It stands for all pods that its workload will have, none of which is known.
    pub template: bool,
    /// It takes traffic from Services; true while nothing else is known.
    pub ready: bool,
    /// Phase Succeeded or Failed: its containers are gone and its address may be another's.
    pub finished: bool,
    /// Where it was written.
    pub origin: Origin,
}

/// Stands among the labels that a controller sets for all others, of which it is not known whether it
/// sets them. No key is called so.
pub const ANY_OTHER_LABEL: &str = "*";

/// Whether a controller sets, or may set, a label that is not written.
pub fn may_be_set(unknown: &[&str], key: &str) -> bool {
    unknown.iter().any(|other| *other == key || *other == ANY_OTHER_LABEL)
}

/// Stands among the labels that are not known for those that Calico's selectors see of a pod's
/// ServiceAccount.
pub const ANY_ACCOUNT_LABEL: &str = "pcsa.*";

/// The label of a pod whose ServiceAccount's labels are among its own: it names the ServiceAccount.
///
/// Source: docs/semantics/calico.md#labels.
pub const ACCOUNT_NAME_LABEL: &str = "pcsa.projectcalico.org/name";

/// Whether a label is one of a pod's ServiceAccount, as Calico's selectors see it.
pub fn is_account_label(key: &str) -> bool {
    key.starts_with("pcsa.")
}

/// The label by which Cilium's selectors see the ServiceAccount of a pod.
///
/// Source: docs/semantics/cilium-labels.md#identity-labels.
pub const SERVICE_ACCOUNT_LABEL: &str = "io.cilium.k8s.policy.serviceaccount";

impl Pod {
    /// The value of a label as selectors see it: one that is written, or the pod's ServiceAccount.
    pub fn label(&self, key: &str) -> Option<&str> {
        if key == SERVICE_ACCOUNT_LABEL {
            return Some(&self.service_account);
        }
        // Labels that only seem to be those of its ServiceAccount are not seen.
        if is_account_label(key) && self.labels.get(ACCOUNT_NAME_LABEL).is_none() {
            return None;
        }
        self.labels.get(key)
    }

    /// Whether a selector selects it; Unknown only where a label that is set at run time would
    /// decide.
    pub fn matches(&self, selector: &Selector) -> Truth {
        self.with_unknown(selector, |unknown| selector.matches(|key| self.label(key), unknown))
    }

    /// Asks with the keys of labels that are not known. Those of its ServiceAccount are known only where
    /// they are among its own.
    fn with_unknown<T>(&self, selector: &Selector, ask: impl FnOnce(&[&str]) -> T) -> T {
        let asks = selector.requirements.iter().any(|it| is_account_label(&it.key));
        if asks && self.labels.get(ACCOUNT_NAME_LABEL).is_none() {
            ask(&[self.unknown_labels, &[ANY_ACCOUNT_LABEL]].concat())
        } else {
            ask(self.unknown_labels)
        }
    }

    /// The first requirement that fails, or else the first that is not known to hold.
    pub fn mismatch(&self, selector: &Selector) -> Option<Mismatch> {
        self.with_unknown(selector, |unknown| selector.mismatch(|key| self.label(key), unknown))
    }

    /// Its object: the pod, for a template too.
    pub fn object(&self) -> ObjectRef {
        ObjectRef::namespaced("Pod", self.namespace.clone(), self.name.clone())
    }

    /// What is known of its address in one family, by the pod alone.
    pub fn address(&self, family: Family) -> Addresses {
        if self.ips.is_empty() {
            return Addresses::Unknown;
        }
        self.ips
            .iter()
            .find(|ip| Family::of(**ip) == family)
            .map_or(Addresses::Absent, |ip| Addresses::Known(*ip))
    }

    /// The numbers that a port name has on this pod for one protocol, as those who enforce policies take
    /// it.
    ///
    /// Source: docs/semantics/networkpolicy.md#named-ports and
    /// docs/semantics/cilium-ports.md#named-ports.
    pub fn ports_called(
        &self,
        name: &str,
        protocol: Protocol,
        names: PortNames,
    ) -> impl Iterator<Item = u16> {
        let called = names.of(&self.ports);
        let of_it = called.filter(move |(own, port)| ***own == *name && port.protocol == protocol);
        of_it.map(|(_, port)| port.number)
    }

    /// The numbers that a port name has on this pod for one protocol, sidecars included.
    ///
    /// Source: docs/semantics/networkpolicy.md#named-ports: name and protocol must both agree, and
    /// one name may give several numbers.
    pub fn named_ports(&self, name: &str, protocol: Protocol) -> impl Iterator<Item = u16> {
        self.ports
            .iter()
            .filter(move |declared| {
                declared.port.protocol == protocol && declared.name.as_deref() == Some(name)
            })
            .map(|declared| declared.port.number)
    }
}

/// What owns pods: a Deployment, a StatefulSet, a custom resource with a pod template.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// The object.
    pub object: ObjectRef,
    /// How it finds its pods, where it says so.
    pub selector: Option<Selector>,
    /// How many pods it wants, where it says so.
    pub replicas: Option<u32>,
    /// Where it was written.
    pub origin: Origin,
}
