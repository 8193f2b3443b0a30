//! The form that nearly all manifests have, read without a parser of all of YAML.
//!
//! In goes a [`Document`], out comes the same tree as by granit, or [`Unusual`] where the text has anything
//! else than: mappings and sequences in block style, plain scalars and quoted ones without escapes on one
//! line, literal blocks, and collections in flow style on one line. Errors, anchors, tags, tabs and
//! whatever needs a second look are unusual: then granit reads the document and says what is wrong.
//!
//! So this reader refuses rather than reads: it must never take a text that granit takes otherwise, which
//! `tests/usual.rs` and a fuzz target hold it to.

use std::borrow::Cow;

use super::document::Document;
use super::node::{Entry, Mark, Node, Scalar, Value};
use super::parse::{key_text, last_of_each, narrow};

/// Deeper documents are left to granit, far below its limit and ours.
const MOST_LEVELS: usize = 60;

/// Longer keys are left to granit, which takes no key beyond 1,024 characters.
const LONGEST_KEY: usize = 256;

/// A document has another form.
#[derive(Debug)]
pub(super) struct Unusual;

/// The tree of a document in the usual form; `None` where it has no content.
pub(super) fn usual<'a>(document: &Document<'a>) -> Result<Option<Node<'a>>, Unusual> {
    let text = document.text;
    // With 0xef begin the byte-order mark and what is no character, which granit refuses anywhere.
    if document.json
        || document.column != 0
        || memchr::memchr3(b'\t', b'\r', 0xef, text.as_bytes()).is_some()
    {
        return Err(Unusual);
    }
    let mut reader = Reader { text, at: 0, line: narrow(document.line), next: None };
    let Some(first) = reader.peek() else { return Ok(None) };
    let root = reader.block(first.column, 1).ok_or(Unusual)?;
    if reader.peek().is_some() {
        return Err(Unusual);
    }
    Ok(Some(root))
}

/// A line with content, or what is left of it behind a dash.
#[derive(Clone, Copy)]
struct Line<'a> {
    number: u32,
    /// How many characters stand before the text.
    column: usize,
    /// Without blanks at its ends.
    text: &'a str,
}

impl Line<'_> {
    fn mark(&self) -> Mark {
        place(self.number, self.column)
    }

    /// The rest of it from a byte on, without blanks before it.
    fn behind(self, end: usize) -> Self {
        let text = self.text[end..].trim_start_matches(' ');
        Self { column: self.column + (self.text.len() - text.len()), text, ..self }
    }

    /// What stands behind the dash of an item.
    fn behind_dash(self) -> Self {
        self.behind(1)
    }

    fn is_item(&self) -> bool {
        is_item(self.text)
    }
}

fn place(line: u32, column: usize) -> Mark {
    Mark { line, column: narrow(column + 1) }
}

/// Whether it begins with the dash of an item.
fn is_item(text: &str) -> bool {
    matches!(text.as_bytes(), [b'-'] | [b'-', b' ', ..])
}

/// Whether nothing follows but blanks and a comment.
fn is_end(rest: &str) -> bool {
    let content = rest.trim_start_matches(' ');
    content.is_empty() || (content.starts_with('#') && content.len() < rest.len())
}

struct Reader<'a> {
    text: &'a str,
    /// Where the line begins that is not read yet, in bytes.
    at: usize,
    /// Its number.
    line: u32,
    /// A line that was looked at and not taken.
    next: Option<Line<'a>>,
}

