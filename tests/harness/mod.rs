//! What the tests stand on: outside programs, started once and shared, and the loud way to go
//! without them.

mod control_plane;
#[cfg(unix)]
mod files;
#[cfg(unix)]
mod flux;
mod helm;
mod homekube;
mod hubble;
mod krew;
#[cfg(target_os = "linux")]
mod kubelet;
mod loopback;
mod modules;
mod oracle;
mod outside;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

pub(crate) use control_plane::{
    ControlPlane, Request, Runner, control_plane, control_plane_of_its_own,
};
#[cfg(unix)]
pub(crate) use files::Files;
#[cfg(unix)]
pub(crate) use flux::{Controllers, FIRST, FluxKube, fluxkube, fluxkube_of_its_own};
pub(crate) use helm::with_helm;
pub(crate) use homekube::{Answer, HomeKube, homekube, plugin};
pub(crate) use hubble::hubble;
pub(crate) use krew::krew;
#[cfg(target_os = "linux")]
pub(crate) use kubelet::{kubelet, kubelet_of};
pub(crate) use loopback::Loopback;
pub(crate) use modules::module;
pub(crate) use oracle::{Oracle, cilium_oracle, kube_network_policies_oracle};
pub(crate) use outside::{Outside, Skip, hermetic, skip};

/// The root of the workspace, in which commands of the documentation are run.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = package.ancestors().find(|it| it.join("Cargo.lock").is_file());
        root.expect("a directory with Cargo.lock").to_path_buf()
    })
}

/// `cargo xtask …`, whose messages go where this process's go.
pub(crate) fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["run", "--quiet", "--package", "xtask", "--"])
        .args(arguments)
        .current_dir(root());
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
    if hermetic() {
        return Err(Unprovided::Cannot("NETPOL_TESTS_HERMETIC is set".to_owned()));
    }
    let broken = |error| Unprovided::Broken(format!("running cargo xtask {task}: {error}"));
    let words: Vec<&str> = task.split(' ').collect();
    let mut child = xtask(&words)
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
