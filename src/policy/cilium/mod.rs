//! `cilium.io`: CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy and CiliumCIDRGroup.
//!
//! In: one object as written, with absent and empty apart, and what its rules refer to ([`Known`]).
//! Out: one [`Policy`](super::rule::Policy) for each rule and direction, in tier Normal, or every
//! fault for which Cilium's agent would enforce nothing of it. Source:
//! docs/semantics/cilium-objects.md, docs/semantics/cilium-labels.md, docs/semantics/cilium-rules.md,
//! docs/semantics/cilium-ports.md and docs/semantics/cilium-verdicts.md.

mod dns;
mod icmp;
mod known;
mod l7;
mod labels;
mod lower;
mod named;
mod outside;
mod peers;
mod ports;
mod regexp;
mod requires;
mod services;
mod written;

pub(super) use named::NamedPorts;
pub(super) use requires::Requires;
pub use written::{Group, Rules, Spec};

use super::dialect::{Around, Dialect, Metadata, Placed};
use super::variables::only_unfilled;
use super::{Fault, Lowered, RefusedBy};
use crate::kinds::Kind;
use crate::lints::Lint;
use known::{CidrGroup, CiliumPolicy, Known};
use lower::Lowering;
use serde::de::Deserializer;

impl From<Spec> for super::Spec {
    fn from(spec: Spec) -> Self {
        Self::Cilium(spec)
    }
}

impl Dialect for Spec {
    const KINDS: &'static [Kind] =
        &[Kind::CiliumNetworkPolicy, Kind::CiliumClusterwideNetworkPolicy, Kind::CiliumCidrGroup];

    fn read<'de, M: Metadata<'de>, D: Deserializer<'de>>(
        kind: Kind,
        source: D,
    ) -> Result<(M, Self), D::Error> {
        if kind == Kind::CiliumCidrGroup {
            Group::read(source).map(|(metadata, group)| (metadata, Self::Group(group)))
        } else {
            Rules::read(source).map(|(metadata, rules)| (metadata, Self::Policy(Box::new(rules))))
        }
    }

    fn of(spec: &super::Spec) -> Option<&Self> {
        match spec {
            super::Spec::Cilium(spec) => Some(spec),
            _ => None,
        }
    }

    fn lower<'a>(
        all: &[Placed<'a, Self>],
        around: &Around<'a>,
    ) -> Vec<(Placed<'a, Self>, Lowered)> {
        let (mut policies, mut groups) = (Vec::new(), Vec::new());
        for object in all {
            match object.spec {
                Self::Policy(rules) => policies.push((*object, object.saying(&**rules))),
                Self::Group(group) => groups.push((*object, object.saying(group))),
            }
        }
        let known = Known::new(&policies, &groups, around);
        let groups = groups.iter().map(|(object, group)| (*object, group.check()));
        let policies = policies.iter().map(|(object, policy)| (*object, policy.lower(&known)));
        groups.chain(policies).collect()
    }
}

impl CiliumPolicy<'_> {
    /// One policy for each rule and direction, or everything for which nothing of it is enforced.
    ///
    /// Source: docs/semantics/cilium-objects.md#spec-and-specs: `spec` and `specs` are a union; one
    /// bad rule fails the whole object.
    fn lower(&self, known: &Known<'_>) -> Lowered {
        let Some(settings) = known.settings else {
            let message = format!(
                "{} is NOT ENFORCED: only Cilium reads it, so nothing of it counts here",
                self.object.kind
            );
            let lints = vec![Fault::told(Lint::NotEnforced, "kind", message)];
            return Lowered { lints, ..Lowered::default() };
        };
        let mut lowering = Lowering::new(*self, known, settings);
        for path in &self.spec.unknown {
            let message = "is not a field that the CRD knows: the API server drops it, and kubectl \
                           refuses it";
            lowering.lint(Lint::UnknownField, path.clone(), message);
        }
        if self.spec.spec.is_none() && self.spec.specs.is_none() {
            lowering.fault("spec", "is missing, and so is specs: give one of them");
        }
        let mut policies = Vec::new();
        for (path, rule) in self.rules() {
            policies.extend(lowering.rule(&path, rule));
        }
        let Lowering { faults, refused, mut lints, of_proxy, .. } = lowering;
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
        Lowered { policies, lints, of_proxy, ..Lowered::default() }
    }
}

impl CidrGroup<'_> {
    /// What is wrong with it.
    fn check(&self) -> Lowered {
        Lowered { faults: self.networks().err().unwrap_or_default(), ..Lowered::default() }
    }
}
