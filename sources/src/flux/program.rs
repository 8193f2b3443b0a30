//! `flux build kustomization`: what Flux would make of a directory.
//!
//! In: the name of a Kustomization and a directory as its source would have it. Out: the manifests
//! that the real CLI prints. What it prints is input like any other, of bounded length and in bounded
//! time, and no shell is between.

use crate::manifests::{Remote, remote};
use crate::process::{self, Given, Limits, Output, Program};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// kustomize may fetch remote bases, but nobody waits longer for an answer.
const LIMITS: Limits = Limits { time: Duration::from_mins(2), output: 1 << 28 };

/// Without it the CLI writes a kustomization into the directory, and takes it away again. Older ones
/// do not know it.
const IN_MEMORY: &str = "--in-memory-build";

/// What to build.
#[derive(Clone, Debug)]
pub struct Build<'a> {
    /// The Kustomization.
    pub name: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// The directory that its path in the source stands for.
    pub path: &'a Path,
    /// A file with the Kustomization, instead of the one in the cluster.
    pub file: Option<&'a Path>,
    /// Flags that choose the cluster, as kubectl and the CLI both take them.
    pub connection: &'a [OsString],
    /// What the directory takes from elsewhere may be fetched.
    pub pull: bool,
}

/// A [`Build`] that can be run.
#[derive(Debug)]
pub struct Builder<'a> {
    of: Build<'a>,
    program: PathBuf,
    path: PathBuf,
}

/// Why nothing was built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no CLI.
    #[error(
        "building Kustomization {0}: the Flux CLI is not on PATH; install flux \
         (https://fluxcd.io/flux/installation/#install-the-flux-cli), or compare what kustomize alone \
         makes of a directory with -k DIR"
    )]
    NoProgram(String),
    /// The directory is none.
    #[error("building Kustomization {name}: {} is not a directory", netpol::printable::printable(&path.to_string_lossy()))]
    NoDirectory {
        /// The Kustomization.
        name: String,
        /// What was named.
        path: PathBuf,
    },
    /// It would have to be fetched.
    #[error(
        "building Kustomization {name}: {of}, and nothing is fetched unless asked for: give --pull, \
         or keep a copy of it here"
    )]
    Remote {
        /// The Kustomization.
        name: String,
        /// What would be fetched.
        of: Remote,
    },
    /// It could not be run to its end.
    #[error("building Kustomization {name}: {source}")]
    Run {
        /// The Kustomization.
        name: String,
        /// Why.
        source: process::Error,
    },
    /// It failed, in its own words.
    #[error("building Kustomization {name}: flux says: {message}")]
    Failed {
        /// The Kustomization.
        name: String,
        /// What it wrote to stderr, fit to be shown.
        message: String,
    },
}

impl<'a> Build<'a> {
    /// Finds the CLI and the directory.
    pub fn prepare(self) -> Result<Builder<'a>, BuildError> {
        let program = process::find("flux").ok_or_else(|| BuildError::NoProgram(self.title()))?;
        let path = absolute(self.path);
        if !path.is_dir() {
            return Err(BuildError::NoDirectory { name: self.title(), path: self.path.to_owned() });
        }
        if !self.pull
            && let Some(of) = remote(&path)
        {
            return Err(BuildError::Remote { name: self.title(), of });
        }
        Ok(Builder { of: self, program, path })
    }

    fn title(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

impl Builder<'_> {
    /// Builds it; the manifests as YAML. A Kustomization that is only in a file is built `dry`, without
    /// asking the cluster, and so without variables that are there.
    pub fn run(&self, dry: bool) -> Result<Vec<u8>, BuildError> {
        let dry: &[&str] = if dry { &["--dry-run"] } else { &[] };
        let mut output = self.output(&[&[IN_MEMORY], dry].concat())?;
        if !output.status.success() && output.stderr.contains(&format!("unknown flag: {IN_MEMORY}"))
        {
            output = self.output(dry)?;
        }
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(BuildError::Failed { name: self.of.title(), message: said(&output) })
    }

    fn output(&self, flags: &[&str]) -> Result<Output, BuildError> {
        let kubeconfig = absolute_list(std::env::var_os("KUBECONFIG"));
        let environment: Vec<(&str, &str)> =
            kubeconfig.as_deref().map(|list| ("KUBECONFIG", list)).into_iter().collect();
        let words = ["build", "kustomization", "--namespace", self.of.namespace, "--path"];
        let mut words: Vec<OsString> = words.map(OsString::from).into();
        words.push(self.path.clone().into());
        if let Some(file) = self.of.file {
            words.extend(["--kustomization-file".into(), absolute(file).into()]);
        }
        words.extend(flags.iter().map(OsString::from));
        words.extend(self.of.connection.iter().cloned());
        // A name that starts with a dash would be taken for a flag.
        words.extend(["--".into(), self.of.name.into()]);
        let given = Given {
            environment: &environment,
            // In memory it reads nothing that is not below where it runs, which bases may be.
            directory: self.path.ancestors().last(),
            ..Given::default()
        };
        process::run(Program::Flux { pull: self.of.pull }, &self.program, words, given, LIMITS)
            .map_err(|source| BuildError::Run { name: self.of.title(), source })
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// What the CLI says on its failure: its last line with a cross, else all of it.
fn said(output: &Output) -> String {
    let lines = || output.stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let crossed = lines().filter_map(|line| line.strip_prefix('✗')).next_back();
    let said = crossed.map_or_else(|| lines().collect::<Vec<_>>().join(" "), |it| it.trim().into());
    if said.is_empty() { output.status.to_string() } else { said }
}

/// The files of `KUBECONFIG` by their full paths, since the CLI runs elsewhere.
fn absolute_list(list: Option<OsString>) -> Option<String> {
    let list = list.filter(|list| !list.is_empty())?;
    let filled = std::env::split_paths(&list).filter(|path| path.as_os_str() != OsStr::new(""));
    let joined = std::env::join_paths(filled.map(|path| absolute(&path))).ok()?;
    joined.into_string().ok()
}
