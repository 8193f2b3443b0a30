//! Files that are there as a whole or not at all.
//!
//! In: a path and its new content. Out: the file, replaced in one step: it is written beside its
//! place and renamed, so that whoever reads meanwhile, or a full disk, never sees half of it. Below a
//! directory that was named ([`Below`]) nothing is read or written elsewhere.

use netpol::objects::shown;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Why a file below a directory is not touched.
#[derive(Debug, thiserror::Error)]
pub enum Outside {
    /// A link on the way leads elsewhere.
    #[error(
        "{} is a link that leads out of {}: name the directory that is meant",
        shown(link),
        shown(root)
    )]
    Link {
        /// The link.
        link: PathBuf,
        /// The directory that was named.
        root: PathBuf,
    },
    /// It is there, and no file.
    #[error("{} is no file", shown(.0))]
    NoFile(PathBuf),
    /// It cannot be read or written.
    #[error("{}: {source}", shown(path))]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A directory that was named, and what is read and written below it: no link leads out of it, and
/// nothing waits for the other end of a pipe. The directory itself may be a link: that is meant.
#[derive(Clone, Copy, Debug)]
pub struct Below<'a>(pub &'a Path);

impl Below<'_> {
    /// The text of a file, `None` if there is none.
    pub fn read(&self, path: &Path) -> Result<Option<String>, Outside> {
        if !self.check(path)? {
            return Ok(None);
        }
        let failed = |source| Outside::Io { path: path.to_owned(), source };
        fs::read_to_string(path).map(Some).map_err(failed)
    }

    /// Writes a file, with the directories that it is in.
    pub fn write(&self, path: &Path, content: &[u8]) -> Result<(), Outside> {
        self.check(path)?;
        let failed = |source| Outside::Io { path: path.to_owned(), source };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        write(path, content).map_err(failed)
    }

    /// Takes a file away, and the directory that it was in where nothing is left there.
    pub fn remove(&self, path: &Path) -> Result<(), Outside> {
        if !self.check(path)? {
            return Ok(());
        }
        fs::remove_file(path).map_err(|source| Outside::Io { path: path.to_owned(), source })?;
        if let Some(parent) = path.parent().filter(|parent| *parent != self.0) {
            // What is in there stays.
            let _ = fs::remove_dir(parent);
        }
        Ok(())
    }

    /// Whether the file is there; what leads elsewhere, or is no file, is refused.
    fn check(&self, path: &Path) -> Result<bool, Outside> {
        let failed = |path: &Path, source| Outside::Io { path: path.to_owned(), source };
        let below = path.strip_prefix(self.0);
        let below = below.map_err(|_| failed(path, io::ErrorKind::InvalidInput.into()))?;
        let real = match self.0.canonicalize() {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed(self.0, error)),
        };
        let mut place = self.0.to_owned();
        for part in below {
            place.push(part);
            let metadata = match fs::symlink_metadata(&place) {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(failed(&place, error)),
            };
            // A dead link would be written through.
            if metadata.is_symlink()
                && !place.canonicalize().is_ok_and(|target| target.starts_with(&real))
            {
                return Err(Outside::Link { link: place, root: self.0.to_owned() });
            }
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => Ok(true),
            Ok(_) => Err(Outside::NoFile(path.to_owned())),
            Err(error) => Err(failed(path, error)),
        }
    }
}

/// Writes a file. A symbolic link stays one, and a file that was there keeps its permissions.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    replace(path, content, |_| Ok(()))
}

/// Writes a file that anyone may run.
pub fn write_program(path: &Path, content: &[u8]) -> io::Result<()> {
    replace(path, content, |file| {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            file.set_permissions(fs::Permissions::from_mode(0o755))?;
        }
        // Elsewhere the name says what may be run.
        let _ = file;
        Ok(())
    })
}

fn replace(
    path: &Path,
    content: &[u8],
    permit: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let place = match fs::canonicalize(path) {
        Ok(place) => place,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let name = place.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let beside = place.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = fill(&beside, &place, content, permit).and_then(|()| fs::rename(&beside, &place));
    if written.is_err() {
        // What went wrong first is what counts.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn fill(
    beside: &PathBuf,
    place: &Path,
    content: &[u8],
    permit: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(beside)?;
    if let Ok(metadata) = fs::metadata(place) {
        file.set_permissions(metadata.permissions())?;
    }
    permit(&file)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.yaml");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        assert!(write(&directory.path().join("no/a.yaml"), b"").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let directory = tempfile::tempdir().unwrap();
        let (path, link) = (directory.path().join("a"), directory.path().join("b"));
        write(&path, b"one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        write(&link, b"two").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_outside_of_a_directory_is_touched() {
        use std::os::unix::fs::symlink;
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        for name in ["root", "elsewhere", "root/real"] {
            fs::create_dir(place(name)).unwrap();
        }
        fs::write(place("elsewhere/a"), "kept").unwrap();
        for (target, link) in [
            ("../elsewhere/a", "root/file"),
            ("../elsewhere", "root/directory"),
            ("../elsewhere/new", "root/dead"),
            ("real", "root/inside"),
        ] {
            symlink(target, place(link)).unwrap();
        }
        std::process::Command::new("mkfifo").arg(place("root/pipe")).status().unwrap();
        symlink(place("root"), place("named")).unwrap();
        for root in ["root", "named"] {
            let root = place(root);
            let below = Below(&root);
            for name in ["file", "directory/a", "directory/new", "dead", "pipe", "real"] {
                let path = root.join(name);
                assert!(below.write(&path, b"lost").is_err(), "{name}");
                assert!(below.read(&path).is_err(), "{name}");
            }
            for name in ["inside/a", "real/a", "new/deep/a"] {
                let path = root.join(name);
                below.write(&path, name.as_bytes()).unwrap();
                assert_eq!(below.read(&path).unwrap().as_deref(), Some(name));
            }
            assert!(below.read(&root.join("missing")).unwrap().is_none());
            for name in ["file", "directory/a", "pipe"] {
                assert!(below.remove(&root.join(name)).is_err(), "{name}");
            }
            for name in ["new/deep/a", "inside/a", "missing"] {
                below.remove(&root.join(name)).unwrap();
            }
            assert!(!root.join("new/deep").exists() && root.join("inside").exists());
            assert!(below.read(&place("elsewhere/a")).is_err());
        }
        assert_eq!(fs::read(place("elsewhere/a")).unwrap(), b"kept");
        assert!(!place("elsewhere/new").exists());
        let fresh = place("fresh");
        Below(&fresh).write(&fresh.join("x/a"), b"new").unwrap();
        assert_eq!(fs::read(place("fresh/x/a")).unwrap(), b"new");
    }
}
