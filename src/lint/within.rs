//! What follows from what: whether all that one selector, set, peer or list of ports means, another one
//! means too, whatever pods there are; and whether two rules may mean the same flow.
//!
//! In: two of a kind. Out: yes, where it follows from what both ask for; no says nothing.

use crate::cluster::{
    AddressBlock, NAMESPACE_NAME_LABEL, Name, Operator, Requirement, Selector, Snapshot,
};
use crate::policy::rule::{
    Entities, Entry, Namespaces, PeerKind, Peers, PodSet, Policy, PortMatch, PortRule, Ports,
};
use ipnet::IpNet;

/// The names of namespaces, where a selector asks for some.
pub(super) fn names(selector: &Selector) -> Option<&[Name]> {
    selector.requirements.iter().find_map(|requirement| match &requirement.operator {
        Operator::In(values) if *requirement.key == *NAMESPACE_NAME_LABEL => {
            Some(values.as_slice())
        }
        _ => None,
    })
}

/// Whether whatever fulfils one requirement fulfils another of the same key.
fn says(one: &Operator, other: &Operator) -> bool {
    match (one, other) {
        (Operator::In(_), Operator::Exists) | (Operator::DoesNotExist, Operator::NotIn(_)) => true,
        (Operator::In(some), Operator::In(all)) => some.iter().all(|value| all.contains(value)),
        (Operator::In(some), Operator::NotIn(none)) => {
            !some.iter().any(|value| none.contains(value))
        }
        (Operator::NotIn(none), Operator::NotIn(fewer)) => {
            fewer.iter().all(|value| none.contains(value))
        }
        (one, other) => one == other,
    }
}

fn follows(some: &[Requirement], requirement: &Requirement) -> bool {
    some.iter().any(|one| one.key == requirement.key && says(&one.operator, &requirement.operator))
}

/// Whether whatever fulfils a selector fulfils another one.
pub(super) fn selector_within(one: &Selector, other: &Selector) -> bool {
    other.requirements.iter().all(|requirement| follows(&one.requirements, requirement))
}

/// Whether every pod that is or could be in a set is in another one.
pub(super) fn set_within(one: &PodSet, other: &PodSet, snapshot: &Snapshot) -> bool {
    let spaces = match (&one.namespaces, &other.namespaces) {
        (Namespaces::Own(name), Namespaces::Own(other)) => name == other,
        (Namespaces::Own(name), Namespaces::Matching(selector)) => {
            let known = snapshot.namespace(name);
            let by_name =
                |it: &Requirement| *it.key == *NAMESPACE_NAME_LABEL && it.holds_for(Some(name));
            match known {
                Some(namespace) => namespace.matches(selector).is_yes(),
                None => selector.requirements.iter().all(by_name),
            }
        }
        (Namespaces::Matching(selector), Namespaces::Own(other)) => {
            matches!(names(selector), Some([name]) if name == other)
        }
        (Namespaces::Matching(one), Namespaces::Matching(other)) => selector_within(one, other),
    };
    other.doubt.is_none() && spaces && selector_within(&one.pods, &other.pods)
}

/// Whether every address of a block is one of another.
fn block_within(one: &AddressBlock, other: &AddressBlock) -> bool {
    let cut = |net: &IpNet| {
        let apart = !net.contains(&one.cidr) && !one.cidr.contains(net);
        apart || one.except.iter().any(|except| except.contains(net))
    };
    other.cidr.contains(&one.cidr) && other.except.iter().all(cut)
}

fn entities_within(one: &Entities, other: &Entities) -> bool {
    let flags =
        |it: &Entities| [it.pods, it.own_node, it.other_nodes, it.outside, it.api_server, it.proxy];
    flags(one).into_iter().zip(flags(other)).all(|(one, other)| !one || other)
}

/// Whether whomever a peer means, another one means too.
pub(super) fn peer_within(one: &PeerKind, other: &PeerKind, snapshot: &Snapshot) -> bool {
    match (one, other) {
        (PeerKind::Pods(one), PeerKind::Pods(other)) => set_within(one, other, snapshot),
        (PeerKind::Pods(_), PeerKind::Entities(other)) => other.pods,
        (PeerKind::Addresses(one, scope), PeerKind::Addresses(other, wide)) => {
            scope == wide && block_within(one, other)
        }
        (PeerKind::Entities(one), PeerKind::Entities(other)) => entities_within(one, other),
        (PeerKind::Names(one), PeerKind::Names(other)) => {
            one.unlearned == other.unlearned
                && one.patterns.iter().all(|pattern| other.patterns.contains(pattern))
        }
        (PeerKind::Nodes(one), PeerKind::Nodes(other)) => one == other,
        _ => false,
    }
}

fn port_within(one: &PortRule, other: &PortRule) -> bool {
    let ports = match (&one.ports, &other.ports) {
        (_, PortMatch::All) => true,
        (PortMatch::Range(one), PortMatch::Range(other)) => {
            other.first <= one.first && one.last <= other.last
        }
        (PortMatch::Named(one), PortMatch::Named(other)) => one == other,
        _ => false,
    };
    let cut = other.except.is_empty() || other.except == one.except;
    one.protocol == other.protocol && ports && cut
}

/// Whether every port of some is one of others.
pub(super) fn ports_within(one: &Ports, other: &Ports) -> bool {
    match (one, other) {
        (_, Ports::Any) => true,
        (Ports::Any, Ports::Of(_)) => false,
        (Ports::Of(some), Ports::Of(all)) => {
            some.iter().all(|one| all.iter().any(|other| port_within(one, other)))
        }
    }
}

