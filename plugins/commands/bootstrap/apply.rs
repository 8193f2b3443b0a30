//! Writing one namespace's baseline to the cluster.
//!
//! Everything is tried as a dry run first, so that a right that is missing, a conflict or an
//! admission webhook stops it before anything is written; then what would be cut is shown; then it
//! is written, and what was written before a failure is said.

use super::args::DryRun;
use super::{Deed, Failure, Outcome, Run, State, dialect_of, owner, to_value};
use netpol::baseline::{DnsFacts, MANAGER};
use netpol::draft::Dialect;
use netpol::kinds::Kind;
use netpol_sources::live::{Connection, Error, Target, Write};
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long `--wait` waits, and how often it looks.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(250);

/// A policy that is to be written.
struct Piece {
    target: Target,
    wanted: Value,
    live: Option<Value>,
    /// Fields of the policy that others wrote and that must go, with who wrote them.
    foreign: Vec<(String, String)>,
    changed: bool,
}

/// What is known of a namespace.
enum Home {
    Missing,
    There(Box<Value>),
    /// It may not be read, but perhaps written in.
    Unseen,
}

/// The policies of one dialect in a namespace.
pub(super) fn policies_target(dialect: Dialect, namespace: &str) -> Target {
    Target::kind(dialect.kind()).within(namespace)
}

/// The sentence for what Flux delivers.
fn delivered(what: &str, by: &str, namespace: &str) -> Failure {
    let why = format!(
        "{what} is delivered by Flux ({by}), which would take back what is applied here; nothing was \
         written; write it to Git instead: kubectl netpol bootstrap {namespace} --export DIR"
    );
    Failure { why, of_server: false }
}

