//! The one-flow evaluator.
//!
//! In: one [`Flow`] between two ends of a snapshot. Out: a [`Judgement`] with the trace of every
//! policy that selects an end. Source of the rules: semantics/kubernetes.md sections 1, 2, 3 and 5;
//! semantics/cilium.md sections 4 and 9.

use super::matching::Matcher;
use super::tiers::{self, Circumstances, Decision};
use super::trace::{
    Endpoint, EntryTrace, Flow, Judgement, PolicyTrace, Reason, Trace, UnknownWhy, Verdict,
};
use crate::cluster::{PodId, Snapshot, Truth};
use crate::policy::rule::{Action, Condition, Direction, Tier};
use crate::policy::{Enforcement, PolicyId, Ruleset};

/// Judges one flow in both directions.
///
/// Source: section 1: a flow passes when the source's egress and the destination's ingress both
/// allow it.
pub fn judge(snapshot: &Snapshot, rules: &Ruleset, flow: &Flow) -> Judgement {
    let judge = Judge { snapshot, rules, flow };
    let egress = judge.direction(Direction::Egress);
    let ingress = judge.direction(Direction::Ingress);
    Judgement { verdict: egress.verdict.and(ingress.verdict), egress, ingress }
}

struct Judge<'a> {
    snapshot: &'a Snapshot,
    rules: &'a Ruleset,
    flow: &'a Flow,
}

