//! What is seen of rules by themselves, whatever pods there are.
//!
//! In: the rules of one side. Out: DNS by TCP alone or not at all, peers and ports in two rules, blocks that
//! are the internet in pieces or in one family, exceptions that others open, blocks that Cilium takes for
//! pods, what is open to anyone, labels that change with each release, policies of one priority that
//! disagree.

use super::cover::{Index, Part};
use super::found::{AllFound, Place};
use super::known::subject_path;
use super::within::{may_agree, may_meet};
use crate::cluster::{AddressBlock, Family, Name, Operator, Port, Protocol, Requirement, Snapshot};
use crate::kinds::Kind;
use crate::lints::Lint;
use crate::policy::rule::{
    Action, Direction, Entry, Namespaces, Peer, PeerKind, Peers, PodSet, Policy, PortMatch,
    PortRule, Ports, Scope, Tier,
};
use crate::policy::{PolicyId, Ruleset};
use crate::verdict::MESH;
use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use ipnet::IpNet;
use std::collections::BTreeMap;

/// The port at which names are asked for.
const DNS: u16 = 53;

/// Labels that a new release, or a new version of a pod template, has another value for.
const OF_RELEASE: &[&str] = &[
    "app.kubernetes.io/version",
    "helm.sh/chart",
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "rollouts-pod-template-hash",
];

/// The most policies of one priority that are compared two by two.
const MOST_OF_ONE: usize = 200;

/// Tells of every rule.
pub(super) fn written(
    snapshot: &Snapshot,
    rules: &Ruleset,
    index: &Index<'_>,
    found: &mut AllFound,
) {
    let six = has_six(snapshot);
    let mut kinds = HashSet::new();
    for (id, policy) in rules.policies().iter().enumerate() {
        if !policy.is_judged() {
            continue;
        }
        if kinds.insert(&policy.object) {
            old_kind(policy, found);
        }
        release_labels(policy, &policy.subject, found);
        for (at, entry) in policy.entries.iter().enumerate() {
            let Peers::Of(items) = &entry.peers else { continue };
            for item in items {
                if let PeerKind::Pods(set) = &item.admits {
                    release_labels(policy, set, found);
                }
            }
            if entry.action != Action::Allow {
                continue;
            }
            blocks(policy, items, six, found);
            exceptions(rules, index, (id, at), found);
            for item in items {
                of_others(snapshot, policy, item, found);
            }
        }
        open(policy, found);
        split(policy, found);
    }
    names(rules, found);
    ties(rules, found);
}

/// Whether something of the cluster has an IPv6 address.
fn has_six(snapshot: &Snapshot) -> bool {
    let ips = snapshot.nodes.iter().flat_map(|node| &node.ips);
    let mut ips = ips.chain(snapshot.pods().iter().flat_map(|pod| &pod.ips));
    ips.any(|ip| Family::of(*ip) == Family::V6)
        || snapshot.pod_cidrs.iter().any(|net| Family::of_net(*net) == Family::V6)
}

fn old_kind(policy: &Policy, found: &mut AllFound) {
    let kind = Kind::named(&policy.object.kind);
    if matches!(kind, Some(Kind::AdminNetworkPolicy | Kind::BaselineAdminNetworkPolicy)) {
        let message = "is a kind of v1alpha1, in whose place there is ClusterNetworkPolicy";
        found.add(Lint::OldKind, policy, "kind", message);
    }
}

/// Labels in selectors that another release does not have.
fn release_labels(policy: &Policy, set: &PodSet, found: &mut AllFound) {
    for requirement in &set.pods.requirements {
        let values = matches!(requirement.operator, Operator::In(_));
        if values && OF_RELEASE.contains(&&*requirement.key) {
            let path = requirement.path().unwrap_or_else(|| subject_path(policy));
            let message = format!(
                "asks for {requirement}, which changes with each release: afterwards it means nobody"
            );
            found.add(Lint::ReleaseLabel, policy, &path, message);
        }
    }
}

