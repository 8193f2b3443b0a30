//! What policies let each class do in one direction, computed once for classes that are alike.
//!
//! In: the policies that select each class. Out: [`Profiles`], the sets of peers with ports that each
//! class may reach or be reached by. Where policies only isolate and allow, as NetworkPolicies do,
//! that is the union of their rules; else the tiers are gone through as [`tiers`] has it.

use super::nodes::NodeRule;
use super::peers::SideSets;
use super::port_table::{PortTable, PortsId};
use super::region::{Parts, Region, add, and, but, common, disjoint, of_set, or, parts};
use super::sets::{ClassId, SetId, SetTable};
use super::tables::Tables;
use super::terms::{Clauses, Mode, Selecting, Unread};
use super::tiers::{self, Besides, Ordered, Passing, Rule, Speaker};
use crate::cluster::Family;
use crate::policy::PolicyId;
use crate::policy::rule::{Direction, Tier};
use foldhash::{HashMap, HashMapExt as _};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What each kind of pod class may do.
#[derive(Clone)]
pub(super) struct Profiles {
    /// The profile of each pod class.
    pub(super) of: Vec<u32>,
    pub(super) all: Vec<Parts>,
}

/// The cells of a profile besides its parts.
const CELLS_OF_PROFILE: usize = 10;

impl Profiles {
    /// The profile of ends that nothing restricts.
    pub(super) const OPEN: u32 = 0;

    pub(super) fn new(
        side_sets: &mut SideSets<'_, '_>,
        family: Family,
        mode: Mode,
        (direction, selecting): (Direction, &[Selecting]),
        anyone: SetId,
    ) -> Self {
        let mut profiles = Self {
            of: vec![Self::OPEN; selecting.len()],
            all: vec![vec![(anyone, PortTable::ALL)]],
        };
        let classes = 0..to_u32(selecting.len());
        profiles.make(side_sets, family, mode, (direction, selecting), classes);
        profiles
    }

    /// Makes those of some classes.
    pub(super) fn make(
        &mut self,
        side_sets: &mut SideSets<'_, '_>,
        family: Family,
        mode: Mode,
        (direction, selecting): (Direction, &[Selecting]),
        classes: impl IntoIterator<Item = ClassId>,
    ) {
        let mut maker = Maker::new(side_sets, family, mode, direction);
        let mut known: HashMap<_, u32> = HashMap::new();
        for class in classes {
            let selecting = &selecting[class as usize];
            if selecting.is_nobody() {
                self.of[class as usize] = Self::OPEN;
                continue;
            }
            if maker.side_sets.tables.is_over() {
                break;
            }
            let subject = maker.subject(class, selecting);
            let key = (selecting, subject.ports, subject.node, subject.itself);
            let profile = if let Some(profile) = known.get(&key) {
                *profile
            } else {
                let profile = maker.parts(&subject, selecting).map_or(Self::OPEN, |parts| {
                    maker.side_sets.tables.keep(parts.len() + CELLS_OF_PROFILE);
                    self.all.push(parts);
                    to_u32(self.all.len() - 1)
                });
                known.insert(key, profile);
                profile
            };
            self.of[class as usize] = profile;
        }
    }
}

pub(super) fn to_u32(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// The class for which profiles are made, with what of it matters.
pub(super) struct Subject {
    class: ClassId,
    /// Its port names, where rules ask for them.
    ports: u32,
    /// Its node, where rules ask for it.
    node: Option<u32>,
    /// The class again, where some rule speaks for some subjects only.
    itself: Option<ClassId>,
}

/// Makes profiles.
pub(super) struct Maker<'r, 's, 'a> {
    pub(super) side_sets: &'r mut SideSets<'s, 'a>,
    family: Family,
    mode: Mode,
    direction: Direction,
    anyone: SetId,
    every_pod: Option<SetId>,
    /// Every flow.
    everything: Region,
    node_rule: NodeRule,
    /// What policies allow, where it is the same for every subject.
    admitted: Vec<Option<Arc<Parts>>>,
    /// What the first tier does, where it is the same for every subject.
    admin: HashMap<Vec<(PolicyId, bool)>, Arc<Ordered>>,
}

