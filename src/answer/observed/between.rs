//! What was seen between the two ends of an explanation.
//!
//! In: records of Hubble, and an [`Observer`] that judges the flows among them. Out: an
//! [`ObservedBetween`] beside the verdict. That nothing was seen proves nothing.

use super::count::{Summary, SummaryRow};
use super::observer::Observer;
use crate::answer::vocabulary::{AsPredicted, Fate};
use crate::hubble::{DropReason, Excerpt, Filter, Flow, Pairs, Record, Window};
use crate::observed::{Agreement, Observed, observed};
use crate::policy::rule::Direction;
use jiff::Timestamp;
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
    /// Whether all of them are as predicted; `Unknown` where the prediction is for some.
    pub as_predicted: AsPredicted,
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
    /// What became of them.
    pub what: Fate,
    /// Whose policies were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
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
    counts: BTreeMap<(Fate, Option<Direction>, Option<String>), u64>,
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
            Agreement::AsPredicted | Agreement::Differs(_) | Agreement::Arrived(_) => {
                self.compared += 1;
            }
        }
        let flow = &observation.flow;
        let what = match observed(flow) {
            Observed::Allowed => Fate::Forwarded,
            Observed::Audited => Fate::Audited,
            Observed::Denied | Observed::DroppedOtherwise | Observed::Unclear => Fate::Dropped,
            Observed::Seen => Fate::Seen,
        };
        let reason = flow.drop_reason.as_ref().map(DropReason::to_string);
        let key = (what, flow.direction, reason.filter(|_| what == Fate::Dropped));
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
            ObservedCount { count, what, direction, reason }
        });
        let mut counts: Vec<ObservedCount> = counts.collect();
        counts.sort_by_key(|it| (it.what, it.direction.map(Direction::as_str)));
        ObservedBetween {
            source,
            since: self.window.since.map(|since| since.to_string()),
            last: self.last.map(|last| last.to_string()),
            flows: self.flows,
            as_predicted: match (summary.not_as_predicted, self.unknown, self.compared) {
                (0, 0, 0) => AsPredicted::NotCompared,
                (0, 0, _) => AsPredicted::Yes,
                (0, ..) => AsPredicted::Unknown,
                _ => AsPredicted::No,
            },
            not_as_predicted: summary.not_as_predicted,
            lost: self.lost,
            counts,
            rows: summary.rows,
            not_listed: summary.not_listed,
        }
    }
}
