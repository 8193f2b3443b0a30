//! The tiers, and places in them.
//!
//! In: the name of a tier; what a policy says of its place. Out: the tier; the place. Source:
//! docs/semantics/calico.md#tiers and docs/semantics/calico.md#order.

use super::super::rule::{NamedTier, Order, Position, Tier, TierEnd};
use super::super::tier::DEFAULT_TIER;
use super::super::{Calico, CalicoVersion};
use crate::kinds::Kind;
use std::sync::Arc;

/// The tier of policies that name none.
pub(super) const DEFAULT: &str = DEFAULT_TIER;
/// Tiers that are there although nobody writes them: name, order and end.
const BUILT_IN: &[(&str, f64, TierEnd)] = &[
    ("kube-admin", 1000.0, TierEnd::Pass),
    ("adminnetworkpolicy", 1000.0, TierEnd::Pass),
    (DEFAULT, 1_000_000.0, TierEnd::Deny),
    ("kube-baseline", 10_000_000.0, TierEnd::Pass),
    ("baselineadminnetworkpolicy", 10_000_000.0, TierEnd::Pass),
];

/// A tier that is there although nobody writes it. No other order and end may be given to these.
pub(super) fn built_in(name: &str) -> Option<NamedTier> {
    let (name, order, end) = BUILT_IN.iter().find(|(known, ..)| *known == name)?;
    Some(NamedTier { order: Order::of(*order), name: (*name).into(), end: *end })
}

/// Whether a tier comes after that of NetworkPolicies.
pub(in crate::policy) fn is_after_default(tier: &NamedTier) -> bool {
    built_in(DEFAULT).is_some_and(|default| *tier > default)
}

/// What tells one policy from all others.
#[derive(Clone, Copy)]
pub(super) struct Called<'a> {
    /// The kind of the object.
    pub(super) kind: Option<Kind>,
    /// Its namespace, if it is in one.
    pub(super) namespace: Option<&'a str>,
    /// Its name in the form of the API.
    pub(super) name: &'a str,
}

impl Called<'_> {
    /// The text by which equal orders go in a release.
    ///
    /// Source: docs/semantics/calico.md#order.
    fn key(self, version: CalicoVersion) -> Box<str> {
        let Self { kind, namespace, name } = self;
        let (newer, earlier) = match kind {
            Some(Kind::CalicoNetworkPolicy) => ("NetworkPolicy", None),
            Some(Kind::CalicoGlobalNetworkPolicy) => ("GlobalNetworkPolicy", None),
            Some(Kind::NetworkPolicy) => ("KubernetesNetworkPolicy", Some("knp.default.")),
            Some(Kind::AdminNetworkPolicy) => (OF_ADMINISTRATORS, Some("kanp.adminnetworkpolicy.")),
            Some(Kind::BaselineAdminNetworkPolicy) => {
                (OF_ADMINISTRATORS, Some("kbanp.baselineadminnetworkpolicy."))
            }
            _ => (OF_ADMINISTRATORS, Some("kcnp.")),
        };
        match version {
            CalicoVersion::V3_32 => {
                format!("{name}/{}/{newer}", namespace.unwrap_or_default()).into()
            }
            CalicoVersion::V3_31 => {
                // Of its own policies the name begins with that of the tier.
                let before = earlier.unwrap_or(if name.contains('.') { "" } else { "default." });
                let place = namespace.map_or_else(String::new, |it| format!("{it}/"));
                format!("{place}{before}{name}").into()
            }
        }
    }
}

/// Policies of administrators, as the key of newer releases has them.
const OF_ADMINISTRATORS: &str = "KubernetesClusterNetworkPolicy";

/// A place. Equal orders go by a text that each release makes of kind, namespace and name.
pub(super) fn place(
    tier: NamedTier,
    order: Order,
    called: Called<'_>,
    part: u32,
    calico: Calico,
) -> Tier {
    let key = called.key(calico.version.unwrap_or(CalicoVersion::V3_32));
    let earlier = calico.version.is_none().then(|| called.key(CalicoVersion::V3_31));
    Tier::Named(Arc::new(Position { tier, order, settled: true, key, part, earlier }))
}
