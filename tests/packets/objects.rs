//! Random clusters as an API server and the daemon take them.
//!
//! In: the generators of written objects. Out: a [`Cluster`]: what is written, and what is stored, where
//! ClusterNetworkPolicies became the kinds that the daemon knows, AdminNetworkPolicy and
//! BaselineAdminNetworkPolicy of v1alpha1.

use crate::oracles::readable;
use crate::random::{Random, with_administrators, with_network_policies};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// One cluster.
pub(super) struct Cluster {
    /// As somebody wrote it.
    pub(super) written: Vec<Value>,
    /// As the API server gets it; the same where no administrator has a policy.
    pub(super) stored: Vec<Value>,
}

/// A cluster that an API server takes; none where this seed has one that it would refuse.
pub(super) fn cluster(seed: u64, administrators: bool) -> Option<Cluster> {
    let generate = if administrators { with_administrators } else { with_network_policies };
    let mut written = generate(&mut Random::new(seed));
    // The API server has endpoints of its own.
    written.retain(|object| object["kind"] != "EndpointSlice");
    only_one_baseline(&mut written);
    for object in written.iter_mut().filter(|it| it["kind"] == "ClusterNetworkPolicy") {
        without_names_of_ports_elsewhere(object);
    }
    for object in written.iter_mut().filter(|object| object["kind"] == "Pod") {
        acceptable(object);
    }
    let stored: Vec<Value> = written.iter().map(stored).collect();
    (readable(&written) && readable(&stored)).then_some(Cluster { written, stored })
}

/// Containers have names of their own, and no two on a node's network have one port.
fn acceptable(pod: &mut Value) {
    let host = pod["spec"]["hostNetwork"] == true;
    let mut taken = BTreeSet::new();
    let containers = pod["spec"]["containers"].as_array_mut();
    for (i, container) in containers.into_iter().flatten().enumerate() {
        container["name"] = json!(format!("c{i}"));
        let Some(ports) = container["ports"].as_array_mut() else { continue };
        ports.retain(|port| {
            let protocol = port["protocol"].as_str().unwrap_or("TCP").to_owned();
            taken.insert((protocol, port["containerPort"].as_u64())) || !host
        });
    }
}

/// There can be one BaselineAdminNetworkPolicy, so there is one policy of that tier.
fn only_one_baseline(cluster: &mut Vec<Value>) {
    let mut seen = false;
    cluster.retain(|object| {
        let baseline = object["spec"]["tier"] == "Baseline";
        !baseline || !std::mem::replace(&mut seen, true)
    });
}

/// The schema of v1alpha1 refuses a rule with names of ports that leads to nodes or networks.
fn without_names_of_ports_elsewhere(policy: &mut Value) {
    let rules = policy["spec"]["egress"].as_array_mut();
    for rule in rules.into_iter().flatten() {
        let elsewhere = |peer: &Value| peer.get("nodes").or(peer.get("networks")).is_some();
        let to = rule["to"].as_array();
        if !to.is_some_and(|to| to.iter().any(elsewhere)) {
            continue;
        }
        if let Some(protocols) = rule["protocols"].as_array_mut() {
            protocols.retain(|item| item.get("destinationNamedPort").is_none());
        }
        // Without any the rule is for all ports; an empty list is refused.
        if rule["protocols"].as_array().is_none_or(Vec::is_empty)
            && let Some(fields) = rule.as_object_mut()
        {
            fields.remove("protocols");
        }
    }
}

/// The same as a kind of v1alpha1, which says `Allow` and `ports` where v1alpha2 has `Accept` and
/// `protocols`: docs/semantics/admin.md.
fn stored(object: &Value) -> Value {
    if object["kind"] != "ClusterNetworkPolicy" {
        return object.clone();
    }
    let spec = &object["spec"];
    let baseline = spec["tier"] == "Baseline";
    let kind = if baseline { "BaselineAdminNetworkPolicy" } else { "AdminNetworkPolicy" };
    let name = if baseline { json!("default") } else { object["metadata"]["name"].clone() };
    let rules = |side: &str| -> Vec<Value> {
        let of = |rule: &Value| translated(rule, baseline);
        spec[side].as_array().into_iter().flatten().filter_map(of).collect()
    };
    let mut translated = json!({
        "apiVersion": "policy.networking.k8s.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "subject": spec["subject"], "ingress": rules("ingress"), "egress": rules("egress"),
        },
    });
    if !baseline {
        translated["spec"]["priority"] = spec["priority"].clone();
    }
    translated
}

