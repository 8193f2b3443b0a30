//! Who can ask for names.
//!
//! In: a snapshot and its rules. Out: one flow for each workload, from it to the cluster's DNS. Source:
//! docs/semantics/system.md#dns.

use super::why::why;
use super::{System, SystemFlow, SystemKind, found};
use crate::cluster::{Name, ObjectRef, PodId, Port, Protocol, Snapshot};
use crate::ends::{Endpoint, PortText, PortWanted, Resolved, asked, names, service_end};
use crate::policy::{NODE_LOCAL_DNS, Ruleset};
use crate::unwritten::meant;
use crate::verdict::{Explanation, Question, Verdict, explain};
use std::collections::BTreeMap;

/// The Services that serve DNS, by custom.
const SERVICES: [(&str, &str); 3] =
    [("kube-system", "kube-dns"), ("openshift-dns", "dns-default"), ("kube-system", "coredns")];

/// Where its pods are, and the label that they have, where no Service of it is known.
const HOME: &str = "kube-system";
const LABEL: (&str, &str) = ("k8s-app", "kube-dns");

/// The DaemonSet of NodeLocal DNSCache.
const CACHE: &str = "node-local-dns";

/// Adds a pod that stands for the cluster's DNS, where none of it is known.
pub fn suppose_dns(snapshot: &mut Snapshot, rules: &Ruleset) {
    if service(snapshot).is_some() || !labelled(snapshot).is_empty() {
        return;
    }
    if let Some(Ok(pods)) = asked(&format!("{HOME}/pods[{}={}]", LABEL.0, LABEL.1)) {
        // No more than these words can be wrong with it.
        _ = meant(snapshot, rules, &pods, HOME);
    }
}

/// The Service of DNS that leads to pods.
fn service(snapshot: &Snapshot) -> Option<Resolved> {
    SERVICES.iter().find_map(|(namespace, name)| {
        let mut services = snapshot.services.within(namespace);
        let (index, _) = services.find(|(_, service)| *service.name == **name)?;
        Some(service_end(snapshot, index)).filter(|end| !end.endpoints.is_empty())
    })
}

/// The pods that have its label.
fn labelled(snapshot: &Snapshot) -> Vec<PodId> {
    let pods = snapshot.pods_in(HOME).filter(|(_, pod)| !pod.finished);
    pods.filter(|(_, pod)| pod.labels.get(LABEL.0) == Some(LABEL.1)).map(|(id, _)| id).collect()
}

/// Where the cluster's DNS is, by its Service or else by the label of its pods.
pub fn dns_server(snapshot: &Snapshot) -> Option<Resolved> {
    service(snapshot).or_else(|| by_label(snapshot))
}

/// Who asks, by workload, with what becomes of it over UDP and TCP.
#[derive(Default)]
struct Asks {
    udp: Vec<Verdict>,
    tcp: Vec<Verdict>,
    ports: Vec<Port>,
    why: Option<String>,
}

/// Leaves open whether a name is reached by pods that cannot ask for it: Cilium learns its addresses from
/// what others were answered, at best.
///
/// Source: docs/semantics/cilium-rules.md#lookups.
pub fn doubt_names(snapshot: &Snapshot, rules: &Ruleset, explanation: &mut Explanation) {
    let destinations = &explanation.destination.endpoints;
    let is_named = destinations.iter().any(|end| matches!(end, Endpoint::Name(_)));
    let allowed = explanation.verdict() == Some(Verdict::Allowed);
    if rules.cilium().is_none() || !is_named || !allowed {
        return;
    }
    let of_pods = |end: &&Endpoint| end.pod().is_some_and(|id| !snapshot.pod(id).host_network);
    let sources: Vec<Endpoint> =
        explanation.source.endpoints.iter().filter(of_pods).cloned().collect();
    let mut supposed = snapshot.clone();
    suppose_dns(&mut supposed, rules);
    let Some(server) = dns_server(&supposed) else { return };
    let label = server.label.clone();
    let source = found(end(explanation.source.label.clone(), sources));
    let server = found(server);
    let denied = |protocol| {
        let port = PortWanted { port: PortText::Number(53), protocol: Some(protocol) };
        let port = Some(&port);
        let question =
            Question { source: &source, destination: &server, port, namespace: "default" };
        let asked = explain(&supposed, rules, &question);
        asked.is_ok_and(|it| by_pod(&it).values().any(|verdict| *verdict == Verdict::Denied))
    };
    if denied(Protocol::Udp) && denied(Protocol::Tcp) {
        explanation.unsettled = true;
        explanation.notes.push(format!(
            "{} cannot ask {label} for names, so Cilium has at best what others were answered",
            explanation.source.label
        ));
    }
}

