//! Why anyone, every pod or the outside may.

use super::collect::Party;
use crate::answer::place::short;
use crate::answer::vocabulary::Because;
use crate::cluster::Snapshot;
use crate::policy::Ruleset;
use crate::policy::rule::{
    Action, Direction, Entry, Namespaces, PeerKind, Peers, PodSet, PortMatch, Ports,
};
use crate::reach::{End, PortSet};
use std::collections::BTreeSet;

/// What lets them.
pub(super) struct Why {
    /// In one word.
    pub(super) reason: Because,
    /// The rules that admit, such as `default/netpol/web ingress[0]`.
    pub(super) rules: Vec<String>,
}

/// Pods alike have the same rules, so that a few tell it for all.
const LOOKED_AT: usize = 32;

pub(super) fn why(
    snapshot: &Snapshot,
    rules: &Ruleset,
    direction: Direction,
    pods: &[End],
    other: Party,
    ports: &PortSet,
) -> Why {
    let (mut isolated, mut on_pod_network) = (false, false);
    let mut admitting = BTreeSet::new();
    for end in pods.iter().take(LOOKED_AT) {
        let End::Pod(id) = end else { continue };
        let pod = snapshot.pod(*id);
        if pod.host_network {
            continue;
        }
        on_pod_network = true;
        for (_, policy) in rules.candidates(&pod.namespace, direction) {
            let selects = pod.matches(&policy.subject.pods);
            if selects.is_no() || !has_namespace(snapshot, &policy.subject, &pod.namespace) {
                continue;
            }
            isolated |= policy.isolates;
            for entry in policy.entries.iter().filter(|entry| entry.action == Action::Allow) {
                if admits(entry, other) && meets(entry, ports) {
                    admitting.insert(format!("{} {}", policy.object, short(&entry.path)));
                }
            }
        }
    }
    let reason = match (isolated || !admitting.is_empty(), on_pod_network) {
        (true, _) => Because::Admitted,
        (false, true) => Because::NotIsolated,
        (false, false) => Because::HostNetwork,
    };
    Why { reason, rules: admitting.into_iter().collect() }
}

/// Whether a set may have pods of a namespace.
pub(super) fn has_namespace(snapshot: &Snapshot, set: &PodSet, namespace: &str) -> bool {
    match &set.namespaces {
        Namespaces::Own(own) => **own == *namespace,
        Namespaces::Matching(selector) => {
            snapshot.namespace(namespace).is_none_or(|n| !n.matches(selector).is_no())
        }
    }
}

fn admits(entry: &Entry, other: Party) -> bool {
    let Peers::Of(peers) = &entry.peers else { return true };
    peers.iter().any(|peer| match (&peer.admits, other) {
        (PeerKind::Addresses(block, _), Party::Anyone) => block.cidr.prefix_len() == 0,
        (PeerKind::Pods(set), Party::EveryPod) => {
            matches!(set.namespaces, Namespaces::Matching(_)) && set.pods.is_everything()
        }
        (PeerKind::Pods(_), _) => false,
        // Where pods are may not be known.
        (PeerKind::Entities(entities), Party::EveryPod) => entities.pods,
        (PeerKind::Entities(entities), Party::Anyone) => entities.pods && entities.outside,
        (PeerKind::Entities(entities), _) => entities.outside,
        (_, _) => true,
    })
}

/// Whether a rule has some of these ports; what a name stands for may differ from pod to pod.
pub(super) fn meets(entry: &Entry, ports: &PortSet) -> bool {
    let Ports::Of(items) = &entry.ports else { return true };
    items.iter().any(|item| match &item.ports {
        PortMatch::Named(_) => true,
        PortMatch::All => ports.ranges().any(|(protocol, _)| protocol == item.protocol),
        PortMatch::Range(range) => {
            !PortSet::of([(item.protocol, *range)]).intersection(ports).is_empty()
        }
    })
}
