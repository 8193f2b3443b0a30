//! What is guessed of a configuration, and what is not.

use super::{Guesses, Settings, guesses};
use crate::baseline::{Baseline, Deny, Dns, Facts, GUESSED_FROM};
use crate::cluster::{Origin, Snapshot};
use crate::draft::Dialect;
use crate::learn::{Collector, Fate, Lesson, learn, lesson_text, reading_text};
use crate::objects::decode_text;
use crate::observed::Index;
use crate::policy::{Cilium, Enforcer, Ruleset, Written};
use crate::yaml;
use serde_json::Value;
use std::path::Path;

/// `web` in namespace `a`, whose container is to be configured, and what it may call there and in `b`.
const CLUSTER: &str = r"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: a}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web
@POD@
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: a}
data:
@MAP@
---
apiVersion: v1
kind: ConfigMap
metadata: {name: others, namespace: a}
data: {DB_HOST: cache}
---
apiVersion: v1
kind: Secret
metadata: {name: settings, namespace: a}
stringData: {DB_HOST: cache}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: a}
spec: {selector: {app: db}, ports: [{name: sql, port: 5432, targetPort: sql}, {name: admin, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: a, labels: {app: db}}
spec: {containers: [{name: db, image: db, ports: [{name: sql, containerPort: 15432}]}]}
status: {phase: Pending, conditions: [{type: Ready, status: 'False'}]}
---
apiVersion: v1
kind: Service
metadata: {name: cache, namespace: a}
spec: {clusterIP: None, selector: {app: cache}, ports: [{port: 6379}]}
---
apiVersion: v1
kind: Pod
metadata: {name: cache-0, namespace: a, labels: {app: cache}}
spec: {containers: [{name: cache, image: cache}]}
---
apiVersion: v1
kind: Service
metadata: {name: statsd, namespace: a}
spec: {selector: {app: statsd}, ports: [{port: 8125, protocol: UDP}]}
---
apiVersion: v1
kind: Pod
metadata: {name: statsd, namespace: a, labels: {app: statsd}}
spec: {containers: [{name: statsd, image: statsd}]}
---
apiVersion: v1
kind: Service
metadata: {name: away, namespace: a}
spec: {type: ExternalName, externalName: db.example.com}
---
apiVersion: v1
kind: Service
metadata: {name: empty, namespace: a}
spec: {selector: {app: empty}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: api, namespace: b, labels: {scrape: this}}
spec: {selector: {app: api}, ports: [{name: http, port: 80, targetPort: 8080}, {name: metrics, port: 9100}]}
---
apiVersion: v1
kind: Pod
metadata: {name: api, namespace: b, labels: {app: api}}
spec: {containers: [{name: api, image: api, env: [{name: DB, value: 'postgres://db.a/x'}]}]}
---
@MORE@
";

struct Read {
    snapshot: Snapshot,
    written: Written,
    guesses: Guesses,
}

/// What is guessed of a namespace, with lines of the container, of the ConfigMap, and further objects.
fn read(namespace: &str, pod: &str, map: &str, more: &str) -> Read {
    let within = |text: &str, by: &str| {
        let lines = text.lines().map(|line| [by, line, "\n"].concat());
        lines.collect::<String>()
    };
    let text = CLUSTER
        .replace("@POD@\n", &within(pod, "        "))
        .replace("@MAP@\n", &within(if map.is_empty() { "x: y" } else { map }, "  "))
        .replace("@MORE@", more);
    let (objects, warnings) = decode_text(text.clone().into(), Path::new("all.yaml"), "a");
    assert!(warnings.is_empty(), "{warnings:?}");
    let (snapshot, written) = objects.assemble();
    let again = |origin: &Origin| {
        let Origin::Manifest { offset, .. } = origin else { return None };
        let document = yaml::split(&text[*offset..]).next()?;
        yaml::from_document::<Value>(&document).ok()?
    };
    let settings = Settings::written(&snapshot, &again);
    let place = |origin: &Origin, path: &str| match origin {
        Origin::Manifest { file, .. } => Some(format!("{} {path}", file.display())),
        _ => None,
    };
    let guesses = guesses(&snapshot, &settings, &[namespace.to_owned()], &place);
    Read { snapshot, written, guesses }
}

/// The connections that are guessed: `web → db-0 15432/TCP: env DB_HOST`.
fn told(read: &Read) -> Vec<String> {
    let name = |pod: usize| read.snapshot.pod(pod).name.to_string();
    let all =
        read.guesses.all.iter().map(|it| {
            format!("{} → {} {}: {}", name(it.source), name(it.destination), it.port, it.by)
        });
    // That of `api` is there in any case.
    all.filter(|line| !line.starts_with("api →")).collect()
}

fn of_pod(pod: &str) -> Vec<String> {
    told(&read("a", pod, "", ""))
}

#[test]
fn environment_names_services() {
    for (env, expected) in [
        ("{name: DB_HOST, value: db}", &["15432/TCP", "8080/TCP"][..]),
        ("{name: DB_HOST, value: 'db:5432'}", &["15432/TCP"]),
        ("{name: DB, value: 'postgres://user:secret@db/x'}", &["15432/TCP"]),
        ("{name: DB, value: 'postgres://db.a.svc.cluster.local:5432/x'}", &["15432/TCP"]),
        ("{name: DB, value: 'http://db'}", &["8080/TCP"]),
        ("{name: DB, value: 'db.a.svc'}", &["15432/TCP", "8080/TCP"]),
        ("{name: DB_HOST, value: db}, {name: DB_PORT, value: '5432'}", &["15432/TCP"]),
        // A word is no host, a port is the Service's, and another namespace's Service is another.
        ("{name: DB, value: db}", &[]),
        ("{name: DB_HOST, value: 'db:5433'}", &[]),
        ("{name: DB_HOST, value: db.b}", &[]),
        ("{name: DB_HOST, value: xdb}", &[]),
        ("{name: DB_HOST, value: db.example.com}", &[]),
        ("{name: DB, value: 'https://db'}", &[]),
        ("{name: DB, value: 'db-0.db.a.svc:5432'}", &[]),
    ] {
        let mut found = of_pod(&format!("env: [{env}]"));
        found.sort();
        let word = if env.contains("DB_HOST") { "env DB_HOST" } else { "env DB" };
        let expected: Vec<String> =
            expected.iter().map(|port| format!("web → db-0 {port}: {word}")).collect();
        assert_eq!(found, expected, "{env}");
    }
    // A headless Service translates no port, and a pod of it has a name.
    for (env, port) in [("cache", "6379"), ("cache:7000", "7000"), ("cache-0.cache.a.svc", "6379")]
    {
        let found = of_pod(&format!("env: [{{name: CACHE_ADDR, value: '{env}'}}]"));
        assert_eq!(found, [format!("web → cache-0 {port}/TCP: env CACHE_ADDR")], "{env}");
    }
    // The zone of the cluster is not written anywhere, and may be any.
    let zone = of_pod("env: [{name: DB, value: 'http://db.a.svc.k8s.home.arpa'}]");
    assert_eq!(zone, ["web → db-0 8080/TCP: env DB in zone k8s.home.arpa"]);
    let other = read("a", "env: [{name: DB, value: 'http://gone.a.svc.k8s.home.arpa'}]", "", "");
    assert!(told(&other).is_empty() && other.guesses.left.is_empty(), "{:?}", other.guesses);
    let udp = of_pod("env: [{name: STATSD, value: 'statsd:8125'}]");
    assert_eq!(udp, ["web → statsd 8125/UDP: env STATSD"]);
}

#[test]
fn arguments_and_config_maps_name_services() {
    for pod in [
        "args: ['--db-host=db:5432']",
        "args: ['--db-host', 'db:5432']",
        "command: [sh, -c, 'exec web --to postgres://db/x']",
    ] {
        assert_eq!(of_pod(pod).len(), 1, "{pod}: {:?}", of_pod(pod));
    }
    let map = "DB_HOST: db\nDB_PORT: '5432'\napp.conf: |\n  # http://cache:6379\n  \
               cache = redis://cache\n";
    for (pod, expected) in [
        ("envFrom: [{configMapRef: {name: settings}}]", 2),
        ("env: [{name: HOST, valueFrom: {configMapKeyRef: {name: settings, key: DB_HOST}}}]", 1),
        ("env: [{name: KIND, valueFrom: {configMapKeyRef: {name: settings, key: DB_HOST}}}]", 0),
        ("envFrom: [{secretRef: {name: settings}}]", 0),
        ("env: [{name: DB_HOST, valueFrom: {secretKeyRef: {name: settings, key: DB_HOST}}}]", 0),
        ("envFrom: [{configMapRef: {name: gone}}]", 0),
        ("tty: true", 0),
    ] {
        let found = told(&read("a", pod, map, ""));
        assert_eq!(found.len(), expected, "{pod}: {found:?}");
    }
    let mounted = |items: &str| {
        let volume = format!("{{name: v, configMap: {{name: settings{items}}}}}");
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: job, namespace: a, labels: {{app: job}}}}\n\
             spec:\n  containers: [{{name: x, image: x}}]\n  volumes: [{volume}]\n"
        );
        told(&read("a", "tty: true", map, &text))
    };
    let all = mounted("");
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(all[0], "job → cache-0 6379/TCP: app.conf of ConfigMap settings, line 2");
    assert_eq!(mounted(", items: [{key: app.conf, path: x}]").len(), 1);
}

