//! What can be wrong with a document: one sentence, its place and the field it speaks of.

use std::fmt;

use serde::de;

use super::node::Mark;
use crate::printable::printable;

/// A message is cut after this many characters: it may quote a whole value of the input.
const MAX_MESSAGE: usize = 400;

/// Why a document could not be read or written.
///
/// Displays as one sentence, such as `line 3, column 5: spec.podSelector: expected a mapping,
/// found a list`. Control characters of the input never appear in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    mark: Option<Mark>,
    path: String,
    message: String,
}

impl Error {
    /// An error at a known place.
    pub(super) fn new(mark: Mark, message: impl fmt::Display) -> Self {
        Self { mark: Some(mark), ..Self::without_place(message) }
    }

    /// An error whose place is not known yet; see [`Error::at`].
    pub(super) fn without_place(message: impl fmt::Display) -> Self {
        Self { mark: None, path: String::new(), message: tame(&message.to_string()) }
    }

    /// Give the place, unless a deeper one is known already.
    pub(super) fn at(mut self, mark: Mark) -> Self {
        self.mark.get_or_insert(mark);
        self
    }

    /// Say that the error lies below this key.
    pub(super) fn under_key(mut self, key: &str) -> Self {
        let plain = !key.is_empty()
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let step = if plain { format!(".{key}") } else { format!("[{}]", tame(key)) };
        self.path.insert_str(0, &step);
        self
    }

    /// Say that the error lies below this item of a sequence.
    pub(super) fn under_item(mut self, index: usize) -> Self {
        self.path.insert_str(0, &format!("[{index}]"));
        self
    }

    /// The line in the file, counted from 1; 0 when the error has no place.
    pub fn line(&self) -> u32 {
        self.mark.map_or(0, |mark| mark.line)
    }

    /// The column in characters, counted from 1; 0 when the error has no place.
    pub fn column(&self) -> u32 {
        self.mark.map_or(0, |mark| mark.column)
    }

    /// Line and column in the file.
    pub fn mark(&self) -> Option<Mark> {
        self.mark
    }

    /// The field that the error speaks of, such as `spec.ingress[0].ports[1].port`; may be empty.
    pub fn path(&self) -> &str {
        self.path.strip_prefix('.').unwrap_or(&self.path)
    }

    /// The sentence without place and path.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(mark) = self.mark {
            write!(f, "line {}, column {}: ", mark.line, mark.column)?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path())?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::without_place(message)
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::without_place(format_args!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::without_place(format_args!("expected {expected}, found {found}"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::without_place(format_args!("the field {field} is missing"))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        if expected.is_empty() {
            return Self::without_place(format_args!("unknown field {field}"));
        }
        let known = expected.join(", ");
        Self::without_place(format_args!("unknown field {field}; known are {known}"))
    }
}

/// Make text of the input fit for a terminal, and cut what is too long.
fn tame(text: &str) -> String {
    let whole = text.char_indices().nth(MAX_MESSAGE).map(|(end, _)| &text[..end]);
    let dots = if whole.is_some() { "…" } else { "" };
    format!("{}{dots}", printable(whole.unwrap_or(text)))
}
