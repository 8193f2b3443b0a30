//! `kubectl netpol explain` as a binary of its own.

use clap::Parser;
use netpol_plugins::cli::{self, GlobalArgs};
use netpol_plugins::commands::ExplainArgs;
use netpol_plugins::complete;
use std::process::ExitCode;

/// Say why a flow is allowed or denied, by policy, rule and line
#[derive(Parser)]
#[command(
    name = "kubectl netpol explain",
    bin_name = "kubectl netpol explain",
    version,
    max_term_width = 100
)]
struct Explain {
    #[command(flatten)]
    args: ExplainArgs,

    #[command(flatten)]
    global: GlobalArgs,
}

fn main() -> ExitCode {
    if let Some(exit) = complete::completed::<Explain>() {
        return exit;
    }
    let Explain { args, global } = Explain::parse();
    cli::trace_to_stderr(&global);
    cli::finish(&global, args.run(&global))
}
