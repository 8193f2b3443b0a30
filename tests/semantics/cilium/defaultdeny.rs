//! docs/semantics/cilium-verdicts.md#one-direction: default deny, deny precedence and the algorithm.

use super::{
    API, WEB, ccnp, cluster, cnp, egress, holds, holds_with, ingress, lint, settings, with,
};
use crate::semantics::policy;
use netpol::policy::{Cilium, CiliumVersion, Enforcement};
use netpol::verdict::Reason;

/// docs/semantics/cilium-verdicts.md#one-direction: no rule, so allowed.
#[test]
fn without_rules_everything_passes() {
    let cluster = cluster("");
    cluster.holds(&["web → api:80 is Allowed", "203.0.113.7 → api:80 is Allowed"]);
    let reasons = cluster.ask("web → api:80").reasons();
    assert_eq!(reasons, (Reason::NotIsolated, Reason::NotIsolated));
}

/// docs/semantics/cilium-verdicts.md#one-direction: what denies and matches denies, whatever allows
/// it.
#[test]
fn deny_wins() {
    let both = format!(
        "{API}, ingress: [{{fromEndpoints: [{{matchLabels: {{app: web}}}}]}}], \
         ingressDeny: [{{fromEntities: [cluster]}}]"
    );
    let cluster = cluster(&cnp("p", &both));
    cluster.holds(&["web → api:80 is Denied", "other/client → api:80 is Denied"]);
    assert_eq!(cluster.ask("web → api:80").ingress().reason, Reason::Refused);
}

/// docs/semantics/cilium-verdicts.md#one-direction: what allows and matches allows.
#[test]
fn allow_admits() {
    let cluster = cluster(&ingress("[{fromEndpoints: [{}]}]"));
    assert_eq!(cluster.ask("web → api:80").ingress().reason, Reason::Admitted);
}

/// docs/semantics/cilium-verdicts.md#one-direction: denied where a rule isolates, else allowed: one
/// rule that isolates is enough.
#[test]
fn default_deny_is_of_any_rule() {
    let open = format!(
        "{API}, enableDefaultDeny: {{ingress: false}}, ingress: [{{fromEntities: [host]}}]"
    );
    holds(&cnp("p", &open), &["web → api:80 is Allowed"]);
    let closed = format!("{}{}", cnp("p", &open), ingress("[{}]"));
    holds(&closed, &["web → api:80 is Denied"]);
    assert_eq!(cluster(&closed).ask("web → api:80").ingress().reason, Reason::NoneAdmits);
}

/// A connection needs egress of the source and ingress of the destination.
#[test]
fn both_sides_must_allow() {
    let into = ingress("[{fromEndpoints: [{}]}]");
    let out = egress("[{toEndpoints: [{}]}]");
    holds(&format!("{into}{out}"), &["web → api:80 is Allowed"]);
    holds(&format!("{into}{}", egress("[{}]")), &["web → api:80 is Denied"]);
    holds(&format!("{}{out}", ingress("[{}]")), &["web → api:80 is Denied"]);
}

/// Sides that are no endpoints impose nothing.
#[test]
fn nodes_and_the_world_impose_nothing() {
    let all = ccnp(
        "p",
        "endpointSelector: {}, ingress: [{fromEntities: [all]}], egress: [{toEntities: [all]}]",
    );
    holds(&all, &["web → node/n1:22 is Allowed", "203.0.113.7 → api:80 is Allowed"]);
}

/// docs/semantics/cilium-verdicts.md#rules-that-only-deny: they flip default deny, unless
/// enableDefaultDeny says otherwise.
#[test]
fn a_policy_that_only_denies_isolates() {
    let deny = "egressDeny: [{toCIDR: [203.0.113.0/24]}]";
    holds(
        &cnp("p", &format!("{WEB}, {deny}")),
        &[
            "web → 203.0.113.7:443 is Denied",
            "web → 198.51.100.7:443 is Denied",
            "web → api:80 is Denied",
        ],
    );
    holds(
        &cnp("p", &format!("{WEB}, enableDefaultDeny: {{egress: false}}, {deny}")),
        &[
            "web → 203.0.113.7:443 is Denied",
            "web → 198.51.100.7:443 is Allowed",
            "web → api:80 is Allowed",
        ],
    );
}

/// `enableDefaultDeny.X: true` without a section has no effect.
#[test]
fn default_deny_without_a_section_has_no_effect() {
    let policy = cnp("p", &format!("{API}, enableDefaultDeny: {{ingress: true}}, egress: [{{}}]"));
    holds(&policy, &["web → api:80 is Allowed", "api → web:80 is Denied"]);
    lint(&cluster(&policy), "spec.enableDefaultDeny.ingress has no effect");
}

/// `false`: the rule adds its allows, denies and redirects and does not isolate; what then becomes
/// of other L7 requests depends on the version.
#[test]
fn default_deny_off_beside_l7() {
    let http =
        "toPorts: [{ports: [{port: \"80\", protocol: TCP}], rules: {http: [{method: GET}]}}]";
    let policy = cnp(
        "p",
        &format!(
            "{API}, enableDefaultDeny: {{ingress: false}}, ingress: [{{fromEndpoints: [{{}}], {http}}}]"
        ),
    );
    holds(&policy, &["web → api:80 is Allowed", "web → api:81 is Allowed"]);
    lint(&cluster(&policy), "may still be refused, by its source from 1.18 on they pass");
}

