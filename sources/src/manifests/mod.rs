//! Manifests: files, directories, standard input and kustomizations become objects.
//!
//! In: [`Manifests`], what the command line names. Out: [`Loaded`]: the objects, what is to be told
//! about the input, and a [`Locator`] for lines and columns. Whatever cannot be read is a warning
//! and a gap in the snapshot, since a policy may hide there; `strict` makes it an error.
//!
//! ```no_run
//! use netpol::policy::{Enforcer, Ruleset};
//! use netpol_sources::manifests::Manifests;
//!
//! let loaded = Manifests { files: vec!["k8s/".into()], ..Manifests::default() }.load()?;
//! let (snapshot, written) = loaded.objects.assemble();
//! let ruleset = Ruleset::compile(&written, &snapshot, &Enforcer::default());
//! # Ok::<(), netpol_sources::manifests::Error>(())
//! ```

mod error;
mod kustomize;
mod locate;
mod text;
mod walk;

pub use error::Error;
pub use locate::{Locator, Place};
pub use netpol::objects::{Severity, Warning};

use crate::revision::{Content, Entry, Revision};
use netpol::cluster::Name;
use netpol::objects::{File, Kind, Objects, Reading};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::time::Instant;
use walk::{Input, Inputs};

/// What to read.
#[derive(Clone, Debug)]
pub struct Manifests {
    /// Files, directories (always with everything below them) and `-` for standard input.
    pub files: Vec<PathBuf>,
    /// Trees of Git revisions.
    pub revisions: Vec<Revision>,
    /// Directories for kustomize.
    pub kustomizations: Vec<PathBuf>,
    /// Texts that are here already, each with what stands for its file.
    pub texts: Vec<(PathBuf, Vec<u8>)>,
    /// The namespace of objects that name none.
    pub namespace: String,
    /// Whatever cannot be read is an error.
    pub strict: bool,
}

impl Default for Manifests {
    fn default() -> Self {
        let namespace = "default".to_owned();
        Self {
            files: Vec::new(),
            revisions: Vec::new(),
            kustomizations: Vec::new(),
            texts: Vec::new(),
            namespace,
            strict: false,
        }
    }
}

/// What was read.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The objects; what could not be read is among their gaps.
    pub objects: Objects,
    /// What is to be told, in the order of the input.
    pub warnings: Vec<Warning>,
    /// Finds lines and columns.
    pub locator: Locator,
}

impl Manifests {
    /// Reads everything. The order of the result is that of the input: of two objects with one
    /// name the later counts, as if each were applied in turn; revisions come after files, then
    /// kustomizations and texts.
    pub fn load(&self) -> Result<Loaded, Error> {
        let started = Instant::now();
        let Inputs { list: inputs, warnings, .. } = Inputs::of(&self.files)?;
        let namespace: Name = self.namespace.as_str().into();
        let files: Vec<Result<File, Error>> =
            inputs.par_iter().map(|input| read_input(input, &namespace)).collect();
        let mut reading = Reading::default();
        for warning in warnings {
            reading.warn(warning);
        }
        for file in files {
            reading.add(file?);
        }
        for revision in &self.revisions {
            let read = revision.read(&|path| is_listed(path))?;
            for file in decode(revision, read, &namespace) {
                reading.add(file);
            }
        }
        for directory in &self.kustomizations {
            let bytes = kustomize::build(directory)?;
            let file = File::read(bytes, directory.as_path().into(), Kind::Kept, &namespace);
            reading.add(file);
        }
        for (name, bytes) in &self.texts {
            let file = File::read(bytes.clone(), name.as_path().into(), Kind::Kept, &namespace);
            reading.add(file);
        }
        let (objects, warnings, kept) = reading.finish();
        let mut loaded = Loaded { objects, warnings, locator: Locator::default() };
        for (path, text) in kept {
            loaded.locator.keep(path, text);
        }
        tracing::debug!(
            "{} files: {} objects, {} warnings in {:?}",
            inputs.len(),
            loaded.objects.len(),
            loaded.warnings.len(),
            started.elapsed()
        );
        if self.strict {
            let mut unread = loaded.warnings.iter().filter(|w| w.severity == Severity::Unread);
            if let Some(first) = unread.next() {
                return Err(Error::Strict { first: first.clone(), others: unread.count() });
            }
        }
        Ok(loaded)
    }
}

/// Whether a file below a directory is read: not hidden, and as kubectl's files are called.
fn is_listed(path: &Path) -> bool {
    let hidden = path.iter().any(|part| part.as_encoded_bytes().starts_with(b"."));
    !hidden && walk::is_manifest(path)
}

/// Decodes the files of a revision, which cannot be read again like those on disk.
fn decode(revision: &Revision, entries: Vec<Entry>, namespace: &Name) -> Vec<File> {
    let decode = |entry: Entry| {
        let path = revision.place(&entry.path);
        match entry.content {
            Content::File(bytes) => File::read(bytes, path.into(), Kind::Kept, namespace),
            Content::Link => {
                File::unread(&path, "is a symbolic link, which is not followed".to_owned())
            }
            Content::Submodule => {
                File::unread(&path, "is a submodule: compare revisions of it".to_owned())
            }
        }
    };
    entries.into_par_iter().map(decode).collect()
}

fn read_input(input: &Input, namespace: &Name) -> Result<File, Error> {
    let (path, kind, bytes) = match input {
        Input::Stdin => {
            let path = Path::new("-");
            (path, Kind::Kept, text::read(std::io::stdin().lock(), 0, path, text::MAX_FILE)?)
        }
        Input::Named(path) => {
            let again = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
            let kind = if again { Kind::OnDisk } else { Kind::Kept };
            (path.as_path(), kind, text::read_file(path, text::MAX_FILE)?)
        }
        Input::Listed(path) => match text::read_file(path, text::MAX_FILE) {
            Ok(bytes) => (path.as_path(), Kind::OnDisk, bytes),
            Err(error) => {
                let message = match error {
                    Error::Unreadable { source, .. } => format!("cannot be read: {source}"),
                    error => error.to_string(),
                };
                return Ok(File::unread(path, message));
            }
        },
    };
    Ok(File::read(bytes, path.into(), kind, namespace))
}

#[cfg(test)]
mod tests;
