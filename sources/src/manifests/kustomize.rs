//! The program that builds kustomizations, and what these take from elsewhere.
//!
//! In: a directory. Out: what `kubectl kustomize` prints for it, or `kustomize build` where there is no
//! kubectl: users of kubectl expect the version in their kubectl. Nothing is fetched unless asked for: what
//! a kustomization takes from elsewhere is looked for before the program runs, which then finds no way out
//! either.

use super::built::May;
use super::{klog, text};
use crate::process::{self, Given, Limits, Program};
use netpol::objects::shown;
use netpol::printable::printable;
use netpol::yaml::{self, Node};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// kustomize may fetch remote bases, but nobody waits longer for an answer.
const LIMITS: Limits = Limits { time: Duration::from_mins(1), output: 256 << 20 };

/// The names under which kustomize looks for its file.
pub(crate) const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// No kustomization is larger.
const LARGEST: u64 = 16 << 20;

/// More directories than these are not looked through.
const MOST: usize = 10_000;

/// Of one document no more is looked at.
const MOST_NODES: usize = 200_000;

/// Fields of a kustomization whose texts name files, directories or what is to be fetched; `files` and
/// `envs` may have `KEY=` before it.
///
/// Source: <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/>
const PATHS: &[&str] = &[
    "resources",
    "bases",
    "components",
    "crds",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "patchesStrategicMerge",
    "path",
    "files",
    "envs",
    "env",
    "valuesFile",
    "additionalValuesFiles",
    "repo",
];

/// The program that builds kustomizations.
#[derive(Clone, Debug)]
pub(crate) struct Kustomize {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it is called.
    pub(crate) name: &'static str,
    word: &'static str,
}

impl Kustomize {
    /// Finds it.
    pub(crate) fn find() -> Option<Self> {
        let programs = [("kubectl", "kustomize"), ("kustomize", "build")];
        programs
            .into_iter()
            .find_map(|(name, word)| Some(Self { path: process::find(name)?, name, word }))
    }

    /// Builds a directory; `loose`: files may stand outside of it.
    pub(crate) fn run(
        &self,
        directory: &Path,
        may: May,
        loose: bool,
    ) -> Result<process::Output, process::Error> {
        let mut arguments = vec![OsStr::new(self.word)];
        let helm = process::find("helm").filter(|_| may.charts);
        if may.charts {
            arguments.push(OsStr::new("--enable-helm"));
        }
        if let Some(helm) = &helm {
            arguments.extend([OsStr::new("--helm-command"), helm.as_os_str()]);
        }
        if loose {
            arguments.extend(["--load-restrictor", "LoadRestrictionsNone"].map(OsStr::new));
        }
        // A path that starts with a dash would be taken for a flag.
        arguments.extend([OsStr::new("--"), directory.as_os_str()]);
        let program = Program::Kustomize { pull: may.pull };
        process::run(program, &self.path, arguments, Given::default(), LIMITS)
    }
}

/// What it says of its failure.
pub(crate) fn said(output: &process::Output) -> String {
    let error = klog::error(output.stderr.trim());
    let error = error.trim_start_matches("error: ");
    if error.is_empty() { output.status.to_string() } else { error.to_owned() }
}

/// Something that would have to be fetched.
#[derive(Debug, PartialEq, Eq)]
pub struct Remote {
    /// The kustomization that names it; `None`: it is what was asked for itself.
    pub place: Option<PathBuf>,
    /// What it names, without what is secret in it.
    pub name: String,
}

/// `base/kustomization.yaml takes https://… from elsewhere`
impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => {
                write!(f, "{} takes {} from elsewhere", shown(place), printable(&self.name))
            }
            None => f.write_str("it is elsewhere"),
        }
    }
}

/// The first thing that a kustomization, or one that it is made of, takes from elsewhere.
pub fn remote(directory: &Path) -> Option<Remote> {
    if is_remote(&directory.to_string_lossy()) {
        return Some(Remote { place: None, name: named(directory) });
    }
    look_through(directory, |place, _, name| {
        let value = name.split_once('=').map_or(name, |(_, value)| value);
        let remote = [value, name].into_iter().find(|name| is_remote(name))?;
        Some(Remote { place: Some(place.to_owned()), name: named(Path::new(remote)) })
    })
}

/// The first thing that a kustomization, or one that it is made of, names and that is outside of a
/// directory: the file that names it, and its name. The directory's own path has no links.
pub(crate) fn outside(directory: &Path, top: &Path) -> Option<(PathBuf, String)> {
    look_through(directory, |place, directory, name| {
        let value = name.split_once('=').map_or(name, |(_, value)| value);
        let leads_out = [value, name].into_iter().any(|name| {
            let path = directory.join(name);
            path.canonicalize().is_ok_and(|path| !path.starts_with(top))
        });
        leads_out.then(|| (place.to_owned(), printable(name).into_owned()))
    })
}

