//! Any bytes as the files of a repository that Flux or Argo CD delivers, followed as they would: nothing is
//! opened outside of it, and what is told of it is text.
//!
//! The place of kustomize is taken by a script that prints the files of a directory, since a thousand runs
//! of the real one take a minute.

use crate::dice::Dice;
use crate::read_back;
use netpol_sources::flux::follow::{How, Repository};
use netpol_sources::limits::{Budget, Limits};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use tempfile::TempDir;

/// The files that there may be, each with the text up to the next zero byte.
const FILES: [&str; 6] = [
    "clusters/prod/sync.yaml",
    "clusters/prod/apps.yaml",
    "apps/app.yaml",
    "apps/values.yaml",
    "apps/kustomization.yaml",
    ".sourceignore",
];

const KUSTOMIZE: &str = "#!/bin/sh\nfor last; do :; done\ncd \"$last\" || exit 1\n\
    for file in *.yaml; do case $file in kustomization.yaml) ;; *) cat \"$file\"; echo; echo ---;; esac; done\n";

/// A place to write, with the script.
fn place() -> TempDir {
    let place = tempfile::tempdir().expect("a place to write");
    let script = place.path().join("kustomize");
    fs::write(&script, KUSTOMIZE).expect("our own place");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("our own file");
    place
}

/// See above.
pub fn repositories(bytes: &[u8]) {
    let (head, texts) = bytes.split_at(bytes.len().min(2));
    let mut dice = Dice::new(head);
    let place = place();
    let top = place.path().join("repository");
    for (file, text) in FILES.iter().zip(texts.split(|byte| *byte == 0)) {
        let file = top.join(file);
        fs::create_dir_all(file.parent().expect("below the top")).expect("our own place");
        fs::write(&file, text).expect("our own place");
    }
    fs::create_dir_all(top.join("clusters/prod")).expect("our own place");
    let by = dice.pick(&["flux", "argocd"]);
    let below = dice.pick(&["#clusters/prod", ""]);
    let name = format!("{by}:{}{below}", top.display());
    let repository: Repository = name.parse().expect("a name");
    let path = OsString::from(format!("{}:/usr/bin:/bin", place.path().display()));
    let how = How { pull: false, cache: false, path: Some(&path) };
    match repository.follow(how, &Budget::new(Limits::default())) {
        Ok(followed) => {
            for warning in &followed.warnings {
                read_back::text(&warning.to_string());
            }
            for made in &followed.documents {
                read_back::text(&netpol::printable::printable(&made.by));
            }
        }
        Err(error) => read_back::text(&netpol::printable::printable(&error.to_string())),
    }
}
