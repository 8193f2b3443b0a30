//! Where a pod that is not written may be.
//!
//! In: two sides, or one. Out: [`Home`]s: the namespaces that objects or rules name, of which those that
//! nothing tells apart but their names are one, and any other namespace at all.

use super::parts::{is_own, policy_key};
use crate::cluster::{
    Family, Labels, NAMESPACE_NAME_LABEL, Name, Operator, Pod, Selector, Snapshot,
};
use crate::policy::Ruleset;
use crate::policy::rule::{
    Direction, Namespaces, PeerKind, Peers, PodSet, Policy, PortMatch, PortRule, Ports,
};
use foldhash::{HashMap, HashMapExt as _};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher as _};

/// One side.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) rules: &'a Ruleset,
}

/// Namespaces that rules and labels treat alike.
#[derive(Clone, Debug)]
pub(super) struct Home {
    /// One of them; for any other namespace a name that nothing has.
    pub(super) name: Name,
    /// All of them.
    pub(super) members: Vec<Name>,
    /// The labels of each side; `None` where they may be any.
    pub(super) labels: Option<[Labels; 2]>,
    /// Every side has written them, so that pods can be added as they are.
    pub(super) written: bool,
    /// It is any other namespace.
    pub(super) other: bool,
    /// Its labels are not the same on both sides, as far as rules ask for them.
    pub(super) changed: bool,
}

/// Every set of pods that a policy names.
pub(super) fn sets(policy: &Policy) -> impl Iterator<Item = &PodSet> {
    roles(policy).map(|(_, set)| set)
}

/// Every set of pods that a policy names, and whether it is about those that it speaks for.
pub(super) fn roles(policy: &Policy) -> impl Iterator<Item = (bool, &PodSet)> {
    let kinds = policy.entries.iter().flat_map(|entry| {
        let own = entry.own().map(|kind| (true, kind));
        own.chain(entry.others().map(|kind| (false, kind)))
    });
    let sets = kinds.filter_map(|(own, kind)| match kind {
        PeerKind::Pods(set) => Some((own, set)),
        _ => None,
    });
    std::iter::once((true, &policy.subject)).chain(sets)
}

/// The namespace that a policy is of.
pub(super) fn owner(policy: &Policy) -> Option<&Name> {
    match &policy.subject.namespaces {
        Namespaces::Own(name) => Some(name),
        Namespaces::Matching(_) => None,
    }
}

/// The requirements that selectors have for namespaces.
fn selectors(rules: &Ruleset) -> impl Iterator<Item = (Option<&Name>, &Selector)> {
    rules.policies().iter().flat_map(|policy| {
        sets(policy).filter_map(move |set| match &set.namespaces {
            Namespaces::Matching(selector) => Some((owner(policy), selector)),
            Namespaces::Own(_) => None,
        })
    })
}

/// What is said of namespaces by name, and by which labels they are told apart.
#[derive(Default)]
struct Said<'a> {
    /// Those that rules name.
    named: BTreeSet<&'a str>,
    /// Those that rules of others name, or of the whole cluster, which are like no other.
    singled_out: BTreeSet<&'a str>,
    keys: BTreeSet<&'a str>,
    /// By which labels pods are told apart.
    of_pods: BTreeSet<&'a str>,
}

fn said<'a>(sides: &[Side<'a>]) -> Said<'a> {
    let mut said = Said::default();
    for side in sides {
        for policy in side.rules.policies() {
            let owner = owner(policy);
            said.named.extend(owner.map(|name| &**name));
            for set in sets(policy) {
                said.of_pods.extend(set.pods.requirements.iter().map(|one| &*one.key));
                if let Namespaces::Own(name) = &set.namespaces {
                    said.named.insert(name);
                    if owner != Some(name) {
                        said.singled_out.insert(name);
                    }
                }
            }
        }
        for (owner, selector) in selectors(side.rules) {
            for requirement in &selector.requirements {
                said.keys.insert(&requirement.key);
                if *requirement.key != *NAMESPACE_NAME_LABEL {
                    continue;
                }
                if let Operator::In(values) | Operator::NotIn(values) = &requirement.operator {
                    said.named.extend(values.iter().map(|value| &**value));
                    if !is_own(requirement, owner.map(|name| &**name)) {
                        said.singled_out.extend(values.iter().map(|value| &**value));
                    }
                }
            }
        }
    }
    said.keys.remove(NAMESPACE_NAME_LABEL);
    said
}

