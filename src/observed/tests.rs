//! Ends that are found or not, and each guess where observation and prediction differ.

use super::*;
use crate::cluster::{Applied, Labels, Node, ObjectRef, Origin, Pod, Snapshot, Workload};
use crate::hubble::{Flow, Record, decode};
use crate::policy::networkpolicy::Spec;
use crate::policy::rule::Direction;
use crate::policy::{Cilium, Enforcer, Ruleset, Written};
use crate::verdict::{Endpoint, Verdict};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::Arc;

struct World {
    snapshot: Snapshot,
    written: Written,
    origin: Origin,
    enforcer: Enforcer,
}

impl World {
    fn live() -> Self {
        let origin = Origin::Live { applied: None, owner: None };
        let (snapshot, written) = (Snapshot::default(), Written::default());
        Self { snapshot, written, origin, enforcer: Enforcer::default() }
    }

    fn files() -> Self {
        Self { origin: Origin::Synthetic, ..Self::live() }
    }

    /// A pod of namespace `a` with a label `app` and perhaps an address.
    fn pod(mut self, name: &str, app: &str, ip: Option<&str>, owner: Option<(&str, &str)>) -> Self {
        let owner = owner.map(|(kind, name)| {
            let object = ObjectRef::namespaced(kind, "a", name);
            let origin = self.origin.clone();
            self.snapshot.workloads.push(Workload {
                object,
                selector: None,
                replicas: None,
                origin,
            });
            self.snapshot.workloads.len() - 1
        });
        self.snapshot.add_pod(Pod {
            namespace: "a".into(),
            name: name.into(),
            labels: Labels::from_iter([("app", app)]),
            unknown_labels: &[],
            ips: ip.iter().map(|ip| ip.parse::<IpAddr>().unwrap()).collect(),
            ports: Arc::default(),
            probes: None,
            host_network: false,
            node: Some("n".into()),
            service_account: "default".into(),
            owner,
            template: ip.is_none(),
            ready: true,
            finished: false,
            origin: self.origin.clone(),
        });
        self
    }

    fn node(mut self, name: &str, ip: &str) -> Self {
        let ips = vec![ip.parse().unwrap()];
        self.snapshot.nodes.push(Node { name: name.into(), labels: Labels::default(), ips });
        self
    }

    /// A policy of namespace `a` for all pods.
    fn policy(mut self, name: &str, time: Option<&str>, spec: &Value) -> Self {
        let origin = match (&self.origin, time) {
            (Origin::Live { .. }, Some(time)) => Origin::Live {
                applied: Some(Arc::new(Applied {
                    manager: "kubectl".into(),
                    time: Some(time.into()),
                })),
                owner: None,
            },
            (origin, _) => origin.clone(),
        };
        let mut spec = spec.clone();
        spec["podSelector"] = json!({});
        let spec: Spec = serde_json::from_value(spec).unwrap();
        self.written.objects.push(spec.named("a", name, origin));
        self
    }

    fn rules(&self) -> Ruleset {
        Ruleset::compile(&self.written, &self.snapshot, &self.enforcer)
    }

    /// What is predicted of a flow, and whether that agrees.
    fn judge(&self, flow: &Flow) -> Result<(Verdict, Agreement), NotJudged> {
        let rules = self.rules();
        assert!(rules.rejected.is_empty(), "{:?}", rules.rejected);
        let index = Index::new(&self.snapshot, &rules);
        let key = key(&self.snapshot, &index, flow)?;
        let prediction = predict(&self.snapshot, &rules, &key);
        let scene = Scene { snapshot: &self.snapshot, rules: &rules, index: &index };
        Ok((prediction.verdict(flow.direction), compare(scene, flow, &prediction)))
    }

    fn arrived(&self, flow: &Flow) -> Option<Agreement> {
        let rules = self.rules();
        let index = Index::new(&self.snapshot, &rules);
        let key = key(&self.snapshot, &index, flow).unwrap();
        let prediction = predict(&self.snapshot, &rules, &key);
        let scene = Scene { snapshot: &self.snapshot, rules: &rules, index: &index };
        arrived(scene, flow, &prediction)
    }

