//! Why a packet was dropped, and whether a policy was the reason.

use std::borrow::Cow;
use std::fmt;

/// The reasons by number, as `flow.proto` of Cilium 1.19 names them.
const REASONS: &[(u32, &str)] = &[
    (130, "INVALID_SOURCE_MAC"),
    (131, "INVALID_DESTINATION_MAC"),
    (132, "INVALID_SOURCE_IP"),
    (133, POLICY_DENIED),
    (134, "INVALID_PACKET_DROPPED"),
    (135, "CT_TRUNCATED_OR_INVALID_HEADER"),
    (136, "CT_MISSING_TCP_ACK_FLAG"),
    (137, "CT_UNKNOWN_L4_PROTOCOL"),
    (138, "CT_CANNOT_CREATE_ENTRY_FROM_PACKET"),
    (139, "UNSUPPORTED_L3_PROTOCOL"),
    (140, "MISSED_TAIL_CALL"),
    (141, "ERROR_WRITING_TO_PACKET"),
    (142, "UNKNOWN_L4_PROTOCOL"),
    (143, "UNKNOWN_ICMPV4_CODE"),
    (144, "UNKNOWN_ICMPV4_TYPE"),
    (145, "UNKNOWN_ICMPV6_CODE"),
    (146, "UNKNOWN_ICMPV6_TYPE"),
    (147, "ERROR_RETRIEVING_TUNNEL_KEY"),
    (148, "ERROR_RETRIEVING_TUNNEL_OPTIONS"),
    (149, "INVALID_GENEVE_OPTION"),
    (150, "UNKNOWN_L3_TARGET_ADDRESS"),
    (151, "STALE_OR_UNROUTABLE_IP"),
    (152, "NO_MATCHING_LOCAL_CONTAINER_FOUND"),
    (153, "ERROR_WHILE_CORRECTING_L3_CHECKSUM"),
    (154, "ERROR_WHILE_CORRECTING_L4_CHECKSUM"),
    (155, "CT_MAP_INSERTION_FAILED"),
    (156, "INVALID_IPV6_EXTENSION_HEADER"),
    (157, "IP_FRAGMENTATION_NOT_SUPPORTED"),
    (158, "SERVICE_BACKEND_NOT_FOUND"),
    (160, "NO_TUNNEL_OR_ENCAPSULATION_ENDPOINT"),
    (161, "FAILED_TO_INSERT_INTO_PROXYMAP"),
    (162, "REACHED_EDT_RATE_LIMITING_DROP_HORIZON"),
    (163, "UNKNOWN_CONNECTION_TRACKING_STATE"),
    (164, "LOCAL_HOST_IS_UNREACHABLE"),
    (165, "NO_CONFIGURATION_AVAILABLE_TO_PERFORM_POLICY_DECISION"),
    (166, "UNSUPPORTED_L2_PROTOCOL"),
    (167, "NO_MAPPING_FOR_NAT_MASQUERADE"),
    (168, "UNSUPPORTED_PROTOCOL_FOR_NAT_MASQUERADE"),
    (169, "FIB_LOOKUP_FAILED"),
    (170, "ENCAPSULATION_TRAFFIC_IS_PROHIBITED"),
    (171, "INVALID_IDENTITY"),
    (172, "UNKNOWN_SENDER"),
    (173, "NAT_NOT_NEEDED"),
    (174, "IS_A_CLUSTERIP"),
    (175, "FIRST_LOGICAL_DATAGRAM_FRAGMENT_NOT_FOUND"),
    (176, "FORBIDDEN_ICMPV6_MESSAGE"),
    (177, "DENIED_BY_LB_SRC_RANGE_CHECK"),
    (178, "SOCKET_LOOKUP_FAILED"),
    (179, "SOCKET_ASSIGN_FAILED"),
    (180, "PROXY_REDIRECTION_NOT_SUPPORTED_FOR_PROTOCOL"),
    (181, POLICY_DENY),
    (182, "VLAN_FILTERED"),
    (183, "INVALID_VNI"),
    (184, "INVALID_TC_BUFFER"),
    (185, "NO_SID"),
    (186, "MISSING_SRV6_STATE"),
    (187, "NAT46"),
    (188, "NAT64"),
    (189, AUTH_REQUIRED),
    (190, "CT_NO_MAP_FOUND"),
    (191, "SNAT_NO_MAP_FOUND"),
    (192, "INVALID_CLUSTER_ID"),
    (193, "UNSUPPORTED_PROTOCOL_FOR_DSR_ENCAP"),
    (194, "NO_EGRESS_GATEWAY"),
    (195, "UNENCRYPTED_TRAFFIC"),
    (196, "TTL_EXCEEDED"),
    (197, "NO_NODE_ID"),
    (198, "DROP_RATE_LIMITED"),
    (199, "IGMP_HANDLED"),
    (200, "IGMP_SUBSCRIBED"),
    (201, "MULTICAST_HANDLED"),
    (202, "DROP_HOST_NOT_READY"),
    (203, "DROP_EP_NOT_READY"),
    (204, "DROP_NO_EGRESS_IP"),
    (205, "DROP_PUNT_PROXY"),
];

