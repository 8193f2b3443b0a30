//! What metrics-server asks of the kubelets.
//!
//! In: a snapshot and its rules. Out: one flow for each workload that is metrics-server. Source:
//! docs/semantics/system.md#metrics-server.

use super::why::why;
use super::{System, SystemFlow, SystemKind, found};
use crate::cluster::{ObjectRef, PodId, Port, Protocol, Snapshot};
use crate::ends::{Endpoint, PortText, PortWanted, Resolved, Unseen, names};
use crate::policy::Ruleset;
use crate::verdict::{Question, Verdict, explain};
use std::collections::BTreeMap;

/// The labels by which its own manifests and its chart know it.
const LABELS: [(&str, &str); 2] =
    [("k8s-app", "metrics-server"), ("app.kubernetes.io/name", "metrics-server")];

/// Where the kubelet serves its API, unless it is told otherwise.
const KUBELET: Port = Port { protocol: Protocol::Tcp, number: 10250 };

/// Adds what is collected.
pub fn metrics(snapshot: &Snapshot, rules: &Ruleset, all: &mut System) {
    let mut servers: BTreeMap<ObjectRef, Vec<PodId>> = BTreeMap::new();
    for (id, pod) in snapshot.pods().iter().enumerate() {
        let is = LABELS.iter().any(|(key, value)| pod.labels.get(key) == Some(value));
        if is && !pod.finished && snapshot.representative(id).is_none() {
            servers.entry(names::workload(snapshot, pod)).or_default().push(id);
        }
    }
    let nodes = 0..snapshot.nodes.len();
    let kubelets: Vec<Endpoint> = if nodes.is_empty() {
        vec![Endpoint::Unseen(Unseen::AnotherNode)]
    } else {
        nodes.map(Endpoint::Node).collect()
    };
    let to = "the kubelet of every node";
    for (object, pods) in servers {
        let end = |label: &str, endpoints| Resolved {
            object: None,
            label: label.to_owned(),
            service: None,
            endpoints,
            ways: Vec::new(),
            notes: Vec::new(),
        };
        let label = object.to_string();
        let source = found(end(&label, pods.into_iter().map(Endpoint::Pod).collect()));
        let destination = found(end(to, kubelets.clone()));
        let port = PortText::Number(KUBELET.number);
        let port = PortWanted { port, protocol: Some(KUBELET.protocol) };
        let question = Question {
            source: &source,
            destination: &destination,
            port: Some(&port),
            namespace: "default",
        };
        let (verdict, why) = match explain(snapshot, rules, &question) {
            Ok(explanation) => (explanation.verdict(), why(rules, &explanation, &label, to)),
            Err(error) => (Some(Verdict::Unknown), Some(error.to_string())),
        };
        let passes = verdict == Some(Verdict::Allowed);
        all.flows.push(SystemFlow {
            kind: SystemKind::Metrics,
            by: "metrics-server".to_owned(),
            source: label,
            destination: to.to_owned(),
            namespaces: object.namespace.iter().cloned().collect(),
            ports: vec![KUBELET],
            verdict,
            why,
            then: (!passes)
                .then(|| "`kubectl top` and autoscaling then have no figures".to_owned()),
        });
    }
}
