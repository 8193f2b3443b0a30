//! What leads traffic into the cluster by hosts, paths and listeners, and what the API server calls.
//!
//! In: a connection. Out: more [`Objects`]: Ingresses, Routes, Gateways with their routes, and classes;
//! configurations of webhooks, APIServices and CustomResourceDefinitions. Kinds that the cluster does not
//! serve cost nothing; what could not be read is kept, since it may lead or call where an answer does not
//! tell.

use super::error::Error;
use super::read::reason;
use super::target::{Selection, Target};
use super::{Connection, Extent, provenance};
use netpol::cluster::Gap;
use netpol::kinds::Kind;
use netpol::objects::{Body, CALLING, LEADING, Objects, fact_from_json};
use serde_json::value::RawValue;
use tokio::task::JoinSet;

/// Objects of one kind, and why there may be more.
type Items = Result<(Vec<Box<RawValue>>, Extent), Error>;

impl Connection {
    /// Those of one kind, in the first version that has it; none where no version does.
    async fn facts(&self, kind: Kind, versions: &[&str]) -> Items {
        for version in versions {
            let target = Target::of(*version, kind.plural());
            let list = self.list::<Box<RawValue>>(&target, &Selection::default()).await;
            match list {
                Err(Error::NotFound { .. } | Error::NoSuchResource { .. }) => {}
                found => return found.map(|list| (list.items, list.extent)),
            }
        }
        Ok((Vec::new(), Extent::Complete))
    }

    /// Reads them of the whole cluster: a route may lead to other namespaces.
    ///
    /// Errors: the server could not be asked at all.
    pub async fn add_entrances(&self, objects: &mut Objects) -> Result<(), Error> {
        let served = self.served().await?;
        // A group may serve a version of its without this kind.
        let versions = |kind: &Kind| (*kind, served.each_version(*kind).collect::<Vec<_>>());
        let kinds = LEADING.iter().map(versions).filter(|(_, versions)| !versions.is_empty());
        for (kind, items) in self.each(kinds.collect()).await? {
            match items {
                Ok((items, extent)) => {
                    add(objects, kind, &items);
                    if let Extent::Partial(why) = extent {
                        objects.gaps.push(Gap::new(kind.plural(), why));
                    }
                }
                Err(error) => objects.gaps.push(Gap::new(kind.plural(), reason(&error))),
            }
        }
        Ok(())
    }

    /// Reads what the API server calls, and where it is itself, which without its node says too little.
    ///
    /// Errors: the server could not be asked at all.
    pub async fn add_calls(&self, objects: &mut Objects) -> Result<(), Error> {
        let kinds = CALLING.iter().map(|kind| (*kind, vec![kind.api_version()])).collect();
        let nodes = objects.iter().any(|(_, _, body)| matches!(body, Body::Node { .. }));
        let asked = nodes && !objects.knows_api_server();
        let mut at = Objects::default();
        let api_server = async {
            if asked {
                self.add_api_server(&mut at).await;
            }
        };
        let (each, ()) = tokio::join!(self.each(kinds), api_server);
        objects.overlay(at);
        for (kind, items) in each? {
            let unread = match items {
                Ok((items, extent)) => {
                    add(objects, kind, &items);
                    match extent {
                        Extent::Complete => continue,
                        Extent::Partial(why) => why,
                    }
                }
                Err(error) => reason(&error),
            };
            objects.calls_unread.push((kind.plural_words(), unread));
        }
        Ok(())
    }

    /// The objects of several kinds, asked for at once, in the order of their kinds.
    ///
    /// Errors: the server could not be asked at all.
    async fn each(
        &self,
        kinds: Vec<(Kind, Vec<&'static str>)>,
    ) -> Result<Vec<(Kind, Items)>, Error> {
        let mut running = JoinSet::new();
        for (kind, versions) in kinds {
            let connection = self.clone();
            running.spawn(async move { (kind, connection.facts(kind, &versions).await) });
        }
        let mut all = Vec::new();
        while let Some(joined) = running.join_next().await {
            let (kind, items) = match joined {
                Ok(joined) => joined,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // Nobody cancels these.
                    Err(_) => continue,
                },
            };
            match items {
                Err(error) if error.is_of_server() => return Err(error),
                items => all.push((kind, items)),
            }
        }
        all.sort_by_key(|(kind, _)| *kind);
        Ok(all)
    }
}

fn add(objects: &mut Objects, kind: Kind, items: &[Box<RawValue>]) {
    for item in items {
        let text = item.get();
        match fact_from_json(kind, text) {
            Ok(found) => {
                objects.insert(found, provenance::of_json(text));
            }
            Err(why) => objects.gaps.push(Gap::new(format!("one of {}", kind.plural()), why)),
        }
    }
}
