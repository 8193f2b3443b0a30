//! The answer of `summary` for people: a table for a terminal, and one for Markdown.
//!
//! In: a [`SummaryReport`]. Out: text. There is no colour inside the table: the doubtful rows are
//! named again below it.

use super::columns::{self, Line};
use super::explaining::short;
use super::rule_words;
use super::screen::{BOLD, DIM, DOUBT, PLAIN, Screen};
use super::summary::{
    DirectionSummary, Isolation, NamespaceSummary, PolicySummary, RuleSummary, SummaryReport,
};
use super::warnings::Warning;
use super::words;
use anstyle::Style;
use netpol::policy::rule::Direction;
use netpol::printable::printable;
use std::fmt::Write as _;

/// More peers, open workloads or namespaces than these are counted, save in the wide table.
const MOST: usize = 5;

const ANYTHING: &str = "anything (not isolated)";
const NO_POD: &str = "(selects no pod)";

/// The table for a terminal; `wide` adds counts, what isolates, and where everything is written.
pub fn summary_text(report: &SummaryReport, width: usize, wide: bool) -> String {
    let mut screen = Screen::new(width);
    let mut cells = Cells { most: if wide { usize::MAX } else { MOST }, wide, ..Cells::default() };
    let rows: Vec<_> = report.namespaces.iter().map(|namespace| cells.row(namespace)).collect();
    let header = ["NAMESPACE", "DEFAULT DENY", "ALLOWED INGRESS", "ALLOWED EGRESS"];
    let table = columns::table(header, &rows, width.max(60));
    let (head, body) = table.split_once('\n').unwrap_or((&table, ""));
    screen.line(0, &[(BOLD, head)]);
    if !body.is_empty() {
        screen.block(body);
    }
    if !cells.notes.is_empty() {
        screen.blank();
    }
    for (i, note) in cells.notes.iter().enumerate() {
        screen.words(0, 2, &[(BOLD, &mark(i)), (PLAIN, note)]);
    }
    let mut total = total(report);
    total.extend(report.notes.iter().map(|note| (PLAIN, format!("{note}."))));
    let warnings: Vec<&Warning> = warnings(report).collect();
    if !total.is_empty() || !warnings.is_empty() {
        screen.blank();
    }
    for (style, sentence) in &total {
        screen.words(0, 2, &[(*style, sentence)]);
    }
    for warning in warnings {
        screen.words(0, 2, &[(DOUBT, "warning:"), (PLAIN, &warning.message)]);
        screen.place(2, warning.location.as_ref());
    }
    if wide {
        places(&mut screen, report);
    }
    screen.finish()
}

