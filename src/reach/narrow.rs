//! Whom flows are asked about, so that no others are worked out.
//!
//! In: the ends that are asked for. Out: [`Wanted`] classes for rows, and a [`Focus`] for the columns of
//! a relation. What a class may do altogether (`wide.rs`) is known of everyone all the same.

use super::End;
use super::classes::Space;
use super::rows::Wanted;
use super::sets::{ClassId, Run, SetId, contains, intersection, singles};
use super::tables::Tables;
use crate::cluster::real_namespace;
use foldhash::HashSet;
use std::collections::BTreeSet;
use std::ops::Range;

/// Whom flows are asked about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Narrow<'q> {
    /// Only from these.
    pub from: Option<&'q HashSet<End>>,
    /// Only to these.
    pub to: Option<&'q HashSet<End>>,
    /// Only with an end in this namespace.
    pub namespace: Option<&'q str>,
    /// Only from anyone, every pod or outside.
    pub exposed: bool,
}

impl Narrow<'_> {
    /// The same by classes.
    pub(super) fn wanted(&self, space: &Space<'_>) -> Wanted {
        let classes = |ends: &HashSet<End>| -> BTreeSet<u32> {
            ends.iter().filter_map(|end| space.class(0, end)).collect()
        };
        let touching = |name| space.classes_of(name).unwrap_or(0..0);
        Wanted {
            from: self.from.map(classes),
            to: self.to.map(classes),
            touching: self.namespace.map(touching),
            exposed: self.exposed,
        }
    }
}

impl Space<'_> {
    /// The classes of a namespace, whatever is supposed of its labels.
    pub(super) fn classes_of(&self, namespace: &str) -> Option<Range<ClassId>> {
        let all = self.namespaces.iter();
        all.filter(|(name, _)| real_namespace(name) == namespace)
            .map(|(_, range)| range.clone())
            .reduce(|all, range| all.start.min(range.start)..all.end.max(range.end))
    }
}

/// The flows that a relation is to have.
#[derive(Default)]
pub(super) struct Focus {
    from: Option<Vec<Run>>,
    to: Option<Vec<Run>>,
    touching: Option<Range<ClassId>>,
    /// What each class may do is kept, so that the flows can follow the rules.
    pub(super) keeps: bool,
}

/// The sources that a destination is to have.
pub(super) struct Sources {
    /// Of destinations inside and outside; by whether they touch the namespace that is asked for.
    of: [[SetId; 2]; 2],
}

impl Sources {
    pub(super) fn of(&self, outside: bool, touches: bool) -> SetId {
        self.of[usize::from(outside)][usize::from(touches)]
    }
}

impl Focus {
    /// All flows, with what each class may do.
    pub(super) fn keeping() -> Self {
        Self { keeps: true, ..Self::default() }
    }

    pub(super) fn of(space: &Space<'_>, wanted: &Wanted) -> Self {
        let runs = |classes: &BTreeSet<u32>| singles(classes.iter().copied());
        let outside = vec![(space.inside, space.size)];
        let from = wanted.from.as_ref().map(runs);
        Self {
            from: match from {
                Some(from) if wanted.exposed => Some(intersection(&from, &outside)),
                None if wanted.exposed => Some(outside),
                from => from,
            },
            to: wanted.to.as_ref().map(runs),
            touching: wanted.touching.clone(),
            keeps: false,
        }
    }

    /// Whether flows to a class are asked for.
    pub(super) fn has_destination(&self, class: ClassId) -> bool {
        self.to.as_ref().is_none_or(|to| contains(to, class))
    }

    /// Whether a class is of the namespace that is asked for.
    pub(super) fn touches(&self, class: ClassId) -> bool {
        self.touching.as_ref().is_none_or(|range| range.contains(&class))
    }

    /// From whom flows are asked for. From outside to outside is no flow of the cluster.
    pub(super) fn sources(&self, tables: &mut Tables, anyone: SetId, inside: SetId) -> Sources {
        let from = match &self.from {
            Some(from) => {
                let from = tables.sets.id(from.clone());
                tables.sets.and(from, anyone)
            }
            None => anyone,
        };
        let near = match &self.touching {
            Some(range) => {
                let near = tables.sets.id(singles(range.clone()));
                tables.sets.and(near, from)
            }
            None => from,
        };
        let inner = tables.sets.and(from, inside);
        let near_inner = tables.sets.and(near, inside);
        Sources { of: [[near, from], [near_inner, inner]] }
    }
}
