//! A draft as a NetworkPolicy.

use super::{Draft, LabelMap, Peer, Port, Rule, Selector};
use crate::cluster::NAMESPACE_NAME_LABEL;
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
    NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

impl Draft {
    /// The policy as a NetworkPolicy; `None` where it means an entity, a name or a type of ICMP, for which
    /// these have no words. What the draft says of Cilium's DNS proxy is left out.
    pub fn network_policy(&self) -> Option<NetworkPolicy> {
        let types = [("Ingress", &self.ingress), ("Egress", &self.egress)];
        let types = types.iter().filter(|(_, rules)| rules.is_some());
        let ingress = rules(self.ingress.as_deref(), |from, ports| NetworkPolicyIngressRule {
            from: Some(from),
            ports,
        })?;
        let egress = rules(self.egress.as_deref(), |to, ports| NetworkPolicyEgressRule {
            to: Some(to),
            ports,
        })?;
        let spec = NetworkPolicySpec {
            pod_selector: Some(selector(&self.subject)),
            policy_types: Some(types.map(|(name, _)| (*name).to_owned()).collect()),
            ingress: (!ingress.is_empty()).then_some(ingress),
            egress: (!egress.is_empty()).then_some(egress),
        };
        Some(NetworkPolicy { metadata: self.metadata(), spec: Some(spec) })
    }
}

/// The rules of a direction; `None`: for a peer or a port there are no words.
fn rules<T>(
    rules: Option<&[Rule]>,
    rule: impl Fn(Vec<NetworkPolicyPeer>, Option<Vec<NetworkPolicyPort>>) -> T,
) -> Option<Vec<T>> {
    let written = rules.unwrap_or_default().iter().map(|of| {
        let peers = of.peers.iter().map(peer).collect::<Option<Vec<_>>>()?;
        let ports = of.ports.iter().map(port).collect::<Option<Vec<_>>>()?;
        Some(rule(peers, (!of.ports.is_empty()).then_some(ports)))
    });
    written.collect()
}

fn peer(peer: &Peer) -> Option<NetworkPolicyPeer> {
    Some(match peer {
        Peer::Pods { namespace: None, pods } => {
            NetworkPolicyPeer { pod_selector: Some(selector(pods)), ..NetworkPolicyPeer::default() }
        }
        Peer::Pods { namespace: Some(namespace), pods } => {
            let by_name: LabelMap = [(NAMESPACE_NAME_LABEL.to_owned(), namespace.clone())].into();
            NetworkPolicyPeer {
                namespace_selector: Some(selector(&by_name.into())),
                pod_selector: (!pods.is_everything()).then(|| selector(pods)),
                ip_block: None,
            }
        }
        Peer::AnyPod => NetworkPolicyPeer {
            namespace_selector: Some(LabelSelector::default()),
            ..NetworkPolicyPeer::default()
        },
        Peer::Block(net) => NetworkPolicyPeer {
            ip_block: Some(IPBlock { cidr: net.to_string(), except: None }),
            ..NetworkPolicyPeer::default()
        },
        Peer::Entity(_) | Peer::Name(_) => return None,
    })
}

fn selector(Selector { labels, absent }: &Selector) -> LabelSelector {
    let absent = absent.iter().map(|key| LabelSelectorRequirement {
        key: key.clone(),
        operator: "DoesNotExist".to_owned(),
        values: None,
    });
    let expressions: Vec<_> = absent.collect();
    LabelSelector {
        match_labels: (!labels.is_empty()).then(|| labels.clone()),
        match_expressions: (!expressions.is_empty()).then_some(expressions),
    }
}

/// A port; `None` for a type of ICMP, for which there are no words.
fn port(port: &Port) -> Option<NetworkPolicyPort> {
    port.protocol.has_ports().then(|| NetworkPolicyPort {
        protocol: Some(port.protocol.to_string()),
        port: Some(port.port.clone()),
        end_port: None,
    })
}
