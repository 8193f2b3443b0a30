//! Ends that are known, and what of them is not the same on both sides.
//!
//! In: two sides, or one, and the policies of a subject. Out: addresses outside and nodes that these can
//! tell apart, and the known pods, nodes and settings that a change moved.

use super::{Group, Search};
use crate::cluster::{
    AddressBlock, Family, NAMESPACE_NAME_LABEL, Name, ObjectRef, Pod, Snapshot, Truth,
};
use crate::policy::NODE_LOCAL_DNS;
use crate::policy::rule::{Entry, Namespaces, PeerKind, PodSet, Policy};
use crate::unwritten::flows::Who;
use crate::unwritten::homes::{Home, Side, sets};
use crate::verdict::{Endpoint, means};
use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use std::collections::{BTreeMap, BTreeSet};

impl<'a> Search<'a> {
    /// Addresses outside that some rule of these policies can tell apart.
    pub(super) fn outside(&self, family: Family, policies: &[&Policy]) -> Vec<(Group, Who<'a>)> {
        let peers = policies.iter().flat_map(|policy| peers(policy));
        let blocks = peers.filter_map(|peer| match peer {
            PeerKind::Addresses(block, _) => Some(block),
            _ => None,
        });
        let of_family: Vec<&AddressBlock> =
            blocks.filter(|block| Family::of_net(block.cidr) == family).collect();
        // Where no block asks, one family shows what the other has.
        if of_family.is_empty() && family == Family::V6 {
            return Vec::new();
        }
        let single = |cidr| AddressBlock { cidr, except: [].into() };
        let mut more: Vec<AddressBlock> = Vec::new();
        let cilium = self.sides.iter().any(|side| side.rules.cilium().is_some());
        for side in self.sides {
            more.extend(side.snapshot.pod_cidrs.iter().map(|net| single(*net)));
            more.extend(
                side.snapshot.api_server().into_iter().flatten().map(|ip| single(ip.into())),
            );
        }
        more.extend(cilium.then(|| single(NODE_LOCAL_DNS.into())));
        let atoms = crate::reach::Atoms::cut(family, of_family.into_iter().chain(&more));
        // Those in the pod network of every side are pods'.
        let of_pods = |ip| {
            let has = |side: &Side<'_>| side.snapshot.pod_cidrs.iter().any(|net| net.contains(&ip));
            cilium && self.sides.iter().all(has)
        };
        let all = (0..atoms.len()).map(|atom| atoms.example(atom, |_| false));
        let all = all.filter(|ip| !of_pods(*ip)).map(Endpoint::Address);
        // Its own node's pods reach it in any case, which is to hide nothing of what others do not.
        let is_local = |ip: &Endpoint| *ip == Endpoint::Address(NODE_LOCAL_DNS);
        let (local, rest): (Vec<Endpoint>, Vec<Endpoint>) =
            all.partition(|ip| self.sides.len() > 1 && is_local(ip));
        let one =
            |all: Vec<Endpoint>| Who::One(all.into_iter().map(|ip| [ip.clone(), ip]).collect());
        let groups = [(Group::Outside, rest), (Group::NodeLocal, local)];
        let groups = groups.into_iter().filter(|(_, all)| !all.is_empty());
        groups.map(|(group, all)| (group, one(all))).collect()
    }

    /// Nodes, and pods on their networks, that all sides have and these policies can tell apart.
    pub(super) fn on_nodes(&self, policies: &[&Policy]) -> Option<Who<'a>> {
        let mut all: Vec<[Endpoint; 2]> = Vec::new();
        let mut nodes: BTreeMap<&Name, [Option<usize>; 2]> = BTreeMap::new();
        let mut pods: BTreeMap<(&Name, &Name), [Option<usize>; 2]> = BTreeMap::new();
        for (at, side) in self.sides.iter().enumerate() {
            if !side.snapshot.has_ends_on_nodes() {
                return None;
            }
            for (index, node) in side.snapshot.nodes.iter().enumerate() {
                nodes.entry(&node.name).or_default()[at].get_or_insert(index);
            }
            let on_node = side.snapshot.pods().iter().enumerate();
            for (id, pod) in on_node.filter(|(_, pod)| pod.host_network && !pod.finished) {
                pods.entry((&pod.namespace, &pod.name)).or_default()[at].get_or_insert(id);
            }
        }
        let two = self.sides.len() > 1;
        let both = |[old, new]: [Option<usize>; 2]| Some([old?, if two { new? } else { old? }]);
        all.extend(nodes.into_values().filter_map(both).map(|both| both.map(Endpoint::Node)));
        all.extend(pods.into_values().filter_map(both).map(|both| both.map(Endpoint::Pod)));
        let asked: Vec<&PeerKind> = policies.iter().flat_map(|policy| peers(policy)).collect();
        let mut seen: HashSet<Vec<Truth>> = HashSet::new();
        all.retain(|both| {
            let mut shows = Vec::with_capacity(asked.len());
            for (side, end) in self.sides.iter().zip(both) {
                let cilium = side.rules.cilium().is_some();
                for peer in &asked {
                    for family in Family::ALL {
                        shows.push(means(side.snapshot, cilium, peer, end, family));
                    }
                }
            }
            seen.insert(shows)
        });
        (!all.is_empty()).then_some(Who::One(all.into()))
    }
}

