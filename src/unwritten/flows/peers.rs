//! Whom a rule means, and at which ports.
//!
//! In: selectors, peers and ports of a rule. Out: literals that say when they match.

use super::{Flows, Of, Who};
use crate::cluster::{
    AddressBlock, NAMESPACE_NAME_LABEL, Name, Operator, PortRange, Protocol, Requirement,
};
use crate::policy::rule::{
    Combined, Direction, Entities, Entry, Namespaces, NodeSet, PeerKind, PodSet, Policy, PortMatch,
    PortRule, Ports,
};
use crate::unwritten::homes::Side;
use crate::unwritten::parts::entry_key;
use crate::unwritten::sat::Lit;
use crate::verdict::{Endpoint, means};
use std::net::IpAddr;

/// The steps that it takes to see whether a peer means an end.
pub(in crate::unwritten) const A_PEER: usize = 3;

/// Those of some addresses, in order, that the network of a block has, its exceptions included.
fn within<'t, T>(addresses: &'t [(IpAddr, T)], block: &AddressBlock) -> &'t [(IpAddr, T)] {
    let (first, last) = (block.cidr.network(), block.cidr.broadcast());
    let from = addresses.partition_point(|(ip, _)| *ip < first);
    let upto = addresses.partition_point(|(ip, _)| *ip <= last);
    addresses.get(from..upto).unwrap_or_default()
}