/// A rule of it. The baseline has no `Pass`, after which nothing would follow: it allows.
fn translated(rule: &Value, baseline: bool) -> Option<Value> {
    let mut fields = Map::new();
    let action = match rule["action"].as_str()? {
        "Accept" => "Allow",
        "Pass" if baseline => "Allow",
        other => other,
    };
    fields.insert("action".into(), json!(action));
    for side in ["from", "to"] {
        if let Some(peers) = rule.get(side) {
            fields.insert(side.into(), peers.clone());
        }
    }
    let protocols = rule["protocols"].as_array().filter(|it| !it.is_empty());
    if let Some(protocols) = protocols {
        let ports: Vec<Value> = protocols.iter().filter_map(port).collect();
        fields.insert("ports".into(), json!(ports));
    }
    Some(Value::Object(fields))
}

fn port(item: &Value) -> Option<Value> {
    if let Some(name) = item.get("destinationNamedPort") {
        return Some(json!({"namedPort": name}));
    }
    let (protocol, written) = item.as_object()?.iter().next()?;
    let (protocol, port) = (protocol.to_uppercase(), &written["destinationPort"]);
    Some(match port.get("range") {
        Some(range) => json!({
            "portRange": {"protocol": protocol, "start": range["start"], "end": range["end"]},
        }),
        None => json!({"portNumber": {"protocol": protocol, "port": port["number"]}}),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_of_administrators_become_kinds_that_the_daemon_knows() {
        let rule = json!({
            "action": "Accept",
            "to": [{"networks": ["10.0.0.0/8"]}],
            "protocols": [
                {"tcp": {"destinationPort": {"number": 80}}},
                {"udp": {"destinationPort": {"range": {"start": 53, "end": 81}}}},
                {"destinationNamedPort": "http"},
            ],
        });
        let subject = json!({"namespaces": {}});
        let policy = |tier: &str, action: &str| {
            let mut rule = rule.clone();
            rule["action"] = json!(action);
            json!({
                "kind": "ClusterNetworkPolicy", "metadata": {"name": "c1"},
                "spec": {"tier": tier, "priority": 1, "subject": subject, "egress": [rule]},
            })
        };
        let admin = stored(&policy("Admin", "Pass"));
        assert_eq!(admin["kind"], "AdminNetworkPolicy");
        assert_eq!(admin["spec"]["priority"], 1);
        assert_eq!(admin["spec"]["egress"][0]["action"], "Pass");
        let ports = json!([
            {"portNumber": {"protocol": "TCP", "port": 80}},
            {"portRange": {"protocol": "UDP", "start": 53, "end": 81}},
            {"namedPort": "http"},
        ]);
        assert_eq!(admin["spec"]["egress"][0]["ports"], ports);

        let baseline = stored(&policy("Baseline", "Pass"));
        assert_eq!(baseline["metadata"]["name"], "default");
        assert_eq!(baseline["spec"].get("priority"), None);
        assert_eq!(baseline["spec"]["egress"][0]["action"], "Allow");
    }

    #[test]
    fn a_rule_to_networks_or_nodes_has_no_names_of_ports() {
        let named = json!({"destinationNamedPort": "http"});
        let number = json!({"tcp": {"destinationPort": {"number": 80}}});
        let rule = |to: Value, protocols: &[&Value]| json!({"to": [to], "protocols": protocols});
        let egress = [
            rule(json!({"networks": ["10.0.0.0/8"]}), &[&named, &number]),
            rule(json!({"nodes": {}}), &[&named]),
            rule(json!({"namespaces": {}}), &[&named]),
        ];
        let mut policy = json!({"spec": {"egress": egress}});
        without_names_of_ports_elsewhere(&mut policy);
        let rules = &policy["spec"]["egress"];
        assert_eq!(rules[0]["protocols"], json!([number]));
        assert_eq!(rules[1].get("protocols"), None);
        assert_eq!(rules[2]["protocols"], json!([named]));
    }

    #[test]
    fn a_pod_is_made_one_that_the_api_server_takes() {
        let port = json!({"containerPort": 80});
        let pod = |host: bool| {
            let container = json!({"name": "c", "ports": [port]});
            let mut pod = json!({
                "spec": {"hostNetwork": host, "containers": [container, container]},
            });
            acceptable(&mut pod);
            pod["spec"]["containers"].clone()
        };
        let other = json!([{"name": "c0", "ports": [port]}, {"name": "c1", "ports": [port]}]);
        assert_eq!(pod(false), other);
        assert_eq!(
            pod(true),
            json!([{"name": "c0", "ports": [port]}, {"name": "c1", "ports": []}])
        );
    }
}
