//! CSV, with a line of names.

use super::cells;
use super::escape::csv;
use netpol::answer::{
    ChangeKind, DiffReport, FlowList, ListedFlow, SystemFlowReport, SystemReport,
};
use std::io::{self, Write};

/// A list whose rows are written as they are made. Before there is one, nothing is.
pub struct CsvList<'w> {
    out: &'w mut dyn Write,
    line: String,
}

impl<'w> CsvList<'w> {
    /// Without any row yet.
    pub fn new(out: &'w mut dyn Write) -> Self {
        let mut header = String::new();
        line(&mut header, &cells::list::FIELDS);
        Self { out, line: header }
    }

    /// Writes a row.
    pub fn row(&mut self, flow: &ListedFlow) -> io::Result<()> {
        self.write(&cells::list::fields(flow))
    }

    /// Writes what the rows do not have: who is not isolated, and the ways in.
    pub fn end(mut self, list: &FlowList) -> io::Result<()> {
        let open = list.not_protected.iter().flat_map(cells::list::unprotected_fields);
        let mut ways = open.chain(list.entrances.iter().map(cells::list::entrance_fields));
        ways.try_for_each(|row| self.write(&row))?;
        self.out.write_all(self.line.as_bytes())
    }

    /// Writes the line before this one.
    fn write(&mut self, fields: &[impl AsRef<str>]) -> io::Result<()> {
        self.out.write_all(self.line.as_bytes())?;
        self.line.clear();
        line(&mut self.line, fields);
        Ok(())
    }
}

/// The rows of a list.
pub(super) fn list(list: &FlowList, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = CsvList::new(out);
    list.flows.iter().try_for_each(|flow| rows.row(flow))?;
    rows.end(list)
}

/// Traffic of the system.
pub(super) fn system(report: &SystemReport) -> String {
    let rows = report.flows.iter().map(cells::system::fields);
    table(cells::system::FIELDS, rows).collect()
}

/// The changes of a diff.
pub(super) fn diff(report: &DiffReport) -> String {
    let names = [
        "change",
        "before",
        "after",
        "from",
        "to",
        "ports",
        "family",
        "reason",
        "explain",
        "namespaces",
    ];
    let rows = report.changes.iter().map(|change| {
        let reasons = change.reasons.iter();
        let reasons: Vec<String> =
            reasons.map(|reason| format!("{}: {}", reason.direction, reason.message)).collect();
        [
            change.change.to_string(),
            change.before.as_str().to_owned(),
            change.after.as_str().to_owned(),
            change.from.label.clone(),
            change.to.label.clone(),
            change.ports_label.clone(),
            change.family.map_or(String::new(), |family| family.to_string()),
            reasons.join("; "),
            change.witness.explain_after.clone(),
            change.namespaces.join(" "),
        ]
    });
    let ports = |flow: &SystemFlowReport| {
        flow.ports.iter().copied().map(cells::list::port_word).collect::<Vec<_>>().join(", ")
    };
    let calls = report.system.iter().map(|change| {
        let what = if change.closes { ChangeKind::Closed } else { ChangeKind::Opened };
        let mut row = <[String; 10]>::default();
        row[0] = what.to_string();
        row[1] = change.before.to_string();
        row[2] = change.after.verdict.to_string();
        row[3].clone_from(&change.after.source);
        row[4].clone_from(&change.after.destination);
        row[5] = ports(&change.after);
        row[7].clone_from(&change.message);
        row
    });
    table(names, rows.chain(calls)).collect()
}

fn table<const N: usize>(
    names: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> impl Iterator<Item = String> {
    let mut header = String::new();
    line(&mut header, &names);
    let rows = rows.map(|row| {
        let mut out = String::new();
        line(&mut out, &row);
        out
    });
    std::iter::once(header).chain(rows)
}

fn line(out: &mut String, fields: &[impl AsRef<str>]) {
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&csv(field.as_ref()));
    }
    out.push('\n');
}
