//! What came of holding a program to tables, as text.
//!
//! In: a [`Tally`] for each table. Out: a line for each, then why flows have no answer, then what differs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::Settled;
use super::tables::Flow;
use crate::tools::workspace;

/// How wide an answer is.
const WIDTH: usize = 80;

/// How a table went.
#[derive(Default)]
pub(super) struct Tally {
    table: &'static str,
    /// How many clusters it has.
    cases: usize,
    agree: usize,
    differ: Vec<Shown>,
    known: BTreeMap<String, usize>,
    open: BTreeMap<String, usize>,
    not_asked: BTreeMap<&'static str, usize>,
}

/// Both answers, in letters.
#[derive(Debug, PartialEq)]
pub(super) struct Difference {
    pub(super) table: String,
    pub(super) tool: String,
}

/// A difference as it is told.
struct Shown {
    line: usize,
    flow: String,
    is: Difference,
    kept: PathBuf,
}

impl Tally {
    /// A table of so many clusters.
    pub(super) fn new(table: &'static str, cases: usize) -> Self {
        Self { table, cases, ..Self::default() }
    }

    /// Counts a flow that is not asked.
    pub(super) fn leave_out(&mut self, why: &'static str) {
        *self.not_asked.entry(why).or_default() += 1;
    }

    /// Counts an answer of a cluster, which is in that line and directory.
    pub(super) fn count(&mut self, flow: &Flow, (line, kept): (usize, &Path), settled: Settled) {
        match settled {
            Settled::Agrees => self.agree += 1,
            Settled::Known(name) => *self.known.entry(name).or_default() += 1,
            Settled::Open(why) => *self.open.entry(kind(&why)).or_default() += 1,
            Settled::Differs(is) => {
                let Flow { from, to, family, protocol, port, .. } = flow;
                let flow = format!("{from} → {to} {port}/{protocol} {family}");
                let kept = kept.strip_prefix(workspace()).unwrap_or(kept).to_owned();
                self.differ.push(Shown { line, flow, is, kept });
            }
        }
    }

    fn counts(&self) -> [usize; 6] {
        let (known, open) = (self.known.values().sum(), self.open.values().sum());
        let (agree, differ) = (self.agree, self.differ.len());
        [self.cases, agree + differ + known + open, agree, differ, known, open]
    }
}

/// Words of a program without what it quotes, so that those of one kind are counted together.
fn kind(words: &str) -> String {
    let mut all = String::new();
    for (i, part) in words.split('\'').enumerate() {
        match i % 2 {
            0 => all.push_str(part),
            _ => all.push_str("'…'"),
        }
    }
    all
}

/// 0 where nothing differs, 1 where something does, 2 where there was no answer at all.
pub(super) fn code(tallies: &[Tally]) -> u8 {
    let sums = tallies.iter().map(Tally::counts);
    let [agree, differ, known] =
        sums.fold([0; 3], |sums, [_, _, a, d, k, _]| [sums[0] + a, sums[1] + d, sums[2] + k]);
    match (differ, agree + known) {
        (0, 0) => 2,
        (0, _) => 0,
        _ => 1,
    }
}

/// All of it, with so many differences of each table.
pub(super) fn text(tool: &str, tallies: &[Tally], show: usize) -> String {
    let widest = tallies.iter().map(|it| it.table.len()).max().unwrap_or_default();
    let mut text = format!("{:widest$}", "table");
    let heads = ["cases", "asked", "agree", "differ", "known", "open"];
    for head in heads {
        let _ = write!(text, " {head:>5}");
    }
    for tally in tallies {
        let _ = write!(text, "\n{:widest$}", tally.table);
        for (count, head) in tally.counts().into_iter().zip(heads) {
            let _ = write!(text, " {count:>width$}", width = head.len().max(5));
        }
    }
    text.push('\n');
    let known = |it: &Tally| it.known.clone();
    let open = |it: &Tally| it.open.clone();
    let not_asked =
        |it: &Tally| it.not_asked.iter().map(|(why, count)| ((*why).to_owned(), *count)).collect();
    reasons(&mut text, "not asked", tallies, &not_asked);
    reasons(&mut text, "open: there is no answer", tallies, &open);
    reasons(&mut text, "known: the table's engine departs from what is specified", tallies, &known);
    for tally in tallies.iter().filter(|it| !it.differ.is_empty()) {
        differences(&mut text, tool, tally, show);
    }
    let [differ, open] = tallies.iter().map(Tally::counts).fold([0; 2], |sums, counts| {
        let [_, _, _, differ, _, open] = counts;
        [sums[0] + differ, sums[1] + open]
    });
    text.push('\n');
    let _ = match differ {
        0 if code(tallies) == 2 => write!(text, "{tool} answered nothing"),
        0 => write!(text, "nothing differs"),
        1 => write!(text, "1 answer differs"),
        all => write!(text, "{all} answers differ"),
    };
    if open > 0 && code(tallies) < 2 {
        let _ = write!(text, "; {open} have no answer");
    }
    text
}

/// What differs of a table: the first flow of each of the first clusters.
fn differences(text: &mut String, tool: &str, tally: &Tally, show: usize) {
    let Tally { table, differ, .. } = tally;
    let mut first: BTreeMap<usize, &Shown> = BTreeMap::new();
    for shown in differ {
        first.entry(shown.line).or_insert(shown);
    }
    let (all, clusters) = (differ.len(), first.len());
    let of = if all == 1 { "differs" } else { "differ" };
    let _ = write!(text, "\n{table}: {all} {of}, in {clusters} of {} clusters", tally.cases);
    let _ = match show.min(clusters) {
        0 => writeln!(text),
        shown if shown == clusters => writeln!(text, ":"),
        shown => writeln!(text, "; of the first {shown}:"),
    };
    for Shown { line, flow, is, kept } in first.into_values().take(show) {
        let (says, said) = (words(&is.table), words(&is.tool));
        let _ = writeln!(text, "  line {line}: {flow}");
        let _ = writeln!(text, "    the table: {says}\n    {tool}: {said}\n    {}", kept.display());
    }
}

/// Reasons with how many flows each has, over all tables.
fn reasons(
    text: &mut String,
    head: &str,
    tallies: &[Tally],
    of: &dyn Fn(&Tally) -> BTreeMap<String, usize>,
) {
    let mut all: BTreeMap<String, usize> = BTreeMap::new();
    for (why, count) in tallies.iter().flat_map(of) {
        *all.entry(why).or_default() += count;
    }
    if all.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{head}");
    for (why, count) in all {
        let line = format!("{count:>7}  {why}");
        let cut = match line.char_indices().nth(WIDTH) {
            Some(_) => line.chars().take(WIDTH - 1).chain(['…']).collect(),
            None => line,
        };
        let _ = writeln!(text, "{cut}");
    }
}

/// Letters in words.
fn words(letters: &str) -> String {
    let word = |letter: char| match letter {
        'a' => "allowed",
        'c' => "allowed on a condition",
        'd' => "denied",
        '!' => "ambiguous",
        _ => "not known",
    };
    match *letters.chars().collect::<Vec<_>>() {
        [egress, ingress] => format!("egress {}, ingress {}", word(egress), word(ingress)),
        [whole] => word(whole).into(),
        _ => letters.to_owned(),
    }
}
