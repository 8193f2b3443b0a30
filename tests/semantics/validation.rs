//! docs/semantics/networkpolicy.md#validation: what the API server refuses is told and left out.

use super::{cluster, holds, ingress, policy};

/// The one fault of a policy that is refused: field and what is wrong with it.
fn refused(manifests: &str, path: &str, part: &str) {
    let cluster = cluster(manifests);
    let rejected = cluster.rejected();
    let [fault] = rejected.as_slice() else { panic!("{rejected:?} of {manifests}") };
    assert!(fault.contains(&format!(": {path} ")) && fault.contains(part), "{fault}");
    // What the API server would not take isolates nothing.
    cluster.holds(&["web → api:80 is Allowed"]);
}

fn peer_refused(peer: &str, path: &str, part: &str) {
    refused(&ingress(&format!("[{{from: [{peer}]}}]")), path, part);
}

fn port_refused(item: &str, path: &str, part: &str) {
    refused(&ingress(&format!("[{{ports: [{item}]}}]")), path, part);
}

/// docs/semantics/networkpolicy.md#validation: `from: [{}]` is invalid, a peer needs at least one
/// field.
#[test]
fn a_peer_needs_a_field() {
    peer_refused("{}", "spec.ingress[0].from[0]", "is empty");
    peer_refused("{podSelector: null}", "spec.ingress[0].from[0]", "is empty");
}

/// docs/semantics/networkpolicy.md#validation: ipBlock excludes the selectors.
#[test]
fn a_block_stands_alone() {
    for selector in ["podSelector", "namespaceSelector"] {
        peer_refused(
            &format!("{{{selector}: {{}}, ipBlock: {{cidr: 10.0.0.0/8}}}}"),
            "spec.ingress[0].from[0]",
            "ipBlock cannot stand with",
        );
    }
}

/// docs/semantics/networkpolicy.md#validation: endPort needs a port, a numeric one, and endPort >=
/// port.
#[test]
fn end_port_needs_a_number_below_it() {
    port_refused("{endPort: 90}", "spec.ingress[0].ports[0].endPort", "needs a port");
    port_refused(
        "{port: http, endPort: 90}",
        "spec.ingress[0].ports[0].endPort",
        "needs a port number",
    );
    port_refused("{port: 91, endPort: 90}", "spec.ingress[0].ports[0].endPort", "is below port 91");
    port_refused("{port: 91, endPort: 65536}", "spec.ingress[0].ports[0].endPort", "1 to 65535");
}

/// docs/semantics/networkpolicy.md#validation: a named port must be a valid port name, a number a
/// port.
#[test]
fn a_port_is_a_number_or_a_valid_name() {
    for name in ["HTTP", "way-too-long-for-a-port", "-http", "a--b", "\"8080\""] {
        port_refused(
            &format!("{{port: {name}}}"),
            "spec.ingress[0].ports[0].port",
            "is not a port name",
        );
    }
    for number in [0, -1, 65536] {
        port_refused(
            &format!("{{port: {number}}}"),
            "spec.ingress[0].ports[0].port",
            "is not a port: 1 to 65535",
        );
    }
}

/// docs/semantics/networkpolicy.md#validation: each except must be a strict subset of cidr.
#[test]
fn except_is_strictly_inside() {
    for except in ["10.0.0.0/8", "0.0.0.0/0", "192.168.0.0/16", "\"2001:db8::/32\""] {
        peer_refused(
            &format!("{{ipBlock: {{cidr: 10.0.0.0/8, except: [{except}]}}}}"),
            "spec.ingress[0].from[0].ipBlock.except[0]",
            "is not a strict subset of cidr 10.0.0.0/8",
        );
    }
}

