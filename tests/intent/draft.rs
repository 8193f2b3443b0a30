//! A first file of tests: what it says is proved when it is asked again.

use super::at;
use crate::harness::Files;
use crate::random::rules::complete_rules;
use crate::random::{Random, build, complete_cluster, hold};
use crate::run::{netpol, netpol_with};
use netpol::effort::Effort;
use netpol::intent::{Asks, Holds, draft, from_yaml, judge};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many tests of each kind were drafted: all of it is to be drawn.
static DRAFTED: [AtomicUsize; 6] = [const { AtomicUsize::new(0) }; 6];

fn kind(asks: &Asks) -> usize {
    match asks {
        Asks::Exposed { .. } => 0,
        Asks::DefaultDeny { .. } => 1,
        Asks::Dns { .. } => 2,
        Asks::Only { .. } => 3,
        Asks::OnlyTo { .. } => 4,
        _ => 5,
    }
}

/// A test of a draft that is not proved.
fn drafted(cluster: &[Value], _: u64) -> Option<String> {
    let mut world = build(cluster)?;
    let drafted = match draft(&world.snapshot, &world.rules, Effort::default()) {
        Ok(drafted) => drafted,
        Err(error) => return Some(error.to_string()),
    };
    if drafted.tests == 0 {
        return (!drafted.text.is_empty()).then(|| "text without tests".to_owned());
    }
    let file = match from_yaml(&drafted.text) {
        Ok(file) => file,
        Err(error) => return Some(format!("{error}\n{}", drafted.text)),
    };
    if file.tests.len() != drafted.tests {
        return Some(format!("not {} tests: {}", drafted.tests, drafted.text));
    }
    let judged = judge(&mut world.snapshot, &world.rules, &file.tests, "other", Effort::default());
    for (test, judged) in file.tests.iter().zip(judged.ok()?) {
        DRAFTED[kind(&test.asks)].fetch_add(1, Ordering::Relaxed);
        if judged.holds != Holds::Proved {
            return Some(format!("{test:?} is {judged:?}\n{}", drafted.text));
        }
    }
    None
}

fn closed(r: &mut Random) -> Vec<Value> {
    let all = complete_cluster(r);
    close(r, all, 60)
}

/// The same with a policy for every pod of so many of the namespaces in a hundred, which closes it both ways.
pub(super) fn close(r: &mut Random, mut all: Vec<Value>, percent: usize) -> Vec<Value> {
    for name in ["n1", "n2", "n3"] {
        if r.percent(percent) {
            all.push(serde_json::json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": {"name": "closed", "namespace": name},
                "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
            }));
        }
    }
    all
}

#[test]
fn what_is_drafted_is_proved() {
    hold(60, closed, drafted);
    hold(60, complete_rules, drafted);
    // What leads in is in no random cluster, so that what it reaches is not known there.
    let [exposed, rest @ ..] = DRAFTED.each_ref().map(|count| count.load(Ordering::Relaxed));
    assert!(rest.iter().all(|count| *count > 5), "{rest:?}");
    assert_eq!(exposed, 0);
}

