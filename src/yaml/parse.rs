//! From the text of one document to its tree.
//!
//! In goes a [`Document`], out comes a [`Node`], `None` for a document without content, or an
//! [`Error`] with its place in the file. Whatever the text is, parsing ends: size, depth and the
//! expansion of aliases are bounded here once, so that nothing that walks the tree later needs
//! a bound of its own.

use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use std::borrow::Cow;
use std::sync::Arc;

use granit_parser::{Event, Marker, Options, Parser, ScalarStyle, ScanError, StrInput, Tag};

use super::document::Document;
use super::error::Error;
use super::node::{Entry, Mark, Node, Scalar, Value};
use super::scalar::{self, Resolved};
use super::usual::usual;

/// A document with more bytes than this is refused.
pub const MAX_DOCUMENT: usize = 32 * 1024 * 1024;

/// A document that nests deeper than this, aliases expanded, is refused.
pub const MAX_DEPTH: usize = 128;

/// A document that says more than this many nodes by way of aliases is refused.
///
/// kubectl stops at about the same number ("document contains excessive aliasing").
pub const MAX_ALIAS_NODES: usize = 400_000;

/// The prefix of the tags that are written `!!str`, `!!int` and so on.
const YAML_TAGS: &str = "tag:yaml.org,2002:";

/// Parse one document; `None` when there is nothing in it or a null, which kubectl passes over.
pub fn parse<'a>(document: &Document<'a>) -> Result<Option<Node<'a>>, Error> {
    let start = Mark { line: narrow(document.line), column: narrow(document.column + 1) };
    let size = document.text.len();
    if size > MAX_DOCUMENT {
        return Err(Error::new(
            start,
            format_args!("this document has {size} bytes; at most {MAX_DOCUMENT} are read"),
        ));
    }
    refuse_hidden(document)?;
    usual(document).map_or_else(|_| whole(document), Ok)
}

/// The same for a file of our own: a field that is written twice is an error, since only the last one would count.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_strictly<'a>(document: &Document<'a>) -> Result<Option<Node<'a>>, Error> {
    match tree(document, true) {
        Err(error) if error.message().contains(TWICE) => Err(error),
        _ => parse(document),
    }
}

/// The same with granit alone, for documents of every form. Tests hold the short way to it.
///
/// # Errors
///
/// As [`parse`].
pub fn parse_in_full<'a>(document: &Document<'a>) -> Result<Option<Node<'a>>, Error> {
    refuse_hidden(document)?;
    whole(document)
}

fn whole<'a>(document: &Document<'a>) -> Result<Option<Node<'a>>, Error> {
    match tree(document, false) {
        // What is read then is no part of the text any more.
        Err(error) if error.message().contains("tab") => {
            let Some(text) = without_tabs(document.text) else { return Err(error) };
            let changed = Document { text: &text, ..*document };
            let root = tree(&changed, false).map_err(|_| error)?;
            Ok(root.map(Node::into_owned))
        }
        read => read,
    }
}

/// The text with blanks for the tabs that begin a line within brackets, where goyaml takes them and
/// granit does not; `None`: there are none.
fn without_tabs(text: &str) -> Option<String> {
    let (mut depth, mut quote, mut changed) = (0_usize, None, false);
    let mut all = String::with_capacity(text.len());
    let (mut indents, mut before) = (true, '\n');
    for c in text.chars() {
        indents = c == '\n' || (indents && (c == ' ' || c == '\t'));
        let blank = c == '\t' && indents && depth > 0 && quote.is_none();
        changed |= blank;
        all.push(if blank { ' ' } else { c });
        match (quote, c) {
            (None, '"' | '\'') if !before.is_alphanumeric() => quote = Some(c),
            (Some(open), _) if open == c && before != '\\' => quote = None,
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = c;
    }
    changed.then_some(all)
}

fn tree<'a>(document: &Document<'a>, once: bool) -> Result<Option<Node<'a>>, Error> {
    let mut builder = Builder {
        events: Parser::new_from_str_with_options(document.text, options()),
        first_line: document.line,
        first_column: document.column,
        once,
        anchors: HashMap::new(),
        nodes: 0,
        alias_nodes: 0,
        deepest: 0,
    };
    let root = loop {
        match builder.next()? {
            Some((Event::StreamStart | Event::DocumentStart(..), _)) => {}
            None | Some((Event::StreamEnd | Event::DocumentEnd, _)) => return Ok(None),
            Some((event, mark)) => break builder.node(event, mark, 1)?,
        }
    };
    // The end of the document may still be wrong; what follows a `...` is not read, as in kubectl.
    builder.next()?;
    Ok(Some(root).filter(|root| !root.is_null()))
}

