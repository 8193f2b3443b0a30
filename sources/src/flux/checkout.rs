//! Whether what a file says is in the revision that Flux has fetched.
//!
//! In: a file of a Git checkout and a revision as Flux names it. Out: its [`Presence`] there. Only git
//! commands that read objects are run, and nothing is fetched: of a commit that this clone does not
//! have nothing is known, and a clone that has it is one of the same repository.

use crate::process::{self, Given, Limits, Output, Program};
use netpol::cluster::ObjectRef;
use netpol::objects::Body;
use netpol::objects::decode_text;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One file of manifests is read, and nobody waits longer.
const LIMITS: Limits = Limits { time: Duration::from_secs(20), output: 64 << 20 };

/// A file in a Git checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    git: PathBuf,
    directory: PathBuf,
    /// The file from the top of the checkout, with slashes.
    pub file: String,
    /// It stands for all that kustomize makes of its directory.
    built: bool,
}

/// How a revision has an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// As the file has it.
    Same,
    /// Otherwise than the file has it.
    Other,
    /// Not at all.
    Absent,
    /// Not known: this clone does not have the commit.
    NoCommit,
}

impl Checkout {
    /// The checkout that a file is in, or a directory with a kustomization; `None`: it is in none, or
    /// there is no git.
    pub fn of(file: &Path) -> Option<Self> {
        let git = process::find("git")?;
        let file = std::path::absolute(file).ok()?;
        let built = file.is_dir();
        let (directory, name) = if built {
            (file.clone(), "kustomization.yaml")
        } else {
            (file.parent()?.to_owned(), file.file_name()?.to_str().filter(|_| file.is_file())?)
        };
        let mut checkout = Self { git, directory, file: String::new(), built };
        let output = checkout.run(&["rev-parse", "--show-prefix"])?;
        let prefix = String::from_utf8(output.stdout).ok()?;
        // A line's end is git's own.
        checkout.file = format!("{}{name}", prefix.strip_suffix('\n').unwrap_or(&prefix));
        Some(checkout)
    }

    /// How a revision of Flux (`main@sha1:…`) has an object that the file has with this content.
    pub fn presence(
        &self,
        revision: &str,
        object: &ObjectRef,
        body: &Body,
        namespace: &str,
    ) -> Option<Presence> {
        // What kustomize would make of that revision is not known.
        let (_, hash) = revision.rsplit_once(':').filter(|_| !self.built)?;
        let is_hash =
            matches!(hash.len(), 40 | 64) && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash {
            return None;
        }
        if self.run(&["cat-file", "-e", &format!("{hash}^{{commit}}")]).is_none() {
            return Some(Presence::NoCommit);
        }
        let Some(output) = self.run(&["cat-file", "blob", &format!("{hash}:{}", self.file)]) else {
            return Some(Presence::Absent);
        };
        let (objects, _) = decode_text(output.stdout, Path::new(&self.file), namespace);
        Some(match objects.body(object) {
            Some(there) if there == body => Presence::Same,
            Some(_) => Presence::Other,
            None => Presence::Absent,
        })
    }

    /// Runs git; `None`: it could not be run, or it failed.
    fn run(&self, arguments: &[&str]) -> Option<Output> {
        let place = [OsStr::new("-C"), self.directory.as_os_str()];
        let words = place.into_iter().chain(arguments.iter().map(OsStr::new));
        let output = process::run(Program::Git, &self.git, words, Given::default(), LIMITS).ok()?;
        output.status.success().then_some(output)
    }
}

/// How deep a directory that holds a file is below the top, from the paths of both; `None`: it does
/// not hold it. A Kustomization's path is written in many ways: `./k8s`, `/k8s/`, `k8s`.
pub(super) fn depth(directory: &str, file: &str) -> Option<usize> {
    let mut parts = file.split('/');
    let mut depth = 0;
    for part in directory.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if parts.next() != Some(part) {
            return None;
        }
        depth += 1;
    }
    // The file itself is no directory.
    parts.next().map(|_| depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_that_hold_a_file() {
        let file = "clusters/home/netpol.yaml";
        for (directory, expected) in [
            ("./clusters/home", Some(2)),
            ("clusters/home/", Some(2)),
            ("/clusters", Some(1)),
            ("./", Some(0)),
            ("", Some(0)),
            ("./clusters/ho", None),
            ("clusters/home/netpol.yaml", None),
            ("clusters/home/netpol.yaml/x", None),
            ("..", None),
        ] {
            assert_eq!(depth(directory, file), expected, "{directory}");
        }
    }

    fn git(directory: &Path, arguments: &[&str]) -> String {
        let output = std::process::Command::new("git")
            .args(["-C", &directory.to_string_lossy(), "-c", "user.name=a", "-c", "user.email=a@b"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    #[test]
    fn how_a_revision_has_an_object() {
        let directory = tempfile::tempdir().unwrap();
        let top = directory.path();
        git(top, &["init", "--quiet"]);
        let file = top.join("k8s").join("a.yaml");
        std::fs::create_dir(top.join("k8s")).unwrap();
        let policy = |types: &str| {
            format!(
                "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
                 metadata: {{name: a, namespace: x}}\n\
                 spec: {{podSelector: {{}}, policyTypes: [{types}]}}\n"
            )
        };
        let commit = |text: &str| {
            std::fs::write(&file, text).unwrap();
            git(top, &["add", "."]);
            git(top, &["commit", "--quiet", "--allow-empty", "-m", "x"]);
            format!("main@sha1:{}", git(top, &["rev-parse", "HEAD"]))
        };
        let without = commit("{}\n");
        let older = commit(&policy("Egress"));
        let same = commit(&policy("Ingress"));
        let (objects, _) = decode_text(policy("Ingress").into(), Path::new("a.yaml"), "x");
        let object = ObjectRef::namespaced("NetworkPolicy", "x", "a");
        let body = objects.body(&object).unwrap();
        let checkout = Checkout::of(&file).unwrap();
        assert_eq!(checkout.file, "k8s/a.yaml");
        let elsewhere = format!("main@sha1:{}", "0123456789".repeat(4));
        for (revision, expected) in [
            (same.as_str(), Some(Presence::Same)),
            (&older, Some(Presence::Other)),
            (&without, Some(Presence::Absent)),
            (&elsewhere, Some(Presence::NoCommit)),
            ("1.2.3", None),
            ("main@sha1:--help", None),
        ] {
            assert_eq!(checkout.presence(revision, &object, body, "x"), expected, "{revision}");
        }
        assert_eq!(Checkout::of(&top.join("missing.yaml")), None);
        let built = Checkout::of(&top.join("k8s")).unwrap();
        assert_eq!(built.file, "k8s/kustomization.yaml");
        assert_eq!(built.presence(&same, &object, body, "x"), None);
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("a.yaml"), "").unwrap();
        assert_eq!(Checkout::of(&outside.path().join("a.yaml")), None);
    }
}
