//! Ranges of addresses as the fewest networks.

use crate::cluster::Family;
use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};
use std::net::IpAddr;

/// From the first to the last address, of one family.
pub(super) type Range = (IpAddr, IpAddr);

/// Joins neighbouring ranges, given in order.
pub(super) fn joined(ranges: impl IntoIterator<Item = Range>) -> Vec<Range> {
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
pub(super) fn networks(ranges: &[Range]) -> Vec<IpNet> {
    let of = |range: &Range| -> Vec<IpNet> {
        match *range {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect()
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect()
            }
            _ => Vec::new(),
        }
    };
    ranges.iter().flat_map(of).collect()
}

/// What of the family is not in ranges that are in order and do not touch.
pub(super) fn complement(ranges: &[Range], family: Family) -> Vec<Range> {
    let whole = match family {
        Family::V4 => "0.0.0.0/0",
        Family::V6 => "::/0",
    };
    let Ok(whole) = whole.parse::<IpNet>() else { return Vec::new() };
    let mut next = Some(whole.network());
    let mut rest = Vec::new();
    for (first, last) in ranges {
        if let (Some(next), Some(before)) = (next, predecessor(*first))
            && next < *first
        {
            rest.push((next, before));
        }
        next = successor(*last);
    }
    rest.extend(next.map(|next| (next, whole.broadcast())));
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
            (ip("0.0.0.0"), ip("9.255.255.255")),
            (ip("11.0.0.0"), ip("11.255.255.255")),
            (ip("12.0.0.0"), ip("255.255.255.255")),
        ]);
        assert_eq!(ranges.len(), 2);
        let rest = complement(&ranges, Family::V4);
        let shown: Vec<_> = networks(&rest).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.0/8"]);
        assert_eq!(complement(&rest, Family::V4), ranges);
        let all = [(ip("::"), ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))];
        assert_eq!(complement(&all, Family::V6), []);
        assert_eq!(complement(&[], Family::V6), all);
    }
}
