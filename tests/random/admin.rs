//! Random ClusterNetworkPolicies as manifests, and the same as the naive evaluator's rules.
//!
//! Source: docs/semantics/admin.md#order-and-ties.

use super::Random;
use super::generate::{KEYS, VALUES, list, namespace_selector, object, selector};
use super::naive::items;
use serde_json::{Value, json};

/// Blocks as the API takes them: without bits behind the mask.
const NETWORKS: [&str; 7] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.0.0.0/30",
    "10.0.0.4/31",
    "10.0.0.5/32",
    "192.168.0.0/16",
    "192.168.0.1/32",
];
const NAMES: [&str; 2] = ["http", "dns"];
const NUMBERS: [u16; 4] = [53, 80, 81, 8080];

/// A policy of either tier that an API server takes.
pub(crate) fn cluster_network_policy(r: &mut Random, name: &str) -> Value {
    let ingress: Vec<Value> = (0..r.below(4)).map(|_| rule(r, "from")).collect();
    let egress: Vec<Value> = (0..r.below(4)).map(|_| rule(r, "to")).collect();
    json!({
        "apiVersion": "policy.networking.k8s.io/v1alpha2",
        "kind": "ClusterNetworkPolicy",
        "metadata": {"name": name},
        "spec": {
            "tier": r.pick(&["Admin", "Admin", "Baseline"]),
            "priority": *r.pick(&[0, 1, 1000]),
            "subject": pods(r),
            "ingress": ingress,
            "egress": egress,
        },
    })
}

fn rule(r: &mut Random, side: &str) -> Value {
    let peers: Vec<Value> = (0..r.between(1, 3))
        .map(|_| match r.below(10) {
            0 | 1 if side == "to" => {
                let most = r.between(1, 2);
                json!({"networks": r.sample(NETWORKS.to_vec(), most)})
            }
            2 if side == "to" => json!({"nodes": selector(r, &["t", "a"], &VALUES)}),
            _ => pods(r),
        })
        .collect();
    object(vec![
        ("action", Some(json!(r.pick(&["Accept", "Deny", "Pass"])))),
        (side, Some(Value::Array(peers))),
        ("protocols", list(r, 2, protocol).filter(|it| !items(it).is_empty())),
    ])
}

fn pods(r: &mut Random) -> Value {
    let namespaces = if r.percent(30) { json!({}) } else { namespace_selector(r) };
    if r.percent(50) {
        return json!({"namespaces": namespaces});
    }
    let pods = selector(r, &KEYS[..2], &VALUES);
    json!({"pods": {"namespaceSelector": namespaces, "podSelector": pods}})
}

fn protocol(r: &mut Random) -> Value {
    let name = *r.pick(&["tcp", "tcp", "udp", "sctp"]);
    match r.below(4) {
        0 => json!({"destinationNamedPort": r.pick(&NAMES)}),
        1 => {
            let start = *r.pick(&NUMBERS);
            json!({name: {"destinationPort": {"range": {"start": start, "end": start + 28}}}})
        }
        _ => json!({name: {"destinationPort": {"number": r.pick(&NUMBERS)}}}),
    }
}

/// The policy of v1alpha1 that says the same.
pub(crate) fn earlier(policy: &Value) -> Value {
    let spec = &policy["spec"];
    let baseline = spec["tier"] == "Baseline";
    let rules = |direction: &str, side: &'static str| {
        let one = |rule: &Value| {
            let action = match rule["action"].as_str() {
                Some("Accept") => "Allow",
                // The lowest tier leaves nothing to others.
                Some("Pass") if baseline => "Allow",
                other => other.unwrap(),
            };
            let ports: Vec<Value> =
                items(&rule["protocols"]).iter().flat_map(earlier_ports).collect();
            object(vec![
                ("action", Some(json!(action))),
                (side, Some(rule[side].clone())),
                ("ports", (!ports.is_empty()).then(|| json!(ports))),
            ])
        };
        json!(items(&spec[direction]).iter().map(one).collect::<Vec<_>>())
    };
    let priority = (!baseline).then(|| spec["priority"].clone());
    let (kind, name) = if baseline {
        ("BaselineAdminNetworkPolicy", json!("default"))
    } else {
        ("AdminNetworkPolicy", policy["metadata"]["name"].clone())
    };
    json!({
        "apiVersion": "policy.networking.k8s.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": object(vec![
            ("priority", priority),
            ("subject", Some(spec["subject"].clone())),
            ("ingress", Some(rules("ingress", "from"))),
            ("egress", Some(rules("egress", "to"))),
        ]),
    })
}

