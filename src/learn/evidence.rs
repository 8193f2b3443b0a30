//! What was seen of one connection.

use super::units::UnitId;
use crate::cluster::Port;
use crate::hubble::{Event, Flow, Verdict};
use crate::observed::{Key, Observed, observed};
use crate::policy::rule::Direction;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Of one connection so many pairs of pods are judged; the others are like them.
const MOST_KEYS: usize = 64;

/// Of one connection so many places that name it are told.
const MOST_PLACES: usize = 3;

/// Where a packet was seen once its policy had let it through: to-endpoint is behind both sides', the
/// others are behind the source's. Source: `trace_observation_point` in Cilium's `flow.proto`.
const TO_ENDPOINT: u32 = 0;
const BEHIND_EGRESS: [u32; 5] = [2, 3, 4, 11, 13];

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Who {
    /// Pods or a node.
    Unit(UnitId),
    /// An address that nobody in the cluster has.
    Address(IpAddr),
}

/// From whom to whom, at which port of the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Connection {
    pub(super) source: Who,
    pub(super) destination: Who,
    pub(super) port: Port,
}

/// What one event says of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was let through.
    Passed,
    /// It was let through, but only since policies are audited.
    Audited,
    /// Policies dropped it.
    Denied,
}

/// Why an event says nothing of whether a connection works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silent {
    Reply,
    OnItsWay,
    /// Dropped, but not by a policy.
    OtherDrop,
    /// An L7 rule denied a request; the connection had been let through.
    Layer7,
}

/// What an event says, and of which side.
pub(super) fn outcome(flow: &Flow) -> Result<(Direction, Outcome), Silent> {
    if flow.is_reply == Some(true) {
        return Err(Silent::Reply);
    }
    if let Event::Trace(point) = flow.event {
        // Only for a packet that is known to be no reply: its connection was asked about.
        let known = flow.is_reply == Some(false) && flow.verdict == Verdict::Forwarded;
        return match point {
            TO_ENDPOINT if known => Ok((Direction::Ingress, Outcome::Passed)),
            _ if known && BEHIND_EGRESS.contains(&point) => {
                Ok((Direction::Egress, Outcome::Passed))
            }
            _ => Err(Silent::OnItsWay),
        };
    }
    let outcome = match observed(flow) {
        Observed::Denied if flow.event == Event::L7 => return Err(Silent::Layer7),
        Observed::Allowed => Outcome::Passed,
        Observed::Audited => Outcome::Audited,
        Observed::Denied => Outcome::Denied,
        Observed::DroppedOtherwise | Observed::Unclear => return Err(Silent::OtherDrop),
        Observed::Seen => return Err(Silent::OnItsWay),
    };
    flow.direction.map(|direction| (direction, outcome)).ok_or(Silent::OnItsWay)
}

/// What was seen of one side of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Side {
    /// What was decided last.
    pub(super) last: Option<(Option<Timestamp>, Outcome)>,
    /// How many were let through, in audit mode too.
    pub(super) passed: u64,
    /// How many policies dropped.
    pub(super) denied: u64,
}

impl Side {
    fn add(&mut self, time: Option<Timestamp>, outcome: Outcome) {
        // Flows of several nodes come in no strict order.
        if self.last.is_none_or(|(last, _)| last.is_none() || time.is_none() || time >= last) {
            self.last = Some((time, outcome));
        }
        let count = if outcome == Outcome::Denied { &mut self.denied } else { &mut self.passed };
        *count = count.saturating_add(1);
    }

    pub(super) fn last(&self) -> Option<Outcome> {
        self.last.map(|(_, outcome)| outcome)
    }
}

/// What in configuration names a connection, each with its file.
pub type Named = BTreeMap<Box<str>, Option<Box<str>>>;

/// What was seen of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    pub(super) egress: Side,
    pub(super) ingress: Side,
    /// The pods that it was seen between, as far as they are kept.
    pub(super) keys: BTreeSet<Key>,
    /// What in configuration names it, as far as that is kept, and in which file.
    pub(super) named: Named,
}

impl Evidence {
    pub(super) fn add(&mut self, flow: &Flow, key: Key, direction: Direction, outcome: Outcome) {
        let side = match direction {
            Direction::Egress => &mut self.egress,
            Direction::Ingress => &mut self.ingress,
        };
        side.add(flow.time, outcome);
        if self.keys.len() < MOST_KEYS {
            self.keys.insert(key);
        }
    }

    /// It is named in configuration.
    pub(super) fn name(&mut self, key: Key, by: Box<str>, file: Option<Box<str>>) {
        if self.keys.len() < MOST_KEYS {
            self.keys.insert(key);
        }
        if self.named.len() < MOST_PLACES {
            self.named.insert(by, file);
        }
    }

    pub(super) fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Egress => &self.egress,
            Direction::Ingress => &self.ingress,
        }
    }

    /// How many packets were let through, as the side saw them that saw most.
    pub(super) fn passed(&self) -> u64 {
        self.egress.passed.max(self.ingress.passed)
    }

    /// Whether no side denied it last, and some side let it through, or configuration names it.
    pub(super) fn works(&self) -> bool {
        let sides = [self.egress.last(), self.ingress.last()];
        !sides.contains(&Some(Outcome::Denied))
            && (sides.iter().any(Option::is_some) || !self.named.is_empty())
    }

    /// Whether it passes only since policies are audited.
    pub(super) fn is_audited(&self) -> bool {
        [self.egress.last(), self.ingress.last()].contains(&Some(Outcome::Audited))
    }
}
