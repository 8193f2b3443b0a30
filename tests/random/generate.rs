//! A random small cluster as manifests, made to hit every corner of the specification often.
//!
//! With `partial`, pods lack addresses, nodes or run-time labels as manifests without a cluster do;
//! [`complete`] fills those in at random.

use super::{Random, boundary_addresses};
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// The label that a controller sets at run time, in partial clusters.
pub(crate) const RUNTIME_LABEL: &str = "hash";

pub(super) const KEYS: [&str; 3] = ["a", "b", RUNTIME_LABEL];
pub(super) const VALUES: [&str; 2] = ["x", "y"];
pub(super) const NAMESPACES: [&str; 4] = ["n1", "n2", "n3", "n4"];
const NODES: [&str; 2] = ["node-1", "node-2"];
/// A node that no Node object describes.
pub(super) const ELSEWHERE: &str = "elsewhere";
const NAMES: [&str; 3] = ["http", "dns", "admin"];
const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
const NUMBERS: [u16; 7] = [1, 53, 80, 81, 8080, 9090, 65535];
/// Some are sloppy, as old objects have them: they mean the masked block.
const BLOCKS: [&str; 22] = [
    "0.0.0.0/0",
    "0.0.0.0/1",
    "10.0.0.0/8",
    "10.0.0.0/29",
    "10.0.0.0/30",
    "10.0.0.4/30",
    "10.0.0.5/32",
    "10.0.0.6/31",
    "192.168.0.0/16",
    "192.168.0.1/32",
    "255.255.255.255/32",
    "10.0.0.3/30",
    "::/0",
    "8000::/1",
    "2001:db8::/32",
    "2001:db8::/125",
    "2001:db8::/126",
    "2001:db8::4/126",
    "2001:db8::5/128",
    "fd00::/8",
    "fd00::1/128",
    "2001:db8::6/126",
];

pub(super) fn object(fields: Vec<(&str, Option<Value>)>) -> Value {
    let fields = fields.into_iter().filter_map(|(key, v)| Some((key.to_owned(), v?)));
    Value::Object(fields.collect::<Map<_, _>>())
}

/// A cluster of which everything is known.
pub(crate) fn complete_cluster(r: &mut Random) -> Vec<Value> {
    generate(r, false)
}

/// A cluster as manifests have it.
pub(crate) fn partial_cluster(r: &mut Random) -> Vec<Value> {
    generate(r, true)
}

/// A random cluster: namespaces, nodes, pods and NetworkPolicies.
pub(super) fn generate(r: &mut Random, partial: bool) -> Vec<Value> {
    let namespaces = &NAMESPACES[..r.between(1, 4)];
    let mut all = Vec::new();
    for name in namespaces {
        // Now and then a namespace is known only because objects are in it.
        if r.percent(85) || !partial {
            let labels = r.percent(80).then(|| labels(r, &["t", "a"], 60));
            let metadata = object(vec![("name", Some(json!(name))), ("labels", labels)]);
            all.push(json!({"kind": "Namespace", "metadata": metadata}));
        }
    }
    let nodes = &NODES[..r.between(0, 2)];
    for (i, name) in nodes.iter().enumerate() {
        let (v4, v6) = (format!("192.168.0.{}", i + 1), format!("fd00::{}", i + 1));
        let mut addresses = vec![json!({"type": "Hostname", "address": name})];
        for ip in families(r, v4, v6) {
            addresses.push(json!({"type": "InternalIP", "address": ip}));
        }
        all.push(json!({
            "kind": "Node", "metadata": {"name": name}, "status": {"addresses": addresses},
        }));
    }
    for i in 1..=r.between(1, 8) {
        let pod = pod(r, i, namespaces, nodes, &all, partial);
        all.push(pod);
    }
    for i in 1..=r.between(0, 6) {
        let namespace = *r.pick(namespaces);
        all.push(json!({
            "kind": "NetworkPolicy",
            "metadata": {"name": format!("p{i}"), "namespace": namespace},
            "spec": spec(r),
        }));
    }
    if partial && r.percent(30) {
        let cidrs = families(r, "10.0.0.0/29".into(), "2001:db8::/125".into());
        all.push(json!({"kind": "PodNetworks", "cidrs": cidrs}));
    }
    if partial && r.percent(20) {
        let metadata = json!({"namespace": r.pick(namespaces)});
        all.push(json!({"kind": "UnreadPolicies", "metadata": metadata}));
    }
    all
}

fn families(r: &mut Random, v4: String, v6: String) -> Vec<String> {
    match r.below(4) {
        0 | 1 => vec![v4, v6],
        2 => vec![v4],
        _ => vec![v6],
    }
}

/// Labels of a namespace or node.
pub(crate) fn random_labels(r: &mut Random) -> Value {
    labels(r, &["t", "a"], 60)
}

