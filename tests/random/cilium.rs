//! Random policies of Cilium as manifests: every field whose meaning the policies themselves settle.
//!
//! Left out is what others settle: names of DNS, Services, groups of clouds, nodes by their labels,
//! TLS, listeners and authentication. Now and then an object is one that is refused.

use super::Random;
use super::generate::{NAMESPACES, VALUES, labels, object, strictly_inside};
use serde_json::{Map, Value, json};

/// Keys of labels of pods, with and without a source.
const KEYS: [&str; 4] = ["a", "b", "k8s:a", "any:b"];
/// Keys that stand for a pod's namespace.
const OF_NAMESPACE: [&str; 2] = ["k8s:io.kubernetes.pod.namespace", "io.kubernetes.pod.namespace"];
/// Keys that stand for labels of a pod's namespace.
const OF_ITS_LABELS: [&str; 2] =
    ["k8s:io.cilium.k8s.namespace.labels.t", "io.cilium.k8s.namespace.labels.a"];
const RESERVED: [&str; 6] = [
    "reserved:host",
    "reserved:remote-node",
    "reserved:world",
    "reserved:world-ipv4",
    "reserved:kube-apiserver",
    "reserved:init",
];
const ENTITIES: [&str; 11] = [
    "all",
    "none",
    "world",
    "cluster",
    "host",
    "remote-node",
    "kube-apiserver",
    "ingress",
    "health",
    "init",
    "unmanaged",
];
/// Blocks outside and inside, nested, and all addresses.
pub(super) const BLOCKS: [&str; 14] = [
    "0.0.0.0/0",
    "::/0",
    "203.0.113.0/24",
    "203.0.113.0/25",
    "203.0.113.8/29",
    "203.0.113.9/32",
    "198.51.100.0/24",
    "198.51.100.7/32",
    "10.0.0.0/8",
    "192.168.0.0/16",
    "2001:db8:ffff::/48",
    "2001:db8:ffff::8/125",
    "2001:db8:ffff::9/128",
    "2001:db8::/32",
];
/// Names of CIDR groups.
pub(super) const GROUPS: [&str; 2] = ["g1", "g2"];
const NAMES: [&str; 3] = ["http", "dns", "admin"];
const NUMBERS: [u16; 6] = [53, 80, 81, 8080, 9090, 65535];

/// A CiliumNetworkPolicy of a namespace, or without one a CiliumClusterwideNetworkPolicy.
pub(crate) fn policy(r: &mut Random, name: &str, namespace: Option<&str>) -> Value {
    let kind = namespace.map_or("CiliumClusterwideNetworkPolicy", |_| "CiliumNetworkPolicy");
    let metadata =
        object(vec![("name", Some(json!(name))), ("namespace", namespace.map(|it| json!(it)))]);
    let several = r.percent(15);
    let spec = (!several || r.percent(30)).then(|| rule(r));
    let specs = several.then(|| (0..r.between(1, 2)).map(|_| rule(r)).collect());
    object(vec![
        ("apiVersion", Some(json!("cilium.io/v2"))),
        ("kind", Some(json!(kind))),
        ("metadata", Some(metadata)),
        ("spec", spec),
        ("specs", specs),
    ])
}

/// A CiliumCIDRGroup.
pub(crate) fn group(r: &mut Random, name: &str) -> Value {
    let most = r.between(0, 3);
    let cidrs = r.sample(BLOCKS[2..].to_vec(), most);
    json!({
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumCIDRGroup",
        "metadata": {"name": name, "labels": labels(r, &["t", "a"], 60)},
        "spec": {"externalCIDRs": cidrs},
    })
}

