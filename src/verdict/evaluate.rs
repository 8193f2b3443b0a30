//! The one-flow evaluator.
//!
//! In: one [`Flow`] between two ends of a snapshot. Out: a [`Judgement`] with the trace of every
//! policy that selects an end. Source of the rules: docs/semantics/kubernetes.md,
//! docs/semantics/networkpolicy.md, docs/semantics/admin.md and docs/semantics/cilium-verdicts.md.

use super::matching::{Matcher, missed};
use super::tiers::{self, Circumstances, Decision, OpenTo};
use super::trace::{
    EntryTrace, Flow, Judgement, Passage, PeerMiss, PolicyTrace, Reason, Trace, UnknownWhy, Verdict,
};
use super::why::RuleId;
use crate::cluster::{PodId, Port, Protocol, Snapshot, Truth};
use crate::ends::{Endpoint, Unseen};
use crate::policy::rule::{
    Action, Condition, Direction, Entry, PeerKind, Peers, Policy, Reads, Tier,
};
use crate::policy::{Enforcement, NamePattern, PolicyId, Ruleset};

/// Judges one flow in both directions.
///
/// Source: docs/semantics/kubernetes.md#verdict: a flow passes when the source's egress and the
/// destination's ingress both allow it.
pub fn judge(snapshot: &Snapshot, rules: &Ruleset, flow: &Flow) -> Judgement {
    in_full(&Judge { snapshot, rules, flow, brief: false })
}

/// The same without why rules for other ports do not match.
pub(super) fn judge_briefly(snapshot: &Snapshot, rules: &Ruleset, flow: &Flow) -> Judgement {
    in_full(&Judge { snapshot, rules, flow, brief: true })
}

fn in_full(judge: &Judge<'_>) -> Judgement {
    let egress = judge.direction(Direction::Egress);
    let ingress = judge.direction(Direction::Ingress);
    Judgement { verdict: egress.verdict.and(ingress.verdict), egress, ingress }
}

/// One flow, to be judged.
pub(super) struct Judge<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) rules: &'a Ruleset,
    pub(super) flow: &'a Flow,
    /// Of rules that are for other ports it is not said why they do not match.
    pub(super) brief: bool,
}

/// What policies judge one direction of a flow by.
pub(super) struct Situation<'a> {
    snapshot: &'a Snapshot,
    rules: &'a Ruleset,
    pod: PodId,
    matcher: Matcher<'a>,
    about: Circumstances,
    /// Every policy that selects the subject or may, in the order in which they are judged.
    pub(super) policies: Vec<PolicyTrace>,
}

/// What policies make of one direction.
pub(super) struct Conclusion {
    pub(super) verdict: Verdict,
    pub(super) reason: Reason,
    pub(super) decided_by: Option<RuleId>,
    pub(super) conditions: Vec<Condition>,
    /// The rules of ordered tiers that allow it, or may.
    pub(super) allowing: Vec<RuleId>,
}

impl<'a> Judge<'a> {
    fn direction(&self, direction: Direction) -> Trace {
        let (conclusion, policies) = match self.situation(direction) {
            Ok(situation) => (situation.conclude(&situation.policies), situation.policies),
            Err(reason) => (Conclusion::exempt(reason), Vec::new()),
        };
        let Conclusion { verdict, reason, decided_by, conditions, .. } = conclusion;
        Trace { direction, verdict, reason, decided_by, conditions, policies }
    }

