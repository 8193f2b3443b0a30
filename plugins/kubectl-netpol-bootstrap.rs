//! `kubectl netpol bootstrap` as a binary of its own.

use netpol_plugins::commands::{BootstrapArgs, alone};

fn main() -> std::process::ExitCode {
    alone::<BootstrapArgs>()
}
