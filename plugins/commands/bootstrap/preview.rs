//! What closing a namespace would cut and open, shown before it is done, with the flags that keep it.
//!
//! In: the policies that are to be written. Out: lines on stderr, and the consent of whoever sits at
//! the terminal or gave `--yes`, or what is to be kept besides. A namespace that the cluster itself needs is
//! asked about twice.

use super::apply::Prepared;
use super::args::DryRun;
use super::system::calls_cut;
use super::{Failure, Run, facts};
use crate::cli::{Choice, choose, note, type_again};
use netpol::baseline::{self, Impact, Keep, OtherEnd};
use netpol::effort::{Effort, TooMuch};
use netpol::policy::{Enforcer, Ruleset};
use netpol_sources::live::{Connection, Error, Survey};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::time::{Duration, Instant};

/// So long the cluster counts as it was read.
const FRESH: Duration = Duration::from_mins(1);

/// What was found of a namespace.
#[derive(Default)]
struct Shown {
    lines: Vec<String>,
    /// The flags that keep it all.
    keeps: Vec<Keep>,
    /// Whether somebody has to agree to it.
    asks: bool,
}

impl Run<'_> {
    /// Shows what would be cut and asks; gives back what is to be kept besides, and then all is to be tried
    /// anew. A failure says that nothing was written. What is to be told before it comes along.
    pub(super) async fn preview(
        &self,
        connection: &Connection,
        prepared: &Prepared,
        notes: Vec<String>,
    ) -> Result<Option<Vec<Keep>>, Failure> {
        let namespace = &*prepared.namespace;
        self.progress.say(&format!("{namespace}: looking at what would be cut"));
        let shown = match self.what_is_cut(connection, prepared).await {
            Ok(shown) => shown,
            Err(Error::Forbidden(why)) => {
                Shown { lines: vec![not_known(namespace, &why)], asks: true, ..Shown::default() }
            }
            Err(error) => {
                let failure = Failure::from(error);
                let why = format!("{}; nothing was written", failure.why);
                return Err(Failure { why, ..failure });
            }
        };
        self.progress.aside(|| note(&notes));
        self.progress.aside(|| note(&shown.lines));
        if self.plan.dry_run != DryRun::None {
            return Ok(None);
        }
        if shown.asks
            && self.plan.yes == 0
            && let Some(keeps) = self.ask(namespace, shown.keeps).await?
        {
            return Ok(Some(keeps));
        }
        // Whether the cluster itself needs it is asked of whoever may look.
        let why = facts::needed_by_all(connection, namespace).await;
        if let Ok(Some(why)) = why
            && self.plan.yes < 2
        {
            self.ask_again(namespace, &why).await?;
        }
        Ok(None)
    }

    /// Asks at the terminal, on a thread that can be left, since somebody may stop the program there.
    async fn ask(&self, namespace: &str, keeps: Vec<Keep>) -> Result<Option<Vec<Keep>>, Failure> {
        let keeps: Vec<Keep> = keeps
            .into_iter()
            .filter(|keep| matches!(keep, Keep::SameNamespace | Keep::Allow(..)))
            .collect();
        let question = format!("Close {namespace} all the same?");
        let may_add = !keeps.is_empty();
        let answer = self.at_terminal(move || choose(&question, may_add)).await?;
        let why = match answer {
            Some(Choice::Yes) => return Ok(None),
            Some(Choice::Add) => return Ok(Some(keeps)),
            Some(Choice::No) => "not closed, as you wish; nothing was written",
            None => {
                "it runs pods that would lose connections (above): give --yes to close it, or \
                     allow them first; nothing was written"
            }
        };
        Err(Failure { why: why.to_owned(), of_server: false })
    }

    async fn ask_again(&self, namespace: &str, why: &str) -> Result<(), Failure> {
        let question = format!("{namespace}: {why}; type the name of the namespace to close it:");
        let answer = self.at_terminal(move || type_again(&question)).await?;
        let why = match answer {
            Some(name) if name == namespace => return Ok(()),
            Some(_) => "not closed, since that is not its name; nothing was written".to_owned(),
            None => format!("{why}: give --yes twice to close it; nothing was written"),
        };
        Err(Failure { why, of_server: false })
    }

    pub(super) async fn at_terminal<T: Send + 'static>(
        &self,
        ask: impl FnOnce() -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let shown = self.progress.hide();
        let answer = tokio::task::spawn_blocking(ask).await;
        self.progress.show(shown);
        let answer = answer.map_err(anyhow::Error::from)?;
        Ok(answer.map_err(anyhow::Error::from)?)
    }

    /// The cluster as it is: of several namespaces it is not read anew for each, and what was written since
    /// is added.
    async fn survey(&self, connection: &Connection, namespace: &str) -> Result<Survey, Error> {
        if let Some((read, survey)) = &*self.survey.borrow()
            && read.elapsed() < FRESH
        {
            return Ok(survey.clone());
        }
        let survey = connection.survey(namespace).await?;
        if self.several.get() && survey.only_own.is_none() {
            *self.survey.borrow_mut() = Some((Instant::now(), survey.clone()));
        }
        Ok(survey)
    }

    /// What was written is in force for the namespaces that follow.
    pub(super) fn written(&self, wanted: &[&Value], gone: &[&Value]) {
        if let Some((_, survey)) = &mut *self.survey.borrow_mut() {
            for policy in gone {
                survey.objects.remove_policy(policy);
            }
            for policy in wanted {
                survey.objects.insert_policy(policy);
            }
        }
    }

    async fn what_is_cut(
        &self,
        connection: &Connection,
        prepared: &Prepared,
    ) -> Result<Shown, Error> {
        let namespace = &*prepared.namespace;
        let (wanted, stale) = prepared.wanted();
        // The other side of a connection may be the first to isolate whom it selects.
        let places = wanted.iter().filter_map(|it| it["metadata"]["namespace"].as_str());
        let places: BTreeSet<&str> = places.chain([namespace]).collect();
        if places.len() == 1 && !connection.has_pods(namespace).await? {
            return Ok(Shown::default());
        }
        let survey = self.survey(connection, namespace).await?;
        let only_own = survey.only_own.clone();
        let gone = if self.plan.prune { stale } else { Vec::new() };
        let limits = self.global.limits();
        let impacts = match compare(survey.clone(), &places, (&wanted, &gone), limits.effort) {
            Ok(mut impacts) => {
                for (_, impact) in impacts.iter_mut().filter(|(place, _)| *place != namespace) {
                    // That is told of the namespace itself.
                    for affected in [&mut impact.cuts, &mut impact.opens] {
                        affected.retain(|one| !is_of(&one.peer, namespace));
                    }
                }
                impacts
            }
            Err(too_much) => {
                return Ok(Shown {
                    lines: vec![not_known(namespace, &too_much)],
                    asks: true,
                    ..Shown::default()
                });
            }
        };
        let mut shown = Shown::default();
        let dialect = self.plan.baseline.dialect;
        for (place, impact) in impacts.iter().filter(|(_, impact)| !impact.cuts.is_empty()) {
            shown.lines.extend(baseline::cuts(place, impact, dialect, self.plan.verbose));
            if *place == namespace {
                shown.keeps = baseline::keeping(namespace, impact, dialect);
            }
        }
        let closes = !shown.lines.is_empty();
        let calls = calls_cut(&survey, namespace, (&wanted, &gone), closes);
        let opens = impacts.iter().any(|(_, impact)| !impact.opens.is_empty());
        // What flags open was asked for; what keeps a cut, and what goes, may open more than was meant.
        let meant = !self.plan.prune && !self.kept.borrow().contains_key(namespace);
        shown.asks = closes || !calls.is_empty() || only_own.is_some() || (opens && !meant);
        for (place, impact) in impacts.iter().filter(|(_, impact)| !impact.opens.is_empty()) {
            shown.lines.extend(baseline::opens(place, impact, self.plan.verbose));
        }
        shown.lines.extend(calls);
        if let Some(why) = only_own {
            shown.lines.push(format!(
                "{namespace}: connections with other namespaces are not looked at: {why}"
            ));
        }
        Ok(shown)
    }
}