/// docs/semantics/networkpolicy.md#validation: cidr is needed, and a CIDR.
#[test]
fn a_block_has_a_cidr() {
    for cidr in ["{}", "{cidr: 10.0.0.1}", "{cidr: 10.0.0.0/33}", "{cidr: example.com/24}"] {
        peer_refused(
            &format!("{{ipBlock: {cidr}}}"),
            "spec.ingress[0].from[0].ipBlock.cidr",
            "is not a CIDR",
        );
    }
}

/// docs/semantics/networkpolicy.md#validation: old stored objects may be sloppy: parsed leniently,
/// masked, and told.
#[test]
fn sloppy_cidrs_are_masked() {
    let sloppy = ingress("[{from: [{ipBlock: {cidr: 10.0.2.77/24}}]}]");
    holds(&sloppy, &["other/client → api:80 is Allowed", "web → api:80 is Denied"]);
    let [lint] = cluster(&sloppy).lints().try_into().unwrap();
    assert!(lint.contains("10.0.2.77/24 is read as 10.0.2.0/24"), "{lint}");
    let zeros = ingress("[{from: [{ipBlock: {cidr: 010.000.002.000/24}}]}]");
    holds(&zeros, &["other/client → api:80 is Allowed", "web → api:80 is Denied"]);
}

/// docs/semantics/networkpolicy.md#validation: protocol in TCP, UDP and SCTP.
#[test]
fn other_protocols_are_refused() {
    for protocol in ["ICMP", "tcp", "ANY"] {
        port_refused(
            &format!("{{protocol: {protocol}}}"),
            "spec.ingress[0].ports[0].protocol",
            "is not TCP, UDP or SCTP",
        );
    }
}

/// docs/semantics/networkpolicy.md#validation: policyTypes has Ingress and Egress, at most two.
#[test]
fn policy_types_are_ingress_and_egress() {
    refused(
        &policy("p", "policyTypes: [ingress]"),
        "spec.policyTypes[0]",
        "is not Ingress or Egress",
    );
    refused(
        &policy("p", "policyTypes: [Ingress, Egress, Ingress]"),
        "spec.policyTypes",
        "more than the two",
    );
}

/// docs/semantics/networkpolicy.md#validation: rules that are not in force are validated too.
#[test]
fn inert_rules_are_validated() {
    refused(
        &policy("p", "policyTypes: [Ingress], egress: [{to: [{}]}]"),
        "spec.egress[0].to[0]",
        "is empty",
    );
}

/// docs/semantics/networkpolicy.md#validation: a field that does not exist changes what the policy
/// means, so it is not skipped.
#[test]
fn unknown_fields_are_refused() {
    refused(&policy("p", "podselector: {}"), "spec.podselector", "did you mean \"podSelector\"?");
    peer_refused(
        "{namespaceselector: {}}",
        "spec.ingress[0].from[0].namespaceselector",
        "did you mean \"namespaceSelector\"?",
    );
}

/// docs/semantics/networkpolicy.md#validation: the answer names what was left out.
#[test]
fn a_refused_policy_is_told_with_the_answer() {
    let cluster = cluster(&ingress("[{from: [{}]}]"));
    let text = cluster.ask("web → api:80").text();
    let told = "warning: shop/netpol/in would be refused by the API server and is left out: \
                spec.ingress[0].from[0] is empty";
    assert!(text.contains(told), "{text}");
    // It has nothing to do with other namespaces.
    assert!(!cluster.ask("other/client → 203.0.113.7:80").text().contains("would be refused"));
}

/// docs/semantics/networkpolicy.md#validation: policies of an API version that is no longer served
/// are not read, and that is told.
#[test]
fn an_outdated_policy_is_a_gap() {
    let text =
        "{apiVersion: extensions/v1beta1, kind: NetworkPolicy, metadata: {name: old}, spec: {}}";
    let path = std::path::Path::new("in.yaml");
    let (_, warnings) = netpol::objects::decode_text(text.into(), path, "shop");
    assert!(warnings[0].message.contains("write apiVersion: networking.k8s.io/v1"), "{warnings:?}");
}
