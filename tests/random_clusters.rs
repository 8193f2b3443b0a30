//! The one-flow evaluator against a naive reading of the specification, on random clusters.

use crate::random::naive::{Answer, Bound, NaiveFlow, Who, address, answer};
use crate::random::rules::{self, complete_rules, partial_rules};
use crate::random::{
    Ends, Random, boundary_addresses, boundary_ports, build, complete, complete_cluster, hold,
    naive_flow, partial_cluster,
};
use netpol::cluster::{Family, Port};
use netpol::ends::EndName;
use netpol::verdict::{Endpoint, Flow, Question, Verdict, explain, judge};
use serde_json::Value;

/// Flows judged in one cluster: all of a small one, a sample of a large one.
const FLOWS: usize = 700;

/// Between all ends, both families, each at ports drawn from the boundaries.
fn flows(ends: &[Endpoint], ports: &[Port], r: &mut Random) -> Vec<Flow> {
    let mut all = Vec::new();
    for source in ends {
        for destination in ends {
            let outside = |end: &Endpoint| matches!(end, Endpoint::Address(_) | Endpoint::Name(_));
            if outside(source) && outside(destination) {
                continue;
            }
            for family in Family::ALL {
                let of_other = |end: &Endpoint| matches!(end, Endpoint::Address(ip) if Family::of(*ip) != family);
                if of_other(source) || of_other(destination) {
                    continue;
                }
                all.push((source, destination, family));
            }
        }
    }
    let all = r.sample(all, FLOWS);
    let each = (FLOWS / all.len().max(1)).clamp(1, ports.len());
    let mut flows = Vec::new();
    for (source, destination, family) in all {
        for port in r.sample(ports.to_vec(), each) {
            flows.push(Flow {
                source: source.clone(),
                destination: destination.clone(),
                port,
                family,
                through_service: source == destination && r.percent(30),
            });
        }
    }
    flows
}

fn agrees(got: Verdict, expected: Answer) -> bool {
    matches!(
        (got, expected),
        (Verdict::Allowed, Answer::Allowed)
            | (Verdict::Denied, Answer::Denied)
            | (Verdict::Unknown | Verdict::Ambiguous, Answer::Undefined)
    )
}

/// Where everything is known, the verdict is the specification's; Unknown only where that is silent.
fn exact(cluster: &[Value], seed: u64) -> Option<String> {
    let world = build(cluster)?;
    let has_rules = cluster.iter().any(|object| object["kind"] == "Rules");
    if has_rules && !rules::is_settled(cluster) {
        return None;
    }
    if world.snapshot.pods().iter().any(|pod| pod.node.is_none()) {
        return None;
    }
    let mut r = Random::new(!seed);
    let ends = Ends::of(cluster, &world).all;
    for flow in flows(&ends, &boundary_ports(cluster), &mut r) {
        let naive = naive_flow(&world, &flow);
        let v6 = naive.v6;
        if [naive.source, naive.destination].into_iter().any(|who| address(who, v6).is_none()) {
            continue;
        }
        let (expected, bound) = answer(cluster, &naive);
        let got = judge(&world.snapshot, &world.rules, &flow);
        if !agrees(got.verdict, expected) {
            return Some(format!("{:?}, not {expected:?}: {flow:?}\n{got:?}", got.verdict));
        }
        let free = got.egress.conditions.is_empty() && got.ingress.conditions.is_empty();
        if expected == Answer::Allowed && free != (bound == Bound::Free) {
            return Some(format!("not {bound:?}: {flow:?}\n{got:?}"));
        }
    }
    None
}

/// How many ways of filling in the unknown parts each cluster is held against.
const COMPLETIONS: usize = 6;

