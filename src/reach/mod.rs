//! Every flow: who reaches whom at which ports, without looking at each pair of pods.
//!
//! In: a [`Snapshot`] and a [`Ruleset`]. Out: a [`Connectivity`], which answers for two ends or lists
//! [`Rectangle`]s: sets of sources, sets of destinations and the ports between all of them. The work
//! grows with the rules and the answer, not with the pairs: pods that no rule tells apart are one
//! class, addresses that no block tells apart are one atom.
//!
//! This is a second implementation of what [`verdict`](crate::verdict) says of one flow, and shares
//! no code with it; random clusters hold the two together. A pod to itself and a node to its own pods
//! are exempt from policies flow by flow: [`Connectivity::allowed`] knows, rectangles leave it out.
//! Only where rules ask which node a pod is on, or can close a node's way to its pods, do classes
//! know their node, and rectangles have that way too.

mod addresses;
mod between;
mod classes;
mod connect;
mod diff;
mod examples;
mod exempt;
mod facts;
mod frontier;
mod kept;
mod members;
mod narrow;
mod nodes;
mod overlay;
mod peers;
mod pod_network;
mod port_table;
mod ports;
mod profiles;
mod region;
mod rows;
mod sayings;
mod selectors;
mod sets;
mod side;
mod tables;
mod terms;
mod tiers;
mod wide;

pub use crate::ends::End;
pub(crate) use addresses::Atoms;
pub use between::{Asked, Level, Pair};
pub use diff::{Cell, Change, ChangedEnds, Changes, Diff, EndClass, Same, Witness, diff};
pub use examples::{Example, Standing};
pub use frontier::Frontier;
pub use kept::{Kept, Turned, Updated};
pub use narrow::Narrow;
pub use ports::{PortSet, Reach};
pub use rows::{Row, RowEnd, Wanted};

use crate::cluster::{Family, Snapshot};
use crate::effort::{Effort, TooMuch};
use crate::policy::Ruleset;
use crate::policy::rule::Direction;
use classes::Space;
use connect::Relation;
use examples::Told;
use exempt::{exempted, exemption};
use foldhash::HashSet;
use narrow::Focus;
use peers::SideSets;
use sayings::{Said, Sayings};
use sets::{ClassId, SetId};
use side::{Side, family_index};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use tables::Tables;
use terms::Mode;

/// The relations of one side in one family, each within the next.
#[derive(Clone)]
struct Relations {
    unconditional: Arc<Relation>,
    certain: Arc<Relation>,
    possible: Arc<Relation>,
}

/// The relations of both families, whom the policies mean, and what is said to each class by family and
/// direction.
type WithSayings = ([Option<Relations>; 2], Told, [[Vec<Said>; 2]; 2]);

impl Relations {
    /// Both families, and the rules behind them; `None` for one in which nothing inside has an
    /// address.
    fn of_side(
        space: &Space<'_>,
        side: usize,
        tables: &mut Tables,
        focus: &Focus,
    ) -> ([Option<Self>; 2], Told) {
        let (all, told, _) = Self::with_sayings(space, side, tables, None, focus);
        (all, told)
    }

