//! The objects of a made-up cluster as YAML files, one a namespace.
//!
//! In: a [`Case`] and a seed. Out: files as `kubectl get -o yaml` writes them, and how many objects of
//! each kind there are. The benchmarks compile this file too.

use super::shapes::{self, Case, Made, generate};
use super::yaml;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::{fs, io};

/// Writes a cluster into a directory that is there; with `templates` Deployments, as a repository has
/// them, and not the pods of a running cluster.
pub(crate) fn write(
    case: Case,
    seed: u64,
    templates: bool,
    directory: &Path,
) -> io::Result<BTreeMap<&'static str, usize>> {
    let plain = Policies { version: "networking.k8s.io/v1", spec: Clone::clone };
    write_as(case, seed, templates, plain, directory)
}

/// How policies are written: their API, and what becomes of the `spec` of a NetworkPolicy.
#[derive(Clone, Copy)]
pub(crate) struct Policies {
    pub(crate) version: &'static str,
    pub(crate) spec: fn(&Value) -> Value,
}

/// The same with policies of another API.
pub(crate) fn write_as(
    case: Case,
    seed: u64,
    templates: bool,
    policies: Policies,
    directory: &Path,
) -> io::Result<BTreeMap<&'static str, usize>> {
    let counts = BTreeMap::new();
    let (open, failed) = (None, Ok(()));
    let mut writer = Writer { directory, templates, policies, counts, pods: 0, open, failed };
    generate(case, seed, &mut |made| writer.take(made));
    writer.close();
    writer.failed.map(|()| writer.counts)
}

struct Writer<'o> {
    directory: &'o Path,
    templates: bool,
    policies: Policies,
    counts: BTreeMap<&'static str, usize>,
    pods: u32,
    /// The namespace that is being written, with its documents.
    open: Option<(String, String)>,
    failed: io::Result<()>,
}

impl Writer<'_> {
    fn take(&mut self, made: Made<'_>) {
        match made {
            Made::Namespace { name, labels } => {
                self.close();
                self.open = Some((name.to_owned(), String::new()));
                let metadata = json!({"name": name, "labels": object(labels)});
                self.document("Namespace", "v1", &metadata, None);
            }
            Made::Workload { namespace, app, labels, pods } if self.templates => {
                // The controller sets that one.
                let labels = labels.iter().filter(|(key, _)| *key != "pod-template-hash");
                let labels: Vec<(&str, &str)> = labels.copied().collect();
                let spec = json!({
                    "replicas": pods,
                    "selector": {"matchLabels": {"app.kubernetes.io/name": app}},
                    "template": {"metadata": {"labels": object(&labels)}, "spec": pod_spec(app)},
                });
                let metadata =
                    json!({"name": app, "namespace": namespace, "labels": object(&labels)});
                self.document("Deployment", "apps/v1", &metadata, Some(json!({"spec": spec})));
            }
            Made::Workload { namespace, app, labels, pods } => {
                let hash = labels.iter().find(|(key, _)| *key == "pod-template-hash");
                let owner = format!("{app}-{}", hash.map_or("0", |(_, hash)| hash));
                for replica in 0..pods {
                    self.pods += 1;
                    let ip = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + self.pods);
                    let node = self.pods % 5000;
                    let host = Ipv4Addr::from(u32::from(Ipv4Addr::new(172, 16, 0, 0)) + node);
                    let metadata = json!({
                        "name": format!("{owner}-{replica:05}"),
                        "namespace": namespace,
                        "labels": object(labels),
                        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet",
                            "name": owner, "uid": format!("{namespace}-{owner}"), "controller": true}],
                    });
                    let mut spec = pod_spec(app);
                    spec["nodeName"] = json!(format!("node-{node}"));
                    let status = json!({"phase": "Running", "hostIP": host, "podIP": ip,
                        "podIPs": [{"ip": ip}]});
                    let rest = json!({"spec": spec, "status": status});
                    self.document("Pod", "v1", &metadata, Some(rest));
                }
            }
            Made::Policy { namespace, name, spec } => {
                let metadata = json!({"name": name, "namespace": namespace});
                let rest = Some(json!({"spec": (self.policies.spec)(&spec)}));
                self.document("NetworkPolicy", self.policies.version, &metadata, rest);
            }
        }
    }

    fn document(
        &mut self,
        kind: &'static str,
        version: &str,
        metadata: &Value,
        rest: Option<Value>,
    ) {
        *self.counts.entry(kind).or_default() += 1;
        let Some((_, text)) = &mut self.open else { return };
        if !text.is_empty() {
            text.push_str("---\n");
        }
        // In the order in which people write them.
        yaml::write(text, &json!({"apiVersion": version}));
        yaml::write(text, &json!({"kind": kind}));
        yaml::write(text, &json!({"metadata": metadata}));
        if let Some(rest) = rest {
            yaml::write(text, &rest);
        }
    }

    fn close(&mut self) {
        let Some((namespace, text)) = self.open.take() else { return };
        let path = self.directory.join(format!("{namespace}.yaml"));
        if self.failed.is_ok() {
            self.failed = fs::write(path, text);
        }
    }
}

fn object(labels: &[(&str, &str)]) -> Value {
    labels.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect()
}

pub(crate) fn pod_spec(app: &str) -> Value {
    let ports: Vec<Value> = shapes::ports(app)
        .iter()
        .map(|(name, protocol, number)| {
            json!({"name": name, "containerPort": number, "protocol": protocol})
        })
        .collect();
    let image = format!("registry.example.com/{app}:1.0");
    json!({"containers": [{"name": app, "image": image, "ports": ports}]})
}
