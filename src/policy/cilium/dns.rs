//! Which pods Cilium sees the answers of DNS of, without which it knows no address of a name.
//!
//! In: every rule with `rules.dns` and the pods. Out: of a subject, the pods that no such rule
//! selects. Source: docs/semantics/cilium-rules.md#names.

use super::super::rule::{Namespaces, PodSet};
use super::known::{CiliumPolicy, Known};
use super::lower::Lowering;
use super::written::Rule;
use crate::cluster::{Pod, Selector, Snapshot};

/// The pods whose lookups Cilium sees.
#[derive(Default)]
pub(super) struct SeenLookups {
    subjects: Vec<PodSet>,
    /// By pod.
    pods: Vec<bool>,
}

impl SeenLookups {
    pub(super) fn new(policies: &[CiliumPolicy<'_>], known: &Known<'_>) -> Self {
        let Some(settings) = known.settings else { return Self::default() };
        let names = |rule: &Rule| {
            let mut elements = rule.egress.iter().flatten();
            elements.any(|element| element.0.fqdns.as_ref().is_some_and(|fqdns| !fqdns.is_empty()))
        };
        if !policies.iter().flat_map(CiliumPolicy::rules).any(|(_, rule)| names(rule)) {
            return Self::default();
        }
        let mut subjects = Vec::new();
        for policy in policies {
            let mut lowering = Lowering::new(*policy, known, settings);
            for (path, rule) in policy.rules().filter(|(_, rule)| shows_lookups(rule)) {
                let subject = lowering.speaks_for(&path, rule);
                subjects.extend(subject.and_then(|(_, subject)| subject));
            }
        }
        let sees = |pod: &Pod| subjects.iter().any(|set| has(set, pod, known.snapshot).is_yes());
        let pods = known.snapshot.pods().iter().map(sees).collect();
        Self { subjects, pods }
    }

    /// Cilium sees those of every pod.
    pub(super) fn of_every_pod() -> Self {
        let everyone = PodSet::new(Namespaces::Matching(Selector::default()), Selector::default());
        Self { subjects: vec![everyone], pods: Vec::new() }
    }

    /// The pods whose lookups it sees.
    pub(super) fn subjects(&self) -> &[PodSet] {
        &self.subjects
    }

    /// Those of a subject whose lookups Cilium does not see, in words; `None` where it sees all.
    pub(super) fn unseen(&self, subject: &PodSet, snapshot: &Snapshot) -> Option<String> {
        let every = |namespaces: &Namespaces| matches!(namespaces, Namespaces::Matching(selector) if selector.is_everything());
        let covers = |set: &PodSet| {
            let namespaces = set.namespaces == subject.namespaces || every(&set.namespaces);
            let pods = set.pods == subject.pods || set.pods.is_everything();
            namespaces && pods && set.doubt.is_none()
        };
        if self.subjects.iter().any(covers) {
            return None;
        }
        let all = snapshot.pods().iter().enumerate();
        let selected = all.filter(|(_, pod)| {
            !pod.host_network && !pod.finished && !has(subject, pod, snapshot).is_no()
        });
        let selected: Vec<(usize, &Pod)> = selected.collect();
        let mut unseen =
            selected.iter().filter(|(id, _)| !self.pods.get(*id).copied().unwrap_or_default());
        match (selected.is_empty(), unseen.next()) {
            (true, _) => Some("the pods that it selects".to_owned()),
            (false, None) => None,
            (false, Some((_, first))) => {
                let more = unseen.count();
                let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                Some(format!("{}/{}{more}", first.namespace, first.name))
            }
        }
    }
}

fn has(set: &PodSet, pod: &Pod, snapshot: &Snapshot) -> crate::cluster::Truth {
    set.has(pod, snapshot.namespace(&pod.namespace))
}

/// Whether a rule sends lookups through Cilium's proxy; an empty list does not.
fn shows_lookups(rule: &Rule) -> bool {
    let elements = rule.egress.iter().flatten();
    let mut ports = elements.flat_map(|element| element.0.ports.iter().flatten());
    ports.any(|ports| {
        let dns = ports.rules.as_ref().and_then(|rules| rules.dns.as_ref());
        dns.is_some_and(|dns| !dns.is_empty())
    })
}
