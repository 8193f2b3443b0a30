//! From the paths of the command line to the files to read, in a fixed order.
//!
//! In: files, directories and `-`. Out: [`Input`]s sorted by path within each directory. A directory
//! is what lies below it: links that lead out of it are told and not followed, and neither are devices,
//! pipes and the kernel's own file systems read. What the command line names itself is meant, link or
//! not. Each file is read once, whatever leads to it. Hidden entries are read as `kubectl apply -R`
//! reads them, but for `.git`.

use super::error::Error;
use super::text::is_pipe;
use crate::limits::{Budget, Counted};
use netpol::objects::{Severity, Warning, is_kustomization, shown};
use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

/// Of links that lead out so many are named.
const NAMED: usize = 3;

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Input {
    /// Standard input.
    Stdin,
    /// A file that the command line names; failing to read it is an error.
    Named(PathBuf),
    /// A file of a directory; failing to read it is a warning.
    Listed {
        /// Where it is.
        path: PathBuf,
        /// It, or a directory on the way to it, has a name with a dot before it.
        hidden: bool,
    },
}

impl Input {
    /// Where it is, if it is a file.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Stdin => None,
            Self::Named(path) | Self::Listed { path, .. } => Some(path),
        }
    }
}

/// What to read, and what could not be looked into.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    pub(super) list: Vec<Input>,
    pub(super) warnings: Vec<Warning>,
    /// The file behind each of the list, where it is one.
    files: Vec<Option<FileId>>,
}

/// The directory that is being walked.
struct Root<'a> {
    path: &'a Path,
    /// Where it really is.
    place: PathBuf,
    budget: &'a Budget,
    /// Files that were found in it.
    seen: HashSet<FileId>,
    /// Links that lead out of it.
    outward: Vec<PathBuf>,
}

impl Inputs {
    /// Everything that the command line names.
    pub(super) fn of(paths: &[PathBuf], budget: &Budget) -> Result<Self, Error> {
        let mut all = Self::default();
        for path in paths {
            all.add(path, budget)?;
        }
        all.once();
        Ok(all)
    }

    fn add(&mut self, path: &Path, budget: &Budget) -> Result<(), Error> {
        if path.as_os_str() == "-" {
            if self.list.contains(&Input::Stdin) {
                return Err(Error::StdinTwice);
            }
            self.push(Input::Stdin, None, budget)?;
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
            return self.push(Input::Named(path.to_owned()), file_id(path, &metadata), budget);
        }
        let before = (self.list.len(), self.warnings.len());
        let mut root = Root {
            path,
            place: path.canonicalize().map_err(unreadable)?,
            budget,
            seen: HashSet::new(),
            outward: Vec::new(),
        };
        let entries = fs::read_dir(path).map_err(unreadable)?;
        self.directory(&mut root, path, &metadata, entries, false)?;
        self.warnings.extend(outward(&root));
        if before == (self.list.len(), self.warnings.len()) {
            return Err(Error::NoManifests(path.to_owned()));
        }
        Ok(())
    }

    fn push(&mut self, input: Input, file: Option<FileId>, budget: &Budget) -> Result<(), Error> {
        budget.take(Counted::Files, 1)?;
        self.list.push(input);
        self.files.push(file);
        Ok(())
    }

    /// Leaves of each file the last, since what is named later counts.
    fn once(&mut self) {
        let mut seen = HashSet::new();
        let mut kept: Vec<bool> = self
            .files
            .iter()
            .rev()
            .map(|file| file.as_ref().is_none_or(|file| seen.insert(file)))
            .collect();
        // From the front, as `retain` goes.
        self.list.retain(|_| kept.pop().unwrap_or(true));
    }

