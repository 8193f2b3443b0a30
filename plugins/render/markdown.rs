//! Markdown, as GitHub reads it.

use super::cells::alike::told_once;
use super::cells::diff::{headline, namespaces, only_sentences, ports, remark};
use super::cells::list::{ENTRANCES, entrance_words, fields, mark};
use super::cells::summary::{CLUSTERWIDE, Cells, MOST, clusterwide, raised, warnings};
use super::cells::system::sections;
use super::cells::unprotected::{self, is_said};
use super::columns::Line;
use super::escape::{markdown, markdown_code, markdown_end};
use netpol::answer::{
    ChangeKind, ChangeReport, DiffReport, FlowList, Location, SummaryReport, SystemReport,
    TestOutcome, Unmatched, Warning,
};
use netpol::printable::printable;
use std::borrow::Cow;
use std::io::{self, Write};

/// A list as a table, with notes below.
pub(super) fn list(list: &FlowList, out: &mut dyn Write) -> io::Result<()> {
    let rows = told_once(list.flows.iter().filter(|flow| !is_said(list, flow)));
    let table = !rows.is_empty() || list.flows.is_empty();
    if table {
        out.write_all(b"| From | To | Ports | Why |\n|---|---|---|---|\n")?;
    }
    for told in rows {
        let flow = told.flow;
        let [source, destination, mut ports, _, family, ..] = fields(flow).map(Cow::into_owned);
        let why = told.why();
        let [source, destination] = told.ends.unwrap_or([source, destination]);
        ports.push_str(mark(flow));
        if !family.is_empty() {
            ports = format!("{ports} ({family})");
        }
        let [source, destination] = [source, destination].map(|end| markdown_end(&end));
        let row = [source, destination, markdown(&ports), markdown(&why)];
        writeln!(out, "| {} |", row.join(" | "))?;
    }
    let mut lines = unprotected::lines(list, MOST);
    lines.extend(unprotected::on_nodes(list, MOST));
    if !lines.is_empty() {
        let blank = if table { "\n" } else { "" };
        writeln!(out, "{blank}{}\n", unprotected::HEADING)?;
    }
    for line in lines {
        writeln!(out, "- {}", markdown(&line))?;
    }
    if !list.entrances.is_empty() {
        writeln!(out, "\n{ENTRANCES}\n")?;
    }
    for way in list.entrances.iter().map(entrance_words) {
        writeln!(out, "- {}", markdown(&way))?;
    }
    let decides = list.missing.iter().filter(|missing| missing.decides());
    let missing = decides.map(|missing| format!("Not known: {}", missing.message));
    let dead = list.dead.iter().map(|dead| format!("Warning: {dead}"));
    let told = Warning::told_once(&list.warnings);
    let warnings = told.iter().map(|warning| format!("Warning: {}", warning.message));
    let warnings = missing.chain(dead).chain(warnings);
    let unmatched = list.unmatched.iter().map(Unmatched::sentence);
    for note in unmatched.chain(list.notes.iter().cloned()).chain(warnings) {
        writeln!(out, "\n{}.", markdown(&note))?;
    }
    Ok(())
}

/// Traffic of the system as lists, with notes below.
pub(super) fn system(report: &SystemReport, out: &mut dyn Write) -> io::Result<()> {
    for (at, (heading, lines)) in sections(report, true).into_iter().enumerate() {
        let blank = if at > 0 { "\n" } else { "" };
        writeln!(out, "{blank}{heading}\n")?;
        for line in lines {
            let verdict = line.verdict.as_str().to_lowercase();
            let more = line.more.map_or(String::new(), |more| format!(". {more}"));
            writeln!(out, "- {}", markdown(&format!("{verdict}: {}{more}", line.words)))?;
        }
    }
    let decides = report.missing.iter().filter(|missing| missing.decides());
    let missing = decides.map(|missing| format!("Not known: {}", missing.message));
    let told = Warning::told_once(&report.warnings);
    let warnings = told.iter().map(|warning| format!("Warning: {}", warning.message));
    for note in report.notes.iter().cloned().chain(missing).chain(warnings) {
        writeln!(out, "\n{}.", markdown(&note))?;
    }
    Ok(())
}