/// Where parts are unknown, Allowed and Denied hold however those turn out.
fn sound(cluster: &[Value], seed: u64) -> Option<String> {
    let world = build(cluster)?;
    let mut r = Random::new(!seed);
    let mut ends = Ends::of(cluster, &world).all;
    let has_rules = cluster.iter().any(|object| object["kind"] == "Rules");
    if !has_rules {
        // Rules may name names, and which addresses have them is drawn anew for each.
        ends.push(Endpoint::Name("example.com".into()));
    }
    let mut definite = Vec::new();
    for flow in flows(&ends, &boundary_ports(cluster), &mut r) {
        let got = judge(&world.snapshot, &world.rules, &flow);
        if matches!(got.verdict, Verdict::Allowed | Verdict::Denied) {
            definite.push((flow, got));
        }
    }
    let anywhere = boundary_addresses(cluster);
    for _ in 0..COMPLETIONS {
        let completed =
            if has_rules { rules::complete(&mut r, cluster) } else { complete(&mut r, cluster) };
        let find = |kind: &str, name: &Value| {
            let mut all = completed.iter();
            all.find(|o| o["kind"] == kind && o["metadata"]["name"] == *name)
        };
        for (flow, got) in &definite {
            let v6 = flow.family == Family::V6;
            let mut who = |end: &Endpoint| {
                Some(match end {
                    Endpoint::Pod(id) => {
                        Who::Pod(find("Pod", &world.pods[*id]["metadata"]["name"])?)
                    }
                    Endpoint::Node(i) => {
                        Who::Node(find("Node", &world.nodes[*i]["metadata"]["name"])?)
                    }
                    Endpoint::Address(ip) => Who::Outside(*ip),
                    _ => Who::Outside(*r.pick(&anywhere)),
                })
            };
            let (source, mut destination) = (who(&flow.source)?, who(&flow.destination)?);
            if let (true, Endpoint::Pod(id)) = (flow.source == flow.destination, &flow.destination)
                && world.snapshot.pod(*id).template
            {
                // From a template to itself is from one of its pods to another.
                let first = world.pods[*id]["metadata"]["name"].as_str()?;
                destination = Who::Pod(find("Pod", &Value::String(format!("{first}-1")))?);
            }
            if [source, destination].into_iter().any(|who| address(who, v6).is_none()) {
                continue;
            }
            let naive = NaiveFlow {
                source,
                destination,
                protocol: flow.port.protocol.as_str(),
                port: flow.port.number.into(),
                v6,
                through_service: flow.through_service,
            };
            let (expected, bound) = answer(&completed, &naive);
            let free = got.egress.conditions.is_empty() && got.ingress.conditions.is_empty();
            if got.verdict == Verdict::Allowed && free && bound == Bound::OnCondition {
                return Some(format!("bound when completed: {flow:?}\n{got:?}"));
            }
            if !agrees(got.verdict, expected) {
                let manifests: Vec<String> = completed.iter().map(Value::to_string).collect();
                return Some(format!(
                    "{:?}, but {expected:?} when completed: {flow:?}\n{got:?}\ncompleted:\n{}\n",
                    got.verdict,
                    manifests.join("\n")
                ));
            }
        }
    }
    None
}

