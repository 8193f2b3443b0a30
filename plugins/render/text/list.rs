//! The rows for people: a table where it fits, else one block for each source.

use crate::render::cells::alike::{Told, told_once};
use crate::render::cells::list::{mark, port_words};
use crate::render::cells::summary::MOST;
use crate::render::cells::unprotected::{self, is_said};
use crate::render::screen::{BOLD, DIM, DOUBT, PLAIN, Screen};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use netpol::answer::{Because, EndReport, FlowList, ListedFlow, MissingReport};
use netpol::printable::printable;
use unicode_width::UnicodeWidthStr;

/// So many port ranges a narrow table shows.
const PORTS: usize = 4;
/// So many rules that no known pod matches a narrow table tells.
const UNMATCHED: usize = 5;
/// So many networks a narrow table shows.
const NETWORKS: usize = 3;

/// The list as text of `width` columns; `wide` shows all of every row with its reason.
pub(in crate::render) fn list(list: &FlowList, width: usize, wide: bool) -> String {
    let mut screen = Screen::new(width);
    for missing in list.missing.iter().filter(|missing| missing.decides()) {
        screen.words(0, 2, &[(DOUBT, "not known:"), (PLAIN, &format!("{}.", missing.message))]);
    }
    let rows: Vec<Told<'_>> = if wide {
        list.flows.iter().map(Told::alone).collect()
    } else {
        told_once(list.flows.iter().filter(|flow| !is_said(list, flow)))
    };
    if list.flows.is_empty() {
        let nothing = match (list.exposed, list.unmatched.as_slice(), list.known_only) {
            _ if list.missing.iter().any(MissingReport::decides) => "",
            // What was not read is told below, and may be just what opens it.
            _ if !list.complete => "Of what was read no flow is known to be allowed.",
            (true, _, false) => "Nothing is open to the whole cluster or to the outside.",
            (true, _, true) => "No known pod is open to the whole cluster or to the outside.",
            (false, [], false) => "No flow is allowed between what was asked for.",
            (false, [], true) => "No flow is allowed between what is known here.",
            (false, ..) => "No flow is allowed between what is known here; see the rules below.",
        };
        if !nothing.is_empty() {
            screen.words(0, 0, &[(PLAIN, nothing)]);
        }
    } else if !rows.is_empty() {
        if list.missing.iter().any(MissingReport::decides) {
            screen.blank();
        }
        let plain = flat(list, &rows, wide);
        if wide || plain.lines().all(|line| line.width() <= width) {
            screen.block(&plain);
        } else {
            blocks(&mut screen, list, &rows);
        }
    }
    not_protected(&mut screen, list, wide);
    if !list.unmatched.is_empty() {
        screen.blank();
    }
    for rule in list.unmatched.iter().take(if wide { usize::MAX } else { UNMATCHED }) {
        screen.words(0, 2, &[(PLAIN, &format!("{}.", rule.sentence()))]);
    }
    if list.unmatched.len() > UNMATCHED && !wide {
        let more = list.unmatched.len() - UNMATCHED;
        screen.words(0, 2, &[(DIM, &format!("{more} more rules like these: -o wide tells them."))]);
    }
    for dead in &list.dead {
        screen.words(0, 2, &[(DOUBT, "warning:"), (PLAIN, &format!("{dead}."))]);
    }
    if !list.notes.is_empty() {
        screen.blank();
    }
    for note in &list.notes {
        screen.words(0, 2, &[(DIM, &format!("{note}."))]);
    }
    for warning in &list.warnings {
        screen.blank();
        screen.words(0, 2, &[(DOUBT, "warning:"), (PLAIN, &warning.message)]);
        screen.place(4, warning.location.as_ref());
    }
    screen.finish()
}

