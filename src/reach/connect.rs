//! Who reaches whom: the rules of both directions joined, one column for each kind of destination.
//!
//! In: the terms of one side, family and mode. Out: a [`Relation`]. Egress rules with the same peers
//! and ports are one rule with many sources, whoever wrote them. Destinations that the same egress
//! rules reach and the same ingress policies guard share a column. Nothing here is done pod by pod,
//! and what admits anyone stays one set.

use super::classes::Space;
use super::overlay::Base;
use super::ports::{PortTable, PortsId};
use super::sets::{ClassId, IdMap, Mix, SetId, SetTable, singles};
use super::terms::{Mode, Resolver, Selecting, Tables, Term};
use super::wide::{Everyone, Wide};
use crate::cluster::Family;
use crate::policy::PolicyId;
use crate::policy::rule::Direction;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasherDefault;
use std::rc::Rc;
use std::sync::Arc;

/// Disjoint sets of sources with the ports they reach, none empty.
pub(super) type Column = Vec<(SetId, PortsId)>;

/// Who reaches whom, as policies have it.
#[derive(Clone)]
pub(super) struct Relation {
    /// The column of each destination class; 0 is the empty one.
    pub(super) column_of: Vec<u32>,
    pub(super) columns: Vec<Column>,
    /// Everyone who can be an end.
    pub(super) anyone: SetId,
    /// Whom the rules of each pod class admit altogether, by direction: into it, out of it.
    wide: [Vec<Wide>; 2],
}

/// Sources, in order, with the ports they reach.
pub(super) type Spans = Vec<(ClassId, ClassId, PortsId)>;

type Pure = Vec<(SetId, PortsId)>;

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
/// The profile and the egress rule of sources that no egress policy isolates.
const FREE: u32 = 0;

type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<Mix>>;

struct Join<'r, 's, 'a> {
    resolver: &'r mut Resolver<'s, 'a>,
    rules: Vec<EgressRule>,
    /// The rules to each set of destinations: one step of the walk takes in all their ports.
    bundles: Vec<Vec<u32>>,
    profiles: Vec<Vec<u32>>,
    profile_of: Vec<u32>,
    inside: SetId,
    wide_joins: QuickMap<(SetId, PortsId, u32), Rc<Base>>,
}

impl Relation {
    pub(super) fn new(
        resolver: &mut Resolver<'_, '_>,
        family: Family,
        mode: Mode,
        ingress: &[Selecting],
        egress: &[Selecting],
    ) -> Self {
        let anyone = resolver.anyone(family);
        let guards = Guards::new(resolver, family, mode, ingress, anyone);
        let inside = resolver.tables.sets.id(vec![(0, resolver.space.inside)]);
        let mut join = Join {
            rules: Vec::new(),
            bundles: Vec::new(),
            profiles: Vec::new(),
            profile_of: vec![FREE; resolver.space.pods as usize],
            inside,
            wide_joins: QuickMap::default(),
            resolver,
        };
        join.egress_rules(family, mode, egress, anyone);
        let (column_of, columns) = join.columns(&guards, anyone);
        let everyone = Everyone { anyone, pods: join.resolver.every_pod(anyone) };
        let out = join.profiles.iter().map(|profile| {
            let rules = profile.iter().map(|rule| &join.rules[*rule as usize]);
            rules.map(|rule| (rule.to, rule.ports)).collect()
        });
        let tables = &mut *join.resolver.tables;
        let wide = [
            everyone.admitted(tables, guards.profiles.iter().cloned(), &guards.of),
            everyone.admitted(tables, out, &join.profile_of),
        ];
        Self { column_of, columns, anyone, wide }
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
        let found = column.iter().find(|(set, _)| tables.sets.contains(*set, source));
        found.map_or(PortTable::NONE, |(_, ports)| *ports)
    }
}

/// What ingress policies admit, for each kind of pod class.
struct Guards {
    /// The profile of each pod class.
    of: Vec<u32>,
    profiles: Vec<Pure>,
}

impl Guards {
    /// The profile of ends that no ingress policy isolates.
    const OPEN: u32 = 0;

