//! The real helm.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{Outside, Skip, Unprovided, provided, skip};

/// The directory that holds `helm`; a test that gets none has said so and returns.
///
/// # Panics
/// If building it went wrong.
fn helm() -> Result<&'static Path, Skip> {
    static SHARED: OnceLock<Result<PathBuf, Unprovided>> = OnceLock::new();
    match SHARED.get_or_init(|| provided("helm")) {
        Ok(directory) => Ok(directory),
        Err(Unprovided::Cannot(why)) => Err(skip(Outside::Helm, why)),
        Err(Unprovided::Broken(why)) => panic!("{why}"),
    }
}

/// A `PATH` on which the real helm comes first.
///
/// # Panics
/// If building it went wrong.
pub(crate) fn with_helm() -> Result<OsString, Skip> {
    let ours = std::env::var_os("PATH").unwrap_or_default();
    let all = [helm()?.to_owned()].into_iter().chain(std::env::split_paths(&ours));
    Ok(std::env::join_paths(all).expect("a PATH"))
}
