//! Text of the input, made safe to show: nothing that a file says may steer the terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with control characters and invisible direction marks spelled out: ESC becomes `\u{1b}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if steers(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// The same for JSON, in whose own spelling: the value stays what it was.
///
/// JSON has to escape only the control characters of ASCII; all others stand within strings.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    let unescaped = |c: char| c > '\u{7e}' && steers(c);
    if !json.chars().any(unescaped) {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if unescaped(c) {
            // None of them lies beyond U+FFFF.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Control characters, and those that reorder or break a line without being seen.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::{printable, printable_json};

    #[test]
    fn only_what_steers_is_spelled_out() {
        assert_eq!(printable("größe 東京 🦀"), "größe 東京 🦀");
        assert_eq!(printable("a\u{1b}[31mb\r\nc\t"), "a\\u{1b}[31mb\\r\\nc\\t");
        assert_eq!(printable("x\u{202e}y\u{9b}"), "x\\u{202e}y\\u{9b}");
    }

    #[test]
    fn json_keeps_its_value() {
        let value = serde_json::json!({"größe": ["a\u{1b}\u{7f}\u{9b}", "\u{202e}b\u{feff}\n🦀"]});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = printable_json(&text);
        assert!(!shown.chars().any(|c| super::steers(c) && c != '\n'), "{shown}");
        assert!(shown.contains("größe") && shown.contains('🦀'), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
