//! Where something is written.

use crate::cluster::Origin;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// Finds the place of a field of an object; `None` where it has none.
pub type Locate<'a> = dyn Fn(&Origin, &str) -> Option<Location> + 'a;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Location {
    /// The file as it was named on the command line, or what stands for it.
    pub file: String,
    /// The line, from 1; not there where what is in force was made of the file, and is not written in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column, from 1, where there is a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The text of the line.
    pub text: String,
}

/// `file:line:column`, or the file alone.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        self.line.into_iter().chain(self.column).try_for_each(|number| write!(f, ":{number}"))
    }
}

/// A field's path without the `spec.` that all have.
pub fn short(path: &str) -> &str {
    path.strip_prefix("spec.").unwrap_or(path)
}
