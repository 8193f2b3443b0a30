//! Any words as names and labels of a small cluster: every answer in every format is of that format,
//! and nothing in it is more than text.

use crate::cluster::{Words, world};
use crate::dice::Dice;
use crate::read_back;
use netpol::answer::{
    By, Compared, DiffAsked, DiffReport, ExplanationReport, FlowList, LintAsked, LintReport,
    ListAsked, Location, SummaryReport,
};
use netpol::cluster::Origin;
use netpol::effort::Effort;
use netpol::ends::EndName;
use netpol::lint::Settings;
use netpol::policy::Enforcer;
use netpol::verdict::{self, Question};
use netpol_plugins::render::{Answer, Format, Page, render};
use serde_json::Value;

const PAGE: Page = Page { width: 80, brief: false };

/// Every format of an answer, read back.
pub(crate) fn every_format<A: Answer>(answer: &A) {
    let mut documents: Vec<Value> = Vec::new();
    for (format, _) in A::FORMATS {
        // A picture may be too large.
        let mut shown = Vec::new();
        if render(answer, *format, PAGE, &mut shown).is_err() {
            continue;
        }
        let shown = String::from_utf8(shown).expect("text");
        match format {
            Format::Text | Format::Table | Format::Wide | Format::Name => read_back::text(&shown),
            Format::Json => documents.push(read_back::json(&shown)),
            Format::Yaml => documents.push(read_back::yaml(&shown)),
            Format::Csv => drop(read_back::csv(&shown)),
            Format::Md => read_back::markdown(&shown),
            Format::Html => drop(read_back::html(&shown)),
            Format::Dot => read_back::dot(&shown),
            Format::Mermaid => read_back::mermaid(&shown),
            Format::Sarif => drop(read_back::json(&shown)),
            Format::Github | Format::Junit => read_back::text(&shown),
        }
    }
    assert!(documents.windows(2).all(|pair| pair[0] == pair[1]), "JSON and YAML differ");
}

/// See above.
pub fn render_all(bytes: &[u8]) {
    let mut dice = Dice::new(bytes);
    let words: Vec<String> = (0..3)
        .map(|_| {
            let length = dice.below(24);
            String::from_utf8_lossy(dice.take(length)).into_owned()
        })
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).chain(["a"]).collect();
    let objects = Words(&words).objects(&mut dice, 8);
    let mut known = world(&objects, &Enforcer::Kubernetes);
    for warning in &known.warnings {
        read_back::text(&warning.to_string());
    }
    let (snapshot, rules) = (&known.snapshot, &known.rules);
    let place = words[0].to_owned();
    let locate = move |_: &Origin, path: &str| {
        Some(Location {
            file: place.clone(),
            line: Some(1),
            column: Some(1),
            text: path.to_owned(),
        })
    };
    for by in [By::Workload, By::Pod, By::Namespace] {
        let (notes, picture) = (vec![words[1].to_owned()], Some(vec![words[2].to_owned()]));
        let asked = ListAsked { by, notes, picture, ..ListAsked::default() };
        if let Ok(list) = FlowList::new(snapshot, rules, &asked, None, &locate, Effort::default()) {
            every_format(&list);
        }
    }
    every_format(&SummaryReport::new(snapshot, rules, None, true, &locate));
    let effort = Effort { search: 200_000, ..Effort::default() };
    let asked = LintAsked { namespace: None, settings: &Settings::default(), effort };
    let comment = format!(" netpol: allow open-to-anyone {}", words[1]);
    let comments = move |_: &Origin, _: &str| vec![comment.clone()];
    every_format(&LintReport::new(snapshot, rules, &asked, &locate, &comments));

    let mut other = world(&objects[..objects.len() / 2], &Enforcer::Kubernetes);
    let arguments = [words[1].to_owned()];
    let sides = [(words[0], &mut other), (words[1], &mut known)];
    let sides = sides.map(|(name, side)| Compared {
        name,
        arguments: &arguments,
        piped_from: &[],
        snapshot: &mut side.snapshot,
        rules: &side.rules,
        locate: &locate,
    });
    let asked = DiffAsked {
        reasons: true,
        effort: Effort { search: 200_000, ..Effort::default() },
        ..DiffAsked::default()
    };
    every_format(&DiffReport::compare(sides, &asked).expect("a small cluster"));

    let (snapshot, rules) = (&known.snapshot, &known.rules);
    let mut pods = snapshot.pods().iter().map(|pod| format!("{}/{}", pod.namespace, pod.name));
    let (Some(from), Some(to)) = (pods.next(), pods.next()) else { return };
    let (Ok(source), Ok(destination)) = (from.parse::<EndName>(), to.parse::<EndName>()) else {
        return;
    };
    let question =
        Question { source: &source, destination: &destination, port: None, namespace: "a" };
    if let Ok(explanation) = verdict::explain(snapshot, rules, &question) {
        every_format(&ExplanationReport::new(&explanation, snapshot, rules, &locate));
    }
}
