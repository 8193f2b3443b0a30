//! What the policies say of an observed flow: the one place that asks `verdict`.
//!
//! In: the two ends in the snapshot and what Hubble says of protocol and port. Out: a [`Prediction`],
//! or why nothing is predicted.

use super::join::{Index, Unjoined};
use crate::cluster::{Addresses, Family, Port, Protocol, Snapshot};
use crate::hubble::{Flow, Layer4};
use crate::policy::rule::{Action, Direction, PeerKind, Peers};
use crate::policy::{Enforcer, Ruleset};
use crate::verdict::{self, Endpoint, Judgement, Reason, Trace, Verdict, judge};

/// What is predicted of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Prediction {
    /// The flow as it was judged.
    pub flow: verdict::Flow,
    /// The judgement.
    pub judgement: Judgement,
    /// What rules say of its protocol is not defined, or depends on more than is known of it.
    pub portless: bool,
}

/// Why nothing is predicted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NotJudged {
    /// It is a reply, which passes where its connection does.
    Reply,
    /// The source is not in the snapshot.
    Source(Unjoined),
    /// The destination is not in the snapshot.
    Destination(Unjoined),
    /// From the node itself, which always reaches its pods.
    OwnNode,
    /// There is no address, so the IP family is not known.
    NoAddress,
}

impl Prediction {
    /// The verdict on one direction, or on both.
    pub fn verdict(&self, direction: Option<Direction>) -> Verdict {
        match direction {
            Some(direction) => self.of(self.trace(direction)),
            None => self.of(&self.judgement.egress).and(self.of(&self.judgement.ingress)),
        }
    }

    /// One direction of the judgement.
    pub fn trace(&self, direction: Direction) -> &Trace {
        match direction {
            Direction::Egress => &self.judgement.egress,
            Direction::Ingress => &self.judgement.ingress,
        }
    }

    /// Source: docs/semantics/kubernetes.md#other-protocols: what becomes of ICMP and the like where
    /// policies isolate is not defined. Of ICMP Cilium says it (docs/semantics/cilium-ports.md#icmp), and Calico
    /// (docs/semantics/calico.md#protocols-and-ports).
    fn of(&self, trace: &Trace) -> Verdict {
        match trace.reason {
            Reason::Admitted | Reason::NoneAdmits | Reason::Refused | Reason::Tie
                if self.portless =>
            {
                Verdict::Unknown
            }
            _ => trace.verdict,
        }
    }
}

impl Prediction {
    /// Whether a direction passes only by blocks of addresses, and the other end is in the cluster:
    /// Cilium matches blocks with addresses outside only
    /// (docs/semantics/cilium-networkpolicy.md#ipblock-and-pods).
    pub(super) fn is_by_block_of_cluster(&self, rules: &Ruleset, trace: &Trace) -> bool {
        let peer = match trace.direction {
            Direction::Ingress => &self.flow.source,
            Direction::Egress => &self.flow.destination,
        };
        let in_cluster = matches!(peer, Endpoint::Pod(_)) || peer.node().is_some();
        if !in_cluster || trace.reason != Reason::Admitted {
            return false;
        }
        trace.policies.iter().all(|policy| {
            let entries = &rules.policy(policy.policy).entries;
            let mut admitting =
                policy.entries.iter().zip(entries).filter(|(trace, entry)| {
                    entry.action == Action::Allow && trace.matches().is_yes()
                });
            admitting.all(|(trace, entry)| match &entry.peers {
                Peers::Any => false,
                Peers::Of(items) => trace
                    .peer_item
                    .and_then(|at| items.get(at))
                    .is_some_and(|item| matches!(item.admits, PeerKind::Addresses(..))),
            })
        })
    }
}

/// What policies tell flows apart by: equal keys have equal predictions.
pub type Key = (Endpoint, Endpoint, Option<Port>, Family);

/// Finds the ends and what else the prediction depends on.
pub fn key(snapshot: &Snapshot, index: &Index, flow: &Flow) -> Result<Key, NotJudged> {
    if flow.is_reply == Some(true) {
        return Err(NotJudged::Reply);
    }
    let family = flow.destination.ip.or(flow.source.ip).map(Family::of);
    let destination =
        index.endpoint(snapshot, flow, &flow.destination).map_err(NotJudged::Destination)?;
    let source = match index.endpoint(snapshot, flow, &flow.source) {
        Ok(source) => source,
        Err(Unjoined::NoNode)
            if flow.source.identity == 1 && flow.direction == Some(Direction::Ingress) =>
        {
            return Err(NotJudged::OwnNode);
        }
        Err(why) => return Err(NotJudged::Source(why)),
    };
    let port = match flow.l4 {
        Layer4::Ports { protocol, destination, .. } => Some(Port { protocol, number: destination }),
        Layer4::Icmp { v6, kind, .. } => of_icmp(v6, kind),
        Layer4::Other => None,
    };
    let family = family.or_else(|| shared_family(snapshot, [&source, &destination]));
    Ok((source, destination, port, family.ok_or(NotJudged::NoAddress)?))
}

/// Messages about a connection, which pass where it is known, whatever policies say of ICMP: that something
/// is not reachable, too large, too late or wrong.
///
/// Source: docs/semantics/cilium-ports.md#icmp; RFC 792 and RFC 4443.
const ERRORS: [u32; 5] = [3, 4, 5, 11, 12];
const ERRORS_V6: [u32; 4] = [1, 2, 3, 4];

/// How routers and neighbours are found, which nodes answer themselves (RFC 4861).
const NEIGHBOURS_V6: std::ops::RangeInclusive<u32> = 133..=137;

/// The type of ICMP, which stands where ports stand, if policies decide of it.
fn of_icmp(v6: bool, kind: u32) -> Option<Port> {
    let (protocol, not_decided) = if v6 {
        (Protocol::IcmpV6, ERRORS_V6.contains(&kind) || NEIGHBOURS_V6.contains(&kind))
    } else {
        (Protocol::Icmp, ERRORS.contains(&kind))
    };
    let number = u8::try_from(kind).ok().filter(|_| !not_decided)?;
    Some(Port { protocol, number: number.into() })
}

/// A family of which both pods have an address, where the flow tells none.
fn shared_family(snapshot: &Snapshot, ends: [&Endpoint; 2]) -> Option<Family> {
    let has = |end: &&Endpoint, family| match end {
        Endpoint::Pod(id) => snapshot.pod_address(*id, family) != Addresses::Absent,
        _ => false,
    };
    Family::ALL.into_iter().find(|family| ends.iter().all(|end| has(end, *family)))
}

/// Judges what a key stands for.
pub fn predict(snapshot: &Snapshot, rules: &Ruleset, key: &Key) -> Prediction {
    let (source, destination, port, family) = key.clone();
    let flow = verdict::Flow {
        source,
        destination,
        // Of a flow without a port only what no rule decides is used.
        port: port.unwrap_or(Port { protocol: Protocol::Tcp, number: 0 }),
        family,
        through_service: false,
    };
    let judgement = judge(snapshot, rules, &flow);
    let is_decided =
        |port: Port| port.protocol.has_ports() || *rules.enforcer() != Enforcer::Kubernetes;
    Prediction { flow, judgement, portless: !port.is_some_and(is_decided) }
}
