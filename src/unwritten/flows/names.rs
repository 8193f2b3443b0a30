//! A variable for whatever a rule can see of the flows.
//!
//! In: the policies that may select an end. Out: variables for the values of labels, for ports and their
//! names, for addresses, and for which of several known ends it is.

use super::{Besides, Flows, Hanging, Of, Who, subject};
use crate::cluster::{
    AddressBlock, Family, NAMESPACE_NAME_LABEL, Operator, PortNames, PortRange, Protocol,
    SERVICE_ACCOUNT_LABEL,
};
use crate::policy::rule::{Namespaces, PeerKind, PodSet, PortMatch, Ports};
use crate::unwritten::homes::{Side, roles};
use crate::unwritten::sat::Lit;
use crate::verdict::Endpoint;
use std::collections::BTreeSet;
use std::net::IpAddr;

impl Flows<'_> {
    /// Whose label a requirement of a selector for this role is about.
    pub(in crate::unwritten) fn of_namespace(&self, role: usize) -> Of {
        Of::Namespace(if self.shared { 0 } else { role })
    }

    /// A variable for each value of each label that some rule can see.
    pub(super) fn name_labels(&mut self, besides: &Besides<'_>) {
        for policy in self.each_policy() {
            let subject = subject(policy.direction);
            for (own, set) in roles(policy) {
                let role = if own { subject } else { 1 - subject };
                self.name_set(role, set);
            }
        }
        for (of, key) in self.labels.keys() {
            if let Of::Pod(role) = of {
                self.seen[*role].insert(key.clone());
            }
        }
        for role in [0, 1] {
            besides.sets[role].iter().for_each(|set| self.name_set(role, set));
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

    /// The labels that a set asks for, and their values.
    fn name_set(&mut self, role: usize, set: &PodSet) {
        let Who::Unwritten(home, _) = &self.who[role] else { return };
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

    pub(super) fn name_ports(&mut self, besides: &Besides<'_>) {
        let mut cuts: BTreeSet<(Protocol, u16)> = Protocol::ALL.map(|p| (p, 1)).into();
        let mut ranges: Vec<(Protocol, PortRange)> = Vec::new();
        let mut names = BTreeSet::new();
        for policy in self.each_policy() {
            for entry in &policy.entries {
                let Ports::Of(items) = &entry.ports else { continue };
                for item in items.iter().filter(|item| item.protocol.has_ports()) {
                    for ports in std::iter::once(&item.ports).chain(&item.except) {
                        match ports {
                            PortMatch::All => {}
                            PortMatch::Named(name) => {
                                names.insert((name.clone(), item.protocol));
                            }
                            PortMatch::Range(range) => {
                                ranges.push((item.protocol, *range));
                                let after = range.last.checked_add(1);
                                let edges = [Some(range.first.max(1)), after];
                                cuts.extend(
                                    edges.into_iter().flatten().map(|at| (item.protocol, at)),
                                );
                            }
                        }
                    }
                }
            }
        }
        for (name, protocol) in names {
            let lits = match &self.who[1] {
                Who::Unwritten(..) => self.name_port(),
                Who::One(_) => [self.circuit.constant(false); 2],
            };
            self.named.insert((name, protocol), lits);
        }
        for (protocol, range) in besides.ports.iter().flat_map(|ports| ports.ranges()) {
            let edges = [Some(range.first.max(1)), range.last.checked_add(1)];
            cuts.extend(edges.into_iter().flatten().map(|at| (protocol, at)));
        }
        // A destination that is known has numbers for its names.
        for (protocol, number) in self.known_numbers() {
            cuts.extend([(protocol, number)]);
            cuts.extend(number.checked_add(1).map(|after| (protocol, after)));
        }
        let covered = merged(ranges);
        let starts: Vec<_> = cuts.into_iter().collect();
        let mut rest = Vec::new();
        for (i, (protocol, first)) in starts.iter().enumerate() {
            let next = starts.get(i + 1).filter(|next| next.0 == *protocol);
            let last = next.map_or(u16::MAX, |next| next.1 - 1);
            let lit = self.circuit.free();
            let range = PortRange { first: *first, last };
            let upto = covered.partition_point(|(of, r)| (*of, r.first) <= (*protocol, *first));
            let before = upto.checked_sub(1).and_then(|at| covered.get(at));
            if !before.is_some_and(|(of, r)| of == protocol && r.contains(*first)) {
                rest.push(lit);
            }
            self.ports.push((*protocol, range, lit));
        }
        let all: Vec<Lit> = self.ports.iter().map(|(.., lit)| *lit).collect();
        self.circuit.solver.clause(&all);
        self.circuit.at_most_one(&all);
        self.unmentioned = self.circuit.any(rest);
    }

    /// By side, whether a port has a name. Of several ports with it one counts, or every one.
    fn name_port(&mut self) -> [Lit; 2] {
        let how = |side: &Side<'_>| side.rules.enforcer().port_names();
        let (one, other) = (self.sides.first().map(how), self.sides.last().map(how));
        let every = self.circuit.free();
        if one == other {
            return [every; 2];
        }
        let last = self.circuit.free();
        self.circuit.solver.clause(&[!last, every]);
        if one == Some(PortNames::Last) { [last, every] } else { [every, last] }
    }

    /// The numbers of the named ports of a pod that is known.
    pub(super) fn known_numbers(&self) -> Vec<(Protocol, u16)> {
        let Who::One(ends) = &self.who[1] else { return Vec::new() };
        let [both] = &**ends else { return Vec::new() };
        let pods = (0..self.sides.len()).filter_map(|side| self.pod(side, &both[side]));
        pods.flat_map(|pod| pod.ports.iter())
            .filter(|port| port.name.is_some())
            .map(|port| (port.port.protocol, port.port.number))
            .collect()
    }

    pub(super) fn name_ends(&mut self) {
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
                            if on_node {
                                let own = self.own_node;
                                self.circuit.solver.clause(&[!*lit, own]);
                            } else {
                                self.own_node = *lit;
                            }
                        }
                    }
                    self.one_of[role] = lits;
                }
                Who::Unwritten(..) => self.name_places(role),
            }
        }
    }

    /// Supposes once more what is not known of the ends: whether a node is the pod's own, and where pods
    /// have their addresses.
    pub(super) fn suppose_again(&mut self) {
        let never = self.circuit.constant(false);
        // Of an address that is on every node it is known.
        let of_end = self.one_of.iter().flatten().any(|lit| *lit == self.own_node);
        if self.own_node != never && !of_end {
            let again = self.circuit.free();
            self.suppositions
                .extend([(self.own_node, 0, Hanging::Else), (again, 1, Hanging::Else)]);
            self.own_node = again;
        }
        for role in [0, 1] {
            if self.is_unwritten(role) {
                self.name_places(role);
            }
        }
    }

    /// Where an unwritten pod may have its address, if blocks ask for it.
    pub(super) fn name_places(&mut self, role: usize) {
        let mut blocks: Vec<&AddressBlock> = Vec::new();
        for policy in self.each_policy() {
            let own = subject(policy.direction) == role;
            for entry in &policy.entries {
                let kinds = entry.own().filter(|_| own).chain(entry.others().filter(|_| !own));
                for kind in kinds {
                    if let PeerKind::Addresses(block, scope) = kind
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
            .map(|net| AddressBlock { cidr: *net, except: [].into() })
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
        let mut places = places;
        places.sort_unstable_by_key(|(ip, _)| *ip);
        self.places[role] = places;
    }
}

/// The same ports in ranges of which none overlap, in order.
fn merged(mut ranges: Vec<(Protocol, PortRange)>) -> Vec<(Protocol, PortRange)> {
    ranges.sort_unstable_by_key(|(protocol, range)| (*protocol, range.first));
    let mut all: Vec<(Protocol, PortRange)> = Vec::with_capacity(ranges.len());
    for (protocol, range) in ranges {
        match all.last_mut() {
            Some((before, last)) if *before == protocol && range.first <= last.last => {
                last.last = last.last.max(range.last);
            }
            _ => all.push((protocol, range)),
        }
    }
    all
}
