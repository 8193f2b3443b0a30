//! How programs are asked for verdicts: one process a cluster, whatever the program.
//!
//! In: the word of `--tool`. Out: a row of [`TOOLS`], which says what the program gets and how its answer
//! is read. A further program speaks `jsonl`, or gets a row here and a file beside this one.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::tables::{Case, Flow, Table};
use super::{connections, observed};

/// What a program says of a flow: its letters, or why there are none.
pub(super) type Said = Result<String, String>;

/// A way of asking.
pub(super) struct Tool {
    /// The word of `--tool`.
    pub(super) name: &'static str,
    /// What the program is called, newest name first; where there is none it stands behind `--`.
    pub(super) called: &'static [&'static str],
    /// The tables that it is held to unless others are named; none means all.
    pub(super) tables: &'static [&'static str],
    /// Why a flow is no question for it, if it is none.
    pub(super) not_asked: fn(&Flow) -> Option<&'static str>,
    /// Its arguments, of a directory of manifests.
    pub(super) arguments: fn(&Table, &Path) -> Vec<OsString>,
    /// What it gets on stdin.
    pub(super) input: fn(&Case, &[&Flow]) -> String,
    /// What it says of each flow, by its stdout.
    pub(super) read: fn(&[&Flow], &str) -> Result<Vec<Said>>,
}

/// Every way, in the order of docs/oracles.md#another-tool-through-the-tables.
pub(super) const TOOLS: [Tool; 3] = [
    Tool {
        name: "netpol",
        called: &["kubectl-netpol"],
        tables: &[],
        not_asked: |_| None,
        arguments: observed::arguments,
        input: observed::input,
        read: observed::read,
    },
    Tool {
        name: "netpol-analyzer",
        called: &["netpol-analyzer", "k8snetpolicy"],
        tables: &["networkpolicy-truth", "kube-network-policies", "kube-network-policies-admin"],
        not_asked: connections::not_asked,
        arguments: connections::arguments,
        input: |_, _| String::new(),
        read: connections::read,
    },
    Tool {
        name: "jsonl",
        called: &[],
        tables: &[],
        not_asked: |_| None,
        arguments: |_, _| Vec::new(),
        input: question,
        read: answers,
    },
];

/// The way that a word names.
pub(super) fn tool(name: &str) -> Result<&'static Tool> {
    let known = TOOLS.map(|it| it.name).join(", ");
    let found = TOOLS.iter().find(|it| it.name == name);
    found.with_context(|| format!("there is no tool {name}; there are {known}"))
}

/// Docs: docs/oracles.md#forms.
fn question(case: &Case, flows: &[&Flow]) -> String {
    let flows: Vec<Value> = flows.iter().map(|it| it.question()).collect();
    format!("{}\n", json!({"objects": case.objects, "flows": flows}))
}

fn answers(flows: &[&Flow], stdout: &str) -> Result<Vec<Said>> {
    let line = stdout.lines().next().context("it printed nothing")?;
    let answer: Value = serde_json::from_str(line).context("its line is no JSON")?;
    if let Some(error) = answer["error"].as_str().filter(|it| !it.is_empty()) {
        bail!("{error}");
    }
    let verdicts = answer["verdicts"].as_array().context("its answer has no verdicts")?;
    if verdicts.len() != flows.len() {
        bail!("it gave more or fewer verdicts than flows");
    }
    let one = |verdict: &Value| {
        let letters = verdict.as_str().unwrap_or_default();
        let known =
            matches!(letters.len(), 1 | 2) && letters.chars().all(|it| "acd-?!".contains(it));
        if known { Ok(letters.to_owned()) } else { Err(format!("{verdict} is no verdict")) }
    };
    Ok(verdicts.iter().map(one).collect())
}

/// Of pods and nodes, as flows name them, what their addresses are.
pub(super) fn addresses(case: &Case) -> BTreeMap<String, Vec<&str>> {
    let mut all = BTreeMap::new();
    for object in &case.objects {
        let (metadata, status) = (&object["metadata"], &object["status"]);
        let name = metadata["name"].as_str().unwrap_or_default();
        let (key, list, field) = match object["kind"].as_str() {
            Some("Pod") => {
                let namespace = metadata["namespace"].as_str().unwrap_or_default();
                (format!("pod:{namespace}/{name}"), &status["podIPs"], "ip")
            }
            Some("Node") => (format!("node:{name}"), &status["addresses"], "address"),
            _ => continue,
        };
        let list = list.as_array().into_iter().flatten();
        all.insert(key, list.filter_map(|it| it[field].as_str()).collect());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow() -> Flow {
        Flow {
            from: "pod:a/b".into(),
            to: "address:192.0.2.1".into(),
            family: "IPv4".into(),
            protocol: "TCP".into(),
            port: 80,
            says: "a".into(),
            departure: None,
        }
    }

    #[test]
    fn a_question_has_the_form_of_the_oracles() {
        let case = Case { line: 1, objects: vec![json!({"kind": "Pod"})], flows: vec![flow()] };
        let line = question(&case, &[&case.flows[0]]);
        assert!(line.ends_with('\n') && line.lines().count() == 1);
        let value: Value = serde_json::from_str(&line).unwrap();
        let asked = json!({"from": "pod:a/b", "to": "address:192.0.2.1", "family": "IPv4",
            "protocol": "TCP", "port": 80});
        assert_eq!(value, json!({"objects": [{"kind": "Pod"}], "flows": [asked]}));
    }

    #[test]
    fn an_answer_is_read_or_refused() {
        let flow = flow();
        let read = |line: &str| answers(&[&flow], line).map_err(|it| format!("{it:#}"));
        assert_eq!(read("{\"verdicts\":[\"ad\"]}\n"), Ok(vec![Ok("ad".into())]));
        let odd = "\"yes\" is no verdict".to_owned();
        assert_eq!(read("{\"verdicts\":[\"yes\"]}"), Ok(vec![Err(odd)]));
        assert_eq!(read("{\"error\":\"no pods\"}"), Err("no pods".into()));
        assert_eq!(
            read("{\"verdicts\":[]}"),
            Err("it gave more or fewer verdicts than flows".into())
        );
        assert_eq!(read(""), Err("it printed nothing".into()));
        assert!(read("panic: no").unwrap_err().starts_with("its line is no JSON"));
    }

    #[test]
    fn a_tool_that_is_not_known_is_an_error() {
        let error = tool("cyclonus").err().unwrap().to_string();
        assert_eq!(error, "there is no tool cyclonus; there are netpol, netpol-analyzer, jsonl");
    }
}
