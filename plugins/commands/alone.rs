//! A command as a binary of its own.
//!
//! In: the arguments of the process. Out: its exit code. Version, help, completion and trace are those
//! of the front.

use super::Plugin;
use crate::cli::{self, GlobalArgs};
use crate::complete;
use clap::Parser;
use std::process::ExitCode;

/// The command line of such a binary.
#[derive(Parser)]
#[command(
    name = name::<P>(),
    bin_name = name::<P>(),
    version,
    about = P::ABOUT,
    max_term_width = 100
)]
struct Alone<P: Plugin> {
    #[command(flatten)]
    args: P,

    #[command(flatten)]
    global: GlobalArgs,
}

fn name<P: Plugin>() -> String {
    format!("kubectl netpol {}", P::NAME)
}

/// All that the binary of a command does.
pub fn alone<P: Plugin + 'static>() -> ExitCode {
    if let Some(exit) = complete::completed::<Alone<P>>() {
        return exit;
    }
    let Alone::<P> { args, global } = cli::parsed();
    cli::trace_to_stderr(&global);
    cli::finish(&global, args.run(&global))
}
