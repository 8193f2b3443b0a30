//! Whether what was seen of a connection is what was predicted, and what is likely where it is not.
//!
//! In: an [`Attempt`] and its [`Outcome`]. Out: a [`Match`]. Where a connection would look the same either
//! way it is not known, with the reason.

use super::asked::Attempt;
use super::seen::{Outcome, Seen};
use crate::cluster::{Pod, PodId, Protocol, Snapshot};
use crate::ends::Endpoint;
use crate::policy::Ruleset;
use crate::policy::rule::Direction;
use crate::prose::list;
use crate::verdict::{Verdict, in_mesh};
use std::collections::BTreeSet;
use std::fmt;

/// More than this many guesses help nobody.
const MOST_LIKELY: usize = 3;

/// Whether what was seen is what was predicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// It is.
    AsPredicted,
    /// It is not; what is likely, the likeliest first.
    Differs(Vec<Likely>),
    /// It does not show, and why.
    NotKnown(String),
}

/// Why what was seen may not be what was predicted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Likely {
    /// The network plugin does not enforce these kinds.
    NotEnforced(String),
    /// Whoever rejects what is denied answers as if nothing listened.
    Rejected,
    /// The Service has nobody who takes it.
    NoEndpoints,
    /// A pod on its node's network, or a node: firewalls of nodes decide there.
    OfNode,
    /// Something between the nodes drops it.
    BetweenNodes,
    /// The pod that is to take it is not ready.
    NotReady,
    /// Objects that were not read, or are not judged, decide.
    NotRead,
    /// The agent has not applied the policies yet.
    NotRealised,
    /// Something on the way rejects it.
    OnTheWay,
}

impl fmt::Display for Likely {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotEnforced(kinds) => {
                return write!(f, "the network plugin does not enforce {kinds}, or this version of it reads it otherwise");
            }
            Self::Rejected => {
                "a plugin that rejects what it denies instead of dropping it is seen as refused too"
            }
            Self::NoEndpoints => "the Service has no endpoint that takes it",
            Self::OfNode => {
                "an end is on its node's network, where firewalls of the node decide and plugins differ"
            }
            Self::BetweenNodes => "something between the two nodes drops it",
            Self::NotReady => "the pod that is to take it is not ready",
            Self::NotRead => "something that was not read, or is not judged, decides it",
            Self::NotRealised => "the network plugin has not applied the policies yet",
            Self::OnTheWay => "a firewall on the way rejects it, or nobody has that address any more",
        })
    }
}

/// Compares.
///
/// Source: docs/semantics/connections.md.
pub fn compare(
    snapshot: &Snapshot,
    rules: &Ruleset,
    attempt: &Attempt,
    outcome: &Outcome,
) -> Match {
    let not_known = |why: &str| Match::NotKnown(why.to_owned());
    let seen = match outcome {
        Outcome::Seen { seen, .. } => *seen,
        Outcome::NotKnown(why) => return Match::NotKnown(why.to_string()),
    };
    let predicted = attempt.predicted();
    if matches!(predicted, Verdict::Unknown | Verdict::Ambiguous) {
        return not_known("what is predicted is not known");
    }
    if attempt.is_on_condition() {
        return not_known(
            "policies let it pass on a condition, so that a proxy may answer in place of who is dialled",
        );
    }
    if attempt.port.protocol != Protocol::Tcp && seen == Seen::Silent {
        return not_known("nothing came back, which says nothing where it is not TCP");
    }
    let tcp = attempt.port.protocol == Protocol::Tcp;
    if tcp && is_meshed(snapshot, attempt.source) {
        return not_known("a proxy of the mesh takes whatever the pod opens, so it shows nothing");
    }
    let outside = matches!(attempt.destination, Endpoint::Address(_) | Endpoint::Name(_));
    match (predicted == Verdict::Allowed, seen.passed()) {
        (true, true) | (false, false) => Match::AsPredicted,
        (true, false) if outside => not_known(
            "nobody in the cluster has that address, so whether anyone would answer is not known",
        ),
        (allowed, _) => Match::Differs(likely(snapshot, rules, attempt, (allowed, seen))),
    }
}

/// Labels by which meshes mark the pods that they put a proxy into, with the value where that matters.
///
/// Source: docs/semantics/connections.md#proxies-in-between.
const SIDECARS: [(&str, Option<&str>); 3] = [
    ("security.istio.io/tlsMode", None),
    ("linkerd.io/control-plane-ns", None),
    ("consul.hashicorp.com/connect-inject-status", Some("injected")),
];

/// Whether a proxy takes what a pod opens.
fn is_meshed(snapshot: &Snapshot, id: PodId) -> bool {
    let labels = &snapshot.pod(id).labels;
    let marked = |(key, value): &(&str, Option<&str>)| {
        labels.get(key).is_some_and(|found| value.is_none_or(|value| found == value))
    };
    in_mesh(snapshot, id) || SIDECARS.iter().any(marked)
}

fn likely(
    snapshot: &Snapshot,
    rules: &Ruleset,
    attempt: &Attempt,
    (allowed, seen): (bool, Seen),
) -> Vec<Likely> {
    let source = snapshot.pod(attempt.source);
    let destination = attempt.destination.pod().map(|id| snapshot.pod(id));
    let on_node = source.host_network
        || destination.is_none_or(|pod| pod.host_network)
        || attempt.destination.node().is_some();
    let mut guesses = Vec::new();
    if allowed {
        guesses.extend(destination.is_some_and(|pod| !pod.ready).then_some(Likely::NotReady));
        guesses.extend((seen == Seen::Unreachable).then_some(Likely::OnTheWay));
        guesses.extend(on_node.then_some(Likely::OfNode));
        guesses.extend((!snapshot.gaps.is_empty()).then_some(Likely::NotRead));
        let apart = destination.is_some_and(|pod| are_apart(source, pod));
        guesses.push(Likely::NotRealised);
        guesses.extend(apart.then_some(Likely::BetweenNodes));
    } else {
        guesses.extend(on_node.then_some(Likely::OfNode));
        let refused = seen == Seen::Refused;
        guesses.extend((refused && attempt.service.is_some()).then_some(Likely::NoEndpoints));
        guesses.extend(refused.then_some(Likely::Rejected));
        guesses.push(Likely::NotEnforced(deniers(rules, attempt)));
        guesses.push(Likely::NotRealised);
    }
    guesses.truncate(MOST_LIKELY);
    guesses
}

fn are_apart(one: &Pod, other: &Pod) -> bool {
    matches!((&one.node, &other.node), (Some(one), Some(other)) if one != other)
}

/// The policies that deny it, by their kinds and directions.
fn deniers(rules: &Ruleset, attempt: &Attempt) -> String {
    let mut kinds: BTreeSet<String> = BTreeSet::new();
    for case in &attempt.explanation.cases {
        for trace in [&case.judgement.egress, &case.judgement.ingress] {
            let direction = match trace.direction {
                Direction::Egress => "egress",
                Direction::Ingress => "ingress",
            };
            let denies = trace.verdict == Verdict::Denied;
            for policy in trace.policies.iter().filter(|_| denies) {
                let kind = &rules.policy(policy.policy).object.kind;
                kinds.insert(format!("{direction} of {kind}"));
            }
        }
    }
    let kinds: Vec<String> = kinds.into_iter().collect();
    if kinds.is_empty() { "policies".to_owned() } else { list(&kinds, "and") }
}
