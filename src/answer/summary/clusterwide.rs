//! Policies without a namespace, told once and not in every namespace that they speak for.
//!
//! In: the namespaces of a summary. Out: every such policy that may speak for pods of one of them.

use super::reporter::Reporter;
use super::{ClusterwideSummary, PolicySummary};
use crate::answer::rule_words;
use crate::cluster::{Name, PodId};
use crate::policy::rule::{Direction, Namespaces, Policy};

impl Reporter<'_> {
    pub(super) fn clusterwide(&self, namespaces: &[&str]) -> ClusterwideSummary {
        let of = |direction: Direction| -> Vec<PolicySummary> {
            let all = self.rules.policies().iter();
            let mut policies: Vec<&Policy> = all
                .filter(|policy| policy.object.namespace.is_none() && policy.direction == direction)
                .filter(|policy| policy.is_judged())
                .collect();
            policies.sort_by(|a, b| (&a.tier, &a.object).cmp(&(&b.tier, &b.object)));
            policies.into_iter().filter_map(|policy| self.told(policy, namespaces)).collect()
        };
        ClusterwideSummary { ingress: of(Direction::Ingress), egress: of(Direction::Egress) }
    }

    /// A policy, if it may speak for pods of some namespaces.
    fn told(&self, policy: &Policy, namespaces: &[&str]) -> Option<PolicySummary> {
        let there = |name: &&&str| match &policy.subject.namespaces {
            Namespaces::Own(own) => **own == ***name,
            Namespaces::Matching(selector) => self
                .snapshot
                .namespace(&Name::from(**name))
                .is_none_or(|place| !place.matches(selector).is_no()),
        };
        let here: Vec<&str> = namespaces.iter().filter(there).copied().collect();
        if here.is_empty() && !namespaces.is_empty() {
            return None;
        }
        let (mut selected, mut pods) = (Vec::new(), 0);
        for name in here {
            let place = self.snapshot.namespace(name);
            let known = self.snapshot.pods_in(name);
            for (id, pod) in known.filter(|(_, pod)| !pod.finished && !pod.host_network) {
                pods += 1;
                let has = !policy.subject.has(pod, place).is_no();
                selected.extend(has.then_some::<PodId>(id));
            }
        }
        let every = policy.subject.pods.is_everything();
        let nobody = !every && selected.is_empty() && pods > 0;
        let subject = rule_words::subject_anywhere(&policy.subject);
        Some(self.policy(policy, subject, &selected, nobody))
    }
}
