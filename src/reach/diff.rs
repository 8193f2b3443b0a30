//! What a change opens and closes, exactly.
//!
//! In: two snapshots, each with its rules. Out: a [`Diff`]: every flow between ends that both have
//! of which more or less gets through, as rectangles over one common refinement of classes, addresses
//! and ports, each with a [`Witness`]. Where policies ask for other conditions than before, so are the
//! flows that pass on a condition on both sides: only a judgement of one knows whether it is the same.
//! Ends that only one side has are listed apart.
//!
//! A pod that moved to or from a node changes how that node stands to it; that is no change of policy,
//! so the two are not compared. One that came to the network of its node, or left it, is.

use super::classes::Space;
use super::connect::Relation;
use super::exempt::{exempted, exemption, own_node};
use super::members::{Inside, Member};
use super::narrow::Focus;
use super::port_table::{PortTable, PortsId};
use super::ports::{PortSet, Reach};
use super::region::Column;
use super::sayings::{Retold, Sayings};
use super::sets::{ClassId, Run, SetId, merged};
use super::side::{Side, family_index};
use super::tables::Tables;
use super::{End, Relations};
use crate::cluster::{Family, Name, Port, Snapshot};
use crate::effort::{Effort, TooMuch};
use crate::policy::Ruleset;
use crate::verdict::Passage;
use foldhash::{HashMap, HashMapExt as _, HashSet};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// The difference between two connectivities.
pub struct Diff<'a> {
    space: Space<'a>,
    tables: Tables,
    old: [Option<Relations>; 2],
    new: [Option<Relations>; 2],
    changes: Vec<Change>,
    /// Where rules differ, by family: what passes on a condition on both sides may do so there on
    /// another one.
    retold: [Retold; 2],
    /// The addresses of pods and nodes of either side.
    taken: HashSet<IpAddr>,
    /// Pods and nodes that only the old snapshot has, by its ids.
    pub gone: Vec<End>,
    /// Pods and nodes that only the new snapshot has, by its ids.
    pub came: Vec<End>,
}

/// Flows between all of some sources and all of some destinations that change alike.
#[derive(Clone, Debug)]
pub struct Change {
    /// The family of the flows.
    pub family: Family,
    /// What got through.
    pub from: Passage,
    /// What gets through now; on a condition as before, where that may be another one.
    pub to: Passage,
    /// The ports at which it changes so.
    pub ports: PortSet,
    /// One of the flows.
    pub witness: Witness,
    sources: SetId,
    destinations: Arc<[ClassId]>,
}

/// An end of both snapshots, whose ids may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Same {
    /// By the old snapshot's ids.
    pub old: End,
    /// By the new snapshot's ids.
    pub new: End,
}

/// One flow that changes, with the lowest port, to be explained on either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Its source.
    pub source: Same,
    /// Its destination.
    pub destination: Same,
    /// Its port.
    pub port: Port,
}

/// Ends of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedEnds {
    /// One pod or node.
    One(Same),
    /// All addresses from one to another that no pod or node has.
    Outside(IpAddr, IpAddr),
}

/// A class of ends that no rule of either side tells apart; the same in both families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndClass(ClassId);

/// The part of a change between two classes: every flow of it is judged alike, but for exemptions.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The class of the sources.
    pub sources: EndClass,
    /// The class of the destinations.
    pub destinations: EndClass,
    /// What got through.
    pub from: Passage,
    /// What gets through now; on a condition as before, where that may be another one.
    pub to: Passage,
    /// The ports at which it changes so.
    pub ports: PortSet,
    /// A source that no exemption keeps as it was.
    pub source: Same,
    /// The destination with it.
    pub destination: Same,
}

