//! Files as they were read, so that of those that stay as they are nothing is read again.
//!
//! In: paths, as often as one likes. Out: what each gives. A file stays as it is while its length, its times
//! and its number are what they were, and it had been at rest before it was read: one that was written a
//! moment before may be written again without any of these showing it.

use super::text::MAX_FILE;
use super::walk::Input;
use netpol::cluster::Name;
use netpol::objects::File;
use std::collections::HashMap;
use std::fs::Metadata;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// No file system tells times much coarser than this.
const AT_REST: Duration = Duration::from_millis(2_100);

/// What tells that a file was written again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    length: u64,
    modified: SystemTime,
    /// On Unix when anything of it was changed, which no program sets, and which file it is.
    changed: (i64, i64, u64, u64),
}

impl Stamp {
    /// How long it is.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// `None`: it is no plain file, or was written a moment ago.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let about = std::fs::metadata(path).ok().filter(Metadata::is_file)?;
        let modified = about.modified().ok()?;
        let changed = changed(&about);
        let rests = |since: SystemTime| since.elapsed().is_ok_and(|time| time > AT_REST);
        let at = u64::try_from(changed.0).ok()?;
        let rests = rests(modified) && rests(SystemTime::UNIX_EPOCH + Duration::from_secs(at + 1));
        let length = about.len();
        (rests && length <= MAX_FILE).then_some(Self { length, modified, changed })
    }
}

#[cfg(unix)]
fn changed(about: &Metadata) -> (i64, i64, u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (about.ctime(), about.ctime_nsec(), about.dev(), about.ino())
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> (i64, i64, u64, u64) {
    (0, 0, 0, 0)
}

/// What was read.
#[derive(Debug, Default)]
pub struct KeptFiles {
    files: Mutex<HashMap<Input, Kept>>,
    /// Which reading it is.
    round: AtomicU64,
    /// Something else than policies was otherwise than before, and nobody has asked since.
    others_changed: AtomicBool,
}

#[derive(Debug)]
struct Kept {
    /// `None`: it has to be read again.
    stamp: Option<Stamp>,
    namespace: Name,
    file: File,
    bytes: u64,
    round: u64,
}

impl KeptFiles {
    /// Whether what was read since this was asked for the last time differed in policies only.
    pub fn only_policies_changed(&self) -> bool {
        !self.others_changed.swap(false, Ordering::Relaxed)
    }

    /// Begins to read.
    pub(super) fn begin(&self) {
        let before = self.round.fetch_add(1, Ordering::Relaxed);
        if before == 0 {
            self.others_changed.store(true, Ordering::Relaxed);
        }
    }

    /// Forgets what was not read this time. Of what else was read nothing is known (`alone` is false).
    pub(super) fn end(&self, alone: bool) {
        if !alone {
            self.others_changed.store(true, Ordering::Relaxed);
        }
        let round = self.round.load(Ordering::Relaxed);
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|_, kept| {
            let there = kept.round == round;
            if !there && !kept.file.differs_in_policies_only(None) {
                self.others_changed.store(true, Ordering::Relaxed);
            }
            there
        });
    }

    /// What a file gave, and its length, if it is as it was.
    pub(super) fn get(
        &self,
        input: &Input,
        stamp: Option<&Stamp>,
        namespace: &Name,
    ) -> Option<(File, u64)> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = files.get_mut(input)?;
        let same = stamp.is_some() && kept.stamp.as_ref() == stamp && kept.namespace == *namespace;
        same.then(|| {
            kept.round = self.round.load(Ordering::Relaxed);
            (kept.file.clone(), kept.bytes)
        })
    }

    /// Keeps what a file gave.
    pub(super) fn keep(
        &self,
        input: &Input,
        (stamp, namespace): (Option<Stamp>, &Name),
        (file, bytes): (&File, u64),
    ) {
        let round = self.round.load(Ordering::Relaxed);
        let (file, namespace) = (file.clone(), namespace.clone());
        let kept = Kept { stamp, namespace, file, bytes, round };
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let before = files.insert(input.clone(), kept);
        let before = before.as_ref().map(|before| &before.file);
        if !files[input].file.differs_in_policies_only(before) {
            self.others_changed.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Manifests;
    use std::fs::{self, File, FileTimes};
    use std::path::Path;
    use std::sync::Arc;
    use std::time::{Duration, SystemTime};

    const POD: &str = "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop}}\n";

    fn policy(name: &str) -> String {
        format!(
            "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: {name}, \
             namespace: shop}}, spec: {{podSelector: {{}}}}}}\n"
        )
    }

    fn write(path: &Path, text: &str, seconds_ago: u64) {
        fs::write(path, text).unwrap();
        let then = SystemTime::now() - Duration::from_secs(seconds_ago);
        let file = File::options().write(true).open(path).unwrap();
        file.set_times(FileTimes::new().set_modified(then)).unwrap();
    }

    /// Whatever is written, removed or added is seen, also within the same moment and at the same length.
    #[test]
    fn nothing_stale_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let (pods, policies) = (directory.path().join("a.yaml"), directory.path().join("b.yaml"));
        let kept = Arc::default();
        let files = vec![directory.path().to_owned()];
        let manifests = Manifests { files, kept: Some(Arc::clone(&kept)), ..Manifests::default() };
        let read = || -> (Vec<String>, bool) {
            let objects = manifests.load().unwrap().objects;
            let names = objects.iter().map(|(object, ..)| object.name.to_string()).collect();
            (names, kept.only_policies_changed())
        };
        let is = |names: [&str; 2], only| (names.map(str::to_owned).to_vec(), only);
        write(&pods, POD, 60);
        write(&policies, &policy("p"), 60);
        assert_eq!(read(), is(["p", "a"], false));
        assert_eq!(read(), is(["p", "a"], true));
        write(&policies, &policy("q"), 60);
        assert_eq!(read(), is(["q", "a"], true));
        write(&pods, &POD.replace("name: a", "name: b"), 60);
        assert_eq!(read(), is(["q", "b"], false));
        // By now they are at rest, and nothing of them is read again.
        std::thread::sleep(super::AT_REST + Duration::from_secs(1));
        assert_eq!((read(), read()), (is(["q", "b"], true), is(["q", "b"], true)));
        write(&policies, &policy("r"), 60);
        assert_eq!(read(), is(["r", "b"], true));
        write(&policies, &format!("{}---\n{POD}", policy("r")), 60);
        assert!(!read().1);
        fs::remove_file(&pods).unwrap();
        assert_eq!(read(), is(["r", "a"], false));
        assert_eq!(read(), is(["r", "a"], true));
    }
}
