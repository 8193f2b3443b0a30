//! Destination ports: `protocols` of v1alpha2, `ports` of v1alpha1.
//!
//! Source: docs/semantics/admin.md#protocols, docs/semantics/admin.md#named-ports and
//! docs/semantics/admin.md#ports-of-v1alpha1.

use super::super::rule::{PortFields, PortMatch, PortRule, Ports};
use super::is_v1alpha1;
use super::lower::Lowering;
use super::peers::first;
use super::written::{DestinationPort, Rule, Transport, WrittenPort, WrittenRange};
use crate::cluster::{PortRange, Protocol};
use crate::lints::Lint;

/// What one item says: its protocol, or all of them, and its ports.
type Item = (Option<Protocol>, PortMatch);

/// Where an item has its protocol and its port, which are written by the name of the protocol.
fn fields(item: &WrittenPort) -> &'static PortFields {
    match item {
        WrittenPort { tcp: Some(_), .. } => &TCP,
        WrittenPort { udp: Some(_), .. } => &UDP,
        WrittenPort { sctp: Some(_), .. } => &SCTP,
        WrittenPort { port_number: Some(_), .. } => &NUMBER,
        WrittenPort { port_range: Some(_), .. } => &RANGE,
        WrittenPort { named_port: Some(_), .. } => &NAMED_PORT,
        _ => &DESTINATION_NAMED_PORT,
    }
}

const TCP: PortFields = PortFields { protocol: ".tcp", port: ".tcp.destinationPort" };
const UDP: PortFields = PortFields { protocol: ".udp", port: ".udp.destinationPort" };
const SCTP: PortFields = PortFields { protocol: ".sctp", port: ".sctp.destinationPort" };
const NUMBER: PortFields =
    PortFields { protocol: ".portNumber.protocol", port: ".portNumber.port" };
const RANGE: PortFields = PortFields { protocol: ".portRange.protocol", port: ".portRange" };
const NAMED_PORT: PortFields = PortFields { protocol: ".namedPort", port: ".namedPort" };
const DESTINATION_NAMED_PORT: PortFields =
    PortFields { protocol: ".destinationNamedPort", port: ".destinationNamedPort" };