/// Compares two connectivities.
pub fn diff<'a>(
    old: (&'a Snapshot, &'a Ruleset),
    new: (&'a Snapshot, &'a Ruleset),
    effort: Effort,
) -> Result<Diff<'a>, TooMuch> {
    let side = |(snapshot, rules)| Side { snapshot, rules };
    let space = Space::new(vec![side(old), side(new)]);
    let mut tables = Tables::new(effort, &space.written_ports());
    let focus = Focus::default();
    let bound = space.sides.iter().all(|side| side.rules.traits().conditions);
    let mut sayings = bound.then(|| Sayings::new(&space, &mut tables.sets));
    let mut relations =
        |side| Relations::with_sayings(&space, side, &mut tables, sayings.as_mut(), &focus);
    let (old, _, told) = relations(0);
    let (new, _, again) = relations(1);
    let retold = sayings.map(|it| it.retold(&space, &mut tables.sets, &[told, again]));
    let retold = retold.unwrap_or_default();
    let (mut gone, mut came) = (Vec::new(), Vec::new());
    for member in (0..space.inside).flat_map(|class| space.members(class)) {
        match member {
            [Some(old), None] => gone.push(End::from(*old)),
            [None, Some(new)] => came.push(End::from(*new)),
            _ => {}
        }
    }
    gone.sort_unstable();
    came.sort_unstable();
    let taken = space.taken();
    let mut diff = Diff { space, tables, old, new, changes: Vec::new(), retold, taken, gone, came };
    for family in Family::ALL {
        let f = family_index(family);
        if let (Some(old), Some(new)) = (diff.old[f].clone(), diff.new[f].clone()) {
            diff.compare(family, &old, &new);
        }
    }
    match diff.tables.too_much() {
        Some(too_much) => Err(too_much),
        None => Ok(diff),
    }
}

/// The changes at some ports of one family: ports by what got through and what does now.
pub type Changes = Vec<(Passage, Passage, PortSet)>;

fn changes(old: &Reach, new: &Reach, retold: bool) -> Changes {
    // The engine of all flows does not tell what is ambiguous from what is not known.
    let by_passage = |reach: &Reach| {
        [
            (Passage::Denied, PortSet::all().difference(&reach.possible)),
            (Passage::Unknown, reach.possible.difference(&reach.certain)),
            (Passage::OnCondition, reach.certain.difference(&reach.unconditional)),
            (Passage::Allowed, reach.unconditional.clone()),
        ]
    };
    let (before, after) = (by_passage(old), by_passage(new));
    let mut all = Vec::new();
    for (from, old) in &before {
        for (to, new) in &after {
            if from == to && !(retold && *from == Passage::OnCondition) {
                continue;
            }
            let ports = old.intersection(new);
            if !ports.is_empty() {
                all.push((*from, *to, ports));
            }
        }
    }
    all
}

/// The same of the ports that three relations of each side have.
pub(super) fn changed(
    table: &mut PortTable,
    six: Six,
    retold: bool,
) -> Vec<(Passage, Passage, PortsId)> {
    let mut passing = |[unconditional, certain, possible]: [PortsId; 3]| {
        [
            (Passage::Unknown, table.but(possible, certain)),
            (Passage::OnCondition, table.but(certain, unconditional)),
            (Passage::Allowed, unconditional),
        ]
    };
    let [a, b, old, c, d, new] = six;
    let (before, after) = (passing([a, b, old]), passing([c, d, new]));
    let mut all = Vec::new();
    for (from, ports) in before {
        all.push((from, Passage::Denied, table.but(ports, new)));
        for (to, others) in after {
            if from != to || (retold && from == Passage::OnCondition) {
                all.push((from, to, table.and(ports, others)));
            }
        }
    }
    for (to, ports) in after {
        all.push((Passage::Denied, to, table.but(ports, old)));
    }
    all.retain(|(_, _, ports)| *ports != PortTable::NONE);
    all
}

/// The cells of a change, or of one way to change, besides its ranges of ports.
const CELLS_OF_CHANGE: usize = 30;

/// The ports of the three relations of the old side, then of the new.
pub(super) type Six = [PortsId; 6];

/// Whether two sides differ, or both have something on a condition that may be another one.
pub(super) fn may_change<T: PartialEq>(six: &[T; 6], retold: bool) -> bool {
    six[..3] != six[3..] || (retold && six[0] != six[1] && six[3] != six[4])
}

