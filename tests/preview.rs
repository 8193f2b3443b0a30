//! What `bootstrap` says that closing a namespace would cut, against every flow judged one by one.

use crate::learn;
use crate::random::{Ends, Random, World, build, complete_cluster, hold, partial_cluster};
use netpol::baseline::{self, Affected, Baseline, Facts, OtherEnd, Way};
use netpol::cluster::{Addresses, Family, Port, TargetPort};
use netpol::draft::Dialect;
use netpol::effort::Effort;
use netpol::ends::names;
use netpol::verdict::{Endpoint, Flow, Verdict, judge};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Cuts inside the cluster and to or from the outside, over all clusters.
static CUTS: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

/// The same of what is opened.
static OPENS: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

fn has_address(world: &World<'_>, end: &Endpoint, family: Family) -> bool {
    match end {
        Endpoint::Pod(id) => world.snapshot.pod_address(*id, family) != Addresses::Absent,
        Endpoint::Address(ip) => Family::of(*ip) == family,
        _ => true,
    }
}

/// The ports at which an end may listen: those that containers declare and Services lead to, or any
/// where neither tells one.
fn listens(world: &World<'_>, end: &Endpoint) -> BTreeSet<Option<Port>> {
    let Endpoint::Pod(id) = end else { return BTreeSet::new() };
    let pod = world.snapshot.pod(*id);
    let mut ports: BTreeSet<Option<Port>> = pod.ports.iter().map(|port| Some(port.port)).collect();
    for (_, service) in world.snapshot.services.within(&pod.namespace) {
        for port in service.ports.iter().filter(|_| service.selects(&pod.labels)) {
            if let TargetPort::Number(number) = port.target {
                ports.insert(Some(Port { protocol: port.port.protocol, number }));
            }
        }
    }
    if ports.is_empty() { [None].into() } else { ports }
}

/// The ports that are tried where it may be any.
const TRIED: [u16; 3] = [53, 80, 12345];

/// Every cut, by judging each flow before and after; what is opened is cut the other way round.
fn one_by_one(worlds: [&World<'_>; 2], namespace: &str, ends: &[Endpoint]) -> BTreeSet<Affected> {
    let world = worlds[0];
    let is_cut = |source: &Endpoint, destination: &Endpoint, port: Port| {
        let there = |family: &Family| {
            has_address(world, source, *family) && has_address(world, destination, *family)
        };
        Family::ALL.into_iter().filter(there).any(|family| {
            let (source, destination) = (source.clone(), destination.clone());
            let flow = Flow { source, destination, port, family, through_service: false };
            let verdict = |world: &World<'_>| judge(&world.snapshot, &world.rules, &flow).verdict;
            verdict(worlds[0]) == Verdict::Allowed && verdict(worlds[1]) == Verdict::Denied
        })
    };
    let name = |end: &Endpoint| names::inside(&world.snapshot, end.end().unwrap());
    let is_local = |end: &Endpoint| {
        name(end).is_some_and(|object| object.namespace.as_deref() == Some(namespace))
    };
    let mut cuts = BTreeSet::new();
    for source in ends {
        for destination in ends {
            let (way, local, peer) = match (is_local(source), is_local(destination)) {
                (true, _) => (Way::Out, source, destination),
                (false, true) => (Way::In, destination, source),
                (false, false) => continue,
            };
            let local = name(local).unwrap();
            let peer = name(peer).map_or(OtherEnd::Outside, OtherEnd::Known);
            if way == Way::Out && peer == OtherEnd::Outside {
                if is_cut(source, destination, Port::tcp(443)) {
                    cuts.insert(Affected { way, local, peer, port: None, service: None });
                }
                continue;
            }
            for port in listens(world, destination) {
                let tried = port.map_or_else(|| TRIED.map(Port::tcp).to_vec(), |port| vec![port]);
                if tried.into_iter().any(|port| is_cut(source, destination, port)) {
                    let (local, peer) = (local.clone(), peer.clone());
                    cuts.insert(Affected { way, local, peer, port, service: None });
                }
            }
        }
    }
    cuts
}

fn preview_holds(cluster: &[Value], seed: u64) -> Option<String> {
    let before = build(cluster)?;
    let mut r = Random::new(!seed);
    let namespaces: Vec<String> =
        before.snapshot.namespaces().map(|namespace| namespace.name.to_string()).collect();
    let namespace = r.pick(namespaces.get(..).filter(|all| !all.is_empty())?).clone();
    let dialects: Vec<Dialect> = Dialect::ALL
        .into_iter()
        .filter(|dialect| dialect.is_read_by(before.rules.enforcer()))
        .collect();
    let dialect = *r.pick(&dialects);
    let baseline = Baseline { dialect, ..learn::baseline(&mut r) };
    let closed: Vec<Value> =
        cluster.iter().cloned().chain(baseline.objects(&namespace, &Facts::default())).collect();
    let after = build(&closed)?;
    let [rules, closed] = [&before.rules, &after.rules];
    let effort = Effort::default();
    let impact = baseline::impact(&before.snapshot, rules, closed, &namespace, effort).unwrap();
    if !impact.complete {
        return Some("not all is listed".to_owned());
    }
    let ends = Ends::of(cluster, &before).all;
    let differs = |found: Vec<Affected>, counts: &[AtomicUsize; 2], worlds: [&World<'_>; 2]| {
        let expected = one_by_one(worlds, &namespace, &ends);
        // A port that one pod declares and another has from a Service only is told of both.
        let found: BTreeSet<Affected> =
            found.into_iter().map(|one| Affected { service: None, ..one }).collect();
        for one in &found {
            counts[usize::from(one.peer == OtherEnd::Outside)].fetch_add(1, Ordering::Relaxed);
        }
        if let Some(missing) = expected.difference(&found).next() {
            return Some(format!("{missing:?} is not listed"));
        }
        // Of the outside only some addresses and one port were tried, and of any port only some.
        let tried = |one: &&Affected| one.peer != OtherEnd::Outside && one.port.is_some();
        let mut more = found.difference(&expected).filter(tried);
        more.next().map(|one| format!("{one:?} is listed, and nothing changes"))
    };
    differs(impact.cuts, &CUTS, [&before, &after])
        .or_else(|| differs(impact.opens, &OPENS, [&after, &before]))
}

/// Pods, workloads and nodes: exactly what is cut, and what is opened; the outside: all that is.
#[test]
fn what_is_listed_is_what_changes() {
    hold(150, complete_cluster, preview_holds);
    hold(150, partial_cluster, preview_holds);
    let [inside, outside] = [0, 1].map(|at: usize| CUTS[at].load(Ordering::Relaxed));
    let opened: usize = OPENS.iter().map(|at| at.load(Ordering::Relaxed)).sum();
    if std::env::var_os("NETPOL_RANDOM_CLUSTERS").is_none() {
        assert!(inside > 500 && outside > 200 && opened > 50, "{inside} {outside} {opened}");
    }
}
