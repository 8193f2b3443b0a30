//! Writing one namespace's baseline to the cluster.
//!
//! Everything of every namespace is tried as a dry run first, so that a right that is missing, a conflict or
//! an admission webhook stops it before anything is written; then what would be cut is shown; then it
//! is written, DNS before whatever else isolates and the denials last, and what was written before a failure
//! is said. What it means is told of all that is in force then.

use super::args::DryRun;
use super::others::Others;
use super::{Deed, Failure, Outcome, Run, State, dialect_of, owner, to_value};
use netpol::baseline::{self, DnsFacts, Facts, MANAGER, Told};
use netpol::draft::Dialect;
use netpol::kinds::Kind;
use netpol_sources::live::{Connection, Error, Right, Target, Write};
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long `--wait` waits, and how often it looks.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(250);

/// A policy that is to be written.
pub(super) struct Piece {
    target: Target,
    pub(super) wanted: Value,
    live: Option<Value>,
    /// Fields of the policy that others wrote and that must go, with who wrote them.
    foreign: Vec<(String, String)>,
    changed: bool,
}

/// A namespace of which all was tried, and nothing written yet.
pub(super) struct Prepared {
    pub(super) namespace: String,
    home: Home,
    space: Option<Value>,
    pieces: Vec<Piece>,
    others: Others,
    facts: Facts,
}

impl Prepared {
    /// Whether anything of a namespace that is there is to change.
    fn changes(&self, prune: bool) -> bool {
        let prunes = prune && !self.others.stale.is_empty();
        !matches!(self.home, Home::Missing) && (prunes || self.pieces.iter().any(|it| it.changed))
    }

    /// The Namespace as it will be, where it is written.
    pub(super) fn space_after(&self) -> Option<Value> {
        let wanted = self.space.as_ref()?;
        let Home::There(live) = &self.home else { return Some(wanted.clone()) };
        let mut after = (**live).clone();
        for (key, value) in wanted["metadata"]["labels"].as_object().into_iter().flatten() {
            after["metadata"]["labels"][key] = value.clone();
        }
        Some(after)
    }

    /// The policies that are wanted, and those of ours that are not.
    pub(super) fn wanted(&self) -> (Vec<&Value>, Vec<&Value>) {
        let wanted = self.pieces.iter().map(|piece| &piece.wanted).collect();
        (wanted, self.others.stale.iter().collect())
    }
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

    /// Tries all of a namespace without keeping any of it.
    pub(super) async fn prepare(
        &self,
        connection: &Connection,
        namespace: &str,
        dns: Option<&DnsFacts>,
    ) -> Result<Prepared, Failure> {
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
        let policies = self.policies(namespace, &facts)?;
        let dialect = self.plan.baseline.dialect;
        let objects = policies.iter().filter_map(|policy| policy.object(dialect)).collect();
        let space = self.space(&home, namespace)?;
        let mut pieces = Self::unread(objects);
        let mut others = Others::default();
        if self.plan.dry_run != DryRun::Client {
            self.read(connection, namespace, &mut pieces, &home).await?;
            self.rehearse(connection, namespace, &at, space.as_ref(), &home, &mut pieces)
                .await
                .map_err(nothing_written)?;
            if !matches!(home, Home::Missing) {
                others = self.others(connection, namespace, &pieces).await?;
            }
        }
        let namespace = namespace.to_owned();
        Ok(Prepared { namespace, home, space, pieces, others, facts })
    }

    /// Shows what a namespace would lose, asks, and writes.
    pub(super) async fn apply(
        &self,
        connection: &Connection,
        mut prepared: Prepared,
        dns: Option<&DnsFacts>,
    ) -> Result<Outcome, Failure> {
        let mut notes = Vec::new();
        let mut broken = self.broken_tests(connection, &prepared).await?;
        if self.plan.dry_run != DryRun::Client && prepared.changes(self.plan.prune) {
            notes = self.service_ports(connection, &prepared.namespace).await;
            // Whoever is asked knows it by then.
            notes.extend(self.nobody_admitted(connection).await);
            while let Some(keeps) = self.preview(connection, &prepared, notes).await? {
                notes = Vec::new();
                let namespace = prepared.namespace.clone();
                self.kept.borrow_mut().entry(namespace.clone()).or_default().extend(keeps);
                prepared = self.prepare(connection, &namespace, dns).await?;
                broken = self.broken_tests(connection, &prepared).await?;
            }
            notes = Vec::new();
        }
        if let Some(failure) = broken {
            return Err(failure);
        }
        let Prepared { namespace, home, space, mut pieces, others, facts } = prepared;
        let namespace = &*namespace;
        let at = Target::kind(Kind::Namespace).named(namespace);
        notes.extend(others.notes.iter().cloned());
        let mut outcome = Outcome { notes, ..Outcome::default() };
        let prunes = self.plan.prune && !others.stale.is_empty();
        if self.plan.dry_run != DryRun::Client {
            if self.plan.dry_run == DryRun::Server && matches!(home, Home::Missing) {
                outcome.notes.push(format!(
                    "the server has not checked the policies, since namespace {namespace} does not \
                     exist yet"
                ));
            }
            outcome.notes.extend(self.nobody_admitted(connection).await);
        }
        if self.plan.dry_run == DryRun::None {
            self.account.borrow_mut().begin(namespace);
        }
        if let Some(space) = space {
            let name = Deed::of(space.clone(), namespace, State::Applied).name;
            self.account.borrow_mut().ask(&name);
            let written = self.write_space(connection, &at, &space, &home).await;
            let state = self.answered(written, true)?;
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
            let mut deed = Deed::of(piece.wanted.clone(), namespace, State::Applied);
            self.account.borrow_mut().ask(&deed.name);
            let written = self.write_piece(connection, piece).await;
            // With fields of others it takes two steps, of which one may be done.
            let whole = piece.foreign.is_empty();
            deed.state = self.answered(written.map_err(Failure::from), whole)?;
            outcome.deeds.push(deed);
        }
        self.account.borrow_mut().end();
        if self.plan.dry_run == DryRun::None {
            let written: Vec<&Value> = pieces.iter().map(|piece| &piece.wanted).collect();
            let gone: Vec<&Value> = others.stale.iter().filter(|_| prunes).collect();
            self.written(&written, &gone);
        }
        if prunes {
            for object in &others.stale {
                let deed = self.take_away(connection, namespace, object).await?;
                outcome.deeds.push(deed);
            }
        }
        if self.plan.wait && self.plan.dry_run == DryRun::None {
            let targets: Vec<_> = pieces.iter().map(|piece| piece.target.clone()).collect();
            self.wait(connection, Some(&at), &targets, true).await?;
        }
        self.explain_all(&mut outcome, namespace, &pieces, &others, &facts);
        Ok(outcome)
    }

