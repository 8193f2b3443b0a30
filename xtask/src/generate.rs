//! Files that follow from the program: the flags' completions, man pages and reference, a picture, and a
//! map.
//!
//! In: the front binary, built here or given. Out: the files, in the workspace or elsewhere; a test
//! compares them with those that are there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::picture;
use crate::tools::workspace;

/// Flags of `cargo xtask generate`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Ask this program instead of building it.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,

    /// Where the files go (default: the workspace).
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Writes the files, and says so.
pub(crate) fn run(options: &Options) -> Result<String> {
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => build()?,
    };
    let out = options.out.clone().unwrap_or_else(|| workspace().to_owned());
    // The front binary knows its flags, and writes what follows from them.
    let status = Command::new(&binary).arg("__generate").arg(&out).status();
    let status = status.with_context(|| format!("running {}", binary.display()))?;
    ensure!(status.success(), "{} __generate: {status}", binary.display());
    let picture = out.join("docs/picture.svg");
    fs::write(&picture, picture::draw(&binary)?)
        .with_context(|| format!("writing {}", picture.display()))?;
    let map = out.join("docs/homekube.html");
    fs::write(&map, homekube(&binary)?).with_context(|| format!("writing {}", map.display()))?;
    let all = "completions/, man/, docs/reference.md, docs/picture.svg and docs/homekube.html";
    Ok(format!("{all} are up to date"))
}

/// The map of HomeKube.
fn homekube(binary: &Path) -> Result<Vec<u8>> {
    let output = Command::new(binary)
        .args(["list", "-f", "examples/homekube", "-o", "html", "--color", "never"])
        .current_dir(workspace())
        .env("KUBECONFIG", "/dev/null")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("running {}", binary.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "list -o html: {}: {said}", output.status);
    Ok(output.stdout)
}

fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--bin", "kubectl-netpol", "--message-format", "json"])
        .current_dir(workspace())
        .stderr(Stdio::inherit())
        .output()
        .context("running cargo build")?;
    ensure!(output.status.success(), "cargo build failed ({}); its words are above", output.status);
    let said = String::from_utf8_lossy(&output.stdout);
    let messages = said.lines().filter_map(|line| serde_json::from_str(line).ok());
    let built = |message: serde_json::Value| Some(PathBuf::from(message["executable"].as_str()?));
    messages.filter_map(built).next_back().context("cargo build told of no program")
}