impl Lowering<'_> {
    pub(super) fn ports(&mut self, path: &str, rule: &Rule) -> Ports {
        let v1alpha1 = is_v1alpha1(self.kind);
        let (field, written, other, foreign) = if v1alpha1 {
            ("ports", &rule.ports, "protocols", &rule.protocols)
        } else {
            ("protocols", &rule.protocols, "ports", &rule.ports)
        };
        if foreign.is_some() {
            let message = format!("is not a field of {}: write {field}", self.kind);
            self.fault(format!("{path}.{other}"), message);
        }
        let Some(items) = written else { return Ports::Any };
        if items.is_empty() || items.len() > self.most() {
            let message = format!("needs 1 to {} items, or leave it out for any port", self.most());
            self.fault(format!("{path}.{field}"), message);
        }
        let mut rules = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let path = format!("{path}.{field}[{i}]");
            let Some((protocol, ports)) = self.port(&path, item) else { continue };
            // The protocol of a name is that of the container port which has it.
            let protocols = protocol.map_or(Protocol::ALL.to_vec(), |one| vec![one]);
            rules.extend(protocols.into_iter().map(|protocol| PortRule {
                path: path.as_str().into(),
                fields: fields(item),
                protocol,
                ports: ports.clone(),
                except: Box::default(),
            }));
        }
        Ports::Of(rules)
    }

    fn port(&mut self, path: &str, written: &WrittenPort) -> Option<Item> {
        let v1alpha1 = is_v1alpha1(self.kind);
        let fields = [
            ("tcp", written.tcp.is_some(), !v1alpha1),
            ("udp", written.udp.is_some(), !v1alpha1),
            ("sctp", written.sctp.is_some(), !v1alpha1),
            ("destinationNamedPort", written.destination_named_port.is_some(), !v1alpha1),
            ("portNumber", written.port_number.is_some(), v1alpha1),
            ("portRange", written.port_range.is_some(), v1alpha1),
            ("namedPort", written.named_port.is_some(), v1alpha1),
        ];
        let known = fields.iter().filter(|(.., known)| *known).map(|(field, ..)| *field);
        let known = known.collect::<Vec<_>>().join(", ");
        if let Some((field, ..)) = fields.iter().find(|(_, present, known)| *present && !known) {
            let message = format!("is not a field of {}: write one of {known}", self.kind);
            self.fault(format!("{path}.{field}"), message);
            return None;
        }
        if let Some(field) = first(&written.unknown) {
            let what = format!("is not known (known are {known})");
            self.unknown(format!("{path}.{field}"), what);
            return None;
        }
        let present: Vec<&str> =
            fields.iter().filter(|(_, present, _)| *present).map(|(field, ..)| *field).collect();
        match present.as_slice() {
            [] if self.live => {
                self.unknown(path, "has no field that is known");
                None
            }
            [] => {
                self.fault(path, format!("is empty: give one of {known}"));
                None
            }
            [field] if v1alpha1 => self.port_v1alpha1(&format!("{path}.{field}"), written),
            [field] => self.port_v1alpha2(&format!("{path}.{field}"), written),
            several => {
                let message = format!("has {}: give one an item", several.join(" and "));
                self.fault(path, message);
                None
            }
        }
    }

    fn port_v1alpha2(&mut self, path: &str, written: &WrittenPort) -> Option<Item> {
        if let Some(name) = &written.destination_named_port {
            return self.name_of_port(path, name);
        }
        let (protocol, transport) = [
            (Protocol::Tcp, &written.tcp),
            (Protocol::Udp, &written.udp),
            (Protocol::Sctp, &written.sctp),
        ]
        .into_iter()
        .find_map(|(protocol, transport)| Some((protocol, transport.as_ref()?)))?;
        self.transport(path, transport).map(|ports| (Some(protocol), ports))
    }

    fn transport(&mut self, path: &str, written: &Transport) -> Option<PortMatch> {
        if self.is_unknown(path, first(&written.unknown)) {
            return None;
        }
        let Some(port) = &written.destination_port else {
            // Source: docs/semantics/admin.md#protocols: all ports by the documentation, refused by
            // the CRD.
            let message = "without destinationPort is read as all its ports, but CRDs refuse it: \
                           write the range 1 to 65535";
            self.lint(Lint::OldForm, path, message);
            return Some(PortMatch::All);
        };
        let path = format!("{path}.destinationPort");
        let DestinationPort { number, range, unknown } = port;
        if self.is_unknown(&path, first(unknown)) {
            return None;
        }
        match (number, range) {
            (Some(number), None) => {
                let number = self.number(format!("{path}.number"), Some(*number))?;
                Some(PortMatch::Range(number.into()))
            }
            (None, Some(range)) => {
                let path = format!("{path}.range");
                let foreign = range.protocol.is_some().then_some("protocol");
                if self.is_unknown(&path, first(&range.unknown).or(foreign)) {
                    return None;
                }
                let range = self.ends(&path, range)?;
                if range.first >= range.last {
                    self.fault(path, "start must be below end: a single port is a number");
                    return None;
                }
                Some(PortMatch::Range(range))
            }
            _ => {
                self.fault(path, "give one of number and range");
                None
            }
        }
    }

    fn port_v1alpha1(&mut self, path: &str, written: &WrittenPort) -> Option<Item> {
        if let Some(name) = &written.named_port {
            return self.name_of_port(path, name);
        }
        if let Some(port) = &written.port_number {
            if self.is_unknown(path, first(&port.unknown)) {
                return None;
            }
            let protocol = self.protocol(path, port.protocol.as_deref());
            let number = self.number(format!("{path}.port"), port.port)?;
            return Some((Some(protocol?), PortMatch::Range(number.into())));
        }
        let range = written.port_range.as_ref()?;
        if self.is_unknown(path, first(&range.unknown)) {
            return None;
        }
        let protocol = self.protocol(path, range.protocol.as_deref());
        let ends = self.ends(path, range)?;
        if ends.first > ends.last {
            // The CRD takes it.
            self.lint(Lint::EmptyRule, path, "start is above end, so it means no port");
            return None;
        }
        Some((Some(protocol?), PortMatch::Range(ends)))
    }

    /// The API takes any word as protocol; what is none of the three may be a newer one.
    fn protocol(&mut self, path: &str, written: Option<&str>) -> Option<Protocol> {
        let name = written.unwrap_or("TCP");
        let protocol = Protocol::ALL.into_iter().find(|protocol| protocol.as_str() == name);
        if protocol.is_none() {
            self.unknown(format!("{path}.protocol"), format!("{name:?} is not TCP, UDP or SCTP"));
        }
        protocol
    }

    fn name_of_port(&mut self, path: &str, name: &str) -> Option<Item> {
        if name.is_empty() {
            self.fault(path, "is empty: give the name of a container port");
            return None;
        }
        Some((None, PortMatch::Named(name.into())))
    }

    fn ends(&mut self, path: &str, range: &WrittenRange) -> Option<PortRange> {
        let first = self.number(format!("{path}.start"), range.start);
        let last = self.number(format!("{path}.end"), range.end);
        Some(PortRange { first: first?, last: last? })
    }

    fn number(&mut self, path: String, written: Option<i64>) -> Option<u16> {
        let number = written.and_then(|number| u16::try_from(number).ok()).filter(|n| *n > 0);
        if number.is_none() {
            let message = match written {
                None => "is missing: give a port, 1 to 65535".to_owned(),
                Some(number) => format!("{number} is not a port: 1 to 65535"),
            };
            self.fault(path, message);
        }
        number
    }

    fn is_unknown(&mut self, path: &str, field: Option<&str>) -> bool {
        if let Some(field) = field {
            self.unknown(format!("{path}.{field}"), "is not known");
        }
        field.is_some()
    }
}