impl<'r, 's, 'a> Maker<'r, 's, 'a> {
    pub(super) fn new(
        side_sets: &'r mut SideSets<'s, 'a>,
        family: Family,
        mode: Mode,
        direction: Direction,
    ) -> Self {
        let anyone = side_sets.anyone(family);
        let everything = of_set(&side_sets.tables.sets, anyone, PortTable::ALL);
        let every_pod = side_sets.every_pod(anyone);
        let node_rule = NodeRule::of(side_sets.space.sides[side_sets.side].rules);
        let (admitted, admin) = (Vec::new(), HashMap::new());
        Self {
            side_sets,
            family,
            mode,
            direction,
            anyone,
            every_pod,
            everything,
            node_rule,
            admitted,
            admin,
        }
    }

    pub(super) fn subject(&mut self, class: ClassId, selecting: &Selecting) -> Subject {
        let by_node = self.side_sets.space.by_node;
        let facts = self.side_sets.space.facts[class as usize][self.side_sets.side].as_ref();
        let ingress = self.direction == Direction::Ingress;
        // Only names make the class's own ports matter.
        let (mut named, mut narrow) = (false, false);
        let rule = self.node_rule;
        let mut owned =
            by_node && (rule == NodeRule::Exempt || (ingress && rule != NodeRule::None));
        let narrows = self.side_sets.narrows;
        if ingress || by_node || narrows {
            for (policy, _) in selecting.policies() {
                let clauses = self.clauses(policy);
                named |= ingress && clauses.named;
                owned |= clauses.owned;
                narrow |= clauses.narrow;
            }
        }
        Subject {
            class,
            ports: facts.filter(|_| named).map_or(0, |facts| facts.ports),
            node: facts.filter(|_| owned).and_then(|facts| facts.node),
            itself: narrow.then_some(class),
        }
    }

    pub(super) fn clauses(&mut self, policy: PolicyId) -> Arc<Clauses> {
        self.side_sets.clauses(policy, self.family, self.anyone)
    }

    fn tables(&mut self) -> &mut Tables {
        self.side_sets.tables
    }

    /// Whether a policy's rules match the same for every subject.
    pub(super) fn is_shared(&self, clauses: &Clauses) -> bool {
        !clauses.owned && !clauses.narrow && (self.direction == Direction::Egress || !clauses.named)
    }

    /// What policies let through; `None` where it is everything.
    fn parts(&mut self, subject: &Subject, selecting: &Selecting) -> Option<Parts> {
        let mut plain = matches!(selecting.unread, Unread::None | Unread::Policies);
        for (policy, _) in selecting.policies() {
            let clauses = self.clauses(policy);
            plain &= clauses.plain && !(self.mode == Mode::Unconditional && clauses.conditional);
        }
        // In tiers with names only those of one tier add up.
        let rules = self.side_sets.policies();
        let mut tiers = selecting.policies().map(|(policy, _)| &rules[policy].tier);
        if let Some(first) = tiers.next().filter(|tier| tier.position().is_some()) {
            plain &= selecting.unread == Unread::None && tiers.all(|tier| tier.is_beside(first));
        }
        if plain { self.plain(subject, selecting) } else { self.tiered(subject, selecting) }
    }

    /// The subject's own node, as far as whoever enforces lets it through of itself.
    fn own_node(&mut self, subject: &Subject, mode: Mode) -> SetId {
        let open = match (self.node_rule, self.direction) {
            (NodeRule::None, _) | (NodeRule::Implied | NodeRule::Reaches, Direction::Egress) => {
                false
            }
            (NodeRule::Exempt, Direction::Egress) => mode == Mode::Possible,
            (_, Direction::Ingress) => true,
        };
        if !self.side_sets.space.by_node || !open {
            return SetTable::EMPTY;
        }
        let own = self.side_sets.whole_own_node(subject.node, mode);
        let anyone = self.anyone;
        self.tables().sets.and(own, anyone)
    }

