//! `bootstrap --learn`: the baseline with what observed flows need, for review.
//!
//! In: flows of Hubble, or what configuration names, the cluster or manifests that their ends are looked
//! up in, and the plan of a baseline. Out: all policies on stdout, or files for Git; on stderr what was learned, what was not,
//! and what would be cut. Nothing is ever applied.

use super::args::{Action, Namespaces, Plan};
use super::output::{json_of, yaml_of};
use super::preview::not_known;
use super::{Begun, BootstrapArgs, Run};
use crate::cli::{Exit, GlobalArgs, HubbleArgs, Input, InputArgs, Source, note, since};
use crate::render::Format;
use anyhow::{anyhow, ensure};
use clap::Args;
use jiff::Timestamp;
use netpol::baseline::{self, BaselinePolicy};
use netpol::cluster::Origin;
use netpol::draft::Dialect;
use netpol::effort::Effort;
use netpol::hubble::{Events, Filter, Window};
use netpol::learn::config::{Settings, guesses};
use netpol::learn::{Collector, Lesson, learn, lesson_text, reading_text};
use netpol::observed::Index;
use netpol::policy::{Cilium, Enforcer};
use netpol_sources::hubble::Error;
use netpol_sources::live;
use serde_json::Value;

/// How far back is looked unless told otherwise.
const SINCE: &str = "1h";

/// Arguments of `--learn`.
#[derive(Args, Clone, Debug)]
pub(super) struct LearnArgs {
    /// Add the policies that flows need which Hubble saw: of the last hour, or since 30m or a time;
    /// config stands for what configuration names, without any flow, and config,30m for both; prints
    /// everything for review and applies nothing
    #[arg(
        long,
        value_name = "TIME|config",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        value_parser = wanted,
        help_heading = "Learning"
    )]
    learn: Option<Wanted>,

    #[command(flatten)]
    hubble: HubbleArgs,

    #[command(flatten)]
    input: InputArgs,
}

/// The word for what configuration names.
const CONFIG: &str = "config";

/// What is to be learned from.
#[derive(Clone, Copy, Debug, Default)]
struct Wanted {
    /// Configuration.
    config: bool,
    /// Flows of Hubble; a recording says so by itself.
    flows: bool,
    /// How far back is looked, where that is told.
    since: Option<Timestamp>,
}

fn wanted(text: &str) -> Result<Wanted, String> {
    let mut wanted = Wanted { flows: text.is_empty(), ..Wanted::default() };
    for part in text.split(',').filter(|_| !text.is_empty()) {
        if part == CONFIG {
            wanted.config = true;
        } else if wanted.flows {
            return Err(format!(
                "{text:?} has two times: give one, and config beside it if need be"
            ));
        } else {
            wanted.since = Some(since(part).map_err(|why| format!("{why}, nor config"))?);
            wanted.flows = true;
        }
    }
    Ok(wanted)
}

impl LearnArgs {
    /// Whether anything is to be learned; a recording says so by itself.
    pub(super) fn is_wanted(&self) -> bool {
        self.learn.is_some() || self.hubble.input_file.is_some()
    }

    /// Whether pods are looked up in manifests, so that there is no cluster.
    pub(super) fn is_offline(&self) -> bool {
        self.input.names_manifests()
    }

    /// Whether kustomize may fetch what is elsewhere, and inflate charts.
    pub(super) fn may(&self) -> (bool, bool) {
        (self.input.pull, self.input.enable_helm)
    }

    /// Refuses what says nothing, or the contrary.
    pub(super) fn check(&self, args: &BootstrapArgs, plan: &Plan) -> anyhow::Result<()> {
        if !self.is_wanted() {
            ensure!(
                !self.is_offline(),
                "-f and -k say where pods are looked up for --learn; without it they say nothing"
            );
            return Ok(());
        }
        if let Some(flag) = args.flag_of_writing() {
            anyhow::bail!(
                "--learn applies nothing, so {flag} says nothing: read the policies, then pipe them \
                 to `kubectl apply -f -`, or give --export DIR"
            );
        }
        ensure!(plan.action != Action::Remove, "--learn and --remove are contrary to each other");
        if let (Namespaces::Labelled(_), true) = (&plan.namespaces, self.is_offline()) {
            anyhow::bail!("-l needs a cluster: name the namespaces");
        }
        Ok(())
    }

