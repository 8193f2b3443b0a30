//! Documents that are parsed again to find places in them.
//!
//! In: a text, and where in it a document begins. Out: its [`Tree`], with the lines of it, which is kept
//! for the next field that is asked for: of one policy many rows name many rules.

use netpol::cluster::Rendered;
use netpol::yaml::{self, Document, Node};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Of a line no more than this is shown.
const MAX_LINE: usize = 200;

/// The byte-order mark, which is no column.
const BOM: char = '\u{feff}';

/// Documents of no more bytes together are kept.
const MOST_BYTES: usize = 16 << 20;

/// A document that is parsed.
#[derive(Debug)]
pub(super) struct Tree {
    /// What it says.
    pub(super) root: Node<'static>,
    /// The line on which it begins, from 1.
    line: usize,
    /// Characters before it on that line.
    column: usize,
    /// Its lines as far as they are shown.
    lines: Vec<Box<str>>,
}

/// Line, column and text of a field.
pub(super) type At = (usize, usize, String);

impl Tree {
    /// The document that begins at an offset, in a line; nothing where it cannot be parsed.
    fn of(text: &str, (offset, line): (usize, usize)) -> Option<(Self, usize)> {
        let rest = text.get(offset..)?;
        let document_text = document(rest)?;
        let mut document = Document::whole(document_text);
        document.line = line;
        let root = yaml::parse(&document).ok()??.into_owned();
        let line_start = text.get(..offset)?.rfind('\n').map_or(0, |end| end + 1);
        let column = text.get(line_start..offset)?.trim_start_matches(BOM).chars().count();
        let end = offset + document_text.len();
        let end = text.get(end..)?.find('\n').map_or(text.len(), |more| end + more);
        let shown = |line: &str| {
            let line = line.trim_end_matches('\r').trim_start_matches(BOM);
            line.chars().take(MAX_LINE).collect::<String>().into_boxed_str()
        };
        let lines = text.get(line_start..end)?.split('\n').map(shown).collect();
        Some((Self { root, line, column, lines }, document_text.len()))
    }

    /// The place of a field, or of the longest part of its path that is written.
    pub(super) fn place(&self, path: &str) -> Option<At> {
        let mark = yaml::locate_in(&self.root, path);
        let line = usize::try_from(mark.line).ok()?;
        let mut column = usize::try_from(mark.column).ok()?;
        let below = line.checked_sub(self.line)?;
        if below == 0 {
            column += self.column;
        }
        let text =
            if column <= MAX_LINE { self.lines.get(below)?.to_string() } else { String::new() };
        Some((line, column, text))
    }
}

/// What a document is one of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Whose {
    /// A file, which it is in from a byte on.
    File(Arc<Path>, usize),
    /// What a program made of files.
    Made(Arc<Rendered>),
}

/// Documents that were parsed lately.
#[derive(Debug, Default)]
pub(super) struct Trees(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    trees: HashMap<Whose, Option<Arc<Tree>>>,
    bytes: usize,
}

impl Trees {
    /// The document of a file that begins at a byte, in a line.
    pub(super) fn of_file(
        &self,
        file: &Arc<Path>,
        from: (usize, usize),
        text: impl FnOnce() -> Option<Arc<str>>,
    ) -> Option<Arc<Tree>> {
        self.get(Whose::File(file.clone(), from.0), || Tree::of(&text()?, from))
    }

    /// What a program made of files.
    pub(super) fn made(&self, of: &Arc<Rendered>) -> Option<Arc<Tree>> {
        self.get(Whose::Made(of.clone()), || Tree::of(&of.text, (0, 1)))
    }

    fn get(
        &self,
        whose: Whose,
        parsed: impl FnOnce() -> Option<(Tree, usize)>,
    ) -> Option<Arc<Tree>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = kept.trees.get(&whose) {
            return tree.clone();
        }
        let (tree, bytes) = parsed().map_or((None, 0), |(tree, bytes)| (Some(tree), bytes));
        let tree = tree.map(Arc::new);
        // One that is larger than all of them may be is kept alone.
        kept.bytes += bytes + size_of::<Tree>();
        if kept.bytes > MOST_BYTES {
            kept.trees.clear();
            kept.bytes = bytes;
        }
        kept.trees.insert(whose, tree.clone());
        tree
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
