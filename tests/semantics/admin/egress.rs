//! docs/semantics/admin.md#networks, docs/semantics/admin.md#nodes and
//! docs/semantics/admin.md#domain-names: what only egress can name.

use super::{admin, agent, baseline, cluster, linted, to};
use crate::semantics::{egress, holds, peer_miss, pod};
use netpol::verdict::{PeerMiss, Reason, UnknownWhy};

/// docs/semantics/admin.md#networks: containment of the destination's address: pods, nodes,
/// everything.
#[test]
fn networks_match_whoever_has_the_address() {
    let deny = |network: &str| admin(1, &to("Deny", &format!("{{networks: [{network}]}}")));
    holds(
        &(agent() + &deny("0.0.0.0/0")),
        &[
            "web → api:80 is Denied",
            "web → node/n1:80 is Denied",
            "web → other/agent:80 is Denied",
            "web → 203.0.113.7:80 is Denied",
        ],
    );
    holds(&deny("10.0.1.10/32"), &["web → api:80 is Denied", "web → other/client:80 is Allowed"]);
    holds(&deny("192.168.0.1/32"), &["web → node/n1:80 is Denied", "web → node/n2:80 is Allowed"]);
    holds(
        &deny("10.0.1.10/32, 203.0.113.0/24"),
        &[
            "web → api:80 is Denied",
            "web → 203.0.113.7:80 is Denied",
            "web → 198.51.100.1:1 is Allowed",
        ],
    );
}

/// docs/semantics/admin.md#networks: per family.
#[test]
fn networks_are_of_one_family() {
    let six = pod("shop", "six", "six", "2001:db8:1::1", "");
    let deny =
        |network: &str| six.clone() + &admin(1, &to("Deny", &format!("{{networks: [{network}]}}")));
    let lines = |six: &str, four: &str| {
        [format!("six → [2001:db8::7]:80 is {six}"), format!("web → 203.0.113.7:80 is {four}")]
    };
    for (network, [six, four]) in [
        ("\"2001:db8::/32\"", lines("Denied", "Allowed")),
        ("\"::/0\"", lines("Denied", "Allowed")),
        ("0.0.0.0/0", lines("Allowed", "Denied")),
    ] {
        holds(&deny(network), &[&six, &four]);
    }
}

/// docs/semantics/kubernetes.md#pods-without-an-address: networks are not known.
#[test]
fn networks_and_pods_without_an_address() {
    let waiting = "---\n{apiVersion: v1, kind: Pod, metadata: {name: waiting, namespace: shop}}\n";
    let deny = admin(1, &to("Deny", "{networks: [10.0.9.0/24]}"));
    holds(&(waiting.to_owned() + &deny), &["web → waiting:80 is Unknown"]);
    let cluster = cluster(&(waiting.to_owned() + &deny)).pod_cidrs(&["10.0.1.0/24"]);
    cluster.holds(&["web → waiting:80 is Allowed"]);
}

/// The nodes with labels.
fn labelled() -> String {
    let node = |name: &str, ip: &str, pool: &str| {
        format!(
            "---\n{{apiVersion: v1, kind: Node, metadata: {{name: {name}, labels: {{pool: {pool}}}}}, \
             status: {{addresses: [{{type: InternalIP, address: {ip}}}]}}}}\n"
        )
    };
    node("n3", "192.168.0.3", "edge") + &node("n4", "192.168.0.4", "core")
}

/// docs/semantics/admin.md#nodes: an address of a selected node; {} is all of them.
#[test]
fn nodes_by_labels() {
    let deny = |selector: &str| admin(1, &to("Deny", &format!("{{nodes: {selector}}}")));
    holds(
        &(labelled() + &deny("{matchLabels: {pool: edge}}")),
        &[
            "web → node/n3:80 is Denied",
            "web → 192.168.0.3:80 is Denied",
            "web → node/n4:80 is Allowed",
            "web → 203.0.113.7:80 is Allowed",
        ],
    );
    holds(&deny("{}"), &["web → node/n1:80 is Denied", "web → node/n2:80 is Denied"]);
}

/// docs/semantics/admin.md#nodes: not the pods that run on the node, but those on its network.
#[test]
fn nodes_are_not_the_pods_on_them() {
    let cluster = cluster(&(agent() + &admin(1, &to("Deny", "{nodes: {}}"))));
    cluster.holds(&["web → api:80 is Allowed", "web → other/agent:80 is Denied"]);
    let answer = cluster.ask("web → api:80");
    assert_eq!(answer.egress().reason, Reason::NotIsolated);
}

