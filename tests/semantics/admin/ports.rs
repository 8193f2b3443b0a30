//! docs/semantics/admin.md#protocols and docs/semantics/admin.md#named-ports.

use super::{EVERY_POD, admin, agent, cluster, linted, to, to_ports};
use crate::semantics::{holds, pod};

/// docs/semantics/admin.md#protocols: protocols absent: any; items are OR; one protocol is not
/// another.
#[test]
fn protocols() {
    holds(
        &admin(1, &to("Deny", EVERY_POD)),
        &["web → api:80 is Denied", "web → api:53/UDP is Denied", "web → api:7/SCTP is Denied"],
    );
    let two = "{tcp: {destinationPort: {number: 80}}}, {udp: {destinationPort: {number: 53}}}";
    holds(
        &admin(1, &to_ports("Deny", two)),
        &[
            "web → api:80 is Denied",
            "web → api:53/UDP is Denied",
            "web → api:53 is Allowed",
            "web → api:80/UDP is Allowed",
            "web → api:80/SCTP is Allowed",
        ],
    );
    holds(
        &admin(1, &to_ports("Deny", "{sctp: {destinationPort: {number: 80}}}")),
        &["web → api:80/SCTP is Denied", "web → api:80 is Allowed"],
    );
}

/// docs/semantics/admin.md#protocols: a range has both its ends.
#[test]
fn ranges_are_inclusive() {
    holds(
        &admin(1, &to_ports("Deny", "{tcp: {destinationPort: {range: {start: 80, end: 90}}}}")),
        &[
            "web → api:79 is Allowed",
            "web → api:80 is Denied",
            "web → api:90 is Denied",
            "web → api:91 is Allowed",
            "web → api:85/UDP is Allowed",
        ],
    );
}

/// docs/semantics/admin.md#protocols: `tcp: {}` is refused by the CRD and all ports by the
/// documentation.
#[test]
fn a_protocol_without_a_port_is_all_of_them() {
    let cluster = cluster(&admin(1, &to_ports("Deny", "{tcp: {}}")));
    cluster.holds(&["web → api:80 is Denied", "web → api:80/UDP is Allowed"]);
    linted(&cluster, "spec.egress[0].protocols[0].tcp", "1 to 65535");
}

/// docs/semantics/admin.md#named-ports: destinationNamedPort: of the destination pod, whose container
/// says the protocol.
#[test]
fn named_ports() {
    holds(
        &admin(1, &to_ports("Deny", "{destinationNamedPort: http}")),
        &[
            "web → api:8080 is Denied",
            "web → api:8080/UDP is Allowed",
            "web → api:80 is Allowed",
            "web → other/client:8080 is Allowed",
        ],
    );
    holds(
        &admin(1, &to_ports("Deny", "{destinationNamedPort: dns}")),
        &["web → api:5353/UDP is Denied", "web → api:5353 is Allowed"],
    );
}

/// docs/semantics/admin.md#named-ports: … of the subject, for ingress; one name may be several
/// numbers.
#[test]
fn named_ports_of_the_subject() {
    let twice = pod(
        "shop",
        "twice",
        "twice",
        "10.0.1.70",
        "containers: [{ports: [{name: http, containerPort: 1}, {name: http, containerPort: 2, protocol: UDP}]}]",
    );
    let rules = format!(
        "ingress: [{{action: Deny, from: [{EVERY_POD}], protocols: [{{destinationNamedPort: http}}]}}]"
    );
    holds(
        &(twice + &admin(1, &rules)),
        &[
            "web → twice:1 is Denied",
            "web → twice:2/UDP is Denied",
            "web → twice:2 is Allowed",
            "web → api:8080 is Denied",
        ],
    );
}

/// docs/semantics/admin.md#named-ports: names never match what is no pod; the experimental channel
/// refuses them together.
#[test]
fn named_ports_beside_networks() {
    let rules = "egress: [{action: Deny, to: [{networks: [0.0.0.0/0]}], \
                 protocols: [{destinationNamedPort: http}]}]";
    let cluster = cluster(&(agent() + &admin(1, rules)));
    cluster.holds(&["web → node/n1:8080 is Allowed", "web → 203.0.113.7:8080 is Allowed"]);
    linted(&cluster, "spec.egress[0]", "has networks and the name of a port");
}
