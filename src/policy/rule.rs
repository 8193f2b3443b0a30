//! The one rule form that every dialect is lowered to.
//!
//! A [`Policy`] speaks for one direction. It isolates the pods of its subject, and its entries admit
//! flows. Nothing here knows how a dialect is written; only field paths point back to the text.

use crate::cluster::{
    AddressBlock, Name, Namespace, ObjectRef, Origin, Pod, PortRange, Protocol, Selector, Truth,
};
use std::fmt;

/// The direction of a flow that a policy judges, seen from its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Into the subject: the peer is the source.
    Ingress,
    /// Out of the subject: the peer is the destination.
    Egress,
}

impl Direction {
    /// Both directions.
    pub const ALL: [Self; 2] = [Self::Ingress, Self::Egress];

    /// `ingress` or `egress`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One direction of one policy object.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The object as written.
    pub object: ObjectRef,
    /// Where it was written.
    pub origin: Origin,
    /// The direction that this part judges.
    pub direction: Direction,
    /// The pods it speaks for; selected pods become isolated in this direction.
    pub subject: PodSet,
    /// What it admits; a union, in the order of the text.
    pub entries: Vec<Entry>,
}

/// Pods by namespace and labels. Host-network pods are never in such a set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PodSet {
    /// Their namespaces.
    pub namespaces: Namespaces,
    /// Their labels.
    pub pods: Selector,
}

impl PodSet {
    /// Whether it has a pod of the pod network, which is in this namespace.
    pub fn has(&self, pod: &Pod, namespace: Option<&Namespace>) -> Truth {
        let namespace = match &self.namespaces {
            Namespaces::Own(name) => Truth::from(*name == pod.namespace),
            Namespaces::Matching(selector) => {
                namespace.map_or(Truth::Unknown, |namespace| namespace.matches(selector))
            }
        };
        namespace.and(self.pods.matches(&pod.labels, pod.unknown_labels))
    }
}

/// Namespaces by name or labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Namespaces {
    /// Exactly the policy's own namespace, since none was asked for.
    Own(Name),
    /// Those whose labels match; the empty selector means all.
    Matching(Selector),
}

/// One rule: peer and port must both match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Field path of the rule, such as `spec.ingress[1]`.
    pub path: Box<str>,
    /// Who the other side may be.
    pub peers: Peers,
    /// Which destination ports.
    pub ports: Ports,
}

/// The other side of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peers {
    /// Anyone: pods, nodes and everything outside.
    Any,
    /// A union. Empty matches no one.
    Of(Vec<Peer>),
}

/// One item of a peer list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Field path of the item, such as `spec.ingress[1].from[0]`.
    pub path: Box<str>,
    /// Whom it admits.
    pub admits: PeerKind,
}

/// Whom a peer item admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerKind {
    /// Pods by selectors.
    Pods(PodSet),
    /// Addresses, whoever has them.
    Addresses(AddressBlock),
}

/// The destination ports of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Every port of every protocol.
    Any,
    /// A union. Empty matches none.
    Of(Vec<PortRule>),
}

/// One item of a port list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRule {
    /// Field path of the item, such as `spec.ingress[1].ports[0]`.
    pub path: Box<str>,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its ports.
    pub ports: PortMatch,
}

/// Which ports of a protocol a port item admits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortMatch {
    /// All of them.
    All,
    /// A number or a range of numbers.
    Range(PortRange),
    /// Whatever the destination pod calls by this name.
    Named(Name),
}

impl fmt::Display for PortRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ports {
            PortMatch::All => write!(f, "any {} port", self.protocol),
            PortMatch::Range(range) => write!(f, "{range}/{}", self.protocol),
            PortMatch::Named(name) => write!(f, "{name}/{}", self.protocol),
        }
    }
}
