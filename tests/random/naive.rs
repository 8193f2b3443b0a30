//! A deliberately naive evaluator of one flow, straight from the text of the specification.
//!
//! It reads manifests as JSON, knows only yes and no, and shares no code with the library: slow,
//! obvious and independent. Written from docs/semantics/kubernetes.md and
//! docs/semantics/networkpolicy.md.

use super::naive_rules::{Case, Outcomes, calico, cilium};
use serde_json::Value;
use std::net::IpAddr;

/// One end of a flow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Who<'a> {
    Pod(&'a Value),
    Node(&'a Value),
    Outside(IpAddr),
}

/// One connection between ends of a cluster.
pub(crate) struct NaiveFlow<'a> {
    pub(crate) source: Who<'a>,
    pub(crate) destination: Who<'a>,
    pub(crate) protocol: &'a str,
    pub(crate) port: u64,
    pub(crate) v6: bool,
    pub(crate) through_service: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Allowed,
    Denied,
    /// The specification leaves it to the network plugin, or to it which policy it follows.
    Undefined,
}

/// What else must hold where a flow is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Free,
    OnCondition,
}

/// docs/semantics/kubernetes.md#verdict: both directions must allow. With whether anything else must
/// hold.
pub(crate) fn answer(cluster: &[Value], flow: &NaiveFlow<'_>) -> (Answer, Bound) {
    let [egress, ingress] = sides(cluster, flow);
    let both = [egress.0, ingress.0];
    let answer = if both.contains(&Answer::Denied) {
        Answer::Denied
    } else if both.contains(&Answer::Undefined) {
        Answer::Undefined
    } else {
        Answer::Allowed
    };
    let bound = [egress.1, ingress.1].contains(&Bound::OnCondition);
    (answer, if bound { Bound::OnCondition } else { Bound::Free })
}

/// What egress and what ingress say by themselves.
pub(crate) fn sides(cluster: &[Value], flow: &NaiveFlow<'_>) -> [(Answer, Bound); 2] {
    ["Egress", "Ingress"].map(|direction| one_direction(cluster, flow, direction))
}

fn one_direction(cluster: &[Value], flow: &NaiveFlow<'_>, direction: &str) -> (Answer, Bound) {
    let ingress = direction == "Ingress";
    let (subject, peer) =
        if ingress { (flow.destination, flow.source) } else { (flow.source, flow.destination) };
    let allowed = (Answer::Allowed, Bound::Free);
    // docs/semantics/kubernetes.md#verdict: only pods of the pod network are subjects.
    let Who::Pod(pod) = subject else { return allowed };
    if is_host_network(pod) {
        return allowed;
    }
    // docs/semantics/kubernetes.md#own-address: a pod to itself always; through a Service it is
    // undefined.
    let itself = subject == peer;
    if itself && !flow.through_service {
        return allowed;
    }
    // docs/semantics/cilium-verdicts.md#enforcement-mode.
    let cilium = cilium(cluster);
    if cilium == Some("Never") {
        return allowed;
    }
    let node = &pod["spec"]["nodeName"];
    let own_node = match peer {
        Who::Node(other) => other["metadata"]["name"] == *node,
        Who::Pod(other) => is_host_network(other) && other["spec"]["nodeName"] == *node,
        Who::Outside(_) => false,
    };
    // docs/semantics/kubernetes.md#own-node-to-pod: the resident node, or a host-network pod on it,
    // always reaches the pod.
    if ingress && own_node && cilium.is_none() {
        return allowed;
    }
    // docs/semantics/kubernetes.md#own-address-through-a-service: to itself through a Service network
    // plugins differ, and to its own node the two texts of NetworkPolicy; other policies apply.
    // docs/semantics/calico.md#hosts: to its own node policies are asked.
    let plain = cilium.is_none() && !calico(cluster);
    let spared = itself || (!ingress && own_node && plain);
    let case = Case { cluster, flow, direction, pod, peer, own_node, spared };
    let Outcomes { allow, deny, conditional } = case.outcomes();
    match (allow, deny) {
        (true, false) if conditional => (Answer::Allowed, Bound::OnCondition),
        (true, false) => allowed,
        (true, true) => (Answer::Undefined, Bound::Free),
        _ => (Answer::Denied, Bound::Free),
    }
}

