//! What is promised of the input of strangers: nothing outside of what was named, nothing fetched,
//! nothing started but what is needed, no secret told, nothing written by what only reads.

mod adversarial;
#[cfg(target_os = "linux")]
mod alone;
mod limits;
mod names;
mod outside;
mod programs;
mod read_only;
mod secrets;
#[cfg(target_os = "linux")]
mod traced;

use crate::harness::Loopback;
use std::fs;

/// A recording with flows of HomeKube.
const FLOWS: &str = "examples/flows/homekube.jsonl";

/// The commands that there are, of the reference, which a test holds to the program.
fn commands() -> Vec<String> {
    let reference = fs::read_to_string("docs/reference.md").expect("the reference");
    let names = reference.lines().filter_map(|line| line.strip_prefix("## kubectl netpol "));
    names.map(ToOwned::to_owned).collect()
}

/// Words with which each command asks a cluster, and what they are about. A new command is told here
/// how it is run, or `commands_are_all_here` fails.
const LIVE: &[(&str, &[&str])] = &[
    ("bootstrap", &["bootstrap", "x", "--dns", "namespace", "--dry-run=client"]),
    ("completion", &["__complete", "explain", "-n", "x", "pod/"]),
    ("diff", &["diff", "-f", "examples/homekube"]),
    ("doctor", &["doctor"]),
    ("explain", &["explain", "-n", "x", "pod/a", "pod/b"]),
    ("explain", &["explain", "-n", "x", "pod/a", "pod/b", "--input-file", FLOWS]),
    ("lint", &["lint"]),
    ("list", &["list"]),
    ("map", &["map", "--no-open", "--output", "target/tmp/map.html"]),
    ("observe", &["observe", "--input-file", FLOWS, "--summary"]),
    ("probe", &["probe", "-n", "x", "--dry-run"]),
    ("reach", &["reach", "-n", "x", "ns/x"]),
    ("summary", &["summary"]),
    ("test", &["test", "examples/homekube/netpol-test.yaml"]),
];

#[test]
fn commands_are_all_here() {
    for command in commands() {
        assert!(LIVE.iter().any(|(known, _)| *known == command), "{command} is not in the table");
    }
}

/// The words of one command with the flags that lead it to the server.
fn at<'a>(server: &'a str, words: &[&'a str]) -> Vec<&'a str> {
    let mut all = words.to_vec();
    // The word that is completed is the last.
    let last = if words[0] == "__complete" { all.pop() } else { None };
    all.extend(["--server", server]);
    all.extend(last);
    all
}

fn server() -> (Loopback, String) {
    let server = Loopback::start();
    let url = format!("http://{}", server.address);
    (server, url)
}
