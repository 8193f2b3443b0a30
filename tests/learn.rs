//! `bootstrap --learn` on random clusters: what is learned keeps what was seen, and opens nothing else.

use crate::random::{Ends, Random, World, boundary_ports, build, complete_cluster, hold};
use netpol::baseline::{Baseline, Deny, Dns, Facts};
use netpol::cluster::{Family, PodId, Port, PortRange};
use netpol::draft::Dialect;
use netpol::effort::Effort;
use netpol::hubble::{Event, Flow as Seen, Layer4, Party, Verdict as Told};
use netpol::learn::{Collector, Fate, Lesson, Lost, learn};
use netpol::observed::Index;
use netpol::policy::rule::Direction;
use netpol::reach::{Connectivity, PortSet};
use netpol::verdict::{Endpoint, Flow, Verdict, judge};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Flows fed to one lesson, before each is asked whether it is allowed.
const FLOWS: usize = 60;

/// Connections that were learned, covered, denied and lost, over all clusters.
static FATES: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];

/// Clusters in which both dialects were compared.
static BOTH: AtomicUsize = AtomicUsize::new(0);

/// A cluster of which everything is known, as Kubernetes or as Cilium enforces it.
fn cluster(r: &mut Random) -> Vec<Value> {
    let mut cluster = complete_cluster(r);
    if r.percent(50) {
        let localhost = if r.percent(50) { "policy" } else { "always" };
        cluster.push(json!({"kind": "Enforcer", "allowLocalhost": localhost}));
    }
    cluster
}

/// Any of the ways to close a namespace.
pub(crate) fn baseline(r: &mut Random) -> Baseline {
    Baseline {
        deny: *r.pick(&[Deny::Ingress, Deny::Egress, Deny::All]),
        dns: *r.pick(&[Dns::Namespace, Dns::None]),
        same_namespace: r.percent(15),
        ..Baseline::default()
    }
}

/// An end as Hubble names it; `None` for what it never shows.
fn party(world: &World<'_>, end: &Endpoint, family: Family) -> Option<Party> {
    let of_family =
        |ips: &[std::net::IpAddr]| ips.iter().copied().find(|ip| Family::of(*ip) == family);
    match end {
        Endpoint::Pod(id) => {
            let pod = world.snapshot.pod(*id);
            let (namespace, name) = (&*pod.namespace, &*pod.name);
            let ip = Some(of_family(&pod.ips).filter(|_| !pod.host_network)?);
            Some(Party {
                ip,
                identity: 1000,
                namespace: namespace.into(),
                pod: name.into(),
                ..Party::default()
            })
        }
        Endpoint::Node(at) => {
            let ip = Some(of_family(&world.snapshot.nodes[*at].ips)?);
            let labels = vec!["reserved:remote-node".into()];
            Some(Party { ip, identity: 6, labels, ..Party::default() })
        }
        Endpoint::Address(ip) => {
            let labels = vec!["reserved:world".into()];
            Some(Party { ip: Some(*ip), identity: 2, labels, ..Party::default() })
        }
        _ => None,
    }
}

fn event(
    flow: &Flow,
    [source, destination]: [&Party; 2],
    told: Told,
    direction: Direction,
) -> Seen {
    let denied = told == Told::Dropped;
    Seen {
        verdict: told,
        event: Event::PolicyVerdict,
        direction: Some(direction),
        is_reply: (!denied).then_some(false),
        source: source.clone(),
        destination: destination.clone(),
        l4: Layer4::Ports {
            protocol: flow.port.protocol,
            source: 40000,
            destination: flow.port.number,
        },
        ..Seen::default()
    }
}

/// What Hubble tells of a flow, by the verdict of the policies: of both ends, or of one only.
fn told(world: &World<'_>, flow: &Flow, r: &mut Random) -> Option<(bool, Vec<Seen>)> {
    let judged = judge(&world.snapshot, &world.rules, flow);
    let source = party(world, &flow.source, flow.family)?;
    let destination = party(world, &flow.destination, flow.family)?;
    let ends = [&source, &destination];
    match judged.verdict {
        Verdict::Allowed => {
            let mut sides: Vec<Direction> = Vec::new();
            sides.extend(matches!(flow.source, Endpoint::Pod(_)).then_some(Direction::Egress));
            sides
                .extend(matches!(flow.destination, Endpoint::Pod(_)).then_some(Direction::Ingress));
            if sides.len() == 2 && r.percent(40) {
                sides.remove(r.below(2));
            }
            let seen = sides.into_iter().map(|side| event(flow, ends, Told::Forwarded, side));
            Some((true, seen.collect()))
        }
        Verdict::Denied => {
            let egress = judged.egress.verdict == Verdict::Denied;
            let side = if egress { Direction::Egress } else { Direction::Ingress };
            Some((false, vec![event(flow, ends, Told::Dropped, side)]))
        }
        Verdict::Unknown | Verdict::Ambiguous => None,
    }
}

