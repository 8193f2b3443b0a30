//! What all relations of one answer share, and how far it may go.
//!
//! In: an [`Effort`]. Out: [`Tables`] of sets and ports, in which equal ones have equal ids, and which
//! know when there is too much of them. Whoever fills them asks in its loops and then stops: what it
//! made until then is thrown away with the answer.

use super::port_table::PortTable;
use super::ports::PortSet;
use super::sets::SetTable;
use crate::effort::{Effort, Steps, TooMuch, Work};
use std::cell::Cell;

/// Sets and ports that all relations of one answer share.
pub(super) struct Tables {
    pub(super) sets: SetTable,
    pub(super) ports: PortTable,
    effort: Effort,
    steps: Steps,
    /// The cells that others keep.
    kept: Cell<u64>,
}

impl Tables {
    /// Tables for rules with these ports.
    pub(super) fn new<'p>(effort: Effort, written: impl IntoIterator<Item = &'p PortSet>) -> Self {
        let (sets, ports) = (SetTable::new(), PortTable::new(written));
        Self { sets, ports, effort, steps: Steps::new(effort), kept: Cell::new(0) }
    }

    /// Begins to count the steps of another answer.
    pub(super) fn begin(&mut self, effort: Effort) {
        (self.effort, self.steps) = (effort, Steps::new(effort));
    }

    /// The cells that all of it takes.
    pub(super) fn held(&self) -> u64 {
        self.sets.held() + self.ports.held() + self.kept.get()
    }

    /// Counts what was looked at.
    pub(super) fn step(&self, steps: usize) {
        self.steps.take(steps);
    }

    /// Counts what is kept elsewhere than in the tables.
    pub(super) fn keep(&self, cells: usize) {
        self.kept.set(self.kept.get().saturating_add(cells as u64));
    }

    /// What there is too much of.
    pub(super) fn too_much(&self) -> Option<TooMuch> {
        let limit = self.effort.cells;
        if self.held() > limit {
            return Some(TooMuch { work: Work::Cells, limit });
        }
        self.steps.too_much()
    }

    /// Whether it is time to stop.
    pub(super) fn is_over(&self) -> bool {
        self.too_much().is_some()
    }
}
