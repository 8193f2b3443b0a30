//! Who reaches whom: the rules of both directions joined, one column for each kind of destination.
//!
//! In: the terms of one side, family and mode. Out: a [`Relation`]. Egress rules with the same peers
//! and ports are one rule with many sources, whoever wrote them. Destinations that the same egress
//! rules reach and the same ingress policies guard share a column. Nothing here is done pod by pod,
//! and what admits anyone stays one set.

use super::classes::Space;
use super::narrow::Focus;
use super::overlay::Base;
use super::peers::SideSets;
use super::port_table::{PortTable, PortsId};
use super::profiles::{Profiles, to_u32};
use super::region::{Column, Parts, Region, add, and, disjoint, of_set, parts};
use super::sets::{ClassId, IdMap, Mix, SetId, singles};
use super::tables::Tables;
use super::terms::{Mode, Selecting};
use super::wide::{Everyone, Wide};
use crate::cluster::Family;
use crate::policy::rule::Direction;
use foldhash::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasherDefault;
use std::rc::Rc;

/// Who reaches whom, as policies have it.
#[derive(Clone)]
pub(super) struct Relation {
    /// The column of each destination class; 0 is the empty one.
    pub(super) column_of: Vec<u32>,
    pub(super) columns: Vec<Column>,
    /// Everyone who can be an end.
    pub(super) anyone: SetId,
    /// Whom the rules of each pod class admit altogether, by direction: into it, out of it.
    pub(super) wide: [Vec<Wide>; 2],
    /// What each pod class may do, by direction, where that is kept.
    pub(super) grounds: Option<Box<[Profiles; 2]>>,
}

/// Egress to these destinations at these ports.
struct EgressRule {
    to: SetId,
    ports: PortsId,
    from: SetId,
}

/// Small in debug builds, so that tests on small clusters go every way.
const fn at_scale(release: u32, debug: u32) -> u32 {
    if cfg!(debug_assertions) { debug } else { release }
}
/// More destination classes than this make a rule wide: its join is kept for other destinations.
const WIDE: u32 = at_scale(128, 3);
/// Up to so many source classes are looked at one by one.
const FEW: u32 = at_scale(32, 2);
/// So many times as many sources are worth keeping, so that few are laid over them.
const MANY: u32 = at_scale(4, 0);
/// More parts of a guard, or more of them times rules of sources than this, are not gone through pair by
/// pair: each side is put together by itself, and laid over the other.
const DENSE_PARTS: usize = at_scale(64, 2) as usize;
const DENSE: usize = at_scale(2048, 4) as usize;
/// More spans than this are made disjoint before there are more.
const MANY_SPANS: usize = at_scale(1 << 16, 8) as usize;
/// The egress rule of sources that no egress policy restricts.
const FREE: u32 = 0;

type QuickMap<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<Mix>>;

/// What is alike of destinations that share a column.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Kind {
    /// The ingress policies that guard it.
    guard: u32,
    /// The rules of sources that reach it, those to few destinations and those to many.
    narrow: u32,
    wide: u32,
    /// The sources that are asked for.
    sources: SetId,
}

struct Join<'r, 's, 'a> {
    side_sets: &'r mut SideSets<'s, 'a>,
    rules: Vec<EgressRule>,
    /// The rules to each set of destinations: one step of the walk takes in all their ports.
    bundles: Vec<Vec<u32>>,
    profiles: Vec<Vec<u32>>,
    profile_of: Vec<u32>,
    anyone: SetId,
    wide_joins: QuickMap<(SetId, PortsId, u32), Rc<Base>>,
    /// What guards admit, and what the rules of sources let through to a destination, where that is put
    /// together by itself.
    admitted: QuickMap<u32, Rc<Region>>,
    let_out: QuickMap<(u32, u32), Rc<Region>>,
}

