//! JSON, safe on a terminal too.

use netpol::printable::printable_json;
use serde::Serialize;

/// An answer on lines that people can read.
pub(super) fn document(answer: &impl Serialize) -> serde_json::Result<String> {
    let json = serde_json::to_string_pretty(answer)?;
    Ok(printable_json(&json).into_owned() + "\n")
}

/// An answer on one line.
pub fn json_line(answer: &impl Serialize) -> serde_json::Result<String> {
    let json = serde_json::to_string(answer)?;
    Ok(printable_json(&json).into_owned() + "\n")
}
