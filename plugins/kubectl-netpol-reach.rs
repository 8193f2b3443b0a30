//! `kubectl netpol reach` as a binary of its own.

use netpol_plugins::commands::{ReachArgs, alone};

fn main() -> std::process::ExitCode {
    alone::<ReachArgs>()
}
