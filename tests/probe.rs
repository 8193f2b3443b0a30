//! `kubectl netpol probe`: against a real API server, with a stand-in for what runs in pods: a program called
//! kubectl that runs the script here, where addresses of this machine play the pods; with one that prints
//! whatever a hostile pod may; with a stand-in for a kubelet that runs ephemeral containers; and once with
//! the real kubectl, which the API server leads to one that runs the script.

use crate::harness::{
    ControlPlane, control_plane, control_plane_of_its_own, expect_success, homekube, kubelet,
};
use crate::run::{FRONT, Run, command, run};
use netpol::cluster::Snapshot;
use netpol::effort::Effort;
use netpol::objects::decode_text;
use netpol::policy::{Enforcer, Ruleset};
use netpol::probe::{Attempt, Match, Outcome, Seen, between, compare, cover};
use netpol::verdict::{Question, Verdict};
use serde_json::{Value, json};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Runs what it is told behind `--` here, and writes down how it was called.
const HERE: &str = "#!/bin/sh\nwhile [ \"$1\" != -- ]; do echo \"$1\"; shift; done >> \"$0.ran\"\n\
                    shift\nexec \"$@\"\n";

/// Pods that run, as `NAME ADDRESS LABELS`, and policies.
fn world(pods: &[(&str, &str, &str)], policies: &str, enforcer: &str) -> (Snapshot, Ruleset) {
    let space = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n".to_owned();
    let each = pods.iter().map(|(name, address, labels)| {
        format!(
            "---\napiVersion: v1\nkind: Pod\n\
             metadata: {{name: {name}, namespace: shop, labels: {{app: {name}, {labels}}}}}\n\
             spec: {{containers: [{{name: c, image: x, ports: [{{containerPort: 80}}]}}]}}\n\
             status: {{phase: Running, podIP: {address}, podIPs: [{{ip: {address}}}], \
             conditions: [{{type: Ready, status: 'True'}}]}}\n"
        )
    });
    let all = [space].into_iter().chain(each).chain([policies.to_owned()]);
    let text = all.collect::<Vec<_>>().concat();
    let (objects, warnings) = decode_text(text.into(), Path::new("shop.yaml"), "shop");
    assert!(warnings.is_empty(), "{warnings:?}");
    let (snapshot, written) = objects.assemble();
    let enforcer: Enforcer = enforcer.parse().unwrap();
    let rules = Ruleset::compile(&written, &snapshot, &enforcer);
    (snapshot, rules)
}

/// The one connection between two ends.
fn one((snapshot, rules): &(Snapshot, Ruleset), from: &str, to: &str) -> Attempt {
    let (source, destination) = (from.parse().unwrap(), to.parse().unwrap());
    let namespace = "shop";
    let question = Question { source: &source, destination: &destination, port: None, namespace };
    let (attempts, left_out) = between(snapshot, rules, &question, 20).unwrap();
    assert_eq!((attempts.len(), left_out), (1, 0), "{from} {to}");
    attempts.into_iter().next().unwrap()
}

fn judged(world: &(Snapshot, Ruleset), attempt: &Attempt, seen: Seen) -> Match {
    let outcome = Outcome::Seen { seen, by: "nc".to_owned() };
    compare(&world.0, &world.1, attempt, &outcome)
}

fn is_not_known(judged: &Match, why: &str) {
    assert!(matches!(judged, Match::NotKnown(told) if told.contains(why)), "{judged:?}");
}

const PODS: [(&str, &str, &str); 3] = [
    ("web", "10.0.1.1", ""),
    ("db", "10.0.1.2", ""),
    ("meshed", "10.0.1.3", "security.istio.io/tlsMode: istio"),
];

const CLOSED: &str = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
                      metadata: {name: closed, namespace: shop}\n\
                      spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress]}\n";

