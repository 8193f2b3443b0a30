//! `icmps`: types of ICMP, which stand where ports stand.
//!
//! Source: docs/semantics/cilium-ports.md#icmp; Cilium's pkg/policy/api/icmp.go and `WithPort` in its
//! pkg/policy/types.

use super::super::rule::{PortFields, PortMatch, PortRule};
use super::lower::{At, Lowering};
use super::written::{IcmpRule, IcmpType};
use crate::cluster::Protocol;
use crate::lints::Lint;

/// What stands where protocol and port stand.
const FIELDS: PortFields = PortFields { protocol: ".family", port: ".type" };

/// The most fields of an item.
const MOST_FIELDS: usize = 40;

/// Types of ICMP for IPv4 by the names that the CRD takes.
const V4: &[(&str, u16)] = &[
    ("EchoReply", 0),
    ("DestinationUnreachable", 3),
    ("Redirect", 5),
    ("Echo", 8),
    ("EchoRequest", 8),
    ("RouterAdvertisement", 9),
    ("RouterSelection", 10),
    ("TimeExceeded", 11),
    ("ParameterProblem", 12),
    ("Timestamp", 13),
    ("TimestampReply", 14),
    ("Photuris", 40),
    ("ExtendedEchoRequest", 42),
    ("ExtendedEchoReply", 43),
];

/// Types of ICMP for IPv6 by the names that the CRD takes.
const V6: &[(&str, u16)] = &[
    ("DestinationUnreachable", 1),
    ("PacketTooBig", 2),
    ("TimeExceeded", 3),
    ("ParameterProblem", 4),
    ("EchoRequest", 128),
    ("EchoReply", 129),
    ("MulticastListenerQuery", 130),
    ("MulticastListenerReport", 131),
    ("MulticastListenerDone", 132),
    ("RouterSolicitation", 133),
    ("RouterAdvertisement", 134),
    ("NeighborSolicitation", 135),
    ("NeighborAdvertisement", 136),
    ("RedirectMessage", 137),
    ("RouterRenumbering", 138),
    ("ICMPNodeInformationQuery", 139),
    ("ICMPNodeInformationResponse", 140),
    ("InverseNeighborDiscoverySolicitation", 141),
    ("InverseNeighborDiscoveryAdvertisement", 142),
    ("HomeAgentAddressDiscoveryRequest", 144),
    ("HomeAgentAddressDiscoveryReply", 145),
    ("MobilePrefixSolicitation", 146),
    ("MobilePrefixAdvertisement", 147),
    ("DuplicateAddressRequestCodeSuffix", 157),
    ("DuplicateAddressConfirmationCodeSuffix", 158),
    ("ExtendedEchoRequest", 160),
    ("ExtendedEchoReply", 161),
];

impl Lowering<'_> {
    pub(super) fn icmps(&mut self, at: At<'_>, written: &[IcmpRule]) -> Vec<PortRule> {
        let mut rules = Vec::new();
        for (i, item) in written.iter().enumerate() {
            let path = format!("{}.icmps[{i}].fields", at.path);
            let fields = item.fields.as_deref().unwrap_or_default();
            if fields.len() > MOST_FIELDS {
                self.refuse(path.clone(), format!("has more than {MOST_FIELDS} items"));
            }
            for (j, field) in fields.iter().enumerate() {
                let path = format!("{path}[{j}]");
                let (protocol, names) = match field.family.as_deref() {
                    None | Some("" | "IPv4") => (Protocol::Icmp, V4),
                    Some("IPv6") => (Protocol::IcmpV6, V6),
                    Some(other) => {
                        let message = format!("{other:?} is not IPv4 or IPv6");
                        self.refuse(format!("{path}.family"), message);
                        continue;
                    }
                };
                let Some(number) = number(field.kind.as_ref(), names) else {
                    let given = match &field.kind {
                        Some(IcmpType::Name(name)) => format!("{name:?} "),
                        _ => String::new(),
                    };
                    let message = format!(
                        "{given}is not a type of ICMP: 0 to 255, or a name such as EchoRequest"
                    );
                    self.refuse(format!("{path}.type"), message);
                    continue;
                };
                let ports = self.icmp_type(&format!("{path}.type"), number, protocol);
                rules.push(PortRule {
                    path: path.into(),
                    fields: &FIELDS,
                    protocol,
                    ports,
                    except: Box::default(),
                });
            }
        }
        rules
    }

    /// The type stands where the port stands, and port 0 is every port.
    fn icmp_type(&mut self, path: &str, number: i64, protocol: Protocol) -> PortMatch {
        let port = u16::try_from(number).ok().filter(|number| *number > 0);
        let Some(port) = port else {
            self.lint(
                Lint::IgnoredField,
                path,
                format!("{number} is read as every type of {protocol}"),
            );
            return PortMatch::All;
        };
        if port > u8::MAX.into() {
            self.lint(Lint::EmptyRule, path, format!("{number} is no type, so it matches nothing"));
        }
        PortMatch::Range(port.into())
    }
}

/// The number of a type. The CRD checks what is written as text only.
fn number(written: Option<&IcmpType>, names: &[(&str, u16)]) -> Option<i64> {
    match written? {
        IcmpType::Number(number) => Some(*number),
        IcmpType::Name(name) => {
            let known = names.iter().find(|(known, _)| *known == name.as_str());
            let number = known.map(|(_, number)| i64::from(*number));
            number.or_else(|| name.parse::<u8>().ok().map(i64::from))
        }
    }
}