impl Judge<'_> {
    fn direction(&self, direction: Direction) -> Trace {
        let (subject, peer) = match direction {
            Direction::Ingress => (&self.flow.destination, &self.flow.source),
            Direction::Egress => (&self.flow.source, &self.flow.destination),
        };
        let allowed = |reason| Trace {
            direction,
            verdict: Verdict::Allowed,
            reason,
            decided_by: None,
            conditions: Vec::new(),
            policies: Vec::new(),
        };
        let pod = match subject {
            Endpoint::Pod(pod) if self.snapshot.pod(*pod).host_network => {
                return allowed(Reason::HostNetwork);
            }
            Endpoint::Pod(pod) => *pod,
            Endpoint::Node(_) => return allowed(Reason::Node),
            Endpoint::Address(_) | Endpoint::Name(_) => return allowed(Reason::Outside),
        };
        // Two replicas of one template are two pods; one real pod is itself.
        let same_pod = subject == peer && !self.snapshot.pod(pod).template;
        if same_pod && !self.flow.through_service {
            return allowed(Reason::SamePod);
        }
        let cilium = self.rules.cilium();
        if cilium.is_some_and(|cilium| cilium.enforcement == Enforcement::Never) {
            return allowed(Reason::NotEnforced);
        }
        let matcher = Matcher { snapshot: self.snapshot, flow: self.flow, subject: pod, peer };
        let own_node = matcher.is_own_node();
        // Source: section 5, "resident node": no policy can keep it out; in Cilium it is allowed by
        // an implied rule, which a written Deny overrules (semantics/cilium.md section 4).
        let from_own_node = if direction == Direction::Ingress { own_node } else { Truth::No };
        if from_own_node.is_yes() && cilium.is_none() {
            return allowed(Reason::OwnNode);
        }
        let policies = self.selecting(&matcher, direction);
        let always = cilium.is_some_and(|cilium| cilium.enforcement == Enforcement::Always);
        let implied = match cilium {
            Some(cilium) if cilium.node_reaches_own_pods => from_own_node,
            _ => Truth::No,
        };
        // Source: section 5: where the specification of NetworkPolicy is silent. That of the ordered
        // tiers is not: their rules apply.
        let exempt = match direction {
            _ if same_pod => Some(UnknownWhy::SelfThroughService),
            _ if own_node.is_no() || cilium.is_some() => None,
            Direction::Ingress => Some(UnknownWhy::PerhapsOwnNode),
            Direction::Egress => Some(UnknownWhy::ToOwnNode),
        };
        let Decision { mut verdict, mut reason, by: decided_by } =
            tiers::decide(&policies, Circumstances { implied, always, exempt });
        if self.may_be_overruled(pod, reason, decided_by) {
            (verdict, reason) = (Verdict::Unknown, Reason::Unknown(UnknownWhy::PoliciesUnread));
        }
        let conditions = match verdict {
            Verdict::Allowed => self.conditions(&policies, decided_by, implied),
            _ => Vec::new(),
        };
        Trace { direction, verdict, reason, decided_by, conditions, policies }
    }

    /// Whether policies that could not be read might say otherwise.
    ///
    /// A NetworkPolicy may isolate and admit, so a rule that admits is enough and one that denies is
    /// final, but for those of the Baseline tier, which it comes before. Others may deny as well.
    fn may_be_overruled(
        &self,
        pod: PodId,
        reason: Reason,
        decided_by: Option<(PolicyId, usize)>,
    ) -> bool {
        let namespace = &self.snapshot.pod(pod).namespace;
        if !self.rules.is_unread(namespace) {
            return false;
        }
        let tier = decided_by.map(|(policy, _)| self.rules.policy(policy).tier);
        let denials = self.rules.may_have_denials(namespace);
        match (reason, tier) {
            _ if self.rules.cluster_wide_unread() => true,
            (Reason::Refused | Reason::Admitted, Some(Tier::Admin(_)))
            | (Reason::Refused, Some(Tier::Normal)) => false,
            (Reason::Admitted, Some(Tier::Normal)) | (Reason::OwnNode, None) => denials,
            _ => true,
        }
    }

    /// Every policy that selects the subject or may, in the order in which they are judged.
    fn selecting(&self, matcher: &Matcher<'_>, direction: Direction) -> Vec<PolicyTrace> {
        let pod = self.snapshot.pod(matcher.subject);
        let namespace = self.snapshot.namespace(&pod.namespace);
        let mut policies: Vec<PolicyTrace> = self
            .rules
            .candidates(&pod.namespace, direction)
            .filter_map(|(id, policy)| {
                let selects = policy.subject.has(pod, namespace);
                if selects.is_no() {
                    return None;
                }
                let entries: Vec<_> =
                    policy.entries.iter().map(|entry| matcher.entry(entry)).collect();
                let any = |action: Action| {
                    let of_action = entries.iter().filter(|entry| entry.action == action);
                    Truth::any(of_action.map(EntryTrace::matches))
                };
                let doubt = (!selects.is_yes()).then(|| pod.mismatch(&policy.subject.pods));
                Some(PolicyTrace {
                    policy: id,
                    tier: policy.tier,
                    isolates: policy.isolates,
                    selects,
                    doubt: doubt.flatten(),
                    admits: any(Action::Allow),
                    denies: any(Action::Deny),
                    entries,
                })
            })
            .collect();
        policies.sort_by_key(|policy| policy.tier);
        policies
    }

    /// What must hold besides: nothing, where some rule that allows has no condition.
    ///
    /// Source: semantics/cilium.md section 3, "toPorts": an allow without L7 rules for the same peer
    /// and port makes those of others void; section 4, "Allow-localhost": so does the implied one.
    fn conditions(
        &self,
        policies: &[PolicyTrace],
        decided_by: Option<(PolicyId, usize)>,
        implied: Truth,
    ) -> Vec<Condition> {
        let Some((decisive, entry)) = decided_by else { return Vec::new() };
        let condition = |policy: PolicyId, entry: usize| {
            self.rules.policy(policy).entries.get(entry).and_then(|entry| entry.condition.clone())
        };
        if self.rules.policy(decisive).tier.is_ordered() {
            return condition(decisive, entry).into_iter().collect();
        }
        if implied.is_yes() {
            return Vec::new();
        }
        let mut all = Vec::new();
        for trace in policies.iter().filter(|p| !p.tier.is_ordered() && p.selects.is_yes()) {
            for (index, entry) in trace.entries.iter().enumerate() {
                if entry.action != Action::Allow || !entry.matches().is_yes() {
                    continue;
                }
                match condition(trace.policy, index) {
                    None => return Vec::new(),
                    Some(condition) if !all.contains(&condition) => all.push(condition),
                    Some(_) => {}
                }
            }
        }
        all
    }
}
