//! A file of tests, whosever it is.

use super::asks::TestFile;
use super::file::{FileError, own};
use super::netassert;
use crate::yaml;

/// Reads a file of tests, or one of NetAssert.
pub fn from_yaml(text: &str) -> Result<TestFile, FileError> {
    let documents: Vec<_> = yaml::split(text).collect();
    let mut roots = documents.iter().filter_map(|document| yaml::parse(document).ok().flatten());
    match roots.next() {
        Some(root) if netassert::is_of_it(&root) => netassert::read(&root, roots.next().is_some()),
        _ => own(text),
    }
}
