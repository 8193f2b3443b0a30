//! What is in a namespace besides what is asked for.
//!
//! In: what is to be written. Out: the policies that stay as they are, and those of ours that are not asked for
//! any more, which are named or taken away.

use super::apply::{Piece, nothing_written, policies_target, target};
use super::args::DryRun;
use super::remove::{head, not_ours, other_side};
use super::{Deed, Failure, Run, State, dialect_of, owner};
use netpol::baseline::WRITTEN_FOR;
use netpol_sources::live::{Connection, Extent, Selection};
use serde_json::Value;

/// What is in a namespace besides what is asked for.
#[derive(Default)]
pub(super) struct Others {
    /// Policies that stay as they are.
    pub(super) live: Vec<Value>,
    /// Those of ours that are not asked for.
    pub(super) stale: Vec<Value>,
    /// All policies of the namespace were read.
    pub(super) whole: bool,
    pub(super) notes: Vec<String>,
}

impl Run<'_> {
    /// Takes away a policy of ours that is no longer asked for.
    pub(super) async fn take_away(
        &self,
        connection: &Connection,
        namespace: &str,
        object: &Value,
    ) -> Result<Deed, Failure> {
        let mut deed = Deed::of(object.clone(), namespace, State::Removed);
        deed.object = Value::Null;
        let dry_run = self.plan.dry_run == DryRun::Server;
        if let Err(error) = connection.delete(&target(object), object, dry_run).await {
            let Failure { why, of_server } = error.into();
            let why = format!("{why}; all that is asked for is written, but {} stays", deed.name);
            return Err(Failure { why, of_server });
        }
        Ok(deed)
    }

    /// What else is in a namespace: all policies there, and those of ours that are not asked for now.
    pub(super) async fn others(
        &self,
        connection: &Connection,
        namespace: &str,
        pieces: &[Piece],
    ) -> Result<Others, Failure> {
        let mut others = Others { whole: true, ..Others::default() };
        let key = |object: &Value| {
            let part = |key: &str| object["metadata"][key].as_str().map(ToOwned::to_owned);
            (dialect_of(object), part("namespace"), part("name"))
        };
        let wanted: Vec<_> = pieces.iter().map(|piece| key(&piece.wanted)).collect();
        for dialect in self.dialects(connection).await? {
            let all = policies_target(dialect, namespace);
            let list = connection.list::<Value>(&all, &Selection::default()).await;
            let items = match list {
                Ok(list) => {
                    others.whole &= matches!(list.extent, Extent::Complete);
                    list.items
                }
                Err(error) if error.is_of_server() => return Err(nothing_written(error.into())),
                Err(error) => {
                    others.whole = false;
                    others
                        .notes
                        .push(format!("{namespace}: what else is in force is not known: {error}"));
                    continue;
                }
            };
            for mut object in items {
                head(&mut object, dialect);
                if wanted.contains(&key(&object)) {
                    continue;
                }
                let name = Deed::of(object.clone(), namespace, State::Unchanged).name;
                if owner::is_labelled(&object) {
                    match not_ours(&object, self.plan.force) {
                        Some(why) if self.plan.prune => {
                            others.notes.push(format!("left: {name} in {namespace}: {why}"));
                        }
                        Some(_) => {}
                        // The other side of a connection of another namespace is asked for there.
                        None if written_for(&object).is_some_and(|home| home != namespace) => {}
                        None => {
                            others.stale.push(object);
                            continue;
                        }
                    }
                }
                if let Some(metadata) = object["metadata"].as_object_mut() {
                    metadata.remove("managedFields");
                }
                others.live.push(object);
            }
        }
        for other in others.stale.iter().filter_map(other_side).collect::<Vec<_>>() {
            // The other side may be gone, or not ours to see.
            match connection.find(&other).await {
                Ok(Some(object))
                    if not_ours(&object, self.plan.force).is_none()
                        && !wanted.contains(&key(&object)) =>
                {
                    others.stale.push(object);
                }
                Err(error) if error.is_of_server() => return Err(nothing_written(error.into())),
                _ => {}
            }
        }
        Ok(others)
    }
}

/// The namespace for whose connection the other side was written.
fn written_for(object: &Value) -> Option<&str> {
    let name = object["metadata"]["annotations"][WRITTEN_FOR].as_str()?;
    name.split_once('/').map(|(namespace, _)| namespace)
}