pub(super) fn labels(r: &mut Random, keys: &[&str], percent: usize) -> Value {
    let mut labels = Map::new();
    for key in keys {
        if r.percent(percent) {
            labels.insert((*key).to_owned(), json!(r.pick(&VALUES)));
        }
    }
    Value::Object(labels)
}

fn pod(
    r: &mut Random,
    i: usize,
    namespaces: &[&str],
    nodes: &[&str],
    known: &[Value],
    partial: bool,
) -> Value {
    let node = (!nodes.is_empty() && r.percent(75)).then(|| *r.pick(nodes));
    // A complete cluster says where a host-network pod runs and which addresses it has.
    let host = node.is_some() && r.percent(15);
    let unknown = partial && r.percent(40);
    let template = unknown && r.percent(40);
    let ips = match node {
        _ if unknown => None,
        Some(node) if host => {
            let node = known.iter().find(|o| o["metadata"]["name"] == node && o["kind"] == "Node");
            let addresses = node.and_then(|node| node["status"]["addresses"].as_array());
            let ips = addresses.into_iter().flatten().skip(1).map(|a| json!({"ip": a["address"]}));
            Some(Value::Array(ips.collect()))
        }
        _ => {
            let ips = families(r, format!("10.0.0.{i}"), format!("2001:db8::{i}"));
            Some(ips.into_iter().map(|ip| json!({"ip": ip})).collect())
        }
    };
    let runtime_label = partial && r.percent(30);
    let mut annotations = Map::new();
    if template {
        annotations.insert("template".into(), json!("true"));
    }
    let mut own_labels = labels(r, &KEYS, 60);
    if runtime_label {
        annotations.insert("runtime-label".into(), json!("true"));
        own_labels.as_object_mut().unwrap().remove(RUNTIME_LABEL);
    }
    let metadata = object(vec![
        ("name", Some(json!(format!("pod-{i}")))),
        ("namespace", Some(json!(r.pick(namespaces)))),
        ("labels", r.percent(90).then_some(own_labels)),
        ("annotations", (!annotations.is_empty()).then_some(Value::Object(annotations))),
    ]);
    let containers: Vec<Value> = (0..r.between(1, 2)).map(|_| container(r, None)).collect();
    let init = (r.percent(25)).then(|| {
        let restart = if r.percent(60) { Some("Always") } else { None };
        json!([container(r, restart)])
    });
    let node =
        if partial { node.filter(|_| r.percent(60)) } else { Some(node.unwrap_or(ELSEWHERE)) };
    let spec = object(vec![
        ("nodeName", node.filter(|_| !template).map(|n| json!(n))),
        ("hostNetwork", (host || r.percent(5)).then_some(json!(host))),
        ("containers", Some(json!(containers))),
        ("initContainers", init),
    ]);
    let finished = r.percent(6) && !unknown;
    let phase = if finished { *r.pick(&["Succeeded", "Failed"]) } else { "Running" };
    let status = object(vec![("phase", Some(json!(phase))), ("podIPs", ips)]);
    json!({"kind": "Pod", "metadata": metadata, "spec": spec, "status": status})
}

fn container(r: &mut Random, restart: Option<&str>) -> Value {
    let ports: Vec<Value> = (0..r.between(0, 3))
        .map(|_| {
            object(vec![
                ("name", r.percent(75).then(|| json!(r.pick(&NAMES)))),
                ("containerPort", Some(json!(r.pick(&NUMBERS)))),
                ("protocol", r.percent(60).then(|| json!(r.pick(&PROTOCOLS)))),
            ])
        })
        .collect();
    object(vec![
        ("ports", (!ports.is_empty() || r.percent(30)).then(|| json!(ports))),
        ("restartPolicy", restart.map(|r| json!(r))),
    ])
}

/// Absent, null, empty, or a list.
pub(super) fn list(r: &mut Random, most: usize, item: fn(&mut Random) -> Value) -> Option<Value> {
    match r.below(20) {
        0 | 1 => None,
        2 => Some(Value::Null),
        3 => Some(json!([])),
        _ => {
            let items: Vec<Value> = (0..r.between(1, most)).map(|_| item(r)).collect();
            Some(json!(items))
        }
    }
}

pub(crate) fn spec(r: &mut Random) -> Value {
    let types: [Option<Value>; 8] = [
        None,
        Some(Value::Null),
        Some(json!([])),
        Some(json!(["Ingress"])),
        Some(json!(["Egress"])),
        Some(json!(["Ingress", "Egress"])),
        Some(json!(["Egress", "Ingress"])),
        Some(json!(["Egress", "Egress"])),
    ];
    object(vec![
        ("podSelector", maybe_null_selector(r)),
        ("policyTypes", r.pick(&types).clone()),
        ("ingress", list(r, 2, |r| rule(r, "from"))),
        ("egress", list(r, 2, |r| rule(r, "to"))),
    ])
}

