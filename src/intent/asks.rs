//! What a test is, however it was written.
//!
//! In: nothing. Out: a [`Test`], with its ends as words and what is to hold of them; `file.rs` reads them from our
//! own files and `netassert.rs` from those of NetAssert.

use super::words::{Directions, Ends, PortWords, TestScope};

/// The tests of a file.
#[derive(Clone, Debug, Default)]
pub struct TestFile {
    /// Its tests, in order.
    pub tests: Vec<Test>,
    /// What of the file is not looked at, as a sentence without its end.
    pub note: Option<&'static str>,
}

/// One test.
#[derive(Clone, Debug)]
pub struct Test {
    /// What it is called.
    pub name: String,
    /// Why it is meant so.
    pub reason: Option<String>,
    /// For which pods it is to hold.
    pub scope: TestScope,
    /// What passes on a condition counts as passing.
    pub on_condition: bool,
    /// An end may match nothing.
    pub may_be_empty: bool,
    /// The namespace of names that come without one, where the file says so.
    pub namespace: Option<String>,
    /// What is to hold.
    pub asks: Asks,
    /// Why it cannot be known whatever policies say, as a sentence without its end.
    pub unclear: Option<String>,
    /// What it asks besides and is not looked at, as sentences without their end.
    pub notes: Vec<String>,
    /// Where in the file it stands: line and column, from 1.
    pub at: (u32, u32),
}

/// What is to hold.
#[derive(Clone, Debug)]
pub enum Asks {
    /// Every flow passes.
    Allow {
        /// Who opens connections.
        from: Ends,
        /// Who takes them.
        to: Ends,
        /// The ports; none for any.
        ports: Vec<PortWords>,
    },
    /// None does.
    Deny {
        /// Who opens connections.
        from: Ends,
        /// Who takes them.
        to: Ends,
        /// The ports; none for any.
        ports: Vec<PortWords>,
    },
    /// Nobody else reaches `to`.
    Only {
        /// Who may.
        from: Ends,
        /// Who is reached.
        to: Ends,
        /// The ports; none for any.
        ports: Vec<PortWords>,
    },
    /// `from` reaches nobody else.
    OnlyTo {
        /// Who reaches.
        from: Ends,
        /// Whom it may reach.
        to: Ends,
        /// The ports; none for any.
        ports: Vec<PortWords>,
    },
    /// Nothing passes in either direction.
    Isolated {
        /// The one.
        between: Ends,
        /// The other.
        and: Ends,
        /// The ports; none for any.
        ports: Vec<PortWords>,
    },
    /// Every pod is isolated.
    DefaultDeny {
        /// Whose pods.
        namespaces: Ends,
        /// In which directions.
        directions: Directions,
    },
    /// Names can be asked for.
    Dns {
        /// By whom.
        from: Ends,
        /// At which ports.
        ports: Vec<PortWords>,
    },
    /// Nothing else is reached from the internet.
    Exposed {
        /// What may be.
        only: Ends,
        /// The ports; none for any.
        ports: Vec<PortWords>,
    },
    /// No way leads there.
    Unreachable {
        /// Where it begins.
        from: Ends,
        /// Where it must not lead.
        to: Ends,
        /// Within so many hops.
        max_hops: Option<usize>,
    },
}

impl Asks {
    /// Its word in a file.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Allow { .. } => "allow",
            Self::Deny { .. } => "deny",
            Self::Only { .. } => "only",
            Self::OnlyTo { .. } => "only-to",
            Self::Isolated { .. } => "isolated",
            Self::DefaultDeny { .. } => "default-deny",
            Self::Dns { .. } => "dns",
            Self::Exposed { .. } => "exposed",
            Self::Unreachable { .. } => "unreachable",
        }
    }

    /// All sets of ends of it.
    pub(super) fn sets(&self) -> Vec<&Ends> {
        match self {
            Self::Allow { from, to, .. }
            | Self::Deny { from, to, .. }
            | Self::Only { from, to, .. }
            | Self::OnlyTo { from, to, .. }
            | Self::Unreachable { from, to, .. } => vec![from, to],
            Self::Isolated { between, and, .. } => vec![between, and],
            Self::DefaultDeny { namespaces: one, .. }
            | Self::Dns { from: one, .. }
            | Self::Exposed { only: one, .. } => vec![one],
        }
    }

    /// Whether it is that something passes, and not that nothing does.
    pub(super) fn is_of_passing(&self) -> bool {
        matches!(self, Self::Allow { .. } | Self::Dns { .. })
    }

    /// Why no cluster could fulfil it, or any would.
    pub(super) fn contradiction(&self) -> Option<String> {
        let same = |one: &Ends, other: &Ends| {
            one.except.is_empty() && other.except.is_empty() && one.ends == other.ends
        };
        let (one, other) = match self {
            Asks::Only { from, to, .. } | Asks::OnlyTo { from, to, .. } => {
                let own = if matches!(self, Asks::Only { .. }) { to } else { from };
                if own.ends.is_empty() {
                    return Some("of nobody nothing can be said: name an end".to_owned());
                }
                return None;
            }
            Asks::Isolated { between, and, .. } => (between, and),
            Asks::Unreachable { max_hops: Some(0), .. } => {
                return Some("by no hop nothing is reached: give max-hops at least 1".to_owned());
            }
            Asks::Unreachable { from, to, .. } => (from, to),
            _ => return None,
        };
        same(one, other).then(|| {
            "both ends are the same, and what is there reaches itself: name two that differ"
                .to_owned()
        })
    }
}
