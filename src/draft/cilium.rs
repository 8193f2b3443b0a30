//! A draft as a CiliumNetworkPolicy.
//!
//! Source: docs/semantics/cilium-rules.md#absent-and-empty and
//! docs/semantics/cilium-rules.md#elements.

use super::{Dialect, Draft, Peer, Port, Rule, Selector};
use crate::cluster::Protocol;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Map, Value, json};

/// By which selectors see the namespace of a pod.
const NAMESPACE: &str = "k8s:io.kubernetes.pod.namespace";

/// The most ports of an item of `toPorts`.
///
/// Source: docs/semantics/cilium-objects.md#ports-that-are-rejected.
const MOST_PORTS: usize = 40;

impl Draft {
    /// The policy as a CiliumNetworkPolicy.
    pub fn cilium(&self) -> Value {
        let mut spec = Map::new();
        spec.insert("endpointSelector".to_owned(), selector(None, &self.subject));
        for (field, side, rules) in
            [("ingress", "from", &self.ingress), ("egress", "to", &self.egress)]
        {
            if let Some(rules) = rules {
                spec.insert(field.to_owned(), elements(side, rules));
            }
        }
        json!({
            "apiVersion": Dialect::Cilium.kind().api_version(),
            "kind": Dialect::Cilium.kind().api_kind(),
            "metadata": self.metadata(),
            "spec": spec,
        })
    }
}

/// The elements of a direction.
///
/// One element without any field isolates and allows nothing: the section is there, and there is no
/// peer or port to allow (`mergeL4Filter` in Cilium's pkg/policy, 1.18 to 1.20). An empty list would
/// count as absent, and the agent would reject the object. `enableDefaultDeny` is left out: it is
/// true unless it is given, and CRDs before 1.16 do not know it.
fn elements(side: &str, rules: &[Rule]) -> Value {
    if rules.is_empty() {
        return json!([{}]);
    }
    rules.iter().flat_map(|rule| of_rule(side, rule)).collect()
}

/// One element for each kind of peer, since an element takes only one.
fn of_rule(side: &str, rule: &Rule) -> Vec<Value> {
    let mut fields: Vec<(String, Vec<Value>)> = Vec::new();
    for peer in &rule.peers {
        let (field, item) = match peer {
            Peer::Pods { namespace, pods } => ("Endpoints", selector(namespace.as_deref(), pods)),
            Peer::AnyPod => ("Endpoints", any_pod()),
            Peer::Block(net) => ("CIDR", net.to_string().into()),
            Peer::Entity(entity) => ("Entities", entity.as_str().into()),
            Peer::Name(name) => ("FQDNs", name_item(name)),
        };
        let field = format!("{side}{field}");
        match fields.iter_mut().find(|(known, _)| *known == field) {
            Some((_, items)) => items.push(item),
            None => fields.push((field, vec![item])),
        }
    }
    let (ports, types): (Vec<Port>, Vec<Port>) =
        rule.ports.iter().cloned().partition(|port| port.protocol.has_ports());
    let to_ports: Vec<Value> =
        ports.chunks(MOST_PORTS).map(|ports| port_rule(ports, &rule.dns)).collect();
    let icmps: Vec<Value> = types.chunks(MOST_PORTS).map(icmp_rule).collect();
    // An element has ports or types of ICMP; without either it means everything.
    let sections: Vec<Option<(&str, Vec<Value>)>> = match (to_ports.is_empty(), icmps.is_empty()) {
        (true, true) => vec![None],
        (false, true) => vec![Some(("toPorts", to_ports))],
        (true, false) => vec![Some(("icmps", icmps))],
        (false, false) => vec![Some(("toPorts", to_ports)), Some(("icmps", icmps))],
    };
    let element = |(field, items): &(String, Vec<Value>), section: &Option<(&str, Vec<Value>)>| {
        let mut element = Map::from_iter([(field.clone(), items.clone().into())]);
        if let Some((section, values)) = section {
            element.insert((*section).to_owned(), values.clone().into());
        }
        element.into()
    };
    let of_field = |field| sections.iter().map(move |section| element(field, section));
    fields.iter().flat_map(of_field).collect()
}

/// Types of ICMP.
///
/// Source: docs/semantics/cilium-ports.md#icmp.
fn icmp_rule(types: &[Port]) -> Value {
    let field = |port: &Port| {
        let family = if port.protocol == Protocol::IcmpV6 { "IPv6" } else { "IPv4" };
        json!({ "family": family, "type": port.port })
    };
    json!({ "fields": types.iter().map(field).collect::<Vec<_>>() })
}

/// As Cilium itself translates a namespaceSelector without requirements: an empty one would mean the pods of
/// the policy's own namespace.
///
/// Source: docs/semantics/cilium-rules.md#elements.
fn any_pod() -> Value {
    json!({ "matchExpressions": [{ "key": NAMESPACE, "operator": "Exists" }] })
}

