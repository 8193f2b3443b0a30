//! `networking.k8s.io/v1` NetworkPolicy: as written, validated, defaulted and lowered.
//!
//! In: the spec with absent and empty kept apart, since they mean different things. Out: one
//! [`Policy`] for each direction in force, or every fault for which the API server would refuse it.

mod lower;
mod written;

pub use written::Spec;

use super::dialect::{Around, Dialect, Metadata, Placed, strict};
use super::rule::{Direction, Entry, Namespaces, PodSet, Policy, Ports, Tier};
use super::selector::dns_subdomain_fault;
use super::{Cilium, Enforcer, Fault, Lowered, WrittenObject};
use crate::cluster::{Name, ObjectRef, Origin, Protocol};
use crate::kinds::Kind;
use crate::lints::Lint;
pub(crate) use lower::{IP_BLOCK_DEFECT, port_name_fault};
use lower::{Lowering, parse_cidr};
use serde::de::Deserializer;

/// A NetworkPolicy as written.
type NetworkPolicy<'a> = Placed<'a, Spec>;

impl Spec {
    /// A NetworkPolicy that says this.
    pub fn named(
        self,
        namespace: impl Into<Name>,
        name: impl Into<Name>,
        origin: Origin,
    ) -> WrittenObject {
        let object = ObjectRef::namespaced(Kind::NetworkPolicy.name(), namespace, name);
        WrittenObject { object, origin, spec: self.into() }
    }
}

impl From<Spec> for super::Spec {
    fn from(spec: Spec) -> Self {
        Self::NetworkPolicy(spec)
    }
}

impl Dialect for Spec {
    const KINDS: &'static [Kind] = &[Kind::NetworkPolicy];

    fn read<'de, M: Metadata<'de>, D: Deserializer<'de>>(
        _kind: Kind,
        source: D,
    ) -> Result<(M, Self), D::Error> {
        strict(source)
    }

    fn of(spec: &super::Spec) -> Option<&Self> {
        match spec {
            super::Spec::NetworkPolicy(spec) => Some(spec),
            _ => None,
        }
    }

    fn lower<'a>(
        all: &[Placed<'a, Self>],
        around: &Around<'a>,
    ) -> Vec<(Placed<'a, Self>, Lowered)> {
        all.iter().map(|policy| (*policy, policy.lower(around.enforcer))).collect()
    }
}

