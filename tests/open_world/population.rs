//! Pods that nobody has written, at random: what a population may hold.

use crate::random::{Random, World, boundary_addresses, boundary_ports};
use netpol::cluster::{
    Addresses, ContainerPort, Family, Labels, Name, Origin, Pod, PodId, Port, Snapshot,
    real_namespace, supposed_namespace,
};
use netpol::policy::Ruleset;
use netpol::verdict::{Endpoint, Flow, Passage, judge};
use serde_json::Value;
use std::net::IpAddr;

/// No rule mentions the last of them.
const VALUES: [&str; 3] = ["x", "y", "z"];
const NAMESPACES: [&str; 5] = ["n1", "n2", "n3", "n4", "n5"];
const PORT_NAMES: [&str; 3] = ["http", "dns", "admin"];

/// The sides with the same pods added to each.
pub(crate) struct Population {
    pub(crate) sides: Vec<Snapshot>,
    pub(crate) strangers: Vec<PodId>,
}

fn labels(r: &mut Random, keys: &[&str]) -> Labels {
    let mut all = Vec::new();
    for key in keys {
        if r.percent(60) {
            all.push((*key, *r.pick(&VALUES)));
        }
    }
    all.into_iter().collect()
}

/// Labels of a namespace as all sides have it, and whether all have written them.
fn of_namespace(r: &mut Random, sides: &[&Snapshot], name: &str) -> (Labels, bool) {
    let known: Vec<Labels> = sides
        .iter()
        .filter_map(|side| side.namespace(name))
        .filter(|namespace| !namespace.labels_unread)
        .map(|namespace| namespace.labels.clone())
        .collect();
    let all = known.len() == sides.len();
    (known.into_iter().next().unwrap_or_else(|| labels(r, &["t", "a"])), all)
}

fn address(
    r: &mut Random,
    family: Family,
    among: &[IpAddr],
    nets: &[ipnet::IpNet],
) -> Option<IpAddr> {
    let there = |ip: &IpAddr| {
        Family::of(*ip) == family && (nets.is_empty() || nets.iter().any(|net| net.contains(ip)))
    };
    let all: Vec<IpAddr> = among.iter().copied().filter(there).collect();
    (!all.is_empty() && r.percent(90)).then(|| *r.pick(&all))
}

/// Adds so many pods at random to every side.
pub(crate) fn populate(
    r: &mut Random,
    cluster: &[Value],
    worlds: &[&World<'_>],
    count: usize,
) -> Population {
    let before: Vec<&Snapshot> = worlds.iter().map(|world| &world.snapshot).collect();
    let mut sides: Vec<Snapshot> = before.iter().map(|side| (*side).clone()).collect();
    let among = boundary_addresses(cluster);
    let numbers = boundary_ports(cluster);
    let nets = sides[0].pod_cidrs.clone();
    let mut strangers = Vec::new();
    for i in 0..count {
        let name = *r.pick(&NAMESPACES);
        let (of_namespace, written) = of_namespace(r, &before, name);
        let namespace: Name = if written {
            name.into()
        } else {
            let named = of_namespace.with("kubernetes.io/metadata.name", name);
            let key = supposed_namespace(name, &named.to_string());
            for side in &mut sides {
                side.suppose_namespace(&key, named.clone());
            }
            key
        };
        let ips = Family::ALL.into_iter().filter_map(|f| address(r, f, &among, &nets));
        let ips: Vec<IpAddr> = ips.collect();
        // A pod that runs has an address.
        if ips.is_empty() {
            continue;
        }
        let ports: Vec<ContainerPort> = (0..r.below(4))
            .map(|_| ContainerPort {
                name: Some((*r.pick(&PORT_NAMES)).into()),
                port: *r.pick(&numbers),
                host_port: None,
                sidecar: false,
            })
            .collect();
        let pod = Pod {
            namespace,
            name: format!("stranger-{i}").into(),
            labels: labels(r, &["a", "b", "hash"]),
            unknown_labels: &[],
            service_account: (*r.pick(&VALUES)).into(),
            ips,
            ports: ports.into(),
            probes: None,
            host_network: false,
            node: Some((*r.pick(&["node-1", "node-2", "elsewhere"])).into()),
            owner: None,
            template: false,
            ready: true,
            finished: false,
            origin: Origin::Synthetic,
        };
        // There are no other pods, or the sides are one.
        let ids: Vec<PodId> = sides.iter_mut().map(|side| side.add_pod(pod.clone())).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        strangers.push(ids[0]);
    }
    Population { sides, strangers }
}

/// Whether two pods can be there at once: a namespace has one set of labels.
pub(crate) fn coexist(snapshot: &Snapshot, a: PodId, b: PodId) -> bool {
    let [a, b] = [a, b].map(|id| &*snapshot.pod(id).namespace);
    a == b || real_namespace(a) != real_namespace(b)
}

/// Whether an end has an address in a family.
pub(crate) fn has_address(snapshot: &Snapshot, end: &Endpoint, family: Family) -> bool {
    match end {
        Endpoint::Pod(id) => snapshot.pod_address(*id, family) != Addresses::Absent,
        Endpoint::Address(ip) => Family::of(*ip) == family,
        _ => true,
    }
}

/// How much of a flow gets through.
pub(crate) fn passage(snapshot: &Snapshot, rules: &Ruleset, flow: &Flow) -> Passage {
    judge(snapshot, rules, flow).passage()
}

/// A flow at a port.
pub(crate) fn flow(source: Endpoint, destination: Endpoint, port: Port, family: Family) -> Flow {
    Flow { source, destination, port, family, through_service: false }
}
