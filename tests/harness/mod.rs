//! What the tests stand on: outside programs, started once and shared, and the loud way to go
//! without them.
//!
//! A test whose outside program cannot be had passes, but says on the real stderr that it was
//! skipped and why; `cargo test` captures what a passing test prints, but not this. Set
//! `NETPOL_TESTS_MUST_RUN=1` to make it fail instead, as CI should.

mod control_plane;
#[cfg(unix)]
mod flux;
mod homekube;
mod hubble;
mod krew;
mod modules;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) use control_plane::{
    ControlPlane, Request, Runner, control_plane, control_plane_of_its_own,
};
#[cfg(unix)]
pub(crate) use flux::{Controllers, FIRST, FluxKube, fluxkube, fluxkube_of_its_own};
pub(crate) use homekube::{Answer, HomeKube, homekube, plugin};
pub(crate) use hubble::hubble;
pub(crate) use krew::krew;
pub(crate) use modules::module;

/// How many tests or parts of them this process has skipped.
static SKIPPED: AtomicUsize = AtomicUsize::new(0);

/// The proof that a test said why it does not run; only [`skip`] gives it out.
#[derive(Debug)]
pub(crate) struct Skip(());

/// Says that the current test does not run, and why.
///
/// # Panics
/// If `NETPOL_TESTS_MUST_RUN` is set and not empty.
pub(crate) fn skip(why: &str) -> Skip {
    let must_run = std::env::var_os("NETPOL_TESTS_MUST_RUN").is_some_and(|set| !set.is_empty());
    assert!(!must_run, "cannot run, but NETPOL_TESTS_MUST_RUN is set: {why}");
    missing(why);
    Skip(())
}

/// Says that a part of the current test does not run, and why, for a program that the tests use where
/// the machine has it: its absence is no failure anywhere.
pub(crate) fn missing(why: &str) {
    let count = 1 + SKIPPED.fetch_add(1, Ordering::Relaxed);
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Not `eprintln!`, which is captured.
    let line = format!("skipped ({count} so far): {test}: {why}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// `cargo xtask …`, whose messages go where this process's go.
pub(crate) fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["run", "--quiet", "--package", "xtask", "--"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    // What cargo tells this test of its package would make build scripts run anew that read it.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Why there are no programs.
pub(crate) enum Unprovided {
    /// They cannot be had here.
    Cannot(String),
    /// There is something to mend.
    Broken(String),
}

/// The directory that a task of xtask provides; a first build tells its progress meanwhile.
pub(crate) fn provided(task: &str) -> Result<PathBuf, Unprovided> {
    let broken = |error| Unprovided::Broken(format!("running cargo xtask {task}: {error}"));
    let mut child = xtask(&[task])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(broken)?;
    let mut last = String::new();
    for line in BufReader::new(child.stderr.take().expect("a pipe")).lines() {
        last = line.map_err(broken)?;
        let _ = writeln!(std::io::stderr(), "{last}");
    }
    let output = child.wait_with_output().map_err(broken)?;
    let answer = String::from_utf8_lossy(&output.stdout);
    // xtask's own failures are 2; cargo's, such as code that does not compile, are others.
    match (output.status.code(), answer.lines().last()) {
        (Some(0), Some(directory)) => Ok(PathBuf::from(directory)),
        (Some(2), _) => {
            Err(Unprovided::Cannot(last.strip_prefix("error: ").unwrap_or(&last).to_owned()))
        }
        _ => {
            let status = output.status;
            let why = format!("cargo xtask {task}: {status}; its messages are above");
            Err(Unprovided::Broken(why))
        }
    }
}

/// Runs a program to its end and gives back its stdout.
pub(crate) fn expect_success(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("running {command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {said}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
