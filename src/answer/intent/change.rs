//! What a change does to tests.
//!
//! In: the answers of both sides to the same tests. Out: a [`TestsOfChange`].

use super::{IntentReport, TestReport};
use crate::answer::vocabulary::TestOutcome;
use schemars::JsonSchema;
use serde::Serialize;

/// What a change does to tests.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TestsOfChange {
    /// How many were asked of both sides.
    pub asked: usize,
    /// Those that come out worse than before: broken, or not known any more.
    pub worse: Vec<TestReport>,
    /// The names of those that hold now and did not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mended: Vec<String>,
    /// The names of those that are broken on both sides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub still_broken: Vec<String>,
}

impl TestsOfChange {
    /// What became of the same tests on both sides.
    pub fn new(old: &IntentReport, new: IntentReport) -> Self {
        let rank = |outcome| match outcome {
            TestOutcome::Proved => 0,
            TestOutcome::NotKnown => 1,
            TestOutcome::Broken => 2,
        };
        let mut all = Self {
            asked: new.tests.len(),
            worse: Vec::new(),
            mended: Vec::new(),
            still_broken: Vec::new(),
        };
        for (before, now) in old.tests.iter().zip(new.tests) {
            let (was, is) = (before.outcome, now.outcome);
            if rank(is) > rank(was) {
                all.worse.push(now);
            } else if is == TestOutcome::Proved && was != TestOutcome::Proved {
                all.mended.push(now.name);
            } else if is == TestOutcome::Broken {
                all.still_broken.push(now.name);
            }
        }
        all
    }

    /// Whether the change breaks a test, and whether one is not known any more.
    pub fn breaks(&self) -> (bool, bool) {
        let has = |outcome| self.worse.iter().any(|test| test.outcome == outcome);
        (has(TestOutcome::Broken), has(TestOutcome::NotKnown))
    }

    /// In a sentence without its end: `7 tests: 1 worse, 2 mended`.
    pub fn headline(&self) -> String {
        let s = if self.asked == 1 { "" } else { "s" };
        let parts: Vec<String> = [
            (self.worse.len(), "worse than before"),
            (self.mended.len(), "mended"),
            (self.still_broken.len(), "broken as before"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
        let parts = if parts.is_empty() { "as before".to_owned() } else { parts.join(", ") };
        format!("{} test{s}: {parts}", self.asked)
    }
}
