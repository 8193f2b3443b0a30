//! One line of any other log of connections: five fields, as JSON or separated by commas.
//!
//! In: `{"time":…,"source":…,"destination":…,"port":…,"verdict":…}`, or the same values in this order with
//! commas; a sixth, `direction`, may follow. Out: the flow as Hubble would have reported it. The format is in
//! docs/bootstrap.md#flows-of-other-plugins.

use super::flow::{Event, Flow, Layer4, Party, Verdict};
use super::reason::DropReason;
use crate::cluster::Protocol;
use crate::policy::rule::Direction;
use jiff::Timestamp;
use serde::Deserialize;
use std::net::IpAddr;

/// What Cilium calls a drop by a policy.
///
/// Source: docs/semantics/hubble.md#drop-reasons.
const BY_POLICY: u32 = 133;

/// The first line of a file with commas.
const HEADER: &str = "time,source,destination,port,verdict";

/// The fields in JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(default)]
    time: Option<Scalar>,
    #[serde(borrow)]
    source: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    destination: std::borrow::Cow<'a, str>,
    port: Scalar,
    #[serde(borrow)]
    verdict: std::borrow::Cow<'a, str>,
    #[serde(borrow, default)]
    direction: Option<std::borrow::Cow<'a, str>>,
}

/// A number or a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Number(f64),
    Text(String),
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// Whether a line only names the fields.
pub(super) fn is_header(line: &[u8]) -> bool {
    line.starts_with(HEADER.as_bytes())
}

/// Reads one line; `None`: it has another form, and the error says what is wrong with one that has this.
pub(super) fn plain(line: &[u8]) -> Option<Result<Flow, String>> {
    let text = std::str::from_utf8(line).ok()?;
    if text.starts_with('{') {
        let line: Line<'_> = serde_json::from_str(text).ok()?;
        let time = line.time.as_ref().map(Scalar::text);
        let direction = line.direction.as_deref().unwrap_or_default();
        let rest = (&*line.source, &*line.destination, &*line.port.text());
        return Some(flow(time.as_deref().unwrap_or_default(), rest, &line.verdict, direction));
    }
    let unquoted = |field: &'_ str| field.trim().trim_matches('"').to_owned();
    let fields: Vec<String> = text.split(',').map(unquoted).collect();
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    match fields[..] {
        [time, source, destination, port, verdict] => {
            Some(flow(time, (source, destination, port), verdict, ""))
        }
        [time, source, destination, port, verdict, direction] => {
            Some(flow(time, (source, destination, port), verdict, direction))
        }
        _ => None,
    }
}

fn flow(
    time: &str,
    (source, destination, port): (&str, &str, &str),
    verdict: &str,
    direction: &str,
) -> Result<Flow, String> {
    let verdict = match verdict.to_ascii_lowercase().as_str() {
        "allowed" | "allow" | "accept" | "accepted" | "pass" | "forwarded" => Verdict::Forwarded,
        "denied" | "deny" | "drop" | "dropped" | "reject" | "rejected" => Verdict::Dropped,
        other => return Err(format!("{other:?} is no verdict: allowed or denied")),
    };
    // What passed has passed both sides, and who denied is not known unless it is told.
    let direction = match direction.to_ascii_lowercase().as_str() {
        "egress" => Direction::Egress,
        "" | "ingress" => Direction::Ingress,
        other => return Err(format!("{other:?} is no direction: ingress or egress")),
    };
    let drop_reason = DropReason::of_number(BY_POLICY).filter(|_| verdict == Verdict::Dropped);
    Ok(Flow {
        time: when(time)?,
        verdict,
        drop_reason,
        event: Event::PolicyVerdict,
        direction: Some(direction),
        is_reply: Some(false),
        source: party(source)?,
        destination: party(destination)?,
        l4: layer4(port)?,
        ..Flow::default()
    })
}

/// RFC 3339, or seconds since 1970; nothing where it is not told.
fn when(text: &str) -> Result<Option<Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    if let Ok(seconds) = text.parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, reason = "years from now it still fits")]
        let time = Timestamp::from_millisecond((seconds * 1000.0) as i64);
        return time.map(Some).map_err(|_| format!("{text:?} is no time"));
    }
    text.parse().map(Some).map_err(|_| format!("{text:?} is no time, as in 2026-01-31T12:00:00Z"))
}

