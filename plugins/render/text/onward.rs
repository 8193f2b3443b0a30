//! The answer of `reach` for people: who is reached by how many hops, the ways, and what would cut them.

use crate::render::cells::list::hop_words;
use crate::render::screen::{BOLD, DIM, DOUBT, PLAIN, Screen};
use netpol::answer::{MissingReport, OnwardReport, Outcome, ReachedReport};

/// So many workloads of each distance are told.
const MOST: usize = 50;

/// The answer as text of `width` columns; `wide` shows each way whole, and everyone.
pub(in crate::render) fn onward(report: &OnwardReport, width: usize, wide: bool) -> String {
    let mut screen = Screen::new(width);
    for missing in &report.missing {
        screen.words(0, 2, &[(DOUBT, "not known:"), (PLAIN, &format!("{}.", missing.message))]);
    }
    head(&mut screen, report);
    for hops in report.reached.chunk_by(|a, b| a.hops == b.hops) {
        screen.blank();
        let number = hops.first().map_or(0, |it| it.hops);
        let s = if number == 1 { "" } else { "s" };
        screen.line(0, &[(BOLD, &format!("By {number} hop{s}:"))]);
        let most = if wide { usize::MAX } else { MOST };
        for reached in hops.iter().take(most) {
            one(&mut screen, reached, wide || report.to.is_some());
        }
        if hops.len() > most {
            let more = format!("{} more: -o wide tells them.", hops.len() - most);
            screen.words(2, 2, &[(DIM, &more)]);
        }
    }
    cuts(&mut screen, report);
    if !report.notes.is_empty() {
        screen.blank();
    }
    for note in &report.notes {
        screen.words(0, 2, &[(DIM, &format!("{note}."))]);
    }
    for warning in &report.warnings {
        screen.blank();
        screen.words(0, 2, &[(DOUBT, "warning:"), (PLAIN, &warning.message)]);
        screen.place(4, warning.location.as_ref());
    }
    screen.finish()
}

fn head(screen: &mut Screen, report: &OnwardReport) {
    let within = report.max_hops.map_or(String::new(), |most| {
        let s = if most == 1 { "" } else { "s" };
        format!(" within {most} hop{s}")
    });
    let sure = report.reached.iter().filter(|it| it.verdict == Outcome::Allowed).count();
    let perhaps = report.reached.len() - sure;
    let from = &report.from.label;
    let told_all = !report.missing.iter().any(MissingReport::decides);
    let words = match (&report.to, sure, perhaps) {
        (Some(to), 0, 0) if !told_all => {
            format!("{from} is not known to reach {}{within}", to.label)
        }
        (None, 0, 0) if !told_all => format!("{from} is not known to reach any pod{within}"),
        (Some(to), 0, 0) => format!("{from} does not reach {}{within}", to.label),
        (Some(to), 0, _) => format!("{from} perhaps reaches {}{within}", to.label),
        (Some(to), ..) => format!("{from} reaches {}{within}", to.label),
        (None, 0, 0) => format!("{from} reaches no known pod{within}"),
        (None, 0, more) => format!("{from} perhaps reaches {}{within}", workloads(more)),
        (None, sure, 0) => format!("{from} reaches {}{within}", workloads(sure)),
        (None, sure, more) => {
            format!("{from} reaches {}, and perhaps {more} more,{within}", workloads(sure))
        }
    };
    screen.words(0, 2, &[(BOLD, &format!("{}.", words.trim_end_matches(',')))]);
}

fn workloads(many: usize) -> String {
    if many == 1 { "1 workload".to_owned() } else { format!("{many} workloads") }
}

fn one(screen: &mut Screen, reached: &ReachedReport, whole: bool) {
    let mark = if reached.verdict == Outcome::Allowed { "" } else { " (perhaps)" };
    let part = if reached.in_part { " (in part)" } else { "" };
    let name = format!("{}{mark}{part}", reached.end.label);
    let Some(last) = reached.way.last() else { return };
    if whole {
        screen.words(2, 4, &[(PLAIN, &name)]);
        for hop in &reached.way {
            let words = format!("{} → {} on {}", hop.from, hop.to, hop_words(hop));
            screen.words(4, 6, &[(DIM, &words)]);
        }
        return;
    }
    let words = format!("from {} on {}", last.from, hop_words(last));
    screen.words(2, 4, &[(PLAIN, &name), (DIM, &words)]);
}

fn cuts(screen: &mut Screen, report: &OnwardReport) {
    if report.cuts.is_empty() {
        return;
    }
    screen.blank();
    let each = report.cuts.len() > 1;
    let words = match (report.smallest, each) {
        (true, false) => "What would cut every way, and no smaller set of such changes does:",
        (true, true) => {
            "What would cut every way, each by itself, and no smaller set of such changes does:"
        }
        (false, _) => "What would cut every way:",
    };
    screen.words(0, 2, &[(BOLD, words)]);
    for cut in &report.cuts {
        for (at, change) in cut.changes.iter().enumerate() {
            let mark = if at == 0 { "-" } else { "and" };
            screen.words(2, 4, &[(PLAIN, mark), (PLAIN, &format!("{}.", change.words))]);
            screen.place(4, change.location.as_ref());
        }
    }
}
