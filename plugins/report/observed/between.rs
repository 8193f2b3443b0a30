//! What was seen between the two ends of an explanation.
//!
//! In: records of Hubble, and an [`Observer`] that judges the flows among them. Out: an
//! [`ObservedBetween`] beside the verdict, and its lines. That nothing was seen proves nothing.

use super::observer::Observer;
use super::summary::{Summary, SummaryRow};
use crate::report::screen::{BOLD, DOUBT, PLAIN, Screen};
use jiff::Timestamp;
use netpol::hubble::{DropReason, Excerpt, Filter, Flow, Pairs, Record, Window};
use netpol::observed::{Agreement, Observed, observed};
use netpol::policy::rule::Direction;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Different outcomes that are counted; there are few, but reasons are whatever Hubble says.
const MOST_COUNTS: usize = 64;

/// What was seen between the two ends.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedBetween {
    /// Where it comes from: `the last 5m`, or a file.
    pub source: String,
    /// Nothing before this time was looked at, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The last flow, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// How many flows there were. None is no proof that there never is one.
    pub flows: u64,
    /// Whether all of them are as predicted: `Yes`, `No`, `Unknown` where the prediction is for some,
    /// or `NotCompared`.
    pub as_predicted: &'static str,
    /// How many were not.
    pub not_as_predicted: u64,
    /// How many events Hubble lost.
    pub lost: u64,
    /// What became of them.
    pub counts: Vec<ObservedCount>,
    /// Equal flows, those first that are not as predicted, then by count.
    pub rows: Vec<SummaryRow>,
    /// How many flows are in no row, since there were too many different ones.
    pub not_listed: u64,
}

/// Flows with one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObservedCount {
    /// How many.
    pub count: u64,
    /// `forwarded`, `dropped`, `audited` or `seen`.
    pub what: &'static str,
    /// Whose policies were asked: `egress` or `ingress`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<&'static str>,
    /// Why they were dropped, as Hubble prints it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Counts flows between two ends.
pub struct Between<'a> {
    observer: Observer<'a>,
    filter: Filter,
    window: Window,
    /// The prediction is of what would be, so nothing is compared with what was.
    hypothetical: bool,
    pairs: Pairs,
    summary: Summary,
    counts: BTreeMap<(&'static str, Option<Direction>, Option<String>), u64>,
    last: Option<Timestamp>,
    flows: u64,
    unknown: u64,
    compared: u64,
    read: u64,
    lost: u64,
    unreadable: u64,
    first_unreadable: Option<Excerpt>,
}

impl<'a> Between<'a> {
    /// Prepares for flows of a filter and a window.
    pub fn new(observer: Observer<'a>, filter: Filter, window: Window, hypothetical: bool) -> Self {
        Self {
            observer,
            filter,
            window,
            hypothetical,
            pairs: Pairs::default(),
            summary: Summary::default(),
            counts: BTreeMap::new(),
            last: None,
            flows: 0,
            unknown: 0,
            compared: 0,
            read: 0,
            lost: 0,
            unreadable: 0,
            first_unreadable: None,
        }
    }

    /// Takes what was read.
    pub fn take(&mut self, records: Vec<Record>) {
        for record in records {
            match record {
                Record::Flow(flow) => self.flow(flow),
                Record::Lost { count, .. } => self.lost = self.lost.saturating_add(count),
                Record::Unreadable(excerpt) => {
                    self.unreadable += 1;
                    self.first_unreadable.get_or_insert(excerpt);
                }
                Record::Nodes(_) | Record::TooLong => {}
            }
        }
    }

