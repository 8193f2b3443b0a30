//! A first file of tests, from what holds now.
//!
//! In: a snapshot and its rules. Out: a [`Draft`], for a person to cut down: which namespaces are closed, who
//! can resolve names, who alone reaches each namespace and whom it reaches, what the internet reaches, and what
//! rules let through between workloads, by namespace where all of one are alike. Each test is read and judged as
//! [`judge`](super::judge) does, and only what is proved is written. `flows.rs` finds what may hold, and `write.rs` is
//! how it is written.

mod flows;
mod write;

use super::words::TestScope;
use super::{Holds, JudgeError, from_yaml, judge};
use crate::cluster::{Name, PodId, Snapshot};
use crate::effort::Effort;
use crate::ends::names;
use crate::policy::rule::Direction;
use crate::policy::{Ruleset, dns_label_fault};
use crate::reach::Connectivity;
use flows::Flows;
use std::collections::BTreeMap;
use write::{Item, What, file};

/// Tests of flows between workloads are left out where there are more workloads.
const MOST_WORKLOADS: usize = 400;

/// So often tests are judged anew without those that are not proved.
const ROUNDS: usize = 4;

/// A first file of tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// How many tests it has.
    pub tests: usize,
    /// The file.
    pub text: String,
    /// What was not drafted, as sentences without their end.
    pub left_out: Vec<String>,
}

/// Writes what holds now; without any tests there is no text.
pub fn draft(snapshot: &Snapshot, rules: &Ruleset, effort: Effort) -> Result<Draft, JudgeError> {
    let spaces = spaces(snapshot);
    let connectivity = Connectivity::compute(snapshot, rules, effort)?;
    let mut left_out = Vec::new();
    let drafter = Drafter { snapshot, rules, effort };
    let flows = Flows::new(snapshot, rules, &connectivity, &spaces);
    let mut items = drafter.closed(&spaces)?;
    items.extend(drafter.resolving(&spaces)?);
    let mut choices = flows.between_namespaces();
    choices.push(flows.exposed(effort));
    match flows.between_workloads(MOST_WORKLOADS) {
        Some(more) => choices.extend(more),
        None => left_out.push(format!(
            "what passes between workloads is left out: there are more than {MOST_WORKLOADS}"
        )),
    }
    items.extend(drafter.best(choices)?);
    for round in 0.. {
        let holds = drafter.holding(&items)?;
        if holds.iter().all(|holds| *holds) {
            break;
        }
        if round == ROUNDS {
            items.clear();
        }
        let mut holds = holds.into_iter();
        items.retain(|_| holds.next() == Some(true));
    }
    let text = if items.is_empty() { String::new() } else { file(&items)? };
    Ok(Draft { tests: items.len(), text, left_out })
}

/// Namespaces that have pods, with the pods, by names that can be written.
fn spaces(snapshot: &Snapshot) -> BTreeMap<Name, Vec<PodId>> {
    let mut spaces: BTreeMap<Name, Vec<PodId>> = BTreeMap::new();
    for (id, pod) in snapshot.pods().iter().enumerate() {
        let is_there = !pod.finished && snapshot.representative(id).is_none();
        if is_there && dns_label_fault(&pod.namespace).is_none() {
            spaces.entry(pod.namespace.clone()).or_default().push(id);
        }
    }
    spaces
}

/// Judges what is drafted.
struct Drafter<'d> {
    snapshot: &'d Snapshot,
    rules: &'d Ruleset,
    effort: Effort,
}

