//! Rules over classes: whom each selects and admits, as class sets and port sets.
//!
//! In: the policies of one side of a [`Space`]. Out: for each direction the policies that select a
//! class, certainly or perhaps, and for each policy its [`Term`]s. Sets come in pairs: what certainly
//! matches, and what may.

use super::classes::{Facts, Place, Space, family_index};
use super::ports::{PortSet, PortTable, PortsId};
use super::sets::{ClassId, Run, SetId, SetTable, merged, singles};
use crate::cluster::{
    AddressBlock, Addresses, Family, Name, Namespace, Operator, PortRange, Protocol, Selector,
    Truth,
};
use crate::policy::PolicyId;
use crate::policy::rule::{
    Direction, Entry, Namespaces, PeerKind, Peers, PodSet, PortMatch, Ports,
};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Sets and ports that all relations of one answer share, so that equal ones have equal ids.
pub(super) struct Tables {
    pub(super) sets: SetTable,
    pub(super) ports: PortTable,
}

/// Whether to ask what certainly passes, or what may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Certain,
    Possible,
}

/// Certainly in, and certainly or perhaps in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    certain: SetId,
    possible: SetId,
}

impl Pair {
    fn get(self, mode: Mode) -> SetId {
        match mode {
            Mode::Certain => self.certain,
            Mode::Possible => self.possible,
        }
    }
}

/// Part of a rule: these peers at these ports, and at whatever the destination calls by these names.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) peers: SetId,
    pub(super) ports: PortsId,
    pub(super) names: Arc<[(Name, Protocol)]>,
}

/// The policies that select a class in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Selecting {
    pub(super) certainly: Vec<PolicyId>,
    pub(super) perhaps: Vec<PolicyId>,
    /// Others that could not be read may select it too.
    pub(super) unread: bool,
}

/// By key and value, what has the label, in order.
type Labelled<'a> = HashMap<&'a str, HashMap<&'a str, Vec<u32>>>;

/// The shortest lists that together have all that can match; `None` where no index helps.
fn fewest<'l>(labelled: &'l Labelled<'_>, selector: &Selector) -> Option<Vec<&'l [u32]>> {
    let mut best: Option<(usize, Vec<&[u32]>)> = None;
    for requirement in &selector.requirements {
        let Operator::In(values) = &requirement.operator else { continue };
        // A key that is not indexed may still be anywhere.
        let Some(by_value) = labelled.get(&*requirement.key) else { continue };
        let lists: Vec<&[u32]> =
            values.iter().filter_map(|v| by_value.get(&**v)).map(Vec::as_slice).collect();
        let size = lists.iter().map(|list| list.len()).sum();
        if best.as_ref().is_none_or(|(fewest, _)| size < *fewest) {
            best = Some((size, lists));
        }
    }
    best.map(|(_, lists)| lists)
}

