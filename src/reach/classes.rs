//! Ends that no policy tells apart, as classes.
//!
//! In: one side (a snapshot with its rules), or two sides to be compared. Out: a [`Space`] of
//! numbered classes. Pods come first, sorted by namespace, then nodes, then the address atoms of each
//! family (one for both where there are no blocks). With two sides an end that both have is one member, and
//! its class is the common refinement of what either side's rules tell apart.

use super::End;
use super::addresses::Atoms;
use super::members::{Inside, Member, members};
use super::sets::ClassId;
use crate::cluster::{
    Addresses, ContainerPort, Family, Labels, Name, Operator, Pod, Protocol, SERVICE_ACCOUNT_LABEL,
    Snapshot,
};
use crate::policy::Ruleset;
use crate::policy::rule::{PeerKind, Peers, PodSet, PortMatch, Ports};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

/// A snapshot and the rules in force in it.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) rules: &'a Ruleset,
}

/// No class: the pod has finished.
const NO_CLASS: ClassId = ClassId::MAX;

/// What is known of the address of a class in one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Place {
    Absent,
    Unknown,
    /// Somewhere in the cluster's pod networks.
    Within,
    Atom(u32),
}

/// What one side knows of a class.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Facts {
    /// It uses its node's network, or is a node: no policy selects it.
    pub(super) on_node: bool,
    /// IPv4, IPv6.
    pub(super) places: [Place; 2],
    /// The numbers that the names which rules mention have on it, interned.
    pub(super) ports: u32,
    labels: u32,
}

/// Classes with what the sides know of each.
pub(super) struct Space<'a> {
    pub(super) sides: Vec<Side<'a>>,
    /// Facts of pod and node classes, by class and side.
    pub(super) facts: Vec<[Option<Facts>; 2]>,
    members: Vec<Member>,
    starts: Vec<usize>,
    /// The pod classes of each namespace.
    pub(super) namespaces: BTreeMap<&'a Name, Range<ClassId>>,
    pub(super) pods: ClassId,
    /// Where addresses outside begin.
    pub(super) inside: ClassId,
    /// No block tells addresses apart, so both families have one and the same atom.
    pub(super) uncut: bool,
    pub(super) atoms: [Atoms; 2],
    pub(super) size: ClassId,
    class_of_pod: Vec<Vec<ClassId>>,
    class_of_node: Vec<Vec<ClassId>>,
}

pub(super) fn family_index(family: Family) -> usize {
    usize::from(family == Family::V6)
}

fn id(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Its namespace by rank, or none, and what either side knows.
type Key = (Option<u32>, [Option<Facts>; 2]);

impl<'a> Space<'a> {
    pub(super) fn new(sides: Vec<Side<'a>>) -> Self {
        let blocks = || sides.iter().flat_map(|side| address_blocks(side.rules));
        let atoms = Family::ALL.map(|family| Atoms::cut(family, blocks()));
        let mut readers: Vec<Reader<'a>> = sides.iter().map(|side| Reader::new(*side)).collect();
        let mut keyed: Vec<(Key, Member)> = Vec::new();
        let names: BTreeSet<&'a Name> = sides
            .iter()
            .flat_map(|side| side.snapshot.namespaces().map(|namespace| &namespace.name))
            .collect();
        let names: Vec<&'a Name> = names.into_iter().collect();
        let ranks: HashMap<&Name, u32> = names.iter().copied().zip(0..).collect();
        for member in members(&sides) {
            let mut namespace = None;
            let mut facts = [None, None];
            for (i, reader) in readers.iter_mut().enumerate() {
                facts[i] = match member[i] {
                    Some(Inside::Pod(pod)) => {
                        namespace = ranks.get(&sides[i].snapshot.pod(pod).namespace).copied();
                        Some(reader.pod(pod, &atoms))
                    }
                    Some(Inside::Node(node)) => Some(reader.node(node, &atoms)),
                    None => None,
                };
            }
            keyed.push(((namespace, facts), member));
        }
        // Pods by namespace, then nodes.
        keyed.sort_by(|(a, _), (b, _)| (a.0.is_none(), a).cmp(&(b.0.is_none(), b)));
        let mut space = Space {
            facts: Vec::new(),
            members: Vec::with_capacity(keyed.len()),
            starts: Vec::new(),
            namespaces: BTreeMap::new(),
            pods: 0,
            inside: 0,
            uncut: sides.iter().all(|side| !side.rules.traits().addresses),
            size: 0,
            class_of_pod: sides.iter().map(|s| vec![NO_CLASS; s.snapshot.pods().len()]).collect(),
            class_of_node: sides.iter().map(|s| vec![NO_CLASS; s.snapshot.nodes.len()]).collect(),
            atoms,
            sides,
        };
        let mut last: Option<Key> = None;
        for (key, member) in keyed {
            if last.as_ref() != Some(&key) {
                let class = id(space.facts.len());
                space.starts.push(space.members.len());
                space.facts.push(key.1.clone());
                if let Some(namespace) = key.0 {
                    space.pods = class + 1;
                    let name = names[namespace as usize];
                    space.namespaces.entry(name).or_insert(class..class).end = class + 1;
                }
                last = Some(key);
            }
            let class = id(space.facts.len() - 1);
            for (side, inside) in member.iter().enumerate() {
                match inside {
                    Some(Inside::Pod(pod)) => space.class_of_pod[side][*pod] = class,
                    Some(Inside::Node(node)) => space.class_of_node[side][*node] = class,
                    None => {}
                }
            }
            space.members.push(member);
        }
        space.starts.push(space.members.len());
        space.inside = id(space.facts.len());
        let v6 = if space.uncut { 0 } else { space.atoms[1].len() };
        space.size = space.inside + space.atoms[0].len() + v6;
        space
    }

    /// The members of a pod or node class.
    pub(super) fn members(&self, class: ClassId) -> &[Member] {
        if class >= self.inside {
            return &[];
        }
        &self.members[self.starts[class as usize]..self.starts[class as usize + 1]]
    }

    /// One pod of a pod class on one side.
    pub(super) fn example(&self, class: ClassId, side: usize) -> Option<&'a Pod> {
        match self.members(class).first()?[side]? {
            Inside::Pod(pod) => Some(self.sides[side].snapshot.pod(pod)),
            Inside::Node(_) => None,
        }
    }

    /// The first class of a family's atoms.
    pub(super) fn outside(&self, family: Family) -> ClassId {
        match family {
            Family::V6 if !self.uncut => self.inside + self.atoms[0].len(),
            _ => self.inside,
        }
    }

    /// The class of an end of one side; `None` for a finished pod.
    pub(super) fn class(&self, side: usize, end: &End) -> Option<ClassId> {
        let class = match end {
            End::Pod(pod) => *self.class_of_pod[side].get(*pod)?,
            End::Node(node) => *self.class_of_node[side].get(*node)?,
            End::Address(ip) => {
                let family = Family::of(*ip);
                self.outside(family) + self.atoms[family_index(family)].of(*ip)
            }
        };
        (class != NO_CLASS).then_some(class)
    }

    /// The atom of an address class, for flows of a family.
    pub(super) fn atom(&self, class: ClassId, family: Family) -> Option<u32> {
        let atom = class.checked_sub(self.outside(family))?;
        (atom < self.atoms[family_index(family)].len()).then_some(atom)
    }
}

