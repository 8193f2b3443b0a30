//! The control plane that other tests stand on: it is real, it counts, and it leaves nothing.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::harness::{ControlPlane, Runner, control_plane, expect_success};

#[test]
fn the_admin_reads_what_the_api_server_serves() {
    let Ok(cluster) = control_plane() else { return };
    let namespaces =
        expect_success(cluster.kubectl(cluster.admin()).args(["get", "ns", "-o", "name"]));
    assert!(namespaces.contains("namespace/kube-system\n"), "{namespaces}");
    let info = expect_success(cluster.kubectl(cluster.admin()).arg("cluster-info"));
    assert!(info.contains(&cluster.url()), "{info}");
}

#[test]
fn server_and_client_know_their_version() {
    let Ok(cluster) = control_plane() else { return };
    let pinned = include_str!("tools/go.mod")
        .lines()
        .find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes "))
        .and_then(|version| version.split_whitespace().next())
        .expect("a version of k8s.io/kubernetes in go.mod");
    let versions = expect_success(cluster.kubectl(cluster.admin()).args(["version", "-o", "json"]));
    let versions: serde_json::Value = serde_json::from_str(&versions).expect("JSON");
    if std::env::var_os("KUBEBUILDER_ASSETS").is_none() {
        assert_eq!(versions["clientVersion"]["gitVersion"], pinned);
        assert_eq!(versions["serverVersion"]["gitVersion"], pinned);
    }
    assert_eq!(versions["serverVersion"]["major"], "1");
}

#[test]
fn nobody_may_not_list_network_policies() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("forbidden");
    let output = cluster
        .kubectl(cluster.nobody())
        .args(["get", "networkpolicies", "-n", &namespace])
        .output()
        .expect("kubectl runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("(Forbidden)") && said.contains("\"nobody\""), "{said}");
}

#[test]
fn the_audit_log_counts_requests() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("counted");
    cluster.apply(
        &namespace,
        "apiVersion: networking.k8s.io/v1\n\
         kind: NetworkPolicy\n\
         metadata: {name: deny}\n\
         spec: {podSelector: {}}\n",
    );
    let path = format!("/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies");
    let lists = || {
        let requests = cluster.requests().into_iter();
        let lists = requests.filter(|it| it.verb == "list" && it.uri.starts_with(&path));
        lists.map(|it| (it.user, it.status)).collect::<Vec<_>>()
    };
    assert_eq!(lists(), []);
    for kubeconfig in [cluster.admin(), cluster.nobody(), cluster.admin()] {
        let list = ["get", "networkpolicies", "-n", &namespace];
        cluster.kubectl(kubeconfig).args(list).output().expect("kubectl runs");
    }
    let expected = [("admin", 200), ("nobody", 403), ("admin", 200)];
    assert_eq!(lists(), expected.map(|(user, status)| (user.to_owned(), status)));

    let requests = cluster.requests().into_iter();
    let agents = requests.filter(|it| it.uri.starts_with(&path)).map(|it| it.user_agent);
    assert!(agents.into_iter().all(|agent| agent.starts_with("kubectl/v1.")));
}

#[test]
fn nothing_is_left_when_the_tests_end() {
    let Ok(cluster) = control_plane() else { return };
    // What the kernel does to the pipe of a process that ends, however it ends.
    assert_leaves_nothing(cluster, |runner| drop(runner.stdin.take()));
}

#[test]
fn nothing_is_left_after_sigterm() {
    let Ok(cluster) = control_plane() else { return };
    assert_leaves_nothing(cluster, |runner| {
        kill_process(Pid::from_child(&runner.child), Signal::TERM).expect("the runner runs");
    });
}

/// Runs a further cluster, ends it, and looks for its processes and files.
fn assert_leaves_nothing(cluster: &ControlPlane, end: impl FnOnce(&mut Runner)) {
    let mut runner = Runner::start(cluster.programs()).expect("a second cluster");
    let directory = directory(&runner);
    let servers = ["etcd", "kube-apiserver"].map(|name| pid(&directory, name));
    for server in servers {
        test_kill_process(server).expect("the server runs");
    }

    end(&mut runner);
    let status = runner.child.wait().expect("the runner ends");
    assert!(status.success(), "{status}");
    assert!(!directory.exists(), "{} is still there", directory.display());
    for server in servers {
        assert!(test_kill_process(server).is_err(), "{server} still runs");
    }
}

fn directory(runner: &Runner) -> PathBuf {
    runner.file("admin.kubeconfig").parent().expect("a directory").to_path_buf()
}

fn pid(directory: &Path, server: &str) -> Pid {
    let pid = fs::read_to_string(directory.join(format!("{server}.pid"))).expect("a pid file");
    Pid::from_raw(pid.trim_end().parse().expect("a number")).expect("not zero")
}
