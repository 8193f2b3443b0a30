//! The one rule form that every dialect is lowered to.
//!
//! A [`Policy`] speaks for one direction and stands in a [`Tier`]. Its entries allow, deny or pass
//! flows on to the next tier, and it may isolate the pods of its subject. Nothing here knows how a
//! dialect is written; only field paths point back to the text.

pub use super::condition::{Condition, Reads};
use super::names::NamePattern;
pub use super::tier::{NamedTier, Order, Position, Tier, TierEnd};
use crate::cluster::{
    AddressBlock, Name, Namespace, ObjectRef, Origin, Pod, Port, PortRange, Protocol, Selector,
    Truth, real_namespace,
};
use crate::kinds::{Does, other_of_name};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;
use std::net::IpAddr;

/// The direction of a flow that a policy judges, seen from its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Into the subject: the peer is the source.
    Ingress,
    /// Out of the subject: the peer is the destination.
    Egress,
}

impl Direction {
    /// Both directions.
    pub const ALL: [Self; 2] = [Self::Ingress, Self::Egress];

    /// The other one.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::Ingress => Self::Egress,
            Self::Egress => Self::Ingress,
        }
    }

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

/// What an entry does with the flows that it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum Action {
    /// Lets them pass, for this direction.
    Allow,
    /// Drops them.
    Deny,
    /// Leaves them to the next tier. Only in ordered tiers.
    Pass,
}

impl Action {
    /// `Allow`, `Deny` or `Pass`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
            Self::Pass => "Pass",
        }
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
    /// Where it stands among the others.
    pub tier: Tier,
    /// The pods it speaks for.
    pub subject: PodSet,
    /// Selected pods lose everything in this direction that no entry allows. Only in
    /// [`Tier::Normal`].
    pub isolates: bool,
    /// What it says, in the order of the text; in [`Tier::Normal`] the order does not count.
    pub entries: Vec<Entry>,
}

impl Policy {
    /// What it stands for may do, where that is an object which is not judged.
    pub fn not_judged(&self) -> Option<Does> {
        other_of_name(&self.object.kind).map(|row| row.does)
    }

    /// Whether it is one that is judged, at its own place: one that stands before the others once more,
    /// since some releases have it there, is told of there and not here.
    pub fn is_judged(&self) -> bool {
        self.not_judged().is_none() && self.tier.position().is_none_or(|it| it.settled)
    }
}

/// Pods by namespace and labels. Host-network pods are never in such a set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PodSet {
    /// Their namespaces.
    pub namespaces: Namespaces,
    /// Their labels.
    pub pods: Selector,
    /// Why pods that match are only perhaps in the set: it asks for something that cannot be seen
    /// from here.
    pub doubt: Option<Box<str>>,
}

impl PodSet {
    /// Pods by namespace and labels, and nothing else.
    pub fn new(namespaces: Namespaces, pods: Selector) -> Self {
        Self { namespaces, pods, doubt: None }
    }

    /// Whether it has a pod of the pod network, which is in this namespace.
    pub fn has(&self, pod: &Pod, namespace: Option<&Namespace>) -> Truth {
        let namespace = match &self.namespaces {
            Namespaces::Own(name) => Truth::from(**name == *real_namespace(&pod.namespace)),
            Namespaces::Matching(selector) => {
                namespace.map_or(Truth::Unknown, |namespace| namespace.matches(selector))
            }
        };
        let seen = if self.doubt.is_some() { Truth::Unknown } else { Truth::Yes };
        namespace.and(pod.matches(&self.pods)).and(seen)
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
    /// Which rule of the policy it is or belongs to, where policies of one priority are asked by that.
    pub place: usize,
    /// What it does with the flows that match.
    pub action: Action,
    /// It speaks for those of the policy's pods only that are meant by this; `None`: for all.
    pub only: Option<Box<PeerKind>>,
    /// Who the other side may be.
    pub peers: Peers,
    /// Which destination ports.
    pub ports: Ports,
    /// What else must hold, which only shows once the connection is open. Only with
    /// [`Action::Allow`] in [`Tier::Normal`].
    pub condition: Option<Condition>,
}

/// When Cilium asks a rule among those of policies of one priority: by its place in its policy, and of
/// one place those that deny first, and those that pass last.
///
/// Source: docs/semantics/cilium-verdicts.md#ties-of-clusternetworkpolicy.
pub(crate) fn turn(place: usize, action: Action) -> (usize, u8) {
    let rank = match action {
        Action::Deny => 0,
        Action::Allow => 1,
        Action::Pass => 2,
    };
    (place, rank)
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
    /// Where in it a block of addresses is written.
    pub block: &'static BlockFields,
    /// Whom it means.
    pub admits: PeerKind,
}

/// What the fields of a block of addresses are called, behind the path of their item.
#[derive(Debug, PartialEq, Eq)]
pub struct BlockFields {
    /// The field of the network, such as `.ipBlock.cidr`.
    pub cidr: &'static str,
    /// The field of the exceptions, which are items of it in their order, such as `.ipBlock.except`.
    pub except: &'static str,
}

impl BlockFields {
    /// The item is the network itself.
    pub const ITSELF: Self = Self { cidr: "", except: "" };
}

impl Peer {
    /// An item; if it is a block of addresses, it is nothing else.
    pub fn new(path: impl Into<Box<str>>, admits: PeerKind) -> Self {
        Self { path: path.into(), block: &BlockFields::ITSELF, admits }
    }

