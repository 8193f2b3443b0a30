//! Rules over classes: whom each selects and means, as class sets and port sets.
//!
//! In: the policies of one side of a [`Space`]. Out: for each direction the
//! policies that select a class, certainly or perhaps, and for each policy its [`Clauses`].

use super::classes::Space;
use super::peers::{Own, Pair, SideSets};
use super::port_table::{PortTable, PortsId};
use super::ports::PortSet;
use super::region::Parts;
use super::sets::{ClassId, SetId, SetTable, singles};
use super::side::family_index;
use crate::cluster::{Family, Name, Port, PortRange, Protocol};
use crate::policy::rule::{Action, Direction, Peers, PortMatch, PortRule, Ports, Tier};
use crate::policy::{Enforcement, PolicyId};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// What to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// What certainly passes, without any condition that only shows later.
    Unconditional,
    /// What certainly passes.
    Certain,
    /// What may pass.
    Possible,
}

/// Part of a rule: these peers at these ports, and at whatever the destination calls by these names.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) peers: Pair,
    pub(super) own: Own,
    pub(super) ports: PortsId,
    pub(super) names: Arc<[(Name, Protocol)]>,
}

/// One rule.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    pub(super) action: Action,
    /// A condition must hold besides.
    pub(super) conditional: bool,
    pub(super) terms: Vec<Term>,
}

/// The rules of a policy, in order.
#[derive(Clone, Debug)]
pub(super) struct Clauses {
    pub(super) all: Vec<Clause>,
    /// It isolates whatever it does not allow, and that is all.
    pub(super) plain: bool,
    pub(super) conditional: bool,
    /// Some ports are names.
    pub(super) named: bool,
    /// Some peers depend on which node the subject is on.
    pub(super) owned: bool,
}

/// Policies for a class that could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Unread {
    #[default]
    None,
    /// They may isolate and admit.
    Policies,
    /// They may deny as well.
    Denials,
    /// They may do anything.
    ClusterWide,
}

/// The policies that select a class in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Selecting {
    pub(super) certainly: Vec<PolicyId>,
    pub(super) perhaps: Vec<PolicyId>,
    /// It is isolated even without any.
    pub(super) always: bool,
    /// Others may select it too.
    pub(super) unread: Unread,
}

impl Selecting {
    /// Whether nothing selects or isolates, certainly or perhaps.
    pub(super) fn is_nobody(&self) -> bool {
        self.certainly.is_empty()
            && self.perhaps.is_empty()
            && !self.always
            && self.unread == Unread::None
    }

    /// Every policy, and whether it certainly selects.
    pub(super) fn policies(&self) -> impl Iterator<Item = (PolicyId, bool)> {
        let perhaps = self.perhaps.iter().map(|policy| (*policy, false));
        self.certainly.iter().map(|policy| (*policy, true)).chain(perhaps)
    }
}

