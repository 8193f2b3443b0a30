//! What the finished words of an unfinished command line say of where names are to be found.
//!
//! In: clap's command and the words. Out: the flags that choose a cluster, a namespace or manifests;
//! what cannot be read is left out.

use crate::cli::ConnectArgs;
use clap::{ArgMatches, Command, FromArgMatches as _};
use std::any::Any;
use std::ffi::OsString;
use std::path::PathBuf;

/// The flags that matter.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// How to reach a cluster.
    pub(super) connect: ConnectArgs,
    /// `-n`
    pub(super) namespace: Option<String>,
    /// `-f` and `-k`: where there are any, names come from these.
    pub(super) files: Vec<PathBuf>,
    /// There are manifests, if perhaps none that a completer may read.
    pub(super) manifests: bool,
}

impl Line {
    /// Reads all words but the last, which is still being typed.
    pub(super) fn read(command: &Command, words: &[OsString]) -> Self {
        let finished = words.split_last().map_or(&[][..], |(_, finished)| finished);
        let name = OsString::from(command.get_name());
        let all = std::iter::once(&name).chain(finished);
        let matches = command.clone().ignore_errors(true).try_get_matches_from(all);
        let Ok(matches) = matches else { return Self::default() };
        let mut inner = &matches;
        while let Some((_, further)) = inner.subcommand() {
            inner = further;
        }
        let mut files: Vec<PathBuf> = all_of(inner, "filename");
        files.extend(all_of(inner, "kustomize"));
        let manifests = !files.is_empty();
        files.retain(|path| {
            let shown = path.to_string_lossy();
            // stdin is the terminal, and Git takes its time.
            shown != "-" && !shown.starts_with("git:")
        });
        Self {
            connect: ConnectArgs::from_arg_matches(inner).unwrap_or_default(),
            namespace: all_of(inner, "namespace").pop(),
            files,
            manifests,
        }
    }
}

/// The values of an argument, if the command has it.
fn all_of<T: Any + Clone + Send + Sync>(matches: &ArgMatches, id: &str) -> Vec<T> {
    let values = matches.try_get_many::<T>(id).ok().flatten();
    values.into_iter().flatten().cloned().collect()
}