/// The table as GitHub reads it, to be pasted into documentation.
pub fn summary_markdown(report: &SummaryReport) -> String {
    let mut out = String::from("| Namespace | Default deny | Allowed ingress | Allowed egress |\n");
    out.push_str("|---|---|---|---|\n");
    let mut cells = Cells { most: usize::MAX, ..Cells::default() };
    for namespace in &report.namespaces {
        let [name, closed, ingress, egress] = cells.row(namespace);
        let row = [
            one_line(&name, ""),
            one_line(&closed, ", "),
            one_line(&ingress, "<br>"),
            one_line(&egress, "<br>"),
        ];
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    let notes = cells.notes.iter().enumerate().map(|(i, note)| format!("{} {note}", mark(i)));
    let notes = notes.chain(report.notes.iter().map(|note| format!("{note}.")));
    let warnings = warnings(report).map(|warning| format!("warning: {}", warning.message));
    let items: Vec<String> = notes.chain(warnings).collect();
    if !items.is_empty() {
        out.push('\n');
    }
    for item in items {
        let _ = writeln!(out, "- {}", escape(&printable(&item)));
    }
    out
}

/// The lines of a cell as Markdown: what is indented follows what it belongs to.
fn one_line(lines: &[Line], next: &str) -> String {
    let mut out = String::new();
    let mut before = None;
    for line in lines {
        let between = match before {
            None => "",
            Some(_) if line.indent == 0 => next,
            Some(indent) if line.indent > indent => ": ",
            Some(_) => "; ",
        };
        out.push_str(between);
        out.push_str(&escape(&line.text));
        before = Some(line.indent);
    }
    out
}

/// Text that means itself in a cell of a Markdown table.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '#' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

/// The cells of rows, and the notes below the table that they refer to.
#[derive(Default)]
struct Cells {
    most: usize,
    wide: bool,
    notes: Vec<String>,
}

impl Cells {
    fn row(&mut self, namespace: &NamespaceSummary) -> [Vec<Line>; 4] {
        let mut name = vec![Line::new(0, &namespace.name)];
        if self.wide {
            let mut counted = |count: usize, what: &str| {
                let s = if count == 1 { "" } else { "s" };
                name.push(Line::new(2, &format!("{count} {what}{s}")));
            };
            counted(namespace.workloads, "workload");
            namespace.pods.into_iter().for_each(|pods| counted(pods, "pod"));
        }
        if self.wide && namespace.policies > 0 {
            let ies = if namespace.policies == 1 { "y" } else { "ies" };
            name.push(Line::new(2, &format!("{} polic{ies}", namespace.policies)));
        }
        [
            name,
            self.default_deny(namespace),
            self.allowed(Direction::Ingress, &namespace.ingress),
            self.allowed(Direction::Egress, &namespace.egress),
        ]
    }

    fn default_deny(&self, namespace: &NamespaceSummary) -> Vec<Line> {
        let mut lines = Vec::new();
        let none = |direction: &DirectionSummary| direction.isolation == Isolation::None;
        match (none(&namespace.ingress), none(&namespace.egress)) {
            (true, true) if namespace.policies_unread => {}
            (true, true) if namespace.policies == 0 && !namespace.warnings.is_empty() => {
                lines.push(Line::new(0, "no policy in force"));
            }
            (true, true) if namespace.policies == 0 => lines.push(Line::new(0, "no policy")),
            (true, true) => lines.push(Line::new(0, "none")),
            (no_ingress, no_egress) => {
                let only = if no_ingress || no_egress { " only" } else { "" };
                for (word, direction) in
                    [("ingress", &namespace.ingress), ("egress", &namespace.egress)]
                {
                    let text = match direction.isolation {
                        Isolation::None => continue,
                        Isolation::All => format!("{word}{only}"),
                        Isolation::Unknown => format!("{word}: not known"),
                        Isolation::AllWorkloads | Isolation::Partial => {
                            let of = namespace.workloads;
                            format!("{word}: {} of {of} workloads", direction.isolated)
                        }
                    };
                    lines.push(Line::new(0, &text));
                }
            }
        }
        let on_nodes = &namespace.host_network;
        if namespace.policies_unread {
            lines.push(Line::new(0, "policies not read"));
        }
        if namespace.workloads == 0 && on_nodes.is_empty() {
            lines.push(Line::new(0, "(no pods)"));
        }
        if namespace.policies > 0 && !on_nodes.is_empty() {
            // No policy reaches them, so they would make "default deny" untrue unsaid.
            lines.push(Line::new(0, &format!("except {} on host network", on_nodes.len())));
            if self.wide {
                lines.extend(on_nodes.iter().map(|name| Line::new(2, in_namespace(name))));
            }
        }
        lines
    }

    fn allowed(&mut self, direction: Direction, summary: &DirectionSummary) -> Vec<Line> {
        let mut lines = Vec::new();
        let admits = |policy: &&PolicySummary| {
            let allows = |rule: &RuleSummary| rule.action != "Deny";
            !policy.selects_no_pod && policy.rules.iter().any(allows)
        };
        let mut indent = 0;
        // The same for every pod needs no more than the name.
        let mut brief = false;
        if summary.dns_only {
            lines.push(Line::new(0, "DNS only"));
            brief = !self.wide && summary.policies.iter().all(|p| p.subject == "all");
            indent = 2;
        } else if summary.isolation == Isolation::None {
            lines.push(Line::new(0, ANYTHING));
        } else if summary.default_deny && !summary.policies.iter().any(|p| admits(&p)) {
            lines.push(Line::new(0, "nothing"));
        }
        for policy in &summary.policies {
            if policy.selects_no_pod {
                lines.push(Line::new(indent, &format!("{} {NO_POD}", policy.label())));
            } else if !policy.rules.is_empty() {
                lines.push(Line::new(indent, &policy.label()));
            }
            for rule in policy.rules.iter().filter(|_| !brief) {
                let text = self.rule(direction, policy, rule);
                lines.push(Line::new(indent + 2, &text));
            }
        }
        for (what, names) in [(ANYTHING, &summary.open), ("perhaps anything", &summary.unknown)] {
            if summary.isolation != Isolation::None && !names.is_empty() {
                lines.push(Line::new(0, what));
                lines.push(Line::new(2, &self.some(names.iter().map(|name| in_namespace(name)))));
            }
        }
        lines
    }

    fn rule(&mut self, direction: Direction, policy: &PolicySummary, rule: &RuleSummary) -> String {
        let RuleSummary { peers, ports, dns, action, condition, .. } = rule;
        let line = rule_words::line(direction, &policy.subject, peers, ports, *dns, self.most);
        let mut text = rule_words::acting(action, &line, condition.as_deref());
        for note in &rule.notes {
            let known = self.notes.iter().position(|earlier| earlier == note);
            let index = known.unwrap_or_else(|| {
                self.notes.push(note.clone());
                self.notes.len() - 1
            });
            text.push_str(&mark(index));
        }
        text
    }

    fn some<'a>(&self, names: impl Iterator<Item = &'a str>) -> String {
        some(names, self.most)
    }
}

