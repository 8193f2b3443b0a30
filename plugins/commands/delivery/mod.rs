//! What `explain` tells of Flux, and what it asks of it: where the deciding policies come from, how far
//! that is, and reconciliation at once.
//!
//! In: the report of a live answer and the session that it was read in. Out: the report with its
//! deliveries; with `--reconcile` first a cluster to which Flux has applied what Git has.

mod words;

use crate::cli::{GlobalArgs, Input, InputArgs, Progress, Session, duration, note};
use anyhow::{anyhow, bail, ensure};
use clap::Args;
use netpol::answer::{ExplanationReport, PolicyReport, Warning};
use netpol::baseline::MANAGER;
use netpol::cluster::{ObjectRef, Origin};
use netpol::objects::Objects;
use netpol::policy::Ruleset;
use netpol::policy::rule::Policy;
use netpol_sources::flux::{
    self, Checkout, Deliveries, Delivery, Kustomizations, Reconciliation, Step, short, title,
};
use netpol_sources::live;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;
use words::{Delivered, MissingPolicy};

/// The heading of these flags in help.
const HEADING: &str = "Flux";

/// What makes the objects that Flux applies their owner's.
const CONTROLLER: &str = "kustomize-controller";

/// What is asked of Flux.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct FluxArgs {
    /// Have Flux apply what Git has, as `flux reconcile kustomization NAME --with-source` does, to the
    /// Kustomizations that the deciding policies come from; then explain
    #[arg(long, help_heading = HEADING)]
    pub reconcile: bool,

    /// How long --reconcile may take
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = duration,
        default_value = "5m",
        requires = "reconcile",
        help_heading = HEADING
    )]
    timeout: Duration,
}

/// The policies of an answer that Flux has made or should make.
#[derive(Debug, Default)]
struct Concerned {
    /// Live policies with their owner, where labels name one, and whoever last wrote them.
    live: BTreeMap<ObjectRef, (Option<ObjectRef>, Option<String>)>,
    /// Policies that are in files and not, or not so, in the cluster.
    missing: BTreeMap<ObjectRef, MissingPolicy>,
}

/// Adds to a report what Flux has to do with the policies in it. What cannot be read of that is told;
/// it is never an error, since the answer does not depend on it.
pub(super) fn add_deliveries(input: &Input, report: &mut ExplanationReport) -> anyhow::Result<()> {
    let Some(session) = &input.session else { return Ok(()) };
    let mut concerned = Concerned::of(session, report);
    let (delivered, absent) = concerned.ask(session, input, false)?;
    report.deliveries = delivered.iter().map(words::told).collect();
    let absent = absent.filter(|error| !matches!(error, live::Error::NoSuchResource { .. }));
    // Who may not read much is told the same where there is no Flux at all.
    if let Some(error) = absent.filter(|_| concerned.shows_flux()) {
        let message = format!("what Flux should make is not known: {error}");
        report.warnings.push(Warning::new(message, None));
    }
    Ok(())
}

impl FluxArgs {
    /// Refuses what cannot be read a second time.
    pub(super) fn check(&self, input: &InputArgs) -> anyhow::Result<()> {
        let stdin = input.filename.iter().any(|file| file == Path::new("-"));
        ensure!(
            !(self.reconcile && stdin),
            "--reconcile reads manifests twice, and standard input can be read only once: name a file"
        );
        Ok(())
    }

