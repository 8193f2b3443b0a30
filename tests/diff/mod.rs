//! `diff`: what it tells is what `explain` says differently on either side, and nothing else.

mod conditions;
mod fresh;
mod history;
mod nodes;
mod renamed;
mod revisions;
mod rows;
mod unread;
mod warnings;

use crate::harness::root;
use crate::run::{Run, command, list, netpol, netpol_with, run, text};
use netpol::cluster::{Protocol, Snapshot};
use netpol::ends::{EndName, PortText, PortWanted};
use netpol::policy::{Enforcer, Ruleset};
use netpol::verdict::{Question, Verdict, explain};
use netpol_sources::manifests::Manifests;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const BROKEN: &str = "examples/homekube";
const FIXED: &str = "examples/homekube-fixed";

/// Two pods of default and one of other; nothing is isolated.
const PODS: &str = "
{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: default, labels: {app: a}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: default, labels: {app: b}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: c, namespace: other, labels: {app: c}}}
";

/// Only b reaches a, at 80 and 81.
const POLICY: &str = "
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: only-b, namespace: default}
spec:
  podSelector: {matchLabels: {app: a}}
  ingress:
  - from: [{podSelector: {matchLabels: {app: b}}}]
    ports: [{port: 80}, {port: 81}]
";

/// Who enforces is the same on both sides, though only the policies of one tell it.
#[test]
fn both_sides_are_judged_alike() {
    let old = "
{apiVersion: v1, kind: Node, metadata: {name: n1}, status: {addresses: [{address: 192.168.0.1}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: default, labels: {app: a}}, status: {podIPs: [{ip: 10.0.0.1}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: default, labels: {app: b}}, status: {podIPs: [{ip: 10.0.0.2}]}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: closed, namespace: default}, spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}
---
";
    let with = "{apiVersion: projectcalico.org/v3, kind: NetworkPolicy, metadata: {name: more, namespace: default}, spec: {selector: app == 'a', types: [Egress]}}\n";
    let before = directory(&[("all.yaml", old)]);
    let after = directory(&[("all.yaml", &format!("{old}{with}"))]);
    let words = ["diff", name(before.path()), name(after.path())];
    let run = netpol(&words);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.starts_with("no flow changes\n"), "{run:?}");
}

/// Files of a directory that goes when it is dropped.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(directory.path().join(name), content).unwrap();
    }
    directory
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// `diff` of two contents.
fn between(old: &str, new: &str, words: &[&str]) -> Run {
    let directory = directory(&[("old.yaml", old), ("new.yaml", new)]);
    let [old, new] = ["old.yaml", "new.yaml"].map(|file| directory.path().join(file));
    netpol(&[&["diff", name(&old), name(&new)], words].concat())
}

fn json(old: &str, new: &str) -> (i32, Value) {
    let run = between(old, new, &["-o", "json"]);
    (run.code, run.json())
}

/// Change, source, destination and ports of each row.
fn rows(answer: &Value) -> Vec<[String; 4]> {
    let row = |change: &Value| {
        ["/change", "/from/label", "/to/label", "/portsLabel"].map(|p| text(change, p).to_owned())
    };
    list(answer, "/changes").iter().map(row).collect()
}

fn is_error(run: &Run, part: &str) {
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
    assert!(run.stderr.starts_with("error: ") && run.stderr.contains(part), "{part}: {run:?}");
}

/// Each is confirmed by `explain` on both sides: the commands that `diff` gives are run here.
#[test]
fn the_repair_of_homekube_is_these_flows() {
    let run = netpol(&["diff", BROKEN, FIXED, "-o", "json"]);
    let answer = run.json();
    let nginx = "every pod of ingress-nginx";
    let keycloak = "identity/sts/keycloak";
    let whoami = "default/deploy/whoami and any other pod of default";
    let expected = [
        ["Opened", nginx, keycloak, "8080/TCP"],
        ["Opened", "monitoring/deploy/grafana", keycloak, "8080/TCP"],
        ["Opened", "monitoring/sts/prometheus", whoami, "8080/TCP, 9090/TCP"],
        ["Opened", "monitoring/sts/prometheus", keycloak, "8080/TCP"],
        ["Closed", nginx, keycloak, "80/TCP"],
    ];
    assert_eq!(rows(&answer), expected.map(|row| row.map(str::to_owned)));
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
    for change in list(&answer, "/changes") {
        let codes = ["/witness/explainBefore", "/witness/explainAfter"].map(|pointer| {
            let words: Vec<&str> = text(change, pointer).split(' ').collect();
            netpol(&words[2..]).code
        });
        let expected = if text(change, "/change") == "Opened" { [1, 0] } else { [0, 1] };
        assert_eq!(codes, expected, "{change:#}");
    }
}

