//! The answer of `probe` for people: how much is as predicted, a table, and why what is not.

use crate::render::columns::{LEAST, Line, list, table};
use crate::render::screen::{BOLD, DIM, DOUBT, GOOD, PLAIN, Screen};
use netpol::answer::{AsPredicted, ProbeReport, ProbeRow, Warning};
use netpol::probe::Seen;

/// The columns.
const HEADER: [&str; 5] = ["", "PREDICTED", "SEEN", "FROM", "TO"];

/// The answer as text of `width` columns.
pub(in crate::render) fn probe(report: &ProbeReport, width: usize) -> String {
    let mut screen = Screen::new(width);
    let (style, head) = head(report);
    screen.words(0, 2, &[(style, &head)]);
    let mut rows: Vec<&ProbeRow> = report.rows.iter().collect();
    rows.sort_by_key(|row| match row.as_predicted {
        AsPredicted::No => 0,
        AsPredicted::Unknown => 1,
        AsPredicted::Yes | AsPredicted::NotCompared => 2,
    });
    if !rows.is_empty() {
        screen.blank();
        let cells: Vec<[Vec<Line>; 5]> = rows.iter().map(|row| cells(row)).collect();
        let text = if width < LEAST {
            list(&HEADER, cells.iter().map(|row| &row[..]), width)
        } else {
            table(HEADER, &cells, width)
        };
        screen.block(&text);
    }
    let alike = |a: &&ProbeRow, b: &&ProbeRow| {
        let said = |row: &ProbeRow| {
            (row.as_predicted, row.why.clone(), row.message.clone(), row.likely.clone())
        };
        said(a) == said(b)
    };
    for same in rows.chunk_by(alike) {
        details(&mut screen, same);
    }
    refused(&mut screen, report);
    if report.left_out > 0 {
        screen.blank();
        let more = match report.left_out {
            1 => "1 more kind of flow is not tried: --max takes more.".to_owned(),
            more => format!("{more} more kinds of flows are not tried: --max takes more."),
        };
        screen.words(0, 2, &[(DOUBT, &more)]);
    }
    if !report.notes.is_empty() {
        screen.blank();
    }
    for note in &report.notes {
        screen.words(0, 2, &[(DIM, &format!("{note}."))]);
    }
    for warning in Warning::told_once(&report.warnings) {
        screen.blank();
        screen.words(0, 2, &[(DOUBT, "warning:"), (PLAIN, &warning.message)]);
        screen.place(4, warning.location.as_ref());
    }
    if let Some(row) = report.rows.iter().find(|row| row.as_predicted == AsPredicted::No) {
        screen.blank();
        let (from, to) = (row.pod.replace('/', "/pod/"), &row.destination.label);
        let asked =
            format!("kubectl netpol explain {from} {to} --port {}/{}", row.port, row.protocol);
        screen.words(0, 2, &[(PLAIN, "Why it is predicted so:"), (BOLD, &asked)]);
    }
    screen.finish()
}

fn head(report: &ProbeReport) -> (anstyle::Style, String) {
    let all = report.rows.len();
    let known = report.as_predicted;
    if all == 0 {
        return (
            BOLD,
            "Nothing to try: no two running pods here that policies could tell apart.".to_owned(),
        );
    }
    if report.dry_run {
        let s = if all == 1 { "" } else { "s" };
        return (BOLD, format!("{all} connection{s} would be tried; nothing was."));
    }
    let of =
        |many: usize| if many == 1 { "1 differs".to_owned() } else { format!("{many} differ") };
    match (report.differing, report.not_known) {
        (0, 0) => (GOOD, format!("{all} of {all} as predicted.")),
        (0, unknown) => (DOUBT, format!("{known} of {all} as predicted, {unknown} not known.")),
        (some, 0) => {
            (DOUBT, format!("{} from what is predicted, {known} of {all} as predicted.", of(some)))
        }
        (some, unknown) => (
            DOUBT,
            format!(
                "{} from what is predicted, {known} of {all} as predicted, {unknown} not known.",
                of(some)
            ),
        ),
    }
}

fn mark(row: &ProbeRow) -> &'static str {
    match row.as_predicted {
        AsPredicted::Yes => "✓",
        AsPredicted::No => "≠",
        AsPredicted::Unknown => "?",
        AsPredicted::NotCompared => "-",
    }
}

fn cells(row: &ProbeRow) -> [Vec<Line>; 5] {
    let seen = match (row.seen, row.as_predicted) {
        (Some(seen), _) => seen.as_str(),
        (None, AsPredicted::NotCompared) => "",
        (None, _) => "not known",
    };
    let predicted = row.predicted.as_str().to_lowercase();
    let to = format!("{} {}/{}", row.destination.label, row.port, row.protocol);
    let cell = |text: &str| vec![Line::new(0, text)];
    [cell(mark(row)), cell(&predicted), cell(seen), cell(&row.source.label), cell(&to)]
}

/// That what got there was refused, which a plugin that rejects would do, too.
fn refused(screen: &mut Screen, report: &ProbeReport) {
    let so =
        |row: &&ProbeRow| row.as_predicted == AsPredicted::Yes && row.seen == Some(Seen::Refused);
    let many = report.rows.iter().filter(so).count();
    if many > 0 {
        screen.blank();
        let were = if many == 1 { "was" } else { "were" };
        let text = format!(
            "{many} {were} refused as predicted to pass: it got there and nothing listens, unless something \
             rejects it in the same way."
        );
        screen.words(0, 2, &[(PLAIN, &text)]);
    }
}

/// Why these differ, or are not known, all for the same reason.
fn details(screen: &mut Screen, rows: &[&ProbeRow]) {
    let Some(first) = rows.first() else { return };
    if !matches!(first.as_predicted, AsPredicted::No | AsPredicted::Unknown) {
        return;
    }
    screen.blank();
    for row in rows {
        let port = format!("{}/{}", row.port, row.protocol);
        let flow = format!("{} → {} {port}", row.source.label, row.destination.label);
        screen.words(0, 4, &[(DOUBT, mark(row)), (BOLD, &flow)]);
        let mut how = format!("from {} to {} {port}", row.pod, row.dialled);
        if let (Some(seen), Some(by)) = (row.seen, &row.by) {
            how = format!("{} by {by}, {how}", seen.as_str());
        }
        screen.words(2, 4, &[(PLAIN, &how)]);
    }
    if let Some(why) = &first.why {
        screen.words(2, 4, &[(DOUBT, "not known:"), (PLAIN, why)]);
    }
    if let Some(message) = &first.message {
        screen.words(2, 4, &[(PLAIN, "predicted:"), (PLAIN, message)]);
    }
    for guess in &first.likely {
        screen.words(2, 4, &[(DOUBT, "likely:"), (PLAIN, guess)]);
    }
}
