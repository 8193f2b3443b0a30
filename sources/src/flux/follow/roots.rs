//! Where following begins: the Kustomizations that no other one makes.
//!
//! In: a tree and a place in it. Out: what of Flux is written in its files, and of that what to follow
//! first. What a Kustomization builds may hold others, with what is patched into them, so those are not
//! taken from their files.

use super::artifact::{EXTENSIONS, Part, parts};
use super::error::Error;
use super::object::{HELM, KUSTOMIZE, Kustomization, OPERATOR, Reference, SOURCE, Spec};
use super::own::Own;
use super::rounds::{KIND, not_made};
use crate::manifests::is_manifest;
use crate::tree::{Head, Named, Tree, joined, within};
use netpol::objects::Warning;
use netpol::yaml::{self, Node};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

/// What is written of Flux in the files of a tree.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// Kustomizations below the place.
    pub(super) kustomizations: Vec<Kustomization>,
    /// What the operator of Flux follows below the place.
    pub(super) instances: Vec<Kustomization>,
    /// Addresses of sources anywhere, by kind, namespace and name.
    pub(super) sources: BTreeMap<(String, Named), String>,
    /// What is written of them.
    pub(super) specs: BTreeMap<(String, Named), String>,
    /// Artifacts that are a part of one of them.
    pub(super) artifacts: BTreeMap<Named, Part>,
    /// What could not be read.
    pub(super) warnings: Vec<Warning>,
}

impl Scanned {
    /// Looks through the files.
    pub(super) fn of(tree: &Tree, place: &str) -> Self {
        let mut all = Self::default();
        for file in tree.below("") {
            if !is_manifest(Path::new(file)) {
                continue;
            }
            let Some(text) = tree.text(file) else { continue };
            let groups = [KUSTOMIZE, SOURCE, OPERATOR, HELM, EXTENSIONS];
            let has =
                |group: &&str| memchr::memmem::find(text.as_bytes(), group.as_bytes()).is_some();
            if !groups.iter().any(has) {
                continue;
            }
            for document in yaml::split(&text) {
                // What is a template or broken is told by whoever builds it.
                let Ok(Some(node)) = yaml::parse(&document) else { continue };
                all.take(tree, file, &node, within(file, place) || place.is_empty());
            }
        }
        all
    }

    fn take(&mut self, tree: &Tree, file: &str, node: &Node<'_>, here: bool) {
        let Some(head) = Head::of(node) else { return };
        let spec = |field: &str| node.get("spec").and_then(|spec| spec.get(field));
        if head.group == SOURCE || head.group == EXTENSIONS {
            self.source(&head, node);
        } else if head.is(KUSTOMIZE, "Kustomization") && here {
            let place = tree.place(file);
            match Kustomization::read(node, Some(file.to_owned()), place.clone()) {
                Ok(found) => self.kustomizations.push(found),
                Err(error) => {
                    let message = format!(
                        "Kustomization {} is not read: {}: {}",
                        netpol::printable::printable(head.name),
                        error.path(),
                        error.message()
                    );
                    self.warnings.push(not_made(&place, KIND, message));
                }
            }
        } else if head.is(OPERATOR, "FluxInstance")
            && here
            && let Some(sync) = spec("sync")
        {
            let word = |key| sync.get(key).and_then(Node::as_str).map(str::to_owned);
            let spec = Spec {
                path: word("path").unwrap_or_default(),
                source_ref: Reference {
                    kind: word("kind").unwrap_or_default(),
                    name: word("name").unwrap_or_else(|| head.namespace.to_owned()),
                    ..Reference::default()
                },
                ..Spec::default()
            };
            let name = word("name").unwrap_or_else(|| head.namespace.to_owned());
            let named = (head.namespace.to_owned(), name);
            let place = tree.place(file);
            let key = (spec.source_ref.kind.clone(), named.clone());
            if let Some(url) = word("url") {
                let name = word("ref").unwrap_or_default();
                let told = json!({"url": url, "ref": {"name": name}});
                self.sources.entry(key.clone()).or_insert(url);
                // A registry has tags.
                if key.0 == "GitRepository" {
                    self.specs.entry(key).or_insert(told.to_string());
                }
            }
            self.instances.push(Kustomization { named, file: None, place, spec, foreign: false });
        }
    }

    /// Takes a source, or the later of two.
    pub(super) fn source(&mut self, head: &Head<'_>, node: &Node<'_>) {
        let Some(spec) = node.get("spec") else { return };
        if head.is(EXTENSIONS, "ArtifactGenerator") {
            return self.artifacts.extend(parts(head, node));
        }
        let key = (head.kind.to_owned(), head.named());
        if let Some(url) = spec.get("url").and_then(Node::as_str) {
            self.sources.insert(key.clone(), url.to_owned());
        }
        let value = yaml::from_node::<Value>(spec).ok();
        self.specs.extend(value.map(|value| (key, value.to_string())));
    }

