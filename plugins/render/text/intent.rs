//! The answer of `test` for people: one line a test, and of each that is not proved what shows it.

use crate::render::cells::list::port_word;
use crate::render::screen::{BAD, BOLD, DIM, DOUBT, GOOD, PLAIN, Screen};
use anstyle::Style;
use netpol::answer::{
    Because, DirectionReport, IntentReport, TestOutcome, TestReport, TestWitness, TestsOfChange,
    Warning, short,
};
use netpol::policy::rule::Direction;
use netpol::prose::list;
use netpol::verdict::Verdict;

/// The answer as text of `width` columns; `wide` says of every test what it asks.
pub(in crate::render) fn intent(report: &IntentReport, width: usize, wide: bool) -> String {
    let mut screen = Screen::new(width);
    for missing in report.missing.iter().filter(|missing| missing.decides()) {
        screen.words(0, 2, &[(DOUBT, "not known:"), (PLAIN, &format!("{}.", missing.message))]);
    }
    for test in &report.tests {
        one(&mut screen, test, wide);
    }
    // What is not proved ends in one.
    if report.tests.last().is_none_or(|test| test.outcome == TestOutcome::Proved) {
        screen.blank();
    }
    screen.words(0, 2, &[(BOLD, &format!("{}.", counts(report)))]);
    for note in &report.notes {
        screen.words(0, 2, &[(DIM, &format!("{note}."))]);
    }
    for warning in Warning::told_once(&report.warnings) {
        screen.blank();
        screen.words(0, 2, &[(DOUBT, "warning:"), (PLAIN, &warning.message)]);
        screen.place(4, warning.location.as_ref());
    }
    screen.finish()
}

/// What a change does to tests, below its flows.
pub(super) fn of_change(screen: &mut Screen, tests: &TestsOfChange) {
    screen.blank();
    let style = if tests.worse.is_empty() { PLAIN } else { BAD };
    screen.words(0, 2, &[(style, &format!("{}.", tests.headline()))]);
    for test in &tests.worse {
        one(screen, test, false);
    }
    for (names, word) in [(&tests.mended, "mended"), (&tests.still_broken, "broken as before")] {
        for name in names {
            screen.words(2, 4, &[(DIM, &format!("{word}:")), (PLAIN, name)]);
        }
    }
}

/// `3 proved, 1 broken, 1 not known`.
fn counts(report: &IntentReport) -> String {
    let summary = report.summary;
    let mut parts = Vec::new();
    for (count, word) in
        [(summary.proved, "proved"), (summary.broken, "broken"), (summary.not_known, "not known")]
    {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    let s = if report.tests.len() == 1 { "" } else { "s" };
    format!("{} test{s}: {}", report.tests.len(), parts.join(", "))
}

fn mark(outcome: TestOutcome) -> (Style, &'static str, &'static str) {
    match outcome {
        TestOutcome::Proved => (GOOD, "✓", "proved"),
        TestOutcome::Broken => (BAD, "✗", "broken"),
        TestOutcome::NotKnown => (DOUBT, "?", "not known"),
    }
}

fn one(screen: &mut Screen, test: &TestReport, wide: bool) {
    let (style, mark, word) = mark(test.outcome);
    let scope = format!("({})", test.scope_words);
    let mut line = vec![(style, mark), (BOLD, test.name.as_str())];
    if test.outcome == TestOutcome::Proved {
        line.push((DIM, &scope));
        screen.words(0, 2, &line);
        if wide {
            screen.words(2, 4, &[(PLAIN, &format!("{}.", test.says))]);
        }
        notes(screen, test);
        return;
    }
    screen.words(0, 2, &line);
    let message = test.message.as_deref().unwrap_or("nothing is known of it");
    screen.words(2, 4, &[(style, &format!("{word}:")), (PLAIN, &format!("{message}."))]);
    screen.words(2, 4, &[(DIM, "meant:"), (PLAIN, &test.says), (DIM, &scope)]);
    if let Some(reason) = &test.reason {
        screen.words(2, 4, &[(DIM, "because:"), (PLAIN, reason)]);
    }
    screen.words(2, 4, &[(DIM, &test.location.to_string())]);
    if let Some(witness) = &test.witness {
        flow(screen, witness);
    }
    for step in &test.way {
        let ports: Vec<String> = step.ports.iter().copied().map(port_word).collect();
        let ports = if step.any_port { "any port".to_owned() } else { list(&ports, "and") };
        let at = if ports.is_empty() { String::new() } else { format!("on {ports}") };
        let by = step.by.as_deref().map_or(String::new(), |by| format!("by {by}"));
        screen.words(4, 6, &[(PLAIN, "→"), (PLAIN, &step.to), (DIM, &at), (DIM, &by)]);
    }
    for mend in &test.mend {
        screen.words(2, 4, &[(DIM, "to mend it:"), (PLAIN, &format!("{mend}."))]);
    }
    notes(screen, test);
    screen.blank();
}

fn notes(screen: &mut Screen, test: &TestReport) {
    for note in &test.notes {
        screen.words(2, 4, &[(DIM, &format!("{note}."))]);
    }
}

/// The rules of both sides, with their places.
fn flow(screen: &mut Screen, witness: &TestWitness) {
    if let Some(flow) = witness.flows.first() {
        for (way, direction) in
            [(Direction::Egress, &flow.egress), (Direction::Ingress, &flow.ingress)]
        {
            if direction.reason != Because::Outside {
                side(screen, way, direction);
            }
        }
    }
    screen.line(4, &[(DIM, "$ "), (PLAIN, &witness.explain)]);
}

fn side(screen: &mut Screen, way: Direction, direction: &DirectionReport) {
    let style = crate::render::screen::verdict_style(direction.verdict);
    let mark = crate::render::screen::verdict_mark(direction.verdict);
    let subject = format!("{way} of {}:", direction.subject);
    screen.words(4, 6, &[(style, mark), (BOLD, &subject), (PLAIN, &direction.message)]);
    let allowed = direction.verdict == Verdict::Allowed;
    for policy in &direction.policies {
        let tells = if allowed { direction.reason == Because::Admitted } else { true };
        if !tells {
            continue;
        }
        if !allowed {
            let rule = policy.rule.as_deref().map_or(String::new(), |it| format!(" {}", short(it)));
            let name = format!("{}{rule}:", policy.label());
            screen.words(8, 10, &[(BOLD, &name), (PLAIN, &policy.message)]);
        }
        if policy.location.is_some() {
            screen.place(8, policy.location.as_ref());
        } else {
            screen.words(8, 8, &[(DIM, &policy.field)]);
        }
        // Of what is open the policy that decides is enough; it comes first.
        if allowed {
            break;
        }
    }
}
