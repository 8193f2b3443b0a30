//! Whether what was observed is what was predicted, and what is likely where it is not.

use super::join::{Index, contradiction};
use super::predict::Prediction;
use crate::cluster::{ObjectRef, Origin, Snapshot};
use crate::hubble::{DropClass, DropReason, Event, Flow, Party, PolicyName, Verdict as Seen};
use crate::policy::Ruleset;
use crate::policy::rule::Direction;
use crate::verdict::{Endpoint, Trace, Verdict};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// More than this many guesses help nobody.
const MOST_LIKELY: usize = 3;

/// What an event says of policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub enum Observed {
    /// The direction's policies let it through.
    Allowed,
    /// They dropped it.
    Denied,
    /// They would have dropped it, but are in audit mode.
    Audited,
    /// It was dropped, by something else than a policy.
    DroppedOtherwise,
    /// It was dropped or went wrong, and whether by a policy is not known.
    Unclear,
    /// It was seen on its way: no policy was asked.
    Seen,
}

/// What an event says of policies.
///
/// Source: docs/semantics/hubble.md#events and docs/semantics/hubble.md#attribution.
pub fn observed(flow: &Flow) -> Observed {
    if !flow.is_decision() {
        return Observed::Seen;
    }
    match (flow.verdict, flow.drop_class()) {
        (Seen::Forwarded | Seen::Redirected, _) => Observed::Allowed,
        (Seen::Audit, _) => Observed::Audited,
        (_, Some(DropClass::Policy)) => Observed::Denied,
        (_, Some(DropClass::NotPolicy)) => Observed::DroppedOtherwise,
        (_, Some(DropClass::Unknown)) => Observed::Unclear,
        (_, None) => Observed::Seen,
    }
}

/// Whether observation and prediction agree.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Agreement {
    /// It is as predicted.
    AsPredicted,
    /// It is not; what is likely, the likeliest first.
    Differs(Vec<Likely>),
    /// It arrived where its source's policies let nothing out, so that what is said of the source is not as
    /// predicted; what is likely.
    Arrived(Vec<Likely>),
    /// The prediction is Unknown.
    NotKnown,
    /// The event says nothing that could be compared.
    NotCompared,
}

/// Why observation and prediction may differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Likely {
    /// A policy was written after the flow was seen.
    WrittenLater(ObjectRef),
    /// Hubble names a policy that was not read: it is no longer there, or could not be read.
    NamedElsewhere(PolicyName),
    /// Hubble names a policy that was read and by that is refused, so that it is not in force.
    NotInForce(PolicyName),
    /// A deny rule dropped it, and none of those that were read matches.
    DenyRule,
    /// The two ends had to authenticate each other, which no rule that was read asks for.
    Authentication,
    /// An L7 rule dropped a request, and by what was read none is for it.
    Layer7,
    /// Only a block of addresses admits it, and Cilium matches those with addresses outside the
    /// cluster only.
    BlockOfCluster,
    /// An address is another's by the snapshot: translated on its way.
    Translated,
    /// The end had no identity yet when it was seen.
    NotReady,
    /// The policies of its source are in audit mode, or were.
    AuditMode,
    /// A label was another when it was seen.
    OtherLabel(String, String),
    /// The manifests are not what the cluster has.
    Manifests,
    /// The agent had not applied the policy yet, or a connection was older than it.
    NotRealised,
    /// What was read is older than the flow.
    Stale,
}

/// What comparing needs to know besides the flow.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// What exists.
    pub snapshot: &'a Snapshot,
    /// What is in force.
    pub rules: &'a Ruleset,
    /// Who has which address.
    pub index: &'a Index,
}

/// Compares a flow with its prediction.
pub fn compare(scene: Scene<'_>, flow: &Flow, prediction: &Prediction) -> Agreement {
    let denied = match observed(flow) {
        Observed::Allowed => false,
        Observed::Denied | Observed::Audited => true,
        Observed::DroppedOtherwise | Observed::Unclear | Observed::Seen => {
            return Agreement::NotCompared;
        }
    };
    match (prediction.verdict(flow.direction), denied) {
        // Without a direction, that one side let it through does not mean that both do.
        (Verdict::Denied, false) if flow.direction.is_none() => Agreement::NotCompared,
        (Verdict::Unknown | Verdict::Ambiguous, _) => Agreement::NotKnown,
        // It passes only if something holds that no policy alone decides.
        (Verdict::Allowed, true) if is_conditional(flow, prediction) => Agreement::NotKnown,
        (Verdict::Allowed, false) | (Verdict::Denied, true) => Agreement::AsPredicted,
        (Verdict::Allowed, true) | (Verdict::Denied, false) => {
            Agreement::Differs(likely(scene, flow, prediction, (flow.direction, denied)))
        }
    }
}

/// Whether a flow was let in that the policies of its source were to keep there; `None`: nothing says so.
///
/// Where the source's policies are in audit mode it is no difference: whoever saw that event knows.
pub fn arrived(scene: Scene<'_>, flow: &Flow, prediction: &Prediction) -> Option<Agreement> {
    let out = Some(Direction::Egress);
    let arrives = flow.direction == Some(Direction::Ingress) && observed(flow) == Observed::Allowed;
    if !arrives || prediction.verdict(out) != Verdict::Denied {
        return None;
    }
    let mut guesses = likely(scene, flow, prediction, (out, false));
    guesses.push(Likely::AuditMode);
    Some(Agreement::Arrived(guesses))
}

