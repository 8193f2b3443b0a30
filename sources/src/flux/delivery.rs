//! How far what Git has has come to the cluster.
//!
//! In: an object of Flux and its source, as they were read or why they were not. Out: a [`Delivery`],
//! a pure function of them.
//!
//! Source: `finalizeStatus` of kustomize-controller: `observedGeneration` moves on success only, so
//! that a mismatch says something of its own only where nothing else is wrong.

use super::wire::{Condition, FluxObject};
use crate::live;
use netpol::answer::DeliveryState;
use netpol::cluster::ObjectRef;

/// What keeps what Git has from the cluster, or may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// There is no such object any more.
    Gone,
    /// It could not be read.
    Unread(String),
    /// It is being deleted.
    Going,
    /// It is suspended.
    Suspended,
    /// It is not ready.
    Failing {
        /// Its reason, such as `BuildFailed`.
        reason: String,
        /// The same in the controller's words.
        message: String,
    },
    /// It is at work.
    Underway(String),
    /// Its controller has not seen its present spec.
    Unobserved,
    /// Its controller has said nothing of it.
    Unreported,
    /// It has fetched nothing, as a source.
    Empty,
}

/// An object of Flux that a policy is made from, with its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// A Kustomization or `HelmRelease`.
    pub object: ObjectRef,
    /// What is wrong with it, the worst first.
    pub hindrances: Vec<Hindrance>,
    /// The revision that it last applied.
    pub applied: Option<String>,
    /// Where it has that from; of a Kustomization only.
    pub source: Option<SourceState>,
    /// It applies to another cluster than its own.
    pub remote: bool,
    /// What it says it has made.
    pub made: Vec<ObjectRef>,
    /// What it has made and does not make any more is removed.
    pub prunes: bool,
    /// The directory in its source, as it is written.
    pub path: Option<String>,
}

/// A source of a [`Delivery`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceState {
    /// A `GitRepository`, `OCIRepository`, Bucket or `ExternalArtifact`.
    pub object: ObjectRef,
    /// What is wrong with it, the worst first.
    pub hindrances: Vec<Hindrance>,
    /// The revision that it has fetched.
    pub revision: Option<String>,
}

/// What came of reading an object: itself, or nothing where there is none.
pub(super) type Answer = Result<Option<FluxObject>, live::Error>;

impl Delivery {
    /// What is known of an object that was read, and of its source where it has one.
    pub(super) fn of(object: ObjectRef, read: &Answer, source: Option<&Answer>) -> Self {
        let found = read.as_ref().ok().and_then(Option::as_ref);
        let source = found.and_then(FluxObject::source).map(|object| SourceState {
            object,
            hindrances: source.map_or_else(Vec::new, hindrances_of_source),
            revision: source
                .and_then(|answer| answer.as_ref().ok()?.as_ref()?.fetched())
                .map(ToOwned::to_owned),
        });
        Self {
            object,
            hindrances: hindrances(read),
            applied: found.and_then(FluxObject::applied).map(ToOwned::to_owned),
            source,
            remote: found.is_some_and(FluxObject::is_remote),
            prunes: found.is_some_and(FluxObject::prunes),
            made: found.map_or_else(Vec::new, |found| found.inventory().collect()),
            path: found.and_then(|found| found.spec.as_ref()?.path.clone()),
        }
    }

    /// Whether its source has what it has not applied; `None`: that is not known.
    pub fn is_behind(&self) -> Option<bool> {
        let fetched = self.source.as_ref()?.revision.as_deref()?;
        // Nothing was ever applied.
        let Some(applied) = self.applied.as_deref() else { return Some(true) };
        Some(content(applied) != content(fetched))
    }

