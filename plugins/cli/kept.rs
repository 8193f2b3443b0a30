//! What was read and linked, for commands that answer again and again.
//!
//! In: objects, as often as they change. Out: a snapshot and the policies, which is the last snapshot where only
//! policies changed since.

use netpol::cluster::Snapshot;
use netpol::objects::Objects;
use netpol::policy::Written;
use netpol_sources::manifests::KeptFiles;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What was read the last time.
#[derive(Debug, Default)]
pub struct KeptInput {
    /// What files gave, where objects come from files.
    pub files: Option<Arc<KeptFiles>>,
    /// What was linked the last time.
    snapshot: Mutex<Option<Snapshot>>,
    only_policies: AtomicBool,
}

impl KeptInput {
    /// Of files, which tell themselves what changed.
    pub fn of_files() -> Self {
        Self { files: Some(Arc::default()), ..Self::default() }
    }

    /// Says whether the objects that are linked next differ from the last in policies only.
    pub fn only_policies(&self, only: bool) {
        self.only_policies.store(only, Ordering::Relaxed);
    }

    /// Links objects, or puts their policies beside what was linked before.
    pub fn link(&self, objects: Objects) -> (Snapshot, Written) {
        let same = match &self.files {
            Some(files) => files.only_policies_changed(),
            None => self.only_policies.swap(false, Ordering::Relaxed),
        };
        let last = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (snapshot, written) = match last.filter(|last| same && objects.may_link_to(last)) {
            Some(last) => objects.linked_to(last),
            None => objects.assemble(),
        };
        let mut last = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(snapshot.clone());
        (snapshot, written)
    }
}
