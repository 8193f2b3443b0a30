//! Equal flows with counts.
//!
//! In: observations, one by one; only so many different ones are kept apart. Out: an
//! [`ObservedSummary`].

use super::observer::Observation;
use super::words;
use crate::answer::end::EndReport;
use crate::answer::explanation::DirectionReport;
use crate::answer::place::short;
use crate::answer::vocabulary::{
    ApiVersion, AsPredicted, Because, ObservedProtocol, ObservedSummaryKind,
};
use crate::hubble::{Flow, Layer4};
use crate::observed::{Agreement, Observed};
use crate::policy::rule::Direction;
use crate::verdict::Verdict;
use foldhash::HashMap;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;

/// More rows help nobody; further flows are counted together.
const MOST_ROWS: usize = 4096;

/// Counts equal flows.
#[derive(Debug, Default)]
pub struct Summary {
    rows: HashMap<Key, Row>,
    flows: u64,
    differing: u64,
    beyond: u64,
    lost: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    narrowed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    from: String,
    to: String,
    port: String,
    direction: Option<Direction>,
    observed: Observed,
    as_predicted: AsPredicted,
    why: String,
}

#[derive(Clone, Debug)]
struct Row {
    count: u64,
    ends: [EndReport; 2],
    predicted: Option<Verdict>,
    likely: Vec<String>,
}

/// The answer of `observe --summary`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedSummary {
    /// Always `netpol/v1alpha1`.
    pub api_version: ApiVersion,
    /// Always `ObservedSummary`.
    pub kind: ObservedSummaryKind,
    /// How many flows there were.
    pub flows: u64,
    /// How many of them were not as predicted.
    pub not_as_predicted: u64,
    /// How many events Hubble lost.
    pub lost: u64,
    /// When the first flow was, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// When the last one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// Only flows of some ends, ports or verdicts were counted: others may have been there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub narrowed: bool,
    /// Equal flows, those first that are not as predicted, then by count.
    pub rows: Vec<SummaryRow>,
    /// How many flows are in no row, since there were too many different ones.
    pub not_listed: u64,
}

/// Equal flows.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SummaryRow {
    /// How many.
    pub count: u64,
    /// Who sent them: a workload where it is known.
    pub from: String,
    /// Who was to have them.
    pub to: String,
    /// Who sent them, as `list` has it.
    pub source: EndReport,
    /// Who was to have them, as `list` has it.
    pub destination: EndReport,
    /// The destination's port with the protocol, or the type of ICMP.
    pub port: String,
    /// Whose policies were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// What became of them.
    pub observed: Observed,
    /// What is predicted for the direction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted: Option<Verdict>,
    /// Whether they are as predicted.
    pub as_predicted: AsPredicted,
    /// What decides.
    pub message: String,
    /// Where it is not as predicted: what is likely.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub likely: Vec<String>,
}

impl Summary {
    /// Counts one.
    pub fn add(&mut self, observation: &Observation) {
        let (flow, agreement) = (&observation.flow, &observation.agreement);
        let what = observation.observed();
        self.flows += 1;
        self.differing +=
            u64::from(matches!(agreement, Agreement::Differs(_) | Agreement::Arrived(_)));
        self.first = self.first.into_iter().chain(flow.time).min();
        self.last = self.last.max(flow.time);
        let ends = observation.ends();
        let [from, to] = ends.each_ref().map(|end| end.label.clone());
        let key = Key {
            from,
            to,
            port: port(flow),
            direction: flow.direction,
            as_predicted: agreement.into(),
            why: why(observation, what),
            observed: what,
        };
        if let Some(row) = self.rows.get_mut(&key) {
            row.count += 1;
            return;
        }
        if self.rows.len() >= MOST_ROWS {
            self.beyond += 1;
            return;
        }
        let row = Row {
            count: 1,
            ends: ends.map(Cow::into_owned),
            predicted: observation.about().map(|about| about.verdict),
            likely: observation.likely(),
        };
        self.rows.insert(key, row);
    }

    /// Counts events that Hubble lost.
    pub fn lose(&mut self, count: u64) {
        self.lost = self.lost.saturating_add(count);
    }

    /// Says that only flows of some ends, ports or verdicts are counted.
    pub fn narrow(&mut self) {
        self.narrowed = true;
    }

    /// What was counted so far.
    pub fn report(&self) -> ObservedSummary {
        let mut rows: Vec<SummaryRow> = self
            .rows
            .iter()
            .map(|(key, row)| SummaryRow {
                count: row.count,
                from: key.from.clone(),
                to: key.to.clone(),
                source: row.ends[0].clone(),
                destination: row.ends[1].clone(),
                port: key.port.clone(),
                direction: key.direction,
                observed: key.observed,
                predicted: row.predicted,
                as_predicted: key.as_predicted,
                message: key.why.clone(),
                likely: row.likely.clone(),
            })
            .collect();
        rows.sort_by(|a, b| {
            let differs = |row: &SummaryRow| row.as_predicted == AsPredicted::No;
            let ends = |row: &SummaryRow| {
                let seen = words::seen(row.direction, row.observed);
                (row.from.clone(), row.to.clone(), row.port.clone(), seen)
            };
            (differs(b), b.count)
                .cmp(&(differs(a), a.count))
                .then_with(|| ends(a).cmp(&ends(b)))
                .then_with(|| a.message.cmp(&b.message))
        });
        ObservedSummary {
            api_version: ApiVersion,
            kind: ObservedSummaryKind,
            flows: self.flows,
            not_as_predicted: self.differing,
            lost: self.lost,
            first: self.first.map(|time| time.to_string()),
            last: self.last.map(|time| time.to_string()),
            narrowed: self.narrowed,
            rows,
            not_listed: self.beyond,
        }
    }
}

fn port(flow: &Flow) -> String {
    match flow.l4 {
        Layer4::Ports { protocol, destination, .. } => format!("{destination}/{protocol}"),
        Layer4::Icmp { kind, .. } => {
            let protocol = ObservedProtocol::of(flow.l4).map_or("ICMP", ObservedProtocol::as_str);
            format!("{protocol} type {kind}")
        }
        Layer4::Other => "no port".to_owned(),
    }
}

/// What decides, in a few words.
fn why(observation: &Observation, what: Observed) -> String {
    if matches!(what, Observed::DroppedOtherwise | Observed::Unclear) {
        let words = words::agreement(&observation.flow, what, &Agreement::NotCompared);
        return words.trim_start_matches("dropped ").to_owned();
    }
    let about = match (&observation.decision, observation.about()) {
        (Err(why), _) => return words::not_judged(why),
        (Ok(_), Some(about)) => about,
        (Ok(_), None) => return "no direction given".to_owned(),
    };
    match observation.agreement {
        Agreement::Arrived(_) => format!("egress of {}: {}", about.subject, brief(about)),
        _ => brief(about),
    }
}

fn brief(report: &DirectionReport) -> String {
    match (report.reason, report.policies.first()) {
        (Because::NoneAdmits, Some(nearest)) => match &nearest.rule {
            Some(rule) => format!(
                "none admits it, nearest {} {}: {}",
                nearest.name,
                short(rule),
                nearest.message
            ),
            None => format!("{} {}", nearest.name, nearest.message),
        },
        _ => report.message.clone(),
    }
}
