//! What must hold for a row that is allowed on a condition only.
//!
//! In: a merged row. Out: the conditions in words, found by judging one flow of it.

use super::collect::{Families, Holds, Merged, Part, Party};
use super::group::Groups;
use super::lister::{Lister, pods};
use crate::cluster::{Family, Pod, Port};
use crate::reach::End;
use crate::verdict::{Endpoint, Flow, judge};
use std::net::{Ipv4Addr, Ipv6Addr};

impl Lister<'_> {
    /// What must hold besides, by one flow of the row.
    pub(super) fn conditions(&self, row: &Merged, families: Families) -> Vec<String> {
        if row.holds != Holds::Conditionally {
            return Vec::new();
        }
        let family = if families.v4 { Family::V4 } else { Family::V6 };
        let end = |groups, end: &(Party, Part)| self.example(groups, end, family);
        let found = || {
            let (protocol, ports) = row.ports.ranges().next()?;
            let flow = Flow {
                source: end(self.sources, &row.source)?,
                destination: end(self.destinations, &row.destination)?,
                port: Port { protocol, number: ports.first },
                family,
                through_service: false,
            };
            let judged = judge(self.snapshot, self.rules, &flow);
            let all = [judged.egress.conditions, judged.ingress.conditions];
            let words: Vec<String> =
                all.iter().flatten().map(|condition| condition.words.to_string()).collect();
            (!words.is_empty()).then_some(words)
        };
        found().unwrap_or_else(|| vec!["what `explain` tells".to_owned()])
    }

    /// One end of those that a row means.
    fn example(&self, groups: &Groups, end: &(Party, Part), family: Family) -> Option<Endpoint> {
        match end {
            (Party::Group(_), _) => match pods(groups, end).into_iter().next()? {
                End::Pod(id) => Some(Endpoint::Pod(id)),
                End::Node(node) => Some(Endpoint::Node(node)),
                End::Address(address) => Some(Endpoint::Address(address)),
            },
            (Party::EveryPod, _) => {
                let mut pods = self.snapshot.pods().iter();
                let on_pod_network = |pod: &Pod| !pod.host_network && !pod.finished;
                pods.position(on_pod_network).map(Endpoint::Pod)
            }
            (_, Part::Ranges(ranges)) => ranges.first().map(|range| Endpoint::Address(range.0)),
            // Of networks for documentation, which nothing has.
            _ => Some(Endpoint::Address(match family {
                Family::V4 => Ipv4Addr::new(192, 0, 2, 1).into(),
                Family::V6 => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
            })),
        }
    }
}
