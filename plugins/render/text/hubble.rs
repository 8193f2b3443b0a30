//! A flow in one line, as `hubble observe -o compact --print-policy-names` has it.

use netpol::hubble::{Event, Flow, Layer4, Party, PolicyName, Verdict};
use netpol::policy::rule::Direction;
use std::fmt::Write as _;

/// The match types of a policy verdict, by number.
const MATCHES: [&str; 7] = ["none", "L3-Only", "L3-L4", "L4-Only", "all", "L3-Proto", "Proto-Only"];

/// Where a trace event saw a packet, by number.
const POINTS: [&str; 14] = [
    "to-endpoint",
    "to-proxy",
    "to-host",
    "to-stack",
    "to-overlay",
    "from-endpoint",
    "from-proxy",
    "from-host",
    "from-stack",
    "from-overlay",
    "from-network",
    "to-network",
    "from-crypto",
    "to-crypto",
];

/// The identities that have names.
const RESERVED: [&str; 11] = [
    "unknown",
    "host",
    "world",
    "unmanaged",
    "health",
    "init",
    "remote-node",
    "kube-apiserver",
    "ingress",
    "world-ipv4",
    "world-ipv6",
];

/// The whole line; what it says is not yet fit for a terminal.
pub(super) fn line(flow: &Flow) -> String {
    let mut line = time(flow);
    let (source, destination) = ports(flow.l4);
    let mut ends = [
        (name(&flow.source, source), identity(&flow.source)),
        (name(&flow.destination, destination), identity(&flow.destination)),
    ];
    let arrow = match flow.is_reply {
        None => "<>",
        Some(false) => "->",
        Some(true) => {
            ends.reverse();
            "<-"
        }
    };
    let [(from, from_identity), (to, to_identity)] = ends;
    let (kind, verdict) = (kind(flow), verdict(flow));
    let _ = write!(
        line,
        ": {from} {from_identity} {arrow} {to} {to_identity} {kind} {verdict} ({})",
        flow.summary
    );
    line
}

fn time(flow: &Flow) -> String {
    // As Go's StampMilli, in UTC.
    flow.time
        .map_or_else(|| "N/A".to_owned(), |time| time.strftime("%b %e %H:%M:%S%.3f").to_string())
}

fn ports(l4: Layer4) -> (Option<u16>, Option<u16>) {
    match l4 {
        Layer4::Ports { source, destination, .. } => (Some(source), Some(destination)),
        Layer4::Icmp { .. } | Layer4::Other => (None, None),
    }
}

/// A pod, Service, DNS name or address, with the port.
fn name(party: &Party, port: Option<u16>) -> String {
    let in_namespace = |namespace: &str, name: &str| match namespace {
        "" => name.to_owned(),
        namespace => format!("{namespace}/{name}"),
    };
    let name = match &party.service {
        Some((namespace, name)) => in_namespace(namespace, name),
        None if party.is_pod() => in_namespace(&party.namespace, &party.pod),
        None if !party.names.is_empty() => party.names.join(","),
        None => party.ip.map_or_else(String::new, |ip| match port {
            Some(_) if ip.is_ipv6() => format!("[{ip}]"),
            _ => ip.to_string(),
        }),
    };
    port.map_or(name.clone(), |port| format!("{name}:{port}"))
}

fn identity(party: &Party) -> String {
    let reserved = usize::try_from(party.identity).ok().and_then(|at| RESERVED.get(at));
    match reserved {
        Some(name) => format!("({name})"),
        None => format!("(ID:{})", party.identity),
    }
}

fn kind(flow: &Flow) -> String {
    if let Some(l7) = &flow.l7 {
        return l7.kind.to_string();
    }
    let direction = match flow.direction {
        Some(Direction::Ingress) => "INGRESS",
        Some(Direction::Egress) => "EGRESS",
        None => "TRAFFIC_DIRECTION_UNKNOWN",
    };
    let nth = |names: &[&'static str], at: u32| {
        usize::try_from(at).ok().and_then(|at| names.get(at).copied())
    };
    match flow.event {
        Event::PolicyVerdict => {
            let matched = nth(&MATCHES, flow.match_type)
                .map_or_else(|| flow.match_type.to_string(), ToOwned::to_owned);
            format!("policy-verdict:{matched} {direction}")
        }
        Event::Drop => {
            flow.drop_reason.as_ref().map_or_else(|| "Dropped".to_owned(), ToString::to_string)
        }
        Event::Trace(point) => {
            nth(&POINTS, point).map_or_else(|| point.to_string(), ToOwned::to_owned)
        }
        Event::TraceSock => "trace-sock".to_owned(),
        Event::L7 => "l7".to_owned(),
        Event::Other(_) | Event::None => "UNKNOWN".to_owned(),
    }
}

fn verdict(flow: &Flow) -> String {
    let by = |policies: &[PolicyName]| {
        let named = policies.iter().filter(|it| !it.kind.is_empty() && !it.name.is_empty());
        let named: Vec<_> = named.map(|it| format!("{} ({})", it.name, it.kind)).collect();
        if named.is_empty() { String::new() } else { format!(" BY {}", named.join(", ")) }
    };
    match flow.verdict {
        verdict if flow.event != Event::PolicyVerdict => verdict.as_str().to_owned(),
        Verdict::Forwarded | Verdict::Redirected => format!("ALLOWED{}", by(&flow.allowed_by)),
        Verdict::Dropped | Verdict::Error => format!("DENIED{}", by(&flow.denied_by)),
        Verdict::Audit => "AUDITED".to_owned(),
        verdict => verdict.as_str().to_owned(),
    }
}