/// An address; one of IPv4 in the form of IPv6, as some logs have it, is the one of IPv4.
fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// `NAMESPACE/POD`, or an address. One that is of no private network is outside the cluster, unless a pod or
/// node has it.
fn party(text: &str) -> Result<Party, String> {
    if let Some(ip) = address(text) {
        let labels = if is_private(ip) { Vec::new() } else { vec!["reserved:world".into()] };
        return Ok(Party { ip: Some(ip), labels, ..Party::default() });
    }
    let outside = text.strip_prefix("outside:").and_then(address);
    if let Some(ip) = outside {
        let labels = vec!["reserved:world".into()];
        return Ok(Party { ip: Some(ip), labels, ..Party::default() });
    }
    match text.split_once('/') {
        Some((namespace, pod))
            if !namespace.is_empty() && !pod.is_empty() && !pod.contains('/') =>
        {
            Ok(Party { namespace: namespace.into(), pod: pod.into(), ..Party::default() })
        }
        _ => Err(format!("{text:?} is no end: NAMESPACE/POD or an address")),
    }
}

/// Networks of which nobody outside has an address.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            ip.is_private() || ip.is_link_local() || ip.is_loopback() || shared
        }
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_loopback(),
    }
}

/// `5432`, `53/UDP`, or `ICMP` and a type.
fn layer4(text: &str) -> Result<Layer4, String> {
    let refuse = || format!("{text:?} is no port: 5432, 53/UDP or 0/ICMP");
    let (number, protocol) = text.split_once('/').unwrap_or((text, "TCP"));
    let number: u16 = number.trim().parse().map_err(|_| refuse())?;
    match protocol.trim().to_ascii_uppercase().as_str() {
        "ICMP" | "ICMPV4" => Ok(Layer4::Icmp { v6: false, kind: number.into(), code: 0 }),
        "ICMPV6" => Ok(Layer4::Icmp { v6: true, kind: number.into(), code: 0 }),
        other => {
            let protocol: Protocol = other.parse().map_err(|_| refuse())?;
            Ok(Layer4::Ports { protocol, source: 0, destination: number })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Flow {
        plain(line.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn both_forms_are_one() {
        let json = read(
            r#"{"time":"2026-01-31T12:00:00Z","source":"shop/web-1","destination":"10.0.0.7","port":5432,"verdict":"allowed"}"#,
        );
        let commas = read("2026-01-31T12:00:00Z, shop/web-1,10.0.0.7,5432/TCP,ACCEPT");
        assert_eq!(json, commas);
        assert_eq!((&*json.source.namespace, &*json.source.pod), ("shop", "web-1"));
        assert!(!json.destination.is_world(), "a pod may have it");
        assert_eq!(json.verdict, Verdict::Forwarded);
        let port = Layer4::Ports { protocol: Protocol::Tcp, source: 0, destination: 5432 };
        assert_eq!(json.l4, port);
        let seconds = read("1769860800,shop/web-1,192.0.2.7,53/UDP,denied,egress");
        assert_eq!(seconds.time, json.time);
        assert!(seconds.destination.is_world());
        assert_eq!(seconds.direction, Some(Direction::Egress));
        assert!(matches!(seconds.drop_class(), Some(super::super::DropClass::Policy)));
        assert!(read(",a/b,outside:10.1.2.3,0/ICMP,allow").destination.is_world());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, why) in [
            (",a/b,c,80,allowed", "is no end"),
            (",a/b,c/d,x,allowed", "is no port"),
            (",a/b,c/d,80,maybe", "is no verdict"),
            ("soon,a/b,c/d,80,allowed", "is no time"),
            (",a/b,c/d,80,allowed,up", "is no direction"),
        ] {
            let said = plain(line.as_bytes()).unwrap().unwrap_err();
            assert!(said.contains(why), "{line}: {said}");
        }
        for other in ["", "x", "{}", r#"{"flow":{}}"#, r#"{"source":"a/b"}"#, "a,b"] {
            assert!(plain(other.as_bytes()).is_none(), "{other}");
        }
        assert!(is_header(b"time,source,destination,port,verdict,direction"));
    }
}
