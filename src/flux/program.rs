//! `flux build kustomization`: what Flux would make of a directory.
//!
//! In: the name of a Kustomization and a directory as its source would have it. Out: the manifests
//! that the real CLI prints. What it prints is input like any other, of bounded length and in bounded
//! time, and no shell is between.

use crate::source::process::{self, Given, Limits, Output};
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
    #[error("building Kustomization {name}: {} is not a directory", crate::printable::printable(&path.to_string_lossy()))]
    NoDirectory {
        /// The Kustomization.
        name: String,
        /// What was named.
        path: PathBuf,
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

impl Build<'_> {
    /// Builds it; the manifests as YAML.
    pub fn run(&self) -> Result<Vec<u8>, BuildError> {
        let name = || format!("{}/{}", self.namespace, self.name);
        let program = which::which("flux").map_err(|_| BuildError::NoProgram(name()))?;
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let path = absolute(self.path);
        if !path.is_dir() {
            return Err(BuildError::NoDirectory { name: name(), path: self.path.to_owned() });
        }
        let kubeconfig = absolute_list(std::env::var_os("KUBECONFIG"), &absolute);
        let environment: Vec<(&str, &str)> =
            kubeconfig.as_deref().map(|list| ("KUBECONFIG", list)).into_iter().collect();
        let run = |more: &[&str]| {
            let mut words: Vec<OsString> =
                ["build", "kustomization", "--namespace", self.namespace, "--path"]
                    .map(OsString::from)
                    .into();
            words.push(path.clone().into());
            if let Some(file) = self.file {
                words.extend(["--kustomization-file".into(), absolute(file).into()]);
            }
            words.extend(more.iter().map(OsString::from));
            words.extend(self.connection.iter().cloned());
            // A name that starts with a dash would be taken for a flag.
            words.extend(["--".into(), self.name.into()]);
            let given = Given {
                environment: &environment,
                // In memory it reads nothing that is not below where it runs, which bases may be.
                directory: path.ancestors().last(),
                ..Given::default()
            };
            process::run_with(&program, words, given, LIMITS)
                .map_err(|source| BuildError::Run { name: name(), source })
        };
        let mut output = run(&[IN_MEMORY])?;
        if !output.status.success() && output.stderr.contains(&format!("unknown flag: {IN_MEMORY}"))
        {
            output = run(&[])?;
        }
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(BuildError::Failed { name: name(), message: said(&output) })
    }
}

/// What the CLI says on its failure: its last line with a cross, else all of it.
fn said(output: &Output) -> String {
    let lines = || output.stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let crossed = lines().filter_map(|line| line.strip_prefix('✗')).next_back();
    let said = crossed.map_or_else(|| lines().collect::<Vec<_>>().join(" "), |it| it.trim().into());
    if said.is_empty() { output.status.to_string() } else { said }
}

/// The files of `KUBECONFIG` by their full paths, since the CLI runs elsewhere.
fn absolute_list(list: Option<OsString>, absolute: &dyn Fn(&Path) -> PathBuf) -> Option<String> {
    let list = list.filter(|list| !list.is_empty())?;
    let paths = std::env::split_paths(&list);
    let filled = paths.filter(|path| path.as_os_str() != OsStr::new(""));
    let joined = std::env::join_paths(filled.map(|path| absolute(&path))).ok()?;
    joined.into_string().ok()
}
