//! The answer of `doctor` for people: a mark, a sentence, and what to do.

use crate::render::screen::{BAD, BOLD, DOUBT, GOOD, PLAIN, Screen};
use netpol::answer::{Area, CheckState, Checkup};

/// One line each, what is wrong with what to do about it.
pub(in crate::render) fn checkup(checkup: &Checkup, width: usize) -> String {
    let mut screen = Screen::new(width);
    let mut area = None;
    for check in &checkup.checks {
        if area.replace(check.area) != Some(check.area) {
            screen.line(0, &[(BOLD, title(check.area))]);
        }
        let mark = match check.state {
            CheckState::Ok => (GOOD, "✓"),
            CheckState::Wrong => (BAD, "✗"),
            CheckState::Note => (DOUBT, "-"),
        };
        let says = &check.says;
        let sentence = match &check.advice {
            Some(advice) => format!("{says}; {advice}"),
            None => says.clone(),
        };
        screen.words(2, 4, &[mark, (PLAIN, &sentence)]);
    }
    let wrong = checkup.checks.iter().filter(|check| check.state == CheckState::Wrong).count();
    let end = match wrong {
        0 => "All well.".to_owned(),
        1 => "One thing is wrong.".to_owned(),
        wrong => format!("{wrong} things are wrong."),
    };
    screen.blank();
    screen.words(0, 0, &[(BOLD, &end)]);
    screen.finish()
}

fn title(area: Area) -> &'static str {
    match area {
        Area::Plugin => "Plugin",
        Area::Programs => "Programs",
        Area::Cluster => "Cluster",
        Area::Rights => "Rights",
        Area::Kinds => "Kinds",
        Area::Network => "Network plugin",
    }
}
