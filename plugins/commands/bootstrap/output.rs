//! Objects as text that kubectl takes back.
//!
//! In: objects as the API writes them. Out: YAML documents or JSON, with the fields in the order in
//! which people write them.

use netpol::yaml;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// One document an object.
pub(super) fn yaml_of(objects: &[Value]) -> anyhow::Result<String> {
    let documents: Result<Vec<String>, _> =
        objects.iter().map(|object| yaml::to_string(&Ordered(object))).collect();
    Ok(documents?.join("---\n"))
}

/// Keys in the order in which people write them; any other behind these.
const ORDER: [&str; 35] = [
    "apiVersion",
    "kind",
    "metadata",
    "name",
    "namespace",
    "labels",
    "annotations",
    "spec",
    "tier",
    "namespaceSelector",
    "podSelector",
    "selector",
    "policyTypes",
    "types",
    "action",
    "endpointSelector",
    "from",
    "to",
    "fromEndpoints",
    "fromCIDR",
    "fromEntities",
    "toEndpoints",
    "toCIDR",
    "toEntities",
    "toFQDNs",
    "toPorts",
    "nets",
    "protocol",
    "source",
    "destination",
    "port",
    "ports",
    "rules",
    "ingress",
    "egress",
];

/// An object that is written in that order.
struct Ordered<'a>(&'a Value);

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(fields) => {
                let rank = |key: &str| ORDER.iter().position(|known| *known == key);
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_by_key(|(key, _)| rank(key).unwrap_or(ORDER.len()));
                serializer.collect_map(fields.into_iter().map(|(key, v)| (key, Ordered(v))))
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Ordered)),
            other => other.serialize(serializer),
        }
    }
}

/// The object, or a List of several.
pub(super) fn json_of(mut objects: Vec<Value>) -> anyhow::Result<String> {
    let whole = match objects.len() {
        1 => objects.remove(0),
        _ => serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": objects }),
    };
    Ok(serde_json::to_string_pretty(&Ordered(&whole))? + "\n")
}
