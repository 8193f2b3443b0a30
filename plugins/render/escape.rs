//! Text in which nothing is markup: one escape for each language.
//!
//! In: any text, some of it from the input. Out: text that means itself there, and that cannot steer a
//! terminal either.

use netpol::printable::printable;
use std::fmt::Write as _;

/// Text of Markdown in which nothing is markup, a mention or a cell's end.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("&#64;"),
            '#' => out.push_str("&#35;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '!' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

/// A name as code of Markdown, also within a table.
pub(super) fn markdown_code(text: &str) -> String {
    if text.contains(['`', '|', '\\', '\n']) {
        markdown(text)
    } else {
        format!("`{}`", printable(text))
    }
}

/// A field of CSV. What a spreadsheet would take for a formula is made text: no name in Kubernetes
/// begins so.
///
/// Source: RFC 4180, but with newlines as elsewhere here.
pub(super) fn csv(field: &str) -> String {
    let field = printable(field);
    let guard = if field.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    if field.contains([',', '"', '\n', '\r']) {
        return format!("\"{guard}{}\"", field.replace('"', "\"\""));
    }
    format!("{guard}{field}")
}

/// A string of DOT, with its quotes. A backslash would begin an escape of Graphviz's own.
pub(super) fn dot(text: &str) -> String {
    format!("\"{}\"", printable(text).replace('\\', "\\\\").replace('"', "\\\""))
}

/// Text within the quotes of Mermaid, which knows no escape but entities.
pub(super) fn mermaid(text: &str) -> String {
    let mut out = String::new();
    for c in printable(text).chars() {
        let plain =
            c.is_alphanumeric() || matches!(c, ' ' | '/' | '.' | ',' | '-' | '_' | ':' | '?');
        if plain {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", u32::from(c));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markdown() {
        assert_eq!(markdown("<b>|*@x#1"), "&lt;b&gt;\\|\\*&#64;x&#35;1");
        assert_eq!(markdown("a|b<c>_d\n"), "a\\|b&lt;c&gt;\\_d\\\\n");
        assert_eq!(markdown_code("a/b"), "`a/b`");
        assert_eq!(markdown_code("a`|b"), "a\\`\\|b");
    }

    #[test]
    fn fields_stay_fields() {
        assert_eq!(csv("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv("=1+1"), "'=1+1");
        assert_eq!(csv("=1+1,\"2\""), "\"'=1+1,\"\"2\"\"\"");
        assert_eq!(csv("a\nb"), "a\\nb");
    }

    #[test]
    fn labels_cannot_break_out() {
        assert_eq!(dot("a\"];\\ x"), "\"a\\\"];\\\\ x\"");
        assert_eq!(mermaid("a\"]; x|#"), "a#34;#93;#59; x#124;#35;");
    }
}
