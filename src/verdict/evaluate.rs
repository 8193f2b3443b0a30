//! The one-flow evaluator.
//!
//! In: one [`Flow`] between two ends of a snapshot. Out: a [`Judgement`] with the trace of every
//! policy that isolates. Source of the rules: semantics/kubernetes.md sections 1, 2 and 5.

use super::trace::{
    Endpoint, EntryTrace, Flow, Judgement, PeerMiss, PolicyTrace, PortMiss, Reason, Trace,
    UnknownWhy, Verdict,
};
use crate::cluster::{AddressBlock, Addresses, Family, PodId, Protocol, Snapshot, Truth};
use crate::policy::Ruleset;
use crate::policy::rule::{
    Direction, Entry, Namespaces, PeerKind, Peers, PodSet, PortMatch, PortRule, Ports,
};
use ipnet::IpNet;

/// Judges one flow in both directions.
///
/// Source: section 1: a flow passes when the source's egress and the destination's ingress both
/// allow it.
pub fn judge(snapshot: &Snapshot, rules: &Ruleset, flow: &Flow) -> Judgement {
    let judge = Judge { snapshot, rules, flow };
    let egress = judge.direction(Direction::Egress);
    let ingress = judge.direction(Direction::Ingress);
    Judgement { verdict: egress.verdict.and(ingress.verdict), egress, ingress }
}

struct Judge<'a> {
    snapshot: &'a Snapshot,
    rules: &'a Ruleset,
    flow: &'a Flow,
}

