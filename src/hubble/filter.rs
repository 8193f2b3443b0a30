//! Which flows are wanted, as a type that becomes arguments of `hubble observe`.
//!
//! In: a [`Filter`] and a [`Window`]. Out: an argument list, and the same question asked of one flow.
//! Hubble's filters are coarser than what people name: it knows pods by the beginning of their name.
//! So a flow that Hubble sends is asked [`Filter::has`] once more.
//!
//! `hubble observe` refuses combinations such as `--namespace` with `--to-namespace`
//! (docs/semantics/hubble.md#filters-that-exclude-each-other). No value of these types becomes one:
//! `--namespace` stands only where neither end is named, and an end is of one kind.

use super::flow::{Event, Flow, Layer4, Party, Verdict};
use crate::cluster::{Name, Protocol};
use jiff::Timestamp;
use std::collections::VecDeque;
use std::net::IpAddr;

/// More values of one flag are not sent: every flow of that side is asked here instead.
const MOST_VALUES: usize = 64;

/// A pod's name begins with its workload's, of which no more than this is sure to be left.
const SURE_PREFIX: usize = 50;

/// The longest name of a pod that a controller makes up: the rest was cut off.
const LONGEST_MADE_UP: usize = 63;

/// Which flows are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// At least one end is in this namespace.
    pub namespace: Option<Name>,
    /// Who sent it.
    pub from: Option<EndFilter>,
    /// Who was to have it.
    pub to: Option<EndFilter>,
    /// The destination's port.
    pub to_port: Option<u16>,
    /// The protocol.
    pub protocol: Option<Protocol>,
    /// What became of it: one of these, or anything where there is none.
    pub verdicts: Vec<Verdict>,
    /// The events.
    pub events: Events,
}

/// Which events are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Events {
    /// What was decided: policy verdicts, drops and the L7 proxy's.
    #[default]
    Decisions,
    /// Packets on their way too.
    All,
}

/// One end of the wanted flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndFilter {
    /// Any pod of a namespace.
    Namespace(Name),
    /// Pods by name; one of them.
    Pods(Vec<Pods>),
    /// Addresses; one of them.
    Addresses(Vec<IpAddr>),
    /// A DNS name that was resolved to the address.
    Domain(Name),
}

/// Pods of a namespace by a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pods {
    /// Their namespace.
    pub namespace: Name,
    /// The name.
    pub name: Name,
    /// Whose name it is.
    pub of: PodsOf,
}

/// Whose name pods are wanted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodsOf {
    /// The pod's own.
    Pod,
    /// That of a workload of this kind.
    Workload(Name),
    /// The pod's own or a workload's, whatever its kind.
    Either,
    /// The beginning of the pod's own, as Hubble's filters take names.
    Prefix,
}

/// Which part of what Hubble keeps is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Not what was before.
    pub since: Option<Timestamp>,
    /// The last so many; through the relay, of each node.
    pub last: Option<u64>,
    /// And what comes from now on.
    pub follow: bool,
}

impl Window {
    fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        if self.follow {
            arguments.push("--follow".to_owned());
        }
        if let Some(since) = self.since {
            arguments.extend(["--since".to_owned(), since.to_string()]);
        }
        if let Some(last) = self.last {
            arguments.extend(["--last".to_owned(), last.to_string()]);
        }
        arguments
    }

    /// Whether a flow is not too old; one without a time may be.
    pub fn has(&self, flow: &Flow) -> bool {
        self.since.is_none_or(|since| flow.time.is_some_and(|time| time >= since))
    }

    /// Of the flows of a recording, the last only.
    pub fn keep_last(&self, kept: &mut VecDeque<Box<Flow>>, flow: Box<Flow>) {
        kept.push_back(flow);
        let most = usize::try_from(self.last.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        while kept.len() > most {
            kept.pop_front();
        }
    }
}

