//! Which connections to try: one for each two classes of ends that policies tell apart, in each family,
//! and for each range of ports between them.
//!
//! In: a cluster. Out: a [`Cover`]: flows with what is predicted of each.

use crate::oracles::{Read, ours_of};
use crate::random::{Random, WrittenEnd, WrittenFlow, written_ends};
use netpol::cluster::{Family, Port, Protocol};
use netpol::effort::Effort;
use netpol::reach::{Connectivity, End, Narrow, Reach};
use netpol::verdict::{Endpoint, Verdict, judge};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The protocols that are tried.
pub(super) const PROTOCOLS: [Protocol; 2] = [Protocol::Tcp, Protocol::Udp];

/// A connection, and whether it is to pass.
#[derive(Clone)]
pub(super) struct Predicted {
    pub(super) flow: WrittenFlow,
    pub(super) passes: bool,
}

/// Connections that together see everything that policies tell apart.
#[derive(Default)]
pub(super) struct Cover {
    pub(super) tries: Vec<Predicted>,
    /// Flows of which the engine says that it does not know.
    pub(super) not_known: usize,
    /// Two classes that policies tell apart from all others, in a family.
    pub(super) pairs: usize,
}

/// What is predicted of one flow; nothing where it is not known.
pub(super) fn predicted(read: &Read, flow: &WrittenFlow) -> Option<bool> {
    let judgement = judge(&read.snapshot, &read.rules, &ours_of(&read.snapshot, flow)?);
    let bound = [&judgement.egress, &judgement.ingress].iter().any(|it| !it.conditions.is_empty());
    match judgement.verdict {
        Verdict::Allowed if !bound => Some(true),
        Verdict::Denied => Some(false),
        _ => None,
    }
}

/// The object that a pod is written as.
pub(super) fn pod<'c>(cluster: &'c [Value], end: &WrittenEnd) -> Option<&'c Value> {
    let WrittenEnd::Pod(namespace, name) = end else { return None };
    cluster.iter().find(|object| {
        let metadata = &object["metadata"];
        object["kind"] == "Pod"
            && metadata["namespace"] == **namespace
            && metadata["name"] == **name
    })
}

/// The node whose network an end is on: a node's own, and that of pods which share it.
pub(super) fn on_node<'c>(cluster: &'c [Value], end: &'c WrittenEnd) -> Option<&'c str> {
    if let WrittenEnd::Node(name) = end {
        return Some(name);
    }
    let pod = pod(cluster, end).filter(|pod| pod["spec"]["hostNetwork"] == true)?;
    pod["spec"]["nodeName"].as_str()
}

/// Whether one end is on the network of the node that the other, a pod with a network of its own, runs on.
pub(super) fn is_own_node(cluster: &[Value], node: &WrittenEnd, of: &WrittenEnd) -> bool {
    let pod = pod(cluster, of).filter(|pod| pod["spec"]["hostNetwork"] != true);
    let runs_on = pod.and_then(|pod| pod["spec"]["nodeName"].as_str());
    runs_on.is_some() && runs_on == on_node(cluster, node)
}

/// Two classes, a family, and whether policies let the way between their ends be.
type Key = (u32, u32, Family, [bool; 2]);

/// The cover of a cluster; who stands for a class, and which port for a range, is a matter of chance.
///
/// # Panics
/// If both engines do not agree on what they predict.
pub(super) fn cover(cluster: &[Value], read: &Read, r: &mut Random) -> Cover {
    let (snapshot, rules) = (&read.snapshot, &read.rules);
    let whole = Connectivity::narrowed(snapshot, rules, Narrow::default(), Effort::default());
    let (connectivity, _) = whole.expect("a small cluster");
    let mut groups: BTreeMap<Key, Vec<(WrittenEnd, WrittenEnd)>> = BTreeMap::new();
    let ends = written_ends(cluster);
    for from in &ends {
        for to in ends.iter().filter(|to| *to != from && (from.is_pod() || to.is_pod())) {
            for family in Family::ALL {
                let fits = |end: &WrittenEnd| end.family().is_none_or(|it| it == family);
                let class = |end: &WrittenEnd| connectivity.class(end_in(read, end)?);
                let (Some(a), Some(b), true) = (class(from), class(to), fits(from) && fits(to))
                else {
                    continue;
                };
                let own = [is_own_node(cluster, from, to), is_own_node(cluster, to, from)];
                groups.entry((a, b, family, own)).or_default().push((from.clone(), to.clone()));
            }
        }
    }
    let mut cover = Cover { pairs: groups.len(), ..Cover::default() };
    for ((_, _, family, _), pairs) in groups {
        let (from, to) = r.pick(&pairs).clone();
        let (Some(source), Some(destination)) = (end_in(read, &from), end_in(read, &to)) else {
            continue;
        };
        let reach = connectivity.allowed(source, destination, family);
        for port in ports_told_apart(&reach, r) {
            let flow = WrittenFlow { from: from.clone(), to: to.clone(), port, family };
            let Some(passes) = predicted(read, &flow) else {
                cover.not_known += 1;
                continue;
            };
            let all = if passes { &reach.unconditional } else { &reach.possible };
            assert_eq!(all.contains(port), passes, "the engines differ: {flow:?}");
            cover.tries.push(Predicted { flow, passes });
        }
    }
    cover
}

