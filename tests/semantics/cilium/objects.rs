//! docs/semantics/cilium-objects.md#kinds: the kinds, `spec` and `specs`, what is stored and has no
//! effect, fields.

use super::{API, WEB, ccnp, cluster, cnp, egress, group, holds, ingress, lint, object, with};
use super::{rejected, settings};
use crate::semantics::enforced;
use netpol::policy::{Cilium, CiliumVersion, Enforcer};

/// docs/semantics/cilium-objects.md#spec-and-specs: `spec: Rule` and/or `specs: [Rule]`.
#[test]
fn a_policy_has_spec_or_specs() {
    let spec = format!("spec: {{{API}, ingress: [{{fromEndpoints: [{{}}]}}]}}");
    holds(
        &object("p", &spec),
        &["web → api:80 is Allowed", "other/client → api:80 is Denied", "api → web:80 is Allowed"],
    );
    let specs = format!(
        "specs: [{{{API}, ingress: [{{fromEndpoints: [{{}}]}}]}}, {{{WEB}, ingress: [{{}}]}}]"
    );
    holds(
        &object("p", &specs),
        &["web → api:80 is Allowed", "other/client → api:80 is Denied", "api → web:80 is Denied"],
    );
}

/// docs/semantics/cilium-objects.md#spec-and-specs: both present is a union of rules, evaluated
/// independently.
#[test]
fn spec_and_specs_are_a_union() {
    let body = format!(
        "spec: {{{API}, ingress: [{{fromEndpoints: [{{matchLabels: {{app: web}}}}]}}]}}\n\
         specs: [{{{API}, ingress: [{{fromCIDR: [203.0.113.0/24]}}]}}]"
    );
    holds(
        &object("p", &body),
        &[
            "web → api:80 is Allowed",
            "203.0.113.7 → api:80 is Allowed",
            "198.51.100.7 → api:80 is Denied",
            "other/client → api:80 is Denied",
        ],
    );
}

/// docs/semantics/cilium-objects.md#spec-and-specs: both nil is an error.
#[test]
fn neither_spec_nor_specs_is_rejected() {
    rejected(&object("p", ""), "spec", "is missing, and so is specs");
    rejected(&object("p", "spec: null"), "spec", "is missing, and so is specs");
}

/// docs/semantics/cilium-objects.md#kinds: cluster scope, the same body.
#[test]
fn a_clusterwide_policy_speaks_for_every_namespace() {
    holds(
        &ccnp("p", &format!("{WEB}, ingress: [{{}}]")),
        &[
            "api → web:80 is Denied",
            "api → other/client:80 is Denied",
            "other/client → api:80 is Allowed",
        ],
    );
}

/// docs/semantics/cilium-objects.md#kinds: v2, and v2alpha1 earlier.
#[test]
fn groups_of_networks_of_both_versions() {
    let rule = egress("[{toCIDRSet: [{cidrGroupRef: partners}]}]");
    let lines = ["web → 203.0.113.7:443 is Allowed", "web → 198.51.100.7:443 is Denied"];
    let v2 = group("partners", "[203.0.113.0/24]");
    holds(&format!("{v2}{rule}"), &lines);
    holds(&format!("{}{rule}", v2.replace("cilium.io/v2", "cilium.io/v2alpha1")), &lines);
}

/// docs/semantics/cilium-objects.md#who-refuses: what the agent rejects is not enforced at all,
/// without a default deny either, and the answer says so.
#[test]
fn what_the_agent_rejects_has_no_effect_and_is_told() {
    let bad = "[{fromEndpoints: [{}], fromEntities: [world]}]";
    let cluster = cluster(&ingress(bad));
    cluster.holds(&["web → api:80 is Allowed", "203.0.113.7 → api:80 is Allowed"]);
    let text = cluster.ask("web → api:80").text();
    let told = "warning: shop/cnp/in: the agent rejects it, so that nothing of it is enforced: \
                spec.ingress[0] combines fromEndpoints and fromEntities";
    assert!(text.contains(told), "{text}");
}

