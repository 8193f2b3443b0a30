//! From bytes to text.
//!
//! In: what a file has. Out: its text in UTF-8, or why it is none.

use super::warning::shown;
use std::path::Path;

/// Why bytes are no text.
#[derive(Debug, PartialEq, Eq)]
pub struct NotText {
    /// Line and column, where it is known.
    pub at: Option<(u32, u32)>,
    /// What is wrong, and what to do.
    pub message: String,
}

/// The text of a file.
pub fn decode(bytes: Vec<u8>, path: &Path) -> Result<String, NotText> {
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
