//! One line of `hubble observe -o jsonpb`.
//!
//! In: a line: a `GetFlowsResponse` in protobuf's JSON, or a bare flow as older versions print it.
//! Out: a [`Record`]. Source: docs/semantics/hubble.md#records: what is zero is left out, enums are
//! names or numbers, 64-bit integers are strings, and fields that are not known are skipped.

use super::flow::{Event, Flow, Layer4, Layer7, Owner, Party, PolicyName, Verdict};
use super::plain::plain;
use super::reason::DropReason;
use super::record::{Excerpt, NodeState, Record};
use super::wire::{
    Endpoint, Response, Service, Whole, WireFlow, WireIcmp, WireLayer4, WireLayer7, WireOwner,
    WirePolicy, WirePorts, Word,
};
use crate::cluster::Protocol;
use crate::policy::rule::Direction;

/// The longest list that is kept of a flow; a flow has a handful.
const MOST: usize = 256;

/// Reads one line.
pub fn decode(line: &[u8]) -> Record {
    match plain(line) {
        Some(Ok(flow)) => return Record::Flow(Box::new(flow)),
        Some(Err(why)) => return Record::Unreadable(Excerpt::new(line, &why)),
        None => {}
    }
    let response = match serde_json::from_slice::<Response>(line) {
        Ok(response) => response,
        Err(error) => return Record::Unreadable(Excerpt::new(line, &error.to_string())),
    };
    if let Some(flow) = response.flow {
        return Record::Flow(Box::new(flow_of(flow, response.node_name)));
    }
    if let Some(lost) = response.lost_events {
        return Record::Lost {
            count: lost.num_events_lost.map_or(0, |number| number.0),
            source: lost.source.map_or_else(Default::default, |word| word.text().into()),
            node: response.node_name.unwrap_or_default(),
        };
    }
    if let Some(status) = response.node_status {
        let state = status.state_change.map_or_else(Default::default, |word| word.text().into());
        let mut nodes = status.node_names.unwrap_or_default();
        nodes.truncate(MOST);
        return Record::Nodes(NodeState {
            state,
            nodes,
            message: status.message.unwrap_or_default(),
        });
    }
    match serde_json::from_slice::<WireFlow>(line) {
        Ok(flow) if flow.is_flow() => Record::Flow(Box::new(flow_of(flow, None))),
        Ok(_) => Record::Unreadable(Excerpt::new(line, "there is no flow in it")),
        Err(error) => Record::Unreadable(Excerpt::new(line, &error.to_string())),
    }
}

