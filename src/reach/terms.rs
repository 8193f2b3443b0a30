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
use crate::policy::rule::{Action, Direction, Peers, PortMatch, Ports};
use crate::policy::{Enforcement, PolicyId};
use foldhash::{HashSet, HashSetExt as _};
use std::collections::BTreeMap;
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
    /// What is left out of these.
    pub(super) except: Option<Arc<Except>>,
}

/// Ports that are left out.
#[derive(Debug)]
pub(super) struct Except {
    pub(super) ports: PortsId,
    pub(super) names: Box<[(Name, Protocol)]>,
}

impl Term {
    /// Whether it goes by what destinations call their ports.
    fn is_by_name(&self) -> bool {
        !self.names.is_empty() || self.except.as_ref().is_some_and(|it| !it.names.is_empty())
    }
}

/// Ports by number.
type Ranges = Vec<(Protocol, PortRange)>;
/// Ports by name.
type Names = Vec<(Name, Protocol)>;

/// Numbers, and the names of others.
fn told(protocol: Protocol, items: &[PortMatch]) -> (Ranges, Names) {
    let (mut ranges, mut names) = (Vec::new(), Vec::new());
    for ports in items {
        match ports {
            PortMatch::All => ranges.push((protocol, PortRange { first: 1, last: u16::MAX })),
            PortMatch::Range(range) => ranges.push((protocol, *range)),
            PortMatch::Named(name) => names.push((name.clone(), protocol)),
        }
    }
    (ranges, names)
}

/// Ports by number, by name, and what is left out of them.
type Listed = (PortsId, Arc<[(Name, Protocol)]>, Option<Arc<Except>>);

/// One rule.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    /// Which rule of the policy it is.
    pub(super) place: usize,
    pub(super) action: Action,
    /// A condition must hold besides.
    pub(super) conditional: bool,
    /// The subjects for whom it speaks, where those are not all.
    pub(super) only: Option<Pair>,
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
    /// Some rules speak for some subjects only.
    pub(super) narrow: bool,
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
        let mut by_ports: Vec<Vec<ClassId>> = Vec::new();
        for class in 0..self.space.pods {
            if let Some(facts) = &self.space.facts[class as usize][self.side]
                && facts.ports != 0
            {
                let ports = facts.ports as usize;
                by_ports.resize(by_ports.len().max(ports + 1), Vec::new());
                by_ports[ports].push(class);
            }
        }
        for classes in by_ports.into_iter().filter(|classes| !classes.is_empty()) {
            let Some(pod) = self.space.example(classes[0], self.side) else { continue };
            let mut names: BTreeMap<(Name, Protocol), Vec<(Protocol, PortRange)>> = BTreeMap::new();
            let rules = self.space.sides[self.side].rules;
            for (name, port) in rules.enforcer().port_names().of(&pod.ports) {
                let numbers = names.entry((name.clone(), port.protocol)).or_default();
                numbers.push((port.protocol, port.number.into()));
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
            plain: !written.tier.is_administrators() && written.isolates,
            conditional: false,
            named: false,
            owned: false,
            narrow: false,
        };
        for entry in &written.entries {
            let conditional = entry.condition.is_some();
            clauses.plain &= entry.action == Action::Allow;
            clauses.conditional |= conditional;
            let only = entry.only.as_deref().map(|only| self.whole(only, family));
            clauses.narrow |= only.is_some();
            let listed = self.ports_of(&entry.ports);
            let mut terms = Vec::new();
            let mut add = |this: &mut Self, (peers, own): (Pair, Own)| {
                let peers = Pair {
                    certain: this.tables.sets.and(peers.certain, anyone),
                    possible: this.tables.sets.and(peers.possible, anyone),
                };
                if peers.possible != SetTable::EMPTY {
                    let term = |(ports, names, except): &Listed| {
                        let (ports, names, except) = (*ports, names.clone(), except.clone());
                        Term { peers, own, ports, names, except }
                    };
                    terms.extend(listed.iter().map(term));
                }
            };
            if !listed.is_empty() {
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
            clauses.named |= terms.iter().any(Term::is_by_name);
            clauses.owned |= terms.iter().any(|term| term.own != Own::Whichever);
            clauses.all.push(Clause {
                place: entry.place,
                action: entry.action,
                conditional,
                only,
                terms,
            });
        }
        let clauses = Arc::new(clauses);
        self.clauses[family_index(family)][policy] = Some(clauses.clone());
        clauses
    }

    /// Numbers, and the names of others: those from which nothing is left out together.
    fn ports_of(&mut self, ports: &Ports) -> Vec<Listed> {
        let Ports::Of(items) = ports else { return vec![(PortTable::ALL, [].into(), None)] };
        let (mut ranges, mut names, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for item in items.iter().filter(|item| item.protocol.has_ports()) {
            let (own, called) = told(item.protocol, std::slice::from_ref(&item.ports));
            if item.except.is_empty() {
                ranges.extend(own);
                names.extend(called);
                continue;
            }
            let (out, out_names) = told(item.protocol, &item.except);
            let table = &mut self.tables.ports;
            let (ports, out) = (table.id(&PortSet::of(own)), table.id(&PortSet::of(out)));
            let except = Except { ports: out, names: out_names.into() };
            all.push((ports, called.into(), Some(Arc::new(except))));
        }
        let ports = self.tables.ports.id(&PortSet::of(ranges));
        if ports != PortTable::NONE || !names.is_empty() {
            all.insert(0, (ports, names.into(), None));
        }
        all
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
        let Some(except) = &term.except else { return ports };
        let mut out = except.ports;
        for name in &except.names {
            for (set, numbers) in self.named.get(name).into_iter().flatten() {
                if self.tables.sets.contains(*set, class) {
                    out = self.tables.ports.or(out, *numbers);
                }
            }
        }
        self.tables.ports.but(ports, out)
    }

    /// A term whose peers are these destinations, with its names replaced by the numbers they have
    /// there.
    pub(super) fn resolved(&mut self, term: &Term, peers: SetId, out: &mut Parts) {
        let Some(except) = &term.except else { return self.with_names(term, peers, out) };
        let mut whole = Parts::new();
        self.with_names(term, peers, &mut whole);
        for (peers, ports) in whole {
            let ports = self.tables.ports.but(ports, except.ports);
            let mut left = vec![(peers, ports)];
            for name in &except.names {
                for (set, numbers) in self.named.get(name).into_iter().flatten() {
                    let mut split = Parts::new();
                    for (peers, ports) in left {
                        let there = self.tables.sets.and(peers, *set);
                        let elsewhere = self.tables.sets.but(peers, *set);
                        split.push((elsewhere, ports));
                        split.push((there, self.tables.ports.but(ports, *numbers)));
                    }
                    split.retain(|(peers, ports)| {
                        *peers != SetTable::EMPTY && *ports != PortTable::NONE
                    });
                    left = split;
                }
            }
            left.retain(|(_, ports)| *ports != PortTable::NONE);
            out.extend(left);
        }
    }

    /// The same before anything is left out.
    fn with_names(&mut self, term: &Term, peers: SetId, out: &mut Parts) {
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
                    for item in items.iter().filter(|item| item.protocol.has_ports()) {
                        let own = std::slice::from_ref(&item.ports);
                        for ports in [own, &item.except] {
                            written.insert(PortSet::of(told(item.protocol, ports).0));
                        }
                    }
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
