//! Colour, streams, and that nothing in the input steers the terminal.

use super::{PODS, is_error, name, with_file};
use crate::run::{FRONT, command, netpol, netpol_with, run};
use netpol::yaml;

const DENIED: [&str; 4] = ["a", "b", "--port", "80"];

fn colored(words: &[&str], environment: &[(&str, &str)]) -> bool {
    let (_directory, path) = with_file("pods.yaml", PODS);
    let words = [&["explain", "-f", name(&path)][..], &DENIED, words].concat();
    let run = run(command(FRONT, &words).envs(environment.iter().copied()), b"");
    assert_eq!(run.code, 1, "{run:?}");
    run.stdout.contains('\u{1b}')
}

/// Contracts: colour only on a terminal, never with `NO_COLOR` or TERM=dumb.
#[test]
fn colour_is_for_terminals() {
    assert!(!colored(&[], &[]));
    assert!(!colored(&[], &[("TERM", "xterm-256color")]));
    assert!(!colored(&[], &[("TERM", "dumb")]));
    assert!(!colored(&["--color=auto"], &[("NO_COLOR", "1")]));
    assert!(colored(&["--color=always"], &[]));
    // What was asked for on the command line wins over the environment.
    assert!(colored(&["--color=always"], &[("NO_COLOR", "1")]));
    assert!(!colored(&["--color=never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&["--color=always", "-o", "json"], &[]));
    assert!(!colored(&["--color=always", "-o", "yaml"], &[]));
}

/// Below 60 columns tables are lists, in which nothing but a place or a command goes beyond the edge.
#[test]
fn narrow_screens_have_lists() {
    let narrow = |words: &[&str]| {
        let run = run(command(FRONT, words).env("COLUMNS", "50"), b"");
        for line in run.stdout.lines().filter(|line| !line.contains("examples/")) {
            assert!(line.chars().count() <= 50, "{line}");
        }
        run.stdout
    };
    let summary = narrow(&["summary", "-f", "examples/homekube"]);
    for part in [
        "\nidentity\n  DEFAULT DENY:\n    ingress\n    egress\n  ALLOWED INGRESS:\n    allow-ingress-nginx\n",
        "\n  ALLOWED EGRESS:\n    DNS only\n",
    ] {
        assert!(summary.contains(part), "{summary}");
    }
    let several = narrow(&["explain", "-f", "examples/homekube", "ns/monitoring", "ns/identity"]);
    let part = "\n8080/TCP\n  FROM: monitoring/deploy/grafana\n  TO: identity/sts/keycloak\n  VERDICT: Denied\n  \
                EGRESS: none admits\n  INGRESS: none admits\n";
    assert!(several.contains(part), "{several}");
}

/// Contracts: stdout is the answer, stderr is everything else.
#[test]
fn notes_and_traces_go_to_stderr() {
    let twice = format!("{PODS}---\n{PODS}");
    for output in ["text", "wide", "json", "yaml"] {
        let words = ["explain", "-f", "-", "a", "b", "--port", "80", "-o", output];
        let (clean, noisy) =
            (netpol_with(&words, PODS.as_bytes()), netpol_with(&words, twice.as_bytes()));
        assert_eq!((clean.code, clean.stderr.as_str()), (1, ""));
        assert!(noisy.stderr.starts_with("warning: standard input:"), "{noisy:?}");
        assert!(!noisy.stdout.contains("warning"), "{noisy:?}");
        let traced = netpol_with(&[&words[..], &["-v", "9"]].concat(), PODS.as_bytes());
        assert_eq!(traced.stdout, clean.stdout);
        assert!(!traced.stderr.is_empty());
    }
}

/// A gap is told with the answer, since the answer may be wrong for it.
#[test]
fn what_was_not_read_is_in_the_answer() {
    let broken = format!("{PODS}---\n{{apiVersion: v1, kind: Pod, metadata: {{name: [}}\n");
    let run = netpol_with(
        &["explain", "-f", "-", "a", "b", "--port", "80", "-o", "json"],
        broken.as_bytes(),
    );
    let warning = run.json()["warnings"][0]["message"].as_str().unwrap().to_owned();
    assert!(warning.starts_with("not read: standard input:"), "{warning}");
}

/// The same answer in JSON and in YAML.
#[test]
fn json_and_yaml_say_the_same() {
    let words = ["explain", "-f", "-", "a", "b", "-o"];
    let json = netpol_with(&[&words[..], &["json"]].concat(), PODS.as_bytes());
    let written = netpol_with(&[&words[..], &["yaml"]].concat(), PODS.as_bytes()).stdout;
    let document = yaml::split(&written).next().unwrap();
    let node = yaml::parse(&document).unwrap().unwrap();
    let value: serde_json::Value = yaml::from_node(&node).unwrap();
    assert_eq!(value, json.json());
}

/// No control character but the newline.
fn is_clean(text: &str) {
    let bad = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(bad, None, "{text:?}");
}

/// A name with an escape sequence, in YAML's spelling.
const EVIL: &str = "\\e[31mred\\u009b1m\\r\\u202e\\a";

#[test]
fn names_and_labels_do_not_steer_the_terminal() {
    let manifests = format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: \"a{EVIL}\", namespace: \"n{EVIL}\", labels: {{app: \"l{EVIL}\"}}}}}}\n---\n\
         {{apiVersion: v1, kind: Pod, metadata: {{name: b, namespace: \"n{EVIL}\", labels: {{app: b}}}}}}\n---\n\
         {{apiVersion: v1, kind: Service, metadata: {{name: \"s{EVIL}\", namespace: \"n{EVIL}\"}}, \
           spec: {{selector: {{app: b}}, ports: [{{name: \"p{EVIL}\", port: 80, targetPort: \"t{EVIL}\"}}]}}}}\n---\n\
         {{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: deny, namespace: \"n{EVIL}\"}}, \
           spec: {{ingress: [{{from: [{{podSelector: {{matchLabels: {{app: x}}}}}}], ports: [{{port: 80}}]}}]}}}}\n---\n\
         {{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: \"bad{EVIL}\", namespace: \"n{EVIL}\"}}, \
           spec: {{\"f{EVIL}\": 1, podSelector: {{matchLabels: {{\"k{EVIL}\": \"v{EVIL}\"}}}}}}}}\n"
    );
    let namespace = "n\u{1b}[31mred\u{9b}1m\r\u{202e}\u{7}";
    let source = format!("{namespace}/a\u{1b}[31mred\u{9b}1m\r\u{202e}\u{7}");
    for (from, to) in [
        (source.as_str(), "b"),
        ("b", &source),
        ("b", "svc/s"),
        ("b", "nobody\u{1b}[2J"),
        ("b:\u{1b}[2J", "b"),
        ("b", "http://x\u{1b}[2J/"),
        ("b", "b:t\u{1b}"),
    ] {
        for output in ["text", "wide", "json", "yaml"] {
            let words = ["explain", "-f", "-", "-n", namespace, from, to, "-o", output];
            let run = netpol_with(&words, manifests.as_bytes());
            is_clean(&run.stdout);
            is_clean(&run.stderr);
        }
    }
}

#[test]
fn file_names_do_not_steer_the_terminal() {
    let (_directory, path) = with_file("x\u{1b}[31m.yaml", PODS.to_owned() + "---\n[\n");
    for words in [["a", "b"], ["a", "nobody"]] {
        let run = netpol(&[&["explain", "-f", name(&path)][..], &words].concat());
        is_clean(&run.stdout);
        is_clean(&run.stderr);
        assert!((run.stdout + &run.stderr).contains("\\u{1b}"));
    }
    let missing = netpol(&["explain", "-f", "no\u{1b}[31m.yaml", "a", "b"]);
    is_clean(&missing.stderr);
    is_error(&missing, &["cannot read no\\u{1b}[31m.yaml"]);
    let unknown = netpol(&["fro\u{1b}[31mb"]);
    is_clean(&unknown.stderr);
    is_error(&unknown, &["unknown command"]);
}
