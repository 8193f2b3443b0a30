//! Random policies in the one rule form, of every tier and with every kind of peer, added to a random
//! cluster of NetworkPolicies, with what they ask for: an enforcer, labels of nodes, the API server.

use super::generate::{
    ELSEWHERE, KEYS, NAMESPACES, RUNTIME_LABEL, VALUES, complete as complete_pods, generate,
    labels, list, namespace_selector, object, peer as network_peer, port, selector,
};
use super::sides::two_sided;
use super::{Random, boundary_addresses};
use serde_json::{Value, json};

/// Cilium's label of a pod's ServiceAccount.
pub(crate) const ACCOUNT: &str = "io.cilium.k8s.policy.serviceaccount";

/// A cluster with rules of which everything is known.
pub(crate) fn complete_rules(r: &mut Random) -> Vec<Value> {
    with_rules(r, false)
}

/// A cluster with rules as manifests and an API with few rights have it.
pub(crate) fn partial_rules(r: &mut Random) -> Vec<Value> {
    with_rules(r, true)
}

/// A cluster with rules before and after a change.
pub(crate) fn changed_rules(r: &mut Random) -> Vec<Value> {
    let partial = r.percent(40);
    let cluster = with_rules(r, partial);
    two_sided(r, cluster, |r, object| match object["kind"].as_str() {
        Some("Rules") if r.percent(50) => other_conditions(r, object),
        Some("Rules") => {
            let calico = object["tier"] == "Named";
            rules(r, object["metadata"]["name"].as_str().unwrap(), partial, calico)
        }
        Some("Enforcer") => enforcer(r),
        _ => object.clone(),
    })
}

fn with_rules(r: &mut Random, partial: bool) -> Vec<Value> {
    let mut all = generate(r, partial);
    for object in &mut all {
        match object["kind"].as_str() {
            Some("Node") => {
                object["metadata"]["labels"] = labels(r, &["t", "a"], 60);
                if partial && r.percent(25) {
                    let another = json!({"type": "ExternalIP", "address": "10.0.0.5"});
                    object["status"]["addresses"].as_array_mut().unwrap().push(another);
                }
            }
            Some("Pod") if r.percent(50) => {
                object["spec"]["serviceAccountName"] = json!(r.pick(&VALUES));
            }
            _ => {}
        }
    }
    let calico = r.fork().percent(25);
    let cilium = r.percent(60).then(|| enforcer(r));
    if calico {
        all.push(json!({"kind": "Calico"}));
    } else {
        all.extend(cilium);
    }
    if !partial || r.percent(60) {
        let known = ["192.168.0.1/32", "fd00::1/128", "10.0.0.9/32", "2001:db8::9/128"];
        let most = r.between(1, 2);
        all.push(json!({"kind": "ApiServer", "cidrs": r.sample(known.to_vec(), most)}));
    }
    if partial && r.percent(15) {
        let metadata = json!({"namespace": r.pick(&NAMESPACES)});
        all.push(json!({"kind": "UnreadDenials", "metadata": metadata}));
    }
    if partial && r.percent(4) {
        all.push(json!({"kind": "UnreadClusterWide"}));
    }
    for i in 1..=r.between(1, 6) {
        all.push(rules(r, &format!("r{i}"), partial, calico));
    }
    all
}

const CONDITIONS: [&str; 2] = ["GET /", "POST /"];

fn enforcer(r: &mut Random) -> Value {
    let enforcement = *r.pick(&["Default", "Default", "Default", "Default", "Always", "Never"]);
    let localhost = if r.percent(15) { "policy" } else { "auto" };
    json!({"kind": "Enforcer", "enforcement": enforcement, "allowLocalhost": localhost})
}

/// Tiers with names: their orders, and what they do with flows that reach their end.
pub(super) const TIERS: [(&str, Option<u64>, &str); 4] = [
    ("t1", Some(10), "Pass"),
    ("t2", Some(100), "Deny"),
    ("default", Some(1_000_000), "Deny"),
    ("t3", None, "Pass"),
];

