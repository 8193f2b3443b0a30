//! Taking back what was written, and nothing else.
//!
//! Ours is what carries our label and was applied by our field manager, or by kubectl as it was printed
//! here, and whose spec nobody else wrote in. Anything that looks like it but is not is left and named. A
//! namespace stays: what is in it may be others'; only the labels that it was given go.

use super::apply::policies_target;
use super::args::DryRun;
use super::facts::nearest;
use super::{Deed, Failure, Outcome, Run, State, dialect_of, owner};
use netpol::baseline::{MANAGED_BY, MANAGER, OTHER_SIDE};
use netpol::draft::Dialect;
use netpol::kinds::Kind;
use netpol_sources::live::{Connection, Error, Selection, Target, Write};
use serde_json::{Value, json};

impl Run<'_> {
    pub(super) async fn remove(
        &self,
        connection: &Connection,
        namespace: &str,
    ) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::default();
        let mut found = Vec::new();
        let at = Target::kind(Kind::Namespace).named(namespace);
        match connection.find(&at).await {
            Ok(Some(_)) | Err(Error::Forbidden(_)) => {}
            Ok(None) => {
                let near = nearest(connection, &Target::kind(Kind::Namespace), namespace).await;
                let why = format!(
                    "there is no namespace {namespace}, so there is nothing to take back{near}"
                );
                return Err(Failure { why, of_server: false });
            }
            Err(error) => return Err(error.into()),
        }
        for dialect in &self.plan.removed {
            found.extend(self.ours(connection, *dialect, namespace, &mut outcome).await?);
        }
        let how =
            Write { manager: MANAGER, force: false, dry_run: self.plan.dry_run == DryRun::Server };
        let mut gone = Vec::new();
        for object in found {
            let mut deed = Deed::of(object.clone(), namespace, State::Removed);
            if let Some(why) = not_ours(&object, self.plan.force) {
                outcome.notes.push(format!("left: {} in {namespace}: {why}", deed.name));
                continue;
            }
            let metadata = &object["metadata"];
            let part = |key: &str| metadata[key].as_str().unwrap_or_default();
            let dialect = dialect_of(&object).unwrap_or_default();
            let target = policies_target(dialect, part("namespace")).named(part("name"));
            if self.plan.dry_run != DryRun::Client
                && let Err(error) = connection.delete(&target, &object, how.dry_run).await
            {
                return Err(so_far(error, &outcome.deeds));
            }
            gone.push(target);
            deed.object = plain(&object);
            outcome.deeds.push(deed);
        }
        if let Err(error) = self.release(connection, namespace, how, &mut outcome).await {
            return Err(so_far(error, &outcome.deeds));
        }
        if self.plan.wait && self.plan.dry_run == DryRun::None {
            self.wait(connection, None, &gone, false).await?;
        }
        let would = if self.plan.dry_run == DryRun::None { "is" } else { "would be" };
        outcome.words.push(if gone.is_empty() {
            format!("{namespace}: nothing of the baseline is there to take back")
        } else {
            format!(
                "{namespace}: its baseline {would} taken back; the namespace and all other policies stay"
            )
        });
        Ok(outcome)
    }

    /// The policies of one dialect that carry our label, with those at the other end.
    pub(super) async fn ours(
        &self,
        connection: &Connection,
        dialect: Dialect,
        namespace: &str,
        outcome: &mut Outcome,
    ) -> Result<Vec<Value>, Failure> {
        let labels = Some(format!("{MANAGED_BY}={MANAGER}"));
        let selection = Selection { labels, ..Selection::default() };
        let all = policies_target(dialect, namespace);
        let mut found: Vec<Value> = match connection.list(&all, &selection).await {
            Ok(list) => list.items,
            // Where there is no such kind, or it is not ours to see, we wrote none.
            Err(Error::NotFound { .. } | Error::NoSuchResource { .. })
                if dialect != Dialect::NetworkPolicy =>
            {
                return Ok(Vec::new());
            }
            // Whoever may do nothing with a kind is told so before that there is none.
            Err(error @ Error::Forbidden(_))
                if dialect != Dialect::NetworkPolicy && self.plan.removed.len() > 1 =>
            {
                let served = connection.serves(dialect.kind()).await;
                if served.unwrap_or(true) {
                    outcome.notes.push(format!("left: {error}"));
                }
                return Ok(Vec::new());
            }
            Err(error) => return Err(error.into()),
        };
        for object in &mut found {
            head(object, dialect);
        }
        for other in found.iter().filter_map(other_side).collect::<Vec<_>>() {
            // The other side may be gone, or not ours to see.
            match connection.find(&other).await {
                Ok(object) => found.extend(object.filter(owner::is_labelled)),
                Err(error) => outcome.notes.push(format!("left: {error}")),
            }
        }
        Ok(found)
    }

    /// Gives up the labels that the namespace was given.
    async fn release(
        &self,
        connection: &Connection,
        namespace: &str,
        how: Write<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let at = Target::kind(Kind::Namespace).named(namespace);
        let live = match connection.find(&at).await {
            Ok(Some(live)) => live,
            // Whoever may not read it has not labelled it.
            Ok(None) | Err(Error::Forbidden(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        if owner::labelled_by_us(&live) {
            let bare = json!({
                "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace },
            });
            if self.plan.dry_run != DryRun::Client {
                connection.apply(&at, &bare, Some(&live), how).await?;
            }
            let mut deed = Deed::of(bare, namespace, State::Released);
            deed.object = Value::Null;
            outcome.deeds.push(deed);
        }
        Ok(())
    }
}

/// Why a policy that carries our label is not taken away.
pub(super) fn not_ours(object: &Value, force: bool) -> Option<String> {
    if let Some(by) = owner::flux(object) {
        return Some(format!("Flux delivers it ({by})"));
    }
    if !owner::is_ours(object) {
        return Some("it has our label, but another wrote it".to_owned());
    }
    let others = owner::others(object);
    if !others.is_empty() && !force {
        let others = others.join(", ");
        return Some(format!("{others} wrote in it, too; --force-conflicts takes it"));
    }
    None
}

/// The items of a list do not say their kind.
pub(super) fn head(object: &mut Value, dialect: Dialect) {
    object["apiVersion"] = dialect.kind().api_version().into();
    object["kind"] = dialect.kind().api_kind().into();
}

/// The policy at the other end that was written with this one.
pub(super) fn other_side(object: &Value) -> Option<Target> {
    let (namespace, name) =
        object["metadata"]["annotations"][OTHER_SIDE].as_str()?.split_once('/')?;
    owner::is_ours(object).then_some(())?;
    Some(policies_target(dialect_of(object)?, namespace).named(name))
}

/// The object without what the server added.
pub(super) fn plain(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|key, _| matches!(&**key, "name" | "namespace" | "labels" | "annotations"));
    }
    object
}

fn so_far(error: Error, deeds: &[Deed]) -> Failure {
    let failure = Failure::from(error);
    let done: Vec<_> = deeds.iter().map(|deed| deed.name.as_str()).collect();
    let done = if done.is_empty() { "nothing".to_owned() } else { done.join(", ") };
    let done = format!("taken back before that: {done}");
    Failure { why: format!("{}; {done}", failure.why), ..failure }
}
