//! Addresses of endpoints and address blocks of rules, per IP family.

use super::Truth;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Private networks, and addresses that lead nowhere.
///
/// Source: IANA's registries of special-purpose addresses (RFC 6890), those that are not globally
/// reachable; multicast and what is reserved; of IPv6 all but `2000::/3` (RFC 4291).
pub const NOT_INTERNET: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/3",
    "::/3",
    "4000::/2",
    "8000::/1",
];

/// Whether a network has addresses of the internet: it lies in none that is not of it.
pub fn is_of_internet(network: &IpNet) -> bool {
    let special = NOT_INTERNET.iter().filter_map(|net| net.parse::<IpNet>().ok());
    !special.into_iter().any(|net| net.contains(network))
}

/// An IP family. A flow has exactly one; dual-stack pods are judged once for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum Family {
    /// IPv4.
    #[serde(rename = "IPv4")]
    V4,
    /// IPv6.
    #[serde(rename = "IPv6")]
    V6,
}

impl Family {
    /// Both families.
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The family of a network.
    pub fn of_net(net: IpNet) -> Self {
        Self::of(net.addr())
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// What is known of an endpoint's address in one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// Exactly this address.
    Known(IpAddr),
    /// Some address in one of these networks, such as the cluster's pod CIDRs.
    Within(Vec<IpNet>),
    /// Some address of the family.
    Unknown,
    /// The endpoint has no address in this family, so no flow of the family reaches it.
    Absent,
}

/// `ipBlock`: the addresses of `cidr` without those of `except`.
///
/// `except` is taken from this block only: another rule may admit the same address
/// (docs/semantics/networkpolicy.md#address-blocks).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AddressBlock {
    /// The block, masked.
    pub cidr: IpNet,
    /// Parts of it that are left out, masked.
    pub except: Arc<[IpNet]>,
}

/// Why an `ipBlock` is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBlock {
    /// Not a network in CIDR notation.
    #[error("{0:?} is not a CIDR such as 10.0.0.0/8 or 2001:db8::/32")]
    NotACidr(String),
    /// An `except` that is not strictly inside its `cidr`.
    #[error("except {except} is not a strict subset of cidr {cidr}")]
    NotASubset {
        /// The exception.
        except: IpNet,
        /// The block.
        cidr: IpNet,
    },
}

impl AddressBlock {
    /// Whether the block has this address.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.cidr.contains(&address) && !self.except.iter().any(|net| net.contains(&address))
    }

    /// Whether the address of an endpoint is in the block, for a flow of `family`.
    pub fn matches(&self, addresses: &Addresses, family: Family) -> Truth {
        if Family::of_net(self.cidr) != family {
            return Truth::No;
        }
        match addresses {
            Addresses::Known(address) => self.contains(*address).into(),
            Addresses::Absent => Truth::No,
            Addresses::Unknown if self.cidr.prefix_len() == 0 && self.except.is_empty() => {
                Truth::Yes
            }
            Addresses::Unknown => Truth::Unknown,
            Addresses::Within(nets) => {
                let mut of_family =
                    nets.iter().filter(|net| Family::of_net(**net) == family).peekable();
                if of_family.peek().is_none() {
                    return Truth::Unknown;
                }
                let (mut inside, mut outside) = (true, true);
                for net in of_family {
                    let touches_except = self.except.iter().any(|e| overlap(e, net));
                    inside &= self.cidr.contains(net) && !touches_except;
                    outside &=
                        !overlap(&self.cidr, net) || self.except.iter().any(|e| e.contains(net));
                }
                match (inside, outside) {
                    (true, _) => Truth::Yes,
                    (_, true) => Truth::No,
                    _ => Truth::Unknown,
                }
            }
        }
    }
}

fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

impl fmt::Display for AddressBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cidr)?;
        for (i, except) in self.except.iter().enumerate() {
            write!(f, "{}{except}", if i == 0 { " except " } else { ", " })?;
        }
        Ok(())
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

    /// docs/semantics/networkpolicy.md#address-blocks: ipBlock matches by family; except is cut from
    /// its own item.
    #[test]
    fn known_addresses() {
        let b = block("10.0.0.0/8", &["10.1.0.0/16"]);
        let at = |ip: &str, family| b.matches(&Addresses::Known(ip.parse().unwrap()), family);
        assert_eq!(at("10.2.0.1", Family::V4), Truth::Yes);
        assert_eq!(at("10.1.0.1", Family::V4), Truth::No);
        assert_eq!(at("11.0.0.1", Family::V4), Truth::No);
        assert_eq!(at("2001:db8::1", Family::V6), Truth::No);
        let b = block("2001:db8::/32", &[]);
        assert_eq!(
            b.matches(&Addresses::Known("2001:db8::1".parse().unwrap()), Family::V6),
            Truth::Yes
        );
    }

    #[test]
    fn unknown_addresses_are_decided_only_by_a_whole_family() {
        let unknown = Addresses::Unknown;
        assert_eq!(block("0.0.0.0/0", &[]).matches(&unknown, Family::V4), Truth::Yes);
        assert_eq!(block("0.0.0.0/0", &[]).matches(&unknown, Family::V6), Truth::No);
        let but = block("0.0.0.0/0", &["10.0.0.0/8"]);
        assert_eq!(but.matches(&unknown, Family::V4), Truth::Unknown);
        assert_eq!(block("10.0.0.0/8", &[]).matches(&unknown, Family::V4), Truth::Unknown);
        assert_eq!(block("0.0.0.0/0", &[]).matches(&Addresses::Absent, Family::V4), Truth::No);
    }

    #[test]
    fn pod_cidrs_decide_when_all_in_or_all_out() {
        let pods = Addresses::Within(vec!["10.244.0.0/16".parse().unwrap()]);
        let v4 = |b: AddressBlock| b.matches(&pods, Family::V4);
        assert_eq!(v4(block("10.0.0.0/8", &[])), Truth::Yes);
        assert_eq!(v4(block("192.168.0.0/16", &[])), Truth::No);
        assert_eq!(v4(block("10.244.7.0/24", &[])), Truth::Unknown);
        assert_eq!(v4(block("0.0.0.0/0", &["10.0.0.0/8"])), Truth::No);
        assert_eq!(v4(block("0.0.0.0/0", &["10.244.7.0/24"])), Truth::Unknown);
        assert_eq!(v4(block("0.0.0.0/0", &["192.168.0.0/16"])), Truth::Yes);
        assert_eq!(block("::/1", &[]).matches(&pods, Family::V6), Truth::Unknown);
    }
}
