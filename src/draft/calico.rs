//! A draft as a NetworkPolicy of Calico.
//!
//! Source: docs/semantics/calico.md#rules, docs/semantics/calico.md#own-namespace and
//! docs/semantics/calico.md#protocols-and-ports.

use super::{Dialect, Draft, Peer, Port, Rule, Selector};
use crate::cluster::Protocol;
use crate::policy::rule::Direction;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// By which selectors of namespaces see the name.
const NAME: &str = "projectcalico.org/name";

/// The most ports that one side of a rule takes.
///
/// Source: docs/semantics/calico.md#refusals.
const MOST_PORTS: usize = 50;

impl Draft {
    /// The policy as one of Calico's; `None` where it means an entity or a name, for which these have no
    /// words. What the draft says of Cilium's DNS proxy is left out.
    pub fn calico(&self) -> Option<Value> {
        let mut spec = Map::new();
        if let Some(tier) = &self.tier {
            spec.insert("tier".to_owned(), tier.as_str().into());
        }
        spec.insert("selector".to_owned(), selector(&self.subject).into());
        let sides = [(Direction::Ingress, &self.ingress), (Direction::Egress, &self.egress)];
        let mut types: Vec<&str> = Vec::new();
        for (direction, rules) in sides {
            let Some(rules) = rules else { continue };
            types.push(match direction {
                Direction::Ingress => "Ingress",
                Direction::Egress => "Egress",
            });
            let rules = rules.iter().map(|rule| of_rule(direction, rule));
            let rules: Vec<Value> = rules.collect::<Option<Vec<_>>>()?.concat();
            if !rules.is_empty() {
                spec.insert(direction.to_string(), rules.into());
            }
        }
        spec.insert("types".to_owned(), types.into());
        let mut metadata = self.metadata();
        if self.tier.is_none() {
            // Source: docs/semantics/calico.md#versions: what stands before a dot is a tier.
            metadata.name = metadata.name.map(|name| name.replace('.', "-"));
        }
        Some(json!({
            "apiVersion": Dialect::Calico.kind().api_version(),
            "kind": Dialect::Calico.kind().api_kind(),
            "metadata": metadata,
            "spec": spec,
        }))
    }
}

/// One rule for each kind of peer and each protocol, since a rule takes one selector and one protocol.
fn of_rule(direction: Direction, rule: &Rule) -> Option<Vec<Value>> {
    let mut sides: Vec<Map<String, Value>> = Vec::new();
    let mut nets: BTreeMap<bool, Vec<Value>> = BTreeMap::new();
    for peer in &rule.peers {
        match peer {
            Peer::Pods { namespace, pods } => sides.push(entity(namespace.as_deref(), pods)),
            Peer::AnyPod => {
                sides.push(Map::from_iter([("namespaceSelector".to_owned(), "all()".into())]));
            }
            // Networks of both families do not stand in one rule.
            Peer::Block(net) => {
                let v6 = matches!(net, ipnet::IpNet::V6(_));
                nets.entry(v6).or_default().push(net.trunc().to_string().into());
            }
            Peer::Entity(_) | Peer::Name(_) => return None,
        }
    }
    sides.extend(nets.into_values().map(|nets| Map::from_iter([("nets".to_owned(), nets.into())])));
    let (peer, own) = match direction {
        Direction::Ingress => ("source", "destination"),
        Direction::Egress => ("destination", "source"),
    };
    let mut all = Vec::new();
    for side in sides {
        for ports in of_ports(&rule.ports) {
            let mut written = Map::from_iter([("action".to_owned(), "Allow".into())]);
            let mut ends = BTreeMap::from([(peer, side.clone()), (own, Map::new())]);
            if let Some((protocol, ports)) = ports {
                written.insert("protocol".to_owned(), protocol_word(protocol).into());
                if protocol.has_ports() {
                    let end = ends.entry("destination").or_default();
                    end.insert("ports".to_owned(), ports.into());
                } else if let Some(kind) = ports.into_iter().next() {
                    written.insert("icmp".to_owned(), json!({ "type": kind }));
                }
            }
            let ends = ends.into_iter().filter(|(_, end)| !end.is_empty());
            written.extend(ends.map(|(name, end)| (name.to_owned(), end.into())));
            all.push(written.into());
        }
    }
    Some(all)
}

/// The ports by protocol, as many as a rule takes; of ICMP one type each. One item without any: every
/// port.
fn of_ports(ports: &[Port]) -> Vec<Option<(Protocol, Vec<Value>)>> {
    if ports.is_empty() {
        return vec![None];
    }
    let mut by_protocol: BTreeMap<Protocol, Vec<Value>> = BTreeMap::new();
    for Port { protocol, port } in ports {
        by_protocol.entry(*protocol).or_default().push(match port {
            IntOrString::Int(number) => (*number).into(),
            IntOrString::String(name) => name.as_str().into(),
        });
    }
    let each = by_protocol.into_iter().flat_map(|(protocol, ports)| {
        let most = if protocol.has_ports() { MOST_PORTS } else { 1 };
        let chunks: Vec<_> = ports.chunks(most).map(<[Value]>::to_vec).collect();
        chunks.into_iter().map(move |ports| Some((protocol, ports)))
    });
    each.collect()
}

