//! Reconciliation at once, as `flux reconcile kustomization NAME --with-source` does it.
//!
//! In: the objects that are to be reconciled. Out: nothing, once their controllers have done it, or
//! why they have not; each step is told on the way.
//!
//! Source: `cmd/flux/reconcile.go`: the annotation `reconcile.fluxcd.io/requestedAt` asks for it,
//! `status.lastHandledReconcileAt` says that it was tried, and Ready what came of it. Where the CLI goes
//! on waiting until its time is up, a failure that will not heal by itself is told at once; and where a
//! Kustomization was quicker than the news of its source, we wait for that to be applied too.

use super::delivery::{self, Hindrance};
use super::read::find;
use super::wire::{self, FluxObject, REQUESTED_AT};
use crate::live::{self, Connection, Target, Write};
use netpol::cluster::ObjectRef;
use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

/// From so often to so seldom it is asked how far it is.
const POLL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Reasons of a failure that may be none a moment later.
///
/// Source: `Reconcile` of kustomize-controller, which tries again by itself soon after these.
const PASSING: [&str; 3] = ["DependencyNotReady", "HealthCheckCanceled", "ArtifactFailed"];

/// How to reconcile.
#[derive(Clone, Copy, Debug)]
pub struct Reconciliation<'a> {
    /// Who writes the annotation.
    pub manager: &'a str,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// An object was asked to reconcile.
    Requested(&'a ObjectRef),
    /// An object has reconciled: it is at this revision.
    Done(&'a ObjectRef, Option<&'a str>),
}

/// Why something was not reconciled.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The API refused, or could not be asked.
    #[error(transparent)]
    Api(#[from] live::Error),
    /// There is no such object.
    #[error("reconciling {0}: there is no such object")]
    Gone(String),
    /// It is suspended.
    #[error("reconciling {what}: it is suspended; `{resume}` lets it go on")]
    Suspended {
        /// The object.
        what: String,
        /// What ends that.
        resume: String,
    },
    /// It was tried, and failed.
    #[error("reconciling {what}: {reason}: {message}")]
    Failed {
        /// The object.
        what: String,
        /// The reason, such as `BuildFailed`.
        reason: String,
        /// The controller's words.
        message: String,
    },
    /// It took too long.
    #[error("reconciling {what}: not done within {} s: {last}; Flux goes on by itself, and --timeout waits longer", .timeout.as_secs())]
    TimedOut {
        /// The object.
        what: String,
        /// The limit.
        timeout: Duration,
        /// What was last known of it.
        last: String,
    },
}

/// An object as people name it: `Kustomization flux-system/apps`.
pub fn title(object: &ObjectRef) -> String {
    let namespace = object.namespace.as_ref().map_or(String::new(), |name| format!("{name}/"));
    format!("{} {namespace}{}", object.kind, object.name)
}

/// What ends the suspension of an object.
pub fn resume(object: &ObjectRef) -> String {
    let kind = wire::command(&object.kind).unwrap_or_default();
    let namespace = object.namespace.as_deref().unwrap_or_default();
    format!("flux resume {kind} {} -n {namespace}", object.name)
}

/// Reconciles objects one after another, each after its source, and each source once.
pub async fn reconcile(
    connection: &Connection,
    objects: &[ObjectRef],
    how: Reconciliation<'_>,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<(), Failure> {
    let deadline = Instant::now() + how.timeout;
    let mut run = Run { connection, how, deadline, tell, sources: BTreeSet::new() };
    for object in objects {
        run.with_source(object).await?;
    }
    Ok(())
}

struct Run<'a> {
    connection: &'a Connection,
    how: Reconciliation<'a>,
    deadline: Instant,
    tell: &'a mut dyn FnMut(Step<'_>),
    /// The sources that are done.
    sources: BTreeSet<ObjectRef>,
}

impl Run<'_> {
    async fn with_source(&mut self, object: &ObjectRef) -> Result<(), Failure> {
        let (_, found) = self.ready_to_go(object).await?;
        let source = found.source();
        // An ExternalArtifact has nobody to be asked.
        let asked = source.as_ref().filter(|source| wire::command(&source.kind).is_some());
        if let Some(source) = asked
            && !self.sources.contains(source)
        {
            self.one(source, None).await?;
            self.sources.insert(source.clone());
        }
        self.one(object, source.as_ref()).await
    }

    /// Reads an object that can be reconciled.
    async fn ready_to_go(&self, object: &ObjectRef) -> Result<(Target, FluxObject), Failure> {
        let what = title(object);
        let Some((target, found)) = find(self.connection, object).await? else {
            return Err(Failure::Gone(what));
        };
        if found.is_going() {
            return Err(Failure::Gone(format!("{what}, which is being deleted")));
        }
        if found.is_suspended() {
            return Err(Failure::Suspended { what, resume: resume(object) });
        }
        Ok((target, found))
    }

    /// Reconciles one object; it is done when it has applied what `source` has fetched.
    async fn one(&mut self, object: &ObjectRef, source: Option<&ObjectRef>) -> Result<(), Failure> {
        let (target, before) = self.ready_to_go(object).await?;
        let now = jiff::Timestamp::try_from(SystemTime::now()).unwrap_or_default().to_string();
        let write = Write { manager: self.how.manager, force: false, dry_run: false };
        self.connection.annotate(&target, (REQUESTED_AT, &now), write).await?;
        (self.tell)(Step::Requested(object));

        let mut pause = POLL.0;
        let mut last =
            "its controller has not taken it up, perhaps since it does not run".to_owned();
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.late(object, &last));
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 3 / 2).min(POLL.1);
            let (_, found) = self.ready_to_go(object).await?;
            if !is_handled(&before, &found) {
                continue;
            }
            last = match delivery::progress(&found) {
                None => match self.unapplied(&found, source).await? {
                    None => {
                        let revision = found.applied().or(found.fetched());
                        (self.tell)(Step::Done(object, revision));
                        return Ok(());
                    }
                    Some(why) => why,
                },
                Some(Hindrance::Failing { reason, message })
                    if !PASSING.contains(&reason.as_str()) =>
                {
                    return Err(Failure::Failed { what: title(object), reason, message });
                }
                Some(Hindrance::Failing { reason, message }) => format!("{reason}: {message}"),
                Some(Hindrance::Underway(message)) if !message.is_empty() => message,
                Some(_) => "it is at work".to_owned(),
            };
        }
    }

    /// What of its source an object that is ready has not applied.
    async fn unapplied(
        &self,
        found: &FluxObject,
        source: Option<&ObjectRef>,
    ) -> Result<Option<String>, Failure> {
        let Some(source) = source else { return Ok(None) };
        let Some((_, source)) = find(self.connection, source).await? else { return Ok(None) };
        let Some(wanted) = source.fetched() else { return Ok(None) };
        let applied = found.applied().unwrap_or("nothing");
        let same = delivery::content(applied) == delivery::content(wanted);
        Ok((!same).then(|| {
            let [applied, wanted] = [applied, wanted].map(delivery::short);
            format!("it has applied {applied}, and its source has {wanted}")
        }))
    }

    fn late(&self, object: &ObjectRef, last: &str) -> Failure {
        Failure::TimedOut { what: title(object), timeout: self.how.timeout, last: last.to_owned() }
    }
}

/// Whether the last request was tried; it may be somebody's who asked after us.
fn is_handled(before: &FluxObject, now: &FluxObject) -> bool {
    now.handled().is_some() && now.handled() == now.requested() && now.handled() != before.handled()
}