/// How granit has to read to agree with goyaml.
fn options() -> Options {
    granit_parser::options! {
        emit_comments: false,
        // kubectl cuts documents before YAML sees them, so no directive stands before a `---`.
        disallow_directives: true,
        // kubectl ends the last line of a file if the file does not.
        block_scalar_eof_without_line_feed: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    }
}

/// Refuse characters that kubectl refuses, and those that it alone reads as line breaks.
fn refuse_hidden(document: &Document<'_>) -> Result<(), Error> {
    let text = document.text;
    // Inside the strings of JSON, kubectl takes all but the first 32.
    let control =
        |b: u8| (b < b' ' && !matches!(b, b'\n' | b'\t' | b'\r')) || (b == 0x7f && !document.json);
    let clean = |chunk: &[u8]| !chunk.iter().fold(false, |found, &b| found | control(b));
    let mut found = None;
    // By chunks without a branch, which the compiler turns into vector code.
    if !text.as_bytes().chunks(1024).all(clean) {
        found = text.bytes().position(control);
    } else if !document.json && !text.is_ascii() {
        found = text.find(|c| matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}'));
    }
    let Some(at) = found else {
        return Ok(());
    };
    let before = &text[..at];
    let line = memchr::memchr_iter(b'\n', before.as_bytes()).count();
    let column = match before.rfind('\n') {
        Some(last) => before[last + 1..].chars().count(),
        None => document.column + before.chars().count(),
    };
    let mark = Mark { line: narrow(document.line + line), column: narrow(column + 1) };
    let c = text[at..].chars().next().unwrap_or_default();
    let why = match c {
        '\u{85}' | '\u{2028}' | '\u{2029}' => "kubectl reads this character as a line break",
        _ => "control characters are not allowed",
    };
    let code = u32::from(c);
    Err(Error::new(
        mark,
        format_args!("{why}: U+{code:04X}; write it as an escape in double quotes"),
    ))
}

/// Places are held in 32 bits: twice as many nodes fit into a cache line.
pub(super) fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A node that aliases may refer to.
struct Anchored<'a> {
    node: Arc<Node<'a>>,
    /// How many nodes it stands for, aliases within it expanded.
    nodes: usize,
    /// How many levels it has.
    height: usize,
}

/// What is said of a key that is written twice where each may be once.
const TWICE: &str = "is given twice: the last one alone would count";

/// Builds the tree from the events of the parser.
struct Builder<'a> {
    events: Parser<'a, StrInput<'a>>,
    first_line: usize,
    first_column: usize,
    /// No key may be written twice.
    once: bool,
    anchors: HashMap<usize, Anchored<'a>>,
    /// Nodes so far, aliases expanded.
    nodes: usize,
    /// Those of them that came by aliases.
    alias_nodes: usize,
    /// The deepest level so far, aliases expanded; set anew below each anchor.
    deepest: usize,
}