    fn likely(&self, flow: &Flow) -> Vec<Likely> {
        match self.judge(flow) {
            Ok((_, Agreement::Differs(likely))) => likely,
            other => panic!("{other:?}"),
        }
    }

    fn end(&self, flow: &Flow) -> Result<Endpoint, Unjoined> {
        let index = Index::new(&self.snapshot, &self.rules());
        index.endpoint(&self.snapshot, flow, &flow.source)
    }
}

/// A flow from `web` to `db` of namespace `a`, at 80/TCP, as the ingress of `db` sees it.
fn flow(change: &Value) -> Flow {
    let mut flow = json!({
        "time": "2026-01-01T12:00:00Z", "verdict": "FORWARDED", "event_type": {"type": 5},
        "traffic_direction": "INGRESS", "node_name": "n", "is_reply": false,
        "IP": {"source": "10.0.0.1", "destination": "10.0.0.2"},
        "l4": {"TCP": {"source_port": 40000, "destination_port": 80}},
        "source": {"identity": 1000, "namespace": "a", "pod_name": "web-0", "labels": ["k8s:app=web"]},
        "destination": {"identity": 1001, "namespace": "a", "pod_name": "db-0", "labels": ["k8s:app=db"]},
    });
    for (field, value) in change.as_object().unwrap() {
        flow[field] = value.clone();
    }
    match decode(flow.to_string().as_bytes()) {
        Record::Flow(flow) => *flow,
        other => panic!("{other:?}"),
    }
}

fn dropped(change: &Value) -> Flow {
    let mut all = json!({"verdict": "DROPPED", "drop_reason_desc": "POLICY_DENIED"});
    for (field, value) in change.as_object().unwrap() {
        all[field] = value.clone();
    }
    flow(&all)
}

fn two_pods(world: World) -> World {
    world.pod("web-0", "web", Some("10.0.0.1"), None).pod("db-0", "db", Some("10.0.0.2"), None)
}

fn deny() -> Value {
    json!({"policyTypes": ["Ingress"]})
}

#[test]
fn what_agrees_and_what_is_not_compared() {
    let open = two_pods(World::live());
    let closed = two_pods(World::live()).policy("deny", None, &deny());
    let none = json!({});
    for (world, flow, expected) in [
        (&open, flow(&none), Agreement::AsPredicted),
        (&closed, dropped(&none), Agreement::AsPredicted),
        (&closed, flow(&json!({"verdict": "AUDIT"})), Agreement::AsPredicted),
        (&open, flow(&json!({"verdict": "REDIRECTED"})), Agreement::AsPredicted),
        (
            &open,
            dropped(&json!({"drop_reason_desc": "STALE_OR_UNROUTABLE_IP"})),
            Agreement::NotCompared,
        ),
        (&open, dropped(&json!({"drop_reason_desc": "OF_THE_FUTURE"})), Agreement::NotCompared),
        (&closed, flow(&json!({"event_type": {"type": 4}})), Agreement::NotCompared),
        (&closed, flow(&json!({"verdict": "TRACED"})), Agreement::NotCompared),
        // One side let it through; which is not said.
        (&closed, flow(&json!({"traffic_direction": null})), Agreement::NotCompared),
        (&closed, dropped(&json!({"traffic_direction": null})), Agreement::AsPredicted),
        // The egress of web is open, whatever the ingress of db.
        (&closed, flow(&json!({"traffic_direction": "EGRESS"})), Agreement::AsPredicted),
        // What becomes of ICMP where rules decide is not defined.
        (&open, flow(&json!({"l4": {"ICMPv4": {"type": 8}}})), Agreement::AsPredicted),
        (&closed, dropped(&json!({"l4": {"ICMPv4": {"type": 8}}})), Agreement::NotKnown),
    ] {
        assert_eq!(world.judge(&flow).unwrap().1, expected, "{flow:?}");
    }
    assert_eq!(closed.judge(&flow(&json!({"is_reply": true}))), Err(NotJudged::Reply));
    // What is let in was let out.
    let shut = two_pods(World::live()).policy("shut", None, &json!({"policyTypes": ["Egress"]}));
    let likely = Agreement::Arrived(vec![Likely::NotRealised, Likely::AuditMode]);
    assert_eq!(shut.arrived(&flow(&none)), Some(likely));
    assert_eq!((shut.arrived(&dropped(&none)), open.arrived(&flow(&none))), (None, None));
    let out = dropped(&json!({"traffic_direction": "EGRESS"}));
    assert_eq!(shut.judge(&out).unwrap().1, Agreement::AsPredicted);
}

