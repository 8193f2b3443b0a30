//! How far engines may go, whatever the input asks of them.
//!
//! In: limits. Out: [`Effort`], [`Steps`] to count by, and [`TooMuch`] where an engine stopped at one of
//! them. Memory and time of an answer grow with pods, rules and ports multiplied, so a small input can
//! ask for a large one.

use std::cell::Cell;
use std::fmt;
use std::time::Instant;

/// How far engines may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Steps of the search for pods that are not written, all questions together. What is beyond is
    /// told as not looked at.
    pub search: u64,
    /// Rules times places up to which a list asks what each two rules let through together. Where there
    /// are more, each rule is asked for one flow.
    pub pairs: u64,
    /// Steps towards all flows, ends or ports that were looked at for a rule; and as many towards the
    /// reasons of rows.
    pub steps: u64,
    /// What is kept of all flows: runs of ends and ranges of ports, some eight bytes each.
    pub cells: u64,
    /// Rows of an answer.
    pub rows: u64,
    /// Changes of a diff that are explained, each with up to a hundred ends and policies.
    pub changes: u64,
    /// When all of it must be done, if there is such a time.
    pub until: Option<Deadline>,
}

/// The end of a time by the clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    started: Instant,
    /// How long it is.
    pub seconds: u64,
}

impl Deadline {
    /// So many seconds after a moment.
    pub fn after(started: Instant, seconds: u64) -> Self {
        Self { started, seconds }
    }

    /// Whether it has come.
    pub fn is_over(&self) -> bool {
        self.started.elapsed().as_secs() >= self.seconds
    }
}

/// Some seconds and some hundred megabytes at the most.
impl Default for Effort {
    fn default() -> Self {
        Self {
            search: 50_000_000,
            pairs: 4_000,
            steps: 1_000_000_000,
            cells: 48_000_000,
            rows: 1_000_000,
            changes: 10_000,
            until: None,
        }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Steps.
    Steps,
    /// Cells.
    Cells,
    /// Rows.
    Rows,
    /// Changes.
    Changes,
    /// Seconds.
    Time,
}

/// An answer would take more than is allowed; nothing is said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMuch {
    /// Of what.
    pub work: Work,
    /// How much is allowed.
    pub limit: u64,
}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { work, limit } = self;
        let (what, of, name) = match work {
            Work::Steps => ("work out: these policies take", "steps", "steps=NUMBER"),
            Work::Cells => (
                "keep: these policies tell apart",
                "combinations of ends and ports",
                "cells=NUMBER",
            ),
            Work::Rows => ("tell:", "rows", "rows=NUMBER"),
            Work::Changes => ("tell:", "changes", "changes=NUMBER"),
            Work::Time => ("work out: it takes", "seconds", "time=NUMBER"),
        };
        write!(
            f,
            "too much to {what} more than {limit} {of}; ask for less (list has -n, --from, --to and \
             --by namespace), or raise it with --limits {name}"
        )
    }
}

impl std::error::Error for TooMuch {}

/// Counts the steps of one engine.
#[derive(Debug)]
pub struct Steps {
    limit: u64,
    until: Option<Deadline>,
    taken: Cell<u64>,
    /// The steps at which the clock is looked at again.
    next_look: Cell<u64>,
    late: Cell<bool>,
}

/// The clock is looked at after so many steps, which are less than a tenth of a second.
const BETWEEN_LOOKS: u64 = 1 << 16;

impl Steps {
    /// None is taken yet.
    pub fn new(effort: Effort) -> Self {
        let Effort { steps: limit, until, .. } = effort;
        let (taken, next_look) = (Cell::new(0), Cell::new(0));
        Self { limit, until, taken, next_look, late: Cell::new(false) }
    }

    /// Takes some.
    pub fn take(&self, steps: usize) {
        self.taken.set(self.taken.get().saturating_add(steps as u64));
    }

    /// Whether the time is over.
    pub fn late(&self) -> Option<TooMuch> {
        self.too_much().filter(|too_much| too_much.work == Work::Time)
    }

    /// What there is too much of. Whoever takes steps asks in its loops and stops where there is.
    pub fn too_much(&self) -> Option<TooMuch> {
        let taken = self.taken.get();
        if let Some(until) = self.until {
            if taken >= self.next_look.get() {
                self.next_look.set(taken.saturating_add(BETWEEN_LOOKS));
                self.late.set(self.late.get() || until.is_over());
            }
            if self.late.get() {
                return Some(TooMuch { work: Work::Time, limit: until.seconds });
            }
        }
        let over = taken > self.limit;
        over.then_some(TooMuch { work: Work::Steps, limit: self.limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn steps_end_at_their_limit_and_with_the_time() {
        let effort = Effort { steps: 5, ..Effort::default() };
        let steps = Steps::new(effort);
        steps.take(5);
        assert_eq!(steps.too_much(), None);
        steps.take(usize::MAX);
        assert_eq!(steps.too_much(), Some(TooMuch { work: Work::Steps, limit: 5 }));

        let before = Instant::now().checked_sub(Duration::from_secs(9)).unwrap();
        let until = |seconds| Some(Deadline::after(before, seconds));
        let late = Steps::new(Effort { until: until(8), ..effort }).too_much().unwrap();
        assert!(
            late.to_string().starts_with("too much to work out: it takes more than 8 seconds; ")
        );
        assert!(late.to_string().ends_with(" --limits time=NUMBER"), "{late}");
        assert_eq!(Steps::new(Effort { until: until(900), ..effort }).too_much(), None);
        assert_eq!(Steps::new(Effort { until: until(u64::MAX), ..effort }).too_much(), None);
    }
}