impl<'a> Builder<'a> {
    /// The next event and its place in the file.
    #[inline]
    fn next(&mut self) -> Result<Option<(Event<'a>, Mark)>, Error> {
        match self.events.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => Ok(Some((event, self.mark(span.start)))),
            Some(Err(error)) => Err(self.refused(&error)),
        }
    }

    /// The next event within a collection, which cannot be the last one.
    #[inline]
    fn inner(&mut self, within: Mark) -> Result<(Event<'a>, Mark), Error> {
        self.next()?.ok_or_else(|| Error::new(within, "the document ends within this value"))
    }

    /// From a place in the document to one in the file.
    #[inline]
    fn mark(&self, marker: Marker) -> Mark {
        let column =
            if marker.line() <= 1 { self.first_column + marker.col() } else { marker.col() };
        Mark {
            line: narrow(self.first_line + marker.line().saturating_sub(1)),
            column: narrow(column + 1),
        }
    }

    fn refused(&self, error: &ScanError) -> Error {
        Error::new(self.mark(*error.marker()), error.kind())
    }

    /// The node that starts with this event.
    fn node(&mut self, event: Event<'a>, mark: Mark, depth: usize) -> Result<Node<'a>, Error> {
        if depth > MAX_DEPTH {
            return Err(too_deep(mark));
        }
        self.nodes += 1;
        let nodes_before = self.nodes;
        let deepest_before = self.deepest;
        self.deepest = if event.anchor_id().is_some() { depth } else { self.deepest.max(depth) };
        let (anchor, value) = match event {
            Event::Alias(id) => return self.alias(id, mark, depth),
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, Value::Scalar(scalar(text, style, tag.as_deref(), mark)?))
            }
            Event::SequenceStart(_, anchor, _) => (anchor, self.sequence(mark, depth)?),
            Event::MappingStart(_, anchor, _) => (anchor, self.mapping(mark, depth)?),
            _ => return Err(Error::new(mark, "a value is missing here")),
        };
        let node = Node { mark, value };
        if anchor == 0 {
            return Ok(node);
        }
        let node = Arc::new(node);
        self.anchors.insert(
            anchor,
            Anchored {
                node: Arc::clone(&node),
                nodes: self.nodes - nodes_before + 1,
                height: self.deepest - depth + 1,
            },
        );
        self.deepest = self.deepest.max(deepest_before);
        Ok(Node { mark, value: Value::Shared(node) })
    }

    fn alias(&mut self, id: usize, mark: Mark, depth: usize) -> Result<Node<'a>, Error> {
        // An anchor is known only when its node is complete.
        let Some(anchored) = self.anchors.get(&id) else {
            return Err(Error::new(mark, "this alias stands within its own anchor"));
        };
        self.nodes = self.nodes.saturating_add(anchored.nodes);
        self.alias_nodes = self.alias_nodes.saturating_add(anchored.nodes);
        if self.alias_nodes > MAX_ALIAS_NODES {
            return Err(Error::new(
                mark,
                format_args!("aliases stand for more than {MAX_ALIAS_NODES} values"),
            ));
        }
        self.deepest = self.deepest.max(depth + anchored.height);
        if self.deepest > MAX_DEPTH {
            return Err(too_deep(mark));
        }
        Ok(Node { mark, value: Value::Shared(Arc::clone(&anchored.node)) })
    }

    fn sequence(&mut self, within: Mark, depth: usize) -> Result<Value<'a>, Error> {
        let mut items = Vec::new();
        loop {
            match self.inner(within)? {
                (Event::SequenceEnd, _) => return Ok(Value::Sequence(items)),
                (event, mark) => items.push(self.node(event, mark, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, within: Mark, depth: usize) -> Result<Value<'a>, Error> {
        let mut entries: Vec<Entry<'a>> = Vec::new();
        let mut written = HashSet::new();
        loop {
            let (event, key_mark) = self.inner(within)?;
            if event == Event::MappingEnd {
                return Ok(Value::Mapping(last_of_each(entries)));
            }
            let merges = is_merge(&event);
            let key = self.node(event, key_mark, depth + 1)?;
            let (event, mark) = self.inner(within)?;
            let value = self.node(event, mark, depth + 1)?;
            if merges {
                merge(value, &mut entries)?;
            } else {
                let key = key_text(key)?;
                if self.once && !written.insert(key.to_string()) {
                    return Err(Error::new(key_mark, format_args!("{key} {TWICE}")));
                }
                entries.push(Entry { key, key_mark, value });
            }
        }
    }
}

fn too_deep(mark: Mark) -> Error {
    Error::new(mark, format_args!("this nests more than {MAX_DEPTH} levels deep"))
}

/// The last entry of each key, in the order of the file.
pub(super) fn last_of_each(mut entries: Vec<Entry<'_>>) -> Vec<Entry<'_>> {
    /// Up to here comparing each with each is faster than hashing.
    const FEW: usize = 12;
    let repeated = if entries.len() <= FEW {
        (1..entries.len()).any(|at| {
            let key = &entries[at].key;
            entries[..at].iter().any(|earlier| earlier.key == *key)
        })
    } else {
        let mut seen = std::collections::HashSet::with_capacity(entries.len());
        !entries.iter().all(|entry| seen.insert(&*entry.key))
    };
    if repeated {
        let mut last: HashMap<String, usize> = HashMap::with_capacity(entries.len());
        for (at, entry) in entries.iter().enumerate() {
            last.insert(entry.key.to_string(), at);
        }
        let mut at = 0;
        entries.retain(|entry| {
            at += 1;
            last.get(&*entry.key) == Some(&(at - 1))
        });
    }
    entries
}

/// Whether this key is `<<`, plain or tagged `!!merge`.
fn is_merge(key: &Event<'_>) -> bool {
    let Event::Scalar(text, style, _, tag) = key else {
        return false;
    };
    text == "<<"
        && match tag.as_deref() {
            None => *style == ScalarStyle::Plain,
            Some(tag) => yaml_tag(tag).as_deref() == Some("merge"),
        }
}

/// Put the fields of a merged mapping where the `<<` stands: what comes later wins, as in goyaml.
fn merge<'a>(from: Node<'a>, into: &mut Vec<Entry<'a>>) -> Result<(), Error> {
    match from.value {
        // goyaml follows an alias to a mapping here, but not one to a list.
        Value::Sequence(items) => {
            items.into_iter().rev().try_for_each(|item| merge_one(item, into))
        }
        _ => merge_one(from, into),
    }
}

fn merge_one<'a>(from: Node<'a>, into: &mut Vec<Entry<'a>>) -> Result<(), Error> {
    match from.value {
        Value::Mapping(entries) => {
            into.extend(entries);
            return Ok(());
        }
        // Copies, which the bound on aliases covers.
        Value::Shared(node) => {
            if let Some(entries) = node.entries() {
                into.extend_from_slice(entries);
                return Ok(());
            }
        }
        Value::Scalar(_) | Value::Sequence(_) => {}
    }
    let message = "<< takes a mapping or a list of mappings";
    Err(Error::new(from.mark, message))
}

