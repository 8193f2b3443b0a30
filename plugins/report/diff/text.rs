//! The answer of `diff` for people: how much first, then each change with its reason.

use super::{ChangeReport, DiffReport, DiffSummary, MemberReport};
use crate::report::explanation::{Location, PolicyReport};
use crate::report::screen::{BAD, BOLD, DIM, DOUBT, GOOD, PLAIN, Screen};
use crate::report::words;
use anstyle::Style;

/// The answer as text of `width` columns; `summary` has one line for a change.
pub fn diff_text(report: &DiffReport, width: usize, summary: bool) -> String {
    let mut screen = Screen::new(width);
    let style = match (report.changes.is_empty(), report.summary.unread) {
        (true, 0) => GOOD,
        (true, _) => DOUBT,
        (false, _) => BOLD,
    };
    screen.words(0, 2, &[(style, &headline(&report.summary))]);
    if !summary {
        let names = format!("{} → {}", report.old.name, report.new.name);
        screen.words(2, 2, &[(PLAIN, &names)]);
    }
    if summary && !report.changes.is_empty() {
        screen.blank();
    }
    for change in &report.changes {
        if !summary {
            screen.blank();
        }
        self::change(&mut screen, change, summary);
    }
    only_on_one(&mut screen, report);
    for note in &report.notes {
        screen.blank();
        screen.words(0, 2, &[(PLAIN, &format!("{note}."))]);
    }
    for warning in &report.warnings {
        screen.blank();
        screen.words(0, 2, &[(DOUBT, "warning:"), (PLAIN, &warning.message)]);
        place(&mut screen, 4, warning.location.as_ref());
    }
    screen.finish()
}

/// `3 opened, 1 closed`, or that nothing is.
pub(super) fn headline(summary: &DiffSummary) -> String {
    let all = [
        (summary.opened, "opened"),
        (summary.closed, "closed"),
        (summary.conditions, "on other conditions"),
        (summary.unknown, "not known any more"),
    ];
    let all = all.into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = all.map(|(count, what)| format!("{count} {what}")).collect();
    let changes = if parts.is_empty() { "no flow changes".to_owned() } else { parts.join(", ") };
    match summary.unread {
        0 => changes,
        _ => format!("{changes} in what was read"),
    }
}

fn mark(change: &ChangeReport) -> (Style, &'static str) {
    match change.change {
        "Opened" => (GOOD, "+"),
        "Closed" => (BAD, "-"),
        "Conditions" => (DOUBT, "~"),
        _ => (DOUBT, "?"),
    }
}

/// The ports, with the family where only one changes.
pub(super) fn ports(change: &ChangeReport) -> String {
    match &change.family {
        Some(family) => format!("{} over {family}", change.ports_label),
        None => change.ports_label.clone(),
    }
}

/// What was and is, where that is not plain.
pub(super) fn remark(change: &ChangeReport) -> &'static str {
    match (change.before, change.after) {
        ("OnCondition", "OnCondition") => "on another condition",
        ("OnCondition", "Allowed" | "Denied") => "before on a condition",
        ("OnCondition", "Unknown") => "before on a condition, now not known",
        ("Denied", "OnCondition") => "on a condition",
        ("Allowed", "OnCondition") => "now on a condition",
        ("Unknown", "OnCondition") => "on a condition, before not known",
        ("Unknown", _) => "before not known",
        ("Allowed", "Unknown") => "before allowed, now not known",
        ("Denied", "Unknown") => "before denied, now not known",
        _ => "",
    }
}

fn change(screen: &mut Screen, change: &ChangeReport, summary: bool) {
    let (style, mark) = mark(change);
    let flow = format!("{} → {}", change.from.label, change.to.label);
    let mut line = vec![(style, mark), (BOLD, flow.as_str()), (PLAIN, "on")];
    let ports = ports(change);
    line.push((style, &ports));
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
        return place(screen, 6, policy.location.as_ref());
    }
    if let Some(applied) = &policy.applied_by {
        let by = format!("{}, applied by {}", policy.field, applied.manager);
        screen.words(6, 6, &[(DIM, &by)]);
    }
}

fn place(screen: &mut Screen, indent: usize, location: Option<&Location>) {
    let Some(Location { file, line, column, text }) = location else { return };
    let place = format!("{file}:{line}:{column}:");
    screen.line(indent, &[(DIM, &place), (PLAIN, " "), (PLAIN, text.trim())]);
}

/// How members are named in text, which the command line takes back.
pub(super) fn member(member: &MemberReport) -> String {
    let namespace = member.namespace.as_ref().map_or(String::new(), |n| format!("{n}/"));
    format!("{namespace}{}/{}", netpol::cluster::kind_word(&member.kind), member.name)
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

/// What came and what went, as sentences.
pub(super) fn only_sentences(report: &DiffReport) -> Vec<String> {
    let mut sentences = Vec::new();
    for (side, verb) in [(&report.old, "Went"), (&report.new, "Came")] {
        if !side.only_here.is_empty() {
            let names = few(side.only_here.iter().map(member).collect());
            sentences.push(format!("{verb}, so not compared: {names}."));
        }
        if !side.namespaces.is_empty() {
            let names = few(side.namespaces.clone());
            let word = if side.namespaces.len() == 1 { "Namespace" } else { "Namespaces" };
            sentences.push(format!("{word} only in {}: {names}.", side.name));
        }
    }
    sentences
}

/// The first names, and how many more there are.
fn few(mut names: Vec<String>) -> String {
    if names.len() > MOST_LISTED {
        let more = names.len() - MOST_LISTED;
        names.truncate(MOST_LISTED);
        names.push(format!("{more} more"));
    }
    words::list(&names, "and")
}

/// More workloads or namespaces that came or went are counted only.
const MOST_LISTED: usize = 12;
