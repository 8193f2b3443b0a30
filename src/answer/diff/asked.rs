//! What a comparison is made of.
//!
//! In: two snapshots with their rules, and how to compare them. Out: the same for `compare.rs`.

use crate::answer::place::Locate;
use crate::cluster::Snapshot;
use crate::effort::Effort;
use crate::policy::Ruleset;

/// One of the two that are compared.
pub struct Compared<'a> {
    /// What it is called, as on the command line.
    pub name: &'a str,
    /// The words with which `explain` reads the same.
    pub arguments: &'a [String],
    /// The command whose output `explain` then reads, where there is one.
    pub piped_from: &'a [String],
    /// What exists; representatives are added to it for a while.
    pub snapshot: &'a mut Snapshot,
    /// What is in force.
    pub rules: &'a Ruleset,
    /// Finds places.
    pub locate: &'a Locate<'a>,
}

/// How two sides are compared.
#[derive(Clone, Debug, Default)]
pub struct DiffAsked {
    /// Tell reasons too.
    pub reasons: bool,
    /// Give pods that are written nowhere as manifests.
    pub witness: bool,
    /// Only pods that are known.
    pub known_only: bool,
    /// No policy is missing in either.
    pub policies_complete: bool,
    /// Both were read at once, so that what could not be read is the same.
    pub one_reading: bool,
    /// What need not have been read: paths, and kinds.
    pub accepted: Vec<String>,
    /// How far each comparison, and each search for pods that are written nowhere, may go.
    pub effort: Effort,
}
