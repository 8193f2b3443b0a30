//! The kubelet's probes: from a pod's own node to the pod.
//!
//! In: a snapshot and its rules. Out: one flow for each workload that is probed at a port. Source:
//! docs/semantics/system.md#probes.

use super::why::sentence;
use super::{System, SystemFlow, SystemKind};
use crate::cluster::{Family, Labels, ObjectRef, Port, Snapshot};
use crate::ends::{Endpoint, Unseen, names};
use crate::policy::Ruleset;
use crate::verdict::{Flow, Reason, Verdict, judge};
use foldhash::{HashSet, HashSetExt as _};
use std::collections::BTreeMap;

/// More kinds of pods are not looked at.
const MOST: usize = 20_000;

/// What is said where the node is let in whatever policies say.
const ALWAYS: &str = "a node always reaches the pods on it";

#[derive(Default)]
struct Probed {
    ports: Vec<Port>,
    verdicts: Vec<Verdict>,
    why: Option<String>,
}

/// Adds the probes.
pub fn probes(snapshot: &Snapshot, rules: &Ruleset, all: &mut System) {
    let from = Unseen::OwnNode.as_str();
    let mut seen: HashSet<(ObjectRef, Labels, &[Port])> = HashSet::new();
    let mut probed: BTreeMap<ObjectRef, Probed> = BTreeMap::new();
    for (id, pod) in snapshot.pods().iter().enumerate() {
        let Some(ports) = pod.probes.as_deref() else { continue };
        // On its node's network the node asks itself.
        if pod.finished || pod.host_network || snapshot.representative(id).is_some() {
            continue;
        }
        let object = names::workload(snapshot, pod);
        if !seen.insert((object.clone(), pod.labels.clone(), ports)) {
            continue;
        }
        if seen.len() > MOST {
            all.missing
                .push(format!("probes of more than {MOST} kinds of pods were not looked at"));
            break;
        }
        let label = object.to_string();
        let of = probed.entry(object).or_default();
        for port in ports {
            let flow = Flow {
                source: Endpoint::Unseen(Unseen::OwnNode),
                destination: Endpoint::Pod(id),
                port: *port,
                family: pod.ips.first().map_or(Family::V4, |ip| Family::of(*ip)),
                through_service: false,
            };
            let judgement = judge(snapshot, rules, &flow);
            if !of.ports.contains(port) {
                of.ports.push(*port);
            }
            of.verdicts.push(judgement.verdict);
            if judgement.verdict != Verdict::Allowed {
                of.why = Some(sentence(rules, &judgement.ingress, (&label, from)));
            } else if of.why.is_none() && judgement.ingress.reason == Reason::OwnNode {
                of.why = Some(ALWAYS.to_owned());
            }
        }
    }
    for (object, Probed { mut ports, verdicts, why }) in probed {
        ports.sort();
        let first = verdicts.first().copied();
        let verdict = first.filter(|first| verdicts.iter().all(|other| other == first));
        let passes = verdict == Some(Verdict::Allowed);
        all.flows.push(SystemFlow {
            kind: SystemKind::Probe,
            by: "kubelet".to_owned(),
            source: from.to_owned(),
            destination: object.to_string(),
            namespaces: object.namespace.iter().cloned().collect(),
            ports,
            verdict,
            why,
            then: (!passes).then(|| {
                "the kubelet then restarts its containers, or takes it out of its Services"
                    .to_owned()
            }),
        });
    }
}
