//! All that an answer about a whole cluster, or about one namespace of it, is made from.
//!
//! In: a connection. Out: [`Objects`] ready to be linked. Pods and policies must be readable; without
//! the rest there is an answer too, which says what is missing.

use super::read::{Item, policy};
use super::{Connection, Error, Extent, Selection, Target};
use netpol::cluster::Gap;
use netpol::kinds::Kind;
use netpol::objects::{Objects, api};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::BTreeSet;

/// Objects with the place of each, and why there may be more.
type Read = Result<(Vec<Item>, Extent), Error>;

impl Connection {
    /// Reads the cluster, or `only` one namespace of it.
    ///
    /// Errors: pods or policies could not be read.
    pub async fn whole(&self, only: Option<&str>) -> Result<Objects, Error> {
        let scoped = |kind| {
            let target = Target::kind(kind);
            match only {
                Some(namespace) => target.within(namespace),
                None => target,
            }
        };
        let namespaces = Target::kind(Kind::Namespace);
        let (served, pods, policies, namespaces, services, replica_sets, nodes) = tokio::join!(
            self.served(),
            self.items::<api::Pod>(scoped(Kind::Pod)),
            self.policies(scoped(Kind::NetworkPolicy)),
            self.items::<api::Namespace>(namespaces),
            self.items::<api::Service>(scoped(Kind::Service)),
            // Pods name their ReplicaSet; people know the Deployment.
            self.items::<api::ReplicaSet>(scoped(Kind::ReplicaSet)),
            self.items::<api::Node>(Target::kind(Kind::Node)),
        );
        let mut objects = Objects::default();
        add(&mut objects, Kind::Pod, pods?);
        add(&mut objects, Kind::NetworkPolicy, policies?);
        for (what, read) in [
            (Kind::Namespace, namespaces),
            (Kind::Service, services),
            (Kind::ReplicaSet, replica_sets),
            (Kind::Node, nodes),
        ] {
            match read {
                Ok(read) => add(&mut objects, what, read),
                Err(error) if error.is_of_server() => return Err(error),
                Err(error) => {
                    let what = what.plural().to_owned();
                    objects.gaps.push(Gap::new(what, error.to_string()));
                }
            }
        }
        let only = only.map(|only| BTreeSet::from([only.to_owned()]));
        self.add_dialects(served, only.as_ref(), &mut objects).await?;
        Ok(objects)
    }

    async fn items<T: DeserializeOwned + Into<Item>>(&self, target: Target) -> Read {
        let list = match self.list_facts::<T>(&target, &Selection::default()).await {
            Ok(list) => list,
            Err(error) => return Err(self.with_versions(error).await),
        };
        Ok((list.items.into_iter().map(Into::into).collect(), list.extent))
    }

    async fn policies(&self, target: Target) -> Read {
        let list = match self.list::<Box<RawValue>>(&target, &Selection::default()).await {
            Ok(list) => list,
            Err(error) => return Err(self.with_versions(error).await),
        };
        let items = list.items.iter().map(|text| policy(Kind::NetworkPolicy, text));
        Ok((items.collect(), list.extent))
    }
}

fn add(objects: &mut Objects, what: Kind, (items, extent): (Vec<Item>, Extent)) {
    for Item(found, origin) in items {
        objects.insert(found, origin);
    }
    if let Extent::Partial(why) = extent {
        objects.gaps.push(Gap::new(what.plural(), why));
    }
}
