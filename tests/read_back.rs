//! Each format read back: that what was written is of the format, that nothing in it is markup, a
//! formula or a reference but what the program means, and that nothing stands in it unseen.
//!
//! In: what a command printed. Out: nothing, or a panic that says what is wrong. Also used by the fuzz
//! targets, which is why nothing here knows the rest of the tests.

use markdown::mdast::Node;
use markdown::{Constructs, ParseOptions};
use netpol::printable::unseen;
use serde_json::Value;

/// Nothing but lines is unseen.
fn seen(text: &str) {
    if let Some(at) = text.find(|c| c != '\n' && unseen(c)) {
        let before = text[..at].char_indices().rev().nth(30).map_or(0, |(start, _)| start);
        panic!("something unseen: {:?}", text[before..].chars().take(60).collect::<String>());
    }
}

/// Text for people; its styles are left out of what is asked.
pub(crate) fn text(text: &str) {
    let mut plain = text.replace("\u{1b}[0m", "");
    for style in ["1", "2", "31", "32", "33", "1;31", "1;32", "1;33"] {
        plain = plain.replace(&format!("\u{1b}[{style}m"), "");
    }
    seen(&plain);
}

/// JSON.
pub(crate) fn json(text: &str) -> Value {
    seen(text);
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// YAML as another reader than the program's has it.
pub(crate) fn yaml(text: &str) -> Value {
    seen(text);
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// CSV of RFC 4180 in rows of one length, none of whose fields a spreadsheet takes for a formula.
pub(crate) fn csv(text: &str) -> Vec<Vec<String>> {
    seen(text);
    let mut rows = Vec::new();
    let mut rest = text.chars().peekable();
    while rest.peek().is_some() {
        let mut row = Vec::new();
        loop {
            let mut field = String::new();
            let quoted = rest.next_if_eq(&'"').is_some();
            let end = loop {
                match rest.next().unwrap_or_else(|| panic!("no end of the row: {text}")) {
                    '"' if quoted => match rest.next() {
                        Some('"') => field.push('"'),
                        Some(end @ (',' | '\n')) => break end,
                        other => panic!("{other:?} behind a field: {text}"),
                    },
                    end @ (',' | '\n') if !quoted => break end,
                    '"' => panic!("a quote within {field:?}: {text}"),
                    c => field.push(c),
                }
            };
            let formula = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
            assert!(!field.trim_start().starts_with(formula), "{field:?} is a formula");
            assert!(quoted || !field.contains([';', '\t']), "{field:?} may be two");
            row.push(field);
            if end == '\n' {
                break;
            }
        }
        rows.push(row);
    }
    let columns = rows.first().map_or(0, Vec::len);
    assert!(rows.iter().all(|row| row.len() == columns), "rows of unequal length: {text}");
    rows
}

/// A page of the map as the program writes it: the page that is checked in, with text between a few
/// elements in its slots, and one answer as JSON.
pub(crate) fn html(text: &str) -> Value {
    html_beside(text).0
}

/// The same, with the answers of tests and of what was seen that stand beside the first one.
pub(crate) fn html_beside(text: &str) -> (Value, Option<Value>, Option<Value>) {
    seen(text);
    let page = include_str!("../plugins/assets/map.html");
    let mut rest = text;
    let mut left = page;
    let mut slot: Option<&str> = None;
    let (mut answer, mut tested, mut observed) = (None, None, None);
    loop {
        let (literal, next) = match left.split_once("{{") {
            Some((literal, after)) => {
                let (name, after) = after.split_once("}}").expect("the end of a slot");
                left = after;
                (literal, Some(name))
            }
            None => (left, None),
        };
        let at = rest.find(literal).unwrap_or_else(|| panic!("{slot:?} does not end"));
        let (filled, after) = rest.split_at(at);
        match slot {
            None => assert_eq!(filled, "", "the page begins otherwise"),
            Some(name @ ("ANSWER" | "TESTED" | "SEEN")) => {
                assert!(!filled.contains(['<', '>', '&']), "{filled}");
                let read = (!filled.is_empty()).then(|| json(filled));
                match name {
                    "ANSWER" => answer = read,
                    "TESTED" => tested = read,
                    _ => observed = read,
                }
            }
            Some(_) => elements(filled),
        }
        rest = &after[literal.len()..];
        let Some(name) = next else { break };
        slot = Some(name);
    }
    assert_eq!(rest, "", "something behind the page");
    (answer.expect("an answer"), tested, observed)
}

/// Text between the elements that the program writes, and no others.
fn elements(filled: &str) {
    let mut plain = filled.to_owned();
    for element in [
        "<bdi>",
        "</bdi>",
        "<tr>",
        "</tr>",
        "<td>",
        "</td>",
        "<p class=\"unknown\">",
        "<p class=\"said\">",
        "<section id=\"tests\" aria-labelledby=\"tests-title\">",
        "</section>",
        "<h2 id=\"tests-title\">",
        "</h2>",
        "<details open>",
        "<ul>",
        "</ul>",
        "<li>",
        "</li>",
        "<p>",
        "</p>",
        "<noscript>",
        "</noscript>",
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
        "<pre tabindex=\"0\">",
        "</pre>",
    ] {
        plain = plain.replace(element, "");
    }
    for entity in ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"] {
        plain = plain.replace(entity, "");
    }
    assert!(!plain.contains(['<', '>', '&', '"', '\'']), "{plain}");
}

/// DOT as the program writes it: a graph with statements of names, strings and attributes.
pub(crate) fn dot(text: &str) {
    seen(text);
    let mut words = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                while let Some(c) = rest.next() {
                    match c {
                        '"' => break,
                        // Graphviz has escapes of its own, of which only these mean what they are.
                        '\\' => assert!(matches!(rest.next(), Some('"' | '\\')), "{text}"),
                        _ => {}
                    }
                }
                words.push("string".to_owned());
            }
            c if c.is_ascii_alphanumeric() || c == '_' => {
                let mut word = c.to_string();
                while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    word.push(c);
                }
                words.push(word);
            }
            '-' => assert_eq!(rest.next(), Some('>'), "{text}"),
            '{' | '}' | '[' | ']' | '=' | ',' | ';' | ' ' | '\n' => words.push(c.to_string()),
            c => panic!("{c:?} outside of strings: {text}"),
        }
    }
    let known = ["digraph", "subgraph", "flows", "diff", "rankdir", "LR", "node", "edge", "shape"];
    let attributes = ["box", "fontname", "fontsize", "label", "style", "dashed", "color", "string"];
    let values = ["green", "red", "blue", "orange", "solid", "dotted"];
    let numbered = |word: &str| {
        let number = word.trim_start_matches("cluster_").trim_start_matches('n');
        number.bytes().all(|byte| byte.is_ascii_digit())
    };
    for word in words.iter().filter(|word| word.chars().all(|c| c.is_ascii_alphanumeric())) {
        let all = [&known[..], &attributes, &values];
        assert!(all.concat().contains(&&**word) || numbered(word), "{word:?} in {text}");
    }
    let count = |wanted: &str| words.iter().filter(|word| *word == wanted).count();
    assert_eq!((count("{"), count("[")), (count("}"), count("]")), "{text}");
}