    /// All of it in one word.
    pub fn state(&self) -> DeliveryState {
        let has = |wanted: fn(&Hindrance) -> bool| self.hindrances.iter().any(wanted);
        if has(|it| matches!(it, Hindrance::Gone | Hindrance::Going)) {
            return DeliveryState::Missing;
        }
        if has(|it| matches!(it, Hindrance::Unread(_))) {
            return DeliveryState::Unknown;
        }
        if has(|it| matches!(it, Hindrance::Suspended)) {
            return DeliveryState::Suspended;
        }
        if has(|it| matches!(it, Hindrance::Failing { .. })) {
            return DeliveryState::NotReady;
        }
        let behind = self.is_behind();
        if behind == Some(true) {
            return DeliveryState::Behind;
        }
        if !self.hindrances.is_empty() {
            return DeliveryState::Reconciling;
        }
        match &self.source {
            Some(source) => {
                let unread = |it: &Hindrance| matches!(it, Hindrance::Unread(_));
                let working =
                    |it: &Hindrance| matches!(it, Hindrance::Underway(_) | Hindrance::Unobserved);
                if source.hindrances.iter().any(unread) {
                    DeliveryState::Unknown
                } else if source.hindrances.iter().all(working) {
                    if source.hindrances.is_empty() {
                        known(behind)
                    } else {
                        DeliveryState::Reconciling
                    }
                } else {
                    DeliveryState::SourceNotReady
                }
            }
            // A HelmRelease has its chart's version, which says nothing of a source.
            None if &*self.object.kind == "Kustomization" => DeliveryState::Unknown,
            None => DeliveryState::UpToDate,
        }
    }
}

fn known(behind: Option<bool>) -> DeliveryState {
    if behind == Some(false) { DeliveryState::UpToDate } else { DeliveryState::Unknown }
}

/// What of a revision says what it has: the digest, since one content may have several names.
///
/// Source: the revision format of Flux, `<name>@<algorithm>:<digest>`.
pub(super) fn content(revision: &str) -> &str {
    revision.rsplit_once('@').map_or(revision, |(_, digest)| digest)
}

/// A revision with the beginning of its digest: `main@sha1:5e3c2f1a`.
pub fn short(revision: &str) -> String {
    const DIGITS: usize = 8;
    match revision.rsplit_once(':') {
        Some((name, digest))
            if digest.len() > DIGITS && digest.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            format!("{name}:{}", digest.get(..DIGITS).unwrap_or(digest))
        }
        _ => revision.to_owned(),
    }
}

/// What is wrong with an object.
pub(super) fn hindrances(read: &Answer) -> Vec<Hindrance> {
    let found = match read {
        Ok(Some(found)) => found,
        Ok(None) => return vec![Hindrance::Gone],
        Err(error) => return vec![Hindrance::Unread(error.to_string())],
    };
    let mut all = Vec::new();
    if found.is_going() {
        all.push(Hindrance::Going);
    }
    if found.is_suspended() {
        all.push(Hindrance::Suspended);
    }
    all.extend(progress(found));
    all
}

fn hindrances_of_source(read: &Answer) -> Vec<Hindrance> {
    let mut all = hindrances(read);
    if let Ok(Some(found)) = read
        && found.fetched().is_none()
    {
        all.push(Hindrance::Empty);
    }
    all
}

/// What an object's conditions tell against it.
pub(super) fn progress(found: &FluxObject) -> Option<Hindrance> {
    let text = |text: &Option<String>| said(text.as_deref().unwrap_or_default());
    let failing = |condition: &Condition| Hindrance::Failing {
        reason: text(&condition.reason),
        message: text(&condition.message),
    };
    if let Some(stalled) = found.condition("Stalled").filter(|it| it.holds()) {
        return Some(failing(stalled));
    }
    let Some(ready) = found.condition("Ready") else {
        // A suspended object that was never looked at has nothing to report.
        return (!found.is_suspended()).then_some(Hindrance::Unreported);
    };
    match ready.status.as_deref() {
        Some("True") => {}
        Some("False") => return Some(failing(ready)),
        _ => return Some(Hindrance::Underway(text(&ready.message))),
    }
    if let Some(at_work) = found.condition("Reconciling").filter(|it| it.holds()) {
        return Some(Hindrance::Underway(text(&at_work.message)));
    }
    (found.is_observed() == Some(false) && !found.is_suspended()).then_some(Hindrance::Unobserved)
}

/// What a controller says, on one line of bounded length: it may be a whole build's output.
fn said(text: &str) -> String {
    const MOST: usize = 1000;
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.len() + word.len() > MOST {
            line.push_str(" …");
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

impl Condition {
    fn holds(&self) -> bool {
        self.status.as_deref() == Some("True")
    }
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