/// Policy and rule of every direction that changed.
#[test]
fn the_repair_is_by_these_rules() {
    let answer = netpol(&["diff", BROKEN, FIXED, "-o", "json"]).json();
    let reasons: Vec<Vec<String>> = list(&answer, "/changes")
        .iter()
        .map(|change| {
            let reasons = list(change, "/reasons").iter();
            reasons
                .map(|reason| {
                    format!("{} {}", text(reason, "/direction"), text(reason, "/message"))
                })
                .collect()
        })
        .collect();
    assert_eq!(
        reasons,
        [
            vec!["ingress allow-ingress-nginx ingress[0] admits it"],
            vec![
                "egress allow-grafana-to-keycloak egress[0] admits it",
                "ingress allow-grafana ingress[0] admits it",
            ],
            vec!["egress allow-prometheus-scrape egress[1] admits it"],
            vec!["egress allow-prometheus-scrape egress[0] admits it"],
            vec![
                "ingress allow-ingress-nginx ingress[0] no longer admits it: peer matches; \
                 port is 8080/TCP, not 80/TCP"
            ],
        ]
    );
    for reason in list(&answer, "/changes").iter().flat_map(|change| list(change, "/reasons")) {
        let file = text(reason, "/policy/location/file");
        let content = fs::read_to_string(root().join(file)).unwrap();
        let line = usize::try_from(reason["policy"]["location"]["line"].as_u64().unwrap()).unwrap();
        let found = content.lines().nth(line - 1).unwrap();
        assert_eq!(found, text(reason, "/policy/location/text"));
    }
}

fn load(files: &str) -> (Snapshot, Ruleset) {
    let files = vec![root().join(files)];
    let loaded = Manifests { files, ..Manifests::default() }.load().unwrap();
    let (snapshot, written) = loaded.objects.assemble();
    let rules = Ruleset::compile(&written, &snapshot, &Enforcer::default());
    (snapshot, rules)
}

/// Every pair of workloads at every port that anything mentions, and at some that nothing does.
#[test]
fn rows_are_the_flows_that_explain_judges_otherwise() {
    let sides = [load(BROKEN), load(FIXED)];
    let answer = netpol(&["diff", BROKEN, FIXED, "-o", "json"]).json();
    let workloads: BTreeSet<String> =
        sides[0].0.workloads.iter().map(|workload| workload.object.to_string()).collect();
    assert_eq!(workloads.len(), 6);
    let mut changed = 0;
    for source in &workloads {
        for destination in &workloads {
            for number in [1, 53, 80, 81, 443, 3000, 8080, 8081, 9090, 10254, 65535] {
                for protocol in [Protocol::Tcp, Protocol::Udp] {
                    let port = PortText::Number(number);
                    let port = PortWanted { port, protocol: Some(protocol) };
                    let [from, to]: [EndName; 2] =
                        [source, destination].map(|name| name.parse().unwrap());
                    let verdicts = [0, 1].map(|i| {
                        let (snapshot, rules) = &sides[i];
                        let (source, destination) = (&from, &to);
                        let port = Some(&port);
                        let question = Question { source, destination, port, namespace: "default" };
                        explain(snapshot, rules, &question).unwrap().verdict().unwrap()
                    });
                    let told = told(&answer, [source, destination], number, protocol.as_str());
                    let expected = match verdicts {
                        [a, b] if a == b => vec![],
                        [Verdict::Denied, Verdict::Allowed] => vec!["Opened"],
                        [Verdict::Allowed, Verdict::Denied] => vec!["Closed"],
                        other => panic!("{source} → {destination}: {other:?}"),
                    };
                    changed += expected.len();
                    assert_eq!(told, expected, "{source} → {destination} {number}/{protocol}");
                }
            }
        }
    }
    assert_eq!(changed, 6);
}

