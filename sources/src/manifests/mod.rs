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

mod built;
mod error;
mod kept;
mod klog;
mod kustomize;
mod locate;
mod text;
mod trees;
mod walk;

pub(crate) use built::{May, cause};
pub use error::Error;
pub use kept::KeptFiles;
pub use kustomize::NAMES as KUSTOMIZATION_NAMES;
pub(crate) use kustomize::{Kustomize, outside, paths, said};
pub use kustomize::{Remote, remote};
pub use locate::{Locator, Place};
pub use netpol::objects::{Severity, Warning};
pub(crate) use text::read_file;
pub(crate) use walk::is_manifest;

use crate::flux::follow::{How, Made, Repository};
use crate::helm::Chart;
use crate::limits::{Budget, Counted, Exceeded, Limits};
use crate::revision::{Content, Entry, Revision};
use kept::Stamp;
use netpol::cluster::Name;
use netpol::objects::{File, Kind, Objects, Reading};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use walk::{Input, Inputs};

/// What to read.
#[derive(Clone, Debug)]
pub struct Manifests {
    /// Files, directories (always with everything below them) and `-` for standard input.
    pub files: Vec<PathBuf>,
    /// Trees of Git revisions.
    pub revisions: Vec<Revision>,
    /// Repositories of Flux.
    pub repositories: Vec<Repository>,
    /// Charts.
    pub charts: Vec<Chart>,
    /// Files of values for all charts, and values that are set besides.
    pub values: (Vec<PathBuf>, Vec<String>),
    /// Directories for kustomize.
    pub kustomizations: Vec<PathBuf>,
    /// Texts that are here already, each with what stands for its file.
    pub texts: Vec<(PathBuf, Vec<u8>)>,
    /// The namespace of objects that name none.
    pub namespace: String,
    /// Whatever cannot be read is an error.
    pub strict: bool,
    /// kustomize may fetch what a kustomization names elsewhere.
    pub pull: bool,
    /// kustomize may have helm inflate charts.
    pub enable_helm: bool,
    /// What outside programs made of a repository may be kept for the next time.
    pub cache: bool,
    /// Paths and kinds of what need not have been read: it decides nothing.
    pub accepted: Vec<String>,
    /// How much is read at most.
    pub limits: Limits,
    /// What files gave before, where they are read again and again.
    pub kept: Option<Arc<KeptFiles>>,
}

