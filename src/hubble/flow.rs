//! One flow as Hubble reports it, cut down to what is used.

use super::reason::{DropClass, DropReason};
use crate::cluster::Protocol;
use crate::policy::rule::Direction;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::net::IpAddr;

/// What became of a packet, by Hubble.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(rename = "HubbleVerdict")]
pub enum Verdict {
    /// Hubble does not say.
    #[default]
    #[serde(rename = "VERDICT_UNKNOWN")]
    Unknown,
    /// It was let through.
    Forwarded,
    /// It was dropped.
    Dropped,
    /// Something went wrong with it.
    Error,
    /// A policy would have dropped it, but is in audit mode.
    Audit,
    /// Its port is allowed, and it was sent on to the L7 proxy, which decides further.
    Redirected,
    /// It was seen on its way.
    Traced,
    /// The socket's address was translated.
    Translated,
}

impl Verdict {
    /// All of them by the numbers of `flow.proto`.
    pub const ALL: [Self; 8] = [
        Self::Unknown,
        Self::Forwarded,
        Self::Dropped,
        Self::Error,
        Self::Audit,
        Self::Redirected,
        Self::Traced,
        Self::Translated,
    ];

    /// The name in `flow.proto`, which is the value of `--verdict`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "VERDICT_UNKNOWN",
            Self::Forwarded => "FORWARDED",
            Self::Dropped => "DROPPED",
            Self::Error => "ERROR",
            Self::Audit => "AUDIT",
            Self::Redirected => "REDIRECTED",
            Self::Traced => "TRACED",
            Self::Translated => "TRANSLATED",
        }
    }
}

/// What kind of event reports the flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Event {
    /// A packet was dropped.
    Drop,
    /// A packet was seen somewhere on its way; `event_type.sub_type` says where.
    Trace(u32),
    /// A policy was asked, for the first packet of a connection.
    PolicyVerdict,
    /// A socket was seen.
    TraceSock,
    /// A request or response at the L7 proxy.
    L7,
    /// Another kind, by its number.
    Other(u32),
    /// Hubble does not say.
    #[default]
    None,
}

/// Protocol and ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layer4 {
    /// A protocol with ports.
    Ports {
        /// The protocol.
        protocol: Protocol,
        /// The source's port.
        source: u16,
        /// The destination's port, after any Service.
        destination: u16,
    },
    /// ICMP for IPv4 or IPv6.
    Icmp {
        /// `ICMPv6`.
        v6: bool,
        /// The type.
        kind: u32,
        /// The code.
        code: u32,
    },
    /// Another protocol, such as VRRP, or none that Hubble understands.
    #[default]
    Other,
}

/// A workload as Hubble names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Owner {
    /// Its kind, such as `Deployment`.
    pub kind: Box<str>,
    /// Its name.
    pub name: Box<str>,
}

/// One end of a flow. What Hubble does not know is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// Its address.
    pub ip: Option<IpAddr>,
    /// Its security identity; 0 where there is none.
    pub identity: u32,
    /// The pod's namespace.
    pub namespace: Box<str>,
    /// The pod's name.
    pub pod: Box<str>,
    /// Its labels as Cilium has them: `k8s:app=x`, `reserved:world`, `cidr:10.0.0.0/8`.
    pub labels: Vec<Box<str>>,
    /// The workloads that own the pod; only known on the pod's own node.
    pub workloads: Vec<Owner>,
    /// DNS names that were resolved to its address.
    pub names: Vec<Box<str>>,
    /// The Service whose address it is, namespace and name.
    pub service: Option<(Box<str>, Box<str>)>,
}

impl Party {
    /// Whether it has a label of the source `reserved`: `world`, `host`, `remote-node`, …
    pub fn is_reserved(&self, name: &str) -> bool {
        self.labels.iter().any(|label| label.strip_prefix("reserved:") == Some(name))
    }

    /// Whether it is outside the cluster.
    ///
    /// Source: docs/semantics/hubble.md#ends: identities 2, 9 and 10 and those of CIDRs, from 2^24
    /// on.
    pub fn is_world(&self) -> bool {
        matches!(self.identity, 2 | 9 | 10)
            || ["world", "world-ipv4", "world-ipv6"].iter().any(|name| self.is_reserved(name))
    }

    /// Whether it is a node: that of the report, or another.
    pub fn is_node(&self) -> bool {
        matches!(self.identity, 1 | 6)
            || ["host", "remote-node"].iter().any(|name| self.is_reserved(name))
    }

    /// Whether it names a pod.
    pub fn is_pod(&self) -> bool {
        !self.pod.is_empty()
    }
}

/// A policy that Hubble names as the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PolicyName {
    /// Its kind, such as `CiliumNetworkPolicy`; empty where Hubble does not know it.
    pub kind: Box<str>,
    /// Its namespace; empty for a cluster-wide policy.
    pub namespace: Box<str>,
    /// Its name.
    pub name: Box<str>,
}

/// A request or response at the L7 proxy, in a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer7 {
    /// As Hubble prints it: `http-request`, `dns-response proxy`.
    pub kind: Box<str>,
}

/// One flow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// When.
    pub time: Option<Timestamp>,
    /// Its identifier; empty where there is none.
    pub uuid: Box<str>,
    /// The node that reports it.
    pub node: Box<str>,
    /// The version of Cilium there, from 1.19 on.
    pub cilium: Box<str>,
    /// What became of it.
    pub verdict: Verdict,
    /// Why it was dropped.
    pub drop_reason: Option<DropReason>,
    /// The kind of the event.
    pub event: Event,
    /// Whose policy was asked: the source's (egress) or the destination's (ingress).
    pub direction: Option<Direction>,
    /// What of the rule matched, by the numbers of the datapath; 0 is nothing.
    pub match_type: u32,
    /// Whether it is a reply; `None`, as with drops: Hubble does not know.
    pub is_reply: Option<bool>,
    /// Who sent it.
    pub source: Party,
    /// Who was to have it.
    pub destination: Party,
    /// Protocol and ports.
    pub l4: Layer4,
    /// What the L7 proxy saw.
    pub l7: Option<Layer7>,
    /// Hubble's own summary: `TCP Flags: SYN`.
    pub summary: Box<str>,
    /// The policies that Hubble names for letting it through.
    pub allowed_by: Vec<PolicyName>,
    /// The policies that Hubble names for dropping it.
    pub denied_by: Vec<PolicyName>,
}

impl Flow {
    /// Who is behind the drop, where it is one.
    pub fn drop_class(&self) -> Option<DropClass> {
        match (self.verdict, &self.drop_reason) {
            // What the L7 proxy or a policy's own event denies has no other reason than a policy.
            (Verdict::Dropped, None) if matches!(self.event, Event::L7 | Event::PolicyVerdict) => {
                Some(DropClass::Policy)
            }
            (Verdict::Dropped, None) | (Verdict::Error, _) => Some(DropClass::Unknown),
            (Verdict::Dropped, Some(reason)) => Some(reason.class()),
            _ => None,
        }
    }

    /// Whether the event says what a policy decided, rather than where a packet was seen.
    pub fn is_decision(&self) -> bool {
        matches!(self.event, Event::Drop | Event::PolicyVerdict | Event::L7)
    }
}