impl Relation {
    pub(super) fn new(
        side_sets: &mut SideSets<'_, '_>,
        family: Family,
        mode: Mode,
        selecting: &[Vec<Selecting>; 2],
        focus: &Focus,
    ) -> Self {
        let anyone = side_sets.anyone(family);
        let [ingress, egress] = selecting;
        let mut profiles = |direction, selecting: &[Selecting]| {
            Profiles::new(side_sets, family, mode, (direction, selecting), anyone)
        };
        let guards = profiles(Direction::Ingress, ingress);
        let out = profiles(Direction::Egress, egress);
        let everyone = Everyone { anyone, pods: side_sets.every_pod(anyone) };
        let wide = [&guards, &out].map(|p| everyone.admitted(side_sets.tables, &p.all, &p.of));
        let mut join = Join {
            rules: Vec::new(),
            bundles: Vec::new(),
            profiles: Vec::new(),
            profile_of: Vec::new(),
            anyone,
            wide_joins: QuickMap::default(),
            admitted: QuickMap::default(),
            let_out: QuickMap::default(),
            side_sets,
        };
        let kept = focus.keeps.then(|| out.clone());
        join.egress_rules(out, anyone);
        let (column_of, columns) = join.columns(&guards, anyone, focus);
        let grounds = kept.map(|out| Box::new([guards, out]));
        Self { column_of, columns, anyone, wide, grounds }
    }

    /// Whom the rules of a class admit altogether; no policy isolates nodes and what is outside.
    pub(super) fn wide(&self, direction: Direction, class: ClassId) -> Wide {
        let [into, out] = &self.wide;
        let all = if direction == Direction::Ingress { into } else { out };
        all.get(class as usize).copied().unwrap_or(Wide::OPEN)
    }

    /// The ports from one class to another.
    pub(super) fn ports(&self, tables: &Tables, source: ClassId, destination: ClassId) -> PortsId {
        let column = &self.columns[self.column_of[destination as usize] as usize];
        tables.step(column.len());
        let found = column.iter().find(|(set, _)| tables.sets.contains(*set, source));
        found.map_or(PortTable::NONE, |(_, ports)| *ports)
    }
}

