//! The rows for people: a table where it fits, else one block for each source.

use crate::render::cells::alike::{Told, told_once};
use crate::render::cells::list::{ENTRANCES, by_words, entrance_ends, mark, port_words};
use crate::render::cells::summary::MOST;
use crate::render::cells::unprotected::{self, is_said};
use crate::render::screen::{BOLD, DIM, DOUBT, PLAIN, Screen, outcome_style};
use netpol::answer::{Because, EndReport, FlowList, ListedFlow, MissingReport, Outcome, Warning};
use netpol::cluster::PortRange;
use netpol::policy::rule::Direction;
use netpol::printable::printable;
use netpol::prose;
use netpol::reach::PortSet;
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr;

/// So many port ranges a narrow table shows.
const PORTS: usize = 4;
/// So many rules that no known pod matches a narrow table tells.
const UNMATCHED: usize = 5;
/// So many ways in a narrow table tells.
const MOST_ENTRANCES: usize = 50;
/// So many networks a narrow table shows.
const NETWORKS: usize = 3;

/// The list as text of `width` columns, as it is made; `wide` shows all of every row with its reason.
pub(in crate::render) fn list(
    list: &FlowList,
    width: usize,
    wide: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
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
            _ if list.entrances.iter().any(|way| way.verdict != Outcome::Denied) => "",
            (true, ..)
                if list.not_protected.iter().any(|it| it.direction == Direction::Ingress) =>
            {
                ""
            }
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
        match Flat::new(list, &rows, wide, if wide { usize::MAX } else { width }) {
            Some(flat) => {
                out.write_all(screen.taken().as_bytes())?;
                flat.write(out)?;
            }
            None => blocks(&mut screen, list, (&rows, width), out)?,
        }
    }
    not_protected(&mut screen, list, wide);
    entrances(&mut screen, list, wide);
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
    let warnings = if wide { list.warnings.clone() } else { Warning::told_once(&list.warnings) };
    for warning in warnings {
        screen.blank();
        screen.words(0, 2, &[(DOUBT, "warning:"), (PLAIN, &warning.message)]);
        screen.place(4, warning.location.as_ref());
    }
    out.write_all(screen.finish().as_bytes())
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

/// The ways in from outside.
fn entrances(screen: &mut Screen, list: &FlowList, wide: bool) {
    if list.entrances.is_empty() {
        return;
    }
    if !screen.is_empty() {
        screen.blank();
    }
    screen.line(0, &[(BOLD, ENTRANCES)]);
    let most = if wide { usize::MAX } else { MOST_ENTRANCES };
    for way in list.entrances.iter().take(most) {
        let verdict = format!("{}:", way.verdict.as_str().to_lowercase());
        let to = entrance_ends(way);
        screen.words(2, 4, &[(outcome_style(way.verdict), &verdict), (PLAIN, &to)]);
        if let Some(message) = &way.message {
            screen.words(4, 4, &[(DIM, &format!("{message}."))]);
        }
    }
    if list.entrances.len() > most {
        let more = list.entrances.len() - most;
        screen.words(2, 4, &[(DIM, &format!("{more} more ways in: -o wide tells them."))]);
    }
}

/// So many cells has a row.
const COLUMNS: usize = 5;
/// So many columns lie between two cells.
const GAP: usize = 2;
/// Those before a destination below its source.
const ARROW: usize = 4;

/// One line a row, whose cells are made anew each time rather than kept: there may be very many.
struct Flat<'r, 'l> {
    rows: &'r [Told<'l>],
    wide: bool,
    with_why: bool,
    with_by: bool,
    columns: [usize; COLUMNS],
}

