//! What tells pods apart, so that what is said of some of them need not hold for all.
//!
//! In: the rules of both sides. Out: whether pods of one namespace are told apart by any of them, and
//! the namespaces that those which judge one side of a row tell from others, if they tell no more.

use crate::answer::diff::DiffSide;
use crate::cluster::{NAMESPACE_NAME_LABEL, Operator};
use crate::policy::rule::{
    Direction, Entry, Namespaces, PeerKind, Peers, PodSet, Policy, PortMatch, PortRule, Ports,
};
use crate::policy::sight;
use crate::reach::{End, PortSet, Same};
use foldhash::{HashSet, HashSetExt as _};
use std::collections::BTreeSet;

/// What tells pods apart.
pub(super) struct ToldApart<'a> {
    sides: [&'a DiffSide<'a>; 2],
    /// Sets that ask for something of a pod, by where it is.
    sets: HashSet<&'a Namespaces>,
    /// By their addresses, or by what they call their ports, wherever they are.
    anywhere: bool,
}

impl<'a> ToldApart<'a> {
    pub(super) fn of(sides: [&'a DiffSide<'a>; 2]) -> Self {
        let mut told = Self { sides, sets: HashSet::new(), anywhere: false };
        for side in sides {
            told.anywhere |= side.rules.traits().pod_addresses;
            for set in sight::pod_sets(side.rules) {
                if !is_whole(set) {
                    told.sets.insert(&set.namespaces);
                }
            }
            let mut entries = side.rules.policies().iter().flat_map(|policy| &policy.entries);
            told.anywhere |= entries.any(names_ports);
        }
        told
    }

    /// Whether some rule tells pods of a namespace apart.
    pub(super) fn within(&self, name: &str) -> bool {
        let may = |namespaces: &Namespaces| match namespaces {
            Namespaces::Own(own) => **own == *name,
            Namespaces::Matching(selector) => self.sides.iter().any(|side| {
                let namespace = side.snapshot.namespace(name);
                namespace.is_none_or(|namespace| !namespace.matches(selector).is_no())
            }),
        };
        self.anywhere || self.sets.iter().any(|namespaces| may(namespaces))
    }

    /// The namespaces that rules of either side tell from others as a whole, for flows at some ports
    /// between any pod and these others; `None` where they tell pods apart by anything else. `own` is the direction in
    /// which policies speak for the pods.
    pub(super) fn places(
        &self,
        own: Direction,
        others: &[Same],
        ports: &PortSet,
    ) -> Option<BTreeSet<&'a str>> {
        let mut places = BTreeSet::new();
        for (i, side) in self.sides.into_iter().enumerate() {
            places.extend(side.rules.unread_namespaces().map(|name| &**name));
            for policy in side.rules.policies() {
                if policy.direction == own {
                    places.extend(singled_out(&policy.subject)?);
                    if policy.entries.iter().any(|entry| entry.only.is_some()) {
                        return None;
                    }
                    if own == Direction::Ingress && policy.entries.iter().any(names_ports) {
                        return None;
                    }
                } else if others.iter().any(|other| may_select(side, policy, other, i)) {
                    for entry in policy.entries.iter().filter(|entry| is_about(entry, ports)) {
                        places.extend(of_peers(entry)?);
                        if own == Direction::Ingress && names_ports(entry) {
                            return None;
                        }
                    }
                }
            }
        }
        Some(places)
    }
}

/// Whether a policy of a side may select an end.
fn may_select(side: &DiffSide<'_>, policy: &Policy, end: &Same, i: usize) -> bool {
    match if i == 0 { end.old } else { end.new } {
        End::Pod(id) => {
            let pod = side.snapshot.pod(id);
            let namespace = side.snapshot.namespace(&pod.namespace);
            !policy.subject.has(pod, namespace).is_no()
        }
        End::Node(_) | End::Address(_) => false,
    }
}

/// Whether it has every pod of the namespaces that it has.
fn is_whole(set: &PodSet) -> bool {
    set.pods.is_everything() && set.doubt.is_none()
}

/// The namespaces that the peers of a rule name; `None` where they ask for anything else of pods.
fn of_peers(entry: &Entry) -> Option<BTreeSet<&str>> {
    let mut places = BTreeSet::new();
    if entry.only.is_some() {
        return None;
    }
    let Peers::Of(peers) = &entry.peers else { return Some(places) };
    for peer in peers {
        match &peer.admits {
            PeerKind::Pods(set) => places.extend(singled_out(set)?),
            PeerKind::Addresses(_, scope) if scope.pods => return None,
            PeerKind::Combined(_) => return None,
            // These mean every pod, or none.
            PeerKind::Addresses(..)
            | PeerKind::Nodes(_)
            | PeerKind::Entities(_)
            | PeerKind::Names(_)
            | PeerKind::Unresolved(..) => {}
        }
    }
    Some(places)
}

/// The namespaces that a set names; `None` where it asks for anything else.
fn singled_out(set: &PodSet) -> Option<BTreeSet<&str>> {
    if !is_whole(set) {
        return None;
    }
    let selector = match &set.namespaces {
        Namespaces::Own(name) => return Some([&**name].into()),
        Namespaces::Matching(selector) => selector,
    };
    let mut places = BTreeSet::new();
    for requirement in &selector.requirements {
        match &requirement.operator {
            Operator::In(names) | Operator::NotIn(names)
                if *requirement.key == *NAMESPACE_NAME_LABEL =>
            {
                places.extend(names.iter().map(|name| &**name));
            }
            _ => return None,
        }
    }
    Some(places)
}

/// Whether a rule goes by what pods call their ports.
fn names_ports(entry: &Entry) -> bool {
    match &entry.ports {
        Ports::Any => false,
        Ports::Of(items) => items.iter().any(PortRule::is_by_name),
    }
}

/// Whether a rule is about some of these ports.
fn is_about(entry: &Entry, ports: &PortSet) -> bool {
    let Ports::Of(items) = &entry.ports else { return true };
    items.iter().any(|item| {
        let mut same = ports.ranges().filter(|(protocol, _)| *protocol == item.protocol);
        match &item.ports {
            PortMatch::All => same.next().is_some(),
            PortMatch::Range(of) => {
                same.any(|(_, range)| range.first <= of.last && of.first <= range.last)
            }
            PortMatch::Named(_) => true,
        }
    })
}
