//! `doctor`: on a PATH made for it, and against a real API server.

use crate::harness::{ControlPlane, expect_success, fluxkube, homekube, plugin};
use crate::live_dialects::dialects;
use crate::run::{FRONT, Run, command, run};
use serde_json::{Value, json};
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

/// docs/semantics/kubectl.md#finding-a-plugin: the longest name wins over the order of PATH, so that
/// a stale sub-binary shadows the front.
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
    has(&done, "- cilium is not on PATH; install it for observe --ui");
    has(&done, "✗ no cluster: nothing is in the kubeconfig (/dev/null)");
    let empty = tempfile::tempdir().unwrap();
    let none = doctor(&[empty.path()], &[]);
    has(&none, "✗ kubectl-netpol is not on PATH; add ");
}

/// Google's kubectl runs another of its package, by the version of the server, and some of these tell no
/// version. Neither is wrong.
#[test]
fn the_kubectl_of_google() {
    let path = with_front();
    let place = path.path().display();
    let says = |version: &str| {
        let json = format!("{{\"clientVersion\": {{\"gitVersion\": \"{version}\"}}}}");
        program(path.path(), "kubectl", &format!("echo '{json}'"));
        doctor(&[path.path()], &[])
    };
    has(
        &says("v1.32.4-dispatcher"),
        &format!(
            "- kubectl v1.32.4-dispatcher ({place}/kubectl) is Google's, which asks a server before it \
             works; put another kubectl before it on PATH for a -k that asks nobody"
        ),
    );
    let none = says("v0.0.0-master+$Format:%H$");
    has(&none, &format!("- kubectl tells no version ({place}/kubectl)"));
    let plain = says("v1.32.4-gke.1");
    has(&plain, &format!("✓ kubectl v1.32.4-gke.1 ({place}/kubectl)"));
}

