//! Equal flows with counts.
//!
//! In: observations, one by one; only so many different ones are kept apart. Out: an
//! [`ObservedSummary`], and a table made from it.

use super::observer::Observation;
use super::{text, words};
use crate::report::API_VERSION;
use crate::report::explaining::short;
use crate::report::explanation::DirectionReport;
use crate::report::screen::{BAD, BOLD, DIM, DOUBT, GOOD, PLAIN, Screen};
use anstyle::Style;
use netpol::hubble::{Flow, Layer4};
use netpol::observed::{Agreement, Observed, observed};
use netpol::policy::rule::Direction;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;

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
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    from: String,
    to: String,
    port: String,
    direction: Option<Direction>,
    observed: Observed,
    seen: String,
    as_predicted: &'static str,
    why: String,
}

#[derive(Clone, Debug)]
struct Row {
    count: u64,
    mark: &'static str,
    predicted: Option<&'static str>,
    likely: Vec<String>,
}

/// The answer of `observe --summary`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedSummary {
    /// Always `netpol/v1alpha1`.
    pub api_version: &'static str,
    /// Always `ObservedSummary`.
    pub kind: &'static str,
    /// How many flows there were.
    pub flows: u64,
    /// How many of them were not as predicted.
    pub not_as_predicted: u64,
    /// How many events Hubble lost.
    pub lost: u64,
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
    /// The destination's port with the protocol, or the protocol alone.
    pub port: String,
    /// `egress` or `ingress`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<&'static str>,
    /// What became of them: `Allowed`, `Denied`, `Audited`, `DroppedOtherwise`, `Unclear` or `Seen`.
    pub observed: &'static str,
    /// What is predicted for the direction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicted: Option<&'static str>,
    /// `Yes`, `No`, `Unknown` where the prediction is, or `NotCompared`.
    pub as_predicted: &'static str,
    /// What decides.
    pub message: String,
    /// Where it is not as predicted: what is likely.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub likely: Vec<String>,
    #[serde(skip)]
    mark: &'static str,
    #[serde(skip)]
    seen: String,
}

impl Summary {
    /// Counts one.
    pub fn add(&mut self, observation: &Observation) {
        let (flow, agreement) = (&observation.flow, &observation.agreement);
        let what = observed(flow);
        self.flows += 1;
        self.differing += u64::from(matches!(agreement, Agreement::Differs(_)));
        let [from, to] = observation.ends();
        let key = Key {
            from,
            to,
            port: port(flow),
            direction: flow.direction,
            seen: words::seen(flow, &what),
            as_predicted: words::as_predicted(agreement),
            why: why(observation, &what),
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
            mark: words::mark(&key.observed, agreement),
            predicted: observation.about().map(|about| about.verdict),
            likely: text::guesses(flow, agreement),
        };
        self.rows.insert(key, row);
    }

    /// Counts events that Hubble lost.
    pub fn lose(&mut self, count: u64) {
        self.lost = self.lost.saturating_add(count);
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
                port: key.port.clone(),
                direction: key.direction.map(Direction::as_str),
                observed: words::meaning(&key.observed),
                predicted: row.predicted,
                as_predicted: key.as_predicted,
                message: key.why.clone(),
                likely: row.likely.clone(),
                mark: row.mark,
                seen: key.seen.clone(),
            })
            .collect();
        rows.sort_by(|a, b| {
            let differs = |row: &SummaryRow| row.as_predicted == "No";
            let ends = |row: &SummaryRow| {
                (row.from.clone(), row.to.clone(), row.port.clone(), row.seen.clone())
            };
            (differs(b), b.count)
                .cmp(&(differs(a), a.count))
                .then_with(|| ends(a).cmp(&ends(b)))
                .then_with(|| a.message.cmp(&b.message))
        });
        ObservedSummary {
            api_version: API_VERSION,
            kind: "ObservedSummary",
            flows: self.flows,
            not_as_predicted: self.differing,
            lost: self.lost,
            rows,
            not_listed: self.beyond,
        }
    }
}

