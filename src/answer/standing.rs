//! Where a policy stands, as answers have it.
//!
//! In: a place in a tier with a name. Out: a [`PlaceReport`].

use crate::policy::rule::Tier;
use schemars::JsonSchema;
use serde::Serialize;

/// Where a policy stands in tiers with names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlaceReport {
    /// The tier.
    pub tier: String,
    /// What becomes of flows that reach the end of the tier: `Deny` or `Pass`.
    pub default_action: String,
    /// The order of the policy in it; absent: after all that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<serde_json::Number>,
}

impl PlaceReport {
    pub(super) fn of(tier: &Tier) -> Option<Self> {
        let position = tier.position()?;
        let number = position.order.number();
        // A whole number is told as one.
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
        let whole = |number: f64| {
            (number.fract() == 0.0 && number.abs() < 1e15).then(|| (number as i64).into())
        };
        Some(Self {
            tier: position.tier.name.to_string(),
            default_action: position.tier.end.as_str().to_owned(),
            order: number.and_then(|it| whole(it).or_else(|| serde_json::Number::from_f64(it))),
        })
    }
}
