//! Text in which nothing is markup: one escape for each language.
//!
//! In: any text, some of it from the input. Out: text that means itself there, and that cannot steer a
//! terminal either.

use netpol::printable::printable;
use std::borrow::Cow;
use std::fmt::Write as _;

/// A sentence of Markdown: plain words are text, all others code, in which nothing is markup, a mention,
/// a reference or an address.
///
/// An entity or a backslash would not do for that: GitHub looks for mentions and references in the text
/// that comes of them.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (at, word) in printable(text).split(' ').enumerate() {
        if at > 0 {
            out.push(' ');
        }
        let (before, inner, behind) = bare(word);
        // A number that begins a line may be that of a list.
        let plain = is_word(inner) || (is_number(inner) && (at > 0 || behind.is_empty()));
        let own = matches!(word, "" | "→" | "–") && at > 0 || is_note(word);
        if plain || own {
            out.push_str(word);
        } else if inner.is_empty() {
            code(word, &mut out);
        } else {
            out.push_str(before);
            code(inner, &mut out);
            out.push_str(behind);
        }
    }
    out
}

/// A name as code of Markdown, also within a table.
pub(super) fn markdown_code(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    code(&printable(text), &mut out);
    out
}

/// What an end is called: the words for all pods and the like as text, and names as code.
pub(super) fn markdown_end(label: &str) -> String {
    if label.split(' ').all(is_word) { label.to_owned() } else { markdown_code(label) }
}

/// Text as code. What would end it, or its cell in a table, is spelled out: no name in Kubernetes has
/// that.
fn code(text: &str, out: &mut String) {
    if text.trim().is_empty() {
        return;
    }
    out.push('`');
    for c in text.chars() {
        match c {
            '`' | '|' => out.extend(c.escape_unicode()),
            _ => out.push(c),
        }
    }
    out.push('`');
}

/// A word without the marks of a sentence before and behind it.
fn bare(word: &str) -> (&str, &str, &str) {
    let rest = word.trim_start_matches(['(', '"']);
    // With the numbers of notes.
    let inner = rest.trim_end_matches(|c| ".,;:?)\"¹²³⁰⁴⁵⁶⁷⁸⁹".contains(c));
    (&word[..word.len() - rest.len()], inner, &rest[inner.len()..])
}

/// Letters, with hyphens and apostrophes between them, and no hash of a commit.
fn is_word(word: &str) -> bool {
    let is_hash = word.len() > 6 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts = || word.split(['-', '\'', '’']);
    !is_hash && parts().all(|part| !part.is_empty() && part.chars().all(char::is_alphabetic))
}

/// The number of a note, by itself.
fn is_note(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_numeric() && !c.is_ascii())
}

/// Digits, too few for a hash of a commit.
fn is_number(word: &str) -> bool {
    (1..7).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// A field of CSV. What a spreadsheet would take for a formula is made text: no name in Kubernetes
/// begins so. What some take for the end of a field stands in quotes.
///
/// Source: RFC 4180, but with newlines as elsewhere here.
pub(super) fn csv(field: &str) -> Cow<'_, str> {
    // Nearly all are names.
    if field.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_')) {
        return Cow::Borrowed(field);
    }
    let field = printable(field);
    let formula = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let guard = if field.trim_start().starts_with(formula) { "'" } else { "" };
    if field.contains([',', '"', ';']) {
        return format!("\"{guard}{}\"", field.replace('"', "\"\"")).into();
    }
    if guard.is_empty() { field } else { format!("{guard}{field}").into() }
}

/// Text of HTML, within an element or an attribute in double quotes.
pub(super) fn html(text: &str) -> String {
    let text = printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
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

/// A path as a reference to a URI, relative where the path is. What of it might be a scheme, a query or a
/// fragment is escaped.
///
/// Source: RFC 3986, sections 2.1, 2.3 and 4.2.
pub(super) fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut out = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// The message of a command of GitHub's workflows.
///
/// Source: GitHub, "Workflow commands for GitHub Actions", and the escapes of its toolkit: `%25` for `%`;
/// newlines are spelled out before.
pub(super) fn github(text: &str) -> String {
    printable(text).replace('%', "%25")
}

/// A property of such a command: `%3A` for `:` and `%2C` for `,` besides.
pub(super) fn github_property(text: &str) -> String {
    github(text).replace(':', "%3A").replace(',', "%2C")
}

/// Text or an attribute of XML. What XML 1.0 has no character for is spelled out.
///
/// Source: Extensible Markup Language (XML) 1.0, productions `Char`, `AttValue` and `CharData`.
pub(super) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => out.extend(c.escape_unicode()),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markdown() {
        assert_eq!(markdown("<b>|*@x#1"), "`<b>\\u{7c}*@x#1`");
        assert_eq!(markdown("a|b<c>_d\n"), "`a\\u{7c}b<c>_d\\n`");
        assert_eq!(markdown_code("a/b"), "`a/b`");
        assert_eq!(markdown_code("a`|b"), "`a\\u{60}\\u{7c}b`");
        assert_eq!(markdown_code(""), "");
        assert_eq!(markdown_end("every pod"), "every pod");
        assert_eq!(markdown_end("d @x"), "`d @x`");
    }

    #[test]
    fn sentences_keep_their_words() {
        assert_eq!(
            markdown("no policy in x/y (of 3) allows \"@me\", www.a.b or GH-1: see a-b."),
            "no policy in `x/y` (of 3) allows \"`@me`\", `www.a.b` or `GH-1`: see a-b."
        );
        assert_eq!(
            markdown("1. - # deadbeef :tada: $x$ 1234567"),
            "`1`. `-` `#` `deadbeef` `:tada`: `$x$` `1234567`"
        );
        assert_eq!(markdown("- a"), "`-` a");
        assert_eq!(markdown("2 of x/y¹, ¹ 3."), "2 of `x/y`¹, ¹ 3.");
    }

    #[test]
    fn fields_stay_fields() {
        assert_eq!(csv("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv("=1+1"), "'=1+1");
        assert_eq!(csv("=1+1,\"2\""), "\"'=1+1,\"\"2\"\"\"");
        assert_eq!(csv("a\nb"), "a\\nb");
        assert_eq!(csv(" ＝1;2"), "\"' ＝1;2\"");
    }

    #[test]
    fn labels_cannot_break_out() {
        assert_eq!(dot("a\"];\\ x"), "\"a\\\"];\\\\ x\"");
        assert_eq!(
            html("</td><b a='\"'>&\u{202e}"),
            "&lt;/td&gt;&lt;b a=&#39;&quot;&#39;&gt;&amp;\\u{202e}"
        );
        assert_eq!(mermaid("a\"]; x|#"), "a#34;#93;#59; x#124;#35;");
    }

    #[test]
    fn paths_become_references() {
        for (path, expected) in [
            ("./k8s/a b.yaml", "k8s/a%20b.yaml"),
            ("/srv/k8s/ä.yaml", "file:///srv/k8s/%C3%A4.yaml"),
            ("git:main:a.yaml", "git%3Amain%3Aa.yaml"),
            ("a#b?c%.yaml", "a%23b%3Fc%25.yaml"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }

    #[test]
    fn commands_and_elements_cannot_be_begun() {
        assert_eq!(github("100%\n::error::x"), "100%25\\n::error::x");
        assert_eq!(github_property("a,b::c%"), "a%2Cb%3A%3Ac%25");
        assert_eq!(xml("</a>\"'&\u{1}\u{ffff}"), "&lt;/a&gt;&quot;&apos;&amp;\\u{1}\\u{ffff}");
    }
}
