//! The answer of `diff` for other programs' eyes: Markdown for a pull request, DOT, CSV.
//!
//! In: a [`DiffReport`]. Out: text in which nothing that a file says is taken for markup.

use super::text::{headline, only_sentences, ports, remark};
use super::{ChangeReport, DiffReport};
use netpol::printable::printable;
use std::fmt::Write as _;

/// The answer as a comment of a pull request.
pub fn diff_markdown(report: &DiffReport, summary: bool) -> String {
    let mut out = String::new();
    let title = headline(&report.summary);
    let _ = writeln!(out, "### Network policies: {title}\n");
    let _ = writeln!(out, "{} → {}", code(&report.old.name), code(&report.new.name));
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
                "Opened" => "🟢 opened",
                "Closed" => "🔴 closed",
                "Conditions" => "🟡 on other conditions",
                _ => "🟡 not known",
            };
            let _ = write!(
                out,
                "| {word}{remark} | {} | {} | {} |",
                plain(&change.from.label),
                plain(&change.to.label),
                plain(&ports(change))
            );
            if !summary {
                let _ = write!(out, " {} |", why(change));
            }
            out.push('\n');
        }
    }
    for sentence in only_sentences(report) {
        let _ = writeln!(out, "\n{}", plain(&sentence));
    }
    for note in &report.notes {
        let _ = writeln!(out, "\n{}.", plain(note));
    }
    for warning in &report.warnings {
        let _ = writeln!(out, "\n> **Warning:** {}", plain(&warning.message));
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
            format!(" ({})", code(&format!("{}:{}", location.file, location.line)))
        });
        format!("{}: {}{place}", reason.direction, plain(&reason.message))
    });
    reasons.collect::<Vec<_>>().join("<br>")
}

/// Text in which nothing is markup, a mention or a cell's end.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("&#64;"),
            '#' => out.push_str("&#35;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// A name as code, also within a table.
fn code(text: &str) -> String {
    if text.contains(['`', '|', '\\', '\n']) {
        plain(text)
    } else {
        format!("`{}`", printable(text))
    }
}

/// The changes as a graph: green edges open, red ones close.
pub fn diff_dot(report: &DiffReport) -> String {
    let mut out = "digraph diff {\n  rankdir=LR;\n  node [shape=box];\n".to_owned();
    for change in &report.changes {
        let (color, style) = match change.change {
            "Opened" => ("green", "solid"),
            "Closed" => ("red", "dashed"),
            "Conditions" => ("blue", "dashed"),
            _ => ("orange", "dotted"),
        };
        let _ = writeln!(
            out,
            "  {} -> {} [label={}, color={color}, style={style}];",
            dot(&change.from.label),
            dot(&change.to.label),
            dot(&ports(change))
        );
    }
    out.push_str("}\n");
    out
}

fn dot(text: &str) -> String {
    format!("\"{}\"", printable(text).replace('\\', "\\\\").replace('"', "\\\""))
}

/// The changes as a table for a spreadsheet, with a line of names.
pub fn diff_csv(report: &DiffReport) -> String {
    let mut out = "change,before,after,from,to,ports,family,reason,explain\n".to_owned();
    for change in &report.changes {
        let reasons = change.reasons.iter();
        let reasons: Vec<String> =
            reasons.map(|reason| format!("{}: {}", reason.direction, reason.message)).collect();
        let cells = [
            change.change,
            change.before,
            change.after,
            &change.from.label,
            &change.to.label,
            &change.ports_label,
            change.family.as_deref().unwrap_or_default(),
            &reasons.join("; "),
            &change.witness.explain_after,
        ];
        let cells: Vec<String> = cells.into_iter().map(cell).collect();
        let _ = writeln!(out, "{}", cells.join(","));
    }
    out
}

/// Source: RFC 4180. What a spreadsheet would take for a formula is made text.
fn cell(text: &str) -> String {
    let text = printable(text);
    let formula = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    if text.contains([',', '"']) {
        format!("\"{formula}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{formula}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        assert_eq!(plain("<b>|*@x#1"), "&lt;b&gt;\\|\\*&#64;x&#35;1");
        assert_eq!(code("a/b"), "`a/b`");
        assert_eq!(code("a`|b"), "a\\`\\|b");
        assert_eq!(dot("a\"]; x\\"), r#""a\"]; x\\""#);
        assert_eq!(cell("=1+1,\"2\""), "\"'=1+1,\"\"2\"\"\"");
    }
}
