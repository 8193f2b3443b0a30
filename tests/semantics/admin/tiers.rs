//! docs/semantics/kubernetes.md#tiers, docs/semantics/admin.md and
//! docs/semantics/kubernetes.md#exemptions: who comes before whom, and what is exempt.

use super::{EVERY_POD, admin, agent, baseline, cluster, cluster_policy, from, namespace, to};
use crate::semantics::{egress, holds, ingress, policy};
use netpol::verdict::{Reason, UnknownWhy};

/// Everything in shop is isolated both ways, and nothing admitted.
fn closed() -> String {
    policy("closed", "podSelector: {}, policyTypes: [Ingress, Egress]")
}

/// docs/semantics/kubernetes.md#admin-tier: Accept and Deny of tier Admin are final.
#[test]
fn admin_comes_before_networkpolicy() {
    let (accept, deny) = (from("Accept", EVERY_POD), from("Deny", EVERY_POD));
    let shut = ingress("[]");
    holds(&(shut.clone() + &admin(1, &accept)), &["web → api:80 is Allowed"]);
    holds(&(ingress("[{}]") + &admin(1, &deny)), &["web → api:80 is Denied"]);
    let out = to("Accept", EVERY_POD);
    holds(&(egress("[]") + &admin(1, &out)), &["web → api:80 is Allowed"]);
}

/// docs/semantics/kubernetes.md#networkpolicy-tier: a NetworkPolicy that isolates is final, so
/// Baseline never counts there.
#[test]
fn networkpolicy_comes_before_baseline() {
    let (accept, deny) = (from("Accept", EVERY_POD), from("Deny", EVERY_POD));
    holds(&(ingress("[]") + &baseline(1, &accept)), &["web → api:80 is Denied"]);
    holds(
        &(ingress("[{}]") + &baseline(1, &deny)),
        &["web → api:80 is Allowed", "api → web:80 is Denied"],
    );
}

/// docs/semantics/kubernetes.md#admin-tier: Pass leaves the tier, and what comes after it there does
/// not count.
#[test]
fn pass_goes_to_networkpolicy() {
    let policies = admin(1, &from("Pass", EVERY_POD)) + &admin(2, &from("Deny", EVERY_POD));
    holds(&(policies.clone() + &ingress("[{}]")), &["web → api:80 is Allowed"]);
    holds(&(policies.clone() + &ingress("[]")), &["web → api:80 is Denied"]);
    holds(&policies, &["web → api:80 is Allowed"]);
}

/// docs/semantics/kubernetes.md#admin-tier: … and where nothing isolates, to Baseline.
#[test]
fn pass_goes_on_to_baseline() {
    let policies = admin(1, &from("Pass", EVERY_POD)) + &baseline(1, &from("Deny", EVERY_POD));
    let cluster = cluster(&policies);
    cluster.holds(&["web → api:80 is Denied"]);
    assert_eq!(cluster.ask("web → api:80").ingress().reason, Reason::Refused);
}

/// docs/semantics/kubernetes.md#baseline-tier: Pass in Baseline skips the rest of it, giving the
/// default.
#[test]
fn pass_in_baseline_is_the_default() {
    let policies = baseline(1, &from("Pass", EVERY_POD)) + &baseline(2, &from("Deny", EVERY_POD));
    holds(&policies, &["web → api:80 is Allowed", "other/client → api:80 is Allowed"]);
}

/// docs/semantics/kubernetes.md#verdict: an Admin Accept on egress says nothing about ingress at the
/// destination.
#[test]
fn an_accept_does_not_open_the_other_direction() {
    let accept = admin(1, &to("Accept", EVERY_POD));
    holds(&(accept.clone() + &closed()), &["web → api:80 is Denied"]);
    holds(&(accept + &egress("[]")), &["web → api:80 is Allowed"]);
}

/// docs/semantics/admin.md#no-isolation: no implicit isolation: unmatched traffic falls through.
#[test]
fn nothing_isolates() {
    for policy in [
        admin(1, &from("Accept", &namespace("shop"))),
        baseline(1, &from("Accept", &namespace("shop"))),
    ] {
        holds(&policy, &["other/client → api:80 is Allowed", "203.0.113.7 → api:80 is Allowed"]);
    }
}