/// Resolves selectors and blocks of one side.
pub(super) struct Resolver<'s, 'a> {
    pub(super) space: &'s Space<'a>,
    pub(super) side: usize,
    /// Something is not known, so that what may pass is not what certainly passes.
    pub(super) uncertain: bool,
    pub(super) tables: &'s mut Tables,
    /// Pods of the pod network that this side has: those that selectors can select.
    selectable: SetId,
    pod_sets: HashMap<&'a PodSet, Pair>,
    namespace_sets: HashMap<&'a Selector, Arc<[(Truth, Run)]>>,
    /// The pod classes of each namespace and what is known of it, in order.
    namespaces: Vec<(Run, Option<&'a Namespace>)>,
    /// Of those, by index, the ones with a label, and the ones whose labels are not known.
    labelled_namespaces: Labelled<'a>,
    unlabelled_namespaces: Vec<u32>,
    /// The selectable classes with a label, for keys that peers in other namespaces ask for.
    labelled: Labelled<'a>,
    /// Selectable classes with labels that are set at run time.
    runtime_labelled: Vec<ClassId>,
    inside_by_place: [BTreeMap<Place, Vec<Run>>; 2],
    blocks: [HashMap<&'a AddressBlock, Pair>; 2],
    /// The classes that call a port by a name, with its numbers there.
    named: HashMap<(Name, Protocol), Vec<(SetId, PortsId)>>,
}

impl<'s, 'a> Resolver<'s, 'a> {
    pub(super) fn new(space: &'s Space<'a>, side: usize, tables: &'s mut Tables) -> Self {
        let facts = |class: ClassId| space.facts[class as usize][side].as_ref();
        let is_selectable = |class: &ClassId| facts(*class).is_some_and(|facts| !facts.on_node);
        let selectable = tables.sets.id(singles((0..space.pods).filter(is_selectable)));
        let mut inside_by_place = [BTreeMap::new(), BTreeMap::new()];
        for class in 0..space.inside {
            let Some(Facts { places, .. }) = facts(class) else { continue };
            for (by_place, place) in inside_by_place.iter_mut().zip(places) {
                by_place.entry(*place).or_insert_with(Vec::new).push((class, class + 1));
            }
        }
        for by_place in &mut inside_by_place {
            for runs in by_place.values_mut() {
                *runs = merged(std::mem::take(runs));
            }
        }
        let mut resolver = Self {
            space,
            side,
            uncertain: false,
            tables,
            selectable,
            pod_sets: HashMap::new(),
            namespace_sets: HashMap::new(),
            namespaces: Vec::new(),
            labelled_namespaces: Labelled::new(),
            unlabelled_namespaces: Vec::new(),
            labelled: HashMap::new(),
            runtime_labelled: Vec::new(),
            inside_by_place,
            blocks: [HashMap::new(), HashMap::new()],
            named: HashMap::new(),
        };
        resolver.index_namespaces();
        resolver.index_labels();
        resolver.index_port_names();
        resolver
    }

    fn policies(&self) -> &'a [crate::policy::rule::Policy] {
        self.space.sides[self.side].rules.policies()
    }

    fn index_namespaces(&mut self) {
        let snapshot = self.space.sides[self.side].snapshot;
        for (at, (name, range)) in (0..).zip(&self.space.namespaces) {
            let namespace = snapshot.namespace(name);
            self.namespaces.push(((range.start, range.end), namespace));
            match namespace.filter(|namespace| !namespace.labels_unread) {
                None => self.unlabelled_namespaces.push(at),
                Some(namespace) => {
                    for (key, value) in namespace.labels.iter() {
                        let by_value = self.labelled_namespaces.entry(key).or_default();
                        by_value.entry(value).or_default().push(at);
                    }
                }
            }
        }
    }

    fn index_labels(&mut self) {
        for set in self.policies().iter().flat_map(|policy| &policy.entries).flat_map(pod_peers) {
            if let Namespaces::Own(_) = set.namespaces {
                continue;
            }
            for requirement in &set.pods.requirements {
                if let Operator::In(_) = requirement.operator {
                    self.labelled.entry(&requirement.key).or_default();
                }
            }
        }
        for class in self.tables.sets.runs(self.selectable).iter().flat_map(|(from, to)| *from..*to)
        {
            let Some(pod) = self.space.example(class, self.side) else { continue };
            for (key, by_value) in &mut self.labelled {
                if let Some(value) = pod.labels.get(key) {
                    by_value.entry(value).or_default().push(class);
                }
            }
            if !pod.unknown_labels.is_empty() {
                self.runtime_labelled.push(class);
            }
        }
    }

    fn index_port_names(&mut self) {
        let mut by_ports: BTreeMap<u32, Vec<ClassId>> = BTreeMap::new();
        for class in 0..self.space.pods {
            if let Some(facts) = &self.space.facts[class as usize][self.side] {
                by_ports.entry(facts.ports).or_default().push(class);
            }
        }
        by_ports.remove(&0);
        for classes in by_ports.into_values() {
            let Some(pod) = self.space.example(classes[0], self.side) else { continue };
            let mut names: BTreeMap<(Name, Protocol), Vec<(Protocol, PortRange)>> = BTreeMap::new();
            for declared in pod.ports.iter() {
                if let Some(name) = &declared.name {
                    let protocol = declared.port.protocol;
                    let numbers = names.entry((name.clone(), protocol)).or_default();
                    numbers.push((protocol, declared.port.number.into()));
                }
            }
            let set = self.tables.sets.id(singles(classes));
            for (name, numbers) in names {
                let numbers = self.tables.ports.id(PortSet::of(numbers));
                self.named.entry(name).or_default().push((set, numbers));
            }
        }
    }

    /// For each pod class the policies that select it.
    pub(super) fn selecting(&mut self, direction: Direction) -> Vec<Selecting> {
        let mut all = vec![Selecting::default(); self.space.pods as usize];
        let rules = self.space.sides[self.side].rules;
        for (name, range) in &self.space.namespaces {
            if rules.is_unread(name) {
                self.uncertain = true;
                for class in range.clone() {
                    all[class as usize].unread = self.tables.sets.contains(self.selectable, class);
                }
            }
        }
        for (id, policy) in self.policies().iter().enumerate() {
            if policy.direction != direction {
                continue;
            }
            let subject = self.pod_set(&policy.subject);
            for class in self.tables.sets.classes(subject.possible) {
                let selecting = &mut all[class as usize];
                let certain = subject.certain == subject.possible
                    || self.tables.sets.contains(subject.certain, class);
                if certain {
                    selecting.certainly.push(id);
                } else {
                    selecting.perhaps.push(id);
                }
            }
        }
        all
    }

    fn pod_set(&mut self, set: &'a PodSet) -> Pair {
        if let Some(known) = self.pod_sets.get(set) {
            return *known;
        }
        let spaces = match &set.namespaces {
            Namespaces::Own(name) => {
                let run = self.space.namespaces.get(name).map(|range| (range.start, range.end));
                run.map(|run| (Truth::Yes, run)).into_iter().collect::<Arc<[_]>>()
            }
            Namespaces::Matching(selector) => self.namespaces(selector),
        };
        let (mut certain, mut possible) = (Vec::new(), Vec::new());
        let mut add = |truth: Truth, run: Run| {
            if truth.is_yes() {
                certain.push(run);
            }
            if !truth.is_no() {
                possible.push(run);
            }
        };
        if set.pods.is_everything() {
            for (truth, run) in spaces.iter() {
                add(*truth, *run);
            }
        } else {
            let space = self.space;
            let side = self.side;
            let mut test = |truth: Truth, class: ClassId| {
                if let Some(pod) = space.example(class, side) {
                    let matches = pod.matches(&set.pods);
                    add(truth.and(matches), (class, class + 1));
                }
            };
            let wide: u32 = spaces.iter().map(|(_, (from, to))| to - from).sum();
            match self.candidates(&set.pods, wide) {
                Some(candidates) => {
                    for class in candidates {
                        let at = spaces.partition_point(|(_, (_, to))| *to <= class);
                        if let Some((truth, _)) = spaces.get(at).filter(|(_, r)| r.0 <= class) {
                            test(*truth, class);
                        }
                    }
                }
                None => {
                    for (truth, (from, to)) in spaces.iter() {
                        (*from..*to).for_each(|class| test(*truth, class));
                    }
                }
            }
        }
        let certain = self.tables.sets.id(merged(certain));
        let possible = self.tables.sets.id(merged(possible));
        let pair = Pair {
            certain: self.tables.sets.and(certain, self.selectable),
            possible: self.tables.sets.and(possible, self.selectable),
        };
        self.uncertain |= pair.certain != pair.possible;
        self.pod_sets.insert(set, pair);
        pair
    }

    /// Classes that may match, where an index makes them fewer than looking at all `wide` of them.
    fn candidates(&self, selector: &Selector, wide: u32) -> Option<Vec<ClassId>> {
        if wide < if cfg!(debug_assertions) { 2 } else { 64 } {
            return None;
        }
        let lists = fewest(&self.labelled, selector)?;
        let size = lists.iter().map(|list| list.len()).sum::<usize>();
        if size + self.runtime_labelled.len() >= wide as usize {
            return None;
        }
        let mut all: Vec<ClassId> = lists.concat();
        all.extend(&self.runtime_labelled);
        all.sort_unstable();
        all.dedup();
        Some(all)
    }

    /// The pod classes of matching namespaces, in order.
    fn namespaces(&mut self, selector: &'a Selector) -> Arc<[(Truth, Run)]> {
        if let Some(known) = self.namespace_sets.get(selector) {
            return known.clone();
        }
        let candidates = fewest(&self.labelled_namespaces, selector).map(|lists| {
            let mut all = lists.concat();
            all.extend(&self.unlabelled_namespaces);
            all.sort_unstable();
            all.dedup();
            all
        });
        let every = || (0..).zip(&self.namespaces).map(|(at, _)| at).collect();
        let mut all = Vec::new();
        for at in candidates.unwrap_or_else(every) {
            let (run, namespace) = &self.namespaces[at as usize];
            let truth = namespace.map_or(Truth::Unknown, |namespace| namespace.matches(selector));
            if !truth.is_no() {
                all.push((truth, *run));
            }
        }
        let all: Arc<[_]> = all.into();
        self.namespace_sets.insert(selector, all.clone());
        all
    }

    fn block(&mut self, block: &'a AddressBlock, family: Family) -> Pair {
        let f = family_index(family);
        if let Some(known) = self.blocks[f].get(block) {
            return *known;
        }
        let mut certain: Vec<Run> = Vec::new();
        let mut perhaps: Vec<Run> = Vec::new();
        if Family::of_net(block.cidr) == family {
            let first = self.space.outside(family);
            for (from, to) in self.space.atoms[f].within(block) {
                certain.push((first + from, first + to));
                let atoms = Place::Atom(from)..Place::Atom(to);
                let inside = self.inside_by_place[f].range(atoms);
                inside.for_each(|(_, runs)| certain.extend(runs));
            }
            let snapshot = self.space.sides[self.side].snapshot;
            let within = Addresses::Within(snapshot.pod_cidrs.clone());
            for (place, address) in [(Place::Unknown, Addresses::Unknown), (Place::Within, within)]
            {
                let Some(runs) = self.inside_by_place[f].get(&place) else { continue };
                match block.matches(&address, family) {
                    Truth::Yes => certain.extend(runs),
                    Truth::Unknown => perhaps.extend(runs),
                    Truth::No => {}
                }
            }
        }
        perhaps.extend(&certain);
        let pair = Pair {
            certain: self.tables.sets.id(merged(certain)),
            possible: self.tables.sets.id(merged(perhaps)),
        };
        self.uncertain |= pair.certain != pair.possible;
        self.blocks[f].insert(block, pair);
        pair
    }

    /// Everyone who can be an end of a flow of the family.
    pub(super) fn anyone(&mut self, family: Family) -> SetId {
        let places = self.inside_by_place[family_index(family)].iter();
        let there = places.filter(|(place, _)| **place != Place::Absent);
        let mut runs: Vec<Run> = there.flat_map(|(_, runs)| runs.iter().copied()).collect();
        let first = self.space.outside(family);
        runs.push((first, first + self.space.atoms[family_index(family)].len()));
        self.tables.sets.id(merged(runs))
    }

    /// Every selectable pod that can be an end, where more than one namespace has pods.
    pub(super) fn every_pod(&mut self, anyone: SetId) -> Option<SetId> {
        let several = self.space.namespaces.len() > 1;
        several.then(|| self.tables.sets.and(self.selectable, anyone))
    }

    /// What a policy admits. Terms without anyone or any port are left out.
    pub(super) fn terms(
        &mut self,
        policy: PolicyId,
        family: Family,
        mode: Mode,
        anyone: SetId,
    ) -> Vec<Term> {
        let mut terms = Vec::new();
        for entry in &self.policies()[policy].entries {
            let (mut ranges, mut names) = (Vec::new(), Vec::new());
            let ports = match &entry.ports {
                Ports::Any => PortTable::ALL,
                Ports::Of(items) => {
                    for item in items.iter().filter(|item| item.protocol.has_ports()) {
                        match &item.ports {
                            PortMatch::All => {
                                ranges
                                    .push((item.protocol, PortRange { first: 1, last: u16::MAX }));
                            }
                            PortMatch::Range(range) => ranges.push((item.protocol, *range)),
                            PortMatch::Named(name) => names.push((name.clone(), item.protocol)),
                        }
                    }
                    self.tables.ports.id(PortSet::of(ranges))
                }
            };
            if ports == PortTable::NONE && names.is_empty() {
                continue;
            }
            let names: Arc<[_]> = names.into();
            let mut add = |peers| {
                if peers != SetTable::EMPTY {
                    terms.push(Term { peers, ports, names: names.clone() });
                }
            };
            // Items stay apart: other rules have the same ones, but hardly the same union.
            match &entry.peers {
                Peers::Any => add(anyone),
                Peers::Of(items) => {
                    for item in items {
                        let pair = match &item.admits {
                            PeerKind::Pods(set) => self.pod_set(set),
                            PeerKind::Addresses(block, _) => self.block(block, family),
                            _ => Pair { certain: SetTable::EMPTY, possible: anyone },
                        };
                        add(self.tables.sets.and(pair.get(mode), anyone));
                    }
                }
            }
        }
        terms
    }

    /// The ports of a term on one destination class.
    pub(super) fn ports_on(&mut self, term: &Term, class: ClassId) -> PortsId {
        let mut ports = term.ports;
        for name in term.names.iter() {
            for (set, numbers) in self.named.get(name).into_iter().flatten() {
                if self.tables.sets.contains(*set, class) {
                    ports = self.tables.ports.or(ports, *numbers);
                }
            }
        }
        ports
    }

    /// A term whose peers are destinations, with its names replaced by the numbers they have there.
    pub(super) fn resolved(&mut self, term: &Term, out: &mut Vec<(SetId, PortsId)>) {
        if term.ports != PortTable::NONE {
            out.push((term.peers, term.ports));
        }
        for name in term.names.iter() {
            for (set, numbers) in self.named.get(name).into_iter().flatten() {
                let there = self.tables.sets.and(term.peers, *set);
                if there != SetTable::EMPTY {
                    out.push((there, *numbers));
                }
            }
        }
    }
}

fn pod_peers(entry: &Entry) -> impl Iterator<Item = &PodSet> {
    let items = match &entry.peers {
        Peers::Any => &[][..],
        Peers::Of(items) => items.as_slice(),
    };
    items.iter().filter_map(|item| match &item.admits {
        PeerKind::Pods(set) => Some(set),
        _ => None,
    })
}

impl Selecting {
    /// Whether no policy selects, certainly or perhaps.
    pub(super) fn is_nobody(&self) -> bool {
        self.certainly.is_empty() && self.perhaps.is_empty() && !self.unread
    }
}
