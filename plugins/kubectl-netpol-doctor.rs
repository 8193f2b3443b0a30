//! `kubectl netpol doctor` as a binary of its own.

use netpol_plugins::commands::{DoctorArgs, alone};

fn main() -> std::process::ExitCode {
    alone::<DoctorArgs>()
}