    /// Reconciles what the policies of a report come from; `read` reads the cluster again.
    pub(super) fn reconcile(
        &self,
        global: &GlobalArgs,
        mut input: Input,
        report: &ExplanationReport,
        read: impl FnOnce(Session) -> anyhow::Result<Input>,
    ) -> anyhow::Result<Input> {
        let Some(session) = input.session.take() else {
            bail!(
                "--reconcile asks Flux in the live cluster, and -f and -k name manifests instead; \
                 with --with they are laid over the cluster"
            );
        };
        let mut concerned = Concerned::of(&session, report);
        let (delivered, absent) = concerned.ask(&session, &input, true)?;
        let objects: Vec<ObjectRef> =
            delivered.into_iter().map(|delivered| delivered.delivery.object).collect();
        if objects.is_empty() {
            let none = "nothing to reconcile: no policy that decides here comes from Flux";
            return Err(
                absent.map_or_else(|| anyhow!("{none}"), |absent| anyhow!("{none}: {absent}"))
            );
        }
        note(&[format!("{} before reconciling", report.verdict.as_str().to_uppercase())]);
        let progress = Progress::start(global.color);
        let mut tell = |step: Step<'_>| match step {
            Step::Requested(object) => progress.say(&format!("reconciling {}", title(object))),
            Step::Done(object, revision) => {
                let at = revision.map_or(String::new(), |it| format!(" is at {}", short(it)));
                progress.aside(|| note(&[format!("reconciled: {}{at}", title(object))]));
            }
        };
        let how = Reconciliation { manager: MANAGER, timeout: self.timeout };
        let reconciled = flux::reconcile(&session.connection, &objects, how, &mut tell);
        session.block_on(async {
            tokio::select! {
                done = reconciled => Ok(done?),
                interrupted = tokio::signal::ctrl_c() => {
                    interrupted?;
                    bail!("interrupted: what was asked of Flux goes on there, and nothing is explained")
                }
            }
        })??;
        drop(progress);
        read(session)
    }
}

impl Concerned {
    /// What of a report concerns Flux.
    fn of(session: &Session, report: &ExplanationReport) -> Self {
        let mut concerned = Self::default();
        let beneath = Lowered::of(&session.beneath);
        let overlay = Lowered::of(&session.overlay);
        let flows = report.flows.iter();
        let policies =
            flows.flat_map(|flow| flow.egress.policies.iter().chain(&flow.ingress.policies));
        let same = |object: &ObjectRef| {
            let bodies = (session.beneath.body(object), session.overlay.body(object));
            bodies.0 == bodies.1
                || (bodies.0.is_some()
                    && beneath.of_object(object).is_some()
                    && beneath.of_object(object) == overlay.of_object(object))
        };
        for policy in policies {
            concerned.add(session, policy, &same);
        }
        concerned
    }

    /// Whether there is a sign of Flux in the cluster.
    fn shows_flux(&self) -> bool {
        let mut all = self.live.values();
        all.any(|(owner, by)| owner.is_some() || by.as_deref() == Some(CONTROLLER))
    }

    fn add(&mut self, session: &Session, policy: &PolicyReport, same: &dyn Fn(&ObjectRef) -> bool) {
        let object = ObjectRef {
            kind: policy.kind.as_str().into(),
            namespace: policy.namespace.as_deref().map(Into::into),
            name: policy.name.as_str().into(),
        };
        let file = match session.overlay.origin(&object) {
            Some(Origin::Manifest { file, .. }) => Some(file),
            Some(Origin::Rendered { of, .. }) => Some(&of.file),
            _ => None,
        };
        let Some(file) = file else {
            let owner = policy.owner.as_ref().map(|owner| ObjectRef {
                kind: owner.kind.as_str().into(),
                namespace: owner.namespace.as_deref().map(Into::into),
                name: owner.name.as_str().into(),
            });
            let by = policy.applied_by.as_ref().map(|applied| applied.manager.clone());
            self.live.insert(object, (owner, by));
            return;
        };
        if !same(&object) {
            let missing = MissingPolicy {
                object: object.clone(),
                file: file.to_string_lossy().into_owned(),
                differs: session.beneath.body(&object).is_some(),
                presence: None,
            };
            self.missing.insert(object.clone(), missing);
        }
        // Laid over or not, it is the cluster's own that Flux has made.
        if let Some(Origin::Live { applied, owner }) = session.beneath.origin(&object) {
            let owner = owner.as_deref().cloned();
            let by = applied.as_deref().map(|applied| applied.manager.to_string());
            self.live.insert(object, (owner, by));
        }
    }

