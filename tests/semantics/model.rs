//! docs/semantics/kubernetes.md#verdict and docs/semantics/kubernetes.md#answers: what a verdict is
//! made of, and how it is said.

use super::{cluster, egress, holds, ingress, policy};
use netpol::verdict::{Reason, UnknownWhy};

/// docs/semantics/kubernetes.md#verdict: verdict(flow) = egress AND ingress.
#[test]
fn both_directions_must_allow() {
    let (open_in, open_out) = (ingress("[{}]"), egress("[{}]"));
    let (shut_in, shut_out) = (ingress("[]"), egress("[]"));
    holds(&(open_in.clone() + &open_out), &["web → api:80 is Allowed"]);
    holds(&(open_in + &shut_out), &["web → api:80 is Denied"]);
    holds(&(shut_in.clone() + &open_out), &["web → api:80 is Denied"]);
    holds(&(shut_in + &shut_out), &["web → api:80 is Denied"]);
}

/// docs/semantics/kubernetes.md#isolation: without a policy that selects the pod the direction is
/// open.
#[test]
fn nothing_isolates_by_default() {
    let cluster = cluster("");
    let answer = cluster.ask("web → api:80");
    assert_eq!(
        (answer.verdict(), answer.reasons()),
        ("Allowed", (Reason::NotIsolated, Reason::NotIsolated))
    );
}

/// docs/semantics/kubernetes.md#isolation: isolation is per direction.
#[test]
fn an_egress_policy_does_not_isolate_ingress() {
    let cluster = cluster(&policy("p", "podSelector: {}, policyTypes: [Egress], egress: [{}]"));
    let answer = cluster.ask("web → api:80");
    assert_eq!(answer.reasons(), (Reason::Admitted, Reason::NotIsolated));
}

/// docs/semantics/kubernetes.md#flows: policies judge connection initiation; the way back is another
/// question.
#[test]
fn a_rule_does_not_open_the_way_back() {
    let manifests = policy("closed", "podSelector: {}") + &ingress("[{from: [{podSelector: {}}]}]");
    holds(&manifests, &["web → api:80 is Allowed", "api → web:80 is Denied"]);
}

/// docs/semantics/kubernetes.md#verdict-without-certainty: a denial of one direction stands, whatever
/// the other is not known for.
#[test]
fn denied_wins_over_unknown() {
    let waiting = "---\n{apiVersion: v1, kind: Pod, metadata: {name: waiting, namespace: shop, labels: {app: waiting}}, \
                   spec: {}, status: {phase: Pending}}\n";
    let blocks = ingress("[{from: [{ipBlock: {cidr: 10.0.1.0/28}}]}]");
    let shut = policy("shut", "podSelector: {matchLabels: {app: waiting}}, policyTypes: [Egress]");
    let text = format!("{waiting}{blocks}");
    holds(&text, &["waiting → api:80 is Unknown"]);
    holds(&(text + &shut), &["waiting → api:80 is Denied"]);
}

/// docs/semantics/kubernetes.md#reasons: a NetworkPolicy never denies alone: "isolated by …, none
/// admits".
#[test]
fn a_denial_names_all_that_isolate() {
    let cluster =
        cluster(&(policy("closed", "podSelector: {}") + &ingress("[{ports: [{port: 80}]}]")));
    let answer = cluster.ask("web → api:8080");
    assert_eq!(answer.ingress().policies.len(), 2);
    let text = answer.text();
    for part in
        ["isolated by 2 policies, none admits", "port is 80/TCP, not 8080/TCP", "it only isolates"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// docs/semantics/kubernetes.md#reasons: "admits (rule i, peer j, port k)".
#[test]
fn an_admission_names_rule_peer_and_port() {
    let rules = "[{from: [{podSelector: {matchLabels: {app: x}}}]}, \
                 {from: [{podSelector: {matchLabels: {app: x}}}, {podSelector: {}}], ports: [{port: 1}, {port: 80}]}]";
    let cluster = cluster(&ingress(rules));
    let answer = cluster.ask("web → api:80");
    let (rule, entry) = answer.ingress().policies[0].nearest().unwrap();
    assert_eq!((rule, entry.peer_item, entry.port_item), (1, Some(1), Some(1)));
    assert!(answer.text().contains("in ingress[1]"), "{}", answer.text());
}

/// docs/semantics/kubernetes.md#reasons: nearest miss: peer right and port wrong is nearer than peer
/// wrong.
#[test]
fn the_nearest_rule_is_named() {
    let rules = "[{from: [{podSelector: {matchLabels: {app: x}}}], ports: [{port: 81}]}, \
                 {from: [{podSelector: {}}], ports: [{port: 80}]}]";
    let cluster = cluster(&ingress(rules));
    let answer = cluster.ask("web → api:8080");
    assert_eq!(answer.ingress().policies[0].nearest().unwrap().0, 1);
    assert!(answer.text().contains("peer matches; port is 80/TCP"), "{}", answer.text());
}

/// docs/semantics/kubernetes.md#verdict-without-certainty: Unknown has a reason.
#[test]
fn unknown_says_why() {
    let cluster = cluster(&egress("[{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]"));
    let answer = cluster.ask("web → https://example.com");
    assert_eq!(answer.egress().reason, Reason::Unknown(UnknownWhy::Rules));
    assert!(answer.text().contains("whether 203.0.113.0/24 has the address"), "{}", answer.text());
}
