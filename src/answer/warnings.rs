//! What could make an answer wrong, said with every answer that it concerns.
//!
//! In: the remarks on policy objects and the gaps of the snapshot. Out: sentences with their places.

use super::place::{Locate, Location, short};
use crate::cluster::Snapshot;
use crate::lints::Lint;
use crate::policy::{RefusedBy, Remark, Ruleset};
use crate::unwritten::Dead;
use foldhash::{HashMap, HashMapExt as _};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write as _;

/// Something that could make the answer wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Warning {
    /// What, in words.
    pub message: String,
    /// By which lint it is told, where it is one: `lint` tells the same, and more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lint: Option<Lint>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// What warnings that say the same of other things have in common; text tells one of them.
    #[serde(skip)]
    pub like: Option<String>,
}

impl Warning {
    /// One that is like no other.
    pub fn new(message: String, location: Option<Location>) -> Self {
        Self { message, lint: None, location, like: None }
    }

    /// Warnings for text: of those that say the same of other things the first, with how many there are.
    pub fn told_once<'a>(all: impl IntoIterator<Item = &'a Self>) -> Vec<Self> {
        let mut told: Vec<(Self, usize)> = Vec::new();
        let mut first: HashMap<&str, usize> = HashMap::new();
        for warning in all {
            if let Some(at) = warning.like.as_deref().and_then(|like| first.get(like)) {
                told[*at].1 += 1;
                continue;
            }
            first.extend(warning.like.as_deref().map(|like| (like, told.len())));
            told.push((warning.clone(), 0));
        }
        let counted = told.into_iter().map(|(mut warning, more)| {
            if more > 0 {
                let _ = write!(warning.message, " (and {more} more like it)");
            }
            warning
        });
        counted.collect()
    }
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
        for (i, (message, path)) in sentences(remark).into_iter().enumerate() {
            let location = locate(&remark.origin, path);
            let fault = remark.faults.get(i);
            let told = fault.filter(|_| remark.refused_by.is_none());
            let like = told.map(|fault| fault.message.clone());
            let lint = fault.map(|fault| remark.lint(fault));
            warnings.push(Warning { message, lint, location, like });
        }
    }
    warnings
}

/// What is said of each object that is refused.
pub fn rejections(rules: &Ruleset) -> impl Iterator<Item = String> {
    rules.rejected.iter().flat_map(sentences).map(|(message, _)| message)
}

/// How many faults of one object are said.
const FAULTS: usize = 3;

/// What is said of an object, and the field that it is about: one sentence of one that is refused,
/// however much is wrong with it, else one for each remark.
pub(super) fn sentences(remark: &Remark) -> Vec<(String, &str)> {
    let all = remark
        .faults
        .iter()
        .map(|fault| format!("{} {}", fault.path, fault.message).trim_start().to_owned());
    let paths = remark.faults.iter().map(|fault| fault.path.as_str());
    let between = match remark.refused_by {
        Some(RefusedBy::ApiServer) => " would be refused by the API server and is left out",
        Some(RefusedBy::Agent) => ": the agent rejects it, so that nothing of it is enforced",
        None => return all.map(|said| format!("{}: {said}", remark.object)).zip(paths).collect(),
    };
    let mut faults: Vec<String> = all.take(FAULTS).collect();
    match remark.faults.len().saturating_sub(FAULTS) {
        0 => {}
        more => faults.push(format!("and {more} more")),
    }
    let message = format!("{}{between}: {}", remark.object, faults.join("; "));
    paths.take(1).map(|path| (message.clone(), path)).collect()
}

/// A selector that nothing can match, with where it stands.
pub(super) fn dead(dead: &Dead) -> String {
    let Dead { at, selector } = dead;
    let place = [at.object.to_string(), short(&at.path).to_owned()];
    let place = place.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>();
    format!("{}: nothing can match {selector}", place.join(" "))
}

/// What was not read at all.
pub(super) fn gaps(snapshot: &Snapshot) -> impl Iterator<Item = Warning> {
    snapshot.gaps.iter().map(|gap| Warning {
        message: format!("not read: {}: {}", gap.what, gap.why),
        lint: None,
        location: None,
        // Of what has a name that is not known, all but the name.
        like: Some(match gap.why.split_once(": ") {
            Some((named, rest)) if named.contains("${") => rest.to_owned(),
            _ => gap.why.clone(),
        }),
    })
}
