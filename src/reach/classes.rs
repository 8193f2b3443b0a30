//! Ends that no policy tells apart, as classes.
//!
//! In: one side (a snapshot with its rules), or two sides to be compared. Out: a [`Space`] of
//! numbered classes. Pods come first, sorted by namespace, then nodes, then the address atoms of each
//! family (one for both where there are no blocks). With two sides an end that both have is one member, and
//! its class is the common refinement of what either side's rules tell apart.

use super::End;
use super::addresses::Atoms;
use super::facts::{Facts, Reader, Shared};
use super::members::{Inside, Member, members};
use super::nodes::NodeRule;
use super::sets::ClassId;
use super::side::{Side, family_index, id};
use crate::cluster::{AddressBlock, Family, Name, Pod, Truth, real_namespace};
use crate::policy::rule::PeerKind;
use crate::policy::{Ruleset, peers};
use foldhash::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// No class: the pod has finished.
pub(super) const NO_CLASS: ClassId = ClassId::MAX;

/// Classes with what the sides know of each.
pub(super) struct Space<'a> {
    pub(super) sides: Vec<Side<'a>>,
    /// Facts of pod and node classes, by class and side.
    pub(super) facts: Vec<[Option<Facts>; 2]>,
    members: Vec<Member>,
    starts: Vec<usize>,
    /// The pod classes of each namespace.
    pub(super) namespaces: BTreeMap<Name, Range<ClassId>>,
    pub(super) pods: ClassId,
    /// Where addresses outside begin.
    pub(super) inside: ClassId,
    /// No block tells addresses apart, so both families have one and the same atom.
    pub(super) uncut: bool,
    /// Classes know their node.
    pub(super) by_node: bool,
    pub(super) atoms: [Atoms; 2],
    /// The atoms of ends with several addresses.
    pub(super) several: Vec<Box<[u32]>>,
    pub(super) size: ClassId,
    /// For pod classes of namespaces of which different labels are supposed: which namespace, and
    /// which supposition. Empty where there are none.
    suppositions: Vec<Option<(u32, u32)>>,
    pub(super) class_of_pod: Vec<Vec<ClassId>>,
    pub(super) class_of_node: Vec<Vec<ClassId>>,
}

/// Its namespace by rank, or none, and what either side knows.
type Key = (Option<u32>, [Option<Facts>; 2]);

