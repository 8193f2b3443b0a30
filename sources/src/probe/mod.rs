//! Connections that are tried from within a pod: by the user's kubectl in a container that is there, or in
//! an ephemeral container that is added to it.
//!
//! In: a [`Trial`], whose names an API server took and whose targets are addresses or names of hosts. Out:
//! what became of each, as far as the pod said so. What runs there is one fixed script; what is tried are
//! its arguments, and no text of a cluster is ever part of a script.

mod ephemeral;

pub use ephemeral::{Ephemeral, run_in_ephemeral};

use crate::process::{self, Error, Given, Limits, Program};
use netpol::cluster::{Port, Protocol};
use netpol::printable::printable;
use netpol::probe::{Outcome, Why, told};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What runs in the pod.
const SCRIPT: &str = include_str!("script.sh");

/// What the script is called there.
const NAME: &str = "netpol-probe";

/// Until kubectl has reached the container, and until it is gone.
const OVERHEAD: Duration = Duration::from_secs(20);

/// No run of the script prints more.
const MOST_OUTPUT: u64 = 64 * 1024;

/// Which program in the pod tries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// Whichever is there.
    Any,
    /// `python3`.
    Python3,
    /// `bash`, which opens `/dev/tcp`.
    Bash,
    /// `nc`.
    Nc,
    /// `curl`.
    Curl,
}

impl Tool {
    /// Its name, or `any`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Python3 => "python3",
            Self::Bash => "bash",
            Self::Nc => "nc",
            Self::Curl => "curl",
        }
    }
}

/// What is dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    host: String,
    port: u16,
    udp: bool,
}

impl Target {
    /// An address, or the name of a host, at a port of a protocol that can be tried.
    pub fn new(host: String, port: Port) -> Result<Self, Why> {
        let udp = match port.protocol {
            Protocol::Tcp => false,
            Protocol::Udp => true,
            other => {
                return Err(Why::Failed(format!("no program that is looked for tries {other}")));
            }
        };
        Ok(Self { host, port: port.number, udp })
    }
}

/// Connections from one pod.
#[derive(Clone, Debug)]
pub struct Trial<'a> {
    /// The namespace of the pod.
    pub namespace: &'a str,
    /// Its name.
    pub pod: &'a str,
    /// What is dialled, one after the other.
    pub targets: &'a [Target],
    /// How long each is waited for.
    pub wait: Duration,
    /// The pause between two of them.
    pub pause: Duration,
}

impl Trial<'_> {
    /// The arguments of the script.
    fn arguments(&self, tool: Tool) -> Vec<String> {
        let mut words = vec![
            tool.as_str().to_owned(),
            self.wait.as_secs().max(1).to_string(),
            format!("{:.2}", self.pause.as_secs_f64()),
        ];
        for target in self.targets {
            let protocol = if target.udp { "udp" } else { "tcp" };
            words.extend([protocol.to_owned(), target.host.clone(), target.port.to_string()]);
        }
        words
    }

    /// How long all of it takes at most.
    fn longest(&self) -> Duration {
        let each = self.wait + self.pause + Duration::from_secs(3);
        let many = u32::try_from(self.targets.len()).unwrap_or(u32::MAX);
        each.saturating_mul(many).saturating_add(OVERHEAD)
    }

    /// The same for each target.
    fn all(&self, why: &Why) -> Vec<Outcome> {
        vec![Outcome::NotKnown(why.clone()); self.targets.len()]
    }

    /// What was said.
    fn answers(&self, output: &[u8]) -> Vec<Outcome> {
        told(output, self.targets.len())
    }
}

/// The user's kubectl, with the flags that choose the cluster and the user.
#[derive(Clone, Debug)]
pub struct Kubectl {
    program: PathBuf,
    connection: Vec<OsString>,
}

impl Kubectl {
    /// The kubectl on PATH.
    pub fn find(connection: Vec<OsString>) -> Option<Self> {
        Some(Self { program: process::find("kubectl")?, connection })
    }

    /// Tries connections in the container of a pod that `kubectl exec` enters.
    pub fn exec(&self, trial: &Trial<'_>, tool: Tool) -> Vec<Outcome> {
        let mut words = self.connection.clone();
        words.push("exec".into());
        words.push(format!("--namespace={}", trial.namespace).into());
        words.push(format!("pod/{}", trial.pod).into());
        words.extend(["--", "sh", "-c", SCRIPT, NAME].map(OsString::from));
        words.extend(trial.arguments(tool).into_iter().map(OsString::from));
        let limits = Limits { time: trial.longest(), output: MOST_OUTPUT };
        match process::run(Program::Kubectl, &self.program, words, Given::default(), limits) {
            Ok(output) if output.status.success() => trial.answers(&output.stdout),
            Ok(output) => trial.all(&refused(&output.stderr, trial.namespace)),
            Err(error) => trial.all(&Why::Failed(not_run(&error, &self.program))),
        }
    }
}

fn not_run(error: &Error, program: &Path) -> String {
    match error {
        Error::TooMuch { .. } => "the container printed more than any answer is long".to_owned(),
        Error::TimedOut { time, .. } => {
            format!("kubectl exec did not end within {} s", time.as_secs())
        }
        Error::Run { source, .. } => {
            format!("cannot run {}: {source}", printable(&program.to_string_lossy()))
        }
    }
}

/// More of what kubectl said is not kept.
const MOST_SAID: usize = 240;

/// Why kubectl could not run the script, by what it said.
fn refused(stderr: &str, namespace: &str) -> Why {
    let has = |words: &[&str]| words.iter().any(|word| stderr.contains(word));
    if has(&["is forbidden", "(Forbidden)"]) {
        return Why::Failed(format!(
            "not allowed: ask for the right to create pods/exec in {namespace}"
        ));
    }
    if has(&["executable file not found", "no such file or directory", "exit code 127"]) {
        return Why::NoShell;
    }
    // Which container it chose is no reason.
    let lines = stderr.lines().map(str::trim);
    let mut lines =
        lines.filter(|line| !line.is_empty() && !line.starts_with("Defaulted container"));
    let said = lines.next_back().unwrap_or("no reason given");
    let said: String = said.chars().take(MOST_SAID).collect();
    Why::Failed(format!("kubectl exec failed: {}", printable(&said)))
}

#[cfg(test)]
mod tests;
