//! What is said of a way of several hops.
//!
//! In: a way that was judged. Out: a sentence where it does not pass whole.

use crate::verdict::{Taken, Verdict};

/// What becomes of a way that does not pass whole, in words.
///
/// Source: docs/semantics/entries.md#routed-but-denied.
pub(super) fn sentence(way: &Taken) -> Option<String> {
    let passes = passing(way);
    if !way.is_perhaps() {
        return passes;
    }
    let perhaps = "Perhaps: whether its pattern means this path only its controller knows";
    Some(passes.map_or_else(|| perhaps.to_owned(), |more| format!("{perhaps}. {more}")))
}

fn passing(way: &Taken) -> Option<String> {
    if !way.faults.is_empty() {
        return Some(way.faults.join("; "));
    }
    let hop = way.deciding()?;
    let last = way.hops.last().is_some_and(|last| last == hop);
    Some(match (hop.verdict(), last) {
        (Some(Verdict::Denied), true) => format!(
            "Routed but denied: {} leads to {}, and policies refuse {}: clients get an error in its \
             place, such as 502 or 504",
            hop.by, hop.to, hop.from
        ),
        (Some(Verdict::Denied), false) => {
            format!("Policies refuse {} on its way to {}, which would pass it on", hop.from, hop.to)
        }
        (None, _) => format!(
            "Of what comes from {} policies let some through to {} and deny the rest",
            hop.from, hop.to
        ),
        _ => format!("Not known: whether {} reaches {}", hop.from, hop.to),
    })
}
