//! What stops reading, and what is only worth a warning.

use crate::cluster::Gap;
use crate::printable::printable;
use crate::source::{process, revision};
use std::fmt;
use std::path::{Path, PathBuf};

/// Why manifests could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file named on the command line.
    #[error("cannot read {}: {source}", shown(path))]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A device or socket.
    #[error("cannot read {}: it is neither a file, a directory nor a pipe", shown(.0))]
    NotAFile(PathBuf),
    /// A file or stream that is too large.
    #[error("cannot read {}: it has more than {limit} bytes; split it", shown(path))]
    TooLarge {
        /// The path.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// `-f https://…`.
    #[error("cannot read {}: files are not fetched; use `curl -L URL | … -f -`", printable(.0))]
    Url(String),
    /// `-f - -f -`.
    #[error("-f - is given twice: standard input can be read only once")]
    StdinTwice,
    /// A directory with nothing to read.
    #[error("no .yaml, .yml or .json file in {}: give the directory that holds the manifests", shown(.0))]
    NoManifests(PathBuf),
    /// A revision that could not be read.
    #[error(transparent)]
    Revision(#[from] revision::Error),
    /// Something could not be read and `strict` was asked for.
    #[error("{first}{}", more(*.others))]
    Strict {
        /// The first warning.
        first: Warning,
        /// How many more there are.
        others: usize,
    },
    /// `-k` without a program for it.
    #[error(
        "cannot build {}: neither kubectl nor kustomize is on PATH; install one of them \
         (https://kubectl.docs.kubernetes.io/installation/kustomize/)", shown(.0)
    )]
    NoKustomize(PathBuf),
    /// kustomize could not be run.
    #[error("cannot build {}: {source}", shown(directory))]
    KustomizeRun {
        /// The kustomization.
        directory: PathBuf,
        /// Why.
        source: process::Error,
    },
    /// kustomize failed.
    #[error("cannot build {}: {program} says: {stderr}", shown(directory))]
    Kustomize {
        /// The kustomization.
        directory: PathBuf,
        /// What was run.
        program: &'static str,
        /// What it wrote to stderr, fit to be shown.
        stderr: String,
    },
}

fn more(others: usize) -> String {
    if others == 0 { String::new() } else { format!(" (and {others} more)") }
}

/// A path, fit to be shown.
pub(super) fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" {
        return "standard input".to_owned();
    }
    printable(&path.to_string_lossy()).into_owned()
}

/// What a warning means for the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Something was not read: answers may be wrong for it, so it is a gap in the snapshot.
    Unread,
    /// Policies of a dialect that is not read: a gap too, but nothing is wrong with the text.
    OtherDialect,
    /// Everything was read; this may not be what was meant.
    Note,
}

/// Something to tell about the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The file, fit to be shown.
    pub file: String,
    /// Line and column, from 1, where there is one.
    pub at: Option<(u32, u32)>,
    /// What is wrong, and what to do. Fit to be shown.
    pub message: String,
    /// What it means for the answers.
    pub severity: Severity,
}

impl Warning {
    pub(super) fn new(file: &Path, severity: Severity, message: impl Into<String>) -> Self {
        Self { file: shown(file), at: None, message: message.into(), severity }
    }

    /// The gap that it leaves in the snapshot.
    pub(super) fn gap(&self) -> Option<Gap> {
        let gap = || Gap { what: self.place(), why: self.message.clone() };
        (self.severity != Severity::Note).then(gap)
    }

    fn place(&self) -> String {
        match self.at {
            Some((line, column)) => format!("{}:{line}:{column}", self.file),
            None => self.file.clone(),
        }
    }
}

/// `file:line:column: message`.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.message)
    }
}