/// The changes of one flow.
fn told<'a>(answer: &'a Value, ends: [&str; 2], number: u16, protocol: &str) -> Vec<&'a str> {
    let has = |members: &[Value], end: &str| {
        members.iter().any(|member| {
            let (namespace, name) = (text(member, "/namespace"), text(member, "/name"));
            end.starts_with(&format!("{namespace}/")) && end.ends_with(&format!("/{name}"))
        })
    };
    let in_range = |range: &Value| {
        let (numbers, of) = range.as_str().unwrap().split_once('/').unwrap();
        let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
        let (first, last): (u16, u16) = (first.parse().unwrap(), last.parse().unwrap());
        of == protocol && (first..=last).contains(&number)
    };
    list(answer, "/changes")
        .iter()
        .filter(|change| has(list(change, "/from/members"), ends[0]))
        .filter(|change| has(list(change, "/to/members"), ends[1]))
        .filter(|change| list(change, "/ports").iter().any(in_range))
        .map(|change| text(change, "/change"))
        .collect()
}

/// A policy split in two, its rules turned round, renamed: the text differs, no flow does.
#[test]
fn a_refactoring_changes_no_flow() {
    let old = format!("{PODS}{POLICY}");
    let new = format!(
        "{PODS}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: two, namespace: default}}
spec:
  podSelector: {{matchExpressions: [{{key: app, operator: In, values: [a]}}]}}
  policyTypes: [Ingress]
  ingress:
  - ports: [{{port: 81, endPort: 81}}]
    from: [{{podSelector: {{matchLabels: {{app: b}}}}, namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: default}}}}}}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: one, namespace: default}}
spec:
  podSelector: {{matchLabels: {{app: a}}}}
  ingress: [{{from: [{{podSelector: {{matchLabels: {{app: b}}}}}}], ports: [{{port: 80}}]}}]
"
    );
    let run = between(&old, &new, &[]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.starts_with("no flow changes\n"), "{run:?}");
    let (code, answer) = json(&old, &new);
    assert_eq!((code, list(&answer, "/changes").len()), (0, 0));
}

#[test]
fn isolation_is_told_from_a_rule_that_is_gone() {
    let with_policy = format!("{PODS}{POLICY}");
    let messages = |answer: &Value| -> Vec<String> {
        let changes = list(answer, "/changes").iter();
        changes.map(|change| text(change, "/reasons/0/message").to_owned()).collect()
    };
    let (_, answer) = json(PODS, &with_policy);
    let outside = "other/pod/c, any other namespace and any address outside";
    let owned = |rows: [[&str; 4]; 2]| rows.map(|row| row.map(str::to_owned));
    assert_eq!(
        rows(&answer),
        owned([
            ["Closed", outside, "default/pod/a", "every port"],
            ["Closed", "default/pod/b", "default/pod/a", "every port but 80-81/TCP"],
        ])
    );
    assert_eq!(messages(&answer), ["isolated by only-b, which does not admit it"; 2]);
    let (_, answer) = json(&with_policy, PODS);
    assert_eq!(messages(&answer), ["no policy isolates its ingress any more, as only-b did"; 2]);
    let deny = "
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: default}
spec: {podSelector: {matchLabels: {app: a}}}
";
    let (_, answer) = json(&format!("{with_policy}{deny}"), &format!("{PODS}{deny}"));
    assert_eq!(rows(&answer).len(), 1);
    assert_eq!(messages(&answer), ["only-b ingress[0] admitted it and is not in force any more"]);
    let elsewhere = POLICY.replace("{app: a}", "{app: c}");
    let (_, answer) = json(&format!("{with_policy}{deny}"), &format!("{PODS}{deny}{elsewhere}"));
    let [selects, isolated] = [
        "only-b ingress[0] admitted it and no longer selects default/pod/a",
        "isolated by only-b, which does not admit it",
    ];
    // Whatever is app=c is isolated now.
    let c = "pods[app=c] in default";
    let to: Vec<String> = rows(&answer).into_iter().map(|[_, _, to, _]| to).collect();
    assert_eq!(to, [c, c, "default/pod/a"]);
    let also: Vec<bool> =
        list(&answer, "/changes").iter().map(|change| change["also"] == true).collect();
    assert_eq!(also, [false, true, false]);
    let all = list(&answer, "/changes").iter().filter(|change| change["also"].is_null());
    let all: Vec<&str> = all.map(|change| text(change, "/reasons/0/message")).collect();
    assert_eq!(all, [isolated, selects]);
}

