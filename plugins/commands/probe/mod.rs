//! `probe`: tries in the cluster what the policies predict, one connection each.
//!
//! In: two ends, or namespaces of which the fewest connections are wanted that show what policies tell
//! apart. Out: a [`ProbeReport`]. `plan.rs` says before anything runs what will, `tries.rs` runs it.
//! Nothing runs in any pod before somebody agreed.

mod plan;
mod tries;

use super::list::is_there;
use super::print_schema;
use crate::cli::{
    Exit, GlobalArgs, Input, InputArgs, OutputArgs, Progress, WhatIfArgs, duration, show,
};
use anyhow::ensure;
use clap::{Args, ValueEnum};
use netpol::answer::{AsPredicted, ProbeReport};
use netpol::ends::{EndName, Named, PortWanted};
use netpol::policy::Enforcer;
use netpol::probe::{Attempt, between, cover};
use netpol::verdict::Question;
use netpol_sources::probe::Tool;
use std::time::Duration;

/// The image of ephemeral containers, unless told otherwise.
const IMAGE: &str = "busybox:1.37.0";

/// A connection that nobody answers is waited for so long at most.
const LONGEST: Duration = Duration::from_secs(30);

/// Arguments of `probe`.
#[derive(Args, Clone, Debug)]
#[command(
    override_usage = "kubectl netpol probe [-n NAMESPACE | -A] [OPTIONS]\n       \
                      kubectl netpol probe SOURCE DESTINATION [PORT] [OPTIONS]",
    after_help = AFTER_HELP
)]
pub struct ProbeArgs {
    /// Who opens the connection: a workload or pod; without ends, the fewest connections that show what
    /// policies of the namespace tell apart
    #[arg(value_name = "SOURCE", requires = "destination")]
    source: Option<EndName>,

    /// Who is to take it: a workload, pod, Service, URL, host name or address
    #[arg(value_name = "DESTINATION")]
    destination: Option<EndName>,

    /// Port, by number or name, if need be with its protocol: 80, 53/UDP, http
    #[arg(value_name = "PORT")]
    port: Option<PortWanted>,

    /// Of every namespace
    #[arg(short = 'A', long, conflicts_with = "source")]
    all_namespaces: bool,

    /// At most so many connections
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=200))]
    max: u16,

    /// How: exec in the pod's container with what it has, or with bash, python3, nc or curl; an ephemeral
    /// container; auto is exec, and ephemeral where the container has nothing for it
    #[arg(long, value_enum, value_name = "WAY", default_value_t, hide_possible_values = true)]
    via: Via,

    /// Image of ephemeral containers, with sh and one of python3, bash, nc and curl
    #[arg(long, value_name = "IMAGE", default_value = IMAGE)]
    image: String,

    /// At most so many connections a second
    #[arg(long, value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=50))]
    rate: u16,

    /// How long a connection is waited for, 1s to 30s
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = duration)]
    connect_timeout: Duration,

    /// Do not ask before anything is tried
    #[arg(short, long)]
    yes: bool,

    /// Show what would be tried, and with which prediction; try nothing
    #[arg(long)]
    dry_run: bool,

    /// Who enforces the policies: kubernetes, calico, calico-3.31, calico-3.32, cilium or cilium-1.18 to
    /// cilium-1.20; unless it is given, the cluster or the kinds of the policies tell
    #[arg(long, value_name = "PLUGIN")]
    enforcer: Option<Enforcer>,

    #[command(flatten)]
    output: OutputArgs<ProbeReport>,
}

/// `--via`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Via {
    #[default]
    Auto,
    Exec,
    Ephemeral,
    Bash,
    Python3,
    Nc,
    Curl,
}

impl Via {
    /// The program that is asked for in the pod's container.
    fn tool(self) -> Tool {
        match self {
            Self::Auto | Self::Exec | Self::Ephemeral => Tool::Any,
            Self::Bash => Tool::Bash,
            Self::Python3 => Tool::Python3,
            Self::Nc => Tool::Nc,
            Self::Curl => Tool::Curl,
        }
    }

    /// Whether anything runs in the pod's own container.
    fn enters(self) -> bool {
        self != Self::Ephemeral
    }

    /// Whether containers may be added.
    fn adds(self) -> bool {
        matches!(self, Self::Auto | Self::Ephemeral)
    }
}

/// The end of `probe --help`.
const AFTER_HELP: &str = "\
Examples:
  # What would be tried in a namespace, and with which prediction
  kubectl netpol probe -n shop --dry-run

  # Try it: shows the list and asks first
  kubectl netpol probe -n shop

  # One flow, as explain has it
  kubectl netpol probe -n monitoring deploy/grafana identity/svc/keycloak 80

  # In a pipeline, from ephemeral containers of an image of one's own
  kubectl netpol probe -n shop --yes --via ephemeral \\
    --image registry.example.com/busybox:1.37.0 -o json

Connected and refused count as passed, silence and unreachable as denied.
Silence of UDP, and whatever a mesh or a layer 7 rule answers for, is not known.
Ephemeral containers end within seconds, and stay in the pod's spec until the
pod is gone.

Exit codes:
  0 all as predicted   1 some differ   2 error
  3 of some it is not known, and none differs";

