//! Whether a pod is isolated, which no single flow tells.
//!
//! In: a pod and a direction. Out: how it is [`Closed`].

use crate::cluster::{PodId, Snapshot, Truth};
use crate::policy::rule::{Action, Direction, Policy};
use crate::policy::{Enforcement, Ruleset};

/// How far policies keep one direction of a pod closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Whether only what a rule admits passes.
    pub isolated: Truth,
    /// Whether some rule denies, or may deny, something that nothing else would.
    pub denied: bool,
}

/// Whether a pod is isolated in one direction.
///
/// Source: docs/semantics/kubernetes.md#isolation, docs/semantics/kubernetes.md#host-network,
/// docs/semantics/cilium-verdicts.md#enforcement-mode.
pub fn closed(snapshot: &Snapshot, rules: &Ruleset, pod: PodId, direction: Direction) -> Closed {
    let enforcement = rules.cilium().map(|cilium| cilium.enforcement).unwrap_or_default();
    let pod = snapshot.pod(pod);
    if pod.host_network || enforcement == Enforcement::Never {
        return Closed { isolated: Truth::No, denied: false };
    }
    let namespace = snapshot.namespace(&pod.namespace);
    let all = || rules.candidates(&pod.namespace, direction).map(|(_, policy)| policy);
    let selects = |policy: &Policy| policy.subject.has(pod, namespace);
    let mut isolated = Truth::any(all().filter(|policy| policy.isolates).map(selects));
    if enforcement == Enforcement::Always {
        isolated = Truth::Yes;
    } else if isolated.is_no() && rules.is_unread(&pod.namespace) {
        // A policy that was not read may select it.
        isolated = Truth::Unknown;
    }
    let denies = |policy: &Policy| policy.entries.iter().any(|entry| entry.action == Action::Deny);
    // Most policies have no such rule, and need not be asked whom they select.
    Closed { isolated, denied: all().any(|policy| denies(policy) && !selects(policy).is_no()) }
}