/// Of two running pods, all that counts is the pods, their namespaces and the policies there: what
/// is read of a live cluster for one flow.
fn two_namespaces_suffice(cluster: &[Value], seed: u64) -> Option<String> {
    let whole = build(cluster)?;
    let mut r = Random::new(!seed);
    let pods: Vec<usize> = (0..whole.pods.len())
        // A pod on its node's network has that node's addresses, which the API tells with the pod.
        .filter(|id| !whole.snapshot.pod(*id).ips.is_empty())
        .collect();
    let ports = boundary_ports(cluster);
    let pairs = pods.iter().flat_map(|a| pods.iter().map(move |b| (*a, *b))).collect();
    for (source, destination) in r.sample(pairs, 40) {
        let namespaces = [source, destination].map(|id| &*whole.snapshot.pod(id).namespace);
        let part: Vec<Value> = cluster
            .iter()
            .filter(|object| {
                let (kind, metadata) = (&object["kind"], &object["metadata"]);
                let of = |field: &str| metadata[field].as_str().unwrap_or("default");
                match kind.as_str() {
                    Some("Namespace") => namespaces.contains(&of("name")),
                    Some("NetworkPolicy") => namespaces.contains(&of("namespace")),
                    _ => [source, destination].iter().any(|id| whole.pods[*id] == *object),
                }
            })
            .cloned()
            .collect();
        let read = build(&part)?;
        let find = |id: usize| {
            let is_it = |pod: &&Value| **pod == *whole.pods[id];
            read.pods.iter().position(is_it).map(Endpoint::Pod)
        };
        let (from, to) = (find(source)?, find(destination)?);
        for port in r.sample(ports.clone(), 4) {
            for family in Family::ALL {
                let flow = |source, destination| Flow {
                    source,
                    destination,
                    port,
                    family,
                    through_service: false,
                };
                let flows = [
                    flow(Endpoint::Pod(source), Endpoint::Pod(destination)),
                    flow(from.clone(), to.clone()),
                ];
                let all = judge(&whole.snapshot, &whole.rules, &flows[0]).verdict;
                let got = judge(&read.snapshot, &read.rules, &flows[1]).verdict;
                if got != all {
                    return Some(format!("{got:?} from a part, {all:?} from all: {:?}", flows[0]));
                }
            }
        }
    }
    None
}

#[test]
fn one_flow_needs_two_namespaces_only() {
    hold(200, complete_cluster, two_namespaces_suffice);
}

/// What is said of one pod of a case is true of each, to the last word of its reasons.
fn cases_are_alike(cluster: &[Value], seed: u64) -> Option<String> {
    let world = build(cluster)?;
    let (snapshot, rules) = (&world.snapshot, &world.rules);
    let mut r = Random::new(!seed);
    let namespaces: Vec<String> =
        snapshot.namespaces().map(|namespace| format!("ns/{}", namespace.name)).collect();
    let ports = boundary_ports(cluster);
    for _ in 0..6 {
        let [source, destination]: [EndName; 2] =
            [(); 2].map(|()| r.pick(&namespaces).parse().unwrap());
        let port = r.pick(&ports).to_string().parse().unwrap();
        let (source, destination, port) = (&source, &destination, Some(&port));
        let question = Question { source, destination, port, namespace: "default" };
        // A namespace may have no pods.
        let Ok(explanation) = explain(snapshot, rules, &question) else { continue };
        for case in explanation.cases {
            for source in &case.sources {
                for destination in case.destinations.iter().filter(|it| *it != source) {
                    let (source, destination) = (source.clone(), destination.clone());
                    let flow = Flow { source, destination, ..case.flow.clone() };
                    let alone = judge(snapshot, rules, &flow);
                    // A case that names no family has pods of either one, judged alike in their own.
                    let other = Family::ALL.into_iter().find(|it| *it != flow.family).unwrap();
                    let again = judge(snapshot, rules, &Flow { family: other, ..flow.clone() });
                    let in_other = case.family.is_none() && again == case.judgement;
                    if case.flow.source != case.flow.destination
                        && alone != case.judgement
                        && !in_other
                    {
                        return Some(format!("{flow:?}: {alone:?}, but {:?}", case.judgement));
                    }
                }
            }
        }
    }
    None
}

#[test]
fn pods_that_are_grouped_are_judged_alike() {
    hold(200, complete_cluster, cases_are_alike);
    hold(200, partial_cluster, cases_are_alike);
    hold(200, partial_rules, cases_are_alike);
}

#[test]
fn complete_clusters_are_judged_as_the_specification_reads() {
    hold(400, complete_cluster, exact);
}

#[test]
fn partial_clusters_are_judged_soundly() {
    hold(300, partial_cluster, sound);
}

#[test]
fn complete_rules_are_judged_as_the_specification_reads() {
    hold(400, complete_rules, exact);
}

#[test]
fn partial_rules_are_judged_soundly() {
    hold(150, partial_rules, sound);
}