/// One rule for each port: both are named, each with its port.
#[test]
fn ports_by_the_rule_that_opens_them() {
    let deny = format!("{PODS}{}", POLICY.replace("[{port: 80}, {port: 81}]", "[{port: 79}]"));
    let two = POLICY.replace(
        "[{port: 80}, {port: 81}]",
        "[{port: 79}]\n  - {ports: [{port: 80}]}\n  - {ports: [{port: 81}]}",
    );
    let (_, answer) = json(&deny, &format!("{PODS}{two}"));
    let told: Vec<(String, &str)> = list(&answer, "/changes")
        .iter()
        .map(|change| {
            let [from, ports] = ["/from/label", "/portsLabel"].map(|pointer| text(change, pointer));
            (format!("{from} {ports}"), text(change, "/reasons/0/message"))
        })
        .collect();
    assert_eq!(
        told,
        [
            ("anyone else 80/TCP".to_owned(), "only-b ingress[1] admits it"),
            ("anyone else 81/TCP".to_owned(), "only-b ingress[2] admits it"),
        ]
    );
}

#[test]
fn what_came_or_went_is_told_apart() {
    let more = "
---
{apiVersion: v1, kind: Pod, metadata: {name: d, namespace: third}}
";
    let run = between(PODS, &format!("{PODS}{more}"), &[]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.starts_with("no flow changes\n"), "{run:?}");
    let new = "New: third/pod/d, which is open to the internet on every port, to pods of other\n  \
               namespaces on every port and to pods of third on every port, and reaches the\n  \
               same.";
    assert!(run.stdout.contains(new), "{run:?}");
    // It opens and closes nothing else, and is counted only where it is asked for.
    for (words, code) in [
        (["--fail-on", "opened"], 1),
        (["--fail-on", "closed"], 0),
        (["--ignore-new", "--summary"], 0),
    ] {
        let run = between(PODS, &format!("{PODS}{more}"), &words);
        assert_eq!(run.code, code, "{run:?}");
        let run = between(&format!("{PODS}{more}"), PODS, &words);
        assert_eq!(run.code, if words[1] == "--summary" { 0 } else { 1 - code }, "{run:?}");
    }
    assert!(run.stdout.contains("Namespace only in ") && run.stdout.contains("third."), "{run:?}");
    let (code, answer) = json(&format!("{PODS}{more}"), &format!("{PODS}{POLICY}"));
    assert_eq!(
        (code, &answer["summary"]["went"], &answer["summary"]["came"]),
        (1, &1.into(), &0.into())
    );
    assert_eq!(text(&answer, "/old/onlyHere/0/name"), "d");
    assert_eq!(text(&answer, "/old/namespaces/0"), "third");
    assert!(rows(&answer).iter().flatten().all(|cell| !cell.contains("third")), "{answer:#}");
    // More than a dozen are counted.
    let namespace =
        |i| format!("---\n{{apiVersion: v1, kind: Namespace, metadata: {{name: n{i}}}}}\n");
    let many: String = (10..24).map(namespace).collect();
    let run = between(PODS, &format!("{PODS}{many}"), &[]);
    assert!(run.stdout.contains("n20, n21 and 2 more."), "{run:?}");
}

/// Contracts: 0 no flow changes, 1 changes, 2 error, 3 not known.
#[test]
fn exit_codes_and_fail_on() {
    let with_policy = format!("{PODS}{POLICY}");
    for (fail_on, closes, opens) in [("any", 1, 1), ("opened", 0, 1), ("closed", 1, 0)] {
        let words = ["--fail-on", fail_on, "--summary"];
        let complete = [&words[..], &["--policies-complete"]].concat();
        assert_eq!(between(PODS, &with_policy, &complete).code, closes, "{fail_on}");
        assert_eq!(between(&with_policy, PODS, &words).code, opens, "{fail_on}");
        assert_eq!(between(PODS, PODS, &words).code, 0, "{fail_on}");
    }
    // What the policy admits opens where another one isolates the same pods.
    let run = between(PODS, &with_policy, &["--fail-on", "opened"]);
    assert_eq!(run.code, 3, "{run:?}");
    let elsewhere =
        "Opens where another policy isolates:\n+ default/pod/b → default/pod/a on 80-81/TCP";
    assert!(run.stdout.contains(elsewhere), "{run:?}");
    // Nothing to compare is no proof.
    let nothing = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}";
    let run = between(nothing, nothing, &[]);
    assert_eq!(run.code, 3, "{run:?}");
    assert!(run.stdout.contains("not known: neither side has a pod or a policy"), "{run:?}");
    for words in
        [&["diff"][..], &["diff", BROKEN], &["diff", "--nonsense"], &["diff", "a", "b", "c"]]
    {
        assert_eq!(netpol(words).code, 2, "{words:?}");
    }
    // Whether the pod is in the block is not known: it may have closed.
    let block =
        POLICY.replace("{podSelector: {matchLabels: {app: b}}}", "{ipBlock: {cidr: 10.0.0.0/8}}");
    let open = POLICY.replace("from: [{podSelector: {matchLabels: {app: b}}}]", "from: []");
    let [open, block] = [open, block].map(|policy| format!("{PODS}{policy}"));
    assert_eq!(between(&open, &block, &["--fail-on", "closed"]).code, 1);
    assert_eq!(between(&open, &block, &["--fail-on", "opened"]).code, 0);
    assert!(between(&open, &block, &[]).stdout.contains("not known any more"));
}

