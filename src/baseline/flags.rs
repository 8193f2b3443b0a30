//! The flags that keep what would be cut.
//!
//! In: connections that would be cut. Out: for those of one line, the fewest flags that allow them: the
//! workloads at the other end, or their whole namespace where these are many.

use super::allowed::{Allowed, AllowedEnd, WORKLOADS};
use super::{Affected, Impact, LabelMap, OtherEnd, Way};
use crate::cluster::{ObjectRef, Port, Protocol};
use crate::draft::{Dialect, Entity};
use crate::policy::rule::Direction;
use std::collections::BTreeSet;
use std::fmt;

/// Of one line no more are told one by one.
const SINGLE: usize = 3;

/// What is to be given so that connections stay.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// `--allow-same-namespace`
    SameNamespace,
    /// `--allow-ingress` or `--allow-egress`.
    Allow(Direction, Allowed),
    /// No flag names who is there: a node, whose address would have to be given.
    Node(Direction),
    /// The same of pods of which nothing that lasts is known but their labels.
    Labels(Direction),
}

/// As it is typed; in brackets where the user has to find out something first.
impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flag = |direction: Direction| match direction {
            Direction::Ingress => "--allow-ingress",
            Direction::Egress => "--allow-egress",
        };
        match self {
            Self::SameNamespace => f.write_str("--allow-same-namespace"),
            Self::Allow(direction, allowed) => write!(f, "{}={allowed}", flag(*direction)),
            Self::Node(direction) => write!(f, "({}=ADDRESS-OF-NODE)", flag(*direction)),
            Self::Labels(direction) => write!(f, "({}=NAMESPACE/LABEL=VALUE)", flag(*direction)),
        }
    }
}

/// Everything that keeps what would be cut.
pub fn keeping(namespace: &str, impact: &Impact, dialect: Dialect) -> Vec<Keep> {
    let keeps: BTreeSet<Keep> =
        impact.cuts.iter().flat_map(|cut| of_cut(namespace, cut, impact, dialect)).collect();
    keeps.into_iter().collect()
}

/// The flags for the connections of one line.
pub(super) fn of_line<'a>(
    namespace: &str,
    cuts: impl IntoIterator<Item = &'a Affected>,
    impact: &Impact,
    dialect: Dialect,
) -> Vec<Keep> {
    let keeps: BTreeSet<Keep> =
        cuts.into_iter().flat_map(|cut| of_cut(namespace, cut, impact, dialect)).collect();
    if keeps.len() <= SINGLE {
        return keeps.into_iter().collect();
    }
    let wider: BTreeSet<Keep> = keeps.iter().map(whole_namespace).collect();
    if wider.len() <= SINGLE {
        return wider.into_iter().collect();
    }
    let widest: BTreeSet<Keep> = wider.iter().map(whole_cluster).collect();
    widest.into_iter().collect()
}

fn whole_namespace(keep: &Keep) -> Keep {
    match keep {
        Keep::Allow(direction, Allowed { who, port }) => {
            let who = match who {
                AllowedEnd::Workload { namespace, .. } | AllowedEnd::Pods { namespace, .. } => {
                    AllowedEnd::Pods { namespace: namespace.clone(), labels: LabelMap::new() }
                }
                other => other.clone(),
            };
            Keep::Allow(*direction, Allowed { who, port: port.clone() })
        }
        other => other.clone(),
    }
}

fn whole_cluster(keep: &Keep) -> Keep {
    match keep {
        Keep::Allow(direction, Allowed { who: AllowedEnd::Pods { .. }, port }) => {
            // Where ports are many as well, all of them.
            let port = port.clone().filter(|_| *direction == Direction::Ingress);
            Keep::Allow(*direction, Allowed { who: AllowedEnd::Cluster, port })
        }
        other => other.clone(),
    }
}

fn of_cut(namespace: &str, cut: &Affected, impact: &Impact, dialect: Dialect) -> Vec<Keep> {
    let direction = match cut.way {
        Way::In => Direction::Ingress,
        Way::Out => Direction::Egress,
    };
    let port = cut.port.map(word_of_port);
    let allow = |who: AllowedEnd| Keep::Allow(direction, Allowed { who, port: port.clone() });
    match &cut.peer {
        OtherEnd::Outside => vec![allow(AllowedEnd::Internet)],
        OtherEnd::AnyPod => vec![allow(AllowedEnd::Cluster)],
        OtherEnd::Known(peer) if peer.namespace.is_none() || impact.on_nodes.contains(peer) => {
            match dialect {
                Dialect::Cilium => [Entity::Host, Entity::RemoteNode]
                    .map(|entity| allow(AllowedEnd::Entity(entity)))
                    .into(),
                Dialect::NetworkPolicy | Dialect::Calico => vec![Keep::Node(direction)],
            }
        }
        OtherEnd::Known(peer) if peer.namespace.as_deref() == Some(namespace) => {
            vec![Keep::SameNamespace]
        }
        OtherEnd::Known(peer) => match workload(peer) {
            Some(who) => vec![allow(who)],
            None => vec![Keep::Labels(direction)],
        },
    }
}

