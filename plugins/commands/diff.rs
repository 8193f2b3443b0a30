//! `diff`: which flows a change opens and closes.

use super::{print_schema, test};
use crate::cli::{
    Exit, FluxBuildArgs, GlobalArgs, Input, InputArgs, OutputArgs, Progress, Side, not_known, note,
    show_page, width,
};
use crate::render::Page;
use anyhow::{bail, ensure};
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{Args, ValueEnum, ValueHint};
use netpol::answer::{Compared, DiffAsked, DiffReport, TestsOfChange};
use std::path::PathBuf;

/// Arguments of `diff`.
#[derive(Args, Clone, Debug)]
#[command(
    override_usage = "kubectl netpol diff -f FILE [OPTIONS]\n       \
                      kubectl netpol diff OLD NEW [OPTIONS]\n       \
                      kubectl netpol diff --flux NAME --path DIR [OPTIONS]\n       \
                      kubectl netpol diff --staged [-f FILE] [OPTIONS]",
    after_help = AFTER_HELP,
    // The same flags, but what they name is laid over the live cluster instead of standing for it.
    mut_arg("filename", |flag| flag.help(FILENAME)),
    mut_arg("kustomize", |flag| flag.help(KUSTOMIZE))
)]
pub struct DiffArgs {
    /// What was: a directory or file, - for stdin, git:REV[:PATH], flux:DIR or flux:git:REV[:PATH], or
    /// argocd: likewise, with #PLACE for one directory of it, helm:CHART, kustomize:DIR or
    /// kustomize:git:REV:PATH, live or live:CONTEXT
    #[arg(
        value_name = "OLD",
        requires = "new",
        conflicts_with_all = ["filename", "kustomize"],
        value_parser = side()
    )]
    old: Option<Side>,

    /// What will be, in the same forms
    #[arg(value_name = "NEW", value_parser = side())]
    new: Option<Side>,

    /// Compare what is in force with what would be if Calico's staged policies were: of the live cluster,
    /// or of what -f and -k name
    #[arg(long, conflicts_with_all = ["old", "name", "as_is", "with_staged"])]
    staged: bool,

    /// Print counts and one line for each change, without reasons
    #[arg(long)]
    summary: bool,

    /// Changes that give exit code 1: any, opened or closed; what may have opened or closed counts
    #[arg(
        long,
        value_enum,
        value_name = "CHANGES",
        default_value_t,
        hide_default_value = true,
        hide_possible_values = true
    )]
    fail_on: FailOn,

    /// Give, of each change between pods that are written nowhere, two such pods as manifests
    #[arg(long)]
    witness: bool,

    /// Compare only pods that are written or running, not those that rules would treat otherwise
    #[arg(long)]
    known_only: bool,

    /// The input has every policy of the cluster: nothing opens where another one isolates
    #[arg(long)]
    policies_complete: bool,

    /// Compare live with manifests as they are, not with the live pods under their policies
    #[arg(long)]
    as_is: bool,

    /// Do not count workloads that came or went
    #[arg(long)]
    ignore_new: bool,

    /// A file of tests, of which the change must break none: see kubectl netpol test; repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    tests: Vec<PathBuf>,

    #[command(flatten)]
    output: OutputArgs<DiffReport>,

    #[command(flatten)]
    input: InputArgs,

    #[command(flatten)]
    flux: FluxBuildArgs,
}

/// A side by its name.
pub(super) fn side() -> impl clap::builder::TypedValueParser<Value = Side> {
    OsStringValueParser::new().try_map(Side::parse)
}

/// Which changes give exit code 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// All.
    #[default]
    Any,
    /// What opens, or may.
    Opened,
    /// What closes, or may.
    Closed,
}

/// What `-f` and `-k` mean here.
const FILENAME: &str = "Compare the live cluster with what it would be with these manifests applied: \
    a file, a directory with all below it, - for stdin, git:REV[:PATH], flux:DIR or helm:CHART; with \
    --staged they are read instead of a cluster; repeatable";
const KUSTOMIZE: &str = "The same with what kubectl or kustomize builds in a directory; repeatable";

