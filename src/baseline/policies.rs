//! From what is wanted to NetworkPolicies.

use super::{
    Baseline, Deny, Destination, Dns, DnsFacts, Facts, LabelMap, MANAGED_BY, MANAGER, OTHER_SIDE,
    Peer, Who,
};
use crate::verdict::{PortText, PortWanted};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
    NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::net::IpAddr;

/// The label that every namespace has with its own name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";
/// Where DNS is served as long as nothing else is known.
const DNS_NAMESPACE: &str = "kube-system";
/// The longest name of an object.
const LONGEST_NAME: usize = 253;

impl Baseline {
    /// The Namespace with its labels.
    pub fn namespace(&self, name: &str) -> Namespace {
        let labels = (!self.labels.is_empty()).then(|| self.labels.clone());
        let metadata = ObjectMeta { name: Some(name.to_owned()), labels, ..ObjectMeta::default() };
        Namespace { metadata, ..Namespace::default() }
    }

    /// The policies of a namespace, the denials first. With [`Baseline::both_sides`] the last are
    /// of the namespaces at the other end.
    pub fn policies(&self, namespace: &str, facts: &Facts) -> Vec<NetworkPolicy> {
        let mut policies = Vec::new();
        let mut add = |name: &str, spec| policies.push(policy(namespace, name, spec));
        if self.deny != Deny::Egress {
            add("default-deny-ingress", ingress(Vec::new()));
        }
        if self.deny != Deny::Ingress {
            add("default-deny-egress", egress(Vec::new()));
        }
        if self.dns != Dns::None {
            let known = facts.dns.as_ref().filter(|_| self.dns != Dns::Namespace);
            add("allow-dns-egress", egress(dns_rules(known)));
        }
        if let Some(controller) = &self.ingress_controller {
            let name = format!("allow-{}", controller.namespace);
            add(&name, ingress(vec![from_peer(controller)]));
        }
        if let Some(monitoring) = &self.monitoring {
            add("allow-monitoring-scrape", ingress(vec![from_peer(monitoring)]));
        }
        if self.same_namespace {
            add("allow-same-namespace", within_namespace());
        }
        for own in &self.policies {
            add(&own.name, own.spec.clone());
        }
        let mut others = Vec::new();
        for destination in &facts.egress {
            let mut out = policy(namespace, &egress_name(destination), to(destination));
            if self.both_sides
                && let Some(other) = other_side(namespace, destination)
            {
                let ObjectMeta { namespace, name, .. } = &other.metadata;
                let other_name =
                    [namespace, name].map(|part| part.as_deref().unwrap_or_default()).join("/");
                out.metadata.annotations = Some([(OTHER_SIDE.to_owned(), other_name)].into());
                others.push(other);
            }
            policies.push(out);
        }
        policies.extend(others);
        policies
    }
}

fn policy(namespace: &str, name: &str, spec: NetworkPolicySpec) -> NetworkPolicy {
    NetworkPolicy {
        metadata: ObjectMeta {
            name: Some(name.chars().take(LONGEST_NAME).collect()),
            namespace: Some(namespace.to_owned()),
            labels: Some([(MANAGED_BY.to_owned(), MANAGER.to_owned())].into()),
            ..ObjectMeta::default()
        },
        spec: Some(spec),
    }
}

/// Every pod is isolated from what comes in, but for what the rules admit.
fn ingress(rules: Vec<NetworkPolicyIngressRule>) -> NetworkPolicySpec {
    NetworkPolicySpec {
        pod_selector: Some(LabelSelector::default()),
        policy_types: Some(vec!["Ingress".to_owned()]),
        ingress: (!rules.is_empty()).then_some(rules),
        egress: None,
    }
}

/// As [`ingress`], for what goes out.
fn egress(rules: Vec<NetworkPolicyEgressRule>) -> NetworkPolicySpec {
    NetworkPolicySpec {
        pod_selector: Some(LabelSelector::default()),
        policy_types: Some(vec!["Egress".to_owned()]),
        ingress: None,
        egress: (!rules.is_empty()).then_some(rules),
    }
}

/// Both directions, since the pods may be isolated in both.
fn within_namespace() -> NetworkPolicySpec {
    let everyone =
        || NetworkPolicyPeer { pod_selector: Some(LabelSelector::default()), ..no_peer() };
    NetworkPolicySpec {
        pod_selector: Some(LabelSelector::default()),
        policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
        ingress: Some(vec![NetworkPolicyIngressRule { from: Some(vec![everyone()]), ports: None }]),
        egress: Some(vec![NetworkPolicyEgressRule { to: Some(vec![everyone()]), ports: None }]),
    }
}

