//! A running `hubble observe`, read line by line.
//!
//! In: the program and what to ask. Out: batches of [`Record`]s as they come, then how it ended. The
//! program is ended, by its own process id, when the [`Stream`] is dropped.

use super::error::Error;
use super::program::Hubble;
use super::relay::Relay;
use crate::address::without_user;
use crate::process::{self, Program};
use netpol::hubble::{self, Filter, Record, Window, decode};
use netpol::printable::printable;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Of stderr so many lines are kept for an error.
const LAST_LINES: usize = 8;

/// And of a line so much.
const LONGEST_LINE: u64 = 16 << 10;

/// In a sentence so much of it is shown.
const SHOWN: usize = 300;

/// A program whose output is at an end is about to end itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// A running `hubble observe`.
#[derive(Debug)]
pub struct Stream {
    child: Child,
    relay: Relay,
    hubble: Hubble,
    said: Arc<Mutex<VecDeque<String>>>,
    listener: Option<JoinHandle<()>>,
}

impl Stream {
    /// Starts it. `take` gets batches from another thread until it says `false`, and once an empty
    /// one at the end of the stream.
    pub fn start(
        hubble: Hubble,
        relay: Relay,
        filter: &Filter,
        window: &Window,
        take: impl Fn(Vec<Record>) -> bool + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let failed = |source| Error::Run { program: hubble.program.clone(), source };
        let words = ["observe", "-o", "jsonpb"].map(ToOwned::to_owned).into_iter();
        let words = words.chain(relay.arguments()).chain(filter.arguments(window));
        let mut child = process::start(Program::Hubble, &hubble.program, words).map_err(failed)?;
        let said = Arc::default();
        let take = Arc::new(take);
        let listener = child.stderr.take().map(|stderr| {
            let (said, take) = (Arc::clone(&said), Arc::clone(&take));
            std::thread::spawn(move || listen(stderr, &said, &*take))
        });
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                // A pipe that breaks is the end of the stream; how the program ends says why.
                let _ = hubble::read(stdout, |batch| take(batch));
                take(Vec::new());
            });
        }
        Ok(Self { child, relay, hubble, said, listener })
    }

    /// Waits for the program after the end of its output; `flows` is what it had sent until then.
    pub fn finish(mut self, flows: u64) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        let failed = |source| Error::Run { program: self.hubble.program.clone(), source };
        let status = loop {
            if let Some(status) = self.child.try_wait().map_err(failed)? {
                break status;
            }
            if Instant::now() >= deadline {
                // It closed its output and goes on all the same.
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        // Its last words may still be on their way; whoever else holds the pipe is not waited for.
        while self.listener.as_ref().is_some_and(|listener| !listener.is_finished())
            && Instant::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.outcome(status, flows)
    }

    fn outcome(&self, status: ExitStatus, flows: u64) -> Result<(), Error> {
        if status.success() {
            return Ok(());
        }
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let said = last_words(&said);
        match status.code() {
            Some(_) if is_of_relay(&said) => {
                Err(Error::NoRelay { relay: self.relay.clone(), said })
            }
            Some(code) => Err(Error::Failed { code, said }),
            None => Err(Error::Ended { by: signal(status), flows }),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Ending what has ended is no harm: until it is waited for, the process id is not reused.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps the last lines of stderr; what the relay says of nodes goes on.
fn listen(stderr: impl Read, said: &Mutex<VecDeque<String>>, take: &dyn Fn(Vec<Record>) -> bool) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        match stderr.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if line.starts_with(b"{")
            && let state @ Record::Nodes(_) = decode(line.trim_ascii())
        {
            take(vec![state]);
            continue;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if !text.is_empty() {
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            if said.len() == LAST_LINES {
                said.pop_front();
            }
            said.push_back(printable(&without_user(text)).chars().take(SHOWN).collect());
        }
    }
}

/// The line that says why it ended: the last that is not only a warning.
fn last_words(said: &VecDeque<String>) -> String {
    let is_warning = |line: &String| {
        let start = line.get(..40).unwrap_or(line);
        ["level=warn", "level=info", "WARN", "INFO"].iter().any(|word| start.contains(word))
    };
    let mut lines = said.iter().rev().filter(|line| !line.starts_with("Usage"));
    let found = lines.clone().find(|line| !is_warning(line)).or_else(|| lines.next());
    found.map_or_else(|| "it does not say why".to_owned(), Clone::clone)
}

/// Whether an error is about the way to the relay.
fn is_of_relay(said: &str) -> bool {
    let marks = [
        "code = Unavailable",
        "connection refused",
        "failed to port forward",
        "failed to connect",
        "context deadline exceeded",
        "no such host",
    ];
    marks.iter().any(|mark| said.contains(mark))
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal().map_or_else(|| "a signal".to_owned(), |number| format!("signal {number}"))
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> String {
    "someone".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_is_no_warning_says_why() {
        let lines = |lines: &[&str]| last_words(&lines.iter().map(ToString::to_string).collect());
        assert_eq!(lines(&["a", "time=x level=warn msg=\"y\""]), "a");
        assert_eq!(lines(&["time=x level=warn msg=\"y\""]), "time=x level=warn msg=\"y\"");
        assert_eq!(lines(&[]), "it does not say why");
    }

    #[test]
    fn what_the_cli_says_of_the_relay() {
        // As the CLI of 1.19.4 says it.
        let refused = "rpc error: code = Unavailable desc = connection error: desc = \"transport: \
                       Error while dialing: dial tcp 127.0.0.1:4245: connect: connection refused\"";
        assert!(is_of_relay(refused));
        assert!(is_of_relay("failed to port forward: failed to get service \"hubble-relay\""));
        assert!(!is_of_relay("invalid argument \"x\" for \"--verdict\" flag"));
    }
}
