//! `kubectl netpol list` as a binary of its own.

use netpol_plugins::commands::{ListArgs, alone};

fn main() -> std::process::ExitCode {
    alone::<ListArgs>()
}