    /// Policies that isolate and allow, and do nothing else.
    ///
    /// Source: docs/semantics/kubernetes.md#networkpolicy-tier. A policy that only perhaps selects
    /// may isolate, and may admit: without a certain one, a flow certainly passes when each of them
    /// admits it. Whatever was not read may isolate, and may admit anything.
    fn plain(&mut self, subject: &Subject, selecting: &Selecting) -> Option<Parts> {
        let Selecting { certainly, perhaps, always, unread } = selecting;
        let isolated = *always || !certainly.is_empty();
        let mut all = match (self.mode, perhaps.as_slice()) {
            (Mode::Possible, _) if !isolated || *unread != Unread::None => return None,
            (Mode::Possible, _) => self.union(certainly.iter().chain(perhaps), subject),
            (_, [first, rest @ ..]) if !isolated && *unread == Unread::None => {
                let mut all = self.union(std::iter::once(first), subject);
                for policy in rest {
                    let one = self.union(std::iter::once(policy), subject);
                    all = product(self.tables(), &all, &one);
                }
                all
            }
            _ => self.union(certainly.iter(), subject),
        };
        let own = self.own_node(subject, self.mode);
        if own != SetTable::EMPTY {
            all.push((own, PortTable::ALL));
        }
        Some(all)
    }

