//! Verdicts of NetworkPolicy v1, a state of a cluster a line; tests/cases/README.md has the form.
//!
//! Cyclonus' simulator gives such a table with 123,669 verdicts, which can be lent by the same name.

use super::{
    Tally, Written, add_namespaces, lent, lines, manifests_of, naive_flow, own, pod, verdict_of,
};
use crate::random::naive::{answer, sides};
use netpol::cluster::{ContainerPort, Family, Origin, Port, Protocol, Snapshot};
use netpol::policy::networkpolicy::Spec;
use netpol::policy::{Enforcer, Ruleset, Written as Policies};
use netpol::verdict::{Endpoint, Flow, Verdict, judge};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::Path;

pub(super) const TABLE: &str = "networkpolicy-truth.jsonl.gz";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct State {
    case: usize,
    step: usize,
    description: String,
    namespaces: BTreeMap<String, Written>,
    pods: Vec<TablePod>,
    policies: Option<Vec<Value>>,
    results: Option<Vec<Row>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TablePod {
    namespace: String,
    name: String,
    labels: Written,
    #[serde(rename = "IP")]
    ip: IpAddr,
    containers: Vec<TableContainer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TableContainer {
    port: u16,
    protocol: String,
    port_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    from: String,
    to: String,
    port: u16,
    protocol: String,
    ingress: String,
    egress: String,
    combined: String,
}

impl State {
    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        add_namespaces(&mut snapshot, &self.namespaces);
        for written in &self.pods {
            let ports = written.containers.iter().map(|container| ContainerPort {
                name: container.port_name.as_deref().map(Into::into),
                port: Port {
                    protocol: container.protocol.parse().unwrap(),
                    number: container.port,
                },
                host_port: None,
                sidecar: false,
            });
            let TablePod { namespace, name, labels, .. } = written;
            snapshot.add_pod(pod((namespace, name), labels, written.ip, ports));
        }
        snapshot
    }

    fn rules(&self) -> Ruleset {
        let objects = self.policies.iter().flatten().map(|policy| {
            let text = |field: &str| policy["metadata"][field].as_str().unwrap();
            let spec: Spec = serde_json::from_value(policy["spec"].clone()).unwrap();
            spec.named(text("namespace"), text("name"), Origin::Synthetic)
        });
        let written = Policies { objects: objects.collect(), ..Policies::default() };
        Ruleset::compile(&written, &Snapshot::default(), &Enforcer::default())
    }

    /// The pods first, in their order, then all else.
    pub(super) fn manifests(&self) -> Vec<Value> {
        let pods = self.pods.iter().map(|pod| {
            let ports = pod.containers.iter().map(|container| {
                let TableContainer { port, protocol, port_name } = container;
                json!({"name": port_name, "containerPort": port, "protocol": protocol})
            });
            json!({
                "kind": "Pod",
                "metadata": {"namespace": pod.namespace, "name": pod.name, "labels": pod.labels},
                "spec": {"containers": [{"ports": ports.collect::<Vec<_>>()}]},
                "status": {"podIPs": [{"ip": pod.ip}]},
            })
        });
        let policies = self.policies.iter().flatten().map(|policy| {
            let mut policy = policy.clone();
            policy["kind"] = json!("NetworkPolicy");
            policy
        });
        pods.chain(manifests_of(&self.namespaces)).chain(policies).collect()
    }
}

fn verdict(word: &str) -> Verdict {
    match word {
        "allowed" => Verdict::Allowed,
        "blocked" => Verdict::Denied,
        other => panic!("unknown word {other:?} in the table"),
    }
}

/// Judges a whole table; both evaluators must say for each side and for both what it says.
fn tally(path: &Path) -> Tally {
    let mut tally = Tally::default();
    for line in lines(path) {
        let state: State = serde_json::from_str(&line).unwrap();
        let (snapshot, rules, manifests) = (state.snapshot(), state.rules(), state.manifests());
        let pods = state.pods.iter().enumerate();
        let pods: HashMap<String, usize> =
            pods.map(|(id, pod)| (format!("{}/{}", pod.namespace, pod.name), id)).collect();
        for row in state.results.iter().flatten() {
            if row.from == row.to {
                // The simulator has no exemption for a pod's traffic to itself.
                tally.skipped += 1;
                continue;
            }
            let (from, to) = (pods[&row.from], pods[&row.to]);
            let protocol: Protocol = row.protocol.parse().unwrap();
            let port = Port { protocol, number: row.port };
            let flow = Flow {
                source: Endpoint::Pod(from),
                destination: Endpoint::Pod(to),
                port,
                family: Family::V4,
                through_service: false,
            };
            let judgement = judge(&snapshot, &rules, &flow);
            let got = [judgement.egress.verdict, judgement.ingress.verdict, judgement.verdict];
            let flow = naive_flow(&manifests, (from, to), port);
            let [egress, ingress] = sides(&manifests, &flow);
            let both = answer(&manifests, &flow);
            let naively = [egress, ingress, both].map(|(answer, _)| verdict_of(answer));
            let expected = [&row.egress, &row.ingress, &row.combined].map(|word| verdict(word));
            tally.judged += 1;
            if [got, naively] != [expected; 2] {
                tally.wrong.push(format!(
                    "case {} step {} ({}): {} → {} {}/{}: {got:?}, naively {naively:?}, not \
                     {expected:?}",
                    state.case,
                    state.step,
                    state.description,
                    row.from,
                    row.to,
                    row.port,
                    row.protocol
                ));
            }
        }
    }
    tally
}

#[test]
fn every_verdict_of_the_networkpolicy_table() {
    let tally = tally(&own(TABLE));
    tally.expect_none_wrong(&own(TABLE));
    assert!(tally.judged > 5_000, "the table has only {} rows", tally.judged);
}

#[test]
fn every_verdict_of_a_lent_networkpolicy_table() {
    let Some(path) = lent(TABLE) else { return };
    let tally = tally(&path);
    tally.expect_none_wrong(&path);
    assert!(tally.judged > 100_000, "the table has only {} rows", tally.judged);
}
