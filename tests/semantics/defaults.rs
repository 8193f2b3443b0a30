//! docs/semantics/networkpolicy.md#defaulting and docs/semantics/networkpolicy.md#absent-and-empty.

use super::{cluster, egress, holds, ingress, policy};
use netpol::verdict::Reason;

/// docs/semantics/networkpolicy.md#defaulting: policyTypes absent or `[]`: Ingress.
#[test]
fn without_policy_types_ingress_is_isolated() {
    for types in ["", "policyTypes: [], ", "policyTypes: null, "] {
        holds(
            &policy("p", &format!("{types}podSelector: {{}}")),
            &["web → api:80 is Denied", "web → 8.8.8.8:80 is Allowed"],
        );
    }
}

/// docs/semantics/networkpolicy.md#defaulting: … plus Egress iff there are egress rules.
#[test]
fn an_egress_rule_without_policy_types_isolates_both_ways() {
    holds(
        &policy("p", "podSelector: {}, egress: [{ports: [{port: 443}]}]"),
        &[
            "other/client → web:443 is Denied",
            "web → 8.8.8.8:443 is Allowed",
            "web → 8.8.8.8:80 is Denied",
        ],
    );
}

/// docs/semantics/networkpolicy.md#defaulting: so `egress: []` without policyTypes isolates ingress
/// only.
#[test]
fn an_empty_egress_list_without_policy_types_isolates_ingress_only() {
    holds(
        &policy("p", "podSelector: {}, egress: []"),
        &["other/client → web:443 is Denied", "web → 8.8.8.8:80 is Allowed"],
    );
}

/// docs/semantics/networkpolicy.md#defaulting: explicit policyTypes wins; egress rules beside
/// `[Ingress]` are inert.
#[test]
fn egress_rules_outside_policy_types_are_inert() {
    let inert =
        policy("p", "podSelector: {}, policyTypes: [Ingress], egress: [{ports: [{port: 443}]}]");
    holds(&inert, &["web → 8.8.8.8:80 is Allowed", "other/client → web:443 is Denied"]);
    assert_eq!(
        cluster(&inert).lints(),
        [
            "shop/netpol/p: spec.egress has no effect: policyTypes does not list Egress; add it there"
        ]
    );
}

/// docs/semantics/networkpolicy.md#defaulting: likewise ingress rules beside `[Egress]`.
#[test]
fn ingress_rules_outside_policy_types_are_inert() {
    let inert =
        policy("p", "podSelector: {}, policyTypes: [Egress], ingress: [{ports: [{port: 443}]}]");
    holds(&inert, &["other/client → web:80 is Allowed", "web → 8.8.8.8:443 is Denied"]);
    assert_eq!(
        cluster(&inert).lints(),
        [
            "shop/netpol/p: spec.ingress has no effect: policyTypes does not list Ingress; add it there"
        ]
    );
}

/// docs/semantics/networkpolicy.md#defaulting: the lint is in the answer.
#[test]
fn inert_rules_are_told_with_the_answer() {
    let inert =
        policy("p", "podSelector: {}, policyTypes: [Egress], ingress: [{ports: [{port: 443}]}]");
    let cluster = cluster(&inert);
    let text = cluster.ask("other/client → web:443").text();
    assert!(text.contains("warning: shop/netpol/p: spec.ingress has no effect"), "{text}");
}

/// docs/semantics/networkpolicy.md#defaulting: ports\[\].protocol absent: TCP.
#[test]
fn a_port_without_protocol_is_tcp() {
    holds(
        &ingress("[{ports: [{port: 8080}]}]"),
        &[
            "web → api:8080/TCP is Allowed",
            "web → api:8080/UDP is Denied",
            "web → api:8080/SCTP is Denied",
        ],
    );
}

/// docs/semantics/networkpolicy.md#defaulting: metadata.namespace absent: that of the command line.
#[test]
fn a_policy_without_a_namespace_is_in_the_one_asked_for() {
    holds(
        "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p}, spec: {}}\n",
        &["other/client → api:80 is Denied", "web → other/client:80 is Allowed"],
    );
}

/// docs/semantics/networkpolicy.md#fields: podSelector: absent, null and `{}` mean all pods of the
/// policy's namespace.
#[test]
fn an_absent_subject_is_every_pod_of_the_namespace() {
    for spec in ["policyTypes: [Ingress]", "podSelector: null", "podSelector: {}"] {
        holds(
            &policy("p", spec),
            &[
                "web → api:80 is Denied",
                "api → web:80 is Denied",
                "web → other/client:80 is Allowed",
            ],
        );
    }
}

/// docs/semantics/networkpolicy.md#absent-and-empty: `ingress` absent, null or `[]`: isolated,
/// nothing allowed.
#[test]
fn no_ingress_rules_admit_nothing() {
    for rules in ["", ", ingress: null", ", ingress: []"] {
        let closed = policy("p", &format!("podSelector: {{}}, policyTypes: [Ingress]{rules}"));
        holds(&closed, &["web → api:8080 is Denied", "203.0.113.7 → api:8080 is Denied"]);
        let cluster = cluster(&closed);
        let answer = cluster.ask("web → api:8080");
        assert_eq!(answer.reasons(), (Reason::NotIsolated, Reason::NoneAdmits));
        let text = answer.text();
        assert!(text.contains("has no ingress rules: it only isolates"), "{text}");
    }
}

