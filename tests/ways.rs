//! Every name and address that leads to an end has the verdict of that end, on random clusters.
//!
//! docs/semantics/services.md#external-ways: where whom policies see as the sender is not known the
//! answer may be Unknown, never the other verdict.

use crate::random::{Random, build, complete_cluster, hold, partial_cluster};
use netpol::cluster::{
    ExternalWays, Node, Origin, Pod, Port, Protocol, Service, ServicePort, Snapshot, TargetPort,
};
use netpol::ends::EndName;
use netpol::policy::Ruleset;
use netpol::verdict::{Question, Verdict, explain};
use serde_json::Value;
use std::net::IpAddr;

/// Pods that each take part as a source.
const SOURCES: usize = 6;

#[test]
fn all_names_of_an_end_have_its_verdict() {
    hold(60, complete_cluster, names_agree);
    hold(60, partial_cluster, names_agree);
}

/// A Service of some type in front of a pod, with everything by which it is reached.
fn service(snapshot: &Snapshot, pod: usize, r: &mut Random) -> Option<Service> {
    let pod = snapshot.pod(pod);
    let selector = (!pod.labels.is_empty()).then(|| pod.labels.clone())?;
    let number = *r.pick(&[80, 443, 8080, 53]);
    Some(Service {
        namespace: pod.namespace.clone(),
        name: "way-in".into(),
        labels: pod.labels.clone(),
        selector: Some(selector),
        ports: vec![ServicePort {
            name: None,
            port: Port { protocol: Protocol::Tcp, number: 8888 },
            target: TargetPort::Number(number),
            node_port: Some(31_111),
        }],
        headless: false,
        cluster_ips: vec!["172.30.9.9".parse().ok()?],
        external_name: None,
        publish_not_ready: r.percent(50),
        external: ExternalWays {
            ips: vec!["198.18.7.1".parse().ok()?],
            load_balancer: vec![("198.18.7.2".parse().ok()?, false)],
            local: r.percent(50),
            ..ExternalWays::default()
        },
        origin: Origin::Synthetic,
    })
}

fn names_agree(cluster: &[Value], seed: u64) -> Option<String> {
    let mut world = build(cluster)?;
    let mut r = Random::new(seed);
    let pods: Vec<usize> = (0..world.snapshot.pods().len()).collect();
    let service = service(&world.snapshot, *pods.get(r.below(pods.len().max(1)))?, &mut r)?;
    let (namespace, local) = (service.namespace.clone(), service.external.local);
    let TargetPort::Number(number) = service.ports[0].target.clone() else { return None };
    // A name for the name, and the pods without an address of their own before them.
    world.snapshot.services.push(Service {
        name: "way-alias".into(),
        selector: None,
        ports: Vec::new(),
        cluster_ips: Vec::new(),
        external_name: Some(format!("way-in.{namespace}.svc.cluster.local").into()),
        external: ExternalWays::default(),
        ..service.clone()
    });
    world.snapshot.services.push(Service {
        name: "way-headless".into(),
        headless: true,
        ports: vec![ServicePort { node_port: None, ..service.ports[0].clone() }],
        cluster_ips: Vec::new(),
        external: ExternalWays::default(),
        ..service.clone()
    });
    world.snapshot.services.push(service);
    world.snapshot.nodes.push(Node {
        name: "way-node".into(),
        labels: [("way", "node")].into_iter().collect(),
        ips: vec!["172.29.9.9".parse().ok()?],
    });
    // An address is of one family, and a name may be of both.
    let has_v4 = |pod: &Pod| pod.ips.is_empty() || pod.ips.iter().any(IpAddr::is_ipv4);
    if !world.snapshot.pods().iter().all(has_v4) {
        return None;
    }
    // docs/semantics/services.md#from-outside: from there it is reached by its addresses.
    for source in ["203.0.113.77", "8.8.8.8"] {
        let ask = |to: &str| verdict(&world.snapshot, &world.rules, source, to);
        let direct = ask(&format!("{namespace}/svc/way-in:8888"));
        for name in ["198.18.7.1:8888", "198.18.7.2:8888", "172.29.9.9:31111"] {
            let got = ask(name);
            if got != direct {
                return Some(format!("{source} → {name}: {got:?}, by its name {direct:?}"));
            }
        }
    }
    for source in r.sample(pods, SOURCES) {
        let pod = world.snapshot.pod(source);
        if pod.finished || pod.template {
            continue;
        }
        let source = format!("{}/pod/{}", pod.namespace, pod.name);
        let ask = |to: &str| verdict(&world.snapshot, &world.rules, &source, to);
        let direct = ask(&format!("{namespace}/svc/way-in:8888"));
        let same = [
            format!("http://way-in.{namespace}.svc.cluster.local:8888/"),
            format!("way-in.{namespace}.svc:8888"),
            "172.30.9.9:8888".to_owned(),
            format!("{namespace}/svc/way-alias:8888"),
            format!("{namespace}/svc/way-headless:{number}"),
            format!("http://way-alias.{namespace}.svc:8888/"),
        ];
        let kept = ["198.18.7.1:8888".to_owned(), "198.18.7.2:8888".to_owned()];
        let open = ["172.29.9.9:31111".to_owned()];
        for (names, exactly) in [(&same[..], true), (&kept[..], local), (&open[..], false)] {
            for name in names {
                let got = ask(name);
                let may_differ = !exactly && got == Ok(Some(Verdict::Unknown));
                // Several pods may mix what is known with what is not.
                let mixed = !exactly && (got == Ok(None) || direct == Ok(None));
                let by_family =
                    !name.contains("svc") && matches!(direct, Ok(None | Some(Verdict::Unknown)));
                let mixed = mixed || by_family;
                if got != direct && !may_differ && !mixed {
                    return Some(format!("{source} → {name}: {got:?}, by its name {direct:?}"));
                }
            }
        }
    }
    None
}

fn verdict(
    snapshot: &Snapshot,
    rules: &Ruleset,
    source: &str,
    destination: &str,
) -> Result<Option<Verdict>, String> {
    let name = |text: &str| text.parse::<EndName>().map_err(|error| error.to_string());
    let (source, destination) = (name(source)?, name(destination)?);
    let question =
        Question { source: &source, destination: &destination, port: None, namespace: "default" };
    let answer = explain(snapshot, rules, &question).map_err(|error| error.to_string());
    Ok(answer?.verdict())
}