    fn new(
        resolver: &mut Resolver<'_, '_>,
        family: Family,
        mode: Mode,
        selecting: &[Selecting],
        anyone: SetId,
    ) -> Self {
        let mut guards = Self {
            of: vec![Self::OPEN; selecting.len()],
            profiles: vec![vec![(anyone, PortTable::ALL)]],
        };
        let mut known: HashMap<(&Selecting, u32), u32> = HashMap::new();
        let mut terms: Vec<Option<Arc<Vec<Term>>>> = Vec::new();
        for (class, selecting) in (0..).zip(selecting) {
            if selecting.is_nobody() {
                continue;
            }
            let mut of_policy = |resolver: &mut Resolver<'_, '_>, policy: PolicyId| {
                if terms.len() <= policy {
                    terms.resize(policy + 1, None);
                }
                terms[policy]
                    .get_or_insert_with(|| resolver.terms(policy, family, mode, anyone).into())
                    .clone()
            };
            let policies = selecting.certainly.iter().chain(&selecting.perhaps);
            let mut has_names = false;
            for policy in policies {
                let terms = of_policy(resolver, *policy);
                has_names |= terms.iter().any(|term| !term.names.is_empty());
            }
            // Only names make the class's own ports matter.
            let facts = resolver.space.facts[class as usize][resolver.side].as_ref();
            let ports = facts.filter(|_| has_names).map_or(0, |facts| facts.ports);
            if let Some(profile) = known.get(&(selecting, ports)) {
                guards.of[class as usize] = *profile;
                continue;
            }
            let admitted = admitted(resolver, selecting, mode, |resolver, policy| {
                let terms = of_policy(resolver, policy);
                let on_class = terms.iter().map(|t| (t.peers, resolver.ports_on(t, class)));
                on_class.filter(|(_, ports)| *ports != PortTable::NONE).collect()
            });
            let profile = match admitted {
                None => Self::OPEN,
                Some(admitted) => {
                    guards.profiles.push(admitted);
                    to_u32(guards.profiles.len() - 1)
                }
            };
            known.insert((selecting, ports), profile);
            guards.of[class as usize] = profile;
        }
        guards
    }
}

