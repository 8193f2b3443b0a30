//! Values: YAML 1.1, keys, repetitions, merges, aliases, bounds and places.

use std::fmt::Write as _;

use serde_json::{Value, json as value};

use super::super::{Document, MAX_DOCUMENT, Mark, locate, parse};
use super::{json, refusal, tree};

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "shorter to call")]
fn reads(text: &str, expected: Value) {
    assert_eq!(json(&format!("a: {text}")).unwrap(), value!({ "a": expected }), "a: {text}");
}

/// The resolve table of goyaml.v2.
#[test]
fn yaml_1_1_words_are_booleans_and_nulls() {
    for yes in ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"] {
        reads(yes, value!(true));
    }
    for no in ["n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"] {
        reads(no, value!(false));
    }
    for null in ["", "~", "null", "Null", "NULL"] {
        reads(null, value!(null));
    }
    for text in ["oN", "tRUE", "nULL", "=", "<<", "inf", "nan", "yes please", "2001-01-01"] {
        reads(text, value!(text));
    }
}

/// Go's `ParseInt` in base 0 after the underscores are gone, then a decimal float.
#[test]
fn numbers_are_read_as_go_reads_them() {
    for (text, number) in [
        ("0755", 493),
        ("-0755", -493),
        ("0o755", 493),
        ("0O755", 493),
        ("0o7_5", 61),
        ("0x1F", 31),
        ("-0x1F", -31),
        ("0b101", 5),
        ("+0b101", 5),
        ("0b-1", -1),
        ("+12", 12),
        ("1_000", 1000),
        ("1_", 1),
        ("08", 8),
        ("0_8", 8),
        ("00", 0),
        ("-9223372036854775808", i64::MIN),
        // Floats without a fraction are whole numbers in JSON.
        ("1e3", 1000),
        ("1.0", 1),
        ("5.", 5),
        ("1.e3", 1000),
        ("-0.0", 0),
    ] {
        reads(text, value!(number));
    }
    reads("18446744073709551615", value!(u64::MAX));
    for (text, number) in [(".5", 0.5), ("-.5", -0.5), ("09.5", 9.5), ("1_0.5", 10.5)] {
        reads(text, value!(number));
    }
    for text in [
        "_1",
        "0o8",
        "0x",
        "0b",
        "0b12",
        "0x-1",
        "--1",
        "0x1p4",
        "1e",
        "1e400",
        ".",
        "+",
        "1:30",
        "190:20:30",
        "10.0.0.1",
        "10.0.0.0/8",
        "1.2.3",
        "0xFFFFFFFFFFFFFFFFF",
        "80-90",
        "5_tuple",
    ] {
        reads(text, value!(text));
    }
}

/// A quoted or tagged scalar is what it is marked as.
#[test]
fn quotes_and_tags_decide() {
    for text in
        ["'yes'", "\"yes\"", "!!str yes", "!foo yes", "! yes", "!<tag:yaml.org,2002:str> yes"]
    {
        reads(text, value!("yes"));
    }
    reads("!!str", value!(""));
    reads("!!int \"12\"", value!(12));
    reads("!!float 1", value!(1));
    reads("!!bool \"yes\"", value!(true));
    reads("!!binary aGVsbG8=", value!("hello"));
    reads("!!binary aGVsbG8gdGhlcmU=", value!("hello there"));
    reads("!!timestamp 2001-01-01", value!("2001-01-01"));
    reads("!!set {b, c}", value!({ "b": null, "c": null }));
    for text in ["!!int abc", "!!int 1.0", "!!bool 1", "!!null x", "!!binary '*'", "!!float null"] {
        json(&format!("a: {text}")).unwrap_err();
    }
    assert_eq!(
        refusal("a: !!int yes"),
        "line 1, column 10: the tag !!int does not fit: yes is a boolean"
    );
}

