//! The flows that pass otherwise than before.
//!
//! In: flows, and the columns that some destinations had. Out: [`Turned`] rectangles, as a diff of both sides
//! would have them: where something got through and now more or less of it does.

use super::super::diff::{changed, may_change, overlay};
use super::super::port_table::PortsId;
use super::super::ports::PortSet;
use super::super::region::Column;
use super::super::sets::{ClassId, Run, SetId, merged};
use super::super::tables::Tables;
use super::super::{Connectivity, Ends, Relations, ends, family_index};
use super::patch::Before;
use crate::cluster::Family;
use crate::verdict::Passage;
use foldhash::{HashMap, HashMapExt as _};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Flows between all of some sources and all of some destinations that turned alike. Those that passed on a
/// condition and still do so are none, whatever it asks for now.
#[derive(Clone, Debug)]
pub struct Turned {
    /// The family of the flows.
    pub family: Family,
    /// What got through.
    pub from: Passage,
    /// What gets through now.
    pub to: Passage,
    /// The ports.
    pub ports: PortSet,
    sources: SetId,
    destinations: Arc<[ClassId]>,
}

impl Connectivity<'_> {
    /// The sources of flows that turned when the rules became these.
    pub fn turned_sources<'c>(&'c self, turned: &'c Turned) -> impl Iterator<Item = Ends> + 'c {
        let classes = self.tables.sets.classes(turned.sources);
        classes.flat_map(|class| ends(&self.space, class, turned.family))
    }

    /// Their destinations.
    pub fn turned_destinations<'c>(
        &'c self,
        turned: &'c Turned,
    ) -> impl Iterator<Item = Ends> + 'c {
        let classes = turned.destinations.iter();
        classes.flat_map(|class| ends(&self.space, *class, turned.family))
    }
}

pub(super) fn turned(
    tables: &mut Tables,
    relations: &[Option<Relations>; 2],
    before: &[[Before; 3]; 2],
) -> Vec<Turned> {
    let mut all = Vec::new();
    for family in Family::ALL {
        let f = family_index(family);
        if let Some(relations) = &relations[f] {
            of_family(tables, family, relations, &before[f], &mut all);
        }
    }
    all
}

fn of_family(
    tables: &mut Tables,
    family: Family,
    relations: &Relations,
    before: &[Before; 3],
    all: &mut Vec<Turned>,
) {
    let three = [&relations.unconditional, &relations.certain, &relations.possible];
    let mut columns: BTreeMap<ClassId, [u32; 6]> = BTreeMap::new();
    for (i, before) in before.iter().enumerate() {
        for (class, old) in before {
            let of_class = columns.entry(*class).or_insert_with(|| {
                let now = three.map(|relation| relation.column_of[*class as usize]);
                let [a, b, c] = now;
                [a, b, c, a, b, c]
            });
            of_class[i] = *old;
        }
    }
    let mut alike: BTreeMap<[u32; 6], Vec<ClassId>> = BTreeMap::new();
    for (class, columns) in columns {
        alike.entry(columns).or_default().push(class);
    }
    for (columns, classes) in alike {
        let six: [&Column; 6] = std::array::from_fn(|i| &three[i % 3].columns[columns[i] as usize]);
        let mut by_change: HashMap<(Passage, Passage, PortsId), Vec<Run>> = HashMap::new();
        for (from, to, ports) in overlay(tables, six.into_iter().enumerate()) {
            tables.step(1);
            if may_change(&ports, false) {
                for change in changed(&mut tables.ports, ports, false) {
                    by_change.entry(change).or_default().push((from, to));
                }
            }
        }
        let destinations: Arc<[ClassId]> = classes.into();
        let mut by_change: Vec<_> = by_change.into_iter().collect();
        by_change.sort_unstable();
        for ((from, to, ports), runs) in by_change {
            let sources = tables.sets.id(merged(runs));
            let (ports, destinations) = (tables.ports.get(ports), destinations.clone());
            all.push(Turned { family, from, to, ports, sources, destinations });
        }
    }
}
