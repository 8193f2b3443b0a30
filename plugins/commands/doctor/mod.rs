//! `doctor`: whether everything is there that the commands need, and what to do where it is not.

mod cluster;
mod programs;

use crate::cli::{Exit, GlobalArgs, OutputArgs, Progress, show};
use clap::Args;
use netpol::answer::Checkup;

/// Arguments of `doctor`.
#[derive(Args, Clone, Debug)]
#[command(override_usage = "kubectl netpol doctor [OPTIONS]", after_help = AFTER_HELP)]
pub struct DoctorArgs {
    #[command(flatten)]
    output: OutputArgs<Checkup>,
}

/// The end of `doctor --help`.
const AFTER_HELP: &str = "\
Examples:
  # Is everything there: programs, cluster, rights, kinds, network plugin?
  kubectl netpol doctor

  # The same of another cluster, for one namespace
  kubectl netpol doctor --context prod -n team-a

What is marked with - is missing and needed by some commands only; nothing is
written anywhere.

Exit codes:
  0 all well   1 something is wrong   2 error";

impl DoctorArgs {
    /// Runs the command.
    pub fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        if self.output.schema {
            return super::print_schema::<Checkup>(global);
        }
        let progress = Progress::slow(global.color, "looking at programs and the cluster");
        let mut checks = programs::checks();
        checks.extend(global.block_on(cluster::checks(global))?);
        drop(progress);
        let report = Checkup::new(checks);
        show(global.color, &report, self.output.format())?;
        Ok(if report.well { Exit::Success } else { Exit::Found })
    }
}