/// docs/semantics/connections.md#refused, docs/semantics/connections.md#silence,
/// docs/semantics/connections.md#unreachable and docs/semantics/connections.md#proxies-in-between.
#[test]
fn a_connection_shows_so_much_and_no_more() {
    let world_of = |policies| world(&PODS, policies, "kubernetes");
    let (open, closed) = (world_of(""), world_of(CLOSED));
    let allowed = one(&open, "pod/web", "pod/db:80");
    let denied = one(&closed, "pod/web", "pod/db:80");
    assert_eq!((allowed.predicted(), denied.predicted()), (Verdict::Allowed, Verdict::Denied));
    for (seen, passed) in [
        (Seen::Connected, true),
        (Seen::Refused, true),
        (Seen::Silent, false),
        (Seen::Unreachable, false),
    ] {
        let differs = |it: &Match| matches!(it, Match::Differs(likely) if !likely.is_empty());
        let (one, other) = (judged(&open, &allowed, seen), judged(&closed, &denied, seen));
        let (same, not) = if passed { (&one, &other) } else { (&other, &one) };
        assert_eq!(same, &Match::AsPredicted, "{seen:?}");
        assert!(differs(not), "{seen:?} {not:?}");
    }
    // Whatever a proxy of a mesh takes.
    for seen in [Seen::Connected, Seen::Silent] {
        is_not_known(&judged(&open, &one(&open, "pod/meshed", "pod/db:80"), seen), "mesh");
    }
    // To a pod of the mesh it shows.
    let to = one(&open, "pod/web", "pod/meshed:80");
    assert_eq!(judged(&open, &to, Seen::Connected), Match::AsPredicted);
    // Silence of UDP, and of an address outside.
    let udp = one(&open, "pod/web", "pod/db:53/UDP");
    is_not_known(&judged(&open, &udp, Seen::Silent), "not TCP");
    assert_eq!(judged(&open, &udp, Seen::Connected), Match::AsPredicted);
    let outside = one(&open, "pod/web", "203.0.113.7:443");
    is_not_known(&judged(&open, &outside, Seen::Silent), "nobody in the cluster");
    let outside = one(&closed, "pod/web", "203.0.113.7:443");
    assert_eq!(judged(&closed, &outside, Seen::Silent), Match::AsPredicted);
    assert!(matches!(judged(&closed, &outside, Seen::Connected), Match::Differs(_)));
}

/// Cilium's proxy takes what a rule lets pass on a condition.
#[test]
fn what_passes_on_a_condition_is_not_known() {
    let policy = "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n\
                  metadata: {name: l7, namespace: shop}\n\
                  spec:\n  endpointSelector: {matchLabels: {app: db}}\n  \
                  ingress: [{fromEndpoints: [{matchLabels: {app: web}}], toPorts: \
                  [{ports: [{port: '80', protocol: TCP}], rules: {http: [{path: /a}]}}]}]\n";
    let cilium = world(&PODS, policy, "cilium");
    let attempt = one(&cilium, "pod/web", "pod/db:80");
    for seen in [Seen::Connected, Seen::Silent] {
        is_not_known(&judged(&cilium, &attempt, seen), "condition");
    }
    // Nor is it tried where nobody asked for it.
    let found = cover(&cilium.0, &cilium.1, Some("shop"), 200, Effort::default()).unwrap();
    let conditional = found.attempts.iter().any(Attempt::is_on_condition);
    assert!(!conditional && found.undecided == 1, "{found:#?}");
}

/// Each two kinds of pods once, allowed and denied, the same each time; fewer show most first.
#[test]
fn a_cover_has_every_kind_once() {
    let policies = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
                    metadata: {name: db, namespace: shop}\n\
                    spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], \
                    ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 80}]}]}\n";
    let pods = [
        ("web", "10.0.1.1", ""),
        ("db", "10.0.1.2", ""),
        // Two that no rule tells apart.
        ("one", "10.0.1.3", ""),
        ("two", "10.0.1.4", ""),
    ];
    let world = world(&pods, policies, "kubernetes");
    let shown = |most| {
        let found = cover(&world.0, &world.1, Some("shop"), most, Effort::default()).unwrap();
        let name = |id| world.0.pod(id).name.to_string();
        let each = found.attempts.iter().map(|attempt| {
            let to = attempt.destination.pod().map(name).unwrap();
            format!("{} {to} {} {:?}", name(attempt.source), attempt.port, attempt.predicted())
        });
        (each.collect::<Vec<_>>(), found.kinds)
    };
    let (all, kinds) = shown(200);
    assert_eq!(kinds, all.len(), "{all:#?}");
    for expected in ["one db 80/TCP Denied", "web db 80/TCP Allowed", "web db 443/TCP Denied"] {
        assert!(all.iter().any(|it| it == expected), "{expected}: {all:#?}");
    }
    // The two are one kind.
    assert!(
        all.iter().filter(|it| it.contains(" db ")).all(|it| !it.starts_with("two")),
        "{all:#?}"
    );
    let (few, kinds) = shown(2);
    assert_eq!((few.len(), kinds), (2, all.len()));
    let verdict = |word: &str| few.iter().any(|it| it.ends_with(word));
    assert!(verdict("Allowed") && verdict("Denied"), "{few:#?}");
    assert_eq!(shown(2), (few, kinds));
}

