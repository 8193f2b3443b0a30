//! What is said of hosts that are led in from outside, and of pods that nothing leads to.
//!
//! In: the two ends of a question, or its answer. Out: the answer hop by hop, and the sentences on ways
//! that are not taken.

use super::explain::Explanation;
use super::hops::{self, Taken};
use super::trace::Verdict;
use crate::cluster::{PodId, Snapshot};
use crate::ends::{Endpoint, INTERNET, PortWanted, ResolveError, Resolved, as_from_outside};
use crate::entry;
use crate::policy::Ruleset;
use crate::prose::list;

/// By whatever leads a host in, hop by hop.
pub(super) fn led(
    snapshot: &Snapshot,
    rules: &Ruleset,
    (source, destination): (Resolved, Resolved),
    port: Option<&PortWanted>,
    namespace: &str,
) -> Result<Explanation, ResolveError> {
    let ways = hops::ways(snapshot, rules, &source, &destination, port, namespace)?;
    let mut notes = source.notes.clone();
    notes.extend(claimed_twice(snapshot, &ways));
    for way in &ways {
        let (by, copies) = (way.lead.by(snapshot), way.lead.copies(snapshot));
        let note = format!(
            "{by} sends a copy to {}, too: reach and list --exposed follow it",
            list(&copies, "and")
        );
        if !copies.is_empty() && !notes.contains(&note) {
            notes.push(note);
        }
    }
    Ok(Explanation { ways, ..Explanation::of(source, destination, notes) })
}

/// What is said of a host that is asked for from outside and that nothing leads in: policies say nothing
/// of it, and whether it is this cluster's is not known.
///
/// Source: docs/semantics/entries.md#hosts-that-nothing-leads-in.
pub(super) fn unrouted(source: &Resolved, destination: &Resolved) -> Option<String> {
    let outside = |end: &Endpoint| matches!(end, Endpoint::Address(_) | Endpoint::Name(_));
    let from = source.object.is_none() && source.ways.is_empty();
    let named = destination.endpoints.iter().any(|end| matches!(end, Endpoint::Name(_)));
    let to = destination.object.is_none() && destination.ways.is_empty();
    let both = [source, destination];
    let all = both.iter().all(|end| !end.endpoints.is_empty() && end.endpoints.iter().all(outside));
    let asked = named || source.label == INTERNET;
    (from && to && asked && all).then(|| {
        let label = &destination.label;
        format!(
            "Nothing here leads {label} in: no Ingress, Route, Gateway or load balancer has it, so where \
             it leads is not known"
        )
    })
}

/// The answer for such a host.
pub(super) fn not_led(source: Resolved, destination: Resolved, note: String) -> Explanation {
    let mut notes = source.notes.clone();
    notes.push(note);
    Explanation::of(source, destination, notes)
}

/// What is said of a host and path that two objects claim.
///
/// Source: docs/semantics/entries.md#claimed-twice.
fn claimed_twice(snapshot: &Snapshot, ways: &[Taken]) -> Option<String> {
    let mut by: Vec<String> = ways.iter().map(|way| way.lead.by(snapshot)).collect();
    by.dedup();
    by.sort();
    by.dedup();
    (by.len() > 1).then(|| {
        let all = list(&by, "and");
        format!("{all} all claim it: which of them is served, the controllers decide")
    })
}

/// What leads from outside to what was asked for by another name, or that nothing does: policies alone
/// open nothing.
///
/// Source: docs/semantics/entries.md#open-without-a-way.
pub(super) fn without_a_way(snapshot: &Snapshot, explanation: &Explanation) -> Option<String> {
    let Explanation { source, destination, .. } = explanation;
    let outside = |end: &Endpoint| matches!(end, Endpoint::Address(_));
    let asked = source.label == INTERNET || destination.service.is_some();
    let named = destination.ways.is_empty()
        && source.object.is_none()
        && asked
        && as_from_outside(snapshot, source, destination).is_none();
    if !named
        || source.endpoints.is_empty()
        || !source.endpoints.iter().all(outside)
        || explanation.verdict() != Some(Verdict::Allowed)
    {
        return None;
    }
    let pods: Option<Vec<PodId>> = destination.endpoints.iter().map(Endpoint::pod).collect();
    let pods = pods.filter(|pods| {
        let there =
            |id: &PodId| !snapshot.pod(*id).host_network && snapshot.representative(*id).is_none();
        !pods.is_empty() && pods.iter().all(there)
    })?;
    let label = &destination.label;
    Some(match entry::behind(snapshot, &pods).as_slice() {
        [] => format!(
            "Policies let it in, and nothing here leads from outside to {label}: no Ingress, Route, \
             Gateway, load balancer or port of a node"
        ),
        ways => {
            let lead = if ways.len() == 1 { "leads" } else { "lead" };
            let ways = list(ways, "and");
            format!("From outside {ways} {lead} to {label}: ask for its host or address")
        }
    })
}
