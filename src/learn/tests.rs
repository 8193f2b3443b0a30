//! What is learned and what is not, one kind of flow at a time.

use super::collect::MOST_CONNECTIONS;
use super::*;
use crate::baseline::{Baseline, Deny, Dns, Facts};
use crate::draft::{Dialect, Draft};
use crate::hubble::{Record, decode};
use crate::objects::decode_text;
use crate::observed::Index;
use crate::policy::{Calico, Cilium, Enforcer, Ruleset};
use serde_json::{Value, json};
use std::path::Path;

/// Two workloads of namespace `a`, of which one has all labels of the other, and one of `b`.
const CLUSTER: &str = r"
apiVersion: v1
kind: Node
metadata: {name: node-1}
status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}
---
apiVersion: v1
kind: Node
metadata: {name: other}
spec: {podCIDR: 10.0.0.0/16}
status: {addresses: [{type: InternalIP, address: 192.168.0.2}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: a}
spec: {clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7], ports: [{port: 80, targetPort: 8080}], selector: {app: db}}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: a, labels: {app: db, statefulset.kubernetes.io/pod-name: db-0, controller-revision-hash: x1}, ownerReferences: [{apiVersion: apps/v1, kind: StatefulSet, name: db, uid: u, controller: true}]}
spec: {nodeName: node-1, containers: [{name: c, image: x, ports: [{containerPort: 8080}]}]}
status: {phase: Running, podIP: 10.0.0.2, podIPs: [{ip: 10.0.0.2}]}
---
apiVersion: v1
kind: Pod
metadata: {name: dump, namespace: a, labels: {app: db, role: dump}}
spec: {nodeName: node-1, containers: [{name: c, image: x}]}
status: {phase: Running, podIP: 10.0.0.3, podIPs: [{ip: 10.0.0.3}]}
---
apiVersion: v1
kind: Pod
metadata: {name: bare, namespace: a}
spec: {nodeName: node-1, containers: [{name: c, image: x}]}
status: {phase: Running, podIP: 10.0.0.4, podIPs: [{ip: 10.0.0.4}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-1, namespace: b, labels: {app: web, pod-template-hash: abc}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-abc, uid: u, controller: true}]}
spec: {nodeName: other, containers: [{name: c, image: x}]}
status: {phase: Running, podIP: 10.0.1.1, podIPs: [{ip: 10.0.1.1}]}
";

fn flow(change: &Value) -> crate::hubble::Flow {
    let mut flow = json!({
        "time": "2026-01-01T12:00:00Z", "verdict": "FORWARDED", "event_type": {"type": 5},
        "traffic_direction": "INGRESS", "node_name": "node-1", "is_reply": false,
        "IP": {"source": "10.0.1.1", "destination": "10.0.0.2"},
        "l4": {"TCP": {"source_port": 40000, "destination_port": 8080}},
        "source": {"identity": 1000, "namespace": "b", "pod_name": "web-1"},
        "destination": {"identity": 1001, "namespace": "a", "pod_name": "db-0"},
    });
    for (field, value) in change.as_object().unwrap() {
        flow[field] = value.clone();
    }
    match decode(flow.to_string().as_bytes()) {
        Record::Flow(flow) => *flow,
        other => panic!("{other:?}"),
    }
}

/// The lesson of namespace `a`, closed in both directions, with the sentences on it.
struct Told {
    policies: Vec<Draft>,
    seen: Vec<Seen>,
    lesson: Vec<String>,
    reading: Vec<String>,
}

fn lesson_of(flows: &[crate::hubble::Flow], there: &[Value]) -> Told {
    lesson_in(Dialect::NetworkPolicy, flows, there)
}

fn lesson_in(dialect: Dialect, flows: &[crate::hubble::Flow], there: &[Value]) -> Told {
    let (mut objects, warnings) = decode_text(CLUSTER.into(), Path::new("cluster"), "default");
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(there.iter().all(|policy| objects.insert_policy(policy)));
    let (snapshot, written) = objects.assemble();
    let enforcer = match dialect {
        Dialect::Calico => Enforcer::Calico(Calico::default()),
        Dialect::NetworkPolicy | Dialect::Cilium => Enforcer::Cilium(Cilium::default()),
    };
    let rules = Ruleset::compile(&written, &snapshot, &enforcer);
    let mut collector =
        Collector::new(&snapshot, Index::new(&snapshot, &rules), ["a".into()], None)
            .with_icmp(dialect != Dialect::NetworkPolicy);
    for flow in flows {
        collector.flow(flow);
    }
    let baseline = Baseline { deny: Deny::All, dns: Dns::Namespace, ..Baseline::default() };
    let closing = baseline.policies("a", &Facts::default());
    let lesson = learn(&collector, &written, &rules, "a", &closing, dialect);
    let text = lesson_text(&collector, &lesson, false);
    let reading = reading_text(&collector);
    Told { policies: lesson.policies, seen: lesson.seen, lesson: text, reading }
}

