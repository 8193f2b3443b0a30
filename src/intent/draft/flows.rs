//! What may hold of flows, as choices of tests: the first one of each that is proved is taken.
//!
//! In: a snapshot, its rules and who reaches whom. Out: tests by namespace, what the internet reaches, and what
//! is let through between workloads where one of both sides is closed: what everybody may do is no intention.

use super::called;
use super::write::{Exposed, Item, OneOrMore, Sides, What, of_namespace, ports};
use crate::cluster::{Family, Name, PodId, Snapshot, Truth};
use crate::effort::Effort;
use crate::ends::End;
use crate::intent::{EndText, TestScope};
use crate::onward::{From, Onward, onward_over};
use crate::policy::Ruleset;
use crate::policy::rule::Direction;
use crate::reach::{Asked, Connectivity, Level, PortSet};
use crate::unwritten::{Outside, outside};
use crate::verdict::closed;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// The widest first.
const SCOPES: [TestScope; 3] = [TestScope::Any, TestScope::WrittenNamespaces, TestScope::Known];

/// Of a namespace that has more exposed workloads, the namespace is named.
const MOST_NAMED: usize = 3;

/// Who is at an end of flows, by number: the namespaces, nodes, and everyone else.
type Who = usize;

/// The namespace of who is reached, at which ports, and by which workloads: where that is the same, one test has it.
type Key = (usize, PortSet, BTreeSet<usize>);

/// A workload, with up to two pods of each class that it has pods of.
struct Workload {
    name: String,
    space: usize,
    pods: BTreeMap<u32, Vec<PodId>>,
    closed: [bool; 2],
}

/// What may pass.
pub(super) struct Flows<'f> {
    snapshot: &'f Snapshot,
    rules: &'f Ruleset,
    connectivity: &'f Connectivity<'f>,
    spaces: Vec<Name>,
    workloads: Vec<Workload>,
    /// Of each namespace who may reach it, and whom it may reach.
    sources: Vec<BTreeSet<Who>>,
    destinations: Vec<BTreeSet<Who>>,
    /// Classes that the internet may reach.
    exposed: BTreeSet<u32>,
}

impl<'f> Flows<'f> {
    pub(super) fn new(
        snapshot: &'f Snapshot,
        rules: &'f Ruleset,
        connectivity: &'f Connectivity<'f>,
        spaces: &BTreeMap<Name, Vec<PodId>>,
    ) -> Self {
        let mut flows = Self {
            snapshot,
            rules,
            connectivity,
            spaces: spaces.keys().cloned().collect(),
            workloads: Vec::new(),
            sources: vec![BTreeSet::new(); spaces.len()],
            destinations: vec![BTreeSet::new(); spaces.len()],
            exposed: BTreeSet::new(),
        };
        let whose = flows.whose(spaces);
        flows.look(&whose);
        flows.workloads = flows.workloads(spaces);
        flows
    }

    /// Whose ends each class has.
    fn whose(&self, spaces: &BTreeMap<Name, Vec<PodId>>) -> BTreeMap<u32, BTreeSet<Who>> {
        let mut whose: BTreeMap<u32, BTreeSet<Who>> = BTreeMap::new();
        let class = |end: End| self.connectivity.class(end);
        for (space, pods) in spaces.values().enumerate() {
            for class in pods.iter().filter_map(|id| class(End::Pod(*id))) {
                whose.entry(class).or_default().insert(space);
            }
        }
        let (nodes, others) = (spaces.len(), spaces.len() + 1);
        for class in (0..self.snapshot.nodes.len()).filter_map(|at| class(End::Node(at))) {
            whose.entry(class).or_default().insert(nodes);
        }
        for family in Family::ALL {
            for class in self.connectivity.outside(family) {
                whose.entry(class).or_default().insert(others);
            }
        }
        // Pods of namespaces that cannot be named.
        for class in 0..u32::try_from(self.connectivity.classes().0).unwrap_or(u32::MAX) {
            whose.entry(class).or_insert_with(|| [others].into());
        }
        whose
    }

