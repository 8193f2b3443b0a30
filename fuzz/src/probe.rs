//! Any bytes as what a program in a pod printed of the connections that it tried: nothing is known of one
//! of which no line speaks, and what is told of the others is text.

use crate::cluster::{PLAIN, Words, enforcer, world};
use crate::dice::Dice;
use crate::render::every_format;
use netpol::answer::ProbeReport;
use netpol::cluster::Origin;
use netpol::effort::Effort;
use netpol::probe::{Outcome, cover, told};

/// See above.
pub fn probe(bytes: &[u8]) {
    let (head, printed) = bytes.split_at(bytes.len().min(64));
    let mut dice = Dice::new(head);
    let enforcer = enforcer(&mut dice);
    let known = world(&Words(&PLAIN).objects(&mut dice, 8), &enforcer);
    let (snapshot, rules) = (&known.snapshot, &known.rules);
    let found = cover(snapshot, rules, None, 6, Effort::default()).expect("a small cluster");
    let many = found.attempts.len();
    let outcomes = told(printed, many.max(2));
    for (at, outcome) in outcomes.iter().enumerate() {
        let line = format!("netpol-probe {at} ");
        let spoken = printed.windows(line.len()).any(|window| window == line.as_bytes());
        assert!(spoken || matches!(outcome, Outcome::NotKnown(_)), "{at}: {outcome:?}");
    }
    let locate = |_: &Origin, _: &str| None;
    let attempts = &found.attempts;
    let mut report = ProbeReport::new(snapshot, rules, attempts, 0, &locate);
    every_format(&report);
    report.saw(snapshot, rules, attempts, &outcomes[..many]);
    assert_eq!(report.as_predicted + report.differing + report.not_known, many);
    every_format(&report);
}
