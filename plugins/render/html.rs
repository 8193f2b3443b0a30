//! One page to look at: a map of the answer, with a table of its rows that reads without scripts too.
//!
//! In: an answer. Out: the page of `map/`, which `cargo xtask map` bundles into one asset with slots,
//! with the answer as JSON, its text and its rows in them. The page asks nobody for anything.

use super::cells::diff::ports;
use super::cells::list::{entrance_fields, fields};
use super::escape::html;
use super::{Page, text};
use netpol::answer::{
    ChangeKind, ChangeReport, DiffReport, FlowList, ListedFlow, MissingReport, Outcome,
};
use netpol::printable::printable_json;
use netpol::prose;
use netpol::verdict::Verdict;
use serde::Serialize;
use serde_json::ser::Formatter;
use std::io::{self, Write};

/// The page, with slots `{{NAME}}`.
const PAGE: &str = include_str!("../assets/map.html");

/// So many rows read without scripts, and so many stand in the answer as text.
const MOST_ROWS: usize = 2000;

/// The columns of the answer as text.
const COLUMNS: usize = 100;

/// A row of the table: source, destination, ports, verdict, why.
type Cells = [String; 5];

/// What fills the slots.
struct Slots<'a> {
    title: &'a str,
    /// Sentences on what is not known, and on what no row shows.
    said: Vec<String>,
    /// The answer as text, with the first rows.
    text: String,
    rows: &'a mut dyn Iterator<Item = Cells>,
    count: usize,
}

/// Who may talk to whom.
pub(super) fn list(list: &FlowList, out: &mut dyn Write) -> io::Result<()> {
    let entrances = list.entrances.iter().map(|entrance| {
        let [source, destination, ports, _, _, why, _, by] = entrance_fields(entrance);
        let verdict = match entrance.verdict {
            Outcome::Allowed => "Way in",
            Outcome::Denied => "Way in, denied",
            _ => "Not known",
        };
        let why = if why.is_empty() { by } else { why };
        [source, destination, ports, verdict.to_owned(), why]
    });
    let mut first = list.clone();
    first.flows.truncate(MOST_ROWS);
    let mut text = Vec::new();
    text::list(&first, COLUMNS, true, &mut text)?;
    let known = "Only pods that are known were looked at, and none that may come";
    let known = list.known_only.then(|| known.to_owned());
    let beside = [
        (list.not_protected.len(), "what is not isolated"),
        (list.unmatched.len(), "rules that match nobody who is known"),
        (list.only_others.len(), "rules that let others through only"),
        (list.dead.len(), "selectors that match nobody"),
        (list.warnings.len(), "warnings"),
    ];
    let slots = Slots {
        title: "Who may talk to whom",
        said: known.into_iter().chain(said(&list.missing, &beside)).collect(),
        text: plain(&text),
        rows: &mut list.flows.iter().map(cells).chain(entrances),
        count: list.flows.len() + list.entrances.len(),
    };
    write(list, slots, out)
}

/// What a change opens and closes.
pub(super) fn diff(report: &DiffReport, page: Page, out: &mut dyn Write) -> io::Result<()> {
    let mut first = report.clone();
    first.changes.truncate(MOST_ROWS);
    let text = text::diff(&first, COLUMNS, page.brief, false);
    let title = format!("What changes from {} to {}", report.old.name, report.new.name);
    let beside = [
        (report.new.only_here.len(), "who came"),
        (report.old.only_here.len(), "who went"),
        (report.elsewhere.len(), "what opens only where a policy isolates that is not here"),
        (report.system.len(), "what the API server calls"),
        (report.renamed.len(), "namespaces with another name"),
        (report.warnings.len(), "warnings"),
    ];
    let slots = Slots {
        title: &title,
        said: said(&report.missing, &beside),
        text: plain(text.as_bytes()),
        rows: &mut report.changes.iter().map(change_cells),
        count: report.changes.len(),
    };
    write(report, slots, out)
}

/// Text without its styles.
fn plain(text: &[u8]) -> String {
    String::from_utf8_lossy(&anstream::adapter::strip_bytes(text).into_vec()).into_owned()
}

/// What is not known, and of what no row is.
fn said(missing: &[MissingReport], beside: &[(usize, &str)]) -> Vec<String> {
    let missing = missing.iter().map(|one| format!("Not known: {}", one.message));
    let there = beside.iter().filter(|(count, _)| *count > 0);
    let there: Vec<String> = there.map(|(count, what)| format!("{what} ({count})")).collect();
    let beside = format!("No row shows {}: the answer as text does", prose::list(&there, "and"));
    missing.chain((!there.is_empty()).then_some(beside)).collect()
}

/// How many bytes an answer takes in a page.
pub(super) fn weight(answer: &impl Serialize) -> io::Result<u64> {
    let mut count = Count(0);
    json(answer, &mut count)?;
    Ok(count.0)
}

struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn cells(flow: &ListedFlow) -> Cells {
    let [source, destination, ports, _, family, why, conditions, by] = fields(flow);
    let verdict = match flow.verdict {
        Verdict::Unknown => "Not known",
        _ if !flow.conditions.is_empty() => "On a condition",
        _ => "Allowed",
    };
    let ports = if family.is_empty() { ports } else { format!("{ports} ({family})") };
    let conditions = Some(format!("only {conditions}")).filter(|_| !flow.conditions.is_empty());
    let by = Some(by).filter(|by| !by.is_empty());
    let own = [why].into_iter().filter(|why| !why.is_empty());
    let decided = flow.witness.iter().flat_map(|it| [&it.egress, &it.ingress]);
    let decided = decided.map(|direction| direction.message.clone());
    let told: Vec<String> = if flow.reason.is_some() || flow.verdict == Verdict::Unknown {
        own.collect()
    } else {
        decided.collect()
    };
    let why: Vec<String> = told.into_iter().chain(conditions).chain(by).collect();
    [source, destination, ports, verdict.to_owned(), why.join("; ")]
}

fn change_cells(change: &ChangeReport) -> Cells {
    let verdict = match change.change {
        ChangeKind::Opened => "Opens",
        ChangeKind::Closed => "Closes",
        ChangeKind::Conditions => "Changes its condition",
        ChangeKind::Unknown => "Not known any more",
    };
    let why: Vec<&str> = change.reasons.iter().map(|reason| reason.message.as_str()).collect();
    let why = match why.as_slice() {
        [] if change.also => "by the same rule as the change before it".to_owned(),
        why => why.join("; "),
    };
    let (from, to) = (change.from.label.clone(), change.to.label.clone());
    [from, to, ports(change), verdict.to_owned(), why]
}

/// Writes the page with its slots filled, as they come.
fn write(answer: &impl Serialize, slots: Slots<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Slots { title, said, text, rows, count } = slots;
    let mut rest = PAGE;
    let mut up_to = |slot: &str, out: &mut dyn Write| {
        let marker = format!("{{{{{slot}}}}}");
        let (before, after) = rest
            .split_once(&marker)
            .ok_or_else(|| io::Error::other(format!("the page has no place for {slot}")))?;
        rest = after;
        out.write_all(before.as_bytes())
    };
    up_to("TITLE", out)?;
    write!(out, "{} – kubectl netpol", html(title))?;
    up_to("HEADING", out)?;
    write!(out, "<bdi>{}</bdi>", html(title))?;
    up_to("INTRO", out)?;
    for sentence in &said {
        write!(out, "<p class=\"unknown\"><bdi>{}</bdi>.</p>", html(sentence))?;
    }
    let lines: Vec<String> = text.lines().map(html).collect();
    let text = lines.join("\n");
    let more = count > MOST_ROWS;
    let first = if more { format!(", with the first {MOST_ROWS} rows") } else { String::new() };
    write!(
        out,
        "<details><summary>The answer as text{first}</summary><pre tabindex=\"0\">{text}</pre></details>"
    )?;
    up_to("MANY", out)?;
    if more {
        write!(
            out,
            "<noscript><p>The first {MOST_ROWS} of {count} rows; with scripts, all of them.</p></noscript>"
        )?;
    }
    up_to("ROWS", out)?;
    for cells in rows.take(MOST_ROWS) {
        let cells = cells.map(|cell| format!("<td><bdi>{}</bdi></td>", html(&cell)));
        writeln!(out, "<tr>{}</tr>", cells.concat())?;
    }
    up_to("ANSWER", out)?;
    json(answer, out)?;
    out.write_all(rest.as_bytes())
}

/// An answer within an element of the page.
fn json(answer: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Within);
    answer.serialize(&mut serializer)?;
    Ok(())
}

/// JSON without anything that an element could end with, or that is unseen; the values stay what they
/// were.
struct Within;

impl Formatter for Within {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        let text = printable_json(text);
        let mut rest = text.as_ref();
        while let Some(at) = rest.find(['<', '>', '&']) {
            let (before, from) = rest.split_at(at);
            out.write_all(before.as_bytes())?;
            let mut letters = from.chars();
            if let Some(letter) = letters.next() {
                write!(out, "\\u{:04x}", u32::from(letter))?;
            }
            rest = letters.as_str();
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_slot_once_and_in_order() {
        let mut at = 0;
        for slot in ["TITLE", "HEADING", "INTRO", "MANY", "ROWS", "ANSWER"] {
            let marker = format!("{{{{{slot}}}}}");
            let found: Vec<usize> = PAGE.match_indices(&marker).map(|(at, _)| at).collect();
            assert_eq!(found.len(), 1, "{slot}");
            assert!(found[0] > at, "{slot}");
            at = found[0];
        }
        // Nothing that could be asked for.
        assert!(PAGE.contains("default-src 'none'"));
        assert!(PAGE.len() < 600_000, "{}", PAGE.len());
    }

    #[test]
    fn nothing_in_an_answer_ends_its_element() {
        let hostile = "</script><script>alert(1)</script><!-- & \u{2028}\u{202e}\u{1b}";
        let mut out = Vec::new();
        json(&[hostile], &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains(['<', '>', '&', '\u{2028}', '\u{202e}', '\u{1b}']), "{text}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), [hostile]);
        assert_eq!(weight(&[hostile]).unwrap(), text.len() as u64);
    }
}
