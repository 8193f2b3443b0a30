//! What could make an answer wrong, said with every answer that it concerns.
//!
//! In: the remarks on policy objects and the gaps of the snapshot. Out: sentences with their places.

use super::explanation::{Locate, Location};
use crate::cluster::Snapshot;
use crate::policy::{RefusedBy, Remark, Ruleset};
use schemars::JsonSchema;
use serde::Serialize;

/// Something that could make the answer wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Warning {
    /// What, in words.
    pub message: String,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

/// Remarks on the policies that `here` picks: refused ones first, then those that do not do what
/// they seem to.
pub(super) fn remarks(
    rules: &Ruleset,
    here: impl Fn(&Remark) -> bool,
    locate: &Locate<'_>,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for remark in rules.rejected.iter().chain(&rules.lints).filter(|remark| here(remark)) {
        for (message, path) in sentences(remark) {
            let location = locate(&remark.origin, path);
            warnings.push(Warning { message, location });
        }
    }
    warnings
}

/// A sentence for each thing that is said of an object, and the field that it is about.
pub(super) fn sentences(remark: &Remark) -> impl Iterator<Item = (String, &str)> {
    let between = match remark.refused_by {
        Some(RefusedBy::ApiServer) => " would be refused by the API server and is left out:",
        Some(RefusedBy::Agent) => ": the agent rejects it, so that nothing of it is enforced:",
        None => ":",
    };
    remark.faults.iter().map(move |fault| {
        let message = format!("{}{between} {} {}", remark.object, fault.path, fault.message);
        (message, fault.path.as_str())
    })
}

/// What was not read at all.
pub(super) fn gaps(snapshot: &Snapshot) -> impl Iterator<Item = Warning> {
    snapshot.gaps.iter().map(|gap| Warning {
        message: format!("not read: {}: {}", gap.what, gap.why),
        location: None,
    })
}