/// docs/semantics/admin.md#no-isolation: a policy without rules in a direction does not affect it.
#[test]
fn a_direction_without_rules_is_not_affected() {
    let cluster = cluster(&admin(1, &from("Deny", &namespace("other"))));
    cluster.holds(&["other/client → api:80 is Denied", "api → other/client:80 is Allowed"]);
    assert_eq!(cluster.ask("api → other/client:80").reasons().0, Reason::NotIsolated);
}

/// docs/semantics/kubernetes.md#networkpolicy-tier: tier 3 is per direction: an egress-only
/// NetworkPolicy does not stop Baseline ingress.
#[test]
fn an_egress_policy_does_not_stop_baseline_ingress() {
    let out = policy("out", "podSelector: {}, policyTypes: [Egress], egress: [{}]");
    let deny = baseline(1, &from("Deny", &namespace("other")));
    holds(&(out + &deny), &["other/client → api:80 is Denied", "web → api:80 is Allowed"]);
    let entry = policy("in", "podSelector: {}, policyTypes: [Ingress], ingress: [{}]");
    let deny = baseline(1, &to("Deny", &namespace("other")));
    holds(&(entry + &deny), &["api → other/client:80 is Denied"]);
}

/// docs/semantics/kubernetes.md#admin-tier: ascending priority, and rules in list order within a
/// policy.
#[test]
fn priority_and_then_the_order_of_the_text() {
    let policies =
        admin(20, &from("Deny", EVERY_POD)) + &admin(3, &from("Accept", &namespace("shop")));
    holds(&policies, &["web → api:80 is Allowed", "other/client → api:80 is Denied"]);
    let rules = format!(
        "ingress: [{{action: Pass, from: [{}]}}, {{action: Deny, from: [{EVERY_POD}]}}, \
         {{action: Accept, from: [{EVERY_POD}]}}]",
        namespace("shop")
    );
    let cluster = cluster(&admin(7, &rules));
    cluster.holds(&["web → api:80 is Allowed", "other/client → api:80 is Denied"]);
    let decided = cluster.ask("other/client → api:80").ingress().decided_by;
    assert_eq!(decided.map(|(_, entry)| entry), Some(1));
}

fn tied(name: &str, rules: &str) -> String {
    let spec = format!("tier: Admin, priority: 5, subject: {{namespaces: {{}}}}, {rules}");
    cluster_policy(name, &spec)
}

/// docs/semantics/admin.md#order-and-ties: the same tier and priority, both match, the actions
/// differ: ambiguous.
#[test]
fn ties_that_matter_are_ambiguous() {
    let policies =
        tied("a", &from("Accept", EVERY_POD)) + &tied("b", &from("Deny", &namespace("other")));
    let ambiguous = cluster(&policies);
    ambiguous.holds(&["other/client → api:80 is Ambiguous", "web → api:80 is Allowed"]);
    assert_eq!(ambiguous.ask("other/client → api:80").ingress().reason, Reason::Tie);
    // Denied by the other direction it is denied, whichever wins.
    let shut = admin(1, &to("Deny", &namespace("shop")));
    holds(&(policies + &shut), &["other/client → api:80 is Denied"]);
}

/// docs/semantics/admin.md#order-and-ties: a tie between Accept and Pass matters only if what follows
/// denies.
#[test]
fn ties_with_one_end_are_decided() {
    let policies = tied("a", &from("Accept", EVERY_POD)) + &tied("b", &from("Pass", EVERY_POD));
    holds(&policies, &["web → api:80 is Allowed"]);
    holds(&(policies + &ingress("[]")), &["web → api:80 is Ambiguous"]);
    let both = tied("a", &from("Deny", EVERY_POD)) + &tied("b", &from("Deny", &namespace("shop")));
    holds(&both, &["web → api:80 is Denied"]);
    let tiers = tied("a", &from("Accept", EVERY_POD)) + &baseline(5, &from("Deny", EVERY_POD));
    holds(&tiers, &["web → api:80 is Allowed"]);
}

/// docs/semantics/admin.md#subjects-and-peers: subjects by namespace, and by namespace and pod;
/// without a namespaceSelector all namespaces.
#[test]
fn subjects() {
    let with = |subject: &str| {
        let rules = from("Deny", EVERY_POD);
        cluster_policy("p", &format!("tier: Admin, priority: 1, subject: {{{subject}}}, {rules}"))
    };
    holds(
        &with("namespaces: {matchLabels: {team: red}}"),
        &["web → api:80 is Denied", "web → other/client:80 is Allowed"],
    );
    let app = "podSelector: {matchLabels: {app: web}}";
    holds(
        &with(&format!("pods: {{{app}}}")),
        &["api → web:80 is Denied", "api → other/client:80 is Denied", "web → api:80 is Allowed"],
    );
    holds(
        &with(&format!("pods: {{namespaceSelector: {{matchLabels: {{team: blue}}}}, {app}}}")),
        &["api → web:80 is Allowed", "api → other/client:80 is Denied"],
    );
}

