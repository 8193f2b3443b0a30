//! Protocols and ports of a rule.
//!
//! In: a rule as written. Out: its ports in the one rule form, each with the family that its protocol
//! has, and why a match is not known. Source: docs/semantics/calico.md#protocols-and-ports.

use super::super::rule::{PortFields, PortMatch, PortRule, Ports};
use super::lower::Lowering;
use super::services::PORTS_APART;
use super::written::{Entity, Icmp, IntOrString, Rule};
use crate::cluster::{Family, PortRange, Protocol};
use crate::lints::Lint;

/// Ports, and what must hold besides.
pub(super) struct Listed {
    pub(super) ports: Ports,
    pub(super) family: Option<Family>,
    /// Why it is not known whether the ports match.
    pub(super) doubt: Option<Box<str>>,
}

/// The protocols that a flow can have here.
const PROTOCOLS: [Protocol; 5] =
    [Protocol::Tcp, Protocol::Udp, Protocol::Sctp, Protocol::Icmp, Protocol::IcmpV6];

/// Names of protocols that the eBPF dataplane does not know, with their numbers.
///
/// Source: docs/semantics/calico.md#protocols-and-ports.
const NOT_IN_EBPF: [(&str, u8); 2] = [("ICMPv6", 58), ("UDPLite", 136)];

/// A protocol as written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    /// One that flows have here, and whether it is told by its name.
    One(Protocol, bool),
    /// One that no flow here has.
    Other,
}

/// The most that a type or code of ICMP is.
const MOST_ICMP: u16 = 255;