#[test]
fn standard_input_is_one_side() {
    let directory = directory(&[("old.yaml", PODS)]);
    let old = directory.path().join("old.yaml");
    let run = netpol_with(&["diff", name(&old), "-"], format!("{PODS}{POLICY}").as_bytes());
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.stdout.contains("standard input:"), "{run:?}");
    is_error(&netpol(&["diff", "-", "-"]), "only one of OLD and NEW can be -");
}

#[test]
fn bad_input_is_a_sentence() {
    let empty = tempfile::tempdir().unwrap();
    is_error(&netpol(&["diff", name(empty.path()), BROKEN]), "no .yaml, .yml or .json file in");
    is_error(&netpol(&["diff", "nowhere", BROKEN]), "cannot read nowhere");
    is_error(&netpol(&["diff", "live", BROKEN]), "no cluster");
    is_error(&netpol(&["diff", BROKEN, "live:home"]), "home");
    is_error(&netpol(&["diff", "-f", BROKEN]), "no cluster");
    is_error(&netpol(&["diff", "git:--output=x", BROKEN]), "is no revision");
    is_error(&netpol(&["diff", "git:", BROKEN]), "is no revision");
    is_error(&netpol(&["diff", "kustomize:", BROKEN]), "give the directory");
    let mut without = command(crate::run::FRONT, &["diff", "git:HEAD", BROKEN]);
    is_error(&run(without.env("PATH", empty.path()), b""), "git is not on PATH");
    let mut without = command(crate::run::FRONT, &["diff", "kustomize:examples", BROKEN]);
    is_error(&run(without.env("PATH", empty.path()), b""), "neither kubectl nor kustomize");
}

/// Names that would steer a terminal, end a table, a string or a command.
#[test]
fn hostile_names_stay_names() {
    let hostile = r#"a|b`$(id)<b>"\u001b[31m\n@x"#;
    let pods = PODS.replace("{name: b,", &format!("{{name: \"{}\",", hostile.replace('"', "\\\"")));
    let new = format!("{pods}{POLICY}");
    for format in ["text", "md", "dot", "csv", "json", "yaml"] {
        let run = between(&new, &pods, &["-o", format, "--color", "never"]);
        assert_eq!(run.code, 1, "{run:?}");
        let controls = run.stdout.chars().filter(|c| c.is_control() && *c != '\n');
        assert_eq!(controls.count(), 0, "{format}: {run:?}");
    }
    let text = between(&new, &pods, &[]).stdout;
    assert!(text.contains("'default/pod/a|b`$(id)<b>"), "quoted for a shell: {text}");
    let markdown = between(&new, &pods, &["-o", "md"]).stdout;
    let table: Vec<&str> = markdown.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(table.len(), 4, "{markdown}");
    // In code all of it is text, but for what ends the code or the cell.
    let outside_of_code = |row: &str| row.split('`').step_by(2).collect::<String>();
    assert!(table.iter().all(|row| !outside_of_code(row).contains("<b>")), "{markdown}");
    assert!(table.iter().all(|row| !row.contains("a|b")), "{markdown}");
}

