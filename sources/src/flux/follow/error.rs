//! What stops following a repository of Flux; what only a part of it fails at is a warning and a gap.

use crate::{revision, tree};
use netpol::objects::Warning;
use netpol::printable::printable;

/// Why a repository of Flux could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not in the form.
    #[error(
        "{0:?} names no repository: give flux:DIR or flux:git:REV[:PATH], or argocd: in place of flux:, \
         with #PLACE behind it for one place in it, such as flux:.#clusters/prod"
    )]
    Form(String),
    /// Its revision is not in the form.
    #[error(transparent)]
    Revision(#[from] revision::Error),
    /// Its files could not be read.
    #[error(transparent)]
    Tree(#[from] tree::Error),
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
    /// There is nothing of Argo CD to follow.
    #[error(
        "there is no Application of Argo CD in {0}: read its manifests with -f, or build a directory of \
         it with -k"
    )]
    NoApplication(String),
    /// Which of the addresses of its Applications is its own cannot be told.
    #[error(
        "as many Applications in {repository} are of one repository as of another, so which of them it is \
         cannot be told: {}; name a directory with those of one, as in {repository}#PLACE",
        addresses.iter().map(|it| printable(it)).collect::<Vec<_>>().join(", ")
    )]
    Own {
        /// What was named.
        repository: String,
        /// The addresses.
        addresses: Vec<String>,
    },
    /// Its Applications are for several clusters.
    #[error(
        "{repository} has Applications for several clusters: {}; name a directory with those of one, as \
         in {repository}#PLACE",
        clusters.iter().map(|it| printable(it)).collect::<Vec<_>>().join(", ")
    )]
    Servers {
        /// What was named.
        repository: String,
        /// The clusters as their destinations name them.
        clusters: Vec<String>,
    },
    /// All that there is could not be read; the first of it.
    #[error("cannot follow {0}: {1}")]
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
        "cannot follow {0}: neither kubectl nor kustomize is on PATH; install one of them \
         (https://kubectl.docs.kubernetes.io/installation/kustomize/)"
    )]
    NoKustomize(String),
}
