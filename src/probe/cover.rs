//! The fewest connections that show what policies tell apart.
//!
//! In: what is and what is written, and of which namespaces. Out: for each two classes of pods that no
//! rule tells apart one flow that is allowed and one that is denied, as far as there are such, those
//! first that show most. Flows of TCP only: silence of UDP says nothing. What passes on a condition or is
//! not known is left out, since a connection would not show it.

use super::asked::{Attempt, between_pods, can_be_entered, is_there, shared};
use crate::cluster::{Family, Name, PodId, Port, Protocol, Snapshot};
use crate::effort::{Effort, TooMuch};
use crate::ends::End;
use crate::policy::Ruleset;
use crate::reach::{Connectivity, PortSet};
use foldhash::{HashSet, HashSetExt as _};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What is to be tried.
#[derive(Clone, Debug)]
pub struct Cover {
    /// The connections, in order.
    pub attempts: Vec<Attempt>,
    /// How many kinds of flows policies tell apart here.
    pub kinds: usize,
    /// Not all pairs of classes were looked at.
    pub in_part: bool,
    /// Kinds of flows that pass on a condition, or of which it is not known whether they pass.
    pub undecided: usize,
}

/// Pairs of classes that are looked at.
const MOST_PAIRS: usize = 100_000;

/// Ports that are tried where none that is declared will do, in this order.
const USUAL: [u16; 3] = [80, 443, 8080];

/// A flow that stands for its kind.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Kind {
    source: PodId,
    destination: PodId,
    classes: (u32, u32),
    way: (Family, IpAddr),
    port: Port,
    passes: bool,
}

/// The cover of namespaces, all of them where none is given: at most so many connections.
pub fn cover(
    snapshot: &Snapshot,
    rules: &Ruleset,
    only: Option<&str>,
    most: usize,
    effort: Effort,
) -> Result<Cover, TooMuch> {
    let connectivity = Connectivity::compute(snapshot, rules, effort)?;
    let in_scope = |id: PodId| only.is_none_or(|only| *snapshot.pod(id).namespace == *only);
    let takes = |id: PodId| is_there(snapshot, id) && snapshot.pod(id).ready;
    let sources = one_of_each(snapshot, &connectivity, |id| can_be_entered(snapshot, id));
    let destinations = one_of_each(snapshot, &connectivity, takes);
    let (mut kinds, mut undecided, mut looked, mut in_part) = (Vec::new(), 0, 0, false);
    'all: for (from, own) in &sources {
        for (to, others) in &destinations {
            let Some((source, destination)) = pair(own, others, in_scope) else { continue };
            looked += 1;
            if looked > MOST_PAIRS {
                in_part = true;
                break 'all;
            }
            let (one, other) = (snapshot.pod(source), snapshot.pod(destination));
            let Some(way) = shared(one, other) else { continue };
            let reach = connectivity.allowed(End::Pod(source), End::Pod(destination), way.0);
            let declared: Vec<Port> = other.ports.iter().map(|it| it.port).collect();
            let closed = PortSet::all().difference(&reach.possible);
            let open = a_port(&declared, &reach.unconditional);
            let shut = a_port(&declared, &closed);
            let tcp = |set: &PortSet| a_port(&[], set).is_some();
            undecided += usize::from(tcp(&reach.possible.difference(&reach.unconditional)));
            for (port, passes) in [(open, true), (shut, false)] {
                let Some(port) = port else { continue };
                let classes = (*from, *to);
                kinds.push(Kind { source, destination, classes, way, port, passes });
            }
        }
    }
    let all = kinds.len();
    let chosen = most_telling(snapshot, kinds, most);
    let mut attempts = Vec::new();
    for kind in chosen {
        let ends = (kind.source, kind.destination);
        // Ends that have been looked up are there.
        if let Ok(attempt) = between_pods((snapshot, rules), ends, kind.way, kind.port) {
            attempts.push(attempt);
        }
    }
    Ok(Cover { attempts, kinds: all, in_part, undecided })
}

