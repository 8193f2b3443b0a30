//! docs/semantics/admin.md#admin-v1alpha1: AdminNetworkPolicy and BaselineAdminNetworkPolicy.

use super::{EVERY_POD, admin, baseline, cluster, from, linted, namespace, refused, to};
use crate::semantics::{holds, ingress};

fn anp(name: &str, priority: u32, rules: &str) -> String {
    format!(
        "---\napiVersion: policy.networking.k8s.io/v1alpha1\nkind: AdminNetworkPolicy\n\
         metadata: {{name: {name}}}\nspec: {{priority: {priority}, subject: {{namespaces: {{}}}}, {rules}}}\n"
    )
}

fn banp(name: &str, rules: &str) -> String {
    format!(
        "---\napiVersion: policy.networking.k8s.io/v1alpha1\nkind: BaselineAdminNetworkPolicy\n\
         metadata: {{name: {name}}}\nspec: {{subject: {{namespaces: {{}}}}, {rules}}}\n"
    )
}

/// An egress rule to every pod for these ports.
fn for_ports(action: &str, ports: &str) -> String {
    format!("egress: [{{action: {action}, to: [{EVERY_POD}], ports: [{ports}]}}]")
}

/// docs/semantics/admin.md#admin-v1alpha1: ANP = Admin, BANP = Baseline.
#[test]
fn tiers_of_v1alpha1() {
    let policies = anp("a", 10, &from("Allow", &namespace("shop")))
        + &anp("b", 20, &from("Pass", &namespace("other")))
        + &banp("default", &from("Deny", EVERY_POD));
    holds(&policies, &["web → api:80 is Allowed", "other/client → api:80 is Denied"]);
    holds(
        &(policies + &ingress("[{}]")),
        &["other/client → api:80 is Allowed", "other/client → web:80 is Denied"],
    );
}

/// docs/semantics/admin.md#ports-of-v1alpha1: portNumber, portRange, namedPort; TCP unless said; ends
/// of a range are inclusive.
#[test]
fn ports_of_v1alpha1() {
    for (ports, lines) in [
        ("{portNumber: {port: 80}}", ["80 is Denied", "80/UDP is Allowed", "81 is Allowed"]),
        (
            "{portNumber: {protocol: UDP, port: 80}}",
            ["80/UDP is Denied", "80 is Allowed", "80/SCTP is Allowed"],
        ),
        ("{portRange: {start: 80, end: 82}}", ["80 is Denied", "82 is Denied", "83 is Allowed"]),
        (
            "{portRange: {protocol: SCTP, start: 80, end: 80}}",
            ["80/SCTP is Denied", "80 is Allowed", "81/SCTP is Allowed"],
        ),
        ("{namedPort: dns}", ["5353/UDP is Denied", "5353 is Allowed", "8080 is Allowed"]),
    ] {
        let lines = lines.map(|line| format!("web → api:{line}"));
        let lines = lines.each_ref().map(String::as_str);
        holds(&anp("a", 1, &for_ports("Deny", ports)), &lines);
        holds(&banp("default", &for_ports("Deny", ports)), &lines);
    }
}

/// docs/semantics/admin.md#ports-of-v1alpha1: start < end is text only: the CRD takes it, and it
/// means nothing.
#[test]
fn a_range_that_is_turned_round() {
    let cluster = cluster(&anp("a", 1, &for_ports("Deny", "{portRange: {start: 90, end: 80}}")));
    cluster.holds(&["web → api:85 is Allowed"]);
    linted(&cluster, "spec.egress[0].ports[0].portRange", "so it means no port");
}

/// docs/semantics/admin.md#admin-v1alpha1: networks, nodes, domainNames; the last in
/// AdminNetworkPolicy only.
#[test]
fn peers_of_v1alpha1() {
    let outside = "{networks: [0.0.0.0/0]}";
    for peer in ["{networks: [192.168.0.1/32]}", "{nodes: {}}"] {
        for policy in [anp("a", 1, &to("Deny", peer)), banp("default", &to("Deny", peer))] {
            holds(&policy, &["web → node/n1:80 is Denied", "web → api:80 is Allowed"]);
        }
    }
    let name = to("Allow", "{domainNames: [k8s.io]}");
    holds(
        &(anp("a", 1, &name) + &anp("b", 2, &to("Deny", outside))),
        &["web → https://k8s.io is Allowed", "web → https://example.com is Denied"],
    );
    let cluster = cluster(&banp("default", &name));
    linted(&cluster, "spec.egress[0].to[0].domainNames", "lets nothing through");
}

