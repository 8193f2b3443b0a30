//! JUnit's XML, which test runners and CI systems read.
//!
//! In: the answer of `test`. Out: one suite for each file of tests, with a case for each test. What is broken is a
//! failure; what is not known is an error, since runners have no third word that fails.
//!
//! Source: the schema of Jenkins' xUnit plugin for JUnit, `junit-10.xsd`.

use super::escape::xml;
use netpol::answer::{IntentReport, TestOutcome, TestReport};
use std::io::{self, Write};

/// Writes the answer as XML.
pub(super) fn intent(report: &IntentReport, out: &mut dyn Write) -> io::Result<()> {
    let count = |tests: &[&TestReport], outcome| {
        tests.iter().filter(|test| test.outcome == outcome).count()
    };
    let all: Vec<&TestReport> = report.tests.iter().collect();
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites name="kubectl netpol test" tests="{}" failures="{}" errors="{}">"#,
        all.len(),
        count(&all, TestOutcome::Broken),
        count(&all, TestOutcome::NotKnown),
    )?;
    for suite in all.chunk_by(|a, b| a.location.file == b.location.file) {
        let file = suite.first().map_or("", |test| &test.location.file);
        writeln!(
            out,
            r#"  <testsuite name="{}" tests="{}" failures="{}" errors="{}" skipped="0" time="0">"#,
            xml(file),
            suite.len(),
            count(suite, TestOutcome::Broken),
            count(suite, TestOutcome::NotKnown),
        )?;
        suite.iter().try_for_each(|test| case(test, out))?;
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn case(test: &TestReport, out: &mut dyn Write) -> io::Result<()> {
    let (name, class) = (xml(&test.name), xml(&test.location.file));
    let element = match test.outcome {
        TestOutcome::Proved => {
            return writeln!(out, r#"    <testcase name="{name}" classname="{class}" time="0"/>"#);
        }
        TestOutcome::Broken => "failure",
        TestOutcome::NotKnown => "error",
    };
    writeln!(out, r#"    <testcase name="{name}" classname="{class}" time="0">"#)?;
    let message = test.message.as_deref().unwrap_or(&test.says);
    write!(out, r#"      <{element} message="{}" type="{}">"#, xml(message), test.outcome)?;
    let mut lines = vec![format!("{} ({})", test.says, test.scope_words)];
    lines.extend(test.reason.iter().map(|reason| format!("because: {reason}")));
    lines.push(format!("at {}", test.location));
    lines.extend(test.places().into_iter().map(|(place, what)| format!("{place}: {what}")));
    lines.extend(test.witness.iter().map(|witness| witness.explain.clone()));
    lines.extend(test.mend.iter().map(|mend| format!("to mend it: {mend}")));
    for line in lines {
        write!(out, "\n{}", xml(&line))?;
    }
    writeln!(out, "\n      </{element}>\n    </testcase>")
}
