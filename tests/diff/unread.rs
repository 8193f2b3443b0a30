//! What was not read, or is refused: it makes "not known" only where it could turn the answer.

use super::*;
use crate::random::build;
use netpol::answer::{Compared, DiffAsked, DiffReport, Missing};
use netpol::effort::Effort;
use serde_json::json as object;

/// A policy of a kind that is not judged.
const OTHER: &str = "
---
{apiVersion: crd.antrea.io/v1beta1, kind: NetworkPolicy, metadata: {name: x}, spec: {}}
";

/// What nothing is known of: it may be anything.
const TEMPLATE: &str = "
---
{{ if .Values.x }}
a: {{ .Values.b }
";

/// A policy that only one side has, and that is not read, may change any flow.
#[test]
fn what_one_side_has_may_change_flows() {
    let new = format!("{PODS}{OTHER}");
    let run = between(PODS, &new, &[]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.starts_with("no flow is known to change\n"), "{run:?}");
    assert!(run.stdout.contains("not known: what is not read may change flows: "), "{run:?}");
    assert!(run.stdout.contains("NetworkPolicy.crd.antrea.io is not judged"), "{run:?}");
    let (_, answer) = json(PODS, &new);
    assert_eq!(answer["summary"]["unread"], 1);
    assert_eq!(answer["complete"], false);
    assert_eq!(text(&answer, "/missing/0/why"), "Unread");
    // The same, gone; and what failed only where something closes.
    assert_eq!(between(&new, PODS, &["--fail-on", "closed"]).code, 3);
    // By its kind, with or without its group, or by its path.
    for word in ["NetworkPolicy", "networkpolicy.crd.antrea.io", "new.yaml"] {
        let run = between(PODS, &new, &["--accept-unread", word]);
        assert_eq!(run.code, 0, "{word}: {run:?}");
        assert!(run.stdout.starts_with("no flow changes\n"), "{run:?}");
        assert!(run.stdout.contains("warning: not read, as accepted: "), "{run:?}");
    }
    let run = between(PODS, &new, &["--accept-unread", "old.yaml"]);
    assert_eq!(run.code, 3, "{run:?}");
}

/// What is found goes before what is not known.
#[test]
fn found_goes_before_not_known() {
    let (old, new) = (format!("{PODS}{POLICY}"), format!("{PODS}{OTHER}"));
    for fail_on in ["any", "opened"] {
        let run = between(&old, &new, &["--fail-on", fail_on]);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.stdout.contains(" opened in what was read\n"), "{run:?}");
    }
    assert_eq!(between(&old, &new, &["--fail-on", "closed"]).code, 3);
}

/// The same text on both sides says the same, wherever it stands and whatever stands beside it.
#[test]
fn what_is_the_same_on_both_sides_is_one_line() {
    let more = POLICY.replace("{port: 81}", "{port: 81}, {port: 82}");
    let [one, two] = [POLICY, &more].map(|policy| format!("{PODS}{policy}{OTHER}"));
    let run = between(&one, &one, &[]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.starts_with("no flow changes\n"), "{run:?}");
    let line = "warning: not read, and the same on both sides: ";
    assert_eq!(run.stdout.matches(line).count(), 1, "{run:?}");
    // The policy isolates what it admits on both sides, so that none of others could turn it.
    let run = between(&two, &one, &["--fail-on", "opened"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.starts_with("1 closed\n"), "{run:?}");
    // The same kind with another text may say something else.
    let changed = one.replace("spec: {}", "spec: {order: 1}");
    assert_eq!(between(&one, &changed, &[]).code, 3);
    let template = |text: &str| format!("{PODS}{TEMPLATE}").replace("Values.b", text);
    assert_eq!(between(&template("b"), &template("b"), &[]).code, 0);
    assert_eq!(between(&template("b"), &template("c"), &[]).code, 3);
}

/// A policy that was not read may isolate what a rule that comes opens then.
#[test]
fn what_is_the_same_may_isolate() {
    let [old, new] = ["", POLICY].map(|policy| format!("{PODS}{policy}{OTHER}"));
    let words = ["--fail-on", "opened", "--policies-complete"];
    let run = between(&old, &new, &words);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.contains("Opens where another policy isolates:\n"), "{run:?}");
    let accepted = [&words[..], &["--accept-unread", "NetworkPolicy"]].concat();
    assert_eq!(between(&old, &new, &accepted).code, 0);
}

/// Of what is refused on one side only nobody knows what is in force.
#[test]
fn what_is_refused_on_one_side_is_not_known() {
    let faulty = POLICY.replace("{port: 80}", "{port: 0}").replace("only-b", "more");
    let (old, new) = (format!("{PODS}{POLICY}"), format!("{PODS}{POLICY}{faulty}"));
    let run = between(&old, &new, &[]);
    assert_eq!(run.code, 3, "{run:?}");
    let words = "not known: what is refused may stay as it was, or not come to be:\n  \
                 default/netpol/more;";
    assert!(run.stdout.contains(words), "{run:?}");
    assert_eq!(between(&new, &new, &[]).code, 0);
    assert_eq!(between(&old, &new, &["--accept-unread", "NetworkPolicy"]).code, 0);
}

/// A selector that nothing can match is told where it comes.
#[test]
fn selectors_that_nothing_matches_are_told() {
    let dead = POLICY.replace(
        "- from: [{podSelector: {matchLabels: {app: b}}}]",
        "- from: [{podSelector: {matchLabels: {app: b}, matchExpressions: \
         [{key: app, operator: NotIn, values: [b]}]}}]",
    );
    let (old, new) = (format!("{PODS}{POLICY}"), format!("{PODS}{dead}"));
    let (code, answer) = json(&old, &new);
    assert_eq!(code, 1, "{answer:#}");
    let message = text(&answer, "/warnings/0/message");
    assert!(message.contains("default/netpol/only-b ingress[0]"), "{message}");
    assert!(message.contains("nothing can match pods[app"), "{message}");
    assert!(json(&new, &new).1["warnings"].is_null());
}

/// Of a search that is given up nothing is called the same, of a workload that came neither.
#[test]
fn what_is_given_up_is_not_known() {
    let pod = |name: &str| {
        let metadata = object!({"name": name, "namespace": "default", "labels": {"app": "a"}});
        object!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {}})
    };
    let admits = |app: &str| {
        let peers = object!([{"podSelector": {"matchLabels": {"app": app}}}]);
        object!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "p", "namespace": "default"},
            "spec": {"podSelector": {"matchLabels": {"app": "a"}}, "ingress": [{"from": peers}]},
        })
    };
    let changed = [vec![pod("a"), admits("b")], vec![pod("a"), admits("x")]];
    let came = [vec![pod("a"), admits("b")], vec![pod("a"), pod("n"), admits("b")]];
    for both in [changed, came] {
        let told = |search| {
            let [mut old, mut new] = both.each_ref().map(|objects| build(objects).unwrap());
            let [old, new] = [&mut old, &mut new].map(|built| Compared {
                name: "side",
                arguments: &[],
                piped_from: &[],
                snapshot: &mut built.snapshot,
                rules: &built.rules,
                locate: &|_, _| None,
            });
            let asked = DiffAsked {
                policies_complete: true,
                effort: Effort { search, ..Effort::default() },
                ..Default::default()
            };
            let report = DiffReport::compare([old, new], &asked).unwrap();
            (report.complete, report.missing.iter().any(|it| it.why == Missing::GivenUp))
        };
        assert_eq!(told(Effort::default().search), (true, false), "{both:?}");
        assert_eq!(told(0), (false, true), "{both:?}");
    }
}
