//! `kubectl netpol bootstrap` as a binary of its own.

use clap::Parser;
use netpol_plugins::cli::{self, GlobalArgs};
use netpol_plugins::commands::BootstrapArgs;
use netpol_plugins::complete;
use std::process::ExitCode;

/// Close a namespace: default deny, DNS and the named allows
#[derive(Parser)]
#[command(
    name = "kubectl netpol bootstrap",
    bin_name = "kubectl netpol bootstrap",
    version,
    max_term_width = 100
)]
struct Bootstrap {
    #[command(flatten)]
    args: BootstrapArgs,

    #[command(flatten)]
    global: GlobalArgs,
}

fn main() -> ExitCode {
    if let Some(exit) = complete::completed::<Bootstrap>() {
        return exit;
    }
    let Bootstrap { args, global } = Bootstrap::parse();
    cli::trace_to_stderr(&global);
    cli::finish(&global, args.run(&global))
}