/// The same for egress.
#[test]
fn no_egress_rules_admit_nothing() {
    for rules in ["", ", egress: null", ", egress: []"] {
        holds(
            &policy("p", &format!("podSelector: {{}}, policyTypes: [Egress]{rules}")),
            &["web → api:8080 is Denied", "web → 203.0.113.7:443 is Denied"],
        );
    }
}

/// docs/semantics/networkpolicy.md#absent-and-empty: `ingress: [{}]`: all sources, all ports, all
/// protocols.
#[test]
fn an_empty_rule_admits_everything() {
    holds(
        &ingress("[{}]"),
        &[
            "web → api:1 is Allowed",
            "other/client → api:65535/UDP is Allowed",
            "203.0.113.7 → api:7/SCTP is Allowed",
            "node/n2 → api:80 is Allowed",
        ],
    );
    holds(
        &egress("[{}]"),
        &["web → 203.0.113.7:1/SCTP is Allowed", "web → https://example.com is Allowed"],
    );
}

/// docs/semantics/networkpolicy.md#absent-and-empty: `from` absent or `[]`: any source, external
/// included.
#[test]
fn a_rule_without_from_admits_any_source() {
    for from in ["", "from: [], ", "from: null, "] {
        holds(
            &ingress(&format!("[{{{from}ports: [{{port: 8080}}]}}]")),
            &[
                "203.0.113.7 → api:8080 is Allowed",
                "node/n2 → api:8080 is Allowed",
                "web → api:80 is Denied",
            ],
        );
    }
}

/// The same for `to`.
#[test]
fn a_rule_without_to_admits_any_destination() {
    for to in ["", "to: [], ", "to: null, "] {
        holds(
            &egress(&format!("[{{{to}ports: [{{port: 443}}]}}]")),
            &[
                "web → 203.0.113.7:443 is Allowed",
                "web → https://example.com is Allowed",
                "web → api:80 is Denied",
            ],
        );
    }
}

/// docs/semantics/networkpolicy.md#absent-and-empty: `ports` absent or `[]`: any port and protocol.
#[test]
fn a_rule_without_ports_admits_any_port() {
    for ports in ["", ", ports: []", ", ports: null"] {
        holds(
            &ingress(&format!("[{{from: [{{podSelector: {{}}}}]{ports}}}]")),
            &[
                "web → api:1/UDP is Allowed",
                "web → api:65535/SCTP is Allowed",
                "other/client → api:80 is Denied",
            ],
        );
    }
}

/// docs/semantics/networkpolicy.md#absent-and-empty: `ports: [{}]`: all TCP ports.
#[test]
fn an_empty_port_is_all_of_tcp() {
    holds(
        &ingress("[{ports: [{}]}]"),
        &["web → api:1 is Allowed", "web → api:65535 is Allowed", "web → api:53/UDP is Denied"],
    );
}

/// docs/semantics/networkpolicy.md#absent-and-empty: `ports: [{protocol: UDP}]`: all UDP ports.
#[test]
fn a_port_of_a_protocol_alone_is_all_of_it() {
    holds(
        &ingress("[{ports: [{protocol: UDP}]}]"),
        &[
            "web → api:1/UDP is Allowed",
            "web → api:65535/UDP is Allowed",
            "web → api:53/TCP is Denied",
        ],
    );
}

/// docs/semantics/networkpolicy.md#absent-and-empty: `podSelector: {}` alone: all pods of the
/// policy's namespace.
#[test]
fn an_empty_pod_selector_is_the_policys_namespace() {
    holds(
        &ingress("[{from: [{podSelector: {}}]}]"),
        &[
            "web → api:80 is Allowed",
            "other/client → api:80 is Denied",
            "203.0.113.7 → api:80 is Denied",
        ],
    );
}

/// docs/semantics/networkpolicy.md#absent-and-empty: `namespaceSelector: {}`: all pods in all
/// namespaces; not external addresses, not nodes.
#[test]
fn an_empty_namespace_selector_is_every_pod_and_nothing_else() {
    holds(
        &ingress("[{from: [{namespaceSelector: {}}]}]"),
        &[
            "web → api:80 is Allowed",
            "other/client → api:80 is Allowed",
            "203.0.113.7 → api:80 is Denied",
            "node/n2 → api:80 is Denied",
        ],
    );
}

/// docs/semantics/networkpolicy.md#absent-and-empty: both selectors in one item: AND.
#[test]
fn both_selectors_in_one_item_must_match() {
    holds(
        &ingress(
            "[{from: [{namespaceSelector: {matchLabels: {team: blue}}, podSelector: {matchLabels: {app: web}}}]}]",
        ),
        &["other/client → api:80 is Allowed", "web → api:80 is Denied"],
    );
    holds(
        &ingress(
            "[{from: [{namespaceSelector: {matchLabels: {team: blue}}, podSelector: {matchLabels: {app: x}}}]}]",
        ),
        &["other/client → api:80 is Denied", "web → api:80 is Denied"],
    );
}

/// docs/semantics/networkpolicy.md#absent-and-empty: as two items: OR.
#[test]
fn selectors_in_two_items_are_alternatives() {
    holds(
        &ingress(
            "[{from: [{namespaceSelector: {matchLabels: {team: blue}}}, {podSelector: {matchLabels: {app: web}}}]}]",
        ),
        &["other/client → api:80 is Allowed", "web → api:80 is Allowed"],
    );
}
