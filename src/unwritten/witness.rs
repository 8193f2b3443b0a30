//! Representatives as manifests.
//!
//! In: pods of a snapshot. Out: the namespaces that are there for them only, and the pods, as a cluster
//! would have them: put beside the input, every verdict about them is as it was.

use crate::cluster::{Labels, PodId, Snapshot, real_namespace};
use serde_json::{Value, json};

/// The pods as manifests, each once for each time that it is given, after their namespaces. They are
/// called `witness-1` and so on, in order.
pub fn witness(snapshot: &Snapshot, pods: &[PodId]) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for id in pods {
        let name = &snapshot.pod(*id).namespace;
        if let Some(namespace) = snapshot.namespace(name).filter(|namespace| namespace.supposed) {
            let manifest = json!({
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": real_namespace(name), "labels": map(&namespace.labels)},
            });
            if !all.contains(&manifest) {
                all.push(manifest);
            }
        }
    }
    all.extend((1..).zip(pods).map(|(number, id)| pod(snapshot, *id, number)));
    all
}

fn map(labels: &Labels) -> Value {
    labels.iter().map(|(key, value)| (key.to_owned(), json!(value))).collect()
}

fn pod(snapshot: &Snapshot, id: PodId, number: usize) -> Value {
    let pod = snapshot.pod(id);
    let ports: Vec<Value> = pod
        .ports
        .iter()
        .map(|port| {
            let (protocol, number) = (port.port.protocol.as_str(), port.port.number);
            json!({"name": port.name, "containerPort": number, "protocol": protocol})
        })
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": format!("witness-{number}"),
            "namespace": real_namespace(&pod.namespace),
            "labels": map(&pod.labels),
        },
        "spec": {
            "serviceAccountName": pod.service_account,
            "containers": [{"name": "witness", "image": "example.invalid/witness", "ports": ports}],
        },
    })
}
