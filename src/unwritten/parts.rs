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
use foldhash::{HashMap, HashMapExt as _};
use std::collections::BTreeSet;
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

/// Texts by number: each is kept once, however many parts it tells of.
#[derive(Default)]
struct Texts(HashMap<String, usize>);

impl Texts {
    fn number(&mut self, text: String) -> usize {
        let next = self.0.len();
        *self.0.entry(text).or_insert(next)
    }
}

/// What tells a part from others, wherever it stands; texts are numbers of [`Texts`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// A direction and a subject.
    Isolation(Direction, usize),
    /// A direction, a subject, a peer, and the rest of a rule.
    Rule(Direction, usize, usize, usize),
    /// A policy of an ordered tier as a whole: its order counts.
    Ordered(usize),
}

/// The parts of one policy with their keys. Those of an ordered tier are one: their order counts.
fn keyed(side: usize, id: PolicyId, policy: &Policy, texts: &mut Texts) -> Vec<(Part, Key)> {
    let ordered = policy.tier.is_ordered().then(|| texts.number(policy_key(policy, None)));
    let subject = texts.number(set_key(&policy.subject, None));
    let direction = policy.direction;
    let mut rules = Vec::with_capacity(policy.entries.len());
    for entry in &policy.entries {
        let peers = match &entry.peers {
            Peers::Of(items) => {
                items.iter().map(|item| texts.number(peer_key(&item.admits, None))).collect()
            }
            Peers::Any => Vec::new(),
        };
        rules.push((peers, texts.number(rest_key(entry))));
    }
    let anyone = texts.number("anyone".into());
    let key = |part: &Part| match (part.what, ordered) {
        (What::Isolation, _) => Key::Isolation(direction, subject),
        (What::Rule { .. }, Some(ordered)) => Key::Ordered(ordered),
        (What::Rule { entry, peer, .. }, None) => {
            let (peers, rest) = &rules[entry];
            let peer = peer.and_then(|peer| peers.get(peer)).copied().unwrap_or(anyone);
            Key::Rule(direction, subject, peer, *rest)
        }
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
    let mut texts = Texts::default();
    let keyed = [old, new].map(|rules| (usize::from(std::ptr::eq(rules, new)), rules));
    let keyed = keyed.map(|(side, rules)| {
        let ids = unequal[side].iter();
        ids.flat_map(|id| self::keyed(side, *id, rules.policy(*id), &mut texts)).collect::<Vec<_>>()
    });
    // Policies of one priority count as often as they are there.
    let mut counts: HashMap<Key, [usize; 2]> = HashMap::new();
    for (side, parts) in keyed.iter().enumerate() {
        for (_, key) in parts {
            counts.entry(*key).or_default()[side] += 1;
        }
    }
    let only = |part: &Part, key: &Key| counts.get(key).is_none_or(|both| both[1 - part.side] == 0);
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
