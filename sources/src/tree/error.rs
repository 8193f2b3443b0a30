//! Why the files of a repository could not be read or copied.

use crate::limits::Exceeded;
use crate::revision;
use netpol::objects::shown;
use std::path::PathBuf;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory is none.
    #[error("cannot read {}: it is not a directory", shown(.0))]
    NoDirectory(PathBuf),
    /// Something could not be read.
    #[error("cannot read {}: {source}", shown(path))]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The revision could not be read.
    #[error(transparent)]
    Revision(#[from] revision::Error),
    /// More than a limit allows.
    #[error(transparent)]
    TooMuch(#[from] Exceeded),
    /// No copy can be made.
    #[error("cannot copy the repository to build it: {source}")]
    Copy {
        /// Why.
        source: std::io::Error,
    },
}
