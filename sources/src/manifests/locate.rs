//! Where a field is written, found only when asked for.
//!
//! In: an object's origin and a field path. Out: file, line, column and the line itself. Only the
//! document in question is parsed again.

use super::text::{self, MAX_FILE};
use super::trees::{Tree, Trees};
use netpol::cluster::{Origin, Rendered};
use netpol::objects::shown;
use netpol::yaml;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// A place in the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, fit to be shown.
    pub file: String,
    /// Line and column in characters, from 1; `None`: a program made of the file what is in force, and
    /// it is not written there so.
    pub at: Option<(usize, usize)>,
    /// The line, or its beginning; empty where the column lies beyond that. Control characters are
    /// left as they are, so that the column fits.
    pub text: String,
}

/// Finds places in what was read.
#[derive(Debug, Default)]
pub struct Locator {
    /// Texts that cannot be read again: stdin, pipes and what kustomize printed.
    kept: HashMap<Arc<Path>, Arc<str>>,
    /// The file that was asked for last, since its neighbours are asked for next.
    last: Mutex<Option<(Arc<Path>, Arc<str>)>>,
    /// The documents that were asked for lately.
    trees: Trees,
}

impl Clone for Locator {
    fn clone(&self) -> Self {
        Self { kept: self.kept.clone(), ..Self::default() }
    }
}

impl Locator {
    pub(super) fn keep(&mut self, file: Arc<Path>, text: String) {
        self.kept.insert(file, text.into());
    }

    /// The place of a field, or of the longest part of its path that is written. What a program made of a
    /// file has a line there only where the file says just that.
    ///
    /// `None`: it was written nowhere, or its file cannot be read any more.
    pub fn locate(&self, origin: &Origin, path: &str) -> Option<Place> {
        let full = |within: &Option<Box<str>>| match within {
            Some(within) if path.is_empty() => within.to_string(),
            Some(within) => format!("{within}.{path}"),
            None => path.to_owned(),
        };
        match origin {
            Origin::Manifest { file, offset, line, within } => {
                let tree = self.of_file(file, (*offset, *line))?;
                let (line, column, text) = tree.place(&full(within))?;
                Some(Place { file: shown(file), at: Some((line, column)), text })
            }
            Origin::Rendered { of, within } => {
                let path = full(within);
                let (_, _, text) = self.trees.made(of)?.place(&path)?;
                let alone = Place { file: shown(&of.file), at: None, text };
                Some(self.written(of, &path).unwrap_or(alone))
            }
            Origin::Live { .. } | Origin::Synthetic => None,
        }
    }

    /// An object as it is written, read again; `None` where it cannot be.
    pub fn object<T: DeserializeOwned>(&self, origin: &Origin) -> Option<T> {
        let (tree, within) = match origin {
            Origin::Manifest { file, offset, line, within } => {
                (self.of_file(file, (*offset, *line))?, within)
            }
            Origin::Rendered { of, within } => (self.trees.made(of)?, within),
            Origin::Live { .. } | Origin::Synthetic => return None,
        };
        let (_, node, found) = yaml::find_in(&tree.root, within.as_deref().unwrap_or_default());
        if found { yaml::from_node(node).ok() } else { None }
    }

    /// The comments on a field, without what comes before their `#`: at the end of its line, on lines of
    /// comments right above it, and at the head of the document, which are on all of the object.
    pub fn comments(&self, origin: &Origin, path: &str) -> Vec<String> {
        let Some((line, _)) = self.locate(origin, path).and_then(|place| place.at) else {
            return Vec::new();
        };
        let (file, head) = match origin {
            Origin::Manifest { file, line, within, .. } => {
                (file, within.is_none().then_some(*line))
            }
            Origin::Rendered { of, within } => {
                let from = of.from.filter(|_| within.is_none());
                (&of.file, from.map(|(_, line)| line))
            }
            Origin::Live { .. } | Origin::Synthetic => return Vec::new(),
        };
        let Some(text) = self.text(file) else { return Vec::new() };
        comments(&text, line, head)
    }

    /// The place in the file that something was made of, if that says the same there.
    fn written(&self, of: &Arc<Rendered>, path: &str) -> Option<Place> {
        let (written, made) = (self.of_file(&of.file, of.from?)?, self.trees.made(of)?);
        let (_, there, is_written) = yaml::find_in(&written.root, path);
        let (_, here, is_made) = yaml::find_in(&made.root, path);
        // The object as a whole is where it begins, whatever else was changed of it.
        let same = path.is_empty() || (is_written && is_made && here.says_as(there));
        let (line, column, text) = written.place(path).filter(|_| same)?;
        Some(Place { file: shown(&of.file), at: Some((line, column)), text })
    }

    /// The document that begins at a byte, in a line.
    fn of_file(&self, file: &Arc<Path>, from: (usize, usize)) -> Option<Arc<Tree>> {
        self.trees.of_file(file, from, || self.text(file))
    }

    fn text(&self, file: &Arc<Path>) -> Option<Arc<str>> {
        if let Some(text) = self.kept.get(file) {
            return Some(text.clone());
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, text)) = last.as_ref().filter(|(path, _)| path == file) {
            return Some(text.clone());
        }
        let bytes = text::read_file(file, MAX_FILE).ok()?;
        let text: Arc<str> = netpol::objects::text::decode(bytes, file).ok()?.into();
        *last = Some((file.clone(), text.clone()));
        Some(text)
    }
}

/// The comments of a line, of the lines of comments above it, and of those at the head of a document.
fn comments(text: &str, line: usize, head: Option<usize>) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let at = |line: usize| line.checked_sub(1).and_then(|index| lines.get(index)).copied();
    let comment = |line: usize| at(line).and_then(|text| text.trim_start().strip_prefix('#'));
    let mut all: Vec<String> = Vec::new();
    if comment(line).is_none() {
        let end = at(line).and_then(|text| text.rsplit_once(" #"));
        all.extend(end.map(|(_, comment)| comment.to_owned()));
    }
    let mut above = |from: usize| {
        let before = (1..from).rev().map_while(comment);
        all.extend(before.map(ToOwned::to_owned));
    };
    above(line);
    let Some(head) = head else { return all };
    above(head);
    let empty = |line: &usize| {
        at(*line).is_some_and(|text| {
            let text = text.trim();
            text.is_empty() || text.starts_with('#') || text.starts_with("---")
        })
    };
    let first = (head..).take_while(empty);
    all.extend(first.filter_map(comment).map(ToOwned::to_owned));
    all
}

#[cfg(test)]
mod tests {
    use super::comments;

    #[test]
    fn comments_beside_above_and_at_the_head() {
        let text = "# head\na: 1\n\n# above\n# twice\nb: 2 # beside\n---\n# second\nc: 3 # x # y\n";
        let of = |line, head| comments(text, line, head);
        assert_eq!(of(6, None), [" beside", " twice", " above"]);
        assert_eq!(of(6, Some(1)), [" beside", " twice", " above", " head"]);
        assert_eq!(of(2, Some(1)), [" head", " head"]);
        assert_eq!(of(9, Some(7)), [" y", " second", " second"]);
        assert_eq!(of(99, None), Vec::<String>::new());
    }
}