/// Of a namespace those that call into it count, too.
#[test]
fn who_calls_in_is_found() {
    let found = read("b", "env: [{name: API_URL, value: 'http://api.b'}]", "", "");
    let web = told(&found);
    assert_eq!(web, ["web → api 8080/TCP: env API_URL"]);
    let first = found.guesses.all.iter().next().unwrap();
    let here = "all.yaml spec.template.spec.containers[0].env[0].value";
    let of_web = found.guesses.all.iter().find(|it| &*it.by == "env API_URL");
    assert_eq!(of_web.unwrap().file.as_deref(), Some(here), "{first:?}");
    // Neither end is in the namespace.
    let none = told(&read("c", "env: [{name: API_URL, value: 'http://api.b'}]", "", ""));
    assert!(none.is_empty(), "{none:?}");
}

#[test]
fn what_leads_nowhere_is_told() {
    for (value, why) in [
        ("https://db", "no port 443"),
        ("http://db:81", "no port 81"),
        ("http://away", "it stands for db.example.com"),
        ("http://empty", "it leads to no pod that is known here"),
        ("http://gone.a.svc", "no such Service is known here"),
    ] {
        let found = read("a", &format!("env: [{{name: X, value: '{value}'}}]"), "", "");
        assert!(told(&found).is_empty(), "{value}");
        let left: Vec<_> = found.guesses.left.iter().collect();
        assert!(left.len() == 1 && left[0].contains(why), "{value}: {left:?}");
        assert!(left[0].starts_with("a/deploy/web names"), "{left:?}");
    }
}

