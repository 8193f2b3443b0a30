//! Workloads that only one side has: who reaches them there, and whom they reach.
//!
//! In: the side that has them, with representatives, and which they are. Out: a [`Fresh`] for each:
//! compared with its absence, every flow to or from it is opened, or closed.

use super::ends::addresses;
use super::reporter::{ports_label, ranges};
use super::{Fresh, FreshFlows, SideReport};
use crate::answer::end::MemberReport;
use crate::answer::vocabulary::Scope;
use crate::cluster::{Family, ObjectRef, PodId, Snapshot, real_namespace};
use crate::effort::{Effort, TooMuch};
use crate::ends::names;
use crate::ends::ranges::{Range, is_whole, joined};
use crate::policy::Ruleset;
use crate::reach::{Connectivity, End, Ends, PortSet};
use foldhash::HashSet;
use std::collections::{BTreeMap, BTreeSet};

/// From one scope.
#[derive(Default)]
struct Flows {
    ports: PortSet,
    addresses: Vec<Range>,
    unsure: bool,
}

impl SideReport {
    /// Tells who reaches the workloads that only this side has, and whom they reach.
    pub(super) fn tell_fresh(
        &mut self,
        snapshot: &Snapshot,
        rules: &Ruleset,
        effort: Effort,
    ) -> Result<(), TooMuch> {
        self.fresh = fresh(snapshot, rules, &self.only_here, effort)?;
        Ok(())
    }
}

/// The flows of each workload, by whether they leave it and by scope.
type Found<'a> = BTreeMap<&'a ObjectRef, [BTreeMap<Scope, Flows>; 2]>;

fn fresh(
    snapshot: &Snapshot,
    rules: &Ruleset,
    only_here: &[MemberReport],
    effort: Effort,
) -> Result<Vec<Fresh>, TooMuch> {
    let mut wanted: BTreeMap<PodId, ObjectRef> = BTreeMap::new();
    let only_here: HashSet<ObjectKey<'_>> = only_here.iter().map(object_key).collect();
    for (id, pod) in snapshot.pods().iter().enumerate() {
        let object = names::inside(snapshot, End::Pod(id)).filter(|_| !pod.finished);
        let here = |object: &ObjectRef| {
            only_here.contains(&(&*object.kind, object.namespace.as_deref(), &*object.name))
        };
        wanted.extend(object.filter(here).map(|object| (id, object)));
    }
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let connectivity = Connectivity::compute(snapshot, rules, effort)?;
    let mut found: Found<'_> = wanted.values().map(|object| (object, Default::default())).collect();
    for rectangle in Family::ALL.into_iter().flat_map(|family| connectivity.rectangles(family)) {
        let here = |ends: &mut dyn Iterator<Item = Ends>| -> Vec<PodId> {
            let ours = ends.filter_map(|end| match end {
                Ends::One(End::Pod(id)) if wanted.contains_key(&id) => Some(id),
                _ => None,
            });
            ours.collect()
        };
        let ours = [here(&mut rectangle.destinations()), here(&mut rectangle.sources())];
        for (leaves, ours) in ours.into_iter().enumerate() {
            if ours.is_empty() {
                continue;
            }
            let others = if leaves == 0 {
                Others::of(snapshot, rectangle.sources())
            } else {
                Others::of(snapshot, rectangle.destinations())
            };
            for id in ours {
                let flows = &mut found.entry(&wanted[&id]).or_default()[leaves];
                for scope in others.scopes(snapshot, id) {
                    let flows = flows.entry(scope).or_default();
                    flows.ports = flows.ports.union(&rectangle.ports);
                    flows.unsure |= !rectangle.certain;
                    if scope == Scope::Outside {
                        flows.addresses.extend(&others.outside);
                    }
                }
            }
        }
    }
    let told = found.into_iter().map(|(object, scopes)| {
        let [open_to, reaches] = scopes.map(|scopes| {
            scopes.into_iter().map(|(scope, flows)| flows.told(scope, object)).collect()
        });
        Fresh { workload: MemberReport::of(object), open_to, reaches }
    });
    Ok(told.collect())
}

/// An object by its kind, namespace and name.
type ObjectKey<'a> = (&'a str, Option<&'a str>, &'a str);

fn object_key(member: &MemberReport) -> ObjectKey<'_> {
    (&member.kind, member.namespace.as_deref(), &member.name)
}

/// One side of a rectangle, by what matters here.
struct Others {
    outside: Vec<Range>,
    nodes: bool,
    pods: BTreeMap<String, BTreeSet<PodId>>,
}

impl Others {
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

    fn scopes(&self, snapshot: &Snapshot, own: PodId) -> Vec<Scope> {
        let pod = snapshot.pod(own);
        let home = real_namespace(&pod.namespace);
        // That a pod reaches itself goes without saying.
        let others = |ids: &BTreeSet<PodId>| ids.iter().any(|id| *id != own || pod.template);
        let same = self.pods.get(home).is_some_and(others);
        let other = self.pods.keys().any(|namespace| namespace != home);
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
