//! The real krew, and the validator of its index.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{Outside, Skip, Unprovided, provided, skip};

/// The directory that holds `kubectl-krew` and `validate-krew-manifest`; a test that gets none has said
/// so and returns.
///
/// # Panics
/// If building them went wrong.
pub(crate) fn krew() -> Result<&'static Path, Skip> {
    static SHARED: OnceLock<Result<PathBuf, Unprovided>> = OnceLock::new();
    match SHARED.get_or_init(|| provided("krew")) {
        Ok(directory) => Ok(directory),
        Err(Unprovided::Cannot(why)) => Err(skip(Outside::Krew, why)),
        Err(Unprovided::Broken(why)) => panic!("{why}"),
    }
}
