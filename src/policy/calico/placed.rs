//! Policies of Kubernetes where Calico has them: among its own, in one order of all.
//!
//! In: a policy of another dialect, lowered. Out: the same in a tier with a name, with what Calico makes
//! of its rules. Source: docs/semantics/calico.md#policies-of-kubernetes and
//! docs/semantics/calico.md#policies-of-administrators.

use super::super::rule::{
    Action, Entry, NamedTier, Order, Peer, PeerKind, Peers, Policy, Ports, Scope, Tier, TierEnd,
};
use super::super::{Calico, WrittenObject};
use super::known::sets;
use super::tiers::{Called, DEFAULT, built_in, place};
use crate::kinds::Kind;

/// The order of a NetworkPolicy of Kubernetes.
const ORDER_OF_KUBERNETES: f64 = 1000.0;

/// Puts a policy of another dialect where Calico has it.
pub(in crate::policy) fn placed(mut policy: Policy, calico: Calico) -> Policy {
    let object = policy.object.clone();
    let kind = Kind::named(&object.kind);
    let (tier, order) = match policy.tier {
        Tier::Named(_) => return policy,
        Tier::Normal => (DEFAULT, ORDER_OF_KUBERNETES),
        Tier::Admin(priority) => {
            let newer = kind == Some(Kind::ClusterNetworkPolicy);
            (if newer { "kube-admin" } else { "adminnetworkpolicy" }, priority.into())
        }
        Tier::Baseline(priority) => {
            let newer = kind == Some(Kind::ClusterNetworkPolicy);
            (if newer { "kube-baseline" } else { "baselineadminnetworkpolicy" }, priority.into())
        }
    };
    let Some(mut tier) = built_in(tier) else { return policy };
    if policy.not_judged().is_some() && policy.tier.is_administrators() {
        // Nothing is known of where it stands, so it comes first.
        let (name, order) = ("not judged".into(), Order::of(f64::NEG_INFINITY));
        tier = NamedTier { order, name, end: TierEnd::Pass };
    }
    if policy.tier.is_administrators() {
        policy.entries = policy.entries.into_iter().filter_map(closed).collect();
    }
    let called = Called { kind, namespace: object.namespace.as_deref(), name: &object.name };
    policy.tier = place(tier, Order::of(order), called, 0, calico);
    policy
}

/// Adds to the rules of an administrator's policy what they perhaps mean besides, and gives those that
/// changed.
///
/// Source: docs/semantics/calico.md#policies-of-administrators: namespaces as peers mean sets of
/// addresses too. Which of them is not looked up.
pub(in crate::policy) fn widened<'p>(
    policy: &'p mut Policy,
    objects: &[WrittenObject],
) -> Vec<&'p Entry> {
    let administrators =
        [Kind::ClusterNetworkPolicy, Kind::AdminNetworkPolicy, Kind::BaselineAdminNetworkPolicy];
    if !Kind::named(&policy.object.kind).is_some_and(|kind| administrators.contains(&kind)) {
        return Vec::new();
    }
    let nets: Vec<PeerKind> = sets(objects).collect();
    let whole = |kind: &PeerKind| matches!(kind, PeerKind::Pods(set) if set.pods.is_everything());
    let mut changed = Vec::new();
    for entry in policy.entries.iter_mut().filter(|_| !nets.is_empty()) {
        let Peers::Of(items) = &mut entry.peers else { continue };
        let Some(path) = items.iter().find(|item| whole(&item.admits)).map(|it| it.path.clone())
        else {
            continue;
        };
        let why = "whether namespaces mean the addresses of network sets in them is not looked up";
        let doubt = PeerKind::Unresolved(why.into(), Scope::EVERYONE);
        let admits = PeerKind::all(vec![PeerKind::any(nets.clone()), doubt]);
        items.push(Peer::new(path, admits));
        changed.push(&*entry);
    }
    changed
}

/// A rule of an administrator: one that names nodes or domains is not understood, so that it denies
/// everything, or allows nothing.
///
/// Source: docs/semantics/calico.md#policies-of-administrators.
fn closed(entry: Entry) -> Option<Entry> {
    let strange = |kind: &PeerKind| matches!(kind, PeerKind::Nodes(_) | PeerKind::Names(_));
    if !entry.others().any(strange) {
        return Some(entry);
    }
    if entry.action == Action::Allow {
        return None;
    }
    let (peers, ports, condition) = (Peers::Any, Ports::Any, None);
    Some(Entry { action: Action::Deny, peers, ports, condition, ..entry })
}
