//! `explain` against a real API server, driven by the real kubectl: the answers of HomeKube, what
//! they cost, and what is supposed to be otherwise.

use std::process::Command;

use serde_json::{Value, json};

use crate::documents::documented;
use crate::harness::{Answer, HomeKube, homekube, root};

const GRAFANA_TO_KEYCLOAK: &str =
    "-n monitoring deploy/grafana http://keycloak.identity.svc.cluster.local/realms/home";

/// The questions of HomeKube with their exit codes and with what must be said.
const QUESTIONS: &[(&str, i32, &[&str])] = &[
    (
        GRAFANA_TO_KEYCLOAK,
        1,
        &[
            "DENIED monitoring/deploy/grafana → identity/svc/keycloak port 80/TCP",
            "✗ egress of monitoring/pod/grafana-",
            "allow-grafana-to-keycloak egress[0]\n      peer matches; port is 80, that of identity/svc/keycloak",
            "      spec.egress[0].ports[0].port, applied by kustomize-controller",
            "Kustomization flux-system/observability",
            "✗ ingress of identity/pod/keycloak-0",
            "Missing on both sides: egress in monitoring and ingress in identity.",
        ],
    ),
    (
        "-n monitoring prometheus identity/keycloak:8080",
        1,
        &[
            "DENIED monitoring/sts/prometheus → identity/sts/keycloak",
            "admitted by allow-prometheus-scrape",
            "Missing on one side: egress in monitoring.",
        ],
    ),
    (
        "ingress-nginx/deploy/ingress-nginx-controller identity/svc/keycloak",
        1,
        &["(2 pods): open", "allow-ingress-nginx", "Missing on one side: ingress in identity."],
    ),
    (
        "-n monitoring deploy/grafana udp://kube-dns.kube-system.svc:53",
        0,
        &["ALLOWED", "admitted by allow-dns-egress", "kube-system/deploy/coredns (2 pods)"],
    ),
    ("-n monitoring pod/prometheus-0 identity/pod/keycloak-0", 1, &["any other port"]),
    (
        "default/whoami monitoring/svc/grafana",
        1,
        &["Missing on both sides: egress in default and ingress in monitoring."],
    ),
];

/// docs/explain.md shows a part of an answer. How long ago something was done is another matter.
#[test]
fn the_documentation_shows_a_live_answer() {
    let Ok(homekube) = homekube() else { return };
    let timeless = |text: &str| -> String {
        let words = text.split_whitespace().map(|word| word.trim_end_matches(','));
        let age = |word: &&str| {
            let number = word.trim_end_matches(['s', 'm', 'h', 'd']);
            *word == "ago" || (number != *word && number.parse::<u32>().is_ok())
        };
        words.filter(|word| !age(word)).collect::<Vec<_>>().join(" ")
    };
    let shown = documented("docs/explain.md", "text live");
    let answer = homekube.explain(GRAFANA_TO_KEYCLOAK);
    assert!(timeless(&answer.stdout).contains(&timeless(&shown)), "{}", answer.all());
}

#[test]
fn live_answers_are_those_of_the_manifests() {
    let Ok(homekube) = homekube() else { return };
    for (words, code, parts) in QUESTIONS {
        let answer = homekube.explain(words);
        for part in *parts {
            assert!(answer.stdout.contains(part), "{words}: no {part:?} in\n{}", answer.all());
        }
        assert_eq!((answer.code, answer.stderr.as_str()), (*code, ""), "{}", answer.all());
        for line in answer.stdout.lines().filter(|line| line.trim().contains(' ')) {
            assert!(line.chars().count() <= 80, "{line}");
        }
        assert_cheap(&answer, words);

        let words = words.replace("pod/prometheus-0", "sts/prometheus");
        let words = words.replace("pod/keycloak-0", "sts/keycloak");
        let live = json(&homekube.explain(&format!("{words} -o json")));
        let offline = Command::new(env!("CARGO_BIN_EXE_kubectl-netpol"))
            .args(["explain", "-f", "examples/homekube", "-o", "json"])
            .args(words.split_whitespace())
            .current_dir(root())
            .output()
            .expect("our binary runs");
        let offline = json(&Answer::new(&offline, Vec::new()));
        assert_eq!(without_places(live), without_places(offline), "{words}");
    }
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {}", answer.all()))
}

