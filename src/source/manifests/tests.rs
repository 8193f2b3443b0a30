//! Manifests as people have them: what is read, what is told, and where it was written.

use super::*;
use crate::cluster::{Labels, ObjectRef, Snapshot, TargetPort};
use crate::policy::{Ruleset, Written};
use std::fs;
use std::path::PathBuf;

fn decode(text: &str) -> (Objects, Vec<String>) {
    let (objects, warnings) = decode_text(text.into(), Path::new("in.yaml"), "default");
    (objects, warnings.iter().map(Warning::to_string).collect())
}

/// Reads a text that has nothing to be told about.
fn assemble(text: &str) -> (Snapshot, Written) {
    let (objects, warnings) = decode(text);
    assert_eq!(warnings, [""; 0], "{text}");
    objects.assemble()
}

fn names(text: &str) -> Vec<String> {
    let (objects, _) = decode(text);
    objects.iter().map(|(object, ..)| object.to_string()).collect()
}

/// Real manifests lie in `shared` beside the project, or beside what holds its worktrees.
fn real(name: &str) -> Option<PathBuf> {
    let below = Path::new("shared/cases/real").join(name);
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = project.ancestors().skip(1).map(|dir| dir.join(&below)).find(|dir| dir.is_dir());
    if found.is_none() {
        skipped(&format!("{} is not beside the project", below.display()));
    }
    found
}

/// Says on the real stderr that a test has not tested.
fn skipped(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

#[test]
fn real_inputs() {
    for (name, least) in [("kube-prometheus", 20), ("online-boutique", 30), ("cilium-home", 0)] {
        let Some(path) = real(name) else { continue };
        let loaded = Manifests { files: vec![path], ..Manifests::default() }.load().unwrap();
        for warning in &loaded.warnings {
            skipped(&warning.to_string());
        }
        let (snapshot, written) = loaded.objects.assemble();
        let ruleset = Ruleset::compile(&written);
        assert!(ruleset.rejected.is_empty(), "{:?}", ruleset.rejected);
        let objects = snapshot.pods().len() + snapshot.services.len() + written.len();
        assert!(objects >= least, "{name}: {objects}");
    }
}
