//! `completion`: scripts for shells, and the completers that kubectl asks.
//!
//! kubectl completes the words of a plugin by running `kubectl_complete-NAME` from PATH. krew puts one
//! program of a plugin on PATH only, so `--install` writes the completers beside the plugin, and
//! `--remove` takes them away, since krew does not know of them.

use super::front::command_line;
use crate::cli::{Exit, GlobalArgs, answer, warn};
use crate::complete::WORD;
use anyhow::{Context as _, bail, ensure};
use clap::{Args, Command, ValueEnum};
use clap_complete::aot;
use netpol::printable::printable;
use netpol_sources::{files, process};
use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The front binary.
pub(super) const FRONT: &str = "kubectl-netpol";

/// What a completer of ours has in it.
const OURS: &str = "# Completions of kubectl netpol:";

/// Arguments of `completion`.
#[derive(Args, Clone, Debug)]
#[command(
    override_usage = "kubectl netpol completion SHELL\n       kubectl netpol completion --install|--remove",
    after_help = AFTER_HELP
)]
pub struct CompletionArgs {
    /// Print the script for kubectl-netpol by that name: bash, zsh, fish or powershell
    #[arg(
        value_enum,
        value_name = "SHELL",
        required_unless_present_any = ["install", "remove"],
        hide_possible_values = true
    )]
    shell: Option<Shell>,

    /// Put the completers that kubectl asks beside the plugin on PATH
    #[arg(long, conflicts_with = "shell")]
    install: bool,

    /// Remove what --install wrote, before the plugin itself is uninstalled
    #[arg(long, conflicts_with_all = ["shell", "install"])]
    remove: bool,
}

/// A shell that there are scripts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

/// The end of `completion --help`.
const AFTER_HELP: &str = "\
Examples:
  # In every shell that completes kubectl, of kubectl 1.26 and newer
  kubectl netpol completion --install

  # Complete kubectl-netpol, called by its own name, in this bash
  source <(kubectl netpol completion bash)

Names of namespaces, workloads, Services, policies and so on come from the
manifests of -f and -k on the line, else from the cluster. Whatever takes longer
than 300 ms is left out. A credential plugin is run only if its kubeconfig says
that it never asks (interactiveMode: Never).

Exit codes:
  0 done   2 error";

impl CompletionArgs {
    /// Runs the command.
    pub fn run(&self, global: &GlobalArgs) -> anyhow::Result<Exit> {
        let front = &command_line();
        let text = match self.shell {
            Some(shell) => script(front, FRONT, shell)?,
            None if self.remove => remove(front)?,
            None => install(global, front)?,
        };
        answer(global.color, &text)?;
        Ok(Exit::Success)
    }
}

/// The names of all programs, with what each is on the front's command line.
pub(super) fn programs(front: &Command) -> Vec<(String, Option<&Command>)> {
    let alone = |command: &&Command| command.get_name() != "completion";
    let commands = front.get_subcommands().filter(alone);
    let named = commands.map(|command| (format!("{FRONT}-{}", command.get_name()), Some(command)));
    std::iter::once((FRONT.to_owned(), None)).chain(named).collect()
}

/// A program of the suite by its own name, as clap describes it.
pub(super) fn program(front: &Command, name: &str) -> anyhow::Result<Command> {
    let known = programs(front).into_iter().find(|(known, _)| known == name);
    let (_, command) = known.with_context(|| format!("{name} is no program of this suite"))?;
    let command = match command {
        None => front.clone(),
        Some(command) => {
            let global = front.get_arguments().filter(|arg| arg.is_global_set()).cloned();
            command.clone().args(global)
        }
    };
    Ok(command.name(name.to_owned()).bin_name(name.to_owned()))
}

/// A shell's script for a program that is called by its own name.
pub(super) fn script(front: &Command, name: &str, shell: Shell) -> anyhow::Result<String> {
    let mut command = program(front, name)?;
    let mut script = Vec::new();
    let shell = match shell {
        Shell::Bash => aot::Shell::Bash,
        Shell::Zsh => aot::Shell::Zsh,
        Shell::Fish => aot::Shell::Fish,
        Shell::Powershell => aot::Shell::PowerShell,
    };
    aot::generate(shell, &mut command, name, &mut script);
    Ok(String::from_utf8(script)?)
}

