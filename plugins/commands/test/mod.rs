//! `test`: whether policies do what is meant of them, proved for every pod that there is and could be.

mod files;

pub(super) use files::read;

use super::list::ListArgs;
use crate::cli::{
    Exit, GlobalArgs, Input, InputArgs, OutputArgs, Progress, answer, show, show_map,
};
use crate::render::{Format, Pictured};
use anyhow::{bail, ensure};
use clap::{Args, ValueHint};
use netpol::answer::{IntentAsked, IntentReport, Location, TestOutcome};
use netpol::cluster::Snapshot;
use netpol::effort::Effort;
use netpol::intent::{self, Asks, Judged, Test};
use netpol_sources::address::without_user;
use std::path::{Path, PathBuf};

/// Arguments of `test`.
#[derive(Args, Clone, Debug)]
#[command(
    override_usage = "kubectl netpol test [FILE…] [OPTIONS]",
    after_help = AFTER_HELP
)]
pub struct TestArgs {
    /// Files of tests, - for stdin; without one netpol-test.yaml and every *.netpol-test.yaml below the
    /// directories of -f, or below this one
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    tests: Vec<PathBuf>,

    /// Only tests whose name has this in it; repeatable
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,

    /// End with 0 where tests are not known, as if they were proved
    #[arg(long)]
    allow_unknown: bool,

    /// Print the JSON Schema of a file of tests and do nothing else
    #[arg(long)]
    file_schema: bool,

    #[command(flatten)]
    output: OutputArgs<IntentReport>,

    #[command(flatten)]
    input: InputArgs,
}

/// The end of `test --help`.
const AFTER_HELP: &str = "\
Examples:
  # Does what we meant still hold? Reads netpol-test.yaml below k8s/
  kubectl netpol test -f k8s/

  # The same of what Flux makes of a repository, for a pull request
  kubectl netpol test intentions.yaml -f flux:. -o github

  # The same of the live cluster, for a test runner
  kubectl netpol test intentions.yaml -o junit

  # What breaks them, on a map for the browser
  kubectl netpol test -f k8s/ -o html > tests.html

A file of tests:
  apiVersion: netpol/v1alpha1
  kind: Test
  tests:
  - name: nobody reaches the database but the API
    reason: the database has no users of its own
    only: {to: prod/sts/db, from: [prod/deploy/api], ports: [5432]}
  - name: dev never reaches prod
    deny: {from: ns/dev, to: ns/prod}
  - name: every namespace is closed
    default-deny: {namespaces: anyone, except: ns/kube-system}
    scope: written-namespaces

A test has one of allow, deny, only, only-to, isolated, default-deny, dns, exposed
and unreachable. Ends are those of explain, and nodes. What must not pass is
proved for every pod that could be, unless scope narrows it.

Exit codes:
  0 all proved   1 one is broken   2 error   3 one is not known, and none broken";

