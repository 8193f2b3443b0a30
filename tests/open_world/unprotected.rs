//! Whom no policy isolates, as a list and a summary say it, holds for every population.

use super::population::populate;
use crate::random::{Random, build, complete_cluster, hold};
use netpol::answer::{FlowList, ListAsked, SummaryReport};
use netpol::cluster::Truth;
use netpol::effort::Effort;
use netpol::policy::rule::Direction;
use netpol::unwritten::of_one;
use netpol::verdict::closed;
use serde_json::{Value, json};

/// How many pods are tried in each cluster.
const STRANGERS: usize = 40;

/// A pod that nothing isolates is told of, if by its namespace; where a namespace is told as a whole none
/// of its pods is isolated, and where it is default-deny all are.
fn holds(cluster: &[Value], seed: u64) -> Option<String> {
    let mut world = build(cluster)?;
    let mut r = Random::new(!seed);
    let population = populate(&mut r, cluster, &[&world], STRANGERS);
    let summary = SummaryReport::new(&world.snapshot, &world.rules, None, false, &|_, _| None);
    let told = of_one(&mut world.snapshot, &world.rules, Effort::default());
    if !told.is_complete() {
        return None;
    }
    let asked = ListAsked { exposed: true, ..ListAsked::default() };
    let list = FlowList::new(
        &world.snapshot,
        &world.rules,
        &asked,
        Some(&told),
        &|_, _| None,
        Effort::default(),
    )
    .ok()?;
    let side = &population.sides[0];
    for id in &population.strangers {
        let pod = side.pod(*id);
        // Of namespaces that are only named other labels may be supposed.
        let written = side.namespace(&pod.namespace).is_some_and(|it| it.origin.is_some());
        if !written {
            continue;
        }
        for direction in Direction::ALL {
            let isolated = closed(side, &world.rules, *id, direction).isolated;
            let mut open = list.not_protected.iter();
            let open = open.find(|it| it.direction == direction && *it.namespace == *pod.namespace);
            let row = summary.namespaces.iter().find(|row| *row.name == *pod.namespace)?;
            let row = match direction {
                Direction::Ingress => &row.ingress,
                Direction::Egress => &row.egress,
            };
            let shown = || format!("{} {} {direction}: {open:?}", pod.namespace, pod.labels);
            match isolated {
                Truth::No if open.is_none() => return Some(format!("not told: {}", shown())),
                Truth::No if row.default_deny => return Some(format!("not closed: {}", shown())),
                Truth::Yes if open.is_some_and(|open| open.whole) => {
                    return Some(format!("isolated all the same: {}", shown()));
                }
                _ => {}
            }
        }
    }
    None
}

#[test]
fn whom_no_policy_isolates_holds_for_every_population() {
    hold(200, complete_cluster, holds);
}

/// Every pod has a ServiceAccount, if the one that is called default: who has another one is told of.
/// Source: docs/semantics/cilium-labels.md#identity-labels.
#[test]
fn a_policy_for_the_default_service_account_leaves_the_others_open() {
    let account = json!({"io.cilium.k8s.policy.serviceaccount": "default"});
    let cluster = [
        json!({"kind": "Namespace", "metadata": {"name": "shop"}}),
        json!({
            "kind": "Rules", "metadata": {"name": "closed"}, "tier": "Normal",
            "direction": "Ingress", "isolates": true, "entries": [],
            "subject": {"own": "shop", "podSelector": {"matchLabels": account}},
        }),
    ];
    let mut world = build(&cluster).unwrap();
    let told = of_one(&mut world.snapshot, &world.rules, Effort::default());
    assert!(told.is_complete(), "{told:?}");
    let ids = world.snapshot.representatives().map(|(id, _)| id);
    let isolated = |id| closed(&world.snapshot, &world.rules, id, Direction::Ingress).isolated;
    let of_shop = ids.filter(|id| *world.snapshot.pod(*id).namespace == *"shop");
    let all: Vec<Truth> = of_shop.map(isolated).collect();
    assert!(all.contains(&Truth::Yes) && all.contains(&Truth::No), "{all:?}");
}
