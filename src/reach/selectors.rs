//! Pods by selectors, as class sets.
//!
//! In: the subjects and peers of policies. Out: what certainly and what perhaps matches, found through
//! an index of labels where that is less work than looking at every class.

use super::peers::{Pair, SideSets};
use super::sets::{ClassId, Run, SetTable, merged};
use crate::cluster::{Name, Operator, Selector, Truth, real_namespace};
use crate::policy::rule::{Entry, Namespaces, PeerKind, PodSet};
use std::collections::HashMap;
use std::sync::Arc;

/// By key and value, what has the label, in order.
pub(super) type Labelled<'a> = HashMap<&'a str, HashMap<&'a str, Vec<u32>>>;

/// The shortest lists that together have all that can match; `None` where no index helps.
fn fewest<'l>(labelled: &'l Labelled<'_>, selector: &Selector) -> Option<Vec<&'l [u32]>> {
    let mut best: Option<(usize, Vec<&[u32]>)> = None;
    for requirement in &selector.requirements {
        let Operator::In(values) = &requirement.operator else { continue };
        // A key that is not indexed may still be anywhere.
        let Some(by_value) = labelled.get(&*requirement.key) else { continue };
        let lists: Vec<&[u32]> =
            values.iter().filter_map(|v| by_value.get(&**v)).map(Vec::as_slice).collect();
        let size = lists.iter().map(|list| list.len()).sum();
        if best.as_ref().is_none_or(|(fewest, _)| size < *fewest) {
            best = Some((size, lists));
        }
    }
    best.map(|(_, lists)| lists)
}

impl<'a> SideSets<'_, 'a> {
    pub(super) fn index_namespaces(&mut self) {
        let snapshot = self.space.sides[self.side].snapshot;
        for (at, (name, range)) in (0..).zip(&self.space.namespaces) {
            let namespace = snapshot.namespace(name);
            self.namespaces.push(((range.start, range.end), namespace));
            match namespace.filter(|namespace| !namespace.labels_unread) {
                None => self.unlabelled_namespaces.push(at),
                Some(namespace) => {
                    for (key, value) in namespace.labels.iter() {
                        let by_value = self.labelled_namespaces.entry(key).or_default();
                        by_value.entry(value).or_default().push(at);
                    }
                }
            }
        }
    }

    pub(super) fn index_labels(&mut self) {
        for policy in self.policies() {
            let peers = policy.entries.iter().flat_map(pod_sets);
            for set in peers.chain(std::iter::once(&policy.subject)) {
                if let Namespaces::Own(_) = set.namespaces {
                    continue;
                }
                for requirement in &set.pods.requirements {
                    if let Operator::In(_) = requirement.operator {
                        self.labelled.entry(&requirement.key).or_default();
                    }
                }
            }
        }
        for class in self.tables.sets.runs(self.selectable).iter().flat_map(|(from, to)| *from..*to)
        {
            let Some(pod) = self.space.example(class, self.side) else { continue };
            for (key, by_value) in &mut self.labelled {
                if let Some(value) = pod.label(key) {
                    by_value.entry(value).or_default().push(class);
                }
            }
            if !pod.unknown_labels.is_empty() {
                self.runtime_labelled.push(class);
            }
        }
    }

    pub(super) fn pod_set(&mut self, set: &'a PodSet) -> Pair {
        if let Some(known) = self.pod_sets.get(set) {
            return *known;
        }
        let spaces = match &set.namespaces {
            Namespaces::Own(name) => {
                // What representatives suppose of its labels stands right behind it.
                let runs = self.space.namespaces.range::<Name, _>(name..);
                let runs = runs.take_while(|(other, _)| *real_namespace(other) == **name);
                runs.map(|(_, run)| (Truth::Yes, (run.start, run.end))).collect::<Arc<[_]>>()
            }
            Namespaces::Matching(selector) => self.namespaces(selector),
        };
        let (mut certain, mut possible) = (Vec::new(), Vec::new());
        let mut add = |truth: Truth, run: Run| {
            if truth.is_yes() {
                certain.push(run);
            }
            if !truth.is_no() {
                possible.push(run);
            }
        };
        if set.pods.is_everything() {
            for (truth, run) in spaces.iter() {
                add(*truth, *run);
            }
        } else {
            let space = self.space;
            let side = self.side;
            let mut test = |truth: Truth, class: ClassId| {
                if let Some(pod) = space.example(class, side) {
                    let matches = pod.matches(&set.pods);
                    add(truth.and(matches), (class, class + 1));
                }
            };
            let wide: u32 = spaces.iter().map(|(_, (from, to))| to - from).sum();
            match self.candidates(&set.pods, wide) {
                Some(candidates) => {
                    for class in candidates {
                        let at = spaces.partition_point(|(_, (_, to))| *to <= class);
                        if let Some((truth, _)) = spaces.get(at).filter(|(_, r)| r.0 <= class) {
                            test(*truth, class);
                        }
                    }
                }
                None => {
                    for (truth, (from, to)) in spaces.iter() {
                        (*from..*to).for_each(|class| test(*truth, class));
                    }
                }
            }
        }
        let certain = self.tables.sets.id(merged(certain));
        let possible = self.tables.sets.id(merged(possible));
        let certain = if set.doubt.is_some() { SetTable::EMPTY } else { certain };
        let pair = Pair {
            certain: self.tables.sets.and(certain, self.selectable),
            possible: self.tables.sets.and(possible, self.selectable),
        };
        self.uncertain |= pair.certain != pair.possible;
        self.pod_sets.insert(set, pair);
        pair
    }

    /// Classes that may match, where an index makes them fewer than looking at all `wide` of them.
    fn candidates(&self, selector: &Selector, wide: u32) -> Option<Vec<ClassId>> {
        if wide < if cfg!(debug_assertions) { 2 } else { 64 } {
            return None;
        }
        let lists = fewest(&self.labelled, selector)?;
        let size = lists.iter().map(|list| list.len()).sum::<usize>();
        if size + self.runtime_labelled.len() >= wide as usize {
            return None;
        }
        let mut all: Vec<ClassId> = lists.concat();
        all.extend(&self.runtime_labelled);
        all.sort_unstable();
        all.dedup();
        Some(all)
    }

    /// The pod classes of matching namespaces, in order.
    fn namespaces(&mut self, selector: &'a Selector) -> Arc<[(Truth, Run)]> {
        if let Some(known) = self.namespace_sets.get(selector) {
            return known.clone();
        }
        let candidates = fewest(&self.labelled_namespaces, selector).map(|lists| {
            let mut all = lists.concat();
            all.extend(&self.unlabelled_namespaces);
            all.sort_unstable();
            all.dedup();
            all
        });
        let every = || (0..).zip(&self.namespaces).map(|(at, _)| at).collect();
        let mut all = Vec::new();
        for at in candidates.unwrap_or_else(every) {
            let (run, namespace) = &self.namespaces[at as usize];
            let truth = namespace.map_or(Truth::Unknown, |namespace| namespace.matches(selector));
            if !truth.is_no() {
                all.push((truth, *run));
            }
        }
        let all: Arc<[_]> = all.into();
        self.namespace_sets.insert(selector, all.clone());
        all
    }
}

fn pod_sets(entry: &Entry) -> impl Iterator<Item = &PodSet> {
    entry.others().chain(entry.own()).filter_map(|kind| match kind {
        PeerKind::Pods(set) => Some(set),
        _ => None,
    })
}
