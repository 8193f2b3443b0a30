//! `kubectl netpol observe` as a binary of its own.

use netpol_plugins::commands::{ObserveArgs, alone};

fn main() -> std::process::ExitCode {
    alone::<ObserveArgs>()
}
