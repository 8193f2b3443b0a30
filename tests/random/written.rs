//! Random clusters as they are written: manifests that a reader has to read and a lowering to lower.
//!
//! Everything about the ends of flows is known: addresses of both families, nodes, ports, labels and
//! where the API server is. What is not written means what an API server makes of it.

use super::generate::{NAMESPACES, labels, object, spec};
use super::{Random, admin, cilium};
use netpol::cluster::{Family, Port, Protocol};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const NODES: [&str; 2] = ["node-1", "node-2"];
const NAMES: [&str; 3] = ["http", "dns", "admin"];
const NUMBERS: [u16; 6] = [53, 80, 81, 8080, 9090, 65535];

/// Addresses that no pod or node has: inside and beside the blocks of policies. The last of each family
/// is the API server's.
const OUTSIDE: [&str; 10] = [
    "198.51.100.7",
    "198.51.100.8",
    "203.0.113.8",
    "203.0.113.9",
    "203.0.113.200",
    "192.0.2.1",
    "2001:db8:ffff::9",
    "2001:db8:fffe::1",
    "203.0.113.250",
    "2001:db8:ffff::250",
];

/// NetworkPolicies alone.
pub(crate) fn with_network_policies(r: &mut Random) -> Vec<Value> {
    let mut all = base(r);
    for i in 1..=r.between(1, 4) {
        let policy = network_policy(r, &format!("p{i}"));
        all.push(policy);
    }
    all
}

/// Policies of Cilium's own kinds, with NetworkPolicies beside them.
pub(crate) fn with_cilium(r: &mut Random) -> Vec<Value> {
    let mut all = base(r);
    all.extend(cilium::GROUPS.map(|name| cilium::group(r, name)));
    for i in 1..=r.between(1, 4) {
        let policy = normal(r, &format!("p{i}"));
        all.push(policy);
    }
    all
}

fn of_administrators(r: &mut Random, most: usize) -> Vec<Value> {
    let mut all = Vec::new();
    for i in 1..=r.between(1, most) {
        let mut policy = admin::cluster_network_policy(r, &format!("c{i}"));
        for networks in find(&mut policy, "networks") {
            let most = r.between(1, 2);
            *networks = json!(r.sample(cilium::BLOCKS.to_vec(), most));
        }
        all.push(policy);
    }
    all
}

/// ClusterNetworkPolicies, with policies of the tier between theirs beside them.
pub(crate) fn with_cluster_network_policies(r: &mut Random) -> Vec<Value> {
    let mut all = base(r);
    all.extend(of_administrators(r, 3));
    all.extend(cilium::GROUPS.map(|name| cilium::group(r, name)));
    for i in 1..=r.between(0, 2) {
        let policy = normal(r, &format!("p{i}"));
        all.push(policy);
    }
    all
}

/// ClusterNetworkPolicies, with NetworkPolicies alone beside them.
pub(crate) fn with_administrators(r: &mut Random) -> Vec<Value> {
    let mut all = base(r);
    all.extend(of_administrators(r, 4));
    for i in 1..=r.between(0, 2) {
        let policy = network_policy(r, &format!("p{i}"));
        all.push(policy);
    }
    all
}

/// The same in the kinds of v1alpha1, of which one AdminNetworkPolicy has a priority and there is one
/// BaselineAdminNetworkPolicy.
pub(crate) fn with_admin_network_policies(r: &mut Random) -> Vec<Value> {
    let mut baseline = false;
    let mut priorities = BTreeSet::new();
    let mut kept = |spec: &Value| match spec["tier"].as_str() {
        Some("Baseline") => !std::mem::replace(&mut baseline, true),
        _ => priorities.insert(spec["priority"].as_i64()),
    };
    let all = with_administrators(r).into_iter();
    let all = all.filter(|it| it["kind"] != "ClusterNetworkPolicy" || kept(&it["spec"]));
    all.map(|it| if it["kind"] == "ClusterNetworkPolicy" { admin::earlier(&it) } else { it })
        .collect()
}

fn normal(r: &mut Random, name: &str) -> Value {
    match r.below(4) {
        0 => network_policy(r, name),
        1 => cilium::policy(r, name, None),
        _ => {
            let namespace = *r.pick(&NAMESPACES[..2]);
            cilium::policy(r, name, Some(namespace))
        }
    }
}

fn network_policy(r: &mut Random, name: &str) -> Value {
    let mut spec = spec(r);
    for cidr in find(&mut spec, "ipBlock") {
        let block = *r.pick(&cilium::BLOCKS);
        let inside: Vec<&str> = cilium::BLOCKS
            .into_iter()
            .filter(|it| super::generate::strictly_inside(it, block))
            .collect();
        let most = r.between(1, 2);
        let except = (!inside.is_empty() && r.percent(50)).then(|| json!(r.sample(inside, most)));
        *cidr = object(vec![("cidr", Some(json!(block))), ("except", except)]);
    }
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": r.pick(&NAMESPACES[..2])},
        "spec": spec,
    })
}

