//! Flows beside a live cluster, which changes while they are followed.

use super::{Fake, observe};
use crate::bootstrap::connection::Own;
use crate::harness::{ControlPlane, control_plane, expect_success};
use crate::live_dialects::dialects;
use crate::run::text;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Nothing that is waited for takes longer.
const LONG: Duration = Duration::from_mins(1);

pub(super) fn pod(cluster: &ControlPlane, namespace: &str, name: &str, ip: &str) {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    });
    cluster.apply(namespace, &pod.to_string());
    let status = json!({"status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]}});
    expect_success(
        cluster
            .kubectl(cluster.admin())
            .args(["patch", "pod", name, "-n", namespace, "--subresource=status", "--type=merge"])
            .args(["-p", &status.to_string()]),
    );
}

fn policy(name: &str, ingress: &Value) -> String {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": ingress},
    })
    .to_string()
}

pub(super) fn flow(namespace: &str, from: &str, to: &str) -> String {
    json!({"flow": {
        "time": "2026-01-01T00:00:00Z", "verdict": "FORWARDED",
        "IP": {"source": "10.9.0.1", "destination": "10.9.0.2"},
        "l4": {"TCP": {"source_port": 40000, "destination_port": 80}},
        "source": {"identity": 1000, "namespace": namespace, "pod_name": from},
        "destination": {"identity": 1001, "namespace": namespace, "pod_name": to},
        "event_type": {"type": 5}, "traffic_direction": "INGRESS", "is_reply": false, "node_name": "n",
    }})
    .to_string()
}

/// The same flow, sent again and again, is judged by what the cluster is at the time.
#[test]
fn predictions_stay_current() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("observed");
    pod(cluster, &namespace, "web", "10.9.0.1");
    pod(cluster, &namespace, "db", "10.9.0.2");
    let (web, late) = (flow(&namespace, "web", "db"), flow(&namespace, "late", "db"));
    let hubble =
        Fake::hubble("v1.19.4", &format!("while sleep 0.2; do echo '{web}'; echo '{late}'; done"));
    let mut child = observe(&["--follow", "-o", "json", "-n", &namespace], Some(&hubble.program))
        .env("KUBECONFIG", cluster.admin())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut wait_for = |what: &str, wanted: &dyn Fn(&Value) -> bool| {
        let deadline = Instant::now() + LONG;
        loop {
            let line = lines.next().expect("more flows").unwrap();
            let flow: Value = serde_json::from_str(&line).unwrap();
            if wanted(&flow) {
                return flow;
            }
            assert!(Instant::now() < deadline, "{what} did not come about: {flow:#}");
        }
    };
    let of = |flow: &Value, pod: &str, verdict: &str| {
        text(flow, "/source/pod") == pod && text(flow, "/predicted/ingress/verdict") == verdict
    };
    wait_for("an open namespace", &|flow| of(flow, "web", "Allowed"));
    wait_for("a pod that is not known", &|flow| {
        text(flow, "/source/pod") == "late" && flow["predicted"].is_null()
    });

    cluster.apply(&namespace, &policy("deny", &json!([])));
    let denied = wait_for("a denial", &|flow| of(flow, "web", "Denied"));
    assert_eq!(text(&denied, "/predicted/ingress/policies/0/name"), "deny");
    // The policy was written after the flow was seen: that is the likeliest reason.
    let likely = text(&denied, "/likely/0");
    assert_eq!(likely, format!("{namespace}/netpol/deny was written after this flow"));

    let from_late = json!([{"from": [{"podSelector": {"matchLabels": {"app": "late"}}}]}]);
    cluster.apply(&namespace, &policy("allow-late", &from_late));
    pod(cluster, &namespace, "late", "10.9.0.3");
    wait_for("a new pod that is admitted", &|flow| of(flow, "late", "Allowed"));

    let mut delete = cluster.kubectl(cluster.admin());
    expect_success(delete.args(["delete", "netpol", "deny", "allow-late", "-n", &namespace]));
    wait_for("an open namespace again", &|flow| of(flow, "web", "Allowed"));

    let process = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    for _ in lines.by_ref() {}
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
    // The kubeconfig is the environment's: nothing of it is on the command line.
    let arguments = fs::read_to_string(hubble.path("arguments")).unwrap();
    assert_eq!(
        arguments.trim(),
        format!(
            "observe -o jsonpb --port-forward --port-forward-port 0 --follow --namespace {namespace} \
             --type policy-verdict --type drop --type l7"
        )
    );
}

