//! Text of the input, made safe to show: nothing that a file, a server or a program says may steer
//! the terminal, reorder a line or stand in it unseen.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with all that is [`unseen`] spelled out: ESC becomes `\u{1b}`.
pub fn printable(text: &str) -> Cow<'_, str> {
    spelled(text, unseen, |out, c| out.extend(c.escape_default()))
}

/// The same for JSON, in whose own spelling: the value stays what it was.
///
/// JSON has to escape only the control characters of ASCII; all others stand within strings.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    spelled(
        json,
        |c| c > '\u{7e}' && unseen(c),
        |out, c| {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        },
    )
}

/// The same for YAML in which all that is unseen stands in double quotes.
pub(crate) fn printable_yaml(yaml: &str) -> Cow<'_, str> {
    spelled(
        yaml,
        |c| c != '\n' && unseen(c),
        |out, c| {
            let _ = match u32::from(c) {
                number @ ..=0xffff => write!(out, "\\u{number:04X}"),
                number => write!(out, "\\U{number:08X}"),
            };
        },
    )
}

fn spelled(
    text: &str,
    which: impl Fn(char) -> bool,
    spell: impl Fn(&mut String, char),
) -> Cow<'_, str> {
    if !text.chars().any(&which) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if which(c) { spell(&mut out, c) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Characters that are not seen where they stand, or change what is seen of others: control
/// characters, separators of lines, format characters, and all that a display may leave out, such as
/// fillers, selectors of variants and tags.
///
/// Source: Unicode 16.0, general categories Cc, Cf, Zl and Zp, and `Default_Ignorable_Code_Point`.
pub fn unseen(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control() || {
        let after = UNSEEN.partition_point(|(first, _)| *first <= c);
        after > 0 && c <= UNSEEN[after - 1].1
    }
}

/// In order, from the first to the last of each run.
const UNSEEN: [(char, char); 25] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_unseen_is_spelled_out() {
        assert_eq!(printable("größe 東京 🦀"), "größe 東京 🦀");
        assert_eq!(printable("a\u{1b}[31mb\r\nc\t"), "a\\u{1b}[31mb\\r\\nc\\t");
        assert_eq!(printable("x\u{202e}y\u{9b}"), "x\\u{202e}y\\u{9b}");
        assert_eq!(printable("a\u{ad}b\u{e0041}"), "a\\u{ad}b\\u{e0041}");
    }

    #[test]
    fn runs_are_in_order_and_apart() {
        assert!(UNSEEN.iter().all(|(first, last)| first <= last));
        assert!(UNSEEN.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }

    /// Unicode 16.0, `DerivedGeneralCategory`: Cf has 170 characters.
    #[test]
    fn all_of_cf_is_unseen() {
        let runs = [
            0xad..=0xad,
            0x600..=0x605,
            0x61c..=0x61c,
            0x6dd..=0x6dd,
            0x70f..=0x70f,
            0x890..=0x891,
            0x8e2..=0x8e2,
            0x180e..=0x180e,
            0x200b..=0x200f,
            0x202a..=0x202e,
            0x2060..=0x2064,
            0x2066..=0x206f,
            0xfeff..=0xfeff,
            0xfff9..=0xfffb,
            0x110bd..=0x110bd,
            0x110cd..=0x110cd,
            0x13430..=0x1343f,
            0x1bca0..=0x1bca3,
            0x1d173..=0x1d17a,
            0xe0001..=0xe0001,
            0xe0020..=0xe007f,
        ];
        let all: Vec<u32> = runs.into_iter().flatten().collect();
        assert_eq!(all.len(), 170);
        assert!(all.into_iter().all(|code| unseen(char::from_u32(code).unwrap())));
    }

    #[test]
    fn json_keeps_its_value() {
        let value =
            serde_json::json!({"größe": ["a\u{1b}\u{7f}\u{9b}", "\u{202e}b\u{feff}\n🦀\u{e0041}"]});
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = printable_json(&text);
        assert!(!shown.chars().any(|c| unseen(c) && c != '\n'), "{shown}");
        assert!(shown.contains("größe") && shown.contains('🦀'), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
