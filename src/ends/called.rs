//! What the API server calls, as an end: `webhook/NAME`, `apiservice/NAME`, `crd/NAME`.
//!
//! In: such a name. Out: an end that is whatever is called; [`through`](super::through) follows it to the
//! pods. Source: docs/semantics/system.md#calls-of-the-api-server.

use super::Endpoint;
use super::name::{EndName, Named};
use super::resolved::{Resolved, called_end};
use super::ways::Way;
use crate::cluster::{Call, Callee, Snapshot};
use crate::kinds::Kind;

/// The words, with the kinds that they mean.
const WORDS: &[(&[&str], &[Kind])] = &[
    (
        &["webhook", "webhooks"],
        &[Kind::ValidatingWebhookConfiguration, Kind::MutatingWebhookConfiguration],
    ),
    (
        &["validatingwebhookconfiguration", "validatingwebhookconfigurations"],
        &[Kind::ValidatingWebhookConfiguration],
    ),
    (
        &["mutatingwebhookconfiguration", "mutatingwebhookconfigurations"],
        &[Kind::MutatingWebhookConfiguration],
    ),
    (&["apiservice", "apiservices"], &[Kind::ApiService]),
    (
        &["crd", "crds", "customresourcedefinition", "customresourcedefinitions"],
        &[Kind::CustomResourceDefinition],
    ),
];

/// The kinds of objects that a word means which say what the API server calls.
fn kinds(word: &str) -> Option<&'static [Kind]> {
    let word = word.to_ascii_lowercase();
    let word = word.split('.').next().unwrap_or_default();
    WORDS.iter().find(|(words, _)| words.contains(&word)).map(|(_, kinds)| *kinds)
}

/// The kinds and the name of an end that the API server calls, if it is named so.
pub fn called(name: &EndName) -> Option<(&'static [Kind], &str)> {
    match &name.names {
        Named::Path(parts) => in_path(parts),
        _ => None,
    }
}

/// The same of the parts of a path.
pub(super) fn in_path(parts: &[String]) -> Option<(&'static [Kind], &str)> {
    let [word, name] = parts else { return None };
    kinds(word).map(|kinds| (kinds, name.as_str()))
}

/// What an object that says whom the API server calls is called in answers, such as `webhook/guard`.
pub(crate) fn label(call: &Call) -> String {
    let of = |kinds: &[Kind]| kinds.iter().any(|kind| kind.as_str() == &*call.object.kind);
    let word = WORDS.iter().find(|(_, kinds)| of(kinds)).and_then(|(words, _)| words.first());
    format!("{}/{}", word.unwrap_or(&"webhook"), call.object.name)
}

/// What of the input has one of these kinds and this name; `None` where nothing has.
pub(super) fn find(snapshot: &Snapshot, kinds: &[Kind], name: &str) -> Option<Resolved> {
    let is = |call: &Call| {
        let kind = &*call.object.kind;
        *call.object.name == *name && kinds.iter().any(|known| known.as_str() == kind)
    };
    let calls = snapshot.calls.all.iter().enumerate();
    let found: Vec<usize> = calls.filter(|(_, call)| is(call)).map(|(at, _)| at).collect();
    end(snapshot, &found)
}

/// Several calls as one end, each callee once.
pub(crate) fn end(snapshot: &Snapshot, calls: &[usize]) -> Option<Resolved> {
    let all = || calls.iter().filter_map(|at| Some((*at, snapshot.calls.all.get(*at)?)));
    let (_, first) = all().next()?;
    let mut ways: Vec<Way> = Vec::new();
    let mut known: Vec<&Callee> = Vec::new();
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for (at, call) in all() {
        if known.contains(&&call.to) {
            continue;
        }
        known.push(&call.to);
        ways.push(Way::Call { call: at });
        if let Callee::Service { namespace, name, .. } = &call.to
            && let Some(index) = service(snapshot, namespace, name)
        {
            endpoints.extend(called_end(snapshot, index).endpoints);
        }
    }
    endpoints.sort();
    endpoints.dedup();
    let (object, service, notes) = (None, None, Vec::new());
    Some(Resolved { object, label: label(first), service, endpoints, ways, notes })
}

/// A Service by name.
pub(super) fn service(snapshot: &Snapshot, namespace: &str, name: &str) -> Option<usize> {
    let mut services = snapshot.services.within(namespace);
    services.find(|(_, service)| *service.name == *name).map(|(index, _)| index)
}
