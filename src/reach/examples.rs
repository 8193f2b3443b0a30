//! Few flows that stand for a row.
//!
//! In: a row of a [`Connectivity`], or some of its ports. Out: [`Example`]s, one for each part of the
//! row that no rule for its subject tells apart, by peer and by port. How a part is judged is asked
//! elsewhere; here is only known where rules begin and end.

use super::classes::Space;
use super::exempt::{Exemption, exemption};
use super::facts::Place;
use super::members::Inside;
use super::port_table::PortsId;
use super::ports::PortSet;
use super::rows::RowEnd;
use super::sets::{ClassId, Run, Runs, SetId, intersection};
use super::side::family_index;
use super::tables::Tables;
use super::terms::{Clauses, Selecting};
use super::{Connectivity, End};
use crate::cluster::{Family, Name, Port, Protocol, Truth};
use crate::effort::Steps;
use crate::policy::rule::Direction;
use foldhash::{HashMap, HashSet};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// One flow of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// Its source.
    pub source: End,
    /// Its destination.
    pub destination: End,
    /// Its port.
    pub port: Port,
}

/// What of a class matters to what policies say of it in one direction: of classes in equal ones the
/// same is said, for the same reasons.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Standing<'c> {
    direction: Direction,
    policies: Option<&'c Selecting>,
    /// Whether it is on its node's network, the names of its ports, its node.
    facts: Option<(bool, u32, Option<u32>)>,
}

/// The rules of one side, as far as they tell ends apart.
pub(super) struct Told {
    /// By direction, the policies that select each pod class.
    pub(super) selecting: [Vec<Selecting>; 2],
    /// By family, the rules of each policy that selects anything.
    pub(super) clauses: [Vec<Option<Arc<Clauses>>>; 2],
    /// The classes that call a port by a name, with its numbers there.
    pub(super) named: HashMap<(Name, Protocol), Vec<(SetId, PortsId)>>,
    /// Pods of the pod network.
    pub(super) selectable: SetId,
    /// Nodes, and pods on their nodes' networks.
    pub(super) on_node: SetId,
}

impl Told {
    fn selecting(&self, direction: Direction) -> &[Selecting] {
        let [into, out] = &self.selecting;
        if direction == Direction::Ingress { into } else { out }
    }
}

/// Whom a rule means at which ports.
struct Meant {
    certain: Runs,
    possible: Runs,
    ports: PortSet,
}

/// What stands for ends or ports that are told apart by nothing.
type Mark = u32;

/// Marks every end or port that is asked for.
const ASKED: Mark = Mark::MAX;
/// Marks of kinds of ends, of which a rule that may match leaves something else open.
const KINDS: [Mark; 2] = [Mark::MAX - 1, Mark::MAX - 2];
/// Marks of ends that are, and may be, on the subject's own node.
const OWN_NODE: [Mark; 2] = [Mark::MAX - 3, Mark::MAX - 4];

/// Marks of ends whose labels, whose namespace's labels or whose addresses are not known: of a rule that
/// only perhaps means two ends another thing may be open for each.
const DOUBTS: [Mark; 3] = [Mark::MAX - 5, Mark::MAX - 6, Mark::MAX - 7];

/// A run, its last the one after the end, with a mark.
pub(super) type Span = (u32, u32, Mark);

/// So many classes are looked at for one whose flows are not exempt.
const CLASSES: usize = 8;
/// So many members of a class are looked at for the same.
const MEMBERS: usize = 16;

