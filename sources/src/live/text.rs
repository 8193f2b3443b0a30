//! Text that others wrote, made fit for a terminal and for one line.

use crate::address::without_user;
use netpol::printable::printable;

/// What is shown at most of one message.
const SHOWN: usize = 1000;

/// `text` on one line, with all that is unseen spelled out, since it could forge the sentence around it;
/// of bounded length, and without the passwords of addresses in it.
pub(super) fn clean(text: &str) -> String {
    let text = without_user(text.trim());
    let cut = text.char_indices().nth(SHOWN).map(|(end, _)| &text[..end]);
    let dots = if cut.is_some() { "…" } else { "" };
    let line = cut.unwrap_or(&text).replace(['\n', '\t'], " ");
    format!("{}{dots}", printable(&line))
}

/// The end of what a program wrote, cleaned: its reason comes last.
pub(super) fn tail(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(SHOWN);
    clean(&text.chars().skip(skip).collect::<String>())
}

/// `message` without what stands in quotes: a parser quotes the input, which may be a secret.
pub(super) fn without_quotes(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut quoted = None;
    for char in message.chars() {
        match quoted {
            None => {
                out.push(char);
                if matches!(char, '"' | '`') {
                    quoted = Some(char);
                }
            }
            Some(end) if end == char => {
                out.push('…');
                out.push(char);
                quoted = None;
            }
            Some(_) => {}
        }
    }
    clean(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_is_made_harmless() {
        assert_eq!(
            clean("a\u{1b}[31mb\nc\u{202e}d\u{e0041} "),
            "a\\u{1b}[31mb c\\u{202e}d\\u{e0041}"
        );
        assert_eq!(clean("asked https://me:x@host/a"), "asked https://host/a");
        assert_eq!(clean(&"x".repeat(2 * SHOWN)).chars().count(), SHOWN + 1);
        assert_eq!(tail(&format!("{}end", "x".repeat(2 * SHOWN))).chars().count(), SHOWN);
        assert!(tail(&format!("{}end", "x".repeat(2 * SHOWN))).ends_with("end"));
        assert_eq!(
            without_quotes("invalid type: string \"hunter2\", expected `u8`"),
            "invalid type: string \"…\", expected `…`"
        );
        assert_eq!(without_quotes("open \"hunter2"), "open \"");
    }
}
