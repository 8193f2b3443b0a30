//! All flows between two kinds of ends, as one formula for each side.
//!
//! In: two [`Who`]s and the rules of each side. Out: [`Flows`]: what is allowed as literals over the
//! labels of pods and namespaces, the port and its names, and whatever else is not known, which is the
//! same on both sides. It says of all pods at once what [`judge`](crate::verdict::judge) says of one
//! flow, and every answer is tried with that before it is believed.
//!
//! docs/open-world.md says why it is enough. Source of the rules: docs/semantics/kubernetes.md,
//! docs/semantics/networkpolicy.md, docs/semantics/admin.md and docs/semantics/cilium-verdicts.md.

use super::circuit::Circuit;
use super::homes::{Home, Side, sets};
use super::parts::{Part, What, entry_key};
use super::sat::Lit;
use crate::cluster::{
    AddressBlock, Family, NAMESPACE_NAME_LABEL, Name, Operator, PortRange, Protocol, Requirement,
    SERVICE_ACCOUNT_LABEL, Truth,
};
use crate::policy::rule::{
    Action, Direction, Entities, Entry, Namespaces, NodeSet, PeerKind, Peers, PodSet, Policy,
    PortMatch, PortRule, Ports, Tier,
};
use crate::policy::{Enforcement, PolicyId};
use crate::verdict::{Endpoint, means};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// The ends of one side of the flows.
#[derive(Clone, Debug)]
pub(super) enum Who<'a> {
    /// Any pod that is not written, in this member of a home.
    Unwritten(&'a Home, Name),
    /// One of these, each as either side has it.
    One(Vec<[Endpoint; 2]>),
}

/// The values that rules can see of one label.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    /// Those that rules mention.
    pub(super) some: BTreeMap<Name, Option<Lit>>,
    /// Any other.
    pub(super) other: Option<Lit>,
}

/// Whose label it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Of {
    Pod(usize),
    Namespace(usize),
}

/// What becomes of flows in one direction, or in both.
#[derive(Clone, Copy)]
struct Fate {
    /// They may be allowed.
    may_allow: Lit,
    /// They may be denied. Policies of one priority may do either.
    may_deny: Lit,
    /// They are allowed, if at all, on a condition only.
    bound: Lit,
}

/// The flows from one kind of ends to another.
pub(super) struct Flows<'a> {
    sides: &'a [Side<'a>],
    who: [Who<'a>; 2],
    pub(super) family: Family,
    pub(super) circuit: Circuit,
    /// Both ends are in the same namespace, of which little is known.
    shared: bool,
    pub(super) labels: BTreeMap<(Of, Name), Values>,
    pub(super) named: BTreeMap<(Name, Protocol), Lit>,
    pub(super) ports: Vec<(Protocol, PortRange, Lit)>,
    /// The port is none that a rule names by its number.
    pub(super) unmentioned: Lit,
    pub(super) one_of: [Vec<Lit>; 2],
    places: [Vec<(IpAddr, Lit)>; 2],
    unknown: HashMap<String, Lit>,
    own_node: Lit,
    fates: Vec<[Fate; 2]>,
}

impl<'a> Flows<'a> {
    pub(super) fn new(sides: &'a [Side<'a>], who: [Who<'a>; 2], family: Family) -> Self {
        let circuit = Circuit::new();
        let own_node = circuit.constant(false);
        let shared = match &who {
            [Who::Unwritten(a, one), Who::Unwritten(b, other)] => {
                !a.other && !b.other && one == other
            }
            _ => false,
        };
        let mut flows = Self {
            sides,
            who,
            family,
            shared,
            labels: BTreeMap::new(),
            named: BTreeMap::new(),
            ports: Vec::new(),
            unmentioned: circuit.constant(false),
            one_of: [Vec::new(), Vec::new()],
            places: [Vec::new(), Vec::new()],
            unknown: HashMap::new(),
            own_node,
            fates: Vec::new(),
            circuit,
        };
        flows.name_labels();
        flows.name_ports();
        flows.name_ends();
        for side in 0..sides.len() {
            let fates = Direction::ALL.map(|direction| flows.direction(side, direction));
            flows.fates.push(fates);
        }
        flows
    }

