//! Ends that are asked for: what is said of a whole namespace holds for every population.

use super::{changed_network_policies, changed_rules_alone};
use crate::open_world::population::{flow, has_address, passage, populate};
use crate::random::{Random, World, boundary_addresses, boundary_ports, build, hold, two_sides};
use netpol::cluster::{Family, Port, Protocol, real_namespace};
use netpol::effort::Effort;
use netpol::ends::{EndName, PortText, PortWanted, resolve};
use netpol::policy::Ruleset;
use netpol::policy::rule::PeerKind;
use netpol::unwritten::supply;
use netpol::verdict::{Endpoint, Passage, Question, explain};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Questions for each cluster, and pods of its population.
const QUESTIONS: usize = 6;
const STRANGERS: usize = 40;

/// What is said of flows from one end to another.
fn told(world: &mut World<'_>, ends: [&EndName; 2], port: Port) -> BTreeSet<Passage> {
    let wanted = PortWanted { port: PortText::Number(port.number), protocol: Some(port.protocol) };
    let [source, destination] = ends;
    let question = Question { source, destination, port: Some(&wanted), namespace: "default" };
    let supplied = supply(&mut world.snapshot, &world.rules, &question, Effort::default());
    let supplied = supplied.unwrap().unwrap();
    assert!(supplied.missing.is_empty(), "{:?}", supplied.missing);
    let (source, destination) = (&supplied.source, &supplied.destination);
    let question = Question { source, destination, ..question };
    let answer = explain(&world.snapshot, &world.rules, &question).unwrap();
    answer.cases.iter().map(|case| case.judgement.passage()).collect()
}

/// Whether a rule with a condition is for some addresses of its subjects only.
fn binds_by_address(rules: &Ruleset) -> bool {
    let mut entries = rules.policies().iter().flat_map(|policy| &policy.entries);
    entries.any(|entry| {
        entry.condition.is_some() && entry.own().any(|kind| matches!(kind, PeerKind::Addresses(..)))
    })
}

/// One pod of a random population of which something else becomes than of those that are told.
fn told_of_all(cluster: &[Value], seed: u64) -> Option<String> {
    let [objects, _] = two_sides(cluster);
    let mut r = Random::new(!seed);
    let ports = boundary_ports(cluster);
    let addresses = boundary_addresses(cluster);
    for _ in 0..QUESTIONS {
        let mut world = build(&objects)?;
        let population = populate(&mut r, cluster, &[&world], STRANGERS);
        let namespace = *r.pick(&["n1", "n2", "n3", "n4", "n5"]);
        let address: IpAddr = *r.pick(&addresses);
        let port = *r.pick(&ports);
        let inward = r.percent(50);
        let space: EndName = format!("ns/{namespace}").parse().unwrap();
        let outside: EndName = address.to_string().parse().unwrap();
        let found = resolve(&world.snapshot, &outside, "default").unwrap();
        if found.endpoints != [Endpoint::Address(address)] {
            continue;
        }
        let ends = if inward { [&outside, &space] } else { [&space, &outside] };
        let told = told(&mut world, ends, port);
        let snapshot = &population.sides[0];
        for stranger in &population.strangers {
            if real_namespace(&snapshot.pod(*stranger).namespace) != namespace {
                continue;
            }
            let pod = Endpoint::Pod(*stranger);
            let family = Family::of(address);
            if !has_address(snapshot, &pod, family) {
                continue;
            }
            let outside = Endpoint::Address(address);
            let (from, to) = if inward { (outside, pod) } else { (pod, outside) };
            let is = passage(snapshot, &world.rules, &flow(from, to, port, family));
            // Of a pod whose address is not known a condition is told that binds it at some addresses.
            let bound = is == Passage::Allowed
                && told.contains(&Passage::OnCondition)
                && binds_by_address(&world.rules);
            if !told.contains(&is) && !told.contains(&Passage::Unknown) && !bound {
                let pod = snapshot.pod(*stranger);
                return Some(format!(
                    "{is:?} at {port}, inward {inward}, {address}: {} in {} ports {:?}, told {told:?}",
                    pod.labels, pod.namespace, pod.ports
                ));
            }
        }
    }
    None
}

#[test]
fn a_namespace_of_network_policies_is_told_whole() {
    hold(100, changed_network_policies, told_of_all);
}

#[test]
fn a_namespace_of_rules_is_told_whole() {
    hold(100, changed_rules_alone, told_of_all);
}

/// Of one pod the flow hangs on whether an address is its own node's, which nothing tells; that others pass
/// and others again do not, whatever that is, does not say so.
#[test]
fn what_hangs_on_what_is_not_known_is_told() {
    let absent = json!({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]});
    let account = json!({"io.cilium.k8s.policy.serviceaccount": "y"});
    let cluster = [
        json!({"kind": "Rules", "metadata": {"name": "closed"}, "direction": "Egress",
            "isolates": true, "subject": {"namespaceSelector": absent}}),
        json!({"kind": "Rules", "metadata": {"name": "own"}, "direction": "Egress",
            "subject": {"podSelector": {"matchLabels": account}},
            "entries": [{"action": "Deny", "peers": [{"entities": ["own"]}]}]}),
    ];
    let mut world = build(&cluster).unwrap();
    let [space, outside]: [EndName; 2] =
        ["ns/n2", "2001:db8:ffff::9"].map(|name| name.parse().unwrap());
    let all = told(&mut world, [&space, &outside], Port { protocol: Protocol::Udp, number: 1 });
    assert_eq!(all, BTreeSet::from([Passage::Denied, Passage::Unknown, Passage::Allowed]));
}

/// Of two rules whose peers are not known one asks for a condition: that a flow passes without one, whichever
/// of them means its source, needs pods that something else lets in, and they are told of too.
#[test]
fn what_hangs_on_nothing_is_told_beside_rules_that_do() {
    let y = json!({"matchLabels": {"a": "y"}});
    let cluster = [
        json!({"kind": "Rules", "metadata": {"name": "all"}, "direction": "Ingress",
            "tier": "Admin", "priority": 0, "subject": {"namespaceSelector": y},
            "entries": [{"action": "Allow"}]}),
        json!({"kind": "Rules", "metadata": {"name": "some"}, "direction": "Ingress", "entries": [
            {"action": "Allow", "condition": "GET /", "peers": [{"unresolved": "one"}]},
            {"action": "Allow", "peers": [{"unresolved": "another"}]}]}),
    ];
    let mut world = build(&cluster).unwrap();
    let [outside, space]: [EndName; 2] = ["203.0.113.9", "ns/n2"].map(|name| name.parse().unwrap());
    let all = told(&mut world, [&outside, &space], Port { protocol: Protocol::Udp, number: 1 });
    assert_eq!(all, BTreeSet::from([Passage::OnCondition, Passage::Allowed]));
}
