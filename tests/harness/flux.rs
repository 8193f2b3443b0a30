//! Flux for tests: HomeKube on a cluster with the kinds of Flux, the real CLI, and
//! what stands in for the controllers.
//!
//! In: `cargo xtask flux`, and the modules that tests/tools/flux pins. Out: a [`FluxKube`], which one
//! test after another has to itself, with a source and two Kustomizations that are up to date.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Answer, HomeKube, Outside, Skip, Unprovided, control_plane_of_its_own, expect_success, module,
    plugin, provided, root, skip,
};

/// The revision that everything is at.
pub(crate) const FIRST: &str = "main@sha1:1111111111111111111111111111111111111111";

/// HomeKube with Flux.
pub(crate) struct FluxKube {
    pub(crate) homekube: HomeKube,
    /// The directory that holds flux.
    programs: PathBuf,
    turn: Mutex<()>,
}

/// A cluster that no other test ever has: for those that install further kinds.
pub(crate) fn fluxkube_of_its_own() -> Result<FluxKube, Skip> {
    let kube = FluxKube::start().map_err(|why| skip(Outside::Flux, &why))?;
    kube.reset();
    Ok(kube)
}

/// The cluster, to this test alone until the guard is dropped: `let Ok((kube, _turn)) = …`.
pub(crate) fn fluxkube() -> Result<(&'static FluxKube, MutexGuard<'static, ()>), Skip> {
    static SHARED: OnceLock<Result<FluxKube, String>> = OnceLock::new();
    let kube = match SHARED.get_or_init(FluxKube::start) {
        Ok(kube) => kube,
        Err(why) => return Err(skip(Outside::Flux, why)),
    };
    let turn = kube.turn.lock().unwrap_or_else(PoisonError::into_inner);
    kube.reset();
    Ok((kube, turn))
}

impl FluxKube {
    fn start() -> Result<Self, String> {
        let programs = provided("flux").map_err(|unprovided| match unprovided {
            Unprovided::Cannot(why) => why,
            Unprovided::Broken(why) => panic!("{why}"),
        })?;
        let mut definitions = Vec::new();
        for controller in ["helm-controller", "kustomize-controller", "source-controller"] {
            let module = module("flux", &format!("github.com/fluxcd/{controller}"))?;
            definitions.push(module.join("config/crd/bases"));
        }
        let Ok(cluster) = control_plane_of_its_own() else {
            return Err("there is no cluster for Flux".to_owned());
        };
        for directory in definitions {
            let mut command = cluster.kubectl(cluster.admin());
            expect_success(command.args(["apply", "--server-side", "-f"]).arg(directory));
        }
        let all = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
        expect_success(cluster.kubectl(cluster.admin()).args(all));
        let homekube = HomeKube::on(cluster);
        expect_success(homekube.cluster.kubectl(homekube.cluster.admin()).args([
            "create",
            "ns",
            "flux-system",
        ]));
        Ok(Self { homekube, programs, turn: Mutex::new(()) })
    }

    /// A source and two Kustomizations, all of them at [`FIRST`].
    fn reset(&self) {
        let kustomization = |name: &str| {
            json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "metadata": {"name": name, "namespace": "flux-system"},
                "spec": {
                    "interval": "10m", "path": format!("./{name}"), "prune": true, "suspend": false,
                    "sourceRef": {"kind": "GitRepository", "name": "homekube"},
                },
            })
        };
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "homekube", "namespace": "flux-system"},
            "spec": {
                "interval": "1m", "url": "https://git.example.com/homekube.git", "suspend": false,
                "ref": {"branch": "main"},
            },
        });
        let delete = ["delete", "-n", "flux-system", "--all", "--wait=false"];
        let kinds = "kustomizations.kustomize.toolkit.fluxcd.io,gitrepositories";
        self.kubectl(&[&delete[..], &[kinds]].concat());
        for object in [source, kustomization("observability"), kustomization("identity")] {
            self.homekube.cluster.apply_with(&[], &object.to_string());
        }
        self.fetched(FIRST);
        self.applied("observability", FIRST, &[]);
        self.applied("identity", FIRST, &[]);
    }

    /// The source has fetched a revision.
    pub(crate) fn fetched(&self, revision: &str) {
        let artifact = artifact(revision);
        let status =
            json!({"artifact": artifact, "conditions": [ready("True", "Succeeded", revision)]});
        self.status("gitrepository", "homekube", status);
    }

    /// A Kustomization has applied a revision, and made these: `NAMESPACE_NAME`.
    pub(crate) fn applied(&self, name: &str, revision: &str, policies: &[&str]) {
        let conditions = [ready("True", "ReconciliationSucceeded", revision)];
        let entries: Vec<Value> = policies
            .iter()
            .map(|it| json!({"id": format!("{it}_networking.k8s.io_NetworkPolicy"), "v": "v1"}))
            .collect();
        let status = json!({
            "lastAppliedRevision": revision, "lastAttemptedRevision": revision,
            "conditions": conditions, "inventory": {"entries": entries},
        });
        self.status("kustomization", name, status);
    }

    /// A Kustomization or source is not ready.
    pub(crate) fn fails(&self, kind: &str, name: &str, reason: &str, message: &str) {
        self.status(kind, name, json!({"conditions": [ready("False", reason, message)]}));
    }

    /// Changes a status, which is then that of the present generation.
    pub(crate) fn status(&self, kind: &str, name: &str, mut status: Value) {
        let path =
            ["get", kind, name, "-n", "flux-system", "-o", "jsonpath={.metadata.generation}"];
        let generation: i64 = self.kubectl(&path).parse().expect("a generation");
        status["observedGeneration"] = json!(generation);
        patch_status(&self.homekube, kind, name, &status);
    }

    /// Suspends a Kustomization or source, or lets it go on, with its status as it was.
    pub(crate) fn suspend(&self, kind: &str, name: &str) {
        let patch = r#"{"spec":{"suspend":true}}"#;
        self.kubectl(&["patch", kind, name, "-n", "flux-system", "--type=merge", "-p", patch]);
    }

    /// The real kubectl as the admin.
    pub(crate) fn kubectl(&self, words: &[&str]) -> String {
        let cluster = &self.homekube.cluster;
        expect_success(cluster.kubectl(cluster.admin()).args(words))
    }

    /// The real flux as the admin.
    pub(crate) fn flux(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join("flux"));
        command.args(words).env("KUBECONFIG", self.homekube.cluster.admin()).stdin(Stdio::null());
        command
    }

    /// `kubectl netpol …` with flux and git on its PATH.
    pub(crate) fn netpol(&self, words: &str) -> Answer {
        self.netpol_in(root(), &self.programs, words)
    }

    /// The same in a directory, with flux from another one.
    pub(crate) fn netpol_in(&self, directory: &Path, flux: &Path, words: &str) -> Answer {
        let cluster = &self.homekube.cluster;
        let mut command = plugin(cluster, &cluster.admin());
        let ours = Path::new(env!("CARGO_BIN_EXE_kubectl-netpol")).parent().expect("a directory");
        let git = which::which("git").expect("git");
        let path = [ours, flux, git.parent().expect("a directory")];
        command.env("PATH", std::env::join_paths(path).expect("a PATH")).current_dir(directory);
        self.homekube.ask_with(command.arg("netpol"), words)
    }
}

