//! A namespace of another name in the whole answer.

use super::{name, rows};
use crate::harness::root;
use crate::run::{list, netpol, text};
use serde_json::json;

/// The commands for either side name the namespace as that side does, and confirm the change.
#[test]
fn each_side_is_asked_by_its_own_name() {
    let case = root().join("tests/regressions/renamed-namespace");
    let [old, besides] = ["old", "besides"].map(|side| case.join(side));
    let run = netpol(&["diff", name(&old), name(&besides), "-o", "json"]);
    let answer = run.json();
    assert_eq!(answer["renamed"], json!([{"old": "shop", "new": "store"}]), "{answer:#}");
    assert_eq!((run.code, rows(&answer).len()), (1, 4));
    for change in list(&answer, "/changes") {
        let [before, after] = ["/witness/explainBefore", "/witness/explainAfter"].map(|pointer| {
            let words = crate::transcripts::words(text(change, pointer));
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            netpol(&words[2..]).code
        });
        let expected = if text(change, "/change") == "Opened" { (1, 0) } else { (0, 1) };
        // Who is called shop now is nobody who was: of those the old side's shop was another.
        let other = text(change, "/from/label").ends_with("of shop");
        assert_eq!((before, after), if other { (0, 0) } else { expected }, "{change:#}");
        assert!(!text(change, "/witness/explainBefore").contains("store"), "{change:#}");
        for reason in list(change, "/reasons") {
            for policy in list(reason, "/before/policies") {
                assert_ne!(policy["namespace"], "store", "{change:#}");
            }
        }
    }
}
