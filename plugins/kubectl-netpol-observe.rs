//! `kubectl netpol observe` as a binary of its own.

use clap::Parser;
use netpol_plugins::cli::{self, GlobalArgs};
use netpol_plugins::commands::ObserveArgs;
use netpol_plugins::complete;
use std::process::ExitCode;

/// Show the flows that Hubble sees, beside what the policies predict
#[derive(Parser)]
#[command(
    name = "kubectl netpol observe",
    bin_name = "kubectl netpol observe",
    version,
    max_term_width = 100
)]
struct Observe {
    #[command(flatten)]
    args: ObserveArgs,

    #[command(flatten)]
    global: GlobalArgs,
}

fn main() -> ExitCode {
    if let Some(exit) = complete::completed::<Observe>() {
        return exit;
    }
    let Observe { args, global } = Observe::parse();
    cli::trace_to_stderr(&global);
    cli::finish(&global, args.run(&global))
}
