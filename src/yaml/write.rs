//! Typed values as YAML that kubectl reads back as they are.
//!
//! In goes any serializable value, out comes block YAML: two spaces a level, strings that
//! kubectl would take for something else (`yes`, `0755`, `1e3`, `null`, `2001-01-01`) in quotes,
//! and no line is folded. What is not seen in a text is spelled out, so that its value stays.

use super::error::Error;
use crate::printable::{printable_json, printable_yaml, unseen};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Number;
use serde_saphyr::DoubleQuoted;
use std::{fmt, io};

/// Write a value as one YAML document, without a `---`.
pub fn to_string<T: Serialize>(value: &T) -> Result<String, Error> {
    text_of(value)
}

fn text_of(value: &dyn erased_serde::Serialize) -> Result<String, Error> {
    let plain = write(value)?;
    let mut look = Lines::default();
    look.see(&plain);
    let unreadable = has_unseen(&plain) || look.long && has_long_key(value)?;
    if unreadable { spelled_out(value) } else { Ok(plain) }
}

/// The same to where it is to go, as it is made if it is long. `false` where it is long and has
/// something that is not seen, or a key that is itself long, so that nothing is written.
pub fn to_writer<T: Serialize>(value: &T, out: &mut dyn io::Write) -> io::Result<bool> {
    write_text_of(value, out)
}

fn write_text_of(value: &dyn erased_serde::Serialize, out: &mut dyn io::Write) -> io::Result<bool> {
    let mut look = Look::default();
    write_to(value, &mut look).map_err(io::Error::other)?;
    let Look { text, long, unseen, lines } = look;
    let unreadable = unseen || lines.long && has_long_key(value).map_err(io::Error::other)?;
    match (long, unreadable) {
        (true, true) => return Ok(false),
        (true, false) => {
            let mut through = Through { out, failed: None };
            let written = write_to(value, &mut through);
            match through.failed {
                Some(error) => return Err(error),
                None => written.map_err(io::Error::other)?,
            }
        }
        (false, true) => out.write_all(spelled_out(value).map_err(io::Error::other)?.as_bytes())?,
        (false, false) => out.write_all(text.as_bytes())?,
    }
    Ok(true)
}

/// More bytes than this are not held.
const LONG: usize = 1 << 20;

/// What a document would have, and its text where it is not long.
#[derive(Default)]
struct Look {
    text: String,
    long: bool,
    unseen: bool,
    lines: Lines,
}

impl fmt::Write for Look {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.unseen |= has_unseen(text);
        self.lines.see(text);
        self.long |= self.text.len() + text.len() > LONG;
        if self.long {
            self.text = String::new();
        } else {
            self.text.push_str(text);
        }
        Ok(())
    }
}

/// A document on its way.
struct Through<'o> {
    out: &'o mut dyn io::Write,
    failed: Option<io::Error>,
}

impl fmt::Write for Through<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.out.write_all(text.as_bytes()).map_err(|error| {
            self.failed = Some(error);
            fmt::Error
        })
    }
}

/// A key that takes more characters is none to readers unless it is marked as one.
///
/// Source: YAML 1.2.2, 7.4.2 and 8.2.2: at most 1024 for an implicit key. Some are left for its quotes.
const LONGEST_KEY: usize = 1000;

/// Whether some line is so long that it may have a long key.
#[derive(Default)]
struct Lines {
    length: usize,
    long: bool,
}

impl Lines {
    fn see(&mut self, text: &str) {
        for part in text.split_inclusive('\n') {
            self.length += part.len();
            self.long |= self.length > LONGEST_KEY;
            if part.ends_with('\n') {
                self.length = 0;
            }
        }
    }
}

fn has_long_key(value: &dyn erased_serde::Serialize) -> Result<bool, Error> {
    let mut keys = Keys::default();
    serde_json::to_writer(&mut keys, value).map_err(Error::without_place)?;
    Ok(keys.long)
}