fn rule(r: &mut Random) -> Value {
    let sections: Vec<bool> = (0..4).map(|i| r.percent(if i < 2 { 60 } else { 20 })).collect();
    // Without any section it is refused.
    let none = !sections.contains(&true) && !r.percent(5);
    let mut section = |i: usize, name: &'static str, egress: bool, deny: bool| {
        let there = sections[i] || (none && i == 0);
        let elements = |r: &mut Random| {
            let all: Vec<Value> = (0..r.below(3)).map(|_| element(r, egress, deny)).collect();
            json!(all)
        };
        (name, there.then(|| elements(r)))
    };
    let mut fields = vec![
        section(0, "ingress", false, false),
        section(1, "egress", true, false),
        section(2, "ingressDeny", false, true),
        section(3, "egressDeny", true, true),
    ];
    fields.push(("endpointSelector", Some(subject(r))));
    if r.percent(25) {
        let one = |r: &mut Random| r.percent(70).then(|| json!(r.percent(40)));
        let (ingress, egress) = (one(r), one(r));
        let both = object(vec![("ingress", ingress), ("egress", egress)]);
        fields.push(("enableDefaultDeny", Some(both)));
    }
    object(fields)
}

fn element(r: &mut Random, egress: bool, deny: bool) -> Value {
    let side = |name: &str| format!("{}{name}", if egress { "to" } else { "from" });
    let mut fields = Map::new();
    match r.below(12) {
        0 => {}
        1..=5 => {
            let all: Vec<Value> = (0..r.between(0, 2)).map(|_| peer(r)).collect();
            fields.insert(side("Endpoints"), json!(all));
        }
        6 | 7 => {
            let most = r.between(0, 2);
            fields.insert(side("Entities"), json!(r.sample(ENTITIES.to_vec(), most)));
        }
        8 | 9 => {
            let most = r.between(0, 2);
            fields.insert(side("CIDR"), json!(r.sample(BLOCKS.to_vec(), most)));
        }
        _ => {
            let all: Vec<Value> = (0..r.between(0, 2)).map(|_| block(r)).collect();
            fields.insert(side("CIDRSet"), json!(all));
        }
    }
    // From 1.19 on the CRD refuses it, unless it is empty.
    if r.percent(3) {
        let all: Vec<Value> = (0..r.between(0, 2)).map(|_| peer(r)).collect();
        fields.insert(side("Requires"), json!(all));
    }
    match r.below(10) {
        0..=3 => {}
        4 => {
            let all: Vec<Value> = (0..r.between(0, 2)).map(|_| icmp(r)).collect();
            fields.insert("icmps".into(), json!(all));
        }
        _ => {
            let all: Vec<Value> = (0..r.between(0, 2)).map(|_| to_ports(r, egress, deny)).collect();
            fields.insert("toPorts".into(), json!(all));
        }
    }
    Value::Object(fields)
}

/// A selector of pods, for a subject.
fn subject(r: &mut Random) -> Value {
    if r.percent(30) { json!({}) } else { selector(r, &KEYS, &VALUES) }
}

/// A selector of peers, which may ask for namespaces and for what has no labels of its own.
fn peer(r: &mut Random) -> Value {
    match r.below(10) {
        0 | 1 => json!({}),
        2 => {
            let key = *r.pick(&RESERVED);
            let mut all = if r.percent(60) {
                json!({"matchLabels": {key: ""}})
            } else {
                let operator = *r.pick(&["Exists", "DoesNotExist"]);
                json!({"matchExpressions": [{"key": key, "operator": operator}]})
            };
            if r.percent(25) {
                and(&mut all, selector(r, &KEYS, &VALUES));
            }
            all
        }
        3 | 4 => {
            let mut all = selector(r, &OF_NAMESPACE, &NAMESPACES);
            and(&mut all, selector(r, &KEYS, &VALUES));
            all
        }
        5 => {
            let mut all = selector(r, &OF_ITS_LABELS, &VALUES);
            and(&mut all, selector(r, &KEYS, &VALUES));
            all
        }
        _ => selector(r, &KEYS, &VALUES),
    }
}

/// Makes a selector ask for what another asks for besides.
fn and(one: &mut Value, other: Value) {
    let Value::Object(fields) = other else { return };
    for (field, more) in fields {
        match (&mut one[&field], more) {
            (Value::Array(items), Value::Array(more)) => items.extend(more),
            (Value::Object(all), Value::Object(more)) => all.extend(more),
            (there, more) => *there = more,
        }
    }
}

