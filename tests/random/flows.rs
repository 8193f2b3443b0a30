//! Which flows of a cluster are worth asking about: every end, and ports and addresses at every edge.

use super::World;
use super::naive::{NaiveFlow, Who};
use ipnet::IpNet;
use netpol::cluster::{Port, Protocol};
use netpol::policy::rule::{PeerKind, Peers};
use netpol::verdict::{Endpoint, Flow};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Calls `visit` with every field of this name, however deep.
fn each<'a>(value: &'a Value, field: &str, visit: &mut impl FnMut(&'a Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| each(item, field, visit)),
        Value::Object(fields) => {
            for (key, value) in fields {
                if key == field {
                    visit(value);
                }
                each(value, field, visit);
            }
        }
        _ => {}
    }
}

/// Every port that something names, its neighbours, and the first and last of all.
pub(crate) fn boundary_ports(cluster: &[Value]) -> Vec<Port> {
    let mut numbers = BTreeSet::from([1, u16::MAX]);
    for object in cluster {
        for field in ["port", "endPort", "containerPort"] {
            each(object, field, &mut |value| {
                let number = value.as_u64().and_then(|number| u16::try_from(number).ok());
                for near in
                    number.into_iter().flat_map(|n| [n.saturating_sub(1), n, n.saturating_add(1)])
                {
                    numbers.insert(near.max(1));
                }
            });
        }
    }
    let each_protocol = |number| Protocol::ALL.map(|protocol| Port { protocol, number });
    numbers.into_iter().flat_map(each_protocol).collect()
}

/// The first and last address of every block and the ones just outside it.
pub(crate) fn boundary_addresses(cluster: &[Value]) -> Vec<IpAddr> {
    let mut all: BTreeSet<IpAddr> =
        ["203.0.113.9", "2001:db8:ffff::9"].map(|ip| ip.parse().unwrap()).into();
    let mut edges = |text: &str| {
        let (net, length) = text.split_once('/').unwrap();
        let length: u32 = length.parse().unwrap();
        match net.parse().unwrap() {
            IpAddr::V4(net) => {
                let host = u32::MAX.checked_shr(length).unwrap_or(0);
                let (first, last) = (u32::from(net) & !host, u32::from(net) | host);
                for ip in [first.saturating_sub(1), first, last, last.saturating_add(1)] {
                    all.insert(Ipv4Addr::from(ip).into());
                }
            }
            IpAddr::V6(net) => {
                let host = u128::MAX.checked_shr(length).unwrap_or(0);
                let (first, last) = (u128::from(net) & !host, u128::from(net) | host);
                for ip in [first.saturating_sub(1), first, last, last.saturating_add(1)] {
                    all.insert(Ipv6Addr::from(ip).into());
                }
            }
        }
    };
    for object in cluster {
        each(object, "cidr", &mut |value| edges(value.as_str().unwrap()));
        for field in ["except", "cidrs"] {
            each(object, field, &mut |value| {
                value.as_array().into_iter().flatten().for_each(|net| edges(net.as_str().unwrap()));
            });
        }
    }
    all.into_iter().collect()
}

/// Addresses that no pod or node of any of these worlds has. To Cilium whatever is in the pod network
/// may be a pod, and is not outside, unless some rule has a block that is all of the pod network.
pub(crate) fn outside(cluster: &[Value], worlds: &[&World<'_>]) -> Vec<IpAddr> {
    // Of rules that are in force: what is written may not be.
    let entries = worlds.iter().flat_map(|world| world.rules.policies()).flat_map(|it| &it.entries);
    let mut written: Vec<IpNet> = Vec::new();
    for entry in entries {
        let Peers::Of(peers) = &entry.peers else { continue };
        for peer in peers {
            if let PeerKind::Addresses(block, _) = &peer.admits {
                written.push(block.cidr);
                written.extend(block.except.iter());
            }
        }
    }
    let is_inside = |ip: IpAddr| {
        worlds.iter().any(|world| {
            let snapshot = &world.snapshot;
            let mut pods = snapshot.pods().iter().flat_map(|pod| &pod.ips);
            let mut nodes = snapshot.nodes.iter().flat_map(|node| &node.ips);
            let mut nets = snapshot.pod_cidrs.iter().filter(|_| world.rules.cilium().is_some());
            pods.any(|other| *other == ip)
                || nodes.any(|other| *other == ip)
                || nets.any(|net| {
                    net.contains(&ip)
                        && !written.iter().any(|block| net.contains(block) && block.contains(&ip))
                })
        })
    };
    boundary_addresses(cluster).into_iter().filter(|ip| !is_inside(*ip)).collect()
}

/// The ends of flows: running pods, nodes, and outside addresses that neither has.
pub(crate) struct Ends {
    pub(crate) all: Vec<Endpoint>,
}

impl Ends {
    pub(crate) fn of(cluster: &[Value], world: &World<'_>) -> Self {
        let (pods, nodes) = (world.snapshot.pods(), &world.snapshot.nodes);
        let running = pods.iter().enumerate().filter(|(_, pod)| !pod.finished);
        let mut all: Vec<Endpoint> = running.map(|(id, _)| Endpoint::Pod(id)).collect();
        all.extend((0..nodes.len()).map(Endpoint::Node));
        all.extend(outside(cluster, &[world]).into_iter().map(Endpoint::Address));
        Self { all }
    }
}

fn who<'a>(world: &World<'a>, end: &Endpoint) -> Who<'a> {
    match end {
        Endpoint::Pod(id) => Who::Pod(world.pods[*id]),
        Endpoint::Node(index) => Who::Node(world.nodes[*index]),
        Endpoint::Address(ip) => Who::Outside(*ip),
        other => panic!("{other:?} has no manifest"),
    }
}

/// The same flow for the naive evaluator.
pub(crate) fn naive_flow<'a>(world: &World<'a>, flow: &Flow) -> NaiveFlow<'a> {
    NaiveFlow {
        source: who(world, &flow.source),
        destination: who(world, &flow.destination),
        protocol: flow.port.protocol.as_str(),
        port: flow.port.number.into(),
        v6: flow.family == netpol::cluster::Family::V6,
        through_service: flow.through_service,
    }
}
