//! Commands about a whole cluster against a real API server, driven by the real kubectl.

use crate::harness::homekube;
use crate::run::netpol;
use serde_json::Value;

/// What a namespace's row says, without what only one of the two sources can know.
fn row<'a>(summary: &'a Value, namespace: &str) -> &'a Value {
    let mut rows = summary["namespaces"].as_array().unwrap().iter();
    rows.find(|row| row["name"] == *namespace)
        .unwrap_or_else(|| panic!("no row {namespace} in {summary}"))
}

#[test]
fn a_live_summary_is_that_of_the_manifests() {
    let Ok(homekube) = homekube() else { return };
    let live = homekube.ask("summary", "-o json");
    assert_eq!(live.code, 0, "{}", live.all());
    let live_rows: Value = serde_json::from_str(&live.stdout).unwrap();
    let written = netpol(&["summary", "-f", "examples/homekube", "-o", "json"]).json();
    for namespace in ["default", "identity", "ingress-nginx", "kube-system", "monitoring"] {
        for direction in ["ingress", "egress"] {
            let of = |summary: &Value| {
                let side = &row(summary, namespace)[direction];
                let mut words: Vec<&Value> = Vec::new();
                for policy in side["policies"].as_array().into_iter().flatten() {
                    words.push(&policy["name"]);
                    let rules = policy["rules"].as_array().into_iter().flatten();
                    words.extend(rules.map(|rule| &rule["words"]));
                }
                assert!(!side["isolation"].is_null(), "{summary}");
                (side["isolation"].clone(), side["dnsOnly"].clone(), format!("{words:?}"))
            };
            assert_eq!(of(&live_rows), of(&written), "{namespace} {direction}");
        }
    }
    // Every list once, in pages, for the whole cluster.
    assert!(live.requests.len() <= 9, "{}", live.all());
}

#[test]
fn a_live_summary_of_one_namespace_reads_one_namespace() {
    let Ok(homekube) = homekube() else { return };
    let live = homekube.ask("summary", "-n monitoring");
    assert_eq!(live.code, 0, "{}", live.all());
    assert!(live.stdout.contains("allow-grafana-to-keycloak"), "{}", live.all());
    assert!(!live.stdout.contains("allow-prometheus-scrape"), "{}", live.all());
    let whole = |uri: &str| uri.starts_with("/api/v1/pods") || uri.contains("v1/networkpolicies");
    assert!(!live.requests.iter().any(|request| whole(&request.uri)), "{}", live.all());
}

/// What the repaired HomeKube opens and closes, whoever the pods are.
#[test]
fn a_diff_against_the_live_cluster_names_what_the_fix_opens() {
    let Ok(homekube) = homekube() else { return };
    let live = homekube.ask("diff", "-f examples/homekube-fixed -o json");
    assert_eq!(live.code, 1, "{}", live.all());
    let changes = |text: &str| -> Vec<String> {
        let report: Value = serde_json::from_str(text).unwrap();
        let all = report["changes"].as_array().unwrap();
        let mut all: Vec<String> = all
            .iter()
            .map(|c| {
                format!(
                    "{} {} {} {}",
                    c["change"], c["from"]["label"], c["to"]["label"], c["ports"]
                )
            })
            .collect();
        all.sort();
        all
    };
    let written = netpol(&["diff", "examples/homekube", "examples/homekube-fixed", "-o", "json"]);
    assert_eq!(changes(&live.stdout), changes(&written.stdout), "{}", live.all());
    assert_eq!(changes(&live.stdout).len(), 5);
    // The cluster against itself, and against what it runs already.
    let same = homekube.ask("diff", "-f examples/homekube");
    assert_eq!((same.code, same.stdout.contains("no flow changes")), (0, true), "{}", same.all());
    let itself = homekube.ask("diff", "live live");
    assert_eq!(itself.code, 0, "{}", itself.all());
}
