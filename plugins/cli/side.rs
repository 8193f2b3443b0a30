//! What `diff` compares, as it is named on the command line.
//!
//! In: a word such as `k8s/`, `-`, `git:HEAD~1:k8s` or `kustomize:overlays/home`. Out: a [`Side`],
//! which reads it.

use super::input::{GIT, HELM};
use super::{GlobalArgs, Input, InputArgs, output};
use anyhow::Context as _;
use netpol_sources::address::without_user;
use netpol_sources::flux::follow::Repository;
use netpol_sources::helm::Chart;
use netpol_sources::revision::Revision;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// How the name of a kustomization begins.
const KUSTOMIZE: &str = "kustomize:";

/// How the name of a cluster begins.
const LIVE: &str = "live";

/// One of the two that are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// Manifests: a file, a directory, `-`, `git:REV[:PATH]`, a repository of Flux or Argo CD, or a chart.
    Files(PathBuf),
    /// A directory with a kustomization.
    Kustomize(PathBuf),
    /// The live cluster, of a context of the kubeconfig or the current one.
    Live(Option<String>),
}

impl Side {
    /// Reads the name; a file or directory that has it goes before what it would mean.
    pub fn parse(word: OsString) -> Result<Self, String> {
        let path = PathBuf::from(word);
        let Some(name) = path.to_str().filter(|_| !path.exists()) else {
            return Ok(Self::Files(path));
        };
        if Repository::is_named(name) {
            return match name.parse::<Repository>() {
                Ok(_) => Ok(Self::Files(path)),
                Err(error) => Err(error.to_string()),
            };
        }
        if let Some(chart) = name.strip_prefix(HELM) {
            let parsed = chart.parse::<Chart>();
            return parsed.map(|_| Self::Files(path.clone())).map_err(|error| error.to_string());
        }
        if let Some(revision) = name.strip_prefix(GIT) {
            return match revision.parse::<Revision>() {
                Ok(_) => Ok(Self::Files(path)),
                Err(error) => Err(error.to_string()),
            };
        }
        if let Some(directory) = name.strip_prefix(KUSTOMIZE) {
            return match directory {
                "" => Err("give the directory: kustomize:DIR".to_owned()),
                directory => Ok(Self::Kustomize(directory.into())),
            };
        }
        match name.strip_prefix(LIVE) {
            Some("") => Ok(Self::Live(None)),
            Some(":") => Err("give the context: live:CONTEXT".to_owned()),
            Some(context) if context.starts_with(':') => {
                Ok(Self::Live(Some(context[1..].to_owned())))
            }
            _ if name.is_empty() => {
                Err("an empty name: give a directory, git:REV[:PATH], flux:DIR or kustomize:DIR"
                    .to_owned())
            }
            _ => Ok(Self::Files(path)),
        }
    }

    /// Whether it is read from standard input.
    pub fn is_stdin(&self) -> bool {
        matches!(self, Self::Files(path) if path == Path::new("-"))
    }

    /// Whether it is a cluster, which has every policy that is in force.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live(_))
    }

    /// What it is called in answers.
    pub fn name(&self) -> String {
        match self {
            Self::Files(path) => output::shown_path(path),
            Self::Kustomize(path) => format!("{KUSTOMIZE}{}", output::shown_path(path)),
            Self::Live(None) => LIVE.to_owned(),
            Self::Live(Some(context)) => format!("{LIVE}:{context}"),
        }
    }

    /// The flags with which `explain` reads the same.
    pub fn flags(&self) -> Vec<String> {
        let path = |path: &Path| without_user(&path.to_string_lossy()).into_owned();
        match self {
            Self::Files(file) => vec!["-f".to_owned(), path(file)],
            Self::Kustomize(directory) => vec!["-k".to_owned(), path(directory)],
            Self::Live(None) => Vec::new(),
            Self::Live(Some(context)) => vec!["--context".to_owned(), context.clone()],
        }
    }

    /// Reads this cluster, and its pods under the policies of manifests.
    pub fn read_with(
        &self,
        manifests: &Self,
        global: &GlobalArgs,
        shared: &InputArgs,
    ) -> anyhow::Result<[Input; 2]> {
        let (mut input, mut there) = (shared.clone(), global.clone());
        match manifests {
            Self::Files(path) => input.filename = vec![path.clone()],
            Self::Kustomize(directory) => input.kustomize = vec![directory.clone()],
            Self::Live(_) => {}
        }
        if let Self::Live(Some(context)) = self {
            there.connect.context = Some(context.clone());
        }
        input.read_laid_under(&there)
    }

    /// Reads it; `shared` says how, and names no input itself.
    pub fn read(&self, global: &GlobalArgs, shared: &InputArgs) -> anyhow::Result<Input> {
        let mut input = shared.clone();
        match self {
            Self::Files(path) => input.filename = vec![path.clone()],
            Self::Kustomize(directory) => input.kustomize = vec![directory.clone()],
            Self::Live(context) => {
                let mut there = global.clone();
                let Some(_) = context else { return input.read(&there) };
                there.connect.context.clone_from(context);
                // Of two clusters one may fail where the other does not.
                return input.read(&there).with_context(|| format!("reading {}", self.name()));
            }
        }
        input.read(global)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_by_name() {
        let parse = |word: &str| Side::parse(word.into());
        assert_eq!(parse("k8s"), Ok(Side::Files("k8s".into())));
        assert_eq!(parse("git:HEAD~1:k8s"), Ok(Side::Files("git:HEAD~1:k8s".into())));
        assert_eq!(parse("flux:.#clusters/a"), Ok(Side::Files("flux:.#clusters/a".into())));
        assert_eq!(parse("kustomize:base"), Ok(Side::Kustomize("base".into())));
        assert_eq!(parse("live"), Ok(Side::Live(None)));
        assert_eq!(parse("live:home"), Ok(Side::Live(Some("home".into()))));
        assert_eq!(parse("lively"), Ok(Side::Files("lively".into())));
        assert_eq!(parse("argocd:git:v1"), Ok(Side::Files("argocd:git:v1".into())));
        for word in
            ["", "git:", "git:--help", "git:HEAD:-x", "flux:", "argocd:", "kustomize:", "live:"]
        {
            assert!(parse(word).is_err(), "{word:?}");
        }
    }
}
