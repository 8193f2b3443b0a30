//! What a side's rules can see of an end inside, as small numbers that are cheap to compare.
//!
//! In: the pods and nodes of one side. Out: [`Facts`]. What no rule asks for is left out, so that
//! ends which no rule tells apart have equal facts.

use super::addresses::Atoms;
use super::members::Inside;
use super::nodes::OnNode;
use super::side::{Side, family_index, id};
use crate::cluster::{Addresses, ContainerPort, Family, Name, Pod, Protocol, Truth};
use crate::policy::{Labelling, Sight};
use foldhash::{HashMap, HashMapExt as _};
use std::net::IpAddr;

/// What is known of the address of a class in one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Place {
    Absent,
    Unknown,
    /// Somewhere in the cluster's pod networks.
    Within,
    Atom(u32),
    /// One of these atoms, by their number in [`Shared::several`].
    Several(u32),
}

/// What one side knows of a class.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Facts {
    /// It uses its node's network, or is a node: no policy selects it.
    pub(super) on_node: bool,
    /// The node that it is or runs on, where rules ask for a pod's own node and it is known.
    pub(super) node: Option<u32>,
    /// IPv4, IPv6.
    pub(super) places: [Place; 2],
    /// The numbers that the names which rules mention have on it, interned.
    pub(super) ports: u32,
    /// Its labels, or those of its node, as far as selectors can tell, interned.
    labels: u32,
    /// Of some label that selectors ask for it is not known what it is.
    pub(super) labels_open: bool,
}

/// What the facts of both sides refer to.
pub(super) struct Shared<'a> {
    pub(super) atoms: [Atoms; 2],
    /// The atoms of ends with several addresses.
    pub(super) several: Vec<Box<[u32]>>,
    several_ids: HashMap<Box<[u32]>, u32>,
    /// Nodes by name; `None` where no rule asks for a pod's own node.
    nodes: Option<HashMap<&'a Name, u32>>,
}

impl<'a> Shared<'a> {
    pub(super) fn new(atoms: [Atoms; 2], by_node: bool) -> Self {
        let nodes = by_node.then(HashMap::new);
        Self { atoms, several: Vec::new(), several_ids: HashMap::new(), nodes }
    }

    fn node(&mut self, name: Option<&'a Name>) -> Option<u32> {
        let (nodes, name) = (self.nodes.as_mut()?, name?);
        let next = id(nodes.len());
        Some(*nodes.entry(name).or_insert(next))
    }

