//! What one question reads, and what becomes of it where something cannot be read.

use super::super::Needs;
use super::{Reply, Server, reply, run, to};
use netpol::ends::EndName;
use netpol::objects::Objects;
use netpol::policy::Ruleset;
use netpol::verdict::{self, Question, Verdict};
use serde_json::{Value, json};
use std::slice;
use std::time::Duration;

/// An API server with some objects, by path or by path and query; whatever else is asked for is an
/// empty list or missing.
fn server(answers: Vec<(&'static str, Reply)>) -> Server {
    Server::start(move |_, served| {
        let uri = served.line.trim_start_matches("GET ");
        let path = uri.split('?').next().unwrap_or_default();
        let found = answers.iter().find(|(known, _)| *known == uri || *known == path);
        let last = path.rsplit('/').next().unwrap_or_default();
        match found {
            Some((_, reply)) => reply.clone(),
            None if path == "/apis" => object(&json!({"groups": []})),
            None if last.ends_with('s') => list(&[]),
            None => reply(404, r#"{"kind":"Status","reason":"NotFound","details":{"name":"x"}}"#),
        }
    })
}

fn list(items: &[Value]) -> Reply {
    reply(200, json!({"kind": "List", "metadata": {}, "items": items}).to_string())
}

fn object(value: &Value) -> Reply {
    reply(200, value.to_string())
}

fn forbidden() -> Reply {
    reply(403, r#"{"kind":"Status","reason":"Forbidden","message":"User \"u\" cannot"}"#)
}

fn pod(namespace: &str, name: &str, ips: &[&str]) -> Value {
    let ips: Vec<Value> = ips.iter().map(|ip| json!({"ip": ip})).collect();
    json!({
        "metadata": {"namespace": namespace, "name": name, "labels": {"app": name}},
        "spec": {"nodeName": "n1"},
        "status": {
            "phase": "Running", "podIPs": ips,
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    })
}

const POLICIES: &str = "/apis/networking.k8s.io/v1/namespaces/b/networkpolicies";

fn read(server: &Server, source: &str, destination: &str) -> Result<Objects, String> {
    let (source, destination): (EndName, EndName) =
        (source.parse().unwrap(), destination.parse().unwrap());
    run(async {
        let needs = Needs {
            source: &source,
            destination: &destination,
            namespace: "a",
            policies_of: &[],
            overlay: None,
        };
        to(&server.url()).await.read(needs).await.map_err(|error| error.to_string())
    })
}

fn verdict(objects: Objects, source: &str, destination: &str) -> Option<Verdict> {
    let (source, destination): (EndName, EndName) =
        (source.parse().unwrap(), destination.parse().unwrap());
    let question =
        Question { source: &source, destination: &destination, port: None, namespace: "a" };
    let enforcer = objects.enforcer.clone().map(|(enforcer, _)| enforcer).unwrap_or_default();
    let (snapshot, written) = objects.assemble();
    let rules = Ruleset::compile(&written, &snapshot, &enforcer);
    verdict::explain(&snapshot, &rules, &question).unwrap().verdict()
}

/// Pods `a/web` and `b/db`, with an answer to the question for the policies of `b`.
fn two_pods(policies: Reply) -> Server {
    server(vec![
        ("/api/v1/namespaces/a", object(&json!({"metadata": {"name": "a"}}))),
        ("/api/v1/namespaces/b", object(&json!({"metadata": {"name": "b"}}))),
        ("/api/v1/namespaces/a/pods/web", object(&pod("a", "web", &["10.1.0.1"]))),
        ("/api/v1/namespaces/b/pods/db", object(&pod("b", "db", &["10.1.0.2"]))),
        (POLICIES, policies),
    ])
}

#[test]
fn policies_that_cannot_be_read_are_a_gap() {
    let policy = |spec: &Value| json!({"metadata": {"namespace": "b", "name": "p"}, "spec": spec});
    let partial = json!({
        "kind": "List", "metadata": {},
        "items": [policy(&json!({"podSelector": {}})), 7],
    });
    for (policies, why, verdict_then) in [
        (list(&[]), None, Verdict::Allowed),
        (list(&[policy(&json!({"podSelector": {}}))]), None, Verdict::Denied),
        (forbidden(), Some("may not; ask for the right to list"), Verdict::Unknown),
        (reply(500, "etcd is gone"), Some("answered 500: etcd is gone"), Verdict::Unknown),
        (reply(404, "no such page"), Some("serves no networkpolicies"), Verdict::Unknown),
        // A field that is not known may admit anything.
        (
            list(&[policy(&json!({"podSelector": {}, "newer": 1}))]),
            Some("a newer version of this program may know it"),
            Verdict::Unknown,
        ),
        // One policy that isolates, and another that cannot be read and may admit.
        (object(&partial), Some("found integer `7`"), Verdict::Unknown),
        // A rule that admits is enough, whatever else there is.
        (
            list(&[
                policy(&json!({"podSelector": {}, "ingress": [{}]})),
                json!({"metadata": {"namespace": "b", "name": "q"}, "spec": {"newer": 1}}),
            ]),
            Some("newer version"),
            Verdict::Allowed,
        ),
    ] {
        let server = two_pods(policies);
        let objects = read(&server, "pod/web", "b/pod/db:80").unwrap();
        let whys: Vec<String> =
            objects.gaps.iter().map(|gap| format!("{}: {}", gap.what, gap.why)).collect();
        match why {
            None => assert_eq!(whys, [""; 0]),
            Some(why) => assert!(whys.len() == 1 && whys[0].contains(why), "{whys:?}"),
        }
        assert_eq!(verdict(objects, "pod/web", "b/pod/db:80"), Some(verdict_then), "{whys:?}");
    }
}

#[test]
fn a_list_that_is_slow_is_a_gap_and_a_cluster_that_is_gone_an_error() {
    let slow = Reply { before: Duration::from_secs(5), ..list(&[]) };
    let server = two_pods(slow);
    let (source, destination): (EndName, EndName) =
        ("pod/web".parse().unwrap(), "b/pod/db:80".parse().unwrap());
    let objects = run(async {
        let options = super::ConnectOptions {
            server: Some(server.url()),
            request_timeout: Some(Duration::from_millis(500)),
            ..super::ConnectOptions::default()
        };
        let environment = super::Environment::default();
        let connection = super::connect(&options, &environment, super::quiet()).await.unwrap();
        let needs = Needs {
            source: &source,
            destination: &destination,
            namespace: "a",
            policies_of: &[],
            overlay: None,
        };
        connection.read(needs).await.unwrap()
    });
    assert_eq!(objects.gaps[0].what, "the NetworkPolicies of b");
    assert!(objects.gaps[0].why.contains("within 500ms"), "{:?}", objects.gaps);

    let server = Server::start(|_, _| reply(401, "who are you"));
    let error = read(&server, "pod/web", "b/pod/db:80").unwrap_err();
    assert!(error.contains("did not accept"), "{error}");
}

/// Who may get a Service by name need not be able to list them.
#[test]
fn a_service_that_may_be_read_but_not_listed() {
    let service = json!({
        "metadata": {"namespace": "b", "name": "db"},
        "spec": {"selector": {"app": "db"}, "ports": [{"port": 80}]},
    });
    let server = server(vec![
        ("/api/v1/namespaces/a/pods/web", object(&pod("a", "web", &["10.1.0.1"]))),
        ("/api/v1/namespaces/b/services", forbidden()),
        ("/api/v1/namespaces/b/services/db", object(&service)),
        (
            "/api/v1/namespaces/b/pods?limit=500&labelSelector=app%3Ddb",
            list(&[pod("b", "db", &["10.1.0.2"])]),
        ),
    ]);
    let objects = read(&server, "pod/web", "b/svc/db").unwrap();
    assert_eq!(objects.gaps, []);
    assert_eq!(verdict(objects, "pod/web", "b/svc/db"), Some(Verdict::Allowed));
}

/// The API finds pods by their first address only.
#[test]
fn the_second_address_of_a_pod_is_found_on_its_node() {
    let node = json!({
        "metadata": {"name": "n1"},
        "spec": {"podCIDRs": ["10.1.0.0/24", "fd00:1::/64"]},
    });
    let server = server(vec![
        ("/api/v1/namespaces/a/pods/web", object(&pod("a", "web", &["10.1.0.1", "fd00:1::1"]))),
        ("/api/v1/nodes", list(&[node])),
        (
            "/api/v1/pods?limit=500&fieldSelector=spec.nodeName%3Dn1",
            list(&[pod("b", "db", &["10.1.0.2", "fd00:1::2"])]),
        ),
    ]);
    let objects = read(&server, "pod/web", "[fd00:1::2]:80").unwrap();
    assert!(objects.iter().any(|(object, ..)| object.to_string() == "b/pod/db"));
    let lines = server.lines();
    assert!(lines.iter().any(|line| line.contains("/namespaces/b/networkpolicies")), "{lines:?}");
    assert!(!lines.iter().any(|line| line == "GET /api/v1/pods?limit=500"), "{lines:?}");
}

#[test]
fn names_outside_the_cluster_need_hardly_anything() {
    let server = server(vec![
        ("/api/v1/namespaces/a", object(&json!({"metadata": {"name": "a"}}))),
        ("/api/v1/namespaces/a/pods/web", object(&pod("a", "web", &["10.1.0.1"]))),
    ]);
    let objects = read(&server, "pod/web", "https://login.example.com").unwrap();
    assert_eq!(verdict(objects, "pod/web", "https://login.example.com"), Some(Verdict::Allowed));
    let mut lines = server.lines();
    lines.sort();
    assert_eq!(
        lines,
        [
            "GET /api/v1/namespaces/a",
            "GET /api/v1/namespaces/a/pods/login.example.com",
            "GET /api/v1/namespaces/a/pods/web",
            // It may be a pod behind a Service, as in POD.SERVICE.NAMESPACE.
            "GET /api/v1/namespaces/com",
            "GET /apis",
            "GET /apis/networking.k8s.io/v1/namespaces/a/networkpolicies?limit=500",
        ]
    );
}

/// `/apis` of a server that serves these.
fn groups(versions: &[&str]) -> Reply {
    let version = |version: &&str| json!({"versions": [{"groupVersion": version}]});
    object(&json!({"groups": versions.iter().map(version).collect::<Vec<_>>()}))
}

const ADMIN: &str = "/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies";

/// Policies of administrators count, and may deny what cannot be read.
#[test]
fn policies_of_administrators_are_read_where_they_are_served() {
    let deny = json!({
        "metadata": {"name": "closed"},
        "spec": {
            "tier": "Admin", "priority": 1,
            "subject": {"namespaces": {}},
            "ingress": [{"action": "Deny", "from": [{"namespaces": {}}]}],
        },
    });
    let both = || groups(&["apps/v1", "policy.networking.k8s.io/v1alpha2"]);
    for (apis, policies, why, then) in [
        (groups(&["apps/v1"]), forbidden(), None, Verdict::Allowed),
        (reply(404, "no such page"), forbidden(), None, Verdict::Allowed),
        (both(), list(&[]), None, Verdict::Allowed),
        (both(), list(&[deny]), None, Verdict::Denied),
        (both(), forbidden(), Some("the ClusterNetworkPolicies: "), Verdict::Unknown),
        (both(), reply(404, "no such page"), None, Verdict::Allowed),
        (forbidden(), list(&[]), Some("which kinds of policies"), Verdict::Unknown),
    ] {
        let server = server(vec![
            ("/apis", apis),
            (ADMIN, policies),
            ("/api/v1/namespaces/a", object(&json!({"metadata": {"name": "a"}}))),
            ("/api/v1/namespaces/b", object(&json!({"metadata": {"name": "b"}}))),
            ("/api/v1/namespaces/a/pods/web", object(&pod("a", "web", &["10.1.0.1"]))),
            ("/api/v1/namespaces/b/pods/db", object(&pod("b", "db", &["10.1.0.2"]))),
        ]);
        let objects = read(&server, "pod/web", "b/pod/db:80").unwrap();
        let whys: Vec<String> =
            objects.gaps.iter().map(|gap| format!("{}: {}", gap.what, gap.why)).collect();
        match why {
            None => assert_eq!(whys, [""; 0]),
            Some(why) => assert!(whys.len() == 1 && whys[0].contains(why), "{whys:?}"),
        }
        assert_eq!(verdict(objects, "pod/web", "b/pod/db:80"), Some(then), "{whys:?}");
    }
}

/// Cilium is known by its group, its settings by the agent's ConfigMap and its version by the image.
#[test]
fn cilium_is_found_with_its_settings() {
    let config = "/api/v1/namespaces/kube-system/configmaps/cilium-config";
    let agent = "/apis/apps/v1/namespaces/kube-system/daemonsets/cilium";
    let settings = json!({"data": {"enable-policy": "always", "cluster-name": "home"}});
    let image = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "cilium-agent", "image": "quay.io/cilium/cilium:v1.20.1"}]}}}});
    for (config_reply, agent_reply, enforcer, gap, then) in [
        (object(&settings), object(&image), "cilium-1.20", None, Verdict::Denied),
        (object(&settings), forbidden(), "cilium-1.19", Some("the version of"), Verdict::Denied),
        (forbidden(), object(&image), "cilium-1.20", Some("the settings of"), Verdict::Allowed),
    ] {
        let server = server(vec![
            ("/apis", groups(&["cilium.io/v2"])),
            (config, config_reply),
            (agent, agent_reply),
            ("/api/v1/namespaces/a/pods/web", object(&pod("a", "web", &["10.1.0.1"]))),
            ("/api/v1/namespaces/b/pods/db", object(&pod("b", "db", &["10.1.0.2"]))),
        ]);
        let objects = read(&server, "pod/web", "b/pod/db:80").unwrap();
        let (found, why) = objects.enforcer.clone().unwrap();
        assert_eq!(found.to_string(), enforcer);
        let why = why.map(|why| why.what);
        assert_eq!(why.is_some(), gap.is_some(), "{why:?}");
        assert!(
            gap.is_none_or(|gap| why.as_deref().is_some_and(|why| why.contains(gap))),
            "{why:?}"
        );
        assert_eq!(objects.gaps, []);
        assert_eq!(verdict(objects, "pod/web", "b/pod/db:80"), Some(then));
    }
}