/// Whether an end is a workload of a namespace.
fn is_of(peer: &OtherEnd, namespace: &str) -> bool {
    matches!(peer, OtherEnd::Known(peer) if peer.namespace.as_deref() == Some(namespace))
}

/// The line of a namespace of which nobody worked out what would be cut.
pub(super) fn not_known(namespace: &str, why: &dyn Display) -> String {
    format!("{namespace}: what would be cut is not known: {why}")
}

/// The cluster as it is against the cluster with the policies.
fn compare<'n>(
    survey: Survey,
    namespaces: &BTreeSet<&'n str>,
    (wanted, gone): (&[&Value], &[&Value]),
    effort: Effort,
) -> Result<Vec<(&'n str, Impact)>, TooMuch> {
    let mut with = survey.objects.clone();
    for policy in gone {
        with.remove_policy(policy);
    }
    for policy in wanted {
        with.insert_policy(policy);
    }
    let enforcer =
        survey.objects.enforcer.clone().map_or_else(Enforcer::default, |(enforcer, _)| enforcer);
    let (mut snapshot, mut before) = survey.objects.assemble();
    baseline::suppose_anyone(&mut snapshot);
    let (_, mut after) = with.assemble();
    // What is not judged may let through what is open now: what closes is told as if it did.
    before.others.clear();
    after.others.clear();
    let compile = |written| Ruleset::compile(written, &snapshot, &enforcer);
    let (before, after) = (compile(&before), compile(&after));
    let namespaces: Vec<&str> = namespaces.iter().copied().collect();
    baseline::impacts((&snapshot, &before, &after), &namespaces, effort)
}
