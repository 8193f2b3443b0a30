//! Reading Flux's objects: one by name, or all Kustomizations to find the one that makes an object.
//!
//! In: a connection. Out: [`Delivery`]s. Of each owner that is asked for, itself and its source are
//! read, each once.

use super::delivery::{Answer, Delivery};
use super::wire::{self, FluxObject};
use crate::live::{Connection, Error, Selection, Target};
use netpol::cluster::ObjectRef;
use std::collections::{BTreeMap, BTreeSet};
use tokio::task::JoinSet;

/// So many owners are asked for one answer; labels are anybody's to write.
const MOST_OWNERS: usize = 16;

/// What was read of some owners.
#[derive(Debug, Default)]
pub struct Deliveries {
    /// One of each owner, in their order.
    pub list: Vec<Delivery>,
    /// Why there is none of some: their kind is not installed.
    pub absent: Option<Error>,
}

/// Reads owners with their sources, in two rounds.
pub async fn deliveries(connection: &Connection, owners: &BTreeSet<ObjectRef>) -> Deliveries {
    let asked: BTreeSet<ObjectRef> = owners.iter().take(MOST_OWNERS).cloned().collect();
    if asked.len() < owners.len() {
        tracing::info!("Flux: only {MOST_OWNERS} of {} owners are asked for", owners.len());
    }
    let read = get_all(connection, asked).await;
    let found = read.values().filter_map(|answer| answer.as_ref().ok()?.as_ref());
    let sources = get_all(connection, found.filter_map(FluxObject::source).collect()).await;
    let mut deliveries = Deliveries::default();
    for (object, answer) in read {
        if let Err(error @ Error::NoSuchResource { .. }) = answer {
            deliveries.absent = Some(error);
            continue;
        }
        let found = answer.as_ref().ok().and_then(Option::as_ref);
        let source = found.and_then(FluxObject::source);
        let source = source.and_then(|source| sources.get(&source));
        deliveries.list.push(Delivery::of(object, &answer, source));
    }
    deliveries
}

async fn get_all(
    connection: &Connection,
    objects: BTreeSet<ObjectRef>,
) -> BTreeMap<ObjectRef, Answer> {
    let mut running = JoinSet::new();
    for object in objects {
        let connection = connection.clone();
        running.spawn(async move {
            let answer = get(&connection, &object).await;
            (object, answer)
        });
    }
    let mut answers = BTreeMap::new();
    while let Some(joined) = running.join_next().await {
        match joined {
            Ok((object, answer)) => _ = answers.insert(object, answer),
            // Nobody cancels these.
            Err(error) => {
                if let Ok(panic) = error.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }
    answers
}

/// Reads one object, in the newest version that is served.
async fn get(connection: &Connection, object: &ObjectRef) -> Answer {
    Ok(find(connection, object).await?.map(|(_, found)| found))
}

/// Reads one object and says where it is.
pub(super) async fn find(
    connection: &Connection,
    object: &ObjectRef,
) -> Result<Option<(Target, FluxObject)>, Error> {
    let mut last = Ok(None);
    for target in wire::targets(object) {
        last = match connection.get::<FluxObject>(&target).await {
            Ok(found) => return Ok(Some((target, found))),
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error @ Error::NoSuchResource { .. }) => Err(error),
            Err(error) => return Err(error),
        };
    }
    last
}

/// Reads one Kustomization without its source; `None`: there is none of that name.
pub async fn kustomization(
    connection: &Connection,
    namespace: &str,
    name: &str,
) -> Result<Option<Delivery>, Error> {
    let object = ObjectRef::namespaced("Kustomization", namespace, name);
    let answer = Ok(get(connection, &object).await?);
    let found = matches!(answer, Ok(Some(_)));
    Ok(found.then(|| Delivery::of(object, &answer, None)))
}

/// All Kustomizations of a cluster.
#[derive(Debug, Default)]
pub struct Kustomizations {
    all: Vec<Delivery>,
}

impl Kustomizations {
    /// Reads them.
    pub async fn read(connection: &Connection) -> Result<Self, Error> {
        let list =
            connection.list::<FluxObject>(&wire::kustomizations(), &Selection::default()).await?;
        let delivery = |found: FluxObject| {
            let (namespace, name) =
                (found.metadata.namespace.clone()?, found.metadata.name.clone()?);
            let object = ObjectRef::namespaced("Kustomization", namespace, name);
            Some(Delivery::of(object, &Ok(Some(found)), None))
        };
        Ok(Self { all: list.items.into_iter().filter_map(delivery).collect() })
    }

    /// The one that says it has made an object in this cluster.
    pub fn maker(&self, object: &ObjectRef) -> Option<&Delivery> {
        self.all.iter().find(|it| !it.remote && it.made.contains(object))
    }

    /// Those whose directory holds a file, by its path in their source; the deepest directory only.
    pub fn holding(&self, file: &str) -> Vec<&Delivery> {
        let depth = |it: &Delivery| super::checkout::depth(it.path.as_deref().unwrap_or(""), file);
        let here = self.all.iter().filter(|it| {
            let of_git = it.source.as_ref().is_some_and(|s| &*s.object.kind == "GitRepository");
            of_git && !it.remote
        });
        let deepest = here.clone().filter_map(depth).max();
        here.filter(|it| deepest.is_some() && depth(it) == deepest).collect()
    }
}
