//! Whether it shows without a formula that nothing passes between two ends.
//!
//! In: two ends, of which at least one is any pod of a namespace, and ports. Out: whether the policies at both
//! ends close whatever there may be between them. What the policies of a namespace let through in a direction is
//! gathered once for all questions; then nothing passes where there are no two rules, one at each end, that may
//! be of one flow. Where anything but isolation and rules that allow has a say, nothing is told.

use super::flows::Who;
use super::homes::{Home, Side};
use super::labels::may_agree;
use crate::cluster::{Name, Pod, PortRange, Protocol, Truth};
use crate::policy::rule::{
    Action, Direction, Entry, Namespaces, PeerKind, Peers, PodSet, PortMatch, PortRule, Ports,
};
use crate::policy::{Enforcement, NODE_LOCAL_DNS};
use crate::reach::PortSet;
use crate::verdict::Endpoint;
use foldhash::{HashMap, HashMapExt as _};
use std::rc::Rc;

/// One end.
#[derive(Clone, Copy)]
pub(super) struct Either<'e, 'a> {
    pub(super) who: &'e Who<'a>,
    /// A pod that is not written is in one of these.
    pub(super) of: &'e [PodSet],
}

/// A rule that lets something through, with whom its policy selects.
#[derive(Clone, Copy)]
struct Lets<'a> {
    subject: &'a PodSet,
    entry: &'a Entry,
}

/// What the policies of a namespace say in a direction.
struct Gate<'a> {
    /// Whom policies isolate.
    isolated: Vec<&'a PodSet>,
    /// All that rules let through.
    lets: Vec<Lets<'a>>,
}

/// The gates of every namespace that was asked about; none where more than isolation and allowing has a say.
pub(super) struct Gates<'a> {
    side: Side<'a>,
    known: HashMap<(Name, Direction), Option<Rc<Gate<'a>>>>,
}

impl<'a> Gates<'a> {
    pub(super) fn new(side: Side<'a>) -> Self {
        Self { side, known: HashMap::new() }
    }

    /// Whether nothing passes between two ends at these ports; not that it does where this is false.
    pub(super) fn are_closed(&mut self, ends: [Either<'_, 'a>; 2], ports: &PortSet) -> bool {
        let [out, into] = [Direction::Egress, Direction::Ingress]
            .map(|direction| self.lets(direction, ends, ports));
        match (out, into) {
            (Some(all), None) | (None, Some(all)) => all.is_empty(),
            (Some(out), Some(into)) => {
                let meet = |one: &Lets<'_>| into.iter().any(|two| self.meet(ends, one, two, ports));
                !out.iter().any(meet)
            }
            (None, None) => false,
        }
    }

    /// The rules that may let something through in a direction; nothing where whatever may pass.
    fn lets(
        &mut self,
        direction: Direction,
        ends: [Either<'_, 'a>; 2],
        ports: &PortSet,
    ) -> Option<Vec<Lets<'a>>> {
        let role = super::flows::subject(direction);
        let (subject, peer) = (ends[role], ends[1 - role]);
        let side = self.side;
        let pod = side.subject(subject.who);
        let namespace = match subject.who {
            Who::Unwritten(_, name) => name,
            Who::One(_) => &pod?.namespace,
        };
        if Side::may_be_own_node(peer.who) {
            return None;
        }
        let gate = self.gate(namespace, direction)?;
        let isolates = |set: &&PodSet| {
            if let Some(pod) = pod {
                return set.has(pod, side.snapshot.namespace(&pod.namespace)) == Truth::Yes;
            }
            let there = match &set.namespaces {
                Namespaces::Own(own) => own == namespace,
                Namespaces::Matching(selector) => selector.is_everything(),
            };
            there && set.doubt.is_none() && set.pods.is_everything()
        };
        if !gate.isolated.iter().any(isolates) {
            return None;
        }
        let lets = |rule: &&Lets<'a>| {
            let Lets { subject: set, entry } = rule;
            side.may_be_in(set, subject)
                && entry.only.as_ref().is_none_or(|only| side.may_mean(only, subject))
                && side.peers_of(entry, peer).next().is_some()
                && may_be_at(&entry.ports, ports)
        };
        Some(gate.lets.iter().filter(lets).copied().collect())
    }

    /// The policies of a namespace in a direction.
    fn gate(&mut self, namespace: &Name, direction: Direction) -> Option<Rc<Gate<'a>>> {
        let key = (namespace.clone(), direction);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let gate = self.side.gate(namespace, direction).map(Rc::new);
        self.known.insert(key, gate.clone());
        gate
    }

    /// Whether rules at both ends may let one flow through: what they ask of a pod that is not written does not
    /// contradict itself, and they have a port in common.
    fn meet(
        &self,
        ends: [Either<'_, 'a>; 2],
        out: &Lets<'a>,
        into: &Lets<'a>,
        ports: &PortSet,
    ) -> bool {
        let agree = |end: Either<'_, 'a>, peers: &'a Entry, subject: &PodSet| {
            let known = matches!(end.who, Who::One(_));
            known
                || self.side.peers_of(peers, end).any(|kind| match kind {
                    Some(PeerKind::Pods(set)) => {
                        may_agree(&set.pods.requirements, &subject.pods.requirements)
                    }
                    _ => true,
                })
        };
        agree(ends[0], into.entry, out.subject)
            && agree(ends[1], out.entry, into.subject)
            && may_share(&out.entry.ports, &into.entry.ports, ports)
    }
}

