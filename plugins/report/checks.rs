//! Findings as lines: a mark, a sentence, and what to do.

use super::screen::{BAD, BOLD, DOUBT, GOOD, PLAIN, Screen};

/// Lines under titles, and a last one. `Some(true)` is well, `Some(false)` wrong, `None` neither.
pub fn check_text<'a>(
    lines: impl IntoIterator<Item = (Option<&'a str>, Option<bool>, &'a str, Option<&'a str>)>,
    end: &str,
    width: usize,
) -> String {
    let mut screen = Screen::new(width);
    for (title, good, says, advice) in lines {
        if let Some(title) = title {
            screen.line(0, &[(BOLD, title)]);
        }
        let mark = match good {
            Some(true) => (GOOD, "✓"),
            Some(false) => (BAD, "✗"),
            None => (DOUBT, "-"),
        };
        let sentence = match advice {
            Some(advice) => format!("{says}; {advice}"),
            None => says.to_owned(),
        };
        screen.words(2, 4, &[mark, (PLAIN, &sentence)]);
    }
    screen.blank();
    screen.words(0, 0, &[(BOLD, end)]);
    screen.finish()
}