    /// The flow as seen from its subject, where that is a pod.
    pub(super) fn matcher(&self, direction: Direction) -> Option<Matcher<'a>> {
        let (subject, peer) = self.ends(direction);
        let Endpoint::Pod(subject) = *subject else { return None };
        Some(self.seen_from(subject, peer))
    }

    fn seen_from(&self, subject: PodId, peer: &'a Endpoint) -> Matcher<'a> {
        let (snapshot, flow, cilium) = (self.snapshot, self.flow, self.rules.cilium().is_some());
        Matcher { snapshot, flow, subject: Some(subject), peer, cilium }
    }

    pub(super) fn ends(&self, direction: Direction) -> (&'a Endpoint, &'a Endpoint) {
        match direction {
            Direction::Ingress => (&self.flow.destination, &self.flow.source),
            Direction::Egress => (&self.flow.source, &self.flow.destination),
        }
    }

    /// What a direction is judged by, or why no policy judges it.
    pub(super) fn situation(&self, direction: Direction) -> Result<Situation<'a>, Reason> {
        self.situation_among(direction, None)
    }

    /// The same where others than these policies say nothing.
    pub(super) fn situation_among(
        &self,
        direction: Direction,
        among: Option<&[PolicyId]>,
    ) -> Result<Situation<'a>, Reason> {
        let (subject, peer) = self.ends(direction);
        let pod = match subject {
            Endpoint::Pod(pod) if self.snapshot.pod(*pod).host_network => {
                return Err(Reason::HostNetwork);
            }
            Endpoint::Pod(pod) => *pod,
            Endpoint::Address(_) | Endpoint::Name(_) | Endpoint::Unseen(Unseen::Balancer) => {
                return Err(Reason::Outside);
            }
            Endpoint::Node(_) | Endpoint::NodeAddress(..) | Endpoint::Unseen(_) => {
                return Err(Reason::Node);
            }
        };
        // Two replicas of one template are two pods; one real pod is itself.
        let same_pod = subject == peer && !self.snapshot.pod(pod).template;
        if same_pod && !self.flow.through_service {
            return Err(Reason::SamePod);
        }
        let cilium = self.rules.cilium();
        if cilium.is_some_and(|cilium| cilium.enforcement == Enforcement::Never) {
            return Err(Reason::NotEnforced);
        }
        let matcher = self.seen_from(pod, peer);
        let own_node = matcher.is_own_node();
        // Source: docs/semantics/kubernetes.md#own-node-to-pod: no policy can keep it out; in Cilium
        // it is allowed by an implied rule, which a written Deny overrules
        // (docs/semantics/cilium-verdicts.md#allow-localhost).
        let from_own_node = if direction == Direction::Ingress { own_node } else { Truth::No };
        if from_own_node.is_yes() && cilium.is_none() {
            return Err(Reason::OwnNode);
        }
        let mut policies = if let Some(among) = among {
            let policies = among.iter().map(|id| (*id, self.rules.policy(*id)));
            self.selecting(&matcher, pod, policies, Matcher::brief)
        } else {
            let namespace = &self.snapshot.pod(pod).namespace;
            let policies = self.rules.candidates(namespace, direction);
            let try_entry = if self.brief { Matcher::brief } else { Matcher::entry };
            self.selecting(&matcher, pod, policies, try_entry)
        };
        if let (Direction::Egress, Endpoint::Name(name), Some(_)) = (direction, peer, cilium) {
            self.refuse_lookup(name, &mut policies);
        }
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
            // Source: docs/semantics/calico.md#hosts: policies are asked as of any other.
            Direction::Egress if self.rules.enforcer().calico().is_some() => None,
            Direction::Egress => Some(UnknownWhy::ToOwnNode),
        };
        let by_cilium = cilium.is_some();
        let about = Circumstances { implied, always, exempt, by_cilium };
        let (snapshot, rules) = (self.snapshot, self.rules);
        Ok(Situation { snapshot, rules, pod, matcher, about, policies })
    }

    /// Takes back what rules for names let through, where no rule for DNS lets the pod ask for the name.
    ///
    /// Source: docs/semantics/cilium-rules.md#lookups.
    fn refuse_lookup(&self, name: &str, policies: &mut [PolicyTrace]) {
        const DNS: Port = Port { protocol: Protocol::Udp, number: 53 };
        let of_names = |rule: &Entry| match &rule.peers {
            Peers::Any => false,
            Peers::Of(peers) => peers.iter().any(|it| matches!(it.admits, PeerKind::Names(_))),
        };
        let mut asked: Vec<NamePattern> = Vec::new();
        for trace in policies.iter() {
            let rules = self.rules.policy(trace.policy).entries.iter();
            for rule in rules.filter(|rule| rule.action == Action::Allow) {
                match &rule.condition {
                    Some(condition) => asked.extend(condition.names.iter().cloned()),
                    // Beside it rules for DNS ask nothing, as far as they are for the same server.
                    None if rule.ports.may_have_just(DNS) && !of_names(rule) => return,
                    None => {}
                }
            }
        }
        let may_be = |pattern: &NamePattern| pattern.matches(name) || pattern.is_unfilled();
        if asked.is_empty() || asked.iter().any(may_be) {
            return;
        }
        asked.sort();
        asked.dedup();
        for trace in policies {
            let rules = &self.rules.policy(trace.policy).entries;
            for (entry, _) in trace.entries.iter_mut().zip(rules).filter(|(_, it)| of_names(it)) {
                if !entry.peer.is_no() {
                    entry.peer = Truth::No;
                    entry.peer_miss = Some(PeerMiss::LookupRefused(asked.clone().into()));
                }
            }
            trace.settle();
        }
    }

    /// The policies that may say something of flows of this subject at this port, whoever is at the
    /// other end: of those without a rule for the port only one that isolates, and those that bring the
    /// subject to the end of a tier with a name.
    pub(super) fn speaking(&self, direction: Direction) -> Vec<PolicyId> {
        let (Endpoint::Pod(subject), _) = self.ends(direction) else { return Vec::new() };
        let pod = self.snapshot.pod(*subject);
        let namespace = self.snapshot.namespace(&pod.namespace);
        let mut isolated = false;
        let speaks = |(_, policy): &(PolicyId, &Policy)| {
            let about = policy.entries.iter().any(|entry| entry.ports.may_have(self.flow.port));
            let closes = policy.tier == Tier::Normal && policy.isolates && !isolated;
            let ends = policy.tier.position().is_some();
            let selects = if about || closes || ends {
                policy.subject.has(pod, namespace)
            } else {
                Truth::No
            };
            isolated |= closes && selects.is_yes();
            !selects.is_no()
        };
        let policies = self.rules.candidates(&pod.namespace, direction).filter(speaks);
        policies.map(|(id, _)| id).collect()
    }

    /// Those of some policies that select the subject or may, in the order in which they are judged.
    fn selecting<'m, 'p>(
        &self,
        matcher: &Matcher<'m>,
        subject: PodId,
        policies: impl Iterator<Item = (PolicyId, &'p Policy)>,
        try_entry: fn(&Matcher<'m>, &Entry) -> EntryTrace,
    ) -> Vec<PolicyTrace> {
        let pod = self.snapshot.pod(subject);
        let namespace = self.snapshot.namespace(&pod.namespace);
        let mut policies: Vec<PolicyTrace> = policies
            .filter_map(|(id, policy)| {
                let selects = policy.subject.has(pod, namespace);
                if selects.is_no() {
                    return None;
                }
                let entries: Vec<_> =
                    policy.entries.iter().map(|entry| try_entry(matcher, entry)).collect();
                let doubt =
                    (!selects.is_yes()).then(|| missed(&policy.subject, pod, namespace)).flatten();
                let mut trace = PolicyTrace {
                    policy: id,
                    tier: policy.tier.clone(),
                    isolates: policy.isolates,
                    selects,
                    doubt,
                    admits: Truth::No,
                    denies: Truth::No,
                    entries,
                };
                trace.settle();
                Some(trace)
            })
            .collect();
        policies.sort_by(|a, b| a.tier.cmp(&b.tier));
        policies
    }
}

impl Conclusion {
    /// No policy judges the direction.
    fn exempt(reason: Reason) -> Self {
        let (verdict, decided_by) = (Verdict::Allowed, None);
        Self { verdict, reason, decided_by, conditions: Vec::new(), allowing: Vec::new() }
    }

    /// How much gets through.
    pub(super) fn passage(&self) -> Passage {
        Passage::of(self.verdict, !self.conditions.is_empty())
    }
}

impl Situation<'_> {
    /// What follows from these policies, which are those of the situation or would be.
    pub(super) fn conclude(&self, policies: &[PolicyTrace]) -> Conclusion {
        let Decision { mut verdict, mut reason, by: decided_by, open_to, normal, allowing } =
            tiers::decide(policies, self.about);
        if self.may_be_overruled(open_to) {
            (verdict, reason) = (Verdict::Unknown, Reason::Unknown(UnknownWhy::PoliciesUnread));
        }
        let conditions = match verdict {
            Verdict::Allowed => {
                let normal = normal.then_some(policies);
                self.conditions(&allowing, normal.unwrap_or_default())
            }
            _ => Vec::new(),
        };
        Conclusion { verdict, reason, decided_by, conditions, allowing }
    }

    /// Whether policies that could not be read might say otherwise.
    ///
    /// A NetworkPolicy may isolate and admit, so a rule that admits is enough and one that denies is
    /// final, but for those of the Baseline tier, which it comes before. Others may deny as well.
    fn may_be_overruled(&self, open_to: OpenTo) -> bool {
        let namespace = &self.snapshot.pod(self.pod).namespace;
        match open_to {
            _ if self.rules.cluster_wide_unread() => true,
            OpenTo::Nothing => false,
            OpenTo::Denials => self.rules.may_have_denials(namespace),
            OpenTo::Any => self.rules.is_unread(namespace),
        }
    }

    /// What must hold besides: of rules of the ordered tiers, each of which may be the one that is
    /// followed, and of all rules of the normal tier. A rule that only perhaps matches may bind a flow
    /// that others let through.
    ///
    /// Source: docs/semantics/cilium-ports.md#layer-7-beside-plain-rules: an allow without L7 rules
    /// lifts what those of others ask, and leaves the proxy in the way;
    /// docs/semantics/cilium-verdicts.md#allow-localhost: so does the implied one.
    fn conditions(&self, ordered: &[RuleId], policies: &[PolicyTrace]) -> Vec<Condition> {
        let mut all: Vec<Condition> = Vec::new();
        for (policy, entry) in ordered {
            let rule = self.rules.policy(*policy).entries.get(*entry);
            let condition = rule.and_then(|rule| rule.condition.clone());
            all.extend(condition.filter(|condition| !all.contains(condition)));
        }
        // The rules that may allow it, with their policies.
        let normal = policies.iter().filter(|policy| policy.tier == Tier::Normal);
        let allows: Vec<(&PolicyTrace, Truth, &Entry)> = normal
            .flat_map(|trace| {
                let written = &self.rules.policy(trace.policy).entries;
                let both = trace.entries.iter().zip(written);
                both.map(move |(entry, rule)| (trace, entry.matches(), rule))
            })
            .filter(|(_, matches, rule)| rule.action == Action::Allow && !matches.is_no())
            .collect();
        for (trace, _, rule) in &allows {
            let Some(condition) = &rule.condition else { continue };
            // Whichever policies select, each lifts its own conditions.
            let mut others = allows.iter().filter(|(other, matches, plain)| {
                let certain = other.selects.is_yes() || other.policy == trace.policy;
                plain.condition.is_none() && matches.is_yes() && certain
            });
            let lifted = self.about.implied.is_yes() && condition.reads == Reads::Http
                || others.any(|(.., plain)| self.lifts(condition, rule, plain));
            let left = if lifted { condition.lifted() } else { condition.clone() };
            // Where several rules leave the same, one of them is told.
            let told = |known: &Condition| known.asks == left.asks && known.words == left.words;
            if !all.iter().any(told) {
                all.push(left);
            }
        }
        all
    }

    /// Whether a rule without a condition lifts that of another one, where both match.
    fn lifts(&self, condition: &Condition, rule: &Entry, plain: &Entry) -> bool {
        let ports = condition.lifted_at(&rule.ports, &plain.ports);
        self.matcher.has_port(&ports).is_yes()
    }
}
