//! Typed values as YAML that kubectl reads back as they are.
//!
//! In goes any serializable value, out comes block YAML: two spaces a level, strings that
//! kubectl would take for something else (`yes`, `0755`, `1e3`, `null`, `2001-01-01`) in quotes,
//! and no line is folded.

use serde::Serialize;

use super::error::Error;

/// Write a value as one YAML document, without a `---`.
pub fn to_string<T: Serialize>(value: &T) -> Result<String, Error> {
    let options = serde_saphyr::ser_options! {
        folded_wrap_chars: usize::MAX,
    };
    serde_saphyr::to_string_with_options(value, options).map_err(Error::without_place)
}
