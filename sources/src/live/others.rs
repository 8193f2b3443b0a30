//! Objects of kinds that are not judged and may decide, as the cluster has them.
//!
//! In: a connection, what it serves, and the namespaces that matter. Out: more [`Objects`] that make
//! verdicts unknown where they could decide. Kinds that the cluster does not serve cost nothing.

use super::dialects::Served;
use super::error::Error;
use super::read::reason;
use super::target::{Selection, Target};
use super::{Connection, Extent, provenance};
use netpol::cluster::{Gap, ObjectRef, Origin};
use netpol::kinds::{Does, Other, Scope, others};
use netpol::objects::{Body, Found, Objects, other_from_json};
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use tokio::task::JoinSet;

/// One list that is asked for.
struct Listing {
    row: &'static Other,
    /// The kind with its group, as objects of it are called.
    kind: String,
    namespace: Option<String>,
    target: Target,
}

impl Connection {
    /// Reads those that could change a verdict.
    ///
    /// Errors: the server could not be asked at all.
    pub(super) async fn add_others(
        &self,
        served: &Served,
        namespaces: Option<&BTreeSet<String>>,
        objects: &mut Objects,
    ) -> Result<(), Error> {
        let mut running = JoinSet::new();
        for asked in asked(served, namespaces) {
            let connection = self.clone();
            running.spawn(async move {
                let list = connection.list(&asked.target, &Selection::default()).await;
                let items =
                    list.map(|list: super::list::List<Box<RawValue>>| (list.items, list.extent));
                (asked, items)
            });
        }
        while let Some(joined) = running.join_next().await {
            let (asked, items) = match joined {
                Ok(joined) => joined,
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // Nobody cancels these.
                    Err(_) => continue,
                },
            };
            match items {
                Ok((items, extent)) => {
                    for item in items {
                        let text = item.get();
                        match other_from_json(asked.row, &asked.kind, text) {
                            Ok(None) => {}
                            Ok(Some(found)) => {
                                objects.insert(found, provenance::of_json(text));
                            }
                            Err(why) => asked.leave_out(objects, why),
                        }
                    }
                    if let Extent::Partial(why) = extent {
                        asked.leave_out(objects, why);
                    }
                }
                // The group is there without this kind.
                Err(Error::NotFound { .. } | Error::NoSuchResource { .. }) => {}
                Err(error) if error.is_of_server() => return Err(error),
                Err(error) => asked.leave_out(objects, reason(&error)),
            }
        }
        Ok(())
    }
}

/// The lists to read: those of namespaces one by one, unless all are wanted.
fn asked(served: &Served, namespaces: Option<&BTreeSet<String>>) -> Vec<Listing> {
    let mut all = Vec::new();
    for row in others().filter(|row| row.does.decides()) {
        // Where two groups serve one kind, they serve the same objects.
        let Some(version) = served.version_of(row) else { continue };
        let group = netpol::kinds::group(version);
        let listing = |namespace: Option<&String>| {
            let target = Target::of(version, row.plural());
            let (namespace, target) = match namespace {
                Some(name) => (Some(name.clone()), target.within(name)),
                None => (None, target),
            };
            Listing { row, kind: format!("{}.{group}", row.kind), namespace, target }
        };
        // Whoever makes policies may do so for any namespace.
        let cluster = row.scope == Scope::Cluster || row.does == Does::Make;
        match namespaces.filter(|_| !cluster) {
            None => all.push(listing(None)),
            Some(namespaces) => all.extend(namespaces.iter().map(|it| listing(Some(it)))),
        }
    }
    all
}

impl Listing {
    /// What could not be read may be there, and decide.
    fn leave_out(&self, objects: &mut Objects, why: String) {
        let place = self.namespace.as_ref().map_or_else(String::new, |it| format!(" of {it}"));
        objects.gaps.push(Gap::new(format!("{}{place}", self.target.qualified()), why));
        let namespace = self.namespace.as_deref().map(Into::into);
        let name = "(not read)".into();
        let object = ObjectRef { kind: self.kind.as_str().into(), namespace, name };
        objects.insert(Found { object, body: Body::Other(self.row.does) }, Origin::Synthetic);
    }
}