/// Whether a denial is by what an allowed flow must hold besides: an L7 rule, or authentication.
fn is_conditional(flow: &Flow, prediction: &Prediction) -> bool {
    let by_condition = flow.event == Event::L7
        || flow.drop_reason.as_ref().is_some_and(DropReason::is_authentication);
    let traces = Direction::ALL.into_iter().map(|it| prediction.trace(it));
    by_condition
        && traces
            .filter(|trace| flow.direction.is_none_or(|asked| asked == trace.direction))
            .any(|trace| !trace.conditions.is_empty())
}

/// What is likely of a direction, or of both, that was denied or let it through against the prediction.
fn likely(
    scene: Scene<'_>,
    flow: &Flow,
    prediction: &Prediction,
    (direction, denied): (Option<Direction>, bool),
) -> Vec<Likely> {
    let mut likely = Vec::new();
    let traces: Vec<&Trace> = match direction {
        Some(direction) => vec![prediction.trace(direction)],
        None => Direction::ALL.into_iter().map(|it| prediction.trace(it)).collect(),
    };
    if denied && flow.event == Event::L7 {
        likely.push(Likely::Layer7);
    }
    let unread = unread(scene.index, flow);
    likely.extend(unread.map(|name| {
        let refused = scene.rules.rejected.iter().any(|it| is_named(name, &it.object));
        let name = name.clone();
        if refused { Likely::NotInForce(name) } else { Likely::NamedElsewhere(name) }
    }));
    let reason = flow.drop_reason.as_ref();
    if denied && reason.is_some_and(DropReason::is_deny_rule) && unread.is_none() {
        likely.push(Likely::DenyRule);
    }
    if denied && reason.is_some_and(DropReason::is_authentication) {
        likely.push(Likely::Authentication);
    }
    likely.extend(written_later(scene.rules, flow.time, &traces).map(Likely::WrittenLater));
    let sides = [
        (&flow.source, &prediction.flow.source),
        (&flow.destination, &prediction.flow.destination),
    ];
    for (party, endpoint) in sides {
        if ["init", "unmanaged"].iter().any(|name| party.is_reserved(name)) {
            likely.push(Likely::NotReady);
        } else if is_translated(scene, party, endpoint) {
            likely.push(Likely::Translated);
        }
        if let Endpoint::Pod(id) = endpoint {
            let pod = scene.snapshot.pod(*id);
            let other = contradiction(party, &pod.labels, pod.unknown_labels);
            likely.extend(other.map(|(key, value)| Likely::OtherLabel(key, value)));
        }
    }
    if denied && traces.iter().any(|trace| prediction.is_by_block_of_cluster(scene.rules, trace)) {
        likely.push(Likely::BlockOfCluster);
    }
    let from_files =
        scene.rules.policies().iter().any(|p| !matches!(p.origin, Origin::Live { .. }))
            || scene.snapshot.pods().iter().any(|pod| !matches!(pod.origin, Origin::Live { .. }));
    likely.push(match from_files {
        true => Likely::Manifests,
        false if denied => Likely::Stale,
        false => Likely::NotRealised,
    });
    likely.dedup();
    likely.truncate(MOST_LIKELY);
    likely
}

/// A policy that Hubble names for what became of a flow, and that was not read.
pub fn unread<'a>(index: &Index, flow: &'a Flow) -> Option<&'a PolicyName> {
    flow.allowed_by.iter().chain(&flow.denied_by).find(|name| !index.has_policy(name))
}

/// Whether Hubble's name means an object; before 1.18 it tells no kind.
fn is_named(name: &PolicyName, object: &ObjectRef) -> bool {
    *name.name == *object.name
        && *name.namespace == *object.namespace.clone().unwrap_or_default()
        && (name.kind.is_empty() || *name.kind == *object.kind)
}

/// A policy that decides and was written after the flow.
fn written_later(rules: &Ruleset, seen: Option<Timestamp>, traces: &[&Trace]) -> Option<ObjectRef> {
    let seen = seen?;
    let mut deciding = traces.iter().flat_map(|trace| &trace.policies);
    deciding.find_map(|trace| {
        let policy = rules.policy(trace.policy);
        let Origin::Live { applied: Some(applied), .. } = &policy.origin else { return None };
        let written: Timestamp = applied.time.as_deref()?.parse().ok()?;
        (written > seen).then(|| policy.object.clone())
    })
}

/// Whether the snapshot has someone else, or another address, where Hubble saw the party.
fn is_translated(scene: Scene<'_>, party: &Party, endpoint: &Endpoint) -> bool {
    let Some(ip) = party.ip else { return false };
    match endpoint {
        Endpoint::Address(_) => scene.index.at(ip).is_some(),
        Endpoint::Pod(id) => {
            let pod = scene.snapshot.pod(*id);
            let own = pod.ips.contains(&ip) || pod.ips.is_empty() || *pod.name != *party.pod;
            !own && scene.index.at(ip) != Some(endpoint)
        }
        _ => false,
    }
}
