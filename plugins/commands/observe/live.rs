//! The live cluster that flows are judged by, kept current while they are followed.
//!
//! In: a connection. Out: an [`Input`], and another whenever something changed that answers depend
//! on, put together aside so that flows go on meanwhile.

use crate::cli::{ColorChoice, GlobalArgs, Input, InputArgs, KeptInput, warn};
use netpol::kinds::Kind;
use netpol::objects::Objects;
use netpol_sources::live::{self, Change, Connection, Watch};
use netpol_sources::manifests::Locator;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// Changes come together: after the first so long is waited for more.
const SETTLE: Duration = Duration::from_millis(300);

/// Putting it together takes at most one part of so many of the time.
const SHARE: u32 = 5;

/// What was read of the cluster.
pub(super) struct Live {
    connection: Connection,
    /// The only namespace that may be read.
    only: Option<String>,
    objects: Objects,
    flags: InputArgs,
    kept: Arc<KeptInput>,
    /// Something else than policies changed since it was put together.
    others_changed: bool,
    color: ColorChoice,
    watch: Option<Watch>,
    /// When to put it together anew.
    due: Option<Instant>,
    making: Option<(Instant, JoinHandle<Input>)>,
    not_before: Instant,
    interruptions: Interruptions,
}

/// What cannot be watched at the moment.
#[derive(Debug, Default)]
struct Interruptions {
    /// Kinds, or which kinds there are.
    now: BTreeSet<Option<Kind>>,
    /// Those that one may not watch, which is told once.
    never: BTreeSet<Option<Kind>>,
}

impl Interruptions {
    /// What is to be said of a change.
    fn take(&mut self, change: &Change) -> Option<String> {
        let resumed = match change {
            Change::Interrupted(what, error) => {
                let meanwhile = "what is predicted may be out of date";
                if matches!(error, live::Error::Forbidden(_)) {
                    let first = self.never.insert(*what);
                    return first.then(|| format!("{error}: {meanwhile}"));
                }
                let first = self.now.is_empty();
                self.now.insert(*what);
                return first.then(|| {
                    format!("watching has stopped: {error}: {meanwhile} until it goes on")
                });
            }
            Change::All(kind, _) => Some(*kind),
            Change::Resumed => None,
            Change::Put(_) | Change::Gone(_) => return None,
        };
        let told = self.now.remove(&resumed) && self.now.is_empty();
        told.then(|| {
            "watching goes on: what is predicted is by the cluster as it is again".to_owned()
        })
    }
}

impl Live {
    /// Reads the cluster, or where that is forbidden the namespace of `-n`.
    pub(super) async fn read(global: &GlobalArgs, flags: &InputArgs) -> Result<Self, live::Error> {
        let connection = global.connect().await?;
        let (mut objects, only) = match (connection.whole(None).await, &global.namespace) {
            (Err(live::Error::Forbidden(_)), Some(namespace)) => {
                let objects = connection.whole(Some(namespace)).await?;
                let note = format!(
                    "only namespace {namespace} may be read: ends in other namespaces are not known"
                );
                warn(global.color, &note);
                (objects, Some(namespace.clone()))
            }
            (read, _) => (read?, None),
        };
        if flags.entrances {
            connection.add_entrances(&mut objects).await?;
        }
        let kept = Arc::<KeptInput>::default();
        Ok(Self {
            connection,
            only,
            objects,
            flags: InputArgs { kept: Some(kept.clone()), ..flags.clone() },
            kept,
            others_changed: false,
            color: global.color,
            watch: None,
            due: None,
            making: None,
            not_before: Instant::now(),
            interruptions: Interruptions::default(),
        })
    }

    /// What was read, ready to be judged by.
    pub(super) fn input(&self) -> Input {
        let namespace = self.connection.namespace().to_owned();
        self.flags.input(self.objects.clone(), Locator::default(), namespace, Vec::new())
    }

    /// The same, watched from now on.
    pub(super) fn watched(mut self) -> Self {
        self.watch = Some(self.connection.watch(self.only.as_deref()));
        self
    }

    /// Waits for the next state of the cluster. May be given up and called again.
    pub(super) async fn next(&mut self) -> Input {
        loop {
            if let Some((started, making)) = &mut self.making {
                let made = making.await;
                let took = started.elapsed();
                self.making = None;
                self.not_before = Instant::now() + took * SHARE;
                match made {
                    Ok(input) => return input,
                    Err(error) => {
                        tracing::warn!(%error, "putting the cluster together");
                        continue;
                    }
                }
            }
            let Some(watch) = &mut self.watch else { std::future::pending().await };
            let due = self.due.map(|due| due.max(self.not_before));
            let wait = async {
                match due {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                change = watch.next() => match change {
                    Some(change) => self.change(change),
                    None => self.watch = None,
                },
                () = wait => self.make(),
            }
        }
    }

    fn change(&mut self, change: Change) {
        if let Some(text) = self.interruptions.take(&change) {
            warn(self.color, &text);
        }
        let of_policies = change.is_of_policies();
        if change.apply(&mut self.objects) {
            self.others_changed |= !of_policies;
            self.due.get_or_insert(Instant::now() + SETTLE);
        }
    }

    fn make(&mut self) {
        self.due = None;
        let (objects, flags) = (self.objects.clone(), self.flags.clone());
        self.kept.only_policies(!std::mem::take(&mut self.others_changed));
        let namespace = self.connection.namespace().to_owned();
        let make = move || flags.input(objects, Locator::default(), namespace, Vec::new());
        self.making = Some((Instant::now(), tokio::task::spawn_blocking(make)));
    }
}
