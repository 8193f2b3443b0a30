//! Flows that the rules which let others pass do not tell of: between nodes and pods that may be their own, and
//! between addresses outside.
//!
//! In: a test and its known ends. Out: what becomes of them.

use super::asks::Test;
use super::judged::{Holds, Judged, Witness};
use super::known::Known;
use super::prove::Tester;
use super::questions::{Flows, Set};
use crate::cluster::{Family, Port, is_of_internet};
use crate::ends::{End, INTERNET};
use crate::unwritten::{WitnessEnd, WitnessFlow};
use crate::verdict::{Flow, Passage, judge};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

impl Tester<'_> {
    /// The node that an end is, or is on.
    pub(super) fn node_of(&self, end: End) -> Option<&str> {
        match end {
            End::Pod(id) => self.snapshot.pod(id).node.as_deref(),
            End::Node(at) => self.snapshot.nodes.get(at).map(|node| &*node.name),
            End::Address(_) => None,
        }
    }

    /// Whether an end is a node, or a pod on its network.
    pub(super) fn is_on_node(&self, end: End) -> bool {
        match end {
            End::Pod(id) => self.snapshot.pod(id).host_network,
            End::Node(_) => true,
            End::Address(_) => false,
        }
    }

    /// What becomes of flows between nodes, pods on their networks among them, and pods that are on the same node,
    /// or may be: what rules let pass does not tell.
    ///
    /// Who is anyone is not asked about: a node always reaches its own pods, and whether these reach it is not
    /// defined, whatever is written.
    /// Source: docs/semantics/kubernetes.md#own-node-to-pod and docs/semantics/kubernetes.md#pod-to-own-node.
    pub(super) fn on_own_nodes(&self, test: &Test, flows: &Flows, known: [&Known; 2]) -> Judged {
        let mut judged = Judged::proved();
        let Some(port) = flows.ports.lowest() else { return judged };
        let sets = [&flows.from, &flows.to];
        let sure = |ends: [End; 2]| known[0].is_sure(ends[0]) && known[1].is_sure(ends[1]);
        if let Some(flow) = self.outside(sets, known, port) {
            let holds = self.confirms(&flow, false, test.on_condition);
            let holds = if holds { Holds::Broken } else { Holds::NotKnown };
            return Judged::with(holds, Witness::Flow(Box::new(flow), false));
        }
        for role in [0, 1] {
            let nodes = self.nodes(sets[role], known[role]);
            let pods = if nodes.is_empty() {
                Vec::new()
            } else {
                self.pods(sets[1 - role], known[1 - role])
            };
            let mut seen = BTreeSet::new();
            for node in nodes {
                for pod in &pods {
                    let both = [self.node_of(node), self.node_of(*pod)];
                    let is_known = both.iter().all(Option::is_some);
                    if is_known && both[0] != both[1] {
                        continue;
                    }
                    let ends = if role == 0 { [node, *pod] } else { [*pod, node] };
                    // Which node it is makes no difference but that.
                    let alike =
                        (ends.map(|end| self.connectivity.class(end)), is_known, sure(ends));
                    if !seen.insert(alike) {
                        continue;
                    }
                    let [a, b] = ends.map(|end| self.families(end));
                    let Some(at) = (0..2).find(|at| a[*at] && b[*at]) else { continue };
                    let flow = Witness::flow(ends, port, Family::ALL[at]);
                    let holds = if sure(ends) && self.confirms(&flow, false, test.on_condition) {
                        Holds::Broken
                    } else if self.may_pass(&flow) {
                        Holds::NotKnown
                    } else {
                        continue;
                    };
                    judged = judged.and(Judged::with(holds, Witness::Flow(Box::new(flow), false)));
                    if holds == Holds::Broken {
                        return judged;
                    }
                }
            }
        }
        judged
    }

    /// A flow between two addresses outside, of which no policy tells and no list.
    fn outside(&self, sets: [&Set; 2], known: [&Known; 2], port: Port) -> Option<WitnessFlow> {
        let [from, to] = [0, 1].map(|role| -> Vec<End> {
            let outside = named(sets[role]).filter(|end| matches!(end, End::Address(_)));
            outside.filter(|end| known[role].has(*end)).collect()
        });
        // Of the internet one address stands for others.
        let internet = |set: &Set| set.parts.iter().any(|part| part.words == INTERNET);
        let next = to.iter().filter_map(|end| next(*end)).filter(|_| internet(sets[1]));
        let to: Vec<End> = to.iter().copied().chain(next).collect();
        let both = from.iter().flat_map(|a| to.iter().map(move |b| [*a, *b]));
        let mut flows = both.filter(|[a, b]| a != b).filter_map(|ends| {
            let [a, b] = ends.map(|end| self.families(end));
            let at = (0..2).find(|at| a[*at] && b[*at])?;
            Some(Witness::flow(ends, port, Family::ALL[at]))
        });
        flows.find(|flow| self.may_pass(flow))
    }

    /// In which families an end has an address.
    fn families(&self, end: End) -> [bool; 2] {
        let class = self.connectivity.class(end);
        Family::ALL.map(|family| match end {
            End::Address(ip) => Family::of(ip) == family,
            _ => class.is_some_and(|class| self.connectivity.has(class, family)),
        })
    }

    /// Of the nodes of a set, and the pods on their networks, one of each class on each node; not of anyone.
    fn nodes(&self, set: &Set, known: &Known) -> Vec<End> {
        self.each(named(set).filter(|end| self.is_on_node(*end)), known)
    }

    /// The same of pods that policies can select.
    fn pods(&self, set: &Set, known: &Known) -> Vec<End> {
        let all = set.parts.iter().flat_map(|part| part.pods.iter().map(|id| End::Pod(*id)));
        self.each(all.filter(|end| !self.is_on_node(*end)), known)
    }

    fn each(&self, ends: impl Iterator<Item = End>, of: &Known) -> Vec<End> {
        let mut seen = BTreeSet::new();
        let mut all: Vec<End> = ends.filter(|end| of.has(*end)).collect();
        all.retain(|end| seen.insert((self.connectivity.class(*end), self.node_of(*end))));
        all
    }

    /// Whether a flow between known ends is not known to be denied.
    fn may_pass(&self, flow: &WitnessFlow) -> bool {
        let [WitnessEnd::Known(source), WitnessEnd::Known(destination)] = &flow.ends else {
            return true;
        };
        let (source, destination) = (source.clone(), destination.clone());
        let (port, family) = (flow.port, flow.family);
        let one = Flow { source, destination, port, family, through_service: false };
        judge(self.snapshot, self.rules, &one).passage() != Passage::Denied
    }
}

/// The next address of the internet.
fn next(end: End) -> Option<End> {
    let ip: IpAddr = match end {
        End::Address(IpAddr::V4(ip)) => Ipv4Addr::from_bits(ip.to_bits().checked_add(1)?).into(),
        End::Address(IpAddr::V6(ip)) => Ipv6Addr::from_bits(ip.to_bits().checked_add(1)?).into(),
        End::Pod(_) | End::Node(_) => return None,
    };
    is_of_internet(&ip.into()).then_some(End::Address(ip))
}

/// The known ends of a set, but for those of anyone.
fn named(set: &Set) -> impl Iterator<Item = End> {
    let parts = set.parts.iter().filter(|part| !part.whole || part.sets.is_empty());
    parts.flat_map(|part| {
        let pods = part.pods.iter().map(|id| End::Pod(*id));
        pods.chain(part.others.iter().filter_map(|end| end.end().ok()))
    })
}
