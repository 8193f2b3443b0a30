//! All policies in the one form, with the index by namespace that keeps look-ups small.

use super::networkpolicy::NetworkPolicy;
use super::rule::{Direction, Namespaces, PeerKind, Peers, Policy};
use crate::cluster::{Name, ObjectRef, Origin};
use std::collections::{BTreeSet, HashMap};

/// Policy objects as read, before anything is made of them.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// `networking.k8s.io/v1` NetworkPolicies.
    pub network_policies: Vec<NetworkPolicy>,
    /// Policy objects whose fields do not even have the right names and types.
    pub undecodable: Vec<Remark>,
    /// Namespaces that may have policies which could not be read.
    pub unread: BTreeSet<Name>,
}

impl Written {
    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.network_policies.len() + self.undecodable.len()
    }

    /// Whether nothing is written at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A policy's index in [`Ruleset::policies`].
pub type PolicyId = usize;

/// What is to be said of one policy object: why the API server would refuse it, so that it is in
/// force nowhere, or what in it does not do what it seems to.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// The object.
    pub object: ObjectRef,
    /// Where it was written.
    pub origin: Origin,
    /// What is wrong, at least one thing.
    pub faults: Vec<Fault>,
}

impl Remark {
    fn of(policy: &NetworkPolicy, faults: Vec<Fault>) -> Option<Self> {
        let (object, origin) = (policy.object(), policy.origin.clone());
        (!faults.is_empty()).then_some(Self { object, origin, faults })
    }
}

/// One thing that validation finds wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field, such as `spec.ingress[0].from[0]`.
    pub path: String,
    /// What is wrong with it and what would be right.
    pub message: String,
}

/// What is in force.
#[derive(Clone, Debug, Default)]
pub struct Ruleset {
    policies: Vec<Policy>,
    by_namespace: HashMap<Name, Vec<PolicyId>>,
    cluster_wide: Vec<PolicyId>,
    has_address_blocks: bool,
    unread: BTreeSet<Name>,
    /// Objects that would be refused.
    pub rejected: Vec<Remark>,
    /// What is valid but does not do what its author probably meant.
    pub lints: Vec<Remark>,
}

impl Ruleset {
    /// Lowers everything that is written.
    pub fn compile(written: &Written) -> Self {
        let (rejected, unread) = (written.undecodable.clone(), written.unread.clone());
        let mut ruleset = Self { unread, rejected, ..Self::default() };
        for policy in &written.network_policies {
            ruleset.add_network_policy(policy);
        }
        ruleset
    }

    /// Adds one NetworkPolicy, or a remark on why it would be refused.
    pub fn add_network_policy(&mut self, policy: &NetworkPolicy) {
        match policy.lower() {
            Ok(parts) => {
                for part in parts {
                    self.add(part);
                }
                self.lints.extend(Remark::of(policy, policy.lints()));
            }
            Err(faults) => self.rejected.extend(Remark::of(policy, faults)),
        }
    }

    fn add(&mut self, policy: Policy) {
        let id = self.policies.len();
        match &policy.subject.namespaces {
            Namespaces::Own(namespace) => {
                let of_namespace = self.by_namespace.entry(namespace.clone()).or_default();
                of_namespace.push(id);
            }
            Namespaces::Matching(_) => self.cluster_wide.push(id),
        }
        self.has_address_blocks |= policy.entries.iter().any(|entry| match &entry.peers {
            Peers::Any => false,
            Peers::Of(peers) => peers.iter().any(|p| matches!(p.admits, PeerKind::Addresses(_))),
        });
        self.policies.push(policy);
    }

    /// Whether some rule decides by address, so that two pods that are alike may be told apart by it.
    pub fn has_address_blocks(&self) -> bool {
        self.has_address_blocks
    }

    /// Whether a namespace may have policies which could not be read.
    pub fn is_unread(&self, namespace: &str) -> bool {
        self.unread.contains(namespace)
    }

    /// Every policy part, by [`PolicyId`].
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// A policy part by its id.
    pub fn policy(&self, id: PolicyId) -> &Policy {
        &self.policies[id]
    }

    /// The policies that may select pods of a namespace, in one direction, in the order of reading.
    pub fn candidates(
        &self,
        namespace: &str,
        direction: Direction,
    ) -> impl Iterator<Item = (PolicyId, &Policy)> {
        let own = self.by_namespace.get(namespace).map_or(&[][..], Vec::as_slice);
        own.iter()
            .chain(&self.cluster_wide)
            .map(|id| (*id, &self.policies[*id]))
            .filter(move |(_, policy)| policy.direction == direction)
    }
}
