//! What of two sides' rules is not the same on both.
//!
//! In: the rules of one side, or two. Out: [`Part`]s, the smallest things that can decide a flow: a
//! policy that isolates, or one peer of one rule at one kind of port. What both sides have, in whatever
//! order and however it is spread over policies, is no part: a flow whose verdict differs must match
//! one that only one side has.

use crate::cluster::{NAMESPACE_NAME_LABEL, Operator, Requirement, Selector};
use crate::policy::rule::{
    Direction, Entry, Namespaces, PeerKind, Peers, PodSet, Policy, PortRule, Ports, Tier,
};
use crate::policy::{PolicyId, Ruleset};
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

/// What can decide a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Part {
    /// 0 for the old side, 1 for the new one.
    pub(super) side: usize,
    pub(super) policy: PolicyId,
    pub(super) what: What,
}

/// What of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum What {
    /// That it isolates.
    Isolation,
    /// A rule, by index; with its peer, if it has a list of them, and its port with a name, or all
    /// others.
    Rule { entry: usize, peer: Option<usize>, name: Option<usize> },
}

/// A selector as a text that is the same for the same requirements. `own` is a namespace whose name is
/// not to show.
fn selector_key(selector: &Selector, own: Option<&str>, out: &mut String) {
    let mut all: Vec<String> =
        selector.requirements.iter().map(|r| requirement_key(r, own)).collect();
    all.sort_unstable();
    all.dedup();
    let _ = write!(out, "{all:?}");
}

fn requirement_key(requirement: &Requirement, own: Option<&str>) -> String {
    let Requirement { key, operator, .. } = requirement;
    let sorted = |values: &[crate::cluster::Name]| {
        let all: BTreeSet<&str> = values.iter().map(|value| &**value).collect();
        format!("{all:?}")
    };
    match operator {
        Operator::In(values) if is_own(requirement, own) => {
            debug_assert_eq!(values.len(), 1);
            format!("{key} is its own")
        }
        Operator::In(values) => format!("{key} in {}", sorted(values)),
        Operator::NotIn(values) => format!("{key} not in {}", sorted(values)),
        Operator::Exists => format!("{key} is there"),
        Operator::DoesNotExist => format!("{key} is not there"),
        Operator::Has(how, text) => format!("{key} {} {text:?}", how.as_str()),
        Operator::HasNot(how, text) => format!("{key} not {} {text:?}", how.as_str()),
    }
}

/// Whether a requirement asks for a namespace by this name and no other.
pub(super) fn is_own(requirement: &Requirement, own: Option<&str>) -> bool {
    let Operator::In(values) = &requirement.operator else { return false };
    *requirement.key == *NAMESPACE_NAME_LABEL
        && matches!(values.as_slice(), [name] if own == Some(&**name))
}

fn set_key(set: &PodSet, own: Option<&str>) -> String {
    let mut out = String::new();
    match &set.namespaces {
        Namespaces::Own(name) if own == Some(&**name) => out.push_str("own"),
        Namespaces::Own(name) => {
            let _ = write!(out, "of {name:?}");
        }
        Namespaces::Matching(selector) => selector_key(selector, own, &mut out),
    }
    selector_key(&set.pods, None, &mut out);
    let _ = write!(out, "{:?}", set.doubt);
    out
}

fn peer_key(peer: &PeerKind, own: Option<&str>) -> String {
    match peer {
        PeerKind::Pods(set) => set_key(set, own),
        other => format!("{other:?}"),
    }
}

fn port_key(port: &PortRule) -> String {
    format!("{:?} {:?} {:?}", port.protocol, port.ports, port.except)
}

fn ports_key(ports: &Ports) -> String {
    match ports {
        Ports::Any => "any".into(),
        Ports::Of(items) => {
            let all: BTreeSet<String> = items.iter().map(port_key).collect();
            format!("{all:?}")
        }
    }
}

fn rest_key(entry: &Entry) -> String {
    let asks = entry.condition.as_ref().map(|condition| &condition.asks);
    let only = entry.only.as_deref().map(|only| peer_key(only, None));
    format!("{:?} {only:?} {asks:?} at {}", entry.action, ports_key(&entry.ports))
}

/// A rule as a text that is the same wherever it stands.
pub(super) fn entry_key(entry: &Entry, own: Option<&str>) -> String {
    let peers = match &entry.peers {
        Peers::Any => "anyone".to_owned(),
        Peers::Of(items) => {
            let all: BTreeSet<String> = items.iter().map(|p| peer_key(&p.admits, own)).collect();
            format!("{all:?}")
        }
    };
    format!("{peers} {}", rest_key(entry))
}

/// A policy as a text that is the same for the same meaning.
pub(super) fn policy_key(policy: &Policy, own: Option<&str>) -> String {
    let key = |entry: &Entry| format!("{} {}", entry.place, entry_key(entry, own));
    let mut entries: Vec<String> = policy.entries.iter().map(key).collect();
    if policy.tier == Tier::Normal {
        entries.sort_unstable();
        entries.dedup();
    }
    let (direction, tier, isolates) = (policy.direction, &policy.tier, policy.isolates);
    format!("{direction:?} {tier:?} {isolates} {} {entries:?}", set_key(&policy.subject, own))
}

