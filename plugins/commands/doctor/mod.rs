//! `doctor`: whether everything is there that the commands need, and what to do where it is not.

mod cluster;
mod programs;
mod report;

use crate::cli::{Exit, Format, GlobalArgs, OutputArgs, Progress, answer, width};
use clap::{Args, ValueEnum};
use netpol::yaml;
use report::DoctorReport;

/// Arguments of `doctor`.
#[derive(Args, Clone, Debug)]
#[command(override_usage = "kubectl netpol doctor [OPTIONS]", after_help = AFTER_HELP)]
pub struct DoctorArgs {
    #[command(flatten)]
    output: OutputArgs<DoctorOutput>,
}

/// Output formats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum DoctorOutput {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For programs and people.
    Yaml,
}

impl Format for DoctorOutput {
    const HELP: &'static str = "Output format: text, json or yaml";
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
            return super::print_schema::<DoctorReport>(global);
        }
        let progress = Progress::slow(global.color, "looking at programs and the cluster");
        let mut checks = programs::checks();
        checks.extend(global.block_on(cluster::checks(global))?);
        drop(progress);
        let report = DoctorReport::new(checks);
        let text = match self.output.format() {
            DoctorOutput::Text => report.text(width()),
            DoctorOutput::Json => super::json(&report)?,
            DoctorOutput::Yaml => yaml::to_string(&report)?,
        };
        answer(global.color, &text)?;
        Ok(report.exit())
    }
}
