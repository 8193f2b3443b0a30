//! What a change does to tests: `diff --tests`.

use super::{HEAD, at};
use crate::harness::Files;
use crate::run::{list, netpol, text};

const PODS: &str = "
{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop, labels: {app: a}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: shop, labels: {app: b}}}
";

fn policy(from: &str) -> String {
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: a, namespace: shop}}\nspec:\n  \
         podSelector: {{matchLabels: {{app: a}}}}\n  ingress: [{{from: [{{podSelector: {{matchLabels: {{app: \
         {from}}}}}}}]}}]\n"
    )
}

/// Both sides, with tests: b reaches a, nobody else does, and c is not asked about.
fn files() -> Files {
    let tests = format!(
        "{HEAD}- name: b reaches a\n  reason: it asks for names\n  allow: {{from: shop/b, to: shop/a}}\n- name: nobody \
         else\n  only: {{to: shop/a, from: [shop/b]}}\n- name: c alone\n  only: {{to: shop/a, from: \
         ['shop/pods[app=c]']}}\n  may-be-empty: true\n- name: b\n  deny: {{from: shop/a, to: shop/b}}\n"
    );
    let old = format!("{PODS}{}", policy("b"));
    let new = format!("{PODS}{}", policy("c"));
    Files::new(&[("old/a.yaml", &old), ("new/a.yaml", &new), ("t.yaml", &tests)])
}

#[test]
fn diff_says_which_tests_a_change_breaks() {
    let files = files();
    let (old, new, tests) = (at(&files, "old"), at(&files, "new"), at(&files, "t.yaml"));
    let run = netpol(&["diff", &old, &new, "--tests", &tests, "-o", "json"]);
    assert_eq!(run.code, 1, "{run:?}");
    let answer = run.json();
    assert_eq!(answer["tests"]["asked"], 4, "{answer:#}");
    let worse = list(&answer, "/tests/worse");
    let names: Vec<(&str, &str)> =
        worse.iter().map(|test| (text(test, "/name"), text(test, "/outcome"))).collect();
    assert_eq!(names, [("b reaches a", "Broken"), ("nobody else", "Broken")], "{answer:#}");
    assert_eq!(text(&worse[0], "/reason"), "it asks for names");
    assert_eq!(answer["tests"]["mended"], serde_json::json!(["c alone"]));
    assert_eq!(answer["tests"]["stillBroken"], serde_json::json!(["b"]));
    // It is told below the flows, and counts whatever else is to fail.
    let run = netpol(&["diff", &old, &new, "--tests", &tests]);
    assert!(run.stdout.contains("4 tests: 2 worse than before, 1 mended, 1 broken as before."));
    assert!(run.stdout.contains("because: it asks for names"), "{run:?}");
    let same = netpol(&["diff", &old, &old, "--tests", &tests, "-o", "json"]);
    assert_eq!(same.code, 0, "{same:?}");
    assert_eq!(list(&same.json(), "/tests/worse").len(), 0);
    let missing = netpol(&["diff", &old, &new, "--tests", &at(&files, "none.yaml")]);
    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(missing.stderr.contains("reading the tests"), "{missing:?}");
}