impl Run<'_> {
    fn how(&self, dry_run: bool) -> Write<'static> {
        Write { manager: MANAGER, force: self.plan.force, dry_run }
    }

    pub(super) async fn apply(
        &self,
        connection: &Connection,
        namespace: &str,
        dns: Option<&DnsFacts>,
    ) -> Result<Outcome, Failure> {
        let at = Target::kind(Kind::Namespace).named(namespace);
        let home = match connection.find(&at).await {
            Ok(Some(found)) => Home::There(Box::new(found)),
            Ok(None) => Home::Missing,
            Err(Error::Forbidden(_)) => Home::Unseen,
            Err(error) if self.plan.dry_run == DryRun::Client => {
                self.warn(&format!("whether {namespace} exists is not known: {error}"));
                Home::Unseen
            }
            Err(error) => return Err(nothing_written(error.into())),
        };
        if let Home::There(object) = &home {
            if let Some(by) = owner::flux(object) {
                return Err(delivered(&format!("namespace/{namespace}"), &by, namespace));
            }
            if !object["metadata"]["deletionTimestamp"].is_null() {
                let why = "the namespace is being deleted; nothing was written".to_owned();
                return Err(Failure { why, of_server: false });
            }
        }
        let facts = self.facts(Some(connection), namespace, dns).await?;
        let policies = self.plan.baseline.policies(namespace, &facts);
        let objects = self.plan.baseline.objects(namespace, &facts);
        let mut outcome = Outcome::default();
        let (mut pieces, space) = if self.plan.dry_run == DryRun::Client {
            (Self::unread(objects), self.space(&home, namespace)?)
        } else {
            let mut pieces = self.read(connection, namespace, objects, &home).await?;
            let space = self.space(&home, namespace)?;
            self.rehearse(connection, namespace, &at, space.as_ref(), &home, &mut pieces)
                .await
                .map_err(nothing_written)?;
            (pieces, space)
        };
        if self.plan.dry_run != DryRun::Client {
            if !matches!(home, Home::Missing) && pieces.iter().any(|piece| piece.changed) {
                let wanted: Vec<&Value> = pieces.iter().map(|piece| &piece.wanted).collect();
                outcome.notes.extend(self.service_ports(connection, namespace).await);
                self.preview(connection, namespace, &wanted).await?;
            }
            if self.plan.dry_run == DryRun::Server && matches!(home, Home::Missing) {
                outcome.notes.push(format!(
                    "the server has not checked the policies, since namespace {namespace} does not \
                     exist yet"
                ));
            }
        }
        if let Some(space) = space {
            let state = self.write_space(connection, &at, &space, &home).await?;
            outcome.deeds.push(Deed::of(space, namespace, state));
        } else if let Home::There(_) = home {
            // Not written, so not part of what -o yaml gives.
            let mut deed = Deed::of(
                to_value(&self.plan.baseline.namespace(namespace))?,
                namespace,
                State::Unchanged,
            );
            deed.object = Value::Null;
            outcome.deeds.push(deed);
        }
        for piece in &mut pieces {
            let state = match self.write_piece(connection, piece).await {
                Ok(state) => state,
                Err(error) => {
                    if !piece.foreign.is_empty() {
                        // It takes two steps, of which one may be done.
                        let half = Deed::of(piece.wanted.clone(), namespace, State::Applied);
                        outcome.deeds.push(half);
                    }
                    return Err(half_done(error.into(), &outcome.deeds));
                }
            };
            outcome.deeds.push(Deed::of(piece.wanted.clone(), namespace, state));
        }
        if self.plan.wait && self.plan.dry_run == DryRun::None {
            let targets: Vec<_> = pieces.iter().map(|piece| piece.target.clone()).collect();
            self.wait(connection, Some(&at), &targets, true).await?;
        }
        self.explain(&mut outcome, namespace, &policies, &facts);
        Ok(outcome)
    }

    /// The Namespace, if it is to be written.
    fn space(&self, home: &Home, namespace: &str) -> anyhow::Result<Option<Value>> {
        let wanted = matches!(home, Home::Missing) || !self.plan.baseline.labels.is_empty();
        wanted.then(|| to_value(&self.plan.baseline.namespace(namespace))).transpose()
    }

    fn unread(objects: Vec<Value>) -> Vec<Piece> {
        let piece = |wanted: Value| Piece {
            target: target(&wanted),
            wanted,
            live: None,
            foreign: Vec::new(),
            changed: true,
        };
        objects.into_iter().map(piece).collect()
    }

    /// Reads what is there, and refuses what others own.
    async fn read(
        &self,
        connection: &Connection,
        namespace: &str,
        objects: Vec<Value>,
        home: &Home,
    ) -> Result<Vec<Piece>, Failure> {
        let mut pieces = Self::unread(objects);
        for piece in &mut pieces {
            let elsewhere = piece.wanted["metadata"]["namespace"].as_str() != Some(namespace);
            if matches!(home, Home::Missing) && !elsewhere {
                continue;
            }
            if elsewhere {
                self.not_of_flux(connection, namespace, &piece.wanted).await?;
            }
            let live = connection.find(&piece.target).await;
            piece.live = live.map_err(|error| nothing_written(error.into()))?;
            let Some(live) = &piece.live else { continue };
            if let Some(by) = owner::flux(live) {
                let name = Deed::of(piece.wanted.clone(), namespace, State::Unchanged).name;
                return Err(delivered(&name, &by, namespace));
            }
            piece.foreign = owner::foreign(live, &piece.wanted);
        }
        Ok(pieces)
    }

    /// The other side of a connection may be in a namespace that Flux delivers.
    async fn not_of_flux(
        &self,
        connection: &Connection,
        namespace: &str,
        policy: &Value,
    ) -> Result<(), Failure> {
        let there = policy["metadata"]["namespace"].as_str().unwrap_or_default();
        let at = Target::kind(Kind::Namespace).named(there);
        match connection.find(&at).await {
            Ok(Some(object)) => owner::flux(&object)
                .map_or(Ok(()), |by| Err(delivered(&format!("namespace/{there}"), &by, namespace))),
            // Whether it may be written in shows soon.
            Ok(None) | Err(Error::Forbidden(_)) => Ok(()),
            Err(error) => Err(nothing_written(error.into())),
        }
    }

    /// Tries everything without keeping it.
    async fn rehearse(
        &self,
        connection: &Connection,
        namespace: &str,
        at: &Target,
        space: Option<&Value>,
        home: &Home,
        pieces: &mut [Piece],
    ) -> Result<(), Failure> {
        let how = self.how(true);
        if let Some(space) = space {
            connection.apply(at, space, None, how).await?;
        }
        for piece in pieces {
            let elsewhere = piece.wanted["metadata"]["namespace"].as_str() != Some(namespace);
            if matches!(home, Home::Missing) && !elsewhere {
                continue;
            }
            let live = piece.live.as_ref();
            let applied = connection.apply(&piece.target, &piece.wanted, live, how).await;
            let changed = self.with_foreign(piece, namespace, applied.map(|it| it.changed))?;
            piece.changed = changed || !piece.foreign.is_empty();
        }
        Ok(())
    }

    /// A rule that another manager added conflicts as much as a field that both write.
    fn with_foreign(
        &self,
        piece: &Piece,
        namespace: &str,
        applied: Result<bool, Error>,
    ) -> Result<bool, Error> {
        if self.plan.force || piece.foreign.is_empty() {
            return applied;
        }
        let (doing, mut fields) = match applied {
            Err(Error::Conflict { doing, fields }) => (doing, fields),
            Err(error) => return Err(error),
            Ok(_) => {
                let name = piece.wanted["metadata"]["name"].as_str().unwrap_or_default();
                let resource = dialect_of(&piece.wanted).unwrap_or_default().kind().plural();
                (format!("applying {resource}/{name} in {namespace}"), Vec::new())
            }
        };
        let foreign = piece.foreign.iter();
        fields.extend(foreign.cloned());
        Err(Error::Conflict { doing, fields })
    }

    async fn write_space(
        &self,
        connection: &Connection,
        at: &Target,
        space: &Value,
        home: &Home,
    ) -> Result<State, Failure> {
        let live = match home {
            Home::There(live) => Some(&**live),
            _ => None,
        };
        if self.plan.dry_run == DryRun::Client {
            return Ok(if matches!(home, Home::Missing) { State::Created } else { State::Applied });
        }
        let how = self.how(self.plan.dry_run == DryRun::Server);
        let applied = connection.apply(at, space, live, how).await;
        let applied = applied.map_err(|error| nothing_written(error.into()))?;
        Ok(match home {
            Home::Missing => State::Created,
            _ if applied.changed => State::Applied,
            _ => State::Unchanged,
        })
    }

    async fn write_piece(
        &self,
        connection: &Connection,
        piece: &mut Piece,
    ) -> Result<State, Error> {
        if !piece.changed {
            return Ok(State::Unchanged);
        }
        if self.plan.dry_run == DryRun::None {
            let how = self.how(false);
            if !piece.foreign.is_empty() {
                let fields: Vec<_> = piece.foreign.iter().map(|(field, _)| field).collect();
                connection.clear(&piece.target, &fields, how).await?;
            }
            connection.apply(&piece.target, &piece.wanted, piece.live.as_ref(), how).await?;
        }
        Ok(State::Applied)
    }

    /// Waits until the API serves the objects, or no longer does.
    pub(super) async fn wait(
        &self,
        connection: &Connection,
        namespace: Option<&Target>,
        targets: &[Target],
        there: bool,
    ) -> Result<(), Failure> {
        self.progress.say("waiting for the API");
        let started = Instant::now();
        loop {
            let mut ready = true;
            for target in targets {
                ready &= connection.find(target).await?.is_some() == there;
            }
            if let Some(at) = namespace.filter(|_| ready) {
                ready = match connection.find(at).await {
                    Ok(found) => found.is_some_and(|it| it["status"]["phase"] == "Active"),
                    // Whoever may not read the namespace may write in it all the same.
                    Err(Error::Forbidden(_)) => true,
                    Err(error) => return Err(error.into()),
                };
            }
            if ready {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                let why = format!("written, but the API does not show it after {PATIENCE:?}");
                return Err(Failure { why, of_server: false });
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn target(policy: &Value) -> Target {
    let part = |key: &str| policy["metadata"][key].as_str().unwrap_or_default();
    let dialect = dialect_of(policy).unwrap_or_default();
    policies_target(dialect, part("namespace")).named(part("name"))
}

fn nothing_written(mut failure: Failure) -> Failure {
    failure.why += "; nothing was written";
    failure
}

/// Says what was done before the failure.
fn half_done(failure: Failure, deeds: &[Deed]) -> Failure {
    let written: Vec<_> = deeds
        .iter()
        .filter(|deed| deed.state != State::Unchanged)
        .map(|deed| deed.name.as_str())
        .collect();
    if written.is_empty() {
        return nothing_written(failure);
    }
    let why = format!(
        "{}; written before that: {}; run it again to write the rest, or with --remove to take it back",
        failure.why,
        written.join(", ")
    );
    Failure { why, ..failure }
}
