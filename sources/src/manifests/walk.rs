//! From the paths of the command line to the files to read, in a fixed order.
//!
//! In: files, directories and `-`. Out: [`Input`]s sorted by path within each directory. Hidden
//! entries, devices and pipes of a directory are passed over; a directory is entered only once.

use super::error::Error;
use super::text::is_pipe;
use netpol::objects::{Severity, Warning, is_kustomization, shown};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// Standard input.
    Stdin,
    /// A file that the command line names; failing to read it is an error.
    Named(PathBuf),
    /// A file of a directory; failing to read it is a warning.
    Listed(PathBuf),
}

/// What to read, and what could not be looked into.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    pub(super) list: Vec<Input>,
    pub(super) warnings: Vec<Warning>,
    entered: HashSet<PathBuf>,
}

impl Inputs {
    /// Everything that the command line names.
    pub(super) fn of(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut all = Self::default();
        for path in paths {
            all.add(path)?;
        }
        Ok(all)
    }

    fn add(&mut self, path: &Path) -> Result<(), Error> {
        if path.as_os_str() == "-" {
            if self.list.contains(&Input::Stdin) {
                return Err(Error::StdinTwice);
            }
            self.list.push(Input::Stdin);
            return Ok(());
        }
        let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
        let metadata = fs::metadata(path).map_err(|source| {
            // A file may well have such a name, so a URL is one only where there is no file.
            let text = path.to_string_lossy();
            let is_url = text.contains("://") || text.starts_with("https:/");
            if is_url { Error::Url(text.into_owned()) } else { unreadable(source) }
        })?;
        let kind = metadata.file_type();
        if !kind.is_dir() {
            if !kind.is_file() && !is_pipe(kind) {
                return Err(Error::NotAFile(path.to_owned()));
            }
            self.list.push(Input::Named(path.to_owned()));
            return Ok(());
        }
        let before = (self.list.len(), self.warnings.len());
        // What one -f has entered another may name again; only a loop within one is cut.
        self.entered.clear();
        self.entered.extend(path.canonicalize());
        self.directory(path, fs::read_dir(path).map_err(unreadable)?);
        if before == (self.list.len(), self.warnings.len()) {
            return Err(Error::NoManifests(path.to_owned()));
        }
        Ok(())
    }

    fn directory(&mut self, directory: &Path, entries: fs::ReadDir) {
        let mut paths = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => paths.push(entry.path()),
                Err(error) => self.warn(directory, &error),
            }
        }
        paths.sort();
        for path in paths {
            let hidden =
                path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
            if hidden {
                continue;
            }
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => self.subdirectory(&path),
                Ok(metadata) if metadata.is_file() && is_manifest(&path) => {
                    self.list.push(Input::Listed(path));
                }
                Err(error) if is_manifest(&path) => self.warn(&path, &error),
                Ok(_) | Err(_) => {}
            }
        }
    }

    fn subdirectory(&mut self, path: &Path) {
        let entries = path.canonicalize().and_then(|canonical| {
            let first = self.entered.insert(canonical);
            Ok(if first { Some(fs::read_dir(path)?) } else { None })
        });
        match entries {
            Ok(Some(entries)) => self.directory(path, entries),
            Ok(None) => tracing::debug!("{} was read already", shown(path)),
            Err(error) => self.warn(path, &error),
        }
    }

    fn warn(&mut self, path: &Path, error: &std::io::Error) {
        let message = format!("cannot be read: {error}");
        self.warnings.push(Warning::new(path, Severity::Unread, message));
    }
}

/// What kubectl reads in a directory, and a kustomization, which has something to say.
pub(super) fn is_manifest(path: &Path) -> bool {
    is_kustomization(path)
        || path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml" || ext == "json")
}