/// The lines of a stream as they come.
fn sent(stream: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (send, lines) = mpsc::channel();
    let all = BufReader::new(stream).lines();
    thread::spawn(move || all.map_while(Result::ok).try_for_each(|line| send.send(line)));
    lines
}

/// A running `observe --follow -o json`, whose flows are waited for.
struct Followed {
    child: std::process::Child,
    /// Read all the time, so that it never waits for whoever reads.
    lines: mpsc::Receiver<String>,
    /// What it says beside the answer.
    words: mpsc::Receiver<String>,
}

impl Followed {
    fn start(cluster: &ControlPlane, hubble: &Fake, words: &[&str]) -> Self {
        Self::start_by(&cluster.admin(), hubble, words)
    }

    fn start_by(kubeconfig: &Path, hubble: &Fake, words: &[&str]) -> Self {
        let mut child = observe(&["--follow", "-o", "json"], Some(&hubble.program))
            .args(words)
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = sent(child.stdout.take().unwrap());
        let words = sent(child.stderr.take().unwrap());
        Self { child, lines, words }
    }

    /// A line beside the answer that has these words; others before it are not expected.
    fn wait_for_word(&mut self, words: &str) {
        let line = self.words.recv_timeout(LONG).expect(words);
        assert!(line.contains(words), "{words:?}: {line}");
    }

