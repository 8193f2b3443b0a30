//! Where a field is written, found only when asked for.
//!
//! In: an object's origin and a field path. Out: file, line, column and the line itself. Only the
//! document in question is parsed again.

use super::text::{self, MAX_FILE};
use netpol::cluster::Origin;
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
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
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

impl Locator {
    pub(super) fn keep(&mut self, file: Arc<Path>, text: String) {
        self.kept.insert(file, text.into());
    }

    /// The place of a field, or of the longest part of its path that is written.
    ///
    /// `None`: it was written nowhere, or its file cannot be read any more.
    pub fn locate(&self, origin: &Origin, path: &str) -> Option<Place> {
        let Origin::Manifest { file, offset, line, within } = origin else { return None };
        let text = self.text(file)?;
        let rest = text.get(*offset..)?;
        let slice = document(rest)?;
        let mut document = Document::whole(slice);
        document.line = *line;
        let path = match within {
            Some(within) if path.is_empty() => within.to_string(),
            Some(within) => format!("{within}.{path}"),
            None => path.to_owned(),
        };
        let mark = yaml::locate(&document, &path)?;
        let place = (usize::try_from(mark.line).ok()?, usize::try_from(mark.column).ok()?);
        let line_start = text.get(..*offset)?.rfind('\n').map_or(0, |end| end + 1);
        let (found_line, mut column) = place;
        let below = found_line.checked_sub(*line)?;
        if below == 0 {
            column += text.get(line_start..*offset)?.trim_start_matches(BOM).chars().count();
        }
        let whole = text.get(line_start..)?.split('\n').nth(below)?;
        let whole = whole.trim_end_matches('\r').trim_start_matches(BOM);
        let shown_line: String = whole.chars().take(MAX_LINE).collect();
        let text = if column <= MAX_LINE { shown_line } else { String::new() };
        Some(Place { file: shown(file), line: found_line, column, text })
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
