//! The rows for people: a table where it fits, else one block for each source.

use crate::render::cells::list::{mark, port_words, why};
use crate::render::screen::{BOLD, DIM, DOUBT, PLAIN, Screen};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use netpol::answer::{Because, EndReport, FlowList, ListedFlow};
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
    for missing in &list.missing {
        screen.words(0, 2, &[(DOUBT, "not known:"), (PLAIN, &format!("{missing}."))]);
    }
    if list.flows.is_empty() {
        let nothing = match (list.exposed, list.unmatched.as_slice(), list.known_only) {
            _ if !list.missing.is_empty() => "",
            (true, _, false) => "Nothing is open to the whole cluster or to the outside.",
            (true, _, true) => "No known pod is open to the whole cluster or to the outside.",
            (false, [], false) => "No flow is allowed between what was asked for.",
            (false, [], true) => "No flow is allowed between what is known here.",
            (false, ..) => "No flow is allowed between what is known here; see the rules below.",
        };
        if !nothing.is_empty() {
            screen.words(0, 0, &[(PLAIN, nothing)]);
        }
    } else {
        if !list.missing.is_empty() {
            screen.blank();
        }
        let plain = flat(list, wide);
        if wide || plain.lines().all(|line| line.width() <= width) {
            screen.block(&plain);
        } else {
            blocks(&mut screen, list);
        }
    }
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

fn flat(list: &FlowList, wide: bool) -> String {
    let mut table = new_table();
    let with_why = wide || list.exposed;
    let mut header = vec!["FROM", "TO", "PORTS"];
    header.extend(with_why.then_some("WHY"));
    table.set_header(header);
    for flow in &list.flows {
        let mut row = vec![end(&flow.source, wide), end(&flow.destination, wide)];
        row.push(ports(flow, wide, !with_why));
        row.extend(with_why.then(|| why(flow)));
        table.add_row(cells(row));
    }
    laid_out(table)
}

/// Each source as a heading, with its destinations below.
fn blocks(screen: &mut Screen, list: &FlowList) {
    let width = |flow: &ListedFlow| printable(&end(&flow.destination, false)).width();
    let column = list.flows.iter().map(width).max().unwrap_or(0);
    let mut first = true;
    for flows in list.flows.chunk_by(|a, b| a.source == b.source) {
        if !first {
            screen.blank();
        }
        first = false;
        screen.line(0, &[(BOLD, &end(&flows[0].source, false))]);
        for flow in flows {
            let to = end(&flow.destination, false);
            let gap = " ".repeat(column.saturating_sub(printable(&to).width()) + 2);
            let ports = ports(flow, false, !list.exposed);
            screen.line(2, &[(PLAIN, "→ "), (PLAIN, &to), (PLAIN, &gap), (PLAIN, &ports)]);
            if list.exposed {
                screen.words(6, 6, &[(DIM, &why(flow))]);
            }
        }
    }
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