impl<'a> Reader<'a> {
    /// The line that begins here, without its line break.
    fn raw(&self) -> Option<&'a str> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        Some(memchr::memchr(b'\n', rest.as_bytes()).map_or(rest, |end| &rest[..end]))
    }

    fn step_over(&mut self, line: &str) {
        self.at += line.len() + 1;
        self.line = self.line.saturating_add(1);
    }

    /// The next line that is neither blank nor a comment.
    fn peek(&mut self) -> Option<Line<'a>> {
        while self.next.is_none() {
            let raw = self.raw()?;
            let number = self.line;
            self.step_over(raw);
            let text = raw.trim_start_matches(' ');
            if !text.is_empty() && !text.starts_with('#') {
                let column = raw.len() - text.len();
                self.next = Some(Line { number, column, text: text.trim_end_matches(' ') });
            }
        }
        self.next
    }

    /// The collection in block style that begins with the next line.
    fn block(&mut self, column: usize, depth: usize) -> Option<Node<'a>> {
        if depth > MOST_LEVELS {
            return None;
        }
        let first = self.peek()?;
        if first.is_item() { self.sequence(column, depth) } else { self.mapping(column, depth) }
    }

    fn sequence(&mut self, column: usize, depth: usize) -> Option<Node<'a>> {
        let mark = self.peek()?.mark();
        let mut items = Vec::new();
        while let Some(line) = self.peek() {
            if line.column > column {
                return None;
            }
            if line.column < column || !line.is_item() {
                break;
            }
            self.next = None;
            let at = line.behind_dash();
            let nested = is_item(at.text) || matches!(key(at.text), Key::There { .. });
            items.push(if nested {
                self.next = Some(at);
                self.block(at.column, depth + 1)?
            } else {
                self.value(at, column, false, depth + 1)?
            });
        }
        Some(Node { mark, value: Value::Sequence(items) })
    }

    fn mapping(&mut self, column: usize, depth: usize) -> Option<Node<'a>> {
        let mark = self.peek()?.mark();
        let mut entries = Vec::new();
        while let Some(line) = self.peek() {
            if line.column > column {
                return None;
            }
            if line.column < column {
                break;
            }
            let Key::There { text, plain, end } = key(line.text) else { return None };
            self.next = None;
            let key_mark = line.mark();
            let scalar = Scalar { text: Cow::Borrowed(text), plain };
            let key = key_text(Node { mark: key_mark, value: Value::Scalar(scalar) }).ok()?;
            let value = self.value(line.behind(end), column, true, depth + 1)?;
            entries.push(Entry { key, key_mark, value });
        }
        Some(Node { mark, value: Value::Mapping(last_of_each(entries)) })
    }

    /// What stands behind a key or a dash, of a collection that stands at this column.
    fn value(
        &mut self,
        at: Line<'a>,
        parent: usize,
        of_key: bool,
        depth: usize,
    ) -> Option<Node<'a>> {
        let text = at.text;
        let mark = at.mark();
        match text.as_bytes().first() {
            None | Some(b'#') => {
                let next = self.peek()?;
                if next.column > parent {
                    return self.block(next.column, depth);
                }
                // The items of a key's list may stand below the key itself.
                let below = of_key && next.column == parent && next.is_item();
                if !below || depth > MOST_LEVELS {
                    return None;
                }
                // To granit such a list begins with what stands behind its first dash.
                let behind = next.behind_dash();
                let list = self.sequence(parent, depth)?;
                let is_there = !behind.text.is_empty() && !behind.text.starts_with('#');
                is_there.then(|| Node { mark: behind.mark(), ..list })
            }
            Some(b'|') => self.literal(text, parent),
            Some(b'"' | b'\'') => {
                let (text, end) = quoted(at.text)?;
                let scalar = Scalar { text: Cow::Borrowed(text), plain: false };
                is_end(&at.text[end..]).then_some(Node { mark, value: Value::Scalar(scalar) })
            }
            Some(b'[' | b'{') => {
                let mut flow = Flow { text, at: 0, line: at.number, column: at.column };
                let node = flow.node(depth)?;
                is_end(&text[flow.at..]).then_some(node)
            }
            Some(_) => {
                let scalar = Scalar { text: Cow::Borrowed(plain(text)?), plain: true };
                Some(Node { mark, value: Value::Scalar(scalar) })
            }
        }
    }

    /// A literal block, `|` or `|-`, of which no line begins with more blanks than its first.
    fn literal(&mut self, header: &str, parent: usize) -> Option<Node<'a>> {
        let ends = match header {
            "|" => true,
            "|-" => false,
            _ => return None,
        };
        let first = self.raw()?;
        let content = first.trim_start_matches(' ');
        let column = first.len() - content.len();
        if content.is_empty() || column <= parent {
            return None;
        }
        // To granit it begins with its content.
        let mark = place(self.line, column);
        let mut all = String::new();
        let mut breaks = 0;
        while let Some(raw) = self.raw() {
            let blanks = raw.len() - raw.trim_start_matches(' ').len();
            let is_blank = blanks == raw.len();
            if blanks < column && !is_blank {
                break;
            }
            // Without its line break the last line is granit's.
            if self.at + raw.len() >= self.text.len() {
                return None;
            }
            let text = raw.get(column..).unwrap_or_default();
            if !text.is_empty() {
                all.extend(std::iter::repeat_n('\n', breaks));
                breaks = 0;
                all.push_str(text);
            }
            breaks += 1;
            self.step_over(raw);
        }
        if ends {
            all.push('\n');
        }
        let scalar = Scalar { text: Cow::Owned(all), plain: false };
        Some(Node { mark, value: Value::Scalar(scalar) })
    }
}

/// What may be the key of a mapping.
enum Key<'a> {
    /// There is none, or one of another form.
    Else,
    /// The text without quotes, and where the value begins, behind the colon.
    There { text: &'a str, plain: bool, end: usize },
}