impl Connectivity<'_> {
    /// What of a class matters to what policies say of it in one direction.
    pub fn standing(&self, direction: Direction, class: u32) -> Standing<'_> {
        let facts = self.space.facts.get(class as usize).and_then(|facts| facts[0].as_ref());
        let facts = facts.map(|facts| (facts.on_node, facts.ports, facts.node));
        Standing { direction, policies: self.told.selecting(direction).get(class as usize), facts }
    }

    /// The classes of one end of a row, from the first of each run to the one after its last.
    pub fn classes_in(&self, end: RowEnd, family: Family) -> Vec<(u32, u32)> {
        let Some(relations) = &self.relations[family_index(family)] else { return Vec::new() };
        let anyone = self.tables.sets.runs(relations.certain.anyone);
        match end {
            RowEnd::Anyone => anyone.to_vec(),
            RowEnd::EveryPod => intersection(anyone, self.tables.sets.runs(self.told.selectable)),
            RowEnd::Class(class) => vec![(class, class + 1)],
            RowEnd::Outside(first, end) => vec![(first, end)],
        }
    }

    /// Flows between a class and others, as seen from the class, whose policies are asked in this
    /// direction. Those of a group are at one port, which stands for others. Where the steps do not
    /// suffice, they do not stand for all.
    pub fn examples(
        &self,
        family: Family,
        (direction, subject): (Direction, u32),
        peers: &[(u32, u32)],
        ports: &PortSet,
        steps: &Steps,
    ) -> Vec<Vec<Example>> {
        let one = match peers {
            [(first, end)] if first + 1 == *end => Some(*first),
            _ => None,
        };
        let mut meant = self.meant(family, direction, subject);
        if let Some(one) = one {
            meant.retain(|rule| super::sets::contains(&rule.possible, one));
        }
        let mut spans = marked(ports.spans(), ASKED);
        for (mark, rule) in (0..).zip(&meant) {
            spans.extend(marked(rule.ports.spans(), mark));
        }
        let at_ports = told_apart(spans, 1, steps).into_iter();
        let at_ports = at_ports.take_while(|_| steps.too_much().is_none());
        let groups = at_ports.map(|(marks, found)| {
            let port = super::ports::port(found[0]);
            if let Some(one) = one {
                let example = self.example(family, direction, subject, &[one], port);
                return example.into_iter().collect();
            }
            let rules = marks.iter().filter_map(|mark| Some((*mark, meant.get(*mark as usize)?)));
            let mut spans = marked(peers.iter().copied(), ASKED);
            let mut open = false;
            for (mark, rule) in rules {
                open |= rule.certain != rule.possible;
                spans.extend(marked(near(&rule.certain, peers), 2 * mark));
                spans.extend(marked(near(&rule.possible, peers), 2 * mark + 1));
            }
            for (set, mark) in [self.told.selectable, self.told.on_node].into_iter().zip(KINDS) {
                spans.extend(marked(near(self.tables.sets.runs(set), peers), mark));
            }
            if open {
                spans.extend(&self.in_doubt()[family_index(family)]);
            }
            spans.extend(self.own_node(subject));
            let apart = told_apart(spans, CLASSES, steps).into_values();
            let examples = apart
                .filter_map(|classes| self.example(family, direction, subject, &classes, port));
            examples.collect()
        });
        groups.collect()
    }

    /// The rules of policies that select a class, or may.
    fn meant(&self, family: Family, direction: Direction, subject: ClassId) -> Vec<Meant> {
        let Self { told, tables, .. } = self;
        let Tables { sets, ports, .. } = tables;
        let selecting = told.selecting(direction).get(subject as usize);
        let Some(selecting) = selecting else { return Vec::new() };
        // Where no block cuts addresses, both families may have one and the same rules.
        let of_family = &told.clauses[family_index(family)];
        let clauses = if of_family.is_empty() { &told.clauses[0] } else { of_family };
        let written = selecting.policies().filter_map(|(policy, _)| clauses.get(policy)?.as_ref());
        let mut all = Vec::new();
        for term in written.flat_map(|clauses| &clauses.all).flat_map(|clause| &clause.terms) {
            let (certain, possible) =
                (sets.runs(term.peers.certain), sets.runs(term.peers.possible));
            let (certain, possible) = (certain.clone(), possible.clone());
            let mut numbers = ports.get(term.ports);
            for (set, named) in term.names.iter().filter_map(|name| told.named.get(name)).flatten()
            {
                match direction {
                    Direction::Ingress if sets.contains(*set, subject) => {
                        numbers = numbers.union(&ports.get(*named));
                    }
                    Direction::Ingress => {}
                    Direction::Egress => all.push(Meant {
                        certain: intersection(&certain, sets.runs(*set)).into(),
                        possible: intersection(&possible, sets.runs(*set)).into(),
                        ports: ports.get(*named),
                    }),
                }
            }
            if let Some(except) = &term.except {
                let ports = ports.get(except.ports).clone();
                let (certain, possible) = (certain.clone(), possible.clone());
                all.push(Meant { certain, possible, ports });
                for (set, named) in
                    except.names.iter().filter_map(|name| told.named.get(name)).flatten()
                {
                    all.push(Meant {
                        certain: sets.runs(*set).clone(),
                        possible: sets.runs(*set).clone(),
                        ports: tables.ports.get(*named).clone(),
                    });
                }
            }
            all.push(Meant { certain, possible, ports: numbers });
        }
        all
    }

    /// By family, the ends of which something is not known that rules ask for.
    fn in_doubt(&self) -> &[Vec<Span>; 2] {
        self.in_doubt.get_or_init(|| {
            let of_family = |family| {
                let mut spans: Vec<Span> = Vec::new();
                for (class, [facts, _]) in (0..).zip(&self.space.facts) {
                    let Some(facts) = facts else { continue };
                    let place = facts.places[family_index(family)];
                    let placed = matches!(place, Place::Absent | Place::Atom(_));
                    let doubts = [facts.labels_open, self.of_open_namespace(class), !placed];
                    for (mark, _) in DOUBTS.into_iter().zip(doubts).filter(|(_, it)| *it) {
                        // Of runs side by side one is made.
                        match spans.iter_mut().rev().take(DOUBTS.len()).find(|it| it.2 == mark) {
                            Some((_, end, _)) if *end == class => *end += 1,
                            _ => spans.push((class, class + 1, mark)),
                        }
                    }
                }
                spans
            };
            Family::ALL.map(of_family)
        })
    }

    /// Whether a class is of pods in a namespace that may have labels which are not known.
    fn of_open_namespace(&self, class: ClassId) -> bool {
        let Some(Inside::Pod(pod)) = self.space.one_of(class, 0) else { return false };
        let snapshot = self.space.sides[0].snapshot;
        snapshot.namespace(&snapshot.pod(pod).namespace).is_none_or(|it| it.labels_unread)
    }

    /// Where classes know their node, those on the subject's own.
    fn own_node(&self, subject: ClassId) -> Vec<Span> {
        if !self.space.by_node {
            return Vec::new();
        }
        let on_node = self.tables.sets.classes(self.told.on_node);
        let own = on_node.filter_map(|class| {
            let mark = match self.space.is_own_node(class, subject, 0) {
                Truth::Yes => OWN_NODE[0],
                Truth::Unknown => OWN_NODE[1],
                Truth::No => return None,
            };
            Some((class, class + 1, mark))
        });
        own.collect()
    }

    /// A flow between a class and one of some others, without exemption if there is one.
    fn example(
        &self,
        family: Family,
        direction: Direction,
        subject: ClassId,
        peers: &[ClassId],
        port: Port,
    ) -> Option<Example> {
        let subjects = self.some(subject, family);
        let mut best: Option<(Exemption, Example)> = None;
        for peer in peers.iter().flat_map(|class| self.some(*class, family)) {
            for subject in &subjects {
                let (source, destination) = match direction {
                    Direction::Ingress => (peer, *subject),
                    Direction::Egress => (*subject, peer),
                };
                let exempt = exemption(&self.space, 0, source, destination);
                let example = Example { source, destination, port };
                match (exempt, &best) {
                    (Exemption::None, _) => return Some(example),
                    (_, None) | (Exemption::Perhaps, Some((Exemption::Allowed, _))) => {
                        best = Some((exempt, example));
                    }
                    _ => {}
                }
            }
        }
        best.map(|(_, example)| example)
    }

    /// Some ends of a class.
    fn some(&self, class: ClassId, family: Family) -> Vec<End> {
        if let Some(atom) = self.space.atom(class, family) {
            let taken = self.taken.get_or_init(|| self.space.taken());
            return vec![self.space.free_address(atom, family, taken)];
        }
        let members = self.space.members(class).iter().filter_map(|member| member[0]);
        members.take(MEMBERS).map(End::from).collect()
    }
}

