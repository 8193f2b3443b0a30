//! Everything that exists, at one moment, with the look-ups that the rest needs.

use super::{
    Addresses, ByNamespace, Callee, Calls, EndpointSlice, Entrances, Family, Gap, Labels, Mismatch,
    Name, ObjectRef, Origin, Pod, Representative, Requirement, Selector, Service, Truth, Workload,
    real_namespace,
};
use foldhash::HashMap;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The label that every live namespace carries with its own name.
pub const NAMESPACE_NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// A pod's index in [`Snapshot::pods`].
pub type PodId = usize;

/// A namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct Namespace {
    /// Its name.
    pub name: Name,
    /// Its labels, always with `kubernetes.io/metadata.name`.
    pub labels: Labels,
    /// Where it was written; `None` when only objects in it are known, not its own labels.
    pub origin: Option<Origin>,
    /// It may have labels besides `kubernetes.io/metadata.name`: it is not written, or could not be
    /// read.
    pub labels_unread: bool,
    /// It is there for representatives only, which suppose what its labels are.
    pub supposed: bool,
}

impl Namespace {
    /// Whether a selector selects it.
    pub fn matches(&self, selector: &Selector) -> Truth {
        if !self.labels_unread {
            return selector.selects(&self.labels).into();
        }
        Truth::all(selector.requirements.iter().map(|requirement| self.unread(requirement)))
    }

    /// Whether it is any other namespace than those that are written or named: its name is made up.
    pub fn is_any_other(&self) -> bool {
        self.supposed && real_namespace(&self.name).len() == self.name.len()
    }

    /// Whether a requirement holds where only the name is known.
    fn unread(&self, requirement: &Requirement) -> Truth {
        if *requirement.key == *NAMESPACE_NAME_LABEL {
            requirement.holds_for(Some(&self.name)).into()
        } else {
            Truth::Unknown
        }
    }

    /// The first requirement that fails, or else the first that is not known to hold.
    pub fn mismatch(&self, selector: &Selector) -> Option<Mismatch> {
        if !self.labels_unread {
            return selector.mismatch(|key| self.labels.get(key), &[]);
        }
        let with = |truth: Truth| {
            let mut all = selector.requirements.iter();
            let wanted = all.find(|requirement| self.unread(requirement) == truth)?.clone();
            let found = self.labels.get(&wanted.key).map(Into::into);
            Some(Mismatch { wanted, found, unknown: truth == Truth::Unknown })
        };
        with(Truth::No).or_else(|| with(Truth::Unknown))
    }
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: Name,
    /// Its labels.
    pub labels: Labels,
    /// Its addresses.
    pub ips: Vec<IpAddr>,
}

/// What exists.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    namespaces: BTreeMap<Name, Namespace>,
    pods: Vec<Pod>,
    pods_by_namespace: HashMap<Name, Vec<PodId>>,
    /// The first pod that has an address of its own.
    pods_by_address: HashMap<IpAddr, PodId>,
    has_pods_on_nodes: bool,
    representatives: BTreeMap<PodId, Representative>,
    /// The owners of pods.
    pub workloads: ByNamespace<Workload>,
    /// The Services.
    pub services: ByNamespace<Service>,
    /// Endpoints that were written out rather than selected.
    pub endpoint_slices: ByNamespace<EndpointSlice>,
    /// What leads traffic in by hosts and paths.
    pub entrances: Entrances,
    /// What the API server calls.
    pub calls: Calls,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Where pods whose address is not known have theirs; empty when that is not known either.
    pub pod_cidrs: Vec<IpNet>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// Namespaces in which policies that name none were written several times by one name: these may well be
    /// for several namespaces.
    pub written_twice: BTreeSet<Name>,
    /// Where objects are written that say whom pods call.
    pub settings: Vec<(ObjectRef, Origin)>,
}

impl Snapshot {
    /// Every namespace, by name.
    pub fn namespaces(&self) -> impl ExactSizeIterator<Item = &Namespace> {
        self.namespaces.values()
    }

    /// A namespace by name.
    pub fn namespace(&self, name: &str) -> Option<&Namespace> {
        self.namespaces.get(name)
    }

