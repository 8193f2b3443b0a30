//! Peers that the rules for the asked ends admit and that no known pod matches, such as the pods of
//! an operator's custom resource. Without a word on them a list would say that nothing may connect.

use super::{ListAsked, Unmatched};
use crate::answer::place::short;
use crate::answer::rule_words;
use crate::cluster::{Namespace, Pod, Protocol, Snapshot, Truth};
use crate::ends::PortText;
use crate::policy::rule::{
    Action, Direction, Entry, Namespaces, Peer, PeerKind, Peers, PodSet, PortMatch, Ports,
};
use crate::policy::{PolicyId, Ruleset};
use crate::reach::{End, PortSet};
use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use std::collections::BTreeMap;

/// Every such rule where only one end is asked for, in the order of reading.
pub(super) fn unmatched(snapshot: &Snapshot, rules: &Ruleset, asked: &ListAsked) -> Vec<Unmatched> {
    let (direction, ends): (_, Vec<(&End, Option<&PortSet>)>) = match (&asked.from, &asked.to) {
        (None, Some(to)) => {
            (Direction::Ingress, to.iter().map(|(end, ports)| (end, ports.as_ref())).collect())
        }
        (Some(from), None) => (Direction::Egress, from.iter().map(|end| (end, None)).collect()),
        _ => return Vec::new(),
    };
    let mut search = Search { snapshot, known: HashMap::new() };
    let mut seen = HashSet::new();
    let mut found: BTreeMap<(PolicyId, usize), Unmatched> = BTreeMap::new();
    for (end, ports) in ends {
        let End::Pod(id) = end else { continue };
        let pod = snapshot.pod(*id);
        // Pods alike have the same rules.
        let new = seen.insert((&pod.namespace, &pod.labels, &pod.ports, ports));
        if !new || pod.host_network {
            continue;
        }
        let named = wanted(asked, (direction == Direction::Ingress).then_some(pod));
        for (id, policy) in rules.candidates(&pod.namespace, direction) {
            if policy.subject.has(pod, snapshot.namespace(&pod.namespace)).is_no() {
                continue;
            }
            for (at, entry) in policy.entries.iter().enumerate() {
                let at_ports = |ports: Option<&PortSet>| ports.is_none_or(|p| meets(entry, p));
                if entry.action != Action::Allow || !at_ports(ports) || !at_ports(named.as_ref()) {
                    continue;
                }
                let nobody = search.unmatched(entry);
                if !nobody.is_empty() {
                    found.entry((id, at)).or_insert_with(|| Unmatched {
                        rule: format!("{} {}", policy.object, short(&entry.path)),
                        peers: rule_words::peers(&Peers::Of(nobody)),
                        ports: rule_words::ports(&entry.ports),
                    });
                }
            }
        }
    }
    found.into_values().collect()
}

/// The ports of `--port`; a name is that of the destination's ports.
fn wanted(asked: &ListAsked, destination: Option<&Pod>) -> Option<PortSet> {
    let wanted = asked.port.as_ref()?;
    let protocols = Protocol::ALL.into_iter();
    let protocols = protocols.filter(|p| wanted.protocol.is_none_or(|wanted| wanted == *p));
    match &wanted.port {
        PortText::Number(number) => {
            Some(PortSet::of(protocols.map(|protocol| (protocol, (*number).into()))))
        }
        PortText::Name(name) => {
            let pod = destination?;
            Some(PortSet::of(protocols.flat_map(|protocol| {
                pod.named_ports(name, protocol).map(move |number| (protocol, number.into()))
            })))
        }
    }
}

/// Whether a rule has some of these ports; what a name stands for may differ from pod to pod.
fn meets(entry: &Entry, ports: &PortSet) -> bool {
    let Ports::Of(items) = &entry.ports else { return true };
    items.iter().any(|item| match &item.ports {
        PortMatch::Named(_) => true,
        PortMatch::All => ports.ranges().any(|(protocol, _)| protocol == item.protocol),
        PortMatch::Range(range) => {
            !PortSet::of([(item.protocol, *range)]).intersection(ports).is_empty()
        }
    })
}

struct Search<'a> {
    snapshot: &'a Snapshot,
    known: HashMap<&'a PodSet, bool>,
}

impl<'a> Search<'a> {
    /// The peers of a rule that select pods, but none that is there.
    fn unmatched(&mut self, entry: &'a Entry) -> Vec<Peer> {
        let Peers::Of(peers) = &entry.peers else { return Vec::new() };
        let nobody = |peer: &&'a Peer| match &peer.admits {
            PeerKind::Pods(set) => !self.has_pod(set),
            _ => false,
        };
        peers.iter().filter(nobody).cloned().collect()
    }

    /// Whether some pod is, or may be, in a set.
    fn has_pod(&mut self, set: &'a PodSet) -> bool {
        if let Some(known) = self.known.get(set) {
            return *known;
        }
        let has = match &set.namespaces {
            Namespaces::Own(name) => self.has_pod_in(set, self.snapshot.namespace(name)),
            Namespaces::Matching(selector) => {
                let mut all = self.snapshot.namespaces();
                all.any(|n| !n.matches(selector).is_no() && self.has_pod_in(set, Some(n)))
            }
        };
        self.known.insert(set, has);
        has
    }

    fn has_pod_in(&self, set: &PodSet, namespace: Option<&Namespace>) -> bool {
        let Some(here) = namespace else { return false };
        let mut pods = self.snapshot.pods_in(&here.name);
        pods.any(|(_, pod)| {
            !pod.finished && !pod.host_network && set.has(pod, namespace) != Truth::No
        })
    }
}
