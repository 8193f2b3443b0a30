//! `observe --ui`: Hubble's own UI, by the Cilium CLI.

use crate::cli::{Exit, GlobalArgs};
use anyhow::{Context as _, bail};
use netpol_sources::hubble::Cilium;
use netpol_sources::process::{self, Program};
use std::path::Path;

/// Runs `cilium hubble ui` in our place.
pub(super) fn open(global: &GlobalArgs, namespace: Option<&str>) -> anyhow::Result<Exit> {
    if let Some(flag) = global.connect.beyond_context() {
        bail!("cilium takes no {flag}: choose the cluster with --kubeconfig and --context");
    }
    let cilium = Cilium::find()?;
    let mut words = vec!["hubble", "ui"];
    if let Some(context) = &global.connect.context {
        words.extend(["--context", context]);
    }
    if let Some(namespace) = namespace {
        words.extend(["--namespace", namespace]);
    }
    let kubeconfig = global.connect.kubeconfig.as_deref().map(Path::as_os_str);
    let environment: Vec<_> = kubeconfig.map(|path| ("KUBECONFIG", path)).into_iter().collect();
    // It takes our place, Ctrl-C and all.
    let code = process::become_program(Program::Cilium, &cilium.program, words, &environment);
    let code = code.with_context(|| format!("running {}", cilium.program.display()))?;
    Ok(if code == Some(0) { Exit::Success } else { Exit::Error })
}
