//! Ports at which two rules meet.
//!
//! In: what two rules say of ports, and the pod at which flows arrive, where one is known. Out: a port
//! that both have, with what the pod has to call it.

use crate::cluster::{Name, Pod, Port, PortNames, PortRange, Protocol};
use crate::policy::rule::{PortMatch, PortRule, Ports};

/// Every port of a protocol.
static WHOLE: PortMatch = PortMatch::All;

/// The ports of a part of a rule: one of its names, or whatever else it has.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) ports: &'a Ports,
    pub(super) name: Option<usize>,
    /// Which ports of a pod that is known names stand for.
    pub(super) names: PortNames,
}

/// A port, with the names that a pod has to have for it.
pub(super) type At<'a> = (Port, [Option<&'a Name>; 2]);

impl<'a> Wanted<'a> {
    /// `None`: any port.
    fn items(self) -> Option<impl Iterator<Item = &'a PortRule>> {
        let Ports::Of(items) = self.ports else { return None };
        let of_part = move |(at, item): &(usize, &PortRule)| match self.name {
            Some(name) => *at == name,
            None => !matches!(item.ports, PortMatch::Named(_)),
        };
        let items = items.iter().enumerate().filter(of_part).map(|(_, item)| item);
        Some(items.filter(|item| item.protocol.has_ports()))
    }

    /// Bits of which two that meet have one in common.
    pub(super) fn mask(self) -> u64 {
        const FEW: u16 = 16;
        let Some(items) = self.items() else { return u64::MAX };
        let of = |item: &PortRule| match &item.ports {
            PortMatch::Range(range) if range.last - range.first < FEW => (range.first..=range.last)
                .fold(0, |mask, number| mask | 1 << ((number ^ item.protocol as u16) % 64)),
            _ => u64::MAX,
        };
        items.fold(0, |mask, item| mask | of(item))
    }

    /// A port that it has, for a pod that is known, or for one that may call its ports anything.
    pub(super) fn alone(self, pod: Option<&Pod>, free: u16) -> Option<At<'a>> {
        static ANY: Ports = Ports::Any;
        meet(self, Wanted { ports: &ANY, name: None, names: self.names }, pod, free)
    }
}

/// A port that two have: `free` where any number will do.
pub(super) fn meet<'a>(
    one: Wanted<'a>,
    other: Wanted<'a>,
    pod: Option<&Pod>,
    free: u16,
) -> Option<At<'a>> {
    let pod = pod.map(|pod| (pod, one.names));
    match (one.items(), other.items()) {
        (None, None) => Some((Port::tcp(free), [None, None])),
        (Some(mut items), None) => {
            items.find_map(|item| at(item.protocol, [&item.ports, &WHOLE], pod, free))
        }
        (None, Some(mut items)) => {
            items.find_map(|item| at(item.protocol, [&WHOLE, &item.ports], pod, free))
        }
        (Some(mut items), Some(_)) => items.find_map(|item| {
            let mut others = other.items()?.filter(|other| other.protocol == item.protocol);
            others.find_map(|other| at(item.protocol, [&item.ports, &other.ports], pod, free))
        }),
    }
}

