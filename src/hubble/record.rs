//! Records, line by line, with bounded memory.
//!
//! In: any reader. Out: [`Record`]s in batches; a line that is too long is counted, not kept.

use super::decode::decode;
use super::flow::Flow;
use super::plain::is_header;
use crate::printable::printable;
use std::io::{self, BufRead, BufReader, Read};

/// The longest line that is read. A flow has some 2 KB; the CLI itself gives up at 64 KiB.
const LONGEST: usize = 1 << 20;

/// How much is read at once.
const CHUNK: usize = 256 << 10;

/// How many records go on together at most.
const BATCH: usize = 256;

/// Of a line that cannot be read so much is shown.
const SHOWN: usize = 60;

/// What one line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A flow.
    Flow(Box<Flow>),
    /// Events that Hubble could not keep: what is not seen may have happened.
    Lost {
        /// How many.
        count: u64,
        /// Where they were lost, such as `HUBBLE_RING_BUFFER`.
        source: Box<str>,
        /// The node; empty where it is not said.
        node: Box<str>,
    },
    /// Nodes come and go.
    Nodes(NodeState),
    /// A line that is none of these.
    Unreadable(Excerpt),
    /// A line of more than a mebibyte.
    TooLong,
}

/// What the relay says of nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeState {
    /// Such as `NODE_UNAVAILABLE`.
    pub state: Box<str>,
    /// Which.
    pub nodes: Vec<Box<str>>,
    /// Why.
    pub message: Box<str>,
}

impl NodeState {
    /// Whether flows of these nodes are missing.
    pub fn is_trouble(&self) -> bool {
        matches!(&*self.state, "NODE_UNAVAILABLE" | "NODE_ERROR" | "2" | "4")
    }
}

/// The beginning of a line, with what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The beginning, fit to be shown.
    pub text: Box<str>,
    /// What is wrong.
    pub why: Box<str>,
}

impl Excerpt {
    pub(super) fn new(line: &[u8], why: &str) -> Self {
        let start = line.get(..SHOWN).unwrap_or(line);
        let text = String::from_utf8_lossy(start);
        let dots = if start.len() < line.len() { "…" } else { "" };
        Self { text: format!("{}{dots}", printable(&text)).into(), why: why.into() }
    }
}

/// Reads to the end. `take` gets what was read so far whenever more would have to be waited for; it
/// says whether to go on.
pub fn read(source: impl Read, mut take: impl FnMut(Vec<Record>) -> bool) -> io::Result<()> {
    let mut source = BufReader::with_capacity(CHUNK, source);
    let mut line = Vec::new();
    let mut batch = Vec::new();
    loop {
        let more = next_line(&mut source, &mut line)?;
        match more {
            Line::End => break,
            Line::TooLong => batch.push(Record::TooLong),
            Line::Whole => {
                let text = line.trim_ascii();
                if !text.is_empty() && !is_header(text) {
                    batch.push(decode(text));
                }
            }
        }
        let waits = memchr::memchr(b'\n', source.buffer()).is_none();
        if (waits || batch.len() >= BATCH) && !batch.is_empty() && !take(std::mem::take(&mut batch))
        {
            return Ok(());
        }
    }
    if !batch.is_empty() {
        take(batch);
    }
    Ok(())
}

enum Line {
    Whole,
    TooLong,
    End,
}

/// Reads one line into `line`; of one that is too long nothing is kept.
fn next_line(source: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    let mut too_long = false;
    let mut begun = false;
    loop {
        let chunk = match source.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() {
            return Ok(match (begun, too_long) {
                (false, _) => Line::End,
                (true, true) => Line::TooLong,
                (true, false) => Line::Whole,
            });
        }
        begun = true;
        let end = memchr::memchr(b'\n', chunk);
        let taken = end.unwrap_or(chunk.len());
        if line.len() + taken > LONGEST {
            too_long = true;
            line.clear();
            line.shrink_to(CHUNK);
        } else if !too_long && let Some(part) = chunk.get(..taken) {
            line.extend_from_slice(part);
        }
        source.consume(taken + usize::from(end.is_some()));
        if end.is_some() {
            return Ok(if too_long { Line::TooLong } else { Line::Whole });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(source: impl Read) -> Vec<Record> {
        let mut records = Vec::new();
        read(source, |batch| {
            records.extend(batch);
            true
        })
        .unwrap();
        records
    }

    const FLOW: &str = r#"{"flow":{"verdict":"FORWARDED"}}"#;

    /// docs/semantics/hubble.md#recordings: the CLI stops at a line of 64 KiB; we do not.
    #[test]
    fn long_lines_are_read_and_longer_ones_counted() {
        let long = format!(r#"{{"flow":{{"verdict":"DROPPED","x":"{}"}}}}"#, "y".repeat(100_000));
        let longer = "z".repeat(3 * LONGEST);
        let text = format!("{FLOW}\n{long}\r\n\n{longer}\n{FLOW}\n{longer}");
        let records = all(text.as_bytes());
        let kinds: Vec<u8> = records
            .iter()
            .map(|record| match record {
                Record::Flow(_) => 0,
                Record::TooLong => 1,
                _ => 2,
            })
            .collect();
        assert_eq!(kinds, [0, 0, 1, 0, 1]);
    }

    #[test]
    fn a_line_goes_on_at_once_and_the_reader_can_be_stopped() {
        // One byte at a time: nothing more is there when a line is whole.
        struct Slow<'a>(&'a [u8]);
        impl Read for Slow<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let (Some(first), Some(rest)) = (self.0.first(), self.0.get(1..)) else {
                    return Ok(0);
                };
                buffer[0] = *first;
                self.0 = rest;
                Ok(1)
            }
        }
        let text = format!("{FLOW}\n{FLOW}\nrubbish");
        let mut sizes = Vec::new();
        read(Slow(text.as_bytes()), |batch| {
            sizes.push(batch.len());
            true
        })
        .unwrap();
        assert_eq!(sizes, [1, 1, 1]);
        let endless = FLOW.to_owned() + "\n";
        let mut count = 0;
        read(Slow(endless.repeat(1000).as_bytes()), |_| {
            count += 1;
            count < 3
        })
        .unwrap();
        assert_eq!(count, 3);
    }

    #[test]
    fn excerpts_are_short_and_cannot_steer() {
        let Some(Record::Unreadable(excerpt)) = all("\u{1b}[31m é\n".as_bytes()).pop() else {
            panic!();
        };
        assert_eq!(&*excerpt.text, "\\u{1b}[31m é");
        let long = Excerpt::new("x".repeat(100).as_bytes(), "why");
        assert!(long.text.len() <= SHOWN + "…".len() && long.text.ends_with('…'));
    }
}
