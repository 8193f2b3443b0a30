//! Objects linked to one another: pods to the workloads that own them, all to their namespaces.
//!
//! In: [`Objects`]. Out: a [`Snapshot`] of what exists and [`Written`], the policies.

use super::found::{Body, Owner};
use super::kind::BuiltIn;
use super::objects::Objects;
use crate::cluster::{
    Family, Labels, Name, Node, ObjectRef, Origin, Pod, Selector, Snapshot, Workload,
};
use crate::policy::{Remark, Written, networkpolicy::NetworkPolicy};
use ipnet::IpNet;
use std::collections::{BTreeMap, HashMap};

/// A chain of owners is short; more links than this are a loop.
const MAX_OWNERS: usize = 8;

impl Objects {
    /// Links the objects.
    ///
    /// Pods belong to the topmost workload of their chain of owners, known or not. A workload that
    /// has running pods stands in the snapshot by these, any other by its template. Every namespace
    /// that an object is in exists.
    pub fn assemble(self) -> (Snapshot, Written) {
        let mut linker = Linker::new(&self);
        for (object, origin, body) in self.iter() {
            linker.add(object, origin, body);
        }
        linker.templates();
        let Linker { mut snapshot, mut written, pod_cidrs, .. } = linker;
        let unread = |name: &&Name| {
            let namespace = ObjectRef::cluster(BuiltIn::Namespace.name(), (*name).clone());
            !self.by_ref.contains_key(&namespace)
        };
        for name in self.unread_labels.iter().filter(unread) {
            snapshot.add_unread_namespace(name);
        }
        written.unread = self.unread_policies;
        snapshot.pod_cidrs = trusted_pod_cidrs(&pod_cidrs, snapshot.pods());
        snapshot.gaps = self.gaps;
        (snapshot, written)
    }
}

struct Linker<'a> {
    objects: &'a Objects,
    snapshot: Snapshot,
    written: Written,
    pod_cidrs: Vec<IpNet>,
    /// Index in the snapshot of each topmost workload.
    workloads: HashMap<ObjectRef, usize>,
    /// Workloads that need no template: they have running pods, or are done.
    represented: Vec<bool>,
    /// The template that stands for a workload, by the workload's index.
    templates: BTreeMap<usize, (&'a Pod, &'a Origin)>,
}

impl<'a> Linker<'a> {
    fn new(objects: &'a Objects) -> Self {
        Self {
            objects,
            snapshot: Snapshot::default(),
            written: Written::default(),
            pod_cidrs: Vec::new(),
            workloads: HashMap::new(),
            represented: Vec::new(),
            templates: BTreeMap::new(),
        }
    }

    fn add(&mut self, object: &ObjectRef, origin: &'a Origin, body: &'a Body) {
        if let Some(namespace) = &object.namespace {
            self.snapshot.mention_namespace(namespace);
        }
        match body {
            Body::Namespace(labels) => {
                self.snapshot.add_namespace(object.name.clone(), labels, Some(origin.clone()));
            }
            Body::Node { labels, ips, pod_cidrs } => {
                self.pod_cidrs.extend(pod_cidrs);
                let (name, labels, ips) = (object.name.clone(), labels.clone(), ips.clone());
                self.snapshot.nodes.push(Node { name, labels, ips });
            }
            Body::Pod { pod, controller } => self.add_pod(pod, controller.as_ref(), origin),
            Body::Workload(workload) => {
                let top = self.top(object.clone(), None);
                let child = top != *object;
                if child && self.objects.by_ref.contains_key(&top) {
                    return; // Its owner speaks for it.
                }
                let index = self.workload(top);
                let known = &mut self.snapshot.workloads[index];
                if !child {
                    known.selector.clone_from(&workload.selector);
                    known.replicas = workload.replicas;
                    known.origin = origin.clone();
                }
                // Old ReplicaSets of a Deployment stay behind with no replicas.
                let stands = !child || workload.replicas != Some(0);
                if let Some(template) = workload.template.as_ref().filter(|_| stands) {
                    self.templates.insert(index, (template, origin));
                }
            }
            Body::Service(service) => {
                let mut service = (**service).clone();
                service.origin = origin.clone();
                self.snapshot.services.push(service);
            }
            Body::EndpointSlice(slice) => self.snapshot.endpoint_slices.push(slice.clone()),
            Body::NetworkPolicy(spec) => self.written.network_policies.push(NetworkPolicy {
                namespace: object.namespace.clone().unwrap_or_default(),
                name: object.name.clone(),
                origin: origin.clone(),
                spec: (**spec).clone(),
            }),
            Body::Undecodable(faults) => self.written.undecodable.push(Remark {
                object: object.clone(),
                origin: origin.clone(),
                faults: faults.clone(),
            }),
        }
    }

