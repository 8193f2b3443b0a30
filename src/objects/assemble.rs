//! Objects linked to one another: pods to the workloads that own them, all to their namespaces.
//!
//! In: [`Objects`]. Out: a [`Snapshot`] of what exists and [`Written`], the policies.

use super::found::{Body, FoundWorkload, Owner, is_of_policies};
use super::routes::Leading;
use super::set::Objects;
use crate::cluster::{
    ACCOUNT_NAME_LABEL, Family, Labels, Name, Node, ObjectRef, Origin, Pod, Selector, Service,
    Snapshot, Workload, is_account_label,
};
use crate::kinds::{Does, EnforcedBy, Kind};
use crate::policy::{OtherObject, RefusedBy, Remark, Written, WrittenObject};
use foldhash::{HashMap, HashMapExt as _};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// A chain of owners is short; more links than this are a loop.
const MAX_OWNERS: usize = 8;

impl Objects {
    /// Links the objects.
    ///
    /// Pods belong to the topmost workload of their chain of owners, known or not. A workload that
    /// has running pods stands in the snapshot by these, any other by its template. Every namespace
    /// that an object is in exists.
    pub fn assemble(self) -> (Snapshot, Written) {
        let Self { by_ref, without_pods, gaps, written_twice, mut unread_labels, .. } = self;
        unread_labels.retain(|name| {
            let namespace = ObjectRef::cluster(Kind::Namespace.name(), name.clone());
            !by_ref.contains_key(&namespace)
        });
        let (owners, accounts) = (owners(&by_ref), accounts(&by_ref));
        let mut linker = Linker { accounts, owners, without_pods, ..Linker::default() };
        for (object, (origin, body)) in by_ref {
            linker.add(object, origin, body);
        }
        linker.templates();
        let Linker { mut snapshot, mut written, pod_cidrs, .. } = linker;
        for name in &unread_labels {
            snapshot.add_unread_namespace(name);
        }
        written.unread = self.unread;
        snapshot.pod_cidrs = trusted_pod_cidrs(&pod_cidrs, snapshot.pods());
        snapshot.gaps = gaps;
        snapshot.written_twice = written_twice;
        snapshot.calls.unread = self.calls_unread;
        snapshot.settings = self.settings.into_iter().collect();
        (snapshot, written)
    }
}

/// The namespaces that exist, as far as objects other than policies tell, and those of policies.
type Spaces<'o> = [BTreeSet<&'o Name>; 2];

impl Objects {
    fn spaces(&self) -> Spaces<'_> {
        let mut spaces = Spaces::default();
        for (object, (_, body)) in &self.by_ref {
            let name = match body {
                Body::Namespace(_) => Some(&object.name),
                _ => object.namespace.as_ref(),
            };
            spaces[usize::from(is_of_policies(object))].extend(name);
        }
        spaces[0].extend(&self.unread_labels);
        spaces
    }

    /// Whether these link to a snapshot of objects that differ from them in policies only.
    pub fn may_link_to(&self, snapshot: &Snapshot) -> bool {
        // Whether pods have the labels of their ServiceAccounts hangs on policies.
        let account = |body: &Body| matches!(body, Body::Account(_));
        let [others, of_policies] = self.spaces();
        let mut spaces = snapshot.namespaces().map(|namespace| &namespace.name);
        !self.by_ref.values().any(|(_, body)| account(body))
            && spaces.len() == others.union(&of_policies).count()
            && spaces.all(|name| others.contains(name) || of_policies.contains(name))
    }

    /// The policies, and a snapshot of objects that differ in these only, with what hangs on them.
    pub fn linked_to(self, mut snapshot: Snapshot) -> (Snapshot, Written) {
        let mut linker = Linker::default();
        for (object, (origin, body)) in self.by_ref {
            if is_of_policies(&object) || matches!(body, Body::Other(_)) {
                linker.add(object, origin, body);
            }
        }
        snapshot.gaps = self.gaps;
        snapshot.written_twice = self.written_twice;
        snapshot.calls.unread = self.calls_unread;
        snapshot.settings = self.settings.into_iter().collect();
        (snapshot, Written { unread: self.unread, ..linker.written })
    }
}