/// No rule allows the packet: default deny.
const POLICY_DENIED: &str = "POLICY_DENIED";
/// A deny rule matches the packet.
const POLICY_DENY: &str = "POLICY_DENY";
/// A rule allows the packet once its two ends have authenticated each other.
const AUTH_REQUIRED: &str = "AUTH_REQUIRED";

/// The smallest number that names a reason; below are states that are none.
const FIRST: u32 = 130;

/// Why a packet was dropped, in Cilium's own word.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DropReason(Cow<'static, str>);

/// Who is behind a drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DropClass {
    /// A policy, or that none admits the packet.
    Policy,
    /// Something else: routing, connection tracking, a Service without a backend.
    NotPolicy,
    /// A reason of a newer Cilium.
    Unknown,
}

impl DropReason {
    /// The reason of a number; `None` where the number says that there is none.
    pub fn of_number(number: u32) -> Option<Self> {
        if number < FIRST {
            return None;
        }
        let known = REASONS.iter().find(|(known, _)| *known == number);
        let unknown = || Cow::Owned(format!("reason {number}"));
        Some(Self(known.map_or_else(unknown, |(_, name)| Cow::Borrowed(*name))))
    }

    /// The reason of a name; `None` where the name says that there is none.
    pub fn of_name(name: &str) -> Option<Self> {
        if name.is_empty() || name == "DROP_REASON_UNKNOWN" {
            return None;
        }
        let known = REASONS.iter().find(|(_, known)| *known == name);
        Some(Self(known.map_or_else(|| Cow::Owned(name.to_owned()), |(_, n)| Cow::Borrowed(*n))))
    }

    /// Who is behind it.
    ///
    /// Source: docs/semantics/hubble.md#drop-reasons.
    pub fn class(&self) -> DropClass {
        match &*self.0 {
            POLICY_DENIED | POLICY_DENY | AUTH_REQUIRED => DropClass::Policy,
            name if REASONS.iter().any(|(_, known)| *known == name) => DropClass::NotPolicy,
            _ => DropClass::Unknown,
        }
    }

    /// A deny rule was the reason, rather than that no rule admits.
    pub fn is_deny_rule(&self) -> bool {
        self.0 == POLICY_DENY
    }

    /// The two ends had not authenticated each other.
    pub fn is_authentication(&self) -> bool {
        self.0 == AUTH_REQUIRED
    }

    /// The name, such as `POLICY_DENIED`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Words that are not spelled as words.
const ABBREVIATIONS: [&str; 16] = [
    "IP", "CT", "L2", "L3", "L4", "TCP", "NAT", "NAT46", "NAT64", "FIB", "LB", "SNAT", "DSR",
    "EDT", "VNI", "SID",
];

/// As Hubble's own lines have it: `Policy denied`, `Stale or unroutable IP`.
impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.0.split('_').enumerate() {
            let small = word.to_lowercase();
            match small.get(..1).zip(small.get(1..)) {
                _ if ABBREVIATIONS.contains(&word) => write!(f, "{}{word}", space(at))?,
                Some((first, rest)) if at == 0 => write!(f, "{}{rest}", first.to_uppercase())?,
                _ => write!(f, "{}{small}", space(at))?,
            }
        }
        Ok(())
    }
}

fn space(at: usize) -> &'static str {
    if at == 0 { "" } else { " " }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/semantics/hubble.md#drop-reasons: which drops are a policy's, which are not.
    #[test]
    fn policies_are_behind_three_reasons() {
        for (number, name) in [(133, "POLICY_DENIED"), (181, "POLICY_DENY"), (189, "AUTH_REQUIRED")]
        {
            let reason = DropReason::of_number(number).unwrap();
            assert_eq!((reason.as_str(), reason.class()), (name, DropClass::Policy));
            assert_eq!(DropReason::of_name(name), Some(reason));
        }
        let others =
            [139, 151, 135, 136, 137, 155, 163, 158, 169, 171, 177, 195, 198, 202, 203, 204];
        for number in others {
            let reason = DropReason::of_number(number).unwrap();
            assert_eq!(reason.class(), DropClass::NotPolicy, "{reason}");
        }
        let policies = REASONS.iter().filter_map(|(number, _)| DropReason::of_number(*number));
        assert_eq!(policies.filter(|r| r.class() == DropClass::Policy).count(), 3);
    }

    #[test]
    fn what_is_newer_is_not_known() {
        for reason in [DropReason::of_number(250), DropReason::of_name("SOMETHING_NEW")] {
            assert_eq!(reason.unwrap().class(), DropClass::Unknown);
        }
        for none in [DropReason::of_number(0), DropReason::of_number(15), DropReason::of_name("")] {
            assert_eq!(none, None);
        }
        assert_eq!(DropReason::of_name("DROP_REASON_UNKNOWN"), None);
    }

    #[test]
    fn reasons_read_as_hubble_prints_them() {
        assert_eq!(DropReason::of_number(133).unwrap().to_string(), "Policy denied");
        assert_eq!(DropReason::of_name("NAT46").unwrap().to_string(), "NAT46");
        assert_eq!(DropReason::of_number(151).unwrap().to_string(), "Stale or unroutable IP");
        assert_eq!(DropReason::of_number(250).unwrap().to_string(), "Reason 250");
        assert_eq!(DropReason::of_name("é_NEW").unwrap().to_string(), "é new");
    }
}
