//! Names are text: every command in every format on names that nobody should be able to give, and each
//! output read back.

use super::FLOWS;
use crate::read_back;
use crate::run::{Run, netpol};
use std::fmt::Write as _;
use std::fs;

/// Names that are markup somewhere, and such as are not seen.
const HOSTILE: [&str; 16] = [
    "d @octocat https://evil.example `x",
    "[x](javascript:1) ![i](https://evil.example/i.png) <img src=x onerror=1>",
    "#1 GH-1 octocat/repo#2 deadbeefdeadbeef :tada: $x$",
    "www.evil.example",
    "me@evil.example",
    "=cmd|' /C calc'!A0",
    "＝1+1;=2+2",
    "a\",\"b\n=c",
    "a\"]; end --> x[\"y\" %% <b>",
    "a|b|c\\|d",
    "n\u{202e}\u{200b}\u{2066}x",
    "\u{ad}\u{e0041}\u{e007f}\u{feff}\u{fe0f}\u{3164}",
    "\u{1b}[31m\u{1b}]0;x\u{7}\u{9b}31m",
    "- 1. # ---",
    "yes: {a: &b *b} !!x",
    "```\n</details>",
];

/// Manifests in which each name stands everywhere that one can: of namespaces, pods, workloads, Services,
/// policies, labels, ports and fields.
fn manifests(other: &str) -> String {
    let mut all = String::new();
    for (i, name) in HOSTILE.into_iter().enumerate() {
        let text = serde_json::to_string(name).unwrap();
        let _ = write!(
            all,
            "---\n{{apiVersion: v1, kind: Namespace, metadata: {{name: {text}}}}}\n\
             ---\n{{apiVersion: v1, kind: Pod, metadata: {{name: {text}, namespace: a, labels: {{a: {text}, {text}: b}}}}, \
             spec: {{containers: [{{name: c, ports: [{{name: {text}, containerPort: 80}}]}}]}}}}\n\
             ---\n{{apiVersion: v1, kind: Pod, metadata: {{name: p{i}, namespace: {text}}}}}\n\
             ---\n{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: {text}, namespace: {text}}}, spec: {{selector: \
             {{matchLabels: {{a: {text}}}}}, template: {{metadata: {{labels: {{a: {text}}}}}, spec: {{containers: [{{name: c}}]}}}}}}}}\n\
             ---\n{{apiVersion: v1, kind: Service, metadata: {{name: {text}, namespace: a}}, spec: {{selector: {{a: {text}}}, \
             ports: [{{name: {text}, port: 80}}]}}}}\n\
             ---\n{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: {text}, namespace: a}}, \
             spec: {{podSelector: {{matchLabels: {{a: {text}}}}}}}}}\n\
             ---\n{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: good{i}, namespace: {text}}}, \
             spec: {{podSelector: {{}}, ingress: [{{from: [{{podSelector: {{matchLabels: {{a: {text}}}}}}}], ports: [{{port: {text}}}]}}]}}}}\n\
             ---\n{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: odd{i}, namespace: a}}, \
             spec: {{podSelector: {{}}, {text}: 1}}}}\n\
             ---\n{{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {{name: {text}, namespace: a}}, \
             spec: {{endpointSelector: {{}}, egress: [{{toFQDNs: [{{matchName: {text}}}], toPorts: [{{ports: [{{port: {text}}}]}}]}}]}}}}\n\
             ---\n{{apiVersion: {text}, kind: {text}, metadata: {{name: {text}, namespace: {text}}}, spec: {{template: {{spec: \
             {{containers: [{{name: c}}]}}}}}}}}\n"
        );
    }
    all + other
}

fn read_back(words: &[&str], format: &str, run: &Run) {
    let tell = format!("{words:?}");
    // For a person's eyes, were it to fail.
    assert!(run.code != 2 || run.stdout.is_empty(), "{tell}: {run:?}");
    read_back::text(&run.stderr);
    if run.stdout.is_empty() {
        return;
    }
    match format {
        // A flow is a line.
        "json" if words[0] == "observe" => {
            run.stdout.lines().for_each(|line| drop(read_back::json(line)));
        }
        "json" => drop(read_back::json(&run.stdout)),
        // What is to be applied is documents.
        "yaml" => run.stdout.split("\n---\n").for_each(|text| drop(read_back::yaml(text))),
        "csv" => drop(read_back::csv(&run.stdout)),
        "md" => read_back::markdown(&run.stdout),
        "dot" => read_back::dot(&run.stdout),
        "html" => drop(read_back::html(&run.stdout)),
        "mermaid" => read_back::mermaid(&run.stdout),
        _ => read_back::text(&run.stdout),
    }
}