/// By namespace, and what it has of the repaired example is what the example says of itself.
#[test]
fn a_draft_of_the_example() {
    let run = netpol(&["test", "--draft", "-f", "examples/homekube-fixed"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
    for line in [
        "- name: \"pods are closed: ingress and egress\"",
        "- name: names resolve",
        "- name: nobody else reaches identity",
        "- name: the internet reaches nothing else",
        "- name: identity/sts/keycloak is reached",
    ] {
        assert!(run.stdout.contains(line), "{line}\n{}", run.stdout);
    }
    let again = netpol_with(&["test", "-", "-f", "examples/homekube-fixed"], run.stdout.as_bytes());
    assert_eq!(again.code, 0, "{again:?}");
    assert!(!again.stdout.contains("broken") && !again.stdout.contains("not known"), "{again:?}");
}

/// A pod always reaches itself, which is no rule's doing; that pods of one workload reach each other is one's.
#[test]
fn a_workload_reaches_itself_by_rules_alone() {
    let drafted = |from: &str, replicas: usize| {
        let pods = (0..replicas).map(|at| {
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: db-{at}, namespace: shop, labels: {{app: db}}, \
                 ownerReferences: [{{apiVersion: apps/v1, kind: StatefulSet, name: db, uid: u, controller: true}}]}}\n\
                 spec: {{containers: [{{image: i}}]}}\nstatus: {{podIP: 192.0.2.{at}}}\n---\n"
            )
        });
        let rest = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: api, namespace: shop, labels: {{app: api}}}}\n\
             spec: {{containers: [{{image: i}}]}}\n---\n\
             apiVersion: v1\nkind: Pod\nmetadata: {{name: other, namespace: shop, labels: {{app: other}}}}\n\
             spec: {{containers: [{{image: i}}]}}\n---\n\
             apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: db, namespace: shop}}\n\
             spec: {{podSelector: {{matchLabels: {{app: db}}}}, ingress: [{{from: [{from}], ports: [{{port: 5432}}]}}]}}\n"
        );
        let manifests = pods.collect::<String>() + &rest;
        let run = netpol_with(&["test", "--draft", "-f", "-"], manifests.as_bytes());
        assert_eq!(run.code, 0, "{run:?}");
        let text = run.stdout;
        let reached = text.split("- name: ").find(|it| it.starts_with("shop/sts/db is reached"));
        reached.unwrap_or_else(|| panic!("{text}")).split("to:").next().unwrap().to_owned()
    };
    let api = "{podSelector: {matchLabels: {app: api}}}";
    let both = "{podSelector: {matchExpressions: [{key: app, operator: In, values: [api, db]}]}}";
    for (from, replicas, itself) in
        [(api, 1, false), (api, 2, false), (both, 1, false), (both, 2, true)]
    {
        let sources = drafted(from, replicas);
        assert!(sources.contains("shop/pod/api"), "{sources}");
        assert_eq!(sources.matches("shop/sts/db").count(), 1 + usize::from(itself), "{sources}");
    }
}

#[test]
fn where_there_is_nothing_to_draft() {
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop}}\n";
    let chart = "---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {namespace: shop, name: web}\nspec: {chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: charts}}}}\n";
    let closed = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: c, namespace: shop}\nspec: {podSelector: {}}\n";
    let empty = netpol_with(
        &["test", "--draft", "-f", "-"],
        b"{apiVersion: v1, kind: Namespace, metadata: {name: a}}\n",
    );
    assert_eq!((empty.code, empty.stdout.as_str()), (2, ""), "{empty:?}");
    // What was not read may be otherwise: nothing would be proved.
    let part =
        netpol_with(&["test", "--draft", "-f", "-"], [pod, closed, chart].concat().as_bytes());
    assert_eq!((part.code, part.stdout.as_str()), (3, ""), "{part:?}");
    assert!(part.stderr.contains("no draft: "), "{part:?}");
    // There is nothing in what was read, and there may be in what was not.
    let unread = netpol_with(&["test", "--draft", "-f", "-"], chart.as_bytes());
    assert_eq!((unread.code, unread.stdout.as_str()), (3, ""), "{unread:?}");
    assert!(unread.stderr.contains("no draft: not all of the input was read"), "{unread:?}");
    // Nothing is closed in what was read, and what was not read may close it.
    let open = netpol_with(&["test", "--draft", "-f", "-"], [pod, chart].concat().as_bytes());
    assert_eq!((open.code, open.stdout.as_str()), (3, ""), "{open:?}");
    let why = ["no draft: ", "not all of the input was read"];
    assert!(why.iter().all(|it| open.stderr.contains(it)), "{open:?}");
    let files = Files::new(&[("a.yaml", &format!("{pod}{closed}"))]);
    let both = netpol(&["test", &at(&files, "a.yaml"), "--draft"]);
    assert_eq!(both.code, 2, "{both:?}");
}