/// Mermaid as the program writes it: a line a statement, with texts in quotes that hold entities.
pub(crate) fn mermaid(text: &str) {
    seen(text);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("flowchart LR"));
    for line in lines {
        let line = line.trim_start();
        let (before, quoted) = match line.split_once('"') {
            Some((before, rest)) => (before, rest.rsplit_once('"').expect("the end of a text")),
            None => (line, ("", "")),
        };
        let (inside, behind) = quoted;
        let plain = |c: char| c.is_alphanumeric() || " /.,-_:?#;".contains(c);
        assert!(inside.chars().all(plain), "{line}");
        let name = |word: &str, of: char| {
            word.strip_prefix(of).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let right = match (before, behind) {
            ("end", "") => true,
            (node, "]") => {
                let node = node.strip_suffix('[').expect("a label");
                node.strip_prefix("subgraph ").map_or(name(node, 'n'), |graph| name(graph, 's'))
            }
            (from, to) => {
                let arrow = from.split_once(' ').expect("an arrow");
                name(arrow.0, 'n')
                    && matches!(arrow.1, "-->|" | "-.->|")
                    && to.strip_prefix("| ").is_some_and(|to| name(to, 'n'))
            }
        };
        assert!(right, "{line}");
    }
}

/// What GitHub makes of text besides Markdown: mentions, references, hashes of commits and names of
/// pictures. Returns the piece.
fn reference(text: &str) -> Option<&str> {
    let word = |c: char| c.is_alphanumeric();
    text.split(|c: char| c.is_whitespace() || "()\"'".contains(c)).find(|piece| {
        let inner = piece.trim_end_matches([',', '.', ';', ':', '?', '!']);
        let has = |mark: &str| inner.contains(mark);
        let digits = inner.bytes().any(|byte| byte.is_ascii_digit());
        let hash = inner.len() >= 7 && inner.bytes().all(|byte| byte.is_ascii_hexdigit());
        let ticket = digits && inner.contains(['-', '/', '#']) && inner.chars().any(word);
        has("@")
            || has("#")
            || has("://")
            || has("www.")
            || has("/") && inner.len() > 1
            || has(":")
            || has("$")
            || hash
            || ticket
    })
}

/// Markdown of GitHub whose only markup is the program's own.
pub(crate) fn markdown(text: &str) {
    seen(text);
    let constructs = Constructs { math_text: true, ..Constructs::gfm() };
    let options = ParseOptions { constructs, ..ParseOptions::gfm() };
    let tree = markdown::to_mdast(text, &options).unwrap_or_else(|error| panic!("{error}: {text}"));
    node(&tree, text);
}

fn node(one: &Node, text: &str) {
    match one {
        Node::Text(found) => {
            let said = reference(&found.value);
            assert!(said.is_none(), "{said:?} is more than text in {:?}: {text}", found.value);
        }
        Node::Html(found) => {
            let own =
                ["<br>", "</details>", "<details><summary>Explain one flow of each</summary>"];
            assert!(own.contains(&found.value.trim()), "{:?} in {text}", found.value);
        }
        Node::Table(table) => {
            let columns = table.align.len();
            for row in &table.children {
                assert_eq!(row.children().map(Vec::len), Some(columns), "a row of {text}");
            }
        }
        Node::Root(_)
        | Node::Paragraph(_)
        | Node::TableRow(_)
        | Node::TableCell(_)
        | Node::InlineCode(_)
        | Node::Code(_)
        | Node::Strong(_)
        | Node::Heading(_)
        | Node::List(_)
        | Node::ListItem(_)
        | Node::Blockquote(_) => {}
        other => panic!("{other:?} in {text}"),
    }
    for child in one.children().into_iter().flatten() {
        node(child, text);
    }
}
