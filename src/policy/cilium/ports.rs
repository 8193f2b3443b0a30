//! `toPorts`: which ports, and what must hold on them.
//!
//! Source: docs/semantics/cilium-objects.md#ports-that-are-rejected,
//! docs/semantics/cilium-rules.md#absent-and-empty and docs/semantics/cilium-ports.md#ports.

use super::super::CiliumVersion;
use super::super::rule::{Condition, PortFields, PortMatch, PortRule, Ports};
use super::super::variables::variable;
use super::lower::{At, Lowering};
use super::written::{Element, PortRules, WrittenPort};
use crate::cluster::{PortRange, Protocol};
use crate::lints::Lint;

/// The most ports of an item of `toPorts`.
const MOST_PORTS: usize = 40;

/// What the protocol of a port means.
enum Means {
    /// These protocols that have ports.
    Ports(Vec<Protocol>),
    /// A protocol without ports, which no flow here has.
    Other,
}

/// Ports of an element.
pub(super) struct Choice {
    pub(super) ports: Ports,
    /// What must hold besides.
    pub(super) condition: Option<Condition>,
    /// Why these are only perhaps its ports.
    pub(super) doubt: Option<String>,
}

impl Choice {
    pub(super) fn of(ports: Ports, condition: Option<Condition>) -> Self {
        Self { ports, condition, doubt: None }
    }
}

/// The ports of a list: those that are known, and those that may be any of their protocols.
#[derive(Default)]
struct Listed {
    known: Vec<PortRule>,
    unknown: Vec<PortRule>,
    why: Option<String>,
}

