//! An observation for people: Hubble's line, and the decision below it.

use super::observer::Observation;
use super::types::{LostEvents, ObservedEnd, ObservedFlow, ObservedPolicy, ObservedVerdict};
use super::{line, words};
use crate::report::API_VERSION;
use crate::report::explaining::short;
use crate::report::explanation::{DirectionReport, PolicyReport};
use crate::report::screen::{BAD, BOLD, DIM, DOUBT, GOOD, PLAIN, Screen};
use anstyle::Style;
use netpol::hubble::{DropReason, Flow, Layer4, Party};
use netpol::observed::{Agreement, Observed, observed};
use netpol::policy::rule::Direction;
use std::sync::Arc;

/// The lines of one observation.
pub fn observation_text(observation: &Observation, width: usize) -> String {
    let (flow, agreement) = (&observation.flow, &observation.agreement);
    let what = observed(flow);
    let mut screen = Screen::new(width);
    screen.line(0, &[(PLAIN, &line::line(flow))]);
    let (mark, style) = (words::mark(&what, agreement), style(&what, agreement));
    let (head, about) = headline(observation, &what);
    let about: Vec<&str> = about.iter().map(String::as_str).collect();
    screen.words(2, 4, &[(style, mark), (BOLD, &head), (PLAIN, &about.concat())]);
    let Some(prediction) = observation.predicted() else { return screen.finish() };
    if matches!(what, Observed::DroppedOtherwise | Observed::Unclear) {
        return screen.finish();
    }
    let mut directions =
        [(Direction::Egress, &prediction.egress), (Direction::Ingress, &prediction.ingress)];
    if flow.direction == Some(Direction::Ingress) {
        directions.reverse();
    }
    for (direction, report) in directions {
        if flow.direction.is_none_or(|asked| asked == direction) {
            policies(&mut screen, report);
        } else if report.verdict == "Denied" && what != Observed::Seen {
            let other = format!("{direction} of {}: {}", report.subject, report.message);
            let too = if observation.about().is_some_and(|about| about.verdict == "Denied") {
                "denied too:"
            } else {
                "but denied:"
            };
            screen.words(4, 6, &[(BAD, too), (PLAIN, &other)]);
        }
    }
    if let Some(policy) = &observation.unread {
        screen.words(4, 6, &[(DOUBT, "but"), (PLAIN, &words::unread(policy))]);
    }
    if let Agreement::Differs(guesses) = agreement {
        for guess in guesses {
            screen.words(4, 6, &[(DOUBT, "likely:"), (PLAIN, &words::likely(flow, guess))]);
        }
    }
    screen.finish()
}

/// How the comparison came out, and by what.
fn headline(observation: &Observation, what: &Observed) -> (String, Vec<String>) {
    let flow = &observation.flow;
    let prediction = match (&observation.decision, observation.predicted()) {
        (Err(why), _) => {
            let head = words::agreement(flow, what, &observation.agreement);
            return (head + ":", vec![words::not_judged(why)]);
        }
        (Ok(_), None) => return (String::new(), Vec::new()),
        (Ok(_), Some(prediction)) => prediction,
    };
    let head = words::agreement(flow, what, &observation.agreement) + ":";
    let sentence = |direction: Direction, report: &DirectionReport| {
        format!("{direction} of {}: {}", report.subject, report.message)
    };
    let sentences = match flow.direction {
        Some(Direction::Egress) => vec![sentence(Direction::Egress, &prediction.egress)],
        Some(Direction::Ingress) => vec![sentence(Direction::Ingress, &prediction.ingress)],
        None => vec![
            sentence(Direction::Egress, &prediction.egress) + "; ",
            sentence(Direction::Ingress, &prediction.ingress),
        ],
    };
    (head, sentences)
}

/// The policies that isolate, and the rule that admits or comes nearest.
fn policies(screen: &mut Screen, report: &DirectionReport) {
    let Some(first) = report.policies.first() else { return };
    if report.verdict != "Allowed" && first.admits != "Unknown" {
        let (rule, why) = nearest(first);
        let what = if report.reason == "Refused" { "denied by:" } else { "nearest:" };
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

fn style(observed: &Observed, agreement: &Agreement) -> Style {
    match (agreement, observed) {
        (Agreement::Differs(_) | Agreement::NotKnown, _) => DOUBT,
        (Agreement::AsPredicted, Observed::Allowed) => GOOD,
        (Agreement::AsPredicted, _) => BAD,
        (Agreement::NotCompared, _) => DIM,
    }
}

/// A line on events that Hubble lost.
pub fn lost_text(count: u64, source: &str, node: &str) -> String {
    let place = if node.is_empty() { String::new() } else { format!(" on node {node}") };
    let source = if source.is_empty() { "Hubble" } else { source };
    let events = if count == 1 { "1 event was".to_owned() } else { format!("{count} events were") };
    format!("{events} lost at {source}{place}: what is not shown may have happened")
}

impl ObservedFlow {
    /// The observation for programs.
    pub fn new(observation: &Observation) -> Self {
        let (flow, agreement) = (&observation.flow, &observation.agreement);
        let what = observed(flow);
        let (head, about) = headline(observation, &what);
        let (protocol, port) = match flow.l4 {
            Layer4::Ports { protocol, destination, .. } => {
                (Some(protocol.as_str()), Some(destination))
            }
            Layer4::Icmp { v6: false, .. } => (Some("ICMPv4"), None),
            Layer4::Icmp { v6: true, .. } => (Some("ICMPv6"), None),
            Layer4::Other => (None, None),
        };
        let named = flow.allowed_by.iter().chain(&flow.denied_by);
        Self {
            api_version: API_VERSION,
            kind: "ObservedFlow",
            time: flow.time.map(|time| time.to_string()),
            uuid: flow.uuid.clone(),
            node: flow.node.clone(),
            source: end(&flow.source),
            destination: end(&flow.destination),
            protocol,
            port,
            direction: flow.direction.map(Direction::as_str),
            observed: ObservedVerdict {
                verdict: flow.verdict.as_str(),
                meaning: words::meaning(&what),
                drop_reason: flow.drop_reason.as_ref().map(|it| DropReason::as_str(it).to_owned()),
                policies: named
                    .map(|policy| ObservedPolicy {
                        kind: policy.kind.clone(),
                        namespace: policy.namespace.clone(),
                        name: policy.name.clone(),
                    })
                    .collect(),
            },
            predicted: observation.decision.as_ref().ok().map(|it| Arc::clone(&it.report)),
            as_predicted: words::as_predicted(agreement),
            message: format!("{head} {}", about.concat()),
            likely: guesses(flow, agreement),
            note: observation.unread.as_ref().map(words::unread),
        }
    }
}

/// What is likely where it is not as predicted.
pub(super) fn guesses(flow: &Flow, agreement: &Agreement) -> Vec<String> {
    match agreement {
        Agreement::Differs(guesses) => {
            guesses.iter().map(|guess| words::likely(flow, guess)).collect()
        }
        _ => Vec::new(),
    }
}

fn end(party: &Party) -> ObservedEnd {
    ObservedEnd {
        namespace: party.namespace.clone(),
        pod: party.pod.clone(),
        ip: party.ip.map(|ip| ip.to_string()),
        names: party.names.clone(),
        identity: party.identity,
    }
}

impl LostEvents {
    /// Events that Hubble could not keep.
    pub fn new(count: u64, source: Box<str>, node: Box<str>) -> Self {
        Self { api_version: API_VERSION, kind: "LostEvents", count, source, node }
    }
}