    /// Marks those that build directories of other repositories, which make nothing of this one.
    pub(super) fn mark(&mut self, own: &Own) {
        let (mut kustomizations, mut instances) =
            (std::mem::take(&mut self.kustomizations), std::mem::take(&mut self.instances));
        for it in kustomizations.iter_mut().chain(&mut instances) {
            it.foreign = own.is_foreign(it, self);
        }
        (self.kustomizations, self.instances) = (kustomizations, instances);
    }

    /// What to follow first.
    pub(super) fn first(
        &self,
        tree: &Tree,
        repository: &str,
        place: Option<&str>,
    ) -> Result<Vec<Kustomization>, Error> {
        if let Some(place) = place {
            // Flux is pointed at this directory: by what is written in it, or else somewhere else.
            let all = self.kustomizations.iter().chain(&self.instances);
            let mut own = all.filter(|it| !it.foreign && directory(it) == place);
            if let Some(own) = own.next() {
                return Ok(vec![own.clone()]);
            }
            let spec = Spec { path: place.to_owned(), ..Spec::default() };
            let (named, place) = ((String::new(), place.to_owned()), tree.place(place));
            return Ok(vec![Kustomization { named, file: None, place, spec, foreign: false }]);
        }
        let of_itself = |it: &&Kustomization| contains(it, it);
        let mut first: Vec<Kustomization> = self.instances.clone();
        first.retain(|it| !it.foreign);
        first.extend(self.kustomizations.iter().filter(of_itself).cloned());
        if first.is_empty() {
            first = self.further(&BTreeSet::new(), &[]);
        }
        if first.is_empty() {
            let repository = repository.to_owned();
            return Err(match self.warnings.first() {
                Some(first) => Error::Unread(repository, Box::new(first.clone())),
                None => Error::NoKustomization(repository),
            });
        }
        one_cluster(repository, &first)?;
        Ok(first)
    }

    /// What to follow besides: what is written in files that nothing has built so far, and that nothing
    /// of the rest would build, nor anything that was followed.
    pub(super) fn further(
        &self,
        built: &BTreeSet<String>,
        followed: &[Kustomization],
    ) -> Vec<Kustomization> {
        let done: HashSet<&Named> = followed.iter().map(|done| &done.named).collect();
        let directories: HashSet<String> = followed.iter().map(directory).collect();
        let is_new = |it: &&Kustomization| {
            let file = it.file.as_deref().unwrap_or_default();
            let made = || it.file.is_some() && above(file).any(|it| directories.contains(it));
            !built.contains(file) && !done.contains(&it.named) && !made()
        };
        let rest = self.kustomizations.iter().filter(is_new);
        let rest: Vec<(&Kustomization, String)> = rest.map(|it| (it, directory(it))).collect();
        let has = |directory: &str, it: &Kustomization| {
            it.file.as_deref().is_some_and(|file| within(file, directory))
        };
        let made = |(it, own): &(&Kustomization, String)| {
            rest.iter().any(|(other, directory)| {
                let one_way = it.foreign || !has(own, other);
                !other.foreign && other.file != it.file && has(directory, it) && one_way
            })
        };
        rest.iter().filter(|it| !made(it)).map(|(it, _)| (*it).clone()).collect()
    }

    /// Those in files that nothing has built.
    pub(super) fn left<'s>(
        &'s self,
        built: &'s BTreeSet<String>,
        followed: &'s [Kustomization],
    ) -> impl Iterator<Item = &'s Kustomization> {
        self.kustomizations.iter().filter(move |it| {
            let file = it.file.as_deref().unwrap_or_default();
            !built.contains(file) && !followed.iter().any(|done| done.named == it.named)
        })
    }
}

/// The directory that it builds, from the top.
pub(super) fn directory(it: &Kustomization) -> String {
    joined("", &it.spec.path)
}

/// Every directory that a file is in, the top among them.
fn above(file: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(file), |it| it.rsplit_once('/').map(|(directory, _)| directory))
        .skip(1)
        .chain([""])
}

/// Whether a Kustomization is in a file of the directory that another builds.
pub(super) fn contains(outer: &Kustomization, inner: &Kustomization) -> bool {
    let directory = directory(outer);
    !outer.foreign && inner.file.as_deref().is_some_and(|file| within(file, &directory))
}

/// Two of one name are of two clusters.
fn one_cluster(repository: &str, all: &[Kustomization]) -> Result<(), Error> {
    let mut seen: BTreeMap<&Named, &Kustomization> = BTreeMap::new();
    for it in all.iter().filter(|it| !it.named.0.is_empty()) {
        let Some(other) = seen.insert(&it.named, it) else { continue };
        let files = [other, it].map(|it| netpol::objects::shown(&it.place));
        return Err(Error::Clusters {
            repository: repository.to_owned(),
            title: it.title(),
            files: files.into(),
            place: if contains(other, other) {
                directory(other)
            } else {
                let file = other.file.as_deref().unwrap_or_default();
                file.rsplit_once('/').map_or("", |(directory, _)| directory).to_owned()
            },
        });
    }
    Ok(())
}
