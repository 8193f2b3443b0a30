//! What outside programs made before, by the hash of everything that went in.
//!
//! In: a [`Key`], and a directory of the user's own. Out: what was made of the same, or nothing. Each entry
//! is written beside its place and moved there, and holds the hash of what is in it, so two commands at once
//! and one that was stopped do no harm. What has not been used for longest goes when there is too much.
//! Nothing that a cache does is ever an error: what it does not have is made again.

use ring::digest::{Context, SHA256, digest};
use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::SystemTime;

/// No more bytes are kept.
const MOST: u64 = 256 << 20;

/// Entries that were written otherwise are not understood.
const FORM: &str = "1";

/// The length of a hash as it is written.
const HASH: usize = 64;

/// A cache in a directory.
#[derive(Debug)]
pub(crate) struct Cache {
    directory: PathBuf,
    most: u64,
    wrote: AtomicBool,
}

/// Everything that goes in.
#[derive(Clone)]
pub(crate) struct Key(Context);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// Of something that a program makes: another version of it may make something else.
    pub(crate) fn of(what: &str, program: &Path) -> Option<Self> {
        let mut key = Self(Context::new(&SHA256));
        let path = program.canonicalize().ok()?;
        let metadata = fs::metadata(&path).ok()?;
        let age = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        for part in [FORM, env!("CARGO_PKG_VERSION"), what] {
            key.add(part.as_bytes());
        }
        key.add(path.as_os_str().as_encoded_bytes());
        key.add(format!("{} {}", metadata.len(), age.as_nanos()).as_bytes());
        Some(key)
    }

    /// Adds a part.
    pub(crate) fn add(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    fn name(self) -> String {
        hex(self.0.finish().as_ref())
    }
}

/// The hash of a content.
pub(crate) fn hash(content: &[u8]) -> String {
    hex(digest(&SHA256, content).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

impl Cache {
    /// The user's, if there is a place for it that nobody else may write to.
    pub(crate) fn open() -> Option<Self> {
        let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|it| it.is_absolute());
        let base = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
        Self::at(&base.join("kubectl-netpol/rendered"), MOST)
    }

    fn at(directory: &Path, most: u64) -> Option<Self> {
        #[cfg_attr(not(unix), expect(unused_mut, reason = "it has a mode on Unix"))]
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory).ok()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let metadata = fs::symlink_metadata(directory).ok()?;
            let ours = metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw();
            if !ours || metadata.mode() & 0o022 != 0 {
                return None;
            }
        }
        Some(Self { directory: directory.to_owned(), most, wrote: AtomicBool::new(false) })
    }

    /// What was made of the same.
    pub(crate) fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let path = self.directory.join(key.clone().name());
        let mut entry = fs::read(&path).ok()?;
        let (written, content) = entry.split_at_checked(HASH)?;
        if written != hash(content).as_bytes() {
            return None;
        }
        // So that what is used stays.
        let _ = File::options()
            .write(true)
            .open(&path)
            .and_then(|it| it.set_modified(SystemTime::now()));
        Some(entry.split_off(HASH))
    }

    /// Keeps what was made.
    pub(crate) fn put(&self, key: Key, content: &[u8]) {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let beside = self.directory.join(format!("new-{}-{number}", std::process::id()));
        let mut entry = hash(content).into_bytes();
        entry.extend_from_slice(content);
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written =
            options.open(&beside).and_then(|mut file| std::io::Write::write_all(&mut file, &entry));
        let moved = written.and_then(|()| fs::rename(&beside, self.directory.join(key.name())));
        if moved.is_err() {
            let _ = fs::remove_file(&beside);
        }
        self.wrote.store(true, Ordering::Relaxed);
    }

    /// Takes away what was not used for longest.
    fn trim(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        let mut all: Vec<(SystemTime, u64, PathBuf)> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
                Some((metadata.modified().ok()?, metadata.len(), entry.path()))
            })
            .collect();
        let mut kept: u64 = all.iter().map(|(_, length, _)| length).sum();
        all.sort();
        for (_, length, path) in all {
            if kept <= self.most {
                break;
            }
            let _ = fs::remove_file(path);
            kept -= length;
        }
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        if self.wrote.load(Ordering::Relaxed) {
            self.trim();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn key(parts: &[&str]) -> Key {
        let mut key = Key(Context::new(&SHA256));
        for part in parts {
            key.add(part.as_bytes());
        }
        key
    }

    #[test]
    fn what_was_kept_comes_back() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(&directory.path().join("a/b"), 1 << 20).unwrap();
        assert_eq!(cache.get(&key(&["a", "bc"])), None);
        cache.put(key(&["a", "bc"]), b"made");
        assert_eq!(cache.get(&key(&["a", "bc"])).as_deref(), Some(&b"made"[..]));
        // Parts are told apart.
        assert_eq!(cache.get(&key(&["ab", "c"])), None);
        // What is not whole is not there.
        let path = directory.path().join("a/b").join(key(&["a", "bc"]).name());
        for broken in ["", "made", &format!("{}more", hash(b"made"))] {
            fs::write(&path, broken).unwrap();
            assert_eq!(cache.get(&key(&["a", "bc"])), None, "{broken}");
        }
    }

    #[test]
    fn two_at_once() {
        let directory = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let cache = Cache::at(directory.path(), 1 << 20).unwrap();
                    for i in 0..50 {
                        let (name, content) = (format!("{}", i % 5), vec![b'x'; 10_000]);
                        cache.put(key(&[&name]), &content);
                        let found = cache.get(&key(&[&name]));
                        assert!(found.is_none_or(|found| found == content));
                    }
                });
            }
        });
        let left = fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(left, 5);
    }

    #[test]
    fn what_is_used_least_goes() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(directory.path(), 3 * 1064).unwrap();
        for (i, name) in ["a", "b", "c", "d"].iter().enumerate() {
            cache.put(key(&[name]), &[b'x'; 1000]);
            let path = directory.path().join(key(&[name]).name());
            let age = SystemTime::now() - Duration::from_secs(100 - i as u64);
            File::options().write(true).open(path).unwrap().set_modified(age).unwrap();
        }
        assert!(cache.get(&key(&["a"])).is_some());
        drop(cache);
        let cache = Cache::at(directory.path(), 3 * 1064).unwrap();
        let there = ["a", "b", "c", "d"].map(|name| cache.get(&key(&[name])).is_some());
        assert_eq!(there, [true, false, true, true]);
    }

    /// What somebody else may have written is not believed.
    #[cfg(unix)]
    #[test]
    fn a_directory_of_others_is_not_used() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let shared = directory.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(Cache::at(&shared, 1).is_none());
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(directory.path(), &link).unwrap();
        assert!(Cache::at(&link, 1).is_none());
    }
}
