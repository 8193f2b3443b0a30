//! What stops following a repository of Flux; what only a part of it fails at is a warning and a gap.

use crate::limits::Exceeded;
use crate::revision;
use netpol::objects::{Warning, shown};
use netpol::printable::printable;
use std::path::PathBuf;

/// Why a repository of Flux could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not in the form.
    #[error(
        "{0:?} names no repository of Flux: give flux:DIR or flux:git:REV[:PATH], with #PLACE behind it \
         for one place in it, such as flux:.#clusters/prod"
    )]
    Form(String),
    /// The directory is none.
    #[error("cannot follow Flux in {}: it is not a directory", shown(.0))]
    NoDirectory(PathBuf),
    /// Something could not be read.
    #[error("cannot follow Flux in {}: {source}", shown(path))]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The revision could not be read.
    #[error(transparent)]
    Revision(#[from] revision::Error),
    /// More than a limit allows.
    #[error(transparent)]
    TooMuch(#[from] Exceeded),
    /// There is no such place.
    #[error(
        "{0} has no directory {1}: after # stands a path from its top, as a Kustomization has it"
    )]
    NoPlace(String, String),
    /// There is nothing to follow.
    #[error(
        "there is no Kustomization of Flux in {0}: read its manifests with -f, or build a directory of it \
         with -k"
    )]
    NoKustomization(String),
    /// All that there is could not be read; the first of it.
    #[error("cannot follow Flux in {0}: {1}")]
    Unread(String, Box<Warning>),
    /// It is the repository of several clusters.
    #[error(
        "{repository} has several clusters: {title} is written in {}; name one, as in {repository}#{}",
        files.iter().map(|file| printable(file)).collect::<Vec<_>>().join(" and "),
        printable(place)
    )]
    Clusters {
        /// What was named.
        repository: String,
        /// What is written twice.
        title: String,
        /// Where.
        files: Vec<String>,
        /// A place to name.
        place: String,
    },
    /// Nothing can be built.
    #[error(
        "cannot follow Flux in {0}: neither kubectl nor kustomize is on PATH; install one of them \
         (https://kubectl.docs.kubernetes.io/installation/kustomize/)"
    )]
    NoKustomize(String),
    /// No copy can be made.
    #[error("cannot copy the repository to build it: {source}")]
    Copy {
        /// Why.
        source: std::io::Error,
    },
}
