//! docs/semantics/cilium-rules.md#entities.

use super::{cluster, egress, holds, holds_with, ingress, settings};
use netpol::cluster::{Family, Port, Protocol};
use netpol::effort::Effort;
use netpol::policy::{Cilium, CiliumVersion};
use netpol::reach::{Connectivity, End};

/// The verdicts on a pod of the namespace, one elsewhere, another node, an address outside and a
/// name, as egress of web sees them.
fn to(entities: &str, expected: [&str; 6]) {
    to_with(settings(), entities, expected);
}

fn to_with(settings: Cilium, entities: &str, expected: [&str; 6]) {
    let questions = [
        "web → api:80",
        "web → other/client:80",
        "web → node/n2:22",
        "web → node/n1:22",
        "web → 203.0.113.7:443",
        "web → https://example.com",
    ];
    let all = questions.iter().zip(expected);
    let lines: Vec<String> = all.map(|(question, is)| format!("{question} is {is}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    holds_with(settings, &egress(&format!("[{{toEntities: {entities}}}]")), &lines);
}

const YES: &str = "Allowed";
const NO: &str = "Denied";
const MAYBE: &str = "Unknown";

/// docs/semantics/cilium-rules.md#entities, all: every identity.
#[test]
fn all() {
    to("[all]", [YES; 6]);
}

/// docs/semantics/cilium-rules.md#entities, none: nothing.
#[test]
fn none() {
    to("[none]", [NO; 6]);
}

/// docs/semantics/cilium-rules.md#entities, world: everything without an identity of the cluster.
#[test]
fn world() {
    to("[world]", [NO, NO, NO, NO, YES, YES]);
}

/// docs/semantics/cilium-rules.md#entities, cluster: nodes and all pods, and the API server wherever
/// it runs, which may be outside (`InitEntities` in Cilium's pkg/policy/api/entity.go, 1.18 to 1.20).
#[test]
fn cluster_is_nodes_and_pods_and_the_api_server() {
    to("[cluster]", [YES, YES, YES, YES, MAYBE, MAYBE]);
    let policy = egress("[{toEntities: [cluster]}]");
    holds(
        &format!("{}{policy}", api_server("192.168.0.1")),
        &["web → 203.0.113.7:443 is Denied", "web → https://example.com is Denied"],
    );
    // A name may be that of an API server outside.
    holds(
        &format!("{}{policy}", api_server("203.0.113.7")),
        &[
            "web → 203.0.113.7:6443 is Allowed",
            "web → 203.0.113.8:6443 is Denied",
            "web → https://example.com is Unknown",
        ],
    );
}

/// docs/semantics/cilium-rules.md#entities, cluster-mesh: from 1.20 on.
#[test]
fn cluster_mesh() {
    to_with(
        Cilium::new(CiliumVersion::V1_20),
        "[cluster-mesh]",
        [YES, YES, YES, YES, MAYBE, MAYBE],
    );
    let older = cluster(&egress("[{toEntities: [cluster-mesh]}]"));
    assert!(older.rejected()[0].contains("\"cluster-mesh\" is not an entity of Cilium 1.19"));
    older.holds(&["web → 203.0.113.7:443 is Allowed"]);
}

/// docs/semantics/cilium-rules.md#entities, host: the local node, and pods on its network.
#[test]
fn host() {
    to("[host]", [NO, NO, YES, NO, NO, NO]);
    let agent = crate::semantics::pod(
        "shop",
        "agent",
        "agent",
        "192.168.0.2",
        "nodeName: n2, hostNetwork: true",
    );
    holds(&format!("{agent}{}", egress("[{toEntities: [host]}]")), &["web → agent:80 is Allowed"]);
}

/// docs/semantics/cilium-rules.md#entities, remote-node: other nodes, and pods on their networks.
#[test]
fn remote_node() {
    to("[remote-node]", [NO, NO, NO, YES, NO, NO]);
    let agent = crate::semantics::pod(
        "shop",
        "agent",
        "agent",
        "192.168.0.1",
        "nodeName: n1, hostNetwork: true",
    );
    holds(
        &format!("{agent}{}", egress("[{toEntities: [remote-node]}]")),
        &["web → agent:80 is Allowed"],
    );
    // Together they are every node, even where it is not known which is one's own.
    to("[host, remote-node]", [NO, NO, YES, YES, NO, NO]);
}

pub(super) fn api_server(address: &str) -> String {
    format!(
        "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {{name: kubernetes, \
         namespace: default, labels: {{kubernetes.io/service-name: kubernetes}}}}\n\
         addressType: IPv4\nports: [{{port: 6443}}]\nendpoints: [{{addresses: [{address}]}}]\n"
    )
}

/// docs/semantics/cilium-rules.md#entities, kube-apiserver: a pod on its node's network has that
/// node's addresses, of which it may not tell all.
#[test]
fn a_pod_on_an_unknown_node_is_perhaps_the_api_server() {
    let agent = crate::semantics::pod("shop", "agent", "agent", "192.168.9.1", "hostNetwork: true");
    let policy = egress("[{toEntities: [kube-apiserver]}]");
    for (address, verdict) in [("192.168.9.1", "Allowed"), ("192.168.9.2", "Unknown")] {
        let manifests = format!("{agent}{}{policy}", api_server(address));
        holds(&manifests, &[&format!("web → agent:80 is {verdict}")]);
    }
}

/// docs/semantics/cilium-rules.md#entities, kube-apiserver: on a node, or outside and managed by
/// others.
#[test]
fn kube_apiserver() {
    to("[kube-apiserver]", [NO, NO, MAYBE, MAYBE, MAYBE, MAYBE]);
    let policy = egress("[{toEntities: [kube-apiserver]}]");
    holds(
        &format!("{}{policy}", api_server("192.168.0.1")),
        &[
            "web → node/n1:6443 is Allowed",
            "web → node/n2:6443 is Denied",
            "web → 203.0.113.7:6443 is Denied",
        ],
    );
    holds(
        &format!("{}{policy}", api_server("203.0.113.7")),
        &[
            "web → 203.0.113.7:6443 is Allowed",
            "web → 203.0.113.8:6443 is Denied",
            "web → node/n1:6443 is Denied",
        ],
    );
}

/// docs/semantics/cilium-rules.md#entities, host and remote-node: an address is a node's only where a
/// Node has it; where no Node was read it may be one's.
#[test]
fn addresses_may_be_nodes_where_none_was_read() {
    let pod = crate::semantics::pod("shop", "web", "web", "10.0.1.11", "nodeName: n2");
    for entities in ["[host]", "[remote-node]", "[host, remote-node]"] {
        let policy = egress(&format!("[{{toEntities: {entities}}}]"));
        let enforcer = netpol::policy::Enforcer::Cilium(settings());
        let bare = crate::semantics::enforced(&format!("{pod}{policy}"), &enforcer);
        bare.holds(&["web → 192.168.0.9:22 is Unknown", "web → https://example.com is Denied"]);
        holds(&policy, &["web → 192.168.0.9:22 is Denied"]);
    }
}

/// docs/semantics/cilium-networkpolicy.md#nodelocal-dns: the address of `NodeLocal` `DNSCache` is one
/// of each pod's own node.
#[test]
fn the_address_for_dns_on_each_node() {
    let question = "web → 169.254.20.10:53/UDP";
    for (list, verdict) in [
        ("toEntities: [host]", "Allowed"),
        ("toEntities: [cluster]", "Allowed"),
        ("toEntities: [remote-node]", "Denied"),
        ("toEntities: [world]", "Denied"),
        ("toCIDR: [169.254.20.10/32]", "Denied"),
        ("toCIDR: [0.0.0.0/0]", "Denied"),
        ("toEndpoints: [{matchLabels: {k8s-app: kube-dns}}]", "Denied"),
        ("toFQDNs: [{matchName: a.b}]", "Denied"),
        ("toEntities: [kube-apiserver]", "Unknown"),
    ] {
        holds(&egress(&format!("[{{{list}}}]")), &[&format!("{question} is {verdict}")]);
    }
    let nodes = Cilium { cidr_matches_nodes: true, ..settings() };
    let policy = egress("[{toCIDR: [169.254.20.10/32]}]");
    holds_with(nodes, &policy, &[&format!("{question} is Allowed")]);
    let told = cluster("").ask(question).notes();
    assert!(told.contains("judged as a pod's own node, as Cilium does"), "{told}");
    // As any address of the own node it gets in by the implied rule of
    // docs/semantics/cilium-verdicts.md#allow-localhost.
    holds(&ingress("[{}]"), &["169.254.20.10 → api:80 is Allowed"]);
}

/// The same of all flows at once, where a rule sets the address apart.
#[test]
fn the_address_for_dns_among_all_flows() {
    let rule = |peers: &str, port: u16| {
        format!("{{{peers}, toPorts: [{{ports: [{{port: \"{port}\"}}]}}]}}")
    };
    let block = rule("toCIDR: [169.254.20.10/32]", 53);
    let (host, world) = (rule("toEntities: [host]", 54), rule("toEntities: [world]", 55));
    let policy = egress(&format!("[{block}, {host}, {world}]"));
    let nodes = Cilium { cidr_matches_nodes: true, ..settings() };
    for (settings, allowed) in [(settings(), [54].as_slice()), (nodes, &[53, 54])] {
        let cluster = super::with(settings, &policy);
        let all =
            Connectivity::compute(&cluster.snapshot, &cluster.rules, Effort::default()).unwrap();
        let web = cluster.snapshot.pods().iter().position(|pod| &*pod.name == "web").unwrap();
        let dns = End::Address("169.254.20.10".parse().unwrap());
        let reach = all.allowed(End::Pod(web), dns, Family::V4);
        for number in [53, 54, 55] {
            let there = allowed.contains(&number);
            let port = Port { protocol: Protocol::Tcp, number };
            assert_eq!(reach.certain.contains(port), there, "{number}");
            let verdict = if there { "Allowed" } else { "Denied" };
            cluster.holds(&[&format!("web → 169.254.20.10:{number} is {verdict}")]);
        }
        assert_eq!(reach.certain, reach.possible);
    }
}

/// docs/semantics/cilium-rules.md#entities, ingress, health, init and unmanaged: none of the ends
/// that are judged here.
#[test]
fn entities_that_are_no_ends_here() {
    for entity in ["ingress", "health", "init", "unmanaged"] {
        to(&format!("[{entity}]"), [NO; 6]);
    }
}

/// The CRD takes no other word.
#[test]
fn other_words_are_refused() {
    let cluster = cluster(&ingress("[{fromEntities: [internet]}]"));
    let text = cluster.ask("web → api:80").text();
    let told = "shop/cnp/in would be refused by the API server and is left out: \
                spec.ingress[0].fromEntities[0] \"internet\" is not an entity";
    assert!(text.contains(told), "{text}");
    cluster.holds(&["web → api:80 is Allowed"]);
}

/// One item that matches is enough, on ingress too.
#[test]
fn several_entities() {
    holds(
        &ingress("[{fromEntities: [world, remote-node]}]"),
        &[
            "203.0.113.7 → api:80 is Allowed",
            "node/n2 → api:80 is Allowed",
            "web → api:80 is Denied",
        ],
    );
}
