//! Markdown, as GitHub reads it.

use super::cells::diff::{headline, only_sentences, ports, remark};
use super::cells::list::{fields, mark};
use super::cells::summary::{Cells, raised, warnings};
use super::columns::Line;
use super::escape::{markdown, markdown_code, markdown_end};
use netpol::answer::{ChangeKind, ChangeReport, DiffReport, FlowList, SummaryReport, Unmatched};
use netpol::printable::printable;
use std::fmt::Write as _;

/// A list as a table, with notes below.
pub(super) fn list(list: &FlowList) -> String {
    let mut out = String::from("| From | To | Ports | Why |\n|---|---|---|---|\n");
    for flow in &list.flows {
        let [source, destination, mut ports, _, family, why, _] = fields(flow);
        ports.push_str(mark(flow));
        if !family.is_empty() {
            ports = format!("{ports} ({family})");
        }
        let [source, destination] = [source, destination].map(|end| markdown_end(&end));
        let row = [source, destination, markdown(&ports), markdown(&why)];
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    let warnings = list.warnings.iter().map(|warning| format!("Warning: {}", warning.message));
    let unmatched = list.unmatched.iter().map(Unmatched::sentence);
    for note in unmatched.chain(list.notes.iter().cloned()).chain(warnings) {
        let _ = writeln!(out, "\n{}.", markdown(&note));
    }
    out
}

/// A summary as a table, to be pasted into documentation.
pub(super) fn summary(report: &SummaryReport) -> String {
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
    let notes = cells.notes.iter().enumerate().map(|(i, note)| format!("{} {note}", raised(i)));
    let notes = notes.chain(report.notes.iter().map(|note| format!("{note}.")));
    let warnings = warnings(report).map(|warning| format!("warning: {}", warning.message));
    let items: Vec<String> = notes.chain(warnings).collect();
    if !items.is_empty() {
        out.push('\n');
    }
    for item in items {
        let _ = writeln!(out, "- {}", markdown(&item));
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
        out.push_str(&markdown(&line.text));
        before = Some(line.indent);
    }
    out
}

/// A diff as a comment of a pull request.
pub(super) fn diff(report: &DiffReport, summary: bool) -> String {
    let mut out = String::new();
    let title = headline(&report.summary);
    let _ = writeln!(out, "### Network policies: {title}\n");
    let _ =
        writeln!(out, "{} → {}", markdown_code(&report.old.name), markdown_code(&report.new.name));
    if !report.changes.is_empty() {
        out.push_str("\n| | From | To | Ports |");
        out.push_str(if summary {
            "\n|---|---|---|---|\n"
        } else {
            " Why |\n|---|---|---|---|---|\n"
        });
        for change in &report.changes {
            let remark = remark(change);
            let remark = if remark.is_empty() { String::new() } else { format!(" ({remark})") };
            let word = match change.change {
                ChangeKind::Opened => "🟢 opened",
                ChangeKind::Closed => "🔴 closed",
                ChangeKind::Conditions => "🟡 on other conditions",
                ChangeKind::Unknown => "🟡 not known",
            };
            let _ = write!(
                out,
                "| {word}{remark} | {} | {} | {} |",
                markdown_end(&change.from.label),
                markdown_end(&change.to.label),
                markdown(&ports(change))
            );
            if !summary {
                let _ = write!(out, " {} |", why(change));
            }
            out.push('\n');
        }
    }
    for sentence in only_sentences(report) {
        let _ = writeln!(out, "\n{}", markdown(&sentence));
    }
    for note in &report.notes {
        let _ = writeln!(out, "\n{}.", markdown(note));
    }
    for warning in &report.warnings {
        let _ = writeln!(out, "\n> **Warning:** {}", markdown(&warning.message));
    }
    if !summary && !report.changes.is_empty() {
        out.push_str("\n<details><summary>Explain one flow of each</summary>\n\n");
        for change in &report.changes {
            // Indented code: nothing ends it but a line that is not indented.
            let _ = writeln!(out, "    {}", printable(&change.witness.explain_after));
        }
        out.push_str("\n</details>\n");
    }
    out
}

fn why(change: &ChangeReport) -> String {
    let reasons = change.reasons.iter().map(|reason| {
        let location = reason.policy.as_ref().and_then(|policy| policy.location.as_ref());
        let place = location.map_or(String::new(), |location| {
            format!(" ({})", markdown_code(&format!("{}:{}", location.file, location.line)))
        });
        format!("{}: {}{place}", reason.direction, markdown(&reason.message))
    });
    reasons.collect::<Vec<_>>().join("<br>")
}