/// docs/semantics/cilium-ports.md#icmp and docs/semantics/cilium-networkpolicy.md#other-protocols:
/// Cilium denies what only rules with ports allow; docs/semantics/kubernetes.md#other-protocols: of
/// others that is not defined.
#[test]
fn icmp_is_judged_by_cilium() {
    let by = |enforcer: &Enforcer, ingress: Value| {
        let mut world = two_pods(World::live());
        world.enforcer = enforcer.clone();
        world.policy("p", None, &json!({"policyTypes": ["Ingress"], "ingress": ingress}))
    };
    let cilium = Enforcer::Cilium(Cilium::default());
    let with_port = json!([{"ports": [{"port": 80}]}]);
    let ping = |seen: fn(&Value) -> Flow| seen(&json!({"l4": {"ICMPv4": {"type": 8}}}));
    let ping_v6 = json!({
        "l4": {"ICMPv6": {"type": 128}},
        "IP": {"source": "2001:db8::1", "destination": "2001:db8::2"},
    });
    let agreement = |world: &World, flow: &Flow| world.judge(flow).unwrap().1;
    for ingress in [with_port.clone(), json!([])] {
        let closed = by(&cilium, ingress);
        assert_eq!(agreement(&closed, &ping(dropped)), Agreement::AsPredicted);
        assert!(matches!(agreement(&closed, &ping(flow)), Agreement::Differs(_)));
        assert_eq!(closed.judge(&dropped(&ping_v6)).unwrap().0, Verdict::Denied);
    }
    let open = by(&cilium, json!([{}]));
    assert_eq!(agreement(&open, &ping(flow)), Agreement::AsPredicted);
    assert!(matches!(agreement(&open, &ping(dropped)), Agreement::Differs(_)));
    // An error about a connection passes where that is known, and neighbours are nobody's to close.
    let closed = by(&cilium, with_port.clone());
    for other in [
        json!({"ICMPv4": {"type": 3}}),
        json!({"ICMPv4": {"type": 11}}),
        json!({"ICMPv6": {"type": 2}}),
        json!({"ICMPv6": {"type": 135}}),
    ] {
        let flow = dropped(&json!({"l4": other}));
        assert_eq!(agreement(&closed, &flow), Agreement::NotKnown, "{other}");
    }
    // docs/semantics/calico.md#policies-of-kubernetes: a rule with ports is of these protocols only.
    let calico = Enforcer::Calico(crate::policy::Calico::default());
    let closed = by(&calico, with_port.clone());
    assert_eq!(agreement(&closed, &ping(dropped)), Agreement::AsPredicted);
    let open = by(&calico, json!([{}]));
    assert_eq!(agreement(&open, &ping(flow)), Agreement::AsPredicted);
    let other = by(&Enforcer::Kubernetes, with_port);
    assert_eq!(agreement(&other, &ping(dropped)), Agreement::NotKnown);
    assert_eq!(agreement(&other, &ping(flow)), Agreement::NotKnown);
}

