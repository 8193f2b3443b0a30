//! `map`: who may talk to whom, or what changes, as a page that the browser opens.

use super::diff::{DiffArgs, side};
use super::list::ListArgs;
use crate::cli::{Exit, GlobalArgs, InputArgs, Side, answer, note, shown_path};
use crate::render::{Answer, Format, Page, render};
use anyhow::Context as _;
use clap::Args;
use netpol_sources::{files, process};
use std::path::{Path, PathBuf};

/// Arguments of `map`.
#[derive(Args, Clone, Debug)]
#[command(
    override_usage = "kubectl netpol map [OPTIONS]\n       kubectl netpol map --diff OLD NEW [OPTIONS]",
    after_help = AFTER_HELP
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

    /// Where the page goes; what is there is replaced (default: netpol-map.html)
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write the page, and do not open it
    #[arg(long)]
    no_open: bool,

    #[command(flatten)]
    input: InputArgs,
}

/// The file, where none is named.
const FILE: &str = "netpol-map.html";

/// The end of `map --help`.
const AFTER_HELP: &str = "\
Examples:
  # A map of the cluster, in the browser
  kubectl netpol map

  # The same of manifests, as a file to pass on
  kubectl netpol map -f k8s/ --no-open --output map.html

  # What a change opens and closes
  kubectl netpol map --diff git:origin/main:k8s k8s/

The page is one file that asks nobody for anything: names, policies and reasons
are in it, so it is as confidential as they are. Its path is printed. Where there
is no display or no xdg-open, it is written and not opened.

`list -o html` and `diff -o html` make the same page of what they are asked.

Exit codes:
  0 done   2 error   3 the page is written, but what it shows is not whole";

impl MapArgs {
    /// Runs the command.
    pub fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        let (page, exit) = if let Some([old, new]) = self.diff.as_deref() {
            let sides = [old.clone(), new.clone()];
            let report = DiffArgs::between(sides, self.input.clone()).report(global)?;
            let exit = if report.complete { Exit::Success } else { Exit::Unknown };
            (page(&report)?, exit)
        } else {
            let (list, exit) = ListArgs::of(self.input.clone()).list(global, true, |_| ())?;
            (page(&list)?, exit)
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
}

/// The page of an answer.
fn page(shown: &impl Answer) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    render(shown, Format::Html, Page { width: 0, brief: false }, &mut out)?;
    Ok(out)
}

/// Has the page opened, where there is somebody to ask.
fn opened(file: &Path) -> anyhow::Result<bool> {
    let file = std::path::absolute(file).context("finding the page")?;
    Ok(process::open(&file).unwrap_or(false))
}