impl TestArgs {
    /// Runs the command.
    pub fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        if self.file_schema {
            let schema = serde_json::to_string_pretty(&intent::schema())?;
            answer(global.color, &(schema + "\n"))?;
            return Ok(Exit::Success);
        }
        if self.output.schema {
            return super::print_schema::<IntentReport>(global);
        }
        let tests = self.tests(global)?;
        let format = self.output.format();
        let picture = format == Format::Html;
        let entrances = picture || tests.iter().any(|(test, _)| looks_in(test));
        let reads = InputArgs { entrances, ..self.input.clone() };
        let mut input = reads.read(global)?;
        let progress = Progress::slow(global.color, "proving tests");
        // A picture shows all of it, without what tests add.
        let snapshot =
            if picture { input.snapshot.clone() } else { std::mem::take(&mut input.snapshot) };
        let report =
            prove(snapshot, &input, tests, &self.arguments(global), global.limits().effort)?;
        drop(progress);
        if picture {
            // -n is only where names without a namespace are.
            let global = GlobalArgs { namespace: None, ..global.clone() };
            let asked = ListArgs::of(self.input.clone());
            let (list, _) = asked.answer(&global, &mut input, true, |_| ())?;
            let (list, tests) = (Some(&list), Some(&report));
            show_map(global.color, Pictured { list, tests, observed: None })?;
        } else {
            show(global.color, &report, format)?;
        }
        Ok(self.exit(&report))
    }

    fn exit(&self, report: &IntentReport) -> Exit {
        let has = |outcome| report.tests.iter().any(|test| test.outcome == outcome);
        if has(TestOutcome::Broken) {
            return Exit::Found;
        }
        if has(TestOutcome::NotKnown) && !self.allow_unknown {
            return Exit::Unknown;
        }
        Exit::Success
    }

    /// The tests that are asked, with their places.
    fn tests(&self, global: &GlobalArgs) -> anyhow::Result<Vec<(Test, Location)>> {
        let paths = if self.tests.is_empty() {
            let directories = self.input.filename.iter().filter(|path| path.is_dir());
            let mut directories: Vec<PathBuf> = directories.cloned().collect();
            if directories.is_empty() {
                directories.push(PathBuf::from("."));
            }
            let found = files::below(&directories, global.limits().files)?;
            ensure!(
                !found.is_empty(),
                "no tests: name a file, or write netpol-test.yaml (--help has one to begin with)"
            );
            found.into_iter().map(|path| plain(&path)).collect()
        } else {
            self.tests.clone()
        };
        let stdin = |paths: &[PathBuf]| paths.iter().filter(|path| path.as_os_str() == "-").count();
        ensure!(
            stdin(&paths) + stdin(&self.input.filename) <= 1,
            "stdin can be read once: name files instead of -"
        );
        let mut tests = files::read(&paths)?;
        if !self.only.is_empty() {
            tests.retain(|(test, _)| self.only.iter().any(|only| test.name.contains(only)));
            ensure!(!tests.is_empty(), "no test has {:?} in its name", self.only.join("\" or \""));
        }
        Ok(tests)
    }

    /// The words with which `explain` reads what is read here.
    fn arguments(&self, global: &GlobalArgs) -> Vec<String> {
        let mut words = Vec::new();
        for (flag, paths) in [("-f", &self.input.filename), ("-k", &self.input.kustomize)] {
            for path in paths {
                let path = path.to_string_lossy();
                words.extend([flag.to_owned(), without_user(&path).into_owned()]);
            }
        }
        words.extend(self.input.judged_by());
        words.extend(global.namespace.iter().flat_map(|name| ["-n".to_owned(), name.clone()]));
        words
    }
}

/// What becomes of tests in a snapshot, under the rules of an input. `arguments` are the words by which
/// `explain` reads it.
pub(super) fn prove(
    mut snapshot: Snapshot,
    input: &Input,
    tests: Vec<(Test, Location)>,
    arguments: &[String],
    effort: Effort,
) -> anyhow::Result<IntentReport> {
    let (alone, places): (Vec<Test>, Vec<Location>) = tests.into_iter().unzip();
    let (rules, namespace) = (&input.rules, &input.namespace);
    let judged = match intent::judge(&mut snapshot, rules, &alone, namespace, effort) {
        Ok(judged) => judged,
        Err(intent::JudgeError::Mistake(mistake)) => {
            let place = alone.iter().position(|test| test.name == mistake.test);
            let file = place.and_then(|at| places.get(at)).map(|place| place.file.clone());
            bail!("the tests {}: {mistake}", file.unwrap_or_default());
        }
        Err(error) => return Err(error.into()),
    };
    let tests: Vec<(Test, Location, Judged)> = alone
        .into_iter()
        .zip(places)
        .zip(judged)
        .map(|((test, place), judged)| (test, place, judged))
        .collect();
    let asked = IntentAsked { tests: &tests, arguments, namespace, notes: &input.notes };
    Ok(IntentReport::new(&mut snapshot, rules, asked, &*input.locate()))
}

/// Whether a test asks what leads in from outside.
fn looks_in(test: &Test) -> bool {
    match &test.asks {
        Asks::Exposed { .. } => true,
        Asks::Unreachable { from, .. } => from.ends.iter().any(|end| end.text == "internet"),
        _ => false,
    }
}

/// A path without the dot that it was looked for by.
fn plain(path: &Path) -> PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_owned()
}