#[test]
fn every_guess_has_its_reason() {
    let closed = || two_pods(World::live()).policy("deny", Some("2026-01-01T11:00:00Z"), &deny());
    let open = || two_pods(World::live());
    let none = json!({});
    assert_eq!(closed().likely(&flow(&none)), [Likely::NotRealised]);
    assert_eq!(open().likely(&dropped(&none)), [Likely::Stale]);
    let later = two_pods(World::live()).policy("deny", Some("2026-01-01T13:00:00Z"), &deny());
    let deny_policy = ObjectRef::namespaced("NetworkPolicy", "a", "deny");
    assert_eq!(
        later.likely(&flow(&none)),
        [Likely::WrittenLater(deny_policy), Likely::NotRealised]
    );
    let files = two_pods(World::files()).policy("deny", None, &deny());
    assert_eq!(files.likely(&flow(&none)), [Likely::Manifests]);

    // A policy that is refused was read all the same, and is named as such.
    let mut refused = two_pods(World::live()).policy("deny", None, &deny());
    let spec: Spec =
        serde_json::from_value(json!({"podSelector": {}, "policyTypes": ["Inward"]})).unwrap();
    refused.written.objects[0].spec = spec.into();
    let named =
        json!({"ingress_denied_by": [{"name": "deny", "namespace": "a", "kind": "NetworkPolicy"}]});
    let (rules, seen) = (refused.rules(), dropped(&named));
    let index = Index::new(&refused.snapshot, &rules);
    let key = key(&refused.snapshot, &index, &seen).unwrap();
    let prediction = predict(&refused.snapshot, &rules, &key);
    let scene = Scene { snapshot: &refused.snapshot, rules: &rules, index: &index };
    let Agreement::Differs(likely) = compare(scene, &seen, &prediction) else { panic!() };
    assert!(matches!(&likely[0], Likely::NotInForce(name) if &*name.name == "deny"), "{likely:?}");

    let deny_rule = dropped(&json!({"drop_reason_desc": "POLICY_DENY"}));
    assert_eq!(open().likely(&deny_rule), [Likely::DenyRule, Likely::Stale]);
    let named = dropped(&json!({
        "drop_reason_desc": "POLICY_DENY",
        "ingress_denied_by": [{"name": "block", "kind": "CiliumClusterwideNetworkPolicy"}],
    }));
    let [Likely::NamedElsewhere(policy), Likely::Stale] = &open().likely(&named)[..] else {
        panic!("{:?}", open().likely(&named));
    };
    assert_eq!(&*policy.name, "block");
    // One that was read is not named elsewhere.
    let ours = json!({"ingress_allowed_by": [{"name": "deny", "namespace": "a", "kind": "NetworkPolicy"}]});
    assert_eq!(closed().likely(&flow(&ours)), [Likely::NotRealised]);
    let other_kind = json!({"ingress_allowed_by": [{"name": "deny", "namespace": "a", "kind": "CiliumNetworkPolicy"}]});
    assert!(matches!(closed().likely(&flow(&other_kind))[0], Likely::NamedElsewhere(_)));

    let authentication = dropped(&json!({"drop_reason_desc": "AUTH_REQUIRED"}));
    assert_eq!(open().likely(&authentication), [Likely::Authentication, Likely::Stale]);
    let l7 = flow(
        &json!({"verdict": "DROPPED", "event_type": {"type": 129}, "l7": {"type": "REQUEST"}}),
    );
    assert_eq!(open().likely(&l7), [Likely::Layer7, Likely::Stale]);
    let init = json!({"source": {"identity": 5, "namespace": "a", "pod_name": "web-0", "labels": ["reserved:init"]}});
    assert_eq!(open().likely(&dropped(&init)), [Likely::NotReady, Likely::Stale]);
    let labels = json!({"source": {"identity": 7, "namespace": "a", "pod_name": "web-0", "labels": ["k8s:app=old"]}});
    let old = Likely::OtherLabel("app".into(), "old".into());
    assert_eq!(open().likely(&dropped(&labels)), [old, Likely::Stale]);
    // By the snapshot the address is a pod's; Hubble saw it as the world's.
    let world = json!({"source": {"identity": 2, "labels": ["reserved:world"]}});
    assert_eq!(open().likely(&dropped(&world)), [Likely::Translated, Likely::Stale]);
    let outside = json!({
        "source": {"identity": 2, "labels": ["reserved:world"]},
        "IP": {"source": "203.0.113.1", "destination": "10.0.0.2"},
    });
    assert_eq!(open().likely(&dropped(&outside)), [Likely::Stale]);
}

/// docs/semantics/cilium-networkpolicy.md#ipblock-and-pods: Cilium matches blocks of addresses with
/// what is outside the cluster only.
#[test]
fn a_block_that_admits_a_pod_is_another_enforcers() {
    let block = |cidr: &str| json!({"policyTypes": ["Ingress"], "ingress": [{"from": [{"ipBlock": {"cidr": cidr}}]}]});
    let by_block = two_pods(World::live()).policy("block", None, &block("10.0.0.0/8"));
    assert_eq!(by_block.likely(&dropped(&json!({}))), [Likely::BlockOfCluster, Likely::Stale]);
    let by_both =
        by_block.policy("any", None, &json!({"policyTypes": ["Ingress"], "ingress": [{}]}));
    assert_eq!(by_both.likely(&dropped(&json!({}))), [Likely::Stale]);
}

