//! Flows that policies may see in several ways.
//!
//! In: a flow as it arrives at its end, and how policies may see it. Out: its judgement; several where
//! they differ, each with what it rests on, since then it is not known which holds.

use super::evaluate::judge;
use super::trace::{Flow, Judgement};
use crate::cluster::{PodId, Port, Protocol, Snapshot};
use crate::ends::{Endpoint, Seen, names};
use crate::policy::Ruleset;

/// What one way of seeing a flow is.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The flow as policies of the sender see it.
    pub out: Flow,
    /// The flow as policies of who takes it see it.
    pub into: Flow,
    /// What it rests on, where another reading has another verdict.
    pub words: Option<String>,
}

/// The judgement of a flow, or the first of each verdict where there are several.
pub(super) fn judge_each(
    snapshot: &Snapshot,
    rules: &Ruleset,
    flow: &Flow,
    seen: &Seen,
) -> Vec<(Option<Reading>, Judgement)> {
    let in_mesh = mesh_carries(snapshot, flow);
    if *seen == Seen::default() && !in_mesh {
        return vec![(None, judge(snapshot, rules, flow))];
    }
    let sent = |it: &Option<(Endpoint, Port)>| match it {
        Some((to, port)) => Flow { destination: to.clone(), port: *port, ..flow.clone() },
        None => flow.clone(),
    };
    let taken = |it: &Option<Endpoint>| {
        let source = it.clone().unwrap_or_else(|| flow.source.clone());
        Flow { source, ..flow.clone() }
    };
    let or_plain = |all: Vec<Flow>| if all.is_empty() { vec![flow.clone()] } else { all };
    let outs = or_plain(seen.out.iter().map(sent).collect());
    let intos = or_plain(seen.into.iter().map(taken).collect());
    let mut pairs: Vec<(Flow, Flow)> = outs
        .iter()
        .flat_map(|out| intos.iter().map(move |into| (out.clone(), into.clone())))
        .collect();
    if in_mesh {
        let carried = |flow: &Flow| Flow { port: MESH, ..flow.clone() };
        let by_mesh: Vec<_> =
            pairs.iter().map(|(out, into)| (carried(out), carried(into))).collect();
        pairs.extend(by_mesh);
    }
    let mut each: Vec<(Reading, Judgement)> = Vec::new();
    for (out, into) in pairs {
        let egress = judge(snapshot, rules, &out).egress;
        let ingress = judge(snapshot, rules, &into).ingress;
        let verdict = egress.verdict.and(ingress.verdict);
        if each.iter().all(|(_, known)| known.verdict != verdict) {
            let reading = Reading { out, into, words: None };
            each.push((reading, Judgement { verdict, egress, ingress }));
        }
    }
    if each.len() > 1 {
        for (reading, _) in &mut each {
            reading.words = Some(words(snapshot, flow, reading));
        }
    }
    each.into_iter().map(|(reading, judgement)| (Some(reading), judgement)).collect()
}

/// Where an ambient mesh takes what its pods send to one another.
///
/// Source: docs/semantics/services.md#ambient-meshes.
pub(crate) const MESH: Port = Port { protocol: Protocol::Tcp, number: 15008 };

/// Whether both ends are pods of an ambient mesh, which carries TCP only.
fn mesh_carries(snapshot: &Snapshot, flow: &Flow) -> bool {
    let ends = [&flow.source, &flow.destination];
    flow.port.protocol == Protocol::Tcp
        && flow.port != MESH
        && ends.into_iter().all(|end| matches!(end, Endpoint::Pod(id) if in_mesh(snapshot, *id)))
}

/// What says whether an ambient mesh takes a pod in, and what it says then.
const MODE: &str = "istio.io/dataplane-mode";
const AMBIENT: &str = "ambient";

/// Whether an ambient mesh takes in any pod, or those of any namespace.
pub(crate) fn has_mesh(snapshot: &Snapshot) -> bool {
    snapshot.namespaces().any(|space| space.labels.get(MODE) == Some(AMBIENT))
        || snapshot.pods().iter().any(|pod| pod.labels.get(MODE) == Some(AMBIENT))
}

/// Whether an ambient mesh takes a pod in: by its own label, else by that of its namespace.
pub(crate) fn in_mesh(snapshot: &Snapshot, id: PodId) -> bool {
    let pod = snapshot.pod(id);
    let of_namespace = || snapshot.namespace_labels(&pod.namespace)?.get(MODE);
    !pod.host_network && pod.labels.get(MODE).or_else(of_namespace) == Some(AMBIENT)
}

/// What a reading rests on.
fn words(snapshot: &Snapshot, flow: &Flow, reading: &Reading) -> String {
    let name = |end| names::endpoint(snapshot, end);
    let mut parts = vec![if reading.into.port == MESH {
        format!("carried by the ambient mesh on {MESH}")
    } else if mesh_carries(snapshot, flow) {
        "past the ambient mesh".to_owned()
    } else {
        format!("seen as from {}", name(&reading.into.source))
    }];
    if reading.out.destination != flow.destination || reading.out.port != reading.into.port {
        parts.push(format!("sent to {} port {}", name(&reading.out.destination), reading.out.port));
    }
    parts.join(", ")
}