/// A directory with a program that is called kubectl.
fn stand_in(script: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("kubectl");
    fs::write(&file, script).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

/// How it was called; empty where it was not.
fn ran(directory: &TempDir) -> String {
    fs::read_to_string(directory.path().join("kubectl.ran")).unwrap_or_default()
}

fn probe(cluster: &ControlPlane, kubectl: &Path, words: &[&str]) -> Command {
    let mut command = command(FRONT, &["probe"]);
    let path = format!("{}:/usr/bin:/bin:/usr/local/bin", kubectl.display());
    command.args(words).env("KUBECONFIG", cluster.admin()).env("PATH", path).env("COLUMNS", "80");
    command
}

fn ask(cluster: &ControlPlane, kubectl: &TempDir, words: &[&str]) -> Run {
    run(&mut probe(cluster, kubectl.path(), words), b"")
}

/// A listener at an address of this machine that takes everybody.
fn open(address: &str) -> TcpListener {
    TcpListener::bind((address, 0)).unwrap()
}

/// Fills the backlog of a listener, so that Linux drops what comes further, as a policy would.
fn fill(listener: &TcpListener) -> Vec<TcpStream> {
    let (address, short) = (listener.local_addr().unwrap(), Duration::from_millis(300));
    let each = (0..400).map(|_| TcpStream::connect_timeout(&address, short));
    each.map_while(Result::ok).collect()
}

fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().unwrap().port()
}

/// A pod that runs at an address.
fn pod(cluster: &ControlPlane, namespace: &str, name: &str, address: &str, port: u16) {
    pod_on(cluster, (namespace, name), address, port, None);
}

/// The same on a node.
fn pod_on(
    cluster: &ControlPlane,
    (namespace, name): (&str, &str),
    address: &str,
    port: u16,
    node: Option<&str>,
) {
    let labels = json!({"app": name});
    let container = json!({"name": "c", "image": "x", "ports": [{"containerPort": port}]});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "containers": [container], "nodeName": node, "automountServiceAccountToken": false,
        },
    });
    cluster.apply(namespace, &pod.to_string());
    let status = json!({"status": {
        "phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
        "conditions": [{"type": "Ready", "status": "True"}],
    }});
    status_of(cluster, namespace, name, &status);
}

fn status_of(cluster: &ControlPlane, namespace: &str, name: &str, status: &Value) {
    expect_success(
        cluster
            .kubectl(cluster.admin())
            .args(["patch", "pod", name, "-n", namespace, "--subresource=status", "--type=merge"])
            .args(["-p", &status.to_string()]),
    );
}

/// A namespace in which only web may open connections to db.
fn shop(cluster: &ControlPlane, prefix: &str) -> String {
    let namespace = cluster.namespace(prefix);
    let objects = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: default, namespace: {namespace}}}\n\
         ---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata: {{name: db, namespace: {namespace}}}\n\
         spec:\n  podSelector: {{matchLabels: {{app: db}}}}\n  policyTypes: [Ingress]\n  \
         ingress: [{{from: [{{podSelector: {{matchLabels: {{app: web}}}}}}]}}]\n"
    );
    cluster.apply(&namespace, &objects);
    namespace
}

/// One row of an answer by its ends.
fn row<'a>(answer: &'a Value, pod: &str, dialled: &str) -> &'a Value {
    let rows = answer["rows"].as_array().unwrap();
    let found = rows
        .iter()
        .find(|row| row["pod"].as_str().unwrap().ends_with(pod) && row["dialled"] == dialled);
    found.unwrap_or_else(|| panic!("{pod} {dialled}: {answer:#}"))
}

