//! Changes of what answers depend on, as the API server tells them.
//!
//! In: a connection and what was read over it. Out: [`Change`]s of namespaces, pods and policies,
//! which keep [`Objects`] what the cluster is. After an interruption everything is
//! listed anew, so nothing is missed for good. Kinds of policies that the cluster serves only later are
//! watched from then on.

use super::read::Item;
use super::{Connection, Error, Target, dialects, provenance};
use futures_util::StreamExt as _;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::{WatchStreamExt as _, watcher};
use netpol::cluster::{ObjectRef, Origin};
use netpol::kinds::Kind;
use netpol::objects::Found;
use netpol::objects::{Objects, api, policy_from_json};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::pin::pin;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

/// The server ends a watch after five minutes at the latest; one that is silent for longer is dead.
const SILENCE: Duration = Duration::from_mins(6);

/// So often it is asked which kinds of policies the cluster serves.
const LOOK: Duration = Duration::from_secs(10);

/// What could not be watched is tried again after this, and each time later up to the last.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// As [`FIRST_WAIT`].
const LAST_WAIT: Duration = Duration::from_secs(15);

/// So many changes may wait.
const WAITING: usize = 1024;

/// One change.
#[derive(Debug)]
pub enum Change {
    /// An object is there, or is otherwise than before.
    Put(Box<(Found, Origin)>),
    /// An object is gone.
    Gone(ObjectRef),
    /// All objects of a kind are these.
    All(Kind, HashSet<ObjectRef>),
    /// A kind cannot be watched at the moment, or which kinds there are cannot be asked; what was read may
    /// be out of date.
    Interrupted(Option<Kind>, Error),
    /// It can be asked again which kinds there are. Of a kind [`Change::All`] says so.
    Resumed,
}

/// Changes as they come; watching ends when it is dropped.
#[derive(Debug)]
pub struct Watch {
    changes: mpsc::Receiver<Change>,
    /// Ended when they are dropped.
    _tasks: JoinSet<()>,
}

impl Watch {
    /// The next change; `None` where nothing is watched any more.
    pub async fn next(&mut self) -> Option<Change> {
        self.changes.recv().await
    }
}

impl Change {
    /// Whether it is about policies, or what policies name, and nothing else.
    pub fn is_of_policies(&self) -> bool {
        let is_policy = |kind: Option<Kind>| kind.is_some_and(Kind::is_policy);
        match self {
            Self::Put(found) => found.0.is_of_policies(),
            Self::Gone(object) => is_policy(Kind::named(&object.kind)),
            Self::All(kind, _) => is_policy(Some(*kind)),
            Self::Interrupted(..) | Self::Resumed => false,
        }
    }

    /// Makes the change; false: it says nothing new.
    pub fn apply(self, objects: &mut Objects) -> bool {
        match self {
            Self::Put(found) => {
                let (found, origin) = *found;
                !objects.insert(found, origin).is_some_and(|replaced| replaced.identical)
            }
            Self::Gone(object) => objects.remove(&object),
            Self::All(kind, present) => {
                let kind = kind.name();
                let gone: Vec<ObjectRef> = objects
                    .iter()
                    .map(|(object, ..)| object)
                    .filter(|object| object.kind == kind && !present.contains(object))
                    .cloned()
                    .collect();
                gone.iter().filter(|object| objects.remove(object)).count() > 0
            }
            Self::Interrupted(..) | Self::Resumed => false,
        }
    }
}

impl Connection {
    /// Watches namespaces, pods and policies of every kind that the cluster serves, or `only` those
    /// of one namespace.
    pub fn watch(&self, only: Option<&str>) -> Watch {
        let scoped = |kind: Kind| {
            let target = Target::kind(kind);
            match only {
                Some(namespace) => target.within(namespace),
                None => target,
            }
        };
        let mut wanted: Vec<(Kind, Target)> =
            [Kind::Pod, Kind::NetworkPolicy].map(|kind| (kind, scoped(kind))).into();
        if only.is_none() {
            wanted.push((Kind::Namespace, scoped(Kind::Namespace)));
        }
        let (send, changes) = mpsc::channel(WAITING);
        let mut tasks = JoinSet::new();
        for (kind, target) in wanted {
            tasks.spawn(self.clone().follow(kind, target, send.clone()));
        }
        let only = only.map(|only| BTreeSet::from([only.to_owned()]));
        tasks.spawn(self.clone().follow_dialects(only, send));
        Watch { changes, _tasks: tasks }
    }