/// Looks through JSON for keys that are long, however they are written.
#[derive(Default)]
struct Keys {
    quoted: bool,
    escaped: bool,
    length: usize,
    long: bool,
}

impl io::Write for Keys {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // What is not seen, or is no ASCII, takes at most ten: `\U0001F980`.
        const ESCAPE: usize = 10;
        for byte in bytes {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'"' => {
                    self.quoted = !self.quoted;
                    if self.quoted {
                        self.length = 0;
                    }
                }
                b'\\' => {
                    self.escaped = true;
                    self.length += ESCAPE;
                }
                b':' if !self.quoted => self.long |= self.length > LONGEST_KEY,
                b' '..=b'~' => self.length += 1,
                0x80..=0xbf => {}
                _ => self.length += ESCAPE,
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn has_unseen(text: &str) -> bool {
    text.contains(|c| c != '\n' && unseen(c))
}

fn spelled_out(value: &dyn erased_serde::Serialize) -> Result<String, Error> {
    // Only a text in double quotes has escapes.
    let json = serde_json::to_string_pretty(value).map_err(Error::without_place)?;
    let tree: Tree = serde_json::from_str(&json).map_err(Error::without_place)?;
    if tree.has_unseen_key() || has_long_key(value)? {
        // There is no way to ask for quotes or a mark of a key, but JSON, which is YAML, has quotes.
        return Ok(with_marks(&printable_json(&json)));
    }
    Ok(printable_yaml(&write(&tree)?).into_owned())
}

/// JSON of a line for each field, whose long keys are marked as YAML has it.
fn with_marks(json: &str) -> String {
    let mut text = String::with_capacity(json.len() + 1);
    for line in json.lines() {
        let field = line.trim_start_matches(' ');
        let mut keys = Keys::default();
        let _ = io::Write::write(&mut keys, field.as_bytes());
        text.push_str(&line[..line.len() - field.len()]);
        if keys.long {
            text.push_str("? ");
        }
        text.push_str(field);
        text.push('\n');
    }
    text
}

fn write(value: &dyn erased_serde::Serialize) -> Result<String, Error> {
    let mut text = String::new();
    write_to(value, &mut text)?;
    Ok(text)
}

fn write_to(value: &dyn erased_serde::Serialize, out: &mut dyn fmt::Write) -> Result<(), Error> {
    let options = serde_saphyr::ser_options! {
        folded_wrap_chars: usize::MAX,
    };
    // Erased, so that saphyr's code is there once and not for each type of each answer.
    serde_saphyr::to_fmt_writer_with_options(&mut &mut *out, &value, options)
        .map_err(Error::without_place)
}

/// A value with its fields in their order, whose texts with something unseen stand in double quotes.
enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    fn has_unseen_key(&self) -> bool {
        match self {
            Self::List(items) => items.iter().any(Self::has_unseen_key),
            Self::Map(fields) => {
                fields.iter().any(|(key, value)| key.contains(unseen) || value.has_unseen_key())
            }
            _ => false,
        }
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_unit(),
            Self::Bool(value) => to.serialize_bool(*value),
            Self::Number(value) => value.serialize(to),
            Self::Text(text) if text.contains(unseen) => DoubleQuoted(text).serialize(to),
            Self::Text(text) => to.serialize_str(text),
            Self::List(items) => to.collect_seq(items),
            Self::Map(fields) => to.collect_map(fields.iter().map(|(key, value)| (key, value))),
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Grow)
    }
}

struct Grow;