    fn place(&mut self, family: Family, addresses: impl Iterator<Item = IpAddr>) -> Option<Place> {
        let all = &self.atoms[family_index(family)];
        let mut atoms: Vec<u32> = addresses.map(|ip| all.of(ip)).collect();
        atoms.sort_unstable();
        atoms.dedup();
        match atoms.as_slice() {
            [] => None,
            [one] => Some(Place::Atom(*one)),
            _ => {
                let next = id(self.several.len());
                let atoms: Box<[u32]> = atoms.into();
                Some(Place::Several(*self.several_ids.entry(atoms).or_insert_with_key(|atoms| {
                    self.several.push(atoms.clone());
                    next
                })))
            }
        }
    }
}

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
pub(super) struct Reader<'a> {
    side: Side<'a>,
    sight: Sight<'a>,
    labels: HashMap<Labelling<'a>, u32>,
    last: Option<(Labelling<'a>, u32)>,
    projections: HashMap<Vec<(&'a str, Value<'a>)>, u32>,
    /// Of which of them some value is not known.
    open: Vec<bool>,
    declared: HashMap<&'a [ContainerPort], u32>,
    numbers: HashMap<Vec<(&'a str, Protocol, u16)>, u32>,
    nodes: HashMap<&'a Name, usize>,
    /// Where the API server is, if that is known.
    api_server: Option<Vec<IpAddr>>,
    /// What rules see of a node.
    node_labels: HashMap<(Vec<Truth>, Truth), u32>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(side: Side<'a>) -> Self {
        let nodes = side.snapshot.nodes.iter().enumerate().map(|(i, node)| (&node.name, i));
        Self {
            sight: Sight::of(side.rules),
            labels: HashMap::new(),
            last: None,
            projections: HashMap::new(),
            open: Vec::new(),
            declared: HashMap::new(),
            numbers: HashMap::new(),
            // The first of a name counts, as everywhere.
            nodes: nodes.rev().collect(),
            api_server: side.snapshot.api_server(),
            node_labels: HashMap::new(),
            side,
        }
    }

    pub(super) fn facts(&mut self, inside: Inside, shared: &mut Shared<'a>) -> Facts {
        match inside {
            Inside::Pod(pod) => self.pod(pod, shared),
            Inside::Node(node) => self.node(node, shared),
        }
    }

    fn pod(&mut self, index: usize, shared: &mut Shared<'a>) -> Facts {
        let pod = self.side.snapshot.pod(index);
        let places = Family::ALL.map(|family| self.pod_place(index, family, shared));
        // A pod on its node's network is selected by nothing, so its own labels do not matter, nor
        // do the names of its ports.
        let (ports, labels) = if pod.host_network {
            let node = pod.node.as_ref().and_then(|name| self.nodes.get(name).copied());
            (0, self.on_node(&OnNode::of_pod(self.side.snapshot, pod, node)))
        } else {
            (self.ports(&pod.ports), self.projected(pod))
        };
        let node = shared.node(pod.node.as_ref());
        let labels_open = !pod.host_network && self.open[labels as usize];
        Facts { on_node: pod.host_network, node, places, ports, labels, labels_open }
    }

    fn node(&mut self, index: usize, shared: &mut Shared<'a>) -> Facts {
        let places = Family::ALL.map(|family| self.node_place(index, family, shared));
        let labels = self.on_node(&OnNode::of_node(self.side.snapshot, index));
        let node = shared.node(Some(&self.side.snapshot.nodes[index].name));
        Facts { on_node: true, node, places, ports: 0, labels, labels_open: false }
    }

    /// What rules can tell of a node, besides where it is.
    fn on_node(&mut self, end: &OnNode<'_>) -> u32 {
        if self.sight.node_selectors.is_empty() && !self.sight.api_server {
            return 0;
        }
        let selected =
            self.sight.node_selectors.iter().map(|selector| end.selected(selector)).collect();
        let api_server = if self.sight.api_server {
            end.is_api_server(self.api_server.as_deref())
        } else {
            Truth::No
        };
        let next = id(self.node_labels.len());
        *self.node_labels.entry((selected, api_server)).or_insert(next)
    }

    /// Which of several addresses a node uses is its own choice.
    fn node_place(&self, index: usize, family: Family, shared: &mut Shared<'a>) -> Place {
        let ips = self.side.snapshot.nodes[index].ips.iter().copied();
        let of_family = ips.filter(|ip| self.sight.node_addresses && Family::of(*ip) == family);
        shared.place(family, of_family).unwrap_or(Place::Unknown)
    }

    fn pod_place(&self, index: usize, family: Family, shared: &mut Shared<'a>) -> Place {
        let pod = self.side.snapshot.pod(index);
        match self.side.snapshot.pod_address(index, family) {
            Addresses::Absent => Place::Absent,
            // Where no block decides, no address matters.
            _ if !self.sight.asks_address_of(pod) => Place::Unknown,
            Addresses::Known(ip) => Place::Atom(shared.atoms[family_index(family)].of(ip)),
            Addresses::Within(_) => Place::Within,
            Addresses::Unknown if pod.host_network => {
                let node = pod.node.as_ref().and_then(|name| self.nodes.get(name));
                node.map_or(Place::Unknown, |node| self.node_place(*node, family, shared))
            }
            Addresses::Unknown => Place::Unknown,
        }
    }

    fn projected(&mut self, pod: &'a Pod) -> u32 {
        let whole = self.sight.labelling(pod);
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
        if let Some(known) = self.labels.get(&whole) {
            return *known;
        }
        let value = |(key, value): (&'a str, Option<&'a str>)| match value {
            None => (key, Value::Unknown),
            Some(value) if self.sight.mentions(key, value) => (key, Value::Is(value)),
            Some(_) => (key, Value::Unmentioned),
        };
        let projection: Vec<_> = self.sight.labels(whole).map(value).collect();
        let open = projection.iter().any(|(_, value)| *value == Value::Unknown);
        let next = id(self.projections.len());
        let projected = *self.projections.entry(projection).or_insert(next);
        if projected == next {
            self.open.push(open);
        }
        self.labels.insert(whole, projected);
        projected
    }

    fn ports(&mut self, declared: &'a [ContainerPort]) -> u32 {
        if let Some(known) = self.declared.get(declared) {
            return *known;
        }
        let numbers = self.sight.numbers(declared);
        // 0 is the class without any.
        let next = if numbers.is_empty() { 0 } else { id(self.numbers.len()) + 1 };
        let ports = *self.numbers.entry(numbers).or_insert(next);
        self.declared.insert(declared, ports);
        ports
    }
}
