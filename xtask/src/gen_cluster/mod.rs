//! Manifests of large clusters, to see how programs fare with them.
//!
//! In: a shape, a size and a seed. Out: a directory with one YAML file a namespace, as block YAML as
//! people and `kubectl get -o yaml` write it.

mod shapes;
mod yaml;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use shapes::{Case, Made, Shape, generate};
use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;

/// Arguments of `gen-cluster`.
#[derive(Args)]
pub(crate) struct Options {
    /// How policies are written: micro (each workload has its own), openshift (as micro, with many
    /// blocks of addresses and stale policies), monolith (whole namespaces, ingress only) or largest
    /// (fifteen pods and three policies a namespace)
    #[arg(long, value_enum)]
    shape: ShapeArg,

    /// At least so many pods; namespaces are never cut short
    #[arg(long, value_name = "N")]
    pods: usize,

    /// Seed of the choices
    #[arg(long, value_name = "S", default_value_t = 42)]
    seed: u64,

    /// Directory to write into
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Deployments, as a repository has them, and not the pods of a running cluster
    #[arg(long)]
    templates: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum ShapeArg {
    Micro,
    Openshift,
    Monolith,
    Largest,
}

/// Writes the manifests and says what was written.
pub(crate) fn run(options: &Options) -> Result<String> {
    let shape = match options.shape {
        ShapeArg::Micro => Shape::Micro,
        ShapeArg::Openshift => Shape::Openshift,
        ShapeArg::Monolith => Shape::Monolith,
        ShapeArg::Largest => Shape::Largest,
    };
    let directory = &options.out;
    fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
    let mut there = fs::read_dir(directory).context("reading the directory")?;
    ensure!(there.next().is_none(), "{} is not empty", directory.display());
    let mut writer = Writer { options, counts: BTreeMap::new(), pods: 0, open: None, failed: None };
    generate(Case { shape, pods: options.pods }, options.seed, &mut |made| writer.take(made));
    writer.close();
    if let Some(error) = writer.failed {
        return Err(error);
    }
    let counts: Vec<String> = writer.counts.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    Ok(counts.join(", "))
}

struct Writer<'o> {
    options: &'o Options,
    counts: BTreeMap<&'static str, usize>,
    pods: u32,
    /// The namespace that is being written, with its documents.
    open: Option<(String, String)>,
    failed: Option<anyhow::Error>,
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
            Made::Workload { namespace, app, labels, pods } if self.options.templates => {
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
                let rest = Some(json!({"spec": spec}));
                self.document("NetworkPolicy", "networking.k8s.io/v1", &metadata, rest);
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
        let path = self.options.out.join(format!("{namespace}.yaml"));
        let written = fs::write(&path, text).with_context(|| format!("writing {}", path.display()));
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }
}

fn object(labels: &[(&str, &str)]) -> Value {
    labels.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect()
}

fn pod_spec(app: &str) -> Value {
    let ports: Vec<Value> = shapes::ports(app)
        .iter()
        .map(|(name, protocol, number)| {
            json!({"name": name, "containerPort": number, "protocol": protocol})
        })
        .collect();
    let image = format!("registry.example.com/{app}:1.0");
    json!({"containers": [{"name": app, "image": image, "ports": ports}]})
}
