//! `cilium.io`: CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy and CiliumCIDRGroup.
//!
//! In: one object as written, with absent and empty apart, and what its rules refer to ([`Known`]).
//! Out: one [`Policy`](super::rule::Policy) for each rule and direction, in tier Normal, or every
//! fault for which Cilium's agent would enforce nothing of it. Source:
//! docs/semantics/cilium-objects.md, docs/semantics/cilium-labels.md, docs/semantics/cilium-rules.md,
//! docs/semantics/cilium-ports.md and docs/semantics/cilium-verdicts.md.

mod dns;
mod icmp;
mod l7;
mod labels;
mod lower;
mod outside;
mod peers;
mod ports;
mod services;
mod written;

pub use written::{GroupSpec, Rule, Spec};

use super::variables::only_unfilled;
use super::{Cilium, Enforcer, Fault, Lowered, RefusedBy, Written};
use crate::cluster::{Labels, Name, ObjectRef, Origin, Snapshot};
use dns::SeenLookups;
use lower::Lowering;

/// A CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy as written.
#[derive(Clone, Debug, PartialEq)]
pub struct CiliumPolicy {
    /// The namespace of a CiliumNetworkPolicy, with the default already filled in; a
    /// CiliumClusterwideNetworkPolicy has none.
    pub namespace: Option<Name>,
    /// Its name.
    pub name: Name,
    /// Where it was written.
    pub origin: Origin,
    /// Its rules.
    pub spec: Spec,
}

/// A CiliumCIDRGroup as written.
#[derive(Clone, Debug, PartialEq)]
pub struct CidrGroup {
    /// Its name.
    pub name: Name,
    /// Its labels, by which policies may select it.
    pub labels: Labels,
    /// Where it was written.
    pub origin: Origin,
    /// Its networks.
    pub spec: GroupSpec,
}

/// What the rules of Cilium's policies are read against.
pub(super) struct Known<'a> {
    /// Cilium's settings, where it enforces the policies.
    settings: Option<&'a Cilium>,
    enforcer: &'a Enforcer,
    groups: &'a [CidrGroup],
    snapshot: &'a Snapshot,
    /// Whose answers of DNS Cilium sees.
    lookups: SeenLookups,
}

impl<'a> Known<'a> {
    pub(super) fn new(
        written: &'a Written,
        snapshot: &'a Snapshot,
        enforcer: &'a Enforcer,
    ) -> Self {
        let (settings, groups) = (enforcer.cilium(), &written.cidr_groups);
        let lookups = SeenLookups::default();
        let mut known = Self { settings, enforcer, groups, snapshot, lookups };
        known.lookups = SeenLookups::new(&written.cilium_policies, &known);
        known
    }

    /// For one policy by itself, which names no groups and is not asked where DNS is seen.
    pub(super) fn without_groups(snapshot: &'a Snapshot, enforcer: &'a Enforcer) -> Self {
        let settings = enforcer.cilium();
        Self { settings, enforcer, groups: &[], snapshot, lookups: SeenLookups::of_every_pod() }
    }
}

impl CiliumPolicy {
    /// Its name, with kind and namespace.
    pub fn object(&self) -> ObjectRef {
        match &self.namespace {
            Some(namespace) => {
                ObjectRef::namespaced("CiliumNetworkPolicy", namespace.clone(), self.name.clone())
            }
            None => ObjectRef::cluster("CiliumClusterwideNetworkPolicy", self.name.clone()),
        }
    }

    /// One policy for each rule and direction, or everything for which nothing of it is enforced.
    ///
    /// Source: docs/semantics/cilium-objects.md#spec-and-specs: `spec` and `specs` are a union; one
    /// bad rule fails the whole object.
    pub(super) fn lower(&self, known: &Known<'_>) -> Lowered {
        let Some(settings) = known.settings else {
            let message = format!(
                "{} is NOT ENFORCED: only Cilium reads it, so nothing of it counts here",
                self.object().kind
            );
            let lints = vec![Fault { path: "kind".to_owned(), message }];
            return Lowered { lints, ..Lowered::default() };
        };
        let mut lowering = Lowering::new(self, known, settings);
        for path in &self.spec.unknown {
            let message = "is not a field that the CRD knows: the API server drops it, and kubectl \
                           refuses it";
            lowering.lint(path.clone(), message);
        }
        if self.spec.spec.is_none() && self.spec.specs.is_none() {
            lowering.fault("spec", "is missing, and so is specs: give one of them");
        }
        let mut policies = Vec::new();
        for (path, rule) in self.rules() {
            policies.extend(lowering.rule(&path, rule));
        }
        let Lowering { faults, refused, mut lints, .. } = lowering;
        if let Some(told) = only_unfilled(&[faults.as_slice(), &refused].concat()) {
            lints.extend(told);
            return Lowered { lints, unread: true, ..Lowered::default() };
        }
        if !refused.is_empty() {
            return Lowered { faults: refused, ..Lowered::default() };
        }
        if !faults.is_empty() {
            return Lowered { faults, refused_by: RefusedBy::Agent, ..Lowered::default() };
        }
        Lowered { policies, lints, ..Lowered::default() }
    }

    /// Each rule with its path.
    fn rules(&self) -> impl Iterator<Item = (String, &Rule)> {
        let spec = self.spec.spec.iter().map(|rule| ("spec".to_owned(), rule));
        let specs = self.spec.specs.iter().flatten().enumerate();
        spec.chain(specs.map(|(i, rule)| (format!("specs[{i}]"), rule)))
    }
}

impl CidrGroup {
    /// Its name, with its kind.
    pub fn object(&self) -> ObjectRef {
        ObjectRef::cluster("CiliumCIDRGroup", self.name.clone())
    }

    /// What is wrong with it.
    pub(super) fn check(&self) -> Lowered {
        Lowered { faults: self.networks().err().unwrap_or_default(), ..Lowered::default() }
    }
}
