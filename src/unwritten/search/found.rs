//! What a formula found, as pods.
//!
//! In: the values of a formula that holds. Out: the shapes of its pods, the flow between them judged on
//! each side, and with that a [`Found`].

use super::{Found, FoundEnd, Goal, Group, How, Search, subject};
use crate::cluster::{Name, Pod, Port, Representative, Snapshot};
use crate::policy::Ruleset;
use crate::policy::rule::Direction;
use crate::unwritten::flows::{A_PEER, Flows, Of, Who};
use crate::unwritten::homes::{Home, free_name};
use crate::unwritten::sat::Lit;
use crate::unwritten::shape::{Label, Place, Shape};
use crate::verdict::{Endpoint, Flow, Judgement, Passage, Trace, judge};
use foldhash::{HashMap, HashMapExt as _};
use std::collections::BTreeSet;

/// A snapshot with only what judging a flow between unwritten pods needs.
pub(super) struct Scratch {
    pub(super) snapshot: Snapshot,
    pods: HashMap<(Name, Name, bool), usize>,
}

impl Scratch {
    pub(super) fn new(of: &Snapshot) -> Self {
        let mut snapshot = Snapshot::default();
        snapshot.nodes.clone_from(&of.nodes);
        snapshot.pod_cidrs.clone_from(&of.pod_cidrs);
        let servers = of.endpoint_slices.iter();
        for slice in servers.filter(|s| &*s.namespace == "default" && &*s.service == "kubernetes") {
            snapshot.endpoint_slices.push(slice.clone());
        }
        Self { snapshot, pods: HashMap::new() }
    }

    fn pod(
        &mut self,
        pod: Pod,
        any_port_names: bool,
        add: impl FnOnce(&mut Snapshot, Pod) -> usize,
    ) -> usize {
        let key = (pod.namespace.clone(), pod.name.clone(), any_port_names);
        if let Some(known) = self.pods.get(&key) {
            return *known;
        }
        let id = add(&mut self.snapshot, pod);
        self.pods.insert(key, id);
        id
    }
}

/// Whether both let it through on a condition, and not on the same one.
fn is_rebound(old: &Judgement, new: &Judgement) -> bool {
    let asks = |trace: &Trace| -> BTreeSet<Box<str>> {
        trace.conditions.iter().map(|condition| condition.asks.clone()).collect()
    };
    let both = |judged: &Judgement| [&judged.egress, &judged.ingress].map(asks);
    [old, new].map(Judgement::passage) == [Passage::OnCondition; 2] && both(old) != both(new)
}

/// The steps that it takes to judge a flow of a pod in a namespace.
fn weight(rules: &Ruleset, namespace: &str, direction: Direction) -> u64 {
    let policies = rules.candidates(namespace, direction).map(|(_, policy)| policy);
    let entries = policies.flat_map(|policy| &policy.entries);
    entries.map(|entry| 1 + entry.others().count() as u64).sum::<u64>() * A_PEER as u64
}

