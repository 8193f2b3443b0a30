//! Where policies stand among each other: in tiers, and by order within them.
//!
//! In: what a policy says of its place. Out: a [`Tier`], which sorts as policies are judged.

use crate::cluster::Name;
use std::fmt;
use std::sync::Arc;

/// Where a policy stands among the others: tiers are judged in this order.
///
/// Source: docs/semantics/kubernetes.md#tiers, docs/semantics/cilium-verdicts.md#tiers and
/// docs/semantics/calico.md#tiers. Either all policies of a ruleset stand in tiers with names or none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// Of administrators, before all others: by priority, lower first; the first entry that matches
    /// decides.
    Admin(i32),
    /// NetworkPolicies and Cilium's own: any match of a Deny denies, else any match of an Allow
    /// allows, else an isolating policy denies.
    Normal,
    /// Of administrators, after all others: as [`Tier::Admin`].
    Baseline(i32),
    /// In a tier that has a name, at a place that no other policy has: the first entry that matches
    /// decides, and where none does the end of the tier, if any of its policies selects the subject.
    Named(Arc<Position>),
}

/// A place in a tier with a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The tier.
    pub tier: NamedTier,
    /// The order that the policy was given.
    pub order: Order,
    /// It stands here whatever the release. Where releases put equal orders otherwise and which of them
    /// it is is not known, a policy that some of them have first stands before the others a second time,
    /// as one that only perhaps selects.
    pub settled: bool,
    /// What decides between equal orders.
    pub key: Box<str>,
    /// Which part of the policy it is, where it was taken apart.
    pub part: u32,
    /// What decides between equal orders in earlier releases, where the release is not known.
    pub earlier: Option<Box<str>>,
}

/// The tier of policies that name none.
pub(super) const DEFAULT_TIER: &str = "default";

/// A tier with a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NamedTier {
    /// The order that it was given.
    pub order: Order,
    /// Its name.
    pub name: Name,
    /// What becomes of a flow of which no policy of the tier says anything, if one selects the
    /// subject.
    pub end: TierEnd,
}

impl NamedTier {
    /// Whether it is that of policies which name none, NetworkPolicies among them.
    pub fn is_default(&self) -> bool {
        *self.name == *DEFAULT_TIER
    }
}

/// What a tier does with flows that reach its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TierEnd {
    /// It drops them.
    Deny,
    /// It leaves them to the next tier.
    Pass,
}

impl TierEnd {
    /// `Deny` or `Pass`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "Deny",
            Self::Pass => "Pass",
        }
    }
}

/// An order as it was given, lower first; what has none comes last.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Order(u64);

impl Order {
    /// Of what was given none.
    pub const LAST: Self = Self(u64::MAX);

    /// A number.
    pub fn of(number: f64) -> Self {
        // Numbers that are not negative sort by their bits, the others the other way round.
        let bits = (number + 0.0).to_bits();
        Self(if bits >> 63 == 0 { bits | 1 << 63 } else { !bits })
    }

    /// The number, if one was given.
    pub fn number(self) -> Option<f64> {
        let bits = if self.0 >> 63 == 1 { self.0 & !(1 << 63) } else { !self.0 };
        (self != Self::LAST).then(|| f64::from_bits(bits))
    }
}

impl From<Option<f64>> for Order {
    fn from(order: Option<f64>) -> Self {
        order.map_or(Self::LAST, Self::of)
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number() {
            Some(number) => write!(f, "{number}"),
            None => f.write_str("last"),
        }
    }
}

impl Tier {
    /// `Admin`, `Normal`, `Baseline` or the name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Admin(_) => "Admin",
            Self::Normal => "Normal",
            Self::Baseline(_) => "Baseline",
            Self::Named(position) => &position.tier.name,
        }
    }

    /// The priority of an administrator's policy, lower first.
    pub fn priority(&self) -> Option<i32> {
        match self {
            Self::Admin(priority) | Self::Baseline(priority) => Some(*priority),
            Self::Normal | Self::Named(_) => None,
        }
    }

    /// The place in a tier with a name.
    pub fn position(&self) -> Option<&Position> {
        match self {
            Self::Named(position) => Some(position),
            Self::Admin(_) | Self::Normal | Self::Baseline(_) => None,
        }
    }

    /// Whether the first entry that matches decides.
    pub fn is_ordered(&self) -> bool {
        *self != Self::Normal
    }

    /// Whether it stands before or after the tier in which others isolate.
    pub fn is_administrators(&self) -> bool {
        matches!(self, Self::Admin(_) | Self::Baseline(_))
    }

    /// Whether two places are in one tier with a name.
    pub fn is_beside(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Named(one), Self::Named(other)) => one.tier == other.tier,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_sort_as_numbers() {
        let all = [-1e9, -2.5, -0.0, 0.5, 1.0, 1000.0, 1000.5, 1e300];
        let orders: Vec<Order> = all.into_iter().map(Order::of).collect();
        assert!(orders.is_sorted() && *orders.last().unwrap() < Order::LAST);
        assert_eq!(Order::of(-0.0), Order::of(0.0));
        let numbers: Vec<f64> = orders.iter().filter_map(|order| order.number()).collect();
        assert_eq!(numbers, all);
        assert_eq!((Order::LAST.number(), Order::from(None)), (None, Order::LAST));
    }
}