    fn directory(
        &mut self,
        root: &mut Root<'_>,
        directory: &Path,
        of: &Metadata,
        entries: fs::ReadDir,
        hidden: bool,
    ) -> Result<(), Error> {
        let mut paths = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => paths.push(entry.path()),
                Err(error) => self.unread(directory, format!("cannot be read: {error}")),
            }
        }
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            if name == b".git" {
                continue;
            }
            let hidden = hidden || name.starts_with(b".");
            let wanted = is_manifest(&path);
            let found = fs::symlink_metadata(&path).and_then(|own| {
                let metadata = if own.is_symlink() { fs::metadata(&path)? } else { own.clone() };
                Ok((own.is_symlink(), metadata))
            });
            let (link, metadata) = match found {
                Ok(found) => found,
                Err(error) => {
                    if wanted {
                        self.unread(&path, format!("cannot be read: {error}"));
                    }
                    continue;
                }
            };
            let kind = metadata.file_type();
            if link && (kind.is_dir() || wanted) && !root.holds(&path) {
                root.outward.push(path);
            } else if kind.is_dir() {
                // What a link leads to below the root has a name of its own there.
                if !link {
                    self.subdirectory(root, &path, of, &metadata, hidden)?;
                }
            } else if wanted && kind.is_file() {
                let file = file_id(&path, &metadata);
                if file.as_ref().is_none_or(|file| root.seen.insert(file.to_owned())) {
                    self.push(Input::Listed { path, hidden }, file, root.budget)?;
                }
            } else if wanted {
                let message = "is not read: it is a device, a pipe or a socket; to read it all \
                               the same, name it with -f";
                self.unread(&path, message.to_owned());
            }
        }
        Ok(())
    }

    fn subdirectory(
        &mut self,
        root: &mut Root<'_>,
        path: &Path,
        parent: &Metadata,
        metadata: &Metadata,
        hidden: bool,
    ) -> Result<(), Error> {
        if is_of_kernel(path, parent, metadata) {
            self.unread(path, "is not entered: it is a file system of the kernel".to_owned());
            return Ok(());
        }
        match fs::read_dir(path) {
            Ok(entries) => self.directory(root, path, metadata, entries, hidden),
            Err(error) => {
                self.unread(path, format!("cannot be read: {error}"));
                Ok(())
            }
        }
    }

    fn unread(&mut self, path: &Path, message: String) {
        self.warnings.push(Warning::new(path, Severity::Unread, message));
    }
}

impl Root<'_> {
    /// Whether what a link leads to is below the directory.
    fn holds(&self, link: &Path) -> bool {
        // A repository's own files are not read by a link to them either.
        let inside = |place: &Path| place.iter().all(|part| part != ".git");
        let place = link.canonicalize();
        place.is_ok_and(|place| place.strip_prefix(&self.place).is_ok_and(inside))
    }
}

/// What is told of the links that lead out of a directory, once for all of them.
fn outward(root: &Root<'_>) -> Option<Warning> {
    let first = root.outward.first()?;
    let shown_link = |link: &PathBuf| {
        let name = link.strip_prefix(root.path).unwrap_or(link);
        shown(name)
    };
    let named: Vec<String> = root.outward.iter().take(NAMED).map(shown_link).collect();
    let more = root.outward.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let message = match root.outward.len() {
        1 => "is a link that leads out of the directory, and is not followed: to read what it \
              leads to, name it with -f"
            .to_owned(),
        count => format!(
            "{count} links that lead out of the directory are not followed: {}{more}; to read what \
             they lead to, name them with -f",
            named.join(", ")
        ),
    };
    let place = if root.outward.len() == 1 { first } else { root.path };
    Some(Warning::new(place, Severity::Unread, message))
}

/// What tells files apart, whatever their names.
#[cfg(unix)]
type FileId = (u64, u64);
#[cfg(not(unix))]
type FileId = PathBuf;

#[cfg(unix)]
fn file_id(_: &Path, metadata: &Metadata) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    metadata.is_file().then(|| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn file_id(path: &Path, metadata: &Metadata) -> Option<FileId> {
    path.canonicalize().ok().filter(|_| metadata.is_file())
}

/// Whether a directory is where procfs or sysfs begins: a file there may block, or never end.
#[cfg(target_os = "linux")]
fn is_of_kernel(path: &Path, parent: &Metadata, metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    const SYSFS: rustix::fs::FsWord = 0x6265_6572;
    if parent.dev() == metadata.dev() {
        return false;
    }
    let kind = rustix::fs::statfs(path).map(|found| found.f_type);
    kind.is_ok_and(|kind| kind == rustix::fs::PROC_SUPER_MAGIC || kind == SYSFS)
}

#[cfg(not(target_os = "linux"))]
fn is_of_kernel(_: &Path, _: &Metadata, _: &Metadata) -> bool {
    false
}

/// What kubectl reads in a directory, and a kustomization, which has something to say.
pub(crate) fn is_manifest(path: &Path) -> bool {
    is_kustomization(path)
        || path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml" || ext == "json")
}