    /// Whether the ends of a role can be subjects of policies, as unwritten pods are.
    fn is_unwritten(&self, role: usize) -> bool {
        matches!(self.who[role], Who::Unwritten(..))
    }

    /// The policies of one side for one direction that may select the subject.
    fn policies(&self, side: usize, direction: Direction) -> Vec<(PolicyId, &'a Policy)> {
        let rules = self.sides[side].rules;
        let namespace = match &self.who[subject(direction)] {
            Who::Unwritten(_, name) => name.clone(),
            Who::One(ends) => match ends.as_slice() {
                [both] => match self.pod(side, &both[side]) {
                    Some(pod) if !pod.host_network => pod.namespace.clone(),
                    _ => return Vec::new(),
                },
                _ => return Vec::new(),
            },
        };
        let mut all: Vec<_> = rules.candidates(&namespace, direction).collect();
        all.sort_by_key(|(_, policy)| policy.tier);
        all
    }

    fn pod(&self, side: usize, end: &Endpoint) -> Option<&'a crate::cluster::Pod> {
        match end {
            Endpoint::Pod(id) => Some(self.sides[side].snapshot.pod(*id)),
            _ => None,
        }
    }

    fn each_policy(&self) -> Vec<&'a Policy> {
        let sides = 0..self.sides.len();
        let both = sides.flat_map(|side| Direction::ALL.map(|direction| (side, direction)));
        both.flat_map(|(side, direction)| self.policies(side, direction))
            .map(|(_, policy)| policy)
            .collect()
    }

    /// Whose label a requirement of a selector for this role is about.
    pub(super) fn of_namespace(&self, role: usize) -> Of {
        Of::Namespace(if self.shared { 0 } else { role })
    }

    /// A variable for each value of each label that some rule can see.
    fn name_labels(&mut self) {
        for policy in self.each_policy() {
            let subject = subject(policy.direction);
            for (i, set) in sets(policy).enumerate() {
                let role = if i == 0 { subject } else { 1 - subject };
                let Who::Unwritten(home, _) = &self.who[role] else { continue };
                let free = home.labels.is_none();
                let spaces = match &set.namespaces {
                    Namespaces::Matching(selector) if free => selector.requirements.as_slice(),
                    _ => &[],
                };
                let of = self.of_namespace(role);
                let spaces = spaces.iter().filter(|r| *r.key != *NAMESPACE_NAME_LABEL);
                let pods = set.pods.requirements.iter().map(|r| (Of::Pod(role), r));
                for (of, requirement) in spaces.map(|r| (of, r)).chain(pods) {
                    let values = self.labels.entry((of, requirement.key.clone())).or_default();
                    if let Operator::In(some) | Operator::NotIn(some) = &requirement.operator {
                        values.some.extend(some.iter().map(|value| (value.clone(), None)));
                    }
                }
            }
        }
        for ((_, key), values) in &mut self.labels {
            let mut all = Vec::with_capacity(values.some.len() + 1);
            for lit in values.some.values_mut().chain([&mut values.other]) {
                let free = self.circuit.free();
                *lit = Some(free);
                all.push(free);
            }
            self.circuit.at_most_one(&all);
            // Every pod has a ServiceAccount.
            if **key == *SERVICE_ACCOUNT_LABEL {
                self.circuit.solver.clause(&all);
            }
        }
    }

    fn name_ports(&mut self) {
        let mut cuts: BTreeSet<(Protocol, u16)> = Protocol::ALL.map(|p| (p, 1)).into();
        let mut ranges: Vec<(Protocol, PortRange)> = Vec::new();
        let mut names = BTreeSet::new();
        for policy in self.each_policy() {
            for entry in &policy.entries {
                let Ports::Of(items) = &entry.ports else { continue };
                for item in items.iter().filter(|item| item.protocol.has_ports()) {
                    match &item.ports {
                        PortMatch::All => {}
                        PortMatch::Named(name) => {
                            names.insert((name.clone(), item.protocol));
                        }
                        PortMatch::Range(range) => {
                            ranges.push((item.protocol, *range));
                            let after = range.last.checked_add(1);
                            let edges = [Some(range.first.max(1)), after];
                            cuts.extend(edges.into_iter().flatten().map(|at| (item.protocol, at)));
                        }
                    }
                }
            }
        }
        for (name, protocol) in names {
            let lit = match &self.who[1] {
                Who::Unwritten(..) => self.circuit.free(),
                Who::One(_) => self.circuit.constant(false),
            };
            self.named.insert((name, protocol), lit);
        }
        // A destination that is known has numbers for its names.
        for (protocol, number) in self.known_numbers() {
            cuts.extend([(protocol, number)]);
            cuts.extend(number.checked_add(1).map(|after| (protocol, after)));
        }
        let starts: Vec<_> = cuts.into_iter().collect();
        let mut rest = Vec::new();
        for (i, (protocol, first)) in starts.iter().enumerate() {
            let next = starts.get(i + 1).filter(|next| next.0 == *protocol);
            let last = next.map_or(u16::MAX, |next| next.1 - 1);
            let lit = self.circuit.free();
            let range = PortRange { first: *first, last };
            if !ranges.iter().any(|(p, r)| p == protocol && r.contains(*first)) {
                rest.push(lit);
            }
            self.ports.push((*protocol, range, lit));
        }
        let all: Vec<Lit> = self.ports.iter().map(|(.., lit)| *lit).collect();
        self.circuit.solver.clause(&all);
        self.circuit.at_most_one(&all);
        self.unmentioned = self.circuit.any(rest);
    }

    /// The numbers of the named ports of a pod that is known.
    fn known_numbers(&self) -> Vec<(Protocol, u16)> {
        let Who::One(ends) = &self.who[1] else { return Vec::new() };
        let [both] = ends.as_slice() else { return Vec::new() };
        let pods = (0..self.sides.len()).filter_map(|side| self.pod(side, &both[side]));
        pods.flat_map(|pod| pod.ports.iter())
            .filter(|port| port.name.is_some())
            .map(|port| (port.port.protocol, port.port.number))
            .collect()
    }

    fn name_ends(&mut self) {
        for role in [0, 1] {
            match self.who[role].clone() {
                Who::One(ends) => {
                    let lits: Vec<Lit> = ends.iter().map(|_| self.circuit.free()).collect();
                    self.circuit.solver.clause(&lits);
                    self.circuit.at_most_one(&lits);
                    let on_node = ends.iter().any(|both| self.is_on_node(0, &both[0]));
                    if on_node {
                        self.own_node = self.circuit.free();
                    }
                    let local = Endpoint::Address(crate::policy::NODE_LOCAL_DNS);
                    for (both, lit) in ends.iter().zip(&lits) {
                        if both[0] == local
                            && self.sides.iter().all(|side| side.rules.cilium().is_some())
                        {
                            if !on_node {
                                self.own_node = *lit;
                            } else {
                                let own = self.own_node;
                                self.circuit.solver.clause(&[!*lit, own]);
                            }
                        }
                    }
                    self.one_of[role] = lits;
                }
                Who::Unwritten(..) => self.name_places(role),
            }
        }
    }

    /// Where an unwritten pod may have its address, if blocks ask for it.
    fn name_places(&mut self, role: usize) {
        let mut blocks: Vec<&AddressBlock> = Vec::new();
        for policy in self.each_policy() {
            if subject(policy.direction) == role {
                continue;
            }
            for entry in &policy.entries {
                let Peers::Of(items) = &entry.peers else { continue };
                for item in items {
                    if let PeerKind::Addresses(block, scope) = &item.admits
                        && scope.pods
                        && Family::of_net(block.cidr) == self.family
                    {
                        blocks.push(block);
                    }
                }
            }
        }
        if blocks.is_empty() {
            return;
        }
        let networks: Vec<AddressBlock> = self
            .sides
            .iter()
            .flat_map(|side| &side.snapshot.pod_cidrs)
            .map(|net| AddressBlock { cidr: *net, except: Vec::new() })
            .collect();
        let atoms = crate::reach::Atoms::cut(self.family, blocks.into_iter().chain(&networks));
        let places: Vec<IpAddr> = (0..atoms.len())
            .map(|atom| atoms.example(atom, |_| false))
            .filter(|ip| networks.is_empty() || networks.iter().any(|net| net.contains(*ip)))
            .collect();
        let places: Vec<(IpAddr, Lit)> =
            places.into_iter().map(|ip| (ip, self.circuit.free())).collect();
        let lits: Vec<Lit> = places.iter().map(|(_, lit)| *lit).collect();
        self.circuit.solver.clause(&lits);
        self.circuit.at_most_one(&lits);
        self.places[role] = places;
    }

    fn is_on_node(&self, side: usize, end: &Endpoint) -> bool {
        match end {
            Endpoint::Node(_) => true,
            Endpoint::Pod(_) => self.pod(side, end).is_some_and(|pod| pod.host_network),
            Endpoint::Address(_) | Endpoint::Name(_) => false,
        }
    }

    fn unknown(&mut self, key: String) -> Lit {
        if let Some(known) = self.unknown.get(&key) {
            return *known;
        }
        let free = self.circuit.free();
        self.unknown.insert(key, free);
        free
    }

    fn truth(&mut self, truth: Truth, key: impl FnOnce() -> String) -> Lit {
        match truth {
            Truth::Yes => self.circuit.constant(true),
            Truth::No => self.circuit.constant(false),
            Truth::Unknown => self.unknown(key()),
        }
    }

    /// Whether a requirement holds for a label that may be anything.
    fn requirement(&mut self, of: Of, requirement: &Requirement) -> Lit {
        let Some(values) = self.labels.get(&(of, requirement.key.clone())) else {
            return self.circuit.constant(false);
        };
        let some = |names: &[Name]| -> Vec<Lit> {
            names.iter().filter_map(|name| values.some.get(name).copied().flatten()).collect()
        };
        let there: Vec<Lit> =
            values.some.values().chain([&values.other]).filter_map(|l| *l).collect();
        match &requirement.operator {
            Operator::In(names) => {
                let some = some(names);
                self.circuit.any(some)
            }
            Operator::NotIn(names) => {
                let some = some(names);
                !self.circuit.any(some)
            }
            Operator::Exists => self.circuit.any(there),
            Operator::DoesNotExist => !self.circuit.any(there),
        }
    }

    /// Whether the end of a role is in a set.
    fn in_set(&mut self, side: usize, role: usize, set: &PodSet, doubt: &str) -> Lit {
        let (home, name) = match self.who[role].clone() {
            Who::Unwritten(home, name) => (home, name),
            Who::One(ends) => {
                let snapshot = self.sides[side].snapshot;
                let mut all = Vec::new();
                for (i, both) in ends.iter().enumerate() {
                    let Some(pod) = self.pod(side, &both[side]) else { continue };
                    let has = set.has(pod, snapshot.namespace(&pod.namespace));
                    let has = self.truth(has, || format!("{role} {i} in {set:?} {doubt}"));
                    let lit = self.one_of[role][i];
                    let both = self.circuit.all([lit, has]);
                    all.push(both);
                }
                return self.circuit.any(all);
            }
        };
        let mut all = Vec::new();
        match &set.namespaces {
            Namespaces::Own(own) => all.push(self.circuit.constant(*own == name)),
            Namespaces::Matching(selector) => {
                for requirement in &selector.requirements {
                    let lit = if *requirement.key == *NAMESPACE_NAME_LABEL {
                        self.circuit.constant(requirement.holds_for(Some(&name)))
                    } else if let Some(labels) = &home.labels {
                        let value = labels[side].get(&requirement.key);
                        self.circuit.constant(requirement.holds_for(value))
                    } else {
                        self.requirement(self.of_namespace(role), requirement)
                    };
                    all.push(lit);
                }
            }
        }
        for requirement in &set.pods.requirements {
            all.push(self.requirement(Of::Pod(role), requirement));
        }
        if set.doubt.is_some() {
            all.push(self.unknown(format!("{role} in {set:?} {doubt}")));
        }
        self.circuit.all(all)
    }

    /// Whether a peer means the end of a role.
    fn peer(&mut self, side: usize, role: usize, peer: &PeerKind, rule: &str) -> Lit {
        if let PeerKind::Pods(set) = peer
            && self.is_unwritten(role)
        {
            return self.in_set(side, role, set, rule);
        }
        let constant = |flows: &Self, holds| flows.circuit.constant(holds);
        match self.who[role].clone() {
            Who::Unwritten(..) => match peer {
                PeerKind::Addresses(block, scope) if scope.pods => {
                    let within: Vec<Lit> = self.places[role]
                        .iter()
                        .filter(|(ip, _)| block.contains(*ip))
                        .map(|(_, lit)| *lit)
                        .collect();
                    self.circuit.any(within)
                }
                PeerKind::Entities(entities) => constant(self, entities.pods),
                PeerKind::Unresolved(_, scope) if scope.pods => {
                    self.unknown(format!("{role} {peer:?} {rule}"))
                }
                _ => constant(self, false),
            },
            Who::One(ends) => {
                let mut all = Vec::new();
                for (i, both) in ends.iter().enumerate() {
                    let means = self.means(side, (role, i), peer, &both[side], rule);
                    let lit = self.one_of[role][i];
                    let both = self.circuit.all([lit, means]);
                    all.push(both);
                }
                self.circuit.any(all)
            }
        }
    }

    /// Whether a peer means an end that is known.
    fn means(
        &mut self,
        side: usize,
        (role, i): (usize, usize),
        peer: &PeerKind,
        end: &Endpoint,
        rule: &str,
    ) -> Lit {
        let Side { snapshot, rules } = self.sides[side];
        let cilium = rules.cilium().is_some();
        let family = self.family;
        let tried = |peer: &PeerKind| means(snapshot, cilium, peer, end, family);
        let what = |peer: &PeerKind| match peer {
            // What is not known of these hangs on the rule.
            PeerKind::Unresolved(..) | PeerKind::Pods(PodSet { doubt: Some(_), .. }) => {
                format!("{role} {i} {peer:?} {rule}")
            }
            _ => format!("{role} {i} {peer:?}"),
        };
        if self.is_on_node(side, end) {
            let own = self.own_node;
            match peer {
                PeerKind::Nodes(set) => {
                    let any = PeerKind::Nodes(NodeSet { own: true, ..set.clone() });
                    let of = self.truth(tried(&any), || what(&any));
                    let stands = self.circuit.constant(set.own);
                    let stands = self.circuit.any([stands, !own]);
                    return self.circuit.all([of, stands]);
                }
                PeerKind::Entities(entities) => {
                    let rest = Entities { own_node: false, other_nodes: false, ..entities.clone() };
                    let rest = PeerKind::Entities(rest);
                    let rest = self.truth(tried(&rest), || format!("{role} {i} api server"));
                    let [mine, others] = [entities.own_node, entities.other_nodes]
                        .map(|holds| self.circuit.constant(holds));
                    let mine = self.circuit.all([mine, own]);
                    let others = self.circuit.all([others, !own]);
                    return self.circuit.any([rest, mine, others]);
                }
                _ => {}
            }
        }
        self.truth(tried(peer), || what(peer))
    }

    fn port(&mut self, side: usize, item: &PortRule) -> Lit {
        if !item.protocol.has_ports() {
            return self.circuit.constant(false);
        }
        let mut lits = Vec::new();
        for (protocol, range, lit) in &self.ports {
            if *protocol != item.protocol {
                continue;
            }
            let admits = match &item.ports {
                PortMatch::All => true,
                PortMatch::Range(wanted) => wanted.contains(range.first),
                PortMatch::Named(name) => match &self.who[1] {
                    Who::Unwritten(..) => true,
                    Who::One(ends) => {
                        let pod = ends.first().and_then(|both| self.pod(side, &both[side]));
                        pod.filter(|pod| !pod.host_network).is_some_and(|pod| {
                            pod.named_ports(name, *protocol).any(|n| n == range.first)
                        })
                    }
                },
            };
            if admits {
                lits.push(*lit);
            }
        }
        let any = self.circuit.any(lits);
        match &item.ports {
            PortMatch::Named(name) if self.is_unwritten(1) => {
                let named = self.named.get(&(name.clone(), item.protocol)).copied();
                let named = named.unwrap_or_else(|| self.circuit.constant(false));
                self.circuit.all([any, named])
            }
            _ => any,
        }
    }

    fn ports_of(&mut self, side: usize, ports: &Ports) -> Lit {
        match ports {
            Ports::Any => self.circuit.constant(true),
            Ports::Of(items) => {
                let all: Vec<Lit> = items.iter().map(|item| self.port(side, item)).collect();
                self.circuit.any(all)
            }
        }
    }

    /// What tells what is not known of a rule from that of others: the same rule on both sides is not
    /// known alike.
    fn rule_key(
        &self,
        side: usize,
        direction: Direction,
        policy: &Policy,
        entry: &Entry,
    ) -> String {
        let hangs = |peer: &PeerKind| match peer {
            PeerKind::Unresolved(..) => true,
            PeerKind::Pods(set) => set.doubt.is_some(),
            _ => false,
        };
        let Peers::Of(items) = &entry.peers else { return String::new() };
        if !items.iter().any(|peer| hangs(&peer.admits)) {
            return String::new();
        }
        let key = entry_key(entry, None);
        let elsewhere = (0..self.sides.len()).filter(|other| *other != side).any(|other| {
            let policies = self.policies(other, direction);
            policies.iter().flat_map(|(_, p)| &p.entries).any(|e| entry_key(e, None) == key)
        });
        if elsewhere { key } else { format!("{} {}", policy.object, entry.path) }
    }

    fn matches(
        &mut self,
        side: usize,
        direction: Direction,
        policy: &Policy,
        entry: &Entry,
    ) -> Lit {
        let peer = 1 - subject(direction);
        let peers = match &entry.peers {
            Peers::Any => self.circuit.constant(true),
            Peers::Of(items) => {
                let rule = self.rule_key(side, direction, policy, entry);
                let all: Vec<Lit> =
                    items.iter().map(|item| self.peer(side, peer, &item.admits, &rule)).collect();
                self.circuit.any(all)
            }
        };
        let ports = self.ports_of(side, &entry.ports);
        self.circuit.all([peers, ports])
    }

    fn selects(&mut self, side: usize, direction: Direction, policy: &Policy) -> Lit {
        let doubt =
            if policy.subject.doubt.is_some() { policy.object.to_string() } else { String::new() };
        self.in_set(side, subject(direction), &policy.subject, &doubt)
    }

    /// What becomes of the flows in one direction on one side.
    fn direction(&mut self, side: usize, direction: Direction) -> Fate {
        let (yes, no) = (self.circuit.constant(true), self.circuit.constant(false));
        let open = Fate { may_allow: yes, may_deny: no, bound: no };
        let role = subject(direction);
        let rules = self.sides[side].rules;
        let namespace = match &self.who[role] {
            Who::Unwritten(_, name) => name.clone(),
            Who::One(ends) => {
                let pod = ends.first().filter(|_| ends.len() == 1);
                let pod = pod.and_then(|both| self.pod(side, &both[side]));
                match pod {
                    Some(pod) if !pod.host_network => pod.namespace.clone(),
                    _ => return open,
                }
            }
        };
        let enforcement = rules.cilium().map(|cilium| cilium.enforcement).unwrap_or_default();
        if enforcement == Enforcement::Never {
            return open;
        }
        let policies = self.policies(side, direction);
        let speaks = |flows: &mut Self, (_, policy): &(PolicyId, &'a Policy)| {
            let selects = flows.selects(side, direction, policy);
            let rules = policy.entries.iter();
            let rules: Vec<_> = rules
                .map(|entry| {
                    let matches = flows.matches(side, direction, policy, entry);
                    (entry.action, flows.circuit.all([selects, matches]), entry.condition.is_some())
                })
                .collect();
            let isolates = flows.circuit.constant(policy.isolates);
            (policy.tier, flows.circuit.all([selects, isolates]), rules)
        };
        let mut spoken = Vec::new();
        for policy in &policies {
            let said = speaks(self, policy);
            spoken.push(said);
        }
        let (own, ingress) = (self.own_node, direction == Direction::Ingress);
        let cilium = rules.cilium();
        let implied = match cilium {
            Some(cilium) if cilium.node_reaches_own_pods && ingress => own,
            _ => no,
        };
        let [admin, middle, baseline] = [
            (|tier| matches!(tier, Tier::Admin(_))) as fn(Tier) -> bool,
            |tier| tier == Tier::Normal,
            |tier| matches!(tier, Tier::Baseline(_)),
        ]
        .map(|of: fn(Tier) -> bool| spoken.iter().filter(|said| of(said.0)).collect::<Vec<_>>());
        let first = self.ordered(&admin);
        // The normal tier.
        let says = |flows: &mut Self, what: fn(Action, bool) -> bool| {
            let rules = middle.iter().flat_map(|said| &said.2);
            let all: Vec<Lit> =
                rules.filter(|(action, _, bound)| what(*action, *bound)).map(|r| r.1).collect();
            flows.circuit.any(all)
        };
        let mut denies = says(self, |action, _| action == Action::Deny);
        let admits = says(self, |action, _| action == Action::Allow);
        let free = says(self, |action, bound| action == Action::Allow && !bound);
        let mut admits = self.circuit.any([admits, implied]);
        let free = self.circuit.any([free, implied]);
        let isolated: Vec<Lit> = middle.iter().map(|said| said.1).collect();
        let mut isolated = self.circuit.any(isolated);
        if enforcement == Enforcement::Always {
            isolated = yes;
        }
        // Whether isolation keeps a pod from its own node is not known.
        if cilium.is_none() && !ingress && own != no {
            let perhaps = self.unknown(format!("{role} to its own node"));
            let spared = self.circuit.all([own, perhaps]);
            isolated = self.circuit.all([isolated, !spared]);
        }
        if rules.is_unread(&namespace) {
            let isolates = self.unknown(format!("{direction} isolation unread"));
            let allows = self.unknown(format!("{direction} rules unread"));
            isolated = self.circuit.any([isolated, isolates]);
            admits = self.circuit.any([admits, allows]);
        }
        if rules.may_have_denials(&namespace) {
            let denials = self.unknown(format!("{direction} denials unread"));
            denies = self.circuit.any([denies, denials]);
        }
        let allow = self.circuit.all([!denies, admits]);
        let closed = self.circuit.all([isolated, !admits]);
        let deny = self.circuit.any([denies, closed]);
        let next = self.circuit.all([!denies, !admits, !isolated]);
        let last = self.ordered(&baseline);
        let (may_allow, may_deny, bound) = {
            let c = &mut self.circuit;
            let open = c.any([last.allow, last.next]);
            let open = c.all([next, open]);
            let later = c.any([allow, open]);
            let later = c.all([first.next, later]);
            let may_allow = c.any([first.allow, later]);
            let closed = c.all([next, last.deny]);
            let later = c.any([deny, closed]);
            let later = c.all([first.next, later]);
            let may_deny = c.any([first.deny, later]);
            let normal = c.all([first.next, allow, !free]);
            let last = c.all([first.next, next, last.bound]);
            (may_allow, may_deny, c.any([first.bound, normal, last]))
        };
        let mut fate = Fate { may_allow, may_deny, bound };
        if cilium.is_none() && ingress && own != no {
            // No policy keeps a pod's own node out.
            fate = Fate {
                may_allow: self.circuit.any([fate.may_allow, own]),
                may_deny: self.circuit.all([fate.may_deny, !own]),
                bound: self.circuit.all([fate.bound, !own]),
            };
        }
        if rules.cluster_wide_unread() {
            let speaks = self.unknown(format!("{direction} policies for all unread"));
            let lets = self.unknown(format!("{direction} verdict for all unread"));
            let c = &mut self.circuit;
            let (says, stops) = (c.all([speaks, lets]), c.all([speaks, !lets]));
            let [allow, deny, bound] =
                [fate.may_allow, fate.may_deny, fate.bound].map(|lit| c.all([lit, !speaks]));
            fate = Fate { may_allow: c.any([allow, says]), may_deny: c.any([deny, stops]), bound };
        }
        fate
    }

    /// An ordered tier: of each priority the first rule that matches decides; policies of one priority
    /// stand side by side, and of those that speak any may be followed.
    fn ordered(&mut self, policies: &[&Spoken]) -> Ordered {
        let no = self.circuit.constant(false);
        let mut reached = self.circuit.constant(true);
        let mut all = [vec![], vec![], vec![], vec![]];
        for group in policies.chunk_by(|a, b| a.0 == b.0) {
            let mut spoken = Vec::new();
            for (_, _, rules) in group {
                let mut before = Vec::new();
                for (action, matches, bound) in rules {
                    let quiet = self.circuit.any(before.iter().copied());
                    let decides = self.circuit.all([*matches, !quiet, reached]);
                    let place = match action {
                        Action::Allow => 0,
                        Action::Deny => 1,
                        Action::Pass => 2,
                    };
                    all[place].push(decides);
                    if *bound && *action == Action::Allow {
                        all[3].push(decides);
                    }
                    before.push(*matches);
                }
                spoken.extend(before);
            }
            let spoken = self.circuit.any(spoken);
            reached = self.circuit.all([reached, !spoken]);
        }
        let [allow, deny, pass, bound] = all.map(|lits| self.circuit.any(lits));
        let next = self.circuit.any([pass, reached]);
        debug_assert!(no == self.circuit.constant(false));
        Ordered { allow, deny, next, bound }
    }

    /// How much of the flows gets through on one side: they may be allowed, are certainly allowed, and
    /// are allowed without any condition.
    fn passage(&mut self, side: usize) -> [Lit; 3] {
        let [into, out] = self.fates[side];
        let c = &mut self.circuit;
        let possible = c.all([into.may_allow, out.may_allow]);
        let certain = c.all([possible, !into.may_deny, !out.may_deny]);
        let free = c.all([certain, !into.bound, !out.bound]);
        [possible, certain, free]
    }

    /// That more gets through on this side than on the other, or anything at all where there is none.
    pub(super) fn opened(&mut self, side: usize) -> Lit {
        let here = self.passage(side);
        if self.sides.len() == 1 {
            return here[0];
        }
        let there = self.passage(1 - side);
        let more = [0, 1, 2].map(|level| self.circuit.all([here[level], !there[level]]));
        self.circuit.any(more)
    }

    /// That nothing isolates the subject in a direction, and no ordered tier closes it to this peer.
    pub(super) fn unprotected(&mut self, direction: Direction) -> Lit {
        let policies = self.policies(0, direction);
        let mut selecting = Vec::new();
        for (_, policy) in policies.iter().filter(|(_, policy)| policy.isolates) {
            let lit = self.selects(0, direction, policy);
            selecting.push(lit);
        }
        !self.circuit.any(selecting)
    }

    /// That a part decides something about the flows.
    pub(super) fn part(&mut self, part: Part) -> Lit {
        let Part { side, policy, what } = part;
        let policy = self.sides[side].rules.policy(policy);
        let direction = policy.direction;
        let selects = self.selects(side, direction, policy);
        let What::Rule { entry, peer, name } = what else { return selects };
        let Some(rule) = policy.entries.get(entry) else { return self.circuit.constant(false) };
        let role = 1 - subject(direction);
        let peers = match (&rule.peers, peer) {
            (Peers::Of(items), Some(peer)) => match items.get(peer) {
                Some(item) => {
                    let key = self.rule_key(side, direction, policy, rule);
                    self.peer(side, role, &item.admits, &key)
                }
                None => self.circuit.constant(false),
            },
            (peers, _) => self.circuit.constant(*peers == Peers::Any),
        };
        let ports = match (&rule.ports, name) {
            (Ports::Of(items), Some(name)) => match items.get(name) {
                Some(item) => self.port(side, item),
                None => self.circuit.constant(false),
            },
            (Ports::Of(items), None) => {
                let numbered = items.iter().filter(|i| !matches!(i.ports, PortMatch::Named(_)));
                let numbered: Vec<&PortRule> = numbered.collect();
                let all: Vec<Lit> = numbered.iter().map(|item| self.port(side, item)).collect();
                self.circuit.any(all)
            }
            (Ports::Any, _) => self.circuit.constant(true),
        };
        self.circuit.all([selects, peers, ports])
    }
}

/// A policy's tier, whether it isolates, and its rules with whether they match and have a condition.
type Spoken = (Tier, Lit, Vec<(Action, Lit, bool)>);

/// What an ordered tier does with flows.
struct Ordered {
    allow: Lit,
    deny: Lit,
    next: Lit,
    bound: Lit,
}

/// The role of a direction's subject: 0 for the source, 1 for the destination.
pub(super) fn subject(direction: Direction) -> usize {
    match direction {
        Direction::Egress => 0,
        Direction::Ingress => 1,
    }
}
