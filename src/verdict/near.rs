//! Policies that would decide a flow if they were written a little differently.
//!
//! In: a flow and the trace of one of its directions. Out: a few [`Near`] misses: of a flow that no
//! policy admits, those that would but speak for other pods; of a direction that is open, those that
//! have rules for the subject and do not isolate it. One pass over the policies, never over their pods.

use super::evaluate::Judge;
use super::matching::{Matcher, missed};
use super::trace::{Flow, PeerMiss, Reason, Trace};
use crate::cluster::{Name, Operator, Pod, PodId, Snapshot, real_namespace};
use crate::kinds::Kind;
use crate::policy::rule::{Action, Entry, Namespaces, PeerKind, Peers, Policy, Tier};
use crate::policy::{PolicyId, Ruleset};

/// What a policy misses a flow by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Near {
    /// The policy.
    pub policy: PolicyId,
    /// Its rule that would decide, where it is about one.
    pub entry: Option<usize>,
    /// By what.
    pub by: NearBy,
}

/// By what a policy misses a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NearBy {
    /// It admits the flow and selects other pods, for one requirement.
    Subject(PeerMiss),
    /// It selects such pods and admits such flows in another namespace, where it selects none.
    Elsewhere(Name),
    /// It has rules for the subject and leaves what they do not mean open.
    NotIsolating,
    /// It speaks for the subject in the other direction only.
    OtherDirection,
}

/// So many are told.
const MOST: usize = 3;

/// Of so many it is looked at whether they select a pod that is known.
const MOST_CANDIDATES: usize = 8;

/// Names this alike are likely to be one, misspelt or shortened.
const ALIKE: f64 = 0.85;

/// The near misses of one direction. `open` says that no policy judges the flow in either.
pub(crate) fn near(
    snapshot: &Snapshot,
    rules: &Ruleset,
    flow: &Flow,
    trace: &Trace,
    open: bool,
) -> Vec<Near> {
    let judge = Judge { snapshot, rules, flow, brief: false };
    let Some(matcher) = judge.matcher(trace.direction) else { return Vec::new() };
    let Some(subject) = matcher.subject else { return Vec::new() };
    let search = Search { snapshot, rules, matcher, subject, trace };
    let mut all = match trace.reason {
        Reason::NoneAdmits => search.admitting(),
        Reason::NotIsolated => search.not_isolating(open),
        _ => Vec::new(),
    };
    all.truncate(MOST);
    all
}

struct Search<'a> {
    snapshot: &'a Snapshot,
    rules: &'a Ruleset,
    matcher: Matcher<'a>,
    subject: PodId,
    trace: &'a Trace,
}

