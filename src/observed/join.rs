//! The ends of an observed flow, found in the snapshot.
//!
//! In: a [`Party`] as Hubble names it. Out: an [`Endpoint`], or why there is none. A pod that is not
//! there is judged by another of its workload, or by the workload's template, as long as Hubble's
//! labels do not say otherwise.

use crate::cluster::{Labels, Name, ObjectRef, Origin, PodId, Snapshot, may_be_set};
use crate::hubble::{Flow, Party, Pods, PodsOf, PolicyName};
use crate::policy::Ruleset;
use crate::verdict::Endpoint;
use foldhash::HashMap;
use std::net::IpAddr;

/// Labels that Cilium makes up, or that differ from pod to pod of one workload.
const NOT_OF_TEMPLATE: [&str; 4] =
    ["io.kubernetes.", "io.cilium.", "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/"];

/// Label keys whose value is a hash of the template: another version of the workload, or the same.
const HASHES: [&str; 3] =
    ["pod-template-hash", "controller-revision-hash", "pod-template-generation"];

/// Look-ups by the names and addresses that Hubble gives.
#[derive(Debug, Default)]
pub struct Index {
    /// Kinds of the policies that were read, by namespace and name.
    policies: HashMap<Name, HashMap<Name, Vec<Name>>>,
    /// Something of it was read from files.
    from_files: bool,
    pods: HashMap<Name, HashMap<Name, PodId>>,
    addresses: HashMap<IpAddr, Endpoint>,
    nodes: HashMap<Name, usize>,
}

/// Why an end is not in the snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Unjoined {
    /// No pod of the name, and none of its workload that is like it.
    NoPod {
        /// Its namespace.
        namespace: Box<str>,
        /// Its name.
        pod: Box<str>,
    },
    /// A node that is not known.
    NoNode,
    /// Hubble gives neither a pod nor an address.
    Nameless,
}

impl Index {
    /// Prepares the look-ups.
    pub fn new(snapshot: &Snapshot, rules: &Ruleset) -> Self {
        let mut index = Self::default();
        let is_live = |origin: &Origin| matches!(origin, Origin::Live { .. });
        index.from_files = snapshot.pods().iter().any(|pod| !is_live(&pod.origin));
        for policy in rules.policies() {
            let ObjectRef { kind, namespace, name } = policy.object.clone();
            let of_namespace = index.policies.entry(namespace.unwrap_or_default()).or_default();
            of_namespace.entry(name).or_default().push(kind);
            index.from_files |= !is_live(&policy.origin);
        }
        for (id, pod) in snapshot.pods().iter().enumerate() {
            if !pod.template {
                let of_namespace = index.pods.entry(pod.namespace.clone()).or_default();
                of_namespace.insert(pod.name.clone(), id);
            }
            if pod.finished || pod.host_network {
                continue;
            }
            for ip in &pod.ips {
                index.addresses.insert(*ip, Endpoint::Pod(id));
            }
        }
        for (at, node) in snapshot.nodes.iter().enumerate() {
            index.nodes.insert(node.name.clone(), at);
            for ip in &node.ips {
                // At the address that was seen, which may be one of several.
                index.addresses.insert(*ip, Endpoint::NodeAddress(at, *ip));
            }
        }
        index
    }

    /// Who has an address by the snapshot.
    pub fn at(&self, ip: IpAddr) -> Option<&Endpoint> {
        self.addresses.get(&ip)
    }

    /// Whether anything of it was read from files, rather than from the cluster that Hubble sees.
    pub fn is_from_files(&self) -> bool {
        self.from_files
    }

    /// Whether a policy that Hubble names is one of those that were read.
    pub fn has_policy(&self, policy: &PolicyName) -> bool {
        let named = self.policies.get(&*policy.namespace).and_then(|it| it.get(&*policy.name));
        // Before 1.18 Hubble tells no kind; a name alone is no proof of another policy.
        named.is_some_and(|kinds| {
            policy.kind.is_empty() || kinds.iter().any(|kind| **kind == *policy.kind)
        })
    }

    /// The end of a flow that a party is.
    pub fn endpoint(
        &self,
        snapshot: &Snapshot,
        flow: &Flow,
        party: &Party,
    ) -> Result<Endpoint, Unjoined> {
        if party.is_pod() {
            return self.pod(snapshot, party).map(Endpoint::Pod).ok_or_else(|| Unjoined::NoPod {
                namespace: party.namespace.clone(),
                pod: party.pod.clone(),
            });
        }
        let address = party.ip.ok_or(Unjoined::Nameless);
        if party.is_node() {
            if let Some(known @ Endpoint::NodeAddress(..)) = party.ip.and_then(|ip| self.at(ip)) {
                return Ok(known.clone());
            }
            // The host is the node that reports; in front of its name may be the cluster's.
            let reporter = flow.node.rsplit('/').next().unwrap_or_default();
            let host = party.identity == 1 || party.is_reserved("host");
            let node = self.nodes.get(reporter).filter(|_| host);
            return node.map(|at| Endpoint::Node(*at)).ok_or(Unjoined::NoNode);
        }
        if party.is_world() || party.labels.iter().any(|label| label.starts_with("cidr:")) {
            return address.map(Endpoint::Address);
        }
        let address = address?;
        Ok(self.at(address).cloned().unwrap_or(Endpoint::Address(address)))
    }

    fn pod(&self, snapshot: &Snapshot, party: &Party) -> Option<PodId> {
        let of_namespace = self.pods.get(&*party.namespace);
        if let Some(id) = of_namespace.and_then(|pods| pods.get(&*party.pod)) {
            return Some(*id);
        }
        let like = |(_, pod): &(PodId, &crate::cluster::Pod)| {
            let owner = pod.owner.and_then(|owner| snapshot.workloads.get(owner));
            owner.is_some_and(|owner| {
                let pods = Pods {
                    namespace: pod.namespace.clone(),
                    name: owner.object.name.clone(),
                    of: PodsOf::Workload(owner.object.kind.clone()),
                };
                pods.has(party) && contradiction(party, &pod.labels, pod.unknown_labels).is_none()
            })
        };
        snapshot.pods_in(&party.namespace).find(like).map(|(id, _)| id)
    }
}

/// A label of Hubble's that a pod has otherwise, or not at all.
///
/// Cilium leaves out labels by its settings, so that it has none says nothing.
pub(super) fn contradiction(
    party: &Party,
    labels: &Labels,
    unknown: &[&str],
) -> Option<(String, String)> {
    let mut own = party.labels.iter().filter_map(|label| label.strip_prefix("k8s:"));
    own.find_map(|label| {
        let (key, value) = label.split_once('=').unwrap_or((label, ""));
        if NOT_OF_TEMPLATE.iter().any(|prefix| key.starts_with(prefix))
            || HASHES.contains(&key)
            || may_be_set(unknown, key)
            || labels.get(key) == Some(value)
        {
            return None;
        }
        Some((key.to_owned(), value.to_owned()))
    })
}
