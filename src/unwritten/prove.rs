//! What holds of every population, or the flow that breaks it.
//!
//! In: a snapshot with its rules, and two kinds of ends: sets of pods, written or not, known pods, and whatever
//! else is known. Out: that nothing passes between them with any pod that is not written, or a flow that does.
//! Flows between two known ends are not looked at: [`reach`](crate::reach) has those. A known pod stands for
//! every pod that no rule tells from it. docs/open-world.md says what a population is; which flows no policy
//! judges ([`reach`](crate::reach)) is left out.

use super::flows::Who;
use super::gates::{Either, Gates};
use super::homes::{Home, Side, free_name, homes};
use super::search::{FoundEnd, Like, Meeting, Met, Search, Wanted};
use super::shape::Shape;
use super::{GivenUp, by_text};
use crate::cluster::{
    Bringer, Family, Name, PodId, Port, Representative, Selector, Snapshot, Truth,
};
use crate::effort::Effort;
use crate::policy::Ruleset;
use crate::policy::rule::{Direction, Namespaces, PodSet};
use crate::reach::PortSet;
use crate::verdict::Endpoint;
use foldhash::{HashMap, HashMapExt as _};
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
    /// The home of each namespace.
    home_of: HashMap<Name, usize>,
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
        let each = homes.iter().enumerate();
        let members =
            each.flat_map(|(at, home)| home.members.iter().map(move |it| (it.clone(), at)));
        let home_of = members.collect();
        Self { twice, homes, home_of, given_up: by_text(rules) }
    }

    /// The place of a pod that policies can select, as that of any pod of its namespace.
    fn of_pod(&self, end: &Endpoint) -> Option<Who<'_>> {
        let pod = self.twice[0].snapshot.pod(end.pod()?);
        let home = self.home_of.get(&pod.namespace).filter(|_| !pod.host_network)?;
        Some(Who::Unwritten(&self.homes[*home], pod.namespace.clone()))
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

/// Two ends, each a place or known.
type Pair<'q, 'a> = [Result<&'q Spot<'a>, &'q Who<'a>>; 2];

/// Asks one question after the other, within one number of steps.
pub struct Prover<'a> {
    search: Search<'a>,
    places: &'a Places<'a>,
    gates: Gates<'a>,
}

impl<'a> Prover<'a> {
    /// A prover with the steps of an effort.
    pub fn new(places: &'a Places<'a>, effort: Effort) -> Self {
        let search = Search::new(&places.twice[..1], &places.homes, effort.search);
        Self { search, places, gates: Gates::new(places.twice[0]) }
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
        let mut closed: HashMap<[Name; 2], bool> = HashMap::new();
        let mut questions: Vec<Pair<'_, 'a>> = Vec::new();
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
            if self.are_closed(question, ports, &mut closed) {
                debug_assert!(self.is_borne_out(question, ports), "closed, and a flow is found");
                continue;
            }
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

    /// Whether nothing passes between two ends, by a formula.
    fn one(&mut self, ends: Pair<'_, 'a>, ports: &PortSet, on_condition: bool) -> Proof {
        let who = self.who(ends);
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

    fn who(&self, ends: Pair<'_, 'a>) -> [Who<'a>; 2] {
        ends.map(|end| match end {
            Ok(spot) => Who::Unwritten(&self.places.homes[spot.home], spot.name.clone()),
            Err(who) => who.clone(),
        })
    }

    /// Whether it shows without a formula that nothing passes between two ends: for whatever pods there are in their
    /// namespaces, of which `known` keeps what was seen, or for these.
    fn are_closed(
        &mut self,
        ends: Pair<'_, 'a>,
        ports: &PortSet,
        known: &mut HashMap<[Name; 2], bool>,
    ) -> bool {
        let (who, places) = (self.who(ends), self.places);
        let anywhere = who.each_ref().map(|who| match who {
            Who::Unwritten(..) => Some(who.clone()),
            Who::One(all) => match &**all {
                [both] => places.of_pod(&both[0]),
                _ => None,
            },
        });
        if let [Some(source), Some(destination)] = &anywhere
            && let (Who::Unwritten(_, from), Who::Unwritten(_, to)) = (source, destination)
        {
            let key = [from.clone(), to.clone()];
            let closed = known.get(&key).copied().unwrap_or_else(|| {
                let all = [source, destination].map(|who| Either { who, of: &[] });
                self.gates.are_closed(all, ports)
            });
            known.insert(key, closed);
            if closed {
                return true;
            }
        }
        let of = ends.map(|end| end.map_or(&[][..], |spot| spot.of.as_slice()));
        self.gates.are_closed([0, 1].map(|role| Either { who: &who[role], of: of[role] }), ports)
    }

    /// Whether a formula says the same, by steps that count for nothing.
    fn is_borne_out(&mut self, ends: Pair<'_, 'a>, ports: &PortSet) -> bool {
        let budget = self.search.budget;
        let proof = self.one(ends, ports, true);
        self.search.budget = budget;
        matches!(proof, Proof::Holds | Proof::GivenUp(_))
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
