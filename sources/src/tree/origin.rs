//! Where an object that was rendered is written in the repository.
//!
//! In: the object and the annotation in which kustomize says which file it has it from. Out: that file,
//! and the document in it that is the object as it was before. A throw-away directory is never named.
//!
//! Source: docs/semantics/flux.md#origin-of-an-object.

use super::{Head, Tree, joined};
use netpol::cluster::Rendered;
use netpol::yaml::{self, Node};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// The annotation.
const ORIGIN: &str = "config.kubernetes.io/origin";

/// Where files are found by their names.
pub(crate) trait Texts {
    /// What a file is called in answers; `None`: there is none of that name.
    fn place(&self, name: &str) -> Option<Arc<Path>>;
    /// Its text.
    fn text(&self, name: &str) -> Option<Cow<'_, str>>;
}

impl Texts for Tree {
    fn place(&self, name: &str) -> Option<Arc<Path>> {
        self.has(name).then(|| Self::place(self, name))
    }

    fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        Self::text(self, name)
    }
}

/// A document of a file.
#[derive(Debug)]
struct Written {
    kind: String,
    name: String,
    offset: usize,
    line: usize,
}

/// Finds places, and remembers what stands in which file.
#[derive(Debug, Default)]
pub(crate) struct Places {
    files: HashMap<String, Vec<Written>>,
}

/// The file that kustomize names for an object built in a directory, from the top.
pub(crate) fn file_of(node: &Node<'_>, directory: &str) -> Option<String> {
    let annotations = node.get("metadata")?.get("annotations")?;
    let origin = annotations.get(ORIGIN)?.as_str()?;
    let document = yaml::Document::whole(origin);
    let origin = yaml::parse(&document).ok()??;
    // What was fetched is in no file here.
    if origin.get("repo").is_some() {
        return None;
    }
    let path = origin.get("path").or_else(|| origin.get("configuredIn"))?.as_str()?;
    Some(joined(directory, path))
}

impl Places {
    /// What is kept of where an object is written: its file, or else what it was made by.
    pub(crate) fn of(
        &mut self,
        texts: &impl Texts,
        file: Option<&str>,
        head: &Head<'_>,
        otherwise: &Arc<Path>,
        text: &str,
    ) -> Arc<Rendered> {
        let text: Arc<str> = text.into();
        let Some((file, place)) = file.and_then(|file| Some((file, texts.place(file)?))) else {
            return Arc::new(Rendered { file: otherwise.clone(), from: None, text });
        };
        let documents = self.files.entry(file.to_owned()).or_insert_with(|| documents(texts, file));
        let kind: Vec<_> = documents.iter().filter(|it| it.kind == head.kind).collect();
        // A prefix or a suffix may have come to the name, and a patch may have changed all of it.
        let named = kind.iter().find(|it| it.name == head.name).or_else(|| {
            let part = kind.iter().filter(|it| head.name.contains(&it.name));
            part.max_by_key(|it| it.name.len())
        });
        let only = kind.first().filter(|_| kind.len() == 1);
        let from = named.or(only).map(|it| (it.offset, it.line));
        Arc::new(Rendered { file: place, from, text })
    }
}

fn documents(texts: &impl Texts, file: &str) -> Vec<Written> {
    let Some(text) = texts.text(file) else { return Vec::new() };
    let mut all = Vec::new();
    for document in yaml::split(&text) {
        let Ok(Some(node)) = yaml::parse(&document) else { continue };
        let Some(Head { kind, name, .. }) = Head::of(&node) else { continue };
        let (offset, line) = (document.offset, document.line);
        all.push(Written { kind: kind.to_owned(), name: name.to_owned(), offset, line });
    }
    all
}
