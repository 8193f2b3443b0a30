//! `test --draft`: a first file of tests, from what holds now.
//!
//! In: what is read, as `test` reads it. Out: the file on stdout, and on stderr what was not drafted. What was not
//! all read would prove nothing when it is read again, so nothing is written then.

use super::files::Tests;
use super::prove::{Side, prove};
use crate::cli::{Exit, GlobalArgs, InputArgs, Progress, answer, error, warn};
use anyhow::bail;
use netpol::answer::TestOutcome;
use netpol::intent;

pub(super) fn draft(
    input: &InputArgs,
    arguments: &[String],
    global: &GlobalArgs,
) -> anyhow::Result<Exit> {
    let effort = global.limits().effort;
    let input = InputArgs { entrances: true, ..input.clone() }.read(global)?;
    let progress = Progress::slow(global.color, "looking for what holds");
    let drafted = intent::draft(&input.snapshot, &input.rules, effort)?;
    if drafted.tests == 0 {
        let Some(gap) = input.snapshot.gaps.first() else {
            bail!(
                "no draft: nothing is known to hold here that a test could say: no pods are known, or \
                 nothing is closed"
            );
        };
        let why = format!("no draft: not all of the input was read: {}: {}", gap.what, gap.why);
        error(global.color, &why);
        return Ok(Exit::Unknown);
    }
    let tests = Tests::of_text("draft", &drafted.text)?;
    let side = Side { snapshot: input.snapshot.clone(), input: &input, arguments };
    let report = prove(side, &tests, effort)?;
    drop(progress);
    if let Some(test) = report.tests.iter().find(|test| test.outcome != TestOutcome::Proved) {
        let why = test.message.as_deref().unwrap_or("nothing is known of it");
        error(global.color, &format!("no draft: {}: {why}", test.name));
        return Ok(Exit::Unknown);
    }
    answer(global.color, &drafted.text)?;
    for what in &drafted.left_out {
        warn(global.color, what);
    }
    Ok(Exit::Success)
}
