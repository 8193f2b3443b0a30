//! Whom the peers of rules mean, as class sets.
//!
//! In: the peers and subjects of the policies of one side of a [`Space`]. Out: sets in pairs: what
//! certainly matches, and what may.

use super::classes::Space;
use super::facts::{Facts, Place};
use super::members::Inside;
use super::nodes::NodeRule;
use super::nodes::OnNode;
use super::pod_network::split;
use super::port_table::PortsId;
use super::region::Region;
use super::selectors::{LabelledNamespaces, LabelledPods};
use super::sets::{ClassId, Run, SetId, SetTable, intersection, merged, singles};
use super::side::family_index;
use super::tables::Tables;
use super::terms::{Clauses, Mode};
use crate::cluster::{AddressBlock, Addresses, Family, Name, Protocol, Selector, Truth};
use crate::policy::PolicyId;
use crate::policy::rule::{Combined, Entities, PeerKind, PodSet, Scope};
use foldhash::{HashMap, HashMapExt as _};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Certainly in, and certainly or perhaps in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) certain: SetId,
    pub(super) possible: SetId,
}

impl Pair {
    const NOBODY: Self = Self { certain: SetTable::EMPTY, possible: SetTable::EMPTY };

    fn sure(set: SetId) -> Self {
        Self { certain: set, possible: set }
    }

    pub(super) fn get(self, mode: Mode) -> SetId {
        match mode {
            Mode::Unconditional | Mode::Certain => self.certain,
            Mode::Possible => self.possible,
        }
    }
}

/// How an end on a node must stand to the subject's own node, besides being in the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    /// It does not matter.
    Whichever,
    /// It is the subject's own node.
    Node,
    /// It is another node.
    OtherNode,
}