    /// Field path of the network, where the item is a block of addresses.
    pub fn cidr_path(&self) -> String {
        format!("{}{}", self.path, self.block.cidr)
    }

    /// Field path of the exception that has an address, where the item is a block of addresses.
    pub fn except_path(&self, address: IpAddr) -> String {
        let path = format!("{}{}", self.path, self.block.except);
        let PeerKind::Addresses(block, _) = &self.admits else { return path };
        match block.except.iter().position(|net| net.contains(&address)) {
            Some(at) => format!("{path}[{at}]"),
            None => path,
        }
    }
}

/// Whom a peer item means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerKind {
    /// Pods by selectors.
    Pods(PodSet),
    /// Those of a scope that have an address of a block.
    Addresses(AddressBlock, Scope),
    /// Nodes, and pods on their nodes' networks.
    Nodes(NodeSet),
    /// Cilium's entities.
    Entities(Entities),
    /// Whatever has a name that matches one of these patterns, as a destination outside.
    Names(NameSet),
    /// Those of a scope whom nothing here can tell; why, as the end of a sentence.
    Unresolved(Box<str>, Scope),
    /// Whoever is meant by several of these together.
    Combined(Box<Combined>),
}

/// Destinations outside by their names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameSet {
    /// The patterns, one of which is enough.
    pub patterns: Vec<NamePattern>,
    /// Why it is not known whether their addresses are ever learned, as the end of a sentence.
    pub unlearned: Option<Box<str>>,
}

impl NameSet {
    /// Names whose addresses are learned.
    pub fn of(patterns: Vec<NamePattern>) -> Self {
        Self { patterns, unlearned: None }
    }
}

/// Ends by what each of several kinds says of them. Those of one subject's node are not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Combined {
    /// Whom all of them mean; anyone, of none.
    All(Vec<PeerKind>),
    /// Whom one of them means; no one, of none.
    Any(Vec<PeerKind>),
    /// Whom it does not mean.
    Not(PeerKind),
}

impl PeerKind {
    /// The kinds that it is combined of, or itself.
    pub fn leaves(&self) -> Leaves<'_> {
        Leaves { next: Some(self), rest: Vec::new() }
    }

    /// Whom all of these mean.
    pub fn all(mut kinds: Vec<Self>) -> Self {
        match kinds.pop() {
            Some(only) if kinds.is_empty() => only,
            Some(last) => {
                kinds.push(last);
                Self::Combined(Box::new(Combined::All(kinds)))
            }
            None => Self::Combined(Box::new(Combined::All(kinds))),
        }
    }

    /// Whom any of these means.
    pub fn any(mut kinds: Vec<Self>) -> Self {
        match kinds.pop() {
            Some(only) if kinds.is_empty() => only,
            Some(last) => {
                kinds.push(last);
                Self::Combined(Box::new(Combined::Any(kinds)))
            }
            None => Self::Combined(Box::new(Combined::Any(kinds))),
        }
    }

    /// Whom this does not mean.
    #[must_use]
    pub fn except(self) -> Self {
        Self::Combined(Box::new(Combined::Not(self)))
    }
}

/// See [`PeerKind::leaves`].
#[derive(Clone, Debug)]
pub struct Leaves<'a> {
    next: Option<&'a PeerKind>,
    rest: Vec<&'a PeerKind>,
}

impl<'a> Iterator for Leaves<'a> {
    type Item = &'a PeerKind;

    fn next(&mut self) -> Option<&'a PeerKind> {
        loop {
            match self.next.take().or_else(|| self.rest.pop())? {
                PeerKind::Combined(combined) => match &**combined {
                    Combined::All(kinds) | Combined::Any(kinds) => {
                        self.rest.extend(kinds.iter().rev());
                    }
                    Combined::Not(kind) => self.rest.push(kind),
                },
                leaf => return Some(leaf),
            }
        }
    }
}

impl Entry {
    /// What its peers are combined of.
    pub fn others(&self) -> impl Iterator<Item = &PeerKind> {
        let items = match &self.peers {
            Peers::Any => &[][..],
            Peers::Of(items) => items.as_slice(),
        };
        items.iter().flat_map(|item| item.admits.leaves())
    }

    /// What tells for whom of the policy's pods it speaks.
    pub fn own(&self) -> impl Iterator<Item = &PeerKind> {
        self.only.iter().flat_map(|kind| kind.leaves())
    }
}

