//! What the daemon does otherwise than the APIs say, each by its name and with its source in
//! kube-network-policies 0.8.0. Nothing else is excused.
//!
//! In: a cluster and a flow. Out: the cluster that the daemon's reading comes to for this flow, of which
//! our engine must predict what was seen.

use super::cover::{is_own_node, on_node, pod, predicted};
use crate::oracles::read;
use crate::random::{WrittenFlow, naive::selector_matches};
use netpol::policy::Enforcer;
use serde_json::{Value, json};

/// One of them.
struct Deviation {
    name: &'static str,
    /// Changes the cluster to what the daemon's reading comes to; an object that is to go is made null.
    reread: fn(&mut [Value], &WrittenFlow),
}

const DEVIATIONS: &[Deviation] = &[
    // pkg/networkpolicy/networkpolicyapi.go, evaluateAdminNetworkPolicyPort: where the pod has a port of
    // that name, any number and protocol matches; and evaluateAdminIngress hands it the source's pod.
    // The API: the port of that name, of the pods that the rule is for or leads to.
    Deviation { name: "ports of administrators by name", reread: names_of_ports },
    // The same file, evaluateAdminEgress: `nodes` is asked of the destination's pod, and of its node; an
    // address of a node has no pod. The API: the node itself, and pods on its network.
    Deviation { name: "`nodes` means pods on these nodes", reread: nodes },
    // pkg/networkpolicy/controller.go, evaluatePacket: a NetworkPolicy that selects the pod keeps the
    // baseline away from both directions. The API: from the direction that the NetworkPolicy isolates.
    Deviation { name: "no baseline beside any NetworkPolicy", reread: baseline },
    // The same file, syncNFTablesRules: packets are seen in postrouting, where none comes that is for
    // the node itself.
    Deviation { name: "to the pod's own node unseen", reread: own_node },
];

/// The name of what explains that a flow was seen to pass, or not to; several may have to come together.
pub(super) fn excused(cluster: &[Value], flow: &WrittenFlow, passes: bool) -> Option<String> {
    let explains = |changes: &[&Deviation]| {
        let mut reread = cluster.to_vec();
        for it in changes {
            (it.reread)(&mut reread, flow);
        }
        reread.retain(|object| !object.is_null());
        let changed = reread != cluster;
        changed && predicted(&read(&reread, &Enforcer::Kubernetes), flow) == Some(passes)
    };
    let one = DEVIATIONS.iter().find(|it| explains(&[it])).map(|it| it.name.to_owned());
    let all: Vec<&Deviation> = DEVIATIONS.iter().collect();
    one.or_else(|| explains(&all).then(|| "several of these together".to_owned()))
}

fn is_of_administrators(object: &Value) -> bool {
    object["kind"] == "AdminNetworkPolicy" || object["kind"] == "BaselineAdminNetworkPolicy"
}

/// The rules of administrators in one direction, to be changed; one that is to go is made null.
fn each_rule(cluster: &mut [Value], direction: &str, change: &dyn Fn(&mut Value)) {
    for policy in cluster.iter_mut().filter(|it| is_of_administrators(it)) {
        let Some(rules) = policy["spec"][direction].as_array_mut() else { continue };
        rules.iter_mut().for_each(change);
        rules.retain(|rule| !rule.is_null());
    }
}

/// The pod of an end, where the daemon takes its address for a pod's.
fn known_pod<'c>(cluster: &'c [Value], end: &crate::random::WrittenEnd) -> Option<&'c Value> {
    pod(cluster, end).filter(|pod| pod["spec"]["hostNetwork"] != true)
}

fn names_of_ports(cluster: &mut [Value], flow: &WrittenFlow) {
    for (direction, end) in [("ingress", &flow.from), ("egress", &flow.to)] {
        let containers = known_pod(cluster, end).map(|pod| pod["spec"]["containers"].clone());
        let named: Vec<Value> = containers
            .iter()
            .flat_map(|it| it.as_array().into_iter().flatten())
            .flat_map(|it| it["ports"].as_array().into_iter().flatten())
            .map(|port| port["name"].clone())
            .collect();
        each_rule(cluster, direction, &|rule| {
            let Some(ports) = rule["ports"].as_array_mut() else { return };
            if ports.iter().any(|port| named.contains(&port["namedPort"])) {
                rule.as_object_mut().map(|fields| fields.remove("ports"));
                return;
            }
            ports.retain(|port| port.get("namedPort").is_none());
            if ports.is_empty() {
                *rule = Value::Null;
            }
        });
    }
}

fn nodes(cluster: &mut [Value], flow: &WrittenFlow) {
    let node = known_pod(cluster, &flow.to).map(|pod| pod["spec"]["nodeName"].clone());
    let node = node.and_then(|name| {
        let mut all = cluster.iter();
        all.find(|it| it["kind"] == "Node" && it["metadata"]["name"] == name).cloned()
    });
    each_rule(cluster, "egress", &|rule| {
        let Some(peers) = rule["to"].as_array_mut() else { return };
        for peer in peers.iter_mut() {
            let Some(selector) = peer.get("nodes") else { continue };
            let of_node = node.as_ref().is_some_and(|node| {
                selector_matches(selector, |key| node["metadata"]["labels"][key].as_str())
            });
            *peer = if of_node { json!({"namespaces": {}}) } else { Value::Null };
        }
        peers.retain(|peer| !peer.is_null());
        if peers.is_empty() {
            *rule = Value::Null;
        }
    });
}