/// The labels of a namespace on each side; what one side alone has written holds for both.
fn labels(sides: &[Side<'_>], name: &str) -> (Option<[Labels; 2]>, bool) {
    let of = |side: &Side<'_>| {
        let namespace = side.snapshot.namespace(name)?;
        (!namespace.labels_unread).then(|| namespace.labels.clone())
    };
    let mut all = sides.iter().map(of);
    let (old, new) = (all.next().flatten(), all.next().unwrap_or_else(|| of(&sides[0])));
    match (old, new) {
        (Some(old), Some(new)) => (Some([old, new]), true),
        (Some(one), None) | (None, Some(one)) => (Some([one.clone(), one]), false),
        (None, None) => (None, false),
    }
}

/// Any other namespace first, then all that are named, in order.
pub(super) fn homes(sides: &[Side<'_>]) -> Vec<Home> {
    let said = said(sides);
    let mut names: BTreeSet<&str> = said.named.clone();
    for side in sides {
        let known = side.snapshot.namespaces().filter(|namespace| !namespace.supposed);
        names.extend(known.map(|namespace| &*namespace.name));
        names.extend(side.rules.unread_namespaces().map(|name| &**name));
    }
    let marks = marks(sides);
    let mut counts: HashMap<u64, usize> = HashMap::new();
    for name in &names {
        *counts.entry(marks.get(name).copied().unwrap_or_default()).or_default() += 1;
    }
    let mut all: Vec<Home> = vec![other(&names)];
    let mut alike: HashMap<String, usize> = HashMap::new();
    for name in names {
        let (labels, written) = labels(sides, name);
        let unlike =
            |key: &&str| labels.as_ref().is_some_and(|[old, new]| old.get(key) != new.get(key));
        let changed = said.keys.iter().any(unlike);
        let shown = labels.as_ref().map(|both| {
            let labels = both.each_ref().map(|labels| {
                let shown = labels.iter().filter(|(key, _)| said.keys.contains(key));
                shown.map(|(k, v)| format!("{k:?}={v:?}")).collect::<Vec<_>>()
            });
            format!("{labels:?}")
        });
        let unread: Vec<[bool; 2]> = sides
            .iter()
            .map(|side| [side.rules.is_unread(name), side.rules.may_have_denials(name)])
            .collect();
        let itself = said.singled_out.contains(name).then_some(name);
        let mark = marks.get(name).copied().unwrap_or_default();
        // Most are told apart by little.
        let single = itself.is_some() || counts.get(&mark) == Some(&1);
        let place = if single {
            all.len()
        } else {
            let policies = own_policies(sides, name);
            let pods = own_pods(sides, name, &said.of_pods);
            let key = format!("{written} {shown:?} {unread:?} {policies:?} {pods:?}");
            *alike.entry(key).or_insert(all.len())
        };
        match all.get_mut(place) {
            Some(home) => home.members.push(name.into()),
            None => all.push(Home {
                name: name.into(),
                members: vec![name.into()],
                labels,
                written,
                other: false,
                changed,
            }),
        }
    }
    all
}

/// The policies of a namespace by side, without their names and its own.
fn own_policies(sides: &[Side<'_>], name: &str) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    for (side, of) in sides.iter().enumerate() {
        let both = Direction::ALL.into_iter().flat_map(|it| of.rules.candidates(name, it));
        for (_, policy) in both {
            if let Some(owner) = owner(policy) {
                all.push((side, policy_key(policy, Some(owner))));
            }
        }
    }
    all.sort_unstable();
    all
}

/// The known pods of a namespace, as far as rules tell pods apart. A list says what is not shown by
/// them, so namespaces of which one has pods and another has none are not alike.
fn own_pods(sides: &[Side<'_>], name: &str, keys: &BTreeSet<&str>) -> BTreeSet<String> {
    let [side] = sides else { return BTreeSet::new() };
    let pods = side.snapshot.pods_in(name).map(|(_, pod)| pod);
    let pods = pods.filter(|pod| !pod.finished && !pod.host_network);
    let families = |pod: &Pod| pod.ips.iter().map(|ip| Family::of(*ip)).collect::<Vec<_>>();
    let mut last: Option<&Pod> = None;
    let mut all = BTreeSet::new();
    for pod in pods {
        // Replicas mostly follow one another.
        let again = last.is_some_and(|last| {
            last.labels == pod.labels
                && last.service_account == pod.service_account
                && last.unknown_labels == pod.unknown_labels
                && last.ports == pod.ports
                && families(last) == families(pod)
        });
        if again {
            continue;
        }
        last = Some(pod);
        let labels: Vec<_> = keys.iter().map(|key| pod.label(key)).collect();
        let (unknown, ports, families) = (pod.unknown_labels, &pod.ports, families(pod));
        all.insert(format!("{labels:?} {unknown:?} {ports:?} {families:?}"));
    }
    all
}

/// A number for the policies of each namespace, which is the same where they are.
fn marks<'a>(sides: &[Side<'a>]) -> HashMap<&'a str, u64> {
    let mut all: HashMap<&str, Vec<u64>> = HashMap::new();
    for (side, of) in sides.iter().enumerate() {
        for policy in of.rules.policies() {
            if let Some(owner) = owner(policy) {
                all.entry(&**owner).or_default().push(mark(side, policy));
            }
        }
    }
    all.into_iter().map(|(name, marks)| (name, sum(marks))).collect()
}