    /// Adds or replaces a namespace, and gives it the label that the API server always sets.
    pub fn add_namespace(
        &mut self,
        name: impl Into<Name>,
        labels: &Labels,
        origin: Option<Origin>,
    ) {
        let name = name.into();
        let labels = labels.with(NAMESPACE_NAME_LABEL, &name);
        let namespace =
            Namespace { name: name.clone(), labels, origin, labels_unread: false, supposed: false };
        self.namespaces.insert(name, namespace);
    }

    /// A namespace for representatives, with all labels that it is supposed to have.
    pub fn suppose_namespace(&mut self, name: &Name, labels: Labels) {
        let (name, origin) = (name.clone(), None);
        let namespace =
            Namespace { name: name.clone(), labels, origin, labels_unread: false, supposed: true };
        self.namespaces.entry(name).or_insert(namespace);
    }

    /// Makes sure that a namespace that objects name exists.
    ///
    /// Source: docs/semantics/networkpolicy.md#name-of-a-namespace: `kubernetes.io/metadata.name` is
    /// on every live Namespace, so it is known even where the Namespace itself is not. Its other
    /// labels are not.
    pub fn mention_namespace(&mut self, name: &Name) {
        if !self.namespaces.contains_key(name) {
            self.add_unread_namespace(name);
        }
    }

    /// A namespace that exists, of whose labels only its name is known.
    pub fn add_unread_namespace(&mut self, name: &Name) {
        self.add_namespace(name.clone(), &Labels::default(), None);
        if let Some(namespace) = self.namespaces.get_mut(name) {
            namespace.labels_unread = true;
        }
    }

    /// The same with namespaces called otherwise; indices stay.
    #[must_use]
    pub fn with_namespaces_called(&self, called: &dyn Fn(&Name) -> Name) -> Self {
        let mut all = Self {
            calls: self.calls.clone(),
            nodes: self.nodes.clone(),
            pod_cidrs: self.pod_cidrs.clone(),
            gaps: self.gaps.clone(),
            ..Self::default()
        };
        for namespace in self.namespaces.values() {
            let name = called(&namespace.name);
            let labels = namespace.labels.with(NAMESPACE_NAME_LABEL, &name);
            all.namespaces.insert(name.clone(), Namespace { name, labels, ..namespace.clone() });
        }
        for workload in &self.workloads {
            let mut workload = workload.clone();
            workload.object.namespace = workload.object.namespace.as_ref().map(called);
            all.workloads.push(workload);
        }
        for call in &mut all.calls.all {
            if let Callee::Service { namespace, .. } = &mut call.to {
                *namespace = called(namespace);
            }
        }
        for service in &self.services {
            all.services.push(Service { namespace: called(&service.namespace), ..service.clone() });
        }
        for slice in &self.endpoint_slices {
            let namespace = called(&slice.namespace);
            all.endpoint_slices.push(EndpointSlice { namespace, ..slice.clone() });
        }
        for (id, pod) in self.pods.iter().enumerate() {
            all.add_pod(Pod { namespace: called(&pod.namespace), ..pod.clone() });
            if let Some(of) = self.representatives.get(&id) {
                all.representatives.insert(id, of.clone());
            }
        }
        all
    }

    /// Every pod, by [`PodId`].
    pub fn pods(&self) -> &[Pod] {
        &self.pods
    }

    /// A pod by its id.
    pub fn pod(&self, id: PodId) -> &Pod {
        &self.pods[id]
    }

    /// The pods of a namespace.
    pub fn pods_in(&self, namespace: &str) -> impl Iterator<Item = (PodId, &Pod)> {
        let ids = self.pods_by_namespace.get(namespace).map_or(&[][..], Vec::as_slice);
        ids.iter().map(|id| (*id, &self.pods[*id]))
    }

    /// Adds a pod; its namespace then exists.
    pub fn add_pod(&mut self, pod: Pod) -> PodId {
        self.mention_namespace(&pod.namespace);
        let id = self.pods.len();
        self.pods_by_namespace.entry(pod.namespace.clone()).or_default().push(id);
        self.has_pods_on_nodes |= pod.host_network;
        if !pod.finished && !pod.host_network {
            for address in &pod.ips {
                self.pods_by_address.entry(*address).or_insert(id);
            }
        }
        self.pods.push(pod);
        id
    }

