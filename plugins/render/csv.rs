//! CSV, with a line of names.

use super::cells;
use super::escape::csv;
use netpol::answer::{ChangeKind, DiffReport, FlowList, SystemFlowReport, SystemReport};
use std::io::{self, Write};

/// The rows of a list, as they are made.
pub(super) fn list(list: &FlowList, out: &mut dyn Write) -> io::Result<()> {
    let rows = list.flows.iter().map(cells::list::fields);
    let open = list.not_protected.iter().flat_map(cells::list::unprotected_fields);
    let ways = list.entrances.iter().map(cells::list::entrance_fields);
    table(cells::list::FIELDS, rows.chain(open).chain(ways))
        .try_for_each(|line| out.write_all(line.as_bytes()))
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
    let header = names.join(",") + "\n";
    let rows = rows.map(|row| row.map(|field| csv(&field)).join(",") + "\n");
    std::iter::once(header).chain(rows)
}
