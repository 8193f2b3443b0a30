//! Files of tests.
//!
//! In: paths, or directories in which to look for them. Out: tests, each with the place where it is written.
//! Links are not followed, so that nothing outside of a directory is read, and no file is read that is larger
//! than anybody writes.

use anyhow::{Context as _, bail, ensure};
use netpol::answer::Location;
use netpol::intent::{Test, from_yaml};
use netpol::objects::shown;
use netpol::printable::printable;
use netpol_sources::address::shown_path;
use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// A file of tests is not larger.
const MOST_BYTES: u64 = 16 << 20;

/// How a file of tests is called where none is named, or how its name ends behind a dot.
const NAMES: [&str; 2] = ["netpol-test.yaml", "netpol-test.yml"];

/// The tests of some files.
#[derive(Clone, Debug, Default)]
pub(in crate::commands) struct Tests {
    /// Each with the place where it is written.
    pub tests: Vec<(Test, Location)>,
    /// What of the files is not looked at, as sentences without their end.
    pub notes: Vec<String>,
}

/// The tests of these files; of several the names must differ.
pub(in crate::commands) fn read(paths: &[PathBuf]) -> anyhow::Result<Tests> {
    let mut all = Tests::default();
    let mut names: HashMap<String, String> = HashMap::new();
    for path in paths {
        let file = if path.as_os_str() == "-" { shown(path) } else { shown_path(path) };
        let text = text(path).with_context(|| format!("reading the tests {file}"))?;
        all.add(&file, &text, &mut names)?;
    }
    Ok(all)
}

impl Tests {
    /// The tests of one text.
    pub(super) fn of_text(file: &str, text: &str) -> anyhow::Result<Self> {
        let mut all = Self::default();
        all.add(file, text, &mut HashMap::new())?;
        Ok(all)
    }

    fn add(
        &mut self,
        file: &str,
        text: &str,
        names: &mut HashMap<String, String>,
    ) -> anyhow::Result<()> {
        let read = from_yaml(text).with_context(|| format!("the tests {file}"))?;
        self.notes.extend(read.note.map(|note| format!("{file} {note}")));
        let lines: Vec<&str> = text.lines().collect();
        for test in read.tests {
            let (line, column) = test.at;
            let at = usize::try_from(line).unwrap_or(0);
            let location = Location {
                file: file.to_owned(),
                line: Some(at),
                column: usize::try_from(column).ok(),
                text: lines.get(at.saturating_sub(1)).map_or("", |line| line.trim()).to_owned(),
            };
            if let Some(other) = names.insert(test.name.clone(), location.to_string()) {
                let name = printable(&test.name);
                bail!("{location}: the test at {other} has the name {name:?} too");
            }
            self.tests.push((test, location));
        }
        Ok(())
    }
}

fn text(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(MOST_BYTES + 1).read_to_string(&mut text)
    } else {
        ensure!(
            !path.is_dir(),
            "it is a directory: name a file, or leave it out to have it searched"
        );
        fs::File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)
    };
    let read = read?;
    ensure!(
        u64::try_from(read).unwrap_or(u64::MAX) <= MOST_BYTES,
        "it is larger than {MOST_BYTES} bytes"
    );
    Ok(text)
}

/// The files of tests below directories, in order.
pub(super) fn below(directories: &[PathBuf], most: u64) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut left = most;
    let mut next: Vec<PathBuf> = directories.to_vec();
    while let Some(directory) = next.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            let Some(fewer) = left.checked_sub(1) else {
                bail!("more than {most} files are below the directory: name the files of tests");
            };
            left = fewer;
            let (Ok(kind), name) = (entry.file_type(), entry.file_name()) else { continue };
            let name = name.to_string_lossy();
            if kind.is_dir() && !name.starts_with('.') {
                next.push(entry.path());
            }
            let is_test =
                NAMES.iter().any(|own| *name == **own || name.ends_with(&format!(".{own}")));
            if kind.is_file() && is_test {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_name_and_no_link_is_followed() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir_all(root.join("a/.git")).unwrap();
        for name in [
            "netpol-test.yaml",
            "a/x.netpol-test.yml",
            "a/netpol-tests.yaml",
            "a/.git/netpol-test.yaml",
        ] {
            fs::write(root.join(name), "").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(root.join("netpol-test.yaml"), root.join("b.netpol-test.yaml"))
            .unwrap();
        let found = below(&[root.to_owned()], 100).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.strip_prefix(root).unwrap()).collect();
        assert_eq!(names, [Path::new("a/x.netpol-test.yml"), Path::new("netpol-test.yaml")]);
        assert!(below(&[root.to_owned()], 2).is_err());
    }

    #[test]
    fn two_tests_of_one_name_are_told_with_their_places() {
        let directory = tempfile::tempdir().unwrap();
        let text =
            "apiVersion: netpol/v1alpha1\nkind: Test\ntests:\n- name: a\n  dns: {from: anyone}\n";
        let paths = ["one.yaml", "two.yaml"].map(|name| directory.path().join(name));
        for path in &paths {
            fs::write(path, text).unwrap();
        }
        let error = read(&paths).unwrap_err().to_string();
        assert!(error.contains("two.yaml:4:3: the test at"), "{error}");
    }
}