/// Rules in a tier with a name.
fn named_rules(r: &mut Random, name: &str, partial: bool) -> Value {
    let entries: Vec<Value> = (0..r.between(0, 3)).map(|_| named_entry(r, partial)).collect();
    let order = r.percent(70).then(|| *r.pick(&[0, 5, 1000, 2000]));
    json!({
        "kind": "Rules",
        "metadata": {"name": name},
        "tier": "Named",
        "in": r.pick(&TIERS).0,
        "order": order,
        "direction": r.pick(&["Ingress", "Egress"]),
        "subject": set(r, partial),
        "entries": entries,
    })
}

fn named_entry(r: &mut Random, partial: bool) -> Value {
    let mut entry = entry(r, false, partial);
    for peer in entry["peers"].as_array_mut().into_iter().flatten() {
        *peer = combined(r, partial);
    }
    if r.percent(20) {
        entry["speaksFor"] = combined(r, partial);
    }
    for port in entry["ports"].as_array_mut().into_iter().flatten() {
        if r.percent(30) && port["protocol"] != "ICMP" {
            let mut but = super::generate::port(r);
            but["protocol"] = port["protocol"].clone();
            port["but"] = json!([but]);
        }
    }
    entry
}

/// Pods or addresses, alone or combined.
fn combined(r: &mut Random, partial: bool) -> Value {
    let leaf = |r: &mut Random| loop {
        let peer = peer(r, partial);
        if !peer["set"].is_null() || !peer["block"].is_null() {
            break peer;
        }
    };
    match r.below(10) {
        0..5 => leaf(r),
        5 | 6 => json!({"not": leaf(r)}),
        7 => json!({"all": [leaf(r), {"not": leaf(r)}]}),
        8 => json!({"all": [leaf(r), leaf(r)]}),
        _ => json!({"any": [leaf(r), leaf(r)]}),
    }
}

fn rules(r: &mut Random, name: &str, partial: bool, calico: bool) -> Value {
    if calico {
        return named_rules(r, name, partial);
    }
    let tier = *r.pick(&["Admin", "Admin", "Normal", "Normal", "Normal", "Baseline"]);
    let normal = tier == "Normal";
    let entries: Vec<Value> = (0..r.between(0, 3)).map(|_| entry(r, normal, partial)).collect();
    let metadata = json!({"name": name});
    json!({
        "kind": "Rules",
        "metadata": metadata,
        "tier": tier,
        "priority": r.below(2),
        "direction": r.pick(&["Ingress", "Egress"]),
        "subject": set(r, partial),
        "isolates": normal && r.percent(60),
        "entries": entries,
    })
}

fn set(r: &mut Random, partial: bool) -> Value {
    let own = r.percent(40).then(|| json!(r.pick(&NAMESPACES)));
    let namespaces = match own {
        Some(_) => None,
        None if r.percent(30) => Some(json!({})),
        None => Some(namespace_selector(r)),
    };
    let keys = [&KEYS[..], &[ACCOUNT]].concat();
    let pods = if r.percent(40) { json!({}) } else { selector(r, &keys, &VALUES) };
    let doubt = (partial && r.percent(12)).then_some(Value::Bool(true));
    object(vec![
        ("own", own),
        ("namespaceSelector", namespaces),
        ("podSelector", Some(pods)),
        ("doubt", doubt),
    ])
}

fn entry(r: &mut Random, normal: bool, partial: bool) -> Value {
    let actions: &[&str] =
        if normal { &["Allow", "Allow", "Deny"] } else { &["Allow", "Deny", "Pass"] };
    let action = *r.pick(actions);
    let peers = r.percent(85).then(|| {
        let peers: Vec<Value> = (0..r.between(0, 3)).map(|_| peer(r, partial)).collect();
        Value::Array(peers)
    });
    let conditional = action == "Allow" && r.percent(if normal { 35 } else { 15 });
    object(vec![
        ("action", Some(json!(action))),
        ("peers", peers),
        ("ports", list(r, 3, rule_port)),
        ("condition", conditional.then(|| json!(r.pick(&CONDITIONS)))),
    ])
}

