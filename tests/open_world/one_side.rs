//! What a list of one side says with representatives holds for every population.

use super::population::{coexist, flow, has_address, passage, populate};
use crate::random::rules::complete_rules;
use crate::random::{
    Random, World, boundary_addresses, boundary_ports, build, complete_cluster, hold,
};
use netpol::cluster::Family;
use netpol::effort::Effort;
use netpol::reach::{Connectivity, End};
use netpol::unwritten::of_one;
use netpol::verdict::{Endpoint, Passage};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::net::IpAddr;

const STRANGERS: usize = 60;

/// NetworkPolicies, some of their pods, and no pod that has finished.
pub(crate) fn some_pods(r: &mut Random) -> Vec<Value> {
    let keep = r.below(4);
    let mut all = complete_cluster(r);
    let mut pods = 0;
    all.retain(|object| {
        let pod = object["kind"] == "Pod";
        pods += usize::from(pod);
        !pod || (pods <= keep && object["status"]["phase"] == "Running")
    });
    all
}

pub(crate) fn some_pods_and_rules(r: &mut Random) -> Vec<Value> {
    let mut all = complete_rules(r);
    let mut pods = 0;
    all.retain(|object| {
        let pod = object["kind"] == "Pod";
        pods += usize::from(pod);
        !pod || (pods <= 2 && object["status"]["phase"] == "Running")
    });
    all
}

/// By known pod, whether somebody reaches it, and is reached by it; and whether pods reach any at all.
fn reached(
    world: &World<'_>,
    connectivity: &Connectivity<'_>,
    addresses: &[IpAddr],
) -> (HashSet<(usize, usize)>, bool) {
    let known = world.pods.len();
    let reps: Vec<usize> = world.snapshot.representatives().map(|(id, _)| id).collect();
    let mut reached: HashSet<(usize, usize)> = HashSet::new();
    let mut anything = false;
    for family in Family::ALL {
        let mut open = |a, b| {
            let reach = connectivity.allowed(End::Pod(a), End::Pod(b), family);
            let open = !reach.possible.is_empty();
            anything |= open;
            open
        };
        for rep in &reps {
            for id in 0..known {
                if open(*rep, id) {
                    reached.insert((0, id));
                }
                if open(id, *rep) {
                    reached.insert((1, id));
                }
            }
            for other in &reps {
                open(*rep, *other);
            }
        }
        for a in 0..known {
            for b in (0..known).filter(|b| *b != a) {
                if open(a, b) {
                    reached.extend([(0, b), (1, a)]);
                }
            }
        }
        for address in addresses {
            for id in 0..known {
                let open = |source, destination| {
                    !connectivity.allowed(source, destination, family).possible.is_empty()
                };
                if open(End::Address(*address), End::Pod(id)) {
                    reached.insert((0, id));
                }
                if open(End::Pod(id), End::Address(*address)) {
                    reached.insert((1, id));
                }
            }
        }
    }
    (reached, anything)
}

