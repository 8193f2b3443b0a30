//! The command line as scripts and terminals meet it.

mod input;
mod output;
#[cfg(target_os = "linux")]
mod progress;
mod schema;
mod usage;

use crate::run::{Run, netpol};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Pods a, b and c of namespace default; a is on its own network, b is closed, c knows only addresses.
const PODS: &str = "
{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: default, labels: {app: a}}, spec: {}}
---
{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: default, labels: {app: b}}, spec: {}}
---
{apiVersion: v1, kind: Pod, metadata: {name: c, namespace: default, labels: {app: c}}, spec: {}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: default}
spec: {podSelector: {matchLabels: {app: b}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: blocks, namespace: default}
spec: {podSelector: {matchLabels: {app: c}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}
";

/// A directory with one file.
fn with_file(name: &str, content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, content).unwrap();
    (directory, path)
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// `explain` over the three pods.
fn over_pods(words: &[&str]) -> Run {
    let (_directory, path) = with_file("pods.yaml", PODS);
    let mut all = vec!["explain", "-f", name(&path)];
    all.extend(words);
    netpol(&all)
}

/// Asserts an error: exit 2, nothing on stdout, and one sentence with all these parts.
fn is_error(run: &Run, parts: &[&str]) {
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
    assert!(run.stderr.starts_with("error: "), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    for part in parts {
        assert!(run.stderr.contains(part), "{part}: {run:?}");
    }
}
