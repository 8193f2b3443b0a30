//! The answer of `diff` for people: how much first, then each change with its reason.

use crate::render::cells::diff::{headline, namespaces, only_sentences, ports, remark};
use crate::render::screen::{BAD, BOLD, DIM, DOUBT, GOOD, PLAIN, Screen};
use anstyle::Style;
use netpol::answer::{ChangeKind, ChangeReport, DiffReport, PolicyReport, Warning};

/// The answer as text of `width` columns; `summary` has one line for a change.
pub(in crate::render) fn diff(
    report: &DiffReport,
    width: usize,
    summary: bool,
    all: bool,
) -> String {
    let mut screen = Screen::new(width);
    let sure = report.complete && report.elsewhere.is_empty();
    let style = match (report.changes.is_empty() && report.system.is_empty(), sure) {
        (true, true) => GOOD,
        (true, false) => DOUBT,
        (false, _) => BOLD,
    };
    screen.words(0, 2, &[(style, &headline(report))]);
    if !summary {
        let names = format!("{} → {}", report.old.name, report.new.name);
        screen.words(2, 2, &[(PLAIN, &names)]);
    }
    if summary && !report.changes.is_empty() {
        screen.blank();
    }
    let rows = by_rule(&report.changes);
    let shown = if all { rows.len() } else { MOST_SHOWN.min(rows.len()) };
    for (change, also) in &rows[..shown] {
        if !summary {
            screen.blank();
        }
        self::change(&mut screen, change, summary);
        manifests(&mut screen, change);
        let named = if all { also.len() } else { MOST_ALSO.min(also.len()) };
        for more in &also[..named] {
            screen.words(4, 6, &[(DIM, "also"), (PLAIN, &flow(more))]);
            manifests(&mut screen, more);
        }
        if let Some(left) = also.len().checked_sub(named).filter(|left| *left > 0) {
            screen.words(4, 6, &[(DIM, &format!("also {left} more between pods not written"))]);
        }
    }
    more(&mut screen, rows.len() - shown);
    system(&mut screen, report);
    if let Some(tests) = &report.tests {
        super::intent::of_change(&mut screen, tests);
    }
    elsewhere(&mut screen, report, all);
    only_on_one(&mut screen, report);
    for missing in &report.missing {
        screen.blank();
        screen.words(0, 2, &[(DOUBT, "not known:"), (PLAIN, &missing.message)]);
    }
    for note in &report.notes {
        screen.blank();
        screen.words(0, 2, &[(PLAIN, &format!("{note}."))]);
    }
    let warnings = if all { report.warnings.clone() } else { Warning::told_once(&report.warnings) };
    for warning in warnings {
        screen.blank();
        screen.words(0, 2, &[(DOUBT, "warning:"), (PLAIN, &warning.message)]);
        screen.place(4, warning.location.as_ref());
    }
    screen.finish()
}

/// What becomes of that which the API server calls.
fn system(screen: &mut Screen, report: &DiffReport) {
    if report.system.is_empty() {
        return;
    }
    screen.blank();
    screen.line(0, &[(BOLD, "What the API server calls:")]);
    for change in &report.system {
        let (style, mark) = if change.closes { (BAD, "-") } else { (GOOD, "+") };
        screen.words(0, 4, &[(style, mark), (PLAIN, &format!("{}.", change.message))]);
    }
}

/// Pods that are written nowhere, one document a line.
fn manifests(screen: &mut Screen, change: &ChangeReport) {
    for manifest in &change.witness.manifests {
        screen.line(4, &[(DIM, "--- "), (DIM, &manifest.to_string())]);
    }
}

/// Each change with those that are by the same rule for pods that are written nowhere.
fn by_rule(changes: &[ChangeReport]) -> Vec<(&ChangeReport, &[ChangeReport])> {
    let mut rows = Vec::new();
    let mut rest = changes;
    while let [first, after @ ..] = rest {
        let also = after.iter().take_while(|change| change.also).count();
        rows.push((first, &after[..also]));
        rest = &after[also..];
    }
    rows
}

/// A change in a line.
fn flow(change: &ChangeReport) -> String {
    let namespaces = namespaces(change).map_or(String::new(), |many| format!(" {many}"));
    format!("{} → {} on {}{namespaces}", change.from.label, change.to.label, ports(change))
}

/// How many rows are not shown.
fn more(screen: &mut Screen, left: usize) {
    if left > 0 {
        screen.blank();
        screen.words(0, 2, &[(BOLD, &format!("{left} more; -o wide shows all."))]);
    }
}

/// What opens where policies isolate that are not in the input.
fn elsewhere(screen: &mut Screen, report: &DiffReport, all: bool) {
    if report.elsewhere.is_empty() {
        return;
    }
    screen.blank();
    screen.words(0, 2, &[(DOUBT, "Opens where another policy isolates:")]);
    let most = if all { usize::MAX } else { MOST_ELSEWHERE };
    for change in report.elsewhere.iter().take(most) {
        self::change(screen, change, true);
    }
    more(screen, report.elsewhere.len().saturating_sub(most));
}

/// More changes than this are counted only.
const MOST_SHOWN: usize = 20;

/// The same of what one rule does for pods that are written nowhere.
const MOST_ALSO: usize = 3;

/// The same of what opens only where other policies isolate.
const MOST_ELSEWHERE: usize = 5;

fn mark(change: &ChangeReport) -> (Style, &'static str) {
    match change.change {
        ChangeKind::Opened => (GOOD, "+"),
        ChangeKind::Closed => (BAD, "-"),
        ChangeKind::Conditions => (DOUBT, "~"),
        ChangeKind::Unknown => (DOUBT, "?"),
    }
}

fn change(screen: &mut Screen, change: &ChangeReport, summary: bool) {
    let (style, mark) = mark(change);
    let flow = format!("{} → {}", change.from.label, change.to.label);
    let mut line = vec![(style, mark), (BOLD, flow.as_str()), (PLAIN, "on")];
    let ports = ports(change);
    line.push((style, &ports));
    let namespaces = namespaces(change);
    if let Some(many) = &namespaces {
        line.push((BOLD, many));
    }
    let remark = remark(change);
    if !remark.is_empty() {
        line.push((DOUBT, remark));
    }
    screen.words(0, 4, &line);
    if summary {
        return;
    }
    for reason in &change.reasons {
        let direction = format!("{}:", reason.direction);
        screen.words(4, 6, &[(DIM, &direction), (PLAIN, &reason.message)]);
        if let Some(policy) = &reason.policy {
            written(screen, policy);
        }
    }
    screen.line(4, &[(DIM, "$ "), (DIM, &change.witness.explain_after)]);
}

/// Where a policy's deciding field is written.
fn written(screen: &mut Screen, policy: &PolicyReport) {
    if policy.location.is_some() {
        return screen.place(6, policy.location.as_ref());
    }
    if let Some(applied) = &policy.applied_by {
        let by = format!("{}, applied by {}", policy.field, applied.manager);
        screen.words(6, 6, &[(DIM, &by)]);
    }
}

fn only_on_one(screen: &mut Screen, report: &DiffReport) {
    let told = only_sentences(report);
    if told.is_empty() {
        return;
    }
    screen.blank();
    for sentence in told {
        screen.words(0, 2, &[(PLAIN, &sentence)]);
    }
}