fn port(flow: &Flow) -> String {
    match flow.l4 {
        Layer4::Ports { protocol, destination, .. } => format!("{destination}/{protocol}"),
        Layer4::Icmp { v6: false, .. } => "ICMPv4".to_owned(),
        Layer4::Icmp { v6: true, .. } => "ICMPv6".to_owned(),
        Layer4::Other => "no port".to_owned(),
    }
}

/// What decides, in a few words.
fn why(observation: &Observation, what: &Observed) -> String {
    if matches!(what, Observed::DroppedOtherwise | Observed::Unclear) {
        let words = words::agreement(&observation.flow, what, &Agreement::NotCompared);
        return words.trim_start_matches("dropped ").to_owned();
    }
    let about = match (&observation.decision, observation.about()) {
        (Err(why), _) => return words::not_judged(why),
        (Ok(_), Some(about)) => about,
        (Ok(_), None) => return "no direction given".to_owned(),
    };
    brief(about)
}

fn brief(report: &DirectionReport) -> String {
    match (report.reason, report.policies.first()) {
        ("NoneAdmits", Some(nearest)) => match &nearest.rule {
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

/// Two lines or more for equal flows.
pub fn summary_text(summary: &ObservedSummary, width: usize) -> String {
    let mut screen = Screen::new(width);
    let most = summary.rows.iter().map(|row| row.count).max().unwrap_or_default();
    let digits = most.to_string().len();
    for row in &summary.rows {
        row_text(&mut screen, digits, row);
    }
    if !summary.rows.is_empty() {
        screen.blank();
    }
    let plural = if summary.flows == 1 { "flow" } else { "flows" };
    let total = match (summary.flows, summary.not_as_predicted) {
        (0, _) => "No flows.".to_owned(),
        (flows, 0) => format!("{flows} {plural}, none against the prediction."),
        (flows, some) => format!("{flows} {plural}, {some} not as predicted."),
    };
    screen.words(0, 0, &[(BOLD, &total)]);
    if summary.not_listed > 0 {
        let rest = summary.not_listed;
        let text = format!("{rest} flows are not listed: there are too many different ones.");
        screen.words(0, 0, &[(PLAIN, &text)]);
    }
    if summary.lost > 0 {
        let lost = summary.lost;
        let text =
            format!("{lost} events were lost by Hubble: what is not listed may have happened.");
        screen.words(0, 0, &[(DOUBT, &text)]);
    }
    screen.finish()
}

/// The lines of one row, with counts of so many digits.
pub(super) fn row_text(screen: &mut Screen, digits: usize, row: &SummaryRow) {
    let count = format!("{:>digits$}", row.count);
    let indent = digits + 4;
    let flow = format!("{} → {} {}", row.from, row.to, row.port);
    let space = digits.saturating_sub(row.count.to_string().len());
    screen.words(
        space,
        indent,
        &[(BOLD, count.trim_start()), (style(row), row.mark), (PLAIN, &flow)],
    );
    let verdict = match (row.as_predicted, row.predicted) {
        ("No", Some(predicted)) => format!(", predicted {}", predicted.to_lowercase()),
        ("Yes", _) => " as predicted".to_owned(),
        ("Unknown", _) => ", prediction not known".to_owned(),
        _ => String::new(),
    };
    let text = format!("{}{verdict}: {}", row.seen, row.message);
    screen.words(indent, indent + 2, &[(PLAIN, &text)]);
    for guess in &row.likely {
        screen.words(indent, indent + 2, &[(DOUBT, "likely:"), (PLAIN, guess)]);
    }
}

fn style(row: &SummaryRow) -> Style {
    match row.mark {
        "✓" => GOOD,
        "✗" => BAD,
        "≠" | "?" => DOUBT,
        _ => DIM,
    }
}