impl Space<'_> {
    /// The addresses of pods and nodes of any side.
    pub(super) fn taken(&self) -> HashSet<IpAddr> {
        let of_sides = self.sides.iter().flat_map(|side| {
            let pods = side.snapshot.pods().iter().flat_map(|pod| &pod.ips);
            pods.chain(side.snapshot.nodes.iter().flat_map(|node| &node.ips))
        });
        of_sides.copied().collect()
    }

    /// An address of an atom that nothing has and that is outside, if there is one.
    pub(super) fn free_address(&self, atom: u32, family: Family, taken: &HashSet<IpAddr>) -> End {
        let of_pods = self.is_of_any_pods(family, atom);
        let taken = |ip| taken.contains(&ip) || (!of_pods && self.is_in_pod_network(ip));
        End::Address(self.atoms[family_index(family)].example(atom, taken))
    }
}

/// To sort an edge and to look up what is found there takes some of them.
const STEPS_OF_EDGE: usize = 20;

/// Of runs in order those that lie between the first and the last that are asked for: of many thousands a
/// rule may mean, few are.
fn near<'r>(runs: &'r [Run], asked: &[Run]) -> impl Iterator<Item = Run> + use<'r> {
    let first = asked.iter().map(|run| run.0).min().unwrap_or_default();
    let end = asked.iter().map(|run| run.1).max().unwrap_or_default();
    let from = runs.partition_point(|run| run.1 <= first);
    let rest = runs.get(from..).unwrap_or_default();
    rest.iter().copied().take_while(move |run| run.0 < end)
}

