//! The answer of `probe` as a versioned type: what was tried, what is predicted of it, and what was seen.
//!
//! In: [`Attempt`]s with what became of each, and the snapshot and rules that they speak of. Out: a
//! [`ProbeReport`], complete without any of them.

use super::end::EndReport;
use super::explanation::{DirectionReport, ExplanationReport};
use super::place::Locate;
use super::vocabulary::{ApiVersion, AsPredicted, ProbeKind};
use super::warnings::{self, Warning};
use super::words;
use crate::cluster::{Protocol, Snapshot};
use crate::ends::Endpoint;
use crate::policy::Ruleset;
use crate::probe::{Attempt, Match, Outcome, Seen, compare};
use crate::verdict::Verdict;
use schemars::JsonSchema;
use serde::Serialize;

/// The answer of `probe`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProbeReport {
    /// Always `netpol/v1alpha1`.
    pub api_version: ApiVersion,
    /// Always `Probe`.
    pub kind: ProbeKind,
    /// Nothing was tried: this is what would be.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// How many connections are what is predicted.
    pub as_predicted: usize,
    /// How many are not.
    pub differing: usize,
    /// Of how many it is not known.
    pub not_known: usize,
    /// How many kinds of flows policies tell apart that were not tried, where a cover was asked for.
    pub left_out: usize,
    /// Each connection.
    pub rows: Vec<ProbeRow>,
    /// How to read it, and how the question was understood.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What could make the predictions wrong: policies that would be refused, input that was not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// One connection.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProbeRow {
    /// Who opens it, as `list` has it.
    pub source: EndReport,
    /// Who is to take it, as `list` has it.
    pub destination: EndReport,
    /// The pod in which it begins, `NAMESPACE/NAME`.
    pub pod: String,
    /// What is dialled: an address, or a name that the pod resolves.
    pub dialled: String,
    /// The port that is dialled.
    pub port: u16,
    /// Its protocol.
    pub protocol: Protocol,
    /// What `explain` says of it.
    pub predicted: Verdict,
    /// What was seen; absent where that is not known, or nothing was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// The program in the pod that saw it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Whether it is what is predicted.
    pub as_predicted: AsPredicted,
    /// Why that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What decides, by the prediction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Where it is not as predicted: what is likely.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub likely: Vec<String>,
}

impl ProbeReport {
    /// Puts what is to be tried into words; what became of each is added by [`ProbeReport::saw`].
    pub fn new(
        snapshot: &Snapshot,
        rules: &Ruleset,
        attempts: &[Attempt],
        left_out: usize,
        locate: &Locate<'_>,
    ) -> Self {
        let mut warnings: Vec<Warning> = Vec::new();
        let rows = attempts.iter().map(|attempt| {
            let told = ExplanationReport::new(&attempt.explanation, snapshot, rules, locate);
            let fresh = told.warnings.into_iter().filter(|it| !warnings.contains(it));
            let fresh: Vec<Warning> = fresh.collect();
            warnings.extend(fresh);
            let sides = told.flows.iter().flat_map(|flow| [&flow.egress, &flow.ingress]);
            row(snapshot, attempt, decides(attempt.predicted(), sides))
        });
        let rows: Vec<ProbeRow> = rows.collect();
        for gap in warnings::gaps(snapshot) {
            if !warnings.contains(&gap) {
                warnings.push(gap);
            }
        }
        Self {
            api_version: ApiVersion,
            kind: ProbeKind,
            dry_run: true,
            as_predicted: 0,
            differing: 0,
            not_known: 0,
            left_out,
            rows,
            notes: words::enforcement(rules),
            warnings,
        }
    }

    /// Puts beside each row what became of it, in the same order.
    pub fn saw(
        &mut self,
        snapshot: &Snapshot,
        rules: &Ruleset,
        attempts: &[Attempt],
        outcomes: &[Outcome],
    ) {
        self.dry_run = false;
        for (row, (attempt, outcome)) in self.rows.iter_mut().zip(attempts.iter().zip(outcomes)) {
            if let Outcome::Seen { seen, by } = outcome {
                (row.seen, row.by) = (Some(*seen), Some(by.clone()));
            }
            (row.as_predicted, row.why, row.likely) =
                match compare(snapshot, rules, attempt, outcome) {
                    Match::AsPredicted => (AsPredicted::Yes, None, Vec::new()),
                    Match::Differs(likely) => {
                        let likely = likely.iter().map(ToString::to_string).collect();
                        (AsPredicted::No, None, likely)
                    }
                    Match::NotKnown(why) => (AsPredicted::Unknown, Some(why), Vec::new()),
                };
        }
        self.count();
    }

    /// Takes back that a row differs, since what was predicted of it no longer holds.
    pub fn no_longer(&mut self, at: usize, why: &str) {
        if let Some(row) = self.rows.get_mut(at) {
            (row.as_predicted, row.why) = (AsPredicted::Unknown, Some(why.to_owned()));
            row.likely.clear();
        }
        self.count();
    }

    fn count(&mut self) {
        let many = |which| self.rows.iter().filter(|row| row.as_predicted == which).count();
        let (yes, no) = (many(AsPredicted::Yes), many(AsPredicted::No));
        (self.as_predicted, self.differing) = (yes, no);
        self.not_known = self.rows.len() - yes - no;
    }
}

fn row(snapshot: &Snapshot, attempt: &Attempt, message: Option<String>) -> ProbeRow {
    let pod = snapshot.pod(attempt.source);
    let destination = match &attempt.service {
        Some(service) => EndReport::of(service.to_string(), service),
        None => EndReport::endpoint(snapshot, &attempt.destination),
    };
    ProbeRow {
        source: EndReport::endpoint(snapshot, &Endpoint::Pod(attempt.source)),
        destination,
        pod: format!("{}/{}", pod.namespace, pod.name),
        dialled: attempt.dial.to_string(),
        port: attempt.port.number,
        protocol: attempt.port.protocol,
        predicted: attempt.predicted(),
        seen: None,
        by: None,
        as_predicted: AsPredicted::NotCompared,
        why: None,
        message,
        likely: Vec::new(),
    }
}

/// The first direction whose verdict is that of the whole, in words.
fn decides<'a>(
    predicted: Verdict,
    mut sides: impl Iterator<Item = &'a DirectionReport>,
) -> Option<String> {
    if predicted == Verdict::Allowed {
        return None;
    }
    let side = sides.find(|side| side.verdict == predicted)?;
    Some(format!("{}: {}", side.subject, side.message))
}
