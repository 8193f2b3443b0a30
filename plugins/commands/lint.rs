//! `lint`: what policies do not do that they seem to.

use crate::cli::{Exit, GlobalArgs, InputArgs, OutputArgs, Progress, show};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use netpol::answer::{LintAsked, LintReport, Severity};
use netpol::lint::{Settings, settings, settings_schema};
use std::path::{Path, PathBuf};

/// Arguments of `lint`.
#[derive(Args, Clone, Debug)]
#[command(
    override_usage = "kubectl netpol lint [-n NAMESPACE] [OPTIONS]",
    after_help = AFTER_HELP
)]
pub struct LintArgs {
    /// How bad a finding must be to give exit code 1: error, warning, note or never
    #[arg(
        long,
        value_enum,
        value_name = "SEVERITY",
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true
    )]
    fail_on: FailOn,

    /// Settings: how bad each lint is, or off, by path and namespace [default: netpol-lint.yaml of the
    /// working directory, where it is]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Print the JSON Schema of the settings and do nothing else
    #[arg(long)]
    config_schema: bool,

    #[command(flatten)]
    output: OutputArgs<LintReport>,

    #[command(flatten)]
    input: InputArgs,
}

/// What gives exit code 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// What has to be mended.
    #[default]
    Error,
    /// What should be looked at, too.
    Warning,
    /// Anything.
    Note,
    /// Nothing.
    Never,
}

/// The settings that are read where none are named.
const CONFIG: &str = "netpol-lint.yaml";

/// The end of `lint --help`.
const AFTER_HELP: &str = "\
Examples:
  # What do the policies of a repository not do that they seem to?
  kubectl netpol lint -f k8s/

  # For code scanning
  kubectl netpol lint -f k8s/ -o sarif > netpol.sarif

  # Beside the lines of a pull request, in a workflow of GitHub
  kubectl netpol lint -f k8s/ -o github --fail-on warning

  # Of one namespace of the cluster
  kubectl netpol lint -n shop

A comment takes one finding, at the end of its line or right above it, or at the
head of the document for all of it; without a reason it does not count:
  # netpol: allow open-to-anyone it is the public front

Settings, netpol-lint.yaml:
  apiVersion: netpol/v1alpha1
  kind: Lint
  rules: {open-to-anyone: off, no-dns: error}
  overrides:
  - {paths: [vendor/], namespaces: [kube-*], rules: {dead-rule: note}}

Each lint has a section in docs/lint/README.md.

Exit codes:
  0 nothing found   1 found   2 error   3 something could not be read or known";

impl LintArgs {
    /// Runs the command.
    pub fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        if self.output.schema {
            return super::print_schema::<LintReport>(global);
        }
        if self.config_schema {
            let schema = serde_json::to_string_pretty(&settings_schema())? + "\n";
            crate::cli::answer(global.color, &schema)?;
            return Ok(Exit::Success);
        }
        let (settings, told) = self.settings()?;
        let reads = InputArgs { calls: true, ..self.input.clone() };
        let input = reads.read(global)?;
        let only = global.namespace.as_deref();
        if let Some(name) = only {
            anyhow::ensure!(
                input.snapshot.namespace(name).is_some(),
                "namespace {name:?} is not in the input"
            );
        }
        let progress = Progress::slow(global.color, "looking at the rules");
        let asked =
            LintAsked { namespace: only, settings: &settings, effort: global.limits().effort };
        let (snapshot, rules) = (&input.snapshot, &input.rules);
        let comments = input.comments();
        let mut report = LintReport::new(snapshot, rules, &asked, &*input.locate(), &*comments);
        report.notes.splice(0..0, input.notes.iter().cloned().chain(told));
        drop(progress);
        show(global.color, &report, self.output.format())?;
        let least = match self.fail_on {
            FailOn::Error => Some(Severity::Error),
            FailOn::Warning => Some(Severity::Warning),
            FailOn::Note => Some(Severity::Note),
            FailOn::Never => None,
        };
        Ok(if least.is_some_and(|least| report.has(least)) {
            Exit::Found
        } else if report.is_unknown() {
            Exit::Unknown
        } else {
            Exit::Success
        })
    }

    /// The settings, with a note on those that nobody named.
    fn settings(&self) -> anyhow::Result<(Settings, Option<String>)> {
        let read = |path: &Path| {
            let file = crate::cli::shown_path(path);
            let text = std::fs::read_to_string(path).with_context(|| format!("reading {file}"))?;
            settings(&text).with_context(|| file)
        };
        match &self.config {
            Some(path) => Ok((read(path)?, None)),
            None if Path::new(CONFIG).is_file() => {
                Ok((read(Path::new(CONFIG))?, Some(format!("settings of {CONFIG} count"))))
            }
            None => Ok((Settings::default(), None)),
        }
    }
}
