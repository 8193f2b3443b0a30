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

mod addresses;
mod classes;
mod connect;
mod diff;
mod members;
mod overlay;
mod ports;
mod rows;
mod sets;
mod terms;
mod wide;

pub use diff::{Cell, Change, ChangedEnds, Changes, Diff, EndClass, Same, Witness, diff};
pub use ports::PortSet;
pub use rows::{Row, RowEnd, Wanted};

use crate::cluster::{Family, PodId, Snapshot};
use crate::policy::Ruleset;
use crate::policy::rule::Direction;
use classes::{Side, Space, family_index};
use connect::Relation;
use ports::PortTable;
use sets::{ClassId, SetId, SetTable};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use terms::{Mode, Resolver, Tables};

/// One end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// A pod, or the pods that a template stands for.
    Pod(PodId),
    /// A node, by its index in the snapshot.
    Node(usize),
    /// An address that no pod or node has.
    Address(IpAddr),
}

/// The ports between two ends. What is possible but not certain is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Ports that are allowed, whatever the unknown parts turn out to be.
    pub certain: PortSet,
    /// Ports that are allowed or unknown.
    pub possible: PortSet,
}

/// The relations of one side in one family.
#[derive(Clone)]
struct Relations {
    certain: Arc<Relation>,
    possible: Arc<Relation>,
}

impl Relations {
    /// Both families; `None` for one in which nothing inside has an address.
    fn of_side(space: &Space<'_>, side: usize, tables: &mut Tables) -> [Option<Self>; 2] {
        let mut resolver = Resolver::new(space, side, tables);
        let ingress = resolver.selecting(Direction::Ingress);
        let egress = resolver.selecting(Direction::Egress);
        let mut all = [None, None];
        for family in Family::ALL {
            let anyone = resolver.anyone(family);
            let outside = space.outside(family);
            if resolver.tables.sets.runs(anyone).first().is_none_or(|run| run.0 >= outside) {
                continue;
            }
            // Without blocks the families differ only in who has an address.
            let same = all[0].as_ref().filter(|_| space.uncut);
            let same = same.filter(|v4: &&Self| v4.certain.anyone == anyone).cloned();
            all[family_index(family)] = Some(if let Some(same) = same {
                same
            } else {
                let mut of = |mode| {
                    let resolver = &mut resolver;
                    let relation = Relation::new(resolver, family, mode, &ingress, &egress);
                    (Arc::new(relation), resolver.uncertain)
                };
                let (certain, uncertain) = of(Mode::Certain);
                let possible = if uncertain { of(Mode::Possible).0 } else { certain.clone() };
                Self { certain, possible }
            });
        }
        all
    }

    fn reach(&self, tables: &Tables, source: ClassId, destination: ClassId) -> Reach {
        let ports = |relation: &Relation| {
            tables.ports.get(relation.ports(tables, source, destination)).clone()
        };
        Reach { certain: ports(&self.certain), possible: ports(&self.possible) }
    }
}

/// Who reaches whom in one snapshot.
pub struct Connectivity<'a> {
    space: Space<'a>,
    tables: Tables,
    relations: [Option<Relations>; 2],
}

impl<'a> Connectivity<'a> {
    /// Computes all of it.
    pub fn compute(snapshot: &'a Snapshot, rules: &'a Ruleset) -> Self {
        let space = Space::new(vec![Side { snapshot, rules }]);
        let mut tables = Tables { sets: SetTable::new(), ports: PortTable::new() };
        let relations = Relations::of_side(&space, 0, &mut tables);
        Self { space, tables, relations }
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
        if !anyone(from) || !anyone(to) {
            return Reach::default();
        }
        let reach = relations.reach(&self.tables, from, to);
        exempted(reach, exemption(self.space.sides[0].snapshot, source, destination))
    }

    /// How many classes there are, pods and nodes first, then all.
    pub fn classes(&self) -> (usize, usize) {
        (self.space.inside as usize, self.space.size as usize)
    }

    /// Disjoint rectangles that together are all that policies allow, certainly or perhaps.
    pub fn rectangles(&self, family: Family) -> impl Iterator<Item = Rectangle<'_>> {
        let relations = self.relations[family_index(family)].as_ref();
        let relations = relations.map(|relations| {
            let same = Arc::ptr_eq(&relations.certain, &relations.possible);
            let unsure = (!same).then_some((false, &relations.possible));
            std::iter::once((true, &relations.certain)).chain(unsure)
        });
        relations.into_iter().flatten().flat_map(move |(certain, relation)| {
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
    sources: SetId,
    destinations: Arc<[ClassId]>,
    /// The ports.
    pub ports: &'c PortSet,
}

/// A set of ends, expanded only when it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// One pod or node.
    One(End),
    /// All addresses from one to another that no pod or node has.
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

/// What the specification exempts from policies, whatever they say (section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exemption {
    None,
    /// Certainly allowed.
    Allowed,
    /// Perhaps exempt: what is not allowed is unknown.
    Perhaps,
}

fn exemption(snapshot: &Snapshot, source: End, destination: End) -> Exemption {
    let pod = |end| match end {
        End::Pod(id) => Some(snapshot.pod(id)),
        End::Node(_) | End::Address(_) => None,
    };
    if let Some(source_pod) = pod(source)
        && source == destination
        && !source_pod.template
    {
        return Exemption::Allowed;
    }
    // The name of the node that an end is, in policies' eyes; `None`: it is none.
    let node_of = |end| match end {
        End::Pod(id) if snapshot.pod(id).host_network => Some(snapshot.pod(id).node.as_ref()),
        End::Node(index) => snapshot.nodes.get(index).map(|node| Some(&node.name)),
        End::Pod(_) | End::Address(_) => None,
    };
    let (Some(node), Some(pod), ingress) = (match (node_of(source), node_of(destination)) {
        (Some(node), None) => (Some(node), pod(destination), true),
        (None, Some(node)) => (Some(node), pod(source), false),
        _ => (None, None, false),
    }) else {
        return Exemption::None;
    };
    match (node, &pod.node) {
        (Some(a), Some(b)) if a != b => Exemption::None,
        (Some(_), Some(_)) if ingress => Exemption::Allowed,
        _ => Exemption::Perhaps,
    }
}

fn exempted(reach: Reach, exemption: Exemption) -> Reach {
    match exemption {
        Exemption::None => reach,
        Exemption::Allowed => Reach { certain: PortSet::all(), possible: PortSet::all() },
        Exemption::Perhaps => Reach { possible: PortSet::all(), ..reach },
    }
}
