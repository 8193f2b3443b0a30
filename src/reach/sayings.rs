//! Whether flows that pass on a condition on both sides do so on the same one.
//!
//! In: the policies that select each class, of two sides that share their tables. Out: [`Retold`]: whom
//! the rules mean that only one side has for a class. Other flows of it are bound by the same rules on
//! both sides, so by the same conditions; of those only a judgement of one flow knows.

use super::classes::Space;
use super::nodes::NodeRule;
use super::peers::SideSets;
use super::profiles::{Maker, Subject, to_u32};
use super::region::Parts;
use super::sets::{ClassId, SetId, SetTable, singles};
use super::terms::{Mode, Selecting, Unread};
use crate::cluster::Family;
use crate::policy::PolicyId;
use crate::policy::rule::{Action, Direction, Tier};
use foldhash::{HashMap, HashMapExt as _};
use std::collections::{BTreeMap, BTreeSet};

/// A rule as it binds flows: whom it certainly and perhaps matches, and what it asks for besides.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Binding<'a> {
    action: Action,
    asks: Option<&'a str>,
    matched: [Parts; 2],
}

/// What counts as one: a rule, or all of a policy whose rules count by their order or only together.
type Saying<'a> = (Tier, Vec<Binding<'a>>);

/// The sayings of two sides, whoever wrote them.
pub(super) struct Sayings<'a> {
    known: HashMap<Saying<'a>, u32>,
    /// Whom each means.
    means: Vec<SetId>,
    /// The ends that both sides have: of others nothing is compared.
    both: SetId,
}

/// All that is said to one class in one direction.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Each saying, and whether its policy certainly selects.
    sayings: BTreeSet<(u32, bool)>,
    /// Whether policies isolate it, certainly and perhaps.
    isolated: [bool; 2],
    unread: Unread,
}

/// Where rules differ between two sides, in one family.
#[derive(Default)]
pub(super) struct Retold {
    /// By direction, whom the rules mean that only one side has for a pod class.
    peers: [HashMap<ClassId, SetId>; 2],
    /// The same out of pods: those with the same peers.
    out: Vec<(SetId, SetId)>,
}

impl<'a> Sayings<'a> {
    pub(super) fn new(space: &Space<'a>, sets: &mut SetTable) -> Self {
        let there = |class: &ClassId| {
            let facts = space.facts.get(*class as usize);
            facts.is_none_or(|sides| sides.iter().all(Option::is_some))
        };
        let both = sets.id(singles((0..space.size).filter(there)));
        Self { known: HashMap::new(), means: Vec::new(), both }
    }

    /// What one side says to each pod class.
    pub(super) fn heard(
        &mut self,
        side_sets: &mut SideSets<'_, 'a>,
        family: Family,
        (direction, selecting): (Direction, &[Selecting]),
    ) -> Vec<Said> {
        let mut maker = Maker::new(side_sets, family, Mode::Certain, direction);
        let mut shared: HashMap<(PolicyId, bool), Vec<u32>> = HashMap::new();
        let each = (0..).zip(selecting).map(|(class, selecting)| {
            let subject = maker.subject(class, selecting);
            let mut said = Said { unread: selecting.unread, ..Said::default() };
            said.isolated[0] = selecting.always;
            for (policy, certainly) in selecting.policies() {
                maker.side_sets.tables.step(8);
                if maker.side_sets.tables.is_over() {
                    break;
                }
                said.isolated[usize::from(!certainly)] |=
                    maker.side_sets.policies()[policy].isolates;
                if let Some(sayings) = shared.get(&(policy, certainly)) {
                    said.sayings.extend(sayings.iter().map(|saying| (*saying, certainly)));
                    continue;
                }
                let sayings = self.of(&mut maker, (policy, certainly), &subject);
                said.sayings.extend(sayings.iter().map(|saying| (*saying, certainly)));
                let clauses = maker.clauses(policy);
                if maker.is_shared(&clauses) {
                    shared.insert((policy, certainly), sayings);
                }
            }
            said
        });
        each.collect()
    }

