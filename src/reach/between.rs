//! What passes, and what does not, between two sets of classes.
//!
//! In: a [`Connectivity`], two sets of classes and ports. Out: pairs of classes with the ports at which
//! something passes between them ([`Connectivity::passing`]), or of which not all passes
//! ([`Connectivity::not_passing`]). Destinations that share a column are looked at once, so a question takes
//! what its answer and its sets are long, and not the pairs between them.

use super::Connectivity;
use super::connect::Relation;
use super::port_table::PortsId;
use super::ports::PortSet;
use super::sets::{ClassId, Run, intersection, singles};
use super::side::family_index;
use crate::cluster::{Family, Truth};
use foldhash::{HashMap, HashMapExt as _};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// How much of a flow gets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// All of it.
    Unconditional,
    /// What is certain, on a condition or not.
    Certain,
    /// What is certain or not known.
    Possible,
}

/// Two sets of classes, and ports.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'q> {
    /// The classes of sources.
    pub from: &'q BTreeSet<u32>,
    /// Those of destinations.
    pub to: &'q BTreeSet<u32>,
    /// The ports.
    pub ports: &'q PortSet,
}

/// Sources of one class, destinations of one class, and ports between them.
pub type Pair<'p> = (u32, u32, &'p PortSet);

impl Connectivity<'_> {
    fn relation(&self, family: Family, level: Level) -> Option<&Relation> {
        let relations = self.relations[family_index(family)].as_ref()?;
        Some(match level {
            Level::Unconditional => &relations.unconditional,
            Level::Certain => &relations.certain,
            Level::Possible => &relations.possible,
        })
    }

    /// Every pair with the ports, among those that are asked for, at which something passes. Stops where
    /// `visit` breaks.
    pub fn passing(
        &self,
        family: Family,
        level: Level,
        asked: Asked<'_>,
        visit: &mut dyn FnMut(Pair<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some(relation) = self.relation(family, level) else {
            return ControlFlow::Continue(());
        };
        let from = self.ends_of(relation, asked.from);
        let mut meets: HashMap<PortsId, PortSet> = HashMap::new();
        for (column, destinations) in self.columns(relation, asked.to) {
            for (set, ports) in &relation.columns[column as usize] {
                self.tables.step(1);
                let both = meets
                    .entry(*ports)
                    .or_insert_with(|| self.tables.ports.get(*ports).intersection(asked.ports));
                if both.is_empty() {
                    continue;
                }
                for source in classes(&intersection(self.tables.sets.runs(*set), &from)) {
                    for destination in &destinations {
                        if self.counts(source, *destination) {
                            visit((source, *destination, both))?;
                        }
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Every pair with the ports, among those that are asked for, at which less than this passes. Stops
    /// where `visit` breaks.
    pub fn not_passing(
        &self,
        family: Family,
        level: Level,
        asked: Asked<'_>,
        visit: &mut dyn FnMut(Pair<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some(relation) = self.relation(family, level) else {
            return ControlFlow::Continue(());
        };
        let from = self.ends_of(relation, asked.from);
        let mut lacks: HashMap<PortsId, PortSet> = HashMap::new();
        for (column, destinations) in self.columns(relation, asked.to) {
            // The sources of a column are told apart by its parts; whoever is in none has no port.
            let mut left = from.clone();
            for (set, ports) in &relation.columns[column as usize] {
                self.tables.step(1);
                let there = intersection(self.tables.sets.runs(*set), &from);
                if there.is_empty() {
                    continue;
                }
                left = without(&left, &there);
                let lack = lacks
                    .entry(*ports)
                    .or_insert_with(|| asked.ports.difference(&self.tables.ports.get(*ports)));
                if lack.is_empty() {
                    continue;
                }
                for source in classes(&there) {
                    for destination in &destinations {
                        if self.meet(source, *destination) {
                            visit((source, *destination, lack))?;
                        }
                    }
                }
            }
            for source in classes(&left) {
                for destination in &destinations {
                    if self.meet(source, *destination) {
                        visit((source, *destination, asked.ports))?;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Those of some classes that are ends of flows of a relation.
    fn ends_of(&self, relation: &Relation, some: &BTreeSet<u32>) -> Vec<Run> {
        let runs = singles(some.iter().copied());
        intersection(self.tables.sets.runs(relation.anyone), &runs)
    }

    /// Destinations by their column.
    fn columns(&self, relation: &Relation, to: &BTreeSet<u32>) -> BTreeMap<u32, Vec<ClassId>> {
        let mut by_column: BTreeMap<u32, Vec<ClassId>> = BTreeMap::new();
        for class in classes(&self.ends_of(relation, to)) {
            by_column.entry(relation.column_of[class as usize]).or_default().push(class);
        }
        by_column
    }

    /// Whether rules alone decide flows between two classes: not between a node and its own pods, or what may
    /// be these.
    fn counts(&self, source: ClassId, destination: ClassId) -> bool {
        let own = |on_node, pod| self.space.is_own_node(on_node, pod, 0) != Truth::No;
        self.meet(source, destination) && !own(source, destination) && !own(destination, source)
    }

    /// Whether flows between two classes are judged at all: not between two suppositions of one namespace, or
    /// from outside to outside.
    fn meet(&self, source: ClassId, destination: ClassId) -> bool {
        let outside = |class| class >= self.space.inside;
        let apart = outside(source) && outside(destination);
        !(apart || self.space.exclude(source, destination))
    }
}

fn classes(runs: &[Run]) -> impl Iterator<Item = ClassId> + use<'_> {
    runs.iter().flat_map(|(from, to)| *from..*to)
}

/// The runs of one list without those of another; both are in order.
fn without(all: &[Run], gone: &[Run]) -> Vec<Run> {
    let mut rest = Vec::new();
    let mut at = 0;
    for (from, to) in all {
        while gone.get(at).is_some_and(|(_, end)| end <= from) {
            at += 1;
        }
        let mut next = *from;
        for (first, end) in gone[at..].iter().take_while(|(first, _)| first < to) {
            if *first > next {
                rest.push((next, *first));
            }
            next = next.max(*end);
        }
        if next < *to {
            rest.push((next, *to));
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_without_others() {
        assert_eq!(without(&[(0, 10)], &[(0, 2), (4, 5), (9, 12)]), [(2, 4), (5, 9)]);
        assert_eq!(without(&[(3, 4), (6, 9)], &[(0, 4)]), [(6, 9)]);
        assert_eq!(without(&[(3, 4)], &[]), [(3, 4)]);
        assert_eq!(without(&[(3, 4)], &[(3, 4)]), []);
    }
}
