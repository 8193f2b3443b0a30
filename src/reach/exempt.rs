//! Flows that no policy judges: a pod to itself, and a node to its own pods.
//!
//! In: two ends of one side. Out: their [`Exemption`]. Where classes know their node, the relations
//! have the way between a node and its pods, and only a pod to itself is exempt.

use super::classes::Space;
use super::ports::PortSet;
use super::{End, Reach};
use crate::cluster::{Pod, Snapshot, Truth};
use crate::policy::Ruleset;
use crate::policy::rule::{Action, Direction, Entry};

/// How a node stands to the pods that run on it, as whoever enforces has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeRule {
    /// It reaches them whatever policies say; whether isolation by NetworkPolicy keeps them from it is
    /// not known, and rules of ordered tiers do.
    Exempt,
    /// An implied rule of the normal tier lets it reach them.
    Implied,
    /// As any other node.
    None,
}

impl NodeRule {
    /// Source: docs/semantics/kubernetes.md#own-node-to-pod,
    /// docs/semantics/kubernetes.md#pod-to-own-node and
    /// docs/semantics/cilium-verdicts.md#allow-localhost.
    pub(super) fn of(rules: &Ruleset) -> Self {
        match rules.cilium() {
            None => Self::Exempt,
            Some(cilium) if cilium.node_reaches_own_pods => Self::Implied,
            Some(_) => Self::None,
        }
    }

    /// Whether rules can say otherwise.
    pub(super) fn can_be_changed(self, snapshot: &Snapshot, rules: &Ruleset) -> bool {
        let denies = |entry: &Entry| entry.action != Action::Allow;
        match self {
            Self::None => false,
            Self::Implied => {
                rules.traits().denies
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

/// What the specification exempts from policies, whatever they say
/// (docs/semantics/kubernetes.md#exemptions).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exemption {
    None,
    /// Certainly allowed.
    Allowed,
    /// Perhaps exempt: what is not allowed is unknown.
    Perhaps,
}

fn pod(snapshot: &Snapshot, end: End) -> Option<&Pod> {
    match end {
        End::Pod(id) => Some(snapshot.pod(id)),
        End::Node(_) | End::Address(_) => None,
    }
}

/// Whether an end is a pod's own node, and which way the flow goes for the pod; `None` where the
/// ends are no pod and no node.
pub(super) fn own_node(
    snapshot: &Snapshot,
    source: End,
    destination: End,
) -> Option<(Direction, Truth)> {
    // The name of the node that an end is, in policies' eyes; `None`: it is none.
    let node_of = |end| match end {
        End::Pod(id) if snapshot.pod(id).host_network => Some(snapshot.pod(id).node.as_ref()),
        End::Node(index) => snapshot.nodes.get(index).map(|node| Some(&node.name)),
        End::Pod(_) | End::Address(_) => None,
    };
    let (node, pod, direction) = match (node_of(source), node_of(destination)) {
        (Some(node), None) => (node, pod(snapshot, destination)?, Direction::Ingress),
        (None, Some(node)) => (node, pod(snapshot, source)?, Direction::Egress),
        _ => return None,
    };
    let own = match (node, &pod.node) {
        (Some(a), Some(b)) => (a == b).into(),
        _ => Truth::Unknown,
    };
    Some((direction, own))
}

/// How far a flow of one side is exempt.
pub(super) fn exemption(
    space: &Space<'_>,
    side: usize,
    source: End,
    destination: End,
) -> Exemption {
    let snapshot = space.sides[side].snapshot;
    if source == destination && pod(snapshot, source).is_some_and(|pod| !pod.template) {
        return Exemption::Allowed;
    }
    if space.by_node {
        return Exemption::None;
    }
    let Some((direction, own)) = own_node(snapshot, source, destination) else {
        return Exemption::None;
    };
    match (NodeRule::of(space.sides[side].rules), direction, own) {
        (NodeRule::None, ..) | (_, _, Truth::No) | (NodeRule::Implied, Direction::Egress, _) => {
            Exemption::None
        }
        (_, Direction::Ingress, Truth::Yes) => Exemption::Allowed,
        _ => Exemption::Perhaps,
    }
}

pub(super) fn exempted(reach: Reach, exemption: Exemption) -> Reach {
    match exemption {
        Exemption::None => reach,
        Exemption::Allowed => {
            let all = PortSet::all;
            Reach { unconditional: all(), certain: all(), possible: all() }
        }
        Exemption::Perhaps => Reach { possible: PortSet::all(), ..reach },
    }
}
