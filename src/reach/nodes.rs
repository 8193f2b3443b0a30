//! Ends that are nodes, or pods on their nodes' networks, as rules see them, and how a node stands to
//! its own pods.

use crate::cluster::{Node, Pod, Selector, Snapshot, Truth};
use crate::policy::Ruleset;
use crate::policy::rule::{Action, Direction, Entry};
use std::net::IpAddr;

/// How a node stands to the pods that run on it, as whoever enforces has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeRule {
    /// It reaches them whatever policies say; whether isolation by NetworkPolicy keeps them from it is
    /// not known, and rules of ordered tiers do.
    Exempt,
    /// It reaches them whatever policies say, and they are held to policies on the way to it.
    Reaches,
    /// An implied rule behind those of all tiers lets it reach them.
    Implied,
    /// As any other node.
    None,
}

impl NodeRule {
    /// Source: docs/semantics/kubernetes.md#own-node-to-pod,
    /// docs/semantics/kubernetes.md#pod-to-own-node, docs/semantics/calico.md#hosts and
    /// docs/semantics/cilium-verdicts.md#allow-localhost.
    pub(super) fn of(rules: &Ruleset) -> Self {
        match rules.cilium() {
            None if rules.enforcer().calico().is_some() => Self::Reaches,
            None => Self::Exempt,
            Some(cilium) if cilium.node_reaches_own_pods => Self::Implied,
            Some(_) => Self::None,
        }
    }

    /// Whether it is Cilium that enforces.
    pub(super) fn is_of_cilium(self) -> bool {
        matches!(self, Self::Implied | Self::None)
    }

    /// Whether rules can say otherwise.
    pub(super) fn can_be_changed(self, snapshot: &Snapshot, rules: &Ruleset) -> bool {
        let denies = |entry: &Entry| entry.action != Action::Allow;
        match self {
            Self::None | Self::Reaches => false,
            // A condition holds for the own node, too.
            Self::Implied => {
                rules.traits().denies
                    || rules.traits().conditions
                    || snapshot.namespaces().any(|n| rules.may_have_denials(&n.name))
            }
            Self::Exempt => rules
                .policies()
                .iter()
                .filter(|policy| policy.direction == Direction::Egress)
                .any(|p| p.tier.is_ordered() || p.entries.iter().any(denies)),
        }
    }
}

/// A node, or a pod on its node's network, which counts as its node.
pub(super) struct OnNode<'a> {
    /// The node, where it is known.
    node: Option<&'a Node>,
    /// The addresses of the pod, where it is one; they are its node's.
    ips: &'a [IpAddr],
}

impl<'a> OnNode<'a> {
    pub(super) fn of_node(snapshot: &'a Snapshot, index: usize) -> Self {
        let node = &snapshot.nodes[index];
        Self { node: Some(node), ips: &[] }
    }

    /// A pod on the network of the node with this index, if that is known.
    pub(super) fn of_pod(snapshot: &'a Snapshot, pod: &'a Pod, node: Option<usize>) -> Self {
        Self { node: node.map(|index| &snapshot.nodes[index]), ips: &pod.ips }
    }

    /// Whether the node's labels match.
    ///
    /// Source: docs/semantics/admin.md#nodes.
    pub(super) fn selected(&self, selector: &Selector) -> Truth {
        match self.node {
            _ if selector.is_everything() => Truth::Yes,
            Some(node) => selector.selects(&node.labels).into(),
            None => Truth::Unknown,
        }
    }

    /// Whether it is the API server, whose addresses may be known.
    pub(super) fn is_api_server(&self, known: Option<&[IpAddr]>) -> Truth {
        let Some(known) = known else { return Truth::Unknown };
        let mut ips = self.ips.iter().chain(self.node.into_iter().flat_map(|node| &node.ips));
        if ips.any(|ip| known.contains(ip)) {
            return Truth::Yes;
        }
        // A node may have more addresses than a pod tells.
        match self.node {
            Some(node) if !node.ips.is_empty() || !self.ips.is_empty() => Truth::No,
            _ => Truth::Unknown,
        }
    }
}
