//! Changes of what answers depend on, as the API server tells them.
//!
//! In: a connection and what was read over it. Out: [`Change`]s of namespaces, pods and
//! NetworkPolicies, which keep [`Objects`] what the cluster is. After an interruption everything is
//! listed anew, so nothing is missed for good.

use super::read::{Item, Policy};
use super::{Connection, Error, Target};
use crate::cluster::{ObjectRef, Origin};
use crate::source::found::Found;
use crate::source::kind::BuiltIn;
use crate::source::{Objects, api};
use futures_util::StreamExt as _;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::{WatchStreamExt as _, watcher};
use serde::de::DeserializeOwned;
use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::mpsc;

/// The server ends a watch after five minutes at the latest; one that is silent for longer is dead.
const SILENCE: Duration = Duration::from_mins(6);

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
    /// They cannot be watched at the moment; what was read may be out of date.
    Interrupted(Error),
}

/// A kind that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind(BuiltIn);

/// Changes as they come; watching ends when it is dropped.
#[derive(Debug)]
pub struct Watch {
    changes: mpsc::Receiver<Change>,
    tasks: tokio::task::JoinSet<()>,
}

impl Watch {
    /// The next change; `None` where nothing is watched any more.
    pub async fn next(&mut self) -> Option<Change> {
        self.changes.recv().await
    }

    /// How many kinds are watched.
    pub fn kinds(&self) -> usize {
        self.tasks.len()
    }
}

impl Change {
    /// Makes the change; false: it says nothing new.
    pub fn apply(self, objects: &mut Objects) -> bool {
        match self {
            Self::Put(found) => {
                let (found, origin) = *found;
                !objects.insert(found, origin).is_some_and(|replaced| replaced.identical)
            }
            Self::Gone(object) => objects.remove(&object),
            Self::All(Kind(kind), present) => {
                let kind = kind.name();
                let gone: Vec<ObjectRef> = objects
                    .iter()
                    .map(|(object, ..)| object)
                    .filter(|object| object.kind == kind && !present.contains(object))
                    .cloned()
                    .collect();
                gone.iter().filter(|object| objects.remove(object)).count() > 0
            }
            Self::Interrupted(_) => false,
        }
    }
}

impl Connection {
    /// Watches namespaces, pods and NetworkPolicies, or `only` those of one namespace.
    pub fn watch(&self, only: Option<&str>) -> Watch {
        let (send, changes) = mpsc::channel(WAITING);
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(self.clone().follow::<api::Pod>(BuiltIn::Pod, owned(only), send.clone()));
        tasks.spawn(self.clone().follow::<Policy>(
            BuiltIn::NetworkPolicy,
            owned(only),
            send.clone(),
        ));
        if only.is_none() {
            tasks.spawn(self.clone().follow::<api::Namespace>(BuiltIn::Namespace, None, send));
        }
        Watch { changes, tasks }
    }

    async fn follow<T: DeserializeOwned + Into<Item>>(
        self,
        kind: BuiltIn,
        only: Option<String>,
        send: mpsc::Sender<Change>,
    ) {
        let (group_version, plural) = kind.resource();
        let (group, version) = group_version.split_once('/').unwrap_or(("", group_version));
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version: group_version.to_owned(),
            kind: kind.name().to_string(),
            plural: plural.clone(),
        };
        let api: kube::Api<DynamicObject> = match &only {
            Some(namespace) => {
                kube::Api::namespaced_with(self.client.clone(), namespace, &resource)
            }
            None => kube::Api::all_with(self.client.clone(), &resource),
        };
        let mut target = Target::of(group_version, plural);
        if let Some(namespace) = only {
            target = target.within(namespace);
        }
        let doing = target.described("watching");
        loop {
            let mut events =
                pin!(watcher(api.clone(), watcher::Config::default()).default_backoff());
            let mut present = HashSet::new();
            // One that is silent is begun anew.
            while let Ok(Some(event)) = tokio::time::timeout(SILENCE, events.next()).await {
                let change = self.changes::<T>(kind, &doing, event, &mut present);
                if let Some(change) = change
                    && send.send(change).await.is_err()
                {
                    return;
                }
            }
        }
    }

    fn changes<T: DeserializeOwned + Into<Item>>(
        &self,
        kind: BuiltIn,
        doing: &str,
        event: Result<watcher::Event<DynamicObject>, watcher::Error>,
        present: &mut HashSet<ObjectRef>,
    ) -> Option<Change> {
        match event {
            Ok(watcher::Event::Apply(object)) => put::<T>(&object),
            Ok(watcher::Event::InitApply(object)) => {
                present.insert(reference(kind, &object));
                put::<T>(&object)
            }
            Ok(watcher::Event::Delete(object)) => Some(Change::Gone(reference(kind, &object))),
            Ok(watcher::Event::Init) => {
                present.clear();
                None
            }
            Ok(watcher::Event::InitDone) => Some(Change::All(Kind(kind), std::mem::take(present))),
            Err(error) => self.failed(doing, error).map(Change::Interrupted),
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

fn owned(text: Option<&str>) -> Option<String> {
    text.map(ToOwned::to_owned)
}

/// The object as it is read of a list; one that cannot be read changes nothing.
fn put<T: DeserializeOwned + Into<Item>>(object: &DynamicObject) -> Option<Change> {
    let text = serde_json::to_string(object).ok()?;
    let read: T = serde_json::from_str(&text)
        .inspect_err(|error| tracing::warn!(%error, "an object that cannot be read"))
        .ok()?;
    let Item(found, origin) = read.into();
    Some(Change::Put(Box::new((found, origin))))
}

fn reference(kind: BuiltIn, object: &DynamicObject) -> ObjectRef {
    let name = object.metadata.name.as_deref().unwrap_or_default();
    match object.metadata.namespace.as_deref() {
        Some(namespace) => ObjectRef::namespaced(kind.name(), namespace, name),
        None => ObjectRef::cluster(kind.name(), name),
    }
}
