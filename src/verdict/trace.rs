//! What a judgement consists of.

use crate::cluster::{AddressBlock, Family, Mismatch, Name, Port, PortRange, Protocol, Truth};
use crate::ends::Endpoint;
use crate::policy::rule::{Action, Condition, Direction, Tier};
use crate::policy::{NamePattern, PolicyId};
use schemars::JsonSchema;
use serde::Serialize;
use std::net::IpAddr;

/// One connection, as it is opened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Who opens it.
    pub source: Endpoint,
    /// Who is to take it, after any Service.
    pub destination: Endpoint,
    /// The port on the destination, after any Service.
    pub port: Port,
    /// The IP family it uses.
    pub family: Family,
    /// It was sent to a Service, which chose the destination.
    pub through_service: bool,
}

/// What becomes of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum Verdict {
    /// It passes.
    Allowed,
    /// It is dropped.
    Denied,
    /// Policies of one priority disagree, and whoever enforces them may follow either.
    Ambiguous,
    /// What is known does not decide.
    Unknown,
}

impl Verdict {
    /// Of two verdicts that must both allow. Denied wins over Unknown, and that over Ambiguous.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Denied, _) | (_, Self::Denied) => Self::Denied,
            (Self::Allowed, Self::Allowed) => Self::Allowed,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            _ => Self::Ambiguous,
        }
    }

    /// `Allowed`, `Denied`, `Ambiguous` or `Unknown`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "Allowed",
            Self::Denied => "Denied",
            Self::Ambiguous => "Ambiguous",
            Self::Unknown => "Unknown",
        }
    }
}

/// How much of a flow gets through, from nothing to all: what tells two verdicts apart when a change
/// is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum Passage {
    /// Nothing.
    Denied,
    /// What is known does not decide, or policies of one priority disagree.
    Unknown,
    /// What satisfies a condition besides, such as an HTTP path.
    OnCondition,
    /// All of it.
    Allowed,
}

impl Passage {
    /// That of a verdict which has conditions or not.
    pub(super) fn of(verdict: Verdict, has_conditions: bool) -> Self {
        match verdict {
            Verdict::Denied => Self::Denied,
            Verdict::Ambiguous | Verdict::Unknown => Self::Unknown,
            Verdict::Allowed if has_conditions => Self::OnCondition,
            Verdict::Allowed => Self::Allowed,
        }
    }

    /// `Denied`, `Unknown`, `OnCondition` or `Allowed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "Denied",
            Self::Unknown => "Unknown",
            Self::OnCondition => "OnCondition",
            Self::Allowed => "Allowed",
        }
    }
}

/// The verdict on one flow with both directions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Judgement {
    /// Allowed when both directions allow.
    pub verdict: Verdict,
    /// Out of the source.
    pub egress: Trace,
    /// Into the destination.
    pub ingress: Trace,
}

impl Judgement {
    /// How much gets through both directions.
    pub fn passage(&self) -> Passage {
        self.egress.passage().min(self.ingress.passage())
    }
}

/// One direction of a judgement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Trace {
    /// The direction.
    pub direction: Direction,
    /// Its verdict.
    pub verdict: Verdict,
    /// What decides.
    pub reason: Reason,
    /// The rule that decides, where one does.
    pub decided_by: Option<(PolicyId, usize)>,
    /// What else must hold for the flow to get through: a list of conditions, one of which is
    /// enough; empty where some rule allows it without any.
    pub conditions: Vec<Condition>,
    /// Every policy that selects the subject, or may, by tier and priority and then in the order of
    /// reading.
    pub policies: Vec<PolicyTrace>,
}

impl Trace {
    /// How much gets through this direction.
    pub fn passage(&self) -> Passage {
        Passage::of(self.verdict, !self.conditions.is_empty())
    }
}

/// What decides a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The subject is outside the cluster, so no policy judges this direction.
    Outside,
    /// The subject is a node.
    Node,
    /// The subject uses its node's network, so policies do not select it.
    HostNetwork,
    /// A pod reaches its own address.
    SamePod,
    /// A node reaches the pods that run on it.
    OwnNode,
    /// No policy selects the subject in this direction.
    NotIsolated,
    /// A rule admits the flow.
    Admitted,
    /// A rule denies the flow.
    Refused,
    /// Policies isolate the subject and none of their rules admits the flow.
    NoneAdmits,
    /// Policies of one tier and priority disagree.
    Tie,
    /// The network plugin is told to enforce no policy.
    NotEnforced,
    /// Not decided.
    Unknown(UnknownWhy),
}

/// Why a direction is not decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnknownWhy {
    /// A selector or block depends on something that is not known.
    Rules,
    /// The subject's namespace may have policies that could not be read.
    PoliciesUnread,
    /// The source is, or may be, the destination's own node, which always reaches it.
    PerhapsOwnNode,
    /// From a pod to its own node: the specification's two texts disagree.
    ToOwnNode,
    /// A pod to itself through a Service: network plugins differ.
    SelfThroughService,
}

