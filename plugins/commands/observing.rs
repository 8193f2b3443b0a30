//! `explain --observe`: what Hubble saw between the two ends, beside the verdict; and `map --observe`: all
//! that it saw.
//!
//! In: the ends as they were asked for, and what the verdict was made from. Out: an
//! [`ObservedBetween`]. The verdict needs none of it, so that a failure is a warning. Of a map an
//! [`ObservedSummary`], which was asked for.

use super::observe::ends::Lookup;
use crate::cli::{GlobalArgs, HubbleArgs, Input, Progress, Source, since, warn};
use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use netpol::answer::{Between, ObservedBetween, ObservedSummary, Observer, Summary};
use netpol::cluster::Port;
use netpol::ends::{EndName, PortWanted};
use netpol::hubble::{Events, Filter, Pairs, Record, Window};
use netpol::verdict::{CasePorts, Explanation, Question};
use netpol_sources::hubble::Error;
use std::path::PathBuf;

/// How far back is looked unless told otherwise.
const SINCE: &str = "5m";

/// What is asked of Hubble.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct ObservingArgs {
    /// Show what Hubble saw between the two, too: in the last 5 minutes, or since 1h or a time
    #[arg(
        long,
        value_name = "TIME",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        value_parser = time,
        help_heading = "Hubble"
    )]
    observe: Option<Time>,

    #[command(flatten)]
    hubble: HubbleArgs,
}

/// How far back is looked, as it was said; `None` where that is not told.
#[derive(Clone, Debug)]
struct Time(Option<(String, Timestamp)>);

fn time(text: &str) -> Result<Time, String> {
    if text.is_empty() {
        return Ok(Time(None));
    }
    since(text).map(|time| Time(Some((text.to_owned(), time))))
}

/// The question that was explained.
pub(super) struct Explained<'a> {
    source: &'a EndName,
    destination: &'a EndName,
    /// The port on the pods, if it is one.
    port: Option<Port>,
    /// The verdict is on what would be.
    hypothetical: bool,
}

impl<'a> Explained<'a> {
    pub(super) fn new(
        question: &Question<'a>,
        explanation: &Explanation,
        hypothetical: bool,
    ) -> Self {
        let Question { source, destination, port, .. } = *question;
        let port = asked_port(destination, port, explanation);
        Self { source, destination, port, hypothetical }
    }
}

impl ObservingArgs {
    /// Whether it is asked for; a recording says so by itself.
    pub(super) fn is_wanted(&self) -> bool {
        self.observe.is_some() || self.hubble.input_file.is_some()
    }

    /// The recording that is read, if it is one.
    pub(super) fn recording(&self) -> Option<&PathBuf> {
        self.hubble.input_file.as_ref()
    }

    /// Where flows come from, and since when they are wanted.
    fn source(&self, global: &GlobalArgs) -> anyhow::Result<(Source, Option<(String, Timestamp)>)> {
        let source = self.hubble.source(global)?;
        let told = self.observe.clone().and_then(|Time(told)| told);
        let told = match (told, &source) {
            // A recording is taken as it is, unless told otherwise.
            (None, Source::File(_)) => None,
            (Some(told), _) => Some(told),
            (None, Source::Hubble(..)) => {
                Some((SINCE.to_owned(), since(SINCE).map_err(anyhow::Error::msg)?))
            }
        };
        Ok((source, told))
    }

