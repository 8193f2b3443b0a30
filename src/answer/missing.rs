//! What an answer could not look at, so that "nothing" is never said of it.
//!
//! In: a snapshot, its rules, what was found of pods that are written nowhere. Out: a
//! [`MissingReport`] for each thing that is missing; none, and the answer is complete.

use super::end::BroughtBy;
use super::vocabulary::Missing;
use super::warnings;
use crate::cluster::Snapshot;
use crate::policy::Ruleset;
use crate::prose::list;
use crate::unwritten::{Dead, Unwritten};
use foldhash::{HashSet, HashSetExt as _};
use schemars::JsonSchema;
use serde::Serialize;

/// What could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MissingReport {
    /// Why.
    pub why: Missing,
    /// The same in words.
    pub message: String,
    /// The rule that was looked at, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brought_by: Option<BroughtBy>,
}

impl MissingReport {
    pub(super) fn new(why: Missing, message: String) -> Self {
        Self { why, message, brought_by: None }
    }

    /// Something was not looked at to the end.
    pub(super) fn given_up(message: String) -> Self {
        Self::new(Missing::GivenUp, message)
    }

    /// Whether what was asked for is not known for it. What was not read makes an answer incomplete,
    /// and where it could decide a flow the answer has that flow as not known; what was not asked adds
    /// to what is told, and changes none of it.
    pub fn decides(&self) -> bool {
        !matches!(self.why, Missing::Unread | Missing::NotAsked)
    }
}

/// What to do where something that was not read does no harm.
pub(super) const ACCEPT_UNREAD: &str = "--accept-unread=PATH says that it does not matter";

/// More are counted only.
const MOST_NAMED: usize = 3;

/// The first of them, and how many more there are.
pub(super) fn named(all: impl Iterator<Item = String>) -> String {
    let mut seen = HashSet::new();
    let mut all: Vec<String> = all.filter(|name| seen.insert(name.clone())).collect();
    if all.len() > MOST_NAMED + 1 {
        let more = all.len() - MOST_NAMED;
        all.truncate(MOST_NAMED);
        all.push(format!("{more} more"));
    }
    list(&all, "and")
}

/// A sentence on what was not made, and could bring a policy for anyone.
pub fn not_made(snapshot: &Snapshot) -> Option<String> {
    let mut all = snapshot.gaps.iter().filter(|gap| gap.anywhere).map(|gap| gap.what.clone());
    let names = all.next().map(|first| named([first].into_iter().chain(all)))?;
    Some(format!("what is not made of {names} may have a policy that decides; {ACCEPT_UNREAD}"))
}

/// Whether there is neither a workload nor a policy.
pub(super) fn is_empty(snapshot: &Snapshot, rules: &Ruleset) -> bool {
    snapshot.pods().len() == snapshot.representatives().len() && rules.policies().is_empty()
}

/// What a list of very many rules leaves out.
pub(super) const COARSE: &str = "of rules between known pods it was not looked for what pods with \
                                 further labels could do besides: there are too many rules";

/// What is missing of an answer on one side, which may tell nothing at all.
pub(super) fn missing(
    snapshot: &Snapshot,
    rules: &Ruleset,
    unwritten: Option<&Unwritten>,
    nothing_told: bool,
) -> Vec<MissingReport> {
    let mut all = Vec::new();
    if is_empty(snapshot, rules) {
        let message = "the input has no workload and no policy: there is nothing to judge";
        all.push(MissingReport::new(Missing::NothingToJudge, message.to_owned()));
    } else {
        for left in unwritten.into_iter().flat_map(|unwritten| &unwritten.given_up) {
            let mut places = vec![left.source.as_str(), left.destination.as_str()];
            places.dedup();
            let places = list(&places, "and");
            let message =
                format!("pods of {places} that are not written were not looked at to the end");
            let mut one = MissingReport::new(Missing::GivenUp, message);
            one.brought_by = left.brought_by.as_ref().map(BroughtBy::of);
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    if unwritten.is_some_and(|unwritten| unwritten.coarse) {
        // That nothing is allowed is said of what was looked at to the end only.
        let why = if nothing_told { Missing::GivenUp } else { Missing::NotAsked };
        all.push(MissingReport::new(why, COARSE.to_owned()));
    }
    let gap = |gap: &crate::cluster::Gap| {
        MissingReport::new(Missing::Unread, format!("{}: {}", gap.what, gap.why))
    };
    all.extend(not_made(snapshot).map(|message| MissingReport::new(Missing::NotMade, message)));
    all.extend(snapshot.gaps.iter().map(gap));
    all
}

/// Selectors that no pod can ever match, in sentences.
pub(super) fn dead<'a>(all: impl IntoIterator<Item = &'a Dead>) -> Vec<String> {
    all.into_iter().map(warnings::dead).collect()
}