impl NetworkPolicy<'_> {
    /// One policy for each direction in force, or everything for which the API server would refuse
    /// the object (`ValidateNetworkPolicy` in pkg/apis/networking/validation/validation.go).
    fn lower(&self, enforcer: &Enforcer) -> Lowered {
        let namespace = self.object.namespace.clone().unwrap_or_default();
        let (faults, unfilled, lints) = (Vec::new(), Vec::new(), Vec::new());
        let mut lowering = Lowering { namespace: &namespace, enforcer, faults, unfilled, lints };
        if let Some(message) = dns_subdomain_fault(&self.object.name) {
            lowering.fault("metadata.name", message);
        }
        let mut directions = lowering.directions(self.spec);
        // Source: docs/semantics/cilium-networkpolicy.md#policytypes; `ParseNetworkPolicy` in
        // Cilium's pkg/k8s: every rule that is written counts, whatever policyTypes lists.
        if enforcer.cilium().is_some() {
            let rules = |direction| match direction {
                Direction::Ingress => self.spec.ingress.as_ref().map_or(0, Vec::len),
                Direction::Egress => self.spec.egress.as_ref().map_or(0, Vec::len),
            };
            directions.extend(Direction::ALL.into_iter().filter(|d| rules(*d) > 0));
        }
        let selector = self.spec.pod_selector.clone().unwrap_or_default();
        let (selector, doubt) = lowering.selector("spec.podSelector", selector);
        let own = Namespaces::Own(namespace.clone());
        let subject = PodSet { doubt, ..PodSet::new(own, selector) };
        // Rules of a direction that is not in force are validated too, as the API server does.
        let ingress = self.spec.ingress.iter().flatten().enumerate().map(|(i, rule)| {
            let path = format!("spec.ingress[{i}]");
            lowering.entries(&path, "from", rule.from.as_deref(), rule.ports.as_deref())
        });
        let ingress: Vec<Entry> = ingress.flatten().collect();
        let egress = self.spec.egress.iter().flatten().enumerate().map(|(i, rule)| {
            let path = format!("spec.egress[{i}]");
            lowering.entries(&path, "to", rule.to.as_deref(), rule.ports.as_deref())
        });
        let egress: Vec<Entry> = egress.flatten().collect();
        let Lowering { faults, unfilled, lints, .. } = lowering;
        if !faults.is_empty() {
            return Lowered { faults, lints: unfilled, ..Lowered::default() };
        }
        let part = |direction, entries| Policy {
            object: self.object.clone(),
            origin: self.origin.clone(),
            direction,
            tier: Tier::Normal,
            subject: subject.clone(),
            isolates: true,
            entries,
        };
        let mut parts = Vec::new();
        if directions.contains(&Direction::Ingress) {
            parts.push(part(Direction::Ingress, ingress));
        }
        if directions.contains(&Direction::Egress) {
            parts.push(part(Direction::Egress, egress));
        }
        let mut lints = [unfilled, lints, self.lints(enforcer)].concat();
        if let Some(cilium) = enforcer.cilium() {
            lints.extend(under_cilium(cilium, &parts));
            if !cilium.network_policies {
                parts.clear();
            }
        }
        Lowered { policies: parts, lints, ..Lowered::default() }
    }

    /// What is valid but inert or sloppy.
    ///
    /// Source: docs/semantics/networkpolicy.md#defaulting (rules outside policyTypes are inert) and
    /// docs/semantics/networkpolicy.md#validation (blocks with host bits are masked).
    fn lints(&self, enforcer: &Enforcer) -> Vec<Fault> {
        let mut lints = Vec::new();
        let types = self.spec.policy_types.as_deref().unwrap_or_default();
        for (direction, rules) in [
            ("Ingress", self.spec.ingress.as_ref().map_or(0, Vec::len)),
            ("Egress", self.spec.egress.as_ref().map_or(0, Vec::len)),
        ] {
            if rules > 0 && !types.is_empty() && !types.iter().any(|t| t == direction) {
                let field = direction.to_ascii_lowercase();
                let message = if enforcer.cilium().is_some() {
                    format!(
                        "counts although policyTypes does not list {direction}, and closes that \
                         direction: Cilium enforces every rule that is written"
                    )
                } else {
                    format!("has no effect: policyTypes does not list {direction}; add it there")
                };
                lints.push(Fault::told(Lint::DirectionNotListed, format!("spec.{field}"), message));
            }
        }
        let ingress = self.spec.ingress.iter().flatten().map(|rule| &rule.from);
        let egress = self.spec.egress.iter().flatten().map(|rule| &rule.to);
        for (field, all) in
            [("ingress", ingress.collect::<Vec<_>>()), ("egress", egress.collect::<Vec<_>>())]
        {
            let peers = if field == "ingress" { "from" } else { "to" };
            for (i, peer_list) in all.into_iter().enumerate() {
                for (j, peer) in peer_list.iter().flatten().enumerate() {
                    let Some(block) = &peer.ip_block else { continue };
                    let except = block.except.iter().flatten();
                    for text in std::iter::once(&block.cidr).chain(except) {
                        if let Ok((net, false)) = parse_cidr(text) {
                            let path = format!("spec.{field}[{i}].{peers}[{j}].ipBlock");
                            let message = format!("{text} is read as {net}; write it so");
                            lints.push(Fault::told(Lint::HostBits, path, message));
                        }
                    }
                }
            }
        }
        lints
    }
}

/// What Cilium does not do that a policy asks for.
///
/// Source: docs/semantics/cilium-networkpolicy.md#sctp and the agent's `enable-k8s-networkpolicy`.
fn under_cilium(cilium: &Cilium, parts: &[Policy]) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !cilium.network_policies {
        let message = "is not enforced: Cilium's enable-k8s-networkpolicy is false".to_owned();
        faults.push(Fault::told(Lint::NotEnforced, "spec", message));
    }
    for entry in parts.iter().flat_map(|part| &part.entries).filter(|_| !cilium.sctp) {
        let Ports::Of(items) = &entry.ports else { continue };
        let sctp = items.iter().filter(|item| item.protocol == Protocol::Sctp);
        faults.extend(sctp.map(|item| {
            Fault::told(Lint::NotEnforced, &*item.path, "Cilium knows SCTP only with enable-sctp")
        }));
    }
    faults
}

#[cfg(test)]
mod tests;
