//! docs/semantics/admin.md#fail-closed: what a newer version of the API may know.

use super::{EVERY_POD, admin, cluster, from, linted, refused, to, to_ports};
use crate::semantics::ingress;

/// docs/semantics/admin.md#fail-closed: a peer with no known field: an Accept rule matches nothing,
/// not even by other peers.
#[test]
fn accept_matches_nothing() {
    for (rules, path) in [
        (from("Accept", &format!("{EVERY_POD}, {{newer: {{}}}}")), "spec.ingress[0].from[1].newer"),
        (from("Accept", "{namespaces: {}, newer: 1}"), "spec.ingress[0].from[0].newer"),
        (
            from("Accept", "{pods: {podSelector: {}, newer: 1}}"),
            "spec.ingress[0].from[0].pods.newer",
        ),
    ] {
        let cluster = cluster(&(admin(1, &rules) + &ingress("[]")));
        cluster.holds(&["web → api:80 is Denied"]);
        linted(&cluster, path, "this rule then lets nothing through");
    }
}

/// docs/semantics/admin.md#fail-closed: a Deny or Pass rule with such a peer denies everything.
#[test]
fn deny_and_pass_deny_everything() {
    for action in ["Deny", "Pass"] {
        let rules = format!(
            "egress: [{{action: {action}, to: [{{newer: {{}}}}], \
             protocols: [{{tcp: {{destinationPort: {{number: 1}}}}}}]}}]"
        );
        let closed = cluster(&admin(1, &rules));
        closed.holds(&[
            "web → api:80 is Denied",
            "web → api:53/UDP is Denied",
            "web → 203.0.113.7:80 is Denied",
            "web → node/n1:80 is Denied",
        ]);
        let part = format!("this {action} rule then denies everything");
        linted(&closed, "spec.egress[0].to[0].newer", &part);
        let rules = from(action, "{newer: {}}");
        cluster(&admin(1, &rules)).holds(&["203.0.113.7 → api:80 is Denied"]);
    }
}

/// docs/semantics/admin.md#fail-closed: an unknown entry of protocols does the same.
#[test]
fn unknown_protocols_close_too() {
    for (protocol, at) in [
        ("{icmp: {}}", "icmp"),
        ("{tcp: {sourcePort: 1}}", "tcp.sourcePort"),
        ("{udp: {destinationPort: {service: dns}}}", "udp.destinationPort.service"),
    ] {
        let path = format!("spec.egress[0].protocols[0].{at}");
        let accept =
            cluster(&(admin(1, &to_ports("Accept", protocol)) + &admin(2, &to("Deny", EVERY_POD))));
        accept.holds(&["web → api:80 is Denied"]);
        linted(&accept, &path, "lets nothing through");
        let deny = cluster(&admin(1, &to_ports("Deny", protocol)));
        deny.holds(&["web → 203.0.113.7:80/UDP is Denied"]);
        linted(&deny, &path, "denies everything");
    }
}

/// docs/semantics/admin.md#fail-closed: ingress peers are pods only, so others are not known there.
#[test]
fn ingress_knows_pods_only() {
    for (peer, field) in [
        ("{networks: [0.0.0.0/0]}", "networks"),
        ("{nodes: {}}", "nodes"),
        ("{domainNames: [k8s.io]}", "domainNames"),
    ] {
        let path = format!("spec.ingress[0].from[0].{field}");
        let accept = cluster(&(admin(1, &from("Accept", peer)) + &ingress("[]")));
        accept.holds(&["203.0.113.7 → api:80 is Denied"]);
        linted(&accept, &path, "known are namespaces, pods");
        let deny = cluster(&admin(1, &from("Deny", peer)));
        deny.holds(&["web → api:80 is Denied"]);
        linted(&deny, &path, "denies everything");
    }
}

/// docs/semantics/admin.md#fail-closed: a peer without any field is not of a newer API: nobody can
/// have stored it, if it is only written.
#[test]
fn an_empty_peer_is_refused() {
    let object = "clusternetworkpolicy/admin-1";
    refused(&admin(1, &from("Deny", "{}")), object, "spec.ingress[0].from[0]", "is empty");
    refused(
        &admin(1, &from("Deny", "{newer: null}")),
        object,
        "spec.ingress[0].from[0]",
        "is empty",
    );
    refused(&admin(1, &to_ports("Deny", "{}")), object, "spec.egress[0].protocols[0]", "is empty");
}