/// The class sets that selectors and blocks of one side mean, each found once.
pub(super) struct SideSets<'s, 'a> {
    pub(super) space: &'s Space<'a>,
    pub(super) side: usize,
    /// Something is not known, so that what may pass is not what certainly passes.
    pub(super) uncertain: bool,
    /// Some rule speaks for some subjects of its policy only.
    pub(super) narrows: bool,
    pub(super) tables: &'s mut Tables,
    /// Pods of the pod network that this side has: those that selectors can select.
    pub(super) selectable: SetId,
    /// Nodes, and pods on their nodes' networks.
    pub(super) on_node: SetId,
    /// Those by node, where classes know it.
    by_node: BTreeMap<Option<u32>, Vec<Run>>,
    own_nodes: HashMap<Option<u32>, [Pair; 2]>,
    api_server: Option<Vec<IpAddr>>,
    pub(super) pod_sets: HashMap<&'a PodSet, Pair>,
    node_sets: HashMap<&'a Selector, Pair>,
    pub(super) namespace_sets: HashMap<&'a Selector, Arc<[(Truth, Run)]>>,
    pub(super) namespaces: Option<LabelledNamespaces<'a>>,
    pub(super) labelled: LabelledPods<'a>,
    inside_by_place: [BTreeMap<Place, Vec<Run>>; 2],
    /// Those outside that may be pods, by family.
    in_pods: [Vec<Run>; 2],
    /// Those that are addresses of each node.
    local: [Vec<Run>; 2],
    blocks: [HashMap<(&'a AddressBlock, Scope), Pair>; 2],
    /// The classes that call a port by a name, with its numbers there.
    pub(super) named: HashMap<(Name, Protocol), Vec<(SetId, PortsId)>>,
    pub(super) clauses: [Vec<Option<Arc<Clauses>>>; 2],
    /// The regions of clauses that are the same for every subject.
    pub(super) regions: HashMap<(PolicyId, usize, Family, bool), Arc<Region>>,
}

impl<'s, 'a> SideSets<'s, 'a> {
    pub(super) fn new(space: &'s Space<'a>, side: usize, tables: &'s mut Tables) -> Self {
        let facts = |class: ClassId| space.facts[class as usize][side].as_ref();
        let is_selectable = |class: &ClassId| facts(*class).is_some_and(|facts| !facts.on_node);
        let selectable = tables.sets.id(singles((0..space.pods).filter(is_selectable)));
        let mut on_node = Vec::new();
        let mut by_node: BTreeMap<Option<u32>, Vec<Run>> = BTreeMap::new();
        let mut inside_by_place = [BTreeMap::new(), BTreeMap::new()];
        for class in 0..space.inside {
            let Some(facts) = facts(class) else { continue };
            let Facts { places, .. } = facts;
            for (by_place, place) in inside_by_place.iter_mut().zip(places) {
                by_place.entry(*place).or_insert_with(Vec::new).push((class, class + 1));
            }
            if facts.on_node {
                on_node.push((class, class + 1));
                if space.by_node {
                    by_node.entry(facts.node).or_default().push((class, class + 1));
                }
            }
        }
        for by_place in &mut inside_by_place {
            for runs in by_place.values_mut() {
                *runs = merged(std::mem::take(runs));
            }
        }
        let on_node = tables.sets.id(merged(on_node));
        let mut side_sets = Self {
            space,
            side,
            // Whether a pod reaches its own node is open in the specification of NetworkPolicy.
            uncertain: space.by_node && NodeRule::of(space.sides[side].rules) == NodeRule::Exempt,
            narrows: space.sides[side].rules.traits().narrows,
            tables,
            selectable,
            on_node,
            by_node,
            own_nodes: HashMap::new(),
            api_server: space.sides[side].snapshot.api_server(),
            pod_sets: HashMap::new(),
            node_sets: HashMap::new(),
            namespace_sets: HashMap::new(),
            namespaces: None,
            labelled: LabelledPods::default(),
            inside_by_place,
            in_pods: Family::ALL.map(|family| space.in_pod_network(side, family)),
            local: Family::ALL.map(|family| space.node_local_dns(side, family)),
            blocks: [HashMap::new(), HashMap::new()],
            named: HashMap::new(),
            clauses: [Vec::new(), Vec::new()],
            regions: HashMap::new(),
        };
        side_sets.index_port_names();
        side_sets
    }

    pub(super) fn policies(&self) -> &'a [crate::policy::rule::Policy] {
        self.space.sides[self.side].rules.policies()
    }

    fn pair(&mut self, certain: Vec<Run>, mut possible: Vec<Run>) -> Pair {
        possible.extend(&certain);
        let pair = Pair {
            certain: self.tables.sets.id(merged(certain)),
            possible: self.tables.sets.id(merged(possible)),
        };
        self.uncertain |= pair.certain != pair.possible;
        pair
    }

    fn block(&mut self, block: &'a AddressBlock, scope: Scope, family: Family) -> Pair {
        let f = family_index(family);
        if let Some(known) = self.blocks[f].get(&(block, scope)) {
            return *known;
        }
        let (mut certain, mut perhaps) = (Vec::new(), Vec::new());
        let mut outside: Vec<Run> = Vec::new();
        if Family::of_net(block.cidr) == family {
            let first = self.space.outside(family);
            let within = self.space.atoms[f].within(block);
            for (from, to) in &within {
                outside.push((first + from, first + to));
                let atoms = Place::Atom(*from)..Place::Atom(*to);
                let inside = self.inside_by_place[f].range(atoms);
                inside.for_each(|(_, runs)| certain.extend(runs));
            }
            let snapshot = self.space.sides[self.side].snapshot;
            let pods = Addresses::Within(snapshot.pod_cidrs.clone());
            let places = [(Place::Unknown, Addresses::Unknown), (Place::Within, pods)];
            for (place, address) in places {
                let Some(runs) = self.inside_by_place[f].get(&place) else { continue };
                match block.matches(&address, family) {
                    Truth::Yes => certain.extend(runs),
                    Truth::Unknown => perhaps.extend(runs),
                    Truth::No => {}
                }
            }
            for (place, runs) in self.inside_by_place[f].range(Place::Several(0)..) {
                let Place::Several(several) = place else { continue };
                let atoms = &self.space.several[*several as usize];
                let is_in = |atom: &&u32| within.iter().any(|run| (run.0..run.1).contains(*atom));
                match atoms.iter().filter(is_in).count() {
                    0 => {}
                    all if all == atoms.len() => certain.extend(runs),
                    _ => perhaps.extend(runs),
                }
            }
        }
        if scope != Scope::EVERYONE {
            let meant = self.inside(scope);
            certain = intersection(&merged(certain), &meant);
            perhaps = intersection(&merged(perhaps), &meant);
        }
        let of_pods = if scope.pods { &[][..] } else { &self.in_pods[f] };
        let local = if scope.nodes { &[][..] } else { &self.local[f] };
        let [outside, _] = split(&merged(outside), local);
        let [sure, unsure] = split(&outside, of_pods);
        certain.extend(sure);
        perhaps.extend(unsure);
        let pair = self.pair(certain, perhaps);
        self.blocks[f].insert((block, scope), pair);
        pair
    }

    /// What a test of each class on a node says.
    fn of_nodes(&mut self, test: impl Fn(&Self, &OnNode<'_>) -> Truth) -> [Vec<Run>; 2] {
        let (mut certain, mut perhaps) = (Vec::new(), Vec::new());
        let snapshot = self.space.sides[self.side].snapshot;
        let nodes = snapshot.nodes.iter().enumerate().rev();
        let nodes: HashMap<&Name, usize> = nodes.map(|(i, node)| (&node.name, i)).collect();
        for class in self.tables.sets.classes(self.on_node) {
            let end = match self.space.one_of(class, self.side) {
                Some(Inside::Node(node)) => OnNode::of_node(snapshot, node),
                Some(Inside::Pod(pod)) => {
                    let pod = snapshot.pod(pod);
                    let node = pod.node.as_ref().and_then(|name| nodes.get(name).copied());
                    OnNode::of_pod(snapshot, pod, node)
                }
                None => continue,
            };
            match test(self, &end) {
                Truth::Yes => certain.push((class, class + 1)),
                Truth::Unknown => perhaps.push((class, class + 1)),
                Truth::No => {}
            }
        }
        [certain, perhaps]
    }

    fn node_set(&mut self, selector: &'a Selector) -> Pair {
        if let Some(known) = self.node_sets.get(selector) {
            return *known;
        }
        let [certain, perhaps] = self.of_nodes(|_, end| end.selected(selector));
        let pair = self.pair(certain, perhaps);
        self.node_sets.insert(selector, pair);
        pair
    }

    /// Ends outside, without those that are nodes'.
    fn plain_outside(&self, family: Family) -> Vec<Run> {
        let [plain, _] = split(&[self.outside(family)], &self.local[family_index(family)]);
        plain
    }

    /// Ends outside, as one run.
    fn outside(&self, family: Family) -> Run {
        let first = self.space.outside(family);
        (first, first + self.space.atoms[family_index(family)].len())
    }

    /// Those outside, of whom nothing is known.
    fn perhaps_outside(&mut self, family: Family) -> Pair {
        let outside = self.plain_outside(family);
        self.pair(Vec::new(), outside)
    }

    /// Those in the cluster whom a scope has.
    fn inside(&self, scope: Scope) -> Vec<Run> {
        let runs = |set| self.tables.sets.runs(set).iter().copied();
        let pods = scope.pods.then(|| runs(self.selectable)).into_iter().flatten();
        let nodes = scope.nodes.then(|| runs(self.on_node)).into_iter().flatten();
        merged(pods.chain(nodes).collect())
    }

    /// Source: docs/semantics/cilium-rules.md#entities.
    fn entities(&mut self, entities: &Entities, family: Family) -> [(Pair, Own); 2] {
        let (mut certain, mut perhaps) = (Vec::new(), Vec::new());
        let outside = self.outside(family);
        let on_node = self.on_node;
        if entities.pods {
            certain.extend(self.tables.sets.runs(self.selectable).iter());
        }
        let plain = self.plain_outside(family);
        let [sure, unsure] = split(&plain, &self.in_pods[family_index(family)]);
        if entities.own_node {
            certain.extend(&self.local[family_index(family)]);
        }
        match (entities.outside, entities.pods) {
            (true, true) => certain.extend(&plain),
            (true, false) => {
                certain.extend(sure);
                perhaps.extend(unsure);
            }
            (false, true) => perhaps.extend(unsure),
            (false, false) => {}
        }
        let own = match (entities.own_node, entities.other_nodes) {
            (true, false) => (Pair::sure(on_node), Own::Node),
            (false, true) => (Pair::sure(on_node), Own::OtherNode),
            (both, _) => {
                if both {
                    certain.extend(self.tables.sets.runs(on_node).iter());
                }
                (Pair::NOBODY, Own::Whichever)
            }
        };
        // Without any node known, who is outside may be one.
        let nodes = entities.own_node || entities.other_nodes;
        if nodes && self.space.sides[self.side].snapshot.nodes.is_empty() {
            perhaps.extend(&plain);
        }
        if entities.api_server {
            perhaps.extend(&self.local[family_index(family)]);
            let known =
                |this: &Self, end: &OnNode<'_>| end.is_api_server(this.api_server.as_deref());
            let [is, may_be] = self.of_nodes(known);
            certain.extend(is);
            perhaps.extend(may_be);
            match &self.api_server {
                None => perhaps.extend(&plain),
                Some(ips) => {
                    let atoms = &self.space.atoms[family_index(family)];
                    let ips = ips.iter().filter(|ip| Family::of(**ip) == family);
                    let classes = ips.map(|ip| outside.0 + atoms.of(*ip));
                    certain.extend(classes.map(|class| (class, class + 1)));
                }
            }
        }
        [(self.pair(certain, perhaps), Own::Whichever), own]
    }

    /// Whom a kind of ends means that does not go by the subject's node.
    pub(super) fn whole(&mut self, kind: &'a PeerKind, family: Family) -> Pair {
        if let PeerKind::Combined(combined) = kind {
            return self.combined(combined, family);
        }
        let both = self.peer(kind, family);
        let sets = &mut self.tables.sets;
        Pair {
            certain: sets.any(both.iter().map(|(pair, _)| pair.certain)),
            possible: sets.any(both.iter().map(|(pair, _)| pair.possible)),
        }
    }

    /// Whom several kinds mean together.
    fn combined(&mut self, combined: &'a Combined, family: Family) -> Pair {
        let everyone = self.anyone(family);
        match combined {
            Combined::All(kinds) => {
                let mut all = Pair::sure(everyone);
                for kind in kinds {
                    let one = self.whole(kind, family);
                    all.certain = self.tables.sets.and(all.certain, one.certain);
                    all.possible = self.tables.sets.and(all.possible, one.possible);
                }
                all
            }
            Combined::Any(kinds) => {
                let each: Vec<Pair> = kinds.iter().map(|kind| self.whole(kind, family)).collect();
                Pair {
                    certain: self.tables.sets.any(each.iter().map(|pair| pair.certain)),
                    possible: self.tables.sets.any(each.iter().map(|pair| pair.possible)),
                }
            }
            Combined::Not(kind) => {
                let one = self.whole(kind, family);
                Pair {
                    certain: self.tables.sets.but(everyone, one.possible),
                    possible: self.tables.sets.but(everyone, one.certain),
                }
            }
        }
    }

    /// Whom a peer means, as a union.
    pub(super) fn peer(&mut self, peer: &'a PeerKind, family: Family) -> [(Pair, Own); 2] {
        let nobody = (Pair::NOBODY, Own::Whichever);
        match peer {
            PeerKind::Pods(set) => {
                let unread = self.in_pods[family_index(family)].clone();
                let unread = self.pair(Vec::new(), unread);
                [(self.pod_set(set), Own::Whichever), (unread, Own::Whichever)]
            }
            PeerKind::Addresses(block, scope) => {
                [(self.block(block, *scope, family), Own::Whichever), nobody]
            }
            PeerKind::Nodes(set) => {
                let own = if set.own { Own::Whichever } else { Own::OtherNode };
                let nodes = (self.node_set(&set.labels), own);
                let (mut certain, mut perhaps) = (Vec::new(), Vec::new());
                let local = if set.labels.is_everything() { &mut certain } else { &mut perhaps };
                local.extend(self.local[family_index(family)].iter().filter(|_| set.own));
                // Without any node known, who is outside may be one.
                if self.space.sides[self.side].snapshot.nodes.is_empty() {
                    perhaps.extend(self.plain_outside(family));
                }
                [nodes, (self.pair(certain, perhaps), Own::Whichever)]
            }
            PeerKind::Entities(entities) => self.entities(entities, family),
            PeerKind::Combined(combined) => {
                [(self.combined(combined, family), Own::Whichever), nobody]
            }
            // Which addresses a name has is not known.
            PeerKind::Names(_) => [(self.perhaps_outside(family), Own::Whichever), nobody],
            PeerKind::Unresolved(_, scope) => {
                let mut perhaps = self.inside(*scope);
                perhaps.extend(self.plain_outside(family));
                if scope.nodes {
                    perhaps.extend(&self.local[family_index(family)]);
                }
                [(self.pair(Vec::new(), perhaps), Own::Whichever), nobody]
            }
        }
    }

    /// The own node of subjects on this node, and all others.
    fn own_node(&mut self, node: Option<u32>) -> [Pair; 2] {
        if let Some(known) = self.own_nodes.get(&node) {
            return *known;
        }
        let with = |node| self.by_node.get(&node).map_or(&[][..], Vec::as_slice);
        let (certain, perhaps) = match node {
            Some(_) => (with(node).to_vec(), with(None).to_vec()),
            None => (Vec::new(), self.tables.sets.runs(self.on_node).to_vec()),
        };
        let own = self.pair(certain, perhaps);
        let mut others = |set| {
            let mut rest = Vec::new();
            let mut next = 0;
            let end = (self.space.inside, self.space.inside);
            for (from, to) in self.tables.sets.runs(set).iter().chain([&end]) {
                rest.push((next, *from));
                next = *to;
            }
            let rest = self.tables.sets.id(merged(rest));
            self.tables.sets.and(rest, self.on_node)
        };
        let other = Pair { certain: others(own.possible), possible: others(own.certain) };
        self.own_nodes.insert(node, [own, other]);
        [own, other]
    }

    /// Of a set, whoever stands so to the own node of subjects on this node.
    pub(super) fn owned(&mut self, set: SetId, own: Own, node: Option<u32>, mode: Mode) -> SetId {
        let [mine, others] = match own {
            Own::Whichever => return set,
            Own::Node | Own::OtherNode => self.own_node(node),
        };
        let meant = if own == Own::Node { mine } else { others };
        self.tables.sets.and(set, meant.get(mode))
    }

    /// The own node of subjects on this node.
    pub(super) fn whole_own_node(&mut self, node: Option<u32>, mode: Mode) -> SetId {
        self.own_node(node)[0].get(mode)
    }

    /// Everyone who can be an end of a flow of the family.
    pub(super) fn anyone(&mut self, family: Family) -> SetId {
        let places = self.inside_by_place[family_index(family)].iter();
        let there = places.filter(|(place, _)| **place != Place::Absent);
        let mut runs: Vec<Run> = there.flat_map(|(_, runs)| runs.iter().copied()).collect();
        let first = self.space.outside(family);
        runs.push((first, first + self.space.atoms[family_index(family)].len()));
        self.tables.sets.id(merged(runs))
    }

    /// Every selectable pod that can be an end, where more than one namespace has pods.
    pub(super) fn every_pod(&mut self, anyone: SetId) -> Option<SetId> {
        let several = self.space.namespaces.len() > 1;
        several.then(|| self.tables.sets.and(self.selectable, anyone))
    }
}