impl Lowering<'_> {
    fn protocol(&mut self, path: &str, written: &IntOrString) -> Named {
        if let IntOrString::Text(name) = written
            && let Some((_, number)) = NOT_IN_EBPF.iter().find(|(known, _)| known == name)
        {
            let message = format!(
                "{name} is protocol 0 to the eBPF dataplane, which no flow has: this is judged as \
                 iptables enforces it; {number} means the same to both"
            );
            self.lint(Lint::VersionDependent, path, message);
        }
        let named = match written {
            IntOrString::Text(name) => match name.as_str() {
                "UDPLite" => Some(Named::Other),
                name => {
                    let one = PROTOCOLS.into_iter().find(|protocol| protocol.as_str() == name);
                    one.map(|protocol| Named::One(protocol, true))
                }
            },
            IntOrString::Int(number) => match number {
                6 => Some(Named::One(Protocol::Tcp, false)),
                17 => Some(Named::One(Protocol::Udp, false)),
                132 => Some(Named::One(Protocol::Sctp, false)),
                1 => Some(Named::One(Protocol::Icmp, false)),
                58 => Some(Named::One(Protocol::IcmpV6, false)),
                1..=255 => Some(Named::Other),
                _ => None,
            },
        };
        if named.is_none() {
            let message = "is not TCP, UDP, SCTP, ICMP, ICMPv6, UDPLite or a number from 1 to 255";
            self.fault(path, message);
        }
        named.unwrap_or(Named::Other)
    }

    /// What a rule says of protocols and ports, more than once where a part of it is not known.
    /// Names may be left aside.
    pub(super) fn ports(&mut self, path: &str, rule: &Rule, names: bool) -> Vec<Listed> {
        let wanted = rule.protocol.as_ref();
        let wanted = wanted.map(|one| self.protocol(&format!("{path}.protocol"), one));
        let left_out = rule.not_protocol.as_ref();
        let left_out = left_out.map(|one| self.protocol(&format!("{path}.notProtocol"), one));
        let protocols: Vec<Protocol> = PROTOCOLS
            .into_iter()
            .filter(|protocol| match wanted {
                None => true,
                Some(Named::One(one, _)) => one == *protocol,
                Some(Named::Other) => false,
            })
            .filter(|protocol| !matches!(left_out, Some(Named::One(one, _)) if one == *protocol))
            .collect();
        // By its name ICMP is of one family, by its number of any.
        let family = match wanted {
            Some(Named::One(Protocol::Icmp, true)) => Some(Family::V4),
            Some(Named::One(Protocol::IcmpV6, true)) => Some(Family::V6),
            _ => None,
        };
        let is_icmp = matches!(wanted, Some(Named::One(Protocol::Icmp | Protocol::IcmpV6, _)));
        let sctp = matches!(wanted, Some(Named::One(Protocol::Sctp, _)));
        let numbered = matches!(wanted, Some(Named::One(one, _)) if one.has_ports());
        for (icmp, field) in [(&rule.icmp, "icmp"), (&rule.not_icmp, "notICMP")] {
            if let Some(icmp) = icmp {
                self.icmp(&format!("{path}.{field}"), icmp, is_icmp);
            }
        }
        for (side, entity) in [("source", &rule.source), ("destination", &rule.destination)] {
            let Some(entity) = entity else { continue };
            self.check_ports(&format!("{path}.{side}"), entity, numbered, wanted.is_some());
            let ports = entity.ports.iter().flatten().position(is_name);
            if let Some(i) = ports.filter(|_| sctp) {
                let message = "is a name of an SCTP port, which the eBPF dataplane leaves out: this is \
                               judged as iptables enforces it";
                self.lint(Lint::VersionDependent, format!("{path}.{side}.ports[{i}]"), message);
            }
        }
        let of_source = rule.source.iter().flat_map(|entity| [&entity.ports, &entity.not_ports]);
        let mut doubt: Option<Box<str>> = of_source
            .flatten()
            .flatten()
            .next()
            .map(|_| "a flow is asked about without its source port".into());
        let listed = |ports, doubt| Listed { ports, family, doubt };
        let destination = rule.destination.clone().unwrap_or_default();
        if let Some(service) = &destination.services {
            let behind = self.behind(service);
            let known = behind.port_rules(&format!("{path}.destination.services"), &protocols);
            match known {
                Some(ports) => return vec![listed(Ports::Of(ports), doubt)],
                None => doubt = doubt.or_else(|| Some(PORTS_APART.into())),
            }
        }
        let (ports, except) = (destination.ports, destination.not_ports.unwrap_or_default());
        let at = |field: &str| format!("{path}.destination.{field}");
        let wanted_names = |ports: &PortMatch| names || !matches!(ports, PortMatch::Named(_));
        let mut except = self.list(&at("notPorts"), &except);
        except.retain(|(_, ports)| wanted_names(ports));
        let except: Box<[PortMatch]> = except.into_iter().map(|(_, ports)| ports).collect();
        let mut all = Vec::new();
        match ports.filter(|ports| !ports.is_empty()) {
            Some(ports) => {
                let mut ports = self.list(&at("ports"), &ports);
                ports.retain(|(_, ports)| wanted_names(ports));
                for (path, ports) in ports {
                    for protocol in protocols.iter().filter(|protocol| protocol.has_ports()) {
                        all.push(PortRule {
                            path: path.as_str().into(),
                            fields: &PortFields::ITSELF,
                            protocol: *protocol,
                            ports: ports.clone(),
                            except: except.clone(),
                        });
                    }
                }
            }
            None if rule.icmp.is_some() || rule.not_icmp.is_some() => {
                return of_icmp(path, rule, &protocols, family, doubt);
            }
            None if wanted.is_none() && left_out.is_none() && except.is_empty() => {
                return vec![listed(Ports::Any, doubt)];
            }
            None => {
                let path = if except.is_empty() { path.to_owned() } else { at("notPorts") };
                all.extend(protocols.into_iter().map(|protocol| PortRule {
                    path: path.as_str().into(),
                    fields: &PortFields::PLAIN,
                    protocol,
                    ports: PortMatch::All,
                    except: if protocol.has_ports() { except.clone() } else { Box::default() },
                }));
            }
        }
        vec![listed(Ports::Of(all), doubt)]
    }

    fn icmp(&mut self, path: &str, icmp: &Icmp, is_icmp: bool) {
        if !is_icmp {
            self.fault(path, "needs protocol ICMP or ICMPv6");
        }
        for (number, field, most) in [(icmp.kind, "type", 254), (icmp.code, "code", 255)] {
            if number.is_some_and(|number| !(0..=most).contains(&number)) {
                self.fault(format!("{path}.{field}"), format!("is not 0 to {most}"));
            }
        }
        if icmp.code.is_some() && icmp.kind.is_none() {
            self.fault(format!("{path}.code"), "needs a type");
        }
    }

    /// Source: docs/semantics/calico.md#refusals.
    fn check_ports(&mut self, path: &str, entity: &Entity, numbered: bool, told: bool) {
        for (ports, field) in [(&entity.ports, "ports"), (&entity.not_ports, "notPorts")] {
            for (i, port) in ports.iter().flatten().enumerate() {
                if !numbered && (told || !is_name(port)) {
                    let message = "needs protocol TCP, UDP or SCTP";
                    self.fault(format!("{path}.{field}[{i}]"), message);
                }
            }
        }
    }

    /// Ports as written, each with its path.
    fn list(&mut self, path: &str, written: &[IntOrString]) -> Vec<(String, PortMatch)> {
        let mut all = Vec::new();
        for (i, port) in written.iter().enumerate() {
            let path = format!("{path}[{i}]");
            match port_match(port) {
                Ok(ports) => all.push((path, ports)),
                Err(message) => self.fault(path, message),
            }
        }
        all
    }
}

