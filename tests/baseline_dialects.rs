//! The baseline in each dialect: under Cilium its own means the same as NetworkPolicies, but for what
//! docs/bootstrap.md names, and under Calico its own does.

use crate::random::{Random, hold};
use ipnet::IpNet;
use netpol::baseline::{
    Baseline, Deny, Destination, Dns, DnsFacts, Facts, LabelMap, NodeLocal, Peer, Who,
};
use netpol::cluster::{Family, Port, Protocol, Snapshot};
use netpol::draft::Dialect;
use netpol::ends::{PortText, PortWanted};
use netpol::objects::decode_text;
use netpol::policy::{Calico, Cilium, CiliumVersion, Enforcer, Fault, Ruleset};
use netpol::verdict::{Endpoint, Flow, Verdict, judge};
use serde_json::{Value, json};
use std::path::Path;

const NAMESPACES: [&str; 5] = ["home", "other", "kube-system", "monitoring", "ingress-nginx"];
const PORTS: [u16; 5] = [53, 80, 5353, 8080, 9090];

fn label(r: &mut Random) -> (String, String) {
    let app = *r.pick(&["web", "db", "prometheus", "kube-dns"]);
    let key = *r.pick(&["app", "k8s-app", "app.kubernetes.io/name"]);
    (key.to_owned(), app.to_owned())
}

/// Namespaces, two nodes and some pods, of which some use their node's network.
fn cluster(r: &mut Random) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for name in NAMESPACES {
        all.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
    }
    for (at, name) in ["n1", "n2"].iter().enumerate() {
        let address = format!("192.168.0.{}", at + 1);
        all.push(json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "status": {"addresses": [{"type": "InternalIP", "address": address}]},
        }));
    }
    for at in 0..r.between(3, 8) {
        let node = r.between(1, 2);
        let host = r.percent(20);
        let ip = if host { format!("192.168.0.{node}") } else { format!("10.0.0.{}", at + 1) };
        let namespace =
            *r.pick(&["home", "home", "other", "kube-system", "monitoring", "ingress-nginx"]);
        let labels: LabelMap = (0..r.below(3)).map(|_| label(r)).collect();
        all.push(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("p{at}"), "namespace": namespace, "labels": labels},
            "spec": {
                "nodeName": format!("n{node}"), "hostNetwork": host,
                "containers": [{"ports": [{"name": "http", "containerPort": *r.pick(&PORTS)}]}],
            },
            "status": {"phase": "Running", "podIPs": [{"ip": ip}]},
        }));
    }
    all
}

fn ports(r: &mut Random) -> Vec<PortWanted> {
    let one = |r: &mut Random| PortWanted {
        port: if r.percent(25) {
            PortText::Name("http".into())
        } else {
            PortText::Number(*r.pick(&PORTS))
        },
        protocol: *r.pick(&[None, Some(Protocol::Tcp), Some(Protocol::Udp)]),
    };
    (0..r.below(3)).map(|_| one(r)).collect()
}

fn peer(r: &mut Random, namespace: &str) -> Peer {
    let labels = (0..r.below(2)).map(|_| label(r)).collect();
    Peer { namespace: namespace.into(), labels, ports: ports(r) }
}

/// Any flags, and what the cluster might have told.
fn wishes(r: &mut Random) -> (Baseline, Facts) {
    let optional = |r: &mut Random, namespace| r.percent(50).then(|| peer(r, namespace));
    let baseline = Baseline {
        deny: *r.pick(&[Deny::Ingress, Deny::Egress, Deny::All]),
        dns: *r.pick(&[Dns::Auto, Dns::Namespace, Dns::None]),
        ingress_controller: optional(r, "ingress-nginx"),
        monitoring: optional(r, "monitoring"),
        same_namespace: r.percent(50),
        both_sides: r.percent(50),
        ..Baseline::default()
    };
    let node_local = r.percent(40).then(|| NodeLocal {
        addresses: vec!["169.254.20.10".parse().unwrap()],
        labels: LabelMap::new(),
    });
    let dns = r.percent(60).then(|| DnsFacts {
        service: "kube-system/kube-dns".into(),
        namespace: "kube-system".into(),
        labels: [("k8s-app".to_owned(), "kube-dns".to_owned())].into(),
        ports: vec!["53/UDP".parse().unwrap(), "5353/TCP".parse().unwrap()],
        node_local,
    });
    let mut egress: Vec<Destination> = Vec::new();
    for at in 0..r.below(3) {
        let who = if r.percent(30) {
            Who::Address(format!("203.0.113.{}", at + 7).parse().unwrap())
        } else {
            Who::Service {
                namespace: (*r.pick(&["other", "monitoring"])).to_owned(),
                name: format!("service-{at}"),
                labels: [label(r)].into(),
            }
        };
        egress.push(Destination { label: "somewhere".into(), who, ports: ports(r) });
    }
    (baseline, Facts { dns, egress, ..Facts::default() })
}

