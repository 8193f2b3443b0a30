//! Places, and whom rules mean there.
//!
//! In: one side and its places. Out: where policies only isolate and allow, which places a set has, and
//! whom a peer means.

use super::super::ends::{may_have, may_select};
use super::table::{Places, Whom};
use crate::cluster::{
    AddressBlock, NAMESPACE_NAME_LABEL, Operator, PodId, SERVICE_ACCOUNT_LABEL, Selector,
};
use crate::policy::rule::{
    Action, Direction, Entry, NamedTier, Namespaces, PeerKind, Peers, PodSet, Policy, PortMatch,
    Ports, Tier, TierEnd,
};
use crate::policy::{Enforcement, Ruleset};
use crate::unwritten::homes::{Home, Side, sets};
use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use std::net::IpAddr;
use std::rc::Rc;

/// Whether all policies of a place only isolate and allow, and whether one of them isolates every pod.
pub(super) fn plain(side: &Side<'_>, home: &Home, direction: Direction) -> (bool, bool) {
    let rules = side.rules;
    let mut closed = false;
    let mut tier: Option<&NamedTier> = None;
    let default = rules.cilium().is_none_or(|it| it.enforcement == Enforcement::Default);
    let unread = rules.cluster_wide_unread() || home.members.iter().any(|it| rules.is_unread(it));
    let mut policies = rules.candidates(&home.name, direction).map(|(_, policy)| policy);
    let plain = policies.all(|policy| {
        let own = matches!(policy.subject.namespaces, Namespaces::Own(_));
        let selects = may_select(policy, 0, home);
        if !selects {
            return true;
        }
        let only = fits(policy, &mut tier)
            && policy.subject.doubt.is_none()
            && is_asked_plainly(&policy.subject)
            && policy.entries.iter().all(|entry| entry.action == Action::Allow && is_plain(entry));
        closed |= policy.isolates && policy.subject.pods.is_everything();
        own && only
    });
    (default && !unread && plain, closed)
}

/// Whether a policy is in the tier in which others isolate; of tiers with names, in the one in which all of
/// the place are, if flows are dropped at its end. Where all rules of that allow, their order does not count.
fn fits<'a>(policy: &'a Policy, tier: &mut Option<&'a NamedTier>) -> bool {
    match &policy.tier {
        Tier::Normal => true,
        Tier::Admin(_) | Tier::Baseline(_) => false,
        Tier::Named(position) => {
            position.settled
                && position.tier.end == TierEnd::Deny
                && *tier.get_or_insert(&position.tier) == &position.tier
                && policy.entries.iter().all(|entry| entry.condition.is_none())
        }
    }
}

/// Whether labels can be made up for what a set asks: every pod has a ServiceAccount, so one can be asked
/// for and not left out, and which values have a text in them is not looked for.
fn is_asked_plainly(set: &PodSet) -> bool {
    let spaces = match &set.namespaces {
        Namespaces::Own(_) => &[][..],
        Namespaces::Matching(selector) => selector.requirements.as_slice(),
    };
    let by_text =
        |operator: &Operator| matches!(operator, Operator::Has(..) | Operator::HasNot(..));
    set.pods.requirements.iter().all(|one| *one.key != *SERVICE_ACCOUNT_LABEL)
        && set.pods.requirements.iter().chain(spaces).all(|one| !by_text(&one.operator))
}

/// Whether only selectors and addresses say which pods a rule means, and it speaks for all of its policy,
/// at ports of which none is left out.
fn is_plain(entry: &Entry) -> bool {
    let whole = match &entry.ports {
        Ports::Any => true,
        Ports::Of(items) => items.iter().all(|item| item.except.is_empty()),
    };
    if entry.only.is_some() || !whole {
        return false;
    }
    let Peers::Of(items) = &entry.peers else { return true };
    items.iter().all(|peer| match &peer.admits {
        PeerKind::Pods(set) => set.doubt.is_none() && is_asked_plainly(set),
        PeerKind::Addresses(..) | PeerKind::Nodes(_) | PeerKind::Names(_) => true,
        PeerKind::Entities(entities) => !entities.pods,
        PeerKind::Unresolved(_, scope) => !scope.pods,
        PeerKind::Combined(_) => false,
    })
}

/// The places of selectors.
pub(super) struct Spaces<'a, 's> {
    homes: &'a [Home],
    alike: &'s HashMap<&'a str, usize>,
    known: HashMap<&'a Namespaces, Rc<Places>>,
    by_label: HashMap<(&'a str, &'a str), Vec<usize>>,
    unlabelled: Vec<usize>,
}

impl<'a, 's> Spaces<'a, 's> {
    pub(super) fn new(homes: &'a [Home], alike: &'s HashMap<&'a str, usize>) -> Self {
        let mut by_label: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        let mut unlabelled = Vec::new();
        for (at, home) in homes.iter().enumerate() {
            match &home.labels {
                None => unlabelled.push(at),
                Some([labels, _]) => {
                    for label in labels.iter().filter(|(key, _)| *key != NAMESPACE_NAME_LABEL) {
                        by_label.entry(label).or_default().push(at);
                    }
                }
            }
        }
        Self { homes, alike, known: HashMap::new(), by_label, unlabelled }
    }

