//! Verdicts beside those of the engines that enforce policies, on random clusters as they are written.
//!
//! A cluster goes through the reader and the lowering from its text, and to the engine as objects; both
//! say which policies are refused, and what becomes of each direction of each flow. A difference is cut
//! down before it is told, and written to the directory that `NETPOL_ORACLE_CASES` names.
//! docs/oracles.md is the guide.

mod compare;
mod deviations;
mod tables;

pub(crate) use compare::{Read, end, ours_of, read, readable, text};

use crate::harness::{Oracle, cilium_oracle, kube_network_policies_oracle};
use crate::random::{
    Generator, hold_where, with_admin_network_policies, with_administrators, with_cilium,
    with_cluster_network_policies, with_network_policies,
};
use compare::{Tally, Under, asked};
use netpol::policy::CiliumVersion;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;

thread_local! {
    /// The engine that this test asks, and how it goes.
    static BESIDE: RefCell<Option<Beside>> = const { RefCell::new(None) };
}

/// Clusters of a dialect under an older version, unless it is said how many.
const OLDER: u64 = 60;

struct Beside {
    under: Under,
    oracle: Oracle,
    tally: Tally,
    /// Questions with their answers, for a table.
    kept: Vec<Value>,
}

/// What differs between the engine's answer and ours, if anything does.
fn beside(cluster: &[Value], seed: u64) -> Option<String> {
    BESIDE.with_borrow_mut(|beside| {
        let Beside { under, oracle, tally, kept } = beside.as_mut().expect("an engine");
        let (differs, question) = asked(under, oracle, tally, cluster, seed);
        if tables::are_written() {
            kept.push(question);
        }
        differs
    })
}

/// Whether all of it is what an API server takes, as far as the engine does not say that.
fn valid(cluster: &[Value]) -> bool {
    let whole = |object: &Value| {
        let cilium = object["kind"] == "CiliumNetworkPolicy";
        !cilium || object["metadata"]["namespace"].is_string()
    };
    // Where no Node is written any address may be one's.
    let has_node = cluster.iter().any(|object| object["kind"] == "Node");
    // An engine knows where the API server is, in either family.
    let server = |object: &&Value| {
        object["kind"] == "EndpointSlice"
            && object["metadata"]["namespace"] == "default"
            && object["metadata"]["labels"]["kubernetes.io/service-name"] == "kubernetes"
            && object["endpoints"][0]["addresses"][0].is_string()
    };
    let has_server = cluster.iter().filter(server).count() == 2;
    // An engine knows where a pod is and what its addresses are.
    let placed = |object: &Value| {
        let pod = object["kind"] == "Pod";
        !pod || (object["spec"]["nodeName"].is_string() && object["status"]["podIPs"].is_array())
    };
    // What is in a namespace is in one that exists.
    let spaces: BTreeSet<&str> = cluster
        .iter()
        .filter(|object| object["kind"] == "Namespace")
        .filter_map(|object| object["metadata"]["name"].as_str())
        .collect();
    let housed = |object: &Value| {
        let of = object["metadata"]["namespace"].as_str();
        of.is_none_or(|name| name == "default" || spaces.contains(name))
    };
    // And which addresses a node has.
    let found = |object: &Value| {
        object["kind"] != "Node" || object["status"]["addresses"][0]["address"].is_string()
    };
    let fits = |object: &Value| whole(object) && placed(object) && found(object) && housed(object);
    has_node && has_server && cluster.iter().all(fits) && readable(cluster)
}

/// Holds our answers to an engine's on so many clusters.
#[allow(clippy::print_stdout, reason = "cargo shows it when a test is run with --nocapture")]
fn hold(name: &str, under: Under, oracle: Oracle, clusters: u64, generate: Generator) {
    let (tally, kept) = (Tally::default(), Vec::new());
    BESIDE.with_borrow_mut(|beside| *beside = Some(Beside { under, oracle, tally, kept }));
    let shrunk =
        |cluster: &[Value], complaint: &str, seed: u64| keep(name, cluster, complaint, seed);
    let clusters = hold_where(clusters, generate, valid, beside, &shrunk);
    let Beside { tally, kept, .. } = BESIDE.with_borrow_mut(Option::take).expect("an engine");
    tables::write(name, &kept);
    assert_eq!(tally.error, None, "{name}");
    assert_eq!(u64::try_from(tally.clusters), Ok(clusters), "{name}: some were not compared");
    println!("{name}: {tally}");
}