impl Judge<'_> {
    fn direction(&self, direction: Direction) -> Trace {
        let (subject, peer) = match direction {
            Direction::Ingress => (&self.flow.destination, &self.flow.source),
            Direction::Egress => (&self.flow.source, &self.flow.destination),
        };
        let decided =
            |reason| Trace { direction, verdict: Verdict::Allowed, reason, policies: Vec::new() };
        let pod = match subject {
            Endpoint::Pod(pod) if self.snapshot.pod(*pod).host_network => {
                return decided(Reason::HostNetwork);
            }
            Endpoint::Pod(pod) => *pod,
            Endpoint::Node(_) => return decided(Reason::Node),
            Endpoint::Address(_) | Endpoint::Name(_) => return decided(Reason::Outside),
        };
        // Two replicas of one template are two pods; one real pod is itself.
        let same_pod = subject == peer && !self.snapshot.pod(pod).template;
        if same_pod && !self.flow.through_service {
            return decided(Reason::SamePod);
        }
        let own_node = self.is_node_of(peer, pod);
        if direction == Direction::Ingress && own_node.is_yes() {
            return decided(Reason::OwnNode);
        }
        let policies = self.isolating(pod, peer, direction);
        let (mut verdict, mut reason) = combine(&policies);
        if verdict != Verdict::Allowed {
            let exemption = match direction {
                _ if same_pod => Some(UnknownWhy::SelfThroughService),
                _ if own_node.is_no() => None,
                Direction::Ingress => Some(UnknownWhy::PerhapsOwnNode),
                Direction::Egress => Some(UnknownWhy::ToOwnNode),
            };
            if let Some(why) = exemption {
                (verdict, reason) = (Verdict::Unknown, Reason::Unknown(why));
            }
        }
        if reason != Reason::Admitted && self.rules.is_unread(&self.snapshot.pod(pod).namespace) {
            // A policy that was not read may isolate, or admit; one that admits is enough.
            (verdict, reason) = (Verdict::Unknown, Reason::Unknown(UnknownWhy::PoliciesUnread));
        }
        Trace { direction, verdict, reason, policies }
    }

    /// Whether `peer` is the node on which `pod` runs, or shares that node's network.
    fn is_node_of(&self, peer: &Endpoint, pod: PodId) -> Truth {
        let node_name = match peer {
            Endpoint::Node(node) => Some(&self.snapshot.nodes[*node].name),
            Endpoint::Pod(peer) if self.snapshot.pod(*peer).host_network => {
                self.snapshot.pod(*peer).node.as_ref()
            }
            Endpoint::Pod(_) | Endpoint::Address(_) | Endpoint::Name(_) => return Truth::No,
        };
        match (node_name, &self.snapshot.pod(pod).node) {
            (Some(a), Some(b)) => (a == b).into(),
            _ => Truth::Unknown,
        }
    }

    fn isolating(&self, pod: PodId, peer: &Endpoint, direction: Direction) -> Vec<PolicyTrace> {
        let namespace = &self.snapshot.pod(pod).namespace;
        self.rules
            .candidates(namespace, direction)
            .filter_map(|(id, policy)| {
                let selects = self.selects(&policy.subject, pod);
                if selects.is_no() {
                    return None;
                }
                let entries: Vec<_> =
                    policy.entries.iter().map(|entry| self.entry(entry, peer)).collect();
                let admits = Truth::any(entries.iter().map(EntryTrace::admits));
                let doubt = (!selects.is_yes())
                    .then(|| {
                        let pod = self.snapshot.pod(pod);
                        policy.subject.pods.mismatch(&pod.labels, pod.unknown_labels)
                    })
                    .flatten();
                Some(PolicyTrace { policy: id, selects, doubt, admits, entries })
            })
            .collect()
    }

    /// Whether a set has a pod of the pod network.
    fn selects(&self, set: &PodSet, pod: PodId) -> Truth {
        let pod = self.snapshot.pod(pod);
        set.has(pod, self.snapshot.namespace(&pod.namespace))
    }

    fn entry(&self, entry: &Entry, peer: &Endpoint) -> EntryTrace {
        let (peer_truth, peer_item, peer_miss) = match &entry.peers {
            Peers::Any => (Truth::Yes, None, None),
            Peers::Of(items) => best(
                items.iter().map(|item| match &item.admits {
                    PeerKind::Pods(set) => self.pod_peer(set, peer),
                    PeerKind::Addresses(block) => self.address_peer(block, peer),
                }),
                PeerMiss::nearness,
            ),
        };
        let (port_truth, port_item, port_miss) = match &entry.ports {
            Ports::Any => (Truth::Yes, None, None),
            Ports::Of(items) => best(items.iter().map(|item| self.port(item)), PortMiss::nearness),
        };
        EntryTrace {
            peer: peer_truth,
            peer_item,
            peer_miss,
            port: port_truth,
            port_item,
            port_miss,
        }
    }

    fn pod_peer(&self, set: &PodSet, peer: &Endpoint) -> (Truth, Option<PeerMiss>) {
        let Endpoint::Pod(id) = peer else {
            return (Truth::No, Some(PeerMiss::NotAPod));
        };
        let pod = self.snapshot.pod(*id);
        if pod.host_network {
            return (Truth::No, Some(PeerMiss::HostNetwork));
        }
        let truth = self.selects(set, *id);
        if truth.is_yes() {
            return (truth, None);
        }
        let namespace_miss = match &set.namespaces {
            Namespaces::Own(name) if *name != pod.namespace => Some(PeerMiss::OtherNamespace {
                wanted: name.clone(),
                found: pod.namespace.clone(),
            }),
            Namespaces::Own(_) => None,
            Namespaces::Matching(selector) => self
                .snapshot
                .namespace(&pod.namespace)
                .and_then(|namespace| namespace.mismatch(selector))
                .map(|mismatch| PeerMiss::NamespaceLabels {
                    namespace: pod.namespace.clone(),
                    mismatch,
                }),
        };
        let miss = namespace_miss.or_else(|| {
            set.pods.mismatch(&pod.labels, pod.unknown_labels).map(PeerMiss::PodLabels)
        });
        (truth, miss)
    }

    fn address_peer(&self, block: &AddressBlock, peer: &Endpoint) -> (Truth, Option<PeerMiss>) {
        let family = self.flow.family;
        let addresses = self.addresses(peer, family);
        let truth = block.matches(&addresses, family);
        let miss = match addresses {
            _ if truth.is_yes() => return (truth, None),
            _ if Family::of_net(block.cidr) != family => PeerMiss::OtherFamily(block.clone()),
            Addresses::Known(address) if block.cidr.contains(&address) => {
                PeerMiss::Excepted { block: block.clone(), address }
            }
            Addresses::Known(address) => PeerMiss::OutsideBlock { block: block.clone(), address },
            _ if truth.is_no() => PeerMiss::OutsidePodNetworks(block.clone()),
            _ => PeerMiss::AddressUnknown(block.clone()),
        };
        (truth, Some(miss))
    }

    fn addresses(&self, endpoint: &Endpoint, family: Family) -> Addresses {
        // Which of several addresses a node uses is its own choice.
        let of_node = |index: usize| {
            let ips = self.snapshot.nodes[index].ips.iter();
            let of_family: Vec<_> = ips.copied().filter(|ip| Family::of(*ip) == family).collect();
            match of_family.as_slice() {
                [] => Addresses::Unknown,
                [ip] => Addresses::Known(*ip),
                several => Addresses::Within(several.iter().copied().map(IpNet::from).collect()),
            }
        };
        match endpoint {
            Endpoint::Address(ip) if Family::of(*ip) == family => Addresses::Known(*ip),
            Endpoint::Address(_) => Addresses::Absent,
            Endpoint::Name(_) => Addresses::Unknown,
            Endpoint::Node(node) => of_node(*node),
            Endpoint::Pod(id) => match self.snapshot.pod_address(*id, family) {
                Addresses::Unknown if self.snapshot.pod(*id).host_network => self
                    .snapshot
                    .pod(*id)
                    .node
                    .as_ref()
                    .and_then(|name| self.snapshot.nodes.iter().position(|n| n.name == *name))
                    .map_or(Addresses::Unknown, of_node),
                addresses => addresses,
            },
        }
    }

    fn port(&self, rule: &PortRule) -> (Truth, Option<PortMiss>) {
        let found = self.flow.port;
        let number_matches = match &rule.ports {
            PortMatch::All => true,
            PortMatch::Range(range) => range.contains(found.number),
            PortMatch::Named(name) => self.named(name, rule.protocol).contains(&found.number),
        };
        if rule.protocol != found.protocol {
            let (wanted, found) = (rule.protocol, found.protocol);
            return (Truth::No, Some(PortMiss::Protocol { wanted, found, number_matches }));
        }
        if number_matches {
            return (Truth::Yes, None);
        }
        let miss = match &rule.ports {
            PortMatch::All => return (Truth::Yes, None),
            PortMatch::Range(wanted) => PortMiss::Number { wanted: *wanted, found: found.number },
            PortMatch::Named(name) if !matches!(self.flow.destination, Endpoint::Pod(_)) => {
                PortMiss::NameOfNoPod(name.clone())
            }
            PortMatch::Named(name) => match self.named(name, rule.protocol) {
                numbers if numbers.is_empty() => PortMiss::NoSuchName(name.clone()),
                numbers => PortMiss::NameIsOther { name: name.clone(), numbers },
            },
        };
        (Truth::No, Some(miss))
    }

    /// The numbers of a port name on the destination pod, whichever direction is judged.
    fn named(&self, name: &str, protocol: Protocol) -> Vec<u16> {
        match self.flow.destination {
            Endpoint::Pod(pod) => self.snapshot.pod(pod).named_ports(name, protocol).collect(),
            _ => Vec::new(),
        }
    }
}

