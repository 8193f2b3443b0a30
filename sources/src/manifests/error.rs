//! What stops reading, and what is only worth a warning.

use super::kustomize::Remote;
use crate::address::{shown_path, without_user};
use crate::{process, revision};
use netpol::objects::{Warning, shown};
use netpol::printable::printable;
use std::path::PathBuf;

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
    /// More than a limit allows, of all that was named together.
    #[error(transparent)]
    TooMuch(#[from] crate::limits::Exceeded),
    /// `-f https://…`.
    #[error("cannot read {}: files are not fetched; use `curl -L URL | … -f -`", printable(&without_user(.0)))]
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
    /// Files of a revision that could not be read or copied.
    #[error(transparent)]
    Tree(#[from] crate::tree::Error),
    /// A repository of Flux that could not be followed.
    #[error(transparent)]
    Flux(#[from] crate::flux::follow::Error),
    /// A chart that made nothing.
    #[error(transparent)]
    Chart(#[from] crate::helm::Error),
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
         (https://kubectl.docs.kubernetes.io/installation/kustomize/)", shown_path(.0)
    )]
    NoKustomize(PathBuf),
    /// What kustomize would have to fetch.
    #[error(
        "cannot build {}: {remote}, and nothing is fetched unless asked for: give --pull, or keep a \
         copy of it here",
        shown_path(directory)
    )]
    Remote {
        /// The kustomization.
        directory: PathBuf,
        /// What it takes from elsewhere.
        remote: Remote,
    },
    /// kustomize could not be run.
    #[error("cannot build {}: {source}", shown_path(directory))]
    KustomizeRun {
        /// The kustomization.
        directory: PathBuf,
        /// Why.
        source: process::Error,
    },
    /// kustomize failed.
    #[error("cannot build {}: {program} says: {stderr}", shown_path(directory))]
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
