//! One run of `observe`: records in, lines out.
//!
//! In: batches of records, states of the cluster and the wish to end, whichever comes first. Out:
//! lines on stdout as they come, or one table at the end; what is missing on stderr. Memory does not
//! grow with the number of flows.

use super::live::Live;
use crate::cli::{ColorChoice, Input, Progress, Told, answer, warn, width};
use crate::render::{Format, json_line, lost_text, observation_text, observed_summary_text};
use jiff::Timestamp;
use netpol::answer::{LostEvents, ObservedFlow, ObservedSummary, Observer, Summary};
use netpol::hubble::{Excerpt, Filter, Flow, Pairs, Record, Window};
use netpol_sources::hubble::Error;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Between two words on lost events so much time passes.
const BETWEEN_WARNINGS: Duration = Duration::from_secs(10);

/// What a source of records sends.
pub(super) enum Incoming {
    /// Records.
    Some(Vec<Record>),
    /// There are no more, or they cannot be read.
    End(io::Result<()>),
}

/// What comes next in a run.
enum Next {
    /// Another state of the cluster.
    State(Box<Input>),
    /// Nothing.
    End(Finish),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// There was no more.
    Over,
    /// Somebody wanted it to end.
    Interrupted,
}

/// Reads a recording in a thread of its own.
pub(super) fn read_file(path: &Path, send: mpsc::Sender<Incoming>) -> Result<(), Error> {
    let stdin = path.as_os_str() == "-";
    let failed = |source| Error::Input { path: path.to_owned(), source };
    let file = if stdin { None } else { Some(File::open(path).map_err(failed)?) };
    std::thread::spawn(move || {
        let take = |batch| send.blocking_send(Incoming::Some(batch)).is_ok();
        let read = match file {
            Some(file) => netpol::hubble::read(file, take),
            None => netpol::hubble::read(io::stdin().lock(), take),
        };
        let _ = send.blocking_send(Incoming::End(read));
    });
    Ok(())
}

/// What is counted and kept while flows come.
pub(super) struct Session {
    color: ColorChoice,
    format: Format,
    width: usize,
    filter: Filter,
    window: Window,
    /// Of a recording only the last flows are wanted: they are held until its end.
    held: Option<VecDeque<Box<Flow>>>,
    pairs: Pairs,
    summary: Option<Summary>,
    /// Flows read.
    read: u64,
    /// When the last of them was.
    latest: Option<Timestamp>,
    /// Flows shown or counted.
    shown: u64,
    /// Flows that are asked for and whose event no policy decides.
    other_events: u64,
    unreadable: u64,
    first_unreadable: Option<Excerpt>,
    too_long: u64,
    lost: Lost,
    /// Who read the answer wants no more of it.
    closed: bool,
    /// Says that flows are waited for, until there is something to say.
    waiting: Option<Progress>,
}

/// Lost events that were not yet told.
#[derive(Default)]
struct Lost {
    count: u64,
    source: Box<str>,
    node: Box<str>,
    told: Option<Instant>,
}

impl Session {
    pub(super) fn new(color: ColorChoice, format: Format, summary: bool) -> Self {
        Self {
            color,
            format,
            width: width(),
            filter: Filter::default(),
            window: Window::default(),
            held: None,
            pairs: Pairs::default(),
            summary: summary.then(Summary::default),
            read: 0,
            latest: None,
            shown: 0,
            other_events: 0,
            unreadable: 0,
            first_unreadable: None,
            too_long: 0,
            lost: Lost::default(),
            closed: false,
            waiting: None,
        }
    }

    /// Says which flows are wanted; with `hold`, of a recording the last only.
    pub(super) fn wants(&mut self, filter: Filter, window: Window, hold: Option<Window>) {
        if let Some(summary) = &mut self.summary
            && filter.narrows()
        {
            summary.narrow();
        }
        (self.filter, self.window) = (filter, window);
        self.held = hold.map(|_| VecDeque::new());
    }

