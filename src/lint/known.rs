//! Rules beside what is known: pods with their ports, Services, namespaces.
//!
//! In: a snapshot and its rules. Out: names and numbers of ports that no selected pod has, selectors that
//! mean other pods than they seem to, labels that no namespace has, pods that no policy can hold. Nothing is
//! said where others may be meant too: where labels are not known, or a peer is no set of pods.

use super::found::{AllFound, Place};
use super::pods::{Members, Pods, named};
use crate::cluster::{
    NAMESPACE_NAME_LABEL, Name, ObjectRef, Operator, Pod, Port, Protocol, Requirement, Selector,
    Service, Snapshot, Truth,
};
use crate::ends::names;
use crate::lints::Lint;
use crate::policy::Ruleset;
use crate::policy::rule::{
    Action, Direction, Entry, Namespaces, Peer, PeerKind, Peers, PodSet, Policy, PortMatch,
    PortRule, Ports,
};
use crate::prose::list;
use crate::verdict::MESH;
use foldhash::{HashSet, HashSetExt as _};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// More are counted only.
const MOST_NAMED: usize = 3;

/// Labels that people give to namespaces for their names.
const SAY_NAMES: &[&str] = &["name", "namespace", "ns", "kubernetes.io/name"];

/// Tells of every rule.
pub(super) fn known(snapshot: &Snapshot, rules: &Ruleset, pods: &Pods<'_>, found: &mut AllFound) {
    let search = Search { snapshot, pods };
    // Both directions of an object, and what a selector was taken apart into, say the same of it.
    let mut seen = HashSet::new();
    for policy in rules.policies() {
        if !policy.is_judged() {
            continue;
        }
        if seen.insert((&policy.object, &policy.subject)) {
            search.subject(policy, found);
        }
        for entry in &policy.entries {
            if let Peers::Of(items) = &entry.peers {
                for item in items {
                    if let PeerKind::Pods(set) = &item.admits {
                        search.peer(policy, item, set, found);
                    }
                }
                search.split(policy, items, found);
            }
            if entry.action == Action::Allow {
                search.ports(policy, entry, found);
            }
        }
    }
}

struct Search<'a> {
    snapshot: &'a Snapshot,
    pods: &'a Pods<'a>,
}

