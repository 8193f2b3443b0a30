//! Ranges of addresses: joined, turned round, and as the fewest networks.

use crate::cluster::Family;
use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};
use std::net::IpAddr;

/// From the first to the last address, of one family.
pub type Range = (IpAddr, IpAddr);

/// Ranges in order, those that touch made one. They do not overlap, but may be there twice.
pub fn joined(ranges: impl IntoIterator<Item = Range>) -> Vec<Range> {
    let mut ranges: Vec<Range> = ranges.into_iter().collect();
    ranges.sort_unstable();
    ranges.dedup();
    let mut joined: Vec<Range> = Vec::new();
    for (first, last) in ranges {
        match joined.last_mut() {
            Some((_, end)) if successor(*end) == Some(first) => *end = last,
            _ => joined.push((first, last)),
        }
    }
    joined
}

/// The networks of ranges.
pub fn networks(ranges: &[Range]) -> Vec<IpNet> {
    ranges.iter().copied().flat_map(subnets).collect()
}

/// The fewest networks that are a range, in order; a range may be hundreds.
pub fn subnets(range: Range) -> Box<dyn Iterator<Item = IpNet>> {
    match range {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            Box::new(Ipv4Subnets::new(first, last, 0).map(IpNet::V4))
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            Box::new(Ipv6Subnets::new(first, last, 0).map(IpNet::V6))
        }
        _ => Box::new(std::iter::empty()),
    }
}

/// All addresses of a family.
pub fn whole(family: Family) -> Range {
    match family {
        Family::V4 => (IpAddr::V4(0.into()), IpAddr::V4(u32::MAX.into())),
        Family::V6 => (IpAddr::V6(0.into()), IpAddr::V6(u128::MAX.into())),
    }
}

/// Whether these are all addresses of a family.
pub fn is_whole(range: Range) -> bool {
    range == whole(Family::of(range.0))
}

/// What of the family is not in ranges that are in order and do not touch.
pub fn complement(ranges: &[Range], family: Family) -> Vec<Range> {
    let (lowest, highest) = whole(family);
    let mut next = Some(lowest);
    let mut rest = Vec::new();
    for (first, last) in ranges {
        if let (Some(next), Some(before)) = (next, predecessor(*first))
            && next < *first
        {
            rest.push((next, before));
        }
        next = successor(*last);
    }
    rest.extend(next.map(|next| (next, highest)));
    rest
}

fn successor(ip: IpAddr) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(ip) => u32::from(ip).checked_add(1).map(|n| IpAddr::V4(n.into())),
        IpAddr::V6(ip) => u128::from(ip).checked_add(1).map(|n| IpAddr::V6(n.into())),
    }
}

fn predecessor(ip: IpAddr) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(ip) => u32::from(ip).checked_sub(1).map(|n| IpAddr::V4(n.into())),
        IpAddr::V6(ip) => u128::from(ip).checked_sub(1).map(|n| IpAddr::V6(n.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_the_fewest_networks_and_have_a_complement() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let ranges = joined([
            (ip("12.0.0.0"), ip("255.255.255.255")),
            (ip("0.0.0.0"), ip("9.255.255.255")),
            (ip("11.0.0.0"), ip("11.255.255.255")),
            (ip("11.0.0.0"), ip("11.255.255.255")),
        ]);
        assert_eq!(ranges.len(), 2);
        let rest = complement(&ranges, Family::V4);
        let shown: Vec<_> = networks(&rest).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.0/8"]);
        assert_eq!(complement(&rest, Family::V4), ranges);
        let all = [(ip("::"), ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))];
        assert!(is_whole(all[0]) && !is_whole(rest[0]));
        assert_eq!(complement(&all, Family::V6), []);
        assert_eq!(complement(&[], Family::V6), all);
    }
}
