//! Calico: protocols, ports and families of addresses.

use super::{cluster, holds, ingress};

/// docs/semantics/calico.md#protocols-and-ports.
#[test]
fn ports_and_protocols() {
    let to = |fields: &str| ingress(&format!("{{action: Allow, {fields}}}"));
    for (fields, port, verdict) in [
        ("protocol: TCP", "80", "Allowed"),
        ("protocol: 6", "80", "Allowed"),
        ("protocol: UDP", "80", "Denied"),
        ("notProtocol: UDP", "80", "Allowed"),
        ("notProtocol: TCP", "80", "Denied"),
        ("protocol: ICMP", "80", "Denied"),
        ("protocol: TCP, destination: {ports: [80, \"8000:9000\"]}", "8080", "Allowed"),
        ("protocol: TCP, destination: {ports: [80, \"8000:9000\"]}", "9001", "Denied"),
        ("protocol: TCP, destination: {ports: [http]}", "8080", "Allowed"),
        ("destination: {ports: [http]}", "8080", "Allowed"),
        ("destination: {ports: [dns]}", "5353", "Denied"),
        ("destination: {ports: [dns]}", "5353/UDP", "Allowed"),
        ("protocol: TCP, destination: {notPorts: [22]}", "22", "Denied"),
        ("protocol: TCP, destination: {notPorts: [22]}", "23", "Allowed"),
        ("protocol: TCP, destination: {notPorts: [http]}", "8080", "Denied"),
        ("protocol: TCP, destination: {notPorts: [http]}", "8081", "Allowed"),
        ("protocol: TCP, destination: {ports: [\"1:9000\"], notPorts: [http]}", "8080", "Denied"),
        // A question has no source port.
        ("protocol: TCP, source: {ports: [53]}", "80", "Unknown"),
    ] {
        holds(&to(fields), &[&format!("web → api:{port} is {verdict}")]);
    }
}

/// docs/semantics/calico.md#protocols-and-ports: where the eBPF dataplane reads a rule otherwise that is
/// told.
#[test]
fn what_ebpf_reads_otherwise_is_told() {
    for (rule, told) in [
        ("protocol: ICMPv6", "ICMPv6 is protocol 0 to the eBPF dataplane"),
        ("protocol: UDPLite", "136 means the same to both"),
        ("notProtocol: ICMPv6", "ingress[0].notProtocol ICMPv6 is protocol 0"),
        ("protocol: SCTP, destination: {ports: [80, http]}", "ports[1] is a name of an SCTP port"),
    ] {
        let lints = cluster(&ingress(&format!("{{action: Allow, {rule}}}"))).lints();
        assert!(lints.len() == 1 && lints[0].contains(told), "{rule}: {lints:?}");
    }
    for rule in ["protocol: 58", "protocol: ICMP", "protocol: TCP, destination: {ports: [http]}"] {
        let lints = cluster(&ingress(&format!("{{action: Allow, {rule}}}"))).lints();
        assert!(lints.is_empty(), "{rule}: {lints:?}");
    }
}

/// docs/semantics/calico.md#ip-families.
#[test]
fn a_rule_of_one_family() {
    let six = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: six, namespace: shop, labels: {app: api}}\n\
               spec: {}\nstatus: {podIPs: [{ip: \"2001:db8::10\"}]}\n";
    for (fields, v4, v6) in [
        ("ipVersion: 4", "Allowed", "Denied"),
        ("ipVersion: 6", "Denied", "Allowed"),
        ("source: {notNets: [198.51.100.0/24]}", "Allowed", "Denied"),
        ("source: {nets: [2001:db8::/32]}", "Denied", "Allowed"),
    ] {
        let rule = ingress(&format!("{{action: Allow, {fields}}}"));
        holds(
            &format!("{six}{rule}"),
            &[&format!("192.0.2.1 → api:80 is {v4}"), &format!("2001:db8::1 → six:80 is {v6}")],
        );
    }
}
