//! What configuration names, without any flow.
//!
//! In: [`Settings`], what pods are configured with as far as it was read, and a snapshot. Out: a
//! [`Guess`] for each connection that is named, with the place where it is; and what is named and leads
//! to no pod. A guess is no flow: what is named need not be used, and what is used need not be named.
//!
//! Read are environment, arguments and the ConfigMaps that containers take these from or mount, what
//! leads in by hosts and paths (Ingresses and routes), ServiceMonitors and `PodMonitors`. Values of Secrets
//! are not.

mod guess;
mod hosts;
mod monitors;
#[cfg(test)]
mod tests;
mod wire;

pub use guess::{Guess, Guesses, Written, guesses};
pub use wire::{ConfigMap, Configured, Monitor};

use crate::cluster::{Labels, Name, ObjectRef, Origin, PodId, Snapshot};
use foldhash::{HashMap, HashMapExt as _};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What was read of how pods are configured.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// One of the pods that are configured alike.
    pods: BTreeMap<PodId, Configured>,
    config_maps: BTreeMap<(Name, Name), (Origin, ConfigMap)>,
    monitors: BTreeMap<ObjectRef, (Origin, Monitor)>,
    /// What could not be read, and why.
    pub unread: Vec<String>,
}

/// Pods that have the same owner and the same lasting labels are configured alike.
type Alike = (Name, Option<usize>, Labels);

impl Settings {
    /// Those of manifests; `read` parses the document of an object again.
    pub fn written(snapshot: &Snapshot, read: &dyn Fn(&Origin) -> Option<Value>) -> Self {
        let mut settings = Self::default();
        let mut known: BTreeSet<PodId> = BTreeSet::new();
        let mut alike: HashMap<Alike, PodId> = HashMap::new();
        for (id, pod) in snapshot.pods().iter().enumerate() {
            if pod.finished || snapshot.representative(id).is_some() {
                continue;
            }
            let kind = (pod.namespace.clone(), pod.owner, pod.labels.lasting());
            if pod.owner.is_none() || alike.insert(kind, id).is_none() {
                known.insert(id);
            }
        }
        for id in known {
            let written = read(&snapshot.pod(id).origin);
            if let Some(configured) = written.and_then(|it| serde_json::from_value(it).ok()) {
                settings.pods.insert(id, configured);
            }
        }
        for (object, origin) in &snapshot.settings {
            let (Some(written), Some(namespace)) = (read(origin), &object.namespace) else {
                continue;
            };
            if &*object.kind == "ConfigMap" {
                let at = (namespace.clone(), object.name.clone());
                if let Ok(map) = serde_json::from_value(written) {
                    settings.config_maps.insert(at, (origin.clone(), map));
                }
            } else if let Ok(monitor) = serde_json::from_value(written) {
                settings.monitors.insert(object.clone(), (origin.clone(), monitor));
            }
        }
        settings
    }

    /// Takes pods of a live cluster, which a snapshot has too; of those that are alike one is kept.
    pub fn take_pods(&mut self, snapshot: &Snapshot, pods: Vec<Configured>) {
        let mut by_name: HashMap<(&str, &str), PodId> = HashMap::new();
        for (id, pod) in snapshot.pods().iter().enumerate() {
            if !pod.finished && !pod.template {
                by_name.insert((&pod.namespace, &pod.name), id);
            }
        }
        let mut alike: BTreeSet<(Name, Option<usize>, String)> = BTreeSet::new();
        for configured in pods {
            let Some(id) = configured.name().and_then(|name| by_name.get(&name)) else { continue };
            let pod = snapshot.pod(*id);
            let kind = (pod.namespace.clone(), pod.owner, pod.labels.lasting().to_string());
            if pod.owner.is_none() || alike.insert(kind) {
                self.pods.insert(*id, configured);
            }
        }
    }

    /// Takes workloads of a live cluster, as far as their templates stand for pods that are not there.
    pub fn take_workloads(&mut self, snapshot: &Snapshot, kind: &str, workloads: Vec<Configured>) {
        let mut by_name: HashMap<(&str, &str), PodId> = HashMap::new();
        for (id, pod) in snapshot.pods().iter().enumerate() {
            let owner = pod.owner.and_then(|owner| snapshot.workloads.get(owner));
            if pod.template && owner.is_some_and(|owner| *owner.object.kind == *kind) {
                by_name.insert((&pod.namespace, &pod.name), id);
            }
        }
        for configured in workloads {
            if let Some(id) = configured.name().and_then(|name| by_name.get(&name)) {
                self.pods.insert(*id, configured);
            }
        }
    }

    /// Takes ConfigMaps of a live cluster, as far as a pod refers to them.
    pub fn take_config_maps(&mut self, maps: Vec<ConfigMap>) {
        let wanted = self.referred();
        for map in maps {
            let Some((namespace, name)) = map.name() else { continue };
            let at: (Name, Name) = (namespace.into(), name.into());
            if !wanted.contains(&at) {
                continue;
            }
            let origin = Origin::Synthetic;
            self.config_maps.insert(at, (origin, map));
        }
    }

    /// The namespaces that pods with ConfigMaps are in, and the names of these.
    pub fn referred(&self) -> BTreeSet<(Name, Name)> {
        let mut all = BTreeSet::new();
        for configured in self.pods.values() {
            let Some((namespace, _)) = configured.name() else { continue };
            let names = configured.config_maps();
            all.extend(names.map(|name| (Name::from(namespace), Name::from(name))));
        }
        all
    }

    /// Takes ServiceMonitors or `PodMonitors` of a live cluster.
    pub fn take_monitors(&mut self, kind: &str, monitors: Vec<Monitor>) {
        for monitor in monitors {
            let Some((namespace, name)) = monitor.name() else { continue };
            let object = ObjectRef::namespaced(kind, namespace, name);
            self.monitors.insert(object, (Origin::Synthetic, monitor));
        }
    }
}

/// What to call an object that is configured: its workload, where a template or a pod is one's.
fn called(snapshot: &Snapshot, id: PodId) -> ObjectRef {
    crate::ends::names::workload(snapshot, snapshot.pod(id))
}
