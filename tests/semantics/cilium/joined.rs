//! docs/semantics/cilium-rules.md#absent-and-empty and docs/semantics/cilium-verdicts.md#tiers: what
//! the kinds mean together, and where one line means two things.

use super::{API, WEB, ccnp, cluster, cnp, holds, holds_with, ingress, rejected};
use crate::semantics::policy;
use netpol::policy::{Cilium, CiliumVersion};

/// docs/semantics/cilium-objects.md#who-refuses: rejected by the agent, so that a policy which looks
/// closed leaves everything open.
#[test]
fn rejected_by_the_agent() {
    let policy = cnp(
        "p",
        &format!(
            "{API}, ingress: [{{toPorts: [{{ports: [{{port: \"80\"}}], rules: {{http: [{{}}]}}}}]}}]"
        ),
    );
    rejected(&policy, "spec.ingress[0].toPorts[0].ports[0].protocol", "need TCP");
}

/// docs/semantics/cilium-verdicts.md#tiers: an Admin Accept beats a deny of Cilium: tiers come before
/// "deny wins".
#[test]
fn an_admin_accept_over_a_deny() {
    let accept = "---\napiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n\
                  metadata: {name: admin}\nspec: {tier: Admin, priority: 1, \
                  subject: {namespaces: {}}, ingress: [{action: Accept, \
                  from: [{namespaces: {matchLabels: {team: blue}}}]}]}\n";
    let deny = cnp("deny", &format!("{API}, ingressDeny: [{{fromEntities: [all]}}]"));
    let newer = Cilium::new(CiliumVersion::V1_20);
    holds_with(
        newer.clone(),
        &format!("{accept}{deny}"),
        &["other/client → api:80 is Allowed", "web → api:80 is Denied"],
    );
    holds_with(newer, &deny, &["other/client → api:80 is Denied"]);
}

/// docs/semantics/cilium-verdicts.md#rules-that-only-deny: a policy that only denies isolates.
#[test]
fn a_deny_only_policy_isolates() {
    let deny = format!("{WEB}, egressDeny: [{{toEntities: [kube-apiserver]}}]");
    holds(&cnp("p", &deny), &["web → 203.0.113.7:443 is Denied", "web → api:80 is Denied"]);
}

/// docs/semantics/cilium-labels.md#peer-of-a-ciliumnetworkpolicy: `fromEndpoints: [{}]` is the own
/// namespace in a CiliumNetworkPolicy, every pod in a CiliumClusterwideNetworkPolicy.
#[test]
fn every_endpoint_of_both_kinds() {
    let rule = format!("{API}, ingress: [{{fromEndpoints: [{{}}]}}]");
    holds(&cnp("p", &rule), &["web → api:80 is Allowed", "other/client → api:80 is Denied"]);
    holds(&ccnp("p", &rule), &["web → api:80 is Allowed", "other/client → api:80 is Allowed"]);
}

/// docs/semantics/cilium-rules.md#absent-and-empty: `ingress: [{}]` allows nothing in a
/// CiliumNetworkPolicy and everyone in a NetworkPolicy.
#[test]
fn an_empty_rule_of_both_kinds() {
    holds(&ingress("[{}]"), &["web → api:80 is Denied", "203.0.113.7 → api:80 is Denied"]);
    let np = policy("p", "podSelector: {matchLabels: {app: api}}, ingress: [{}]");
    holds(&np, &["web → api:80 is Allowed", "203.0.113.7 → api:80 is Allowed"]);
}

/// docs/semantics/cilium-verdicts.md#deny-comes-first: the answer names the policy that denies, by
/// its kind.
#[test]
fn a_denial_names_its_policy() {
    let deny = cnp("no-web", &format!("{API}, ingressDeny: [{{fromEndpoints: [{{}}]}}]"));
    let text = cluster(&deny).ask("web → api:80").text();
    assert!(text.contains("denied by cnp/no-web ingressDeny[0]"), "{text}");
}
/// docs/semantics/cilium-rules.md#absent-and-empty: the answer says what a rule that means no one or
/// no port lacks.
#[test]
fn rules_that_mean_nothing_are_told() {
    for (elements, part) in [
        ("[{}]", "\n      the rule means no one, so it only isolates\n"),
        ("[{fromEndpoints: []}]", "the rule means no one"),
        ("[{fromEndpoints: [{}], toPorts: [{}]}]", "peer matches; the rule means no port"),
    ] {
        let text = cluster(&ingress(elements)).ask("web → api:80").text();
        assert!(text.contains(part) && !text.contains("admits the flow"), "{text}");
    }
}
