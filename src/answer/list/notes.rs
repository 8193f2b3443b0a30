//! How to read the rows that are told.
//!
//! In: rows, one after the other. Out: notes on the words in them, and on what those depend of which it is
//! not known whether they hold.

use super::{ListAsked, ListedFlow};
use crate::answer::end::EndKind;
use crate::prose::list;
use crate::verdict::Verdict;
use std::collections::BTreeSet;

/// So many conditions, and things that are not known, are told below the rows.
const TOLD: usize = 3;

/// What was in the rows so far.
#[derive(Default)]
pub(super) struct Notes {
    /// How many there were.
    pub(super) rows: usize,
    anyone: bool,
    every_pod: bool,
    in_part: bool,
    unknown: bool,
    conditions: BTreeSet<String>,
    not_known: BTreeSet<String>,
}

impl Notes {
    /// One more.
    pub(super) fn see(&mut self, flow: &ListedFlow) {
        self.rows += 1;
        for end in [&flow.source, &flow.destination] {
            self.anyone |= end.kind == Some(EndKind::Anyone);
            self.every_pod |= end.kind == Some(EndKind::EveryPod);
        }
        self.in_part |= flow.in_part;
        self.unknown |= flow.verdict == Verdict::Unknown;
        add(&mut self.conditions, &flow.conditions);
        add(&mut self.not_known, &flow.not_known);
    }

    /// How to read all of them.
    pub(super) fn told(&self, asked: &ListAsked) -> Vec<String> {
        let mut notes = asked.notes.clone();
        if self.anyone {
            notes.push(
                "anyone: everyone in the cluster and outside, as far as their own policies let them"
                    .to_owned(),
            );
        }
        if self.every_pod {
            notes.push(
                "everyone in the cluster: every pod, as far as its own policies let it".to_owned(),
            );
        }
        if self.in_part {
            notes.push(
                "in part: not from all pods to all pods; --by workload tells which".to_owned(),
            );
        }
        if !self.conditions.is_empty() {
            let words = some(&self.conditions);
            notes.push(format!("*: not all of it passes, only {words}"));
        }
        if self.unknown {
            let words = some(&self.not_known);
            let on = if words.is_empty() { "what `explain` tells" } else { &words };
            notes.push(format!("?: not known, since it depends on {on}"));
        }
        notes
    }
}

fn add(all: &mut BTreeSet<String>, words: &[String]) {
    for word in words {
        if !all.contains(word) {
            all.insert(word.clone());
        }
    }
}

/// The first of some words, and how many more there are.
fn some(words: &BTreeSet<String>) -> String {
    let more = words.len().saturating_sub(TOLD);
    let mut some: Vec<String> = words.iter().take(TOLD).cloned().collect();
    some.extend((more > 0).then(|| format!("{more} more")));
    list(&some, "or")
}
