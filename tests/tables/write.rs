//! Writes the project's own tables: random clusters, and what the naive evaluator says of them.
//!
//! `NETPOL_TABLES=overwrite cargo test --test suite tables::write` does it; read what changed, and why.

use super::clusternetworkpolicy::{self as admin, Base};
use super::networkpolicy::{self, State};
use super::{Written, naive_flow, own};
use crate::random::naive::{Answer, answer, sides};
use crate::random::{
    Random, boundary_ports, cluster_network_policy, complete_cluster, random_labels, spec,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use netpol::cluster::Port;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;

/// How large all of them together may become.
const MOST_BYTES: u64 = 300_000;

/// How many clusters a table has, and how many flows are taken of one.
const NETWORK_POLICY: (u64, usize) = (160, 60);
const CLUSTER_NETWORK_POLICY: (u64, usize) = (90, 14);

/// Flows between different pods at ports that matter.
fn flows(r: &mut Random, pods: usize, ports: &[Port], most: usize) -> Vec<(usize, usize, Port)> {
    let pairs = (0..pods).flat_map(|from| (0..pods).map(move |to| (from, to)));
    let pairs = pairs.filter(|(from, to)| from != to);
    let all = pairs.flat_map(|(from, to)| ports.iter().map(move |port| (from, to, *port)));
    r.sample(all.collect(), most)
}

fn named(pod: &Value) -> String {
    let text = |field: &str| pod["metadata"][field].as_str().unwrap();
    format!("{}/{}", text("namespace"), text("name"))
}

/// A pod in the form of the table, if it has such a form.
fn table_pod(pod: &Value) -> Option<Value> {
    let (metadata, spec, status) = (&pod["metadata"], &pod["spec"], &pod["status"]);
    if pod["kind"] != "Pod" || spec["hostNetwork"] == true || status["phase"] != "Running" {
        return None;
    }
    let ips = status["podIPs"].as_array()?.iter().filter_map(|item| item["ip"].as_str());
    let ip = ips.into_iter().find(|ip| ip.contains('.'))?;
    let containers = spec["containers"].as_array()?.iter();
    let ports = containers.flat_map(|it| it["ports"].as_array().into_iter().flatten());
    let ports = ports.map(|port| {
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        json!({"Port": port["containerPort"], "Protocol": protocol, "PortName": port["name"]})
    });
    let labels = metadata["labels"].as_object().cloned().unwrap_or_default();
    Some(json!({
        "Namespace": metadata["namespace"], "Name": metadata["name"], "Labels": labels, "IP": ip,
        "Containers": ports.collect::<Vec<_>>(),
    }))
}

/// A line of the table, or nothing where a cluster has no flow in its form.
fn network_policy_state(seed: u64) -> Option<Value> {
    let mut r = Random::new(seed);
    let cluster = complete_cluster(&mut r);
    let of = |kind: &'static str| cluster.iter().filter(move |object| object["kind"] == kind);
    let namespaces = of("Namespace").map(|namespace| {
        let name = namespace["metadata"]["name"].as_str().unwrap();
        let mut labels = namespace["metadata"]["labels"].as_object().cloned().unwrap_or_default();
        labels.insert("kubernetes.io/metadata.name".into(), json!(name));
        (name.to_owned(), Value::Object(labels))
    });
    let policies = of("NetworkPolicy").map(|policy| {
        let spec = if policy["spec"].is_null() { json!({}) } else { policy["spec"].clone() };
        json!({"metadata": policy["metadata"], "spec": spec})
    });
    let mut state = json!({
        "Case": seed, "Step": 1, "Description": "a random cluster",
        "Namespaces": namespaces.collect::<serde_json::Map<_, _>>(),
        "Pods": of("Pod").filter_map(table_pod).collect::<Vec<_>>(),
        "Policies": policies.collect::<Vec<_>>(),
    });
    let pods = state["Pods"].as_array().unwrap().len();
    // What is judged is what is written.
    let manifests = serde_json::from_value::<State>(state.clone()).unwrap().manifests();
    let rows = flows(&mut r, pods, &boundary_ports(&manifests), NETWORK_POLICY.1);
    let rows = rows.into_iter().filter_map(|(from, to, port)| {
        let flow = naive_flow(&manifests, (from, to), port);
        let [egress, ingress] = sides(&manifests, &flow).map(|(answer, _)| word(answer));
        Some(json!({
            "From": named(&manifests[from]), "To": named(&manifests[to]),
            "Port": port.number, "Protocol": port.protocol.as_str(),
            "Egress": egress?, "Ingress": ingress?, "Combined": word(answer(&manifests, &flow).0)?,
        }))
    });
    let rows: Vec<Value> = rows.collect();
    let some = !rows.is_empty();
    state["Results"] = Value::Array(rows);
    some.then_some(state)
}

fn word(answer: Answer) -> Option<&'static str> {
    match answer {
        Answer::Allowed => Some("allowed"),
        Answer::Denied => Some("blocked"),
        Answer::Undefined => None,
    }
}

