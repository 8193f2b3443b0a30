//! Builds of many directories at a time by the real kustomize, each in a copy of what it can read.
//!
//! In: Kustomizations of Flux. Out: for each what kustomize printed, or a sentence on why it printed
//! nothing. Where what it reads cannot be told a worker has a copy of the whole tree, writes the
//! kustomization.yaml that Flux would write into it, and takes it away again.

use super::How;
use super::error::Error;
use super::generate::{Generated, generate};
use super::kept::{Kept, reads};
use super::object::Kustomization;
use crate::helm::Helm;
use crate::manifests::{Kustomize, May, cause, outside, remote, said};
use crate::process::Home;
use crate::tree::{Copy, Tree, joined, within};
use netpol::objects::shown;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// So many run at a time at most.
const MOST: usize = 8;

/// What kustomize says of a file that is not below the directory.
const RESTRICTED: &str = "is not in or below";

/// Those that build.
#[derive(Debug)]
pub(super) struct Builders<'t> {
    tree: &'t Tree,
    kustomize: Kustomize,
    /// What inflates charts, if it is there.
    pub(super) helm: Option<Helm>,
    /// What is elsewhere may be fetched.
    pub(super) pull: bool,
    /// What was made before.
    pub(super) kept: Kept<'t>,
    /// A copy for each that builds, made once there is something to build.
    copies: Vec<Mutex<Option<Copy>>>,
    /// Links that are in no copy.
    pub(super) outward: Vec<String>,
}

impl<'t> Builders<'t> {
    /// Finds the program.
    pub(super) fn of(tree: &'t Tree, name: &str, how: How<'_>) -> Result<Self, Error> {
        let find = |name: &str| how.find(name);
        let kustomize =
            Kustomize::found(find).ok_or_else(|| Error::NoKustomize(name.to_owned()))?;
        let helm = how.find("helm").map(Helm);
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut copies: Vec<_> = (0..cores.min(MOST)).map(|_| Mutex::new(None)).collect();
        let mut outward = Vec::new();
        // Where links lead is seen in a copy.
        if tree.links().next().is_some() {
            let (copy, found) = tree.copy()?;
            outward = found;
            copies[0] = Mutex::new(Some(copy));
        }
        // What is fetched may be something else the next time.
        let kept = Kept::of(tree, how.cache && !how.pull);
        Ok(Self { tree, kustomize, helm, pull: how.pull, kept, copies, outward })
    }

    /// A chart in a copy of its directory.
    pub(super) fn chart(&self, directory: &str) -> Result<Chart, Error> {
        if !self.tree.links().any(|link| within(link, directory)) {
            let copy = self.tree.part(self.tree.below(directory))?;
            return Ok(Chart { path: copy.root.join(directory), _copy: Some(copy) });
        }
        let mut copy = self.copies[0].lock().unwrap_or_else(PoisonError::into_inner);
        let path = copied(self.tree, &mut copy)?.root.join(directory);
        Ok(Chart { path, _copy: None })
    }

    /// Has a kustomization applied to manifests, in a directory of its own; `all.yaml` is what they are called.
    pub(super) fn aside(&self, manifests: &str, kustomization: &Value) -> Result<String, String> {
        let failed = |error: std::io::Error| error.to_string();
        let home = Home::new().map_err(failed)?;
        fs::write(home.path().join("all.yaml"), manifests).map_err(failed)?;
        let text = kustomization.to_string();
        fs::write(home.path().join("kustomization.yaml"), text).map_err(failed)?;
        if let Some(remote) = remote(home.path()) {
            let name = netpol::printable::printable(&remote.name).into_owned();
            return Err(format!("it takes {name} from elsewhere"));
        }
        let may = May { pull: false, charts: false };
        let output =
            self.kustomize.run(home.path(), may, false).map_err(|error| error.to_string())?;
        if output.status.success() {
            return String::from_utf8(output.stdout).map_err(|_| "it is no text".to_owned());
        }
        let said = cause(&said(&output), home.path(), Path::new(""));
        Err(format!("{} says: {said}", self.kustomize.name))
    }