/// Each run with a mark.
fn marked(runs: impl IntoIterator<Item = Run>, mark: Mark) -> Vec<Span> {
    runs.into_iter().map(|(from, to)| (from, to, mark)).collect()
}

/// For each combination of marks that is found where [`ASKED`] is, the first few numbers that have it.
fn told_apart(spans: Vec<Span>, most: usize, steps: &Steps) -> BTreeMap<Vec<Mark>, Vec<u32>> {
    let mut edges: Vec<(u32, bool, Mark)> = Vec::with_capacity(2 * spans.len());
    for (from, to, mark) in spans {
        edges.extend([(from, true, mark), (to, false, mark)]);
    }
    edges.sort_unstable();
    let mut found: BTreeMap<Vec<Mark>, Vec<u32>> = BTreeMap::new();
    // Runs of one rule may overlap those of another with the same mark.
    let mut active: BTreeMap<Mark, u32> = BTreeMap::new();
    let mut edges = edges.into_iter().peekable();
    while let Some((at, begins, mark)) = edges.next() {
        if begins {
            *active.entry(mark).or_default() += 1;
        } else if let Some(count) = active.get_mut(&mark) {
            *count -= 1;
            if *count == 0 {
                active.remove(&mark);
            }
        }
        let Some((next, ..)) = edges.peek() else { break };
        if *next == at || !active.contains_key(&ASKED) {
            continue;
        }
        steps.take(STEPS_OF_EDGE + active.len());
        if steps.too_much().is_some() {
            break;
        }
        let numbers = found.entry(active.keys().copied().collect()).or_default();
        let more = most.saturating_sub(numbers.len());
        numbers.extend((at..*next).take(more));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effort::Effort;

    #[test]
    fn numbers_are_told_apart_where_marks_begin_and_end() {
        let spans = vec![(2, 9, ASKED), (0, 4, 0), (4, 6, 1), (5, 7, 0), (20, 30, 1)];
        let found = told_apart(spans, 2, &Steps::new(Effort::default()));
        let shown: Vec<_> = found.into_iter().collect();
        assert_eq!(
            shown,
            [
                (vec![0, 1, ASKED], vec![5]),
                (vec![0, ASKED], vec![2, 3]),
                (vec![1, ASKED], vec![4]),
                (vec![ASKED], vec![7, 8]),
            ]
        );
    }
}