/// docs/semantics/cilium-objects.md#spec-and-specs: one bad rule in `specs` fails the whole object.
#[test]
fn one_bad_rule_fails_the_object() {
    let specs = format!("specs: [{{{API}, ingress: [{{}}]}}, {{{WEB}}}]");
    rejected(&object("p", &specs), "specs[1]", "needs at least one of ingress");
}

/// docs/semantics/cilium-objects.md#who-refuses: wrong types never reach the agent: the API server
/// refuses them.
#[test]
fn wrong_types_are_refused_by_the_api_server() {
    let cluster = cluster(&ingress("[{toPorts: [{ports: [{port: 80}]}]}]"));
    let text = cluster.ask("web → api:80").text();
    let told = "warning: shop/cnp/in would be refused by the API server and is left out: \
                spec.ingress[0].toPorts[0].ports[0].port expected a string";
    assert!(text.contains(told), "{text}");
}

/// docs/semantics/cilium-objects.md#fields-of-a-rule: labels, description and log change nothing.
#[test]
fn fields_that_change_nothing() {
    let more = "labels: [{key: a, value: b}], description: x, log: {value: audit-me}";
    let cluster = cluster(&cnp("p", &format!("{API}, {more}, ingress: [{{}}]")));
    assert_eq!(cluster.rejected(), [""; 0]);
    assert!(cluster.lints().iter().all(|lint| !lint.contains("drops")), "{:?}", cluster.lints());
    cluster.holds(&["web → api:80 is Denied"]);
}

/// docs/semantics/cilium-objects.md#fields-of-a-rule: there is no order, level, priority or tier. The
/// CRD drops what it does not know, at any depth, so the rest counts and the field is told.
#[test]
fn unknown_fields_are_dropped_and_told() {
    let spec = format!("{API}, order: 1, ingress: [{{fromEndpoint: [{{}}]}}]");
    let cluster = cluster(&cnp("p", &spec));
    lint(&cluster, "shop/cnp/p: spec.order is not a field that the CRD knows");
    lint(&cluster, "shop/cnp/p: spec.ingress[0].fromEndpoint is not a field that the CRD knows");
    cluster.holds(&["web → api:80 is Denied"]);
    let clean = super::cluster(&ingress("[{fromEndpoints: [{}]}]"));
    assert_eq!(clean.lints(), [""; 0]);
}

/// docs/semantics/cilium-verdicts.md#host-firewall: nodeSelector rules without the firewall are
/// inert.
#[test]
fn node_policies_are_told() {
    let policy = ccnp("nodes", "nodeSelector: {}, ingress: [{}]");
    let off = cluster(&policy);
    lint(&off, "ccnp/nodes: spec.nodeSelector speaks for nodes and has no effect");
    off.holds(&["web → api:80 is Allowed", "web → node/n1:10250 is Allowed"]);
    let on = with(Cilium { host_firewall: true, ..settings() }, &policy);
    lint(&on, "spec.nodeSelector speaks for nodes, which are not judged here");
}

/// docs/semantics/cilium-objects.md#kinds: only Cilium reads them.
#[test]
fn other_network_plugins_enforce_none_of_them() {
    let policy = format!("{}{}", crate::semantics::BASE, ingress("[{}]"));
    let cluster = enforced(&policy, &Enforcer::Kubernetes);
    lint(&cluster, "shop/cnp/in: kind CiliumNetworkPolicy is NOT ENFORCED");
    cluster.holds(&["web → api:80 is Allowed"]);
}

/// docs/semantics/cilium-objects.md#kinds: every version reads the three kinds.
#[test]
fn every_version() {
    for version in [CiliumVersion::V1_18, CiliumVersion::V1_19, CiliumVersion::V1_20] {
        let cluster = with(Cilium::new(version), &ingress("[{}]"));
        cluster.holds(&["web → api:80 is Denied"]);
    }
}
