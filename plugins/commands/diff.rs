//! `diff`: which flows a change opens and closes.

use super::print_schema;
use crate::cli::{
    Exit, FluxBuildArgs, GlobalArgs, InputArgs, OutputArgs, Progress, Side, show_page, width,
};
use crate::render::Page;
use anyhow::{bail, ensure};
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{Args, ValueEnum};
use netpol::answer::{DiffReport, DiffSide};
use netpol::reach;
use netpol_sources::address::without_user;

/// Arguments of `diff`.
#[derive(Args, Clone, Debug)]
#[command(
    override_usage = "kubectl netpol diff -f FILE [OPTIONS]\n       \
                      kubectl netpol diff OLD NEW [OPTIONS]\n       \
                      kubectl netpol diff --flux NAME --path DIR [OPTIONS]",
    after_help = AFTER_HELP,
    // The same flags, but what they name is laid over the live cluster instead of standing for it.
    mut_arg("filename", |flag| flag.help(FILENAME)),
    mut_arg("kustomize", |flag| flag.help(KUSTOMIZE))
)]
pub struct DiffArgs {
    /// What was: a directory or file, - for stdin, git:REV[:PATH], kustomize:DIR, live or
    /// live:CONTEXT
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

    #[command(flatten)]
    output: OutputArgs<DiffReport>,

    #[command(flatten)]
    input: InputArgs,

    #[command(flatten)]
    flux: FluxBuildArgs,
}

fn side() -> impl clap::builder::TypedValueParser<Value = Side> {
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
    a file, a directory with all below it, - for stdin, or git:REV[:PATH]; repeatable";
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

  # What would Flux open and close, if this were its source?
  kubectl netpol diff --flux observability --path ./observability

  # One overlay against another
  kubectl netpol diff kustomize:overlays/staging kustomize:overlays/home

PATH of git:REV:PATH is one from the top of the repository, or from here with ./

Exit codes:
  0 no flow changes   1 flows change   2 error";

impl DiffArgs {
    /// Runs the command.
    pub fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        if self.output.schema {
            return print_schema::<DiffReport>(global);
        }
        let mut piped_from = Vec::new();
        let (names, arguments, [before, after]) = match (&self.old, &self.new) {
            (Some(old), Some(new)) => {
                ensure!(
                    !(old.is_stdin() && new.is_stdin()),
                    "standard input can be read only once: only one of OLD and NEW can be -"
                );
                let sides = [old, new];
                let inputs = [old.read(global, &self.input)?, new.read(global, &self.input)?];
                let arguments = sides.map(|side| self.arguments(side.flags(), global));
                (sides.map(Side::name), arguments, inputs)
            }
            _ if let Some(name) = &self.flux.name => {
                let change = self.flux.read_change(name, global, &self.input)?;
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
            _ if !self.input.names_manifests() => bail!(
                "nothing to compare: give manifests to lay over the live cluster with -f FILE, or \
                 two to compare, as in kubectl netpol diff OLD NEW"
            ),
            _ => {
                let mut with = vec!["--with".to_owned()];
                let flags = [("-f", &self.input.filename), ("-k", &self.input.kustomize)];
                for (flag, paths) in flags {
                    for path in paths {
                        let path = path.to_string_lossy();
                        with.extend([flag.to_owned(), without_user(&path).into_owned()]);
                    }
                }
                let name = format!("live {}", with.join(" "));
                let arguments = [Vec::new(), with].map(|words| self.arguments(words, global));
                (["live".to_owned(), name], arguments, self.input.read_change(global)?)
            }
        };
        let progress = Progress::slow(global.color, "working out which flows differ");
        let effort = global.limits().effort;
        let [old, new] = [&before, &after].map(|side| (&side.snapshot, &side.rules));
        let diff = reach::diff(old, new, effort)?;
        let locate = [before.locate(), after.locate()];
        let inputs = [&before, &after];
        let [old, new] = [0, 1].map(|i| DiffSide {
            name: &names[i],
            arguments: &arguments[i],
            piped_from: if i == 0 { &[] } else { &piped_from },
            snapshot: &inputs[i].snapshot,
            rules: &inputs[i].rules,
            locate: &*locate[i],
        });
        let report = DiffReport::new(&diff, &old, &new, !self.summary, effort)?;
        drop(progress);
        let page = Page { width: width(), brief: self.summary };
        show_page(global.color, &report, self.output.format(), page)?;
        let found = match self.fail_on {
            FailOn::Any => report.opens() || report.closes(),
            FailOn::Opened => report.opens(),
            FailOn::Closed => report.closes(),
        };
        Ok(if found { Exit::Found } else { Exit::Success })
    }

    /// The words with which `explain` reads a side as it is read here.
    fn arguments(&self, mut words: Vec<String>, global: &GlobalArgs) -> Vec<String> {
        words.extend(self.input.judged_by());
        if let Some(namespace) = &global.namespace {
            words.extend(["-n".to_owned(), namespace.clone()]);
        }
        words
    }
}
