//! Everything that is allowed, as rows that stay short however many pods there are.
//!
//! In: a [`Connectivity`] and who is [`Wanted`]. Out: [`Row`]s. Rules that admit anyone, or every
//! pod, give one row for the end they speak of, and other rows only say what these do not: a flow is
//! allowed where a row has both ends, and where a row from anyone to its destination and a row from
//! its source to anyone have the port in common. Nodes and addresses outside are always open to
//! anyone and to everything, so they have no such rows of their own. That a node reaches its own pods
//! is no row.

use super::connect::Relation;
use super::port_table::PortsId;
use super::ports::PortSet;
use super::sets::{ClassId, Run, Runs, SetId, intersection, singles};
use super::side::family_index;
use super::wide::Wide;
use super::{Connectivity, End, Ends, ends};
use crate::cluster::{Family, Truth};
use crate::effort::TooMuch;
use crate::policy::rule::Direction;
use foldhash::{HashMap, HashMapExt as _};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::{ControlFlow, Range};

/// One end of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowEnd {
    /// Everyone in the cluster and outside, as far as their own rules have it.
    Anyone,
    /// Every pod that policies can select, as far as their own rules have it.
    EveryPod,
    /// The ends of one class inside.
    Class(u32),
    /// The addresses of neighbouring classes outside, from the first to the one after the last.
    Outside(u32, u32),
}

/// The ports from one end to another.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r> {
    /// The source.
    pub source: RowEnd,
    /// The destination; never symbolic when the source is.
    pub destination: RowEnd,
    /// The ports, at least one.
    pub ports: &'r PortSet,
    /// Whether it is certain, or allowed or unknown.
    pub certain: bool,
    /// Whether it is certain but for a condition, such as an HTTP path.
    pub conditional: bool,
}

/// Which rows to list.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Only from these classes; then no row is from anyone.
    pub from: Option<BTreeSet<u32>>,
    /// Only to these classes; then no row is to anyone.
    pub to: Option<BTreeSet<u32>>,
    /// Only with an end among these classes.
    pub touching: Option<Range<u32>>,
    /// Only from anyone, every pod or outside.
    pub exposed: bool,
}

impl Wanted {
    fn touches(&self, class: ClassId) -> bool {
        self.touching.as_ref().is_none_or(|range| range.contains(&class))
    }
}

fn has(wanted: Option<&BTreeSet<u32>>, class: ClassId) -> bool {
    wanted.is_none_or(|wanted| wanted.contains(&class))
}

impl Connectivity<'_> {
    /// What there is too much of, where rows were told until there was.
    pub fn too_much(&self) -> Option<TooMuch> {
        self.tables.too_much()
    }

    /// The class of an end; `None` for a finished pod.
    pub fn class(&self, end: End) -> Option<u32> {
        self.space.class(0, &end)
    }

    /// Whether the ends of a class can be ends of flows of a family.
    pub fn has(&self, class: u32, family: Family) -> bool {
        let relations = self.relations[family_index(family)].as_ref();
        relations.is_some_and(|r| self.tables.sets.contains(r.certain.anyone, class))
    }

    /// Whether there are flows of a family.
    pub fn has_family(&self, family: Family) -> bool {
        self.relations[family_index(family)].is_some()
    }

    /// The ends of a class.
    pub fn ends(&self, class: u32, family: Family) -> impl Iterator<Item = Ends> {
        ends(&self.space, class, family)
    }

    /// The classes of a family's addresses outside, in order.
    pub fn outside(&self, family: Family) -> Range<u32> {
        let first = self.space.outside(family);
        first..first + self.space.atoms[family_index(family)].len()
    }

    /// The addresses of neighbouring classes outside, from the first to the one before the last.
    pub fn outside_range(&self, (first, end): (u32, u32), family: Family) -> (IpAddr, IpAddr) {
        let atoms = &self.space.atoms[family_index(family)];
        let outside = self.space.outside(family);
        let atom = |class: u32| class.saturating_sub(outside);
        (atoms.bounds(atom(first)).0, atoms.bounds(atom(end.saturating_sub(1))).1)
    }

    /// Every row of a family: those without condition, then others that are certain, then the rest.
    /// Stops where `visit` breaks.
    pub fn rows(
        &self,
        family: Family,
        wanted: &Wanted,
        visit: &mut dyn FnMut(Row<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Some(relations) = &self.relations[family_index(family)] else {
            return ControlFlow::Continue(());
        };
        let mut said = Vec::new();
        for (relation, certain, conditional) in relations.layers() {
            let rows = Rows { all: self, relation, said: &said, certain, conditional, wanted };
            rows.symbolic(visit)?;
            rows.explicit(visit)?;
            said.push(&**relation);
        }
        ControlFlow::Continue(())
    }
}