impl<'a> Side<'a> {
    fn gate(&self, namespace: &Name, direction: Direction) -> Option<Gate<'a>> {
        let Side { rules, .. } = *self;
        let enforcement = rules.cilium().map(|cilium| cilium.enforcement).unwrap_or_default();
        if enforcement != Enforcement::Default
            || rules.is_unread(namespace)
            || rules.cluster_wide_unread()
        {
            return None;
        }
        let mut gate = Gate { isolated: Vec::new(), lets: Vec::new() };
        for (_, policy) in rules.candidates(namespace, direction) {
            if policy.tier.is_ordered() || policy.not_judged().is_some() {
                return None;
            }
            gate.isolated.extend(policy.isolates.then_some(&policy.subject));
            let lets = policy.entries.iter().filter(|entry| entry.action != Action::Deny);
            gate.lets.extend(lets.map(|entry| Lets { subject: &policy.subject, entry }));
        }
        Some(gate)
    }

    /// The pod that an end is, if it is one that policies can select.
    fn subject(&self, who: &Who<'_>) -> Option<&'a Pod> {
        let Who::One(all) = who else { return None };
        let [both] = &**all else { return None };
        let pod = both[0].pod().map(|id| self.snapshot.pod(id));
        pod.filter(|pod| !pod.host_network)
    }

    /// Whether an end may be an address that each pod's own node has, to which other rules apply.
    ///
    /// Source: docs/semantics/cilium-networkpolicy.md#nodelocal-dns.
    fn may_be_own_node(who: &Who<'_>) -> bool {
        let Who::One(all) = who else { return false };
        all.iter().any(|both| both[0] == Endpoint::Address(NODE_LOCAL_DNS))
    }

    /// Whether an end may be in a set.
    fn may_be_in(&self, set: &PodSet, end: Either<'_, 'a>) -> bool {
        match end.who {
            Who::Unwritten(home, name) => {
                let asked = &set.pods.requirements;
                let agrees = |of: &PodSet| may_agree(asked, &of.pods.requirements);
                self.may_have(set, home, name)
                    && (asked.is_empty() || end.of.is_empty() || end.of.iter().any(agrees))
            }
            Who::One(all) => all.iter().any(|both| match &both[0] {
                Endpoint::Pod(id) => {
                    let pod = self.snapshot.pod(*id);
                    !set.has(pod, self.snapshot.namespace(&pod.namespace)).is_no()
                }
                // Pods are no addresses outside; what else it is may be anything.
                Endpoint::Address(_) => false,
                _ => true,
            }),
        }
    }

    /// Whether a set may have pods of a namespace.
    fn may_have(&self, set: &PodSet, home: &Home, name: &Name) -> bool {
        match &set.namespaces {
            Namespaces::Own(own) => own == name,
            Namespaces::Matching(selector) => match self.snapshot.namespace(name) {
                Some(known) if home.written && !known.labels_unread => {
                    !known.matches(selector).is_no()
                }
                _ => true,
            },
        }
    }

    /// Whether a peer may mean an end.
    fn may_mean(&self, kind: &PeerKind, end: Either<'_, 'a>) -> bool {
        match kind {
            PeerKind::Pods(set) => self.may_be_in(set, end),
            _ => true,
        }
    }

    /// The peers of a rule that may mean an end; of one that means everyone, nothing in particular.
    fn peers_of<'e>(
        &'e self,
        entry: &'a Entry,
        end: Either<'e, 'a>,
    ) -> impl Iterator<Item = Option<&'a PeerKind>> {
        let (any, items) = match &entry.peers {
            Peers::Any => (true, &[][..]),
            Peers::Of(items) => (false, items.as_slice()),
        };
        let some = items.iter().map(|item| &item.admits);
        let some = some.filter(move |kind| self.may_mean(kind, end)).map(Some);
        any.then_some(None).into_iter().chain(some)
    }
}

/// Whether a rule may be about one of some ports.
fn may_be_at(own: &Ports, wanted: &PortSet) -> bool {
    let Ports::Of(items) = own else { return true };
    items.iter().any(|item| meets(item.protocol, range(item), wanted))
}

/// Whether two rules may be about one port of some.
fn may_share(one: &Ports, two: &Ports, wanted: &PortSet) -> bool {
    let (Ports::Of(one), Ports::Of(two)) = (one, two) else { return true };
    one.iter().any(|item| {
        two.iter().filter(|other| other.protocol == item.protocol).any(|other| {
            let (a, b) = (range(item), range(other));
            let both = PortRange { first: a.first.max(b.first), last: a.last.min(b.last) };
            both.first <= both.last && meets(item.protocol, both, wanted)
        })
    })
}

/// The numbers that an item may be about: by a name it may be any.
fn range(item: &PortRule) -> PortRange {
    match &item.ports {
        PortMatch::All | PortMatch::Named(_) => PortRange { first: 1, last: u16::MAX },
        PortMatch::Range(range) => *range,
    }
}

fn meets(protocol: Protocol, range: PortRange, wanted: &PortSet) -> bool {
    let has = |(of, own): (Protocol, PortRange)| {
        of == protocol && own.first <= range.last && range.first <= own.last
    };
    protocol.has_ports() && wanted.ranges().any(has)
}