/// One policy that selects the subject, or may.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PolicyTrace {
    /// The policy.
    pub policy: PolicyId,
    /// Where it stands among the others.
    pub tier: Tier,
    /// It isolates what it selects.
    pub isolates: bool,
    /// Whether it selects the subject; never No.
    pub selects: Truth,
    /// Why that is not known.
    pub doubt: Option<PeerMiss>,
    /// Whether one of its rules that allow matches the flow.
    pub admits: Truth,
    /// Whether one of its rules that deny matches the flow.
    pub denies: Truth,
    /// Each of its rules.
    pub entries: Vec<EntryTrace>,
}

impl PolicyTrace {
    /// Sums up its rules anew.
    pub(super) fn settle(&mut self) {
        let any = |action: Action| {
            let of_action = self.entries.iter().filter(|entry| entry.action == action);
            Truth::any(of_action.map(EntryTrace::matches))
        };
        (self.admits, self.denies) = (any(Action::Allow), any(Action::Deny));
    }

    /// Forgets why rules do not match.
    pub(super) fn forget_misses(&mut self) {
        for entry in &mut self.entries {
            (entry.peer_miss, entry.port_miss) = (None, None);
        }
    }

    /// How near the policy comes to admitting; more is nearer.
    pub fn nearness(&self) -> (bool, Option<Nearness>) {
        (self.admits.is_yes(), self.nearest().map(|(_, entry)| entry.nearness()))
    }

    /// Of the rules that allow, the one that matches or comes nearest; `None` where there are none.
    pub fn nearest(&self) -> Option<(usize, &EntryTrace)> {
        self.entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.action == Action::Allow)
            .max_by_key(|(i, entry)| (entry.nearness(), std::cmp::Reverse(*i)))
    }

    /// The rule that decides for this policy: in ordered tiers the first that matches, else one that
    /// denies before one that allows.
    pub fn decisive(&self) -> Option<(usize, &EntryTrace)> {
        let mut matching =
            self.entries.iter().enumerate().filter(|(_, entry)| entry.matches().is_yes());
        if self.tier.is_ordered() {
            return matching.next();
        }
        let denies = |(_, entry): &(usize, &EntryTrace)| entry.action == Action::Deny;
        matching.find(denies).or_else(|| self.nearest().filter(|(_, e)| e.matches().is_yes()))
    }

    /// The rule to be told: the one that decides, or that comes nearest to allowing, or else the
    /// first.
    pub fn told(&self) -> Option<(usize, &EntryTrace)> {
        let nearest = || self.nearest().or_else(|| self.entries.iter().enumerate().next());
        self.decisive().or_else(nearest)
    }
}

/// How near a rule comes to admitting, by parts; compared only.
pub type Nearness = (u8, u8, u8, u8);

/// One rule against the flow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EntryTrace {
    /// Which rule of its policy it is, as [`Entry`](crate::policy::rule::Entry) has it.
    pub place: usize,
    /// What the rule does.
    pub action: Action,
    /// Whether the peer matches.
    pub peer: Truth,
    /// The peer item that matches or comes nearest; `None` for a rule that restricts no peer.
    pub peer_item: Option<usize>,
    /// Why the peer does not match, or what is not known.
    pub peer_miss: Option<PeerMiss>,
    /// Whether the port matches.
    pub port: Truth,
    /// The port item that matches or comes nearest; `None` for a rule that restricts no port.
    pub port_item: Option<usize>,
    /// Why the port does not match.
    pub port_miss: Option<PortMiss>,
}

impl EntryTrace {
    /// Whether the rule matches the flow.
    pub fn matches(&self) -> Truth {
        self.peer.and(self.port)
    }

    /// How near the rule comes to admitting; more is nearer.
    fn nearness(&self) -> Nearness {
        let weight = |truth| match truth {
            Truth::Yes => 2,
            Truth::Unknown => 1,
            Truth::No => 0,
        };
        (
            weight(self.peer) + weight(self.port),
            weight(self.peer),
            self.peer_miss.as_ref().map_or(u8::MAX, PeerMiss::nearness),
            self.port_miss.as_ref().map_or(u8::MAX, PortMiss::nearness),
        )
    }
}

