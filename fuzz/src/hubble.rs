//! Any bytes as what `hubble observe` prints: read line by line, laid over a cluster, compared,
//! counted and learned from. Nothing may panic, nor what is told steer a terminal.

use crate::cluster::{PLAIN, Words, world};
use crate::dice::Dice;
use crate::read_back;
use netpol::answer::{LostEvents, ObservedFlow, Observer, Summary};
use netpol::draft::Dialect;
use netpol::hubble::{self, Record};
use netpol::learn::{Collector, learn, lesson_text, reading_text};
use netpol::objects::decode_text;
use netpol::observed::Index;
use netpol::policy::{Cilium, Enforcer, Ruleset};
use netpol_plugins::render::{json_line, observation_text, observed_summary_text};
use std::path::Path;

/// See above.
pub fn hubble(bytes: &[u8]) {
    let (head, lines) = bytes.split_at(bytes.len().min(24));
    let enforcer = Enforcer::Cilium(Cilium::default());
    let objects = Words(&PLAIN).objects(&mut Dice::new(head), 6);
    let known = world(&objects, &enforcer);
    let nowhere = |_: &_, _: &str| None;
    let mut observer = Observer::new(&known.snapshot, &known.rules, &nowhere);
    let mut summary = Summary::default();
    let mut all = Vec::new();
    hubble::read(lines, |batch| {
        all.extend(batch);
        true
    })
    .expect("a slice can be read");
    for record in &all {
        match record.clone() {
            Record::Flow(flow) => {
                let observation = observer.observe(flow);
                summary.add(&observation);
                let json = json_line(&ObservedFlow::new(&observation)).expect("an answer");
                read_back::json(&json);
                read_back::text(&observation_text(&observation, 80));
            }
            Record::Lost { count, source, node } => {
                summary.lose(count);
                let lost = LostEvents::new(count, source, node);
                read_back::json(&json_line(&lost).expect("an answer"));
            }
            Record::Unreadable(excerpt) => read_back::text(&excerpt.text),
            Record::Nodes(_) | Record::TooLong => {}
        }
    }
    read_back::text(&observed_summary_text(&summary.report(), 80));

    let texts: Vec<String> = objects.iter().map(ToString::to_string).collect();
    let (objects, _) = decode_text(texts.join("\n---\n").into_bytes(), Path::new("f.yaml"), "a");
    let (snapshot, written) = objects.assemble();
    let rules = Ruleset::compile(&written, &snapshot, &enforcer);
    let index = Index::new(&snapshot, &rules);
    let mut collector = Collector::new(&snapshot, index, PLAIN.map(Into::into), None);
    collector.take(all);
    for dialect in [Dialect::NetworkPolicy, Dialect::Cilium] {
        let lesson = learn(&collector, &written, &rules, "a", &[], dialect);
        for policy in &lesson.policies {
            let _ = policy.object(dialect);
        }
        lesson_text(&collector, &lesson, true);
    }
    reading_text(&collector);
}
