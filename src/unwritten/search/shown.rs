//! What known pods show already, so that nobody need be looked for who shows it.
//!
//! In: one side. Out: whether a rule that allows is shown by known ends, each of which it lets reach one of
//! the others, and whether it is clear without a search if a place has a pod that nothing isolates.

use super::super::homes::{Home, Side};
use super::super::parts::{Part, What};
use crate::cluster::{
    AddressBlock, Addresses, Family, Name, Pod, PodId, Port, Protocol, SERVICE_ACCOUNT_LABEL, Truth,
};
use crate::policy::Enforcement;
use crate::policy::rule::{
    Direction, Entry, Namespaces, PeerKind, Peers, PodSet, Policy, PortMatch, Ports,
};
use crate::verdict::{Endpoint, Flow, Passage, judge};
use foldhash::{HashMap, HashMapExt as _};
use std::net::IpAddr;

/// So many pods of a set are looked at, of different workloads each.
const MOST_PODS: usize = 64;
/// So many of those at the other end are tried for each.
const MOST_TRIED: usize = 6;
/// So many ports of a rule are tried.
const MOST_PORTS: usize = 4;

/// An address outside for a rule that speaks for anyone.
///
/// Source: RFC 5737, which keeps it for documentation.
pub(super) const ANYONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// Whether known ends show what a rule allows: each known pod that it speaks for reaches one of the
/// others, or is reached by one. Otherwise strangers may be the only ones that do.
pub(super) fn is_shown(side: &Side<'_>, policy: &Policy, part: Part) -> bool {
    let What::Rule { entry, peer, name } = part.what else { return false };
    let Some(entry) = policy.entries.get(entry) else { return false };
    let Some(subjects) = all_of(side, &policy.subject) else { return false };
    let mut subjects: Vec<Endpoint> = subjects.into_iter().map(Endpoint::Pod).collect();
    let mut peers: Vec<Endpoint> = match (&entry.peers, peer) {
        (Peers::Any, _) => vec![Endpoint::Address(ANYONE)],
        (Peers::Of(items), Some(peer)) => match items.get(peer).map(|item| &item.admits) {
            Some(PeerKind::Pods(set)) => match all_of(side, set) {
                Some(pods) => pods.into_iter().map(Endpoint::Pod).collect(),
                None => return false,
            },
            Some(PeerKind::Addresses(block, _)) => {
                one_of(block).into_iter().map(Endpoint::Address).collect()
            }
            _ => return false,
        },
        (Peers::Of(_), None) => return false,
    };
    let outward = policy.direction == Direction::Egress;
    // Who has no port by that name is not meant.
    let arrive = if outward { &mut peers } else { &mut subjects };
    arrive.retain(|end| !ports(side, entry, name, end).is_empty());
    let reaches = |source: &Endpoint, destination: &Endpoint| {
        source != destination && passes(side, [source, destination], entry, name)
    };
    let [sources, destinations] = if outward { [&subjects, &peers] } else { [&peers, &subjects] };
    !subjects.is_empty()
        && !peers.is_empty()
        && sources.iter().all(|s| destinations.iter().take(MOST_TRIED).any(|d| reaches(s, d)))
        && destinations.iter().all(|d| sources.iter().take(MOST_TRIED).any(|s| reaches(s, d)))
}

/// Whether a rule has known pods at both ends, whatever becomes of their flows.
pub(super) fn is_inhabited(side: &Side<'_>, policy: &Policy, part: Part) -> bool {
    let What::Rule { entry, peer, .. } = part.what else { return false };
    let Some(entry) = policy.entries.get(entry) else { return false };
    let peer = match (&entry.peers, peer) {
        (Peers::Of(items), Some(peer)) => items.get(peer).map(|item| &item.admits),
        _ => None,
    };
    let there = match peer {
        Some(PeerKind::Pods(set)) => has_one(side, set),
        _ => true,
    };
    there && has_one(side, &policy.subject)
}

/// Whether a known pod is certainly in a set.
fn has_one(side: &Side<'_>, set: &PodSet) -> bool {
    let look = |namespace: &str| {
        let labels = side.snapshot.namespace(namespace);
        let mut pods = side.snapshot.pods_in(namespace);
        pods.any(|(_, pod)| {
            !pod.finished && !pod.host_network && set.has(pod, labels) == Truth::Yes
        })
    };
    match &set.namespaces {
        Namespaces::Own(name) => look(name),
        Namespaces::Matching(selector) => {
            let mut some = side.snapshot.namespaces();
            some.any(|one| one.matches(selector) == Truth::Yes && look(&one.name))
        }
    }
}

