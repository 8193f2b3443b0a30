//! docs/semantics/cilium-networkpolicy.md: a NetworkPolicy as the letter of the specification has it,
//! and as Cilium does. One test a rule.

use super::{API, BASE, cluster, cnp, group, icmp, settings, with};
use crate::semantics::{Cluster, egress, enforced, ingress, pod, policy};
use netpol::cluster::{Family, Protocol};
use netpol::policy::{Cilium, CiliumVersion, Enforcer};
use netpol::verdict::{Reason, Verdict};

fn letter(manifests: &str) -> Cluster {
    enforced(&format!("{BASE}{manifests}"), &Enforcer::Kubernetes)
}

const EVERY_VERSION: [CiliumVersion; 3] =
    [CiliumVersion::V1_18, CiliumVersion::V1_19, CiliumVersion::V1_20];

/// Checks lines `QUESTION is VERDICT / VERDICT`: of the letter, and of every version of Cilium.
fn differ(manifests: &str, lines: &[&str]) {
    let ask = |cluster: &Cluster, question: &str, expected: &str, who: &str| {
        assert_eq!(cluster.rejected(), [""; 0], "{manifests}");
        let answer = cluster.ask(question);
        assert_eq!(answer.verdict(), expected, "{question} under {who}\n{}", answer.text());
    };
    for line in lines {
        let (question, verdicts) = line.split_once(" is ").expect("… is …");
        let (of_letter, of_cilium) = verdicts.split_once(" / ").expect("… / …");
        ask(&letter(manifests), question, of_letter, "kubernetes");
        for version in EVERY_VERSION {
            let cilium = with(Cilium::new(version), manifests);
            ask(&cilium, question, of_cilium, &format!("cilium-{version}"));
        }
    }
}

/// docs/semantics/cilium-networkpolicy.md#ipblock-and-pods: ipBlock never matches pods, whatever
/// their addresses.
#[test]
fn row_1_blocks_and_pods() {
    let block = egress("[{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]");
    differ(
        &block,
        &[
            "web → api:80 is Allowed / Denied",
            "web → other/client:80 is Allowed / Denied",
            "web → 10.9.9.9:80 is Allowed / Allowed",
        ],
    );
    let modes = Cilium { cidr_matches_pods: true, ..Cilium::new(CiliumVersion::V1_20) };
    with(modes, &block).holds(&["web → api:80 is Allowed"]);
}

/// docs/semantics/cilium-networkpolicy.md#ipblock-and-nodes: ipBlock on a node, the API server or a
/// pod on its node's network matches only with policyCIDRMatchMode nodes.
#[test]
fn row_2_blocks_and_nodes() {
    let agent = pod("shop", "agent", "agent", "192.168.0.1", "nodeName: n1, hostNetwork: true");
    let block = agent + &egress("[{to: [{ipBlock: {cidr: 192.168.0.0/24}}]}]");
    differ(
        &block,
        &["web → node/n1:6443 is Allowed / Denied", "web → agent:80 is Allowed / Denied"],
    );
    let modes = Cilium { cidr_matches_nodes: true, ..settings() };
    with(modes, &block).holds(&["web → node/n1:6443 is Allowed", "web → agent:80 is Allowed"]);
}

/// docs/semantics/cilium-networkpolicy.md#ipblock-and-services: ipBlock on a `ClusterIP` never
/// matches: the Service is translated first. The specification leaves that open, and an answer says
/// which it is.
#[test]
fn row_3_blocks_and_services() {
    let service = "---\n{apiVersion: v1, kind: Service, metadata: {name: api, namespace: shop}, \
                   spec: {selector: {app: api}, clusterIP: 10.96.0.10, \
                   ports: [{port: 80, targetPort: 8080}]}}\n";
    let block = service.to_owned() + &egress("[{to: [{ipBlock: {cidr: 10.96.0.10/32}}]}]");
    differ(&block, &["web → svc/api:80 is Denied / Denied"]);
    let notes = |cluster: &Cluster| cluster.ask("web → svc/api:80").notes();
    let open = notes(&letter(&block));
    assert!(open.contains("whether policies see that address is undefined"), "{open}");
    let closed = notes(&cluster(&block));
    let told = "has the Service's own address 10.96.0.10, which Cilium's policies never see: the \
                Service is translated first";
    assert!(closed.contains(told), "{closed}");
}

/// docs/semantics/cilium-networkpolicy.md#all-addresses: `0.0.0.0/0` is the world only: no pods and
/// no nodes.
#[test]
fn row_4_the_whole_family() {
    differ(
        &egress("[{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]"),
        &[
            "web → 203.0.113.7:443 is Allowed / Allowed",
            "web → api:80 is Allowed / Denied",
            "web → node/n1:22 is Allowed / Denied",
        ],
    );
}