const CONTROLLER: &str = "
apiVersion: v1
kind: Pod
metadata: {name: nginx, namespace: ingress-nginx, labels: {app.kubernetes.io/name: ingress-nginx, app.kubernetes.io/component: controller}}
spec: {containers: [{name: x, image: x}]}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: api, namespace: b}
spec: {ingressClassName: nginx, rules: [{host: api.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: api, port: {name: http}}}}]}}]}
";

const MONITOR: &str = "
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: api, namespace: b}
spec: {selector: {matchLabels: {scrape: this}}, endpoints: [{port: metrics}]}
---
apiVersion: v1
kind: Pod
metadata: {name: prometheus-0, namespace: monitoring, labels: {app.kubernetes.io/name: prometheus, app.kubernetes.io/managed-by: prometheus-operator}}
spec: {containers: [{name: x, image: x}]}
";

#[test]
fn ingresses_and_monitors_name_services() {
    let found = told(&read("b", "tty: true", "", CONTROLLER));
    assert_eq!(found, ["nginx → api 8080/TCP: Ingress b/api"]);
    let found = told(&read("b", "tty: true", "", MONITOR));
    assert_eq!(found, ["prometheus-0 → api 9100/TCP: ServiceMonitor b/api"]);
    let without = MONITOR.split("---").next().unwrap();
    let found = read("b", "tty: true", "", without);
    assert!(told(&found).is_empty());
    let left = found.guesses.left.iter().next().unwrap();
    assert_eq!(left, "ServiceMonitor b/api: no pod of the Prometheus Operator is known here");
    let two = MONITOR.replace("prometheus-0", "other-0");
    let two = format!("{MONITOR}---{}", two.split("---").nth(1).unwrap());
    let found = read("b", "tty: true", "", &two);
    assert!(told(&found).is_empty());
    let left = found.guesses.left.iter().next().unwrap();
    assert!(left.contains("which of") && left.contains("is not known"), "{left}");
}