fn end_in(read: &Read, end: &WrittenEnd) -> Option<End> {
    let port = Port { protocol: Protocol::Tcp, number: 1 };
    let (from, to, family) = (end.clone(), end.clone(), Family::V4);
    match ours_of(&read.snapshot, &WrittenFlow { from, to, port, family })?.source {
        Endpoint::Pod(id) => Some(End::Pod(id)),
        Endpoint::Node(index) => Some(End::Node(index)),
        Endpoint::Address(ip) => Some(End::Address(ip)),
        _ => None,
    }
}

/// One port of each range that is judged alike, at one of its edges.
fn ports_told_apart(reach: &Reach, r: &mut Random) -> Vec<Port> {
    let mut all = Vec::new();
    for protocol in PROTOCOLS {
        let mut begins = BTreeSet::from([1]);
        for (of, range) in reach.unconditional.ranges().chain(reach.possible.ranges()) {
            if of == protocol {
                begins.insert(range.first);
                begins.extend(range.last.checked_add(1));
            }
        }
        let begins: Vec<u16> = begins.into_iter().collect();
        for (i, first) in begins.iter().enumerate() {
            let last = begins.get(i + 1).map_or(u16::MAX, |next| next - 1);
            all.push(Port { protocol, number: *r.pick(&[*first, last]) });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::objects;
    use super::*;
    use crate::oracles::read;
    use netpol::cluster::PortRange;
    use netpol::policy::Enforcer;
    use netpol::reach::PortSet;

    #[test]
    fn every_range_has_a_port_at_its_edge() {
        let allowed = PortSet::of([(Protocol::Tcp, PortRange { first: 80, last: 90 })]);
        let (certain, possible) = (allowed.clone(), allowed.clone());
        let reach = Reach { unconditional: allowed, certain, possible };
        for seed in 0..20 {
            let ports = ports_told_apart(&reach, &mut Random::new(seed));
            let told: Vec<String> = ports.iter().map(ToString::to_string).collect();
            let [below, within, above, udp] = &ports[..] else { panic!("{told:?}") };
            assert!([1, 79].contains(&below.number), "{told:?}");
            assert!([80, 90].contains(&within.number), "{told:?}");
            assert!([91, u16::MAX].contains(&above.number), "{told:?}");
            assert_eq!(udp.protocol, Protocol::Udp, "{told:?}");
        }
    }

    #[test]
    fn a_cover_is_the_same_for_the_same_seed_and_sees_both_verdicts() {
        let (mut passing, mut denied) = (0, 0);
        for seed in 1..40 {
            for administrators in [false, true] {
                let Some(cluster) = objects::cluster(seed, administrators) else { continue };
                let cluster = cluster.stored;
                let read = read(&cluster, &Enforcer::Kubernetes);
                let of = |seed| cover(&cluster, &read, &mut Random::new(seed));
                let (one, same) = (of(seed), of(seed));
                let flows = |it: &Cover| -> Vec<WrittenFlow> {
                    it.tries.iter().map(|it| it.flow.clone()).collect()
                };
                assert_eq!(flows(&one), flows(&same));
                assert!(one.pairs > 0);
                passing += one.tries.iter().filter(|it| it.passes).count();
                denied += one.tries.iter().filter(|it| !it.passes).count();
            }
        }
        assert!(passing > 100 && denied > 100, "{passing} {denied}");
    }
}
