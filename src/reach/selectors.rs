//! Pods by selectors, as class sets.
//!
//! In: the subjects and peers of policies. Out: what certainly and what perhaps matches, found through
//! an index of labels where that is less work than looking at every class.

use super::classes::Space;
use super::peers::{Pair, SideSets};
use super::sets::{ClassId, Run, SetTable, merged};
use crate::cluster::{Name, Namespace, Operator, Selector, Truth, real_namespace};
use crate::policy::rule::{Namespaces, PodSet};
use foldhash::{HashMap, HashMapExt as _};
use std::collections::hash_map;
use std::sync::Arc;

/// By key and value, what has the label, in order.
type Labelled<'a> = HashMap<&'a str, HashMap<&'a str, Vec<u32>>>;

/// Selectable classes by their labels, for keys that were asked for.
#[derive(Default)]
pub(super) struct LabelledPods<'a> {
    by_label: Labelled<'a>,
    /// Those with labels that are set at run time; `None`: nothing was asked for yet.
    at_run_time: Option<Vec<ClassId>>,
}

/// The pod classes of namespaces, and which namespaces have a label.
pub(super) struct LabelledNamespaces<'a> {
    /// The classes of each and what is known of it, in order.
    all: Vec<(Run, Option<&'a Namespace>)>,
    /// Of those, by index, the ones with a label, and the ones whose labels are not known.
    by_label: Labelled<'a>,
    unlabelled: Vec<u32>,
}

/// Of so many pod classes a namespace has at least one if an index of all is made for its own selectors.
const LARGE: u32 = 16;

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

impl<'a> LabelledNamespaces<'a> {
    fn of(space: &Space<'a>, side: usize) -> Self {
        let snapshot = space.sides[side].snapshot;
        let mut all = Self { all: Vec::new(), by_label: Labelled::new(), unlabelled: Vec::new() };
        for (at, (name, range)) in (0..).zip(&space.namespaces) {
            let namespace = snapshot.namespace(name);
            all.all.push(((range.start, range.end), namespace));
            match namespace.filter(|namespace| !namespace.labels_unread) {
                None => all.unlabelled.push(at),
                Some(namespace) => {
                    for (key, value) in namespace.labels.iter() {
                        let by_value = all.by_label.entry(key).or_default();
                        by_value.entry(value).or_default().push(at);
                    }
                }
            }
        }
        all
    }
}

impl<'a> SideSets<'_, 'a> {
    /// Looks at all selectable classes once for each key that a selector asks for a value of.
    fn index_labels(&mut self, selector: &'a Selector) {
        let Self { tables, space, side, labelled, .. } = self;
        let classes = || tables.sets.classes(self.selectable);
        labelled.at_run_time.get_or_insert_with(|| {
            let pods = classes().filter_map(|class| Some((class, space.example(class, *side)?)));
            pods.filter(|(_, pod)| !pod.unknown_labels.is_empty()).map(|(class, _)| class).collect()
        });
        for requirement in &selector.requirements {
            let Operator::In(_) = requirement.operator else { continue };
            let hash_map::Entry::Vacant(free) = labelled.by_label.entry(&requirement.key) else {
                continue;
            };
            let mut by_value: HashMap<&str, Vec<u32>> = HashMap::new();
            for class in classes() {
                let pod = space.example(class, *side);
                if let Some(value) = pod.and_then(|pod| pod.label(&requirement.key)) {
                    by_value.entry(value).or_default().push(class);
                }
            }
            free.insert(by_value);
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
            let across = matches!(set.namespaces, Namespaces::Matching(_));
            match self.candidates(&set.pods, wide, across) {
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

    /// Classes that may match, where an index makes them fewer than looking at all `wide` of them. It is made
    /// for selectors `across` namespaces, and for those of a namespace that has many of the classes.
    fn candidates(
        &mut self,
        selector: &'a Selector,
        wide: u32,
        across: bool,
    ) -> Option<Vec<ClassId>> {
        if wide < if cfg!(debug_assertions) { 2 } else { 64 } {
            return None;
        }
        if across || wide.saturating_mul(LARGE) >= self.space.pods {
            self.index_labels(selector);
        }
        let at_run_time = self.labelled.at_run_time.as_ref()?;
        let lists = fewest(&self.labelled.by_label, selector)?;
        let size = lists.iter().map(|list| list.len()).sum::<usize>();
        if size + at_run_time.len() >= wide as usize {
            return None;
        }
        let mut all: Vec<ClassId> = lists.concat();
        all.extend(at_run_time);
        all.sort_unstable();
        all.dedup();
        Some(all)
    }

    /// The pod classes of matching namespaces, in order.
    fn namespaces(&mut self, selector: &'a Selector) -> Arc<[(Truth, Run)]> {
        if let Some(known) = self.namespace_sets.get(selector) {
            return known.clone();
        }
        let (space, side) = (self.space, self.side);
        let namespaces = self.namespaces.get_or_insert_with(|| LabelledNamespaces::of(space, side));
        let candidates = fewest(&namespaces.by_label, selector).map(|lists| {
            let mut all = lists.concat();
            all.extend(&namespaces.unlabelled);
            all.sort_unstable();
            all.dedup();
            all
        });
        let every = || (0..).zip(&namespaces.all).map(|(at, _)| at).collect();
        let mut all = Vec::new();
        for at in candidates.unwrap_or_else(every) {
            let (run, namespace) = &namespaces.all[at as usize];
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