impl Lowering<'_> {
    /// What an element says of ports; `None` where it says nothing.
    pub(super) fn port_choices(&mut self, at: At<'_>, element: &Element) -> Option<Vec<Choice>> {
        let ports = element.ports.as_deref().unwrap_or_default();
        let icmps = element.icmps.as_deref().unwrap_or_default();
        if !ports.is_empty() && !icmps.is_empty() {
            let message = "has both toPorts and icmps: write one element for each";
            self.fault(at.path, message);
        }
        if !icmps.is_empty() && !self.settings.icmp_rules {
            let path = format!("{}.icmps", at.path);
            self.fault(path, "needs the option enable-icmp-rules, which is off");
        }
        if !icmps.is_empty() {
            return Some(vec![Choice::of(Ports::Of(self.icmps(at, icmps)), None)]);
        }
        if ports.is_empty() {
            return None;
        }
        let mut plain = Vec::new();
        let mut choices = Vec::new();
        for (i, item) in ports.iter().enumerate() {
            let path = format!("{}.toPorts[{i}]", at.path);
            let condition = self.l7(at, &path, item);
            let Listed { mut known, unknown, why } = self.port_list(at, &path, item);
            if why.is_some() {
                let ports = Ports::Of(unknown);
                choices.push(Choice { ports, condition: condition.clone(), doubt: why });
            }
            match condition {
                Some(_) => choices.push(Choice::of(Ports::Of(known), condition)),
                None => plain.append(&mut known),
            }
        }
        if !plain.is_empty() || choices.is_empty() {
            choices.insert(0, Choice::of(Ports::Of(plain), None));
        }
        Some(choices)
    }

    fn port_list(&mut self, at: At<'_>, path: &str, item: &PortRules) -> Listed {
        let written = item.ports.as_deref().unwrap_or_default();
        if written.is_empty() {
            self.lint(
                Lint::EmptyRule,
                path,
                "has no ports, so it matches none; leave toPorts out for every port",
            );
        }
        if written.len() > MOST_PORTS {
            let message = format!("has more than {MOST_PORTS} ports");
            // The CRD says so for rules that allow only.
            if at.denies() {
                self.fault(format!("{path}.ports"), message);
            } else {
                self.refuse(format!("{path}.ports"), message);
            }
        }
        let mut rules = Listed::default();
        for (i, port) in written.iter().enumerate() {
            self.port(&format!("{path}.ports[{i}]"), port, &mut rules);
        }
        rules
    }

    fn port(&mut self, path: &str, written: &WrittenPort, rules: &mut Listed) {
        let mut texts = written.protocol.iter().chain(&written.port);
        if let Some(why) = texts.find_map(|text| self.unfilled(path, text)) {
            let unfilled = |text: &&str| variable(text).is_none();
            let protocol = written.protocol.as_deref().filter(unfilled).unwrap_or("ANY");
            let Some(Means::Ports(protocols)) = self.protocol(path, Some(protocol)) else { return };
            rules.unknown.extend(protocols.into_iter().map(|protocol| PortRule {
                path: path.into(),
                fields: &PortFields::PLAIN,
                protocol,
                ports: PortMatch::All,
                except: Box::default(),
            }));
            rules.why = Some(why);
            return;
        }
        let Some(means) = self.protocol(path, written.protocol.as_deref()) else { return };
        let text = written.port.as_deref().unwrap_or_default();
        let missing = "is missing: give a number or a name in quotes";
        if written.port.is_some() && text.is_empty() {
            self.refuse(format!("{path}.port"), missing);
            return;
        }
        if text.is_empty() && !self.settings.extended_protocols {
            // Up to 1.18 the CRD asks for it.
            if self.settings.version == CiliumVersion::V1_18 {
                self.refuse(format!("{path}.port"), missing);
            } else {
                self.fault(format!("{path}.port"), missing);
            }
            return;
        }
        let ports = match (&means, text) {
            (Means::Other, "" | "0") => return,
            (Means::Other, _) => {
                let protocol = written.protocol.as_deref().unwrap_or_default();
                let message = format!("{protocol} has no ports: give 0");
                self.fault(format!("{path}.port"), message);
                return;
            }
            (_, "") => Some(PortMatch::All),
            (_, text) => self.port_match(path, text, written.end_port),
        };
        let Some(ports) = ports else { return };
        let protocols = match means {
            Means::Ports(protocols) => protocols,
            Means::Other => Vec::new(),
        };
        if protocols == [Protocol::Sctp] && !self.settings.sctp {
            self.lint(Lint::NotEnforced, path, "Cilium knows SCTP only with enable-sctp");
        }
        rules.known.extend(protocols.into_iter().map(|protocol| PortRule {
            path: path.into(),
            fields: &PortFields::PLAIN,
            protocol,
            ports: ports.clone(),
            except: Box::default(),
        }));
    }

    /// Source: docs/semantics/cilium-ports.md#protocols: ANY is TCP, UDP and SCTP, not ICMP; VRRP and
    /// IGMP, from 1.19 on, have no port, and 1.20 adds more such.
    fn protocol(&mut self, path: &str, written: Option<&str>) -> Option<Means> {
        let version = self.settings.version;
        match written.unwrap_or("ANY") {
            "ANY" => Some(Means::Ports(Protocol::ALL.to_vec())),
            "TCP" => Some(Means::Ports(vec![Protocol::Tcp])),
            "UDP" => Some(Means::Ports(vec![Protocol::Udp])),
            "SCTP" => Some(Means::Ports(vec![Protocol::Sctp])),
            "VRRP" | "IGMP" if version >= CiliumVersion::V1_19 => Some(Means::Other),
            "GRE" | "IPIP" | "IPV6" | "ESP" | "AH" if version >= CiliumVersion::V1_20 => {
                Some(Means::Other)
            }
            other => {
                let icmp = if other.starts_with("ICMP") { ": write icmps for ICMP" } else { "" };
                let message = format!("{other:?} is not TCP, UDP, SCTP or ANY{icmp}");
                self.refuse(format!("{path}.protocol"), message);
                None
            }
        }
    }

    /// A number, a range or a name.
    ///
    /// Source: docs/semantics/cilium-ports.md#ports;
    /// docs/semantics/cilium-objects.md#ports-that-are-rejected: an endPort below the port is not
    /// rejected, and only the port then matches.
    fn port_match(&mut self, path: &str, text: &str, end: Option<i64>) -> Option<PortMatch> {
        let end_path = format!("{path}.endPort");
        if is_service_name(text) {
            if end.is_some_and(|end| end != 0) {
                self.lint(Lint::IgnoredField, end_path, "is ignored beside the name of a port");
            }
            return Some(PortMatch::Named(text.to_ascii_lowercase().into()));
        }
        let Some(first) = number(text) else {
            let message = format!("{text:?} is neither a port nor the name of one");
            if may_be_port(text) {
                self.fault(format!("{path}.port"), message);
            } else {
                self.refuse(format!("{path}.port"), message);
            }
            return None;
        };
        let end = end.filter(|end| *end != 0);
        match end.map(u16::try_from) {
            _ if first == 0 => Some(PortMatch::All),
            None => Some(PortMatch::Range(first.into())),
            Some(Ok(last)) if last >= first => Some(PortMatch::Range(PortRange { first, last })),
            Some(Ok(last)) => {
                let message = format!("{last} is below port {first}, so only {first} matches");
                self.lint(Lint::IgnoredField, end_path, message);
                Some(PortMatch::Range(first.into()))
            }
            Some(Err(_)) => {
                self.refuse(end_path, "is not a port: 1 to 65535");
                None
            }
        }
    }
}

