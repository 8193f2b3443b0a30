//! Manifests as people have them: what is read and what is told.

mod kinds;
mod overlays;
mod texts;

use super::*;
use crate::cluster::{Origin, Snapshot};
use crate::policy::Written;
use std::path::Path;

/// Decodes a text as a file's content: the objects, and everything that is told.
fn decode(text: &str) -> (Objects, Vec<String>) {
    let (objects, warnings) = decode_text(text.into(), Path::new("in.yaml"), "default");
    (objects, warnings.iter().map(Warning::to_string).collect())
}

/// Reads a text of which there is nothing to tell.
fn assemble(text: &str) -> (Snapshot, Written) {
    let (objects, warnings) = decode(text);
    assert_eq!(warnings, [""; 0], "{text}");
    objects.assemble()
}

/// The names of what is in a text.
fn names(text: &str) -> Vec<String> {
    let (objects, _) = decode(text);
    objects.iter().map(|(object, ..)| object.to_string()).collect()
}
