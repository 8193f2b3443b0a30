//! The one-flow evaluator against 123,669 verdicts of an independent simulator (cyclonus).
//!
//! The table lies beside the project in `../shared/cases`; without it the test says so.

use flate2::read::GzDecoder;
use netpol::cluster::{ContainerPort, Labels, Origin, Pod, Port, Protocol, Snapshot};
use netpol::policy::networkpolicy::{NetworkPolicy, Spec};
use netpol::policy::{Enforcer, Ruleset, Written};
use netpol::verdict::{Endpoint, Flow, Verdict, judge};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::path::Path;

const TABLE: &str = "../shared/cases/networkpolicy-truth.jsonl.gz";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    case: usize,
    step: usize,
    description: String,
    namespaces: BTreeMap<String, BTreeMap<String, String>>,
    pods: Vec<TablePod>,
    policies: Option<Vec<TablePolicy>>,
    results: Option<Vec<Row>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TablePod {
    namespace: String,
    name: String,
    labels: BTreeMap<String, String>,
    #[serde(rename = "IP")]
    ip: IpAddr,
    containers: Vec<TableContainer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TableContainer {
    port: u16,
    protocol: String,
    port_name: String,
}

#[derive(Deserialize)]
struct TablePolicy {
    metadata: Metadata,
    spec: Spec,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    namespace: String,
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
        for (name, labels) in &self.namespaces {
            let labels: Labels = labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            snapshot.add_namespace(name.as_str(), &labels, Some(Origin::Synthetic));
        }
        for pod in &self.pods {
            let ports = pod.containers.iter().map(|container| ContainerPort {
                name: Some(container.port_name.as_str().into()),
                port: Port {
                    protocol: container.protocol.parse().unwrap(),
                    number: container.port,
                },
                sidecar: false,
            });
            snapshot.add_pod(Pod {
                namespace: pod.namespace.as_str().into(),
                name: pod.name.as_str().into(),
                labels: pod.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect(),
                unknown_labels: &[],
                service_account: "default".into(),
                ips: vec![pod.ip],
                ports: ports.collect(),
                host_network: false,
                node: None,
                owner: None,
                template: false,
                ready: true,
                finished: false,
                origin: Origin::Synthetic,
            });
        }
        snapshot
    }

    fn rules(&self) -> Ruleset {
        let network_policies = self.policies.iter().flatten().map(|policy| NetworkPolicy {
            namespace: policy.metadata.namespace.as_str().into(),
            name: policy.metadata.name.as_str().into(),
            origin: Origin::Synthetic,
            spec: policy.spec.clone(),
        });
        let written =
            Written { network_policies: network_policies.collect(), ..Written::default() };
        Ruleset::compile(&written, &Snapshot::default(), &Enforcer::default())
    }
}

#[test]
fn every_verdict_of_the_networkpolicy_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE);
    let file = match std::fs::File::open(&path) {
        Ok(file) => file,
        Err(error) => {
            crate::harness::skip(&format!("cannot read {TABLE}: {error}"));
            return;
        }
    };
    let verdict = |word: &str| match word {
        "allowed" => Verdict::Allowed,
        "blocked" => Verdict::Denied,
        other => panic!("unknown word {other:?} in the table"),
    };
    let (mut judged, mut skipped) = (0_u32, 0_u32);
    let mut wrong = Vec::new();
    for line in BufReader::new(GzDecoder::new(file)).lines() {
        let state: State = serde_json::from_str(&line.unwrap()).unwrap();
        let (snapshot, rules) = (state.snapshot(), state.rules());
        let pods: HashMap<String, usize> = snapshot
            .pods()
            .iter()
            .enumerate()
            .map(|(id, pod)| (format!("{}/{}", pod.namespace, pod.name), id))
            .collect();
        for row in state.results.iter().flatten() {
            if row.from == row.to {
                // The simulator has no exemption for a pod's traffic to itself.
                skipped += 1;
                continue;
            }
            let protocol: Protocol = row.protocol.parse().unwrap();
            let flow = Flow {
                source: Endpoint::Pod(pods[&row.from]),
                destination: Endpoint::Pod(pods[&row.to]),
                port: Port { protocol, number: row.port },
                family: netpol::cluster::Family::V4,
                through_service: false,
            };
            let judgement = judge(&snapshot, &rules, &flow);
            let got = (judgement.ingress.verdict, judgement.egress.verdict, judgement.verdict);
            let expected = (verdict(&row.ingress), verdict(&row.egress), verdict(&row.combined));
            judged += 1;
            if got != expected {
                wrong.push(format!(
                    "case {} step {} ({}): {} → {} {}/{}: {got:?}, not {expected:?}",
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
    assert!(
        wrong.is_empty(),
        "{} of {judged} differ:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    println!("{judged} judged, {skipped} skipped");
    assert!(judged > 100_000, "the table has only {judged} rows between different pods");
}
