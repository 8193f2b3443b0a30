//! Whom ends reach that are looked at a step at a time.
//!
//! In: a [`Connectivity`], and the classes that a step begins at. Out: the classes that one of them
//! reaches and that none before did, each with one that does. Destinations that share a column are looked
//! at once, and no more once they are reached, so the steps together take about what is kept of all flows.

use super::Connectivity;
use super::connect::Relation;
use super::nodes::NodeRule;
use super::port_table::PortTable;
use super::sets::ClassId;
use std::collections::BTreeMap;

/// The destinations of a column.
type Of = (u32, Vec<ClassId>);

/// What is left to be reached.
pub struct Frontier<'c, 'a> {
    connectivity: &'c Connectivity<'a>,
    /// For each family the columns that still have destinations.
    layers: Vec<(&'c Relation, Vec<Of>)>,
}

impl<'a> Connectivity<'a> {
    /// All pods are left, to be reached for certain or perhaps.
    pub fn frontier(&self, certain: bool) -> Frontier<'_, 'a> {
        let relations = self.relations.iter().flatten();
        let layers = relations.map(|both| {
            let relation = if certain { &*both.certain } else { &*both.possible };
            let mut columns: BTreeMap<u32, Vec<ClassId>> = BTreeMap::new();
            for class in self.tables.sets.classes(relation.anyone) {
                if class < self.space.pods {
                    let column = relation.column_of[class as usize];
                    columns.entry(column).or_default().push(class);
                }
            }
            (relation, columns.into_iter().collect())
        });
        Frontier { connectivity: self, layers: layers.collect() }
    }

    /// Whether nodes reach their own pods beside what is here of classes, and pods perhaps their nodes.
    pub fn exempts_nodes(&self) -> (bool, bool) {
        let rule = self.space.sides.first().map(|side| NodeRule::of(side.rules));
        match rule {
            _ if self.space.by_node => (false, false),
            None | Some(NodeRule::None) => (false, false),
            Some(NodeRule::Implied | NodeRule::Reaches) => (true, false),
            Some(NodeRule::Exempt) => (true, true),
        }
    }
}

impl Frontier<'_, '_> {
    /// The classes of pods that some of these, which are sorted, reach: each with one that does. They are
    /// not told again.
    pub fn next(&mut self, sources: &[ClassId]) -> Vec<(ClassId, ClassId)> {
        let Connectivity { space, tables, .. } = self.connectivity;
        let mut reached = Vec::new();
        for (relation, columns) in &mut self.layers {
            columns.retain_mut(|(column, destinations)| {
                if tables.is_over() {
                    return false;
                }
                let of = || {
                    let parts = relation.columns[*column as usize].iter();
                    let open = parts.filter(|(_, ports)| *ports != PortTable::NONE);
                    let runs = open.flat_map(|(set, _)| tables.sets.runs(*set).iter());
                    runs.flat_map(|(from, to)| {
                        tables.step(1);
                        let first = sources.partition_point(|class| class < from);
                        sources[first..].iter().copied().take_while(move |class| class < to)
                    })
                };
                let Some(first) = of().next() else { return true };
                destinations.retain(|class| {
                    let mut each = std::iter::once(first).chain(of().skip(1));
                    // What is supposed of one namespace does not hold of another supposition.
                    match each.find(|source| !space.exclude(*source, *class)) {
                        Some(source) => reached.push((*class, source)),
                        None => return true,
                    }
                    false
                });
                !destinations.is_empty()
            });
        }
        reached
    }
}