/// docs/semantics/admin.md#nodes: without any Node read, an address may be one's.
#[test]
fn nodes_that_are_not_known() {
    let manifests =
        pod("shop", "web", "web", "10.0.1.11", "") + &admin(1, &to("Deny", "{nodes: {}}"));
    let cluster = crate::semantics::bare(&manifests);
    cluster.holds(&["web → 192.168.0.1:80 is Unknown"]);
}

fn names(action: &str, names: &str) -> String {
    to(action, &format!("{{domainNames: [{names}]}}"))
}

/// What accepts names comes before what denies the world.
fn only_names(list: &str) -> String {
    admin(1, &names("Accept", list)) + &admin(2, &to("Deny", "{networks: [0.0.0.0/0, \"::/0\"]}"))
}

/// docs/semantics/admin.md#domain-names: by name it is decided; `*.` is one or more whole labels.
#[test]
fn names_decide_names() {
    holds(
        &only_names("k8s.io, \"*.example.com\""),
        &[
            "web → https://k8s.io is Allowed",
            "web → https://docs.k8s.io is Denied",
            "web → https://a.example.com is Allowed",
            "web → https://a.b.example.com is Allowed",
            "web → https://example.com is Denied",
            "web → https://badexample.com is Denied",
        ],
    );
}

/// docs/semantics/admin.md#domain-names: by a bare address the answer is not known.
#[test]
fn names_do_not_decide_addresses() {
    let cluster = cluster(&only_names("k8s.io"));
    cluster.holds(&["web → 203.0.113.7:443 is Unknown"]);
    let answer = cluster.ask("web → 203.0.113.7:443");
    assert_eq!(answer.egress().reason, Reason::Unknown(UnknownWhy::Rules));
    let entry = &answer.egress().policies[0].entries[0];
    assert!(matches!(entry.peer_miss, Some(PeerMiss::PerhapsNamed(_))), "{entry:?}");
    // Where it is let through anyway there is nothing to know.
    holds(&admin(1, &names("Accept", "k8s.io")), &["web → 203.0.113.7:443 is Allowed"]);
}

/// docs/semantics/admin.md#domain-names: grants no access to DNS itself, nor to pods.
#[test]
fn names_grant_nothing_else() {
    holds(
        &only_names("k8s.io"),
        &["web → api:5353/UDP is Denied", "web → node/n1:53/UDP is Denied"],
    );
}

/// docs/semantics/admin.md#domain-names: records of headless Services and of pods work.
#[test]
fn names_of_the_cluster_are_perhaps_pods() {
    let cluster = cluster(&only_names("\"*.shop.svc.cluster.local\""));
    cluster.holds(&["web → api:80 is Unknown", "web → other/client:80 is Denied"]);
    let answer = cluster.ask("web → api:80");
    let PeerMiss::Unseen(why) = peer_miss(answer.egress()) else { panic!("{}", answer.text()) };
    assert!(why.contains("*.shop.svc.cluster.local"), "{why}");
}

/// docs/semantics/admin.md#domain-names: tier Baseline takes them too.
#[test]
fn names_in_baseline() {
    let policies = baseline(1, &names("Accept", "k8s.io"))
        + &baseline(2, &to("Deny", "{networks: [0.0.0.0/0, \"::/0\"]}"));
    holds(&policies, &["web → https://k8s.io is Allowed", "web → https://example.com is Denied"]);
    let shut = policies + &egress("[]");
    holds(&shut, &["web → https://k8s.io is Denied"]);
}

/// docs/semantics/admin.md#domain-names: Accept only by the text, which no CRD enforces.
#[test]
fn names_in_other_rules_are_not_known() {
    for action in ["Deny", "Pass"] {
        let cluster = cluster(
            &(admin(1, &names(action, "k8s.io"))
                + &admin(2, &to("Accept", "{networks: [0.0.0.0/0, \"::/0\"]}"))),
        );
        linted(&cluster, "spec.egress[0].to[0].domainNames", "is for rules that accept");
        let expected = if action == "Deny" { "Unknown" } else { "Allowed" };
        cluster.holds(&[&format!("web → https://k8s.io is {expected}"), "web → api:80 is Allowed"]);
    }
}