/// docs/semantics/cilium-networkpolicy.md#own-node: the own node gets in, by an implied rule; the way
/// to it is not allowed, and other nodes are not let in.
#[test]
fn row_5_the_own_node() {
    let closed = policy(
        "shut",
        "podSelector: {matchLabels: {app: web}}, \
                         policyTypes: [Ingress, Egress]",
    );
    differ(
        &closed,
        &[
            "node/n2 → web:80 is Allowed / Allowed",
            "node/n1 → web:80 is Denied / Denied",
            "web → node/n2:10250 is Unknown / Denied",
            "web → node/n1:10250 is Denied / Denied",
        ],
    );
    assert_eq!(cluster(&closed).ask("node/n2 → web:80").ingress().reason, Reason::OwnNode);
    let denied = cnp(
        "deny",
        "endpointSelector: {matchLabels: {app: web}}, \
                     ingressDeny: [{fromEntities: [host]}]",
    );
    cluster(&format!("{closed}{denied}")).holds(&["node/n2 → web:80 is Denied"]);
}

/// docs/semantics/cilium-networkpolicy.md#host-network: pods on their nodes' networks are host or
/// remote-node: never a subject, and no selector matches them.
#[test]
fn row_6_host_network() {
    let agent = pod("shop", "agent", "agent", "192.168.0.2", "nodeName: n2, hostNetwork: true");
    let subject = policy("shut", "podSelector: {matchLabels: {app: agent}}");
    let peer =
        ingress("[{from: [{podSelector: {matchLabels: {app: agent}}}, {namespaceSelector: {}}]}]");
    differ(
        &format!("{agent}{subject}{peer}"),
        &["web → agent:80 is Allowed / Allowed", "agent → api:80 is Denied / Denied"],
    );
    let entity = cnp("nodes", &format!("{API}, ingress: [{{fromEntities: [remote-node]}}]"));
    cluster(&format!("{agent}{peer}{entity}")).holds(&["agent → api:80 is Allowed"]);
}

/// docs/semantics/cilium-networkpolicy.md#after-the-service: ports and peers are those after the
/// Service, on egress too.
#[test]
fn row_7_ports_after_translation() {
    let service = "---\n{apiVersion: v1, kind: Service, metadata: {name: api, namespace: shop}, \
                   spec: {selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}}\n";
    let rule = |port: u16| {
        let rule = format!("[{{to: [{{podSelector: {{}}}}], ports: [{{port: {port}}}]}}]");
        format!("{service}{}", egress(&rule))
    };
    differ(&rule(80), &["web → svc/api:80 is Denied / Denied"]);
    differ(&rule(8080), &["web → svc/api:80 is Allowed / Allowed"]);
}

/// docs/semantics/cilium-networkpolicy.md#ingress-controllers: Cilium's Ingress is an identity of its
/// own, which is no end here: a NetworkPolicy can only admit it by admitting anyone, and the entity
/// ingress means no pod.
#[test]
fn row_8_ingress_controllers() {
    let controller = "---\n{apiVersion: v1, kind: Namespace, metadata: {name: ingress-nginx}}\n"
        .to_owned()
        + &pod("ingress-nginx", "c", "c", "10.0.3.1", "nodeName: n2");
    let selected = "[{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}}]}]";
    differ(
        &(controller.clone() + &ingress(selected)),
        &["ingress-nginx/c → api:80 is Allowed / Allowed"],
    );
    let entity = cnp("in", &format!("{API}, ingress: [{{fromEntities: [ingress]}}]"));
    cluster(&(controller + &entity)).holds(&["ingress-nginx/c → api:80 is Denied"]);
}

/// docs/semantics/cilium-networkpolicy.md#through-another-node: what comes from outside is world;
/// through another node it may be remote-node, which only an entity admits.
#[test]
fn row_9_from_outside() {
    let block = ingress("[{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]");
    differ(
        &block,
        &["203.0.113.7 → api:80 is Allowed / Allowed", "node/n2 → api:80 is Denied / Denied"],
    );
    let entity = cnp("too", &format!("{API}, ingress: [{{fromEntities: [remote-node]}}]"));
    cluster(&(block + &entity)).holds(&["node/n2 → api:80 is Allowed"]);
}