impl<'r, 'l> Flat<'r, 'l> {
    /// `None` where a line would be longer than this.
    fn new(list: &FlowList, rows: &'r [Told<'l>], wide: bool, most: usize) -> Option<Self> {
        let with_by = rows.iter().any(|told| told.flow.by.is_some());
        let with_why = wide || list.exposed;
        let mut flat = Self { rows, wide, with_why, with_by, columns: [0; COLUMNS] };
        let mut columns = [0; COLUMNS];
        for row in flat.rows() {
            for (column, cell) in columns.iter_mut().zip(&row) {
                *column = (*column).max(cell.width());
            }
            let line = row.iter().map(|cell| cell.width()).filter(|width| *width > 0);
            if line.map(|width| width + GAP).sum::<usize>() > most.saturating_add(GAP) {
                return None;
            }
        }
        flat.columns = columns;
        (flat.width() <= most).then_some(flat)
    }

    /// The cells of each line, the names of the columns first.
    fn rows(&self) -> impl Iterator<Item = [String; COLUMNS]> {
        let shown = |there: bool, name: &'static str| if there { name } else { "" };
        let names = ["FROM", "TO", "PORTS", shown(self.with_by, "BY"), shown(self.with_why, "WHY")];
        let rows = self.rows.iter().map(|told| {
            let [from, to] = ends(told, self.wide);
            let ports = ports(told.flow, self.wide, !self.with_why);
            let why = if self.with_why { told.why() } else { String::new() };
            let by = told.flow.by.as_deref().map_or(String::new(), by_words);
            [from, to, ports, by, why].map(|cell| printable(&cell).into_owned())
        });
        std::iter::once(names.map(str::to_owned)).chain(rows)
    }

    /// The columns of the longest line.
    fn width(&self) -> usize {
        let line = |row: [String; COLUMNS]| {
            let last = row.iter().rposition(|cell| !cell.is_empty()).unwrap_or(0);
            let before: usize = self.columns[..last].iter().map(|column| after(*column)).sum();
            before + row[last].width()
        };
        self.rows().map(line).max().unwrap_or(0)
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for row in self.rows() {
            let mut line = String::new();
            for (cell, column) in row.iter().zip(self.columns) {
                let gap = after(column).saturating_sub(cell.width());
                line.extend([cell, &*" ".repeat(gap)]);
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// The columns up to the next cell: none for a column without any.
fn after(column: usize) -> usize {
    if column == 0 { 0 } else { column + GAP }
}

/// Each source as a heading, with its destinations below.
fn blocks(
    screen: &mut Screen,
    list: &FlowList,
    (rows, width): (&[Told<'_>], usize),
    out: &mut dyn Write,
) -> io::Result<()> {
    let source = |told: &Told<'_>| ends(told, false)[0].clone();
    let columns = |text: &str| printable(text).width();
    let cells = |told: &Told<'_>| {
        let [_, to] = ends(told, false);
        (to, ports(told.flow, false, !list.exposed))
    };
    // Ports stand behind the longest destination that leaves room for its own, or else below.
    let fits = |before: usize, ports: &str| ARROW + before + GAP + columns(ports) <= width;
    let room = rows.iter().map(|told| {
        let (to, ports) = cells(told);
        let own = columns(&to);
        if fits(own, &ports) { own } else { 0 }
    });
    let column = room.max().unwrap_or(0);
    let mut first = true;
    for rows in rows.chunk_by(|a, b| source(a) == source(b)) {
        if !first {
            screen.blank();
        }
        first = false;
        screen.words(0, 4, &[(BOLD, &source(&rows[0]))]);
        for told in rows {
            let (to, ports) = cells(told);
            let own = columns(&to);
            if own <= column && fits(column, &ports) {
                let gap = " ".repeat(column - own + GAP);
                screen.line(2, &[(PLAIN, "→ "), (PLAIN, &to), (PLAIN, &gap), (PLAIN, &ports)]);
            } else {
                screen.words(2, 6, &[(PLAIN, "→"), (PLAIN, &to)]);
                screen.words(6, 6, &[(PLAIN, &ports)]);
            }
            if list.exposed {
                screen.words(6, 6, &[(DIM, &told.why())]);
            }
            if let Some(by) = &told.flow.by {
                screen.words(6, 6, &[(PLAIN, "by:"), (PLAIN, &by_words(by))]);
            }
        }
        out.write_all(screen.taken().as_bytes())?;
    }
    Ok(())
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

/// Most ports as those that are missing, where these are fewer.
fn all_but(flow: &ListedFlow) -> Option<String> {
    // Between few that are missing are few ranges.
    if flow.any_port || flow.ports.len() > 2 * PORTS || !flow.port_names.is_empty() {
        return None;
    }
    let ranges = flow.ports.iter().map(|ports| {
        let last = ports.end_port.unwrap_or(ports.port);
        (ports.protocol, PortRange { first: ports.port, last })
    });
    let ports = PortSet::of(ranges);
    let missing = PortSet::all().difference(&ports);
    let few = missing.ranges().len() <= PORTS && missing.ranges().len() < ports.ranges().len();
    (few && missing.ranges().len() > 0).then(|| {
        let names = missing.ranges().map(|(protocol, range)| format!("{range}/{protocol}"));
        format!("any port but {}", prose::list(&names.collect::<Vec<_>>(), "and"))
    })
}

/// The ports in words, with what is to be said of the row as a whole.
fn ports(flow: &ListedFlow, wide: bool, with_reason: bool) -> String {
    let more = (flow.ports.len() + flow.port_names.len()).saturating_sub(PORTS);
    let mut text = if let Some(all) = all_but(flow) {
        all
    } else if wide || flow.any_port || more == 0 {
        port_words(flow, usize::MAX).join(", ")
    } else {
        format!("{} and {more} more", port_words(flow, PORTS).join(", "))
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
