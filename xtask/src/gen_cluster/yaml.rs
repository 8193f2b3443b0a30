//! JSON values as block YAML; every string that is not plainly a word is quoted.

use serde_json::Value;
use std::fmt::Write as _;

/// Appends a mapping.
pub(super) fn write(out: &mut String, value: &Value) {
    block(out, value, 0, false);
}

/// Writes a value on lines of its own; `inline`: its first line has begun.
fn block(out: &mut String, value: &Value, indent: usize, mut inline: bool) {
    let mut begin = |out: &mut String| {
        if !std::mem::take(&mut inline) {
            let _ = write!(out, "{:indent$}", "");
        }
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                begin(out);
                let _ = write!(out, "{}:", word(key));
                // Lists stand where their key does, as kubectl writes them.
                let deeper = if value.is_array() { indent } else { indent + 2 };
                if is_block(value) {
                    out.push('\n');
                    block(out, value, deeper, false);
                } else {
                    out.push(' ');
                    block(out, value, 0, true);
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                begin(out);
                out.push_str("- ");
                block(out, item, indent + 2, true);
            }
        }
        Value::String(text) => {
            begin(out);
            let _ = writeln!(out, "{}", word(text));
        }
        scalar => {
            begin(out);
            let _ = writeln!(out, "{scalar}");
        }
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// What YAML 1.1 takes for something else than a word.
const NO_WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// A string that no reader takes for something else: a hash such as `1e5` would be a number.
fn word(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
    let plain = text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && text.bytes().all(is_plain)
        && !NO_WORDS.contains(&&*text.to_ascii_lowercase());
    if plain { text.to_owned() } else { Value::from(text).to_string() }
}