/// The parts of one policy.
fn parts(side: usize, id: PolicyId, policy: &Policy) -> Vec<Part> {
    let part = |what| Part { side, policy: id, what };
    let mut all = Vec::new();
    if policy.isolates {
        all.push(part(What::Isolation));
    }
    for (entry, rule) in policy.entries.iter().enumerate() {
        let names: BTreeSet<Option<usize>> = match &rule.ports {
            Ports::Any => BTreeSet::from([None]),
            Ports::Of(items) => {
                (0..items.len()).map(|i| items[i].is_by_name().then_some(i)).collect()
            }
        };
        let peers: Vec<Option<usize>> = match &rule.peers {
            Peers::Any => vec![None],
            Peers::Of(items) => (0..items.len()).map(Some).collect(),
        };
        for peer in peers {
            let of = |name: &Option<usize>| part(What::Rule { entry, peer, name: *name });
            all.extend(names.iter().map(of));
        }
    }
    all
}

/// The parts of one policy with their keys. Those of an ordered tier are one: their order counts.
fn keyed(side: usize, id: PolicyId, policy: &Policy) -> Vec<(Part, String)> {
    let ordered = policy.tier.is_ordered().then(|| policy_key(policy, None));
    let subject = set_key(&policy.subject, None);
    let direction = policy.direction;
    let rests: Vec<String> = policy.entries.iter().map(rest_key).collect();
    let key = |part: &Part| match part.what {
        What::Isolation => format!("{direction:?} isolates {subject}"),
        What::Rule { entry, peer, .. } => ordered.clone().unwrap_or_else(|| {
            let peer = match (&policy.entries[entry].peers, peer) {
                (Peers::Of(items), Some(peer)) => peer_key(&items[peer].admits, None),
                _ => "anyone".into(),
            };
            format!("{direction:?} {subject} {peer} {}", rests[entry])
        }),
    };
    parts(side, id, policy).into_iter().map(|part| (part, key(&part))).collect()
}

/// Every part of a side.
pub(super) fn all(side: usize, rules: &Ruleset) -> Vec<Part> {
    let policies = rules.policies().iter().enumerate();
    policies.flat_map(|(id, policy)| parts(side, id, policy)).collect()
}

/// The parts that only one of two sides has.
pub(super) fn changed(old: &Ruleset, new: &Ruleset) -> Vec<Part> {
    let unequal = differing(old, new);
    let keyed = [old, new].map(|rules| (usize::from(std::ptr::eq(rules, new)), rules));
    let keyed = keyed.map(|(side, rules)| {
        let ids = unequal[side].iter();
        ids.flat_map(|id| self::keyed(side, *id, rules.policy(*id))).collect::<Vec<_>>()
    });
    // Policies of one priority count as often as they are there.
    let mut counts: HashMap<&str, [usize; 2]> = HashMap::new();
    for (side, parts) in keyed.iter().enumerate() {
        for (_, key) in parts {
            counts.entry(key).or_default()[side] += 1;
        }
    }
    let only = |part: &Part, key: &str| counts.get(key).is_none_or(|both| both[1 - part.side] == 0);
    let all = keyed.iter().flatten().filter(|(part, key)| only(part, key));
    all.map(|(part, _)| *part).collect()
}

/// The policies of each side that are not, word for word, on the other too.
fn differing(old: &Ruleset, new: &Ruleset) -> [Vec<PolicyId>; 2] {
    let same = |a: &Policy, b: &Policy| {
        a.object == b.object
            && a.direction == b.direction
            && a.tier == b.tier
            && a.isolates == b.isolates
            && a.subject == b.subject
            && a.entries == b.entries
    };
    let mut by_object: HashMap<_, Vec<PolicyId>> = HashMap::new();
    for (id, policy) in old.policies().iter().enumerate() {
        by_object.entry(&policy.object).or_default().push(id);
    }
    let mut gone: BTreeSet<PolicyId> = (0..old.policies().len()).collect();
    let mut came = Vec::new();
    for (id, policy) in new.policies().iter().enumerate() {
        let known = by_object.get_mut(&policy.object);
        let at =
            known.as_ref().and_then(|ids| ids.iter().position(|i| same(old.policy(*i), policy)));
        match (known, at) {
            (Some(ids), Some(at)) => {
                gone.remove(&ids.remove(at));
            }
            _ => came.push(id),
        }
    }
    [gone.into_iter().collect(), came]
}

impl Part {
    /// The policy that it is of.
    pub(super) fn policy<'a>(&self, rules: &[&'a Ruleset]) -> &'a Policy {
        rules[self.side].policy(self.policy)
    }

    /// The direction that it is about.
    pub(super) fn direction(&self, rules: &[&Ruleset]) -> Direction {
        self.policy(rules).direction
    }

    /// The field path of the rule; empty for the policy as a whole.
    pub(super) fn path<'a>(&self, rules: &[&'a Ruleset]) -> &'a str {
        match self.what {
            What::Isolation => "",
            What::Rule { entry, .. } => {
                self.policy(rules).entries.get(entry).map_or("", |entry| &*entry.path)
            }
        }
    }
}