    /// Goes through all that may pass.
    fn look(&mut self, whose: &BTreeMap<u32, BTreeSet<Who>>) {
        let all: BTreeSet<u32> = whose.keys().copied().collect();
        let every_port = PortSet::all();
        let internet = outside(self.snapshot, self.rules, Outside::Internet);
        let internet: BTreeSet<u32> =
            internet.iter().filter_map(|end| self.connectivity.class(end.end().ok()?)).collect();
        let (mut sources, mut destinations) =
            (std::mem::take(&mut self.sources), std::mem::take(&mut self.destinations));
        let mut exposed = BTreeSet::new();
        let mut visit = |(from, to, _): (u32, u32, &PortSet)| {
            if internet.contains(&from) {
                exposed.insert(to);
            }
            let (Some(from), Some(to)) = (whose.get(&from), whose.get(&to)) else {
                return ControlFlow::Continue(());
            };
            for source in from {
                for destination in to {
                    if let Some(known) = sources.get_mut(*destination) {
                        known.insert(*source);
                    }
                    if let Some(known) = destinations.get_mut(*source) {
                        known.insert(*destination);
                    }
                }
            }
            ControlFlow::Continue(())
        };
        for family in Family::ALL {
            let asked = Asked { from: &all, to: &all, ports: &every_port };
            let _ = self.connectivity.passing(family, Level::Possible, asked, &mut visit);
        }
        (self.sources, self.destinations, self.exposed) = (sources, destinations, exposed);
    }

    fn workloads(&self, spaces: &BTreeMap<Name, Vec<PodId>>) -> Vec<Workload> {
        let mut all: BTreeMap<String, Workload> = BTreeMap::new();
        for (space, pods) in spaces.values().enumerate() {
            for id in pods {
                let name = called(self.snapshot, *id);
                // What no test can name is none.
                let Some(class) = self.connectivity.class(End::Pod(*id)) else { continue };
                if EndText::read(&name).is_err() {
                    continue;
                }
                let closed = Direction::ALL
                    .map(|way| closed(self.snapshot, self.rules, *id, way).isolated == Truth::Yes);
                let of = all.entry(name.clone()).or_insert_with(|| Workload {
                    name,
                    space,
                    pods: BTreeMap::new(),
                    closed,
                });
                let alike = of.pods.entry(class).or_default();
                if alike.len() < 2 {
                    alike.push(*id);
                }
            }
        }
        all.into_values().collect()
    }

    /// A list of namespaces and nodes as ends; `None` where others are among them.
    fn ends(&self, all: &BTreeSet<Who>) -> Option<OneOrMore> {
        let one = |who: &Who| match self.spaces.get(*who) {
            Some(name) => Some(of_namespace(name)),
            None if *who == self.spaces.len() => Some("nodes".to_owned()),
            None => None,
        };
        all.iter().map(one).collect::<Option<Vec<_>>>().map(OneOrMore)
    }

    /// Who alone reaches each namespace, and whom alone it reaches.
    pub(super) fn between_namespaces(&self) -> Vec<Vec<Item>> {
        let mut choices = Vec::new();
        let each_scope = |name: &str, what: What| {
            SCOPES.map(|scope| Item::new(name.to_owned(), scope, what.clone())).to_vec()
        };
        for (at, space) in self.spaces.iter().enumerate() {
            let own = || OneOrMore(vec![of_namespace(space)]);
            if let Some(from) = self.ends(&self.sources[at]) {
                let sides = Sides { from, to: own(), ports: Vec::new() };
                let name = format!("nobody else reaches {space}");
                choices.push(each_scope(&name, What::Only(sides)));
            }
            if let Some(to) = self.ends(&self.destinations[at]) {
                let sides = Sides { from: own(), to, ports: Vec::new() };
                let name = format!("{space} reaches nobody else");
                choices.push(each_scope(&name, What::OnlyTo(sides)));
            }
        }
        choices
    }

    /// What the internet reaches.
    pub(super) fn exposed(&self, effort: Effort) -> Vec<Item> {
        let mut reached: BTreeSet<u32> = self.exposed.clone();
        let both = (self.snapshot, self.rules);
        let led = onward_over(self.connectivity, both, &From::Internet, (1, false), effort);
        for (place, found, _) in led.iter().flat_map(Onward::reached) {
            if found.hops > 0 {
                reached.insert(place.0);
            }
        }
        let mut by_space: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for workload in &self.workloads {
            if workload.pods.keys().any(|class| reached.contains(class)) {
                by_space.entry(workload.space).or_default().push(workload.name.clone());
            }
        }
        let whole = |space: &usize| vec![of_namespace(&self.spaces[*space])];
        let named = by_space.iter().flat_map(|(space, names)| {
            if names.len() > MOST_NAMED { whole(space) } else { names.clone() }
        });
        let folded = by_space.keys().flat_map(whole);
        let lists = [OneOrMore(named.collect()), OneOrMore(folded.collect())];
        let item = |only: &OneOrMore, scope| {
            let what = What::Exposed(Exposed { only: only.clone() });
            Item::new("the internet reaches nothing else".to_owned(), scope, what)
        };
        let scopes = SCOPES.iter();
        scopes.flat_map(|scope| lists.each_ref().map(|only| item(only, *scope))).collect()
    }

