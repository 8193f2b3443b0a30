//! From a file or a stream to text, with a bound.
//!
//! In: a path. Out: its text in UTF-8, or why it is none. Only regular files and pipes are opened:
//! a device could block for ever.

use super::error::Error;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Larger files are refused.
pub(super) const MAX_FILE: u64 = 1 << 30;

/// Reads a file or a pipe.
pub(crate) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(unreadable)?;
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Err(unreadable(io::ErrorKind::IsADirectory.into()));
    }
    if !kind.is_file() && !is_pipe(kind) {
        return Err(Error::NotAFile(path.to_owned()));
    }
    if kind.is_file() && metadata.len() > limit {
        return Err(Error::TooLarge { path: path.to_owned(), limit });
    }
    let size = if kind.is_file() { metadata.len() } else { 0 };
    let file = File::open(path).map_err(unreadable)?;
    read(file, usize::try_from(size).unwrap_or(0), path, limit)
}

/// Reads a stream to its end.
pub(super) fn read(
    from: impl Read,
    expected: usize,
    path: &Path,
    limit: u64,
) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(expected + 1);
    let read = from.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
    if bytes.len() as u64 > limit {
        return Err(Error::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

#[cfg(unix)]
pub(super) fn is_pipe(kind: fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&kind)
}

#[cfg(not(unix))]
pub(super) fn is_pipe(_: fs::FileType) -> bool {
    false
}