fn peers(rules: &Ruleset) -> impl Iterator<Item = &PeerKind> {
    rules
        .policies()
        .iter()
        .flat_map(|policy| &policy.entries)
        .filter_map(|entry| match &entry.peers {
            Peers::Any => None,
            Peers::Of(peers) => Some(peers),
        })
        .flatten()
        .map(|peer| &peer.admits)
}

fn address_blocks(rules: &Ruleset) -> impl Iterator<Item = &crate::cluster::AddressBlock> {
    peers(rules).filter_map(|peer| match peer {
        PeerKind::Addresses(block, _) => Some(block),
        _ => None,
    })
}

fn pod_sets(rules: &Ruleset) -> impl Iterator<Item = &PodSet> {
    let of_peers = peers(rules).filter_map(|peer| match peer {
        PeerKind::Pods(set) => Some(set),
        _ => None,
    });
    rules.policies().iter().map(|policy| &policy.subject).chain(of_peers)
}

/// The labels of a pod, the keys that are set at run time, and its ServiceAccount where rules ask
/// for it.
type Labelling<'a> = (&'a Labels, &'static [&'static str], Option<&'a str>);

/// What a selector can see of the value of a label.
#[derive(PartialEq, Eq, Hash)]
enum Value<'a> {
    Is(&'a str),
    /// One of those that no selector mentions, which are all alike.
    Unmentioned,
    /// There, but its controller sets it at run time.
    Unknown,
}

