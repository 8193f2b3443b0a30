//! docs/semantics/services.md#external-ways: what addresses and names lead to, and whom policies see.

use super::{Cluster, cluster, enforced, holds, ingress, policy};
use netpol::policy::{Calico, Enforcer};

/// A Service in front of shop/api with these further fields of its spec.
fn service(spec: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: api, namespace: shop}}\n\
         spec: {{type: LoadBalancer, clusterIP: 10.96.0.10, externalIPs: [198.51.100.77], \
         selector: {{app: api}}, ports: [{{port: 80, targetPort: 8080, nodePort: 30080}}]{spec}}}\n\
         status: {{loadBalancer: {{ingress: [{{ip: 198.51.100.20}}, {{ip: 198.51.100.21, ipMode: Proxy}}, \
         {{hostname: lb.example.net}}]}}}}\n"
    )
}

fn from_web() -> String {
    ingress("[{from: [{podSelector: {matchLabels: {app: web}}}]}]")
}

/// docs/semantics/services.md#who-the-sender-is: each way with whom the pods may see, by
/// externalTrafficPolicy. `web` is admitted, nodes and the outside are not.
#[test]
fn each_way_by_external_traffic_policy() {
    let (cluster_wide, local) =
        (service(", externalTrafficPolicy: Cluster"), service(", externalTrafficPolicy: Local"));
    for (to, of_cluster, of_local) in [
        ("svc/api:80", "Allowed", "Allowed"),
        ("10.96.0.10:80", "Allowed", "Allowed"),
        ("http://198.51.100.20/", "Unknown", "Allowed"),
        ("http://198.51.100.77/", "Unknown", "Allowed"),
        ("http://192.168.0.1:30080/", "Unknown", "Allowed"),
        ("http://198.51.100.21/", "Unknown", "Unknown"),
        ("http://lb.example.net/", "Unknown", "Unknown"),
    ] {
        holds(&(cluster_wide.clone() + &from_web()), &[&format!("web → {to} is {of_cluster}")]);
        holds(&(local.clone() + &from_web()), &[&format!("web → {to} is {of_local}")]);
        // What nobody is admitted to is denied by every way, and what is open is open.
        holds(&(local.clone() + &ingress("[]")), &[&format!("web → {to} is Denied")]);
        holds(&(cluster_wide.clone() + &ingress("[]")), &[&format!("web → {to} is Denied")]);
        holds(&(cluster_wide.clone() + &ingress("[{}]")), &[&format!("web → {to} is Allowed")]);
    }
}

/// docs/semantics/services.md#external-ways: the pod's port is judged, and another port of a node is the
/// node's own.
#[test]
fn the_port_is_the_pods() {
    let cluster = cluster(&(service("") + &ingress("[{ports: [{port: 8080}]}]")));
    let at = |question: &str| cluster.ask(question).cases();
    assert_eq!(at("web → 198.51.100.20:80"), ["shop/pod/api 8080/TCP Allowed"]);
    assert_eq!(at("web → 192.168.0.2:30080"), ["shop/pod/api 8080/TCP Allowed"]);
    assert_eq!(at("web → 192.168.0.2:22"), ["node/n2 22/TCP Allowed"]);
    assert!(cluster.refusal("web → 198.51.100.20:81").contains("shop/svc/api has no port 81"));
}

/// docs/semantics/services.md#node-ports: what tells load balancers of a node's pods is the node itself.
#[test]
fn health_checks_are_the_nodes() {
    let local = service(", externalTrafficPolicy: Local, healthCheckNodePort: 31999");
    let cluster = cluster(&(local + &ingress("[]")));
    let answer = cluster.ask("198.51.100.9 → 192.168.0.1:31999");
    assert_eq!(answer.cases(), ["node/n1 31999/TCP Allowed"]);
    let notes = answer.notes();
    let told =
        "port 31999 of every node is the healthCheckNodePort of shop/svc/api: the node itself";
    assert!(notes.contains(told), "{notes}");
    cluster.holds(&["198.51.100.9 → 192.168.0.1:30080 is Denied"]);
}

