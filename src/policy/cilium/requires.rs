//! `fromRequires` and `toRequires` of other rules, which narrow in Cilium 1.18 whatever selects the same
//! pods.
//!
//! In: all policies, and what one of them was lowered to. Out: the same, in which peers that such a field
//! may narrow match perhaps. Source: docs/semantics/cilium-rules.md#requires.

use super::super::dialect::{Around, Placed};
use super::super::rule::{Action, Direction, Namespaces, Peer, PeerKind, Peers, PodSet, Policy};
use super::super::variables::perhaps;
use super::super::{CiliumVersion, Lowered, WrittenObject};
use super::known::{CiliumPolicy, Known};
use super::lower::Lowering;
use super::written::{Rule, Spec};
use crate::cluster::ObjectRef;
use crate::kinds::Kind;

/// Of one rule, in one direction.
struct Required {
    object: ObjectRef,
    /// Where in the object the rule is: `spec`, or an item of `specs`.
    path: String,
    direction: Direction,
    action: Action,
    subject: PodSet,
}

/// Those of all rules.
#[derive(Default)]
pub(in super::super) struct Requires(Vec<Required>);

/// The directions and actions of which a rule has such a field.
fn asks(rule: &Rule) -> impl Iterator<Item = (Direction, Action)> {
    let allow = [
        (Direction::Ingress, rule.ingress.iter().flatten().any(|it| it.0.requires.is_some())),
        (Direction::Egress, rule.egress.iter().flatten().any(|it| it.0.requires.is_some())),
    ];
    let deny = [
        (Direction::Ingress, rule.ingress_deny.iter().flatten().any(|it| it.0.requires.is_some())),
        (Direction::Egress, rule.egress_deny.iter().flatten().any(|it| it.0.requires.is_some())),
    ];
    let all = [(Action::Allow, allow), (Action::Deny, deny)];
    all.into_iter().flat_map(|(action, both)| {
        both.into_iter().filter_map(move |(direction, asks)| asks.then_some((direction, action)))
    })
}

impl Requires {
    /// Those of all rules, where the version of Cilium has them.
    pub(in super::super) fn of(all: &[WrittenObject], around: &Around<'_>) -> Self {
        let cilium = around.enforcer.cilium();
        let Some(settings) = cilium.filter(|cilium| cilium.version == CiliumVersion::V1_18) else {
            return Self::default();
        };
        let policies = all.iter().filter_map(|WrittenObject { object, origin, spec }| match spec {
            super::super::Spec::Cilium(Spec::Policy(rules)) => {
                Some(Placed { object, origin, spec: &**rules })
            }
            _ => None,
        });
        let asking: Vec<CiliumPolicy<'_>> = policies
            .filter(|policy| policy.rules().any(|(_, rule)| asks(rule).next().is_some()))
            .collect();
        let known = Known::new(&[], &[], around);
        let mut found = Vec::new();
        for policy in asking {
            let mut lowering = Lowering::new(policy, &known, settings);
            for (path, rule) in policy.rules() {
                let Some((_, Some(subject))) = lowering.speaks_for(&path, rule) else { continue };
                found.extend(asks(rule).map(|(direction, action)| Required {
                    object: policy.object.clone(),
                    path: path.clone(),
                    direction,
                    action,
                    subject: subject.clone(),
                }));
            }
        }
        Self(found)
    }

    /// Makes peers match perhaps that rules of others may narrow.
    pub(in super::super) fn settle(&self, lowered: &mut Lowered) {
        for policy in &mut lowered.policies {
            for required in &self.0 {
                if required.may_narrow(policy) {
                    required.narrow(policy);
                }
            }
        }
    }
}

impl Required {
    fn may_narrow(&self, policy: &Policy) -> bool {
        let apart = match (&self.subject.namespaces, &policy.subject.namespaces) {
            (Namespaces::Own(one), Namespaces::Own(other)) => one != other,
            _ => false,
        };
        self.direction == policy.direction && !apart
    }

    fn narrow(&self, policy: &mut Policy) {
        let field = match self.direction {
            Direction::Ingress => "fromRequires",
            Direction::Egress => "toRequires",
        };
        let why = format!("{field} of {} narrows it, which is not judged", self.object);
        let of_kubernetes = *policy.object.kind == *Kind::NetworkPolicy.name();
        // Of its own rule it is told exactly.
        let same = self.object == policy.object;
        let is_own = |path: &str| {
            same && path.strip_prefix(&*self.path).is_some_and(|rest| rest.starts_with('.'))
        };
        let others = policy.entries.iter_mut().filter(|entry| !is_own(&entry.path));
        for entry in others.filter(|entry| entry.action == self.action) {
            let path = &entry.path;
            let narrowed = |peer: Peer| {
                if !is_selector(&peer, of_kubernetes) {
                    return vec![peer];
                }
                match perhaps(path, Peers::Of(vec![peer]), &why) {
                    Peers::Of(peers) => peers,
                    Peers::Any => Vec::new(),
                }
            };
            let peers = std::mem::replace(&mut entry.peers, Peers::Any);
            entry.peers = match peers {
                Peers::Any if of_kubernetes => perhaps(path, Peers::Any, &why),
                Peers::Any => Peers::Any,
                Peers::Of(peers) => Peers::Of(peers.into_iter().flat_map(narrowed).collect()),
            };
        }
    }
}

/// Whether a peer is a selector of endpoints, whomever it means: entities, networks and Services are narrowed
/// by nothing.
fn is_selector(peer: &Peer, of_kubernetes: bool) -> bool {
    if of_kubernetes {
        return matches!(peer.admits, PeerKind::Pods(_) | PeerKind::Entities(_));
    }
    peer.path.contains("Endpoints[")
}
