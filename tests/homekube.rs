//! `HomeKube`, the first customer: what it must be shown, and that the repair repairs it.

use crate::harness::root;
use crate::run::{explain, list, netpol, netpol_with, text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const BROKEN: &str = "examples/homekube";
const FIXED: &str = "examples/homekube-fixed";
const KEYCLOAK: &str = "http://keycloak.identity.svc.cluster.local/realms/home";

/// Every workload of the example.
const WORKLOADS: [&str; 6] = [
    "default/deploy/whoami",
    "identity/sts/keycloak",
    "ingress-nginx/deploy/ingress-nginx-controller",
    "kube-system/deploy/coredns",
    "monitoring/deploy/grafana",
    "monitoring/sts/prometheus",
];

/// The only flow of an answer.
fn only(answer: &Value) -> &Value {
    let [flow] = list(answer, "/flows") else { panic!("{answer:#}") };
    flow
}

/// Verdicts of the flow, its egress and its ingress.
fn verdicts(flow: &Value) -> [&str; 3] {
    ["/verdict", "/egress/verdict", "/ingress/verdict"].map(|pointer| text(flow, pointer))
}

/// Names of the policies of a direction.
fn policies<'a>(flow: &'a Value, direction: &str) -> BTreeMap<&'a str, &'a Value> {
    let policies = list(flow, &format!("/{direction}/policies")).iter();
    policies.map(|policy| (text(policy, "/name"), policy)).collect()
}

/// What the named line of the named file really holds; it must be what the answer shows.
fn line_of(policy: &Value) -> String {
    let file = text(policy, "/location/file");
    let content = fs::read_to_string(root().join(file)).unwrap();
    let line = usize::try_from(policy["location"]["line"].as_u64().unwrap()).unwrap();
    let found = content.lines().nth(line - 1).unwrap().to_owned();
    assert_eq!(found, text(policy, "/location/text"));
    let column = usize::try_from(policy["location"]["column"].as_u64().unwrap()).unwrap();
    assert!(found.chars().nth(column - 1).is_some_and(|c| !c.is_whitespace()), "{policy:#}");
    found.trim().to_owned()
}

fn grafana_to_keycloak(files: &str) -> (i32, Value) {
    explain(&["-f", files, "-n", "monitoring", "deploy/grafana", KEYCLOAK])
}

#[test]
fn grafana_to_keycloak_is_denied_on_both_sides() {
    let (code, answer) = grafana_to_keycloak(BROKEN);
    assert_eq!((code, text(&answer, "/verdict")), (1, "Denied"));
    let flow = only(&answer);
    assert_eq!(verdicts(flow), ["Denied", "Denied", "Denied"]);
    assert_eq!((&flow["servicePort"], &flow["port"]), (&80.into(), &8080.into()));
    assert_eq!(
        text(&answer, "/missing"),
        "Missing on both sides: egress in monitoring and ingress in identity."
    );
}

#[test]
fn the_egress_rule_names_the_services_port() {
    let (_, answer) = grafana_to_keycloak(BROKEN);
    let egress = policies(only(&answer), "egress");
    assert_eq!(
        egress.keys().copied().collect::<Vec<_>>(),
        ["allow-dns-egress", "allow-grafana-to-keycloak"]
    );
    let mistaken = egress["allow-grafana-to-keycloak"];
    assert_eq!(mistaken["servicePortMistake"], true);
    assert_eq!(line_of(mistaken), "- port: 80");
    assert_eq!(
        text(mistaken, "/location/file"),
        "examples/homekube/observability/network-policies.yaml"
    );
    assert!(text(mistaken, "/message").contains("policies judge the pod's: 8080"), "{mistaken:#}");
    assert_eq!(line_of(egress["allow-dns-egress"]), "kubernetes.io/metadata.name: kube-system");
}

#[test]
fn every_policy_that_closes_the_ingress_is_named_with_its_line() {
    let (_, answer) = grafana_to_keycloak(BROKEN);
    let ingress = policies(only(&answer), "ingress");
    let expected = [
        (
            "allow-ingress-nginx",
            "namespace is monitoring, not ingress-nginx",
            "kubernetes.io/metadata.name: ingress-nginx",
        ),
        (
            "allow-prometheus-scrape",
            "app.kubernetes.io/name is grafana, not prometheus",
            "app.kubernetes.io/name: prometheus",
        ),
        (
            "default-deny-ingress",
            "has no ingress rules: it only isolates",
            "name: default-deny-ingress",
        ),
    ];
    assert_eq!(ingress.keys().copied().collect::<Vec<_>>(), expected.map(|(name, ..)| name));
    for (name, why, line) in expected {
        let policy = ingress[name];
        assert!(text(policy, "/message").contains(why), "{policy:#}");
        assert_eq!(line_of(policy), line);
        assert_eq!(
            text(policy, "/location/file"),
            "examples/homekube/identity/network-policies.yaml"
        );
    }
}

#[test]
fn prometheus_cannot_scrape_for_want_of_an_egress_rule() {
    let (code, answer) =
        explain(&["-f", BROKEN, "monitoring/sts/prometheus", "identity/sts/keycloak:8080"]);
    assert_eq!((code, verdicts(only(&answer))), (1, ["Denied", "Denied", "Allowed"]));
    assert_eq!(text(&answer, "/missing"), "Missing on one side: egress in monitoring.");
    assert_eq!(
        policies(only(&answer), "egress").into_keys().collect::<Vec<_>>(),
        ["allow-dns-egress"]
    );
}