/// Who may be meant by an address, or by what is not known, besides the world outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Pods of the pod network.
    pub pods: bool,
    /// Nodes, and pods on their nodes' networks.
    pub nodes: bool,
}

impl Scope {
    /// Whoever has the address, as NetworkPolicy and ClusterNetworkPolicy have it.
    pub const EVERYONE: Self = Self { pods: true, nodes: true };
    /// Only what is outside the cluster, as Cilium has it unless told otherwise.
    pub const OUTSIDE: Self = Self { pods: false, nodes: false };
    /// What is outside, and nodes.
    pub const NODES: Self = Self { pods: false, nodes: true };
}

/// Nodes by labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NodeSet {
    /// Their labels.
    pub labels: Selector,
    /// The subject's own node counts too. Cilium's `toNodes` means other nodes only.
    pub own: bool,
}

/// Cilium's entities, as ends of a flow.
///
/// Source: docs/semantics/cilium-rules.md#entities. Those that are no end here (`health`, `init`,
/// `unmanaged`) match nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Entities {
    /// Pods of the pod network.
    pub pods: bool,
    /// The subject's own node.
    pub own_node: bool,
    /// Every other node.
    pub other_nodes: bool,
    /// Everything outside the cluster.
    pub outside: bool,
    /// The API server, wherever it runs.
    pub api_server: bool,
    /// Cilium's own proxy of Ingresses and Gateways.
    pub proxy: bool,
    /// The entities as written.
    pub written: Vec<Name>,
}

impl Entities {
    /// Whatever has no labels of pods: nodes, what is outside, and Cilium's proxy.
    pub fn without_labels() -> Self {
        Self {
            pods: false,
            own_node: true,
            other_nodes: true,
            outside: true,
            api_server: true,
            proxy: true,
            written: ["host", "remote-node", "world"].map(Name::from).into(),
        }
    }
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
    /// Where in it protocol and ports are written.
    pub fields: &'static PortFields,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its ports.
    pub ports: PortMatch,
    /// Of these not those.
    pub except: Box<[PortMatch]>,
}

/// What the fields of a port item are called, behind the path of the item.
#[derive(Debug, PartialEq, Eq)]
pub struct PortFields {
    /// The field of the protocol.
    pub protocol: &'static str,
    /// The field of the port.
    pub port: &'static str,
}

impl PortFields {
    /// As most dialects call them.
    pub const PLAIN: Self = Self { protocol: ".protocol", port: ".port" };
    /// The item says both itself.
    pub const ITSELF: Self = Self { protocol: "", port: "" };
}

impl PortRule {
    /// Field path of the protocol.
    pub fn protocol_path(&self) -> String {
        format!("{}{}", self.path, self.fields.protocol)
    }

    /// Field path of the port.
    pub fn port_path(&self) -> String {
        format!("{}{}", self.path, self.fields.port)
    }

    /// The names by which it goes.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        std::iter::once(&self.ports).chain(&self.except).filter_map(|ports| match ports {
            PortMatch::Named(name) => Some(name),
            PortMatch::All | PortMatch::Range(_) => None,
        })
    }

    /// Whether another item asks for the same ports, wherever it is written.
    pub fn is_same(&self, other: &Self) -> bool {
        let of = |item: &Self| (item.protocol, item.ports.clone(), item.except.clone());
        of(self) == of(other)
    }

    /// Whether it goes by what the destination calls its ports.
    pub fn is_by_name(&self) -> bool {
        self.names().next().is_some()
    }
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

impl Ports {
    /// Whether a port is one of these, or a pod may call it by one of their names.
    pub fn may_have(&self, port: Port) -> bool {
        let Self::Of(items) = self else { return true };
        items.iter().any(|item| {
            item.protocol == port.protocol
                && match &item.ports {
                    PortMatch::All | PortMatch::Named(_) => true,
                    PortMatch::Range(range) => range.contains(port.number),
                }
        })
    }

    /// Whether an item of these is one port alone, or a pod may call it so.
    pub fn may_have_just(&self, port: Port) -> bool {
        let Self::Of(items) = self else { return false };
        items.iter().any(|item| {
            item.protocol == port.protocol
                && match &item.ports {
                    PortMatch::All => false,
                    PortMatch::Range(range) => *range == port.number.into(),
                    PortMatch::Named(_) => true,
                }
        })
    }
}

impl fmt::Display for PortRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ports {
            PortMatch::All => write!(f, "any {} port", self.protocol)?,
            PortMatch::Range(range) => write!(f, "{range}/{}", self.protocol)?,
            PortMatch::Named(name) => write!(f, "{name}/{}", self.protocol)?,
        }
        for (i, ports) in self.except.iter().enumerate() {
            f.write_str(if i == 0 { " but " } else { ", " })?;
            match ports {
                PortMatch::All => f.write_str("all")?,
                PortMatch::Range(range) => write!(f, "{range}")?,
                PortMatch::Named(name) => f.write_str(name)?,
            }
        }
        Ok(())
    }
}