fn protocol_word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::IcmpV6 => "ICMPv6",
        other => other.as_str(),
    }
}

/// Pods by labels; those of the policy's own namespace unless one is given.
fn entity(namespace: Option<&str>, pods: &Selector) -> Map<String, Value> {
    let mut entity = Map::new();
    if let Some(namespace) = namespace {
        let by_name = format!("{NAME} == '{namespace}'");
        entity.insert("namespaceSelector".to_owned(), by_name.into());
    }
    if namespace.is_none() || !pods.is_everything() {
        entity.insert("selector".to_owned(), selector(pods).into());
    }
    entity
}

/// In Calico's language: texts of labels have no quotes in them.
fn selector(Selector { labels, absent }: &Selector) -> String {
    let labels = labels.iter().map(|(key, value)| format!("{key} == '{value}'"));
    let absent = absent.iter().map(|key| format!("!has({key})"));
    let all: Vec<String> = labels.chain(absent).collect();
    if all.is_empty() { "all()".to_owned() } else { all.join(" && ") }
}

#[cfg(test)]
mod tests {
    use super::super::{Entity, tests::pods};
    use super::*;

    /// docs/semantics/calico.md#types: a type without rules closes a direction.
    #[test]
    fn closed_is_a_type_without_rules() {
        let draft = Draft { ingress: Some(Vec::new()), ..Draft::new("a", "closed") };
        let policy = draft.calico().unwrap();
        assert_eq!(policy["apiVersion"], "projectcalico.org/v3");
        assert_eq!(policy["spec"], json!({ "selector": "all()", "types": ["Ingress"] }));
    }

    /// docs/semantics/calico.md#versions: up to 3.31 a dot in a name stands behind that of a tier.
    #[test]
    fn names_have_no_dots_but_that_of_their_tier() {
        let name = |tier: Option<&str>, name: &str| {
            let draft = Draft { tier: tier.map(Into::into), ..Draft::new("a", name) };
            draft.calico().unwrap()["metadata"]["name"].clone()
        };
        assert_eq!(name(None, "allow-egress-to-10.0.0.7-80"), "allow-egress-to-10-0-0-7-80");
        assert_eq!(name(Some("platform"), "platform.allow-web"), "platform.allow-web");
    }

    /// docs/semantics/calico.md#rules: one selector and one protocol a rule, and networks of one family.
    #[test]
    fn peers_and_protocols_stand_apart() {
        let rule = Rule {
            peers: vec![
                pods(None, &[("app", "x")]),
                pods(Some("b"), &[]),
                Peer::Block("10.0.0.0/8".parse().unwrap()),
                Peer::Block("2001:db8::1/128".parse().unwrap()),
            ],
            ports: vec![Port::number(Protocol::Tcp, 53), Port::number(Protocol::Udp, 53)],
            dns: Vec::new(),
        };
        let draft = Draft { egress: Some(vec![rule]), ..Draft::new("a", "out") };
        let policy = draft.calico().unwrap();
        let rules = policy["spec"]["egress"].as_array().unwrap();
        assert_eq!(rules.len(), 8);
        assert_eq!(
            rules[0],
            json!({
                "action": "Allow",
                "protocol": "TCP",
                "destination": { "selector": "app == 'x'", "ports": [53] },
            })
        );
        let peers = rules.iter().step_by(2).map(|rule| {
            let mut peer = rule["destination"].clone();
            peer.as_object_mut().unwrap().remove("ports");
            peer
        });
        let named = "projectcalico.org/name == 'b'";
        assert_eq!(
            peers.collect::<Vec<_>>(),
            [
                json!({ "selector": "app == 'x'" }),
                json!({ "namespaceSelector": named }),
                json!({ "nets": ["10.0.0.0/8"] }),
                json!({ "nets": ["2001:db8::1/128"] }),
            ]
        );
    }

    /// Ports of an ingress rule are those of its destination, the pod itself.
    #[test]
    fn ports_are_the_destinations() {
        let web = Port { protocol: Protocol::Tcp, port: IntOrString::String("web".into()) };
        let peers = vec![pods(None, &[])];
        let rule = Rule { peers, ports: vec![web], dns: Vec::new() };
        let draft = Draft {
            ingress: Some(vec![rule]),
            tier: Some("platform".into()),
            ..Draft::new("a", "in")
        };
        assert_eq!(
            draft.calico().unwrap()["spec"],
            json!({
                "tier": "platform",
                "selector": "all()",
                "types": ["Ingress"],
                "ingress": [{
                    "action": "Allow",
                    "protocol": "TCP",
                    "source": { "selector": "all()" },
                    "destination": { "ports": ["web"] },
                }],
            })
        );
    }

    #[test]
    fn there_are_no_words_for_entities() {
        let rule = Rule { peers: vec![Peer::Entity(Entity::Host)], ..Rule::default() };
        let draft = Draft { egress: Some(vec![rule]), ..Draft::new("a", "out") };
        assert_eq!(draft.calico(), None);
    }
}
