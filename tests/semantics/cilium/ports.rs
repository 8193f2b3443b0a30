//! docs/semantics/cilium-ports.md#ports and docs/semantics/cilium-ports.md#icmp.

use super::{cluster, holds, icmp, ingress, lint, settings, with};
use netpol::cluster::{Family, Protocol};
use netpol::policy::{Cilium, CiliumVersion};
use netpol::verdict::Verdict;

fn ports(item: &str) -> String {
    ingress(&format!("[{{toPorts: [{{ports: [{item}]}}]}}]"))
}

/// Checks what becomes of web → api on these ports.
fn admits(item: &str, expected: &[(&str, bool)]) {
    for (port, allowed) in expected {
        let verdict = if *allowed { "Allowed" } else { "Denied" };
        holds(&ports(item), &[&format!("web → api:{port} is {verdict}")]);
    }
}

/// port: a number as text.
#[test]
fn numbers() {
    admits("{port: \"80\", protocol: TCP}", &[("80", true), ("81", false), ("80/UDP", false)]);
    // As Go reads them: a zero in front makes a number octal.
    admits("{port: \"010\", protocol: TCP}", &[("8", true), ("10", false)]);
}

/// docs/semantics/cilium-ports.md#named-ports: a name, in any case, resolved on the destination.
#[test]
fn names() {
    for name in ["http", "HTTP"] {
        let item = format!("{{port: {name}, protocol: TCP}}");
        admits(&item, &[("8080", true), ("80", false), ("8080/UDP", false)]);
    }
    // The protocol of the container port counts.
    admits("{port: dns}", &[("5353/UDP", true), ("5353", false)]);
    let egress = super::egress("[{toPorts: [{ports: [{port: http, protocol: TCP}]}]}]");
    holds(&egress, &["web → api:8080 is Allowed", "web → api:80 is Denied"]);
}

/// port `"0"`: all ports of the protocol.
#[test]
fn zero_is_every_port() {
    admits("{port: \"0\", protocol: TCP}", &[("1", true), ("65535", true), ("1/UDP", false)]);
    admits("{port: \"0\"}", &[("1", true), ("1/UDP", true), ("1/SCTP", true)]);
}

/// docs/semantics/cilium-ports.md#protocols: ANY is the default, and TCP, UDP and SCTP.
#[test]
fn any_protocol() {
    for item in ["{port: \"80\"}", "{port: \"80\", protocol: ANY}"] {
        admits(item, &[("80", true), ("80/UDP", true), ("80/SCTP", true), ("81", false)]);
    }
    admits("{port: \"80\", protocol: SCTP}", &[("80/SCTP", true), ("80", false)]);
}

/// port: may be left out with `enable-extended-ip-protocols`, and is then every port.
#[test]
fn a_port_may_be_left_out() {
    let extended = Cilium { extended_protocols: true, ..settings() };
    super::holds_with(
        extended,
        &ports("{protocol: TCP}"),
        &["web → api:1 is Allowed", "web → api:1/UDP is Denied"],
    );
}

/// docs/semantics/cilium-ports.md#protocols: ANY is not ICMP.
#[test]
fn any_is_not_icmp() {
    let cluster = cluster(&ports("{port: \"0\"}"));
    assert_eq!(icmp(&cluster, Protocol::Icmp, 8, Family::V4).verdict, Verdict::Denied);
}

/// docs/semantics/cilium-ports.md#protocols: VRRP and IGMP, from 1.19 on, have no ports; 1.20 adds
/// GRE, IPIP, IPV6, ESP and AH.
#[test]
fn protocols_without_ports() {
    for protocol in ["VRRP", "IGMP"] {
        let policy = ports(&format!("{{port: \"0\", protocol: {protocol}}}"));
        assert_eq!(cluster(&policy).rejected(), [""; 0], "{protocol}");
        let older = with(Cilium::new(CiliumVersion::V1_18), &policy);
        assert!(older.rejected()[0].contains("is not TCP, UDP, SCTP or ANY"), "{protocol}");
    }
    for protocol in ["GRE", "IPIP", "IPV6", "ESP", "AH"] {
        let policy = ports(&format!("{{port: \"0\", protocol: {protocol}}}"));
        assert_eq!(cluster(&policy).rejected().len(), 1, "{protocol}");
        let newer = with(Cilium::new(CiliumVersion::V1_20), &policy);
        assert_eq!(newer.rejected(), [""; 0], "{protocol}");
        newer.holds(&["web → api:80 is Denied"]);
    }
}

/// docs/semantics/cilium-networkpolicy.md#sctp: SCTP needs enable-sctp, which is told where SCTP is
/// asked for.
#[test]
fn sctp_needs_a_setting() {
    let policy = ports("{port: \"80\", protocol: SCTP}");
    lint(&cluster(&policy), "Cilium knows SCTP only with enable-sctp");
    let on = with(Cilium { sctp: true, ..settings() }, &policy);
    assert_eq!(on.lints(), [""; 0]);
}

