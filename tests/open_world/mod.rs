//! Pods that are written nowhere: what is said without them holds for every population.

mod asked;
mod by_rules;
mod cases;
mod many_keys;
mod one_side;
mod outside;
pub(crate) mod population;
mod renamed;
mod said_again;
mod said_once;
mod unprotected;

use crate::random::rules::changed_rules;
use crate::random::{
    Random, before_and_after, boundary_addresses, boundary_ports, build, hold, two_sides,
};
use netpol::cluster::{Family, Snapshot};
use netpol::effort::Effort;
use netpol::reach::{Change, Diff, End, diff};
use netpol::unwritten::{Unwritten, of_two};
use netpol::verdict::{Endpoint, Flow, Judgement, Passage, Trace, judge};
pub(crate) use one_side::{some_pods, some_pods_and_rules};
use population::{coexist, flow, has_address, passage, populate};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

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
    sides: [&'w Snapshot; 2],
}

fn opens(change: &Change) -> bool {
    change.to > change.from
}

/// Whether a flow passes on a condition on both sides, and not on the same one.
fn is_rebound(judged: &[Judgement; 2]) -> bool {
    let asks = |trace: &Trace| -> BTreeSet<Box<str>> {
        trace.conditions.iter().map(|condition| condition.asks.clone()).collect()
    };
    let [old, new] = judged.each_ref().map(|both| [&both.egress, &both.ingress].map(asks));
    judged.iter().all(|one| one.passage() == Passage::OnCondition) && old != new
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
    let diff =
        diff((&old.snapshot, &old.rules), (&new.snapshot, &new.rules), Effort::default()).unwrap();
    let compared = Compared { unwritten, sides: [&old.snapshot, &new.snapshot] };
    if let Some(wrong) = false_alarms(&compared, &diff, [&old_objects, &new_objects]) {
        return Some(wrong);
    }
    let told = [true, false].map(|up| {
        !compared.unwritten.is_complete() || diff.changes().iter().any(|change| opens(change) == up)
    });
    let on_condition = [Passage::OnCondition; 2];
    let told_rebound = !compared.unwritten.is_complete()
        || diff.changes().iter().any(|change| [change.from, change.to] == on_condition);
    let rules = [&old.rules, &new.rules];
    let mut ends: Vec<Endpoint> =
        population.strangers.iter().map(|id| Endpoint::Pod(*id)).collect();
    // Who has an address of the pod network is a pod of the population: where nobody known has it,
    // Cilium's identity of it is open (docs/semantics/cilium-rules.md#addresses-of-the-pod-network).
    let cilium = rules.iter().any(|rules| rules.cilium().is_some());
    let of_pods = |ip: &IpAddr| {
        let has = |side: &&Snapshot| side.pod_cidrs.iter().any(|net| net.contains(ip));
        cilium && compared.sides.iter().any(has)
    };
    let outside = boundary_addresses(cluster).into_iter().filter(|ip| !of_pods(ip));
    ends.extend(outside.map(Endpoint::Address));
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
        let judged = [0, 1].map(|side| judge(&population.sides[side], rules[side], &flow));
        let [was, is] = judged.each_ref().map(Judgement::passage);
        let rebound = is_rebound(&judged);
        let missed = (is > was && !told[0]) || (is < was && !told[1]) || (rebound && !told_rebound);
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

/// Changes of a cluster that are tried with their two pods alone.
const WITNESSES: usize = 6;

/// Whether what a change says holds in a cluster with its two pods, as manifests, and no others.
fn false_alarms(
    compared: &Compared<'_>,
    diff: &Diff<'_>,
    objects: [&[Value]; 2],
) -> Option<String> {
    for change in diff.changes().iter().take(WITNESSES) {
        let witness = change.witness;
        // Whether a node is a pod's own is not known, and is judged flow by flow.
        if [witness.source, witness.destination].iter().any(|s| matches!(s.old, End::Node(_))) {
            continue;
        }
        let mut seen = Vec::new();
        for (side, ends) in [
            (0, [witness.source.old, witness.destination.old]),
            (1, [witness.source.new, witness.destination.new]),
        ] {
            let snapshot = compared.sides[side];
            let pods = ends.iter().filter_map(|end| match end {
                End::Pod(id) => Some(*id),
                _ => None,
            });
            let pods: Vec<usize> = pods.collect();
            let manifests = netpol::unwritten::witness(snapshot, &pods);
            let cluster = [objects[side], &manifests].concat();
            let world = build(&cluster).expect("manifests that are valid");
            let mut next = world.pods.len() - pods.len();
            let [source, destination] = ends.map(|end| match end {
                End::Pod(_) => {
                    next += 1;
                    Endpoint::Pod(next - 1)
                }
                End::Node(node) => Endpoint::Node(node),
                End::Address(ip) => Endpoint::Address(ip),
            });
            let flow: Flow = flow(source, destination, witness.port, change.family);
            seen.push(passage(&world.snapshot, &world.rules, &flow));
        }
        if seen != [change.from, change.to] {
            let words = [witness.source.new, witness.destination.new].map(|end| match end {
                End::Pod(id) => compared.sides[1].representative(id).map(|of| of.words.to_string()),
                _ => None,
            });
            let (from, to) = (change.from, change.to);
            return Some(format!("{seen:?}, not {from:?} {to:?}: {words:?} {witness:?}"));
        }
    }
    None
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
    let diff =
        diff((&old.snapshot, &old.rules), (&new.snapshot, &new.rules), Effort::default()).unwrap();
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
