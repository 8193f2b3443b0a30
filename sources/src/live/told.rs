//! What can be told of an end without asking any further.
//!
//! In: the words of the command line, or what was read. Out: namespaces, pods and their owners.

use super::request::Read;
use netpol::cluster::{Pod, kind_from_word};
use netpol::ends::{EndName, Named, called};
use netpol::objects::owner_of_replica_set;
use netpol::objects::{Body, Owner};
use std::net::IpAddr;

/// The namespace of an end as far as its words tell it.
pub(super) fn home(target: &EndName, namespace: &str) -> Option<String> {
    let Named::Path(parts) = &target.names else { return None };
    // These are of the cluster, wherever what they name is.
    if called(target).is_some() || **parts == ["kube-apiserver"] {
        return None;
    }
    let cluster_scoped = |kind: &str| matches!(kind_from_word(kind), Some("Namespace" | "Node"));
    match parts.as_slice() {
        [_] => Some(namespace.to_owned()),
        [first, _] if cluster_scoped(first) => None,
        [first, _] if kind_from_word(first).is_some() => Some(namespace.to_owned()),
        [_, kind, _] if cluster_scoped(kind) => None,
        [namespace, ..] => Some(namespace.clone()),
        [] => None,
    }
}

pub(super) fn pods(read: &[Read]) -> impl Iterator<Item = (&Pod, Option<&Owner>)> {
    read.iter().filter_map(|(found, _)| match &found.body {
        Body::Pod { pod, controller } => Some((&**pod, controller.as_ref())),
        _ => None,
    })
}

/// The pod that has an address of its own.
pub(super) fn running(read: &[Read], address: IpAddr) -> Option<(&Pod, Option<&Owner>)> {
    pods(read).find(|(pod, _)| !pod.finished && !pod.host_network && pod.ips.contains(&address))
}

/// Kind and name of the topmost owner, as far as the pod alone tells it.
pub(super) fn top<'p>(pod: &'p Pod, controller: Option<&'p Owner>) -> Option<(&'p str, &'p str)> {
    let owner = controller?;
    let own = (&*owner.kind, &*owner.name);
    if *owner.kind == *"ReplicaSet" {
        return Some(owner_of_replica_set(&owner.name, &pod.labels).unwrap_or(own));
    }
    Some(own)
}

/// Whether no cluster gives the address to a pod, Service or node by custom: it is neither private,
/// shared, local nor for tests.
pub(super) fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
            !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || shared)
        }
        IpAddr::V6(v6) => !(v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_ends_are() {
        for (text, expected) in [
            ("web", Some("here")),
            ("deploy/web", Some("here")),
            ("shop/web", Some("shop")),
            ("shop/svc/web", Some("shop")),
            ("node/a", None),
            ("ns/a", None),
            ("webhook/guard", None),
            ("kube-apiserver", None),
            ("web.shop.svc", None),
            ("10.0.0.1", None),
        ] {
            let target: EndName = text.parse().unwrap();
            assert_eq!(home(&target, "here").as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn addresses_of_the_world() {
        for (text, expected) in [
            ("8.8.8.8", true),
            ("100.128.0.1", true),
            ("2001:4860::8888", true),
            ("10.1.2.3", false),
            ("100.64.0.1", false),
            ("127.0.0.1", false),
            ("169.254.1.1", false),
            ("fd00::1", false),
            ("fe80::1", false),
        ] {
            assert_eq!(is_global(text.parse().unwrap()), expected, "{text}");
        }
    }
}