impl Drafter<'_> {
    /// Which of some tests are proved.
    fn holding(&self, items: &[Item]) -> Result<Vec<bool>, JudgeError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let numbered = items.iter().enumerate();
        let numbered: Vec<Item> =
            numbered.map(|(at, item)| item.called(format!("t{at}"))).collect();
        // What cannot be read is no test.
        let mut tests = Vec::new();
        for item in &numbered {
            let read = file(std::slice::from_ref(item)).ok().and_then(|text| from_yaml(&text).ok());
            tests.extend(read.map(|file| file.tests).unwrap_or_default());
        }
        let mut proved = vec![false; items.len()];
        let at = |name: &str| name.strip_prefix('t').and_then(|at| at.parse::<usize>().ok());
        while !tests.is_empty() {
            let mut snapshot = self.snapshot.clone();
            match judge(&mut snapshot, self.rules, &tests, "default", self.effort) {
                Ok(judged) => {
                    for (test, judged) in tests.iter().zip(judged) {
                        if let Some(proved) = at(&test.name).and_then(|at| proved.get_mut(at)) {
                            *proved = judged.holds == Holds::Proved;
                        }
                    }
                    break;
                }
                // What cannot be asked is none either.
                Err(JudgeError::Mistake(mistake)) => tests.retain(|it| it.name != mistake.test),
                Err(error) => return Err(error),
            }
        }
        Ok(proved)
    }

    /// The first of each choice that is proved.
    fn best(&self, choices: Vec<Vec<Item>>) -> Result<Vec<Item>, JudgeError> {
        let flat: Vec<Item> = choices.iter().flatten().cloned().collect();
        let mut holds = self.holding(&flat)?.into_iter();
        let mut found = Vec::new();
        for choice in choices {
            let held: Vec<bool> = holds.by_ref().take(choice.len()).collect();
            let first = choice.into_iter().zip(held).find(|(_, holds)| *holds);
            found.extend(first.map(|(item, _)| item));
        }
        Ok(found)
    }

    /// Namespaces of which policies isolate every pod, by directions.
    fn closed(&self, spaces: &BTreeMap<Name, Vec<PodId>>) -> Result<Vec<Item>, JudgeError> {
        let deny = |names: &[Name], directions: &[Direction]| {
            let words: Vec<&str> = directions.iter().map(|it| it.as_str()).collect();
            let name = format!("pods are closed: {}", crate::prose::list(&words, "and"));
            Item::new(name, TestScope::Any, What::closed(names, &words))
        };
        let one = |name: &Name| Direction::ALL.map(|way| deny(std::slice::from_ref(name), &[way]));
        let items: Vec<Item> = spaces.keys().flat_map(one).collect();
        let holds = self.holding(&items)?;
        let mut by_ways: BTreeMap<Vec<bool>, Vec<Name>> = BTreeMap::new();
        for (name, ways) in spaces.keys().zip(holds.chunks(Direction::ALL.len())) {
            by_ways.entry(ways.to_vec()).or_default().push(name.clone());
        }
        let fold = |(ways, names): (Vec<bool>, Vec<Name>)| {
            let ways: Vec<Direction> =
                Direction::ALL.into_iter().zip(ways).filter(|(_, it)| *it).map(|it| it.0).collect();
            (!ways.is_empty()).then(|| deny(&names, &ways))
        };
        Ok(by_ways.into_iter().rev().filter_map(fold).collect())
    }

    /// Namespaces whose pods can ask the cluster's DNS.
    fn resolving(&self, spaces: &BTreeMap<Name, Vec<PodId>>) -> Result<Option<Item>, JudgeError> {
        let dns = |names: &[Name]| {
            Item::new("names resolve".to_owned(), TestScope::Any, What::dns(names))
        };
        let items: Vec<Item> = spaces.keys().map(|name| dns(std::slice::from_ref(name))).collect();
        let holds = self.holding(&items)?;
        let names = spaces.keys().zip(holds).filter(|(_, holds)| *holds);
        let names: Vec<Name> = names.map(|(name, _)| name.clone()).collect();
        Ok((!names.is_empty()).then(|| dns(&names)))
    }
}

/// What a workload, or a pod of none, is called in a test.
fn called(snapshot: &Snapshot, id: PodId) -> String {
    names::workload(snapshot, snapshot.pod(id)).to_string()
}