/// The same rules, some of them on another condition.
fn other_conditions(r: &mut Random, rules: &Value) -> Value {
    let mut rules = rules.clone();
    for entry in rules["entries"].as_array_mut().unwrap() {
        if !entry["condition"].is_null() && r.percent(70) {
            entry["condition"] = json!(r.pick(&CONDITIONS));
        }
    }
    rules
}

fn rule_port(r: &mut Random) -> Value {
    if r.percent(8) {
        return json!({"protocol": "ICMP", "port": 8});
    }
    port(r)
}

fn peer(r: &mut Random, partial: bool) -> Value {
    match r.below(if partial { 12 } else { 10 }) {
        0..=2 => json!({"set": set(r, partial)}),
        3 | 4 => loop {
            let block = network_peer(r)["ipBlock"].take();
            if !block.is_null() {
                break json!({"block": block, "pods": r.percent(50), "nodes": r.percent(50)});
            }
        },
        5 | 6 => {
            let nodes = if r.percent(30) { json!({}) } else { selector(r, &["t", "a"], &VALUES) };
            json!({"nodes": nodes, "own": r.percent(50)})
        }
        7..=9 => {
            let all = ["pods", "own", "other", "outside", "api"];
            let most = r.between(1, 2);
            json!({"entities": r.sample(all.to_vec(), most)})
        }
        10 => json!({"names": [r.pick(&["example.com", "*.example.com", "*"])]}),
        _ => {
            let (pods, nodes) = (r.percent(40), r.percent(40));
            json!({"unresolved": "its groups are not known", "pods": pods, "nodes": nodes})
        }
    }
}

/// One way in which what a partial cluster with rules leaves open may turn out.
pub(crate) fn complete(r: &mut Random, partial: &[Value]) -> Vec<Value> {
    let mut all = complete_pods(r, partial);
    // A node whose addresses are known does not turn out to be the API server by another one.
    let of_api: Vec<String> = partial
        .iter()
        .filter(|object| object["kind"] == "ApiServer")
        .flat_map(|object| object["cidrs"].as_array().into_iter().flatten())
        .filter_map(|cidr| Some(cidr.as_str()?.split_once('/')?.0.to_owned()))
        .collect();
    for node in all.iter_mut().filter(|object| object["kind"] == "Node") {
        let before = partial.iter().find(|other| {
            other["kind"] == "Node" && other["metadata"]["name"] == node["metadata"]["name"]
        });
        let before = before.map(|node| node["status"]["addresses"].clone()).unwrap_or_default();
        if let Some(addresses) = node["status"]["addresses"].as_array_mut() {
            let known = |address: &Value| {
                before.as_array().is_some_and(|before| {
                    before.iter().any(|old| old["address"] == address["address"])
                })
            };
            let api = |address: &Value| of_api.iter().any(|ip| address["address"] == **ip);
            addresses.retain(|address| known(address) || !api(address));
        }
    }
    // Nor does a pod on its network, whose addresses are the node's.
    for pod in all.iter_mut().filter(|object| object["spec"]["hostNetwork"] == true) {
        let before = |other: &&Value| other["metadata"]["name"] == pod["metadata"]["name"];
        let told = partial.iter().filter(|object| object["kind"] == "Pod").find(before);
        if told.is_none_or(|pod| pod["status"]["podIPs"].is_null())
            && let Some(ips) = pod["status"]["podIPs"].as_array_mut()
        {
            ips.retain(|item| of_api.iter().all(|ip| item["ip"] != **ip));
        }
    }
    let boundaries = boundary_addresses(partial);
    let pods: Vec<String> = all
        .iter()
        .filter(|object| object["kind"] == "Pod")
        .map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned())
        .collect();
    let mut more = Vec::new();
    for (i, unread) in all.iter().enumerate() {
        let wide = unread["kind"] == "UnreadClusterWide";
        if !wide && unread["kind"] != "UnreadDenials" {
            continue;
        }
        for j in 0..r.below(3) {
            let calico = all.iter().any(|object| object["kind"] == "Calico");
            let mut one = rules(r, &format!("unread-{i}-{j}"), false, calico);
            if !wide {
                one["tier"] = json!(if calico { "Named" } else { "Normal" });
                one["subject"] = json!({"own": unread["metadata"]["namespace"]});
            }
            more.push(one);
        }
    }
    if !all.iter().any(|object| object["kind"] == "ApiServer") {
        more.push(json!({"kind": "ApiServer", "cidrs": addresses(r, &boundaries)}));
    }
    let name = |o: &Value| o["kind"] == "Node" && o["metadata"]["name"] == ELSEWHERE;
    if !all.iter().any(name) {
        more.push(json!({
            "kind": "Node",
            "metadata": {"name": ELSEWHERE, "labels": labels(r, &["t", "a"], 60)},
            "status": {"addresses": [{"type": "InternalIP", "address": r.pick(&boundaries)}]},
        }));
    }
    all.extend(more);
    for object in &mut all {
        match object["kind"].as_str() {
            Some("Rules") => settle(r, object, &pods, &boundaries),
            Some("Node") => {
                // Which of its addresses it uses.
                if let Some(known) = object["status"]["addresses"].as_array() {
                    let most = known.len();
                    object["status"]["addresses"] = json!(r.sample(known.clone(), most));
                }
            }
            _ => {}
        }
    }
    all
}

