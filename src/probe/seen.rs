//! What a program in a pod said of the connections that it tried.
//!
//! In: the text that it printed, which may be anything: a pod is not trusted. Out: an [`Outcome`] for each
//! connection. Only lines of one form count, the first of each number; all else is not known.

use crate::printable::printable;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// What became of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum Seen {
    /// It was taken, or a datagram answered.
    Connected,
    /// It was refused by whoever has the address: it got there, and nothing listens.
    Refused,
    /// Nothing came back.
    Silent,
    /// Something on the way said that it does not go there.
    Unreachable,
}

impl Seen {
    /// Whether it got there.
    ///
    /// Source: docs/semantics/connections.md#refused, docs/semantics/connections.md#silence and
    /// docs/semantics/connections.md#unreachable.
    pub fn passed(self) -> bool {
        matches!(self, Self::Connected | Self::Refused)
    }

    /// Its word in text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Refused => "refused",
            Self::Silent => "silent",
            Self::Unreachable => "unreachable",
        }
    }
}

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A program saw it.
    Seen {
        /// What.
        seen: Seen,
        /// Which program, by its name.
        by: String,
    },
    /// Nobody knows.
    NotKnown(Why),
}

/// Why nothing is known of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The container has no shell.
    NoShell,
    /// The container has a shell, and no program that opens connections of the protocol.
    NoProgram,
    /// The pod found no address for the name.
    Unresolved,
    /// The pod has no way to any address of the family.
    NoRoute,
    /// It could not be tried, in words.
    Failed(String),
    /// What the container printed is nothing that can be read.
    NotSaid,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoShell => "the container has no shell",
            Self::NoProgram => "the container has no program that can try it",
            Self::Unresolved => "the name was not resolved in the pod",
            Self::NoRoute => "the pod has no route to addresses of that family",
            Self::Failed(why) => why,
            Self::NotSaid => "the container printed nothing that says what became of it",
        })
    }
}

/// How each line begins that counts.
const MARK: &str = "netpol-probe ";

/// More of what a program said is not kept.
const MOST_WORDS: usize = 160;

/// More bytes are not looked at.
const MOST_BYTES: usize = 64 * 1024;

/// Reads what was printed of so many connections.
pub fn told(output: &[u8], many: usize) -> Vec<Outcome> {
    let output = &output[..output.len().min(MOST_BYTES)];
    let mut found: Vec<Option<Outcome>> = vec![None; many];
    for line in output.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let Some((number, outcome)) = line.strip_prefix(MARK).and_then(one) else { continue };
        if let Some(place @ None) = found.get_mut(number) {
            *place = Some(outcome);
        }
    }
    found.into_iter().map(|it| it.unwrap_or(Outcome::NotKnown(Why::NotSaid))).collect()
}

/// `NUMBER PROGRAM RESULT WORDS…`.
fn one(line: &str) -> Option<(usize, Outcome)> {
    let mut words = line.splitn(4, ' ');
    let number = words.next()?.parse().ok()?;
    let by = words.next()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    if by.is_empty() || by.len() > 16 || !by.bytes().all(plain) {
        return None;
    }
    let result = words.next()?;
    let seen = |seen| Outcome::Seen { seen, by: by.to_owned() };
    let outcome = match result {
        "connected" => seen(Seen::Connected),
        "refused" => seen(Seen::Refused),
        "silent" => seen(Seen::Silent),
        "unreachable" => seen(Seen::Unreachable),
        "missing" => Outcome::NotKnown(Why::NoProgram),
        "unresolved" => Outcome::NotKnown(Why::Unresolved),
        "noroute" => Outcome::NotKnown(Why::NoRoute),
        "failed" => {
            let said = words.next().unwrap_or_default().trim();
            let said: String = said.chars().take(MOST_WORDS).collect();
            let said = if said.is_empty() { "no reason given" } else { &said };
            Outcome::NotKnown(Why::Failed(format!("{by} failed: {}", printable(said))))
        }
        _ => return None,
    };
    Some((number, outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(seen: Seen, by: &str) -> Outcome {
        Outcome::Seen { seen, by: by.to_owned() }
    }

    #[test]
    fn lines_of_the_script() {
        let text = "Welcome!\nnetpol-probe 1 nc refused \r\nnetpol-probe 0 bash connected\n\
                    netpol-probe 2 python3 silent\nnetpol-probe 3 none missing\n\
                    netpol-probe 4 curl failed curl: (3) no\u{1b}[2J\n";
        let all = told(text.as_bytes(), 6);
        assert_eq!(all[0], seen(Seen::Connected, "bash"));
        assert_eq!(all[1], seen(Seen::Refused, "nc"));
        assert_eq!(all[2], seen(Seen::Silent, "python3"));
        assert_eq!(all[3], Outcome::NotKnown(Why::NoProgram));
        let Outcome::NotKnown(why) = &all[4] else { panic!("{all:?}") };
        assert_eq!(why.to_string(), "curl failed: curl: (3) no\\u{1b}[2J");
        assert_eq!(all[5], Outcome::NotKnown(Why::NotSaid));
    }

    /// Whatever a pod prints, nothing is taken for an answer that is none.
    #[test]
    fn what_is_no_line_says_nothing() {
        let not_said = Outcome::NotKnown(Why::NotSaid);
        for text in [
            "".as_bytes(),
            b"netpol-probe",
            b"netpol-probe 0 nc connected2",
            b" netpol-probe 0 nc connected",
            b"netpol-probe -1 nc connected",
            b"netpol-probe 99999999999999999999 nc connected",
            b"netpol-probe 7 nc connected",
            b"netpol-probe 0  connected",
            b"netpol-probe 0 \x1b[31m connected",
            b"netpol-probe 0 nc CONNECTED",
            b"\xff\xfe\x00netpol-probe 0 nc connected",
            b"netpol-probe 0 nc connected\xff",
        ] {
            assert_eq!(told(text, 1), std::slice::from_ref(&not_said), "{text:?}");
        }
        let mut long = vec![b'x'; MOST_BYTES];
        long.extend(b"\nnetpol-probe 0 nc connected\n");
        assert_eq!(told(&long, 1), [not_said]);
        // The first of each number counts.
        let twice = b"netpol-probe 0 nc silent\nnetpol-probe 0 nc connected\n";
        assert_eq!(told(twice, 1), [seen(Seen::Silent, "nc")]);
        let failed = format!("netpol-probe 0 nc failed {}", "é".repeat(10_000));
        let Outcome::NotKnown(why) = &told(failed.as_bytes(), 1)[0] else { panic!() };
        assert!(why.to_string().len() < 400);
    }
}
