//! What answers are made of that would like to be more than text.

use crate::render::markdown;
use crate::render::screen::Screen;
use netpol::answer::{DeliveryReport, DeliveryState, SummaryReport};
use netpol::objects::decode_text;
use netpol::policy::{Enforcer, Ruleset};
use std::path::Path;

/// Nothing that a name holds steers a terminal or leaves its cell of a Markdown table.
#[test]
fn hostile_names_are_made_safe() {
    let text = "{apiVersion: v1, kind: Namespace, metadata: {name: \"a|b\\e[31m<img>`c\\nd\"}}\n";
    let (objects, _) = decode_text(text.into(), Path::new("in.yaml"), "default");
    let (snapshot, written) = objects.assemble();
    let rules = Ruleset::compile(&written, &snapshot, &Enforcer::default());
    let report = SummaryReport::new(&snapshot, &rules, None, false, &|_, _| None);
    for wide in [false, true] {
        let text = super::summary(&report, 80, wide);
        assert!(text.contains("\\u{1b}[31m"), "{text}");
        // Styles are the only escape sequences, and they are ours.
        assert!(!anstream::adapter::strip_str(&text).to_string().contains('\u{1b}'), "{text}");
        assert!(!text.contains("\u{1b}[31m"), "{text}");
    }
    let mut markdown = Vec::new();
    markdown::summary(&report, &mut markdown).unwrap();
    let markdown = String::from_utf8(markdown).unwrap();
    assert!(
        markdown.contains("| `a\\u{7c}b\\u{1b}[31m<img>\\u{60}c\\nd` | no policy"),
        "{markdown}"
    );
    assert_eq!(markdown.lines().filter(|line| line.starts_with('|')).count(), 3, "{markdown}");
}

/// Names come from labels, and messages from controllers: neither steers the terminal.
#[test]
fn hostile_deliveries_are_shown_as_they_are() {
    let delivery = DeliveryReport {
        kind: "Kustomization".to_owned(),
        namespace: Some("a\nb".to_owned()),
        name: "\u{9b}31m".to_owned(),
        state: DeliveryState::NotReady,
        revision: Some("x\u{1b}]0;y".to_owned()),
        source: None,
        policies: Vec::new(),
        missing: Vec::new(),
        message: "\u{9b}31m in a\nb last applied x\u{1b}]0;y; it fails with \u{1b}[2J: a\u{202e}b"
            .to_owned(),
        next: Some("a\nb\u{1b}[2J".to_owned()),
    };
    let mut screen = Screen::new(80);
    super::delivery::deliveries(&mut screen, &[delivery]);
    let shown = anstream::adapter::strip_str(&screen.finish()).to_string();
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
    assert!(!shown.contains('\u{202e}'), "{shown:?}");
}
