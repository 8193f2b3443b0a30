//! From a file or a stream to text, with a bound.
//!
//! In: a path. Out: its text in UTF-8, or why it is none. Only regular files and pipes are opened:
//! a device could block for ever.

use super::error::{Error, shown};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Larger files are refused.
pub(super) const MAX_FILE: u64 = 1 << 30;

/// Reads a file or a pipe.
pub(super) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
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

/// Why bytes are no text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotText {
    /// Line and column, where it is known.
    pub(super) at: Option<(u32, u32)>,
    /// What is wrong, and what to do.
    pub(super) message: String,
}

/// The text of a file.
pub(super) fn decode(bytes: Vec<u8>, path: &Path) -> Result<String, NotText> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let file = shown(path);
        let message = format!(
            "is in UTF-16, which kubectl does not read; convert it: `iconv -f UTF-16 -t UTF-8 {file}`"
        );
        return Err(NotText { at: None, message });
    }
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let before = &error.as_bytes()[..offset];
        let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let byte = error.as_bytes().get(offset).copied().unwrap_or_default();
        let message = format!(
            "is not UTF-8: byte 0x{byte:02x} at offset {offset}; nothing in this file is read"
        );
        NotText { at: Some((narrow(line), narrow(column))), message }
    })
}