    fn reads_config(&self) -> bool {
        self.learn.is_some_and(|wanted| wanted.config)
    }

    /// Whether there are flows, and not configuration alone.
    fn reads_flows(&self) -> bool {
        self.hubble.input_file.is_some() || self.learn.is_some_and(|wanted| wanted.flows)
    }

    /// The cluster or the manifests.
    fn read(&self, global: &GlobalArgs, plan: &Plan) -> anyhow::Result<Input> {
        // Where there is Hubble, there is Cilium.
        let supposed = self.reads_flows().then(|| Enforcer::Cilium(Cilium::default()));
        let (entrances, without_pods) = (self.reads_config(), self.reads_config());
        let flags = InputArgs { supposed, entrances, without_pods, ..self.input.clone() };
        let mut global = global.clone();
        // Who may read one namespace only learns from that.
        if let Namespaces::Named(names) = &plan.namespaces
            && let [only] = &names[..]
        {
            global.namespace = Some(only.clone());
        }
        flags.read(&global)
    }

    fn window(&self) -> anyhow::Result<Window> {
        let told = self.learn.and_then(|wanted| wanted.since);
        // A recording is taken as it is, unless told otherwise.
        let default = || since(SINCE).map_err(anyhow::Error::msg).map(Some);
        let since = match (told, &self.hubble.input_file) {
            (Some(told), _) => Some(told),
            (None, Some(_)) => None,
            (None, None) => default()?,
        };
        Ok(Window { since, ..Window::default() })
    }

    /// What pods are configured with, by their manifests or in the cluster.
    async fn settings(&self, begun: &Begun, input: &Input) -> anyhow::Result<Settings> {
        if self.is_offline() {
            return Ok(Settings::written(&input.snapshot, &|origin| input.object(origin)));
        }
        let Some(connection) = &begun.connection else { return Ok(Settings::default()) };
        match connection.settings(&input.snapshot, None).await {
            // Who may read one namespace only learns from that.
            Err(live::Error::Forbidden(_)) if begun.namespaces.len() == 1 => {
                Ok(connection.settings(&input.snapshot, Some(&begun.namespaces[0])).await?)
            }
            settings => Ok(settings?),
        }
    }

    /// Learns, and prints or exports.
    pub(super) fn run(&self, run: Run<'_>) -> anyhow::Result<Exit> {
        let source = self.reads_flows().then(|| self.hubble.source(run.global)).transpose();
        let source = source.map_err(|error| match error.downcast_ref() {
            Some(Error::NoHubble) => {
                anyhow!("{error}, or learn from configuration, --learn=config")
            }
            _ => error,
        })?;
        let input = self.read(run.global, run.plan)?;
        input.tell_gaps(run.global);
        run.global.block_on(self.learn(run, source, input))?
    }

