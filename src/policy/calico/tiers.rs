//! The tiers, and places in them.
//!
//! In: the name of a tier; what a policy says of its place. Out: the tier; the place. Source:
//! docs/semantics/calico.md#tiers and docs/semantics/calico.md#order.

use super::super::rule::{NamedTier, Order, Position, Tier, TierEnd};
use super::super::tier::DEFAULT_TIER;
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

/// A place. Equal orders go by name, namespace and kind, as Calico writes them in one text.
pub(super) fn place(
    tier: NamedTier,
    order: Order,
    (name, namespace, kind): (&str, &str, &str),
    part: u32,
) -> Tier {
    let key = format!("{name}/{namespace}/{kind}").into();
    Tier::Named(Arc::new(Position { tier, order, key, part }))
}