fn workload(peer: &ObjectRef) -> Option<AllowedEnd> {
    let namespace = peer.namespace.as_deref()?.to_owned();
    let kind = WORKLOADS.iter().copied().find(|kind| *kind == &*peer.kind)?;
    Some(AllowedEnd::Workload { namespace, kind, name: peer.name.to_string() })
}

fn word_of_port(port: Port) -> Box<str> {
    if port.protocol == Protocol::Tcp {
        port.number.to_string().into()
    } else {
        port.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(way: Way, peer: OtherEnd, port: Option<Port>) -> Affected {
        let local = ObjectRef::namespaced("Deployment", "a", "web");
        Affected { way, local, peer, port, service: None }
    }

    fn said(cuts: &[Affected], impact: &Impact, dialect: Dialect) -> String {
        let keeps = of_line("a", cuts, impact, dialect);
        keeps.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_cut_has_its_flag() {
        let known = |kind: &str, namespace: &str, name: &str| {
            OtherEnd::Known(ObjectRef::namespaced(kind, namespace.to_owned(), name.to_owned()))
        };
        let none = Impact::default();
        let tcp = Some(Port::tcp(80));
        let dns = Some(Port { protocol: Protocol::Udp, number: 53 });
        for (way, peer, port, expected) in [
            (Way::In, known("Deployment", "b", "x"), tcp, "--allow-ingress=b/deploy/x:80"),
            (Way::Out, known("StatefulSet", "b", "x"), dns, "--allow-egress=b/sts/x:53/UDP"),
            (Way::Out, known("Pod", "a", "x"), tcp, "--allow-same-namespace"),
            (Way::In, OtherEnd::Outside, tcp, "--allow-ingress=internet:80"),
            (Way::Out, OtherEnd::Outside, None, "--allow-egress=internet"),
            (Way::In, OtherEnd::AnyPod, None, "--allow-ingress=cluster"),
            (Way::In, known("Database", "b", "x"), tcp, "(--allow-ingress=NAMESPACE/LABEL=VALUE)"),
        ] {
            let said = said(&[cut(way, peer, port)], &none, Dialect::NetworkPolicy);
            assert_eq!(said, expected);
            if let Some(words) = said.strip_prefix("--allow-ingress=") {
                assert_eq!(words.parse::<Allowed>().unwrap().to_string(), words);
            }
        }
        let agent = known("DaemonSet", "b", "agent");
        let OtherEnd::Known(object) = &agent else { panic!() };
        let on_nodes = Impact { on_nodes: [object.clone()].into(), ..Impact::default() };
        let one = [cut(Way::In, agent.clone(), tcp)];
        assert_eq!(
            said(&one, &on_nodes, Dialect::NetworkPolicy),
            "(--allow-ingress=ADDRESS-OF-NODE)"
        );
        let cilium = "--allow-ingress=host:80 --allow-ingress=remote-node:80";
        assert_eq!(said(&one, &on_nodes, Dialect::Cilium), cilium);
    }

    #[test]
    fn many_are_their_namespace_or_the_cluster() {
        let many = |namespaces: usize, each: usize| -> Vec<Affected> {
            let all = (0..namespaces).flat_map(|n| (0..each).map(move |i| (n, i)));
            all.map(|(n, i)| {
                let peer = ObjectRef::namespaced("Pod", format!("ns-{n}"), format!("p-{i}"));
                cut(Way::In, OtherEnd::Known(peer), Some(Port::tcp(80)))
            })
            .collect()
        };
        let none = Impact::default();
        let said = |cuts: &[Affected]| said(cuts, &none, Dialect::NetworkPolicy);
        assert_eq!(said(&many(1, 9)), "--allow-ingress=ns/ns-0:80");
        assert_eq!(said(&many(9, 9)), "--allow-ingress=cluster:80");
    }
}