    /// Adds a pod that is written nowhere and stands for others; its namespace must be there.
    pub fn add_representative(&mut self, pod: Pod, of: Representative) -> PodId {
        let id = self.add_pod(pod);
        self.representatives.insert(id, of);
        id
    }

    /// What a pod stands for that is written nowhere; `None` for every other.
    pub fn representative(&self, id: PodId) -> Option<&Representative> {
        self.representatives.get(&id)
    }

    /// Whether the first of two pods that are written nowhere is one of those that the other stands for,
    /// with more labels, port names or labels of its namespace. A pod without labels stands for those
    /// that are not told by theirs.
    pub fn is_narrower(&self, id: PodId, other: PodId) -> bool {
        let of = |id: PodId| {
            self.representative(id)?;
            let pod = self.pod(id);
            Some((pod, self.namespace(&pod.namespace)?))
        };
        let (Some((pod, namespace)), Some((wide, wide_namespace))) = (of(id), of(other)) else {
            return false;
        };
        let any_other = namespace.is_any_other() && wide_namespace.is_any_other();
        let same_place =
            any_other || real_namespace(&namespace.name) == real_namespace(&wide_namespace.name);
        let has_all = |labels: &Labels, fewer: &Labels, made_up: Option<&str>| {
            let mut fewer = fewer.iter().filter(|(key, _)| Some(*key) != made_up);
            fewer.all(|(key, value)| labels.get(key) == Some(value))
        };
        // The name of any other namespace is made up.
        let made_up = any_other.then_some(NAMESPACE_NAME_LABEL);
        id != other
            && same_place
            && pod.service_account == wide.service_account
            && wide.labels.is_empty() == pod.labels.is_empty()
            && !(any_other && wide.labels.is_empty() && pod.namespace != wide.namespace)
            && has_all(&namespace.labels, &wide_namespace.labels, made_up)
            && has_all(&pod.labels, &wide.labels, None)
            && wide.ports.iter().all(|port| pod.ports.contains(port))
    }

    /// Takes out the pods that are written nowhere, and what is there for them only.
    pub fn forget_representatives(&mut self) {
        let Some(first) = self.representatives.keys().next().copied() else { return };
        // They were added last.
        self.pods.truncate(first);
        for ids in self.pods_by_namespace.values_mut() {
            ids.retain(|id| *id < first);
        }
        self.representatives.clear();
        self.namespaces.retain(|_, namespace| !namespace.supposed);
    }

    /// The pods that are written nowhere.
    pub fn representatives(&self) -> impl ExactSizeIterator<Item = (PodId, &Representative)> {
        self.representatives.iter().map(|(id, of)| (*id, of))
    }

    /// The pod that has an address now: not one that has finished, nor one on its node's network.
    pub fn pod_at(&self, address: IpAddr) -> Option<PodId> {
        self.pods_by_address.get(&address).copied()
    }

    /// Whether some end is a node, or a pod on its node's network.
    pub fn has_ends_on_nodes(&self) -> bool {
        self.has_pods_on_nodes || !self.nodes.is_empty()
    }

    /// What is known of a pod's address in one family: its own, else the cluster's pod CIDRs.
    pub fn pod_address(&self, id: PodId, family: Family) -> Addresses {
        let pod = self.pod(id);
        match pod.address(family) {
            Addresses::Unknown if !self.pod_cidrs.is_empty() && !pod.host_network => {
                let of_family: Vec<IpNet> = self
                    .pod_cidrs
                    .iter()
                    .copied()
                    .filter(|net| Family::of_net(*net) == family)
                    .collect();
                if of_family.is_empty() { Addresses::Absent } else { Addresses::Within(of_family) }
            }
            address => address,
        }
    }