/// Where a list says that nothing is allowed, nothing is; and where it says that nobody reaches a known
/// pod, or is reached by it, no pod does, written or not.
pub(super) fn complete(cluster: &[Value], seed: u64, each: bool, effort: Effort) -> Option<String> {
    let mut world = build(cluster)?;
    let mut r = Random::new(!seed);
    let population = populate(&mut r, cluster, &[&world], STRANGERS);
    let told = of_one(&mut world.snapshot, &world.rules, effort);
    if told.coarse || !told.is_complete() {
        return None;
    }
    let connectivity =
        Connectivity::compute(&world.snapshot, &world.rules, Effort::default()).unwrap();
    let known = world.pods.len();
    let (reached, anything) = reached(&world, &connectivity, &boundary_addresses(cluster));
    let ports = boundary_ports(cluster);
    let strangers: Vec<Endpoint> =
        population.strangers.iter().map(|id| Endpoint::Pod(*id)).collect();
    let mut ends = strangers.clone();
    ends.extend((0..known).map(Endpoint::Pod));
    ends.extend(boundary_addresses(cluster).into_iter().map(Endpoint::Address));
    let side = &population.sides[0];
    let is_stranger: HashSet<&Endpoint> = strangers.iter().collect();
    for _ in 0..1500 {
        let mut pair = [r.pick(&strangers).clone(), r.pick(&ends).clone()];
        let role = r.below(2);
        if role == 1 {
            pair.reverse();
        }
        if let [Endpoint::Pod(a), Endpoint::Pod(b)] = pair
            && (a == b || !coexist(side, a, b))
        {
            continue;
        }
        let family = *r.pick(&Family::ALL);
        if pair.iter().any(|end| !has_address(side, end, family)) {
            continue;
        }
        let [source, destination] = pair.clone();
        let flow = flow(source, destination, *r.pick(&ports), family);
        let passes = passage(side, &world.rules, &flow) >= Passage::OnCondition;
        if !passes {
            continue;
        }
        let other = pair.iter().enumerate().find(|(_, end)| !is_stranger.contains(end));
        let shown = || {
            let of = |end: &Endpoint| match end {
                Endpoint::Pod(id) => {
                    let pod = side.pod(*id);
                    let namespace = side.namespace(&pod.namespace).unwrap();
                    format!("{} {} in {} {:?}", pod.name, pod.labels, namespace.labels, pod.ports)
                }
                other => format!("{other:?}"),
            };
            format!("{} -> {} at {}", of(&flow.source), of(&flow.destination), flow.port)
        };
        let reps = || {
            world.snapshot.representatives().map(|(_, of)| of.words.to_string()).collect::<Vec<_>>()
        };
        match other {
            // The other end is the one that the stranger reaches, or that reaches it.
            Some((role, Endpoint::Pod(id))) if each && !reached.contains(&(1 - role, *id)) => {
                let said = "nobody is said to be at the other end of";
                return Some(format!("{said} {}; {:?}", shown(), reps()));
            }
            None if !anything => {
                return Some(format!(
                    "nothing is said to be allowed, but {}; {:?}",
                    shown(),
                    reps()
                ));
            }
            _ => {}
        }
    }
    None
}

#[test]
fn a_list_of_network_policies_holds_for_every_population() {
    hold(200, some_pods, |cluster, seed| complete(cluster, seed, true, Effort::default()));
}

#[test]
fn a_list_of_rules_without_a_flow_holds_for_every_population() {
    hold(150, some_pods_and_rules, |cluster, seed| {
        complete(cluster, seed, false, Effort::default())
    });
}

/// What one known pod shows to another shows nothing of the first: only strangers reach that.
#[test]
fn a_peer_of_itself_alone_is_reached_by_strangers() {
    let from = json!([{"podSelector": {"matchLabels": {"app": "web"}}}]);
    let pod = |name: &str, labels: Value| json!({"kind": "Pod", "metadata": {"name": name, "namespace": "shop", "labels": labels}});
    let cluster = [
        json!({"kind": "Namespace", "metadata": {"name": "shop"}}),
        pod("web", json!({"app": "web"})),
        pod("db", json!({})),
        json!({
            "kind": "NetworkPolicy", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"podSelector": {}, "ingress": [{"from": from}]},
        }),
    ];
    let mut world = build(&cluster).unwrap();
    let told = of_one(&mut world.snapshot, &world.rules, Effort::default());
    assert!(told.is_complete(), "{told:?}");
    let connectivity =
        Connectivity::compute(&world.snapshot, &world.rules, Effort::default()).unwrap();
    let reaches = |from: usize, to: usize| {
        !connectivity.allowed(End::Pod(from), End::Pod(to), Family::V4).possible.is_empty()
    };
    assert!(reaches(0, 1) && !reaches(1, 0));
    assert!(world.snapshot.representatives().any(|(id, _)| reaches(id, 0)));
}
