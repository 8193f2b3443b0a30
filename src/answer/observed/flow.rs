//! One observation for programs.

use super::observer::Observation;
use super::types::{LostEvents, ObservedEnd, ObservedFlow, ObservedPolicy, ObservedVerdict};
use super::words;
use crate::answer::explanation::DirectionReport;
use crate::answer::vocabulary::{ApiVersion, LostEventsKind, ObservedFlowKind, ObservedProtocol};
use crate::hubble::{DropReason, Layer4, Party};
use crate::observed::{Agreement, Observed, observed};
use crate::policy::rule::Direction;
use std::sync::Arc;

impl ObservedFlow {
    /// The observation for programs.
    pub fn new(observation: &Observation) -> Self {
        let flow = &observation.flow;
        let (head, about) = observation.told();
        let (port, icmp_type) = match flow.l4 {
            Layer4::Ports { destination, .. } => (Some(destination), None),
            Layer4::Icmp { kind, .. } => (None, Some(kind)),
            Layer4::Other => (None, None),
        };
        let named = flow.allowed_by.iter().chain(&flow.denied_by);
        Self {
            api_version: ApiVersion,
            kind: ObservedFlowKind,
            time: flow.time.map(|time| time.to_string()),
            uuid: flow.uuid.clone(),
            node: flow.node.clone(),
            source: end(&flow.source),
            destination: end(&flow.destination),
            protocol: ObservedProtocol::of(flow.l4),
            port,
            icmp_type,
            direction: flow.direction,
            observed: ObservedVerdict {
                verdict: flow.verdict,
                meaning: observation.observed(),
                drop_reason: flow.drop_reason.as_ref().map(|it| DropReason::as_str(it).to_owned()),
                policies: named
                    .map(|policy| ObservedPolicy {
                        kind: policy.kind.clone(),
                        namespace: policy.namespace.clone(),
                        name: policy.name.clone(),
                    })
                    .collect(),
            },
            predicted: observation.decision.as_ref().ok().map(|it| Arc::clone(&it.report)),
            as_predicted: (&observation.agreement).into(),
            message: format!("{head} {about}"),
            likely: observation.likely(),
            note: observation.note(),
        }
    }
}

fn end(party: &Party) -> ObservedEnd {
    ObservedEnd {
        namespace: party.namespace.clone(),
        pod: party.pod.clone(),
        ip: party.ip.map(|ip| ip.to_string()),
        names: party.names.clone(),
        identity: party.identity,
    }
}

impl LostEvents {
    /// Events that Hubble could not keep.
    pub fn new(count: u64, source: Box<str>, node: Box<str>) -> Self {
        Self { api_version: ApiVersion, kind: LostEventsKind, count, source, node }
    }
}

impl Observation {
    /// What Hubble's event says of policies.
    pub fn observed(&self) -> Observed {
        observed(&self.flow)
    }

    /// How the comparison came out, and by what.
    pub fn told(&self) -> (String, String) {
        let flow = &self.flow;
        let head = words::agreement(flow, self.observed(), &self.agreement) + ":";
        let prediction = match &self.decision {
            Err(why) => return (head, words::not_judged(why)),
            Ok(decision) => &decision.report,
        };
        let sentence = |direction: Direction, report: &DirectionReport| {
            format!("{direction} of {}: {}", report.subject, report.message)
        };
        let egress = || sentence(Direction::Egress, &prediction.egress);
        let ingress = || sentence(Direction::Ingress, &prediction.ingress);
        let about = match self.direction() {
            Some(Direction::Egress) => egress(),
            Some(Direction::Ingress) => ingress(),
            None => format!("{}; {}", egress(), ingress()),
        };
        (head, about)
    }

    /// What is likely where it is not as predicted, the likeliest first.
    pub fn likely(&self) -> Vec<String> {
        match &self.agreement {
            Agreement::Differs(guesses) | Agreement::Arrived(guesses) => {
                guesses.iter().map(|guess| words::likely(&self.flow, guess)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Where it is as predicted, but Hubble names a policy for it that was not read.
    pub fn note(&self) -> Option<String> {
        self.unread.as_ref().map(words::unread)
    }
}