#[test]
fn ingress_nginx_is_dropped_since_the_pod_listens_on_8080() {
    let (code, answer) =
        explain(&["-f", BROKEN, "ingress-nginx/deploy/ingress-nginx-controller", KEYCLOAK]);
    let flow = only(&answer);
    assert_eq!((code, verdicts(flow)), (1, ["Denied", "Allowed", "Denied"]));
    let policy = policies(flow, "ingress")["allow-ingress-nginx"];
    assert_eq!((&flow["port"], &policy["servicePortMistake"]), (&8080.into(), &true.into()));
    assert_eq!(line_of(policy), "- port: 80");
}

#[test]
fn every_workload_reaches_dns() {
    for files in [BROKEN, FIXED] {
        for workload in WORKLOADS {
            let (code, answer) =
                explain(&["-f", files, workload, "kube-system/svc/kube-dns:53/UDP"]);
            assert_eq!((code, text(&answer, "/verdict")), (0, "Allowed"), "{files} {workload}");
            assert_eq!(text(only(&answer), "/ports"), "53/UDP");
        }
    }
}

#[test]
fn the_repair_opens_what_was_meant() {
    let (code, answer) = grafana_to_keycloak(FIXED);
    assert_eq!((code, verdicts(only(&answer))), (0, ["Allowed"; 3]));
    for (from, to) in [
        ("monitoring/sts/prometheus", "identity/sts/keycloak:8080"),
        ("monitoring/sts/prometheus", "default/deploy/whoami:8080"),
        ("ingress-nginx/deploy/ingress-nginx-controller", KEYCLOAK),
    ] {
        let (code, answer) = explain(&["-f", FIXED, from, to]);
        assert_eq!((code, verdicts(only(&answer))), (0, ["Allowed"; 3]), "{from} {to}");
    }
}

#[test]
fn the_repair_opens_no_other_port_of_identity() {
    for workload in ["monitoring/deploy/grafana", "monitoring/sts/prometheus"] {
        let (_, answer) = explain(&["-f", FIXED, workload, "identity/sts/keycloak"]);
        let ports: Vec<_> = list(&answer, "/flows")
            .iter()
            .map(|flow| (text(flow, "/ports"), text(flow, "/verdict")))
            .collect();
        assert_eq!(ports, [("8080/TCP", "Allowed"), ("any other port", "Denied")], "{workload}");
    }
    let (code, answer) =
        explain(&["-f", FIXED, "default/deploy/whoami", "identity/sts/keycloak:8080"]);
    assert_eq!((code, text(&answer, "/verdict")), (1, "Denied"));
}

/// Ports and verdicts of all pairs of workloads.
fn all_pairs(
    more: &[&str],
    stdin: &[u8],
) -> BTreeMap<(&'static str, &'static str), Vec<(String, String)>> {
    let mut pairs = BTreeMap::new();
    for from in WORKLOADS {
        for to in WORKLOADS {
            let mut words = vec!["explain", "-o", "json", "-f", BROKEN];
            words.extend(more);
            words.extend([from, to]);
            let answer = netpol_with(&words, stdin).json();
            let flows = list(&answer, "/flows").iter();
            let flows =
                flows.map(|flow| (text(flow, "/ports").into(), text(flow, "/verdict").into()));
            pairs.insert((from, to), flows.collect());
        }
    }
    pairs
}

#[test]
fn the_suggestion_opens_the_flow_and_nothing_else() {
    let question = ["explain", "-f", BROKEN, "-n", "monitoring", "deploy/grafana", KEYCLOAK];
    let suggested = netpol(&[&question[..], &["--suggest"]].concat());
    assert_eq!((suggested.code, suggested.stderr.as_str()), (1, ""));
    let policies = suggested.stdout.as_bytes();
    let then = netpol_with(&[&question[..], &["-f", "-", "-o", "json"]].concat(), policies);
    assert_eq!((then.code, verdicts(only(&then.json()))), (0, ["Allowed"; 3]));

    let before = all_pairs(&[], b"");
    let mut after = all_pairs(&["-f", "-"], policies);
    let opened = ("monitoring/deploy/grafana", "identity/sts/keycloak");
    let flows = after.insert(opened, before[&opened].clone()).unwrap();
    let flow = |ports: &str, verdict: &str| (ports.to_owned(), verdict.to_owned());
    // The Service's port is let out, and not in.
    let expected =
        [flow("8080/TCP", "Allowed"), flow("80/TCP", "Denied"), flow("any other port", "Denied")];
    assert_eq!(flows, expected);
    assert_eq!(after, before);
}

/// The files below a directory with their text.
fn files(directory: &str) -> BTreeMap<PathBuf, String> {
    let root = root().join(directory);
    let (mut found, mut directories) = (BTreeMap::new(), vec![root.clone()]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_owned();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn the_repair_is_in_network_policies_only() {
    let (broken, fixed) = (files(BROKEN), files(FIXED));
    assert!(broken.keys().eq(fixed.keys()));
    let differ: Vec<_> = broken.keys().filter(|name| broken[*name] != fixed[*name]).collect();
    assert_eq!(
        differ,
        [
            Path::new("identity/network-policies.yaml"),
            Path::new("observability/network-policies.yaml")
        ]
    );
}
