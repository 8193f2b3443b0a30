//! docs/semantics/networkpolicy.md#ports: ports.

use super::{cluster, egress, holds, ingress, pod, port_miss};
use netpol::verdict::PortMiss;

const NAMED: &str = "[{ports: [{port: http}]}]";

fn serves(name: &str, port: u16) -> String {
    let ports =
        format!("nodeName: n2, containers: [{{ports: [{{name: http, containerPort: {port}}}]}}]");
    pod("shop", name, "api", &format!("10.0.1.{}", 100 + port % 100), &ports)
}

/// docs/semantics/networkpolicy.md#ports: the destination port, not the Service's.
#[test]
fn a_port_is_the_destinations() {
    holds(
        &ingress("[{ports: [{port: 8080}]}]"),
        &["web → api:8080 is Allowed", "web → api:80 is Denied"],
    );
}

/// docs/semantics/networkpolicy.md#named-ports: resolved on the subject for ingress.
#[test]
fn a_name_in_ingress_is_resolved_on_the_subject() {
    holds(
        &ingress(NAMED),
        &["web → api:8080 is Allowed", "web → api:80 is Denied", "web → api:8080/UDP is Denied"],
    );
}

/// docs/semantics/networkpolicy.md#named-ports: resolved on each peer pod for egress.
#[test]
fn a_name_in_egress_is_resolved_on_the_destination() {
    holds(&egress(NAMED), &["web → api:8080 is Allowed", "web → api:80 is Denied"]);
}

/// docs/semantics/networkpolicy.md#named-ports: one name may give different numbers on different
/// pods.
#[test]
fn a_name_is_another_number_on_another_pod() {
    let both = serves("api-a", 8081) + &serves("api-b", 8082) + &ingress(NAMED);
    holds(
        &both,
        &[
            "web → api-a:8081 is Allowed",
            "web → api-a:8082 is Denied",
            "web → api-b:8082 is Allowed",
            "web → api-b:8081 is Denied",
        ],
    );
    let cluster = cluster(&both);
    let answer = cluster.ask("web → api-b:8081");
    let PortMiss::NameIsOther { name, numbers } = port_miss(answer.ingress()) else { panic!() };
    assert_eq!((&**name, numbers.as_slice()), ("http", &[8082][..]));
}

/// docs/semantics/networkpolicy.md#named-ports: … or several numbers on one pod.
#[test]
fn a_name_may_be_several_numbers_on_one_pod() {
    let twice = "containers: [{ports: [{name: http, containerPort: 81}]}, {ports: [{name: http, containerPort: 82}]}]";
    holds(
        &(pod("shop", "two", "api", "10.0.1.50", twice) + &ingress(NAMED)),
        &["web → two:81 is Allowed", "web → two:82 is Allowed", "web → two:83 is Denied"],
    );
}

/// docs/semantics/networkpolicy.md#named-ports: never matches non-pods.
#[test]
fn a_name_matches_no_address_and_no_node() {
    let policy = egress(NAMED);
    holds(&policy, &["web → 203.0.113.7:8080 is Denied", "web → node/n1:8080 is Denied"]);
    let cluster = cluster(&policy);
    let answer = cluster.ask("web → 203.0.113.7:8080");
    assert!(matches!(port_miss(answer.egress()), PortMiss::NameOfNoPod(_)));
}

/// docs/semantics/networkpolicy.md#named-ports: the wrong protocol matches nothing.
#[test]
fn a_name_of_the_other_protocol_matches_nothing() {
    holds(
        &ingress("[{ports: [{port: dns}]}]"),
        &["web → api:5353/TCP is Denied", "web → api:5353/UDP is Denied"],
    );
    holds(
        &ingress("[{ports: [{port: dns, protocol: UDP}]}]"),
        &["web → api:5353/UDP is Allowed", "web → api:5353/TCP is Denied"],
    );
}

/// docs/semantics/networkpolicy.md#named-ports: an unserved name matches nothing.
#[test]
fn a_name_that_nothing_serves_matches_nothing() {
    let policy = ingress("[{ports: [{port: metrics}]}]");
    let cluster = cluster(&policy);
    let answer = cluster.ask("web → api:8080");
    assert_eq!(answer.verdict(), "Denied");
    assert!(
        matches!(port_miss(answer.ingress()), PortMiss::NoSuchName(name) if &**name == "metrics")
    );
    let text = answer.text();
    assert!(text.contains("no container of shop/pod/api calls a TCP port \"metrics\""), "{text}");
}