fn hash_of(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// One number for many, whatever their order, of which those that are equal count once.
fn sum(mut all: Vec<u64>) -> u64 {
    all.sort_unstable();
    all.dedup();
    hash_of(all)
}

fn mark(side: usize, policy: &Policy) -> u64 {
    let labels = |selector: &Selector| {
        let keys = selector.requirements.iter().map(|one| match &one.operator {
            Operator::In(values) if values.len() == 1 => hash_of((&one.key, &values[0])),
            _ => hash_of(&one.key),
        });
        sum(keys.collect())
    };
    let port = |item: &PortRule| match &item.ports {
        PortMatch::All => hash_of(item.protocol),
        PortMatch::Range(range) => hash_of((item.protocol, range)),
        PortMatch::Named(name) => hash_of((item.protocol, name)),
    };
    let entries = policy.entries.iter().map(|entry| {
        let ports = match &entry.ports {
            Ports::Any => 0,
            Ports::Of(items) => sum(items.iter().map(port).collect()),
        };
        let peers = match &entry.peers {
            Peers::Any => 0,
            Peers::Of(items) => {
                let of = items.iter().map(|item| match &item.admits {
                    PeerKind::Pods(set) => labels(&set.pods),
                    other => hash_of(std::mem::discriminant(other)),
                });
                sum(of.collect())
            }
        };
        hash_of((ports, peers))
    });
    let said = (side, policy.direction, &policy.tier, policy.isolates);
    hash_of((said, labels(&policy.subject.pods), sum(entries.collect())))
}

/// A namespace that nothing names.
fn other(names: &BTreeSet<&str>) -> Home {
    let name: Name = free_name("other-namespace", |name| names.contains(name));
    Home {
        members: vec![name.clone()],
        name,
        labels: None,
        written: false,
        other: true,
        changed: false,
    }
}

/// This name, or with a number behind it where it is taken.
pub(super) fn free_name(base: &str, taken: impl Fn(&str) -> bool) -> Name {
    let numbered = (2_u32..).map(|number| format!("{base}-{number}"));
    let mut all = std::iter::once(base.to_owned()).chain(numbered);
    all.find(|name| !taken(name)).unwrap_or_default().into()
}
