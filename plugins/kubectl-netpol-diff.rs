//! `kubectl netpol diff` as a binary of its own.

use netpol_plugins::commands::{DiffArgs, alone};

fn main() -> std::process::ExitCode {
    alone::<DiffArgs>()
}