/// What controls each workload that was found.
fn owners(objects: &BTreeMap<ObjectRef, (Origin, Body)>) -> HashMap<ObjectRef, Option<Owner>> {
    let owner = |(object, (_, body)): (&ObjectRef, &(Origin, Body))| match body {
        Body::Workload(workload) => Some((object.clone(), workload.controller.clone())),
        _ => None,
    };
    objects.iter().filter_map(owner).collect()
}

/// The labels of each ServiceAccount, by namespace and name, where policies of Calico may ask for them.
fn accounts(objects: &BTreeMap<ObjectRef, (Origin, Body)>) -> HashMap<(Name, Name), Labels> {
    let asks = |object: &ObjectRef| {
        Kind::named(&object.kind).and_then(Kind::enforced_by) == Some(EnforcedBy::Calico)
    };
    if !objects.keys().any(asks) {
        return HashMap::new();
    }
    let account =
        |(object, (_, body)): (&ObjectRef, &(Origin, Body))| match (body, &object.namespace) {
            (Body::Account(labels), Some(namespace)) => {
                Some(((namespace.clone(), object.name.clone()), labels.clone()))
            }
            _ => None,
        };
    objects.iter().filter_map(account).collect()
}

#[derive(Default)]
struct Linker {
    accounts: HashMap<(Name, Name), Labels>,
    /// What controls each workload that was found.
    owners: HashMap<ObjectRef, Option<Owner>>,
    /// Workloads whose running pods are not there any more.
    without_pods: BTreeSet<ObjectRef>,
    snapshot: Snapshot,
    written: Written,
    pod_cidrs: Vec<IpNet>,
    /// Index in the snapshot of each topmost workload.
    workloads: HashMap<ObjectRef, usize>,
    /// Workloads that need no template: they have running pods, or are done.
    represented: Vec<bool>,
    /// The template that stands for a workload, by the workload's index.
    templates: BTreeMap<usize, (Pod, Origin)>,
}

impl Linker {
    fn add(&mut self, object: ObjectRef, origin: Origin, body: Body) {
        if let Some(namespace) = &object.namespace {
            self.snapshot.mention_namespace(namespace);
        }
        match body {
            Body::Namespace(labels) => {
                self.snapshot.add_namespace(object.name, &labels, Some(origin));
            }
            Body::Node { labels, ips, pod_cidrs } => {
                self.pod_cidrs.extend(pod_cidrs);
                self.snapshot.nodes.push(Node { name: object.name, labels, ips });
            }
            Body::Pod { pod, controller } => self.add_pod(*pod, controller.as_ref(), origin),
            Body::Workload(workload) => self.add_workload(&object, *workload, origin),
            Body::Service(service) => {
                self.snapshot.services.push(Service { origin, ..*service });
            }
            Body::EndpointSlice(slice) => self.snapshot.endpoint_slices.push(slice),
            Body::Endpoints(slices) => {
                for slice in slices {
                    self.snapshot.endpoint_slices.push(slice);
                }
            }
            Body::Calls(calls) => self.snapshot.calls.all.extend(calls),
            // Whoever lowers policies asks for it, and pods have those of theirs.
            Body::AgentConfig(_) | Body::Account(_) => {}
            Body::Leading(leading) => {
                let entrances = &mut self.snapshot.entrances;
                match leading {
                    Leading::Route(route) => entrances.routes.push(*route),
                    Leading::IngressClass(class) => entrances.ingress_classes.push(class),
                    Leading::GatewayClass(class) => entrances.gateway_classes.push(class),
                    Leading::Gateway(gateway) => entrances.gateways.push(*gateway),
                    Leading::Grant(grant) => entrances.grants.push(grant),
                }
            }
            Body::Policy(spec) => {
                self.written.objects.push(WrittenObject { object, origin, spec: *spec });
            }
            Body::Other(does) => {
                if does == Does::LeadIn {
                    self.snapshot.entrances.not_followed.push(object.clone());
                }
                self.written.others.push(OtherObject { object, origin, does });
            }
            Body::Undecodable(faults) => {
                let refused_by = Some(RefusedBy::ApiServer);
                let remark = Remark { object, origin, refused_by, faults };
                self.written.undecodable.push(remark);
            }
            Body::NotKnown(faults) => {
                let remark = Remark { object, origin, refused_by: None, faults };
                self.written.undecodable.push(remark);
            }
        }
    }