pub(super) fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn is_host_network(pod: &Value) -> bool {
    pod["spec"]["hostNetwork"] == true
}

pub(super) fn namespace_of(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or("default")
}

/// docs/semantics/networkpolicy.md#defaulting. To Cilium every rule that is written counts
/// (docs/semantics/cilium-networkpolicy.md#policytypes), whatever policyTypes has.
pub(super) fn is_isolating(policy: &Value, pod: &Value, direction: &str, cilium: bool) -> bool {
    let spec = &policy["spec"];
    let written = items(&spec["policyTypes"]);
    let in_force = if written.is_empty() {
        direction == "Ingress" || !items(&spec["egress"]).is_empty()
    } else {
        written.iter().any(|word| word == direction)
    };
    (in_force || (cilium && !rules_of(policy, direction).is_empty()))
        && namespace_of(policy) == namespace_of(pod)
        && selector_matches(&spec["podSelector"], |key| label(pod, key))
}

pub(super) fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["labels"][key].as_str()
}

/// `kubernetes.io/metadata.name` is on every namespace, written or not.
pub(super) fn namespace_label<'a>(
    cluster: &'a [Value],
    namespace: &'a str,
    key: &str,
) -> Option<&'a str> {
    if key == "kubernetes.io/metadata.name" {
        return Some(namespace);
    }
    let written = cluster
        .iter()
        .find(|object| object["kind"] == "Namespace" && object["metadata"]["name"] == namespace)?;
    label(written, key)
}

pub(crate) fn selector_matches<'a>(
    selector: &Value,
    label: impl Fn(&str) -> Option<&'a str>,
) -> bool {
    let labels = selector["matchLabels"].as_object();
    let labels_hold =
        labels.into_iter().flatten().all(|(key, wanted)| label(key) == wanted.as_str());
    labels_hold
        && items(&selector["matchExpressions"]).iter().all(|expression| {
            let found = label(expression["key"].as_str().unwrap());
            let listed = items(&expression["values"]).iter().any(|v| v.as_str() == found);
            match expression["operator"].as_str().unwrap() {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                other => panic!("operator {other}"),
            }
        })
}

/// A NetworkPolicy's rules of one direction.
pub(super) fn rules_of<'p>(policy: &'p Value, direction: &str) -> &'p [Value] {
    items(if direction == "Ingress" {
        &policy["spec"]["ingress"]
    } else {
        &policy["spec"]["egress"]
    })
}

/// docs/semantics/networkpolicy.md#absent-and-empty: no peers means anyone; items are a union; two
/// selectors in one item are a conjunction.
pub(super) fn allows_peer(
    cluster: &[Value],
    policy: &Value,
    rule: &Value,
    other: Who<'_>,
    v6: bool,
) -> bool {
    let from = items(&rule["from"]);
    let peers = if from.is_empty() { items(&rule["to"]) } else { from };
    peers.is_empty()
        || peers.iter().any(|peer| {
            let block = &peer["ipBlock"];
            if !block.is_null() {
                // docs/semantics/cilium-networkpolicy.md#ipblock-and-pods: only what is outside the
                // cluster.
                if cilium(cluster).is_some() && !matches!(other, Who::Outside(_)) {
                    return false;
                }
                let Some(ip) = address(other, v6) else { return false };
                let cidr = block["cidr"].as_str().unwrap();
                let excepted = items(&block["except"])
                    .iter()
                    .any(|except| in_cidr(ip, except.as_str().unwrap()));
                return in_cidr(ip, cidr) && !excepted;
            }
            let Who::Pod(pod) = other else { return false };
            if is_host_network(pod) {
                return false;
            }
            let namespace = namespace_of(pod);
            let namespace_matches = if peer["namespaceSelector"].is_null() {
                namespace == namespace_of(policy)
            } else {
                selector_matches(&peer["namespaceSelector"], |key| {
                    namespace_label(cluster, namespace, key)
                })
            };
            namespace_matches && selector_matches(&peer["podSelector"], |key| label(pod, key))
        })
}