/// docs/semantics/cilium-networkpolicy.md#sctp: SCTP needs enable-sctp, which is told.
#[test]
fn row_10_sctp() {
    let rule = ingress("[{ports: [{port: 80, protocol: SCTP}]}]");
    let told = |cluster: &Cluster| cluster.lints().iter().any(|lint| lint.contains("enable-sctp"));
    assert!(!told(&letter(&rule)));
    assert!(told(&cluster(&rule)));
    assert!(!told(&with(Cilium { sctp: true, ..settings() }, &rule)));
}

/// docs/semantics/cilium-networkpolicy.md#ranges-of-ports: endPort, which every version here has.
#[test]
fn row_11_ranges() {
    differ(
        &ingress("[{ports: [{port: 80, endPort: 90}]}]"),
        &["web → api:85 is Allowed / Allowed", "web → api:91 is Denied / Denied"],
    );
}

/// docs/semantics/cilium-networkpolicy.md#other-protocols: ICMP is denied where only ports are
/// allowed, and allowed by a rule without ports.
#[test]
fn row_12_icmp() {
    for (rules, verdict) in [
        ("[{from: [{podSelector: {}}], ports: [{port: 80}]}]", Verdict::Denied),
        ("[{from: [{podSelector: {}}]}]", Verdict::Allowed),
        ("[{from: [{podSelector: {}}], ports: []}]", Verdict::Allowed),
    ] {
        let cilium = cluster(&ingress(rules));
        let judged = icmp(&cilium, Protocol::Icmp, 8, Family::V4).verdict;
        assert_eq!(judged, verdict, "{rules}");
    }
}

/// docs/semantics/cilium-networkpolicy.md#ipblock-alone-admits-the-namespace: with
/// policy-default-local-cluster an ingress peer that is only an ipBlock admits the pods of the
/// namespace too, until its fix. 1.18 has the same code, with the option off unless it is switched
/// on.
#[test]
fn row_13_a_block_that_admits_the_namespace() {
    let block = ingress("[{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]");
    letter(&block).holds(&["web → api:80 is Denied"]);
    let older = Cilium { default_local_cluster: true, ..Cilium::new(CiliumVersion::V1_18) };
    let switched_off = Cilium { default_local_cluster: false, ..Cilium::new(CiliumVersion::V1_19) };
    for (settings, verdict) in [
        (Cilium::new(CiliumVersion::V1_18), "Denied"),
        (older, "Unknown"),
        (Cilium::new(CiliumVersion::V1_19), "Unknown"),
        (switched_off, "Denied"),
        (Cilium::new(CiliumVersion::V1_20), "Denied"),
    ] {
        with(settings, &block).holds(&[
            &format!("web → api:80 is {verdict}"),
            "other/client → api:80 is Denied",
            "203.0.113.7 → api:80 is Allowed",
        ]);
    }
    let text = cluster(&block).ask("web → api:80").text();
    assert!(text.contains("until the fix of cilium/cilium#46305"), "{text}");
    // Egress has no such defect, nor a peer with selectors.
    cluster(&egress("[{to: [{ipBlock: {cidr: 203.0.113.0/24}}]}]"))
        .holds(&["web → api:80 is Denied"]);
    cluster(&ingress("[{from: [{podSelector: {matchLabels: {app: other}}}]}]"))
        .holds(&["web → api:80 is Denied"]);
}

/// docs/semantics/cilium-networkpolicy.md#nodelocal-dns: `NodeLocal` DNS is on the own node, so
/// neither a selector nor an ipBlock matches it; the entity host does.
#[test]
fn row_14_node_local_dns() {
    let question = "web → 169.254.20.10:53/UDP";
    let ports = "ports: [{port: 53, protocol: UDP}]";
    let selected =
        "[{to: [{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: kube-dns}}}]";
    differ(
        &egress(&format!("{selected}, {ports}}}]")),
        &[&format!("{question} is Denied / Denied")],
    );
    let block = egress(&format!("[{{to: [{{ipBlock: {{cidr: 169.254.20.10/32}}}}], {ports}}}]"));
    differ(&block, &[&format!("{question} is Allowed / Denied")]);
    let told = "to[0] has 169.254.20.10, where NodeLocal DNSCache listens on each node: Cilium takes it \
                for the node, which no network means";
    super::lint(&cluster(&block), told);
    assert_eq!(letter(&block).lints(), [""; 0]);
    let ports = "toPorts: [{ports: [{port: \"53\"}]}]";
    let entity = super::egress(&format!("[{{toEntities: [host], {ports}}}]"));
    cluster(&entity).holds(&[&format!("{question} is Allowed")]);
}

