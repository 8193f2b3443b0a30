//! `explain --reconcile` has Flux apply what Git has, and explains what is then.

use super::{GRAFANA_TO_KEYCLOAK, json, says};
use crate::harness::{Controllers, FIRST, FluxKube, fluxkube, root};
use serde_json::Value;
use std::time::{Duration, Instant};

const SECOND: &str = "main@sha1:2222222222222222222222222222222222222222";

/// What the repaired HomeKube has in a directory, as kustomize-controller applies it.
fn apply(kube: &FluxKube, directory: &str) {
    let cluster = &kube.homekube.cluster;
    let mut command = cluster.kubectl(cluster.admin());
    command.current_dir(root()).args([
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=kustomize-controller",
        "-f",
        &format!("{directory}/network-policies.yaml"),
    ]);
    crate::harness::expect_success(&mut command);
}

fn requests(kube: &FluxKube, kind: &str, name: &str) -> Value {
    let get = ["get", kind, name, "-n", "flux-system", "-o", "json"];
    let object: Value = serde_json::from_str(&kube.kubectl(&get)).expect("JSON");
    let handled = object["status"]["lastHandledReconcileAt"].clone();
    assert_eq!(object["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"], handled);
    handled
}

#[test]
fn what_git_has_is_applied_and_explained() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let applied = move |_: &str| {
        apply(kube, "examples/homekube-fixed/observability");
        Ok(())
    };
    let controllers = Controllers::start(kube, SECOND, applied);
    let before = kube.netpol(GRAFANA_TO_KEYCLOAK);
    assert!(says(&before, "Missing on both sides"), "{}", before.all());
    let answer = kube.netpol(&format!("{GRAFANA_TO_KEYCLOAK} --reconcile"));
    drop(controllers);
    apply(kube, "examples/homekube/observability");
    assert_eq!(answer.code, 1, "{}", answer.all());
    assert_eq!(
        answer.stderr,
        "DENIED before reconciling\n\
         reconciled: GitRepository flux-system/homekube is at main@sha1:22222222\n\
         reconciled: Kustomization flux-system/observability is at main@sha1:22222222\n"
    );
    // The egress side came with the new revision; the ingress side is another Kustomization's.
    assert!(says(&answer, "Missing on one side: ingress in identity."), "{}", answer.all());
    let sentence =
        "has applied main@sha1:22222222, all that GitRepository flux-system/homekube has.";
    assert!(says(&answer, sentence), "{}", answer.all());
    let asked = requests(kube, "kustomization", "observability");
    assert!(asked.as_str().is_some_and(|time| time.ends_with('Z')), "{asked}");
    assert!(asked.as_str() > requests(kube, "gitrepository", "homekube").as_str());
    assert_eq!(requests(kube, "kustomization", "identity"), Value::Null);
}

/// The real CLI is satisfied by the same stand-in, and leaves the same traces.
#[test]
fn the_cli_does_the_same() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let controllers = Controllers::start(kube, SECOND, |_| Ok(()));
    let words = ["reconcile", "kustomization", "observability", "--with-source", "--timeout=1m"];
    let output = kube.flux(&words).output().expect("flux runs");
    drop(controllers);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("✔ fetched revision main@sha1:2222"), "{said}");
    assert!(said.contains("✔ applied revision main@sha1:2222"), "{said}");
    assert!(requests(kube, "kustomization", "observability").is_string());
    let answer = kube.netpol(GRAFANA_TO_KEYCLOAK);
    assert!(says(&answer, "observability has applied main@sha1:22222222"), "{}", answer.all());
}

#[test]
fn a_failure_is_told_at_once() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let why = "NetworkPolicy/monitoring/x dry-run failed (Invalid)";
    let controllers = Controllers::start(kube, SECOND, move |_| Err(why.to_owned()));
    let started = Instant::now();
    let answer = kube.netpol(&format!("{GRAFANA_TO_KEYCLOAK} --reconcile --timeout 2m"));
    drop(controllers);
    assert!(started.elapsed() < Duration::from_mins(1), "{}", answer.all());
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{}", answer.all());
    let error = format!(
        "error: reconciling Kustomization flux-system/observability: ReconciliationFailed: {why}\n"
    );
    assert!(answer.stderr.ends_with(&error), "{}", answer.all());
}