/// Reads the facts of one side, interned so that comparing them is cheap.
struct Reader<'a> {
    side: Side<'a>,
    /// Label keys that selectors mention, with the values they mention.
    mentioned: BTreeMap<&'a str, BTreeSet<&'a str>>,
    port_names: BTreeSet<(&'a str, Protocol)>,
    labels: HashMap<Labelling<'a>, u32>,
    last: Option<(Labelling<'a>, u32)>,
    projections: HashMap<Vec<(&'a str, Value<'a>)>, u32>,
    declared: HashMap<&'a [ContainerPort], u32>,
    numbers: HashMap<Vec<(&'a str, Protocol, u16)>, u32>,
    nodes: HashMap<&'a Name, usize>,
    /// Whether some block cuts a family.
    cut: bool,
}

impl<'a> Reader<'a> {
    fn new(side: Side<'a>) -> Self {
        let mut mentioned: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for set in pod_sets(side.rules) {
            for requirement in &set.pods.requirements {
                let values = mentioned.entry(&requirement.key).or_default();
                if let Operator::In(some) | Operator::NotIn(some) = &requirement.operator {
                    values.extend(some.iter().map(|value| &**value));
                }
            }
        }
        let mut port_names = BTreeSet::new();
        for entry in side.rules.policies().iter().flat_map(|policy| &policy.entries) {
            let Ports::Of(items) = &entry.ports else { continue };
            for item in items {
                if let PortMatch::Named(name) = &item.ports {
                    port_names.insert((&**name, item.protocol));
                }
            }
        }
        let nodes = side.snapshot.nodes.iter().enumerate().map(|(i, node)| (&node.name, i));
        Self {
            mentioned,
            port_names,
            labels: HashMap::new(),
            last: None,
            projections: HashMap::new(),
            declared: HashMap::new(),
            numbers: HashMap::new(),
            // The first of a name counts, as everywhere.
            nodes: nodes.rev().collect(),
            cut: side.rules.traits().addresses,
            side,
        }
    }

    fn pod(&mut self, index: usize, atoms: &[Atoms; 2]) -> Facts {
        let pod = self.side.snapshot.pod(index);
        let places = Family::ALL.map(|family| self.pod_place(index, family, atoms));
        let ports = self.ports(&pod.ports);
        // A pod on its node's network is selected by nothing, so its labels do not matter.
        let labels = if pod.host_network { 0 } else { self.projected(pod) };
        Facts { on_node: pod.host_network, places, ports, labels }
    }

    fn node(&self, index: usize, atoms: &[Atoms; 2]) -> Facts {
        let places = Family::ALL.map(|family| self.node_place(index, family, atoms));
        Facts { on_node: true, places, ports: 0, labels: 0 }
    }

    fn node_place(&self, index: usize, family: Family, atoms: &[Atoms; 2]) -> Place {
        let ips = &self.side.snapshot.nodes[index].ips;
        let ip = ips.iter().find(|ip| Family::of(**ip) == family);
        self.place(&ip.map_or(Addresses::Unknown, |ip| Addresses::Known(*ip)), family, atoms)
    }

    fn pod_place(&self, index: usize, family: Family, atoms: &[Atoms; 2]) -> Place {
        let pod = self.side.snapshot.pod(index);
        match self.side.snapshot.pod_address(index, family) {
            Addresses::Unknown if pod.host_network => {
                let node = pod.node.as_ref().and_then(|name| self.nodes.get(name));
                let unknown = || self.place(&Addresses::Unknown, family, atoms);
                node.map_or_else(unknown, |node| self.node_place(*node, family, atoms))
            }
            address => self.place(&address, family, atoms),
        }
    }

    fn place(&self, address: &Addresses, family: Family, atoms: &[Atoms; 2]) -> Place {
        match address {
            Addresses::Absent => Place::Absent,
            // Where no block decides, no address matters.
            _ if !self.cut => Place::Unknown,
            Addresses::Known(ip) => Place::Atom(atoms[family_index(family)].of(*ip)),
            Addresses::Within(_) => Place::Within,
            Addresses::Unknown => Place::Unknown,
        }
    }

    fn projected(&mut self, pod: &'a Pod) -> u32 {
        let account = self.mentioned.contains_key(SERVICE_ACCOUNT_LABEL);
        let whole = (&pod.labels, pod.unknown_labels, account.then(|| &*pod.service_account));
        // Pods of one workload follow each other, and comparing is cheaper than hashing.
        if let Some((last, projected)) = self.last
            && last == whole
        {
            return projected;
        }
        let projected = self.project(whole);
        self.last = Some((whole, projected));
        projected
    }

    fn project(&mut self, whole: Labelling<'a>) -> u32 {
        let (labels, unknown_labels, account) = whole;
        if let Some(known) = self.labels.get(&whole) {
            return *known;
        }
        let mut projection = Vec::new();
        let account = account.map(|account| (SERVICE_ACCOUNT_LABEL, account));
        for (key, value) in labels.iter().chain(account) {
            if let Some(values) = self.mentioned.get(key) {
                let value = values.get(value).map_or(Value::Unmentioned, |value| Value::Is(value));
                projection.push((key, value));
            }
        }
        for key in unknown_labels {
            if self.mentioned.contains_key(key) && labels.get(key).is_none() {
                projection.push((key, Value::Unknown));
            }
        }
        let next = id(self.projections.len());
        let projected = *self.projections.entry(projection).or_insert(next);
        self.labels.insert(whole, projected);
        projected
    }

    fn ports(&mut self, declared: &'a [ContainerPort]) -> u32 {
        if let Some(known) = self.declared.get(declared) {
            return *known;
        }
        let mut numbers: Vec<(&str, Protocol, u16)> = declared
            .iter()
            .filter_map(|port| Some((port.name.as_deref()?, port.port.protocol, port.port.number)))
            .filter(|(name, protocol, _)| self.port_names.contains(&(*name, *protocol)))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        // 0 is the class without any.
        let next = if numbers.is_empty() { 0 } else { id(self.numbers.len()) + 1 };
        let ports = *self.numbers.entry(numbers).or_insert(next);
        self.declared.insert(declared, ports);
        ports
    }
}
