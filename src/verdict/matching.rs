//! One rule against one flow: does its peer match, does its port, and if not, what is in the way.
//!
//! In: an [`Entry`] and the flow as seen from its subject. Out: an [`EntryTrace`].

use super::trace::{EntryTrace, Flow, PeerMiss, PortMiss};
use crate::cluster::{
    ANY_OTHER_NAMESPACE, AddressBlock, Addresses, Family, Mismatch, Name, Namespace, Pod, PodId,
    Port, PortNames, Protocol, Snapshot, Truth, real_namespace,
};
use crate::ends::{Endpoint, Unseen};
use crate::policy::rule::{
    Combined, Entities, Entry, NameSet, Namespaces, NodeSet, PeerKind, Peers, PodSet, PortMatch,
    PortRule, Ports, Scope,
};
use ipnet::IpNet;
use std::net::IpAddr;

/// Whether a peer item matches, and why not.
pub(super) type Tried = (Truth, Option<PeerMiss>);

/// A flow as seen from its subject.
pub(super) struct Matcher<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) flow: &'a Flow,
    /// The pod that policies select; `None` for one of which nothing but that it is one is known.
    pub(super) subject: Option<PodId>,
    /// The other end.
    pub(super) peer: &'a Endpoint,
    /// Cilium enforces the policies.
    pub(super) cilium: bool,
}

