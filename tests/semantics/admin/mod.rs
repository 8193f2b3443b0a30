//! docs/semantics/admin.md and docs/semantics/kubernetes.md#tiers for the policies of administrators:
//! ClusterNetworkPolicy, AdminNetworkPolicy and BaselineAdminNetworkPolicy.

mod cilium;
mod closed;
mod egress;
mod ports;
mod reading;
mod tiers;
mod v1alpha1;
mod validation;

use super::{Cluster, cluster};
use netpol::objects::decode_text;
use netpol::policy::{Enforcer, Ruleset};
use std::path::Path;

/// A ClusterNetworkPolicy with this whole spec.
fn cluster_policy(name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: policy.networking.k8s.io/v1alpha2\nkind: ClusterNetworkPolicy\n\
         metadata: {{name: {name}}}\nspec: {{{spec}}}\n"
    )
}

/// One of tier Admin for every pod.
fn admin(priority: u32, rules: &str) -> String {
    let spec = format!("tier: Admin, priority: {priority}, subject: {{namespaces: {{}}}}, {rules}");
    cluster_policy(&format!("admin-{priority}"), &spec)
}

/// One of tier Baseline for every pod.
fn baseline(priority: u32, rules: &str) -> String {
    let spec =
        format!("tier: Baseline, priority: {priority}, subject: {{namespaces: {{}}}}, {rules}");
    cluster_policy(&format!("baseline-{priority}"), &spec)
}

/// The field `ingress` with one rule from these peers.
fn from(action: &str, peers: &str) -> String {
    format!("ingress: [{{action: {action}, from: [{peers}]}}]")
}

/// The field `egress` with one rule to these peers.
fn to(action: &str, peers: &str) -> String {
    format!("egress: [{{action: {action}, to: [{peers}]}}]")
}

/// The field `egress` with one rule to all pods, for these protocols.
fn to_ports(action: &str, protocols: &str) -> String {
    format!("egress: [{{action: {action}, to: [{EVERY_POD}], protocols: [{protocols}]}}]")
}

const EVERY_POD: &str = "{namespaces: {}}";

/// The pods of a namespace, as a peer.
fn namespace(name: &str) -> String {
    format!("{{namespaces: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}}}")
}

/// `agent` in other, on node n1's network.
fn agent() -> String {
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: agent, namespace: other, labels: {app: web}}\n\
     spec: {hostNetwork: true, nodeName: n1}\nstatus: {podIP: 192.168.0.1}\n"
        .to_owned()
}

/// The base with these manifests after it, as someone else enforces them.
fn under(manifests: &str, enforcer: &Enforcer) -> Cluster {
    let text = format!("{}{manifests}", super::BASE);
    let (objects, warnings) = decode_text(text.into(), Path::new("in.yaml"), "shop");
    assert!(warnings.is_empty(), "{warnings:?}");
    let (snapshot, written) = objects.assemble();
    Cluster { rules: Ruleset::compile(&written, &snapshot, enforcer), snapshot }
}

/// Checks that the only fault of the manifests is this one.
fn refused(manifests: &str, object: &str, path: &str, part: &str) {
    let rejected = cluster(manifests).rejected();
    let [fault] = rejected.as_slice() else { panic!("{manifests}: {rejected:?}") };
    let begins = fault.starts_with(&format!("{object}: {path} "));
    assert!(begins && fault.contains(part), "{manifests}: {fault}");
}

/// Checks that the only lint of the manifests is this one.
fn linted(cluster: &Cluster, path: &str, part: &str) {
    assert_eq!(cluster.rejected(), [""; 0]);
    let lints = cluster.lints();
    let [lint] = lints.as_slice() else { panic!("{lints:?}") };
    assert!(lint.contains(&format!(": {path} ")) && lint.contains(part), "{lint}");
}
