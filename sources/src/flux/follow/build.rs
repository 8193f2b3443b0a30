//! Builds of many directories at a time by the real kustomize, each in a copy of the tree.
//!
//! In: Kustomizations of Flux. Out: for each what kustomize printed, or a sentence on why it printed
//! nothing. A worker has a copy of its own, since it writes the kustomization.yaml that Flux would write
//! into it, and takes it away again.

use super::How;
use super::error::Error;
use super::generate::{Generated, generate};
use super::kept::Kept;
use super::object::Kustomization;
use crate::manifests::{Kustomize, May, cause, outside, remote, said};
use crate::tree::{Copy, Tree, joined};
use netpol::objects::shown;
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
    pull: bool,
    /// What was made before.
    pub(super) kept: Kept<'t>,
    /// A copy for each that builds, made once there is something to build.
    copies: Vec<Mutex<Option<Copy>>>,
    /// Links that are in no copy.
    pub(super) outward: Vec<String>,
}

impl<'t> Builders<'t> {
    /// Finds the program.
    pub(super) fn of(tree: &'t Tree, name: &str, how: How) -> Result<Self, Error> {
        let kustomize = Kustomize::find().ok_or_else(|| Error::NoKustomize(name.to_owned()))?;
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
        Ok(Self { tree, kustomize, pull: how.pull, kept, copies, outward })
    }

    /// The top of a copy, as long as this lives.
    pub(super) fn top(&self) -> Result<PathBuf, Error> {
        let mut copy = self.copies[0].lock().unwrap_or_else(PoisonError::into_inner);
        Ok(copied(self.tree, &mut copy)?.root.clone())
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
        let key = self.kept.of_kustomize(&self.kustomize.path, &file, &text);
        if let Some(text) = self.kept.get(key.as_ref()) {
            return Ok(text.into_bytes());
        }
        let copy = copied(self.tree, copy).map_err(|error| error.to_string())?;
        let path = copy.root.join(&file);
        // A link would lead to what it is written for.
        let before = fs::read(&path).ok();
        let _ = fs::remove_file(&path);
        fs::write(&path, text).map_err(|error| format!("{file} cannot be written: {error}"))?;
        let built = self.run(copy, &directory);
        let _ = fs::remove_file(&path);
        if let Some(before) = before {
            fs::write(&path, before).map_err(|error| format!("{file} is lost: {error}"))?;
        }
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

/// The copy, made if there is none yet.
fn copied<'c>(tree: &Tree, copy: &'c mut Option<Copy>) -> Result<&'c Copy, Error> {
    match copy {
        Some(copy) => Ok(copy),
        none => Ok(none.insert(tree.copy()?.0)),
    }
}
