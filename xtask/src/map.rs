//! plugins/assets/map.html: the page of `kubectl netpol map`, bundled from the sources in map/.
//!
//! In: map/ with what its package-lock.json pins, which npm fetches once. Out: the one asset that is
//! checked in, the same for the same sources; or the word that its lint and unit tests pass.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::progress;
use crate::tools::workspace;

/// Flags of `cargo xtask map`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where the page goes (default: plugins/assets/map.html).
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Check the types, the lints and the unit tests of the sources, and write nothing.
    #[arg(long, conflicts_with = "out")]
    check: bool,
}

/// Does it, and says so.
pub(crate) fn run(options: &Options) -> Result<String> {
    let sources = workspace().join("map");
    packages(&sources)?;
    if options.check {
        npm(&sources, &["run", "--silent", "check"])?;
        npm(&sources, &["test", "--silent"])?;
        return Ok("the sources of the map are as they should be".to_owned());
    }
    let out = match &options.out {
        Some(out) => std::path::absolute(out).context("finding the place")?,
        None => workspace().join("plugins/assets/map.html"),
    };
    let status = Command::new(found("node")?)
        .args(["build.mjs".as_ref(), "--out".as_ref(), out.as_os_str()])
        .current_dir(&sources)
        .stdin(Stdio::null())
        .status()
        .context("running node")?;
    ensure!(status.success(), "node build.mjs: {status}");
    Ok(out.display().to_string())
}

/// Fetches what package-lock.json pins, unless it is here; one process does, others wait for it. No
/// package runs anything while it is installed.
pub(crate) fn packages(sources: &Path) -> Result<()> {
    let read = |name: &str| {
        let path = sources.join(name);
        fs::read(&path).with_context(|| format!("reading {}", path.display()))
    };
    let pins = read("package-lock.json")?;
    let here = sources.join("node_modules");
    // Of what is here says this copy, written last.
    let installed = || fs::read(here.join(".installed")).is_ok_and(|own| own == pins);
    if installed() {
        return Ok(());
    }
    let lock = workspace().join("target/map.lock");
    let lock = File::create(&lock).with_context(|| format!("creating {}", lock.display()))?;
    lock.lock().context("waiting for another process that installs the packages of map/")?;
    if installed() {
        return Ok(());
    }
    progress("map: installing what map/package-lock.json pins");
    npm(sources, &["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"])?;
    fs::write(here.join(".installed"), &pins).context("writing what is installed")
}

fn npm(sources: &Path, words: &[&str]) -> Result<()> {
    let status = Command::new(found("npm")?)
        .args(words)
        .current_dir(sources)
        .stdin(Stdio::null())
        // stdout is for the answer.
        .stdout(std::io::stderr())
        .status()
        .context("running npm")?;
    ensure!(status.success(), "npm {}: {status}", words.join(" "));
    Ok(())
}

fn found(program: &str) -> Result<PathBuf> {
    which::which(program).with_context(|| format!("no `{program}` on PATH; install Node.js"))
}

/// A browser for the tests: one that is on PATH, or Debian's, which is installed where that is possible.
pub(crate) fn browser() -> Result<String> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let there = || names.iter().find_map(|name| which::which(name).ok());
    if let Some(browser) = there() {
        return Ok(browser.display().to_string());
    }
    let apt =
        which::which("apt-get").context("no Chromium on PATH, and no apt-get to install it")?;
    for words in [&["update", "-qq"][..], &["install", "-y", "-qq", "chromium"]] {
        progress(&format!("browser: apt-get {}", words.join(" ")));
        let status = Command::new(&apt)
            .args(words)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(std::io::stderr())
            .status()
            .context("running apt-get")?;
        ensure!(status.success(), "no Chromium on PATH, and apt-get {}: {status}", words.join(" "));
    }
    there().map(|browser| browser.display().to_string()).context("Debian's chromium is not on PATH")
}
