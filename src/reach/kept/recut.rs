//! Classes made anew, with what was worked out for those that they come from.
//!
//! In: what is kept of one side, and another side. Out: the same by the classes of the other side. A class
//! comes from the one in which its pods were that are as they were; a pod that is new, or otherwise than before,
//! is in a class with such a pod if no rule tells them apart. Where a class has no such pod, or classes that
//! were apart are one, nothing can be kept.

use super::super::Relations;
use super::super::classes::Space;
use super::super::connect::Relation;
use super::super::members::Inside;
use super::super::sets::{Became, ClassId};
use super::super::side::Side;
use super::State;
use super::same;
use crate::cluster::Snapshot;
use crate::policy::Ruleset;
use std::sync::Arc;

/// `None`: nothing can be kept.
pub(super) fn recut(
    state: State,
    before: &Snapshot,
    (snapshot, rules): (&Snapshot, &Ruleset),
) -> Option<State> {
    let State { space: old, mut tables, relations, mut told, cells } = state;
    let space = Space::new(vec![Side { snapshot, rules }]);
    if (old.uncut, old.by_node, old.namespaces.len() > 1)
        != (space.uncut, space.by_node, space.namespaces.len() > 1)
        || old.atoms != space.atoms
    {
        return None;
    }
    let from = origins(&old, &space, before, snapshot)?;
    if !tables.sets.become_others(&Became::of(&from, old.size)) {
        return None;
    }
    let pods = &from[..space.pods as usize];
    for selecting in &mut told.selecting {
        *selecting = pods.iter().map(|class| selecting[*class as usize].clone()).collect();
    }
    let [v4, v6] = relations;
    let one = v4.as_ref().zip(v6.as_ref());
    let one = one.is_some_and(|(v4, v6)| Arc::ptr_eq(&v4.certain, &v6.certain));
    let mut all = [v4, v6.filter(|_| !one)].map(|of| of.map(|of| moved(of, &from, pods)));
    if one {
        let [v4, v6] = &mut all;
        v6.clone_from(v4);
    }
    let space = space.of_sides(Vec::new());
    Some(State { space, tables, relations: all, told, cells })
}

/// The class that each comes from.
fn origins(
    old: &Space<'_>,
    new: &Space<'_>,
    before: &Snapshot,
    after: &Snapshot,
) -> Option<Vec<ClassId>> {
    let pods = same::pods(before, after)?;
    let mut all = Vec::with_capacity(new.size as usize);
    for class in 0..new.inside {
        let mut from = new.members(class).iter().filter_map(|member| match member[0]? {
            Inside::Pod(pod) => old.class_of_pod[0].get(pods[pod]?).copied(),
            Inside::Node(node) => old.class_of_node[0].get(node).copied(),
        });
        let first = from.next()?;
        let is_pods = |class, space: &Space<'_>| class < space.pods;
        if from.any(|other| other != first) || is_pods(first, old) != is_pods(class, new) {
            return None;
        }
        all.push(first);
    }
    let outside = new.size - new.inside;
    all.extend((0..outside).map(|at| old.inside + at));
    (outside == old.size - old.inside).then_some(all)
}

fn moved(relations: Relations, from: &[ClassId], pods: &[ClassId]) -> Relations {
    fn by<T: Copy>(all: &[T], from: &[ClassId]) -> Vec<T> {
        from.iter().map(|class| all[*class as usize]).collect()
    }
    let Relations { unconditional, certain, possible } = relations;
    let plain = Arc::ptr_eq(&unconditional, &certain);
    let sure = Arc::ptr_eq(&possible, &certain);
    let (unconditional, possible) =
        ((!plain).then_some(unconditional), (!sure).then_some(possible));
    let moved = |relation: Arc<Relation>| {
        let mut relation = Arc::unwrap_or_clone(relation);
        relation.column_of = by(&relation.column_of, from);
        relation.wide = relation.wide.map(|wide| by(&wide, pods));
        if let Some(grounds) = &mut relation.grounds {
            for profiles in grounds.iter_mut() {
                profiles.of = by(&profiles.of, pods);
            }
        }
        Arc::new(relation)
    };
    let certain = moved(certain);
    Relations {
        unconditional: unconditional.map_or_else(|| certain.clone(), moved),
        possible: possible.map_or_else(|| certain.clone(), moved),
        certain,
    }
}
