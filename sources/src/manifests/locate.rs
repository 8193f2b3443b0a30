//! Where a field is written, found only when asked for.
//!
//! In: an object's origin and a field path. Out: file, line, column and the line itself. Only the
//! document in question is parsed again.

use super::text::{self, MAX_FILE};
use netpol::cluster::{Origin, Rendered};
use netpol::objects::shown;
use netpol::yaml::{self, Document};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Of a line no more than this is shown.
const MAX_LINE: usize = 200;

/// The byte-order mark, which is no column.
const BOM: char = '\u{feff}';

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
}

impl Clone for Locator {
    fn clone(&self) -> Self {
        Self { kept: self.kept.clone(), last: Mutex::default() }
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
                let text = self.text(file)?;
                let (line, column, text) = place(&text, (*offset, *line), &full(within))?;
                Some(Place { file: shown(file), at: Some((line, column)), text })
            }
            Origin::Rendered { of, within } => {
                let path = full(within);
                let (_, _, text) = place(&of.text, (0, 1), &path)?;
                let alone = Place { file: shown(&of.file), at: None, text };
                Some(self.written(of, &path).unwrap_or(alone))
            }
            Origin::Live { .. } | Origin::Synthetic => None,
        }
    }

    /// The place in the file that something was made of, if that says the same there.
    fn written(&self, of: &Rendered, path: &str) -> Option<Place> {
        let from = of.from?;
        let text = self.text(&of.file)?;
        let written = yaml::parse(&Document::whole(document(text.get(from.0..)?)?)).ok()??;
        let made = yaml::parse(&Document::whole(&of.text)).ok()??;
        let (_, there, is_written) = yaml::find_in(&written, path);
        let (_, here, is_made) = yaml::find_in(&made, path);
        // The object as a whole is where it begins, whatever else was changed of it.
        let same = path.is_empty() || (is_written && is_made && here.says_as(there));
        let (line, column, text) = place(&text, from, path).filter(|_| same)?;
        Some(Place { file: shown(&of.file), at: Some((line, column)), text })
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

/// Line, column and text of a field of the document that begins at an offset, in a line.
fn place(text: &str, (offset, line): (usize, usize), path: &str) -> Option<(usize, usize, String)> {
    let mut document = Document::whole(document(text.get(offset..)?)?);
    document.line = line;
    let mark = yaml::locate(&document, path)?;
    let found_line = usize::try_from(mark.line).ok()?;
    let mut column = usize::try_from(mark.column).ok()?;
    let line_start = text.get(..offset)?.rfind('\n').map_or(0, |end| end + 1);
    let below = found_line.checked_sub(line)?;
    if below == 0 {
        column += text.get(line_start..offset)?.trim_start_matches(BOM).chars().count();
    }
    let whole = text.get(line_start..)?.split('\n').nth(below)?;
    let whole = whole.trim_end_matches('\r').trim_start_matches(BOM);
    let shown_line: String = whole.chars().take(MAX_LINE).collect();
    Some((found_line, column, if column <= MAX_LINE { shown_line } else { String::new() }))
}

/// The document that starts here.
fn document(rest: &str) -> Option<&str> {
    if rest.starts_with('{') {
        let mut values =
            serde_json::Deserializer::from_str(rest).into_iter::<serde::de::IgnoredAny>();
        if let Some(Ok(_)) = values.next() {
            return rest.get(..values.byte_offset());
        }
    }
    yaml::split(rest).next().map(|document| document.text)
}