/// An answer without places, and with workloads for their pods.
fn without_places(answer: Value) -> Value {
    match answer {
        Value::Object(fields) => {
            let places = ["location", "appliedBy", "owner"];
            let fields = fields.into_iter().filter(|(key, _)| !places.contains(&key.as_str()));
            fields.map(|(key, value)| (key, without_places(value))).collect()
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(without_places).collect();
            items.dedup();
            Value::Array(items)
        }
        Value::String(text) => {
            let mut text = text.replace(" (2 pods)", "");
            for (set, ordinal) in [("prometheus", "-0"), ("keycloak", "-0")] {
                text = text.replace(&format!("/pod/{set}{ordinal}"), &format!("/sts/{set}"));
            }
            for pod in ["-x0", "-x1"] {
                if let Some(name) = text.strip_suffix(&format!("-6c5f9d7b8{pod}")) {
                    text = name.replace("/pod/", "/deploy/");
                }
            }
            Value::String(text)
        }
        other => other,
    }
}

/// A handful of requests, each of one object or of a list that is narrow.
fn assert_cheap(answer: &Answer, words: &str) {
    let requests = &answer.requests;
    // One more asks which Kustomization should make what is only in files.
    let most = if words.contains("--with") { 12 } else { 11 };
    assert!((1..=most).contains(&requests.len()), "{words}: {}", answer.all());
    for request in requests {
        let narrow = request.uri.contains("/namespaces/")
            || request.uri == "/apis"
            || request.uri.contains("fieldSelector=")
            || request.uri.starts_with("/api/v1/nodes?")
            // All of them in one; Flux is not installed here.
            || (words.contains("--with") && request.uri.contains("/kustomizations?"));
        assert!(narrow, "{words}: {} {}", request.verb, request.uri);
        assert!(["get", "list"].contains(&request.verb.as_str()), "{}", request.verb);
    }
}

#[test]
fn only_the_two_namespaces_are_read() {
    let Ok(homekube) = homekube() else { return };
    let answer = homekube.explain(GRAFANA_TO_KEYCLOAK);
    let mut uris: Vec<&str> = answer.requests.iter().map(|request| request.uri.as_str()).collect();
    uris.sort_unstable();
    assert_eq!(
        uris,
        [
            "/api/v1/namespaces/identity",
            "/api/v1/namespaces/identity/pods?limit=500&labelSelector=app.kubernetes.io%2Fname%3Dkeycloak",
            "/api/v1/namespaces/identity/services?limit=500",
            "/api/v1/namespaces/monitoring",
            "/api/v1/namespaces/monitoring/pods?limit=500&labelSelector=app.kubernetes.io%2Fname%3Dgrafana",
            "/apis",
            "/apis/apps/v1/namespaces/monitoring/deployments/grafana",
            // The owner that labels name; Flux's kinds are not installed here.
            "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/observability",
            "/apis/networking.k8s.io/v1/namespaces/identity/networkpolicies?limit=500",
            "/apis/networking.k8s.io/v1/namespaces/monitoring/networkpolicies?limit=500",
        ]
    );
}