    async fn learn(
        &self,
        mut run: Run<'_>,
        source: Option<Source>,
        input: Input,
    ) -> anyhow::Result<Exit> {
        let (plan, window) = (run.plan, self.window()?);
        let dialect = plan.baseline.dialect;
        ensure!(
            dialect.is_read_by(input.rules.enforcer()),
            "--dialect {word}: only {who} enforces its policies, and flows are judged otherwise: give \
             --enforcer {word}, or leave --dialect out",
            word = dialect.word(),
            who = if dialect == Dialect::Calico { "Calico" } else { "Cilium" }
        );
        let begun = run.begin(!self.is_offline()).await?;
        let index = Index::new(&input.snapshot, &input.rules);
        let wanted = begun.namespaces.iter().map(|name| name.as_str().into());
        let collector = Collector::new(&input.snapshot, index, wanted, window.since);
        let mut collector = collector.with_icmp(dialect != Dialect::NetworkPolicy);
        if let Some(source) = source {
            run.progress.say("reading what Hubble saw");
            read(source, &begun.namespaces, &window, &mut collector)?;
        }
        let mut lines = Vec::new();
        if self.reads_config() {
            run.progress.say("reading what pods are configured with");
            let settings = self.settings(&begun, &input).await?;
            let unread = settings.unread.iter().map(|what| format!("not read: {what}"));
            lines.extend(unread);
            let written = input.locate();
            let file = |origin: &Origin, path: &str| {
                let at = written(origin, path)?;
                Some(at.line.map_or_else(|| at.file.clone(), |line| format!("{}:{line}", at.file)))
            };
            collector.guess(guesses(&input.snapshot, &settings, &begun.namespaces, &file));
        }
        for namespace in &begun.namespaces {
            let facts = run.facts(begun.connection.as_ref(), namespace, begun.dns.as_ref()).await?;
            let closing = plan.baseline.policies(namespace, &facts);
            let (policies, rules) = (&input.written, &input.rules);
            let lesson = learn(&collector, policies, rules, namespace, &closing, dialect);
            lines.extend(lesson_text(&collector, &lesson, plan.verbose));
            lines.extend(unseen(
                &input,
                &lesson,
                dialect,
                plan.verbose,
                run.global.limits().effort,
            ));
            let learned = lesson.policies.into_iter().map(BaselinePolicy::from).collect();
            run.learned.insert(namespace.clone(), learned);
        }
        let exit = if let Action::Export { .. } = plan.action {
            run.export(begun.connection.as_ref(), &begun.namespaces).await?
        } else {
            run.print(&begun).await?;
            run.warn_later();
            Exit::Success
        };
        run.progress.aside(|| {
            note(&lines);
            note(&reading_text(&collector));
        });
        Ok(exit)
    }
}

/// Reads all flows of the time.
fn read(
    source: Source,
    namespaces: &[String],
    window: &Window,
    collector: &mut Collector<'_>,
) -> anyhow::Result<()> {
    let only = match namespaces {
        [only] => Some(only.as_str().into()),
        _ => None,
    };
    let filter = Filter { namespace: only, events: Events::All, ..Filter::default() };
    let name = source.name();
    source.read(&filter, window, |batch| {
        collector.take(batch);
        true
    })?;
    if collector.flows() == 0
        && let Some((lines, first)) = collector.unreadable()
    {
        return Err(Error::Rubbish { source_name: name, lines, first: first.clone() }.into());
    }
    Ok(())
}

/// What is possible now on declared ports, whether it was seen or not, and would be cut.
fn unseen(
    input: &Input,
    lesson: &Lesson,
    dialect: Dialect,
    all: bool,
    effort: Effort,
) -> Vec<String> {
    let (namespace, after) = (&lesson.namespace, &lesson.after);
    let impact = baseline::impact(&input.snapshot, &input.rules, after, namespace, effort);
    let impact = match impact {
        Ok(impact) => impact,
        Err(too_much) => return vec![not_known(namespace, &too_much)],
    };
    if impact.cuts.is_empty() {
        return Vec::new();
    }
    baseline::cuts(namespace, &impact, dialect, all)
}

impl Run<'_> {
    /// Every policy as text for `kubectl apply -f -`.
    async fn print(&self, begun: &super::Begun) -> anyhow::Result<()> {
        let mut objects: Vec<Value> = Vec::new();
        let mut names = String::new();
        for namespace in &begun.namespaces {
            // What is printed is to be applied as it is, with the namespace where there is none yet.
            if self.plan.baseline.labels.is_empty()
                && self.is_missing(begun.connection.as_ref(), namespace).await
            {
                names.extend(["namespace/", namespace, "\n"]);
                objects.push(super::to_value(&self.plan.baseline.namespace(namespace))?);
            }
            let imagined =
                self.imagine(begun.connection.as_ref(), namespace, begun.dns.as_ref()).await;
            let outcome = imagined.map_err(|failure| anyhow::anyhow!(failure.why))?;
            for deed in outcome.deeds {
                names += &netpol::printable::printable(&deed.name);
                names.push('\n');
                objects.push(deed.object);
            }
        }
        let text = match self.plan.format {
            Some(Format::Json) => json_of(objects)?,
            Some(Format::Name) => names,
            _ => yaml_of(&objects)?,
        };
        self.answer(&text)
    }
}