fn key(text: &str) -> Key<'_> {
    let bytes = text.as_bytes();
    let (key, plain, colon) = match bytes.first() {
        Some(b'"' | b'\'') => match quoted(text) {
            Some((key, end)) => (key, false, end),
            None => return Key::Else,
        },
        Some(first) if is_word(*first) => {
            let end = word(text);
            (&text[..end], true, end)
        }
        _ => return Key::Else,
    };
    let is_key = matches!(bytes.get(colon..), Some([b':'] | [b':', b' ', ..]));
    if is_key && colon <= LONGEST_KEY {
        Key::There { text: key, plain, end: colon + 1 }
    } else {
        Key::Else
    }
}

/// What names are made of, which mean nothing to YAML anywhere.
fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b'_')
}

/// How long the word is with which a text begins.
fn word(text: &str) -> usize {
    text.bytes().position(|b| !is_word(b) && b != b'-').unwrap_or(text.len())
}

/// The content of a scalar in quotes without any escape, and where it ends.
fn quoted(text: &str) -> Option<(&str, usize)> {
    let quote = *text.as_bytes().first()?;
    let inside = &text[1..];
    let end = memchr::memchr(quote, inside.as_bytes())?;
    let content = &inside[..end];
    let escapes = match quote {
        b'"' => content.contains('\\'),
        _ => inside.as_bytes().get(end + 1) == Some(&b'\''),
    };
    (!escapes && is_ascii(content)).then_some((content, end + 2))
}

/// Only letters, signs and blanks that are one byte each.
fn is_ascii(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b' '..=b'~'))
}

/// A plain scalar on one line, without the comment behind it.
fn plain(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let begins = match bytes {
        [b'-', second, ..] => *second != b' ' && *second != b'-',
        [first, ..] => {
            is_word(*first)
                || matches!(first, b'+' | b'$' | b'(' | b'<' | b'=' | b'~' | b'^' | b';' | b'\\')
        }
        [] => false,
    };
    if !begins || !is_ascii(text) {
        return None;
    }
    let end = memchr::memmem::find(bytes, b" #").unwrap_or(bytes.len());
    let text = text[..end].trim_end_matches(' ');
    let is_key = text.ends_with(':') || memchr::memmem::find(text.as_bytes(), b": ").is_some();
    (!is_key).then_some(text)
}

/// A collection in flow style on one line.
struct Flow<'a> {
    text: &'a str,
    /// What is read next, in bytes, which are characters.
    at: usize,
    line: u32,
    /// How many characters stand before the text.
    column: usize,
}

impl<'a> Flow<'a> {
    fn first(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while self.first() == Some(b' ') {
            self.at += 1;
        }
    }

    fn mark(&self) -> Mark {
        place(self.line, self.column + self.at)
    }

    fn node(&mut self, depth: usize) -> Option<Node<'a>> {
        if depth > MOST_LEVELS {
            return None;
        }
        let mark = self.mark();
        let value = match self.first()? {
            b'[' => {
                let items = self.all(b']', |flow| flow.node(depth + 1))?;
                Value::Sequence(items)
            }
            b'{' => {
                let entries = self.all(b'}', |flow| flow.entry(depth + 1))?;
                Value::Mapping(last_of_each(entries))
            }
            _ => Value::Scalar(self.scalar()?),
        };
        Some(Node { mark, value })
    }

    /// What stands between brackets, with commas between.
    fn all<T>(&mut self, close: u8, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.at += 1;
        self.skip_blanks();
        let mut found = Vec::new();
        if self.first()? == close {
            self.at += 1;
            return Some(found);
        }
        loop {
            found.push(one(self)?);
            self.skip_blanks();
            let next = self.first()?;
            self.at += 1;
            if next == close {
                return Some(found);
            }
            if next != b',' {
                return None;
            }
            self.skip_blanks();
        }
    }

    fn entry(&mut self, depth: usize) -> Option<Entry<'a>> {
        let key_mark = self.mark();
        let before = self.at;
        let scalar = self.scalar()?;
        if self.at - before > LONGEST_KEY {
            return None;
        }
        let key = key_text(Node { mark: key_mark, value: Value::Scalar(scalar) }).ok()?;
        if !self.text[self.at..].starts_with(": ") {
            return None;
        }
        self.at += 2;
        self.skip_blanks();
        Some(Entry { key, key_mark, value: self.node(depth)? })
    }

    fn scalar(&mut self) -> Option<Scalar<'a>> {
        let rest = &self.text[self.at..];
        let (text, plain, length) = match self.first()? {
            b'"' | b'\'' => {
                let (text, end) = quoted(rest)?;
                (text, false, end)
            }
            first if is_word(first) => {
                let end = word(rest);
                (&rest[..end], true, end)
            }
            _ => return None,
        };
        self.at += length;
        Some(Scalar { text: Cow::Borrowed(text), plain })
    }
}