/// docs/semantics/cilium-networkpolicy.md#health-probes: health probes come from the own node, which
/// gets in.
#[test]
fn row_15_health_probes() {
    let closed = policy("shut", "podSelector: {}");
    differ(
        &closed,
        &["node/n1 → api:8080 is Allowed / Allowed", "node/n2 → web:8080 is Allowed / Allowed"],
    );
    let off = Cilium { node_reaches_own_pods: false, ..settings() };
    with(off, &closed).holds(&["node/n1 → api:8080 is Denied"]);
}

/// docs/semantics/cilium-networkpolicy.md#policytypes: rules of a direction that policyTypes does not
/// list are inert by the letter, and count to Cilium, which closes the direction for them
/// (`ParseNetworkPolicy` in pkg/k8s, 1.18 to 1.20).
#[test]
fn rules_outside_of_policy_types() {
    let spec = |rules: &str| {
        let subject = "podSelector: {matchLabels: {app: web}}";
        policy("p", &format!("{subject}, policyTypes: [Ingress], ingress: [{{}}], egress: {rules}"))
    };
    let rules = spec("[{ports: [{port: 80}]}]");
    differ(
        &rules,
        &[
            "web → api:80 is Allowed / Allowed",
            "web → api:81 is Allowed / Denied",
            "api → web:81 is Allowed / Allowed",
        ],
    );
    let told = |cluster: &Cluster, part: &str| {
        assert!(cluster.lints().iter().any(|lint| lint.contains(part)), "{:?}", cluster.lints());
    };
    told(&letter(&rules), "spec.egress has no effect: policyTypes does not list Egress");
    told(&cluster(&rules), "spec.egress counts although policyTypes does not list Egress");
    // An empty list is none.
    differ(&spec("[]"), &["web → api:81 is Allowed / Allowed"]);
    let other = "podSelector: {matchLabels: {app: api}}, policyTypes: [Egress], egress: [{}], \
                 ingress: [{ports: [{port: 80}]}]";
    differ(&policy("p", other), &["web → api:81 is Allowed / Denied"]);
}

/// docs/semantics/cilium-networkpolicy.md#what-is-absent: no `from` is everyone, host and world too;
/// `namespaceSelector: {}` is every pod; no protocol is TCP, no port every port of the protocol; a
/// name is the destination's.
#[test]
fn parsing_facts() {
    differ(
        &ingress("[{}]"),
        &[
            "203.0.113.7 → api:80 is Allowed / Allowed",
            "node/n2 → api:80 is Allowed / Allowed",
            "other/client → api:80 is Allowed / Allowed",
        ],
    );
    differ(
        &ingress("[{from: [{namespaceSelector: {}}]}]"),
        &[
            "web → api:80 is Allowed / Allowed",
            "other/client → api:80 is Allowed / Allowed",
            "node/n2 → api:80 is Denied / Denied",
            "203.0.113.7 → api:80 is Denied / Denied",
        ],
    );
    let protocol =
        "[{from: [{podSelector: {}}], ports: [{protocol: UDP}, {port: 80}, {port: http}]}]";
    differ(
        &ingress(protocol),
        &[
            "web → api:1/UDP is Allowed / Allowed",
            "web → api:80 is Allowed / Allowed",
            "web → api:8080 is Allowed / Allowed",
            "web → api:81 is Denied / Denied",
        ],
    );
}

/// docs/semantics/cilium-networkpolicy.md#dns-of-openshift: of `OpenShift` the DNS pods listen on
/// 5353, so that is the port a rule must have.
#[test]
fn dns_that_listens_elsewhere() {
    let dns = "---\n{apiVersion: v1, kind: Service, metadata: {name: dns, namespace: shop}, \
               spec: {selector: {app: api}, ports: [{port: 53, protocol: UDP, targetPort: dns}]}}\n";
    let rule = |port: u16| {
        let ports = format!("ports: [{{port: {port}, protocol: UDP}}]");
        format!("{dns}{}", egress(&format!("[{{to: [{{podSelector: {{}}}}], {ports}}}]")))
    };
    differ(&rule(53), &["web → svc/dns:53/UDP is Denied / Denied"]);
    differ(&rule(5353), &["web → svc/dns:53/UDP is Allowed / Allowed"]);
}

/// docs/semantics/cilium-networkpolicy.md#what-is-absent: enable-non-default-deny-policies does not
/// matter to it, and a group of networks is nothing to it.
#[test]
fn network_policies_always_isolate() {
    let closed = group("partners", "[203.0.113.0/24]") + &policy("shut", "podSelector: {}");
    for non_default_deny in [true, false] {
        let settings = Cilium { non_default_deny, ..settings() };
        with(settings, &closed)
            .holds(&["web → api:80 is Denied", "203.0.113.7 → api:80 is Denied"]);
    }
}
