//! What a change of policies touches, worked out again among flows that stay.
//!
//! In: the flows as they were, the policies that came and the classes that those which went selected. Out: the
//! flows as they are, and which destinations have other sources than before. What a class may do is made anew
//! where another policy selects it. A destination that admits others is met with all who reach it; a source
//! that is let out otherwise is met with the destinations where that makes a difference.

use super::super::classes::Space;
use super::super::connect::Relation;
use super::super::examples::Told;
use super::super::peers::SideSets;
use super::super::port_table::{PortTable, PortsId};
use super::super::profiles::{Profiles, to_u32};
use super::super::region::{Column, Parts, Region, Span, add, and, disjoint, parts};
use super::super::sets::{ClassId, Run, SetTable, intersection, merged, singles};
use super::super::tables::Tables;
use super::super::terms::{Mode, Selecting};
use super::super::wide::Everyone;
use super::super::{Relations, family_index};
use super::same::Matched;
use crate::cluster::Family;
use crate::policy::Enforcement;
use crate::policy::rule::Direction;
use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Destinations whose sources changed, with the column that each had.
pub(super) type Before = Vec<(ClassId, u32)>;

/// Flows after a change.
pub(super) struct Patched {
    pub(super) relations: [Option<Relations>; 2],
    /// By family, of the three relations in their order.
    pub(super) before: [[Before; 3]; 2],
}

/// By direction, the classes that a policy selects which came or went, in order.
pub(super) type Touched = [Vec<ClassId>; 2];

/// Has the added policies select, and works out again what is touched; `None` where that cannot be done.
pub(super) fn patch(
    space: &Space<'_>,
    tables: &mut Tables,
    told: &mut Told,
    relations: [Option<Relations>; 2],
    (matched, mut touched): (&Matched, Touched),
) -> Option<Patched> {
    let mut side_sets = SideSets::new(space, 0, tables);
    side_sets.clauses = std::mem::take(&mut told.clauses);
    let rules = space.sides[0].rules;
    let selects = rules.cilium().is_none_or(|it| it.enforcement != Enforcement::Never);
    for id in matched.added.iter().copied().filter(|_| selects) {
        let policy = rules.policy(id);
        let direction = usize::from(policy.direction == Direction::Egress);
        let subject = side_sets.pod_set(&policy.subject);
        for class in side_sets.tables.sets.classes(subject.possible) {
            let certain = side_sets.tables.sets.contains(subject.certain, class);
            let selecting = &mut told.selecting[direction][class as usize];
            let of = if certain { &mut selecting.certainly } else { &mut selecting.perhaps };
            of.insert(of.partition_point(|other| *other < id), id);
            touched[direction].push(class);
        }
    }
    for classes in &mut touched {
        classes.sort_unstable();
        classes.dedup();
        if classes.len() * super::FEW > space.pods as usize + super::FEW * super::FEW {
            return None;
        }
    }
    let [v4, v6] = relations;
    // Without blocks both families may have the same.
    let one = v4.as_ref().zip(v6.as_ref());
    let one = one.is_some_and(|(v4, v6)| Arc::ptr_eq(&v4.certain, &v6.certain));
    let mut all = Patched { relations: [None, None], before: Default::default() };
    for (family, relations) in Family::ALL.into_iter().zip([v4, v6.filter(|_| !one)]) {
        let f = family_index(family);
        if let Some(relations) = relations {
            let (after, before) =
                of_family(relations, &mut side_sets, family, &told.selecting, &touched)?;
            (all.relations[f], all.before[f]) = (Some(after), before);
        }
    }
    if one {
        let ([v4, v6], [of_v4, of_v6]) = (&mut all.relations, &mut all.before);
        v6.clone_from(v4);
        of_v6.clone_from(of_v4);
    }
    for (family, relations) in Family::ALL.into_iter().zip(&all.relations) {
        if let Some(relations) = relations
            && side_sets.anyone(family) != relations.certain.anyone
        {
            return None;
        }
    }
    let SideSets { clauses, named, selectable, on_node, .. } = side_sets;
    let same = (selectable, on_node) == (told.selectable, told.on_node);
    (told.clauses, told.named) = (clauses, named);
    same.then_some(all)
}

fn of_family(
    relations: Relations,
    side_sets: &mut SideSets<'_, '_>,
    family: Family,
    selecting: &[Vec<Selecting>; 2],
    touched: &Touched,
) -> Option<(Relations, [Before; 3])> {
    let Relations { unconditional, certain, possible } = relations;
    let plain = Arc::ptr_eq(&unconditional, &certain);
    let sure = Arc::ptr_eq(&possible, &certain);
    let (unconditional, possible) =
        ((!plain).then_some(unconditional), (!sure).then_some(possible));
    let mut follow = |relation: Arc<Relation>, mode| {
        let mut relation = Arc::unwrap_or_clone(relation);
        let before = relation.follow(side_sets, (family, mode), selecting, touched)?;
        Some((Arc::new(relation), before, side_sets.uncertain))
    };
    let (certain, before, uncertain) = follow(certain, Mode::Certain)?;
    // What may pass was all that certainly passes, and is not any more.
    if sure && uncertain {
        return None;
    }
    let all = [(unconditional, Mode::Unconditional), (possible, Mode::Possible)];
    let all = all.map(|(relation, mode)| match relation {
        Some(relation) => follow(relation, mode).map(|(relation, before, _)| (relation, before)),
        None => Some((certain.clone(), before.clone())),
    });
    let [unconditional, possible] = all;
    let ((unconditional, first), (possible, last)) = (unconditional?, possible?);
    Some((Relations { unconditional, certain, possible }, [first, before, last]))
}