/// docs/semantics/cilium-verdicts.md#enabledefaultdeny: with enable-non-default-deny-policies off
/// every rule gets default deny.
#[test]
fn default_deny_cannot_be_off() {
    let policy =
        cnp("p", &format!("{API}, enableDefaultDeny: {{ingress: false}}, ingress: [{{}}]"));
    holds(&policy, &["web → api:80 is Allowed"]);
    let off = Cilium { non_default_deny: false, ..settings() };
    holds_with(off.clone(), &policy, &["web → api:80 is Denied"]);
    lint(&with(off, &policy), "enable-non-default-deny-policies is off");
}

/// docs/semantics/cilium-verdicts.md#deny-comes-first: it beats any allow regardless of specificity,
/// kind and namespace, NetworkPolicy included.
#[test]
fn deny_wins_over_every_kind() {
    let allows = [
        ingress(
            "[{fromEndpoints: [{matchLabels: {app: web}}], toPorts: [{ports: [{port: \"80\"}]}]}]",
        ),
        ccnp("allow", &format!("{API}, ingress: [{{fromEntities: [all]}}]")),
        policy(
            "np",
            "podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]",
        ),
    ];
    let denies = [
        cnp("deny", &format!("{API}, ingressDeny: [{{fromEndpoints: [{{}}]}}]")),
        ccnp("deny", "endpointSelector: {}, ingressDeny: [{fromEntities: [all]}]"),
    ];
    for allow in &allows {
        holds(allow, &["web → api:80 is Allowed"]);
        for deny in &denies {
            holds(&format!("{allow}{deny}"), &["web → api:80 is Denied"]);
        }
    }
}

/// docs/semantics/cilium-verdicts.md#one-tier-for-three-kinds: NetworkPolicy and both kinds of Cilium
/// live in one tier and are a union.
#[test]
fn kinds_are_a_union() {
    let np =
        policy("np", "podSelector: {matchLabels: {app: api}}, ingress: [{ports: [{port: 80}]}]");
    let all = format!(
        "{np}{}{}",
        ingress("[{toPorts: [{ports: [{port: \"81\"}]}]}]"),
        ccnp("c", &format!("{API}, ingress: [{{toPorts: [{{ports: [{{port: \"82\"}}]}}]}}]"))
    );
    holds(
        &all,
        &[
            "web → api:80 is Allowed",
            "web → api:81 is Allowed",
            "web → api:82 is Allowed",
            "web → api:83 is Denied",
        ],
    );
}

/// docs/semantics/cilium-verdicts.md#enforcement-mode: `default`, `always` and `never`.
#[test]
fn enforcement_modes() {
    let of = |enforcement| Cilium { enforcement, ..settings() };
    let rule = ingress("[{fromEndpoints: [{}]}]");
    let others = ["web → other/client:80", "203.0.113.7 → web:80"];
    let lines = |verdict: &str| others.map(|question| format!("{question} is {verdict}"));
    let check = |enforcement, verdict| {
        holds_with(of(enforcement), &rule, &lines(verdict).each_ref().map(String::as_str));
    };
    check(Enforcement::Default, "Allowed");
    check(Enforcement::Always, "Denied");
    check(Enforcement::Never, "Allowed");
    holds_with(of(Enforcement::Never), &ingress("[{}]"), &["web → api:80 is Allowed"]);
    let both = format!("{rule}{}", egress("[{toEndpoints: [{}]}]"));
    holds_with(of(Enforcement::Always), &both, &["web → api:80 is Allowed"]);
}

/// docs/semantics/cilium-verdicts.md#allow-localhost: the own node gets in unless a rule denies it;
/// other nodes do not, and egress to the own node is not implied.
#[test]
fn the_own_node_gets_in() {
    let closed = ingress("[{}]");
    holds(&closed, &["node/n1 → api:80 is Allowed", "node/n2 → api:80 is Denied"]);
    assert_eq!(cluster(&closed).ask("node/n1 → api:80").ingress().reason, Reason::OwnNode);
    let denied = cnp("p", &format!("{API}, ingressDeny: [{{fromEntities: [host]}}]"));
    holds(&denied, &["node/n1 → api:80 is Denied"]);
    holds(&egress("[{}]"), &["web → node/n2:22 is Denied"]);
}

/// docs/semantics/cilium-verdicts.md#allow-localhost: what L7 rules ask is lifted for the own node, and
/// the proxy stays in the way, in every version.
#[test]
fn the_own_node_may_ask_for_anything() {
    let http = "[{fromEntities: [all], toPorts: [{ports: [{port: \"80\", protocol: TCP}], \
                rules: {http: [{method: GET}]}}]}]";
    for version in [CiliumVersion::V1_18, CiliumVersion::V1_19, CiliumVersion::V1_20] {
        let cluster = with(Cilium::new(version), &ingress(http));
        assert_eq!(super::conditions(&cluster, "node/n1 → api:80"), ["HTTP"], "{version}");
        assert_eq!(super::conditions(&cluster, "node/n2 → api:80"), ["HTTP GET"], "{version}");
        assert_eq!(super::conditions(&cluster, "node/n1 → api:81"), [""; 0], "{version}");
    }
}