fn to_u32(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// What selecting policies admit together; `None` where nothing isolates.
///
/// Source: semantics/kubernetes.md section 1, step 3. A policy that only perhaps selects may isolate,
/// and may admit: without a certain one, a flow certainly passes when each of them admits it.
fn admitted<'s, 'a>(
    resolver: &mut Resolver<'s, 'a>,
    selecting: &Selecting,
    mode: Mode,
    mut terms: impl FnMut(&mut Resolver<'s, 'a>, PolicyId) -> Pure,
) -> Option<Pure> {
    let Selecting { certainly, perhaps, unread } = selecting;
    let mut union = |resolver: &mut Resolver<'s, 'a>,
                     policies: &mut dyn Iterator<Item = &PolicyId>| {
        let mut by_peers: BTreeMap<SetId, PortsId> = BTreeMap::new();
        for policy in policies {
            for (peers, ports) in terms(resolver, *policy) {
                let known = by_peers.entry(peers).or_insert(PortTable::NONE);
                *known = resolver.tables.ports.or(*known, ports);
            }
        }
        by_peers.into_iter().collect::<Pure>()
    };
    if *unread {
        // Whatever was not read may isolate, and may admit anything.
        return match mode {
            Mode::Possible => None,
            Mode::Certain => Some(union(resolver, &mut certainly.iter())),
        };
    }
    match (mode, certainly.as_slice(), perhaps.as_slice()) {
        (_, [], []) | (Mode::Possible, [], _) => None,
        (Mode::Possible, _, _) => Some(union(resolver, &mut certainly.iter().chain(perhaps))),
        (Mode::Certain, [_, ..], _) => Some(union(resolver, &mut certainly.iter())),
        (Mode::Certain, [], [first, rest @ ..]) => {
            let mut all = union(resolver, &mut std::iter::once(first));
            for policy in rest {
                let one = union(resolver, &mut std::iter::once(policy));
                all = product(resolver.tables, &all, &one);
            }
            Some(all)
        }
    }
}

/// What both admit, in disjoint parts so that it does not grow with every policy.
fn product(tables: &mut Tables, a: &Pure, b: &Pure) -> Pure {
    let mut spans = Spans::new();
    for (peers, ports) in a {
        for (other, other_ports) in b {
            let both = tables.sets.and(*peers, *other);
            let ports = tables.ports.and(*ports, *other_ports);
            add(&tables.sets, &mut spans, both, ports);
        }
    }
    let spans = disjoint(tables, spans);
    parts(tables, &spans)
}

fn add(sets: &SetTable, spans: &mut Spans, set: SetId, ports: PortsId) {
    if ports != PortTable::NONE {
        spans.extend(sets.runs(set).iter().map(|(from, to)| (*from, *to, ports)));
    }
}

/// Overlapping spans as disjoint ones in order, ports united.
fn disjoint(tables: &mut Tables, mut spans: Spans) -> Spans {
    spans.sort_unstable();
    if spans.windows(2).all(|pair| pair[0].1 < pair[1].0) {
        return spans;
    }
    let mut ends: Vec<(ClassId, bool, PortsId)> =
        spans.iter().flat_map(|(from, to, p)| [(*from, true, *p), (*to, false, *p)]).collect();
    ends.sort_unstable_by_key(|(at, ..)| *at);
    let mut active: Vec<(PortsId, u32)> = Vec::new();
    let mut result: Spans = Vec::new();
    let (mut i, mut ports, mut from) = (0, PortTable::NONE, 0);
    while i < ends.len() {
        let at = ends[i].0;
        while let Some((_, begins, ports)) = ends.get(i).filter(|(here, ..)| *here == at) {
            match active.iter_mut().find(|(known, _)| known == ports) {
                Some((_, count)) => {
                    *count = if *begins { *count + 1 } else { count.wrapping_sub(1) }
                }
                None => active.push((*ports, if *begins { 1 } else { u32::MAX })),
            }
            i += 1;
        }
        active.retain(|(_, count)| *count != 0);
        let now =
            active.iter().fold(PortTable::NONE, |all, (ports, _)| tables.ports.or(all, *ports));
        if now != ports {
            if ports != PortTable::NONE {
                result.push((from, at, ports));
            }
            (ports, from) = (now, at);
        }
    }
    result
}

/// Disjoint spans as sets, one for each port set.
pub(super) fn parts(tables: &mut Tables, spans: &Spans) -> Column {
    let mut by_ports: BTreeMap<PortsId, Vec<(ClassId, ClassId)>> = BTreeMap::new();
    for (from, to, ports) in spans {
        let runs = by_ports.entry(*ports).or_default();
        match runs.last_mut() {
            Some((_, end)) if end == from => *end = *to,
            _ => runs.push((*from, *to)),
        }
    }
    by_ports.into_iter().map(|(ports, runs)| (tables.sets.id(runs), ports)).collect()
}

impl<'a> Join<'_, '_, 'a> {
    fn space(&self) -> &Space<'a> {
        self.resolver.space
    }

    fn egress_rules(&mut self, family: Family, mode: Mode, selecting: &[Selecting], anyone: SetId) {
        let mut rule_ids: IdMap = IdMap::default();
        let mut sources: Vec<Vec<ClassId>> = vec![Vec::new()];
        let mut written = vec![(anyone, PortTable::ALL)];
        self.profiles.push(vec![FREE]);
        let mut known: HashMap<&Selecting, u32> = HashMap::new();
        let mut pure: Vec<Option<Arc<Pure>>> = Vec::new();
        let mut free = Vec::new();
        for (class, selecting) in (0..).zip(selecting) {
            let profile = if selecting.is_nobody() {
                FREE
            } else if let Some(profile) = known.get(selecting) {
                *profile
            } else {
                let admitted = admitted(self.resolver, selecting, mode, |resolver, policy| {
                    if pure.len() <= policy {
                        pure.resize(policy + 1, None);
                    }
                    let terms = pure[policy].get_or_insert_with(|| {
                        let mut out = Vec::new();
                        for term in resolver.terms(policy, family, mode, anyone) {
                            resolver.resolved(&term, &mut out);
                        }
                        out.into()
                    });
                    terms.to_vec()
                });
                let profile = admitted.map_or(FREE, |admitted| {
                    let rules = admitted.into_iter().map(|term| {
                        *rule_ids.entry(term).or_insert_with(|| {
                            written.push(term);
                            sources.push(Vec::new());
                            to_u32(written.len() - 1)
                        })
                    });
                    let rules = rules.collect();
                    self.profiles.push(rules);
                    to_u32(self.profiles.len() - 1)
                });
                known.insert(selecting, profile);
                profile
            };
            self.profile_of[class as usize] = profile;
            if profile == FREE {
                free.push(class);
            } else {
                for rule in &self.profiles[profile as usize] {
                    sources[*rule as usize].push(class);
                }
            }
        }
        let space = self.space();
        let free = free.into_iter().chain(space.pods..space.size);
        let free = singles(free);
        let sets = &mut self.resolver.tables.sets;
        for ((to, ports), from) in written.into_iter().zip(sources) {
            let from = if self.rules.is_empty() { free.clone() } else { singles(from) };
            let from = sets.id(from);
            let from = sets.and(from, anyone);
            self.rules.push(EgressRule { to, ports, from });
        }
    }

    /// Walks all destinations in order with the egress rules that reach each.
    fn columns(&mut self, guards: &Guards, anyone: SetId) -> (Vec<u32>, Vec<Column>) {
        let mut column_of = vec![0; self.space().size as usize];
        let mut columns = vec![Column::new()];
        let mut column_ids: HashMap<Column, u32> = HashMap::from([(Column::new(), 0)]);
        let mut known: QuickMap<(u32, u32, u32, bool), u32> = QuickMap::default();
        let mut edges: Vec<(ClassId, u32, bool)> = Vec::new();
        let mut by_destinations: BTreeMap<SetId, Vec<u32>> = BTreeMap::new();
        for (rule, EgressRule { to, .. }) in (0..).zip(&self.rules) {
            by_destinations.entry(*to).or_default().push(rule);
        }
        for (bundle, (to, rules)) in (0..).zip(by_destinations) {
            for (from, to) in self.resolver.tables.sets.runs(to).iter() {
                edges.extend([(*from, bundle, true), (*to, bundle, false)]);
            }
            self.bundles.push(rules);
        }
        edges.sort_unstable();
        let (mut narrow, mut wide) = (Interned::default(), Interned::default());
        let mut edges = edges.into_iter().peekable();
        for class in self.resolver.tables.sets.runs(anyone).clone().iter().flat_map(|r| r.0..r.1) {
            while let Some((_, bundle, begins)) = edges.next_if(|(at, ..)| *at <= class) {
                let to = self.rules[self.bundles[bundle as usize][0] as usize].to;
                let active =
                    if self.resolver.tables.sets.size(to) > WIDE { &mut wide } else { &mut narrow };
                active.set(bundle, begins);
            }
            let guard = guards.of.get(class as usize).copied().unwrap_or(Guards::OPEN);
            let outside = class >= self.space().inside;
            let key = (guard, narrow.id(), wide.id(), outside);
            let column = if let Some(column) = known.get(&key) {
                *column
            } else {
                let admitted = &guards.profiles[guard as usize];
                let column = self.column(admitted, &narrow, &wide, class);
                let next = to_u32(columns.len());
                let column = *column_ids.entry(column).or_insert_with_key(|column| {
                    columns.push(column.clone());
                    next
                });
                known.insert(key, column);
                column
            };
            column_of[class as usize] = column;
        }
        (column_of, columns)
    }

    fn column(
        &mut self,
        admitted: &Pure,
        narrow: &Interned,
        wide: &Interned,
        class: ClassId,
    ) -> Column {
        let (mut spans, mut bases) = (Spans::new(), Vec::new());
        let outside = class >= self.space().inside;
        for (peers, ports) in admitted {
            let tables = &mut *self.resolver.tables;
            // From outside to outside is no flow of the cluster.
            let peers = if outside { tables.sets.and(*peers, self.inside) } else { *peers };
            if tables.sets.size(peers) <= FEW {
                for source in tables.sets.runs(peers).clone().iter().flat_map(|r| r.0..r.1) {
                    let profile = self.profile_of.get(source as usize).copied().unwrap_or(FREE);
                    let mut reached = PortTable::NONE;
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
        let tables = &mut *self.resolver.tables;
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

    fn wide_join(&mut self, peers: SetId, ports: PortsId, wide: &Interned) -> Rc<Base> {
        let key = (peers, ports, wide.id());
        if let Some(known) = self.wide_joins.get(&key) {
            return known.clone();
        }
        let mut spans = Spans::new();
        let tables = &mut *self.resolver.tables;
        for rule in wide.now().iter().flat_map(|bundle| &self.bundles[*bundle as usize]) {
            let rule = &self.rules[*rule as usize];
            let reached = tables.ports.and(rule.ports, ports);
            if reached != PortTable::NONE {
                let both = tables.sets.and(rule.from, peers);
                add(&tables.sets, &mut spans, both, reached);
            }
        }
        let spans = disjoint(tables, spans);
        let base = Rc::new(Base::new(spans));
        self.wide_joins.insert(key, base.clone());
        base
    }
}

/// The bundles of rules that are active, and a number that is the same whenever they are.
#[derive(Default)]
struct Interned {
    active: BTreeSet<u32>,
    current: std::cell::OnceCell<u32>,
    known: std::cell::RefCell<HashMap<Box<[u32]>, u32>>,
}

impl Interned {
    fn set(&mut self, bundle: u32, active: bool) {
        let changed = if active { self.active.insert(bundle) } else { self.active.remove(&bundle) };
        if changed {
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