/// docs/semantics/networkpolicy.md#named-ports: restartable init containers (sidecars) count;
/// ordinary ones do not.
#[test]
fn sidecars_name_ports_and_init_containers_do_not() {
    let of = |policy: &str| {
        let spec =
            format!("initContainers: [{{{policy}ports: [{{name: http, containerPort: 9000}}]}}]");
        pod("shop", "meshed", "api", "10.0.1.51", &spec) + &ingress(NAMED)
    };
    let sidecar = cluster(&of("restartPolicy: Always, "));
    let answer = sidecar.ask("web → meshed:9000");
    assert_eq!(answer.verdict(), "Allowed");
    let note = "spec.ingress[0] means port http/TCP of a restartable init container";
    assert!(answer.notes().contains(note), "{}", answer.notes());
    holds(&of(""), &["web → meshed:9000 is Denied"]);
}

/// docs/semantics/networkpolicy.md#ranges-of-ports: inclusive range, both ends.
#[test]
fn end_port_is_inclusive() {
    holds(
        &ingress("[{ports: [{port: 8000, endPort: 8010}]}]"),
        &[
            "web → api:7999 is Denied",
            "web → api:8000 is Allowed",
            "web → api:8010 is Allowed",
            "web → api:8011 is Denied",
        ],
    );
    holds(
        &ingress("[{ports: [{port: 80, endPort: 80}]}]"),
        &["web → api:80 is Allowed", "web → api:81 is Denied"],
    );
    holds(
        &ingress("[{ports: [{port: 1, endPort: 65535, protocol: SCTP}]}]"),
        &["web → api:65535/SCTP is Allowed", "web → api:1/SCTP is Allowed"],
    );
}

/// docs/semantics/networkpolicy.md#ports: a pod need not declare a port for traffic to it to be
/// judged.
#[test]
fn undeclared_ports_are_judged_too() {
    holds(
        &ingress("[{ports: [{port: 4711}]}]"),
        &["web → api:4711 is Allowed", "web → api:4712 is Denied"],
    );
}

/// docs/semantics/networkpolicy.md#ports: protocol in TCP, UDP and SCTP: a port of one is not that of
/// another.
#[test]
fn sctp_is_a_protocol_of_its_own() {
    let policy = ingress("[{ports: [{port: 3868, protocol: SCTP}]}]");
    holds(
        &policy,
        &[
            "web → api:3868/SCTP is Allowed",
            "web → api:3868/TCP is Denied",
            "web → api:3868/UDP is Denied",
        ],
    );
    let cluster = cluster(&policy);
    let answer = cluster.ask("web → api:3868");
    assert!(matches!(port_miss(answer.ingress()), PortMiss::Protocol { number_matches: true, .. }));
}

/// docs/semantics/networkpolicy.md#named-ports: endPort and names in one list are alternatives.
#[test]
fn port_items_are_alternatives() {
    holds(
        &ingress(
            "[{ports: [{port: 9000, endPort: 9001}, {port: http}, {port: 53, protocol: UDP}]}]",
        ),
        &[
            "web → api:9001 is Allowed",
            "web → api:8080 is Allowed",
            "web → api:53/UDP is Allowed",
            "web → api:53 is Denied",
        ],
    );
}

/// Without a port every declared port is judged, then all others.
#[test]
fn without_a_port_declared_ones_come_first_and_the_rest_last() {
    let cluster = cluster(&ingress("[{ports: [{port: 8080}, {port: 9000, endPort: 9010}]}]"));
    let answer = cluster.ask("web → api");
    assert_eq!(
        answer.cases(),
        [
            "shop/pod/api 8080/TCP Allowed",
            "shop/pod/api 5353/UDP Denied",
            "shop/pod/api 9000-9010/TCP Allowed",
            "shop/pod/api any other port Denied"
        ]
    );
    assert_eq!(answer.verdict(), "Mixed");
}
