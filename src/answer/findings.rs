//! What is wrong, and where: one typed list, from which code scanning, pull requests and test runners are
//! told.
//!
//! In: what `test` or `lint` found. Out: a [`Findings`]: its [`FindingRule`]s, each once, and every
//! [`Finding`] with the place at which it is to be shown. `render/sarif.rs` and `render/github.rs` write it,
//! and know nothing else of an answer; an answer that comes in these formats says of itself what its
//! findings are ([`ToFindings`]).

use super::place::Location;
use crate::lints::Severity;

/// What was found, for formats that know findings only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The rules that findings are of, each once.
    pub rules: Vec<FindingRule>,
    /// What was found, in the order of the answer.
    pub findings: Vec<Finding>,
    /// Everything was looked at: no finding means that nothing is wrong.
    pub complete: bool,
    /// What was not looked at, and what else makes the answer less than it seems, in sentences.
    pub notes: Vec<String>,
}

/// What findings of one kind have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingRule {
    /// Its stable name, such as `dead-rule` or the name of a test.
    pub id: String,
    /// What it is about, in a sentence.
    pub summary: String,
    /// How bad a finding of it is, unless the finding says otherwise.
    pub severity: Severity,
    /// What to do about it, in a sentence or more.
    pub help: Option<String>,
    /// Where it is written about.
    pub page: Option<String>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that it is of.
    pub id: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is, in a sentence or more.
    pub message: String,
    /// Where it is to be mended, if that is known.
    pub place: Option<Location>,
    /// Other places that bear on it, each with what it is.
    pub related: Vec<(Location, String)>,
    /// What would mend it.
    pub help: Option<String>,
}

/// An answer that can be told as findings.
pub trait ToFindings {
    /// What it found.
    fn findings(&self) -> Findings;
}