impl<'a> Search<'a> {
    /// Takes the flow that was found last, if judging it says the same.
    pub(super) fn take(
        &mut self,
        flows: &Flows<'a>,
        [who, peer]: [&Who<'a>; 2],
        direction: Direction,
        goal: Goal,
        group: Group,
    ) {
        let mut ends = [who, peer];
        if subject(direction) == 1 {
            ends.reverse();
        }
        let Some(port) = flows.ports.iter().find(|(.., lit)| flows.circuit.holds(*lit)) else {
            return;
        };
        let port = Port { protocol: port.0, number: port.1.first };
        let mut found = Vec::new();
        let mut endpoints: Vec<[Endpoint; 2]> = Vec::new();
        for (role, who) in ends.into_iter().enumerate() {
            match who {
                Who::Unwritten(home, name) => {
                    let shape = self.shape(flows, role, home, name, port);
                    let place = self.homes.iter().position(|h| std::ptr::eq(h, *home)).unwrap_or(0);
                    endpoints.push(self.scratched(&shape, false));
                    found.push(FoundEnd::Shape(shape, place));
                }
                Who::One(all) => {
                    let chosen =
                        flows.one_of[role].iter().position(|lit| flows.circuit.holds(*lit));
                    let Some(both) = chosen.and_then(|i| all.get(i)) else { return };
                    endpoints.push(self.scratched_known(both));
                    found.push(FoundEnd::Known(both[0].clone()));
                }
            }
        }
        let (Ok(ends), [source, destination]) =
            (<[FoundEnd; 2]>::try_from(found), endpoints.as_slice())
        else {
            return;
        };
        let judged: Vec<Judgement> = (0..self.sides.len())
            .map(|side| {
                let flow = Flow {
                    source: source[side].clone(),
                    destination: destination[side].clone(),
                    port,
                    family: flows.family,
                    through_service: false,
                };
                judge(&self.scratch[side].snapshot, self.sides[side].rules, &flow)
            })
            .collect();
        for (role, both) in [source, destination].into_iter().enumerate() {
            for (side, end) in both.iter().enumerate().take(self.sides.len()) {
                let Endpoint::Pod(pod) = end else { continue };
                let namespace = &self.scratch[side].snapshot.pod(*pod).namespace;
                let direction = Direction::ALL.into_iter().find(|it| subject(*it) == role);
                let weight = direction.map(|it| weight(self.sides[side].rules, namespace, it));
                self.budget.steps = self.budget.steps.saturating_sub(weight.unwrap_or(0));
            }
        }
        // Where it differs the other way, what was asked for may still be found elsewhere.
        let seen = match (judged.as_slice(), goal.how) {
            ([old, new], How::More(1)) => new.passage() > old.passage(),
            ([old, new], How::More(_)) => old.passage() > new.passage(),
            ([old, new], How::Rebound) => is_rebound(old, new),
            _ => true,
        };
        let found = Found { part: goal.part, ends, hidden: !seen };
        if seen {
            self.done.insert((goal, group));
            self.done.insert((goal.itself(), group));
            self.found.push(found);
        } else {
            self.hidden.entry((goal, group)).or_insert(found);
        }
    }

    /// The pod that was found last.
    pub(super) fn shape(
        &mut self,
        flows: &Flows<'a>,
        role: usize,
        home: &Home,
        name: &Name,
        port: Port,
    ) -> Shape {
        let labels = |wanted: Of| -> Vec<Label> {
            let mut all = Vec::new();
            for ((of, key), values) in &flows.labels {
                if *of != wanted {
                    continue;
                }
                let holds = |lit: &Option<Lit>| lit.is_some_and(|lit| flows.circuit.holds(lit));
                let some = values.some.iter().find(|(_, lit)| holds(lit));
                if let Some((value, _)) = some {
                    all.push(Label { key: key.clone(), value: value.clone(), any: false });
                } else if holds(&values.other) {
                    let value = free_name("other", |name| values.some.contains_key(name));
                    all.push(Label { key: key.clone(), value, any: true });
                }
            }
            all
        };
        let supposed = match home.labels {
            None => labels(flows.of_namespace(role)),
            Some(_) => Vec::new(),
        };
        let place = self.place(home, name, supposed);
        let ports = if role == 1 {
            let named = flows.named.iter().filter(|((_, of), _)| *of == port.protocol);
            // Where only the last port of a name counts for one side, it is another one.
            let number = port.number.checked_sub(1).filter(|it| *it > 0).unwrap_or(2);
            let last = Port { number, ..port };
            let called = |of: [bool; 2]| match of {
                [true, true] => vec![port],
                [false, false] => Vec::new(),
                _ => vec![port, last],
            };
            let each = named.map(|((name, _), of)| (name, of.map(|lit| flows.circuit.holds(lit))));
            let each =
                each.flat_map(|(name, of)| called(of).into_iter().map(|it| (name.clone(), it)));
            each.collect()
        } else {
            Vec::new()
        };
        Shape { place, labels: labels(Of::Pod(role)), ports }
    }

    /// A member of a home, with the labels that are supposed of it.
    pub(super) fn place(&mut self, home: &Home, name: &Name, supposed: Vec<Label>) -> Place {
        if home.other {
            Place::Other { name: self.other_name(&supposed), supposed }
        } else if home.written {
            Place::AsIs(name.clone())
        } else {
            let known = home.labels.as_ref().map(|both| both[0].clone()).unwrap_or_default();
            Place::Named { name: name.clone(), supposed, known }
        }
    }

    /// The name of another namespace with these labels.
    pub(super) fn other_name(&mut self, labels: &[Label]) -> Name {
        if let Some(name) = self.others.get(labels) {
            return name.clone();
        }
        let taken = |name: &str| {
            self.taken.contains(name)
                || self.sides.iter().any(|side| side.snapshot.namespace(name).is_some())
        };
        let name = free_name("other-namespace", taken);
        self.taken.insert(name.clone());
        self.others.insert(labels.to_vec(), name.clone());
        name
    }

    /// A shape as a pod of each scratch, of which may not be known what it calls its ports.
    pub(super) fn scratched(&mut self, shape: &Shape, any_port_names: bool) -> [Endpoint; 2] {
        let of = |search: &mut Self, side: usize| {
            let scratch = &mut search.scratch[side];
            if let Place::AsIs(name) = &shape.place
                && scratch.snapshot.namespace(name).is_none()
            {
                let known = search.sides[side].snapshot.namespace(name);
                let labels = known.map(|namespace| namespace.labels.clone()).unwrap_or_default();
                scratch.snapshot.add_namespace(name.clone(), &labels, None);
            }
            let none = || Representative {
                words: "".into(),
                asked: "".into(),
                group: "".into(),
                brought_by: Vec::new(),
                any_port_names,
            };
            let add = |snapshot: &mut Snapshot, _| shape.add_to(snapshot, none());
            Endpoint::Pod(scratch.pod(shape.pod(), any_port_names, add))
        };
        let old = of(self, 0);
        let new = if self.sides.len() > 1 { of(self, 1) } else { old.clone() };
        [old, new]
    }

    pub(super) fn scratched_known(&mut self, both: &[Endpoint; 2]) -> [Endpoint; 2] {
        let mut out = both.clone();
        for (side, end) in out.iter_mut().enumerate().take(self.sides.len()) {
            let Endpoint::Pod(id) = end else { continue };
            let snapshot = self.sides[side].snapshot;
            let pod = snapshot.pod(*id).clone();
            let scratch = &mut self.scratch[side];
            if let Some(namespace) = snapshot.namespace(&pod.namespace)
                && scratch.snapshot.namespace(&pod.namespace).is_none()
            {
                if namespace.labels_unread {
                    scratch.snapshot.add_unread_namespace(&pod.namespace);
                } else {
                    let name = pod.namespace.clone();
                    scratch.snapshot.add_namespace(name, &namespace.labels, None);
                }
            }
            *id = scratch.pod(pod, false, Snapshot::add_pod);
        }
        out
    }
}
