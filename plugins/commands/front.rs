//! The front binary, with every command inside.
//!
//! In: the arguments of the process. Out: its exit code.

use super::Command;
use super::generate::generated;
use crate::cli::{self, GlobalArgs};
use crate::complete;
use clap::{CommandFactory as _, Parser};
use std::ffi::OsString;
use std::process::ExitCode;

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

/// All that the front binary does.
pub fn front() -> ExitCode {
    if let Some(exit) = complete::completed::<Front>() {
        return exit;
    }
    if let Some(exit) = generated::<Front>() {
        return exit;
    }
    let Front { global, command } = cli::parsed_of(&as_flags(std::env::args_os().collect()));
    cli::trace_to_stderr(&global);
    cli::finish(&global, command.run(&global))
}

/// `help [COMMAND]` and `version`, which others have as commands, in the flags that mean them.
fn as_flags(mut words: Vec<OsString>) -> Vec<OsString> {
    match words.get(1).and_then(|word| word.to_str()) {
        Some("help") => {
            // These two are no commands of their own, so their help is that of all.
            let is_ours = |word: &OsString| word == "help" || word == "version";
            while words.get(1).is_some_and(is_ours) {
                words.remove(1);
            }
            words.push("--help".into());
        }
        Some("version") if words.len() == 2 => words[1] = "--version".into(),
        _ => {}
    }
    words
}

/// The front's command line.
pub(super) fn command_line() -> clap::Command {
    Front::command()
}
