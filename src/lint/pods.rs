//! The pods that are known, by what selectors ask of them.
//!
//! In: a snapshot. Out: for each set that a rule names the pods that are in it, with those on their nodes'
//! networks apart, which no rule means.

use super::within::names;
use crate::cluster::{NAMESPACE_NAME_LABEL, Operator};
use crate::cluster::{Name, Namespace, Pod, PodId, Selector, Snapshot, Truth};
use crate::policy::rule::{Namespaces, PodSet};
use foldhash::{HashMap, HashMapExt as _};
use std::cell::RefCell;
use std::rc::Rc;

/// So many namespaces are few.
const FEW: usize = 4;

/// Whom a set means of those that are known.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    /// On the pod network.
    pub(super) pods: Vec<PodId>,
    /// On their nodes' networks, though their labels are asked for.
    pub(super) on_nodes: Vec<PodId>,
    /// There may be others: labels or namespaces are not known.
    pub(super) unsure: bool,
    /// The namespaces that are asked for have pods, whatever their labels.
    pub(super) any_there: bool,
}

/// The pods, by a label of theirs.
pub(super) struct Pods<'a> {
    snapshot: &'a Snapshot,
    by_label: HashMap<(&'a str, &'a str), Vec<PodId>>,
    /// The pods whose labels are not all known.
    open: Vec<PodId>,
    known: RefCell<HashMap<PodSet, Rc<Members>>>,
}

impl<'a> Pods<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        let mut by_label: HashMap<(&str, &str), Vec<PodId>> = HashMap::new();
        let mut open = Vec::new();
        for (id, pod) in snapshot.pods().iter().enumerate() {
            if pod.finished || snapshot.representative(id).is_some() {
                continue;
            }
            for label in pod.labels.iter() {
                by_label.entry(label).or_default().push(id);
            }
            if !pod.unknown_labels.is_empty() {
                open.push(id);
            }
        }
        Self { snapshot, by_label, open, known: RefCell::default() }
    }

    /// Whom a set means.
    pub(super) fn of(&self, set: &PodSet) -> Rc<Members> {
        if let Some(known) = self.known.borrow().get(set) {
            return known.clone();
        }
        let members = Rc::new(self.look(set));
        self.known.borrow_mut().insert(set.clone(), members.clone());
        members
    }

    fn look(&self, set: &PodSet) -> Members {
        let mut members = Members { unsure: set.doubt.is_some(), ..Members::default() };
        let spaces = self.spaces(set, &mut members);
        let one = |selector: &Selector| {
            selector.requirements.iter().find_map(|requirement| match &requirement.operator {
                Operator::In(values) => Some((requirement.key.clone(), values.clone())),
                _ => None,
            })
        };
        // Of few namespaces all pods are looked at, of many those with a label.
        let label = one(&set.pods).filter(|_| spaces.len() > FEW);
        let mut candidates: Vec<PodId> = if let Some((key, values)) = label {
            let some = values.iter().flat_map(|value| self.labelled(&key, value));
            some.chain(self.open.iter().copied()).collect()
        } else {
            let of =
                |name: &Name| self.snapshot.pods_in(name).map(|(id, _)| id).collect::<Vec<_>>();
            spaces.iter().flat_map(of).collect()
        };
        candidates.sort_unstable();
        candidates.dedup();
        for id in candidates {
            let pod = self.snapshot.pod(id);
            if pod.finished
                || self.snapshot.representative(id).is_some()
                || spaces.binary_search(&pod.namespace).is_err()
            {
                continue;
            }
            match pod.matches(&set.pods) {
                Truth::No => {}
                Truth::Unknown => members.unsure = true,
                Truth::Yes if pod.host_network => members.on_nodes.push(id),
                Truth::Yes => members.pods.push(id),
            }
        }
        members
    }

    fn labelled(&self, key: &str, value: &str) -> Vec<PodId> {
        self.by_label.get(&(key, value)).cloned().unwrap_or_default()
    }

    /// The namespaces of a set, in order.
    fn spaces(&self, set: &PodSet, members: &mut Members) -> Vec<Name> {
        let mut all: Vec<Name> = match &set.namespaces {
            Namespaces::Own(name) => vec![name.clone()],
            Namespaces::Matching(selector) => {
                let mut some = Vec::new();
                let mut look = |namespace: &Namespace| match namespace.matches(selector) {
                    Truth::Yes => some.push(namespace.name.clone()),
                    Truth::Unknown => members.unsure = true,
                    Truth::No => {}
                };
                if let Some(names) = names(selector) {
                    names.iter().filter_map(|it| self.snapshot.namespace(it)).for_each(look);
                } else {
                    let real = self.snapshot.namespaces().filter(|it| !it.supposed);
                    real.for_each(&mut look);
                }
                some
            }
        };
        all.sort_unstable();
        all.dedup();
        members.any_there = all.iter().any(|name| self.snapshot.pods_in(name).next().is_some());
        all
    }

    /// One pod.
    pub(super) fn pod(&self, id: PodId) -> &'a Pod {
        self.snapshot.pod(id)
    }
}

/// The names of namespaces that a selector asks for, where it asks for nothing else.
pub(super) fn named(selector: &Selector) -> Option<&[Name]> {
    match selector.requirements.as_slice() {
        [one] if *one.key == *NAMESPACE_NAME_LABEL => match &one.operator {
            Operator::In(values) => Some(values),
            _ => None,
        },
        _ => None,
    }
}
