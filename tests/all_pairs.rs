//! The all-pairs engine against the one-flow evaluator, on random clusters.

use crate::random::rules::{complete_rules, partial_rules};
use crate::random::{
    Random, World, boundary_ports, build, complete_cluster, hold, partial_cluster,
};
use netpol::cluster::{Family, Port};
use netpol::effort::Effort;
use netpol::reach::{Connectivity, Ends, Reach};
use netpol::verdict::{Endpoint, Flow, Verdict, judge};
use serde_json::Value;

/// Flows compared in one cluster.
const FLOWS: usize = 900;

fn has_address(world: &World<'_>, endpoint: &Endpoint, family: Family) -> bool {
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

/// Whether rectangles say the same, leaving out what is exempt from policies.
fn rectangles_agree(
    connectivity: &Connectivity<'_>,
    world: &World<'_>,
    (source, destination, family): &(Endpoint, Endpoint, Family),
    port: Port,
    got: &Reach,
) -> Result<(), String> {
    let on_node = |end: &Endpoint| match end {
        Endpoint::Pod(id) => world.snapshot.pod(*id).host_network,
        other => matches!(other, Endpoint::Node(_)),
    };
    if source == destination || on_node(source) || on_node(destination) {
        return Ok(());
    }
    let mut counts = [0; 3];
    let mut there = [true, false, false];
    for rectangle in connectivity.rectangles(*family) {
        let kind = match (rectangle.certain, rectangle.conditional) {
            (true, conditional) => usize::from(conditional),
            (false, false) => 2,
            (false, true) => return Err("uncertain and conditional".into()),
        };
        there[kind] = true;
        let has = |ends: &Ends, endpoint: &Endpoint| match (ends, endpoint) {
            (Ends::One(known), _) => *known == endpoint.end().unwrap(),
            (Ends::Outside(from, to), Endpoint::Address(ip)) => (from..=to).contains(&ip),
            (Ends::Outside(..), _) => false,
        };
        if rectangle.ports.contains(port)
            && rectangle.sources().any(|ends| has(&ends, source))
            && rectangle.destinations().any(|ends| has(&ends, destination))
        {
            counts[kind] += 1;
        }
    }
    // A kind that has nothing more than the one before is left out.
    let kinds = [&got.unconditional, &got.certain, &got.possible];
    let expected: [u32; 3] =
        std::array::from_fn(|kind| u32::from(there[kind] && kinds[kind].contains(port)));
    if counts == expected {
        Ok(())
    } else {
        Err(format!("{counts:?} rectangles, not {expected:?}"))
    }
}

fn equal(cluster: &[Value], seed: u64) -> Option<String> {
    let world = build(cluster)?;
    let mut r = Random::new(!seed);
    let connectivity =
        Connectivity::compute(&world.snapshot, &world.rules, Effort::default()).unwrap();
    let ports = boundary_ports(cluster);
    let pairs = pairs(&crate::random::Ends::of(cluster, &world).all, &mut r);
    let each = (FLOWS / pairs.len().max(1)).clamp(1, ports.len());
    for (source, destination, family) in pairs.iter().cloned() {
        let got = connectivity.allowed(source.end().unwrap(), destination.end().unwrap(), family);
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
            let judged = judge(&world.snapshot, &world.rules, &flow);
            // Which policy is followed is no more known than what cannot be seen.
            let expected = match judged.verdict {
                Verdict::Ambiguous => Verdict::Unknown,
                verdict => verdict,
            };
            let verdict = match (got.certain.contains(port), got.possible.contains(port)) {
                (true, true) => Verdict::Allowed,
                (false, true) => Verdict::Unknown,
                (false, false) => Verdict::Denied,
                (true, false) => return Some(format!("certain but not possible: {flow:?}")),
            };
            if verdict != expected {
                return Some(format!("{verdict:?}, not {expected:?}: {flow:?}\n{got:?}"));
            }
            let conditions = [&judged.egress.conditions, &judged.ingress.conditions];
            let free = conditions.iter().all(|conditions| conditions.is_empty());
            if got.unconditional.contains(port) != (verdict == Verdict::Allowed && free) {
                return Some(format!("{conditions:?} of {flow:?}\n{got:?}"));
            }
        }
    }
    for pair in r.sample(pairs, 12) {
        let port = *r.pick(&ports);
        let got = connectivity.allowed(pair.0.end().unwrap(), pair.1.end().unwrap(), pair.2);
        if let Err(wrong) = rectangles_agree(&connectivity, &world, &pair, port, &got) {
            return Some(format!("{wrong}: {pair:?} at {port}: {got:?}"));
        }
    }
    None
}

#[test]
fn all_pairs_of_complete_clusters_are_judged_as_one_by_one() {
    hold(300, complete_cluster, equal);
}

#[test]
fn all_pairs_of_partial_clusters_are_judged_as_one_by_one() {
    hold(300, partial_cluster, equal);
}

#[test]
fn all_pairs_of_complete_rules_are_judged_as_one_by_one() {
    hold(300, complete_rules, equal);
}

#[test]
fn all_pairs_of_partial_rules_are_judged_as_one_by_one() {
    hold(300, partial_rules, equal);
}
