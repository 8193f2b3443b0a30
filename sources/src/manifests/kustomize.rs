//! `-k`: what kustomize makes of a directory.
//!
//! In: the directory. Out: the manifests that `kubectl kustomize` prints for it, or `kustomize
//! build` where there is no kubectl: users of kubectl expect the version in their kubectl.

use super::error::Error;
use super::text::MAX_FILE;
use crate::process::{self, Limits};
use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

/// kustomize may fetch remote bases, but nobody waits longer for an answer.
const LIMITS: Limits = Limits { time: Duration::from_mins(1), output: MAX_FILE };

/// Builds a kustomization.
pub(super) fn build(directory: &Path) -> Result<Vec<u8>, Error> {
    let programs = [("kubectl", "kustomize"), ("kustomize", "build")];
    let found = programs
        .into_iter()
        .find_map(|(program, word)| Some((which::which(program).ok()?, program, word)));
    let Some((path, program, word)) = found else {
        return Err(Error::NoKustomize(directory.to_owned()));
    };
    // A path that starts with a dash would be taken for a flag.
    let arguments = [OsStr::new(word), OsStr::new("--"), directory.as_os_str()];
    let output = process::run(&path, arguments, LIMITS)
        .map_err(|source| Error::KustomizeRun { directory: directory.to_owned(), source })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let stderr = output.stderr.trim().trim_start_matches("error: ").to_owned();
    let stderr = if stderr.is_empty() { output.status.to_string() } else { stderr };
    Err(Error::Kustomize { directory: directory.to_owned(), program, stderr })
}