/// A port of both, where the names of both have to agree with it.
fn at<'a>(
    protocol: Protocol,
    [one, other]: [&'a PortMatch; 2],
    pod: Option<(&Pod, PortNames)>,
    free: u16,
) -> Option<At<'a>> {
    let called = |of: &'a PortMatch| match of {
        PortMatch::Named(name) => Some(name),
        _ => None,
    };
    let range = |of: &PortMatch| match of {
        PortMatch::Range(range) => Some(*range),
        _ => None,
    };
    let names = [called(one), called(other)];
    let number = match (pod, range(one), range(other)) {
        (Some((pod, which)), ..) if names.iter().any(Option::is_some) => {
            let has = |of: &PortMatch, number: u16| match of {
                PortMatch::All => true,
                PortMatch::Range(range) => range.contains(number),
                PortMatch::Named(name) => {
                    pod.ports_called(name, protocol, which).any(|n| n == number)
                }
            };
            let name = names.into_iter().flatten().next()?;
            pod.ports_called(name, protocol, which).find(|n| has(one, *n) && has(other, *n))?
        }
        (_, Some(one), Some(other)) => {
            let both =
                PortRange { first: one.first.max(other.first), last: one.last.min(other.last) };
            (both.first <= both.last).then_some(both.first)?
        }
        (_, Some(range), None) | (_, None, Some(range)) => range.first,
        (_, None, None) => free,
    };
    Some((Port { protocol, number }, names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{ContainerPort, Labels, Origin};

    fn rule(protocol: Protocol, ports: PortMatch) -> PortRule {
        PortRule {
            path: "".into(),
            fields: &crate::policy::rule::PortFields::PLAIN,
            protocol,
            ports,
            except: [].into(),
        }
    }

    fn wanted(ports: &Ports, name: Option<usize>) -> Wanted<'_> {
        Wanted { ports, name, names: PortNames::Every }
    }

    fn pod(ports: &[(&str, u16)]) -> Pod {
        let declared = ports.iter().map(|(name, number)| ContainerPort {
            name: Some((*name).into()),
            port: Port::tcp(*number),
            host_port: None,
            sidecar: false,
        });
        Pod {
            namespace: "shop".into(),
            name: "web".into(),
            labels: Labels::default(),
            unknown_labels: &[],
            service_account: "default".into(),
            ips: Vec::new(),
            ports: declared.collect(),
            probes: None,
            host_network: false,
            node: None,
            owner: None,
            template: false,
            ready: true,
            finished: false,
            origin: Origin::Synthetic,
        }
    }

    /// Source: docs/semantics/networkpolicy.md#named-ports: a name means whatever number the pod gives it.
    #[test]
    fn ports_that_two_rules_have() {
        let tcp = Protocol::Tcp;
        let range = |first, last| rule(tcp, PortMatch::Range(PortRange { first, last }));
        let with_name = |name: &str| rule(tcp, PortMatch::Named(name.into()));
        let udp = rule(Protocol::Udp, PortMatch::All);
        let web = pod(&[("http", 8080), ("admin", 9090)]);
        // Two items, the number for any pod, and that for `web`.
        for (one, other, any, of_web) in [
            (range(80, 90), range(85, 99), Some(85), Some(85)),
            (range(80, 90), range(91, 99), None, None),
            (range(80, 90), rule(tcp, PortMatch::All), Some(80), Some(80)),
            (range(80, 90), udp.clone(), None, None),
            (with_name("http"), range(80, 90), Some(80), None),
            (with_name("http"), range(8000, 9000), Some(8000), Some(8080)),
            (with_name("http"), with_name("http"), Some(5), Some(8080)),
            (with_name("http"), with_name("admin"), Some(5), None),
            (with_name("dns"), rule(tcp, PortMatch::All), Some(5), None),
        ] {
            let words = format!("{one} and {other}");
            let name = |item: &PortRule| matches!(item.ports, PortMatch::Named(_)).then_some(0);
            let parts = [name(&one), name(&other)];
            let [one, other] = [one, other].map(|item| Ports::Of(vec![item]));
            let wanted =
                [(&one, parts[0]), (&other, parts[1])].map(|(ports, name)| wanted(ports, name));
            assert!(any.is_none() || wanted[0].mask() & wanted[1].mask() != 0, "{words}");
            for [one, other] in [wanted, [wanted[1], wanted[0]]] {
                let number = |pod| meet(one, other, pod, 5).map(|(port, _)| port.number);
                assert_eq!((number(None), number(Some(&web))), (any, of_web), "{words}");
            }
        }
        let both = Ports::Of(vec![range(80, 80), with_name("http")]);
        let number = |name, pod| {
            wanted(&both, name).alone(pod, 5).map(|(port, names)| (port.number, names[0].is_some()))
        };
        assert_eq!(number(None, None), Some((80, false)), "a name is a part of its own");
        assert_eq!(number(Some(1), None), Some((5, true)));
        assert_eq!(number(Some(1), Some(&web)), Some((8080, true)));
        let nothing = Ports::Of(Vec::new());
        assert!(wanted(&nothing, None).alone(None, 5).is_none());
    }
}
