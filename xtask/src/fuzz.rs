//! Fuzzing on the stable compiler: libFuzzer with coverage, without a sanitizer, which safe code can
//! do without.
//!
//! In: how long, and which targets. Out: for each how many inputs it saw, on stderr what it says itself;
//! an error where there is a finding, with the input that shows it.

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What makes the compiler count which branches are taken, and show what is compared.
const INSTRUMENTS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";

/// More memory for one input, in MB, or more seconds, is a finding.
const LIMITS: [&str; 3] = ["-rss_limit_mb=1024", "-malloc_limit_mb=256", "-timeout=10"];

/// Arguments of `fuzz`.
#[derive(Args)]
pub(crate) struct Options {
    /// How long each target runs.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    seconds: u64,

    /// The longest input, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 4096)]
    max_len: u32,

    /// Where inputs that lead further are kept; target/fuzz/corpus by default.
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,

    /// Only these; all by default.
    targets: Vec<String>,
}

/// Builds the targets and runs one after the other. Answers a line for each.
pub(crate) fn run(options: &Options) -> Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("a package in the root")?;
    let (target, place) = (host()?, root.join("target/fuzz"));
    let built = Command::new(env!("CARGO"))
        .args(["build", "--profile=fuzz", "--locked", "--package=netpol-fuzz", "--bins"])
        .args(["--features", "libfuzzer"])
        .args(["--target", &target, "--target-dir"])
        .arg(&place)
        .env("RUSTFLAGS", INSTRUMENTS)
        .current_dir(root)
        .status()
        .context("cargo cannot be run")?;
    ensure!(built.success(), "the targets do not compile");
    let programs = place.join(target).join("fuzz");
    let kept = root.join("fuzz/corpus");
    let names =
        if options.targets.is_empty() { directories(&kept)? } else { options.targets.clone() };
    let (mut lines, mut findings) = (String::new(), Vec::new());
    for name in &names {
        let corpus = options.corpus.clone().unwrap_or_else(|| place.join("corpus")).join(name);
        let found = place.join("findings").join(name);
        for directory in [&corpus, &found] {
            std::fs::create_dir_all(directory)
                .with_context(|| format!("making {}", directory.display()))?;
        }
        let output = Command::new(programs.join(name))
            .args(LIMITS)
            .arg(format!("-max_total_time={}", options.seconds))
            .arg(format!("-max_len={}", options.max_len))
            .arg(format!("-artifact_prefix={}/", found.display()))
            .args(["-print_final_stats=1", "-verbosity=1"])
            .args([&corpus, &kept.join(name)])
            .current_dir(&place)
            .output()
            .with_context(|| format!("running {name}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        let units =
            said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        let reached = said.lines().rev().find(|line| line.contains(" cov: "));
        let _ = writeln!(
            lines,
            "{name}: {} inputs in {} s; {}",
            units.unwrap_or("?").trim(),
            options.seconds,
            reached.unwrap_or_default().trim()
        );
        if !output.status.success() {
            let end: Vec<&str> = said.lines().collect();
            let end = end[end.len().saturating_sub(60)..].join("\n");
            findings.push(format!("{name}, see {}:\n{end}", found.display()));
        }
    }
    if !findings.is_empty() {
        bail!("{lines}{}", findings.join("\n"));
    }
    Ok(lines)
}

/// The compiler's own target, which must be named so that build scripts are built without instruments.
fn host() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().context("rustc cannot be run")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

fn directories(of: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(of).with_context(|| format!("reading {}", of.display()))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