/// Who is isolated by no policy.
fn not_protected(screen: &mut Screen, list: &FlowList, wide: bool) {
    let most = if wide { usize::MAX } else { MOST };
    let mut lines = unprotected::lines(list, most);
    lines.extend(unprotected::on_nodes(list, most).filter(|_| !wide));
    if lines.is_empty() {
        return;
    }
    if !screen.is_empty() {
        screen.blank();
    }
    screen.line(0, &[(BOLD, unprotected::HEADING)]);
    for line in lines {
        screen.words(2, 4, &[(PLAIN, &line)]);
    }
}

fn new_table() -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table
}

fn laid_out(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

fn cells(cells: impl IntoIterator<Item = String>) -> Vec<String> {
    cells.into_iter().map(|cell| printable(&cell).into_owned()).collect()
}

fn flat(list: &FlowList, rows: &[Told<'_>], wide: bool) -> String {
    let mut table = new_table();
    let with_why = wide || list.exposed;
    let mut header = vec!["FROM", "TO", "PORTS"];
    header.extend(with_why.then_some("WHY"));
    table.set_header(header);
    for told in rows {
        let mut row = ends(told, wide).to_vec();
        row.push(ports(told.flow, wide, !with_why));
        row.extend(with_why.then(|| told.why.clone()));
        table.add_row(cells(row));
    }
    laid_out(table)
}

/// Each source as a heading, with its destinations below.
fn blocks(screen: &mut Screen, list: &FlowList, rows: &[Told<'_>]) {
    let rows: Vec<([String; 2], &Told<'_>)> =
        rows.iter().map(|told| (ends(told, false), told)).collect();
    let width = |to: &String| printable(to).width();
    let column = rows.iter().map(|([_, to], _)| width(to)).max().unwrap_or(0);
    let mut first = true;
    for rows in rows.chunk_by(|([a, _], _), ([b, _], _)| a == b) {
        if !first {
            screen.blank();
        }
        first = false;
        screen.line(0, &[(BOLD, &rows[0].0[0])]);
        for ([_, to], told) in rows {
            let gap = " ".repeat(column.saturating_sub(width(to)) + 2);
            let ports = ports(told.flow, false, !list.exposed);
            screen.line(2, &[(PLAIN, "→ "), (PLAIN, to), (PLAIN, &gap), (PLAIN, &ports)]);
            if list.exposed {
                screen.words(6, 6, &[(DIM, &told.why)]);
            }
        }
    }
}

fn ends(told: &Told<'_>, wide: bool) -> [String; 2] {
    let own = || [&told.flow.source, &told.flow.destination].map(|it| end(it, wide));
    told.ends.clone().unwrap_or_else(own)
}

fn end(end: &EndReport, wide: bool) -> String {
    // The label is short for what most of the outside is.
    if wide || end.networks.len() <= NETWORKS || end.label.contains(" but ") {
        return end.label.clone();
    }
    let more = end.networks.len() - NETWORKS;
    format!("outside {} and {more} more", end.networks[..NETWORKS].join(", "))
}

/// The ports in words, with what is to be said of the row as a whole.
fn ports(flow: &ListedFlow, wide: bool, with_reason: bool) -> String {
    let all = port_words(flow);
    let mut text = match all.as_slice() {
        [some @ .., _] if !wide && some.len() >= PORTS => {
            format!("{} and {} more", all[..PORTS].join(", "), all.len() - PORTS)
        }
        _ => all.join(", "),
    };
    text.push_str(mark(flow));
    let mut remarks: Vec<String> = Vec::new();
    if with_reason {
        remarks.extend(match flow.reason {
            Some(Because::NotIsolated) => Some("not isolated".to_owned()),
            Some(Because::HostNetwork) => Some("host network".to_owned()),
            Some(Because::NotEnforced) => Some("not enforced".to_owned()),
            _ => None,
        });
    }
    remarks.extend(flow.in_part.then(|| "in part".to_owned()));
    // Networks show their family.
    let networks = [&flow.source, &flow.destination].iter().any(|end| !end.networks.is_empty());
    remarks.extend(flow.family.filter(|_| !networks).map(|family| family.to_string()));
    if remarks.is_empty() { text } else { format!("{text} ({})", remarks.join(", ")) }
}
