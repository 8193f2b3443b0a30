//! How many rows of a list have one flow told, and with what.
//!
//! In: what is asked. Out: whether there is room for more, and a note on those without.

use crate::answer::place::Locate;
use crate::effort::{Effort, Steps};
use std::cell::Cell;

/// Of so many rows one flow is told; a file with more of them would be too large to look at.
const MOST_ROWS: usize = 5000;

/// How far witnesses are told.
pub(super) struct Witnesses<'a> {
    /// The words with which `explain` reads the same.
    pub(super) arguments: &'a [String],
    /// Finds places.
    pub(super) locate: &'a Locate<'a>,
    /// What is asked for them.
    pub(super) steps: Steps,
    told: Cell<usize>,
    left_out: Cell<usize>,
}

impl<'a> Witnesses<'a> {
    pub(super) fn new(arguments: &'a [String], locate: &'a Locate<'a>, effort: Effort) -> Self {
        let (told, left_out) = (Cell::new(0), Cell::new(0));
        Self { arguments, locate, steps: Steps::new(effort), told, left_out }
    }

    /// Whether there is room for more.
    pub(super) fn are_wanted(&self) -> bool {
        self.told.get() < MOST_ROWS
    }

    /// One row more, with or without a flow.
    pub(super) fn count(&self, told: bool) {
        let count = if told { &self.told } else { &self.left_out };
        count.set(count.get() + 1);
    }

    /// That there are rows of which no flow is told.
    pub(super) fn note(&self) -> Option<String> {
        let left_out = self.left_out.get();
        (left_out > 0).then(|| {
            format!(
                "{left_out} of the rows have no example with its reasons here: `explain` tells them"
            )
        })
    }
}
