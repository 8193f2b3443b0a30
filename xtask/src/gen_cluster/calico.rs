//! NetworkPolicies of Kubernetes in the words of Calico, which mean the same.
//!
//! In: `spec` of a NetworkPolicy as the shapes make it. Out: that of one of `projectcalico.org/v3`, with
//! one rule for each peer and protocol. Source: docs/semantics/calico.md#rules and
//! docs/semantics/calico.md#own-namespace.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The same policy in Calico's words.
pub(super) fn spec(written: &Value) -> Value {
    let types = written["policyTypes"].as_array().cloned();
    let mut spec = json!({
        "selector": selector(&written["podSelector"]).unwrap_or_else(|| "all()".to_owned()),
        "types": types.unwrap_or_else(|| vec!["Ingress".into()]),
    });
    for (direction, peers, side) in [("ingress", "from", "source"), ("egress", "to", "destination")]
    {
        let rules = items(&written[direction]).flat_map(|rule| of_rule(rule, peers, side));
        let rules: Vec<Value> = rules.collect();
        if !rules.is_empty() {
            spec[direction] = rules.into();
        }
    }
    spec
}

fn of_rule(rule: &Value, peers: &str, side: &str) -> Vec<Value> {
    let mut sides: Vec<Map<String, Value>> = items(&rule[peers]).map(entity).collect();
    if sides.is_empty() {
        sides.push(Map::new());
    }
    let mut ports: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for item in items(&rule["ports"]) {
        let port = match item["endPort"].as_u64() {
            Some(last) => json!(format!("{}:{last}", item["port"])),
            None => item["port"].clone(),
        };
        ports.entry(item["protocol"].as_str().unwrap_or("TCP")).or_default().push(port);
    }
    let mut all = Vec::new();
    for entity in sides {
        let mut plain = json!({"action": "Allow"});
        if !entity.is_empty() {
            plain[side] = entity.into();
        }
        if ports.is_empty() {
            all.push(plain.clone());
        }
        for (protocol, ports) in &ports {
            let mut rule = plain.clone();
            rule["protocol"] = json!(protocol);
            rule["destination"]["ports"] = json!(ports);
            all.push(rule);
        }
    }
    all
}

fn entity(peer: &Value) -> Map<String, Value> {
    let mut entity = Map::new();
    let block = &peer["ipBlock"];
    if !block.is_null() {
        entity.insert("nets".to_owned(), json!([block["cidr"]]));
        if !block["except"].is_null() {
            entity.insert("notNets".to_owned(), block["except"].clone());
        }
        return entity;
    }
    let spaces = &peer["namespaceSelector"];
    let pods = selector(&peer["podSelector"]);
    if spaces.is_null() {
        entity.insert("selector".to_owned(), pods.unwrap_or_else(|| "all()".to_owned()).into());
        return entity;
    }
    let spaces = selector(spaces).unwrap_or_else(|| "all()".to_owned());
    entity.insert("namespaceSelector".to_owned(), spaces.into());
    entity.extend(pods.map(|pods| ("selector".to_owned(), pods.into())));
    entity
}

/// A selector, where it asks for anything.
fn selector(written: &Value) -> Option<String> {
    let text = |value: &Value| format!("'{}'", value.as_str().unwrap_or_default());
    let labels = written["matchLabels"].as_object().into_iter().flatten();
    let labels = labels.map(|(key, value)| format!("{key} == {}", text(value)));
    let expressions = items(&written["matchExpressions"]).map(|asked| {
        let key = asked["key"].as_str().unwrap_or_default();
        let values: Vec<String> = items(&asked["values"]).map(text).collect();
        let values = values.join(", ");
        match asked["operator"].as_str() {
            Some("In") => format!("{key} in {{{values}}}"),
            Some("NotIn") => format!("{key} not in {{{values}}}"),
            Some("DoesNotExist") => format!("!has({key})"),
            _ => format!("has({key})"),
        }
    });
    let all: Vec<String> = labels.chain(expressions).collect();
    (!all.is_empty()).then(|| all.join(" && "))
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn one_rule_for_each_peer_and_protocol() {
        let spec = super::spec(&json!({
            "podSelector": {"matchLabels": {"app": "a"}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [
                {"podSelector": {}},
                {"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "b"}}},
            ], "ports": [{"port": 80, "endPort": 90}, {"port": "dns", "protocol": "UDP"}]}],
            "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}]}],
        }));
        assert_eq!(
            (&spec["selector"], &spec["types"]),
            (&json!("app == 'a'"), &json!(["Ingress", "Egress"]))
        );
        let rule = |protocol: &str, source: serde_json::Value, port: serde_json::Value| {
            json!({
                "action": "Allow", "protocol": protocol, "source": source,
                "destination": {"ports": [port]},
            })
        };
        let own = json!({"selector": "all()"});
        let other = json!({"namespaceSelector": "all()", "selector": "app == 'b'"});
        assert_eq!(
            spec["ingress"],
            json!([
                rule("TCP", own.clone(), json!("80:90")),
                rule("UDP", own, json!("dns")),
                rule("TCP", other.clone(), json!("80:90")),
                rule("UDP", other, json!("dns")),
            ])
        );
        let out = json!({"nets": ["10.0.0.0/8"], "notNets": ["10.1.0.0/16"]});
        assert_eq!(spec["egress"], json!([{"action": "Allow", "destination": out}]));
    }
}
