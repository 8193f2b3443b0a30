//! A real Kubernetes API server for tests: started once per test process, when the first test asks.
//!
//! In: nothing; `cargo xtask control-plane` provides the programs. Out: a [`ControlPlane`] with
//! kubeconfigs, a kubectl, namespaces of a test's own and the record of all requests.
//!
//! There are no nodes and no controllers: pods stay as they were written (give them addresses with
//! `--subresource=status`), nothing comes of a Deployment, and a deleted namespace never goes. The
//! cluster is shared by tests that run at once, so a test works in its own namespaces and counts
//! only requests that it can tell from those of others.
//!
//! It stops when this process ends, however that comes about: the kernel closes the pipe.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;

use super::{Outside, Skip, Unprovided, expect_success, provided, skip, xtask};

/// A cluster that is ready, together with the programs for it.
pub(crate) struct ControlPlane {
    programs: PathBuf,
    runner: Runner,
}

/// Why there is no cluster.
enum Failure {
    /// The programs cannot be had here.
    NoPrograms(String),
    /// They can, but there is something to mend.
    Broken(String),
}

/// The cluster of this process; a test that gets none has said so and returns:
/// `let Ok(cluster) = control_plane() else { return };`
///
/// # Panics
/// If the cluster does not start although its programs are there.
pub(crate) fn control_plane() -> Result<&'static ControlPlane, Skip> {
    static SHARED: OnceLock<Result<ControlPlane, Failure>> = OnceLock::new();
    match SHARED.get_or_init(ControlPlane::start) {
        Ok(cluster) => Ok(cluster),
        Err(Failure::NoPrograms(why)) => Err(skip(Outside::ControlPlane, why)),
        Err(Failure::Broken(why)) => panic!("{why}"),
    }
}

/// A further cluster, for what must not meet other tests: fixed namespaces, or a server that ends.
///
/// # Panics
/// If the cluster does not start although its programs are there.
pub(crate) fn control_plane_of_its_own() -> Result<ControlPlane, Skip> {
    let shared = control_plane()?;
    let runner = Runner::start(&shared.programs).unwrap_or_else(|why| panic!("{why}"));
    Ok(ControlPlane { programs: shared.programs.clone(), runner })
}

impl ControlPlane {
    /// Ends the cluster; nothing listens at its address any more, and its files are gone.
    pub(crate) fn stop(&mut self) {
        drop(self.runner.stdin.take());
        let status = self.runner.child.wait().expect("the runner ends");
        assert!(status.success(), "{status}");
    }

    fn start() -> Result<Self, Failure> {
        if cfg!(not(unix)) {
            return Err(Failure::NoPrograms("no control plane but on Unix".to_owned()));
        }
        let programs = programs()?;
        let runner = Runner::start(&programs).map_err(Failure::Broken)?;
        Ok(Self { programs, runner })
    }

    /// The directory that holds etcd, kube-apiserver and kubectl.
    pub(crate) fn programs(&self) -> &Path {
        &self.programs
    }

    /// The kubeconfig of a user who may do everything.
    pub(crate) fn admin(&self) -> PathBuf {
        self.runner.file("admin.kubeconfig")
    }

    /// The kubeconfig of a user who may do nothing.
    pub(crate) fn nobody(&self) -> PathBuf {
        self.runner.file("nobody.kubeconfig")
    }

    /// Where the API server listens.
    pub(crate) fn url(&self) -> String {
        let kubeconfig = fs::read_to_string(self.admin()).expect("the admin's kubeconfig");
        let url = kubeconfig.lines().find_map(|line| line.trim().strip_prefix("server: "));
        url.expect("a server in the admin's kubeconfig").to_owned()
    }

    /// The real kubectl as the user of a kubeconfig, untouched by the settings of whoever tests.
    pub(crate) fn kubectl(&self, kubeconfig: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(self.programs.join("kubectl"));
        command
            .env("KUBECONFIG", kubeconfig)
            .env("KUBECACHEDIR", self.runner.file("kubectl-cache"))
            .env("KUBERC", "off")
            .stdin(Stdio::null());
        command
    }

