//! `summary`: `HomeKube`'s own table, true.

use crate::run::{list, netpol, text};
use serde_json::Value;

fn row<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let rows = list(answer, "/namespaces");
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}: {answer:#}"))
}

/// Every rule of a direction, with its policy's name.
fn rules<'a>(row: &'a Value, direction: &str) -> Vec<(&'a str, &'a str)> {
    let policies = row[direction]["policies"].as_array().into_iter().flatten();
    policies
        .flat_map(|policy| {
            let words = list(policy, "/rules").iter().map(|rule| text(rule, "/words"));
            words.map(move |words| (text(policy, "/name"), words))
        })
        .collect()
}

#[test]
fn homekube_is_as_it_is_and_not_as_its_page_says() {
    let run = netpol(&["summary", "-f", "examples/homekube", "-o", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let answer = run.json();
    assert_eq!(answer["apiVersion"], "netpol/v1alpha1");
    assert_eq!(answer["kind"], "Summary");
    for name in ["default", "identity", "monitoring"] {
        let row = row(&answer, name);
        assert_eq!(row["ingress"]["isolation"], "All", "{name}");
        // The page misses this: a policy that lets DNS out closes everything else.
        assert_eq!(row["egress"]["isolation"], "All", "{name}");
        let by = list(row, "/ingress/isolatedBy");
        assert!(by.iter().any(|policy| policy == "default-deny-ingress"), "{name}: {by:?}");
        assert_eq!(row["egress"]["dnsOnly"], name != "monitoring", "{name}");
    }
    for name in ["ingress-nginx", "kube-system"] {
        let row = row(&answer, name);
        assert_eq!(row["policies"], 0, "{name}");
        for direction in ["ingress", "egress"] {
            assert_eq!(row[direction]["isolation"], "None", "{name}");
        }
    }
    let monitoring = row(&answer, "monitoring");
    assert_eq!(
        rules(monitoring, "ingress"),
        [("allow-ingress-nginx", "ingress-nginx → grafana 3000/TCP")]
    );
    assert_eq!(
        rules(monitoring, "egress"),
        [
            ("allow-dns-egress", "all → DNS (kube-system 53)"),
            ("allow-grafana-to-keycloak", "grafana → identity 80/TCP"),
        ]
    );
    let note = "port is 80, that of identity/svc/keycloak; policies judge the pod's: 8080";
    assert_eq!(monitoring["egress"]["policies"][1]["rules"][0]["notes"][0], note);
    let identity = row(&answer, "identity");
    assert_eq!(identity["ingress"]["policies"][0]["rules"][0]["notes"][0], note);
}

#[test]
fn all_namespaces_or_one() {
    let names = |words: &[&str]| {
        let words = [&["summary", "-f", "examples/homekube", "-o", "json"], words].concat();
        let answer = netpol(&words).json();
        list(&answer, "/namespaces").iter().map(|row| text(row, "/name").to_owned()).collect()
    };
    let all: Vec<String> = names(&[]);
    assert_eq!(all, ["default", "identity", "ingress-nginx", "kube-system", "monitoring"]);
    let one: Vec<String> = names(&["-n", "identity"]);
    assert_eq!(one, ["identity"]);
    assert_eq!(names(&["-n", "identity", "-A"]), all);
    let run = netpol(&["summary", "-f", "examples/homekube", "-n", "identiy"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
}
