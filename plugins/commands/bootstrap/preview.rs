//! What closing a namespace would cut, shown before it is done.
//!
//! In: the policies that are to be written. Out: lines on stderr, and the consent of whoever sits at
//! the terminal or gave `--yes`.

use super::args::DryRun;
use super::system::calls_cut;
use super::{Failure, Run};
use crate::cli::{confirm, note};
use netpol::baseline::{self, Impact};
use netpol::effort::{Effort, TooMuch};
use netpol::policy::{Enforcer, Ruleset};
use netpol_sources::live::{Connection, Error, Survey};
use serde_json::Value;
use std::fmt::Display;

impl Run<'_> {
    /// Shows what would be cut and asks; a failure says that nothing was written.
    pub(super) async fn preview(
        &self,
        connection: &Connection,
        namespace: &str,
        wanted: &[&Value],
    ) -> Result<(), Failure> {
        self.progress.say(&format!("{namespace}: looking at what would be cut"));
        let lines = match self.what_is_cut(connection, namespace, wanted).await {
            Ok(lines) if lines.is_empty() => return Ok(()),
            Ok(lines) => lines,
            Err(Error::Forbidden(why)) => vec![not_known(namespace, &why)],
            Err(error) => {
                let failure = Failure::from(error);
                let why = format!("{}; nothing was written", failure.why);
                return Err(Failure { why, ..failure });
            }
        };
        self.progress.aside(|| note(&lines));
        if self.plan.yes || self.plan.dry_run != DryRun::None {
            return Ok(());
        }
        let question = format!("Close {namespace} all the same?");
        let answer = self.progress.aside(|| confirm(&question)).map_err(anyhow::Error::from)?;
        let why = match answer {
            Some(true) => return Ok(()),
            Some(false) => "not closed, as you wish; nothing was written",
            None => {
                "it runs pods that would lose connections (above): give --yes to close it, or \
                     allow them first; nothing was written"
            }
        };
        Err(Failure { why: why.to_owned(), of_server: false })
    }

    async fn what_is_cut(
        &self,
        connection: &Connection,
        namespace: &str,
        wanted: &[&Value],
    ) -> Result<Vec<String>, Error> {
        if !connection.has_pods(namespace).await? {
            return Ok(Vec::new());
        }
        let survey = connection.survey(namespace).await?;
        let only_own = survey.only_own.clone();
        let impact = match compare(survey.clone(), namespace, wanted, self.global.limits().effort) {
            Ok(impact) => impact,
            Err(too_much) => return Ok(vec![not_known(namespace, &too_much)]),
        };
        let mut lines = Vec::new();
        if !impact.cuts.is_empty() {
            lines.extend(baseline::cuts(namespace, &impact, self.plan.verbose));
        }
        lines.extend(calls_cut(&survey, namespace, wanted, !impact.cuts.is_empty()));
        if let Some(why) = only_own {
            lines.push(format!(
                "{namespace}: connections with other namespaces are not looked at: {why}"
            ));
        }
        Ok(lines)
    }
}

/// The line of a namespace of which nobody worked out what would be cut.
pub(super) fn not_known(namespace: &str, why: &dyn Display) -> String {
    format!("{namespace}: what would be cut is not known: {why}")
}

/// The cluster as it is against the cluster with the policies.
fn compare(
    survey: Survey,
    namespace: &str,
    wanted: &[&Value],
    effort: Effort,
) -> Result<Impact, TooMuch> {
    let mut with = survey.objects.clone();
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
    baseline::impact(&snapshot, &before, &after, namespace, effort)
}