/// A class with what it might do and what it may.
struct Turn {
    class: ClassId,
    old: u32,
    new: u32,
}

impl Relation {
    /// Works out again what is touched. Out: the destinations that have other sources, with the column of
    /// before; `None`: it is too much.
    fn follow(
        &mut self,
        side_sets: &mut SideSets<'_, '_>,
        (family, mode): (Family, Mode),
        selecting: &[Vec<Selecting>; 2],
        touched: &Touched,
    ) -> Option<Before> {
        let mut grounds = self.grounds.take()?;
        let pods = side_sets.every_pod(self.anyone);
        let everyone = Everyone { anyone: self.anyone, pods };
        let mut turns = [Vec::new(), Vec::new()];
        for (i, direction) in Direction::ALL.into_iter().enumerate() {
            let profiles = &mut grounds[i];
            let before: Vec<u32> = touched[i].iter().map(|c| profiles.of[*c as usize]).collect();
            let classes = touched[i].iter().copied();
            profiles.make(side_sets, family, mode, (direction, &selecting[i]), classes);
            for (class, old) in touched[i].iter().copied().zip(before) {
                let new = profiles.of[class as usize];
                if profiles.all[old as usize] == profiles.all[new as usize] {
                    profiles.of[class as usize] = old;
                    continue;
                }
                let wide = everyone.of(side_sets.tables, &profiles.all[new as usize]);
                self.wide[i][class as usize] = wide;
                if side_sets.tables.sets.contains(self.anyone, class) {
                    turns[i].push(Turn { class, old, new });
                }
            }
        }
        let [into, out] = &*grounds;
        let tables = &mut *side_sets.tables;
        let [admitting, let_out] = &turns;
        let mut before = self.admit(tables, side_sets.space, (into, out), admitting)?;
        before.extend(self.let_out(tables, (into, out), let_out, admitting)?);
        self.grounds = Some(grounds);
        Some(before)
    }

    /// Puts another column in the place of a destination's.
    fn turn(&mut self, class: ClassId, column: u32, before: &mut Before) {
        let old = std::mem::replace(&mut self.column_of[class as usize], column);
        if old != column && self.columns[old as usize] != self.columns[column as usize] {
            before.push((class, old));
        }
    }

    fn push(&mut self, tables: &Tables, column: Column) -> u32 {
        tables.keep(column.len() + 8);
        self.columns.push(column);
        to_u32(self.columns.len() - 1)
    }

    /// Meets destinations that admit others than before with everyone who may reach them.
    fn admit(
        &mut self,
        tables: &mut Tables,
        space: &Space<'_>,
        (into, out): (&Profiles, &Profiles),
        turns: &[Turn],
    ) -> Option<Before> {
        let mut before = Before::new();
        if turns.is_empty() {
            return Some(before);
        }
        let destinations = singles(turns.iter().map(|turn| turn.class));
        // By destination, what lets whom out to it.
        let mut reached: HashMap<ClassId, Vec<(u32, PortsId)>> = HashMap::new();
        let mut letting: HashSet<u32> = HashSet::new();
        for (profile, parts) in (0..).zip(&out.all).skip(Profiles::OPEN as usize + 1) {
            tables.step(parts.len());
            for (to, ports) in parts {
                for (from, to) in intersection(tables.sets.runs(*to), &destinations) {
                    letting.insert(profile);
                    for class in from..to {
                        reached.entry(class).or_default().push((profile, *ports));
                    }
                }
            }
        }
        let mut of_profile: HashMap<u32, Vec<ClassId>> = HashMap::new();
        let mut free: Vec<Run> = vec![(space.pods, space.size)];
        for (class, profile) in (0..).zip(&out.of) {
            if *profile == Profiles::OPEN {
                free.push((class, class + 1));
            } else if letting.contains(profile) {
                of_profile.entry(*profile).or_default().push(class);
            }
        }
        let free = intersection(&merged(free), tables.sets.runs(self.anyone));
        let mut known: HashMap<(u32, Vec<(u32, PortsId)>), u32> = HashMap::new();
        for Turn { class, new, .. } in turns {
            let key = (*new, reached.remove(class).unwrap_or_default());
            let column = if let Some(column) = known.get(&key) {
                *column
            } else {
                let admitted = region(tables, &into.all[*new as usize]);
                let mut spans: Vec<Span> =
                    free.iter().map(|(from, to)| (*from, *to, PortTable::ALL)).collect();
                for (profile, ports) in &key.1 {
                    let sources = of_profile.get(profile).into_iter().flatten();
                    spans.extend(sources.map(|source| (*source, source + 1, *ports)));
                }
                let let_out = disjoint(tables, spans);
                let both = and(tables, &admitted, &let_out);
                let column = parts(tables, &both);
                let column = self.push(tables, column);
                known.insert(key, column);
                column
            };
            if tables.is_over() {
                return None;
            }
            self.turn(*class, column, &mut before);
        }
        Some(before)
    }

