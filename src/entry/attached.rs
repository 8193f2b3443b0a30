//! Which listeners of Gateways take a route.
//!
//! In: a route and the Gateways that it asks for. Out: the listeners that are there, take its kind and
//! its namespace, and have a host in common with it; and why others may take it, too.

use crate::cluster::{Gateway, Listener, Name, Parent, Route, Snapshot, Truth};

/// Who takes a route.
#[derive(Default)]
pub(super) struct Attached {
    /// Gateway and listener, by index.
    pub(super) listeners: Vec<(usize, usize)>,
    /// Why something that is not known may take it, as a sentence without its end.
    pub(super) perhaps: Option<String>,
}

/// Who takes a route.
///
/// Source: docs/semantics/entries.md#listeners.
pub(super) fn attached(snapshot: &Snapshot, route: &Route, parents: &[Parent]) -> Attached {
    let mut found = Attached::default();
    for Parent { kind, namespace, name, listener: only, port } in parents {
        let is = |gateway: &Gateway| gateway.namespace == *namespace && gateway.name == *name;
        let gateways = &snapshot.entrances.gateways;
        let at = gateways.iter().position(is).filter(|_| &**kind == "Gateway");
        let Some(at) = at else {
            let by = called(route);
            found.perhaps = Some(format!(
                "{kind} {namespace}/{name}, by which {by} comes in, is not written here"
            ));
            continue;
        };
        for (index, listener) in gateways[at].listeners.iter().enumerate() {
            let wanted = only.as_ref().is_none_or(|name| *name == listener.name)
                && port.is_none_or(|port| port == listener.port);
            match takes(snapshot, &gateways[at], listener, route) {
                Truth::Yes if wanted && !found.listeners.contains(&(at, index)) => {
                    found.listeners.push((at, index));
                }
                Truth::Unknown if wanted => {
                    let own = route.object.namespace.as_deref().unwrap_or_default();
                    let by = called(route);
                    found.perhaps = Some(format!(
                        "whether Gateway {namespace}/{name} takes {by} is not known, since the labels of \
                         namespace {own} are not written here"
                    ));
                }
                _ => {}
            }
        }
    }
    found
}

fn called(route: &Route) -> String {
    let namespace = route.object.namespace.as_deref().unwrap_or_default();
    format!("{} {namespace}/{}", route.object.kind, route.object.name)
}

fn takes(snapshot: &Snapshot, gateway: &Gateway, listener: &Listener, route: &Route) -> Truth {
    let namespace = route.object.namespace.as_deref().unwrap_or_default();
    let hosts: Vec<&Name> = route.rules.iter().flat_map(|rule| &rule.hosts).collect();
    let shares =
        |only: &Name| hosts.is_empty() || hosts.iter().any(|own| common(only, own).is_some());
    let fits =
        has_kind(listener, &route.object.kind) && listener.hostname.as_ref().is_none_or(shares);
    let own = snapshot.namespace(namespace);
    Truth::from(fits).and(listener.from.takes(&gateway.namespace, namespace, own))
}

/// Whether a listener takes routes of a kind: those that it names, else those of its protocol.
fn has_kind(listener: &Listener, kind: &str) -> bool {
    if !listener.kinds.is_empty() {
        return listener.kinds.iter().any(|own| **own == *kind);
    }
    match &*listener.protocol {
        "HTTP" | "HTTPS" => matches!(kind, "HTTPRoute" | "GRPCRoute"),
        "TLS" => matches!(kind, "TLSRoute" | "TCPRoute"),
        "TCP" => kind == "TCPRoute",
        "UDP" => kind == "UDPRoute",
        // What an implementation has besides takes whatever asks for it.
        _ => true,
    }
}

/// The host that both have, the narrower one where either has a wildcard.
pub(super) fn common(one: &Name, other: &Name) -> Option<Name> {
    let within = |wide: &Name, narrow: &Name| {
        let Some(rest) = wide.strip_prefix('*') else { return false };
        let (narrow, rest) = (narrow.to_ascii_lowercase(), rest.to_ascii_lowercase());
        narrow.strip_suffix(&*rest).is_some_and(|before| !before.is_empty())
    };
    if one.eq_ignore_ascii_case(other) || within(one, other) {
        return Some(other.clone());
    }
    within(other, one).then(|| one.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// docs/semantics/entries.md#listeners.
    #[test]
    fn hosts_in_common() {
        for (one, other, both) in [
            ("a.example.org", "a.example.org", Some("a.example.org")),
            ("*.example.org", "a.example.org", Some("a.example.org")),
            ("a.b.example.org", "*.example.org", Some("a.b.example.org")),
            ("*.example.org", "*.b.example.org", Some("*.b.example.org")),
            ("*.example.org", "example.org", None),
            ("a.example.org", "b.example.org", None),
        ] {
            assert_eq!(common(&one.into(), &other.into()).as_deref(), both, "{one} {other}");
        }
    }
}
