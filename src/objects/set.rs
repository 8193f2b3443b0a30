//! Objects as they were found, by kind, namespace and name, before they are linked.
//!
//! In: [`Found`] objects with their places, in the order in which kubectl would apply them, from
//! files or from the API. Out: after [`overlay`](Objects::overlay) and [`remove`](Objects::remove),
//! which make the "what if", [`assemble`](Objects::assemble) gives the snapshot and the policies.

use super::entrances::api_server;
use super::found::{Body, Found, FoundWorkload};

use super::policy::from_json;
use crate::cluster::{ContainerPort, Gap, Labels, Name, ObjectRef, Origin, Pod, Port};
use crate::ends::API_SERVER;
use crate::kinds::{Kind, Known, lookup};
use crate::policy::{Enforcer, Unread};
use foldhash::HashSet;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// What was found, the last of two objects with one name.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    pub(super) by_ref: BTreeMap<ObjectRef, (Origin, Body)>,
    /// Workloads whose running pods are not there any more: removed, or about to be replaced.
    pub(super) without_pods: BTreeSet<ObjectRef>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// Policies that could not be read.
    pub unread: Unread,
    /// Kinds of what the API server calls that could not be read, and why.
    pub calls_unread: Vec<(String, String)>,
    /// Namespaces that exist, but whose labels could not be read.
    pub unread_labels: BTreeSet<Name>,
    /// Namespaces of objects that name none, in which policies of one name were written several times.
    pub(super) written_twice: BTreeSet<Name>,
    /// Where objects are written that say whom pods call: the ConfigMaps and the like of manifests.
    pub settings: BTreeMap<ObjectRef, Origin>,
    /// Who enforces the policies, where the cluster tells, and what of that could not be read.
    pub enforcer: Option<(Enforcer, Option<Gap>)>,
    shared: Shared,
}

/// Two objects with one kind, namespace and name: only the later counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Replaced {
    /// Their name.
    pub object: ObjectRef,
    /// Where the earlier was written, which does not count.
    pub earlier: Origin,
    /// Where the later was written.
    pub later: Origin,
    /// They say the same, as far as it is read.
    pub identical: bool,
}

/// Values that clusters repeat thousands of times, held once.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared {
    names: HashSet<Name>,
    labels: HashSet<Labels>,
    ports: HashSet<Arc<[ContainerPort]>>,
    probes: HashSet<Arc<[Port]>>,
}

impl Objects {
    /// Adds an object; it replaces an earlier one of the same kind, namespace and name.
    pub fn insert(&mut self, found: Found, origin: Origin) -> Option<Replaced> {
        let mut found = found;
        self.shared.found(&mut found);
        let Found { object, body } = found;
        let later = origin.clone();
        let (earlier, old) = self.by_ref.insert(object.clone(), (origin, body))?;
        let identical = self.by_ref.get(&object).is_some_and(|(_, new)| *new == old);
        Some(Replaced { object, earlier, later, identical })
    }

    /// Adds a policy as the API writes it, such as one that is only drafted, as if it had been read;
    /// false: it is no policy.
    pub fn insert_policy(&mut self, policy: &Value) -> bool {
        let word = |key: &str| policy.get(key).and_then(Value::as_str).unwrap_or_default();
        let Known::Read(kind) = lookup(word("apiVersion"), word("kind")) else { return false };
        let found = kind.is_policy().then(|| from_json(kind, &policy.to_string()));
        let Some(Ok(found)) = found else { return false };
        self.insert(found, Origin::Synthetic);
        true
    }

    /// Removes a policy as the API writes it; false: it was not there.
    pub fn remove_policy(&mut self, policy: &Value) -> bool {
        let word = |key: &str| policy.get(key).and_then(Value::as_str).unwrap_or_default();
        let Known::Read(kind) = lookup(word("apiVersion"), word("kind")) else { return false };
        match kind.is_policy().then(|| from_json(kind, &policy.to_string())) {
            Some(Ok(found)) => self.remove(&found.object),
            _ => false,
        }
    }

    /// Lays other objects over these, as applying them would. A workload whose pod template changes
    /// loses its running pods: they are about to be replaced by pods of the new template.
    pub fn overlay(&mut self, other: Self) {
        for (object, (origin, body)) in other.by_ref {
            if let (Body::Workload(new), Some((_, Body::Workload(old)))) =
                (&body, self.by_ref.get(&object))
                && !makes_same_pods(old, new)
            {
                self.without_pods.insert(object.clone());
            }
            self.insert(Found { object, body }, origin);
        }
        self.without_pods.extend(other.without_pods);
        self.gaps.extend(other.gaps);
        self.unread.extend(other.unread);
        self.unread_labels.extend(other.unread_labels);
        self.written_twice.extend(other.written_twice);
        self.calls_unread.extend(other.calls_unread);
        self.settings.extend(other.settings);
        self.enforcer = other.enforcer.or(self.enforcer.take());
    }