/// A number as Go reads it with any base: a zero in front makes it octal.
fn number(text: &str) -> Option<u16> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match text.strip_prefix('0') {
        Some("") => Some(0),
        Some(octal) => u16::from_str_radix(octal, 8).ok(),
        None => text.parse().ok(),
    }
}

/// Whether the CRD takes a text for a port: it begins with a digit, or ends like a name.
fn may_be_port(text: &str) -> bool {
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let tail = text.rsplit("--").next().unwrap_or(text);
    let tail = tail.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '-').next();
    let name = tail.is_some_and(|tail| {
        !tail.ends_with('-') && tail.bytes().any(|byte| byte.is_ascii_alphabetic())
    });
    digit(text.as_bytes().first()) || name
}

/// A name of a port: letters, digits and single hyphens, at least one letter, at most 15.
///
/// Source: `IsSvcName` in Cilium's pkg/iana.
fn is_service_name(text: &str) -> bool {
    text.len() <= 15
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && text.bytes().any(|b| b.is_ascii_alphabetic())
        && !text.contains("--")
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The port as the checks of L7 rules see it.
pub(super) fn is_zero(port: &WrittenPort) -> bool {
    port.port.as_deref().and_then(number) == Some(0)
}

/// Whether it is a range, as the checks of L7 rules see it.
pub(super) fn is_range(port: &WrittenPort) -> bool {
    let first = port.port.as_deref().and_then(number).map(i64::from);
    first.is_some_and(|first| port.end_port.is_some_and(|end| end > first))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/semantics/cilium-ports.md#ports: a number as text, or a name.
    #[test]
    fn numbers_and_names() {
        for (text, expected) in [
            ("80", Some(80)),
            ("0", Some(0)),
            ("65535", Some(65535)),
            ("65536", None),
            ("010", Some(8)),
            ("080", None),
            ("", None),
            ("-1", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
        for (text, taken) in [
            ("8 0", true),
            ("65536", true),
            ("a--b", true),
            ("-1", false),
            ("a-", false),
            ("é1", false),
        ] {
            assert_eq!(may_be_port(text), taken, "{text}");
        }
        for (text, name) in
            [("http", true), ("HTTP-2", true), ("0x10", true), ("80", false), ("a--b", false)]
        {
            assert_eq!(is_service_name(text), name, "{text}");
        }
    }
}