    /// The addresses of the API server, from the endpoints of Service `default/kubernetes`; `None`
    /// where these are not known.
    pub fn api_server(&self) -> Option<Vec<IpAddr>> {
        let slices = self.endpoint_slices.iter();
        let ours = slices.filter(|s| &*s.namespace == "default" && &*s.service == "kubernetes");
        let ips: Vec<IpAddr> =
            ours.flat_map(|s| &s.endpoints).flat_map(|e| &e.addresses).copied().collect();
        (!ips.is_empty()).then_some(ips)
    }

    /// The labels of a pod's namespace.
    pub fn namespace_labels(&self, name: &str) -> Option<&Labels> {
        self.namespace(name).map(|namespace| &namespace.labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Operator;

    /// docs/semantics/networkpolicy.md#name-of-a-namespace: metadata.name is synthesised and cannot
    /// be overwritten.
    #[test]
    fn namespaces_carry_their_name() {
        let mut snapshot = Snapshot::default();
        snapshot.mention_namespace(&"a".into());
        let labels = [("team", "x"), (NAMESPACE_NAME_LABEL, "wrong")].into_iter().collect();
        snapshot.add_namespace("b", &labels, Some(Origin::Synthetic));
        snapshot.mention_namespace(&"b".into());
        let of = |name| snapshot.namespace_labels(name).unwrap().to_string();
        assert_eq!(of("a"), "kubernetes.io/metadata.name=a");
        assert_eq!(of("b"), "kubernetes.io/metadata.name=b,team=x");
        assert!(snapshot.namespace("a").unwrap().origin.is_none());
        assert!(snapshot.namespace("b").unwrap().origin.is_some());
    }

    /// An address is that of the pod which has it now; the nodes' own are nobody's.
    #[test]
    fn pods_by_address() {
        let address: IpAddr = "10.0.0.7".parse().unwrap();
        let pod = |name: &str, finished, host_network| Pod {
            namespace: "a".into(),
            name: name.into(),
            labels: Labels::default(),
            unknown_labels: &[],
            service_account: "default".into(),
            ips: vec![address],
            ports: [].into(),
            probes: None,
            host_network,
            node: None,
            owner: None,
            template: false,
            ready: true,
            finished,
            origin: Origin::Synthetic,
        };
        let mut snapshot = Snapshot::default();
        snapshot.add_pod(pod("done", true, false));
        assert_eq!((snapshot.pod_at(address), snapshot.has_ends_on_nodes()), (None, false));
        snapshot.add_pod(pod("on-node", false, true));
        assert_eq!((snapshot.pod_at(address), snapshot.has_ends_on_nodes()), (None, true));
        let first = snapshot.add_pod(pod("first", false, false));
        snapshot.add_pod(pod("second", false, false));
        assert_eq!(snapshot.pod_at(address), Some(first));
    }

    /// Unread labels decide nothing; the name is always known.
    #[test]
    fn unread_labels_are_not_known() {
        let mut snapshot = Snapshot::default();
        snapshot.add_unread_namespace(&"a".into());
        let namespace = snapshot.namespace("a").unwrap();
        let not_b = Requirement::new("team", Operator::NotIn(vec!["b".into()]));
        for (selector, truth, missed) in [
            (Selector::default(), Truth::Yes, None),
            (Selector::labels([(NAMESPACE_NAME_LABEL, "a")]), Truth::Yes, None),
            (Selector::labels([(NAMESPACE_NAME_LABEL, "b")]), Truth::No, Some(false)),
            (Selector::labels([("team", "x")]), Truth::Unknown, Some(true)),
            (
                Selector::labels([("team", "x"), (NAMESPACE_NAME_LABEL, "b")]),
                Truth::No,
                Some(false),
            ),
            (Selector { requirements: vec![not_b] }, Truth::Unknown, Some(true)),
        ] {
            assert_eq!(namespace.matches(&selector), truth, "{selector}");
            let miss = namespace.mismatch(&selector);
            assert_eq!(miss.as_ref().map(|miss| miss.unknown), missed, "{selector}: {miss:?}");
        }
        snapshot.add_namespace("a", &Labels::default(), None);
        let selector = Selector::labels([("team", "x")]);
        assert_eq!(snapshot.namespace("a").unwrap().matches(&selector), Truth::No);
    }
}
