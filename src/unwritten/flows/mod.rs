//! All flows between two kinds of ends, as one formula for each side.
//!
//! In: two [`Who`]s and the rules of each side. Out: [`Flows`]: what is allowed as literals over the
//! labels of pods and namespaces, the port and its names, and whatever else is not known, which is the
//! same on both sides. It says of all pods at once what [`judge`](crate::verdict::judge) says of one
//! flow, and every answer is tried with that before it is believed.
//!
//! docs/open-world.md says why it is enough. Source of the rules: docs/semantics/kubernetes.md,
//! docs/semantics/networkpolicy.md, docs/semantics/admin.md, docs/semantics/cilium-verdicts.md and
//! docs/semantics/calico.md.

mod besides;
mod names;
mod peers;
mod tiers;

use super::circuit::Circuit;
use super::homes::{Home, Side};
use super::parts::{Part, What};
use super::sat::Lit;
use crate::cluster::{Family, Name, Port, PortRange, Protocol, Truth};
use crate::policy::PolicyId;
use crate::policy::rule::{Action, Direction, Entry, Peers, Policy, PortRule, Ports};
use crate::verdict::Endpoint;
pub(super) use besides::Besides;
use foldhash::{HashMap, HashMapExt as _};
pub(super) use peers::A_PEER;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use tiers::Fate;

/// The ends of one side of the flows.
#[derive(Clone, Debug)]
pub(super) enum Who<'a> {
    /// Any pod that is not written, in this member of a home.
    Unwritten(&'a Home, Name),
    /// One of these, each as either side has it.
    One(Arc<[[Endpoint; 2]]>),
}

impl Who<'_> {
    /// Where all are addresses, the same on either side: these in order, each with its place.
    fn addresses(&self) -> Option<Vec<(IpAddr, usize)>> {
        let Self::One(ends) = self else { return None };
        let of = |(place, both): (usize, &[Endpoint; 2])| match both {
            [Endpoint::Address(old), Endpoint::Address(new)] if old == new => Some((*old, place)),
            _ => None,
        };
        let mut all: Vec<_> = ends.iter().enumerate().map(of).collect::<Option<_>>()?;
        all.sort_unstable();
        Some(all)
    }
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

/// What hangs on something that is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hanging {
    /// A rule that denies.
    Denial,
    /// A rule that allows.
    Allow,
    /// A rule that allows on a condition.
    Condition,
    /// Anything else.
    Else,
}

impl Hanging {
    fn of(entry: &Entry) -> Self {
        match entry.action {
            Action::Deny => Self::Denial,
            Action::Allow if entry.condition.is_some() => Self::Condition,
            Action::Allow => Self::Allow,
            Action::Pass => Self::Else,
        }
    }
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
    /// By side, whether the destination's port is one of those that the name stands for.
    pub(super) named: BTreeMap<(Name, Protocol), [Lit; 2]>,
    pub(super) ports: Vec<(Protocol, PortRange, Lit)>,
    /// The port is none that a rule names by its number.
    pub(super) unmentioned: Lit,
    pub(super) one_of: [Vec<Lit>; 2],
    places: [Vec<(IpAddr, Lit)>; 2],
    /// By role, where all ends are addresses: these in order, each with its place among the ends.
    addresses: [Option<Vec<(IpAddr, usize)>>; 2],
    unknown: HashMap<String, Lit>,
    /// What is not known of one side says nothing of the other.
    apart: bool,
    /// All of it, each with the side that it is of, and what hangs on it.
    suppositions: Vec<(Lit, usize, Hanging)>,
    /// What hangs on what is not known in the rule at hand.
    hanging: Hanging,
    /// The side that is put into the formula.
    building: usize,
    own_node: Lit,
    fates: Vec<[Fate<'a>; 2]>,
    /// By role, the labels of pods that rules look at.
    seen: [BTreeSet<Name>; 2],
}

impl<'a> Flows<'a> {
    pub(super) fn new(sides: &'a [Side<'a>], who: [Who<'a>; 2], family: Family) -> Self {
        Self::of(sides, who, family, (false, &Besides::default()))
    }

    /// The same side twice, with whatever is not known supposed once for each.
    pub(super) fn apart(twice: &'a [Side<'a>; 2], who: [Who<'a>; 2], family: Family) -> Self {
        Self::of(twice, who, family, (true, &Besides::default()))
    }

    /// Of one side, or of one twice with what is not known supposed once for each, with variables for what
    /// a question asks besides.
    pub(super) fn asked(
        sides: &'a [Side<'a>],
        who: [Who<'a>; 2],
        family: Family,
        besides: &Besides<'_>,
    ) -> Self {
        Self::of(sides, who, family, (sides.len() > 1, besides))
    }

    fn of(
        sides: &'a [Side<'a>],
        who: [Who<'a>; 2],
        family: Family,
        (apart, besides): (bool, &Besides<'_>),
    ) -> Self {
        let circuit = Circuit::new();
        let own_node = circuit.constant(false);
        let shared = match &who {
            [Who::Unwritten(a, one), Who::Unwritten(b, other)] => {
                !a.other && !b.other && one == other
            }
            _ => false,
        };
        let addresses = who.each_ref().map(Who::addresses);
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
            addresses,
            unknown: HashMap::new(),
            apart,
            suppositions: Vec::new(),
            hanging: Hanging::Else,
            building: 0,
            own_node,
            fates: Vec::new(),
            seen: [BTreeSet::new(), BTreeSet::new()],
            circuit,
        };
        flows.name_labels(besides);
        flows.name_ports(besides);
        flows.name_ends();
        for side in 0..sides.len() {
            flows.building = side;
            if apart && side > 0 {
                flows.suppose_again();
            }
            let fates = Direction::ALL.map(|direction| flows.direction(side, direction));
            flows.fates.push(fates);
        }
        flows
    }