#[test]
fn what_if_it_were_applied() {
    let Ok(homekube) = homekube() else { return };
    for (words, code) in [
        ("-n monitoring deploy/grafana identity/svc/keycloak", 0),
        ("-n monitoring sts/prometheus identity/keycloak:8080", 0),
        ("ingress-nginx/ingress-nginx-controller identity/svc/keycloak", 0),
        ("default/whoami identity/svc/keycloak", 1),
    ] {
        let answer = homekube.explain(&format!("{words} --with -f examples/homekube-fixed"));
        assert_eq!(answer.code, code, "{}", answer.all());
        assert!(answer.stdout.contains("What if examples/homekube-fixed were applied: "));
        assert!(answer.stdout.contains("    examples/homekube-fixed/"), "{}", answer.all());
        assert_cheap(&answer, &format!("{words} --with"));
    }
    let error = homekube.explain("monitoring/grafana identity/keycloak --with");
    assert!(error.stderr.starts_with("error: --with lays manifests over"), "{}", error.all());
    assert_eq!((error.code, error.requests.len()), (2, 0));
}

/// Pods of a workload whose template changes are about to be replaced.
#[test]
fn what_if_a_workload_changed() {
    let Ok(homekube) = homekube() else { return };
    let files = tempfile::tempdir().expect("a directory");
    let file = files.path().join("grafana.yaml");
    let example = root().join("examples/homekube/observability/grafana.yaml");
    let grafana = std::fs::read_to_string(example).expect("the example");
    let relabelled = grafana.replace("app.kubernetes.io/name: grafana", "app: grafana");
    std::fs::write(&file, relabelled).expect("a file");
    let words = "default/whoami monitoring/svc/grafana";
    let answer = homekube.explain(&format!("{words} --with -f {}", file.display()));
    assert!(answer.stdout.contains("ingress of monitoring/deploy/grafana:"), "{}", answer.all());
    assert!(!answer.stdout.contains("allow-ingress-nginx"), "{}", answer.all());
}

/// What is only in the files is found there, although the cluster knows nothing of it.
#[test]
fn what_if_there_were_more() {
    let Ok(homekube) = homekube() else { return };
    let files = tempfile::tempdir().expect("a directory");
    let file = files.path().join("new.yaml");
    let example = root().join("examples/homekube/apps/whoami.yaml");
    let whoami = std::fs::read_to_string(example).expect("the example");
    let mut new =
        whoami.replace("whoami", "novel").replace("namespace: default", "namespace: novel");
    new.push_str("---\napiVersion: v1\nkind: Namespace\nmetadata: {name: novel}\n");
    std::fs::write(&file, new).expect("a file");
    for words in ["novel/deploy/novel", "novel/novel", "novel/svc/novel", "-n novel deploy/novel"] {
        let with = format!("--with -f {}", file.display());
        let answer = homekube.explain(&format!("{words} identity/svc/keycloak {with}"));
        assert_eq!(answer.code, 1, "{}", answer.all());
        assert!(answer.stdout.contains("egress of novel/deploy/novel: open"), "{}", answer.all());
        assert!(!answer.requests.iter().any(|request| request.uri.contains("/namespaces?limit")));
    }
}

#[test]
fn what_if_a_policy_were_not_there() {
    let Ok(homekube) = homekube() else { return };
    let words = "ingress-nginx/ingress-nginx-controller identity/svc/keycloak";
    let all = ["default-deny-ingress", "allow-ingress-nginx", "allow-prometheus-scrape"];
    let without: Vec<String> =
        all.iter().map(|name| format!("--without identity/networkpolicy/{name}")).collect();
    let answer = homekube.explain(&format!("{words} {}", without.join(" ")));
    assert_eq!(answer.code, 0, "{}", answer.all());
    assert!(answer.stdout.contains("What if identity/netpol/default-deny-ingress were not there."));

    for (flags, error) in [
        (
            "--without netpol/default-deny-ingres -n identity",
            "error: --without identity/netpol/default-deny-ingres: not found; there are \
             identity/netpol/default-deny-ingress",
        ),
        ("--without deploy/x", "error: invalid value 'deploy/x' for '--without <POLICY>'"),
    ] {
        let answer = homekube.explain(&format!("{words} {flags}"));
        assert!(answer.stderr.starts_with(error), "{}", answer.all());
        assert_eq!(answer.code, 2);
    }
}