fn told(changes: &[Value]) -> Told {
    lesson_of(&changes.iter().map(flow).collect::<Vec<_>>(), &[])
}

/// The spec of a policy in a dialect.
fn spec(draft: &Draft, dialect: Dialect) -> Value {
    draft.object(dialect).unwrap()["spec"].clone()
}

/// Nothing is learned, and this is said.
#[track_caller]
fn left(change: &Value, why: &str) {
    let told = told(std::slice::from_ref(change));
    assert_eq!(told.policies, []);
    let lines = [told.lesson, told.reading].concat();
    assert!(lines.iter().any(|line| line.contains(why)), "{why:?} in {lines:#?}");
}

#[test]
fn labels_that_last_and_that_no_other_workload_has() {
    let told = told(&[json!({})]);
    let [policy] = &told.policies[..] else { panic!("{:?}", told.policies) };
    let expected = json!({
        "podSelector": {
            "matchLabels": {"app": "db"},
            "matchExpressions": [{"key": "role", "operator": "DoesNotExist"}],
        },
        "policyTypes": ["Ingress"],
        "ingress": [{
            "from": [{
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "b"}},
                "podSelector": {"matchLabels": {"app": "web"}},
            }],
            "ports": [{"port": 8080, "protocol": "TCP"}],
        }],
    });
    assert_eq!(spec(policy, Dialect::NetworkPolicy), expected);
    assert_eq!(policy.name, "allow-db-from-b-web");
    assert!(told.lesson.contains(&"  0 observed flows would be cut".to_owned()));
}

/// docs/semantics/cilium-labels.md#peer-of-a-ciliumnetworkpolicy: what a NetworkPolicy says by labels,
/// said by Cilium's.
#[test]
fn the_same_in_the_words_of_cilium() {
    let flows = [flow(&json!({})), flow(&from_outside("203.0.113.4", 80))];
    let told = lesson_in(Dialect::Cilium, &flows, &[]);
    let db = json!({
        "matchLabels": {"app": "db"},
        "matchExpressions": [{"key": "role", "operator": "DoesNotExist"}],
    });
    let specs: Vec<Value> =
        told.policies.iter().map(|draft| spec(draft, Dialect::Cilium)).collect();
    let to_ports = |port: &str| json!([{"ports": [{"port": port, "protocol": "TCP"}]}]);
    let web = json!({"app": "web", "k8s:io.kubernetes.pod.namespace": "b"});
    assert_eq!(
        specs,
        [
            json!({"endpointSelector": db, "ingress": [
                {"fromEndpoints": [{"matchLabels": web}], "toPorts": to_ports("8080")},
            ]}),
            json!({"endpointSelector": db, "ingress": [
                {"fromCIDR": ["203.0.113.4/32"], "toPorts": to_ports("80")},
            ]}),
        ]
    );
    assert!(told.lesson.contains(&"  0 observed flows would be cut".to_owned()));
    let remote = json!({
        "source": {"identity": 6, "labels": ["reserved:remote-node"]},
        "IP": {"source": "192.168.0.2", "destination": "10.0.0.2"},
    });
    let told = lesson_in(Dialect::Cilium, &[flow(&remote)], &[]);
    assert_eq!(told.policies, []);
    assert!(told.lesson.join("\n").contains("only entities name these"), "{:?}", told.lesson);
}

/// docs/semantics/cilium-ports.md#icmp: what no NetworkPolicy can name, and Cilium's can.
#[test]
fn icmp_is_learned_in_the_words_of_cilium() {
    let ping = flow(&json!({"l4": {"ICMPv4": {"type": 8}}}));
    let told = lesson_in(Dialect::Cilium, &[ping], &[]);
    let [policy] = &told.policies[..] else { panic!("{:?}", told.policies) };
    let ingress = &spec(policy, Dialect::Cilium)["ingress"];
    assert_eq!(ingress[0]["icmps"], json!([{"fields": [{"family": "IPv4", "type": 8}]}]));
    assert_eq!(ingress[0]["toPorts"], Value::Null);
    let line = "    b/deploy/web → sts/db ICMP type 8: 1 flow".to_owned();
    assert!(told.lesson.contains(&line), "{:?}", told.lesson);
    assert!(told.lesson.contains(&"  0 observed flows would be cut".to_owned()));
    // An error about a connection needs no policy.
    let error = flow(&json!({"l4": {"ICMPv4": {"type": 3}}}));
    assert_eq!(lesson_in(Dialect::Cilium, &[error], &[]).policies, []);
}