    /// Meets sources that are let out otherwise than before with the destinations where that makes a
    /// difference, but for those that were met with everyone.
    fn let_out(
        &mut self,
        tables: &mut Tables,
        (into, out): (&Profiles, &Profiles),
        turns: &[Turn],
        met: &[Turn],
    ) -> Option<Before> {
        let mut alike: BTreeMap<(u32, u32), Vec<ClassId>> = BTreeMap::new();
        for Turn { class, old, new } in turns {
            alike.entry((*old, *new)).or_default().push(*class);
        }
        let mut patches: BTreeMap<ClassId, Vec<(ClassId, PortsId)>> = BTreeMap::new();
        let mut admits: HashMap<(u32, ClassId), PortsId> = HashMap::new();
        for ((old, new), sources) in alike {
            let old = region(tables, &out.all[old as usize]);
            let new = region(tables, &out.all[new as usize]);
            for (from, to, ports) in differing(&old, &new) {
                for class in from..to {
                    tables.step(sources.len());
                    if tables.is_over() {
                        return None;
                    }
                    if met.binary_search_by_key(&class, |turn| turn.class).is_ok() {
                        continue;
                    }
                    let guard = into.of.get(class as usize).copied().unwrap_or(Profiles::OPEN);
                    for source in &sources {
                        let admitted = *admits.entry((guard, *source)).or_insert_with(|| {
                            let all = into.all[guard as usize].iter();
                            let of = all.filter(|(set, _)| tables.sets.contains(*set, *source));
                            let ids: Vec<PortsId> = of.map(|(_, ports)| *ports).collect();
                            let any = |all, ports| tables.ports.or(all, ports);
                            ids.into_iter().fold(PortTable::NONE, any)
                        });
                        let both = tables.ports.and(admitted, ports);
                        patches.entry(class).or_default().push((*source, both));
                    }
                }
            }
        }
        let mut before = Before::new();
        let mut known: HashMap<(u32, Vec<(ClassId, PortsId)>), u32> = HashMap::new();
        for (class, sources) in patches {
            if tables.is_over() {
                return None;
            }
            let key = (self.column_of[class as usize], sources);
            let column = if let Some(column) = known.get(&key) {
                *column
            } else {
                let column = patched(tables, &self.columns[key.0 as usize], &key.1);
                let column = if column == self.columns[key.0 as usize] {
                    key.0
                } else {
                    self.push(tables, column)
                };
                known.insert(key, column);
                column
            };
            self.turn(class, column, &mut before);
        }
        Some(before)
    }
}

/// Parts as one region.
fn region(tables: &mut Tables, parts: &Parts) -> Region {
    let mut spans = Vec::new();
    for (set, ports) in parts {
        add(&tables.sets, &mut spans, *set, *ports);
    }
    disjoint(tables, spans)
}

/// A column where some sources have these ports instead of others.
fn patched(tables: &mut Tables, column: &Column, sources: &[(ClassId, PortsId)]) -> Column {
    let gone = tables.sets.id(singles(sources.iter().map(|(source, _)| *source)));
    let mut by_ports: BTreeMap<PortsId, Vec<Run>> = BTreeMap::new();
    for (set, ports) in column {
        let left = tables.sets.but(*set, gone);
        by_ports.entry(*ports).or_default().extend(tables.sets.runs(left).iter());
    }
    for (source, ports) in sources.iter().filter(|(_, ports)| *ports != PortTable::NONE) {
        by_ports.entry(*ports).or_default().push((*source, source + 1));
    }
    let all = by_ports.into_iter().map(|(ports, runs)| (tables.sets.id(merged(runs)), ports));
    all.filter(|(set, _)| *set != SetTable::EMPTY).collect()
}

/// Where two regions have other ports, with those of the second.
fn differing(old: &Region, new: &Region) -> Vec<Span> {
    let edges = old.iter().chain(new).flat_map(|(from, to, _)| [*from, *to]);
    let mut edges: Vec<ClassId> = edges.collect();
    edges.sort_unstable();
    edges.dedup();
    let mut rest = [old.as_slice(), new.as_slice()];
    let mut all = Vec::new();
    for edge in edges.windows(2) {
        let here = rest.each_mut().map(|spans| {
            while let [(_, to, _), more @ ..] = spans
                && *to <= edge[0]
            {
                *spans = more;
            }
            match spans.first() {
                Some((from, _, ports)) if *from <= edge[0] => *ports,
                _ => PortTable::NONE,
            }
        });
        if here[0] != here[1] {
            all.push((edge[0], edge[1], here[1]));
        }
    }
    all
}
