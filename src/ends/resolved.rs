//! What a name stands for, and why it stands for nothing.
//!
//! In: pods, a Service. Out: a [`Resolved`] end with what it is called, or a [`ResolveError`] with the
//! nearest names that exist.

use super::Endpoint;
use super::asked::AskedError;
use super::ways::Way;
use crate::cluster::{ObjectRef, Origin, Pod, PodId, Service, Snapshot};
use std::net::IpAddr;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The object that the name means; `None` for addresses and names outside the cluster.
    pub object: Option<ObjectRef>,
    /// How to call it in an answer.
    pub label: String,
    /// The Service, by index, when it is one.
    pub service: Option<usize>,
    /// The pods or other endpoints that it stands for. For a Service these are the pods it selects.
    pub endpoints: Vec<Endpoint>,
    /// The ways into the cluster that an address or a name is, for what is sent there.
    pub ways: Vec<Way>,
    /// What the reader should know of how it was understood.
    pub notes: Vec<String>,
}

/// Why a name cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Nothing has the name.
    #[error("{asked} not found{}", suggestions(.nearest))]
    NotFound {
        /// What was looked for, such as `deploy/grafana in namespace default`.
        asked: String,
        /// Names that exist, nearest first.
        nearest: Vec<String>,
        /// Its namespace and its name, where it is one of pods.
        words: Option<(String, String)>,
    },
    /// A pod that nothing written is.
    #[error(
        "{0} is a pod that need not be written, and only explain answers for such: name a workload, \
         a pod, a Service, a host name or an address"
    )]
    Unwritten(String),
    /// No pod that could be there.
    #[error(transparent)]
    Asked(#[from] AskedError),
    /// A port by its name on pods of which nothing says what they call their ports.
    #[error(
        "which port {pod} calls {name:?} is not known, since nobody has written it: give its number"
    )]
    PortNameUnknown {
        /// The pods.
        pod: String,
        /// The name.
        name: String,
    },
    /// The kind has no pods.
    #[error("{0} has no pods: name a workload, a pod, a Service, a host name or an address")]
    NoPods(String),
    /// It exists, but nothing of it runs.
    #[error("{0} has finished: its policies no longer apply and its address may be another pod's")]
    Finished(String),
    /// A Service does not have the port.
    #[error("{service} has no port {port}{}", suggestions(.known))]
    NoServicePort {
        /// The Service.
        service: String,
        /// The port asked for.
        port: String,
        /// Its ports.
        known: Vec<String>,
    },
    /// No destination pod has a port of this name.
    #[error("no container of {pod} calls a port {name:?}{}", suggestions(.known))]
    NoPortName {
        /// The destination.
        pod: String,
        /// The name.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// `ExternalName` Services that stand for one another.
    #[error("{0} stands for a name that stands for it again: its ExternalName runs in a circle")]
    Circle(String),
    /// Two ports were given.
    #[error("two different ports: {0} with the destination and {1} with --port; give one")]
    TwoPorts(String, String),
    /// Addresses of different families.
    #[error("{0} and {1} are addresses of different families: no flow is between them")]
    Families(IpAddr, IpAddr),
    /// More pairs of different pods than one answer should hold.
    #[error(
        "too many pairs of pods that policies tell apart: {0}; name one workload or pod on each side"
    )]
    TooMany(usize),
    /// Their rules are tried at more ports than one answer should hold.
    #[error(
        "too much to work out: policies tell apart {pairs} pairs of pods and many ports; name one workload or \
         pod on each side, or one port"
    )]
    TooMuch {
        /// How many pairs there are.
        pairs: usize,
    },
}

fn suggestions(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("; there is {one}"),
        [first @ .., last] => format!("; there are {} and {last}", first.join(", ")),
    }
}

impl ResolveError {
    /// The namespace and the name that were looked for in vain, where pods may have them.
    pub fn not_found(&self) -> Option<(&str, &str)> {
        match self {
            Self::NotFound { words: Some((namespace, name)), .. } => Some((namespace, name)),
            _ => None,
        }
    }
}

/// Whether it is the template of a live workload without pods. Manifests have hardly any others, so
/// there it is not worth a word.
pub(super) fn stands_in(pod: &Pod) -> bool {
    pod.template && matches!(pod.origin, Origin::Live { .. })
}

pub(super) fn end(object: ObjectRef, pods: Vec<PodId>) -> Resolved {
    let label = object.to_string();
    let endpoints = pods.into_iter().map(Endpoint::Pod).collect();
    let (ways, notes) = (Vec::new(), Vec::new());
    Resolved { object: Some(object), label, service: None, endpoints, ways, notes }
}

/// A Service with the pods that it selects and that take traffic from it.
pub(crate) fn service_end(snapshot: &Snapshot, index: usize) -> Resolved {
    let service = &snapshot.services[index];
    let (ready, not_ready): (Vec<_>, Vec<_>) = snapshot
        .pods_in(&service.namespace)
        .filter(|(_, pod)| !pod.finished && service.selects(&pod.labels))
        .partition(|(_, pod)| pod.ready || service.publish_not_ready);
    let mut end = Resolved {
        service: Some(index),
        ..end(service_object(service), ready.into_iter().map(|(id, _)| id).collect())
    };
    let waits =
        |endpoint: &Endpoint| matches!(endpoint, Endpoint::Pod(id) if stands_in(snapshot.pod(*id)));
    if !end.endpoints.is_empty() && end.endpoints.iter().all(waits) {
        end.notes.push(format!("{} has no pods: judged by a workload's template", end.label));
    }
    if !not_ready.is_empty() {
        let count = not_ready.len();
        end.notes.push(format!("{count} of its pods not ready: they get no traffic from it"));
    }
    end
}

/// A Service as the API server calls it: where none of its pods is ready, by those that will be.
pub(super) fn called_end(snapshot: &Snapshot, index: usize) -> Resolved {
    let mut end = service_end(snapshot, index);
    if end.endpoints.is_empty() {
        let service = &snapshot.services[index];
        let pods = snapshot.pods_in(&service.namespace);
        let waiting = pods.filter(|(_, pod)| !pod.finished && service.selects(&pod.labels));
        end.endpoints = waiting.map(|(id, _)| Endpoint::Pod(id)).collect();
    }
    end
}

pub(super) fn service_object(service: &Service) -> ObjectRef {
    ObjectRef::namespaced("Service", service.namespace.clone(), service.name.clone())
}
