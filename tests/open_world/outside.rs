//! Addresses outside that stand for others: every other one passes where one of them does, and nowhere else.

use crate::oracles::{Read, read};
use crate::random::{
    Generator, Random, hold_where, with_administrators, with_cilium, with_network_policies,
};
use ipnet::IpNet;
use netpol::cluster::{Family, Port, Protocol};
use netpol::policy::{Cilium, CiliumVersion, Enforcer};
use netpol::unwritten::{Outside, outside};
use netpol::verdict::{Endpoint, Flow, Verdict, judge};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Every network that is written somewhere.
fn networks(value: &Value, found: &mut BTreeSet<IpNet>) {
    match value {
        Value::String(text) => found.extend(text.parse::<IpNet>().ok()),
        Value::Array(items) => {
            for item in items {
                networks(item, found);
            }
        }
        Value::Object(fields) => {
            for value in fields.values() {
                networks(value, found);
            }
        }
        _ => {}
    }
}

/// The addresses at both sides of the edges of a network.
fn edges(network: &IpNet) -> Vec<IpAddr> {
    let moved = |ip: IpAddr, up: bool| -> Option<IpAddr> {
        match ip {
            IpAddr::V4(ip) => {
                let bits = u32::from(ip);
                let bits = if up { bits.checked_add(1) } else { bits.checked_sub(1) };
                bits.map(|it| IpAddr::V4(it.into()))
            }
            IpAddr::V6(ip) => {
                let bits = u128::from(ip);
                let bits = if up { bits.checked_add(1) } else { bits.checked_sub(1) };
                bits.map(|it| IpAddr::V6(it.into()))
            }
        }
    };
    let (first, last) = (network.network(), network.broadcast());
    [moved(first, false), Some(first), Some(last), moved(last, true)]
        .into_iter()
        .flatten()
        .collect()
}

/// What becomes of all that an address opens, and of all that is opened to it.
fn verdicts(read: &Read, ip: IpAddr) -> Vec<Verdict> {
    let outside = Endpoint::Address(ip);
    let pods = (0..read.snapshot.pods().len()).map(Endpoint::Pod);
    let mut all = Vec::new();
    for pod in pods {
        for (source, destination) in [(&outside, &pod), (&pod, &outside)] {
            for number in [53, 80, 8080] {
                let port = Port { protocol: Protocol::Tcp, number };
                let (source, destination) = (source.clone(), destination.clone());
                let family = Family::of(ip);
                let flow = Flow { source, destination, port, family, through_service: false };
                all.push(judge(&read.snapshot, &read.rules, &flow).verdict);
            }
        }
    }
    all
}

fn stands_for_all(cluster: &[Value], enforcer: &Enforcer) -> Option<String> {
    let read = read(cluster, enforcer);
    let ends = outside(&read.snapshot, &read.rules, Outside::All);
    let addresses = ends.iter().filter_map(|end| match end {
        Endpoint::Address(ip) => Some(*ip),
        _ => None,
    });
    let mut known: BTreeMap<bool, BTreeSet<String>> = BTreeMap::new();
    for ip in addresses {
        let all = format!("{:?}", verdicts(&read, ip));
        known.entry(ip.is_ipv4()).or_default().insert(all);
    }
    let mut found = BTreeSet::new();
    for object in cluster {
        networks(object, &mut found);
    }
    let taken = |ip: &IpAddr| {
        let snapshot = &read.snapshot;
        snapshot.pod_at(*ip).is_some()
            || snapshot.nodes.iter().any(|node| node.ips.contains(ip))
            || snapshot.pod_cidrs.iter().any(|net| net.contains(ip))
    };
    let mut asked = found.iter().flat_map(edges).filter(|ip| !taken(ip));
    let missing = asked.find(|ip| {
        let all = format!("{:?}", verdicts(&read, *ip));
        !known.get(&ip.is_ipv4()).is_some_and(|known| known.contains(&all))
    })?;
    Some(format!("nothing stands for {missing} among {ends:?}"))
}

fn by_the_letter(cluster: &[Value], _: u64) -> Option<String> {
    stands_for_all(cluster, &Enforcer::Kubernetes)
}

fn by_cilium(cluster: &[Value], seed: u64) -> Option<String> {
    let versions = [CiliumVersion::V1_18, CiliumVersion::V1_19, CiliumVersion::V1_20];
    let version = *Random::new(seed).pick(&versions);
    let settings = Cilium { dual_stack: Some(true), ..Cilium::new(version) };
    stands_for_all(cluster, &Enforcer::Cilium(settings))
}

/// docs/semantics/networkpolicy.md#address-blocks, docs/semantics/cilium-rules.md#networks.
#[test]
fn some_addresses_stand_for_all_outside() {
    for generate in [with_network_policies, with_administrators] as [Generator; 2] {
        hold_where(60, generate, |_| true, by_the_letter, &|_, _, _| {});
    }
    hold_where(100, with_cilium, |_| true, by_cilium, &|_, _, _| {});
}

/// The address that the API server has outside is told apart where a rule means the API server.
#[test]
fn the_api_server_is_told_apart() {
    let manifests = r#"[
      {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}},
      {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}},
      {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "a"},
       "spec": {"nodeName": "n"}, "status": {"podIPs": [{"ip": "10.0.0.7"}]}},
      {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
       "metadata": {"name": "k", "namespace": "default",
                    "labels": {"kubernetes.io/service-name": "kubernetes"}},
       "endpoints": [{"addresses": ["203.0.113.77"]}], "ports": [{"port": 6443}]},
      {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy",
       "metadata": {"name": "in", "namespace": "a"},
       "spec": {"endpointSelector": {}, "ingress": [{"fromEntities": ["kube-apiserver"]}]}}]"#;
    let cluster: Vec<Value> = serde_json::from_str(manifests).expect("JSON");
    let settings = Cilium::new(CiliumVersion::V1_20);
    let read = read(&cluster, &Enforcer::Cilium(settings));
    let ends = outside(&read.snapshot, &read.rules, Outside::Internet);
    let server = "203.0.113.77".parse().expect("an address");
    assert!(ends.contains(&Endpoint::Address(server)), "{ends:?}");
    assert_eq!(verdicts(&read, server)[..3], [Verdict::Allowed; 3]);
    assert!(ends.len() > 1, "{ends:?}");
}
