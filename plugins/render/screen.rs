//! Text for a terminal: wrapped to its width, styled, and free of anything that could steer it.
//!
//! In: plain text, some of it from the input. Out: a string with styles as escape sequences, which
//! the command line strips where there is no colour.

use super::wrap::{Shape, wrap};
use anstyle::{AnsiColor, Style};
use netpol::answer::{Location, Outcome};
use netpol::printable::printable;
use netpol::verdict::Verdict;
use std::borrow::Cow;
use std::fmt::Write as _;

pub(super) const PLAIN: Style = Style::new();
pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const DOUBT: Style = AnsiColor::Yellow.on_default().bold();

/// Lines as they will stand on the screen.
pub(super) struct Screen {
    out: String,
    width: usize,
    /// Something was on it, and was taken off.
    begun: bool,
}

impl Screen {
    /// A screen of `width` columns; narrower than 40 helps nobody.
    pub(super) fn new(width: usize) -> Self {
        Self { out: String::new(), width: width.max(40), begun: false }
    }

    /// Whether nothing is on it yet.
    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty() && !self.begun
    }

    pub(super) fn blank(&mut self) {
        self.out.push('\n');
    }

    /// Words of several styles, wrapped; lines after the first are indented by `hang`.
    pub(super) fn words(&mut self, indent: usize, hang: usize, parts: &[(Style, &str)]) {
        let texts: Vec<(Style, Cow<'_, str>)> =
            parts.iter().map(|(style, text)| (*style, printable(text))).collect();
        let words = texts.iter().flat_map(|(style, text)| {
            text.split(' ').filter(|word| !word.is_empty()).map(|word| (*style, word))
        });
        let shape = Shape { width: self.width, first: indent, hang, breaks: false };
        let mut indent = indent;
        for line in wrap(words, shape) {
            let _ = write!(self.out, "{:indent$}", "");
            for (i, (style, word)) in line.into_iter().enumerate() {
                let space = if i == 0 { "" } else { " " };
                let _ = write!(self.out, "{space}{style}{word}{style:#}");
            }
            self.out.push('\n');
            indent = hang;
        }
    }

    /// A line that is never wrapped, such as a place that is to be copied.
    pub(super) fn line(&mut self, indent: usize, parts: &[(Style, &str)]) {
        let _ = write!(self.out, "{:indent$}", "");
        for (style, text) in parts {
            let _ = write!(self.out, "{style}{}{style:#}", printable(text));
        }
        self.out.push('\n');
    }

    /// Where something is written, with the text of that line.
    pub(super) fn place(&mut self, indent: usize, location: Option<&Location>) {
        let Some(location) = location else { return };
        let place = format!("{location}:");
        self.line(indent, &[(DIM, &place), (PLAIN, " "), (PLAIN, location.text.trim())]);
    }

    /// Text that is laid out already, such as a table.
    pub(super) fn block(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// What is on it so far, which is taken off it.
    pub(super) fn taken(&mut self) -> String {
        self.begun = true;
        std::mem::take(&mut self.out)
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// The style of what becomes of all that was asked.
pub(super) fn outcome_style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Allowed => GOOD,
        Outcome::Denied => BAD,
        Outcome::Ambiguous | Outcome::Unknown | Outcome::Mixed => DOUBT,
    }
}

/// The style of a verdict's word.
pub(super) fn verdict_style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Allowed => GOOD,
        Verdict::Denied => BAD,
        Verdict::Ambiguous | Verdict::Unknown => DOUBT,
    }
}

/// The mark before a verdict.
pub(super) fn verdict_mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allowed => "✓",
        Verdict::Denied => "✗",
        Verdict::Ambiguous | Verdict::Unknown => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_wrap_and_cannot_steer() {
        let mut screen = Screen::new(40);
        let long = "one two three four five six seven eight nine\u{1b}[31m";
        screen.words(2, 4, &[(PLAIN, long)]);
        assert_eq!(
            screen.finish(),
            "  one two three four five six seven\n    eight nine\\u{1b}[31m\n"
        );
    }
}
