//! docs/semantics/cilium-rules.md#absent-and-empty.

use super::{API, ccnp, cluster, cnp, holds, ingress, lint};

const EVERYONE: [&str; 4] =
    ["web → api:80", "other/client → api:80", "node/n2 → api:80", "203.0.113.7 → api:80"];

/// Who of [`EVERYONE`] gets in, one word for each.
fn admits(policy: &str, expected: [&str; 4]) {
    let lines: Vec<String> =
        EVERYONE.iter().zip(expected).map(|(question, is)| format!("{question} is {is}")).collect();
    holds(policy, &lines.iter().map(String::as_str).collect::<Vec<_>>());
}

const YES: &str = "Allowed";
const NO: &str = "Denied";

/// docs/semantics/cilium-rules.md#absent-and-empty, `ingress: [{}]`: default deny that allows
/// nothing.
#[test]
fn an_empty_element_allows_nothing() {
    admits(&ingress("[{}]"), [NO; 4]);
    lint(&cluster(&ingress("[{}]")), "spec.ingress[0] has neither peers nor ports, so it allows");
    admits(&ccnp("p", &format!("{API}, ingress: [{{}}]")), [NO; 4]);
}

/// The same for every pod of a namespace is how Cilium's documentation closes it: nothing is amiss,
/// unless something is allowed beside it.
#[test]
fn the_default_deny_is_meant() {
    let closed = cnp("p", "endpointSelector: {}, ingress: [{}], egress: [{}]");
    admits(&closed, [NO; 4]);
    assert_eq!(cluster(&closed).lints(), [""; 0]);
    let beside = cnp("p", "endpointSelector: {}, ingress: [{}, {fromEntities: [world]}]");
    lint(&cluster(&beside), "spec.ingress[0] has neither peers nor ports, so it allows");
}

/// docs/semantics/cilium-rules.md#absent-and-empty, `ingress: [{fromEndpoints: []}]`: a list that is
/// there and empty selects nothing; so do the other lists.
#[test]
fn an_empty_list_of_peers_selects_nothing() {
    for list in ["fromEndpoints", "fromCIDR", "fromCIDRSet", "fromEntities"] {
        let policy = ingress(&format!("[{{{list}: []}}]"));
        admits(&policy, [NO; 4]);
        lint(&cluster(&policy), "has an empty list of peers");
        let with_ports = format!("[{{{list}: [], toPorts: [{{ports: [{{port: \"80\"}}]}}]}}]");
        admits(&ingress(&with_ports), [NO; 4]);
    }
    // It closes the element for another list too.
    let other = "[{fromEntities: [], fromCIDR: [203.0.113.0/24]}]";
    admits(&ingress(other), [NO; 4]);
    // null is absent.
    let null = "[{fromEndpoints: null, toPorts: [{ports: [{port: \"80\"}]}]}]";
    admits(&ingress(null), [YES; 4]);
}

/// docs/semantics/cilium-rules.md#absent-and-empty, `ingress: [{toPorts: […]}]`: any peer, host and
/// world too, on those ports.
#[test]
fn ports_without_peers_admit_anyone() {
    let policy = ingress("[{toPorts: [{ports: [{port: \"80\"}]}]}]");
    admits(&policy, [YES; 4]);
    holds(&policy, &["web → api:81 is Denied", "203.0.113.7 → api:81 is Denied"]);
}

/// docs/semantics/cilium-rules.md#absent-and-empty, `ingress: [{fromEndpoints: [{}]}]`: pods of the
/// same namespace, in a clusterwide policy all.
#[test]
fn every_endpoint() {
    admits(&ingress("[{fromEndpoints: [{}]}]"), [YES, NO, NO, NO]);
    let clusterwide = ccnp("p", &format!("{API}, ingress: [{{fromEndpoints: [{{}}]}}]"));
    admits(&clusterwide, [YES, YES, NO, NO]);
}

/// docs/semantics/cilium-rules.md#absent-and-empty, `toPorts: []` and absent: all ports and protocols
/// of the peers.
#[test]
fn no_ports_are_all_ports() {
    for ports in ["", ", toPorts: []", ", toPorts: null"] {
        let policy = ingress(&format!("[{{fromEndpoints: [{{}}]{ports}}}]"));
        holds(
            &policy,
            &[
                "web → api:1 is Allowed",
                "web → api:1/UDP is Allowed",
                "web → api:1/SCTP is Allowed",
                "other/client → api:1 is Denied",
            ],
        );
    }
}

/// docs/semantics/cilium-rules.md#absent-and-empty, `toPorts: [{}]` and `toPorts: [{ports: []}]`:
/// matches nothing, yet isolates.
#[test]
fn an_item_without_ports_matches_nothing() {
    for item in ["{}", "{ports: []}"] {
        for peers in ["", "fromEndpoints: [{}], "] {
            let policy = ingress(&format!("[{{{peers}toPorts: [{item}]}}]"));
            admits(&policy, [NO; 4]);
            lint(&cluster(&policy), "has no ports, so it matches none");
        }
        // Another item of the list counts all the same.
        let policy = ingress(&format!("[{{toPorts: [{item}, {{ports: [{{port: \"80\"}}]}}]}}]"));
        admits(&policy, [YES; 4]);
    }
}

/// docs/semantics/cilium-rules.md#absent-and-empty, "no ingress key at all": the direction is
/// untouched.
#[test]
fn a_direction_without_a_section_is_untouched() {
    let policy = cnp("p", &format!("{API}, egress: [{{}}]"));
    admits(&policy, [YES; 4]);
    holds(&policy, &["api → web:80 is Denied", "api → 203.0.113.7:443 is Denied"]);
}

/// docs/semantics/cilium-rules.md#absent-and-empty: the same rows hold for deny rules.
#[test]
fn deny_rules_too() {
    let policy = |deny: &str| {
        let all = "ingress: [{fromEntities: [all]}]";
        cnp("p", &format!("{API}, {all}, ingressDeny: [{deny}]"))
    };
    admits(&policy("{}"), [YES; 4]);
    lint(&cluster(&policy("{}")), "so it denies nothing");
    admits(&policy("{fromEndpoints: []}"), [YES; 4]);
    admits(&policy("{fromEndpoints: [{}]}"), [NO, YES, YES, YES]);
    admits(&policy("{toPorts: [{ports: [{port: \"80\"}]}]}"), [NO; 4]);
    admits(&policy("{toPorts: [{}]}"), [YES; 4]);
}
