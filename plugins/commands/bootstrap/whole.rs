//! `--whole-cluster`: one GlobalNetworkPolicy of Calico that closes every namespace but those in which the
//! cluster itself runs.
//!
//! In: the plan. Out: the policy in the cluster, after what every namespace would lose was shown and agreed
//! to; with `--remove` it is taken back.

use super::apply::nothing_written;
use super::args::DryRun;
use super::preview::not_known;
use super::remove::not_ours;
use super::system::calls_cut_in;
use super::{Action, Deed, Failure, Outcome, Run, State, facts, owner};
use crate::cli::{Choice, Exit, choose, error, note, type_again};
use netpol::baseline::{self, Deny, Dns, Facts, MANAGER, OtherEnd, WHOLE, Way};
use netpol::cluster::Name;
use netpol::kinds::Kind;
use netpol::policy::{Enforcer, Ruleset};
use netpol::prose::list;
use netpol_sources::live::{Connection, Error, Survey, Target, Write};
use serde_json::Value;
use std::collections::BTreeSet;

const KIND: Kind = Kind::CalicoGlobalNetworkPolicy;

fn at() -> Target {
    Target::kind(KIND).named(WHOLE)
}

fn deed(object: Value, state: State) -> Deed {
    let name = format!("globalnetworkpolicy.projectcalico.org/{WHOLE}");
    Deed { name, elsewhere: None, state, object }
}

fn failure(why: String) -> Failure {
    Failure { why, of_server: false }
}

/// What was found of the cluster.
struct Shown {
    lines: Vec<String>,
    /// Namespaces that run pods and would be closed.
    closed: Vec<String>,
    /// Whether somebody has to agree to it.
    asks: bool,
}