    /// What passes from one workload to another, or between pods of one, without any condition, where one of both
    /// is closed. That a pod reaches itself is no rule's doing.
    fn ports(&self, from: &Workload, to: &Workload) -> PortSet {
        let [[_, leaving], [arriving, _]] = [from.closed, to.closed];
        if !leaving && !arriving {
            return PortSet::default();
        }
        let mut both: Option<PortSet> = None;
        for (one, sources) in &from.pods {
            for (other, destinations) in &to.pods {
                let Some(ends) = self.two(sources, destinations) else { continue };
                for family in Family::ALL {
                    let has = |class: &u32| self.connectivity.has(*class, family);
                    if !has(one) || !has(other) {
                        continue;
                    }
                    let reach = self.connectivity.allowed(ends[0], ends[1], family);
                    both = Some(match both {
                        Some(known) => known.intersection(&reach.unconditional),
                        None => reach.unconditional,
                    });
                }
            }
        }
        both.unwrap_or_default()
    }

    /// One pod of each that are not one and the same, though one that stands for several may be both.
    fn two(&self, sources: &[PodId], destinations: &[PodId]) -> Option<[End; 2]> {
        let differ = |a: &PodId, b: &PodId| a != b || self.snapshot.pod(*a).template;
        let both = |a: &PodId| destinations.iter().find(|b| differ(a, b)).map(|b| [*a, *b]);
        sources.iter().find_map(both).map(|both| both.map(End::Pod))
    }

    /// What is let through between workloads; `None` where there are more than `most`.
    pub(super) fn between_workloads(&self, most: usize) -> Option<Vec<Vec<Item>>> {
        if self.workloads.len() > most {
            return None;
        }
        // Each with whether its own pods are among those that reach it.
        let mut alike: BTreeMap<Key, Vec<(usize, bool)>> = BTreeMap::new();
        for (at, to) in self.workloads.iter().enumerate() {
            let mut by_ports: BTreeMap<PortSet, BTreeSet<usize>> = BTreeMap::new();
            for (other, from) in self.workloads.iter().enumerate() {
                let ports = self.ports(from, to);
                if !ports.is_empty() {
                    by_ports.entry(ports).or_default().insert(other);
                }
            }
            for (ports, mut from) in by_ports {
                // A whole namespace has those that are reached, too.
                let own = !from.insert(at);
                alike.entry((to.space, ports, from)).or_default().push((at, own));
            }
        }
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        let mut choices = Vec::new();
        for ((space, set, from), to) in alike {
            let Some(ports) = ports(&set) else { continue };
            let those: BTreeSet<usize> = to.iter().map(|(at, _)| *at).collect();
            // Of several each is reached by another.
            let itself = to.first().filter(|(_, own)| to.len() == 1 && !own).map(|(at, _)| *at);
            let others: BTreeSet<usize> = from.difference(&those).copied().collect();
            let name = match to.as_slice() {
                [(one, _)] => format!("{} is reached", self.workloads[*one].name),
                _ => format!("workloads of {} are reached", self.spaces[space]),
            };
            let count = names.entry(name.clone()).and_modify(|count| *count += 1).or_insert(1);
            let name = if *count > 1 { format!("{name} ({count})") } else { name };
            let pairs = [
                (self.folded(&from, itself), self.folded(&those, None)),
                (self.folded(&others, None), self.folded(&those, None)),
                (self.folded(&from, itself), self.named(&those)),
                (self.folded(&others, None), self.named(&those)),
                (self.named(&others), self.named(&those)),
            ];
            let item = |(from, to): (Vec<String>, Vec<String>)| {
                let sides =
                    Sides { from: OneOrMore(from), to: OneOrMore(to), ports: ports.clone() };
                Item::new(name.clone(), TestScope::Any, What::Allow(sides))
            };
            let some = pairs.into_iter().filter(|(from, to)| !from.is_empty() && !to.is_empty());
            choices.push(some.map(item).collect());
        }
        Some(choices)
    }

    fn named(&self, some: &BTreeSet<usize>) -> Vec<String> {
        some.iter().map(|at| self.workloads[*at].name.clone()).collect()
    }

    /// Workloads by name, or by their namespace where all of several are among them; one of them only as part of
    /// its namespace.
    fn folded(&self, some: &BTreeSet<usize>, unnamed: Option<usize>) -> Vec<String> {
        let mut words = Vec::new();
        let mut told = BTreeSet::new();
        for at in some {
            let space = self.workloads[*at].space;
            let own = self.workloads.iter().enumerate().filter(|(_, it)| it.space == space);
            let own: Vec<usize> = own.map(|(other, _)| other).collect();
            if own.len() == 1 || !own.iter().all(|other| some.contains(other)) {
                if Some(*at) == unnamed {
                    continue;
                }
                words.push(self.workloads[*at].name.clone());
            } else if told.insert(space) {
                words.push(of_namespace(&self.spaces[space]));
            }
        }
        words
    }
}