fn pod_in(world: &World<'_>, end: &Endpoint, namespace: &str) -> bool {
    matches!(end, Endpoint::Pod(id) if *world.snapshot.pod(*id).namespace == *namespace)
}

/// Whether no policy should tell two ends apart: one workload, or just the same labels.
fn alike(world: &World<'_>, a: &Endpoint, b: &Endpoint) -> bool {
    let pods = |a: PodId, b: PodId| {
        let (a, b) = (world.snapshot.pod(a), world.snapshot.pod(b));
        a.namespace == b.namespace
            && ((a.owner.is_some() && a.owner == b.owner) || a.labels == b.labels)
    };
    match (a, b) {
        (Endpoint::Pod(a), Endpoint::Pod(b)) => pods(*a, *b),
        (a, b) => a == b,
    }
}

/// The cluster with policies applied, which take the place of those of their kind and name.
fn applied(cluster: &[Value], policies: Vec<Value>) -> Vec<Value> {
    let name = |object: &Value| {
        let part = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
        let kind = Dialect::of_object(object);
        kind.map(|kind| (kind, part("namespace"), part("name")))
    };
    let names: Vec<_> = policies.iter().map(name).collect();
    let kept = cluster.iter().filter(|it| name(it).is_none() || !names.contains(&name(it)));
    kept.cloned().chain(policies).collect()
}

fn flows(world: &World<'_>, cluster: &[Value], namespace: &str, r: &mut Random) -> Vec<Flow> {
    let ends = Ends::of(cluster, world).all;
    let ports = boundary_ports(cluster);
    let mut flows = Vec::new();
    for _ in 0..FLOWS {
        let (source, destination) = (r.pick(&ends).clone(), r.pick(&ends).clone());
        let family = *r.pick(&Family::ALL);
        let has = |end: &Endpoint| match end {
            Endpoint::Address(ip) => Family::of(*ip) == family,
            _ => true,
        };
        if (pod_in(world, &source, namespace) || pod_in(world, &destination, namespace))
            && has(&source)
            && has(&destination)
        {
            let port = *r.pick(&ports);
            flows.push(Flow { source, destination, port, family, through_service: false });
        }
    }
    flows
}

/// Everything that the policies of the lesson open beyond what is allowed without them was seen.
fn opens_nothing_else(
    without: &World<'_>,
    with: &World<'_>,
    namespace: &str,
    observed: &[Flow],
    ends: &[Endpoint],
) -> Option<String> {
    let before =
        Connectivity::compute(&without.snapshot, &without.rules, Effort::default()).unwrap();
    let after = Connectivity::compute(&with.snapshot, &with.rules, Effort::default()).unwrap();
    for source in ends {
        for destination in ends {
            if !pod_in(with, source, namespace) && !pod_in(with, destination, namespace) {
                continue;
            }
            for family in Family::ALL {
                // Which address a node has in a family that it does not tell is not known.
                let told = |end: &Endpoint| match end {
                    Endpoint::Node(at) => {
                        with.snapshot.nodes[*at].ips.iter().any(|ip| Family::of(*ip) == family)
                    }
                    _ => true,
                };
                if !told(source) || !told(destination) {
                    continue;
                }
                let [old, new] = [&before, &after].map(|it| {
                    it.allowed(source.end().unwrap(), destination.end().unwrap(), family).possible
                });
                let opened = new.difference(&old);
                let seen = observed.iter().filter(|flow| {
                    alike(with, &flow.source, source) && alike(with, &flow.destination, destination)
                });
                let port = |port: Port| {
                    (port.protocol, PortRange { first: port.number, last: port.number })
                };
                let seen = PortSet::of(seen.map(|flow| port(flow.port)));
                let more = opened.difference(&seen);
                if let Some(port) = more.lowest() {
                    return Some(format!("opens {source:?} → {destination:?} {port}, never seen"));
                }
            }
        }
    }
    None
}

/// Every flow of a connection that is kept is allowed, and what is not kept has a reason.
fn keeps(with: &World<'_>, lesson: &Lesson, observed: &[Flow]) -> Option<String> {
    let mut found = BTreeSet::new();
    for seen in &lesson.seen {
        let fate = match &seen.fate {
            Fate::Learned(_) => 0,
            Fate::Covered => 1,
            Fate::Denied { .. } => 2,
            Fate::Cut(Lost::Node | Lost::NoLabels) => 3,
            other => return Some(format!("{other:?} of {:?}", seen.keys)),
        };
        FATES[fate].fetch_add(1, Ordering::Relaxed);
        for (source, destination, port, family) in &seen.keys {
            // A node is seen at one of its addresses.
            let whole = |end: &Endpoint| match end {
                Endpoint::NodeAddress(node, _) => Endpoint::Node(*node),
                other => other.clone(),
            };
            found.insert((whole(source), whole(destination), port.unwrap(), *family));
            let flow = Flow {
                source: source.clone(),
                destination: destination.clone(),
                port: port.unwrap(),
                family: *family,
                through_service: false,
            };
            let verdict = judge(&with.snapshot, &with.rules, &flow).verdict;
            if fate < 2 && verdict != Verdict::Allowed {
                return Some(format!("{flow:?} is kept by {:?}, but {verdict:?}", seen.fate));
            }
        }
    }
    let missing = observed.iter().find(|flow| {
        let key =
            (flow.source.clone(), flow.destination.clone(), flow.port, flow.family);
        // No policy keeps these out, so nothing is to be learned of them.
        let exempt = flow.source == flow.destination
            || matches!((&flow.source, &flow.destination), (Endpoint::Node(node), Endpoint::Pod(pod))
                if with.snapshot.pod(*pod).node.as_ref() == Some(&with.snapshot.nodes[*node].name));
        !exempt && !found.contains(&key)
    });
    missing.map(|flow| format!("{flow:?} was seen and is forgotten"))
}

