//! Variables such as `${DOMAIN}` that nobody has filled in.
//!
//! In: texts as written. Out: the variables in them. What a variable stands for is not known, so
//! neither is whether the text is valid: it is a gap, never a fault.

use super::Fault;
use super::rule::{Peer, PeerKind, Peers, PodSet, Scope};
use crate::lints::Lint;

/// The first variable of a text, as Flux and envsubst write them.
pub(super) fn variable(text: &str) -> Option<&str> {
    let start = text.find("${")?;
    let rest = text.get(start..)?;
    let end = rest.find('}')?;
    rest.get(..=end)
}

/// Why something with this variable is not known, as the end of a sentence.
pub(super) fn not_filled_in(variable: &str) -> String {
    format!("the variable {variable} is not filled in")
}

/// What is told of a field of which that is so.
pub(super) fn unfilled(why: &str) -> String {
    format!("cannot be told: {why}; render it first")
}

/// What is told of an object that is not valid for its variables only: what they stand for may be.
/// `None` where something else is wrong with it, or nothing is.
pub(super) fn only_unfilled(faults: &[Fault]) -> Option<Vec<Fault>> {
    let mut all = faults.iter();
    if faults.is_empty() || !all.all(|fault| variable(&fault.message).is_some()) {
        return None;
    }
    let told = faults.iter().map(|Fault { path, message, .. }| {
        let message = format!(
            "{message}, but its variable is not filled in: what this policy does is not known; \
             render it first"
        );
        Fault::told(Lint::UnfilledVariable, path.as_str(), message)
    });
    Some(told.collect())
}

/// A peer of whom nothing is known but the scope.
pub(super) fn unknown_peer(path: &str, why: &str, scope: Scope) -> Peer {
    Peer::new(path, PeerKind::Unresolved(why.into(), scope))
}

/// The same peers, each of them only perhaps.
pub(super) fn perhaps(path: &str, peers: Peers, why: &str) -> Peers {
    let everyone = || unknown_peer(path, why, Scope::EVERYONE);
    let Peers::Of(peers) = peers else { return Peers::Of(vec![everyone()]) };
    let doubtful = |peer: Peer| {
        let admits = match peer.admits {
            PeerKind::Pods(set) => {
                let doubt = set.doubt.or_else(|| Some(why.into()));
                PeerKind::Pods(PodSet { doubt, ..set })
            }
            PeerKind::Unresolved(why, scope) => PeerKind::Unresolved(why, scope),
            PeerKind::Addresses(_, scope) => PeerKind::Unresolved(why.into(), scope),
            PeerKind::Names(_) => PeerKind::Unresolved(why.into(), Scope::OUTSIDE),
            PeerKind::Nodes(_) => PeerKind::Unresolved(why.into(), Scope::NODES),
            PeerKind::Combined(_) => PeerKind::Unresolved(why.into(), Scope::EVERYONE),
            PeerKind::Entities(entities) => {
                let nodes = entities.own_node || entities.other_nodes || entities.api_server;
                PeerKind::Unresolved(why.into(), Scope { pods: entities.pods, nodes })
            }
        };
        Peer { admits, ..peer }
    };
    Peers::Of(peers.into_iter().map(doubtful).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_texts() {
        for (text, found) in [
            ("idm.${DOMAIN}", Some("${DOMAIN}")),
            ("${A:-b}.${B}", Some("${A:-b}")),
            ("$A {b}", None),
            ("${open", None),
            ("", None),
            ("é${É}", Some("${É}")),
        ] {
            assert_eq!(variable(text), found, "{text}");
        }
    }
}