    /// Whether a policy asks for labels of ServiceAccounts.
    pub fn ask_for_accounts(&self) -> bool {
        let asks = |body: &Body| matches!(body, Body::Policy(spec) if spec.asks_for_accounts());
        self.by_ref.values().any(|(_, body)| asks(body))
    }

    /// Removes every policy, and what is known of others that could not be read.
    pub fn remove_policies(&mut self) {
        let policy = |object: &ObjectRef| Kind::named(&object.kind).is_some_and(Kind::is_policy);
        let other = |body: &Body| matches!(body, Body::Other(_));
        self.by_ref.retain(|object, (_, body)| !policy(object) && !other(body));
        self.unread = Unread::default();
    }

    /// Removes an object, a workload with its pods; false: there was none.
    pub fn remove(&mut self, object: &ObjectRef) -> bool {
        let removed = self.by_ref.remove(object);
        if let Some((_, Body::Workload(_))) = removed {
            self.without_pods.insert(object.clone());
        }
        removed.is_some()
    }

    /// The settings of Cilium's agent, where its ConfigMap was read.
    pub fn agent_config(&self) -> Option<&BTreeMap<String, String>> {
        self.by_ref.values().find_map(|(_, body)| match body {
            Body::AgentConfig(data) => Some(data),
            _ => None,
        })
    }

    /// Puts the API server at an address, whatever is written of its endpoints.
    pub fn put_api_server(&mut self, ip: IpAddr, port: u16) {
        self.by_ref.retain(|object, (_, body)| !is_of_api_server(object, body));
        let [slice, service] = api_server(ip, port);
        self.insert(slice, Origin::Synthetic);
        if !self.by_ref.contains_key(&service.object) {
            self.insert(service, Origin::Synthetic);
        }
    }

    /// Whether it is known where the API server is.
    pub fn knows_api_server(&self) -> bool {
        self.by_ref.iter().any(|(object, (_, body))| is_of_api_server(object, body))
    }

    /// Where an object was written.
    pub fn origin(&self, object: &ObjectRef) -> Option<&Origin> {
        self.by_ref.get(object).map(|(origin, _)| origin)
    }

    /// What an object says.
    pub fn body(&self, object: &ObjectRef) -> Option<&Body> {
        self.by_ref.get(object).map(|(_, body)| body)
    }

    /// Every object, sorted by kind, namespace and name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&ObjectRef, &Origin, &Body)> {
        self.by_ref.iter().map(|(object, (origin, body))| (object, origin, body))
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.by_ref.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_ref.is_empty()
    }
}

/// Whether an object has the endpoints of the API server.
fn is_of_api_server(object: &ObjectRef, body: &Body) -> bool {
    match body {
        Body::EndpointSlice(slice) => (&*slice.namespace, &*slice.service) == API_SERVER,
        Body::Endpoints(_) => {
            object.namespace.as_deref() == Some(API_SERVER.0) && *object.name == *API_SERVER.1
        }
        _ => false,
    }
}

/// Whether two versions of a workload make pods that no policy could tell apart.
fn makes_same_pods(old: &FoundWorkload, new: &FoundWorkload) -> bool {
    match (&old.template, &new.template) {
        (Some(old), Some(new)) => {
            old.labels == new.labels
                && old.ports == new.ports
                && old.host_network == new.host_network
        }
        (_, None) => true,
        (None, Some(_)) => false,
    }
}

impl Shared {
    /// Lets an object hold what others before it hold too.
    pub(super) fn found(&mut self, Found { object, body }: &mut Found) {
        self.object(object);
        match body {
            Body::Pod { pod, controller } => {
                self.pod(pod);
                if let Some(owner) = controller {
                    self.name(&mut owner.kind);
                    self.name(&mut owner.name);
                }
            }
            Body::Workload(workload) => {
                if let Some(pod) = &mut workload.template {
                    self.pod(pod);
                }
            }
            _ => {}
        }
    }

    fn name(&mut self, name: &mut Name) {
        if let Some(known) = self.names.get(name) {
            *name = known.clone();
        } else {
            self.names.insert(name.clone());
        }
    }

    fn object(&mut self, object: &mut ObjectRef) {
        if let Some(namespace) = &mut object.namespace {
            self.name(namespace);
        }
    }

    fn pod(&mut self, pod: &mut Pod) {
        self.name(&mut pod.namespace);
        self.name(&mut pod.service_account);
        if let Some(node) = &mut pod.node {
            self.name(node);
        }
        if let Some(known) = self.labels.get(&pod.labels) {
            pod.labels = known.clone();
        } else {
            self.labels.insert(pod.labels.clone());
        }
        if let Some(probes) = &mut pod.probes {
            if let Some(known) = self.probes.get(probes) {
                *probes = known.clone();
            } else {
                self.probes.insert(probes.clone());
            }
        }
        if let Some(known) = self.ports.get(&pod.ports) {
            pod.ports = known.clone();
        } else {
            self.ports.insert(pod.ports.clone());
        }
    }
}