impl Filter {
    /// Whether flows are wanted of some ends, ports or verdicts only. Of a namespace all flows are.
    pub fn narrows(&self) -> bool {
        self.from.is_some()
            || self.to.is_some()
            || self.to_port.is_some()
            || self.protocol.is_some()
            || !self.verdicts.is_empty()
    }

    /// The arguments of `hubble observe` that ask for these flows, and perhaps for some more.
    pub fn arguments(&self, window: &Window) -> Vec<String> {
        let mut arguments = window.arguments();
        let mut add = |flag: &str, values: &mut dyn Iterator<Item = String>| {
            for value in values {
                arguments.extend([format!("--{flag}"), value]);
            }
        };
        let (mut from, mut to) = (self.from.as_ref(), self.to.as_ref());
        // Where one end is named, the namespace is the other's unless the named one is in it.
        let other = self.namespace.clone().map(EndFilter::Namespace);
        match (&self.namespace, from, to) {
            (Some(namespace), None, None) => {
                add("namespace", &mut std::iter::once(namespace.to_string()));
            }
            (Some(namespace), None, Some(end)) if end.is_outside(namespace) => {
                from = other.as_ref();
            }
            (Some(namespace), Some(end), None) if end.is_outside(namespace) => to = other.as_ref(),
            _ => {}
        }
        for (side, end) in [("from", from), ("to", to)] {
            let Some((what, values)) = end.map(EndFilter::values) else { continue };
            if values.len() <= MOST_VALUES {
                add(&format!("{side}-{what}"), &mut values.into_iter());
            }
        }
        add("to-port", &mut self.to_port.iter().map(ToString::to_string));
        let protocol = self.protocol.map(|protocol| protocol.as_str().to_ascii_lowercase());
        add("protocol", &mut protocol.into_iter());
        add("verdict", &mut self.verdicts.iter().map(|verdict| verdict.as_str().to_owned()));
        if self.events == Events::Decisions {
            let kinds = ["policy-verdict", "drop", "l7"];
            add("type", &mut kinds.into_iter().map(str::to_owned));
        }
        arguments
    }

    /// Whether a flow is wanted.
    pub fn has(&self, flow: &Flow) -> bool {
        let namespace = self.namespace.as_deref().is_none_or(|namespace| {
            [&flow.source, &flow.destination].iter().any(|party| &*party.namespace == namespace)
        });
        let port = match flow.l4 {
            Layer4::Ports { protocol, destination, .. } => {
                self.to_port.is_none_or(|port| port == destination)
                    && self.protocol.is_none_or(|wanted| wanted == protocol)
            }
            Layer4::Icmp { .. } | Layer4::Other => {
                self.to_port.or(self.protocol.map(|_| 0)).is_none()
            }
        };
        namespace
            && port
            && self.from.as_ref().is_none_or(|end| end.has(&flow.source))
            && self.to.as_ref().is_none_or(|end| end.has(&flow.destination))
            && (self.verdicts.is_empty() || self.verdicts.contains(&flow.verdict))
            && self.has_event(flow)
    }

    /// Whether a flow's event is wanted.
    pub fn has_event(&self, flow: &Flow) -> bool {
        self.events == Events::All
            || matches!(flow.event, Event::PolicyVerdict | Event::Drop | Event::L7)
    }
}

impl EndFilter {
    /// The flag without its side, and its values.
    fn values(&self) -> (&'static str, Vec<String>) {
        match self {
            Self::Namespace(namespace) => ("namespace", vec![namespace.to_string()]),
            Self::Pods(pods) => ("pod", pods.iter().map(Pods::prefix).collect()),
            Self::Addresses(addresses) => {
                ("ip", addresses.iter().map(ToString::to_string).collect())
            }
            Self::Domain(name) => ("fqdn", vec![name.to_string()]),
        }
    }

    /// Whether nothing that it means is in a namespace.
    fn is_outside(&self, namespace: &str) -> bool {
        match self {
            Self::Namespace(name) => **name != *namespace,
            Self::Pods(pods) => pods.iter().all(|pods| *pods.namespace != *namespace),
            // An address may be anyone's.
            Self::Addresses(_) => false,
            Self::Domain(_) => true,
        }
    }

