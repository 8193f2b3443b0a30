//! What stands beside the flows of a page: what became of tests, and what was seen.
//!
//! In: their answers. Out: sentences, and the list of tests, which reads without scripts too.

use super::html;
use netpol::answer::{IntentReport, ObservedSummary, TestOutcome, TestReport, TestsOfChange};
use std::fmt::Write as _;

/// The names of tests of one kind, with what is said of each.
struct Group<'a> {
    mark: &'static str,
    word: &'static str,
    /// Those that somebody has to look at stand open.
    open: bool,
    tests: Vec<(&'a str, Option<&'a str>)>,
}

/// The list of tests, as an element.
pub(super) fn tests(report: &IntentReport) -> String {
    let of = |outcome| {
        let tests = report.tests.iter().filter(move |test| test.outcome == outcome);
        tests.map(named).collect::<Vec<_>>()
    };
    section(
        "Tests",
        &[
            Group { mark: "✗", word: "broken", open: true, tests: of(TestOutcome::Broken) },
            Group { mark: "?", word: "not known", open: true, tests: of(TestOutcome::NotKnown) },
            Group { mark: "✓", word: "proved", open: false, tests: of(TestOutcome::Proved) },
        ],
    )
}

/// The same of what a change does to tests.
pub(super) fn tests_of_change(tests: &TestsOfChange) -> String {
    let as_before = tests.asked.saturating_sub(tests.worse.len() + tests.mended.len());
    let title = format!("Tests of the change, {as_before} of {} as before", tests.asked);
    section(
        &title,
        &[
            Group {
                mark: "✗",
                word: "worse than before",
                open: true,
                tests: tests.worse.iter().map(named).collect(),
            },
            Group {
                mark: "✗",
                word: "broken as before",
                open: true,
                tests: names_of(&tests.still_broken),
            },
            Group { mark: "✓", word: "mended", open: false, tests: names_of(&tests.mended) },
        ],
    )
}

fn names_of(names: &[String]) -> Vec<(&str, Option<&str>)> {
    names.iter().map(|name| (name.as_str(), None)).collect()
}

fn named(test: &TestReport) -> (&str, Option<&str>) {
    let said = if test.outcome == TestOutcome::Proved {
        Some(test.says.as_str())
    } else {
        test.message.as_deref()
    };
    (&test.name, said)
}

fn section(title: &str, groups: &[Group<'_>]) -> String {
    let mut out = format!(
        "<section id=\"tests\" aria-labelledby=\"tests-title\"><h2 id=\"tests-title\">{}</h2>",
        html(title)
    );
    for Group { mark, word, open, tests } in groups.iter().filter(|group| !group.tests.is_empty()) {
        let open = if *open { " open" } else { "" };
        let count = tests.len();
        let _ = write!(out, "<details{open}><summary>{mark} {count} {word}</summary><ul>");
        for (name, said) in tests {
            let said = said.map_or(String::new(), |said| format!(": <bdi>{}</bdi>", html(said)));
            let _ = write!(out, "<li><bdi>{}</bdi>{said}</li>", html(name));
        }
        out += "</ul></details>";
    }
    out + "</section>"
}

/// What was seen, in sentences; with whether each is a doubt.
pub(super) fn seen(summary: &ObservedSummary) -> Vec<(bool, String)> {
    let flows = if summary.flows == 1 { "flow" } else { "flows" };
    let time = match (&summary.first, &summary.last) {
        (Some(first), Some(last)) if first != last => format!(" from {first} to {last}"),
        (Some(first), _) => format!(" at {first}"),
        _ => String::new(),
    };
    let differ = match summary.not_as_predicted {
        0 => "none against the prediction".to_owned(),
        some => format!("{some} not as predicted"),
    };
    let mut all = vec![(false, format!("Seen: {} {flows}{time}, {differ}", summary.flows))];
    let unused = if summary.narrowed {
        "Only flows of some ends, ports or verdicts were asked for, so that nothing is said to be unused"
    } else {
        "What was not used in that time may be used in another, and a packet that policies drop is \
         not seen where another program drops it before"
    };
    all.push((false, unused.to_owned()));
    if summary.lost > 0 {
        let lost = summary.lost;
        all.push((true, format!("Hubble lost {lost} events: what is not seen may have been")));
    }
    if summary.not_listed > 0 {
        let more = summary.not_listed;
        all.push((true, format!("{more} flows are in no row: there are too many different ones")));
    }
    all
}
