//! Ports of pods that nobody has written, by the names that rules ask for.
//!
//! In: the port numbers of a flow to such a pod. Out: those that rules name, and the names of the others: their
//! numbers are supposed, and stand for whatever a pod calls so.

use crate::cluster::{PodId, Port, PortRange, Protocol, Snapshot};
use crate::policy::Ruleset;
use crate::policy::rule::{PortMatch, Ports};
use crate::reach::PortSet;

/// Which numbers mean themselves.
pub(super) struct NamedPorts {
    /// Those in the ranges of rules.
    written: PortSet,
}

impl NamedPorts {
    /// By what these rules name together.
    pub(super) fn of<'r>(rules: impl IntoIterator<Item = &'r Ruleset>) -> Self {
        let policies = rules.into_iter().flat_map(Ruleset::policies);
        let entries = policies.flat_map(|policy| &policy.entries);
        let items = entries.filter_map(|entry| match &entry.ports {
            Ports::Any => None,
            Ports::Of(items) => Some(items),
        });
        let all = items.flatten().flat_map(|item| {
            let both = std::iter::once(&item.ports).chain(&item.except);
            both.filter_map(|ports| match ports {
                PortMatch::Range(range) => Some((item.protocol, *range)),
                PortMatch::All | PortMatch::Named(_) => None,
            })
        });
        Self { written: PortSet::of(all.filter(|(protocol, _)| protocol.has_ports())) }
    }

    /// The ports that mean themselves, and the others by name, as `web/TCP`.
    pub(super) fn split(
        &self,
        snapshot: &Snapshot,
        pod: PodId,
        ports: &PortSet,
    ) -> (PortSet, Vec<String>) {
        let (mut rest, mut names) = (ports.clone(), Vec::new());
        if snapshot.representative(pod).is_none() {
            return (rest, names);
        }
        for declared in snapshot.pod(pod).ports.iter() {
            let Port { protocol, number } = declared.port;
            let Some(name) = declared.name.as_ref().filter(|_| ports.contains(declared.port))
            else {
                continue;
            };
            let whole = |protocol: Protocol| {
                let every = PortSet::of([(protocol, PortRange { first: 1, last: u16::MAX })]);
                every.difference(ports).is_empty()
            };
            if !self.written.contains(declared.port) && !whole(protocol) {
                rest = rest.difference(&PortSet::of([(protocol, number.into())]));
                names.push(format!("{name}/{protocol}"));
            }
        }
        (rest, names)
    }

    /// Whether a port is only supposed to be what a pod calls so.
    pub(super) fn is_supposed(&self, snapshot: &Snapshot, pod: PodId, port: Port) -> bool {
        let (_, names) =
            self.split(snapshot, pod, &PortSet::of([(port.protocol, port.number.into())]));
        !names.is_empty()
    }
}
