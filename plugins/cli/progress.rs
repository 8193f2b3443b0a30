//! What is going on, on a terminal only, and questions that only someone at a terminal can answer.

use super::{ColorChoice, output};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::time::Duration;

/// How long work takes before it is worth a word.
const LONG: Duration = Duration::from_millis(300);

/// How often the line moves.
const TICK: Duration = Duration::from_millis(120);

/// A line on stderr that goes when the work is done. Elsewhere than on a terminal it is not there.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// A line that says nothing yet.
    pub fn start(color: ColorChoice) -> Self {
        let target = if io::stderr().is_terminal() && color != ColorChoice::Never {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// A line that shows only when the work takes long, so that quick answers do not flicker.
    pub fn slow(color: ColorChoice, text: &str) -> Self {
        let progress = Self::start(color);
        if progress.0.is_hidden() {
            return progress;
        }
        progress.0.set_draw_target(ProgressDrawTarget::hidden());
        progress.0.set_message(netpol::printable::printable(text).into_owned());
        let line = progress.0.downgrade();
        std::thread::spawn(move || {
            std::thread::sleep(LONG);
            // The work may be done, and the line gone with it.
            if let Some(line) = line.upgrade() {
                line.set_draw_target(ProgressDrawTarget::stderr());
                line.enable_steady_tick(TICK);
            }
        });
        progress
    }

    /// Says what is being done.
    pub fn say(&self, text: &str) {
        if !self.0.is_hidden() {
            self.0.set_message(netpol::printable::printable(text).into_owned());
            self.0.enable_steady_tick(TICK);
        }
    }

    /// Takes the line away until [`Progress::show`]; true: it was there.
    pub fn hide(&self) -> bool {
        if self.0.is_hidden() {
            return false;
        }
        self.0.disable_steady_tick();
        self.0.set_draw_target(ProgressDrawTarget::hidden());
        // What was drawn stays where it is.
        let _ = write!(io::stderr(), "\r\u{1b}[2K");
        true
    }

    /// Brings it back where it was there.
    pub fn show(&self, was_there: bool) {
        if was_there {
            self.0.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Runs something that prints, with the line out of its way.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// What somebody chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Go on.
    Yes,
    /// Do nothing.
    No,
    /// Go on, with all that was offered.
    Add,
}

/// Asks a question; `None`: there is nobody to answer it. What was offered can be added where there is
/// something.
pub fn choose(question: &str, may_add: bool) -> io::Result<Option<Choice>> {
    let choices = if may_add { "[y/N/a] (a: with the flags above added)" } else { "[y/N]" };
    let answer = asked(&format!("{question} {choices}"))?;
    Ok(answer.map(|answer| match answer.to_ascii_lowercase().as_str() {
        "y" | "yes" => Choice::Yes,
        "a" | "add" if may_add => Choice::Add,
        _ => Choice::No,
    }))
}

/// Asks for a word; `None`: there is nobody to answer.
pub fn type_again(question: &str) -> io::Result<Option<String>> {
    asked(question)
}

fn asked(question: &str) -> io::Result<Option<String>> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(None);
    }
    write!(io::stderr(), "{} ", netpol::printable::printable(question))?;
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(Some(answer.trim().to_owned()))
}

/// Lines for people, on stderr.
pub fn note(lines: &[String]) {
    for line in lines {
        output::note(line);
    }
}
