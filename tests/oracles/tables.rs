//! Verdicts of the engines in files, so that they are held to without Go: tests/cases/verdicts.
//!
//! A line is a question with its answer, in the forms of docs/oracles.md, and where the engine departs from
//! what is specified. `cargo xtask oracles
//! --write-tables` writes them anew.

use super::compare::{FLOWS_IN_A_TABLE, Tally, Under, difference, flow_of};
use crate::harness::root;
use flate2::Compression;
use flate2::GzBuilder;
use flate2::read::GzDecoder;
use netpol::policy::CiliumVersion;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;

/// All files together, in bytes.
const MOST: u64 = 1_000_000;

fn directory() -> PathBuf {
    root().join("tests/cases/verdicts")
}

/// Whether what is compared becomes the tables.
pub(super) fn are_written() -> bool {
    std::env::var_os("NETPOL_ORACLE_TABLES").is_some_and(|it| it == "overwrite")
}

/// Writes a table anew, where that is asked for. The same questions and answers give the same bytes.
pub(super) fn write(name: &str, questions: &[Value]) {
    if !are_written() {
        return;
    }
    fs::create_dir_all(directory()).expect("a directory");
    let file = File::create(directory().join(format!("{name}.jsonl.gz"))).expect("a file");
    let mut out = GzBuilder::new().mtime(0).write(file, Compression::best());
    for question in questions {
        let mut question = question.clone();
        for list in [&["flows"][..], &["answer", "verdicts"]] {
            let list = list.iter().fold(&mut question, |value, field| &mut value[*field]);
            list.as_array_mut().expect("a list").truncate(FLOWS_IN_A_TABLE);
        }
        writeln!(out, "{question}").expect("a line");
    }
    out.finish().expect("all of it");
}

#[allow(clippy::print_stdout, reason = "cargo shows it when a test is run with --nocapture")]
fn hold(name: &str, under: &Under) {
    if are_written() {
        return;
    }
    let path = directory().join(format!("{name}.jsonl.gz"));
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut tally = Tally::default();
    for (i, line) in BufReader::new(GzDecoder::new(file)).lines().enumerate() {
        let question: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let cluster = question["objects"].as_array().expect("objects");
        let flows = question["flows"].as_array().expect("flows").iter();
        let flows: Vec<_> = flows.map(|it| flow_of(it).expect("a flow")).collect();
        let differs = difference(under, &mut tally, cluster, &flows, &question["answer"]);
        assert_eq!(differs, None, "{name}, line {}", i + 1);
        assert_eq!(tally.clusters, i + 1, "{name}: line {} names nobody", i + 1);
        let departures = tally.departures(flows.len());
        assert_eq!(departures.as_ref(), question.get("departures"), "{name}, line {}", i + 1);
    }
    assert!(tally.clusters >= 40, "{name}: {tally}");
    println!("{name}: {tally}");
}

/// tests/cases/README.md: what the engines said.
#[test]
fn tables_of_the_engines() {
    let cilium = Under::cilium(CiliumVersion::V1_20);
    for name in ["cilium-networkpolicy", "cilium", "cilium-clusternetworkpolicy"] {
        hold(name, &cilium);
    }
    for version in [CiliumVersion::V1_19, CiliumVersion::V1_18] {
        for of in ["-networkpolicy", ""] {
            hold(&format!("cilium-{version}{of}"), &Under::cilium(version));
        }
    }
    let plain = Under::kube_network_policies();
    for of in ["", "-admin", "-clusternetworkpolicy"] {
        hold(&format!("kube-network-policies{of}"), &plain);
    }
}

#[test]
fn tables_of_the_engines_are_small() {
    let files = fs::read_dir(directory()).expect("the directory");
    let bytes: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < MOST, "{bytes} bytes");
}
