//! `doctor`: on a PATH made for it, and against a real API server.

use crate::harness::{ControlPlane, fluxkube, homekube, plugin};
use crate::run::{FRONT, Run, command, run};
use serde_json::Value;
use std::os::unix::fs::symlink;
use std::path::Path;
use tempfile::TempDir;

/// A program that says something, written by another process: what this one writes, a child of
/// another test may hold open, and then it cannot be run.
fn program(directory: &Path, name: &str, script: &str) {
    let path = directory.join(name);
    let write = ["-c", "cat > \"$1\" && chmod +x \"$1\"", "sh", path.to_str().unwrap()];
    let done = run(&mut command("/bin/sh", &write), format!("#!/bin/sh\n{script}\n").as_bytes());
    assert_eq!(done.code, 0, "{done:?}");
}

fn with_front() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    symlink(FRONT, directory.path().join("kubectl-netpol")).unwrap();
    directory
}

/// `doctor` with these directories as PATH and no cluster.
fn doctor(path: &[&Path], words: &[&str]) -> Run {
    let mut doctor = command(FRONT, &[&["doctor"][..], words].concat());
    run(doctor.env("PATH", std::env::join_paths(path).unwrap()).env("COLUMNS", "80"), b"")
}

fn has(run: &Run, line: &str) {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&run.stdout).contains(line), "{line:?} is not in\n{run:?}");
}

/// kubectl-krew-flux section 1: the longest name wins over the order of PATH, so that a stale
/// sub-binary shadows the front.
#[test]
fn stale_and_shadowed_binaries() {
    let (first, second) = (with_front(), with_front());
    let front = second.path().join("kubectl-netpol");
    std::fs::remove_file(&front).unwrap();
    program(second.path(), "kubectl-netpol", "echo kubectl netpol 0.0.1");
    program(second.path(), "kubectl-netpol-explain", "echo kubectl netpol explain 0.0.1");
    // One directory twice is no conflict.
    let done = doctor(&[first.path(), second.path(), first.path()], &[]);
    assert_eq!(done.code, 1, "{done:?}");
    let version = env!("CARGO_PKG_VERSION");
    let here = first.path().join("kubectl-netpol");
    has(&done, &format!("✓ kubectl-netpol {version} ({})", here.display()));
    has(
        &done,
        &format!(
            "✗ {} is never run: {} comes before it on PATH; remove one of them",
            front.display(),
            here.display()
        ),
    );
    let stale = second.path().join("kubectl-netpol-explain");
    has(
        &done,
        &format!(
            "✗ kubectl-netpol-explain 0.0.1 ({}) is not of this version, {version}; kubectl runs it \
             nevertheless; install it anew, or remove it",
            stale.display()
        ),
    );
}

#[test]
fn programs_and_their_versions() {
    let path = with_front();
    program(path.path(), "flux", "echo '{\"flux\": \"v2.7.3\"}'");
    program(path.path(), "hubble", "echo 'hubble v1.18.3@HEAD compiled'");
    program(path.path(), "kustomize", "echo broken >&2; exit 3");
    let done = doctor(&[path.path()], &[]);
    assert_eq!((done.code, done.stderr.as_str()), (1, ""), "{done:?}");
    let place = path.path().display();
    has(&done, &format!("✓ flux v2.7.3 ({place}/flux)"));
    has(&done, &format!("✓ hubble v1.18.3 ({place}/hubble)"));
    has(
        &done,
        &format!(
            "✗ kustomize does not run: exit status: 3: broken; install it anew, or remove \
             {place}/kustomize"
        ),
    );
    has(&done, "- kubectl is not on PATH; install it for -k");
    has(&done, "✓ cilium is not on PATH, and no command here needs it");
    has(&done, "✗ no cluster: there is no kubeconfig");
    let empty = tempfile::tempdir().unwrap();
    let none = doctor(&[empty.path()], &[]);
    has(&none, "✗ kubectl-netpol is not on PATH; add ");
}

/// The checks of an area, as state and sentence.
fn of_area(stdout: &str, area: &str) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(stdout).unwrap();
    let text = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
    let checks = report["checks"].as_array().unwrap().iter();
    let of_area = checks.filter(|check| check["area"] == area);
    of_area.map(|check| (text(check, "state"), text(check, "says"))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(state, says)| ((*state).to_owned(), (*says).to_owned())).collect()
}