/// Whether a flow that a rule speaks for passes.
fn passes(side: &Side<'_>, ends: [&Endpoint; 2], entry: &Entry, name: Option<usize>) -> bool {
    // Ends that have no address in common never meet.
    let has = |end: &Endpoint, family: Family| match end {
        Endpoint::Pod(id) => side.snapshot.pod_address(*id, family) != Addresses::Absent,
        Endpoint::Address(ip) => Family::of(*ip) == family,
        _ => true,
    };
    let mut families =
        Family::ALL.into_iter().filter(|family| ends.iter().all(|end| has(end, *family)));
    let ports = ports(side, entry, name, ends[1]);
    families.any(|family| {
        ports.iter().take(MOST_PORTS).any(|port| {
            let [source, destination] = ends.map(Clone::clone);
            let flow = Flow { source, destination, port: *port, family, through_service: false };
            judge(side.snapshot, side.rules, &flow).passage() >= Passage::OnCondition
        })
    })
}

/// Ports of a rule, by the names that the destination has for them.
fn ports(side: &Side<'_>, entry: &Entry, name: Option<usize>, end: &Endpoint) -> Vec<Port> {
    let pod = match end {
        Endpoint::Pod(id) => Some(side.snapshot.pod(*id)),
        _ => None,
    };
    let declared = || pod.into_iter().flat_map(|pod| pod.ports.iter());
    let one = |protocol, number| Port { protocol, number };
    let Ports::Of(items) = &entry.ports else {
        let often = [one(Protocol::Tcp, 80), one(Protocol::Udp, 53)];
        return declared().map(|declared| declared.port).chain(often).collect();
    };
    if let Some(rule) = name.and_then(|at| items.get(at)) {
        let PortMatch::Named(name) = &rule.ports else { return Vec::new() };
        let same = declared().filter(|declared| {
            declared.port.protocol == rule.protocol && declared.name.as_ref() == Some(name)
        });
        return same.map(|declared| declared.port).collect();
    }
    let numbers = items.iter().filter_map(|rule| match &rule.ports {
        PortMatch::All => Some(one(rule.protocol, 80)),
        PortMatch::Range(range) => Some(one(rule.protocol, range.first)),
        PortMatch::Named(_) => None,
    });
    numbers.collect()
}

/// The pods that are in a set, or may be, one of those of a workload that are alike; `None` where there
/// are too many, or where it is not known who else is.
fn all_of(side: &Side<'_>, set: &PodSet) -> Option<Vec<PodId>> {
    if set.doubt.is_some() {
        return None;
    }
    let mut found = Vec::new();
    let mut seen: HashMap<usize, Vec<&Pod>> = HashMap::new();
    let addresses = side.rules.traits().pod_addresses;
    let mut look = |namespace: &str| {
        let labels = side.snapshot.namespace(namespace);
        for (id, pod) in side.snapshot.pods_in(namespace) {
            if pod.finished || pod.host_network || set.has(pod, labels).is_no() {
                continue;
            }
            if let Some(owner) = pod.owner.filter(|_| !addresses) {
                let seen = seen.entry(owner).or_default();
                let families =
                    |pod: &Pod| pod.ips.iter().copied().map(Family::of).collect::<Vec<_>>();
                let alike = |one: &Pod| {
                    one.labels == pod.labels
                        && one.ports == pod.ports
                        && families(one) == families(pod)
                };
                if seen.iter().any(|one| alike(one)) {
                    continue;
                }
                seen.push(pod);
            }
            if found.len() == MOST_PODS {
                return false;
            }
            found.push(id);
        }
        true
    };
    let all = match &set.namespaces {
        Namespaces::Own(name) => look(name),
        Namespaces::Matching(selector) => {
            let mut some = side.snapshot.namespaces().filter(|one| !one.matches(selector).is_no());
            some.all(|namespace| look(&namespace.name))
        }
    };
    all.then_some(found)
}

/// An address of a block.
pub(super) fn one_of(block: &AddressBlock) -> Option<IpAddr> {
    let all = [block.cidr.addr(), block.cidr.broadcast()];
    all.into_iter().find(|ip| !block.except.iter().any(|except| except.contains(ip)))
}

/// Whether it is clear which pods of a place no policy isolates: none, or just any pod, which a list
/// has besides.
pub(super) fn is_clear(side: &Side<'_>, home: &Home, direction: Direction) -> bool {
    let rules = side.rules;
    let always = |name: &Name| rules.is_unread(name);
    if rules.traits().denies
        || home.members.iter().any(always)
        || rules.cilium().is_some_and(|cilium| cilium.enforcement != Enforcement::Default)
    {
        return false;
    }
    let isolating =
        || rules.candidates(&home.name, direction).map(|(_, p)| p).filter(|p| p.isolates);
    let all = |policy: &Policy| {
        let subject = &policy.subject;
        subject.doubt.is_none()
            && subject.pods.requirements.is_empty()
            && matches!(&subject.namespaces, Namespaces::Own(_))
    };
    // What asks for a label does not select a pod without any. Every pod has a ServiceAccount.
    let not_any = |policy: &Policy| {
        let requirements = policy.subject.pods.requirements.iter();
        let mut labels = requirements.filter(|r| *r.key != *SERVICE_ACCOUNT_LABEL);
        labels.any(|requirement| !requirement.holds_for(None))
    };
    isolating().any(all) || isolating().all(not_any)
}