/// docs/semantics/calico.md#protocols-and-ports: Calico's policies can, too.
#[test]
fn icmp_is_learned_in_the_words_of_calico() {
    let ping = flow(&json!({"l4": {"ICMPv4": {"type": 8}}}));
    let told = lesson_in(Dialect::Calico, &[ping], &[]);
    let [policy] = &told.policies[..] else { panic!("{:?}", told.policies) };
    let rule = &spec(policy, Dialect::Calico)["ingress"][0];
    assert_eq!((&rule["protocol"], &rule["icmp"]), (&json!("ICMP"), &json!({"type": 8})));
    assert!(told.lesson.contains(&"  0 observed flows would be cut".to_owned()));
    left(&json!({"l4": {"ICMPv4": {"type": 8}}}), "(those of Cilium and Calico can)");
}

#[test]
fn within_the_namespace_both_sides_are_written() {
    let within = json!({
        "source": {"identity": 1, "namespace": "a", "pod_name": "dump"},
        "IP": {"source": "10.0.0.3", "destination": "10.0.0.2"},
    });
    let told = told(&[within]);
    let names: Vec<_> = told.policies.iter().map(|policy| policy.name.as_str()).collect();
    assert_eq!(names, ["allow-db-from-dump", "allow-dump-to-db"]);
}

/// docs/semantics/hubble.md#events: what an event says of policies.
#[test]
fn what_says_nothing_of_what_works() {
    left(&json!({"is_reply": true}), "0 connections");
    // Seen on its way into the pod's network, before any policy is asked.
    left(&json!({"event_type": {"type": 4, "sub_type": 5}}), "0 connections");
    let drop =
        json!({"verdict": "DROPPED", "event_type": {"type": 1, "sub_type": 151}, "is_reply": null});
    left(&drop, "1 flow dropped by no policy");
    left(
        &json!({"verdict": "DROPPED", "event_type": {"type": 129}}),
        "1 flow denied by an L7 rule",
    );
    let denied =
        json!({"verdict": "DROPPED", "drop_reason_desc": "POLICY_DENIED", "is_reply": null});
    left(&denied, "b/deploy/web → sts/db 8080/TCP: 1 dropped at ingress");
    let host = json!({"source": {"identity": 1, "labels": ["reserved:host"]}});
    left(&host, "from a pod's own node, such as probes");
    // A trace behind the policies of both sides is of a connection that was let through, perhaps long
    // before the first event that is kept.
    let delivered = told(&[json!({"event_type": {"type": 4, "sub_type": 0}})]);
    assert_eq!(delivered.policies.len(), 1);
}

#[test]
fn who_cannot_be_named() {
    let source = |source: Value, ip: &str| json!({"source": source, "IP": {"source": ip, "destination": "10.0.0.2"}});
    let pod = |name: &str| json!({"identity": 1000, "namespace": "b", "pod_name": name});
    left(&source(pod("gone-1"), "10.0.1.9"), "the pod b/gone-1 is not known here");
    let nobody = json!({"identity": 1000});
    left(&source(nobody.clone(), "172.16.0.9"), "172.16.0.9 is an address in the cluster");
    let world = json!({"identity": 2, "labels": ["reserved:world"]});
    left(&source(world, "10.0.0.77"), "10.0.0.77 is an address in the cluster");
    let remote = json!({"identity": 6, "labels": ["reserved:remote-node"]});
    left(&source(remote, "192.168.0.2"), "no NetworkPolicy can name a node");
    let api = json!({"identity": 7, "labels": ["reserved:kube-apiserver"]});
    left(&source(api, "172.16.0.1"), "an end is kube-apiserver");
    let bare = json!({"identity": 1, "namespace": "a", "pod_name": "bare"});
    left(&source(bare, "10.0.0.4"), "an end has no label to name it by");
    left(&json!({"l4": {"ICMPv4": {"type": 8}}}), "ICMPv4 has no ports");
    let service = json!({
        "traffic_direction": "EGRESS",
        "source": {"identity": 1, "namespace": "a", "pod_name": "dump"},
        "destination": {"identity": 2, "labels": ["reserved:world"]},
        "IP": {"source": "10.0.0.3", "destination": "10.96.0.7"},
    });
    left(&service, "the address of a/svc/db, which was not translated yet");
}

/// A pod's address is its pod, whatever Hubble calls it.
#[test]
fn addresses_of_pods_are_pods() {
    let told = told(&[json!({"source": {"identity": 2, "labels": ["reserved:world"]}})]);
    assert_eq!(told.policies[0].name, "allow-db-from-b-web");
}

fn from_outside(ip: &str, port: u16) -> Value {
    json!({
        "source": {"identity": 2, "labels": ["reserved:world"]},
        "IP": {"source": ip, "destination": "10.0.0.2"},
        "l4": {"TCP": {"source_port": 40000, "destination_port": port}},
    })
}

