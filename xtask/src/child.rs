//! A program that runs within limits of time and of what it prints.
//!
//! In: a started child that prints to files. Out: how it ended.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// How far a program may go.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// How long it may take.
    pub(crate) time: Duration,
    /// How much it may print.
    pub(crate) bytes: u64,
}

/// How a program ended.
pub(crate) enum End {
    /// By itself.
    Exit(ExitStatus),
    /// It was ended after so much time.
    Late(Duration),
    /// It was ended after it had printed so many bytes.
    TooMuch(u64),
}

impl End {
    /// Whether it ended by itself, with 0.
    pub(crate) fn is_success(&self) -> bool {
        matches!(self, Self::Exit(status) if status.success())
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => write!(f, "{status}"),
            Self::Late(time) => write!(f, "not at its end after {} s", time.as_secs()),
            Self::TooMuch(bytes) => write!(f, "more than {bytes} bytes of output"),
        }
    }
}

/// Waits until the child ends, or ends it where it goes too far; `files` are those that it prints to.
pub(crate) fn wait(child: &mut Child, limits: Limits, files: &[&Path]) -> Result<End> {
    let began = Instant::now();
    let size_of = |path: &&Path| fs::metadata(path).map_or(0, |file| file.len());
    let size = || files.iter().map(size_of).sum::<u64>();
    let too_far = loop {
        if let Some(status) = child.try_wait().context("waiting for an answer")? {
            // What ends by itself may have printed too much before anybody looked.
            let end = End::Exit(status);
            return Ok(if size() > limits.bytes { End::TooMuch(limits.bytes) } else { end });
        }
        if size() > limits.bytes {
            break End::TooMuch(limits.bytes);
        }
        if began.elapsed() > limits.time {
            break End::Late(limits.time);
        }
        sleep(Duration::from_millis(2));
    };
    child.kill().and_then(|()| child.wait()).context("ending a command")?;
    Ok(too_far)
}
