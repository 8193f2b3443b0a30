//! A deliberately naive evaluator of one flow, straight from the text of the specification.
//!
//! It reads manifests as JSON, knows only yes and no, and shares no code with the library: slow,
//! obvious and independent. Section numbers are those of semantics/kubernetes.md.

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
    /// The specification leaves it to the network plugin.
    Undefined,
}

/// Section 1: both directions must allow.
pub(crate) fn answer(cluster: &[Value], flow: &NaiveFlow<'_>) -> Answer {
    let egress = one_direction(cluster, flow, "Egress");
    let ingress = one_direction(cluster, flow, "Ingress");
    if egress == Answer::Denied || ingress == Answer::Denied {
        Answer::Denied
    } else if egress == Answer::Undefined || ingress == Answer::Undefined {
        Answer::Undefined
    } else {
        Answer::Allowed
    }
}

fn one_direction(cluster: &[Value], flow: &NaiveFlow<'_>, direction: &str) -> Answer {
    let ingress = direction == "Ingress";
    let (subject, peer) =
        if ingress { (flow.destination, flow.source) } else { (flow.source, flow.destination) };
    // Section 1: only pods of the pod network are subjects.
    let Who::Pod(pod) = subject else { return Answer::Allowed };
    if is_host_network(pod) {
        return Answer::Allowed;
    }
    // Section 5: a pod to itself always; through a Service it is undefined.
    let itself = subject == peer;
    if itself && !flow.through_service {
        return Answer::Allowed;
    }
    // Section 5: the resident node, or a host-network pod on it, always reaches the pod.
    let node = &pod["spec"]["nodeName"];
    let from_own_node = match peer {
        Who::Node(other) => other["metadata"]["name"] == *node,
        Who::Pod(other) => is_host_network(other) && other["spec"]["nodeName"] == *node,
        Who::Outside(_) => false,
    };
    if ingress && from_own_node {
        return Answer::Allowed;
    }
    // Section 1, step 3.
    let mut isolated = false;
    for policy in cluster.iter().filter(|object| object["kind"] == "NetworkPolicy") {
        if !is_isolating(policy, pod, direction) {
            continue;
        }
        isolated = true;
        let rules = if ingress { &policy["spec"]["ingress"] } else { &policy["spec"]["egress"] };
        for rule in items(rules) {
            let peers = if ingress { &rule["from"] } else { &rule["to"] };
            if peer_matches(cluster, policy, peers, peer, flow.v6)
                && port_matches(&rule["ports"], flow)
            {
                return Answer::Allowed;
            }
        }
    }
    if !isolated {
        Answer::Allowed
    } else if itself || (!ingress && from_own_node) {
        Answer::Undefined
    } else {
        Answer::Denied
    }
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn is_host_network(pod: &Value) -> bool {
    pod["spec"]["hostNetwork"] == true
}

fn namespace_of(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or("default")
}

/// Section 2, "Defaulting".
fn is_isolating(policy: &Value, pod: &Value, direction: &str) -> bool {
    let spec = &policy["spec"];
    let written = items(&spec["policyTypes"]);
    let in_force = if written.is_empty() {
        direction == "Ingress" || !items(&spec["egress"]).is_empty()
    } else {
        written.iter().any(|word| word == direction)
    };
    in_force
        && namespace_of(policy) == namespace_of(pod)
        && selector_matches(&spec["podSelector"], |key| label(pod, key))
}

fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["labels"][key].as_str()
}

/// `kubernetes.io/metadata.name` is on every namespace, written or not.
fn namespace_label<'a>(cluster: &'a [Value], namespace: &'a str, key: &str) -> Option<&'a str> {
    if key == "kubernetes.io/metadata.name" {
        return Some(namespace);
    }
    let written = cluster
        .iter()
        .find(|object| object["kind"] == "Namespace" && object["metadata"]["name"] == namespace)?;
    label(written, key)
}

fn selector_matches<'a>(selector: &Value, label: impl Fn(&str) -> Option<&'a str>) -> bool {
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

/// Section 2: no peers means anyone; items are a union; two selectors in one item are a conjunction.
fn peer_matches(
    cluster: &[Value],
    policy: &Value,
    peers: &Value,
    other: Who<'_>,
    v6: bool,
) -> bool {
    let peers = items(peers);
    peers.is_empty()
        || peers.iter().any(|peer| {
            let block = &peer["ipBlock"];
            if !block.is_null() {
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

/// Section 2: no ports means all; protocol defaults to TCP; a name is the destination pod's.
fn port_matches(ports: &Value, flow: &NaiveFlow<'_>) -> bool {
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
                Value::String(name) => serves(flow, name),
                other => panic!("port {other}"),
            }
        })
}

/// Sidecars' ports count; ports of init containers that end do not.
fn serves(flow: &NaiveFlow<'_>, name: &str) -> bool {
    let Who::Pod(pod) = flow.destination else { return false };
    let spec = &pod["spec"];
    let sidecars = items(&spec["initContainers"]).iter().filter(|c| c["restartPolicy"] == "Always");
    items(&spec["containers"]).iter().chain(sidecars).flat_map(|c| items(&c["ports"])).any(
        |declared| {
            declared["name"] == name
                && declared["containerPort"].as_u64() == Some(flow.port)
                && declared["protocol"].as_str().unwrap_or("TCP") == flow.protocol
        },
    )
}