/// The string that a key stands for.
pub(super) fn key_text(key: Node<'_>) -> Result<Cow<'_, str>, Error> {
    let mark = key.mark;
    let scalar = match key.value {
        Value::Scalar(scalar) => scalar,
        Value::Shared(node) => match node.target() {
            Value::Scalar(scalar) => scalar.clone(),
            _ => return Err(Error::new(mark, "a key must be a scalar")),
        },
        Value::Sequence(_) | Value::Mapping(_) => {
            return Err(Error::new(mark, "a key must be a scalar"));
        }
    };
    if !scalar.plain {
        return Ok(scalar.text);
    }
    let text = match scalar::key(&scalar.text) {
        // The usual key means itself.
        Some(Cow::Borrowed(text)) if text == scalar.text => None,
        Some(text) => Some(text.into_owned()),
        None => {
            let text = &scalar.text;
            return Err(Error::new(
                mark,
                format_args!("kubectl takes no such key ({text}): quote it"),
            ));
        }
    };
    Ok(text.map_or(scalar.text, Cow::Owned))
}

/// The name of a tag of YAML's own, such as `int`.
fn yaml_tag(tag: &Tag) -> Option<Cow<'_, str>> {
    tag.suffix_in_namespace(YAML_TAGS)
}

/// A scalar with its style and tag.
fn scalar<'a>(
    text: Cow<'a, str>,
    style: ScalarStyle,
    tag: Option<&Tag>,
    mark: Mark,
) -> Result<Scalar<'a>, Error> {
    let Some(tag) = tag else {
        let plain = style == ScalarStyle::Plain;
        return Ok(Scalar { text, plain });
    };
    let name = yaml_tag(tag);
    let resolved = scalar::resolve_yaml(&text);
    let fits = match name.as_deref() {
        Some("int") => matches!(resolved, Resolved::Int(_) | Resolved::Uint(_)),
        Some("float") => {
            matches!(resolved, Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_))
        }
        Some("bool") => matches!(resolved, Resolved::Bool(_)),
        Some("null") => resolved == Resolved::Null,
        Some("binary") => {
            let text = decode_base64(&text)
                .ok_or_else(|| Error::new(mark, "this !!binary value is not valid base64"))?;
            return Ok(Scalar { text: Cow::Owned(text), plain: false });
        }
        // `!!str`, `!`, `!!timestamp` and every tag of others: kubectl reads a string.
        _ => return Ok(Scalar { text, plain: false }),
    };
    if fits {
        return Ok(Scalar { text, plain: true });
    }
    let name = name.unwrap_or_default();
    let found = resolved.describe();
    Err(Error::new(mark, format_args!("the tag !!{name} does not fit: {text} is {found}")))
}

/// Standard base64 with padding; line breaks are ignored, as in Go.
fn decode_base64(text: &str) -> Option<String> {
    let sextet = |b: u8| match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    if !digits.len().is_multiple_of(4) {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len() / 4 * 3);
    let count = digits.len() / 4;
    for (at, four) in digits.chunks_exact(4).enumerate() {
        let padding = match four {
            [_, _, b'=', b'='] => 2,
            [_, _, _, b'='] => 1,
            _ => 0,
        };
        if padding > 0 && at + 1 != count {
            return None;
        }
        let mut bits = 0u32;
        for &b in &four[..4 - padding] {
            bits = bits << 6 | u32::from(sextet(b)?);
        }
        bits <<= 6 * padding;
        out.extend_from_slice(&bits.to_be_bytes()[1..4 - padding]);
    }
    // JSON holds text only: what is no UTF-8 becomes U+FFFD, as in Go.
    Some(String::from_utf8_lossy(&out).into_owned())
}
