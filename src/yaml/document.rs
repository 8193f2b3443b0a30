//! One file cut into documents, at the places where kubectl cuts it.
//!
//! In goes the text of a file, out come [`Document`]s: slices of that text that know where they
//! stand. Nothing is copied.
//!
//! kubectl (`k8s.io/apimachinery/pkg/util/yaml`) first tries a file that starts with `{` as a
//! stream of JSON values, with or without line breaks between them; everything else it cuts at
//! lines that start with `---`, before YAML is parsed, so that even a `---` inside a block
//! scalar cuts. A `...` cuts nothing: what follows it up to the next `---` is ignored.

use std::str::Lines;

use memchr::memmem;
use serde::de::IgnoredAny;

/// The byte-order mark, which some editors put at the start of a file or a document.
const BOM: char = '\u{feff}';

/// One document of a file, not parsed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document<'a> {
    /// The text, without the separator lines around it and without a byte-order mark.
    pub text: &'a str,
    /// Where the text starts in the file, in bytes.
    pub offset: usize,
    /// The line of the file on which the text starts, counted from 1.
    pub line: usize,
    /// How many characters stand before the text on its first line.
    pub(super) column: usize,
    /// Whether kubectl reads this document with its JSON parser.
    pub(super) json: bool,
}

impl<'a> Document<'a> {
    /// A text that is known to be one document, such as the value of an annotation.
    pub fn whole(text: &'a str) -> Self {
        let text_without_bom = text.strip_prefix(BOM).unwrap_or(text);
        Self {
            text: text_without_bom,
            offset: text.len() - text_without_bom.len(),
            line: 1,
            column: 0,
            json: false,
        }
    }

    /// Whether the document starts on the line of its separator, as in `--- {kind: Pod}`.
    ///
    /// YAML allows this, and so do kustomize and Flux; kubectl refuses the whole file: "invalid
    /// Yaml document separator".
    pub fn starts_on_its_separator(&self) -> bool {
        self.text.starts_with("---")
    }

    /// The text line by line.
    pub fn lines(&self) -> Lines<'a> {
        self.text.lines()
    }
}

/// Cut a file into its documents; see the module for where.
///
/// Documents of comments only are among them ([`parse`](super::parse) gives `None` for those),
/// documents of white space only are not.
pub fn split(text: &str) -> Documents<'_> {
    let start = if text.starts_with(BOM) { BOM.len_utf8() } else { 0 };
    Documents {
        json: start == 0 && text.trim_start().starts_with('{'),
        text,
        position: start,
        line: 1,
        column: 0,
    }
}

/// The documents of a file, in order: see [`split`].
#[derive(Debug, Clone)]
pub struct Documents<'a> {
    text: &'a str,
    /// Everything before this byte has been handed out.
    position: usize,
    /// The line on which `position` stands.
    line: usize,
    /// How many characters stand before `position` on its line.
    column: usize,
    /// Still reading the file as a stream of JSON values.
    json: bool,
}

impl<'a> Documents<'a> {
    /// The next value of a stream of JSON values; `None` where the stream ends or is broken.
    fn next_json(&mut self) -> Option<Document<'a>> {
        let rest = &self.text[self.position..];
        let start = rest.len() - rest.trim_start().len();
        if !rest[start..].starts_with('{') {
            self.json = false;
            return None;
        }
        let mut values =
            serde_json::Deserializer::from_str(&rest[start..]).into_iter::<IgnoredAny>();
        if let Some(Ok(_)) = values.next() {
            let length = values.byte_offset();
            self.advance(start);
            let document = self.document(length, true);
            self.advance(length);
            return Some(document);
        }
        // kubectl turns to YAML here, too: `{kind: Pod}` is no JSON.
        self.json = false;
        None
    }

    /// The document of `length` bytes at the present position.
    fn document(&self, length: usize, json: bool) -> Document<'a> {
        let text = &self.text[self.position..self.position + length];
        let bom = if text.starts_with(BOM) { BOM.len_utf8() } else { 0 };
        Document {
            text: &text[bom..],
            offset: self.position + bom,
            line: self.line,
            column: self.column,
            json,
        }
    }

    /// Step over `length` bytes and keep count of lines and columns.
    fn advance(&mut self, length: usize) {
        let passed = &self.text[self.position..self.position + length];
        let breaks = memchr::memchr_iter(b'\n', passed.as_bytes()).count();
        self.line += breaks;
        self.column = match passed.rfind('\n') {
            Some(last) => passed[last + 1..].chars().count(),
            None => self.column + passed.chars().count(),
        };
        self.position += length;
    }

    /// The length of the text from here up to the next line that separates, without that line.
    fn up_to_separator(&self, after: usize) -> usize {
        let rest = &self.text[self.position..];
        memmem::find_iter(&rest.as_bytes()[after..], b"\n---")
            .map(|found| after + found + 1)
            .find(|&start| separator(&rest[start..]).is_some())
            .unwrap_or(rest.len())
    }
}

impl<'a> Iterator for Documents<'a> {
    type Item = Document<'a>;

    fn next(&mut self) -> Option<Document<'a>> {
        if self.json
            && let Some(document) = self.next_json()
        {
            return Some(document);
        }
        while self.position < self.text.len() {
            let rest = &self.text[self.position..];
            let separator = if self.column == 0 { separator(rest) } else { None };
            match separator {
                Some(Separator::Bare(length)) => self.advance(length),
                Some(Separator::WithContent) | None => {
                    let length = self.up_to_separator(0);
                    let document = self.document(length, false);
                    self.advance(length);
                    // Such as the line break after the last value of a stream of JSON.
                    if !document.text.trim_start().is_empty() {
                        return Some(document);
                    }
                }
            }
        }
        None
    }
}

/// A line that starts a document.
enum Separator {
    /// `---` alone or with a comment: so many bytes, with the line break.
    Bare(usize),
    /// `--- ` and then the document itself.
    WithContent,
}

/// What the line at the start of `text` separates, if it does.
fn separator(text: &str) -> Option<Separator> {
    let after = text.strip_prefix("---")?;
    let length = memchr::memchr(b'\n', after.as_bytes()).map_or(after.len(), |end| end + 1);
    let line = &after[..length];
    let content = line.trim();
    if content.is_empty() || content.starts_with('#') {
        Some(Separator::Bare("---".len() + length))
    } else if line.starts_with([' ', '\t']) {
        Some(Separator::WithContent)
    } else {
        // `---x` and `----`: YAML reads a scalar, kubectl refuses the file; the parser will say so.
        None
    }
}