/// docs/semantics/admin.md#older-forms-of-v1alpha1: forms up to v0.1.1 are read with a warning.
#[test]
fn older_peers_are_read() {
    let blue = "{matchLabels: {team: blue}}";
    for (peer, path) in [
        (
            format!("{{namespaces: {{namespaceSelector: {blue}}}}}"),
            "spec.ingress[0].from[0].namespaces.namespaceSelector",
        ),
        (
            format!("{{pods: {{namespaces: {{namespaceSelector: {blue}}}, podSelector: {{}}}}}}"),
            "spec.ingress[0].from[0].pods.namespaces.namespaceSelector",
        ),
    ] {
        let cluster = cluster(&anp("a", 1, &from("Deny", &peer)));
        cluster.holds(&["other/client → api:80 is Denied", "web → api:80 is Allowed"]);
        linted(&cluster, path, "v0.1.1");
        // The newer kind never had them.
        let newer = admin(1, &from("Deny", &peer));
        assert_eq!(super::cluster(&newer).rejected().len(), 1, "{peer}");
    }
}

/// docs/semantics/admin.md#older-forms-of-v1alpha1: sameLabels and notSameLabels are refused.
#[test]
fn relative_peers_are_refused() {
    for field in ["sameLabels", "notSameLabels"] {
        let peer = format!("{{namespaces: {{{field}: [team]}}}}");
        let path = format!("spec.ingress[0].from[0].namespaces.{field}");
        refused(&anp("a", 1, &from("Deny", &peer)), "anp/a", &path, "removed in v0.1.7");
        let peer = format!("{{pods: {{namespaces: {{{field}: [team]}}, podSelector: {{}}}}}}");
        let path = format!("spec.ingress[0].from[0].pods.namespaces.{field}");
        refused(&anp("a", 1, &from("Deny", &peer)), "anp/a", &path, "removed in v0.1.7");
    }
}

/// docs/semantics/admin.md#admin-v1alpha1: the BANP is a singleton without a priority, and cannot
/// pass.
#[test]
fn the_baseline_is_one() {
    refused(&banp("mine", &from("Deny", EVERY_POD)), "banp/mine", "metadata.name", "default");
    let pass = banp("default", &from("Pass", EVERY_POD));
    refused(&pass, "banp/default", "spec.ingress[0].action", "is not Allow or Deny");
    let first = banp("default", &format!("priority: 1, {}", from("Deny", EVERY_POD)));
    refused(&first, "banp/default", "spec.priority", "ClusterNetworkPolicy");
}

/// docs/semantics/admin.md#admin-v1alpha1: both selectors of pods are required.
#[test]
fn pods_need_both_selectors() {
    let peer = "{pods: {podSelector: {}}}";
    let path = "spec.ingress[0].from[0].pods.namespaceSelector";
    refused(&anp("a", 1, &from("Deny", peer)), "anp/a", path, "is missing");
    holds(&admin(1, &from("Deny", peer)), &["web → api:80 is Denied"]);
}

/// docs/semantics/admin.md#migration: what one version calls otherwise is named.
#[test]
fn the_versions_words_are_told_apart() {
    let accept = anp("a", 1, &from("Accept", EVERY_POD));
    refused(&accept, "anp/a", "spec.ingress[0].action", "\"Accept\" is not Allow, Deny or Pass");
    let object = "clusternetworkpolicy/admin-1";
    let allow = admin(1, &from("Allow", EVERY_POD));
    refused(&allow, object, "spec.ingress[0].action", "\"Allow\" is not Accept, Deny or Pass");
    let ports = admin(1, &for_ports("Deny", "{portNumber: {port: 80}}"));
    refused(&ports, object, "spec.egress[0].ports", "write protocols");
    let tier = anp("a", 1, &format!("tier: Admin, {}", from("Deny", EVERY_POD)));
    refused(&tier, "anp/a", "spec.tier", "ClusterNetworkPolicy");
}

/// docs/semantics/admin.md#ports-of-v1alpha1: any word is a protocol to the API; one that is not
/// known closes the rule.
#[test]
fn unknown_protocols_of_v1alpha1_close() {
    let ports = "{portNumber: {protocol: ICMP, port: 8}}";
    let cluster = cluster(&anp("a", 1, &for_ports("Deny", ports)));
    cluster.holds(&["web → api:80 is Denied", "web → 203.0.113.7:80 is Denied"]);
    linted(&cluster, "spec.egress[0].ports[0].portNumber.protocol", "denies everything");
}

/// docs/semantics/admin.md#both-versions: both versions in one cluster: undefined; merged by
/// priority, with a warning.
#[test]
fn both_versions_together() {
    let policies = anp("a", 1, &from("Allow", &namespace("shop")))
        + &admin(2, &from("Deny", EVERY_POD))
        + &banp("default", &to("Deny", EVERY_POD))
        + &baseline(9, &to("Accept", &namespace("other")));
    let cluster = cluster(&policies);
    cluster.holds(&["web → api:80 is Denied", "web → other/client:80 is Allowed"]);
    assert_eq!(cluster.ask("web → api:80").reasons().1, netpol::verdict::Reason::Admitted);
    let lints = cluster.lints();
    assert_eq!(lints.len(), 2, "{lints:?}");
    assert!(lints[0].starts_with("anp/a: apiVersion v1alpha1 beside"), "{lints:?}");
    assert!(lints[1].starts_with("banp/default: apiVersion v1alpha1 beside"), "{lints:?}");
}