    /// The places that a set may have.
    fn of(&mut self, set: &'a PodSet) -> Rc<Places> {
        if let Some(known) = self.known.get(&set.namespaces) {
            return known.clone();
        }
        let places: Rc<Places> = match &set.namespaces {
            Namespaces::Own(name) => {
                self.alike.get(&**name).map(|place| (*place, true)).into_iter().collect()
            }
            Namespaces::Matching(selector) => {
                let asks_labels =
                    selector.requirements.iter().any(|one| *one.key != *NAMESPACE_NAME_LABEL);
                let all = self.candidates(selector);
                let all = all.into_iter().filter(|place| may_have(set, 0, &self.homes[*place]));
                all.map(|place| (place, !asks_labels || self.homes[place].labels.is_some()))
                    .collect()
            }
        };
        self.known.insert(&set.namespaces, places.clone());
        places
    }

    /// Those that have one label of a selector, or have its name.
    fn candidates(&self, selector: &Selector) -> Vec<usize> {
        for one in &selector.requirements {
            let Operator::In(values) = &one.operator else { continue };
            let [value] = values.as_slice() else { continue };
            if *one.key == *NAMESPACE_NAME_LABEL {
                return self.alike.get(&**value).copied().into_iter().collect();
            }
            let some = self.by_label.get(&(&*one.key, &**value)).into_iter().flatten();
            let mut all: Vec<usize> = some.chain(&self.unlabelled).copied().collect();
            all.sort_unstable();
            return all;
        }
        (0..self.homes.len()).collect()
    }
}

/// Whom a rule means at its other end.
pub(super) fn whom<'a>(
    side: &Side<'_>,
    rule: &'a Entry,
    peer: Option<usize>,
    spaces: &mut Spaces<'a, '_>,
) -> Whom<'a> {
    let item = match (&rule.peers, peer) {
        (Peers::Any, _) => return Whom::Anyone,
        (Peers::Of(items), Some(peer)) => items.get(peer),
        (Peers::Of(_), None) => None,
    };
    match item.map(|item| &item.admits) {
        Some(PeerKind::Pods(set)) if set.doubt.is_none() && is_asked_plainly(set) => {
            Whom::Pods(set, spaces.of(set))
        }
        Some(PeerKind::Addresses(block, scope)) => {
            let pods = scope.pods && may_hold_pods(side, block);
            Whom::Block(block, pods, outside(side, block))
        }
        _ => Whom::Else,
    }
}

/// Whether pods that are not written may have addresses of a block.
fn may_hold_pods(side: &Side<'_>, block: &AddressBlock) -> bool {
    let nets = &side.snapshot.pod_cidrs;
    let meets = |net: &ipnet::IpNet| net.contains(&block.cidr) || block.cidr.contains(net);
    nets.is_empty() || nets.iter().any(meets)
}

/// An address of a block that is outside.
fn outside(side: &Side<'_>, block: &AddressBlock) -> Option<IpAddr> {
    let of_pods = |ip: &IpAddr| {
        let nets = &side.snapshot.pod_cidrs;
        side.rules.cilium().is_some() && nets.iter().any(|net| net.contains(ip))
    };
    super::super::shown::one_of(block).filter(|ip| !of_pods(ip))
}

/// Whether a known pod has an address of a block.
pub(super) fn has_address(side: &Side<'_>, id: PodId, block: &AddressBlock) -> bool {
    side.snapshot.pod(id).ips.iter().any(|ip| block.contains(*ip))
}

/// Whether a selector of namespaces mentions the value of a label.
pub(super) fn mentions(side: &Side<'_>, key: &str, value: &str) -> bool {
    side.rules.policies().iter().flat_map(sets).any(|set| {
        let Namespaces::Matching(selector) = &set.namespaces else { return false };
        selector.requirements.iter().filter(|one| *one.key == *key).any(|one| match &one.operator {
            Operator::In(values) | Operator::NotIn(values) => {
                values.iter().any(|known| **known == *value)
            }
            Operator::Exists
            | Operator::DoesNotExist
            | Operator::Has(..)
            | Operator::HasNot(..) => false,
        })
    })
}

/// A number that no rule names.
pub(super) fn free_number(rules: &Ruleset) -> u16 {
    let mut taken: HashSet<u16> = HashSet::new();
    let mut ranges = Vec::new();
    let entries = rules.policies().iter().flat_map(|policy| &policy.entries);
    for entry in entries {
        let Ports::Of(items) = &entry.ports else { continue };
        for item in items {
            match &item.ports {
                PortMatch::Range(range) if range.first == range.last => {
                    taken.insert(range.first);
                }
                PortMatch::Range(range) if !ranges.contains(range) => ranges.push(*range),
                _ => {}
            }
        }
    }
    let mut numbers = 1024..=u16::MAX;
    let free = |number: &u16| {
        !taken.contains(number) && !ranges.iter().any(|range| range.contains(*number))
    };
    numbers.find(free).unwrap_or(1024)
}
