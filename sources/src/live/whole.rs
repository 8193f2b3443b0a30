//! All that an answer about a whole cluster, or about one namespace of it, is made from.
//!
//! In: a connection. Out: [`Objects`] ready to be linked. Pods and policies must be readable; without
//! the rest there is an answer too, which says what is missing.

use super::read::{Item, Policy};
use super::{Connection, Error, Extent, Selection, Target};
use netpol::cluster::Gap;
use netpol::objects::{Objects, api};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// Objects with the place of each, and why there may be more.
type Read = Result<(Vec<Item>, Extent), Error>;

impl Connection {
    /// Reads the cluster, or `only` one namespace of it.
    ///
    /// Errors: pods or policies could not be read.
    pub async fn whole(&self, only: Option<&str>) -> Result<Objects, Error> {
        let scoped = |group_version, resource| {
            let target = Target::of(group_version, resource);
            match only {
                Some(namespace) => target.within(namespace),
                None => target,
            }
        };
        let namespaces = Target::of("v1", "namespaces");
        let (served, pods, policies, namespaces, services, replica_sets, nodes) = tokio::join!(
            self.served(),
            self.items::<api::Pod>(scoped("v1", "pods")),
            self.items::<Policy>(scoped("networking.k8s.io/v1", "networkpolicies")),
            self.items::<api::Namespace>(namespaces),
            self.items::<api::Service>(scoped("v1", "services")),
            // Pods name their ReplicaSet; people know the Deployment.
            self.items::<api::ReplicaSet>(scoped("apps/v1", "replicasets")),
            self.items::<api::Node>(Target::of("v1", "nodes")),
        );
        let mut objects = Objects::default();
        add(&mut objects, "pods", pods?);
        add(&mut objects, "networkpolicies", policies?);
        for (what, read) in [
            ("namespaces", namespaces),
            ("services", services),
            ("replicasets", replica_sets),
            ("nodes", nodes),
        ] {
            match read {
                Ok(read) => add(&mut objects, what, read),
                Err(error) if error.is_of_server() => return Err(error),
                Err(error) => {
                    objects.gaps.push(Gap { what: what.to_owned(), why: error.to_string() });
                }
            }
        }
        let only = only.map(|only| BTreeSet::from([only.to_owned()]));
        self.add_dialects(served, only.as_ref(), &mut objects).await?;
        Ok(objects)
    }

    async fn items<T: DeserializeOwned + Into<Item>>(&self, target: Target) -> Read {
        let list = match self.list::<T>(&target, &Selection::default()).await {
            Ok(list) => list,
            Err(error) => return Err(self.with_versions(error).await),
        };
        Ok((list.items.into_iter().map(Into::into).collect(), list.extent))
    }
}

fn add(objects: &mut Objects, what: &str, (items, extent): (Vec<Item>, Extent)) {
    for Item(found, origin) in items {
        objects.insert(found, origin);
    }
    if let Extent::Partial(why) = extent {
        objects.gaps.push(Gap { what: what.to_owned(), why });
    }
}