/// Types of ICMP, which stand for ports here. A code is no part of a question.
fn of_icmp(
    path: &str,
    rule: &Rule,
    protocols: &[Protocol],
    family: Option<Family>,
    doubt: Option<Box<str>>,
) -> Vec<Listed> {
    let number = |icmp: &Option<Icmp>| {
        let kind = icmp.as_ref()?.kind?;
        u16::try_from(kind).ok().filter(|kind| *kind <= MOST_ICMP)
    };
    let coded = |icmp: &Option<Icmp>| icmp.as_ref().is_some_and(|icmp| icmp.code.is_some());
    let (only, not) = (number(&rule.icmp), number(&rule.not_icmp));
    let unseen: Box<str> = "a flow is asked about without its ICMP code".into();
    // Types that match surely, and those of which the code decides.
    let (mut sure, mut unsure) = (Vec::new(), Vec::new());
    for kind in 0..=MOST_ICMP {
        let fits = only.is_none_or(|only| only == kind);
        let kept = not != Some(kind);
        match (fits, kept) {
            (false, _) => {}
            (true, false) if !coded(&rule.not_icmp) => {}
            (true, true) if !coded(&rule.icmp) => sure.push(kind),
            (true, _) => unsure.push(kind),
        }
    }
    let field = if rule.icmp.is_some() { "icmp" } else { "notICMP" };
    let list = |kinds: Vec<u16>, doubt: Option<Box<str>>| {
        let mut ranges: Vec<PortRange> = Vec::new();
        for kind in kinds {
            match ranges.last_mut() {
                Some(range) if range.last + 1 == kind => range.last = kind,
                _ => ranges.push(kind.into()),
            }
        }
        let rule = |protocol: Protocol, range: PortRange| PortRule {
            path: format!("{path}.{field}").into(),
            fields: &PortFields::ITSELF,
            protocol,
            ports: PortMatch::Range(range),
            except: Box::default(),
        };
        let rules = protocols
            .iter()
            .flat_map(|protocol| ranges.iter().map(move |range| rule(*protocol, *range)));
        Listed { ports: Ports::Of(rules.collect()), family, doubt }
    };
    let mut all = vec![list(sure, doubt.clone())];
    if !unsure.is_empty() {
        all.push(list(unsure, doubt.or(Some(unseen))));
    }
    all
}

/// Whether it is the name of a port.
pub(super) fn is_name(port: &IntOrString) -> bool {
    matches!(port, IntOrString::Text(text) if !is_range(text))
}

fn is_range(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':')
}

fn port_match(written: &IntOrString) -> Result<PortMatch, String> {
    let number = |text: &str| text.parse::<u16>().ok();
    match written {
        IntOrString::Int(number) => u16::try_from(*number)
            .map(|number| PortMatch::Range(number.into()))
            .map_err(|_| format!("{number} is not a port: 0 to 65535")),
        IntOrString::Text(text) if is_range(text) => {
            let (first, last) = text.split_once(':').unwrap_or((text, text));
            match (number(first), number(last)) {
                (Some(first), Some(last)) if first <= last => {
                    Ok(PortMatch::Range(PortRange { first, last }))
                }
                _ => Err(format!("{text:?} is no range such as 1024:65535")),
            }
        }
        IntOrString::Text(name) if !name.is_empty() && name.len() <= 128 => {
            Ok(PortMatch::Named(name.as_str().into()))
        }
        IntOrString::Text(name) => Err(format!("{name:?} is not the name of a port")),
    }
}
