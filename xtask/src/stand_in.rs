//! A stand-in for the API server of a very large cluster, to see what reading it takes.
//!
//! In: a shape, a size, how large a pod is, and a command. Out: the command's exit code, and how long it took.
//! Lists come page by page, compressed where that is asked for, as kube-apiserver gives them: 500 pods of
//! 10 kB are 5 MB. Pages are made as they are asked for, so little of it is in memory.

use crate::gen_cluster::shapes::{Case, Made, generate};
use crate::gen_cluster::{ShapeArg, pod_spec};
use anyhow::{Context as _, Result};
use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

/// Arguments of `stand-in`.
#[derive(Args)]
pub(crate) struct Options {
    /// How policies are written: micro, openshift, monolith or largest
    #[arg(long, value_enum, default_value = "largest")]
    shape: ShapeArg,

    /// At least so many pods
    #[arg(long, value_name = "N")]
    pods: usize,

    /// About so many bytes a pod
    #[arg(long, value_name = "BYTES", default_value_t = 10_000)]
    pod_bytes: usize,

    /// Answers are not compressed
    #[arg(long)]
    plain: bool,

    /// What is run meanwhile, with KUBECONFIG naming it
    #[arg(last = true, required = true)]
    command: Vec<String>,
}

/// A longer head of a request is none of ours.
const MOST_HEAD: u64 = 64 << 10;

/// Smaller answers are not compressed by kube-apiserver either.
const LEAST_COMPRESSED: usize = 128 << 10;

/// What a workload has in common.
struct Workload {
    namespace: String,
    app: String,
    labels: Vec<(String, String)>,
}

/// What is served.
struct Cluster {
    workloads: Vec<Workload>,
    /// By number, the workload of each pod.
    pods: Vec<u32>,
    namespaces: Vec<Value>,
    policies: Vec<Value>,
    replica_sets: Vec<Value>,
    /// What makes a pod as large as it is to be: the API server's account of its fields.
    account: Value,
    plain: bool,
}

/// Serves a cluster while a command runs.
pub(crate) fn run(options: &Options) -> Result<String> {
    let cluster = Arc::new(Cluster::new(options));
    let listener = TcpListener::bind("127.0.0.1:0").context("listening")?;
    let address = listener.local_addr().context("listening")?;
    let directory = tempfile::tempdir().context("making a directory")?;
    let kubeconfig = directory.path().join("kubeconfig");
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": format!("http://{address}")}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": {}}],
    });
    fs::write(&kubeconfig, text.to_string()).context("writing the kubeconfig")?;
    let (pods, policies) = (cluster.pods.len(), cluster.policies.len());
    let size = cluster.pod(0).to_string().len();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let cluster = Arc::clone(&cluster);
            std::thread::spawn(move || serve(&cluster, stream));
        }
    });
    let (program, words) = options.command.split_first().context("a command")?;
    let start = Instant::now();
    let status = Command::new(program)
        .args(words)
        .env("KUBECONFIG", &kubeconfig)
        .status()
        .with_context(|| format!("running {program}"))?;
    let took = start.elapsed().as_secs_f64();
    let code = status.code().map_or_else(|| "a signal".to_owned(), |code| code.to_string());
    Ok(format!(
        "{pods} pods of {size} bytes, {policies} policies: {took:.1} s, and it ended with {code}"
    ))
}

impl Cluster {
    fn new(options: &Options) -> Self {
        let mut all = Self {
            workloads: Vec::new(),
            pods: Vec::new(),
            namespaces: Vec::new(),
            policies: Vec::new(),
            replica_sets: Vec::new(),
            account: json!({}),
            plain: options.plain,
        };
        let case = Case { shape: options.shape.shape(), pods: options.pods };
        generate(case, 42, &mut |made| all.take(made));
        let plain = all.pod(0).to_string().len();
        all.account = account(options.pod_bytes.saturating_sub(plain));
        all
    }

