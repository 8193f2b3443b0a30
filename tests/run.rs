//! The real binary, run as a user runs it: from the project's root, without a terminal.

use crate::harness::root;
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Output, Stdio};

/// The front binary.
pub(crate) const FRONT: &str = env!("CARGO_BIN_EXE_kubectl-netpol");

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A program in the project's root, in an environment that changes no answer.
pub(crate) fn command(program: &str, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(words).current_dir(root());
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM", "COLUMNS", "RUST_BACKTRACE"] {
        command.env_remove(name);
    }
    // Whoever runs the tests may well have a cluster: none of them is to see it.
    command.env("KUBECONFIG", "/dev/null").env("HOME", "/nonexistent");
    command.env_remove("KUBERNETES_SERVICE_HOST").env_remove("XDG_CACHE_HOME");
    command
}

/// Runs the front binary with nothing on stdin.
pub(crate) fn netpol(words: &[&str]) -> Run {
    netpol_with(words, b"")
}

/// Runs the front binary with this on stdin.
pub(crate) fn netpol_with(words: &[&str], stdin: &[u8]) -> Run {
    run(&mut command(FRONT, words), stdin)
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command, stdin: &[u8]) -> Run {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The program may well end without reading it.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
}

impl Run {
    /// The JSON on stdout.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

/// The JSON answer to `explain`, with its exit code.
pub(crate) fn explain(words: &[&str]) -> (i32, Value) {
    let mut all = vec!["explain", "-o", "json"];
    all.extend(words);
    let run = netpol(&all);
    (run.code, run.json())
}

/// The text of a field, `""` where it is absent.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a list.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