#[test]
fn names_that_do_not_exist_are_told_with_their_neighbours() {
    let Ok(homekube) = homekube() else { return };
    for (words, error) in [
        (
            "-n monitoring deploy/grafna identity/keycloak",
            "error: deploy/grafna in namespace monitoring not found; there is monitoring/deploy/grafana\n",
        ),
        (
            "-n monitoring grafana identiy/svc/keycloak",
            "error: svc/keycloak: namespace \"identiy\" not found; there is ns/identity\n",
        ),
        (
            "-n monitoring grafana identiy/keycloak",
            "error: keycloak: namespace \"identiy\" not found; there is ns/identity\n",
        ),
        (
            "-n monitoring grafana http://keyclok.identity.svc/",
            "error: svc/keyclok in namespace identity not found; there is identity/svc/keycloak\n",
        ),
        (
            "-n monitoring pod/prometheus-1 identity/keycloak",
            "error: pod/prometheus-1 in namespace monitoring not found; there is monitoring/pod/prometheus-0\n",
        ),
        ("-n monitoring grafana node/a", "error: node/a not found\n"),
        (
            "-n monitoring grafana identity/svc/keycloak:81",
            "error: identity/svc/keycloak has no port 81; there is 80/TCP (http) → http\n",
        ),
    ] {
        let answer = homekube.explain(words);
        let said = answer.stderr.replace("there are", "there is");
        let start = error.trim_end();
        assert!(said.starts_with(start), "{words}: {}", answer.all());
        assert_eq!((answer.code, answer.stdout.as_str()), (2, ""), "{}", answer.all());
    }
}

#[test]
fn addresses() {
    let Ok(homekube) = homekube() else { return };
    let answer = homekube.explain("-n monitoring deploy/grafana 8.8.8.8:443");
    assert!(answer.stdout.contains("8.8.8.8 is the address of no pod"), "{}", answer.all());
    assert_cheap(&answer, "8.8.8.8");

    let address = pod_ip(homekube, "identity", "keycloak-0");
    let answer = homekube.explain(&format!("-n monitoring sts/prometheus {address}:8080"));
    assert!(answer.stdout.contains(&format!("{address} is identity/pod/keycloak-0")));
    assert!(answer.stdout.contains("admitted by allow-prometheus-scrape"), "{}", answer.all());
    assert_cheap(&answer, &address);

    let cluster = &homekube.cluster;
    let mut command = cluster.kubectl(cluster.admin());
    command.args(["get", "svc", "keycloak", "-n", "identity", "-o", "jsonpath={.spec.clusterIP}"]);
    let address = crate::harness::expect_success(&mut command);
    let answer = homekube.explain(&format!("-n monitoring sts/prometheus {address}:80"));
    assert!(answer.stdout.contains(&format!("{address} is identity/svc/keycloak")));
    assert_cheap(&answer, &address);
}

fn pod_ip(homekube: &HomeKube, namespace: &str, name: &str) -> String {
    let cluster = &homekube.cluster;
    let mut command = cluster.kubectl(cluster.admin());
    command.args(["get", "pod", name, "-n", namespace, "-o", "jsonpath={.status.podIP}"]);
    crate::harness::expect_success(&mut command)
}