fn maybe_null_selector(r: &mut Random) -> Option<Value> {
    match r.below(12) {
        0 => None,
        1 => Some(Value::Null),
        2..=4 => Some(json!({})),
        _ => Some(selector(r, &KEYS, &VALUES)),
    }
}

fn rule(r: &mut Random, side: &str) -> Value {
    object(vec![(side, list(r, 3, peer)), ("ports", list(r, 3, port))])
}

pub(super) fn peer(r: &mut Random) -> Value {
    match r.below(10) {
        0..=2 => json!({"podSelector": selector(r, &KEYS, &VALUES)}),
        3 | 4 => json!({"namespaceSelector": namespace_selector(r)}),
        5 | 6 => json!({
            "namespaceSelector": namespace_selector(r),
            "podSelector": selector(r, &KEYS, &VALUES),
        }),
        _ => {
            let cidr = *r.pick(&BLOCKS);
            let inside: Vec<&str> =
                BLOCKS.into_iter().filter(|net| strictly_inside(net, cidr)).collect();
            let except = match r.below(4) {
                0 => Some(json!([])),
                1 | 2 if !inside.is_empty() => {
                    let most = r.between(1, 2);
                    Some(json!(r.sample(inside, most)))
                }
                _ => None,
            };
            json!({"ipBlock": object(vec![("cidr", Some(json!(cidr))), ("except", except)])})
        }
    }
}

pub(super) fn strictly_inside(inner: &str, outer: &str) -> bool {
    let split = |net: &str| {
        let (ip, length) = net.split_once('/').unwrap();
        (ip.parse::<IpAddr>().unwrap(), length.parse::<u8>().unwrap())
    };
    let ((ip, length), (_, outer_length)) = (split(inner), split(outer));
    length > outer_length && super::naive::in_cidr(ip, outer)
}

pub(super) fn namespace_selector(r: &mut Random) -> Value {
    if r.percent(30) {
        return selector(r, &["kubernetes.io/metadata.name"], &NAMESPACES);
    }
    selector(r, &["t", "a"], &VALUES)
}

pub(super) fn selector(r: &mut Random, keys: &[&str], values: &[&str]) -> Value {
    let labels = r.percent(50).then(|| {
        let mut labels = Map::new();
        for _ in 0..r.between(0, 1) {
            labels.insert((*r.pick(keys)).to_owned(), json!(r.pick(values)));
        }
        Value::Object(labels)
    });
    let expressions = r.percent(50).then(|| {
        let one = |r: &mut Random| {
            let key = *r.pick(keys);
            let operator = *r.pick(&["In", "NotIn", "Exists", "DoesNotExist"]);
            let of = if operator.ends_with("In") {
                let most = r.between(1, 2);
                Some(json!(r.sample(values.to_vec(), most)))
            } else {
                r.percent(30).then(|| json!([]))
            };
            object(vec![
                ("key", Some(json!(key))),
                ("operator", Some(json!(operator))),
                ("values", of),
            ])
        };
        Value::Array((0..r.between(0, 2)).map(|_| one(r)).collect())
    });
    object(vec![("matchLabels", labels), ("matchExpressions", expressions)])
}

pub(super) fn port(r: &mut Random) -> Value {
    let protocol = r.percent(60).then(|| json!(r.pick(&PROTOCOLS)));
    let (port, end) = match r.below(10) {
        0 | 1 => (None, None),
        2..=4 => (Some(json!(r.pick(&NUMBERS))), None),
        5 | 6 => {
            let (a, b) = (*r.pick(&NUMBERS), *r.pick(&NUMBERS));
            (Some(json!(a.min(b))), Some(json!(a.max(b))))
        }
        _ => (Some(json!(r.pick(&NAMES))), None),
    };
    object(vec![("protocol", protocol), ("port", port), ("endPort", end)])
}