    /// Builds all of them; the results in their order.
    pub(super) fn build(&self, all: &[Kustomization]) -> Vec<Result<Vec<u8>, String>> {
        let next = AtomicUsize::new(0);
        let results: Vec<_> = all.iter().map(|_| Mutex::new(Ok(Vec::new()))).collect();
        std::thread::scope(|scope| {
            for copy in self.copies.iter().take(all.len()) {
                let (next, results) = (&next, &results);
                scope.spawn(move || {
                    let Ok(mut copy) = copy.lock() else { return };
                    while let Some((one, into)) = {
                        let i = next.fetch_add(1, Ordering::Relaxed);
                        all.get(i).zip(results.get(i))
                    } {
                        let built = self.one(one, &mut copy);
                        if let Ok(mut into) = into.lock() {
                            *into = built;
                        }
                    }
                });
            }
        });
        let inner = |result: Mutex<_>| result.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.into_iter().map(inner).collect()
    }

    fn one(&self, of: &Kustomization, copy: &mut Option<Copy>) -> Result<Vec<u8>, String> {
        let directory = joined("", &of.spec.path);
        if !self.tree.has_directory(&directory) {
            return Err(format!("its path {} is not in the repository", of.spec.path));
        }
        let Generated { file, text } = generate(self.tree, &directory, &of.spec)?;
        let Some(text) = text else { return Ok(Vec::new()) };
        let read = reads(self.tree, &directory, &file, &text);
        let key = self.kept.of_kustomize(&self.kustomize.path, &file, &text, read.as_ref());
        if let Some(text) = self.kept.get(key.as_ref()) {
            return Ok(text.into_bytes());
        }
        let failed = |error: Error| error.to_string();
        let written = |error| format!("{file} cannot be written: {error}");
        let built = if let Some(read) = read {
            let copy = self.tree.part(read).map_err(|error| failed(error.into()))?;
            let path = copy.root.join(&file);
            let made = fs::create_dir_all(copy.root.join(&directory));
            made.and_then(|()| fs::write(path, text)).map_err(written)?;
            self.run(&copy, &directory)
        } else {
            let copy = copied(self.tree, copy).map_err(failed)?;
            let path = copy.root.join(&file);
            // A link would lead to what it is written for.
            let before = fs::read(&path).ok();
            let _ = fs::remove_file(&path);
            fs::write(&path, text).map_err(written)?;
            let built = self.run(copy, &directory);
            let _ = fs::remove_file(&path);
            if let Some(before) = before {
                fs::write(&path, before).map_err(|error| format!("{file} is lost: {error}"))?;
            }
            built
        };
        if let Ok(Ok(text)) = built.as_deref().map(std::str::from_utf8) {
            self.kept.put(key, text);
        }
        built
    }

    fn run(&self, copy: &Copy, directory: &str) -> Result<Vec<u8>, String> {
        let path = copy.root.join(directory);
        let named = |file: &Path| {
            let inside = file.canonicalize().ok();
            let inside = inside.as_deref().unwrap_or(file);
            shown(inside.strip_prefix(&copy.root).unwrap_or(inside))
        };
        if let Some((file, name)) = outside(&path, &copy.root) {
            return Err(format!("{} takes {name}, which is not in the repository", named(&file)));
        }
        if !self.pull
            && let Some(remote) = remote(&path)
        {
            let place = remote.place.as_deref().map(named).unwrap_or_default();
            let name = netpol::printable::printable(&remote.name);
            return Err(format!(
                "{place} takes {name} from elsewhere, and nothing is fetched unless asked for: give \
                 --pull, or keep a copy of it here"
            ));
        }
        let top = format!("{}/", copy.root.display());
        let explained = |words: String| words.replace(&top, "");
        let run = |loose| {
            self.kustomize
                .run(&path, May { pull: self.pull, charts: false }, loose)
                .map_err(|error| explained(error.to_string()))
        };
        let mut output = run(false)?;
        // Flux lets files stand anywhere in the repository; that all do was looked at before.
        if !output.status.success() && output.stderr.contains(RESTRICTED) {
            output = run(true)?;
        }
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(format!(
            "{} says: {}",
            self.kustomize.name,
            cause(&said(&output), &copy.root, Path::new(""))
        ))
    }
}

/// A chart in a copy, as long as this lives or, of the whole tree, those that build do.
#[derive(Debug)]
pub(super) struct Chart {
    /// Its directory.
    pub(super) path: PathBuf,
    _copy: Option<Copy>,
}

/// The copy, made if there is none yet.
fn copied<'c>(tree: &Tree, copy: &'c mut Option<Copy>) -> Result<&'c Copy, Error> {
    match copy {
        Some(copy) => Ok(copy),
        none => Ok(none.insert(tree.copy()?.0)),
    }
}
