//! Addresses that Cilium does not take for outside: those of the pod network, which may be pods' though
//! none is known to have them, and the one for DNS on each node.
//!
//! In: one side of a [`Space`]. Out: the classes outside of which every address is one. A class that
//! has others too stands for these. Source:
//! docs/semantics/cilium-rules.md#addresses-of-the-pod-network and
//! docs/semantics/cilium-networkpolicy.md#nodelocal-dns.

use super::classes::Space;
use super::sets::{ClassId, Run, intersection};
use super::side::family_index;
use crate::cluster::Family;
use crate::policy::NODE_LOCAL_DNS;
use ipnet::IpNet;
use std::net::IpAddr;

impl Space<'_> {
    /// The pod networks of a side that Cilium judges.
    fn pod_networks(&self, side: usize) -> &[IpNet] {
        let side = &self.sides[side];
        side.rules.cilium().map_or(&[], |_| side.snapshot.pod_cidrs.as_slice())
    }

    /// Whether an address is in the pod network of a side.
    pub(super) fn is_in_pod_network(&self, ip: IpAddr) -> bool {
        let sides = 0..self.sides.len();
        sides.flat_map(|side| self.pod_networks(side)).any(|net| net.contains(&ip))
    }

    /// Whether every address of an atom is in the pod network of a side.
    fn is_of_pods(&self, side: usize, family: Family, atom: u32) -> bool {
        let (first, last) = self.atoms[family_index(family)].bounds(atom);
        self.pod_networks(side).iter().any(|net| net.contains(&first) && net.contains(&last))
    }

    /// Whether every address of an atom is in the pod network of some side.
    pub(super) fn is_of_any_pods(&self, family: Family, atom: u32) -> bool {
        (0..self.sides.len()).any(|side| self.is_of_pods(side, family, atom))
    }

    /// The classes outside of which every address is in the pod network of a side.
    pub(super) fn in_pod_network(&self, side: usize, family: Family) -> Vec<Run> {
        if self.pod_networks(side).is_empty() {
            return Vec::new();
        }
        let first = self.outside(family);
        let atoms = 0..self.atoms[family_index(family)].len();
        let of_pods = atoms.filter(|atom| self.is_of_pods(side, family, *atom));
        super::sets::singles(of_pods.map(|atom| first + atom))
    }
}

impl Space<'_> {
    /// The class that has but the address of DNS on each node, which to Cilium is the own node's.
    pub(super) fn node_local_dns(&self, side: usize, family: Family) -> Vec<Run> {
        if self.sides[side].rules.cilium().is_none() || Family::of(NODE_LOCAL_DNS) != family {
            return Vec::new();
        }
        let atoms = &self.atoms[family_index(family)];
        let atom = atoms.of(NODE_LOCAL_DNS);
        let class = self.outside(family) + atom;
        let alone = atoms.bounds(atom) == (NODE_LOCAL_DNS, NODE_LOCAL_DNS);
        alone.then_some((class, class + 1)).into_iter().collect()
    }
}

/// What of some runs is not among others, and what is.
pub(super) fn split(runs: &[Run], others: &[Run]) -> [Vec<Run>; 2] {
    let mut rest = Vec::new();
    let mut next = 0;
    for (from, to) in others.iter().chain([&(ClassId::MAX, ClassId::MAX)]) {
        rest.push((next, *from));
        next = *to;
    }
    rest.retain(|(from, to)| from < to);
    [intersection(runs, &rest), intersection(runs, others)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_split() {
        let [rest, both] = split(&[(2, 6), (8, 9)], &[(0, 3), (5, 7)]);
        assert_eq!((rest, both), (vec![(3, 5), (8, 9)], vec![(2, 3), (5, 6)]));
        assert_eq!(split(&[(2, 6)], &[]), [vec![(2, 6)], vec![]]);
    }
}
