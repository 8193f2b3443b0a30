//! `kubectl netpol list` as a binary of its own.

use clap::Parser;
use netpol_plugins::cli::{self, GlobalArgs};
use netpol_plugins::commands::ListArgs;
use netpol_plugins::complete;
use std::process::ExitCode;

/// List who may talk to whom on what
#[derive(Parser)]
#[command(
    name = "kubectl netpol list",
    bin_name = "kubectl netpol list",
    version,
    max_term_width = 100
)]
struct List {
    #[command(flatten)]
    args: ListArgs,

    #[command(flatten)]
    global: GlobalArgs,
}

fn main() -> ExitCode {
    if let Some(exit) = complete::completed::<List>() {
        return exit;
    }
    let List { args, global } = List::parse();
    cli::trace_to_stderr(&global);
    cli::finish(&global, args.run(&global))
}
