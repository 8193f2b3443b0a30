//! What stops at a limit, and what is said of it.

use crate::random::{Random, build, complete_cluster};
use crate::run::netpol;
use netpol::answer::{FlowList, ListAsked};
use netpol::effort::{Deadline, Effort, TooMuch, Work};
use netpol::reach::{Connectivity, diff};
use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

/// Reading ends with its time, and so does each engine.
#[test]
fn time_is_a_limit_of_all() {
    let run = netpol(&["list", "-f", "examples/homekube", "--limits", "time=0"]);
    assert_eq!((run.code, &*run.stdout), (2, ""), "{run:?}");
    assert!(run.stderr.contains("too much to read: more than 0 seconds; "), "{run:?}");
    let run = netpol(&["list", "-f", "examples/homekube", "--limits", "time=1000000000000"]);
    assert_eq!(run.code, 0, "{run:?}");

    let cluster = complete_cluster(&mut Random::new(1));
    let world = build(&cluster).unwrap();
    let (snapshot, rules) = (&world.snapshot, &world.rules);
    let before = Instant::now().checked_sub(Duration::from_secs(2)).unwrap();
    let until = Some(Deadline::after(before, 1));
    let effort = Effort { until, ..Effort::default() };
    let late = Some(TooMuch { work: Work::Time, limit: 1 });
    assert_eq!(Connectivity::compute(snapshot, rules, effort).err(), late);
    assert_eq!(diff((snapshot, rules), (snapshot, rules), effort).err(), late);
    let asked = ListAsked::default();
    let list = FlowList::new(snapshot, rules, &asked, None, &|_, _| None, effort);
    assert_eq!(list.err(), late);
}

/// Reasons of rows have steps of their own, and rows without them are told and counted.
#[test]
fn rows_beyond_the_steps_have_no_reason_and_that_is_said() {
    let mut ports = String::new();
    for i in 0..300 {
        let _ = write!(ports, "{{port: {}}}, ", 1000 + 2 * i);
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.yaml");
    let text = format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: p, namespace: a, labels: {{a: b}}}}}}\n---\n\
         {{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: web, namespace: a}}, \
         spec: {{podSelector: {{}}, ingress: [{{ports: [{ports}]}}, {{from: [{{ipBlock: {{cidr: \
         10.0.0.0/8}}}}], ports: [{ports}]}}]}}}}\n"
    );
    fs::write(&file, text).unwrap();
    let asked = ["list", "-f", file.to_str().unwrap(), "--exposed", "--known-only", "-o", "json"];
    let all = netpol(&asked);
    let some = netpol(&[&asked[..], &["--limits", "steps=3000"]].concat());
    for (run, explained) in [(&all, true), (&some, false)] {
        assert_eq!(run.code, 0, "{run:?}");
        let list: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let flow = &list["flows"][0];
        assert_eq!(flow["source"]["label"], "anyone", "{flow}");
        assert_eq!(flow["reason"].is_string(), explained, "{flow}");
        let told = list["notes"].to_string().contains("1 of the rows have no reason");
        assert_eq!(told, !explained, "{}", list["notes"]);
    }
}

/// Pairs of pods times ports times rules.
#[test]
fn an_explanation_of_too_much_is_refused() {
    let mut text = String::new();
    for i in 0..60 {
        let _ = writeln!(
            text,
            "{{apiVersion: v1, kind: Pod, metadata: {{name: p{i}, namespace: a, labels: {{k: v{i}}}}}}}\n---"
        );
    }
    for i in 0..150 {
        let _ = writeln!(
            text,
            "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: n{i}, namespace: \
             a}}, spec: {{podSelector: {{matchExpressions: [{{key: k, operator: NotIn, values: [v{}]}}]}}, \
             ingress: [{{ports: [{{port: {}}}]}}]}}}}\n---",
            i % 60,
            1000 + 2 * i
        );
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.yaml");
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let run = netpol(&["explain", "-f", file, "ns/a", "ns/a"]);
    assert_eq!((run.code, &*run.stdout), (2, ""), "{run:?}");
    assert!(run.stderr.contains("too much to work out: policies tell apart 3"), "{run:?}");
    let run = netpol(&["explain", "-f", file, "a/p1", "a/p2"]);
    assert!(run.code < 2, "{run:?}");
}
