//! `observe`: the flows that Hubble sees, beside what the policies predict.

pub(super) mod ends;
mod live;
mod session;
mod ui;

use super::list::{ListArgs, is_there};
use super::print_schema;
use crate::cli::{
    Exit, GlobalArgs, HubbleArgs, Input, InputArgs, OutputArgs, Progress, Source, WAITING,
    show_map, since, warn,
};
use crate::render::{Format, Pictured};
use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use live::Live;
use netpol::answer::{ObservedLine, rejections};
use netpol::cluster::{Name, Protocol};
use netpol::ends::{EndName, PortText, PortWanted};
use netpol::hubble::{EndFilter, Events, Filter, Pods, PodsOf, Verdict, Window};
use netpol::policy::{Cilium, Enforcer};
use netpol_sources::hubble::{Error, Stream};
use session::{Incoming, Session};
use std::time::Duration;
use tokio::sync::mpsc;

/// A hubble that ends by the Ctrl-C that ends us may be noticed first.
const SAME_KEY: Duration = Duration::from_millis(200);

/// Arguments of `observe`.
#[derive(Args, Clone, Debug)]
#[command(
    override_usage = "kubectl netpol observe [-n NAMESPACE] [--from SOURCE] [--to DESTINATION] [OPTIONS]",
    after_help = AFTER_HELP
)]
pub struct ObserveArgs {
    /// Only from this workload, pod, Service, namespace, node, name or address
    #[arg(long, alias = "from-ip", value_name = "SOURCE")]
    from: Option<EndName>,

    /// Only to this workload, pod, Service, namespace, node, name or address
    #[arg(long, aliases = ["to-ip", "to-fqdn"], value_name = "DESTINATION")]
    to: Option<EndName>,

    /// Only to this port of the destination: 8080, 53/UDP
    #[arg(long, alias = "to-port", value_name = "PORT")]
    port: Option<PortWanted>,

    #[command(flatten)]
    words: HubbleWords,

    /// Only with this verdict: dropped, forwarded, audit or redirected; repeatable
    #[arg(
        long,
        value_enum,
        ignore_case = true,
        value_name = "VERDICT",
        hide_possible_values = true
    )]
    verdict: Vec<VerdictArg>,

    /// Go on with what comes, until Ctrl-C
    #[arg(long, conflicts_with = "input_file")]
    follow: bool,

    /// Only since then: 30s, 5m, 2h, or a time such as 2026-11-20T10:15:00Z
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,

    /// Only the last so many; of a cluster, of each node (20 unless --since or --follow is given)
    #[arg(long, value_name = "NUMBER")]
    last: Option<u64>,

    /// Packets on their way and replies too, for which no policy is asked
    #[arg(long)]
    trace: bool,

    /// Count equal flows and show one table at the end
    #[arg(long)]
    summary: bool,

    /// Open Hubble's UI, by `cilium hubble ui`, and do nothing else
    #[arg(long)]
    ui: bool,

    #[command(flatten)]
    output: OutputArgs<ObservedLine>,

    #[command(flatten)]
    source: HubbleArgs,

    #[command(flatten)]
    input: InputArgs,
}

/// Flags by which Hubble's own CLI names ends; whoever has them in the fingers need not look ours up.
#[derive(Args, Clone, Debug, Default)]
struct HubbleWords {
    /// Of all namespaces, which is what is shown anyway
    #[arg(short = 'A', long, hide = true, conflicts_with = "namespace")]
    all_namespaces: bool,

    /// Pods whose names begin so
    #[arg(long, hide = true, value_name = "[NAMESPACE/]POD", conflicts_with = "from")]
    from_pod: Option<String>,

    /// Pods whose names begin so
    #[arg(long, hide = true, value_name = "[NAMESPACE/]POD", conflicts_with = "to")]
    to_pod: Option<String>,

    /// --from ns/NAME
    #[arg(long, hide = true, value_name = "NAMESPACE", conflicts_with_all = ["from", "from_pod"])]
    from_namespace: Option<String>,

    /// --to ns/NAME
    #[arg(long, hide = true, value_name = "NAMESPACE", conflicts_with_all = ["to", "to_pod"])]
    to_namespace: Option<String>,

    /// That of --port
    #[arg(long, hide = true, value_name = "PROTOCOL")]
    protocol: Option<Protocol>,
}

