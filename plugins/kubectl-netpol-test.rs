//! `kubectl netpol test` as a binary of its own.

use netpol_plugins::commands::{TestArgs, alone};

fn main() -> std::process::ExitCode {
    alone::<TestArgs>()
}
