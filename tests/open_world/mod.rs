//! Pods that are written nowhere: what is said without them holds for every population.

mod cases;
mod many_keys;
mod one_side;
mod population;
mod said_again;

use crate::random::rules::changed_rules;
use crate::random::{
    Random, before_and_after, boundary_addresses, boundary_ports, build, hold, two_sides,
};
use netpol::cluster::{Family, Snapshot};
use netpol::policy::Ruleset;
use netpol::reach::{Change, Diff, End, diff};
use netpol::unwritten::{Effort, Unwritten, of_two};
use netpol::verdict::{Endpoint, Flow, Passage};
use population::{coexist, flow, has_address, passage, populate};
use serde_json::Value;

/// Random pods of one population, and flows that are judged among them.
const STRANGERS: usize = 60;
const FLOWS: usize = 1500;

/// The cluster without pods.
fn without_pods(cluster: Vec<Value>) -> Vec<Value> {
    cluster.into_iter().filter(|object| object["kind"] != "Pod").collect()
}

fn changed_network_policies(r: &mut Random) -> Vec<Value> {
    without_pods(before_and_after(r))
}

fn changed_rules_alone(r: &mut Random) -> Vec<Value> {
    without_pods(changed_rules(r))
}

/// NetworkPolicies with selectors and numbered ports alone, of which all were read.
fn changed_selectors(r: &mut Random) -> Vec<Value> {
    fn plain(value: &mut Value) {
        match value {
            Value::Array(items) => {
                items.retain(|item| item["ipBlock"].is_null() && !item["port"].is_string());
                items.iter_mut().for_each(plain);
            }
            Value::Object(fields) => fields.values_mut().for_each(plain),
            _ => {}
        }
    }
    let mut all = changed_network_policies(r);
    all.retain(|object| matches!(object["kind"].as_str(), Some("Namespace" | "NetworkPolicy")));
    for object in &mut all {
        plain(&mut object["spec"]);
    }
    all
}

/// What was found by comparing without any pod.
struct Compared<'w> {
    unwritten: Unwritten,
    sides: [(&'w Snapshot, &'w Ruleset); 2],
}

fn opens(change: &Change) -> bool {
    change.to > change.from
}

/// One flow of a random population that changes: what is wrong where none is told of.
fn sound(cluster: &[Value], seed: u64) -> Option<String> {
    let [old_objects, new_objects] = two_sides(cluster);
    let (mut old, mut new) = (build(&old_objects)?, build(&new_objects)?);
    let mut r = Random::new(!seed);
    let population = populate(&mut r, cluster, &[&old, &new], STRANGERS);
    let effort = Effort::default();
    let unwritten =
        of_two((&mut old.snapshot, &old.rules), (&mut new.snapshot, &new.rules), effort);
    let sides = [(&old.snapshot, &old.rules), (&new.snapshot, &new.rules)];
    let diff = diff(sides[0], sides[1]);
    let compared = Compared { unwritten, sides };
    if let Some(wrong) = false_alarms(&compared, &diff) {
        return Some(wrong);
    }
    let told = [true, false].map(|up| {
        !compared.unwritten.is_complete() || diff.changes().iter().any(|change| opens(change) == up)
    });
    let rules = [&old.rules, &new.rules];
    let mut ends: Vec<Endpoint> =
        population.strangers.iter().map(|id| Endpoint::Pod(*id)).collect();
    ends.extend(boundary_addresses(cluster).into_iter().map(Endpoint::Address));
    let nodes = [&old, &new]
        .map(|world| world.snapshot.nodes.iter().map(|n| n.name.clone()).collect::<Vec<_>>());
    let both = nodes[0].iter().enumerate().filter(|(i, name)| nodes[1].get(*i) == Some(name));
    ends.extend(both.map(|(i, _)| Endpoint::Node(i)));
    let ports = boundary_ports(cluster);
    for _ in 0..FLOWS {
        let (source, destination) = (r.pick(&ends).clone(), r.pick(&ends).clone());
        let pods = [&source, &destination].map(|end| match end {
            Endpoint::Pod(id) => Some(*id),
            _ => None,
        });
        match pods {
            [None, None] => continue,
            [Some(a), Some(b)] if a == b || !coexist(&population.sides[0], a, b) => continue,
            _ => {}
        }
        let family = *r.pick(&Family::ALL);
        let there = |end| population.sides.iter().all(|side| has_address(side, end, family));
        if !there(&source) || !there(&destination) {
            continue;
        }
        let flow = flow(source, destination, *r.pick(&ports), family);
        let [was, is] = [0, 1].map(|side| passage(&population.sides[side], rules[side], &flow));
        let missed = (is > was && !told[0]) || (is < was && !told[1]);
        if missed {
            let shown = |side: usize| {
                let of = |end: &Endpoint| match end {
                    Endpoint::Pod(id) => {
                        let pod = population.sides[side].pod(*id);
                        let namespace = population.sides[side].namespace(&pod.namespace).unwrap();
                        format!(
                            "{} {} in {} ports {:?} ips {:?} sa {}",
                            pod.name,
                            pod.labels,
                            namespace.labels,
                            pod.ports,
                            pod.ips,
                            pod.service_account
                        )
                    }
                    other => format!("{other:?}"),
                };
                format!("{} -> {}", of(&flow.source), of(&flow.destination))
            };
            return Some(format!(
                "{was:?} became {is:?} and nobody says so: {} at {} {family}\n{:?}",
                shown(0),
                flow.port,
                diff.changes().iter().map(|change| (change.from, change.to)).collect::<Vec<_>>(),
            ));
        }
    }
    None
}

