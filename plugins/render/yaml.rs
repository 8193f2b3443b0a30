//! YAML, one document an answer.

use netpol::yaml;
use serde::Serialize;

/// An answer as one document.
pub(super) fn document(answer: &impl Serialize) -> anyhow::Result<String> {
    Ok(yaml::to_string(answer)?)
}