/// Blocks of one rule that are everything of a family.
fn blocks(policy: &Policy, items: &[Peer], six: bool, found: &mut AllFound) {
    let whole = |item: &&Peer| match &item.admits {
        PeerKind::Addresses(block, _) => block.except.is_empty(),
        _ => false,
    };
    let nets: Vec<(&Peer, IpNet)> = items
        .iter()
        .filter(whole)
        .filter_map(|item| match &item.admits {
            PeerKind::Addresses(block, _) => Some((item, block.cidr)),
            _ => None,
        })
        .collect();
    let all = |family| {
        let of_it = nets.iter().filter(move |(_, net)| Family::of_net(*net) == family);
        of_it.map(|(item, net)| (*item, *net)).collect::<Vec<_>>()
    };
    let everything = |some: &[(&Peer, IpNet)]| {
        let joined = IpNet::aggregate(&some.iter().map(|(_, net)| *net).collect());
        joined.iter().any(|net| net.prefix_len() == 0)
    };
    let is_one = |some: &[(&Peer, IpNet)]| some.iter().any(|(_, net)| net.prefix_len() == 0);
    let (four, other) = (all(Family::V4), all(Family::V6));
    for (some, whole) in [(&four, "0.0.0.0/0"), (&other, "::/0")] {
        if everything(some) && !is_one(some) {
            let Some((first, _)) = some.first() else { continue };
            let message = format!("these {} blocks together are {whole}: write it so", some.len());
            found.add(Lint::InternetInPieces, policy, &first.cidr_path(), message);
        }
    }
    let half = six && everything(&four) && !everything(&other);
    if let Some((first, _)) = four.iter().find(|(_, net)| half && net.prefix_len() == 0) {
        let message = "means IPv4 only, and the cluster has IPv6 too: write ::/0 beside it";
        found.add(Lint::OneFamily, policy, &first.cidr_path(), message);
    }
}

/// Exceptions of a block that other rules allow.
fn exceptions(
    rules: &Ruleset,
    index: &Index<'_>,
    (id, at): (PolicyId, usize),
    found: &mut AllFound,
) {
    let policy = rules.policy(id);
    let Peers::Of(items) = &policy.entries[at].peers else { return };
    if policy.tier != Tier::Normal {
        return;
    }
    for (peer, item) in items.iter().enumerate() {
        let own = Part { policy: id, entry: at, peer: Some(peer) };
        let PeerKind::Addresses(block, scope) = &item.admits else { continue };
        for net in block.except.iter() {
            let cut = AddressBlock { cidr: *net, except: [].into() };
            let Some(part) = index.opens(own, &PeerKind::Addresses(cut, *scope)) else {
                continue;
            };
            let other = rules.policy(part.policy);
            let place = Place::of(other, &other.entries[part.entry].path);
            let path = item.except_path(net.addr());
            let message = format!("{net} is left out, and {} allows it", place.words());
            found.add_with(Lint::ExceptionOpened, policy, &path, message, vec![place]);
        }
    }
}

/// Blocks that Cilium looks for outside only, and that are pods or nodes.
fn of_others(snapshot: &Snapshot, policy: &Policy, item: &Peer, found: &mut AllFound) {
    let PeerKind::Addresses(block, Scope { pods, nodes }) = &item.admits else { return };
    let single = block.cidr.prefix_len() == block.cidr.max_prefix_len();
    let address = block.cidr.addr();
    if !pods {
        let network = snapshot.pod_cidrs.iter().find(|net| net.contains(&block.cidr));
        let pod = snapshot.pod_at(address).filter(|_| single).map(|id| snapshot.pod(id));
        let pod = pod.filter(|pod| !pod.host_network);
        let what = match (network, pod) {
            (Some(net), _) => format!("the pod network {net}"),
            (None, Some(pod)) => format!("pod {}/{}", pod.namespace, pod.name),
            (None, None) => String::new(),
        };
        if !what.is_empty() {
            let message = format!(
                "is of {what}: to Cilium a block means what is outside of the cluster, so it means no pod; \
                 select pods by their labels"
            );
            found.add(Lint::BlockOfOthers, policy, &item.cidr_path(), message);
            return;
        }
    }
    if !nodes && single {
        let node = snapshot.nodes.iter().find(|node| node.ips.contains(&address));
        if let Some(node) = node {
            let message = format!(
                "is node {}: to Cilium a block means what is outside of the cluster; write the entity host or \
                 remote-node in a CiliumNetworkPolicy",
                node.name
            );
            found.add(Lint::BlockOfOthers, policy, &item.cidr_path(), message);
        }
    }
}

/// What is open to everyone, or to every pod.
fn open(policy: &Policy, found: &mut AllFound) {
    if policy.direction != Direction::Ingress {
        return;
    }
    for entry in policy.entries.iter().filter(|entry| entry.action == Action::Allow) {
        if entry.only.is_some() {
            continue;
        }
        hbone(policy, entry, found);
        match &entry.peers {
            Peers::Any => {
                let message = match &entry.ports {
                    Ports::Any => {
                        "allows anyone at every port, the outside of the cluster included"
                    }
                    Ports::Of(_) => {
                        "allows anyone at its ports, the outside of the cluster included"
                    }
                };
                found.add(Lint::OpenToAnyone, policy, &entry.path, message);
            }
            Peers::Of(items) => {
                for item in items {
                    if matches!(&item.admits, PeerKind::Entities(it) if it.pods && it.outside) {
                        let message = "allows anyone, the outside of the cluster included";
                        found.add(Lint::OpenToAnyone, policy, &item.path, message);
                    }
                    let PeerKind::Pods(set) = &item.admits else { continue };
                    let everywhere = matches!(
                        &set.namespaces,
                        Namespaces::Matching(selector) if selector.is_everything()
                    );
                    if everywhere && set.pods.is_everything() && set.doubt.is_none() {
                        let message = "allows every pod of every namespace, those to come included";
                        found.add(Lint::OpenToAllNamespaces, policy, &item.path, message);
                    }
                }
            }
        }
    }
}