/// Shapes that HomeKube does not have: nothing that runs, owners that no name tells, endpoints that
/// nothing selects, and a pod's second address.
#[test]
fn unusual_workloads() {
    let Ok(homekube) = homekube() else { return };
    let cluster = &homekube.cluster;
    let namespace = cluster.namespace("unusual");
    let labelled = |name: &str| json!({"labels": {"app": name}});
    let spec =
        json!({"containers": [{"name": "a", "image": "a", "ports": [{"containerPort": 80}]}]});
    let deployment = |name: &str, replicas: u32| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {
                "replicas": replicas, "selector": {"matchLabels": {"app": name}},
                "template": {"metadata": labelled(name), "spec": spec},
            },
        })
    };
    let owned = |name: &str, app: &str, owner: Option<(&str, &str)>| {
        let owners = owner.map(|(kind, owner)| {
            json!([{"apiVersion": "apps/v1", "kind": kind, "name": owner, "uid": "u", "controller": true}])
        });
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": app}, "ownerReferences": owners},
            "spec": spec,
        })
    };
    let replica_set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": "adopted-abc",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "adopted",
                                 "uid": "u", "controller": true}],
        },
        "spec": {
            "selector": {"matchLabels": {"app": "adopted"}},
            "template": {"metadata": labelled("adopted"), "spec": spec},
        },
    });
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "by-hand"},
        "spec": {"ports": [{"port": 5432}]},
    });
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "by-hand-1", "labels": {"kubernetes.io/service-name": "by-hand"}},
        "endpoints": [
            {"addresses": ["192.0.2.7"]},
            {"addresses": ["10.9.0.9"], "targetRef": {"kind": "Pod", "name": "alone", "namespace": namespace}},
        ],
        "ports": [{"port": 5432, "protocol": "TCP"}],
    });
    let items = json!([
        deployment("idle", 0),
        deployment("adopted", 1),
        replica_set,
        owned("adopted-abc-1", "adopted", Some(("ReplicaSet", "adopted-abc"))),
        owned("alone", "alone", None),
        service,
        slice,
    ]);
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    cluster.apply(&namespace, &list.to_string());
    let idle = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "nobody-home"},
        "spec": {"selector": {"app": "idle"}, "ports": [{"port": 80}]},
    });
    cluster.apply(&namespace, &idle.to_string());
    let alias = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "alias"},
        "spec": {
            "type": "ExternalName", "externalName": "keycloak.identity.svc.cluster.local",
            "ports": [{"port": 80}],
        },
    });
    cluster.apply(&namespace, &alias.to_string());

    for (words, parts) in [
        (
            "pod/alone deploy/idle:80",
            &["unusual-1/deploy/idle has no pods: judged by its template"][..],
        ),
        (
            "pod/alone svc/nobody-home",
            &[
                "nobody-home has no pods: judged by a workload's template",
                "ingress of unusual-1/deploy/idle",
            ],
        ),
        ("pod/alone svc/alias:80", &["ingress of identity/pod/keycloak-0: isolated by 3 policies"]),
        ("pod/alone idle:80", &["deploy/idle has no pods"]),
        ("deploy/adopted pod/alone:80", &["egress of unusual-1/pod/adopted-abc-1"]),
        ("adopted pod/alone:80", &["ALLOWED unusual-1/deploy/adopted →"]),
        ("pod/alone svc/by-hand:5432", &["192.0.2.7", "unusual-1/pod/alone"]),
        ("pod/alone by-hand:5432", &["192.0.2.7"]),
    ] {
        let answer = homekube.explain(&format!("-n {namespace} {words}"));
        for part in parts {
            let part = part.replace("unusual-1", &namespace);
            assert!(answer.stdout.contains(&part), "{words}: {part}: {}", answer.all());
        }
        assert!(answer.requests.len() <= 14, "{words}: {}", answer.all());
    }
}

#[test]
fn who_applied_a_policy_is_told_to_programs_too() {
    let Ok(homekube) = homekube() else { return };
    let words = "-n monitoring deploy/grafana identity/svc/keycloak -o json";
    let answer = json(&homekube.explain(words));
    let policy = &answer["flows"][0]["egress"]["policies"][0];
    assert_eq!(policy["name"], "allow-grafana-to-keycloak");
    assert_eq!(policy["field"], "spec.egress[0].ports[0].port");
    assert_eq!(policy["appliedBy"]["manager"], "kustomize-controller");
    assert!(policy["appliedBy"]["time"].as_str().is_some_and(|time| time.ends_with('Z')));
    let owner =
        json!({"kind": "Kustomization", "namespace": "flux-system", "name": "observability"});
    assert_eq!(policy["owner"], owner);
    assert_eq!(policy.get("location"), None);
}