/// `convertToJSONableObject`: keys become strings, and some cannot.
#[test]
fn keys_are_strings() {
    for (text, key) in [
        ("yes", "true"),
        ("0x10", "16"),
        ("1.10", "1.1"),
        ("1e3", "1000"),
        ("1e6", "1e+06"),
        ("1234567.0", "1.234567e+06"),
        ("1e-5", "1e-05"),
        ("0.0001", "0.0001"),
        (".inf", ".inf"),
        ("-1e39", "-.inf"),
        ("'yes'", "yes"),
        ("2001-01-01", "2001-01-01"),
        ("app.kubernetes.io/name", "app.kubernetes.io/name"),
    ] {
        assert_eq!(json(&format!("{text}: x")).unwrap(), value!({ key: "x" }));
    }
    for text in ["~: x", "null: x", "18446744073709551615: x", "[1]: x", "{a: b}: x"] {
        json(text).unwrap_err();
    }
}

#[test]
fn of_equal_keys_the_last_wins() {
    assert_eq!(json("a: 1\nb: 2\na: 3").unwrap(), value!({ "b": 2, "a": 3 }));
    assert_eq!(json("a: {b: 1}\na: {c: 2}").unwrap(), value!({ "a": { "c": 2 } }));
    assert_eq!(json("y: 1\nyes: 2\ntrue: 3").unwrap(), value!({ "true": 3 }));
    let mut many = String::new();
    for n in 0..40 {
        writeln!(many, "k{}: {n}", n % 20).unwrap();
    }
    assert_eq!(json(&many).unwrap()["k3"], 23);
}

/// goyaml merges where the `<<` stands, so that a merge may override what is above it.
#[test]
fn merge_keys() {
    let base = "x: &x {b: 1, c: 2}\nz: &z {b: 7}\n";
    let merged = |rest: &str| json(&format!("{base}a: {rest}")).map(|value| value["a"].clone());
    assert_eq!(merged("{<<: *x, b: 3}").unwrap(), value!({ "b": 3, "c": 2 }));
    assert_eq!(merged("{b: 3, <<: *x}").unwrap(), value!({ "b": 1, "c": 2 }));
    assert_eq!(merged("{<<: [*x, *z]}").unwrap(), value!({ "b": 1, "c": 2 }));
    assert_eq!(merged("{<<: {b: 5}}").unwrap(), value!({ "b": 5 }));
    assert_eq!(merged("{'<<': {b: 5}}").unwrap(), value!({ "<<": { "b": 5 } }));
    merged("{<<: 1}").unwrap_err();
    merged("{<<: [1]}").unwrap_err();
}

#[test]
fn aliases() {
    assert_eq!(
        json("a: &x [1, {b: 2}]\nc: *x").unwrap(),
        value!({ "a": [1, { "b": 2 }], "c": [1, { "b": 2 }] })
    );
    assert_eq!(json("&x a: 1\nb: *x").unwrap(), value!({ "a": 1, "b": "a" }));
    assert_eq!(json("a: &x 1\nb: &x 2\nc: *x").unwrap()["c"], 2);
    refusal("a: *b");
    assert_eq!(refusal("a: &a [*a]"), "line 1, column 8: this alias stands within its own anchor");
}

/// "document contains excessive aliasing" in kubectl.
#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let previous = format!("*a{}, ", level - 1).repeat(10);
        writeln!(bomb, "a{level}: &a{level} [{previous}]").unwrap();
    }
    assert!(refusal(&bomb).ends_with("aliases stand for more than 400000 values"));
}

