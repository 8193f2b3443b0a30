//! Which of the API server's calls closing a namespace would cut.
//!
//! In: what was read of a cluster, and the policies that are to be written. Out: lines for the preview.

use netpol::cluster::Name;
use netpol::policy::{Enforcer, Ruleset};
use netpol::prose;
use netpol::system::changes;
use netpol_sources::live::Survey;
use serde_json::Value;

/// A line for each call that would be cut, or may be; `closes` says whether anything is closed at all,
/// without which what is not known does not matter.
pub(super) fn calls_cut(
    survey: &Survey,
    namespace: &str,
    policies: (&[&Value], &[&Value]),
    closes: bool,
) -> Vec<String> {
    let here = |all: &[Name]| all.iter().any(|name| **name == *namespace);
    calls_cut_in(survey, namespace, &here, policies, closes)
}

/// The same of several namespaces, which together are called `place`.
pub(super) fn calls_cut_in(
    survey: &Survey,
    place: &str,
    here: &dyn Fn(&[Name]) -> bool,
    (wanted, gone): (&[&Value], &[&Value]),
    closes: bool,
) -> Vec<String> {
    let mut before = survey.objects.clone();
    before.overlay(survey.system.clone());
    let mut after = before.clone();
    for policy in gone {
        after.remove_policy(policy);
    }
    for policy in wanted {
        after.insert_policy(policy);
    }
    let enforcer = before.enforcer.clone().map_or_else(Enforcer::default, |(enforcer, _)| enforcer);
    let sides = [before, after].map(|objects| {
        let (snapshot, mut written) = objects.assemble();
        // What is not judged may let through what is open now: what closes is told as if it did.
        written.others.clear();
        let rules = Ruleset::compile(&written, &snapshot, &enforcer);
        (snapshot, rules)
    });
    let [old, new] = &sides;
    let (changes, missing) = changes((&old.0, &old.1), (&new.0, &new.1), here);
    let cut = changes.iter().filter(|change| change.closes());
    let mut lines: Vec<String> =
        cut.map(|change| format!("{place}: {}", change.sentence())).collect();
    if closes && !missing.is_empty() {
        let what = prose::list(&missing, "and");
        lines.push(format!("{place}: whether calls of the API server would be cut: {what}"));
    }
    lines
}
