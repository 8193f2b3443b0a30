//! Sets of destination ports.
//!
//! In: ranges of ports. Out: a [`PortSet`] of them, and what two have together or not.

use crate::cluster::{Port, PortRange, Protocol};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Ports of all protocols as sorted ranges that neither overlap nor touch; a copy shares them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortSet(Arc<[(u32, u32)]>);

/// Range by range in one piece, since very many sets are hashed.
impl Hash for PortSet {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        for (first, last) in &*self.0 {
            hasher.write_u64(u64::from(*first) << 32 | u64::from(*last));
        }
        hasher.write_usize(self.0.len());
    }
}

/// The ranges of every port of every protocol.
pub(super) const EVERY_PORT: [(u32, u32); 3] =
    [(1, 0xffff), (0x1_0001, 0x1_ffff), (0x2_0001, 0x2_ffff)];

/// Port 0 of a protocol is in no set, so ranges of two protocols never touch.
fn code(protocol: Protocol, number: u16) -> u32 {
    (protocol as u32) << 16 | u32::from(number)
}

/// The port of a number of [`PortSet::spans`].
pub(super) fn port(code: u32) -> Port {
    let protocol = Protocol::ALL[((code >> 16) as usize).min(2)];
    Port { protocol, number: (code & 0xffff) as u16 }
}

/// The ports between two ends. What is possible but not certain is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Those of `certain` at which nothing else must hold, such as an HTTP path.
    pub unconditional: PortSet,
    /// Ports that are allowed, whatever the unknown parts turn out to be.
    pub certain: PortSet,
    /// Ports that are allowed or unknown.
    pub possible: PortSet,
}

impl PortSet {
    /// Every port of every protocol.
    pub fn all() -> Self {
        Self(EVERY_PORT.into())
    }

    /// The union of ranges in any order.
    pub fn of(ranges: impl IntoIterator<Item = (Protocol, PortRange)>) -> Self {
        let ranges = ranges.into_iter();
        let mut codes: Vec<_> =
            ranges.map(|(p, r)| (code(p, r.first.max(1)), code(p, r.last))).collect();
        Self::merged(&mut codes)
    }

    /// The union of numbered ranges in any order.
    fn merged(codes: &mut [(u32, u32)]) -> Self {
        codes.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(codes.len());
        for (first, last) in codes.iter().copied() {
            match merged.last_mut() {
                Some((_, end)) if first <= *end + 1 => *end = (*end).max(last),
                _ => merged.push((first, last)),
            }
        }
        Self(merged.into())
    }

    /// Whether it is a copy of another.
    pub(crate) fn is_copy_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether no port is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every port is in it.
    pub fn is_all(&self) -> bool {
        *self.0 == EVERY_PORT
    }

    /// Whether it has this port.
    pub fn contains(&self, port: Port) -> bool {
        let code = code(port.protocol, port.number);
        let at = self.0.partition_point(|(_, last)| *last < code);
        self.0.get(at).is_some_and(|(first, _)| *first <= code)
    }

    /// The lowest port, TCP first.
    pub fn lowest(&self) -> Option<Port> {
        self.0.first().map(|(first, _)| port(*first))
    }

    /// Its ranges, by protocol and number.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = (Protocol, PortRange)> {
        self.0.iter().map(|(first, last)| {
            let (first, last) = (port(*first), port(*last));
            (first.protocol, PortRange { first: first.number, last: last.number })
        })
    }

    /// Ranges as numbers, which neither overlap nor touch, in order.
    pub(super) fn of_codes(codes: Vec<(u32, u32)>) -> Self {
        Self(codes.into())
    }

    /// Its ranges as numbers, with the last of each.
    pub(super) fn codes(&self) -> &[(u32, u32)] {
        &self.0
    }

    /// Its ranges as numbers, the last of each the one after its end.
    pub(super) fn spans(&self) -> impl Iterator<Item = (u32, u32)> {
        self.0.iter().map(|(first, last)| (*first, last + 1))
    }

    /// Ports in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::merged(&mut [&*self.0, &*other.0].concat())
    }

    /// Ports in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut i, mut j, mut both) = (0, 0, Vec::new());
        while let (Some(a), Some(b)) = (self.0.get(i), other.0.get(j)) {
            let (first, last) = (a.0.max(b.0), a.1.min(b.1));
            if first <= last {
                both.push((first, last));
            }
            if a.1 < b.1 { i += 1 } else { j += 1 }
        }
        Self(both.into())
    }

    /// Ports in this one alone.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let complement = other.complement();
        self.intersection(&complement)
    }

    fn complement(&self) -> Self {
        let mut rest = Vec::new();
        for (first, last) in EVERY_PORT {
            let mut next = first;
            for (from, to) in self.0.iter().filter(|(from, _)| (first..=last).contains(from)) {
                if *from > next {
                    rest.push((next, from - 1));
                }
                next = to + 1;
            }
            if next <= last {
                rest.push((next, last));
            }
        }
        Self(rest.into())
    }
}

/// `80/TCP, 1024-65535/UDP`; `all` and `none` for the two extremes.
impl fmt::Display for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() || self.is_all() {
            return f.write_str(if self.is_empty() { "none" } else { "all" });
        }
        for (i, (protocol, range)) in self.ranges().enumerate() {
            write!(f, "{}{range}/{protocol}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(first: u16, last: u16) -> PortSet {
        PortSet::of([(Protocol::Tcp, PortRange { first, last })])
    }

    #[test]
    fn ranges_merge_and_protocols_stay_apart() {
        let high = tcp(1, 79).union(&tcp(80, 65535));
        assert_eq!(high, tcp(1, 65535));
        let udp = PortSet::of([(Protocol::Udp, 1.into())]);
        assert_eq!(high.union(&udp).ranges().len(), 2);
        assert_eq!(high.union(&udp).to_string(), "1-65535/TCP, 1/UDP");
        assert_eq!(udp.lowest(), Some(Port { protocol: Protocol::Udp, number: 1 }));
    }

    #[test]
    fn set_algebra_at_the_edges() {
        let all = PortSet::all();
        assert!(all.difference(&all).is_empty() && all.is_all());
        assert_eq!(all.difference(&PortSet::default()), all);
        let web = tcp(80, 81).union(&tcp(443, 443));
        assert_eq!(web.intersection(&tcp(81, 443)), tcp(81, 81).union(&tcp(443, 443)));
        assert_eq!(web.difference(&tcp(81, 443)), tcp(80, 80));
        assert_eq!(all.difference(&web).intersection(&web), PortSet::default());
        assert_eq!(all.difference(&web).union(&web), all);
        assert!(!web.contains(Port::tcp(82)) && web.contains(Port::tcp(443)));
    }
}
