//! Addresses cut where some `ipBlock` begins or ends.
//!
//! In: the blocks of all rules of one family. Out: atoms, ranges of addresses within which no block
//! tells two addresses apart.

use crate::cluster::{AddressBlock, Family};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

/// The atoms of one family, by number from the lowest address on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Atoms {
    family: Family,
    /// The first address of each; the first is 0.
    starts: Vec<u128>,
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

impl Atoms {
    pub(crate) fn cut<'a>(
        family: Family,
        blocks: impl IntoIterator<Item = &'a AddressBlock>,
    ) -> Self {
        let top = Self::top(family);
        let mut starts = vec![0];
        for block in blocks {
            if Family::of_net(block.cidr) != family {
                continue;
            }
            for net in std::iter::once(&block.cidr).chain(block.except.iter()) {
                starts.push(number(net.network()));
                let last = number(net.broadcast());
                if last < top {
                    starts.push(last + 1);
                }
            }
        }
        starts.sort_unstable();
        starts.dedup();
        Self { family, starts }
    }

    fn top(family: Family) -> u128 {
        match family {
            Family::V4 => u128::from(u32::MAX),
            Family::V6 => u128::MAX,
        }
    }

    fn address(&self, number: u128) -> IpAddr {
        match self.family {
            Family::V4 => Ipv4Addr::from(u32::try_from(number).unwrap_or(u32::MAX)).into(),
            Family::V6 => Ipv6Addr::from(number).into(),
        }
    }

    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.starts.len()).unwrap_or(u32::MAX)
    }

    /// The atom that has an address of the family.
    pub(super) fn of(&self, address: IpAddr) -> u32 {
        let after = self.starts.partition_point(|start| *start <= number(address));
        u32::try_from(after).unwrap_or(u32::MAX) - 1
    }

    /// First and last address of an atom.
    pub(super) fn bounds(&self, atom: u32) -> (IpAddr, IpAddr) {
        let atom = atom as usize;
        let last = self.starts.get(atom + 1).map_or(Self::top(self.family), |next| next - 1);
        (self.address(self.starts[atom]), self.address(last))
    }

    fn range(&self, net: IpNet) -> Range<u32> {
        self.of(net.network())..self.of(net.broadcast()) + 1
    }

    /// The atoms that a block of the family has, as runs in order.
    pub(crate) fn within(&self, block: &AddressBlock) -> Vec<(u32, u32)> {
        let whole = self.range(block.cidr);
        let mut holes: Vec<Range<u32>> = block.except.iter().map(|n| self.range(*n)).collect();
        holes.sort_by_key(|hole| hole.start);
        let (mut runs, mut next) = (Vec::new(), whole.start);
        for hole in holes {
            if hole.start > next {
                runs.push((next, hole.start));
            }
            next = next.max(hole.end);
        }
        if next < whole.end {
            runs.push((next, whole.end));
        }
        runs
    }

    /// Whether no atom of the block's family is partly in it.
    pub(super) fn are_cut_by(&self, block: &AddressBlock) -> bool {
        let is_start = |at| self.starts.binary_search(&at).is_ok();
        std::iter::once(&block.cidr).chain(block.except.iter()).all(|net| {
            let last = number(net.broadcast());
            is_start(number(net.network()))
                && (last == Self::top(self.family) || is_start(last + 1))
        })
    }

    /// An address of an atom that is not taken, as low as can be without being the first of all.
    pub(crate) fn example(&self, atom: u32, taken: impl Fn(IpAddr) -> bool) -> IpAddr {
        let (first, last) = self.bounds(atom);
        let (first, last) = (number(first), number(last));
        let low = if first == 0 && last > 0 { 1 } else { first };
        // A range full of taken addresses is left after this many: its first one must do.
        let up = (low..=last).take(50_000);
        up.chain((low..=last).rev().take(50_000))
            .map(|number| self.address(number))
            .find(|address| !taken(*address))
            .unwrap_or_else(|| self.address(low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(cidr: &str, except: &[&str]) -> AddressBlock {
        AddressBlock {
            cidr: cidr.parse().unwrap(),
            except: except.iter().map(|net| net.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn atoms_are_cut_at_every_edge_and_cover_the_family() {
        let blocks = [
            block("0.0.0.0/0", &["10.0.0.0/8", "255.255.255.255/32"]),
            block("10.1.0.0/16", &[]),
            block("2001:db8::/32", &[]),
        ];
        let v4 = Atoms::cut(Family::V4, &blocks);
        assert_eq!(v4.len(), 6);
        assert_eq!(v4.within(&blocks[0]), [(0, 1), (4, 5)]);
        assert_eq!(v4.within(&blocks[1]), [(2, 3)]);
        assert_eq!(v4.of("10.1.255.255".parse().unwrap()), 2);
        let shown = |(first, last): (IpAddr, IpAddr)| format!("{first} {last}");
        assert_eq!(shown(v4.bounds(5)), "255.255.255.255 255.255.255.255");
        assert_eq!(shown(v4.bounds(3)), "10.2.0.0 10.255.255.255");
        let v6 = Atoms::cut(Family::V6, &blocks);
        assert_eq!(v6.len(), 3);
        assert_eq!(v6.within(&blocks[2]), [(1, 2)]);
        assert!(
            v6.bounds(2).1 == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".parse::<IpAddr>().unwrap()
        );
        assert_eq!(v4.example(0, |ip| ip.to_string() == "0.0.0.1").to_string(), "0.0.0.2");
    }
}
