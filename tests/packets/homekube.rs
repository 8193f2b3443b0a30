//! HomeKube under the real daemon, tried by `kubectl netpol probe`.
//!
//! In: `examples/homekube` on a real API server; its pods are network namespaces, and whatever `kubectl exec`
//! asks for in one runs in its namespace. Out: nothing where probe saw what it predicted, and what `explain`
//! says of each flow.

use super::connect::{Listeners, Try};
use super::daemon::{Daemons, Setting};
use super::network::{Network, feed, within};
use super::{Asked, network};
use crate::harness::{
    Answer, ControlPlane, HomeKube, control_plane_of_its_own, expect_success, kubelet_of, plugin,
    provided,
};
use netpol::cluster::{Port, Protocol};
use serde_json::{Value, json};
use std::env;
use std::process::Command;

/// The nodes with their addresses in the network; the API server is told where the stand-in listens.
const NODES: [(&str, &str); 2] = [("n1", "192.168.7.1"), ("n2", "192.168.7.2")];

/// docs/packets.md.
#[test]
#[ignore = "cargo xtask packets runs it"]
#[allow(clippy::print_stdout, reason = "the table is the answer")]
fn probe_sees_what_explain_says() {
    if Asked::from_env().is_none() {
        return;
    }
    assert!(network::is_alone(), "`cargo xtask packets` runs this in namespaces of its own");
    let Ok(cluster) = control_plane_of_its_own() else { panic!("no API server") };
    let homekube = HomeKube::on(cluster);
    let cluster = &homekube.cluster;
    let programs = provided("kube-network-policies").unwrap_or_else(|_| panic!("no daemon"));
    let setting = Setting::new(programs.join("kube-network-policies"), cluster);
    for (node, _) in NODES {
        kubelet_of(cluster, node, |pod, command| within(pod, || command.output()));
    }
    let pods = placed(cluster);
    let nodes = NODES.map(|(name, address)| {
        json!({"kind": "Node", "metadata": {"name": name},
            "status": {"addresses": [{"type": "InternalIP", "address": address}]}})
    });
    let objects: Vec<Value> = nodes.into_iter().chain(pods).collect();
    let network = Network::of(&objects);
    let daemons = Daemons::start(&setting, &network, false);
    let _listeners = Listeners::of(&declared(&objects));

    let words = "-A --yes --via bash --max 200 --rate 20 --connect-timeout 2s -o json";
    let told = ask(cluster, &format!("probe {words}"));
    let report = told.json();
    let rows = report["rows"].as_array().expect("rows");
    let count = |of: fn(&Value) -> bool| rows.iter().filter(|row| of(row)).count();
    let (connected, refused) =
        (count(|row| row["seen"] == "Connected"), count(|row| row["seen"] == "Refused"));
    let silent = count(|row| row["seen"] == "Silent");
    println!(
        "HomeKube by probe: {} connections, {connected} connected, {refused} refused, {silent} silent; {} as \
         predicted, {} differ",
        rows.len(),
        report["asPredicted"],
        report["differing"]
    );
    assert!(daemons.judged().is_some(), "a packet got no verdict");
    assert_eq!((told.code, &report["asPredicted"]), (0, &json!(rows.len())), "{}", told.all());
    assert!(connected > 0 && silent > 0, "{}", told.all());
    for row in rows {
        says_the_same(cluster, row);
    }
}

/// The pods that run, each on a node.
fn placed(cluster: &ControlPlane) -> Vec<Value> {
    let pods = || {
        let mut get = cluster.kubectl(cluster.admin());
        let text = expect_success(get.args(["get", "pods", "-A", "-o", "json"]));
        let list: Value = serde_json::from_str(&text).expect("JSON");
        list["items"].as_array().expect("items").clone()
    };
    for (pod, (node, _)) in pods().iter().zip(NODES.iter().cycle()) {
        let (namespace, name) = (text(pod, "namespace"), text(pod, "name"));
        let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node}});
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/binding");
        let mut bind = cluster.kubectl(cluster.admin());
        feed(bind.args(["create", "--raw", &path, "-f", "-"]), &binding.to_string());
    }
    pods()
}

/// What pods say that they listen at.
fn declared(objects: &[Value]) -> Vec<Try> {
    let mut all = Vec::new();
    for pod in objects.iter().filter(|object| object["kind"] == "Pod") {
        let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
        let ports = containers.flat_map(|it| it["ports"].as_array().into_iter().flatten());
        for port in ports {
            let udp = port["protocol"] == "UDP";
            let number = port["containerPort"].as_u64().and_then(|it| u16::try_from(it).ok());
            let Some(number) = number else { continue };
            let protocol = if udp { Protocol::Udp } else { Protocol::Tcp };
            let ip = pod["status"]["podIP"].as_str().and_then(|ip| ip.parse().ok());
            let place = text(pod, "name").to_owned();
            all.push(Try {
                from: place.clone(),
                to: place,
                address: ip.expect("an address"),
                port: Port { protocol, number },
            });
        }
    }
    all
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().expect("a text")
}

/// `kubectl netpol …`, which finds the real kubectl, too.
fn ask(cluster: &ControlPlane, words: &str) -> Answer {
    let mut command: Command = plugin(cluster, &cluster.admin());
    let ours = command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value);
    let both = [ours.expect("a PATH").into(), cluster.programs().to_owned()];
    let path = env::join_paths(both).expect("a PATH");
    command.env("PATH", path).arg("netpol").args(words.split_whitespace());
    Answer::new(&command.output().expect("kubectl runs"), Vec::new())
}

/// `explain`, asked about one connection alone, says what became of it.
fn says_the_same(cluster: &ControlPlane, row: &Value) {
    let (pod, dialled) = (row["pod"].as_str(), row["dialled"].as_str());
    let (pod, dialled) = (pod.expect("a pod"), dialled.expect("an address"));
    let (namespace, name) = pod.split_once('/').expect("a namespace");
    let told =
        ask(cluster, &format!("explain -n {namespace} pod/{name} {dialled}:{}", row["port"]));
    let passed = row["seen"] == "Connected" || row["seen"] == "Refused";
    assert_eq!(told.code, i32::from(!passed), "{row}\n{}", told.all());
}