/// Writes down a difference as a case: the question as a comment, and the manifests.
fn keep(name: &str, cluster: &[Value], complaint: &str, seed: u64) {
    let Some(directory) = std::env::var_os("NETPOL_ORACLE_CASES").filter(|it| !it.is_empty())
    else {
        return;
    };
    let directory = crate::harness::root().join(directory);
    fs::create_dir_all(&directory).expect("a directory");
    let mut text = String::new();
    for line in complaint.lines() {
        text.extend(["# ", line, "\n"]);
    }
    text.push_str(&compare::text(cluster));
    fs::write(directory.join(format!("{name}-{seed}.yaml")), text).expect("a file");
}

/// Holds a dialect to a version of Cilium.
fn hold_to_cilium(version: CiliumVersion, dialect: &str, clusters: u64, generate: Generator) {
    let Ok(oracle) = cilium_oracle(version) else { return };
    let name = match version {
        CiliumVersion::V1_20 => format!("cilium{dialect}"),
        older => format!("cilium-{older}{dialect}"),
    };
    hold(&name, Under::cilium(version), oracle, clusters, generate);
}

/// docs/oracles.md: NetworkPolicies as Cilium 1.20 takes them.
#[test]
fn network_policies_are_judged_as_cilium_does() {
    hold_to_cilium(CiliumVersion::V1_20, "-networkpolicy", 200, with_network_policies);
}

/// docs/oracles.md: CiliumNetworkPolicies, CiliumClusterwideNetworkPolicies and CIDR groups.
#[test]
fn policies_of_cilium_are_judged_as_cilium_does() {
    hold_to_cilium(CiliumVersion::V1_20, "", 200, with_cilium);
}

/// docs/oracles.md: ClusterNetworkPolicies as Cilium 1.20 takes them.
#[test]
fn cluster_network_policies_are_judged_as_cilium_does() {
    hold_to_cilium(
        CiliumVersion::V1_20,
        "-clusternetworkpolicy",
        200,
        with_cluster_network_policies,
    );
}

/// docs/oracles.md: NetworkPolicies as Cilium 1.19 takes them.
#[test]
fn network_policies_are_judged_as_cilium_1_19_does() {
    hold_to_cilium(CiliumVersion::V1_19, "-networkpolicy", OLDER, with_network_policies);
}

/// docs/oracles.md: policies of Cilium as 1.19 takes them.
#[test]
fn policies_of_cilium_are_judged_as_cilium_1_19_does() {
    hold_to_cilium(CiliumVersion::V1_19, "", OLDER, with_cilium);
}

/// docs/oracles.md: NetworkPolicies as Cilium 1.18 takes them.
#[test]
fn network_policies_are_judged_as_cilium_1_18_does() {
    hold_to_cilium(CiliumVersion::V1_18, "-networkpolicy", OLDER, with_network_policies);
}

/// docs/oracles.md: policies of Cilium as 1.18 takes them.
#[test]
fn policies_of_cilium_are_judged_as_cilium_1_18_does() {
    hold_to_cilium(CiliumVersion::V1_18, "", OLDER, with_cilium);
}

/// docs/oracles.md: NetworkPolicies as kube-network-policies takes them.
#[test]
fn network_policies_are_judged_as_kube_network_policies_does() {
    let Ok(oracle) = kube_network_policies_oracle() else { return };
    let under = Under::kube_network_policies();
    hold("kube-network-policies", under, oracle, 200, with_network_policies);
}

/// docs/oracles.md: policies of administrators of v1alpha1.
#[test]
fn admin_network_policies_are_judged_as_kube_network_policies_does() {
    let Ok(oracle) = kube_network_policies_oracle() else { return };
    let under = Under::kube_network_policies();
    hold("kube-network-policies-admin", under, oracle, 200, with_admin_network_policies);
}

/// docs/oracles.md: ClusterNetworkPolicies, which the program translates to v1alpha1.
#[test]
fn cluster_network_policies_are_judged_as_kube_network_policies_does() {
    let Ok(oracle) = kube_network_policies_oracle() else { return };
    let under = Under::kube_network_policies();
    let name = "kube-network-policies-clusternetworkpolicy";
    hold(name, under, oracle, 200, with_administrators);
}