/// The real kubectl with only the front, and itself, on PATH.
fn asked(cluster: &ControlPlane, kubeconfig: &Path, words: &[&str]) -> Run {
    let path = with_front();
    symlink(cluster.programs().join("kubectl"), path.path().join("kubectl")).unwrap();
    let mut kubectl = plugin(cluster, kubeconfig);
    kubectl.env("PATH", path.path()).args(["netpol", "doctor"]).args(words);
    run(&mut kubectl, b"")
}

#[test]
fn a_cluster_where_all_is_well() {
    let Ok(homekube) = homekube() else { return };
    let _turn = homekube.turn();
    let cluster = &homekube.cluster;
    let done = asked(cluster, &cluster.admin(), &["-o", "json"]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""), "{done:?}");
    let report = done.json();
    assert_eq!(
        (&report["apiVersion"], &report["kind"], &report["well"]),
        (&"netpol/v1alpha1".into(), &"Checkup".into(), &true.into())
    );
    let found = of_area(&done.stdout, "Cluster");
    assert_eq!(found[0].0, "Ok");
    assert!(found[0].1.starts_with("Kubernetes v1."), "{found:?}");
    assert_eq!(
        of_area(&done.stdout, "Rights"),
        pairs(&[
            ("Ok", "all that is read may be listed in all namespaces"),
            ("Ok", "bootstrap may write in all namespaces"),
        ])
    );
    assert_eq!(
        of_area(&done.stdout, "Network"),
        pairs(&[(
            "Note",
            "the cluster names none; policies are read as the specifications have them"
        )])
    );
}

/// Who may list in one namespace only is told so, and which commands need more.
#[test]
fn rights_in_one_namespace() {
    let Ok(homekube) = homekube() else { return };
    let _turn = homekube.turn();
    let cluster = &homekube.cluster;
    let rules = "[{apiGroups: ['', apps, batch, networking.k8s.io, discovery.k8s.io], resources: ['*'], \
                 verbs: [list]}]";
    cluster.apply(
        "monitoring",
        &format!(
            "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: lists}}, rules: \
             {rules}}}\n---\n{{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: \
             {{name: lists}}, roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: \
             lists}}, subjects: [{{kind: User, name: one-namespace}}]}}\n"
        ),
    );
    let admin = cluster.admin();
    let kubectl = |words: &[&str]| {
        asked(cluster, &admin, &[&["--as", "one-namespace", "-o", "json"], words].concat())
    };
    // Without -n the namespace is that of the context, where there are no rights at all.
    let done = kubectl(&[]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(of_area(&done.stdout, "Rights")[0].1.starts_with("you may not list namespaces, pods,"));
    let done = kubectl(&["-n", "monitoring"]);
    assert_eq!(
        of_area(&done.stdout, "Rights"),
        pairs(&[
            ("Ok", "all that is read may be listed in monitoring"),
            ("Note", "you may not list namespaces, nodes"),
            (
                "Note",
                "bootstrap may not create namespaces, patch namespaces, create networkpolicies, \
                 patch networkpolicies, delete networkpolicies in monitoring"
            ),
        ])
    );
    let nobody = asked(cluster, &cluster.nobody(), &[]);
    assert_eq!(nobody.code, 1, "{nobody:?}");
    has(&nobody, "ask for these rights; without them answers are Unknown or errors");
}

#[test]
fn kinds_that_the_cluster_serves() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let cluster = &kube.homekube.cluster;
    let done = asked(cluster, &cluster.admin(), &["-o", "json"]);
    let kinds = of_area(&done.stdout, "Kinds");
    let flux = kinds.iter().find(|(_, says)| says.starts_with("kustomize.toolkit.fluxcd.io v1"));
    let (state, says) = flux.unwrap_or_else(|| panic!("{kinds:?}"));
    assert_eq!(state, "Ok");
    assert!(says.ends_with(": Kustomizations of Flux are read"), "{says}");
    assert!(
        kinds.contains(&("Ok".into(), "cilium.io is not served: no policies of Cilium".into()))
    );
}

#[test]
fn a_server_that_does_not_answer_is_wrong_and_no_error() {
    let path = with_front();
    let done = doctor(&[path.path()], &["-s", "http://127.0.0.1:9"]);
    assert_eq!((done.code, done.stderr.as_str()), (1, ""), "{done:?}");
    has(&done, "http://127.0.0.1:9 refused the connection");
    let error = doctor(&[path.path()], &["--nonsense"]);
    assert_eq!((error.code, error.stdout.as_str()), (2, ""), "{error:?}");
}