/// The end of `diff --help`.
const AFTER_HELP: &str = "\
Examples:
  # What would applying these manifests open and close in the live cluster?
  kubectl netpol diff -f k8s/

  # What would this change to the manifests open and close?
  kubectl netpol diff k8s/ k8s-new/

  # What did the last commit change? Needs no work tree and changes none
  kubectl netpol diff git:HEAD~1:k8s git:HEAD:k8s

  # What is not committed yet
  kubectl netpol diff git:HEAD:k8s k8s/

  # A comment for a pull request, and failure only where something opens
  kubectl netpol diff git:origin/main:k8s k8s/ -o md --fail-on opened

  # The changes as a map for the browser
  kubectl netpol diff k8s/ k8s-new/ -o html > diff.html
  # Does the change break what is meant? See kubectl netpol test
  kubectl netpol diff git:HEAD:k8s k8s/ --tests k8s/netpol-test.yaml

  # What would enforcing Calico's staged policies open and close?
  kubectl netpol diff --staged

  # What would Flux open and close, if this were its source?
  kubectl netpol diff --flux observability --path ./observability

  # One overlay against another
  kubectl netpol diff kustomize:overlays/staging kustomize:overlays/home

PATH of git:REV:PATH is one from the top of the repository, or from here with ./

Pods that are written nowhere are compared too, one for each kind that rules can
tell apart: pods[app=db] in shop, any other pod of shop, any other namespace.

Exit codes:
  0 no flow changes   1 flows change, a workload came or went, or a test is broken
  2 error
  3 not known whether flows change; something that was found gives 1";

