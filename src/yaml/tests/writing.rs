//! What is written reads back as it was, here and in kubectl.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::super::{Document, from_node, locate, parse, split, to_string};
use super::json;

/// Strings that some reader or other takes for something else.
const TRAPS: &[&str] = &[
    "y",
    "n",
    "yes",
    "No",
    "on",
    "off",
    "true",
    "~",
    "null",
    "Null",
    "",
    " ",
    "0755",
    "0o7_5",
    "1e3",
    "1_000",
    "08",
    "+12",
    "0x1F",
    "0b1",
    "0b-1",
    ".5",
    "5.",
    ".inf",
    ".nan",
    "1:30",
    "190:20:30",
    "2001-01-01",
    "2001-01-01T00:00:00Z",
    "=",
    "<<",
    "-",
    "- a",
    "?",
    "? a",
    ":",
    "a: b",
    "a:",
    "#",
    "a #b",
    "*a",
    "&a",
    "!a",
    "|",
    ">",
    "%a",
    "@a",
    "`a",
    "'",
    "\"",
    "[",
    "]",
    "{}",
    ",",
    "---",
    "...",
    "--- a",
    "a\nb",
    "a\n",
    "\na",
    "a\n\n",
    " a\n b",
    "\ta",
    "a\t",
    "a\r\nb",
    "\r",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{feff}a",
    "\0",
    "\u{1b}[2J",
    "\u{7f}",
    "\u{9b}",
    "\u{fffe}",
    "é",
    "😀",
    "\\",
    "a\\",
    "$(x)",
    "{{ .x }}",
    "a  b",
    "x\n---\ny",
    "# c\nb",
    "  # c\n",
    "\n",
    "\n\n",
    " \n",
    "a \nb",
    "a\n b\n",
];

#[track_caller]
fn round_trip(text: &str) {
    let value = BTreeMap::from([(text.to_owned(), text.to_owned())]);
    let outer = BTreeMap::from([("list", vec![value.clone()]), ("other", vec![])]);
    for written in [to_string(&value).unwrap(), to_string(&outer).unwrap()] {
        let read = match split(&written).collect::<Vec<_>>().as_slice() {
            [document] => parse(document),
            other => panic!("{} documents in {written:?}", other.len()),
        };
        let read = read.unwrap_or_else(|error| panic!("{error} in {written:?}"));
        let read: serde_json::Value = from_node(&read.unwrap()).unwrap();
        let expected = if read.get("list").is_some() && read.get("other").is_some() {
            serde_json::to_value(&outer).unwrap()
        } else {
            serde_json::to_value(&value).unwrap()
        };
        assert_eq!(read, expected, "{written:?}");
    }
}

#[test]
fn strings_stay_strings() {
    for text in TRAPS {
        round_trip(text);
    }
}

#[test]
fn long_lines_are_not_folded() {
    let text = "word ".repeat(100);
    assert!(to_string(&BTreeMap::from([("a", text.trim())])).unwrap().lines().count() == 1);
}

/// kubectl itself reads what is written, value by value.
#[test]
fn kubectl_reads_it_back() {
    let data: BTreeMap<String, &str> =
        TRAPS.iter().enumerate().map(|(number, text)| (format!("k{number}"), *text)).collect();
    let object = serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "traps", "labels": { "on": "y" } },
        "data": data,
    });
    let Ok(mut kubectl) = Command::new("kubectl")
        // Unlike `create --dry-run=client`, this needs no API server.
        .args(["annotate", "--local", "-f", "-", "-o", "json", "read=back"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    else {
        eprintln!("SKIPPED: there is no kubectl to read our YAML back");
        return;
    };
    let written = to_string(&object).unwrap();
    kubectl.stdin.take().unwrap().write_all(written.as_bytes()).unwrap();
    let output = kubectl.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let read: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read["data"], object["data"]);
    assert_eq!(read["metadata"]["labels"], object["metadata"]["labels"]);
}

proptest! {
    #[test]
    fn any_string_round_trips(text in "\\PC*|(?s).*|[-+0-9._xobeEyYnNtruefalsOFN:~=<# \n]{0,12}") {
        round_trip(&text);
    }

    #[test]
    fn any_bytes_end_in_a_tree_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        for document in split(&text) {
            let _ = locate(&document, "a.b[0][c]");
        }
    }

    /// Bytes that mean something to YAML find more than random ones.
    #[test]
    fn any_marks_end_in_a_tree_or_an_error(text in "[-?:,\\[\\]{}#&*!|>'\"%@ \t\r\nab01~<.=\\\\]{0,60}") {
        for document in split(&text) {
            let _ = locate(&document, &text);
        }
        let _ = parse(&Document::whole(&text));
        let _ = json(&text);
    }
}
