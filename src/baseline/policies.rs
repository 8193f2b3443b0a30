//! From what is wanted to policies, before they take a dialect.

use super::{
    Baseline, BaselinePolicy, Deny, Destination, Dns, DnsFacts, Facts, LabelMap, MANAGED_BY,
    MANAGER, OTHER_SIDE, Peer, WRITTEN_FOR, Who,
};
use crate::cluster::Protocol;
use crate::draft::{self, Dialect, Draft, Entity, Rule, Selector};
use crate::ends::{PortText, PortWanted};
use crate::policy::rule::Direction;
use foldhash::{HashSet, HashSetExt as _};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

/// The policy that allows DNS.
pub(super) const DNS_POLICY: &str = "allow-dns-egress";

/// Where DNS is served as long as nothing else is known.
const DNS_NAMESPACE: &str = "kube-system";

impl Baseline {
    /// The Namespace with its labels.
    pub fn namespace(&self, name: &str) -> Namespace {
        let labels = (!self.labels.is_empty()).then(|| self.labels.clone());
        let metadata = ObjectMeta { name: Some(name.to_owned()), labels, ..ObjectMeta::default() };
        Namespace { metadata, ..Namespace::default() }
    }

    /// The policies of a namespace in the order in which they are to be written: an allow isolates, too,
    /// so DNS comes first and the denials last. With [`Baseline::both_sides`] some are of the namespaces at
    /// the other end.
    pub fn policies(&self, namespace: &str, facts: &Facts) -> Vec<BaselinePolicy> {
        let mut policies = Vec::new();
        let mut add = |name: &str, ingress, egress| {
            let draft = Draft { ingress, egress, ..ours(namespace, name) };
            policies.push(draft.into());
        };
        if self.dns != Dns::None {
            let known = facts.dns.as_ref().filter(|_| self.dns != Dns::Namespace);
            add(DNS_POLICY, None, Some(self.dns_rules(known)));
        }
        if let Some(controller) = &self.ingress_controller {
            let name = format!("allow-{}", controller.namespace);
            add(&name, Some(vec![from_peer(controller)]), None);
        }
        if let Some(monitoring) = &self.monitoring {
            add("allow-monitoring-scrape", Some(vec![from_peer(monitoring)]), None);
        }
        if self.same_namespace {
            // Both directions, since the pods may be isolated in both.
            let everyone = || {
                let peers = vec![draft::Peer::Pods { namespace: None, pods: Selector::default() }];
                Some(vec![Rule { peers, ..Rule::default() }])
            };
            add("allow-same-namespace", everyone(), everyone());
        }
        policies.extend(self.policies.iter().map(|own| {
            let metadata = ObjectMeta {
                name: Some(own.name.clone()),
                namespace: Some(namespace.to_owned()),
                labels: Some(label()),
                ..ObjectMeta::default()
            };
            let spec = Some(own.spec.clone());
            BaselinePolicy::Own(Box::new(NetworkPolicy { metadata, spec }))
        }));
        let (mut ways, mut others) = (Vec::new(), Vec::new());
        for destination in &facts.egress {
            let mut out = Draft {
                egress: Some(vec![to(destination)]),
                ..ours(namespace, &egress_name(destination))
            };
            if self.both_sides
                && let Some(mut other) = other_side(namespace, destination)
            {
                let other_name = format!("{}/{}", other.namespace, other.name);
                let own_name = format!("{namespace}/{}", out.name);
                out.annotations = [(OTHER_SIDE.to_owned(), other_name)].into();
                other.annotations = [(WRITTEN_FOR.to_owned(), own_name)].into();
                join(&mut others, other);
            }
            join(&mut ways, out);
        }
        for known in facts.allowed.iter().filter(|known| !known.peers.is_empty()) {
            let ports: Vec<PortWanted> =
                known.asked.port.iter().filter_map(|port| port.parse().ok()).collect();
            let (peers, ports) = (known.peers.clone(), port_items(&ports));
            let rules = Some(vec![Rule { peers, ports, dns: Vec::new() }]);
            let slug = known.asked.slug();
            let draft = match known.direction {
                Direction::Ingress => {
                    Draft { ingress: rules, ..ours(namespace, &format!("allow-from-{slug}")) }
                }
                Direction::Egress => {
                    Draft { egress: rules, ..ours(namespace, &format!("allow-egress-to-{slug}")) }
                }
            };
            join(&mut ways, draft);
        }
        policies.extend(ways.into_iter().chain(others).map(BaselinePolicy::from));
        let deny = |name: &str, ingress, egress| {
            BaselinePolicy::from(Draft { ingress, egress, ..ours(namespace, name) })
        };
        if self.deny != Deny::Egress {
            policies.push(deny("default-deny-ingress", Some(Vec::new()), None));
        }
        if self.deny != Deny::Ingress {
            policies.push(deny("default-deny-egress", None, Some(Vec::new())));
        }
        in_order(&mut policies);
        policies
    }

