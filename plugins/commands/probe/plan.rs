//! What is said before anything is tried, and the question.
//!
//! In: the report of what would be tried. Out: lines on stderr, and whether somebody agreed.

use super::{ProbeArgs, Via};
use crate::cli::{Choice, GlobalArgs, Session, choose, note};
use anyhow::{bail, ensure};
use netpol::answer::{ProbeReport, ProbeRow};
use netpol::prose::list;
use netpol_sources::live::Right;
use std::collections::BTreeSet;

/// More pods than this are counted.
const MOST_NAMED: usize = 6;

impl ProbeArgs {
    /// Shows what is going to be done, and asks; an error where nobody agreed, or it is not allowed.
    pub(super) fn agreed(&self, global: &GlobalArgs, report: &ProbeReport) -> anyhow::Result<()> {
        let refused = self.may(global, report)?;
        note(&self.lines(report));
        note(&refused.into_iter().collect::<Vec<_>>());
        if self.yes {
            return Ok(());
        }
        match choose("Try them?", false)? {
            Some(Choice::Yes) => Ok(()),
            Some(_) => bail!("not tried, as you wish"),
            None => bail!(
                "nobody is here to agree, so nothing was tried: add --yes to the command to try it without \
                 a question, or --dry-run to see it only"
            ),
        }
    }

    /// What is going to be done.
    fn lines(&self, report: &ProbeReport) -> Vec<String> {
        let mut lines: Vec<String> = report.rows.iter().map(one).collect();
        let pods: BTreeSet<&str> = report.rows.iter().map(|row| &*row.pod).collect();
        let mut names: Vec<String> = pods.iter().map(|pod| (*pod).to_owned()).collect();
        if names.len() > MOST_NAMED {
            let more = names.len() - MOST_NAMED + 1;
            names.truncate(MOST_NAMED - 1);
            names.push(format!("{more} more"));
        }
        let names = list(&names, "and");
        let many = match report.rows.len() {
            1 => "1 connection".to_owned(),
            many => format!("{many} connections"),
        };
        let (rate, wait) = (self.rate, self.connect_timeout.as_secs());
        lines.push(format!(
            "{many}, at most {rate} a second, each for at most {wait} s; over TCP nothing is sent"
        ));
        let image = &self.image;
        let stays = "which ends within seconds and stays in the pod's spec until the pod is gone";
        lines.push(match self.via {
            Via::Ephemeral => {
                format!("An ephemeral container ({image}) is added to {names}, {stays}")
            }
            Via::Auto => format!(
                "kubectl exec runs a script with sh in {names}; where the container has nothing for it, an \
                 ephemeral container ({image}) is added, {stays}"
            ),
            _ => format!("kubectl exec runs a script with sh in {names}"),
        });
        lines
    }

    /// What of it is not allowed, where the server tells; an error where nothing is.
    fn may(&self, global: &GlobalArgs, report: &ProbeReport) -> anyhow::Result<Option<String>> {
        let of_pod = |row: &ProbeRow| row.pod.split('/').next().unwrap_or_default().to_owned();
        let namespaces: BTreeSet<String> = report.rows.iter().map(of_pod).collect();
        let (verb, resource) = if self.via.enters() {
            ("create", "pods/exec")
        } else {
            ("patch", "pods/ephemeralcontainers")
        };
        let session = Session::start(global)?;
        let mut refused = Vec::new();
        for namespace in &namespaces {
            let right = Right { verb, group: "", resource, namespace: Some(namespace) };
            // Who may not ask learns it when it is tried.
            if let Ok(false) = session.block_on(session.connection.may(right))? {
                refused.push(namespace.clone());
            }
        }
        let several = list(&refused, "and");
        ensure!(
            refused.is_empty() || refused.len() < namespaces.len(),
            "not allowed: ask for the right to {verb} {resource} in {several}; nothing was tried"
        );
        Ok((!refused.is_empty())
            .then(|| format!("Not allowed, so not known: to {verb} {resource} in {several}")))
    }
}

/// `shop/deploy/web → shop/sts/db 5432/TCP, predicted denied`.
fn one(row: &ProbeRow) -> String {
    format!(
        "{} → {} {}/{}, predicted {}",
        row.source.label,
        row.destination.label,
        row.port,
        row.protocol,
        row.predicted.as_str().to_lowercase()
    )
}