#[test]
fn depth_is_bounded() {
    let nested = |open: &str, close: &str, depth: usize| {
        format!("{}1{}", open.repeat(depth), close.repeat(depth))
    };
    json(&nested("[", "]", 127)).unwrap();
    for depth in [128, 129, 300, 100_000] {
        json(&nested("[", "]", depth)).unwrap_err();
        json(&nested("{a: ", "}", depth)).unwrap_err();
        json(&nested("- ", "", depth)).unwrap_err();
        json(&"[".repeat(depth)).unwrap_err();
    }
    // Deep by aliases of aliases only.
    let mut ladder = "a0: &a0 [x]\n".to_owned();
    for level in 1..200 {
        writeln!(ladder, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    assert!(refusal(&ladder).ends_with("this nests more than 128 levels deep"));
}

#[test]
fn size_is_bounded() {
    let text = " ".repeat(MAX_DOCUMENT + 1);
    assert_eq!(
        refusal(&text),
        "line 1, column 1: this document has 33554433 bytes; at most 33554432 are read"
    );
}

/// goyaml: "control characters are not allowed"; and it breaks lines where nobody sees it.
#[test]
fn hidden_characters_are_refused() {
    for text in ["a: \u{7}", "a: \"\u{1b}[2J\"", "a: \u{7f}", "a: b\0c", "a: \u{9b}1m"] {
        assert!(refusal(text).contains("control characters are not allowed"));
    }
    assert_eq!(
        refusal("a: 1 # harmless\u{2028}b: 2"),
        "line 1, column 16: kubectl reads this character as a line break: U+2028; \
         write it as an escape in double quotes"
    );
    assert_eq!(json(r#"a: "\u2028\N""#).unwrap(), value!({ "a": "\u{2028}\u{85}" }));
}

/// No message can steer the terminal.
#[test]
fn messages_are_tame() {
    let long = format!("a: !!int {}", "x".repeat(5000));
    assert!(refusal(&long).len() < 600);
    let hostile = refusal("a: !!int \"\\e[2J\\u202e\"");
    assert!(!hostile.contains(['\u{1b}', '\u{202e}']), "{hostile}");
}

#[test]
fn json_is_yaml() {
    let text = "{\n\t\"a\": 1,\n\t\"b\": [\n\t\t\"\\/\\ud83d\\ude00\"\n\t]\n}";
    assert_eq!(json(text).unwrap(), value!({ "a": 1, "b": ["/\u{1f600}"] }));
}

#[test]
fn text_is_borrowed_where_it_is_written_as_meant() {
    let root = tree("a: 'b c'");
    let scalar = root.get("a").unwrap().scalar().unwrap();
    assert!(matches!(scalar.text, std::borrow::Cow::Borrowed("b c")));
}

#[test]
fn block_scalars() {
    // goyaml alone reads "x" here, but kubectl's `LineReader` ends every line.
    assert_eq!(json("a: |\n  x").unwrap(), value!({ "a": "x\n" }));
    assert_eq!(json("a: |\n  x\n").unwrap(), value!({ "a": "x\n" }));
    assert_eq!(json("a: >-\n  x\n  y\n").unwrap(), value!({ "a": "x y" }));
}

#[track_caller]
fn at(text: &str, path: &str, line: u32, column: u32) {
    let place = locate(&Document::whole(text), path);
    assert_eq!(place, Some(Mark { line, column }), "{path}");
}

#[test]
fn fields_are_located() {
    let text = "\
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/name: web
      8080: x
  ingress:
  - from: []
  - ports:
    - protocol: TCP
      port: 80
";
    at(text, "spec", 1, 1);
    at(text, "spec.ingress[1]", 8, 5);
    at(text, "spec.ingress[1].ports[0].port", 10, 7);
    at(text, "spec.podSelector.matchLabels[app.kubernetes.io/name]", 4, 7);
    at(text, "spec.podSelector.matchLabels[8080]", 5, 7);
    // What does not exist: the longest part that does.
    at(text, "spec.ingress[1].from", 8, 5);
    at(text, "spec.ingress[7]", 6, 3);
    at(text, "spec.egress[0].to", 1, 1);
    at(text, "", 1, 1);
    at(text, "spec.ingress[", 6, 3);
    at(text, "..[].]", 1, 1);
    assert_eq!(locate(&Document::whole("a: ["), "a"), None);
    assert_eq!(locate(&Document::whole("# nothing"), "a"), None);
}

#[test]
fn fields_of_json_are_located() {
    let text = "{\n\t\"items\": [\n\t\t{\"a\": 1},\n\t\t{\"a\": {\"b\": [1, 2]}}\n\t]\n}";
    at(text, "items[1].a.b[1]", 4, 19);
    at(text, "items[1].a", 4, 4);
}

#[test]
fn a_document_without_content_is_none() {
    for text in ["", "\n\n", "# only a comment\n", "---", "--- # c\n", "\u{feff}", "~", "null # x"]
    {
        assert_eq!(parse(&Document::whole(text)).unwrap(), None, "{text:?}");
    }
}