#[test]
fn hostile_names_are_text_in_every_format_of_every_command() {
    let directory = tempfile::tempdir().unwrap();
    let (file, other) =
        (directory.path().join("a\u{202e}`|@b.yaml"), directory.path().join("b.yaml"));
    fs::write(&file, manifests("")).unwrap();
    let more = "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: all, \
                namespace: a}, spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}\n";
    fs::write(&other, manifests(more)).unwrap();
    let (file, other) = (file.to_str().unwrap(), other.to_str().unwrap());
    let mut seen = 0;
    for (words, formats) in [
        (
            &["list", "-f", file][..],
            &["table", "wide", "json", "yaml", "csv", "md", "html", "dot", "mermaid"][..],
        ),
        (
            &["list", "-f", file, "--by", "pod", "--to", "ns/a"],
            &["table", "csv", "md", "dot", "mermaid"],
        ),
        (&["list", "-f", file, "--exposed"], &["table", "wide", "json", "yaml", "csv", "md"]),
        (
            &["list", "-f", file, "--by", "namespace"],
            &["table", "json", "yaml", "csv", "md", "html", "dot", "mermaid"],
        ),
        (&["reach", "-f", file, "ns/a"], &["text", "wide", "json", "yaml", "dot", "mermaid"]),
        (&["summary", "-f", file], &["table", "wide", "json", "yaml", "md"]),
        (&["diff", file, other], &["text", "json", "yaml", "csv", "md", "html", "dot"]),
        (&["diff", other, file, "--summary"], &["text", "md"]),
        (&["explain", "-f", file, "ns/a", "ns/a"], &["text", "wide", "json", "yaml"]),
        (&["explain", "-f", file, "ns/a", "no\u{202e}@x"], &["text", "json"]),
        (&["observe", "-f", file, "--input-file", FLOWS], &["text", "json"]),
        (&["doctor", "--context", "x\u{202e}\u{e0041}y"], &["text", "json", "yaml"]),
        (&["bootstrap", "x", "--dns", "namespace", "--dry-run=client"], &["yaml", "json", "name"]),
    ] {
        for format in formats {
            let words = [words, &["-o", format]].concat();
            let run = netpol(&words);
            read_back(&words, format, &run);
            seen += usize::from(!run.stdout.is_empty());
        }
    }
    assert!(seen >= 45, "only {seen} answers");

    // Of the same answer JSON and YAML say the same, whatever is in it.
    for words in [&["list", "-f", file][..], &["summary", "-f", file], &["diff", file, other]] {
        let [json, yaml] =
            ["json", "yaml"].map(|format| netpol(&[words, &["-o", format]].concat()));
        assert_eq!(read_back::json(&json.stdout), read_back::yaml(&yaml.stdout), "{words:?}");
    }

    // Every name that an API server would refuse is marked.
    let run = netpol(&["list", "-f", file]);
    assert!(run.stderr.contains("an API server refuses this Namespace"), "{run:?}");
}

/// What a server, Hubble or Flux says is text as well.
#[test]
fn hostile_flows_are_text() {
    let directory = tempfile::tempdir().unwrap();
    let flows = directory.path().join("flows.jsonl");
    let mut lines = String::new();
    for name in HOSTILE {
        let flow = serde_json::json!({"flow": {"time": "2026-01-01T00:00:00Z", "verdict": "DROPPED",
            "drop_reason_desc": name, "node_name": name,
            "source": {"namespace": name, "pod_name": name, "labels": [format!("k8s:{name}={name}")],
                "workloads": [{"name": name, "kind": name}]},
            "destination": {"namespace": "identity", "pod_name": "keycloak-0"},
            "IP": {"source": "10.0.0.1", "destination": "10.0.0.2", "ipVersion": "IPv4"},
            "l4": {"TCP": {"source_port": 1, "destination_port": 8080}},
            "event_type": {"type": 5}, "traffic_direction": "INGRESS",
            "destination_names": [name], "Type": "L3_L4"}});
        let _ = writeln!(lines, "{flow}\n{name}");
    }
    fs::write(&flows, lines).unwrap();
    let flows = flows.to_str().unwrap();
    for format in ["text", "json"] {
        for more in [&[][..], &["--summary"]] {
            let words = [
                &["observe", "-f", "examples/homekube", "--input-file", flows, "-o", format],
                more,
            ]
            .concat();
            let run = netpol(&words);
            assert_eq!(run.code, 0, "{run:?}");
            assert!(run.stdout.contains("octocat"), "{run:?}");
            for line in run.stdout.lines() {
                read_back(
                    &words,
                    format,
                    &Run { code: 0, stdout: line.to_owned(), stderr: String::new() },
                );
            }
            read_back::text(&run.stderr);
        }
    }
}

/// So is what clap repeats of a command line that it does not understand.
#[test]
fn hostile_words_are_text() {
    for name in HOSTILE {
        let [flag, value, limits] =
            [format!("--{name}"), format!("--output={name}"), format!("bytes={name}")];
        for words in [
            &["list", &flag][..],
            &["list", &value],
            &["list", "-o", name],
            &["list", "--limits", &limits],
            &["list", "--namespace"],
            &["explain", "a", "b", "c", name],
            &["doctor", "--request-timeout", name],
            &[name],
        ] {
            let run = netpol(words);
            assert_eq!((run.code, &*run.stdout), (2, ""), "{words:?}: {run:?}");
            read_back::text(&run.stderr);
        }
    }
    let run = netpol(&["list", "-o", "x\nerror: y"]);
    assert!(run.stderr.contains("x\\nerror: y"), "{run:?}");
}