    /// Pairs of suppositions, of which each is the other's contrary: on one side nothing holds that is not
    /// known, on the other all of it does; and the same but that it is the other way for some rules.
    pub(super) fn extremes(&self) -> Vec<Vec<Lit>> {
        let mut all: Vec<Vec<Lit>> = Vec::new();
        for other in [None, Some(Hanging::Denial), Some(Hanging::Allow), Some(Hanging::Condition)] {
            let lit = |(lit, side, hanging): &(Lit, usize, Hanging)| {
                if (*side == 1) ^ (other == Some(*hanging)) { *lit } else { !*lit }
            };
            let extreme: Vec<Lit> = self.suppositions.iter().map(lit).collect();
            if !all.contains(&extreme) {
                all.push(extreme);
            }
        }
        all
    }

    /// Whether nothing that is not known plays a part.
    pub(super) fn is_settled(&self) -> bool {
        self.unknown.is_empty()
            && self.places.iter().all(Vec::is_empty)
            && self.own_node == self.circuit.constant(false)
    }

    /// Whether the ends of a role can be subjects of policies, as unwritten pods are.
    fn is_unwritten(&self, role: usize) -> bool {
        matches!(self.who[role], Who::Unwritten(..))
    }

    /// The policies of one side for one direction that may select the subject.
    fn policies(&self, side: usize, direction: Direction) -> Vec<(PolicyId, &'a Policy)> {
        let Some(namespace) = self.subject_namespace(side, direction) else { return Vec::new() };
        let rules = self.sides[side].rules;
        let mut all: Vec<_> = rules.candidates(&namespace, direction).collect();
        all.sort_by(|(i, a), (j, b)| (&a.tier, i).cmp(&(&b.tier, j)));
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

    fn is_on_node(&self, side: usize, end: &Endpoint) -> bool {
        match end {
            Endpoint::Node(_) | Endpoint::NodeAddress(..) => true,
            Endpoint::Pod(_) => self.pod(side, end).is_some_and(|pod| pod.host_network),
            Endpoint::Address(_) | Endpoint::Name(_) | Endpoint::Unseen(_) => false,
        }
    }

    fn unknown(&mut self, mut key: String) -> Lit {
        if self.apart {
            key = format!("{} {key}", self.building);
        }
        if let Some(known) = self.unknown.get(&key) {
            return *known;
        }
        let free = self.circuit.free();
        self.suppositions.push((free, self.building, self.hanging));
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

    /// How much of the flows gets through on one side: they may be allowed, are certainly allowed, and
    /// are allowed without any condition.
    pub(super) fn passage(&mut self, side: usize) -> [Lit; 3] {
        let [into, out] = &self.fates[side];
        let c = &mut self.circuit;
        let possible = c.all([into.may_allow, out.may_allow]);
        let certain = c.all([possible, !into.may_deny, !out.may_deny]);
        let free = c.all([certain, !into.bound, !out.bound]);
        [possible, certain, free]
    }

    /// The same as what may become of a flow: it passes, passes on a condition, may pass, does not.
    pub(super) fn outcomes(&mut self, side: usize) -> [Vec<Lit>; 4] {
        let [possible, certain, free] = self.passage(side);
        [vec![free], vec![certain, !free], vec![possible, !certain], vec![!possible]]
    }

    /// That the port is this one.
    pub(super) fn at(&mut self, port: Port) -> Lit {
        let has = |(protocol, range, _): &&(Protocol, PortRange, Lit)| {
            *protocol == port.protocol && range.contains(port.number)
        };
        let found = self.ports.iter().find(has).map(|(.., lit)| *lit);
        found.unwrap_or_else(|| self.circuit.constant(false))
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

    /// That it passes on a condition on both sides, and not on the same one.
    pub(super) fn rebound(&mut self) -> Lit {
        let mut differ = Vec::new();
        let mut passes = Vec::new();
        for side in 0..self.sides.len() {
            let [_, certain, free] = self.passage(side);
            passes.extend([certain, !free]);
        }
        if let [old, new] = self.fates.as_slice() {
            for (old, new) in old.iter().zip(new) {
                let all: BTreeSet<&str> = old.asks.keys().chain(new.asks.keys()).copied().collect();
                for asks in all {
                    let never = self.circuit.constant(false);
                    let [old, new] = [old, new].map(|fate| fate.asks.get(asks).copied());
                    let (old, new) = (old.unwrap_or(never), new.unwrap_or(never));
                    differ.push(self.circuit.all([old, !new]));
                    differ.push(self.circuit.all([new, !old]));
                }
            }
        }
        passes.push(self.circuit.any(differ));
        self.circuit.all(passes)
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
        let other = 1 - subject(direction);
        let peers = match (&rule.peers, peer) {
            (Peers::Of(items), Some(peer)) => match items.get(peer) {
                Some(item) => {
                    let key = self.rule_key(side, direction, policy, rule);
                    self.peer(side, other, &item.admits, &key)
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
                let numbered = items.iter().filter(|item| !item.is_by_name());
                let numbered: Vec<&PortRule> = numbered.collect();
                let all: Vec<Lit> = numbered.iter().map(|item| self.port(side, item)).collect();
                self.circuit.any(all)
            }
            (Ports::Any, _) => self.circuit.constant(true),
        };
        let speaks = self.speaks(side, direction, policy, rule);
        self.circuit.all([selects, speaks, peers, ports])
    }
}

/// The role of a direction's subject: 0 for the source, 1 for the destination.
pub(super) fn subject(direction: Direction) -> usize {
    match direction {
        Direction::Egress => 0,
        Direction::Ingress => 1,
    }
}
