//! `kubectl netpol observe`: with the real Hubble CLI, with recordings, and with programs that are
//! not what they should be.

mod arguments;
mod explained;
mod failures;
mod learned;
mod live;
mod plain;
mod recordings;

use crate::run::{Run, command, run};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Flows written by hand for HomeKube, in the form of the real CLI.
const FLOWS: &str = "examples/flows/homekube.jsonl";

/// `observe` of the front binary without any hubble but the one it is given.
fn observe(words: &[&str], hubble: Option<&Path>) -> Command {
    let mut command = command(crate::run::FRONT, &["observe"]);
    command.args(words).env("PATH", "/nonexistent").env("COLUMNS", "80");
    for name in ["HUBBLE_BIN", "HUBBLE_SERVER", "CILIUM_BIN"] {
        command.env_remove(name);
    }
    if let Some(hubble) = hubble {
        command.env("HUBBLE_BIN", hubble);
    }
    command
}

/// The recording judged by HomeKube's manifests.
fn recorded(words: &[&str]) -> Run {
    let base = ["-f", "examples/homekube", "--input-file", FLOWS];
    run(&mut observe(&[&base, words].concat(), None), b"")
}

/// Every line of stdout as JSON.
fn lines(run: &Run) -> Vec<Value> {
    let line = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    run.stdout.lines().map(line).collect()
}

/// A program of the test's own: a script, which must not read more of its surroundings than it says.
struct Fake {
    directory: TempDir,
    program: PathBuf,
}

impl Fake {
    /// A `hubble` of a version, which runs this when it is asked for flows.
    fn hubble(version: &str, observe: &str) -> Self {
        let script = format!(
            "if [ \"$1\" = version ]; then echo 'hubble {version} compiled with go1.26'; exit; fi\n\
             echo \"$@\" > \"$(dirname \"$0\")/arguments\"\n{observe}\n"
        );
        Self::program("hubble", &script)
    }

    fn program(name: &str, script: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join(name);
        let path = "PATH=/usr/bin:/bin";
        fs::write(&program, format!("#!/bin/sh\n{path}\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { directory, program }
    }

    /// The arguments with which it was run.
    fn arguments(&self) -> String {
        let text = fs::read_to_string(self.directory.path().join("arguments")).unwrap();
        text.trim_end().to_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs `observe` with it against HomeKube's manifests.
    fn observe(&self, words: &[&str]) -> Run {
        let words = [&["-f", "examples/homekube"], words].concat();
        run(&mut observe(&words, Some(&self.program)), b"")
    }
}
