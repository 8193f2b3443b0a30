//! `test`: whether policies do what is meant of them, proved for every pod that there is and could be.

mod draft;
mod files;
mod prove;
mod watch;

pub(super) use files::{Tests, read};
pub(super) use prove::{Side, looks_in, of_change, prove};

use super::list::ListArgs;
use crate::cli::{
    Exit, GlobalArgs, InputArgs, OutputArgs, Progress, Told, answer, show_map, show_page, width,
};
use crate::render::{Format, Page, Pictured};
use anyhow::ensure;
use clap::{Args, ValueHint};
use netpol::answer::{IntentReport, TestOutcome};
use netpol::intent;
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

    /// Test again whenever a file of the tests or of the manifests changes, until Ctrl-C
    #[arg(long)]
    watch: bool,

    /// Write a first file of tests from what holds now, to be cut down
    #[arg(
        long,
        conflicts_with_all = ["tests", "only", "allow_unknown", "watch", "output"]
    )]
    draft: bool,

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

  # A first file, from what holds now
  kubectl netpol test --draft -f k8s/ > k8s/netpol-test.yaml

  # Probes of NetAssert, proved instead of tried
  kubectl netpol test netassert.yaml

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
        if self.draft {
            return draft::draft(&self.input, &self.arguments(global), global);
        }
        if self.watch {
            return self.watch(global);
        }
        self.once(global, None).map(|(exit, _)| exit)
    }

    /// Tests, and tells what came out; with what was kept of the last time, if it is done again and again.
    fn once(
        &self,
        global: &GlobalArgs,
        kept: Option<&mut watch::Kept>,
    ) -> anyhow::Result<(Exit, Told)> {
        let tests = self.tests(global)?;
        let picture = self.output.format() == Format::Html;
        let entrances = picture || tests.tests.iter().any(|(test, _)| looks_in(test));
        let before = kept.as_ref().map(|kept| kept.input.clone());
        let reads = InputArgs { entrances, kept: before, ..self.input.clone() };
        let mut input = reads.read(global)?;
        let progress = Progress::slow(global.color, "proving tests");
        // A picture shows all of it, without what tests add.
        let snapshot =
            if picture { input.snapshot.clone() } else { std::mem::take(&mut input.snapshot) };
        let arguments = self.arguments(global);
        let side = Side { snapshot, input: &input, arguments: &arguments };
        let effort = global.limits().effort;
        let report = match kept {
            Some(kept) => prove::prove_again(side, &tests, effort, &mut kept.flows)?,
            None => prove(side, &tests, effort)?,
        };
        drop(progress);
        let told = if picture {
            // -n is only where names without a namespace are.
            let global = GlobalArgs { namespace: None, ..global.clone() };
            let asked = ListArgs::of(self.input.clone());
            let (list, _) = asked.answer(&global, &mut input, true, |_| ())?;
            let (list, tests) = (Some(&list), Some(&report));
            show_map(global.color, Pictured { list, tests, observed: None })?
        } else {
            let page = Page { width: width(), brief: false };
            show_page(global.color, &report, self.output.format(), page)?
        };
        Ok((self.exit(&report), told))
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
    fn tests(&self, global: &GlobalArgs) -> anyhow::Result<Tests> {
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
            let wanted = |name: &str| self.only.iter().any(|only| name.contains(only));
            tests.tests.retain(|(test, _)| wanted(&test.name));
            ensure!(
                !tests.tests.is_empty(),
                "no test has {:?} in its name",
                self.only.join("\" or \"")
            );
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

/// A path without the dot that it was looked for by.
fn plain(path: &Path) -> PathBuf {
    path.strip_prefix(".").unwrap_or(path).to_owned()
}
