//! `kubectl netpol probe` as a binary of its own.

use netpol_plugins::commands::{ProbeArgs, alone};

fn main() -> std::process::ExitCode {
    alone::<ProbeArgs>()
}