fn artifact(revision: &str) -> Value {
    json!({
        "revision": revision, "digest": format!("sha256:{}", "0".repeat(64)), "path": "a.tar.gz",
        "url": "http://source-controller.flux-system/a.tar.gz", "lastUpdateTime": "2026-01-01T00:00:00Z",
    })
}

fn ready(status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": "Ready", "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    })
}

fn patch_status(homekube: &HomeKube, kind: &str, name: &str, status: &Value) {
    let cluster = &homekube.cluster;
    let patch = json!({"status": status}).to_string();
    let words = ["patch", kind, name, "-n", "flux-system", "--subresource=status", "--type=merge"];
    expect_success(cluster.kubectl(cluster.admin()).args(words).args(["-p", &patch]));
}

/// What stands in for Flux's controllers until it is dropped: it handles the annotation
/// `reconcile.fluxcd.io/requestedAt` as they do.
///
/// Source: `finalizeStatus` of kustomize-controller; `summarize` of source-controller.
pub(crate) struct Controllers {
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Controllers {
    /// A source that fetches `head`. A Kustomization then applies that revision: `apply` does it, and
    /// says why it fails, if so.
    pub(crate) fn start(
        kube: &'static FluxKube,
        head: &str,
        apply: impl Fn(&str) -> Result<(), String> + Send + 'static,
    ) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let (ended, head) = (end.clone(), head.to_owned());
        let thread = spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                round(kube, &head, &apply);
                sleep(Duration::from_millis(50));
            }
        });
        Self { end, thread: Some(thread) }
    }
}

impl Drop for Controllers {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.expect("a thread").expect("the stand-in for the controllers");
        }
    }
}

/// Handles every request that is not handled yet.
fn round(kube: &FluxKube, head: &str, apply: &impl Fn(&str) -> Result<(), String>) {
    let get = ["get", "gitrepositories,kustomizations", "-n", "flux-system", "-o", "json"];
    let list: Value = serde_json::from_str(&kube.kubectl(&get)).expect("JSON");
    let items = list["items"].as_array().expect("items");
    let source = items.iter().find(|item| item["kind"] == "GitRepository").expect("a source");
    for item in items {
        let requested = &item["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"];
        let handled = &item["status"]["lastHandledReconcileAt"];
        if requested.is_null() || requested == handled {
            continue;
        }
        let name = item["metadata"]["name"].as_str().expect("a name");
        let generation = &item["metadata"]["generation"];
        if item["spec"]["suspend"] == true {
            // It is said to be handled all the same, and nothing is done.
            let kind = item["kind"].as_str().expect("a kind");
            patch_status(&kube.homekube, kind, name, &json!({"lastHandledReconcileAt": requested}));
        } else if item["kind"] == "GitRepository" {
            let status = json!({
                "artifact": artifact(head), "observedGeneration": generation,
                "lastHandledReconcileAt": requested, "conditions": [ready("True", "Succeeded", head)],
            });
            patch_status(&kube.homekube, "gitrepository", name, &status);
        } else {
            let revision = &source["status"]["artifact"]["revision"];
            let status = match apply(name) {
                Ok(()) => json!({
                    "lastAppliedRevision": revision, "lastAttemptedRevision": revision,
                    "lastHandledReconcileAt": requested, "observedGeneration": generation,
                    "conditions": [ready("True", "ReconciliationSucceeded", "Applied revision")],
                }),
                // The generation is observed on success only.
                Err(why) => json!({
                    "lastAttemptedRevision": revision, "lastHandledReconcileAt": requested,
                    "conditions": [ready("False", "ReconciliationFailed", &why)],
                }),
            };
            patch_status(&kube.homekube, "kustomization", name, &status);
        }
    }
}