impl<'de> Visitor<'de> for Grow {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Tree, E> {
        Ok(Number::from_f64(value).map_or(Tree::Null, Tree::Number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Tree, A::Error> {
        let mut fields = Vec::new();
        while let Some((key, value)) = from.next_entry()? {
            fields.push((key, value));
        }
        Ok(Tree::Map(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unseen_is_spelled_out_and_read_back() {
        let value = serde_json::json!({
            "z": {"a": "n\u{202e}\u{200b}\u{2066}x", "b": ["yes", "\u{e0041}\n#", 1, null, -2.5]},
            "plain": "über", "quote": "it's \u{ad}\"\\", "yes": true,
        });
        let text = to_string(&value).unwrap();
        assert!(!text.contains(|c| c != '\n' && unseen(c)), "{text}");
        assert!(text.contains(r#"a: "n\u202E\u200B\u2066x""#), "{text}");
        assert!(text.contains(r"\U000E0041") && text.contains("plain: über"), "{text}");
        let document = crate::yaml::Document::whole(&text);
        assert_eq!(crate::yaml::from_document(&document).unwrap(), Some(value));

        let value = serde_json::json!([{"z\u{200b}": "\u{ad}"}]);
        let text = to_string(&value).unwrap();
        assert_eq!(text, "[\n  {\n    \"z\\u200b\": \"\\u00ad\"\n  }\n]\n");
        let document = crate::yaml::Document::whole(&text);
        assert_eq!(crate::yaml::from_document(&document).unwrap(), Some(value));
    }

    /// YAML 1.2.2, 7.4.2 and 8.2.2: an implicit key has at most 1024 characters.
    #[test]
    fn long_keys_are_marked_and_read_back() {
        for part in ["k", "ä", "\"", "\u{202e}", "\r", ": ", "\u{1f980}"] {
            for length in [80, 100, 333, 500, 999, 1000, 1001, 1022, 1024, 1025, 3000] {
                let key = part.repeat(length);
                let value = serde_json::json!({
                    "a": [{key.clone(): "b", "c": {key.clone(): [null]}}, key], "d": ": \"",
                });
                let text = to_string(&value).unwrap();
                let document = crate::yaml::Document::whole(&text);
                let read = crate::yaml::from_document(&document);
                assert_eq!(read, Ok(Some(value.clone())), "{length} of {part:?}: {text}");
                let mut out = Vec::new();
                assert!(to_writer(&value, &mut out).unwrap());
                assert_eq!(String::from_utf8(out).unwrap(), text);
            }
        }
        let plain = serde_json::json!({"a": "b: ".repeat(2000), "c": ["k".repeat(2000)]});
        assert!(!to_string(&plain).unwrap().contains('{'), "no key is long");
        let text = to_string(&serde_json::json!({"k".repeat(1025): 1})).unwrap();
        assert!(text.starts_with("{\n  ? \"kkk") && text.ends_with("kkk\": 1\n}\n"), "{text}");
    }

    #[test]
    fn what_is_long_is_not_held() {
        /// Counts what comes, and how much of it at once.
        #[derive(Default)]
        struct Count(usize, usize);
        impl io::Write for Count {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                (self.0, self.1) = (self.0 + bytes.len(), self.1.max(bytes.len()));
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let long: Vec<String> = (0..LONG / 8).map(|i| format!("line {i}")).collect();
        let mut count = Count::default();
        assert!(to_writer(&long, &mut count).unwrap());
        assert_eq!(count.0, to_string(&long).unwrap().len());
        assert!(count.0 > LONG && count.1 < 100, "{} of {}", count.1, count.0);

        let hidden = [long, vec!["\u{202e}".to_owned()]];
        let mut count = Count::default();
        assert!(!to_writer(&hidden, &mut count).unwrap());
        assert_eq!(count.0, 0);
        for short in ["a", "\u{202e}"] {
            let mut out = Vec::new();
            assert!(to_writer(&short, &mut out).unwrap());
            assert_eq!(String::from_utf8(out).unwrap(), to_string(&short).unwrap());
        }
    }

    #[test]
    fn a_reader_that_is_gone_is_told() {
        struct Gone;
        impl io::Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for long in ["a".to_owned(), "a".repeat(LONG + 1)] {
            let error = to_writer(&[long], &mut Gone).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        }
    }
}