    /// The same, and by family and direction what is said to each pod class, if that is asked for.
    fn with_sayings<'a>(
        space: &Space<'a>,
        side: usize,
        tables: &mut Tables,
        mut sayings: Option<&mut Sayings<'a>>,
        focus: &Focus,
    ) -> WithSayings {
        let mut side_sets = SideSets::new(space, side, tables);
        let selecting = Direction::ALL.map(|direction| side_sets.selecting(direction));
        let conditions = space.sides[side].rules.traits().conditions;
        let (mut all, mut said) = ([None, None], <[[Vec<Said>; 2]; 2]>::default());
        for family in Family::ALL {
            let anyone = side_sets.anyone(family);
            let outside = space.outside(family);
            if side_sets.tables.sets.runs(anyone).first().is_none_or(|run| run.0 >= outside) {
                continue;
            }
            // Without blocks the families differ only in who has an address.
            if let Some(sayings) = sayings.as_deref_mut() {
                for (i, (direction, of)) in Direction::ALL.into_iter().zip(&selecting).enumerate() {
                    let each = sayings.heard(&mut side_sets, family, (direction, of));
                    said[family_index(family)][i] = each;
                }
            }
            let same = all[0].as_ref().filter(|_| space.uncut);
            let same = same.filter(|v4: &&Self| v4.certain.anyone == anyone).cloned();
            all[family_index(family)] = Some(if let Some(same) = same {
                same
            } else {
                let mut of = |mode| {
                    let side_sets = &mut side_sets;
                    let relation = Relation::new(side_sets, family, mode, &selecting, focus);
                    (Arc::new(relation), side_sets.uncertain)
                };
                let (certain, uncertain) = of(Mode::Certain);
                let possible = if uncertain { of(Mode::Possible).0 } else { certain.clone() };
                let unconditional =
                    if conditions { of(Mode::Unconditional).0 } else { certain.clone() };
                Self { unconditional, certain, possible }
            });
        }
        let SideSets { clauses, named, selectable, on_node, .. } = side_sets;
        (all, Told { selecting, clauses, named, selectable, on_node }, said)
    }

    fn reach(&self, tables: &Tables, source: ClassId, destination: ClassId) -> Reach {
        let ports =
            |relation: &Relation| tables.ports.get(relation.ports(tables, source, destination));
        let certain = ports(&self.certain);
        let same = Arc::ptr_eq(&self.unconditional, &self.certain);
        let unconditional = if same { certain.clone() } else { ports(&self.unconditional) };
        Reach { unconditional, certain, possible: ports(&self.possible) }
    }

    /// Those that differ, each within the next, with whether they are certain and whether they have
    /// flows that depend on a condition.
    fn layers(&self) -> impl Iterator<Item = (&Arc<Relation>, bool, bool)> {
        let on_condition = !Arc::ptr_eq(&self.unconditional, &self.certain);
        let unsure = !Arc::ptr_eq(&self.certain, &self.possible);
        std::iter::once((&self.unconditional, true, false))
            .chain(on_condition.then_some((&self.certain, true, true)))
            .chain(unsure.then_some((&self.possible, false, false)))
    }
}

/// Who reaches whom in one snapshot.
pub struct Connectivity<'a> {
    space: Space<'a>,
    tables: Tables,
    relations: [Option<Relations>; 2],
    told: Told,
    /// The addresses of pods and nodes, once they are asked for.
    taken: OnceCell<HashSet<IpAddr>>,
    /// By family, the ends of which something is not known that rules ask for, once they are asked for.
    in_doubt: OnceCell<[Vec<examples::Span>; 2]>,
}

impl<'a> Connectivity<'a> {
    /// Computes all of it.
    pub fn compute(
        snapshot: &'a Snapshot,
        rules: &'a Ruleset,
        effort: Effort,
    ) -> Result<Self, TooMuch> {
        Ok(Self::narrowed(snapshot, rules, Narrow::default(), effort)?.0)
    }

    /// Computes what is asked for, with the classes of whom: nothing is known of other flows, though
    /// everything of what the rules of an end say of anyone.
    pub fn narrowed(
        snapshot: &'a Snapshot,
        rules: &'a Ruleset,
        narrow: Narrow<'_>,
        effort: Effort,
    ) -> Result<(Self, Wanted), TooMuch> {
        let space = Space::new(vec![Side { snapshot, rules }]);
        let mut tables = Tables::new(effort, &space.written_ports());
        let wanted = narrow.wanted(&space);
        let focus = Focus::of(&space, &wanted);
        let (relations, told) = Relations::of_side(&space, 0, &mut tables, &focus);
        if let Some(too_much) = tables.too_much() {
            return Err(too_much);
        }
        Ok((
            Self {
                space,
                tables,
                relations,
                told,
                taken: OnceCell::new(),
                in_doubt: OnceCell::new(),
            },
            wanted,
        ))
    }

