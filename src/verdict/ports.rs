//! Every port between two ends, cut where a policy or a declaration could make a difference.
//!
//! In: two endpoints. Out: the ports that the destination declares, one by one, and all others in
//! groups of which each side has one verdict. Within an atom no rule tells two ports apart, so one of
//! them is judged.

use super::evaluate::{judge, judge_briefly};
use super::trace::{Flow, Judgement, Verdict};
use crate::cluster::{Family, Port, PortRange, Protocol, Snapshot};
use crate::ends::Endpoint;
use crate::policy::Ruleset;
use crate::policy::rule::{Direction, PortMatch, Ports};
use std::collections::BTreeSet;

/// Ranges of ports, by protocol.
pub type Ranges = Vec<(Protocol, PortRange)>;

/// The ports of one case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CasePorts {
    /// One port: asked for, declared by the destination, or a Service's.
    One(Port),
    /// These ranges, which a rule sets apart from the rest.
    Ranges(Ranges),
    /// Every port that no other case of the same ends names.
    AnyOther,
}

/// How many ports [`sweep`] judges at most, and how many judgements it keeps.
pub(super) fn swept(
    snapshot: &Snapshot,
    rules: &Ruleset,
    source: &Endpoint,
    destination: &Endpoint,
) -> (usize, usize) {
    let declared = declared(snapshot, destination).len();
    let cuts = boundaries(snapshot, rules, source, destination).len();
    (declared + cuts + Protocol::ALL.len(), declared + VERDICTS)
}

/// What may become of ports that nobody declared: four verdicts on either side.
const VERDICTS: usize = 16;

/// Judges every port of both protocols and SCTP.
pub(super) fn sweep(
    snapshot: &Snapshot,
    rules: &Ruleset,
    source: &Endpoint,
    destination: &Endpoint,
    family: Family,
) -> Vec<(CasePorts, Flow, Judgement)> {
    let declared = declared(snapshot, destination);
    let mut cuts = boundaries(snapshot, rules, source, destination);
    cuts.extend(declared.iter().flat_map(|port| edges(port.protocol, port.number.into())));
    let flow = |port| Flow {
        source: source.clone(),
        destination: destination.clone(),
        port,
        family,
        through_service: false,
    };
    let judged = |port| {
        let flow = flow(port);
        let judgement = judge(snapshot, rules, &flow);
        (flow, judgement)
    };
    let mut cases: Vec<(CasePorts, Flow, Judgement)> = Vec::new();
    for port in &declared {
        let (flow, judgement) = judged(*port);
        cases.push((CasePorts::One(*port), flow, judgement));
    }
    let mut groups: Vec<(Ranges, [Verdict; 3])> = Vec::new();
    for (protocol, range) in atoms(&cuts) {
        let port = Port { protocol, number: range.first };
        if declared.contains(&port) {
            continue;
        }
        // A row shows both sides, which then hold for all of it.
        let verdicts = sides(&judge_briefly(snapshot, rules, &flow(port)));
        match groups.iter_mut().find(|(_, known)| *known == verdicts) {
            Some((ranges, _)) => push(ranges, protocol, range),
            None => groups.push((vec![(protocol, range)], verdicts)),
        }
    }
    let mut groups: Vec<(Ranges, Flow, Judgement)> = groups
        .into_iter()
        .filter_map(|(ranges, _)| {
            let (protocol, first) = *ranges.first()?;
            let (flow, judgement) = judged(Port { protocol, number: first.first });
            Some((ranges, flow, judgement))
        })
        .collect();
    let size = |ranges: &Ranges| -> u32 {
        ranges.iter().map(|(_, range)| u32::from(range.last - range.first) + 1).sum()
    };
    groups.sort_by_key(|(ranges, ..)| size(ranges));
    let last = groups.pop();
    cases.extend(
        groups.into_iter().map(|(r, flow, judgement)| (CasePorts::Ranges(r), flow, judgement)),
    );
    cases.extend(last.map(|(_, flow, judgement)| (CasePorts::AnyOther, flow, judgement)));
    cases
}

