//! How far engines may go, whatever the input asks of them.
//!
//! In: limits. Out: [`Effort`], and [`TooMuch`] where an engine stopped at one of them. Memory and time
//! of an answer grow with pods, rules and ports multiplied, so a small input can ask for a large one.

use std::fmt;

/// How far engines may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Steps of the search for pods that are not written, all questions together. What is beyond is
    /// told as not looked at.
    pub search: u64,
    /// Rules times places up to which a list asks what each two rules let through together. Where there
    /// are more, each rule is asked for one flow.
    pub pairs: u64,
    /// Steps towards all flows: ends or ports that were looked at for a rule.
    pub steps: u64,
    /// What is kept of all flows: runs of ends and ranges of ports, some eight bytes each.
    pub cells: u64,
    /// Rows of an answer.
    pub rows: u64,
    /// Changes of a diff that are explained, each with up to a hundred ends and policies.
    pub changes: u64,
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
        let (what, name) = match work {
            Work::Steps => ("work out: these policies take", "steps"),
            Work::Cells => ("keep: these policies tell apart", "cells"),
            Work::Rows => ("tell:", "rows"),
            Work::Changes => ("tell:", "changes"),
        };
        let of = if *work == Work::Cells { "combinations of ends and ports" } else { name };
        write!(
            f,
            "too much to {what} more than {limit} {of}; ask for less (list has -n, --from, --to and \
             --by namespace), or raise it with --limits {name}=NUMBER"
        )
    }
}

impl std::error::Error for TooMuch {}