/// `observe` finds its programs by variables too, and so does `doctor`.
#[test]
fn programs_that_variables_name() {
    let (path, elsewhere) = (with_front(), tempfile::tempdir().unwrap());
    program(path.path(), "hubble", "echo 'hubble v1.18.3 compiled'");
    program(elsewhere.path(), "hubble-old", "echo 'hubble v1.16.2 compiled'");
    program(elsewhere.path(), "hubble-older", "echo 'hubble v0.11.0 compiled'");
    program(elsewhere.path(), "cilium-cli", "echo 'cilium-cli: v0.18.8 compiled'");
    let place = elsewhere.path().display();
    let with = |variable: &str, name: &str| {
        let mut doctor = command(FRONT, &["doctor"]);
        let path = std::env::join_paths([path.path()]).unwrap();
        doctor.env("PATH", path).env("COLUMNS", "80").env(variable, elsewhere.path().join(name));
        run(&mut doctor, b"")
    };
    let old = with("HUBBLE_BIN", "hubble-old");
    has(
        &old,
        &format!(
            "- hubble v1.16.2 ({place}/hubble-old) does not find the relay by itself, which it does \
             from v1.17.0 on; give observe --hubble-server, or update it"
        ),
    );
    let older = with("HUBBLE_BIN", "hubble-older");
    has(
        &older,
        &format!("✗ {place}/hubble-older is Hubble 0.11.0, and observe needs 0.12.0 or newer:"),
    );
    let none = with("HUBBLE_BIN", "nothing");
    has(&none, &format!("✗ HUBBLE_BIN is {place}/nothing: "));
    let cilium = with("CILIUM_BIN", "cilium-cli");
    has(&cilium, &format!("✓ cilium v0.18.8 ({place}/cilium-cli)"));
    has(&cilium, &format!("✓ hubble v1.18.3 ({}/hubble)", path.path().display()));
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
    // Where it is that of the context, there are some.
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut of_context: Value = serde_json::from_str(&expect_success(
        cluster.kubectl(&admin).args(["config", "view", "--raw", "-o", "json"]),
    ))
    .unwrap();
    of_context["contexts"][0]["context"]["namespace"] = "monitoring".into();
    std::fs::write(file.path(), of_context.to_string()).unwrap();
    let done = asked(cluster, file.path(), &["--as", "one-namespace", "-o", "json"]);
    let rights = of_area(&done.stdout, "Rights");
    let only = "only in monitoring you may list pods, services, networkpolicies,";
    assert!(rights[0].0 == "Wrong" && rights[0].1.starts_with(only), "{rights:?}");
    let nowhere = ("Wrong", "you may not list namespaces, nodes in all namespaces");
    assert_eq!(rights[1], (nowhere.0.to_owned(), nowhere.1.to_owned()));
    let done = kubectl(&["-n", "monitoring"]);
    assert_eq!(
        of_area(&done.stdout, "Rights"),
        pairs(&[
            ("Ok", "all that is read may be listed in monitoring"),
            (
                "Note",
                "only in monitoring you may list pods, services, networkpolicies, endpointslices, \
                 deployments, replicasets, statefulsets, daemonsets, jobs, cronjobs, \
                 replicationcontrollers"
            ),
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

/// docs/semantics/cilium-objects.md#settings-of-the-agent: the settings of the agent that change what
/// policies mean.
#[test]
fn what_cilium_makes_of_policies() {
    let Ok((dialects, _turn)) = dialects() else { return };
    let cluster = &dialects.homekube.cluster;
    let network = || {
        let done = asked(cluster, &cluster.admin(), &["-o", "json"]);
        (done.code, of_area(&done.stdout, "Network"))
    };
    let agent = |image: &str| {
        json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet",
            "metadata": {"name": "cilium", "namespace": "kube-system"},
            "spec": {
                "selector": {"matchLabels": {"k8s-app": "cilium"}},
                "template": {
                    "metadata": {"labels": {"k8s-app": "cilium"}},
                    "spec": {"containers": [{"name": "cilium-agent", "image": image}]},
                },
            },
        })
    };
    let config = |data: Value| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": data,
            "metadata": {"name": "cilium-config", "namespace": "kube-system"},
        })
    };
    let (code, found) = network();
    assert_eq!(found[0].0, "Note", "{found:?}");
    assert!(found[0].1.starts_with("the settings of Cilium are not known: "), "{found:?}");
    assert_eq!(code, 0, "not to be known is nothing wrong");

    let well = [
        agent("quay.io/cilium/cilium:v1.20.1@sha256:abc"),
        config(json!({"enable-policy": "always", "enable-k8s-cluster-network-policy": "true"})),
    ];
    dialects.with(&well, &mut |_| {
        let always =
            "enable-policy is always: every pod is isolated, whether a policy selects it or not";
        let release = "Cilium v1.20.1 enforces policies, read as by cilium-1.20";
        assert_eq!(network(), (0, pairs(&[("Ok", release), ("Ok", always)])));
    });
    let settings = config(json!({
        "enable-policy": "never", "policy-audit-mode": "true",
        "enable-k8s-networkpolicy": "false", "enable-l7-proxy": "false",
        "enable-non-default-deny-policies": "false",
    }));
    let amiss = [agent("quay.io/cilium/cilium:v1.16.5"), settings];
    dialects.with(&amiss, &mut |_| {
        let (code, found) = network();
        assert_eq!(code, 1);
        assert_eq!(
            found,
            pairs(&[
                // The nearest that is known.
                ("Ok", "Cilium v1.16.5 enforces policies, read as by cilium-1.18"),
                ("Wrong", "enable-policy is never: Cilium enforces no policy"),
                ("Wrong", "policy-audit-mode is on: what policies deny is let through"),
                ("Wrong", "enable-k8s-networkpolicy is false: Cilium enforces no NetworkPolicy"),
                (
                    "Note",
                    "enable-non-default-deny-policies is false: policies isolate whatever their \
                     enableDefaultDeny"
                ),
                (
                    "Note",
                    "enable-l7-proxy is false: policies with rules for HTTP or DNS are rejected"
                ),
                (
                    "Note",
                    "Cilium enforces no ClusterNetworkPolicy here, although the cluster has that \
                     kind"
                ),
            ])
        );
    });
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