/// endPort: a range.
#[test]
fn ranges() {
    admits(
        "{port: \"80\", endPort: 90, protocol: TCP}",
        &[("79", false), ("80", true), ("85", true), ("90", true), ("91", false)],
    );
    let named = ports("{port: http, endPort: 9000, protocol: TCP}");
    holds(&named, &["web → api:8080 is Allowed", "web → api:8081 is Denied"]);
    lint(&cluster(&named), "is ignored beside the name of a port");
}

fn icmps(fields: &str) -> String {
    ingress(&format!("[{{fromEndpoints: [{{}}], icmps: [{{fields: [{fields}]}}]}}]"))
}

/// icmps: the family is IPv4 unless said otherwise; the type is a number or a name.
#[test]
fn types_of_icmp() {
    for (fields, v4, v6) in [
        ("{type: 8}", Some(8), None),
        ("{type: EchoRequest}", Some(8), None),
        ("{type: \"8\", family: IPv4}", Some(8), None),
        ("{type: 128, family: IPv6}", None, Some(128)),
        ("{type: EchoRequest, family: IPv6}", None, Some(128)),
        ("{type: 8}, {type: 128, family: IPv6}", Some(8), Some(128)),
    ] {
        let cluster = cluster(&icmps(fields));
        assert_eq!(cluster.rejected(), [""; 0], "{fields}");
        for number in [0, 8, 128] {
            let of = |protocol, family| icmp(&cluster, protocol, number, family).verdict;
            let expected = |allowed: Option<u16>| {
                if allowed == Some(number) { Verdict::Allowed } else { Verdict::Denied }
            };
            assert_eq!(of(Protocol::Icmp, Family::V4), expected(v4), "{fields} {number}");
            assert_eq!(of(Protocol::IcmpV6, Family::V6), expected(v6), "{fields} {number}");
        }
        cluster.holds(&["web → api:8 is Denied"]);
    }
}

/// icmps: whoever may use only ports of TCP and UDP may not ping; whom no port is named may.
#[test]
fn icmp_beside_other_rules() {
    for (policy, verdict) in [
        (ports("{port: \"80\"}"), Verdict::Denied),
        (ingress("[{fromEndpoints: [{}]}]"), Verdict::Allowed),
        (ingress("[{fromEntities: [all]}]"), Verdict::Allowed),
        (String::new(), Verdict::Allowed),
        (ingress("[{fromEndpoints: [{}], icmps: []}]"), Verdict::Allowed),
        (ingress("[{fromEndpoints: [{}], icmps: [{}]}]"), Verdict::Denied),
    ] {
        let cluster = cluster(&policy);
        assert_eq!(icmp(&cluster, Protocol::Icmp, 8, Family::V4).verdict, verdict, "{policy}");
    }
}

/// icmps: the type stands where the port stands, so 0 is every type (`WithPort` in Cilium's
/// pkg/policy/types), and a number that is no type matches nothing.
#[test]
fn numbers_that_are_no_types_of_icmp() {
    for (kind, echo, told) in [
        ("0", Verdict::Allowed, "0 is read as every type of ICMP"),
        ("EchoReply", Verdict::Allowed, "0 is read as every type of ICMP"),
        ("-1", Verdict::Allowed, "-1 is read as every type of ICMP"),
        ("256", Verdict::Denied, "256 is no type, so it matches nothing"),
    ] {
        let cluster = cluster(&icmps(&format!("{{type: {kind}}}")));
        assert_eq!(cluster.rejected(), [""; 0], "{kind}");
        assert_eq!(icmp(&cluster, Protocol::Icmp, 8, Family::V4).verdict, echo, "{kind}");
        lint(&cluster, told);
    }
}

/// icmps: types are 0 to 255 or names that the CRD takes, families IPv4 or IPv6, fields at most 40.
#[test]
fn what_icmps_do_not_take() {
    let many = vec!["{type: 8}"; 41].join(", ");
    for (fields, part) in [
        ("{type: \"256\"}", "is not a type of ICMP"),
        ("{type: Ping}", "is not a type of ICMP"),
        ("{}", "is not a type of ICMP"),
        ("{type: 8, family: IPv5}", "is not IPv4 or IPv6"),
        (many.as_str(), "more than 40"),
    ] {
        let cluster = cluster(&icmps(fields));
        assert!(cluster.rejected()[0].contains(part), "{fields}: {:?}", cluster.rejected());
        cluster.holds(&["web → api:80 is Allowed"]);
    }
}

/// ICMP is no protocol of toPorts: the CRD does not take it.
#[test]
fn icmp_is_no_protocol_of_ports() {
    for protocol in ["ICMP", "ICMPV6"] {
        let policy = ports(&format!("{{port: \"8\", protocol: {protocol}}}"));
        assert!(cluster(&policy).rejected()[0].contains("write icmps for ICMP"), "{protocol}");
    }
}

/// icmps need `enable-icmp-rules`, which is on unless switched off.
#[test]
fn icmps_need_a_setting() {
    let off = with(Cilium { icmp_rules: false, ..settings() }, &icmps("{type: 8}"));
    let [fault] = off.rejected().try_into().expect("one fault");
    assert!(fault.contains("spec.ingress[0].icmps needs the option enable-icmp-rules"), "{fault}");
    off.holds(&["web → api:80 is Allowed"]);
}
