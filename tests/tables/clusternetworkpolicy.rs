//! Verdicts of ClusterNetworkPolicy v1alpha2, one a line, over a base of pods and nodes;
//! tests/cases/README.md has the form.
//!
//! The conformance suite of the API gives such a table with 301 verdicts, which can be lent by the same
//! names. Policies go the way of a live cluster: as JSON through the reader, strictly, and then through
//! the compiler.

use super::{
    Tally, Written, add_namespaces, labels_of, lent, lines, manifests_of, naive_flow, own, pod,
    verdict_of,
};
use crate::random::lowered;
use crate::random::naive::answer;
use netpol::cluster::{ContainerPort, Family, Node, Pod, Port, Protocol, Snapshot};
use netpol::objects::decode_text;
use netpol::policy::{Enforcer, Ruleset};
use netpol::verdict::{Endpoint, Flow, Verdict, judge};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

pub(super) const TABLE: &str = "clusternetworkpolicy-truth.jsonl.gz";
pub(super) const BASE: &str = "clusternetworkpolicy-base.json";

#[derive(Deserialize)]
pub(super) struct Base {
    pub(super) pods: BTreeMap<String, BasePod>,
    nodes: Vec<BaseNode>,
}

#[derive(Deserialize)]
pub(super) struct BasePod {
    ns: String,
    name: String,
    labels: Written,
    ip: IpAddr,
    host: bool,
    node: Option<String>,
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
    labels: Written,
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
    cnps: Vec<Value>,
    nps: Vec<Value>,
    namespaces: BTreeMap<String, Written>,
}

impl Base {
    pub(super) fn read(path: &Path) -> Self {
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    }

    /// Of pods on a node's network a base may say only the address.
    fn node_of<'a>(&'a self, pod: &'a BasePod) -> Option<&'a str> {
        let by_address = || self.nodes.iter().find(|node| node.ips.contains(&pod.ip));
        pod.node.as_deref().or_else(|| by_address().map(|node| node.name.as_str()))
    }

    fn snapshot(&self, namespaces: &BTreeMap<String, Written>) -> Snapshot {
        let mut snapshot = Snapshot::default();
        add_namespaces(&mut snapshot, namespaces);
        for node in &self.nodes {
            let (name, labels) = (node.name.as_str().into(), labels_of(&node.labels));
            snapshot.nodes.push(Node { name, labels, ips: node.ips.clone() });
        }
        for written in self.pods.values() {
            let ports = written.ports.iter().map(|declared| ContainerPort {
                name: Some(declared.name.as_str().into()),
                port: Port { protocol: declared.protocol.parse().unwrap(), number: declared.port },
                host_port: None,
                sidecar: false,
            });
            snapshot.add_pod(Pod {
                probes: None,
                host_network: written.host,
                node: self.node_of(written).map(Into::into),
                ..pod((&written.ns, &written.name), &written.labels, written.ip, ports)
            });
        }
        snapshot
    }

    /// The pods first, in their order, then the nodes.
    pub(super) fn manifests(&self) -> Vec<Value> {
        let pods = self.pods.values().map(|pod| {
            let ports = pod.ports.iter().map(|declared| {
                let BasePort { name, port, protocol } = declared;
                json!({"name": name, "containerPort": port, "protocol": protocol})
            });
            json!({
                "kind": "Pod",
                "metadata": {"namespace": pod.ns, "name": pod.name, "labels": pod.labels},
                "spec": {
                    "hostNetwork": pod.host, "nodeName": self.node_of(pod),
                    "containers": [{"ports": ports.collect::<Vec<_>>()}],
                },
                "status": {"podIPs": [{"ip": pod.ip}]},
            })
        });
        let nodes = self.nodes.iter().map(|node| {
            let addresses = node.ips.iter().map(|ip| json!({"type": "InternalIP", "address": ip}));
            json!({
                "kind": "Node",
                "metadata": {"name": node.name, "labels": node.labels},
                "status": {"addresses": addresses.collect::<Vec<_>>()},
            })
        });
        pods.chain(nodes).collect()
    }
}

/// What the naive evaluator reads: the base, namespaces, and policies with those of administrators as
/// rules.
pub(super) fn cluster(
    base: &[Value],
    namespaces: &BTreeMap<String, Written>,
    cluster_network_policies: &[Value],
    network_policies: &[Value],
) -> Vec<Value> {
    let mut all = base.to_vec();
    all.extend(manifests_of(namespaces));
    all.extend(cluster_network_policies.iter().flat_map(lowered));
    all.extend(network_policies.iter().cloned());
    all
}

impl Row {
    /// The row's policies, none of which may be refused.
    fn rules(&self, snapshot: &Snapshot) -> Ruleset {
        let all: Vec<_> = self.cnps.iter().chain(&self.nps).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": all});
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

/// Judges a whole table; both evaluators must say what it says.
fn tally(base: &Path, table: &Path) -> Tally {
    let base = Base::read(base);
    let manifests = base.manifests();
    let mut tally = Tally::default();
    for line in lines(table) {
        let row: Row = serde_json::from_str(&line).unwrap();
        let snapshot = base.snapshot(&row.namespaces);
        let place = |name: &str| base.pods.keys().position(|it| it == name).expect(name);
        let (from, to) = (place(&row.src), place(&row.dst));
        let protocol: Protocol = row.protocol.parse().unwrap();
        let port = Port { protocol, number: row.port };
        let flow = Flow {
            source: Endpoint::Pod(from),
            destination: Endpoint::Pod(to),
            port,
            family: Family::V4,
            through_service: false,
        };
        let judgement = judge(&snapshot, &row.rules(&snapshot), &flow);
        let cluster = cluster(&manifests, &row.namespaces, &row.cnps, &row.nps);
        let flow = naive_flow(&cluster, (from, to), port);
        let naively = verdict_of(answer(&cluster, &flow).0);
        let expected = match row.expect.as_str() {
            "allow" => Verdict::Allowed,
            "deny" => Verdict::Denied,
            other => panic!("unknown word {other:?} in the table"),
        };
        tally.judged += 1;
        if [judgement.verdict, naively] != [expected; 2] {
            let (egress, ingress) = (judgement.egress.reason, judgement.ingress.reason);
            tally.wrong.push(format!(
                "{}: {}: {} → {} {}/{}: {:?} ({egress:?}, {ingress:?}), naively {naively:?}, not \
                 {expected:?}",
                row.test, row.subtest, row.src, row.dst, row.port, row.protocol, judgement.verdict
            ));
        }
    }
    tally
}

#[test]
fn every_verdict_of_the_clusternetworkpolicy_table() {
    let tally = tally(&own(BASE), &own(TABLE));
    tally.expect_none_wrong(&own(TABLE));
    assert!(tally.judged > 800, "the table has only {} rows", tally.judged);
}

#[test]
fn every_verdict_of_a_lent_clusternetworkpolicy_table() {
    let (Some(base), Some(table)) = (lent(BASE), lent(TABLE)) else { return };
    let tally = tally(&base, &table);
    tally.expect_none_wrong(&table);
    assert!(tally.judged > 300, "the table has only {} rows", tally.judged);
}