impl DiffArgs {
    /// Runs the command.
    pub fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        if self.output.schema {
            return print_schema::<DiffReport>(global);
        }
        let report = self.report(global)?;
        let page = Page { width: width(), brief: self.summary };
        not_known(global.color, self.output.format(), &report.missing);
        show_page(global.color, &report, self.output.format(), page)?;
        Ok(self.exit(&report))
    }

    /// Two sides, as `map` shows what is between them.
    pub(super) fn between([old, new]: [Side; 2], input: InputArgs, tests: Vec<PathBuf>) -> Self {
        Self {
            old: Some(old),
            new: Some(new),
            staged: false,
            summary: false,
            fail_on: FailOn::default(),
            witness: false,
            known_only: false,
            policies_complete: false,
            as_is: false,
            ignore_new: false,
            output: OutputArgs::default(),
            tests,
            input,
            flux: FluxBuildArgs::default(),
        }
    }

    /// The answer.
    pub(super) fn report(&self, global: &GlobalArgs) -> anyhow::Result<DiffReport> {
        let reads = InputArgs { calls: true, ..self.input.clone() };
        let mut piped_from = Vec::new();
        let (names, mut arguments, [before, after]) = match (&self.old, &self.new) {
            (Some(old), Some(new)) => {
                ensure!(
                    !(old.is_stdin() && new.is_stdin()),
                    "standard input can be read only once: only one of OLD and NEW can be -"
                );
                let sides = [old, new];
                let shared = &reads;
                let inputs = match (old.is_live(), new.is_live()) {
                    (true, false) if !self.as_is => old.read_with(new, global, shared)?,
                    (false, true) if !self.as_is => {
                        let [live, laid] = new.read_with(old, global, shared)?;
                        [laid, live]
                    }
                    _ => [old.read(global, shared)?, new.read(global, shared)?],
                };
                let arguments = sides.map(|side| self.arguments(side.flags(), global));
                (sides.map(Side::name), arguments, inputs)
            }
            _ if let Some(name) = &self.flux.name => {
                let change = self.flux.read_change(name, global, &reads)?;
                piped_from = change.command;
                let mut with = ["--with", "-f", "-"].map(ToOwned::to_owned).to_vec();
                for object in &change.pruned {
                    with.extend(["--without".to_owned(), object.to_string()]);
                }
                // -n is the Kustomization's namespace here.
                let plain = GlobalArgs { namespace: None, ..global.clone() };
                let arguments = [Vec::new(), with].map(|words| self.arguments(words, &plain));
                (["live".to_owned(), change.name], arguments, change.sides)
            }
            _ if self.staged => {
                let staged = InputArgs { with_staged: true, ..self.input.clone() };
                let flags = self.input.named_by();
                let words = |input: &InputArgs| {
                    let words = flags.iter().cloned().chain(input.judged_by());
                    words.chain(of_namespace(global)).collect()
                };
                let name = if flags.is_empty() { "live".to_owned() } else { flags.join(" ") };
                let names = [name.clone(), format!("{name} --with-staged")];
                let arguments = [words(&self.input), words(&staged)];
                (names, arguments, reads.read_staged(global)?)
            }
            _ if !self.input.names_manifests() => bail!(
                "nothing to compare: give manifests to lay over the live cluster with -f FILE, or \
                 two to compare, as in kubectl netpol diff OLD NEW"
            ),
            _ => {
                let mut with = vec!["--with".to_owned()];
                with.extend(self.input.named_by());
                let name = format!("live {}", with.join(" "));
                let arguments = [Vec::new(), with].map(|words| self.arguments(words, global));
                (["live".to_owned(), name], arguments, reads.read_change(global)?)
            }
        };
        let progress = Progress::slow(global.color, "working out which flows differ");
        // Two clusters, or one before and after, have every policy that is in force.
        let (files, one_reading) = match (&self.old, &self.new) {
            (Some(old), Some(new)) => {
                let (old, new) = (old.is_live(), new.is_live());
                (!(old && new), old != new && !self.as_is)
            }
            _ => (self.staged && self.input.names_manifests(), true),
        };
        let asked = DiffAsked {
            reasons: !self.summary,
            witness: self.witness,
            known_only: self.known_only,
            policies_complete: self.policies_complete || !files,
            one_reading,
            accepted: self.input.accept_unread.clone(),
            effort: global.limits().effort,
        };
        let mut inputs = [before, after];
        if let Some(side) = Input::judge_alike(&mut inputs) {
            let enforcer = inputs[side].rules.enforcer().to_string();
            arguments[side].extend(["--enforcer".to_owned(), enforcer]);
        }
        let tests = self.tests(global, &inputs, &arguments)?;
        // What is not judged is told by itself, as far as it is not the same on both sides.
        inputs.iter_mut().for_each(Input::forget_others);
        let mut snapshots = inputs.each_mut().map(|input| std::mem::take(&mut input.snapshot));
        let locate = inputs.each_ref().map(Input::locate);
        let [old, new] = &mut snapshots;
        let side = |i: usize, snapshot| Compared {
            name: &names[i],
            arguments: &arguments[i],
            piped_from: if i == 0 { &[] } else { &piped_from },
            snapshot,
            rules: &inputs[i].rules,
            locate: &*locate[i],
        };
        let mut report = DiffReport::compare([side(0, old), side(1, new)], &asked)?;
        report.tests = tests;
        drop(progress);
        Ok(report)
    }

    fn exit(&self, report: &DiffReport) -> Exit {
        let new = !self.ignore_new;
        let opens = report.opens() || (new && report.opens_new());
        let closes = report.closes() || (new && report.closes_old());
        let (found, elsewhere) = match self.fail_on {
            FailOn::Any => (opens || closes, true),
            FailOn::Opened => (opens, true),
            FailOn::Closed => (closes, false),
        };
        let elsewhere = elsewhere && !report.elsewhere.is_empty();
        let (breaks, doubts) = report.tests.as_ref().map_or((false, false), TestsOfChange::breaks);
        match found || breaks {
            true => Exit::Found,
            false if !report.complete || elsewhere || doubts => Exit::Unknown,
            false => Exit::Success,
        }
    }

    /// What becomes of tests on both sides.
    fn tests(
        &self,
        global: &GlobalArgs,
        inputs: &[Input; 2],
        arguments: &[Vec<String>; 2],
    ) -> anyhow::Result<Option<TestsOfChange>> {
        if self.tests.is_empty() {
            return Ok(None);
        }
        let tests = test::read(&self.tests)?;
        note(&tests.notes);
        let sides = [0, 1].map(|side| {
            let (input, arguments) = (&inputs[side], &*arguments[side]);
            test::Side { snapshot: input.snapshot.clone(), input, arguments }
        });
        test::of_change(sides, &tests, global.limits().effort).map(Some)
    }

    /// The words with which `explain` reads a side as it is read here.
    fn arguments(&self, mut words: Vec<String>, global: &GlobalArgs) -> Vec<String> {
        words.extend(self.input.judged_by());
        words.extend(of_namespace(global));
        words
    }
}

/// The flag of the namespace, where it is given.
pub(super) fn of_namespace(global: &GlobalArgs) -> Vec<String> {
    let flag = global.namespace.iter().flat_map(|name| ["-n".to_owned(), name.clone()]);
    flag.collect()
}
