//! Any small cluster: what all flows are said to be is what each is judged to be.

use crate::cluster::{PLAIN, Words, World, enforcer, world};
use crate::dice::Dice;
use netpol::cluster::{Addresses, Family, Port, Protocol};
use netpol::effort::Effort;
use netpol::ends::{End, Endpoint};
use netpol::reach::{Connectivity, Reach};
use netpol::verdict::{Flow, Verdict, judge};
use std::net::IpAddr;

/// The ports at which flows are compared.
pub(crate) const PORTS: [(Protocol, u16); 6] = [
    (Protocol::Tcp, 80),
    (Protocol::Tcp, 81),
    (Protocol::Udp, 53),
    (Protocol::Tcp, 443),
    (Protocol::Sctp, 8080),
    (Protocol::Tcp, 65535),
];

/// Addresses within the blocks of the clusters and beyond them.
pub(crate) const OUTSIDE: [&str; 5] =
    ["10.0.0.2", "10.9.9.9", "192.0.2.1", "fd00::2", "2001:db8::1"];

pub(crate) fn has_address(world: &World, end: End, family: Family) -> bool {
    match end {
        End::Pod(id) => world.snapshot.pod_address(id, family) != Addresses::Absent,
        End::Node(_) => true,
        End::Address(ip) => Family::of(ip) == family,
    }
}

pub(crate) fn flow(source: End, destination: End, port: Port, family: Family) -> Flow {
    let (source, destination) = (Endpoint::from(source), Endpoint::from(destination));
    Flow { source, destination, port, family, through_service: false }
}

/// Pods, nodes and addresses that none of them has.
pub(crate) fn ends(world: &World) -> Vec<End> {
    let pods = world.snapshot.pods().iter().enumerate().filter(|(_, pod)| !pod.finished);
    let mut all: Vec<End> = pods.map(|(id, _)| End::Pod(id)).collect();
    all.extend((0..world.snapshot.nodes.len()).map(End::Node));
    all.truncate(12);
    let inside = |ip: &IpAddr| {
        let node = world.snapshot.nodes.iter().any(|node| node.ips.contains(ip));
        node || world.snapshot.pod_at(*ip).is_some()
    };
    let addresses = OUTSIDE.iter().map(|text| text.parse().expect("an address"));
    all.extend(addresses.filter(|ip| !inside(ip)).map(End::Address));
    all
}

/// See above.
pub fn reach(bytes: &[u8]) {
    let mut dice = Dice::new(bytes);
    let enforcer = enforcer(&mut dice);
    let objects = Words(&PLAIN).objects(&mut dice, 14);
    let world = world(&objects, &enforcer);
    let connectivity = Connectivity::compute(&world.snapshot, &world.rules, Effort::default())
        .expect("a small cluster");
    let ends = ends(&world);
    let outside = |end: &End| matches!(end, End::Address(_));
    for source in &ends {
        for destination in ends.iter().filter(|end| !(outside(source) && outside(end))) {
            for family in Family::ALL {
                let got = connectivity.allowed(*source, *destination, family);
                if [source, destination].into_iter().any(|end| !has_address(&world, *end, family)) {
                    assert_eq!(got, Reach::default(), "{source:?} {destination:?} {family}");
                    continue;
                }
                for (protocol, number) in PORTS {
                    let port = Port { protocol, number };
                    let flow = flow(*source, *destination, port, family);
                    let judged = judge(&world.snapshot, &world.rules, &flow);
                    let expected = match judged.verdict {
                        Verdict::Ambiguous => Verdict::Unknown,
                        verdict => verdict,
                    };
                    let verdict = match (got.certain.contains(port), got.possible.contains(port)) {
                        (true, _) => Verdict::Allowed,
                        (false, true) => Verdict::Unknown,
                        (false, false) => Verdict::Denied,
                    };
                    assert_eq!(verdict, expected, "{flow:?}: {got:?}\n{objects:#?}");
                }
            }
        }
    }
}
