//! Names of ports in egress, as Cilium up to 1.19 reads them: one number for the whole cluster.
//!
//! In: what exists, and what an object was lowered to. Out: the same with numbers. Source:
//! docs/semantics/cilium-ports.md#named-ports.

use super::super::rule::{Direction, PortMatch, Ports};
use super::super::{CiliumVersion, Enforcer, Fault, Lowered};
use crate::cluster::{PortNames, Protocol, Snapshot};
use crate::lints::Lint;
use foldhash::HashMap;
use std::cell::OnceCell;
use std::collections::BTreeSet;

/// The numbers of each name.
type Numbers = HashMap<(String, Protocol), BTreeSet<u16>>;

/// Which numbers pods have for the names of their ports.
pub(in super::super) struct NamedPorts<'a> {
    snapshot: &'a Snapshot,
    /// Looked up only once some rule asks.
    numbers: OnceCell<Numbers>,
}

impl<'a> NamedPorts<'a> {
    /// Those of all pods, where the enforcer goes by them.
    pub(in super::super) fn of(enforcer: &Enforcer, snapshot: &'a Snapshot) -> Option<Self> {
        let cilium = enforcer.cilium()?;
        (cilium.version < CiliumVersion::V1_20).then(|| Self { snapshot, numbers: OnceCell::new() })
    }

    fn numbers(&self) -> &Numbers {
        self.numbers.get_or_init(|| {
            let mut numbers = Numbers::default();
            // Of pods on their node's network the agent knows no names.
            let pods = self.snapshot.pods().iter().filter(|pod| !pod.host_network && !pod.finished);
            for (name, port) in pods.flat_map(|pod| PortNames::Last.of(&pod.ports)) {
                let name = (name.to_ascii_lowercase(), port.protocol);
                numbers.entry(name).or_default().insert(port.number);
            }
            numbers
        })
    }

    /// Puts numbers for names of ports in egress; a port whose name has none, or several, is dropped.
    pub(in super::super) fn settle(&self, lowered: &mut Lowered) {
        let egress = lowered.policies.iter_mut().filter(|it| it.direction == Direction::Egress);
        for entry in egress.flat_map(|policy| &mut policy.entries) {
            let Ports::Of(items) = &mut entry.ports else { continue };
            items.retain_mut(|item| {
                let PortMatch::Named(name) = &item.ports else { return true };
                let name = (name.to_ascii_lowercase(), item.protocol);
                let numbers = self.numbers().get(&name);
                let numbers: Vec<u16> = numbers.into_iter().flatten().copied().collect();
                let of = format!("{}/{}", name.0, item.protocol);
                let (message, kept) = match *numbers.as_slice() {
                    [] => (format!("no pod calls a port {of}, so Cilium up to 1.19 drops it"), false),
                    [number] => {
                        item.ports = PortMatch::Range(number.into());
                        let message = format!(
                            "{of} means {number} for every destination: Cilium up to 1.19 looks a name in \
                             egress up in the whole cluster"
                        );
                        (message, true)
                    }
                    [first, second, ..] => {
                        let message = format!(
                            "{of} is {first} in some pods and {second} in others, so Cilium up to 1.19 \
                             drops it"
                        );
                        (message, false)
                    }
                };
                let path = format!("{}{}", item.path, item.fields.port);
                let told = Fault::told(Lint::VersionDependent, path, message);
                if !lowered.lints.contains(&told) {
                    lowered.lints.push(told);
                }
                kept
            });
        }
    }
}
