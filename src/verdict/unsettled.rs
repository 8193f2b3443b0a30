//! A node that may be there and was not read.
//!
//! In: the ends of an answer. Out: what would exist if the API server ran on a node, where that may be and
//! makes a difference. Source: docs/semantics/cilium-rules.md#networks.

use crate::cluster::{Labels, Node, Snapshot};
use crate::ends::Endpoint;
use crate::policy::Ruleset;

/// What exists with a node on which the API server runs, where one of these ends is the API server by its
/// address: to Cilium an address of a node is no address, and without any node nothing tells whose it is.
/// And what that is called in words.
pub(super) fn with_node<'e>(
    snapshot: &Snapshot,
    rules: &Ruleset,
    mut ends: impl Iterator<Item = &'e Endpoint>,
) -> Option<(Snapshot, String)> {
    if rules.cilium().is_none() || !snapshot.nodes.is_empty() {
        return None;
    }
    let ips = snapshot.api_server()?;
    let ip = ends.find_map(|end| match end {
        Endpoint::Address(ip) if ips.contains(ip) => Some(*ip),
        _ => None,
    })?;
    let mut supposed = snapshot.clone();
    supposed.nodes.push(Node { name: "kube-apiserver".into(), labels: Labels::default(), ips });
    let note = format!(
        "the API server has {ip}, and no Node is here that tells whether it runs on one: on a node the \
         answer would be another, since to Cilium no network means nodes"
    );
    Some((supposed, note))
}
