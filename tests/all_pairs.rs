//! The all-pairs engine against the one-flow evaluator, on random clusters.

use crate::random::{Ends, Random, boundary_ports, build, hold};
use netpol::cluster::Family;
use netpol::reach::{Connectivity, End, Reach};
use netpol::verdict::{Endpoint, Flow, Verdict, judge};
use serde_json::Value;

/// Flows compared in one cluster.
const FLOWS: usize = 900;

fn end(endpoint: &Endpoint) -> End {
    match endpoint {
        Endpoint::Pod(id) => End::Pod(*id),
        Endpoint::Node(index) => End::Node(*index),
        Endpoint::Address(ip) => End::Address(*ip),
        Endpoint::Name(name) => panic!("{name} has no address"),
    }
}

fn has_address(world: &crate::random::World<'_>, endpoint: &Endpoint, family: Family) -> bool {
    match endpoint {
        Endpoint::Pod(id) => {
            world.snapshot.pod_address(*id, family) != netpol::cluster::Addresses::Absent
        }
        Endpoint::Address(ip) => Family::of(*ip) == family,
        _ => true,
    }
}

/// Every pair of ends in both families, both at once.
fn pairs(ends: &[Endpoint], r: &mut Random) -> Vec<(Endpoint, Endpoint, Family)> {
    let outside = |end: &Endpoint| matches!(end, Endpoint::Address(_));
    let mut all = Vec::new();
    for source in ends {
        for destination in ends {
            if !(outside(source) && outside(destination)) {
                all.extend(Family::ALL.map(|f| (source.clone(), destination.clone(), f)));
            }
        }
    }
    r.sample(all, 300)
}

fn equal(cluster: &[Value], seed: u64) -> Option<String> {
    let world = build(cluster)?;
    let mut r = Random::new(!seed);
    let connectivity = Connectivity::compute(&world.snapshot, &world.rules);
    let ports = boundary_ports(cluster);
    let pairs = pairs(&Ends::of(cluster, &world).all, &mut r);
    let each = (FLOWS / pairs.len().max(1)).clamp(1, ports.len());
    for (source, destination, family) in pairs {
        let got = connectivity.allowed(end(&source), end(&destination), family);
        if [&source, &destination].into_iter().any(|end| !has_address(&world, end, family)) {
            if got != Reach::default() {
                return Some(format!("{source:?} or {destination:?} has no {family}: {got:?}"));
            }
            continue;
        }
        for port in r.sample(ports.clone(), each) {
            let flow = Flow {
                source: source.clone(),
                destination: destination.clone(),
                port,
                family,
                through_service: false,
            };
            let expected = judge(&world.snapshot, &world.rules, &flow).verdict;
            let verdict = match (got.certain.contains(port), got.possible.contains(port)) {
                (true, true) => Verdict::Allowed,
                (false, true) => Verdict::Unknown,
                (false, false) => Verdict::Denied,
                (true, false) => return Some(format!("certain but not possible: {flow:?}")),
            };
            if verdict != expected {
                return Some(format!("{verdict:?}, not {expected:?}: {flow:?}\n{got:?}"));
            }
        }
    }
    None
}

#[test]
fn all_pairs_of_complete_clusters_are_judged_as_one_by_one() {
    hold(300, false, equal);
}

#[test]
fn all_pairs_of_partial_clusters_are_judged_as_one_by_one() {
    hold(300, true, equal);
}