#[test]
fn what_is_seen_stands_beside_what_is_predicted() {
    let Ok(cluster) = control_plane_of_its_own() else { return };
    let cluster = &cluster;
    let namespace = shop(cluster, "probe");
    let (db, web, other) = (open("127.0.1.1"), open("127.0.1.2"), open("127.0.1.3"));
    pod(cluster, &namespace, "db", "127.0.1.1", port(&db));
    pod(cluster, &namespace, "web", "127.0.1.2", port(&web));
    pod(cluster, &namespace, "other", "127.0.1.3", port(&other));
    let kubectl = stand_in(HERE);

    // Nothing enforces anything here: whatever is predicted to be denied differs.
    let told = ask(cluster, &kubectl, &["-n", &namespace, "--yes", "-o", "json", "--rate", "50"]);
    assert_eq!(told.code, 1, "{told:?}");
    let answer = told.json();
    let allowed = row(&answer, "/web", "127.0.1.1");
    assert_eq!((&allowed["predicted"], &allowed["seen"]), (&json!("Allowed"), &json!("Connected")));
    let denied = row(&answer, "/other", "127.0.1.1");
    assert_eq!((&denied["predicted"], &denied["seen"]), (&json!("Denied"), &json!("Connected")));
    assert_eq!(denied["asPredicted"], "No");
    let likely = denied["likely"][0].as_str().unwrap();
    assert!(likely.contains("does not enforce ingress of NetworkPolicy"), "{likely}");
    assert_eq!(answer["differing"], 1, "{answer:#}");

    // It asked for exec of these pods alone, each word by itself.
    let called = ran(&kubectl);
    assert!(called.contains(&format!("exec\n--namespace={namespace}\npod/web\n")), "{called}");
    for line in called.lines() {
        let known = ["exec", "pod/db", "pod/web", "pod/other"];
        assert!(known.contains(&line) || line.starts_with("--namespace="), "{called}");
    }

    // As if the policy were enforced: db answers nobody but web, which is asked for by itself.
    let pair = ["-n", &namespace, "--yes", "--connect-timeout", "1s", "pod/web", "pod/db"];
    let told = ask(cluster, &kubectl, &pair);
    assert_eq!(
        (told.code, told.stdout.lines().next()),
        (0, Some("1 of 1 as predicted.")),
        "{told:?}"
    );
    let waiting = fill(&db);
    let pair = ["-n", &namespace, "--yes", "--connect-timeout", "1s", "pod/other", "pod/db"];
    let told = ask(cluster, &kubectl, &pair);
    assert_eq!(
        (told.code, told.stdout.lines().next()),
        (0, Some("1 of 1 as predicted.")),
        "{told:?}"
    );
    let pair = ["-n", &namespace, "--yes", "--connect-timeout", "1s", "pod/web", "pod/db"];
    let told = ask(cluster, &kubectl, &pair);
    assert_eq!(told.code, 1, "{told:?}");
    assert!(told.stdout.contains("allowed") && told.stdout.contains("silent"), "{told:?}");
    assert!(told.stdout.lines().all(|line| line.chars().count() <= 80), "{told:?}");
    drop(waiting);

    // Refused counts as passed; names are resolved where the program runs.
    drop(web);
    let pair = ["-n", &namespace, "--yes", "pod/other", "pod/web", "-o", "json"];
    let told = ask(cluster, &kubectl, &pair);
    assert_eq!((told.code, &told.json()["rows"][0]["seen"]), (0, &json!("Refused")), "{told:?}");
    let pair = ["-n", &namespace, "--yes", "pod/other", "http://nowhere.invalid", "-o", "json"];
    let told = ask(cluster, &kubectl, &pair);
    assert_eq!(told.code, 3, "{told:?}");
    assert_eq!(told.json()["rows"][0]["why"], "the name was not resolved in the pod");
}

#[test]
fn nothing_is_tried_before_somebody_agrees() {
    let Ok(cluster) = control_plane_of_its_own() else { return };
    let cluster = &cluster;
    let namespace = shop(cluster, "probe-asks");
    pod(cluster, &namespace, "db", "127.0.2.1", 5432);
    pod(cluster, &namespace, "web", "127.0.2.2", 80);
    let kubectl = stand_in(HERE);
    let told = ask(cluster, &kubectl, &["-n", &namespace]);
    assert_eq!((told.code, told.stdout.as_str()), (2, ""), "{told:?}");
    assert!(told.stderr.contains("nothing was tried: add --yes"), "{told:?}");
    assert!(told.stderr.contains("stays in the pod's spec until the pod is gone"), "{told:?}");
    assert!(
        told.stderr.contains(&format!("{namespace}/pod/web → {namespace}/pod/db 5432/TCP")),
        "{told:?}"
    );

    let told = ask(cluster, &kubectl, &["-n", &namespace, "--dry-run"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.stdout.contains("would be tried; nothing was."), "{told:?}");
    let few = ask(cluster, &kubectl, &["-n", &namespace, "--dry-run", "--max", "1", "-o", "json"]);
    let (rows, left) = (&few.json()["rows"], &few.json()["leftOut"]);
    assert_eq!((rows.as_array().unwrap().len(), left), (1, &json!(1)), "{few:?}");

    // Who may not enter pods is told so before anything runs.
    cluster.apply_with(
        &[],
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: probe-reader}\n\
         rules: [{apiGroups: ['*'], resources: ['*'], verbs: [get, list]}]\n\
         ---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\n\
         metadata: {name: probe-reader}\n\
         roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: probe-reader}\n\
         subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: probe-reader}]\n",
    );
    let told = ask(cluster, &kubectl, &["-n", &namespace, "--yes", "--as", "probe-reader"]);
    assert_eq!(told.code, 2, "{told:?}");
    let said = format!(
        "not allowed: ask for the right to create pods/exec in {namespace}; nothing was tried"
    );
    assert!(told.stderr.contains(&said), "{told:?}");
    assert_eq!(ran(&kubectl), "");
}

