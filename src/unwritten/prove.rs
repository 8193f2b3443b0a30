//! What holds of every population, or the flow that breaks it.
//!
//! In: a snapshot with its rules, and two kinds of ends: sets of pods, written or not, known pods, and whatever
//! else is known. Out: that nothing passes between them with any pod that is not written, or a flow that does.
//! Flows between two known ends are not looked at: [`reach`](crate::reach) has those. A known pod stands for
//! every pod that no rule tells from it. docs/open-world.md says what a population is; which flows no policy
//! judges ([`reach`](crate::reach)) is left out.

use super::flows::Who;
use super::homes::{Home, Side, free_name, homes};
use super::search::{FoundEnd, Like, Meeting, Met, Search, Wanted};
use super::shape::Shape;
use super::{GivenUp, by_text};
use crate::cluster::{
    Bringer, Family, Name, PodId, Port, Representative, Selector, Snapshot, Truth,
};
use crate::effort::Effort;
use crate::policy::Ruleset;
use crate::policy::rule::{
    Action, Direction, Namespaces, PeerKind, Peers, PodSet, PortMatch, PortRule, Ports,
};
use crate::reach::PortSet;
use crate::verdict::Endpoint;
use std::collections::BTreeSet;

/// The ends of one role.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    /// Pods, whether they are written or not.
    pub sets: Vec<PodSet>,
    /// None of these.
    pub but: Vec<PodSet>,
    /// None of these known pods, nor any that has what selects its workload, or else all labels that
    /// last, and that no rule tells from it.
    pub unlike: Vec<PodId>,
    /// Known pods, one of those that rules do not tell apart.
    pub pods: Vec<PodId>,
    /// Nodes, pods on their networks and addresses, likewise.
    pub others: Vec<Endpoint>,
}

/// In which namespaces pods that are not written are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Within {
    /// In any, named or not.
    Any,
    /// In those that are written.
    Written,
}

/// One end of a flow that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WitnessEnd {
    /// A pod that is not written.
    Shape(Shape),
    /// One that is known.
    Known(Endpoint),
}

/// A flow that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessFlow {
    /// Who opens the connection, and who takes it.
    pub ends: [WitnessEnd; 2],
    /// The port.
    pub port: Port,
    /// The IP family.
    pub family: Family,
}

/// What was found of flows with pods that are not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// None passes, in any population.
    Holds,
    /// This one passes.
    Broken(Box<WitnessFlow>),
    /// Of this one it is not known.
    NotKnown(Box<WitnessFlow>),
    /// Not all of it was looked at; why, as a sentence without its end.
    GivenUp(String),
}

/// Where pods may be, of one snapshot and its rules.
pub struct Places<'a> {
    twice: [Side<'a>; 2],
    homes: Vec<Home>,
    given_up: Option<GivenUp>,
}

impl<'a> Places<'a> {
    /// Looks at all of it.
    pub fn new(snapshot: &'a Snapshot, rules: &'a Ruleset) -> Self {
        let twice = [Side { snapshot, rules }; 2];
        // As of two sides: which pods are known of a namespace tells nothing here.
        let mut homes = homes(&twice);
        // Pods that were asked for may be in a namespace of that name, with labels.
        if let Some(other) = homes.first_mut().filter(|home| home.other) {
            let taken = |name: &str| snapshot.namespace(name).is_some();
            other.name = free_name(&other.name, taken);
            other.members = vec![other.name.clone()];
        }
        Self { twice, homes, given_up: by_text(rules) }
    }
}

/// A namespace in which ends may be pods that are not written.
struct Spot<'a> {
    home: usize,
    name: Name,
    /// The first of those that are alike.
    first: bool,
    of: Vec<PodSet>,
    but: Vec<PodSet>,
    unlike: Vec<Like<'a>>,
}

/// Asks one question after the other, within one number of steps.
pub struct Prover<'a> {
    search: Search<'a>,
    places: &'a Places<'a>,
}

impl<'a> Prover<'a> {
    /// A prover with the steps of an effort.
    pub fn new(places: &'a Places<'a>, effort: Effort) -> Self {
        Self { search: Search::new(&places.twice[..1], &places.homes, effort.search), places }
    }

