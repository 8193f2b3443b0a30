//! Hubble's records as protobuf's JSON writes them.
//!
//! In: one line, by serde. Out: what is read of it, nothing more; every field may be missing or null,
//! and those that are not known are skipped. Names may be `snake_case`, which the CLI writes, or
//! `camelCase`, which it takes too.

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, Visitor};
use std::fmt;

#[derive(Deserialize)]
pub(super) struct Response {
    pub(super) flow: Option<WireFlow>,
    #[serde(alias = "lostEvents")]
    pub(super) lost_events: Option<LostEvents>,
    #[serde(alias = "nodeStatus")]
    pub(super) node_status: Option<NodeStatus>,
    #[serde(alias = "nodeName")]
    pub(super) node_name: Option<Box<str>>,
}

#[derive(Deserialize)]
pub(super) struct LostEvents {
    pub(super) source: Option<Word>,
    #[serde(alias = "numEventsLost")]
    pub(super) num_events_lost: Option<Whole>,
}

#[derive(Deserialize)]
pub(super) struct NodeStatus {
    #[serde(alias = "stateChange")]
    pub(super) state_change: Option<Word>,
    #[serde(alias = "nodeNames")]
    pub(super) node_names: Option<Vec<Box<str>>>,
    pub(super) message: Option<Box<str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct WireFlow {
    pub(super) time: Option<Box<str>>,
    pub(super) uuid: Option<Box<str>>,
    pub(super) emitter: Option<Emitter>,
    pub(super) verdict: Option<Word>,
    #[serde(alias = "dropReason")]
    pub(super) drop_reason: Option<Whole>,
    #[serde(rename = "IP")]
    pub(super) ip: Option<WireIp>,
    pub(super) l4: Option<WireLayer4>,
    pub(super) source: Option<Endpoint>,
    pub(super) destination: Option<Endpoint>,
    #[serde(alias = "nodeName")]
    pub(super) node_name: Option<Box<str>>,
    #[serde(alias = "sourceNames")]
    pub(super) source_names: Option<Vec<Box<str>>>,
    #[serde(alias = "destinationNames")]
    pub(super) destination_names: Option<Vec<Box<str>>>,
    pub(super) l7: Option<WireLayer7>,
    #[serde(alias = "eventType")]
    pub(super) event_type: Option<EventType>,
    #[serde(alias = "sourceService")]
    pub(super) source_service: Option<Service>,
    #[serde(alias = "destinationService")]
    pub(super) destination_service: Option<Service>,
    #[serde(alias = "trafficDirection")]
    pub(super) traffic_direction: Option<Word>,
    #[serde(alias = "policyMatchType")]
    pub(super) policy_match_type: Option<Whole>,
    #[serde(alias = "dropReasonDesc")]
    pub(super) drop_reason_desc: Option<Word>,
    #[serde(alias = "isReply")]
    pub(super) is_reply: Option<bool>,
    #[serde(rename = "Summary")]
    pub(super) summary: Option<Box<str>>,
    #[serde(alias = "egressAllowedBy")]
    pub(super) egress_allowed_by: Option<Vec<WirePolicy>>,
    #[serde(alias = "ingressAllowedBy")]
    pub(super) ingress_allowed_by: Option<Vec<WirePolicy>>,
    #[serde(alias = "egressDeniedBy")]
    pub(super) egress_denied_by: Option<Vec<WirePolicy>>,
    #[serde(alias = "ingressDeniedBy")]
    pub(super) ingress_denied_by: Option<Vec<WirePolicy>>,
}

impl WireFlow {
    /// Whether anything in it is of a flow.
    pub(super) fn is_flow(&self) -> bool {
        self.verdict.is_some() || self.ip.is_some() || self.event_type.is_some()
    }
}

#[derive(Deserialize)]
pub(super) struct Emitter {
    pub(super) version: Option<Box<str>>,
}

#[derive(Deserialize)]
pub(super) struct WireIp {
    pub(super) source: Option<Box<str>>,
    pub(super) destination: Option<Box<str>>,
}

#[derive(Deserialize)]
pub(super) struct WireLayer4 {
    #[serde(rename = "TCP")]
    pub(super) tcp: Option<WirePorts>,
    #[serde(rename = "UDP")]
    pub(super) udp: Option<WirePorts>,
    #[serde(rename = "SCTP")]
    pub(super) sctp: Option<WirePorts>,
    #[serde(rename = "ICMPv4")]
    pub(super) icmp_v4: Option<WireIcmp>,
    #[serde(rename = "ICMPv6")]
    pub(super) icmp_v6: Option<WireIcmp>,
}

#[derive(Deserialize)]
pub(super) struct WirePorts {
    #[serde(alias = "sourcePort")]
    pub(super) source_port: Option<Whole>,
    #[serde(alias = "destinationPort")]
    pub(super) destination_port: Option<Whole>,
}

#[derive(Deserialize)]
pub(super) struct WireIcmp {
    pub(super) r#type: Option<Whole>,
    pub(super) code: Option<Whole>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Endpoint {
    pub(super) identity: Option<Whole>,
    pub(super) namespace: Option<Box<str>>,
    pub(super) labels: Option<Vec<Box<str>>>,
    #[serde(alias = "podName")]
    pub(super) pod_name: Option<Box<str>>,
    pub(super) workloads: Option<Vec<WireOwner>>,
}

#[derive(Deserialize)]
pub(super) struct WireOwner {
    pub(super) kind: Option<Box<str>>,
    pub(super) name: Option<Box<str>>,
}

#[derive(Deserialize)]
pub(super) struct WireLayer7 {
    pub(super) r#type: Option<Word>,
    pub(super) http: Option<IgnoredAny>,
    pub(super) dns: Option<WireDns>,
    pub(super) kafka: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct WireDns {
    #[serde(alias = "observationSource")]
    pub(super) observation_source: Option<Box<str>>,
}

#[derive(Deserialize)]
pub(super) struct EventType {
    pub(super) r#type: Option<Whole>,
    #[serde(alias = "subType")]
    pub(super) sub_type: Option<Whole>,
}

#[derive(Deserialize)]
pub(super) struct Service {
    pub(super) name: Option<Box<str>>,
    pub(super) namespace: Option<Box<str>>,
}

#[derive(Deserialize)]
pub(super) struct WirePolicy {
    pub(super) kind: Option<Box<str>>,
    pub(super) namespace: Option<Box<str>>,
    pub(super) name: Option<Box<str>>,
}

/// A number, which protobuf's JSON writes as a string where it has 64 bits.
#[derive(Clone, Copy)]
pub(super) struct Whole(pub(super) u64);

impl Whole {
    pub(super) fn small(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
            type Value = Whole;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, which may be a string")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Whole, E> {
                Ok(Whole(number))
            }

            // JSON of other makers; below zero is nothing that is used here.
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Whole, E> {
                Ok(Whole(u64::try_from(number).unwrap_or(0)))
            }

            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Whole, E> {
                // A cast saturates.
                Ok(Whole(number as u64))
            }

            fn visit_str<E: de::Error>(self, digits: &str) -> Result<Whole, E> {
                let number = digits.parse();
                number.map(Whole).map_err(|_| E::invalid_value(de::Unexpected::Str(digits), &self))
            }
        }
        source.deserialize_any(Digits)
    }
}

/// A value of an enum, by name or number.
pub(super) enum Word {
    Name(Box<str>),
    Number(u32),
}

impl Word {
    pub(super) fn text(self) -> String {
        match self {
            Self::Name(name) => name.into(),
            Self::Number(number) => number.to_string(),
        }
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Word;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or a number")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Word, E> {
                Ok(Word::Name(name.into()))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Word, E> {
                Ok(Word::Number(Whole(number).small()))
            }

            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Word, E> {
                Ok(Word::Number(0))
            }
        }
        source.deserialize_any(Either)
    }
}