/// Whatever a pod prints, and however it ends, is no answer unless it is one.
#[test]
fn a_hostile_pod_makes_nothing_known() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = shop(cluster, "probe-hostile");
    pod(cluster, &namespace, "db", "127.0.3.1", 5432);
    pod(cluster, &namespace, "web", "127.0.3.2", 80);
    for (script, why) in [
        ("yes", "printed more than any answer is long"),
        ("head -c 60000 /dev/zero", "printed nothing that says"),
        (
            "printf 'netpol-probe 0 nc Connected\\nnetpol-probe 1 nc connected\\n'",
            "printed nothing",
        ),
        ("printf 'netpol-probe 0 nc failed \\033[2Jgone\\n'", "nc failed: \\u{1b}[2Jgone"),
        ("printf 'error: \\033]0;x\\007 broken\\n' >&2; exit 1", "kubectl exec failed: error:"),
        ("exit 0", "printed nothing"),
    ] {
        let kubectl = stand_in(&format!("#!/bin/sh\n{script}\n"));
        let words = ["-n", &namespace, "--yes", "--via", "exec", "pod/web", "pod/db"];
        let told = ask(cluster, &kubectl, &words);
        assert_eq!(told.code, 3, "{script}: {told:?}");
        assert!(!told.stdout.contains('\u{1b}') && !told.stdout.contains('\u{7}'), "{told:?}");
        let flat = told.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(why), "{script}: {told:?}");
        assert!(flat.starts_with("0 of 1 as predicted, 1 not known."), "{told:?}");
    }
}

/// All the way: the real kubectl, the real API server, and a kubelet that runs the script here.
#[test]
fn the_real_kubectl_enters_by_the_real_api_server() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = shop(cluster, "probe-real");
    let db = open("127.0.4.1");
    let node = format!("node-{namespace}");
    kubelet(cluster, &node);
    pod_on(cluster, (&namespace, "db"), "127.0.4.1", port(&db), None);
    pod_on(cluster, (&namespace, "web"), "127.0.4.2", 80, Some(&node));
    let words = ["-n", &namespace, "--yes", "pod/web", "pod/db", "--via", "bash", "-o", "json"];
    let told = run(&mut probe(cluster, cluster.programs(), &words), b"");
    assert_eq!(told.code, 0, "{told:?}");
    let row = &told.json()["rows"][0];
    assert_eq!((&row["seen"], &row["by"]), (&json!("Connected"), &json!("bash")), "{told:?}");

    // A pod on no node cannot be entered, and kubectl's reason is told.
    pod(cluster, &namespace, "other", "127.0.4.3", 80);
    let words = ["-n", &namespace, "--yes", "pod/other", "pod/db", "--via", "bash", "-o", "json"];
    let told = run(&mut probe(cluster, cluster.programs(), &words), b"");
    assert_eq!(told.code, 3, "{told:?}");
    let why = told.json()["rows"][0]["why"].as_str().unwrap().to_owned();
    assert!(why.starts_with("kubectl exec failed: ") && why.contains("host"), "{why}");
}

