//! What closing a namespace does to tests, before it is done: `--tests FILE`.
//!
//! In: the policies that are to be written, and those that are to go. Out: lines on stderr, and why nothing is to be
//! written where a test that held would be broken. The whole cluster is read as `test` reads it.

use super::apply::Prepared;
use super::{Failure, Run};
use crate::cli::{Input, InputArgs, note};
use crate::commands::test::{self, Tests};
use netpol::answer::{TestOutcome, TestReport, TestsOfChange};
use netpol::cluster::{Gap, Origin};
use netpol::kinds::Kind;
use netpol::objects::{Objects, fact_from_json};
use netpol_sources::live::{Connection, Error};
use netpol_sources::manifests::Locator;

impl Run<'_> {
    /// Tells what the change does to the tests; gives back why it is not to be done where it breaks one.
    pub(super) async fn broken_tests(
        &self,
        connection: &Connection,
        prepared: &Prepared,
    ) -> Result<Option<Failure>, Failure> {
        let tests = &self.plan.tests;
        if tests.tests.is_empty() {
            return Ok(None);
        }
        let namespace = &*prepared.namespace;
        self.progress.say(&format!("{namespace}: proving tests"));
        let objects = read(connection, namespace, tests).await.map_err(|error| {
            let failure = Failure::from(error);
            let why = format!("{}; nothing was written", failure.why);
            Failure { why, ..failure }
        })?;
        let after = self.after(&objects, prepared)?;
        let flags = InputArgs::default();
        let input = |objects| {
            flags.input(objects, Locator::default(), connection.namespace().to_owned(), Vec::new())
        };
        let mut inputs = [input(objects), input(after)];
        Input::judge_alike(&mut inputs);
        let sides = inputs.each_ref().map(|input| test::Side {
            snapshot: input.snapshot.clone(),
            input,
            arguments: &[],
        });
        let effort = self.global.limits().effort;
        let change = test::of_change(sides, tests, effort)?;
        let mut lines = told(namespace, &change);
        lines.extend(tests.notes.iter().cloned());
        let broken = change.worse.iter().filter(|test| test.outcome == TestOutcome::Broken);
        let names: Vec<String> = broken.map(|test| format!("{:?}", test.name)).collect();
        self.progress.aside(|| note(&lines));
        let s = if names.len() == 1 { "" } else { "s" };
        let why = format!(
            "it would break the test{s} {} (above): allow what is missing, or leave --tests out to close it all the \
             same; nothing was written",
            netpol::prose::list(&names, "and")
        );
        Ok((!names.is_empty()).then_some(Failure { why, of_server: false }))
    }

    /// The cluster as it would be.
    fn after(&self, objects: &Objects, prepared: &Prepared) -> Result<Objects, Failure> {
        let mut after = objects.clone();
        let (wanted, stale) = prepared.wanted();
        for policy in stale.into_iter().filter(|_| self.plan.prune) {
            after.remove_policy(policy);
        }
        for policy in wanted {
            after.insert_policy(policy);
        }
        if let Some(space) = prepared.space_after() {
            let found = fact_from_json(Kind::Namespace, &space.to_string())
                .map_err(|why| Failure { why, of_server: false })?;
            after.insert(found, Origin::Synthetic);
        }
        Ok(after)
    }
}

/// The cluster, or as much of it as may be read.
async fn read(connection: &Connection, namespace: &str, tests: &Tests) -> Result<Objects, Error> {
    let mut objects = match connection.whole(None).await {
        Err(Error::Forbidden(why)) => {
            let mut objects = connection.whole(Some(namespace)).await?;
            objects.gaps.push(Gap::new("other namespaces".to_owned(), why.to_string()));
            objects
        }
        read => read?,
    };
    if tests.tests.iter().any(|(test, _)| test::looks_in(test)) {
        connection.add_entrances(&mut objects).await?;
    }
    Ok(objects)
}

/// What is told of a namespace.
fn told(namespace: &str, change: &TestsOfChange) -> Vec<String> {
    let mut lines = vec![format!("{namespace}: {}", change.headline())];
    lines.extend(change.worse.iter().flat_map(worse));
    let names = |names: &[String], word: &str| -> Vec<String> {
        names.iter().map(|name| format!("  {word}: {name}")).collect()
    };
    lines.extend(names(&change.mended, "mended"));
    lines.extend(names(&change.still_broken, "broken as before"));
    lines
}

/// A test that comes out worse: what becomes of it, what is meant, why, and where it is written.
fn worse(test: &TestReport) -> Vec<String> {
    let word = if test.outcome == TestOutcome::Broken { "broken" } else { "not known any more" };
    let message = test.message.as_deref().unwrap_or("nothing is known of it");
    let mut lines = vec![format!("  {word}: {}: {message}", test.name)];
    lines.push(format!("    meant: {} ({})", test.says, test.scope_words));
    lines.extend(test.reason.iter().map(|reason| format!("    because: {reason}")));
    lines.push(format!("    {}", test.location));
    lines
}