impl Matcher<'_> {
    /// Whether the peer is the node on which the subject runs, or shares that node's network.
    pub(super) fn is_own_node(&self) -> Truth {
        if self.is_node_local() || *self.peer == Endpoint::Unseen(Unseen::OwnNode) {
            return Truth::Yes;
        }
        // On which node it runs, if on one of the cluster, is not known.
        if *self.peer == Endpoint::Unseen(Unseen::ApiServer) {
            return Truth::Unknown;
        }
        if !self.peer_is_on_node() {
            return Truth::No;
        }
        let node_name = match self.peer {
            Endpoint::Pod(peer) => self.snapshot.pod(*peer).node.as_ref(),
            // It passes on what is not for its own pods.
            Endpoint::Unseen(_) => return Truth::No,
            other => other.node().map(|node| &self.snapshot.nodes[node].name),
        };
        let own = self.subject.and_then(|subject| self.snapshot.pod(subject).node.as_ref());
        match (node_name, own) {
            (Some(a), Some(b)) => (a == b).into(),
            _ => Truth::Unknown,
        }
    }

    /// Whether the peer is a node, or a pod on its node's network, which counts as its node.
    pub(super) fn peer_is_on_node(&self) -> bool {
        match self.peer {
            Endpoint::Node(_)
            | Endpoint::NodeAddress(..)
            | Endpoint::Unseen(Unseen::AnotherNode | Unseen::OwnNode) => true,
            Endpoint::Pod(pod) => self.snapshot.pod(*pod).host_network,
            Endpoint::Address(_) | Endpoint::Name(_) | Endpoint::Unseen(_) => false,
        }
    }

    /// The node that the peer is or runs on, where that is known.
    pub(super) fn peer_node(&self) -> Option<usize> {
        let of_pod = |pod: PodId| {
            let name = self.snapshot.pod(pod).node.as_ref()?;
            self.snapshot.nodes.iter().position(|node| node.name == *name)
        };
        match self.peer {
            Endpoint::Pod(pod) => of_pod(*pod),
            Endpoint::Unseen(Unseen::OwnNode) => of_pod(self.subject?),
            other => other.node(),
        }
    }

    /// Whether a rule matches, without why not: of one that is for other ports no peer is looked at.
    pub(super) fn brief(&self, entry: &Entry) -> EntryTrace {
        if entry.ports.may_have(self.flow.port) {
            return self.entry(entry);
        }
        let (action, no) = (entry.action, Truth::No);
        let (peer_item, port_item) = (None, None);
        EntryTrace {
            place: entry.place,
            action,
            peer: no,
            peer_item,
            peer_miss: None,
            port: no,
            port_item,
            port_miss: None,
        }
    }

    /// Tries a rule.
    pub(super) fn entry(&self, entry: &Entry) -> EntryTrace {
        let (peer, peer_item, peer_miss) = match &entry.peers {
            Peers::Any => (Truth::Yes, None, None),
            Peers::Of(items) if items.is_empty() => (Truth::No, None, Some(PeerMiss::NoOne)),
            Peers::Of(items) => {
                best(items.iter().map(|item| self.peer(&item.admits)), PeerMiss::nearness)
            }
        };
        let (port, port_item, port_miss) = match &entry.ports {
            Ports::Any => (Truth::Yes, None, None),
            Ports::Of(items) if items.is_empty() => (Truth::No, None, Some(PortMiss::NoPort)),
            Ports::Of(items) => best(items.iter().map(|item| self.port(item)), PortMiss::nearness),
        };
        let (peer, peer_miss) = match entry.only.as_deref().map(|only| self.of_subject(only)) {
            None | Some(Truth::Yes) => (peer, peer_miss),
            Some(Truth::No) => (Truth::No, Some(PeerMiss::OtherSubject)),
            Some(Truth::Unknown) => {
                (peer.and(Truth::Unknown), peer_miss.or(Some(PeerMiss::SubjectUnknown)))
            }
        };
        let (place, action) = (entry.place, entry.action);
        EntryTrace { place, action, peer, peer_item, peer_miss, port, port_item, port_miss }
    }

    /// Whether the port of the flow is one of these.
    pub(super) fn has_port(&self, ports: &Ports) -> Truth {
        match ports {
            Ports::Any => Truth::Yes,
            Ports::Of(items) => Truth::any(items.iter().map(|item| self.port(item).0)),
        }
    }

    /// Whether the subject is one of those for whom a rule speaks.
    pub(super) fn of_subject(&self, only: &PeerKind) -> Truth {
        let Some(subject) = self.subject else { return Truth::Unknown };
        let itself = Endpoint::Pod(subject);
        let Self { snapshot, flow, cilium, .. } = *self;
        Matcher { snapshot, flow, subject: self.subject, peer: &itself, cilium }.peer(only).0
    }

    /// Tries what a peer is combined of.
    fn combined(&self, combined: &Combined) -> Tried {
        let rank = |truth: Truth| match truth {
            Truth::No => 0,
            Truth::Unknown => 1,
            Truth::Yes => 2,
        };
        match combined {
            Combined::All(kinds) => {
                let tried = kinds.iter().map(|kind| self.peer(kind));
                let first = tried.min_by_key(|(truth, _)| rank(*truth));
                first.unwrap_or((Truth::Yes, None))
            }
            Combined::Any(kinds) => {
                let tried = kinds.iter().map(|kind| self.peer(kind));
                let (truth, _, miss) = best(tried, PeerMiss::nearness);
                let none = || kinds.is_empty().then_some(PeerMiss::NoOne);
                (truth, miss.or_else(none))
            }
            Combined::Not(kind) => match self.peer(kind) {
                (Truth::Yes, _) => (Truth::No, Some(PeerMiss::LeftOut)),
                (Truth::No, _) => (Truth::Yes, None),
                unknown => unknown,
            },
        }
    }

    /// Tries a peer item.
    pub(super) fn peer(&self, kind: &PeerKind) -> Tried {
        if let (Endpoint::Unseen(who), false) = (self.peer, matches!(kind, PeerKind::Combined(_))) {
            return self.unseen(kind, *who);
        }
        if let Some(tried) = self.inside(kind) {
            return tried;
        }
        match kind {
            PeerKind::Combined(combined) => self.combined(combined),
            PeerKind::Pods(set) => self.pod_peer(set),
            PeerKind::Addresses(block, scope) => self.address_peer(block, *scope),
            PeerKind::Nodes(nodes) => self.node_peer(nodes),
            PeerKind::Entities(entities) => self.entity_peer(entities),
            PeerKind::Names(names) => self.name_peer(names),
            PeerKind::Unresolved(why, scope) if self.is_meant(*scope) => {
                (Truth::Unknown, Some(PeerMiss::Unseen(why.clone())))
            }
            PeerKind::Unresolved(..) => {
                (Truth::No, Some(PeerMiss::NotOfEntities(["outside".into()].into())))
            }
        }
    }

    fn pod_peer(&self, set: &PodSet) -> Tried {
        let Endpoint::Pod(id) = self.peer else {
            return (Truth::No, Some(PeerMiss::NotAPod));
        };
        let pod = self.snapshot.pod(*id);
        if pod.host_network {
            return (Truth::No, Some(PeerMiss::HostNetwork));
        }
        let namespace = self.snapshot.namespace(&pod.namespace);
        let truth = set.has(pod, namespace);
        if truth.is_yes() {
            return (truth, None);
        }
        (truth, missed(set, pod, namespace))
    }

    /// Whether the peer is outside, or of those in the cluster whom the scope has.
    fn is_meant(&self, scope: Scope) -> bool {
        match self.peer {
            Endpoint::Address(_) | Endpoint::Name(_) | Endpoint::Unseen(_) => true,
            _ if self.peer_is_on_node() => scope.nodes,
            _ => scope.pods,
        }
    }

    fn address_peer(&self, block: &AddressBlock, scope: Scope) -> Tried {
        let family = self.flow.family;
        if !self.is_meant(scope) {
            return (Truth::No, Some(PeerMiss::NotOutside(block.clone())));
        }
        let addresses = self.addresses(self.peer, family);
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

    /// Source: docs/semantics/admin.md#nodes and docs/semantics/cilium-labels.md#nodes-as-peers.
    pub(super) fn node_peer(&self, nodes: &NodeSet) -> Tried {
        if !self.peer_is_on_node() {
            let unknown =
                matches!(self.peer, Endpoint::Address(_)) && self.snapshot.nodes.is_empty();
            return if unknown {
                (Truth::Unknown, Some(PeerMiss::NodeUnknown))
            } else {
                (Truth::No, Some(PeerMiss::NotANode))
            };
        }
        let labels = match self.peer_node() {
            _ if nodes.labels.is_everything() => Truth::Yes,
            Some(node) => nodes.labels.selects(&self.snapshot.nodes[node].labels).into(),
            None => Truth::Unknown,
        };
        let own = if nodes.own { Truth::No } else { self.is_own_node() };
        let miss = match (labels, own) {
            (Truth::No, _) => {
                let node = self.peer_node().map(|node| &self.snapshot.nodes[node].labels);
                let miss = node.and_then(|node| Mismatch::of(&nodes.labels, node));
                return (Truth::No, Some(miss.map_or(PeerMiss::NotANode, PeerMiss::NodeLabels)));
            }
            (_, Truth::Yes) => return (Truth::No, Some(PeerMiss::OwnNode)),
            (Truth::Yes, Truth::No) => return (Truth::Yes, None),
            _ => PeerMiss::NodeUnknown,
        };
        (Truth::Unknown, Some(miss))
    }

    /// Source: docs/semantics/cilium-rules.md#entities.
    pub(super) fn entity_peer(&self, entities: &Entities) -> Tried {
        let on_node = self.peer_is_on_node();
        let mut truth = match self.peer {
            Endpoint::Pod(_) if !on_node => entities.pods.into(),
            Endpoint::Pod(_) | Endpoint::Node(_) | Endpoint::NodeAddress(..) => {
                match (entities.own_node, entities.other_nodes) {
                    (true, true) => Truth::Yes,
                    (false, false) => Truth::No,
                    (true, false) => self.is_own_node(),
                    (false, true) => self.is_own_node().not(),
                }
            }
            Endpoint::Address(_) if self.may_be_pod() => match (entities.outside, entities.pods) {
                (true, true) => Truth::Yes,
                (false, false) => Truth::No,
                _ => Truth::Unknown,
            },
            Endpoint::Address(_) | Endpoint::Name(_) | Endpoint::Unseen(_) => {
                entities.outside.into()
            }
        };
        // Without any node known, an address may be one's.
        if matches!(self.peer, Endpoint::Address(_))
            && (entities.own_node || entities.other_nodes)
            && self.snapshot.nodes.is_empty()
        {
            truth = truth.or(Truth::Unknown);
        }
        if entities.api_server && !truth.is_yes() {
            truth = truth.or(self.is_api_server());
        }
        let written: Box<[Name]> = entities.written.clone().into();
        match truth {
            Truth::Yes => (truth, None),
            Truth::No => (truth, Some(PeerMiss::NotOfEntities(written))),
            Truth::Unknown => (truth, Some(PeerMiss::PerhapsOfEntities(written))),
        }
    }

    /// Whether the peer is the API server: its own pods elsewhere are not, a node or an address may
    /// be.
    fn is_api_server(&self) -> Truth {
        let is = |ips: &[IpAddr]| match self.snapshot.api_server() {
            Some(known) if !ips.is_empty() => ips.iter().any(|ip| known.contains(ip)).into(),
            _ => Truth::Unknown,
        };
        // The addresses of a pod on its node's network are the node's, which may have more.
        let is_on = |pod: &Pod| match self.peer_node() {
            Some(node) => is(&[&pod.ips[..], &self.snapshot.nodes[node].ips].concat()),
            None if is(&pod.ips).is_yes() => Truth::Yes,
            None => Truth::Unknown,
        };
        match self.peer {
            Endpoint::Pod(pod) if !self.snapshot.pod(*pod).host_network => Truth::No,
            Endpoint::Pod(pod) => is_on(self.snapshot.pod(*pod)),
            Endpoint::Node(node) => is(&self.snapshot.nodes[*node].ips),
            Endpoint::Address(ip) | Endpoint::NodeAddress(_, ip) => is(&[*ip]),
            Endpoint::Unseen(_) => Truth::Unknown,
            // Names are of what is outside.
            Endpoint::Name(_) => match self.snapshot.api_server() {
                Some(ips) if ips.iter().all(|ip| self.is_inside(*ip)) => Truth::No,
                _ => Truth::Unknown,
            },
        }
    }

    /// Whether a pod or a node has an address.
    fn is_inside(&self, ip: IpAddr) -> bool {
        let mut nodes = self.snapshot.nodes.iter();
        self.snapshot.pod_at(ip).is_some() || nodes.any(|node| node.ips.contains(&ip))
    }

    /// Source: docs/semantics/cilium-rules.md#names and docs/semantics/admin.md#domain-names: names
    /// are of what is outside, and which addresses they have is not known.
    fn name_peer(&self, names: &NameSet) -> Tried {
        let patterns = names.patterns.as_slice();
        match self.peer {
            Endpoint::Name(name) if patterns.iter().any(|pattern| pattern.matches(name)) => {
                match &names.unlearned {
                    Some(why) => (Truth::Unknown, Some(PeerMiss::Unseen(why.clone()))),
                    None => (Truth::Yes, None),
                }
            }
            Endpoint::Name(name) if patterns.iter().any(|it| it.matches_across_dots(name)) => {
                (Truth::No, Some(PeerMiss::OtherLevel(patterns.into())))
            }
            Endpoint::Address(_) => (Truth::Unknown, Some(PeerMiss::PerhapsNamed(patterns.into()))),
            _ => (Truth::No, Some(PeerMiss::OtherName(patterns.into()))),
        }
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
            Endpoint::Address(ip) | Endpoint::NodeAddress(_, ip) if Family::of(*ip) == family => {
                Addresses::Known(*ip)
            }
            Endpoint::Address(_) | Endpoint::NodeAddress(..) => Addresses::Absent,
            Endpoint::Name(_) | Endpoint::Unseen(_) => Addresses::Unknown,
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
        let left_out = self.is_left_out(rule);
        if left_out.is_yes() {
            return (Truth::No, Some(PortMiss::LeftOut(found.number)));
        }
        if number_matches {
            return match rule.names().last().filter(|_| left_out == Truth::Unknown) {
                None => (Truth::Yes, None),
                Some(name) => (Truth::Unknown, Some(PortMiss::NameUnknown(name.clone()))),
            };
        }
        let miss = match &rule.ports {
            PortMatch::All => return (Truth::Yes, None),
            PortMatch::Named(name) if self.may_have_any_name() => {
                return (Truth::Unknown, Some(PortMiss::NameUnknown(name.clone())));
            }
            PortMatch::Range(wanted) => PortMiss::Number { wanted: *wanted, found: found.number },
            PortMatch::Named(name) if self.naming().is_none() => {
                PortMiss::NameOfNoPod(name.clone())
            }
            PortMatch::Named(name) => match self.named(name, rule.protocol) {
                numbers if numbers.is_empty() => PortMiss::NoSuchName(name.clone()),
                numbers => PortMiss::NameIsOther { name: name.clone(), numbers },
            },
        };
        (Truth::No, Some(miss))
    }

    /// Whether a port item leaves out the port of the flow.
    fn is_left_out(&self, rule: &PortRule) -> Truth {
        let number = self.flow.port.number;
        Truth::any(rule.except.iter().map(|ports| match ports {
            PortMatch::All => Truth::Yes,
            PortMatch::Range(range) => range.contains(number).into(),
            PortMatch::Named(name) if self.named(name, rule.protocol).contains(&number) => {
                Truth::Yes
            }
            PortMatch::Named(_) if self.may_have_any_name() => Truth::Unknown,
            PortMatch::Named(_) => Truth::No,
        }))
    }

    /// The destination, if its ports have names: a pod, but not one of its node's network, which is
    /// no pod to policies.
    ///
    /// Source: docs/semantics/networkpolicy.md#named-ports and
    /// docs/semantics/kubernetes.md#host-network.
    fn naming(&self) -> Option<&Pod> {
        let Endpoint::Pod(pod) = self.flow.destination else { return None };
        Some(self.snapshot.pod(pod)).filter(|pod| !pod.host_network)
    }

    /// Whether the destination is a pod that was only asked for, of which nothing says what it calls its
    /// ports.
    fn may_have_any_name(&self) -> bool {
        let Endpoint::Pod(pod) = self.flow.destination else { return false };
        self.snapshot.representative(pod).is_some_and(|of| of.any_port_names)
    }

    /// The numbers of a port name on the destination, whichever direction is judged.
    fn named(&self, name: &str, protocol: Protocol) -> Vec<u16> {
        let names = if self.cilium { PortNames::Last } else { PortNames::Every };
        let numbers = self.naming().map(|pod| pod.ports_called(name, protocol, names).collect());
        numbers.unwrap_or_default()
    }
}

