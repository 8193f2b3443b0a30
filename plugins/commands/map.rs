//! `map`: who may talk to whom, or what changes, as a page that the browser opens.

use super::diff::{DiffArgs, of_namespace, side};
use super::list::ListArgs;
use super::observing::ObservingArgs;
use super::test;
use crate::cli::{Exit, GlobalArgs, InputArgs, Side, answer, note, shown_path};
use crate::render::{Format, Page, Pictured, pictured, render};
use anyhow::{Context as _, ensure};
use clap::{Args, ValueHint};
use netpol::policy::{Cilium, Enforcer};
use netpol_sources::{files, process};
use std::path::{Path, PathBuf};

/// Arguments of `map`.
#[derive(Args, Clone, Debug)]
#[command(
    override_usage = "kubectl netpol map [OPTIONS]\n       kubectl netpol map --diff OLD NEW [OPTIONS]",
    after_help = AFTER_HELP,
    mut_arg("observe", |flag| flag.help(OBSERVE).conflicts_with("diff")),
    mut_arg("input_file", |flag| flag.conflicts_with("diff"))
)]
pub struct MapArgs {
    /// Show what changes from one to the other, each as `diff` takes it
    #[arg(
        long,
        num_args = 2,
        value_names = ["OLD", "NEW"],
        value_parser = side(),
        conflicts_with_all = ["filename", "kustomize"]
    )]
    diff: Option<Vec<Side>>,

    /// A file of tests: what breaks them is on the map, and all of them beside it, with --diff those that
    /// come out otherwise; see kubectl netpol test; repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    tests: Vec<PathBuf>,

    /// Where the page goes; what is there is replaced (default: netpol-map.html)
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write the page, and do not open it
    #[arg(long)]
    no_open: bool,

    #[command(flatten)]
    observing: ObservingArgs,

    #[command(flatten)]
    input: InputArgs,
}

/// The file, where none is named.
const FILE: &str = "netpol-map.html";

/// What `--observe` means here.
const OBSERVE: &str = "Show what Hubble saw, too: what is used and how often, what is dropped and what could \
    be closed; of the last 5 minutes, or since 1h or a time";

/// The end of `map --help`.
const AFTER_HELP: &str = "\
Examples:
  # A map of the cluster, in the browser
  kubectl netpol map

  # The same of manifests, as a file to pass on
  kubectl netpol map -f k8s/ --no-open --output map.html

  # What a change opens and closes
  kubectl netpol map --diff git:origin/main:k8s k8s/

  # What breaks the tests of a repository
  kubectl netpol map -f k8s/ --tests k8s/netpol-test.yaml

  # What was used in the last hour, what was dropped, and what could be closed
  kubectl netpol map --observe=1h

The page is one file that asks nobody for anything: names, policies and reasons
are in it, so it is as confidential as they are. Its path is printed. Where there
is no display or no xdg-open, it is written and not opened.

`list`, `diff`, `test` and `observe --summary` make the same page of what they are
asked, with -o html. A test that is broken changes no exit code here.

Exit codes:
  0 done   2 error   3 the page is written, but what it shows is not whole";

impl MapArgs {
    /// Runs the command.
    pub fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        let mut page = Vec::new();
        let exit = if let Some([old, new]) = self.diff.as_deref() {
            let sides = [old.clone(), new.clone()];
            let asked = DiffArgs::between(sides, self.input.clone(), self.tests.clone());
            let report = asked.report(global)?;
            render(&report, Format::Html, Page { width: 0, brief: false }, &mut page)?;
            if report.complete { Exit::Success } else { Exit::Unknown }
        } else {
            self.flows(global, &mut page)?
        };
        let file = self.output.as_deref().unwrap_or(Path::new(FILE));
        let doing = || format!("writing {}", shown_path(file));
        files::write(file, &page).with_context(doing)?;
        answer(global.color, &format!("{}\n", shown_path(file)))?;
        if !self.no_open && !opened(file)? {
            note(&[
                "There is no display, or nothing to open it with: open it in a browser.".to_owned()
            ]);
        }
        Ok(exit)
    }

    /// Who may talk to whom, with what is asked beside it.
    fn flows(&self, global: &GlobalArgs, page: &mut Vec<u8>) -> anyhow::Result<Exit> {
        let stdin = |path: &PathBuf| path.as_os_str() == "-";
        let read = self.tests.iter().chain(&self.input.filename).chain(self.observing.recording());
        let many = read.filter(|path| stdin(path)).count();
        ensure!(many <= 1, "stdin can be read once: name files instead of -");
        let tests = test::read(&self.tests)?;
        // Where there is Hubble, there is Cilium.
        let watched = self.observing.is_wanted();
        let supposed = watched.then(|| Enforcer::Cilium(Cilium::default()));
        let asked = ListArgs::of(InputArgs { supposed, ..self.input.clone() });
        let mut input = asked.read(global, true)?;
        let tests = if self.tests.is_empty() {
            None
        } else {
            let words = self.input.named_by().into_iter().chain(self.input.judged_by());
            let words: Vec<String> = words.chain(of_namespace(global)).collect();
            let effort = global.limits().effort;
            let snapshot = input.snapshot.clone();
            let side = test::Side { snapshot, input: &input, arguments: &words };
            Some(test::prove(side, &tests, effort)?)
        };
        let observed = if watched { Some(self.observing.summary(global, &input)?) } else { None };
        let (list, exit) = asked.answer(global, &mut input, true, |_| ())?;
        let shown =
            Pictured { list: Some(&list), tests: tests.as_ref(), observed: observed.as_ref() };
        pictured(shown, page)?;
        Ok(exit)
    }
}

/// Has the page opened, where there is somebody to ask.
fn opened(file: &Path) -> anyhow::Result<bool> {
    let file = std::path::absolute(file).context("finding the page")?;
    Ok(process::open(&file).unwrap_or(false))
}
