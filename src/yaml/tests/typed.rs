//! Typed values, and what is said when they do not fit.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::super::{Document, Error, from_document, from_node, split};
use super::tree;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Policy<'a> {
    #[serde(borrow)]
    name: Option<&'a str>,
    labels: BTreeMap<String, String>,
    spec: Spec,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    ingress: Option<Vec<Rule>>,
    policy_types: Vec<Direction>,
    enabled: bool,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Rule {
    ports: Vec<Port>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Port {
    #[serde(deserialize_with = "int_or_string")]
    port: IntOrString,
    #[serde(rename = "endPort")]
    end_port: Option<u16>,
}

#[derive(Debug, PartialEq, Deserialize)]
enum Direction {
    Ingress,
    Egress,
    Custom(String),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum IntOrString {
    Int(i32),
    String(String),
}

fn int_or_string<'de, D: Deserializer<'de>>(from: D) -> Result<IntOrString, D::Error> {
    let value = IntOrString::deserialize(from)?;
    match value {
        IntOrString::Int(0) => Err(serde::de::Error::custom("port 0 does not exist")),
        value => Ok(value),
    }
}

/// What is said about a policy that does not fit.
fn said(text: &str) -> String {
    from_node::<Policy<'_>>(&tree(text)).unwrap_err().to_string()
}

#[test]
fn structs_read_what_they_know() {
    let root = tree(
        "name: web\nunknown: {a: [1, 2]}\nlabels: {a: b}\nspec:\n  enabled: yes\n  policyTypes: \
         [Ingress, {Custom: x}]\n  ingress:\n  - ports: [{port: 80}, {port: http, endPort: 0x50}]\n",
    );
    let policy: Policy<'_> = from_node(&root).unwrap();
    assert_eq!(policy.name, Some("web"));
    assert_eq!(policy.labels["a"], "b");
    assert!(policy.spec.enabled);
    let types = [Direction::Ingress, Direction::Custom("x".to_owned())];
    assert_eq!(policy.spec.policy_types, types);
    let ports = &policy.spec.ingress.unwrap()[0].ports;
    assert_eq!(ports[0].port, IntOrString::Int(80));
    assert_eq!(ports[1].port, IntOrString::String("http".to_owned()));
    assert_eq!(ports[1].end_port, Some(80));
}

/// Go leaves a field as it is when JSON has null for it.
#[test]
fn null_is_absent() {
    let root = tree("name: ~\nlabels: {a: }\nspec:\n  ingress:\n  policyTypes: null\n  enabled: ~");
    let policy: Policy<'_> = from_node(&root).unwrap();
    assert_eq!(policy.name, None);
    assert_eq!(policy.labels["a"], "");
    assert_eq!(policy.spec, Spec::default());
    assert_eq!(from_node::<Policy<'_>>(&tree("spec:")).unwrap(), Policy::default());
}

/// kubectl: "cannot unmarshal bool into Go struct field … of type string".
#[test]
fn a_string_must_be_one() {
    assert_eq!(
        said("labels:\n  app: yes\n"),
        "line 2, column 8: labels.app: expected a string, found a boolean in YAML (yes): quote it"
    );
    assert_eq!(
        said("labels: {app.kubernetes.io/name: 0755}"),
        "line 1, column 34: labels[app.kubernetes.io/name]: expected a string, found a number in \
         YAML (0755): quote it"
    );
    assert_eq!(
        said("labels: {a: [b]}"),
        "line 1, column 13: labels.a: expected a string, found a list"
    );
}

#[test]
fn errors_name_place_and_path() {
    assert_eq!(
        said("spec:\n  ingress:\n  - ports:\n    - port: 80\n    - port: 0\n"),
        "line 5, column 13: spec.ingress[0].ports[1].port: port 0 does not exist"
    );
    assert_eq!(
        said("spec: {ingress: [{ports: [{port: 80, endPort: 70000}]}]}"),
        "line 1, column 47: spec.ingress[0].ports[0].endPort: expected u16, found integer `70000`"
    );
    assert_eq!(
        said("spec: {ingress: [{ports: [{endPort: 80}]}]}"),
        "line 1, column 27: spec.ingress[0].ports[0]: the field port is missing"
    );
    assert_eq!(said("spec: 7"), "line 1, column 7: spec: expected struct Spec, found integer `7`");
    assert_eq!(
        said("spec: {ingress: {}}"),
        "line 1, column 17: spec.ingress: expected a sequence, found a mapping"
    );
    let error: Error = from_node::<Policy<'_>>(&tree("a: 1\nspec: 7")).unwrap_err();
    assert_eq!((error.line(), error.column(), error.path()), (2, 7, "spec"));
    assert_eq!(error.message(), "expected struct Spec, found integer `7`");
}

/// json: "unsupported value: +Inf" in kubectl.
#[test]
fn infinity_is_refused() {
    let error = from_node::<serde_json::Value>(&tree("a: .inf")).unwrap_err();
    assert!(error.to_string().starts_with("line 1, column 4: a: kubectl takes no such number"));
}

/// `flatten` and `untagged` hand values over by way of serde's own buffer.
#[test]
fn buffered_values_keep_their_kind() {
    #[derive(Debug, Deserialize)]
    struct Flat {
        kind: String,
        #[serde(flatten)]
        rest: BTreeMap<String, serde_json::Value>,
    }
    let root = tree("kind: Pod\na: 1\nb: yes\nc: [~, 0.5]");
    let flat: Flat = from_node(&root).unwrap();
    assert_eq!(flat.kind, "Pod");
    assert_eq!(serde_json::to_string(&flat.rest).unwrap(), r#"{"a":1,"b":true,"c":[null,0.5]}"#);
}

/// The types of the Kubernetes API read the same tree.
#[test]
fn kubernetes_types() {
    use k8s_openapi::api::networking::v1::NetworkPolicy;
    use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

    let root = tree(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a}\nspec:\n  \
         podSelector: {}\n  ingress:\n  - ports: [{port: 80}, {port: http}]\n",
    );
    let policy: NetworkPolicy = from_node(&root).unwrap();
    let ingress = policy.spec.unwrap().ingress.unwrap();
    let ports: Vec<_> = ingress[0].ports.iter().flatten().filter_map(|p| p.port.clone()).collect();
    assert_eq!(ports, [IntOrString::Int(80), IntOrString::String("http".to_owned())]);
}

/// JSON takes a shorter way to the same value.
#[test]
fn documents_of_json_and_of_yaml_are_alike() {
    let from = |text: &str| from_document::<Spec>(&split(text).next().unwrap());
    let expected = Spec { enabled: true, ..Spec::default() };
    assert_eq!(from("enabled: yes"), Ok(Some(expected)));
    for text in [
        r#"{"enabled": true}"#,
        // What `serde_json` alone would refuse.
        r#"{"enabled": false, "enabled": true, "policyTypes": null}"#,
    ] {
        assert!(from(text).unwrap().unwrap().enabled, "{text}");
    }
    let error = from("{\"x\": 1,\n \"enabled\": 7}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2, column 13: enabled: expected a boolean, found integer `7`"
    );
    assert_eq!(from_document::<Spec>(&Document::whole("# c")), Ok(None));
}
