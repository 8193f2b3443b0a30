//! `kubectl netpol map` as a binary of its own.

use netpol_plugins::commands::{MapArgs, alone};

fn main() -> std::process::ExitCode {
    alone::<MapArgs>()
}