/// Every peer that a policy names.
pub(super) fn peers(policy: &Policy) -> impl Iterator<Item = &PeerKind> {
    policy.entries.iter().flat_map(Entry::others)
}

/// Whether a policy may select pods of a home.
pub(super) fn may_select(policy: &Policy, side: usize, home: &Home) -> bool {
    may_have(&policy.subject, side, home)
}

/// Whether pods of a home may be in a set.
pub(super) fn may_have(set: &PodSet, side: usize, home: &Home) -> bool {
    match &set.namespaces {
        Namespaces::Own(name) => home.members.contains(name),
        Namespaces::Matching(selector) => selector.requirements.iter().all(|requirement| {
            if *requirement.key == *NAMESPACE_NAME_LABEL {
                return home.members.iter().any(|name| requirement.holds_for(Some(name)));
            }
            let Some(labels) = &home.labels else { return true };
            requirement.holds_for(labels[side].get(&requirement.key))
        }),
    }
}

/// Whether something besides policies, pods and labels of namespaces is not the same on both sides.
pub(super) fn settings_differ([old, new]: [&Side<'_>; 2]) -> bool {
    let unread = |side: &Side<'_>| -> BTreeMap<Name, bool> {
        let names = side.rules.unread_namespaces();
        names.map(|name| (name.clone(), side.rules.may_have_denials(name))).collect()
    };
    old.rules.enforcer() != new.rules.enforcer()
        || old.rules.cluster_wide_unread() != new.rules.cluster_wide_unread()
        || unread(old) != unread(new)
        || old.snapshot.pod_cidrs != new.snapshot.pod_cidrs
        || old.snapshot.api_server() != new.snapshot.api_server()
        || nodes_differ(old.snapshot, new.snapshot)
}

/// Whether the labels of some namespace that both sides have written are not the same.
pub(super) fn labels_differ([old, new]: [&Side<'_>; 2]) -> bool {
    new.snapshot.namespaces().any(|after| {
        let before = old.snapshot.namespace(&after.name);
        before.is_some_and(|before| {
            !before.labels_unread && !after.labels_unread && before.labels != after.labels
        })
    })
}

/// Whether what both sides know of some node, or of a pod on its network, is not the same.
fn nodes_differ(old: &Snapshot, new: &Snapshot) -> bool {
    // Without any node known, whatever is outside may be one.
    if old.nodes.is_empty() != new.nodes.is_empty() {
        return true;
    }
    let nodes: HashMap<&Name, _> =
        old.nodes.iter().rev().map(|n| (&n.name, (&n.labels, &n.ips))).collect();
    let pods = |side: &Snapshot| -> BTreeMap<_, _> {
        let all = if side.has_ends_on_nodes() { side.pods() } else { &[] };
        let on_node = all.iter().filter(|pod| pod.host_network && !pod.finished);
        on_node.map(|pod| (own_key(pod), (pod.node.clone(), pod.ips.clone()))).collect()
    };
    let (before, after) = (pods(old), pods(new));
    new.nodes.iter().any(|n| nodes.get(&n.name).is_some_and(|was| *was != (&n.labels, &n.ips)))
        || after.iter().any(|(key, is)| before.get(key).is_some_and(|was| was != is))
}

fn own_key(pod: &Pod) -> (Name, Name, bool) {
    (pod.namespace.clone(), pod.name.clone(), pod.template)
}

/// The known pods that are not the same on both sides, as far as rules can see.
pub(super) fn moved(sides: &[Side<'_>]) -> Vec<[usize; 2]> {
    let [old, new] = sides else { return Vec::new() };
    let mut keys: BTreeSet<&str> = BTreeSet::new();
    for policy in sides.iter().flat_map(|side| side.rules.policies()) {
        let sets = sets(policy);
        keys.extend(sets.flat_map(|set| &set.pods.requirements).map(|r| &*r.key));
    }
    let names: HashMap<(&Name, &Name, bool), usize> =
        old.snapshot.pods().iter().enumerate().map(|(id, pod)| (key(pod), id)).collect();
    let owner = |side: &Side<'_>, pod: &Pod| -> Option<ObjectRef> {
        Some(side.snapshot.workloads.get(pod.owner?)?.object.clone())
    };
    let mut by_owner: HashMap<ObjectRef, usize> = HashMap::new();
    let mut moved = Vec::new();
    for (id, pod) in new.snapshot.pods().iter().enumerate() {
        if pod.finished || pod.host_network {
            continue;
        }
        let before = names.get(&key(pod)).copied().or_else(|| {
            if by_owner.is_empty() {
                let pods = old.snapshot.pods().iter().enumerate().rev();
                by_owner.extend(pods.filter_map(|(id, pod)| Some((owner(old, pod)?, id))));
            }
            by_owner.get(&owner(new, pod)?).copied()
        });
        let Some(before) = before else { continue };
        let was = old.snapshot.pod(before);
        let alike = was.labels == pod.labels && was.service_account == pod.service_account;
        let same = (alike || keys.iter().all(|key| was.label(key) == pod.label(key)))
            && was.unknown_labels == pod.unknown_labels
            && was.ports == pod.ports
            && was.ips == pod.ips
            && !was.finished
            && !was.host_network;
        if !same && !was.finished && !was.host_network {
            moved.push([before, id]);
        }
    }
    moved
}

fn key(pod: &Pod) -> (&Name, &Name, bool) {
    (&pod.namespace, &pod.name, pod.template)
}
