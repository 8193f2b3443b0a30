//! Text of the input, made safe to show: nothing that a file says may steer the terminal.

use std::borrow::Cow;

/// The text with control characters and invisible direction marks spelled out: ESC becomes `\u{1b}`.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
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

/// Control characters, and those that reorder or break a line without being seen.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn only_what_steers_is_spelled_out() {
        assert_eq!(printable("größe 東京 🦀"), "größe 東京 🦀");
        assert_eq!(printable("a\u{1b}[31mb\r\nc\t"), "a\\u{1b}[31mb\\r\\nc\\t");
        assert_eq!(printable("x\u{202e}y\u{9b}"), "x\\u{202e}y\\u{9b}");
    }
}
