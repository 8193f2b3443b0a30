//! How far one gets, against a naive closure over the one-flow evaluator, on random clusters; and what
//! would cut it, tried anew.

use crate::harness::Files;
use crate::random::{
    Random, World, boundary_ports, build, complete_cluster, hold, partial_cluster,
};
use netpol::cluster::{Addresses, Family, PodId, Port};
use netpol::effort::Effort;
use netpol::onward::{Change, From, cuts, onward};
use netpol::policy::rule::Action;
use netpol::reach::{Connectivity, End};
use netpol::verdict::{Endpoint, Flow, Verdict, judge};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Whether anything gets from one pod to another, for certain and perhaps.
fn edge(world: &World<'_>, ports: &[Port], from: PodId, to: PodId) -> (bool, bool) {
    let snapshot = &world.snapshot;
    let mut perhaps = false;
    for family in Family::ALL {
        let has = |id: PodId| snapshot.pod_address(id, family) != Addresses::Absent;
        if !has(from) || !has(to) {
            continue;
        }
        for port in ports {
            let flow = Flow {
                source: Endpoint::Pod(from),
                destination: Endpoint::Pod(to),
                port: *port,
                family,
                through_service: false,
            };
            match judge(snapshot, &world.rules, &flow).verdict {
                Verdict::Allowed => return (true, true),
                Verdict::Unknown | Verdict::Ambiguous => perhaps = true,
                Verdict::Denied => {}
            }
        }
    }
    (false, perhaps)
}

/// Hops to every pod over edges that hold.
fn closure(
    pods: &[PodId],
    starts: &BTreeSet<PodId>,
    edge: &dyn Fn(PodId, PodId) -> bool,
) -> BTreeMap<PodId, usize> {
    let mut hops: BTreeMap<PodId, usize> = starts.iter().map(|id| (*id, 0)).collect();
    for round in 1.. {
        let here: Vec<PodId> =
            hops.iter().filter(|(_, at)| **at == round - 1).map(|(id, _)| *id).collect();
        let next: Vec<PodId> = pods
            .iter()
            .filter(|to| !hops.contains_key(to) && here.iter().any(|from| edge(*from, **to)))
            .copied()
            .collect();
        if next.is_empty() {
            break;
        }
        hops.extend(next.into_iter().map(|id| (id, round)));
    }
    hops
}

fn agrees(cluster: &[Value], seed: u64) -> Option<String> {
    let world = build(cluster)?;
    let snapshot = &world.snapshot;
    let connectivity = Connectivity::compute(snapshot, &world.rules, Effort::default()).unwrap();
    let class = |id: PodId| connectivity.class(End::Pod(id));
    let pods: Vec<PodId> = (0..snapshot.pods().len()).filter(|id| class(*id).is_some()).collect();
    let pods: Vec<PodId> = pods.into_iter().filter(|id| !snapshot.pod(*id).finished).collect();
    let ports = boundary_ports(cluster);
    let mut r = Random::new(seed);
    let first = *pods.get(r.below(pods.len().max(1)))?;
    let starts = BTreeSet::from([first]);
    let edges: BTreeMap<(PodId, PodId), (bool, bool)> = pods
        .iter()
        .flat_map(|from| pods.iter().map(move |to| (*from, *to)))
        .filter(|(from, to)| from != to)
        .map(|(from, to)| ((from, to), edge(&world, &ports, from, to)))
        .collect();
    let certain =
        closure(&pods, &starts, &|from, to| edges.get(&(from, to)).is_some_and(|it| it.0));
    let possible =
        closure(&pods, &starts, &|from, to| edges.get(&(from, to)).is_some_and(|it| it.1));
    let found =
        onward(snapshot, &world.rules, &From::Pods(vec![first]), usize::MAX, Effort::default())
            .unwrap();
    for (naive, told, what) in
        [(&certain, &found.certain, "certain"), (&possible, &found.possible, "possible")]
    {
        let told: BTreeMap<PodId, usize> =
            told.values().flat_map(|it| it.pods.iter().map(|id| (*id, it.hops))).collect();
        if told != *naive {
            return Some(format!("{what} from {first}: {told:?}, not {naive:?}"));
        }
    }
    // Fewer hops reach no more.
    let near =
        onward(snapshot, &world.rules, &From::Pods(vec![first]), 1, Effort::default()).unwrap();
    let wrong = near.possible.values().find(|it| it.hops > 1);
    wrong.map(|it| format!("{it:?} within one hop"))
}

#[test]
fn the_closure_is_that_of_single_flows() {
    hold(25, complete_cluster, agrees);
    hold(25, partial_cluster, agrees);
}

/// Whatever one change could be.
fn every_change<'w>(world: &'w World<'_>) -> impl Iterator<Item = Change> + 'w {
    let policies = world.rules.policies().iter().enumerate();
    let rules = policies.flat_map(|(policy, of)| {
        (0..of.entries.len()).map(move |entry| Change::Without { policy, entry })
    });
    let rules = rules.filter(|change| match change {
        Change::Without { policy, entry } => {
            world.rules.policy(*policy).entries[*entry].action != Action::Deny
        }
        Change::Close { .. } => true,
    });
    let pods = 0..world.snapshot.pods().len();
    rules.chain(pods.flat_map(|pod| [true, false].map(|egress| Change::Close { pod, egress })))
}

