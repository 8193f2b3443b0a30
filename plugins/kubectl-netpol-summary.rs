//! `kubectl netpol summary` as a binary of its own.

use netpol_plugins::commands::{SummaryArgs, alone};

fn main() -> std::process::ExitCode {
    alone::<SummaryArgs>()
}