/// docs/semantics/kubernetes.md#host-network: hostNetwork pods are never selected, as subject or as
/// peer.
#[test]
fn host_network_pods_are_never_selected() {
    let deny = admin(1, &(from("Deny", EVERY_POD) + ", " + &to("Deny", EVERY_POD)));
    let cluster = cluster(&(agent() + &deny));
    cluster.holds(&[
        "other/client → other/agent:80 is Allowed",
        "other/agent → other/client:80 is Allowed",
        "other/agent → web:80 is Allowed",
    ]);
    assert_eq!(cluster.ask("other/agent → web:80").reasons().0, Reason::HostNetwork);
}

/// docs/semantics/admin.md#ingress-is-from-pods: ingress peers are pods only, so nodes and the
/// outside cannot be denied.
#[test]
fn ingress_is_never_from_nodes_or_outside() {
    holds(
        &admin(1, &from("Deny", EVERY_POD)),
        &["203.0.113.7 → api:80 is Allowed", "node/n2 → api:80 is Allowed"],
    );
}

/// docs/semantics/kubernetes.md#own-address: pod → own pod IP is not subject; pod → Service → same
/// pod is.
#[test]
fn a_pod_to_itself() {
    let service = "---\n{apiVersion: v1, kind: Service, metadata: {name: api, namespace: shop}, \
                   spec: {selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}}\n";
    let deny = service.to_owned() + &admin(1, &from("Deny", EVERY_POD));
    holds(&deny, &["api → api:8080 is Allowed", "api → svc/api:80 is Denied"]);
    // Of NetworkPolicy this is not known, so what passes on to it is not either.
    let pass = service.to_owned() + &admin(1, &from("Pass", EVERY_POD)) + &ingress("[]");
    let cluster = cluster(&pass);
    cluster.holds(&["api → svc/api:80 is Unknown"]);
    let why = Reason::Unknown(UnknownWhy::SelfThroughService);
    assert_eq!(cluster.ask("api → svc/api:80").ingress().reason, why);
}

/// docs/semantics/kubernetes.md#pod-to-own-node: pod → own node: nodes and networks rules apply,
/// whatever NetworkPolicy makes of it.
#[test]
fn a_pod_to_its_own_node() {
    for peer in ["{nodes: {}}", "{networks: [192.168.0.0/16]}"] {
        let deny = admin(1, &to("Deny", peer)) + &closed();
        holds(&deny, &["api → node/n1:10250 is Denied", "api → node/n2:10250 is Denied"]);
        let deny = baseline(1, &to("Deny", peer));
        holds(&deny, &["api → node/n1:10250 is Denied"]);
        let accept = admin(1, &to("Accept", peer)) + &closed();
        holds(&accept, &["api → node/n1:10250 is Allowed"]);
    }
    holds(&closed(), &["api → node/n1:10250 is Unknown"]);
}

/// docs/semantics/kubernetes.md#own-node-to-pod: resident node → pod: ingress peers cannot name
/// nodes.
#[test]
fn the_own_node_is_let_in() {
    let deny = admin(1, &from("Deny", EVERY_POD)) + &closed();
    holds(&deny, &["node/n1 → api:80 is Allowed", "node/n2 → api:80 is Denied"]);
}

/// docs/semantics/kubernetes.md#verdict-without-certainty: what is not known of a label matters where
/// ends differ.
#[test]
fn unknown_labels_decide_nothing() {
    let template = "---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: app, namespace: \
                    shop}, spec: {template: {metadata: {labels: {app: app}}}}}\n";
    let hash = "{pods: {podSelector: {matchLabels: {pod-template-hash: abc}}}}";
    let with = |rules: &str| template.to_owned() + rules;
    holds(&with(&admin(1, &from("Deny", hash))), &["app → api:80 is Unknown"]);
    holds(&with(&admin(1, &from("Accept", hash))), &["app → api:80 is Allowed"]);
    let both = admin(1, &from("Deny", hash)) + &baseline(1, &from("Deny", EVERY_POD));
    holds(&with(&both), &["app → api:80 is Denied"]);
}