/// The ports of one item in v1alpha1.
fn earlier_ports(item: &Value) -> Vec<Value> {
    if !item["destinationNamedPort"].is_null() {
        return vec![json!({"namedPort": item["destinationNamedPort"]})];
    }
    let one = |port: Value| {
        let (protocol, first) = (&port["protocol"], &port["port"]);
        if port["endPort"].is_null() {
            json!({"portNumber": {"protocol": protocol, "port": first}})
        } else {
            json!({"portRange": {"protocol": protocol, "start": first, "end": port["endPort"]}})
        }
    };
    ports(item).into_iter().map(one).collect()
}

/// A ClusterNetworkPolicy as rules of each direction, for the naive evaluator.
pub(crate) fn lowered(policy: &Value) -> Vec<Value> {
    let spec = &policy["spec"];
    let one = |(direction, rules, side): (&str, &str, &str)| {
        let entries: Vec<Value> =
            items(&spec[rules]).iter().map(|rule| entry(rule, &rule[side])).collect();
        json!({
            "kind": "Rules", "metadata": policy["metadata"], "direction": direction,
            "tier": spec["tier"], "priority": spec["priority"], "subject": set(&spec["subject"]),
            "isolates": false, "entries": entries,
        })
    };
    [("Ingress", "ingress", "from"), ("Egress", "egress", "to")].map(one).to_vec()
}

fn entry(rule: &Value, peers: &Value) -> Value {
    let action = rule["action"].as_str().unwrap();
    let action = if action == "Accept" { "Allow" } else { action };
    let mut whom = Vec::new();
    for peer in items(peers) {
        if !peer["nodes"].is_null() {
            whom.push(json!({"nodes": peer["nodes"], "own": true}));
        } else if peer["networks"].is_null() {
            whom.push(json!({"set": set(peer)}));
        } else {
            let block = |net: &Value| json!({"block": {"cidr": net}, "pods": true, "nodes": true});
            whom.extend(items(&peer["networks"]).iter().map(block));
        }
    }
    let ports: Vec<Value> = items(&rule["protocols"]).iter().flat_map(ports).collect();
    json!({"action": action, "peers": whom, "ports": ports})
}

/// The pods of a subject or peer. With `namespaces` alone it is all of their pods.
fn set(written: &Value) -> Value {
    match &written["pods"] {
        Value::Null => json!({"namespaceSelector": written["namespaces"], "podSelector": {}}),
        pods => pods.clone(),
    }
}

/// The ports of one item; a name has no protocol of its own.
fn ports(item: &Value) -> Vec<Value> {
    let name = &item["destinationNamedPort"];
    let of = |protocol: &str| {
        if !name.is_null() {
            return Some(json!({"protocol": protocol, "port": name}));
        }
        let written = item.get(protocol.to_lowercase())?;
        let port = &written["destinationPort"];
        let range = &port["range"];
        let first = [&port["number"], &range["start"]].into_iter().find(|it| !it.is_null());
        let end = Some(range["end"].clone()).filter(|it| !it.is_null());
        Some(object(vec![
            ("protocol", Some(json!(protocol))),
            ("port", first.cloned()),
            ("endPort", end),
        ]))
    };
    ["TCP", "UDP", "SCTP"].into_iter().filter_map(of).collect()
}
