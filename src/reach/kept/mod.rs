//! All flows of one snapshot, kept while its rules change.
//!
//! In: snapshots with their rules, one after the other. Out: the [`Connectivity`] of the last, and which flows
//! pass otherwise than in the one before ([`Turned`]). Only what a change of policies touches is worked out
//! again: what the pods may do that such a policy selected or selects (`patch.rs`), and the flows of these.
//! Classes, their sets and all other flows stay, also where only pods came or went that others are just like
//! (`refill.rs`); where other pods changed, or they are to be told apart by something else, the classes are made
//! anew, and what was worked out is moved to them (`recut.rs`). Whether that can be
//! done is found by comparing both sides (`same.rs`), never taken on trust; where it cannot, all is worked out
//! anew.

mod patch;
mod recut;
mod refill;
mod same;
mod turned;

pub use turned::Turned;

use super::classes::Space;
use super::examples::Told;
use super::narrow::Focus;
use super::side::Side;
use super::tables::Tables;
use super::terms::{Clauses, Selecting};
use super::{Connectivity, Relations};
use crate::cluster::Snapshot;
use crate::effort::{Effort, TooMuch};
use crate::policy::Ruleset;
use patch::{Patched, patch};
use same::{Base, Matched};
use std::cell::OnceCell;
use std::sync::Arc;

/// Who reaches whom, by what was last given.
pub struct Kept {
    snapshot: Arc<Snapshot>,
    rules: Arc<Ruleset>,
    effort: Effort,
    /// What the classes were made by.
    base: Base,
    /// None while somebody looks at it.
    state: Option<State>,
}

/// What became of flows.
pub enum Updated {
    /// All of them were worked out anew.
    Anew,
    /// The same ends are there, and these pass otherwise than before.
    Turned(Vec<Turned>),
    /// Pods came, went or changed, and all flows but those that policies turned are those of their classes.
    Moved,
}

/// A [`Connectivity`] without its side.
struct State {
    space: Space<'static>,
    tables: Tables,
    relations: [Option<Relations>; 2],
    told: Told,
    /// The cells that it took when all was worked out.
    cells: u64,
}

/// So many times the cells of all flows worked out anew are kept at most.
const MOST_CELLS: u64 = 2;

/// Of so many pod classes one may be touched; where it is more, all flows are worked out anew.
const FEW: usize = 4;

impl State {
    fn anew(snapshot: &Snapshot, rules: &Ruleset, effort: Effort) -> Result<Self, TooMuch> {
        let space = Space::new(vec![Side { snapshot, rules }]);
        let mut tables = Tables::new(effort, &space.written_ports());
        let focus = Focus::keeping();
        let (relations, told) = Relations::of_side(&space, 0, &mut tables, &focus);
        if let Some(too_much) = tables.too_much() {
            return Err(too_much);
        }
        let cells = tables.held();
        Ok(Self { space: space.of_sides(Vec::new()), tables, relations, told, cells })
    }

    fn of<'a>(self, snapshot: &'a Snapshot, rules: &'a Ruleset) -> (Connectivity<'a>, u64) {
        let Self { space, tables, relations, told, cells } = self;
        let space = space.of_sides(vec![Side { snapshot, rules }]);
        let (taken, in_doubt) = (OnceCell::new(), OnceCell::new());
        (Connectivity { space, tables, relations, told, taken, in_doubt }, cells)
    }
}

impl Kept {
    /// Works out all flows.
    pub fn new(
        snapshot: Arc<Snapshot>,
        rules: Arc<Ruleset>,
        effort: Effort,
    ) -> Result<Self, TooMuch> {
        let state = Some(State::anew(&snapshot, &rules, effort)?);
        let base = Base::of(&rules);
        Ok(Self { snapshot, rules, effort, base, state })
    }

    /// Goes on to another snapshot with its rules.
    pub fn update(
        &mut self,
        snapshot: Arc<Snapshot>,
        rules: Arc<Ruleset>,
    ) -> Result<Updated, TooMuch> {
        let state = self.state.take();
        if let Some((state, base, turned)) =
            state.and_then(|state| self.follow(state, &snapshot, &rules))
        {
            (self.snapshot, self.rules, self.state) = (snapshot, rules, Some(state));
            if let Some(base) = base {
                self.base = base;
            }
            return Ok(turned.map_or(Updated::Moved, Updated::Turned));
        }
        *self = Self::new(snapshot, rules, self.effort)?;
        Ok(Updated::Anew)
    }

