//! HomeKube on a cluster of its own, with the pods that controllers would have made, and the plugin
//! run by the real kubectl.
//!
//! In: `examples/homekube`. Out: a [`HomeKube`], shared by the tests of this process, which ask one
//! after another, so that each can count its own requests.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Value, json};

use super::{
    ControlPlane, Outside, Request, Skip, control_plane_of_its_own, expect_success, root, skip,
};

/// A cluster with HomeKube on it.
pub(crate) struct HomeKube {
    /// The cluster.
    pub(crate) cluster: ControlPlane,
    turn: Mutex<()>,
}

/// What the plugin said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
    /// The requests that the API server answered meanwhile, of the plugin alone.
    pub(crate) requests: Vec<Request>,
}

/// HomeKube, running as far as anything runs without nodes.
pub(crate) fn homekube() -> Result<&'static HomeKube, Skip> {
    static SHARED: OnceLock<Option<HomeKube>> = OnceLock::new();
    let mut skipped = None;
    let shared = SHARED.get_or_init(|| match control_plane_of_its_own() {
        Ok(cluster) => Some(HomeKube::on(cluster)),
        Err(skip) => {
            skipped = Some(skip);
            None
        }
    });
    match (shared, skipped) {
        (Some(shared), _) => Ok(shared),
        (None, Some(skip)) => Err(skip),
        (None, None) => Err(skip(Outside::ControlPlane, "there is no cluster for HomeKube")),
    }
}

impl HomeKube {
    /// Puts it on a cluster.
    pub(crate) fn on(cluster: ControlPlane) -> Self {
        let homekube = Self { cluster, turn: Mutex::new(()) };
        homekube.set_up();
        homekube
    }

    fn set_up(&self) {
        let cluster = &self.cluster;
        let examples = root().join("examples/homekube");
        // The namespaces come in the same directory as what is in them.
        for _ in 0..2 {
            let mut command = cluster.kubectl(cluster.admin());
            command.args([
                "apply",
                "--server-side",
                "--field-manager=kustomize-controller",
                "-R",
                "-f",
            ]);
            if command.arg(&examples).output().expect("kubectl runs").status.success() {
                break;
            }
        }
        self.label_owner("monitoring", "allow-grafana-to-keycloak", "observability");
        let mut workloads = cluster.kubectl(cluster.admin());
        workloads.args(["get", "deployments,statefulsets,daemonsets", "-A", "-o", "json"]);
        let workloads: Value = serde_json::from_str(&expect_success(&mut workloads)).expect("JSON");
        let mut made = Vec::new();
        for workload in workloads["items"].as_array().expect("items") {
            pods_of(workload, &mut made);
        }
        let list = json!({"apiVersion": "v1", "kind": "List", "items": made});
        cluster.apply_with(&[], &list.to_string());
        for (at, pod) in made.iter().filter(|object| object["kind"] == "Pod").enumerate() {
            run(cluster, pod, at);
        }
    }

    /// Marks a policy as Flux does what it applies.
    fn label_owner(&self, namespace: &str, policy: &str, kustomization: &str) {
        let cluster = &self.cluster;
        let name = format!("kustomize.toolkit.fluxcd.io/name={kustomization}");
        let args = ["label", "netpol", policy, "-n", namespace, &name];
        expect_success(
            cluster
                .kubectl(cluster.admin())
                .args(args)
                .arg("kustomize.toolkit.fluxcd.io/namespace=flux-system"),
        );
    }

    /// Keeps others from counting requests, for a test that asks the cluster in a way of its own.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `kubectl netpol explain …` as the admin.
    pub(crate) fn explain(&self, words: &str) -> Answer {
        self.explain_as(&self.cluster.admin(), words)
    }

    /// `kubectl netpol explain …` as the user of a kubeconfig.
    pub(crate) fn explain_as(&self, kubeconfig: &Path, words: &str) -> Answer {
        self.ask_as(kubeconfig, "explain", words)
    }

    /// Any command as the admin.
    pub(crate) fn ask(&self, command: &str, words: &str) -> Answer {
        self.ask_as(&self.cluster.admin(), command, words)
    }

