//! `bootstrap --learn` with flows that come from a hubble.

use super::live::{flow, pod};
use super::{FLOWS, Fake};
use crate::harness::{control_plane, expect_success, hubble};
use crate::run::{FRONT, Run, command, run};
use std::path::Path;

/// `bootstrap NAMESPACE --learn…` against HomeKube's manifests.
fn learn(hubble: &Path, words: &[&str]) -> Run {
    let mut command = command(FRONT, &["bootstrap"]);
    command.args(["-f", "examples/homekube", "--dns", "namespace"]).args(words);
    command.env("HUBBLE_BIN", hubble).env_remove("HUBBLE_SERVER");
    run(&mut command, b"")
}

/// The real CLI filters the recording by our arguments and prints it; what is learned is what is
/// learned of the recording itself.
#[test]
fn through_the_real_cli() {
    let Ok(real) = hubble() else { return };
    let flows = std::fs::canonicalize(FLOWS).unwrap();
    let script = format!(
        "[ \"$1\" = version ] && exec '{0}' version\nexec '{0}' \"$@\" --input-file '{1}'",
        real.get_program().display(),
        flows.display()
    );
    let wrapped = Fake::program("hubble", &script);
    let live = ["--hubble-server", "localhost:1", "--learn=2026-11-20T00:00:00Z"];
    for namespace in ["monitoring", "identity", "default"] {
        let through = learn(&wrapped.program, &[&[namespace][..], &live].concat());
        let recorded = learn(&wrapped.program, &[namespace, "--input-file", FLOWS]);
        assert_eq!((through.code, recorded.code), (0, 0), "{through:?}");
        assert_eq!(through.stdout, recorded.stdout, "{namespace}");
        assert!(recorded.stdout.contains("name: default-deny-ingress"), "{recorded:?}");
        assert!(recorded.stderr.contains("seen from 2026-11-20 10:15:30 to"), "{recorded:?}");
    }
    let old =
        learn(&wrapped.program, &["identity", "--learn=1h", "--hubble-server", "localhost:1"]);
    assert!(old.stderr.contains("identity: 0 connections seen"), "{old:?}");
}

/// What is asked of hubble: every event of the namespace in that time.
#[test]
fn what_is_asked_of_hubble() {
    let fake = Fake::hubble("v1.19.4", "exit 0");
    let run = learn(&fake.program, &["monitoring", "--learn=2026-11-20T00:00:00Z"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(
        fake.arguments(),
        "observe -o jsonpb --port-forward --port-forward-port 0 --since 2026-11-20T00:00:00Z \
         --namespace monitoring"
    );
    let hour = learn(&fake.program, &["monitoring", "--learn"]);
    assert_eq!(hour.code, 0, "{hour:?}");
    assert!(fake.arguments().contains("--since 2"), "{}", fake.arguments());
}

/// Nothing is applied, so flags that are about writing are refused; so is everything that cannot be.
#[test]
fn what_is_refused() {
    let fake = Fake::hubble("v1.19.4", "exit 0");
    let base = ["monitoring", "--input-file", FLOWS];
    for (flags, why) in [
        (&["--yes"][..], "--learn applies nothing, so --yes says nothing"),
        (&["--wait"], "--learn applies nothing, so --wait says nothing"),
        (&["--force-conflicts"], "--learn applies nothing"),
        (&["--dry-run=server"], "--learn applies nothing"),
        (&["--remove"], "contrary to each other"),
    ] {
        let refused = learn(&fake.program, &[&base[..], flags].concat());
        assert_eq!((refused.code, &*refused.stdout), (2, ""), "{flags:?}");
        assert!(refused.stderr.contains(why), "{flags:?}: {refused:?}");
    }
    let useless = learn(&fake.program, &["monitoring"]);
    assert!(useless.stderr.contains("without it they say nothing"), "{useless:?}");
    let missing = learn(Path::new("/nonexistent/hubble"), &["monitoring", "--learn"]);
    assert_eq!((missing.code, &*missing.stdout), (2, ""), "{missing:?}");
    assert!(missing.stderr.contains("HUBBLE_BIN"), "{missing:?}");
    let refused = Fake::hubble("v1.19.4", "echo 'rpc error: code = Unavailable' >&2; exit 1");
    let refused = learn(&refused.program, &["monitoring", "--learn"]);
    assert_eq!((refused.code, &*refused.stdout), (2, ""), "{refused:?}");
}

/// The files for Git have what is learned.
#[test]
fn exported_for_git() {
    let fake = Fake::hubble("v1.19.4", "exit 0");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    let export = ["monitoring", "--input-file", FLOWS, "--export", path, "--export-layout", "many"];
    let done = learn(&fake.program, &export);
    assert_eq!(done.code, 0, "{done:?}");
    let name = "allow-prometheus-to-identity-keycloak.yaml";
    let text = std::fs::read_to_string(directory.path().join(name)).unwrap();
    assert!(text.contains("port: 8080"), "{text}");
    let listed = std::fs::read_to_string(directory.path().join("kustomization.yaml")).unwrap();
    assert!(listed.contains(name), "{listed}");
    let again = learn(&fake.program, &export);
    assert!(again.stdout.contains(&format!("{name} unchanged")), "{again:?}");
}

/// Against a live cluster: nothing is written unasked, and what is printed goes through
/// `kubectl apply -f -`.
#[test]
fn from_a_live_cluster_into_one() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = cluster.namespace("learned");
    pod(cluster, &namespace, "web", "10.9.2.1");
    pod(cluster, &namespace, "db", "10.9.2.2");
    let fake = Fake::hubble("v1.19.4", &format!("echo '{}'", flow(&namespace, "web", "db")));
    let mut learn = command(FRONT, &["bootstrap", &namespace, "--learn=2026-01-01T00:00:00Z"]);
    learn.env("HUBBLE_BIN", &fake.program).env("KUBECONFIG", cluster.admin());
    let learned = run(&mut learn, b"");
    assert_eq!(learned.code, 0, "{learned:?}");
    assert!(learned.stderr.contains("pod/web → pod/db 80/TCP: 1 flow"), "{learned:?}");
    let policies = || {
        let mut get = cluster.kubectl(cluster.admin());
        expect_success(get.args(["get", "netpol", "-n", &namespace, "-o", "name"]))
    };
    assert_eq!(policies(), "", "nothing is applied unasked");
    cluster.apply_with(&[], &learned.stdout);
    for name in ["default-deny-ingress", "allow-dns-egress", "allow-db-from-web", "allow-web-to-db"]
    {
        assert!(policies().contains(&format!("/{name}\n")), "{name}: {}", policies());
    }
    // The same flow gives the same policies, now that they are there.
    let again = run(&mut learn, b"");
    assert_eq!(again.stdout, learned.stdout);
    // A namespace that is missing comes with what is for it, and only then.
    let absent = format!("{namespace}-absent");
    let mut learn = command(FRONT, &["bootstrap", &absent, "--learn=2026-01-01T00:00:00Z"]);
    learn.env("HUBBLE_BIN", &fake.program).env("KUBECONFIG", cluster.admin());
    let with_namespace = run(&mut learn, b"");
    let begins = format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {absent}\n");
    assert!(with_namespace.stdout.starts_with(&begins), "{with_namespace:?}");
    assert!(!learned.stdout.contains("kind: Namespace\n"), "{learned:?}");
}