/// Adds who asks for names.
pub fn dns(snapshot: &Snapshot, rules: &Ruleset, all: &mut System) {
    let Some(server) = dns_server(snapshot) else {
        all.missing.push("where the cluster's DNS is, is not known here".to_owned());
        return;
    };
    let cached =
        snapshot.workloads.within(HOME).any(|(_, workload)| *workload.object.name == *CACHE);
    let mut spaces: BTreeMap<&Name, Vec<Endpoint>> = BTreeMap::new();
    for (id, pod) in snapshot.pods().iter().enumerate() {
        let is_server = server.endpoints.contains(&Endpoint::Pod(id));
        // On its node's network a pod asks as the node does.
        let asks = !pod.finished && !pod.host_network && snapshot.representative(id).is_none();
        if asks && !is_server {
            spaces.entry(&pod.namespace).or_default().push(Endpoint::Pod(id));
        }
    }
    let label = server.label.clone();
    let server = found(server);
    for (namespace, pods) in spaces {
        let source = found(end(namespace.to_string(), pods));
        let mut asks: BTreeMap<ObjectRef, Asks> = BTreeMap::new();
        for protocol in [Protocol::Udp, Protocol::Tcp] {
            let port = PortWanted { port: PortText::Number(53), protocol: Some(protocol) };
            let question = |destination| Question {
                source: &source,
                destination,
                port: Some(&port),
                namespace: "default",
            };
            let explanation = match explain(snapshot, rules, &question(&server)) {
                Ok(explanation) => explanation,
                Err(error) => {
                    all.missing.push(format!("who of {namespace} resolves by {protocol}: {error}"));
                    continue;
                }
            };
            let mut verdicts = by_pod(&explanation);
            if cached && verdicts.values().any(|verdict| *verdict != Verdict::Allowed) {
                let cache =
                    found(end(NODE_LOCAL_DNS.to_string(), vec![Endpoint::Address(NODE_LOCAL_DNS)]));
                if let Ok(through) = explain(snapshot, rules, &question(&cache)) {
                    for (pod, verdict) in by_pod(&through) {
                        let own = verdicts.entry(pod).or_insert(verdict);
                        if verdict == Verdict::Allowed {
                            *own = verdict;
                        }
                    }
                }
            }
            let ports: Vec<Port> = explanation.cases.iter().map(|case| case.flow.port).collect();
            for (pod, verdict) in verdicts {
                let object = names::workload(snapshot, snapshot.pod(pod));
                let of = asks.entry(object.clone()).or_default();
                for port in &ports {
                    if !of.ports.contains(port) {
                        of.ports.push(*port);
                    }
                }
                let verdicts = if protocol == Protocol::Udp { &mut of.udp } else { &mut of.tcp };
                verdicts.push(verdict);
                if verdict != Verdict::Allowed && of.why.is_none() {
                    let only = Explanation {
                        cases: explanation
                            .cases
                            .iter()
                            .filter(|case| case.sources.contains(&Endpoint::Pod(pod)))
                            .cloned()
                            .collect(),
                        ..explanation.clone()
                    };
                    of.why = why(rules, &only, &object.to_string(), &label);
                }
            }
        }
        let asks = asks.into_iter();
        all.flows.extend(asks.flat_map(|(object, asks)| flows(&object, asks, &label)));
    }
}

fn by_label(snapshot: &Snapshot) -> Option<Resolved> {
    let pods = labelled(snapshot);
    let label = match pods.as_slice() {
        [] => return None,
        [one] => names::endpoint(snapshot, &Endpoint::Pod(*one)),
        all => {
            let ends: Vec<Endpoint> = all.iter().map(|id| Endpoint::Pod(*id)).collect();
            names::endpoints(snapshot, &ends)
        }
    };
    Some(end(label, pods.into_iter().map(Endpoint::Pod).collect()))
}

fn end(label: String, endpoints: Vec<Endpoint>) -> Resolved {
    let (ways, notes) = (Vec::new(), Vec::new());
    Resolved { object: None, label, service: None, endpoints, ways, notes }
}

/// What becomes of each pod's question, the worst where servers differ.
fn by_pod(explanation: &Explanation) -> BTreeMap<PodId, Verdict> {
    let mut all: BTreeMap<PodId, Verdict> = BTreeMap::new();
    for case in &explanation.cases {
        for pod in case.sources.iter().filter_map(Endpoint::pod) {
            let verdict = case.judgement.verdict;
            let known = all.entry(pod).or_insert(verdict);
            *known = known.and(verdict);
        }
    }
    all
}

/// The flow of a workload; where names resolve and long answers do not pass, these are one of their own.
fn flows(object: &ObjectRef, asks: Asks, label: &str) -> Vec<SystemFlow> {
    let Asks { udp, tcp, mut ports, why } = asks;
    let same = |all: &[Verdict]| {
        let first = all.first().copied();
        first.filter(|first| all.iter().all(|other| other == first))
    };
    let [verdict, long] = [same(&udp), same(&tcp)];
    let passes = verdict == Some(Verdict::Allowed);
    let lost = passes && long != Some(Verdict::Allowed);
    ports.sort();
    let of = |ports: Vec<Port>, verdict, why, then: Option<&str>| SystemFlow {
        kind: SystemKind::Dns,
        by: "DNS".to_owned(),
        source: object.to_string(),
        destination: label.to_owned(),
        namespaces: object.namespace.iter().cloned().collect(),
        ports,
        verdict,
        why,
        then: then.map(ToOwned::to_owned),
    };
    if lost {
        let (short, rest) = ports.into_iter().partition(|port| port.protocol == Protocol::Udp);
        let then = "names resolve, but long answers, which need TCP, are lost";
        return vec![of(short, verdict, None, None), of(rest, long, why, Some(then))];
    }
    let then = (!passes).then_some("names then do not resolve");
    vec![of(ports, verdict, why.filter(|_| !passes), then)]
}
