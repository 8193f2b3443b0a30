//! The answer of `summary` for people: a table.
//!
//! In: a [`SummaryReport`]. Out: text. There is no colour inside the table: the doubtful rows are
//! named again below it.

use crate::render::cells::summary::{
    CLUSTERWIDE, Cells, MOST, clusterwide, raised, some, warnings,
};
use crate::render::columns::{self, Line};
use crate::render::screen::{BOLD, DIM, DOUBT, PLAIN, Screen};
use anstyle::Style;
use netpol::answer::{DirectionSummary, NamespaceSummary, SummaryReport, Warning, short};
use netpol::prose::list;
use std::collections::HashMap;

/// The table for a terminal; `wide` adds counts, what isolates, and where everything is written.
pub(in crate::render) fn summary(report: &SummaryReport, width: usize, wide: bool) -> String {
    let mut screen = Screen::new(width);
    for missing in report.missing.iter().filter(|missing| missing.decides()) {
        screen.words(0, 2, &[(DOUBT, "not known:"), (PLAIN, &format!("{}.", missing.message))]);
    }
    if report.namespaces.is_empty() && !screen.is_empty() {
        for warning in told(report, wide) {
            screen.blank();
            screen.words(0, 2, &[(DOUBT, "warning:"), (PLAIN, &warning.message)]);
            screen.place(2, warning.location.as_ref());
        }
        return screen.finish();
    }
    let mut cells = Cells { most: if wide { usize::MAX } else { MOST }, wide, ..Cells::default() };
    if !screen.is_empty() {
        screen.blank();
    }
    let rows: Vec<_> = report.namespaces.iter().map(|namespace| cells.row(namespace)).collect();
    let rows = if wide { rows } else { alike(rows) };
    let header = ["NAMESPACE", "DEFAULT DENY", "ALLOWED INGRESS", "ALLOWED EGRESS"];
    if width < columns::LEAST {
        screen.block(&columns::list(&header, rows.iter().map(|row| &row[..]), width));
    } else {
        let table = columns::table(header, &rows, width);
        let (head, body) = table.split_once('\n').unwrap_or((&table, ""));
        screen.line(0, &[(BOLD, head)]);
        if !body.is_empty() {
            screen.block(body);
        }
    }
    let clusterwide = clusterwide(report, cells.most);
    if !clusterwide.is_empty() {
        screen.blank();
        screen.line(0, &[(BOLD, CLUSTERWIDE)]);
    }
    for (label, line) in &clusterwide {
        screen.words(2, 4, &[(PLAIN, &format!("{label}:")), (PLAIN, line)]);
    }
    if !cells.notes.is_empty() {
        screen.blank();
    }
    for (i, note) in cells.notes.iter().enumerate() {
        screen.words(0, 2, &[(BOLD, &raised(i)), (PLAIN, note)]);
    }
    let mut total = total(report);
    total.extend(report.notes.iter().map(|note| (PLAIN, format!("{note}."))));
    total.extend(report.dead.iter().map(|dead| (DOUBT, format!("{dead}."))));
    let warnings = told(report, wide);
    if !total.is_empty() || !warnings.is_empty() {
        screen.blank();
    }
    for (style, sentence) in &total {
        screen.words(0, 2, &[(*style, sentence)]);
    }
    for warning in warnings {
        screen.words(0, 2, &[(DOUBT, "warning:"), (PLAIN, &warning.message)]);
        screen.place(2, warning.location.as_ref());
    }
    if wide {
        places(&mut screen, report);
    }
    screen.finish()
}

/// The warnings, those that are alike as one unless all is shown.
fn told(report: &SummaryReport, wide: bool) -> Vec<Warning> {
    if wide { warnings(report).cloned().collect() } else { Warning::told_once(warnings(report)) }
}

/// Rows of so many namespaces, of which the same is said, are one.
const ALIKE: usize = 4;

/// Rows of which the same is said of many namespaces told once, where the first of them stood.
fn alike(rows: Vec<[Vec<Line>; 4]>) -> Vec<[Vec<Line>; 4]> {
    let mut told: Vec<Vec<[Vec<Line>; 4]>> = Vec::new();
    let mut known: HashMap<Vec<Vec<Line>>, usize> = HashMap::new();
    for row in rows {
        let at = *known.entry(row[1..].to_vec()).or_insert(told.len());
        if at == told.len() {
            told.push(Vec::new());
        }
        told[at].push(row);
    }
    let mut all: Vec<[Vec<Line>; 4]> = Vec::new();
    for mut rows in told {
        if rows.len() >= ALIKE {
            let more = Line::new(2, &format!("and {} more alike", rows.len() - 1));
            rows.truncate(1);
            for [name, ..] in &mut rows {
                name.push(more.clone());
            }
        }
        all.extend(rows);
    }
    all.sort_by(|[a, ..], [b, ..]| a.iter().map(|l| &l.text).cmp(b.iter().map(|l| &l.text)));
    all
}

/// What a reviewer would count, where there is more than one namespace, and what is to worry about.
fn total(report: &SummaryReport) -> Vec<(Style, String)> {
    let all = &report.namespaces;
    match all.len() {
        0 => return vec![(PLAIN, "No namespaces.".to_owned())],
        1 => return Vec::new(),
        _ => {}
    }
    let closed = |side: fn(&NamespaceSummary) -> &DirectionSummary| {
        all.iter().filter(|namespace| side(namespace).default_deny).count()
    };
    let mut sentences = vec![(
        PLAIN,
        format!(
            "Default deny: ingress in {} of {} namespaces, egress in {}.",
            closed(|namespace| &namespace.ingress),
            all.len(),
            closed(|namespace| &namespace.egress)
        ),
    )];
    let bare = all.iter().filter(|n| n.policies == 0 && !n.policies_unread);
    let bare = some(bare.map(|namespace| &*namespace.name), MOST);
    if !bare.is_empty() {
        sentences.push((DOUBT, format!("No policy in force: {bare}.")));
    }
    sentences
}

/// What isolates each namespace, and where every rule is written.
fn places(screen: &mut Screen, report: &SummaryReport) {
    for namespace in report.namespaces.iter().filter(|namespace| namespace.policies > 0) {
        screen.blank();
        screen.words(0, 2, &[(BOLD, &namespace.name)]);
        for (word, direction) in [("ingress", &namespace.ingress), ("egress", &namespace.egress)] {
            if !direction.isolated_by.is_empty() {
                let by = list(&direction.isolated_by, "and");
                screen.words(2, 4, &[(PLAIN, &format!("{word} isolated by {by}"))]);
            }
            for policy in &direction.policies {
                let rules = policy.rules.iter().map(|rule| (short(&rule.rule), &rule.location));
                let itself = policy.rules.is_empty().then_some((word, &policy.location));
                for (what, place) in rules.chain(itself) {
                    screen.words(4, 6, &[(PLAIN, &policy.label()), (DIM, what)]);
                    screen.place(6, place.as_ref());
                }
            }
        }
    }
}
