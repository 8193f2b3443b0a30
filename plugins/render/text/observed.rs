//! An observation for people: Hubble's line, and the decision below it.

use super::hubble::line;
use crate::render::screen::{BAD, BOLD, DIM, DOUBT, GOOD, PLAIN, Screen};
use anstyle::Style;
use jiff::Timestamp;
use netpol::answer::{
    AsPredicted, Because, DirectionReport, Observation, ObservedBetween, ObservedCount,
    ObservedSummary, PolicyReport, SummaryRow, seen, short,
};
use netpol::cluster::Truth;
use netpol::observed::Observed;
use netpol::policy::rule::Direction;
use netpol::verdict::Verdict;

/// The lines of one observation.
pub fn observation_text(observation: &Observation, width: usize) -> String {
    let flow = &observation.flow;
    let what = observation.observed();
    let mut screen = Screen::new(width);
    screen.line(0, &[(PLAIN, &line(flow))]);
    let (style, mark) = mark(what, (&observation.agreement).into());
    let (head, about) = observation.told();
    screen.words(2, 4, &[(style, mark), (BOLD, &head), (PLAIN, &about)]);
    let Some(prediction) = observation.predicted() else { return screen.finish() };
    if matches!(what, Observed::DroppedOtherwise | Observed::Unclear) {
        return screen.finish();
    }
    let mut directions =
        [(Direction::Egress, &prediction.egress), (Direction::Ingress, &prediction.ingress)];
    let asked = observation.direction();
    if asked == Some(Direction::Ingress) {
        directions.reverse();
    }
    for (direction, report) in directions {
        if asked.is_none_or(|asked| asked == direction) {
            policies(&mut screen, report);
        } else if report.verdict == Verdict::Denied && what != Observed::Seen {
            let other = format!("{direction} of {}: {}", report.subject, report.message);
            let too = if observation.about().is_some_and(|about| about.verdict == Verdict::Denied) {
                "denied too:"
            } else {
                "but denied:"
            };
            screen.words(4, 6, &[(BAD, too), (PLAIN, &other)]);
        }
    }
    if let Some(note) = observation.note() {
        screen.words(4, 6, &[(DOUBT, "but"), (PLAIN, &note)]);
    }
    for guess in observation.likely() {
        screen.words(4, 6, &[(DOUBT, "likely:"), (PLAIN, &guess)]);
    }
    screen.finish()
}

/// The policies that isolate, and the rule that admits or comes nearest.
fn policies(screen: &mut Screen, report: &DirectionReport) {
    let Some(first) = report.policies.first() else { return };
    if report.verdict != Verdict::Allowed && first.admits != Truth::Unknown {
        let (rule, why) = nearest(first);
        let what = if report.reason == Because::Refused { "denied by:" } else { "nearest:" };
        screen.words(4, 6, &[(DIM, what), (PLAIN, &rule), (PLAIN, &why)]);
    }
    screen.place(6, first.location.as_ref());
    let isolating = isolating(report);
    if report.policies.len() > 1 && !isolating.is_empty() {
        screen.words(4, 6, &[(DIM, "isolated by:"), (PLAIN, &isolating)]);
    }
}

fn nearest(policy: &PolicyReport) -> (String, String) {
    match &policy.rule {
        Some(rule) => (format!("{} {}:", policy.name, short(rule)), policy.message.clone()),
        None => (policy.name.clone(), policy.message.clone()),
    }
}

/// The names of the policies that isolate.
fn isolating(report: &DirectionReport) -> String {
    let isolating = report.policies.iter().filter(|policy| policy.isolates);
    let names: Vec<&str> = isolating.map(|policy| policy.name.as_str()).collect();
    names.join(", ")
}

/// The mark before a decision, as in `explain`, and `≠` where observation and prediction differ.
fn mark(observed: Observed, agreement: AsPredicted) -> (Style, &'static str) {
    match (agreement, observed) {
        (AsPredicted::No, _) => (DOUBT, "≠"),
        (AsPredicted::Unknown, _) => (DOUBT, "?"),
        (AsPredicted::Yes, Observed::Allowed) => (GOOD, "✓"),
        (AsPredicted::Yes, _) => (BAD, "✗"),
        (AsPredicted::NotCompared, _) => (DIM, "·"),
    }
}

/// A line on events that Hubble lost.
pub fn lost_text(count: u64, source: &str, node: &str) -> String {
    let place = if node.is_empty() { String::new() } else { format!(" on node {node}") };
    let source = if source.is_empty() { "Hubble" } else { source };
    let events = if count == 1 { "1 event was".to_owned() } else { format!("{count} events were") };
    format!("{events} lost at {source}{place}: what is not shown may have happened")
}

/// Two lines or more for equal flows.
pub fn observed_summary_text(summary: &ObservedSummary, width: usize) -> String {
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
fn row_text(screen: &mut Screen, digits: usize, row: &SummaryRow) {
    let count = format!("{:>digits$}", row.count);
    let indent = digits + 4;
    let flow = format!("{} → {} {}", row.from, row.to, row.port);
    let space = digits.saturating_sub(row.count.to_string().len());
    screen.words(
        space,
        indent,
        &[(BOLD, count.trim_start()), mark(row.observed, row.as_predicted), (PLAIN, &flow)],
    );
    let verdict = match (row.as_predicted, row.predicted) {
        (AsPredicted::No, Some(predicted)) => {
            format!(", predicted {}", predicted.as_str().to_lowercase())
        }
        (AsPredicted::Yes, _) => " as predicted".to_owned(),
        (AsPredicted::Unknown, _) => ", prediction not known".to_owned(),
        _ => String::new(),
    };
    let text = format!("{}{verdict}: {}", seen(row.direction, row.observed), row.message);
    screen.words(indent, indent + 2, &[(PLAIN, &text)]);
    for guess in &row.likely {
        screen.words(indent, indent + 2, &[(DOUBT, "likely:"), (PLAIN, guess)]);
    }
}

/// The lines of it in an explanation.
pub(super) fn between(screen: &mut Screen, between: &ObservedBetween) {
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
            AsPredicted::Yes => "; as predicted",
            AsPredicted::No => "; not all as predicted",
            AsPredicted::Unknown => "; the prediction is not known",
            AsPredicted::NotCompared => "; not compared",
        };
        format!("{}{last}{agree}.", counts.join(", "))
    };
    screen.words(0, 2, &[(BOLD, &head), (PLAIN, &text)]);
    let differing = || between.rows.iter().filter(|row| row.as_predicted == AsPredicted::No);
    let most = differing().map(|row| row.count).max().unwrap_or_default();
    for row in differing() {
        row_text(screen, most.to_string().len() + 2, row);
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
