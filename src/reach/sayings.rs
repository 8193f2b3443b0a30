//! Whether flows that pass on a condition on both sides do so on the same one.
//!
//! In: the policies that select each class, of two sides that share their tables. Out: what is [`Said`]
//! to each class. A flow whose source and destination are told the same on both sides is bound by the
//! same conditions; of others only a judgement of one flow knows.

use super::classes::Space;
use super::exempt::NodeRule;
use super::peers::Resolver;
use super::profiles::{Maker, Subject, to_u32};
use super::region::Parts;
use super::sets::{ClassId, SetId, SetTable, singles};
use super::terms::{Mode, Selecting, Unread};
use crate::cluster::Family;
use crate::policy::PolicyId;
use crate::policy::rule::{Action, Direction, Tier};
use std::collections::HashMap;

/// A rule as it binds flows: whom it certainly and perhaps matches, and what it asks for besides.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Binding<'a> {
    action: Action,
    asks: Option<&'a str>,
    matched: [Parts; 2],
}

/// The policies of two sides by what they say, whoever wrote them.
pub(super) struct Sayings<'a> {
    known: HashMap<(Tier, bool, Vec<Binding<'a>>), u32>,
    /// The ends that both sides have: of others nothing is compared.
    both: SetId,
}

/// All that is said to one class in one direction: each saying, and whether it certainly selects.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    policies: Vec<(u32, bool)>,
    always: bool,
    unread: Unread,
}

impl<'a> Sayings<'a> {
    pub(super) fn new(space: &Space<'a>, sets: &mut SetTable) -> Self {
        let there = |class: &ClassId| {
            let facts = space.facts.get(*class as usize);
            facts.is_none_or(|sides| sides.iter().all(Option::is_some))
        };
        let both = sets.id(singles((0..space.size).filter(there)));
        Self { known: HashMap::new(), both }
    }

    /// What one side says to each pod class; equal on both sides, it puts flows under the same
    /// conditions.
    pub(super) fn heard(
        &mut self,
        resolver: &mut Resolver<'_, 'a>,
        family: Family,
        (direction, selecting): (Direction, &[Selecting]),
    ) -> Vec<Said> {
        let mut maker = Maker::new(resolver, family, Mode::Certain, direction);
        let mut shared: HashMap<PolicyId, u32> = HashMap::new();
        let each = (0..).zip(selecting).map(|(class, selecting)| {
            let subject = maker.subject(class, selecting);
            let mut policies = Vec::new();
            for (policy, certainly) in selecting.policies() {
                let saying = shared.get(&policy).copied().unwrap_or_else(|| {
                    let (saying, same) = self.of(&mut maker, policy, &subject);
                    if same {
                        shared.insert(policy, saying);
                    }
                    saying
                });
                policies.push((saying, certainly));
            }
            // Their order is that of reading.
            policies.sort_unstable();
            Said { policies, always: selecting.always, unread: selecting.unread }
        });
        each.collect()
    }

    /// A policy's saying to a subject, and whether it is the same to all.
    fn of(
        &mut self,
        maker: &mut Maker<'_, '_, 'a>,
        policy: PolicyId,
        subject: &Subject,
    ) -> (u32, bool) {
        let written = &maker.resolver.policies()[policy];
        let clauses = maker.clauses(policy);
        let mut bindings = Vec::with_capacity(clauses.all.len());
        for (index, (clause, entry)) in clauses.all.iter().zip(&written.entries).enumerate() {
            let matched = [Mode::Certain, Mode::Possible].map(|mode| {
                let mut parts = Parts::new();
                maker.matched(&clauses, index, subject, mode, &mut parts);
                for (peers, _) in &mut parts {
                    *peers = maker.resolver.tables.sets.and(*peers, self.both);
                }
                parts.retain(|(peers, _)| *peers != SetTable::EMPTY);
                parts.sort_unstable();
                parts
            });
            let asks = entry.condition.as_ref().map(|condition| &*condition.asks);
            bindings.push(Binding { action: clause.action, asks, matched });
        }
        let next = to_u32(self.known.len());
        let saying = *self.known.entry((written.tier, written.isolates, bindings)).or_insert(next);
        (saying, maker.is_shared(&clauses))
    }
}

/// The pod classes to which the sides do not say the same, by family and direction.
pub(super) fn retold(
    space: &Space<'_>,
    sets: &mut SetTable,
    told: &[[Vec<Said>; 2]; 2],
    again: &[[Vec<Said>; 2]; 2],
) -> [[SetId; 2]; 2] {
    let [a, b] = [0, 1].map(|side| NodeRule::of(space.sides[side].rules));
    std::array::from_fn(|family| {
        std::array::from_fn(|direction| {
            let (old, new) = (&told[family][direction], &again[family][direction]);
            let differs = |class: &ClassId| a != b || old[*class as usize] != new[*class as usize];
            let classes = to_u32(old.len().min(new.len()));
            sets.id(singles((0..classes).filter(differs)))
        })
    })
}