    /// Whether nothing passes from one kind of ends to another with a pod that is not written at one of
    /// them, at these ports; what passes on a condition counts or not.
    pub fn nothing_passes(
        &mut self,
        ends: [&Kinds; 2],
        ports: &PortSet,
        on_condition: bool,
        within: Within,
    ) -> Proof {
        if let Some(refusal) = self.refusal() {
            return refusal;
        }
        let namespaces = ends.map(|kinds| self.namespaces(kinds));
        let spots: [Vec<Spot<'a>>; 2] =
            [0, 1].map(|role| self.spots(ends[role], &namespaces[1 - role], within));
        let known = ends.map(Self::known);
        let mut best = Proof::Holds;
        let mut questions: Vec<[Result<&Spot<'a>, &Who<'a>>; 2]> = Vec::new();
        for from in &spots[0] {
            for to in &spots[1] {
                if from.home == to.home || (from.first && to.first) {
                    questions.push([Ok(from), Ok(to)]);
                }
            }
            questions.extend(known[1].iter().map(|to| [Ok(from), Err(to)]));
        }
        for to in &spots[1] {
            questions.extend(known[0].iter().map(|from| [Err(from), Ok(to)]));
        }
        for question in questions {
            let proof = self.one(question, ports, on_condition);
            match (&best, &proof) {
                (_, Proof::Broken(_)) => return proof,
                (Proof::Holds, _) | (Proof::GivenUp(_), Proof::NotKnown(_)) => best = proof,
                _ => {}
            }
        }
        best
    }

    /// Whether some policy isolates every pod of these, written or not, in a direction.
    pub fn all_isolated(&mut self, kinds: &Kinds, direction: Direction, within: Within) -> Proof {
        if let Some(refusal) = self.refusal() {
            return refusal;
        }
        let role = usize::from(direction == Direction::Ingress);
        let all = PortSet::all();
        let mut best = Proof::Holds;
        for spot in self.spots(kinds, &BTreeSet::new(), within) {
            let home = &self.places.homes[spot.home];
            let who = Who::Unwritten(home, spot.name.clone());
            let none: [&[PodSet]; 2] = [&[], &[]];
            let (mut of, mut but) = (none, none);
            let mut unlike: [&[Like<'_>]; 2] = [&[], &[]];
            (of[role], but[role], unlike[role]) = (&spot.of, &spot.but, &spot.unlike);
            let wanted = Wanted { of, but, unlike, ports: &all, on_condition: true };
            let meeting = self.search.not_isolated(&who, direction, &wanted);
            match proof(meeting, || place(home, &spot.name)) {
                Proof::Holds => {}
                broken @ Proof::Broken(_) => return broken,
                other if best == Proof::Holds => best = other,
                _ => {}
            }
        }
        best
    }

    /// What cannot be looked for at all.
    fn refusal(&self) -> Option<Proof> {
        let given_up = self.places.given_up.as_ref()?;
        let by = given_up.brought_by.as_ref().map(|Bringer { object, path }| {
            if path.is_empty() { object.to_string() } else { format!("{object} {path}") }
        });
        Some(Proof::GivenUp(format!(
            "{} looks into the values of labels, and which there may be is not looked for",
            by.unwrap_or_else(|| "a rule".to_owned())
        )))
    }

    fn one(
        &mut self,
        ends: [Result<&Spot<'a>, &Who<'a>>; 2],
        ports: &PortSet,
        on_condition: bool,
    ) -> Proof {
        let homes = &self.places.homes;
        let who: [Who<'a>; 2] = ends.map(|end| match end {
            Ok(spot) => Who::Unwritten(&homes[spot.home], spot.name.clone()),
            Err(who) => who.clone(),
        });
        let ends_closed = Direction::ALL.into_iter().any(|direction| {
            let subject = usize::from(direction == Direction::Ingress);
            self.is_closed(direction, &who[subject], &who[1 - subject], ports)
        });
        if ends_closed {
            return Proof::Holds;
        }
        let empty = || -> (&[PodSet], &[PodSet], &[Like<'a>]) { (&[], &[], &[]) };
        let asked = ends.map(|end| match end {
            Ok(spot) => (spot.of.as_slice(), spot.but.as_slice(), spot.unlike.as_slice()),
            Err(_) => empty(),
        });
        let wanted = Wanted {
            of: asked.map(|(of, ..)| of),
            but: asked.map(|(_, but, _)| but),
            unlike: asked.map(|(.., unlike)| unlike),
            ports,
            on_condition,
        };
        let meeting = self.search.meeting([&who[0], &who[1]], &self.places.twice, &wanted);
        proof(meeting, || {
            let words = who.each_ref().map(|who| match who {
                Who::Unwritten(home, name) => place(home, name),
                Who::One(_) => "ends that are known".to_owned(),
            });
            words.join(" and ")
        })
    }

    /// The namespaces of the known pods of an end.
    fn namespaces(&self, kinds: &Kinds) -> BTreeSet<&'a Name> {
        let snapshot = self.places.twice[0].snapshot;
        kinds.pods.iter().map(|id| &snapshot.pod(*id).namespace).collect()
    }

    /// The ends of a role that are known, each kind by itself.
    fn known(kinds: &Kinds) -> Vec<Who<'a>> {
        let both = |end: &Endpoint| [end.clone(), end.clone()];
        let mut all: Vec<Who<'a>> =
            kinds.pods.iter().map(|id| Who::One([both(&Endpoint::Pod(*id))].into())).collect();
        let family = |end: &&Endpoint| match end {
            Endpoint::Address(ip) => Some(Family::of(*ip)),
            _ => None,
        };
        for wanted in [None, Some(Family::V4), Some(Family::V6)] {
            let some = kinds.others.iter().filter(|end| family(end) == wanted);
            let some: Vec<[Endpoint; 2]> = some.map(both).collect();
            if !some.is_empty() {
                all.push(Who::One(some.into()));
            }
        }
        all
    }

    /// Where pods of an end may be: of namespaces that are alike two, and those of `also`.
    fn spots(&self, kinds: &Kinds, also: &BTreeSet<&Name>, within: Within) -> Vec<Spot<'a>> {
        let snapshot = self.places.twice[0].snapshot;
        let unlike: Vec<Like<'a>> = kinds.unlike.iter().map(|id| like(snapshot, *id)).collect();
        let mut spots: Vec<Spot<'a>> = Vec::new();
        for (at, home) in self.places.homes.iter().enumerate() {
            if within == Within::Written && !home.written {
                continue;
            }
            let first = spots.len();
            for name in &home.members {
                let of = there(snapshot, home, name, &kinds.sets);
                if of.is_empty() {
                    continue;
                }
                let spot = Spot {
                    home: at,
                    name: name.clone(),
                    first: true,
                    but: there(snapshot, home, name, &kinds.but),
                    unlike: unlike.iter().filter(|it| it.pod.namespace == *name).cloned().collect(),
                    of,
                };
                let own = |set: &PodSet| (set.pods.clone(), set.namespaces.clone());
                let key = |spot: &Spot<'_>| {
                    let of = |sets: &[PodSet]| -> Vec<_> {
                        let mut all: Vec<_> = Vec::new();
                        for (pods, namespaces) in sets.iter().map(own) {
                            let free = match namespaces {
                                Namespaces::Own(_) => None,
                                Namespaces::Matching(selector) => Some(selector),
                            };
                            all.push((pods, free));
                        }
                        all
                    };
                    (of(&spot.of), of(&spot.but))
                };
                let alike = spots[first..].iter().filter(|other| {
                    other.unlike.is_empty() && spot.unlike.is_empty() && key(other) == key(&spot)
                });
                match alike.count() {
                    0 => spots.push(spot),
                    1 => spots.push(Spot { first: false, ..spot }),
                    _ if also.contains(name) => spots.push(Spot { first: false, ..spot }),
                    _ => {}
                }
            }
        }
        spots
    }