/// What becomes of a flow, as a whole and on either side.
fn sides(judgement: &Judgement) -> [Verdict; 3] {
    [judgement.verdict, judgement.egress.verdict, judgement.ingress.verdict]
}

/// Adds a range, merged with the last one where they touch.
fn push(ranges: &mut Ranges, protocol: Protocol, range: PortRange) {
    match ranges.last_mut() {
        Some((p, last)) if *p == protocol && last.last.checked_add(1) == Some(range.first) => {
            last.last = range.last;
        }
        _ => ranges.push((protocol, range)),
    }
}

fn declared(snapshot: &Snapshot, destination: &Endpoint) -> Vec<Port> {
    let Endpoint::Pod(id) = destination else { return Vec::new() };
    let ports: BTreeSet<Port> = snapshot.pod(*id).ports.iter().map(|p| p.port).collect();
    ports.into_iter().collect()
}

/// Where the ports of a protocol are cut: each is the first of a range that is judged alike.
pub type Cuts = BTreeSet<(Protocol, u16)>;

/// Where ranges begin that some rule for either end tells apart.
pub fn boundaries(
    snapshot: &Snapshot,
    rules: &Ruleset,
    source: &Endpoint,
    destination: &Endpoint,
) -> Cuts {
    let mut cuts = Cuts::new();
    for (endpoint, direction) in [(source, Direction::Egress), (destination, Direction::Ingress)] {
        let Endpoint::Pod(id) = endpoint else { continue };
        for (_, policy) in rules.candidates(&snapshot.pod(*id).namespace, direction) {
            for entry in &policy.entries {
                let Ports::Of(items) = &entry.ports else { continue };
                for item in items {
                    for ports in std::iter::once(&item.ports).chain(&item.except) {
                        match ports {
                            PortMatch::All => {}
                            PortMatch::Range(range) => cuts.extend(edges(item.protocol, *range)),
                            PortMatch::Named(name) => {
                                if let Endpoint::Pod(id) = destination {
                                    let numbers =
                                        snapshot.pod(*id).named_ports(name, item.protocol);
                                    cuts.extend(
                                        numbers.flat_map(|n| edges(item.protocol, n.into())),
                                    );
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    cuts
}

fn edges(protocol: Protocol, range: PortRange) -> impl Iterator<Item = (Protocol, u16)> {
    let after = range.last.checked_add(1);
    [Some(range.first), after].into_iter().flatten().map(move |port| (protocol, port))
}

/// The ranges between cuts, from port 1 of each protocol to 65535.
fn atoms(cuts: &Cuts) -> Vec<(Protocol, PortRange)> {
    let mut atoms = Vec::new();
    for protocol in Protocol::ALL {
        let starts = cuts.range((protocol, 2)..=(protocol, u16::MAX)).map(|(_, port)| *port);
        let mut first = 1;
        for start in starts {
            atoms.push((protocol, PortRange { first, last: start - 1 }));
            first = start;
        }
        atoms.push((protocol, PortRange { first, last: u16::MAX }));
    }
    atoms
}

impl CasePorts {
    /// Whether the case is about ports that nobody declared or asked for.
    pub fn is_undeclared(&self) -> bool {
        !matches!(self, Self::One(_))
    }
}

/// The verdict that stands for several.
pub(super) fn same(verdicts: impl Iterator<Item = Verdict>) -> Option<Verdict> {
    let mut verdicts = verdicts;
    let first = verdicts.next()?;
    verdicts.all(|verdict| verdict == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atoms_cover_every_port_once() {
        let cuts: Cuts = [(Protocol::Tcp, 1), (Protocol::Tcp, 80), (Protocol::Tcp, 81)].into();
        let shown: Vec<_> = atoms(&cuts)
            .into_iter()
            .map(|(protocol, range)| format!("{range}/{protocol}"))
            .collect();
        assert_eq!(shown, ["1-79/TCP", "80/TCP", "81-65535/TCP", "1-65535/UDP", "1-65535/SCTP"]);
        let last: Vec<_> = edges(Protocol::Udp, u16::MAX.into()).collect();
        assert_eq!(last, [(Protocol::Udp, u16::MAX)]);
    }
}