    /// Counts every flow of the time, or with `-n` those of the namespace.
    pub(super) fn summary(
        &self,
        global: &GlobalArgs,
        input: &Input,
    ) -> anyhow::Result<ObservedSummary> {
        let (source, told) = self.source(global)?;
        let window = Window { since: told.map(|(_, since)| since), ..Window::default() };
        let namespace = global.namespace.as_deref().map(Into::into);
        let filter = Filter { namespace, events: Events::Decisions, ..Filter::default() };
        let locate = input.locate();
        let mut observer = Observer::new(&input.snapshot, &input.rules, &*locate);
        let (mut summary, mut pairs) = (Summary::default(), Pairs::default());
        let (mut read, mut unreadable, mut first) = (0u64, 0u64, None);
        let name = source.name();
        let progress = Progress::slow(global.color, "waiting for flows");
        source.read(&filter, &window, |batch| {
            for record in batch {
                match record {
                    Record::Flow(flow) => {
                        read += 1;
                        let wanted = filter.has(&flow) && window.has(&flow);
                        if wanted && filter.has_event(&flow) && !pairs.is_second(&flow) {
                            summary.add(&observer.observe(flow));
                        }
                    }
                    Record::Lost { count, .. } => summary.lose(count),
                    Record::Unreadable(excerpt) => {
                        unreadable += 1;
                        first.get_or_insert(excerpt);
                    }
                    Record::TooLong => unreadable += 1,
                    Record::Nodes(_) => {}
                }
            }
            true
        })?;
        drop(progress);
        match first {
            Some(first) if read == 0 => {
                return Err(Error::Rubbish { source_name: name, lines: unreadable, first }.into());
            }
            _ if unreadable > 0 => {
                warn(
                    global.color,
                    &format!("{name}: {unreadable} lines are no flows, and left out"),
                );
            }
            _ => {}
        }
        Ok(summary.report())
    }

    /// Reads the flows between the two ends.
    pub(super) fn between(
        &self,
        global: &GlobalArgs,
        input: &Input,
        asked: &Explained<'_>,
    ) -> anyhow::Result<ObservedBetween> {
        let (source, told) = self.source(global)?;
        let place = match (&told, &source) {
            (None, _) => source.name(),
            (Some((text, _)), Source::File(_)) => format!("{} ({})", source.name(), span(text)),
            (Some((text, _)), Source::Hubble(..)) => span(text),
        };
        let window = Window { since: told.map(|(_, since)| since), ..Window::default() };
        let filter = filter(input, asked)?;
        let locate = input.locate();
        let observer = Observer::new(&input.snapshot, &input.rules, &*locate);
        let mut between = Between::new(observer, filter.clone(), window, asked.hypothetical);
        let name = source.name();
        let progress = Progress::slow(global.color, "waiting for flows");
        source.read(&filter, &window, |batch| {
            between.take(batch);
            true
        })?;
        drop(progress);
        if let Some((lines, first)) = between.rubbish() {
            return Err(Error::Rubbish { source_name: name, lines, first: first.clone() }.into());
        }
        Ok(between.report(place))
    }
}

/// `the last 5m`, or since when.
fn span(text: &str) -> String {
    match text.parse::<Timestamp>() {
        Ok(_) => format!("the time since {text}"),
        Err(_) => format!("the last {text}"),
    }
}

fn filter(input: &Input, asked: &Explained<'_>) -> anyhow::Result<Filter> {
    let lookup = Lookup { snapshot: &input.snapshot, namespace: &input.namespace };
    // How the ends were understood is told by the explanation.
    let mut notes = Vec::new();
    let (from, _) = lookup.end(asked.source, None, &mut notes).context("the source")?;
    let (to, _) = lookup.end(asked.destination, None, &mut notes).context("the destination")?;
    Ok(Filter {
        from: Some(from),
        to: Some(to),
        to_port: asked.port.map(|port| port.number),
        protocol: asked.port.map(|port| port.protocol),
        events: Events::Decisions,
        ..Filter::default()
    })
}

/// The one port on the pods that was asked for; `None` where that is any, or more than one.
fn asked_port(
    destination: &EndName,
    port: Option<&PortWanted>,
    explanation: &Explanation,
) -> Option<Port> {
    destination.port.as_ref().or(port)?;
    let mut ports = explanation.cases.iter().filter_map(|case| match case.ports {
        CasePorts::One(port) => Some(port),
        _ => None,
    });
    let first = ports.next()?;
    ports.all(|port| port == first).then_some(first)
}