impl Search<'_> {
    fn subject(&self, policy: &Policy, found: &mut AllFound) {
        let members = self.pods.of(&policy.subject);
        let path = subject_path(policy);
        if self.on_nodes_only(&policy.subject, &members) {
            let message = format!(
                "selects, of the pods that are known, {} only, on the networks of their nodes: no policy holds \
                 them there",
                self.names(&members)
            );
            found.add(Lint::HostNetwork, policy, &path, message);
        } else if self.is_nobody(&members) && !policy.subject.pods.is_everything() {
            let message = format!("no pod that is known has {}", policy.subject.pods);
            found.add(Lint::NoKnownPod, policy, &path, message);
        }
    }

    fn peer(&self, policy: &Policy, item: &Peer, set: &PodSet, found: &mut AllFound) {
        let members = self.pods.of(set);
        if self.on_nodes_only(set, &members) {
            let message = format!(
                "means, of the pods that are known, {} only, on the networks of their nodes: no selector means \
                 them there",
                self.names(&members)
            );
            found.add(Lint::HostNetwork, policy, &item.path, message);
        } else if self.is_nobody(&members) && !set.pods.is_everything() {
            let message = format!("no pod that is known there has {}", set.pods);
            found.add(Lint::NoKnownPod, policy, &item.path, message);
        }
        if let Namespaces::Matching(selector) = &set.namespaces {
            self.namespace_labels(policy, item, selector, found);
        }
    }

    /// Whether all that a set selects by its labels is on the networks of nodes.
    fn on_nodes_only(&self, set: &PodSet, members: &Members) -> bool {
        let sure = !members.unsure && (self.snapshot.gaps.is_empty() || !set.pods.is_everything());
        sure && members.pods.is_empty() && !members.on_nodes.is_empty()
    }

    /// Whether there are pods, all of them known, and none is meant.
    fn is_nobody(&self, members: &Members) -> bool {
        let none = members.pods.is_empty() && members.on_nodes.is_empty();
        none && !members.unsure && members.any_there && self.snapshot.gaps.is_empty()
    }

    fn names(&self, members: &Members) -> String {
        let all: BTreeSet<String> = members
            .on_nodes
            .iter()
            .map(|id| names::workload(self.snapshot, self.pods.pod(*id)).to_string())
            .collect();
        let mut words: Vec<String> = all.iter().take(MOST_NAMED).cloned().collect();
        if all.len() > MOST_NAMED {
            words.push(format!("{} more", all.len() - MOST_NAMED));
        }
        list(&words, "and")
    }

    /// Whether some namespace is one of these.
    fn matched(&self, selector: &Selector) -> Truth {
        let real = self.snapshot.namespaces().filter(|it| !it.supposed);
        Truth::any(real.map(|namespace| namespace.matches(selector)))
    }

    /// A label that is asked of namespaces, which the namespace of that name does not have.
    fn namespace_labels(
        &self,
        policy: &Policy,
        item: &Peer,
        selector: &Selector,
        found: &mut AllFound,
    ) {
        for requirement in &selector.requirements {
            let Operator::In(values) = &requirement.operator else { continue };
            if *requirement.key == *NAMESPACE_NAME_LABEL {
                continue;
            }
            let wanted = |value: &&Name| {
                self.snapshot.namespace(value).is_some_and(|it| {
                    !it.labels_unread && it.labels.get(&requirement.key).is_none()
                })
            };
            if let Some(name) = values.iter().find(wanted) {
                // Whether a namespace that is not written has a label is not known, but for one that says
                // its name.
                let says_name = SAY_NAMES.contains(&&*requirement.key);
                let matched = self.matched(selector);
                if matched.is_yes() || !(matched.is_no() || says_name) {
                    continue;
                }
                let path = requirement.path().unwrap_or_else(|| item.path.to_string());
                let message = format!(
                    "namespace {name} has no label {}, and no namespace that is known matches: \
                     {NAMESPACE_NAME_LABEL} is the label that each has by its name",
                    requirement.key
                );
                found.add(Lint::NamespaceLabel, policy, &path, message);
            }
        }
    }

    /// A namespaceSelector and a podSelector in two peers, of which the second means nobody where it
    /// stands.
    fn split(&self, policy: &Policy, items: &[Peer], found: &mut AllFound) {
        for pair in items.windows(2) {
            let [first, second] = pair else { continue };
            let (PeerKind::Pods(spaces), PeerKind::Pods(pods)) = (&first.admits, &second.admits)
            else {
                continue;
            };
            let (Namespaces::Matching(selector), Namespaces::Own(own)) =
                (&spaces.namespaces, &pods.namespaces)
            else {
                continue;
            };
            if !spaces.pods.is_everything() || pods.pods.is_everything() {
                continue;
            }
            let both = PodSet::new(Namespaces::Matching(selector.clone()), pods.pods.clone());
            let (here, there) = (self.pods.of(pods), self.pods.of(&both));
            let nobody = here.pods.is_empty() && here.on_nodes.is_empty() && !here.unsure;
            if !nobody || there.pods.is_empty() {
                continue;
            }
            let whose = match named(selector) {
                Some([name]) => format!("every pod of {name}"),
                _ => format!("every pod of namespaces[{selector}]"),
            };
            let message = format!(
                "means pods[{}] of {own}, of which there are none, and the peer before it means {whose}: \
                 both selectors in one peer mean such pods there",
                pods.pods
            );
            let others = vec![Place::of(policy, &first.path)];
            found.add_with(Lint::SplitPeer, policy, &second.path, message, others);
        }
    }

    /// Whom a rule means as destinations, where all of them are known pods.
    fn destinations(&self, policy: &Policy, entry: &Entry) -> Option<Vec<usize>> {
        let sets: Vec<&PodSet> = match policy.direction {
            Direction::Ingress if entry.only.is_none() => vec![&policy.subject],
            Direction::Ingress => return None,
            Direction::Egress => {
                let Peers::Of(items) = &entry.peers else { return None };
                let sets = items.iter().map(|item| match &item.admits {
                    PeerKind::Pods(set) => Some(set),
                    _ => None,
                });
                sets.collect::<Option<_>>()?
            }
        };
        let mut all = Vec::new();
        for set in sets {
            let members = self.pods.of(set);
            if members.unsure {
                return None;
            }
            all.extend_from_slice(&members.pods);
        }
        all.sort_unstable();
        all.dedup();
        (!all.is_empty()).then_some(all)
    }

    fn ports(&self, policy: &Policy, entry: &Entry, found: &mut AllFound) {
        let Ports::Of(items) = &entry.ports else { return };
        let named = |item: &PortRule| matches!(item.ports, PortMatch::Named(_));
        let one = |item: &PortRule| matches!(item.ports, PortMatch::Range(r) if r.first == r.last);
        if !items.iter().any(|item| named(item) || one(item)) {
            return;
        }
        let Some(ids) = self.destinations(policy, entry) else { return };
        let pods: Vec<&Pod> = ids.iter().map(|id| self.pods.pod(*id)).collect();
        for item in items.iter().filter(|item| item.except.is_empty()) {
            match &item.ports {
                PortMatch::Named(name) => port_name(policy, item, name, &pods, found),
                PortMatch::Range(range) if range.first == range.last => {
                    let port = Port { protocol: item.protocol, number: range.first };
                    self.service_port(policy, (entry, item), port, &pods, found);
                }
                PortMatch::All | PortMatch::Range(_) => {}
            }
        }
    }

    /// A number that no selected pod declares, and what it is of a Service of theirs, if one translates it.
    fn service_port(
        &self,
        policy: &Policy,
        (entry, item): (&Entry, &PortRule),
        port: Port,
        pods: &[&Pod],
        found: &mut AllFound,
    ) {
        let mut by: Option<(&Service, usize, BTreeSet<u16>)> = None;
        for pod in pods {
            let declares = pod.ports.iter().any(|declared| declared.port == port);
            if pod.ports.is_empty() || declares {
                return;
            }
            let services = self.snapshot.services.within(&pod.namespace);
            for (_, service) in services.filter(|(_, it)| it.selects(&pod.labels)) {
                if service.ports.iter().any(|it| it.leads_to(pod, port)) {
                    return;
                }
                let translates = service.ports.iter().position(|it| it.port == port);
                if let (Some(at), false) = (translates, service.headless) {
                    let numbers = pod.ports.iter().map(|declared| declared.port);
                    let to = numbers.filter(|to| service.ports[at].leads_to(pod, *to));
                    let all = &mut by.get_or_insert((service, at, BTreeSet::new())).2;
                    all.extend(to.map(|to| to.number));
                }
            }
        }
        let Some((service, at, numbers)) = by.filter(|(_, _, numbers)| !numbers.is_empty()) else {
            not_declared(policy, (entry, item), port, pods, found);
            return;
        };
        let object =
            ObjectRef::namespaced("Service", service.namespace.clone(), service.name.clone());
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        let message = format!(
            "{port} is the port of {object}, which leads to {} of its pods: policies judge the port of the \
             pod",
            list(&numbers, "or")
        );
        let path = format!("spec.ports[{at}]");
        let others = vec![Place { object, origin: service.origin.clone(), path }];
        found.add_with(Lint::ServicePort, policy, &item.port_path(), message, others);
    }
}

