//! Manifests as people have them: what is read, what is told, and where it was written.

mod files;
mod objects;
mod overlays;
mod texts;

use super::*;
use crate::cluster::Snapshot;
use crate::policy::Written;

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

/// Loads files with the defaults.
fn load(files: &[&Path]) -> Result<Loaded, Error> {
    let files = files.iter().map(|path| path.to_path_buf()).collect();
    Manifests { files, ..Manifests::default() }.load()
}

/// Says on the real stderr that a test is left out, for want of a program that a machine has or not.
fn skipped(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "left out: {why}");
}
