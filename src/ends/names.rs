//! What to call ends in an answer: the workload where there is one, since people know that.

use super::{End, Endpoint};
use crate::cluster::{ObjectRef, Pod, Snapshot};

/// The object that people know an endpoint by: a template's workload, a pod itself, a node.
pub fn endpoint(snapshot: &Snapshot, endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Pod(id) if let Some(of) = snapshot.representative(*id) => of.words.to_string(),
        Endpoint::Pod(id) => {
            if let Some(of) = snapshot.representative(*id) {
                return of.words.to_string();
            }
            let pod = snapshot.pod(*id);
            if pod.template { workload(snapshot, pod) } else { pod.object() }.to_string()
        }
        Endpoint::Node(index) | Endpoint::NodeAddress(index, _) => {
            node(snapshot, *index).to_string()
        }
        Endpoint::Address(address) => address.to_string(),
        Endpoint::Name(name) => name.to_string(),
        Endpoint::Unseen(unseen) => unseen.as_str().to_owned(),
    }
}

/// The same as a question names it.
pub fn asked(snapshot: &Snapshot, end: &Endpoint) -> String {
    match end {
        Endpoint::Pod(id) if let Some(of) = snapshot.representative(*id) => of.asked.to_string(),
        end => endpoint(snapshot, end),
    }
}

/// One name for all: the common workload with the number of its pods, or the first and how many more.
pub fn endpoints(snapshot: &Snapshot, all: &[Endpoint]) -> String {
    let [first, rest @ ..] = all else { return "nothing".to_owned() };
    if rest.is_empty() {
        return endpoint(snapshot, first);
    }
    // One of each family, mostly; a colon may follow.
    if let [Endpoint::Address(one), Endpoint::Address(other)] = all {
        return if other.is_ipv6() {
            format!("{other} and {one}")
        } else {
            format!("{one} and {other}")
        };
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
pub fn workload(snapshot: &Snapshot, pod: &Pod) -> ObjectRef {
    let owner = pod.owner.and_then(|owner| snapshot.workloads.get(owner));
    owner.map_or_else(|| pod.object(), |owner| owner.object.clone())
}

/// What people know an end inside by: its workload where it has one; `None` of an address.
pub fn inside(snapshot: &Snapshot, end: End) -> Option<ObjectRef> {
    match end {
        End::Pod(id) => Some(workload(snapshot, snapshot.pod(id))),
        End::Node(index) => Some(node(snapshot, index)),
        End::Address(_) => None,
    }
}

/// A node.
pub fn node(snapshot: &Snapshot, index: usize) -> ObjectRef {
    ObjectRef::cluster("Node", snapshot.nodes[index].name.clone())
}
