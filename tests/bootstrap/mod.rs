//! `kubectl netpol bootstrap` as its users run it: through the real kubectl, against a real API server.

mod configured;
pub(crate) mod connection;
mod crowd;
mod export;
mod exported;
mod hour;
mod preview;
mod refusals;
mod stopped;
mod tests;
mod writing;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::harness::{ControlPlane, expect_success};

/// `kubectl netpol bootstrap …` as the admin.
fn bootstrap(cluster: &ControlPlane, arguments: &[&str]) -> Ran {
    run(plugin(cluster.kubectl(cluster.admin())).args(arguments))
}

/// Makes a kubectl find our programs, and calls the plugin.
fn plugin(mut kubectl: Command) -> Command {
    let ours = Path::new(env!("CARGO_BIN_EXE_kubectl-netpol")).parent().expect("a directory");
    let programs = std::env::var_os("PATH").unwrap_or_default();
    let beside = Path::new(kubectl.get_program()).parent().expect("a directory").to_owned();
    let path = [ours.to_owned(), beside].into_iter().chain(std::env::split_paths(&programs));
    kubectl.env("PATH", std::env::join_paths(path).expect("a PATH"));
    kubectl.args(["netpol", "bootstrap"]);
    kubectl
}

/// What came of a run.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// It went well; gives back stdout.
    #[track_caller]
    fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    /// It ended with 2 and said all of this in one line of stderr.
    #[track_caller]
    fn failed(self, parts: &[&str]) -> Self {
        assert_eq!(self.code, Some(2), "{}{}", self.out, self.err);
        let errors: Vec<_> = self.err.lines().filter(|line| line.starts_with("error:")).collect();
        let has_all = |line: &&&str| parts.iter().all(|part| line.contains(part));
        assert!(errors.iter().any(|line| has_all(&line)), "{parts:?} in {}", self.err);
        self
    }
}

fn run(command: &mut Command) -> Ran {
    let output = command.output().unwrap_or_else(|error| panic!("running {command:?}: {error}"));
    Ran::of(&output)
}

/// `kubectl get … -o json` as the admin.
fn get(cluster: &ControlPlane, arguments: &[&str]) -> Value {
    let mut command = cluster.kubectl(cluster.admin());
    let text = expect_success(command.arg("get").args(arguments).args(["-o", "json"]));
    serde_json::from_str(&text).expect("JSON")
}

/// The policies of a namespace, by name, with the versions at which they are.
fn policies(cluster: &ControlPlane, namespace: &str) -> Vec<(String, String)> {
    let list = get(cluster, &["networkpolicies", "-n", namespace]);
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let items = list["items"].as_array().expect("items").iter();
    let version = |item: &Value| {
        (text(&item["metadata"]["name"]), text(&item["metadata"]["resourceVersion"]))
    };
    items.map(version).collect()
}

/// The names alone.
fn names(cluster: &ControlPlane, namespace: &str) -> Vec<String> {
    policies(cluster, namespace).into_iter().map(|(name, _)| name).collect()
}

/// kubectl as the admin, which must go well.
fn kubectl<S: AsRef<OsStr>>(cluster: &ControlPlane, arguments: &[S]) -> String {
    expect_success(cluster.kubectl(cluster.admin()).args(arguments))
}

/// A pod of one container with one port.
fn pod(name: &str, port: u16) -> String {
    format!(
        "apiVersion: v1\n\
         kind: ServiceAccount\n\
         metadata: {{name: default}}\n\
         ---\n\
         apiVersion: v1\n\
         kind: Pod\n\
         metadata: {{name: {name}, labels: {{app: {name}}}}}\n\
         spec:\n\
         \x20 automountServiceAccountToken: false\n\
         \x20 containers: [{{name: c, image: x, ports: [{{name: main, containerPort: {port}}}]}}]\n"
    )
}