impl Search<'_> {
    fn pod(&self) -> &Pod {
        self.snapshot.pod(self.subject)
    }

    /// Of a flow that nothing admits.
    fn admitting(&self) -> Vec<Near> {
        let namespace = real_namespace(&self.pod().namespace);
        let mut found: Vec<(f64, Near)> = Vec::new();
        for (id, policy) in self.rules.policies().iter().enumerate() {
            let other_way = policy.direction != self.trace.direction;
            if policy.tier.is_administrators() || other_way || !policy.is_judged() {
                continue;
            }
            let own = match &policy.subject.namespaces {
                Namespaces::Own(own) => Some(own).filter(|own| ***own != *namespace),
                Namespaces::Matching(_) => None,
            };
            found.extend(match own {
                Some(own) => self.elsewhere(id, policy, own),
                None => self.other_subject(id, policy),
            });
        }
        found.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        found.truncate(MOST_CANDIDATES);
        let idle = |near: &Near| {
            let policy = self.rules.policy(near.policy);
            match &policy.subject.namespaces {
                Namespaces::Own(own) => {
                    let place = self.snapshot.namespace(own);
                    let is_known = |id| self.snapshot.representative(id).is_none();
                    let mut pods = self.snapshot.pods_in(own);
                    pods.all(|(id, pod)| {
                        pod.finished || !is_known(id) || policy.subject.has(pod, place).is_no()
                    })
                }
                Namespaces::Matching(_) => false,
            }
        };
        let told = |(likeness, near): (f64, Near)| {
            let alike = likeness > ALIKE && matches!(near.by, NearBy::Subject(_));
            (alike || idle(&near)).then_some(near)
        };
        found.into_iter().filter_map(told).collect()
    }

    /// A policy of the subject's namespace that selects other pods, for one requirement.
    fn other_subject(&self, id: PolicyId, policy: &Policy) -> Option<(f64, Near)> {
        let pod = self.pod();
        let namespace = self.snapshot.namespace(&pod.namespace);
        if !policy.subject.has(pod, namespace).is_no() {
            return None;
        }
        let requirements = policy.subject.pods.requirements.iter();
        let failing = requirements.filter(|r| !r.holds_for(pod.label(&r.key))).count();
        let entry = self.admits(&policy.entries)?;
        let miss = missed(&policy.subject, pod, namespace).filter(|_| failing == 1)?;
        let PeerMiss::PodLabels(mismatch) = &miss else { return None };
        let likeness = match (&mismatch.wanted.operator, &mismatch.found) {
            (Operator::In(values), Some(found)) => {
                let each = values.iter().map(|value| strsim::jaro_winkler(value, found));
                each.fold(0.0, f64::max)
            }
            _ => 0.0,
        };
        Some((likeness, Near { policy: id, entry: Some(entry), by: NearBy::Subject(miss) }))
    }

    /// A policy of another namespace that would admit the flow in the subject's.
    fn elsewhere(&self, id: PolicyId, policy: &Policy, own: &Name) -> Option<(f64, Near)> {
        let selector = &policy.subject.pods;
        if selector.requirements.is_empty() || !self.pod().matches(selector).is_yes() {
            return None;
        }
        let here: Name = real_namespace(&self.pod().namespace).into();
        let moved: Vec<Entry> = policy.entries.iter().map(|e| moved(e, own, &here)).collect();
        let entry = self.admits(&moved)?;
        Some((0.0, Near { policy: id, entry: Some(entry), by: NearBy::Elsewhere(own.clone()) }))
    }

    /// The first of some rules that admits the flow.
    fn admits(&self, entries: &[Entry]) -> Option<usize> {
        entries.iter().position(|entry| {
            entry.action == Action::Allow && self.matcher.entry(entry).matches().is_yes()
        })
    }

    /// Of a direction that nothing isolates.
    fn not_isolating(&self, open: bool) -> Vec<Near> {
        let near = |policy, by| Near { policy, entry: None, by };
        let rules = |id: PolicyId| self.rules.policy(id);
        let selecting = self.trace.policies.iter().filter(|policy| policy.selects.is_yes());
        let mut all: Vec<Near> = selecting
            .filter(|it| {
                it.tier == Tier::Normal && !it.isolates && !rules(it.policy).entries.is_empty()
            })
            .map(|it| near(it.policy, NearBy::NotIsolating))
            .collect();
        if open {
            let pod = self.pod();
            let namespace = self.snapshot.namespace(&pod.namespace);
            let opposite = self.trace.direction.opposite();
            let others = self.rules.candidates(&pod.namespace, opposite);
            let others = others.filter(|(_, policy)| {
                // One with rules is clearly about what they are for.
                policy.isolates
                    && policy.entries.is_empty()
                    && Kind::named(&policy.object.kind) == Some(Kind::NetworkPolicy)
                    && policy.subject.has(pod, namespace).is_yes()
            });
            all.extend(others.map(|(id, _)| near(id, NearBy::OtherDirection)));
        }
        all
    }
}

/// A rule as it would be in another namespace.
fn moved(entry: &Entry, from: &Name, to: &Name) -> Entry {
    let mut entry = entry.clone();
    if let Peers::Of(items) = &mut entry.peers {
        for item in items.iter_mut() {
            if let PeerKind::Pods(set) = &mut item.admits
                && set.namespaces == Namespaces::Own(from.clone())
            {
                set.namespaces = Namespaces::Own(to.clone());
            }
        }
    }
    entry
}