    fn add_pod(&mut self, pod: &Pod, controller: Option<&Owner>, origin: &Origin) {
        let mut pod = pod.clone();
        pod.origin = origin.clone();
        if let Some(owner) = controller {
            let mut chain = vec![owner_ref(owner, &pod.namespace)];
            self.climb(&mut chain, Some(&pod.labels));
            if chain.iter().any(|owner| self.objects.without_pods.contains(owner)) {
                return;
            }
            if let Some(top) = chain.pop() {
                // A Job that is done makes no more pods; any other workload makes new ones for
                // those that are finished.
                let represents = !pod.finished || *top.kind == *BuiltIn::Job.name();
                let index = self.workload(top);
                self.represented[index] |= represents;
                pod.owner = Some(index);
            }
        }
        self.snapshot.add_pod(pod);
    }

    /// The index of a workload, which is there from now on.
    fn workload(&mut self, object: ObjectRef) -> usize {
        if let Some(index) = self.workloads.get(&object) {
            return *index;
        }
        let index = self.snapshot.workloads.len();
        self.workloads.insert(object.clone(), index);
        self.represented.push(false);
        let (selector, replicas, origin) = (None::<Selector>, None, Origin::Synthetic);
        self.snapshot.workloads.push(Workload { object, selector, replicas, origin });
        index
    }

    fn templates(&mut self) {
        for (index, (template, origin)) in std::mem::take(&mut self.templates) {
            if !self.represented[index] {
                let mut pod = template.clone();
                pod.name = self.snapshot.workloads[index].object.name.clone();
                pod.owner = Some(index);
                pod.origin = origin.clone();
                self.snapshot.add_pod(pod);
            }
        }
    }

    /// The topmost owner of an object.
    fn top(&self, object: ObjectRef, labels: Option<&Labels>) -> ObjectRef {
        let mut chain = vec![object];
        self.climb(&mut chain, labels);
        chain.swap_remove(chain.len() - 1)
    }

    /// Extends a chain of owners to its top.
    fn climb(&self, chain: &mut Vec<ObjectRef>, labels: Option<&Labels>) {
        while let Some(last) = chain.last()
            && chain.len() <= MAX_OWNERS
            && let Some(next) = self.owner_of(last, labels)
        {
            chain.push(next);
        }
    }

    /// Who controls a workload: as it says itself, or as its name tells where it was not read.
    fn owner_of(&self, object: &ObjectRef, pod_labels: Option<&Labels>) -> Option<ObjectRef> {
        let namespace = object.namespace.as_ref()?;
        if let Some((_, Body::Workload(workload))) = self.objects.by_ref.get(object) {
            return workload.controller.as_ref().map(|owner| owner_ref(owner, namespace));
        }
        let named = |kind: &str, name: &str| ObjectRef::namespaced(kind, namespace.clone(), name);
        let known = |owner: &ObjectRef| self.objects.by_ref.contains_key(owner);
        match &*object.kind {
            "ReplicaSet" => {
                let (kind, name) = owner_of_replica_set(&object.name, pod_labels?)?;
                Some(named(kind, name))
            }
            // A CronJob names its Jobs `name-<minutes since 1970>`.
            "Job" => {
                let (name, minute) = object.name.rsplit_once('-')?;
                let digits = !minute.is_empty() && minute.bytes().all(|b| b.is_ascii_digit());
                Some(named("CronJob", name)).filter(|owner| digits && known(owner))
            }
            "VirtualMachineInstance" => {
                Some(named("VirtualMachine", &object.name)).filter(|owner| known(owner))
            }
            _ => None,
        }
    }
}

/// Kind and name of what owns a ReplicaSet: it names it `name-<hash>`, and labels its pods with the
/// hash.
pub(super) fn owner_of_replica_set<'a>(
    name: &'a str,
    pod_labels: &Labels,
) -> Option<(&'static str, &'a str)> {
    let owner = |kind, label| {
        let hash = pod_labels.get(label).filter(|hash| !hash.is_empty())?;
        Some((kind, name.strip_suffix(hash)?.strip_suffix('-')?))
    };
    let rollout = owner("Rollout", "rollouts-pod-template-hash");
    rollout.or_else(|| owner("Deployment", "pod-template-hash"))
}

fn owner_ref(owner: &Owner, namespace: &Name) -> ObjectRef {
    ObjectRef::namespaced(owner.kind.clone(), namespace.clone(), owner.name.clone())
}

/// The nodes' pod networks, unless a running pod proves that addresses come from elsewhere: Cilium
/// and Calico may hand them out from pools of their own.
fn trusted_pod_cidrs(written: &[IpNet], pods: &[Pod]) -> Vec<IpNet> {
    let merged = IpNet::aggregate(&written.to_vec());
    let is_outside = |family: Family| {
        pods.iter().filter(|pod| !pod.host_network).flat_map(|pod| &pod.ips).any(|ip| {
            Family::of(*ip) == family && !merged.iter().any(|network| network.contains(ip))
        })
    };
    let outside = Family::ALL.map(is_outside);
    let trusted = |net: &IpNet| !outside[usize::from(Family::of_net(*net) == Family::V6)];
    merged.iter().copied().filter(trusted).collect()
}