    fn add_workload(&mut self, object: &ObjectRef, found: FoundWorkload, origin: Origin) {
        let top = self.top(object.clone());
        let child = top != *object;
        if child && self.owners.contains_key(&top) {
            return; // Its owner speaks for it.
        }
        let index = self.workload(top);
        // Old ReplicaSets of a Deployment stay behind with no replicas.
        let stands = !child || found.replicas != Some(0);
        if let Some(template) = found.template.filter(|_| stands) {
            self.templates.insert(index, (template, origin.clone()));
        }
        if !child && let Some(known) = self.snapshot.workloads.get_mut(index) {
            known.selector = found.selector;
            known.replicas = found.replicas;
            known.origin = origin;
        }
    }

    fn add_pod(&mut self, mut pod: Pod, controller: Option<&Owner>, origin: Origin) {
        pod.origin = origin;
        if let Some(owner) = controller {
            let mut chain = vec![owner_ref(owner, &pod.namespace)];
            self.climb(&mut chain, Some(&pod.labels));
            if chain.iter().any(|owner| self.without_pods.contains(owner)) {
                return;
            }
            if let Some(top) = chain.pop() {
                // A Job that is done makes no more pods; any other workload makes new ones for
                // those that are finished.
                let represents = !pod.finished || *top.kind == *Kind::Job.name();
                let index = self.workload(top);
                self.represented[index] |= represents;
                pod.owner = Some(index);
            }
        }
        self.inherit(&mut pod);
        self.snapshot.add_pod(pod);
    }

    /// Gives a pod the labels of its ServiceAccount, as Calico's selectors see them, where that is written.
    ///
    /// Source: docs/semantics/calico.md#labels.
    fn inherit(&self, pod: &mut Pod) {
        let key = (pod.namespace.clone(), pod.service_account.clone());
        let Some(account) = self.accounts.get(&key) else { return };
        let inherited =
            account.iter().map(|(key, value)| (format!("pcsa.{key}"), value.to_owned()));
        let own = pod.labels.iter().filter(|(key, _)| !is_account_label(key));
        let own = own.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let name = (ACCOUNT_NAME_LABEL.to_owned(), pod.service_account.to_string());
        pod.labels = own.chain(inherited).chain([name]).collect();
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
        for (index, (mut pod, origin)) in std::mem::take(&mut self.templates) {
            if !self.represented[index] {
                pod.name = self.snapshot.workloads[index].object.name.clone();
                pod.owner = Some(index);
                pod.origin = origin;
                self.inherit(&mut pod);
                self.snapshot.add_pod(pod);
            }
        }
    }

    /// The topmost owner of an object.
    fn top(&self, object: ObjectRef) -> ObjectRef {
        let mut chain = vec![object];
        self.climb(&mut chain, None);
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
        if let Some(controller) = self.owners.get(object) {
            return controller.as_ref().map(|owner| owner_ref(owner, namespace));
        }
        let named = |kind: &str, name: &str| ObjectRef::namespaced(kind, namespace.clone(), name);
        let known = |owner: &ObjectRef| self.owners.contains_key(owner);
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
pub fn owner_of_replica_set<'a>(
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