    /// The first flow whose ingress is predicted so, by this policy or by none.
    fn wait_for(&mut self, verdict: &str, policy: Option<&str>) {
        let deadline = Instant::now() + LONG;
        loop {
            let line = self.lines.recv_timeout(LONG).expect("more flows");
            let flow: Value = serde_json::from_str(&line).unwrap();
            let by = flow.pointer("/predicted/ingress/policies/0/name").and_then(Value::as_str);
            if text(&flow, "/predicted/ingress/verdict") == verdict && by == policy {
                return;
            }
            assert!(Instant::now() < deadline, "{verdict} by {policy:?} did not come: {flow:#}");
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Policies of Cilium and of administrators are watched as NetworkPolicies are.
#[test]
fn predictions_stay_current_for_every_kind() {
    let Ok((dialects, _turn)) = dialects() else { return };
    let cluster = &dialects.homekube.cluster;
    let namespace = cluster.namespace("observed-kinds");
    pod(cluster, &namespace, "web", "10.9.1.1");
    pod(cluster, &namespace, "db", "10.9.1.2");
    let web = flow(&namespace, "web", "db");
    let hubble = Fake::hubble("v1.19.4", &format!("while sleep 0.2; do echo '{web}'; done"));
    let delete = |kind: &str, name: &str| {
        let mut delete = cluster.kubectl(cluster.admin());
        expect_success(delete.args(["delete", kind, name, "-n", &namespace]));
    };

    let mut followed = Followed::start(cluster, &hubble, &["-n", &namespace]);
    followed.wait_for("Allowed", None);
    let cilium = |app: &str| {
        let from = json!([{"fromEndpoints": [{"matchLabels": {"app": app}}]}]);
        json!({
            "apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "only"},
            "spec": {"endpointSelector": {"matchLabels": {"app": "db"}}, "ingress": from},
        })
        .to_string()
    };
    cluster.apply(&namespace, &cilium("nobody"));
    followed.wait_for("Denied", Some("only"));
    cluster.apply(&namespace, &cilium("web"));
    followed.wait_for("Allowed", Some("only"));
    delete("ciliumnetworkpolicies", "only");
    followed.wait_for("Allowed", None);
    let wide = json!({
        "apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy",
        "metadata": {"name": "wide"},
        "spec": {
            "endpointSelector": {"matchLabels": {"k8s:io.kubernetes.pod.namespace": namespace}},
            "ingressDeny": [{"fromEntities": ["cluster"]}],
        },
    });
    cluster.apply_with(&[], &wide.to_string());
    followed.wait_for("Denied", Some("wide"));
    delete("ciliumclusterwidenetworkpolicies", "wide");
    followed.wait_for("Allowed", None);
    drop(followed);

    // Cilium of this version does not enforce those of administrators.
    let flags = ["-n", &namespace, "--enforcer", "kubernetes"];
    let mut followed = Followed::start(cluster, &hubble, &flags);
    followed.wait_for("Allowed", None);
    let admin = json!({
        "apiVersion": "policy.networking.k8s.io/v1alpha2", "kind": "ClusterNetworkPolicy",
        "metadata": {"name": "closed"},
        "spec": {
            "tier": "Admin", "priority": 1,
            "subject": {"namespaces": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}},
            "ingress": [{"action": "Deny", "from": [{"namespaces": {}}]}],
        },
    });
    cluster.apply_with(&[], &admin.to_string());
    followed.wait_for("Denied", Some("closed"));
    delete("clusternetworkpolicies", "closed");
    followed.wait_for("Allowed", None);
}

/// A kind that is installed while flows are followed is watched from then on; and that watching stops with
/// the server, and goes on with it, is said.
#[test]
fn kinds_that_come_later_and_a_server_that_goes() {
    let Ok(shared) = control_plane() else { return };
    let own = Own::start(shared);
    own.apply(
        r#"{"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "late"}},
            {"apiVersion": "v1", "kind": "ServiceAccount",
             "metadata": {"name": "default", "namespace": "late"}}]}"#,
    );
    for (name, ip) in [("web", "10.9.2.1"), ("db", "10.9.2.2")] {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "late", "labels": {"app": name}},
            "spec": {
                "automountServiceAccountToken": false, "containers": [{"name": "c", "image": "x"}],
            },
        });
        own.apply(&pod.to_string());
        let status = json!({"status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]}});
        let words = ["patch", "pod", name, "-n", "late", "--subresource=status", "--type=merge"];
        expect_success(own.kubectl().args(words).args(["-p", &status.to_string()]));
    }
    let web = flow("late", "web", "db");
    let hubble = Fake::hubble("v1.19.4", &format!("while sleep 0.2; do echo '{web}'; done"));
    let mut followed = Followed::start_by(&own.kubeconfig(), &hubble, &["-n", "late"]);
    followed.wait_for("Allowed", None);

    own.apply(&crate::live_dialects::definition(&crate::live_dialects::KINDS[0]).to_string());
    let established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"];
    expect_success(own.kubectl().args(established));
    let closed = json!({
        "apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy",
        "metadata": {"name": "closed", "namespace": "late"},
        "spec": {"endpointSelector": {}, "ingress": [{}]},
    });
    own.apply(&closed.to_string());
    followed.wait_for("Denied", Some("closed"));

    let server = own.kill("kube-apiserver");
    followed.wait_for_word("watching has stopped: ");
    own.start_anew("kube-apiserver", server);
    followed.wait_for_word("watching goes on: ");
    expect_success(own.kubectl().args([
        "delete",
        "ciliumnetworkpolicies.cilium.io",
        "closed",
        "-n",
        "late",
    ]));
    followed.wait_for("Allowed", None);
    let more: Vec<String> = followed.words.try_iter().collect();
    assert_eq!(more, Vec::<String>::new(), "each is said once");
}

#[test]
fn who_may_read_nothing_is_told() {
    let Ok(cluster) = control_plane() else { return };
    let hubble = Fake::hubble("v1.19.4", "exit 0");
    let mut command = observe(&[], Some(&hubble.program));
    let answer = crate::run::run(command.env("KUBECONFIG", cluster.nobody()), b"");
    assert_eq!(answer.code, 2, "{answer:?}");
    assert!(answer.stderr.contains("not allowed for \"nobody\""), "{answer:?}");
}