/// The lines that a random set of policies gives.
fn cluster_network_policy_rows(base: &Base, seed: u64) -> Vec<Value> {
    let mut r = Random::new(seed);
    let namespaces: BTreeMap<String, Written> = ["n1", "n2", "n3"]
        .map(|name| {
            let mut labels: Written = serde_json::from_value(random_labels(&mut r)).unwrap();
            labels.insert("kubernetes.io/metadata.name".into(), name.into());
            (name.to_owned(), labels)
        })
        .into();
    let of_administrators: Vec<Value> =
        (1..=r.between(1, 4)).map(|i| cluster_network_policy(&mut r, &format!("c{i}"))).collect();
    let of_namespaces: Vec<Value> = (1..=r.below(3))
        .map(|i| {
            let metadata = json!({"name": format!("p{i}"), "namespace": r.pick(&["n1", "n2"])});
            json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": metadata, "spec": spec(&mut r),
            })
        })
        .collect();
    let cluster =
        admin::cluster(&base.manifests(), &namespaces, &of_administrators, &of_namespaces);
    let all = flows(&mut r, base.pods.len(), &boundary_ports(&cluster), CLUSTER_NETWORK_POLICY.1);
    let all = all.into_iter().filter_map(|(from, to, port)| {
        let expect = match answer(&cluster, &naive_flow(&cluster, (from, to), port)).0 {
            Answer::Allowed => "allow",
            Answer::Denied => "deny",
            Answer::Undefined => return None,
        };
        Some(json!({
            "test": format!("random-{seed}"), "subtest": "", "expect": expect,
            "src": named(&cluster[from]), "dst": named(&cluster[to]),
            "port": port.number, "protocol": port.protocol.as_str(),
            "cnps": of_administrators, "nps": of_namespaces, "namespaces": namespaces,
        }))
    });
    all.collect()
}

fn write(name: &str, rows: impl Iterator<Item = Value>) {
    let file = File::create(own(name)).unwrap();
    let mut out = GzEncoder::new(file, Compression::best());
    for row in rows {
        writeln!(out, "{row}").unwrap();
    }
    out.finish().unwrap();
}

#[test]
fn the_tables_are_small() {
    if std::env::var("NETPOL_TABLES").is_ok_and(|word| word == "overwrite") {
        write(networkpolicy::TABLE, (1..=NETWORK_POLICY.0).filter_map(network_policy_state));
        let base = Base::read(&own(admin::BASE));
        let rows = |seed| cluster_network_policy_rows(&base, seed);
        write(admin::TABLE, (1..=CLUSTER_NETWORK_POLICY.0).flat_map(rows));
    }
    let files = fs::read_dir(own("")).unwrap();
    let sizes = files.map(|file| file.unwrap().metadata().unwrap().len());
    let bytes: u64 = sizes.sum();
    assert!(bytes <= MOST_BYTES, "tests/cases has {bytes} bytes");
}
