//! Any text as each of the words and files that people give besides manifests: baselines, names of
//! ends and policies, ports, revisions, limits and durations. What is wrong is told in text that steers nothing.

use crate::read_back;
use netpol::baseline;
use netpol::ends::{EndName, PortWanted};
use netpol::policy::Enforcer;
use netpol_plugins::cli::{PolicyName, Side, duration};
use netpol_sources::limits::Limits;
use netpol_sources::revision::Revision;
use std::str::FromStr;

/// Reads a word; the error is what a command line shows, which escapes it.
fn word<T: FromStr<Err: ToString>>(text: &str) {
    if let Err(error) = text.parse::<T>() {
        read_back::text(&netpol::printable::printable(&error.to_string()));
    }
}

/// See above.
pub fn inputs(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match baseline::from_yaml(&text) {
        Ok(baseline) => {
            for policy in baseline.policies("x", &baseline::Facts::default()) {
                let _ = policy.object(baseline.dialect);
            }
        }
        Err(error) => read_back::text(&error.to_string()),
    }
    let line = text.lines().next().unwrap_or_default();
    word::<EndName>(line);
    word::<PortWanted>(line);
    word::<Revision>(line);
    word::<Limits>(line);
    word::<Enforcer>(line);
    word::<PolicyName>(line);
    let _ = (Side::parse(line.into()), duration(line));
}