#[test]
fn a_pod_that_is_gone_is_judged_by_another_of_its_workload() {
    let owner = Some(("Deployment", "web"));
    let world = World::live().pod("web-5f8b6c9d4c-aaaaa", "web", Some("10.0.0.7"), owner).pod(
        "db-0",
        "db",
        Some("10.0.0.2"),
        None,
    );
    let source = |pod: &str, labels: &[&str], workloads: Value| {
        flow(&json!({"source": {
            "identity": 9, "namespace": "a", "pod_name": pod, "labels": labels, "workloads": workloads,
        }}))
    };
    let none = json!([]);
    let like = source(
        "web-5f8b6c9d4c-zzzzz",
        &["k8s:app=web", "k8s:io.kubernetes.pod.namespace=a"],
        none.clone(),
    );
    assert_eq!(world.end(&like), Ok(Endpoint::Pod(0)));
    // The hash of another version of the template says nothing against it.
    let hash = source("web-6666666666-zzzzz", &["k8s:pod-template-hash=6666666666"], none.clone());
    assert_eq!(world.end(&hash), Ok(Endpoint::Pod(0)));
    for other in [
        source("web-5f8b6c9d4c-zzzzz", &["k8s:app=web2"], none.clone()),
        source("web-5f8b6c9d4c-zzzzz", &["k8s:more=x"], none.clone()),
        source("webs-5f8b6c9d4c-zzzzz", &[], none),
        source("web-5f8b6c9d4c-zzzzz", &[], json!([{"kind": "StatefulSet", "name": "web"}])),
    ] {
        assert!(matches!(world.end(&other), Err(Unjoined::NoPod { .. })), "{other:?}");
    }
}

#[test]
fn nodes_and_addresses() {
    let world = two_pods(World::live()).node("n", "192.0.2.1").node("m", "192.0.2.2");
    let from = |ip: &str, identity: u32, labels: &[&str], node: &str| {
        flow(&json!({
            "source": {"identity": identity, "labels": labels}, "node_name": node,
            "IP": {"source": ip, "destination": "10.0.0.2"},
        }))
    };
    let node = |at| Ok(Endpoint::Node(at));
    // The host by its name where its address is another, such as that of cilium_host.
    assert_eq!(world.end(&from("10.0.0.254", 1, &["reserved:host"], "default/n")), node(0));
    let at = Ok(Endpoint::NodeAddress(1, "192.0.2.2".parse().unwrap()));
    assert_eq!(world.end(&from("192.0.2.2", 6, &["reserved:remote-node"], "n")), at);
    assert_eq!(
        world.end(&from("192.0.2.9", 6, &["reserved:remote-node"], "n")),
        Err(Unjoined::NoNode)
    );
    let address = |ip: &str| Ok(Endpoint::Address(ip.parse().unwrap()));
    assert_eq!(world.end(&from("203.0.113.1", 2, &[], "n")), address("203.0.113.1"));
    assert_eq!(
        world.end(&from("203.0.113.1", 16_777_300, &["cidr:203.0.113.0/24"], "n")),
        address("203.0.113.1")
    );
    assert_eq!(world.end(&from("10.0.0.1", 0, &[], "n")), Ok(Endpoint::Pod(0)));
    assert_eq!(world.end(&from("", 0, &[], "n")), Err(Unjoined::Nameless));
    // A node always reaches its own pods, whether it was read or not.
    let closed = two_pods(World::live()).policy("deny", None, &deny());
    let probe = from("10.0.0.254", 1, &["reserved:host"], "n");
    assert_eq!(probe.direction, Some(Direction::Ingress));
    assert_eq!(closed.judge(&probe), Err(NotJudged::OwnNode));
    let closed = closed.node("n", "192.0.2.1");
    assert_eq!(closed.judge(&probe), Ok((Verdict::Allowed, Agreement::AsPredicted)));
}
