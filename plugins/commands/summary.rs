//! `summary`: every namespace, whether it is default-deny, and what is allowed.

use crate::cli::{Exit, GlobalArgs, InputArgs, OutputArgs, Progress, show};
use crate::render::Format;
use clap::Args;
use netpol::answer::{MissingReport, SummaryReport};

/// Arguments of `summary`.
#[derive(Args, Clone, Debug)]
#[command(
    override_usage = "kubectl netpol summary [-n NAMESPACE | -A] [OPTIONS]",
    after_help = AFTER_HELP
)]
pub struct SummaryArgs {
    /// Every namespace, which is the default without -n
    #[arg(short = 'A', long)]
    all_namespaces: bool,

    #[command(flatten)]
    output: OutputArgs<SummaryReport>,

    #[command(flatten)]
    input: InputArgs,
}

/// The end of `summary --help`.
const AFTER_HELP: &str = "\
Examples:
  # Which namespaces of the cluster are closed, and what is open?
  kubectl netpol summary

  # The same from manifests alone
  kubectl netpol summary -f examples/homekube

  # The same for documentation
  kubectl netpol summary -f examples/homekube -o md > docs/network-policies.md

How to read it:
  ingress, egress         every pod is isolated, those to come included
  egress: some pods       no pod is known; policies isolate some
  egress: 3 of 5          the other two may reach anything; with 5 of 5, only a
                          new pod with other labels would
  monitoring, monitoring/prometheus   a namespace, and pods of it by app label
  a → b 8080/TCP          a may open connections to b on the pod's port 8080

Exit codes:
  0 done   2 error   3 what was asked for could not be read";

impl SummaryArgs {
    /// Runs the command.
    pub fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        if self.output.schema {
            return super::print_schema::<SummaryReport>(global);
        }
        let input = self.input.read_own(global)?;
        let only = global.namespace.as_deref().filter(|_| !self.all_namespaces);
        if let Some(name) = only {
            anyhow::ensure!(
                input.snapshot.namespace(name).is_some(),
                "namespace {name:?} not found; kubectl netpol summary -A shows all that are there"
            );
        }
        let locate = input.locate();
        let places = !matches!(self.output.format(), Format::Table | Format::Md);
        let progress = Progress::slow(global.color, "summing up the rules");
        let report = SummaryReport::new(&input.snapshot, &input.rules, only, places, &*locate);
        drop(progress);
        show(global.color, &report, self.output.format())?;
        let unread = only.is_some_and(|only| input.rules.is_unread(only));
        let decides = report.missing.iter().any(MissingReport::decides);
        Ok(if unread || decides { Exit::Unknown } else { Exit::Success })
    }
}
