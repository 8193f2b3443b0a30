//! Variables such as `${DOMAIN}` that nobody has filled in.
//!
//! In: texts as written. Out: the variables in them. What a variable stands for is not known, so
//! neither is whether the text is valid: it is a gap, never a fault.

use super::super::rule::{Peer, PeerKind, Peers, PodSet, Scope};
use super::lower::Lowering;

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

impl Lowering<'_> {
    /// Tells that a text has a variable, and says why it is not known.
    pub(super) fn unfilled(&mut self, path: &str, text: &str) -> Option<String> {
        let why = not_filled_in(variable(text)?);
        self.lint(path, format!("cannot be told: {why}; render it first"));
        Some(why)
    }

    /// A peer of whom nothing is known but the scope.
    pub(super) fn unknown_peer(path: &str, why: &str, scope: Scope) -> Peer {
        Peer { path: path.into(), admits: PeerKind::Unresolved(why.into(), scope) }
    }
}

/// The same peers, each of them only perhaps.
pub(super) fn perhaps(path: &str, peers: Peers, why: &str) -> Peers {
    let everyone = || Lowering::unknown_peer(path, why, Scope::EVERYONE);
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
