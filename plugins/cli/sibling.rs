//! A word that is no command of the front: the program `kubectl-netpol-WORD` beside it.

use super::Exit;
use anyhow::{Context as _, bail};
use netpol_sources::process::{self, Program};
use std::ffi::OsString;
use std::path::Path;

/// Runs the sibling with the remaining words and takes over its exit code.
///
/// `commands` are those of the front: the nearest name for an error. Only the directory of our own real path is looked in, never the whole PATH: kubectl has already
/// looked there.
pub fn run_sibling(words: &[OsString], commands: &[&str]) -> anyhow::Result<Exit> {
    let [word, rest @ ..] = words else { bail!("no command: see kubectl netpol --help") };
    let word = word.to_string_lossy();
    let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    let own = std::env::current_exe().and_then(|path| path.canonicalize());
    let sibling = own.ok().as_deref().and_then(Path::parent).map(|directory| {
        directory.join(format!("kubectl-netpol-{word}{}", std::env::consts::EXE_SUFFIX))
    });
    let Some(sibling) = sibling.filter(|path| plain && path.is_file()) else {
        let near = commands.iter().find(|command| strsim::jaro_winkler(command, &word) > 0.8);
        let hint = near.map_or(String::new(), |near| format!(", did you mean {near}?"));
        bail!("unknown command {word:?}{hint}; see kubectl netpol --help");
    };
    let code = process::become_program(Program::Sibling, &sibling, rest, &[]);
    let code = code.with_context(|| format!("cannot run {}", sibling.display()))?;
    Ok(match code {
        Some(0) => Exit::Success,
        Some(1) => Exit::Found,
        Some(3) => Exit::Unknown,
        _ => Exit::Error,
    })
}
