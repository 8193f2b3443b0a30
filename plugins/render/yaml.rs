//! YAML, one document an answer.

use super::json;
use netpol::yaml;
use serde::Serialize;
use std::io::{self, Write};

/// An answer as one document, as it is made.
pub(super) fn document(answer: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    // JSON is YAML, and each of its texts may have an escape.
    if yaml::to_writer(answer, out)? { Ok(()) } else { json::document(answer, out) }
}