    /// What a policy says to a subject. In the normal tier rules add up, whichever policy they are of,
    /// if it certainly selects.
    fn of(
        &mut self,
        maker: &mut Maker<'_, '_, 'a>,
        (policy, certainly): (PolicyId, bool),
        subject: &Subject,
    ) -> Vec<u32> {
        let written = &maker.side_sets.policies()[policy];
        let clauses = maker.clauses(policy);
        let mut bindings = Vec::with_capacity(clauses.all.len());
        for (index, (clause, entry)) in clauses.all.iter().zip(&written.entries).enumerate() {
            let matched = [Mode::Certain, Mode::Possible].map(|mode| {
                let mut parts = Parts::new();
                maker.matched(&clauses, index, subject, mode, &mut parts);
                for (peers, _) in &mut parts {
                    *peers = maker.side_sets.tables.sets.and(*peers, self.both);
                }
                parts.retain(|(peers, _)| *peers != SetTable::EMPTY);
                parts.sort_unstable();
                parts
            });
            let asks = entry.condition.as_ref().map(|condition| &*condition.asks);
            bindings.push(Binding { action: clause.action, asks, matched });
        }
        let sets = &mut maker.side_sets.tables.sets;
        if written.tier == Tier::Normal && certainly {
            bindings.into_iter().map(|one| self.id(sets, (Tier::Normal, vec![one]))).collect()
        } else {
            vec![self.id(sets, (written.tier.clone(), bindings))]
        }
    }

    fn id(&mut self, sets: &mut SetTable, saying: Saying<'a>) -> u32 {
        if let Some(known) = self.known.get(&saying) {
            return *known;
        }
        let matched = saying.1.iter().flat_map(|binding| binding.matched.iter().flatten());
        let means = sets.any(matched.map(|(peers, _)| *peers));
        let id = to_u32(self.means.len());
        self.means.push(means);
        self.known.insert(saying, id);
        id
    }

    /// What differs between what each side says, by family.
    pub(super) fn retold(
        &self,
        space: &Space<'_>,
        sets: &mut SetTable,
        [told, again]: &[[[Vec<Said>; 2]; 2]; 2],
    ) -> [Retold; 2] {
        let [a, b] = [0, 1].map(|side| NodeRule::of(space.sides[side].rules));
        std::array::from_fn(|family| {
            let mut retold = Retold::default();
            for (direction, peers) in retold.peers.iter_mut().enumerate() {
                let both = told[family][direction].iter().zip(&again[family][direction]);
                for (class, (old, new)) in (0..).zip(both) {
                    if a != b || (old.isolated, old.unread) != (new.isolated, new.unread) {
                        peers.insert(class, self.both);
                        continue;
                    }
                    let differ = old.sayings.symmetric_difference(&new.sayings);
                    let differ = sets.any(differ.map(|(saying, _)| self.means[*saying as usize]));
                    if differ != SetTable::EMPTY {
                        peers.insert(class, differ);
                    }
                }
            }
            let mut out: BTreeMap<SetId, Vec<ClassId>> = BTreeMap::new();
            for (class, peers) in &retold.peers[Direction::Egress as usize] {
                out.entry(*peers).or_default().push(*class);
            }
            let alike = out.into_iter().map(|(peers, mut classes)| {
                classes.sort_unstable();
                (peers, sets.id(singles(classes)))
            });
            retold.out = alike.collect();
            retold
        })
    }
}

impl Retold {
    pub(super) fn is_nothing(&self) -> bool {
        self.peers.iter().all(HashMap::is_empty)
    }

    /// Whether rules for flows from one class to another differ.
    pub(super) fn has(&self, sets: &SetTable, from: ClassId, to: ClassId) -> bool {
        let [into, out] = &self.peers;
        into.get(&to).is_some_and(|peers| sets.contains(*peers, from))
            || out.get(&from).is_some_and(|peers| sets.contains(*peers, to))
    }

    /// The sources of such flows to a class.
    pub(super) fn sources(&self, sets: &mut SetTable, to: ClassId) -> SetId {
        let [into, _] = &self.peers;
        let mut all: Vec<SetId> = into.get(&to).copied().into_iter().collect();
        let of_out = self.out.iter().filter(|(peers, _)| sets.contains(*peers, to));
        all.extend(of_out.map(|(_, sources)| *sources));
        sets.any(all)
    }
}