    fn flow(&mut self, flow: Box<Flow>) {
        self.read += 1;
        if !self.filter.has(&flow) || !self.window.has(&flow) || self.pairs.is_second(&flow) {
            return;
        }
        self.flows += 1;
        self.last = self.last.max(flow.time);
        let mut observation = self.observer.observe(flow);
        if self.hypothetical {
            observation.agreement = Agreement::NotCompared;
        }
        match &observation.agreement {
            Agreement::NotKnown => self.unknown += 1,
            Agreement::NotCompared => {}
            Agreement::AsPredicted | Agreement::Differs(_) => self.compared += 1,
        }
        let flow = &observation.flow;
        let what = match observed(flow) {
            Observed::Allowed => "forwarded",
            Observed::Audited => "audited",
            Observed::Denied | Observed::DroppedOtherwise | Observed::Unclear => "dropped",
            Observed::Seen => "seen",
        };
        let reason = flow.drop_reason.as_ref().map(DropReason::to_string);
        let key = (what, flow.direction, reason.filter(|_| what == "dropped"));
        let room = self.counts.len() < MOST_COUNTS;
        let key = if room || self.counts.contains_key(&key) { key } else { (what, None, None) };
        *self.counts.entry(key).or_default() += 1;
        self.summary.add(&observation);
    }

    /// The first line that could not be read, if there was nothing else, with how many there were.
    pub fn rubbish(&self) -> Option<(u64, &Excerpt)> {
        let first = self.first_unreadable.as_ref().filter(|_| self.read == 0)?;
        Some((self.unreadable, first))
    }

    /// What was counted.
    pub fn report(self, source: String) -> ObservedBetween {
        let summary = self.summary.report();
        let counts = self.counts.into_iter().map(|((what, direction, reason), count)| {
            let direction = direction.map(Direction::as_str);
            ObservedCount { count, what, direction, reason }
        });
        let mut counts: Vec<ObservedCount> = counts.collect();
        let order = ["forwarded", "dropped", "audited", "seen"];
        counts.sort_by_key(|it| (order.iter().position(|what| *what == it.what), it.direction));
        ObservedBetween {
            source,
            since: self.window.since.map(|since| since.to_string()),
            last: self.last.map(|last| last.to_string()),
            flows: self.flows,
            as_predicted: match (summary.not_as_predicted, self.unknown, self.compared) {
                (0, 0, 0) => "NotCompared",
                (0, 0, _) => "Yes",
                (0, ..) => "Unknown",
                _ => "No",
            },
            not_as_predicted: summary.not_as_predicted,
            lost: self.lost,
            counts,
            rows: summary.rows,
            not_listed: summary.not_listed,
        }
    }
}

/// The lines of it in an explanation.
pub(in crate::report) fn between_text(screen: &mut Screen, between: &ObservedBetween) {
    screen.blank();
    let head = format!("Observed in {}:", between.source);
    let text = if between.flows == 0 {
        "nothing between these ends; that is no proof that nothing was sent.".to_owned()
    } else {
        let counts: Vec<String> = between.counts.iter().map(counted).collect();
        let last = between.last.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
        let last = last.map_or(String::new(), |time| {
            time.strftime(", last %Y-%m-%d %H:%M:%S UTC").to_string()
        });
        let agree = match between.as_predicted {
            "Yes" => "; as predicted",
            "No" => "; not all as predicted",
            "Unknown" => "; the prediction is not known",
            _ => "; not compared",
        };
        format!("{}{last}{agree}.", counts.join(", "))
    };
    screen.words(0, 2, &[(BOLD, &head), (PLAIN, &text)]);
    let differing = || between.rows.iter().filter(|row| row.as_predicted == "No");
    let most = differing().map(|row| row.count).max().unwrap_or_default();
    for row in differing() {
        super::summary::row_text(screen, most.to_string().len() + 2, row);
    }
    if between.lost > 0 {
        let lost = between.lost;
        let text = format!("{lost} events were lost by Hubble: more may have happened.");
        screen.words(2, 2, &[(DOUBT, &text)]);
    }
}

/// `3 dropped at egress (Policy denied)`.
fn counted(count: &ObservedCount) -> String {
    let ObservedCount { count, what, direction, reason } = count;
    let side = direction.map_or(String::new(), |direction| format!(" at {direction}"));
    let reason = reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
    format!("{count} {what}{side}{reason}")
}
