//! The real Hubble CLI, for what it makes of our arguments and what it prints.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{Outside, Skip, Unprovided, provided, skip};

/// The program; a test that gets none has said so and returns.
///
/// # Panics
/// If building it went wrong.
fn hubble_program() -> Result<&'static Path, Skip> {
    static SHARED: OnceLock<Result<PathBuf, Unprovided>> = OnceLock::new();
    match SHARED.get_or_init(|| provided("hubble").map(|directory| directory.join("hubble"))) {
        Ok(program) => Ok(program),
        Err(Unprovided::Cannot(why)) => Err(skip(Outside::Hubble, why)),
        Err(Unprovided::Broken(why)) => panic!("{why}"),
    }
}

/// `hubble …` without the settings of whoever tests.
pub(crate) fn hubble() -> Result<Command, Skip> {
    let mut command = Command::new(hubble_program()?);
    command.env_clear().env("HOME", "/nonexistent");
    Ok(command)
}
