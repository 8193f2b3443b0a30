//! `kubectl netpol lint` as a binary of its own.

use netpol_plugins::commands::{LintArgs, alone};

fn main() -> std::process::ExitCode {
    alone::<LintArgs>()
}
