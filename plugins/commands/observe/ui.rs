//! `observe --ui`: Hubble's own UI, by the Cilium CLI.

use crate::cli::{Exit, GlobalArgs};
use anyhow::{Context as _, bail};
use netpol_sources::hubble::Cilium;
use std::process::Command;

/// Runs `cilium hubble ui` in our place.
pub(super) fn open(global: &GlobalArgs, namespace: Option<&str>) -> anyhow::Result<Exit> {
    if let Some(flag) = global.connect.beyond_context() {
        bail!("cilium takes no {flag}: choose the cluster with --kubeconfig and --context");
    }
    let cilium = Cilium::find()?;
    let mut command = Command::new(&cilium.program);
    command.args(["hubble", "ui"]);
    if let Some(context) = &global.connect.context {
        command.args(["--context", context]);
    }
    if let Some(namespace) = namespace {
        command.args(["--namespace", namespace]);
    }
    if let Some(kubeconfig) = &global.connect.kubeconfig {
        command.env("KUBECONFIG", kubeconfig);
    }
    run(&mut command).with_context(|| format!("running {}", cilium.program.display()))
}

#[cfg(unix)]
fn run(command: &mut Command) -> anyhow::Result<Exit> {
    use std::os::unix::process::CommandExt as _;
    // On success this does not return: it takes our place, Ctrl-C and all.
    Err(command.exec().into())
}

#[cfg(not(unix))]
fn run(command: &mut Command) -> anyhow::Result<Exit> {
    Ok(if command.status()?.success() { Exit::Success } else { Exit::Error })
}