fn addresses(r: &mut Random, boundaries: &[std::net::IpAddr]) -> Vec<String> {
    let most = r.between(1, 3);
    let some = r.sample(boundaries.to_vec(), most);
    some.iter().map(|ip| format!("{ip}/{}", if ip.is_ipv4() { 32 } else { 128 })).collect()
}

/// Decides doubts, names and what is not resolved.
fn settle(r: &mut Random, value: &mut Value, pods: &[String], boundaries: &[std::net::IpAddr]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|i| settle(r, i, pods, boundaries)),
        Value::Object(fields) => {
            if fields.remove("doubt").is_some() {
                let most = r.below(pods.len() + 1);
                fields.insert("only".into(), json!(r.sample(pods.to_vec(), most)));
            }
            if fields.contains_key("names") || fields.contains_key("unresolved") {
                let some = if r.percent(30) { Vec::new() } else { addresses(r, boundaries) };
                fields.insert("settled".into(), json!(some));
                let most = r.below(pods.len() + 1);
                if fields.get("pods") == Some(&Value::Bool(true)) {
                    fields.insert("somePods".into(), json!(r.sample(pods.to_vec(), most)));
                }
                let nodes = fields.get("nodes") == Some(&Value::Bool(true));
                fields.insert("everyNode".into(), json!(nodes && r.percent(50)));
            }
            fields.values_mut().for_each(|field| settle(r, field, pods, boundaries));
        }
        _ => {}
    }
}

/// Whether nothing about the cluster is left open but its pods.
pub(crate) fn is_settled(cluster: &[Value]) -> bool {
    let of = |kind: &str| cluster.iter().filter(|o| o["kind"] == kind).collect::<Vec<_>>();
    let nodes = of("Node");
    let known = |name: &Value| nodes.iter().any(|node| node["metadata"]["name"] == *name);
    let addressed = |node: &&Value| {
        let all = node["status"]["addresses"].as_array();
        all.into_iter()
            .flatten()
            .any(|a| a["address"].as_str().is_some_and(|t| t.contains(['.', ':'])))
    };
    let pods = of("Pod");
    let on_node = pods.iter().filter(|pod| pod["spec"]["hostNetwork"] == true);
    !of("ApiServer").is_empty()
        && !nodes.is_empty()
        && nodes.iter().all(addressed)
        && on_node.clone().all(|pod| known(&pod["spec"]["nodeName"]))
        && pods.iter().all(|pod| pod["metadata"]["annotations"][RUNTIME_LABEL].is_null())
}
