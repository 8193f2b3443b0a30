//! docs/semantics/kubernetes.md#exemptions, for NetworkPolicy.

use super::{Cluster, cluster, egress, holds, ingress, peer_miss, pod, policy};
use netpol::verdict::{PeerMiss, Reason, UnknownWhy};

/// Everything in shop is isolated both ways, and nothing admitted.
fn closed() -> String {
    policy("closed", "podSelector: {}, policyTypes: [Ingress, Egress]")
}

/// `agent` in other, on node n1's network.
fn agent() -> String {
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: agent, namespace: other, labels: {app: web}}\n\
     spec: {hostNetwork: true, nodeName: n1}\nstatus: {podIP: 192.168.0.1}\n"
        .to_owned()
}

fn reasons(cluster: &Cluster, question: &str) -> (Reason, Reason) {
    cluster.ask(question).reasons()
}

/// docs/semantics/kubernetes.md#own-address: pod → own pod IP: always allowed.
#[test]
fn a_pod_reaches_itself() {
    let cluster = cluster(&closed());
    cluster.holds(&["api → api:80 is Allowed", "api → 10.0.1.10:80 is Allowed"]);
    assert_eq!(reasons(&cluster, "api → api:80"), (Reason::SamePod, Reason::SamePod));
}

/// docs/semantics/kubernetes.md#own-address-through-a-service: pod → Service → same pod: undefined,
/// CNIs differ.
#[test]
fn a_pod_through_a_service_to_itself_is_not_known() {
    let service = "---\n{apiVersion: v1, kind: Service, metadata: {name: api, namespace: shop}, \
                   spec: {selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}}\n";
    let cluster = cluster(&(service.to_owned() + &closed()));
    let answer = cluster.ask("api → svc/api:80");
    assert_eq!(answer.verdict(), "Unknown");
    let why = Reason::Unknown(UnknownWhy::SelfThroughService);
    assert_eq!(answer.reasons(), (why, why));
    assert!(answer.text().contains("network plugin"), "{}", answer.text());
    // Where rules admit it, there is nothing to differ about.
    holds(
        &(service.to_owned()
            + &policy("own", "podSelector: {}, ingress: [{from: [{podSelector: {}}]}]")),
        &["api → svc/api:80 is Allowed"],
    );
}

/// docs/semantics/kubernetes.md#own-node-to-pod: resident node → pod: always allowed.
#[test]
fn a_node_reaches_its_pods() {
    let cluster = cluster(&closed());
    cluster.holds(&["node/n1 → api:80 is Allowed", "192.168.0.1 → api:80 is Allowed"]);
    assert_eq!(reasons(&cluster, "node/n1 → api:80"), (Reason::Node, Reason::OwnNode));
}

/// docs/semantics/kubernetes.md#pod-to-own-node: pod → own node: the overview and the isolation text
/// disagree.
#[test]
fn a_pod_to_its_own_node_is_not_known_unless_admitted() {
    let cluster = cluster(&closed());
    let answer = cluster.ask("web → node/n2:10250");
    assert_eq!(
        (answer.verdict(), answer.egress().reason),
        ("Unknown", Reason::Unknown(UnknownWhy::ToOwnNode))
    );
    holds(
        &egress("[{to: [{ipBlock: {cidr: 192.168.0.0/16}}]}]"),
        &["web → node/n2:10250 is Allowed"],
    );
}

/// docs/semantics/kubernetes.md#other-nodes: a pod to another node is judged by address.
#[test]
fn a_pod_to_another_node_is_judged_by_address() {
    holds(&closed(), &["web → node/n1:10250 is Denied"]);
    holds(
        &egress("[{to: [{ipBlock: {cidr: 192.168.0.1/32}}]}]"),
        &["web → node/n1:10250 is Allowed"],
    );
    holds(&egress("[{to: [{namespaceSelector: {}}]}]"), &["web → node/n1:10250 is Denied"]);
}

/// docs/semantics/kubernetes.md#other-nodes: other node → pod: source is an IP: ipBlock only.
#[test]
fn another_node_is_an_address() {
    holds(&closed(), &["node/n2 → api:80 is Denied"]);
    holds(&ingress("[{from: [{namespaceSelector: {}}]}]"), &["node/n2 → api:80 is Denied"]);
    holds(
        &ingress("[{from: [{ipBlock: {cidr: 192.168.0.2/32}}]}]"),
        &["node/n2 → api:80 is Allowed", "203.0.113.7 → api:80 is Denied"],
    );
}

/// docs/semantics/kubernetes.md#host-network: hostNetwork pod as subject: ignored; policies do not
/// select it.
#[test]
fn a_host_network_pod_is_not_isolated() {
    let shop_agent = agent().replace("namespace: other", "namespace: shop");
    let cluster = cluster(&(shop_agent + &closed()));
    cluster.holds(&["203.0.113.7 → agent:80 is Allowed", "agent → 203.0.113.7:80 is Allowed"]);
    assert_eq!(reasons(&cluster, "203.0.113.7 → agent:80"), (Reason::Outside, Reason::HostNetwork));
    assert_eq!(reasons(&cluster, "agent → 203.0.113.7:80"), (Reason::HostNetwork, Reason::Outside));
}

