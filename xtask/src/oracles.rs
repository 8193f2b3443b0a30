//! Verdicts beside those of the engines that enforce policies, on as many random clusters as one likes.

use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::tools::workspace;

/// Where differences go.
const CASES: &str = "target/oracles";

#[derive(Args)]
pub(crate) struct Options {
    /// How many clusters of each dialect.
    #[arg(long, default_value_t = 1000)]
    clusters: u64,

    /// The seed of the first; the others have the next ones.
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Build the tests with optimisations first: worth it from some ten thousand clusters on.
    #[arg(long)]
    release: bool,

    /// Write what the engines say of 60 clusters of each dialect to tests/cases/verdicts.
    #[arg(long, conflicts_with_all = ["clusters", "seed"])]
    write_tables: bool,
}

/// Clusters of each dialect in a table.
const IN_A_TABLE: u64 = 60;

/// Whether nothing differs.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace()).args(["test", "--locked", "--test", "suite"]);
    if options.release {
        command.arg("--release");
    }
    let mut clusters = options.clusters;
    if options.write_tables {
        clusters = IN_A_TABLE;
        command.env("NETPOL_ORACLE_TABLES", "overwrite");
    }
    let status = command
        .args(["--", "oracles::", "--nocapture"])
        .env("NETPOL_RANDOM_CLUSTERS", clusters.to_string())
        .env("NETPOL_RANDOM_SEED", options.seed.to_string())
        .env("NETPOL_ORACLE_CASES", CASES)
        .env("NETPOL_TESTS_MUST_RUN", "1")
        .status()
        .context("running cargo test")?;
    Ok(status.success())
}