    /// How many flows were read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// What was counted, where that is wanted.
    pub(super) fn summary(&self) -> Option<ObservedSummary> {
        self.summary.as_ref().map(Summary::report)
    }

    /// Goes on until there is no more; gives back the last state of the cluster.
    pub(super) async fn run(
        &mut self,
        mut input: Input,
        mut live: Option<Live>,
        mut records: mpsc::Receiver<Incoming>,
        mut interrupt: Pin<&mut impl Future<Output = ()>>,
    ) -> anyhow::Result<(Finish, Input)> {
        self.waiting = Some(Progress::slow(self.color, "waiting for flows"));
        loop {
            let next = {
                let locate = input.locate();
                let mut observer = Observer::new(&input.snapshot, &input.rules, &*locate);
                loop {
                    tokio::select! {
                        biased;
                        () = interrupt.as_mut() => break Next::End(Finish::Interrupted),
                        next = state(live.as_mut()) => break Next::State(Box::new(next)),
                        incoming = records.recv() => match incoming {
                            Some(Incoming::Some(batch)) => {
                                self.take(&mut observer, batch)?;
                                if self.closed {
                                    break Next::End(Finish::Interrupted);
                                }
                            }
                            Some(Incoming::End(read)) => {
                                self.waiting = None;
                                self.release(&mut observer)?;
                                read?;
                                break Next::End(Finish::Over);
                            }
                            None => break Next::End(Finish::Over),
                        },
                    }
                }
            };
            match next {
                Next::State(next) => input = *next,
                Next::End(finish) => {
                    self.waiting = None;
                    return Ok((finish, input));
                }
            }
            tracing::debug!("the cluster changed: predictions are made anew");
        }
    }

    fn take(&mut self, observer: &mut Observer<'_>, batch: Vec<Record>) -> anyhow::Result<()> {
        let mut out = String::new();
        for record in batch {
            match record {
                Record::Flow(flow) => {
                    self.read += 1;
                    self.latest = self.latest.max(flow.time);
                    if !self.filter.has_event(&flow) {
                        let asked = self.filter.has(&flow) && self.window.has(&flow);
                        self.other_events += u64::from(asked);
                    } else if self.filter.has(&flow)
                        && self.window.has(&flow)
                        && !self.pairs.is_second(&flow)
                    {
                        match &mut self.held {
                            Some(held) => self.window.keep_last(held, flow),
                            None => self.show(observer, flow, &mut out)?,
                        }
                    }
                }
                Record::Lost { count, source, node } => {
                    self.lose(count, source, node, &mut out)?;
                }
                Record::Nodes(state) if state.is_trouble() => {
                    self.waiting = None;
                    let (nodes, why) = (state.nodes.join(", "), &state.message);
                    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
                    let text =
                        format!("no flows from node {nodes}{why}: what happens there is not shown");
                    warn(self.color, &text);
                }
                Record::Nodes(_) => {}
                Record::Unreadable(excerpt) => {
                    self.unreadable += 1;
                    self.first_unreadable.get_or_insert(excerpt);
                }
                Record::TooLong => self.too_long += 1,
            }
        }
        self.put(&out)
    }

    /// Shows what was held.
    fn release(&mut self, observer: &mut Observer<'_>) -> anyhow::Result<()> {
        let mut out = String::new();
        for flow in self.held.take().into_iter().flatten() {
            self.show(observer, flow, &mut out)?;
        }
        self.put(&out)
    }

    fn show(
        &mut self,
        observer: &mut Observer<'_>,
        flow: Box<Flow>,
        out: &mut String,
    ) -> anyhow::Result<()> {
        self.shown += 1;
        let observation = observer.observe(flow);
        match &mut self.summary {
            Some(summary) => summary.add(&observation),
            None if self.format == Format::Json => {
                out.push_str(&json_line(&ObservedFlow::new(&observation))?);
            }
            None => out.push_str(&observation_text(&observation, self.width)),
        }
        Ok(())
    }

