//! `kubectl netpol summary` as a binary of its own.

use clap::Parser;
use netpol_plugins::cli::{self, GlobalArgs};
use netpol_plugins::commands::SummaryArgs;
use netpol_plugins::complete;
use std::process::ExitCode;

/// Say of every namespace whether it is default-deny and what is allowed, in one table
#[derive(Parser)]
#[command(
    name = "kubectl netpol summary",
    bin_name = "kubectl netpol summary",
    version,
    max_term_width = 100
)]
struct Summary {
    #[command(flatten)]
    global: GlobalArgs,

    #[command(flatten)]
    args: SummaryArgs,
}

fn main() -> ExitCode {
    if let Some(exit) = complete::completed::<Summary>() {
        return exit;
    }
    let Summary { global, args } = Summary::parse();
    cli::trace_to_stderr(&global);
    cli::finish(&global, args.run(&global))
}