/// A Deployment's pods have a new name after every rollout: they are its pods all the same.
#[test]
fn a_rollout_is_no_change_and_hides_none() {
    let live = |hash: &str, replicas: &[&str]| -> String {
        let owned = |kind: &str, name: &str| {
            format!(
                "ownerReferences: [{{apiVersion: apps/v1, kind: {kind}, name: {name}, uid: '1', \
                 controller: true}}]"
            )
        };
        let labels = format!("labels: {{app: a, pod-template-hash: '{hash}'}}");
        let replica_set = format!(
            "{{apiVersion: apps/v1, kind: ReplicaSet, metadata: {{name: a-{hash}, namespace: default, \
             {labels}, {}}}}}",
            owned("Deployment", "a"),
        );
        let controller = owned("ReplicaSet", &format!("a-{hash}"));
        let pods = replicas.iter().map(|replica| {
            format!(
                "{{apiVersion: v1, kind: Pod, metadata: {{name: a-{hash}-{replica}, namespace: default, \
                 {labels}, {controller}}}}}"
            )
        });
        let all: Vec<String> = std::iter::once(replica_set).chain(pods).collect();
        all.join("\n---\n")
    };
    let b =
        "{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: default, labels: {app: b}}}";
    let old = format!("{b}\n---\n{}\n", live("5d4f", &["x1", "x2"]));
    let new = format!("{b}\n---\n{}\n", live("77c9", &["y1", "y2", "y3"]));
    let run = between(&old, &new, &[]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{run:?}");
    assert!(run.stdout.starts_with("no flow changes"), "{run:?}");
    assert!(!run.stdout.contains("ame, so not compared"), "{run:?}");

    let (code, answer) = json(&format!("{old}{POLICY}"), &new);
    assert_eq!(code, 1);
    let from_to: Vec<_> =
        rows(&answer).into_iter().map(|[change, from, to, _]| (change, from, to)).collect();
    assert!(!from_to.is_empty(), "{answer}");
    for (change, _, to) in from_to {
        assert_eq!((change.as_str(), to.as_str()), ("Opened", "default/deploy/a"), "{answer}");
    }
    assert_eq!(answer["old"]["onlyHere"], answer["new"]["onlyHere"], "{answer}");
}

/// Copies of one base, none of whose pods are written, change alike: one row.
#[test]
fn namespaces_that_are_alike_are_told_once() {
    let all = |peer: &str| -> String {
        let each = (0..200).map(|i| {
            format!(
                "---
{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: deny, namespace: t{i}}}, \
                 spec: {{podSelector: {{}}, policyTypes: [Ingress]}}}}
---
{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: dns, namespace: t{i}}}, \
                 spec: {{podSelector: {{}}, policyTypes: [Egress], \
                 egress: [{{ports: [{{port: 53, protocol: UDP}}]}}]}}}}
---
{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: db, namespace: t{i}}}, \
                 spec: {{podSelector: {{matchLabels: {{app: db}}}}, ingress: [{{from: [{{{peer}}}], \
                 ports: [{{port: 5432}}]}}]}}}}
"
            )
        });
        each.collect()
    };
    let old = all("podSelector: {matchLabels: {app: web}}");
    let new = all("namespaceSelector: {}");
    let (code, answer) = json(&old, &new);
    let row = ["Opened", "any other namespace", "pods[app=db] in t0", "5432/TCP"];
    assert_eq!((code, rows(&answer)), (1, vec![row.map(str::to_owned)]));
    assert_eq!(list(&answer, "/changes/0/namespaces").len(), 200);
    assert_eq!(answer["complete"], true);
    let run = between(&old, &new, &["--summary"]);
    assert!(run.stdout.contains("on 5432/TCP in 200 namespaces\n"), "{run:?}");
    assert_eq!(between(&old, &old, &[]).code, 0);
}

/// Cilium does not match pods by address, so the rule opens nothing between them there.
///
/// Source: <https://docs.cilium.io/en/v1.19/network/kubernetes/policy/>, "ipBlock set with a pod IP".
#[test]
fn both_sides_are_judged_as_the_enforcer_does() {
    let pods = "\
{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x}, status: {podIP: 10.0.0.1}}
---
{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: x, labels: {app: b}}, status: {podIP: 10.0.0.2}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: only, namespace: x}
spec:
  podSelector: {matchLabels: {app: b}}
  ingress: ";
    let opened = |enforcer: &str| {
        let new = format!("{pods}[{{from: [{{ipBlock: {{cidr: 10.0.0.1/32}}}}]}}]\n");
        let words = ["--enforcer", enforcer, "-o", "json"];
        let run = between(&format!("{pods}[]\n"), &new, &words);
        let answer = run.json();
        let told = &list(&answer, "/changes")[0];
        let command = text(told, "/witness/explainAfter");
        assert!(command.contains(&format!("--enforcer {enforcer} ")), "{command}");
        (text(told, "/change").to_owned(), text(told, "/from/label").to_owned())
    };
    let told = |from: &str| ("Opened".to_owned(), from.to_owned());
    assert_eq!(opened("kubernetes"), told("x/pod/a and 10.0.0.1/32"));
    assert_eq!(opened("cilium-1.19"), told("10.0.0.1/32"));
}