    fn lose(
        &mut self,
        count: u64,
        source: Box<str>,
        node: Box<str>,
        out: &mut String,
    ) -> anyhow::Result<()> {
        match &mut self.summary {
            Some(summary) => summary.lose(count),
            None if self.format == Format::Json => {
                out.push_str(&json_line(&LostEvents::new(count, source, node))?);
            }
            None => {
                let lost = &mut self.lost;
                if lost.count == 0 || (lost.source == source && lost.node == node) {
                    (lost.source, lost.node) = (source, node);
                } else {
                    // Of several places none is named.
                    (lost.source, lost.node) = Default::default();
                }
                lost.count = lost.count.saturating_add(count);
                if lost.told.is_none_or(|told| told.elapsed() > BETWEEN_WARNINGS) {
                    self.put(out)?;
                    out.clear();
                    self.tell_lost();
                }
            }
        }
        Ok(())
    }

    fn tell_lost(&mut self) {
        if self.lost.count > 0 {
            self.waiting = None;
            warn(self.color, &lost_text(self.lost.count, &self.lost.source, &self.lost.node));
            self.lost = Lost { told: Some(Instant::now()), ..Lost::default() };
        }
    }

    fn put(&mut self, out: &str) -> anyhow::Result<()> {
        if !out.is_empty() {
            self.waiting = None;
            self.closed |= answer(self.color, out)? == Told::Closed;
        }
        Ok(())
    }

    /// Says what is to be said at the end; `over`: nobody ended it before.
    pub(super) fn finish(&mut self, name: &str, over: bool) -> anyhow::Result<()> {
        if over
            && self.read == 0
            && let Some(first) = self.first_unreadable.take()
        {
            let (source_name, lines) = (name.to_owned(), self.unreadable);
            return Err(Error::Rubbish { source_name, lines, first }.into());
        }
        if let Some(summary) = &self.summary {
            let report = summary.report();
            match self.format {
                Format::Json => self.put(&json_line(&report)?)?,
                // That needs more than what was counted.
                Format::Html => {}
                _ => self.put(&observed_summary_text(&report, self.width))?,
            }
        }
        self.tell_lost();
        if let Some(first) = &self.first_unreadable {
            let (count, text, why) = (self.unreadable, &first.text, &first.why);
            let lines =
                if count == 1 { "1 line was".to_owned() } else { format!("{count} lines were") };
            warn(
                self.color,
                &format!("{lines} no flows and left out; the first: {text:?} ({why})"),
            );
        }
        if self.too_long > 0 {
            let count = self.too_long;
            warn(self.color, &format!("lines of more than 1 MiB were left out: {count}"));
        }
        if over && self.shown == 0 && self.other_events > 0 {
            let none = match self.other_events {
                1 => "the one flow is no policy's decision".to_owned(),
                count => format!("none of {count} flows is a policy's decision"),
            };
            warn(self.color, &format!("{none}: --trace shows packets on their way"));
        } else if over && self.shown == 0 && self.read > 0 {
            warn(self.color, &self.nothing_shown());
        }
        Ok(())
    }

    /// Why none of the flows that were read is shown.
    fn nothing_shown(&self) -> String {
        let count = self.read;
        match (self.latest, self.window.since) {
            (Some(latest), Some(since)) if latest < since => format!(
                "none of {count} flows is that new: the last is of {latest}, and --since asks for what came \
                 after {since}"
            ),
            _ => format!(
                "none of {count} flows is of what is asked for: --from, --to, --port, --verdict and -n leave \
                 nothing of them"
            ),
        }
    }
}

/// The next state of a cluster that is followed.
async fn state(live: Option<&mut Live>) -> Input {
    match live {
        Some(live) => live.next().await,
        None => std::future::pending().await,
    }
}
