//! Policies of one order in one tier, between which only what they are called decides.
//!
//! In: the policies that are in force, each at its place. Out: [`Ties`]: of two that disagree which comes
//! first, and, where releases have that otherwise and which one it is is not known, the policies that
//! stand first in some of them, once more and as ones that only perhaps select. Source:
//! docs/semantics/calico.md#order.

use super::super::rule::{Action, Direction, NamedTier, Order, Policy, Position, Tier};
use super::super::{Fault, Remark};
use crate::cluster::{Name, ObjectRef};
use crate::kinds::Kind;
use crate::lints::Lint;
use foldhash::{HashMap, HashMapExt as _};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is to be said and done about them.
#[derive(Default)]
pub(in crate::policy) struct Ties {
    /// Policies that come first in a release that it may be.
    pub(in crate::policy) perhaps_first: Vec<Policy>,
    /// What is told.
    pub(in crate::policy) told: Vec<Remark>,
}

/// All of one object in one direction, at one place of a tier.
struct One<'a> {
    /// What its selector was taken apart into.
    parts: Vec<&'a Policy>,
    position: &'a Position,
    /// What its rules do.
    does: Actions,
}

/// A set of actions.
type Actions = u8;

impl<'a> One<'a> {
    fn first(&self) -> &'a Policy {
        self.parts[0]
    }

    fn object(&self) -> &'a ObjectRef {
        &self.first().object
    }

    /// What it goes by in earlier releases.
    fn earlier(&self) -> &str {
        self.position.earlier.as_deref().unwrap_or(&self.position.key)
    }
}

fn actions(policy: &Policy) -> Actions {
    let bit = |action: Action| match action {
        Action::Allow => 1,
        Action::Deny => 2,
        Action::Pass => 4,
    };
    policy.entries.iter().fold(0, |all, entry| all | bit(entry.action))
}

/// Whether it matters which of two comes first.
fn disagree(one: Actions, other: Actions) -> bool {
    one != 0 && other != 0 && (one | other).count_ones() > 1
}

/// Those that come before another and may speak for the same pods, by what they do.
#[derive(Clone, Copy, Default)]
struct Before {
    /// One of them.
    any: [Option<usize>; 8],
    /// The one that earlier releases have last.
    last: [Option<usize>; 8],
}

impl Before {
    fn add(&mut self, all: &[One<'_>], at: usize) {
        let does = usize::from(all[at].does);
        self.any[does].get_or_insert(at);
        if self.last[does].is_none_or(|known| all[known].earlier() < all[at].earlier()) {
            self.last[does] = Some(at);
        }
    }

    /// One that disagrees, and whether earlier releases have it behind this one.
    fn of(&self, all: &[One<'_>], at: usize) -> Option<(usize, bool)> {
        let against = |of: [Option<usize>; 8]| {
            of.into_iter().flatten().filter(|other| disagree(all[*other].does, all[at].does))
        };
        let behind = against(self.last).find(|other| all[*other].earlier() > all[at].earlier());
        behind.map(|other| (other, true)).or_else(|| against(self.any).next().map(|it| (it, false)))
    }
}

/// Looks for ties.
pub(in crate::policy) fn ties(policies: &[Policy]) -> Ties {
    type Place<'a> = (&'a NamedTier, Order, Direction);
    let mut places: BTreeMap<Place<'_>, Vec<&Policy>> = BTreeMap::new();
    for policy in policies.iter().filter(|policy| policy.is_judged()) {
        let Some(position) = policy.tier.position() else { continue };
        let place = (&position.tier, position.order, policy.direction);
        places.entry(place).or_default().push(policy);
    }
    let mut ties = Ties::default();
    for mut policies in places.into_values() {
        let does = policies.iter().fold(0, |all, policy| all | actions(policy));
        if does.count_ones() < 2 {
            continue;
        }
        policies.sort_by(|a, b| a.tier.cmp(&b.tier));
        of_place(&policies, &mut ties);
    }
    ties
}

/// Looks for ties among policies of one place, in their order.
fn of_place(policies: &[&Policy], ties: &mut Ties) {
    let parts = policies.chunk_by(|a, b| a.object == b.object);
    let all: Vec<One<'_>> = parts
        .filter_map(|parts| {
            let position = parts.first()?.tier.position()?;
            Some(One { parts: parts.to_vec(), position, does: actions(parts[0]) })
        })
        .collect();
    let mut everywhere = Before::default();
    let mut of_namespace: HashMap<Option<&Name>, Before> = HashMap::new();
    let mut first = Vec::new();
    for (at, one) in all.iter().enumerate() {
        let found = match &one.object().namespace {
            None => everywhere.of(&all, at),
            Some(own) => {
                let of = |key| of_namespace.get(&key).and_then(|before| before.of(&all, at));
                let both = [of(Some(own)), of(None)].into_iter().flatten();
                both.max_by_key(|(_, otherwise)| *otherwise)
            }
        };
        if let Some((other, otherwise)) = found {
            ties.told.extend(told(&all[other], one, otherwise));
            if otherwise {
                first.push((one, all[other].object()));
            }
        }
        everywhere.add(&all, at);
        of_namespace.entry(one.object().namespace.as_ref()).or_default().add(&all, at);
    }
    for (one, other) in first {
        let own = one.object();
        let why =
            format!("{own} comes before {other} up to Calico 3.31, and after it from 3.32 on");
        ties.perhaps_first.extend(one.parts.iter().map(|part| perhaps(part, one, &why)));
    }
}

/// A policy before all others of its order, as one that only perhaps selects.
fn perhaps(part: &Policy, one: &One<'_>, why: &str) -> Policy {
    let mut policy = part.clone();
    let position = Position {
        settled: false,
        key: one.earlier().into(),
        part: part.tier.position().map_or(0, |it| it.part),
        ..one.position.clone()
    };
    policy.tier = Tier::Named(Arc::new(position));
    policy.subject.doubt.get_or_insert_with(|| why.into());
    policy
}

/// What is said of two, the first of which comes before the other.
fn told(first: &One<'_>, second: &One<'_>, otherwise: bool) -> Option<Remark> {
    // Where the order of one cannot be chosen it is said of the other.
    let fixed = |one: &One<'_>| {
        let own = [Kind::CalicoNetworkPolicy, Kind::CalicoGlobalNetworkPolicy];
        !Kind::named(&one.object().kind).is_some_and(|kind| own.contains(&kind))
    };
    let (about, other) = if fixed(second) { (first, second) } else { (second, first) };
    let (one, two) = (first.object(), second.object());
    let tied = format!("has the order of {}, and they disagree", other.object());
    let fault = if otherwise {
        let message = format!(
            "{tied}: {two} comes first up to Calico 3.31, and {one} from 3.32 on, so what both of them \
             match is not known; give them different orders, or say which it is by --enforcer"
        );
        Fault::told(Lint::VersionDependent, PATH, message)
    } else {
        let message =
            format!("{tied}: {one} comes first by its name alone; give them different orders");
        Fault::told(Lint::PriorityTie, PATH, message)
    };
    Remark::of(about.object().clone(), &about.first().origin, None, vec![fault])
}

/// The field of the order.
const PATH: &str = "spec.order";