#[test]
fn what_is_suspended_is_left_alone() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let _controllers = Controllers::start(kube, SECOND, |_| Ok(()));
    kube.suspend("gitrepository", "homekube");
    let answer = kube.netpol(&format!("{GRAFANA_TO_KEYCLOAK} --reconcile"));
    assert_eq!(answer.code, 2, "{}", answer.all());
    let error = "error: reconciling GitRepository flux-system/homekube: it is suspended; `flux resume \
                 source git homekube -n flux-system` lets it go on\n";
    assert!(answer.stderr.ends_with(error), "{}", answer.all());
    kube.suspend("kustomization", "observability");
    let answer = kube.netpol(&format!("{GRAFANA_TO_KEYCLOAK} --reconcile"));
    let error = "error: reconciling Kustomization flux-system/observability: it is suspended; `flux \
                 resume kustomization observability -n flux-system` lets it go on\n";
    assert!(answer.stderr.ends_with(error), "{}", answer.all());
    assert!(!answer.requests.iter().any(|it| it.verb == "patch"), "{}", answer.all());
}

#[test]
fn time_has_a_limit() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let answer = kube.netpol(&format!("{GRAFANA_TO_KEYCLOAK} --reconcile --timeout 1s"));
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{}", answer.all());
    let error = "error: reconciling GitRepository flux-system/homekube: not done within 1 s: its \
                 controller has not taken it up, perhaps since it does not run; Flux goes on by itself, and --timeout \
                 waits longer\n";
    assert!(answer.stderr.ends_with(error), "{}", answer.all());
}

/// Labels may have been taken away; what a Kustomization says it has made tells its owner too.
#[test]
fn an_owner_is_found_in_the_inventory() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    kube.applied("identity", FIRST, &["identity_allow-prometheus-scrape"]);
    let controllers = Controllers::start(kube, SECOND, |_| Ok(()));
    let words = "explain -n monitoring prometheus identity/keycloak:8080";
    let answer = kube.netpol(&format!("{words} --reconcile -o json"));
    drop(controllers);
    assert_eq!(answer.code, 1, "{}", answer.all());
    assert!(answer.stderr.contains("reconciled: Kustomization flux-system/identity is at"));
    assert_eq!(json(&answer)["verdict"], "Denied");
    // Who does not ask for it is not made to wait for a search.
    let answer = kube.netpol(words);
    assert!(!answer.requests.iter().any(|it| it.uri.contains("/kustomizations?")));
}

#[test]
fn there_must_be_something_to_reconcile() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    for (words, error) in [
        (
            "explain default/whoami default/svc/whoami --reconcile",
            "error: nothing to reconcile: no policy that decides here comes from Flux\n",
        ),
        (
            "explain -f examples/homekube default/whoami default/svc/whoami --reconcile",
            "error: --reconcile asks Flux in the live cluster, and -f and -k name manifests instead; \
             with --with they are laid over the cluster\n",
        ),
        (
            "explain -f - --with default/whoami default/svc/whoami --reconcile",
            "error: --reconcile reads manifests twice, and standard input can be read only once: name \
             a file\n",
        ),
    ] {
        let answer = kube.netpol(words);
        assert_eq!((answer.code, answer.stderr.as_str()), (2, error), "{}", answer.all());
    }
    let answer = kube.netpol("explain a b --timeout 1m");
    assert!(answer.stderr.contains("--reconcile"), "{}", answer.all());
}

/// Ctrl-C ends the waiting, and says that Flux goes on.
#[test]
fn it_can_be_interrupted() {
    let Ok((kube, _turn)) = fluxkube() else { return };
    let mut command = crate::run::command(crate::run::FRONT, &[]);
    command.args(GRAFANA_TO_KEYCLOAK.split(' ')).arg("--reconcile");
    command.env("KUBECONFIG", kube.homekube.cluster.admin());
    command.stdin(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("our binary runs");
    let asked = || {
        let path = "jsonpath={.metadata.annotations.reconcile\\.fluxcd\\.io/requestedAt}";
        kube.kubectl(&["get", "gitrepository", "homekube", "-n", "flux-system", "-o", path])
    };
    let deadline = Instant::now() + Duration::from_mins(1);
    while asked().is_empty() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).expect("a process");
    let code = child.wait().expect("it ends").code();
    let output = child.wait_with_output().expect("its output");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("error: interrupted: what was asked of Flux goes on there"), "{said}");
}