fn baseline(cluster: &mut [Value], flow: &WrittenFlow) {
    for (direction, end) in [("ingress", &flow.to), ("egress", &flow.from)] {
        let Some(pod) = known_pod(cluster, end) else { continue };
        let labels = &pod["metadata"]["labels"];
        let selected = cluster.iter().any(|it| {
            it["kind"] == "NetworkPolicy"
                && it["metadata"]["namespace"] == pod["metadata"]["namespace"]
                && selector_matches(&it["spec"]["podSelector"], |key| labels[key].as_str())
        });
        let baselines = cluster.iter_mut().filter(|it| it["kind"] == "BaselineAdminNetworkPolicy");
        for policy in baselines.filter(|_| selected) {
            policy["spec"][direction] = json!([]);
        }
    }
}

fn own_node(cluster: &mut [Value], flow: &WrittenFlow) {
    if is_own_node(cluster, &flow.to, &flow.from) && on_node(cluster, &flow.from).is_none() {
        let is_policy = |it: &&mut Value| is_of_administrators(it) || it["kind"] == "NetworkPolicy";
        cluster.iter_mut().filter(is_policy).for_each(|policy| *policy = Value::Null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::WrittenEnd;
    use netpol::cluster::{Family, Port, Protocol};

    fn pod_object(name: &str, labels: &Value, ports: &Value) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "n1", "labels": labels},
            "spec": {
                "nodeName": "node-1",
                "containers": [{"name": "c", "image": "registry.example/app", "ports": ports}],
            },
            "status": {"phase": "Running", "podIPs": [{"ip": if name == "a" { "10.0.0.1" } else { "10.0.0.2" }}]},
        })
    }

    fn policy(kind: &str, egress: &Value) -> Value {
        let mut policy = json!({
            "apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": kind,
            "metadata": {"name": "default"},
            "spec": {"subject": {"namespaces": {}}, "egress": egress},
        });
        if kind == "AdminNetworkPolicy" {
            policy["spec"]["priority"] = json!(1);
        }
        policy
    }

    fn cluster(policies: &[Value]) -> Vec<Value> {
        let ports = json!([{"name": "http", "containerPort": 80}]);
        let mut all = vec![
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n1"}}),
            json!({
                "apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"},
                "status": {"addresses": [{"type": "InternalIP", "address": "192.168.0.1"}]},
            }),
            pod_object("a", &json!({"a": "x"}), &json!([])),
            pod_object("b", &json!({}), &ports),
        ];
        all.extend(policies.iter().cloned());
        all
    }

    fn flow(to: WrittenEnd, number: u16) -> WrittenFlow {
        let from = WrittenEnd::Pod("n1".into(), "a".into());
        let port = Port { protocol: Protocol::Tcp, number };
        WrittenFlow { from, to, port, family: Family::V4 }
    }

    fn to_b(number: u16) -> WrittenFlow {
        flow(WrittenEnd::Pod("n1".into(), "b".into()), number)
    }

    #[test]
    fn what_the_daemon_does_otherwise_is_excused_by_its_name_and_nothing_else_is() {
        let everyone = json!([{"namespaces": {}}]);
        let named = json!([{"action": "Deny", "to": everyone, "ports": [{"namedPort": "http"}]}]);
        let by_name = cluster(&[policy("AdminNetworkPolicy", &named)]);
        assert_eq!(excused(&by_name, &to_b(80), true), None);
        let told = excused(&by_name, &to_b(81), false);
        assert_eq!(told.as_deref(), Some("ports of administrators by name"));

        let to_nodes = json!([{"action": "Deny", "to": [{"nodes": {}}]}]);
        let nodes = cluster(&[policy("AdminNetworkPolicy", &to_nodes)]);
        let told = excused(&nodes, &to_b(80), false);
        assert_eq!(told.as_deref(), Some("`nodes` means pods on these nodes"));

        let close = json!([{"action": "Deny", "to": everyone}]);
        let ingress_only = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "p", "namespace": "n1"},
            "spec": {"podSelector": {"matchLabels": {"a": "x"}}, "policyTypes": ["Ingress"]},
        });
        let baseline = policy("BaselineAdminNetworkPolicy", &close);
        assert_eq!(excused(&cluster(std::slice::from_ref(&baseline)), &to_b(80), true), None);
        let told = excused(&cluster(&[baseline, ingress_only]), &to_b(80), true);
        assert_eq!(told.as_deref(), Some("no baseline beside any NetworkPolicy"));

        let to_networks = json!([{"action": "Deny", "to": [{"networks": ["0.0.0.0/0"]}]}]);
        let own = cluster(&[policy("AdminNetworkPolicy", &to_networks)]);
        let told = excused(&own, &flow(WrittenEnd::Node("node-1".into()), 80), true);
        assert_eq!(told.as_deref(), Some("to the pod's own node unseen"));
    }
}