    /// The ports between two ends in one family; none where an end has no address in it.
    pub fn allowed(&self, source: End, destination: End, family: Family) -> Reach {
        let class = |end: &End| match end {
            End::Address(ip) if Family::of(*ip) != family => None,
            _ => self.space.class(0, end),
        };
        let (Some(from), Some(to)) = (class(&source), class(&destination)) else {
            return Reach::default();
        };
        let Some(relations) = &self.relations[family_index(family)] else {
            return Reach::default();
        };
        let anyone = |class| self.tables.sets.contains(relations.certain.anyone, class);
        if !anyone(from) || !anyone(to) || self.space.exclude(from, to) {
            return Reach::default();
        }
        let reach = relations.reach(&self.tables, from, to);
        exempted(reach, exemption(&self.space, 0, source, destination))
    }

    /// How many classes there are, pods and nodes first, then all.
    pub fn classes(&self) -> (usize, usize) {
        (self.space.inside as usize, self.space.size as usize)
    }

    /// Rectangles that together are all that policies allow: without condition, then all that is
    /// certain, then all that is possible. Those of one kind are disjoint, and a kind that has nothing
    /// more than the one before is left out.
    pub fn rectangles(&self, family: Family) -> impl Iterator<Item = Rectangle<'_>> {
        let relations = self.relations[family_index(family)].iter();
        relations.flat_map(Relations::layers).flat_map(move |(relation, certain, conditional)| {
            let mut destinations: BTreeMap<u32, Vec<ClassId>> = BTreeMap::new();
            for class in self.tables.sets.classes(relation.anyone) {
                let column = relation.column_of[class as usize];
                destinations.entry(column).or_default().push(class);
            }
            destinations.into_iter().flat_map(move |(column, classes)| {
                let destinations: Arc<[ClassId]> = classes.into();
                relation.columns[column as usize].iter().map(move |(sources, ports)| Rectangle {
                    connectivity: self,
                    family,
                    certain,
                    conditional,
                    sources: *sources,
                    destinations: destinations.clone(),
                    ports: self.tables.ports.get(*ports),
                })
            })
        })
    }
}

/// Every source of a set reaches every destination of another at the same ports.
pub struct Rectangle<'c> {
    connectivity: &'c Connectivity<'c>,
    /// The family of its flows.
    pub family: Family,
    /// Whether its flows are certain, or allowed or unknown.
    pub certain: bool,
    /// Whether some of its flows, which are certain, depend on a condition.
    pub conditional: bool,
    sources: SetId,
    destinations: Arc<[ClassId]>,
    /// The ports.
    pub ports: PortSet,
}

/// A set of ends, expanded only when it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// One pod or node.
    One(End),
    /// All addresses from one to another that no pod or node has. Under Cilium those of the pod network
    /// are not meant either unless all of them are, nor is the one on each node for DNS.
    Outside(IpAddr, IpAddr),
}

impl Rectangle<'_> {
    /// Its sources.
    pub fn sources(&self) -> impl Iterator<Item = Ends> {
        let classes = self.connectivity.tables.sets.classes(self.sources);
        classes.flat_map(|class| ends(&self.connectivity.space, class, self.family))
    }

    /// Its destinations.
    pub fn destinations(&self) -> impl Iterator<Item = Ends> {
        let classes = self.destinations.iter();
        classes.flat_map(|class| ends(&self.connectivity.space, *class, self.family))
    }
}

fn ends(space: &Space<'_>, class: ClassId, family: Family) -> impl Iterator<Item = Ends> {
    let outside = space.atom(class, family).map(|atom| {
        let (first, last) = space.atoms[family_index(family)].bounds(atom);
        Ends::Outside(first, last)
    });
    let inside = space.members(class).iter().filter_map(|member| member[0]);
    inside.map(|inside| Ends::One(inside.into())).chain(outside)
}
