//! The tests that do not hold, as findings.

use super::words::rule_words;
use super::{IntentReport, TestReport};
use crate::answer::explanation::DirectionReport;
use crate::answer::findings::{Finding, FindingRule, Findings, ToFindings};
use crate::answer::place::Location;
use crate::answer::vocabulary::{Because, TestOutcome};
use crate::lints::Severity;
use crate::verdict::Verdict;

impl ToFindings for IntentReport {
    /// A finding for each test that is not proved, at the rule that breaks it where there is one.
    fn findings(&self) -> Findings {
        let failed = || self.tests.iter().filter(|test| test.outcome != TestOutcome::Proved);
        let severity = |test: &TestReport| match test.outcome {
            TestOutcome::Broken => Severity::Error,
            TestOutcome::NotKnown | TestOutcome::Proved => Severity::Warning,
        };
        let rules = self.tests.iter().map(|test| FindingRule {
            id: test.name.clone(),
            summary: format!("{}.", test.says),
            severity: Severity::Error,
            help: test.reason.clone(),
            page: None,
        });
        let findings = failed().map(|test| {
            let mut places = test.places();
            let own = (test.location.clone(), "the test".to_owned());
            let place = if places.is_empty() { own.0.clone() } else { places.remove(0).0 };
            if place != own.0 {
                places.push(own);
            }
            Finding {
                id: test.name.clone(),
                severity: severity(test),
                message: test.sentence(),
                place: Some(place),
                related: places,
                help: test.mend.first().map(|mend| match &test.witness {
                    Some(witness) => format!("To mend it: {mend} ({}).", witness.explain),
                    None => format!("To mend it: {mend}."),
                }),
            }
        });
        let findings = findings.collect();
        Findings {
            rules: rules.collect(),
            findings,
            complete: self.complete,
            notes: self.missing.iter().map(|missing| format!("{}.", missing.message)).collect(),
        }
    }
}

impl TestReport {
    /// What became of it, what was meant and why, in sentences.
    pub fn sentence(&self) -> String {
        let what = match self.outcome {
            TestOutcome::Proved => "Proved",
            TestOutcome::Broken => "Broken",
            TestOutcome::NotKnown => "Not known",
        };
        let why = self.message.as_deref().map_or(String::new(), |why| format!(": {why}"));
        let reason = self
            .reason
            .as_deref()
            .map_or(String::new(), |reason| format!(" Because: {}.", reason.trim_end_matches('.')));
        format!("{what}{why}. Meant: {}.{reason}", self.says)
    }

    /// The places of the rules that decide, those that let through or come nearest first, each with what it
    /// is.
    pub fn places(&self) -> Vec<(Location, String)> {
        let flows = self.witness.iter().flat_map(|witness| &witness.flows);
        let sides = flows.flat_map(|flow| [&flow.ingress, &flow.egress]);
        let closed = |direction: &DirectionReport| direction.verdict != Verdict::Allowed;
        let mut sides: Vec<_> = sides.collect();
        // Where something is closed, that is the place.
        sides.sort_by_key(|direction| !closed(direction));
        let mut all: Vec<(Location, String)> = Vec::new();
        for direction in sides {
            let tells = matches!(direction.reason, Because::Admitted | Because::Refused)
                || direction.verdict != Verdict::Allowed;
            let policy = direction.policies.first().filter(|_| tells);
            if let Some((policy, place)) = policy.and_then(|it| Some((it, it.location.clone()?))) {
                let what = format!("{}: {}", rule_words(policy), policy.message);
                if all.iter().all(|(known, _)| *known != place) {
                    all.push((place, what));
                }
            }
        }
        all
    }
}