impl<'a> Space<'a> {
    pub(super) fn new(sides: Vec<Side<'a>>) -> Self {
        let servers = api_servers(&sides);
        let uncut = servers.is_empty() && sides.iter().all(|side| !side.rules.traits().addresses);
        let blocks = || sides.iter().flat_map(|side| address_blocks(side.rules)).chain(&servers);
        let atoms = Family::ALL.map(|family| Atoms::cut(family, blocks()));
        let all = members(&sides);
        let by_node = by_node(&sides, &all);
        let mut shared = Shared::new(atoms, by_node);
        let mut readers: Vec<Reader<'a>> = sides.iter().map(|side| Reader::new(*side)).collect();
        let mut keyed: Vec<(Key, Member)> = Vec::new();
        let names: BTreeSet<&'a Name> = sides
            .iter()
            .flat_map(|side| side.snapshot.namespaces().map(|namespace| &namespace.name))
            .collect();
        let names: Vec<&'a Name> = names.into_iter().collect();
        let ranks: HashMap<&Name, u32> = names.iter().copied().zip(0..).collect();
        for member in all {
            let mut namespace = None;
            let mut facts = [None, None];
            for (i, reader) in readers.iter_mut().enumerate() {
                if let Some(Inside::Pod(pod)) = member[i] {
                    namespace = ranks.get(&sides[i].snapshot.pod(pod).namespace).copied();
                }
                facts[i] = member[i].map(|inside| reader.facts(inside, &mut shared));
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
            uncut,
            by_node,
            size: 0,
            suppositions: Vec::new(),
            class_of_pod: sides.iter().map(|s| vec![NO_CLASS; s.snapshot.pods().len()]).collect(),
            class_of_node: sides.iter().map(|s| vec![NO_CLASS; s.snapshot.nodes.len()]).collect(),
            atoms: shared.atoms,
            several: shared.several,
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
                    space.namespaces.entry(name.clone()).or_insert(class..class).end = class + 1;
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
        space.suppositions = suppositions(&space.namespaces, space.pods);
        let v6 = if space.uncut { 0 } else { space.atoms[1].len() };
        space.size = space.inside + space.atoms[0].len() + v6;
        space
    }

    /// The same classes of sides in which the same ends are.
    pub(super) fn of_sides(self, sides: Vec<Side<'_>>) -> Space<'_> {
        let Self { facts, members, starts, namespaces, pods, inside, uncut, by_node, .. } = self;
        let Self { atoms, several, size, suppositions, class_of_pod, class_of_node, .. } = self;
        Space {
            sides,
            facts,
            members,
            starts,
            namespaces,
            pods,
            inside,
            uncut,
            by_node,
            atoms,
            several,
            size,
            suppositions,
            class_of_pod,
            class_of_node,
        }
    }

    /// Makes it the same classes of one side with these pods in them, by pod, unless one would have nobody.
    /// Out: whether it did.
    pub(super) fn refill(&mut self, class_of_pod: Vec<ClassId>) -> bool {
        let pods = class_of_pod.iter().copied().enumerate();
        let pods = pods.map(|(id, class)| (class, Inside::Pod(id)));
        let nodes = self.class_of_node[0].iter().copied().enumerate();
        let all = || {
            let nodes = nodes.clone().map(|(id, class)| (class, Inside::Node(id)));
            pods.clone().chain(nodes).filter(|(class, _)| *class != NO_CLASS)
        };
        let mut starts = vec![0; self.inside as usize + 1];
        for (class, _) in all() {
            starts[class as usize + 1] += 1;
        }
        if starts[1..].contains(&0) {
            return false;
        }
        for class in 1..starts.len() {
            starts[class] += starts[class - 1];
        }
        let mut next = starts.clone();
        let mut members: Vec<Member> = vec![[None; 2]; starts[self.inside as usize]];
        for (class, inside) in all() {
            members[next[class as usize]] = [Some(inside), None];
            next[class as usize] += 1;
        }
        (self.members, self.starts, self.class_of_pod) = (members, starts, vec![class_of_pod]);
        true
    }

    /// The members of a pod or node class.
    pub(super) fn members(&self, class: ClassId) -> &[Member] {
        if class >= self.inside {
            return &[];
        }
        &self.members[self.starts[class as usize]..self.starts[class as usize + 1]]
    }

    /// One pod or node of a class on one side.
    pub(super) fn one_of(&self, class: ClassId, side: usize) -> Option<Inside> {
        self.members(class).first()?[side]
    }

    /// One pod of a pod class on one side.
    pub(super) fn example(&self, class: ClassId, side: usize) -> Option<&'a Pod> {
        match self.one_of(class, side)? {
            Inside::Pod(pod) => Some(self.sides[side].snapshot.pod(pod)),
            Inside::Node(_) => None,
        }
    }

    /// Whether a class on nodes is the own node of a pod class; No where classes do not know it.
    pub(super) fn is_own_node(&self, on_node: ClassId, pod: ClassId, side: usize) -> Truth {
        let facts = |class: ClassId| self.facts.get(class as usize).and_then(|f| f[side].as_ref());
        match (facts(on_node), facts(pod)) {
            (Some(a), Some(b)) if self.by_node && a.on_node && !b.on_node => {
                a.node.zip(b.node).map_or(Truth::Unknown, |(a, b)| (a == b).into())
            }
            _ => Truth::No,
        }
    }

    /// Whether ends of two classes are never there at once: their namespace is the same, and what is
    /// supposed of its labels is not.
    pub(super) fn exclude(&self, a: ClassId, b: ClassId) -> bool {
        let of = |class: ClassId| self.suppositions.get(class as usize).copied().flatten();
        let both = of(a).zip(of(b));
        both.is_some_and(|((one, these), (other, those))| one == other && these != those)
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

/// Which namespace the pod classes are in, and what is supposed of it, where that is not one thing.
fn suppositions(
    namespaces: &BTreeMap<Name, Range<ClassId>>,
    pods: ClassId,
) -> Vec<Option<(u32, u32)>> {
    let several = namespaces.keys().any(|name| real_namespace(name).len() < name.len());
    if !several {
        return Vec::new();
    }
    let mut all = vec![None; pods as usize];
    let mut real: BTreeMap<&str, u32> = BTreeMap::new();
    for (supposed, (name, range)) in (0..).zip(namespaces) {
        let next = id(real.len());
        let real = *real.entry(real_namespace(name)).or_insert(next);
        all[range.start as usize..range.end as usize].fill(Some((real, supposed)));
    }
    all
}

/// Whether the relations themselves must know which node a pod is on: some rule asks for it, or can
/// change how a node stands to its pods, or that is not the same on both sides, or a pod came to the network of its
/// node or left it.
pub(super) fn by_node(sides: &[Side<'_>], members: &[Member]) -> bool {
    let matters = |side: &Side<'_>| {
        side.rules.traits().own_node
            || NodeRule::of(side.rules).can_be_changed(side.snapshot, side.rules)
    };
    let differ = |pair: &[Side<'_>]| NodeRule::of(pair[0].rules) != NodeRule::of(pair[1].rules);
    let turned = |member: &Member| {
        let [Some(Inside::Pod(old)), Some(Inside::Pod(new))] = *member else { return false };
        let on_node = |side: usize, pod| sides[side].snapshot.pod(pod).host_network;
        on_node(0, old) != on_node(1, new)
    };
    sides.iter().any(|side| side.snapshot.has_ends_on_nodes())
        && (sides.iter().any(matters) || sides.windows(2).any(differ) || members.iter().any(turned))
}

/// The addresses of the API server as blocks, where some rule asks for it.
fn api_servers(sides: &[Side<'_>]) -> Vec<AddressBlock> {
    let asks = |side: &&Side<'_>| {
        peers(side.rules).any(|p| matches!(p, PeerKind::Entities(entities) if entities.api_server))
    };
    let ips = sides.iter().filter(asks).filter_map(|side| side.snapshot.api_server()).flatten();
    ips.map(|ip| AddressBlock { cidr: ip.into(), except: [].into() }).collect()
}

fn address_blocks(rules: &Ruleset) -> impl Iterator<Item = &AddressBlock> {
    peers(rules).filter_map(|peer| match peer {
        PeerKind::Addresses(block, _) => Some(block),
        _ => None,
    })
}