/// Whether some flow may match both of two rules, as far as ports and labels of pods tell.
pub(super) fn may_meet(one: (&Policy, &Entry), other: (&Policy, &Entry)) -> bool {
    let sets = |a: &PodSet, b: &PodSet| {
        let spaces = match (&a.namespaces, &b.namespaces) {
            (Namespaces::Own(a), Namespaces::Own(b)) => a == b,
            (Namespaces::Own(name), Namespaces::Matching(selector))
            | (Namespaces::Matching(selector), Namespaces::Own(name)) => {
                names(selector).is_none_or(|names| names.contains(name))
            }
            (Namespaces::Matching(a), Namespaces::Matching(b)) => may_agree(a, b),
        };
        spaces && may_agree(&a.pods, &b.pods)
    };
    let peers = match (&one.1.peers, &other.1.peers) {
        (Peers::Any, Peers::Of(items)) | (Peers::Of(items), Peers::Any) => !items.is_empty(),
        (Peers::Any, Peers::Any) => true,
        (Peers::Of(some), Peers::Of(others)) => some.iter().any(|one| {
            others.iter().any(|other| match (&one.admits, &other.admits) {
                (PeerKind::Pods(a), PeerKind::Pods(b)) => sets(a, b),
                (PeerKind::Addresses(a, _), PeerKind::Addresses(b, _)) => {
                    a.cidr.contains(&b.cidr) || b.cidr.contains(&a.cidr)
                }
                _ => true,
            })
        }),
    };
    sets(&one.0.subject, &other.0.subject) && peers && ports_may_meet(&one.1.ports, &other.1.ports)
}

/// Whether some port may be one of both.
fn ports_may_meet(one: &Ports, other: &Ports) -> bool {
    let (Ports::Of(some), Ports::Of(others)) = (one, other) else { return true };
    some.iter().any(|one| {
        others.iter().any(|other| {
            let ports = match (&one.ports, &other.ports) {
                (PortMatch::Range(a), PortMatch::Range(b)) => {
                    a.first <= b.last && b.first <= a.last
                }
                _ => true,
            };
            one.protocol == other.protocol && ports
        })
    })
}

/// Whether two selectors do not contradict each other, requirement by requirement.
pub(super) fn may_agree(one: &Selector, other: &Selector) -> bool {
    crate::unwritten::may_agree(&one.requirements, &other.requirements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Name;

    /// What follows from what, for every value that a label may have or not have.
    #[test]
    fn what_follows_holds_for_every_value() {
        let names = |all: &[&str]| all.iter().map(|it| Name::from(*it)).collect::<Vec<_>>();
        let lists = [&["a"][..], &["a", "b"], &["b", "c"]];
        let mut all: Vec<Operator> = lists
            .iter()
            .flat_map(|list| [Operator::In(names(list)), Operator::NotIn(names(list))])
            .collect();
        all.extend([Operator::Exists, Operator::DoesNotExist]);
        let holds = |operator: &Operator, value: Option<&str>| {
            Requirement::new("app", operator.clone()).holds_for(value)
        };
        let values = [None, Some("a"), Some("b"), Some("c"), Some("d")];
        let mut said = 0;
        for one in &all {
            for other in &all {
                let true_of_all = values.iter().all(|v| !holds(one, *v) || holds(other, *v));
                assert!(true_of_all || !says(one, other), "{one:?} {other:?}");
                said += usize::from(says(one, other));
            }
        }
        assert!(said > all.len(), "{said}");
    }

    #[test]
    fn blocks_within_blocks() {
        let block = |cidr: &str, except: &[&str]| AddressBlock {
            cidr: cidr.parse().unwrap(),
            except: except.iter().map(|net| net.parse().unwrap()).collect(),
        };
        let ten = block("10.0.0.0/8", &[]);
        assert!(block_within(&block("10.1.0.0/16", &[]), &ten));
        assert!(!block_within(&ten, &block("10.1.0.0/16", &[])));
        let cut = block("10.0.0.0/8", &["10.1.0.0/16"]);
        assert!(block_within(&cut, &ten) && !block_within(&ten, &cut));
        assert!(!block_within(&block("10.1.2.0/24", &[]), &cut), "it is left out");
        assert!(block_within(&block("10.0.0.0/8", &["10.0.0.0/9"]), &cut));
        assert!(!block_within(&block("::/0", &[]), &block("0.0.0.0/0", &[])));
    }

    #[test]
    fn ports_within_ports() {
        let item = |ports| PortRule {
            path: "".into(),
            fields: &crate::policy::rule::PortFields::PLAIN,
            protocol: crate::cluster::Protocol::Tcp,
            ports,
            except: Box::default(),
        };
        let of = |ports| Ports::Of(vec![item(ports)]);
        let eighty = || PortMatch::Range(80.into());
        let named = || PortMatch::Named("http".into());
        assert!(ports_within(&of(eighty()), &of(PortMatch::All)));
        assert!(ports_within(&of(named()), &of(PortMatch::All)));
        assert!(ports_within(&of(named()), &Ports::Any));
        assert!(!ports_within(&of(named()), &of(eighty())), "what it stands for is not known");
        assert!(!ports_within(&of(PortMatch::All), &of(eighty())));
        assert!(!ports_within(&Ports::Any, &of(PortMatch::All)), "there are other protocols");
    }
}