/// The name of the completer that kubectl runs for a plugin: underscores for hyphens in one word.
pub(super) fn completer_name(program: &str) -> String {
    program.replacen("kubectl-", "kubectl_complete-", 1)
}

/// The completer that kubectl runs for a plugin.
pub(super) fn completer(program: &str) -> String {
    let words = program.strip_prefix("kubectl-").unwrap_or(program).replace('-', " ");
    format!(
        "#!/bin/sh\n\
         {OURS} kubectl runs this with the words behind `kubectl {words}`.\n\
         case $0 in\n\
         */*) beside=${{0%/*}}/{program} ;;\n\
         *) beside= ;;\n\
         esac\n\
         [ -x \"$beside\" ] || beside={program}\n\
         exec \"$beside\" {WORD} \"$@\" 2>/dev/null\n"
    )
}

/// Takes away the completers of ours that are on PATH or beside the plugin, and says which.
fn remove(front: &Command) -> anyhow::Result<String> {
    let mut directories = process::directories();
    let own = env::args_os().next().map(PathBuf::from);
    directories.extend(own.as_deref().and_then(Path::parent).map(Path::to_owned));
    let mut said = String::new();
    for directory in directories.iter().filter(|directory| directory.is_absolute()) {
        for (program, _) in programs(front) {
            let file = directory.join(completer_name(&program));
            let ours = fs::read(&file).is_ok_and(|there| is_ours(&there));
            if ours {
                let shown = printable(&file.to_string_lossy()).into_owned();
                fs::remove_file(&file).with_context(|| format!("removing {shown}"))?;
                let _ = writeln!(said, "{shown} removed");
            }
        }
    }
    if said.is_empty() {
        said.push_str("no completer on PATH was written by --install: nothing to remove\n");
    }
    Ok(said)
}

fn is_ours(content: &[u8]) -> bool {
    String::from_utf8_lossy(content).contains(OURS)
}

/// Writes the completers beside the programs that are on PATH, and says what was done.
fn install(global: &GlobalArgs, front: &Command) -> anyhow::Result<String> {
    ensure!(
        cfg!(unix),
        "--install writes shell scripts, which Windows does not run; \
         `kubectl netpol completion powershell` completes kubectl-netpol by its own name"
    );
    let directories = process::directories();
    let mut places: BTreeMap<String, PathBuf> = BTreeMap::new();
    for (program, _) in programs(front) {
        let found = directories.iter().find(|directory| directory.join(&program).is_file());
        if let Some(directory) = found {
            places.insert(program, directory.clone());
        }
    }
    if !places.contains_key(FRONT) {
        // kubectl finds plugins on PATH only, so this was started in another way.
        let own = env::args_os().next().map(PathBuf::from);
        let own = own.as_deref().and_then(Path::parent).filter(|own| !own.as_os_str().is_empty());
        let Some(own) = own else { bail!("{FRONT} is not on PATH; put it there, and try again") };
        let shown = own.display().to_string();
        warn(
            global.color,
            &format!(
                "{FRONT} is not on PATH: kubectl finds neither it nor its completer in {shown}"
            ),
        );
        places.insert(FRONT.to_owned(), own.to_owned());
    }
    let mut said = String::new();
    for (program, directory) in places {
        let file = directory.join(completer_name(&program));
        let shown = printable(&file.to_string_lossy()).into_owned();
        let content = completer(&program);
        match fs::read(&file) {
            Ok(there) if there == content.as_bytes() => {
                let _ = writeln!(said, "{shown} is up to date");
                continue;
            }
            Ok(there) if !is_ours(&there) => bail!(
                "{shown} is a completer that was not written here: move it away, and try again"
            ),
            _ => {}
        }
        files::write_program(&file, content.as_bytes())
            .with_context(|| format!("writing {shown}"))?;
        let _ = writeln!(said, "{shown} written");
    }
    said.push_str(
        "kubectl asks it wherever the shell completes kubectl: see kubectl completion --help\n",
    );
    Ok(said)
}
