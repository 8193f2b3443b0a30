//! Workloads that only one side has: who reaches them there.
//!
//! In: the side that has them, with representatives, and which they are. Out: a [`Fresh`] for each:
//! compared with its absence, every flow that reaches it is opened, or closed.

use super::ends::addresses;
use super::reporter::{ports_label, ranges};
use super::{DiffReport, Fresh, FreshFlows};
use crate::answer::end::MemberReport;
use crate::answer::vocabulary::Scope;
use crate::cluster::{Family, ObjectRef, PodId, Snapshot, real_namespace};
use crate::ends::names;
use crate::ends::ranges::{Range, is_whole, joined};
use crate::policy::Ruleset;
use crate::reach::{Connectivity, End, Ends, PortSet};
use std::collections::{BTreeMap, BTreeSet};

/// From one scope.
#[derive(Default)]
struct Flows {
    ports: PortSet,
    addresses: Vec<Range>,
    unsure: bool,
}

impl DiffReport {
    /// Tells who reaches the workloads that only the new side has.
    pub fn tell_new(&mut self, snapshot: &Snapshot, rules: &Ruleset) {
        self.new.fresh = fresh(snapshot, rules, &self.new.only_here);
    }

    /// Tells who reached the workloads that only the old side has.
    pub fn tell_gone(&mut self, snapshot: &Snapshot, rules: &Ruleset) {
        self.old.fresh = fresh(snapshot, rules, &self.old.only_here);
    }
}

fn fresh(snapshot: &Snapshot, rules: &Ruleset, only_here: &[MemberReport]) -> Vec<Fresh> {
    let mut wanted: BTreeMap<PodId, ObjectRef> = BTreeMap::new();
    for (id, pod) in snapshot.pods().iter().enumerate() {
        let object = names::inside(snapshot, End::Pod(id)).filter(|_| !pod.finished);
        let here = |object: &ObjectRef| only_here.contains(&MemberReport::of(object));
        wanted.extend(object.filter(here).map(|object| (id, object)));
    }
    if wanted.is_empty() {
        return Vec::new();
    }
    let connectivity = Connectivity::compute(snapshot, rules);
    let mut found: BTreeMap<&ObjectRef, BTreeMap<Scope, Flows>> =
        wanted.values().map(|object| (object, BTreeMap::new())).collect();
    for rectangle in Family::ALL.into_iter().flat_map(|family| connectivity.rectangles(family)) {
        let mut destinations: Vec<PodId> = Vec::new();
        destinations.extend(rectangle.destinations().filter_map(|end| match end {
            Ends::One(End::Pod(id)) if wanted.contains_key(&id) => Some(id),
            _ => None,
        }));
        if destinations.is_empty() {
            continue;
        }
        let sources = Sources::of(snapshot, rectangle.sources());
        for id in destinations {
            let flows = found.entry(&wanted[&id]).or_default();
            for scope in sources.scopes(snapshot, id) {
                let flows = flows.entry(scope).or_default();
                flows.ports = flows.ports.union(rectangle.ports);
                flows.unsure |= !rectangle.certain;
                if scope == Scope::Outside {
                    flows.addresses.extend(&sources.outside);
                }
            }
        }
    }
    let told = found.into_iter().map(|(object, scopes)| Fresh {
        workload: MemberReport::of(object),
        open_to: scopes.into_iter().map(|(scope, flows)| flows.told(scope, object)).collect(),
    });
    told.collect()
}

/// The sources of a rectangle, by what matters here.
struct Sources {
    outside: Vec<Range>,
    nodes: bool,
    pods: BTreeMap<String, BTreeSet<PodId>>,
}

impl Sources {
    fn of(snapshot: &Snapshot, ends: impl Iterator<Item = Ends>) -> Self {
        let mut all = Self { outside: Vec::new(), nodes: false, pods: BTreeMap::new() };
        for end in ends {
            match end {
                Ends::One(End::Pod(id)) if snapshot.pod(id).host_network => all.nodes = true,
                Ends::One(End::Pod(id)) => {
                    let namespace = real_namespace(&snapshot.pod(id).namespace).to_owned();
                    all.pods.entry(namespace).or_default().insert(id);
                }
                Ends::One(End::Node(_)) => all.nodes = true,
                Ends::One(End::Address(ip)) => all.outside.push((ip, ip)),
                Ends::Outside(first, last) => all.outside.push((first, last)),
            }
        }
        all
    }

    fn scopes(&self, snapshot: &Snapshot, destination: PodId) -> Vec<Scope> {
        let pod = snapshot.pod(destination);
        let own = real_namespace(&pod.namespace);
        // That a pod reaches itself goes without saying.
        let others =
            |ids: &BTreeSet<PodId>| ids.iter().any(|id| *id != destination || pod.template);
        let same = self.pods.get(own).is_some_and(others);
        let other = self.pods.keys().any(|namespace| namespace != own);
        let all = [
            (!self.outside.is_empty(), Scope::Outside),
            (self.nodes, Scope::Nodes),
            (other, Scope::OtherNamespaces),
            (same, Scope::SameNamespace),
        ];
        all.into_iter().filter(|(there, _)| *there).map(|(_, scope)| scope).collect()
    }
}

impl Flows {
    fn told(self, scope: Scope, object: &ObjectRef) -> FreshFlows {
        let label = match scope {
            Scope::Outside => {
                let ranges = joined(self.addresses);
                if ranges.iter().any(|range| is_whole(*range)) {
                    "the internet".to_owned()
                } else {
                    addresses(&ranges)
                }
            }
            Scope::Nodes => "nodes".to_owned(),
            Scope::OtherNamespaces => "pods of other namespaces".to_owned(),
            Scope::SameNamespace => {
                format!("pods of {}", object.namespace.as_deref().unwrap_or_default())
            }
        };
        FreshFlows {
            scope,
            label,
            ports: ranges(&self.ports),
            ports_label: ports_label(&self.ports),
            certain: !self.unsure,
        }
    }
}
