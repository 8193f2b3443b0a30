//! One page to look at: a map of the answer, with a table of its rows that reads without scripts too.
//!
//! In: an answer, or a list with tests and what was seen. Out: the page of `map/`, which `cargo xtask map`
//! bundles into one asset with slots, with the answers as JSON, their text (`beside.rs` has that of tests)
//! and their rows (`rows.rs`) in them. The page asks nobody for anything.

mod beside;
mod rows;

use super::escape::html;
use super::{Page, text};
use netpol::answer::{By, DiffReport, FlowList, IntentReport, MissingReport, ObservedSummary};
use netpol::printable::printable_json;
use netpol::prose;
use rows::{Cells, change_cells, entrance_cells, flow_cells, seen_cells, test_cells};
use serde::Serialize;
use serde_json::ser::Formatter;
use std::collections::HashSet;
use std::io::{self, Write};

/// The page, with slots `{{NAME}}`.
const PAGE: &str = include_str!("../assets/map.html");

/// So many rows read without scripts, and so many stand in the answer as text.
const MOST_ROWS: usize = 2000;

/// The columns of the answer as text.
const COLUMNS: usize = 100;

/// What fills the slots.
#[derive(Default)]
struct Slots<'a> {
    title: String,
    /// Sentences, each with whether it is a doubt.
    said: Vec<(bool, String)>,
    /// The answer as text, with the first rows.
    text: String,
    /// The list of tests.
    tests: String,
    /// The answers of tests and of what was seen, beside the first one.
    beside: Pictured<'a>,
}

/// Rows of the table, and how many there are.
struct Rows<'a> {
    all: &'a mut dyn Iterator<Item = Cells>,
    count: usize,
}

/// What one page shows: who may talk to whom, with tests and what was seen beside it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pictured<'a> {
    /// The flows.
    pub list: Option<&'a FlowList>,
    /// What became of tests.
    pub tests: Option<&'a IntentReport>,
    /// What was seen.
    pub observed: Option<&'a ObservedSummary>,
}

/// Who may talk to whom, with what is beside it.
pub fn pictured(shown: Pictured<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Pictured { list, tests, observed } = shown;
    let mut written = Vec::new();
    let mut said = Vec::new();
    if let Some(tests) = tests {
        written.push(text::intent(tests, COLUMNS, true));
        said.extend(doubts(&tests.missing, &[(tests.warnings.len(), "warnings of tests")]));
    }
    if let Some(observed) = observed {
        written.push(text::observed_summary_text(observed, COLUMNS));
        said.extend(beside::seen(observed));
    }
    if let Some(list) = list {
        written.push(list_text(list)?);
        said.extend(doubts_of_list(list));
    }
    // Of one input both answers say the same.
    let mut known = HashSet::new();
    said.retain(|sentence| known.insert(sentence.clone()));
    let of_tests: Vec<Cells> =
        tests.iter().flat_map(|report| &report.tests).flat_map(test_cells).collect();
    let seen: Vec<Cells> =
        observed.iter().flat_map(|summary| &summary.rows).filter_map(seen_cells).collect();
    let (flows, entrances) =
        list.map_or((&[][..], &[][..]), |list| (&list.flows[..], &list.entrances[..]));
    let rows = Rows {
        count: of_tests.len() + seen.len() + flows.len() + entrances.len(),
        all: &mut of_tests
            .into_iter()
            .chain(flows.iter().map(flow_cells))
            .chain(entrances.iter().map(entrance_cells))
            .chain(seen),
    };
    let title = match (tests, observed) {
        (Some(_), _) => "What is meant, and who may talk to whom",
        (None, Some(_)) => "Who may talk to whom, and who does",
        (None, None) => "Who may talk to whom",
    };
    let slots = Slots {
        title: title.to_owned(),
        said,
        text: plain(written.join("\n").as_bytes()),
        tests: tests.map(beside::tests).unwrap_or_default(),
        beside: if list.is_some() { Pictured { list: None, ..shown } } else { Pictured::default() },
    };
    match (list, tests, observed) {
        (Some(list), _, _) => write(list, slots, rows, out),
        (None, Some(tests), _) => write(tests, slots, rows, out),
        (None, None, Some(observed)) => write(observed, slots, rows, out),
        (None, None, None) => Ok(()),
    }
}