    fn has(&self, party: &Party) -> bool {
        match self {
            Self::Namespace(namespace) => *party.namespace == **namespace,
            Self::Pods(pods) => pods.iter().any(|pods| pods.has(party)),
            Self::Addresses(addresses) => party.ip.is_some_and(|ip| addresses.contains(&ip)),
            Self::Domain(name) => {
                let name = name.trim_end_matches('.');
                let same = |known: &str| known.trim_end_matches('.').eq_ignore_ascii_case(name);
                party.names.iter().any(|known| same(known))
            }
        }
    }
}

impl Pods {
    /// The beginning that all of their names share, as `--from-pod` takes it.
    fn prefix(&self) -> String {
        let name = match self.of {
            PodsOf::Pod | PodsOf::Prefix => &*self.name,
            PodsOf::Workload(_) | PodsOf::Either => self.sure_prefix(),
        };
        format!("{}/{name}", self.namespace)
    }

    fn sure_prefix(&self) -> &str {
        self.name.get(..SURE_PREFIX).unwrap_or(&self.name)
    }

    /// Whether a pod is one of them.
    pub fn has(&self, party: &Party) -> bool {
        if *party.namespace != *self.namespace || party.pod.is_empty() {
            return false;
        }
        let own = *party.pod == *self.name;
        let workload = |kind: Option<&str>| {
            if party.workloads.is_empty() {
                // On a node other than its own, a pod's workload is not known.
                return self.may_own(&party.pod, kind);
            }
            party.workloads.iter().any(|owner| {
                *owner.name == *self.name && kind.is_none_or(|kind| *owner.kind == *kind)
            })
        };
        match &self.of {
            PodsOf::Pod => own,
            PodsOf::Workload(kind) => workload(Some(kind)),
            PodsOf::Either => own || workload(None),
            PodsOf::Prefix => party.pod.starts_with(&*self.name),
        }
    }