impl Default for Manifests {
    fn default() -> Self {
        let namespace = "default".to_owned();
        Self {
            files: Vec::new(),
            revisions: Vec::new(),
            repositories: Vec::new(),
            charts: Vec::new(),
            values: (Vec::new(), Vec::new()),
            kustomizations: Vec::new(),
            texts: Vec::new(),
            namespace,
            strict: false,
            pull: false,
            enable_helm: false,
            cache: false,
            accepted: Vec::new(),
            limits: Limits::default(),
            kept: None,
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
    /// Whether nothing is read but files and directories.
    fn reads_files_alone(&self) -> bool {
        self.revisions.is_empty()
            && self.repositories.is_empty()
            && self.charts.is_empty()
            && self.kustomizations.is_empty()
            && self.texts.is_empty()
    }

    /// Reads everything. The order of the result is that of the input: of two objects with one
    /// name the later counts, as if each were applied in turn; revisions come after files, then
    /// repositories of Flux, charts, kustomizations and texts.
    pub fn load(&self) -> Result<Loaded, Error> {
        let started = Instant::now();
        let budget = Budget::new(self.limits);
        let Inputs { list: inputs, warnings, .. } = Inputs::of(&self.files, &budget)?;
        let namespace: Name = self.namespace.as_str().into();
        let mut reading = Reading::default();
        for warning in warnings {
            reading.warn(warning);
        }
        let kept = self.kept.as_deref();
        kept.inspect(|kept| kept.begin());
        let read = |input: &Input| read_kept(input, &namespace, &budget, kept);
        read_inputs(&inputs, &mut reading, &read)?;
        kept.inspect(|kept| kept.end(self.reads_files_alone()));
        for revision in &self.revisions {
            let read = revision.read(&|path| walk::is_manifest(path))?;
            for file in decode(revision, read, &namespace, &budget)? {
                reading.add(file);
            }
        }
        let mut unread = Vec::new();
        let mut kept_files = Vec::new();
        for repository in &self.repositories {
            let how = How { pull: self.pull, cache: self.cache, path: None };
            let followed = repository.follow(how, &budget)?;
            for warning in followed.warnings {
                reading.warn(warning);
            }
            for Made { rendered, namespace: own, by } in &followed.documents {
                let own = own.as_deref().filter(|own| !own.is_empty()).map(Name::from);
                let mut file = File::rendered(rendered, own.as_ref().unwrap_or(&namespace));
                let doubt = followed.doubts.get(by);
                if let Some(doubt) = doubt.filter(|gap| !gap.is_among(&self.accepted)) {
                    file = file.perhaps(&doubt.why);
                }
                budget.take(Counted::Objects, file.count() as u64)?;
                reading.add(file);
            }
            let unread_here = followed.unread.into_iter();
            unread.extend(unread_here.filter(|(_, gap)| !gap.is_among(&self.accepted)));
            kept_files.extend(followed.kept);
        }
        for chart in &self.charts {
            let (values, set) = &self.values;
            for document in chart.inflate(values, set, &self.namespace)? {
                let file = File::rendered(&document, &namespace);
                budget.take(Counted::Objects, file.count() as u64)?;
                reading.add(file);
            }
        }
        for directory in &self.kustomizations {
            let may = May { pull: self.pull, charts: self.enable_helm };
            let built = built::build(directory, may, &budget)?;
            for document in &built.documents {
                budget.take(Counted::Bytes, document.text.len() as u64)?;
                let file = File::rendered(document, &namespace);
                budget.take(Counted::Objects, file.count() as u64)?;
                reading.add(file);
            }
            if let Some((bytes, path)) = built.whole {
                reading.add(decoded(bytes, path, Kind::Kept, &namespace, &budget)?);
            }
            kept_files.extend(built.kept);
        }
        for (name, bytes) in &self.texts {
            let path = name.as_path().into();
            reading.add(decoded(bytes.clone(), path, Kind::Kept, &namespace, &budget)?);
        }
        let (objects, warnings, kept) = reading.finish();
        let mut loaded = Loaded { objects, warnings, locator: Locator::default() };
        for (path, text) in kept.into_iter().chain(kept_files) {
            loaded.locator.keep(path, text);
        }
        for gap in loaded.objects.gaps.iter_mut().filter(|gap| gap.is_among(&self.accepted)) {
            gap.anywhere = false;
        }
        for (name, _) in unread {
            let name = if name.is_empty() { namespace.clone() } else { name.as_str().into() };
            loaded.objects.unread.denials.insert(name.clone());
            loaded.objects.unread.network_policies.insert(name);
        }
        tracing::debug!(
            "{} files: {} objects, {} warnings in {:?}",
            inputs.len(),
            loaded.objects.len(),
            loaded.warnings.len(),
            started.elapsed()
        );
        if self.strict {
            let unread =
                |it: &&Warning| matches!(it.severity, Severity::Unread | Severity::NotMade);
            let mut unread = loaded.warnings.iter().filter(unread);
            if let Some(first) = unread.next() {
                return Err(Error::Strict { first: first.clone(), others: unread.count() });
            }
        }
        Ok(loaded)
    }
}

/// Decodes a text, if the budget has as much left.
fn decoded(
    bytes: Vec<u8>,
    path: Arc<Path>,
    kind: Kind,
    namespace: &Name,
    budget: &Budget,
) -> Result<File, Error> {
    budget.take(Counted::Bytes, bytes.len() as u64)?;
    let file = File::read(bytes, path, kind, namespace);
    budget.take(Counted::Objects, file.count() as u64)?;
    Ok(file)
}

/// Decodes the files of a revision, which cannot be read again like those on disk.
fn decode(
    revision: &Revision,
    entries: Vec<Entry>,
    namespace: &Name,
    budget: &Budget,
) -> Result<Vec<File>, Error> {
    let decode = |entry: Entry| {
        budget.take(Counted::Files, 1)?;
        let path = revision.place(&entry.path);
        Ok(match entry.content {
            Content::File(bytes) => {
                let file = decoded(bytes, path.into(), Kind::Kept, namespace, budget)?;
                if is_hidden(&entry.path) { file.of_hidden() } else { file }
            }
            Content::Link(_) => {
                File::unread(&path, "is a symbolic link, which is not followed".to_owned())
            }
            Content::Submodule => {
                File::unread(&path, "is a submodule: compare revisions of it".to_owned())
            }
        })
    };
    entries.into_par_iter().map(decode).collect()
}

fn is_hidden(path: &Path) -> bool {
    path.iter().any(|part| part.as_encoded_bytes().starts_with(b"."))
}

/// So many files are decoded while what those before them gave is put together.
const TOGETHER: usize = 512;

/// Reads files in parallel and adds what they give in order. The first that fails ends all, so that a budget
/// that is spent is not overspent.
fn read_inputs(
    inputs: &[Input],
    reading: &mut Reading,
    one: &(dyn Fn(&Input) -> Result<File, Error> + Sync),
) -> Result<(), Error> {
    let read = |some: &[Input]| -> Result<Vec<File>, Error> { some.par_iter().map(one).collect() };
    let mut rest = inputs.chunks(TOGETHER);
    let mut files = Vec::new();
    while !files.is_empty() || rest.len() > 0 {
        let add = || files.into_iter().for_each(|file| reading.add(file));
        let (more, ()) = rayon::join(|| rest.next().map_or(Ok(Vec::new()), read), add);
        files = more?;
    }
    Ok(())
}

/// What a file gives, which is not read again while it stays as it is.
fn read_kept(
    input: &Input,
    namespace: &Name,
    budget: &Budget,
    kept: Option<&KeptFiles>,
) -> Result<File, Error> {
    let Some((kept, path)) = kept.zip(input.path()) else {
        return read_input(input, namespace, budget);
    };
    let stamp = Stamp::of(path);
    if let Some((file, bytes)) = kept.get(input, stamp.as_ref(), namespace) {
        budget.take(Counted::Bytes, bytes)?;
        budget.take(Counted::Objects, file.count() as u64)?;
        return Ok(file);
    }
    let file = read_input(input, namespace, budget)?;
    let bytes = stamp.as_ref().map_or(0, Stamp::length);
    kept.keep(input, (stamp, namespace), (&file, bytes));
    Ok(file)
}

fn read_input(input: &Input, namespace: &Name, budget: &Budget) -> Result<File, Error> {
    let limit = budget.bytes_left().min(text::MAX_FILE);
    let (path, kind, read) = match input {
        Input::Stdin => {
            let path = Path::new("-");
            (path, Kind::Kept, text::read(std::io::stdin().lock(), 0, path, limit))
        }
        Input::Named(path) => {
            let again = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
            let kind = if again { Kind::OnDisk } else { Kind::Kept };
            (path.as_path(), kind, text::read_file(path, limit))
        }
        Input::Listed { path, .. } => (path.as_path(), Kind::OnDisk, text::read_file(path, limit)),
    };
    let bytes = match read {
        Ok(bytes) => bytes,
        // It is all files together that are too large, so none of them is to blame.
        Err(Error::TooLarge { .. }) if limit < text::MAX_FILE => {
            let limit = budget.limits().bytes;
            return Err(Exceeded { counted: Counted::Bytes, limit }.into());
        }
        Err(error) if matches!(input, Input::Listed { .. }) => {
            let message = match error {
                Error::Unreadable { source, .. } => format!("cannot be read: {source}"),
                error => error.to_string(),
            };
            return Ok(File::unread(path, message));
        }
        Err(error) => return Err(error),
    };
    let file = decoded(bytes, path.into(), kind, namespace, budget)?;
    let hidden = matches!(input, Input::Listed { hidden: true, .. });
    Ok(if hidden { file.of_hidden() } else { file })
}

#[cfg(test)]
mod tests;