#[test]
fn addresses_outside_are_joined_where_that_adds_none() {
    let mut flows: Vec<Value> =
        ["203.0.113.4", "203.0.113.5", "203.0.113.6", "203.0.113.7", "198.51.100.9", "2001:db8::7"]
            .iter()
            .map(|ip| from_outside(ip, 8080))
            .collect();
    flows.push(from_outside("198.51.100.9", 9090));
    let told = told(&flows);
    let spec = spec(&told.policies[0], Dialect::NetworkPolicy);
    let rules = spec["ingress"].as_array().unwrap().iter().map(|rule| {
        let cidrs =
            rule["from"].as_array().unwrap().iter().map(|peer| peer["ipBlock"]["cidr"].clone());
        let ports = rule["ports"].as_array().unwrap().iter().map(|port| port["port"].clone());
        (cidrs.collect::<Vec<_>>(), ports.collect::<Vec<_>>())
    });
    let expected = [
        (vec![json!("203.0.113.4/30"), json!("2001:db8::7/128")], vec![json!(8080)]),
        (vec![json!("198.51.100.9/32")], vec![json!(8080), json!(9090)]),
    ];
    assert_eq!(rules.collect::<Vec<_>>(), expected);
    assert_eq!(told.policies[0].name, "allow-db-from-outside");
}

#[test]
fn too_many_to_name_are_told() {
    let flows: Vec<Value> =
        (0..40).map(|n| from_outside(&format!("203.0.113.{}", n * 2), 8080)).collect();
    let told = told(&flows);
    assert_eq!(told.policies, []);
    let said = told.lesson.join("\n");
    assert!(said.contains("40 connections in 40 observed flows would be cut:"), "{said}");
    assert!(said.contains("more than 32 blocks of addresses"), "{said}");
}

/// What is kept does not grow with what is read.
#[test]
fn memory_is_bounded() {
    let mut one = flow(&from_outside("203.0.113.1", 80));
    let flows = (0..MOST_CONNECTIONS + 5).map(|n| {
        let bytes = u32::try_from(n).unwrap().to_be_bytes();
        one.source.ip = Some([100, bytes[1], bytes[2], bytes[3]].into());
        one.clone()
    });
    let told = lesson_of(&flows.collect::<Vec<_>>(), &[]);
    assert_eq!(told.seen.len(), MOST_CONNECTIONS);
    let said = told.reading.join("\n");
    assert!(said.contains("10000 different connections are kept: 5 flows left out"), "{said}");
    assert!(told.lesson.len() < 60, "{}", told.lesson.len());
}

/// What works now is what was decided last.
#[test]
fn the_last_decision_counts() {
    let at = |time: &str, verdict: &str| json!({"time": time, "verdict": verdict, "drop_reason_desc": "POLICY_DENIED"});
    let (early, late) = ("2026-01-01T12:00:00Z", "2026-01-01T12:00:05Z");
    let opened = told(&[at(late, "FORWARDED"), at(early, "DROPPED")]);
    assert_eq!(opened.policies.len(), 1);
    let closed = told(&[at(late, "DROPPED"), at(early, "FORWARDED")]);
    assert_eq!(closed.policies, []);
    assert!(closed.lesson.join("\n").contains("1 dropped at ingress, 1 passed"));
    let audited = told(&[at(early, "AUDIT")]);
    assert!(audited.lesson.join("\n").contains("1 flow, only in audit mode"));
    // Let out, and the other end's side was not seen: its policies say what becomes of it.
    let deny = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "x", "namespace": "a"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
    });
    let out = flow(&json!({"traffic_direction": "EGRESS"}));
    let unseen = lesson_of(&[out], &[deny]);
    assert_eq!(unseen.policies, []);
    assert_eq!(unseen.seen[0].fate, Fate::Denied { predicted: true });
}

/// Once it is applied, the same flows give the same policies, so that files for Git do not lose them.
#[test]
fn learning_again_gives_the_same() {
    let flows = [flow(&json!({})), flow(&from_outside("203.0.113.4", 80))];
    for (dialect, word) in [(Dialect::NetworkPolicy, "netpol"), (Dialect::Cilium, "cnp")] {
        let first = lesson_in(dialect, &flows, &[]);
        let there: Vec<Value> =
            first.policies.iter().map(|draft| draft.object(dialect).unwrap()).collect();
        let again = lesson_in(dialect, &flows, &there);
        assert_eq!(first.policies.len(), 2);
        assert_eq!(again.policies, first.policies);
        let said = again.lesson.join("\n");
        assert!(said.contains(&format!("{word}/allow-db-from-b-web is there already")), "{said}");
    }
}
