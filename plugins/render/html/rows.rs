//! The rows of the table that reads without scripts: one a flow, a way in, a change, a hop of a test or
//! equal flows that were seen.

use crate::render::cells::diff::ports;
use crate::render::cells::list::{entrance_fields, fields, port_word};
use netpol::answer::{
    AsPredicted, ChangeKind, ChangeReport, EndReport, Entrance, ListedFlow, Outcome, SummaryRow,
    TestOutcome, TestReport, TestStep, TestWitness, seen,
};
use netpol::observed::Observed;
use netpol::verdict::Verdict;
use std::borrow::Cow;

/// A row of the table: source, destination, ports, verdict, why.
pub(super) type Cells = [String; 5];

/// A row of a list.
pub(super) fn flow_cells(flow: &ListedFlow) -> Cells {
    let [source, destination, ports, _, family, why, conditions, by] =
        fields(flow).map(Cow::into_owned);
    let verdict = match flow.verdict {
        Verdict::Unknown => "Not known",
        _ if !flow.conditions.is_empty() => "On a condition",
        _ => "Allowed",
    };
    let ports = if family.is_empty() { ports } else { format!("{ports} ({family})") };
    let conditions = Some(format!("only {conditions}")).filter(|_| !flow.conditions.is_empty());
    let by = Some(by).filter(|by| !by.is_empty());
    let own = [why].into_iter().filter(|why| !why.is_empty());
    let decided = flow.witness.iter().flat_map(|it| [&it.egress, &it.ingress]);
    let decided = decided.map(|direction| direction.message.clone());
    let told: Vec<String> = if flow.reason.is_some() || flow.verdict == Verdict::Unknown {
        own.collect()
    } else {
        decided.collect()
    };
    let why: Vec<String> = told.into_iter().chain(conditions).chain(by).collect();
    [source, destination, ports, verdict.to_owned(), why.join("; ")]
}

/// A change.
pub(super) fn change_cells(change: &ChangeReport) -> Cells {
    let verdict = match change.change {
        ChangeKind::Opened => "Opens",
        ChangeKind::Closed => "Closes",
        ChangeKind::Conditions => "Changes its condition",
        ChangeKind::Unknown => "Not known any more",
    };
    let why: Vec<&str> = change.reasons.iter().map(|reason| reason.message.as_str()).collect();
    let why = match why.as_slice() {
        [] if change.also => "by the same rule as the change before it".to_owned(),
        why => why.join("; "),
    };
    let (from, to) = (change.from.label.clone(), change.to.label.clone());
    [from, to, ports(change), verdict.to_owned(), why]
}

/// A way in from outside.
pub(super) fn entrance_cells(entrance: &Entrance) -> Cells {
    let [source, destination, ports, _, _, why, _, by] = entrance_fields(entrance);
    let verdict = match entrance.verdict {
        Outcome::Allowed => "Way in",
        Outcome::Denied => "Way in, denied",
        _ => "Not known",
    };
    let why = if why.is_empty() { by } else { why };
    [source, destination, ports, verdict.to_owned(), why]
}

/// What shows that a test does not hold, or why that is not known: a flow, or each hop of a way.
pub(super) fn test_cells(test: &TestReport) -> Vec<Cells> {
    let verdict = match test.outcome {
        // What must pass, and does not.
        TestOutcome::Broken if matches!(test.asks.as_str(), "allow" | "dns") => {
            "Does not pass, against a test"
        }
        TestOutcome::Broken => "Passes, against a test",
        TestOutcome::NotKnown => "Test not known",
        TestOutcome::Proved => return Vec::new(),
    };
    let why = match &test.message {
        Some(message) => format!("{}: {message}", test.name),
        None => test.name.clone(),
    };
    let row = |from: &str, to: &str, ports: String| {
        [from.to_owned(), to.to_owned(), ports, verdict.to_owned(), why.clone()]
    };
    if let Some(witness) = &test.witness {
        let [from, to] = &witness.ends;
        return vec![row(&from.label, &to.label, witness_ports(witness))];
    }
    let mut rows = Vec::new();
    let mut before: Option<&EndReport> = None;
    for step in &test.way {
        let Some(end) = &step.end else { continue };
        let from = before.map(|end| end.label.as_str()).or(step.by.as_ref().map(|_| "internet"));
        if let Some(from) = from {
            rows.push(row(from, &end.label, step_ports(step)));
        }
        before = Some(end);
    }
    rows
}

fn witness_ports(witness: &TestWitness) -> String {
    match (witness.port, witness.protocol) {
        (Some(port), Some(protocol)) => format!("{port}/{protocol}"),
        _ => "any port".to_owned(),
    }
}

fn step_ports(step: &TestStep) -> String {
    if step.any_port || step.ports.is_empty() {
        return "any port".to_owned();
    }
    step.ports.iter().copied().map(port_word).collect::<Vec<_>>().join(", ")
}

/// Equal flows that were seen; nothing of packets on their way, which nobody decided.
pub(super) fn seen_cells(row: &SummaryRow) -> Option<Cells> {
    let against = row.as_predicted == AsPredicted::No;
    let verdict = match row.observed {
        Observed::Seen => return None,
        Observed::Allowed if against => "Used, and denied",
        Observed::Audited => "Used, and denied",
        Observed::Allowed => "Seen",
        Observed::Denied | Observed::DroppedOtherwise | Observed::Unclear => "Dropped",
    };
    let s = if row.count == 1 { "" } else { "s" };
    let why = format!("{}: {}", seen(row.direction, row.observed), row.message);
    let why = [why].into_iter().chain(row.likely.iter().map(|it| format!("likely {it}")));
    let why: Vec<String> = why.collect();
    Some([
        row.from.clone(),
        row.to.clone(),
        row.port.clone(),
        format!("{verdict}, {} time{s}", row.count),
        why.join("; "),
    ])
}