/// The answer of a list as text, with its first rows.
fn list_text(list: &FlowList) -> io::Result<String> {
    let mut first = list.clone();
    first.flows.truncate(MOST_ROWS);
    let mut text = Vec::new();
    text::list(&first, COLUMNS, true, &mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn doubts_of_list(list: &FlowList) -> Vec<(bool, String)> {
    let known = "Only pods that are known were looked at, and none that may come";
    let known = list.known_only.then(|| (true, known.to_owned()));
    let beside = [
        (list.not_protected.len(), "what is not isolated"),
        (list.unmatched.len(), "rules that match nobody who is known"),
        (list.only_others.len(), "rules that let others through only"),
        (list.dead.len(), "selectors that match nobody"),
        (list.warnings.len(), "warnings"),
    ];
    let folded = [
        (list.by == By::Namespace, "Rows are between namespaces: which workloads is not told"),
        (list.exposed, "Only what is open to the whole cluster or to the outside has rows"),
    ];
    let folded = folded.into_iter().filter(|(is, _)| *is).map(|(_, said)| (false, said.to_owned()));
    folded.chain(known).chain(doubts(&list.missing, &beside)).collect()
}

/// What a change opens and closes.
pub(super) fn diff(report: &DiffReport, page: Page, out: &mut dyn Write) -> io::Result<()> {
    let mut first = report.clone();
    first.changes.truncate(MOST_ROWS);
    let text = text::diff(&first, COLUMNS, page.brief, false);
    let beside = [
        (report.new.only_here.len(), "who came"),
        (report.old.only_here.len(), "who went"),
        (report.elsewhere.len(), "what opens only where a policy isolates that is not here"),
        (report.system.len(), "what the API server calls"),
        (report.renamed.len(), "namespaces with another name"),
        (report.warnings.len(), "warnings"),
    ];
    let tests = report.tests.iter().flat_map(|tests| &tests.worse);
    let tests: Vec<Cells> = tests.flat_map(test_cells).collect();
    let rows = Rows {
        count: tests.len() + report.changes.len(),
        all: &mut tests.into_iter().chain(report.changes.iter().map(change_cells)),
    };
    let slots = Slots {
        title: format!("What changes from {} to {}", report.old.name, report.new.name),
        said: doubts(&report.missing, &beside),
        text: plain(text.as_bytes()),
        tests: report.tests.as_ref().map(beside::tests_of_change).unwrap_or_default(),
        beside: Pictured::default(),
    };
    write(report, slots, rows, out)
}

/// Text without its styles.
fn plain(text: &[u8]) -> String {
    String::from_utf8_lossy(&anstream::adapter::strip_bytes(text).into_vec()).into_owned()
}

/// What is not known, and of what no row is, in sentences that are doubts.
fn doubts(missing: &[MissingReport], beside: &[(usize, &str)]) -> Vec<(bool, String)> {
    let missing = missing.iter().map(|one| format!("Not known: {}", one.message));
    let there = beside.iter().filter(|(count, _)| *count > 0);
    let there: Vec<String> = there.map(|(count, what)| format!("{what} ({count})")).collect();
    let beside = format!("No row shows {}: the answer as text does", prose::list(&there, "and"));
    let all = missing.chain((!there.is_empty()).then_some(beside));
    all.map(|sentence| (true, sentence)).collect()
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

/// Writes the page with its slots filled, as they come.
fn write(
    answer: &impl Serialize,
    slots: Slots<'_>,
    rows: Rows<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Slots { title, said, text, tests, beside } = slots;
    let Rows { all, count } = rows;
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
    write!(out, "{} – kubectl netpol", html(&title))?;
    up_to("HEADING", out)?;
    write!(out, "<bdi>{}</bdi>", html(&title))?;
    up_to("INTRO", out)?;
    for (doubt, sentence) in &said {
        let class = if *doubt { "unknown" } else { "said" };
        write!(out, "<p class=\"{class}\"><bdi>{}</bdi>.</p>", html(sentence))?;
    }
    let lines: Vec<String> = text.lines().map(html).collect();
    let text = lines.join("\n");
    let more = count > MOST_ROWS;
    let first = if more { format!(", with the first {MOST_ROWS} rows") } else { String::new() };
    write!(
        out,
        "<details><summary>The answer as text{first}</summary><pre tabindex=\"0\">{text}</pre></details>"
    )?;
    up_to("TESTS", out)?;
    out.write_all(tests.as_bytes())?;
    up_to("MANY", out)?;
    if more {
        write!(
            out,
            "<noscript><p>The first {MOST_ROWS} of {count} rows; with scripts, all of them.</p></noscript>"
        )?;
    }
    up_to("ROWS", out)?;
    for cells in all.take(MOST_ROWS) {
        let cells = cells.map(|cell| format!("<td><bdi>{}</bdi></td>", html(&cell)));
        writeln!(out, "<tr>{}</tr>", cells.concat())?;
    }
    up_to("ANSWER", out)?;
    json(answer, out)?;
    up_to("TESTED", out)?;
    beside.tests.map_or(Ok(()), |tests| json(tests, out))?;
    up_to("SEEN", out)?;
    beside.observed.map_or(Ok(()), |seen| json(seen, out))?;
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
        for slot in
            ["TITLE", "HEADING", "INTRO", "TESTS", "MANY", "ROWS", "ANSWER", "TESTED", "SEEN"]
        {
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
