//! Where a file is cut: `YAMLReader` and `YAMLOrJSONDecoder` of `k8s.io/apimachinery`.

use super::super::{Document, locate, parse, split};

/// The texts of the documents that are not empty.
fn texts(file: &str) -> Vec<&str> {
    split(file)
        .filter(|document| !matches!(parse(document), Ok(None)))
        .map(|document| document.text)
        .collect()
}

#[test]
fn lines_of_three_dashes_separate() {
    for separator in ["---", "--- ", "--- # c", "---#c", "--- \t # c", "---\u{a0}", "---\r"] {
        let file = format!("a: 1\n{separator}\nb: 2\n");
        assert_eq!(texts(&file), ["a: 1\n", "b: 2\n"], "{separator:?}");
    }
    assert_eq!(texts("a: 1\n---"), ["a: 1\n"]);
    assert_eq!(texts("---\n---\n---\na: 1"), ["a: 1"]);
    assert_eq!(texts("# c\n---\na: 1\n---\n# d\n"), ["a: 1\n"]);
    assert!(texts("---").is_empty());
    assert!(texts("").is_empty());
    assert!(texts("\u{feff}").is_empty());
}

/// kubectl cuts before YAML is parsed: indented dashes stay, those in the first column do not.
#[test]
fn dashes_in_a_block_scalar() {
    assert_eq!(texts("a: |\n  x\n  ---\n  y\n").len(), 1);
    assert_eq!(texts("a: |\n  x\n---\n  y\n"), ["a: |\n  x\n", "  y\n"]);
}

/// kubectl refuses such a file; others read it, and nothing in it may be lost.
#[test]
fn content_on_the_line_of_the_separator() {
    let documents: Vec<_> = split("a: 1\n--- {b: 2}\n---\nc: 3\n").collect();
    let flags = documents.iter().map(Document::starts_on_its_separator);
    assert_eq!(flags.collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(documents[1].text, "--- {b: 2}\n");
    let place = locate(&documents[1], "b").unwrap();
    assert_eq!((place.line, place.column), (2, 6));
    // "invalid Yaml document separator: -" in kubectl; no YAML either.
    assert!(parse(&split("a: 1\n----\nb: 2\n").next().unwrap()).is_err());
}

/// goyaml reads one document of what the reader hands it, and drops the rest.
#[test]
fn after_three_dots_nothing_is_read() {
    let file = "a: 1\n...\nb: [\n---\nc: 3\n";
    let nodes: Vec<_> = split(file).map(|d| parse(&d).unwrap().unwrap()).collect();
    assert_eq!(nodes.len(), 2);
    assert!(nodes[0].get("b").is_none());
    assert!(nodes[1].get("c").is_some());
}

#[test]
fn byte_order_marks_and_carriage_returns_are_tolerated() {
    let file = "\u{feff}a: 1\r\n---\r\n\u{feff}b:\r\n  c: 2\r\n";
    let documents: Vec<_> = split(file).collect();
    assert_eq!(documents.len(), 2);
    assert!(parse(&documents[0]).unwrap().unwrap().get("a").is_some());
    let place = locate(&documents[1], "b.c").unwrap();
    assert_eq!((place.line, place.column), (4, 3));
    assert_eq!(texts("\u{feff}---\na: 1\n"), ["a: 1\n"]);
}

#[test]
fn places_are_those_of_the_file() {
    let file = "a: 1\n\n---\n# c\nb: é\n---\nc: 3";
    for document in split(file) {
        let before = &file[..document.offset];
        assert!(file[document.offset..].starts_with(document.text));
        assert_eq!(document.line, before.matches('\n').count() + 1);
    }
    let lines: Vec<_> = split(file).map(|document| document.line).collect();
    assert_eq!(lines, [1, 4, 7]);
}

/// A file that starts with `{` is a stream of JSON values until it turns out not to be.
#[test]
fn streams_of_json() {
    assert_eq!(texts("{\"a\": 1}\n{\"b\": 2}\n"), ["{\"a\": 1}", "{\"b\": 2}"]);
    assert_eq!(texts("  {\"a\": 1}{\"b\": 2}"), ["{\"a\": 1}", "{\"b\": 2}"]);
    assert_eq!(texts("{\"a\": 1}\n---\nb: 2\n"), ["{\"a\": 1}", "b: 2\n"]);
    assert_eq!(texts("{b: 2}\n---\nc: 3"), ["{b: 2}\n", "c: 3"]);
    // Only the first byte of the file opens such a stream.
    assert_eq!(texts("---\n{\"b\": 2}\n{\"c\": 3}").len(), 1);
    let second = split("{\"a\": 1} {\"b\": 2}").nth(1).unwrap();
    let place = locate(&second, "b").unwrap();
    assert_eq!((place.line, place.column), (1, 11));
    // Raw line separators are ordinary text in JSON.
    let document = split("{\"a\": \"\u{2028}\"}").next().unwrap();
    assert!(parse(&document).is_ok());
}
