//! What a version of the Hubble CLI can do.

use std::fmt;

/// A release: major, minor, patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

/// Something that not every version can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// Everything that is asked of it: `-o jsonpb`, every filter, `--input-file`.
    Observe,
    /// `--port-forward`: it finds the relay by itself.
    PortForward,
}

/// Since when. Source: docs/semantics/hubble.md#versions-of-the-command-line.
const SINCE: &[(Capability, Version)] =
    &[(Capability::Observe, Version(0, 12, 0)), (Capability::PortForward, Version(1, 17, 0))];

impl Capability {
    /// The first version that has it.
    pub fn since(self) -> Version {
        let found = SINCE.iter().find(|(capability, _)| *capability == self);
        found.map_or(Version(u32::MAX, 0, 0), |(_, since)| *since)
    }
}

impl Version {
    /// Whether it can do something.
    pub fn has(self, capability: Capability) -> bool {
        self >= capability.since()
    }

    /// The version in what `hubble version` prints, such as
    /// `hubble v1.19.4@HEAD-1234567 compiled with go1.26.8 on linux/amd64`.
    pub fn find(text: &str) -> Option<Self> {
        let word = text.split_whitespace().nth(1)?;
        let word = word.strip_prefix('v').unwrap_or(word);
        // What follows the numbers is a branch or `-rc.1`, which can do what the release can.
        let numbers: &str = word.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
        let mut parts = numbers.split('.').map(str::parse::<u32>);
        let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) else { return None };
        let patch = parts.next().and_then(Result::ok).unwrap_or(0);
        Some(Self(major, minor, patch))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_the_cli_prints_them() {
        for (text, expected) in [
            ("hubble v1.19.4 compiled with go1.26.8 on linux/amd64", Some(Version(1, 19, 4))),
            ("hubble 0.12.2@master-ab12 compiled with go1.21", Some(Version(0, 12, 2))),
            ("hubble v1.20.0-dev compiled with go1.27", Some(Version(1, 20, 0))),
            ("hubble v1.17", Some(Version(1, 17, 0))),
            ("hubble  compiled with go1.21.3 on linux/amd64", None),
            ("hubble", None),
            ("", None),
            ("usage: hubble 3", None),
            ("hubble v99999999999.1.1", None),
        ] {
            assert_eq!(Version::find(text), expected, "{text}");
        }
    }

    /// docs/semantics/hubble.md#reaching-a-relay: -P from 1.17.
    #[test]
    fn what_a_version_can_do() {
        assert!(Version(1, 17, 0).has(Capability::PortForward));
        assert!(!Version(1, 16, 9).has(Capability::PortForward));
        assert!(Version(0, 12, 0).has(Capability::Observe));
        assert!(!Version(0, 11, 6).has(Capability::Observe));
    }
}
