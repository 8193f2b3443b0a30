//! What is proved of random clusters holds in every population that is drawn, and what is broken is broken by
//! its witness.

use crate::open_world::population::{coexist, has_address, passage, populate};
use crate::random::naive::{Answer, Bound, answer};
use crate::random::rules::{complete_rules, is_settled, partial_rules};
use crate::random::{
    Random, World, boundary_addresses, boundary_ports, build, complete_cluster, hold, naive_flow,
    partial_cluster,
};
use ipnet::IpNet;
use netpol::cluster::is_of_internet;
use netpol::cluster::{Family, PodId, Port, Protocol, Snapshot, real_namespace};
use netpol::effort::Effort;
use netpol::intent::{Holds, Judged, Test, Witness, from_yaml, judge};
use netpol::policy::rule::Direction;
use netpol::unwritten::{WitnessEnd, witness};
use netpol::verdict::{Endpoint, Flow, Passage, closed, judge as judge_flow};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many tests came out proved, not known and broken: all of it is to be drawn.
static CAME_OUT: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];

const STRANGERS: usize = 50;
const FLOWS: usize = 1500;
const TESTS: usize = 8;

/// An end as it is written, and whom it means.
#[derive(Clone, Debug)]
enum End {
    Anyone,
    Internet,
    Nodes,
    Namespace(&'static str),
    Pods(&'static str, &'static str, &'static str),
    Spaces(&'static str, &'static str),
    Block(&'static str),
    Pod(String, String),
}

/// Blocks of addresses, some of which pods have.
const BLOCKS: [&str; 6] =
    ["192.168.0.0/16", "203.0.113.0/25", "10.0.0.0/8", "0.0.0.0/1", "2001:db8::/32", "fd00::/64"];

impl End {
    fn any(r: &mut Random, world: &World<'_>) -> Self {
        let namespace = *r.pick(&["n1", "n2", "n3", "n5"]);
        let value = *r.pick(&["x", "y", "z"]);
        match r.below(9) {
            8 => Self::Block(r.pick::<&str>(&BLOCKS)),
            0 => Self::Anyone,
            1 => Self::Internet,
            2 => Self::Nodes,
            3 => Self::Namespace(namespace),
            4 | 5 => Self::Pods(namespace, r.pick::<&str>(&["a", "b"]), value),
            6 => Self::Spaces(r.pick::<&str>(&["t", "a"]), value),
            _ => {
                let all = world.snapshot.pods().iter();
                let all = all.filter(|pod| !pod.finished && !pod.template);
                let all: Vec<_> = all.collect();
                if all.is_empty() {
                    return Self::Anyone;
                }
                let pod = r.pick(&all);
                Self::Pod(pod.namespace.to_string(), pod.name.to_string())
            }
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Anyone => "anyone".to_owned(),
            Self::Internet => "internet".to_owned(),
            Self::Nodes => "nodes".to_owned(),
            Self::Namespace(name) => format!("ns/{name}"),
            Self::Pods(namespace, key, value) => format!("{namespace}/pods[{key}={value}]"),
            Self::Spaces(key, value) => format!("namespaces[{key}={value}]"),
            Self::Block(net) => (*net).to_owned(),
            Self::Pod(namespace, name) => format!("{namespace}/pod/{name}"),
        }
    }

    /// Whether it means an end; `None` where what stands for others may mean it too.
    fn has(&self, snapshot: &Snapshot, end: &Endpoint) -> Option<bool> {
        let pod = end.pod().map(|id| snapshot.pod(id));
        let of_label = |namespace: &str, key: &str, value: &str| {
            snapshot.namespace(namespace).and_then(|it| it.labels.get(key)) == Some(value)
        };
        Some(match self {
            Self::Anyone => true,
            Self::Internet => match end {
                Endpoint::Address(ip) => is_of_internet(&(*ip).into()),
                _ => false,
            },
            Self::Nodes => matches!(end, Endpoint::Node(_)),
            Self::Namespace(name) => pod.is_some_and(|it| real_namespace(&it.namespace) == *name),
            Self::Pods(name, key, value) => pod.is_some_and(|it| {
                real_namespace(&it.namespace) == *name && it.labels.get(key) == Some(value)
            }),
            Self::Spaces(key, value) => pod.is_some_and(|it| of_label(&it.namespace, key, value)),
            Self::Block(net) => {
                let net: IpNet = net.parse().unwrap();
                let has = |ips: &[IpAddr]| ips.iter().any(|ip| net.contains(ip));
                match end {
                    Endpoint::Address(ip) => net.contains(ip),
                    Endpoint::Node(at) => has(&snapshot.nodes[*at].ips),
                    // Which addresses pods may come to have is known of the pod network alone.
                    _ => {
                        let ips = &pod?.ips;
                        let own = |ip: &IpAddr| snapshot.pod_cidrs.iter().any(|it| it.contains(ip));
                        if ips.is_empty() || (has(ips) && !ips.iter().all(own)) {
                            return None;
                        }
                        has(ips)
                    }
                }
            }
            Self::Pod(namespace, name) => match pod {
                Some(pod) if real_namespace(&pod.namespace) == *namespace => {
                    // Others of the namespace may be those that no rule tells from it.
                    if *pod.name == **name { true } else { return None }
                }
                _ => false,
            },
        })
    }
}

#[derive(Clone, Debug)]
struct Set {
    ends: Vec<End>,
    except: Vec<End>,
}

impl Set {
    fn any(r: &mut Random, world: &World<'_>) -> Self {
        let ends = (0..=r.below(2)).map(|_| End::any(r, world)).collect();
        let except = if r.percent(35) { vec![End::any(r, world)] } else { Vec::new() };
        Self { ends, except }
    }

    fn yaml(&self) -> Value {
        let texts = |all: &[End]| all.iter().map(End::text).collect::<Vec<_>>();
        json!({"ends": texts(&self.ends), "except": texts(&self.except)})
    }

    fn has(&self, snapshot: &Snapshot, end: &Endpoint) -> Option<bool> {
        let of = |all: &[End]| -> Option<bool> {
            let each: Vec<Option<bool>> = all.iter().map(|it| it.has(snapshot, end)).collect();
            if each.contains(&Some(true)) {
                return Some(true);
            }
            if each.contains(&None) { None } else { Some(false) }
        };
        Some(of(&self.ends)? && !of(&self.except)?)
    }
}

/// A test, with what it means.
#[derive(Clone, Debug)]
pub(super) struct Meant {
    kind: &'static str,
    from: Set,
    to: Set,
    ports: Option<(&'static str, Protocol, u16, u16)>,
    on_condition: bool,
}

impl Meant {
    fn any(r: &mut Random, world: &World<'_>) -> Self {
        let ports = [
            None,
            Some(("80", Protocol::Tcp, 80, 80)),
            Some(("53/UDP", Protocol::Udp, 53, 53)),
            Some(("80-8080", Protocol::Tcp, 80, 8080)),
        ];
        Self {
            kind: *r.pick(&[
                "deny",
                "deny",
                "only",
                "only-to",
                "isolated",
                "allow",
                "default-deny",
            ]),
            from: Set::any(r, world),
            to: Set::any(r, world),
            ports: *r.pick(&ports),
            on_condition: r.percent(50),
        }
    }

    fn yaml(&self, name: &str) -> Value {
        let ports = self.ports.map_or_else(Vec::new, |(text, ..)| vec![text.to_owned()]);
        let (from, to) = (self.from.yaml(), self.to.yaml());
        let asks = match self.kind {
            "isolated" => json!({"between": from, "and": to, "ports": ports}),
            "default-deny" => {
                let names: Vec<String> = self.from.ends.iter().map(End::text).collect();
                json!({"namespaces": names})
            }
            _ => json!({"from": from, "to": to, "ports": ports}),
        };
        json!({
            "name": name,
            self.kind: asks,
            "may-be-empty": true,
            "on-condition": if self.on_condition { "counts" } else { "does-not-count" },
        })
    }

    fn at(&self, port: Port) -> bool {
        self.ports.is_none_or(|(_, protocol, first, last)| {
            port.protocol == protocol && (first..=last).contains(&port.number)
        })
    }

    /// Whether a flow is one that must not pass; `None` where that cannot be said.
    fn forbids(&self, snapshot: &Snapshot, flow: &Flow) -> Option<bool> {
        let (source, destination) = (&flow.source, &flow.destination);
        let [from, to] = [(&self.from, source), (&self.to, destination)]
            .map(|(set, end)| set.has(snapshot, end));
        let at = self.at(flow.port);
        Some(match self.kind {
            "deny" => from? && to? && at,
            "only" => !from? && to? && at,
            "only-to" => from? && !to? && at,
            "isolated" => {
                let back =
                    self.to.has(snapshot, source)? && self.from.has(snapshot, destination)?;
                ((from? && to?) || back) && at
            }
            _ => false,
        })
    }
}

/// Pods on their nodes' networks and nodes reach the pods on the node, and the other way, whatever
/// policies say.
fn is_exempt(snapshot: &Snapshot, flow: &Flow) -> bool {
    let node = |end: &Endpoint| match end {
        Endpoint::Node(index) => Some(snapshot.nodes[*index].name.clone()),
        Endpoint::Pod(id) if snapshot.pod(*id).host_network => snapshot.pod(*id).node.clone(),
        _ => None,
    };
    let of = |end: &Endpoint| end.pod().and_then(|id| snapshot.pod(id).node.clone());
    let (source, destination) = (&flow.source, &flow.destination);
    let own = |node: Option<_>, pod: Option<_>| node.is_some() && (pod.is_none() || node == pod);
    own(node(source), of(destination)) || own(node(destination), of(source))
}

pub(super) fn tests_of(r: &mut Random, world: &World<'_>) -> (Vec<Meant>, Vec<Test>) {
    let meant: Vec<Meant> = (0..TESTS).map(|_| Meant::any(r, world)).collect();
    let tests: Vec<Value> =
        meant.iter().enumerate().map(|(i, test)| test.yaml(&format!("t{i}"))).collect();
    let file = json!({"apiVersion": "netpol/v1alpha1", "kind": "Test", "tests": tests});
    let tests = match from_yaml(&file.to_string()) {
        Ok(file) => file.tests,
        // Both ends are the same.
        Err(_) => return (Vec::new(), Vec::new()),
    };
    (meant, tests)
}

/// One flow of a random population that breaks what is proved, or a witness that does not break.
fn holds(cluster: &[Value], seed: u64) -> Option<String> {
    let mut world = build(cluster)?;
    let mut r = Random::new(!seed);
    let population = populate(&mut r, cluster, &[&world], STRANGERS);
    let (meant, tests) = tests_of(&mut r, &world);
    if tests.is_empty() {
        return None;
    }
    let known = world.pods.len();
    let judged = judge(&mut world.snapshot, &world.rules, &tests, "n1", Effort::default());
    let judged = match judged {
        Ok(judged) => judged,
        Err(error) => return Some(format!("{error}")),
    };
    for judged in &judged {
        let at = [Holds::Proved, Holds::NotKnown, Holds::Broken]
            .iter()
            .position(|it| *it == judged.holds);
        CAME_OUT[at.unwrap_or(0)].fetch_add(1, Ordering::Relaxed);
    }
    let side = &population.sides[0];
    let mut ends: Vec<Endpoint> =
        population.strangers.iter().map(|id| Endpoint::Pod(*id)).collect();
    ends.extend((0..known).filter(|id| !side.pod(*id).finished).map(Endpoint::Pod));
    let of_pods = |ip: &IpAddr| side.pod_cidrs.iter().any(|net| net.contains(ip));
    let blocks: Vec<Value> = BLOCKS.iter().map(|net| json!({"cidr": net})).collect();
    let edges = [cluster, &blocks].concat();
    let outside = boundary_addresses(&edges).into_iter().filter(|ip| !of_pods(ip));
    let taken = |ip: &IpAddr| {
        side.nodes.iter().any(|node| node.ips.contains(ip))
            || side.pods().iter().any(|pod| pod.ips.contains(ip))
    };
    ends.extend(outside.filter(|ip| !taken(ip)).map(Endpoint::Address));
    ends.extend((0..side.nodes.len()).map(Endpoint::Node));
    let ports = boundary_ports(cluster);
    for _ in 0..FLOWS {
        let [source, destination] = [r.pick(&ends).clone(), r.pick(&ends).clone()];
        let family = *r.pick(&Family::ALL);
        let flow =
            Flow { source, destination, port: *r.pick(&ports), family, through_service: false };
        let pods = [flow.source.pod(), flow.destination.pod()];
        let apart = match pods {
            [Some(a), Some(b)] => a != b && coexist(side, a, b),
            [None, None] => false,
            _ => true,
        };
        let there =
            [&flow.source, &flow.destination].into_iter().all(|end| has_address(side, end, family));
        if !apart || !there || is_exempt(side, &flow) {
            continue;
        }
        let passes = passage(side, &world.rules, &flow);
        for ((meant, test), judged) in meant.iter().zip(&tests).zip(&judged) {
            if judged.holds != Holds::Proved || meant.forbids(side, &flow) != Some(true) {
                continue;
            }
            let breaks = if meant.on_condition { Passage::OnCondition } else { Passage::Allowed };
            if passes >= breaks {
                return Some(format!(
                    "{test:?} is proved, and {flow:?} is {passes:?} in a population"
                ));
            }
        }
    }
    let populated = Populated { side, strangers: &population.strangers, known };
    for ((meant, test), judged) in meant.iter().zip(&tests).zip(&judged) {
        let wrong = match meant.kind {
            "allow" => allowed(&world, &populated, (meant, test), judged, &ports),
            "default-deny" => isolated(&world, &populated, (meant, test), judged),
            _ => None,
        };
        if let Some(wrong) = wrong.or_else(|| witnessed(cluster, &world, meant, test, judged)) {
            return Some(wrong);
        }
    }
    None
}

struct Populated<'p> {
    side: &'p Snapshot,
    strangers: &'p [PodId],
    known: usize,
}

/// Every flow between known ends of what is proved to pass does.
fn allowed(
    world: &World<'_>,
    populated: &Populated<'_>,
    (meant, test): (&Meant, &Test),
    judged: &Judged,
    ports: &[Port],
) -> Option<String> {
    if judged.holds != Holds::Proved {
        return None;
    }
    let snapshot = &world.snapshot;
    let pods = (0..populated.known).filter(|id| !snapshot.pod(*id).finished);
    let pods: Vec<PodId> = pods.collect();
    for from in &pods {
        for to in pods.iter().filter(|to| *to != from) {
            let [source, destination] = [from, to].map(|id| Endpoint::Pod(*id));
            let both = meant.from.has(snapshot, &source) == Some(true)
                && meant.to.has(snapshot, &destination) == Some(true);
            if !both {
                continue;
            }
            for port in ports.iter().filter(|port| meant.at(**port)) {
                for family in Family::ALL {
                    let ends = [&source, &destination];
                    if !ends.iter().all(|end| has_address(snapshot, end, family)) {
                        continue;
                    }
                    let flow = Flow {
                        source: source.clone(),
                        destination: destination.clone(),
                        port: *port,
                        family,
                        through_service: false,
                    };
                    let passes = judge_flow(snapshot, &world.rules, &flow).passage();
                    let enough =
                        if meant.on_condition { Passage::OnCondition } else { Passage::Allowed };
                    if passes < enough {
                        return Some(format!("{test:?} is proved, and {flow:?} is {passes:?}"));
                    }
                }
            }
        }
    }
    None
}

/// Every pod of what is proved to be closed is isolated.
fn isolated(
    world: &World<'_>,
    populated: &Populated<'_>,
    (meant, test): (&Meant, &Test),
    judged: &Judged,
) -> Option<String> {
    if judged.holds != Holds::Proved {
        return None;
    }
    let Populated { side, strangers, known } = populated;
    let only = Set { ends: meant.from.ends.clone(), except: Vec::new() };
    for id in strangers.iter().copied().chain(0..*known) {
        let pod = side.pod(id);
        if pod.finished || pod.host_network || only.has(side, &Endpoint::Pod(id)) != Some(true) {
            continue;
        }
        for direction in Direction::ALL {
            if closed(side, &world.rules, id, direction).isolated.is_no() {
                return Some(format!("{test:?} is proved, and {pod:?} is open for {direction}"));
            }
        }
    }
    None
}

/// What breaks a test is judged to, in a cluster in which its pods are written.
fn witnessed(
    cluster: &[Value],
    world: &World<'_>,
    meant: &Meant,
    test: &Test,
    judged: &Judged,
) -> Option<String> {
    if judged.holds != Holds::Broken {
        return None;
    }
    let Some(Witness::Flow(flow, pass)) = &judged.witness else { return None };
    let mut snapshot = world.snapshot.clone();
    let ends = flow.ends.each_ref().map(|end| end.add_to(&mut snapshot));
    let shapes = flow.ends.iter().any(|end| matches!(end, WitnessEnd::Shape(_)));
    let [source, destination] = ends.clone();
    let one =
        Flow { source, destination, port: flow.port, family: flow.family, through_service: false };
    let passes = judge_flow(&snapshot, &world.rules, &one).passage();
    let expected = match (*pass, meant.on_condition) {
        (true, true) => passes == Passage::Denied,
        (true, false) => matches!(passes, Passage::Denied | Passage::OnCondition),
        (false, true) => passes >= Passage::OnCondition,
        (false, false) => passes == Passage::Allowed,
    };
    if !expected {
        return Some(format!("{test:?} is broken by {one:?}, which is {passes:?}"));
    }
    if !*pass && meant.forbids(&snapshot, &one) == Some(false) {
        return Some(format!("{test:?} is broken by {one:?}, which it is not about"));
    }
    // Pods with exactly the labels of an end are no manifests.
    let known = ends.iter().filter_map(Endpoint::pod).all(|id| id < world.pods.len());
    let unread = cluster.iter().any(|object| object["kind"] == "UnreadPolicies");
    // Nor is an address known that a node has in the family of the flow.
    let has = |ips: &[IpAddr]| ips.iter().any(|ip| Family::of(*ip) == flow.family);
    let there = ends.iter().all(|end| match end {
        Endpoint::Node(at) => has(&snapshot.nodes[*at].ips),
        _ => true,
    });
    // Nor which addresses nodes have.
    let rules = cluster.iter().any(|object| object["kind"] == "Rules");
    let settled = !rules || is_settled(cluster);
    // Nor are the labels of a namespace that is not written.
    let housed = ends.iter().filter_map(Endpoint::pod).all(|id| {
        let space = snapshot.namespace(&snapshot.pod(id).namespace);
        !rules || space.is_some_and(|space| !space.labels_unread)
    });
    if unread || !settled || !housed || !is_whole(world) || !there {
        return None;
    }
    // Where it may be that something else must hold, it is not known whether a flow passes without it.
    let free: &[Passage] = if rules && (!*pass || meant.on_condition) {
        &[Passage::Allowed, Passage::OnCondition]
    } else {
        &[Passage::Allowed]
    };
    if known && !shapes {
        return naively(cluster, world, (&one, passes), free);
    }
    written(cluster, &snapshot, (&ends, flow.port, flow.family), (passes, free))
        .map(|wrong| format!("{test:?}: {wrong}"))
}

/// Whether all that the naive evaluator asks of pods is known.
fn is_whole(world: &World<'_>) -> bool {
    let pods = world.snapshot.pods().iter().take(world.pods.len());
    let known = |pod: &netpol::cluster::Pod| {
        !pod.template && pod.unknown_labels.is_empty() && !pod.ips.is_empty()
    };
    pods.into_iter().all(known)
}

/// What is wrong where the pods of a witness are written into the cluster and it is judged once more.
fn written(
    cluster: &[Value],
    snapshot: &Snapshot,
    (ends, port, family): (&[Endpoint; 2], Port, Family),
    (expected, free): (Passage, &[Passage]),
) -> Option<String> {
    let pods: Vec<PodId> = ends
        .iter()
        .filter_map(Endpoint::pod)
        .filter(|id| snapshot.representative(*id).is_some())
        .collect();
    let mut all = cluster.to_vec();
    let address = |v6: bool, i: usize| {
        if v6 { format!("2001:db8::{}", i + 1) } else { format!("10.0.0.{}", i + 1) }
    };
    for (i, mut object) in witness(snapshot, &pods).into_iter().enumerate() {
        if object["kind"] == "Pod" {
            let ips = json!([{"ip": address(false, i)}, {"ip": address(true, i)}]);
            object["status"] = json!({"phase": "Running", "podIPs": ips});
        }
        let name = &object["metadata"]["name"];
        all.retain(|other| {
            object["kind"] != "Namespace"
                || other["kind"] != "Namespace"
                || other["metadata"]["name"] != *name
        });
        all.push(object);
    }
    let world = build(&all)?;
    let mut number = 0;
    let ends = ends.each_ref().map(|end| match end {
        Endpoint::Pod(id) if snapshot.representative(*id).is_some() => {
            number += 1;
            let name = format!("witness-{number}");
            let found = world.snapshot.pods().iter().position(|pod| *pod.name == *name);
            found.map(Endpoint::Pod)
        }
        other => Some(other.clone()),
    });
    let [Some(source), Some(destination)] = ends else { return Some("no such pod".to_owned()) };
    let flow = Flow { source, destination, port, family, through_service: false };
    let passes = judge_flow(&world.snapshot, &world.rules, &flow).passage();
    // An address that was not known may let more through.
    let same = if expected == Passage::Denied { passes == expected } else { passes >= expected };
    if !same {
        return Some(format!("{flow:?} is {passes:?} where it is written, and was {expected:?}"));
    }
    naively(&all, &world, (&flow, passes), free)
}

/// What is wrong where the naive evaluator, which shares no code with the others, says otherwise; `free` is
/// what may come of a flow that passes without any condition.
fn naively(
    cluster: &[Value],
    world: &World<'_>,
    (flow, passes): (&Flow, Passage),
    free: &[Passage],
) -> Option<String> {
    let (answer, bound) = answer(cluster, &naive_flow(world, flow));
    let agrees = match answer {
        Answer::Undefined => true,
        Answer::Denied => passes == Passage::Denied,
        Answer::Allowed => match bound {
            Bound::Free => free.contains(&passes),
            Bound::OnCondition => passes == Passage::OnCondition,
        },
    };
    (!agrees)
        .then(|| format!("{flow:?} is {passes:?}, and {answer:?} {bound:?} to the naive evaluator"))
}

/// Few pods, so that most are strangers.
fn few_pods(r: &mut Random) -> Vec<Value> {
    let keep = r.below(5);
    let mut pods = 0;
    let mut all = complete_cluster(r);
    all.retain(|object| {
        let pod = object["kind"] == "Pod";
        pods += usize::from(pod);
        !pod || (pods <= keep && object["status"]["phase"] == "Running")
    });
    all
}

fn few_pods_and_rules(r: &mut Random) -> Vec<Value> {
    let keep = r.below(4);
    let mut pods = 0;
    let mut all = complete_rules(r);
    all.retain(|object| {
        let pod = object["kind"] == "Pod";
        pods += usize::from(pod);
        !pod || (pods <= keep && object["status"]["phase"] == "Running")
    });
    all
}

/// Namespaces that are closed both ways, so that only what rules at both ends let through passes.
fn few_pods_of_closed_namespaces(r: &mut Random) -> Vec<Value> {
    let all = few_pods(r);
    super::draft::close(r, all, 80)
}

#[test]
fn proved_of_closed_namespaces() {
    hold(250, few_pods_of_closed_namespaces, holds);
}

#[test]
fn proved_of_network_policies() {
    hold(150, few_pods, holds);
}

#[test]
fn proved_of_rules_of_every_dialect() {
    hold(250, few_pods_and_rules, holds);
}

#[test]
fn proved_of_what_is_not_all_known() {
    hold(100, partial_cluster, holds);
    hold(100, partial_rules, holds);
    let came_out = CAME_OUT.each_ref().map(|count| count.load(Ordering::Relaxed));
    assert!(came_out.iter().all(|count| *count > 20), "{came_out:?}");
}