/// Whether a peer of a rule means an end, for a subject of which not even its node is known.
pub(crate) fn means(
    snapshot: &Snapshot,
    cilium: bool,
    peer: &PeerKind,
    end: &Endpoint,
    family: Family,
) -> Truth {
    let (source, destination) = (end.clone(), end.clone());
    let port = Port { protocol: Protocol::Tcp, number: 1 };
    let flow = Flow { source, destination, port, family, through_service: false };
    Matcher { snapshot, flow: &flow, subject: None, peer: end, cilium }.peer(peer).0
}

/// Why a pod is not in a set, or only perhaps.
pub(super) fn missed(set: &PodSet, pod: &Pod, namespace: Option<&Namespace>) -> Option<PeerMiss> {
    let found = || match namespace {
        Some(namespace) if namespace.is_any_other() => ANY_OTHER_NAMESPACE.into(),
        _ => real_namespace(&pod.namespace).into(),
    };
    let of_namespace = match &set.namespaces {
        Namespaces::Own(name) if **name != *real_namespace(&pod.namespace) => {
            Some(PeerMiss::OtherNamespace { wanted: name.clone(), found: found() })
        }
        Namespaces::Own(_) => None,
        Namespaces::Matching(selector) => {
            let mismatch = namespace.and_then(|namespace| namespace.mismatch(selector));
            mismatch.map(|mismatch| PeerMiss::NamespaceLabels { namespace: found(), mismatch })
        }
    };
    of_namespace
        .or_else(|| pod.mismatch(&set.pods).map(PeerMiss::PodLabels))
        .or_else(|| set.doubt.clone().map(PeerMiss::Unseen))
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
            let done = matches!(item, (Truth::Yes, None));
            chosen = Some((i, item));
            if done {
                break;
            }
        }
    }
    chosen.map_or((Truth::No, None, None), |(i, (truth, miss))| (truth, Some(i), miss))
}
