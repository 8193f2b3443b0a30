//! Pods that are written nowhere, and need not be for an answer to be right.
//!
//! In: a snapshot with its rules, or two of them to be compared. Out: *representatives* in the same
//! snapshots: ordinary pods, one for each kind of pod that rules can tell apart and that an answer
//! cannot do without, flagged with the rule that brought them
//! ([`Snapshot::representative`](crate::cluster::Snapshot::representative)). Both engines judge them as
//! any other pod. What could not be decided, or was given up, is in [`Unwritten`]. docs/open-world.md has
//! the theory: what a population is, and why these pods suffice.

mod asked;
mod circuit;
mod dead;
mod elsewhere;
mod flows;
mod gates;
mod homes;
mod labels;
mod outside;
mod parts;
mod prove;
mod sat;
mod search;
mod shape;
mod supply;
mod unchanged;
mod witness;

pub use asked::forms;
pub use dead::{Dead, dead};
pub use elsewhere::{anything_differs, isolated, may_open_where_isolated};
pub(crate) use labels::may_agree;
pub use outside::{Outside, internet, outside, outside_and};
pub use prove::{Kinds, Places, Proof, Prover, Within, WitnessEnd, WitnessFlow};
pub use shape::{Label, Place, Shape};
pub(crate) use supply::meant;
pub use supply::{Supplied, supply};
pub use unchanged::changes;
pub use witness::witness;

use crate::cluster::{Bringer, Name, Operator, Port, Representative, Requirement, Snapshot};
use crate::effort::Effort;
use crate::policy::Ruleset;
use crate::policy::rule::{Namespaces, PeerKind, PodSet, Policy};
use crate::verdict::Passage;
use homes::{Home, Side, homes};
use parts::Part;
use search::{Found, FoundEnd, Search};
use std::collections::BTreeMap;

/// What was found about pods that are not written, besides the pods themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unwritten {
    /// Selectors that nothing can match; they bring nothing.
    pub dead: Vec<Dead>,
    /// Flows that may differ between two sides, and of which each side by itself is not known.
    pub not_known: Vec<NotKnown>,
    /// What was not looked at to the end.
    pub given_up: Vec<GivenUp>,
    /// Rules that have known pods at both ends, and let only others through.
    pub only_others: Vec<OnlyOthers>,
    /// Rules that have known pods at both ends were not asked about, since there are very many: what
    /// pods with further labels could do besides is not told.
    pub coarse: bool,
    /// The steps that were taken.
    pub steps: u64,
}

/// A flow that may differ between two sides though neither is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotKnown {
    /// Its source, in words.
    pub source: String,
    /// Its destination, in words.
    pub destination: String,
    /// The rule that makes the difference, where one does.
    pub brought_by: Option<Bringer>,
}

/// A flow that a rule lets through which has known pods at both ends, and lets none of them through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnlyOthers {
    /// The rule.
    pub brought_by: Bringer,
    /// A pod at the source.
    pub source: Shape,
    /// One at the destination.
    pub destination: Shape,
    /// A port at which the one reaches the other.
    pub port: Port,
    /// How much of it the rule lets through; another one may let through more.
    pub passage: Passage,
}

/// What was not looked at to the end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GivenUp {
    /// The namespace of the source.
    pub source: String,
    /// The namespace of the destination.
    pub destination: String,
    /// The rule that was looked at, where one was.
    pub brought_by: Option<Bringer>,
}

impl Unwritten {
    /// Whether every population was accounted for, so that "no change", "no flow" or "not exposed" is
    /// proved as far as pods that are not written go.
    pub fn is_complete(&self) -> bool {
        self.not_known.is_empty() && self.given_up.is_empty()
    }
}

/// What a policy of this namespace means, as a text that is the same for the same meaning in another.
pub fn meaning(policy: &Policy, own: &str) -> String {
    parts::policy_key(policy, Some(own))
}

/// Adds the representatives that a list of one side needs.
pub fn of_one(snapshot: &mut Snapshot, rules: &Ruleset, effort: Effort) -> Unwritten {
    let told = {
        let sides = [Side { snapshot, rules }];
        let homes = homes(&sides);
        let mut search = Search::new(&sides, &homes, effort.search);
        search.effects(effort.pairs);
        let told = Told::of(&search, &homes, effort);
        told.with_others(&sides[0], &homes)
    };
    told.install(&mut [snapshot])
}

/// Adds the representatives that a comparison of two sides needs, the same ones to both.
pub fn of_two(
    (old, old_rules): (&mut Snapshot, &Ruleset),
    (new, new_rules): (&mut Snapshot, &Ruleset),
    effort: Effort,
) -> Unwritten {
    let told = {
        let sides =
            [Side { snapshot: old, rules: old_rules }, Side { snapshot: new, rules: new_rules }];
        // Where nothing differs, not even the places are looked at.
        let homes = if search::anything_differs(&sides) { homes(&sides) } else { Vec::new() };
        let mut search = Search::new(&sides, &homes, effort.search);
        if !homes.is_empty() {
            search.differences();
        }
        Told::of(&search, &homes, effort)
    };
    told.install(&mut [old, new])
}

/// What is to be added, and what is to be told.
struct Told {
    shapes: BTreeMap<Shape, Representative>,
    unwritten: Unwritten,
}

