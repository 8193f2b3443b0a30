//! JSON, read straight from the text: what kubectl prints for a cluster can be hundreds of megabytes.
//!
//! In: text that starts with `{`. Out: the same as for YAML. One pass finds the objects, each as a
//! slice of the text; they are decoded in parallel. An object that this fast way cannot read goes
//! the way of YAML, which reads it (repeated keys, custom resources) or says where it is wrong.

use super::decode::{AGENT_CONFIG, At, Decoded, Decoder, TOO_DEEP, is_of_flux, is_of_settings};
use crate::kinds::{self, Known};
use crate::objects::found;
use crate::objects::operators::groups_without_template;
use crate::objects::wire::Bare;
use crate::yaml::{self, Document, Mark};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The head of an object, and the items of a list.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Head<'a> {
    #[serde(borrow)]
    api_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    items: Items<'a>,
    /// SOPS has encrypted it.
    sops: Option<IgnoredAny>,
}

/// The items of a list; nothing where `items` is something else.
#[derive(Default)]
struct Items<'a>(Option<Vec<&'a RawValue>>);

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Items<'de>, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    all.push(item);
                }
                Ok(Items(Some(all)))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Items<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Items(None))
            }

            fn visit_unit<E>(self) -> Result<Items<'de>, E> {
                Ok(Items(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Items<'de>, E> {
                Ok(Items(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Items<'de>, E> {
                Ok(Items(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Items<'de>, E> {
                Ok(Items(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Items<'de>, E> {
                Ok(Items(None))
            }

            fn visit_str<E>(self, _: &str) -> Result<Items<'de>, E> {
                Ok(Items(None))
            }
        }
        source.deserialize_any(Any)
    }
}

/// A slice of the file and where it stands.
#[derive(Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    offset: usize,
    line: usize,
    /// Where that line begins.
    line_start: usize,
}

/// Decodes a whole file that is JSON, one value or several; `None`: it is something else.
pub(super) fn stream(decoder: &Decoder<'_>) -> Option<Decoded> {
    let text = decoder.text;
    // A byte-order mark is forgiven; serde_json would not.
    let json = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !json.trim_start().starts_with('{') {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<Head<'_>>();
    let mut cursor = Cursor { text, at: 0, line: 1, line_start: 0 };
    let mut pieces = Vec::new();
    let mut broken = None;
    let mut start = 0;
    while let Some(head) = values.next() {
        match head {
            Ok(head) => {
                let end = values.byte_offset();
                pieces.push((cursor.piece(json.get(start..end)?.trim_ascii()), head));
                start = end;
            }
            // YAML may read it, or has the better message.
            Err(_) if text.len() <= yaml::MAX_DOCUMENT => return None,
            Err(error) => {
                broken = Some(error);
                break;
            }
        }
    }
    let mut all = Decoded::collect(&pieces, 256, |part, (piece, head)| {
        decode(decoder, part, piece, head, At::document(piece.offset, piece.line));
    });
    if let Some(error) = broken {
        let mark = Mark { line: narrow(error.line()), column: narrow(error.column().max(1)) };
        all.lost(mark, format!("malformed JSON: {error}"));
    }
    Some(all)
}

/// Decodes one document of a YAML file that is JSON.
pub(super) fn document(decoder: &Decoder<'_>, document: &Document<'_>) -> Option<Decoded> {
    let head = serde_json::from_str::<Head<'_>>(document.text).ok()?;
    let before = decoder.text.get(..document.offset)?;
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let mut cursor =
        Cursor { text: decoder.text, at: document.offset, line: document.line, line_start };
    let piece = cursor.piece(document.text.trim_ascii());
    let mut all = Decoded::default();
    let at = At::document(document.offset, document.line);
    decode(decoder, &mut all, &piece, &head, at);
    Some(all)
}

fn decode(
    decoder: &Decoder<'_>,
    out: &mut Decoded,
    piece: &Piece<'_>,
    head: &Head<'_>,
    mut at: At,
) {
    if head.sops.is_some() {
        return as_yaml(decoder, out, piece, at);
    }
    let given = |word: &Option<Cow<'_, str>>| {
        word.as_deref().filter(|word| !word.is_empty()).map(str::to_owned)
    };
    let (inherited_version, inherited_kind) = at.inherited.clone().unzip();
    let kind = given(&head.kind).or(inherited_kind);
    let version = given(&head.api_version).or(inherited_version);
    if let (Some(kind), Some(items)) = (&kind, &head.items.0)
        && kind.ends_with("List")
    {
        if !at.enter(version.as_deref().unwrap_or("v1"), kind) {
            out.lost(piece.mark(), TOO_DEEP);
            return;
        }
        let mut cursor = Cursor {
            text: decoder.text,
            at: piece.offset,
            line: piece.line,
            line_start: piece.line_start,
        };
        let pieces: Vec<_> = items.iter().map(|item| cursor.piece(item.get())).collect();
        out.append(Decoded::collect(&pieces, 256, |part, piece| {
            let head = serde_json::from_str(piece.text).unwrap_or_default();
            let at = At { offset: piece.offset, line: piece.line, ..at.clone() };
            decode(decoder, part, piece, &head, at);
        }));
        return;
    }
    if let (Some(kind), Some(version)) = (&kind, &version) {
        match kinds::lookup(version, kind) {
            // A policy is read strictly, which the slow way does with the better messages.
            Known::Read(built_in) if built_in.is_policy() => {}
            Known::Outdated(_) | Known::NotJudged(_) => {}
            Known::Read(built_in) => {
                let mut source = serde_json::Deserializer::from_str(piece.text);
                if let Ok(found) = found::read(built_in, &mut source, decoder.namespace) {
                    out.objects += 1;
                    out.named(found, decoder.origin(at), piece.mark());
                    return;
                }
            }
            Known::Custom if may_hold_template(piece.text) || is_of_flux(version, kind) => {}
            Known::Irrelevant if &**kind == "ConfigMap" && piece.text.contains(AGENT_CONFIG) => {}
            Known::Irrelevant | Known::Custom => {
                out.objects += 1;
                if is_of_settings(version, kind)
                    && let Ok(Bare { metadata: Some(metadata) }) = serde_json::from_str(piece.text)
                {
                    decoder.keep_settings(out, kind, metadata, decoder.origin(at));
                }
                return;
            }
        }
    }
    as_yaml(decoder, out, piece, at);
}

/// The slow way: as YAML, with the places of the file.
fn as_yaml(decoder: &Decoder<'_>, out: &mut Decoded, piece: &Piece<'_>, at: At) {
    let mut document = Document::whole(piece.text);
    document.offset = piece.offset;
    document.line = piece.line;
    let mut all = Decoded::default();
    decoder.yaml(&mut all, &document, at);
    let first = piece.mark();
    for mark in all.marks().filter(|mark| mark.line == first.line) {
        mark.column = mark.column.saturating_add(first.column - 1);
    }
    out.append(all);
}

/// Whether a custom resource is worth a closer look.
fn may_hold_template(text: &str) -> bool {
    let holds = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    (holds("emplate\"") && (holds("\"containers\"") || holds("\"domain\"")))
        || groups_without_template().any(holds)
}

/// Counts lines on the way through a text.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
}

impl<'a> Cursor<'a> {
    /// The place of a slice of this very text that lies further on.
    fn piece(&mut self, slice: &'a str) -> Piece<'a> {
        let offset = (slice.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let passed = self.text.as_bytes().get(self.at..offset).unwrap_or_default();
        for end in memchr::memchr_iter(b'\n', passed) {
            self.line += 1;
            self.line_start = self.at + end + 1;
        }
        self.at = offset.max(self.at);
        Piece { text: slice, offset, line: self.line, line_start: self.line_start }
    }
}

impl Piece<'_> {
    /// Line and column of its first character; the column in bytes, which JSON indents alike.
    fn mark(&self) -> Mark {
        let column = self.offset.saturating_sub(self.line_start) + 1;
        Mark { line: narrow(self.line), column: narrow(column) }
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