/// One way in which what a partial cluster leaves open may turn out. A template becomes two pods.
pub(crate) fn complete(r: &mut Random, partial: &[Value]) -> Vec<Value> {
    let mut all = Vec::new();
    let nodes: Vec<&Value> = partial.iter().filter(|o| o["kind"] == "Node").collect();
    let nodes: Vec<String> =
        nodes.iter().map(|node| node["metadata"]["name"].as_str().unwrap().to_owned()).collect();
    let nets: Vec<&Value> = partial.iter().filter(|o| o["kind"] == "PodNetworks").collect();
    let mut boundaries = boundary_addresses(partial);
    boundaries.extend(["10.0.0.7", "2001:db8::7"].map(|ip| ip.parse::<IpAddr>().unwrap()));
    let completed_nodes: Vec<Value> = partial
        .iter()
        .filter(|o| o["kind"] == "Node")
        .map(|node| complete_node(r, node, &boundaries))
        .collect();
    for object in partial {
        if object["kind"] == "UnreadPolicies" {
            // There may be none, or any.
            for i in 0..r.below(3) {
                let mut metadata = object["metadata"].clone();
                metadata["name"] = json!(format!("unread{i}"));
                let spec = spec(r);
                all.push(json!({"kind": "NetworkPolicy", "metadata": metadata, "spec": spec}));
            }
            continue;
        }
        if object["kind"] != "Pod" {
            if object["kind"] != "Node" {
                all.push(object.clone());
            }
            continue;
        }
        let template = object["metadata"]["annotations"]["template"] == "true";
        let name = object["metadata"]["name"].as_str().unwrap();
        for replica in 0..if template { 2 } else { 1 } {
            let mut pod = object.clone();
            if template && replica > 0 {
                pod["metadata"]["name"] = json!(format!("{name}-{replica}"));
            }
            if pod["metadata"]["annotations"]["runtime-label"] == "true" {
                let value = *r.pick(&["x", "y", "z"]);
                pod["metadata"]["labels"][RUNTIME_LABEL] = json!(value);
            }
            if pod["spec"]["nodeName"].is_null() {
                let mut possible = nodes.clone();
                possible.push(ELSEWHERE.to_owned());
                pod["spec"]["nodeName"] = json!(r.pick(&possible));
            }
            if pod["status"]["podIPs"].is_null() {
                pod["status"]["podIPs"] =
                    addresses(r, &pod, &completed_nodes, nets.first().copied(), &boundaries);
            }
            all.push(pod);
        }
    }
    all.extend(completed_nodes);
    all.extend(unwritten_namespaces(r, partial));
    all
}

/// Namespaces that objects are in but that are not written may have any labels.
fn unwritten_namespaces(r: &mut Random, partial: &[Value]) -> Vec<Value> {
    let written = |name: &&str| {
        let mut all = partial.iter().filter(|o| o["kind"] == "Namespace");
        all.any(|namespace| namespace["metadata"]["name"] == **name)
    };
    let unwritten = NAMESPACES.iter().filter(|name| !written(name));
    unwritten
        .map(|name| {
            let labels = r.percent(80).then(|| labels(r, &["t", "a"], 60));
            let metadata = object(vec![("name", Some(json!(name))), ("labels", labels)]);
            json!({"kind": "Namespace", "metadata": metadata})
        })
        .collect()
}

fn complete_node(r: &mut Random, node: &Value, boundaries: &[IpAddr]) -> Value {
    let mut node = node.clone();
    let addresses = node["status"]["addresses"].as_array().cloned().unwrap_or_default();
    let mut completed = addresses.clone();
    for v6 in [false, true] {
        let has = addresses.iter().any(|a| {
            let ip = a["address"].as_str().and_then(|text| text.parse::<IpAddr>().ok());
            ip.is_some_and(|ip| ip.is_ipv6() == v6)
        });
        let of_family: Vec<&IpAddr> = boundaries.iter().filter(|ip| ip.is_ipv6() == v6).collect();
        if !has && !of_family.is_empty() {
            completed.push(json!({"type": "InternalIP", "address": r.pick(&of_family)}));
        }
    }
    node["status"]["addresses"] = Value::Array(completed);
    node
}

fn addresses(
    r: &mut Random,
    pod: &Value,
    nodes: &[Value],
    nets: Option<&Value>,
    boundaries: &[IpAddr],
) -> Value {
    let host = pod["spec"]["hostNetwork"] == true;
    let own_node = nodes.iter().find(|node| node["metadata"]["name"] == pod["spec"]["nodeName"]);
    if let (true, Some(node)) = (host, own_node) {
        let ips = node["status"]["addresses"].as_array().into_iter().flatten();
        let ips = ips.filter(|a| a["type"] == "InternalIP").map(|a| json!({"ip": a["address"]}));
        return Value::Array(ips.collect());
    }
    let nets: Vec<&str> = nets
        .filter(|_| !host)
        .and_then(|nets| nets["cidrs"].as_array())
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut ips = Vec::new();
    for v6 in [false, true] {
        let of_family: Vec<&IpAddr> = boundaries
            .iter()
            .filter(|ip| ip.is_ipv6() == v6)
            .filter(|ip| nets.is_empty() || nets.iter().any(|net| super::naive::in_cidr(**ip, net)))
            .collect();
        if !of_family.is_empty() {
            ips.push(json!({"ip": r.pick(&of_family)}));
        }
    }
    Value::Array(ips)
}