impl HubbleWords {
    /// Source and destination, as far as these flags name them.
    fn ends(&self, lookup: &ends::Lookup<'_>) -> anyhow::Result<[Option<EndFilter>; 2]> {
        let of = |flag: &str, pod: Option<&String>, namespace: Option<&String>| {
            let end = match (pod, namespace) {
                (Some(name), _) => Some(pods(name, lookup.namespace)),
                (None, Some(name)) => Some(name_of(name).map(EndFilter::Namespace)),
                (None, None) => None,
            };
            end.transpose().with_context(|| flag.to_owned())
        };
        // Of either end only one of the two can be given.
        let (from, to) = (self.from_namespace.as_ref(), self.to_namespace.as_ref());
        Ok([
            of("--from-pod or --from-namespace", self.from_pod.as_ref(), from)?,
            of("--to-pod or --to-namespace", self.to_pod.as_ref(), to)?,
        ])
    }
}

/// Pods by the beginning of their names.
fn pods(text: &str, namespace: &str) -> anyhow::Result<EndFilter> {
    let (namespace, name) = text.split_once('/').unwrap_or((namespace, text));
    let (namespace, name) = (name_of(namespace)?, name_of(name)?);
    Ok(EndFilter::Pods(vec![Pods { namespace, name, of: PodsOf::Prefix }]))
}

