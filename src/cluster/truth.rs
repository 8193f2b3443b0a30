//! Yes, no, or not known: the logic of everything that is judged from partial knowledge.

use schemars::JsonSchema;
use serde::Serialize;

/// A truth value in Kleene's three-valued logic.
///
/// `Unknown` says that the snapshot lacks what would decide, never that nothing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub enum Truth {
    /// It holds, whatever the unknown parts turn out to be.
    Yes,
    /// It depends on something that is not known.
    Unknown,
    /// It does not hold, whatever the unknown parts turn out to be.
    No,
}

impl Truth {
    /// Both hold. No wins over Unknown.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unknown,
        }
    }

    /// At least one holds. Yes wins over Unknown.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::No, Self::No) => Self::No,
            _ => Self::Unknown,
        }
    }

    /// It does not hold.
    #[must_use]
    #[expect(
        clippy::should_implement_trait,
        reason = "the operator would hide that it has three values"
    )]
    pub fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::Unknown => Self::Unknown,
            Self::No => Self::Yes,
        }
    }

    /// Whether at least one of `all` holds; No for none at all.
    pub fn any(all: impl IntoIterator<Item = Self>) -> Self {
        let mut any = Self::No;
        for one in all {
            any = any.or(one);
            if any == Self::Yes {
                break;
            }
        }
        any
    }

    /// Whether each of `all` holds; Yes for none at all.
    pub fn all(all: impl IntoIterator<Item = Self>) -> Self {
        let mut every = Self::Yes;
        for one in all {
            every = every.and(one);
            if every == Self::No {
                break;
            }
        }
        every
    }

    /// Whether it certainly holds.
    pub fn is_yes(self) -> bool {
        self == Self::Yes
    }

    /// Whether it certainly does not hold.
    pub fn is_no(self) -> bool {
        self == Self::No
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{No, Unknown, Yes};

    #[test]
    fn kleene_tables() {
        for (a, b, and, or) in [
            (Yes, Yes, Yes, Yes),
            (Yes, No, No, Yes),
            (Yes, Unknown, Unknown, Yes),
            (No, No, No, No),
            (No, Unknown, No, Unknown),
            (Unknown, Unknown, Unknown, Unknown),
        ] {
            assert_eq!((a.and(b), a.or(b)), (and, or), "{a:?} {b:?}");
            assert_eq!((b.and(a), b.or(a)), (and, or), "{b:?} {a:?}");
        }
    }
}
