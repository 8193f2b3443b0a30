//! The one-flow evaluator.
//!
//! In: one [`Flow`] between two ends of a snapshot. Out: a [`Judgement`] with the trace of every
//! policy that selects an end. Source of the rules: docs/semantics/kubernetes.md,
//! docs/semantics/networkpolicy.md, docs/semantics/admin.md and docs/semantics/cilium-verdicts.md.

use super::matching::{Matcher, missed};
use super::tiers::{self, Circumstances, Decision, OpenTo};
use super::trace::{
    Endpoint, EntryTrace, Flow, Judgement, PolicyTrace, Reason, Trace, UnknownWhy, Verdict,
};
use crate::cluster::{PodId, Snapshot, Truth};
use crate::policy::rule::{Action, Condition, Direction, Tier};
use crate::policy::{Enforcement, PolicyId, Ruleset};

/// Judges one flow in both directions.
///
/// Source: docs/semantics/kubernetes.md#verdict: a flow passes when the source's egress and the
/// destination's ingress both allow it.
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
        let (snapshot, flow) = (self.snapshot, self.flow);
        let cilium_reads = cilium.is_some();
        let matcher = Matcher { snapshot, flow, subject: Some(pod), peer, cilium: cilium_reads };
        let own_node = matcher.is_own_node();
        // Source: docs/semantics/kubernetes.md#own-node-to-pod: no policy can keep it out; in Cilium
        // it is allowed by an implied rule, which a written Deny overrules
        // (docs/semantics/cilium-verdicts.md#allow-localhost).
        let from_own_node = if direction == Direction::Ingress { own_node } else { Truth::No };
        if from_own_node.is_yes() && cilium.is_none() {
            return allowed(Reason::OwnNode);
        }
        let policies = self.selecting(&matcher, pod, direction);
        let always = cilium.is_some_and(|cilium| cilium.enforcement == Enforcement::Always);
        let implied = match cilium {
            Some(cilium) if cilium.node_reaches_own_pods => from_own_node,
            _ => Truth::No,
        };
        // Source: docs/semantics/kubernetes.md#exemptions: where the specification of NetworkPolicy
        // is silent. That of the ordered tiers is not: their rules apply.
        let exempt = match direction {
            _ if same_pod => Some(UnknownWhy::SelfThroughService),
            _ if own_node.is_no() || cilium.is_some() => None,
            Direction::Ingress => Some(UnknownWhy::PerhapsOwnNode),
            Direction::Egress => Some(UnknownWhy::ToOwnNode),
        };
        let decision = tiers::decide(&policies, Circumstances { implied, always, exempt });
        let Decision { mut verdict, mut reason, by: decided_by, open_to, normal, allowing } =
            decision;
        if self.may_be_overruled(pod, open_to) {
            (verdict, reason) = (Verdict::Unknown, Reason::Unknown(UnknownWhy::PoliciesUnread));
        }
        let conditions = match verdict {
            Verdict::Allowed => {
                let normal = (normal && !implied.is_yes()).then_some(policies.as_slice());
                self.conditions(&allowing, normal.unwrap_or_default())
            }
            _ => Vec::new(),
        };
        Trace { direction, verdict, reason, decided_by, conditions, policies }
    }

    /// Whether policies that could not be read might say otherwise.
    ///
    /// A NetworkPolicy may isolate and admit, so a rule that admits is enough and one that denies is
    /// final, but for those of the Baseline tier, which it comes before. Others may deny as well.
    fn may_be_overruled(&self, pod: PodId, open_to: OpenTo) -> bool {
        let namespace = &self.snapshot.pod(pod).namespace;
        match open_to {
            _ if self.rules.cluster_wide_unread() => true,
            OpenTo::Nothing => false,
            OpenTo::Denials => self.rules.may_have_denials(namespace),
            OpenTo::Any => self.rules.is_unread(namespace),
        }
    }

    /// Every policy that selects the subject or may, in the order in which they are judged.
    fn selecting(
        &self,
        matcher: &Matcher<'_>,
        subject: PodId,
        direction: Direction,
    ) -> Vec<PolicyTrace> {
        let pod = self.snapshot.pod(subject);
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
                let doubt =
                    (!selects.is_yes()).then(|| missed(&policy.subject, pod, namespace)).flatten();
                Some(PolicyTrace {
                    policy: id,
                    tier: policy.tier,
                    isolates: policy.isolates,
                    selects,
                    doubt,
                    admits: any(Action::Allow),
                    denies: any(Action::Deny),
                    entries,
                })
            })
            .collect();
        policies.sort_by_key(|policy| policy.tier);
        policies
    }

    /// What must hold besides: of rules of the ordered tiers, each of which may be the one that is
    /// followed, and of the normal tier, unless some rule there that allows has no condition. A rule
    /// that only perhaps matches may bind a flow that others let through.
    ///
    /// Source: docs/semantics/cilium-ports.md#layer-7-beside-plain-rules: an allow without L7 rules
    /// for the same peer and port makes those of others void;
    /// docs/semantics/cilium-verdicts.md#allow-localhost: so does the implied one.
    fn conditions(
        &self,
        ordered: &[(PolicyId, usize)],
        policies: &[PolicyTrace],
    ) -> Vec<Condition> {
        let mut all: Vec<Condition> = Vec::new();
        for (policy, entry) in ordered {
            let rule = self.rules.policy(*policy).entries.get(*entry);
            let condition = rule.and_then(|rule| rule.condition.clone());
            all.extend(condition.filter(|condition| !all.contains(condition)));
        }
        let before = all.len();
        for trace in policies.iter().filter(|policy| policy.tier == Tier::Normal) {
            let written = &self.rules.policy(trace.policy).entries;
            let allows = || {
                let both = trace.entries.iter().zip(written);
                both.filter(|(entry, _)| entry.action == Action::Allow)
            };
            let free = allows().any(|(e, rule)| rule.condition.is_none() && e.matches().is_yes());
            if free && trace.selects.is_yes() {
                all.truncate(before);
                return all;
            }
            // Whichever policies select, each makes its own conditions void.
            for (_, rule) in allows().filter(|(entry, _)| !free && !entry.matches().is_no()) {
                all.extend(rule.condition.clone().filter(|condition| !all.contains(condition)));
            }
        }
        all
    }
}
