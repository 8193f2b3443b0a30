//! What if: objects laid over others, and removed.

use super::*;
use crate::cluster::ObjectRef;

fn objects(text: &str) -> Objects {
    decode(text).0
}

fn pods(objects: Objects) -> Vec<String> {
    let (snapshot, _) = objects.assemble();
    snapshot.pods().iter().map(|pod| format!("{} {}", pod.name, pod.labels)).collect()
}

fn deployment(labels: &str, image: &str) -> String {
    format!(
        "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web}}, spec: {{template: \
         {{metadata: {{labels: {{{labels}}}}}, spec: {{containers: [{{image: {image}}}]}}}}}}}}"
    )
}

const POD: &str = "
---
apiVersion: v1
kind: Pod
metadata:
  name: web-1-x
  labels: {app: web, pod-template-hash: '1'}
  ownerReferences: [{kind: ReplicaSet, name: web-1, controller: true}]
";

/// Pods are replaced when their template changes in what policies see; a new image changes nothing.
#[test]
fn a_changed_template_replaces_the_running_pods() {
    let live = objects(&format!("{}{POD}", deployment("app: web", "a")));
    let mut same = live.clone();
    same.overlay(objects(&deployment("app: web", "b")));
    assert_eq!(pods(same), ["web-1-x app=web,pod-template-hash=1"]);
    let mut changed = live.clone();
    changed.overlay(objects(&deployment("app: web, role: front", "a")));
    assert_eq!(pods(changed), ["web app=web,role=front"]);
    let mut removed = live;
    assert!(removed.remove(&ObjectRef::namespaced("Deployment", "default", "web")));
    assert!(!removed.remove(&ObjectRef::namespaced("Deployment", "default", "web")));
    assert_eq!(pods(removed), [""; 0]);
}

#[test]
fn a_policy_replaces_the_one_of_its_name() {
    let policy = |name: &str, spec: &str| {
        format!(
            "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: {name}}}, spec: {spec}}}\n---\n"
        )
    };
    let mut all = objects(&format!("{}{}", policy("a", "{}"), policy("b", "{}")));
    all.overlay(objects(&policy("a", "{policyTypes: [Egress]}")));
    assert_eq!(all.len(), 2);
    let (_, written) = all.clone().assemble();
    assert_eq!(written.objects.len(), 2);
    // One that cannot be decoded is in the way of the old one too: kubectl would refuse it.
    all.overlay(objects(&policy("b", "{ingres: []}")));
    let (_, written) = all.assemble();
    assert_eq!((written.objects.len(), written.undecodable.len()), (1, 1));
}
