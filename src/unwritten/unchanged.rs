//! Whether what two sides do not have in common changes any flow.
//!
//! In: two sides, and how many steps may be taken. Out: Yes where some flow of pods that could be
//! differs, No where it is proved that none does, and Unknown. Nothing is added to either side; ends
//! that are known are for [`reach::diff`](crate::reach::diff) to compare.

use super::by_text;
use super::homes::{Side, homes};
use super::search::{self, Search};
use crate::cluster::{Snapshot, Truth};
use crate::policy::Ruleset;

/// Whether the two sides differ in any flow between pods that are written nowhere, or with others; and
/// the steps that were taken.
pub fn changes(
    (old, old_rules): (&Snapshot, &Ruleset),
    (new, new_rules): (&Snapshot, &Ruleset),
    steps: u64,
) -> (Truth, u64) {
    let sides =
        [Side { snapshot: old, rules: old_rules }, Side { snapshot: new, rules: new_rules }];
    if !search::anything_differs(&sides) {
        return (Truth::No, 0);
    }
    let homes = homes(&sides);
    let mut search = Search::new(&sides, &homes, steps);
    search.differences();
    let taken = steps - search.budget.steps.min(steps);
    let told = if search.found.iter().any(|found| !found.hidden) {
        Truth::Yes
    } else if search.found.is_empty()
        && search.unfinished.is_empty()
        && [old_rules, new_rules].into_iter().all(|rules| by_text(rules).is_none())
    {
        Truth::No
    } else {
        Truth::Unknown
    };
    (told, taken)
}
