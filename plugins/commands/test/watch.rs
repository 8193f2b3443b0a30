//! `test --watch`: tests again whenever a file changes, until somebody ends it.
//!
//! In: the files of tests and manifests. Out: an answer each time. Files are looked at twice a second, by their
//! length and the time of their last change, and no more of them than may be read. Of what did not change
//! nothing is read again, where only policies changed the snapshot stays, and who reaches whom follows them.

use super::TestArgs;
use crate::cli::{Exit, GlobalArgs, KeptInput, Told, error, note};
use anyhow::{bail, ensure};
use netpol::reach;
use netpol_sources::address::shown_path;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// What was read and worked out the last time.
pub(super) struct Kept {
    /// What files gave.
    pub(super) input: Arc<KeptInput>,
    /// Who reaches whom.
    pub(super) flows: Option<reach::Kept>,
}

/// What tells that a file changed.
type Seen = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

impl TestArgs {
    /// Tests, and again after each change; ends where nobody reads what it says.
    pub(super) fn watch(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        let paths = self.watched()?;
        let most = global.limits().files;
        let mut kept = Kept { input: Arc::new(KeptInput::of_files()), flows: None };
        loop {
            // What changes while it is read is seen afterwards.
            let before = seen(&paths, most)?;
            match self.once(global, Some(&mut kept)) {
                Ok((exit, Told::Closed)) => return Ok(exit),
                Ok(_) => {}
                Err(why) => error(global.color, &format!("{why:#}")),
            }
            note(&[format!("watching {} files for changes; Ctrl-C ends it", before.len())]);
            while seen(&paths, most)? == before {
                std::thread::sleep(LOOK);
            }
        }
    }

    /// The files and directories that are watched.
    fn watched(&self) -> anyhow::Result<Vec<PathBuf>> {
        ensure!(
            !self.input.filename.is_empty() && self.input.kustomize.is_empty(),
            "--watch watches the files and directories of -f: name some, and nothing besides"
        );
        let all = self.input.filename.iter().chain(&self.tests);
        if let Some(other) = all.clone().find(|path| !path.exists()) {
            let what = shown_path(other);
            bail!("--watch watches files and directories, and {what} is none");
        }
        Ok(all.cloned().collect())
    }
}

/// Files below some paths; links to directories are not followed.
fn seen(paths: &[PathBuf], most: u64) -> anyhow::Result<Seen> {
    let mut found = Seen::new();
    let mut left = most;
    let mut next = paths.to_vec();
    while let Some(path) = next.pop() {
        // What is gone is a change, too.
        let Ok(about) = fs::metadata(&path) else { continue };
        if about.is_file() {
            found.insert(path, (about.modified().ok(), about.len()));
            continue;
        }
        let Ok(entries) = fs::read_dir(&path) else { continue };
        for entry in entries.flatten() {
            let Some(fewer) = left.checked_sub(1) else {
                bail!("more than {most} files are to be watched: name fewer directories");
            };
            left = fewer;
            if is_looked_at(&entry.path()) {
                next.push(entry.path());
            }
        }
    }
    Ok(found)
}

/// What is read below a directory: all but what is Git's own and where links lead.
fn is_looked_at(path: &Path) -> bool {
    let link = fs::symlink_metadata(path).is_ok_and(|about| about.is_symlink());
    path.file_name().is_some_and(|name| name != ".git") && !(link && path.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_seen() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir_all(root.join("a/.git")).unwrap();
        fs::write(root.join("a/x.yaml"), "a").unwrap();
        fs::write(root.join("a/.git/y"), "a").unwrap();
        let paths = [root.to_owned()];
        let first = seen(&paths, 10).unwrap();
        assert_eq!(first.keys().collect::<Vec<_>>(), [&root.join("a/x.yaml")]);
        assert_eq!(seen(&paths, 10).unwrap(), first);
        fs::write(root.join("a/x.yaml"), "ab").unwrap();
        let second = seen(&paths, 10).unwrap();
        assert_ne!(second, first);
        fs::remove_file(root.join("a/x.yaml")).unwrap();
        assert_ne!(seen(&paths, 10).unwrap(), second);
        fs::write(root.join("a/.git/y"), "ab").unwrap();
        assert!(seen(&paths, 10).unwrap().is_empty());
        assert!(seen(&paths, 1).is_err(), "more entries than may be read");
    }
}