fn no_peer() -> NetworkPolicyPeer {
    NetworkPolicyPeer::default()
}

fn dns_rules(known: Option<&DnsFacts>) -> Vec<NetworkPolicyEgressRule> {
    let port_53: Vec<_> = ["UDP", "TCP"].map(port_53).into();
    let Some(DnsFacts { namespace, labels, ports, node_local, .. }) = known else {
        let to = Some(vec![pods(DNS_NAMESPACE, &LabelMap::new())]);
        return vec![NetworkPolicyEgressRule { to, ports: Some(port_53) }];
    };
    let to = Some(vec![pods(namespace, labels)]);
    let mut rules = vec![NetworkPolicyEgressRule { to, ports: port_items(ports) }];
    if let Some(cache) = node_local {
        let by_label = (!cache.labels.is_empty()).then(|| pods(DNS_NAMESPACE, &cache.labels));
        let by_address = cache.addresses.iter().map(|address| block(*address));
        let to: Vec<_> = by_label.into_iter().chain(by_address).collect();
        if !to.is_empty() {
            rules.push(NetworkPolicyEgressRule { to: Some(to), ports: Some(port_53) });
        }
    }
    rules
}

fn port_53(protocol: &str) -> NetworkPolicyPort {
    NetworkPolicyPort {
        protocol: Some(protocol.to_owned()),
        port: Some(IntOrString::Int(53)),
        end_port: None,
    }
}

fn from_peer(peer: &Peer) -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule {
        from: Some(vec![pods(&peer.namespace, &peer.labels)]),
        ports: port_items(&peer.ports),
    }
}

fn to(destination: &Destination) -> NetworkPolicySpec {
    let peer = match &destination.who {
        Who::Service { namespace, labels, .. } => pods(namespace, labels),
        Who::Address(address) => block(*address),
    };
    let ports = port_items(&destination.ports);
    egress(vec![NetworkPolicyEgressRule { to: Some(vec![peer]), ports }])
}

fn egress_name(destination: &Destination) -> String {
    match &destination.who {
        Who::Service { namespace, name, .. } => format!("allow-egress-to-{namespace}-{name}"),
        // Colons may not stand in a name.
        Who::Address(address) => {
            format!("allow-egress-to-{address}").replace(':', "-").trim_end_matches('-').to_owned()
        }
    }
}

/// The policy that lets the namespace in at a destination; an address has none.
fn other_side(namespace: &str, destination: &Destination) -> Option<NetworkPolicy> {
    let Who::Service { namespace: there, name, labels } = &destination.who else { return None };
    let rule = NetworkPolicyIngressRule {
        from: Some(vec![pods(namespace, &LabelMap::new())]),
        ports: port_items(&destination.ports),
    };
    let spec = NetworkPolicySpec { pod_selector: Some(selector(labels)), ..ingress(vec![rule]) };
    Some(policy(there, &format!("allow-{namespace}-to-{name}"), spec))
}

fn pods(namespace: &str, labels: &LabelMap) -> NetworkPolicyPeer {
    let by_name = [(NAMESPACE_NAME.to_owned(), namespace.to_owned())].into();
    NetworkPolicyPeer {
        namespace_selector: Some(selector(&by_name)),
        pod_selector: (!labels.is_empty()).then(|| selector(labels)),
        ip_block: None,
    }
}

fn selector(labels: &LabelMap) -> LabelSelector {
    LabelSelector { match_labels: Some(labels.clone()), ..LabelSelector::default() }
}

fn block(address: IpAddr) -> NetworkPolicyPeer {
    let length = if address.is_ipv4() { 32 } else { 128 };
    let block = IPBlock { cidr: format!("{address}/{length}"), except: None };
    NetworkPolicyPeer { ip_block: Some(block), ..no_peer() }
}

