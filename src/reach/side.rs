//! One of the sides that classes are made of, and what numbers them.
//!
//! In: a snapshot with its rules; a family or a place in a list. Out: a [`Side`]; the number of each.

use crate::cluster::{Family, Snapshot};
use crate::policy::Ruleset;

/// A snapshot and the rules in force in it.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) rules: &'a Ruleset,
}

pub(super) fn family_index(family: Family) -> usize {
    usize::from(family == Family::V6)
}

pub(super) fn id(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