impl Diff<'_> {
    /// Every change, as policies have it: IPv4 before IPv6, in the order of destinations.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// What changes from one end of both snapshots to another; nothing where they are not compared.
    pub fn between(&self, source: Same, destination: Same, family: Family) -> Changes {
        let class = |same: Same| {
            let outside = matches!(same.old, End::Address(ip) if Family::of(ip) != family);
            let class = self.space.class(0, &same.old).filter(|_| !outside)?;
            (self.space.class(1, &same.new) == Some(class)).then_some(class)
        };
        let (Some(from), Some(to)) = (class(source), class(destination)) else { return Vec::new() };
        self.between_classes(from, to, source, destination, family)
    }

    fn between_classes(
        &self,
        from: ClassId,
        to: ClassId,
        source: Same,
        destination: Same,
        family: Family,
    ) -> Changes {
        let f = family_index(family);
        let (Some(old), Some(new)) = (&self.old[f], &self.new[f]) else { return Vec::new() };
        if self.space.exclude(from, to) {
            return Vec::new();
        }
        let there = |relations: &Relations, class| {
            self.tables.sets.contains(relations.certain.anyone, class)
        };
        if [old, new].into_iter().any(|side| !there(side, from) || !there(side, to)) {
            return Vec::new();
        }
        let own = |side: usize, source, destination| {
            let own = own_node(self.space.sides[side].snapshot, source, destination);
            own.map(|(_, own)| own)
        };
        let before = own(0, source.old, destination.old);
        let after = own(1, source.new, destination.new);
        // Where only one side has a node in it, a pod came to its node's network or left it.
        if before.zip(after).is_some_and(|(before, after)| before != after) {
            return Vec::new();
        }
        let reach = |relations: &Relations, side, source, destination| {
            let reach = relations.reach(&self.tables, from, to);
            exempted(reach, exemption(&self.space, side, source, destination))
        };
        changes(
            &reach(old, 0, source.old, destination.old),
            &reach(new, 1, source.new, destination.new),
            self.retold[f].has(&self.tables.sets, from, to),
        )
    }

    fn compare(&mut self, family: Family, old: &Relations, new: &Relations) {
        let both = self.tables.sets.and(old.certain.anyone, new.certain.anyone);
        let all: [&Relation; 6] = [
            &old.unconditional,
            &old.certain,
            &old.possible,
            &new.unconditional,
            &new.certain,
            &new.possible,
        ];
        // Where nothing is unknown and nothing depends on a condition, all of a side are one.
        let first: [usize; 6] =
            std::array::from_fn(|i| (0..i).find(|j| std::ptr::eq(all[*j], all[i])).unwrap_or(i));
        let f = family_index(family);
        let any_retold = !self.retold[f].is_nothing();
        let mut destinations: BTreeMap<([u32; 6], SetId), Vec<ClassId>> = BTreeMap::new();
        let classes: Vec<ClassId> = self.tables.sets.classes(both).collect();
        for class in classes {
            let columns = all.map(|relation| relation.column_of[class as usize]);
            let retold = self.retold[f].sources(&mut self.tables.sets, class);
            destinations.entry((columns, retold)).or_default().push(class);
        }
        let mut opened: HashMap<Six, Vec<(Passage, Passage, PortsId)>> = HashMap::new();
        for ((columns, retold), classes) in destinations {
            if self.tables.is_over() {
                return;
            }
            let columns: [&Column; 6] =
                std::array::from_fn(|i| &all[i].columns[columns[i] as usize]);
            if !may_change(&columns, any_retold) {
                continue;
            }
            let mut by_change: HashMap<(Passage, Passage, PortsId), Vec<Run>> = HashMap::new();
            let distinct = (0..6).filter(|i| first[*i] == *i).map(|i| (i, columns[i]));
            let overlay = overlay(&self.tables, distinct);
            self.tables.step(overlay.len());
            for (from, to, ports) in overlay {
                let six = first.map(|i| ports[i]);
                if !may_change(&six, any_retold) {
                    continue;
                }
                if self.tables.is_over() {
                    return;
                }
                let changes = opened.entry(six).or_insert_with(|| {
                    self.tables.keep(CELLS_OF_CHANGE);
                    changed(&mut self.tables.ports, six, any_retold)
                });
                for change in changes {
                    by_change.entry(*change).or_default().push((from, to));
                }
            }
            let destinations: Arc<[ClassId]> = classes.into();
            let by_change = by_change.into_iter();
            let mut by_change: Vec<(Passage, Passage, PortSet, Vec<Run>)> = by_change
                .map(|((from, to, ports), runs)| (from, to, self.tables.ports.get(ports), runs))
                .collect();
            by_change.sort_unstable();
            for (from, to, ports, runs) in by_change {
                let sources = self.tables.sets.id(merged(runs));
                let mut sources = self.tables.sets.and(sources, both);
                if from == to {
                    sources = self.tables.sets.and(sources, retold);
                }
                let witness =
                    self.witness(family, sources, &destinations, ports.lowest(), from, to);
                let destinations = destinations.clone();
                self.tables.keep(CELLS_OF_CHANGE + ports.ranges().len());
                self.changes.extend(witness.map(|witness| Change {
                    family,
                    from,
                    to,
                    ports,
                    witness,
                    sources,
                    destinations,
                }));
            }
        }
    }

    /// A flow of the rectangle that no exemption keeps as it was; `None` where each is exempt.
    fn witness(
        &self,
        family: Family,
        sources: SetId,
        destinations: &[ClassId],
        port: Option<Port>,
        from: Passage,
        to: Passage,
    ) -> Option<Witness> {
        let port = port?;
        self.tables.step(destinations.len());
        // Verdicts hang together with the kind of exemption, so a pair without any comes first.
        let mut exempt = None;
        for source_class in self.tables.sets.classes(sources) {
            for source in self.examples(source_class, family) {
                for destination_class in destinations {
                    for destination in self.examples(*destination_class, family) {
                        let (a, b) = (source_class, *destination_class);
                        let changes = self.between_classes(a, b, source, destination, family);
                        for (before, after, ports) in &changes {
                            if !ports.contains(port) {
                                continue;
                            }
                            let witness = Witness { source, destination, port };
                            if (*before, *after) == (from, to) {
                                return Some(witness);
                            }
                            exempt = exempt.or(Some(witness));
                        }
                    }
                }
                if exempt.is_some() {
                    return exempt;
                }
            }
        }
        exempt
    }

    /// Enough ends of a class to find a pair without exemption: two for each node they are on.
    fn examples(&self, class: ClassId, family: Family) -> Vec<Same> {
        if let Some(atom) = self.space.atom(class, family) {
            let ip = self.space.free_address(atom, family, &self.taken);
            return vec![Same { old: ip, new: ip }];
        }
        let mut seen: HashMap<[Option<&Name>; 2], u8> = HashMap::new();
        let members = self.space.members(class).iter();
        members
            .filter(|member| {
                let nodes = std::array::from_fn(|side| self.node(member, side));
                let times = seen.entry(nodes).or_default();
                *times = times.saturating_add(1);
                *times <= 2
            })
            .filter_map(same)
            .collect()
    }

    fn node(&self, member: &Member, side: usize) -> Option<&Name> {
        let snapshot = self.space.sides[side].snapshot;
        match member[side]? {
            Inside::Pod(pod) => snapshot.pod(pod).node.as_ref(),
            Inside::Node(node) => Some(&snapshot.nodes[node].name),
        }
    }

    /// How many cells a change has at most.
    pub fn size(&self, change: &Change) -> usize {
        self.tables.sets.classes(change.sources).count() * change.destinations.len()
    }

    /// A change class by class, without pairs that are exempt.
    pub fn cells<'s>(&'s self, change: &'s Change) -> impl Iterator<Item = Cell> + 's {
        let sources = self.tables.sets.classes(change.sources);
        sources.flat_map(move |source| {
            let examples = self.examples(source, change.family);
            change.destinations.iter().flat_map(move |destination| {
                let others = self.examples(*destination, change.family);
                self.cell(change, (source, &examples), (*destination, &others))
            })
        })
    }

    fn cell(
        &self,
        change: &Change,
        (sources, from): (ClassId, &[Same]),
        (destinations, to): (ClassId, &[Same]),
    ) -> Vec<Cell> {
        let mut exempt = Vec::new();
        for source in from {
            for destination in to {
                let (source, destination) = (*source, *destination);
                let changes =
                    self.between_classes(sources, destinations, source, destination, change.family);
                let cells = changes.into_iter().map(|(from, to, ports)| {
                    let ports = ports.intersection(&change.ports);
                    let (sources, destinations) = (EndClass(sources), EndClass(destinations));
                    Cell { sources, destinations, from, to, ports, source, destination }
                });
                let cells: Vec<Cell> = cells.filter(|cell| !cell.ports.is_empty()).collect();
                if cells.iter().any(|cell| (cell.from, cell.to) == (change.from, change.to)) {
                    return cells;
                }
                if exempt.is_empty() {
                    exempt = cells;
                }
            }
        }
        exempt
    }

    /// The classes of the sources and of the destinations of a change.
    pub fn classes<'s>(
        &'s self,
        change: &'s Change,
    ) -> [Box<dyn Iterator<Item = EndClass> + 's>; 2] {
        [
            Box::new(self.tables.sets.classes(change.sources).map(EndClass)),
            Box::new(change.destinations.iter().copied().map(EndClass)),
        ]
    }

    /// Every class that is compared in a family, and whether it is outside the cluster.
    pub fn compared(&self, family: Family) -> Vec<(EndClass, bool)> {
        let f = family_index(family);
        let (Some(old), Some(new)) = (&self.old[f], &self.new[f]) else { return Vec::new() };
        let there = |relations: &Relations, class| {
            self.tables.sets.contains(relations.certain.anyone, class)
        };
        let compared =
            (0..self.space.size).filter(|class| there(old, *class) && there(new, *class));
        compared.map(|class| (EndClass(class), class >= self.space.inside)).collect()
    }

    /// The ends of a class that both sides have.
    pub fn members(&self, class: EndClass, family: Family) -> impl Iterator<Item = ChangedEnds> {
        self.ends(class.0, family)
    }

    /// The sources of a change.
    pub fn sources<'s>(&'s self, change: &'s Change) -> impl Iterator<Item = ChangedEnds> + 's {
        let classes = self.tables.sets.classes(change.sources);
        classes.flat_map(|class| self.ends(class, change.family))
    }

    /// The destinations of a change.
    pub fn destinations<'s>(
        &'s self,
        change: &'s Change,
    ) -> impl Iterator<Item = ChangedEnds> + 's {
        change.destinations.iter().flat_map(|class| self.ends(*class, change.family))
    }

    fn ends(&self, class: ClassId, family: Family) -> impl Iterator<Item = ChangedEnds> {
        let outside = self.space.atom(class, family).map(|atom| {
            let (first, last) = self.space.atoms[family_index(family)].bounds(atom);
            ChangedEnds::Outside(first, last)
        });
        let inside = self.space.members(class).iter().filter_map(same);
        inside.map(ChangedEnds::One).chain(outside)
    }
}

fn same(member: &Member) -> Option<Same> {
    let [old, new] = *member;
    Some(Same { old: old?.into(), new: new?.into() })
}

/// Some of six columns cut at each other's edges.
pub(super) fn overlay<'c>(
    tables: &Tables,
    columns: impl Iterator<Item = (usize, &'c Column)>,
) -> Vec<(ClassId, ClassId, Six)> {
    let mut edges: Vec<(ClassId, usize, PortsId)> = Vec::new();
    for (i, column) in columns {
        for (set, ports) in column {
            for (from, to) in tables.sets.runs(*set).iter() {
                edges.extend([(*from, i, *ports), (*to, i, PortTable::NONE)]);
            }
        }
    }
    // Where one run ends and the next begins, the beginning counts: it sorts last.
    edges.sort_unstable();
    let mut spans = Vec::new();
    let mut now: Six = [PortTable::NONE; 6];
    let mut from = 0;
    for (at, i, ports) in edges {
        if at > from && now.iter().any(|ports| *ports != PortTable::NONE) {
            spans.push((from, at, now));
        }
        from = at;
        now[i] = ports;
    }
    spans
}
