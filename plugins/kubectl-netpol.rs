//! `kubectl netpol`: the front binary.

use std::process::ExitCode;

/// musl's own takes nearly twice as long for all that a large input needs.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    netpol_plugins::commands::front()
}