impl Flows<'_> {
    /// Whether a requirement holds for a label that may be anything.
    pub(super) fn requirement(&mut self, of: Of, requirement: &Requirement) -> Lit {
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
            // What else a value may have in it is not looked for: see `unwritten::by_text`.
            Operator::Has(how, text) | Operator::HasNot(how, text) => {
                let named = values.some.iter().filter(|(name, _)| how.is_in(name, text));
                let has: Vec<Lit> = named.filter_map(|(_, lit)| *lit).collect();
                let has = self.circuit.any(has);
                if matches!(requirement.operator, Operator::Has(..)) { has } else { !has }
            }
        }
    }

    /// Whether the end of a role is in a set.
    pub(super) fn in_set(&mut self, side: usize, role: usize, set: &PodSet, doubt: &str) -> Lit {
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
    pub(super) fn peer(&mut self, side: usize, role: usize, peer: &PeerKind, hangs: &str) -> Lit {
        if let PeerKind::Combined(combined) = peer {
            let mut each = |kinds: &[PeerKind]| -> Vec<Lit> {
                kinds.iter().map(|kind| self.peer(side, role, kind, hangs)).collect()
            };
            return match &**combined {
                Combined::All(kinds) => {
                    let all = each(kinds);
                    self.circuit.all(all)
                }
                Combined::Any(kinds) => {
                    let any = each(kinds);
                    self.circuit.any(any)
                }
                Combined::Not(kind) => !self.peer(side, role, kind, hangs),
            };
        }
        if let PeerKind::Pods(set) = peer
            && self.is_unwritten(role)
        {
            return self.in_set(side, role, set, hangs);
        }
        let constant = |flows: &Self, holds| flows.circuit.constant(holds);
        match self.who[role].clone() {
            Who::Unwritten(..) => match peer {
                PeerKind::Addresses(block, scope) if scope.pods => {
                    let within: Vec<Lit> = within(&self.places[role], block)
                        .iter()
                        .filter(|(ip, _)| block.contains(*ip))
                        .map(|(_, lit)| *lit)
                        .collect();
                    self.circuit.any(within)
                }
                PeerKind::Entities(entities) => constant(self, entities.pods),
                PeerKind::Unresolved(_, scope) if scope.pods => {
                    self.unknown(format!("{role} {peer:?} {hangs}"))
                }
                _ => constant(self, false),
            },
            Who::One(ends) => {
                let mut all = Vec::new();
                // Of addresses, a block can mean those in it alone.
                let some = match (peer, &self.addresses[role]) {
                    (PeerKind::Addresses(block, _), Some(addresses)) => {
                        within(addresses, block).iter().map(|(_, place)| *place).collect()
                    }
                    _ => (0..ends.len()).collect::<Vec<_>>(),
                };
                for i in some {
                    let both = &ends[i];
                    let means = self.means(side, (role, i), peer, &both[side], hangs);
                    let lit = self.one_of[role][i];
                    let both = self.circuit.all([lit, means]);
                    all.push(both);
                }
                self.circuit.any(all)
            }
        }
    }

    /// Whether a peer means an end that is known.
    pub(super) fn means(
        &mut self,
        side: usize,
        (role, i): (usize, usize),
        peer: &PeerKind,
        end: &Endpoint,
        hangs: &str,
    ) -> Lit {
        self.circuit.solver.owe(A_PEER);
        let Side { snapshot, rules } = self.sides[side];
        let cilium = rules.cilium().is_some();
        let family = self.family;
        let tried = |peer: &PeerKind| means(snapshot, cilium, peer, end, family);
        let what = |peer: &PeerKind| match peer {
            // What is not known of these hangs on the rule.
            PeerKind::Unresolved(..) | PeerKind::Pods(PodSet { doubt: Some(_), .. }) => {
                format!("{role} {i} {peer:?} {hangs}")
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

    pub(super) fn port(&mut self, side: usize, item: &PortRule) -> Lit {
        if !item.protocol.has_ports() {
            return self.circuit.constant(false);
        }
        let ports = self.port_match(side, item, &item.ports);
        let except: Vec<Lit> =
            item.except.iter().map(|ports| self.port_match(side, item, ports)).collect();
        let except = self.circuit.any(except);
        self.circuit.all([ports, !except])
    }

    fn port_match(&mut self, side: usize, item: &PortRule, ports: &PortMatch) -> Lit {
        // In order by protocol and number.
        let place = |at: (Protocol, u16)| {
            self.ports.partition_point(|(protocol, range, _)| (*protocol, range.first) < at)
        };
        let (from, upto) = match ports {
            PortMatch::Range(wanted) => {
                let after = wanted.last.checked_add(1).map(|after| place((item.protocol, after)));
                (place((item.protocol, wanted.first)), after)
            }
            PortMatch::All | PortMatch::Named(_) => (place((item.protocol, 0)), None),
        };
        let some = self.ports.get(from..upto.unwrap_or(self.ports.len())).unwrap_or_default();
        let some = some.iter().take_while(|(protocol, ..)| *protocol == item.protocol);
        let numbers: Option<Vec<u16>> = match (ports, &self.who[1]) {
            (PortMatch::Named(name), Who::One(ends)) => {
                let pod = ends.first().and_then(|both| self.pod(side, &both[side]));
                let pod = pod.filter(|pod| !pod.host_network);
                let names = self.sides[side].rules.enforcer().port_names();
                Some(
                    pod.map(|pod| pod.ports_called(name, item.protocol, names).collect())
                        .unwrap_or_default(),
                )
            }
            _ => None,
        };
        let admits = |range: &PortRange| {
            numbers.as_ref().is_none_or(|numbers| numbers.contains(&range.first))
        };
        let lits: Vec<Lit> =
            some.filter(|(_, range, _)| admits(range)).map(|(.., lit)| *lit).collect();
        let any = self.circuit.any(lits);
        match ports {
            PortMatch::Named(name) if self.is_unwritten(1) => {
                let named = self.named.get(&(name.clone(), item.protocol)).map(|of| of[side]);
                let named = named.unwrap_or_else(|| self.circuit.constant(false));
                self.circuit.all([any, named])
            }
            _ => any,
        }
    }

    pub(super) fn ports_of(&mut self, side: usize, ports: &Ports) -> Lit {
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
    pub(super) fn rule_key(
        &self,
        side: usize,
        direction: Direction,
        policy: &Policy,
        entry: &Entry,
    ) -> String {
        let depends = |peer: &PeerKind| match peer {
            PeerKind::Unresolved(..) => true,
            PeerKind::Pods(set) => set.doubt.is_some(),
            _ => false,
        };
        if !entry.others().chain(entry.own()).any(depends) {
            return String::new();
        }
        let key = entry_key(entry, None);
        let elsewhere = (0..self.sides.len()).filter(|other| *other != side).any(|other| {
            let policies = self.policies(other, direction);
            policies.iter().flat_map(|(_, p)| &p.entries).any(|e| entry_key(e, None) == key)
        });
        if elsewhere { key } else { format!("{} {}", policy.object, entry.path) }
    }
}