fn lesson_holds(cluster: &[Value], seed: u64) -> Option<String> {
    let world = build(cluster)?;
    // An address that nobody is known to have may be that of an end whose own is not known.
    if world.snapshot.pods().iter().any(|pod| pod.ips.is_empty() || pod.node.is_none())
        || world.snapshot.nodes.iter().any(|node| node.ips.is_empty())
    {
        return None;
    }
    let mut r = Random::new(!seed);
    let namespaces: Vec<String> =
        world.snapshot.namespaces().map(|namespace| namespace.name.to_string()).collect();
    if namespaces.is_empty() {
        return None;
    }
    let namespace = r.pick(&namespaces).clone();
    let closing = baseline(&mut r).policies(&namespace, &Facts::default());
    let index = Index::new(&world.snapshot, &world.rules);
    let wanted = [namespace.as_str().into()];
    let mut collector = Collector::new(&world.snapshot, index, wanted, None);
    let mut observed = Vec::new();
    for flow in flows(&world, cluster, &namespace, &mut r) {
        let Some((works, events)) = told(&world, &flow, &mut r) else { continue };
        for event in &events {
            collector.flow(event);
        }
        if works {
            observed.push(flow);
        }
    }
    let mut taught: Vec<(Vec<Endpoint>, Vec<Value>)> = Vec::new();
    // Only Cilium and Calico enforce their own.
    let enforcer = world.rules.enforcer();
    for dialect in Dialect::ALL.into_iter().filter(|dialect| dialect.is_read_by(enforcer)) {
        let lesson = learn(&collector, &world.written, &world.rules, &namespace, &closing, dialect);
        let closing = closing.iter().map(|policy| policy.object(dialect).unwrap()).collect();
        let learned = lesson.policies.iter().map(|draft| draft.object(dialect).unwrap()).collect();
        let closed = applied(cluster, closing);
        let open = applied(&closed, learned);
        let without = build(&closed)?;
        let Some(with) = build(&open) else {
            return Some(format!("what was learned is refused: {:?}", lesson.policies));
        };
        let ends = Ends::of(&open, &with).all;
        let fault = keeps(&with, &lesson, &observed)
            .or_else(|| opens_nothing_else(&without, &with, &namespace, &observed, &ends));
        if fault.is_some() {
            return fault.map(|fault| format!("{}: {fault}", dialect.word()));
        }
        taught.push((ends, open));
    }
    let [(ends, one), (_, other)] = &taught[..] else { return None };
    means_the_same(&build(one)?, &build(other)?, ends)
}

/// What is learned means the same in both dialects.
fn means_the_same(one: &World<'_>, other: &World<'_>, ends: &[Endpoint]) -> Option<String> {
    BOTH.fetch_add(1, Ordering::Relaxed);
    let [one, other] = [one, other]
        .map(|it| Connectivity::compute(&it.snapshot, &it.rules, Effort::default()).unwrap());
    for source in ends {
        for destination in ends {
            for family in Family::ALL {
                let [a, b] = [&one, &other].map(|it| {
                    it.allowed(source.end().unwrap(), destination.end().unwrap(), family)
                });
                if a != b {
                    return Some(format!("{source:?} → {destination:?} {family:?}: {a:?}, {b:?}"));
                }
            }
        }
    }
    None
}

/// The policies that are learned keep every connection that they say they keep, and open nothing but
/// the observed workloads and ports.
#[test]
#[allow(clippy::print_stdout, reason = "cargo shows it when a test is run with --nocapture")]
fn what_is_learned_is_enough_and_no_more() {
    hold(300, cluster, lesson_holds);
    let [learned, covered, denied, lost] =
        [0, 1, 2, 3].map(|at: usize| FATES[at].load(Ordering::Relaxed));
    let both = BOTH.load(Ordering::Relaxed);
    println!("learned {learned}, covered {covered}, denied {denied}, lost {lost}; both {both}");
    if std::env::var_os("NETPOL_RANDOM_CLUSTERS").is_none() {
        assert!(learned > 300 && covered > 200 && denied > 200, "{learned} {covered} {denied}");
        assert!(both > 50, "{both}");
    }
}