/// Ports are those that containers declare, by name or number; without either all of them.
#[test]
fn pod_monitors_name_pods() {
    let of = |namespace: &str, selector: &str, endpoint: &str| {
        let monitor = format!(
            "apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {{name: db, namespace: \
             {namespace}}}\nspec: {{{selector}, podMetricsEndpoints: [{endpoint}]}}\n---\n"
        );
        let prometheus = MONITOR.split("---").nth(1).unwrap();
        read("a", "tty: true", "", &(monitor + prometheus))
    };
    let db = "selector: {matchLabels: {app: db}}";
    let any = format!("{db}, namespaceSelector: {{any: true}}");
    let named = format!("{db}, namespaceSelector: {{matchNames: [a]}}");
    for (namespace, selector, endpoint) in [
        ("a", db, "{port: sql}"),
        ("a", db, "{portNumber: 15432}"),
        ("a", db, "{targetPort: sql}"),
        ("a", db, "{targetPort: 15432}"),
        ("a", db, "{path: /metrics}"),
        ("b", &any, "{port: sql}"),
        ("b", &named, "{port: sql}"),
    ] {
        let found = told(&of(namespace, selector, endpoint));
        let expected = format!("prometheus-0 → db-0 15432/TCP: PodMonitor {namespace}/db");
        assert_eq!(found, [expected], "{selector} {endpoint}");
    }
    assert!(told(&of("b", db, "{port: sql}")).is_empty());
    for endpoint in ["{port: http}", "{portNumber: 80}", "{port: http, portNumber: 15432}"] {
        let found = of("a", db, endpoint);
        assert!(told(&found).is_empty(), "{endpoint}");
        let left = found.guesses.left.iter().next().unwrap();
        assert_eq!(left, "PodMonitor a/db selects a/pod/db-0: it declares no such port");
    }
}

fn lesson(read: &Read, namespace: &str) -> (Lesson, Vec<String>) {
    let (snapshot, written) = (&read.snapshot, &read.written);
    let rules = Ruleset::compile(written, snapshot, &Enforcer::Cilium(Cilium::default()));
    let index = Index::new(snapshot, &rules);
    let mut collector = Collector::new(snapshot, index, [namespace.into()], None);
    collector.guess(read.guesses.clone());
    let baseline = Baseline { deny: Deny::All, dns: Dns::Namespace, ..Baseline::default() };
    let closing = baseline.policies(namespace, &Facts::default());
    let lesson = learn(&collector, written, &rules, namespace, &closing, Dialect::NetworkPolicy);
    let mut lines = lesson_text(&collector, &lesson, false);
    lines.extend(reading_text(&collector));
    (lesson, lines)
}

/// What is written is for what is named and for nothing else, and says of itself that it is a guess.
#[test]
fn guesses_become_policies_that_say_so() {
    let found = read("a", "env: [{name: DB_HOST, value: 'db:5432'}]", "", "");
    let (lesson, lines) = lesson(&found, "a");
    let names: Vec<_> = lesson.policies.iter().map(|policy| policy.name.as_str()).collect();
    assert_eq!(names, ["allow-db-0-from-b-api", "allow-db-0-from-web", "allow-web-to-db-0"]);
    let of = |at: usize| lesson.policies[at].object(Dialect::NetworkPolicy).unwrap();
    assert_eq!(of(0)["metadata"]["annotations"][GUESSED_FROM], "env DB");
    assert_eq!(of(2)["metadata"]["annotations"][GUESSED_FROM], "env DB_HOST");
    let ports = &of(2)["spec"]["egress"][0]["ports"];
    assert_eq!(*ports, serde_json::json!([{"port": 15432, "protocol": "TCP"}]));
    let place = "(all.yaml spec.template.spec.containers[0].env[0].value)";
    let expected = [
        "a: 2 connections named in configuration",
        "  learned, for 3 policies:",
        &format!("    deploy/web → pod/db-0 15432/TCP: a guess from env DB_HOST {place}"),
        "    b/pod/api → pod/db-0 15432/TCP: a guess from env DB (all.yaml spec.containers[0].env[0].value)",
        "  0 of these connections would be cut",
        "guesses are from configuration: what it names need not be used, and what is used need not \
         be named there; values of Secrets are not read",
    ];
    assert_eq!(lines, expected);
}

/// What policies in force deny does not work now, so that its being named opens nothing.
#[test]
fn what_is_denied_now_is_not_opened() {
    let deny = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: a}
spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}
";
    let found = read("a", "env: [{name: DB_HOST, value: 'db:5432'}]", "", deny);
    let (lesson, lines) = lesson(&found, "a");
    assert!(lesson.policies.is_empty(), "{:?}", lesson.policies);
    assert!(lesson.seen.iter().all(|seen| seen.fate == Fate::Denied { predicted: true }));
    assert!(lines.iter().any(|line| line.contains("named by env DB_HOST")), "{lines:?}");
}