/// A summary as a table, to be pasted into documentation.
pub(super) fn summary(report: &SummaryReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "| Namespace | Default deny | Allowed ingress | Allowed egress |")?;
    writeln!(out, "|---|---|---|---|")?;
    let mut cells = Cells { most: usize::MAX, ..Cells::default() };
    for namespace in &report.namespaces {
        let [name, closed, ingress, egress] = cells.row(namespace);
        let row = [
            one_line(&name, ""),
            one_line(&closed, ", "),
            one_line(&ingress, "<br>"),
            one_line(&egress, "<br>"),
        ];
        writeln!(out, "| {} |", row.join(" | "))?;
    }
    let all = clusterwide(report, usize::MAX);
    if !all.is_empty() {
        writeln!(out, "\n{CLUSTERWIDE}\n")?;
    }
    for (label, line) in all {
        writeln!(out, "- {}", markdown(&format!("{label}: {line}")))?;
    }
    let notes = cells.notes.iter().enumerate().map(|(i, note)| format!("{} {note}", raised(i)));
    let notes = notes.chain(report.notes.iter().map(|note| format!("{note}.")));
    let missing = report.missing.iter().filter(|missing| missing.decides());
    let missing = missing.map(|missing| format!("not known: {}", missing.message));
    let dead = report.dead.iter().map(|dead| format!("warning: {dead}"));
    let told = Warning::told_once(warnings(report));
    let warnings = told.iter().map(|warning| format!("warning: {}", warning.message));
    let warnings = missing.chain(dead).chain(warnings);
    let items: Vec<String> = notes.chain(warnings).collect();
    if !items.is_empty() {
        out.write_all(b"\n")?;
    }
    for item in items {
        writeln!(out, "- {}", markdown(&item))?;
    }
    Ok(())
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
pub(super) fn diff(report: &DiffReport, summary: bool, out: &mut dyn Write) -> io::Result<()> {
    let title = headline(report);
    writeln!(out, "### Network policies: {title}\n")?;
    writeln!(out, "{} → {}", markdown_code(&report.old.name), markdown_code(&report.new.name))?;
    if !report.changes.is_empty() {
        let last = if summary { "\n|---|---|---|---|" } else { " Why |\n|---|---|---|---|---|" };
        writeln!(out, "\n| | From | To | Ports |{last}")?;
        for change in &report.changes {
            let remark = remark(change);
            let remark = if remark.is_empty() { String::new() } else { format!(" ({remark})") };
            let word = match change.change {
                ChangeKind::Opened => "🟢 opened",
                ChangeKind::Closed => "🔴 closed",
                ChangeKind::Conditions => "🟡 on other conditions",
                ChangeKind::Unknown => "🟡 not known",
            };
            write!(
                out,
                "| {word}{remark} | {} | {} | {} |",
                markdown_end(&change.from.label),
                markdown_end(&change.to.label),
                markdown(&ports_and_namespaces(change))
            )?;
            if !summary {
                write!(out, " {} |", why(change))?;
            }
            out.write_all(b"\n")?;
        }
    }
    if !report.system.is_empty() {
        out.write_all(b"\nWhat the API server calls:\n\n")?;
        for change in &report.system {
            let mark = if change.closes { "🔴" } else { "🟢" };
            writeln!(out, "- {mark} {}", markdown(&change.message))?;
        }
    }
    if let Some(tests) = &report.tests {
        writeln!(out, "\n{}:\n", markdown(&tests.headline()))?;
        for test in &tests.worse {
            let mark = if test.outcome == TestOutcome::Broken { "🔴" } else { "🟡" };
            writeln!(
                out,
                "- {mark} {}: {}",
                markdown_code(&test.name),
                markdown(&test.sentence())
            )?;
        }
        for name in &tests.mended {
            writeln!(out, "- 🟢 {} holds now", markdown_code(name))?;
        }
    }
    if !report.elsewhere.is_empty() {
        out.write_all(b"\nOpens where another policy isolates:\n\n")?;
        for change in &report.elsewhere {
            let flow = format!(
                "{} → {} on {}",
                change.from.label,
                change.to.label,
                ports_and_namespaces(change)
            );
            writeln!(out, "- {}", markdown(&flow))?;
        }
    }
    for missing in &report.missing {
        writeln!(out, "\n> **Not known:** {}", markdown(&missing.message))?;
    }
    for sentence in only_sentences(report) {
        writeln!(out, "\n{}", markdown(&sentence))?;
    }
    for note in &report.notes {
        writeln!(out, "\n{}.", markdown(note))?;
    }
    for warning in Warning::told_once(&report.warnings) {
        writeln!(out, "\n> **Warning:** {}", markdown(&warning.message))?;
    }
    if !summary && !report.changes.is_empty() {
        out.write_all(b"\n<details><summary>Explain one flow of each</summary>\n\n")?;
        for change in &report.changes {
            // Indented code: nothing ends it but a line that is not indented.
            writeln!(out, "    {}", printable(&change.witness.explain_after))?;
        }
        out.write_all(b"\n</details>\n")?;
    }
    Ok(())
}

fn ports_and_namespaces(change: &ChangeReport) -> String {
    match namespaces(change) {
        Some(many) => format!("{} {many}", ports(change)),
        None => ports(change),
    }
}

/// `file:line`.
fn without_column(location: &Location) -> String {
    Location { column: None, ..location.clone() }.to_string()
}

fn why(change: &ChangeReport) -> String {
    if change.also {
        return "the same rule".to_owned();
    }
    let reasons = change.reasons.iter().map(|reason| {
        let location = reason.policy.as_ref().and_then(|policy| policy.location.as_ref());
        let place = location.map_or(String::new(), |location| {
            format!(" ({})", markdown_code(&without_column(location)))
        });
        format!("{}: {}{place}", reason.direction, markdown(&reason.message))
    });
    reasons.collect::<Vec<_>>().join("<br>")
}