/// What is to be tried.
struct Asked {
    attempts: Vec<Attempt>,
    /// Kinds of flows that are not tried.
    left_out: usize,
    notes: Vec<String>,
}

impl ProbeArgs {
    /// Runs the command.
    pub fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        if self.output.schema {
            return print_schema::<ProbeReport>(global);
        }
        let waits = (Duration::from_secs(1)..=LONGEST).contains(&self.connect_timeout);
        ensure!(waits, "--connect-timeout takes 1s to {} s", LONGEST.as_secs());
        let input = self.read(global)?;
        let asked = self.asked(global, &input)?;
        let (snapshot, rules) = (&input.snapshot, &input.rules);
        let attempts = &asked.attempts;
        let locate = input.locate();
        let mut report = ProbeReport::new(snapshot, rules, attempts, asked.left_out, &*locate);
        report.notes.extend(asked.notes);
        if !self.dry_run && !attempts.is_empty() {
            self.agreed(global, &report)?;
            let outcomes = self.tried(global, &input, attempts)?;
            report.saw(snapshot, rules, attempts, &outcomes);
            self.look_again(global, &input, attempts, &mut report)?;
        } else {
            report.dry_run = self.dry_run;
        }
        show(global.color, &report, self.output.format())?;
        Ok(match &report {
            ProbeReport { dry_run: true, .. } => Exit::Success,
            ProbeReport { differing: 1.., .. } => Exit::Found,
            ProbeReport { not_known: 0, rows, .. } if !rows.is_empty() => Exit::Success,
            _ => Exit::Unknown,
        })
    }

    /// Reads what the question needs of the live cluster.
    fn read(&self, global: &GlobalArgs) -> anyhow::Result<Input> {
        let reads = InputArgs { enforcer: self.enforcer.clone(), ..InputArgs::default() };
        match (&self.source, &self.destination) {
            // What leads a host in may be in any namespace.
            (Some(_), Some(EndName { names: Named::Host(host), .. })) if !host.contains(".svc") => {
                InputArgs { entrances: true, ..reads }.read(global)
            }
            (Some(source), Some(destination)) => {
                reads.read_flow(global, &WhatIfArgs::default(), source, destination)
            }
            _ => reads.read(global),
        }
    }

    /// The connections that are asked for.
    fn asked(&self, global: &GlobalArgs, input: &Input) -> anyhow::Result<Asked> {
        let (snapshot, rules) = (&input.snapshot, &input.rules);
        let most = usize::from(self.max);
        if let (Some(source), Some(destination)) = (&self.source, &self.destination) {
            let (port, namespace) = (self.port.as_ref(), &*input.namespace);
            let question = Question { source, destination, port, namespace };
            let (attempts, left_out) = between(snapshot, rules, &question, most)?;
            let first = attempts.first();
            let notes = first.map(|it| it.explanation.notes.clone()).unwrap_or_default();
            return Ok(Asked { attempts, left_out, notes });
        }
        let only = (!self.all_namespaces).then_some(&*input.namespace);
        if let Some(only) = only {
            ensure!(
                snapshot.namespace(only).is_some(),
                "namespace {only:?} is not in the cluster; -A is all of them"
            );
        }
        is_there(global, input)?;
        let progress = Progress::slow(global.color, "working out what policies tell apart");
        let found = cover(snapshot, rules, only, most, global.limits().effort)?;
        drop(progress);
        let mut notes = vec![COVER.to_owned()];
        if found.undecided > 0 {
            let pairs = found.undecided;
            let s = if pairs == 1 { "" } else { "s" };
            notes.push(format!(
                "Not tried: what passes on a condition, or is not known, between {pairs} pair{s} of pods"
            ));
        }
        if found.in_part {
            notes.push("There are too many kinds of pods to look at every two of them".to_owned());
        }
        let left_out = found.kinds.saturating_sub(found.attempts.len());
        Ok(Asked { attempts: found.attempts, left_out, notes })
    }

    /// What differs is looked at once more: the cluster may have changed meanwhile.
    fn look_again(
        &self,
        global: &GlobalArgs,
        before: &Input,
        attempts: &[Attempt],
        report: &mut ProbeReport,
    ) -> anyhow::Result<()> {
        if report.differing == 0 {
            return Ok(());
        }
        let after = self.read(global)?;
        let now = self.asked(global, &after);
        let now = now.map(|asked| asked.attempts).unwrap_or_default();
        let key = |input: &Input, attempt: &Attempt| {
            let name = |id| input.snapshot.pod(id).object();
            let to = attempt.destination.pod().map(name);
            (name(attempt.source), to, attempt.dial.clone(), attempt.port)
        };
        for (at, attempt) in attempts.iter().enumerate() {
            let differs =
                report.rows.get(at).is_some_and(|row| row.as_predicted == AsPredicted::No);
            let asked = key(before, attempt);
            let same = now.iter().find(|other| key(&after, other) == asked);
            let holds = same.is_some_and(|other| other.predicted() == attempt.predicted());
            if differs && !holds {
                report.no_longer(at, CHANGED);
            }
        }
        Ok(())
    }
}

/// Source: ours.
const COVER: &str = "One flow for each two kinds of pods that policies tell apart, allowed and denied, over TCP \
                     and between running pods; pods on their node's network and what is outside are left out";

/// Source: ours.
const CHANGED: &str = "pods or policies changed while it was tried: try again";