/// A name, or the beginning of one.
fn name_of(text: &str) -> anyhow::Result<Name> {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    if text.is_empty() || text.starts_with('-') || !text.bytes().all(fits) {
        bail!("{text:?} is no name and no beginning of one");
    }
    Ok(text.into())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum VerdictArg {
    Dropped,
    Forwarded,
    Audit,
    Redirected,
}

/// The end of `observe --help`.
const AFTER_HELP: &str = "\
Examples:
  # What is dropped in a namespace, and by which policies
  kubectl netpol observe -n monitoring --verdict dropped --follow

  # What went from Grafana to Keycloak in the last minutes
  kubectl netpol observe --since 5m \\
    --from monitoring/deploy/grafana --to identity/svc/keycloak

  # Recorded flows against the manifests of a repository, equal ones counted
  hubble observe --last 1000 -o jsonpb > flows.jsonl
  kubectl netpol observe --input-file flows.jsonl -f k8s/ --summary

  # The same on a map: what is used, what is dropped, and what could be closed
  kubectl netpol observe --since 1h --summary -o html > used.html

The first line of a flow is Hubble's own, with times in UTC. Below it:
  ✓ passes, as predicted   ✗ denied, as predicted
  ≠ not as predicted       ? the prediction is not known   · not compared

It runs the program hubble: HUBBLE_BIN, else the one on PATH.

Exit codes:
  0 done   2 error";

impl ObserveArgs {
    /// Runs the command.
    pub fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        if self.output.schema {
            return print_schema::<ObservedLine>(global);
        }
        if self.ui {
            return ui::open(global, self.source.hubble_namespace.as_deref());
        }
        ensure!(
            self.output.format() != Format::Html || self.summary,
            "-o html shows counts: add --summary"
        );
        let source = self.source.source(global)?;
        global.block_on(self.observe(global, source))?
    }

    async fn observe(&self, global: &GlobalArgs, source: Source) -> anyhow::Result<Exit> {
        let (input, live) = self.world(global).await?;
        if self.output.format() == Format::Html {
            is_there(global, &input)?;
        }
        let (filter, window) = self.filter(global, &input)?;
        let (send, receive) = mpsc::channel(WAITING);
        let from_file = matches!(source, Source::File(_));
        let name = source.name();
        let stream = match source {
            Source::File(file) => {
                session::read_file(&file, send)?;
                None
            }
            Source::Hubble(hubble, relay) => {
                let take = move |batch: Vec<_>| {
                    let incoming = if batch.is_empty() {
                        Incoming::End(Ok(()))
                    } else {
                        Incoming::Some(batch)
                    };
                    send.blocking_send(incoming).is_ok()
                };
                Some(Stream::start(hubble, relay, &filter, &window, take)?)
            }
        };
        tell(global, &input);
        let hold = (from_file && window.last.is_some()).then_some(window);
        let mut session = Session::new(global.color, self.output.format(), self.summary);
        session.wants(filter, window, hold);
        let mut interrupt = std::pin::pin!(interrupted()?);
        let (ended, mut input) = session.run(input, live, receive, interrupt.as_mut()).await?;
        let outcome = match (stream, ended) {
            // Whoever ends it wants it ended.
            (_, session::Finish::Interrupted) | (None, session::Finish::Over) => Ok(()),
            (Some(stream), session::Finish::Over) => match stream.finish(session.read()) {
                Err(error) if tokio::time::timeout(SAME_KEY, interrupt).await.is_err() => {
                    Err(error)
                }
                _ => Ok(()),
            },
        };
        session.finish(&name, ended == session::Finish::Over)?;
        if self.output.format() == Format::Html
            && let Some(summary) = session.summary()
        {
            let list = ListArgs::of(self.flags());
            let (list, _) = list.answer(global, &mut input, true, |_| ())?;
            let (list, observed) = (Some(&list), Some(&summary));
            show_map(global.color, Pictured { list, tests: None, observed })?;
        }
        outcome?;
        Ok(Exit::Success)
    }

    /// How the input is read. Where there is Hubble, there is Cilium.
    fn flags(&self) -> InputArgs {
        let supposed = Some(Enforcer::Cilium(Cilium::default()));
        let entrances = self.output.format() == Format::Html;
        InputArgs { supposed, entrances, ..self.input.clone() }
    }

    /// What flows are judged by, and for a live cluster that is followed, what keeps it current.
    async fn world(&self, global: &GlobalArgs) -> anyhow::Result<(Input, Option<Live>)> {
        let flags = self.flags();
        if flags.names_manifests() {
            return Ok((flags.read(global)?, None));
        }
        let progress = Progress::slow(global.color, "reading the cluster");
        let live = Live::read(global, &flags).await?;
        drop(progress);
        let input = live.input();
        Ok((input, if self.follow { Some(live.watched()) } else { None }))
    }

    fn filter(&self, global: &GlobalArgs, input: &Input) -> anyhow::Result<(Filter, Window)> {
        let lookup = ends::Lookup { snapshot: &input.snapshot, namespace: &input.namespace };
        let mut notes = Vec::new();
        let [words_from, words_to] = self.words.ends(&lookup)?;
        let from = self.from.as_ref().map(|target| lookup.end(target, None, &mut notes));
        let from = from.transpose().context("--from")?.map(|(end, _)| end).or(words_from);
        if self.from.as_ref().is_some_and(|target| target.port.is_some()) {
            bail!("--from takes no port: policies judge the destination's; give --port");
        }
        let asked = self.to.as_ref().and_then(|target| target.port.as_ref());
        if let (Some(with), Some(apart)) = (asked, &self.port) {
            bail!("two ports: {with} with --to and {apart} with --port; give one");
        }
        let port = asked.or(self.port.as_ref());
        let to = self.to.as_ref().map(|target| lookup.end(target, port, &mut notes));
        let to = to.transpose().context("--to")?;
        for note in notes {
            warn(global.color, &note);
        }
        let (to_end, service_port) = to.unzip();
        let (to_port, protocol) = match (service_port.flatten(), port) {
            (Some(port), _) => (Some(port.number), Some(port.protocol)),
            (None, Some(PortWanted { port: PortText::Number(number), protocol })) => {
                (Some(*number), *protocol)
            }
            (None, Some(PortWanted { port: PortText::Name(name), .. })) => {
                bail!("--port {name}: Hubble knows ports by number only; give the number")
            }
            (None, None) => (None, None),
        };
        let protocol = match (protocol, self.words.protocol) {
            (Some(of_port), Some(other)) if of_port != other => {
                bail!("two protocols: {of_port} with the port and --protocol {other}; give one")
            }
            (told, other) => told.or(other),
        };
        let verdicts = self.verdict.iter().map(|verdict| match verdict {
            VerdictArg::Dropped => Verdict::Dropped,
            VerdictArg::Forwarded => Verdict::Forwarded,
            VerdictArg::Audit => Verdict::Audit,
            VerdictArg::Redirected => Verdict::Redirected,
        });
        let filter = Filter {
            namespace: global.namespace.as_deref().map(Into::into),
            from,
            to: to_end.or(words_to),
            to_port,
            protocol,
            verdicts: verdicts.collect(),
            events: if self.trace { Events::All } else { Events::Decisions },
        };
        Ok((filter, Window { since: self.since, last: self.last, follow: self.follow }))
    }
}

/// What the reader should know of the input before the first flow.
fn tell(global: &GlobalArgs, input: &Input) {
    input.tell_gaps(global);
    for message in rejections(&input.rules) {
        warn(global.color, &message);
    }
}

/// Ctrl-C, or being asked to end.
#[cfg(unix)]
fn interrupted() -> Result<impl Future<Output = ()>, Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |source| Error::Run { program: "a handler of signals".into(), source };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn interrupted() -> Result<impl Future<Output = ()>, Error> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
