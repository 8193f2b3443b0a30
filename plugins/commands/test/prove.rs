//! What becomes of tests, of one side or of two.
//!
//! In: what was read, and tests. Out: the answer of `test`, or what a change does to tests, for `diff` and
//! `bootstrap`.

use super::files::Tests;
use crate::cli::Input;
use anyhow::bail;
use netpol::answer::{IntentAsked, IntentReport, Location, TestsOfChange};
use netpol::cluster::Snapshot;
use netpol::effort::Effort;
use netpol::intent::{self, Asks, Judged, Test};
use netpol::reach::Kept;

/// What tests are asked of.
pub(in crate::commands) struct Side<'a> {
    /// What exists, to which pods are added that show something.
    pub snapshot: Snapshot,
    /// The rules, and where everything is written.
    pub input: &'a Input,
    /// The words by which `explain` reads it.
    pub arguments: &'a [String],
}

/// What becomes of tests.
pub(in crate::commands) fn prove(
    side: Side<'_>,
    tests: &Tests,
    effort: Effort,
) -> anyhow::Result<IntentReport> {
    prove_with(side, tests, effort, None)
}

/// The same where it is asked again and again, with who reached whom the last time.
pub(super) fn prove_again(
    side: Side<'_>,
    tests: &Tests,
    effort: Effort,
    kept: &mut Option<Kept>,
) -> anyhow::Result<IntentReport> {
    prove_with(side, tests, effort, Some(kept))
}

fn prove_with(
    side: Side<'_>,
    tests: &Tests,
    effort: Effort,
    kept: Option<&mut Option<Kept>>,
) -> anyhow::Result<IntentReport> {
    let Side { mut snapshot, input, arguments } = side;
    let alone: Vec<Test> = tests.tests.iter().map(|(test, _)| test.clone()).collect();
    let (rules, namespace) = (&input.rules, &input.namespace);
    let judged = match kept {
        Some(kept) => intent::judge_again(&mut snapshot, rules, (&alone, namespace), effort, kept),
        None => intent::judge(&mut snapshot, rules, &alone, namespace, effort),
    };
    let judged = match judged {
        Ok(judged) => judged,
        Err(intent::JudgeError::Mistake(mistake)) => {
            let place = tests.tests.iter().find(|(test, _)| test.name == mistake.test);
            let file = place.map(|(_, place)| place.file.clone());
            bail!("the tests {}: {mistake}", file.unwrap_or_default());
        }
        Err(error) => return Err(error.into()),
    };
    let written = tests.tests.iter().cloned();
    let all: Vec<(Test, Location, Judged)> =
        written.zip(judged).map(|((test, place), judged)| (test, place, judged)).collect();
    let notes: Vec<String> = input.notes.iter().chain(&tests.notes).cloned().collect();
    let asked = IntentAsked { tests: &all, arguments, namespace, notes: &notes };
    Ok(IntentReport::new(&mut snapshot, rules, asked, &*input.locate()))
}

/// What a change does to tests.
pub(in crate::commands) fn of_change(
    sides: [Side<'_>; 2],
    tests: &Tests,
    effort: Effort,
) -> anyhow::Result<TestsOfChange> {
    let [old, new] = sides.map(|side| prove(side, tests, effort));
    Ok(TestsOfChange::new(&old?, new?))
}

/// Whether a test asks what leads in from outside.
pub(in crate::commands) fn looks_in(test: &Test) -> bool {
    match &test.asks {
        Asks::Exposed { .. } => true,
        Asks::Unreachable { from, .. } => from.ends.iter().any(|end| end.text == "internet"),
        _ => false,
    }
}