fn rules(objects: &[Value], policies: &[Value], enforcer: &Enforcer) -> (Snapshot, Ruleset) {
    let all: Vec<String> = objects.iter().chain(policies).map(Value::to_string).collect();
    let (objects, warnings) = decode_text(all.join("\n---\n").into(), Path::new("in"), "home");
    assert!(warnings.is_empty(), "{warnings:?}");
    let (mut snapshot, written) = objects.assemble();
    snapshot.pod_cidrs = vec!["10.0.0.0/16".parse::<IpNet>().unwrap()];
    let rules = Ruleset::compile(&written, &snapshot, enforcer);
    assert!(rules.rejected.is_empty(), "{:?}", rules.rejected);
    (snapshot, rules)
}

/// Every flow between two pods, and between a pod and an address outside.
fn flows(snapshot: &Snapshot) -> Vec<Flow> {
    let pods = (0..snapshot.pods().len()).map(Endpoint::Pod);
    let outside = ["203.0.113.7", "203.0.113.8"].map(|ip| Endpoint::Address(ip.parse().unwrap()));
    let ends: Vec<Endpoint> = pods.chain(outside).collect();
    let mut all = Vec::new();
    for source in &ends {
        for destination in ends.iter().filter(|end| *end != source) {
            for protocol in [Protocol::Tcp, Protocol::Udp] {
                for number in PORTS {
                    all.push(Flow {
                        source: source.clone(),
                        destination: destination.clone(),
                        port: Port { protocol, number },
                        family: Family::V4,
                        through_service: false,
                    });
                }
            }
        }
    }
    all
}

/// docs/bootstrap.md, "In the words of Cilium": with NodeLocal DNSCache the pod's own node is allowed
/// on port 53; an ipBlock with the cache's address means it to no Cilium.
fn is_named(snapshot: &Snapshot, facts: &Facts, flow: &Flow) -> bool {
    let cached = facts.dns.as_ref().is_some_and(|dns| dns.node_local.is_some());
    let on_own_node = match (&flow.source, &flow.destination) {
        (Endpoint::Pod(from), Endpoint::Pod(to)) => {
            let (from, to) = (snapshot.pod(*from), snapshot.pod(*to));
            to.host_network && from.node == to.node
        }
        _ => false,
    };
    cached && on_own_node && flow.port.number == 53
}

fn differs_to_cilium(objects: &[Value], seed: u64) -> Option<String> {
    let mut r = Random::new(seed ^ 0x5eed);
    let wishes = wishes(&mut r);
    let version = *r.pick(&[CiliumVersion::V1_18, CiliumVersion::V1_19, CiliumVersion::V1_20]);
    let enforcer = Enforcer::Cilium(Cilium::new(version));
    let with_proxy = r.percent(50);
    differs(objects, &wishes, &enforcer, (Dialect::Cilium, with_proxy))
}

fn differs_to_calico(objects: &[Value], seed: u64) -> Option<String> {
    let wishes = wishes(&mut Random::new(seed ^ 0x5eed));
    differs(objects, &wishes, &Enforcer::Calico(Calico::default()), (Dialect::Calico, false))
}

fn differs(
    objects: &[Value],
    (baseline, facts): &(Baseline, Facts),
    enforcer: &Enforcer,
    (own, with_proxy): (Dialect, bool),
) -> Option<String> {
    let of = |dialect, dns_proxy| {
        Baseline { dialect, dns_proxy, ..baseline.clone() }.objects("home", facts)
    };
    let plain = of(Dialect::NetworkPolicy, false);
    let own = of(own, with_proxy);
    assert_eq!(plain.len(), own.len());
    let (snapshot, one) = rules(objects, &plain, enforcer);
    let (_, other) = rules(objects, &own, enforcer);
    // What Cilium makes of a name that no pod has, or several have, it makes of it in either.
    let named = |fault: &&Fault| fault.message.contains("Cilium up to 1.19");
    let lints = other.lints.iter().flat_map(|lint| &lint.faults);
    let lints: Vec<&Fault> = lints.filter(|fault| !named(fault)).collect();
    if !lints.is_empty() {
        return Some(format!("not clean: {lints:?}"));
    }
    for flow in flows(&snapshot) {
        let (a, b) = (judge(&snapshot, &one, &flow), judge(&snapshot, &other, &flow));
        let named = enforcer.cilium().is_some()
            && is_named(&snapshot, facts, &flow)
            && b.verdict == Verdict::Allowed;
        if a.verdict != b.verdict && !named {
            return Some(format!(
                "{flow:?}: {:?} by NetworkPolicies, {:?} by its own\n{plain:#?}\n{own:#?}",
                a.verdict, b.verdict
            ));
        }
        let conditional = !b.egress.conditions.is_empty() || !b.ingress.conditions.is_empty();
        if conditional && !with_proxy {
            return Some(format!("{flow:?}: conditional without the proxy"));
        }
    }
    None
}

#[test]
fn both_dialects_of_a_baseline_mean_the_same_to_cilium() {
    hold(250, cluster, differs_to_cilium);
}

#[test]
fn both_dialects_of_a_baseline_mean_the_same_to_calico() {
    hold(250, cluster, differs_to_calico);
}
