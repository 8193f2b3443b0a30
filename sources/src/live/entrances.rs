//! What leads traffic into the cluster by hosts, paths and listeners.
//!
//! In: a connection. Out: more [`Objects`]: Ingresses, Routes, Gateways with their routes, and classes.
//! Kinds that the cluster does not serve cost nothing; what could not be read is a gap, since it may lead
//! in what an answer does not tell.

use super::error::Error;
use super::read::reason;
use super::target::{Selection, Target};
use super::{Connection, Extent, provenance};
use netpol::cluster::Gap;
use netpol::kinds::Kind;
use netpol::objects::{LEADING, Objects, leading_from_json};
use serde_json::value::RawValue;
use tokio::task::JoinSet;

/// Objects of one kind, and why there may be more.
type Items = Result<(Vec<Box<RawValue>>, Extent), Error>;

impl Connection {
    /// Those of one kind, in the first version that has it; none where no version does.
    async fn leading(&self, kind: Kind, versions: &[&str]) -> Items {
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
        let mut running = JoinSet::new();
        for kind in LEADING {
            // A group may serve a version of its without this kind.
            let versions: Vec<&str> = served.each_version(*kind).collect();
            if versions.is_empty() {
                continue;
            }
            let connection = self.clone();
            running.spawn(async move { (*kind, connection.leading(*kind, &versions).await) });
        }
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
                Ok((items, extent)) => add(objects, kind, &items, extent),
                Err(error) if error.is_of_server() => return Err(error),
                Err(error) => objects.gaps.push(Gap::new(kind.plural(), reason(&error))),
            }
        }
        Ok(())
    }
}

fn add(objects: &mut Objects, kind: Kind, items: &[Box<RawValue>], extent: Extent) {
    for item in items {
        let text = item.get();
        match leading_from_json(kind, text) {
            Ok(found) => {
                objects.insert(found, provenance::of_json(text));
            }
            Err(why) => objects.gaps.push(Gap::new(format!("one of {}", kind.plural()), why)),
        }
    }
    if let Extent::Partial(why) = extent {
        objects.gaps.push(Gap::new(kind.plural(), why));
    }
}
