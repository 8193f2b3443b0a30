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

use super::rule::{Direction, Policy};
use super::{Enforcer, Fault, Lowered, Remark};
use crate::cluster::{Name, ObjectRef, Origin};
use lower::Lowering;

/// Which of the three kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// v1alpha2, in tier Admin or Baseline.
    ClusterNetworkPolicy,
    /// v1alpha1, tier Admin.
    AdminNetworkPolicy,
    /// v1alpha1, tier Baseline.
    BaselineAdminNetworkPolicy,
}

impl Kind {
    /// The kind as the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterNetworkPolicy => "ClusterNetworkPolicy",
            Self::AdminNetworkPolicy => "AdminNetworkPolicy",
            Self::BaselineAdminNetworkPolicy => "BaselineAdminNetworkPolicy",
        }
    }

    fn is_v1alpha1(self) -> bool {
        self != Self::ClusterNetworkPolicy
    }
}

/// The priority that stands for the one BaselineAdminNetworkPolicy, which has none: it comes after
/// the ClusterNetworkPolicies of its tier.
const BASELINE_PRIORITY: i32 = 1000;

/// A policy of an administrator as written.
#[derive(Clone, Debug, PartialEq)]
pub struct AdminPolicy {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: Name,
    /// Where it was written.
    pub origin: Origin,
    /// Its spec; absent means an empty one.
    pub spec: Spec,
}

impl AdminPolicy {
    /// Its name, with its kind.
    pub fn object(&self) -> ObjectRef {
        ObjectRef::cluster(self.kind.name(), self.name.clone())
    }

    /// One policy for each direction with rules, or everything for which the API server would refuse
    /// the object.
    ///
    /// Source: docs/semantics/admin.md#no-isolation: a policy without rules in a direction does not
    /// affect it, and nothing isolates.
    pub fn lower(&self, enforcer: &Enforcer) -> Lowered {
        let live = matches!(self.origin, Origin::Live { .. });
        let mut lowering = Lowering::new(self.kind, enforcer, live);
        lowering.name(&self.name);
        let tier = lowering.tier(&self.spec);
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
            let lints = vec![Fault { path: "kind".to_owned(), message }];
            return Lowered { lints, ..Lowered::default() };
        }
        let part = |(direction, entries): (Direction, Vec<_>)| Policy {
            object: self.object(),
            origin: self.origin.clone(),
            direction,
            tier,
            subject: subject.clone(),
            isolates: false,
            entries,
        };
        if parts.iter().all(|(_, entries)| entries.is_empty()) {
            let message = "has neither ingress nor egress rules, so it does nothing".to_owned();
            lints.push(Fault { path: "spec".to_owned(), message });
        }
        let parts = parts.into_iter().filter(|(_, entries)| !refused && !entries.is_empty());
        Lowered { policies: parts.map(part).collect(), faults, lints, ..Lowered::default() }
    }

    /// Why nobody enforces policies of this kind, as the end of a sentence.
    ///
    /// Source: docs/semantics/cilium-verdicts.md#clusternetworkpolicy.
    fn not_enforced(&self, enforcer: &Enforcer) -> Option<String> {
        let cilium = enforcer.cilium()?;
        let name = self.kind.name();
        match self.kind {
            Kind::ClusterNetworkPolicy if cilium.cluster_network_policies => None,
            Kind::ClusterNetworkPolicy => Some(format!(
                "{name} is NOT ENFORCED: Cilium does so from 1.20 with \
                 enable-k8s-cluster-network-policy; nothing of it counts here"
            )),
            Kind::AdminNetworkPolicy | Kind::BaselineAdminNetworkPolicy => Some(format!(
                "{name} is NOT ENFORCED: Cilium has never read it, so nothing of it counts here; \
                 write a ClusterNetworkPolicy (Cilium 1.20) or a CiliumClusterwideNetworkPolicy"
            )),
        }
    }
}

/// Remarks on policies of v1alpha1 that stand beside some of v1alpha2.
///
/// Source: docs/semantics/admin.md#both-versions: what they mean together is not defined.
pub(super) fn mixed_versions(policies: &[AdminPolicy]) -> impl Iterator<Item = Remark> {
    let newer = policies.iter().any(|policy| !policy.kind.is_v1alpha1());
    let older = policies.iter().filter(move |policy| newer && policy.kind.is_v1alpha1());
    older.map(|policy| {
        let message = match policy.kind {
            Kind::BaselineAdminNetworkPolicy => {
                "v1alpha1 beside ClusterNetworkPolicies: what they mean together is not defined; \
                 here it comes last in tier Baseline"
            }
            _ => {
                "v1alpha1 beside ClusterNetworkPolicies: what they mean together is not defined; \
                 here both count in tier Admin, by priority"
            }
        };
        let faults = vec![Fault { path: "apiVersion".to_owned(), message: message.to_owned() }];
        Remark { object: policy.object(), origin: policy.origin.clone(), refused_by: None, faults }
    })
}

#[cfg(test)]
mod tests;