    /// Creates a namespace that no other test has.
    pub(crate) fn namespace(&self, prefix: &str) -> String {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("{prefix}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        expect_success(self.kubectl(self.admin()).args(["create", "namespace", &name]));
        name
    }

    /// Creates or changes the objects of a manifest as the admin, in a namespace unless they name
    /// their own.
    pub(crate) fn apply(&self, namespace: &str, manifest: &str) {
        self.apply_with(&["--namespace", namespace], manifest);
    }

    /// Creates or changes the objects of a manifest, which name their namespaces, with further flags
    /// of kubectl.
    pub(crate) fn apply_with(&self, flags: &[&str], manifest: &str) {
        let mut child = self
            .kubectl(self.admin())
            .args(["apply", "--server-side", "--filename=-"])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        // If kubectl ends early, its message says more than the broken pipe.
        let _ = stdin.write_all(manifest.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("kubectl ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl apply {flags:?}: {said}");
    }

    /// Every request that has been answered so far, watches that go on left out.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let log = fs::read_to_string(self.runner.file("audit.log")).expect("the audit log");
        // The server may be in the middle of the last line.
        let whole = log.rfind('\n').map_or("", |end| &log[..end]);
        let events = whole.lines().map(|line| {
            serde_json::from_str::<Event>(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        });
        let complete = events.filter(|event| event.stage == "ResponseComplete");
        complete.map(Request::from).collect()
    }
}

/// A request as the API server recorded it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) user: String,
    /// Kubernetes' verb: get, list, watch, create, patch, …
    pub(crate) verb: String,
    /// Path and query.
    pub(crate) uri: String,
    pub(crate) user_agent: String,
    pub(crate) status: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    stage: String,
    verb: String,
    #[serde(rename = "requestURI")]
    uri: String,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    user: User,
    #[serde(default)]
    response_status: Status,
}

#[derive(Default, Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    code: u16,
}

impl From<Event> for Request {
    fn from(event: Event) -> Self {
        let Event { verb, uri, user_agent, .. } = event;
        let (user, status) = (event.user.username, event.response_status.code);
        Self { user, verb, uri, user_agent, status }
    }
}

/// The process `cargo xtask control-plane run`. It ends when its stdin is closed.
pub(crate) struct Runner {
    /// The process.
    pub(crate) child: Child,
    /// Its stdin, of which this process holds the only other end.
    pub(crate) stdin: Option<ChildStdin>,
    directory: PathBuf,
}

impl Runner {
    /// Runs one more cluster and waits until it is ready.
    pub(crate) fn start(programs: &Path) -> Result<Self, String> {
        let mut child = xtask(&["control-plane", "run", "--until-stdin-closes"])
            .env("KUBEBUILDER_ASSETS", programs)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("running cargo: {error}"))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or("no pipe to cargo")?;
        let mut kubeconfig = String::new();
        let read = BufReader::new(stdout).read_line(&mut kubeconfig);
        let Ok(1..) = read else {
            drop(stdin);
            let status = child.wait();
            let status = status.map_err(|error| format!("waiting for cargo: {error}"))?;
            return Err(format!("the control plane did not start ({status}); it says why above"));
        };
        let kubeconfig = Path::new(kubeconfig.trim_end());
        let directory = kubeconfig.parent().ok_or("a path of no directory")?.to_path_buf();
        Ok(Self { child, stdin, directory })
    }

    /// A file of the cluster, by the name that `cargo xtask control-plane run --help` gives it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// The directory that holds the programs.
fn programs() -> Result<PathBuf, Failure> {
    provided("control-plane").map_err(|unprovided| match unprovided {
        Unprovided::Cannot(why) => Failure::NoPrograms(why),
        Unprovided::Broken(why) => Failure::Broken(why),
    })
}
