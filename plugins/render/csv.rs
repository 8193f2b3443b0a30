//! CSV, with a line of names.

use super::cells;
use super::escape::csv;
use netpol::answer::{DiffReport, FlowList};
use std::io::{self, Write};

/// The rows of a list, as they are made.
pub(super) fn list(list: &FlowList, out: &mut dyn Write) -> io::Result<()> {
    let rows = list.flows.iter().map(cells::list::fields);
    let open = list.not_protected.iter().flat_map(cells::list::unprotected_fields);
    let ways = list.entrances.iter().map(cells::list::entrance_fields);
    table(cells::list::FIELDS, rows.chain(open).chain(ways))
        .try_for_each(|line| out.write_all(line.as_bytes()))
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
    table(names, rows).collect()
}

fn table<const N: usize>(
    names: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> impl Iterator<Item = String> {
    let header = names.join(",") + "\n";
    let rows = rows.map(|row| row.map(|field| csv(&field)).join(",") + "\n");
    std::iter::once(header).chain(rows)
}