/// Every field of this name, but for those inside one.
fn find<'a>(value: &'a mut Value, field: &str) -> Vec<&'a mut Value> {
    match value {
        Value::Array(items) => items.iter_mut().flat_map(|item| find(item, field)).collect(),
        Value::Object(fields) => {
            let all = fields.iter_mut();
            all.flat_map(|(key, value)| if key == field { vec![value] } else { find(value, field) })
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Namespaces, nodes, pods and the API server.
fn base(r: &mut Random) -> Vec<Value> {
    let mut all = Vec::new();
    let namespaces = &NAMESPACES[..r.between(2, 3)];
    for name in namespaces {
        let metadata = json!({"name": name, "labels": labels(r, &["t", "a"], 60)});
        all.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}));
    }
    for (i, name) in NODES.iter().enumerate() {
        let address = |ip: String| json!({"type": "InternalIP", "address": ip});
        let [v4, v6] = of_node(i).map(address);
        all.push(json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "status": {"addresses": [v4, v6]},
        }));
    }
    for i in 1..=r.between(2, 5) {
        let pod = pod(r, i, namespaces);
        all.push(pod);
    }
    for (family, address) in [("IPv4", OUTSIDE[8]), ("IPv6", OUTSIDE[9])] {
        all.push(json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": format!("kubernetes-{}", family.to_lowercase()),
                "namespace": "default",
                "labels": {"kubernetes.io/service-name": "kubernetes"},
            },
            "addressType": family,
            "endpoints": [{"addresses": [address]}],
            "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}],
        }));
    }
    all
}

fn of_node(i: usize) -> [String; 2] {
    [format!("192.168.0.{}", i + 1), format!("fd00::{}", i + 1)]
}

fn pod(r: &mut Random, i: usize, namespaces: &[&str]) -> Value {
    let node = r.below(NODES.len());
    let host = r.percent(12);
    let ips = if host { of_node(node) } else { [format!("10.0.0.{i}"), format!("2001:db8::{i}")] };
    let ips = ips.map(|ip| json!({"ip": ip}));
    let containers: Vec<Value> = (0..r.between(1, 2)).map(|_| container(r)).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": format!("pod-{i}"),
            "namespace": r.pick(namespaces),
            "labels": labels(r, &["a", "b"], 60),
        },
        "spec": {
            "nodeName": NODES[node],
            "serviceAccountName": "default",
            "hostNetwork": host,
            "containers": containers,
        },
        "status": {"phase": "Running", "podIP": ips[0]["ip"], "podIPs": ips},
    })
}

fn container(r: &mut Random) -> Value {
    let most = r.between(0, 2);
    let names = r.sample(NAMES.to_vec(), most);
    let one = |name: &str| {
        object(vec![
            ("name", Some(json!(name))),
            ("containerPort", Some(json!(r.pick(&NUMBERS)))),
            ("protocol", r.percent(60).then(|| json!(r.pick(&["TCP", "UDP"])))),
        ])
    };
    let ports: Vec<Value> = names.into_iter().map(one).collect();
    json!({"name": "c", "image": "registry.example/app", "ports": ports})
}

/// An end of a flow by what a manifest calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WrittenEnd {
    /// Namespace and name.
    Pod(String, String),
    Node(String),
    Outside(String),
}

impl WrittenEnd {
    /// Whether policies can apply to it.
    pub(crate) fn is_pod(&self) -> bool {
        matches!(self, Self::Pod(..))
    }

    /// The family of an address; other ends have both.
    pub(crate) fn family(&self) -> Option<Family> {
        match self {
            Self::Outside(ip) => Some(Family::of(ip.parse().ok()?)),
            _ => None,
        }
    }
}

/// A question about a written cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrittenFlow {
    pub(crate) from: WrittenEnd,
    pub(crate) to: WrittenEnd,
    pub(crate) port: Port,
    pub(crate) family: Family,
}

/// Every pod and node of a cluster, and addresses outside.
pub(crate) fn written_ends(cluster: &[Value]) -> Vec<WrittenEnd> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut ends: Vec<WrittenEnd> = Vec::new();
    for object in cluster {
        let metadata = &object["metadata"];
        match object["kind"].as_str() {
            Some("Pod") => {
                ends.push(WrittenEnd::Pod(text(&metadata["namespace"]), text(&metadata["name"])));
            }
            Some("Node") => ends.push(WrittenEnd::Node(text(&metadata["name"]))),
            _ => {}
        }
    }
    ends.extend(OUTSIDE.map(|ip| WrittenEnd::Outside(ip.into())));
    ends
}

/// So many flows of a cluster between different ends, one of which is a pod.
pub(crate) fn written_flows(cluster: &[Value], r: &mut Random, most: usize) -> Vec<WrittenFlow> {
    let ends = written_ends(cluster);
    let mut all = Vec::new();
    for from in &ends {
        for to in &ends {
            if from == to || !(from.is_pod() || to.is_pod()) {
                continue;
            }
            for family in Family::ALL {
                let other = |end: &WrittenEnd| end.family().is_some_and(|it| it != family);
                if other(from) || other(to) {
                    continue;
                }
                for port in ports(cluster, family) {
                    all.push(WrittenFlow { from: from.clone(), to: to.clone(), port, family });
                }
            }
        }
    }
    r.sample(all, most)
}

/// Ports on and beside those that something names, and types of ICMP.
fn ports(cluster: &[Value], family: Family) -> Vec<Port> {
    let mut numbers = BTreeSet::from([1, 54]);
    let written = Value::Array(cluster.to_vec()).to_string();
    for number in NUMBERS {
        if written.contains(&number.to_string()) {
            numbers.insert(number);
        }
    }
    let of = |protocol, number| Port { protocol, number };
    let mut all: Vec<Port> = numbers
        .into_iter()
        .flat_map(|number| [of(Protocol::Tcp, number), of(Protocol::Udp, number)])
        .collect();
    all.extend(match family {
        Family::V4 => [of(Protocol::Icmp, 8), of(Protocol::Icmp, 3)],
        Family::V6 => [of(Protocol::IcmpV6, 128), of(Protocol::IcmpV6, 129)],
    });
    all
}
