//! Which Applications a repository has, and which of them is its own.
//!
//! In: a tree and a place in it. Out: the Applications in its files, the warnings about what was not read, and
//! the address that is this repository's.
//!
//! Source: docs/semantics/argocd.md#own-repository.

use super::super::object::title;
use super::super::rounds::not_made;
use super::KIND;
use super::application::{ARGO, Application, plain};
use crate::manifests::is_manifest;
use crate::tree::{Head, Tree, joined, within};
use netpol::objects::Warning;
use netpol::yaml;
use std::collections::BTreeMap;
use std::path::Path;

/// The Applications in files below a place, and what is told of others.
pub(super) fn scan(tree: &Tree, place: &str) -> (Vec<Application>, Vec<Warning>) {
    let (mut found, mut warnings) = (Vec::new(), Vec::new());
    for file in tree.below(place).filter(|file| is_manifest(Path::new(file))) {
        let Some(text) = tree.text(file) else { continue };
        if memchr::memmem::find(text.as_bytes(), ARGO.as_bytes()).is_none() {
            continue;
        }
        for document in yaml::split(&text) {
            // What is a template or broken is told by whoever builds it.
            let Ok(Some(node)) = yaml::parse(&document) else { continue };
            let Some(head) = Head::of(&node) else { continue };
            if !head.is(ARGO, "Application") {
                warnings.extend(of_set(&head, &tree.place(file)));
                continue;
            }
            match Application::read(&node, Some(file.to_owned()), tree.place(file)) {
                Ok(application) => found.push(application),
                Err(error) => warnings.push(not_read(&head, &error, &tree.place(file))),
            }
        }
    }
    (found, warnings)
}

/// What is told of an `ApplicationSet`.
pub(super) fn of_set(head: &Head<'_>, place: &Path) -> Option<Warning> {
    head.is(ARGO, "ApplicationSet").then(|| {
        let title = title("ApplicationSet", &head.named());
        let message = format!("{title} is not followed: what it makes is not known");
        not_made(place, &format!("ApplicationSet.{ARGO}"), message)
    })
}

pub(super) fn not_read(head: &Head<'_>, error: &yaml::Error, place: &Path) -> Warning {
    let title = title("Application", &head.named());
    let message = format!("{title} is not read: {}: {}", error.path(), error.message());
    not_made(place, KIND, message)
}

/// The address that most Applications have whose directory is here; the error is those of which one must be
/// it.
///
/// Source: docs/semantics/argocd.md#own-repository.
pub(super) fn own(tree: &Tree, all: &[Application]) -> Result<String, Vec<String>> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for source in all.iter().flat_map(Application::sources) {
        let here = source.chart.is_empty() && tree.has_directory(&joined("", &source.path));
        if here && !source.path.is_empty() {
            *counts.entry(plain(&source.repo_url)).or_default() += 1;
        }
    }
    let most = counts.values().max().copied().unwrap_or_default();
    let first = counts.into_iter().filter(|(_, count)| *count == most);
    let first: Vec<String> = first.map(|(address, _)| address.to_owned()).collect();
    match first.as_slice() {
        [] => Ok(String::new()),
        [one] => Ok(one.clone()),
        _ => Err(first),
    }
}

/// Whether an Application is in a file of a directory that another one is made of.
pub(super) fn contains(outer: &Application, inner: &Application) -> bool {
    let Some(file) = &inner.file else { return false };
    // One that is in its own directory is where it begins.
    let of = |it: &Application| {
        let mut sources = it.sources().into_iter().filter(|it| !it.path.is_empty());
        sources.any(|source| within(file, &joined("", &source.path)))
    };
    outer.named != inner.named && of(outer) && !of(inner)
}