    /// Asks Flux. With `search`, policies whose labels name no owner are looked for among what
    /// Kustomizations say they have made.
    fn ask(
        &mut self,
        session: &Session,
        input: &Input,
        search: bool,
    ) -> anyhow::Result<(Vec<Delivered>, Option<live::Error>)> {
        let unlabelled = |(owner, by): &(Option<ObjectRef>, Option<String>)| {
            owner.is_none() && by.as_deref() == Some(CONTROLLER)
        };
        let search = !self.missing.is_empty() || (search && self.live.values().any(unlabelled));
        let connection = &session.connection;
        let mut absent = None;
        let mut all = Kustomizations::default();
        if search {
            match session.block_on(Kustomizations::read(connection))? {
                Ok(read) => all = read,
                Err(error) => absent = Some(error),
            }
        }
        for (object, (owner, _)) in &mut self.live {
            if owner.is_none() {
                *owner = all.maker(object).map(|maker| maker.object.clone());
            }
        }
        let mut owners: BTreeSet<ObjectRef> =
            self.live.values().filter_map(|(owner, _)| owner.clone()).collect();
        let mut makers: BTreeMap<ObjectRef, ObjectRef> = BTreeMap::new();
        let mut checkouts: BTreeMap<ObjectRef, Checkout> = BTreeMap::new();
        for (object, missing) in &self.missing {
            let checkout = Checkout::of(Path::new(&missing.file));
            let by_file = || match all.holding(&checkout.as_ref()?.file).as_slice() {
                [one] => Some(one.object.clone()),
                // None, or which of them is not known.
                _ => None,
            };
            let own = self.live.get(object).and_then(|(owner, _)| owner.clone());
            let made = || all.maker(object).map(|maker| maker.object.clone());
            if let Some(maker) = own.or_else(made).or_else(by_file) {
                owners.insert(maker.clone());
                makers.insert(object.clone(), maker);
            }
            checkouts.extend(checkout.map(|checkout| (object.clone(), checkout)));
        }
        // Where there are no Kustomizations there is none of these either.
        let no_flux = matches!(absent, Some(live::Error::NoSuchResource { .. }));
        let read = if owners.is_empty() || no_flux {
            Deliveries::default()
        } else {
            session.block_on(flux::deliveries(connection, &owners))?
        };
        let delivered = read.list.into_iter().map(|delivery| {
            let policies =
                self.live.iter().filter(|(_, (owner, _))| owner.as_ref() == Some(&delivery.object));
            let policies = policies.map(|(object, (_, by))| (object.clone(), by.clone())).collect();
            let of_it = |it: &&MissingPolicy| makers.get(&it.object) == Some(&delivery.object);
            let missing = self.missing.values().filter(of_it).map(|missing| MissingPolicy {
                presence: presence(
                    session,
                    input,
                    &delivery,
                    checkouts.get(&missing.object),
                    missing,
                ),
                ..missing.clone()
            });
            let missing = missing.collect();
            Delivered { delivery, policies, missing }
        });
        Ok((delivered.collect(), absent.or(read.absent)))
    }
}

/// Policies as they are judged: the API server writes defaults into what is applied.
struct Lowered(Ruleset);

impl Lowered {
    fn of(objects: &Objects) -> Self {
        let (snapshot, written) = objects.clone().assemble();
        Self(Ruleset::compile(&written, &snapshot, &written.enforcer()))
    }

    /// The parts of one object, wherever they are written; none where it would be refused.
    fn of_object(&self, object: &ObjectRef) -> Option<Vec<Policy>> {
        let parts = self.0.policies().iter().filter(|policy| policy.object == *object);
        let parts = parts.map(|policy| Policy { origin: Origin::Synthetic, ..policy.clone() });
        let parts: Vec<Policy> = parts.collect();
        (!parts.is_empty()).then_some(parts)
    }
}

/// How the revision that the source has fetched has a policy that is in a file.
fn presence(
    session: &Session,
    input: &Input,
    delivery: &Delivery,
    checkout: Option<&Checkout>,
    missing: &MissingPolicy,
) -> Option<flux::Presence> {
    let revision = delivery.source.as_ref()?.revision.as_deref()?;
    let body = session.overlay.body(&missing.object)?;
    checkout?.presence(revision, &missing.object, body, &input.namespace)
}
