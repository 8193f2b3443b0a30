//! The one-flow evaluator against 301 verdicts of the conformance suite of ClusterNetworkPolicy.
//!
//! The table lies beside the project in `../shared/cases`; without it the test says so. Policies go
//! the way of a live cluster: as JSON through the reader, strictly, and then through the compiler.

use flate2::read::GzDecoder;
use netpol::cluster::{ContainerPort, Family, Labels, Node, Origin, Pod, Port, Protocol, Snapshot};
use netpol::objects::decode_text;
use netpol::policy::{Enforcer, Ruleset};
use netpol::verdict::{Endpoint, Flow, Verdict, judge};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::IpAddr;
use std::path::Path;

const TABLE: &str = "../shared/cases/clusternetworkpolicy-truth.jsonl.gz";
const BASE: &str = "../shared/cases/clusternetworkpolicy-base.json";

#[derive(Deserialize)]
struct Base {
    pods: BTreeMap<String, BasePod>,
    nodes: Vec<BaseNode>,
}

#[derive(Deserialize)]
struct BasePod {
    ns: String,
    name: String,
    labels: BTreeMap<String, String>,
    ip: IpAddr,
    host: bool,
    ports: Vec<BasePort>,
}

#[derive(Deserialize)]
struct BasePort {
    name: String,
    port: u16,
    protocol: String,
}

#[derive(Deserialize)]
struct BaseNode {
    name: String,
    labels: BTreeMap<String, String>,
    ips: Vec<IpAddr>,
}

#[derive(Deserialize)]
struct Row {
    test: String,
    subtest: String,
    src: String,
    dst: String,
    protocol: String,
    port: u16,
    expect: String,
    cnps: Vec<serde_json::Value>,
    nps: Vec<serde_json::Value>,
    namespaces: BTreeMap<String, BTreeMap<String, String>>,
}

fn labels(written: &BTreeMap<String, String>) -> Labels {
    written.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

impl Base {
    fn snapshot(&self, namespaces: &BTreeMap<String, BTreeMap<String, String>>) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (name, written) in namespaces {
            snapshot.add_namespace(name.as_str(), &labels(written), Some(Origin::Synthetic));
        }
        for node in &self.nodes {
            let (name, labels) = (node.name.as_str().into(), labels(&node.labels));
            snapshot.nodes.push(Node { name, labels, ips: node.ips.clone() });
        }
        for pod in self.pods.values() {
            let ports = pod.ports.iter().map(|declared| ContainerPort {
                name: Some(declared.name.as_str().into()),
                port: Port { protocol: declared.protocol.parse().unwrap(), number: declared.port },
                sidecar: false,
            });
            // The base says of pods on a node's network only the address.
            let node = self.nodes.iter().find(|node| node.ips.contains(&pod.ip));
            snapshot.add_pod(Pod {
                namespace: pod.ns.as_str().into(),
                name: pod.name.as_str().into(),
                labels: labels(&pod.labels),
                unknown_labels: &[],
                service_account: "default".into(),
                ips: vec![pod.ip],
                ports: ports.collect(),
                host_network: pod.host,
                node: node.map(|node| node.name.as_str().into()),
                owner: None,
                template: false,
                ready: true,
                finished: false,
                origin: Origin::Synthetic,
            });
        }
        snapshot
    }
}

impl Row {
    /// The row's policies, none of which may be refused.
    fn rules(&self, snapshot: &Snapshot) -> Ruleset {
        let all: Vec<_> = self.cnps.iter().chain(&self.nps).collect();
        let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": all});
        let (objects, warnings) =
            decode_text(list.to_string().into_bytes(), Path::new("table.json"), "default");
        assert!(warnings.is_empty(), "{}: {warnings:?}", self.test);
        assert_eq!(objects.len(), all.len(), "{}", self.test);
        let (_, written) = objects.assemble();
        let rules = Ruleset::compile(&written, snapshot, &Enforcer::default());
        assert!(rules.rejected.is_empty(), "{}: {:?}", self.test, rules.rejected);
        rules
    }
}

/// Reads a file of the shared directory, or says that it is not there.
fn shared(path: &str) -> Option<impl Read> {
    match std::fs::File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)) {
        Ok(file) => Some(file),
        Err(error) => {
            crate::harness::skip(&format!("cannot read {path}: {error}"));
            None
        }
    }
}

fn parsed<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text:.200}"))
}

#[test]
fn every_verdict_of_the_clusternetworkpolicy_table() {
    let (Some(mut base), Some(table)) = (shared(BASE), shared(TABLE)) else { return };
    let mut text = String::new();
    base.read_to_string(&mut text).unwrap();
    let base: Base = parsed(&text);
    let (mut judged, mut wrong) = (0, Vec::new());
    for line in BufReader::new(GzDecoder::new(table)).lines() {
        let row: Row = parsed(&line.unwrap());
        let snapshot = base.snapshot(&row.namespaces);
        let pod = |name: &str| {
            let named = |pod: &Pod| format!("{}/{}", pod.namespace, pod.name) == name;
            Endpoint::Pod(snapshot.pods().iter().position(named).expect(name))
        };
        let protocol: Protocol = row.protocol.parse().unwrap();
        let flow = Flow {
            source: pod(&row.src),
            destination: pod(&row.dst),
            port: Port { protocol, number: row.port },
            family: Family::V4,
            through_service: false,
        };
        let expected = match row.expect.as_str() {
            "allow" => Verdict::Allowed,
            "deny" => Verdict::Denied,
            other => panic!("unknown word {other:?} in the table"),
        };
        let judgement = judge(&snapshot, &row.rules(&snapshot), &flow);
        judged += 1;
        if judgement.verdict != expected {
            let (egress, ingress) = (judgement.egress.reason, judgement.ingress.reason);
            wrong.push(format!(
                "{}: {}: {} → {} {}/{}: {:?} ({egress:?}, {ingress:?}), not {expected:?}",
                row.test, row.subtest, row.src, row.dst, row.port, row.protocol, judgement.verdict
            ));
        }
    }
    let (differ, shown) = (wrong.len(), &wrong[..wrong.len().min(20)]);
    assert!(wrong.is_empty(), "{differ} of {judged} differ:\n{}", shown.join("\n"));
    assert_eq!(judged, 301);
}
