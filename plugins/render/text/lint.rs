//! The answer of `lint` for people: each finding with its line, and what it is about besides.

use crate::render::screen::{BAD, BOLD, DIM, DOUBT, PLAIN, Screen};
use anstyle::Style;
use netpol::answer::{LintFinding, LintReport, Severity};
use netpol::prose::list;
use std::fmt::Write as _;

/// The findings, then how many there are.
pub(in crate::render) fn lint(report: &LintReport, width: usize) -> String {
    let mut screen = Screen::new(width);
    for missing in &report.missing {
        screen.words(0, 2, &[(DOUBT, "not known:"), (PLAIN, &format!("{}.", missing.message))]);
    }
    for finding in &report.findings {
        if !screen.is_empty() {
            screen.blank();
        }
        one(&mut screen, finding);
    }
    if !screen.is_empty() {
        screen.blank();
    }
    screen.words(0, 2, &[(BOLD, &total(report))]);
    for note in &report.notes {
        screen.words(0, 2, &[(PLAIN, &format!("{note}."))]);
    }
    screen.finish()
}

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Error => BAD,
        Severity::Warning => DOUBT,
        Severity::Note => BOLD,
    }
}

fn one(screen: &mut Screen, finding: &LintFinding) {
    let LintFinding { severity, lint, about, message, location, related, .. } = finding;
    let head = format!("{severity}[{lint}]:");
    let about = format!("{about}:");
    screen.words(0, 2, &[(style(*severity), &head), (PLAIN, &about), (PLAIN, message)]);
    screen.place(2, location.as_ref());
    for other in related {
        match &other.location {
            Some(_) => screen.place(2, other.location.as_ref()),
            None => screen.line(2, &[(DIM, "see "), (PLAIN, &other.about)]),
        }
    }
}

/// How much there is of what, in a sentence.
fn total(report: &LintReport) -> String {
    let some = |count: usize, one: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {one}s"),
    };
    let policies = match report.policies {
        1 => "1 policy".to_owned(),
        count => format!("{count} policies"),
    };
    let counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .map(|severity| (report.count(severity), severity))
        .filter(|(count, _)| *count > 0)
        .map(|(count, severity)| some(count, severity.as_str()))
        .collect();
    let mut line = match counts.as_slice() {
        [] if report.complete => format!("Nothing found in {policies}."),
        [] => format!("Nothing found in {policies}, as far as was looked."),
        counts => format!("{} in {policies}.", list(counts, "and")),
    };
    if !report.allowed.is_empty() {
        let allowed = some(report.allowed.len(), "finding");
        let _ = write!(line, " {allowed} allowed by comments.");
    }
    if report.turned_off > 0 {
        let _ = write!(line, " {} turned off.", some(report.turned_off, "finding"));
    }
    line
}