/// docs/semantics/services.md#link-local-addresses: where clouds serve metadata.
#[test]
fn metadata_is_told() {
    for address in ["169.254.169.254", "[fd00:ec2::254]"] {
        let cluster = cluster("");
        let notes = cluster.ask(&format!("web → {address}:80")).notes();
        assert!(notes.contains("credentials among it"), "{notes}");
    }
    let cluster = cluster("");
    let notes = cluster.ask("web → 169.254.1.1:80").notes();
    assert!(notes.contains("an address of the link itself"), "{notes}");
}

/// docs/semantics/services.md#who-the-sender-is: as a source such an address is itself.
#[test]
fn as_a_source_an_address_is_itself() {
    let blocks = ingress("[{from: [{ipBlock: {cidr: 198.51.100.20/32}}]}]");
    holds(&(service("") + &blocks), &["198.51.100.20 → api:8080 is Allowed"]);
}

/// docs/semantics/services.md#node-ports: policies of the sender may see the node.
#[test]
fn egress_may_see_the_node() {
    let out = policy(
        "out",
        "podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}]",
    );
    let local = service(", externalTrafficPolicy: Local");
    let answer = cluster(&(local.clone() + &out));
    assert_eq!(answer.ask("web → 192.168.0.1:30080").verdict(), "Unknown");
    assert_eq!(answer.ask("web → 198.51.100.20:80").verdict(), "Allowed");
    // A load balancer that takes traffic itself is outside.
    assert_eq!(answer.ask("web → http://lb.example.net/").verdict(), "Denied");
}

/// docs/semantics/services.md#who-the-sender-is: another node, too, is asked whether it is left out.
#[test]
fn a_node_that_is_not_left_out() {
    let rules = "---\napiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata: {name: p, namespace: \
                 shop}\nspec: {selector: app == 'api', ingress: [{action: Deny, source: {notNets: \
                 [203.0.113.0/24]}}, {action: Allow}]}\n";
    let text = format!("{}{}{rules}", super::BASE, service(", externalTrafficPolicy: Cluster"));
    let cluster = enforced(&text, &Enforcer::Calico(Calico::default()));
    cluster.holds(&[
        "203.0.113.9 → api:8080 is Allowed",
        "203.0.113.9 → 198.51.100.20:80 is Unknown",
        "192.0.2.1 → 198.51.100.20:80 is Denied",
    ]);
}

/// docs/semantics/services.md#source-ranges: named, not counted.
#[test]
fn source_ranges_are_told() {
    let cluster = cluster(&service(", loadBalancerSourceRanges: [192.0.2.0/24]"));
    let answer = cluster.ask("203.0.113.9 → 198.51.100.20:80");
    assert_eq!(answer.verdict(), "Allowed");
    assert!(answer.notes().contains("203.0.113.9 is in none of these"), "{}", answer.notes());
    let inside = cluster.ask("192.0.2.9 → 198.51.100.20:80");
    assert!(inside.notes().contains("192.0.2.9 is in these"), "{}", inside.notes());
}

/// docs/semantics/services.md#endpoints: v1 Endpoints say what slices say, and an address of a node is
/// the node.
#[test]
fn endpoints_of_v1() {
    let manifests = "---\n{apiVersion: v1, kind: Service, metadata: {name: db, namespace: shop}, \
         spec: {ports: [{port: 5432}]}}\n---\napiVersion: v1\nkind: Endpoints\n\
         metadata: {name: db, namespace: shop}\nsubsets: [{addresses: [{ip: 198.51.100.5}, {ip: 192.168.0.1}], \
         notReadyAddresses: [{ip: 198.51.100.6}], ports: [{port: 15432}]}]\n";
    let cases = cluster(manifests).ask("web → svc/db:5432").cases();
    assert_eq!(cases, ["198.51.100.5 15432/TCP Allowed", "node/n1 15432/TCP Allowed"]);
}