/// The end's address in one family, if it has one.
pub(crate) fn address(who: Who<'_>, v6: bool) -> Option<IpAddr> {
    let (list, field) = match who {
        Who::Pod(pod) => (&pod["status"]["podIPs"], "ip"),
        Who::Node(node) => (&node["status"]["addresses"], "address"),
        Who::Outside(ip) => return (ip.is_ipv6() == v6).then_some(ip),
    };
    items(list)
        .iter()
        .filter_map(|item| item[field].as_str()?.parse::<IpAddr>().ok())
        .find(|ip| ip.is_ipv6() == v6)
}

/// Whether the first bits agree; host bits of the block do not matter.
pub(crate) fn in_cidr(ip: IpAddr, cidr: &str) -> bool {
    let (net, length) = cidr.split_once('/').unwrap();
    let length: u32 = length.parse().unwrap();
    match (ip, net.parse().unwrap()) {
        (IpAddr::V4(ip), IpAddr::V4(net)) => {
            length == 0 || u32::from(ip) >> (32 - length) == u32::from(net) >> (32 - length)
        }
        (IpAddr::V6(ip), IpAddr::V6(net)) => {
            length == 0 || u128::from(ip) >> (128 - length) == u128::from(net) >> (128 - length)
        }
        _ => false,
    }
}

/// docs/semantics/networkpolicy.md#ports: no ports means all; protocol defaults to TCP; a name is the
/// destination pod's.
pub(super) fn port_matches(cluster: &[Value], ports: &Value, flow: &NaiveFlow<'_>) -> bool {
    let ports = items(ports);
    ports.is_empty()
        || ports.iter().any(|item| {
            if item["protocol"].as_str().unwrap_or("TCP") != flow.protocol {
                return false;
            }
            match &item["port"] {
                Value::Null => true,
                Value::Number(number) => {
                    let first = number.as_u64().unwrap();
                    let last = item["endPort"].as_u64().unwrap_or(first);
                    first <= flow.port && flow.port <= last
                }
                Value::String(name) => serves(cluster, flow, name),
                other => panic!("port {other}"),
            }
        })
}

/// Sidecars' ports count; ports of init containers that end do not. To Cilium only the last port of a name
/// counts, and none of an init container.
///
/// Source: docs/semantics/networkpolicy.md#named-ports and docs/semantics/cilium-ports.md#named-ports.
fn serves(cluster: &[Value], flow: &NaiveFlow<'_>, name: &str) -> bool {
    let Who::Pod(pod) = flow.destination else { return false };
    if is_host_network(pod) {
        return false;
    }
    let spec = &pod["spec"];
    let is_port = |declared: &Value| {
        declared["containerPort"].as_u64() == Some(flow.port)
            && declared["protocol"].as_str().unwrap_or("TCP") == flow.protocol
    };
    let of = |container: &'_ Value| -> Vec<Value> {
        items(&container["ports"]).iter().filter(|it| it["name"] == name).cloned().collect()
    };
    let own: Vec<Value> = items(&spec["containers"]).iter().flat_map(of).collect();
    if cilium(cluster).is_some() {
        return own.last().is_some_and(is_port);
    }
    let sidecars = items(&spec["initContainers"]).iter().filter(|c| c["restartPolicy"] == "Always");
    own.iter().any(is_port) || sidecars.flat_map(of).any(|it| is_port(&it))
}
