//! Files of NetAssert, proved instead of tried.

use super::at;
use crate::harness::Files;
use crate::run::{list, netpol, text};

const SHOP: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: i}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]
";

fn probe(name: &str, port: u16, exit_code: u8, dst: &str) -> String {
    format!(
        "- name: {name}
  type: k8s
  protocol: tcp
  targetPort: {port}
  timeoutSeconds: 20
  attempts: 3
  exitCode: {exit_code}
  src: {{k8sResource: {{kind: deployment, name: web, namespace: shop}}}}
  dst: {dst}
"
    )
}

#[test]
fn probes_become_proofs() {
    let db = "{k8sResource: {kind: statefulset, name: db, namespace: shop}}";
    let gone = "{k8sResource: {kind: daemonset, name: db, namespace: shop}}";
    let own = "{host: {name: 0.0.0.0}}";
    let outside = "{host: {name: 203.0.113.9}}";
    let probes = [
        probe("reaches", 5432, 0, db),
        probe("does not", 5433, 1, db),
        probe("is broken", 5433, 0, db),
        probe("is open", 443, 1, outside),
        probe("itself", 333, 1, own),
        probe("is not there", 5432, 0, gone),
    ];
    let text_of = format!("---\n{}", probes.concat());
    let files = Files::new(&[("k8s/a.yaml", SHOP), ("netassert.yaml", &text_of)]);
    let words = ["test", &at(&files, "netassert.yaml"), "-f", &at(&files, "k8s"), "-o", "json"];
    let run = netpol(&words);
    assert_eq!(run.code, 1, "{run:?}");
    let answer = run.json();
    let outcomes: Vec<(&str, &str)> = list(&answer, "/tests")
        .iter()
        .map(|test| (text(test, "/name"), text(test, "/outcome")))
        .collect();
    assert_eq!(
        outcomes,
        [
            ("reaches", "Proved"),
            ("does not", "Proved"),
            ("is broken", "Broken"),
            ("is open", "Broken"),
            ("itself", "NotKnown"),
            ("is not there", "Broken"),
        ],
        "{answer:#}"
    );
    let notes: Vec<&str> =
        list(&answer, "/notes").iter().filter_map(|note| note.as_str()).collect();
    let note = notes.iter().find(|note| note.contains("netassert.yaml is a file of NetAssert"));
    assert!(note.is_some_and(|note| note.contains("attempts")), "{notes:?}");
    assert_eq!(list(&answer, "/tests")[0]["location"]["line"], 2);
}

#[test]
fn files_that_are_not_its_own() {
    for (probes, part) in [
        ("- {}\n", "it is no file of tests"),
        ("- {type: k8s}\n", "a probe needs a name"),
        ("- {name: a, type: k8s, targetPort: x}\n", "targetPort"),
        ("- {name: a, type: vm, src: {}, dst: {}}\n", "is none that NetAssert has"),
    ] {
        let files = Files::new(&[("k8s/a.yaml", SHOP), ("t.yaml", probes)]);
        let run = netpol(&["test", &at(&files, "t.yaml"), "-f", &at(&files, "k8s")]);
        assert_eq!(run.code, 2, "{probes}: {run:?}");
        assert!(run.stderr.contains(part), "{probes}: {run:?}");
    }
}
