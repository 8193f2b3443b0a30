//! Workloads that only one side has, and what is known only.

use super::*;

/// A policy under which d takes connections from b at 80 and opens none but to c.
const OF_D: &str = "
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: d, namespace: default}
spec:
  podSelector: {matchLabels: {app: d}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{podSelector: {matchLabels: {app: b}}}], ports: [{port: 80}]}]
  egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}}]}]
";

const D: &str = "
---
{apiVersion: v1, kind: Pod, metadata: {name: d, namespace: default, labels: {app: d}}}
";

/// What a workload that came may open itself counts as what reaches it does.
#[test]
fn a_new_workload_is_told_in_both_directions() {
    let (old, new) = (format!("{PODS}{OF_D}"), format!("{PODS}{OF_D}{D}"));
    let (code, answer) = json(&old, &new);
    assert_eq!(code, 1, "{answer:#}");
    let [fresh] = list(&answer, "/new/fresh") else { panic!("{answer:#}") };
    let flows = |pointer: &str| -> Vec<[String; 3]> {
        let row = |it: &Value| ["/scope", "/label", "/portsLabel"].map(|p| text(it, p).to_owned());
        list(fresh, pointer).iter().map(row).collect()
    };
    let words = |row: [&str; 3]| vec![row.map(str::to_owned)];
    assert_eq!(flows("/openTo"), words(["SameNamespace", "pods of default", "80/TCP"]));
    assert_eq!(
        flows("/reaches"),
        words(["OtherNamespaces", "pods of other namespaces", "every port"])
    );
    assert_eq!(answer["complete"], true);
    // One that reaches someone and is reached by no one is an opening too.
    let closed = OF_D
        .replace("[{from: [{podSelector: {matchLabels: {app: b}}}], ports: [{port: 80}]}]", "[]");
    let (old, new) = (format!("{PODS}{closed}"), format!("{PODS}{closed}{D}"));
    let run = between(&old, &new, &["--fail-on", "opened"]);
    assert_eq!(run.code, 1, "{run:?}");
    let words = "which is open to no one, and reaches pods of other\n  namespaces on every port.";
    assert!(run.stdout.contains(words), "{run:?}");
    assert_eq!(between(&new, &old, &["--fail-on", "closed"]).code, 1);
    assert_eq!(between(&new, &old, &["--fail-on", "opened"]).code, 0);
    assert_eq!(between(&old, &new, &["--fail-on", "opened", "--ignore-new"]).code, 0);
    // Open to no one and reaching no one, it opens nothing.
    let nothing = closed.replace(
        "[{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}}]}]",
        "[]",
    );
    let (old, new) = (format!("{PODS}{nothing}"), format!("{PODS}{nothing}{D}"));
    let run = between(&old, &new, &[]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("which is open to no one, and reaches no one."), "{run:?}");
}

/// Without pods that are written nowhere, what no known pod shows is not told, and that is said.
#[test]
fn known_only_leaves_out_what_is_written_nowhere() {
    let policy = |peer: &str| POLICY.replace("{app: b}", peer);
    let [old, new] = ["{app: b}", "{app: x}"].map(|peer| format!("{PODS}{}", policy(peer)));
    let (code, answer) = json(&old, &new);
    let from: Vec<String> = rows(&answer).into_iter().map(|[_, from, ..]| from).collect();
    assert_eq!((code, from), (1, vec!["pods[app=x] in default".into(), "default/pod/b".into()]));
    let run = between(&old, &new, &["--known-only"]);
    assert!(run.stdout.starts_with("1 closed\n"), "{run:?}");
    let note = "only pods that are written or running were compared.";
    assert!(run.stdout.contains(note), "{run:?}");
    assert_eq!(between(&old, &new, &["--known-only", "--fail-on", "opened"]).code, 0);
    // With no pod on both sides there is nothing to compare.
    let without = |text: &str| text.replace(PODS, "");
    let run = between(&without(&old), &without(&new), &["--known-only"]);
    assert_eq!(run.code, 3, "{run:?}");
}

/// With every policy in the input nothing is asked of others.
#[test]
fn policies_complete_asks_for_no_others() {
    let new = format!("{PODS}{POLICY}");
    let run = between(PODS, &new, &["--fail-on", "opened"]);
    assert_eq!(run.code, 3, "{run:?}");
    let run = between(PODS, &new, &["--fail-on", "opened", "--policies-complete"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(!run.stdout.contains("another policy"), "{run:?}");
}