/// Of a union: the item that matches, or may, or comes nearest, and why it does not match.
fn best<M>(
    items: impl Iterator<Item = (Truth, Option<M>)>,
    nearness: impl Fn(&M) -> u8,
) -> (Truth, Option<usize>, Option<M>) {
    let rank = |truth: Truth, miss: Option<&M>| {
        let truth = match truth {
            Truth::Yes => 2,
            Truth::Unknown => 1,
            Truth::No => 0,
        };
        (truth, miss.map_or(u8::MAX, &nearness))
    };
    let mut chosen: Option<(usize, (Truth, Option<M>))> = None;
    for (i, item) in items.enumerate() {
        let nearer = chosen.as_ref().is_none_or(|(_, (truth, miss))| {
            rank(item.0, item.1.as_ref()) > rank(*truth, miss.as_ref())
        });
        if nearer {
            chosen = Some((i, item));
        }
    }
    chosen.map_or((Truth::No, None, None), |(i, (truth, miss))| (truth, Some(i), miss))
}

/// Source: section 1, step 3: with no selecting policy the direction is open; otherwise some rule of
/// some selecting policy must admit. A policy that only may select can isolate or admit.
fn combine(policies: &[PolicyTrace]) -> (Verdict, Reason) {
    if policies.is_empty() {
        return (Verdict::Allowed, Reason::NotIsolated);
    }
    let certain = |p: &&PolicyTrace| p.selects.is_yes();
    if policies.iter().filter(certain).any(|p| p.admits.is_yes()) {
        return (Verdict::Allowed, Reason::Admitted);
    }
    let isolated = policies.iter().any(|p| certain(&p));
    if !isolated && policies.iter().all(|p| p.admits.is_yes()) {
        // Whichever of them select the pod, each admits.
        return (Verdict::Allowed, Reason::Admitted);
    }
    if isolated && policies.iter().all(|p| p.admits.is_no()) {
        return (Verdict::Denied, Reason::NoneAdmits);
    }
    (Verdict::Unknown, Reason::Unknown(UnknownWhy::Rules))
}