/// What is said to cut every way does, and nothing smaller was found to.
fn cut(cluster: &[Value], seed: u64) -> Option<String> {
    let world = build(cluster)?;
    let (snapshot, effort) = (&world.snapshot, Effort::default());
    let mut r = Random::new(seed);
    let count = snapshot.pods().len();
    if count < 2 {
        return None;
    }
    let (from, to) = (r.below(count), r.below(count));
    let starts = From::Pods(vec![from]);
    let found = cuts(snapshot, &world.rules, &starts, &[to], effort).unwrap();
    let before = onward(snapshot, &world.rules, &starts, usize::MAX, effort).unwrap();
    let there = before.reached().any(|(_, it, _)| it.hops > 0 && it.pods.contains(&to));
    if !there && !found.found.is_empty() {
        return Some(format!("{found:?}, though {from} does not reach {to}"));
    }
    if found.found.iter().any(|cut| cut.changes.len() > 1)
        && let Some(alone) = every_change(&world).find(|change| {
            let mut rules = world.rules.clone();
            change.apply(snapshot, &mut rules);
            let after = onward(snapshot, &rules, &starts, usize::MAX, effort).unwrap();
            !after.reached().any(|(_, it, _)| it.hops > 0 && it.pods.contains(&to))
        })
    {
        return Some(format!("{alone:?} alone cuts, and {found:?} was found"));
    }
    for cut in &found.found {
        let mut rules = world.rules.clone();
        for change in &cut.changes {
            change.apply(snapshot, &mut rules);
        }
        let after = onward(snapshot, &rules, &starts, usize::MAX, effort).unwrap();
        if after.reached().any(|(_, it, _)| it.hops > 0 && it.pods.contains(&to)) {
            return Some(format!("{cut:?} leaves a way from {from} to {to}"));
        }
        // Each of them is needed.
        for left in 0..cut.changes.len() {
            let mut rules = world.rules.clone();
            let others = cut.changes.iter().enumerate().filter(|(at, _)| *at != left);
            others.for_each(|(_, change)| change.apply(snapshot, &mut rules));
            let after = onward(snapshot, &rules, &starts, usize::MAX, effort).unwrap();
            if !after.reached().any(|(_, it, _)| it.hops > 0 && it.pods.contains(&to)) {
                return Some(format!("{cut:?} does not need {left}"));
            }
        }
    }
    None
}

#[test]
fn cuts_are_tried_anew() {
    hold(40, complete_cluster, cut);
    hold(20, partial_cluster, cut);
}

/// Pods that nobody has written are steps where that is asked for, and no others: `pods[app=relay]`, whom
/// `web` may reach and who may reach `vault`, joins the two.
#[test]
fn representatives_are_steps_if_asked_for() {
    let pod = |name: &str| {
        format!(
            "---\n{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: shop, labels: {{app: \
             {name}}}}}, spec: {{containers: [{{name: c, image: x}}]}}}}\n"
        )
    };
    let policy = |name: &str, spec: &str| {
        format!(
            "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: {name}, namespace: \
             shop}}\nspec: {{podSelector: {{matchLabels: {{app: {name}}}}}, {spec}}}\n"
        )
    };
    let relay = "[{podSelector: {matchLabels: {app: relay}}}]";
    let text = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n".to_owned()
        + &pod("web")
        + &pod("vault")
        + &policy("web", &format!("policyTypes: [Egress], egress: [{{to: {relay}}}]"))
        + &policy("vault", &format!("policyTypes: [Ingress], ingress: [{{from: {relay}}}]"));
    let files = Files::new(&[("shop.yaml", &text)]);
    let ask = |more: &[&str]| {
        let words = ["reach", "-f", "shop.yaml", "shop/web", "-o", "json"];
        files.run(&[&words[..], more].concat()).json()
    };
    let reached = |answer: &Value| -> Vec<String> {
        let all = answer["reached"].as_array().unwrap().iter();
        all.map(|it| format!("{} {}", it["hops"], it["end"]["label"].as_str().unwrap())).collect()
    };
    assert_eq!(reached(&ask(&[])), [""; 0]);
    let all = ask(&["--representatives"]);
    assert_eq!(all["representatives"], true);
    let told = reached(&all);
    assert!(told.contains(&"1 pods[app=relay] in shop".to_owned()), "{told:?}");
    assert!(told.contains(&"2 shop/pod/vault".to_owned()), "{told:?}");
    let far = reached(&ask(&["--representatives", "--max-hops", "1"]));
    assert!(!far.iter().any(|it| it.contains("vault")), "{far:?}");
}

/// Others that no rule tells from the pod where it begins are reached as any pod is.
#[test]
fn pods_like_the_first_are_reached_too() {
    let files = crate::harness::Files::new(&[(
        "all.yaml",
        "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: a}}\n---\n\
         {apiVersion: v1, kind: Pod, metadata: {name: db, namespace: a}}\n",
    )]);
    let said = files.said(&["reach", "-f", "all.yaml", "a/web", "--to", "a/db"]);
    assert!(said.contains("a/pod/web reaches a/pod/db. By 1 hop: a/pod/db"), "{said}");
    let said = files.said(&["reach", "-f", "all.yaml", "a/web"]);
    assert!(said.contains("a/pod/db"), "{said}");
}
