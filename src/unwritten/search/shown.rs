//! What known pods show already, so that nobody need be looked for who shows it.
//!
//! In: one side. Out: whether a rule that allows is shown by two known ends, of which it lets one reach
//! the other, and whether it is clear without a search if a place has a pod that nothing isolates.

use super::super::homes::{Home, Side};
use super::super::parts::{Part, What};
use crate::cluster::{AddressBlock, Family, Name, Pod, PodId, Port, Protocol, Truth};
use crate::policy::Enforcement;
use crate::policy::rule::{
    Direction, Entry, Namespaces, PeerKind, Peers, PodSet, Policy, PortMatch, Ports,
};
use crate::verdict::{Endpoint, Flow, Passage, judge};
use std::collections::HashSet;
use std::net::IpAddr;

/// So many pods of a set are tried, of different workloads each.
const MOST_PODS: usize = 6;
/// So many ports of a rule are tried.
const MOST_PORTS: usize = 4;

/// An address outside for a rule that speaks for anyone.
///
/// Source: RFC 5737, which keeps it for documentation.
const ANYONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

/// Whether two known ends show what a rule allows.
pub(super) fn is_shown(side: &Side<'_>, policy: &Policy, part: Part) -> bool {
    let What::Rule { entry, peer, name } = part.what else { return false };
    let Some(entry) = policy.entries.get(entry) else { return false };
    let subjects = some_of(side, &policy.subject);
    if subjects.is_empty() {
        return false;
    }
    let peers: Vec<Endpoint> = match (&entry.peers, peer) {
        (Peers::Any, _) => vec![Endpoint::Address(ANYONE)],
        (Peers::Of(items), Some(peer)) => match items.get(peer).map(|item| &item.admits) {
            Some(PeerKind::Pods(set)) => {
                some_of(side, set).into_iter().map(Endpoint::Pod).collect()
            }
            Some(PeerKind::Addresses(block, _)) => {
                one_of(block).into_iter().map(Endpoint::Address).collect()
            }
            _ => return false,
        },
        (Peers::Of(_), None) => return false,
    };
    subjects.iter().any(|id| {
        let subject = Endpoint::Pod(*id);
        peers.iter().filter(|peer| **peer != subject).any(|peer| {
            let mut ends = [peer.clone(), subject.clone()];
            if policy.direction == Direction::Egress {
                ends.reverse();
            }
            passes(side, &ends, entry, name)
        })
    })
}

/// Whether a flow that a rule speaks for passes.
fn passes(side: &Side<'_>, ends: &[Endpoint; 2], entry: &Entry, name: Option<usize>) -> bool {
    let pod = match &ends[1] {
        Endpoint::Pod(id) => Some(side.snapshot.pod(*id)),
        _ => None,
    };
    let family = match ends {
        [Endpoint::Address(ip), _] | [_, Endpoint::Address(ip)] => Family::of(*ip),
        _ => Family::V4,
    };
    ports(entry, name, pod).into_iter().take(MOST_PORTS).any(|port| {
        let [source, destination] = ends.clone();
        let flow = Flow { source, destination, port, family, through_service: false };
        judge(side.snapshot, side.rules, &flow).passage() >= Passage::OnCondition
    })
}

/// Ports of a rule, by the names that the destination has for them.
fn ports(entry: &Entry, name: Option<usize>, pod: Option<&Pod>) -> Vec<Port> {
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

/// Some pods that are certainly in a set.
fn some_of(side: &Side<'_>, set: &PodSet) -> Vec<PodId> {
    let mut found = Vec::new();
    if set.doubt.is_some() {
        return found;
    }
    let mut of: HashSet<usize> = HashSet::new();
    let mut look = |namespace: &str| {
        let labels = side.snapshot.namespace(namespace);
        for (id, pod) in side.snapshot.pods_in(namespace) {
            if found.len() == MOST_PODS {
                return false;
            }
            let counts = !pod.finished && !pod.host_network;
            if counts
                && pod.owner.is_none_or(|owner| !of.contains(&owner))
                && set.has(pod, labels) == Truth::Yes
            {
                of.extend(pod.owner);
                found.push(id);
            }
        }
        true
    };
    match &set.namespaces {
        Namespaces::Own(name) => {
            look(name);
        }
        Namespaces::Matching(selector) => {
            for namespace in side.snapshot.namespaces() {
                if namespace.matches(selector) == Truth::Yes && !look(&namespace.name) {
                    break;
                }
            }
        }
    }
    found
}

/// An address of a block.
fn one_of(block: &AddressBlock) -> Option<IpAddr> {
    let all = [block.cidr.addr(), block.cidr.broadcast()];
    all.into_iter().find(|ip| !block.except.iter().any(|except| except.contains(ip)))
}

/// Whether it is clear which pods of a place no policy isolates: none, or just any pod, which a list
/// has besides. `names` are those of the place.
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
    // What asks for a label does not select a pod without any.
    let not_any = |policy: &Policy| {
        let requirements = &policy.subject.pods.requirements;
        requirements.iter().any(|requirement| !requirement.holds_for(None))
    };
    isolating().any(all) || isolating().all(not_any)
}
