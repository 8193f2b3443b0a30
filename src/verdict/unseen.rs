//! Ends of which only their part in traffic is known.
//!
//! In: a peer item and who the other end is. Out: whether the item means it, which is not known
//! wherever its place decides. Source: docs/semantics/services.md#external-ways,
//! docs/semantics/entries.md#who-the-pods-see and docs/semantics/services.md#the-api-server.

use super::matching::{Matcher, Tried};
use super::trace::PeerMiss;
use crate::cluster::{AddressBlock, Addresses, Family, Node, Truth};
use crate::ends::Unseen;
use crate::policy::rule::{Entities, NodeSet, PeerKind, Scope};
use ipnet::IpNet;

impl Matcher<'_> {
    /// Tries a peer item.
    pub(super) fn unseen(&self, kind: &PeerKind, who: Unseen) -> Tried {
        if who == Unseen::OwnNode {
            return self.own_node(kind);
        }
        let truth = match (who, kind) {
            (Unseen::AnotherNode, PeerKind::Nodes(nodes)) => self.of_other_nodes(nodes),
            (Unseen::AnotherNode, PeerKind::Addresses(block, scope)) if scope.nodes => {
                return self.at_other_nodes(block);
            }
            (Unseen::AnotherNode, PeerKind::Entities(entities)) => match entities {
                Entities { other_nodes: true, .. } => Truth::Yes,
                Entities { api_server: true, .. } => Truth::Unknown,
                _ => Truth::No,
            },
            (Unseen::AnotherNode, PeerKind::Unresolved(_, scope)) if scope.nodes => Truth::Unknown,
            // The pods of an API server are on their nodes' networks.
            (Unseen::AnotherNode, _)
            | (Unseen::ApiServer, PeerKind::Pods(_))
            // Neither is a pod or a node that a selector means.
            | (
                Unseen::CiliumProxy | Unseen::Balancer,
                PeerKind::Pods(_) | PeerKind::Nodes(_) | PeerKind::Names(_),
            ) => Truth::No,
            // What has an identity of its own has no label of a network.
            (Unseen::CiliumProxy, PeerKind::Addresses(_, scope)) if !scope.nodes => Truth::No,
            (Unseen::ApiServer, PeerKind::Entities(it)) if it.api_server => Truth::Yes,
            (Unseen::ApiServer, PeerKind::Entities(it)) => {
                all_or_some(&[it.own_node, it.other_nodes, it.outside])
            }
            (Unseen::CiliumProxy, PeerKind::Entities(it)) => it.proxy.into(),
            (Unseen::Balancer, PeerKind::Entities(it)) => it.outside.into(),
            (Unseen::IngressController, PeerKind::Entities(it)) => {
                all_or_some(&[it.own_node, it.other_nodes, it.outside, it.pods])
            }
            (_, PeerKind::Addresses(block, scope)) => self.somewhere(block, *scope, who),
            (_, PeerKind::Unresolved(..) | PeerKind::Combined(_))
            | (Unseen::IngressController | Unseen::ApiServer | Unseen::OwnNode, _) => {
                Truth::Unknown
            }
        };
        let miss = match truth {
            Truth::Yes => return (truth, None),
            Truth::Unknown => {
                PeerMiss::Unseen(format!("it depends on where {} is", who.as_str()).into())
            }
            Truth::No if matches!(kind, PeerKind::Nodes(_)) => PeerMiss::NotANode,
            Truth::No => match kind {
                PeerKind::Addresses(block, _) if Family::of_net(block.cidr) != self.flow.family => {
                    PeerMiss::OtherFamily(block.clone())
                }
                PeerKind::Addresses(block, _) => PeerMiss::NotOutside(block.clone()),
                PeerKind::Entities(it) => PeerMiss::NotOfEntities(it.written.clone().into()),
                PeerKind::Names(names) => PeerMiss::OtherName(names.patterns.clone().into()),
                _ => PeerMiss::NotAPod,
            },
        };
        (truth, Some(miss))
    }

    /// What an item says of the node on which the subject runs.
    fn own_node(&self, kind: &PeerKind) -> Tried {
        let unknown = |words: &str| (Truth::Unknown, Some(PeerMiss::Unseen(words.into())));
        match kind {
            PeerKind::Nodes(nodes) => self.node_peer(nodes),
            PeerKind::Entities(Entities { own_node: true, .. }) => (Truth::Yes, None),
            PeerKind::Entities(Entities { api_server: true, written, .. }) => {
                (Truth::Unknown, Some(PeerMiss::PerhapsOfEntities(written.clone().into())))
            }
            PeerKind::Entities(it) => {
                (Truth::No, Some(PeerMiss::NotOfEntities(it.written.clone().into())))
            }
            PeerKind::Addresses(block, scope) if scope.nodes => {
                let node = self.peer_node().and_then(|node| self.snapshot.nodes.get(node));
                self.at_nodes(block, node.into_iter())
            }
            PeerKind::Unresolved(why, scope) if scope.nodes => unknown(why),
            PeerKind::Combined(_) => unknown("it depends on where its own node is"),
            PeerKind::Addresses(block, _) => (Truth::No, Some(PeerMiss::NotOutside(block.clone()))),
            PeerKind::Names(names) => {
                (Truth::No, Some(PeerMiss::OtherName(names.patterns.clone().into())))
            }
            PeerKind::Pods(_) | PeerKind::Unresolved(..) => (Truth::No, Some(PeerMiss::NotAPod)),
        }
    }

    /// Whether a block has whatever address it is.
    fn somewhere(&self, block: &AddressBlock, scope: Scope, who: Unseen) -> Truth {
        let meant = match who {
            // It is outside, where every block has its addresses.
            Unseen::Balancer => true,
            Unseen::ApiServer => scope.nodes,
            _ => scope.nodes && scope.pods,
        };
        match block.matches(&Addresses::Unknown, self.flow.family) {
            Truth::Yes if !meant => Truth::Unknown,
            truth => truth,
        }
    }

    /// Whether nodes are meant, whichever of those that are known it is.
    fn of_other_nodes(&self, nodes: &NodeSet) -> Truth {
        if nodes.labels.is_everything() {
            return Truth::Yes;
        }
        let each = self.snapshot.nodes.iter().map(|node| nodes.labels.selects(&node.labels));
        agreed(each)
    }

    /// Whether a block has the address, whichever of the nodes that are known it is.
    fn at_other_nodes(&self, block: &AddressBlock) -> Tried {
        self.at_nodes(block, self.snapshot.nodes.iter())
    }

    /// Whether a block has the address of whichever of these nodes it is.
    fn at_nodes<'n>(&self, block: &AddressBlock, nodes: impl Iterator<Item = &'n Node>) -> Tried {
        let family = self.flow.family;
        let ips = nodes.flat_map(|node| &node.ips).copied();
        let ips: Vec<_> = ips.filter(|ip| Family::of(*ip) == family).collect();
        let addresses = if ips.is_empty() {
            Addresses::Unknown
        } else {
            Addresses::Within(ips.iter().copied().map(IpNet::from).collect())
        };
        let truth = block.matches(&addresses, family);
        let miss = match (truth, ips.first()) {
            (Truth::Yes, _) => return (truth, None),
            _ if Family::of_net(block.cidr) != family => PeerMiss::OtherFamily(block.clone()),
            (Truth::No, Some(ip)) => PeerMiss::OutsideBlock { block: block.clone(), address: *ip },
            _ => PeerMiss::AddressUnknown(block.clone()),
        };
        (truth, Some(miss))
    }
}

/// Whether it is one of several, of which these are meant.
fn all_or_some(meant: &[bool]) -> Truth {
    agreed(meant.iter().copied())
}

/// What all say; not known where they differ or none says anything.
fn agreed(mut each: impl Iterator<Item = bool>) -> Truth {
    match each.next() {
        Some(first) if each.all(|other| other == first) => first.into(),
        _ => Truth::Unknown,
    }
}
