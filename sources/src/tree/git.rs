//! What git says of where the files of a tree are from.
//!
//! In: a [`Tree`]. Out: the addresses of its remotes, and whether it is what a tag or commit has. Only
//! commands that read are run; where there is no git, nothing is known.

use super::{Top, Tree};
use crate::process::{self, Given, Limits, Program};
use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

/// Nobody waits longer for a line of git's.
const LIMITS: Limits = Limits { time: Duration::from_secs(20), output: 1 << 20 };

impl Tree {
    /// The addresses of its remotes, where its top is that of a clone.
    pub(crate) fn remotes(&self) -> Vec<String> {
        let whole = match &self.top {
            Top::Directory(directory) => directory.join(".git").exists(),
            Top::Revision(revision) => revision.is_whole(),
        };
        let said = whole.then(|| self.git(&["config", "--get-regexp", "^remote\\..*\\.url$"]));
        let said = said.flatten().unwrap_or_default();
        let addresses = said.lines().filter_map(|line| line.split_once(' '));
        addresses.map(|(_, address)| address.to_owned()).collect()
    }

    /// Whether it is known to be what a tag or commit has.
    pub(crate) fn is_of(&self, revision: &str) -> bool {
        self.commit().is_some_and(|own| self.resolved(revision).as_ref() == Some(&own))
    }

    /// Whether it is known to be what some tag has.
    pub(crate) fn is_tagged(&self) -> bool {
        let tags = self.commit().and_then(|own| self.git(&["tag", "--points-at", &own]));
        tags.is_some_and(|tags| !tags.trim().is_empty())
    }

    /// Its commit, if it is all that it has.
    fn commit(&self) -> Option<String> {
        match &self.top {
            Top::Revision(revision) => self.resolved(revision.as_given()),
            Top::Directory(directory) if directory.join(".git").exists() => {
                let changed = self.git(&["status", "--porcelain"])?;
                changed.trim().is_empty().then(|| self.resolved("HEAD"))?
            }
            Top::Directory(_) => None,
        }
    }

    fn resolved(&self, revision: &str) -> Option<String> {
        // git would take a leading dash for an option.
        let fit = !revision.starts_with('-') && !revision.chars().any(char::is_control);
        let whole = format!("{revision}^{{commit}}");
        fit.then(|| self.git(&["rev-parse", "--verify", "--quiet", &whole]))?
    }

    fn git(&self, arguments: &[&str]) -> Option<String> {
        let git = process::find("git")?;
        let directory = match &self.top {
            Top::Directory(directory) => directory.as_path(),
            Top::Revision(_) => Path::new("."),
        };
        let place = [OsStr::new("-C"), directory.as_os_str()];
        let words = place.into_iter().chain(arguments.iter().map(OsStr::new));
        let output = process::run(Program::Git, &git, words, Given::default(), LIMITS).ok()?;
        output.status.success().then(|| String::from_utf8(output.stdout).ok())?
    }
}