/// Why a peer item does not match.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PeerMiss {
    /// The item names only pods of the policy's own namespace, and the other end is in another.
    OtherNamespace {
        /// The policy's namespace.
        wanted: Name,
        /// The other end's.
        found: Name,
    },
    /// The namespace's labels do not match.
    NamespaceLabels {
        /// The other end's namespace.
        namespace: Name,
        /// The label that decides.
        mismatch: Mismatch,
    },
    /// The namespace matches and the pod's labels do not.
    PodLabels(Mismatch),
    /// The item selects pods and the other end is none.
    NotAPod,
    /// The item selects pods and the other end uses its node's network, so it counts as its node.
    HostNetwork,
    /// The address is not in the block.
    OutsideBlock {
        /// The block.
        block: AddressBlock,
        /// The address.
        address: IpAddr,
    },
    /// The address is in the block's `except`.
    Excepted {
        /// The block.
        block: AddressBlock,
        /// The address.
        address: IpAddr,
    },
    /// The block is of the other IP family.
    OtherFamily(AddressBlock),
    /// The block decides by an address that is not known.
    AddressUnknown(AddressBlock),
    /// The block cannot have the address, wherever in the pod networks it is.
    OutsidePodNetworks(AddressBlock),
    /// The block does not mean pods and nodes, whatever their addresses.
    NotOutside(AddressBlock),
    /// The item asks for something that cannot be seen from here: why.
    Unseen(Box<str>),
    /// The item selects nodes and the other end is none.
    NotANode,
    /// The node's labels do not match.
    NodeLabels(Mismatch),
    /// Which node the other end is, or whether it is the subject's own, is not known.
    NodeUnknown,
    /// The item means other nodes, and this is the subject's own.
    OwnNode,
    /// The other end is none of these entities.
    NotOfEntities(Box<[Name]>),
    /// Whether the other end is one of these entities is not known.
    PerhapsOfEntities(Box<[Name]>),
    /// The name matches none of these patterns.
    OtherName(Box<[NamePattern]>),
    /// It would match one, were `*` more than one level of a name.
    OtherLevel(Box<[NamePattern]>),
    /// No rule for DNS lets the subject ask for the name, so that it learns no address of it.
    LookupRefused(Box<[NamePattern]>),
    /// Whether the address belongs to a name of these patterns is not known.
    PerhapsNamed(Box<[NamePattern]>),
    /// The rule means no one at all.
    NoOne,
    /// The rule leaves it out.
    LeftOut,
    /// The rule speaks for others of the policy's pods.
    OtherSubject,
    /// Whether the rule speaks for the subject is not known.
    SubjectUnknown,
}

impl PeerMiss {
    /// More is nearer to a match.
    pub(super) fn nearness(&self) -> u8 {
        match self {
            Self::AddressUnknown(_)
            | Self::Unseen(_)
            | Self::NodeUnknown
            | Self::SubjectUnknown
            | Self::PerhapsOfEntities(_)
            | Self::PerhapsNamed(_) => 5,
            Self::PodLabels(_) | Self::Excepted { .. } | Self::NodeLabels(_) => 4,
            Self::NamespaceLabels { .. }
            | Self::OwnNode
            | Self::LeftOut
            | Self::OtherLevel(_)
            | Self::LookupRefused(_) => 3,
            Self::OtherNamespace { .. } | Self::OtherName(_) => 2,
            Self::OutsideBlock { .. }
            | Self::HostNetwork
            | Self::OutsidePodNetworks(_)
            | Self::NotOutside(_)
            | Self::NotOfEntities(_) => 1,
            Self::NotAPod
            | Self::NotANode
            | Self::OtherFamily(_)
            | Self::NoOne
            | Self::OtherSubject => 0,
        }
    }
}

/// Why a port item does not match.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PortMiss {
    /// Another number or range.
    Number {
        /// What the item admits.
        wanted: PortRange,
        /// The flow's port.
        found: u16,
    },
    /// The item is for another protocol.
    Protocol {
        /// The item's protocol.
        wanted: Protocol,
        /// The flow's protocol.
        found: Protocol,
        /// The number would match.
        number_matches: bool,
    },
    /// The item leaves this port out.
    LeftOut(u16),
    /// No container of the destination calls a port of this protocol so.
    NoSuchName(Name),
    /// What the destination calls its ports is not known.
    NameUnknown(Name),
    /// The destination calls another number so.
    NameIsOther {
        /// The name.
        name: Name,
        /// The numbers it has on the destination.
        numbers: Vec<u16>,
    },
    /// Names mean container ports, and the destination is no pod, or one of its node's network.
    NameOfNoPod(Name),
    /// The rule means no port at all.
    NoPort,
}

impl PortMiss {
    /// More is nearer to a match.
    pub(super) fn nearness(&self) -> u8 {
        match self {
            Self::Protocol { number_matches: true, .. } | Self::NameUnknown(_) => 3,
            Self::Number { .. } | Self::NameIsOther { .. } | Self::LeftOut(_) => 2,
            Self::NoSuchName(_) => 1,
            Self::Protocol { .. } | Self::NameOfNoPod(_) | Self::NoPort => 0,
        }
    }
}