struct Rows<'r, 'a> {
    all: &'r Connectivity<'a>,
    relation: &'r Relation,
    /// What was said already, each within the next.
    said: &'r [&'r Relation],
    certain: bool,
    conditional: bool,
    wanted: &'r Wanted,
}

/// What covers flows between an end and others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Cover {
    wide: Wide,
    /// Whether selectors can select it.
    selectable: bool,
    /// Nodes and addresses have no rows with anyone.
    pod: bool,
}

impl Rows<'_, '_> {
    fn ports(&self, id: PortsId) -> PortSet {
        self.all.tables.ports.get(id)
    }

    fn cover(&self, direction: Direction, class: ClassId) -> Cover {
        let space = &self.all.space;
        let pod = class < space.pods;
        let facts = || space.facts[class as usize][0].as_ref();
        let selectable = pod && facts().is_some_and(|facts| !facts.on_node);
        Cover { wide: self.relation.wide(direction, class), selectable, pod }
    }

    /// From anyone or every pod to one class, and from one class to them.
    fn symbolic(&self, visit: &mut dyn FnMut(Row<'_>) -> ControlFlow<()>) -> ControlFlow<()> {
        let Wanted { from, to, exposed, .. } = self.wanted;
        let (certain, conditional) = (self.certain, self.conditional);
        for direction in Direction::ALL {
            let (own, other) = match direction {
                Direction::Ingress => (to, from),
                Direction::Egress => (from, to),
            };
            if other.is_some() || (*exposed && direction == Direction::Egress) {
                continue;
            }
            let pods = 0..self.all.space.pods;
            let there = |class: &ClassId| {
                self.all.tables.sets.contains(self.relation.anyone, *class)
                    && has(own.as_ref(), *class)
                    && self.wanted.touches(*class)
            };
            for class in pods.filter(there) {
                let wide = self.relation.wide(direction, class);
                let mut anyone = self.ports(wide.anyone);
                let mut pods = self.ports(wide.pods).difference(&anyone);
                // What admits everyone only with several rules together is not always seen to do so.
                for said in self.said.iter().map(|said| said.wide(direction, class)) {
                    anyone = anyone.difference(&self.ports(said.anyone));
                    pods = pods.difference(&self.ports(said.pods));
                }
                for (symbol, ports) in [(RowEnd::Anyone, anyone), (RowEnd::EveryPod, pods)] {
                    let (source, destination) = match direction {
                        Direction::Ingress => (symbol, RowEnd::Class(class)),
                        Direction::Egress => (RowEnd::Class(class), symbol),
                    };
                    if !ports.is_empty() {
                        visit(Row { source, destination, ports: &ports, certain, conditional })?;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// The sources of a set by what covers them; of few sources only these are looked at.
    fn groups<'s>(&self, sources: &'s [(Cover, Runs)], set: SetId) -> Cow<'s, [(Cover, Runs)]> {
        let sets = &self.all.tables.sets;
        if sources.len() <= sets.size(set) as usize {
            return sources.into();
        }
        let mut by_cover: BTreeMap<Cover, Vec<ClassId>> = BTreeMap::new();
        for class in sets.classes(set).filter(|class| self.is_source(*class)) {
            by_cover.entry(self.cover(Direction::Egress, class)).or_default().push(class);
        }
        let groups = by_cover.into_iter();
        groups.map(|(cover, classes)| (cover, singles(classes).into())).collect()
    }

    fn is_source(&self, class: ClassId) -> bool {
        let outside = class >= self.all.space.inside;
        has(self.wanted.from.as_ref(), class) && (outside || !self.wanted.exposed)
    }

    /// Sources that are covered alike.
    fn sources(&self) -> Vec<(Cover, Runs)> {
        let mut by_cover: BTreeMap<Cover, Vec<ClassId>> = BTreeMap::new();
        for class in self.all.tables.sets.classes(self.relation.anyone) {
            if self.is_source(class) {
                let cover = self.cover(Direction::Egress, class);
                by_cover.entry(cover).or_default().push(class);
            }
        }
        by_cover.into_iter().map(|(cover, classes)| (cover, singles(classes).into())).collect()
    }

    /// Between classes, what symbolic rows do not say.
    fn explicit(&self, visit: &mut dyn FnMut(Row<'_>) -> ControlFlow<()>) -> ControlFlow<()> {
        let sets = &self.all.tables.sets;
        let sources = self.sources();
        let mut by_column: BTreeMap<(u32, Cover), Vec<ClassId>> = BTreeMap::new();
        for class in sets.classes(self.relation.anyone) {
            if has(self.wanted.to.as_ref(), class) {
                let key = (
                    self.relation.column_of[class as usize],
                    self.cover(Direction::Ingress, class),
                );
                by_column.entry(key).or_default().push(class);
            }
        }
        let mut said: HashMap<(Cover, Cover), PortSet> = HashMap::new();
        let mut known: HashMap<(PortsId, Cover, Cover), PortSet> = HashMap::new();
        for ((column, into), destinations) in by_column {
            let destinations = self.units(&singles(destinations));
            for (set, ports) in &self.relation.columns[column as usize] {
                for (out, group) in &*self.groups(&sources, *set) {
                    self.all.tables.step(1);
                    let said = said.entry((*out, into)).or_insert_with(|| self.said(*out, into));
                    let whole;
                    let rest = if said.is_empty() {
                        whole = self.ports(*ports);
                        &whole
                    } else {
                        known
                            .entry((*ports, *out, into))
                            .or_insert_with(|| self.ports(*ports).difference(said))
                    };
                    if rest.is_empty() {
                        continue;
                    }
                    if self.all.tables.is_over() {
                        return ControlFlow::Break(());
                    }
                    for source in self.units(&intersection(sets.runs(*set), group)) {
                        for destination in &destinations {
                            self.pair(source, *destination, rest, visit)?;
                        }
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// What a pair of symbolic rows says.
    fn said(&self, out: Cover, into: Cover) -> PortSet {
        let Wanted { from, to, .. } = self.wanted;
        let side = |Cover { wide, .. }: Cover, other: Cover, listed: bool| {
            let ids = if other.selectable { [wide.anyone, wide.pods] } else { [wide.anyone; 2] };
            let said = self.ports(ids[0]).union(&self.ports(ids[1]));
            // Rows that are not listed say nothing; that nobody is isolated goes without saying.
            if listed || said.is_all() { said } else { PortSet::default() }
        };
        if (from.is_some() && (to.is_some() || !out.pod)) || (to.is_some() && !into.pod) {
            return PortSet::default();
        }
        side(out, into, to.is_none()).intersection(&side(into, out, from.is_none()))
    }

    /// Classes inside one by one, and runs of classes outside.
    fn units(&self, runs: &[Run]) -> Vec<Run> {
        let inside = self.all.space.inside;
        let mut units = Vec::new();
        for (first, end) in runs {
            units.extend((*first..*end.min(&inside)).map(|class| (class, class + 1)));
            units.extend((*end > inside).then_some((*first.max(&inside), *end)));
        }
        units
    }

    fn row_end(&self, (first, end): Run) -> RowEnd {
        if first < self.all.space.inside {
            RowEnd::Class(first)
        } else {
            RowEnd::Outside(first, end)
        }
    }

    /// At most one of the two is more than one class, since nothing passes from outside to outside.
    fn pair(
        &self,
        source: Run,
        destination: Run,
        ports: &PortSet,
        visit: &mut dyn FnMut(Row<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let touches = self.wanted.touches(source.0) || self.wanted.touches(destination.0);
        if !touches || self.all.space.exclude(source.0, destination.0) {
            return ControlFlow::Continue(());
        }
        // That a node reaches its own pods goes without saying, unless it is asked.
        let asked = self.wanted.from.is_some() && self.wanted.to.is_some();
        match self.all.space.is_own_node(source.0, destination.0, 0) {
            Truth::Yes if !asked => return ControlFlow::Continue(()),
            Truth::Unknown if !asked && !self.certain => return ControlFlow::Continue(()),
            _ => {}
        }
        let (certain, conditional) = (self.certain, self.conditional);
        let mut row = |source: Run, destination: Run, ports: &PortSet| {
            if ports.is_empty() {
                return ControlFlow::Continue(());
            }
            let (source, destination) = (self.row_end(source), self.row_end(destination));
            visit(Row { source, destination, ports, certain, conditional })
        };
        let Some(known) = self.said.last() else { return row(source, destination, ports) };
        let mut last: Option<(Run, Run, PortSet)> = None;
        for from in source.0..source.1 {
            for to in destination.0..destination.1 {
                let said = known.ports(&self.all.tables, from, to);
                let rest = ports.difference(&self.ports(said));
                match &mut last {
                    Some((source, destination, ports)) if *ports == rest => {
                        (source.1, destination.1) = (from + 1, to + 1);
                    }
                    _ => {
                        if let Some((source, destination, ports)) = last.take() {
                            row(source, destination, &ports)?;
                        }
                        last = Some(((from, from + 1), (to, to + 1), rest));
                    }
                }
            }
        }
        match last {
            Some((source, destination, ports)) => row(source, destination, &ports),
            None => ControlFlow::Continue(()),
        }
    }
}
