//! Ends that are asked for: what is said of a whole namespace holds for every population.

use super::{changed_network_policies, changed_rules_alone};
use crate::open_world::population::{flow, has_address, passage, populate};
use crate::random::{Random, boundary_addresses, boundary_ports, build, hold, two_sides};
use netpol::cluster::{Family, real_namespace};
use netpol::effort::Effort;
use netpol::ends::{EndName, PortText, PortWanted, resolve};
use netpol::unwritten::supply;
use netpol::verdict::{Endpoint, Passage, Question, explain};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Questions for each cluster, and pods of its population.
const QUESTIONS: usize = 6;
const STRANGERS: usize = 40;

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
        let wanted =
            PortWanted { port: PortText::Number(port.number), protocol: Some(port.protocol) };
        let (source, destination) = if inward { (&outside, &space) } else { (&space, &outside) };
        let (port_wanted, namespace_of) = (Some(&wanted), "default");
        let question = Question { source, destination, port: port_wanted, namespace: namespace_of };
        let effort = Effort::default();
        let supplied = supply(&mut world.snapshot, &world.rules, &question, effort);
        let supplied = supplied.unwrap().unwrap();
        assert!(supplied.missing.is_empty(), "{:?}", supplied.missing);
        let question =
            Question { source: &supplied.source, destination: &supplied.destination, ..question };
        let answer = explain(&world.snapshot, &world.rules, &question).unwrap();
        let told: BTreeSet<Passage> =
            answer.cases.iter().map(|case| case.judgement.passage()).collect();
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
            if !told.contains(&is) && !told.contains(&Passage::Unknown) {
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