/// A number that none of the selected pods declares, all of which declare ports, and to which no Service leads.
///
/// A pod may listen at any port all the same, so it is no more than a note; and where another port of the rule is
/// declared, this one is probably that of pods which the rule means besides.
fn not_declared(
    policy: &Policy,
    (entry, item): (&Entry, &PortRule),
    port: Port,
    pods: &[&Pod],
    found: &mut AllFound,
) {
    let declared = || pods.iter().flat_map(|pod| &*pod.ports);
    let others = match &entry.ports {
        Ports::Of(items) => items.as_slice(),
        Ports::Any => &[],
    };
    let speaks = |other: &PortRule| {
        declared().any(|it| {
            other.protocol == it.port.protocol
                && match &other.ports {
                    PortMatch::All => true,
                    PortMatch::Range(range) => range.contains(it.port.number),
                    PortMatch::Named(name) => it.name.as_deref() == Some(&**name),
                }
        })
    };
    // The mesh listens for the pods that it takes in.
    if port == MESH || others.iter().any(speaks) {
        return;
    }
    let declared: BTreeSet<Port> = declared().map(|it| it.port).collect();
    let mut words: Vec<String> =
        declared.iter().take(MOST_NAMED).map(ToString::to_string).collect();
    if declared.len() > MOST_NAMED {
        words.push(format!("{} more", declared.len() - MOST_NAMED));
    }
    let message = format!(
        "no selected pod declares {port}: they declare {}; that is no proof that none listens there",
        list(&words, "and")
    );
    found.add(Lint::PortNumber, policy, &item.port_path(), message);
}

/// A name that none of the selected pods has for a port of this protocol.
fn port_name(policy: &Policy, item: &PortRule, name: &str, pods: &[&Pod], found: &mut AllFound) {
    let has = |pod: &&&Pod, protocol| pod.named_ports(name, protocol).next().is_some();
    if pods.iter().any(|pod| has(&pod, item.protocol)) {
        return;
    }
    let other = Protocol::ALL.into_iter().find(|it| pods.iter().any(|pod| has(&pod, *it)));
    let mut message = format!("no selected pod calls a port {name}/{}", item.protocol);
    let called: BTreeSet<String> = pods
        .iter()
        .flat_map(|pod| &*pod.ports)
        .filter_map(|declared| {
            Some(format!("{}/{}", declared.name.as_ref()?, declared.port.protocol))
        })
        .collect();
    if let Some(other) = other {
        let _ = write!(message, ": it is a port of {other}");
    } else if !called.is_empty() {
        let called: Vec<String> = called.into_iter().take(MOST_NAMED + 1).collect();
        let _ = write!(message, "; they have {}", list(&called, "and"));
    }
    found.add(Lint::PortName, policy, &item.port_path(), message);
}

/// The field that says for whom a policy speaks.
pub(super) fn subject_path(policy: &Policy) -> String {
    let path = policy.subject.pods.requirements.iter().find_map(Requirement::path);
    path.unwrap_or_else(|| "spec".to_owned())
}
