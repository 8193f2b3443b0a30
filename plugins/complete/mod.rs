//! What may stand where the cursor is: the answer to `kubectl __complete netpol …`.
//!
//! In: the words typed so far, the last of them unfinished, and the flags that clap knows. Out: lines
//! `VALUE<TAB>HELP` and a last line `:DIRECTIVE`, as kubectl reads them. Never an error, never a
//! question to anyone, and never later than [`LIMIT`]: without an answer the shell just does nothing.

mod line;
mod names;
mod plan;

use clap::builder::ValueHint;
use clap::{Arg, Command, CommandFactory};
use clap_complete::CompletionCandidate;
use clap_complete::engine::{ArgValueCompleter, complete};
use line::Line;
use names::Names;
use netpol::policy::Enforcer;
use netpol_sources::live;
use plan::Sort;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// The hidden command that the completers call.
pub const WORD: &str = "__complete";

/// Whoever presses TAB waits no longer.
pub const LIMIT: Duration = Duration::from_millis(300);

/// So long a cluster may take; the rest is for what is done with the names.
const CLUSTER_LIMIT: Duration = Duration::from_millis(260);

/// kubectl's directives: no blank behind the value, no names of files, names of directories only.
const NO_SPACE: u8 = 2;
const NO_FILES: u8 = 4;
const DIRECTORIES: u8 = 16;

/// More than this nobody reads.
const MOST: usize = 500;

/// How the sides of a diff begin that are no files.
const SIDES: &[(&str, &str)] =
    &[("live", "The live cluster"), ("git:", "A Git revision"), ("kustomize:", "A kustomization")];

/// Answers and ends where the process was started as a completer; `None` where it was not.
pub fn completed<C: CommandFactory + 'static>() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != WORD {
        return None;
    }
    let words: Vec<OsString> = arguments.collect();
    // Whatever happens, nothing comes between the lines that are being typed.
    std::panic::set_hook(Box::new(|_| {}));
    let start = Instant::now();
    let (done, result) = channel();
    std::thread::spawn(move || {
        // Nobody listens any more once the time is up.
        let _ = done.send(answer(C::command(), &words, start + CLUSTER_LIMIT));
    });
    let text = result.recv_timeout(LIMIT).unwrap_or_else(|_| format!(":{NO_FILES}\n"));
    let _ = std::io::stdout().write_all(text.as_bytes());
    Some(ExitCode::SUCCESS)
}

/// The lines for the words of a command line, without the program's name.
fn answer(command: Command, words: &[OsString], deadline: Instant) -> String {
    let none = [OsString::new()];
    let words = if words.is_empty() { &none } else { words };
    let files = Arc::new(AtomicU8::new(NO_FILES));
    let names = Arc::new(Names::new(Line::read(&command, words), deadline));
    let mut command = equipped(command, &names, &files);
    let mut all = vec![OsString::from(command.get_name())];
    all.extend_from_slice(words);
    let last = all.len() - 1;
    let candidates = complete(&mut command, all, last, None).unwrap_or_default();
    let typed = words.last().map(|word| word.to_string_lossy()).unwrap_or_default();
    // Shells put `--flag=` before the values themselves.
    let flag = typed.find('=').filter(|_| typed.starts_with("--")).map_or(0, |at| at + 1);
    let mut directive = files.load(Ordering::Relaxed);
    let mut text = String::new();
    // Flags are shown once a hyphen asks for them, as kubectl does.
    let flags = typed.starts_with('-');
    let mut shown = candidates
        .iter()
        .filter(|candidate| flags || !candidate.get_value().as_encoded_bytes().starts_with(b"-"))
        .take(MOST)
        .peekable();
    let mut open = shown.peek().is_some();
    for candidate in shown {
        let Some(value) = candidate.get_value().to_str().and_then(|value| value.get(flag..)) else {
            continue;
        };
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default();
        // Names are anyone's to choose, and these go to a terminal.
        if value.chars().chain(help.chars()).any(char::is_control) {
            continue;
        }
        open &= value.ends_with(['/', ':']);
        let separator = if help.is_empty() { "" } else { "\t" };
        let _ = writeln!(text, "{value}{separator}{help}");
    }
    if open {
        directive |= NO_SPACE;
    }
    let _ = writeln!(text, ":{directive}");
    text
}

/// The command with completers for the values of its flags.
fn equipped(command: Command, names: &Arc<Names>, files: &Arc<AtomicU8>) -> Command {
    command
        .mut_args(|arg| equip(arg, names, files))
        .mut_subcommands(|subcommand| equipped(subcommand, names, files))
}

fn equip(arg: Arg, names: &Arc<Names>, files: &Arc<AtomicU8>) -> Arg {
    let entries = |of: fn(live::Entries) -> Vec<String>| {
        let names = names.clone();
        completer(move |typed| plain(of(names.entries()), typed))
    };
    let sort = |sort: Sort| {
        let names = names.clone();
        completer(move |typed| names.of(sort, typed))
    };
    let files = files.clone();
    // A diff's sides are files unless they begin with one of these words.
    let side = move |names: Arc<Names>, files: Arc<AtomicU8>| {
        completer(move |typed| {
            files.store(0, Ordering::Relaxed);
            if let Some(context) = typed.strip_prefix("live:") {
                let contexts = plain(names.entries().contexts, context);
                return contexts.into_iter().map(|c| c.add_prefix("live:")).collect();
            }
            let known = SIDES.iter().filter(|(word, _)| word.starts_with(typed));
            known.map(|(word, help)| candidate(word, help)).collect()
        })
    };
    let id = if arg.get_long() == Some("flux") { "flux" } else { arg.get_id().as_str() };
    let completer = match id {
        "namespace" | "namespaces" | "leave_out" | "allow_ingress_controller" => {
            sort(Sort::Namespace)
        }
        "source" | "destination" | "from" | "to" => sort(Sort::End),
        "allow_egress" => sort(Sort::Service),
        "without" => sort(Sort::Policy),
        "flux" => sort(Sort::Kustomization),
        "context" => entries(|entries| entries.contexts),
        "cluster" => entries(|entries| entries.clusters),
        "user" => entries(|entries| entries.users),
        "enforcer" => completer(|typed| plain(Enforcer::names(), typed)),
        "old" | "new" => side(names.clone(), files),
        // The shell knows files better.
        _ => match arg.get_value_hint() {
            ValueHint::AnyPath | ValueHint::FilePath => {
                let directories = matches!(arg.get_id().as_str(), "kustomize" | "export" | "path");
                completer(move |_| {
                    let directive = if directories { DIRECTORIES } else { 0 };
                    files.store(directive, Ordering::Relaxed);
                    Vec::new()
                })
            }
            _ => return arg,
        },
    };
    arg.add(completer)
}

fn completer(
    complete: impl Fn(&str) -> Vec<CompletionCandidate> + Send + Sync + 'static,
) -> ArgValueCompleter {
    // What is no UTF-8 names nothing in Kubernetes.
    ArgValueCompleter::new(move |typed: &OsStr| typed.to_str().map_or_else(Vec::new, &complete))
}

fn plain(words: impl IntoIterator<Item = String>, typed: &str) -> Vec<CompletionCandidate> {
    let words = words.into_iter().filter(|word| word.starts_with(typed));
    words.map(CompletionCandidate::new).collect()
}

fn candidate(value: &str, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(value).help(Some(help.to_owned().into()))
}