fn flow_of(wire: WireFlow, reported_by: Option<Box<str>>) -> Flow {
    let event_type = wire.event_type.as_ref().and_then(|event| event.r#type);
    let sub_type = wire.event_type.as_ref().and_then(|event| event.sub_type);
    let sub_type = sub_type.map_or(0, Whole::small);
    let event = match event_type.map(Whole::small) {
        None if wire.l7.is_some() => Event::L7,
        None | Some(0) => Event::None,
        Some(1) => Event::Drop,
        Some(4) => Event::Trace(sub_type),
        Some(5) => Event::PolicyVerdict,
        Some(7) => Event::TraceSock,
        Some(129) => Event::L7,
        Some(other) => Event::Other(other),
    };
    let direction = wire.traffic_direction.and_then(|word| match word {
        Word::Name(name) if &*name == "INGRESS" => Some(Direction::Ingress),
        Word::Name(name) if &*name == "EGRESS" => Some(Direction::Egress),
        Word::Number(1) => Some(Direction::Ingress),
        Word::Number(2) => Some(Direction::Egress),
        _ => None,
    });
    let drop_reason = match wire.drop_reason_desc {
        Some(Word::Name(name)) => DropReason::of_name(&name),
        Some(Word::Number(number)) => DropReason::of_number(number),
        None => None,
    };
    // Older versions have the number only, or only the event's.
    let drop_reason = drop_reason
        .or_else(|| DropReason::of_number(wire.drop_reason?.small()))
        .or_else(|| DropReason::of_number(sub_type).filter(|_| event == Event::Drop));
    let (egress_allowed, ingress_allowed) = (wire.egress_allowed_by, wire.ingress_allowed_by);
    let (egress_denied, ingress_denied) = (wire.egress_denied_by, wire.ingress_denied_by);
    let of_direction = |egress, ingress| match direction {
        Some(Direction::Egress) => policies(egress),
        Some(Direction::Ingress) => policies(ingress),
        None => Vec::new(),
    };
    let (source_ip, destination_ip) =
        wire.ip.map_or((None, None), |addresses| (addresses.source, addresses.destination));
    Flow {
        time: wire.time.and_then(|time| time.parse().ok()),
        uuid: wire.uuid.unwrap_or_default(),
        node: wire.node_name.or(reported_by).unwrap_or_default(),
        cilium: wire.emitter.and_then(|emitter| emitter.version).unwrap_or_default(),
        verdict: wire.verdict.map_or(Verdict::Unknown, verdict),
        drop_reason,
        event,
        direction,
        match_type: wire.policy_match_type.map_or(0, Whole::small),
        is_reply: wire.is_reply,
        source: party(wire.source, source_ip, wire.source_names, wire.source_service),
        destination: party(
            wire.destination,
            destination_ip,
            wire.destination_names,
            wire.destination_service,
        ),
        l4: wire.l4.map_or(Layer4::Other, layer4),
        l7: wire.l7.map(layer7),
        summary: wire.summary.unwrap_or_default(),
        allowed_by: of_direction(egress_allowed, ingress_allowed),
        denied_by: of_direction(egress_denied, ingress_denied),
    }
}

fn verdict(word: Word) -> Verdict {
    let known = match word {
        Word::Name(name) => Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == &*name),
        Word::Number(number) => {
            usize::try_from(number).ok().and_then(|at| Verdict::ALL.get(at).copied())
        }
    };
    known.unwrap_or_default()
}

fn party(
    endpoint: Option<Endpoint>,
    ip: Option<Box<str>>,
    names: Option<Vec<Box<str>>>,
    service: Option<Service>,
) -> Party {
    let endpoint = endpoint.unwrap_or_default();
    let mut labels = endpoint.labels.unwrap_or_default();
    let mut names = names.unwrap_or_default();
    labels.truncate(MOST);
    names.truncate(MOST);
    let owners = endpoint.workloads.unwrap_or_default().into_iter().take(MOST);
    let owner = |owner: WireOwner| Owner {
        kind: owner.kind.unwrap_or_default(),
        name: owner.name.unwrap_or_default(),
    };
    Party {
        ip: ip.and_then(|ip| ip.parse().ok()),
        identity: endpoint.identity.map_or(0, Whole::small),
        namespace: endpoint.namespace.unwrap_or_default(),
        pod: endpoint.pod_name.unwrap_or_default(),
        labels,
        workloads: owners.map(owner).collect(),
        names,
        service: service.and_then(|it| Some((it.namespace.unwrap_or_default(), it.name?))),
    }
}

fn layer4(wire: WireLayer4) -> Layer4 {
    let number = |number: Option<Whole>| {
        u16::try_from(number.map_or(0, |number| number.0)).unwrap_or_default()
    };
    let ports = |protocol, ports: WirePorts| Layer4::Ports {
        protocol,
        source: number(ports.source_port),
        destination: number(ports.destination_port),
    };
    let icmp = |v6, icmp: WireIcmp| Layer4::Icmp {
        v6,
        kind: icmp.r#type.map_or(0, Whole::small),
        code: icmp.code.map_or(0, Whole::small),
    };
    match wire {
        WireLayer4 { tcp: Some(it), .. } => ports(Protocol::Tcp, it),
        WireLayer4 { udp: Some(it), .. } => ports(Protocol::Udp, it),
        WireLayer4 { sctp: Some(it), .. } => ports(Protocol::Sctp, it),
        WireLayer4 { icmp_v4: Some(it), .. } => icmp(false, it),
        WireLayer4 { icmp_v6: Some(it), .. } => icmp(true, it),
        _ => Layer4::Other,
    }
}