    /// Looks at who reaches whom.
    pub fn with<R>(&mut self, look: impl FnOnce(&Connectivity<'_>) -> R) -> Result<R, TooMuch> {
        let state = match self.state.take() {
            Some(state) => state,
            None => State::anew(&self.snapshot, &self.rules, self.effort)?,
        };
        let (mut connectivity, cells) = state.of(&self.snapshot, &self.rules);
        connectivity.tables.begin(self.effort);
        let found = look(&connectivity);
        let Connectivity { space, tables, relations, told, .. } = connectivity;
        let space = space.of_sides(Vec::new());
        self.state = Some(State { space, tables, relations, told, cells });
        Ok(found)
    }

    /// The state with another side, where what it has not to work out again stays as it is.
    fn follow(
        &self,
        mut state: State,
        snapshot: &Snapshot,
        rules: &Ruleset,
    ) -> Option<(State, Option<Base>, Option<Vec<Turned>>)> {
        let same = std::ptr::eq(&raw const *self.snapshot, snapshot)
            || same::ends(&self.snapshot, snapshot);
        if !self.base.allows(&state.space, snapshot, rules) {
            return None;
        }
        let matched = Matched::of(&self.rules, rules)?;
        let added = || matched.added.iter().map(|id| rules.policy(*id));
        let mut base = None;
        let tells_apart = self.base.tells_apart(&state.space, added());
        let stays =
            tells_apart && (same || refill::refill(&mut state.space, &self.snapshot, snapshot));
        if !stays {
            state = recut::recut(state, &self.snapshot, (snapshot, rules))?;
            base = Some(Base::of(rules));
        }
        state.tables.begin(self.effort);
        let touched = renumber(&mut state.told.selecting, &matched);
        for of_family in &mut state.told.clauses {
            renumber_clauses(of_family, &matched, rules.policies().len());
        }
        let State { space, mut tables, relations, mut told, cells } = state;
        let space = space.of_sides(vec![Side { snapshot, rules }]);
        let patched = patch(&space, &mut tables, &mut told, relations, (&matched, touched));
        let Patched { relations, before } = patched?;
        let turned = same.then(|| turned::turned(&mut tables, &relations, &before));
        let fits = tables.too_much().is_none() && tables.held() <= cells.saturating_mul(MOST_CELLS);
        let space = space.of_sides(Vec::new());
        fits.then_some((State { space, tables, relations, told, cells }, base, turned))
    }
}

/// Calls policies by their new numbers, and takes out those that are gone. Out: by direction, the classes that
/// one of these selected, in order.
fn renumber(selecting: &mut [Vec<Selecting>; 2], matched: &Matched) -> [Vec<u32>; 2] {
    let mut touched = [Vec::new(), Vec::new()];
    for (all, touched) in selecting.iter_mut().zip(&mut touched) {
        for (class, selecting) in (0..).zip(all) {
            let before = selecting.certainly.len() + selecting.perhaps.len();
            for policies in [&mut selecting.certainly, &mut selecting.perhaps] {
                policies.retain_mut(|policy| match matched.now[*policy] {
                    Some(now) => {
                        *policy = now;
                        true
                    }
                    None => false,
                });
                policies.sort_unstable();
            }
            if selecting.certainly.len() + selecting.perhaps.len() < before {
                touched.push(class);
            }
        }
    }
    touched
}

/// The same of what each policy says.
fn renumber_clauses(all: &mut Vec<Option<Arc<Clauses>>>, matched: &Matched, policies: usize) {
    if all.is_empty() {
        return;
    }
    let before: Vec<Option<Arc<Clauses>>> = std::mem::replace(all, vec![None; policies]);
    for (old, clauses) in before.into_iter().enumerate() {
        if let Some(now) = matched.now[old] {
            all[now] = clauses;
        }
    }
}
