//! Policies of administrators and of Cilium, put on top of a cluster of NetworkPolicies.

use crate::clusters::{cluster, enforced, rules};
use crate::shapes::Case;
use netpol::cluster::{
    AddressBlock, Labels, Node, ObjectRef, Origin, PortRange, Protocol, Selector, Snapshot,
};
use netpol::policy::rule::{
    Action, Direction, Entities, Entry, Namespaces, Peer, PeerKind, Peers, PodSet, Policy,
    PortFields, PortMatch, PortRule, Ports, Scope, Tier,
};
use netpol::policy::{Cilium, CiliumVersion, Enforcer, Ruleset};

/// Pods that share a node, as large clusters have them.
const PODS_ON_A_NODE: usize = 50;

fn everyone() -> PodSet {
    PodSet::new(Namespaces::Matching(Selector::default()), Selector::default())
}

fn policy(tier: Tier, direction: Direction, entries: Vec<Entry>) -> Policy {
    let (object, origin) = (ObjectRef::cluster("Policy", "bench"), Origin::Synthetic);
    Policy { object, origin, direction, tier, subject: everyone(), isolates: false, entries }
}

fn entry(action: Action, peer: PeerKind, port: Option<u16>) -> Entry {
    let ports = port.map_or(Ports::Any, |port| {
        let ports = PortMatch::Range(PortRange::from(port));
        let (fields, protocol) = (&PortFields::PLAIN, Protocol::Tcp);
        Ports::Of(vec![PortRule { path: "".into(), fields, protocol, ports, except: [].into() }])
    });
    let peers = Peers::Of(vec![Peer::new("", peer)]);
    Entry { path: "".into(), place: 0, action, only: None, peers, ports, condition: None }
}

/// An Admin tier that opens DNS, closes one namespace and passes on the rest, a Baseline tier that
/// closes what nobody speaks for, and a Deny for everyone in the tier between.
pub(crate) fn tiered(case: Case) -> (Snapshot, Ruleset) {
    let (snapshot, written) = cluster(case);
    let mut rules = rules(&snapshot, &written);
    let first = snapshot.namespaces().next().unwrap().name.clone();
    let named = Selector::labels([("kubernetes.io/metadata.name", first)]);
    let named =
        || PeerKind::Pods(PodSet::new(Namespaces::Matching(named.clone()), Selector::default()));
    let pods = || PeerKind::Pods(everyone());
    let metadata = AddressBlock { cidr: "169.254.169.254/32".parse().unwrap(), except: [].into() };
    let metadata = PeerKind::Addresses(metadata, Scope::EVERYONE);
    for policy in [
        policy(Tier::Admin(1), Direction::Egress, vec![entry(Action::Allow, pods(), Some(53))]),
        policy(
            Tier::Admin(2),
            Direction::Ingress,
            vec![entry(Action::Deny, named(), Some(22)), entry(Action::Pass, pods(), None)],
        ),
        policy(Tier::Normal, Direction::Egress, vec![entry(Action::Deny, metadata, None)]),
        policy(Tier::Baseline(0), Direction::Ingress, vec![entry(Action::Deny, pods(), None)]),
    ] {
        rules.add_policy(policy);
    }
    (snapshot, rules)
}

/// Under Cilium, with a Deny of other nodes for every pod, so that each node is told apart.
pub(crate) fn own_nodes(case: Case) -> (Snapshot, Ruleset) {
    let (plain, written) = cluster(case);
    let mut snapshot = Snapshot::default();
    for namespace in plain.namespaces() {
        snapshot.add_namespace(namespace.name.clone(), &namespace.labels, None);
    }
    let count = plain.pods().len().div_ceil(PODS_ON_A_NODE);
    for (i, pod) in plain.pods().iter().enumerate() {
        let mut pod = pod.clone();
        pod.node = Some(format!("node-{}", i % count).into());
        snapshot.add_pod(pod);
    }
    for i in 0..count {
        let ips = vec![format!("192.168.{}.{}", i / 250, i % 250).parse().unwrap()];
        let name = format!("node-{i}").into();
        snapshot.nodes.push(Node { name, labels: Labels::default(), ips });
    }
    let enforcer = Enforcer::Cilium(Cilium::new(CiliumVersion::V1_20));
    let mut rules = enforced(&snapshot, &written, &enforcer);
    let others = Entities { other_nodes: true, ..Entities::default() };
    let deny = entry(Action::Deny, PeerKind::Entities(others), Some(22));
    rules.add_policy(policy(Tier::Normal, Direction::Ingress, vec![deny]));
    (snapshot, rules)
}