/// The port of an ambient mesh, by which whoever is in the mesh gets to every port, open to every pod.
///
/// Source: docs/semantics/services.md#ambient-meshes.
fn hbone(policy: &Policy, entry: &Entry, found: &mut AllFound) {
    let Ports::Of(items) = &entry.ports else { return };
    let is_it = |item: &&PortRule| {
        let named = matches!(item.ports, PortMatch::Range(r) if r.first == r.last && r.first == MESH.number);
        named && item.protocol == MESH.protocol
    };
    let Some(item) = items.iter().find(is_it) else { return };
    let everyone = |peer: &Peer| match &peer.admits {
        PeerKind::Entities(it) => it.pods,
        PeerKind::Pods(set) => {
            let everywhere =
                matches!(&set.namespaces, Namespaces::Matching(it) if it.is_everything());
            everywhere && set.pods.is_everything() && set.doubt.is_none()
        }
        _ => false,
    };
    let open = match &entry.peers {
        Peers::Any => true,
        Peers::Of(peers) => peers.iter().any(everyone),
    };
    if open {
        let message = "opens the port by which an ambient mesh of Istio carries every port: whoever is in the mesh \
                       gets to every port of these pods, whatever other rules say; name who may";
        found.add(Lint::HboneOpen, policy, &item.path, message);
    }
}

/// Two rules of a NetworkPolicy of which one has peers only and the next one ports only.
fn split(policy: &Policy, found: &mut AllFound) {
    if Kind::named(&policy.object.kind) != Some(Kind::NetworkPolicy) {
        return;
    }
    let peers_only = |entry: &Entry| {
        matches!(&entry.peers, Peers::Of(items) if !items.is_empty()) && entry.ports == Ports::Any
    };
    let ports_only = |entry: &Entry| {
        entry.peers == Peers::Any && matches!(&entry.ports, Ports::Of(items) if !items.is_empty())
    };
    let (side, whom) = match policy.direction {
        Direction::Ingress => ("from", "anyone"),
        Direction::Egress => ("to", "any destination"),
    };
    for pair in policy.entries.windows(2) {
        let [first, second] = pair else { continue };
        let apart = first.path != second.path;
        let (peers, ports) = match (peers_only(first), ports_only(second)) {
            (true, true) => (first, second),
            _ if peers_only(second) && ports_only(first) => (second, first),
            _ => continue,
        };
        if !apart {
            continue;
        }
        let words = Place::of(policy, &peers.path);
        let message = format!(
            "has ports and no {side}, so it allows {whom} at them; {} has {side} and no ports, so it \
             allows these at every port: one rule with both allows these at these ports",
            peers.path.strip_prefix("spec.").unwrap_or(&peers.path)
        );
        found.add_with(Lint::SplitRule, policy, &ports.path, message, vec![words]);
    }
}

/// Whether a rule may let ask for names at this protocol.
fn asks(entry: &Entry, protocol: Protocol) -> bool {
    let somebody = !matches!(&entry.peers, Peers::Of(items) if items.is_empty());
    let port = Port { protocol, number: DNS };
    entry.action != Action::Deny && somebody && entry.ports.may_have(port)
}

/// Policies that close egress and leave no way to DNS, or only one by TCP.
fn names(rules: &Ruleset, found: &mut AllFound) {
    // Those that may open a way, by their namespace.
    let mut ways: HashMap<Option<&Name>, Vec<&Policy>> = HashMap::new();
    for policy in rules.policies().iter().filter(|it| it.direction == Direction::Egress) {
        let may = |entry: &Entry| asks(entry, Protocol::Udp);
        if policy.not_judged().is_some() || policy.entries.iter().any(may) {
            ways.entry(own(policy)).or_default().push(policy);
        }
    }
    for policy in rules.policies() {
        let judged = policy.not_judged().is_none() && policy.subject.doubt.is_none();
        let closes = policy.isolates && policy.direction == Direction::Egress;
        let ends = policy.tier == Tier::Normal || policy.tier.position().is_some();
        if !(judged && closes && ends) || rules.cluster_wide_unread() {
            continue;
        }
        if own(policy).is_some_and(|namespace| rules.is_unread(namespace)) {
            continue;
        }
        let mut here: Box<dyn Iterator<Item = &&Policy>> = match own(policy) {
            Some(_) => {
                let of = |key| ways.get(&key).into_iter().flatten();
                Box::new(of(own(policy)).chain(of(None)))
            }
            None => Box::new(ways.values().flatten()),
        };
        if here.any(|other| may_agree(&policy.subject.pods, &other.subject.pods)) {
            continue;
        }
        let tcp = policy.entries.iter().find_map(|entry| {
            let Ports::Of(items) = &entry.ports else { return None };
            items.iter().find(|item| {
                let only =
                    matches!(item.ports, PortMatch::Range(r) if (r.first, r.last) == (DNS, DNS));
                only && item.protocol == Protocol::Tcp && entry.action == Action::Allow
            })
        });
        if let Some(item) = tcp {
            let message = "allows port 53 over TCP alone, which is what no protocol means: names are asked \
                           for over UDP first, which nothing allows";
            found.add(Lint::DnsWithoutUdp, policy, &item.path, message);
        } else if policy.entries.iter().any(leads_by_name) {
            let message = "closes egress but for its rules, and no policy that was read lets the same pods \
                           ask for names: none allows port 53 over UDP";
            found.add(Lint::NoDns, policy, "spec.egress", message);
        }
    }
}

