//! The formats of `test`: each holds its own whatever names say, and is what its readers take.

use super::{HEAD, at};
use crate::harness::{Files, Outside, root, skip};
use crate::run::{Run, list, netpol, netpol_with, text};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names and reasons that would like to be something else.
const HOSTILE: &str = "\"</failure><script>&%0A::error::x ]]> \\e[31m [a](b) \\u202e '\"";

fn hostile(format: &str) -> Run {
    let tests = format!(
        "{HEAD}- name: {HOSTILE}\n  reason: {HOSTILE}\n  deny: {{from: shop/a, to: shop/b}}\n- name: two\n  deny: {{from: shop/a, to: shop/c}}\n- name: three\n  deny: {{from: nodes, to: shop/a}}\n- name: four\n  allow: {{from: shop/a, to: shop/b}}\n"
    );
    let pods = ["a", "b"].map(|name| {
        format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop, labels: {{app: {name}}}}}\nspec: {{containers: [{{name: c, image: i}}]}}\n")
    });
    let files = Files::new(&[("k8s/a b,%.yaml", &pods.join("---\n")), ("t:e,%s.yaml", &tests)]);
    let run = netpol(&["test", &at(&files, "t:e,%s.yaml"), "-f", &at(&files, "k8s"), "-o", format]);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(!run.stdout.contains(['\u{1b}', '\u{202e}']), "{run:?}");
    run
}

#[test]
fn sarif_says_what_it_is_and_where() {
    let log = hostile("sarif").json();
    assert_eq!(text(&log, "/version"), "2.1.0");
    let results = list(&log, "/runs/0/results");
    assert_eq!(results.len(), 3, "{log:#}");
    let rules = list(&log, "/runs/0/tool/driver/rules");
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(text(&rules[index], "/id"), text(result, "/ruleId"));
        let uri = text(result, "/locations/0/physicalLocation/artifactLocation/uri");
        assert!(!uri.contains([' ', '<', '"']) && uri.starts_with("file:///"), "{uri}");
        assert!(!text(result, "/message/text").contains("]("), "{result:#}");
    }
    let levels: Vec<&str> = results.iter().map(|result| text(result, "/level")).collect();
    assert_eq!(levels, ["error", "error", "warning"]);
    let homekube = netpol(&["test", "-f", "examples/homekube", "-o", "sarif"]).json();
    let place = "/runs/0/results/0/locations/0/physicalLocation";
    assert_eq!(
        text(&homekube, &format!("{place}/artifactLocation/uri")),
        "examples/homekube/identity/network-policies.yaml"
    );
    assert!(homekube.pointer(&format!("{place}/region/startLine")).unwrap().is_u64());
}

#[test]
fn github_has_one_command_a_line() {
    let run = hostile("github");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{run:?}");
    for line in &lines {
        let (properties, _) = line[2..].split_once("::").unwrap();
        assert!(line.starts_with("::error ") || line.starts_with("::warning "), "{line}");
        assert!(!properties.contains(['<', '\n']) || !properties.contains("::"), "{line}");
        let file = properties.split("file=").nth(1).unwrap().split(',').next().unwrap();
        assert!(file.ends_with("t%3Ae%2C%25s.yaml"), "{line}");
    }
}

#[test]
fn junit_counts_what_it_has() {
    let xml = hostile("junit").stdout;
    let has = |element: &str| xml.matches(element).count();
    assert_eq!(
        (has("<testcase "), has("<failure "), has("<error "), has("</failure>")),
        (4, 2, 1, 2),
        "{xml}"
    );
    assert!(xml.contains("tests=\"4\" failures=\"2\" errors=\"1\""), "{xml}");
    assert!(!xml.contains("<script>") && !xml.contains("]]>"), "{xml}");
}