    /// Whether a workload of the name may have a pod of that one, by how controllers name pods.
    fn may_own(&self, pod: &str, kind: Option<&str>) -> bool {
        if pod.len() >= LONGEST_MADE_UP {
            return pod.starts_with(self.sure_prefix());
        }
        let Some(tail) = pod.strip_prefix(&*self.name).and_then(|tail| tail.strip_prefix('-'))
        else {
            return false;
        };
        let parts: Vec<&str> = tail.split('-').collect();
        let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        match (kind, parts.as_slice()) {
            (Some("StatefulSet"), [ordinal]) => digits(ordinal),
            // Of a Job with indexed pods the index comes first.
            (Some("Deployment" | "CronJob" | "Job") | None, [one, two]) => word(one) && word(two),
            (Some("StatefulSet" | "Deployment" | "CronJob"), _) => false,
            (_, [one]) => word(one),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::flow::Owner;
    use super::*;

    fn pods(name: &str, of: PodsOf) -> EndFilter {
        EndFilter::Pods(vec![Pods { namespace: "a".into(), name: name.into(), of }])
    }

    fn party(pod: &str, owner: Option<(&str, &str)>) -> Party {
        let owner = owner.map(|(kind, name)| Owner { kind: kind.into(), name: name.into() });
        let workloads = owner.into_iter().collect();
        Party { namespace: "a".into(), pod: pod.into(), workloads, ..Party::default() }
    }

    /// docs/semantics/hubble.md#filters-that-exclude-each-other: -n with to-namespace is refused, so
    /// it is never sent.
    #[test]
    fn a_namespace_beside_a_named_end_is_the_other_ends() {
        let ends = [
            None,
            Some(EndFilter::Namespace("a".into())),
            Some(EndFilter::Namespace("b".into())),
            Some(pods("x", PodsOf::Either)),
            Some(EndFilter::Addresses(vec!["10.0.0.1".parse().unwrap()])),
            Some(EndFilter::Domain("example.com".into())),
        ];
        for from in &ends {
            for to in &ends {
                let filter = Filter {
                    namespace: Some("a".into()),
                    from: from.clone(),
                    to: to.clone(),
                    ..Filter::default()
                };
                let arguments = filter.arguments(&Window::default());
                let named = from.is_some() || to.is_some();
                assert_eq!(arguments.contains(&"--namespace".to_owned()), !named, "{arguments:?}");
            }
        }
        let filter = Filter {
            namespace: Some("monitoring".into()),
            to: Some(EndFilter::Namespace("identity".into())),
            verdicts: vec![Verdict::Dropped],
            events: Events::All,
            ..Filter::default()
        };
        assert_eq!(
            filter.arguments(&Window::default()).join(" "),
            "--from-namespace monitoring --to-namespace identity --verdict DROPPED"
        );
    }

    #[test]
    fn a_workload_is_told_by_hubble_or_by_the_names_of_its_pods() {
        let deployment = pods("web", PodsOf::Workload("Deployment".into()));
        for (pod, owner, wanted) in [
            ("web-6c5f9d7b8-x2x4z", None, true),
            ("web-6c5f9d7b8-x2x4z", Some(("Deployment", "web")), true),
            ("web-6c5f9d7b8-x2x4z", Some(("StatefulSet", "web")), false),
            ("web-admin-6c5f9d7b8-x2x4z", None, false),
            ("web-0", None, false),
            ("website-6c5f9d7b8-x2x4z", None, false),
            ("web", None, false),
            ("", None, false),
        ] {
            assert_eq!(deployment.has(&party(pod, owner)), wanted, "{pod} {owner:?}");
        }
        let set = pods("web", PodsOf::Workload("StatefulSet".into()));
        assert!(set.has(&party("web-0", None)) && !set.has(&party("web-x2x4z", None)));
        let daemons = pods("web", PodsOf::Workload("DaemonSet".into()));
        assert!(daemons.has(&party("web-x2x4z", None)));
        assert!(!daemons.has(&party("web-6c5f9d7b8-x2x4z", None)));
        let any = pods("web-0", PodsOf::Either);
        assert!(any.has(&party("web-0", None)) && !any.has(&party("web-1", None)));
        let one = pods("web-0", PodsOf::Pod);
        assert!(one.has(&party("web-0", None)) && !one.has(&party("web-0-x2x4z", None)));
        let begins = pods("web-", PodsOf::Prefix);
        assert!(begins.has(&party("web-0", None)) && !begins.has(&party("web", None)));
        // A name that was cut off.
        let long = "l".repeat(60);
        let cut = format!("{}-x2x4z", "l".repeat(57));
        let deployment = pods(&long, PodsOf::Workload("Deployment".into()));
        assert!(deployment.has(&party(&cut, None)));
        let (_, values) = deployment.values();
        assert_eq!(values, [format!("a/{}", "l".repeat(SURE_PREFIX))]);
    }

    #[test]
    fn many_values_are_asked_here() {
        let all: Vec<IpAddr> = (0..=u8::MAX).map(|at| [10, 0, 0, at].into()).collect();
        let filter = Filter { to: Some(EndFilter::Addresses(all)), ..Filter::default() };
        let arguments = filter.arguments(&Window::default());
        assert!(!arguments.iter().any(|argument| argument == "--to-ip"), "{arguments:?}");
        let mut flow = Flow { event: Event::Drop, ..Flow::default() };
        assert!(!filter.has(&flow));
        flow.destination.ip = Some([10, 0, 0, 7].into());
        assert!(filter.has(&flow));
    }

    #[test]
    fn the_last_of_a_recording() {
        let window = Window { last: Some(2), ..Window::default() };
        let mut kept = VecDeque::new();
        for _ in 0..5 {
            window.keep_last(&mut kept, Box::default());
        }
        assert_eq!(kept.len(), 2);
    }
}
