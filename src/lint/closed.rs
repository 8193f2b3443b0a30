//! Rules that open one side of flows whose other side is closed.
//!
//! In: a snapshot and its rules. Out: each rule that allows flows between known pods of which none gets
//! through, since policies of the pods at the other end isolate them and allow none of it. It is said of
//! all known pods at both ends, and only where nothing denies: then nothing else can be the cause.

use super::found::{AllFound, Place};
use super::pods::Pods;
use crate::cluster::{Family, PodId, PortRange, Snapshot};
use crate::effort::Effort;
use crate::lints::Lint;
use crate::policy::Ruleset;
use crate::policy::rule::{
    Action, Direction, Entry, PeerKind, Peers, Policy, PortMatch, Ports, Tier,
};
use crate::prose::list;
use crate::reach::{Connectivity, End, PortSet};

/// The most pairs of pods that are looked at for one rule.
const MOST_PAIRS: usize = 2_000;

/// The most pods and policies of which all flows are worked out.
const MOST_PODS: usize = 5_000;
const MOST_POLICIES: usize = 3_000;

const MANY: &str = "whether the other side of a rule is closed was not looked at: there are too many pods or policies";

/// More are not named.
const MOST_NAMED: usize = 2;

const EVERY: PortRange = PortRange { first: 0, last: u16::MAX };

/// Tells of every rule.
pub(super) fn closed(
    snapshot: &Snapshot,
    rules: &Ruleset,
    pods: &Pods<'_>,
    effort: Effort,
    found: &mut AllFound,
) {
    if rules.traits().denies || rules.enforcer().calico().is_some() {
        return;
    }
    let many = snapshot.pods().len() > MOST_PODS || rules.policies().len() > MOST_POLICIES;
    if many {
        found.not_looked_at.push(MANY.to_owned());
        return;
    }
    let mut candidates = Vec::new();
    for policy in rules.policies() {
        if policy.tier != Tier::Normal || policy.not_judged().is_some() {
            continue;
        }
        for entry in &policy.entries {
            if let Some((sources, destinations, ports)) = ends(policy, entry, pods) {
                candidates.push((policy, entry, sources, destinations, ports));
            }
        }
    }
    if candidates.is_empty() {
        return;
    }
    let Ok(all) = Connectivity::compute(snapshot, rules, effort) else {
        found.not_looked_at.push(MANY.to_owned());
        return;
    };
    for (policy, entry, sources, destinations, ports) in candidates {
        let mut any = false;
        let passes = |source: &PodId, destination: &PodId| {
            let (source, destination) = (End::Pod(*source), End::Pod(*destination));
            Family::ALL.into_iter().any(|family| {
                let reach = all.allowed(source, destination, family);
                !reach.possible.intersection(&ports).is_empty()
            })
        };
        let open = sources.iter().any(|source| {
            destinations.iter().filter(|it| *it != source).any(|destination| {
                any = true;
                passes(source, destination)
            })
        });
        if open || !any {
            continue;
        }
        tell(snapshot, rules, policy, entry, [&sources, &destinations], found);
    }
}

/// The known pods at both ends of a rule, and its ports, where nobody else is meant.
fn ends(
    policy: &Policy,
    entry: &Entry,
    pods: &Pods<'_>,
) -> Option<(Vec<PodId>, Vec<PodId>, PortSet)> {
    let Peers::Of(items) = &entry.peers else { return None };
    if entry.action != Action::Allow || items.is_empty() {
        return None;
    }
    let ports = match &entry.ports {
        Ports::Any => PortSet::all(),
        Ports::Of(items) => {
            let ranges = items.iter().map(|item| match &item.ports {
                PortMatch::All => Some((item.protocol, EVERY)),
                PortMatch::Range(range) => Some((item.protocol, *range)),
                PortMatch::Named(_) => None,
            });
            PortSet::of(ranges.collect::<Option<Vec<_>>>()?)
        }
    };
    let subject = pods.of(&policy.subject);
    let mut peers = Vec::new();
    let mut unsure = subject.unsure;
    for item in items {
        let PeerKind::Pods(set) = &item.admits else { return None };
        let members = pods.of(set);
        unsure |= members.unsure;
        if subject.pods.len().saturating_mul(peers.len() + members.pods.len()) > MOST_PAIRS {
            return None;
        }
        peers.extend_from_slice(&members.pods);
    }
    peers.sort_unstable();
    peers.dedup();
    let few = subject.pods.len().saturating_mul(peers.len()) <= MOST_PAIRS;
    if unsure || !few || subject.pods.is_empty() || peers.is_empty() {
        return None;
    }
    let subject = subject.pods.clone();
    Some(match policy.direction {
        Direction::Ingress => (peers, subject, ports),
        Direction::Egress => (subject, peers, ports),
    })
}

fn tell(
    snapshot: &Snapshot,
    rules: &Ruleset,
    policy: &Policy,
    entry: &Entry,
    [sources, destinations]: [&Vec<PodId>; 2],
    found: &mut AllFound,
) {
    let other = policy.direction.opposite();
    let ends = if other == Direction::Egress { sources } else { destinations };
    let mut by: Vec<Place> = Vec::new();
    for id in ends {
        let pod = snapshot.pod(*id);
        let namespace = snapshot.namespace(&pod.namespace);
        let isolating = rules.candidates(&pod.namespace, other).map(|(_, policy)| policy);
        let of_it = isolating.filter(|it| it.isolates && it.subject.has(pod, namespace).is_yes());
        for policy in of_it {
            let place = Place::of(policy, "");
            if !by.iter().any(|known| known.object == place.object) {
                by.push(place);
            }
        }
    }
    if by.is_empty() {
        return;
    }
    let mut names: Vec<String> =
        by.iter().take(MOST_NAMED).map(|place| place.object.to_string()).collect();
    if by.len() > MOST_NAMED {
        names.push(format!("{} more", by.len() - MOST_NAMED));
    }
    let (close, allow) = if by.len() == 1 { ("closes", "allows") } else { ("close", "allow") };
    let message = format!(
        "none of the known pods gets through by it: {} {close} {other} at the other end and {allow} none of \
         it",
        list(&names, "and")
    );
    found.add_with(Lint::OtherSideClosed, policy, &entry.path, message, by);
}
