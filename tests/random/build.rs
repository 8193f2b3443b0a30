//! Random manifests as the library's own types.

use super::generate::RUNTIME_LABEL;
use ipnet::IpNet;
use netpol::cluster::{
    ContainerPort, EndpointSlice, Labels, Node, ObjectRef, Origin, Pod, Port, Protocol,
    SliceEndpoint, Snapshot, Workload,
};
use netpol::objects::Objects;
use netpol::policy::networkpolicy::Spec;
use netpol::policy::{Calico, Cilium, CiliumVersion, Enforcement, Enforcer, Ruleset, Written};
use serde_json::Value;

/// A cluster in both forms. `pods[id]` and `nodes[index]` are the manifests of the same objects.
pub(crate) struct World<'a> {
    pub(crate) snapshot: Snapshot,
    pub(crate) rules: Ruleset,
    pub(crate) written: Written,
    pub(crate) pods: Vec<&'a Value>,
    pub(crate) nodes: Vec<&'a Value>,
}

/// `None` where an API server would refuse an object.
pub(crate) fn build(cluster: &[Value]) -> Option<World<'_>> {
    let mut snapshot = Snapshot::default();
    let mut written = Written::default();
    let mut enforcer = Enforcer::default();
    let (mut pods, mut nodes, mut rules_of) = (Vec::new(), Vec::new(), Vec::new());
    for object in cluster {
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str();
        let namespace = metadata["namespace"].as_str().unwrap_or("default");
        match object["kind"].as_str()? {
            "Namespace" => {
                snapshot.add_namespace(name?, &labels(object), Some(Origin::Synthetic));
            }
            "Node" => {
                let ips = items(&object["status"]["addresses"])
                    .filter_map(|a| a["address"].as_str()?.parse().ok());
                let ips = ips.collect();
                snapshot.nodes.push(Node { name: name?.into(), labels: labels(object), ips });
                nodes.push(object);
            }
            "Pod" => {
                pods.push(object);
                let owner = metadata["annotations"]["workload"].as_str();
                let owner = owner.map(|name| workload(&mut snapshot, namespace, name));
                snapshot.add_pod(Pod { owner, ..pod(object, namespace, name?)? });
            }
            "NetworkPolicy" => {
                let spec = match &object["spec"] {
                    Value::Null => Spec::default(),
                    spec => serde_json::from_value(spec.clone()).ok()?,
                };
                written.objects.push(spec.named(namespace, name?, Origin::Synthetic));
                snapshot.mention_namespace(&namespace.into());
            }
            "UnreadPolicies" => {
                written.unread.network_policies.insert(namespace.into());
            }
            "CiliumNetworkPolicy" => {
                let mut objects = Objects::default();
                assert!(objects.insert_policy(object));
                written.objects.extend(objects.assemble().1.objects);
                snapshot.mention_namespace(&namespace.into());
            }
            "PodNetworks" => {
                let nets = items(&object["cidrs"]).map(|net| net.as_str().unwrap());
                snapshot.pod_cidrs = nets.map(|net| net.parse().unwrap()).collect();
            }
            "UnreadDenials" => {
                written.unread.denials.insert(namespace.into());
            }
            "UnreadClusterWide" => written.unread.cluster_wide = true,
            "Enforcer" => {
                let mut cilium = Cilium::new(CiliumVersion::V1_20);
                cilium.enforcement = match object["enforcement"].as_str().unwrap_or_default() {
                    "Always" => Enforcement::Always,
                    "Never" => Enforcement::Never,
                    _ => Enforcement::Default,
                };
                cilium.node_reaches_own_pods = object["allowLocalhost"] != "policy";
                enforcer = Enforcer::Cilium(cilium);
            }
            "ApiServer" => {
                let nets = items(&object["cidrs"]).map(|net| net.as_str().unwrap());
                let addresses = nets.map(|net| net.parse::<IpNet>().unwrap().addr()).collect();
                snapshot.endpoint_slices.push(EndpointSlice {
                    kept: false,
                    namespace: "default".into(),
                    service: "kubernetes".into(),
                    ports: Vec::new(),
                    endpoints: vec![SliceEndpoint { addresses, pod: None, ready: true }],
                });
            }
            "Calico" => enforcer = Enforcer::Calico(Calico::default()),
            "Rules" => rules_of.push(super::form::policy(object)?),
            other => panic!("kind {other}"),
        }
    }
    // Tiers with names are Calico's, and nobody else's are.
    let calico = enforcer.calico().is_some();
    if rules_of.iter().any(|policy| policy.tier.position().is_some() != calico) {
        return None;
    }
    let mut rules = Ruleset::compile(&written, &snapshot, &enforcer);
    for policy in rules_of {
        rules.add_policy(policy);
    }
    rules.rejected.is_empty().then_some(World { snapshot, rules, written, pods, nodes })
}

/// The index of a workload, which is there from now on.
fn workload(snapshot: &mut Snapshot, namespace: &str, name: &str) -> usize {
    let object = ObjectRef::namespaced("Deployment", namespace, name);
    let known = snapshot.workloads.iter().position(|known| known.object == object);
    known.unwrap_or_else(|| {
        let (selector, replicas, origin) = (None, None, Origin::Synthetic);
        snapshot.workloads.push(Workload { object, selector, replicas, origin });
        snapshot.workloads.len() - 1
    })
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn labels(object: &Value) -> Labels {
    let labels = object["metadata"]["labels"].as_object();
    labels.into_iter().flatten().map(|(k, v)| (k.as_str(), v.as_str().unwrap())).collect()
}

fn pod(object: &Value, namespace: &str, name: &str) -> Option<Pod> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let annotations = &object["metadata"]["annotations"];
    let sidecars = items(&spec["initContainers"]).filter(|c| c["restartPolicy"] == "Always");
    let containers = items(&spec["containers"]).map(|c| (c, false));
    let mut ports = Vec::new();
    for (container, sidecar) in containers.chain(sidecars.map(|c| (c, true))) {
        for port in items(&container["ports"]) {
            let protocol: Protocol = port["protocol"].as_str().unwrap_or("TCP").parse().ok()?;
            let number = u16::try_from(port["containerPort"].as_u64()?).ok()?;
            ports.push(ContainerPort {
                name: port["name"].as_str().map(Into::into),
                port: Port { protocol, number },
                host_port: None,
                sidecar,
            });
        }
    }
    let ips = items(&status["podIPs"]).map(|item| item["ip"].as_str()?.parse().ok());
    let phase = status["phase"].as_str().unwrap_or_default();
    Some(Pod {
        namespace: namespace.into(),
        name: name.into(),
        labels: labels(object),
        unknown_labels: if annotations["runtime-label"] == "true" { &[RUNTIME_LABEL] } else { &[] },
        service_account: spec["serviceAccountName"].as_str().unwrap_or("default").into(),
        ips: ips.collect::<Option<_>>()?,
        ports: ports.into(),
        probes: None,
        host_network: spec["hostNetwork"] == true,
        node: spec["nodeName"].as_str().map(Into::into),
        owner: None,
        template: annotations["template"] == "true",
        ready: true,
        finished: phase == "Succeeded" || phase == "Failed",
        origin: Origin::Synthetic,
    })
}