/// By class, its pods of the pod network by name; of very many the first few are enough.
fn one_of_each(
    snapshot: &Snapshot,
    connectivity: &Connectivity<'_>,
    is_wanted: impl Fn(PodId) -> bool,
) -> BTreeMap<u32, Vec<PodId>> {
    let mut by_class: BTreeMap<u32, Vec<PodId>> = BTreeMap::new();
    for id in 0..snapshot.pods().len() {
        if snapshot.pod(id).host_network || !is_wanted(id) {
            continue;
        }
        if let Some(class) = connectivity.class(End::Pod(id)) {
            by_class.entry(class).or_default().push(id);
        }
    }
    for pods in by_class.values_mut() {
        pods.sort_by_key(|id| {
            let pod = snapshot.pod(*id);
            (!pod.ready, &pod.namespace, &pod.name)
        });
    }
    by_class
}

/// Two different pods of two classes, one of them in scope.
fn pair(
    own: &[PodId],
    others: &[PodId],
    in_scope: impl Fn(PodId) -> bool,
) -> Option<(PodId, PodId)> {
    // Whoever is in scope comes first, else the first of all.
    let first = |pods: &[PodId], not: Option<PodId>| {
        let mut all = pods.iter().copied().filter(|id| Some(*id) != not);
        let other = all.clone().next();
        all.find(|id| in_scope(*id)).or(other)
    };
    let destination = first(others, None)?;
    let (source, destination) = match first(own, Some(destination)) {
        Some(source) => (source, destination),
        // The only source is that pod: another takes it.
        None => (*own.first()?, first(others, own.first().copied())?),
    };
    (source != destination && (in_scope(source) || in_scope(destination)))
        .then_some((source, destination))
}

/// A port of TCP in a set: one that is declared if there is one, since there something listens.
fn a_port(declared: &[Port], set: &PortSet) -> Option<Port> {
    let tcp = declared.iter().filter(|port| port.protocol == Protocol::Tcp);
    let usual = USUAL.map(Port::tcp);
    let known = tcp.min().copied().into_iter().chain(declared.iter().copied()).chain(usual);
    let known = known.filter(|port| port.protocol == Protocol::Tcp);
    let lowest = set.lowest().filter(|port| port.protocol == Protocol::Tcp);
    known.filter(|port| set.contains(*port)).chain(lowest).next()
}

/// What a kind shows, besides itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Shown {
    Out(u32, bool),
    Into(u32, bool),
    Namespaces(PodSpace, PodSpace, bool),
}

type PodSpace = usize;

/// At most so many, those first that show most of what was not shown: whom policies let out and in, and
/// between which namespaces.
fn most_telling(snapshot: &Snapshot, mut kinds: Vec<Kind>, most: usize) -> Vec<Kind> {
    let name = |id: PodId| {
        let pod = snapshot.pod(id);
        (&pod.namespace, &pod.name)
    };
    let by_name = |a: &Kind, b: &Kind| {
        let key = |kind: &Kind| (name(kind.source), name(kind.destination), kind.port);
        key(a).cmp(&key(b))
    };
    kinds.sort_by(by_name);
    if kinds.len() <= most {
        return kinds;
    }
    let spaces: BTreeSet<&Name> = snapshot.pods().iter().map(|pod| &pod.namespace).collect();
    let spaces: BTreeMap<&Name, PodSpace> =
        spaces.into_iter().enumerate().map(|(at, space)| (space, at)).collect();
    let space = |id: PodId| spaces.get(&snapshot.pod(id).namespace).copied().unwrap_or_default();
    let shows = |kind: &Kind| {
        [
            Shown::Out(kind.classes.0, kind.passes),
            Shown::Into(kind.classes.1, kind.passes),
            Shown::Namespaces(space(kind.source), space(kind.destination), kind.passes),
        ]
    };
    let (mut covered, mut chosen) = (HashSet::new(), Vec::new());
    let mut taken = vec![false; kinds.len()];
    while chosen.len() < most {
        let worth = |at: &usize| {
            let new = kinds
                .get(*at)
                .map(|kind| shows(kind).iter().filter(|it| !covered.contains(*it)).count());
            // Of two that show as much the first by name.
            (new.unwrap_or_default(), usize::MAX - *at)
        };
        let Some(best) = (0..kinds.len()).filter(|at| !taken[*at]).max_by_key(worth) else { break };
        taken[best] = true;
        covered.extend(shows(&kinds[best]));
        chosen.push(kinds[best]);
    }
    chosen.sort_by(by_name);
    chosen
}
