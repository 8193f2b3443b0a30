//! `policy.networking.k8s.io`: ClusterNetworkPolicy (v1alpha2), AdminNetworkPolicy and
//! BaselineAdminNetworkPolicy (v1alpha1), the policies of administrators.
//!
//! In: one object as written, with absent, empty and unknown fields apart. Out: one [`Policy`] for
//! each direction that has rules, in tier Admin or Baseline, or every fault for which the API server
//! would refuse it. Source: docs/semantics/admin.md; for what Cilium makes of them
//! docs/semantics/cilium-verdicts.md#clusternetworkpolicy.

mod lower;
mod peers;
mod ports;
mod written;

pub use written::Spec;

use super::dialect::{Around, Dialect, Metadata, Placed, strict};
use super::rule::{Direction, Policy};
use super::{Enforcer, Fault, Lowered, Remark};
use crate::kinds::Kind;
use crate::lints::Lint;
use lower::Lowering;
use serde::de::Deserializer;
use written::is_v1alpha1;

/// A policy of an administrator as written.
type AdminPolicy<'a> = Placed<'a, Spec>;

impl From<Spec> for super::Spec {
    fn from(spec: Spec) -> Self {
        Self::Admin(Box::new(spec))
    }
}

impl Dialect for Spec {
    const KINDS: &'static [Kind] =
        &[Kind::ClusterNetworkPolicy, Kind::AdminNetworkPolicy, Kind::BaselineAdminNetworkPolicy];

    fn read<'de, M: Metadata<'de>, D: Deserializer<'de>>(
        _kind: Kind,
        source: D,
    ) -> Result<(M, Self), D::Error> {
        strict(source)
    }

    fn of(spec: &super::Spec) -> Option<&Self> {
        match spec {
            super::Spec::Admin(spec) => Some(spec),
            _ => None,
        }
    }

    fn lower<'a>(
        all: &[Placed<'a, Self>],
        around: &Around<'a>,
    ) -> Vec<(Placed<'a, Self>, Lowered)> {
        all.iter().map(|policy| (*policy, policy.lower(around.enforcer))).collect()
    }

    fn remarks(all: &[Placed<'_, Self>], around: &Around<'_>) -> Vec<Remark> {
        // Cilium has never read the older kinds, and says so of each.
        if around.beside.is_some() || around.enforcer.cilium().is_some() {
            return Vec::new();
        }
        mixed_versions(all).collect()
    }
}

impl AdminPolicy<'_> {
    fn kind(&self) -> Kind {
        Kind::named(&self.object.kind).unwrap_or(Kind::ClusterNetworkPolicy)
    }

    /// One policy for each direction with rules, or everything for which the API server would refuse
    /// the object.
    ///
    /// Source: docs/semantics/admin.md#no-isolation: a policy without rules in a direction does not
    /// affect it, and nothing isolates.
    fn lower(&self, enforcer: &Enforcer) -> Lowered {
        let mut lowering = Lowering::new(self.kind(), enforcer, self.is_live());
        lowering.name(&self.object.name);
        let tier = lowering.tier(self.spec);
        let subject = lowering.subject(self.spec.subject.as_ref());
        let parts = Direction::ALL.map(|direction| {
            let rules = match direction {
                Direction::Ingress => &self.spec.ingress,
                Direction::Egress => &self.spec.egress,
            };
            (direction, lowering.rules(direction, rules.as_deref().unwrap_or_default()))
        });
        let Lowering { faults, mut lints, refused, .. } = lowering;
        let (Some(tier), Some(subject), true) = (tier, subject, faults.is_empty()) else {
            return Lowered { faults, ..Lowered::default() };
        };
        if let Some(message) = self.not_enforced(enforcer) {
            let lints = vec![Fault::told(Lint::NotEnforced, "kind", message)];
            return Lowered { lints, ..Lowered::default() };
        }
        let part = |(direction, entries): (Direction, Vec<_>)| Policy {
            object: self.object.clone(),
            origin: self.origin.clone(),
            direction,
            tier: tier.clone(),
            subject: subject.clone(),
            isolates: false,
            entries,
        };
        if parts.iter().all(|(_, entries)| entries.is_empty()) {
            let message = "has neither ingress nor egress rules, so it does nothing".to_owned();
            lints.push(Fault::told(Lint::EmptyRule, "spec", message));
        }
        let parts = parts.into_iter().filter(|(_, entries)| !refused && !entries.is_empty());
        Lowered { policies: parts.map(part).collect(), faults, lints, ..Lowered::default() }
    }

    /// Why nobody enforces policies of this kind, as the end of a sentence.
    ///
    /// Source: docs/semantics/cilium-verdicts.md#clusternetworkpolicy and
    /// docs/semantics/calico.md#versions.
    fn not_enforced(&self, enforcer: &Enforcer) -> Option<String> {
        let name = self.kind();
        if let Some(why) = enforcer.calico().and_then(|calico| calico.leaves_out(name)) {
            return Some(format!("{name} is NOT ENFORCED: {why}; nothing of it counts here"));
        }
        let cilium = enforcer.cilium()?;
        match name {
            Kind::ClusterNetworkPolicy if cilium.cluster_network_policies => None,
            Kind::ClusterNetworkPolicy => Some(format!(
                "{name} is NOT ENFORCED: Cilium does so from 1.20 with \
                 enable-k8s-cluster-network-policy; nothing of it counts here"
            )),
            _ => Some(format!(
                "{name} is NOT ENFORCED: Cilium has never read it, so nothing of it counts here; \
                 write a ClusterNetworkPolicy (Cilium 1.20) or a CiliumClusterwideNetworkPolicy"
            )),
        }
    }
}

/// Remarks on policies of v1alpha1 that stand beside some of v1alpha2.
///
/// Source: docs/semantics/admin.md#both-versions: what they mean together is not defined.
fn mixed_versions<'a>(policies: &'a [AdminPolicy<'_>]) -> impl Iterator<Item = Remark> + 'a {
    let newer = policies.iter().any(|policy| !is_v1alpha1(policy.kind()));
    let older = policies.iter().filter(move |policy| newer && is_v1alpha1(policy.kind()));
    older.map(|policy| {
        let message = match policy.kind() {
            Kind::BaselineAdminNetworkPolicy => {
                "v1alpha1 beside ClusterNetworkPolicies: what they mean together is not defined; \
                 here it comes last in tier Baseline"
            }
            _ => {
                "v1alpha1 beside ClusterNetworkPolicies: what they mean together is not defined; \
                 here both count in tier Admin, by priority"
            }
        };
        let faults = vec![Fault::told(Lint::OldForm, "apiVersion", message)];
        let (object, origin) = (policy.object.clone(), policy.origin.clone());
        Remark { object, origin, refused_by: None, faults }
    })
}

#[cfg(test)]
mod tests;
