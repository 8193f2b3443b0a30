//! Files as people have them: what is read, what is told, and where it was written.

mod files;

use super::*;
use netpol::cluster::{Origin, Snapshot};
use netpol::objects::decode_text;

/// Reads a text of which there is nothing to tell.
fn assemble(text: &str) -> Snapshot {
    let (objects, warnings) = decode_text(text.into(), Path::new("in.yaml"), "default");
    assert!(warnings.is_empty(), "{text}");
    objects.assemble().0
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
