//! A draft as a NetworkPolicy.

use super::{Draft, LabelMap, Peer, Port, Rule, network};
use crate::cluster::NAMESPACE_NAME_LABEL;
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
    NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

impl Draft {
    /// The policy as a NetworkPolicy; `None` where it means an entity or a name, for which these have
    /// no words. What the draft says of Cilium's DNS proxy is left out.
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

/// The rules of a direction; `None`: for a peer there are no words.
fn rules<T>(
    rules: Option<&[Rule]>,
    rule: impl Fn(Vec<NetworkPolicyPeer>, Option<Vec<NetworkPolicyPort>>) -> T,
) -> Option<Vec<T>> {
    let written = rules.unwrap_or_default().iter().map(|of| {
        let peers = of.peers.iter().map(peer).collect::<Option<Vec<_>>>()?;
        let ports = of.ports.iter().map(port).collect();
        Some(rule(peers, (!of.ports.is_empty()).then_some(ports)))
    });
    written.collect()
}

fn peer(peer: &Peer) -> Option<NetworkPolicyPeer> {
    Some(match peer {
        Peer::Pods { namespace: None, labels } => NetworkPolicyPeer {
            pod_selector: Some(selector(labels)),
            ..NetworkPolicyPeer::default()
        },
        Peer::Pods { namespace: Some(namespace), labels } => {
            let by_name = [(NAMESPACE_NAME_LABEL.to_owned(), namespace.clone())].into();
            NetworkPolicyPeer {
                namespace_selector: Some(selector(&by_name)),
                pod_selector: (!labels.is_empty()).then(|| selector(labels)),
                ip_block: None,
            }
        }
        Peer::Address(address) => NetworkPolicyPeer {
            ip_block: Some(IPBlock { cidr: network(*address), except: None }),
            ..NetworkPolicyPeer::default()
        },
        Peer::Entity(_) | Peer::Name(_) => return None,
    })
}

fn selector(labels: &LabelMap) -> LabelSelector {
    let match_labels = (!labels.is_empty()).then(|| labels.clone());
    LabelSelector { match_labels, ..LabelSelector::default() }
}

fn port(port: &Port) -> NetworkPolicyPort {
    NetworkPolicyPort {
        protocol: Some(port.protocol.to_string()),
        port: Some(port.port.clone()),
        end_port: None,
    }
}
