//! What keeps a flow from being decided.
//!
//! In: a flow whose verdict is Unknown or Ambiguous. Out: what is not known and makes a difference,
//! found by deciding with each of it as it may turn out, and the policies that disagree.

use super::{RuleId, STEPS_OF_POLICY};
use crate::cluster::{Namespace, Pod, Truth};
use crate::effort::Steps;
use crate::ends::Endpoint;
use crate::policy::PolicyId;
use crate::policy::rule::{Action, Entry, Namespaces, PeerKind, Peers, PodSet};
use crate::verdict::evaluate::{Conclusion, Judge, Situation};
use crate::verdict::matching::Matcher;
use crate::verdict::trace::{PeerMiss, PolicyTrace, Reason, UnknownWhy, Verdict};
use std::collections::BTreeSet;

/// What is not known.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NotKnown {
    /// The addresses of pods.
    PodAddresses,
    /// The addresses of nodes.
    NodeAddresses,
    /// Who has an address of the pod network.
    PodNetwork,
    /// Labels of pods that are set when these are made.
    PodLabels,
    /// Labels of namespaces.
    NamespaceLabels,
    /// Which nodes there are, or on which of them a pod is.
    Nodes,
    /// Who is one of Cilium's entities.
    Entities,
    /// The addresses of DNS names.
    Names,
    /// Something that cannot be seen from here: why.
    Unseen(Box<str>),
    /// Policies that could not be read.
    PoliciesUnread,
    /// Whether a node is the pod's own, which reaches it.
    OwnNode,
    /// Whether isolation keeps a pod from its own node, which network plugins see differently.
    ToOwnNode,
    /// Whether isolation keeps a pod from itself through a Service, which network plugins see
    /// differently.
    SelfThroughService,
}

/// What would decide.
#[derive(Default)]
pub(super) struct Open {
    pub(super) rules: BTreeSet<RuleId>,
    pub(super) perhaps: BTreeSet<PolicyId>,
    pub(super) not_known: BTreeSet<NotKnown>,
    pub(super) tied: BTreeSet<BTreeSet<PolicyId>>,
}

/// Something that may turn out either way: whether a policy selects, or whether rules of it match.
struct Item {
    /// The policy, by its place among those of the situation.
    at: usize,
    /// Its rules; empty: whether it selects.
    entries: Vec<usize>,
    kinds: BTreeSet<NotKnown>,
}

/// With more than these not every way in which they may turn out together is tried.
const MOST: usize = 8;

pub(super) fn deciding(
    judge: &Judge<'_>,
    matcher: Option<&Matcher<'_>>,
    situation: &Situation<'_>,
    conclusion: &Conclusion,
    steps: &Steps,
) -> Open {
    let items = matcher.map_or_else(Vec::new, |matcher| items(judge, matcher, situation));
    let mut open = Open::default();
    let all = items.len() <= MOST;
    let ways: Vec<Vec<Option<bool>>> = if all {
        let bit = |way: usize| (0..items.len()).map(move |i| Some(way >> i & 1 == 1)).collect();
        (0..1 << items.len()).map(bit).collect()
    } else {
        let one = |i: usize, pinned| (0..items.len()).map(|j| (i == j).then_some(pinned)).collect();
        (0..items.len()).flat_map(|i| [one(i, false), one(i, true)]).collect()
    };
    let mut verdicts = Vec::with_capacity(ways.len());
    steps.take(STEPS_OF_POLICY * ways.len() * situation.policies.len());
    for way in &ways {
        let policies = turned_out(situation, &items, way);
        let other = situation.conclude(&policies);
        if other.verdict == Verdict::Ambiguous {
            open.tied(situation, &policies);
        }
        if all {
            open.not_known.extend(left(other.reason));
        }
        verdicts.push(other.verdict);
    }
    let matters = |item: usize| {
        if all {
            let mut ways = (0..verdicts.len()).filter(|way| way >> item & 1 == 0);
            ways.any(|way| verdicts[way] != verdicts[way | 1 << item])
        } else {
            verdicts[2 * item..2 * item + 2].iter().any(|verdict| *verdict != conclusion.verdict)
        }
    };
    let mut deciding: Vec<bool> = (0..items.len()).map(matters).collect();
    if !all {
        open.not_known.extend(left(conclusion.reason));
    }
    // The evaluator takes what is not known one by one, and does not see what hangs together.
    if !deciding.contains(&true) && open.not_known.is_empty() && open.tied.is_empty() {
        deciding.fill(true);
    }
    for (item, _) in items.into_iter().zip(deciding).filter(|(_, matters)| *matters) {
        let policy = situation.policies[item.at].policy;
        if item.entries.is_empty() {
            open.perhaps.insert(policy);
        }
        open.rules.extend(item.entries.iter().map(|entry| (policy, *entry)));
        open.not_known.extend(item.kinds);
    }
    open
}