    /// Whether it shows without a formula that nothing passes in a direction: a policy isolates all that
    /// the subject may be, and no rule lets pods of the other end's namespace, or whoever that is, at any of
    /// these ports.
    fn is_closed(
        &self,
        direction: Direction,
        subject: &Who<'a>,
        peer: &Who<'a>,
        ports: &PortSet,
    ) -> bool {
        let Side { snapshot, rules } = self.places.twice[0];
        let enforcement = rules.cilium().map(|cilium| cilium.enforcement).unwrap_or_default();
        let namespace = match subject {
            Who::Unwritten(_, name) => name,
            Who::One(all) => match &**all {
                [both] => match both[0].pod().map(|id| snapshot.pod(id)) {
                    Some(pod) if !pod.host_network => &pod.namespace,
                    _ => return false,
                },
                _ => return false,
            },
        };
        if enforcement != crate::policy::Enforcement::Default
            || rules.is_unread(namespace)
            || rules.cluster_wide_unread()
        {
            return false;
        }
        let mut isolated = false;
        for (_, policy) in rules.candidates(namespace, direction) {
            if policy.tier.is_ordered() || policy.not_judged().is_some() {
                return false;
            }
            let set = &policy.subject;
            isolated |= policy.isolates
                && match subject {
                    Who::Unwritten(_, name) => {
                        set.doubt.is_none()
                            && set.pods.is_everything()
                            && matches!(&set.namespaces, Namespaces::Own(own) if own == name)
                    }
                    Who::One(all) => all.iter().filter_map(|both| both[0].pod()).all(|id| {
                        let pod = snapshot.pod(id);
                        set.has(pod, snapshot.namespace(&pod.namespace)) == Truth::Yes
                    }),
                };
            let admits = policy.entries.iter().any(|entry| {
                entry.action != Action::Deny
                    && may_mean(snapshot, &entry.peers, peer)
                    && may_be_at(&entry.ports, ports)
            });
            if admits {
                return false;
            }
        }
        isolated
    }
}