    /// Takes the answer of the server into the account; `whole`: what was refused is not done at all.
    fn answered(&self, written: Result<State, Failure>, whole: bool) -> Result<State, Failure> {
        match written {
            Ok(state) => {
                let kept = self.plan.dry_run == DryRun::None && state != State::Unchanged;
                self.account.borrow_mut().answered(kept);
                Ok(state)
            }
            Err(failure) => {
                // Whether a server that was lost has done what it was asked for is not known.
                if !failure.of_server && whole {
                    self.account.borrow_mut().answered(false);
                }
                let failure = self.with_account(failure);
                self.account.borrow_mut().end();
                Err(failure)
            }
        }
    }

    /// The dialects whose policies may be in the cluster; asked once.
    pub(super) async fn dialects(&self, connection: &Connection) -> Result<Vec<Dialect>, Failure> {
        if let Some(known) = self.dialects.borrow().clone() {
            return Ok(known);
        }
        let mut found = vec![Dialect::NetworkPolicy];
        for dialect in [Dialect::Cilium, Dialect::Calico] {
            match connection.serves(dialect.kind()).await {
                Ok(true) => found.push(dialect),
                Err(error) if error.is_of_server() => return Err(nothing_written(error.into())),
                // Whoever may not ask has written none.
                Ok(false) | Err(_) => {}
            }
        }
        *self.dialects.borrow_mut() = Some(found.clone());
        Ok(found)
    }

    /// Adds what is in force afterwards, and what of ours is not asked for now.
    fn explain_all(
        &self,
        outcome: &mut Outcome,
        namespace: &str,
        pieces: &[Piece],
        others: &Others,
        facts: &Facts,
    ) {
        let wanted = pieces.iter().map(|piece| &piece.wanted);
        let stays = others.stale.iter().filter(|_| !self.plan.prune);
        let all: Vec<Value> = wanted.chain(&others.live).chain(stays).cloned().collect();
        let would = self.plan.dry_run != DryRun::None;
        let told = Told { would, whole: others.whole };
        outcome.words.push(baseline::meaning(
            namespace,
            &baseline::in_force(namespace, &all),
            told,
        ));
        if !others.stale.is_empty() && !self.plan.prune {
            let names = others.stale.iter();
            let names = names.filter_map(|object| object["metadata"]["name"].as_str());
            let names: Vec<&str> = names.collect();
            let them = if names.len() == 1 { "it" } else { "them" };
            outcome.words.push(format!(
                "{namespace}: written by an earlier run, in force, and not asked for now: {}; --prune \
                 takes {them} away",
                names.join(", ")
            ));
        }
        self.one_sided(outcome, facts);
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
        pieces: &mut [Piece],
        home: &Home,
    ) -> Result<(), Failure> {
        for piece in pieces {
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
        Ok(())
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
                // In a namespace that is not there no dry run can be; that we may write is asked.
                self.may_write(connection, namespace, &piece.wanted).await?;
                continue;
            }
            let live = piece.live.as_ref();
            let applied = connection.apply(&piece.target, &piece.wanted, live, how).await;
            let changed = self.with_foreign(piece, namespace, applied.map(|it| it.changed))?;
            piece.changed = changed || !piece.foreign.is_empty();
            // Of very many namespaces not all of it is kept.
            piece.live = None;
        }
        Ok(())
    }

    /// Whether policies may be written in a namespace that is to be made.
    async fn may_write(
        &self,
        connection: &Connection,
        namespace: &str,
        policy: &Value,
    ) -> Result<(), Failure> {
        let kind = dialect_of(policy).unwrap_or_default().kind();
        let api = kind.api_version();
        let group = api.split_once('/').map_or("", |(group, _)| group);
        for verb in ["patch", "create"] {
            let right = Right { verb, group, resource: kind.plural(), namespace: Some(namespace) };
            match connection.may(right).await {
                Ok(false) => {
                    let resource = kind.plural();
                    let why = format!(
                        "not allowed: ask for the right to {verb} {resource}.{group} in {namespace}"
                    );
                    return Err(Failure { why, of_server: false });
                }
                Err(error) if error.is_of_server() => return Err(error.into()),
                // Who may not ask learns it when it is written.
                Ok(true) | Err(_) => {}
            }
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
        let applied = connection.apply(at, space, live, how).await?;
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

pub(super) fn target(policy: &Value) -> Target {
    let part = |key: &str| policy["metadata"][key].as_str().unwrap_or_default();
    let dialect = dialect_of(policy).unwrap_or_default();
    policies_target(dialect, part("namespace")).named(part("name"))
}

pub(super) fn nothing_written(mut failure: Failure) -> Failure {
    failure.why += "; nothing was written";
    failure
}
