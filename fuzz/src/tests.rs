//! Any text as a file of tests, asked of a small cluster: what is wrong with it is told in text, what is
//! right is judged, and its answer is of every format in which it comes.

use crate::cluster::{PLAIN, Words, enforcer, world};
use crate::dice::Dice;
use crate::{read_back, render::every_format};
use netpol::answer::{IntentAsked, IntentReport, Location};
use netpol::cluster::Origin;
use netpol::effort::Effort;
use netpol::intent;

/// More tests at a time find nothing that these do not.
const MOST: usize = 12;

/// See above.
pub fn tests(bytes: &[u8]) {
    let (head, text) = bytes.split_at(bytes.len().min(64));
    let text = String::from_utf8_lossy(text);
    let file = match intent::from_yaml(&text) {
        Ok(file) => file,
        Err(error) => return read_back::text(&error.to_string()),
    };
    let mut dice = Dice::new(head);
    let enforcer = enforcer(&mut dice);
    let mut known = world(&Words(&PLAIN).objects(&mut dice, 8), &enforcer);
    let mut tests = file.tests;
    tests.truncate(MOST);
    let effort = Effort { search: 200_000, ..Effort::default() };
    let judged = match intent::judge(&mut known.snapshot, &known.rules, &tests, "a", effort) {
        Ok(judged) => judged,
        Err(error) => return read_back::text(&error.to_string()),
    };
    assert_eq!(tests.len(), judged.len());
    let place = |at: (u32, u32)| Location {
        file: "netpol-test.yaml".into(),
        line: Some(at.0 as usize),
        column: Some(at.1 as usize),
        text: String::new(),
    };
    let all: Vec<_> = tests
        .into_iter()
        .zip(judged)
        .map(|(test, judged)| (test.clone(), place(test.at), judged))
        .collect();
    let locate = |_: &Origin, _: &str| None;
    let asked = IntentAsked { tests: &all, arguments: &[], namespace: "a", notes: &[] };
    every_format(&IntentReport::new(&mut known.snapshot, &known.rules, asked, &locate));
}