/// A known pod with what every pod has that is taken for it: what selects its workload, or all labels that
/// last. Without that, anything would be taken for a pod of a namespace in which no rule looks at labels.
fn like(snapshot: &Snapshot, id: PodId) -> Like<'_> {
    let pod = snapshot.pod(id);
    let workload = pod.owner.and_then(|owner| snapshot.workloads.get(owner));
    let selector = workload.and_then(|workload| workload.selector.clone());
    let selector = selector.filter(|selector| !selector.is_everything());
    let selector = selector.unwrap_or_else(|| {
        let lasting = pod.labels.lasting();
        Selector::labels(lasting.iter())
    });
    Like { pod, set: PodSet::new(Namespaces::Own(pod.namespace.clone()), selector) }
}

/// The sets of which pods may be in a namespace; of a written one by what it is.
fn there(snapshot: &Snapshot, home: &Home, name: &Name, sets: &[PodSet]) -> Vec<PodSet> {
    let mut all = Vec::new();
    for set in sets {
        let free = home.other || home.labels.is_none() || !home.written;
        let own = || PodSet::new(Namespaces::Own(name.clone()), set.pods.clone());
        match &set.namespaces {
            Namespaces::Own(own_name) => {
                if own_name == name {
                    all.push(own());
                }
            }
            Namespaces::Matching(selector) if selector.is_everything() => all.push(own()),
            Namespaces::Matching(_) if free => all.push(set.clone()),
            Namespaces::Matching(selector) => {
                let written = snapshot.namespace(name);
                match written.map_or(Truth::Unknown, |written| written.matches(selector)) {
                    Truth::Yes => all.push(own()),
                    Truth::Unknown => all.push(set.clone()),
                    Truth::No => {}
                }
            }
        }
    }
    all
}

/// Whether a rule may mean an end, as far as namespaces and known pods tell.
fn may_mean(snapshot: &Snapshot, peers: &Peers, peer: &Who<'_>) -> bool {
    let Peers::Of(items) = peers else { return true };
    items.iter().any(|item| match (&item.admits, peer) {
        (PeerKind::Pods(set), Who::Unwritten(home, name)) => match &set.namespaces {
            Namespaces::Own(own) => own == name,
            Namespaces::Matching(selector) => match snapshot.namespace(name) {
                Some(known) if home.written && !known.labels_unread => {
                    !known.matches(selector).is_no()
                }
                _ => true,
            },
        },
        (PeerKind::Pods(set), Who::One(all)) => all.iter().any(|both| match &both[0] {
            Endpoint::Pod(id) => {
                let pod = snapshot.pod(*id);
                !set.has(pod, snapshot.namespace(&pod.namespace)).is_no()
            }
            // Pods are no addresses outside; what else it is may be anything.
            Endpoint::Address(_) => false,
            _ => true,
        }),
        _ => true,
    })
}

/// Whether a rule may be about one of some ports.
fn may_be_at(own: &Ports, wanted: &PortSet) -> bool {
    let Ports::Of(items) = own else { return true };
    let meets = |item: &PortRule| match &item.ports {
        PortMatch::All | PortMatch::Named(_) => true,
        PortMatch::Range(range) => {
            let of = PortSet::of([(item.protocol, *range)]);
            !of.intersection(wanted).is_empty()
        }
    };
    items.iter().filter(|item| item.protocol.has_ports()).any(meets)
}

fn place(home: &Home, name: &Name) -> String {
    if home.other { "any other namespace".to_owned() } else { name.to_string() }
}

fn proof(meeting: Meeting, between: impl FnOnce() -> String) -> Proof {
    match meeting {
        Meeting::Nowhere => Proof::Holds,
        Meeting::Passes(met) => Proof::Broken(Box::new(witness(*met))),
        Meeting::Perhaps(met) => Proof::NotKnown(Box::new(witness(*met))),
        Meeting::GivenUp => Proof::GivenUp(format!(
            "pods of {} that are not written were not looked at to the end",
            between()
        )),
    }
}

fn witness(met: Met) -> WitnessFlow {
    let ends = met.ends.map(|end| match end {
        FoundEnd::Shape(shape, _) => WitnessEnd::Shape(shape),
        FoundEnd::Known(end) => WitnessEnd::Known(end),
    });
    WitnessFlow { ends, port: met.port, family: met.family }
}

impl WitnessEnd {
    /// The same as an end of a snapshot, to which a pod is added where it is one that is not written.
    pub fn add_to(&self, snapshot: &mut Snapshot) -> Endpoint {
        match self {
            Self::Known(end) => end.clone(),
            Self::Shape(shape) => {
                let words = shape.words();
                let of = Representative {
                    asked: shape.asked().into(),
                    group: words.as_str().into(),
                    words: words.into(),
                    any_port_names: false,
                    brought_by: Vec::new(),
                };
                Endpoint::Pod(shape.add_to(snapshot, of))
            }
        }
    }
}