/// Labels, seldom several, so that now and then one key stands there with different sources, and expressions.
fn selector(r: &mut Random, keys: &[&str], values: &[&str]) -> Value {
    let labels = r.percent(60).then(|| {
        let most = if r.percent(8) { 2 } else { 1 };
        let of = |key: &str, r: &mut Random| (key.to_owned(), json!(r.pick(values)));
        let all: Map<_, _> =
            r.sample(keys.to_vec(), most).into_iter().map(|it| of(it, r)).collect();
        Value::Object(all)
    });
    let expressions = (labels.is_none() || r.percent(25)).then(|| {
        let one = |r: &mut Random| {
            let (key, operator) =
                (*r.pick(keys), *r.pick(&["In", "NotIn", "Exists", "DoesNotExist"]));
            let most = r.between(1, 2);
            let of = operator.ends_with("In").then(|| json!(r.sample(values.to_vec(), most)));
            object(vec![
                ("key", Some(json!(key))),
                ("operator", Some(json!(operator))),
                ("values", of),
            ])
        };
        Value::Array((0..r.between(1, 2)).map(|_| one(r)).collect())
    });
    object(vec![("matchLabels", labels), ("matchExpressions", expressions)])
}

/// An item of `fromCIDRSet` or `toCIDRSet`.
fn block(r: &mut Random) -> Value {
    let kind = r.below(10);
    let of = match kind {
        0 | 1 => ("cidrGroupRef", json!(r.pick(&GROUPS))),
        2 | 3 => {
            let labels = if r.percent(70) {
                json!({"matchLabels": {*r.pick(&["t", "a"]): r.pick(&VALUES)}})
            } else {
                selector(r, &["t", "a"], &VALUES)
            };
            ("cidrGroupSelector", labels)
        }
        _ => ("cidr", json!(r.pick(&BLOCKS))),
    };
    let cidr = of.1.as_str().filter(|_| kind > 3);
    let inside: Vec<&str> = match cidr {
        Some(cidr) => BLOCKS.into_iter().filter(|it| strictly_inside(it, cidr)).collect(),
        None => Vec::new(),
    };
    let most = r.between(1, 2);
    let except = (!inside.is_empty() && r.percent(50)).then(|| json!(r.sample(inside, most)));
    object(vec![(of.0, Some(of.1)), ("except", except)])
}

fn to_ports(r: &mut Random, egress: bool, deny: bool) -> Value {
    let ports: Vec<Value> = (0..r.between(0, 2)).map(|_| port(r)).collect();
    if deny || !r.percent(35) {
        return json!({"ports": ports});
    }
    if egress && r.percent(30) {
        let ports = [json!({"port": "53", "protocol": "ANY"})];
        return json!({"ports": ports, "rules": {"dns": [{"matchPattern": "*.example.com"}]}});
    }
    // Few, so that other rules are often for the same.
    let number = r.pick(&["80", "81"]);
    let ports = [json!({"port": number, "protocol": "TCP"})];
    let http = *r.pick(&["GET", "POST"]);
    json!({"ports": ports, "rules": {"http": [{"method": http}]}})
}

fn port(r: &mut Random) -> Value {
    let protocol = r.percent(70).then(|| json!(r.pick(&["TCP", "TCP", "UDP", "SCTP", "ANY"])));
    let (port, end) = match r.below(10) {
        0 => ("0".to_owned(), None),
        1..=4 => (r.pick(&NUMBERS).to_string(), None),
        5 | 6 => {
            let (a, b) = (*r.pick(&NUMBERS), *r.pick(&NUMBERS));
            (a.min(b).to_string(), Some(json!(a.max(b))))
        }
        _ => ((*r.pick(&NAMES)).to_owned(), None),
    };
    object(vec![("port", Some(json!(port))), ("endPort", end), ("protocol", protocol)])
}

fn icmp(r: &mut Random) -> Value {
    let one = |r: &mut Random| {
        let family = r.percent(70).then(|| json!(r.pick(&["IPv4", "IPv6"])));
        let of = match family.as_ref().and_then(Value::as_str) {
            Some("IPv6") => [json!(128), json!("EchoRequest"), json!(129)],
            _ => [json!(8), json!("EchoRequest"), json!(3)],
        };
        object(vec![("family", family), ("type", Some(r.pick(&of).clone()))])
    };
    let fields: Vec<Value> = (0..r.between(1, 2)).map(|_| one(r)).collect();
    json!({"fields": fields})
}
