//! Outside programs from `cargo xtask`: found in the user's cache, or built into it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::Stdio;

use super::xtask;

/// Why something that a test stands on is not there.
pub(super) enum Failure {
    /// The programs cannot be had here.
    NoPrograms(String),
    /// They can, but there is something to mend.
    Broken(String),
}

/// The directory that holds the programs of a task of xtask; a first build tells its progress
/// meanwhile.
pub(super) fn programs(task: &str) -> Result<PathBuf, Failure> {
    let broken = |error| Failure::Broken(format!("running cargo xtask {task}: {error}"));
    let mut child = xtask(&[task])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(broken)?;
    let mut last = String::new();
    for line in BufReader::new(child.stderr.take().expect("a pipe")).lines() {
        last = line.map_err(broken)?;
        let _ = writeln!(std::io::stderr(), "{last}");
    }
    let output = child.wait_with_output().map_err(broken)?;
    let answer = String::from_utf8_lossy(&output.stdout);
    // xtask's own failures are 2; cargo's, such as code that does not compile, are others.
    match (output.status.code(), answer.lines().last()) {
        (Some(0), Some(directory)) => Ok(PathBuf::from(directory)),
        (Some(2), _) => {
            let why = last.strip_prefix("error: ").unwrap_or(&last);
            Err(Failure::NoPrograms(why.to_owned()))
        }
        _ => {
            let status = output.status;
            let why = format!("cargo xtask {task}: {status}; its messages are above");
            Err(Failure::Broken(why))
        }
    }
}
