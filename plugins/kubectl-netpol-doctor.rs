//! `kubectl netpol doctor` as a binary of its own.

use clap::Parser;
use netpol_plugins::cli::{self, GlobalArgs};
use netpol_plugins::commands::DoctorArgs;
use netpol_plugins::complete;
use std::process::ExitCode;

/// Say whether programs, cluster and rights are there that the commands need
#[derive(Parser)]
#[command(
    name = "kubectl netpol doctor",
    bin_name = "kubectl netpol doctor",
    version,
    max_term_width = 100
)]
struct Doctor {
    #[command(flatten)]
    args: DoctorArgs,

    #[command(flatten)]
    global: GlobalArgs,
}

fn main() -> ExitCode {
    if let Some(exit) = complete::completed::<Doctor>() {
        return exit;
    }
    let Doctor { args, global } = Doctor::parse();
    cli::trace_to_stderr(&global);
    cli::finish(&global, args.run(&global))
}