impl Told {
    fn of(search: &Search<'_>, homes: &[Home], effort: Effort) -> Self {
        let rules: Vec<&Ruleset> = search.sides.iter().map(|side| side.rules).collect();
        let bringer = |part: Part| Bringer {
            object: part.policy(&rules).object.clone(),
            path: part.path(&rules).into(),
        };
        let mut told = Self { shapes: BTreeMap::new(), unwritten: Unwritten::default() };
        for found in &search.found {
            let brought_by = found.part.map(bringer);
            if found.hidden {
                told.unwritten.not_known.push(not_known(found, brought_by));
                continue;
            }
            for end in &found.ends {
                if let FoundEnd::Shape(shape, home) = end {
                    told.add(shape, &homes[*home], brought_by.as_ref());
                }
            }
        }
        for found in &search.only_others {
            let [source, destination] = found.ends.clone();
            let own = found.home;
            for member in &homes[own].members {
                let there = |(shape, home): &(Shape, usize)| {
                    if *home == own { shape.clone().moved(member) } else { shape.clone() }
                };
                told.unwritten.only_others.push(OnlyOthers {
                    brought_by: moved(&bringer(found.part), &homes[own].name, member),
                    source: there(&source),
                    destination: there(&destination),
                    port: found.port,
                    passage: found.passage,
                });
            }
        }
        told.unwritten.not_known.sort_unstable();
        told.unwritten.not_known.dedup();
        for unfinished in &search.unfinished {
            let [source, destination] = unfinished.between.clone();
            let brought_by = unfinished.part.map(bringer);
            told.unwritten.given_up.push(GivenUp { source, destination, brought_by });
        }
        let mut dead: Vec<Dead> = rules.iter().flat_map(|rules| self::dead(rules)).collect();
        dead.sort_unstable();
        dead.dedup();
        told.unwritten.dead = dead;
        told.unwritten.given_up.extend(rules.iter().find_map(|rules| by_text(rules)));
        told.unwritten.coarse = search.coarse;
        told.unwritten.steps = effort.search - search.budget.steps;
        told
    }

    /// Adds a shape in every namespace that is like the one in which it was found.
    fn add(&mut self, shape: &Shape, home: &Home, brought_by: Option<&Bringer>) {
        for member in &home.members {
            let shape = shape.clone().moved(member);
            let brought_by = brought_by.map(|bringer| moved(bringer, &home.name, member));
            let of = self.shapes.entry(shape.clone()).or_insert_with(|| Representative {
                words: shape.words().into(),
                asked: shape.asked().into(),
                group: group(&shape, &home.name).into(),
                brought_by: Vec::new(),
                any_port_names: false,
            });
            of.brought_by.extend(brought_by.filter(|bringer| !of.brought_by.contains(bringer)));
        }
    }

    /// Adds any other pod of each namespace that there is, and of any other.
    fn with_others(mut self, side: &Side<'_>, homes: &[Home]) -> Self {
        for home in homes {
            let known = |name: &Name| side.snapshot.namespace(name).is_some();
            if !home.other && !home.members.iter().any(known) {
                continue;
            }
            let place = if home.other {
                Place::Other { name: home.name.clone(), supposed: Vec::new() }
            } else if home.written {
                Place::AsIs(home.name.clone())
            } else {
                let (supposed, known) = (Vec::new(), crate::cluster::Labels::default());
                Place::Named { name: home.name.clone(), supposed, known }
            };
            let shape = Shape { place, labels: Vec::new(), ports: Vec::new() };
            self.add(&shape, home, None);
        }
        self
    }

    fn install(self, snapshots: &mut [&mut Snapshot]) -> Unwritten {
        for (shape, of) in self.shapes {
            for snapshot in &mut *snapshots {
                shape.add_to(snapshot, of.clone());
            }
        }
        self.unwritten
    }
}

/// A rule that looks into the values of labels: which values there may be is not looked for, so what pods
/// with such labels could do is not known to the end.
fn by_text(rules: &Ruleset) -> Option<GivenUp> {
    let asks = |requirement: &Requirement| {
        matches!(requirement.operator, Operator::Has(..) | Operator::HasNot(..))
    };
    let looks = |set: &PodSet| {
        let spaces = match &set.namespaces {
            Namespaces::Own(_) => &[][..],
            Namespaces::Matching(selector) => selector.requirements.as_slice(),
        };
        set.pods.requirements.iter().chain(spaces).any(asks)
    };
    let policy = rules.policies().iter().find(|policy| homes::sets(policy).any(looks))?;
    let path = policy.entries.iter().find(|entry| {
        let sets = entry.others().chain(entry.own()).filter_map(|kind| match kind {
            PeerKind::Pods(set) => Some(set),
            _ => None,
        });
        sets.into_iter().any(looks)
    });
    let path = path.filter(|_| !looks(&policy.subject)).map_or("", |entry| &*entry.path);
    let brought_by = Bringer { object: policy.object.clone(), path: path.into() };
    let [source, destination] = [search::EVERYWHERE; 2].map(str::to_owned);
    Some(GivenUp { source, destination, brought_by: Some(brought_by) })
}

/// The same rule in another namespace like this one.
fn moved(bringer: &Bringer, from: &Name, to: &Name) -> Bringer {
    let mut bringer = bringer.clone();
    if let Some(namespace) = bringer.object.namespace.as_mut().filter(|name| *name == from) {
        namespace.clone_from(to);
    }
    bringer
}

/// What representatives of namespaces that are alike have in common.
fn group(shape: &Shape, home: &Name) -> String {
    let shape = shape.clone().moved(home);
    format!("{} {}", shape.words(), shape.pod().name)
}

fn not_known(found: &Found, brought_by: Option<Bringer>) -> NotKnown {
    let [source, destination] = found.ends.each_ref().map(|end| match end {
        FoundEnd::Shape(shape, _) => shape.words(),
        FoundEnd::Known(crate::verdict::Endpoint::Address(ip)) => ip.to_string(),
        FoundEnd::Known(_) => "pods or nodes that are known".to_owned(),
    });
    NotKnown { source, destination, brought_by }
}
