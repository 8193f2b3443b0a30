//! Flows that no policy judges: a pod to itself, and a node to its own pods.
//!
//! In: two ends of one side. Out: their [`Exemption`]. Where classes know their node, the relations
//! have the way between a node and its pods, and only a pod to itself is exempt.

use super::End;
use super::classes::Space;
use super::nodes::NodeRule;
use super::ports::{PortSet, Reach};
use crate::cluster::{Pod, Snapshot, Truth};
use crate::policy::rule::Direction;

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
        (NodeRule::None, ..)
        | (_, _, Truth::No)
        | (NodeRule::Implied | NodeRule::Reaches, Direction::Egress, _) => Exemption::None,
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
