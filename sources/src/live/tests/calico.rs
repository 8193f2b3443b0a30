//! What of a cluster with Calico is read besides its policies: its version, and labels of ServiceAccounts.

use super::{Reply, Server, reply, run, to};
use netpol::cluster::{Family, Port, Protocol};
use netpol::objects::Objects;
use netpol::policy::Ruleset;
use netpol::verdict::{Endpoint, Flow, judge};
use serde_json::{Value, json};

/// A cluster with one pod that a policy lets nobody but pods of some ServiceAccounts reach.
struct Cluster {
    asked: &'static str,
    accounts: Reply,
    information: Reply,
    node: Reply,
}

fn list(items: &[Value]) -> Reply {
    reply(200, json!({"items": items}).to_string())
}

fn pod(name: &str, ip: &str) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
        "spec": {"serviceAccountName": name},
        "status": {"podIPs": [{"ip": ip}]},
    })
}

fn account(name: &str, team: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "labels": {"team": team}}})
}

fn none() -> Reply {
    reply(
        404,
        r#"{"kind":"Status","reason":"NotFound","code":404,"details":{"name":"x","kind":"x"}}"#,
    )
}

impl Cluster {
    fn read(self) -> (Objects, Vec<String>) {
        let Self { asked, accounts, information, node } = self;
        let policy = json!({
            "apiVersion": "projectcalico.org/v3", "kind": "NetworkPolicy",
            "metadata": {"name": "api", "namespace": "shop"},
            "spec": {
                "selector": "app == 'api'", "types": ["Ingress"],
                "ingress": [{"action": "Allow", "source": {"serviceAccounts": {"selector": asked}}}],
            },
        });
        let groups = json!({"groups": [{"versions": [{"groupVersion": "projectcalico.org/v3"}]}]});
        let server = Server::start(move |_, served| {
            let path = served.line.split(['?', ' ']).nth(1).unwrap_or_default();
            match path {
                "/apis" => reply(200, groups.to_string()),
                "/api/v1/pods" => list(&[pod("web", "10.0.0.1"), pod("api", "10.0.0.2")]),
                "/apis/projectcalico.org/v3/networkpolicies" => list(std::slice::from_ref(&policy)),
                "/api/v1/serviceaccounts" => accounts.clone(),
                path if path.contains("/clusterinformations/") => information.clone(),
                path if path.ends_with("/daemonsets/calico-node") => node.clone(),
                _ => list(&[]),
            }
        });
        let objects = run(async { to(&server.url()).await.whole(None).await }).unwrap();
        (objects, server.lines())
    }
}

fn verdict(objects: Objects) -> String {
    let enforcer = objects.enforcer.clone().map(|(enforcer, _)| enforcer).unwrap();
    let (snapshot, written) = objects.assemble();
    let rules = Ruleset::compile(&written, &snapshot, &enforcer);
    let pod = |name: &str| {
        let found = snapshot.pods().iter().position(|pod| *pod.name == *name);
        Endpoint::Pod(found.unwrap())
    };
    let flow = Flow {
        source: pod("web"),
        destination: pod("api"),
        port: Port { protocol: Protocol::Tcp, number: 80 },
        family: Family::V4,
        through_service: false,
    };
    format!("{:?}", judge(&snapshot, &rules, &flow).verdict)
}

fn cluster(asked: &'static str, accounts: Reply) -> Cluster {
    Cluster { asked, accounts, information: none(), node: none() }
}

/// docs/semantics/calico.md#labels: they are listed where a policy asks for them, and then only.
#[test]
fn labels_of_accounts_are_listed_where_a_policy_asks() {
    let of = |team: &str| list(&[account("web", team), account("api", "blue")]);
    let forbidden = r#"{"kind":"Status","reason":"Forbidden","code":403,"details":{"kind":"serviceaccounts"},
        "message":"serviceaccounts is forbidden: User \"jane\" cannot list resource \"serviceaccounts\" in API group \"\" at the cluster scope"}"#;
    let labels = "team == 'red'";
    for (asked, accounts, expected, requests) in [
        (labels, of("red"), "Allowed", 1),
        (labels, of("blue"), "Denied", 1),
        (labels, reply(403, forbidden), "Unknown", 1),
        // The name is known without them.
        ("projectcalico.org/name == 'web'", reply(403, forbidden), "Allowed", 0),
    ] {
        let (objects, lines) = cluster(asked, accounts).read();
        let listed = lines.iter().filter(|line| line.contains("serviceaccounts")).count();
        assert_eq!(listed, requests, "{asked}: {lines:?}");
        let gaps: Vec<String> =
            objects.gaps.iter().map(|gap| format!("{}: {}", gap.what, gap.why)).collect();
        let told = gaps.iter().any(|gap| {
            gap.starts_with("the labels of the ServiceAccounts: ")
                && gap.contains("list serviceaccounts in the whole cluster")
        });
        assert_eq!(told, expected == "Unknown", "{gaps:?}");
        assert_eq!(verdict(objects), expected, "{asked}");
    }
}

/// docs/semantics/calico.md#versions: as Calico tells it, else as the image of its agent does.
#[test]
fn the_version_of_calico() {
    let told = |version: &str| reply(200, json!({"spec": {"calicoVersion": version}}).to_string());
    let image = |tag: &str| {
        let containers =
            json!([{"name": "calico-node", "image": format!("docker.io/calico/node:{tag}")}]);
        reply(200, json!({"spec": {"template": {"spec": {"containers": containers}}}}).to_string())
    };
    for (information, node, expected) in [
        (told("v3.31.4"), image("v3.32.1"), "calico-3.31"),
        (told("v3.32.0"), none(), "calico-3.32"),
        (none(), image("v3.30.2"), "calico-3.31"),
        (told("master"), image("v3.33.0"), "calico-3.32"),
        (none(), image("latest"), "calico"),
        (none(), none(), "calico"),
    ] {
        let asked = Cluster { information, node, ..cluster("has(team)", list(&[])) };
        let (objects, _) = asked.read();
        assert_eq!(objects.enforcer.unwrap().0.to_string(), expected);
    }
}