/// Cilium's own policies count, those for the whole cluster and of both ends' namespaces.
#[test]
fn policies_of_cilium_are_read_where_they_are_served() {
    let deny = json!({
        "metadata": {"name": "closed", "namespace": "b"},
        "spec": {"endpointSelector": {}, "ingressDeny": [{"fromEntities": ["cluster"]}]},
    });
    let namespaced = "/apis/cilium.io/v2/namespaces/b/ciliumnetworkpolicies";
    let clusterwide = "/apis/cilium.io/v2/ciliumclusterwidenetworkpolicies";
    let groups_of_cidrs = "/apis/cilium.io/v2/ciliumcidrgroups";
    for (own, wide, cidrs, then) in [
        (list(&[]), list(&[]), list(&[]), Verdict::Allowed),
        (list(slice::from_ref(&deny)), list(&[]), list(&[]), Verdict::Denied),
        (list(&[]), list(&[deny]), list(&[]), Verdict::Denied),
        (forbidden(), list(&[]), list(&[]), Verdict::Unknown),
        (list(&[]), forbidden(), list(&[]), Verdict::Unknown),
        // Without groups only what refers to them is not known.
        (list(&[]), list(&[]), forbidden(), Verdict::Allowed),
    ] {
        let server = server(vec![
            ("/apis", groups(&["cilium.io/v2"])),
            (namespaced, own),
            (clusterwide, wide),
            (groups_of_cidrs, cidrs),
            ("/api/v1/namespaces/a/pods/web", object(&pod("a", "web", &["10.1.0.1"]))),
            ("/api/v1/namespaces/b/pods/db", object(&pod("b", "db", &["10.1.0.2"]))),
        ]);
        let objects = read(&server, "pod/web", "b/pod/db:80").unwrap();
        assert_eq!(verdict(objects, "pod/web", "b/pod/db:80"), Some(then));
    }
}