fn port_rule(ports: &[Port], dns: &[String]) -> Value {
    let ports: Vec<Value> = ports.iter().map(port).collect();
    if dns.is_empty() {
        return json!({ "ports": ports });
    }
    let names: Vec<Value> = dns.iter().map(|name| name_item(name)).collect();
    json!({ "ports": ports, "rules": { "dns": names } })
}

/// Pods by labels; those of the policy's own namespace unless one is given.
fn selector(namespace: Option<&str>, Selector { labels, absent }: &Selector) -> Value {
    let namespace = namespace.map(|namespace| (NAMESPACE.to_owned(), namespace.into()));
    let labels = labels.iter().map(|(key, value)| (key.clone(), value.as_str().into()));
    let labels: Map<String, Value> = namespace.into_iter().chain(labels).collect();
    let absent = absent.iter().map(|key| json!({ "key": key, "operator": "DoesNotExist" }));
    let absent: Vec<Value> = absent.collect();
    let mut selector = Map::new();
    if !labels.is_empty() {
        selector.insert("matchLabels".to_owned(), labels.into());
    }
    if !absent.is_empty() {
        selector.insert("matchExpressions".to_owned(), absent.into());
    }
    selector.into()
}

fn name_item(name: &str) -> Value {
    if name.contains('*') { json!({ "matchPattern": name }) } else { json!({ "matchName": name }) }
}

fn port(port: &Port) -> Value {
    let number = match &port.port {
        IntOrString::Int(number) => number.to_string(),
        IntOrString::String(name) => name.clone(),
    };
    json!({ "port": number, "protocol": port.protocol.as_str() })
}

#[cfg(test)]
mod tests {
    use super::super::{Entity, tests::pods};
    use super::*;

    /// docs/semantics/cilium-rules.md#absent-and-empty: a direction that is closed has one element
    /// that says nothing, and one that is not spoken of is absent.
    #[test]
    fn closed_is_one_element_that_says_nothing() {
        let draft = Draft { ingress: Some(Vec::new()), ..Draft::new("a", "closed") };
        assert_eq!(draft.cilium()["spec"], json!({ "endpointSelector": {}, "ingress": [{}] }));
    }

    /// docs/semantics/cilium-rules.md#elements: one list of peers an element.
    #[test]
    fn kinds_of_peers_stand_apart() {
        let rule = Rule {
            peers: vec![
                pods(None, &[]),
                Peer::Entity(Entity::Host),
                pods(Some("b"), &[("app", "x")]),
                Peer::Block("2001:db8::1/128".parse().unwrap()),
                Peer::Name("*.example.com".into()),
            ],
            ports: vec![Port::number(Protocol::Tcp, 443)],
            dns: Vec::new(),
        };
        let draft = Draft { egress: Some(vec![rule]), ..Draft::new("a", "out") };
        let ports = json!([{ "ports": [{ "port": "443", "protocol": "TCP" }] }]);
        assert_eq!(
            draft.cilium()["spec"]["egress"],
            json!([
                {
                    "toEndpoints": [
                        {},
                        { "matchLabels": { NAMESPACE: "b", "app": "x" } },
                    ],
                    "toPorts": ports,
                },
                { "toEntities": ["host"], "toPorts": ports },
                { "toCIDR": ["2001:db8::1/128"], "toPorts": ports },
                { "toFQDNs": [{ "matchPattern": "*.example.com" }], "toPorts": ports },
            ])
        );
    }

    /// docs/semantics/cilium-ports.md#icmp: types of ICMP stand apart from ports.
    #[test]
    fn icmp_stands_in_an_element_of_its_own() {
        let ports = vec![
            Port::number(Protocol::Icmp, 8),
            Port::number(Protocol::Tcp, 80),
            Port::number(Protocol::IcmpV6, 128),
        ];
        let rule = Rule { peers: vec![pods(None, &[])], ports, dns: Vec::new() };
        let types = json!([{ "fields": [
            { "family": "IPv4", "type": 8 },
            { "family": "IPv6", "type": 128 },
        ] }]);
        assert_eq!(
            of_rule("from", &rule),
            [
                json!({ "fromEndpoints": [{}],
                    "toPorts": [{ "ports": [{ "port": "80", "protocol": "TCP" }] }] }),
                json!({ "fromEndpoints": [{}], "icmps": types }),
            ]
        );
        let draft = Draft { ingress: Some(vec![rule]), ..Draft::new("a", "ping") };
        assert_eq!(draft.network_policy(), None);
    }

    /// docs/semantics/cilium-objects.md#ports-that-are-rejected: at most 40 ports an item.
    #[test]
    fn many_ports_are_several_items() {
        let ports = (1..=41).map(|number| Port::number(Protocol::Udp, number)).collect();
        let rule = Rule { peers: vec![pods(None, &[])], ports, dns: vec!["*".into()] };
        let items = of_rule("to", &rule)[0]["toPorts"].clone();
        let counts: Vec<_> = items
            .as_array()
            .unwrap()
            .iter()
            .map(|i| i["ports"].as_array().unwrap().len())
            .collect();
        assert_eq!(counts, [40, 1]);
        assert_eq!(items[1]["rules"], json!({ "dns": [{ "matchPattern": "*" }] }));
    }
}
