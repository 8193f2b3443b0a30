//! `reach`: how far one gets from somewhere, step by step, and what would cut it.

use crate::cli::{Exit, GlobalArgs, Input, InputArgs, OutputArgs, Progress, not_known, show};
use anyhow::{Context as _, bail};
use clap::Args;
use netpol::answer::{MissingReport, OnwardAsked, OnwardReport};
use netpol::cluster::PodId;
use netpol::ends::{self, EndName, INTERNET, Named};
use netpol::onward::{self, From, cuts, onward};
use netpol::unwritten;

/// Arguments of `reach`.
#[derive(Args, Clone, Debug)]
#[command(
    override_usage = "kubectl netpol reach FROM [--to TO] [OPTIONS]",
    after_help = AFTER_HELP
)]
pub struct ReachArgs {
    /// Where it begins: a workload, a pod, a namespace, or internet
    #[arg(value_name = "FROM", required_unless_present = "schema")]
    from: Option<EndName>,

    /// Only to this workload, pod, namespace or Service, with what would cut every way there
    #[arg(long, value_name = "DESTINATION")]
    to: Option<EndName>,

    /// Take pods that nobody has written for steps too, one of each kind that rules tell apart
    #[arg(long)]
    representatives: bool,

    /// At most so many hops
    #[arg(long, value_name = "NUMBER")]
    max_hops: Option<usize>,

    #[command(flatten)]
    output: OutputArgs<OnwardReport>,

    #[command(flatten)]
    input: InputArgs,
}

/// The end of `reach --help`.
const AFTER_HELP: &str = "\
Examples:
  # What a stolen pod can get to, step by step
  kubectl netpol reach -f k8s/ web/deploy/frontend

  # How the internet gets to the database, and what would cut it
  kubectl netpol reach -f k8s/ internet --to prod/sts/db

  # A picture of what is two hops away
  kubectl netpol reach -f k8s/ web/deploy/frontend --max-hops 2 -o mermaid

Whoever is reached is taken to go on from there. Steps are known pods, with
--representatives any others too; nodes and what is outside are none.

Exit codes:
  0 done   2 error   3 what was asked for could not be told whole";

impl ReachArgs {
    /// Runs the command.
    pub fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        let (Some(from), false) = (&self.from, self.output.schema) else {
            return super::print_schema::<OnwardReport>(global);
        };
        let outside = from.names == Named::Path(vec![INTERNET.to_owned()]);
        let reads = InputArgs { entrances: outside, ..self.input.clone() };
        let mut input = reads.read(global)?;
        let asked = self.asked(&input, from, outside)?;
        let progress = Progress::slow(global.color, "working out who reaches whom");
        let effort = global.limits().effort;
        // Names were looked up before, and what is added has numbers after these.
        let unwritten = self
            .representatives
            .then(|| unwritten::of_one(&mut input.snapshot, &input.rules, effort));
        let (snapshot, rules) = (&input.snapshot, &input.rules);
        let most = self.max_hops.unwrap_or(usize::MAX);
        let found = onward(snapshot, rules, &asked.starts, most, effort)?;
        // Without an end to the hops, since a longer way is one too.
        let cut = match &asked.to {
            Some((_, to)) => Some(cuts(snapshot, rules, &asked.starts, to, effort)?),
            None => None,
        };
        drop(progress);
        let locate = input.locate();
        let found = (&found, cut.as_ref());
        let report =
            OnwardReport::new(snapshot, rules, &asked, found, unwritten.as_ref(), &*locate);
        not_known(global.color, self.output.format(), &report.missing);
        show(global.color, &report, self.output.format())?;
        let decides = report.missing.iter().any(MissingReport::decides);
        Ok(if decides { Exit::Unknown } else { Exit::Success })
    }

    fn asked(&self, input: &Input, from: &EndName, outside: bool) -> anyhow::Result<OnwardAsked> {
        let mut notes = input.notes.clone();
        let mut pods = |name: &EndName| -> anyhow::Result<(String, Vec<PodId>)> {
            if name.port.is_some() {
                bail!("reach takes no port: it goes by every port that is open");
            }
            let end = ends::resolve(&input.snapshot, name, &input.namespace)?;
            notes.extend(end.notes.iter().cloned());
            let found = onward::pods_of(&end);
            let found = found.with_context(|| {
                format!("{} is no pod: name a workload, a pod, a namespace or a Service", end.label)
            })?;
            Ok((end.label, found))
        };
        let (name, starts) = if outside {
            (INTERNET.to_owned(), From::Internet)
        } else {
            let (name, found) = pods(from)?;
            (name, From::Pods(found))
        };
        let to = self.to.as_ref().map(&mut pods).transpose()?;
        Ok(OnwardAsked {
            from: name,
            starts,
            to,
            max_hops: self.max_hops,
            representatives: self.representatives,
            notes,
        })
    }
}