/// Plays a kubelet for ephemeral containers: runs the command of each ephemeral container here, and leaves what it
/// wrote in the pod's status.
fn ephemeral_kubelet(cluster: &ControlPlane, namespace: &str, until: &AtomicBool) -> Vec<Value> {
    let mut seen: Vec<Value> = Vec::new();
    while !until.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(200));
        let mut get = cluster.kubectl(cluster.admin());
        let pods = expect_success(get.args(["get", "pods", "-n", namespace, "-o", "json"]));
        let pods: Value = serde_json::from_str(&pods).unwrap();
        for pod in pods["items"].as_array().unwrap() {
            let name = pod["metadata"]["name"].as_str().unwrap();
            for container in pod["spec"]["ephemeralContainers"].as_array().into_iter().flatten() {
                if seen
                    .iter()
                    .any(|known| known["name"] == container["name"] && known["pod"] == name)
                {
                    continue;
                }
                let directory = tempfile::tempdir().unwrap();
                let log: PathBuf = directory.path().join("log");
                let words = container["command"].as_array().unwrap().iter();
                let words: Vec<String> = words
                    .map(|word| {
                        word.as_str()
                            .unwrap()
                            .replace("/dev/termination-log", log.to_str().unwrap())
                    })
                    .collect();
                expect_success(Command::new(&words[0]).args(&words[1..]));
                let message = fs::read_to_string(&log).unwrap();
                let status = json!({"status": {"ephemeralContainerStatuses": [{
                    "name": container["name"], "image": container["image"], "imageID": "", "ready": false,
                    "restartCount": 0, "state": {"terminated": {"exitCode": 0, "message": message}},
                }]}});
                status_of(cluster, namespace, name, &status);
                let mut container = container.clone();
                container["pod"] = json!(name);
                seen.push(container);
            }
        }
    }
    seen
}

#[test]
fn an_ephemeral_container_tries_what_the_pod_cannot() {
    let Ok(cluster) = control_plane() else { return };
    let namespace = shop(cluster, "probe-ephemeral");
    let db = open("127.0.5.1");
    pod(cluster, &namespace, "db", "127.0.5.1", port(&db));
    pod(cluster, &namespace, "web", "127.0.5.2", 80);
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let kubelet = scope.spawn(|| ephemeral_kubelet(cluster, &namespace, &ended));
        // No shell in the container: auto goes on to an ephemeral container.
        let none = "echo 'exec: \"sh\": executable file not found in $PATH' >&2; exit 126";
        let kubectl = stand_in(&format!("#!/bin/sh\n{none}\n"));
        let before = cluster.requests().len();
        let words = ["-n", &namespace, "--yes", "pod/web", "pod/db", "-o", "json"];
        let told =
            ask(cluster, &kubectl, &[&words[..], &["--image", "registry.example/box:1"]].concat());
        ended.store(true, Ordering::Relaxed);
        let containers = kubelet.join().unwrap();
        assert_eq!(told.code, 0, "{told:?}");
        assert_eq!(told.json()["rows"][0]["seen"], "Connected", "{told:?}");
        assert_eq!(containers.len(), 1, "{containers:?}");
        let container = &containers[0];
        assert_eq!(container["image"], "registry.example/box:1");
        assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
        // That is all that is ever written.
        let mut asked = cluster.requests();
        asked.drain(..before);
        let own = asked.iter().filter(|it| it.user_agent.starts_with("kubectl-netpol/"));
        let written: Vec<_> = own
            .filter(|it| it.uri.contains(&namespace) && !matches!(&*it.verb, "get" | "list"))
            .map(|it| (it.verb.as_str(), it.uri.split('?').next().unwrap()))
            .collect();
        let place = format!("/api/v1/namespaces/{namespace}/pods/web/ephemeralcontainers");
        assert_eq!(written, [("patch", place.as_str())]);
    });
}

/// The predictions are those of `explain`, row by row.
#[test]
fn predictions_on_homekube_are_those_of_explain() {
    let Ok(homekube) = homekube() else { return };
    let plan = homekube.ask("probe", "-A --dry-run --max 30 -o json");
    assert_eq!(plan.code, 0, "{}", plan.all());
    let report = plan.json();
    let rows = report["rows"].as_array().unwrap();
    assert!(rows.len() > 10, "{}", plan.all());
    for request in &plan.requests {
        assert!(matches!(&*request.verb, "get" | "list"), "{}", plan.all());
    }
    let (mut allowed, mut denied) = (0, 0);
    for row in rows {
        let (namespace, name) = row["pod"].as_str().unwrap().split_once('/').unwrap();
        let (address, port) = (row["dialled"].as_str().unwrap(), &row["port"]);
        let words = format!("{namespace}/pod/{name} {address} --port {port}/TCP -o json");
        let told = homekube.explain(&words).json();
        assert_eq!(told["verdict"], row["predicted"], "{words}");
        allowed += usize::from(row["predicted"] == "Allowed");
        denied += usize::from(row["predicted"] == "Denied");
    }
    assert!(allowed > 3 && denied > 3, "{allowed} {denied}");
    // The same question has the same plan.
    assert_eq!(homekube.ask("probe", "-A --dry-run --max 30 -o json").json(), report);
}