    /// Any command with a kubeconfig.
    pub(crate) fn ask_as(&self, kubeconfig: &Path, command: &str, words: &str) -> Answer {
        self.ask_with(plugin(&self.cluster, kubeconfig).args(["netpol", command]), words)
    }

    /// A command that [`plugin`] has begun, with these words behind it.
    pub(crate) fn ask_with(&self, command: &mut Command, words: &str) -> Answer {
        let turn = self.turn();
        let before = self.cluster.requests().len();
        let output = command.args(words.split_whitespace()).output().expect("kubectl runs");
        let mut requests = self.cluster.requests();
        drop(turn);
        requests.drain(..before);
        // The API server talks to itself too.
        requests.retain(|request| request.user_agent.starts_with("kubectl-netpol/"));
        Answer::new(&output, requests)
    }
}

impl Answer {
    pub(crate) fn new(output: &Output, requests: Vec<Request>) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout.clone()).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr.clone()).expect("UTF-8"),
            code: output.status.code().expect("an exit code"),
            requests,
        }
    }

    /// The answer to `-o json`.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {}", self.all()))
    }

    /// Everything that was said, for a failing test.
    pub(crate) fn all(&self) -> String {
        let Self { stdout, stderr, code, requests } = self;
        let mut all = format!("{stdout}{stderr}? {code}\n");
        for request in requests {
            let _ = writeln!(all, "{} {} {}", request.verb, request.uri, request.status);
        }
        all
    }
}

/// The real kubectl with our binaries on its PATH and no other plugin.
pub(crate) fn plugin(cluster: &ControlPlane, kubeconfig: &Path) -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_kubectl-netpol"));
    let mut command = cluster.kubectl(kubeconfig);
    command
        .current_dir(root())
        .env("PATH", binary.parent().expect("a directory"))
        .env("COLUMNS", "80")
        .env("NO_COLOR", "1");
    command
}

/// What controllers make of a workload: a ReplicaSet of a Deployment, and the pods.
fn pods_of(workload: &Value, made: &mut Vec<Value>) {
    let kind = workload["kind"].as_str().expect("a kind");
    let name = workload["metadata"]["name"].as_str().expect("a name");
    let namespace = &workload["metadata"]["namespace"];
    let mut template = workload["spec"]["template"].clone();
    let owner = |kind: &str, name: &str, uid: &Value| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true}]);
    let uid = &workload["metadata"]["uid"];
    let (owners, prefix) = if kind == "Deployment" {
        let hash = "6c5f9d7b8";
        template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
        let replica_set = format!("{name}-{hash}");
        made.push(json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {
                "name": replica_set, "namespace": namespace,
                "labels": template["metadata"]["labels"],
                "ownerReferences": owner(kind, name, uid),
            },
            "spec": {
                "replicas": workload["spec"]["replicas"],
                "selector": {"matchLabels": template["metadata"]["labels"]},
                "template": template,
            },
        }));
        (owner("ReplicaSet", &replica_set, uid), format!("{replica_set}-x"))
    } else {
        (owner(kind, name, uid), format!("{name}-"))
    };
    for at in 0..workload["spec"]["replicas"].as_u64().unwrap_or(1) {
        made.push(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": format!("{prefix}{at}"), "namespace": namespace,
                "labels": template["metadata"]["labels"], "ownerReferences": owners,
            },
            "spec": template["spec"],
        }));
    }
}

/// Gives a pod an address and makes it ready.
fn run(cluster: &ControlPlane, pod: &Value, at: usize) {
    let ip = format!("10.244.0.{}", at + 10);
    let status = json!({"status": {
        "phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}],
        "conditions": [{"type": "Ready", "status": "True"}],
    }});
    let metadata = &pod["metadata"];
    let name = metadata["name"].as_str().expect("a name");
    let namespace = metadata["namespace"].as_str().expect("a namespace");
    expect_success(
        cluster
            .kubectl(cluster.admin())
            .args(["patch", "pod", name, "-n", namespace, "--subresource=status", "--type=merge"])
            .args(["-p", &status.to_string()]),
    );
}