/// Whether what a change says holds in a cluster with these two pods and no others.
fn false_alarms(compared: &Compared<'_>, diff: &Diff<'_>) -> Option<String> {
    for change in diff.changes() {
        let witness = change.witness;
        let mut seen = Vec::new();
        for (side, ends) in [
            (0, [witness.source.old, witness.destination.old]),
            (1, [witness.source.new, witness.destination.new]),
        ] {
            let (snapshot, rules) = compared.sides[side];
            if let [End::Pod(a), End::Pod(b)] = ends
                && !coexist(snapshot, a, b)
            {
                return Some(format!(
                    "{} and {} cannot both be",
                    snapshot.pod(a).name,
                    snapshot.pod(b).name
                ));
            }
            let (world, ends) = alone(snapshot, ends);
            let [source, destination] = ends;
            let flow: Flow = flow(source, destination, witness.port, change.family);
            seen.push(passage(&world, rules, &flow));
        }
        // Nodes that may be a pod's own are judged flow by flow.
        let own = |end| matches!(end, End::Node(_));
        if own(witness.source.old) || own(witness.destination.old) {
            continue;
        }
        if seen != [change.from, change.to] {
            return Some(format!("{seen:?}, not {:?} {:?}: {witness:?}", change.from, change.to));
        }
    }
    None
}

/// A cluster in which only these are.
fn alone(snapshot: &Snapshot, ends: [End; 2]) -> (Snapshot, [Endpoint; 2]) {
    let mut world = Snapshot::default();
    world.nodes.clone_from(&snapshot.nodes);
    world.pod_cidrs.clone_from(&snapshot.pod_cidrs);
    for slice in &snapshot.endpoint_slices {
        world.endpoint_slices.push(slice.clone());
    }
    let ends = ends.map(|end| match end {
        End::Pod(id) => {
            let pod = snapshot.pod(id).clone();
            let namespace = snapshot.namespace(&pod.namespace).unwrap();
            let name = netpol::cluster::real_namespace(&pod.namespace);
            world.add_namespace(name, &namespace.labels, None);
            Endpoint::Pod(world.add_pod(netpol::cluster::Pod { namespace: name.into(), ..pod }))
        }
        End::Node(node) => Endpoint::Node(node),
        End::Address(ip) => Endpoint::Address(ip),
    });
    (world, ends)
}

/// NetworkPolicies with selectors and numbered ports alone are never not known.
fn never_unknown(cluster: &[Value], _: u64) -> Option<String> {
    let [old_objects, new_objects] = two_sides(cluster);
    let (mut old, mut new) = (build(&old_objects)?, build(&new_objects)?);
    let effort = Effort::default();
    let unwritten =
        of_two((&mut old.snapshot, &old.rules), (&mut new.snapshot, &new.rules), effort);
    if !unwritten.is_complete() {
        return Some(format!("{unwritten:?}"));
    }
    let diff = diff((&old.snapshot, &old.rules), (&new.snapshot, &new.rules));
    let unknown = |change: &&Change| [change.from, change.to].contains(&Passage::Unknown);
    diff.changes().iter().find(unknown).map(|change| format!("{change:?}"))
}

#[test]
fn all_clear_of_network_policies_holds_for_every_population() {
    hold(200, changed_network_policies, sound);
}

#[test]
fn all_clear_of_rules_holds_for_every_population() {
    hold(150, changed_rules_alone, sound);
}

#[test]
fn selectors_and_numbered_ports_are_always_known() {
    hold(200, changed_selectors, never_unknown);
    hold(200, changed_selectors, sound);
}
