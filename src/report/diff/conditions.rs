//! Conditions that a change makes other.
//!
//! In: both sides. Out: a warning for each policy whose conditions differ. What passes on a condition
//! is compared as what passes without, so that such a change opens and closes no flow.

use super::super::warnings::Warning;
use super::super::words;
use super::DiffSide;
use std::collections::{BTreeMap, BTreeSet};

/// So many policies are told.
const MOST: usize = 5;

/// What the rules of each policy ask for besides, by the policy's name.
fn conditions(side: &DiffSide<'_>) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for policy in side.rules.policies() {
        let of_entries = policy.entries.iter().filter_map(|entry| entry.condition.as_ref());
        let words: BTreeSet<String> = of_entries.map(|it| it.words.to_string()).collect();
        if !words.is_empty() {
            all.entry(policy.object.to_string()).or_default().extend(words);
        }
    }
    all
}

pub(super) fn warnings(sides: [&DiffSide<'_>; 2]) -> Vec<Warning> {
    let [old, new] = sides.map(conditions);
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differ: Vec<&String> =
        names.into_iter().filter(|name| old.get(*name) != new.get(*name)).collect();
    let said = |of: Option<&BTreeSet<String>>| match of {
        None => "none".to_owned(),
        Some(words) => words::list(&words.iter().cloned().collect::<Vec<_>>(), "or"),
    };
    let mut all: Vec<String> = differ
        .iter()
        .take(MOST)
        .map(|name| {
            format!(
                "the conditions of {name} change from {} to {}; what passes on a condition is \
                 compared as allowed",
                said(old.get(*name)),
                said(new.get(*name)),
            )
        })
        .collect();
    if let more @ 1.. = differ.len().saturating_sub(MOST) {
        all.push(format!("the conditions of {more} more policies change"));
    }
    all.into_iter().map(|message| Warning { message, location: None }).collect()
}