/// docs/semantics/services.md#addresses: a node is judged by the address that was given, and addresses of
/// two families have no flow.
#[test]
fn the_address_that_was_given() {
    let node = "---\n{apiVersion: v1, kind: Node, metadata: {name: n3}, status: {addresses: \
                [{address: 192.168.0.3}, {address: 203.0.113.3}]}}\n";
    let blocks = ingress("[{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]");
    let cluster = cluster(&(node.to_owned() + &blocks));
    cluster.holds(&[
        "203.0.113.3 → api:8080 is Allowed",
        "192.168.0.3 → api:8080 is Denied",
        "node/n3 → api:8080 is Unknown",
    ]);
    let why = cluster.refusal("10.0.1.11 → fd00::1");
    assert!(why.contains("10.0.1.11 and fd00::1 are addresses of different families"), "{why}");
}

fn cilium(manifests: &str) -> Cluster {
    enforced(manifests, &"cilium".parse::<Enforcer>().unwrap())
}

/// docs/semantics/services.md#the-api-server: an end without being written, unknown where its address or
/// its node decides.
#[test]
fn the_api_server() {
    let web = "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {}}\n";
    let out = |to: &str| {
        policy("out", &format!("podSelector: {{}}, policyTypes: [Egress, Ingress], egress: [{to}]"))
    };
    let dns = "{ports: [{port: 53, protocol: UDP}]}";
    let block = "{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}";
    for name in ["https://kubernetes.default.svc/", "default/svc/kubernetes", "kube-apiserver:6443"]
    {
        for (rule, expected) in [
            (dns, "Denied"),
            (block, "Unknown"),
            ("{}", "Allowed"),
            ("{to: [{podSelector: {}}]}", "Denied"),
        ] {
            let asked = format!("web → {name}");
            let written = web.to_owned() + &out(rule);
            // It may be the pod's own node, of which only Cilium is certain that it is not exempt.
            let elsewhere = if expected == "Denied" { "Unknown" } else { expected };
            let plain = enforced(&written, &Enforcer::default());
            assert_eq!(plain.ask(&asked).verdict(), elsewhere, "{name} {rule}");
            // To Cilium no block means a node.
            if rule != block {
                assert_eq!(cilium(&written).ask(&asked).verdict(), expected, "{name} {rule}");
            }
        }
    }
    let shut = enforced(&(web.to_owned() + &out("{}")), &Enforcer::default());
    assert_eq!(shut.ask("kube-apiserver → web:8443").verdict(), "Unknown");
    let entity = "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p, namespace: shop}\n\
                  spec: {endpointSelector: {}, egress: [{toEntities: [kube-apiserver]}]}\n";
    let answer = cilium(&(web.to_owned() + entity));
    answer.holds(&["web → https://kubernetes.default.svc/ is Allowed"]);
}

/// docs/semantics/services.md#ambient-meshes: on the port that is dialled and on the mesh's.
#[test]
fn pods_of_an_ambient_mesh() {
    let manifests = |mode: &str| {
        format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: shop, labels: {{istio.io/dataplane-mode: ambient}}}}}}\n\
             ---\n{{apiVersion: v1, kind: Pod, metadata: {{name: web, namespace: shop, labels: {{app: web{mode}}}}}, spec: {{}}}}\n\
             ---\n{{apiVersion: v1, kind: Pod, metadata: {{name: api, namespace: shop, labels: {{app: api}}}}, spec: {{}}}}\n"
        )
    };
    let only = |port: u16| ingress(&format!("[{{ports: [{{port: {port}}}]}}]"));
    let ask = |mode: &str, rules: &str| {
        let cluster = enforced(&(manifests(mode) + rules), &Enforcer::default());
        cluster.ask("web → api:8080").verdict()
    };
    assert_eq!(ask("", &only(8080)), "Unknown");
    assert_eq!(ask("", &only(15008)), "Unknown");
    assert_eq!(
        ask(
            "",
            &(only(8080) + &policy("mesh", "podSelector: {}, ingress: [{ports: [{port: 15008}]}]"))
        ),
        "Allowed"
    );
    assert_eq!(ask("", &only(1)), "Denied");
    assert_eq!(ask(", istio.io/dataplane-mode: none", &only(8080)), "Allowed");
}