impl Run<'_> {
    /// Closes the cluster, or takes that back; `left_out` stays as it is.
    pub(super) async fn whole_cluster(&self, left_out: &[String]) -> anyhow::Result<Exit> {
        let connection = self.connection().await?;
        let done = match (&connection, &self.plan.action) {
            (Some(connection), Action::Remove) => self.open_whole(connection).await,
            (Some(connection), _) if self.plan.dry_run != DryRun::Client => {
                self.close_whole(connection, left_out).await
            }
            (connection, _) => {
                self.wanted_whole(connection.as_ref(), left_out).await.map(|wanted| {
                    let words = vec![self.meaning_of_whole(left_out)];
                    let deeds = vec![deed(wanted, State::Applied)];
                    Outcome { deeds, words, ..Outcome::default() }
                })
            }
        };
        match done {
            Ok(outcome) => {
                let mut objects = Vec::new();
                self.tell(outcome, &mut objects)?;
                self.print_objects(objects)?;
                Ok(Exit::Success)
            }
            Err(failure) => {
                self.progress.aside(|| error(self.global.color, &failure.why));
                Ok(Exit::Error)
            }
        }
    }

    async fn wanted_whole(
        &self,
        connection: Option<&Connection>,
        left_out: &[String],
    ) -> Result<Value, Failure> {
        let baseline = &self.plan.baseline;
        let asks = baseline.deny != Deny::Ingress && baseline.dns != Dns::None;
        let dns = if asks { self.dns(connection).await? } else { None };
        let facts = Facts { dns, ..Facts::default() };
        let wanted = baseline.whole_cluster(&facts, left_out);
        wanted.ok_or_else(|| failure("Calico has no words for this baseline".to_owned()))
    }

    async fn close_whole(
        &self,
        connection: &Connection,
        left_out: &[String],
    ) -> Result<Outcome, Failure> {
        if !connection.serves(KIND).await? {
            return Err(failure(format!(
                "--whole-cluster: the cluster has no kind {} ({}), so Calico's API server is not installed \
                 there, or keeps its policies elsewhere; nothing was written",
                KIND.api_kind(),
                KIND.api_version()
            )));
        }
        let wanted = self.wanted_whole(Some(connection), left_out).await?;
        let live = connection.find(&at()).await.map_err(|it| nothing_written(it.into()))?;
        let mut foreign = Vec::new();
        if let Some(live) = &live {
            let name = deed(Value::Null, State::Unchanged).name;
            if let Some(by) = owner::flux(live) {
                return Err(failure(format!(
                    "{name} is delivered by Flux ({by}), which would take back what is applied here; \
                     nothing was written"
                )));
            }
            if !owner::is_ours(live) && !self.plan.force {
                return Err(failure(format!(
                    "{name} is there, and another wrote it: --force-conflicts takes it over; nothing was \
                     written"
                )));
            }
            foreign = owner::foreign(live, &wanted);
        }
        let how = |dry_run| Write { manager: MANAGER, force: self.plan.force, dry_run };
        let tried = connection.apply(&at(), &wanted, live.as_ref(), how(true)).await;
        let tried = tried.map_err(|it| nothing_written(it.into()))?;
        let changed = tried.changed || !foreign.is_empty();
        if changed {
            self.preview_whole(connection, &wanted, left_out).await?;
            if self.plan.dry_run == DryRun::None {
                if !foreign.is_empty() {
                    let fields: Vec<_> = foreign.iter().map(|(field, _)| field).collect();
                    connection.clear(&at(), &fields, how(false)).await?;
                }
                connection.apply(&at(), &wanted, live.as_ref(), how(false)).await?;
            }
        }
        if self.plan.wait && self.plan.dry_run == DryRun::None {
            self.wait(connection, None, &[at()], true).await?;
        }
        let state = if changed { State::Applied } else { State::Unchanged };
        let words = vec![self.meaning_of_whole(left_out)];
        Ok(Outcome { deeds: vec![deed(wanted, state)], words, ..Outcome::default() })
    }

    /// Shows what each namespace would lose, and asks; a failure says that nothing was written.
    async fn preview_whole(
        &self,
        connection: &Connection,
        wanted: &Value,
        left_out: &[String],
    ) -> Result<(), Failure> {
        self.progress.say("looking at what would be cut");
        let survey = connection.survey(connection.namespace()).await;
        let survey = survey.map_err(|it| nothing_written(it.into()))?;
        if let Some(why) = &survey.only_own {
            return Err(failure(format!(
                "what closing the whole cluster would cut is not known: {why}; nothing was written"
            )));
        }
        let shown = self.shown_of_whole(&survey, wanted, left_out);
        self.progress.aside(|| note(&shown.lines));
        if self.plan.dry_run != DryRun::None {
            return Ok(());
        }
        if shown.asks && self.plan.yes == 0 {
            let names = list(left_out, "and");
            let question = format!("Close all namespaces but {names} all the same?");
            let why = match self.at_terminal(move || choose(&question, false)).await? {
                Some(Choice::Yes) => None,
                Some(_) => Some("not closed, as you wish; nothing was written"),
                None => Some(
                    "pods would lose connections (above): give --yes to close the cluster, or allow \
                     them first; nothing was written",
                ),
            };
            if let Some(why) = why {
                return Err(failure(why.to_owned()));
            }
        }
        for namespace in shown.closed.iter().filter(|_| self.plan.yes < 2) {
            // Who may not look is not asked.
            if let Ok(Some(why)) = facts::needed_by_all(connection, namespace).await {
                self.ask_of(namespace, &why).await?;
            }
        }
        Ok(())
    }

    /// Asks once more of a namespace that the cluster itself needs.
    async fn ask_of(&self, namespace: &str, why: &str) -> Result<(), Failure> {
        let question = format!("{namespace}: {why}; type its name to close it with all others:");
        let keep = format!("--leave-out {namespace} leaves it as it is");
        match self.at_terminal(move || type_again(&question)).await? {
            Some(name) if name == namespace => Ok(()),
            Some(_) => Err(failure(format!(
                "not closed, since {namespace} is not to be: {keep}; nothing was written"
            ))),
            None => Err(failure(format!(
                "{namespace}: {why}: {keep}, and --yes given twice closes it; nothing was written"
            ))),
        }
    }

    /// What would be cut and opened, namespace by namespace; what begins in one that is closed is told there.
    fn shown_of_whole(&self, survey: &Survey, wanted: &Value, left_out: &[String]) -> Shown {
        let mut with = survey.objects.clone();
        with.insert_policy(wanted);
        let enforcer = survey.objects.enforcer.clone();
        let enforcer = enforcer.map_or_else(Enforcer::default, |(enforcer, _)| enforcer);
        let (mut snapshot, mut before) = survey.objects.clone().assemble();
        let (_, mut after) = with.assemble();
        let stays = |name: &str| left_out.iter().any(|it| it == name);
        let names: BTreeSet<Name> = snapshot.namespaces().map(|it| it.name.clone()).collect();
        let closed: Vec<&str> = names.iter().map(|it| &**it).filter(|it| !stays(it)).collect();
        let runs = |name: &&str| snapshot.pods_in(name).any(|(_, pod)| !pod.finished);
        let runs: Vec<String> =
            closed.iter().copied().filter(runs).map(ToOwned::to_owned).collect();
        baseline::suppose_anyone(&mut snapshot);
        // What is not judged may let through what is open now: what closes is told as if it did.
        before.others.clear();
        after.others.clear();
        let compile = |written| Ruleset::compile(written, &snapshot, &enforcer);
        let (before, after) = (compile(&before), compile(&after));
        let effort = self.global.limits().effort;
        let impacts = match baseline::impacts((&snapshot, &before, &after), &closed, effort) {
            Ok(impacts) => impacts,
            Err(too_much) => {
                let lines = vec![not_known("the whole cluster", &too_much)];
                return Shown { lines, closed: runs, asks: true };
            }
        };
        let (mut lines, mut opened) = (Vec::new(), Vec::new());
        for (place, mut impact) in impacts {
            let is_closed = |peer: &OtherEnd| match peer {
                OtherEnd::Known(peer) => {
                    peer.namespace.as_deref().is_some_and(|of| of != place && closed.contains(&of))
                }
                OtherEnd::AnyPod | OtherEnd::Outside => false,
            };
            for affected in [&mut impact.cuts, &mut impact.opens] {
                affected.retain(|one| one.way == Way::Out || !is_closed(&one.peer));
            }
            if !impact.cuts.is_empty() {
                lines.extend(baseline::lost(place, &impact, self.plan.verbose));
            }
            if !impact.opens.is_empty() {
                opened.extend(baseline::opens(place, &impact, self.plan.verbose));
            }
        }
        let any = !lines.is_empty();
        let here = |all: &[Name]| all.iter().any(|name| closed.contains(&&**name));
        let calls = calls_cut_in(survey, "the whole cluster", &here, (&[wanted], &[]), any);
        let asks = any || !calls.is_empty();
        lines.extend(opened);
        lines.extend(calls);
        Shown { lines, closed: runs, asks }
    }

    /// What the policy means, in a line.
    fn meaning_of_whole(&self, left_out: &[String]) -> String {
        let both = self.plan.baseline.deny == Deny::All;
        let would = match self.plan.dry_run {
            DryRun::None if both => "are",
            DryRun::None => "is",
            _ => "would be",
        };
        let what = match self.plan.baseline.deny {
            Deny::Ingress => "ingress",
            Deny::Egress => "egress",
            Deny::All => "ingress and egress",
        };
        let dns = self.plan.baseline.deny != Deny::Ingress && self.plan.baseline.dns != Dns::None;
        let dns = if dns { "DNS and " } else { "" };
        format!(
            "all namespaces but {}: {what} {would} denied, but for {dns}what other policies allow",
            list(left_out, "and")
        )
    }

    /// Takes it back.
    async fn open_whole(&self, connection: &Connection) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::default();
        let live = match connection.find(&at()).await {
            // Where there is no such kind, we wrote none.
            Err(Error::NoSuchResource { .. }) => None,
            found => found?,
        };
        let name = deed(Value::Null, State::Removed).name;
        let ours = live.filter(|live| {
            let why = if owner::is_labelled(live) {
                not_ours(live, self.plan.force)
            } else {
                Some("it was not written here".to_owned())
            };
            outcome.notes.extend(why.iter().map(|why| format!("left: {name}: {why}")));
            why.is_none()
        });
        let would = if self.plan.dry_run == DryRun::None { "is" } else { "would be" };
        let Some(live) = ours else {
            outcome
                .words
                .push("the whole cluster: no policy of ours is there to take back".to_owned());
            return Ok(outcome);
        };
        if self.plan.dry_run != DryRun::Client {
            connection.delete(&at(), &live, self.plan.dry_run == DryRun::Server).await?;
        }
        if self.plan.wait && self.plan.dry_run == DryRun::None {
            self.wait(connection, None, &[at()], false).await?;
        }
        outcome.deeds.push(deed(super::remove::plain(&live), State::Removed));
        outcome.words.push(format!(
            "the whole cluster: its default deny {would} taken back; all other policies stay"
        ));
        Ok(outcome)
    }
}