    /// The same as the API writes them, in the baseline's dialect.
    pub fn objects(&self, namespace: &str, facts: &Facts) -> Vec<Value> {
        let policies = self.policies(namespace, facts);
        policies.iter().filter_map(|policy| policy.object(self.dialect)).collect()
    }

    pub(super) fn dns_rules(&self, known: Option<&DnsFacts>) -> Vec<Rule> {
        let dns = if self.dns_proxy { vec!["*".to_owned()] } else { Vec::new() };
        let port_53 = draft::Port::dns;
        let Some(DnsFacts { namespace, labels, ports, node_local, .. }) = known else {
            let peers = vec![pods(DNS_NAMESPACE, &LabelMap::new())];
            return vec![Rule { peers, ports: port_53(), dns }];
        };
        let peers = vec![pods(namespace, labels)];
        let mut rules = vec![Rule { peers, ports: port_items(ports), dns: dns.clone() }];
        if let Some(cache) = node_local {
            let by_label = (!cache.labels.is_empty()).then(|| pods(DNS_NAMESPACE, &cache.labels));
            let by_address: Vec<draft::Peer> = match self.dialect {
                Dialect::NetworkPolicy | Dialect::Calico => {
                    cache.addresses.iter().map(|ip| draft::Peer::Block((*ip).into())).collect()
                }
                // Cilium takes what listens in the node's network for the node.
                Dialect::Cilium if cache.addresses.is_empty() => Vec::new(),
                Dialect::Cilium => vec![draft::Peer::Entity(Entity::Host)],
            };
            let peers: Vec<_> = by_label.into_iter().chain(by_address).collect();
            if !peers.is_empty() {
                rules.push(Rule { peers, ports: port_53(), dns });
            }
        }
        rules
    }
}

/// A name that two policies of one namespace have, of which the second would take the place of the first.
pub fn named_twice(policies: &[BaselinePolicy], dialect: Dialect) -> Option<&str> {
    let key = |policy: &BaselinePolicy| {
        let (own, namespace) = match policy {
            // Another kind, where the others are of Cilium or Calico.
            BaselinePolicy::Own(policy) => {
                (dialect != Dialect::NetworkPolicy, policy.metadata.namespace.clone())
            }
            BaselinePolicy::Drafted(draft) => (false, Some(draft.namespace.clone())),
        };
        (own, namespace, policy.name().to_owned())
    };
    let mut seen = HashSet::new();
    policies.iter().find(|policy| !seen.insert(key(policy))).map(BaselinePolicy::name)
}

/// Puts policies in the order in which they are to be written: DNS before whatever else isolates, what allows
/// nothing last.
pub fn in_order(policies: &mut [BaselinePolicy]) {
    policies.sort_by_key(|policy| {
        let rules = [Direction::Ingress, Direction::Egress].map(|way| policy.rules(way));
        let allows = rules.into_iter().flatten().any(|(rules, _)| rules > 0);
        (policy.name() != DNS_POLICY, !allows)
    });
}

