//! `kubectl netpol`: the front binary, with every command inside.

use clap::{CommandFactory as _, Parser, Subcommand};
use netpol_plugins::cli::{self, GlobalArgs};
use netpol_plugins::commands::{
    self, BootstrapArgs, CompletionArgs, DiffArgs, DoctorArgs, ExplainArgs, ListArgs, ObserveArgs,
    SummaryArgs,
};
use netpol_plugins::complete;
use std::ffi::OsString;
use std::process::ExitCode;

/// musl's own takes nearly twice as long for all that a large input needs.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(
    name = "kubectl netpol",
    bin_name = "kubectl netpol",
    version,
    propagate_version = true,
    about = "Close namespaces with Kubernetes network policies, and say what is allowed, what is denied, and why",
    after_help = AFTER_HELP,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    allow_external_subcommands = true
)]
struct Front {
    #[command(flatten)]
    global: GlobalArgs,

    #[command(subcommand)]
    command: Command,
}

/// The end of `--help`.
const AFTER_HELP: &str = "\
Examples:
  kubectl netpol summary
  kubectl netpol explain -n monitoring deploy/grafana identity/svc/keycloak
  kubectl netpol bootstrap team-a --dry-run=server
  kubectl netpol diff -f k8s/

Exit codes:
  0 done, allowed or no change   1 denied, changed or found   2 error
  3 not known; the help of a command has its own";

#[derive(Subcommand)]
enum Command {
    /// Close a namespace: default deny, DNS and the named allows
    Bootstrap(Box<BootstrapArgs>),

    /// Complete words on the command line, with the names of the cluster
    Completion(CompletionArgs),

    /// Say which flows a change opens and closes
    Diff(Box<DiffArgs>),

    /// Say whether programs, cluster and rights are there that the commands need
    Doctor(DoctorArgs),

    /// Say why a flow is allowed or denied, by policy, rule and line
    Explain(Box<ExplainArgs>),

    /// List who may talk to whom on what
    List(Box<ListArgs>),

    /// Show the flows that Hubble sees, beside what the policies predict
    Observe(Box<ObserveArgs>),

    /// Say of every namespace whether it is default-deny and what is allowed, in one table
    Summary(Box<SummaryArgs>),

    /// Any other word is a sibling program, kubectl-netpol-WORD.
    #[command(external_subcommand)]
    Sibling(Vec<OsString>),
}

fn main() -> ExitCode {
    if let Some(exit) = complete::completed::<Front>() {
        return exit;
    }
    if let Some(exit) = commands::generated::<Front>() {
        return exit;
    }
    let Front { global, command } = Front::parse();
    cli::trace_to_stderr(&global);
    let result = match command {
        Command::Bootstrap(args) => args.run(&global),
        Command::Completion(args) => args.run(&global, &Front::command()),
        Command::Diff(args) => args.run(&global),
        Command::Doctor(args) => args.run(&global),
        Command::Explain(args) => args.run(&global),
        Command::List(args) => args.run(&global),
        Command::Observe(args) => args.run(&global),
        Command::Summary(args) => args.run(&global),
        Command::Sibling(words) => cli::run_sibling(&words),
    };
    cli::finish(&global, result)
}