    fn union<'p>(
        &mut self,
        policies: impl Iterator<Item = &'p PolicyId>,
        subject: &Subject,
    ) -> Parts {
        let mut by_peers: BTreeMap<SetId, PortsId> = BTreeMap::new();
        for policy in policies {
            let admitted = self.admitted(*policy, subject);
            self.tables().step(1 + admitted.len());
            for (peers, ports) in admitted.iter() {
                let known = by_peers.entry(*peers).or_insert(PortTable::NONE);
                *known = self.tables().ports.or(*known, *ports);
            }
        }
        by_peers.into_iter().collect()
    }

    /// What all rules of a policy match.
    fn admitted(&mut self, policy: PolicyId, subject: &Subject) -> Arc<Parts> {
        if let Some(Some(known)) = self.admitted.get(policy) {
            return known.clone();
        }
        let clauses = self.clauses(policy);
        let mut out = Vec::new();
        for index in 0..clauses.all.len() {
            self.matched(&clauses, index, subject, self.mode, &mut out);
        }
        let out = Arc::new(out);
        if self.is_shared(&clauses) {
            if self.admitted.len() <= policy {
                self.admitted.resize(policy + 1, None);
            }
            self.admitted[policy] = Some(out.clone());
        }
        out
    }

    /// What a rule matches.
    pub(super) fn matched(
        &mut self,
        clauses: &Clauses,
        index: usize,
        subject: &Subject,
        mode: Mode,
        out: &mut Parts,
    ) {
        if let Some(only) = clauses.all[index].only
            && !self.side_sets.tables.sets.contains(only.get(mode), subject.class)
        {
            return;
        }
        for term in &clauses.all[index].terms {
            let peers = term.peers.get(mode);
            let peers = self.side_sets.owned(peers, term.own, subject.node, mode);
            if peers == SetTable::EMPTY {
                continue;
            }
            if self.direction == Direction::Egress {
                self.side_sets.resolved(term, peers, out);
            } else {
                let ports = self.side_sets.ports_on(term, subject.class);
                if ports != PortTable::NONE {
                    out.push((peers, ports));
                }
            }
        }
    }

    /// Policies of any tier.
    fn tiered(&mut self, subject: &Subject, selecting: &Selecting) -> Option<Parts> {
        let mut region = if selecting.unread == Unread::ClusterWide {
            if self.mode == Mode::Possible {
                return None;
            }
            Region::new()
        } else {
            self.passing(subject, selecting)
        };
        // Out to its own node a pod is perhaps exempt from isolation, but not from rules that deny.
        let exempt = matches!(self.node_rule, NodeRule::Exempt | NodeRule::Reaches);
        if exempt && self.direction == Direction::Ingress {
            let own = self.own_node(subject, self.mode);
            let own = of_set(&self.tables().sets, own, PortTable::ALL);
            region = or(self.tables(), &region, &own);
        }
        (region != self.everything).then(|| self.as_parts(region))
    }

    fn passing(&mut self, subject: &Subject, selecting: &Selecting) -> Region {
        let mut policies: Vec<(PolicyId, bool)> = selecting.policies().collect();
        let rules = self.side_sets.policies();
        policies.sort_by(|(a, _), (b, _)| rules[*a].tier.cmp(&rules[*b].tier));
        if policies.first().is_some_and(|(policy, _)| rules[*policy].tier.position().is_some()) {
            return self.in_named_tiers(&policies, subject, selecting.unread);
        }
        let tier = |policy: &(PolicyId, bool)| &rules[policy.0].tier;
        let middle = policies.partition_point(|policy| matches!(tier(policy), Tier::Admin(_)));
        let last = policies.partition_point(|policy| *tier(policy) <= Tier::Normal);
        // Of policies of one priority any may be followed.
        let by_cilium = self.by_cilium();
        let may_tie = [&policies[..middle], &policies[last..]];
        for ordered in may_tie.into_iter().filter(|_| !by_cilium) {
            let mut pairs = ordered.windows(2);
            self.side_sets.uncertain |= pairs.any(|pair| tier(&pair[0]) == tier(&pair[1]));
        }
        let admin = self.admin(&policies[..middle], subject);
        let normal = self.speakers(&policies[middle..last], subject);
        let baseline = self.speakers(&policies[last..], subject);
        let implied = [Mode::Certain, Mode::Possible].map(|mode| {
            let implied = self.node_rule == NodeRule::Implied;
            let own = if implied { self.own_node(subject, mode) } else { SetTable::EMPTY };
            of_set(&self.tables().sets, own, PortTable::ALL)
        });
        let exempt = if self.direction == Direction::Egress {
            self.own_node(subject, Mode::Possible)
        } else {
            SetTable::EMPTY
        };
        let exempt = of_set(&self.tables().sets, exempt, PortTable::ALL);
        let tables = &mut *self.side_sets.tables;
        let everything = &self.everything;
        let besides = Besides { always: selecting.always, implied, exempt, by_cilium };
        let outcome = tiers::outcome(tables, everything, &admin, &normal, &baseline, besides);
        let unread = selecting.unread;
        if self.mode == Mode::Possible {
            if unread == Unread::None {
                return outcome.allow;
            }
            // What the first tier does not decide only a Deny does.
            let more = but(tables, &outcome.normal, &outcome.refused);
            return or(tables, &outcome.allow, &more);
        }
        let mut certain = but(tables, everything, &outcome.deny);
        if unread != Unread::None {
            let mut decided = but(tables, everything, &outcome.normal);
            if unread == Unread::Policies {
                decided = or(tables, &decided, &outcome.admitted);
            }
            certain = and(tables, &certain, &decided);
        }
        if self.mode == Mode::Unconditional {
            certain = but(tables, &certain, &outcome.conditional);
        }
        certain
    }

    fn by_cilium(&self) -> bool {
        self.node_rule.is_of_cilium()
    }

    /// What may pass, or certainly passes, tiers with names.
    fn in_named_tiers(
        &mut self,
        policies: &[(PolicyId, bool)],
        subject: &Subject,
        unread: Unread,
    ) -> Region {
        // A policy that was not read may stand in any tier and do anything.
        if unread != Unread::None {
            self.side_sets.uncertain = true;
            return match self.mode {
                Mode::Possible => self.everything.clone(),
                Mode::Certain | Mode::Unconditional => Region::new(),
            };
        }
        let speakers = self.speakers(policies, subject);
        let tables = &mut *self.side_sets.tables;
        let Passing { allow, deny, conditional } =
            tiers::named(tables, &self.everything, &speakers);
        if self.mode == Mode::Possible {
            return allow;
        }
        let certain = but(tables, &self.everything, &deny);
        match self.mode {
            Mode::Unconditional => but(tables, &certain, &conditional),
            _ => certain,
        }
    }

    fn admin(&mut self, policies: &[(PolicyId, bool)], subject: &Subject) -> Arc<Ordered> {
        if let Some(known) = self.admin.get(policies) {
            return known.clone();
        }
        let by_cilium = self.by_cilium();
        let speakers = self.speakers(policies, subject);
        let everything = self.everything.clone();
        let ordered = Arc::new(tiers::ordered(self.tables(), everything, &speakers, by_cilium));
        let shared = policies.iter().all(|(policy, _)| {
            let clauses = self.clauses(*policy);
            self.is_shared(&clauses)
        });
        if shared {
            self.tables().keep(2 * ordered.spans());
            self.admin.insert(policies.to_vec(), ordered.clone());
        }
        ordered
    }

    fn speakers(&mut self, policies: &[(PolicyId, bool)], subject: &Subject) -> Vec<Speaker> {
        let speaker = |(policy, certainly): &(PolicyId, bool)| {
            let clauses = self.clauses(*policy);
            let written = &self.side_sets.policies()[*policy];
            let rules = (0..clauses.all.len()).map(|index| {
                let mut region = |mode| self.region(*policy, &clauses, index, subject, mode);
                let (certain, possible) = (region(Mode::Certain), region(Mode::Possible));
                let clause = &clauses.all[index];
                let (place, action, conditional) =
                    (clause.place, clause.action, clause.conditional);
                Rule { place, action, conditional, certain, possible }
            });
            let rules = rules.collect();
            let (tier, isolates) = (written.tier.clone(), written.isolates);
            Speaker { tier, isolates, certainly: *certainly, rules }
        };
        policies.iter().map(speaker).collect()
    }

    /// The region that a rule matches.
    fn region(
        &mut self,
        policy: PolicyId,
        clauses: &Clauses,
        index: usize,
        subject: &Subject,
        mode: Mode,
    ) -> Arc<Region> {
        let key = (policy, index, self.family, mode == Mode::Possible);
        if let Some(known) = self.side_sets.regions.get(&key) {
            return known.clone();
        }
        let (mut out, mut spans) = (Parts::new(), Vec::new());
        self.matched(clauses, index, subject, mode, &mut out);
        for (set, ports) in out {
            add(&self.tables().sets, &mut spans, set, ports);
        }
        let region = Arc::new(disjoint(self.tables(), spans));
        if self.is_shared(clauses) {
            self.tables().keep(2 * region.len());
            self.side_sets.regions.insert(key, region.clone());
        }
        region
    }

    /// What everyone and every pod has in common comes first and whole: others have the same, and
    /// lists of rows name it so.
    fn as_parts(&mut self, mut region: Region) -> Parts {
        let mut all = Parts::new();
        for set in [Some(self.anyone), self.every_pod].into_iter().flatten() {
            let tables = self.tables();
            let ports = common(tables, &region, set);
            if ports != PortTable::NONE {
                all.push((set, ports));
                let whole = of_set(&tables.sets, set, ports);
                region = but(tables, &region, &whole);
            }
        }
        all.extend(parts(self.tables(), &region));
        all
    }
}

/// What both admit, in disjoint parts so that it does not grow with every policy.
fn product(tables: &mut Tables, a: &Parts, b: &Parts) -> Parts {
    let mut spans = Vec::new();
    for (peers, ports) in a {
        for (other, other_ports) in b {
            let both = tables.sets.and(*peers, *other);
            let ports = tables.ports.and(*ports, *other_ports);
            add(&tables.sets, &mut spans, both, ports);
        }
    }
    let region = disjoint(tables, spans);
    parts(tables, &region)
}