fn layer7(wire: WireLayer7) -> Layer7 {
    let what = match wire.r#type {
        Some(Word::Name(name)) => name.to_ascii_lowercase(),
        Some(Word::Number(1)) => "request".to_owned(),
        Some(Word::Number(2)) => "response".to_owned(),
        Some(Word::Number(3)) => "sample".to_owned(),
        _ => "unknown_l7_type".to_owned(),
    };
    let kind = match (wire.http, wire.dns, wire.kafka) {
        (Some(_), ..) => format!("http-{what}"),
        (_, Some(dns), _) => {
            format!("dns-{what} {}", dns.observation_source.unwrap_or_default())
        }
        (.., Some(_)) => format!("kafka-{what}"),
        _ => format!("l7-{what}"),
    };
    Layer7 { kind: kind.into() }
}

fn policies(wire: Option<Vec<WirePolicy>>) -> Vec<PolicyName> {
    let policies = wire.unwrap_or_default().into_iter().take(MOST);
    let name = |policy: WirePolicy| PolicyName {
        kind: policy.kind.unwrap_or_default(),
        namespace: policy.namespace.unwrap_or_default(),
        name: policy.name.unwrap_or_default(),
    };
    policies.map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::super::reason::DropClass;
    use super::*;

    fn flow(line: &str) -> Flow {
        match decode(line.as_bytes()) {
            Record::Flow(flow) => *flow,
            other => panic!("{other:?}"),
        }
    }

    const DENIED: &str = r#"{"verdict":"DROPPED","drop_reason":133,"IP":{"source":"10.0.0.1","destination":"fd00::1"},"l4":{"TCP":{"source_port":4,"destination_port":9000,"flags":{"SYN":true}}},"source":{"identity":24513,"namespace":"a","labels":["k8s:x=y","reserved:host"],"pod_name":"p"},"event_type":{"type":5},"traffic_direction":"EGRESS","egress_denied_by":[{"name":"b","kind":"K","revision":"15"}],"ingress_denied_by":[{"name":"no"}],"future":{"x":[1,{}]}}"#;

    /// docs/semantics/hubble.md#records: accept both wrapped and bare flows, and unknown fields.
    #[test]
    fn wrapped_and_bare_are_one() {
        let bare = flow(DENIED);
        assert_eq!(bare, flow(&format!(r#"{{"flow":{DENIED},"time":"x","more":1}}"#)));
        assert_eq!(bare.verdict, Verdict::Dropped);
        assert_eq!(bare.drop_class(), Some(DropClass::Policy));
        assert_eq!(bare.direction, Some(Direction::Egress));
        assert_eq!((&*bare.source.namespace, &*bare.source.pod), ("a", "p"));
        assert!(bare.source.is_node() && !bare.source.is_world() && bare.is_reply.is_none());
        let ports = Layer4::Ports { protocol: Protocol::Tcp, source: 4, destination: 9000 };
        assert_eq!(bare.l4, ports);
        assert_eq!(bare.denied_by.iter().map(|p| &*p.name).collect::<Vec<_>>(), ["b"]);
        assert_eq!(flow(&format!(r#"{{"flow":{DENIED},"node_name":"n"}}"#)).node, "n".into());
    }

    /// docs/semantics/hubble.md#recordings: the CLI takes camelCase names and numeric enums.
    #[test]
    fn names_and_numbers_of_other_makers() {
        let numeric = flow(
            r#"{"flow":{"verdict":2,"dropReasonDesc":181,"trafficDirection":1,
            "eventType":{"type":1,"subType":181},"isReply":true,"policyMatchType":"2",
            "source":{"podName":"p","namespace":"a","identity":"7"},"ingressDeniedBy":[{"name":"b"}],
            "l4":{"ICMPv6":{"type":128}},"time":null,"nodeName":"n","Summary":null}}"#,
        );
        assert_eq!((numeric.verdict, numeric.event), (Verdict::Dropped, Event::Drop));
        assert!(numeric.drop_reason.clone().unwrap().is_deny_rule());
        assert_eq!((numeric.direction, numeric.match_type), (Some(Direction::Ingress), 2));
        assert_eq!((numeric.is_reply, numeric.source.identity), (Some(true), 7));
        assert_eq!(numeric.l4, Layer4::Icmp { v6: true, kind: 128, code: 0 });
        assert_eq!((numeric.denied_by.len(), numeric.time, &*numeric.node), (1, None, "n"));
        // Before 1.16 only the event's number says why.
        let old = flow(r#"{"verdict":"DROPPED","event_type":{"type":1,"sub_type":151}}"#);
        assert_eq!(old.drop_class(), Some(DropClass::NotPolicy));
    }

    #[test]
    fn events_by_kind() {
        let event = |text: &str| flow(&format!(r#"{{"verdict":"FORWARDED",{text}}}"#));
        for (text, expected) in [
            (r#""event_type":{"type":4,"sub_type":3}"#, Event::Trace(3)),
            (r#""event_type":{"type":7}"#, Event::TraceSock),
            (r#""event_type":{"type":129}"#, Event::L7),
            (r#""event_type":{"type":200}"#, Event::Other(200)),
            (r#""l7":{"type":"REQUEST"}"#, Event::L7),
            (r#""event_type":{}"#, Event::None),
        ] {
            assert_eq!(event(text).event, expected, "{text}");
        }
        let kind = |text: &str| event(&format!(r#""l7":{text}"#)).l7.unwrap().kind;
        assert_eq!(&*kind(r#"{"type":"RESPONSE","http":{"code":403}}"#), "http-response");
        assert_eq!(
            &*kind(r#"{"type":1,"dns":{"query":"x.","observation_source":"proxy"}}"#),
            "dns-request proxy"
        );
    }

    #[test]
    fn what_is_no_flow() {
        let lost = r#"{"lost_events":{"source":"PERF_EVENT_RING_BUFFER","num_events_lost":"12","cpu":0},"node_name":"n"}"#;
        let Record::Lost { count, source, node } = decode(lost.as_bytes()) else { panic!() };
        assert_eq!((count, &*source, &*node), (12, "PERF_EVENT_RING_BUFFER", "n"));
        let status = r#"{"node_status":{"state_change":"NODE_UNAVAILABLE","node_names":["a","b"],"message":"m"}}"#;
        let Record::Nodes(state) = decode(status.as_bytes()) else { panic!() };
        assert_eq!(
            (&*state.state, state.nodes.len(), &*state.message),
            ("NODE_UNAVAILABLE", 2, "m")
        );
        for rubbish in [
            "",
            "{}",
            "null",
            "42",
            "x",
            "[]",
            r#"{"flow":null}"#,
            r#"{"flow":7}"#,
            r#"{"a":1}"#,
            r#"{"verdict":"DROPPED""#,
            "\u{0}",
            r#"{"l4":{"TCP":{"source_port":"x"}}}"#,
            r#"{"flow":{},"flow":{}}"#,
        ] {
            let read = decode(rubbish.as_bytes());
            assert!(matches!(read, Record::Unreadable(_)), "{rubbish}: {read:?}");
        }
        assert!(matches!(decode(&[0xff, 0xfe]), Record::Unreadable(_)));
        let deep = format!("{{\"x\":{}", "[".repeat(100_000));
        assert!(matches!(decode(deep.as_bytes()), Record::Unreadable(_)));
    }

    /// A port that cannot be one is none.
    #[test]
    fn numbers_out_of_range() {
        let odd = flow(
            r#"{"verdict":99,"l4":{"UDP":{"source_port":70000,"destination_port":-1}},
            "drop_reason":1e30,"source":{"identity":99999999999}}"#,
        );
        assert_eq!(odd.verdict, Verdict::Unknown);
        let none = Layer4::Ports { protocol: Protocol::Udp, source: 0, destination: 0 };
        assert_eq!((odd.l4, odd.source.identity), (none, u32::MAX));
    }
}
