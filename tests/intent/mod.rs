//! `test`: what is meant of policies, proved, broken or not known; its files, formats and exit codes.

mod again;
mod blocks;
mod change;
mod draft;
mod formats;
mod kinds;
mod mistakes;
mod names;
mod netassert;
mod properties;
#[cfg(unix)]
mod watch;

use crate::harness::Files;
use crate::run::{Run, list, netpol, text};
use serde_json::Value;

/// The head of a file of tests.
const HEAD: &str = "apiVersion: netpol/v1alpha1\nkind: Test\ntests:\n";

/// A path of a throw-away directory as a word.
fn at(files: &Files, name: &str) -> String {
    files.path(name).to_str().unwrap().to_owned()
}

/// Runs tests against manifests.
fn tested(manifests: &str, tests: &str, more: &[&str]) -> Run {
    let files = Files::new(&[("k8s/all.yaml", manifests), ("t.yaml", &format!("{HEAD}{tests}"))]);
    let (tests, k8s) = (at(&files, "t.yaml"), at(&files, "k8s"));
    let mut words = vec!["test", &tests, "-f", &k8s];
    words.extend(more);
    netpol(&words)
}

/// The outcome of each test, with its message.
fn outcomes(run: &Run) -> Vec<(String, String)> {
    let answer: Value = run.json();
    let of = |test: &Value| (text(test, "/outcome").to_owned(), text(test, "/message").to_owned());
    list(&answer, "/tests").iter().map(of).collect()
}

/// The outcome of the only test, with its message.
fn outcome(manifests: &str, test: &str) -> (String, String) {
    let run = tested(manifests, test, &["-o", "json"]);
    assert!(run.code < 2 || run.code == 3, "{run:?}");
    let all = outcomes(&run);
    let [one] = all.as_slice() else { panic!("{run:?}") };
    one.clone()
}

/// Checks the outcome of a test, and that its message has these parts.
#[track_caller]
fn is(manifests: &str, test: &str, expected: &str, parts: &[&str]) {
    let (outcome, message) = outcome(manifests, test);
    assert_eq!(outcome, expected, "{test}: {message}");
    for part in parts {
        assert!(message.contains(part), "{test}: {message:?} has no {part:?}");
    }
}

/// The seed's four principles: two are broken as the documentation of the example is, and hold once it is
/// repaired.
#[test]
fn homekube() {
    let run = netpol(&["test", "-f", "examples/homekube", "-o", "json"]);
    assert_eq!(run.code, 1, "{run:?}");
    let answer = run.json();
    let broken: Vec<&Value> =
        list(&answer, "/tests").iter().filter(|test| text(test, "/outcome") != "Proved").collect();
    let names: Vec<&str> = broken.iter().map(|test| text(test, "/name")).collect();
    assert_eq!(names, ["explicit allow, Keycloak", "explicit allow, Prometheus"], "{answer:#}");
    assert!(broken.iter().all(|test| text(test, "/outcome") == "Broken"), "{answer:#}");
    // The egress rule names the Service's port where the pod's is meant.
    let sides = |pointer: &str| -> Vec<String> {
        let policies = list(broken[0], pointer).iter();
        policies
            .map(|policy| format!("{} {}", text(policy, "/name"), text(policy, "/message")))
            .collect()
    };
    let all =
        [sides("/witness/flows/0/egress/policies"), sides("/witness/flows/0/ingress/policies")]
            .concat();
    assert!(all.iter().any(|it| it.contains("80")), "{all:?}");
    let fixed = netpol(&["test", "-f", "examples/homekube-fixed", "-o", "json"]);
    assert_eq!(fixed.code, 0, "{fixed:?}");
    let answer = fixed.json();
    assert_eq!(answer["summary"], serde_json::json!({"proved": 7, "broken": 0, "notKnown": 0}));
}

/// The first file of the documentation is one.
#[test]
fn documentation_has_files_of_tests() {
    let page = std::fs::read_to_string(crate::harness::root().join("docs/test.md")).unwrap();
    let blocks: Vec<&str> = page.split("```yaml tests\n").skip(1).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let file = block.split("```").next().unwrap();
        let read = netpol::intent::from_yaml(file).unwrap();
        assert!(!read.tests.is_empty());
    }
}