    /// Follows the policies of every kind that the cluster serves at the time.
    async fn follow_dialects(self, only: Option<BTreeSet<String>>, send: mpsc::Sender<Change>) {
        let mut followed: BTreeMap<(Kind, String), AbortHandle> = BTreeMap::new();
        // They end when it is dropped.
        let mut tasks = JoinSet::new();
        let mut failing = false;
        loop {
            match self.served().await {
                Ok(served) => {
                    let asked = dialects::asked(&served, only.as_ref()).into_iter();
                    let asked: BTreeMap<(Kind, String), Target> = asked
                        .map(|asked| ((asked.kind, asked.target.to_string()), asked.target))
                        .collect();
                    let gone: Vec<_> =
                        followed.keys().filter(|it| !asked.contains_key(it)).cloned().collect();
                    for which in gone {
                        if let Some(task) = followed.remove(&which) {
                            task.abort();
                        }
                        // With the kind all of its objects are gone.
                        let none = Change::All(which.0, HashSet::new());
                        if send.send(none).await.is_err() {
                            return;
                        }
                    }
                    for (which, target) in asked {
                        if let Entry::Vacant(free) = followed.entry(which) {
                            let kind = free.key().0;
                            let task = self.clone().follow(kind, target, send.clone());
                            free.insert(tasks.spawn(task));
                        }
                    }
                    if std::mem::take(&mut failing) && send.send(Change::Resumed).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut failing, true)
                        && send.send(Change::Interrupted(None, error)).await.is_err()
                    {
                        return;
                    }
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn follow(self, kind: Kind, target: Target, send: mpsc::Sender<Change>) {
        let (group, version) = target.api.split_once('/').unwrap_or(("", &target.api));
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: target.api.clone(),
            kind: kind.name().to_string(),
            plural: target.resource.clone(),
        };
        let api: kube::Api<DynamicObject> = match &target.namespace {
            Some(namespace) => {
                kube::Api::namespaced_with(self.client.clone(), namespace, &resource)
            }
            None => kube::Api::all_with(self.client.clone(), &resource),
        };
        let doing = target.described("watching");
        let mut wait = FIRST_WAIT;
        loop {
            let mut events =
                pin!(watcher(api.clone(), watcher::Config::default()).default_backoff());
            let mut present = HashSet::new();
            // One that is silent is begun anew.
            while let Ok(Some(event)) = tokio::time::timeout(SILENCE, events.next()).await {
                let Some(change) = self.change(kind, &doing, event, &mut present) else { continue };
                let interrupted = matches!(change, Change::Interrupted(..));
                if matches!(change, Change::All(..)) {
                    wait = FIRST_WAIT;
                }
                if send.send(change).await.is_err() {
                    return;
                }
                // Listed anew, so that nothing is missed and it is seen when it goes on.
                if interrupted {
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LAST_WAIT);
                    break;
                }
            }
        }
    }

    fn change(
        &self,
        kind: Kind,
        doing: &str,
        event: Result<watcher::Event<DynamicObject>, watcher::Error>,
        present: &mut HashSet<ObjectRef>,
    ) -> Option<Change> {
        match event {
            Ok(watcher::Event::Apply(object)) => put(kind, &object),
            Ok(watcher::Event::InitApply(object)) => {
                present.insert(reference(kind, &object));
                put(kind, &object)
            }
            Ok(watcher::Event::Delete(object)) => Some(Change::Gone(reference(kind, &object))),
            Ok(watcher::Event::Init) => {
                present.clear();
                // What comes takes the place of what was read before.
                self.budget.renew();
                None
            }
            Ok(watcher::Event::InitDone) => Some(Change::All(kind, std::mem::take(present))),
            Err(error) => match self.failed(doing, error)? {
                // Its group is served, and the kind is not.
                Error::NotFound { .. } | Error::NoSuchResource { .. } => {
                    Some(Change::All(kind, HashSet::new()))
                }
                error => Some(Change::Interrupted(Some(kind), error)),
            },
        }
    }

    /// The sentence for a failure; none for what happens to every watch now and then.
    fn failed(&self, doing: &str, error: watcher::Error) -> Option<Error> {
        match error {
            watcher::Error::InitialListFailed(error) | watcher::Error::WatchStartFailed(error) => {
                Some(self.explain(doing, &error))
            }
            // It is listed anew, or the watch goes on where it was.
            watcher::Error::WatchError(_) | watcher::Error::WatchFailed(_) => None,
            error @ watcher::Error::NoResourceVersion => Some(Error::Unreadable {
                doing: doing.to_owned(),
                server: self.server.clone(),
                why: error.to_string(),
            }),
        }
    }
}

/// The object as it is read of a list; one that cannot be read changes nothing.
fn put(kind: Kind, object: &DynamicObject) -> Option<Change> {
    let text = serde_json::to_string(object).ok()?;
    let read = if kind.is_policy() {
        policy_from_json(kind, &text).map(|found| (found, provenance::of_json(&text)))
    } else {
        let read: Result<Item, _> = match kind {
            Kind::Namespace => serde_json::from_str::<api::Namespace>(&text).map(Into::into),
            _ => serde_json::from_str::<api::Pod>(&text).map(Into::into),
        };
        read.map(|Item(found, origin)| (found, origin)).map_err(|error| error.to_string())
    };
    match read {
        Ok(read) => Some(Change::Put(Box::new(read))),
        Err(error) => {
            tracing::warn!(error, "an object that cannot be read");
            None
        }
    }
}

fn reference(kind: Kind, object: &DynamicObject) -> ObjectRef {
    let name = object.metadata.name.as_deref().unwrap_or_default();
    match object.metadata.namespace.as_deref() {
        Some(namespace) => ObjectRef::namespaced(kind.name(), namespace, name),
        None => ObjectRef::cluster(kind.name(), name),
    }
}