/// What is not known besides what rules match.
fn left(reason: Reason) -> Option<NotKnown> {
    let Reason::Unknown(why) = reason else { return None };
    match why {
        UnknownWhy::Rules => None,
        UnknownWhy::PoliciesUnread => Some(NotKnown::PoliciesUnread),
        UnknownWhy::PerhapsOwnNode => Some(NotKnown::OwnNode),
        UnknownWhy::ToOwnNode => Some(NotKnown::ToOwnNode),
        UnknownWhy::SelfThroughService => Some(NotKnown::SelfThroughService),
    }
}

/// The policies as some items turn out.
fn turned_out(situation: &Situation<'_>, items: &[Item], way: &[Option<bool>]) -> Vec<PolicyTrace> {
    let mut policies = situation.policies.clone();
    for (item, pinned) in items.iter().zip(way) {
        let Some(pinned) = pinned else { continue };
        let policy = &mut policies[item.at];
        if item.entries.is_empty() {
            policy.selects = Truth::from(*pinned);
        }
        for entry in &item.entries {
            // Peers of one rule add up.
            let peer = &mut policy.entries[*entry].peer;
            *peer = match (*peer, pinned) {
                (Truth::Yes, _) | (_, true) => Truth::Yes,
                _ => Truth::No,
            };
        }
    }
    policies.iter_mut().for_each(PolicyTrace::settle);
    policies
}

impl Open {
    /// Adds policies of one priority that disagree, where it makes a difference which is followed.
    fn tied(&mut self, situation: &Situation<'_>, policies: &[PolicyTrace]) {
        let ordered = |policy: &PolicyTrace| policy.tier.is_ordered();
        let places: Vec<usize> = (0..policies.len()).filter(|at| ordered(&policies[*at])).collect();
        for group in places.chunk_by(|a, b| policies[*a].tier == policies[*b].tier) {
            let speaks = |at: &usize| {
                let policy = &policies[*at];
                let says = || policy.decisive().map(|(index, entry)| (index, entry.action));
                Some((*at, policy.selects.is_yes().then(says)??))
            };
            let speakers: Vec<(usize, (usize, Action))> = group.iter().filter_map(speaks).collect();
            let actions: BTreeSet<Action> = speakers.iter().map(|(_, (_, says))| *says).collect();
            if actions.len() < 2 {
                continue;
            }
            let alone = |(at, _): &(usize, (usize, Action))| {
                let mut others = policies.to_vec();
                for (other, _) in speakers.iter().filter(|(other, _)| other != at) {
                    others[*other].selects = Truth::No;
                }
                situation.conclude(&others).verdict
            };
            let verdicts: Vec<Verdict> = speakers.iter().map(alone).collect();
            if verdicts.iter().all(|verdict| *verdict == Verdict::Ambiguous) {
                continue;
            }
            let id = |at: usize| policies[at].policy;
            self.tied.insert(speakers.iter().map(|(at, _)| id(*at)).collect());
            self.rules.extend(speakers.iter().map(|(at, (index, _))| (id(*at), *index)));
        }
    }
}

