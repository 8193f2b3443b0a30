//! Addresses that Cilium takes for something in the cluster, though no pod or node is known to have
//! them.
//!
//! In: an address as the other end of a flow. Out: what a peer item says of it, where that is not
//! what it says of an address outside. Source:
//! docs/semantics/cilium-rules.md#addresses-of-the-pod-network and
//! docs/semantics/cilium-networkpolicy.md#nodelocal-dns.

use super::matching::{Matcher, Tried};
use super::trace::PeerMiss;
use crate::cluster::{Addresses, Snapshot, Truth};
use crate::ends::Endpoint;
use crate::policy::rule::{Entities, PeerKind};
use crate::policy::{NODE_LOCAL_DNS, Ruleset};
use std::net::IpAddr;

/// Why it is not known who has an address of the pod network.
fn perhaps_pod(ip: IpAddr) -> String {
    format!("{ip} is in the pod network, and no pod that was read has this address")
}

/// What is said of an address that nothing is known to have and that is not outside.
pub(super) fn inside_note(snapshot: &Snapshot, rules: &Ruleset, ip: IpAddr) -> Option<String> {
    rules.cilium()?;
    if ip == NODE_LOCAL_DNS {
        let where_it_is = "is where NodeLocal DNSCache listens on each node";
        return Some(format!("{ip} {where_it_is}: judged as a pod's own node, as Cilium does"));
    }
    let in_pod_network = snapshot.pod_cidrs.iter().any(|net| net.contains(&ip));
    in_pod_network.then(|| format!("{}: it may be a pod's", perhaps_pod(ip)))
}

impl Matcher<'_> {
    /// Whether the peer is an address of each pod's own node.
    pub(super) fn is_node_local(&self) -> bool {
        self.cilium && *self.peer == Endpoint::Address(NODE_LOCAL_DNS)
    }

    /// Whether the peer is an address of the pod network that no pod is known to have.
    pub(super) fn may_be_pod(&self) -> bool {
        let Endpoint::Address(ip) = *self.peer else { return false };
        self.cilium && self.snapshot.pod_cidrs.iter().any(|net| net.contains(&ip))
    }

    /// What an item says of an address that is in the cluster; `None` for others.
    pub(super) fn inside(&self, kind: &PeerKind) -> Option<Tried> {
        let Endpoint::Address(ip) = *self.peer else { return None };
        if matches!(kind, PeerKind::Combined(_)) {
            return None;
        }
        if self.is_node_local() {
            return Some(self.of_own_node(kind, ip));
        }
        self.may_be_pod().then(|| self.of_pod_network(kind, ip)).flatten()
    }

    /// An address of the own node has that node's identity.
    fn of_own_node(&self, kind: &PeerKind, ip: IpAddr) -> Tried {
        let no = |miss| (Truth::No, Some(miss));
        match kind {
            PeerKind::Pods(_) => no(PeerMiss::NotAPod),
            PeerKind::Addresses(block, scope) if scope.nodes => {
                match block.matches(&Addresses::Known(ip), self.flow.family) {
                    Truth::Yes => (Truth::Yes, None),
                    _ => no(PeerMiss::OutsideBlock { block: block.clone(), address: ip }),
                }
            }
            PeerKind::Addresses(block, _) => no(PeerMiss::NotOutside(block.clone())),
            PeerKind::Nodes(nodes) if !nodes.own => no(PeerMiss::OwnNode),
            PeerKind::Nodes(nodes) if nodes.labels.is_everything() => (Truth::Yes, None),
            PeerKind::Nodes(_) => (Truth::Unknown, Some(PeerMiss::NodeUnknown)),
            PeerKind::Entities(Entities { own_node: true, .. }) => (Truth::Yes, None),
            PeerKind::Entities(Entities { api_server: true, written, .. }) => {
                (Truth::Unknown, Some(PeerMiss::PerhapsOfEntities(written.clone().into())))
            }
            PeerKind::Entities(entities) => {
                no(PeerMiss::NotOfEntities(entities.written.clone().into()))
            }
            PeerKind::Names(names) => no(PeerMiss::OtherName(names.patterns.clone().into())),
            // What it is combined of is asked one by one, see [`Matcher::inside`].
            PeerKind::Combined(_) => (Truth::Unknown, None),
            PeerKind::Unresolved(why, scope) if scope.nodes => {
                (Truth::Unknown, Some(PeerMiss::Unseen(why.clone())))
            }
            PeerKind::Unresolved(..) => no(PeerMiss::NotOfEntities(["outside".into()].into())),
        }
    }

    /// An address of the pod network may be that of a pod which was not read, or nobody's.
    fn of_pod_network(&self, kind: &PeerKind, ip: IpAddr) -> Option<Tried> {
        let miss = || PeerMiss::Unseen(perhaps_pod(ip).into());
        let unknown = || Some((Truth::Unknown, Some(miss())));
        match kind {
            PeerKind::Pods(_) => unknown(),
            PeerKind::Addresses(block, scope)
                if !scope.pods
                    && block.matches(&Addresses::Known(ip), self.flow.family).is_yes() =>
            {
                unknown()
            }
            PeerKind::Entities(entities) if entities.outside != entities.pods => {
                let truth = self.entity_peer(entities).0;
                Some((truth, (!truth.is_yes()).then(miss)))
            }
            _ => None,
        }
    }
}
