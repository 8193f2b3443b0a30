//! What to call endpoints in an answer: the workload where there is one, since people know that.

use crate::cluster::{ObjectRef, Pod, Snapshot};
use crate::verdict::Endpoint;

/// The object that people know an endpoint by: a template's workload, a pod itself, a node.
pub(super) fn endpoint(snapshot: &Snapshot, endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Pod(id) => match snapshot.representative(*id) {
            Some(of) => of.words.to_string(),
            None => known_as(snapshot, snapshot.pod(*id)).to_string(),
        },
        Endpoint::Node(node) => {
            ObjectRef::cluster("Node", snapshot.nodes[*node].name.clone()).to_string()
        }
        Endpoint::Address(address) => address.to_string(),
        Endpoint::Name(name) => name.to_string(),
    }
}

/// The same as a question names it.
pub(super) fn asked(snapshot: &Snapshot, end: &Endpoint) -> String {
    match end {
        Endpoint::Pod(id) if let Some(of) = snapshot.representative(*id) => of.asked.to_string(),
        end => endpoint(snapshot, end),
    }
}

fn known_as(snapshot: &Snapshot, pod: &Pod) -> ObjectRef {
    match pod.owner.filter(|_| pod.template) {
        Some(owner) => snapshot.workloads[owner].object.clone(),
        None => pod.object(),
    }
}

/// One name for all: the common workload with the number of its pods, or the first and how many more.
pub(super) fn endpoints(snapshot: &Snapshot, all: &[Endpoint]) -> String {
    let [first, rest @ ..] = all else { return "nothing".to_owned() };
    if rest.is_empty() {
        return endpoint(snapshot, first);
    }
    let owner = |e: &Endpoint| match e {
        Endpoint::Pod(id) => snapshot.pod(*id).owner,
        _ => None,
    };
    match owner(first).filter(|_| rest.iter().all(|e| owner(e) == owner(first))) {
        Some(index) => format!("{} ({} pods)", snapshot.workloads[index].object, all.len()),
        None => format!("{} and {} more", endpoint(snapshot, first), rest.len()),
    }
}

/// The workload that a pod belongs to, or the pod itself.
pub(super) fn workload(snapshot: &Snapshot, pod: &Pod) -> ObjectRef {
    pod.owner.map_or_else(|| pod.object(), |owner| snapshot.workloads[owner].object.clone())
}
