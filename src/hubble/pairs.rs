//! The two events of one denied packet, of which one is enough.
//!
//! Source: docs/semantics/hubble.md#two-events-for-one-packet: one denied packet gives a
//! policy-verdict event and then a drop event. They are told apart from a repeated packet by time and
//! by kind.

use super::flow::{Event, Flow, Layer4, Verdict};
use super::reason::DropClass;
use crate::policy::rule::Direction;
use foldhash::HashMap;
use std::collections::VecDeque;
use std::net::IpAddr;

/// The two events of a packet are some 100 µs apart; a SYN is repeated after a second.
const WINDOW_NANOS: i128 = 100_000_000;

/// More packets than this are not waited for at once.
const MOST: usize = 8192;

type Key = (Option<IpAddr>, Option<IpAddr>, Layer4, Option<Direction>, Box<str>);

/// What waits for its second event.
#[derive(Debug, Default)]
pub struct Pairs {
    /// Policy verdicts and drops that are still alone, and when the latest was.
    alone: HashMap<Key, Alone>,
    /// Every key with the time at which it was seen, oldest first.
    order: VecDeque<(i128, Key)>,
}

#[derive(Debug, Default)]
struct Alone {
    at: i128,
    verdicts: u32,
    drops: u32,
}

impl Pairs {
    /// Whether this is the second event of a packet whose first was asked about before.
    pub fn is_second(&mut self, flow: &Flow) -> bool {
        let denied = flow.verdict == Verdict::Dropped
            && flow.drop_class() == Some(DropClass::Policy)
            && matches!(flow.event, Event::PolicyVerdict | Event::Drop);
        let (true, Some(time)) = (denied, flow.time) else { return false };
        let now = time.as_nanosecond();
        self.forget(now);
        let (from, to) = (flow.source.ip, flow.destination.ip);
        let key = (from, to, flow.l4, flow.direction, flow.node.clone());
        let known = self.alone.entry(key.clone()).or_default();
        if (now - known.at).abs() > WINDOW_NANOS {
            *known = Alone::default();
        }
        known.at = now;
        let (own, other) = match flow.event {
            Event::PolicyVerdict => (&mut known.verdicts, &mut known.drops),
            _ => (&mut known.drops, &mut known.verdicts),
        };
        if *other > 0 {
            *other -= 1;
            return true;
        }
        *own += 1;
        self.order.push_back((now, key));
        false
    }

    /// Forgets what is too old to have a second event, or too much.
    fn forget(&mut self, now: i128) {
        while let Some((at, key)) = self.order.front() {
            if (now - at).abs() <= WINDOW_NANOS && self.order.len() < MOST {
                break;
            }
            if self.alone.get(key).is_some_and(|alone| alone.at <= *at) {
                self.alone.remove(key);
            }
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode;
    use super::super::record::Record;
    use super::*;

    fn event(kind: u8, port: u16, millis: u32) -> Flow {
        let line = format!(
            r#"{{"verdict":"DROPPED","drop_reason_desc":"POLICY_DENIED","event_type":{{"type":{kind}}},
            "time":"2026-01-01T00:00:{:02}.{:03}Z","traffic_direction":"INGRESS",
            "l4":{{"TCP":{{"source_port":{port},"destination_port":80}}}},"node_name":"n"}}"#,
            millis / 1000,
            millis % 1000,
        );
        match decode(line.as_bytes()) {
            Record::Flow(flow) => *flow,
            other => panic!("{other:?}"),
        }
    }

    /// docs/semantics/hubble.md#two-events-for-one-packet: two events, one packet.
    #[test]
    fn a_packet_counts_once_and_its_repetition_again() {
        let mut pairs = Pairs::default();
        let seen =
            |pairs: &mut Pairs, kind, port, millis| !pairs.is_second(&event(kind, port, millis));
        assert!(seen(&mut pairs, 5, 1, 0));
        assert!(!seen(&mut pairs, 1, 1, 0));
        // The repeated SYN.
        assert!(seen(&mut pairs, 5, 1, 1000));
        assert!(!seen(&mut pairs, 1, 1, 1001));
        // Several packets at once, in any order of events.
        assert!(seen(&mut pairs, 5, 2, 2000));
        assert!(seen(&mut pairs, 5, 2, 2001));
        assert!(!seen(&mut pairs, 1, 2, 2002));
        assert!(!seen(&mut pairs, 1, 2, 2003));
        assert!(seen(&mut pairs, 1, 2, 2004));
        assert!(!seen(&mut pairs, 5, 2, 2005));
        // The second event never came; much later it is another packet's.
        assert!(seen(&mut pairs, 5, 3, 3000));
        assert!(seen(&mut pairs, 1, 3, 9000));
    }

    #[test]
    fn only_denials_by_policy_come_twice() {
        let mut pairs = Pairs::default();
        let mut forwarded = event(5, 1, 0);
        forwarded.verdict = Verdict::Forwarded;
        let mut stale = event(1, 1, 0);
        stale.drop_reason = super::super::DropReason::of_number(151);
        let mut other_node = event(1, 1, 0);
        other_node.node = "m".into();
        assert!(!pairs.is_second(&event(5, 1, 0)));
        for flow in [forwarded, stale, other_node] {
            assert!(!pairs.is_second(&flow), "{flow:?}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut pairs = Pairs::default();
        for port in 0..=u16::MAX {
            pairs.is_second(&event(5, port, 0));
        }
        assert!(pairs.alone.len() <= MOST && pairs.order.len() <= MOST);
        pairs.is_second(&event(5, 1, 5000));
        assert_eq!((pairs.alone.len(), pairs.order.len()), (1, 1));
        // Time that runs backwards is as good as time that passed.
        pairs.is_second(&event(5, 2, 0));
        assert_eq!(pairs.order.len(), 1);
    }
}
