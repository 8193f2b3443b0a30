//! Why there are no flows, as sentences.

use super::relay::Relay;
use super::version::{Capability, Version};
use crate::process;
use netpol::hubble::Excerpt;
use netpol::printable::printable;
use std::path::{Path, PathBuf};

/// Why there are no flows, or no more.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A variable names no program.
    #[error(
        "{variable} is {}: {why}; give the path of the program, or unset it to look on PATH",
        shown(path)
    )]
    Named {
        /// `HUBBLE_BIN` or `CILIUM_BIN`.
        variable: &'static str,
        /// What it names.
        path: PathBuf,
        /// Why that is none.
        why: String,
    },
    /// There is no `hubble`.
    #[error(
        "no `hubble` on PATH: install the Hubble CLI (https://docs.cilium.io/en/stable/observability/hubble/setup/), \
         set HUBBLE_BIN to it, or give recorded flows with --input-file"
    )]
    NoHubble,
    /// There is no `cilium`.
    #[error(
        "no `cilium` on PATH, which opens the Hubble UI: install the Cilium CLI \
         (https://docs.cilium.io/en/stable/gettingstarted/k8s-install-default/), or set CILIUM_BIN to it"
    )]
    NoCilium,
    /// Its version cannot be asked.
    #[error("asking {} for its version: {source}", shown(program))]
    Probe {
        /// The program.
        program: PathBuf,
        /// Why.
        source: process::Error,
    },
    /// It does not say a version.
    #[error(
        "`{} version` says {said:?}, which is no version of Hubble: is it the Hubble CLI?",
        shown(program)
    )]
    NoVersion {
        /// The program.
        program: PathBuf,
        /// What it says instead.
        said: String,
    },
    /// It cannot do what is needed.
    #[error(
        "{} is Hubble {version}, and observe needs {} or newer: update the Hubble CLI, which works with older clusters too",
        shown(program), Capability::Observe.since()
    )]
    TooOld {
        /// The program.
        program: PathBuf,
        /// Its version.
        version: Version,
    },
    /// It cannot be started or read.
    #[error("running {}: {source}", shown(program))]
    Run {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The relay does not answer.
    #[error("hubble cannot reach the relay{}: {said}; {}", relay.place(), relay.remedy())]
    NoRelay {
        /// How it was to be reached.
        relay: Relay,
        /// What hubble says.
        said: String,
    },
    /// It said why it ended.
    #[error("hubble ended with code {code}: {said}")]
    Failed {
        /// Its exit code.
        code: i32,
        /// What it wrote to stderr last.
        said: String,
    },
    /// It neither writes nor ends.
    #[error(
        "hubble has said nothing for {seconds} s and does not end: the relay may be busy; ask for less \
         time, or record with `hubble observe -o jsonpb` and give --input-file"
    )]
    Silent {
        /// How long was waited.
        seconds: u64,
    },
    /// Someone ended it.
    #[error("hubble was ended by {by} after {flows} flows: what came later is not shown")]
    Ended {
        /// The signal.
        by: String,
        /// How many flows it had sent.
        flows: u64,
    },
    /// What it writes is not what Hubble writes.
    #[error("{source_name} has no flows in it: {lines} lines are none, the first is {:?} ({}); flows are what `hubble observe -o jsonpb` prints", first.text, first.why)]
    Rubbish {
        /// The program or file.
        source_name: String,
        /// How many lines.
        lines: u64,
        /// The first.
        first: Excerpt,
    },
    /// A file of recorded flows cannot be read.
    #[error("reading flows from {}: {source}", shown(path))]
    Input {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy()).into_owned()
}
