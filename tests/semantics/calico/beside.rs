//! Calico: policies of Kubernetes among its own, and staged policies.

use super::super::{BASE, Cluster};
use super::{global, holds, object, policy};
use netpol::policy::{Calico, Enforcer};

/// docs/semantics/calico.md#policies-of-kubernetes and
/// docs/semantics/calico.md#policies-of-administrators: all in one order.
#[test]
fn policies_of_kubernetes_stand_among_them() {
    let kubernetes = super::super::ingress("[{from: [{podSelector: {matchLabels: {app: web}}}]}]");
    let rule = |order: &str, action: &str| {
        policy("c", &format!("selector: app == 'api', {order} ingress: [{{action: {action}}}]"))
    };
    let admin = |tier: &str, action: &str| {
        format!(
            "---\napiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n\
             metadata: {{name: c}}\nspec: {{tier: {tier}, priority: 5, subject: {{namespaces: {{}}}}, \
             ingress: [{{action: {action}, from: [{{namespaces: {{}}}}]}}]}}\n"
        )
    };
    for (others, web, client) in [
        (String::new(), "Allowed", "Denied"),
        (rule("order: 999,", "Deny"), "Denied", "Denied"),
        (rule("order: 999,", "Allow"), "Allowed", "Allowed"),
        (rule("order: 1001,", "Deny"), "Allowed", "Denied"),
        (rule("order: 1001,", "Allow"), "Allowed", "Allowed"),
        (rule("", "Pass"), "Allowed", "Allowed"),
        (admin("Admin", "Deny"), "Denied", "Denied"),
        (admin("Admin", "Accept"), "Allowed", "Allowed"),
        (admin("Baseline", "Accept"), "Allowed", "Denied"),
        (rule("", "Pass") + &admin("Baseline", "Deny"), "Allowed", "Denied"),
    ] {
        holds(
            &format!("{kubernetes}{others}"),
            &[&format!("web → api:80 is {web}"), &format!("other/client → api:80 is {client}")],
        );
    }
}

/// docs/semantics/calico.md#staged-policies.
#[test]
fn staged_policies_change_nothing() {
    let staged = |kind: &str| object(kind, "s", "stagedAction: Set, ingress: [{action: Deny}]");
    let all = staged("StagedNetworkPolicy")
        + &staged("StagedGlobalNetworkPolicy")
        + &staged("StagedKubernetesNetworkPolicy");
    holds(&all, &["web → api:80 is Allowed"]);
}

/// The base with these manifests after it, under Calico, with what is staged in force.
fn with_staged(manifests: &str) -> Cluster {
    super::super::with_staged(&format!("{BASE}{manifests}"), &Enforcer::Calico(Calico::default()))
}

/// docs/semantics/calico.md#staged-policies: what is staged takes the place of what it stands for, or
/// takes it away.
#[test]
fn staged_policies_as_if_they_were_in_force() {
    let deny = "selector: app == 'api', ingress: [{action: Deny}]";
    let allow = "selector: app == 'api', ingress: [{action: Allow}]";
    let staged = |name: &str, spec: &str| object("StagedNetworkPolicy", name, spec);
    let kubernetes = |spec: &str| object("StagedKubernetesNetworkPolicy", "in", spec);
    let all = |name: &str, spec: &str| object("StagedGlobalNetworkPolicy", name, spec);
    let in_kubernetes = super::super::ingress("[{from: [{podSelector: {}}]}]");
    for (manifests, verdict) in [
        (staged("s", deny), "Denied"),
        (staged("s", &format!("stagedAction: Set, {deny}")), "Denied"),
        // It replaces the policy of its name, and stands by its order among the others.
        (policy("p", deny) + &staged("p", allow), "Allowed"),
        (policy("p", &format!("order: 5, {allow}")) + &staged("s", deny), "Allowed"),
        (policy("p", deny) + &staged("p", "stagedAction: Delete"), "Allowed"),
        (policy("p", deny) + &staged("other", "stagedAction: Delete"), "Denied"),
        (global("p", deny) + &staged("p", "stagedAction: Delete"), "Denied"),
        (global("p", deny) + &all("p", "stagedAction: Delete"), "Allowed"),
        (all("p", deny), "Denied"),
        (in_kubernetes.clone() + &kubernetes("stagedAction: Delete"), "Allowed"),
        (in_kubernetes + &kubernetes("podSelector: {}, policyTypes: [Ingress]"), "Denied"),
        // What is only recommended is not staged.
        (staged("s", &format!("stagedAction: Learn, {deny}")), "Allowed"),
        // It may do anything once it is in force.
        (staged("s", "ingress: [{action: Allow, newer: 1}]"), "Unknown"),
    ] {
        let cluster = with_staged(&manifests);
        cluster.holds(&[&format!("web → api:80 is {verdict}")]);
    }
    let stored =
        policy("default.p", deny).replace("projectcalico.org/v3", "crd.projectcalico.org/v1");
    with_staged(&(stored + &staged("p", "stagedAction: Delete")))
        .holds(&["web → api:80 is Allowed"]);
    for (spec, told) in [
        ("stagedAction: Delete", "removes shop/caliconetworkpolicy/s, which is not among"),
        ("stagedAction: Learn", "\"Learn\" puts nothing in force"),
    ] {
        let lints = with_staged(&staged("s", spec)).lints();
        assert!(lints.iter().any(|lint| lint.contains(told)), "{spec}: {lints:?}");
    }
}
