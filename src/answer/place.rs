//! Where something is written.

use crate::cluster::Origin;
use schemars::JsonSchema;
use serde::Serialize;

/// Finds the place of a field of an object; `None` where it has none.
pub type Locate<'a> = dyn Fn(&Origin, &str) -> Option<Location> + 'a;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Location {
    /// The file as it was named on the command line, or what stands for it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// The text of the line.
    pub text: String,
}

/// A field's path without the `spec.` that all have.
pub fn short(path: &str) -> &str {
    path.strip_prefix("spec.").unwrap_or(path)
}