/// Adds a policy; of two with one name, such as for two ports of one destination, the rules of both
/// stand in the first, since the later would else take its place.
fn join(policies: &mut Vec<Draft>, more: Draft) {
    let same =
        |draft: &&mut Draft| (&draft.namespace, &draft.name) == (&more.namespace, &more.name);
    let Some(known) = policies.iter_mut().find(same) else {
        policies.push(more);
        return;
    };
    for (rules, new) in [(&mut known.ingress, more.ingress), (&mut known.egress, more.egress)] {
        for rule in new.into_iter().flatten() {
            let rules = rules.get_or_insert_default();
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
    }
}

impl From<Draft> for BaselinePolicy {
    fn from(draft: Draft) -> Self {
        Self::Drafted(Box::new(draft))
    }
}

impl BaselinePolicy {
    /// Its namespace.
    pub fn namespace(&self) -> &str {
        match self {
            Self::Drafted(draft) => &draft.namespace,
            Self::Own(policy) => policy.metadata.namespace.as_deref().unwrap_or_default(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Drafted(draft) => &draft.name,
            Self::Own(policy) => policy.metadata.name.as_deref().unwrap_or_default(),
        }
    }

    /// The policy as the API writes it; an author's own stays what it is. `None` where the dialect
    /// has no words for it.
    pub fn object(&self, dialect: Dialect) -> Option<Value> {
        match self {
            Self::Drafted(draft) => draft.object(dialect),
            Self::Own(policy) => serde_json::to_value(policy).ok(),
        }
    }

    /// The policy as a NetworkPolicy.
    pub fn network_policy(&self) -> Option<NetworkPolicy> {
        match self {
            Self::Drafted(draft) => draft.network_policy(),
            Self::Own(policy) => Some((**policy).clone()),
        }
    }

    /// How many rules it has for a direction, and whether they are about every pod; `None`: it says
    /// nothing of it.
    pub(super) fn rules(&self, direction: Direction) -> Option<(usize, bool)> {
        match self {
            Self::Drafted(draft) => {
                let rules = match direction {
                    Direction::Ingress => &draft.ingress,
                    Direction::Egress => &draft.egress,
                };
                rules.as_ref().map(|rules| (rules.len(), draft.subject.is_everything()))
            }
            Self::Own(policy) => {
                let spec = policy.spec.as_ref()?;
                let (kind, count) = match direction {
                    Direction::Ingress => ("Ingress", spec.ingress.as_ref().map_or(0, Vec::len)),
                    Direction::Egress => ("Egress", spec.egress.as_ref().map_or(0, Vec::len)),
                };
                let speaks = spec.policy_types.iter().flatten().any(|of| of == kind);
                let everyone = LabelSelector::default();
                let every = spec.pod_selector.as_ref().is_none_or(|it| *it == everyone);
                speaks.then_some((count, every))
            }
        }
    }
}

pub(super) fn label() -> LabelMap {
    [(MANAGED_BY.to_owned(), MANAGER.to_owned())].into()
}

/// A policy for every pod of a namespace that carries our label.
fn ours(namespace: &str, name: &str) -> Draft {
    Draft { labels: label(), ..Draft::new(namespace, name) }
}

fn from_peer(peer: &Peer) -> Rule {
    let ports = port_items(&peer.ports);
    Rule { peers: vec![pods(&peer.namespace, &peer.labels)], ports, dns: Vec::new() }
}

fn to(destination: &Destination) -> Rule {
    let peer = match &destination.who {
        Who::Service { namespace, labels, .. } => pods(namespace, labels),
        Who::Address(address) => draft::Peer::Block((*address).into()),
        Who::Name(name) => draft::Peer::Name(name.clone()),
    };
    Rule { peers: vec![peer], ports: port_items(&destination.ports), dns: Vec::new() }
}

fn egress_name(destination: &Destination) -> String {
    match &destination.who {
        Who::Service { namespace, name, .. } => format!("allow-egress-to-{namespace}-{name}"),
        // Of another port it is another policy; colons may not stand in a name.
        Who::Address(address) => {
            let address = format!("allow-egress-to-{address}").replace(':', "-");
            address.trim_end_matches('-').to_owned() + &ending_of(&destination.ports)
        }
        Who::Name(name) => {
            let name = format!("allow-egress-to-{}", name.trim_end_matches('.'));
            name.to_ascii_lowercase() + &ending_of(&destination.ports)
        }
    }
}

/// What tells a policy for some ports from one for others: `-5432`, `-53-udp`.
fn ending_of(ports: &[PortWanted]) -> String {
    let one = |wanted: &PortWanted| {
        let port = match &wanted.port {
            PortText::Number(number) => number.to_string(),
            PortText::Name(name) => name.clone(),
        };
        let protocol = wanted.protocol.filter(|protocol| *protocol != Protocol::Tcp);
        let protocol =
            protocol.map_or_else(String::new, |it| format!("-{it}").to_ascii_lowercase());
        format!("-{port}{protocol}")
    };
    ports.iter().map(one).collect()
}

/// The policy that lets the namespace in at a destination; what is outside has none.
fn other_side(namespace: &str, destination: &Destination) -> Option<Draft> {
    let Who::Service { namespace: there, name, labels } = &destination.who else { return None };
    let rule = Rule {
        peers: vec![pods(namespace, &LabelMap::new())],
        ports: port_items(&destination.ports),
        dns: Vec::new(),
    };
    Some(Draft {
        subject: labels.clone().into(),
        ingress: Some(vec![rule]),
        ..ours(there, &format!("allow-{namespace}-to-{name}"))
    })
}

fn pods(namespace: &str, labels: &LabelMap) -> draft::Peer {
    draft::Peer::Pods { namespace: Some(namespace.to_owned()), pods: labels.clone().into() }
}

fn port_items(ports: &[PortWanted]) -> Vec<draft::Port> {
    let item = |wanted: &PortWanted| draft::Port {
        protocol: wanted.protocol.unwrap_or(Protocol::Tcp),
        port: match &wanted.port {
            PortText::Number(number) => IntOrString::Int((*number).into()),
            PortText::Name(name) => IntOrString::String(name.clone()),
        },
    };
    ports.iter().map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::NodeLocal;
    use crate::yaml;
    use serde_json::json;

    fn spec_of(text: &str) -> Value {
        let document = yaml::split(text).next().unwrap();
        let object: Value = yaml::from_document(&document).unwrap().unwrap();
        object["spec"].clone()
    }

    /// The example is what the seed's page describes.
    #[test]
    fn the_default_is_the_seeds_baseline() {
        let baseline = Baseline { dns: Dns::Namespace, ..Baseline::default() };
        let policies = baseline.objects("default", &Facts::default());
        let expected = [
            include_str!(
                "../../examples/homekube/infrastructure/network-policies/default-deny-ingress.yaml"
            ),
            include_str!(
                "../../examples/homekube/infrastructure/network-policies/allow-dns-egress.yaml"
            ),
        ];
        assert_eq!(policies.len(), expected.len());
        for (policy, expected) in policies.iter().rev().zip(expected) {
            assert_eq!(policy["spec"], spec_of(expected));
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
        let policies = baseline.objects("default", &Facts::default());
        assert_eq!(policies[1]["metadata"]["name"], "allow-ingress-nginx");
        let mut expected = spec_of(include_str!(
            "../../examples/homekube/infrastructure/network-policies/allow-monitoring-scrape.yaml"
        ));
        for port in expected["ingress"][0]["ports"].as_array_mut().unwrap() {
            port["protocol"] = "TCP".into();
        }
        assert_eq!(policies[2]["metadata"]["name"], "allow-monitoring-scrape");
        assert_eq!(policies[2]["spec"], expected);
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
            ..Facts::default()
        };
        let rule = |facts: &Facts, dns| {
            let baseline = Baseline { dns, ..Baseline::default() };
            baseline.objects("a", facts)[0]["spec"]["egress"].clone()
        };
        let strict = &rule(&facts(None), Dns::Auto)[0];
        assert_eq!(
            strict["to"][0]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"],
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
        let policies = baseline.objects("monitoring", &facts);
        let [.., out, inn, _] = &policies[..] else { panic!() };
        let other = &out["metadata"]["annotations"][OTHER_SIDE];
        assert_eq!(other, "identity/allow-monitoring-to-keycloak");
        assert_eq!(inn["metadata"]["namespace"], "identity");
        assert_eq!(inn["metadata"]["name"], "allow-monitoring-to-keycloak");
        let written_for = &inn["metadata"]["annotations"][WRITTEN_FOR];
        assert_eq!(written_for, "monitoring/allow-egress-to-identity-keycloak");
        let one = Baseline::default().objects("monitoring", &facts);
        assert_eq!(one.len(), 3);
        assert!(one[1]["metadata"]["annotations"].is_null());
    }

    /// One name is one policy, so what is asked for one destination stands together.
    #[test]
    fn two_ports_of_one_address_are_two_policies() {
        let to = |who: &str, port: &str| Destination {
            label: who.into(),
            who: Who::Address(who.parse().unwrap()),
            ports: vec![port.parse().unwrap()],
        };
        let egress = vec![
            to("10.0.0.7", "80"),
            to("10.0.0.8", "80"),
            to("10.0.0.7", "443"),
            to("10.0.0.7", "80"),
        ];
        let facts = Facts { egress, ..Facts::default() };
        let policies = Baseline::default().objects("team-a", &facts);
        let [_, one, eight, other, _] = &policies[..] else { panic!("{policies:?}") };
        let told = |policy: &Value| {
            let name = policy["metadata"]["name"].as_str().unwrap().to_owned();
            let rules = policy["spec"]["egress"].as_array().unwrap().clone();
            let ports = rules.iter().map(|rule| rule["ports"][0]["port"].as_u64().unwrap());
            (name, ports.collect::<Vec<_>>())
        };
        let expected = |name: &str, port| (format!("allow-egress-to-10.0.0.{name}"), vec![port]);
        assert_eq!(told(one), expected("7-80", 80));
        assert_eq!(told(eight), expected("8-80", 80));
        assert_eq!(told(other), expected("7-443", 443));
    }

    /// docs/semantics/cilium-rules.md#absent-and-empty and
    /// docs/semantics/cilium-networkpolicy.md#nodelocal-dns: a direction is closed by one element
    /// that says nothing, and a cache on the node's network is the node.
    #[test]
    fn the_same_in_the_words_of_cilium() {
        let cache =
            NodeLocal { addresses: vec!["169.254.20.10".parse().unwrap()], ..NodeLocal::default() };
        let facts = Facts {
            dns: Some(DnsFacts {
                service: "kube-system/kube-dns".into(),
                namespace: "kube-system".into(),
                labels: [("k8s-app".into(), "kube-dns".into())].into(),
                ports: vec!["53/UDP".parse().unwrap(), "53/TCP".parse().unwrap()],
                node_local: Some(cache),
            }),
            egress: vec![Destination {
                label: "login.example.com".into(),
                who: Who::Name("login.example.com".into()),
                ports: vec!["443".parse().unwrap()],
            }],
            ..Facts::default()
        };
        let baseline = Baseline {
            deny: Deny::All,
            dialect: Dialect::Cilium,
            dns_proxy: true,
            same_namespace: true,
            ..Baseline::default()
        };
        let objects = baseline.objects("a", &facts);
        let specs: Vec<_> = objects.iter().map(|object| object["spec"].clone()).collect();
        let to_ports = json!([{
            "ports": [{"port": "53", "protocol": "UDP"}, {"port": "53", "protocol": "TCP"}],
            "rules": {"dns": [{"matchPattern": "*"}]},
        }]);
        let dns = json!({
            "k8s-app": "kube-dns", "k8s:io.kubernetes.pod.namespace": "kube-system",
        });
        assert_eq!(
            specs,
            [
                json!({"endpointSelector": {}, "egress": [
                    {"toEndpoints": [{"matchLabels": dns}], "toPorts": to_ports},
                    {"toEntities": ["host"], "toPorts": to_ports},
                ]}),
                json!({
                    "endpointSelector": {},
                    "ingress": [{"fromEndpoints": [{}]}],
                    "egress": [{"toEndpoints": [{}]}],
                }),
                json!({"endpointSelector": {}, "egress": [{
                    "toFQDNs": [{"matchName": "login.example.com"}],
                    "toPorts": [{"ports": [{"port": "443", "protocol": "TCP"}]}],
                }]}),
                json!({"endpointSelector": {}, "ingress": [{}]}),
                json!({"endpointSelector": {}, "egress": [{}]}),
            ]
        );
        let metadata = json!({
            "name": "allow-dns-egress", "namespace": "a",
            "labels": {"app.kubernetes.io/managed-by": "kubectl-netpol"},
        });
        assert_eq!(objects[0]["metadata"], metadata);
        assert_eq!(
            (&objects[0]["apiVersion"], &objects[0]["kind"]),
            (&json!("cilium.io/v2"), &json!("CiliumNetworkPolicy"))
        );
    }
}