fn some<'a>(names: impl Iterator<Item = &'a str>, most: usize) -> String {
    let mut names: Vec<String> = names.map(ToOwned::to_owned).collect();
    if names.len() > most {
        let more = format!("{} more", names.len() - most);
        names.truncate(most);
        names.push(more);
    }
    words::list(&names, "and")
}

/// `deploy/grafana` of `monitoring/deploy/grafana`: the row says the namespace.
fn in_namespace(label: &str) -> &str {
    label.split_once('/').map_or(label, |(_, name)| name)
}

/// The mark of a note: its number, raised.
fn mark(index: usize) -> String {
    let raise = |digit: char| match digit {
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        _ => digit.to_digit(10).and_then(|d| char::from_u32(0x2070 + d)).unwrap_or(digit),
    };
    (index + 1).to_string().chars().map(raise).collect()
}

/// What a reviewer would count, where there is more than one namespace, and what is to worry about.
fn total(report: &SummaryReport) -> Vec<(Style, String)> {
    let all = &report.namespaces;
    match all.len() {
        0 => return vec![(PLAIN, "No namespaces.".to_owned())],
        1 => return Vec::new(),
        _ => {}
    }
    let closed = |side: fn(&NamespaceSummary) -> &DirectionSummary| {
        all.iter().filter(|namespace| side(namespace).default_deny).count()
    };
    let mut sentences = vec![(
        PLAIN,
        format!(
            "Default deny: ingress in {} of {} namespaces, egress in {}.",
            closed(|namespace| &namespace.ingress),
            all.len(),
            closed(|namespace| &namespace.egress)
        ),
    )];
    let bare = all.iter().filter(|n| n.policies == 0 && !n.policies_unread);
    let bare = some(bare.map(|namespace| &*namespace.name), MOST);
    if !bare.is_empty() {
        sentences.push((DOUBT, format!("No policy in force: {bare}.")));
    }
    sentences
}

/// The warnings of all rows, after those of the whole.
fn warnings(report: &SummaryReport) -> impl Iterator<Item = &Warning> {
    report.warnings.iter().chain(report.namespaces.iter().flat_map(|row| &row.warnings))
}

/// What isolates each namespace, and where every rule is written.
fn places(screen: &mut Screen, report: &SummaryReport) {
    for namespace in report.namespaces.iter().filter(|namespace| namespace.policies > 0) {
        screen.blank();
        screen.words(0, 2, &[(BOLD, &namespace.name)]);
        for (word, direction) in [("ingress", &namespace.ingress), ("egress", &namespace.egress)] {
            if !direction.isolated_by.is_empty() {
                let by = words::list(&direction.isolated_by, "and");
                screen.words(2, 4, &[(PLAIN, &format!("{word} isolated by {by}"))]);
            }
            for policy in &direction.policies {
                let rules = policy.rules.iter().map(|rule| (short(&rule.rule), &rule.location));
                let itself = policy.rules.is_empty().then_some((word, &policy.location));
                for (what, place) in rules.chain(itself) {
                    screen.words(4, 6, &[(PLAIN, &policy.label()), (DIM, what)]);
                    screen.place(6, place.as_ref());
                }
            }
        }
    }
}
