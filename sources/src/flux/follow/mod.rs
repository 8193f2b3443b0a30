//! A repository of Flux or Argo CD, followed as these make a cluster of it, without a cluster.
//!
//! In: a [`Repository`], as in `flux:DIR#clusters/prod`. Out: [`Followed`]: the objects that the
//! Kustomizations below the place make, each with the file of the repository that it is written in, and
//! stand-ins for what is made of charts that are not here. kustomize is the real program, and builds a
//! throw-away copy; what is not followed is told, and leaves a gap. [`argo`] has what is of Argo CD alone.
//!
//! [`rounds`] goes from Kustomization to Kustomization, [`generate`] makes what kustomize builds,
//! [`build`] has it built, [`substitute`] fills in variables, [`release`] is about charts. [`own`] says which
//! sources are the repository, [`ignore`] what they leave out, [`doubt`] what is not in force for sure.

mod argo;
mod artifact;
mod build;
mod doubt;
mod error;
mod generate;
mod ignore;
mod kept;
mod object;
mod own;
mod registry;
mod release;
mod roots;
mod rounds;
mod substitute;
mod variables;

pub use error::Error;

use crate::limits::Budget;
use crate::process;
use crate::tree::{Top, Tree, joined};
use netpol::cluster::{Gap, Rendered};
use netpol::objects::{Warning, shown};
use netpol::printable::printable;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// How the name of a Git revision begins.
const GIT: &str = "git:";

/// Who makes a cluster of a repository, and how the name of one begins.
const FOLLOWED: &[(&str, By)] = &[("flux:", By::Flux), ("argocd:", By::Argo)];

/// Who makes a cluster of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Flux,
    Argo,
}

/// A repository of Flux or Argo CD, or one place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    by: By,
    top: Top,
    /// A directory from its top.
    place: Option<String>,
    /// As it was named.
    name: String,
}

/// How a repository is followed.
#[derive(Clone, Copy, Debug, Default)]
pub struct How<'p> {
    /// What is elsewhere may be fetched.
    pub pull: bool,
    /// What outside programs make may be kept for the next time.
    pub cache: bool,
    /// Where these programs are looked for, if not on our own `PATH`.
    pub path: Option<&'p OsStr>,
}

impl How<'_> {
    /// Finds a program.
    fn find(self, name: &str) -> Option<PathBuf> {
        match self.path {
            Some(path) => process::find_on(name, Some(path)),
            None => process::find(name),
        }
    }
}

/// An object that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The object.
    pub rendered: Arc<Rendered>,
    /// The namespace that it is in where it names none.
    pub namespace: Option<String>,
    /// Who made it, such as `Kustomization flux-system/apps`.
    pub by: Arc<str>,
}

/// What was made of a repository.
#[derive(Debug, Default)]
pub struct Followed {
    /// The objects, in the order in which they were made.
    pub documents: Vec<Made>,
    /// What is told of those who made them, by what these are called, where it is not known whether what is
    /// here of them is in force.
    pub doubts: BTreeMap<Arc<str>, Gap>,
    /// What is to be told; most of it is a gap.
    pub warnings: Vec<Warning>,
    /// Namespaces in which charts that are not here may have policies, and what is told of these.
    pub unread: Vec<(String, Gap)>,
    /// Texts of files that cannot be read again.
    pub kept: Vec<(Arc<Path>, String)>,
}

/// `flux:` or `argocd:`, then `DIR`, `git:REV` or `git:REV:PATH`, with `#PLACE` behind it.
impl FromStr for Repository {
    type Err = Error;

    fn from_str(whole: &str) -> Result<Self, Error> {
        let refuse = || Error::Form(whole.to_owned());
        let by = FOLLOWED.iter().find_map(|(word, by)| Some((*by, whole.strip_prefix(word)?)));
        let (by, name) = by.ok_or_else(refuse)?;
        let (top, place) = match name.rsplit_once('#') {
            Some((top, place)) if !Path::new(name).exists() => (top, Some(place)),
            _ => (name, None),
        };
        if top.is_empty() || top.chars().any(char::is_control) {
            return Err(refuse());
        }
        let top = match top.strip_prefix(GIT).filter(|_| !Path::new(top).exists()) {
            Some(revision) => Top::Revision(revision.parse()?),
            None => Top::Directory(PathBuf::from(top)),
        };
        let place = place.map(|place| joined("", place));
        Ok(Self { by, top, place, name: whole.to_owned() })
    }
}

impl Repository {
    /// Whether a name is that of one.
    pub fn is_named(name: &str) -> bool {
        FOLLOWED.iter().any(|(word, _)| name.starts_with(word))
    }

    /// Follows it.
    pub fn follow(&self, how: How<'_>, budget: &Budget) -> Result<Followed, Error> {
        let shown_name = printable(&self.name).into_owned();
        let tree = Tree::read(&self.top, budget)?;
        if let Some(place) = &self.place
            && !tree.has_directory(place)
        {
            let top = match &self.top {
                Top::Directory(directory) => shown(directory),
                Top::Revision(_) => shown_name.split('#').next().unwrap_or_default().to_owned(),
            };
            return Err(Error::NoPlace(top, printable(place).into_owned()));
        }
        let follow = match self.by {
            By::Flux => rounds::follow,
            By::Argo => argo::follow,
        };
        follow(&tree, &shown_name, self.place.as_deref(), how)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_by_name() {
        let parse = |name: &str| name.parse::<Repository>();
        let found = parse("flux:k8s#./clusters/prod/").unwrap();
        assert_eq!(found.top, Top::Directory("k8s".into()));
        assert_eq!(found.place.as_deref(), Some("clusters/prod"));
        assert_eq!(found.by, By::Flux);
        let found = parse("argocd:git:HEAD~1:k8s#clusters").unwrap();
        assert_eq!(found.by, By::Argo);
        assert!(matches!(found.top, Top::Revision(_)));
        assert_eq!(parse("flux:.").unwrap().place, None);
        for wrong in
            ["", ".", "flux:", "flux:#clusters", "flux:git:", "argocd:git:--help", "flux:a\nb"]
        {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