fn port_items(ports: &[PortWanted]) -> Option<Vec<NetworkPolicyPort>> {
    let item = |wanted: &PortWanted| NetworkPolicyPort {
        protocol: Some(wanted.protocol.map_or("TCP", |protocol| protocol.as_str()).to_owned()),
        port: Some(match &wanted.port {
            PortText::Number(number) => IntOrString::Int((*number).into()),
            PortText::Name(name) => IntOrString::String(name.clone()),
        }),
        end_port: None,
    };
    (!ports.is_empty()).then(|| ports.iter().map(item).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::NodeLocal;
    use crate::source::yaml;
    use serde_json::Value;

    fn spec_of(text: &str) -> Value {
        let document = yaml::split(text).next().unwrap();
        let object: Value = yaml::from_document(&document).unwrap().unwrap();
        object["spec"].clone()
    }

    /// The example is what the seed's page describes.
    #[test]
    fn the_default_is_the_seeds_baseline() {
        let baseline = Baseline { dns: Dns::Namespace, ..Baseline::default() };
        let policies = baseline.policies("default", &Facts::default());
        let expected = [
            include_str!(
                "../../examples/homekube/infrastructure/network-policies/default-deny-ingress.yaml"
            ),
            include_str!(
                "../../examples/homekube/infrastructure/network-policies/allow-dns-egress.yaml"
            ),
        ];
        assert_eq!(policies.len(), expected.len());
        for (policy, expected) in policies.iter().zip(expected) {
            assert_eq!(serde_json::to_value(&policy.spec).unwrap(), spec_of(expected));
        }
    }

    #[test]
    fn the_seeds_named_allows() {
        let port = |number| PortWanted { port: PortText::Number(number), protocol: None };
        let prometheus = ("app.kubernetes.io/name".to_owned(), "prometheus".to_owned());
        let baseline = Baseline {
            ingress_controller: Some(Peer {
                namespace: "ingress-nginx".into(),
                labels: LabelMap::new(),
                ports: vec![port(80)],
            }),
            monitoring: Some(Peer {
                namespace: "monitoring".into(),
                labels: [prometheus].into(),
                ports: vec![port(9090), port(8080)],
            }),
            ..Baseline::default()
        };
        let policies = baseline.policies("default", &Facts::default());
        assert_eq!(policies[2].metadata.name.as_deref(), Some("allow-ingress-nginx"));
        let mut expected = spec_of(include_str!(
            "../../examples/homekube/infrastructure/network-policies/allow-monitoring-scrape.yaml"
        ));
        for port in expected["ingress"][0]["ports"].as_array_mut().unwrap() {
            port["protocol"] = "TCP".into();
        }
        assert_eq!(policies[3].metadata.name.as_deref(), Some("allow-monitoring-scrape"));
        assert_eq!(serde_json::to_value(&policies[3].spec).unwrap(), expected);
    }

    #[test]
    fn dns_as_the_cluster_serves_it() {
        let facts = |node_local| Facts {
            dns: Some(DnsFacts {
                service: "openshift-dns/dns-default".into(),
                namespace: "openshift-dns".into(),
                labels: [("dns.operator.openshift.io/daemonset-dns".into(), "default".into())]
                    .into(),
                ports: vec!["5353/UDP".parse().unwrap(), "5353/TCP".parse().unwrap()],
                node_local,
            }),
            egress: Vec::new(),
        };
        let rule = |facts: &Facts, dns| {
            let baseline = Baseline { dns, ..Baseline::default() };
            serde_json::to_value(&baseline.policies("a", facts)[1].spec).unwrap()["egress"].clone()
        };
        let strict = &rule(&facts(None), Dns::Auto)[0];
        assert_eq!(
            strict["to"][0]["namespaceSelector"]["matchLabels"][NAMESPACE_NAME],
            "openshift-dns"
        );
        assert_eq!(strict["ports"][0]["port"], 5353);
        assert_eq!(strict["to"].as_array().unwrap().len(), 1);
        let plain = rule(&facts(None), Dns::Namespace);
        assert_eq!(plain[0]["ports"][1]["port"], 53);
        assert_eq!(rule(&Facts::default(), Dns::Auto), plain);

        let cache =
            NodeLocal { addresses: vec!["169.254.20.10".parse().unwrap()], ..NodeLocal::default() };
        let cached = rule(&facts(Some(cache)), Dns::Strict);
        assert_eq!(cached[1]["to"][0]["ipBlock"]["cidr"], "169.254.20.10/32");
    }

    #[test]
    fn both_sides_name_each_other() {
        let keycloak = Destination {
            label: "identity/svc/keycloak".into(),
            who: Who::Service {
                namespace: "identity".into(),
                name: "keycloak".into(),
                labels: [("app".into(), "keycloak".into())].into(),
            },
            ports: vec!["8080".parse().unwrap()],
        };
        let facts = Facts { egress: vec![keycloak], ..Facts::default() };
        let baseline = Baseline { both_sides: true, ..Baseline::default() };
        let policies = baseline.policies("monitoring", &facts);
        let [.., out, inn] = &policies[..] else { panic!() };
        let other = &out.metadata.annotations.as_ref().unwrap()[OTHER_SIDE];
        assert_eq!(other, "identity/allow-monitoring-to-keycloak");
        assert_eq!(inn.metadata.namespace.as_deref(), Some("identity"));
        assert_eq!(inn.metadata.name.as_deref(), Some("allow-monitoring-to-keycloak"));
        let one = Baseline::default().policies("monitoring", &facts);
        assert_eq!(one.len(), 3);
        assert!(one[2].metadata.annotations.is_none());
    }
}