#[test]
fn html_has_the_answer_of_json_whatever_it_says() {
    let run = hostile("html");
    let (page, tests, _) = crate::read_back::html_beside(&run.stdout);
    let tests = tests.unwrap();
    assert_eq!((text(&page, "/kind"), text(&tests, "/kind")), ("FlowList", "TestReport"));
    let outcomes: Vec<&str> =
        list(&tests, "/tests").iter().map(|test| text(test, "/outcome")).collect();
    assert_eq!(outcomes, ["Broken", "Broken", "NotKnown", "Proved"]);
    // Whoever is at the ends is called as the list does.
    let known: Vec<&str> = labels(&page, "/workloads");
    let ends = list(&tests, "/tests/0/witness/ends");
    assert!(ends.iter().all(|end| known.contains(&text(end, "/label"))), "{ends:?} {known:?}");
}

fn labels<'a>(answer: &'a Value, path: &str) -> Vec<&'a str> {
    list(answer, path).iter().map(|end| text(end, "/label")).collect()
}

/// A policy whose name would like to be something else, and that says the same twice.
fn hostile_policy() -> String {
    let name = serde_json::to_string(HOSTILE).unwrap();
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{namespace: shop, name: {name}}}\nspec:\n  \
         podSelector: {{}}\n  ingress: [{{from: [{{podSelector: {{}}}}]}}, {{from: [{{podSelector: {{}}}}]}}]\n"
    )
}

/// Where the caller lends the public schemas of SARIF and JUnit, and a Python that can check by them: the
/// variable names a directory with sarif.json, junit.xsd and python.
fn lent() -> Option<PathBuf> {
    let directory = std::env::var_os("NETPOL_SCHEMAS").map(PathBuf::from);
    let there = directory.filter(|it| {
        ["sarif.json", "junit.xsd", "python"].iter().all(|name| it.join(name).exists())
    });
    if there.is_none() {
        let why = "NETPOL_SCHEMAS names no directory with sarif.json, junit.xsd and python";
        let _ = skip(Outside::Lent, why);
    }
    there
}

fn valid(directory: &Path, script: &str, schema: &str, text: &str) {
    let file = Files::new(&[("it", text)]);
    let mut python = Command::new(directory.join("python"));
    let run = python
        .args(["-c", script])
        .arg(directory.join(schema))
        .arg(at(&file, "it"))
        .current_dir(root())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}\n{text}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn the_public_schemas_take_what_is_written() {
    let Some(directory) = lent() else { return };
    let json = "import json, sys, jsonschema\n\
                schema, log = [json.load(open(name)) for name in sys.argv[1:]]\n\
                jsonschema.validate(log, schema)";
    let xsd = "import sys, xmlschema\nxmlschema.XMLSchema(sys.argv[1]).validate(sys.argv[2])";
    for example in ["examples/homekube", "examples/homekube-fixed"] {
        let of = |format: &str| netpol(&["test", "-f", example, "-o", format]).stdout;
        valid(&directory, json, "sarif.json", &of("sarif"));
        valid(&directory, xsd, "junit.xsd", &of("junit"));
        let lint = netpol(&["lint", "-f", example, "-o", "sarif"]).stdout;
        valid(&directory, json, "sarif.json", &lint);
    }
    let lint = netpol_with(&["lint", "-f", "-", "-o", "sarif"], hostile_policy().as_bytes());
    assert!(!list(&lint.json(), "/runs/0/results").is_empty(), "{lint:?}");
    valid(&directory, json, "sarif.json", &lint.stdout);
    valid(&directory, json, "sarif.json", &hostile("sarif").stdout);
    valid(&directory, xsd, "junit.xsd", &hostile("junit").stdout);
}

/// JSON and YAML are one answer, and keep to the schema's words.
#[test]
fn json_and_yaml_are_one() {
    let json: Value = netpol(&["test", "-f", "examples/homekube", "-o", "json"]).json();
    assert_eq!(
        (text(&json, "/apiVersion"), text(&json, "/kind")),
        ("netpol/v1alpha1", "TestReport")
    );
    let yaml = netpol(&["test", "-f", "examples/homekube", "-o", "yaml"]).stdout;
    let read: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(read, json);
}
