//! The exit codes of every command.

use netpol::verdict::Verdict;
use std::process::ExitCode;

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done; the flow is allowed; nothing found.
    Success,
    /// 1: the flow is denied; something found.
    Found,
    /// 2: an error.
    Error,
    /// 3: what is known does not decide.
    Unknown,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Found => 1,
            Exit::Error => 2,
            Exit::Unknown => 3,
        })
    }
}

/// `None`, flows that differ, has a denied one among them.
impl From<Option<Verdict>> for Exit {
    fn from(verdict: Option<Verdict>) -> Self {
        match verdict {
            Some(Verdict::Allowed) => Self::Success,
            Some(Verdict::Denied) | None => Self::Found,
            Some(Verdict::Unknown | Verdict::Ambiguous) => Self::Unknown,
        }
    }
}