/// The namespace for which alone a policy speaks.
fn own(policy: &Policy) -> Option<&Name> {
    match &policy.subject.namespaces {
        Namespaces::Own(name) => Some(name),
        Namespaces::Matching(_) => None,
    }
}

/// Whether a rule leads to what is called by a name.
fn leads_by_name(entry: &Entry) -> bool {
    let by_name = |item: &Peer| matches!(item.admits, PeerKind::Pods(_) | PeerKind::Names(_));
    let peers = matches!(&entry.peers, Peers::Of(items) if items.iter().any(by_name));
    entry.action == Action::Allow && peers
}

/// Policies of administrators of one priority of which some flow matches rules that disagree.
fn ties(rules: &Ruleset, found: &mut AllFound) {
    let mut places: BTreeMap<(&Tier, Direction), Vec<&Policy>> = BTreeMap::new();
    for policy in rules.policies().iter().filter(|it| it.tier.is_administrators()) {
        if policy.subject.doubt.is_none() {
            places.entry((&policy.tier, policy.direction)).or_default().push(policy);
        }
    }
    let mut told = HashSet::new();
    for policies in places.values().filter(|all| (2..=MOST_OF_ONE).contains(&all.len())) {
        for (at, one) in policies.iter().enumerate() {
            for other in &policies[at + 1..] {
                let Some((first, second)) = tie(one, other) else { continue };
                if !told.insert((&one.object, &other.object)) {
                    continue;
                }
                let place = Place::of(one, &first.path);
                let decides = match rules.cilium() {
                    // Source: docs/semantics/cilium-verdicts.md#ties-of-clusternetworkpolicy.
                    Some(_) => "Cilium takes the one with the lower place, and of one place Deny",
                    None => "which of them decides is not defined",
                };
                let message = format!(
                    "{} and {} match the same flows in one tier and priority, one with {} and one with \
                     {}: {decides}",
                    second.path.strip_prefix("spec.").unwrap_or(&second.path),
                    place.words(),
                    second.action.as_str(),
                    first.action.as_str()
                );
                found.add_with(Lint::PriorityTie, other, &second.path, message, vec![place]);
            }
        }
    }
}

/// The first rules of two policies that meet and disagree, where no earlier one has to do with it.
fn tie<'a>(one: &'a Policy, other: &'a Policy) -> Option<(&'a Entry, &'a Entry)> {
    one.entries.iter().enumerate().find_map(|(i, first)| {
        other.entries.iter().enumerate().find_map(|(j, second)| {
            let clear = !one.entries[..i].iter().any(|it| may_meet((one, it), (other, second)))
                && !other.entries[..j].iter().any(|it| may_meet((one, first), (other, it)));
            let meet = first.action != second.action && surely((one, first), (other, second));
            (clear && meet).then_some((first, second))
        })
    })
}

/// Whether some flow of pods matches both.
fn surely(one: (&Policy, &Entry), other: (&Policy, &Entry)) -> bool {
    let pods = |entry: &Entry| match &entry.peers {
        Peers::Any => true,
        Peers::Of(items) => items.iter().all(|item| matches!(item.admits, PeerKind::Pods(_))),
    };
    let numbers = |entry: &Entry| match &entry.ports {
        Ports::Any => true,
        Ports::Of(items) => {
            items.iter().all(|item| matches!(item.ports, PortMatch::Range(_) | PortMatch::All))
        }
    };
    let plain = |it: &Requirement| !matches!(it.operator, Operator::Has(..) | Operator::HasNot(..));
    let simple = |policy: &Policy| policy.subject.pods.requirements.iter().all(plain);
    [one, other].into_iter().all(|(policy, entry)| pods(entry) && numbers(entry) && simple(policy))
        && may_meet(one, other)
}
