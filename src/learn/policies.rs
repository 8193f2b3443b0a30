//! From what is to be admitted to policies: one for each pair and side, named after both.

use super::units::{Unit, UnitId, Units};
use crate::baseline::{MANAGED_BY, MANAGER};
use crate::cluster::Port;
use crate::draft::{self, Draft, Rule};
use crate::policy::rule::Direction;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// So many blocks of addresses outside are named in one policy, and so many ports. Who needs more is
/// better served by a block, or by a name, that somebody chooses.
pub(super) const MOST_BLOCKS: usize = 32;
pub(super) const MOST_PORTS: usize = 64;

/// The longest name, so that a number fits behind it.
const LONGEST: usize = 240;

/// Whom one policy admits to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Pair {
    pub(super) direction: Direction,
    /// Whom the policy selects.
    pub(super) subject: UnitId,
    pub(super) peer: Peer,
}

/// The other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Peer {
    Unit(UnitId),
    /// Addresses outside the cluster, all of them in one policy.
    Outside,
}

/// What one policy admits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Admitted {
    #[default]
    Nothing,
    /// Ports from or to pods.
    Ports(BTreeSet<Port>),
    /// The ports of each address.
    Addresses(BTreeMap<IpAddr, BTreeSet<Port>>),
}

impl Admitted {
    pub(super) fn add(&mut self, address: Option<IpAddr>, port: Port) {
        match (address, &mut *self) {
            (None, Self::Ports(ports)) => drop(ports.insert(port)),
            (None, _) => *self = Self::Ports([port].into()),
            (Some(ip), Self::Addresses(addresses)) => {
                addresses.entry(ip).or_default().insert(port);
            }
            (Some(ip), _) => *self = Self::Addresses([(ip, [port].into())].into()),
        }
    }

    pub(super) fn has(&self, address: Option<IpAddr>, port: Port) -> bool {
        match (address, self) {
            (None, Self::Ports(ports)) => ports.contains(&port),
            (Some(ip), Self::Addresses(addresses)) => {
                addresses.get(&ip).is_some_and(|ports| ports.contains(&port))
            }
            _ => false,
        }
    }

    /// Whether there is more than one would want to read.
    pub(super) fn is_too_much(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Ports(ports) => ports.len() > MOST_PORTS,
            Self::Addresses(_) => {
                let blocks = self.blocks();
                blocks.iter().map(|(_, blocks)| blocks.len()).sum::<usize>() > MOST_BLOCKS
                    || blocks.iter().any(|(ports, _)| ports.len() > MOST_PORTS)
            }
        }
    }

    /// The addresses with the same ports, joined to blocks that have no other address.
    fn blocks(&self) -> Vec<(&BTreeSet<Port>, Vec<IpNet>)> {
        let Self::Addresses(addresses) = self else { return Vec::new() };
        let mut by_ports: BTreeMap<&BTreeSet<Port>, Vec<IpNet>> = BTreeMap::new();
        for (ip, ports) in addresses {
            by_ports.entry(ports).or_default().push(IpNet::from(*ip));
        }
        by_ports.into_iter().map(|(ports, nets)| (ports, IpNet::aggregate(&nets))).collect()
    }
}

/// The names of all policies that there may be, none of them twice.
pub(super) fn names(units: &Units<'_>, pairs: &BTreeSet<Pair>) -> BTreeMap<Pair, String> {
    // By what stands in the policy, so that the order in which flows came does not matter.
    let order = |pair: &Pair| {
        let of = |id: UnitId| {
            let unit = units.get(id);
            format!("{} {:?}", unit.object, unit.selector)
        };
        let peer = match pair.peer {
            Peer::Unit(id) => of(id),
            Peer::Outside => String::new(),
        };
        (pair.direction, of(pair.subject), peer)
    };
    let mut sorted: Vec<&Pair> = pairs.iter().collect();
    sorted.sort_by_cached_key(|pair| order(pair));
    let mut taken = BTreeSet::new();
    let mut names = BTreeMap::new();
    for pair in sorted {
        let wanted = name(units, pair);
        let mut free = wanted.clone();
        let mut number = 1;
        while !taken.insert(free.clone()) {
            number += 1;
            free = format!("{wanted}-{number}");
        }
        names.insert(*pair, free);
    }
    names
}

fn name(units: &Units<'_>, pair: &Pair) -> String {
    let subject = units.get(pair.subject);
    let peer = match pair.peer {
        Peer::Outside => "outside".to_owned(),
        Peer::Unit(id) => {
            let Unit { namespace, name, .. } = units.get(id);
            let other = namespace.as_ref().filter(|_| *namespace != subject.namespace);
            other.map_or_else(|| name.to_string(), |other| format!("{other}-{name}"))
        }
    };
    let way = if pair.direction == Direction::Egress { "to" } else { "from" };
    let name: String = format!("allow-{}-{way}-{peer}", subject.name)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(LONGEST)
        .collect();
    name.trim_end_matches('-').to_owned()
}

/// The policy; `None` where no selector names an end.
pub(super) fn policy(
    units: &Units<'_>,
    pair: &Pair,
    name: &str,
    admitted: &Admitted,
) -> Option<Draft> {
    let subject = units.get(pair.subject);
    let rule = |peers, ports: &BTreeSet<Port>| Rule {
        peers,
        ports: ports.iter().map(|port| draft::Port::number(port.protocol, port.number)).collect(),
        dns: Vec::new(),
    };
    let rules: Vec<Rule> = match (pair.peer, admitted) {
        (Peer::Unit(id), Admitted::Ports(ports)) => {
            vec![rule(vec![pods(subject, units.get(id))?], ports)]
        }
        (Peer::Outside, Admitted::Addresses(_)) => {
            let of = |(ports, nets): (_, Vec<IpNet>)| {
                rule(nets.into_iter().map(draft::Peer::Block).collect(), ports)
            };
            admitted.blocks().into_iter().map(of).collect()
        }
        _ => return None,
    };
    let (ingress, egress) = match pair.direction {
        Direction::Ingress => (Some(rules), None),
        Direction::Egress => (None, Some(rules)),
    };
    Some(Draft {
        labels: [(MANAGED_BY.to_owned(), MANAGER.to_owned())].into(),
        subject: subject.selector.clone().ok()?,
        ingress,
        egress,
        ..Draft::new(subject.namespace.as_ref()?, name)
    })
}

fn pods(subject: &Unit, peer: &Unit) -> Option<draft::Peer> {
    let other = peer.namespace.as_ref().filter(|_| peer.namespace != subject.namespace);
    Some(draft::Peer::Pods {
        namespace: other.map(ToString::to_string),
        pods: peer.selector.clone().ok()?,
    })
}
