//! What the API server calls: webhooks, aggregated APIs, conversions.
//!
//! In: a snapshot and its rules. Out: one flow for each object that names somebody and each whom it
//! names. Source: docs/semantics/system.md#calls-of-the-api-server.

use super::why::why;
use super::{System, SystemFlow, SystemKind, found};
use crate::cluster::{Call, CallKind, Callee, Name, ObjectRef, PodId, Port, Snapshot};
use crate::ends::called::{end, label};
use crate::ends::{Endpoint, api_server, names};
use crate::policy::Ruleset;
use crate::prose;
use crate::verdict::{Explanation, Question, Verdict, explain};
use foldhash::{HashMap, HashMapExt as _};
use std::collections::BTreeMap;

/// Who is called, with what becomes of that: it is the same for all who name them.
#[derive(Clone)]
struct Judged {
    destination: String,
    namespaces: Vec<Name>,
    ports: Vec<Port>,
    verdict: Option<Verdict>,
    why: Option<String>,
}

/// Adds all that the API server calls.
pub fn calls(snapshot: &Snapshot, rules: &Ruleset, all: &mut System) {
    if let Some((_, why)) = snapshot.calls.unread.first() {
        let unread: Vec<&str> = snapshot.calls.unread.iter().map(|(what, _)| &**what).collect();
        let what = prose::list(&unread, "and");
        all.missing.push(format!("{what} were not read, so the API server may call more: {why}"));
    }
    let source = api_server(snapshot);
    let from = source.label.clone();
    let unknown = source.endpoints.contains(&Endpoint::Unseen(crate::ends::Unseen::ApiServer));
    if unknown && !snapshot.calls.all.is_empty() {
        all.notes.extend(source.notes.iter().cloned());
    }
    let source = found(source);
    let mut judged: HashMap<&Callee, Judged> = HashMap::new();
    let mut by_object: BTreeMap<(CallKind, &ObjectRef, &Callee), Vec<usize>> = BTreeMap::new();
    for (at, call) in snapshot.calls.all.iter().enumerate() {
        by_object.entry((call.kind, &call.object, &call.to)).or_default().push(at);
    }
    let callees = |object: &ObjectRef| by_object.keys().filter(|key| key.1 == object).count();
    for ((kind, object, to), calls) in &by_object {
        let Some(destination) = end(snapshot, calls) else { continue };
        let one = judged.entry(*to).or_insert_with(|| {
            let destination = found(destination);
            let question = Question {
                source: &source,
                destination: &destination,
                port: None,
                namespace: "default",
            };
            match explain(snapshot, rules, &question) {
                Ok(explanation) => judge(snapshot, rules, to, &explanation, &from),
                Err(error) => Judged {
                    destination: words(to),
                    namespaces: Vec::new(),
                    ports: Vec::new(),
                    verdict: Some(Verdict::Unknown),
                    why: Some(error.to_string()),
                },
            }
        });
        let of = calls.iter().filter_map(|at| snapshot.calls.all.get(*at));
        let of: Vec<&Call> = of.collect();
        let Some(first) = of.first() else { continue };
        let mut by = label(first);
        if callees(object) > 1
            && let Some(part) = &first.part
        {
            by = format!("{by} ({part})");
        }
        let Judged { destination, namespaces, ports, verdict, why } = one.clone();
        let passes = verdict == Some(Verdict::Allowed);
        all.flows.push(SystemFlow {
            kind: match kind {
                CallKind::Validate | CallKind::Mutate => SystemKind::Webhook,
                CallKind::Aggregate => SystemKind::AggregatedApi,
                CallKind::Convert => SystemKind::Conversion,
            },
            by,
            source: from.clone(),
            destination,
            namespaces,
            ports,
            verdict,
            why,
            then: (!passes).then(|| then(&of)),
        });
    }
}

fn judge(
    snapshot: &Snapshot,
    rules: &Ruleset,
    to: &Callee,
    explanation: &Explanation,
    from: &str,
) -> Judged {
    let mut pods: Vec<PodId> = Vec::new();
    let mut ends: Vec<Endpoint> = Vec::new();
    let mut ports: Vec<Port> = Vec::new();
    for case in &explanation.cases {
        for end in &case.destinations {
            if !ends.contains(end) {
                pods.extend(end.pod());
                ends.push(end.clone());
            }
        }
        if !ports.contains(&case.flow.port) {
            ports.push(case.flow.port);
        }
    }
    let mut objects: Vec<ObjectRef> =
        pods.iter().map(|id| names::workload(snapshot, snapshot.pod(*id))).collect();
    objects.sort();
    objects.dedup();
    let destination = match (objects.as_slice(), ends.as_slice()) {
        (_, []) => words(to),
        ([one], _) => one.to_string(),
        (_, ends) => names::endpoints(snapshot, ends),
    };
    let namespaces = match (to, objects.first()) {
        (_, Some(object)) => object.namespace.iter().cloned().collect(),
        (Callee::Service { namespace, .. }, None) => vec![namespace.clone()],
        (Callee::Url(_), None) => Vec::new(),
    };
    let why = if ends.is_empty() {
        Some(nothing_behind(snapshot, to))
    } else {
        why(rules, explanation, from, &destination)
    };
    Judged { destination, namespaces, ports, verdict: explanation.verdict(), why }
}

/// Why nobody is known to be called.
fn nothing_behind(snapshot: &Snapshot, to: &Callee) -> String {
    let words = words(to);
    let Callee::Service { namespace, name, .. } = to else {
        return format!("where {words} leads is not known");
    };
    let mut services = snapshot.services.within(namespace);
    if services.any(|(_, service)| service.name == *name) {
        format!("{words} leads to no pod that is known here")
    } else {
        format!("{words} is not here, so it is not known where it leads")
    }
}

/// Who is called, in words; of a URL neither user nor path.
fn words(to: &Callee) -> String {
    match to {
        Callee::Service { namespace, name, port } => format!("{namespace}/svc/{name} port {port}"),
        Callee::Url(url) => {
            let rest = url.split_once("://").map_or(&**url, |(_, rest)| rest);
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            host.rsplit_once('@').map_or(host, |(_, host)| host).to_owned()
        }
    }
}

/// What follows where nobody answers.
fn then(calls: &[&Call]) -> String {
    let Some(first) = calls.first() else { return String::new() };
    let about = &first.about;
    let fails: Vec<&&Call> = calls.iter().filter(|call| !call.goes_on).collect();
    match first.kind {
        CallKind::Aggregate => format!("{about} is then not served"),
        CallKind::Convert => {
            format!("{about} can then be read and written in one of its versions only")
        }
        CallKind::Validate | CallKind::Mutate => match (fails.first(), first.kind) {
            (Some(call), _) => format!("requests about {} then fail", call.about),
            (None, CallKind::Mutate) => {
                format!("requests about {about} then pass unchanged (failurePolicy: Ignore)")
            }
            (None, _) => {
                format!("requests about {about} then pass unchecked (failurePolicy: Ignore)")
            }
        },
    }
}
