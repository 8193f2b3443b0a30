//! Verdicts and recordings in files: the project's own in tests/cases, and further ones, found by their
//! names, in the directory that `NETPOL_CASES` names. Without that directory they are left out.
//!
//! Each verdict is held against the evaluator of the library and against the naive one of
//! tests/random, so that a table of somebody else's is a test of both. `NETPOL_TABLES=overwrite` writes
//! the project's own tables anew.

mod calico;
mod clusternetworkpolicy;
mod flows;
mod manifests;
mod networkpolicy;
mod write;

use crate::harness::{Outside, root, skip};
use crate::random::naive::{Answer, NaiveFlow, Who};
use flate2::read::GzDecoder;
use netpol::cluster::{ContainerPort, Labels, Origin, Pod, Port, Snapshot};
use netpol::verdict::Verdict;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Labels as a table has them.
type Written = BTreeMap<String, String>;

/// The project's own table of this name.
fn own(name: &str) -> PathBuf {
    root().join("tests/cases").join(name)
}

/// What the caller lends under this name; says so where there is nothing.
///
/// # Panics
/// If `NETPOL_CASES` names no directory.
fn lent(name: &str) -> Option<PathBuf> {
    let Some(directory) = std::env::var_os("NETPOL_CASES").filter(|it| !it.is_empty()) else {
        skip(Outside::Lent, &format!("NETPOL_CASES names no directory with {name}"));
        return None;
    };
    let directory = root().join(directory);
    assert!(directory.is_dir(), "NETPOL_CASES is {}, which is no directory", directory.display());
    let path = directory.join(name);
    if !path.exists() {
        skip(Outside::Lent, &format!("there is no {name} in {}", directory.display()));
        return None;
    }
    Some(path)
}

/// The lines of a file, which is compressed if its name says so.
fn lines(path: &Path) -> impl Iterator<Item = String> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let compressed = path.extension().is_some_and(|it| it == "gz");
    let reader: Box<dyn Read> =
        if compressed { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
    BufReader::new(reader).lines().map(|line| line.expect("a line of text"))
}

/// A pod of a table, which stands on its own.
fn pod(
    (namespace, name): (&str, &str),
    labels: &Written,
    ip: IpAddr,
    ports: impl Iterator<Item = ContainerPort>,
) -> Pod {
    Pod {
        namespace: namespace.into(),
        name: name.into(),
        labels: labels_of(labels),
        unknown_labels: &[],
        service_account: "default".into(),
        owner: None,
        template: false,
        ready: true,
        finished: false,
        origin: Origin::Synthetic,
        ips: vec![ip],
        ports: ports.collect(),
        probes: None,
        host_network: false,
        node: None,
    }
}

fn labels_of(written: &Written) -> Labels {
    written.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

fn add_namespaces(snapshot: &mut Snapshot, namespaces: &BTreeMap<String, Written>) {
    for (name, labels) in namespaces {
        snapshot.add_namespace(name.as_str(), &labels_of(labels), Some(Origin::Synthetic));
    }
}

/// Namespaces as manifests.
fn manifests_of(namespaces: &BTreeMap<String, Written>) -> Vec<Value> {
    let one = |(name, labels): (&String, &Written)| json!({"kind": "Namespace", "metadata": {"name": name, "labels": labels}});
    namespaces.iter().map(one).collect()
}

/// A flow between two pods, which stand at these places in the cluster.
fn naive_flow(cluster: &[Value], (from, to): (usize, usize), port: Port) -> NaiveFlow<'_> {
    NaiveFlow {
        source: Who::Pod(&cluster[from]),
        destination: Who::Pod(&cluster[to]),
        protocol: port.protocol.as_str(),
        port: port.number.into(),
        v6: false,
        through_service: false,
    }
}

/// The verdict of the naive evaluator in the library's words.
fn verdict_of(answer: Answer) -> Verdict {
    match answer {
        Answer::Allowed => Verdict::Allowed,
        Answer::Denied => Verdict::Denied,
        Answer::Undefined => Verdict::Unknown,
    }
}

/// How a table went.
#[derive(Default)]
struct Tally {
    judged: usize,
    skipped: usize,
    wrong: Vec<String>,
}

impl Tally {
    #[allow(clippy::print_stdout, reason = "cargo shows it when a test is run with --nocapture")]
    fn expect_none_wrong(&self, path: &Path) {
        let (name, judged, skipped) = (path.display(), self.judged, self.skipped);
        let (differ, shown) = (self.wrong.len(), &self.wrong[..self.wrong.len().min(20)]);
        assert!(differ == 0, "{name}: {differ} of {judged} differ:\n{}", shown.join("\n"));
        println!("{name}: {judged} judged, {skipped} skipped");
    }
}
