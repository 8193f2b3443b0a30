//! `kubectl netpol diff` as a binary of its own.

use clap::Parser;
use netpol_plugins::cli::{self, GlobalArgs};
use netpol_plugins::commands::DiffArgs;
use netpol_plugins::complete;
use std::process::ExitCode;

/// Say which flows a change opens and closes
#[derive(Parser)]
#[command(
    name = "kubectl netpol diff",
    bin_name = "kubectl netpol diff",
    version,
    max_term_width = 100
)]
struct Diff {
    #[command(flatten)]
    args: DiffArgs,

    #[command(flatten)]
    global: GlobalArgs,
}

fn main() -> ExitCode {
    if let Some(exit) = complete::completed::<Diff>() {
        return exit;
    }
    let Diff { args, global } = Diff::parse();
    cli::trace_to_stderr(&global);
    cli::finish(&global, args.run(&global))
}