impl SideSets<'_, '_> {
    pub(super) fn index_port_names(&mut self) {
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
                let numbers = self.tables.ports.id(&PortSet::of(numbers));
                self.named.entry(name).or_default().push((set, numbers));
            }
        }
    }

    /// For each pod class the policies that select it.
    pub(super) fn selecting(&mut self, direction: Direction) -> Vec<Selecting> {
        let mut all = vec![Selecting::default(); self.space.pods as usize];
        let rules = self.space.sides[self.side].rules;
        let enforcement = rules.cilium().map(|cilium| cilium.enforcement).unwrap_or_default();
        if enforcement == Enforcement::Never {
            return all;
        }
        for (name, range) in &self.space.namespaces {
            let unread = match () {
                () if rules.cluster_wide_unread() => Unread::ClusterWide,
                () if rules.may_have_denials(name) => Unread::Denials,
                () if rules.is_unread(name) => Unread::Policies,
                () => Unread::None,
            };
            let always = enforcement == Enforcement::Always;
            self.uncertain |= unread != Unread::None;
            if unread != Unread::None || always {
                for class in
                    range.clone().filter(|c| self.tables.sets.contains(self.selectable, *c))
                {
                    all[class as usize].unread = unread;
                    all[class as usize].always = always;
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

    /// The rules of a policy. Terms without anyone or any port are left out.
    pub(super) fn clauses(
        &mut self,
        policy: PolicyId,
        family: Family,
        anyone: SetId,
    ) -> Arc<Clauses> {
        let known = &mut self.clauses[family_index(family)];
        if known.len() <= policy {
            known.resize(policy + 1, None);
        }
        if let Some(known) = &known[policy] {
            return known.clone();
        }
        let written = &self.policies()[policy];
        let mut clauses = Clauses {
            all: Vec::with_capacity(written.entries.len()),
            plain: written.tier == Tier::Normal && written.isolates,
            conditional: false,
            named: false,
            owned: false,
        };
        for entry in &written.entries {
            let conditional = entry.condition.is_some();
            clauses.plain &= entry.action == Action::Allow;
            clauses.conditional |= conditional;
            let (ports, names) = self.ports_of(&entry.ports);
            let mut terms = Vec::new();
            let mut add = |this: &mut Self, (peers, own): (Pair, Own)| {
                let peers = Pair {
                    certain: this.tables.sets.and(peers.certain, anyone),
                    possible: this.tables.sets.and(peers.possible, anyone),
                };
                if peers.possible != SetTable::EMPTY {
                    terms.push(Term { peers, own, ports, names: names.clone() });
                }
            };
            if ports != PortTable::NONE || !names.is_empty() {
                // Items stay apart: other rules have the same ones, but hardly the same union.
                match &entry.peers {
                    Peers::Any => {
                        add(self, (Pair { certain: anyone, possible: anyone }, Own::Whichever));
                    }
                    Peers::Of(items) => {
                        for item in items {
                            for means in self.peer(&item.admits, family) {
                                add(self, means);
                            }
                        }
                    }
                }
            }
            clauses.named |= !names.is_empty() && !terms.is_empty();
            clauses.owned |= terms.iter().any(|term| term.own != Own::Whichever);
            clauses.all.push(Clause { action: entry.action, conditional, terms });
        }
        let clauses = Arc::new(clauses);
        self.clauses[family_index(family)][policy] = Some(clauses.clone());
        clauses
    }

    /// Numbers, and the names of others.
    fn ports_of(&mut self, ports: &Ports) -> (PortsId, Arc<[(Name, Protocol)]>) {
        let Ports::Of(items) = ports else { return (PortTable::ALL, [].into()) };
        let names = items.iter().filter_map(|item| match &item.ports {
            PortMatch::Named(name) if item.protocol.has_ports() => {
                Some((name.clone(), item.protocol))
            }
            _ => None,
        });
        (self.tables.ports.id(&numbers(items)), names.collect())
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

    /// A term whose peers are these destinations, with its names replaced by the numbers they have
    /// there.
    pub(super) fn resolved(&mut self, term: &Term, peers: SetId, out: &mut Parts) {
        if term.ports != PortTable::NONE {
            out.push((peers, term.ports));
        }
        for name in term.names.iter() {
            for (set, numbers) in self.named.get(name).into_iter().flatten() {
                let there = self.tables.sets.and(peers, *set);
                if there != SetTable::EMPTY {
                    out.push((there, *numbers));
                }
            }
        }
    }
}

impl Space<'_> {
    /// The ports of all rules, and those that pods call by the names that rules have.
    pub(super) fn written_ports(&self) -> Vec<PortSet> {
        let mut written: HashSet<PortSet> = HashSet::new();
        for side in &self.sides {
            for entry in side.rules.policies().iter().flat_map(|policy| &policy.entries) {
                if let Ports::Of(items) = &entry.ports {
                    written.insert(numbers(items));
                }
            }
        }
        let mut seen = HashSet::new();
        for class in 0..self.pods {
            for (side, facts) in self.facts[class as usize].iter().enumerate() {
                let named = facts.as_ref().map_or(0, |facts| facts.ports);
                if named == 0 || !seen.insert((side, named)) {
                    continue;
                }
                let declared =
                    self.example(class, side).into_iter().flat_map(|pod| pod.ports.iter());
                for declared in declared.filter(|declared| declared.name.is_some()) {
                    let Port { protocol, number } = declared.port;
                    written.insert(PortSet::of([(protocol, number.into())]));
                }
            }
        }
        written.into_iter().collect()
    }
}

/// The ports of a rule that have numbers.
fn numbers(items: &[PortRule]) -> PortSet {
    let items = items.iter().filter(|item| item.protocol.has_ports());
    PortSet::of(items.filter_map(|item| match &item.ports {
        PortMatch::All => Some((item.protocol, PortRange { first: 1, last: u16::MAX })),
        PortMatch::Range(range) => Some((item.protocol, *range)),
        PortMatch::Named(_) => None,
    }))
}
