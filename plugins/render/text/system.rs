//! Traffic of the system for people.

use crate::render::cells::system::sections;
use crate::render::screen::{BOLD, DIM, DOUBT, PLAIN, Screen, outcome_style};
use netpol::answer::{SystemReport, Warning};

/// The answer as text of `width` columns; `wide` shows each flow.
pub(in crate::render) fn system(report: &SystemReport, width: usize, wide: bool) -> String {
    let mut screen = Screen::new(width);
    for missing in report.missing.iter().filter(|missing| missing.decides()) {
        screen.words(0, 2, &[(DOUBT, "not known:"), (PLAIN, &format!("{}.", missing.message))]);
    }
    let sections = sections(report, wide);
    if sections.is_empty() && report.complete {
        screen.words(0, 0, &[(PLAIN, "Nothing here is called, probed or asks for names.")]);
    }
    for (heading, lines) in sections {
        if !screen.is_empty() {
            screen.blank();
        }
        screen.line(0, &[(BOLD, heading)]);
        for line in lines {
            let verdict = format!("{}:", line.verdict.as_str().to_lowercase());
            screen.words(2, 4, &[(outcome_style(line.verdict), &verdict), (PLAIN, &line.words)]);
            if let Some(more) = &line.more {
                screen.words(4, 4, &[(DIM, &format!("{more}."))]);
            }
        }
    }
    if !report.notes.is_empty() {
        screen.blank();
    }
    for note in &report.notes {
        screen.words(0, 2, &[(DIM, &format!("{note}."))]);
    }
    for warning in if wide { report.warnings.clone() } else { Warning::told_once(&report.warnings) }
    {
        screen.blank();
        screen.words(0, 2, &[(DOUBT, "warning:"), (PLAIN, &warning.message)]);
        screen.place(4, warning.location.as_ref());
    }
    screen.finish()
}
