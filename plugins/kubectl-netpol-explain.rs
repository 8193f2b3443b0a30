//! `kubectl netpol explain` as a binary of its own.

use netpol_plugins::commands::{ExplainArgs, alone};

fn main() -> std::process::ExitCode {
    alone::<ExplainArgs>()
}