/// Everything that may turn out either way. Rules of one policy of which the same is not known stand
/// together where any match counts.
fn items(judge: &Judge<'_>, matcher: &Matcher<'_>, situation: &Situation<'_>) -> Vec<Item> {
    let Some(subject) = matcher.subject else { return Vec::new() };
    let subject = judge.snapshot.pod(subject);
    let namespace = judge.snapshot.namespace(&subject.namespace);
    let mut items: Vec<Item> = Vec::new();
    for (at, policy) in situation.policies.iter().enumerate() {
        let written = judge.rules.policy(policy.policy);
        if policy.selects == Truth::Unknown {
            let kinds = of_set(&written.subject, subject, namespace);
            items.push(Item { at, entries: Vec::new(), kinds });
        }
        let first = items.len();
        for (index, (entry, tried)) in written.entries.iter().zip(&policy.entries).enumerate() {
            if tried.matches() != Truth::Unknown {
                continue;
            }
            for kinds in matcher.open_peers(judge, entry) {
                let together = |item: &&mut Item| {
                    let action = policy.entries[item.entries[0]].action;
                    let ordered = policy.tier.is_ordered() && item.entries != [index];
                    !ordered && action == tried.action && item.kinds == kinds
                };
                match items[first..].iter_mut().find(together) {
                    Some(item) if item.entries.contains(&index) => {}
                    Some(item) => item.entries.push(index),
                    None => items.push(Item { at, entries: vec![index], kinds }),
                }
            }
        }
    }
    items
}

/// What is not known of a pod that is perhaps in a set.
fn of_set(set: &PodSet, pod: &Pod, namespace: Option<&Namespace>) -> BTreeSet<NotKnown> {
    let mut kinds = BTreeSet::new();
    if let Namespaces::Matching(selector) = &set.namespaces
        && namespace.is_none_or(|namespace| namespace.matches(selector) == Truth::Unknown)
    {
        kinds.insert(NotKnown::NamespaceLabels);
    }
    if pod.matches(&set.pods) == Truth::Unknown {
        kinds.insert(NotKnown::PodLabels);
    }
    kinds.extend(set.doubt.clone().map(NotKnown::Unseen));
    kinds
}

impl Matcher<'_> {
    /// What is not known of each peer item that may match.
    fn open_peers(&self, judge: &Judge<'_>, entry: &Entry) -> Vec<BTreeSet<NotKnown>> {
        let items = match &entry.peers {
            Peers::Any => &[][..],
            Peers::Of(items) => items.as_slice(),
        };
        let leaves = items.iter().flat_map(|item| item.admits.leaves());
        let open = leaves.filter_map(|kind| {
            let (truth, miss) = self.peer(kind);
            (truth == Truth::Unknown).then(|| self.open_peer(judge, kind, miss))
        });
        let subject = entry.only.as_deref().filter(|only| self.of_subject(only) == Truth::Unknown);
        open.chain(subject.map(|only| self.open_subject(judge, only))).collect()
    }

    /// What is not known of the subject, for which a rule only perhaps speaks.
    fn open_subject(&self, judge: &Judge<'_>, only: &PeerKind) -> BTreeSet<NotKnown> {
        let Some(subject) = self.subject else { return [NotKnown::PodAddresses].into() };
        let itself = Endpoint::Pod(subject);
        let Self { snapshot, flow, cilium, .. } = *self;
        let matcher = Matcher { snapshot, flow, subject: self.subject, peer: &itself, cilium };
        let open = only.leaves().filter_map(|kind| {
            let (truth, miss) = matcher.peer(kind);
            (truth == Truth::Unknown).then(|| matcher.open_peer(judge, kind, miss))
        });
        open.flatten().collect()
    }

    fn open_peer(
        &self,
        judge: &Judge<'_>,
        kind: &PeerKind,
        miss: Option<PeerMiss>,
    ) -> BTreeSet<NotKnown> {
        if let (PeerKind::Pods(set), Endpoint::Pod(id)) = (kind, self.peer) {
            let pod = judge.snapshot.pod(*id);
            return of_set(set, pod, judge.snapshot.namespace(&pod.namespace));
        }
        let one = match miss {
            Some(PeerMiss::AddressUnknown(_)) if self.peer_is_on_node() => NotKnown::NodeAddresses,
            Some(PeerMiss::AddressUnknown(_)) => match self.peer {
                Endpoint::Name(_) => NotKnown::Names,
                _ => NotKnown::PodAddresses,
            },
            Some(PeerMiss::PerhapsNamed(_)) => NotKnown::Names,
            Some(PeerMiss::PerhapsOfEntities(_)) => NotKnown::Entities,
            Some(PeerMiss::Unseen(_)) if self.may_be_pod() => NotKnown::PodNetwork,
            Some(PeerMiss::Unseen(why)) => NotKnown::Unseen(why),
            _ => NotKnown::Nodes,
        };
        [one].into()
    }
}