    fn take(&mut self, made: Made<'_>) {
        let kept = |labels: &[(&str, &str)]| -> Vec<(String, String)> {
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        match made {
            Made::Namespace { name, labels } => {
                self.namespaces
                    .push(json!({"metadata": {"name": name, "labels": map(&kept(labels))}}));
            }
            Made::Workload { namespace, app, labels, pods } => {
                let workload = Workload {
                    namespace: namespace.to_owned(),
                    app: app.to_owned(),
                    labels: kept(labels),
                };
                let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": app,
                    "uid": format!("{namespace}-{app}"), "controller": true}]);
                self.replica_sets.push(json!({
                    "metadata": {"name": workload.owner(), "namespace": namespace,
                        "ownerReferences": owner},
                    "spec": {"replicas": pods, "selector": {"matchLabels": {"app.kubernetes.io/name": app}},
                        "template": {"metadata": {"labels": map(&workload.labels)}, "spec": pod_spec(app)}},
                }));
                let at = u32::try_from(self.workloads.len()).unwrap_or(u32::MAX);
                self.workloads.push(workload);
                self.pods.extend(std::iter::repeat_n(at, pods));
            }
            Made::Policy { namespace, name, spec } => {
                self.policies.push(
                    json!({"metadata": {"name": name, "namespace": namespace}, "spec": spec}),
                );
            }
        }
    }

    fn pod(&self, at: usize) -> Value {
        let workload = &self.workloads[self.pods[at] as usize];
        let number = u32::try_from(at).unwrap_or(u32::MAX);
        let ip = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 1)) + number);
        let node = number % 5000;
        let host = Ipv4Addr::from(u32::from(Ipv4Addr::new(172, 16, 0, 0)) + node);
        let owner = workload.owner();
        let mut spec = pod_spec(&workload.app);
        spec["nodeName"] = json!(format!("node-{node}"));
        json!({
            "metadata": {
                "name": format!("{owner}-{number:06}"), "namespace": workload.namespace,
                "labels": map(&workload.labels),
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner,
                    "uid": format!("{}-{owner}", workload.namespace), "controller": true}],
                "managedFields": [{"manager": "kubelet", "operation": "Update",
                    "fieldsType": "FieldsV1", "fieldsV1": self.account}],
            },
            "spec": spec,
            "status": {"phase": "Running", "hostIP": host, "podIP": ip, "podIPs": [{"ip": ip}]},
        })
    }

    /// The answer to a path with its query; `None`: there is no such thing.
    fn answer(&self, path: &str, query: &str) -> Option<String> {
        let of = |wanted: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(key, _)| *key == wanted).find_map(|(_, value)| value.parse().ok())
        };
        let (from, limit) = (of("continue").unwrap_or(0), of("limit").unwrap_or(usize::MAX));
        let page = |all: usize, item: &dyn Fn(usize) -> String| {
            let end = all.min(from.saturating_add(limit));
            let next = if end < all { end.to_string() } else { String::new() };
            let items: Vec<String> = (from.min(end)..end).map(item).collect();
            let metadata = json!({"resourceVersion": "1", "continue": next});
            format!("{{\"metadata\":{metadata},\"items\":[{}]}}", items.join(","))
        };
        let listed = |all: &[Value]| page(all.len(), &|at| all[at].to_string());
        let group = |name: &str| {
            let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
            json!({"name": name, "versions": [version], "preferredVersion": version})
        };
        Some(match path {
            "/version" => json!({"major": "1", "minor": "36", "gitVersion": "v1.36.0"}).to_string(),
            "/api" => json!({"kind": "APIVersions", "versions": ["v1"]}).to_string(),
            "/apis" => {
                let groups = ["apps", "networking.k8s.io", "discovery.k8s.io"].map(group);
                json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}).to_string()
            }
            "/api/v1/pods" => page(self.pods.len(), &|at| self.pod(at).to_string()),
            "/api/v1/namespaces" => listed(&self.namespaces),
            "/api/v1/nodes" => page(5000, &|at| node(at).to_string()),
            "/apis/networking.k8s.io/v1/networkpolicies" => listed(&self.policies),
            "/apis/apps/v1/replicasets" => listed(&self.replica_sets),
            "/api/v1/services" => listed(&[]),
            _ => return None,
        })
    }
}

impl Workload {
    fn owner(&self) -> String {
        let hash = self.labels.iter().find(|(key, _)| key == "pod-template-hash");
        format!("{}-{}", self.app, hash.map_or("0", |(_, hash)| hash))
    }
}

fn map(labels: &[(String, String)]) -> Value {
    labels.iter().map(|(key, value)| (key.clone(), json!(value))).collect()
}

fn node(at: usize) -> Value {
    let host = u32::from(Ipv4Addr::new(172, 16, 0, 0)) + u32::try_from(at).unwrap_or(0);
    let address = json!({"type": "InternalIP", "address": Ipv4Addr::from(host)});
    let name = format!("node-{at}");
    json!({"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"addresses": [address]}})
}

/// So many bytes of what the API server writes down of who set which field.
fn account(bytes: usize) -> Value {
    let mut fields = serde_json::Map::new();
    let mut left = bytes;
    while left > 80 {
        let key = format!("k:{{\"type\":\"Condition{:03}\"}}", fields.len());
        let value = json!({".": {}, "f:lastProbeTime": {}, "f:status": {}, "f:type": {}});
        left = left.saturating_sub(key.len() + value.to_string().len() + 6);
        fields.insert(key, value);
    }
    json!({"f:status": {"f:conditions": fields}})
}

/// Answers what comes over a connection, until it ends or sends what is no request.
fn serve(cluster: &Cluster, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let Ok(writing) = stream.try_clone() else { return };
    let mut reading = BufReader::new(stream);
    while let Some((target, compressed)) = request(&mut reading) {
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let (status, body) = match cluster.answer(path, query) {
            Some(body) => ("200 OK", body),
            None => ("404 Not Found", missing(path)),
        };
        if respond(&writing, status, &body, compressed && !cluster.plain).is_err() {
            return;
        }
    }
}

fn missing(path: &str) -> String {
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound",
        "code": 404, "message": format!("{path} is not here")})
    .to_string()
}

/// What the next request is for, and whether its answer may be compressed.
fn request(reading: &mut BufReader<TcpStream>) -> Option<(String, bool)> {
    let mut head = reading.by_ref().take(MOST_HEAD).lines().map_while(Result::ok);
    let first = head.next()?;
    let target = first.strip_prefix("GET ")?.split(' ').next()?.to_owned();
    let mut compressed = false;
    loop {
        let line = head.next()?.to_ascii_lowercase();
        if line.is_empty() {
            return Some((target, compressed));
        }
        compressed |= line.starts_with("accept-encoding:") && line.contains("gzip");
    }
}

fn respond(mut to: &TcpStream, status: &str, body: &str, compressed: bool) -> std::io::Result<()> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n");
    if compressed && body.len() > LEAST_COMPRESSED {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(1));
        encoder.write_all(body.as_bytes())?;
        let body = encoder.finish()?;
        write!(to, "{head}Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len())?;
        return to.write_all(&body);
    }
    write!(to, "{head}Content-Length: {}\r\n\r\n", body.len())?;
    to.write_all(body.as_bytes())
}
