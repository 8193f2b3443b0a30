//! The rows as CSV and as a Markdown table.

use super::table::{mark, port_words, why};
use super::{FlowList, ListedFlow, Unmatched};
use netpol::printable::printable;
use std::fmt::Write as _;

const HEADER: [&str; 7] =
    ["source", "destination", "ports", "verdict", "family", "reason", "conditions"];

fn fields(flow: &ListedFlow) -> [String; 7] {
    let in_part = if flow.in_part { " (in part)" } else { "" };
    [
        flow.source.label.clone(),
        flow.destination.label.clone(),
        port_words(flow).join(", ") + in_part,
        flow.verdict.to_owned(),
        flow.family.unwrap_or_default().to_owned(),
        why(flow),
        flow.conditions.join("; "),
    ]
}

/// The list as CSV (RFC 4180, but with newlines as elsewhere here), with a header.
pub fn flows_csv(list: &FlowList) -> String {
    let header = HEADER.join(",") + "\n";
    let rows = list.flows.iter().map(|flow| fields(flow).map(|field| csv(&field)).join(",") + "\n");
    std::iter::once(header).chain(rows).collect()
}

fn csv(field: &str) -> String {
    let field = printable(field);
    // No name in Kubernetes begins so, and a spreadsheet would take it for a formula.
    let guard = if field.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    if field.contains([',', '"', '\n', '\r']) {
        return format!("\"{guard}{}\"", field.replace('"', "\"\""));
    }
    format!("{guard}{field}")
}

/// The list as a Markdown table, with notes below.
pub fn flows_markdown(list: &FlowList) -> String {
    let mut out = String::from("| From | To | Ports | Why |\n|---|---|---|---|\n");
    for flow in &list.flows {
        let [source, destination, mut ports, _, family, why, _] = fields(flow);
        ports.push_str(mark(flow));
        if !family.is_empty() {
            ports = format!("{ports} ({family})");
        }
        let row = [source, destination, ports, why].map(|field| markdown(&field));
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    let warnings = list.warnings.iter().map(|warning| format!("Warning: {}", warning.message));
    let unmatched = list.unmatched.iter().map(Unmatched::sentence);
    for note in unmatched.chain(list.notes.iter().cloned()).chain(warnings) {
        let _ = writeln!(out, "\n{}.", markdown(&note));
    }
    out
}

/// Text in which nothing is markup.
fn markdown(text: &str) -> String {
    let mut out = String::new();
    for c in printable(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' | '!' | '&')
        {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stay_fields() {
        assert_eq!(csv("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv("=1+1"), "'=1+1");
        assert_eq!(csv("a\nb"), "a\\nb");
        assert_eq!(markdown("a|b<c>_d"), "a\\|b\\<c\\>\\_d");
    }
}