impl<'a> Join<'_, '_, 'a> {
    fn space(&self) -> &Space<'a> {
        self.side_sets.space
    }

    fn egress_rules(&mut self, out: Profiles, anyone: SetId) {
        let mut rule_ids: IdMap = IdMap::default();
        let mut sources: Vec<Vec<ClassId>> = vec![Vec::new()];
        let mut written = vec![(anyone, PortTable::ALL)];
        self.profile_of = out.of;
        for (profile, parts) in out.all.into_iter().enumerate() {
            let rules = parts.into_iter().map(|part| {
                *rule_ids.entry(part).or_insert_with(|| {
                    written.push(part);
                    sources.push(Vec::new());
                    to_u32(written.len() - 1)
                })
            });
            let open = profile == Profiles::OPEN as usize;
            self.profiles.push(if open { vec![FREE] } else { rules.collect() });
        }
        let mut free = Vec::new();
        for (class, profile) in (0..).zip(&self.profile_of) {
            if *profile == Profiles::OPEN {
                free.push(class);
            } else {
                for rule in &self.profiles[*profile as usize] {
                    sources[*rule as usize].push(class);
                }
            }
        }
        let space = self.space();
        let free = free.into_iter().chain(space.pods..space.size);
        let free = singles(free);
        let sets = &mut self.side_sets.tables.sets;
        for ((to, ports), from) in written.into_iter().zip(sources) {
            let from = if self.rules.is_empty() { free.clone() } else { singles(from) };
            let from = sets.id(from);
            let from = sets.and(from, anyone);
            self.rules.push(EgressRule { to, ports, from });
        }
    }

    /// Walks all destinations in order with the egress rules that reach each.
    fn columns(
        &mut self,
        guards: &Profiles,
        anyone: SetId,
        focus: &Focus,
    ) -> (Vec<u32>, Vec<Column>) {
        let mut column_of = vec![0; self.space().size as usize];
        let mut columns = vec![Column::new()];
        let mut column_ids: HashMap<Column, u32> = HashMap::from_iter([(Column::new(), 0)]);
        let mut known: QuickMap<Kind, u32> = QuickMap::default();
        let mut edges: Vec<(ClassId, u32, bool)> = Vec::new();
        let mut by_destinations: BTreeMap<SetId, Vec<u32>> = BTreeMap::new();
        for (rule, EgressRule { to, .. }) in (0..).zip(&self.rules) {
            by_destinations.entry(*to).or_default().push(rule);
        }
        for (bundle, (to, rules)) in (0..).zip(by_destinations) {
            for (from, to) in self.side_sets.tables.sets.runs(to).iter() {
                edges.extend([(*from, bundle, true), (*to, bundle, false)]);
            }
            self.bundles.push(rules);
        }
        edges.sort_unstable();
        let inside = self.side_sets.tables.sets.id(vec![(0, self.space().inside)]);
        let sources = focus.sources(self.side_sets.tables, anyone, inside);
        let (mut narrow, mut wide) = (Interned::default(), Interned::default());
        let mut edges = edges.into_iter().peekable();
        for class in self.side_sets.tables.sets.runs(anyone).clone().iter().flat_map(|r| r.0..r.1) {
            while let Some((_, bundle, begins)) = edges.next_if(|(at, ..)| *at <= class) {
                let rules = &self.bundles[bundle as usize];
                let to = self.rules[rules[0] as usize].to;
                let active = if self.side_sets.tables.sets.size(to) > WIDE {
                    &mut wide
                } else {
                    &mut narrow
                };
                active.set(bundle, rules.len(), begins);
            }
            if !focus.has_destination(class) {
                continue;
            }
            if self.side_sets.tables.is_over() {
                break;
            }
            let guard = guards.of.get(class as usize).copied().unwrap_or(Profiles::OPEN);
            let sources = sources.of(class >= self.space().inside, focus.touches(class));
            self.side_sets.tables.step(1);
            let kind = Kind { guard, narrow: narrow.id(), wide: wide.id(), sources };
            let column = if let Some(column) = known.get(&kind) {
                *column
            } else {
                let admitted = &guards.all[guard as usize];
                let active = narrow.rules + wide.rules + 1;
                let tables = &*self.side_sets.tables;
                tables.step(active);
                let dense = admitted.len() > DENSE_PARTS || admitted.len() * active > DENSE;
                let column = if tables.sets.size(sources) == 0 {
                    Column::new()
                } else if dense {
                    self.dense_column(admitted, kind, &narrow, &wide)
                } else {
                    self.column(admitted, &narrow, &wide, (class, sources))
                };
                self.side_sets.tables.keep(column.len() + 8);
                let next = to_u32(columns.len());
                let column = *column_ids.entry(column).or_insert_with_key(|column| {
                    columns.push(column.clone());
                    next
                });
                known.insert(kind, column);
                column
            };
            column_of[class as usize] = column;
        }
        (column_of, columns)
    }

    fn column(
        &mut self,
        admitted: &Parts,
        narrow: &Interned,
        wide: &Interned,
        (class, sources): (ClassId, SetId),
    ) -> Column {
        let (mut spans, mut bases) = (Vec::new(), Vec::new());
        for (peers, ports) in admitted {
            let tables = &mut *self.side_sets.tables;
            let all = sources == self.anyone;
            let peers = if all { *peers } else { tables.sets.and(*peers, sources) };
            if tables.is_over() {
                return Column::new();
            }
            if tables.sets.size(peers) <= FEW {
                for source in tables.sets.runs(peers).clone().iter().flat_map(|r| r.0..r.1) {
                    let profile = self.profile_of.get(source as usize).copied().unwrap_or(FREE);
                    let mut reached = PortTable::NONE;
                    tables.step(self.profiles[profile as usize].len());
                    for rule in &self.profiles[profile as usize] {
                        let rule = &self.rules[*rule as usize];
                        if tables.sets.contains(rule.to, class) {
                            reached = tables.ports.or(reached, rule.ports);
                        }
                    }
                    let reached = tables.ports.and(reached, *ports);
                    if reached != PortTable::NONE {
                        spans.push((source, source + 1, reached));
                    }
                }
                continue;
            }
            for rule in narrow.now().iter().flat_map(|bundle| &self.bundles[*bundle as usize]) {
                let rule = &self.rules[*rule as usize];
                let reached = tables.ports.and(rule.ports, *ports);
                if reached != PortTable::NONE {
                    let both = tables.sets.and(rule.from, peers);
                    add(&tables.sets, &mut spans, both, reached);
                }
            }
            bases.push(self.wide_join(peers, *ports, wide));
        }
        let tables = &mut *self.side_sets.tables;
        let mut spans = disjoint(tables, spans);
        if let [base] = bases.as_slice()
            && spans.len() * MANY as usize <= base.spans.len()
        {
            return base.with(tables, &spans);
        }
        spans.extend(bases.iter().flat_map(|base| &base.spans));
        let spans = disjoint(tables, spans);
        parts(tables, &spans)
    }

    /// The same where guards or rules are many: what the guard admits and what the rules of sources let
    /// out, each once for all the destinations that have it, cut at each other's edges.
    fn dense_column(
        &mut self,
        admitted: &Parts,
        kind: Kind,
        narrow: &Interned,
        wide: &Interned,
    ) -> Column {
        let Kind { guard, narrow: few, wide: many, sources } = kind;
        let into = if let Some(known) = self.admitted.get(&guard) {
            known.clone()
        } else {
            let into = Rc::new(self.united(admitted.iter().copied()));
            self.admitted.insert(guard, into.clone());
            into
        };
        let out = if let Some(known) = self.let_out.get(&(few, many)) {
            known.clone()
        } else {
            let bundles = narrow.now().iter().chain(wide.now());
            let rules = bundles.flat_map(|bundle| &self.bundles[*bundle as usize]);
            let rules = rules.map(|rule| &self.rules[*rule as usize]);
            let rules: Parts = rules.map(|rule| (rule.from, rule.ports)).collect();
            let out = Rc::new(self.united(rules.into_iter()));
            self.let_out.insert((few, many), out.clone());
            out
        };
        let tables = &mut *self.side_sets.tables;
        let mut spans = and(tables, &into, &out);
        if sources != self.anyone {
            let asked = of_set(&tables.sets, sources, PortTable::ALL);
            spans = and(tables, &spans, &asked);
        }
        parts(tables, &spans)
    }

    /// Parts as one region.
    fn united(&mut self, parts: impl Iterator<Item = (SetId, PortsId)>) -> Region {
        let tables = &mut *self.side_sets.tables;
        let mut spans = Vec::new();
        let mut limit = MANY_SPANS;
        for (set, ports) in parts {
            add(&tables.sets, &mut spans, set, ports);
            if spans.len() > limit {
                spans = disjoint(tables, spans);
                limit = MANY_SPANS.max(2 * spans.len());
            }
        }
        let region = disjoint(tables, spans);
        tables.keep(2 * region.len());
        region
    }

    fn wide_join(&mut self, peers: SetId, ports: PortsId, wide: &Interned) -> Rc<Base> {
        let key = (peers, ports, wide.id());
        if let Some(known) = self.wide_joins.get(&key) {
            return known.clone();
        }
        let mut spans = Vec::new();
        let tables = &mut *self.side_sets.tables;
        for rule in wide.now().iter().flat_map(|bundle| &self.bundles[*bundle as usize]) {
            let rule = &self.rules[*rule as usize];
            let reached = tables.ports.and(rule.ports, ports);
            if reached != PortTable::NONE {
                let both = tables.sets.and(rule.from, peers);
                add(&tables.sets, &mut spans, both, reached);
            }
        }
        let base = Rc::new(Base::new(disjoint(tables, spans)));
        tables.keep(2 * base.spans.len());
        self.wide_joins.insert(key, base.clone());
        base
    }
}

/// The bundles of rules that are active, and a number that is the same whenever they are.
#[derive(Default)]
struct Interned {
    active: BTreeSet<u32>,
    /// How many rules they have.
    rules: usize,
    current: std::cell::OnceCell<u32>,
    known: std::cell::RefCell<HashMap<Box<[u32]>, u32>>,
}

impl Interned {
    fn set(&mut self, bundle: u32, rules: usize, active: bool) {
        let changed = if active { self.active.insert(bundle) } else { self.active.remove(&bundle) };
        if changed {
            self.rules = if active { self.rules + rules } else { self.rules - rules };
            self.current.take();
        }
    }

    fn now(&self) -> &BTreeSet<u32> {
        &self.active
    }

    fn id(&self) -> u32 {
        *self.current.get_or_init(|| {
            let mut known = self.known.borrow_mut();
            let next = to_u32(known.len());
            *known.entry(self.active.iter().copied().collect()).or_insert(next)
        })
    }
}
