//! The live cluster that flows are judged by, kept current while they are followed.
//!
//! In: a connection. Out: an [`Input`], and another whenever something changed that answers depend
//! on, put together aside so that flows go on meanwhile.

use crate::cli::{ColorChoice, GlobalArgs, Input, InputArgs, warn};
use netpol::objects::Objects;
use netpol_sources::live::{self, Change, Connection, Watch};
use netpol_sources::manifests::Locator;
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
    color: ColorChoice,
    watch: Option<Watch>,
    /// When to put it together anew.
    due: Option<Instant>,
    making: Option<(Instant, JoinHandle<Input>)>,
    not_before: Instant,
    interrupted: bool,
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
        Ok(Self {
            connection,
            only,
            objects,
            flags: flags.clone(),
            color: global.color,
            watch: None,
            due: None,
            making: None,
            not_before: Instant::now(),
            interrupted: false,
        })
    }

    /// What was read, ready to be judged by.
    pub(super) fn input(&self) -> Input {
        let namespace = self.connection.namespace().to_owned();
        self.flags.input(self.objects.clone(), Locator::default(), namespace, Vec::new())
    }

    /// The same, watched from now on.
    pub(super) async fn watched(mut self) -> Self {
        self.watch = Some(self.connection.watch(self.only.as_deref()).await);
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
        match &change {
            Change::Interrupted(error) if !self.interrupted => {
                self.interrupted = true;
                let text = format!("{error}: what is predicted may be out of date meanwhile");
                warn(self.color, &text);
            }
            Change::All(..) => self.interrupted = false,
            _ => {}
        }
        if change.apply(&mut self.objects) && self.due.is_none() {
            self.due = Some(Instant::now() + SETTLE);
        }
    }

    fn make(&mut self) {
        self.due = None;
        let (objects, flags) = (self.objects.clone(), self.flags.clone());
        let namespace = self.connection.namespace().to_owned();
        let make = move || flags.input(objects, Locator::default(), namespace, Vec::new());
        self.making = Some((Instant::now(), tokio::task::spawn_blocking(make)));
    }
}