/// Looks at every name of a path in a kustomization, and in those that it is made of, with the file that
/// has it and its directory.
fn look_through<T>(
    directory: &Path,
    mut look: impl FnMut(&Path, &Path, &str) -> Option<T>,
) -> Option<T> {
    let mut seen = HashSet::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        let Ok(real) = directory.canonicalize() else { continue };
        if seen.len() >= MOST || !seen.insert(real) {
            continue;
        }
        for name in NAMES {
            let place = directory.join(name);
            // What is no text is the program's to complain of.
            let Ok(bytes) = text::read_file(&place, LARGEST) else { continue };
            let Ok(text) = String::from_utf8(bytes) else { continue };
            for document in yaml::split(&text) {
                let Ok(Some(root)) = yaml::parse(&document) else { continue };
                for name in paths(&root) {
                    if let Some(found) = look(&place, &directory, name) {
                        return Some(found);
                    }
                    let value = name.split_once('=').map_or(name, |(_, value)| value);
                    let below = directory.join(value);
                    if below.is_dir() {
                        open.push(below);
                    }
                }
            }
        }
    }
    None
}

/// Every name of a path in a kustomization.
pub(crate) fn paths<'a>(root: &'a Node<'_>) -> Vec<&'a str> {
    let mut names = Vec::new();
    collect(root, false, &mut names, &mut { MOST_NODES });
    names
}

/// The texts of fields that name paths; `wanted`: this one is of such a field. Aliases make a tree of
/// any size from a short text, so only so much of it is looked at; the program finds no way out anyhow.
fn collect<'a>(node: &'a Node<'_>, wanted: bool, names: &mut Vec<&'a str>, left: &mut usize) {
    let Some(rest) = left.checked_sub(1) else { return };
    *left = rest;
    if let Some(text) = node.as_str() {
        // A patch may stand in the place of its path.
        if wanted && !text.contains('\n') {
            names.push(text);
        }
    } else if let Some(items) = node.items() {
        for item in items {
            collect(item, wanted, names, left);
        }
    } else {
        for entry in node.entries().unwrap_or_default() {
            let wanted = PATHS.contains(&&*entry.key);
            collect(&entry.value, wanted, names, left);
        }
    }
}

/// Whether kustomize would take a name for an address: by its forms, whether or not there is a file of
/// that name, since it asks the outside first.
///
/// Source: <https://github.com/kubernetes-sigs/kustomize/blob/kustomize/v5.7.1/api/internal/git/repospec.go>
/// and `fileloader.go` beside it.
fn is_remote(name: &str) -> bool {
    let lower = name.trim_start().to_ascii_lowercase();
    let host = lower.split(['/', ':']).next().unwrap_or_default();
    lower.contains("://")
        || lower.contains("?ref=")
        || lower.contains("&ref=")
        || lower.contains("?version=")
        || lower.starts_with("git::")
        || lower.starts_with("gh:")
        || lower.starts_with("oci:")
        || lower.starts_with("github.com/")
        || lower.starts_with("github.com:")
        || lower.contains("/_git/")
        // user@host:path
        || (host.contains('@') && lower.contains(':'))
        || format!("{lower}/").contains(".git/")
}

/// An address as it may be shown.
fn named(remote: &Path) -> String {
    crate::address::without_user(&remote.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_fetched() {
        for name in [
            "https://example.com/x.yaml",
            "HTTP://example.com/x.yaml",
            "ssh://git@example.com/a/b",
            "git@github.com:a/b.git",
            "github.com/a/b//base?ref=v1",
            "git::file:///tmp/x",
            "file:///tmp/x",
            "gh:a/b",
            "../x.git",
            "https://dev.azure.com/o/p/_git/r",
            "example.com/a/b?ref=main",
        ] {
            assert!(is_remote(name), "{name}");
        }
        for name in ["a.yaml", "../base", "./github.com-like", "over/git", "a@b.yaml", "x:y.yaml"] {
            assert!(!is_remote(name), "{name}");
        }
    }

    #[test]
    fn bases_of_bases_are_looked_through() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let found = || remote(&directory.path().join("over"));
        write(
            "over/kustomization.yaml",
            "resources: [../base, ../base, .]\npatches: [{path: p.yaml}]\n",
        );
        write("base/kustomization.yml", "resources:\n- a.yaml\n- ../over\ncomponents: [../part]\n");
        write("part/Kustomization", "configMapGenerator:\n- literals: [u=https://example.com]\n");
        assert_eq!(found(), None);
        let generator = "configMapGenerator:\n- files: ['a=https://u:secret@example.com/x']\n";
        for text in [generator, "bases: ['https://u:secret@example.com/x']\n"] {
            write("part/Kustomization", text);
            let Remote { place, name } = found().unwrap();
            assert!(place.unwrap().ends_with("part/Kustomization"));
            assert_eq!(name, "https://example.com/x");
        }
        let patches = "patchesStrategicMerge:\n- |-\n  kind: ConfigMap\n  data: {a: 'https://x'}\n";
        write("part/Kustomization", patches);
        assert_eq!(found(), None);
    }
}