/// docs/semantics/kubernetes.md#host-network: hostNetwork pod in a peer selector: treated as its
/// node's address.
#[test]
fn a_host_network_pod_is_no_peer_by_labels() {
    let on_n2 = agent().replace("n1", "n2").replace("192.168.0.1", "192.168.0.2");
    let labels =
        ingress("[{from: [{namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}]}]");
    let cluster = cluster(&(on_n2.clone() + &labels));
    let answer = cluster.ask("other/agent → api:80");
    assert_eq!((answer.verdict(), peer_miss(answer.ingress())), ("Denied", &PeerMiss::HostNetwork));
    assert!(answer.text().contains("it counts as the node"), "{}", answer.text());
    let block = ingress("[{from: [{ipBlock: {cidr: 192.168.0.2/32}}]}]");
    holds(&(on_n2 + &block), &["other/agent → api:80 is Allowed"]);
}

/// docs/semantics/kubernetes.md#host-network: hostNetwork pod as destination of an egress rule: by
/// its node's address too.
#[test]
fn a_host_network_destination_is_an_address() {
    let labels = egress("[{to: [{namespaceSelector: {}}]}]");
    holds(&(agent() + &labels), &["web → other/agent:80 is Denied"]);
    let block = egress("[{to: [{ipBlock: {cidr: 192.168.0.1/32}}]}]");
    holds(&(agent() + &block), &["web → other/agent:80 is Allowed"]);
}

/// docs/semantics/networkpolicy.md#named-ports: never matches what is no pod to policies.
#[test]
fn ports_of_a_host_network_destination_have_no_names() {
    let ports = "containers: [{ports: [{name: metrics, containerPort: 9100}]}], hostNetwork";
    let agent = agent().replace("hostNetwork", ports);
    let by_name = agent.clone() + &egress("[{ports: [{port: metrics}]}]");
    holds(&by_name, &["web → other/agent:9100 is Denied"]);
    holds(&(agent + &egress("[{ports: [{port: 9100}]}]")), &["web → other/agent:9100 is Allowed"]);
}

/// docs/semantics/kubernetes.md#host-network: … without an address of its own it has its node's.
#[test]
fn a_host_network_pod_without_status_has_its_nodes_address() {
    let young = "---\n{apiVersion: v1, kind: Pod, metadata: {name: young, namespace: other}, \
                 spec: {hostNetwork: true, nodeName: n1}}\n";
    let block = egress("[{to: [{ipBlock: {cidr: 192.168.0.1/32}}]}]");
    holds(&(young.to_owned() + &block), &["web → other/young:80 is Allowed"]);
}

/// docs/semantics/kubernetes.md#own-node-to-pod: hostNetwork client on the same node: resident node →
/// allowed.
#[test]
fn a_host_network_pod_of_the_same_node_is_the_node() {
    let cluster = cluster(&(agent() + &closed()));
    cluster.holds(&["other/agent → api:80 is Allowed", "other/agent → web:80 is Denied"]);
    assert_eq!(reasons(&cluster, "other/agent → api:80"), (Reason::HostNetwork, Reason::OwnNode));
}

/// docs/semantics/kubernetes.md#pod-to-own-node: a pod to a hostNetwork pod of its own node: as to
/// the node.
#[test]
fn a_pod_to_a_host_network_pod_of_its_node_is_not_known() {
    let cluster = cluster(&(agent() + &closed()));
    let answer = cluster.ask("api → other/agent:80");
    assert_eq!(answer.egress().reason, Reason::Unknown(UnknownWhy::ToOwnNode));
}

/// docs/semantics/kubernetes.md#pod-to-own-node: which node a pod runs on may not be known yet.
#[test]
fn a_node_to_a_pod_without_one_is_not_known_unless_admitted() {
    let unplaced = pod("shop", "unplaced", "api", "10.0.1.60", "");
    let cluster = cluster(&(unplaced.clone() + &ingress("[]")));
    let answer = cluster.ask("node/n1 → unplaced:80");
    assert_eq!(answer.ingress().reason, Reason::Unknown(UnknownWhy::PerhapsOwnNode));
    holds(&(unplaced + &ingress("[{}]")), &["node/n1 → unplaced:80 is Allowed"]);
}

/// docs/semantics/kubernetes.md#outside: external → pod: ipBlock or empty `from`.
#[test]
fn outside_is_admitted_by_address_or_by_no_from() {
    holds(
        &ingress("[{from: [{namespaceSelector: {}}, {podSelector: {}}]}]"),
        &["203.0.113.7 → api:80 is Denied"],
    );
    holds(&ingress("[{ports: [{port: 80}]}]"), &["203.0.113.7 → api:80 is Allowed"]);
    holds(
        &ingress("[{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]"),
        &["203.0.113.7 → api:80 is Allowed"],
    );
}

/// docs/semantics/kubernetes.md#other-protocols: ICMP and other protocols: undefined, so they cannot
/// be asked about.
#[test]
fn icmp_is_not_judged() {
    for port in ["api:0/ICMP", "api:8/ICMP"] {
        let error = port.parse::<netpol::ends::EndName>().unwrap_err().to_string();
        assert!(error.contains("/TCP, /UDP or /SCTP"), "{error}");
    }
}

/// docs/semantics/kubernetes.md#verdict: node to node, and outside to a node: no policy judges it.
#[test]
fn nodes_are_no_subjects() {
    let cluster = cluster(&closed());
    assert_eq!(reasons(&cluster, "node/n1 → node/n2:22"), (Reason::Node, Reason::Node));
    cluster.holds(&["node/n1 → node/n2:22 is Allowed", "203.0.113.7 → node/n1:22 is Allowed"]);
}
